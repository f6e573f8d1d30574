"""From a chapter to what is handed out: nbgrader's source assignment, and from it the student notebook.

The source assignment holds everything (answers between fences, hidden checks); the student notebook is what nbgrader's
own preprocessors leave of it, with `ClearAnswers` in the place of nbgrader's ClearSolutions.
"""
from __future__ import annotations

import hashlib
import re

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)

from .. import checks
from . import answers, reference_run
from .answers import ROOT
from .chapter import Chapter, Exercise, model_of, role, settings
from .markdown import PlainMarkdown

NOTEBOOKS = ROOT / "notebooks"
WRITTEN_STUB = "*Your answer here.*"
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}

SETUP = """\
# Run this cell first. In Colab it installs clipkit; anywhere else it does nothing.
import sys

if "google.colab" in sys.modules:
    %pip install -q --no-deps "clipkit @ git+{url}@v{version}#subdirectory=clipkit" av"""

WELCOME = """\
*This is the student notebook of [{title}]({site}{stem}.html), the page where the same text stands with its pictures.
Write where it says `your code here`, run the check beneath, and hand in this file (in Colab: File → Download →
Download .ipynb). Leave the cells of the checks as they are. Leave what your code is handed as it was, too, unless its
exercise says otherwise: no tensor changed in place, no network frozen or in another mode, no randomness but from `rng`.*"""

POINTS_CELL = """\
# {name}: {points:g} points. The grader's own checks run here; leave this cell as it is.
### BEGIN HIDDEN TESTS
from autograde.report import grade
grade("{id}", globals())
### END HIDDEN TESTS"""


class ClearAnswers(ClearSolutions):
    """nbgrader's ClearSolutions with our stubs: a fence may say itself what remains (`# STUB`)."""

    def _replace_solution_region(self, cell: NotebookNode, language: str) -> bool:
        if answers.BEGIN not in cell.source:
            return False
        if cell.cell_type == "code":
            cell.source = answers.stub(cell.source)
        else:
            cell.source = re.sub(rf"{answers.BEGIN}.*{answers.END}", WRITTEN_STUB, cell.source, flags=re.S)
        return True


def source(chapter: Chapter) -> NotebookNode:
    """The instructor's version, nbgrader's source assignment."""
    plain = PlainMarkdown(chapter, reference_run.load(chapter.stem))
    exercises = {e.name: e for e in chapter.exercises}
    waiting, cells = None, []
    for cell in chapter.notebook.cells:
        kind = role(cell)
        if cell.cell_type == "markdown":
            cells.append(_cell("markdown", plain(cell.source)))
        elif kind == "exercise":
            waiting = exercises[cell.source.split()[-1]]
            cells.append(_cell("code", waiting.answer, waiting.name, solution=True))
        elif kind == "written":
            cells.append(_written_cell(exercises[cell.source.split()[-1]]))
        elif kind == "check" and waiting:
            cells.append(_cell("code", cell.source, f"{waiting.name}-check", locked=True))
            text = POINTS_CELL.format(name=waiting.name, points=waiting.points, id=waiting.id)
            cells.append(_cell("code", text, f"{waiting.name}-points", locked=True, grade=True, points=waiting.points))
            waiting = None
        elif kind == "given":
            cells.append(_given_cell(model_of(cell)))
        elif kind == "locked":
            cells.append(_given_cell(cell.source))
        else:
            cells.append(_cell("code", cell.source))
    return _notebook(chapter, cells)


def student(chapter: Chapter) -> NotebookNode:
    """The student notebook: the source assignment without answers, hidden checks and outputs."""
    notebook = source(chapter)
    resources: dict = {}
    for step in (LockCells, ClearAnswers, ClearOutput, CheckCellMetadata, ComputeChecksums, ClearHiddenTests,
                 ComputeChecksums, CheckCellMetadata):
        notebook, resources = step().preprocess(notebook, resources)
    nbformat.validate(notebook)
    return notebook


def text_of(notebook: NotebookNode) -> str:
    """The notebook as the file that is written."""
    return nbformat.writes(notebook, version=4) + "\n"


def leaks(chapter: Chapter, released: NotebookNode) -> list[str]:
    """What a released notebook must not hold and does: answers, hidden checks, outputs, traces of the source."""
    text = "\n".join(cell.source for cell in released.cells)
    lines = {line.strip() for line in text.split("\n")}
    found = []
    for exercise in chapter.exercises:
        if exercise.kind == "written":
            secret = [line.strip() for line in exercise.answer.split("\n") if len(line.strip()) > 20]
        else:
            secret = answers.answer_lines(exercise.answer)
        found += [f"{exercise.id}: answer line {line!r}" for line in secret if line in lines]
        found += [f"{exercise.id}: check {c.title!r}" for c in checks.checks_of(exercise.id) if c.title in text]
    found += [f"the text {word!r}" for word in ("BEGIN SOLUTION", "# STUB", "HIDDEN TESTS", "from solutions",
                                                "import solutions", "autograde") if word in text]
    found += [f"outputs in cell {c.id}" for c in released.cells if c.get("outputs")]
    found += [f"metadata {key!r} in cell {c.id}" for c in released.cells for key in c.metadata
              if key not in ("nbgrader", "deletable", "editable")]
    return found


def _notebook(chapter: Chapter, cells: list[NotebookNode]) -> NotebookNode:
    config = settings()
    version = (ROOT / "VERSION").read_text().strip()
    welcome = WELCOME.format(title=config["title"], site=config["html"]["baseurl"], stem=chapter.stem)
    setup = SETUP.format(url=config["repository"]["url"], version=version)
    title, _, rest = cells[0].source.partition("\n")
    cells = [_cell("markdown", f"{title}\n\n{welcome}"), _cell("code", setup), _cell("markdown", rest.strip()),
             *cells[1:]]
    seen: dict[str, int] = {}
    for cell in cells:
        seen[cell.id] = seen.get(cell.id, 0) + 1
        cell.id += f"-{seen[cell.id]}" if seen[cell.id] > 1 else ""
    metadata = {"kernelspec": _KERNEL, "language_info": {"name": "python"},
                "colab": {"name": f"{chapter.stem}.ipynb", "provenance": []}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def _cell(kind: str, text: str, grade_id: str = "", *, solution: bool = False, grade: bool = False,
          locked: bool = False, points: float | None = None) -> NotebookNode:
    new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    cell = new(text, id=grade_id or f"cell-{_digest(text)}")
    if grade_id:
        cell.metadata["nbgrader"] = {"grade_id": grade_id, "grade": grade, "solution": solution, "locked": locked,
                                     "task": False, "schema_version": 3}
        if grade:
            cell.metadata["nbgrader"]["points"] = points
    return cell


def _given_cell(text: str) -> NotebookNode:
    return _cell("code", text, f"given-{_digest(text)}", locked=True)


def _written_cell(exercise: Exercise) -> NotebookNode:
    rubric = checks.rubric_of(exercise.id)
    assert rubric is not None, f"{exercise.id} is written and has no rubric"
    text = (f"<!-- {exercise.id} -->\n{answers.BEGIN}\n{exercise.answer}\n\n"
            f"**For the grader**\n\n{rubric.text}\n{answers.END}")
    return _cell("markdown", text, exercise.name, solution=True, grade=True, points=exercise.points)


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()[:8]
