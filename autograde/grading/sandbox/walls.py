"""Every layer of the sandbox, in its order, and what is known where one does not hold.

Three processes put them up. The warm one (`around_all`) leaves the network and the file system for good. Its fork, which
stays outside and watches (`around_one`), makes the namespaces and the work folder of one submission. The fork of that,
which will run the student's code (`within`), gives up every right that is left.
"""
from __future__ import annotations

import contextlib
import errno
import gc
import json
import mmap
import os
import resource
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from . import kernel, root

LEVELS = ("strong", "contained", "weak")
SECOND_LOCKS = {"Landlock"}  # what other layers keep closed too: welcome, and not asked for
NEEDED = {"packages", "own files"}  # no layer: without them a right answer would fail
NAMESPACES = {"network", "files", "processes", "work folder"}  # which an ordinary container does not allow
PROCESSES, OPEN_FILES, FILE_BYTES = 64, 256, 200_000_000
MEMORY_BYTES = 4_000_000_000  # a chapter on the smoke preset needs less than one
_LARGE_ID = 0x7000_0000       # user ids from here on belong to nobody: each submission has one, its process id added

DENIED = """
    ptrace process_vm_readv process_vm_writev process_madvise kcmp pidfd_getfd perf_event_open bpf userfaultfd
    mount umount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr
    unshare setns io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key
    socket connect bind listen accept accept4 memfd_create memfd_secret
    shmget shmat shmctl msgget msgsnd msgrcv msgctl semget semop semctl semtimedop mq_open mq_unlink
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct quotactl quotactl_fd
    sethostname setdomainname settimeofday clock_settime adjtimex clock_adjtime iopl ioperm syslog vhangup lookup_dcookie
    name_to_handle_at open_by_handle_at fanotify_init fanotify_mark personality modify_ldt migrate_pages move_pages
""".split()


def around_all() -> dict[str, str]:
    """In the warm process, once. Returns the layers that do not hold, each with the reason; so do the next two."""
    missing: dict[str, str] = {}
    if os.geteuid() != 0:
        with _layer("user namespace", missing):
            _user_namespace(open_proc())
    with _layer("network", missing):
        kernel.unshare(kernel.CLONE_NEWNET | kernel.CLONE_NEWUTS)
    with _layer("files", missing):
        root.enter_root()
    return missing


def around_one(proc: int | None) -> dict[str, str]:
    """In the process that watches one submission; what it forks next is the first of the new namespaces."""
    missing: dict[str, str] = {}
    if sys.platform == "linux":
        kernel.adopt_orphans()
    with _layer("processes", missing):
        if os.geteuid() != 0:
            _user_namespace(proc)  # counts the processes of each submission apart
        kernel.unshare(kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC)
    with _layer("work folder", missing):
        root.private_work_folder()
    with _layer("memory", missing):
        if proc is None:
            raise OSError(errno.ENOENT, "there is no /proc to read it from")
        os.stat(f"self/task/{os.getpid()}/children", dir_fd=proc)
    return missing


@dataclass(frozen=True)
class Inner:
    """What the process that will run the student's code does in the same way for every submission.

    filter_calls: what `call_filter` gave. reachable: what else than its folder it may read, list and write to, as
    `kernel.landlock` takes it. own_user: whether root makes it another user.
    """

    filter_calls: Callable[[], None]
    reachable: dict[str, list[str]]
    own_user: bool = True


def within(inner: Inner, seconds: float, number: int, folder: str, *, alone: bool) -> dict[str, str]:
    """In the process that will run the student's code.

    Args:
        seconds: of CPU time that each process of it may use.
        number: the process id of the one that watches it.
        folder: where it may write.
        alone: whether it has its own count of processes.
    """
    missing: dict[str, str] = {}
    with _layer("limits", missing):
        _limits(seconds, alone=alone or os.geteuid() == 0)
    with _layer("another user", missing):
        if os.geteuid() == 0 and inner.own_user:
            become_nobody(number)
        elif not alone:
            raise OSError(errno.EPERM, "only root can give a submission a user of its own")
    kernel.die_with_parent()
    with _layer("privileges", missing):
        kernel.no_new_privileges()
        kernel.not_dumpable()
    with _layer("Landlock", missing):
        kernel.landlock(**{kind: [*paths, folder] for kind, paths in inner.reachable.items()})
    with _layer("capabilities", missing):
        kernel.drop_capabilities()
    with _layer("system calls", missing):
        inner.filter_calls()
    return missing


