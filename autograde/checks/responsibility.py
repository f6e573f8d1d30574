"""Checks of chapter 12."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from solutions import responsibility as reference
from solutions.measures.watermark import from_spectrum, key_signs, marked_band, spectrum

from . import Draw, Subject, Wrong, assert_close, check, is_close, written


def raised_by(function: Callable, *args: object) -> str:
    """The name of the error that a call raises; empty where it returns."""
    try:
        function(*args)
    except NotImplementedError:
        raise
    except Exception as error:
        return type(error).__name__
    return ""


# The copy test

def _nearer(samples: Tensor, train: Tensor, held_out: Tensor, *, tie: float = 0.5, own: bool = False, one: bool = False,
            reverse: bool = False) -> float:
    """The share nearer to training, with named faults: `own` standardises each set by itself, `one` all by training."""
    sets = [samples, train, held_out]
    if own:
        sets = [(x - x.mean(0)) / x.std(0) for x in sets]
    elif one:
        sets = [(x - train.mean(0)) / train.std(0) for x in sets]
    to_train, to_held_out = (reference.nearest(sets[0], x)[0] for x in sets[1:])
    if reverse:
        to_train, to_held_out = to_held_out, to_train
    return ((to_train < to_held_out).double() + tie * (to_train == to_held_out).double()).mean().item()


OWN = ("Each set is moved and scaled by its own mean and spread, so a sample and its original are no longer the same "
       "point. Compare them as they are.")
COPYING_MISTAKES: list[tuple[Callable, str]] = [
    (lambda *sets: _nearer(*sets, tie=1.0), "A tie is nobody's: where both distances are equal, count one half, not a win."),
    (lambda *sets: _nearer(*sets, tie=0.0), "A tie counts one half: a clip in both sets speaks for neither."),
    (lambda *sets: _nearer(*sets, own=True), OWN),
    (lambda *sets: _nearer(*sets, own=True, tie=1.0), OWN),
    (lambda *sets: _nearer(*sets, one=True), "Compare the features as they are: no scaling by the training set either."),
    (lambda *sets: _nearer(*sets, reverse=True), "The two sets are exchanged: count where the training set is nearer."),
]


def copying_of(function: Callable, samples: Tensor, train: Tensor, held_out: Tensor) -> list[float]:
    """The five numbers of the verdict."""
    return [float(value) for value in function(samples, train, held_out)]


def _assert_share(subject: Subject, *sets: Tensor) -> None:
    expected = list(reference.copying(*sets))
    found = subject.probe(copying_of, *sets)
    if len(found) == 5 and not is_close(found[0], expected[0]):
        assert_close(found[0], expected[0], mistakes=[(wrong(*sets), hint) for wrong, hint in COPYING_MISTAKES])
    assert_close(found, expected)


@check("responsibility.copying", points=2, hint="Distances of the features as they are; all three sets treated alike.")
def finds_the_share_of_planted_copies(subject: Subject, draw: Draw) -> None:
    train, held_out = draw.normal(60, 6), draw.normal(60, 6)
    scale = draw.uniform(6, low=0.2, high=4.0)
    copies = train[:20] * scale + draw.normal(20, 6, std=0.01)
    samples = torch.cat([copies, 1.5 + 0.5 * draw.normal(30, 6) * scale])
    _assert_share(subject, samples, train * scale, held_out * scale)


@check("responsibility.copying", points=2, hint="Where both distances are equal, count one half.")
def shares_what_is_tied(subject: Subject, draw: Draw) -> None:
    whole = [draw.integers(0, 4, 40, 2).float() for _ in range(3)]
    _assert_share(subject, *whole)


@check("responsibility.copying", points=1, hint="Raise a ValueError where the two sets are not equally many, and only there.")
def refuses_sets_of_unequal_size(subject: Subject, draw: Draw) -> None:
    samples, train, held_out = draw.normal(9, 3), draw.normal(20, 3), draw.normal(12, 3)
    for sets in ((samples, train, held_out), (samples, held_out, train)):
        if subject.probe(raised_by, *sets) != "ValueError":
            raise Wrong(hint="The larger set is nearer by its size alone: raise a ValueError where they are not equally many.")
    _assert_share(subject, samples, train[:12], held_out)


# AUC

def _pairs(p: Tensor, n: Tensor, tie: float = 0.5) -> float:
    return ((p[:, None] > n).double() + tie * (p[:, None] == n).double()).mean().item()


AUC_MISTAKES: list[tuple[Callable, str]] = [
    (lambda p, n: _pairs(p, n, 0.0), "Ties are missing: an equal pair counts one half."),
    (lambda p, n: _pairs(p, n, 1.0), "A tie is no win: it counts one half."),
    (lambda p, n: max(_pairs(p, n), 1 - _pairs(p, n)), "Below 1/2 is possible and says something: do not fold it up."),
    (lambda p, n: _pairs(n, p), "The wrong way round: a pair is won where the *positive* has the higher score."),
    (lambda p, n: _pairs(p, n) * len(p) * len(n), "A share of the pairs, not their number: divide by N M."),
    (lambda p, n: ((p > 0).double().mean() + (n <= 0).double().mean()).item() / 2,
     "This is the accuracy at one fixed line. The AUC needs no line: it compares pairs."),
    (lambda p, n: (p.mean() > n.mean()).double().item(), "Compare the scores pair by pair, not their means."),
]


@check("responsibility.auc", points=3, hint="The share of pairs (positive, negative) in which the positive is higher.")
def counts_pairs_and_halves_ties(subject: Subject, draw: Draw) -> None:
    for shift in (3, -3):
        p, n = draw.integers(-4, 5, 14).float() + shift, draw.integers(-4, 5, 9).float()
        mistakes = [(wrong(p, n), hint) for wrong, hint in AUC_MISTAKES]
        assert_close(subject(p, n), reference.auc(p, n), mistakes=mistakes)


# The private step

def network_of(first: Tensor, second: Tensor) -> nn.Module:
    """A small network with these weights."""
    hidden, last = nn.Linear(first.shape[1], first.shape[0]), nn.Linear(second.shape[1], 1)
    with torch.no_grad():
        hidden.weight.copy_(first)
        hidden.bias.fill_(0.1)
        last.weight.copy_(second)
        last.bias.fill_(-0.2)
    return nn.Sequential(hidden, nn.Tanh(), last)


def squared_loss(network: nn.Module, samples: Tensor) -> Tensor:
    return network(samples).square().mean()


def weights_after(
    step: Callable, first: Tensor, second: Tensor, samples: Tensor, bound: float, noise: float, seed: int,
) -> Tensor:
    """All weights, one behind the other, after two steps."""
    network = network_of(first, second)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    rng = torch.Generator().manual_seed(seed)
    for _ in range(2):
        step(network, squared_loss, samples, optimizer, bound=bound, noise=noise, rng=rng)
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def _step(*, cut: str = "whole", scale: Callable = lambda b, n: (b / n).clamp(max=1), spread: str = "sum",
          divide: bool = True) -> Callable:
    """A private step with one named fault."""
    def step(network, loss, samples, optimizer, *, bound, noise, rng):
        parameters = list(network.parameters())
        rows = [torch.autograd.grad(loss(network, s[None]), parameters) for s in samples]
        if cut == "batch":
            rows = [torch.autograd.grad(loss(network, samples), parameters)] * len(samples)
        total = [torch.zeros_like(p) for p in parameters]
        for row in rows:
            norm = torch.cat([g.flatten() for g in row]).norm()
            for t, g in zip(total, row, strict=True):
                t += g if cut == "none" else g * scale(torch.tensor(bound), g.norm() if cut == "each" else norm)
        for p, t in zip(parameters, total, strict=True):
            count = len(samples) if divide else 1
            xi = torch.randn(p.shape, generator=rng)
            size = {"sum": noise * bound, "mean": noise * bound * count, "unit": noise, "none": 0.0}[spread]
            p.grad = (t + xi * size) / count
        optimizer.step()
    return step


STEP_MISTAKES: list[tuple[Callable, str]] = [
    (_step(cut="none"), "No sample's gradient is bounded: scale those longer than `bound` down to it."),
    (_step(cut="batch"), "The gradient of the batch is bounded, not that of each sample: take them one by one."),
    (_step(cut="each"), "The length of a gradient goes over all parameters together, not one tensor at a time."),
    (_step(scale=lambda b, n: b / n), "A gradient shorter than the bound stays as it is: the factor is at most 1."),
    (_step(spread="mean"), "The noise is added to the sum, before the division by the number of samples."),
    (_step(spread="unit"), "The noise has standard deviation noise * bound: it must be as large as what it hides."),
    (_step(spread="none"), "The noise is missing, or it does not come from `rng`."),
    (_step(divide=False), "Divide by the number of samples at the end."),
]


def _length(network: nn.Module, samples: Tensor) -> Tensor:
    gradient = torch.autograd.grad(squared_loss(network, samples), list(network.parameters()))
    return torch.cat([g.flatten() for g in gradient]).norm()


def _draw_step(draw: Draw) -> tuple[Tensor, Tensor, Tensor, float]:
    """Weights, samples, and a bound that some gradients exceed, some do not, and the batch's does."""
    while True:
        first, second, samples = draw.normal(5, 4), draw.normal(1, 5), draw.normal(9, 4)
        lengths = torch.stack([_length(network_of(first, second), sample[None]) for sample in samples])
        bound = 0.6 * _length(network_of(first, second), samples).item()
        if (lengths < 0.8 * bound).sum() >= 2 <= (lengths > 1.2 * bound).sum():
            return first, second, samples, bound


