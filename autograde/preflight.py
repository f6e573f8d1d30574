"""What a student asks before handing in: the visible checks of a notebook, in the words that they have in Colab."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .grading import broken, intake, visible
from .grading.matching import has_text
from .grading.repair import Repaired, page, repair
from .grading.runner import Limits, Run, run
from .grading.visible import NOT_WRITTEN, PASSED
from .writing import chapter, release


@dataclass(frozen=True)
class Answer:
    """What is known of one exercise: `state` is one of the three of `visible`; `said` is the visible check's message."""

    number: str
    name: str
    state: str
    said: str = ""


@dataclass(frozen=True)
class Preflight:
    """A notebook's exercises, what was said of the notebook as a whole, and the `fault` for which it would get no grade."""

    stem: str
    answers: tuple[Answer, ...]
    said: tuple[str, ...]
    fault: str = ""


def check(path: Path, *, limits: Limits = Limits(sandbox="weak")) -> Preflight:
    """Run a notebook and its visible checks; no hidden check is asked.

    Raises:
        Unreadable, Refused: as in `intake.read`.
        LookupError: the notebook is of no chapter of this book.
    """
    notebook, said = intake.read(path)
    read = chapter.load(page(notebook) or path.stem)
    released = release.student(read)
    repaired = repair(notebook, released, read.exercises)
    weights, left_out = intake.weights(path.parent)
    ran = run(_without_points(repaired.notebook), read.name, limits=limits, weights=weights)
    cells = {cell.id: (index, cell) for index, cell in enumerate(repaired.notebook.cells)}
    answers = tuple(_answer(e, cells, ran, repaired) for e in read.exercises)
    fault = ""
    if failed := broken.failures(repaired.notebook, ran):
        fault = broken.alone(released, run(broken.locked_alone(released), read.name, limits=limits)).fault(failed)
    return Preflight(read.stem, answers, tuple(filter(None, (*said, left_out, *repaired.said, ran.said))), fault)


def _without_points(notebook: NotebookNode) -> NotebookNode:
    """The notebook with its points cells as plain cells, so that nothing asks the hidden checks there."""
    new = nbformat.from_dict(notebook)
    for cell in new.cells:
        if cell.id.endswith("-points"):
            del cell.metadata["nbgrader"]
    return new


def _answer(exercise: chapter.Exercise, cells: dict, ran: Run, repaired: Repaired) -> Answer:
    if exercise.kind == "written":
        is_written = has_text(cells[exercise.name][1].source)
        return Answer(exercise.number, exercise.name, PASSED if is_written else NOT_WRITTEN,
                      "written; graded by hand" if is_written else "")
    if exercise.name in repaired.missing:
        return Answer(exercise.number, exercise.name, NOT_WRITTEN)
    return Answer(exercise.number, exercise.name, *visible.said(ran.outputs.get(cells[f"{exercise.name}-check"][0])))
