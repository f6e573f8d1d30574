"""For all tests: one thread a process (two processes share two cores), no display, GPU tests only where there is one,
and a browser."""
import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # kernels and children inherit it
os.environ["MPLBACKEND"] = "agg"

import pytest
import torch
from filelock import FileLock

from autograde.writing import browser

pytest_plugins = ["tests.of_chapter"]
torch.set_num_threads(1)
NO_BROWSER = "needs a browser; the last lines say how to get one"


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="every case of what is otherwise held by examples: an hour more")


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device; the workflow gpu.yml runs it"))


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder that all processes of this run have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def chromium(shared) -> str:
    """The path of a browser, fetched by the first process that needs one.

    Where none can be had its tests are skipped; in CI they fail.
    """
    found = shared / "chromium"
    with FileLock(f"{found}.lock"):
        if not found.exists():
            try:
                found.write_text(browser.ensure())
            except OSError:
                found.write_text("")
    if not found.read_text():
        pytest.fail(browser.NONE) if os.environ.get("CI") else pytest.skip(NO_BROWSER)
    return found.read_text()


def pytest_terminal_summary(terminalreporter):
    """What to do about it, once."""
    skipped = sum(NO_BROWSER in str(report.longrepr) for report in terminalreporter.getreports("skipped"))
    if skipped:
        terminalreporter.write_line(f"{skipped} tests of pages were skipped: {browser.NONE}.", yellow=True)
