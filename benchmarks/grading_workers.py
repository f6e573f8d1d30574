"""How the rate of grading grows with the workers of a Dask cluster, all on this machine.

    python -m benchmarks.grading_workers [--workers 1 2 4] [--students 96]

Each time a new scheduler and new workers of one thread, and the same class anew; the time counts from the command to its
end, with the workers already connected but cold, and beside it stands the rate in the steady state.
"""
from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from distributed import Client

from . import machine, submissions
from .grading import WARMING, graded_at, measured, per_minute


@contextlib.contextmanager
def cluster(workers: int, folder: Path) -> Iterator[str]:
    """The address of a scheduler with so many workers, each a process of one thread."""
    place = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    scheduler, worker = ([sys.executable, "-m", f"distributed.cli.dask_{role}"] for role in ("scheduler", "worker"))
    started = [subprocess.Popen([*scheduler, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file",
                                 str(place)], **quiet)]
    try:
        while not place.exists() or not place.read_text():
            time.sleep(0.1)
        address = json.loads(place.read_text())["address"]
        started += [subprocess.Popen([*worker, address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                                      "--local-directory", str(folder)], **quiet) for _ in range(workers)]
        with Client(address) as client:
            client.wait_for_workers(workers, timeout=120)
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def rates(root: Path, counts: list[int], students: int) -> list[dict]:
    """One entry for each number of workers, with its speedup over the first, and what each submission costs the grader,
    who reads, repairs and records: the CPU time of the class less that of a single submission, shared out."""
    subprocess.run([sys.executable, "-m", "autograde", "release", "gan_losses", "--course", str(root)], check=True,
                   stdout=subprocess.DEVNULL)
    first, *_ = submissions.hand_in(root, submissions.class_of(students))
    found = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder, cluster(count, Path(folder)) as address:
            grade = [sys.executable, "-m", "autograde", "grade", "submitted", "--dask", address, "--rerun"]
            run, steady = measured(*grade, folder=root), per_minute(graded_at(root)[WARMING:])
            single = measured(*grade, "--student", first, folder=root)
        run = {"wall_s": run["wall_s"], "submissions": students, "per_minute": round(60 * students / run["wall_s"], 1),
               "steady_per_minute": steady,
               "grader_cpu_s_each": round((run["cpu_s"] - single["cpu_s"]) / (students - 1), 3)}
        found.append({"workers": count} | run)
        found[-1]["speedup"] = round(run["per_minute"] / found[0]["per_minute"], 2)
        found[-1]["steady_speedup"] = round(steady / found[0]["steady_per_minute"], 2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--students", type=int, default=96)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        figures = {"chapter": "02_gan_losses", "runs": rates(Path(root), args.workers, args.students)}
    print(json.dumps(figures, indent=2))
    print(machine.keep("grading_workers", figures))


if __name__ == "__main__":
    main()
