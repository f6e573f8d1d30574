"""Cells that nobody may edit and that failed: there the course is broken and not the answer, and no grade is recorded.

To say why, the locked cells of the release are run alone, with no answer and no cell of anybody's own. What fails there is
the course's fault; what runs there fails by what the student wrote before it. Some locked cells stand on what a student
writes (a training of their own network): alone they miss a name of the cells to edit. They may fail as a check may.
"""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from .runner import Run

MAX_ERROR = 200  # characters of an error that are quoted
_MISSING = re.compile(r"NameError: name '(\w+)' is not defined")


@dataclass(frozen=True)
class Failure:
    """A locked cell, by its id, and its error; `ends`: with it ended the whole run."""

    cell: str
    error: str
    ends: bool = False


@dataclass(frozen=True)
class Alone:
    """What became of a chapter's locked cells when they ran alone: ids of those that failed, and of those that missed
    what a student writes."""

    failed: frozenset[str]
    stand_on_answers: frozenset[str]

    def fault(self, failures: Iterable[Failure]) -> str:
        """In a sentence, the first of a submission's failures that no answer accounts for; empty where there is none."""
        for failure in failures:
            said = f"The cell {failure.cell}, which nobody may edit, failed: {failure.error.rstrip('.')}."
            if failure.cell in self.failed:
                return (f"{said} It fails in the untouched notebook too: the course is broken here, not the answer. See "
                        "`autograde doctor`, have it mended, and run this again.")
            if failure.cell not in self.stand_on_answers and not failure.ends:  # who ends the process can choose the cell
                return (f"{said} In the untouched notebook it runs: something that was written before it makes it fail. "
                        "Look at the notebook.")
        return ""


def locked_alone(released: NotebookNode) -> NotebookNode:
    """The release with its locked cells only, those of checks and points left out."""
    new = nbformat.from_dict(released)
    new.cells = [cell for cell in new.cells if _is_locked(cell)]
    return new


def alone(released: NotebookNode, run: Run) -> Alone:
    """What a run of `locked_alone` says."""
    written = [cell.source for cell in released.cells if cell.cell_type == "code" and not _grading(cell).get("locked")]
    sources, stand, failed = {cell.id: cell.source for cell in released.cells}, set(), set()
    for failure in failures(locked_alone(released), run):
        name = _MISSING.match(failure.error)
        if name and re.search(rf"\b{name[1]}\b", "\n".join(written)):
            stand.add(failure.cell)
            written.append(sources[failure.cell])  # what it would have defined is missing from here on
        else:
            failed.add(failure.cell)
    return Alone(frozenset(failed), frozenset(stand))


def failures(notebook: NotebookNode, run: Run) -> list[Failure]:
    """The locked cells of a notebook that failed in a run, in their order."""
    found = [Failure(cell.id, _quoted(output)) for index, cell in enumerate(notebook.cells) if _is_locked(cell)
             for output in run.outputs.get(index, ()) if output["output_type"] == "error"]
    last = run.ended_at(notebook)
    return found + ([Failure(last.id, run.said, ends=True)] if last and _is_locked(last) else [])


def notes(faults: Counter[tuple[str, str]]) -> list[str]:
    """A sentence or two a chapter: how many submissions have no grade, and why. `faults` counts (chapter, sentence)."""
    said = []
    for stem in dict.fromkeys(stem for stem, _ in faults):
        own = Counter({fault: count for (chapter, fault), count in faults.items() if chapter == stem})
        count, (first, _), more = own.total(), own.most_common(1)[0], len(own) - 1
        said.append(f"{stem}: {count} submission{'s' if count > 1 else ''} not graded. {first}"
                    + (f" The table says what else failed ({more} more)." if more else ""))
    return said


def _grading(cell: NotebookNode) -> dict:
    return cell.metadata.get("nbgrader", {})


def _is_locked(cell: NotebookNode) -> bool:
    """Whether nobody may edit it, and it asks nothing of an answer."""
    grading = _grading(cell)
    asks = grading.get("grade") or grading.get("grade_id", "").endswith("-check")
    return cell.cell_type == "code" and grading.get("locked", False) and not asks


def _quoted(error: dict) -> str:
    return " ".join(f"{error['ename']}: {error['evalue']}".split())[:MAX_ERROR]
