"""Notebooks that came back changed: whatever happened to them, no answer is lost and no locked cell stays changed."""
import base64
import io
import json
import random

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from PIL import Image

from autograde.grading import intake, pictures
from autograde.grading.intake import Refused
from autograde.grading.matching import defined_names
from autograde.grading.repair import page, repair
from tests.autograde.desk import cell_of
from tests.autograde.grading.test_drawing import saved


def metadata_lost(data, desk):
    for cell in data["cells"]:
        cell["metadata"] = {}


def ids_lost(data, desk):
    data["nbformat_minor"] = 0
    for cell in data["cells"]:
        del cell["id"]


def all_lost(data, desk):
    metadata_lost(data, desk)
    ids_lost(data, desk)


def saved_in_colab(data, desk):
    """Format 4.0, ids in the metadata, outputs and keys of Colab's own."""
    data["nbformat_minor"] = 0
    data["metadata"]["colab"] = {"name": "Copy of 02.ipynb", "provenance": [{"file_id": "x"}], "collapsed_sections": []}
    for number, cell in enumerate(data["cells"]):
        cell["metadata"] |= {"id": cell.pop("id", f"own-{number}"), "executionInfo": {"status": "ok"}, "outputId": f"out-{number}"}
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["hello"]}]
            cell["execution_count"] = number


def saved_in_colab_with_new_ids(data, desk):
    saved_in_colab(data, desk)
    for cell in data["cells"]:
        cell["metadata"] = {"id": f"{random.Random(cell['metadata']['id']).random():.12f}"[2:], "colab": {}}


def grade_ids_rewritten(data, desk):
    for number, cell in enumerate(data["cells"]):
        cell["id"] = f"new-{number}"
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"]["grade_id"] = f"cell-{number}"


def grade_ids_swapped(data, desk):
    one, other = (next(c for c in data["cells"] if c["id"] == name) for name in ("generator_loss", "js_divergence"))
    one["id"], other["id"] = other["id"], one["id"]
    one["metadata"], other["metadata"] = other["metadata"], one["metadata"]


def metadata_is_nonsense(data, desk):
    for cell in data["cells"]:
        cell["metadata"]["nbgrader"] = ["grade", 3]


def stubs_copied_above(data, desk):
    _insert_stubs(data, desk, offset=0)


def stubs_copied_below(data, desk):
    _insert_stubs(data, desk, offset=1)


def _insert_stubs(data, desk, *, offset):
    for name in desk.exercises:
        index = next(i for i, c in enumerate(data["cells"]) if c["id"] == name)
        data["cells"].insert(index + offset, json.loads(json.dumps(cell_of(desk.released, name))))


def old_answers_copied_above(data, desk):
    for name, exercise in desk.exercises.items():
        index = next(i for i, c in enumerate(data["cells"]) if c["id"] == name)
        first_try = json.loads(json.dumps(data["cells"][index]))
        first_try["source"] = f"{name} = None  # first try" if exercise.kind != "written" else "My first try."
        data["cells"].insert(index, first_try)


def answers_in_cells_of_their_own_below_the_stub(data, desk):
    for name in desk.exercises:
        index = next(i for i, c in enumerate(data["cells"]) if c.get("id") == name)
        own = {"cell_type": data["cells"][index]["cell_type"], "metadata": {}, "source": data["cells"][index]["source"]}
        data["cells"][index]["source"] = cell_of(desk.released, name).source
        data["cells"].insert(index + 1, own)


def answers_moved_to_the_end(data, desk):
    moved = [c for c in data["cells"] if c["id"] in desk.exercises]
    data["cells"] = [c for c in data["cells"] if c not in moved] + moved


def order_reversed(data, desk):
    data["cells"].reverse()


def locked_cells_deleted(data, desk):
    data["cells"] = [c for c in data["cells"] if not c["metadata"].get("nbgrader", {}).get("locked")]


