"""The reference run of a chapter: its page executed once, with its outputs, kept in book/outputs/.

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
        if not img:
            raise SourceError(f"{self.stem}: the output labelled {label!r} holds no picture")
        alt = unescape(_ALT.search(img[0])[1])
        return f"![{alt}]({img['src']})"


def path(stem: str) -> Path:
    """Where the run of a chapter is kept."""
    return OUTPUTS / f"{stem}.ipynb"


def load(stem: str) -> ReferenceRun | None:
    """The stored run of a chapter; None where there is none yet."""
    if not path(stem).exists():
        return None
    return ReferenceRun(stem, nbformat.read(path(stem), as_version=4))


def code_of(notebook: NotebookNode) -> list[tuple[str, dict]]:
    """What must agree for outputs to belong to a notebook: its code cells with their tags, as for Jupyter Book's cache."""
    return [(cell.source, cell.metadata) for cell in notebook.cells if cell.cell_type == "code"]


def is_fresh(stem: str, page: NotebookNode) -> bool:
    """Whether the stored run belongs to `page`, code cell by code cell."""
    run = load(stem)
    return run is not None and code_of(run.notebook) == code_of(page)


def execute(stem: str, page: NotebookNode, *, preset: str = "cpu", timeout: int = 600) -> ReferenceRun:
    """Run `page` from top to bottom and keep its code cells, with the machine and the versions that made them.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed; nothing is kept.
    """
    started = time.time()
    client = NotebookClient(page, timeout=timeout, kernel_name="python3", coalesce_streams=True,
                            resources={"metadata": {"path": str(ROOT)}})
    client.execute(env=os.environ | {"CLIPKIT_PRESET": preset})
    page.cells = [cell for cell in page.cells if cell.cell_type == "code"]  # the text is in the chapter
    for cell in page.cells:
        cell.metadata.pop("execution", None)
    page.metadata["reference_run"] = _machine() | {"preset": preset, "seconds": round(time.time() - started, 1)}
    OUTPUTS.mkdir(exist_ok=True)
    nbformat.write(page, path(stem))
    return ReferenceRun(stem, page)


def _machine() -> dict:
    """What made the run: processor or GPU, cores, versions, date."""
    import torch
    import torchvision
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    return {"device": device, "python": platform.python_version(), "torch": torch.__version__,
            "torchvision": torchvision.__version__, "date": time.strftime("%Y-%m-%d")}


