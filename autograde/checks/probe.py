"""How the code of a probe is taken along: its source, and of its module just what that names.

A probe runs beside the student's code, so it may hold nothing that gives an answer away. It is a function at the top of
a module of checks; with it travel the functions, classes, constants and imports of that module that it names, and those
that they name. Docstrings and comments stay. Nothing may name `solutions`, `autograde` or a module of the checks: such
a probe raises an error wherever it is used, with a plain object too.
"""
from __future__ import annotations

import ast
import builtins
import inspect
import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import ModuleType

STAYS = {"solutions", "autograde", "tests"}


class ProbeError(Exception):
    """A probe that cannot travel: a mistake in the check, not in a submission."""


@cache
def source_of(probe: Callable) -> str:
    """Python that defines `probe` under its name, with nothing around it.

    Raises:
        ProbeError: it is no function at the top of a module, or needs what must stay outside.
    """
    name, module = getattr(probe, "__qualname__", "?"), sys.modules.get(getattr(probe, "__module__", ""))
    if not (inspect.isfunction(probe) or inspect.isclass(probe)) or module is None or getattr(module, name, None) is not probe:
        raise ProbeError(f"a probe must be a function at the top of its module, by its own name; {name} is not")
    parts = _top_level(module)
    needed, waiting = set(), [name]
    while waiting:
        if (one := waiting.pop()) in parts and one not in needed:
            needed.add(one)
            _may_travel(parts[one], name)
            waiting += _names(parts[one])
        elif one not in parts and not hasattr(builtins, one) and one in vars(module):
            raise ProbeError(f"the probe {name} names {one!r}, which its module defines in no plain way")
    body = [parts[one] for one in parts if one in needed]
    tree = ast.Module([ast.ImportFrom("__future__", [ast.alias("annotations")], 0), *dict.fromkeys(body)], [])
    return ast.unparse(ast.fix_missing_locations(tree))


def prepare(module: ModuleType) -> list[str]:
    """Read the source of every probe that a module of checks names, before it is needed. Returns their names.

    Raises:
        ProbeError: one of them cannot travel.
    """
    calls = (node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Call))
    names = {call.args[0].id for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "probe"
             and call.args and isinstance(call.args[0], ast.Name)}
    found = sorted(name for name in names if inspect.isfunction(getattr(module, name, None)))
    for name in found:
        source_of(getattr(module, name))
    return found


@cache
def _top_level(module: ModuleType) -> dict[str, ast.stmt]:
    """What a module defines, by name; an import of several names becomes one for each."""
    parts: dict[str, ast.stmt] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            parts[node.name] = _without_docstrings(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts |= {n.id: node for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
        elif isinstance(node, ast.Import):
            parts |= {(a.asname or a.name.partition(".")[0]): ast.Import([a]) for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts |= {(a.asname or a.name): ast.ImportFrom(node.module, [a], node.level) for a in node.names}
    return parts


def _may_travel(node: ast.stmt, probe: str) -> None:
    modules = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            modules += [alias.name for alias in inner.names]
        elif isinstance(inner, ast.ImportFrom):
            modules.append(f"autograde.checks ({ast.unparse(inner)})" if inner.level else inner.module or "")
    for module in modules:
        if module.partition(".")[0] in STAYS:
            raise ProbeError(f"the probe {probe} needs {module}, which must stay outside the sandbox: let it only compute, "
                             "and compare in the check")


def _names(node: ast.AST) -> Iterator[str]:
    """Names that code uses, but for those in annotations, which are never evaluated."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, ast.Name):
                yield inner.id
            elif isinstance(inner, ast.AST):
                yield from _names(inner)


def _without_docstrings(node: ast.stmt) -> ast.stmt:
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner) is not None:
            inner.body = inner.body[1:] or [ast.Pass()]
    return node
