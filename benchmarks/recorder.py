"""How many submissions pass through the one process that takes in and records, and what each costs it.

    python -m benchmarks.recorder [--submissions 100000] [--db sqlite postgresql]

Some dozen submissions of chapter 2 are graded for real, and their runs kept. Then thousands of students hand each of them
in, and whatever would run is answered at once by the run kept for its file, as by more workers than one recorder can
serve: no sandbox, but all that this process does, job and run as JSON included. Takes a quarter of an hour for each
database, and 310 KB of disk for each submission while it does.
"""
from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import itertools
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from autograde import commands
from autograde.grading import cluster, runner
from autograde.grading.course import Course
from autograde.grading.database import with_driver
from autograde.grading.grader import Grader
from autograde.grading.runner import Job, Limits, Run

from . import machine, submissions

STEM = "02_gan_losses"
KINDS = 36     # submissions that differ; of each, a file system allows 65,000 links
WORKERS = 64   # jobs that are answered at once
DATABASES = ("sqlite", "postgresql")


@dataclasses.dataclass(frozen=True)
class Kept:
    """What came of the real submissions, by the digest of their file: the run, as a worker sends it, and the score."""

    runs: dict[str, str]
    scores: dict[str, float]

    def rounds(self, jobs: Iterable[Job | None]) -> Iterator[list[tuple[Job, Run]]]:
        """Answers jobs as `runner.rounds` does, with runs that are kept."""
        waiting = iter(jobs)
        while some := list(itertools.islice(waiting, WORKERS)):
            yield [(job, self._answered(job)) for job in some if job]

    def _answered(self, job: Job) -> Run:
        json.dumps(runner.code_alone(job.notebook))
        return cluster.run_of(self.runs[job.key.digest])


def record(root: Path, kinds: int) -> Kept:
    """Grade so many submissions in a course folder."""
    submissions.hand_in(root, submissions.class_of(kinds))
    course, runs, scores = Course(root), {}, {}

    def rounds(jobs: Iterable[Job | None]) -> Iterator[list[tuple[Job, Run]]]:
        for ended in runner.rounds(jobs, at_once=2, limits=Limits(sandbox="weak")):
            for job, run in ended:
                runs[job.key.digest] = json.dumps(dataclasses.asdict(run))
            yield ended

    for one in Grader(course, rounds=rounds).grade(course.submissions(root / "submitted")):
        assert one["status"] == "graded", one
        path = root / "submitted" / one["student"] / STEM / f"{STEM}.ipynb"
        scores[_digest(path)] = one["score"]
    return Kept(runs, scores)


def _digest(path: Path) -> str:
    from hashlib import sha256
    return sha256(path.read_bytes()).hexdigest()


