"""One submission's misdeeds: each ends in a state of its own, and none in that of a neighbour."""
import json
import multiprocessing
import os
import select

import nbformat
import pytest

from autograde.grading.runner import Job, Limits, run, run_all

LIMITS = Limits(cell=2, notebook=10)


def notebook(*sources):
    """Cells with these sources; a source that is the name of an exercise is its points cell."""
    cells = [nbformat.v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    for cell in cells:
        if cell.source == "generator_loss":
            cell.metadata["nbgrader"] = {"grade": True, "solution": False, "grade_id": "generator_loss-points"}
    return nbformat.v4.new_notebook(cells=cells)


def test_cells_are_run_and_exercises_asked_where_their_points_stand():
    answer = "import torch.nn.functional as F\ndef generator_loss(s):\n    print('noise')\n    return F.softplus(-s).mean()"
    ran = run(notebook(answer, "generator_loss", "generator_loss = None", "1 + 1"), "gan_losses", limits=LIMITS)
    assert (ran.status, ran.said, list(ran.results)) == ("graded", "", ["gan_losses.generator_loss"])
    assert [r["points"] for r in ran.results["gan_losses.generator_loss"]] == [2, 1]
    assert ran.point_cells == {1: "gan_losses.generator_loss"}
    assert ran.outputs[3][0]["data"]["text/plain"] == "2"
    json.dumps(ran.results)


def test_a_missing_name_fails_its_checks():
    ran = run(notebook("x = 1", "generator_loss"), "gan_losses", limits=LIMITS)
    assert all("There is no `generator_loss`" in r["hint"] for r in ran.results["gan_losses.generator_loss"])


@pytest.mark.parametrize("body, words", [("while True: pass", "TimeoutError"), ("raise SystemExit(3)", "SystemExit"),
                                         ("raise KeyboardInterrupt", "KeyboardInterrupt"), ("1 / 0", "ZeroDivisionError")])
def test_what_an_answer_does_when_it_is_called_fails_its_own_checks(body, words):
    ran = run(notebook(f"def generator_loss(s):\n    {body}", "generator_loss", "'still here'"), "gan_losses",
              limits=Limits(cell=0.5, notebook=30))
    assert ran.status == "graded" and len(ran.outputs) == 2
    assert any(words in r["hint"] for r in ran.results["gan_losses.generator_loss"])
    assert not any(r["passed"] for r in ran.results["gan_losses.generator_loss"])


ENDS = {
    "exit": ("import os; os._exit(3)", "crashed", "exit code 3"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "crashed", "SIGSEGV"),
    "kill": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "crashed", "SIGKILL"),
    "kill the group": ("import os, signal; os.killpg(0, signal.SIGKILL)", "crashed", "SIGKILL"),
    "hang": ("import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\nwhile True: pass", "timed_out",
             "longer than 5 seconds"),
    "stop itself": ("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)", "timed_out", "longer than 5 seconds"),
    "close every file": ("import os; os.closerange(3, 100)\nprint(1)", "crashed", "ended the process"),
}
LIVES = {
    "memory": ("x = bytearray(50_000_000_000)", "MemoryError"),
    "torch memory": ("import torch; torch.zeros(20_000_000_000)", "RuntimeError"),
    "flood": ("print('x' * 50_000_000)", None),
    "surrogate": (r"print('\ud800'); '\ud800'", None),
    "input": ("input()", "EOFError"),
    "threads": ("import torch; torch.set_num_threads(8); torch.set_num_interop_threads(4)", None),
    "workers": ("from torch.utils.data import DataLoader\nfor x in DataLoader([1.0, 2.0], num_workers=1): pass", None),
    "new process": ("import subprocess; subprocess.run(['true'], check=True)", None),
    "writes to descriptors": ("import os; os.write(1, b'x'); os.write(2, b'x')", None),
    "writes here": ("open('mine.txt', 'w').write('x')", None),
    "picture": ("import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()", None),
    "preset": ("import clipkit; assert clipkit.preset('cpu') == 'smoke'", None),
    "tmp": ("import os, tempfile; assert tempfile.gettempdir() == os.getcwd() == os.environ['TMPDIR']", None),
}


def test_every_submission_ends_in_a_state_of_its_own(capfd, tmp_path):
    limits = Limits(cell=4, notebook=5)
    answer = "def generator_loss(s):\n    return (1 + (-s).exp()).log().mean()"
    jobs = [Job(name, notebook(answer, "generator_loss", source, "'after'"), "gan_losses")
            for name, (source, *_) in {**ENDS, **LIVES}.items()]
    here = os.getcwd()
    ran = {job.key: result for job, result in run_all(jobs, at_once=3, limits=limits)}
    assert ran.keys() == ENDS.keys() | LIVES.keys()
    for name, (_, status, words) in ENDS.items():
        assert ran[name].status == status and words in ran[name].said, (name, ran[name].said)
        assert ran[name].results["gan_losses.generator_loss"][0]["points"] == 2, "what was checked before counts"
    for name, (_, error) in LIVES.items():
        assert ran[name].status == "graded", (name, ran[name].said)
        errors = [o["ename"] for o in ran[name].outputs[2] if o["output_type"] == "error"]
        assert errors == ([error] if error else []), (name, ran[name].outputs[2])
        assert ran[name].outputs[3][0]["data"]["text/plain"] == "'after'"
    assert os.getcwd() == here and not os.path.exists("mine.txt")
    assert capfd.readouterr() == ("", "")


def test_the_sentence_names_the_cell():
    ran = run(notebook("x = 1", "import os; os._exit(1)"), "gan_losses", limits=LIMITS)
    assert ran.said == "The notebook ended the process it ran in (exit code 1), in a cell of the student's own."


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sleeper = "import subprocess; p = subprocess.Popen(['sleep', '600']); print(p.pid)"
    ran = run(notebook(sleeper), "gan_losses", limits=LIMITS)
    assert list(tmp_path.iterdir()) == []
    try:
        handle = os.pidfd_open(int(ran.outputs[0][0]["text"]))
    except ProcessLookupError:
        return
    assert select.select([handle], [], [], 10)[0], "the sleeper should be dead"


def test_who_stops_early_leaves_no_process():
    jobs = (Job(i, notebook("import time; time.sleep(60)" if i else "1"), "gan_losses") for i in range(100))
    results = run_all(jobs, at_once=2, limits=Limits(cell=100, notebook=100))
    assert next(results)[0].key == 0
    results.close()
    assert multiprocessing.active_children() == []
