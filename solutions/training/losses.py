"""The adversarial losses by name: what the discriminator minimises, and what the generator does.

D returns logits; every loss takes logits and gives one number. The first two pairs are the answers of the chapter on
losses, the last that of the chapter on stability.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from solutions.gan_losses import discriminator_loss, generator_loss, saturating_loss
from solutions.stability import pairing_losses


class Loss(NamedTuple):
    """A pair of losses.

    Attributes:
        discriminator: called as discriminator(real_logits, fake_logits).
        generator: called as generator(fake_logits), or generator(fake_logits, real_logits) where `paired`.
        paired: the generator's loss compares its samples with real ones.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[..., Tensor]
    paired: bool = False


def least_squares_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[(s_real - 1)^2] / 2 + E[s_fake^2] / 2. Source: Mao et al. 2017, eq. 9."""
    return ((real_logits - 1).square().mean() + fake_logits.square().mean()) / 2


def least_squares_g(fake_logits: Tensor) -> Tensor:
    """E[(s_fake - 1)^2] / 2. Source: Mao et al. 2017, eq. 9."""
    return (fake_logits - 1).square().mean() / 2


def hinge_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[max(0, 1 - s_real)] + E[max(0, 1 + s_fake)]. Source: Lim and Ye 2017; Miyato et al. 2018, eq. 16."""
    return F.relu(1 - real_logits).mean() + F.relu(1 + fake_logits).mean()


def critic_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[s_fake] - E[s_real]: minus an estimate of the Wasserstein distance, where D is 1-Lipschitz.

    Source: Arjovsky et al. 2017, algorithm 1.
    """
    return fake_logits.mean() - real_logits.mean()


def raise_score(fake_logits: Tensor) -> Tensor:
    """-E[s_fake]: the generator's side of the hinge and the Wasserstein loss. Source: Arjovsky et al. 2017."""
    return -fake_logits.mean()


def relativistic_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """E[softplus(s_fake - s_real)], sample by sample: is this real one more real than that fake one?

    Source: Jolicoeur-Martineau 2019; Huang et al. 2024.
    """
    return pairing_losses(real_logits, fake_logits)[0]


def relativistic_g(fake_logits: Tensor, real_logits: Tensor) -> Tensor:
    """E[softplus(s_real - s_fake)], sample by sample. Source: as `relativistic_d`."""
    return pairing_losses(real_logits, fake_logits)[1]


LOSSES = {
    "minimax": Loss(discriminator_loss, saturating_loss),
    "non_saturating": Loss(discriminator_loss, generator_loss),
    "least_squares": Loss(least_squares_d, least_squares_g),
    "hinge": Loss(hinge_d, raise_score),
    "wasserstein": Loss(critic_loss, raise_score),
    "relativistic": Loss(relativistic_d, relativistic_g, paired=True),
}
