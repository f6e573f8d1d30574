"""How many wrong answers the visible checks let pass: of those that the tests know, by exercise.

    python -m benchmarks.visible_checks                  # a minute; keeps the table
    python -m benchmarks.visible_checks 05_stability     # one chapter, and the names of what passes
"""
from __future__ import annotations

import importlib
import os
import sys
import tempfile

from autograde.writing import chapter
from autograde.writing.visible import visible_checks
from benchmarks.machine import keep


def passed(stem: str) -> dict[str, dict]:
    """Exercise -> how many wrong answers there are, the names of those that its visible check lets pass, and of right ones
    that it refuses, with what it says."""
    one, rows = chapter.load(stem), {}
    answers = importlib.import_module(f"tests.answers.{one.name}")
    for check in visible_checks(one):
        wrong, right = answers.WRONG[check.exercise], answers.RIGHT[check.exercise]
        refused = {name: said for name, answer in right.items() if (said := check.refusal(answer))}
        rows[check.exercise] = {"wrong": len(wrong), "passed": [n for n, (a, _) in wrong.items() if not check.refusal(a)],
                                "right": len(right), "refused": refused}
    return rows


def main(stems: list[str]) -> None:
    os.environ["CLIPKIT_PRESET"] = "smoke"
    os.chdir(tempfile.mkdtemp())  # some cells write files
    rows = {exercise: row for stem in stems or chapter.stems() for exercise, row in passed(stem).items()}
    for exercise, row in rows.items():
        print(f"{exercise:40}{len(row['passed']):4} of {row['wrong']:3}", "; ".join(row["passed"] if stems else []))
        for name, said in row["refused"].items():
            print(f"    refuses {name!r}: {said[:150]}")
    through, wrong = (sum(f(row) for row in rows.values()) for f in (lambda row: len(row["passed"]), lambda row: row["wrong"]))
    print(f"together {through} of {wrong}, {through / wrong:.1%}")
    if not stems:
        keep("visible_checks", {"passed": through, "wrong": wrong, "share": through / wrong,
                                "exercises": {name: row | {"passed": len(row["passed"])} for name, row in rows.items()}})


if __name__ == "__main__":
    main(sys.argv[1:])
