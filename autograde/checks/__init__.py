"""Checks: what must hold of an exercise, worth points.

A check is a function of a *subject* (the student's object, behind one small interface) and a *draw* (fresh random
inputs). It compares what the subject computes with the reference solution, and raises `Wrong` where they differ:

    @check("gan_losses.generator_loss", points=1, hint="The generator maximises log D(G(z)): which sign has a loss?")
    def agrees_with_the_reference(subject, draw):
        logits = draw.normal(16)
        assert_close(subject(logits), generator_loss(logits))

The subject is in this process (the tests, a stock nbgrader run) or in a sandbox: the check cannot tell, and is written
once. What it may ask is in `subject`; where one call is not enough it hands over a *probe*, a function of this module
that only computes, whose source travels (see `probe`). What comes back may be forged by a hostile submission. So ask for
values that depend on fresh inputs, compare every one of them here, and let no point hang on a flag, a count or a zero.

One module a chapter; `load(chapter)` imports it, which registers its checks. Where it compares with something that takes
seconds to make, it has a function `make_ready`, which is called once, before many submissions are judged, with what the
checks of the chapter know in their course (`held_back`).
"""
from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from .compare import Wrong, assert_close, is_close
from .contract import breach, gradients, may_change, watch
from .draw import Draw
from .probe import ProbeError
from .subject import Subject

__all__ = ["Check", "Draw", "Result", "Rubric", "Subject", "Wrong", "assert_close", "check", "chapters", "checks_of",
           "gradients", "is_close", "load", "max_score", "may_change", "rubric_of", "run", "written"]


@dataclass(frozen=True)
class Check:
    """One thing that must hold of an exercise. `hint` is shown where it does not and nothing more fitting is known."""

    exercise: str
    title: str
    points: float
    hint: str
    function: Callable[[Subject, Draw], str | None]


@dataclass(frozen=True)
class Rubric:
    """What a person looks for in a written answer."""

    exercise: str
    points: float
    text: str


@dataclass(frozen=True)
class Result:
    """What one check said: `points` earned of `max_points`, and for the student what was seen and a hint; where it passed,
    what the check itself returned, if anything. `note` is for the instructor alone."""

    title: str
    passed: bool
    points: float
    max_points: float
    hint: str = ""
    note: str = ""


class Said(str):
    """What a check returns that passed: words for the student, and a note for the instructor alone."""

    note: str

    def __new__(cls, words: str, note: str = "") -> Said:
        said = super().__new__(cls, words)
        said.note = note
        return said


_TORCH_ERRORS = {  # what torch says, and what it means in a training step
    "modified by an inplace operation":
        "What backward() still needed was written over: by optimizer.step(), which comes after all backward(), or in place, as "
        "by `x *= mask`: make a new tensor, `x = x * mask`.",
    "backward through the graph a second time":
        "Two calls of backward() share a graph: detach what the second one should not pass through.",
    "does not require grad":
        "The graph is cut between the weights and the loss: there is a detach(), .item() or no_grad() too many.",
    "mat1 and mat2 shapes":
        "Two matrices do not fit: a linear layer got a batch of another shape than it was made for, or axes are exchanged.",
}

_CHECKS: dict[str, list[Check]] = {}
_RUBRICS: dict[str, Rubric] = {}


def check(exercise: str, *, points: float, hint: str) -> Callable:
    """Register the decorated function as a check of `exercise` ("chapter.name"); its name, spaced, is the title.

    A trailing underscore in the name is left out of the title: two exercises may have a check of the same title.
    """
    def register(function: Callable[[Subject, Draw], None]) -> Callable:
        title = function.__name__.strip("_").replace("_", " ")
        _CHECKS.setdefault(exercise, []).append(Check(exercise, title, points, hint, function))
        return function
    return register


def written(exercise: str, *, points: float, rubric: str) -> None:
    """Register a written answer, graded by hand along `rubric` (Markdown)."""
    _RUBRICS[exercise] = Rubric(exercise, points, rubric.strip())


def chapters() -> list[str]:
    """Names of the chapters that have checks, e.g. "gan_losses"."""
    around = ("compare", "contract", "draw", "probe", "subject")
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name not in around)