def _assert_step(subject: Subject, draw: Draw, noise: float) -> None:
    first, second, samples, bound = _draw_step(draw)
    seed = int(draw.integers(0, 10**6))
    given = (first, second, samples, bound, noise, seed)
    mistakes = [(weights_after(wrong, *given), hint) for wrong, hint in STEP_MISTAKES]
    expected = weights_after(reference.private_step, *given)
    assert_close(subject.probe(weights_after, *given), expected, mistakes=mistakes)


@check("responsibility.private_step", points=3, hint="One gradient a sample, its length over all parameters, at most `bound`.")
def bounds_what_one_sample_can_do(subject: Subject, draw: Draw) -> None:
    _assert_step(subject, draw, 0.0)


@check("responsibility.private_step", points=2,
       hint="Noise of noise * bound on the sum, drawn parameter by parameter from rng.")
def hides_it_in_noise_of_that_size(subject: Subject, draw: Draw) -> None:
    _assert_step(subject, draw, 0.8)


# The mark

def _mark(clip: Tensor, key: int, strength: float, *, where: str = "band", scale: str = "deviation", clamp: bool = True,
          channels: str = "all", transform: bool = True) -> Tensor:
    """The clip with a mark that has one named fault."""
    band = marked_band((clip.shape[0], *clip.shape[2:]))
    band = torch.ones_like(band) if where == "all" else band
    pattern = torch.zeros(band.shape)
    pattern[band] = key_signs(key, int(band.sum()))
    mark = from_spectrum(pattern) if transform else pattern
    size = {"deviation": mark.square().mean().sqrt(), "peak": mark.abs().max(), "none": torch.ones(())}[scale]
    mark = (mark * strength / size)[:, None]
    if channels == "first":
        mark = torch.cat([mark, torch.zeros_like(clip[:, 1:])], 1)
    return (clip + mark).clamp(-1, 1) if clamp else clip + mark


