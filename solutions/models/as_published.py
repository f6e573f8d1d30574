"""Chapter 10's two models with the judges and the loss of their papers, to measure what today's game adds.

Networks as in chapter 10, the non-saturating loss, R1 for the papers' batch norm in D; numbers that suit two minutes on
one core. Not on the command line: who trains a model takes the better recipe.
"""
from __future__ import annotations

from dataclasses import replace

import clipkit
from clipkit import ClipSet
from solutions.dcgan import dcgan_init
from solutions.models.video_gan import sparse_mask
from solutions.training.recipe import Recipe
from solutions.training.settings import Hooks, Settings, settings_of
from solutions.video_gan import MotionDiscriminator, MotionGenerator, VideoDiscriminator, VideoGenerator

SETTINGS = {
    "smoke": Settings(steps=3, batch=4, penalty="r1"),
    "cpu": Settings(steps=1500, batch=16, lr_g=2e-3, lr_d=2e-3, betas=(0.0, 0.99), penalty="r1", penalty_every=8,
                    schedule="linear", ema=0.995),
}


def videogan(data: ClipSet, preset: str) -> Recipe:
    """VideoGAN against its judge of 3-D convolutions. Source: Vondrick et al. 2016, section 2."""
    num_frames, channels, size = data.clips.shape[1:4]
    nz, width, judge = clipkit.pick(preset, smoke=(16, 4, 4), cpu=(64, 32, 16), gpu=(100, 64, 64))
    generator = VideoGenerator(num_frames, size, channels, nz=nz, width=width).apply(dcgan_init)
    discriminator = VideoDiscriminator(num_frames, size, channels, width=judge)
    return Recipe(generator, discriminator, data.clips, settings_of(SETTINGS, preset), hooks=Hooks(extra_g=sparse_mask))


def mocogan(data: ClipSet, preset: str) -> Recipe:
    """MoCoGAN against its judges of frames and of clips. Source: Tulyakov et al. 2018, section 3."""
    num_frames, channels, size = data.clips.shape[1:4]
    width, judge = clipkit.pick(preset, smoke=(4, 4), cpu=(24, 12), gpu=(64, 64))
    generator = MotionGenerator(num_frames, size, channels, width=width).apply(dcgan_init)
    settings = settings_of(SETTINGS, preset)
    steps = clipkit.pick(preset, smoke=settings.steps, cpu=1800, gpu=settings.steps)  # cheaper than VideoGAN's
    return Recipe(generator, MotionDiscriminator(num_frames, size, channels, width=judge), data.clips,
                  replace(settings, steps=steps))


RECIPES = {"videogan": videogan, "mocogan": mocogan}
