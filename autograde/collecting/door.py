"""The one way into submitted/: everything is first written beside it, and put in place when all of it is on the disk."""
from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import files
from ..grading.course import Course, CourseError
from ..grading.litter import is_litter
from ..grading.session import WEIGHTS
from .chosen import Chosen, chosen
from .handed_in import Found

KEPT = ".collected.json"  # beside a notebook: where it came from, so that nothing older takes its place
STAMP = "timestamp.txt"


@dataclass
class Collected:
    """What became of all hand-ins, as "student, chapter"; `left` has a sentence for each that is not in submitted/."""

    left: list[str]
    new: list[str] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    @property
    def sentence(self) -> str:
        counts = ((self.new, "new"), (self.newer, "in place of an earlier one"), (self.same, "there already"))
        said = ", ".join(f"{len(which)} {how}" for which, how in counts if which) or "nothing came"
        late = f"; handed in late: {'; '.join(self.late)}" if self.late else ""
        return f"submitted/: {said}{late}"


def collect(course: Course, found: Found, platform: str, stem: str | None = None) -> Collected:
    """Put what was found into submitted/STUDENT/CHAPTER/, under the chapter's name.

    Args:
        platform: where it comes from; only what comes from the same place is compared by age.
        stem: the chapter of all notebooks; without it, each says its own.
    Raises:
        CourseError: there is no such course or chapter, or no room; submitted/ is then as it was.
    """
    released = {path.name for path in (course.root / "source").glob("*") if path.is_dir()}
    if not released or stem and stem not in released:
        raise CourseError(f"in {course.root} {stem or 'no chapter'} is {'not ' if stem else ''}released; expected a course "
                          f"folder with it. Try `autograde release --course {course.root} {stem or 'CHAPTER'}`, or another "
                          "--course")
    every = list(chosen(found, stem, released))
    done = Collected(found.left, late=[one.name for one in every if one.notebook.late])
    with course.locked():
        coming = {one: course.root / "submitted" / one.student / one.chapter for one in every}
        _put(course.root, {one: folder for one, folder in coming.items() if _is_wanted(one, folder, platform, done)}, platform)
    return done


def _is_wanted(one: Chosen, folder: Path, platform: str, done: Collected) -> bool:
    """Whether it takes the place of what is there; and it comes into one of the lists."""
    kept = _kept(folder)
    there = [path.name for path in folder.glob("*.ipynb") if not is_litter(path)] if folder.is_dir() else []
    if any(path.is_symlink() for path in (folder, *folder.parents[:2])):
        done.left.append(f"{one.name}: its folder is a link, and nothing is written through links; make it a folder")
    elif not there:
        done.new.append(one.name)
        return True
    elif _is_same(one, folder):
        done.same.append(one.name)
    elif kept.get("from") != platform:
        done.left.append(f"{one.name}: {there[0]} is there already and is not from {platform}, so it stays; to have this one, "
                         "move that away")
    elif kept["order"] > one.notebook.order:
        done.left.append(f"{one.name}: what is there is newer than this {one.notebook.name}, and stays")
    else:
        done.newer.append(one.name)
        return True
    return False


def _is_same(one: Chosen, folder: Path) -> bool:
    """Whether these very files are there; where no weights came, no other counts as the same."""
    def holds(name: str, content: bytes | None) -> bool:
        path = folder / name
        return path.is_file() and not path.is_symlink() and path.read_bytes() == content
    has_other_weights = one.weights is None and (folder / WEIGHTS).exists()
    return all(holds(name, file.read()) for name, file in one.files) and not has_other_weights


def _kept(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / KEPT).read_text(encoding="utf-8"))
        return about if isinstance(about, dict) and isinstance(about.get("order"), int | float) else {}
    except (OSError, ValueError):
        return {}


def _put(root: Path, coming: dict[Chosen, Path], platform: str) -> None:
    """First all are beside submitted/, on the disk; then each appears."""
    made: list[Path] = []
    try:
        beside = Path(tempfile.mkdtemp(prefix=".autograde-collected-", dir=root))
        try:
            staged = [(_stage(beside / str(number), one, platform), folder)
                      for number, (one, folder) in enumerate(coming.items())]
            for _, folder in staged:
                _make(folder, made)
            for ready, folder in staged:
                _move(ready, folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as error:
        for folder in reversed(made):
            if not any(folder.iterdir()):
                folder.rmdir()
        said = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error)
        raise CourseError(f"{said}: nothing was collected, and submitted/ is as it was. Make room in {root} and try "
                          "again") from None


def _stage(ready: Path, one: Chosen, platform: str) -> Path:
    ready.mkdir()
    about = {"from": platform, "order": one.notebook.order, "name": one.notebook.name, "late": one.notebook.late}
    stamp = {ready / STAMP: one.notebook.handed_in} if one.notebook.handed_in else {}
    files.put_all({ready / name: file.read() for name, file in one.files} | stamp | {ready / KEPT: json.dumps(about)})
    return ready


def _make(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it; the new ones are noted."""
    for path in (*reversed(folder.parents), folder):
        if not path.is_dir():
            path.mkdir()
            made.append(path)


def _move(ready: Path, folder: Path) -> None:
    """Each file at once; what is known of it comes last, and what only an earlier one had goes."""
    names = sorted(os.listdir(ready), key=lambda name: name == KEPT)
    for name in names:
        os.replace(ready / name, folder / name)
    for name in {WEIGHTS, STAMP} - set(names):
        (folder / name).unlink(missing_ok=True)
