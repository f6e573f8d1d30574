"""Chapter 5's GAN on the ring: Adam's momentum, with and without R1, the players in turn or at once."""
from __future__ import annotations

from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study

LAST = 6  # frames, of 36 steps each, over which a run is judged: where samples jump, one frame says little
SETTINGS = {f"{turns}_{beta1 * 100:03.0f}{'_r1' * r1}": {"beta1": beta1, "r1": r1, "at_once": turns == "at_once"}
            for turns in ("in_turn", "at_once") for r1 in (False, True) for beta1 in (0.9, 0.5, 0.0)}


@cache
def page():
    """The chapter's run, its losses and its measures."""
    return of_page("05_stability", "ring_run", "ring_numbers", "plain_step", "with_r1", "data")


class Later:
    """An optimiser that holds a step back, so that G answers the discriminator of before."""

    def __init__(self, optimizer: Optimizer):
        self.optimizer, self.held = optimizer, None

    def zero_grad(self) -> None:
        self.optimizer.zero_grad()

    def step(self) -> None:
        """Holds the gradients."""
        self.held = [(p, p.grad.clone()) for group in self.optimizer.param_groups for p in group["params"]]

    def release(self) -> None:
        """Steps with what is held."""
        for p, gradient in self.held or ():
            p.grad = gradient
        if self.held:
            self.optimizer.step()


def hold_back(turn, held: dict, G: nn.Module, D: nn.Module, optimizer: Optimizer, *batch: Tensor, **options) -> Tensor:
    """D's turn, but its weights move at the beginning of the next: then both have stepped from the same place."""
    later = held.setdefault("optimizer", Later(optimizer))
    later.release()
    return turn(G, D, later, *batch, **options)


def measure(seed: int, *, beta1: float, r1: bool, at_once: bool) -> dict[str, float]:
    """Modes, share near one and spread, each the mean over the last frames."""
    step = page().with_r1 if r1 else page().plain_step
    step = partial(hold_back, step, {}) if at_once else step
    seen, _ = page().ring_run(seed, beta1=beta1, d_step=step, bar=False)
    rows = [(*page().ring_numbers(points), spread(points) / spread(page().data)) for points in seen[-LAST:]]
    modes, near, wide = torch.tensor(rows).mean(0).tolist()
    return {"modes": modes, "near": near, "spread": wide}


def spread(points: Tensor) -> float:
    """Root of the mean squared distance from their middle."""
    return (points - points.mean(0)).square().sum(1).mean().sqrt().item()


STUDY = Study(
    minutes=4,
    variants={name: f"{'at once' if s['at_once'] else 'in turn'}, $\\beta_1 = {s['beta1']:g}${', R1' * s['r1']}"
              for name, s in SETTINGS.items()},
    numbers={"modes": Number("modes, of 8", ".1f"), "near": Number("near one", ".0%"),
             "spread": Number("spread, of the data's", ".2f")},
)
