"""A default that a student sets for the whole process costs no point: in the sandbox, where `autograde check` and
`autograde grade` agree on it, and in a stock nbgrader run."""
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from autograde import report
from autograde.checks import Result
from autograde.grading import visible
from autograde.grading.defaults import known_defaults
from autograde.grading.runner import Job, Limits, run_all
from tests.autograde.desk import Desk, cell_of, short

OWN_CELLS = {
    "float64": "import torch; torch.set_default_dtype(torch.float64)",
    "bfloat16": "import torch; torch.set_default_dtype(torch.bfloat16)",
    "tensor type": "import torch; torch.set_default_tensor_type(torch.DoubleTensor)",
    "device": "import torch; torch.set_default_device('meta')",
    "no gradients": "import torch; torch.set_grad_enabled(False)",
    "inference mode": "import torch; mode = torch.inference_mode(); mode.__enter__()",
    "autocast": "import torch; cast = torch.autocast('cpu'); cast.__enter__()",
    "deterministic": "import torch; torch.use_deterministic_algorithms(True)",
    "anomalies": "import torch; torch.autograd.set_detect_anomaly(True)",
    "matrix products": "import torch; torch.set_float32_matmul_precision('medium')",
    "NumPy's errors": "import numpy as np; np.seterr(all='raise')",
    "warnings": "import warnings; warnings.simplefilter('error')",
    "folder": "import os; os.makedirs('elsewhere', exist_ok=True); os.chdir('elsewhere')",
    "folder that is gone": "import os, tempfile\nos.chdir(tempfile.mkdtemp())\nos.rmdir(os.getcwd())",
    "closed stdout": "import sys; sys.stdout.close()",
    "closed stderr": "import sys; sys.stderr.close()",
    "no stdout": "import sys; sys.stdout = None",
    "another stdout": "import os, sys; sys.stdout = open(os.devnull, 'w')",
    "recursion": "import sys; sys.setrecursionlimit(120)",
    "trace": "import sys; sys.settrace(lambda *_: None); sys.setprofile(lambda *_: None)",
    "alarm": "import signal; signal.alarm(1)",
}
CHAPTERS = ("gan_losses", "dcgan")


def notebook(desk, source):
    """A solved chapter with a cell of the student's own: above everything, or (gan_losses) below the first that is given."""
    new = short(desk.solved())
    index = new.cells.index(cell_of(new, "given-")) + 1 if desk.chapter.name == "gan_losses" else 0
    new.cells.insert(index, nbformat.v4.new_code_cell(source, id="own"))
    return new


@pytest.fixture(scope="module")
def desks():
    return {name: Desk(name) for name in CHAPTERS}


@pytest.fixture(scope="module")
def runs(desks):
    """(chapter, what was set) -> the notebook and its run in the sandbox."""
    jobs = (Job((name, kind), notebook(desk, source), name, seed="s")
            for name, desk in desks.items() for kind, source in OWN_CELLS.items())
    return {job.key: (job.notebook, ran) for job, ran in run_all(jobs, at_once=2, limits=Limits(cell=60, notebook=120))}


def full(desk):
    return {e.id: e.points for e in desk.exercises.values() if e.kind != "written"}


@pytest.mark.parametrize("kind", OWN_CELLS)
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_it_costs_no_point_and_the_visible_checks_agree(runs, desks, chapter, kind):
    cells, ran = runs[chapter, kind]
    assert ran.status == "graded", ran.said
    points = {exercise: sum(r["points"] for r in results) for exercise, results in ran.results.items()}
    assert points == full(desks[chapter]), [r for rs in ran.results.values() for r in rs if not r["passed"]]
    said = {cell.id: visible.said(ran.outputs.get(i)) for i, cell in enumerate(cells.cells) if cell.id.endswith("-check")}
    assert set(said.values()) == {(visible.PASSED, "")}, said


