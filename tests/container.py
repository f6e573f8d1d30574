"""Runs a command with fewer rights than the tests have, where it can read Python and the course all the same.

    python -m tests.container docker COMMAND ...    as an ordinary container does: what Docker leaves to root, no new namespace
    python -m tests.container nobody COMMAND ...    as an ordinary user, of that name

What Docker's default profile forbids without CAP_SYS_ADMIN (moby, profiles/seccomp/default.json) is refused here too.
"""
from __future__ import annotations

import ctypes
import errno
import os
import pwd
import stat
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

import pyseccomp as seccomp

from autograde.grading.sandbox import kernel

ROOT = Path(__file__).resolve().parents[1]

PR_CAPBSET_DROP = 24
# chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod,
# audit_write, setfcap
KEPT = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
FORBIDDEN = """
    unshare setns mount umount umount2 pivot_root move_mount open_tree fsopen fsconfig fsmount fspick mount_setattr bpf
    perf_event_open keyctl add_key request_key userfaultfd io_uring_setup io_uring_enter io_uring_register
    init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff quotactl acct
    open_by_handle_at lookup_dcookie sethostname setdomainname personality
""".split()
NEW_NAMESPACES = (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000)


def docker() -> None:
    """Give up what a container has not, for good."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in set(range(64)) - set(KEPT):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails for numbers that this kernel does not know
    low, high = (sum(1 << c % 32 for c in KEPT if c // 32 == half) for half in (0, 1))
    sets = struct.pack("6I", low, low, 0, high, high, 0)
    assert libc.capset(struct.pack("Ii", 0x20080522, 0), sets) == 0, os.strerror(ctypes.get_errno())
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in FORBIDDEN:
        rules.add_rule(seccomp.ERRNO(errno.EPERM), name)
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "clone3")
    for flag in NEW_NAMESPACES:
        rules.add_rule(seccomp.ERRNO(errno.EPERM), "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    rules.load()


def become(name: str) -> None:
    """A user of this machine, with no other groups than its own."""
    account = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def _open_to_all(paths: Iterable[str]) -> None:
    """Put these folders where every user may read them, as an image has them; what else lies in a closed folder above one,
    such as root's home, is not to be seen any more. Needs the rights that a container has not."""
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    closed = {path: [str(folder) for folder in reversed(Path(path).parents) if not folder.stat().st_mode & stat.S_IXOTH]
              for path in paths}
    copies = {path: kernel.copy_of_mounts(path) for path in paths if closed[path]}
    for folder in {above[0] for above in closed.values() if above}:
        kernel.mount("tmpfs", folder, "tmpfs", 0, "mode=755")
    for path, copy in copies.items():
        os.makedirs(path)
        kernel.move_mounts(copy, path)


if __name__ == "__main__":
    _open_to_all((sys.base_prefix, sys.prefix, str(ROOT)))
    docker() if sys.argv[1] == "docker" else become(sys.argv[1])
    os.execvp(sys.argv[2], sys.argv[2:])
