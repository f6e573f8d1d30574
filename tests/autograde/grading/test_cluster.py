"""Submissions on a Dask cluster: a scheduler and two workers on this machine, each a process of its own."""
import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest

from autograde.__main__ import main
from autograde.grading import cluster, runner
from autograde.grading.course import Course, CourseError
from autograde.grading.grader import Grader
from autograde.grading.runner import Job, Limits
from tests.autograde.desk import cell_of, short

pytest.importorskip("distributed", reason="distributed is not installed (pip install distributed)")
LIMITS = Limits(cell=20, notebook=60, sandbox="weak")
ANSWER = "import torch.nn.functional as F\ndef generator_loss(s):\n    return F.softplus(-s).mean()"
RIGHT, WRONG, EXITS, SLOW = ANSWER, ANSWER.replace("-s", "s"), "import os; os._exit(3)", "import time; time.sleep(0.3)"


def job(key, *sources):
    """`sources`, and then the points cell of generator_loss."""
    cells = [nbformat.v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate((*sources, "generator_loss"))]
    cells[-1].metadata["nbgrader"] = {"grade": True, "solution": False, "grade_id": "generator_loss-points"}
    return Job(key, nbformat.v4.new_notebook(cells=cells), "gan_losses", seed="s")


JOBS = [job(f"{name}{i}", SLOW, source) for i in range(3) for name, source in
        (("right", RIGHT), ("wrong", WRONG), ("exits", EXITS), ("prints", "print('é')\n'\\ud800'"))]


@contextlib.contextmanager
def started(*arguments):
    process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    place = tmp_path_factory.mktemp("scheduler") / "place.json"
    with started("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                 "--scheduler-file", str(place)):
        while not place.exists() or not place.read_text():
            time.sleep(0.05)
        yield json.loads(place.read_text())["address"]


def worker(scheduler, folder, *more):
    return started("distributed.cli.dask_worker", scheduler, "--no-dashboard", "--host", "127.0.0.1", "--nthreads", "2",
                   "--local-directory", str(folder), *more)


class Versions:
    """Says others here than on the worker, where the name still stands for the real one."""

    def __init__(self, here):
        self.here = here

    def __call__(self):
        return self.here

    def __reduce__(self):
        return "versions"

    __module__, __qualname__ = "autograde.grading.cluster", "versions"


def by_key(runs):
    return {job.key: run for job, run in runs}


def test_a_worker_that_is_killed_loses_nothing(scheduler, tmp_path):
    """Two workers, one of them killed with jobs on it; what comes back is what this machine's own processes give."""
    with worker(scheduler, tmp_path, "--no-nanny") as victim, worker(scheduler, tmp_path, "--no-nanny"):
        found = {}
        for number, (done, run) in enumerate(cluster.run_all(iter(JOBS), address=scheduler, limits=LIMITS)):
            assert done.key not in found, "twice"
            found[done.key] = run
            if number == 1:
                os.kill(victim.pid, signal.SIGKILL)
    assert found == by_key(runner.run_all(JOBS, at_once=2, limits=LIMITS))


def test_a_daemonic_worker_may_grade_too_and_no_more_is_taken_than_there_is_room_for(scheduler, tmp_path):
    """As `dask worker` starts them, beneath a nanny."""
    taken = []

    def jobs():
        for one in JOBS:
            taken.append(one)
            yield one

    with worker(scheduler, tmp_path, "--nworkers", "1"):
        runs = cluster.run_all(jobs(), address=scheduler, limits=LIMITS)
        next(runs)
        assert len(taken) <= 2 * cluster.AHEAD
        assert len(list(runs)) == len(JOBS) - 1


def test_a_cell_that_nobody_may_edit_is_run_alone_there_too(scheduler, tmp_path, hand_in, desk, gradebook_file):
    (tmp_path / "gradebook.db").write_bytes(gradebook_file)
    spoilt = short(desk.solved())
    spoilt.cells.insert(spoilt.cells.index(cell_of(spoilt, "given-")) + 1, nbformat.v4.new_code_cell("del clipkit", id="own"))
    for student, notebook in (("ann", spoilt), ("ben", short(desk.solved()))):
        hand_in(student, notebook)
    course = Course(tmp_path)
    with worker(scheduler, tmp_path, "--no-nanny"):
        one = Grader(course, dask=scheduler, limits=LIMITS)
        found = {r["student"]: r for r in one.grade(course.submissions(tmp_path / "submitted"))}
    assert {student: (r["status"], r["score"]) for student, r in found.items()} == {
        "ann": ("broken", None), "ben": ("graded", 28)}
    assert "In the untouched notebook it runs" in found["ann"]["said"]


def test_without_a_scheduler_there_is_a_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER", 1)
    folder = tmp_path / "submitted" / "ann" / "02_gan_losses"
    folder.mkdir(parents=True)
    (folder / "02_gan_losses.ipynb").write_text("{")
    assert main(["grade", str(tmp_path), "--dask", "tcp://127.0.0.1:1"]) == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:1" in capsys.readouterr().err
    with pytest.raises(CourseError, match="no Dask scheduler answers"):
        list(cluster.run_all([], address="nonsense://x"))


def test_without_workers_there_is_a_sentence(scheduler, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    with pytest.raises(CourseError, match=f"the Dask scheduler at {scheduler} has no worker; start some"):
        list(cluster.run_all(JOBS, address=scheduler))


def test_without_distributed_there_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CourseError, match="run `pip install distributed`"):
        list(cluster.run_all(JOBS, address="tcp://127.0.0.1:8786"))


def test_a_worker_of_another_version_is_named(scheduler, tmp_path, monkeypatch):
    with worker(scheduler, tmp_path, "--no-nanny"):
        monkeypatch.setattr(cluster, "versions", Versions(cluster.versions() | {"torch": "1.0"}))
        with pytest.raises(CourseError, match=r"worker tcp://.* cannot grade: torch is 2.* there and 1.0 here"):
            list(cluster.run_all(JOBS, address=scheduler, limits=LIMITS))


def test_a_worker_that_comes_later_is_looked_at_too():
    with pytest.raises(CourseError, match="this course's code is .* there"):
        cluster.run_there("{}", "gan_losses", "", b"", "", [], {}, cluster.versions() | {"this course's code": "another"})
