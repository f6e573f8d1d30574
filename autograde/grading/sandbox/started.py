"""The warm process, as a grader starts it: once, when it is first needed; it ends with the grader."""
from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cached_property

from . import walls, warm

START = 300.0  # seconds for the warm process to import torch, on a busy machine


class SandboxError(Exception):
    """No submission can be run here; the message says why, and what to do."""


class Warm:
    """A process that runs `sandbox.warm`."""

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
        """The layers that do not hold here, and what a submission would miss, each with the reason; it waits until the
        process can fork.

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

    def fork(self, seconds: float, chapter: str, held_back: str, *, judge: tuple[socket.socket, ...],
             sandbox: tuple[socket.socket, ...]) -> None:
        """A judge and a sandbox, each with its two sockets; the judge finds ready what follows from `held_back`."""
        request = warm.REQUEST.pack(seconds, chapter.encode())
        with self._lock, tempfile.TemporaryFile() as file:
            file.write(held_back.encode())
            file.flush()
            handles = [end.fileno() for end in judge]
            socket.send_fds(self._for_judges, [request], [*handles, file.fileno()])
            socket.send_fds(self._for_sandboxes, [request], [end.fileno() for end in sandbox])

    def is_running(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


_started: dict[int, Warm] = {}  # by the process that started it: a fork of a grader has none
_starting = threading.Lock()


def here() -> Warm:
    """That of this process. It is not waited for: who is about to run notebooks, and has other things to do first, need not
    import torch twice in a row."""
    with _starting:
        found = _started.get(os.getpid())
        if found is None or not found.is_running():
            found = _started[os.getpid()] = Warm()
        return found


def warm_process(asked: str) -> Warm:
    """One whose sandboxes reach at least the level `asked`."""
    found = here()
    with _starting:  # one thread hears what it says
        missing = found.missing
    if said := refusal(missing, asked):
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
