"""Chapter 10: a GAN of codes. It plays among the principal components of clips, a hundred times fewer numbers than pixels.

What the codes cannot say, no generator of codes can make: `PrincipalCodes` sets the limit, and the game is easier for it.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.networks.perceptron import perceptron
from solutions.networks.principal import PrincipalCodes
from solutions.training.recipe import Recipe, sample
from solutions.training.settings import Settings, settings_of
from solutions.training.train import Run


class CodeMaker(nn.Module):
    """Noise to a code: the generator of a GAN of codes.

    Args:
        nz: length of z.
        width: of the hidden layers.
        code: K.
    """

    def __init__(self, nz: int, width: int, code: int):
        super().__init__()
        self.nz, self.layers = nz, perceptron(nz, width, code)

    def forward(self, z: Tensor) -> Tensor:
        """z (B, nz) to codes (B, K)."""
        return self.layers(z)


class CodeCritic(nn.Module):
    """A code to a logit: the discriminator of a GAN of codes.

    Args:
        code: K.
        width: of the hidden layers.
    """

    def __init__(self, code: int, width: int):
        super().__init__()
        self.layers = perceptron(code, width, 1)

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (B, K) to logits (B,)."""
        return self.layers(codes).flatten()


class LatentGenerator(nn.Module):
    """Noise to a clip by way of a code; to all others it is a generator like any.

    Args:
        maker: z to codes; it alone is trained.
        codes: codes to clips.
    """

    def __init__(self, maker: CodeMaker, codes: PrincipalCodes):
        super().__init__()
        self.nz, self.maker, self.codes = maker.nz, maker, codes

    def forward(self, z: Tensor) -> Tensor:
        """z (B, nz) to clips (B, T, C, H, W), in [-1, 1]."""
        return self.codes.decode(self.maker(z))


@dataclass(frozen=True)
class LatentRecipe:
    """What `Recipe` is to a GAN of pixels: the parts of a GAN of codes, to train and to sample.

    Attributes:
        generator: whole, with its decoder.
        real: clips (N, T, C, H, W).
    """

    generator: LatentGenerator
    discriminator: CodeCritic
    real: Tensor
    settings: Settings

    def game(self, seed: int = 0) -> Recipe:
        """Fits the components, and gives the game of codes, as the one trainer takes it."""
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self.generator.codes.fit(self.real)
        codes = self.generator.codes.encode(self.real)
        return Recipe(self.generator.maker, self.discriminator, codes, self.settings)

    def train(self, **options: Any) -> Run:
        """Fits the components, then trains the game of codes; `options` are the keyword arguments of `fit`."""
        game = self.game(options.get("seed", 0))
        if watch := options.get("watch"):
            options["watch"] = lambda step, maker: watch(step, self.whole(maker))
        run = game.train(**options)
        return run._replace(ema=self.whole(run.ema))

    def whole(self, maker: nn.Module) -> LatentGenerator:
        """A trained maker with the decoder behind it, in evaluation mode."""
        codes = self.generator.codes.to(next(maker.parameters()).device)
        return LatentGenerator(cast(CodeMaker, maker), codes).eval()

    def sample(self, generator: nn.Module, count: int, seed: int = 0) -> Tensor:
        """Samples (count, *), on the CPU."""
        return sample(generator, count, torch.Generator().manual_seed(seed)).cpu()


SHORT = Settings(
    steps=8500,  # two minutes on one core
    batch=128,  # codes are small, so a step can see many
    lr_g=1.5e-3, lr_d=1.5e-3, betas=(0.0, 0.99), schedule="linear",
    loss="relativistic", penalty="r1_r2", penalty_every=4,
)
SETTINGS = {
    "smoke": replace(SHORT, steps=4, batch=8),
    "cpu": SHORT,
    "long": replace(SHORT, steps=110_000, lr_g=1e-3, lr_d=1e-3),
    "gpu": replace(SHORT, steps=120_000, batch=512),
}


def recipe(data: ClipSet, preset: str) -> LatentRecipe:
    """A GAN of the codes of whole clips."""
    num_frames, channels, size = data.clips.shape[1:4]
    nz, width, code = clipkit.pick(preset, smoke=(8, 16, 8), cpu=(64, 512, 256), long=(64, 384, 224), gpu=(128, 1024, 512))
    # of the long run a file of 2 MB is to remain, most of it the components of frames
    most = clipkit.pick(preset, smoke=8, cpu=256, long=min(256, 1_200_000 // (channels * size ** 2)), gpu=512)
    codes = PrincipalCodes(num_frames, channels, size, code=code, frame_code=most)
    generator = LatentGenerator(CodeMaker(nz, width, code), codes)
    return LatentRecipe(generator, CodeCritic(code, width), data.clips, settings_of(SETTINGS, preset))
