"""Chapter 10: content and motion apart (MoCoGAN): the recipe; `video_gan` has the networks."""
from __future__ import annotations

from dataclasses import replace

import clipkit
from clipkit import ClipSet
from solutions.dcgan import dcgan_init
from solutions.models.video_gan import SETTINGS
from solutions.training.recipe import Recipe
from solutions.training.settings import settings_of
from solutions.video_gan import MotionDiscriminator, MotionGenerator


def recipe(data: ClipSet, preset: str) -> Recipe:
    """MoCoGAN on whole clips, with the settings of VideoGAN; its steps are cheaper, so there are more of them."""
    num_frames, channels, size = data.clips.shape[1:4]
    width = clipkit.pick(preset, smoke=4, cpu=24, gpu=64)
    generator = MotionGenerator(num_frames, size, channels, width=width).apply(dcgan_init)
    width = clipkit.pick(preset, smoke=4, cpu=12, gpu=64)  # two of them against one generator
    discriminator = MotionDiscriminator(num_frames, size, channels, width=width)
    settings = settings_of(SETTINGS, preset)
    if preset == "cpu":
        settings = replace(settings, steps=1800)
    return Recipe(generator, discriminator, data.clips, settings)
