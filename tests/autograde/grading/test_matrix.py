"""Every answer that the tests know, right or wrong, earns the same points and is told the same words in all three ways:
as a plain object, in the hidden cell of a stock nbgrader run, and through the sandbox with the judge outside."""
import importlib
import inspect
from pathlib import Path

import nbformat
import pytest

from autograde import checks, report
from autograde.grading.runner import Job, Limits, Run, run_all
from tests.autograde.plain import stock

ROOT = Path(__file__).parents[3]


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


def notebooks(chapter, number=2):
    """So many notebooks that together hold all answers, and what is in each: [(exercise, cell, answer)], in its order."""
    setup = nbformat.v4.new_code_cell(setup_of(chapter))
    held = [(exercise, *answer) for exercise, answers in answers_of(chapter).items() for answer in answers]
    for some in (held[part::number] for part in range(number)):
        cells = [setup]
        for exercise, cell, _ in some:
            grading = {"grade": True, "solution": False, "grade_id": f"{exercise.partition('.')[2]}-points"}
            cells += [nbformat.v4.new_code_cell(cell), nbformat.v4.new_code_cell("", metadata={"nbgrader": grading})]
        yield some, nbformat.v4.new_notebook(cells=cells)


def take_each(run, message):
    """As `Run.take`, for an exercise that is asked more than once in a notebook: `results` holds lists."""
    if "exercise" in message:
        run.point_cells[message["cell"]] = message["exercise"]
        run.results.setdefault(message["exercise"], []).append(message["results"])
    else:
        run.outputs[message["cell"]] = message["outputs"]


@pytest.mark.chapter("answers")
@pytest.mark.parametrize("chapter", checks.chapters())
def test_three_ways_agree_on_every_answer(chapter, request, monkeypatch):
    monkeypatch.setattr(Run, "take", take_each)
    weights = request.getfixturevalue("entry_file").read_bytes() if chapter == "challenge" else b""
    jobs = (Job(held, notebook, chapter, seed="0", weights=weights) for held, notebook in notebooks(chapter))
    for job, ran in run_all(jobs, at_once=2, limits=Limits(cell=60, notebook=1200)):
        assert ran.status == "graded", ran.said
        assert not any(ran.outputs.values()), "cells that only define say nothing"
        for exercise, cell, answer in job.key:
            said, printed, points = stock(exercise, answer)
            assert ran.results[exercise].pop(0) == [vars(result) for result in said], (exercise, cell)
            assert printed.splitlines() == [report.line(result) for result in said], (exercise, cell)
            assert points == sum(result.points for result in said), (exercise, cell)
        assert not any(ran.results.values())
