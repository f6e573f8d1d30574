"""What a submission sees of the file system: Python, its packages and the system's libraries, to read; nothing else.

No home, no course folder, no gradebook, no /proc; of this repository clipkit alone, in an editable install too. It holds
wherever Python and its packages lie, below /tmp and /dev/shm too, where a submission has its own folder.
"""
from __future__ import annotations

import errno
import importlib.util
import os
import pkgutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from .kernel import (
    CLONE_NEWNS,
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    copy_of_mounts,
    make_root,
    mount,
    move_mounts,
    restrict_mount,
    unshare,
)

HIDDEN = ("solutions", "autograde")  # packages
USED = ("clipkit", "torch", "torchvision", "av", "numpy", "matplotlib", "PIL", "sklearn", "safetensors", "tqdm", "IPython")
DEVICES = ("null", "full", "random", "urandom")
SYSTEM = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64")
WORK = "/tmp"  # the one place to write in
FOLDER = f"{WORK}/submission"  # where it begins: an empty one, also where Python lies below WORK
SHARED = "/dev/shm"  # where Python keeps locks of several processes: the same folder
WORK_BYTES, WORK_FILES = 512 << 20, 20_000


@cache
def shown() -> tuple[str, ...]:
    """The paths that are seen, none below another: of the standard library, of installed packages (of the user's own too),
    of system libraries, and of what `USED` and the modules of this process have elsewhere."""
    kinds = ("stdlib", "platstdlib", "purelib", "platlib")
    bases = {"base": sysconfig.get_config_var("installed_base"), "platbase": sysconfig.get_config_var("installed_platbase")}
    found = {sysconfig.get_path(kind) for kind in kinds} | {sysconfig.get_path(k, vars=bases) for k in kinds}
    found |= {*SYSTEM, sysconfig.get_config_var("LIBDIR"), f"{sys.base_prefix}/lib", f"{sys.prefix}/lib"}
    found |= {path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")}
    found |= {place for name in USED for place in _places(name)}
    found = {path for path in found if path and os.path.isdir(path)}
    found |= {os.path.realpath(path) for path in found}  # an environment may be a link
    return tuple(_topmost(found | set(_elsewhere(found))))


def hidden() -> list[str]:
    """The folders of our own packages, which are covered where an install put them among the others."""
    return [place for package in HIDDEN for place in _places(package)]


def _places(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)  # finding does not import
    return list(spec.submodule_search_locations or []) if spec else []


def _elsewhere(found: Iterable[str]) -> Iterator[str]:
    """Folders of packages, and files of single modules, that this process has imported from outside of `found`, where an
    editable install, or an environment made of links, has them."""
    folders = tuple(f"{place}/" for place in found)
    for name, file in _loaded():
        for path in {file, os.path.realpath(file)}:
            if os.path.exists(path) and not path.startswith(folders):
                yield os.path.dirname(path) if "." in name or os.path.basename(path).startswith("__init__.") else path


def _loaded() -> list[tuple[str, str]]:
    """Names and files of the modules of this process, but for those of the hidden packages."""
    modules = [(name, getattr(module, "__file__", None)) for name, module in list(sys.modules.items())]
    ours = tuple(f"{place}/" for place in hidden())
    return [(name, file) for name, file in modules if file and os.path.isabs(file) and not file.startswith(ours)]


def _topmost(paths: Iterable[str]) -> list[str]:
    """Those that lie in no other; a link counts as what it leads to only for itself."""
    there = sorted(set(paths))
    folders = tuple(path for path in there if not os.path.islink(path))
    return [p for p in there if not any(p != q and p.startswith(f"{q}/") for q in folders)]


def reachable() -> dict[str, list[str]]:
    """For a sandbox that has no root of its own, where Landlock alone hides our packages: paths that may be read, folders
    whose names may be listed, and devices that may be written to."""
    read: list[str] = []
    list_: list[str] = []

    def walk(path: str) -> None:
        if path in covered:
            return
        if not any(place.startswith(f"{path}/") for place in covered):
            read.append(path)
            return
        list_.append(path)
        for name in os.listdir(path):
            walk(os.path.realpath(f"{path}/{name}"))

    covered = set(map(os.path.realpath, hidden()))
    for path in dict.fromkeys(map(os.path.realpath, shown())):
        walk(path)
    devices = [f"/dev/{device}" for device in DEVICES]
    return {"readable": [*read, *devices], "listable": list_, "writable": devices}


def must_see_packages() -> None:
    """Read a file of every module that is loaded, and of one of each package that is not: what a submission will do.

    Raises:
        OSError: one cannot be read; `filename` says which.
    """
    for file in (*(file for _, file in _loaded()), *filter(None, map(_not_loaded, USED))):
        with open(file, "rb") as opened:
            opened.read(1)


def _not_loaded(package: str) -> str | None:
    """The file of one of its modules that this process has not imported; of the package itself where that is not."""
    names = [package, *(m.name for place in _places(package) for m in pkgutil.iter_modules([place], f"{package}."))]
    name = next((name for name in names if name not in sys.modules), None)
    spec = importlib.util.find_spec(name) if name else None
    if name == package and spec is None:
        raise OSError(errno.ENOENT, f"{package} is not installed")
    return spec.origin if spec and spec.has_location else None


def must_hide_answers() -> None:
    """Raises OSError where a file of our own packages can be read."""
    for folder in hidden():
        for place, _, files in os.walk(folder):
            for file in files:
                if _opens(f"{place}/{file}"):
                    raise OSError(errno.EPERM, f"{place}/{file} can be read")


def _opens(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY))
        return True
    except OSError:
        return False


