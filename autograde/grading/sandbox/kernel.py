"""The Linux system calls that Python does not have, each as a function that raises OSError."""
from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH, AT_FDCWD, AT_RECURSIVE = 2, -100, 0x8000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
# The same numbers on every architecture
OPEN_TREE, MOVE_MOUNT, MOUNT_SETATTR, LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 428, 429, 442, 444, 445, 446
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH = 1, 4
LARGE_PAGE, MADV_HUGEPAGE, MADV_COLLAPSE = 2 << 20, 14, 25  # the last since Linux 6.1
LANDLOCK_WRITES = sum(1 << bit for bit in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12))  # write_file, and all that makes or removes
LANDLOCK_LISTS = 1 << 3                                                       # read_dir
LANDLOCK_READS = 1 << 0 | 1 << 2 | LANDLOCK_LISTS                             # execute, read_file
LANDLOCK_OF_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14                        # execute, write_file, read_file, truncate

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> int:
    answer = getattr(_libc, name)(*arguments)
    if answer < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
    return answer


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    whole = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _call("syscall", ctypes.c_long(number), *whole)


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` (CLONE_*) name, for new ones of one's own."""
    _call("unshare", flags)


def mount(source: str | None, target: str, kind: str | None = None, flags: int = 0, options: str = "") -> None:
    """mount(2), with an error that says what was to be mounted where."""
    texts = [os.fsencode(text) if text is not None else None for text in (source, target, kind)]
    try:
        _call("mount", *texts, ctypes.c_ulong(flags), options.encode())
    except OSError as error:
        raise OSError(error.errno, f"mount {kind or source} at {target}: {os.strerror(error.errno or 0)}") from None


def restrict_mount(path: str, *, flags: int = MS_RDONLY | MS_NOSUID | MS_NODEV, recursive: bool = True) -> None:
    """mount_setattr (Linux 5.12), whose flags have here the numbers of MS_*."""
    attributes = struct.pack("QQQQ", flags, 0, 0, 0)
    _syscall(MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), AT_RECURSIVE if recursive else 0, attributes, len(attributes))


def copy_of_mounts(path: str) -> int:
    """A descriptor of all that is mounted at and beneath `path`, to be mounted elsewhere (Linux 5.2)."""
    return _syscall(OPEN_TREE, AT_FDCWD, os.fsencode(path), OPEN_TREE_CLONE | AT_RECURSIVE | os.O_CLOEXEC)


def move_mounts(copy: int, path: str) -> None:
    """Mount what `copy_of_mounts` gave at `path`."""
    _syscall(MOVE_MOUNT, copy, b"", AT_FDCWD, os.fsencode(path), MOVE_MOUNT_F_EMPTY_PATH)
    os.close(copy)


def make_root(path: str) -> None:
    """Make the mount at `path` the root of this mount namespace, and let go of the old one."""
    os.chdir(path)
    _syscall(155 if os.uname().machine == "x86_64" else 41, b".", b".")  # 41 on arm64 and riscv64
    _call("umount2", b".", MNT_DETACH)
    os.chdir("/")


def die_with_parent() -> None:
    """SIGKILL for this process when the one that forked it ends, on Linux. A change of user unsets it."""
    if sys.platform == "linux":
        _call("prctl", PR_SET_PDEATHSIG, ctypes.c_ulong(9))


def adopt_orphans() -> None:
    """Descendants whose parent ends become children of this process."""
    _call("prctl", PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0)


def no_new_privileges() -> None:
    """No program that this process starts gains rights, as by setuid. Landlock and seccomp ask for it."""
    _call("prctl", PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), 0, 0, 0)


def not_dumpable() -> None:
    """Keep other processes of this user out of this one's memory and files in /proc."""
    _call("prctl", PR_SET_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0)


def drop_capabilities() -> None:
    """All of them, from every set that this process may use."""
    _call("capset", struct.pack("Ii", 0x20080522, 0), bytes(24))


def landlock_abi() -> int:
    """The version of Landlock; raises OSError where the kernel has none."""
    return _syscall(LANDLOCK_CREATE, None, 0, 1)


def landlock(*, readable: Iterable[str], listable: Iterable[str] = (), writable: Iterable[str]) -> None:
    """From here on files are read at and beneath `readable` alone, and written at and beneath `writable`; of folders
    beneath `listable` the names can be had. No TCP, no abstract socket or signal to those outside, where the kernel's
    Landlock knows of them. A path that this process cannot reach is left out."""
    abi = landlock_abi()
    files = LANDLOCK_READS | LANDLOCK_WRITES | (1 << 13 if abi >= 2 else 0) | (1 << 14 if abi >= 3 else 0)
    parts = [files, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0][:1 if abi < 4 else 2 if abi < 6 else 3]
    attributes = struct.pack(f"{len(parts)}Q", *parts)
    ruleset = _syscall(LANDLOCK_CREATE, attributes, len(attributes), 0)
    for paths, allowed in ((readable, LANDLOCK_READS), (listable, LANDLOCK_LISTS), (writable, files)):
        for path in paths:
            with contextlib.suppress(FileNotFoundError, PermissionError):
                _allow(ruleset, path, allowed)
    _syscall(LANDLOCK_RESTRICT, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, allowed: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allowed &= -1 if stat.S_ISDIR(os.fstat(place).st_mode) else LANDLOCK_OF_FILES
        _syscall(LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", allowed, place), 0)
    finally:
        os.close(place)


def own_memory() -> list[tuple[int, int]]:
    """Where this process has memory of its own that it may write: (start, end) of all that would fill large pages; none
    where that cannot be known."""
    found = []
    with contextlib.suppress(OSError), open("/proc/self/maps") as file:
        for place, access, _, _, inode, *_ in (line.split() for line in file):
            start, end = (int(address, 16) for address in place.split("-"))
            start, end = -(-start // LARGE_PAGE) * LARGE_PAGE, end // LARGE_PAGE * LARGE_PAGE
            if access == "rw-p" and inode == "0" and start < end:
                found.append((start, end))
    return found


def use_large_pages(memory: list[tuple[int, int]]) -> None:
    """Bring this memory into pages of 2 MB where the kernel can: a fork then copies a table of some hundred entries, and not of
    a hundred thousand."""
    for start, end in memory:
        for advice in (MADV_HUGEPAGE, MADV_COLLAPSE):
            with contextlib.suppress(OSError, AttributeError):  # an older kernel refuses; all stays as it was
                _call("madvise", ctypes.c_void_p(start), ctypes.c_size_t(end - start), advice)
