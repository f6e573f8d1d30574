"""Chapter 2: the losses of a GAN, their optimum, and one step of training.

D returns *logits* s; the probability that a sample is real is D(x) = sigmoid(s). Every log D and log(1 - D) is
written with softplus, which stays exact where sigmoid rounds to 0 or 1:

    log D = -softplus(-s)        log(1 - D) = -softplus(s)
"""
from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """The discriminator's loss: -E[log D(x)] - E[log(1 - D(G(z)))].

    Args:
        real_logits: scores of real samples before any sigmoid, any shape.
        fake_logits: scores of generated samples; their number may differ.
    Returns:
        One number, at least 0. It is 2 log 2 where every logit is 0.
    Source: Goodfellow et al. 2014, eq. 1, with the sign of a loss.
    """
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def saturating_loss(fake_logits: Tensor) -> Tensor:
    """The generator's loss of the minimax game: E[log(1 - D(G(z)))].

    Args:
        fake_logits: scores of generated samples before any sigmoid.
    Returns:
        One number, at most 0.
    Source: Goodfellow et al. 2014, eq. 1.
    """
    return -F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """The generator's non-saturating loss: -E[log D(G(z))].

    Args:
        fake_logits: scores of generated samples before any sigmoid.
    Returns:
        One number, at least 0. It is log 2 where every logit is 0.
    Source: Goodfellow et al. 2014, section 3.
    """
    return F.softplus(-fake_logits).mean()


def optimal_discriminator(p_data: Tensor, p_g: Tensor) -> Tensor:
    """The best discriminator for a fixed generator: D*(x).

    Args:
        p_data: density of the real data at some points, at least 0.
        p_g: density of the generated data at the same points.
    Returns:
        Probabilities in [0, 1], of the same shape; 1/2 at points where
        both densities are 0 (any answer is as good as another there).
    Source: Goodfellow et al. 2014, proposition 1.
    """
    total = p_data + p_g
    return torch.where(total > 0, p_data / total, 0.5)