def locked_cells_changed(data, desk):
    for cell in data["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("locked"):
            cell["source"] = "1000.0"


def locked_cells_copied(data, desk):
    data["cells"] += [json.loads(json.dumps(c)) for c in data["cells"] if c["metadata"].get("nbgrader", {}).get("locked")]


def text_deleted(data, desk):
    data["cells"] = [c for c in data["cells"] if "nbgrader" in c["metadata"]]


def cells_retyped(data, desk):
    for cell in data["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["cell_type"] = "raw" if cell["cell_type"] == "markdown" else "markdown"
            cell.pop("outputs", None)
            cell.pop("execution_count", None)


def own_cells_everywhere(data, desk):
    data["cells"] = [one for number, cell in enumerate(data["cells"])
                     for one in (cell, {"cell_type": "code", "metadata": {}, "source": f"note_{number} = {number}"})]


def old_format_with_a_heading(data, desk):
    """As nbformat 3 is on the disk: text in lists of lines, headings in cells of their own."""
    old_format(data, desk)
    cells = data["worksheets"][0]["cells"]
    cells.insert(0, {"cell_type": "heading", "level": 1, "metadata": {}, "source": "My homework"})
    for cell in cells:
        key = "input" if cell["cell_type"] == "code" else "source"
        cell[key] = cell[key].splitlines(keepends=True)


def halves_below(data, desk):
    """Every answer's cell was split at its end."""
    for name in desk.exercises:
        index = next(i for i, c in enumerate(data["cells"]) if c.get("id") == name)
        data["cells"].insert(index + 1, json.loads(json.dumps(data["cells"][index])) | {"source": "", "id": f"half-{index}"})


def old_format(data, desk):
    cells = [{**{k: v for k, v in c.items() if k not in ("id", "source", "execution_count")},
              ("input" if c["cell_type"] == "code" else "source"): c["source"]} for c in data["cells"]]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell |= {"language": "python", "collapsed": False}
    data.clear()
    data |= {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}


CHANGES = [metadata_lost, ids_lost, all_lost, saved_in_colab, saved_in_colab_with_new_ids, grade_ids_rewritten,
           grade_ids_swapped, metadata_is_nonsense, stubs_copied_above, stubs_copied_below, old_answers_copied_above,
           answers_in_cells_of_their_own_below_the_stub, answers_moved_to_the_end, order_reversed, locked_cells_deleted,
           locked_cells_changed, locked_cells_copied, text_deleted, cells_retyped, own_cells_everywhere, old_format,
           old_format_with_a_heading, halves_below]


def changed(notebook, *changes, desk):
    data = json.loads(json.dumps(notebook))
    for change in changes:
        change(data, desk)
    return data


def repaired(data, desk):
    notebook, _ = intake.parse(json.dumps(data).encode())
    return repair(notebook, desk.released, desk.exercises.values())


def graded_cells(notebook):
    return [(c.id, c.cell_type, c.source, c.metadata.nbgrader) for c in notebook.cells if "nbgrader" in c.metadata]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_nothing_is_lost(change, desk):
    solved = desk.solved()
    result = repaired(changed(solved, change, desk=desk), desk)
    assert graded_cells(result.notebook) == graded_cells(solved)
    assert result.missing == frozenset()
    nbformat.validate(result.notebook)
    MetadataValidator().validate_nb(result.notebook)


@pytest.mark.parametrize("change", [c for c in CHANGES if c != old_answers_copied_above], ids=lambda c: c.__name__)
def test_nothing_is_gained(change, desk):
    untouched = desk.untouched()
    result = repaired(changed(untouched, change, desk=desk), desk)
    assert graded_cells(result.notebook) == graded_cells(untouched)


def test_changes_add_up(desk):
    data = changed(desk.solved(), stubs_copied_below, own_cells_everywhere, locked_cells_deleted,
                   saved_in_colab_with_new_ids, desk=desk)
    assert graded_cells(repaired(data, desk).notebook) == graded_cells(desk.solved())


def test_an_untouched_notebook_stays_as_it_is(desk):
    result = repaired(desk.untouched(), desk)
    assert result.notebook == desk.released and result.said == ()


def test_the_students_own_cells_stay_where_they_were(desk):
    notebook = desk.solved()
    for behind in ("generator_loss", "generator_loss-check", "train-points"):
        index = notebook.cells.index(cell_of(notebook, behind))
        notebook.cells.insert(index + 1, nbformat.v4.new_code_cell(f"# behind {behind}", id=f"x-{behind}"))
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell("My name", id="me"))
    sources = [c.source for c in repaired(notebook, desk).notebook.cells]
    order = [c.id for c in repaired(notebook, desk).notebook.cells]
    assert sources[0] == "My name"
    assert sources[order.index("generator_loss") + 1] == "# behind generator_loss"
    assert order[order.index("generator_loss-check") + 1] == "generator_loss-points", "a check and its points stay together"
    assert sources[order.index("generator_loss-points") + 1] == "# behind generator_loss-check"
    assert sources[order.index("train-points") + 1] == "# behind train-points"


def test_a_missing_cell_is_said_and_the_others_count(desk):
    notebook = desk.solved()
    for name in ("js_divergence", "why_it_stalls"):
        notebook.cells.remove(cell_of(notebook, name))
    result = repaired(notebook, desk)
    assert result.missing == {"js_divergence", "why_it_stalls"}
    assert "Exercise 2.4 (js_divergence): its cell is missing, so it counts as not written." in result.said
    assert cell_of(result.notebook, "js_divergence").source == cell_of(desk.released, "js_divergence").source
    assert cell_of(result.notebook, "train").source == desk.answer("train")


def test_of_two_answers_the_last_counts_and_both_stay(desk):
    notebook = desk.solved()
    old = nbformat.from_dict(cell_of(notebook, "generator_loss"))
    old.source = "def generator_loss(fake_logits):\n    return 1"
    notebook.cells.insert(notebook.cells.index(cell_of(notebook, "generator_loss")), old)
    result = repaired(notebook, desk)
    assert "Exercise 2.2 (generator_loss): 2 cells hold an answer; the last one counts." in result.said
    sources = [c.source for c in result.notebook.cells]
    assert sources.index(old.source) < sources.index(desk.answer("generator_loss"))


def test_an_experiment_below_does_not_replace_the_answer(desk):
    notebook = desk.solved()
    experiment = nbformat.v4.new_code_cell("def generator_loss(fake_logits):\n    return 0", id="try")
    notebook.cells.append(experiment)
    result = repaired(notebook, desk)
    assert cell_of(result.notebook, "generator_loss").source == desk.answer("generator_loss") and result.said == ()
    assert result.notebook.cells[-1].source == experiment.source


def split(notebook, name, *halves, copied=False):
    """The cell of an exercise in pieces: behind the first with a fresh id, or with a copy of all metadata."""
    cell = cell_of(notebook, name)
    index = notebook.cells.index(cell)
    new = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
    notebook.cells[index + 1:index + 1] = [new(half, id=f"half-{number}", metadata=cell.metadata if copied else {})
                                           for number, half in enumerate(halves[1:])]
    cell.source = halves[0]
    return notebook


def sources(result):
    return [cell.source for cell in result.notebook.cells]


WRITTEN = "<!-- gan_losses.why_it_stalls -->\nThe gradient vanishes."


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("empty", ["", " \n\n", "# nothing but a comment\n"])
@pytest.mark.parametrize("name", ["generator_loss", "generator_step", "train"])
def test_an_empty_half_of_code_is_no_answer(name, empty, copied, desk):
    whole = desk.answer(name)
    for halves in ((whole, empty), (empty, whole)):
        result = repaired(split(desk.solved(), name, *halves, copied=copied), desk)
        assert graded_cells(result.notebook) == graded_cells(desk.solved()), halves


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("empty", ["", " \n\n", "<!-- gan_losses.why_it_stalls -->\n", "<!-- gan_losses.why_it_stalls -->\n*Your answer here.*"])
def test_an_empty_half_of_a_text_is_no_answer(empty, copied, desk):
    for halves in ((WRITTEN, empty), (empty, WRITTEN)):
        result = repaired(split(desk.untouched(), "why_it_stalls", *halves, copied=copied), desk)
        assert cell_of(result.notebook, "why_it_stalls").source == WRITTEN
        assert [text for text in sources(result) if "vanishes" in text] == [WRITTEN]


@pytest.mark.parametrize("copied", [False, True])
def test_all_halves_of_a_text_are_the_answer(copied, desk):
    notebook = split(desk.untouched(), "why_it_stalls", WRITTEN, "", "Second *half*.\n", "Third.", copied=copied)
    notebook.cells[notebook.cells.index(cell_of(notebook, "why_it_stalls")) + 3].metadata = {}
    result = repaired(notebook, desk)
    assert cell_of(result.notebook, "why_it_stalls").source == f"{WRITTEN}\n\nSecond *half*.\n\n\nThird."
    assert result.said == ("Exercise 2.8 (why_it_stalls): its text stood in 3 cells; all of it is the answer.",)
    assert "Third." not in sources(result), "it stands in one place"


def test_halves_of_a_text_without_its_comment_are_all_the_answer(desk):
    result = repaired(split(desk.untouched(), "why_it_stalls", "One.", "Two.", copied=True), desk)
    assert cell_of(result.notebook, "why_it_stalls").source == "One.\n\nTwo."


def test_halves_with_pictures_of_one_name_keep_both(desk):
    """Jupyter calls the first picture of every cell image.png."""
    notebook = split(desk.untouched(), "why_it_stalls", f"{WRITTEN}\n![](attachment:image.png)", "![](attachment:image.png)")
    index = notebook.cells.index(cell_of(notebook, "why_it_stalls"))
    for cell, colour in zip(notebook.cells[index:], ("red", "blue")):
        cell.attachments = {"image.png": {"image/png": base64.b64encode(saved(Image.new("RGB", (2, 2), colour))).decode()}}
    answer = cell_of(repaired(notebook, desk).notebook, "why_it_stalls")
    assert answer.source == f"{WRITTEN}\n![](attachment:picture-1.png)\n\n![](attachment:picture-2.png)"
    drawn = [Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))) for bundle in answer.attachments.values()]
    assert [picture.getpixel((0, 0)) for picture in drawn] == [(255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize("copied", [False, True])
def test_of_code_the_half_that_defines_the_name_is_the_answer(copied, desk):
    """What stood above it is run above it, what stood below is run below, and both before the check."""
    name, whole = "generator_loss", desk.answer("generator_loss")
    for halves in (("HALF = 0.5\ndef helper(x):\n    return x", whole), (whole, "generator_loss.is_mine = True"),
                   ("a = 1", whole, "b = 2"), (f"try:\n    1 / 0\nexcept ZeroDivisionError:\n    {name} = print", "c = 3")):
        result = repaired(split(desk.untouched(), name, *halves, copied=copied), desk)
        answer = next(half for half in halves if name in half and "is_mine" not in half)
        assert cell_of(result.notebook, name).source == answer
        order = sources(result)
        assert [text for text in order if text in halves] == list(halves)
        assert order.index(halves[-1]) < order.index(cell_of(desk.released, f"{name}-check").source)
        assert not any("cells hold an answer" in sentence for sentence in result.said)


def test_a_class_and_what_is_done_to_it_below(desk):
    notebook = split(desk.untouched(), "generator_loss", "class generator_loss:\n    pass", "generator_loss.forward = print", copied=True)
    result = repaired(notebook, desk)
    assert cell_of(result.notebook, "generator_loss").source.startswith("class") and "generator_loss.forward = print" in sources(result)


def test_a_cell_of_comments_alone_is_what_was_handed_in(desk):
    notebook = desk.untouched()
    cell_of(notebook, "train").source = "# I could not do this one."
    assert cell_of(repaired(notebook, desk).notebook, "train").source == "# I could not do this one."


@pytest.mark.parametrize("source, names", [
    ("if True:\n    def f(): pass\nelse:\n    g = 1", {"f", "g"}), ("from x import y as f, z", {"f", "z"}), ("f: int = 1", {"f"}), ("f, (g, h) = x", {"f", "g", "h"}),
    ("for i in x:\n    f = 1", {"i", "f"}), ("def f():\n    g = 1", {"f"}), ("f.a = 1", set()), ("try:\n    f = 1\nexcept E:\n    g = 2", {"f", "g"}),
    ("%%time\n!ls\nx = !ls\ny = %time z\nf = 1\ndef g():\n    %pip install h\n    h = 1", {"x", "y", "f", "g"}), ("def f(:\n    oops", {"f"}),
    ("%a\n" * 300_000 + "f = 1", {"f"}), ("![x](y)\n" * 300_000, set()),
])
def test_names_that_a_cell_defines(source, names):
    assert defined_names(source) == names


def test_pictures_of_the_students_own_texts_stay(desk):
    notebook = desk.solved()
    picture = base64.b64encode(saved(Image.new("RGB", (3, 2), "red"))).decode()
    notebook.cells.insert(3, nbformat.v4.new_markdown_cell(f"My plot ![](data:image/png;base64,{picture})", id="mine"))
    course = next(c for c in notebook.cells if c.cell_type == "markdown" and "data:image/png" in c.source and "Exercise" not in c.source and c.id != "mine")
    before = course.source
    course.source += "\n\nI saw **this**, too."
    cells = repaired(notebook, desk).notebook.cells
    own = next(c for c in cells if c.source.startswith("My plot"))
    assert own.source == "My plot ![](attachment:picture-1.png)" and own.attachments.keys() == {"picture-1.png"}
    noted = next(c for c in cells if "I saw **this**" in c.source)
    assert before.count("data:image/png") == len(noted.attachments) and noted.source.endswith("\n\nI saw **this**, too.")
    assert repaired(notebook, desk).said == ()


def test_pictures_of_an_answer_come_before_those_of_notes(desk, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PICTURES", 1)
    notebook, link = desk.solved(), f"![](data:image/png;base64,{base64.b64encode(saved(Image.new('L', (2, 2)))).decode()})"
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(link))
    cell_of(notebook, "why_it_stalls").source += link
    result = repaired(notebook, desk)
    assert "attachments" in cell_of(result.notebook, "why_it_stalls") and "a picture was left out" in result.notebook.cells[0].source


def test_all_answers_in_one_cell(desk):
    code = [name for name, e in desk.exercises.items() if e.kind != "written"]
    notebook = desk.untouched()
    notebook.cells.insert(5, nbformat.v4.new_code_cell("\n\n\n".join(map(desk.answer, code)), id="all"))
    result = repaired(notebook, desk)
    assert cell_of(result.notebook, code[0]).source.count("def ") >= len(code)
    assert all(cell_of(result.notebook, n).source == f"# Written in the cell of {code[0]}." for n in code[1:])


def test_a_class_or_broken_code_is_found_by_its_name(desk):
    notebook = desk.untouched()
    cell_of(notebook, "train").source = "def train(generator, discriminator\n    oops"
    result = repaired(changed(notebook, all_lost, desk=desk), desk)
    assert cell_of(result.notebook, "train").source.endswith("oops")


def test_lost_metadata_is_said_once(desk):
    said = repaired(changed(desk.solved(), all_lost, desk=desk), desk).said
    assert said == ("The cells had lost the grader's metadata; they were matched by id, name and content.",)


def test_changed_and_missing_locked_cells_are_said(desk):
    notebook = desk.solved()
    cell_of(notebook, "train-check").source = "pass"
    notebook.cells.remove(cell_of(notebook, "train-points"))
    assert repaired(notebook, desk).said == ("Put back, because missing: train-points.",
                                             "Locked, but changed; the release counts: train-check.")


def test_the_notebook_of_another_chapter_is_refused(desk):
    welcome = cell_of(desk.released, "").source.replace("02_gan_losses.html", "03_cnn_features.html")
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(welcome), nbformat.v4.new_code_cell("x = 1")])
    with pytest.raises(Refused, match="notebook of 03_cnn_features, not of 02_gan_losses"):
        repaired(other, desk)
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("<!-- cnn_features.why --> Because.")])
    with pytest.raises(Refused, match="notebook of cnn_features"):
        repaired(other, desk)


@pytest.mark.parametrize("cells", [[], [nbformat.v4.new_markdown_cell("# Homework 7")]])
def test_a_notebook_of_something_else_is_refused(cells, desk):
    with pytest.raises(Refused, match="has no cell of 02_gan_losses"):
        repaired(nbformat.v4.new_notebook(cells=cells), desk)


def test_the_page_of_a_notebook(desk):
    assert page(desk.released) == "02_gan_losses"
    assert page(nbformat.v4.new_notebook()) is None
