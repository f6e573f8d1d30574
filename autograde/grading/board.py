"""The board of the challenge: graded entries and what stands there before them, the best first.

An entry's score is what the judge said of it while grading; the gradebook keeps it in the record of the run.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..checks import challenge

EXERCISE = "challenge.make_clips"


@dataclass(frozen=True)
class Place:
    """One row of the board; entries with one total share a rank. `standing`: it is the course's own and no student's."""

    rank: int
    name: str
    score: challenge.Score
    standing: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data, the form of `--json`."""
        return {"rank": self.rank, "name": self.name, "total": round(self.score.total, 1), **self.score._asdict(),
                "standing": self.standing}


def places(records: Iterable[dict[str, Any]]) -> list[Place]:
    """The board of all records that hold a scored entry."""
    found = ((record["student"], exercise) for record in records for exercise in record["exercises"]
             if exercise["id"] == EXERCISE)
    entries = [(name, score, False) for name, exercise in found if (score := challenge.score_in(exercise))]
    entries += [(name, score, True) for name, score in challenge.STANDING.items()]
    entries.sort(key=lambda entry: (-entry[1].total, entry[0]))
    totals = [score.total for _, score, _ in entries]
    return [Place(1 + totals.index(score.total), name, score, standing) for name, score, standing in entries]
