"""Is my GAN healthy? From a run's curves and samples to a named diagnosis, with the number that decided it.

Losses alone do not say it: D's loss may be small because G is bad or because the data are few, and G's may rise while
its samples improve. So the samples are looked at too: are they as different from one another as real ones, and are
they where real ones are?
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

ADVICE = {
    "diverged":
        "lower beta1 (0.5 or 0) and both learning rates, bound D's slope "
        "(R1), clip the gradients; where a number is not finite, look for a "
        "logarithm or a root at 0",
    "not started":
        "train longer or raise the learning rates (try ten times as much), "
        "and look whether the gradients are cut off on their way to G",
    "vanishing gradient":
        "use the non-saturating loss, fewer steps of D for one of G, or "
        "instance noise",
    "overpowering discriminator":
        "lower D's learning rate, add R1 or instance noise, or make G wider",
    "collapse":
        "add R1 or minibatch statistics, use a larger batch, lower G's "
        "learning rate or beta1 (0.5 or 0)",
    "one sample per label":
        "make the label's embedding quieter at first, add R1 or minibatch "
        "statistics, draw z longer",
    "oscillation":
        "add R1, lower beta1 and the learning rates, let them fall "
        "(schedule), sample from averaged weights",
    "healthy":
        "go on; more steps, more channels and more data make it better",
}


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong, if anything: one of the names in ADVICE, what it rests
    on, and what to try."""

    name: str
    evidence: str

    @property
    def advice(self) -> str:
        return ADVICE[self.name]

    def __str__(self) -> str:
        return f"{self.name}: {self.evidence}. Try this: {self.advice}."


def spread(samples: Tensor) -> Tensor:
    """Mean Euclidean distance between two different samples of (N, *)."""
    return torch.pdist(samples.flatten(1).double()).mean()


def diversity(samples: Tensor, real: Tensor) -> float:
    """Mean distance between two samples over that between two real ones:
    near 1 where they are as different.

    Args:
        samples, real: (N, *) and (M, *), at least 2 each.
    """
    return (spread(samples) / spread(real)).item()


def distance(samples: Tensor, real: Tensor) -> float:
    """Energy distance over the mean distance between two real samples: 0
    for equal distributions.

    Two clusters far apart give about twice the distance of the clusters in
    units of their spread.
    Source: Szekely and Rizzo 2013, eq. 1.
    """
    x, y = samples.flatten(1).double(), real.flatten(1).double()
    between = torch.cdist(x, y).mean()
    apart = 2 * between - spread(samples) - spread(real)
    return (apart / spread(real)).item()


def astray(samples: Tensor, real: Tensor) -> float:
    """Median distance of a sample to the nearest real one, over the mean
    distance between two real samples: near 0 where each sample, taken by
    itself, could be real.

    Args:
        samples, real: (N, *) and (M, *), at least 2 real ones.
    """
    x, y = samples.flatten(1).double(), real.flatten(1).double()
    return (torch.cdist(x, y).amin(1).median() / spread(real)).item()


def setback(curve: Tensor) -> float:
    """How far a curve (N,), smoothed, has come down and gone up again, the
    smaller of the two as a share of its range: 0 where it only rises, or
    rises once and then falls."""
    smooth = smoothed(curve, 25)
    down = smooth.cummax(0).values - smooth
    up = smooth.flip(0).cummax(0).values.flip(0) - smooth
    turned = torch.minimum(down, up).max()
    return (turned / (smooth.max() - smooth.min() + 1e-12)).item()


