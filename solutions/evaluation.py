"""Chapter 6: how good are generated clips? Distances between sets of features, and what each of them cannot see.

Every score here compares features (N, F), one row a clip or image, from whatever network. A score is worth as much
as its features, and is comparable only with one network and one N.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer


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
    negentropy = torch.xlogy(probabilities, probabilities)
    kl = negentropy - torch.xlogy(probabilities, marginal)  # (N, K)
    return kl.sum(dim=1).mean().exp()


def feature_step(
    network: nn.Module, optimizer: Optimizer, clips: Tensor,
    labels: dict[str, Tensor],
) -> Tensor:
    """One training step of a network with a head for each label.

    The loss is the sum over the heads of their cross-entropy, each the
    mean over the clips whose label is known.

    Args:
        network: clips to features (B, F); `network.heads[name]` takes
            features to logits (B, K).
        clips: (B, T, C, H, W).
        labels: for each head, by its name, (B,) whole numbers from 0 to
            K - 1, or -1 where the label is not known.
    Returns:
        The loss before the step, detached.
    """
    features = network(clips)
    loss = sum(
        F.cross_entropy(network.heads[name](features), values,
                        ignore_index=-1)
        for name, values in labels.items())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def gaussian_distance(
    mean1: Tensor, cov1: Tensor, mean2: Tensor, cov2: Tensor
) -> Tensor:
    """The squared Frechet distance of two normal distributions.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); the trace of the root is
    the sum of the roots of the eigenvalues of S1 S2.

    Args:
        mean1, mean2: (F,).
        cov1, cov2: (F, F), symmetric, no eigenvalue below 0; they may be
            singular.
    Returns:
        One number, at least 0. Computed in float64.
    Source: Dowson and Landau 1982.
    """
    difference = (mean1.double() - mean2.double()).square().sum()
    cov1, cov2 = cov1.double(), cov2.double()
    eigenvalues = torch.linalg.eigvals(cov1 @ cov2).real
    root = eigenvalues.clamp(min=0).sqrt().sum()
    distance = difference + cov1.trace() + cov2.trace() - 2 * root
    return distance.clamp(min=0)  # rounding may leave -1e-14


class RunningMoments:
    """Mean and covariance of features that come batch by batch; the
    features themselves are not kept.

    Whatever the batches, the result is that of all rows at once, also
    where the mean is large beside the spread.

    Args:
        width: F.
    Attributes:
        count: rows so far.
        mean: (F,), of all rows so far, in float64.
        scatter: (F, F), the sum over all rows of the outer product of
            what is left of a row when the mean is taken off, in float64.
    Source: Chan, Golub and LeVeque 1983.
    """

    def __init__(self, width: int):
        self.count = 0
        self.mean = torch.zeros(width, dtype=torch.float64)
        self.scatter = torch.zeros(width, width, dtype=torch.float64)

    def update(self, features: Tensor) -> None:
        """Takes a batch of features (B, F) in, B at least 1."""
        # BEGIN SOLUTION
        features = features.double()
        share = len(features) / (self.count + len(features))
        mean = features.mean(dim=0)
        shift = mean - self.mean
        rest = features - mean
        self.scatter += rest.T @ rest
        self.scatter += self.count * share * torch.outer(shift, shift)
        self.mean = self.mean + share * shift
        self.count += len(features)
        # END SOLUTION

    def covariance(self) -> Tensor:
        """(F, F): the scatter, divided by one less than the count."""
        # BEGIN SOLUTION
        return self.scatter / (self.count - 1)
        # END SOLUTION


def frechet_distance(real: Tensor, fake: Tensor) -> Tensor:
    """The squared Frechet distance of two normal distributions with the
    means and covariances of the features.

    Args:
        real, fake: (N, F) and (M, F), at least 2 rows each. Computed in
            float64. Small samples make it too large.
    Returns:
        One number, at least 0.
    Raises:
        ValueError: the widths differ, or there are fewer than 2 rows.
    Source: as FID, Heusel et al. 2017, eq. 6.
    """
    x, y = _checked(real, fake)
    return gaussian_distance(
        x.mean(dim=0), torch.atleast_2d(x.T.cov()),
        y.mean(dim=0), torch.atleast_2d(y.T.cov()))


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
    real, fake = _checked(real, fake)

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def mean_of_pairs(x: Tensor) -> Tensor:
        k = kernel(x, x)  # a sample is no pair with itself
        return (k.sum() - k.trace()) / (len(x) * (len(x) - 1))

    within = mean_of_pairs(real) + mean_of_pairs(fake)
    return within - 2 * kernel(real, fake).mean()


def neighbour_distance(features: Tensor, k: int = 3) -> Tensor:
    """The distance of each row of (N, F) to its k-th nearest other row, (N,).

    Raises:
        ValueError: there are not more than k rows.
    """
    if len(features) <= k:
        raise ValueError(
            f"expected more than k = {k} samples, got {len(features)}")
    nearest = distances(features, features)  # the first is the row itself
    return nearest.kthvalue(k + 1, dim=1).values


def precision_recall(
    real: Tensor, fake: Tensor, k: int = 3
) -> tuple[float, float]:
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
    Source: Kynkaanniemi et al. 2019, eq. 1 and 2.
    """
    between = distances(real, fake)  # (N, M)
    precision = (between <= neighbour_distance(real, k)[:, None]).any(dim=0)
    recall = (between <= neighbour_distance(fake, k)).any(dim=1)
    return precision.float().mean().item(), recall.float().mean().item()


