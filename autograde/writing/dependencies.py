"""Which of our files a chapter's outputs depend on: read from its imports, and from theirs."""
from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path

from .answers import ROOT

OURS = ("clipkit", "solutions", "benchmarks")  # the last for studies that share code: no page knows it
_NAME = re.compile(r"(clipkit|solutions)\.[\w.]+|[\w-]+\.safetensors")


def fingerprint(cells: Iterable[str]) -> str:
    """A digest of all that code cells import from clipkit and solutions, directly or not, trained weights too."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files(cells)))).hexdigest()[:16]


def files(cells: Iterable[str]) -> set[Path]:
    """The files of clipkit and solutions that code cells use, directly or through others."""
    found, waiting = set(), [path for cell in cells for path in _used_by(cell)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _used_by(path.read_text(encoding="utf-8"), path) if path.suffix == ".py" else ()
    return found


def parsed(code: str, path: Path | str = "a cell") -> ast.Module:
    """Its syntax; what only a notebook understands counts as nothing."""
    lines = ["pass" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines()]
    return ast.parse("\n".join(lines), str(path))


def _used_by(code: str, place: Path | str = "a cell") -> set[Path]:
    """Files that code names: modules it imports or mentions, attributes of packages, trained weights."""
    return {file for name in named(code, place) for file in file_of(name)}


@cache
def named(code: str, place: Path | str = "a cell") -> frozenset[str]:
    """What code names, whether or not there is such a file. The same code is read once: chapters stand on the same packages."""
    found: set[str] = set()
    for node in ast.walk(parsed(code, place)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if "." in alias.name}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in OURS:
            found.add(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAME.fullmatch(node.value):
            found.add(node.value)
    return frozenset(found)


def file_of(name: str) -> Iterator[Path]:
    """The file behind "clipkit.walkers", "clipkit.walkers.Walkers", the exported "clipkit.Walkers", "x.safetensors"."""
    if name.endswith(".safetensors"):
        yield from ROOT.glob(f"*/**/weights/{name}")
    package, _, rest = name.partition(".")
    if package not in OURS:
        return
    for candidate in (rest, _exports(package).get(rest, ""), rest.rpartition(".")[0]):
        path = ROOT / package / f"{candidate.replace('.', '/')}.py"
        if candidate and path.exists():
            yield path
            return


@lru_cache
def _exports(package: str) -> dict[str, str]:
    """Name -> module, as the package's __init__ imports them."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    return {alias.asname or alias.name: (node.module or "").partition(".")[2]
            for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
