"""Chapter 10, the baseline: an image GAN whose images have the frames of a clip for channels.

It knows nothing of time: to a convolution, the first frame and the last are as near as two neighbours. What a video
GAN adds has to show against it.
"""
from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.dcgan import Discriminator, Generator, dcgan_init
from solutions.models.video_gan import SETTINGS
from solutions.training.recipe import Recipe
from solutions.training.settings import settings_of


class StackedGenerator(nn.Module):
    """Noise to a clip: a DCGAN generator of images with T * C channels.

    Args:
        num_frames: T, at least 1.
        size, channels, nz, width: as in `Generator`.
    """

    def __init__(self, num_frames: int = 16, size: int = 32, channels: int = 3, *, nz: int = 100, width: int = 64):
        super().__init__()
        self.nz, self.shape = nz, (num_frames, channels)
        self.images = Generator(size, num_frames * channels, nz=nz, width=width)

    def forward(self, z: Tensor) -> Tensor:
        """z (B, nz) to clips (B, T, C, H, W), in [-1, 1]."""
        return self.images(z).unflatten(1, self.shape)


class StackedDiscriminator(nn.Module):
    """A clip to a logit: a DCGAN discriminator of images with T * C channels.

    Args:
        num_frames, size, channels, width: as in `StackedGenerator`.
    """

    def __init__(self, num_frames: int = 16, size: int = 32, channels: int = 3, *, width: int = 64):
        super().__init__()
        self.images = Discriminator(size, num_frames * channels, width=width, norm="none")

    def forward(self, clips: Tensor) -> Tensor:
        """Clips (B, T, C, H, W) to logits (B,)."""
        return self.images(clips.flatten(1, 2))


def recipe(data: ClipSet, preset: str) -> Recipe:
    """The baseline on whole clips, with the settings of VideoGAN; its steps are cheaper, so there are more of them."""
    num_frames, channels, size = data.clips.shape[1:4]
    shape, width = (num_frames, size, channels), clipkit.pick(preset, smoke=4, cpu=32, gpu=64)
    generator = StackedGenerator(*shape, nz=clipkit.pick(preset, smoke=16, cpu=64, gpu=100), width=width)
    settings = settings_of(SETTINGS, preset)
    if preset == "cpu":
        settings = replace(settings, steps=3000)
    return Recipe(generator.apply(dcgan_init), StackedDiscriminator(*shape, width=width), data.clips, settings)
