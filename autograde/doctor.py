"""What this machine has, for who grades on it."""
from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

from sqlalchemy import make_url

from .grading.course import Course, CourseError
from .grading.gradebook import Gradebook
from .grading.runner import Limits
from .grading.sandbox import walls


def examine(folder: Path) -> list[tuple[str, bool, str]]:
    """Lines of what was looked at, whether it is as it must be, and what was found."""
    return [("Python", True, f"{platform.python_version()} on {platform.system()}"), _torch(), _gpu(),
            _package("nbgrader"), _package("clipkit"), _database(Course(folder)), _sandbox()]


def _package(name: str) -> tuple[str, bool, str]:
    try:
        return name, True, importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return name, False, "not installed; run `pip install -r requirements.txt` in the course's repository"


def _torch() -> tuple[str, bool, str]:
    name, found, version = _package("torch")
    return name, found, f"{version}, {os.cpu_count()} cores" if found else version


def _gpu() -> tuple[str, bool, str]:
    if not _package("torch")[1]:
        return "GPU", True, "not looked for, without torch"
    import torch
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return "GPU", True, f"{name}; grading needs none and uses none"


def _database(course: Course) -> tuple[str, bool, str]:
    book = Gradebook(course.db_url)
    try:
        if not book.exists():
            return "gradebook", True, f"none yet here; it would be {course.db_url}"
        return "gradebook", True, f"{make_url(book.url).render_as_string()}, {len(book.records())} submissions recorded"
    except CourseError as error:
        return "gradebook", False, str(error)


def _sandbox() -> tuple[str, bool, str]:
    """The level that this machine reaches, and for each layer that it lacks how to mend that."""
    if not hasattr(os, "fork"):
        return "sandbox", False, f"none: {platform.system()} cannot fork processes; grade on Linux (or in WSL)"
    missing, limits = walls.examine(), Limits()
    level = walls.level(missing)
    bounds = (f"{limits.cell:g} s a cell, {limits.notebook:g} s and {walls.MEMORY_BYTES / 1e9:g} GB in all, "
              f"{walls.PROCESSES} processes, no network")
    if level == "strong":
        lost = "".join(f"; no {layer}, which is a second lock ({why})" for layer, why in missing.items())
        return "sandbox", True, f"strong: every layer holds ({bounds}){lost}"
    said = [f"no {layer} ({why}){_MEND.get(layer, '')}" for layer, why in missing.items()]
    return "sandbox", False, (f"{level}: {'; '.join(said)}. Submissions are refused here, unless you trust them and say "
                              "--sandbox=weak")


_CONTAINER = "; in a container, run it with --cap-add SYS_ADMIN --security-opt seccomp=unconfined apparmor=unconfined"
_MEND = {
    "user namespace": "; as root: sysctl -w kernel.unprivileged_userns_clone=1 (Debian), "
                      "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), user.max_user_namespaces=10000; or grade as root",
    "network": _CONTAINER, "files": _CONTAINER, "processes": _CONTAINER, "work folder": _CONTAINER,
    "system calls": "; install libseccomp (Debian: apt-get install libseccomp2)",
    "memory": "; it is read from /proc, in a kernel with CONFIG_PROC_CHILDREN",
}
