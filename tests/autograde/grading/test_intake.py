"""Files as they arrive: what is no notebook gets a sentence, what is one is brought to the present format."""
import json

import nbformat
import pytest

from autograde.grading import intake
from autograde.grading.intake import Refused, Unreadable

GOOD = json.dumps(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1", id="one")])).encode()

BAD = {
    "empty": (b"", Unreadable, "is empty"),
    "blank": (b" \n ", Unreadable, "is empty"),
    "cut off in a string": (GOOD[:GOOD.index(b"x = 1") + 3], Unreadable, "ends in the middle"),
    "cut off between cells": (b'{"cells": [', Unreadable, "ends in the middle"),
    "not json": (b"# %% a script\nprint(1)\n", Unreadable, "not JSON"),
    "stray text": (GOOD + b"oops", Unreadable, "not JSON"),
    "binary": (bytes(range(128, 256)), Unreadable, "is binary"),
    "zip": (b"PK\x03\x04rest", Unreadable, "zip archive"),
    "pdf": (b"%PDF-1.7", Unreadable, "a PDF"),
    "web page": (b"<!DOCTYPE html><html>", Unreadable, "web page"),
    "a list": (b"[1, 2]", Unreadable, "not a notebook"),
    "a number": (b"3", Unreadable, "not a notebook"),
    "no cells": (b'{"nbformat": 4, "metadata": {}}', Unreadable, "not a notebook"),
    "cells are text": (b'{"nbformat": 4, "cells": "no"}', Unreadable, "not a notebook"),
    "thousand brackets": (b"[" * 100_000, Unreadable, "nested too deeply"),
    "endless number": (b'{"cells": [], "x": ' + b"9" * 10_000 + b"}", Unreadable, "number too long"),
    "format 5": (b'{"nbformat": 5, "cells": []}', Refused, "has format 5"),
    "format text": (b'{"nbformat": "four", "cells": []}', Refused, "has format four"),
    "too many cells": (json.dumps({"nbformat": 4, "cells": [{}] * 2001}).encode(), Refused, "2001 cells"),
    "format true": (b'{"nbformat": true, "cells": [{}]}', Unreadable, "old format True"),
    "format of a half": (b'{"nbformat": 4.5, "cells": []}', Refused, "has format 4.5"),
    "format 5 as text": (b'{"nbformat": "5", "cells": []}', Refused, "has format 5"),
    "broken format 3": (b'{"nbformat": 3, "worksheets": [{"cells": [3]}]}', Unreadable, "old format 3"),
    "format 3 without sheets": (b'{"nbformat": 3, "worksheets": [3]}', Unreadable, "not a notebook"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_gets_a_sentence(name):
    content, error, words = BAD[name]
    with pytest.raises(error, match=words) as raised:
        intake.parse(content)
    assert str(raised.value).endswith(".") and "\n" not in str(raised.value)


def test_a_large_file_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "a.ipynb"
    with path.open("wb") as file:
        file.truncate(intake.MAX_BYTES + 1)
    monkeypatch.setattr(intake, "parse", None)
    with pytest.raises(Refused, match="20 MB"):
        intake.read(path)


def test_a_good_file_is_read():
    notebook, said = intake.parse(GOOD)
    assert said == [] and [(c.cell_type, c.id, c.source) for c in notebook.cells] == [("code", "one", "x = 1")]


def test_a_byte_order_mark_and_lists_of_lines_are_read():
    data = json.loads(GOOD)
    data["cells"][0]["source"] = ["x = 1\n", "y = 2"]
    notebook, _ = intake.parse(b"\xef\xbb\xbf" + json.dumps(data).encode())
    assert notebook.cells[0].source == "x = 1\ny = 2"


def test_outputs_go_and_ids_come_back_from_the_metadata():
    """As Colab writes: format 4.0, ids moved into the metadata, outputs with keys of its own."""
    cell = {"cell_type": "code", "metadata": {"id": "one", "outputId": "x", "executionInfo": {}}, "source": ["x"],
            "execution_count": 3, "outputs": [{"output_type": "unheard of", "x": 1}]}
    notebook, said = intake.parse(json.dumps({"nbformat": 4, "nbformat_minor": 0, "cells": [cell],
                                              "metadata": {"colab": {}}}).encode())
    assert notebook.cells[0].id == "one" and notebook.cells[0].outputs == [] and not said


@pytest.mark.parametrize("minor", range(6))
def test_every_minor_format_is_read(minor):
    data = json.loads(GOOD) | {"nbformat_minor": minor}
    if minor < 5:
        del data["cells"][0]["id"]
    assert intake.parse(json.dumps(data).encode())[0].cells[0].source == "x = 1"


def test_format_3_is_upgraded():
    """With text in lists of lines, as nbformat's own tests/test3.ipynb has it, or in one piece, as other programs write."""
    for lines in (["One\n", "title"], "One\ntitle"):
        old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": [
            {"cell_type": "heading", "level": 2, "source": lines, "metadata": {}},
            {"cell_type": "code", "input": ["x = 1\n", "y"], "language": "python", "outputs": [{"output_type": "pyout"}], "metadata": {}}]},
            {"cells": [{"cell_type": "markdown", "source": ["a\n", "b"]}, {"cell_type": "heading", "source": "c"}]}]}
        notebook, said = intake.parse(json.dumps(old).encode())
        assert [c.source for c in notebook.cells] == ["## One title", "x = 1\ny", "a\nb", "# c"]
        assert [c.cell_type for c in notebook.cells] == ["markdown", "code", "markdown", "markdown"]
        assert said == ["The notebook had the old format 3 and was brought to format 4."]


