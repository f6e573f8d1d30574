"""What this machine has, for who grades on it."""
from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import platform
from pathlib import Path

from sqlalchemy import make_url

from .grading.course import Course, CourseError
from .grading.gradebook import Gradebook
from .grading.runner import Limits


def examine(folder: Path) -> list[tuple[str, bool, str]]:
    """Lines of what was looked at, whether it is as it must be, and what was found."""
    return [("Python", True, f"{platform.python_version()} on {platform.system()}"), _torch(), _gpu(),
            _package("nbgrader"), _package("clipkit"), _database(Course(folder)), _isolation()]


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


def _isolation() -> tuple[str, bool, str]:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return "isolation", False, f"{platform.system()} cannot fork processes; grade on Linux or macOS (or in WSL)"
    limits = Limits()
    return "isolation", True, (f"a process for each submission, with limits of time ({limits.cell:g} s a cell, "
                               f"{limits.notebook:g} s in all) and memory. No sandbox: submissions are trusted.")
