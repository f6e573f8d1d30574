"""The book's two commands: build it, and make the reference runs anew."""
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbformat import NotebookNode

from . import browser, chapter, reference_run, side_by_side, source
from .answers import ROOT

JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"  # it has no __main__ of its own
BUILDERS = {"html": [], "pdf": ["--builder", "custom", "--custom-builder", "singlehtml"],
            "links": ["--builder", "linkcheck"]}
PDF = "gans-for-short-video.pdf"


def book(preset: str = "cpu", *, form: str = "html", output: Path = ROOT, strict: bool = True,
         jobs: int | None = None, only: Collection[str] | None = None) -> int:
    """Build the book into OUTPUT/_build with Jupyter Book: what is executed already is not executed again.

    Args:
        preset: with "gpu", chapters that have a stored run of a GPU show that one.
        form: "html" is the site, "pdf" the whole book as one file; "links" only asks every outside link for an answer.
        strict: every warning is an error.
        jobs: how many chapters run at once, where some must; None is what the machine has room for.
        only: the pages that are executed where they must; others that must show no outputs. The cache in OUTPUT then holds
            pages without outputs: build nothing else there.
    Returns:
        Jupyter Book's exit status; 0 is success.
    """
    build = output / "_build"
    fill_cache(build / ".jupyter_cache", preset)
    execute_missing(build / ".jupyter_cache", preset, jobs, only)
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(ROOT / "book"), "--path-output", str(output)]
    done = subprocess.run([*command, *BUILDERS[form], *["-W", "--keep-going"] * strict], cwd=ROOT,
                          env=os.environ | {"CLIPKIT_PRESET": preset})
    if done.returncode == 0 and form == "pdf":
        browser.print_page(build / "singlehtml" / "index.html", build / PDF)
    if done.returncode == 0:
        place = {"html": f"Open {(build / 'html' / 'index.html').as_uri()}", "pdf": f"It is {build / PDF}",
                 "links": "Every outside link answers."}
        print(f"\nThe book is built. {place[form]}")
    return done.returncode


def fill_cache(folder: Path, preset: str = "cpu") -> list[str]:
    """Put every fresh stored run into Jupyter Book's cache; returns the pages that it will not have to execute."""
    filled = []
    for stem in source.executed():
        if reference_run.is_fresh(stem, source.page_of(stem), preset) and (run := reference_run.load(stem, preset)):
            into_cache(folder, stem, run.notebook)
            filled.append(stem)
    return filled


def execute_missing(folder: Path, preset: str = "cpu", jobs: int | None = None,
                    only: Collection[str] | None = None) -> list[str]:
    """Execute the pages that the cache has not, side by side, where Jupyter Book would do so one by one; returns which.

    One that fails is left to Jupyter Book, which says where. With `only`, all others are cached as if they had shown nothing.
    """
    missing = [stem for stem in source.executed() if not is_cached(folder, source.page_of(stem))]
    if only is not None:
        for stem in set(missing).difference(only):
            into_cache(folder, stem, source.page_of(stem))
        missing = [stem for stem in missing if stem in only]
    for stem, executed in side_by_side.run_all(missing, preset, jobs):
        if not isinstance(executed, BaseException):
            print(f"{stem}: executed in {executed.metadata['reference_run']['seconds']} s", flush=True)
            into_cache(folder, stem, executed)
    return missing


def into_cache(folder: Path, stem: str, executed: NotebookNode) -> None:
    """Put a page's run where Jupyter Book looks for it before it executes a page."""
    bundle = CacheBundleIn(executed, str(ROOT / "book" / f"{stem}.md"))
    get_cache(folder).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def is_cached(folder: Path, page: NotebookNode) -> bool:
    """Whether a run of this very code is in the cache."""
    try:
        get_cache(folder).match_cache_notebook(page)
    except KeyError:
        return False
    return True


def execute(chapters: list[str], preset: str = "cpu", jobs: int | None = None) -> int:
    """Make the reference run of each chapter anew, or of an appendix that runs, and say how long it took.

    All of them where none is named. Returns 0, or 1 where one failed; the others are kept.
    """
    pages, failed = source.executed(), 0
    stems = [chapter.find(name, pages) for name in chapters] or pages
    for stem, executed in side_by_side.run_all(stems, preset, jobs):
        if isinstance(executed, BaseException):
            print(f"{stem}: {executed}", file=sys.stderr)
            failed = 1
        else:
            about, place = executed.metadata["reference_run"], reference_run.keep(stem, executed)
            print(f"{stem}: {about['seconds']} s on {about['device']}, {place.stat().st_size / 1e6:.1f} MB", flush=True)
    return failed
