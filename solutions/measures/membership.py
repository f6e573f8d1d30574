"""Chapter 12: what an attacker learns from a network about who was in its training set; a second test for copies."""
from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from solutions.responsibility import auc, nearest


def data_copying_z(samples: Tensor, train: Tensor, held_out: Tensor) -> float:
    """Are samples closer to the training data than held-out data are? Far below 0: copied; far above: underfitted.

    Each sample and each held-out clip has a distance to the training set; the test asks how often a sample's is the
    larger one, in standard deviations of chance (Mann and Whitney, without their correction for ties).

    Args:
        samples: features (N, F).
        train: features (L, F).
        held_out: features (M, F).
    Returns:
        About normal with mean 0 and variance 1 where samples and held-out data have one distribution; blind to a
        mixture in which copies and poor samples balance.
    Source: Meehan et al. 2020, "A Non-Parametric Test to Detect Data-Copying in Generative Models", eq. 1, one cell.
    """
    n, m = len(samples), len(held_out)
    area = auc(nearest(samples, train)[0], nearest(held_out, train)[0])
    return (area - 0.5) / math.sqrt((n + m + 1) / (12 * n * m))


@torch.no_grad()
def membership_auc(discriminator: Callable[[Tensor], Tensor], members: Tensor, others: Tensor) -> float:
    """How well the discriminator's logits tell who was in the training set: the AUC of an attacker who has it.

    A discriminator that has memorised the training set finds it more real than other data of the same kind.

    Args:
        discriminator: samples (B, *) to logits (B,) or (B, k), which are averaged; in `eval()`.
        members: samples (N, *) that it was trained on.
        others: samples (M, *) of the same kind that it was not.
    Returns:
        In [0, 1]; 1/2 where membership stays private.
    Source: Hayes et al. 2019, "LOGAN: Membership Inference Attacks Against Generative Models", section 4, white box.
    """
    scores = [discriminator(samples).flatten(1).mean(1) if discriminator(samples[:1]).ndim > 1
              else discriminator(samples) for samples in (members, others)]
    return auc(*scores)


def true_positives(
    members: Tensor, others: Tensor, false_positives: float = 0.01
) -> float:
    """The share of members that an attacker names while wrongly naming at
    most a given share of the others.

    An AUC is a mean over all pairs; privacy is lost where a careful
    attacker is sure of a few.

    Args:
        members, others: scores (N,) and (M,).
        false_positives: the share of others that may be named.
    Source: Carlini et al. 2022, "Membership Inference Attacks From First
    Principles".
    """
    allowed = int(false_positives * len(others))
    # the first that must not be named
    bar = others.sort(descending=True).values[allowed]
    return (members > bar).float().mean().item()
