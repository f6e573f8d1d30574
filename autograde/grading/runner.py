"""Runs notebooks, each in a process of its own that is forked from a warm one, several side by side, within limits.

First form: a submission is trusted not to attack; it is bounded in time and memory, and whatever it does to itself,
it stops no other. Only JSON comes back from it.
"""
from __future__ import annotations

import contextlib
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import wait
from typing import Any

import nbformat
from nbformat import NotebookNode

MAX_MESSAGE = 2_000_000  # bytes; a cell's outputs are bounded to some 60 thousand characters


@dataclass(frozen=True)
class Limits:
    """Seconds of wall time."""

    cell: float = 30     # one cell, or the checks of one exercise
    notebook: float = 120  # all of a submission


@dataclass(frozen=True)
class Job:
    """A repaired notebook of a chapter ("gan_losses"); `key` is whatever its owner knows it by."""

    key: Any
    notebook: NotebookNode
    chapter: str


@dataclass
class Run:
    """What came of a job: "graded", "timed_out" or "crashed", and all that was seen up to then.

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
        elif "outputs" in message:
            self.outputs[message["cell"]] = message["outputs"]
        else:
            self.status = "graded"


def run_all(jobs: Iterable[Job], *, at_once: int = 1, limits: Limits = Limits()) -> Iterator[tuple[Job, Run]]:
    """Run jobs, at most `at_once` side by side, and yield each as it ends. Jobs are taken when there is room."""
    waiting, running = iter(jobs), []
    try:
        while True:
            running += [_Process(job, limits) for job in itertools.islice(waiting, at_once - len(running))]
            if not running:
                return
            ended = _wait_for_one(running)
            running.remove(ended)
            yield ended.job, ended.run
    finally:
        for process in running:
            process.end()


def run(notebook: NotebookNode, chapter: str, *, limits: Limits = Limits()) -> Run:
    """Run one notebook."""
    return next(run_all([Job(None, notebook, chapter)], limits=limits))[1]


def _wait_for_one(running: list[_Process]) -> _Process:
    while True:
        first = min(process.deadline for process in running)
        handles = [handle for process in running for handle in (process.receiver, process.sentinel)]
        ready = wait(handles, timeout=max(0, first - time.monotonic()))
        for process in running:
            if process.receiver in ready:
                process.receive()
            elif process.sentinel in ready:
                process.died()
            elif time.monotonic() > process.deadline:
                process.late()
            if process.over:
                process.end()
                return process


class _Process:
    """One job in its process."""

    def __init__(self, job: Job, limits: Limits):
        self.job, self.limits, self.run, self.over = job, limits, Run(), False
        self._folder = tempfile.mkdtemp(prefix="submission-")
        try:
            self._start()
        except BaseException:
            shutil.rmtree(self._folder)
            raise

    def _start(self) -> None:
        self.receiver, sender = multiprocessing.Pipe(duplex=False)
        text = nbformat.writes(self.job.notebook, version=4)
        arguments = (sender, text, self.job.chapter, self._folder, self.limits.cell)
        self._process = _context().Process(target=_in_child, args=arguments)
        self._process.start()  # the first time this waits for the warm process
        self.deadline = time.monotonic() + self.limits.notebook
        sender.close()
        self.sentinel = self._process.sentinel

    def receive(self) -> None:
        try:
            self.run.take(json.loads(self.receiver.recv_bytes(MAX_MESSAGE)))
            self.over = self.run.status == "graded"
        except (EOFError, OSError, ValueError, KeyError, TypeError):
            self.died()

    def died(self) -> None:
        self._process.join(1)
        self.over = True
        self.run.said = f"The notebook ended the process it ran in ({_cause(self._process.exitcode)}){self._where()}."

    def late(self) -> None:
        self.over, self.run.status = True, "timed_out"
        self.run.said = f"The notebook ran longer than {self.limits.notebook:g} seconds and was stopped{self._where()}."

    def end(self) -> None:
        """Kill whatever is left of the job, and forget it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._process.close()
        self.receiver.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _where(self) -> str:
        """The cell at which it ended, by its name where it has one."""
        seen = max([*self.run.outputs, *self.run.point_cells], default=-1)
        code = (c for i, c in enumerate(self.job.notebook.cells) if i > seen and c.cell_type == "code")
        cell = next(code, None)
        name = cell.metadata.get("nbgrader", {}).get("grade_id") if cell else None
        return f", in the cell {name}" if name else ", in a cell of the student's own" if cell else ""


def _in_child(*arguments: Any) -> None:
    from . import warm  # there already where the warm process has imported it
    warm.main(*arguments)


def _cause(code: int | None) -> str:
    """E.g. "exit code 1", "signal SIGSEGV"."""
    if code is None or code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}" + (": out of memory?" if code == -signal.SIGKILL else "")


@cache
def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["autograde.grading.warm"])
    return context
