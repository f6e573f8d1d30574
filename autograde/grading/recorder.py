"""Graded submissions on their way to the disk, in groups: first their executed notebooks, then the gradebook.

A group costs little more than one submission: files wait for the disk side by side, and the gradebook has one transaction.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from .. import files
from . import executed
from .course import Course, Submission
from .gradebook import Gradebook
from .rows import Graded

MOST = 64                # submissions of a group
MOST_BYTES = 50_000_000  # of its notebooks


@dataclass(frozen=True)
class Finished:
    """A submission with its record and its executed notebook; the others as in `rows.Graded`."""

    submission: Submission
    record: dict[str, Any]
    notebook: NotebookNode
    digest: str
    unanswered: set[str]


@dataclass
class Recorder:
    """Takes what is graded; nobody is told of it before `put_down`."""

    course: Course
    gradebook: Gradebook
    _records: list[dict[str, Any]] = field(default_factory=list)
    _graded: list[Graded] = field(default_factory=list)
    _files: dict[Path, bytes] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        return len(self._records) + len(self._graded) >= MOST or sum(map(len, self._files.values())) > MOST_BYTES

    def take(self, done: Finished | dict[str, Any]) -> None:
        """What is to be written; or a record alone, which is written nowhere, or was before."""
        if isinstance(done, dict):
            self._records.append(done)
            return
        student, stem, stamp = done.submission.student, done.submission.chapter, done.submission.timestamp
        self._files |= executed.contents(done.notebook, self.course.autograded(student, stem), stem, stamp, done.digest)
        self._graded.append(Graded(done.record, done.digest, done.unanswered, stamp))

    def put_down(self) -> list[dict[str, Any]]:
        """All records that it has, once they are on the disk. Who stops in between grades these submissions again."""
        files.put_all(self._files)
        records = self._records + self.gradebook.record_all(self._graded)
        self._records, self._graded, self._files = [], [], {}
        return records
