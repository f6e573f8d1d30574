"""Which chapters a change touches: those with a file that differs from the branch main, and those that import it."""
from __future__ import annotations

import subprocess
from pathlib import Path

from . import chapter, dependencies
from .answers import ROOT

OWN = ("book/{stem}.md", "notebooks/{stem}.ipynb", "solutions/{name}.py", "autograde/checks/{name}.py",
       "tests/answers/{name}.py")


def chapters() -> list[str]:
    """Stems of the chapters that differ from main, in order.

    Raises:
        LookupError: git knows no main.
        SyntaxError: a file that chapters import cannot be read.
    """
    different = files()
    return [stem for stem in chapter.stems() if different & own(stem) or different & used(stem)]


def files() -> set[Path]:
    """What differs from where this branch left main: committed or not, new and deleted files too."""
    left = next((found for name in ("main", "origin/main") if (found := _git("merge-base", name, "HEAD"))), None)
    if not left:
        raise LookupError("git finds no branch main to compare with; name a chapter")
    known = _git("diff", "--name-only", "--no-renames", "--relative", "-z", left[0].strip())
    return {ROOT / name for name in (*known, *_git("ls-files", "--others", "--exclude-standard", "-z"))}


def own(stem: str) -> set[Path]:
    """The files that are a chapter's alone."""
    return {ROOT / path.format(stem=stem, name=stem.partition("_")[2]) for path in OWN}


def used(stem: str) -> set[Path]:
    """The files of clipkit and solutions that its cells, its answers and its checks import, directly or through others."""
    cells = [cell.source for cell in chapter.load(stem).notebook.cells if cell.cell_type == "code"]
    modules = [path.read_text(encoding="utf-8") for path in own(stem) if path.suffix == ".py" and path.exists()]
    return dependencies.files([*cells, *modules])


def _git(*words: str) -> list[str]:
    """What git prints, split at zero bytes; nothing where it fails or is missing."""
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        return []
    return [name for name in done.stdout.split("\0") if name] if done.returncode == 0 else []
