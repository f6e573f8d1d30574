"""The notebook that a grading leaves behind, with its outputs: formgrader shows it, and the feedback is made of it."""
from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .. import report
from ..checks import Result
from ..writing.release import text_of
from .runner import Run


def executed(notebook: NotebookNode, run: Run, said: Iterable[str]) -> NotebookNode:
    """A repaired notebook with what each cell gave; a points cell shows its checks, as in a stock nbgrader run.

    `said`, sentences about the submission as a whole, stands above everything.
    """
    new, count = nbformat.from_dict(notebook), 0
    for index, cell in enumerate(new.cells):
        if cell.cell_type != "code":
            continue
        if index in run.point_cells:
            outputs = _checks_said(run.results[run.point_cells[index]])
        else:
            outputs = run.outputs.get(index)
        count += outputs is not None
        cell.execution_count = None if outputs is None else count
        cell.outputs = [nbformat.from_dict(output) for output in outputs or []]
    if note := "\n".join(f"- {sentence}" for sentence in said):
        text = f"**About this submission**\n\n{note}"
        new.cells.insert(0, nbformat.v4.new_markdown_cell(text, id="about-this-submission"))
    return new


def _checks_said(results: list[dict]) -> list[dict]:
    lines = [report.line(Result(**result)) for result in results]
    points = float(sum(result["points"] for result in results))
    return [nbformat.v4.new_output("stream", name="stdout", text="\n".join(lines) + "\n"),
            nbformat.v4.new_output("execute_result", {"text/plain": repr(points)}, execution_count=None)]


def write(notebook: NotebookNode, folder: Path, stem: str, timestamp: str | None) -> None:
    """Put FOLDER/STEM.ipynb in place at once, with the time of handing in beside it as nbgrader keeps it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "timestamp.txt").unlink(missing_ok=True)  # nbgrader leaves it read-only
    if timestamp:
        (folder / "timestamp.txt").write_text(timestamp, encoding="utf-8")
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".part", delete=False, encoding="utf-8") as file:
        file.write(text_of(notebook))
    os.chmod(file.name, 0o644)
    os.replace(file.name, folder / f"{stem}.ipynb")
