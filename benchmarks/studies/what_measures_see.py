"""Chapter 6's table of measures, its main rows: real clips spoilt in known ways, by networks of several seeds."""
from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study

SETTINGS = {"fresh": {"row": "fresh real clips"}, "noise": {"row": "much noise"}, "shuffled": {"row": "frames shuffled"},
            "backwards": {"row": "backwards"}, "scene": {"row": "one scene only"}, "waves": {"row": "nobody waves"},
            "eight": {"row": "eight clips repeated"}}


@cache
def page():
    """The chapter's clips and how they are spoilt, its networks and measures."""
    return of_page("06_evaluation", "walkers", "labelled", "steps", "train_features", "all_features", "measures", "spoilt")


@cache
def network(seed: int, *, order: bool) -> nn.Module:
    """One of the page's networks, from another start: it learnt labels, or the order of frames, too."""
    torch.manual_seed(seed)
    return page().train_features(page().labelled, steps=page().steps, rng=torch.Generator().manual_seed(seed), order=order)


def seen(clips: Tensor, seed: int) -> dict[str, Tensor]:
    """All features of clips."""
    return page().all_features(clips, network(seed, order=True), network(seed, order=False))


@cache
def real(seed: int) -> dict[str, Tensor]:
    """All features of the real clips."""
    return seen(page().walkers(seed=100 + seed), seed)


@cache
def spoilt(seed: int) -> dict[str, Tensor]:
    """All sets of clips that are compared with them."""
    return page().spoilt(page().walkers(seed=200 + seed), seed=200 + seed)


def measure(seed: int, *, row: str) -> dict[str, float]:
    """The row of the table."""
    made, head = seen(spoilt(seed)[row], seed), network(seed, order=True).heads["action"]
    scores = page().measures(real(seed), made, head)
    return dict(zip(STUDY.numbers, scores.values(), strict=True))


STUDY = Study(
    minutes=3,
    variants={name: setting["row"] for name, setting in SETTINGS.items()},
    numbers={"inception": Number("Inception Score"), "frames": Number("Fréchet, frames", ".1f"),
             "labels": Number("labels only", ".1f"), "order": Number("labels and order", ".1f"), "kernel": Number("kernel"),
             "precision": Number("precision"), "recall": Number("recall"), "coverage": Number("coverage")},
)
