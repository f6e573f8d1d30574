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
        "lower both learning rates, clip the gradients, and look for a "
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
    first = {name: curve[:max(1, steps // 50)].median().item()
             for name, curve in curves.items()}
    last = {name: curve[-(steps // 4):].median().item()
            for name, curve in curves.items()}
    samples, real = samples[:512].cpu(), real[:512].cpu()
    within = None
    if labels is not None and real_labels is not None:
        within = diversity_within(
            samples, labels[:512].cpu(), real, real_labels[:512].cpu())
    far = distance(samples, real)
    found = _far_from_the_data(curves, first, last, far)
    return found or _near(curves, diversity(samples, real), within)


def _far_from_the_data(
    curves: dict, first: dict, last: dict, far: float
) -> Diagnosis | None:
    """The illnesses in which G's samples are not where the data are."""
    if far < 0.25:  # a good run is below 0.1
        return None
    away = f"the samples are far from the data (energy distance {far:.2g})"
    loss = curves["loss_d"]  # it may come back to where it began
    smooth = loss.unfold(0, max(1, len(loss) // 50), 1).mean(1)
    change = (smooth / first["loss_d"] - 1).abs().max().item()
    if change < 0.1 and last["grad_norm_g"] > 0.1 * first["grad_norm_g"]:
        return Diagnosis("not started", (
            f"{away} and D's loss has changed by {change:.0%} at most"))
    if last["accuracy"] < 0.99:
        return None
    push = last["grad_norm_g"] / curves["grad_norm_g"].max().item()
    if push < 0.01:
        return Diagnosis("vanishing gradient", (
            f"{away}, and G's gradient is {push:.1g} of what it was at most"))
    return Diagnosis("overpowering discriminator", (
        f"{away}, and D orders {last['accuracy']:.1%} of pairs right"))


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
    size, crossings = swing(curves["loss_g"])
    if size > 1 and crossings >= 4:
        return Diagnosis("oscillation", (
            f"G's loss goes up and down {crossings} times, {size:.1f} times "
            "its noise"))
    return Diagnosis("healthy", f"{seen}, and the losses hold")
