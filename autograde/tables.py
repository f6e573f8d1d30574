"""What the command line shows, drawn with rich."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from .grading.visible import FAILED, NOT_WRITTEN, PASSED
from .preflight import Preflight

if TYPE_CHECKING:
    from .grading.board import Place
    from .grading.similar import Pair
    from .grading.summary import Summary

COLOURS = {"graded": "green", "timed_out": "yellow", "crashed": "red", "unreadable": "red", "refused": "red",
           "broken": "magenta",
           PASSED: "green", FAILED: "red", NOT_WRITTEN: "yellow"}


def watched(records: Iterable[dict[str, Any]], total: int, console: Console) -> list[dict[str, Any]]:
    """The records, while a bar shows how many are there, the time left, and how they ended."""
    columns = ("Grading", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), "left", TimeRemainingColumn(),
               "{task.description}")
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task, seen = progress.add_task("", total=total), []
        for record in records:
            seen.append(record)
            progress.update(task, advance=1, description=_tally(seen))
        return seen


def grades(records: list[dict[str, Any]], seconds: float) -> Table:
    """One row a submission."""
    said = f"{len(records)} submissions in {seconds:.0f} s: {_tally(records)}"
    table = Table("Student", "Chapter", "Status", "Score", "What was said", title="Grades", caption=said)
    for record in records:
        table.add_row(escape(record["student"]), escape(record["chapter"]), _coloured(record["status"]), _score(record),
                      escape(record["said"]))
    return table


def _score(record: dict[str, Any]) -> str:
    """E.g. "18 of 31, 3 by hand"."""
    if record["score"] is None:
        return "not graded"
    waiting = sum(e["max_score"] for e in record["exercises"] if e["score"] is None)
    return f"{record['score']:g} of {record['max_score']:g}" + (f", {waiting:g} by hand" if waiting else "")


def _tally(records: Iterable[dict[str, Any]]) -> str:
    """E.g. "41 graded, 2 timed_out"."""
    return ", ".join(f"{count} {_coloured(status)}" for status, count in Counter(r["status"] for r in records).most_common())


def preflight(found: Preflight) -> Table:
    """One row an exercise."""
    table = Table("", "Exercise", "Check", "What it says", title=f"The visible checks of {found.stem}")
    for answer in found.answers:
        table.add_row(answer.number, answer.name, _coloured(answer.state), escape(answer.said))
    return table


def summary(found: Summary) -> Table:
    """One row a check."""
    more = ((found.waiting, "wait for a person"), (found.unread, "could not be read"))
    counts = [f"{len(found.scores)} submissions", *(f"{count} {what}" for count, what in more if count)]
    table = Table("", "Check", title=f"{found.title}: {', '.join(counts)}")
    for column in ("Passed", "Failed", "Not written"):
        table.add_column(column, justify="right")
    table.add_column("The hint given most", no_wrap=True, overflow="ellipsis", ratio=1)
    for row, after in zip(found.rows, (*found.rows[1:], None), strict=False):
        shares = (f"{share:.0%}" for share in row.shares)
        table.add_row(row.number, row.title, *shares, escape(row.hint),
                      end_section=after is None or after.number != row.number)
    return table


def similar(pairs: Iterable[Pair], title: str) -> Table:
    """One row a pair."""
    table = Table("Two submissions", "Bits", "Words of code", "In", title=f"{title}: places to look at")
    for pair in pairs:
        places = ", ".join(dict.fromkeys(piece.exercise for piece in pair.pieces))
        table.add_row(f"{escape(pair.left)}, {escape(pair.right)}", f"{pair.bits:.0f}", str(pair.tokens), places)
    return table


def leaderboard(places: Iterable[Place], title: str = "The challenge") -> Table:
    """One row an entry; what the course itself put there is set in italics."""
    table = Table(title=title, caption="Entries share a rank where chance could have exchanged them: their intervals meet.")
    for column in ("", "Entry", "Total", "±", "Quality", "Motion", "Diversity", "Originality"):
        table.add_column(column, justify="left" if column == "Entry" else "right")
    for place in places:
        table.add_row(str(place.rank), escape(place.name), f"{place.verdict.score.total:.1f}",
                      f"{place.verdict.margin:.1f}", *(f"{part:.2f}" for part in place.verdict.score),
                      style="italic" if place.standing else "")
    return table


def examination(lines: Iterable[tuple[str, bool, str]]) -> Table:
    """What `doctor` found."""
    table = Table("What", "", "Found", title="This machine")
    for what, is_well, found in lines:
        table.add_row(what, "[green]ok[/]" if is_well else "[red]missing[/]", escape(found))
    return table


def _coloured(word: str) -> str:
    return f"[{COLOURS[word]}]{word}[/]"
