"""One submission, gone through from top to bottom: its cells are run, and where an exercise's points stand its checks
are asked. The judge knows the submission only as a session; it is what stays outside where the session is a sandbox.
"""
from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from nbformat import NotebookNode

from .. import checks
from .session import Session, time_limit


def go_through(session: Session, notebook: NotebookNode, chapter: str, seconds: float) -> Iterator[dict[str, Any]]:
    """Messages, as plain data, in the order of the notebook.

    Yields:
        {"cell": index, "outputs": [...]} for each code cell, and where the points of an exercise stand
        {"cell": index, "exercise": id, "results": [...]} with the fields of `checks.Result`.
    """
    for index, cell in enumerate(notebook.cells):
        grading = cell.metadata.get("nbgrader", {})
        if cell.cell_type != "code":
            continue
        if grading.get("grade") and not grading.get("solution"):
            exercise = f"{chapter}.{grading['grade_id'].removesuffix('-points')}"
            yield {"cell": index, "exercise": exercise, "results": _ask(session, exercise, seconds)}
        else:
            yield {"cell": index, "outputs": session.run(cell.source)}


def _ask(session: Session, exercise: str, seconds: float) -> list[dict[str, Any]]:
    """What the checks of an exercise say; what the student's code prints meanwhile is dropped."""
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with time_limit(seconds):
                results = checks.run(exercise, session.subject(exercise.partition(".")[2]))
        except (TimeoutError, SystemExit, KeyboardInterrupt) as error:
            results = _all_failed(exercise, f"It raised {type(error).__name__}: {error}")
    return [asdict(result) for result in results]


def _all_failed(exercise: str, hint: str) -> list[checks.Result]:
    return [checks.Result(check.title, False, 0, check.points, hint) for check in checks.checks_of(exercise)]
