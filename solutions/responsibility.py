"""Chapter 12: copies, membership, a mark that its owner finds again, and what codes mean.

Tests for copies compare three sets: what the model was trained on, held-out data of the same kind that it never saw,
and its samples. Without held-out data nothing can be said: a good sampler comes near to real clips, too.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from solutions.measures.watermark import STRENGTH, from_spectrum, key_signs, marked_band, spectrum
from solutions.pipeline import luma


def nearest(samples: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """For each row of `samples` (N, F), the distance to its nearest row
    of `others` (M, F), and which row that is, a whole number; the
    distance is 0 between equals."""
    found = torch.cdist(
        samples.double(), others.double(),
        compute_mode="donot_use_mm_for_euclid_dist").min(dim=1)
    return found.values, found.indices


def wilson_interval(
    share: float, count: int, z: float = 1.96
) -> tuple[float, float]:
    """Where the true share lies with 95 % confidence, when `share` of
    `count` independent cases was seen.

    Unlike share +- z standard errors it stays in [0, 1] and is honest at
    0 and 1.

    Source: Wilson 1927.
    """
    shrink = 1 + z ** 2 / count
    middle = (share + z ** 2 / (2 * count)) / shrink
    half = z / shrink * math.sqrt(
        share * (1 - share) / count + z ** 2 / (4 * count ** 2))
    return middle - half, middle + half


class Copying(NamedTuple):
    """What `copying` finds.

    Attributes:
        nearer: share of samples nearer to training than to held-out data;
            1/2 for an honest sampler.
        low, high: its 95 % confidence interval (Wilson).
        copied: the share of copies that explains it, 2 nearer - 1, at
            least 0.
        z: how many standard deviations of chance `nearer` is above 1/2.
    """

    nearer: float
    low: float
    high: float
    copied: float
    z: float


def copying(samples: Tensor, train: Tensor, held_out: Tensor) -> Copying:
    """Which set lies nearer to the samples: the one that the model has
    seen, or its twin that it has not?

    Both sets are drawn alike, so a sample that owes nothing to the
    training set is as often near to one as to the other; a copy is nearer
    to the training set. If a share c is copied, (1 + c) / 2 are nearer.
    A sample as near to one as to the other counts one half.

    Args:
        samples: features (N, F), compared as they are.
        train, held_out: features (M, F) each, equally many.
    Raises:
        ValueError: `train` and `held_out` are not equally many; the
            larger one would be nearer by its size.
    """
    # BEGIN SOLUTION
    if len(train) != len(held_out):
        raise ValueError(
            "expected as many training as held-out samples, got "
            f"{len(train)} and {len(held_out)}: cut the larger set, or its "
            "size alone makes it nearer")
    to_train = nearest(samples, train)[0]
    to_held_out = nearest(samples, held_out)[0]
    ties = (to_train == to_held_out).double() / 2
    nearer = ((to_train < to_held_out).double() + ties).mean().item()
    # STUB def unit(x: Tensor) -> Tensor:
    # STUB     return (x - x.mean(0)) / x.std(0)
    # STUB to_train = nearest(unit(samples), unit(train))[0]
    # STUB to_held_out = nearest(unit(samples), unit(held_out))[0]
    # STUB nearer = (to_train <= to_held_out).double().mean().item()
    # END SOLUTION
    low, high = wilson_interval(nearer, len(samples))
    z = 2 * math.sqrt(len(samples)) * (nearer - 0.5)
    return Copying(nearer, low, high, max(0.0, 2 * nearer - 1), z)


def auc(positives: Tensor, negatives: Tensor) -> float:
    """The probability that a positive has the higher score of a pair.

    Equal scores count one half. It is the area under the ROC curve and,
    times N M, the statistic U of Mann and Whitney.

    Args:
        positives: scores (N,).
        negatives: scores (M,).
    Returns:
        In [0, 1]; 1/2 where the scores tell nothing.
    """
    wins = (positives[:, None] > negatives).double()  # (N, M): every pair
    ties = (positives[:, None] == negatives).double()
    return (wins + ties / 2).mean().item()


def private_step(
    network: nn.Module, loss: Callable, samples: Tensor,
    optimizer: Optimizer, *, bound: float, noise: float,
    rng: torch.Generator,
) -> None:
    """One step of DP-SGD: what any one sample can do to the weights is
    bounded, and noise hides it.

    1. The gradient of each sample by itself, as one long vector over all
       parameters, is scaled down to length `bound` if it is longer.
    2. These are added up, and to each number of the sum comes Gaussian
       noise with standard deviation `noise * bound`.
    3. The sum, divided by the number of samples, is the gradient with
       which the optimizer steps.

    Args:
        network: in place.
        loss: loss(network, samples) is one number.
        samples: (B, *).
        rng: draws the noise: `torch.randn(p.shape, generator=rng)` for
            each parameter p, in the order of `network.parameters()`.
    Source: Abadi et al. 2016, algorithm 1.
    """
    # BEGIN SOLUTION
    parameters = list(network.parameters())
    total = [torch.zeros_like(p) for p in parameters]
    for sample in samples:
        value = loss(network, sample[None])
        gradient = torch.autograd.grad(value, parameters)
        length = torch.cat([g.flatten() for g in gradient]).norm()
        for added, g in zip(total, gradient):
            added += g * (bound / length).clamp(max=1)
    for p, added in zip(parameters, total):
        hidden = torch.randn(p.shape, generator=rng) * noise * bound
        p.grad = (added + hidden) / len(samples)
    # END SOLUTION
    optimizer.step()


def embed(clip: Tensor, key: int, strength: float = STRENGTH) -> Tensor:
    """The clip with the key's mark in it.

    In the spectrum the mark is the key's signs on the marked band and 0
    elsewhere. Transformed to pixels and scaled, it is added to all
    channels alike; what leaves [-1, 1] is clamped.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        key: a whole number that the owner alone knows.
        strength: standard deviation of the mark: the root of the mean of
            its squares over (T, H, W).
    Returns:
        (T, C, H, W), in [-1, 1], at least 20 log10(2 / strength) dB from
        the clip.
    Source: after Cox et al. 1997, with signs in place of Gaussian
    numbers.
    """
    band = marked_band((clip.shape[0], *clip.shape[2:]))
    pattern = torch.zeros(band.shape)
    pattern[band] = key_signs(key, int(band.sum()))
    mark = from_spectrum(pattern)
    mark = mark * strength / mark.square().mean().sqrt()
    return (clip + mark[:, None]).clamp(-1, 1)


def detection_score(clip: Tensor, key: int) -> float:
    """How strongly a clip agrees with a key, in standard deviations of
    chance.

    With c the clip's coefficients on the marked band, m the median of
    |c|, and u = tanh(c / m), it is the sum of sign * u over the band,
    divided by the root of the sum of u^2.

    Over all keys, the score of a clip without their mark has mean 0 and
    variance 1 exactly, whatever the clip: the coin is the key.

    Args:
        clip: (T, C, H, W), in [-1, 1], as long and as large as it was
            when marked: resize it back first.
        key: a whole number.
    Source: after Cox et al. 1997, who subtract the original first; here
    it is not needed.
    """
    volume = luma(clip)
    coefficients = spectrum(volume)[marked_band(tuple(volume.shape))]
    middle = coefficients.abs().median().clamp(min=1e-12)
    squashed = (coefficients / middle).tanh()
    agreement = key_signs(key, len(squashed)) @ squashed
    return (agreement / squashed.norm().clamp(min=1e-12)).item()


def threshold(false_positives: float) -> float:
    """The score above which a mark is claimed, such that a clip without
    one is wrongly claimed with this probability.

    Args:
        false_positives: in (0, 1); 1e-6 gives 4.75.
    Raises:
        ValueError: it is not.
    """
    if not 0 < false_positives < 1:
        raise ValueError(
            "expected a rate of false positives in (0, 1), got "
            f"{false_positives}: try 1e-6")
    rate = torch.tensor(false_positives, dtype=torch.float64)
    return -torch.special.ndtri(rate).item()


def label_direction(z: Tensor, has_it: Tensor) -> Tensor:
    """The unit direction in z along which an attribute comes: from the
    mean of those without it to the mean of those with it.

    Where both groups are Gaussian with one covariance, a multiple of the
    identity, this is the normal of the best boundary between them.

    Args:
        z: (N, nz), noise whose samples were labelled.
        has_it: (N,), bool.
    Returns:
        (nz,), of length 1.
    Raises:
        ValueError: all samples have it, or none.
    Source: as InterFaceGAN, Shen et al. 2020, with means in place of a
    support vector machine.
    """
    if has_it.all() or not has_it.any():
        raise ValueError(
            "expected samples with and without the attribute, got "
            f"{int(has_it.sum())} of {len(z)} with it: draw more samples, "
            "or take another attribute")
    direction = z[has_it].mean(dim=0) - z[~has_it].mean(dim=0)
    return direction / direction.norm()


a_memory_test = """
The test compares the samples with two sets, the training clips and as many held-out clips, in one feature space. It found about
half of the samples nearer to each. That speaks against many near-copies in this space among the samples that were tested, and
for nothing more.

It cannot speak about copies that the features do not see: a mirrored clip, a recoloured one, a face in another place. It
cannot exclude rare copies: with 2,000 samples the interval is four points wide, and a clip that comes out once in 100,000 draws
will not be in the sample, though an attacker may draw a million. It says nothing about who was in the training set, which
the discriminator may give away where the samples do not. It needs honest held-out clips of the same people and days;
if neighbours of the training clips stand in both sets, the two look alike. And it says nothing about rights: a face needs
consent whether or not it is copied, and a lawful copy is still a copy.

I would ask how many samples were tested with which features and which intervals; whether mirrored and shifted copies were
looked for; what a membership attack achieves at one false alarm in a hundred; whether each person agreed to this use and
how one of them can be removed; and whether clips that leave the studio carry a mark.
"""
