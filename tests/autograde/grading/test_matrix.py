"""Every answer that the tests know, right or wrong, earns the same points and is told the same words in all three ways:
as a plain object, in the hidden cell of a stock nbgrader run, and through the sandbox with the judge outside."""
import ast
import importlib
import inspect
import itertools

import nbformat
import pytest

from autograde import checks
from autograde.checks import Subject
from autograde.checks.probe import STAYS, source_of
from autograde.grading.runner import Job, Limits, run_all
from autograde.grading.session import Session
from autograde.writing.release import POINTS_CELL

FUTURE = "from __future__ import annotations\n"


def answers_of(chapter):
    """Exercise -> [(cell that defines the answer, the answer)], the reference first."""
    answers, solutions = (importlib.import_module(f"{package}.{chapter}") for package in ("tests.answers", "solutions"))
    found = {}
    for exercise in answers.RIGHT:
        name = exercise.partition(".")[2]
        right = [(f"{name} = RIGHT[{exercise!r}][{one!r}]", thing) for one, thing in answers.RIGHT[exercise].items()]
        wrong = [(f"{name} = WRONG[{exercise!r}][{one!r}][0]", thing) for one, (thing, _) in answers.WRONG[exercise].items()]
        reference = getattr(solutions, name)
        found[exercise] = [(source_of(reference), reference), *right, *wrong]
    return found


def setup_of(chapter):
    """The module of answers as one cell, in a namespace of its own; what it imports from our packages stands in it."""
    module = importlib.import_module(f"tests.answers.{chapter}")
    texts = []
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in STAYS:
            for alias in node.names:
                thing = getattr(module, alias.asname or alias.name)
                texts.append(f"{source_of(thing).removeprefix(FUTURE)}\n{alias.asname or alias.name} = {thing.__name__}")
        else:
            texts.append(ast.unparse(node))
    source = FUTURE + "\n".join(texts)
    return f"space = {{}}\nexec({source!r}, space)\nRIGHT, WRONG = space['RIGHT'], space['WRONG']"


def notebooks(chapter):
    """Notebooks that together hold all answers (the first to each exercise, then the second, and so on), and what is in
    each: exercise -> (cell, answer)."""
    setup, found = setup_of(chapter), answers_of(chapter)
    for batch in itertools.zip_longest(*found.values()):
        held = {exercise: answer for exercise, answer in zip(found, batch, strict=True) if answer}
        cells = [nbformat.v4.new_code_cell(setup)]
        for exercise, (cell, _) in held.items():
            grading = {"grade": True, "solution": False, "grade_id": f"{exercise.partition('.')[2]}-points"}
            cells += [nbformat.v4.new_code_cell(cell), nbformat.v4.new_code_cell("", metadata={"nbgrader": grading})]
        yield held, nbformat.v4.new_notebook(cells=cells)


def stock_points(exercise, answer):
    """What nbgrader reads as the points of the hidden cell."""
    kernel = Session(60)
    kernel.module.__dict__[exercise.partition(".")[2]] = answer
    *printed, value = kernel.run(POINTS_CELL.format(name="", points=0, id=exercise))
    assert all(output["name"] == "stdout" for output in printed), "nbgrader gives 0 to a cell that writes to stderr"
    return float(value["data"]["text/plain"])


@pytest.mark.parametrize("chapter", checks.chapters())
def test_three_ways_agree_on_every_answer(chapter):
    jobs = (Job(held, notebook, chapter, seed="0") for held, notebook in notebooks(chapter))
    for job, ran in run_all(jobs, at_once=2, limits=Limits(cell=60, notebook=300)):
        assert ran.status == "graded", ran.said
        assert not any(ran.outputs.values()), "cells that only define say nothing"
        for exercise, (cell, answer) in job.key.items():
            plain, judged = checks.run(exercise, Subject(answer)), ran.results[exercise]
            assert judged == [vars(result) for result in plain], (exercise, cell)
            assert stock_points(exercise, answer) == sum(result.points for result in plain), (exercise, cell)
