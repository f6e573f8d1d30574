"""What the command line shows, drawn with rich."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.markup import escape
from rich.table import Table

from .preflight import FAILED, NOT_WRITTEN, PASSED, Preflight

COLOURS = {"graded": "green", "timed_out": "yellow", "crashed": "red", "unreadable": "red", "refused": "red",
           PASSED: "green", FAILED: "red", NOT_WRITTEN: "yellow"}


def grades(records: Iterable[dict[str, Any]]) -> Table:
    """One row a submission."""
    table = Table("Student", "Chapter", "Status", "Score", "What was said", title="Grades")
    for record in records:
        waiting = sum(e["max_score"] for e in record["exercises"] if e["score"] is None)
        score = f"{record['score']:g} of {record['max_score']:g}" + (f", {waiting:g} by hand" if waiting else "")
        table.add_row(escape(record["student"]), escape(record["chapter"]), _coloured(record["status"]), score,
                      escape(record["said"]))
    return table


def preflight(found: Preflight) -> Table:
    """One row an exercise."""
    table = Table("", "Exercise", "Check", "What it says", title=f"The visible checks of {found.stem}")
    for answer in found.answers:
        table.add_row(answer.number, answer.name, _coloured(answer.state), escape(answer.said))
    return table


def examination(lines: Iterable[tuple[str, bool, str]]) -> Table:
    """What `doctor` found."""
    table = Table("What", "", "Found", title="This machine")
    for what, is_well, found in lines:
        table.add_row(what, "[green]ok[/]" if is_well else "[red]missing[/]", escape(found))
    return table


def _coloured(word: str) -> str:
    return f"[{COLOURS[word]}]{word}[/]"
