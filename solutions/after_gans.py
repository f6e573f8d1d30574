"""Chapter 13: flow matching. A network learns a velocity; following it carries noise to data, with no opponent.

Time runs from 0 (noise, N(0, I)) to 1 (data), on straight lines: x_t = (1 - t) x_0 + t x_1. A velocity is called as
velocity(x, t), with x (B, *) and t (B,), and returns (B, *). Diffusion models count time the other way.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

Velocity = Callable[[Tensor, Tensor], Tensor]


def beside(t: Tensor, x: Tensor) -> Tensor:
    """t (B,) as (B, 1, ...), to multiply samples x (B, *).

    Raises:
        ValueError: there is not one t for each sample.
    """
    if t.shape != x.shape[:1]:
        raise ValueError(
            f"expected one t for each of {len(x)} samples, got shape "
            f"{tuple(t.shape)}: try t.expand(len(x)), or "
            "torch.full((len(x),), t)")
    return t.view(-1, *[1] * (x.ndim - 1))


def on_the_line(
    noise: Tensor, data: Tensor, t: Tensor
) -> tuple[Tensor, Tensor]:
    """Where a point on its straight line from noise to data is, and how
    fast it goes.

    Args:
        noise, data: (B, *), the two ends, at time 0 and 1.
        t: (B,), in [0, 1], one time for each sample.
    Returns:
        x_t (B, *) and the velocity dx_t/dt (B, *), which does not depend
        on t.
    Source: Lipman et al. 2023, eq. 20-23, with sigma_min = 0;
        Liu et al. 2023, eq. 1.
    """
    share = beside(t, data)  # (B, 1, ...)
    return (1 - share) * noise + share * data, data - noise


def flow_matching_loss(
    velocity: Velocity, data: Tensor, rng: torch.Generator
) -> Tensor:
    """How far a velocity is from that of straight lines between noise and
    data, squared.

    Many lines cross at a point, and no network can follow all: the best
    one answers with their mean, and that mean is the velocity that
    carries the whole distribution.

    Args:
        velocity: called as velocity(x, t), x (B, *) and t (B,).
        data: (B, *), real.
        rng: draws first the noise, normal, then t, uniform in [0, 1).
    Returns:
        One number: the mean over samples and values. It does not go
        to 0.
    Source: Lipman et al. 2023, eq. 14 and 23.
    """
    device = rng.device
    noise = torch.randn(data.shape, generator=rng, device=device)
    t = torch.rand(len(data), generator=rng, device=device)
    x, target = on_the_line(noise, data, t)
    return (velocity(x, t) - target).square().mean()


def time_features(t: Tensor) -> Tensor:
    """Times (B,) as waves (B, 10): sine and cosine of five frequencies,
    so that a network can tell near times apart."""
    angles = t[:, None] * torch.pi * 2.0 ** torch.arange(5, device=t.device)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class VelocityField(nn.Module):
    """A network for a velocity: it is told where a point is, and when.

    A plain stack of linear layers with SiLU between them.

    Args:
        dim: D, how many numbers a point has.
        width: of the hidden layers.
        depth: how many hidden layers.
    """

    def __init__(self, dim: int, width: int = 128, depth: int = 3):
        super().__init__()
        # BEGIN SOLUTION
        enter = nn.Linear(dim + 10, width)  # ten numbers say the time
        # STUB enter = nn.Linear(..., width)
        # END SOLUTION
        hidden = []
        for _ in range(depth - 1):
            hidden += [nn.SiLU(), nn.Linear(width, width)]
        leave = nn.Linear(width, dim)
        self.layers = nn.Sequential(enter, *hidden, nn.SiLU(), leave)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Points x (B, D) at times t (B,) to velocities (B, D). The layers
        get x first, then `time_features` of t."""
        # BEGIN SOLUTION
        return self.layers(torch.cat([x, time_features(t)], dim=1))
        # END SOLUTION


def flow_step(
    velocity: nn.Module, optimizer: Optimizer, data: Tensor,
    rng: torch.Generator,
) -> Tensor:
    """One training step of flow matching.

    Args:
        velocity: called as velocity(x, t), x (B, *) and t (B,).
        optimizer: holds its parameters.
        data: (B, *), real.
        rng: draws first the noise, then t.
    Returns:
        The loss before the step, detached. Gradients from earlier steps
        have no influence.
    """
    # BEGIN SOLUTION
    x0 = torch.randn(data.shape, generator=rng)
    # STUB x0 = torch.randn(len(data), 1, generator=rng)
    # END SOLUTION
    t = torch.rand(len(data), generator=rng)
    when = beside(t, data)
    # BEGIN SOLUTION
    x_t = when * data + (1 - when) * x0
    # STUB x_t = when * x0 + (1 - when) * data
    # END SOLUTION
    error = velocity(x_t, t) - (data - x0)
    loss = error.square().mean()
    # BEGIN SOLUTION
    optimizer.zero_grad()
    loss.backward()
    # STUB loss.backward()
    # END SOLUTION
    optimizer.step()
    return loss.detach()


