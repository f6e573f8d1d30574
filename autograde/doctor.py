"""What this machine has, for who grades on it."""
from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

import nbformat
from sqlalchemy import make_url

from .grading import runner
from .grading.course import Course, CourseError
from .grading.gradebook import Gradebook
from .grading.runner import Limits
from .grading.sandbox import started, walls


def examine(folder: Path) -> list[tuple[str, bool, str]]:
    """Lines of what was looked at, whether it is as it must be, and what was found."""
    return [("Python", True, f"{platform.python_version()} on {platform.system()}"), _torch(), _gpu(),
            _package("nbgrader"), _package("clipkit"), _database(Course(folder)), _sandbox(), _submission()]


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
    try:
        missing, limits = started.here().missing, Limits()
    except started.SandboxError as error:
        return "sandbox", False, str(error)
    level = walls.level(missing)
    bounds = (f"{limits.cell:g} s a cell, {limits.notebook:g} s and {walls.MEMORY_BYTES / 1e9:g} GB in all, "
              f"{walls.PROCESSES} processes, no network")
    if level == "strong":
        lost = "".join(f"; no {layer}, which is a second lock ({why})" for layer, why in missing.items())
        return "sandbox", True, f"strong: every layer holds ({bounds}){lost}"
    said = _lost(missing)
    if level == "contained":
        return "sandbox", True, (f"contained: another user, Landlock and the filter of system calls hold ({bounds}), as far as "
                                 f"an ordinary container goes: {said}. Where it holds nothing but the course, grade with "
                                 "--sandbox=contained")
    return "sandbox", False, f"weak: {said}. Submissions are refused here, unless you trust them and say --sandbox=weak"


def _lost(missing: dict[str, str]) -> str:
    """What is missing, why, and how to mend it; layers of one cause together."""
    causes: dict[tuple[str, str], list[str]] = {}
    for layer, why in missing.items():
        causes.setdefault((why, _MEND.get(layer, "")), []).append(layer)
    return "; ".join(f"no {', '.join(layers)} ({why}){mend}" for (why, mend), layers in causes.items())


def _submission() -> tuple[str, bool, str]:
    """Whether what notebooks use can be imported where submissions run, where everything else is out of sight."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(USES)])
    try:
        ran = runner.run(notebook, "pipeline", limits=Limits(sandbox="weak"))
    except started.SandboxError as error:
        return "submission", False, str(error)
    errors = [f"{o['ename']}: {o['evalue']}" for o in ran.outputs.get(0, ()) if o["output_type"] == "error"]
    if ran.status == "graded" and not errors:
        return "submission", True, "a trial imported every package that notebooks use, and wrote and read a clip"
    return "submission", False, (f"a trial failed: {(errors or [ran.said])[0]}. Right answers would fail too: install the "
                                 "packages (pip install -r requirements.txt) where every user may read them")


USES = """
import IPython.display, PIL.Image, av.filter, matplotlib.animation, numpy.polynomial, safetensors.torch, scipy.optimize, tqdm
import sklearn.linear_model, torch.utils.serialization, torchvision.models
import clipkit
clipkit.read_video(clipkit.write_video(clipkit.Walkers(num_frames=4)[0][0], "clip.mp4"))
"""
_CONTAINER = "; Docker allows it with --cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
_MEND = {
    "user namespace": "; as root: sysctl -w kernel.unprivileged_userns_clone=1 (Debian), "
                      "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), user.max_user_namespaces=10000; "
                      "or grade as root",
    "network": _CONTAINER, "files": _CONTAINER, "processes": _CONTAINER, "work folder": _CONTAINER,
    "system calls": "; install libseccomp (Debian: apt-get install libseccomp2)",
    "another user": "; where that is root's home, install Python and the course elsewhere (/opt, /usr/local), or chmod o+x the "
                    "folders above them; in a container, grade as root",
    "Landlock": "; it takes Linux 5.13 with CONFIG_SECURITY_LANDLOCK, and a container whose profile lets it through",
    "answers": "; they lie where every submission can read them",
    "memory": "; it is read from /proc, in a kernel with CONFIG_PROC_CHILDREN",
}
