"""The Chromium of this machine: it prints the book, and tests and benchmarks look at pages with it."""
from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing that the browser itself would like to fetch.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--no-first-run"]
PATIENCE = 600  # seconds for printing


def find() -> str | None:
    """Its path; None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def print_page(page: Path, pdf: Path) -> None:
    """Print a page of this machine to a PDF with an outline.

    Raises:
        OSError: there is no browser, or it could not print; the message is a sentence.
    """
    if (browser := find()) is None:
        raise OSError("printing needs Chromium or Chrome (`apt install chromium`)")
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", *OPTIONS, f"--user-data-dir={profile}", "--no-pdf-header-footer",
                   "--generate-pdf-document-outline", f"--print-to-pdf={pdf}", page.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise OSError(f"{browser} has not printed {page} in {PATIENCE} s") from None
    if done.returncode or not pdf.exists():
        raise OSError(f"{browser} could not print {page}: {done.stderr[-500:]}")