MARK_MISTAKES: list[tuple[dict, str]] = [
    ({"clamp": False}, "What leaves [-1, 1] is no pixel: clamp at the end."),
    ({"scale": "none"}, "Scale the mark: divide by the root of the mean of its squares, then multiply by the strength."),
    ({"scale": "peak"}, "The strength is the mark's standard deviation, not its largest value."),
    ({"where": "all"}, "The signs stand on the marked band only; all other frequencies are 0."),
    ({"channels": "first"}, "The mark goes into all channels alike."),
    ({"transform": False}, "The pattern is a spectrum: turn it into pixels with from_spectrum before you add it."),
]


def _assert_mark(subject: Subject, clip: Tensor, key: int, *strength: float) -> None:
    used = strength[0] if strength else 0.025
    mistakes = [(_mark(clip, key, used, **fault), hint) for fault, hint in MARK_MISTAKES]
    if strength:
        mistakes.append((_mark(clip, key, 0.025), "The strength is an argument: use it."))
    mistakes.append((_mark(clip, 0, used), "The signs are those of `key`."))
    assert_close(subject(clip, key, *strength), reference.embed(clip, key, *strength), mistakes=mistakes)


@check("responsibility.embed", points=2, hint="key_signs on marked_band, from_spectrum, scaled, added to every channel.")
def adds_the_pattern_of_the_key(subject: Subject, draw: Draw) -> None:
    _assert_mark(subject, draw.uniform(4, 3, 16, 20, low=-0.8, high=0.8), int(draw.integers(1, 10**6)))


