"""Which cell of a submitted notebook belongs to which cell of the release, and which one is a student's answer.

The work is found by exercise: nbgrader's grade_id, else the cell's id, else the name that a code cell defines, or the
hidden comment or the card above a written answer. Of several, the last one that was worked in is the answer: of code,
one that defines the name; of a text that was split, all of it. An empty cell is no answer.
"""
from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

from ..writing.chapter import Exercise
from ..writing.release import WRITTEN_STUB
from .remembered import remembered

COMMENT = re.compile(r"<!--\s*(\w+)\.(\w+)\s*-->")  # stands in every written answer
BY_ID, BY_CONTENT, BY_PLACE = range(3)              # how surely a cell belongs to an exercise
_MAGIC = re.compile(r"^([ \t]*+(?:[\w,]++[ \t]*+=[ \t]*+)?)[%!?].*$", re.M)  # a line of a notebook that is no Python
_DEFINES = re.compile(r"^(?:def|class)\s+(\w+)", re.M)


@dataclass
class Matching:
    """A submitted notebook beside its release.

    belongs: for each submitted cell the id of the released one that it is, or None.
    defines: for each submitted cell the exercises whose names it defines.
    chosen: for each exercise, by name, the index of the answer; none where its cell is missing.
    parts: for each of these the indices of all cells that the answer stands in: several of a text that was split.
    said: sentences about what was not plain.
    """

    submitted: NotebookNode
    released: NotebookNode
    exercises: tuple[Exercise, ...]

    def __post_init__(self) -> None:
        names = {e.name for e in self.exercises}
        self.cells = self.submitted.cells
        self.slots = {cell.id: cell for cell in self.released.cells}
        self.defines = [defined_names(cell.source) & names for cell in self.cells]
        self.belongs = self._by_id(names)
        self.chosen: dict[str, int] = {}
        self.parts: dict[str, list[int]] = {}
        self.said: list[str] = []
        for exercise in self.exercises:
            self._choose(exercise)

    def is_stub(self, index: int, name: str) -> bool:
        """Whether a submitted cell is as the exercise was handed out."""
        return self.cells[index].source.strip() == self.slots[name].source.strip()

    def _by_id(self, names: set[str]) -> list[str | None]:
        """By what a cell says that it is; with its ids lost, by having the very text of a released one."""
        texts = {cell.source.strip(): cell.id for cell in self.released.cells}
        found = []
        for cell, defines in zip(self.cells, self.defines, strict=True):
            metadata = cell.metadata.get("nbgrader")
            grade_id = metadata.get("grade_id") if isinstance(metadata, dict) else None
            ids = (grade_id, cell.id, cell.metadata.get("id"), texts.get(cell.source.strip()))
            slot = next((i for i in ids if isinstance(i, str) and i in self.slots), None)
            is_written_for_another = slot in names and defines and slot not in defines
            found.append(None if is_written_for_another else slot)
        return found

    def _choose(self, exercise: Exercise) -> None:
        candidates = self._candidates(exercise)
        if not candidates:
            return
        how, index = candidates[0]
        parts = [index]
        if worked_in := self._worked_in(exercise, candidates):
            surest = worked_in[0][0]
            rivals = [i for h, i in worked_in if h == surest]
            copies = [i for h, i in candidates if h == surest]
            parts = self._halves(rivals, copies) if exercise.kind == "written" else rivals[-1:]
            self._say_which(exercise, rivals, parts, copies=copies, moved=surest > how)
        self.chosen[exercise.name], self.parts[exercise.name] = parts[0], parts
        kind, came = self.slots[exercise.name].cell_type, self.cells[parts[0]].cell_type
        if came != kind:
            self.said.append(f"{called(exercise)}: its cell had become a {came} cell; it was read as {kind}.")

    def _worked_in(self, exercise: Exercise, candidates: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Candidates with work in them: of code those that define the name, else those that do anything."""
        worked_in = [c for c in candidates if not self.is_stub(c[1], exercise.name) and self.cells[c[1]].source.strip()]
        if exercise.kind == "written":
            return [c for c in worked_in if has_text(self.cells[c[1]].source)]
        defining = [c for c in worked_in if exercise.name in self.defines[c[1]]]
        return defining or [c for c in worked_in if has_code(self.cells[c[1]].source)] or worked_in

    def _halves(self, rivals: list[int], copies: list[int]) -> list[int]:
        """The cells of a text that may have been split: the last that has the comment, or the first; behind it those that
        are as surely of the exercise, and the student's own texts right below."""
        start = next((i for i in reversed(rivals) if COMMENT.search(self.cells[i].source)), rivals[0])
        parts, last = [start], start
        for index in range(start + 1, len(self.cells)):
            is_below = index == last + 1 and self._is_own_text(index)
            if index in rivals or is_below and has_text(self.cells[index].source):
                parts.append(index)
            if is_below or index in copies:
                last = index
        return parts

    def _is_own_text(self, index: int) -> bool:
        cell = self.cells[index]
        return self.belongs[index] is None and cell.cell_type == "markdown" and not COMMENT.search(cell.source)

    def _say_which(self, exercise: Exercise, rivals: list[int], parts: list[int], *, copies: list[int], moved: bool) -> None:
        if not set(rivals) <= set(parts):
            self.said.append(f"{called(exercise)}: {len(rivals)} cells hold an answer; the last one counts.")
        elif len(parts) > 1:
            self.said.append(f"{called(exercise)}: its text stood in {len(parts)} cells; all of it is the answer.")
        elif len(copies) > 1:
            self.said.append(f"{called(exercise)}: its cell was there twice; the one that was worked in counts.")
        elif moved:
            self.said.append(f"{called(exercise)}: the answer was found in a cell of its own, and counts.")

    def _candidates(self, exercise: Exercise) -> list[tuple[int, int]]:
        """Cells that may hold the answer, as (how surely, index), surest first."""
        by_id = [i for i, slot in enumerate(self.belongs) if slot == exercise.name]
        names = {e.name for e in self.exercises} - {exercise.name}
        free = [i for i, slot in enumerate(self.belongs) if slot is None or slot in names]
        if exercise.kind == "written":
            comments = {i: COMMENT.search(self.cells[i].source) for i in free}
            marked = [i for i, found in comments.items() if found and ".".join(found.groups()) == exercise.id]
            below = [i for i in self._below(exercise, by_id + marked) if i not in marked]
        else:
            marked, below = [i for i in free if exercise.name in self.defines[i]], []
        return [(how, i) for how, found in ((BY_ID, by_id), (BY_CONTENT, marked), (BY_PLACE, below)) for i in found]

    def _below(self, exercise: Exercise, known: list[int]) -> list[int]:
        """The student's own Markdown cells right below the card or the place of a written answer."""
        cards = [i for i, cell in enumerate(self.cells) if f"Exercise {exercise.number} ·" in cell.source]
        next_ones = sorted({i + 1 for i in [*cards, *known]} & set(range(len(self.cells))))
        return [i for i in next_ones if self._is_own_text(i)]


def called(exercise: Exercise) -> str:
    """How sentences name an exercise, e.g. "Exercise 2.1 (discriminator_loss)"."""
    return f"Exercise {exercise.number} ({exercise.name})"


def has_text(source: str) -> bool:
    """Whether a written answer says anything."""
    return bool(COMMENT.sub("", source).replace(WRITTEN_STUB, "").strip())


def has_code(source: str) -> bool:
    """Whether a code cell holds more than comments."""
    return any(line.strip() and not line.lstrip().startswith("#") for line in source.splitlines())


def is_empty(cell: NotebookNode) -> bool:
    """Whether an answer's cell holds none."""
    return not (has_code if cell.cell_type == "code" else has_text)(cell.source)


@remembered
def defined_names(source: str) -> frozenset[str]:
    """Names that a cell defines at its top level; of one that does not parse, those that it seems to define."""
    try:
        with warnings.catch_warnings(action="ignore"):
            body = ast.parse(_MAGIC.sub(r"\1None", source)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset(_DEFINES.findall(source))
    return frozenset(_bound(body))


def _bound(statements: Iterable[ast.AST]) -> Iterator[str]:
    """Names that statements bind, those inside `if`, `try` and loops too."""
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        targets = filter(None, getattr(node, "targets", [getattr(node, "target", None)]))
        yield from (n.id for target in targets for n in ast.walk(target)
                    if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        for block in ("body", "handlers", "orelse", "finalbody"):
            yield from _bound(getattr(node, block, ()))
