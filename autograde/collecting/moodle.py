"""What Moodle gives under "Download all submissions".

Each person has a folder "Ada Lovelace_12345_assignsubmission_file_", or, where that preference is off, files whose names
begin so. The number is the person's in this one assignment, the same as in the grading worksheet ("Participant 12345"); of a
group it is the group's. Files carry the time of the download: what was downloaded later is newer.

Source: moodle, mod/assign/classes/downloader.php.
"""
from __future__ import annotations

import re
from pathlib import Path

from .archive import Entry, entries
from .handed_in import Found, HandIn, Unread
from .roster import Roster, first, letters

NAMES, NUMBER, KEYS, GROUPS = ("full name",), "identifier", ("username", "id number", "email address"), ("groups", "group")
_FOLDER = re.compile(r"(?P<name>[^_]+?)(?:_(?P<number>\d+))?_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<own>.*))?", re.DOTALL)


def read(path: Path, roster: Roster | None = None) -> Found:
    """All that was uploaded, by name and number; by username, ID number or address where a roster says it: the grading
    worksheet, or the list of participants (with its column of groups, for what groups handed in)."""
    found = Found()
    for entry in entries(path, found.left):
        named = _FOLDER.fullmatch(entry.parts[0])
        own = entry.name if len(entry.parts) > 1 else named and named["own"]
        if not named or not own:
            found.left.append(f"{'/'.join(entry.parts)!r} is not where Moodle puts files; expected "
                              "NAME_NUMBER_assignsubmission_file_/FILE")
        elif named["kind"] != "file":
            found.left.append(f"{named['name']} handed in {entry.name}, which was typed, and no file; ask for the notebook")
        else:
            _take(found, entry, own, named, roster)
    return found


def _take(found: Found, entry: Entry, own: str, named: re.Match, roster: Roster | None) -> None:
    try:
        students = _students(named["name"], named["number"], roster)
    except Unread as error:
        found.left.append(f"{'/'.join(entry.parts)} {error}")
        return
    found.hand_ins += [HandIn(student, own, entry.read, entry.time) for student in students]


def _students(name: str, number: str | None, roster: Roster | None) -> list[str]:
    """Raises Unread where the roster does not know them."""
    if roster is None:
        if number is None:
            raise Unread("is of people in no group; give a roster, and group them in Moodle")
        return [f"{name} {number}"]
    rows = [row for row in roster.rows if number and row.get(NUMBER, "").rpartition(" ")[2] == number]
    rows = rows or roster.in_group(name, *GROUPS) or roster.named(name, *NAMES) or _by_parts(roster, name)
    if not rows:
        raise Unread(f"is of {name!r}, whom {roster.path} does not have")
    if len(rows) > 1 and not roster.in_group(name, *GROUPS):
        raise Unread(f"is of {name!r}, and {roster.path} has {len(rows)} of that name; give the grading worksheet, whose "
                     "identifiers tell them apart")
    return [first(row, KEYS) or f"{name} {number}" for row in rows]


def _by_parts(roster: Roster, name: str) -> list[dict[str, str]]:
    """By first and last name, in either order."""
    found = []
    for row in roster.rows:
        one, two = row.get("first name", ""), first(row, ("surname", "last name"))
        if letters(name) in (letters(one + two), letters(two + one)):
            found.append(row)
    return found
