"""Chapter 10: VideoGAN, as the one trainer takes it: its sparse mask as a hook."""
from __future__ import annotations

from typing import cast

from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.dcgan import dcgan_init
from solutions.training.gan_step import Batch
from solutions.training.parallel import plain
from solutions.training.recipe import Recipe
from solutions.training.settings import Hooks, Settings, settings_of
from solutions.video_gan import VideoDiscriminator, VideoGenerator


def sparse_mask(
    generator: nn.Module, discriminator: nn.Module, batch: Batch, fake: Tensor,
) -> dict[str, Tensor]:
    """What VideoGAN adds to G's loss: a tenth of the mean mask, so that the foreground shows only where it must.

    Source: Vondrick et al. 2016, section 2.2.
    """
    network = cast(VideoGenerator, plain(generator))
    mask, network.mask = network.mask, None  # a network that keeps it could not be copied
    return {"mask": 0.1 * mask.abs().mean()}  # type: ignore[attr-defined]  # in training there is one


SETTINGS = {
    "smoke": Settings(steps=3, batch=4, penalty="r1"),
    "cpu": Settings(
        steps=1500,  # two to three minutes on one core
        batch=16,  # clips of 8 frames: as much to convolve as 128 images
        lr_g=2e-3, lr_d=2e-3,  # ten times the paper's: a short run of a small network bears it
        betas=(0.0, 0.99),  # no momentum: with R1, D is smooth and G need not wait
        penalty="r1", penalty_every=8,  # every eighth step costs an eighth, and does as much
        schedule="linear",  # the second half wipes the speckle off
        ema=0.995,  # a short run has a short memory
    ),
    "gpu": Settings(
        steps=20_000,  # the paper's networks, 16 frames of 64 x 64
        batch=64, penalty="r1", penalty_every=8, schedule="linear", compile=True,
    ),
}


def recipe(data: ClipSet, preset: str) -> Recipe:
    """VideoGAN on whole clips."""
    num_frames, channels, size = data.clips.shape[1:4]
    nz, width = clipkit.pick(preset, smoke=(16, 4), cpu=(64, 32), gpu=(100, 64))
    generator = VideoGenerator(num_frames, size, channels, nz=nz, width=width).apply(dcgan_init)
    width = clipkit.pick(preset, smoke=4, cpu=16, gpu=64)
    discriminator = VideoDiscriminator(num_frames, size, channels, width=width)
    return Recipe(generator, discriminator, data.clips, settings_of(SETTINGS, preset), hooks=Hooks(extra_g=sparse_mask))
