"""What keeps a GAN's training steady: clipping, schedules, noise, gradient penalties, spectral norm; and a trap.

Every function takes what it needs and returns a tensor, so each can be compared with a closed form.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Generator, Tensor, nn

from clipkit.names import known

SCHEDULES = ("constant", "linear", "cosine")


def clip_gradients(parameters: Iterable[nn.Parameter], max_norm: float) -> Tensor:
    """Scales all gradients by one factor, in place, where their joint norm is above `max_norm`.

    Args:
        parameters: those without a gradient are left out.
        max_norm: the largest Euclidean norm of all gradients taken as one vector.
    Returns:
        The norm before, one number; 0 where there is no gradient.
    Source: Pascanu et al. 2013, algorithm 1.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return torch.zeros(())
    norm = torch.stack([g.norm() for g in gradients]).norm()
    factor = (max_norm / (norm + 1e-6)).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(factor)
    return norm


def learning_rate_factor(step: int, steps: int, schedule: str) -> float:
    """What the learning rate is multiplied by at one step.

    constant: 1. linear: 1 in the first half, then down to 0 in a straight line. cosine: from 1 to 0 along half a
    wave.

    Args:
        step: from 0 to `steps` - 1.
        steps: of the whole run.
    Raises:
        ValueError: there is no such schedule.
    """
    done = step / steps
    return {
        "constant": 1.0,
        "linear": min(1.0, 2 - 2 * done),
        "cosine": (1 + math.cos(math.pi * done)) / 2,
    }[known(schedule, SCHEDULES, "schedule")]


def noise_level(step: int, steps: int, start: float) -> float:
    """The standard deviation of instance noise: from `start` in a straight line to 0 at half of the run."""
    return start * max(0.0, 1 - 2 * step / steps)


def instance_noise(samples: Tensor, stddev: float, rng: Generator | None = None) -> Tensor:
    """Samples with Gaussian noise, so that real and fake overlap and no discriminator can tell them apart surely.

    Source: Soenderby et al. 2017, section 3.2; Arjovsky and Bottou 2017.
    """
    noise = torch.randn(samples.shape, generator=rng, device=samples.device, dtype=samples.dtype)
    return samples + stddev * noise


def squared_gradient_norm(critic: Callable[[Tensor], Tensor], samples: Tensor) -> Tensor:
    r"""Squared norm of the critic's gradient for each sample: \|\nabla_x D(x)\|^2.

    Summed over every axis but the batch, so it holds for points, images and clips alike.

    Args:
        critic: takes samples, returns logits (B,) or (B, k); those of a sample are added up.
        samples: (B, *), at least one axis behind the batch.
    Returns:
        (B,), at least 0; it can be differentiated with respect to the critic's weights.
    Raises:
        ValueError: `samples` has no axis behind the batch.
    """
    if samples.ndim < 2:
        raise ValueError(f"expected a batch (B, ...), got {tuple(samples.shape)}: for one sample try samples[None]")
    samples = samples.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(samples).sum(), samples, create_graph=True)
    return gradient.flatten(1).square().sum(1)


def r1_penalty(critic: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    r"""Half the mean squared gradient norm at real samples: E[\|\nabla D(x)\|^2] / 2. Multiply by gamma.

    Source: Mescheder et al. 2018, eq. 9.
    """
    return squared_gradient_norm(critic, real).mean() / 2


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, rng: Generator | None = None,
) -> Tensor:
    r"""WGAN-GP: E[(\|\nabla D(x)\| - 1)^2] at points x between real and fake. Multiply by lambda (10).

    Args:
        critic: takes samples, returns logits (B,) or (B, k).
        real: (B, *).
        fake: the same shape; sample i is joined to real sample i by a straight line.
        rng: draws one place on the line for each pair.
    Returns:
        One number, at least 0.
    Source: Gulrajani et al. 2017, algorithm 1.
    """
    shape = (len(real), *[1] * (real.ndim - 1))
    share = torch.rand(shape, generator=rng, device=real.device, dtype=real.dtype)
    between = torch.lerp(real, fake.detach(), share)
    norm = (squared_gradient_norm(critic, between) + 1e-12).sqrt()  # sqrt has no slope at 0
    return (norm - 1).square().mean()


def spectral_norm(weight: Tensor, u: Tensor, iterations: int = 1) -> tuple[Tensor, Tensor]:
    """The largest singular value of a layer's weight by power iteration.

    Args:
        weight: (out, *); the axes behind the first are taken as one.
        u: (out,), where to start: random at first, then what the last call gave.
        iterations: more come closer.
    Returns:
        The singular value, which can be differentiated with respect to `weight`, and the new u (out,), of length 1.
    Source: Miyato et al. 2018, algorithm 1.
    """
    matrix = weight.flatten(1)
    with torch.no_grad():
        for _ in range(iterations):
            v = nn.functional.normalize(matrix.T @ u, dim=0)
            u = nn.functional.normalize(matrix @ v, dim=0)
    return u @ matrix @ v, u


@torch.no_grad()
def batch_dependence(discriminator: nn.Module, sample: Tensor, companions: list[Tensor]) -> float:
    """The trap of batch norm: how far the logit of one sample moves when the rest of its batch is another.

    The discriminator is called in the mode in which it is; its running statistics are left as they were.

    Args:
        sample: (*), one image, clip or point.
        companions: batches (B, *) to stand beside it, at least two.
    Returns:
        Largest minus smallest logit of the sample; 0 (up to rounding) for a network without batch norm.
    """
    before = {name: value.clone() for name, value in discriminator.state_dict().items()}
    logits = torch.stack([discriminator(torch.cat([sample[None], batch]))[0] for batch in companions])
    discriminator.load_state_dict(before)
    return (logits.amax(0) - logits.amin(0)).max().item()
