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
    steps=7000,  # about five minutes on one core
    loss="hinge", lr_g=5e-4, lr_d=1e-3,  # with spectral norm in D: the crispest faces of those tried
    betas=(0.0, 0.99),  # no momentum: D is smooth, and G need not wait
    schedule="linear",  # settles in the second half
    ema=0.998,
)


def recipe(seed: int, *, count: int = 8192, settings: Settings = SETTINGS) -> Recipe:
    """The generator of the preset "cpu", against a discriminator with spectral norm, on four times as many walkers."""
    data = Walkers(count, num_frames=1, scene="meadow", seed=seed)
    torch.manual_seed(seed)
    generator = Generator(32, nz=64, width=24).apply(dcgan_init)
    return Recipe(generator, Discriminator(32, width=24, norm="spectral"), frames(data), settings)
