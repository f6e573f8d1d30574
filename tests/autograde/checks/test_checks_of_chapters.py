"""Every check passes what is right and fails what is wrong, with a hint that fits."""
import importlib

import pytest

from autograde import checks
from autograde.checks import Subject
from tests.autograde.plain import plain, stock

pytestmark = pytest.mark.chapter("answers")
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
