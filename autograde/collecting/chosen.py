"""Which of the files that somebody handed in counts, and for which chapter."""
from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ..grading.database import MAX_NAME
from ..grading.intake import Refused, Unreadable, parse
from ..grading.litter import is_litter
from ..grading.repair import page
from ..grading.session import WEIGHTS
from ..writing import chapter
from .handed_in import Found, HandIn, Unread


@dataclass(frozen=True)
class Chosen:
    """One student's submission for one chapter: its notebook, and the weights handed in beside it."""

    student: str
    chapter: str
    notebook: HandIn
    weights: HandIn | None = None

    @property
    def name(self) -> str:
        return f"{self.student}, {self.chapter}"

    @property
    def files(self) -> list[tuple[str, HandIn]]:
        """What stands in its folder, under which name."""
        return [(f"{self.chapter}.ipynb", self.notebook), *([(WEIGHTS, self.weights)] if self.weights else [])]


def chosen(found: Found, stem: str | None, released: Collection[str]) -> Iterator[Chosen]:
    """Of several notebooks of one student and chapter the newest; to `found.left` come sentences about all others.

    Args:
        stem: the chapter of all of them; without it, each says its own.
        released: the chapters that there are.
    """
    notebooks: dict[tuple[str, str], list[HandIn]] = {}
    weights: dict[str, list[HandIn]] = {}
    for one in found.hand_ins:
        try:
            if one.kind == ".safetensors":
                one.read()
                weights.setdefault(one.student, []).append(one)
            else:
                notebooks.setdefault((_folder(one.student), _chapter(one, stem, released)), []).append(one)
        except Unread as error:
            found.left.append(f"{one.student}: {one.name} {error}")
    challenge = chapter.find("challenge")
    for (student, where), several in notebooks.items():
        if counts := _newest(several, where, found.left):
            beside = max(weights.get(student, []), key=lambda one: one.order, default=None)
            yield Chosen(student, where, counts, beside if where == challenge else None)


def _folder(student: str) -> str:
    if not student or not student.isprintable() or "/" in student or is_litter(student) or len(student) > MAX_NAME:
        raise Unread(f"is of {student!r}, which can be no folder's name; expected at most {MAX_NAME} letters, no / in it, "
                     "no . before it. Give a roster with another name")
    return student


def _chapter(one: HandIn, stem: str | None, released: Collection[str]) -> str:
    """The chapter that a notebook's first text links to, else that in its file's name."""
    if one.kind != ".ipynb":
        raise Unread("is no notebook; expected a file that ends in .ipynb")
    content = one.read()
    if stem:
        return stem
    says = None
    with contextlib.suppress(Unreadable, Refused):
        says = page(parse(content)[0])
    says = says or next((stem for stem in chapter.stems() if stem in one.name), None)
    if not says:
        raise Unread("says nowhere of which chapter it is; say it with --chapter")
    if says not in released:
        raise Unread(f"is of {says}, which is not released in this course")
    return says


def _newest(several: list[HandIn], where: str, left: list[str]) -> HandIn | None:
    """Of those that came at once, the one that is named as the chapter."""
    names, student = ", ".join(one.name for one in several), several[0].student
    last = [one for one in several if one.order == max(other.order for other in several)]
    named = [one for one in last if one.name == f"{where}.ipynb"]
    if len(last) > 1 and len(named) != 1:
        left.append(f"{student} handed in {len(last)} notebooks at once ({names}), expected one that is named {where}.ipynb; "
                    "ask which counts")
        return None
    counts = (named if len(last) > 1 else last)[0]
    if len(several) > 1:
        why = "it is named as the chapter" if len(last) > 1 else "it is the last"
        left.append(f"{student} handed in several notebooks ({names}); {counts.name} was taken, for {why}")
    return counts
