"""Clones of the students' repositories, side by side in a folder: the last commit before the deadline is what was handed in.

Files are read out of that commit and nothing is checked out, so no hook, filter or link of a student's does anything here. The
time of a commit is by the clock of whoever made it.
"""
from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

from ..grading.course import CourseError
from ..grading.intake import MAX_BYTES
from ..grading.litter import is_litter
from ..grading.session import WEIGHTS
from .handed_in import Found, HandIn, Unread
from .roster import Roster, first

ACCOUNT, KEYS = "github_username", ("identifier", "name", "github_username")


def read(folder: Path, roster: Roster | None = None, deadline: datetime | None = None) -> Found:
    """The notebooks of all clones in a folder, by the name that a roster (identifier, github_username) gives to the account at
    the end of the clone's name; without one, by what is left of that name without what all have in common.

    Raises:
        CourseError: there is no clone, or no git.
    """
    clones = sorted(path for path in folder.iterdir() if (path / ".git").exists()) if folder.is_dir() else []
    if not clones:
        raise CourseError(f"{folder} holds no clone of a repository; expected a folder for each student, as "
                          f"`git clone https://github.com/SCHOOL/02-gan-losses-ann {folder}/02-gan-losses-ann` makes it")
    found, common = Found(), _in_common([clone.name for clone in clones])
    for clone in clones:
        try:
            student = _student(clone.name, common, roster)
            found.hand_ins += _hand_ins(clone, student, deadline)
        except Unread as error:
            found.left.append(f"{clone.name} {error}")
    return found


def _in_common(names: list[str]) -> str:
    """What all names begin with, up to a hyphen; nothing where there is one name."""
    return os.path.commonprefix(names).rpartition("-")[0] + "-" if len(names) > 1 else ""


def _student(name: str, common: str, roster: Roster | None) -> str:
    if roster is None:
        return name.removeprefix(common)
    rows = [row for row in roster.rows if (account := row.get(ACCOUNT, "").lower())
            and (name.lower() == account or name.lower().endswith(f"-{account}"))]
    if not rows:
        raise Unread(f"is of nobody in {roster.path}: no {ACCOUNT} there stands at its end")
    return first(max(rows, key=lambda row: len(row[ACCOUNT])), KEYS)


def _hand_ins(clone: Path, student: str, deadline: datetime | None) -> Iterator[HandIn]:
    at = _git(clone, "rev-parse", "--verify", "-q", "refs/remotes/origin/HEAD^{commit}") or _git(
        clone, "rev-parse", "--verify", "-q", "HEAD^{commit}")
    if not at:
        raise Unread(f"({student}) is empty: nothing was pushed, or it was not fetched")
    until = [f"--before={int(deadline.timestamp())}"] if deadline else []
    commit = _git(clone, "rev-list", "-1", *until, at)
    if not commit:
        raise Unread(f"({student}) has no commit before {deadline:%Y-%m-%d %H:%M %Z}; its first is later")
    seconds = int(_git(clone, "show", "-s", "--format=%ct", commit))
    when = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    files = list(_files(clone, commit))
    depth = min((len(path.parts) for _, path in files if path.suffix == ".ipynb"), default=0)
    taken = [(blob, path) for blob, path in files
             if path.suffix == ".ipynb" and len(path.parts) == depth or path.name == WEIGHTS]
    if not depth:
        others = ", ".join(str(path) for _, path in files[:5]) or "nothing"
        raise Unread(f"({student}) has no notebook in its last commit: expected an .ipynb file, found {others}")
    for blob, path in taken:
        if (size := int(_git(clone, "cat-file", "-s", blob))) > MAX_BYTES:
            raise Unread(f"({student}): {path} has {size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are taken")
        yield HandIn(student, path.name, partial(_run, clone, "cat-file", "blob", blob), seconds, handed_in=when)


def _files(clone: Path, commit: str) -> Iterator[tuple[str, PurePosixPath]]:
    """The plain files of a commit, as (blob, path): no links, no submodules, nothing hidden."""
    for line in _run(clone, "ls-tree", "-r", "-z", commit).decode(errors="replace").split("\0"):
        about, _, name = line.partition("\t")
        path = PurePosixPath(name)
        if about.startswith("100") and not any(map(is_litter, path.parts)):
            yield about.split()[2], path


def _git(clone: Path, *words: str) -> str:
    return _run(clone, *words).decode(errors="replace").strip()


def _run(clone: Path, *words: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(["git", "-C", str(clone), *words], capture_output=True, env=environment, check=False)
    except FileNotFoundError:
        raise CourseError("git is not installed here; install it (Debian: apt-get install git)") from None
    if done.returncode and words[0] != "rev-parse":
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unread(f"could not be read by git: {said[-1] if said else f'exit status {done.returncode}'}")
    return done.stdout


def deadline_of(text: str) -> datetime:
    """A deadline as a person writes it, "2026-12-01 23:59", in the time of this machine unless it says another ("+01:00").

    Raises:
        CourseError: it is none.
    """
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise CourseError(f"{text!r} is no deadline; expected e.g. '2026-12-01 23:59' or '2026-12-01T23:59+01:00'") from None
