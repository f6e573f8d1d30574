"""The notebook that a grading leaves behind, with its outputs: formgrader shows it, and the feedback is made of it."""
from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from .. import files, report
from ..checks import Result
from . import as_text, harmless
from .runner import Run

NOT_RUN = "Not run while grading: no exercise needs this cell, and it is as it was handed out.\n"
END = 1000  # bytes at the end of a notebook file, where its metadata stand


def executed(notebook: NotebookNode, run: Run, said: Iterable[str]) -> NotebookNode:
    """A repaired notebook with what each cell gave; a points cell shows its checks, as in a stock nbgrader run.

    `said`, sentences about the submission as a whole, stands above everything. Nothing in it is active in a browser.
    """
    new, count = NotebookNode({**notebook, "metadata": NotebookNode(notebook.metadata),
                               "cells": [NotebookNode(cell) for cell in notebook.cells]}), 0
    for index, cell in enumerate(new.cells):
        if cell.cell_type != "code":
            cell.source = harmless.markdown(cell.source, cell.get("attachments", ()))
            continue
        outputs: list[dict] | None
        if index in run.left_out:
            cell.execution_count, cell.outputs = None, [NotebookNode(output_type="stream", name="stdout", text=NOT_RUN)]
            continue
        if index in run.point_cells:
            results = run.results[run.point_cells[index]]
            told = [{key: value for key, value in result.items() if key != "note"} for result in results]
            cell.metadata = cell.metadata | {"autograde": {"checks": told}}  # for the feedback page
            outputs = _checks_said(results)
        else:
            outputs = run.outputs.get(index)
        count += outputs is not None
        cell.execution_count = None if outputs is None else count
        cell.outputs = [harmless.output(nbformat.from_dict(output)) for output in outputs or []]
    if note := "\n".join(f"- {sentence}" for sentence in said):
        text = f"**About this submission**\n\n{note}"
        new.cells.insert(0, nbformat.v4.new_markdown_cell(harmless.markdown(text), id="about-this-submission"))
    return new


def _checks_said(results: list[dict]) -> list[dict]:
    lines = [report.line(Result(**result)) for result in results]
    points = float(sum(result["points"] for result in results))
    return [{"output_type": "stream", "name": "stdout", "text": "\n".join(lines) + "\n"},
            {"output_type": "execute_result", "metadata": {}, "data": {"text/plain": repr(points)}, "execution_count": None}]


def write(notebook: NotebookNode, folder: Path, stem: str, timestamp: str | None, digest: str) -> None:
    """Put FOLDER/STEM.ipynb in place at once, with the time of handing in beside it as nbgrader keeps it."""
    files.put_all(contents(notebook, folder, stem, timestamp, digest))


def contents(notebook: NotebookNode, folder: Path, stem: str, timestamp: str | None, digest: str) -> dict[Path, bytes]:
    """The files that `write` puts in place; an older time of handing in is gone where there is none now.

    `digest` is that of the submitted file; `is_of` finds it again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not timestamp:
        (folder / "timestamp.txt").unlink(missing_ok=True)
    notebook.metadata["autograde"] = {"submission": digest}
    stamp = {folder / "timestamp.txt": timestamp.encode()} if timestamp else {}
    return {**stamp, folder / f"{stem}.ipynb": as_text.notebook(notebook).encode(errors="replace")}


def is_of(folder: Path, stem: str, digest: str) -> bool:
    """Whether FOLDER/STEM.ipynb is there and came of the submitted file of this digest; reads only its end."""
    try:
        with (folder / f"{stem}.ipynb").open("rb") as file:
            file.seek(-min(END, file.seek(0, os.SEEK_END)), os.SEEK_END)
            return f'"submission": "{digest}"'.encode() in file.read()
    except OSError:
        return False
