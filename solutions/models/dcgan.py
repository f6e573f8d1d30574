"""Chapter 4: DCGAN, as the one trainer takes it."""
from __future__ import annotations

import clipkit
from clipkit import ClipSet
from solutions.dcgan import Discriminator, Generator, dcgan_init
from solutions.training.recipe import Recipe, frames
from solutions.training.settings import Settings, settings_of

SETTINGS = {
    "smoke": Settings(steps=4, batch=8),
    "cpu": Settings(
        steps=2000,  # a minute and a half on one core: people have faces and hands
        lr_g=1e-3, lr_d=1e-3,  # five times the paper's: a short run of a small network bears it
        ema=0.995,  # a short run has a short memory
    ),
    "gpu": Settings(
        steps=20_000,  # a few minutes on a data-centre GPU
        batch=128,  # as in the paper
        schedule="linear",  # settles in the second half
        compile=True,  # small kernels: the host would be the bottleneck
    ),
}


def recipe(data: ClipSet, preset: str) -> Recipe:
    """DCGAN on the middle frames of the clips."""
    real = frames(data)
    channels, size = real.shape[1:3]
    width = clipkit.pick(preset, smoke=8, cpu=24, gpu=64)
    nz = clipkit.pick(preset, smoke=16, cpu=64, gpu=100)
    networks = Generator(size, channels, nz=nz, width=width), Discriminator(size, channels, width=width)
    for network in networks:
        network.apply(dcgan_init)
    return Recipe(*networks, real, settings_of(SETTINGS, preset))
