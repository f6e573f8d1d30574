"""The school's table of people, in the form that each platform exports: who is behind a number, a name or a group."""
from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from ..grading.course import CourseError
from ..grading.export import read_table

Row = dict[str, str]  # by the column's name in lower case


class Roster:
    """Rows of people; `path` is where they were read from.

    Raises:
        CourseError: the file is no table, or has none of the columns `needed`.
    """

    def __init__(self, path: Path, needed: Iterable[str]) -> None:
        header, rows = read_table(path)
        self.path, needed = path, tuple(needed)
        self.rows: list[Row] = [{(name or "").strip().lower(): (value or "").strip() for name, value in row.items()
                                 if isinstance(value, str)} for row in rows]
        if not {name.strip().lower() for name in header} & set(needed):
            raise CourseError(f"{path} is no roster for this: expected one of the columns {', '.join(needed)}, found "
                              f"{', '.join(header) or 'none'}")

    def named(self, value: str, *columns: str) -> list[Row]:
        """The rows that have a value in one of the columns; names are compared by their letters and digits alone."""
        wanted = letters(value)
        return [row for row in self.rows if wanted and any(letters(row.get(column, "")) == wanted for column in columns)]

    def in_group(self, group: str, *columns: str) -> list[Row]:
        """The rows of a group's members; a column may hold several groups, with commas between them."""
        wanted = letters(group)
        return [row for row in self.rows if wanted and any(letters(one) == wanted for column in columns
                                                           for one in row.get(column, "").split(","))]


def letters(text: str) -> str:
    """What platforms leave of a name in a file's name: letters and digits, without case."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def first(row: Row, columns: Iterable[str]) -> str:
    """The first of some columns that holds something."""
    return next((row[column] for column in columns if row.get(column)), "")
