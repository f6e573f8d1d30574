"""Chapter 6: how good are generated clips? Distances between sets of features, and what each of them cannot see.

Every score here compares features (N, F), one row a clip or image, from whatever network. A score is worth as much
as its features, and is comparable only with one network and one N.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def inception_score(probabilities: Tensor) -> Tensor:
    """exp of the mean KL divergence of p(y|x) from p(y), p(y) being the
    mean of all p(y|x).

    High where a classifier is sure of each sample and the samples are of
    all classes. It never looks at real data, and it cannot see that all
    samples of a class are one.

    Args:
        probabilities: (N, K), each row p(y|x), which sums to 1; may
            hold zeros.
    Returns:
        One number in [1, K].
    Source: Salimans et al. 2016, section 4.
    """
    marginal = probabilities.mean(dim=0)
    kl = torch.xlogy(probabilities, probabilities) - torch.xlogy(probabilities, marginal)
    return kl.sum(dim=1).mean().exp()


def frechet_distance(real: Tensor, fake: Tensor) -> Tensor:
    """The squared Frechet distance of two normal distributions with the
    means and covariances of the features.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); the trace of the root is
    the sum of the roots of the eigenvalues of S1 S2.

    Args:
        real, fake: (N, F) and (M, F), at least 2 rows each. Computed in
            float64. Small samples make it too large.
    Returns:
        One number, at least 0.
    Raises:
        ValueError: the widths differ, or there are fewer than 2 rows.
    Source: Dowson and Landau 1982; as FID, Heusel et al. 2017, eq. 6.
    """
    _check(real, fake)
    real, fake = real.double(), fake.double()
    difference = (real.mean(dim=0) - fake.mean(dim=0)).square().sum()
    cov_real, cov_fake = real.T.cov(), fake.T.cov()
    eigenvalues = torch.linalg.eigvals(cov_real @ cov_fake).real
    root = eigenvalues.clamp(min=0).sqrt().sum()
    distance = difference + cov_real.trace() + cov_fake.trace() - 2 * root
    return distance.clamp(min=0)  # rounding may leave -1e-14


def kernel_distance(real: Tensor, fake: Tensor) -> Tensor:
    """The unbiased estimate of the squared maximum mean discrepancy, with
    the kernel (x y / F + 1)^3.

    Its mean is right for any number of samples, so it may fall below 0.

    Args:
        real, fake: (N, F) and (M, F), at least 2 rows each.
    Returns:
        One number.
    Raises:
        ValueError: the widths differ, or there are fewer than 2 rows.
    Source: as KID, Binkowski et al. 2018, eq. 4; Gretton et al. 2012.
    """
    _check(real, fake)
    real, fake = real.double(), fake.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def mean_of_pairs(x: Tensor) -> Tensor:  # a sample is no pair with itself
        k = kernel(x, x)
        return (k.sum() - k.trace()) / (len(x) * (len(x) - 1))

    return mean_of_pairs(real) + mean_of_pairs(fake) - 2 * kernel(real, fake).mean()


def neighbour_distance(features: Tensor, k: int = 3) -> Tensor:
    """The distance of each row of (N, F) to its k-th nearest other row, (N,).

    Raises:
        ValueError: there are not more than k rows.
    """
    if len(features) <= k:
        raise ValueError(f"expected more than k = {k} samples, got {len(features)}")
    return distances(features, features).kthvalue(k + 1, dim=1).values  # the first is the row itself


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> tuple[float, float]:
    """Quality and variety apart.

    Around each sample lies a ball that reaches to its k-th neighbour in
    its own set; the balls of a set are where its samples live. Precision:
    the share of fakes in the balls of the real. Recall: the share of real
    samples in the balls of the fakes.

    Args:
        real, fake: (N, F) and (M, F), more than k rows each.
        k: larger balls forgive more.
    Returns:
        (precision, recall), each in [0, 1].
    Source: Kynkaanniemi et al. 2019, eq. 1-3.
    """
    between = distances(real, fake)  # (N, M)
    precision = (between <= neighbour_distance(real, k)[:, None]).any(dim=0)
    recall = (between <= neighbour_distance(fake, k)).any(dim=1)
    return precision.float().mean().item(), recall.float().mean().item()


def density_coverage(real: Tensor, fake: Tensor, k: int = 5) -> tuple[float, float]:
    """Precision and recall that one far-off sample cannot bend.

    Density: in how many balls of real samples a fake lies, on average,
    over k. Coverage: the share of real samples with a fake in their ball.

    Args:
        real, fake: (N, F) and (M, F), more than k rows of `real`.
    Returns:
        (density, coverage): at least 0, about 1 where both sets are of
        one kind; in [0, 1].
    Source: Naeem et al. 2020, eq. 3 and 4.
    """
    inside = distances(real, fake) <= neighbour_distance(real, k)[:, None]
    density = inside.float().sum(dim=0).mean() / k
    return density.item(), inside.any(dim=1).float().mean().item()


@torch.no_grad()
def features_of(clips: Tensor, network: Callable, batch_size: int = 64) -> Tensor:
    """The features (N, F) of clips (N, T, C, H, W), batch by batch."""
    return torch.cat([network(batch) for batch in clips.split(batch_size)])


def frechet_clip_distance(real: Tensor, fake: Tensor, network: Callable) -> float:
    """The Frechet distance of clips, by any network for clips.

    With the I3D network it is FVD; with another it is not: say which
    network and how many clips.

    Args:
        real, fake: (N, T, C, H, W) and (M, T, C, H, W), in [-1, 1].
        network: clips to features (B, F).
    Source: Unterthiner et al. 2018.
    """
    return frechet_distance(features_of(real, network), features_of(fake, network)).item()


def distances(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean distances of rows (N, F) to rows (M, F), (N, M), to the last digit: 0 between equals."""
    return torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist")


def _check(real: Tensor, fake: Tensor) -> None:
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
        shapes = f"{tuple(real.shape)} and {tuple(fake.shape)}"
        raise ValueError(f"expected features (N, F) and (M, F) of one network, got {shapes}")
    if min(len(real), len(fake)) < 2:
        raise ValueError(f"expected at least 2 samples of each, got {len(real)} and {len(fake)}")
