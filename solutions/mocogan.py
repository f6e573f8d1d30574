"""Chapter 10: content and motion apart (MoCoGAN): one code says who is seen, a walk through others what they do."""
from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.dcgan import Discriminator, Generator, dcgan_init
from solutions.recipe import Recipe
from solutions.video_gan import SETTINGS, VideoDiscriminator


class MotionGenerator(nn.Module):
    """Noise to a clip, frame by frame: a content code that stays, and a motion code that a GRU moves on.

    z holds the content code, then noise for each frame: a longer z makes a longer clip.

    Args:
        num_frames: T of a z of length nz, at least 1.
        size, channels, width: as in `Generator`, which makes each frame.
        content, motion: lengths of the two codes; nz = content + T * motion.
    Source: Tulyakov et al. 2018, figure 2.
    """

    def __init__(
        self, num_frames: int = 16, size: int = 32, channels: int = 3, *, content: int = 50, motion: int = 10,
        width: int = 64,
    ):
        super().__init__()
        self.content, self.motion, self.nz = content, motion, content + num_frames * motion
        self.walk = nn.GRU(motion, motion, batch_first=True)
        self.frame = Generator(size, channels, nz=content + motion, width=width)

    def codes(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """z (B, content + T * motion) to the codes of each frame: content (B, T, content), motion (B, T, motion)."""
        noise = z[:, self.content:].unflatten(1, (-1, self.motion))
        motion, _ = self.walk(noise)
        return z[:, None, :self.content].expand(-1, noise.shape[1], -1), motion

    def forward(self, z: Tensor) -> Tensor:
        """z (B, content + T * motion) to clips (B, T, C, H, W), in [-1, 1]."""
        codes = torch.cat(self.codes(z), 2)  # (B, T, content + motion)
        return self.frame(codes.flatten(0, 1)).unflatten(0, codes.shape[:2])


class MotionDiscriminator(nn.Module):
    """A clip to two logits: one network judges a single frame, another the clip.

    Args:
        num_frames, size, channels, width: as in `VideoDiscriminator`.
    Source: Tulyakov et al. 2018, section 3.
    """

    def __init__(self, num_frames: int = 16, size: int = 32, channels: int = 3, *, width: int = 64):
        super().__init__()
        self.image = Discriminator(size, channels, width=width, norm="none")
        self.video = VideoDiscriminator(num_frames, size, channels, width=width)

    def forward(self, clips: Tensor) -> Tensor:
        """Clips (B, T, C, H, W) to logits (B, 2): of a frame, of the clip. A loss takes the mean over both."""
        return torch.stack([self.image(frames_in_turn(clips)), self.video(clips)], 1)


def frames_in_turn(clips: Tensor) -> Tensor:
    """One frame of each clip, (B, C, H, W): the first of the first clip, the second of the second, and so on.

    The clips of a batch are drawn at random, so this is as good as a random frame of each, and the same every time.

    Args:
        clips: (B, T, C, H, W).
    """
    index = torch.arange(len(clips), device=clips.device)
    return clips[index, index % clips.shape[1]]


def recipe(data: ClipSet, preset: str) -> Recipe:
    """MoCoGAN on whole clips, with the settings of VideoGAN; its steps are cheaper, so there are more of them."""
    num_frames, channels, size = data.clips.shape[1:4]
    width = clipkit.pick(preset, smoke=4, cpu=24, gpu=64)
    generator = MotionGenerator(num_frames, size, channels, width=width).apply(dcgan_init)
    width = clipkit.pick(preset, smoke=4, cpu=12, gpu=64)  # two of them against one generator
    discriminator = MotionDiscriminator(num_frames, size, channels, width=width)
    settings = SETTINGS[preset]
    if preset == "cpu":
        settings = replace(settings, steps=1800)
    return Recipe(generator, discriminator, data.clips, settings)
