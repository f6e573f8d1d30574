"""Chapter 13: flow matching. A network learns a velocity; following it carries noise to data, with no opponent.

Time runs from 0 (noise, N(0, I)) to 1 (data), on straight lines: x_t = (1 - t) x_0 + t x_1. A velocity is called as
velocity(x, t), with x (B, *) and t (B,), and returns (B, *). Diffusion models count time the other way.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Velocity = Callable[[Tensor, Tensor], Tensor]


def on_the_line(noise: Tensor, data: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Where a point on its straight way from noise to data is, and how fast it goes.

    Args:
        noise, data: (B, *), the two ends.
        t: (B,), in [0, 1].
    Returns:
        x_t (B, *) and the velocity dx_t/dt (B, *), which does not depend on t.
    Source: Lipman et al. 2023, eq. 20-23, with sigma_min = 0; Liu et al. 2023, eq. 1.
    """
    t = _beside(t, data)
    return (1 - t) * noise + t * data, data - noise


def flow_matching_loss(velocity: Velocity, data: Tensor, rng: torch.Generator) -> Tensor:
    """How far a velocity is from that of straight lines between noise and data, squared.

    Many lines cross at a point, and no network can follow all: the best one answers with their mean, and that mean
    is the velocity that carries the whole distribution.

    Args:
        data: (B, *), real.
        rng: draws the noise, then t, uniform in [0, 1), on its device.
    Returns:
        One number: the mean over samples and values. It does not go to 0.
    Source: Lipman et al. 2023, eq. 14 and 23.
    """
    noise = torch.randn(data.shape, generator=rng, device=rng.device)
    t = torch.rand(len(data), generator=rng, device=rng.device)
    x, target = on_the_line(noise, data, t)
    return (velocity(x, t) - target).square().mean()


def euler(velocity: Velocity, x: Tensor, steps: int) -> Tensor:
    """Carries noise to data in equal steps along the velocity at each step's start.

    Exact where ways are straight; otherwise the error falls as 1 / steps.

    Args:
        x: noise (B, *), at t = 0.
        steps: how many; each evaluates the velocity once.
    Returns:
        Samples (B, *), at t = 1.
    """
    for step in range(steps):
        t = torch.full((len(x),), step / steps, device=x.device)
        x = x + velocity(x, t) / steps
    return x


def heun(velocity: Velocity, x: Tensor, steps: int) -> Tensor:
    """Carries noise to data along the mean of the velocities at each step's start and at the end that Euler's step
    would reach.

    Two evaluations a step; the error falls as 1 / steps ** 2.

    Args:
        x, steps: as in `euler`.
    Returns:
        Samples (B, *), at t = 1.
    """
    for step in range(steps):
        t = torch.full((len(x),), step / steps, device=x.device)
        first = velocity(x, t)
        second = velocity(x + first / steps, t + 1 / steps)
        x = x + (first + second) / (2 * steps)
    return x


SAMPLERS = {"euler": euler, "heun": heun}


def gaussian_velocity(x: Tensor, t: Tensor, mean: Tensor | float, std: Tensor | float) -> Tensor:
    """The best velocity, in closed form, where each value of the data is N(mean, std^2), independent of the others.

    x_t is then N(t mean, v) with v = (1 - t)^2 + t^2 std^2, and the best answer to "which way?" at x is the mean of
    x_1 - x_0 given x_t = x, a line in x.

    Args:
        x: (B, *).
        t: (B,), in [0, 1]; below 1 where std is 0.
    Returns:
        (B, *).
    Source: conditional means of a joint normal distribution.
    """
    t = _beside(t, x)
    variance = (1 - t) ** 2 + (t * std) ** 2
    covariance = t * std ** 2 - (1 - t)  # of x_1 - x_0 with x_t
    return mean + covariance / variance * (x - t * mean)


