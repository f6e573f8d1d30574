"""Chapter 13's GANs and flow of codes at equal compute: with the losses of chapter 2, with those of today, and the flow."""
from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from clipkit import Walkers
from solutions.evaluation import density_coverage, precision_recall
from solutions.responsibility import copying

SETTINGS = {"old": {"gan": "old"}, "new": {"gan": "new"}, "euler_1": {"flow": 1}, "heun_8": {"flow": 8},
            "heun_24": {"flow": 24}, "gaussian": {}, "real": {"real": True}}


@cache
def page():
    """The chapter's clips and codes, its networks and its contest. Its components are found from random projections, so it
    is seeded as the page is."""
    torch.manual_seed(0)
    return of_page("13_after_gans", "which", "count", "clips", "encode", "scale", "codes", "some_codes", "train_gan",
                   "old_losses", "pairing_losses", "VelocityField", "train_flow", "flow_steps", "euler", "heun")


def new_clips(count: int, seed: int) -> Tensor:
    """Codes of clips that no network has seen."""
    drawn = Walkers(2 * count, seed=seed, **page().which).unlike(page().clips)
    return page().encode(drawn.clips[:count]) * page().scale


@cache
def trained_flow(seed: int) -> nn.Module:
    """The page's flow, from another start."""
    torch.manual_seed(seed)
    field = page().VelocityField(64, width=256, depth=4)
    page().train_flow(field, page().some_codes, page().flow_steps, torch.Generator().manual_seed(seed))
    return field


def trained_gan(seed: int, kind: str) -> nn.Module:
    """One of the page's two, from another start."""
    if kind == "old":
        return page().train_gan(kind, page().old_losses, gamma=0.0, batch=256, beta1=0.5, seed=seed)
    return page().train_gan(kind, page().pairing_losses, gamma=0.1, batch=32, beta1=0.0, seed=seed)


@torch.no_grad()
def sampled(seed: int, gan: str, flow: int, count: int) -> Tensor:
    """Codes made by a GAN, by the flow with so many evaluations, or, where neither is asked for, by a Gaussian."""
    z = torch.randn(count, 64, generator=torch.Generator().manual_seed(100 + seed))
    if not gan and not flow:
        return z * page().codes.std(0) + page().codes.mean(0)
    with torch.enable_grad():
        network = trained_gan(seed, gan) if gan else trained_flow(seed)
    if gan:
        return network(z)
    return page().euler(network, z, 1) if flow == 1 else page().heun(network, z, flow // 2)


def measure(seed: int, *, gan: str = "", flow: int = 0, real: bool = False) -> dict[str, float]:
    """Against new clips; and the share of samples nearer to the training clips than to as many others."""
    count = page().count // 2
    made = new_clips(count, 1000 + seed) if real else sampled(seed, gan, flow, count) * page().scale
    unseen, held_out = new_clips(count, 1 + seed), new_clips(page().count, 2000 + seed)
    precision, recall = precision_recall(unseen, made)
    density, covered = density_coverage(unseen, made)
    return {"precision": precision, "recall": recall, "density": density, "coverage": covered,
            "nearer": copying(made, page().codes * page().scale, held_out).nearer}


STUDY = Study(
    minutes=8,
    variants={"old": "GAN of chapter 2", "new": "GAN of today", "euler_1": "flow, 1 evaluation", "heun_8": "flow, 8",
              "heun_24": "flow, 24", "gaussian": "a Gaussian", "real": "other real clips"},
    numbers={"precision": Number("precision"), "recall": Number("recall"), "density": Number("density"),
             "coverage": Number("coverage"), "nearer": Number("nearer to training clips", ".0%")},
)
