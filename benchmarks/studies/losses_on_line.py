"""Chapter 2's GAN on a line: either loss of the generator, either optimiser, from an even start and against a sure D."""
from __future__ import annotations

from functools import cache, partial

import torch

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from solutions.gan_losses import generator_loss, saturating_loss

AHEAD = 300  # steps of D alone: then it is sure
SETTINGS = {f"{loss}_{by}{'_sure' * bool(ahead)}": {"saturates": loss == "saturating", "adam": by == "adam", "ahead": ahead}
            for ahead in (0, AHEAD) for by in ("sgd", "adam") for loss in ("saturating", "other")}


@cache
def page():
    """The chapter's game and its numbers."""
    return of_page("02_gan_losses", "line_game", "line_numbers", "by_adam")


def measure(seed: int, *, saturates: bool, adam: bool, ahead: int) -> dict[str, float]:
    """How the samples lie at the end, and what D says to the data."""
    optimizer = page().by_adam if adam else partial(torch.optim.SGD, lr=0.1)
    networks = page().line_game(saturating_loss if saturates else generator_loss, optimizer, seed=seed, ahead=ahead)
    return dict(zip(("mean", "spread", "answer"), page().line_numbers(*networks), strict=True))


STUDY = Study(
    minutes=4,
    variants={name: f"{'saturating' if s['saturates'] else 'non-saturating'}, {'Adam' if s['adam'] else 'plain descent'}"
              f"{', D sure' * bool(s['ahead'])}" for name, s in SETTINGS.items()},
    numbers={"mean": Number("mean of the samples"), "spread": Number("their spread"), "answer": Number("D's answer to data")},
)
