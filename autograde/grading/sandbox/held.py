"""What a submission holds of this machine, beyond what the kernel bounds by itself, and how all of it is ended.

For the process that watches it, outside of the innermost walls.
"""
from __future__ import annotations

import contextlib
import errno
import os
import signal

from . import root, walls


def takes_too_much(pid: int, proc: int | None, inherited: int) -> bool:
    """Whether a process and its descendants hold more than `walls.MEMORY_BYTES`.

    A fork that writes on what it inherited has a copy of it, which only the shares (Pss) show. They take long to read:
    first comes a quick sum that counts for each fork all that it sees.
    """
    return memory(pid, proc) > walls.MEMORY_BYTES and max(
        memory(pid, proc, inherited=inherited), memory(pid, proc, file="smaps_rollup")) > walls.MEMORY_BYTES


def writes_too_much(folder: str) -> bool:
    """Whether more lies in a folder than a private one would hold; a folder that is too deep to be looked through does."""
    size = files = 0
    try:
        for _, folders, names, place in os.fwalk(folder):
            for name in names:
                with contextlib.suppress(OSError):  # it has just been removed
                    size += 512 * os.stat(name, dir_fd=place, follow_symlinks=False).st_blocks
            files += len(folders) + len(names)
            if size > root.WORK_BYTES or files > root.WORK_FILES:
                return True
    except (OSError, RecursionError) as error:
        return not isinstance(error, FileNotFoundError)
    return False


def memory(pid: int, proc: int | None, *, inherited: int = 0, file: str = "status") -> int:
    """Bytes that a process and its descendants hold, and the system for them, beyond what each inherited; 0 where that
    cannot be known."""
    total = 0
    with contextlib.suppress(OSError, ValueError):
        held = _bytes(_read(proc, f"{pid}/{file}"), "RssAnon:", "RssShmem:", "VmPTE:", "Pss_Anon:", "Pss_Shmem:")
        total = max(0, held - inherited)
        for thread in _threads(proc, pid):
            for child in _read(proc, f"{pid}/task/{thread}/children").split():
                total += memory(int(child), proc, inherited=inherited, file=file)
    return total


def inheritable(proc: int | None) -> int:
    """Bytes of this process that a fork has at its start; 0 where that cannot be known.

    Those are its private ones: shared memory, and the tables of pages for it, count for a fork only once it touches them.
    """
    with contextlib.suppress(OSError, ValueError):
        return _bytes(_read(proc, f"{os.getpid()}/status"), "RssAnon:")
    return 0


def end_user(number: int) -> None:
    """Kill all processes of the user that `within` made for a submission, at one stroke: none can fork in between."""
    pid = os.fork()
    if pid == 0:
        try:
            walls.become_nobody(number)
            os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def end_orphans(proc: int | None) -> None:
    """Kill all that this process has forked, and what came to it when its parent ended, until nothing is left."""
    with contextlib.suppress(OSError):
        while found := [int(child) for thread in _threads(proc, os.getpid())
                        for child in _read(proc, f"{os.getpid()}/task/{thread}/children").split()]:
            for child in found:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)


def _threads(proc: int | None, pid: int) -> list[str]:
    folder = os.open(f"{pid}/task", os.O_RDONLY, dir_fd=proc)
    try:
        return os.listdir(folder)
    finally:
        os.close(folder)


def _bytes(told: str, *names: str) -> int:
    """The sum of the named lines, which are in kB, in what /proc tells of a process."""
    return 1024 * sum(int(line[1]) for line in map(str.split, told.splitlines()) if line[0] in names)


def _read(proc: int | None, name: str) -> str:
    if proc is None:
        raise OSError(errno.ENOENT, "there is no /proc")
    with open(os.open(name, os.O_RDONLY, dir_fd=proc)) as file:
        return file.read()
