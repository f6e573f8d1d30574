"""Chapter 7: the conditional GAN, as the one trainer takes it."""
from __future__ import annotations

import torch
from torch import Tensor

import clipkit
from clipkit import ClipSet
from solutions.conditional import ConditionalGenerator, ProjectionDiscriminator
from solutions.dcgan import dcgan_init
from solutions.training.recipe import Recipe, frames
from solutions.training.settings import Settings, settings_of

SETTINGS = {
    "smoke": Settings(steps=4, batch=8, penalty="r1"),
    "cpu": Settings(
        steps=2000,  # under two minutes on one core
        lr_g=1e-3, lr_d=2e-3,  # D has to learn the labels before it can teach them
        betas=(0.0, 0.99),  # no momentum: with R1, D is smooth and G need not wait
        penalty="r1", penalty_weight=1.0, penalty_every=4,  # every fourth step costs a quarter, and does as much
        ema=0.995,  # a short run has a short memory
    ),
    "gpu": Settings(steps=20_000, batch=128, penalty="r1", penalty_weight=1.0, penalty_every=4, compile=True),
}


def controlled_factor(data: ClipSet) -> str:
    """The attribute that a cGAN is given: the first that the data have of these.

    Raises:
        ValueError: the data have no label.
    """
    for name in ("digit", "class", "shirt", *data.attributes):
        if name in data.labels:
            return name
    raise ValueError("a conditional GAN needs labels and the data have none: try --data walkers, --data digits or a "
                     "folder with one sub-folder a class")


def recipe(data: ClipSet, preset: str) -> Recipe:
    """A conditional GAN on the middle frames of the clips; samples come with the labels in turn."""
    real, factor = frames(data), controlled_factor(data)
    num_classes, (channels, size) = len(data.attributes[factor]), real.shape[1:3]
    width = clipkit.pick(preset, smoke=8, cpu=24, gpu=64)

    @torch.no_grad()
    def draw(generator: ConditionalGenerator, count: int, rng: torch.Generator) -> Tensor:
        labels = torch.arange(count) % num_classes
        device = next(generator.parameters()).device
        return generator(torch.randn(count, generator.nz, generator=rng).to(device), labels.to(device))

    generator = ConditionalGenerator(num_classes, size, channels, width=width).apply(dcgan_init)
    discriminator = ProjectionDiscriminator(num_classes, size, channels, width=width)
    return Recipe(generator, discriminator, real, settings_of(SETTINGS, preset), (data.labels[factor],), draw=draw)
