"""Every answer that the tests know, right or wrong, earns the same points and is told the same words in all three ways:
as a plain object, in the hidden cell of a stock nbgrader run, and through the sandbox with the judge outside."""
import importlib
import inspect
import itertools
from pathlib import Path

import nbformat
import pytest

from autograde import checks, report
from autograde.grading.runner import Job, Limits, run_all
from autograde.grading.session import Session
from autograde.writing.release import POINTS_CELL

ROOT = Path(__file__).parents[3]
checks_run = checks.run


def answers_of(chapter):
    """Exercise -> [(cell that defines the answer, the answer)], the reference first."""
    answers, solutions = (importlib.import_module(f"{package}.{chapter}") for package in ("tests.answers", "solutions"))
    found = {}
    for exercise in answers.RIGHT:
        name = exercise.partition(".")[2]
        right = [(f"{name} = RIGHT[{exercise!r}][{one!r}]", thing) for one, thing in answers.RIGHT[exercise].items()]
        wrong = [(f"{name} = WRONG[{exercise!r}][{one!r}][0]", thing) for one, (thing, _) in answers.WRONG[exercise].items()]
        reference = getattr(solutions, name)
        found[exercise] = [(f"from solutions.{chapter} import {name}", reference), *right, *wrong]
    return found


FINDER = """
import importlib.abc, importlib.util, sys

class Held(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        package = f"{name}.__init__" in SOURCES
        if package or name in SOURCES:
            return importlib.util.spec_from_loader(name, self, is_package=package)

    def exec_module(self, module):
        name = module.__name__
        module.__file__ = f"/held/{name.replace('.', '/')}.py"
        exec(SOURCES.get(f"{name}.__init__") or SOURCES[name], module.__dict__)

sys.meta_path.insert(0, Held())
"""


def setup_of(chapter):
    """The module of answers as one cell, in a namespace of its own; whatever it needs of our packages is held in it."""
    source = inspect.getsource(importlib.import_module(f"tests.answers.{chapter}"))
    inside = [ROOT / "autograde" / "__init__.py", *(ROOT / "autograde" / "checks").glob("*.py"), *(ROOT / "solutions").rglob("*.py")]
    sources = {".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text() for path in inside}
    return f"SOURCES = {sources!r}\n{FINDER}\nspace = {{}}\nexec({source!r}, space)\nRIGHT, WRONG = space['RIGHT'], space['WRONG']"


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


def stock_run(exercise, answer, monkeypatch):
    """What the checks say of an answer as a plain object, asked from within the hidden cell; and what that cell prints, and
    the points that nbgrader reads from it."""
    asked = []
    monkeypatch.setattr(report.checks, "run", lambda *args, **kwargs: asked.append(checks_run(*args, **kwargs)) or asked[-1])
    kernel = Session(60)
    kernel.module.__dict__[exercise.partition(".")[2]] = answer
    *printed, value = kernel.run(POINTS_CELL.format(name="", points=0, id=exercise))
    assert all(output["name"] == "stdout" for output in printed), "nbgrader gives 0 to a cell that writes to stderr"
    (results,) = asked
    return results, "".join(output["text"] for output in printed), float(value["data"]["text/plain"])


@pytest.mark.chapter("answers")
@pytest.mark.parametrize("chapter", checks.chapters())
def test_three_ways_agree_on_every_answer(chapter, request, monkeypatch):
    weights = request.getfixturevalue("entry_file").read_bytes() if chapter == "challenge" else b""
    checks.take_held_back(chapter, "", weights)  # so that all three draw the same noise for the challenge
    jobs = (Job(held, notebook, chapter, seed="0", weights=weights) for held, notebook in notebooks(chapter))
    for job, ran in run_all(jobs, at_once=2, limits=Limits(cell=60, notebook=300)):
        assert ran.status == "graded", ran.said
        assert not any(ran.outputs.values()), "cells that only define say nothing"
        for exercise, (cell, answer) in job.key.items():
            said, printed, points = stock_run(exercise, answer, monkeypatch)
            assert ran.results[exercise] == [vars(result) for result in said], (exercise, cell)
            assert printed.splitlines() == [report.line(result) for result in said], (exercise, cell)
            assert points == sum(result.points for result in said), (exercise, cell)
