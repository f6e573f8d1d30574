"""Which cells of a notebook must run so that its exercises can be graded.

What a student wrote or changed runs, and so do the visible checks. A cell as it was released runs where one that runs needs
it: it gives a value to a name that is used there, or it may change an object behind such a name. All others are left
out, which are most of a chapter's trainings and pictures. Where code can reach an object without naming it, all cells run.
"""
from __future__ import annotations

from collections.abc import Collection
from typing import Any

from .names import Names, names


def left_out(notebook: dict[str, Any], untouched: Collection[int], there: Collection[str] = ()) -> list[int]:
    """Indices of the code cells that need not run.

    Args:
        notebook: a repaired one, as `repair` makes it.
        untouched: indices of cells that are as they were released; what is not among them runs.
        there: names of files that were handed in with it, and no cell needs to make.
    """
    code = {index: cell for index, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code"}
    cells = {index: names(cell["source"]) for index, cell in code.items()}
    written = code.keys() - untouched
    if not untouched or not all(cells[index].sure for index in written):
        return []
    answers = {cell["id"] for cell in code.values() if _grading(cell).get("solution")}
    bound: set[str] = set().union(*(cells[index].binds for index in written))
    spoilt = bound - answers - _same_imports(cells.values()) | set().union(*(cells[index].changes for index in written))
    needs = _Needs(cells, bound, there)
    for index, cell in code.items():
        grading = _grading(cell)
        name = grading.get("grade_id", "")
        if index in written or grading.get("solution"):
            needs.run(index)
        elif grading.get("grade"):
            needs.demand(name.removesuffix("-points"), index, index)
            needs.run(index)
        elif name.endswith("-check"):
            needs.run(index, in_state=False)
        elif grading.get("locked") and cells[index].uses & spoilt:
            needs.run(index)  # whether it fails says whether the notebook can be graded
    return sorted(code.keys() - needs.runs)


class _Needs:
    """Collects the cells that must run, `runs`.

    Args:
        cells: by index, what their code does with names.
        written: names that the student's cells bind: with a wrong answer, a cell that uses one may fail.
        there: names that no cell needs to give a value.
    """

    def __init__(self, cells: dict[int, Names], written: set[str], there: Collection[str]):
        self.runs: set[int] = set()
        self._cells, self._order = cells, sorted(cells)
        self._mutable, self._there = _mutable(cells.values()), there
        self._may_fail = self._standing_on(written)
        self._demanded: set[tuple[str, int, int]] = set()
        self._used: set[tuple[str, int, int]] = set()

    def run(self, index: int, *, in_state: bool = True) -> None:
        """A cell, with all that it reads; `in_state` in the state that it has there, and not only as it was made."""
        if index not in self.runs:
            self.runs.add(index)
            for name in self._cells[index].reads:
                self.demand(name, index, index if in_state else -1)

    def demand(self, name: str, at: int, until: int) -> None:
        """The cells that give a name its value before the cell `at`, and those that may change its object before `until`."""
        if name in self._there or (name, at, until) in self._demanded:
            return
        self._demanded.add((name, at, until))
        since = -1
        for index in reversed([i for i in self._order if i < at and name in self._cells[i].binds]):
            cell, since = self._cells[index], index
            self.run(index)
            inside = cell.plain.get(name, frozenset())
            for used in inside if isinstance(inside, frozenset) else ():
                self.demand(used, at, until)  # what a function names, it looks up when it is called
            for other in cell.reads & self._mutable if name in self._mutable else ():
                self.demand(other, index, until)  # what is made of an object may be another name for it
            if name in cell.surely and index not in self._may_fail:
                break
        if name in self._mutable:
            self._run_users(name, since, until)

    def _run_users(self, name: str, since: int, until: int) -> None:
        """Cells between two that may change the object of a name, by this name or by one that they give it."""
        if (name, since, until) in self._used:
            return
        self._used.add((name, since, until))
        for index in self._order:
            cell = self._cells[index]
            if since < index < until and name in cell.uses | cell.changes:
                self.run(index)
                for other in cell.binds & self._mutable:
                    self._run_users(other, index, until)

    def _standing_on(self, written: set[str]) -> set[int]:
        """Cells whose outcome depends on what the student wrote."""
        theirs, found = set(written), set()
        while more := {i for i, cell in self._cells.items() if i not in found and (cell.uses | cell.binds) & theirs}:
            found |= more
            theirs = theirs.union(*(self._cells[i].binds for i in more))
        return found


def _mutable(cells: Collection[Names]) -> set[str]:
    """Names of objects that can be changed by a call, or by whom they are handed to, and of files; with them functions that
    use one."""
    found = set().union(*(cell.changes | (cell.binds - cell.plain.keys()) for cell in cells))
    found |= {name for cell in cells for name in cell.uses if not name.isidentifier()}
    functions = [(name, uses) for cell in cells for name, uses in cell.plain.items() if isinstance(uses, frozenset)]
    while more := {name for name, uses in functions if uses & found} - found:
        found |= more
    return found


def _same_imports(cells: Collection[Names]) -> set[str]:
    """Names that are the same module or the same part of one, whoever imports them."""
    origins: dict[str, set[object]] = {}
    for cell in cells:
        for name in cell.binds:
            origins.setdefault(name, set()).add(cell.plain.get(name))
    return {name for name, found in origins.items() if len(found) == 1 and isinstance(next(iter(found)), str)}


def _grading(cell: dict[str, Any]) -> dict[str, Any]:
    return cell["metadata"].get("nbgrader", {})