def euler(velocity: Velocity, x: Tensor, steps: int) -> Tensor:
    """Carries noise to data in equal steps, each along the velocity at its
    start.

    Exact where trajectories are straight; otherwise the error falls as
    1 / steps.

    Args:
        velocity: called as velocity(x, t), x (B, *) and t (B,).
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
    """Carries noise to data in equal steps, each along the mean of two
    velocities: at its start, and where Euler's step would end.

    Two evaluations a step; the error falls as 1 / steps ** 2.

    Args:
        velocity, x, steps: as in `euler`.
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


def gaussian_velocity(
    x: Tensor, t: Tensor, mean: Tensor | float, std: Tensor | float
) -> Tensor:
    """The best velocity, in closed form, where each value of the data is
    N(mean, std^2), independent of the others.

    The mean of x_1 - x_0 given x_t = x, a line in x.

    Args:
        x: (B, *).
        t: (B,), in [0, 1]; below 1 where std is 0.
        mean, std: of the data; numbers, or tensors that fit (*).
    Returns:
        (B, *).
    Source: conditional means of a joint normal distribution.
    """
    t = beside(t, x)
    variance = (1 - t) ** 2 + (t * std) ** 2  # of x_t
    covariance = t * std ** 2 - (1 - t)  # of x_1 - x_0 with x_t
    return mean + covariance / variance * (x - t * mean)


def noise_and_data(v: Tensor, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """What a velocity says about both ends of the line.

    A diffusion model is trained to predict one of these; here both are
    read off the velocity.

    Args:
        v: velocity(x, t), (B, *).
        x: (B, *).
        t: (B,), in [0, 1].
    Returns:
        The expected noise E[x_0 | x_t = x] and the expected data
        E[x_1 | x_t = x], (B, *) each.
    """
    when = beside(t, x)
    return x - when * v, x + (1 - when) * v


def score_from_velocity(v: Tensor, x: Tensor, t: Tensor) -> Tensor:
    """The gradient of log p_t at x, which diffusion models learn: minus
    the expected noise over its size.

    Args:
        v: velocity(x, t), (B, *).
        x: (B, *).
        t: (B,), in [0, 1): at t = 1 there is no noise to read it from.
    Returns:
        (B, *).
    Source: Tweedie's formula; Song et al. 2021b, "Score-Based Generative
        Modeling through Stochastic Differential Equations".
    """
    noise, _ = noise_and_data(v, x, t)
    return -noise / (1 - beside(t, x))


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
    Source: Song et al. 2021a, "Denoising Diffusion Implicit Models", eq. 12 with sigma = 0.
    """
    (alpha_t, sigma_t), (alpha_s, sigma_s) = (variance_preserving(beside(time, x)) for time in (t, s))
    data = (x - sigma_t * noise) / alpha_t
    return alpha_s * data + sigma_s * noise


@torch.no_grad()
def bend(velocity: Velocity, x: Tensor, steps: int = 32) -> float:
    """How bent trajectories are: the mean squared distance of the velocity
    from the straight connection of their ends.

    0 where all are straight, and then one step of Euler's samples as
    well as a hundred.

    Args:
        x: noise (B, *).
        steps: of Euler's, to follow them.
    Source: Liu et al. 2023, the measure S of section 2.2.
    """
    start, seen = x, []
    for k in range(steps):
        t = torch.full(x.shape[:1], k / steps, device=x.device)
        seen.append(velocity(x, t))
        x = x + seen[-1] / steps
    apart = [(v - (x - start)).square().mean() for v in seen]
    return torch.stack(apart).mean().item()


@torch.no_grad()
def reflow_pairs(
    velocity: Velocity, noise: Tensor, steps: int = 16
) -> tuple[Tensor, Tensor]:
    """Noise with the samples it leads to, (B, *) each: lines between such
    pairs hardly cross.

    A velocity trained on them (`on_the_line(noise, data, t)` as its
    target) has straighter trajectories, and needs fewer steps.

    Source: Liu et al. 2023, algorithm 1.
    """
    return noise, heun(velocity, noise, steps)


no_opponent = """
The loss compares the network with targets drawn from every real sample, in proportion to how often it occurs. Its
minimum is the mean velocity, and following that carries noise onto the whole distribution. To leave a mode out is to be
wrong at every point whose lines lead there, and the loss says so; there is no second network to outwit and no
equilibrium to miss. A GAN's generator is judged only on what it makes: nothing in its loss asks for what it never shows.

The loss does not go to 0 because lines between noise and data cross. At a crossing the target has several values, and a
function of x and t can give only their mean; what is left is the variance of the target given x and t.

That mean turns as t grows: at t = 0 it points at the mean of all data, later at one of them. So trajectories are bent though
every line is straight, and a step along the velocity at its start leaves them. One large step leads all noise
to the middle; many small ones, Heun's two evaluations, or reflow, which trains anew on pairs joined by the flow,
whose lines hardly cross, repair that. A generator of a GAN is one evaluation by construction.
"""
