"""Runs notebooks, several side by side, within limits: each in a sandbox of its own, with a judge of its own outside.

    grader (here) -- warm process -- a sandbox for each submission
                          |
                     its fork, which knows the checks -- a judge for each submission

A judge asks one sandbox and tells the grader what it found, in JSON. Whatever a submission does to itself, it stops no
other; and whichever of these processes is killed, those to its right end too.
"""
from __future__ import annotations

import base64
import contextlib
import json
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from . import needed
from .sandbox import root, started, walls
from .session import WEIGHTS

if TYPE_CHECKING:
    from nbformat import NotebookNode

MAX_MESSAGE = 2_000_000  # bytes; a cell's outputs are bounded to some 60 thousand characters
PATIENCE = 5.0           # seconds for a sandbox to end that was told to
NO_MORE: Any = object()  # behind the last job


@dataclass(frozen=True)
class Limits:
    """Seconds of wall time, and the least level of the sandbox that will do ("weak": for submissions that are trusted)."""

    cell: float = 30     # one cell, or the checks of one exercise
    notebook: float = 120  # all of a submission
    sandbox: str = "strong"


@dataclass(frozen=True)
class Job:
    """A repaired notebook of a chapter ("gan_losses"); `key` is whatever its owner knows it by.

    seed: the random inputs of the checks follow from it. Kept secret, it makes them impossible to foresee.
    weights: a file that was handed in beside the notebook, which finds it in its folder.
    held_back: what the chapter's checks know in this course, and nobody else.
    untouched: indices of cells that are as they were released. Of these only those run that an exercise needs.
    """

    key: Any
    notebook: NotebookNode
    chapter: str
    seed: str = ""
    weights: bytes = b""
    held_back: str = ""
    untouched: frozenset[int] = frozenset()


@dataclass
class Run:
    """What came of a job: "graded", "timed_out", "crashed", or "broken" where it was the grader that failed; and all that
    was seen up to then.

    outputs: of each code cell that ran, by its index. results: of each exercise that was asked, by its id, with the
    fields of `checks.Result`. point_cells: exercise ids by the index of their points cell. left_out: indices of the cells
    that no exercise needs, which did not run.
    """

    status: str = "crashed"
    said: str = ""
    outputs: dict[int, list[dict]] = field(default_factory=dict)
    results: dict[str, list[dict]] = field(default_factory=dict)
    point_cells: dict[int, str] = field(default_factory=dict)
    left_out: list[int] = field(default_factory=list)

    def take(self, message: dict[str, Any]) -> None:
        """Note one message of `judge.go_through`."""
        if "exercise" in message:
            self.point_cells[message["cell"]] = message["exercise"]
            self.results[message["exercise"]] = message["results"]
        else:
            self.outputs[message["cell"]] = message["outputs"]

    def ended_at(self, notebook: NotebookNode) -> NotebookNode | None:
        """The code cell at which it ended too early."""
        seen = max([*self.outputs, *self.point_cells], default=-1)
        left = (c for i, c in enumerate(notebook.cells) if i > seen and c.cell_type == "code" and i not in self.left_out)
        return None if self.status == "graded" else next(left, None)


Rounds = Callable[[Iterable[Job | None]], Iterator[list[tuple[Job, Run]]]]  # what runs jobs, as `rounds` does


def code_alone(notebook: NotebookNode) -> dict[str, Any]:
    """A notebook as it is run: the same cells, those of text without it."""
    return {"cells": [{"cell_type": cell.cell_type, "id": cell.id, "metadata": cell.metadata,
                       "source": cell.source if cell.cell_type == "code" else ""} for cell in notebook.cells]}


def run_all(jobs: Iterable[Job], *, at_once: int = 1, limits: Limits = Limits()) -> Iterator[tuple[Job, Run]]:
    """The same as `rounds`, one by one."""
    for ended in rounds(jobs, at_once=at_once, limits=limits):
        yield from ended


def rounds(jobs: Iterable[Job | None], *, at_once: int = 1, limits: Limits = Limits()) -> Iterator[list[tuple[Job, Run]]]:
    """Run jobs, at most `at_once` side by side, and yield again and again all that have ended, as soon as one has.

    Jobs are taken when there is room; None among them is answered with an empty list. While what is left of a sandbox is
    taken down, which is mostly waiting, the next one runs.

    Raises:
        started.SandboxError: this machine cannot hold a submission as `limits.sandbox` asks.
    """
    waiting = iter(jobs)
    running: list[_Process] = []
    leaving: list[_Process] = []
    try:
        while True:
            while len(running) < at_once and (job := next(waiting, NO_MORE)) is not NO_MORE:
                if job is None:
                    yield []
                else:
                    running.append(_Process(job, limits))
            if not running:
                return
            ended = _wait(running)
            running = [process for process in running if process not in ended]
            leaving += ended
            while len(leaving) > at_once:
                leaving.pop(0).end()
            yield [(process.job, process.run) for process in ended]
    finally:
        for process in (*running, *leaving):
            process.end()


