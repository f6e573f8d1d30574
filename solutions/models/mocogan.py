"""Chapter 10: content and motion apart (MoCoGAN): the recipe; `solutions.video_gan` has the networks."""
from __future__ import annotations

import clipkit
from clipkit import ClipSet
from solutions.dcgan import dcgan_init
from solutions.models.frames_as_channels import judge
from solutions.models.video_gan import SETTINGS
from solutions.training.recipe import Recipe
from solutions.training.settings import settings_of
from solutions.video_gan import MotionGenerator


def recipe(data: ClipSet, preset: str) -> Recipe:
    """MoCoGAN on whole clips, with the settings of VideoGAN and the judge of the baseline."""
    num_frames, channels, size = data.clips.shape[1:4]
    if num_frames < 2:
        raise ValueError(f"expected clips of at least 2 frames, got {num_frames}: ask the data for num_frames=8")
    width = clipkit.pick(preset, smoke=4, cpu=16, gpu=64)
    generator = MotionGenerator(num_frames, size, channels, width=width).apply(dcgan_init)
    return Recipe(generator, judge(num_frames, size, channels, preset), data.clips, settings_of(SETTINGS, preset))
