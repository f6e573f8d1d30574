"""One submission, gone through from top to bottom: its cells are run, and where an exercise's points stand its checks
are asked. This process knows the answers, and the submission only as something that may be asked, in a sandbox.
"""
from __future__ import annotations

import base64
import json
import os
import signal
import socket
import warnings
from collections.abc import Collection, Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any, Protocol

from .. import checks
from .sandbox.asked import Asked, Ended

MAX_JOB = 100_000_000  # bytes of a notebook and what is said about it


class Session(Protocol):
    """What runs a submission: `sandbox.asked.Asked`. Both may raise `Ended`."""

    def run(self, source: str, *, locked: bool = False) -> list[dict]: ...

    def subject(self, name: str) -> checks.Subject | None: ...


def go_through(session: Session, notebook: dict, chapter: str, *, seed: str = "",
               left_out: Collection[int] = ()) -> Iterator[dict[str, Any]]:
    """Messages, as plain data, in the order of the notebook; cells that are `left_out` do not run.

    Yields:
        {"cell": index, "outputs": [...]} for each code cell, and where the points of an exercise stand
        {"cell": index, "exercise": id, "results": [...]} with the fields of `checks.Result`.
    """
    for index, cell in enumerate(notebook["cells"]):
        grading = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] != "code" or index in left_out:
            continue
        if grading.get("grade") and not grading.get("solution"):
            exercise = f"{chapter}.{grading['grade_id'].removesuffix('-points')}"
            with warnings.catch_warnings(action="ignore"):
                results = checks.run(exercise, session.subject(exercise.partition(".")[2]), seed=seed)
            yield {"cell": index, "exercise": exercise, "results": [asdict(result) for result in results]}
        else:
            yield {"cell": index, "outputs": session.run(cell["source"], locked=grading.get("locked", False))}


def main(report: socket.socket, end: socket.socket) -> None:
    """Judge the job that comes over `report`, asking the sandbox at the other side of `end`.

    Sent back: what `go_through` yields and then {"end": ""}, or {"end": why} where the sandbox ended before.
    """
    back: Connection = Connection(report.detach())
    job = json.loads(back.recv_bytes(MAX_JOB))
    signal.setitimer(signal.ITIMER_REAL, job["seconds"] + 30)  # if all else fails
    weights = base64.b64decode(job["weights"])
    sandbox = Asked(end, job["cell_seconds"], give_up=back.fileno(), weights=weights)
    checks.take_held_back(job["chapter"], job["held_back"], weights)
    try:
        sandbox.hand_over()
        for message in go_through(sandbox, job["notebook"], job["chapter"], seed=job["seed"], left_out=job["left_out"]):
            _send(back, message)
            if sandbox.ended:
                break
    except Ended:
        pass
    _send(back, {"end": sandbox.ended, "said": sandbox.said})


def _send(report: Connection, message: dict[str, Any]) -> None:
    try:
        report.send_bytes(json.dumps(message, ensure_ascii=False).encode(errors="replace"))
    except OSError:  # nobody waits for it any more
        os._exit(0)
