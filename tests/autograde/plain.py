"""What the checks say of an answer as a plain object, asked once for all the tests of a process."""
from functools import cache
from typing import NamedTuple

import pytest

from autograde import checks
from autograde.checks import Result, Subject
from autograde.grading.session import Session
from autograde.writing.release import POINTS_CELL


class Stock(NamedTuple):
    """What the checks said, what the hidden cell printed, and the points that nbgrader reads from it."""

    results: tuple[Result, ...]
    printed: str
    points: float


@cache
def plain(exercise: str, answer: object, seed: int) -> tuple[Result, ...]:
    return tuple(checks.run(exercise, Subject(answer), seed=seed))


@cache
def stock(exercise: str, answer: object) -> Stock:
    """Asked from within the hidden cell of a stock nbgrader run, with the seed 0."""
    asked, run = [], checks.run
    kernel = Session(60)
    kernel.module.__dict__[exercise.partition(".")[2]] = answer
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "run", lambda *args, **kwargs: asked.append(run(*args, **kwargs)) or asked[-1])
        *printed, value = kernel.run(POINTS_CELL.format(name="", points=0, id=exercise))
    assert all(output["name"] == "stdout" for output in printed), "nbgrader gives 0 to a cell that writes to stderr"
    (results,) = asked
    return Stock(tuple(results), "".join(output["text"] for output in printed), float(value["data"]["text/plain"]))
