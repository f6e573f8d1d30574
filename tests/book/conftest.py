"""The book built once, served on this machine alone, and a browser to look at it with."""

from __future__ import annotations

import subprocess
import sys
import threading
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from autograde.writing.browser import OPTIONS
from tests.of_chapter import chosen

ROOT = Path(__file__).parents[2]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--site", help="look at this finished site (_build/html) and build none; with tests/book/... only")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.book)


@pytest.fixture(scope="session")
def build(request: pytest.FixtureRequest, shared: Path) -> Path:
    """The folder of the finished site, built once for all processes that test."""
    if given := request.config.getoption("--site", default=None):
        return Path(given).resolve()
    with FileLock(shared / "site.lock"):
        if not (shared / "site.built").exists():
            build_site(shared / "site", only=chosen(request.config) or None)
            (shared / "site.built").touch()
    return shared / "site" / "_build" / "html"


def build_site(output: Path, only: list[str] | None = None) -> None:
    """The site as it is published: from the stored runs, warnings as errors.

    A chapter whose stored run is stale (another test says so) is run with the smallest preset; if `only` these are looked at,
    no other is run.
    """
    build = f"site.book('smoke', output=site.Path({str(output)!r}), only={only})"
    command = [sys.executable, "-c", f"from autograde.writing import site; raise SystemExit({build})"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    tracebacks = "\n".join(log.read_text("utf-8")[-2000:] for log in output.rglob("reports/*.log"))
    assert run.returncode == 0, f"{run.stderr[-6000:]}\n{tracebacks}"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        pass


@pytest.fixture(scope="module")
def site(build: Path):
    """Address of the served site, ending with a slash. It lies in a sub-path, as on GitHub Pages."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(build.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{build.name}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser(chromium: str):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tabs(browser: Browser):
    """Open pages by the options of their contexts: to open one takes longer than to load a page of the book into it."""
    return {}


@pytest.fixture
def visit(browser: Browser, site: str, tabs: dict[str, Page]):
    """visit(name, **context options) loads a page of the book afresh, to do with as the test likes."""
    used = []

    def open_page(name: str, **options) -> Page:
        kind = repr(sorted(options.items()))
        page = tabs.pop(kind, None) or new_page(browser.new_context(**options), site)
        used.append((kind, options, page))
        return load(page, site, name)

    yield open_page
    for kind, options, page in used:
        page.evaluate("localStorage.clear()")
        page.unroute_all()
        page.emulate_media(media="null", color_scheme=options.get("color_scheme", "light"),
                           reduced_motion=options.get("reduced_motion", "no-preference"))
        tabs[kind] = page


@pytest.fixture(scope="module")
def look(browser: Browser, site: str):
    """look(name) is a page of the book, opened once for all the tests that change nothing that another looks at."""
    context = browser.new_context(reduced_motion="reduce")  # no clip plays in a page that stays open
    return cache(lambda name: load(new_page(context, site), site, name))


def new_page(context: BrowserContext, site: str) -> Page:
    """A page; `page.faults` is what has gone wrong in it since something was loaded into it."""
    page = context.new_page()
    page.faults = watch(page, site)
    return page


def load(page: Page, site: str, name: str) -> Page:
    """The page of the book, loaded."""
    page.faults.clear()
    page.goto(f"{site}{name}.html", wait_until="load")
    return page


def watch(page: Page, site: str = "file:") -> list[str]:
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


def scroll_through(page: Page) -> None:
    """As a reader does, from top to bottom, so that what loads late has loaded."""
    page.evaluate("""async () => {
        for (let top = 0; top < document.documentElement.scrollHeight; top += 600) {
            scrollTo({ top, behavior: "instant" });
            for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
        }
    }""")
    page.wait_for_load_state("networkidle")
