"""nbgrader's gradebook, written by `autograde grade`: every submission whole, the same one only once.

Beside nbgrader's tables stands one of ours, `autograde_run`: for each student and chapter what was handed in (the
digest of the file) and what came of it (the record that `--json` shows).
"""
from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbgrader import api
from nbgrader.preprocessors import CheckCellMetadata, ClearOutput, ComputeChecksums, LockCells, SaveCells
from sqlalchemy import Connection, Engine, Row, Table, create_engine, make_url, select
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from ..nbgrader_config import COURSE_ID
from ..writing import release
from ..writing.chapter import Chapter
from . import rows
from .course import CourseError
from .database import RUNS, alone, make_tables, shown, with_driver
from .litter import is_litter
from .rows import CELL, COMMENT, GRADE, NOTEBOOK, SUBMISSION, Graded, Score, writing

PAUSES = (0.1, 1, 5, 10)  # seconds between attempts to write where another program writes the same rows, or all


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

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._open() as book, book.engine.connect() as db:
            yield db

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
        with self._reading() as db:
            row = db.execute(select(RUNS).where(RUNS.c.student == student, RUNS.c.chapter == stem)).first()
            if row is None or row.digest != digest:
                return None
            return _with_hand_grades(json.loads(row.record), _grades(db, student, stem))

    def record(self, record: dict[str, Any], digest: str, *, unanswered: set[str],
               timestamp: str | None = None) -> dict[str, Any]:
        """The same as `record_all`, of one submission."""
        (done,) = self.record_all([Graded(record, digest, unanswered, timestamp)])
        return done

    def record_all(self, graded: Sequence[Graded]) -> list[dict[str, Any]]:
        """Write submissions in one transaction, and return their records with the grades given by hand, which stay.

        Where that fails, because another program is writing some of them, each is written in a transaction of its own.
        """
        if len(graded) < 2:
            return self._patiently(graded) if graded else []
        with self._open() as book, contextlib.suppress(SQLAlchemyError):
            return _write(book.engine, graded)
        return [record for one in graded for record in self._patiently([one])]

    def _patiently(self, graded: Sequence[Graded]) -> list[dict[str, Any]]:
        """Begun anew where another program was in its way."""
        for pause in (*PAUSES, None):
            with self._open() as book:
                try:
                    return _write(book.engine, graded)
                except (IntegrityError, OperationalError):
                    if pause is None:
                        raise
            time.sleep(pause)
        raise AssertionError("unreachable")

    def grades(self, student: str, stem: str) -> dict[str, tuple[float | None, str]]:
        """By exercise: its score (None: it waits for a person) and what a person wrote beneath it; empty where nothing is."""
        with self._reading() as db:
            comments = {row.name: row.manual_comment for row in _of_submission(db, COMMENT, student, stem)}
            return {name: (_score(grade), comments.get(name) or "") for name, grade in _grades(db, student, stem).items()}

    def records(self) -> list[dict[str, Any]]:
        """All records, by chapter and student, with the grades given by hand; none where there is no gradebook yet.

        Folders that are nobody, which an older version took for students, are left out.
        """
        if not self.exists():
            return []
        with self._reading() as db:
            rows = db.execute(select(RUNS).order_by(RUNS.c.chapter, RUNS.c.student)).all()
            found = (_with_hand_grades(json.loads(row.record), _grades(db, row.student, row.chapter)) for row in rows)
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


def _write(engine: Engine, graded: Sequence[Graded]) -> list[dict[str, Any]]:
    with writing(engine) as db:
        scores = {stem: rows.write(db, stem, [one for one in graded if one.chapter == stem])
                  for stem in sorted({one.chapter for one in graded})}
    return [_with_hand_grades(one.record, scores[one.chapter][one.student]) or one.record for one in graded]  # or: no exercises


def _grades(db: Connection, student: str, stem: str) -> dict[str, Row]:
    """By exercise; none where someone has removed the submission."""
    return {row.name.removesuffix("-points"): row for row in _of_submission(db, GRADE, student, stem)}


def _of_submission(db: Connection, table: Table, student: str, stem: str) -> Sequence[Row]:
    """Rows of grades or comments of a submission, each with the name of its cell."""
    found = select(CELL.c.name, table).join(table, table.c.cell_id == CELL.c.id)
    found = found.join(NOTEBOOK, table.c.notebook_id == NOTEBOOK.c.id)
    found = found.join(SUBMISSION, NOTEBOOK.c.assignment_id == SUBMISSION.c.id)
    found = found.join(api.Assignment, SUBMISSION.c.assignment_id == api.Assignment.id)
    return db.execute(found.where(SUBMISSION.c.student_id == student, api.Assignment.name == stem)).all()


def _with_hand_grades(record: dict[str, Any], grades: Mapping[str, Score | Row]) -> dict[str, Any] | None:
    """The record with the gradebook's scores: what a person has given counts, and an empty written answer has 0.

    None where the gradebook has no grade for one of its exercises.
    """
    names = {exercise["id"]: exercise["id"].partition(".")[2] for exercise in record["exercises"]}
    if not names.keys() or not set(names.values()) <= grades.keys():
        return None
    exercises = [exercise | {"score": _score(grades[names[exercise["id"]]])} for exercise in record["exercises"]]
    return record | {"exercises": exercises, "score": sum(e["score"] or 0 for e in exercises)}


def _score(grade: Score | Row) -> float | None:
    """As nbgrader counts it (its own column is only right after a commit); None where it is still open."""
    given = grade.auto_score if grade.manual_score is None else grade.manual_score
    return None if given is None else given + (grade.extra_credit or 0)