def js_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Jensen-Shannon divergence of two discrete distributions, in nats.

    Args:
        p: probabilities (K,) that sum to 1; some may be 0.
        q: the same.
    Returns:
        One number in [0, log 2].
    Source: Goodfellow et al. 2014, theorem 1.
    """
    m = (p + q) / 2
    kl_p = (torch.xlogy(p, p) - torch.xlogy(p, m)).sum()
    kl_q = (torch.xlogy(q, q) - torch.xlogy(q, m)).sum()
    return (kl_p + kl_q) / 2


def discriminator_step(
    generator: nn.Module, discriminator: nn.Module, optimizer: Optimizer,
    real: Tensor, z: Tensor, loss: Callable,
) -> Tensor:
    """One training step of the discriminator; the generator stays as it is.

    Args:
        generator: turns z into fake samples.
        discriminator: turns samples into logits.
        optimizer: holds the discriminator's parameters.
        real: a batch of real samples.
        z: a batch of noise; its number may differ from that of `real`.
        loss: called as loss(real_logits, fake_logits).
    Returns:
        The loss before the step, detached. Both networks' gradients
        from earlier steps have no influence.
    Source: Goodfellow et al. 2014, algorithm 1.
    """
    fake = generator(z).detach()
    value = loss(discriminator(real), discriminator(fake))
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.detach()


def generator_step(
    generator: nn.Module, discriminator: nn.Module, optimizer: Optimizer,
    z: Tensor, loss: Callable,
) -> Tensor:
    """One training step of the generator; the discriminator stays as it is.

    Args:
        generator: turns z into fake samples.
        discriminator: turns samples into logits.
        optimizer: holds the generator's parameters.
        z: a batch of noise.
        loss: called as loss(fake_logits).
    Returns:
        The loss before the step, detached.
    Source: Goodfellow et al. 2014, algorithm 1.
    """
    value = loss(discriminator(generator(z)))
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.detach()


def train(
    generator: nn.Module, discriminator: nn.Module, sample_real: Callable,
    sample_z: Callable, steps: int, lr: float,
) -> list[tuple[float, float]]:
    """Train both networks in turn: in each step first D, then G.

    Args:
        sample_real: sample_real() gives a batch of real samples.
        sample_z: sample_z() gives a batch of noise; it is called twice
            a step, first for D and then for G.
        steps: how many steps.
        lr: learning rate of Adam for both networks.
    Returns:
        For each step D's loss and G's (non-saturating) loss, as floats.
    Source: Goodfellow et al. 2014, algorithm 1.
    """
    betas = (0.5, 0.999)
    optimizer_d = Adam(discriminator.parameters(), lr=lr, betas=betas)
    optimizer_g = Adam(generator.parameters(), lr=lr, betas=betas)
    bce = F.binary_cross_entropy_with_logits
    history = []
    for _ in range(steps):
        # The discriminator: real samples are 1, fake samples are 0.
        # BEGIN SOLUTION
        real_logits = discriminator(sample_real())
        # STUB real_logits = discriminator(sample_real()).sigmoid()
        # END SOLUTION
        # BEGIN SOLUTION
        fake_logits = discriminator(generator(sample_z()).detach())
        # STUB fake_logits = discriminator(generator(sample_z())).sigmoid()
        # END SOLUTION
        loss_d = bce(real_logits, torch.ones_like(real_logits))
        # BEGIN SOLUTION
        loss_d = loss_d + bce(fake_logits, torch.zeros_like(fake_logits))
        # STUB loss_d = loss_d + bce(fake_logits, torch.ones_like(fake_logits))
        # END SOLUTION
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()

        # The generator: it wants its samples to be taken for real.
        fake_logits = discriminator(generator(sample_z()))
        # BEGIN SOLUTION
        loss_g = bce(fake_logits, torch.ones_like(fake_logits))
        optimizer_g.zero_grad()
        # STUB loss_g = bce(fake_logits, torch.zeros_like(fake_logits))
        # END SOLUTION
        loss_g.backward()
        optimizer_g.step()
        history.append((loss_d.item(), loss_g.item()))
    return history


def eight_gaussians(num_samples: int, rng: torch.Generator) -> Tensor:
    """Points around eight centres on the unit circle, each with standard
    deviation 0.05.

    Returns:
        (num_samples, 2).
    """
    angle = torch.randint(8, (num_samples,), generator=rng) * torch.pi / 4
    centres = torch.stack([angle.cos(), angle.sin()], dim=1)
    return centres + 0.05 * torch.randn(num_samples, 2, generator=rng)


def modes_covered(
    points: Tensor, radius: float = 0.15
) -> tuple[int, float]:
    """How many of the eight centres have a point within `radius`, and the
    share of points (N, 2) that lie within it of some centre."""
    angle = torch.arange(8) * torch.pi / 4
    centres = torch.stack([angle.cos(), angle.sin()], dim=1)
    distance, nearest = torch.cdist(points, centres).min(dim=1)
    near = distance < radius
    return len(nearest[near].unique()), near.float().mean().item()


why_it_stalls = """
The gradient reaches the generator through the logit $s$ of its own samples. For the minimax loss
$\\log(1 - D) = -\\operatorname{softplus}(s)$ its size is $\\sigma(s) = D(G(z))$. Early in training the
discriminator is sure, $D(G(z))$ is close to 0, and the generator learns least exactly where it is worst.

With the non-saturating loss $-\\log D(G(z))$ the size is $1 - D(G(z))$, close to 1 for the same samples.
The equilibrium is the same; the push towards it is strong where the samples are bad.

Plain gradient descent makes this plain: its step is proportional to the gradient, so the samples stand still.
Adam divides by the size of recent gradients, so a small gradient is no small step (until it nears Adam's epsilon,
$10^{-8}$): the samples do move. But Adam scales the whole step. Within a batch the minimax loss still gives most
weight to the samples that already fool the discriminator and almost none to the bad ones.
"""