STOCK = """
import json, os, sys
from autograde import checks
from autograde.grading.sandbox.warm import warm_up
from autograde.grading.session import Session
from autograde.writing.release import POINTS_CELL
warm_up()
for chapter in sys.argv[2:]:
    checks.load(chapter)
for line in sys.stdin:
    key, chapter, cells = json.loads(line)
    sys.stdout.flush()
    if os.fork() == 0:
        os.chdir(sys.argv[1])
        kernel, points = Session(60), {}
        for cell in cells:
            if cell["id"].endswith("-points"):
                name = cell["id"].removesuffix("-points")
                *printed, value = kernel.run(POINTS_CELL.format(name=name, points=0, id=f"{chapter}.{name}"))
                points[f"{chapter}.{name}"] = float(value["data"]["text/plain"])
                assert all(output["name"] == "stdout" for output in printed)
            elif cell["cell_type"] == "code":
                kernel.run(cell["source"])
        sys.__stdout__.write(json.dumps([key, points]) + chr(10))
        sys.__stdout__.flush()
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def stock(desks, tmp_path_factory):
    """Chapter and what was set -> points by exercise: each in a fork of a process that holds the checks itself."""
    jobs = [([name, kind], name, notebook(desk, source).cells) for name, desk in desks.items()
            for kind, source in OWN_CELLS.items()]
    done = subprocess.run([sys.executable, "-c", STOCK, str(tmp_path_factory.mktemp("folder")), *CHAPTERS], text=True,
                          input="\n".join(map(json.dumps, jobs)), capture_output=True, timeout=300, check=True,
                          env=os.environ | {"CLIPKIT_PRESET": "smoke", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"},
                          cwd=Path(__file__).parents[3])
    return {tuple(key): points for key, points in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("kind", OWN_CELLS)
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_it_costs_no_point_in_a_stock_run_either(stock, desks, chapter, kind):
    assert stock[chapter, kind] == full(desks[chapter])


def test_where_stdout_is_closed_the_words_are_lost_and_not_the_points(monkeypatch, tmp_path):
    with (tmp_path / "out").open("w") as closed:
        pass
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(report.checks, "run", lambda *_: [Result("a check", True, 2, 2)])
    assert report.grade("gan_losses.generator_loss", {"generator_loss": len}) == 2


def test_a_check_in_a_stock_run_begins_in_the_folder_of_the_notebook(monkeypatch, tmp_path):
    class Shell:
        starting_dir = str(tmp_path)

    seen = []
    monkeypatch.setattr(report, "get_ipython", Shell)
    monkeypatch.setattr(report.checks, "run", lambda *_: seen.append(os.getcwd()) or [])
    report.grade("gan_losses.generator_loss", {})
    assert seen == [str(tmp_path)] and os.getcwd() != str(tmp_path)


def now():
    """What a student may have set, of what is known."""
    return (torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled(), torch.is_inference_mode_enabled(),
            torch.is_autocast_enabled("cpu"), torch.get_deterministic_debug_mode(), torch.is_anomaly_enabled(),
            torch.get_float32_matmul_precision(), tuple(np.geterr().values()), os.getcwd())


def test_the_students_own_are_back_afterwards(tmp_path, monkeypatch):
    """Also where what is asked sets others itself, and fails."""
    monkeypatch.chdir(tmp_path)
    usual = now()
    with torch.inference_mode(), torch.autocast("cpu"), np.errstate(all="raise"), torch.device("meta"):
        try:
            torch.set_default_dtype(torch.float64)
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.set_float32_matmul_precision("medium")
            own = now()
            with pytest.raises(ZeroDivisionError), known_defaults(Path("/")):
                assert now() == (*usual[:-1], "/") and torch.zeros(1).device.type == "cpu"
                torch.set_default_dtype(torch.float16)
                torch.use_deterministic_algorithms(True)
                os.chdir("/tmp")
                raise ZeroDivisionError
            assert now() == own and own[:2] == (torch.float64, torch.device("meta"))
        finally:
            torch.set_default_dtype(torch.float32)
            torch.use_deterministic_algorithms(False)
            torch.set_float32_matmul_precision("highest")
