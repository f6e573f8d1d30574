"""Answers, as written in solutions/: their source, and the stub that remains when the answer is taken out.

An answer is a function, a class or a text. Lines between `# BEGIN SOLUTION` and `# END SOLUTION` are the answer; with
no fence it is everything below the docstring. Inside a fence, a line `# STUB code` is what the student finds in its
place (a broken line to repair, or one with a hole); without one the student finds `raise NotImplementedError`.
So a stub holds nothing but lines of the answer, `# STUB` lines and that one marker: it cannot drift from it.
"""
from __future__ import annotations

import ast
import builtins
import keyword
import re
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BEGIN, STUB, END = "# BEGIN SOLUTION", "# STUB ", "# END SOLUTION"
MARKER = "raise NotImplementedError  # your code here"


class SourceError(ValueError):
    """A chapter or an answer is not written as the course expects."""


def answer(module: str, name: str) -> str:
    """The source of `name` in a module of solutions ("gan_losses", "networks.layers"), with a fence around the answer.

    What the module itself takes from another one of solutions is found there.

    Raises:
        SourceError: the module has no such name, or its fences do not close.
    """
    sources = _sources(module)
    if name not in sources:
        if origin := _taken(module).get(name):
            return answer(origin, name)
        raise SourceError(f"solutions.{module} defines no {name!r}; it has {', '.join(sources)}")
    return sources[name]


def model(fenced: str) -> str:
    """The answer as a reader sees it: no fences, no stub lines."""
    return "\n".join(line for line in fenced.split("\n") if not line.strip().startswith((BEGIN, STUB.strip(), END)))


def stub(fenced: str) -> str:
    """The answer with every fence emptied: what a student starts from."""
    kept: list[str] = []
    region: tuple[str, list[str]] | None = None  # its indentation and its stub, within a fence
    for line in fenced.split("\n"):
        if line.strip() == BEGIN:
            region = (line[: len(line) - len(line.lstrip())], [])
        elif line.strip() == END:
            assert region is not None
            indent, stub_lines = region
            kept += stub_lines or [indent + MARKER]
            region = None
        elif region is None:
            kept.append(line)
        elif line.strip().startswith(STUB):
            region[1].append(line.replace(STUB, "", 1))
    return "\n".join(kept)


def text(chapter: str, name: str) -> str:
    """The model answer to a written exercise: a string in solutions/CHAPTER.py."""
    try:
        node: Any = ast.parse(answer(chapter, name)).body[0]
        return ast.literal_eval(node.value).strip()
    except (ValueError, AttributeError):
        raise SourceError(f"solutions/{chapter}.py: {name!r} is not a plain string") from None


def answer_lines(fenced: str) -> list[str]:
    """The lines of an answer that no student may be given: those inside its fences that name something."""
    hidden = set(model(fenced).split("\n")) - set(stub(fenced).split("\n"))
    return [line.strip() for line in model(fenced).split("\n") if line in hidden and _names_something(line)]


def _names_something(line: str) -> bool:
    """False for lines that stand in any program, such as `else:` and `raise ValueError(`."""
    return any(not keyword.iskeyword(word) and not hasattr(builtins, word) for word in re.findall(r"[A-Za-z_]\w*", line))


def _text(module: str) -> str:
    path = ROOT / "solutions" / f"{module.replace('.', '/')}.py"
    if not path.exists():
        raise SourceError(f"there is no {path.relative_to(ROOT)}")
    return path.read_text(encoding="utf-8")


@lru_cache
def _taken(module: str) -> dict[str, str]:
    """What a module takes from others of solutions: their modules by the names."""
    imports = [node for node in ast.parse(_text(module)).body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module.removeprefix("solutions.") for node in imports
            if node.module and node.module.startswith("solutions.") for alias in node.names}


@lru_cache
def _sources(module: str) -> MappingProxyType:
    lines = [*_text(module).split("\n"), ""]
    found = {}
    for node in ast.parse("\n".join(lines)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            last = node.end_lineno or node.lineno
            end = last + (lines[last].strip() == END)  # a comment belongs to no node
            found[node.name] = _fence(lines[first - 1:end], node, first)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = "\n".join(lines[node.lineno - 1:node.end_lineno])
    return MappingProxyType(found)


def _fence(lines: list[str], node: ast.FunctionDef | ast.ClassDef, first: int) -> str:
    """`lines` (those of `node`, which starts at line `first`), fenced below the docstring where no fence is written."""
    fences = [line.strip() for line in lines if line.strip() in (BEGIN, END)]
    if fences != [BEGIN, END] * (len(fences) // 2):
        raise SourceError(f"{node.name}: fences must be pairs of {BEGIN!r} and {END!r}")
    if fences:
        return "\n".join(lines)
    body = node.body[1:] if ast.get_docstring(node) else node.body
    start = body[0].lineno - first
    indent = lines[start][: len(lines[start]) - len(lines[start].lstrip())]
    return "\n".join([*lines[:start], indent + BEGIN, *lines[start:], indent + END])
