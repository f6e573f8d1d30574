"""The text of an executed notebook is the one that nbformat itself writes."""
import nbformat
import pytest
from nbformat import NotebookNode

from autograde.grading import as_text, remembered
from autograde.writing import release

ODD = ["", "one line", "two\nlines\n", "\n\n", "a\r\nb\rc\x0bd\x0ce\x1cf\x85g\u2028h", "\"quoted\" \\ \t \x00 é 生成 \ud800"]


def code(source, *outputs, count=None):
    return nbformat.from_dict({"cell_type": "code", "id": "c", "metadata": {"nbgrader": {"points": 2.0, "grade": True}},
                               "source": source, "outputs": list(outputs), "execution_count": count})


def text(source, **more):
    return nbformat.from_dict({"cell_type": "markdown", "id": "t", "metadata": {}, "source": source, **more})


OUTPUTS = [{"output_type": "stream", "name": "stdout", "text": "a\nb"},
           {"output_type": "execute_result", "metadata": {}, "execution_count": 3,
            "data": {"text/plain": "x\ny\n", "image/png": "iVBORw0K\n=="}},
           {"output_type": "display_data", "metadata": {"a": [1, 2.5, None, True, {}, [], [[]]]}, "data": {}},
           {"output_type": "error", "ename": "E", "evalue": "1\n2", "traceback": ["one\ntwo", ""]}]


@pytest.mark.parametrize("cells", [[], [code("x = 1", *OUTPUTS, count=7)], [code(s) for s in ODD], [text(s) for s in ODD],
                                   [text("![](attachment:a.png)", attachments={"a.png": {"image/png": "aWk="}})]])
def test_cells_of_all_kinds(cells):
    cells = [cell | {"id": f"{cell.id}{number}"} for number, cell in enumerate(cells)]
    notebook = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "cells": cells,
                                   "metadata": {"autograde": {"submission": "d"}, "b": {}, "a": []}})
    assert as_text.notebook(notebook) == release.text_of(notebook)


def test_the_release_of_a_chapter(desk):
    assert as_text.notebook(desk.released) == release.text_of(desk.released)
    assert as_text.notebook(desk.solved()) == release.text_of(desk.solved())


def test_what_is_written_stays_as_it_is(desk):
    before = nbformat.from_dict(desk.released)
    as_text.notebook(desk.released)
    assert desk.released == before and all(isinstance(cell, NotebookNode) for cell in desk.released.cells)


def test_nothing_is_remembered_of_what_is_too_long(monkeypatch):
    asked = []
    count = remembered.remembered(lambda text: asked.append(text) or len(text))
    long = "x" * (remembered.LONGEST + 1)
    assert [count(one) for one in ("a", "a", long, long)] == [1, 1, len(long), len(long)]
    assert asked == ["a", long, long]
