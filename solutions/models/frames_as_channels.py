"""Chapter 10, the baseline: an image GAN whose images have the frames of a clip for channels; and the judge of all.

Its generator knows nothing of time: to a convolution, the first frame and the last are as near as two neighbours. What a
video GAN adds has to show against it. Its discriminator judges the other video models, too: of those tried it teaches
them most (`benchmarks.lpc_video`).
"""
from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.dcgan import dcgan_init
from solutions.networks.layers import num_doublings
from solutions.training.recipe import Recipe
from solutions.training.settings import Settings, settings_of


def widths_of(size: int, width: int) -> list[int]:
    """Channels of the layers from half of `size` down to 4 x 4: `width`
    twice, then doubled at each halving.

    DCGAN would begin with half as many. But 8 frames of three colours are
    96 numbers in each field of 2 x 2 pixels, and a layer that keeps 32 of
    them is blind to the rest: that is where speckle hides.
    """
    return [width, *(width << k for k in range(num_doublings(size) - 1))]


class StackedGenerator(nn.Module):
    """Noise to a clip: transposed convolutions to an image with T * C
    channels, as in DCGAN.

    Args:
        num_frames: T, at least 1.
        size: height and width, a power of two of at least 16.
        channels: of a frame, 1 or 3.
        nz: length of z.
        width: as `widths_of` takes it.
    """

    def __init__(
        self, num_frames: int = 16, size: int = 32, channels: int = 3, *,
        nz: int = 100, width: int = 64,
    ):
        super().__init__()
        self.nz, self.shape = nz, (num_frames, channels)
        widths = widths_of(size, width)[::-1]
        layers: list[nn.Module] = []
        layers.append(nn.ConvTranspose2d(nz, widths[0], 4, bias=False))
        for before, after in zip(
                widths, [*widths[1:], num_frames * channels]):
            layers += [nn.BatchNorm2d(before), nn.ReLU(inplace=True)]
            layers.append(nn.ConvTranspose2d(
                before, after, 4, stride=2, padding=1, bias=False))
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        """z (B, nz) to clips (B, T, C, H, W), in [-1, 1]."""
        return self.layers(z[:, :, None, None]).unflatten(1, self.shape)


class StackedDiscriminator(nn.Module):
    """A clip to a logit: strided convolutions over an image with T * C
    channels, without a norm.

    Args:
        num_frames, size, channels, width: as in `StackedGenerator`.
    """

    def __init__(
        self, num_frames: int = 16, size: int = 32, channels: int = 3, *,
        width: int = 64,
    ):
        super().__init__()
        widths = widths_of(size, width)
        layers: list[nn.Module] = []
        for before, after in zip([num_frames * channels, *widths], widths):
            layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        head = nn.Conv2d(widths[-1], 1, 4, bias=False)  # 4 x 4 to 1 x 1
        self.layers = nn.Sequential(*layers, head)

    def forward(self, clips: Tensor) -> Tensor:
        """Clips (B, T, C, H, W) to logits (B,)."""
        return self.layers(clips.flatten(1, 2)).flatten()


SHORT = Settings(
    steps=4300,  # two minutes on one core
    batch=16,  # more steps of fewer clips reach further than fewer steps of more
    lr_g=1e-3, lr_d=1e-3,  # five times the papers': a short run of a small network bears it
    betas=(0.0, 0.99),  # no momentum: with R1, D is smooth and G need not wait
    loss="relativistic",  # pairs: of all that was tried, what helped most
    penalty="r1", penalty_weight=3.0, penalty_every=8,  # every eighth step costs an eighth, and does as much
    schedule="linear",  # the second half wipes the speckle off
    ema=0.995,  # a short run has a short memory
)
SETTINGS = {
    "smoke": replace(SHORT, steps=3, batch=4, penalty_every=2),
    "cpu": SHORT,
    "long": replace(SHORT, steps=8000, batch=32, ema=0.999),
    "gpu": replace(SHORT, steps=20_000, batch=64, lr_g=5e-4, lr_d=5e-4, ema=0.999, compile=True),  # 16 frames of 64 x 64
}


def judge(num_frames: int, size: int, channels: int, preset: str) -> StackedDiscriminator:
    """The discriminator of every model of pixels in chapter 10."""
    return StackedDiscriminator(num_frames, size, channels, width=clipkit.pick(preset, smoke=4, cpu=64, gpu=128))


def recipe(data: ClipSet, preset: str) -> Recipe:
    """The baseline on whole clips."""
    num_frames, channels, size = data.clips.shape[1:4]
    nz, width = clipkit.pick(preset, smoke=(16, 4), cpu=(64, 64), gpu=(100, 128))
    generator = StackedGenerator(num_frames, size, channels, nz=nz, width=width).apply(dcgan_init)
    return Recipe(generator, judge(num_frames, size, channels, preset), data.clips, settings_of(SETTINGS, preset))
