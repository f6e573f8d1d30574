"""`autograde grade` beside `nbgrader autograde`, chapter by chapter: the same submissions on the same two cores.

    python -m benchmarks.grading [CHAPTER ...] [--students 60] [--stock 3] [--jobs 2]

Ours grades the whole class, stock nbgrader the first few of it (it takes ten seconds and more for each); both write an
nbgrader gradebook, and the points of every exercise must be the same. The rate is that of the steady state, from the times at
which the executed notebooks appear: how long the start takes stands beside it. All chapters take twenty minutes.
"""
from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from nbgrader.api import Gradebook

from autograde.grading.course import Course
from autograde.nbgrader_config import COURSE_ID
from autograde.writing import chapter
from solutions.challenge import challenge_clips, save_entry, train_entry

from . import machine, submissions

EVERY = 0.1     # seconds between two looks at the processes
WARMING = 8     # submissions before the steady state
CORES = 2
CHALLENGE = "15_challenge"
FEW = 9         # students who hand in the challenge, which takes seconds to score


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


def graded_at(root: Path) -> list[float]:
    """When each executed notebook was put in place, in seconds since 1970, in order."""
    return sorted(path.stat().st_mtime for path in (root / "autograded").glob("*/*/*.ipynb"))


def per_minute(times: list[float]) -> float:
    """The rate at which notebooks appeared."""
    return round((len(times) - 1) / (times[-1] - times[0]) * 60, 2)


def ours(root: Path, students: int, jobs: int) -> dict[str, float]:
    """The whole class."""
    began = time.time()
    found = measured(sys.executable, "-m", "autograde", "grade", "submitted", "--jobs", str(jobs), "--json", "grades.json",
                     folder=root)
    times = graded_at(root)
    rate = per_minute(times[min(WARMING, students // 2):])
    return found | {"submissions": students, "steady_per_minute": rate, "core_s_each": round(60 * jobs / rate, 3),
                    "start_s": round(times[0] - began - 60 * jobs / rate, 2)}


def stock(root: Path, stem: str, students: int) -> dict[str, float]:
    """Some of the class."""
    found = measured(sys.executable, "-m", "nbgrader", "autograde", stem, folder=root)
    return found | {"submissions": students, "steady_per_minute": per_minute(graded_at(root))}


def points(root: Path, stem: str) -> dict[str, dict[str, float | None]]:
    """Student -> cell -> points, from nbgrader's gradebook."""
    with Gradebook(f"sqlite:///{root}/gradebook.db", COURSE_ID) as book:
        return {s.student.id: {g.name: g.auto_score for n in s.notebooks for g in n.grades}
                for s in book.assignment_submissions(stem)}


def hand_out(root: Path, stem: str, students: int, secrets: Path) -> None:
    """A course folder with one chapter released and handed in; what the challenge holds back is made once, in `secrets`."""
    kept = Course(root).kept(chapter.load(stem).name)
    root.mkdir(parents=True)
    if (secrets / kept.name).is_file():
        shutil.copy(secrets / kept.name, kept)
    subprocess.run([sys.executable, "-m", "autograde", "release", stem, "--course", str(root)], check=True,
                   stdout=subprocess.DEVNULL)
    if kept.is_file():
        shutil.copy(kept, secrets)
    for student in submissions.hand_in(root, submissions.class_of(students, chapter.load(stem).name), stem):
        if stem == CHALLENGE:
            shutil.copy(secrets / "entry.safetensors", root / "submitted" / student / stem)


def compare(root: Path, stem: str, *, students: int, in_stock: int, jobs: int) -> dict:
    """One chapter both ways, in folders below `root`.

    Raises:
        AssertionError: a score differs.
    """
    if stem == CHALLENGE and not (root / "entry.safetensors").exists():
        save_entry(train_entry(challenge_clips(), 600), root / "entry.safetensors")
    here = root / stem
    hand_out(here / "ours", stem, students, root)
    figures: dict = {"ours": ours(here / "ours", students, jobs)}
    if in_stock:
        hand_out(here / "stock", stem, in_stock, root)
        figures["stock"] = stock(here / "stock", stem, in_stock)
        found, expected = points(here / "ours", stem), points(here / "stock", stem)
        for student, scores in expected.items():
            assert found[student] == scores, f"{stem}, {student}: {found[student]} and, by stock nbgrader, {scores}"
        figures["same_scores"] = len(expected)
        rates = (figures[way]["steady_per_minute"] for way in ("ours", "stock"))
        figures["times_faster"] = round(next(rates) / next(rates), 1)
    full = json.loads((here / "ours" / "grades.json").read_text())
    shutil.rmtree(here)
    return figures | {"with_full_score": sum(all(e["score"] in (e["max_score"], None) for e in r["exercises"]) for r in full)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="default: all; of some, the rows of the others stay")
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--stock", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=CORES)
    args = parser.parse_args()
    load, rows = round(os.getloadavg()[0], 1), {}
    with tempfile.TemporaryDirectory() as root:
        for stem in [chapter.find(name) for name in args.chapters] or chapter.stems():
            few = stem == CHALLENGE
            rows[stem] = compare(Path(root), stem, students=FEW if few else args.students,
                                 in_stock=min(args.stock, 2) if few else args.stock, jobs=args.jobs)
            print(stem, json.dumps(rows[stem]), flush=True)
    if args.chapters and args.stock:
        with contextlib.suppress(FileNotFoundError, KeyError):
            rows = dict(sorted((machine.kept("grading")["chapters"] | rows).items()))
    all_ours = [row["ours"] for row in rows.values()]
    figures = {"jobs": args.jobs, "cores": CORES, "load_before": load, "chapters": rows,
               "course_core_s": round(sum(run["core_s_each"] for run in all_ours), 2),
               "start_s": statistics.median(run["start_s"] for run in all_ours),
               "peak_memory_mb": max(run["peak_memory_mb"] for run in all_ours)}
    print(f"a student's whole course: {figures['course_core_s']} s of a core; the start: {figures['start_s']} s; at most "
          f"{figures['peak_memory_mb']} MB")
    if args.stock:
        print(machine.keep("grading", figures))


if __name__ == "__main__":
    main()
