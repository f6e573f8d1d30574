"""What a submission sees of the file system: Python, its packages and the system's libraries, to read; nothing else.

No home, no course folder, no gradebook, no /proc; of this repository clipkit alone, in an editable install too.
"""
from __future__ import annotations

import importlib.util
import os
import sysconfig
from pathlib import Path

from .kernel import (
    CLONE_NEWNS,
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    make_root,
    mount,
    restrict_mount,
    unshare,
)

HIDDEN = ("solutions", "autograde")  # packages
DEVICES = ("null", "full", "random", "urandom")
SYSTEM = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64")
WORK = "/tmp"  # the one place to write in; /dev/shm is there too
WORK_BYTES, WORK_FILES = 512 << 20, 20_000
_BUILT_AT = "/sys"  # a folder that every Linux has, and from which nothing is shown


def shown() -> list[str]:
    """The folders that are seen: of the standard library, of installed packages, of system libraries, and clipkit."""
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    clipkit, torch = (importlib.util.find_spec(name).submodule_search_locations[0] for name in ("clipkit", "torch"))
    bases = {"base": sysconfig.get_config_var("installed_base"), "platbase": sysconfig.get_config_var("installed_platbase")}
    paths = {sysconfig.get_path(kind) for kind in kinds} | {sysconfig.get_path(k, vars=bases) for k in kinds}
    found = {*paths, *SYSTEM, clipkit, os.path.dirname(torch)}
    if sysconfig.get_config_var("Py_ENABLE_SHARED"):
        found.add(sysconfig.get_config_var("LIBDIR"))
    there = sorted(path for path in found if os.path.isdir(path))
    return [p for p in there if not any(p != q and Path(p).is_relative_to(q) and not os.path.islink(q) for q in there)]


def hidden() -> list[str]:
    """The folders of our own packages, which are covered where an install put them among the others."""
    specs = [importlib.util.find_spec(package) for package in HIDDEN]  # finding does not import
    return [place for spec in specs if spec for place in spec.submodule_search_locations]


def enter_root() -> None:
    """Move this process into a mount namespace of its own, whose root holds what is shown."""
    unshare(CLONE_NEWNS)
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    covered = hidden()
    mount("tmpfs", _BUILT_AT, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for path in shown():
        _show(path)
    for path in covered:
        if os.path.isdir(_BUILT_AT + path):
            mount("tmpfs", _BUILT_AT + path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=0,mode=755")
    os.makedirs(f"{_BUILT_AT}/dev", exist_ok=True)
    for device in DEVICES:
        Path(f"{_BUILT_AT}/dev/{device}").touch()
        mount(f"/dev/{device}", f"{_BUILT_AT}/dev/{device}", None, MS_BIND)
    os.symlink(WORK, f"{_BUILT_AT}/dev/shm")
    os.makedirs(_BUILT_AT + WORK, exist_ok=True)
    restrict_mount(_BUILT_AT, recursive=False)
    make_root(_BUILT_AT)


def private_work_folder() -> None:
    """An empty folder to work in, bounded in size, for this process and those it forks."""
    unshare(CLONE_NEWNS)
    mount("tmpfs", WORK, "tmpfs", MS_NOSUID | MS_NODEV, f"size={WORK_BYTES},nr_inodes={WORK_FILES},mode=1777")


def _show(path: str) -> None:
    target = _BUILT_AT + path
    if os.path.islink(path) and path in SYSTEM:  # /lib is usr/lib
        os.symlink(os.readlink(path), target)
        return
    os.makedirs(target, exist_ok=True)
    mount(os.path.realpath(path), target, None, MS_BIND | MS_REC)
    restrict_mount(target)
