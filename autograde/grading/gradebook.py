"""nbgrader's gradebook, written by `autograde grade`: every submission in one transaction, the same one only once.

Beside nbgrader's tables stands one of ours, `autograde_run`: for each student and chapter what was handed in (the
digest of the file) and what came of it (the record that `--json` shows).
"""
from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader import api, utils
from nbgrader.preprocessors import CheckCellMetadata, ClearOutput, ComputeChecksums, LockCells, SaveCells
from sqlalchemy import Column, DateTime, MetaData, String, Table, Text, delete, insert, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from ..nbgrader_config import COURSE_ID, find_programs
from ..writing import release
from ..writing.chapter import Chapter
from .course import CourseError

RUNS = Table("autograde_run", MetaData(), Column("student", String(128), primary_key=True),
             Column("chapter", String(128), primary_key=True), Column("digest", String(64), nullable=False),
             Column("record", Text, nullable=False), Column("graded_at", DateTime, nullable=False))


@dataclass(frozen=True)
class Gradebook:
    """The gradebook at an SQLAlchemy URL, made where there is none."""

    url: str

    def exists(self) -> bool:
        """False where the URL is that of an SQLite file that is not there: reading must not make one."""
        try:
            url = make_url(self.url)
        except SQLAlchemyError as error:
            raise CourseError(f"the gradebook {self.url} cannot be used: {error}") from None
        return not url.drivername.startswith("sqlite") or Path(url.database or "").exists()

    @contextlib.contextmanager
    def _open(self) -> Iterator[api.Gradebook]:
        find_programs()
        try:
            with api.Gradebook(self.url, COURSE_ID) as book:
                RUNS.metadata.create_all(book.engine)
                yield book
        except (SQLAlchemyError, ImportError) as error:
            first = str(error).split("\n")[0]
            raise CourseError(f"the gradebook {self.url} cannot be used: {first}. If nbgrader was updated, back the "
                              "gradebook up and run `nbgrader db upgrade`.") from error

    def prepare(self, chapter: Chapter) -> None:
        """Make the chapter known as an assignment, with its cells, as nbgrader's generate_assignment does.

        Raises:
            CourseError: it has submissions, and its exercises have changed since.
        """
        with self._open() as book:
            if _known_cells(book, chapter.stem) == {_grade_cell(e): e.points for e in chapter.exercises}:
                return
            book.update_or_create_assignment(chapter.stem)
        notebook = release.source(chapter)
        resources = {"nbgrader": {"notebook": chapter.stem, "assignment": chapter.stem, "db_url": self.url}}
        try:
            for step in (LockCells, release.ClearAnswers, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells):
                notebook, resources = step().preprocess(notebook, resources)
        except RuntimeError:
            raise CourseError(f"the exercises of {chapter.stem} have changed since submissions were recorded in "
                              f"{self.url}; grade the new version into another gradebook (--db)") from None

    def find(self, student: str, stem: str, digest: str) -> dict[str, Any] | None:
        """The record of this very submission, with what was graded by hand since; None where it is not recorded."""
        with self._open() as book:
            row = book.db.execute(select(RUNS).where(RUNS.c.student == student, RUNS.c.chapter == stem)).first()
            if row is None or row.digest != digest:
                return None
            return _with_hand_grades(json.loads(row.record), _grades(book, student, stem))

    def record(self, record: dict[str, Any], digest: str, *, unanswered: set[str],
               timestamp: str | None = None) -> dict[str, Any]:
        """Write a record (the form of `--json`) and return it with the grades given by hand, which stay.

        Args:
            unanswered: names of exercises whose cell is as it was handed out, or missing.
        """
        student, stem = record["student"], record["chapter"]
        with self._open() as book:
            before = book.db.execute(select(RUNS.c.digest).where(RUNS.c.student == student, RUNS.c.chapter == stem))
            is_same = before.scalar() == digest
            submission = _submission(book, student, stem)
            submission.timestamp = utils.parse_utc(timestamp) if timestamp else submission.timestamp
            book.db.flush()
            for exercise in record["exercises"]:
                _grade(book, submission, exercise, unanswered, is_same=is_same)
            book.db.execute(delete(RUNS).where(RUNS.c.student == student, RUNS.c.chapter == stem))
            book.db.execute(insert(RUNS).values(student=student, chapter=stem, digest=digest, record=json.dumps(record),
                                                graded_at=datetime.datetime.now(datetime.UTC).replace(tzinfo=None)))
            book.db.commit()
            return _with_hand_grades(record, _grades(book, student, stem))

    def records(self) -> list[dict[str, Any]]:
        """All records, by chapter and student, with the grades given by hand; none where there is no gradebook yet."""
        if not self.exists():
            return []
        with self._open() as book:
            rows = book.db.execute(select(RUNS).order_by(RUNS.c.chapter, RUNS.c.student)).all()
            return [_with_hand_grades(json.loads(row.record), _grades(book, row.student, row.chapter)) for row in rows]


def _grade_cell(exercise: Any) -> str:
    return exercise.name if exercise.kind == "written" else f"{exercise.name}-points"


def _known_cells(book: api.Gradebook, stem: str) -> dict[str, float]:
    with contextlib.suppress(api.MissingEntry):
        return {cell.name: cell.max_score for cell in book.find_notebook(stem, stem).grade_cells}
    return {}


def _submission(book: api.Gradebook, student: str, stem: str) -> api.SubmittedAssignment:
    """The student's submission, made (not yet committed) with an empty grade for each cell where there is none."""
    with contextlib.suppress(api.MissingEntry):
        return book.find_submission(stem, student)
    with book.db.no_autoflush:
        person = book.db.get(api.Student, student) or api.Student(id=student)
        submission = api.SubmittedAssignment(assignment=book.find_assignment(stem), student=person)
        for notebook in submission.assignment.notebooks:
            handed_in = api.SubmittedNotebook(notebook=notebook, assignment=submission)
            for cell in notebook.grade_cells:
                api.Grade(cell_id=cell.id, notebook=handed_in)
            for cell in notebook.solution_cells:
                api.Comment(cell_id=cell.id, notebook=handed_in)
        book.db.add(submission)  # with all that hangs on it
    return submission


def _grade(book: api.Gradebook, submission: api.SubmittedAssignment, exercise: dict, unanswered: set[str], *,
           is_same: bool) -> None:
    stem, student = submission.assignment.name, submission.student.id
    name = exercise["id"].partition(".")[2]
    is_written = not exercise["checks"]
    grade = book.find_grade(name if is_written else f"{name}-points", stem, stem, student)
    grade.auto_score = (0.0 if name in unanswered else None) if is_written else exercise["score"]
    if not (is_same and grade.manual_score is not None):  # a new version of what was graded by hand is looked at again
        grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None
    book.find_comment(name, stem, stem, student).auto_comment = "No response." if name in unanswered else None


def _grades(book: api.Gradebook, student: str, stem: str) -> dict[str, api.Grade]:
    notebook = book.find_submission_notebook(stem, stem, student)
    return {grade.name.removesuffix("-points"): grade for grade in notebook.grades}


def _with_hand_grades(record: dict[str, Any], grades: dict[str, api.Grade]) -> dict[str, Any]:
    """The record with the gradebook's scores: what a person has given counts, and an empty written answer has 0."""
    exercises = []
    for exercise in record["exercises"]:
        grade = grades[exercise["id"].partition(".")[2]]
        is_open = grade.manual_score is None and grade.auto_score is None
        exercises.append(exercise | {"score": None if is_open else grade.score})
    return record | {"exercises": exercises, "score": sum(e["score"] or 0 for e in exercises)}
