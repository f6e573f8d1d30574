"""Studies: small experiments over several seeds, for what a sentence of the book says and its page alone cannot show.

    python -m benchmarks.studies             # all; what is measured already is kept and skipped
    python -m benchmarks.studies momentum    # one; --again measures it anew, --seeds 8 adds seeds
    python -m benchmarks.studies momentum --verify    # outdated, but the same numbers? one run of each says so
    python -m benchmarks.studies --preset smoke    # whether they work: one seed of each, seconds, nothing is kept

A study is a module here. Its docstring says what is compared, and it holds

    SETTINGS    what each variant hands to `measure`: {"heavy": {"beta1": 0.9}, ...}
    measure     one run: measure(seed, **settings) -> {"modes": 7.2, ...}, named numbers
    STUDY       what the text calls them, how many seeds, how long it takes

`measure` takes what it can from the page that it is about (`of_page`), so that both speak of the same networks. Figures lie
in benchmarks/figures/studies/NAME.json. They are outdated once `SETTINGS`, `measure` or anything that these reach in
clipkit, solutions or on the page has changed. In the text {measured}`momentum.heavy.modes` is their mean and spread, and the
directive {measured} momentum their table; a number that is missing or outdated fails the book.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Number(NamedTuple):
    """A number that each run returns: the head of its column, and its form (".1f", ".0%"; "count" of 0 or 1 is added up)."""

    title: str
    form: str = ".2f"


@dataclass(frozen=True)
class Study:
    """What the text says of a study.

    Attributes:
        minutes: what all its runs take on two cores, at most.
        variants: the name of each in the table, by its key in SETTINGS.
        numbers: by their keys in what `measure` returns.
        seeds: how many runs each variant has; they begin at 0.
    """

    minutes: float
    variants: dict[str, str]
    numbers: dict[str, Number]
    seeds: int = 5
