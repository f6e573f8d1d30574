"""The board of the challenge: graded entries and what stands there before them, the best first.

An entry's verdicts are what the judge said of it while grading; the gradebook keeps them in the record of the run: one for
the board that all see, and one, from clips of its own, for the end.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..checks import challenge

EXERCISE = "challenge.make_clips"


@dataclass(frozen=True)
class Place:
    """One row of the board. `rank`: one more than the entries that are better for certain, so entries share one where their
    intervals meet. `standing`: it is the course's own and no student's."""

    rank: int
    name: str
    verdict: challenge.Verdict
    standing: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data, the form of `--json`."""
        low, high = self.verdict.interval
        return {"rank": self.rank, "name": self.name, "total": round(self.verdict.score.total, 1), "low": round(low, 1),
                "high": round(high, 1), **self.verdict.score._asdict(), "standing": self.standing}


def places(records: Iterable[dict[str, Any]], held_back: str = "", *, end: bool = False) -> list[Place]:
    """The board of all records that hold a scored entry.

    Args:
        held_back: of the course; without it, what stands there comes from the public judge.
        end: the verdicts on the clips that were kept for the end.
    """
    found = ((record["student"], exercise) for record in records for exercise in record["exercises"]
             if exercise["id"] == EXERCISE)
    entries = [(name, verdict, False) for name, exercise in found if (verdict := challenge.verdict_in(exercise, end=end))]
    entries += [(name, verdicts[end], True) for name, verdicts in challenge.standing(held_back).items()]
    entries.sort(key=lambda entry: (-entry[1].score.total, entry[0]))
    return [Place(1 + sum(other.interval[0] > verdict.interval[1] for _, other, _ in entries), name, verdict, standing)
            for name, verdict, standing in entries]
