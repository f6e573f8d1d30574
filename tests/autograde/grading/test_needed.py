"""Only the cells that exercises need run, and nobody can tell by points, hints and states which way was taken."""
import itertools
import random
import re

import nbformat
import pytest

from autograde.grading.executed import executed
from autograde.grading.grader import Assignment
from autograde.grading.names import names
from autograde.grading.needed import left_out
from autograde.grading.runner import Job, Limits, Run, run_all
from autograde.writing import answers, chapter
from benchmarks.submissions import Answers, solved
from tests.slowdown import slowdown

EXERCISE = {"nbgrader": {"solution": True, "grade": False, "grade_id": "f"}}
CHECK = {"nbgrader": {"solution": False, "grade": False, "locked": True, "grade_id": "f-check"}}
POINTS = {"nbgrader": {"solution": False, "grade": True, "locked": True, "grade_id": "f-points"}}
GIVEN = {"nbgrader": {"solution": False, "grade": False, "locked": True, "grade_id": "given"}}


def ran(*cells, written=()):
    """Indices of the cells that run of a notebook of sources, or pairs of a source and metadata, behind which an exercise
    `f` is asked; `written` are those that the student has changed or added, beside all answers."""
    made = [nbformat.v4.new_code_cell(*cell[:1], metadata=cell[1]) if isinstance(cell, tuple) else nbformat.v4.new_code_cell(cell)
            for cell in cells]
    for cell in made:
        cell.id = cell.metadata.get("nbgrader", {}).get("grade_id", cell.id)
    end = nbformat.v4.new_code_cell("", metadata=POINTS)
    notebook = {"cells": [*made, end]}
    own = {*written, *(i for i, cell in enumerate(made) if cell.metadata.get("nbgrader", {}).get("solution"))}
    every = frozenset(range(len(made) + 1))
    return sorted(every - {*left_out(notebook, every - own)} - {len(made)})


ANSWER = ("def f(x):\n    return helper(x)", EXERCISE)


def test_what_an_answer_names_runs_and_what_nobody_names_does_not():
    assert ran("import torch", "def helper(x):\n    return torch.ones(x)", "clips = 3", ANSWER, "y = f(1)\nprint(y)") == [0, 1, 3]


def test_everything_runs_where_nothing_is_said_to_be_untouched():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    assert left_out(notebook, frozenset()) == []


def test_what_a_student_adds_or_changes_runs_with_all_that_it_shows():
    cells = ("data = [1, 2]", "net = make(data)", "train(net)", "other = make(data)", ANSWER, "print(net)")
    assert ran(*cells, written={5}) == [0, 1, 2, 3, 4, 5], "`other = make(data)` may have changed the data that net is made of"
    assert ran(*cells) == [4]


def test_the_last_cell_that_binds_a_name_will_do():
    assert ran("x = load(1)", "x = load(2)", "x = load(3)", ("f = lambda: x", EXERCISE)) == [2, 3]
    assert ran("x = load(1)", "if x:\n    x = load(2)", ("f = lambda: x", EXERCISE)) == [0, 1, 2], "it may not bind it"
    assert ran("x = load(1)", "x = f0()", ("f = lambda: x", EXERCISE), ("f0 = str", EXERCISE), written={1}) == [0, 1, 2, 3]


def test_a_cell_that_stands_on_an_answer_may_fail_so_what_was_bound_before_counts():
    assert ran("x = load(1)", ("def f(x):\n    return x", EXERCISE), "x = f(load(2))", "print(x)", written={3}) == [0, 1, 2, 3]


@pytest.mark.parametrize("state", [
    "calls = []\n\ndef f(x):\n    calls.append(x)", "def f(x, seen=[]):\n    seen.append(x)", "def f(x):\n    global n\n    n = 1",
    "class f:\n    all = []\n", "import functools\n\n@functools.cache\ndef f(x):\n    return x", "f = Model()",
    "def f(x):\n    f.n = 1", "f = lambda x, seen=[]: seen.append(x)",
    "f, g = [], 1"])
def test_an_answer_that_keeps_something_of_a_call_is_called_as_often_as_in_the_notebook(state):
    notebook = ("y = 1", (state, EXERCISE), "z = f(2)", "w = 3")
    assert ran(*notebook, "print(f)", written={4}) == [1, 2, 4]


