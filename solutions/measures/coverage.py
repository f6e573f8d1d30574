"""Which kinds of samples a generator makes: labels read off samples by a linear classifier, and what is missing."""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class LinearProbe:
    """A linear classifier of samples (N, *), fitted in closed form (ridge
    regression on one-hot labels).

    It needs no training and no tuning; `accuracy` on samples that it has
    not seen says how far to trust it.

    Args:
        samples: (N, *), labelled.
        labels: (N,), 0 to K - 1.
        ridge: how strongly weights are held small, as a share of the mean
            variance of a pixel.
    """

    def __init__(
        self, samples: Tensor, labels: Tensor, ridge: float = 0.1
    ):
        x = samples.flatten(1).double()
        y = torch.nn.functional.one_hot(labels).double()
        self.mean, self.share = x.mean(0), y.mean(0)
        x, y = x - self.mean, y - self.share
        covariance = x.T @ x / len(x)
        scale = ridge * covariance.diagonal().mean()
        covariance += scale * torch.eye(len(covariance), dtype=x.dtype)
        self.weight = torch.linalg.solve(covariance, x.T @ y / len(x))

    def __call__(self, samples: Tensor) -> Tensor:
        """The label of each sample, (N,)."""
        x = samples.flatten(1).double() - self.mean
        return (x @ self.weight + self.share).argmax(1)

    def accuracy(self, samples: Tensor, labels: Tensor) -> float:
        """The share of samples whose label it gets right."""
        return (self(samples) == labels).float().mean().item()


def missing_modes(
    found: Sequence[Tensor], real: Sequence[Tensor], least: float = 0.25,
) -> list[tuple[int, ...]]:
    """Combinations of labels that the data have and the samples (almost) have not.

    Args:
        found: labels of samples, one tensor (N,) for each attribute.
        real: the same of the data, (M,) each.
        least: a combination is missing where its share is below `least` times its share in the data.
    Returns:
        The missing combinations, sorted.
    """
    shares = [_shares(labels) for labels in (found, real)]
    return sorted(mode for mode, share in shares[1].items() if shares[0].get(mode, 0.0) < least * share)


def coverage(found: Sequence[Tensor], real: Sequence[Tensor], least: float = 0.25) -> float:
    """The share of the data's combinations of labels that are not missing, in [0, 1]; see `missing_modes`."""
    return 1 - len(missing_modes(found, real, least)) / len(_shares(real))


def _shares(labels: Sequence[Tensor]) -> dict[tuple[int, ...], float]:
    """How often each combination occurs."""
    modes, counts = torch.stack(list(labels), 1).unique(dim=0, return_counts=True)
    return {tuple(mode): count / len(labels[0]) for mode, count in zip(modes.tolist(), counts.tolist(), strict=True)}
