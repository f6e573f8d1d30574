"""Chapter 10: clips from two streams (VideoGAN): what moves is laid over a background that stands still.

Inside a network made of 3-D convolutions clips are (B, C, T, H, W), as `Conv3d` has it; they are (B, T, C, H, W)
wherever they come in or go out.
"""
from __future__ import annotations

import math

from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.dcgan import Generator, dcgan_init
from solutions.layers import num_doublings
from solutions.parallel import plain
from solutions.recipe import Recipe
from solutions.settings import Hooks, Settings


def time_strides(num_frames: int, size: int) -> list[int]:
    """How each halving of height and width treats time: 2 halves it too, 1 leaves alone what has become odd.

    16 frames of 64 x 64: [2, 2, 2, 2], one frame at 4 x 4. 8 frames of 64 x 64: [2, 2, 2, 1].

    Raises:
        ValueError: fewer than 4 frames or an odd number of them, or a size that is no power of two from 16 on.
    """
    if num_frames < 4 or num_frames % 2:
        raise ValueError(f"expected clips of an even number of frames, at least 4, got {num_frames}: "
                         "ask the data for num_frames=8 or 16")
    strides = []
    for _ in range(num_doublings(size)):
        strides.append(1 if num_frames % 2 else 2)
        num_frames //= strides[-1]
    return strides


def compose(foreground: Tensor, mask: Tensor, background: Tensor) -> Tensor:
    """What moves, laid over what stands still: m f + (1 - m) b.

    Args:
        foreground: (B, T, C, H, W).
        mask: (B, T, 1, H, W), in [0, 1]: 1 shows the foreground, 0 the background.
        background: (B, C, H, W), the same in every frame.
    Returns:
        Clips (B, T, C, H, W), between foreground and background.
    Source: Vondrick et al. 2016, section 2.2.
    """
    return mask * foreground + (1 - mask) * background[:, None]


class VideoGenerator(nn.Module):
    """Noise to a clip in two streams: 3-D transposed convolutions make what moves and its mask, a DCGAN generator
    makes one background.

    Args:
        num_frames: T, even and at least 4.
        size: height and width, a power of two of at least 16.
        channels: of a frame, 1 or 3.
        nz: length of z, which both streams see.
        width: channels at half of the size; doubled at each halving, down to 4 x 4.
    Attributes:
        mask: in training, that of the last clips, until `sparse_mask` takes it.
    Source: Vondrick et al. 2016, figure 1.
    """

    def __init__(self, num_frames: int = 16, size: int = 32, channels: int = 3, *, nz: int = 100, width: int = 64):
        super().__init__()
        self.nz, self.mask = nz, None
        self.background = Generator(size, channels, nz=nz, width=width)
        strides = time_strides(num_frames, size)
        widths = [width << k for k in reversed(range(len(strides)))]
        first = num_frames // math.prod(strides)  # frames at 4 x 4
        layers = [nn.ConvTranspose3d(nz, widths[0], (first, 4, 4), bias=False)]
        for before, after, stride in zip(widths, [*widths[1:], channels + 1], reversed(strides), strict=True):
            layers += [nn.BatchNorm3d(before), nn.ReLU(inplace=True)]
            layers += [nn.ConvTranspose3d(before, after, (2 + stride, 4, 4), (stride, 2, 2), padding=1, bias=False)]
        self.volume = nn.Sequential(*layers)

    def streams(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """z (B, nz) to foreground (B, T, C, H, W), mask (B, T, 1, H, W) and background (B, C, H, W)."""
        volume = self.volume(z[:, :, None, None, None]).transpose(1, 2)  # (B, T, C + 1, H, W)
        return volume[:, :, :-1].tanh(), volume[:, :, -1:].sigmoid(), self.background(z)

    def forward(self, z: Tensor) -> Tensor:
        """z (B, nz) to clips (B, T, C, H, W), in [-1, 1]."""
        foreground, mask, background = self.streams(z)
        if self.training:
            self.mask = mask
        return compose(foreground, mask, background)


class VideoDiscriminator(nn.Module):
    """A clip to a logit, by strided 3-D convolutions: it sees motion as well as looks.

    The paper norms its batches; here R1 keeps the network smooth, and a logit depends on its own clip alone.

    Args:
        num_frames, size, channels, width: as in `VideoGenerator`.
    Source: Vondrick et al. 2016, section 2.3.
    """

    def __init__(self, num_frames: int = 16, size: int = 32, channels: int = 3, *, width: int = 64):
        super().__init__()
        strides = time_strides(num_frames, size)
        widths = [width << k for k in range(len(strides))]
        layers = []
        for before, after, stride in zip([channels, *widths[:-1]], widths, strides, strict=True):
            layers.append(nn.Conv3d(before, after, (2 + stride, 4, 4), (stride, 2, 2), padding=1))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        last = num_frames // math.prod(strides)  # frames at 4 x 4
        self.layers = nn.Sequential(*layers, nn.Conv3d(widths[-1], 1, (last, 4, 4)))

    def forward(self, clips: Tensor) -> Tensor:
        """Clips (B, T, C, H, W) to logits (B,)."""
        return self.layers(clips.transpose(1, 2)).flatten()


def sparse_mask(generator, discriminator, batch, fake) -> dict[str, Tensor]:
    """What VideoGAN adds to G's loss: a tenth of the mean mask, so that the foreground shows only where it must.

    Source: Vondrick et al. 2016, section 2.2.
    """
    generator = plain(generator)
    mask, generator.mask = generator.mask, None  # a network that keeps it could not be copied
    return {"mask": 0.1 * mask.abs().mean()}


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
    return Recipe(generator, discriminator, data.clips, SETTINGS[preset], hooks=Hooks(extra_g=sparse_mask))
