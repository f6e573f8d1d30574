"""Chapter 14's generators of one step: a flow in ever fewer evaluations, distilled, and trained on against a judge."""
from __future__ import annotations

from copy import deepcopy
from functools import cache

import torch
from torch import Tensor, nn

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from clipkit import Walkers
from solutions.evaluation import density_coverage, frechet_distance, precision_recall
from solutions.real_time import Judge, OneStep
from solutions.responsibility import copying

SETTINGS = {"one": {"evaluations": 1}, "two": {"evaluations": 2}, "four": {"evaluations": 4}, "sixteen": {"evaluations": 16},
            "distilled": {"distil": True}, "played": {"distil": True, "play": True}, "undistilled": {"play": True},
            "scratch": {"scratch": 1e-4}, "scratch_fast": {"scratch": 1e-3},
            "heun": {"evaluations": 16, "heun": True}, "other": {"real": True}}


@cache
def page():
    """The chapter's codes and its trainings."""
    return of_page("14_real_time", "which", "count", "clips", "of_clips", "codes", "spread", "trained_flow", "flow_steps",
                   "distilled", "distil_steps", "post_trained", "play_steps", "VelocityField", "euler", "heun")


def new_clips(count: int, seed: int) -> Tensor:
    """Codes of clips that no network has seen, as far from one another as in pixels."""
    return page().of_clips.encode(Walkers(2 * count, seed=seed, **page().which).unlike(page().clips).clips[:count])


@cache
def flow_of(seed: int) -> nn.Module:
    """The page's flow, from another start."""
    return page().trained_flow(page().flow_steps, seed)


@cache
def imitator_of(seed: int) -> OneStep:
    """What imitates where it ends."""
    return page().distilled(flow_of(seed), page().distil_steps, seed)


def played(seed: int, distil: bool, scratch: float) -> OneStep:
    """The game, from one of three starts; from nothing, at the rate `scratch`, it lasts as long as all three trainings."""
    steps = page().play_steps
    if scratch:
        torch.manual_seed(seed)
        G, start = OneStep(page().VelocityField(64, width=256, depth=4)), page().VelocityField(64, width=256, depth=4)
        return page().post_trained(G, Judge(start, 256), page().flow_steps + page().distil_steps + steps, seed, scratch)
    G = deepcopy(imitator_of(seed)) if distil else OneStep(deepcopy(flow_of(seed)))
    torch.manual_seed(seed)
    return page().post_trained(G, Judge(flow_of(seed), 256), steps, seed)


def sampled(seed: int, count: int, *, evaluations: int, heun: bool, distil: bool, play: bool, scratch: float) -> Tensor:
    """Codes of so many new samples."""
    z = torch.randn(count, 64, generator=torch.Generator().manual_seed(100 + seed))
    network = (flow_of(seed) if evaluations else played(seed, distil, scratch) if play or scratch else imitator_of(seed))
    with torch.no_grad():
        if heun:
            return page().heun(network, z, evaluations // 2)
        return page().euler(network, z, evaluations) if evaluations else network(z)


def measure(
    seed: int, *, evaluations: int = 0, heun: bool = False, distil: bool = False, play: bool = False, scratch: float = 0,
    real: bool = False,
) -> dict[str, float]:
    """Against new clips; and the share of samples nearer to the training clips than to as many others."""
    count = page().count // 2
    made = new_clips(count, 4000 + seed) if real else page().spread * sampled(
        seed, count, evaluations=evaluations, heun=heun, distil=distil, play=play, scratch=scratch)
    unseen, held_out = new_clips(count, 1 + seed), new_clips(page().count, 2000 + seed)
    taught, (precision, recall) = page().codes * page().spread, precision_recall(unseen, made)
    return {"frechet": float(frechet_distance(unseen, made)), "precision": precision, "recall": recall,
            "coverage": density_coverage(unseen, made)[1], "nearer": copying(made, taught, held_out).nearer}


STUDY = Study(
    minutes=25,
    variants={"one": "flow, 1 evaluation", "two": "flow, 2", "four": "flow, 4", "sixteen": "flow, 16",
              "distilled": "distilled, 1", "played": "distilled and post-trained, 1", "undistilled": "post-trained only, 1",
              "scratch": "a GAN from nothing, 1", "scratch_fast": "the same, ten times the learning rate",
              "heun": "flow, 16, by Heun", "other": "other real clips"},
    numbers={"frechet": Number("Fréchet distance"), "precision": Number("precision"), "recall": Number("recall"),
             "coverage": Number("coverage"), "nearer": Number("nearer to training clips", ".0%")},
)
