"""The reference run of a page with code, a chapter's or an appendix's: executed once, its outputs kept in book/outputs/.

It fills Jupyter Book's cache, so that a fresh clone builds without training anything, and it holds the pictures that
a student notebook shows as expected. A stored run whose code differs from the chapter's is never used.
"""
from __future__ import annotations

import os
import platform
import re
import time
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from .answers import ROOT, SourceError

OUTPUTS = ROOT / "book" / "outputs"
_IMG = re.compile(r'<img[^>]*?src="(?P<src>data:image/[^"]+)"[^>]*?>', re.S)
_ALT = re.compile(r'alt="([^"]*)"')


@dataclass(frozen=True)
class ReferenceRun:
    """A chapter's executed page."""

    stem: str
    notebook: NotebookNode

    def has(self, label: str) -> bool:
        """Whether it has a cell of that label; one made before the cell was written has not."""
        return any(cell.metadata.get("label") == label for cell in self.notebook.cells)

    def html(self, label: str) -> str:
        """The output of the cell labelled `label`, as HTML for the page.

        Raises:
            SourceError: no cell of that label, or it shows nothing.
        """
        for cell in self.notebook.cells:
            if cell.metadata.get("label") == label:
                for output in reversed(cell.get("outputs", [])):  # the result comes after a progress line
                    if "text/html" in output.get("data", {}):
                        return output.data["text/html"]
        raise SourceError(f"{self.stem}: the reference run has no picture labelled {label!r}; run `make execute`")

    def picture(self, label: str) -> str:
        """The same as Markdown with a still picture and its alt text (of a clip: its film strip)."""
        img = _IMG.search(self.html(label))
        alt = img and _ALT.search(img[0])
        if not img or not alt:
            raise SourceError(f"{self.stem}: the output labelled {label!r} holds no picture, or one without an alt text")
        return f"![{unescape(alt[1])}]({img['src']})"


def path(stem: str, preset: str = "cpu") -> Path:
    """Where the run of a chapter is kept: that of a GPU beside the one that everybody can make."""
    return (OUTPUTS / "gpu" if preset == "gpu" else OUTPUTS) / f"{stem}.ipynb"


def load(stem: str, preset: str | None = None) -> ReferenceRun | None:
    """The stored run of a chapter; None where there is none yet.

    Args:
        preset: "gpu" takes the run of a GPU where there is one; by default what CLIPKIT_PRESET says.
    """
    places = [path(stem, preset or os.environ.get("CLIPKIT_PRESET", "cpu")), path(stem)]
    found = next((place for place in places if place.exists()), None)
    return ReferenceRun(stem, nbformat.read(found, as_version=4)) if found else None


def code_of(notebook: NotebookNode) -> list[tuple[str, dict]]:
    """What must agree for outputs to belong to a notebook: its code cells with their tags, as for Jupyter Book's cache."""
    return [(cell.source, cell.metadata) for cell in notebook.cells if cell.cell_type == "code"]


def is_fresh(stem: str, page: NotebookNode, preset: str | None = None) -> bool:
    """Whether the stored run belongs to `page`, code cell by code cell."""
    run = load(stem, preset)
    return run is not None and code_of(run.notebook) == code_of(page)


def execute(page: NotebookNode, *, preset: str = "cpu", threads: int | None = None, timeout: int = 600) -> NotebookNode:
    """Run `page` from top to bottom; returns its code cells, with the machine and the versions that ran them.

    Args:
        threads: how many it may compute with; None leaves it all cores.
    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    started = time.time()
    client = NotebookClient(page, timeout=timeout, kernel_name="python3", coalesce_streams=True,
                            resources={"metadata": {"path": str(ROOT)}})
    bound = {} if threads is None else {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    client.execute(env=os.environ | {"CLIPKIT_PRESET": preset} | bound)
    page.cells = [cell for cell in page.cells if cell.cell_type == "code"]  # the text is in the chapter
    for cell in page.cells:
        cell.metadata.pop("execution", None)
    page.metadata["reference_run"] = _machine(threads) | {"preset": preset, "seconds": round(time.time() - started, 1)}
    return page


def keep(stem: str, executed: NotebookNode) -> Path:
    """Write an executed page to book/outputs; returns where."""
    place = path(stem, executed.metadata["reference_run"]["preset"])
    place.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(executed, place)
    return place


def _machine(threads: int | None) -> dict:
    """What made the run: processor or GPU, cores, versions, date."""
    import torch
    import torchvision
    cores = threads or os.cpu_count()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{cores} CPU core" + "s" * (cores != 1)
    return {"device": device, "python": platform.python_version(), "torch": torch.__version__,
            "torchvision": torchvision.__version__, "date": time.strftime("%Y-%m-%d")}
