"""Chapter 6's pairs of faults, steady or trembling: Fréchet distances by networks of several seeds."""
from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from benchmarks.studies.what_measures_see import network

SETTINGS = {"brightness": {"fault": "brightness"}, "noise": {"fault": "noise"}, "one": {"fault": "shift by up to 1"},
            "three": {"fault": "shift by up to 3"}, "order": {"fault": "order of frames"}}


@cache
def page():
    """The chapter's clips, its pairs of faults and its distance."""
    return of_page("06_evaluation", "walkers", "in_pairs", "features_of", "frechet_distance")


@cache
def pairs(seed: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Clips with each fault, steady and trembling."""
    return page().in_pairs(page().walkers(seed=200 + seed), torch.Generator().manual_seed(seed))


def measure(seed: int, *, fault: str) -> dict[str, float]:
    """Both distances by both networks, and how many times the steady one the trembling one is."""
    found = {}
    for name in ("labels", "order"):
        judge = network(seed, order=name == "order")
        real = page().features_of(page().walkers(seed=100 + seed), judge)
        steady, trembling = (page().frechet_distance(real, page().features_of(clips, judge)).item()
                             for clips in pairs(seed)[fault])
        found |= {f"{name}_steady": steady, f"{name}_trembling": trembling, f"{name}_times": trembling / steady}
    return found


STUDY = Study(
    minutes=3,
    variants={name: setting["fault"] for name, setting in SETTINGS.items()},
    numbers={f"{judge}_{number}": Number(f"{title}: {number}" if number == "steady" else number, form)
             for judge, title in (("labels", "labels only"), ("order", "labels and order"))
             for number, form in (("steady", ".1f"), ("trembling", ".1f"), ("times", ".2f"))},
)
