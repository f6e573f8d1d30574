"""All that a run needs, made from a set of clips and a preset; how models join the command line."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from clipkit import ClipSet, Picture, film_strip, image_grid
from solutions.training.parallel import plain
from solutions.training.settings import NO_HOOKS, Hooks, Settings
from solutions.training.train import Run, fit


@dataclass(frozen=True)
class Recipe:
    """A model's networks, data and settings.

    Attributes:
        real, labels: as `fit` takes them.
        draw: draw(generator, count, rng) gives samples; the default feeds z from a standard Gaussian.
    """

    generator: nn.Module
    discriminator: nn.Module
    real: Tensor
    settings: Settings
    labels: tuple[Tensor, ...] = ()
    hooks: Hooks = NO_HOOKS
    draw: Callable | None = None

    def train(self, **options: Any) -> Run:
        """Runs `fit`; `options` are its keyword arguments, such as seed, device and checkpoint."""
        return fit(
            self.generator, self.discriminator, self.real, self.settings,
            labels=self.labels, hooks=self.hooks, **options,
        )

    def sample(self, generator: nn.Module, count: int, seed: int = 0) -> Tensor:
        """Samples (count, *) of this recipe's generator or its average, on the CPU."""
        return (self.draw or sample)(generator, count, torch.Generator().manual_seed(seed)).cpu()


@torch.no_grad()
def sample(generator: nn.Module, count: int, rng: torch.Generator) -> Tensor:
    """Samples (count, *) from z of a standard Gaussian, drawn on the CPU: the same on every device."""
    z = torch.randn(count, plain(generator).nz, generator=rng)
    return generator(z.to(next(generator.parameters()).device))


def frames(data: ClipSet) -> Tensor:
    """The middle frame of every clip, (N, C, H, W)."""
    return data.clips[:, data.clips.shape[1] // 2]


def picture(samples: Tensor, alt: str) -> Picture:
    """Images (N, C, H, W) as a grid, clips (N, T, C, H, W) as film strips."""
    return image_grid(samples, alt=alt) if samples.ndim == 4 else film_strip(samples, alt=alt)
