"""Every check passes what is right and fails what is wrong, with a hint that fits; and says the same in all three ways in
which it is asked: of a plain object, in the hidden cell of a stock nbgrader run, through the sandbox with the judge outside."""
import importlib
import inspect
from pathlib import Path

import nbformat
import pytest

from autograde import checks, report
from autograde.checks import Subject
from autograde.grading.runner import Job, Limits, Run, run_all
from tests.autograde.plain import plain, stock

pytestmark = pytest.mark.chapter("answers")
ROOT = Path(__file__).parents[3]
CHAPTERS = checks.chapters()
ANSWERS = {name: importlib.import_module(f"tests.answers.{name}") for name in CHAPTERS}


def cases(kind: str) -> list:
    return [pytest.param(exercise, answer, id=f"{exercise}: {name}")
            for chapter in ANSWERS.values()
            for exercise, answers in getattr(chapter, kind).items() for name, answer in answers.items()]


def checked_exercises() -> list[str]:
    for chapter in CHAPTERS:
        checks.load(chapter)
    return sorted(checks._CHECKS)


@pytest.mark.parametrize("exercise", checked_exercises())
def test_the_reference_earns_every_point(exercise):
    chapter, _, name = exercise.partition(".")
    answer = getattr(importlib.import_module(f"solutions.{chapter}"), name)
    for results in (stock(exercise, answer).results, plain(exercise, answer, 1), plain(exercise, answer, 2)):
        assert all(r.passed for r in results), results
        assert sum(r.points for r in results) == checks.max_score(exercise)


@pytest.mark.parametrize("exercise, answer", cases("RIGHT"))
def test_a_right_answer_earns_every_point(exercise, answer):
    results = stock(exercise, answer).results
    assert all(r.passed for r in results), [r for r in results if not r.passed]


@pytest.mark.parametrize("exercise, answer", cases("WRONG"))
def test_a_wrong_answer_loses_points_and_is_told_why(exercise, answer):
    wrong, words = answer
    failed = [r for r in stock(exercise, wrong).results if not r.passed]
    assert failed
    assert words in " ".join(r.hint for r in failed), [r.hint for r in failed]


@pytest.mark.parametrize("exercise", checked_exercises())
def test_enough_answers_are_known(exercise):
    answers = ANSWERS[exercise.partition(".")[0]]
    assert len(answers.RIGHT[exercise]) >= 2
    assert len(answers.WRONG[exercise]) >= 5


@pytest.mark.parametrize("exercise", checked_exercises())
def test_nothing_and_a_stub_earn_nothing(exercise):
    def stub(*args, **kwargs):
        raise NotImplementedError

    assert sum(r.points for r in checks.run(exercise, None)) == 0
    results = checks.run(exercise, Subject(stub))
    assert sum(r.points for r in results) == 0
    assert {r.hint for r in results} == {"Not written yet."}


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
