"""Chapter 13's GAN and flow of codes at equal compute: the page's GAN, a fairer one with R1, and the flow."""
from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from clipkit import Walkers
from solutions.evaluation import density_coverage
from solutions.measures.energy import FlopCounter
from solutions.responsibility import copying
from solutions.stability import r1_penalty

SETTINGS = {"gan": {}, "r1": {"gamma": 0.1}, "euler_1": {"flow": 1}, "heun_8": {"flow": 8}, "heun_24": {"flow": 24},
            "gaussian": {"copies": "gaussian"}, "real": {"copies": "real"}}


@cache
def page():
    """The chapter's clips and codes, its networks, its flow and its measures."""
    return of_page("13_after_gans", "which", "count", "clips", "encode", "scale", "codes", "some_codes", "layers",
                   "VelocityField", "train_flow", "flow_steps", "flow_matching_loss", "euler", "heun", "precision_recall")


def new_clips(count: int, seed: int) -> Tensor:
    """Codes of clips that no network has seen: those that happen to be among the training clips are left out."""
    drawn = Walkers(2 * count, seed=seed, **page().which).clips
    seen = {clip.numpy().tobytes() for clip in page().clips}
    return page().encode(torch.stack([clip for clip in drawn if clip.numpy().tobytes() not in seen][:count]))


@cache
def trained_flow(seed: int) -> nn.Module:
    """The page's flow, from another start."""
    torch.manual_seed(seed)
    field = page().VelocityField(64, width=256, depth=4)
    page().train_flow(field, page().some_codes, page().flow_steps, torch.Generator().manual_seed(seed))
    return field


def gan(seed: int, gamma: float) -> nn.Module:
    """The averaged generator of a GAN that does as many operations as the flow. D is frozen in G's turn: no gradient is thrown
    away. R1 comes every fourth step, four times as heavy."""
    torch.manual_seed(seed)
    G, D = page().layers(64, nn.SiLU()), page().layers(1, nn.LeakyReLU(0.2))
    turn_g, turn_d = (Adam(network.parameters(), lr=1e-3, betas=(0.5, 0.999)) for network in (G, D))
    rng = torch.Generator().manual_seed(seed)

    def step(k: int) -> None:
        real = page().some_codes(rng)
        fake = G(torch.randn(real.shape, generator=rng))
        loss = (F.softplus(-D(real)) + F.softplus(D(fake.detach()))).mean()
        if gamma and k % 4 == 0:
            loss = loss + 4 * gamma * r1_penalty(D, real)
        turn_d.zero_grad()
        loss.backward()
        turn_d.step()
        turn_g.zero_grad()
        D.requires_grad_(False)
        F.softplus(-D(fake)).mean().backward()
        D.requires_grad_(True)
        turn_g.step()

    with FlopCounter() as of_flow:
        field = page().VelocityField(64, width=256, depth=4)
        page().flow_matching_loss(field, page().some_codes(rng), rng).backward()
    budget, average, k = of_flow.flops * page().flow_steps, [torch.zeros_like(p) for p in G.parameters()], 0
    with FlopCounter() as spent:
        while spent.flops < budget:
            step(k)
            with torch.no_grad():
                for mean, parameter in zip(average, G.parameters(), strict=True):
                    mean.lerp_(parameter, 1 - min(0.995, (1 + k) / (10 + k)))
            k += 1
    for mean, parameter in zip(average, G.parameters(), strict=True):
        parameter.data.copy_(mean)
    return G


@torch.no_grad()
def sampled(seed: int, flow_evaluations: int, network: nn.Module, count: int) -> Tensor:
    """Codes of a network; of a flow with so many evaluations, of a GAN (0) with one."""
    z = torch.randn(count, 64, generator=torch.Generator().manual_seed(100 + seed))
    if not flow_evaluations:
        return network(z)
    return page().euler(network, z, 1) if flow_evaluations == 1 else page().heun(network, z, flow_evaluations // 2)


def measure(seed: int, *, gamma: float = 0.0, flow: int = 0, copies: str = "") -> dict[str, float]:
    """Precision, recall, density and coverage against new clips; how much it copies, in standard deviations of chance."""
    count = page().count // 2
    if copies == "real":
        made = new_clips(count, 1000 + seed)
    elif copies == "gaussian":
        z = torch.randn(count, 64, generator=torch.Generator().manual_seed(100 + seed))
        made = z * page().codes.std(0) + page().codes.mean(0)
    else:
        made = sampled(seed, flow, trained_flow(seed) if flow else gan(seed, gamma), count)
    real, made = new_clips(count, 1 + seed) * page().scale, made * page().scale
    held_out = new_clips(page().count, 2000 + seed) * page().scale
    precision, recall = page().precision_recall(real, made)
    density, covered = density_coverage(real, made)
    return {"precision": precision, "recall": recall, "density": density, "coverage": covered,
            "nearer": copying(made, page().codes * page().scale, held_out).nearer}


STUDY = Study(
    minutes=6,
    variants={"gan": "GAN", "r1": "GAN with R1", "euler_1": "flow, 1 evaluation", "heun_8": "flow, 8", "heun_24": "flow, 24",
              "gaussian": "a Gaussian", "real": "other real clips"},
    numbers={"precision": Number("precision"), "recall": Number("recall"), "density": Number("density"),
             "coverage": Number("coverage"), "nearer": Number("nearer to training clips", ".0%")},
)