def call_filter() -> Callable[[], None]:
    """Compile the filter of system calls; the function that is returned puts it around the process that calls it."""
    try:
        import pyseccomp as seccomp
        rules = seccomp.SyscallFilter(seccomp.ALLOW)
        no, later = seccomp.ERRNO(errno.EPERM), seccomp.ERRNO(errno.ENOSYS)
        for name in DENIED:
            with contextlib.suppress(ValueError, OSError):  # one that this architecture does not have
                rules.add_rule(no, name)
        rules.add_rule(later, "clone3")  # its flags cannot be seen; libraries then use clone
        for flag in (kernel.CLONE_NEWNS, kernel.CLONE_NEWUTS, kernel.CLONE_NEWIPC, kernel.CLONE_NEWUSER,
                     kernel.CLONE_NEWPID, kernel.CLONE_NEWNET, 0x02000000):  # the last: CLONE_NEWCGROUP
            rules.add_rule(no, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
        rules.add_rule(no, "socketpair", seccomp.Arg(0, seccomp.NE, 1))  # 1: AF_UNIX
        shared = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS  # a process can hold such memory without a count that shows it
        rules.add_rule(no, "mmap", seccomp.Arg(3, seccomp.MASKED_EQ, shared, shared))
        for option in (kernel.PR_SET_PDEATHSIG, kernel.PR_SET_DUMPABLE):
            rules.add_rule(no, "prctl", seccomp.Arg(0, seccomp.EQ, option))
        return rules.load
    except Exception as error:  # no libseccomp, or one too old
        reason = str(error)

        def refuse() -> None:
            raise OSError(errno.ENOSYS, reason)
        return refuse


def open_proc() -> int | None:
    """A descriptor of /proc, for a process that is about to lose sight of it."""
    try:
        return os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None


def settle(missing: dict[str, str], proc: int | None, filter_calls: Callable[[], None]) -> tuple[dict[str, str], Inner]:
    """After `around_all`, which gave `missing`: all that does not hold here, by a trial, and what suits this machine best.

    Without a root of its own a submission sees what Landlock allows. It stays the user that we are where another one could
    not even read Python.
    """
    everything = {"readable": ["/"], "writable": [root.WORK, *(f"/dev/{device}" for device in root.DEVICES)]}
    inner = Inner(filter_calls, root.reachable() if "files" in missing else everything)
    found = missing | trial(proc, inner)
    if "packages" in found and "files" in missing:
        stays = replace(inner, own_user=False)
        again = missing | trial(proc, stays)
        if "packages" not in again:
            return again | {"another user": f"it could not read {found['packages']}"}, stays
    return found, inner


def folder_of_one(missing: dict[str, str]) -> str:
    """Where a submission works: the private folder, or one that is removed after it (`remove`) where there is none."""
    if "work folder" not in missing:
        return root.FOLDER
    folder = tempfile.mkdtemp(prefix="submission-")
    os.chmod(folder, 0o777)  # it is of another user there
    return folder


def remove(folder: str) -> None:
    """Remove what `folder_of_one` gave, however deep what was written there; nothing, where that is not one of ours."""
    if folder != root.FOLDER:
        subprocess.run(["rm", "-rf", "--", folder], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def trial(proc: int | None, inner: Inner) -> dict[str, str]:
    """The layers around one submission that do not hold here, and what it would miss: "packages" where it cannot read what
    notebooks use, "own files" where it cannot write. A fork of this process has tried each."""
    def tried() -> dict[str, str]:
        missing, folder = around_one(proc), root.FOLDER
        with _layer("own files", missing):
            folder = folder_of_one(missing)
        missing |= _told(lambda: innermost(folder, alone="processes" not in missing))
        remove(folder)
        return missing

    def innermost(folder: str, *, alone: bool) -> dict[str, str]:
        missing = within(inner, 60, os.getpid(), folder, alone=alone)
        for name, holds in (("answers", root.must_hide_answers), ("packages", root.must_see_packages),
                            ("own files", lambda: Path(folder, "tried").write_bytes(b"x"))):
            with _layer(name, missing):
                holds()
        return missing
    return _told(tried)


def examine() -> dict[str, str]:
    """The layers that do not hold on this machine, each with the reason: a fork of this process has tried each."""
    def tried() -> dict[str, str]:
        proc, filter_calls = open_proc(), call_filter()
        return settle(around_all(), proc, filter_calls)[0]
    return _told(tried)


def _told(task: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What `task` returns in a fork of this process."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        gc.disable()  # what else the parent holds is not cleared here: some of it waits for threads that no fork has
        try:
            os.write(writer, json.dumps(task()).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as file:
        said = file.read()
    os.waitpid(pid, 0)
    return json.loads(said) if said else {"limits": "the process that tried it ended"}


def level(missing: dict[str, str]) -> str:
    """One of `LEVELS`. "strong": every layer holds. "contained": all but namespaces, as in an ordinary container; another
    user, Landlock and the filter stand in for them. Else "weak"."""
    lost = missing.keys() - SECOND_LOCKS
    if not lost:
        return "strong"
    return "contained" if lost <= NAMESPACES and "Landlock" not in missing else "weak"


@contextlib.contextmanager
def _layer(name: str, missing: dict[str, str]) -> Iterator[None]:
    try:
        yield
    except (OSError, AttributeError, ValueError) as error:  # AttributeError: no such call outside Linux
        said, file = getattr(error, "strerror", None) or str(error), getattr(error, "filename", None)
        missing[name] = f"{file}: {said}" if file else said


def _user_namespace(proc: int | None) -> None:
    """This process, and those it forks, in a user namespace that holds its user and group alone."""
    if proc is None:
        raise OSError(errno.ENOENT, "there is no /proc")
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(kernel.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        file = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        os.write(file, text.encode())
        os.close(file)


def _limits(seconds: float, *, alone: bool) -> None:
    bounds = {"CPU": int(seconds) + 1, "DATA": MEMORY_BYTES, "FSIZE": FILE_BYTES, "NOFILE": OPEN_FILES, "CORE": 0,
              "MSGQUEUE": 0, **({"NPROC": PROCESSES} if alone else {})}
    for name, most in bounds.items():
        which = getattr(resource, f"RLIMIT_{name}", None)
        if which is not None:
            hard = resource.getrlimit(which)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(which, (most, most))


def become_nobody(number: int) -> None:
    """A user of this submission's own, so that its processes are counted apart."""
    os.setgroups([])
    for nobody in (_LARGE_ID + number, 20_000 + number % 40_000):  # the second: in a container that maps few users
        try:
            os.setresgid(nobody, nobody, nobody)
            os.setresuid(nobody, nobody, nobody)
            return
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
    raise OSError(errno.EINVAL, "no unprivileged user to become")
