"""nbgrader's gradebook, written by `autograde grade`: every submission in one transaction, the same one only once.

Beside nbgrader's tables stands one of ours, `autograde_run`: for each student and chapter what was handed in (the
digest of the file) and what came of it (the record that `--json` shows).
"""
from __future__ import annotations

import contextlib
import datetime
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from nbformat import NotebookNode
from nbgrader import api, utils
from nbgrader.preprocessors import CheckCellMetadata, ClearOutput, ComputeChecksums, LockCells, SaveCells
from sqlalchemy import create_engine, delete, insert, make_url, select
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from ..nbgrader_config import COURSE_ID
from ..writing import release
from ..writing.chapter import Chapter
from .course import CourseError
from .database import RUNS, alone, make_tables, shown, with_driver
from .litter import is_litter

PAUSES = (0.1, 1, 5, 10)  # seconds between attempts to write where another program writes the same rows, or all
T = TypeVar("T")


@dataclass(frozen=True)
class Gradebook:
    """The gradebook at a database URL, made where there is none; its engine stays open for as long as this does."""

    url: str

    def exists(self) -> bool:
        """False where the URL is that of an SQLite file that is not there: reading must not make one."""
        url = make_url(with_driver(self.url))
        return not url.drivername.startswith("sqlite") or Path(url.database or "").exists()

    @cached_property
    def _book(self) -> api.Gradebook:
        url = with_driver(self.url)
        engine = create_engine(url)
        with alone(url):  # nbgrader adds the course without looking who else does
            make_tables(engine)
            engine.dispose()
            return api.Gradebook(url, COURSE_ID)

    @contextlib.contextmanager
    def _open(self) -> Iterator[api.Gradebook]:
        """With a session of its own: what a person wrote meanwhile is seen, and what is not committed is undone."""
        try:
            yield self._book
        except (SQLAlchemyError, ImportError, OSError) as error:
            first = str(error).split("\n")[0]
            raise CourseError(f"the gradebook {shown(self.url)} cannot be used: {first}. If nbgrader was updated, back "
                              "the gradebook up and run `nbgrader db upgrade`.") from error
        finally:
            if "_book" in vars(self):
                self._book.db.remove()

    def _written(self, work: Callable[[api.Gradebook], T]) -> T:
        """What `work` gives, when it is committed; begun anew where another program was in its way."""
        for pause in (*PAUSES, None):
            with self._open() as book:
                try:
                    done = work(book)
                    book.db.commit()
                    return done
                except (IntegrityError, OperationalError):
                    if pause is None:
                        raise
            time.sleep(pause)
        raise AssertionError("unreachable")

    def prepare(self, chapter: Chapter) -> None:
        """Make the chapter known as an assignment, with its cells, as nbgrader's generate_assignment does.

        Raises:
            CourseError: it has submissions, and its exercises have changed since.
        """
        with self._open(), alone(self.url):  # two that do this at once would undo each other's cells
            self._prepare(chapter)

    def _prepare(self, chapter: Chapter) -> None:
        notebook = release.source(chapter)
        with self._open() as book:
            if _known_cells(book, chapter.stem) == _cells(notebook):
                return
            book.update_or_create_assignment(chapter.stem)
        url = with_driver(self.url)
        resources = {"nbgrader": {"notebook": chapter.stem, "assignment": chapter.stem, "db_url": url}}
        try:
            for step in (LockCells, release.ClearAnswers, ClearOutput, CheckCellMetadata, ComputeChecksums, SaveCells):
                notebook, resources = step().preprocess(notebook, resources)
        except RuntimeError:
            raise CourseError(f"the exercises of {chapter.stem} have changed since submissions were recorded in "
                              f"{shown(self.url)}; grade the new version into another gradebook (--db)") from None

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
        row = {"student": student, "chapter": stem, "digest": digest, "record": json.dumps(record)}
        this = (RUNS.c.student == student, RUNS.c.chapter == stem)

        def write(book: api.Gradebook) -> dict[str, Any]:
            is_same = book.db.execute(select(RUNS.c.digest).where(*this)).scalar() == digest
            submission = _submission(book, student, stem)
            if timestamp:
                submission.timestamp = utils.parse_utc(timestamp)
            book.db.flush()
            grades, comments = _grades(book, student, stem), _comments(book, student, stem)
            for exercise in record["exercises"]:
                name = exercise["id"].partition(".")[2]
                comments[name].auto_comment = "No response." if name in unanswered else None
                _grade(grades[name], exercise, is_empty=name in unanswered, is_same=is_same)
            book.db.execute(delete(RUNS).where(*this))
            now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
            book.db.execute(insert(RUNS).values(graded_at=now, **row))
            return _with_hand_grades(record, grades) or record  # one without exercises

        return self._written(write)

    def grades(self, student: str, stem: str) -> dict[str, tuple[float | None, str]]:
        """By exercise: its score (None: it waits for a person) and what a person wrote beneath it; empty where nothing is."""
        with self._open() as book:
            comments = _comments(book, student, stem)
            return {name: (_score(grade), getattr(comments.get(name), "manual_comment", None) or "")
                    for name, grade in _grades(book, student, stem).items()}

    def records(self) -> list[dict[str, Any]]:
        """All records, by chapter and student, with the grades given by hand; none where there is no gradebook yet.

        Folders that are nobody, which an older version took for students, are left out.
        """
        if not self.exists():
            return []
        with self._open() as book:
            rows = book.db.execute(select(RUNS).order_by(RUNS.c.chapter, RUNS.c.student)).all()
            found = (_with_hand_grades(json.loads(row.record), _grades(book, row.student, row.chapter)) for row in rows)
            return [record for record in found if record and not is_litter(record["student"])]


