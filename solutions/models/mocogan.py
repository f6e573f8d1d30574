"""Chapter 10: content and motion apart (MoCoGAN): the recipe; `solutions.video_gan` has the networks."""
from __future__ import annotations

from dataclasses import replace

import clipkit
from clipkit import ClipSet
from solutions.dcgan import dcgan_init
from solutions.models import frames_as_channels
from solutions.models.frames_as_channels import judge
from solutions.training.recipe import Recipe
from solutions.training.settings import settings_of
from solutions.video_gan import MotionGenerator

SETTINGS = {
    **frames_as_channels.SETTINGS,  # two minutes on one core, too, and a generator that bears a little more
    "cpu": replace(frames_as_channels.SHORT, steps=2800, lr_g=1.5e-3, lr_d=1.5e-3),
}


def recipe(data: ClipSet, preset: str) -> Recipe:
    """MoCoGAN on whole clips, with the judge of the baseline."""
    num_frames, channels, size = data.clips.shape[1:4]
    if num_frames < 2:
        raise ValueError(f"expected clips of at least 2 frames, got {num_frames}: ask the data for num_frames=8")
    width = clipkit.pick(preset, smoke=4, cpu=24, gpu=64)
    generator = MotionGenerator(num_frames, size, channels, width=width).apply(dcgan_init)
    return Recipe(generator, judge(num_frames, size, channels, preset), data.clips, settings_of(SETTINGS, preset))