def lay_out(kinds: Path, root: Path, students: int) -> None:
    """`ROOT/submitted` of so many students, each with one of the real submissions and the time of handing in."""
    real = sorted(kinds.glob(f"submitted/*/{STEM}"))
    for folder in real:
        (folder / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC")
    for student in range(students):
        folder = root / "submitted" / f"student-{student:06}" / STEM
        folder.mkdir(parents=True)
        for name in (f"{STEM}.ipynb", "timestamp.txt"):
            os.link(real[student % len(real)] / name, folder / name)


class Watched(Grader):
    """Notes, each tenth of the way, the time, the CPU time, the time without a core and the memory."""

    def grade(self, submissions: list) -> Iterator[dict[str, Any]]:
        ends = {len(submissions) * tenth // 10 for tenth in range(1, 11)}
        self.marks = [(time.monotonic(), time.process_time(), _without_core(), _memory(), 0)]
        for number, one in enumerate(super().grade(submissions), 1):
            if number in ends:
                self.marks.append((time.monotonic(), time.process_time(), _without_core(), _memory(), number))
            yield one


def _without_core() -> float:
    """Seconds in which this process could have gone on, and another one had its core."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def _memory() -> float:
    """MB that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def graded(root: Path, url: str, kept: Kept) -> dict[str, Any]:
    """Grade a course folder, as `autograde grade` does, in this process; its figures."""
    course = Course(root, url)
    began = time.monotonic()
    grader = Watched(course, rounds=kept.rounds)
    outcome = commands.recorded(grader, course.submissions(root / "submitted"), str(root / "grades.json"))
    assert not outcome.has_strangers and not grader.faults
    wall, marks = time.monotonic() - began, grader.marks
    return {"submissions": marks[-1][-1], "wall_s": round(wall, 1),
            "without_core_s": round(marks[-1][2] - marks[0][2], 1), **_each(marks[0], marks[-1]),
            "first_tenth": _each(*marks[:2]), "last_tenth": _each(*marks[-2:]),
            "memory_mb_after_first_tenth": round(marks[1][3]),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)}


def _each(begin: tuple[float, ...], end: tuple[float, ...]) -> dict[str, float]:
    """Milliseconds a submission between two marks: by the clock, less what other processes took of it, and of a core."""
    wall, cpu, without, _, count = (after - before for before, after in zip(begin, end, strict=True))
    return {"ms_each": round(wall / count * 1e3, 2), "ms_each_with_core": round((wall - without) / count * 1e3, 2),
            "cpu_ms_each": round(cpu / count * 1e3, 2)}


def look_through(root: Path, url: str, kept: Kept) -> dict[str, float]:
    """See that everybody is recorded once, with the score of the file handed in; the size of what is kept."""
    engine = create_engine(with_driver(url))
    students = sorted(path.name for path in (root / "submitted").iterdir())
    size = "SELECT pg_database_size(current_database())" if "postgresql" in url else \
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
    with engine.connect() as db:
        ask = text("SELECT student, digest, record FROM autograde_run ORDER BY student")
        runs = db.execution_options(yield_per=1000).execute(ask)
        for student, (name, digest, found) in itertools.zip_longest(students, runs, fillvalue=(None, "", "")):
            assert name == student and json.loads(found)["score"] == kept.scores[digest], f"{student}: {name} is recorded"
        rows = [db.scalar(text(f"SELECT count(*) FROM {table}")) for table in
                ("student", "submitted_assignment", "submitted_notebook")]
        assert set(rows) == {len(students)}, rows
        grades = db.execute(text("SELECT count(*) FROM grade GROUP BY notebook_id")).scalars()
        assert len(collections.Counter(grades)) == 1, "everybody has the same number of grades"
        gradebook = db.scalar(text(size))
    engine.dispose()
    notebooks = [path.stat().st_size for path in root.glob(f"autograded/*/{STEM}/{STEM}.ipynb")]
    assert len(notebooks) == len(students) == len(json.loads((root / "grades.json").read_text()))
    return {"gradebook_kb_each": round(gradebook / len(students) / 1e3, 1),
            "notebook_kb_each": round(sum(notebooks) / len(students) / 1e3, 1)}


@contextlib.contextmanager
def database(name: str, root: Path) -> Iterator[str]:
    """The URL of an empty gradebook in SQLite, or on a PostgreSQL server of its own."""
    if name == "sqlite":
        yield f"sqlite:///{root}/gradebook.db"
        return
    from tests.autograde import postgresql
    with postgresql.Server(sync=True) as server:
        yield server.empty()


def measure(name: str, kinds: Path, kept: Kept, students: int) -> dict[str, Any]:
    """One database: in a new process, whose memory is all its own."""
    with tempfile.TemporaryDirectory(dir=kinds.parent) as folder, database(name, Path(folder)) as url:
        root = Path(folder)
        lay_out(kinds, root, students)
        load = round(os.getloadavg()[0], 1)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            figures = process.submit(graded, root, url, kept).result()
        return figures | {"load_before": load} | look_through(root, url, kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=100_000)
    parser.add_argument("--db", nargs="+", choices=DATABASES, default=DATABASES)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kinds = Path(folder) / "kinds"
        kept = record(kinds, KINDS)
        figures = {name: measure(name, kinds, kept, args.submissions) for name in args.db}
    print(json.dumps(figures, indent=2))
    with contextlib.suppress(FileNotFoundError):  # those of the other database stay
        figures = {name: found for name, found in machine.kept("recorder").items() if name in DATABASES} | figures
    print(machine.keep("recorder", {"chapter": STEM} | figures))


if __name__ == "__main__":
    main()