def _cells(notebook: NotebookNode) -> dict[str, float | None]:
    """Names of the cells that nbgrader keeps of a source assignment, with their points where they have some."""
    kept = [cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata]
    return {cell.grade_id: cell.points if cell.grade else None for cell in kept}


def _known_cells(book: api.Gradebook, stem: str) -> dict[str, float | None]:
    """The same, of what the gradebook has. SaveCells writes source cells last: without them it was stopped."""
    with contextlib.suppress(api.MissingEntry):
        notebook = book.find_notebook(stem, stem)
        points = {cell.name: cell.max_score for cell in notebook.grade_cells}
        return {cell.name: points.get(cell.name) for cell in notebook.source_cells}
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


def _grade(grade: api.Grade, exercise: dict, *, is_empty: bool, is_same: bool) -> None:
    is_written = not exercise["checks"]
    grade.auto_score = (0.0 if is_empty else None) if is_written else exercise["score"]
    if not (is_same and grade.manual_score is not None):  # a new version of what was graded by hand is looked at again
        grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None


def _grades(book: api.Gradebook, student: str, stem: str) -> dict[str, api.Grade]:
    """By exercise; none where someone has removed the submission."""
    return {name.removesuffix("-points"): grade for name, grade in _of_submission(book, api.Grade, student, stem)}


def _comments(book: api.Gradebook, student: str, stem: str) -> dict[str, api.Comment]:
    return dict(_of_submission(book, api.Comment, student, stem))


def _of_submission(book: api.Gradebook, kind: type[Any], student: str, stem: str) -> list[tuple[str, Any]]:
    """Names of cells, and what a submission has of `kind` for each: in one query, where nbgrader asks cell by cell."""
    rows = select(api.BaseCell.name, kind).join(kind, kind.cell_id == api.BaseCell.id)
    rows = rows.join(api.SubmittedNotebook, kind.notebook_id == api.SubmittedNotebook.id)
    rows = rows.join(api.SubmittedAssignment, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
    rows = rows.join(api.Assignment, api.SubmittedAssignment.assignment_id == api.Assignment.id)
    rows = rows.where(api.SubmittedAssignment.student_id == student, api.Assignment.name == stem)
    return [tuple(row) for row in book.db.execute(rows)]


def _with_hand_grades(record: dict[str, Any], grades: dict[str, api.Grade]) -> dict[str, Any] | None:
    """The record with the gradebook's scores: what a person has given counts, and an empty written answer has 0.

    None where the gradebook has no grade for one of its exercises.
    """
    names = {exercise["id"]: exercise["id"].partition(".")[2] for exercise in record["exercises"]}
    if not names.keys() or not set(names.values()) <= grades.keys():
        return None
    exercises = [exercise | {"score": _score(grades[names[exercise["id"]]])} for exercise in record["exercises"]]
    return record | {"exercises": exercises, "score": sum(e["score"] or 0 for e in exercises)}


def _score(grade: api.Grade) -> float | None:
    """As nbgrader counts it (its own column is only right after a commit); None where it is still open."""
    given = grade.auto_score if grade.manual_score is None else grade.manual_score
    return None if given is None else given + (grade.extra_credit or 0)
