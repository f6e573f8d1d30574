"""Rows of submissions in nbgrader's tables and ours, written many at once: for each table one query, and one statement for
all that is new.

nbgrader's own objects ask and write row by row, and a submission has some twenty.
"""
from __future__ import annotations

import contextlib
import datetime
import json
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

from nbgrader import api, utils
from sqlalchemy import Connection, Engine, Insert, Row, Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from .database import RUNS

STUDENT, SUBMISSION, NOTEBOOK, GRADE, COMMENT, CELL = (kind.__table__ for kind in (
    api.Student, api.SubmittedAssignment, api.SubmittedNotebook, api.Grade, api.Comment, api.BaseCell))
_ADD_STUDENTS: dict[str, Insert] = {  # two graders may have the same new student
    "sqlite": sqlite.insert(STUDENT).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(STUDENT).on_conflict_do_nothing()}
_CACHE = 64_000  # KB of SQLite's pages: all that a group changes


@dataclass(frozen=True)
class Graded:
    """A graded submission as the gradebook takes it.

    record: in the form of `--json`. digest: of the file that was handed in. timestamp: when, as nbgrader writes it.
    unanswered: names of exercises whose cell is as it was handed out, or missing.
    """

    record: dict[str, Any]
    digest: str
    unanswered: Collection[str] = ()
    timestamp: str | None = None

    @property
    def student(self) -> str:
        return self.record["student"]

    @property
    def chapter(self) -> str:
        return self.record["chapter"]

    @cached_property
    def exercises(self) -> dict[str, dict[str, Any]]:
        """By name."""
        return {exercise["id"].partition(".")[2]: exercise for exercise in self.record["exercises"]}

    @property
    def submitted_at(self) -> datetime.datetime | None:
        return utils.parse_utc(self.timestamp) if self.timestamp else None


@dataclass(frozen=True)
class Score:
    """What a grade is made of, as nbgrader keeps it."""

    auto_score: float | None
    manual_score: float | None = None
    extra_credit: float | None = None


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is committed at the end; SQLite lets nobody else write from its begin on."""
    with engine.connect() as db:
        if engine.dialect.name == "sqlite":
            db.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE}")
            db.exec_driver_sql("BEGIN IMMEDIATE")
        yield db
        db.commit()


def write(db: Connection, stem: str, graded: list[Graded]) -> dict[str, dict[str, Score]]:
    """Write submissions of one chapter; gives, by student and exercise, the grades as they are now.

    Rows that are there stay, with what a person gave. Rows are locked in the order of students: two who write the same
    wait for each other.
    """
    graded = sorted(graded, key=lambda one: one.student)
    cells = _Cells(db, stem)
    db.execute(_ADD_STUDENTS[db.dialect.name], [{"id": one.student} for one in graded])
    notebooks, known = _notebooks(db, cells, _submissions(db, cells, graded))
    before = _digests(db, stem, graded)
    same = {one.student for one in graded if before.get(one.student) == one.digest}
    scores = _grades(db, cells, notebooks, known, graded, same)
    _comments(db, cells, notebooks, known, graded)
    _runs(db, stem, graded, before)
    return scores


class _Cells:
    """A chapter in nbgrader's tables: the key of its assignment and of its notebooks, and cells as (notebook, name, key)."""

    def __init__(self, db: Connection, stem: str) -> None:
        self.assignment = db.scalars(select(api.Assignment.id).where(api.Assignment.name == stem)).one()
        self.notebooks = db.scalars(select(api.Notebook.id).where(api.Notebook.assignment_id == self.assignment)).all()
        rows = db.execute(select(CELL).where(CELL.c.notebook_id.in_(self.notebooks))).all()
        self.graded, self.solved = ([(row.notebook_id, row.name.removesuffix("-points"), row.id) for row in rows
                                     if row.type == kind] for kind in ("GradeCell", "SolutionCell"))


def _submissions(db: Connection, cells: _Cells, graded: list[Graded]) -> dict[str, str]:
    """Student -> key of the submission."""
    rows = db.execute(select(SUBMISSION.c.student_id, SUBMISSION.c.id).where(
        SUBMISSION.c.assignment_id == cells.assignment, SUBMISSION.c.student_id.in_([one.student for one in graded])))
    found = {row.student_id: row.id for row in rows}
    new = [{"id": uuid4().hex, "assignment_id": cells.assignment, "student_id": one.student, "timestamp": one.submitted_at}
           for one in graded if one.student not in found]
    _insert(db, SUBMISSION, new)
    _update(db, SUBMISSION, [{"key": found[one.student], "timestamp": one.submitted_at} for one in graded
                             if one.student in found and one.timestamp])
    return found | {row["student_id"]: row["id"] for row in new}


