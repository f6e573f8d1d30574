"""Chapter 12's judge, trained privately or plainly and stopped where it is as useful: what each gives away."""
from __future__ import annotations

import math
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from clipkit import Walkers, pick, preset

DELTA = 1e-5
SETTINGS = {"half": {"noise": 0.5}, "one": {"noise": 1.0}, "two": {"noise": 2.0}, "four": {"noise": 4.0},
            "many": {"noise": 4.0, "members": 128}}


@cache
def page():
    """The chapter's features, its judge, the private step and the attack's measure."""
    return of_page("12_responsibility", "features", "judge", "private_step", "auc")


def people(count: int, seed: int) -> Tensor:
    """Features of single frames, as on the page."""
    return page().features(Walkers(count, num_frames=1, seed=seed).clips[:, 0])


class Game:
    """Members, others, and fakes that owe nothing to the members: each is half one person and half another."""

    def __init__(self, members: int, seed: int):
        drawn = people(members + 640, seed)
        self.members, self.others, halves = drawn.split((members, 512, 128))
        self.fakes = (halves[:64] + halves[64:]) / 2

    def loss(self, network: nn.Module, real: Tensor) -> Tensor:
        """D's loss."""
        return F.softplus(-network(real)).mean() + F.softplus(network(self.fakes)).mean()

    @torch.no_grad()
    def leak_and_use(self, network: nn.Module) -> tuple[float, float]:
        """AUC of members against others, and of others against fakes."""
        own, new, fake = (network(x).flatten() for x in (self.members, self.others, self.fakes))
        return page().auc(own, new), page().auc(new, fake)


def trained(game: Game, step, steps: int) -> list[tuple[float, float]]:
    """Leak and use after each step."""
    network = page().judge()
    optimizer, found = Adam(network.parameters(), 3e-3), []
    for _ in range(steps):
        step(network, optimizer)
        found.append(game.leak_and_use(network))
    return found


def epsilon(noise: float, steps: int) -> float:
    """What `steps` steps on the whole set cost, with delta 1e-5: zero-concentrated privacy adds up (Bun and Steinke 2016)."""
    rho = steps / (2 * noise**2)
    return rho + 2 * math.sqrt(rho * math.log(1 / DELTA))


def measure(seed: int, *, noise: float, members: int = 32) -> dict[str, float]:
    """Leak and use of the private judge, and the leak of the plain one where it is first as useful."""
    game, steps = Game(members, seed), pick(preset("cpu"), smoke=3, cpu=250, gpu=250)
    rng = torch.Generator().manual_seed(seed)

    def plain(network, optimizer) -> None:
        optimizer.zero_grad()
        game.loss(network, game.members).backward()
        optimizer.step()

    def private(network, optimizer) -> None:
        page().private_step(network, game.loss, game.members, optimizer, bound=1.0, noise=noise, rng=rng)

    leak, use = trained(game, private, steps)[-1]
    path = trained(game, plain, steps)
    stopped = next((k for k, (_, useful) in enumerate(path) if useful >= use), steps - 1)
    return {"use": use, "leak": leak, "plain_leak": path[stopped][0], "gain": path[stopped][0] - leak,
            "end_leak": path[-1][0], "epsilon": epsilon(noise, steps)}


STUDY = Study(
    minutes=4,
    variants={"half": "$\\sigma = 0.5$", "one": "$\\sigma = 1$", "two": "$\\sigma = 2$", "four": "$\\sigma = 4$",
              "many": "$\\sigma = 4$, 128 members"},
    numbers={"use": Number("use"), "leak": Number("leak"), "plain_leak": Number("plain's leak at that use"),
             "gain": Number("gain", ".3f"), "end_leak": Number("plain's leak at the end"),
             "epsilon": Number("its $\\varepsilon$", ".0f")},
)
