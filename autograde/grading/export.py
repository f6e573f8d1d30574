"""Grades for the school's books: a plain table, Canvas's gradebook import, Moodle's grade import.

A school knows a student by other names than the folder of a submission. `read_roster` takes the file that the school's
own system exports (Canvas: Gradebook > Export; Moodle: Grades > Export > Plain text file, or the list of participants),
and every row of it is matched by whichever of its columns holds the folder's name.
"""
from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .course import CourseError

COLUMNS = ("student", "chapter", "status", "score", "max_score", "open", "said")
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")  # its importer wants these first, in this order
MOODLE = ("Username", "Email address", "ID number")  # it finds a person by one of them, chosen while importing
KEYS = {"csv": (), "canvas": ("student", "sis login id", "sis user id", "id"),
        "moodle": ("student", "username", "email address", "id number")}
Record = dict[str, Any]


@dataclass(frozen=True)
class Roster:
    """The school's rows, by the folder name of each student; `header` as the school has it."""

    header: tuple[str, ...]
    rows: dict[str, dict[str, str]]


def text(records: list[Record], form: str, *, titles: dict[str, str], roster: Roster | None = None) -> str:
    """The file of a format ("csv", "canvas", "moodle"). `titles`: of each chapter, by its stem."""
    if form == "csv":
        return _table(COLUMNS, map(_row, records))
    return (_canvas if form == "canvas" else _moodle)(records, titles, roster)


def read_roster(path: Path, form: str, students: Iterable[str]) -> tuple[Roster, list[str]]:
    """The roster, and those of `students` that it does not have.

    Raises:
        CourseError: it is no table, or none of its columns holds the name of any student.
    """
    header, rows = read_table(path)
    students = set(students)
    columns = [name for name in header if name.strip().lower() in KEYS[form] or not KEYS[form]]
    found = {_plain_key(row[column]): row for column in reversed(columns) for row in rows if row.get(column)}
    known = {student: found[_plain_key(student)] for student in students if _plain_key(student) in found}
    if not known:
        raise CourseError(f"{path} names none of the students: expected one of the columns {', '.join(KEYS[form])} with "
                          f"the names of the folders in submitted/, found the columns {', '.join(header)}")
    matched = {id(row) for row in known.values()}
    absent = {f"\0{i}": row for i, row in enumerate(rows) if id(row) not in matched and not _is_no_person(row)}
    return Roster(header, known | absent), sorted(students - known.keys())


def read_table(path: Path) -> tuple[tuple[str, ...], list[dict[str, str]]]:
    """The header of a table with commas, semicolons or tabs, and its rows that are not empty.

    Raises:
        CourseError: it is no such table.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
        reader = csv.DictReader(io.StringIO(content), delimiter=_separator(content))
        rows = [row for row in reader if any(filter(None, row.values()))]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CourseError(f"{path} is no table as text ({error}); expected CSV in UTF-8, as the school's system exports "
                          "it") from None
    return tuple(reader.fieldnames or ()), rows


def _row(record: Record) -> dict[str, Any]:
    """One row a student and chapter; "open" counts the written answers that nobody has graded yet."""
    still_open = sum(exercise["score"] is None for exercise in record["exercises"])
    return record | {"student": _plain(record["student"]), "open": still_open}


def _canvas(records: list[Record], titles: dict[str, str], roster: Roster | None) -> str:
    """Header, "Points Possible", and one row a student. An assignment that Canvas has already keeps its name and number,
    "Title (1234)", as the roster has it; a score that is missing stays empty, and Canvas leaves its own."""
    points, scores = _by_student(records)
    headers = {stem: _known_as(titles[stem], stem, roster) for stem in points}
    rows = [{"Student": "    Points Possible"} | {headers[stem]: f"{points[stem]:g}" for stem in points}]
    for student, row in _people(scores, roster):
        person = {name: row.get(name) or "" for name in CANVAS} if row else {"Student": student, "SIS Login ID": student}
        rows.append(person | {headers[stem]: _number(scores.get(student, {}).get(stem), "") for stem in points})
    return _table((*CANVAS, *headers.values()), rows)


def _moodle(records: list[Record], titles: dict[str, str], roster: Roster | None) -> str:
    """One row a student, who must be one of the course: Moodle stops at the first that it does not know."""
    points, scores = _by_student(records)
    columns = [name for name in roster.header if name in MOODLE] if roster else ["Username"]
    rows = [{name: row.get(name) or "" for name in columns} if row else {"Username": student}
            for student, row in _people(scores, roster)]
    for row, (student, _) in zip(rows, _people(scores, roster), strict=True):
        row |= {titles[stem]: _number(scores.get(student, {}).get(stem), "-") for stem in points}
    return _table((*columns, *(titles[stem] for stem in points)), rows)


def _by_student(records: list[Record]) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """Points of each chapter; scores by student and chapter."""
    scores: dict[str, dict[str, float]] = {}
    for record in records:
        scores.setdefault(record["student"], {})[record["chapter"]] = record["score"]
    return {record["chapter"]: record["max_score"] for record in records}, scores


def _people(scores: dict[str, dict], roster: Roster | None) -> list[tuple[str, dict[str, str] | None]]:
    """Folder name and the school's row, for all in the roster; for all with a score where there is none."""
    return list(roster.rows.items()) if roster else [(student, None) for student in sorted(scores)]


def _known_as(title: str, stem: str, roster: Roster | None) -> str:
    named = (name for name in (roster.header if roster else ()) if name.rpartition(" (")[0] in (title, stem))
    return next(named, title)


def _is_no_person(row: dict[str, str]) -> bool:
    """Rows of Canvas's own: the points, what is posted how, the test student."""
    name = (row.get("Student") or "").strip()
    return "Student" in row and (not name or name == "Points Possible" or name.startswith(("Student, Test", "Test Student")))


def _number(score: float | None, missing: str) -> str:
    return missing if score is None else f"{score:g}"


def _separator(content: str) -> str:
    first = content.partition("\n")[0]
    return max(",;\t", key=first.count)


def _plain_key(name: str | None) -> str:
    return (name or "").strip().casefold()


def _plain(name: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name


def _table(columns: Iterable[str], rows: Iterable[dict[str, Any]]) -> str:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, tuple(columns), extrasaction="ignore", restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()
