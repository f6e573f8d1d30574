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
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from .sandbox import root, walls, warm

if TYPE_CHECKING:
    from nbformat import NotebookNode

MAX_MESSAGE = 2_000_000  # bytes; a cell's outputs are bounded to some 60 thousand characters
PATIENCE = 5.0           # seconds for a sandbox to end that was told to
START = 300.0            # seconds for the warm process to import torch, on a busy machine


class SandboxError(Exception):
    """No submission can be run here; the message says why, and what to do."""


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
    """

    key: Any
    notebook: NotebookNode
    chapter: str
    seed: str = ""
    weights: bytes = b""


@dataclass
class Run:
    """What came of a job: "graded", "timed_out", "crashed", or "broken" where it was the grader that failed; and all that
    was seen up to then.

    outputs: of each code cell that ran, by its index. results: of each exercise that was asked, by its id, with the
    fields of `checks.Result`. point_cells: exercise ids by the index of their points cell.
    """

    status: str = "crashed"
    said: str = ""
    outputs: dict[int, list[dict]] = field(default_factory=dict)
    results: dict[str, list[dict]] = field(default_factory=dict)
    point_cells: dict[int, str] = field(default_factory=dict)

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
        left = (c for i, c in enumerate(notebook.cells) if i > seen and c.cell_type == "code")
        return None if self.status == "graded" else next(left, None)


def get_ready() -> None:
    """Start the process that all others are forked from, and do not wait for it: who is about to run notebooks, and has
    other things to do first, need not import torch twice in a row."""
    _started_here()


def missing() -> dict[str, str]:
    """The layers of the sandbox that do not hold here, and what a submission would miss, each with the reason.

    Raises:
        SandboxError: no process started that could tell.
    """
    return _started_here().missing


def run_all(jobs: Iterable[Job], *, at_once: int = 1, limits: Limits = Limits()) -> Iterator[tuple[Job, Run]]:
    """Run jobs, at most `at_once` side by side, and yield each as it ends. Jobs are taken when there is room.

    Raises:
        SandboxError: this machine cannot hold a submission as `limits.sandbox` asks.
    """
    waiting, running = iter(jobs), []
    try:
        while True:
            for job in itertools.islice(waiting, at_once - len(running)):
                running.append(_Process(job, limits))
            if not running:
                return
            ended = _wait_for_one(running)
            running.remove(ended)
            yield ended.job, ended.run
    finally:
        for process in running:
            process.end()


def run(notebook: NotebookNode, chapter: str, *, limits: Limits = Limits(), seed: str = "", weights: bytes = b"") -> Run:
    """Run one notebook."""
    return next(run_all([Job(None, notebook, chapter, seed, weights)], limits=limits))[1]


def _wait_for_one(running: list[_Process]) -> _Process:
    while True:
        first = min(process.deadline for process in running)
        ready = wait([process.report for process in running], timeout=max(0, first - time.monotonic()))
        for process in running:
            if process.report in ready:
                process.receive()
            elif time.monotonic() > process.deadline:
                process.late()
            if process.over:
                process.end()
                return process


class _Process:
    """One job, its judge and its sandbox."""

    def __init__(self, job: Job, limits: Limits):
        self.job, self.limits, self.run, self.over = job, limits, Run(), False
        report, its_report = socket.socketpair()
        self._status, its_status = socket.socketpair()
        asks, answers = socket.socketpair()
        with its_report, its_status, asks, answers:
            _fork(job.chapter, limits, judge=(its_report, asks), sandbox=(answers, its_status))
        self.report = Connection(report.detach())
        self.deadline = time.monotonic() + limits.notebook
        with contextlib.suppress(OSError):  # a judge that is gone is noticed later
            self.report.send_bytes(json.dumps({
                "notebook": job.notebook, "chapter": job.chapter, "seed": job.seed, "seconds": limits.notebook,
                "cell_seconds": limits.cell, "weights": base64.b64encode(job.weights).decode()}).encode())

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

    def end(self) -> None:
        """End what is left of the job: its judge stops when nobody listens, its sandbox when it is told to."""
        self.report.close()
        self._stop_sandbox()
        self._status.close()

    def _ended(self, why: str, said: str) -> None:
        self.over = True
        end = self._stop_sandbox()
        if not why:
            self.run.status = "graded"
        elif end.get("too_much"):
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
        with contextlib.suppress(OSError, ValueError):
            self._status.shutdown(socket.SHUT_WR)
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


class _Warm:
    """The warm process (`sandbox.warm`), started when it is first needed; it ends with this one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._for_sandboxes, sandboxes = socket.socketpair()
        self._for_judges, judges = socket.socketpair()
        environment = warm.ENVIRONMENT | {name: os.environ[name] for name in warm.INHERITED if name in os.environ}
        with sandboxes, judges:
            handles = [sandboxes.fileno(), judges.fileno()]
            self._process = subprocess.Popen(
                [sys.executable, "-m", warm.__name__, *map(str, handles)], pass_fds=handles, env=environment, cwd="/",
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)

    @cached_property
    def missing(self) -> dict[str, str]:
        """The layers that do not hold here, each with the reason; it waits until the process can fork.

        Raises:
            SandboxError: it did not start.
        """
        self._for_sandboxes.settimeout(START)
        try:
            said = self._for_sandboxes.recv(65536)
        except TimeoutError:
            said = b""
        if not said:
            self._process.kill()
            raise SandboxError("the process that runs submissions did not start; what it said stands above, and "
                               "`autograde doctor` says what this machine lacks")
        return json.loads(said)

    def fork(self, seconds: float, chapter: str, *, judge: tuple[socket.socket, ...],
             sandbox: tuple[socket.socket, ...]) -> None:
        """A judge and a sandbox, each with its two sockets."""
        request = warm.REQUEST.pack(seconds, chapter.encode())
        with self._lock:
            for asks, ends in ((self._for_judges, judge), (self._for_sandboxes, sandbox)):
                socket.send_fds(asks, [request], [end.fileno() for end in ends])

    def is_running(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


_started: dict[int, _Warm] = {}  # by the process that started it: a fork of a grader has none
_starting = threading.Lock()


def _fork(chapter: str, limits: Limits, **ends: tuple[socket.socket, ...]) -> None:
    """A judge and a sandbox, from a new warm process where somebody has killed one of the old."""
    warm_process = _warm_process(limits)
    try:
        warm_process.fork(limits.notebook, chapter, **ends)
    except OSError:
        warm_process.end()
        _warm_process(limits).fork(limits.notebook, chapter, **ends)


def _started_here() -> _Warm:
    with _starting:
        found = _started.get(os.getpid())
        if found is None or not found.is_running():
            found = _started[os.getpid()] = _Warm()
        return found


def _warm_process(limits: Limits) -> _Warm:
    """One that can fork as `limits` ask."""
    found = _started_here()
    with _starting:  # one thread hears what it says
        missing = found.missing
    if said := refusal(missing, limits.sandbox):
        raise SandboxError(said)
    return found


def refusal(missing: dict[str, str], asked: str) -> str:
    """Why nothing is graded here with a sandbox that lacks `missing`, where one of at least the level `asked` is needed;
    empty where it will do."""
    reached, doctor = walls.level(missing), "`autograde doctor` says how to mend it"
    lost = "; ".join(f"{layer} ({why})" for layer, why in missing.items() if layer not in walls.SECOND_LOCKS)
    if needed := missing.keys() & walls.NEEDED:
        return (f"submissions could not run here as they should: {'; '.join(missing[layer] for layer in needed)}. "
                f"{doctor}")
    if walls.LEVELS.index(reached) <= walls.LEVELS.index(asked):
        return ""
    if reached == "contained":
        return (f"this machine's sandbox is contained: it lacks {lost}. {doctor}. If this is a container "
                "that holds nothing but the course, grade with --sandbox=contained")
    return (f"this machine's sandbox lacks: {lost}. {doctor}. If you trust every submission, grade with --sandbox=weak")
