"""A Chromium that starts: it prints the book, and tests and benchmarks look at pages with it.

The machine's own; where there is none, Debian's package is installed if that is allowed, else Playwright downloads one.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing that the browser itself would like to fetch.
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--no-first-run"]
PATIENCE = 600  # seconds for printing, and for fetching
NONE = ("there is no Chromium or Chrome that starts on this machine, and none could be fetched: install one (`sudo apt install "
        "chromium` on Debian, `.venv/bin/python -m playwright install --with-deps chromium` elsewhere) and try again")
DOWNLOADED = "from playwright.sync_api import sync_playwright as p\nwith p() as p: print(p.chromium.executable_path)"


def ensure() -> str:
    """The path of one that starts, fetched now if the machine has none.

    Raises:
        OSError: none could be had; the message is a sentence that says what to do.
    """
    found = find()
    for fetch in (install_package, download):
        if not found:
            fetch()
            found = find()
    if not found:
        raise OSError(NONE)
    return found


def find() -> str | None:
    """The path of one that starts; None where there is none."""
    return next(filter(starts, candidates()), None)


def candidates() -> Iterator[str]:
    """Paths of browsers on this machine: those of its packages, then the one that Playwright downloads."""
    yield from filter(None, map(shutil.which, NAMES))
    yield printed([sys.executable, "-c", DOWNLOADED]).strip()


def starts(browser: str) -> bool:
    """Whether it shows a page: a downloaded one may lack libraries, and that of Ubuntu's package its snap."""
    with tempfile.TemporaryDirectory() as profile:
        return "<html" in printed([browser, "--headless", *OPTIONS, f"--user-data-dir={profile}", "--dump-dom", "about:blank"])


def install_package() -> None:
    """Debian's package, as root or where sudo asks for no password."""
    if (root := as_root()) is None or not shutil.which("apt-get"):
        return
    apt = [*root, "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    printed([*apt, "update"])
    if "Package: chromium\n" in printed(["apt-cache", "show", "chromium"]):  # Ubuntu's leads to a snap, which containers lack
        print("There is no browser here: installing Debian's package chromium.", file=sys.stderr, flush=True)
        printed([*apt, "install", "-y", "--no-install-recommends", "chromium"])


def download() -> None:
    """Playwright's own, with the system's libraries that it needs where they may be installed."""
    print("There is no browser here: Playwright downloads one.", file=sys.stderr, flush=True)
    libraries = ["--with-deps"] if as_root() is not None else []
    printed([sys.executable, "-m", "playwright", "install", *libraries, "chromium"])


def as_root() -> list[str] | None:
    """What stands before a command of root's; None where this user may give none, or would be asked for a password."""
    if os.geteuid() == 0:
        return []
    return ["sudo", "-n"] if printed(["sudo", "-n", "echo", "yes"]) else None


def printed(command: list[str]) -> str:
    """What the command printed; "" where it is not there, fails or takes too long."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
                              env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def print_page(page: Path, pdf: Path) -> None:
    """Print a page of this machine to a PDF with an outline.

    Raises:
        OSError: no browser could be had, or it could not print; the message is a sentence.
    """
    browser = ensure()
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", *OPTIONS, f"--user-data-dir={profile}", "--no-pdf-header-footer",
                   "--generate-pdf-document-outline", f"--print-to-pdf={pdf}", page.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise OSError(f"{browser} has not printed {page} in {PATIENCE} s") from None
    if done.returncode or not pdf.exists():
        raise OSError(f"{browser} could not print {page}: {done.stderr[-500:]}")
