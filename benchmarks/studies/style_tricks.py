"""Chapter 9's small StyleGAN2 with one thing changed at a time: the mapping network's speed, the path penalty, style mixing."""
from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from clipkit import pick, preset

SETTINGS = {"untrained": {"trained": False}, "page": {}, "slow": {"speed": 1.0}, "no_path": {"weight": 0.0},
            "strong_path": {"weight": 20.0}, "no_mixing": {"mixing": False}}


@cache
def page():
    """The chapter's people, its training and its measures."""
    return of_page("09_stylegan2", "people", "others", "new_networks", "train", "on_paths", "near_and_apart", "mixtures")


def moved(now: nn.Module, before: list[Tensor]) -> float:
    """By which share of their length the weights of a network's layers have changed, on average."""
    shares = [(layer.weight - weight).norm() / weight.norm() for layer, weight in zip(now.layers, before, strict=True)]
    return torch.stack(shares).mean().item()


@torch.no_grad()
def judged(network: nn.Module, seed: int) -> dict[str, float]:
    """Walks between styles; samples, and mixtures of two styles, against real people."""
    rng = torch.Generator().manual_seed(1000 + seed)
    first, second = network.mapping(torch.randn(2, 600, network.nz, generator=rng))
    mixed = torch.cat([page().mixtures(network, a, b, k) for k, (a, b) in
                       enumerate(zip(first.chunk(5), second.chunk(5), strict=True), 1)])
    near, apart = page().near_and_apart(page().mixtures(network, first, first, 0), page().people)
    (length_z, _), (length_w, uneven) = page().on_paths(network, pick(preset("cpu"), smoke=2, cpu=40, gpu=40), seed).tolist()
    return {"length_z": length_z, "length_w": length_w, "ratio": length_w / length_z, "uneven": uneven, "near": near,
            "mixed": page().near_and_apart(mixed, page().people)[0], "apart": apart}


def measure(seed: int, *, trained: bool = True, **options: float | bool) -> dict[str, float]:
    """All of that after a training that is shorter than the page's, and how far it has moved the mapping network."""
    G, D = page().new_networks(seed)
    before = [layer.weight.detach().clone() for layer in G.mapping.layers]
    steps = pick(preset("cpu"), smoke=2, cpu=240, gpu=240) if trained else 0
    network = page().train(G, D, page().people, steps, seed=seed, **options)
    return judged(network, seed) | {"moved": moved(network.mapping, before)}


STUDY = Study(
    minutes=8,
    variants={"untrained": "untrained", "page": "as on the page", "slow": "mapping at the papers' speed",
              "no_path": "no path penalty", "strong_path": "path penalty ten times as heavy", "no_mixing": "no style mixing"},
    numbers={"length_z": Number("path through z"), "length_w": Number("through w"), "ratio": Number("w by z", ".0%"),
             "uneven": Number("steps in w differ by", ".1%"), "near": Number("sample to a real person", ".3f"),
             "mixed": Number("mixture to one", ".3f"), "apart": Number("two samples apart", ".3f"),
             "moved": Number("mapping moved by", ".1%")},
)