@check("responsibility.embed", points=2, hint="As strong as asked, and within [-1, 1].")
def is_as_strong_as_asked_and_stays_in_range(subject: Subject, draw: Draw) -> None:
    for _ in range(2):
        clip = draw.uniform(3, 3, 16, 16, low=-1.0, high=1.0)
        clip[:, :, :8] = clip[:, :, :8].sign()
        _assert_mark(subject, clip, int(draw.integers(1, 10**6)), draw.uniform(1, low=0.05, high=0.2).item())


# The score

def _score(clip: Tensor, key: int, *, squash: bool = True, middle: bool = True, bright: str = "luma", band: bool = True,
           divide: str = "norm") -> float:
    """The detection score with one named fault."""
    volume = {"luma": reference.luma(clip), "mean": clip.mean(1), "first": clip[:, 0]}[bright]
    c = spectrum(volume)
    num_frames, height, width = volume.shape
    c = c[marked_band((num_frames, height, width))] if band else c.flatten()
    u = (c / c.abs().median() if middle else c).tanh() if squash else c
    size = {"norm": u.norm(), "squares": u.square().sum(), "count": torch.tensor(float(len(u))),
            "root": torch.tensor(float(len(u))).sqrt()}[divide]
    return (key_signs(key, len(u)) @ u / size).item()


SCORE_MISTAKES: list[tuple[dict, str]] = [
    ({"squash": False},
     "The coefficients are not squashed: a few large ones, the picture's, outweigh the rest. u = tanh(c / m)."),
    ({"middle": False}, "Divide by the median of |c| before the tanh, or the score depends on the contrast."),
    ({"bright": "mean"}, "The brightness is `luma`, with its weights, not the mean of the channels."),
    ({"bright": "first"}, "The brightness is `luma`, not one channel."),
    ({"band": False}, "Only the marked band carries the mark: take its coefficients, in its order."),
    ({"divide": "squares"}, "Divide by the *root* of the sum of squares: that is the standard deviation of chance."),
    ({"divide": "count"}, "A mean agreement has no known spread. Divide by the root of the sum of u^2."),
    ({"divide": "root"}, "The root of the number of terms would be right for signs; here it is the root of the sum of u^2."),
]


@check("responsibility.detection_score", points=3, hint="sum of sign * tanh(c / m) over the band, divided by its norm.")
def counts_in_standard_deviations_of_chance(subject: Subject, draw: Draw) -> None:
    for shape in ((4, 3, 16, 20), (3, 3, 24, 16)):
        key, wide = int(draw.integers(1, 10**6)), draw.uniform(1, low=0.2, high=1.0).item()
        clip = reference.embed(draw.uniform(*shape, low=-wide, high=wide), key, 0.05)
        mistakes = [(_score(clip, key, **fault), hint) for fault, hint in SCORE_MISTAKES]
        mistakes.append((-_score(clip, key), "The sign is turned: agreement with the key counts as positive."))
        mistakes.append((abs(_score(clip, key + 1)), "Another key's score has a sign, too: no abs()."))
        assert_close(subject(clip, key), reference.detection_score(clip, key), mistakes=mistakes, atol=1e-3, rtol=1e-3)
        other = reference.detection_score(clip, key + 1)
        mistakes = [(abs(other), "No abs(): a strong disagreement is no mark, and the sign is what makes chance normal.")]
        assert_close(subject(clip, key + 1), other, mistakes=mistakes, atol=1e-3, rtol=1e-3)


@check("responsibility.detection_score", points=1, hint="clamp(min=1e-12) where you divide: a black clip has nothing to find.")
def is_0_where_there_is_nothing(subject: Subject, draw: Draw) -> None:
    key = int(draw.integers(1, 10**6))
    clip = reference.embed(draw.uniform(3, 3, 16, 16, low=-0.5, high=0.5), key, 0.05)
    found = [subject(torch.zeros(3, 3, 16, 16), key), subject(clip, key)]
    assert_close(found, [0.0, reference.detection_score(clip, key)], atol=1e-3, rtol=1e-3)


# The line

def _quantile(p: float) -> float:
    return torch.special.ndtri(torch.tensor(p, dtype=torch.float64)).item()