def run(notebook: NotebookNode, chapter: str, *, limits: Limits = Limits(), seed: str = "", weights: bytes = b"",
        held_back: str = "") -> Run:
    """Run one notebook."""
    return next(run_all([Job(None, notebook, chapter, seed, weights, held_back)], limits=limits))[1]


def _wait(running: list[_Process]) -> list[_Process]:
    """Those that have ended, as soon as there is one."""
    while True:
        first = min(process.deadline for process in running)
        ready = wait([process.report for process in running], timeout=max(0, first - time.monotonic()))
        for process in running:
            if process.report in ready:
                process.receive()
            elif time.monotonic() > process.deadline:
                process.late()
        if ended := [process for process in running if process.over]:
            for process in ended:
                process.leave()
            return ended


class _Process:
    """One job, its judge and its sandbox."""

    def __init__(self, job: Job, limits: Limits):
        self.job, self.limits, self.over = job, limits, False
        self.run = Run(left_out=needed.left_out(job.notebook, job.untouched, [WEIGHTS] if job.weights else []))
        report, its_report = socket.socketpair()
        self._status, its_status = socket.socketpair()
        asks, answers = socket.socketpair()
        with its_report, its_status, asks, answers:
            _fork(job, limits, judge=(its_report, asks), sandbox=(answers, its_status))
        self.report = Connection(report.detach())
        self.deadline = time.monotonic() + limits.notebook
        with contextlib.suppress(OSError):  # a judge that is gone is noticed later
            self.report.send_bytes(json.dumps({
                "notebook": code_alone(job.notebook), "chapter": job.chapter, "seed": job.seed, "seconds": limits.notebook,
                "cell_seconds": limits.cell, "weights": base64.b64encode(job.weights).decode(),
                "held_back": job.held_back, "left_out": self.run.left_out}).encode())

    def receive(self) -> None:
        try:
            message = json.loads(self.report.recv_bytes(MAX_MESSAGE))
            if "end" in message:
                self._ended(message["end"], message["said"])
            else:
                self.run.take(message)
        except (EOFError, OSError, ValueError, KeyError, TypeError):
            self._ended("judge", "")

    def late(self) -> None:
        self.over, self.run.status = True, "timed_out"
        self.run.said = f"The notebook ran longer than {self.limits.notebook:g} seconds and was stopped{self._where()}."

    def leave(self) -> None:
        """Have what is left of the job stopped: its judge stops when nobody listens, its sandbox when it is told to."""
        self.report.close()
        with contextlib.suppress(OSError):
            self._status.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """The same, and wait until nothing is left."""
        self.report.close()
        self._stop_sandbox()
        self._status.close()

    def _ended(self, why: str, said: str) -> None:
        self.over = True
        if not why:
            self.run.status = "graded"
            return
        end = self._stop_sandbox()
        if end.get("too_much"):
            self.run.said = f"The notebook {_TOO_MUCH[end['too_much']]} and was stopped{self._where()}."
        elif why == "late":
            self.run.status = "timed_out"
            self.run.said = f"The notebook was stopped{self._where()}: {said[:1].lower()}{said[1:]}"
        elif why == "gone":
            self.run.said = f"The notebook ended the process it ran in ({_cause(end.get('code'))}){self._where()}."
        elif why == "judge":
            self.run.status = "broken"
            self.run.said = f"The grader itself failed{self._where()}; please tell the instructor."
        else:
            self.run.said = f"The notebook was stopped{self._where()}: {said[:1].lower()}{said[1:]}"

    def _stop_sandbox(self) -> dict[str, Any]:
        """Have the sandbox killed, wait until nothing of it is left, and return how it had ended."""
        said = b""
        with contextlib.suppress(OSError):  # where it was told before
            self._status.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError, ValueError):
            self._status.settimeout(PATIENCE)
            while part := self._status.recv(4096):
                said += part
            return json.loads(said)
        return {}

    def _where(self) -> str:
        """The cell at which it ended, by its name where it has one."""
        cell = self.run.ended_at(self.job.notebook)
        name = cell.metadata.get("nbgrader", {}).get("grade_id") if cell else None
        return f", in the cell {name}" if name else ", in a cell of the student's own" if cell else ""


_TOO_MUCH = {"memory": f"took more than {walls.MEMORY_BYTES / 1e9:g} GB of memory",
             "files": f"wrote more than {root.WORK_BYTES / 1e6:.0f} MB or {root.WORK_FILES:,} files"}


def _cause(code: int | None) -> str:
    """E.g. "exit code 1", "signal SIGSEGV"."""
    if code is None or code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"


def _fork(job: Job, limits: Limits, **ends: tuple[socket.socket, ...]) -> None:
    """A judge and a sandbox, from a new warm process where somebody has killed one of the old."""
    warm_process = started.warm_process(limits.sandbox)
    try:
        warm_process.fork(limits.notebook, job.chapter, job.held_back, **ends)
    except OSError:
        warm_process.end()
        started.warm_process(limits.sandbox).fork(limits.notebook, job.chapter, job.held_back, **ends)