def test_a_plain_function_or_class_or_number_is_not_changed_by_who_uses_it():
    kinds = ("def f(x, n=3):\n    return x", "class f(nn.Module):\n    size = 2\n\n    def forward(self, x):\n        return x",
             "@torch.no_grad()\ndef f(x):\n    return x", "f = 3", "f = max(2, 3) // 2", "f = Callable[[int], int]",
             "from torch import relu as f", "f = lambda x, n=3: x", "f, (g, h) = 3, (4, 5)")
    for kind in kinds:
        assert ran(("import torch\nfrom torch import nn\nfrom typing import Callable", GIVEN), (kind, EXERCISE), "z = f(2)",
                   "print(f)", written={3})[-2:] == [1, 3], kind


def test_an_object_under_a_second_name_counts_as_well():
    cells = ("net = make()", "same = net", "train(same)", "other = make()", ("f = lambda: net", EXERCISE))
    assert ran(*cells) == ran(*cells, written={1}) == [0, 1, 2, 4]


def test_what_is_set_in_a_part_of_a_module_or_class_counts():
    assert ran("import torch", "torch.relu = None", ("def f(x):\n    return torch.relu(x)", EXERCISE)) == [0, 1, 2]


def test_a_file_that_is_read_is_written_before():
    assert ran("save('walk.mp4')", "save('other.mp4')", "print(open('walk.mp4'))", ("f = 1", EXERCISE), written={2}) == [0, 2, 3]


def test_a_file_that_was_handed_in_needs_nobody_to_write_it():
    cells = [nbformat.v4.new_code_cell(source) for source in ("save('entry.safetensors')", "load('entry.safetensors')")]
    assert left_out({"cells": cells}, {0}) == []
    assert left_out({"cells": cells}, {0}, ["entry.safetensors"]) == [0]


def test_names_inside_functions_and_comprehensions_are_their_own():
    assert ran("noise = draw()", "x = draw()", ("def f(noise):\n    return [x for x in noise]", EXERCISE)) == [2]


def test_a_loop_binds_its_name_before_its_body_reads_it():
    assert ran("name = draw()", "for name in table():\n    print(name)", ("f = 1", EXERCISE), written={1}) == [1, 2]
    assert ran("e = draw()", "try:\n    f()\nexcept ValueError as e:\n    print(e)", ("f = 1", EXERCISE), written={1}) == [1, 2]


def test_a_visible_check_runs_with_what_it_reads():
    cells = ("data = draw()", "train(data)", ANSWER, ("assert f(data)", CHECK), "show(data)")
    assert ran(*cells) == [0, 2, 3]


def test_a_locked_cell_that_reads_what_the_student_has_rebound_or_changed_runs():
    """Whether it fails says whether the notebook can be graded."""
    assert ran(("print(1)", GIVEN), ("use(len)", GIVEN), ("len = 3\n\ndef f():\n    pass", EXERCISE)) == [1, 2]
    spoilt = (("import clipkit", GIVEN), ("clipkit.pick()", GIVEN), "del clipkit.pick")
    assert ran(*spoilt, ("f = 1", EXERCISE), written={2}) == [0, 1, 2, 3]
    same = ("import torch\n\ndef f():\n    pass", EXERCISE)
    assert ran(("import torch", GIVEN), ("torch.ones(1)", GIVEN), same) == [2]


@pytest.mark.parametrize("source", [
    "from os.path import *", "exec('x = 1')", "globals()['x']", "import __main__", "get_ipython().user_ns", "%time x = 1",
    "%%timeit\nx = 1", "torch.relu.__dict__", "import sys", "setattr(torch, 'relu', None)", "import gc", "net.__class__ = 3",
    "__builtins__", "from unittest.mock import patch", "list(folder.glob('*.mp4'))"])
def test_where_code_can_reach_what_it_does_not_name_everything_runs(source):
    assert not names(source).sure
    assert ran("a = 1", "b = 2", ("def f():\n    pass", EXERCISE), source, written={3}) == [0, 1, 2, 3]
    assert ran("a = 1", source, ("def f():\n    pass", EXERCISE)) == [2], "the course's own cells are known"


@pytest.mark.parametrize("source", ["%matplotlib inline\nx = 1", "!pip list", "model.eval()", "x = torch.compile", "def g(:", "1 +"])
def test_what_does_nothing_here_or_cannot_be_read_makes_nothing_else_run(source):
    assert ran("a = 1", ("def f():\n    pass", EXERCISE), source, written={2}) == [1, 2]