@pytest.mark.parametrize("major", ["4", 4.0, " 4 ", None, 4])
@pytest.mark.parametrize("minor", ["5", 5.0, None, {}])
def test_the_number_of_the_format_may_be_written_in_any_way(major, minor):
    data = json.loads(GOOD) | {"nbformat": major, "nbformat_minor": minor}
    notebook, said = intake.parse(json.dumps(data).encode())
    assert (notebook.cells[0].source, notebook.nbformat, said) == ("x = 1", 4, [])


@pytest.mark.parametrize("major", ["3", 3.0, None, 2, 4])
def test_cells_on_worksheets_are_found_whatever_the_number(major):
    """Some programs write a new number above the old form."""
    data = {"nbformat": major, "worksheets": [{"cells": [{"cell_type": "code", "input": "x = 1", "outputs": []}]}]}
    notebook, said = intake.parse(json.dumps(data).encode())
    assert notebook.cells[0].source == "x = 1" and "was brought to format 4" in said[0]


def test_what_a_cell_lacks_does_not_matter():
    notebook, said = intake.parse(b'{"nbformat": 4, "cells": [{"cell_type": "code"}, {"cell_type": "markdown", "source": "a"}]}')
    assert [(c.source, c.metadata) for c in notebook.cells] == [("", {}), ("a", {})] and said == []


def test_pictures_beside_a_text_stay_with_it():
    cells = [{"cell_type": kind, "source": "![a](attachment:a.png)", "attachments": {"a.png": {"image/png": "iVBO"}}} for kind in ("markdown", "raw", "code")]
    notebook, _ = intake.parse(json.dumps({"nbformat": 4, "cells": cells}).encode())
    assert [c.get("attachments") for c in notebook.cells] == [{"a.png": {"image/png": "iVBO"}}] * 2 + [None]


def test_what_is_no_cell_is_left_out():
    data = json.loads(GOOD)
    data["cells"] += [{"cell_type": "slide", "source": ""}, 7, {"cell_type": "code", "source": 3}]
    notebook, said = intake.parse(json.dumps(data).encode())
    assert len(notebook.cells) == 1 and said == ["3 entries of the notebook are no cells and were left out."]


def test_the_notebook_of_a_folder(tmp_path):
    with pytest.raises(Unreadable, match="There is no notebook: expected 02_x.ipynb, found nothing"):
        intake.choose(tmp_path, "02_x")
    (tmp_path / "mine.py").touch()
    with pytest.raises(Unreadable, match="found mine.py"):
        intake.choose(tmp_path, "02_x")
    (tmp_path / "Copy of 02_x.ipynb").touch()
    assert intake.choose(tmp_path, "02_x").name == "Copy of 02_x.ipynb"
    (tmp_path / "other.ipynb").touch()
    with pytest.raises(Refused, match="There are 2 notebooks"):
        intake.choose(tmp_path, "02_x")
    (tmp_path / "02_x.ipynb").touch()
    assert intake.choose(tmp_path, "02_x").name == "02_x.ipynb"


def test_hidden_files_are_no_notebooks(tmp_path):
    """macOS leaves ._NAME beside each file on a drive or in an archive that is not its own."""
    for name in ("._Copy of 02_x.ipynb", "._02_x.ipynb", ".~02_x.ipynb", ".DS_Store"):
        (tmp_path / name).touch()
    with pytest.raises(Unreadable, match="found nothing"):
        intake.choose(tmp_path, "02_x")
    (tmp_path / "Copy of 02_x.ipynb").touch()
    assert intake.choose(tmp_path, "02_x").name == "Copy of 02_x.ipynb"


def test_a_link_is_refused(tmp_path):
    (tmp_path / "theirs").write_bytes(GOOD)
    (tmp_path / "02_x.ipynb").symlink_to(tmp_path / "theirs")
    with pytest.raises(Refused, match="is a link"):
        intake.choose(tmp_path, "02_x")
