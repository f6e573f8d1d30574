"""The student notebook: nothing leaks, everything runs."""
import json
import re

import nbformat
import pytest
from nbclient import NotebookClient

from autograde.writing import answers, chapter, release
from tests import kernels

pytestmark = pytest.mark.chapter("notebook")
STEMS = chapter.stems()


@pytest.fixture(scope="module", params=STEMS)
def read(request):
    return chapter.load(request.param)


@pytest.fixture(scope="module")
def student(read):
    return release.student(read)


def test_the_committed_notebook_is_fresh(read, student):
    written = (release.NOTEBOOKS / f"{read.stem}.ipynb").read_text(encoding="utf-8")
    assert written == release.text_of(student), "run `make release`"


def test_nothing_leaks(read, student):
    assert release.leaks(read, student) == []


def test_the_scan_sees_every_kind_of_leak(read):
    whole = release.source(read)
    found = " ".join(release.leaks(read, whole))
    for exercise in read.exercises:
        assert exercise.id in found
    assert "BEGIN SOLUTION" in found and "HIDDEN TESTS" in found and "autograde" in found
    whole.cells[1].outputs = [nbformat.v4.new_output("stream", text="x")]
    whole.cells[1].metadata["tags"] = ["exercise"]
    found = " ".join(release.leaks(read, whole))
    assert "outputs in cell" in found and "metadata 'tags'" in found


def test_ids_are_unique_and_stable(read, student):
    ids = [cell.id for cell in student.cells]
    assert len(set(ids)) == len(ids)
    assert ids == [cell.id for cell in release.student(read).cells]


def test_every_exercise_has_its_cells(read, student):
    by_id = {cell.id: cell for cell in student.cells}
    for exercise in read.exercises:
        assert by_id[exercise.name].metadata.nbgrader.solution
        if exercise.kind == "written":
            assert f"<!-- {exercise.id} -->" in by_id[exercise.name].source
            continue
        assert by_id[f"{exercise.name}-check"].metadata.nbgrader.locked
        assert by_id[f"{exercise.name}-points"].metadata.nbgrader.points == exercise.points


def test_no_myst_is_left(student):
    for cell in student.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r":::|\{\w+(:\w+)?\}`|^\(.+\)=$|\.md[)#]", cell.source, re.M), cell.source


def test_the_notebook_opens_as_colab_wants_it(read, student):
    data = json.loads(release.text_of(student))
    assert (data["nbformat"], data["metadata"]["kernelspec"]["name"]) == (4, "python3")
    assert data["metadata"]["colab"]["name"] == f"{read.stem}.ipynb"
    setup = data["cells"][1]["source"]
    assert "--no-deps" in "".join(setup) and "#subdirectory=clipkit" in "".join(setup)


@pytest.fixture(scope="module", autouse=True)
def warm_kernels(tmp_path_factory):
    with kernels.started(tmp_path_factory.mktemp("jupyter")) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        yield


def run(notebook, folder, *, allow_errors):
    client = NotebookClient(notebook, timeout=300, kernel_name=kernels.NAME, allow_errors=allow_errors,
                            resources={"metadata": {"path": str(folder)}})
    client.execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_an_untouched_notebook_stops_at_nothing_but_its_exercises(student, tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPKIT_PRESET", "smoke")
    outputs = run(nbformat.from_dict(student), tmp_path, allow_errors=True)
    first, *others = [output.ename for output in outputs if output.output_type == "error"]
    assert first in ("NotImplementedError", "AssertionError")  # what is to be repaired runs, and fails its check
    assert not {"ImportError", "ModuleNotFoundError", "SyntaxError"} & set(others)
    assert not any(o.output_type == "stream" and o.name == "stderr" for o in outputs)


def test_a_solved_notebook_runs_without_an_error(read, student, tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPKIT_PRESET", "smoke")
    solved = nbformat.from_dict(student)
    for exercise in read.exercises:
        cell = next(cell for cell in solved.cells if cell.id == exercise.name)
        cell.source = answers.model(exercise.answer)
    outputs = run(solved, tmp_path, allow_errors=False)
    assert not any(o.output_type == "stream" and o.name == "stderr" for o in outputs)
