"""The book built once, served on this machine alone, and a browser to look at it with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

ROOT = Path(__file__).parents[2]
# Nothing that the browser itself would like to fetch.
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.book)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the finished site: the real build, with warnings as errors and an empty cache.

    Only test_site.py asks for it, so `pytest -n 2 --dist loadfile` builds it once.
    """
    output = tmp_path_factory.mktemp("site")
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command = [str(jupyter_book), "build", "book", "-W", "--keep-going", "--path-output", str(output)]
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"CLIPKIT_PRESET": "smoke"}, capture_output=True, text=True
    )
    html = output / "_build" / "html"
    tracebacks = "\n".join(log.read_text("utf-8")[-2000:] for log in html.glob("reports/*.log"))
    assert run.returncode == 0, f"{' '.join(command)}\n{run.stderr[-6000:]}\n{tracebacks}"
    return html


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        pass


@pytest.fixture(scope="module")
def site(build: Path):
    """Address of the served site, ending with a slash."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(build)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def chromium(playwright: Playwright) -> str:
    """The browser to use: the machine's own, or the one that Playwright installed."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), playwright.chromium.executable_path)
    if not Path(found).exists():
        pytest.fail(
            "no Chromium found: install chromium or google-chrome, or run `playwright install chromium`"
        )
    return found


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(playwright), args=BROWSER_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, site: str):
    """visit(name, **context options) opens a page of the book afresh, to do with as the test likes."""
    contexts = []

    def open_page(name: str, **options) -> Page:
        contexts.append(browser.new_context(**options))
        return opened(contexts[-1], site, name)

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def look(browser: Browser, site: str):
    """look(name) is a page of the book, opened once for all the tests that change nothing in it."""
    context = browser.new_context()
    return cache(partial(opened, context, site))


def opened(context: BrowserContext, site: str, name: str) -> Page:
    """The page, loaded and at rest; `page.faults` is what went wrong on the way."""
    page = context.new_page()
    page.faults = watch(page, site)
    page.goto(f"{site}{name}.html", wait_until="networkidle")
    return page


def watch(page: Page, site: str) -> list[str]:
    """A list that fills with requests to other hosts, failed requests, console errors and script errors."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    page.on("console", lambda message: message.type == "error" and faults.append(f"console: {message.text}"))
    page.on(
        "response", lambda answer: answer.status >= 400 and faults.append(f"{answer.status}: {answer.url}")
    )
    own = (site, "data:", "blob:")
    page.on(
        "request", lambda request: request.url.startswith(own) or faults.append(f"request to {request.url}")
    )
    return faults
