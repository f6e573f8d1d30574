"""What the hidden cell of an exercise says in a stock nbgrader run: the same checks, the same words."""
from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from IPython import get_ipython

from . import checks
from .checks import Result, Subject
from .grading.defaults import known_defaults, quiet


def grade(exercise: str, namespace: Mapping[str, Any]) -> float:
    """Ask the checks of `exercise` of what the notebook holds, print what they say, and return the points earned.

    nbgrader reads the returned number as (partial) credit. It gives 0 to a cell that writes to stderr, so what
    the student's code writes there is dropped.
    """
    thing = namespace.get(exercise.partition(".")[2])
    began_in = getattr(get_ipython(), "starting_dir", ".")  # a kernel remembers it
    with known_defaults(began_in), quiet():
        results = checks.run(exercise, None if thing is None else Subject(thing))
    with contextlib.suppress(ValueError, OSError):  # a stream that the student has closed: the words are lost, not the points
        print("\n".join(line(result) for result in results))
    return float(sum(result.points for result in results))


def line(result: Result) -> str:
    """One check as one line: what it is, what it earned, and the hint where it failed."""
    mark = "passed" if result.passed else "failed"
    said = f": {result.hint}" if result.hint else ""
    return f"[{mark}] {result.title} ({result.points:g} of {result.max_points:g}){said}"
