"""What the text says of studies: their numbers and their tables, from benchmarks/figures/studies; of some benchmarks, too.

{measured}`STUDY.VARIANT.NUMBER` stands for the mean and the standard deviation over seeds, with their count;
{measured}`STUDY.VARIANT.NUMBER short` leaves the count out. A number of the form "count", 0 or 1 in each run, is added up:
"5 of 6"; and VARIANT may be * for the runs of all variants. The directive {measured} STUDY stands for the table. On page,
notebook and paper alike; what is missing or outdated stops all three.
"""
from __future__ import annotations

import json
import re
import statistics
from collections.abc import Collection
from functools import cache
from pathlib import Path

from . import definitions
from .answers import ROOT, SourceError
from .chapter import BOOK

FIGURES = ROOT / "benchmarks" / "figures" / "studies"
SOURCES = ROOT / "benchmarks" / "studies"
ROLE = re.compile(r"\{measured\}`(?P<key>[^`]+)`")
COUNT = "count"  # the form of a number that is 0 or 1, and is added up
# Figures of a study's form that a command of its own measures; nothing says that they are outdated.
BENCHMARKS = {"lpc_video": "python -m benchmarks.lpc_video", "walkers_video": "python -m benchmarks.lpc_video --data walkers"}
DECIDE = ("SETTINGS", "measure")  # the names in a study's module that its numbers come from


def names() -> list[str]:
    """All studies, by the names of their modules; in an archive that only grades, by their figures."""
    return sorted(path.stem for path in (SOURCES.glob("[!_]*.py") if SOURCES.is_dir() else files()))


def tables() -> list[str]:
    """All that the text may name."""
    return [*names(), *BENCHMARKS]


def filled(text: str) -> str:
    """Markdown with every {measured} role replaced by its number."""
    return ROLE.sub(lambda role: number(role["key"]), text)


def number(key: str) -> str:
    """E.g. "7.2 ± 0.3 (5 seeds)" for "momentum.heavy.modes", "7.2 ± 0.3" for "momentum.heavy.modes short".

    Raises:
        SourceError: there is no such number, or it is outdated.
    """
    path, *form = key.split(" ")
    if path.count(".") != 2 or form not in ([], ["short"]):
        raise SourceError(f"expected {{measured}}`STUDY.VARIANT.NUMBER`, perhaps with ` short` behind it, got {key!r}")
    study, variant, name = path.split(".")
    found = load(study)
    if variant != "*":
        _one_of(found["variants"], variant, f"variant of the study {study}")
    _one_of(found["numbers"], name, f"number of the study {study}")
    shown, runs = spread(found, variant, name), len(_values(found, variant, name))
    if found["numbers"][name]["form"] == COUNT:
        return f"{shown or 0} of {runs}"
    return shown if form or runs == 1 else f"{shown} ({runs} seeds)"


def table(name: str) -> str:
    """The Markdown table of a study, and beneath it what measures it again.

    Raises:
        SourceError: there is no such study, or its figures are outdated.
    """
    found = load(name)
    forms = {number["form"] for number in found["numbers"].values()}
    said = "Counts" if forms == {COUNT} else "Mean ± standard deviation"
    return (f"{as_table(found)}\n\n*{said} over {found['seeds']} seeds. `{found['command']}` measures it again, on two cores "
            f"in {found['minutes']:g} minutes.*")


def as_table(found: dict) -> str:
    """A row for each variant, a column for each number."""
    rows = [["", *(number["title"] for number in found["numbers"].values())]]
    rows += [[title, *(spread(found, variant, name) for name in found["numbers"])]
             for variant, title in found["variants"].items()]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|:--|" + "--:|" * len(found["numbers"]), *lines[1:]])


def spread(found: dict, variant: str, name: str) -> str:
    """Mean and standard deviation of the runs, in the form that the study asks for; nothing where there are none.

    What is the same in every run, such as a bound that follows from the settings, has no spread; of counts that are 0
    nothing is shown.
    """
    values, form = _values(found, variant, name), found["numbers"][name]["form"]
    if form == COUNT:
        return f"{sum(values):.0f}" if any(values) else ""
    if not values:
        return ""
    parts = [statistics.mean(values)] + ([statistics.stdev(values)] if len(set(values)) > 1 else [])
    return " ± ".join(format(part, form).rstrip("%") for part in parts) + " %" * form.endswith("%")


def _values(found: dict, variant: str, name: str) -> list[float]:
    """A number of all runs of a variant, or of all there are."""
    return [run[name] for of, runs in found["runs"].items() if variant in (of, "*") for run in runs if name in run]


def load(name: str) -> dict:
    """A study's figures, if they are what its code would measure; a benchmark's as they are.

    Raises:
        SourceError: there is no such study, its figures are missing, some runs are, or they are outdated; says which command
            helps.
    """
    is_study = _one_of(tables(), name, "study") not in BENCHMARKS
    path = (FIGURES if is_study else FIGURES.parent) / f"{name}.json"
    again = f"run {BENCHMARKS.get(name, f'python -m benchmarks.studies {name}')}"
    if not path.is_file():
        raise SourceError(f"there are no figures of the study {name} yet: {again}")
    found = json.loads(path.read_text(encoding="utf-8"))
    if not is_study:
        return found
    if SOURCES.is_dir() and found["made of"] != made_of(name):
        raise SourceError(f"the figures of the study {name} are outdated, for what it measures has changed since: {again}")
    counts = {len(runs) for runs in found["runs"].values()}
    if len(counts) > 1 or min(counts) < found["seeds"]:
        raise SourceError(f"the study {name} is not finished: {again}")
    return found


@cache
def made_of(name: str) -> str:
    """A digest of what decides a study's numbers."""
    return definitions.digest((SOURCES / f"{name}.py").read_text(encoding="utf-8"), *DECIDE)


def files() -> list[Path]:
    """The figures of all studies that have been measured."""
    return sorted(FIGURES.glob("*.json"))


def pages_with(name: str) -> list[str]:
    """Stems of the book's pages that take a number or the table of a study."""
    use = re.compile(rf"\{{measured\}}(`{name}\.| {name}$)", re.M)
    return [path.stem for path in sorted(BOOK.glob("*.md")) if use.search(path.read_text(encoding="utf-8"))]


def _one_of(among: Collection[str], name: str, kind: str) -> str:
    """`name`, if it is there."""
    if name not in among:
        raise SourceError(f"there is no {kind} {name!r}; there are {', '.join(among)}")
    return name
