"""What the visible check beneath an exercise said, in a state and a sentence: the same for the student before handing
in (`autograde check`) and on the feedback page."""
from __future__ import annotations

from collections.abc import Iterable

PASSED, FAILED, NOT_WRITTEN = "passed", "failed", "not written yet"


def said(outputs: Iterable[dict] | None) -> tuple[str, str]:
    """One of the three states, and the check's own words. `outputs` of its cell; None where it did not run."""
    if outputs is None:
        return FAILED, "the check did not run"
    errors = [output for output in outputs if output["output_type"] == "error"]
    if not errors:
        return PASSED, ""
    kind, words = errors[0]["ename"], errors[0]["evalue"]
    if kind == "NotImplementedError":
        return NOT_WRITTEN, ""
    return FAILED, words if kind == "AssertionError" else f"{kind}: {words}"
