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

torch.set_num_threads(1)


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
    """The path of a browser, fetched by the first process that needs one. Where none can be had its tests are skipped; in CI they fail."""
    found = shared / "chromium"
    with FileLock(f"{found}.lock"):
        if not found.exists():
            try:
                found.write_text(browser.ensure())
            except OSError as error:
                found.write_text(f"No page was opened: {error}.")
    if (said := found.read_text()).startswith("No page"):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(said)
    return said