def noise_and_data(v: Tensor, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """What a velocity says about both ends of the line: the expected noise and the expected data.

    A diffusion model is trained to predict one of these; here both are read off the velocity.

    Args:
        v: velocity(x, t), (B, *).
        x: (B, *).
        t: (B,), in [0, 1].
    Returns:
        E[x_0 | x_t = x] and E[x_1 | x_t = x], (B, *) each.
    """
    t = _beside(t, x)
    return x - t * v, x + (1 - t) * v


def score_from_velocity(v: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """The gradient of log p_t at x, which diffusion models learn: minus the expected noise over its size.

    Args:
        v: velocity(x, t), (B, *).
        x: (B, *).
        t: (B,), in [0, 1): at t = 1 there is no noise to read it from.
    Returns:
        (B, *).
    Source: Tweedie's formula; Song et al. 2021, "Score-Based Generative Modeling".
    """
    noise, _ = noise_and_data(v, x, t)
    return -noise / (1 - _beside(t, x))


def variance_preserving(t: Tensor) -> tuple[Tensor, Tensor]:
    """The straight line's mix of data and noise, rescaled as diffusion models have it: alpha^2 + sigma^2 = 1.

    x_t / sqrt(t^2 + (1 - t)^2) = alpha x_1 + sigma x_0: the two paths differ in scale alone.

    Args:
        t: in [0, 1].
    Returns:
        alpha, sigma, of t's shape.
    """
    length = (t ** 2 + (1 - t) ** 2).sqrt()
    return t / length, (1 - t) / length


def ddim_step(x: Tensor, noise: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """One deterministic step of a diffusion model's sampler, from time t to time s.

    It takes the expected noise out, rescales to data, and puts less of the same noise back. With the noise that
    `noise_and_data` reads off a velocity this is Euler's step, rescaled.

    Args:
        x: alpha_t x_1 + sigma_t x_0, (B, *).
        noise: expected at x, (B, *).
        t, s: (B,), 0 < t < s <= 1.
    Returns:
        (B, *), at time s.
    Source: Song et al. 2021, "Denoising Diffusion Implicit Models", eq. 12 with sigma = 0.
    """
    (alpha_t, sigma_t), (alpha_s, sigma_s) = (variance_preserving(_beside(time, x)) for time in (t, s))
    data = (x - sigma_t * noise) / alpha_t
    return alpha_s * data + sigma_s * noise


@torch.no_grad()
def bend(velocity: Velocity, x: Tensor, steps: int = 32) -> float:
    """How bent the ways are: the mean squared distance of the velocity from the way's straight connection.

    0 where every way is straight, and then one step of Euler's samples as well as a hundred.

    Args:
        x: noise (B, *).
        steps: of Euler's, to follow the ways.
    Source: Liu et al. 2023, the measure S of section 2.2.
    """
    start, seen = x, []
    for step in range(steps):
        seen.append(velocity(x, torch.full((len(x),), step / steps, device=x.device)))
        x = x + seen[-1] / steps
    return torch.stack([(v - (x - start)).square().mean() for v in seen]).mean().item()


@torch.no_grad()
def reflow_pairs(velocity: Velocity, noise: Tensor, steps: int = 16) -> tuple[Tensor, Tensor]:
    """Noise with the samples it leads to, (B, *) each: lines between such pairs hardly cross.

    A velocity trained on them (`on_the_line(noise, data, t)` as its target) has straighter ways, and needs fewer
    steps.

    Source: Liu et al. 2023, algorithm 1.
    """
    return noise, heun(velocity, noise, steps)


def _beside(t: Tensor, x: Tensor) -> Tensor:
    """t (B,) as (B, 1, ...), to multiply samples (B, *); an error says what was wrong."""
    if t.shape != x.shape[:1]:
        raise ValueError(f"expected one t for each of {len(x)} samples, got shape {tuple(t.shape)}: "
                         "try t.expand(len(x)), or torch.full((len(x),), t)")
    return t.view(-1, *[1] * (x.ndim - 1))
