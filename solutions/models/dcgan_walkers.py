"""DCGAN of walkers for the book's pictures and the live demo, trained longer than a chapter's cell may take.

    python -m solutions.published.shipped dcgan
"""
from __future__ import annotations

import torch

from clipkit import Walkers
from solutions.dcgan import Discriminator, Generator, dcgan_init
from solutions.training.recipe import Recipe, frames
from solutions.training.settings import Settings

SETTINGS = Settings(
    steps=7000,  # about four minutes on one core
    loss="relativistic", penalty="r1", penalty_weight=3.0, penalty_every=8,  # chapter 5's pairs
    lr_g=1e-3, lr_d=1e-3, betas=(0.0, 0.99),
    schedule="linear",  # settles in the second half
    ema=0.998,
)


def recipe(seed: int, *, count: int = 8192, settings: Settings = SETTINGS) -> Recipe:
    """The generator of the preset "cpu", against a discriminator without norms, on four times as many walkers."""
    data = Walkers(count, num_frames=1, scene="meadow", seed=seed)
    torch.manual_seed(seed)
    generator = Generator(32, nz=64, width=24).apply(dcgan_init)
    return Recipe(generator, Discriminator(32, width=24, norm="none"), frames(data), settings)
