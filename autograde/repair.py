"""A submitted notebook, repaired: every cell of the release exactly once, with the student's work in its place.

Notebooks come back changed: Colab rewrites ids and metadata, cells are copied, moved, deleted, retyped. The work is
found by exercise: nbgrader's grade_id, else the cell's id, else the name that a code cell defines, or the hidden
comment or the card above a written answer. Locked cells come from the release. The student's own cells stay behind
the cell that they followed.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from .chapter import Exercise
from .intake import Refused

BY_ID, BY_CONTENT, BY_PLACE = range(3)  # how surely a cell belongs to an exercise
_DEFINES = re.compile(r"^(?:def|class)\s+(\w+)", re.M)
_COMMENT = re.compile(r"<!--\s*(\w+)\.(\w+)\s*-->")
_PAGE = re.compile(r"student notebook of \[[^]]*\]\([^)]*?(\w+)\.html\)")


@dataclass(frozen=True)
class Repaired:
    """The notebook as it is graded, sentences of what was repaired, and names of exercises whose cell is missing."""

    notebook: NotebookNode
    said: tuple[str, ...]
    missing: frozenset[str]


def repair(submitted: NotebookNode, released: NotebookNode, exercises: Iterable[Exercise]) -> Repaired:
    """Put a student's work into the released notebook of its chapter.

    Args:
        submitted: what `intake.read` gives; it stays as it is.
        released: the student notebook of the chapter (`release.student`).
    Raises:
        Refused: the notebook has no cell of this chapter.
    """
    return _Repair(submitted, released, tuple(exercises)).result()


@dataclass
class _Repair:
    submitted: NotebookNode
    released: NotebookNode
    exercises: tuple[Exercise, ...]
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cells = self.submitted.cells
        self.slots = {cell.id: cell for cell in self.released.cells}
        self.names = {e.name: e for e in self.exercises}
        self.defines = [_defined_names(cell.source) & self.names.keys() for cell in self.cells]
        self.belongs = self._by_id()
        self.chosen: dict[str, int] = {}

    def result(self) -> Repaired:
        self._must_be_of_this_chapter()
        if not any("nbgrader" in cell.metadata for cell in self.cells):
            self.said.append("The cells had lost the grader's metadata; they were matched by id, name and content.")
        for exercise in self.exercises:
            self._choose(exercise)
        missing = frozenset(self.names) - set(self.chosen)
        for name in sorted(missing, key=list(self.names).index):
            self.said.append(f"{_called(self.names[name])}: its cell is missing, so it counts as not written.")
        notebook = nbformat.from_dict({**self.released, "cells": self._in_order()})
        return Repaired(notebook, tuple(self.said), missing)

    def _by_id(self) -> list[str | None]:
        """For each submitted cell the released one that it says it is (or, with ids lost, whose text it has)."""
        texts = {cell.source.strip(): cell.id for cell in self.released.cells}
        found = []
        for cell, defines in zip(self.cells, self.defines, strict=True):
            metadata = cell.metadata.get("nbgrader")
            grade_id = metadata.get("grade_id") if isinstance(metadata, dict) else None
            slot = next((i for i in (grade_id, cell.id, cell.metadata.get("id"), texts.get(cell.source.strip()))
                         if isinstance(i, str) and i in self.slots), None)
            written_for_another = slot in self.names and defines and slot not in defines
            found.append(None if written_for_another else slot)
        return found

    def _must_be_of_this_chapter(self) -> None:
        ours, stem = self.exercises[0].id.partition(".")[0], _page(self.released)
        comments = {m[1] for cell in self.cells for m in _COMMENT.finditer(cell.source)}
        graded = {i for i in self.belongs if i and "nbgrader" in self.slots[i].metadata}
        if graded or ours in comments:
            return
        other = _page(self.submitted) or next(iter(comments - {ours}), None)
        if other and other != stem:
            raise Refused(f"This is the notebook of {other}, not of {stem}: hand it in under that name.")
        if not any(self.defines):
            first = next((line for cell in self.cells for line in cell.source.split("\n") if line.strip()), "nothing")
            raise Refused(f"The notebook has no cell of {stem}; it begins with {first.strip()[:60]!r}. "
                          "Is it the notebook of something else?")

    def _choose(self, exercise: Exercise) -> None:
        """The cell that counts: of those that surely belong to the exercise, the last that differs from the stub."""
        candidates = self._candidates(exercise)
        worked_in = [(how, i) for how, i in candidates if not self._is_stub(i, exercise.name)]
        if not candidates:
            return
        how, index = candidates[0]
        if worked_in:
            how = worked_in[0][0]
            index = max(i for h, i in worked_in if h == how)
            rivals = sum(h == how for h, _ in worked_in)
            if rivals > 1:
                self.said.append(f"{_called(exercise)}: {rivals} cells hold an answer; the last one counts.")
            elif len(candidates) > 1 and how == candidates[0][0] and sum(h == how for h, _ in candidates) > 1:
                self.said.append(f"{_called(exercise)}: its cell was there twice; the one that was worked in counts.")
            elif how > candidates[0][0]:
                self.said.append(f"{_called(exercise)}: the answer was found in a cell of its own, and counts.")
        self.chosen[exercise.name] = index
        kind = self.slots[exercise.name].cell_type
        if self.cells[index].cell_type != kind:
            self.said.append(f"{_called(exercise)}: its cell had become a {self.cells[index].cell_type} cell; it was "
                             f"read as {kind}.")

    def _candidates(self, exercise: Exercise) -> list[tuple[int, int]]:
        """Cells that may hold the answer, as (how surely, index), surest first."""
        name = exercise.name
        found = [(BY_ID, i) for i, slot in enumerate(self.belongs) if slot == name]
        free = [i for i, slot in enumerate(self.belongs) if slot is None or (slot in self.names and slot != name)]
        if exercise.kind != "written":
            return found + [(BY_CONTENT, i) for i in free if name in self.defines[i]]
        found += [(BY_CONTENT, i) for i in free if _COMMENT.findall(self.cells[i].source)[:1] == [tuple(
            exercise.id.split("."))]]
        places = {i + 1 for _, i in found} | {i + 1 for i, cell in enumerate(self.cells)
                                              if f"Exercise {exercise.number} ·" in cell.source}
        taken = {i for _, i in found}
        return found + [(BY_PLACE, i) for i in sorted(places - taken) if i < len(self.cells)
                        and self.belongs[i] is None and self.cells[i].cell_type == "markdown"]

    def _is_stub(self, index: int, name: str) -> bool:
        return self.cells[index].source.strip() == self.slots[name].source.strip()

    def _in_order(self) -> list[NotebookNode]:
        """Cells in the order of the release; behind each the student's own cells that followed it."""
        own: dict[str | None, list[NotebookNode]] = {}
        for anchor, index in self._own_cells():
            own.setdefault(anchor, []).append(_own(self.cells[index], index))
        cells, changed, absent = own.get(None, []), [], []
        kept = self._kept()
        for slot, cell in self.slots.items():
            index = kept.get(slot)
            if cell.metadata.get("nbgrader", {}).get("locked"):
                (absent if index is None else changed if self._was_changed(index, cell) else []).append(slot)
                cells.append(nbformat.from_dict(cell))
            elif slot in self.names:
                cells.append(self._answer(slot, cell))
            elif index is not None:
                cells.append(_with_source(cell, self.cells[index].source))
            cells += own.get(slot, [])
        self.said += [f"Put back from the release: {', '.join(absent)}."] if absent else []
        self.said += [f"Locked, but changed; the release counts: {', '.join(changed)}."] if changed else []
        return cells

    def _kept(self) -> dict[str, int]:
        """The first submitted cell of each slot; for an exercise the chosen one."""
        first: dict[str, int] = {}
        for index, slot in enumerate(self.belongs):
            if slot and slot not in self.names:
                first.setdefault(slot, index)
        return first | self.chosen

    def _own_cells(self) -> Iterable[tuple[str | None, int]]:
        """Every cell that fills no slot, with the slot that it stands behind (never between a check and its points)."""
        slot_of = {index: slot for slot, index in reversed(self._kept().items())}
        anchor = None
        for index, belongs in enumerate(self.belongs):
            if index in slot_of:
                anchor = slot_of[index]
            elif not (belongs in self.names and self._is_stub(index, belongs)) and self._is_worth_keeping(index):
                points = f"{(anchor or '').removesuffix('-check')}-points"
                yield (points if (anchor or "").endswith("-check") and points in self.slots else anchor), index

    def _is_worth_keeping(self, index: int) -> bool:
        """Not a second copy of a released cell, and not empty."""
        slot = self.belongs[index]
        copy = slot is not None and slot not in self.names
        return not copy and bool(self.cells[index].source.strip())

    def _was_changed(self, index: int, cell: NotebookNode) -> bool:
        mine = self.cells[index]
        return mine.source.strip() != cell.source.strip() or mine.cell_type != cell.cell_type

    def _answer(self, name: str, cell: NotebookNode) -> NotebookNode:
        index = self.chosen.get(name)
        if index is None:
            return nbformat.from_dict(cell)
        first = next(n for n, i in self.chosen.items() if i == index)
        return _with_source(cell, self.cells[index].source if first == name else f"# Written in the cell of {first}.")


def _own(cell: NotebookNode, index: int) -> NotebookNode:
    """A cell of the student's own, with nothing of the grader's about it."""
    new = nbformat.from_dict(cell)
    new.id, new.metadata = f"own-{index}", nbformat.from_dict({})
    return new


def _with_source(cell: NotebookNode, source: str) -> NotebookNode:
    new = nbformat.from_dict(cell)
    new.source = source
    return new


def _defined_names(source: str) -> set[str]:
    """Names that a cell defines at its top level; of one that does not parse, those that it seems to."""
    try:
        body = ast.parse(TransformerManager().transform_cell(source)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(_DEFINES.findall(source))
    names = {node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return names | {target.id for node in body if isinstance(node, ast.Assign) for target in node.targets
                    if isinstance(target, ast.Name)}


def _page(notebook: NotebookNode) -> str | None:
    """The chapter whose page the first text of a student notebook links to."""
    return next((m[1] for cell in notebook.cells[:5] if (m := _PAGE.search(cell.source))), None)


def _called(exercise: Exercise) -> str:
    return f"Exercise {exercise.number} ({exercise.name})"
