"""The book's two commands: build the site, and make the reference runs anew."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from . import chapter, reference_run, source
from .answers import ROOT

JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"  # it has no __main__ of its own


def book(preset: str = "cpu", *, output: Path = ROOT, strict: bool = True) -> int:
    """Build the site into OUTPUT/_build/html with Jupyter Book, stored runs first into its cache.

    A chapter whose stored run is fresh is not executed. Every warning is an error where `strict`.

    Returns:
        Jupyter Book's exit status; 0 is success.
    """
    fill_cache(output / "_build" / ".jupyter_cache")
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(ROOT / "book"), "--path-output", str(output)]
    done = subprocess.run(command + ["-W", "--keep-going"] * strict, cwd=ROOT,
                          env=os.environ | {"CLIPKIT_PRESET": preset})
    if done.returncode == 0:
        print(f"\nThe book is built. Open {(output / '_build' / 'html' / 'index.html').as_uri()}")
    return done.returncode


def fill_cache(folder: Path) -> list[str]:
    """Put every fresh stored run into Jupyter Book's cache; returns the chapters that it will not have to execute."""
    from jupyter_cache import get_cache
    from jupyter_cache.base import CacheBundleIn

    cache, filled = get_cache(folder), []
    for stem in chapter.stems():
        if not reference_run.is_fresh(stem, source.page_of(stem)):
            continue
        run = reference_run.load(stem)
        uri = str(ROOT / "book" / f"{stem}.md")
        cache.cache_notebook_bundle(CacheBundleIn(run.notebook, uri), check_validity=False, overwrite=True)
        filled.append(stem)
    return filled


def execute(chapters: list[str], preset: str = "cpu") -> None:
    """Make the reference run of each chapter anew (all of them where none is named) and say how long it took."""
    for stem in [chapter.find(name) for name in chapters] or chapter.stems():
        run = reference_run.execute(stem, source.page_of(stem), preset=preset)
        about = run.notebook.metadata["reference_run"]
        size = reference_run.path(stem).stat().st_size / 1e6
        print(f"{stem}: {about['seconds']} s on {about['device']}, {size:.1f} MB")
