"""What the command line shows, drawn with rich."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
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


MANY = 200  # rows of a table: nobody reads more


def watched(records: Iterable[dict[str, Any]], total: int, console: Console) -> Iterator[dict[str, Any]]:
    """The records, while a bar shows how many are there, the time left, and how they ended."""
    columns = ("Grading", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), "left", TimeRemainingColumn(),
               "{task.description}")
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task, states = progress.add_task("", total=total), Counter[str]()
        for record in records:
            states[record["status"]] += 1
            yield record
            progress.update(task, advance=1, description=_tally(states))


class Outcome:
    """What is shown of the grading of so many submissions: a row each; of many how each chapter ended, and rows of those
    without a grade. It keeps no more than it shows."""

    def __init__(self, total: int) -> None:
        self._is_long = total > MANY
        self._states: Counter[tuple[str, str]] = Counter()
        self._rows: list[tuple[str, ...]] = []
        self.has_strangers = False  # folders of no chapter

    def add(self, record: dict[str, Any]) -> None:
        chapter, status = record["chapter"], record["status"]
        self._states[chapter, status] += 1
        self.has_strangers |= not record["exercises"]
        if not self._is_long or status != "graded":
            self._rows.append((chapter, record["student"], status, _score(record), record["said"]))
        if self._is_long and len(self._rows) >= 2 * MANY:
            self._rows = sorted(self._rows)[:MANY]

    def tables(self, seconds: float) -> list[Table]:
        states = Counter[str]()
        for (_, status), count in self._states.items():
            states[status] += count
        said = f"{states.total()} submissions in {seconds:.0f} s: {_tally(states)}"
        if not self._is_long:
            return [self._listed("Grades", said)]
        first = Table("Chapter", "Submissions", "How they ended", title="Grades", caption=said)
        for chapter in sorted({chapter for chapter, _ in self._states}):
            own = Counter({status: count for (stem, status), count in self._states.items() if stem == chapter})
            first.add_row(escape(chapter), str(own.total()), _tally(own))
        bad = states.total() - states["graded"]
        shown = f"the first {MANY} of {bad}; " if bad > MANY else ""
        return [first, self._listed("Not graded", f"{shown}all records: --json FILE")] if bad else [first]

    def _listed(self, title: str, caption: str) -> Table:
        table = Table("Student", "Chapter", "Status", "Score", "What was said", title=title, caption=caption)
        for chapter, student, status, score, said in sorted(self._rows)[:MANY]:
            table.add_row(escape(student), escape(chapter), _coloured(status), score, escape(said))
        return table


def _score(record: dict[str, Any]) -> str:
    """E.g. "18 of 31, 3 by hand"."""
    if record["score"] is None:
        return "not graded"
    waiting = sum(e["max_score"] for e in record["exercises"] if e["score"] is None)
    return f"{record['score']:g} of {record['max_score']:g}" + (f", {waiting:g} by hand" if waiting else "")


def _tally(states: Counter[str]) -> str:
    """E.g. "41 graded, 2 timed_out"."""
    return ", ".join(f"{count} {_coloured(status)}" for status, count in states.most_common())


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
