"""What some names stand on, definition by definition: of a number that took an hour to measure, what decides it.

`dependencies` asks which files a page uses, and any change of those outdates its outputs: it runs again in minutes. Here a
docstring, a comment or a function that nothing needs may change. What a top-level statement binds and uses is asked of
Python's own symbol table.
"""
from __future__ import annotations

import ast
import hashlib
import symtable
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace

from . import chapter, dependencies
from .answers import SourceError


def digest(code: str, *names: str) -> str:
    """A digest of what `names` are in `code` and of all that they reach, there, in clipkit, in solutions and on pages.

    Raises:
        SourceError: one of them is not there.
    """
    found, waiting = set(), [part(code, names)]
    while waiting:
        if (text := waiting.pop()) not in found:
            found.add(text)
            waiting += _used_by(text)
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()[:16]


def of_page(stem: str, *names: str) -> SimpleNamespace:
    """A page's own definitions of `names`, made without running anything else of it.

    Write stem and names as plain strings: `digest` reads them off the call.

    Raises:
        SourceError: the page defines no such name at top level.
    """
    namespace: dict = {"__name__": stem}
    exec(compile(part(page_code(stem), names), f"<definitions of {stem}>", "exec"), namespace)
    return SimpleNamespace(**{name: namespace[name] for name in names})


def page_code(stem: str) -> str:
    """All code of a chapter, with the answers in their places."""
    return "\n".join(chapter.model_of(cell) if chapter.role(cell) in ("exercise", "given") else cell.source
                     for cell in chapter.load(stem).notebook.cells
                     if cell.cell_type == "code" and chapter.role(cell) != "written")


@cache
def part(code: str, names: tuple[str, ...] = ()) -> str:
    """The statements that bind `names` or what these use, in order, without docstrings and comments; all where none is named.

    A loop or a call at top level binds nothing: it is what a page computes, not what it defines.
    """
    statements = [(text, *_names(text)) for text in _statements(code)]
    wanted = set(names) or set().union(*(binds for _, binds, _ in statements))
    taken: set[int] = set()
    if missing := wanted.difference(*(binds for _, binds, _ in statements)):
        raise SourceError(f"expected a definition of {', '.join(sorted(missing))} at top level, found none")
    while more := {i for i, (_, binds, _) in enumerate(statements) if binds & wanted} - taken:
        taken |= more
        wanted |= set().union(*(statements[i][2] for i in more))
    return "\n".join(statements[i][0] for i in sorted(taken))


def _statements(code: str) -> Iterator[str]:
    """The statements that bind something, each import by itself."""
    for node in dependencies.parsed(code).body:
        for inner in ast.walk(node):
            if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner) is not None:
                inner.body = inner.body[1:] or [ast.Pass()]
        if isinstance(node, ast.Import):
            yield from (ast.unparse(ast.Import([alias])) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (ast.unparse(ast.ImportFrom(node.module, [alias], node.level)) for alias in node.names)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign | ast.AugAssign):
            yield ast.unparse(node)


@cache
def _names(statement: str) -> tuple[frozenset[str], frozenset[str]]:
    """The global names that a statement binds, and those that it uses, inside its functions too."""
    top = symtable.symtable(statement, "a statement", "exec")
    binds = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    tables, uses = [top], set()
    for table in tables:
        tables += table.get_children()
        uses |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
    if isinstance(target := getattr(ast.parse(statement).body[0], "targets", [None])[0], ast.Subscript | ast.Attribute):
        binds |= {node.id for node in ast.walk(target.value) if isinstance(node, ast.Name)}  # `rows[name] = ...` changes rows
    return frozenset(binds), frozenset(uses)


def _used_by(text: str) -> Iterator[str]:
    """What a piece of code takes from elsewhere, as code; of trained weights a digest, as a comment."""
    for name in sorted(dependencies.named(text)):
        for path in dependencies.file_of(name):
            if path.suffix == ".py":
                member = name.rpartition(".")[2]
                yield part(path.read_text(encoding="utf-8"), () if path.stem == member else (member,))
            else:
                yield f"# {path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "of_page":
            stem, *names = (ast.literal_eval(argument) for argument in node.args)
            yield part(page_code(stem), tuple(names))
