"""Chapter 2's GAN on a line: either loss of the generator, either optimiser, from an even start and against a sure D."""
from __future__ import annotations

from functools import cache, partial

import torch
from torch import nn

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from solutions.gan_losses import generator_loss, saturating_loss

AHEAD = 1000  # steps of D alone: then it is sure
SETTINGS = {f"{loss}_{by}{'_sure' * bool(ahead)}": {"saturates": loss == "saturating", "adam": by == "adam", "ahead": ahead}
            for ahead in (0, AHEAD) for by in ("sgd", "adam") for loss in ("saturating", "other")}


@cache
def page():
    """The chapter's game and its numbers."""
    return of_page("02_gan_losses", "line_game", "line_numbers", "line_steps", "by_adam")


def measure(seed: int, *, saturates: bool, adam: bool, ahead: int) -> dict[str, float]:
    """When the samples arrive, how they lie at the end, and what D then says to the data."""
    optimizer = page().by_adam if adam else partial(torch.optim.SGD, lr=0.1)
    z, arrived = torch.randn(256, 1, generator=torch.Generator().manual_seed(seed)), []

    def watch(G: nn.Module, D: nn.Module, step: int) -> None:
        if not arrived and G(z).mean() > 3:
            arrived.append(step)
    loss = saturating_loss if saturates else generator_loss
    networks = page().line_game(loss, optimizer, seed=seed, ahead=ahead, watch=watch)
    arrival = arrived[0] if arrived else page().line_steps
    return {"arrival": arrival, **dict(zip(("mean", "spread", "answer"), page().line_numbers(*networks), strict=True))}


STUDY = Study(
    minutes=4,
    variants={name: f"{'saturating' if s['saturates'] else 'non-saturating'}, {'Adam' if s['adam'] else 'plain descent'}"
              f"{', D sure' * bool(s['ahead'])}" for name, s in SETTINGS.items()},
    numbers={"arrival": Number("steps to get there", ".0f"), "mean": Number("mean of the samples"),
             "spread": Number("their spread"), "answer": Number("D's answer to data")},
)
