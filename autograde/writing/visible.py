"""What a visible check says of an answer: run as in the student's notebook, after just those cells that it needs."""
from __future__ import annotations

import ast
import contextlib
import copy
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .chapter import Chapter, imported, role


@dataclass
class VisibleCheck:
    """The visible check of an exercise ("gan_losses.generator_loss"), and the cells above it that it needs."""

    exercise: str
    source: str
    needed: list[str]
    _space: dict[str, Any] = field(default_factory=dict)

    def refusal(self, answer: Any) -> str:
        """What the check says of an answer, as "AssertionError: ..."; empty where it passes."""
        with _quiet():
            if not self._space:
                for source in self.needed:
                    exec(source, self._space)
            space = {name: _fresh(value) for name, value in self._space.items()} | {self.exercise.partition(".")[2]: answer}
            try:
                exec(self.source, space)
            except Exception as error:  # whatever a wrong answer meets
                return f"{type(error).__name__}: {error}"
        return ""


def visible_checks(chapter: Chapter) -> Iterator[VisibleCheck]:
    """Those of a chapter, in its order; written answers have none."""
    cells = [(role(cell), _plain(cell.source), cell) for cell in chapter.notebook.cells if cell.cell_type == "code"]
    for at, (kind, source, _) in enumerate(cells):
        if kind == "check":
            name = next(imported(cell)[0] for before, _, cell in reversed(cells[:at]) if before == "exercise")
            yield VisibleCheck(f"{chapter.name}.{name}", source, needed(source, [above for _, above, _ in cells[:at]]))


def needed(source: str, above: list[str]) -> list[str]:
    """Which of the cells above define what a cell uses, or what those use, in their order.

    A name is defined where it is assigned, imported, or the name of a function or class; what a cell changes by a method
    or an index counts as used, so that the cell is taken with what it changes.
    """
    found, wanted = [], _uses(ast.parse(source))
    for cell in reversed(above):
        tree = ast.parse(cell)
        if _defines(tree) & wanted:
            found.append(cell)
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
