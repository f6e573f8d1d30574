"""Chapter 6's two distances between two sets of fresh real clips, of more and more clips, by networks of several seeds."""
from __future__ import annotations

from functools import cache
from itertools import combinations

import torch
from torch import Tensor

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from benchmarks.studies.what_measures_see import network

SETTINGS = {f"n{count}": {"count": count} for count in (32, 64, 128, 256, 512)}
SETS = 10  # 45 pairs of them


@cache
def page():
    """The chapter's clips and distances."""
    return of_page("06_evaluation", "walkers", "features_of", "frechet_distance", "kernel_distance")


@cache
def pool(seed: int) -> Tensor:
    """Features of real clips, enough for the largest sets."""
    clips = (page().walkers(1000 * (seed + 1) + k, 512) for k in range(SETS))
    return torch.cat([page().features_of(some, network(seed, order=True)) for some in clips])


def measure(seed: int, *, count: int) -> dict[str, float]:
    """The means over all pairs of sets, and how often the kernel distance falls below 0."""
    pairs = list(combinations(pool(seed).split(count)[:SETS], 2))
    frechet = torch.stack([page().frechet_distance(*pair) for pair in pairs]).mean().item()
    kernel = torch.stack([page().kernel_distance(*pair) for pair in pairs])
    return {"frechet": frechet, "product": frechet * count, "kernel": kernel.mean().item(), "spread": kernel.std().item(),
            "below": (kernel < 0).double().mean().item()}


STUDY = Study(
    minutes=3,
    variants={name: f"{setting['count']} clips" for name, setting in SETTINGS.items()},
    numbers={"frechet": Number("Fréchet", ".1f"), "product": Number("times the clips", ".0f"),
             "kernel": Number("kernel", ".3f"), "spread": Number("its spread", ".3f"), "below": Number("below 0", ".0%")},
)