def _notebooks(db: Connection, cells: _Cells, submissions: dict[str, str]) -> tuple[dict[tuple[str, str], str], list[str]]:
    """(Student, notebook) -> key of the submitted notebook; and the keys of those that were there before. nbgrader shows them
    nameless, in the order of their keys: it is one of chance."""
    rows = db.execute(select(NOTEBOOK).where(NOTEBOOK.c.assignment_id.in_(submissions.values())))
    found = {(row.assignment_id, row.notebook_id): row.id for row in rows}
    new = [{"id": uuid4().hex, "assignment_id": submission, "notebook_id": notebook} for submission in submissions.values()
           for notebook in cells.notebooks if (submission, notebook) not in found]
    _insert(db, NOTEBOOK, new)
    known = list(found.values())
    found |= {(row["assignment_id"], row["notebook_id"]): row["id"] for row in new}
    return {(student, notebook): found[submission, notebook] for student, submission in submissions.items()
            for notebook in cells.notebooks}, known


def _grades(db: Connection, cells: _Cells, notebooks: dict[tuple[str, str], str], known: list[str], graded: list[Graded],
            same: set[str]) -> dict[str, dict[str, Score]]:
    """`same`: students whose very file is recorded already."""
    scores: dict[str, dict[str, Score]] = {one.student: {} for one in graded}

    def graded_row(one: Graded, name: str, row: Row | None) -> dict[str, Any]:
        given = Score(None, row.manual_score, row.extra_credit) if row else Score(None)
        exercise = one.exercises.get(name)
        auto = _auto_score(exercise, is_empty=name in one.unanswered) if exercise else row.auto_score if row else None
        scores[one.student][name] = Score(auto, given.manual_score, given.extra_credit)
        waits = given.manual_score is not None or auto is None
        if row and given.manual_score is not None and one.student in same:
            waits = row.needs_manual_grade  # a new version of what was graded by hand is looked at again
        return {"auto_score": auto, "needs_manual_grade": waits}

    _cell_by_cell(db, GRADE, cells.graded, notebooks, known, graded, graded_row)
    return scores


def _auto_score(exercise: dict[str, Any], *, is_empty: bool) -> float | None:
    is_written = not exercise["checks"]
    return (0.0 if is_empty else None) if is_written else exercise["score"]


def _comments(db: Connection, cells: _Cells, notebooks: dict[tuple[str, str], str], known: list[str],
              graded: list[Graded]) -> None:
    def commented(one: Graded, name: str, row: Row | None) -> dict[str, Any]:
        return {"auto_comment": "No response." if name in one.unanswered else None}

    _cell_by_cell(db, COMMENT, cells.solved, notebooks, known, graded, commented)


def _cell_by_cell(db: Connection, table: Table, cells: list[tuple[str, str, str]], notebooks: dict[tuple[str, str], str],
                  known: list[str], graded: list[Graded], values: Callable[[Graded, str, Row | None], dict[str, Any]]) -> None:
    """Bring the row of each submission and cell to `values(submission, the cell's name, the row if there is one)`; only of
    notebooks that are `known` can there be any."""
    rows = db.execute(select(table).where(table.c.notebook_id.in_(known)).with_for_update()).all() if known else []
    found = {(row.notebook_id, row.cell_id): row for row in rows}
    new, changed = [], []
    for one in graded:
        for notebook, name, cell in cells:
            place = notebooks[one.student, notebook], cell
            row = found.get(place)
            if row:
                changed.append({"key": row.id, **values(one, name, row)})
            else:
                new.append({"id": _next_id(), "notebook_id": place[0], "cell_id": cell, **values(one, name, None)})
    _insert(db, table, new)
    _update(db, table, changed)


def _digests(db: Connection, stem: str, graded: list[Graded]) -> dict[str, str]:
    """By student what is recorded."""
    rows = select(RUNS.c.student, RUNS.c.digest).where(RUNS.c.chapter == stem, RUNS.c.student.in_([g.student for g in graded]))
    return {row.student: row.digest for row in db.execute(rows)}


def _runs(db: Connection, stem: str, graded: list[Graded], before: Iterable[str]) -> None:
    db.execute(delete(RUNS).where(RUNS.c.chapter == stem, RUNS.c.student.in_(list(before))))
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    _insert(db, RUNS, [{"student": one.student, "chapter": stem, "digest": one.digest, "record": json.dumps(one.record),
                        "graded_at": now} for one in graded])


def _insert(db: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        db.execute(insert(table), rows)


def _update(db: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Rows are given by `key`, that of the one to change, and the new values."""
    if rows:
        db.execute(update(table).where(table.c.id == bindparam("key")), rows)


def _next_id() -> str:
    """A key as nbgrader's, 32 hexadecimal digits, but in the order of time: rows are then added at the end of an index, and
    not all over it."""
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"
