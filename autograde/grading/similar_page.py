"""The similarity report as a page: for each pair the pieces side by side, with line numbers. It runs nothing."""
from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..writing import answers, release
from ..writing.chapter import Chapter
from .course import Course
from .feedback import MAX_SOURCE, PAGES
from .litter import is_litter
from .similar import Pair

Answers = Mapping[str, Mapping[str, str]]


def answers_of(course: Course, chapter: Chapter) -> tuple[dict[str, dict[str, str]], dict[str, list[str]]]:
    """What `similar.pairs` asks for: the answers in the graded notebooks of a chapter, and what everybody may have."""
    released = {cell.id: cell.source for cell in release.student(chapter).cells}
    names = [exercise.name for exercise in chapter.exercises]
    found = {}
    for path in sorted((course.root / "autograded").glob(f"*/{chapter.stem}/{chapter.stem}.ipynb")):
        if is_litter(path.parent.parent):
            continue
        cells = nbformat.read(path, as_version=4).cells
        found[path.parent.parent.name] = {c.id: c.source[:MAX_SOURCE] for c in cells
                                          if c.id in names and c.source.strip() != released[c.id].strip()}
    handed_out = list(released.values())
    return found, {e.name: [*handed_out, answers.model(e.answer), e.answer] for e in chapter.exercises}


def page(title: str, pairs: Iterable[Pair], found: Answers) -> str:
    """The HTML page that shows each pair's answers side by side, with what they share marked."""
    style = (PAGES / "page.css").read_text(encoding="utf-8")
    environment = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.globals["numbered"] = _numbered
    style_hash = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("similar.html.j2").render(
        title=title, pairs=list(pairs), found=found, style=Markup(style), style_hash=style_hash)


def _numbered(source: str, first: int, last: int) -> list[tuple[int, str, bool]]:
    """(number, line, whether it is of the piece) for the piece and two lines around it."""
    lines = source.splitlines()
    return [(n, lines[n - 1], first <= n <= last) for n in range(max(1, first - 2), min(len(lines), last + 2) + 1)]