def enter_root() -> None:
    """Move this process into a mount namespace of its own, whose root holds what is shown."""
    unshare(CLONE_NEWNS)
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    covered, new = hidden(), _unused_folder()
    mount("tmpfs", new, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for path in shown():
        _show(path, new + path)
    for path in covered:
        if os.path.isdir(new + path):
            mount("tmpfs", new + path, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV, "size=0,mode=755")
    for device in DEVICES:
        _bind(f"/dev/{device}", f"{new}/dev/{device}")
    for folder in (WORK, SHARED):
        os.makedirs(new + folder, exist_ok=True)
    restrict_mount(new, recursive=False)
    make_root(new)


def _unused_folder() -> str:
    """A folder of the old root on which the new one is built: one from which nothing is shown."""
    folders = [f"/{name}" for name in sorted(os.listdir("/"), reverse=True) if name != "dev"]
    used = [os.path.realpath(path) for path in shown()]
    return next(folder for folder in folders if os.path.isdir(folder) and not os.path.islink(folder)
                and not any(f"{path}/".startswith(f"{folder}/") for path in used))


def private_work_folder() -> None:
    """An empty folder to work in, bounded in size, for this process and those it forks; what is shown from beneath it
    stays in its place."""
    unshare(CLONE_NEWNS)
    beneath = [path for path in shown() if path.startswith((f"{WORK}/", f"{SHARED}/"))]
    copies = [copy_of_mounts(path) for path in beneath]
    mount("tmpfs", WORK, "tmpfs", MS_NOSUID | MS_NODEV, f"size={WORK_BYTES},nr_inodes={WORK_FILES},mode=1777")
    mount(WORK, SHARED, None, MS_BIND)
    for path, copy in zip(beneath, copies, strict=True):
        _make(path, is_folder=os.path.isdir(copy))
        move_mounts(copy, path)
    os.makedirs(FOLDER)
    os.chmod(FOLDER, 0o1777)


def _show(path: str, target: str) -> None:
    if os.path.islink(path) and path in SYSTEM:  # /lib is usr/lib
        os.symlink(os.readlink(path), target)
        return
    _bind(os.path.realpath(path), target)
    restrict_mount(target)


def _bind(path: str, target: str) -> None:
    _make(target, is_folder=os.path.isdir(path))
    mount(path, target, None, MS_BIND | MS_REC)


def _make(path: str, *, is_folder: bool) -> None:
    os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)
    if not is_folder:
        Path(path).touch()
