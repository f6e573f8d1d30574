"""Chapter 5: what keeps a GAN's training steady, and how to see it.

Schedules, noise, gradient penalties, losses of pairs, spectral norm, statistics of a batch, the smallest GAN there is,
and the trap of batch norm. Every function can be compared with a closed form.
"""
from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from clipkit.names import known

SCHEDULES = ("constant", "linear", "cosine")


def effective_modes(labels: Tensor) -> float:
    """How many kinds of samples there are, each counted by its share: the
    exponential of the entropy of the shares.

    Args:
        labels: (N,), the kind of each sample, whole numbers from 0.
    Returns:
        At least 1, at most the number of kinds that occur, and just that
        where they are equally frequent.
    Source: Hill 1973, diversity of order 1.
    """
    shares = labels.bincount() / len(labels)
    return torch.special.entr(shares).sum().exp().item()


def dirac_step(
    theta: Tensor, psi: Tensor, *, lr: float, gamma: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """One step of gradient descent of both players of the Dirac-GAN, each
    from where the other stood before the step.

    The data are the one number 0, the generator makes the one number
    theta, the discriminator's logit is psi x. It pays
    softplus(psi theta) + gamma psi^2 / 2, the generator
    -softplus(psi theta), as in the minimax game.

    Args:
        theta: where the generator stands, any shape.
        psi: the slope of the discriminator, the same shape.
        lr: the learning rate of both.
        gamma: weight of the penalty R1.
    Returns:
        Both after the step.
    Source: Mescheder et al. 2018, definition 2.1.
    """
    push = torch.sigmoid(psi * theta)
    slope_g = -push * psi
    slope_d = push * theta + gamma * psi
    return theta - lr * slope_g, psi - lr * slope_d


def convergence_rate(gamma: float) -> float:
    """How the Dirac-GAN behaves near its equilibrium, in small steps: the
    largest real part of the eigenvalues of its Jacobian there.

    Negative: distances shrink as exp(rate * time). 0: it goes in circles.

    Args:
        gamma: weight of the penalty R1, at least 0.
    Source: Mescheder et al. 2018, section 4.
    """
    jacobian = torch.tensor(
        [[0.0, 0.5], [-0.5, -gamma]], dtype=torch.float64)
    return torch.linalg.eigvals(jacobian).real.max().item()


def extragradient_step(
    step: Callable, theta: Tensor, psi: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of a game in which both players look ahead.

    Both go to where a plain step leads, see what a plain step would add
    *there*, and add that to where they stand.

    Args:
        step: a plain step, called as step(theta, psi); both after it.
        theta: where the one player stands, any shape.
        psi: where the other one stands, the same shape.
    Returns:
        Both after the step.
    Source: Korpelevich 1976; for GANs Gidel et al. 2019.
    """
    ahead = step(theta, psi)
    further = step(*ahead)
    return theta + further[0] - ahead[0], psi + further[1] - ahead[1]


def squared_gradient_norm(
    critic: Callable[[Tensor], Tensor], samples: Tensor
) -> Tensor:
    r"""Squared norm of the critic's gradient for each sample, |grad D|^2.

    Summed over every axis but the batch, so it holds for points, images
    and clips alike.

    Args:
        critic: takes samples, returns logits (B,) or (B, k); those of a
            sample are added up.
        samples: (B, *), at least one axis behind the batch.
    Returns:
        (B,), at least 0; it can be differentiated with respect to the
        critic's weights.
    Raises:
        ValueError: `samples` has no axis behind the batch.
    Source: Mescheder et al. 2018, eq. 9.
    """
    if samples.ndim < 2:
        raise ValueError(
            f"expected a batch (B, ...), got {tuple(samples.shape)}: for "
            "one sample try samples[None]")
    samples = samples.detach().requires_grad_()
    logits = critic(samples)
    # BEGIN SOLUTION
    # STUB (gradient,) = torch.autograd.grad(logits.mean(), samples)
    # STUB return gradient.square().sum(-1)
    (gradient,) = torch.autograd.grad(
        logits.sum(), samples, create_graph=True)
    return gradient.flatten(1).square().sum(1)
    # END SOLUTION


def r1_penalty(critic: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """Half the mean squared gradient norm at real samples. Multiply by gamma.

    Source: Mescheder et al. 2018, eq. 9.
    """
    return squared_gradient_norm(critic, real).mean() / 2


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor,
    rng: torch.Generator | None = None,
) -> Tensor:
    """WGAN-GP: the mean of (norm - 1)^2, for the critic's gradient norm at
    points between real and fake. Multiply by lambda (10).

    Args:
        critic: takes samples, returns logits (B,) or (B, k).
        real: (B, *).
        fake: the same shape; sample i is joined to real sample i by a
            straight line.
        rng: draws one place on the line for each pair.
    Returns:
        One number, at least 0.
    Source: Gulrajani et al. 2017, algorithm 1.
    """
    shape = (len(real), *[1] * (real.ndim - 1))
    share = torch.rand(
        shape, generator=rng, device=real.device, dtype=real.dtype)
    between = torch.lerp(real, fake.detach(), share)
    squared = squared_gradient_norm(critic, between)
    norm = (squared + 1e-12).sqrt()  # a root has no slope at 0
    return (norm - 1).square().mean()


def penalised_step(
    generator: nn.Module, discriminator: nn.Module, optimizer_d: Optimizer,
    real: Tensor, z: Tensor, *, loss: Callable, penalty: Callable,
    weight: float, every: int = 1, step: int = 0,
) -> Tensor:
    """One training step of the discriminator with a lazy penalty.

    The penalty is computed in the steps 0, `every`, 2 `every`, ... only,
    and is `every` times as heavy there.

    Args:
        generator: turns z into fake samples; it stays as it is.
        optimizer_d: holds the discriminator's parameters.
        loss: called as loss(real_logits, fake_logits).
        penalty: called as penalty(discriminator, real, fake).
        weight: of the penalty.
    Returns:
        What was minimised in this step, detached.
    Source: Karras et al. 2020, section 3.1.
    """
    fake = generator(z).detach()
    total = loss(discriminator(real), discriminator(fake))
    if step % every == 0:
        total = total + every * weight * penalty(discriminator, real, fake)
    optimizer_d.zero_grad()
    total.backward()
    optimizer_d.step()
    return total.detach()


def pairing_losses(
    real_logits: Tensor, fake_logits: Tensor
) -> tuple[Tensor, Tensor]:
    """The relativistic pairing losses: each real logit is compared with the
    generated one in the same place, and only their difference counts.

    Args:
        real_logits: scores of real samples before any sigmoid, (B,) or
            (B, k).
        fake_logits: scores of generated samples, the same shape.
    Returns:
        The discriminator's loss and the generator's, one number each, at
        least 0. Both are log 2 where all logits are equal.
    Source: Jolicoeur-Martineau 2019; Huang et al. 2024.
    """
    lead = real_logits - fake_logits
    return F.softplus(-lead).mean(), F.softplus(lead).mean()


def learning_rate_factor(step: int, steps: int, schedule: str) -> float:
    """What the learning rate is multiplied by at one step.

    constant: 1. linear: 1 in the first half, then down to 0 in a straight
    line. cosine: from 1 to 0 along half a wave.

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
    """The standard deviation of instance noise: from `start` in a straight
    line to 0 at half of the run."""
    return start * max(0.0, 1 - 2 * step / steps)


def instance_noise(
    samples: Tensor, stddev: float,
    rng: torch.Generator | None = None,
) -> Tensor:
    """Samples with Gaussian noise, so that real and fake overlap and no
    discriminator can tell them apart surely.

    Source: Soenderby et al. 2017, section 3.2; Arjovsky and Bottou 2017.
    """
    noise = torch.randn(samples.shape, generator=rng, device=samples.device,
                        dtype=samples.dtype)
    return samples + stddev * noise


def spectral_norm(
    weight: Tensor, u: Tensor, iterations: int = 1
) -> tuple[Tensor, Tensor]:
    """The largest singular value of a layer's weight by power iteration.

    Args:
        weight: (out, *); the axes behind the first are taken as one.
        u: (out,), where to start: random at first, then what the last
            call gave.
        iterations: more come closer.
    Returns:
        The singular value, which can be differentiated with respect to
        `weight`, and the new u (out,), of length 1.
    Source: Miyato et al. 2018, algorithm 1.
    """
    matrix = weight.flatten(1)
    with torch.no_grad():
        for _ in range(iterations):
            v = nn.functional.normalize(matrix.T @ u, dim=0)
            u = nn.functional.normalize(matrix @ v, dim=0)
    return u @ matrix @ v, u


class MinibatchStd(nn.Module):
    """One more feature that says how much the samples of a batch differ.

    The standard deviation of each feature over the batch (divided by B,
    not B - 1), averaged over the features; the same number for every
    sample. Add 1e-8 to the variance before the root, which has no slope
    at 0.

    Call:
        features (B, F) to (B, F + 1), the new one last.
    Source: Karras et al. 2018, section 3.
    """

    def forward(self, features: Tensor) -> Tensor:
        # BEGIN SOLUTION
        variance = features.var(dim=0, unbiased=False)
        level = (variance + 1e-8).sqrt().mean()
        return torch.cat([features, level.expand(len(features), 1)], dim=1)
        # END SOLUTION


@torch.no_grad()
def batch_dependence(
    discriminator: nn.Module, sample: Tensor, companions: list[Tensor]
) -> float:
    """The trap of batch norm: how far the logit of one sample moves when
    the rest of its batch is another.

    The discriminator is called in the mode in which it is; its running
    statistics are left as they were.

    Args:
        sample: (*), one image, clip or point.
        companions: batches (B, *) to stand beside it, at least two.
    Returns:
        Largest minus smallest logit of the sample; 0 (up to rounding) for
        a network without batch norm.
    """
    before = {k: v.clone() for k, v in discriminator.state_dict().items()}
    logits = torch.stack([
        discriminator(torch.cat([sample[None], batch]))[0]
        for batch in companions])
    discriminator.load_state_dict(before)
    return (logits.amax(0) - logits.amin(0)).max().item()


why_it_circles = """
Near the equilibrium the two players of the Dirac-GAN push each other around: theta moves with the slope psi, psi moves
against theta. The Jacobian has the eigenvalues $\\pm i/2$. Without a real part nothing shrinks: small steps go in a
circle, and simultaneous steps of finite length even spiral outward, since each is multiplied by $|1 + ih/2| > 1$. A
smaller learning rate makes the walk slower. It does not point it inward.

R1 adds $-\\gamma\\psi$ to the discriminator's motion: friction. The eigenvalues become
$(-\\gamma \\pm \\sqrt{\\gamma^2 - 1}) / 2$, with a negative real part for every $\\gamma > 0$. At $\\gamma = 1$ it
converges fastest; beyond that the discriminator is so flat that the generator creeps.

The penalty of WGAN-GP pulls the slope to $\\pm 1$. At the equilibrium the slope has to be 0, so the discriminator is
pushed away from it and the game keeps moving. R1 asks for slope 0 on the data, which is right where real and fake agree.

In a large network nobody computes the eigenvalues. Losses that swing with a steady period while the samples hop between
modes are the sign; the test is to add R1 and to see whether the swing dies out.
"""
