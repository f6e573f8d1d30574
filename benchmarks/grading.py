"""`autograde grade` beside `nbgrader autograde`: the same submissions of chapter 2, on the same two cores, start included.

    python -m benchmarks.grading [--students 120] [--stock 40] [--jobs 2]

Ours grades the whole class, stock nbgrader the first `--stock` of it (it takes minutes), and ours the whole class once
more; both write an nbgrader gradebook, and the points of every exercise must be the same. Takes about eight minutes.
"""
from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from nbgrader.api import Gradebook

from autograde.nbgrader_config import COURSE_ID

from . import machine, submissions

STEM = "02_gan_losses"
EVERY = 0.1     # seconds between two looks at the processes
WARMING = 8     # submissions before the steady state
CORES = 2


class Watch(threading.Thread):
    """Looks at a process and all below it: ten times a second the CPU time of each, once the memory of all together."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._process, self._over, self._cpu = process, threading.Event(), {}
        self.peak_bytes = self.most = 0

    def run(self) -> None:
        for looks in itertools.count():
            if self._over.wait(EVERY):
                return
            try:
                with_all = [self._process, *self._process.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            self.most = max(self.most, len(with_all))
            for process in with_all:
                with contextlib.suppress(psutil.Error):
                    times = process.cpu_times()
                    self._cpu[process.pid, process.create_time()] = times.user + times.system
            if looks % 10 == 0:  # it costs more to ask
                self.peak_bytes = max(self.peak_bytes, sum(map(_memory, with_all)))

    def ended(self) -> dict[str, float]:
        self._over.set()
        self.join()
        return {"cpu_s": round(sum(self._cpu.values()), 1), "peak_memory_mb": round(self.peak_bytes / 1e6),
                "processes": self.most}


def _memory(process: psutil.Process) -> int:
    """What forks share is divided among them (PSS)."""
    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0


def measured(*command: str, folder: Path) -> dict[str, float]:
    """Runs a command on `CORES` cores: wall time, CPU time (what a process did in its last tenth of a second is not
    seen), and the most memory that all its processes had at once."""
    began = time.monotonic()
    process = psutil.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                           env=os.environ | {"OMP_NUM_THREADS": "1"})
    process.cpu_affinity(sorted(os.sched_getaffinity(0))[:CORES])
    watch = Watch(psutil.Process(process.pid))
    watch.start()
    _, said = process.communicate()
    wall = time.monotonic() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said[-2000:]}")
    return {"wall_s": round(wall, 1)} | watch.ended()


def ours(root: Path, students: int, jobs: int) -> dict[str, float]:
    """The whole class, anew; with it the rate in the steady state, from the times of the executed notebooks."""
    found = measured(sys.executable, "-m", "autograde", "grade", "submitted", "--jobs", str(jobs), "--rerun", "--json",
                     "grades.json", folder=root)
    return found | _rates(students, found) | {"steady_per_minute": steady_per_minute(root)}


def steady_per_minute(root: Path) -> float | None:
    """The rate after the first `WARMING` submissions, or None where there were no more."""
    times = sorted(path.stat().st_mtime for path in (root / "autograded").glob("*/*/*.ipynb"))[WARMING:]
    return round((len(times) - 1) / (times[-1] - times[0]) * 60, 1) if len(times) > 1 else None


def stock(root: Path, students: int) -> dict[str, float]:
    found = measured(sys.executable, "-m", "nbgrader", "autograde", STEM, folder=root)
    return found | _rates(students, found)


def _rates(students: int, found: dict[str, float]) -> dict[str, float]:
    return {"submissions": students, "per_minute": round(60 * students / found["wall_s"], 2),
            "cpu_s_each": round(found["cpu_s"] / students, 2)}


def points(root: Path) -> dict[str, dict[str, float | None]]:
    """Student -> cell -> points, from nbgrader's gradebook."""
    with Gradebook(f"sqlite:///{root}/gradebook.db", COURSE_ID) as book:
        return {s.student.id: {g.name: g.auto_score for n in s.notebooks for g in n.grades}
                for s in book.assignment_submissions(STEM)}


def compare(root: Path, *, students: int, in_stock: int, jobs: int) -> dict:
    """Both ways, in folders below `root`.

    Raises:
        AssertionError: a score differs.
    """
    folders = {"ours": students, "stock": in_stock}
    for name, count in folders.items():
        subprocess.run([sys.executable, "-m", "autograde", "release", "gan_losses", "--course", str(root / name)],
                       check=True, stdout=subprocess.DEVNULL)
        submissions.hand_in(root / name, submissions.class_of(count))
    runs = [ours(root / "ours", students, jobs)]
    figures = {"chapter": STEM, "jobs": jobs, "cores": CORES, "load_before": round(os.getloadavg()[0], 1)}
    if in_stock:
        figures["stock"] = stock(root / "stock", in_stock)
        runs.append(ours(root / "ours", students, jobs))
        found, expected = points(root / "ours"), points(root / "stock")
        for student, scores in expected.items():
            assert found[student] == scores, f"{student}: {found[student]} and, by stock nbgrader, {scores}"
        figures["same_scores"] = len(expected)
        per_minute = sum(run["per_minute"] for run in runs) / len(runs)
        figures["times_faster"] = round(per_minute / figures["stock"]["per_minute"], 1)
        figures["times_faster_steady"] = round(max(run["steady_per_minute"] or 0 for run in runs)
                                               / figures["stock"]["per_minute"], 1)
    full = json.loads((root / "ours" / "grades.json").read_text())
    return figures | {"ours": runs, "with_full_score": sum(r["score"] == 28 for r in full)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=120)
    parser.add_argument("--stock", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=CORES)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        figures = compare(Path(root), students=args.students, in_stock=args.stock, jobs=args.jobs)
    print(json.dumps(figures, indent=2))
    if args.stock:
        print(f"autograde: {figures['ours'][-1]['per_minute']} submissions a minute, nbgrader: "
              f"{figures['stock']['per_minute']}: {figures['times_faster']} times as many, same scores")
        print(machine.keep("grading", figures))


if __name__ == "__main__":
    main()
