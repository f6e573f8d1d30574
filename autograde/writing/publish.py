"""notebooks/: the student notebooks, one a chapter, generated and committed."""
from __future__ import annotations

from pathlib import Path

from . import chapter, release
from .answers import ROOT, SourceError
from .chapter import Chapter


def text(read: Chapter) -> str:
    """The student notebook of a chapter as the file that is written.

    Raises:
        SourceError: it would give away an answer, a hidden check or an output; the message lists what.
    """
    notebook = release.student(read)
    if found := release.leaks(read, notebook):
        raise SourceError(f"{read.stem} is not released, for it would give away:\n  " + "\n  ".join(found))
    return release.text_of(notebook)


def write(chapters: list[Chapter]) -> list[str]:
    """Write notebooks/STEM.ipynb of each chapter, once none of them gives anything away; returns their paths."""
    texts = {read.stem: text(read) for read in chapters}
    release.NOTEBOOKS.mkdir(exist_ok=True)
    for stem, content in texts.items():
        _path(stem).write_text(content, encoding="utf-8")
    return [str(_path(stem).relative_to(ROOT)) for stem in texts]


def stale(chapters: list[Chapter]) -> list[str]:
    """Those of notebooks/ that are missing or not what `write` would write, and those whose chapter is gone."""
    wrong = [read.stem for read in chapters
             if not _path(read.stem).exists() or _path(read.stem).read_text(encoding="utf-8") != text(read)]
    left = {path.stem for path in release.NOTEBOOKS.glob("*.ipynb")} - set(chapter.stems())
    return [str(_path(stem).relative_to(ROOT)) for stem in [*wrong, *sorted(left)]]


def _path(stem: str) -> Path:
    return release.NOTEBOOKS / f"{stem}.ipynb"
