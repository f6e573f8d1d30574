"""What Canvas gives under "Download Submissions".

Its files lie side by side, named NAME_LATE_PERSON_FILE_OWN-NAME: the person in small letters without spaces ("lovelaceada"),
LATE where it is, the numbers of person and file, and the file's own name. The later upload has the larger number. Of a group
it is the group's name, with the number of one of its members; of an anonymous assignment "anon_" and some letters.

Source: canvas-lms, lib/content_zipper.rb.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .archive import entries
from .handed_in import Found, HandIn, Unread
from .roster import Roster, first, letters

NUMBER, KEYS, GROUP = ("id", "canvas_user_id"), ("sis login id", "login_id", "sis user id", "user_id"), "group_name"
_BEGIN = re.compile(r"(?:(?P<name>(?!anon_|LATE_)\w+?)_)?(?P<late>LATE_)?(?P<person>\d+|anon_[^\W_]+)_")
_OWN = re.compile(r"(?P<file>\d+)_(?P<own>.+)", re.DOTALL)
_TYPED = {"text.html": "a text that was typed", "link.html": "the address of a page"}


@dataclass(frozen=True)
class _Named:
    """What a file's name says."""

    name: str
    late: bool
    person: str
    file: int
    own: str


def read(path: Path, roster: Roster | None = None) -> Found:
    """All that was uploaded, by the number of the person; by login where a roster (Grades > Export) says it.

    With a roster that has the column `group_name` (People > Groups > Download), every member of a group gets its file.
    """
    found = Found()
    for entry in entries(path, found.left):
        begin = _BEGIN.match(entry.name)
        if begin and entry.name[begin.end():] in _TYPED:
            found.left.append(f"{entry.name}: {_TYPED[entry.name[begin.end():]]}, and no file; ask for the notebook")
            continue
        named = _understood(entry.name, roster)
        if not named:
            found.left.append(f"{'/'.join(entry.parts)!r} is not named as Canvas names files; expected NAME_NUMBER_NUMBER_FILE")
            continue
        try:
            students = _students(named, roster)
        except Unread as error:
            found.left.append(f"{entry.name} {error}")
            continue
        found.hand_ins += [HandIn(student, named.own, entry.read, named.file, named.late) for student in students]
    return found


def _understood(name: str, roster: Roster | None) -> _Named | None:
    """A group may be called "team_7", and a file "02_gan_losses.ipynb": of several ways to read a name, that whose person is
    in the roster, else the first."""
    ways = []
    for start in [0, *(match.start() for match in re.finditer("_", name))]:
        begin = _BEGIN.match(name, start + 1 if start else 0)
        own = _OWN.fullmatch(name, begin.end()) if begin else None
        if begin and own:
            before = name[:begin.start()] + (begin["name"] or "")
            ways.append(_Named(before.removesuffix("_"), bool(begin["late"]), begin["person"], int(own["file"]), own["own"]))
    known = [way for way in ways if roster and any(way.person in (row.get(c) for c in NUMBER) for row in roster.rows)]
    return next(iter(known or ways), None)


def _students(named: _Named, roster: Roster | None) -> list[str]:
    """Raises Unread where the roster does not know them."""
    if roster is None:
        return [named.person]
    if members := roster.in_group(named.name, GROUP):
        return [first(row, (*KEYS, *NUMBER)) for row in members]
    rows = [row for row in roster.rows if named.person in (row.get(column) for column in NUMBER)]
    if not rows:
        raise Unread(f"is of somebody whom {roster.path} does not have (expected {named.person} in the column ID)")
    if named.name and not any(sorted(letters(named.name)) == sorted(letters(first(row, ("student", "name")))) for row in rows):
        raise Unread(f"was handed in under the name {named.name!r}, which is not that of number {named.person} in "
                     f"{roster.path}: a group? Give a roster with the column {GROUP}")
    return [first(row, (*KEYS, *NUMBER)) for row in rows]