def smoothed(curve: Tensor, parts: int) -> Tensor:
    """Means over windows of one of so many parts of a curve (N,)."""
    return curve.unfold(0, max(1, len(curve) // parts), 1).mean(1)


def swing(curve: Tensor) -> tuple[float, int]:
    """How much a curve (N,) goes slowly up and down in its second half.

    Returns:
        The standard deviation of the smoothed curve, without its trend,
        over that of what the smoothing took away (noise alone gives about
        0.2), and how often it crosses its trend.
    """
    half = curve[len(curve) // 2:].double()
    width = max(3, len(half) // 25)
    smooth = half.unfold(0, width, 1).mean(1)
    noise = half[width // 2:][:len(smooth)] - smooth
    t = torch.linspace(-1, 1, len(smooth), dtype=smooth.dtype)
    trend = smooth.mean() + t * (t * smooth).sum() / t.square().sum()
    wave = smooth - trend
    high = wave[wave.abs() > wave.std() / 2].sign()  # no small ripples
    crossings = int((high.diff() != 0).sum())
    return (wave.std() / (noise.std() + 1e-12)).item(), crossings


def swings(curve: Tensor) -> bool:
    """Whether a curve (N,) goes slowly up and down, not by its noise."""
    size, crossings = swing(curve)
    return size > 1 and crossings >= 4


def diversity_within(
    samples: Tensor, labels: Tensor, real: Tensor,
    real_labels: Tensor,
) -> float:
    """`diversity` among the samples of one label, the mean over the labels
    of which both have at least 2.

    Raises:
        ValueError: there is no such label.
    """
    each = [
        diversity(samples[labels == label], real[real_labels == label])
        for label in labels.unique()
        if min((labels == label).sum(), (real_labels == label).sum()) >= 2]
    if not each:
        raise ValueError(
            "expected a label with at least 2 samples and 2 real ones, got "
            "none: draw more")
    return sum(each) / len(each)


def health(
    history: Mapping[str, Tensor], samples: Tensor, real: Tensor, *,
    labels: Tensor | None = None, real_labels: Tensor | None = None,
) -> Diagnosis:
    """What a run suffers from, if anything.

    Args:
        history: the curves loss_d, loss_g, accuracy and grad_norm_g,
            (steps,) each, at least 40 steps; a dict or a `History`.
        samples: (N, *), of the trained generator, a few hundred.
        real: (M, *), of the data.
        labels, real_labels: (N,) and (M,), of a conditional GAN: what each
            sample was asked to be, and is.
    Raises:
        ValueError: too few steps or samples to say anything.
    """
    names = ("loss_d", "loss_g", "accuracy", "grad_norm_g")
    curves = {name: history[name] for name in names}
    steps = len(curves["loss_d"])
    if steps < 40 or min(len(samples), len(real)) < 16:
        raise ValueError(
            f"expected at least 40 steps and 16 samples, got {steps} steps, "
            f"{len(samples)} samples and {len(real)} real ones: train "
            "longer, draw more")
    finite = [c.isfinite().all() for c in (*curves.values(), samples)]
    if not all(finite):
        return Diagnosis(
            "diverged", "a loss, a gradient or a sample is not finite")
    samples, real = samples[:512].cpu(), real[:512].cpu()
    within = None
    if labels is not None and real_labels is not None:
        within = diversity_within(
            samples, labels[:512].cpu(), real, real_labels[:512].cpu())
    far, varied = distance(samples, real), diversity(samples, real)
    found = None
    if far > 0.15:  # a good run is below 0.1
        found = _far_from_the_data(
            curves, far, varied, astray(samples, real))
    return found or _near(curves, varied, within)


def _far_from_the_data(
    curves: dict, far: float, varied: float, gap: float
) -> Diagnosis | None:
    """The illnesses in which G's samples are not distributed as the data."""
    away = f"the samples are far from the data (energy distance {far:.2g})"
    norm, accuracy = curves["grad_norm_g"], curves["accuracy"]
    quarter = len(norm) // 4
    last, best = norm[-quarter:].median().item(), norm.max().item()
    if best == 0:
        return Diagnosis("not started", f"{away}, and no gradient reaches G")
    loss_d, norms = smoothed(curves["loss_d"], 50), smoothed(norm, 50)
    change = (loss_d / loss_d[0] - 1).abs().max().item()
    if change < 0.1 and norms.max() < 3 * norms.min():
        return Diagnosis("not started", (
            f"{away}, D's loss has changed by {change:.0%} at most, and G's "
            "gradient as little"))
    if varied > 0.7 and gap < 0.2 and swings(curves["loss_g"]):
        return None  # as varied as the data: it only passes by
    if gap < 0.1 and (far > 0.25 or varied < 0.7):
        return Diagnosis("collapse", (
            f"{away}, but each of them lies among real ones: two samples "
            f"differ {varied:.2f} times as much as two real ones"))
    lead = accuracy[-quarter:].median().item()
    if lead > 0.99 and last < 0.01 * best:
        return Diagnosis("vanishing gradient", (
            f"{away}, and G's gradient is {last / best:.1g} of what it was "
            "at most"))
    back = setback(curves["loss_g"])
    if lead > 0.95 and back < 0.1:
        return Diagnosis("overpowering discriminator", (
            f"{away}, D orders {lead:.1%} of pairs right, and G has won no "
            "ground that it lost again"))
    if back > 0.1 and (varied < 0.7 or far > 0.25):
        return Diagnosis("diverged", (
            f"{away}, and so is each from the nearest real one; G's loss "
            f"falls and rises by {back:.0%} of its range: both move and do "
            "not meet"))
    return None


def _near(
    curves: dict, varied: float, within: float | None
) -> Diagnosis:
    """The illnesses in which G's samples are where the data are, at least
    some of the time."""
    seen = f"two samples differ {varied:.2f} times as much as two real ones"
    if varied < 0.5:
        return Diagnosis("collapse", seen)
    if within is not None and within < 0.5:
        return Diagnosis("one sample per label", (
            f"two samples of one label differ {within:.2f} times as much as "
            "real ones"))
    if swings(curves["loss_g"]):
        size, crossings = swing(curves["loss_g"])
        return Diagnosis("oscillation", (
            f"G's loss goes up and down {crossings} times, {size:.1f} times "
            "its noise"))
    return Diagnosis("healthy", f"{seen}, and the losses hold")
