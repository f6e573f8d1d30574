"""What goes back to students: one page for each graded submission, a file that needs no other and runs nothing.

It is made of the graded notebook (with the words of the checks) and the gradebook (with what a person gave and wrote);
so it is the same page whether `autograde` or nbgrader did the grading.
"""
from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from .. import files
from ..writing import chapter as chapters
from ..writing.chapter import Chapter, Exercise, settings
from . import markup, visible
from .course import Course, CourseError
from .gradebook import Gradebook
from .litter import is_litter
from .matching import has_text

PAGES = Path(__file__).parent / "pages"
MAX_SOURCE, MAX_OUTPUT = 20_000, 4_000  # characters of a cell, and of one output, that a page shows
KEPT_BESIDE = ("timestamp.txt", "submission_secret.txt")  # what `nbgrader release_feedback` asks for


@dataclass(frozen=True)
class Card:
    """One exercise on the page. `score` is None while it waits for a person; `state` and `words` are the visible
    check's; `checks` the grader's own, with the fields of `checks.Result`; `printed` what they printed where they left
    no such fields (in a stock nbgrader run)."""

    exercise: Exercise
    score: float | None
    comment: Markup
    answer: Markup
    outputs: tuple[tuple[str, str], ...] = ()
    state: str = ""
    words: str = ""
    checks: tuple[dict[str, Any], ...] = ()
    printed: str = ""


class FeedbackExporter(HTMLExporter):
    """Our page, for `nbgrader generate_feedback`."""

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own exporters of text do
        self, nb: NotebookNode, resources: dict | None = None, **_: Any,
    ) -> tuple[str, dict]:
        assert resources is not None, "nbgrader says whose notebook it is"
        about = resources["nbgrader"]
        grades = Gradebook(about["db_url"]).grades(about["student"], about["assignment"])
        html = page(nb, chapters.load(about["assignment"]), about["student"], grades)
        return html, resources | {"output_extension": ".html"}


def generate(course: Course, stems: list[str], student: str | None = None) -> Iterator[Path]:
    """Write feedback/STUDENT/CHAPTER/CHAPTER.html for what is graded, each page at once, and yield those paths.

    Raises:
        CourseError: nothing is graded yet.
    """
    book, found = Gradebook(course.db_url), False
    for stem in stems:
        chapter = chapters.load(stem)
        for path in sorted((course.root / "autograded").glob(f"*/{stem}/{stem}.ipynb")):
            who = path.parent.parent.name
            if student in (None, who) and not is_litter(who):
                html = page(nbformat.read(path, as_version=4), chapter, who, book.grades(who, stem))
                yield _put_down(course, who, stem, html)
                found = True
    if not found:
        raise CourseError(f"nothing is graded in {course.root}; run `autograde grade` first")


def page(notebook: NotebookNode, chapter: Chapter, student: str, grades: dict[str, tuple[float | None, str]]) -> str:
    """The page, as HTML with nothing active in it, whatever the notebook holds."""
    cards = [_card(exercise, notebook, *grades.get(exercise.name, (None, ""))) for exercise in chapter.exercises]
    about = next((cell.source for cell in notebook.cells if cell.id == "about-this-submission"), "")
    style, template = _look()
    return template.render(
        course=settings()["title"], chapter=chapter, student=student, cards=cards, style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        about=markup.markdown(about.partition("\n")[2]), has_run=any(c.get("execution_count") for c in notebook.cells),
        failed_elsewhere=_failed_elsewhere(notebook),
        score=sum(card.score or 0 for card in cards), max_score=sum(e.points for e in chapter.exercises),
        waiting=sum(card.exercise.points for card in cards if card.score is None))


@cache
def _look() -> tuple[str, Any]:
    environment = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    return (PAGES / "page.css").read_text(encoding="utf-8"), environment.get_template("feedback.html.j2")


def _card(exercise: Exercise, notebook: NotebookNode, score: float | None, comment: str) -> Card:
    cells = {cell.id: cell for cell in notebook.cells}
    answer, said = cells.get(exercise.name), markup.markdown(comment) if comment else Markup("")
    source = _first(answer.source) if answer else ""
    if exercise.kind == "written":
        text = markup.markdown(source, answer.get("attachments")) if answer and has_text(source) else Markup("")
        return Card(exercise, score, said, text)
    check, points = cells.get(f"{exercise.name}-check"), cells.get(f"{exercise.name}-points", {})
    state, words = visible.said(check.outputs if check and check.execution_count else None)
    results = tuple(points.get("metadata", {}).get("autograde", {}).get("checks", ()))
    printed = "" if results else "".join(o.text for o in points.get("outputs", ()) if o.output_type == "stream")
    return Card(exercise, score, said, markup.code(source), tuple(_outputs(answer)), state, markup.plain(words), results,
                printed[:MAX_OUTPUT])


def _outputs(cell: NotebookNode | None) -> Iterator[tuple[str, str]]:
    """("text" | "error" | "picture", what to show) for each output of a cell."""
    for output in cell.outputs if cell else ():
        data = output.get("data", {})
        if output.output_type == "error":
            yield "error", _bounded(markup.own_lines(output.traceback) or f"{output.ename}: {output.evalue}")
        elif "image/png" in data and (uri := markup.picture(data["image/png"])):
            yield "picture", uri
        elif text := output.get("text", data.get("text/plain", "")):
            yield "text", _bounded(markup.plain(text))


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_OUTPUT else text[:MAX_OUTPUT] + "\n[…]"


def _first(source: str) -> str:
    if len(source) <= MAX_SOURCE:
        return source
    return f"{source[:MAX_SOURCE]}\n\n[… the first {MAX_SOURCE:,} of {len(source):,} letters]"


def _failed_elsewhere(notebook: NotebookNode) -> list[tuple[str, str]]:
    """First line and traceback of cells, not those of exercises and checks, that ended with an error."""
    return [(next(iter(cell.source.strip().splitlines()), "")[:100], _bounded(markup.own_lines(output.traceback)))
            for cell in notebook.cells if cell.cell_type == "code" and not cell.metadata.get("nbgrader", {}).get("grade_id")
            for output in cell.outputs if output.output_type == "error"]


def _put_down(course: Course, student: str, stem: str, html: str) -> Path:
    """In nbgrader's layout, with what its release_feedback needs beside it; the page comes last, and whole."""
    folder = course.root / "feedback" / student / stem
    folder.mkdir(parents=True, exist_ok=True)
    for name in KEPT_BESIDE:
        source = course.root / "submitted" / student / stem / name
        if source.is_file() and not source.is_symlink() and source.stat().st_size < 1000:
            files.put(folder / name, source.read_bytes())
    files.put(folder / f"{stem}.html", html)
    return folder / f"{stem}.html"