def density_coverage(
    real: Tensor, fake: Tensor, k: int = 5
) -> tuple[float, float]:
    """Quality and variety by the balls of real samples alone: one far-off
    fake has none.

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
def features_of(
    clips: Tensor, network: Callable, batch_size: int = 64
) -> Tensor:
    """The features (N, F) of clips (N, T, C, H, W), batch by batch."""
    return torch.cat([network(batch) for batch in clips.split(batch_size)])


@torch.no_grad()
def generated_features(
    generator: nn.Module, network: nn.Module, count: int,
    rng: torch.Generator, batch_size: int = 64,
) -> Tensor:
    """The features of generated clips, to be measured.

    Every clip has noise of its own, drawn from `rng` batch by batch. The
    features of a clip do not depend on which others are in its batch,
    and neither network learns anything; their mode may change.

    Args:
        generator: noise (B, generator.nz) to clips (B, T, C, H, W), in
            [-1, 1]; it may come in training mode.
        network: clips in [-1, 1] to features (B, F).
        count: how many clips.
    Returns:
        (count, F).
    """
    # BEGIN SOLUTION
    generator.eval()
    network.eval()
    # STUB network.eval()
    # END SOLUTION
    found = []
    for start in range(0, count, batch_size):
        size = min(batch_size, count - start)
        # BEGIN SOLUTION
        z = torch.randn(size, generator.nz, generator=rng)
        # STUB z = torch.randn(size, generator.nz, generator=rng.manual_seed(0))
        # END SOLUTION
        # BEGIN SOLUTION
        clips = generator(z)
        # STUB clips = generator(z) / 2 + 0.5
        # END SOLUTION
        found.append(network(clips))
    return torch.cat(found)


def frechet_clip_distance(
    real: Tensor, fake: Tensor, network: Callable
) -> float:
    """The Frechet distance of clips, by any network for clips.

    With the I3D network it is FVD; with another it is not: say which
    network and how many clips.

    Args:
        real, fake: (N, T, C, H, W) and (M, T, C, H, W), in [-1, 1].
        network: clips to features (B, F).
    Source: Unterthiner et al. 2018.
    """
    return frechet_distance(
        features_of(real, network), features_of(fake, network)).item()


def distances(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean distances of rows (N, F) to rows (M, F), (N, M), to the
    last digit: 0 between equals."""
    return torch.cdist(
        x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist")


def _checked(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Both in float64, if they are features of one network."""
    if real.ndim != 2 or fake.ndim != 2 or real.shape[1] != fake.shape[1]:
        shapes = f"{tuple(real.shape)} and {tuple(fake.shape)}"
        raise ValueError("expected features (N, F) and (M, F) of one "
                         f"network, got {shapes}")
    if min(len(real), len(fake)) < 2:
        raise ValueError("expected at least 2 samples of each, "
                         f"got {len(real)} and {len(fake)}")
    return real.double(), fake.double()


which_measure = """
A loss or D's accuracy is measured against a discriminator that changes, so it supports claims about the game, such as that
one side has lost, and none about quality or progress. The Inception Score asks a classifier whether it is sure of each
sample and whether all classes occur. It never sees real data, so "looks like the data" is not its claim, and ten fixed
images have a nearly perfect score.

The Frechet distance claims that two sets agree in the mean and covariance of their features. It notices quality, missing
kinds and, if its network looks at time, motion, but does not say which of them is wrong. It shrinks with the number of
samples, so both sets need the same number in every comparison; the kernel distance has no such bias and is the one for a
few hundred clips. Precision supports "each sample is good" and recall "all kinds occur": together they say whether a
generator is blurred or narrow where the one number cannot.

All of them inherit the blindness of the features: a network trained on labels hardly notices shuffled frames, so a low
distance from it is no claim about motion. I would corrupt real clips in the way I care about and look whether the measure
moves. And all of them reward a copy of the training set, which is the best score one can have: for novelty I would search the
nearest training clips. I would report the network, the number of clips, and the spread over several seeds.
"""
