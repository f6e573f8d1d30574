"""The benchmarks of grading, in their smallest form: what they hand in, what they measure, what they keep."""
import sys
import time

import pytest

from autograde import checks
from autograde.checks import Subject
from benchmarks import grading, machine, submissions

EXERCISES = ["discriminator_loss", "generator_loss", "optimal_discriminator", "js_divergence", "discriminator_step",
             "generator_step"]


@pytest.fixture(scope="module")
def notebooks():
    return list(submissions.class_of(12))


def lost(notebook):
    """The exercises of which a cell's text, run alone, does not earn all points."""
    found = set()
    for name in EXERCISES:
        space = {}
        exec("import torch, math\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n"
             "from collections.abc import Callable\nfrom torch.optim import Optimizer\n"
             + next(cell.source for cell in notebook.cells if cell.id == name), space)
        if not all(result.passed for result in checks.run(f"gan_losses.{name}", Subject(space[name]))):
            found.add(name)
    return found


def test_two_thirds_of_a_class_are_right_and_the_others_wrong_in_ways_of_their_own(notebooks):
    wrong = [lost(notebook) for notebook in notebooks]
    assert [bool(names) for names in wrong] == [False, False, True] * 4
    sources = [{cell.source for cell in notebook.cells} for notebook in notebooks]
    assert len({frozenset(one) for one in sources}) >= 1 + 3 + 4, "model answers, other right ones, each wrong one"


def test_wall_cpu_and_memory_are_those_of_all_processes(tmp_path):
    """A child that has 100 MB and computes for two seconds, in a process that only waits: memory is asked for every second."""
    child = "x = bytearray(b'x') * 100_000_000; import time; t = time.process_time()\nwhile time.process_time() < t + 2: pass"
    began = time.monotonic()
    found = grading.measured(sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])",
                             folder=tmp_path)
    assert 1.8 <= found["cpu_s"] <= found["wall_s"] + 0.5 <= time.monotonic() - began + 1
    assert found["peak_memory_mb"] >= 100 and found["processes"] == 2
    with pytest.raises(RuntimeError, match="ended with 3: oh"):
        grading.measured(sys.executable, "-c", "import sys; print('oh', file=sys.stderr); sys.exit(3)", folder=tmp_path)


def test_a_tiny_class_is_graded_and_measured(tmp_path):
    figures = grading.compare(tmp_path, "02_gan_losses", students=3, in_stock=0, jobs=2)
    run = figures["ours"]
    assert run["submissions"] == 3 and run["wall_s"] > run["start_s"] > 0 and run["peak_memory_mb"] > 100
    assert run["core_s_each"] == pytest.approx(120 / run["steady_per_minute"], rel=0.01) and figures["with_full_score"] == 2


@pytest.mark.parametrize("name, fields", [
    ("grading", {"command", "machine", "chapters", "course_core_s", "start_s", "peak_memory_mb"}),
    ("grading_workers", {"command", "machine", "runs"})])
def test_kept_figures_have_their_fields(name, fields):
    try:
        assert fields <= machine.kept(name).keys()
    except FileNotFoundError as error:
        pytest.skip(str(error))
