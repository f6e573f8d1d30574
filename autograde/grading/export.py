"""Grades for the school's books."""
from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any, TextIO

FORMATS = ("csv",)
COLUMNS = ("student", "chapter", "status", "score", "max_score", "open", "said")


def to_csv(records: Iterable[dict[str, Any]], file: TextIO) -> None:
    """One row a student and chapter; "open" counts the written answers that nobody has graded yet."""
    rows = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
    rows.writeheader()
    for record in records:
        still_open = sum(exercise["score"] is None for exercise in record["exercises"])
        rows.writerow(record | {"student": _plain(record["student"]), "open": still_open})


def _plain(name: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