@cache
def load(chapter: str) -> ModuleType:
    """Import the checks of `chapter`; gives their module. Raises LookupError for a chapter that has none."""
    if chapter not in chapters():
        close = difflib.get_close_matches(chapter, chapters(), n=1)
        raise LookupError(f"no checks for {chapter!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    return importlib.import_module(f"{__name__}.{chapter}")


def checks_of(exercise: str) -> list[Check]:
    """The checks of an exercise, in the order in which they were written; none for a written answer."""
    load(exercise.partition(".")[0])
    if exercise not in _CHECKS and exercise not in _RUBRICS:
        close = difflib.get_close_matches(exercise, [*_CHECKS, *_RUBRICS], n=1)
        raise LookupError(f"no exercise {exercise!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    return _CHECKS.get(exercise, [])


def rubric_of(exercise: str) -> Rubric | None:
    """The rubric of a written answer; None for an exercise that is checked."""
    checks_of(exercise)
    return _RUBRICS.get(exercise)


def held_back(chapter: str) -> str:
    """Anew, what the checks of a chapter are to know in one course and nobody else; empty where they need nothing."""
    return getattr(load(chapter), "hold_back", lambda: "")()


def take_held_back(chapter: str, text: str, weights: bytes) -> None:
    """Tell the checks of a chapter what `held_back` has given for the course, and the file that came with a submission."""
    getattr(load(chapter), "take_held_back", lambda text, weights: None)(text, weights)


def max_score(exercise: str) -> float:
    """Points that an exercise is worth."""
    rubric = rubric_of(exercise)
    return rubric.points if rubric else sum(c.points for c in checks_of(exercise))


def run(exercise: str, subject: Subject | None, *, seed: int | str = 0) -> list[Result]:
    """Ask every check of `exercise`; `subject` is None where the submission has no such name.

    The same seed gives the same inputs and so the same points. Who must not foresee them does not know the seed.
    """
    broken: set[str] = set()  # a breach of the contract costs the points of one check
    watched: list[Subject] = []  # one for all checks: a check may keep what it has learnt of it
    results: list[Result] = []
    for one in checks_of(exercise):
        results.append(_run_one(one, subject, seed, broken, watched, first=all(result.passed for result in results)))
    return results


def _run_one(check: Check, subject: Subject | None, seed: int | str, broken: set[str], watched: list[Subject] | None = None, *,
             first: bool = True) -> Result:
    """Ask one check. Where it fails and no known mistake fits, it says what was seen, and only the `first` that fails of an
    exercise says what it is about: what fails after it most often fails for the same reason."""
    topic = f"Is it this? {check.hint}" if first else "Mend what is said above first."
    if subject is None:
        name = check.exercise.partition(".")[2]
        return Result(check.title, False, 0, check.points, f"There is no `{name}` in your notebook. Did its cell run?")
    try:
        watched = [] if watched is None else watched
        watched[:] = watched or [watch(subject)]
        subject = watched[0]
        said = check.function(subject, Draw(f"{check.exercise}/{check.title}/{seed}"))
        if breach_ := breach(subject, check.exercise, broken):
            raise Wrong(hint=breach_)
    except ProbeError:  # a mistake of ours
        raise
    except NotImplementedError:
        return Result(check.title, False, 0, check.points, "Not written yet.")
    except Wrong as wrong:
        hint = wrong.hint or breach(subject, check.exercise, broken) or f"{wrong} {topic}".strip()
        return Result(check.title, False, 0, check.points, hint)
    except Exception as error:  # whatever the student's code raises, it fails this check and no other
        return Result(check.title, False, 0, check.points, _explained(error, topic))
    return Result(check.title, True, check.points, check.points, str(said or ""), getattr(said, "note", ""))


def _explained(error: Exception, hint: str) -> str:
    """An error of the student's code, in its own words and, where torch's are known, in ours."""
    said = " ".join(str(error).split())[:200]
    meaning = next((f"{words} " for part, words in _TORCH_ERRORS.items() if part in said), "")
    return f"It raised {type(error).__name__}: {said} - {meaning}{hint}"
