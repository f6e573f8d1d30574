"""The visible checks of the notebook in a student's repository, at each push: what passed, and its points.

    python -m autograde.bundling.visible_checks REPOSITORY

It goes out with the template (see `github`) and knows no hidden check and no answer. The points come in the form that GitHub
Classroom read, and what came after it may: two notices of the workflow, and the step's output `result`, JSON in base64.
Source: github.com/classroom-resources, autograding-grading-reporter and autograding-command-grader.
"""
from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

from ..grading.visible import PASSED, said

CHECKS = ".github/checks.json"
CELL_SECONDS = 300  # on a runner of two cores, with the smallest preset


@dataclass(frozen=True)
class Outcome:
    """What the visible check of an exercise said."""

    number: str
    name: str
    points: float
    state: str
    words: str = ""

    @property
    def score(self) -> float:
        return self.points if self.state == PASSED else 0


def main(folder: Path) -> int:
    """Say it in the log, in the summary of the run, and to what reads points; 0 where all passed."""
    about = json.loads((folder / CHECKS).read_text(encoding="utf-8"))
    try:
        outcomes = list(check(_notebook(folder, about["chapter"]), about["exercises"]))
    except (OSError, ValueError, CellTimeoutError, DeadKernelError) as error:
        fault = str(error).strip().splitlines()[-1]
        outcomes = [Outcome(e["number"], e["name"], e["points"], "did not run", fault) for e in about["exercises"]]
    _tell(outcomes)
    return 0 if all(outcome.state == PASSED for outcome in outcomes) else 1


def check(notebook: nbformat.NotebookNode, exercises: list[dict[str, Any]]) -> Iterator[Outcome]:
    """Run a notebook, with its checks as they were handed out; one that was deleted runs at the end."""
    places = {}
    for exercise in exercises:
        grade_id = f"{exercise['name']}-check"
        found = [cell for cell in notebook.cells if cell.cell_type == "code" and
                 (cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id or cell.source == exercise["source"])]
        if not found:
            found = [nbformat.v4.new_code_cell()]
            notebook.cells += found
        found[-1].source = exercise["source"]
        places[exercise["name"]] = found[-1]
    NotebookClient(notebook, timeout=CELL_SECONDS, allow_errors=True, kernel_name="python3").execute()
    for exercise in exercises:
        state, words = said(places[exercise["name"]].outputs)
        yield Outcome(exercise["number"], exercise["name"], exercise["points"], state, words)


def _notebook(folder: Path, stem: str) -> nbformat.NotebookNode:
    """Raises ValueError where there is no notebook to take, or it is none."""
    found = sorted(folder.glob("*.ipynb"))
    named = [path for path in found if path.stem == stem] or found
    if len(named) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ValueError(f"expected the notebook {stem}.ipynb, found {names}; put it at the top of the repository")
    try:
        return nbformat.read(named[0], as_version=4)
    except Exception as error:  # whatever a damaged file makes nbformat raise
        raise ValueError(f"{named[0].name} is no notebook that can be read ({type(error).__name__}): save or download it "
                         "again") from None


def _tell(outcomes: list[Outcome]) -> None:
    total, most = sum(one.score for one in outcomes), sum(one.points for one in outcomes)
    rows = [(one.number, one.name, one.state, f"{one.score:g} of {one.points:g}", " ".join(one.words.split()))  # one line each,
            for one in outcomes]  # so that no word of a student's begins one, where GitHub takes it for a command
    for row in rows:
        print("{:6}{:28}{:16}{:10}{}".format(*row))
    _append("GITHUB_STEP_SUMMARY", "\n".join(["| | exercise | visible check | points | |", "|---|---|---|---|---|", *(
        f"| {' | '.join(map(_plain, row))} |" for row in rows)]) + f"\n\n**{total:g} of {most:g} points.** Hidden checks and "
        "written answers come with the grade.\n")
    print(f"::notice title=Autograding complete::Points {total:g}/{most:g}")
    print("::notice title=Autograding report::" + json.dumps({"totalPoints": total, "maxPoints": most}))
    tests = [{"name": f"{one.number} {one.name}", "status": "pass" if one.score else "fail", "score": one.score,
              "message": one.words} for one in outcomes]
    result = {"version": 1, "status": "pass" if total == most else "fail", "max_score": most, "tests": tests}
    _append("GITHUB_OUTPUT", f"result={base64.b64encode(json.dumps(result).encode()).decode()}\n")


def _plain(text: str) -> str:
    """What stands in a cell of a table, whatever a student's error says."""
    return "".join(f"&#{ord(c)};" if c in "|<>&`*_[]\\" else c for c in text)


def _append(variable: str, text: str) -> None:
    """To the file that the workflow names, where there is one."""
    if path := os.environ.get(variable):
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
