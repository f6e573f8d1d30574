"""Chapter 9: StyleGAN2, as the one trainer takes it: style mixing, and path-length regularisation as its hook."""
from __future__ import annotations

import torch
from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.stylegan2 import StyleDiscriminator, StyleGenerator, path_lengths, path_penalty
from solutions.training.gan_step import Batch
from solutions.training.parallel import plain
from solutions.training.recipe import Recipe, frames
from solutions.training.settings import Hooks, Settings, settings_of


class PathLength:
    """Path-length regularisation, as the trainer's hook `extra_g`: steps in w should move all images equally far.

    Args:
        weight: 2 in the authors' settings.
        every: computed each so many steps (lazily), and then as many times as strong.
        decay: of the running mean of lengths, which is the length aimed at.
    Source: Karras et al. 2020, eq. 4 and section 3.2.
    """

    def __init__(self, weight: float = 2.0, every: int = 4, decay: float = 0.99):
        self.weight, self.every, self.decay, self.step = weight, every, decay, 0

    def __call__(
        self, generator: nn.Module, discriminator: nn.Module, batch: Batch, fake: Tensor,
    ) -> dict[str, Tensor]:
        self.step += 1
        if self.step % self.every:
            return {}
        network, z = plain(generator), batch.z[::2]  # half of the batch is enough
        w = network.styles(z[:, 0] if z.ndim == 3 else z)
        images = network.synthesis(w)
        lengths = path_lengths(images, w, torch.randn_like(images))
        return {"path": self.every * self.weight * path_penalty(lengths, network.mean_path, self.decay)}


SETTINGS = {
    "smoke": Settings(steps=3, batch=8, betas=(0.0, 0.99), penalty="r1", penalty_weight=0.1),
    "cpu": Settings(
        steps=3000,  # for digits of 16 x 16, 150 seconds of one core
        batch=16,
        lr_g=8e-3, lr_d=4e-3,  # more than the paper's 2e-3: weights of size 1 take long to go anywhere
        betas=(0.0, 0.99), penalty="r1", penalty_weight=1.0, penalty_every=4,
        ema=0.99,  # a short run has a short memory
    ),
    "gpu": Settings(
        steps=40_000, batch=64, lr_g=2e-3, lr_d=2e-3, betas=(0.0, 0.99),  # the paper's
        penalty="r1", penalty_weight=0.1, penalty_every=16, ema=0.9995, compile=True,
    ),
}


def recipe(data: ClipSet, preset: str) -> Recipe:
    """A small StyleGAN2 on the middle frames of the clips, with style mixing and path-length regularisation."""
    real = frames(data)
    channels, size = real.shape[1:3]
    nz, depth = clipkit.pick(preset, smoke=(16, 2), cpu=(64, 4), gpu=(512, 8))
    width, max_width = clipkit.pick(preset, smoke=(4, 16), cpu=(16, 96), gpu=(64, 512))
    networks = (
        StyleGenerator(size, channels, nz=nz, depth=depth, width=width, max_width=max_width),
        StyleDiscriminator(size, channels, width=width, max_width=max_width),
    )
    mixed = lambda rng, count: torch.randn(count, 2, nz, generator=rng, device=rng.device)
    path = PathLength(*clipkit.pick(preset, smoke=(2.0, 1), cpu=(0.1, 8), gpu=(2.0, 8)))  # a short run bears little
    hooks = Hooks(latent=mixed, extra_g=path)
    return Recipe(*networks, real, settings_of(SETTINGS, preset), hooks=hooks)