def test_released_chapters_run_little_beside_their_exercises():
    """What is left of a chapter with the model answers: given code, and a cell here and there that a visible check reads."""
    for stem in chapter.stems():
        assignment, notebook = submission(stem)
        code = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        free = [i for i in code if "nbgrader" not in notebook.cells[i].metadata]
        out = set(left_out(notebook, assignment.untouched(notebook)))
        assert len(set(free) - out) <= (1 if "challenge" not in stem else len(free)), (stem, sorted(set(free) - out))


def submission(stem, written=None):
    read = chapter.load(stem)
    written = {e.id: answers.model(e.answer) for e in read.exercises} | (written or {})
    assignment = Assignment(read)
    return assignment, solved(assignment.released, written, read.name)


def mixtures(read):
    """All answers of `tests/answers` that stand as source, in as few sets as hold them all, each beside model answers."""
    known, order = Answers(read), random.Random(0)
    columns = [[(exercise, cell) for cell in (*known.right[exercise].values(), *known.wrong[exercise].values())]
               for exercise in known.wrong]
    for column in columns:
        order.shuffle(column)
    return [dict(filter(None, row)) for row in itertools.zip_longest(*columns)]


@pytest.mark.chapter("answers")
@pytest.mark.parametrize("stem", chapter.stems())
def test_points_hints_and_states_are_the_same_either_way(stem, request):
    """With --thorough of all right and wrong answers; else of the model answers, and of one of each exercise."""
    weights = request.getfixturevalue("entry_file").read_bytes() if "challenge" in stem else b""
    sets = [{}, *mixtures(chapter.load(stem))]
    if not request.config.getoption("--thorough"):
        sets = sets[1:2] if weights else sets[:2]  # the challenge takes as long as all others
    jobs = []
    for number, written in enumerate(sets):
        assignment, notebook = submission(stem, written)
        for untouched in (frozenset(), assignment.untouched(notebook)):
            jobs.append(Job((number, bool(untouched)), notebook, assignment.chapter.name, "s", weights, untouched=untouched))
    busy = slowdown()
    runs = {job.key: run for job, run in run_all(jobs, at_once=2, limits=Limits(cell=60 * busy, notebook=600 * busy))}
    for number, written in enumerate(sets):
        every, some = runs[number, False], runs[number, True]
        assert not every.left_out
        assert (every.status, every.said, every.results) == (some.status, some.said, some.results), written
        about = {i for i in some.outputs if "nbgrader" in notebook.cells[i].metadata}  # not what a demonstration has timed
        assert {i: shown(some.outputs[i]) for i in about} == {i: shown(every.outputs[i]) for i in about}, written
    assert any(run.left_out for run in runs.values())


def shown(outputs):
    """Outputs of a cell, less what counts the cells before it, names of temporary folders, and bars with their seconds."""
    left = [{key: value for key, value in output.items() if key not in ("execution_count", "traceback")} for output in outputs
            if output.get("name") != "stderr"]
    return re.sub(r"/tmp\w+/", "/tmp/", str(left))


def test_names_are_read_once_a_source():
    assert names("x = 1") is names("x = 1")


def test_the_executed_notebook_says_what_was_not_run():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id=source[0]) for source in ("a = 1", "b = 2", "3")])
    shown = executed(notebook, Run("graded", outputs={0: [], 2: []}, left_out=[1]), ())
    assert [cell.execution_count for cell in shown.cells] == [1, None, 2], "counted are those that ran"
    assert [len(cell.outputs) for cell in shown.cells] == [0, 1, 0]
    assert "no exercise needs this cell" in shown.cells[1].outputs[0]["text"]
    nbformat.validate(shown)


def test_a_run_that_ends_early_ended_at_a_cell_that_was_to_run():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id=source[0]) for source in ("a = 1", "b = 2", "3")])
    assert Run("crashed", outputs={0: []}, left_out=[1]).ended_at(notebook).id == "3"


def test_cells_that_are_as_released_are_known_by_id_and_text():
    assignment, notebook = submission("02_gan_losses")
    code = {i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"}
    answers_at = {i for i in code if notebook.cells[i].id in {e.name for e in assignment.chapter.exercises}}
    assert assignment.untouched(notebook) == code - answers_at
    changed = next(i for i in code if "nbgrader" not in notebook.cells[i].metadata)
    notebook.cells[changed].source += "\n"
    assert changed not in assignment.untouched(notebook)
