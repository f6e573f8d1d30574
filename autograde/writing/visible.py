"""What a visible check says of an answer: run as in the student's notebook, after just those cells that it needs."""
from __future__ import annotations

import ast
import contextlib
import copy
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .chapter import Chapter, imported, role


class _Cells:
    """The code cells of a chapter, of which those that its visible checks need are run in their order: once, where checks are
    asked in theirs."""

    def __init__(self, sources: list[str], needed: set[int]) -> None:
        self._sources, self._needed, self._space, self._done = sources, sorted(needed), dict[str, Any](), 0

    def run_above(self, place: int) -> dict[str, Any]:
        """What the needed ones above a place have left."""
        if place < self._done:
            self._space, self._done = {}, 0
        for at in self._needed:
            if self._done <= at < place:
                exec(self._sources[at], self._space)
        self._done = place
        return self._space


@dataclass
class VisibleCheck:
    """The visible check of an exercise ("gan_losses.generator_loss"), and where it stands among the cells."""

    exercise: str
    source: str
    place: int
    cells: _Cells

    def refusal(self, answer: Any) -> str:
        """What the check says of an answer, as "AssertionError: ..."; empty where it passes."""
        with _quiet():
            uses = _uses(ast.parse(self.source))
            space = {name: _fresh(value) if name in uses else value for name, value in self.cells.run_above(self.place).items()}
            space[self.exercise.partition(".")[2]] = answer
            try:
                exec(self.source, space)
            except Exception as error:  # whatever a wrong answer meets
                return f"{type(error).__name__}: {error}"
        return ""


def visible_checks(chapter: Chapter) -> list[VisibleCheck]:
    """Those of a chapter, in its order; written answers have none."""
    code = [cell for cell in chapter.notebook.cells if cell.cell_type == "code"]
    kinds, sources = [role(cell) for cell in code], [_plain(cell.source) for cell in code]
    places = [at for at, kind in enumerate(kinds) if kind == "check"]
    cells = _Cells(sources, {above for at in places for above in needed(sources[at], sources[:at])})
    names = [next(imported(code[above])[0] for above in range(at, -1, -1) if kinds[above] == "exercise") for at in places]
    return [VisibleCheck(f"{chapter.name}.{name}", sources[at], at, cells) for at, name in zip(places, names, strict=True)]


def needed(source: str, above: list[str]) -> list[int]:
    """The places of those cells above that define what a cell uses, or what those use, in their order.

    A name is defined where it is assigned, imported, or the name of a function or class; what a cell changes by a method
    or an index counts as used, so that the cell is taken with what it changes.
    """
    found, wanted = [], _uses(ast.parse(source))
    for place in reversed(range(len(above))):
        tree = ast.parse(above[place])
        if _defines(tree) & wanted:
            found.append(place)
            wanted |= _uses(tree)
    return found[::-1]


def _uses(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _defines(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return names


def _plain(source: str) -> str:
    """A cell without its magics."""
    return "\n".join("pass" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n"))


def _fresh(value: Any) -> Any:
    """A copy, so that no answer finds what another has left; modules, functions and classes are shared."""
    try:
        return copy.deepcopy(value)
    except Exception:  # what cannot be copied is shared
        return value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    sink = io.StringIO()
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink), warnings.catch_warnings(action="ignore"):
        yield
