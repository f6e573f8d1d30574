"""From a chapter's text to the notebook that the book executes and shows.

Registered with myst-nb in _config.yml (`nb_custom_formats`): every Markdown file of book/ passes through
`read_chapter`. A chapter's exercise cells become the answers themselves, folded under "Solution"; its cards get
their number and points. Other pages pass as they are.
"""
from __future__ import annotations

import re
from collections.abc import Callable

import jupytext
import nbformat
import yaml
from nbformat import NotebookNode

from . import answers, dependencies, directives, reference_run, studies
from .answers import SourceError
from .chapter import BOOK, Chapter, imported, model_of, parse, role, stems

_FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.S)


def read_chapter(text: str) -> NotebookNode:
    """The notebook that the book shows for the text of one of its Markdown files.

    Args:
        text: a chapter (its front matter has `chapter: NN_name`), a page with code cells, or a plain page.
    """
    front = _front_matter(text)
    if "chapter" in front:
        return page(parse(text, front["chapter"]))
    if "kernelspec" in front:
        return with_fingerprint(jupytext.reads(studies.filled(text), fmt="md:myst"))
    body = directives.rewrite(studies.filled(_FRONT_MATTER.sub("", text)), _on_any_page)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(body, id="page")])
    notebook.metadata.update(front | {"mystnb": {"execution_mode": "off"}})
    return notebook


def _on_any_page(directive: directives.Directive) -> directives.Directive | str:
    """`{expected} CHAPTER LABEL` becomes that picture of the chapter's reference run, `{measured} NAME` that table."""
    if directive.name == "measured":
        return studies.table(directive.argument)
    if directive.name != "expected":
        return directive
    stem, label = directive.argument.split()
    run = reference_run.load(stem)
    return _picture(run.html(label)) if run else ""


def _picture(html: str) -> str:
    """As beneath the cell that makes it: on a phone a chart keeps its size there and scrolls. A clip needs no such place."""
    return html if html.startswith("<figure") else f'<div class="cell_output"><div class="output text_html">{html}</div></div>'


def page(chapter: Chapter) -> NotebookNode:
    """The chapter as a reader sees it: executed with the reference answers."""
    exercises = iter(chapter.exercises)
    run = reference_run.load(chapter.stem)
    labels = {cell.metadata.get("label") for cell in chapter.notebook.cells}

    def fill(directive: directives.Directive) -> directives.Directive | str:
        if directive.name == "exercise":
            exercise = next(exercises)
            kind = {"kind": "written"} if exercise.kind == "written" else {}
            return directives.with_options(directive, id=exercise.id, number=exercise.number,
                                           points=f"{exercise.points:g}", **kind)
        if directive.name == "expected" and " " not in directive.argument:
            # of this page; `:only: notebook` is for a cell whose output the page shows anyway
            if directive.argument not in labels:
                raise SourceError(f"{chapter.stem}: no cell has the label {directive.argument!r} of an {{expected}}")
            if run and "only" not in directive.options and run.has(directive.argument):
                return _picture(run.html(directive.argument))
            return ""
        return _on_any_page(directive)

    notebook = nbformat.from_dict(chapter.notebook)
    notebook.cells = [_page_cell(cell, chapter, fill) for cell in notebook.cells]
    return with_fingerprint(notebook)


def _page_cell(
    cell: NotebookNode, chapter: Chapter, fill: Callable[[directives.Directive], directives.Directive | str],
) -> NotebookNode:
    new = nbformat.from_dict(cell)
    if cell.cell_type == "markdown":
        new.source = directives.rewrite(studies.filled(cell.source), fill)
    elif role(cell) == "written":
        (name,) = imported(cell)
        text = answers.text(chapter.name, name)
        new = nbformat.v4.new_markdown_cell(f"::::{{solution}}\n{text}\n::::")
    elif role(cell) in ("exercise", "given"):
        new.source = model_of(cell)
    return new


def with_fingerprint(page: NotebookNode) -> NotebookNode:
    """The page with a hidden cell that changes with the code it imports, so that no stored output outlives that."""
    used = dependencies.fingerprint(cell.source for cell in page.cells if cell.cell_type == "code")
    page.cells.insert(1, nbformat.v4.new_code_cell(f"# made with {used}", metadata={"tags": ["remove-cell"]}))
    return page


def page_of(stem: str) -> NotebookNode:
    """The notebook that the book shows for book/STEM.md."""
    return read_chapter(_text(stem))


def executed() -> list[str]:
    """Stems of all pages with code: the chapters, then the appendices that run."""
    others = sorted({path.stem for path in BOOK.glob("*.md")} - set(stems()))
    return stems() + [stem for stem in others if "kernelspec" in _front_matter(_text(stem))]


def _text(stem: str) -> str:
    return (BOOK / f"{stem}.md").read_text(encoding="utf-8")


def _front_matter(text: str) -> dict:
    return yaml.safe_load(match[1]) if (match := _FRONT_MATTER.match(text)) else {}
