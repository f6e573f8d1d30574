"""Chapter 10: VideoGAN, as the one trainer takes it: its sparse mask as a hook."""
from __future__ import annotations

from dataclasses import replace
from typing import cast

from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.dcgan import dcgan_init
from solutions.models import frames_as_channels
from solutions.models.frames_as_channels import judge
from solutions.training.gan_step import Batch
from solutions.training.parallel import plain
from solutions.training.recipe import Recipe
from solutions.training.settings import Hooks, settings_of
from solutions.video_gan import VideoGenerator


def sparse_mask(
    generator: nn.Module, discriminator: nn.Module, batch: Batch, fake: Tensor,
) -> dict[str, Tensor]:
    """What VideoGAN adds to G's loss: a tenth of the mean mask, so that the foreground shows only where it must.

    Source: Vondrick et al. 2016, section 2.2.
    """
    network = cast(VideoGenerator, plain(generator))
    mask, network.mask = network.mask, None  # a network that keeps it could not be copied
    return {"mask": 0.1 * mask.abs().mean()}  # type: ignore[attr-defined]  # in training there is one


SETTINGS = {**frames_as_channels.SETTINGS, "cpu": replace(frames_as_channels.SHORT, steps=3000)}  # two minutes, too


def recipe(data: ClipSet, preset: str) -> Recipe:
    """VideoGAN on whole clips, with the settings and the judge of the baseline."""
    num_frames, channels, size = data.clips.shape[1:4]
    nz, width = clipkit.pick(preset, smoke=(16, 4), cpu=(64, 16), gpu=(100, 64))
    generator = VideoGenerator(num_frames, size, channels, nz=nz, width=width).apply(dcgan_init)
    discriminator = judge(num_frames, size, channels, preset)
    return Recipe(generator, discriminator, data.clips, settings_of(SETTINGS, preset), hooks=Hooks(extra_g=sparse_mask))
