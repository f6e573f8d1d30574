"""Runs studies: side by side on the cores, each run kept as it ends, so that the next call goes on where this one stopped."""
from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from importlib import import_module
from typing import NamedTuple

import torch

from autograde.writing import studies
from benchmarks import machine
from benchmarks.studies import __doc__ as about
from clipkit.names import known


class Task(NamedTuple):
    """One run."""

    study: str
    variant: str
    seed: int


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 where a run failed; the others are kept."""
    names = studies.names()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.studies", description=about,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", metavar="NAME", help=f"by default all: {', '.join(names)}")
    parser.add_argument("--seeds", type=int, help="runs of each variant; by default as many as the study says")
    parser.add_argument("--again", action="store_true", help="measure what has been measured before, too")
    parser.add_argument("--verify", action="store_true", help="of an outdated study make the first run of each variant again: "
                        "where all come out as they are kept, the change has changed no number, and the others stay")
    parser.add_argument("--preset", default="cpu", choices=["smoke", "cpu"], help="smoke: one seed, and nothing is kept")
    parser.add_argument("--jobs", type=int, default=machine.cores(), help="runs side by side")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    keeps = options.preset == "cpu"
    chosen = [known(name, names, "study") for name in options.studies or names]
    found = {name: so_far(name, again=options.again or not keeps) for name in chosen}
    if options.verify and keeps:
        for name in chosen:
            if unchanged(name, found[name], options.jobs):
                found[name] |= so_far(name, again=False, verified=True)
    tasks = [task for name in chosen for task in missing(name, found[name], options.seeds if keeps else 1)]
    failed = False
    with ProcessPoolExecutor(options.jobs) as processes:
        running = {processes.submit(run, task, options.preset): task for task in tasks}
        for ended in as_completed(running):
            failed |= not taken(ended, running[ended], found[running[ended].study])
            if keeps:
                machine.keep(f"studies/{running[ended].study}", found[running[ended].study])
    for name in chosen:
        if keeps and "machine" in found[name]:  # nothing was measured now; what the text calls it may be new
            machine.keep(f"studies/{name}", found[name])
        print(f"\n{found[name]['about']}\n\n{studies.as_table(found[name])}", flush=True)
    return int(failed)


def unchanged(name: str, found: dict, jobs: int) -> bool:
    """Whether runs that are kept, but for other code, come out again to the last digit; asked of the first of each variant.

    Variants that are new have no runs, and change none.
    """
    try:
        kept = machine.kept(f"studies/{name}")
    except FileNotFoundError:
        return False
    if kept["made of"] == found["made of"] or not set(kept["runs"]) <= set(found["variants"]) or not all(kept["runs"].values()):
        return False
    first = {variant: runs[0] for variant, runs in kept["runs"].items()}
    with ProcessPoolExecutor(jobs) as processes:
        runs = {variant: processes.submit(run, Task(name, variant, one["seed"]), "cpu") for variant, one in first.items()}
        same = {variant: runs[variant].result() | {"cpu_seconds": one["cpu_seconds"]} == one for variant, one in first.items()}
    other = [variant for variant, holds in same.items() if not holds]
    print(f"{name}: " + (f"another number in {', '.join(other)}; all is measured anew" if other else "no number has changed"))
    return not other


def so_far(name: str, *, again: bool, verified: bool = False) -> dict:
    """What is known of a study: what it says of itself, and the runs that are kept and still count."""
    module = import_module(f"benchmarks.studies.{name}")
    study = module.STUDY
    head = {"command": f"python -m benchmarks.studies {name}", "about": module.__doc__.splitlines()[0],
            "made of": studies.made_of(name), "minutes": study.minutes, "seeds": study.seeds,
            "variants": study.variants, "numbers": {key: number._asdict() for key, number in study.numbers.items()}}
    try:
        kept = machine.kept(f"studies/{name}")
    except FileNotFoundError:
        kept = {}
    if again or not verified and kept.get("made of") != head["made of"]:
        return head | {"runs": {variant: [] for variant in study.variants}}
    runs = {variant: kept["runs"].get(variant, []) for variant in study.variants}
    return head | {"machine": kept["machine"], "date": kept["date"], "runs": runs}


def missing(name: str, found: dict, seeds: int | None) -> Iterator[Task]:
    """The runs that have not been made, all first seeds first. One file holds the runs of one machine: on another, all."""
    def absent() -> list[Task]:
        return [Task(name, variant, seed) for seed in range(seeds or found["seeds"]) for variant, runs in found["runs"].items()
                if all(run["seed"] != seed for run in runs)]

    if absent() and found.pop("machine", machine.describe()) != machine.describe():
        print(f"{name}: what is kept was measured on another machine or by other versions; all is measured anew")
        found["runs"] = {variant: [] for variant in found["runs"]}
    return iter(absent())


def run(task: Task, preset: str) -> dict[str, float]:
    """One run, on one thread: its seed, the processor time that it took, and what it found.

    Raises:
        ValueError: it returns other numbers than its study names, or one that is none.
    """
    torch.set_num_threads(1)
    os.environ["CLIPKIT_PRESET"] = preset
    module = import_module(f"benchmarks.studies.{task.study}")
    start = time.process_time()
    numbers = module.measure(task.seed, **module.SETTINGS[task.variant])
    seconds = time.process_time() - start
    if set(numbers) != set(module.STUDY.numbers) or not all(map(math.isfinite, numbers.values())):
        raise ValueError(f"expected finite numbers {', '.join(module.STUDY.numbers)}, got {numbers}")
    return {"seed": task.seed, "cpu_seconds": round(seconds, 1)} | {key: round(float(x), 6) for key, x in numbers.items()}


def taken(ended: Future, task: Task, found: dict) -> bool:
    """Puts a run among the others; whether there was none wrong with it."""
    if error := ended.exception():
        print(f"{task.study}, {task.variant}, seed {task.seed}: {error}", file=sys.stderr, flush=True)
        return False
    runs = found["runs"][task.variant]
    runs.append(ended.result())
    runs.sort(key=lambda run: run["seed"])
    found["date"] = time.strftime("%Y-%m-%d")
    print(task.study, task.variant, ended.result(), flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