LINE_MISTAKES: list[tuple[Callable, str]] = [
    (_quantile, "The sign is turned: the line is far to the right where false alarms are rare."),
    (lambda p: -_quantile(p / 2), "One side only: a score far *below* 0 is never claimed, so do not halve the rate."),
    (lambda p: 1 - p, "The quantile, not the probability: which score has this share of the normal above it?"),
    (lambda p: 3.0, "A line by eye. It should follow from the rate."),
    (lambda p: torch.special.ndtr(torch.tensor(p, dtype=torch.float64)).item(),
     "This is the distribution function; the line is its inverse: ndtri, erfinv or NormalDist().inv_cdf."),
]


@check("responsibility.threshold", points=2, hint="The inverse of the normal distribution function at 1 - rate.")
def is_the_quantile_of_the_normal(subject: Subject, draw: Draw) -> None:
    rates = [draw.uniform(1, low=0.001, high=0.4).item(), 1e-6, draw.uniform(1, low=0.6, high=0.9).item()]
    mistakes = [([wrong(rate) for rate in rates], hint) for wrong, hint in LINE_MISTAKES]
    assert_close([subject(rate) for rate in rates], [reference.threshold(rate) for rate in rates], mistakes=mistakes)


@check("responsibility.threshold", points=1,
       hint="-ndtri(rate): 1 - rate would be rounded to 1. And a ValueError outside (0, 1).")
def holds_for_the_rarest_and_refuses_the_impossible(subject: Subject, draw: Draw) -> None:
    rate = draw.uniform(1, low=1.0, high=9.0).item() * 1e-20
    assert_close(subject(rate), reference.threshold(rate), rtol=1e-3)
    for impossible in (0.0, 1.0, -draw.uniform(1).item(), 1 + draw.uniform(1).item()):
        if subject.probe(raised_by, impossible) != "ValueError":
            raise Wrong(hint="A rate is in (0, 1), without its ends: raise a ValueError for all others.")


# Directions

DIRECTION_MISTAKES: list[tuple[Callable, str]] = [
    (lambda z, b: z[b].mean(0) - z[~b].mean(0), "Bring it to length 1: divide by its norm."),
    (lambda z, b: _unit(z[~b].mean(0) - z[b].mean(0)), "The wrong way round: from those without it to those with it."),
    (lambda z, b: _unit(z[b].mean(0)), "Subtract the mean of those without it: what all have in common is no direction."),
    (lambda z, b: _unit(z[b].mean(0) - z.mean(0)) * 0.5, "Bring it to length 1."),
    (lambda z, b: _unit(z[b].sum(0) - z[~b].sum(0)), "Means, not sums: the groups are not equally large."),
    (lambda z, b: (z[b].mean(0) - z[~b].mean(0)) / (z[b].mean(0) - z[~b].mean(0)).abs().sum(),
     "Length 1 is the Euclidean one: norm(), not the sum of absolute values."),
]


def _unit(direction: Tensor) -> Tensor:
    return direction / direction.norm()


@check("responsibility.label_direction", points=2, hint="(mean with - mean without), divided by its length.")
def points_from_those_without_to_those_with(subject: Subject, draw: Draw) -> None:
    z = draw.normal(30, 6, mean=0.7)
    has = z[:, 0] + 0.3 * z[:, 1] > 1.8
    has[:2] = torch.tensor([True, False])
    mistakes = [(wrong(z, has), hint) for wrong, hint in DIRECTION_MISTAKES]
    assert_close(subject(z, has), reference.label_direction(z, has), mistakes=mistakes)


@check("responsibility.label_direction", points=1, hint="Raise a ValueError where all have it, or none.")
def refuses_an_attribute_that_all_have_or_none(subject: Subject, draw: Draw) -> None:
    z, some = draw.normal(8, 4), draw.integers(0, 2, 8).bool()
    some[:2] = torch.tensor([True, False])
    for all_or_none in (torch.ones(8).bool(), torch.zeros(8).bool()):
        if subject.probe(raised_by, z, all_or_none) != "ValueError":
            raise Wrong(hint="The mean of no samples is NaN, and NaN travels quietly: raise a ValueError where all have it, "
                             "and where none has.")
    assert_close(subject(z, some), reference.label_direction(z, some))


written("responsibility.a_memory_test", points=4, rubric="""
- 1 point: what it shows: no large share of near-copies, in these features, among the samples that were tested.
- 2 points: what it does not show, at least three of: copies that the features miss (mirrored, recoloured, one face); rare
  copies below the interval's width; membership inference from the networks; a held-out set that is not independent; samples
  that are not independent; rights and consent (1 point for two of them).
- 1 point: questions to the studio, one of them about consent (to this use; how to withdraw), not only about statistics.
""")
