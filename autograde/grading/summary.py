"""How a class fared in a chapter: which checks fail how often, and how the scores lie. As a table and as a picture."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..writing.chapter import Chapter, Exercise

GREEN = "#009E73"  # Okabe and Ito's, the judge's colour in the book's figures
OUTCOMES = ("passed", "failed", "not written")
UNREAD = ("unreadable", "refused")
NOT_WRITTEN = ("Not written yet.", "Its cell is missing.")  # what `checks` and the grader say of such


@dataclass(frozen=True)
class Row:
    """One check of an exercise, over all submissions: `counts` by outcome, the `hint` that was given most often."""

    number: str
    exercise: str
    title: str
    counts: tuple[int, ...]
    hint: str

    @property
    def shares(self) -> list[float]:
        return [count / max(1, sum(self.counts)) for count in self.counts]


@dataclass(frozen=True)
class Summary:
    """A chapter's class. `waiting` counts submissions of which something waits to be graded by hand, `unread` those
    that could not be taken in: they have a score, 0, but say nothing of the checks."""

    title: str
    rows: tuple[Row, ...]
    scores: tuple[float, ...]
    max_score: float
    waiting: int
    unread: int = 0

    @property
    def sentence(self) -> str:
        """What the picture shows, in words; its alt text."""
        said = (f"{len(self.scores)} submissions for {self.title}. Scores from {min(self.scores):g} to "
                f"{max(self.scores):g} of {self.max_score:g}, median {np.median(self.scores):g}.")
        if not self.rows:
            return f"{said} None of them could be read."
        worst = min(self.rows, key=lambda row: row.shares[0])
        return f"{said} Passed least often, by {worst.shares[0]:.0%}: {worst.title!r} of exercise {worst.number}."


def of(chapter: Chapter, records: Iterable[dict[str, Any]]) -> Summary:
    """Of the records of one chapter, in the form of `--json`; at least one."""
    records = [record for record in records if record["chapter"] == chapter.stem]
    read = [record for record in records if record["status"] not in UNREAD]
    rows = [row for exercise in chapter.exercises for row in _rows(exercise, read)]
    waiting = sum(any(e["score"] is None for e in record["exercises"]) for record in read)
    return Summary(chapter.title, tuple(rows), tuple(r["score"] for r in records), records[0]["max_score"], waiting,
                   len(records) - len(read))


def _rows(exercise: Exercise, records: list[dict]) -> Iterable[Row]:
    answers = [e for record in records for e in record["exercises"] if e["id"] == exercise.id]
    for title in dict.fromkeys(check["title"] for answer in answers for check in answer["checks"]):
        said = [check for answer in answers for check in answer["checks"] if check["title"] == title]
        outcomes = Counter(_outcome(check) for check in said)
        hints = Counter(check["hint"] for check in said if _outcome(check) == "failed" and check["hint"])
        hint = hints.most_common(1)[0][0] if hints else ""
        yield Row(exercise.number, exercise.name, title, tuple(outcomes[o] for o in OUTCOMES), hint)


def _outcome(check: dict) -> str:
    if check["passed"]:
        return "passed"
    return "not written" if check["hint"] in NOT_WRITTEN else "failed"


def picture(summary: Summary) -> Figure:
    """A histogram of the scores above a heat map of the checks: a row a check, a column an outcome."""
    rows = len(summary.rows)
    figure = Figure(figsize=(8, 2.4 + 0.3 * rows), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=[1.7, 0.3 * rows])
    above.hist(summary.scores, bins=np.arange(-0.5, np.ceil(summary.max_score) + 1.5), color=GREEN, rwidth=0.9)
    above.set(xlabel=f"points, of {summary.max_score:g}", ylabel="submissions", xlim=(-0.5, summary.max_score + 0.5))
    above.yaxis.get_major_locator().set_params(integer=True)
    above.spines[["top", "right"]].set_visible(False)
    shares = np.array([row.shares for row in summary.rows])
    below.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    below.set_xticks(range(len(OUTCOMES)), OUTCOMES)
    below.xaxis.tick_top()
    below.set_yticks(range(rows), [f"{row.number}  {row.title}" for row in summary.rows])
    below.tick_params(length=0)
    for (y, x), share in np.ndenumerate(shares):
        below.text(x, y, f"{share:.0%}", ha="center", va="center", color="white" if share > 0.55 else "black")
    for y in range(1, rows):
        if summary.rows[y].number != summary.rows[y - 1].number:
            below.axhline(y - 0.5, color="black", linewidth=0.8)
    figure.suptitle(f"{summary.title}: {len(summary.scores)} submissions", x=0.02, ha="left", fontweight="bold")
    return figure


def write(summary: Summary, path: Path) -> None:
    """The picture as PNG or SVG, by the name's ending, with its alt text in the file."""
    picture(summary).savefig(path, dpi=200, metadata={"Description": summary.sentence})
