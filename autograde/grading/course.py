"""A course folder in nbgrader's layout: source/, release/, submitted/STUDENT/CHAPTER/, autograded/, feedback/ and the
gradebook."""
from __future__ import annotations

import contextlib
import difflib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import parse_utc
from traitlets.config import Config, PyFileConfigLoader

from .. import checks, files
from ..nbgrader_config import configure
from ..writing import release
from ..writing.chapter import Chapter
from .litter import is_litter

CONFIG = '''\
# What nbgrader needs to know of this course; your own settings may follow.
from autograde.nbgrader_config import configure

c = get_config()
configure(c)
'''


class CourseError(Exception):
    """Something of the course folder or its gradebook is not as it must be; the message says what, and what to do."""


@dataclass(frozen=True)
class Submission:
    """What one student handed in for one chapter; `folder` holds it."""

    student: str
    chapter: str
    folder: Path

    @property
    def timestamp(self) -> str | None:
        """When it was handed in, as nbgrader's collect leaves it in timestamp.txt; None where that tells no time."""
        path = self.folder / "timestamp.txt"
        if path.is_symlink() or not path.is_file() or path.stat().st_size > 100:  # a pipe would keep us waiting
            return None
        try:
            text = path.read_text(encoding="utf-8").strip()
            return text if text and parse_utc(text) else None
        except (OSError, ValueError, OverflowError):
            return None


@dataclass(frozen=True)
class Course:
    """The folder at `root`; its gradebook is there unless the URL `db`, or the folder's config, names another."""

    root: Path
    db: str | None = None

    @property
    def db_url(self) -> str:
        return self.db or self.config().CourseDirectory.get("db_url") or f"sqlite:///{self.root.resolve()}/gradebook.db"

    def config(self) -> Config:
        """nbgrader's settings: ours, then those of the folder's nbgrader_config.py."""
        config = Config()
        configure(config)
        if (self.root / "nbgrader_config.py").is_file():
            config.merge(PyFileConfigLoader("nbgrader_config.py", path=str(self.root)).load_config())
        config.CourseDirectory.root = str(self.root.resolve())
        return config

    def nbgrader(self) -> NbGraderAPI:
        """nbgrader's own commands on this folder."""
        config = self.config()
        config.CourseDirectory.db_url = self.db_url
        return NbGraderAPI(CourseDirectory(config=config), config=config)

    @property
    def secret(self) -> str:
        """From which the random inputs of the checks follow: the same in every run, and not to be foreseen."""
        path = self.root / ".autograde.secret"
        if not path.is_file():
            files.put(path, secrets.token_hex(32), mode=0o600)
        return path.read_text()

    def kept(self, chapter: str) -> Path:
        """The file of `held_back`."""
        return self.root / f".autograde.{chapter}.json"

    def held_back(self, chapter: str) -> str:
        """What the checks of a chapter know in this course, and nobody else; made where it is not there yet."""
        path = self.kept(chapter)
        if not path.is_file():
            made = checks.held_back(chapter)
            if not made:
                return ""
            files.put(path, made, mode=0o600)
        return path.read_text()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other grader out of this folder meanwhile; the system lifts the lock of one that is killed.

        Raises:
            CourseError: another one is at work here.
        """
        import fcntl  # not on Windows, where nothing is graded
        with (self.root / ".autograde.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise CourseError(f"another `autograde grade` is at work in {self.root} (process {file.read()}); wait "
                                  "until it has ended, or stop it") from None
            file.truncate(0)
            print(os.getpid(), end="", file=file, flush=True)
            yield

    def autograded(self, student: str, chapter: str) -> Path:
        return self.root / "autograded" / student / chapter

    def release(self, chapters: list[Chapter]) -> None:
        """Write the config and the chapters' source assignments, and let nbgrader generate what is handed out.

        Raises:
            CourseError: nbgrader could not; for example, a chapter's exercises changed and it has submissions.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        if not (self.root / "nbgrader_config.py").exists():
            line = f"c.CourseDirectory.db_url = {self.db!r}\n" if self.db else ""
            (self.root / "nbgrader_config.py").write_text(CONFIG + line, encoding="utf-8")
        for chapter in chapters:
            self.held_back(chapter.name)
            folder = self.root / "source" / chapter.stem
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{chapter.stem}.ipynb").write_text(release.text_of(release.source(chapter)), encoding="utf-8")
            said(self.nbgrader().generate_assignment(chapter.stem, force=True), f"{chapter.stem} was not released")

    def submissions(self, folder: Path, chapter: str | None = None, student: str | None = None) -> list[Submission]:
        """What stands in `folder` as STUDENT/CHAPTER/, of one chapter (its stem) or student if so asked.

        Raises:
            CourseError: there is no such folder, or nothing in it that was asked for.
        """
        if not folder.is_dir():
            raise CourseError(f"there is no folder {folder}; expected {folder.name}/STUDENT/CHAPTER/NOTEBOOK.ipynb")
        found = [Submission(two.parent.name, two.name, two) for two in sorted(folder.glob("*/*"))
                 if two.is_dir() and not is_litter(two) and not is_litter(two.parent)]
        if not found:
            raise CourseError(f"{folder} holds no submission; expected {folder.name}/STUDENT/CHAPTER/NOTEBOOK.ipynb")
        if student and student not in {s.student for s in found}:
            raise CourseError(f"no submission of {student!r}{did_you_mean(student, {s.student for s in found})}")
        wanted = [s for s in found if student in (None, s.student) and chapter in (None, s.chapter)]
        if not wanted:
            raise CourseError(f"no submission for {chapter}" + (f" by {student}" if student else ""))
        return wanted


def course_of(submitted: Path, db: str | None = None) -> tuple[Course, Path]:
    """The course that a folder of submissions belongs to, and that folder; either may be named."""
    if (submitted / "submitted").is_dir():
        submitted = submitted / "submitted"
    return Course(submitted.resolve().parent, db), submitted


def said(result: dict, failure: str) -> None:
    """Raise CourseError where one of nbgrader's commands did not succeed, with the last line of what it logged."""
    if not result["success"]:
        lines = [*result.get("log", "").splitlines(), *result.get("error", "").splitlines()]
        reasons = [line.strip() for line in lines if line.strip() and not line.startswith(" ")]
        raise CourseError(f"{failure}: {reasons[-1] if reasons else 'no reason given'}")


def did_you_mean(word: str, known: set[str]) -> str:
    """The end of a sentence about an unknown word: the known one nearest to it; empty where none is near."""
    close = difflib.get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
