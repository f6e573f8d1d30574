"""One step of a GAN: the whole algebra, apart from the loop around it.

A generator is called as generator(z, *labels), a discriminator as discriminator(samples, *labels); it returns logits.
"""
from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from solutions.stability import gradient_penalty, instance_noise, noise_level, r1_penalty
from solutions.training.losses import LOSSES
from solutions.training.parallel import plain, undistributed
from solutions.training.settings import NO_HOOKS, Hooks, Settings


class Batch(NamedTuple):
    """What one step is given: real (B, *), z (B, nz), and labels, each (B, *)."""

    real: Tensor
    z: Tensor
    labels: tuple[Tensor, ...] = ()


@dataclass
class Game:
    """Both players with their optimizers, and the rules; `gan_step` plays one round."""

    generator: nn.Module
    discriminator: nn.Module
    optimizer_g: Optimizer
    optimizer_d: Optimizer
    settings: Settings
    hooks: Hooks = NO_HOOKS
    rng: torch.Generator | None = None

    def generate(self, batch: Batch) -> Tensor:
        """Fake samples, float32; computed in bfloat16 where that is faster."""
        with fast_numbers(batch.real, self.settings):
            return self.generator(batch.z, *batch.labels).float()

    def judge(self, discriminator: nn.Module, samples: Tensor, batch: Batch, step: int) -> Tensor:
        """Logits, float32, of samples as D sees them: augmented and with instance noise."""
        level = noise_level(step, self.settings.steps, self.settings.noise)
        if self.hooks.augment:
            samples = self.hooks.augment(samples, self.rng)
        if level:
            samples = instance_noise(samples, level, self.rng)
        with fast_numbers(samples, self.settings):
            return discriminator(samples, *batch.labels).float()


def gan_step(game: Game, batch: Batch, step: int = 0) -> dict[str, Tensor]:
    """One round: D learns to tell real from fake, then G learns to fool the D that has learnt.

    The fakes are computed once; D sees them detached, and is frozen while G learns.

    Returns:
        What was measured, one number each, on the device: losses, gradient norms, mean logits and
        `accuracy`: the share of pairs (real, fake) that D orders right, 1/2 where it cannot tell.
    """
    fake = game.generate(batch)
    measured = discriminator_update(game, batch, fake.detach(), step) | generator_update(game, batch, fake, step)
    return {name: value.detach() for name, value in measured.items()}


def discriminator_update(game: Game, batch: Batch, fake: Tensor, step: int) -> dict[str, Tensor]:
    """D's half of a round; `fake` is detached."""
    D, settings = game.discriminator, game.settings
    real_logits = game.judge(D, batch.real, batch, step)
    fake_logits = game.judge(D, fake, batch, step)
    loss = LOSSES[settings.loss].discriminator(real_logits, fake_logits)
    extras = game.hooks.extra_d(game.generator, D, batch, fake) if game.hooks.extra_d else {}
    total = loss + sum(extras.values())
    if settings.penalty != "none" and step % settings.penalty_every == 0:
        total = total + settings.penalty_every * settings.penalty_weight * penalty(game, batch, fake)
    norm = descend(total, D, game.optimizer_d, settings.clip_norm)
    right = (real_logits.detach()[:, None] > fake_logits.detach()).float().mean()
    return {
        "loss_d": loss, "grad_norm_d": norm, "accuracy": right, "real_logits": real_logits.mean(),
        "fake_logits": fake_logits.mean(), **{f"{name}_d": value for name, value in extras.items()},
    }


def generator_update(game: Game, batch: Batch, fake: Tensor, step: int) -> dict[str, Tensor]:
    """G's half of a round; `fake` still leads back to G."""
    D, settings = undistributed(game.discriminator), game.settings
    D.requires_grad_(False)  # no gradient for D's weights, which nobody would use
    try:
        logits: tuple[Tensor, ...] = (game.judge(D, fake, batch, step),)
        if LOSSES[settings.loss].paired:
            logits += (game.judge(D, batch.real, batch, step),)
        loss = LOSSES[settings.loss].generator(*logits)
        extras = game.hooks.extra_g(game.generator, D, batch, fake) if game.hooks.extra_g else {}
        norm = descend(loss + sum(extras.values()), game.generator, game.optimizer_g, settings.clip_norm)
    finally:
        D.requires_grad_(True)
    return {"loss_g": loss, "grad_norm_g": norm, **{f"{name}_g": value for name, value in extras.items()}}


def penalty(game: Game, batch: Batch, fake: Tensor) -> Tensor:
    """The settings' gradient penalty, unweighted; not compiled, since it is differentiated twice.

    Of images it is in float32: their runs are short, and a tiny one was seen to need all digits.
    """
    D = plain(game.discriminator)

    def critic(samples: Tensor) -> Tensor:
        with fast_numbers(samples, game.settings) if samples.ndim != 4 else nullcontext():
            return D(samples, *batch.labels).float()

    if game.settings.penalty == "gradient_penalty":
        return gradient_penalty(critic, batch.real, fake, game.rng)
    at_real = r1_penalty(critic, batch.real)
    return at_real if game.settings.penalty == "r1" else at_real + r1_penalty(critic, fake)


def descend(loss: Tensor, network: nn.Module, optimizer: Optimizer, max_norm: float) -> Tensor:
    """One step downhill; returns the gradient's norm before clipping."""
    optimizer.zero_grad()
    loss.backward()
    if math.isinf(max_norm):
        norm = nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
    else:
        norm = nn.utils.clip_grad_norm_(network.parameters(), max_norm)
    optimizer.step()
    return norm


def fast_numbers(samples: Tensor, settings: Settings) -> torch.autocast:
    """bfloat16 for images, clips and long codes where the device is fast at it, nothing elsewhere.

    Points (B, k) and short codes stay float32: their networks are too small to gain, and three digits too few for a point.
    """
    large = samples.ndim >= 4 or samples.shape[1] >= 64
    enabled = settings.bfloat16 and large and fast_at_bfloat16(samples.device)
    return torch.autocast(samples.device.type, torch.bfloat16, enabled=enabled)


def fast_at_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; a CPU without them is up to 70 times slower at it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # not public, so not taken for granted
    return device.type == "cpu" and asked is not None and asked()
