"""Checks of chapter 12."""
from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from solutions import responsibility as reference
from solutions.measures.watermark import from_spectrum, key_signs, marked_band, spectrum

from . import Draw, Subject, Wrong, assert_close, check, is_close, written


def raised_by(function: Callable, *args: object) -> list[str]:
    """The names of the error that a call raises, and of what it is a kind of; none where it returns."""
    try:
        function(*args)
    except NotImplementedError:
        raise
    except Exception as error:
        return [kind.__name__ for kind in type(error).__mro__]
    return []


def _refuses(subject: Subject, *args: object) -> bool:
    return "ValueError" in subject.probe(raised_by, *args)


# The copy test

def _nearer(samples: Tensor, train: Tensor, held_out: Tensor, *, tie: float = 0.5, own: bool = False, moved: bool = False,
            by: str = "", reverse: bool = False, dropped: bool = False) -> float:
    """The share nearer to training, with named faults: `own` standardises each set by itself, `moved` subtracts its own mean
    only, `by` standardises all alike, by one set or by all of them, `dropped` leaves ties out."""
    sets = [samples, train, held_out]
    if own or moved:
        sets = [(x - x.mean(0)) / (x.std(0) if own else 1) for x in sets]
    elif by:
        one = {"samples": samples, "train": train, "all": torch.cat(sets)}[by]
        sets = [(x - one.mean(0)) / one.std(0) for x in sets]
    to_train, to_held_out = (reference.nearest(sets[0], x)[0] for x in sets[1:])
    if reverse:
        to_train, to_held_out = to_held_out, to_train
    wins, ties = (to_train < to_held_out).double(), (to_train == to_held_out).double()
    return (wins.sum() / (1 - ties).sum()).item() if dropped else (wins + tie * ties).mean().item()


OWN = ("Each set is moved and scaled by its own mean and spread, so a sample and its original are no longer the same "
       "point. Compare them as they are.")
MOVED = ("Each set is moved by its own mean, so a sample and its original are no longer the same point. Compare them as they "
         "are.")
SCALED: list[dict] = [{"by": "train"}, {"by": "samples"}, {"by": "all"}]
COPYING_MISTAKES: list[tuple[dict, str]] = [
    ({"tie": 1.0}, "A tie is nobody's: where both distances are equal, count one half, not a win."),
    ({"tie": 0.0}, "A tie counts one half: a clip in both sets speaks for neither."),
    ({"dropped": True}, "A tie counts one half: it is not left out of the share."),
    ({"own": True}, OWN),
    ({"own": True, "tie": 1.0}, OWN),
    ({"moved": True}, MOVED),
    ({"moved": True, "tie": 1.0}, MOVED),
    *((fault, "Compare the features as they are: no scaling, not even one for all three sets.") for fault in SCALED),
    ({"reverse": True}, "The two sets are exchanged: count where the training set is nearer."),
]
FIELDS = ("nearer", "low", "high", "copied", "z")


def copying_of(function: Callable, samples: Tensor, train: Tensor, held_out: Tensor) -> list[float]:
    """The five numbers of the verdict."""
    return [float(value) for value in function(samples, train, held_out)]


def fields_of(function: Callable, names: tuple, samples: Tensor, train: Tensor, held_out: Tensor) -> list[float]:
    """The same, asked by name; none of it where it has no such names."""
    verdict = function(samples, train, held_out)
    return [float(getattr(verdict, name)) for name in names if hasattr(verdict, name)]


def _assert_share(subject: Subject, *sets: Tensor, named: bool = False) -> dict[str, float]:
    """The share is right or, where the verdict is asked by name, that of SCALED, which is paid for elsewhere; returns all of
    the verdict by name."""
    found = subject.probe(fields_of, FIELDS, *sets) if named else subject.probe(copying_of, *sets)
    if len(found) != len(FIELDS):
        raise Wrong(hint=f"Return a Copying: {', '.join(FIELDS)}.")
    mistakes = ((_nearer(*sets, **fault), hint) for fault, hint in COPYING_MISTAKES)
    if not named or not any(is_close(found[0], _nearer(*sets, **fault)) for fault in SCALED):
        assert_close(found[0], _nearer(*sets), mistakes=mistakes)
    return dict(zip(FIELDS, found, strict=True))


def _tells(sets: list[Tensor], faults: list[dict]) -> bool:
    """Whether these sets tell all of these faults from what is right."""
    return all(abs(_nearer(*sets, **fault) - _nearer(*sets)) > 0.01 for fault in faults)


@check("responsibility.copying", points=2, hint="Distances of the features as they are; all three sets treated alike.")
def finds_the_share_of_planted_copies(subject: Subject, draw: Draw) -> None:
    while True:
        train, held_out = draw.normal(60, 6), draw.normal(60, 6)
        scale = draw.uniform(6, low=0.2, high=4.0)
        copies = train[:20] * scale + draw.normal(20, 6, std=0.01)
        samples = torch.cat([copies, 1.5 + 0.5 * draw.normal(77, 6) * scale])
        sets = [samples, train * scale, held_out * scale]
        if _tells(sets, [{"own": True}, {"moved": True}, {"reverse": True}, *SCALED]):
            break
    _assert_share(subject, *sets)
    small = [1e-6 * some for some in sets]
    found = subject.probe(copying_of, *small)[0]
    if not is_close(found, _nearer(*sets)):  # features have no unit
        assert_close(found, _nearer(*small), mistakes=[
            (0.5, "Of features a millionth as large all distances tie here: compare them as they are, within no tolerance.")])


def _verdict(nearer: float, count: int) -> dict[str, float]:
    low, high = reference.wilson_interval(nearer, count)
    return dict(zip(FIELDS, (nearer, low, high, max(0.0, 2 * nearer - 1), 2 * math.sqrt(count) * (nearer - 0.5)), strict=True))


@check("responsibility.copying", points=2, hint="Where both distances are equal, count one half.")
def shares_what_is_tied(subject: Subject, draw: Draw) -> None:
    for above in (True, False):
        while True:
            sets = [draw.integers(0, 5, count, 2).float() for count in (40, 30, 30)]
            share = _nearer(*sets)
            if _tells(sets, [{"tie": 1.0}, {"tie": 0.0}, {"dropped": True}]) and (share > 0.52 if above else share < 0.48):
                break
        found = _assert_share(subject, *sets, named=True)
        share = found["nearer"]
        right, of_clips = _verdict(share, 40), [dict(zip(("low", "high"), reference.wilson_interval(share, clips), strict=True))
                                                for clips in (30, 60)]
        assert_close(found, right, rtol=1e-3, mistakes=[
            (right | {"copied": 2 * share - 1}, "copied is at least 0: it does not fall below where nearer is under 1/2."),
            (right | {"copied": share}, "copied is 2 nearer - 1, at least 0: half of the honest samples are nearer, too."),
            *((right | wrong, "low, high count the samples, not the clips of the two sets.") for wrong in of_clips),
            (right | {"z": (share - 0.5) / math.sqrt(share * (1 - share) / 40)},
             "z is over chance: the standard deviation of a fair coin, 0.5 / sqrt(N), not that of the share seen.")])


@check("responsibility.copying", points=1, hint="Raise a ValueError where the two sets are not equally many, and only there.")
def refuses_sets_of_unequal_size(subject: Subject, draw: Draw) -> None:
    samples, train, held_out = draw.normal(9, 3), draw.normal(20, 3), draw.normal(12, 3)
    for sets in ((samples, train, held_out), (samples, held_out, train)):
        if not _refuses(subject, *sets):
            raise Wrong(hint="The larger set is nearer by its size alone: raise a ValueError where they are not equally many.")
    found = subject.probe(copying_of, samples, train[:12], held_out)
    sets = samples, train[:12], held_out
    if not any(is_close(found[0], _nearer(*sets, **fault)) for fault, _ in COPYING_MISTAKES):  # those were paid for above
        assert_close(found[0], _nearer(*sets))


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
    (lambda p, n: _pairs(p, n, 0.0) / max(1 - _pairs(p, n, 1.0) + _pairs(p, n, 0.0), 1e-9),
     "Ties are left out of the pairs: an equal pair counts one half, and is counted."),
    (lambda p, n: 2 * _pairs(p, n) - 1, "A share, in [0, 1]: wins and half of the ties, losses are not subtracted."),
    (lambda p, n: (p[:min(len(p), len(n))] > n[:min(len(p), len(n))]).double().mean().item(),
     "Every positive against every negative, N M pairs: not only those of the same place."),
    (lambda p, n: (p.mean() > n.mean()).double().item(), "Compare the scores pair by pair, not their means."),
]


def _tells_apart(values: list[float]) -> bool:
    """Whether these values of AUC_MISTAKES differ; what is folded is right or the wrong way round."""
    others = values[:2] + values[3:]
    return bool(others) and all(abs(a - b) > 1e-3 for k, a in enumerate(others) for b in others[:k])


@check("responsibility.auc", points=3, hint="The share of pairs (positive, negative) in which the positive is higher.")
def counts_pairs_and_halves_ties(subject: Subject, draw: Draw) -> None:
    for shift, of_p, of_n in ((2, 14, 9), (-2, 14, 9), (1, 5, 5), (0, 3, 8)):
        mistakes: list = []
        while not _tells_apart([value for value, _ in mistakes]):
            p, n = draw.integers(-4, 5, of_p).float() + shift, draw.integers(-4, 5, of_n).float()
            mistakes = [(wrong(p, n), hint) for wrong, hint in AUC_MISTAKES]
        assert_close(subject(p, n), reference.auc(p, n), mistakes=mistakes)
        p, n = (torch.where(x < 0, x / 10_000, x + 40) for x in (p, n))  # in the same order
        if not is_close(subject(p, n), reference.auc(p, n)):
            raise Wrong(hint="Only the order of two scores counts, however near or large they are: compare them as they are, "
                             "with no tolerance, no sigmoid, no thresholds set beforehand.")
        p, n = (1 + 1e-9 * x.double() for x in (p, n))
        if not is_close(subject(p, n), reference.auc(p, n)):
            raise Wrong(hint="Scores in float64 that differ little become ties: compare them as they are, in their own "
                             "precision.")


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
    if samples.ndim != 3:
        raise ValueError(f"the loss takes a batch (B, 2, 2), got {tuple(samples.shape)}: a sample alone is samples[k:k + 1]")
    return (network(samples.flatten(1)).square() * samples.flatten(1).square().mean(1, keepdim=True)).mean()


def weights_after(
    step: Callable, first: Tensor, second: Tensor, samples: Tensor, bound: float, noise: float, seed: int,
) -> Tensor:
    """All weights, one behind the other, after two steps."""
    network = network_of(first, second)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5, momentum=0.5)
    rng = torch.Generator().manual_seed(seed)
    for _ in range(2):
        step(network, squared_loss, samples, optimizer, bound=bound, noise=noise, rng=rng)
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def _step(*, cut: str = "whole", scale: Callable = lambda b, n: (b / n).clamp(max=1), spread: str = "sum",
          divide: bool = True, piled: bool = False, kept: bool = False, drawn: str = "each", steps: int = 1,
          by_hand: bool = False) -> Callable:
    """A private step with one named fault."""
    def step(network, loss, samples, optimizer, *, bound, noise, rng):
        parameters = list(network.parameters())
        rows = [list(torch.autograd.grad(loss(network, s[None]), parameters)) for s in samples]
        if cut == "batch":
            rows = [list(torch.autograd.grad(loss(network, samples), parameters))] * len(samples)
        if piled:
            rows = [[sum(gradients) for gradients in zip(*rows[:k + 1], strict=True)] for k in range(len(rows))]
        total = [torch.zeros_like(p) for p in parameters]
        for row in rows:
            norm = torch.cat([g.flatten() for g in row]).norm()
            for t, g in zip(total, row, strict=True):
                t += g if cut in ("none", "sum") else g * scale(torch.tensor(bound), g.norm() if cut == "each" else norm)
        if cut == "sum":
            factor = (bound / torch.cat([t.flatten() for t in total]).norm()).clamp(max=1)
            total = [t * factor for t in total]
        sizes = [p.numel() for p in parameters]
        flat = torch.randn(sum(sizes), generator=rng).split(sizes) if drawn == "flat" else None
        if drawn == "in the loop":
            each = [[torch.randn(p.shape, generator=rng) for p in parameters] for _ in samples]
            flat = [sum(noises) for noises in zip(*each, strict=True)]
        for k, (p, t) in enumerate(zip(parameters, total, strict=True)):
            count = len(samples) if divide else 1
            xi = flat[k].view_as(p) if flat else torch.randn(p.shape, generator=rng)
            if drawn == "every sample":
                xi = xi + sum(torch.randn(p.shape, generator=rng) for _ in range(len(samples) - 1))
            size = {"sum": noise * bound, "mean": noise * bound * count, "unit": noise, "none": 0.0,
                    "squared": (noise * bound)**2}[spread]
            gradient = (t + xi * size) / count
            p.grad = gradient if not kept or p.grad is None else p.grad + gradient
        if by_hand:
            with torch.no_grad():
                for p in parameters:
                    p -= optimizer.param_groups[0]["lr"] * p.grad
        for _ in range(0 if by_hand else steps):
            optimizer.step()
    return step


BOUND_MISTAKES: list[tuple[Callable, str]] = [
    (_step(cut="none"), "No sample's gradient is bounded: scale those longer than `bound` down to it."),
    (_step(cut="batch"), "The gradient of the batch is bounded, not that of each sample: take them one by one."),
    (_step(cut="sum"), "The sum is bounded, so one sample may fill it alone: bound each sample's gradient before you add it."),
    (_step(cut="each"), "The length of a gradient goes over all parameters together, not one tensor at a time."),
    (_step(scale=lambda b, n: b / n), "A gradient shorter than the bound stays as it is: the factor is at most 1."),
    (_step(scale=lambda b, n: 1 / n), "The bound is `bound`, not 1, and what is shorter stays as it is."),
    (_step(scale=lambda b, n: (1 / n).clamp(max=1)), "The bound is `bound`, not 1."),
    (_step(scale=lambda b, n: (n <= b).float()), "A gradient that is too long is scaled down to `bound`, not left out."),
    (_step(piled=True), "The gradients pile up: backward() adds to .grad, so each sample's holds those of all before it. "
     "zero_grad() before each, or torch.autograd.grad."),
    (_step(kept=True), "The last step's gradient is still there and counts again: set p.grad, do not add to it."),
    (_step(divide=False), "Divide by the number of samples at the end."),
    (_step(steps=2), "The optimizer steps twice: `optimizer.step()` is there already."),
    (_step(by_hand=True), "The optimizer steps, and it may keep more than a learning rate: set p.grad and call its step()."),
]
NOISE_MISTAKES: list[tuple[Callable, str]] = [
    (_step(spread="mean"), "The noise is added to the sum, before the division by the number of samples."),
    (_step(spread="unit"), "The noise has standard deviation noise * bound: it must be as large as what it hides."),
    (_step(spread="squared"), "noise * bound is a standard deviation, no variance: do not square it."),
    (_step(spread="none"), "The noise is missing, or it does not come from `rng`."),
    (_step(drawn="flat"), "All noise is drawn at once: draw it parameter by parameter, torch.randn(p.shape, generator=rng), so "
     "that the same generator gives the same weights."),
    (_step(drawn="in the loop"), "There is noise for every sample: it is added once, to the sum."),
    (_step(drawn="every sample"), "There is noise for every sample: it is added once, to the sum."),
]


def _length(network: nn.Module, samples: Tensor) -> Tensor:
    gradient = torch.autograd.grad(squared_loss(network, samples), list(network.parameters()))
    return torch.cat([g.flatten() for g in gradient]).norm()


def _draw_step(draw: Draw) -> tuple[Tensor, Tensor, Tensor, float]:
    """Weights, samples, and a bound that some gradients exceed, some do not, and the batch's does."""
    while True:
        first, second, samples = draw.normal(5, 4), draw.normal(1, 5), draw.normal(9, 2, 2)
        lengths = torch.stack([_length(network_of(first, second), sample[None]) for sample in samples])
        bound = 0.6 * _length(network_of(first, second), samples).item()
        if (lengths < 0.8 * bound).sum() >= 2 <= (lengths > 1.2 * bound).sum():
            return first, second, samples, bound


def _assert_step(subject: Subject, draw: Draw, noise: float, faults: list, spared: list) -> None:
    given = (*_draw_step(draw), noise, int(draw.integers(0, 10**6)))
    found = subject.probe(weights_after, *given)
    right = weights_after(reference.private_step, *given)
    if is_close(found, right) or any(is_close(found, weights_after(wrong, *given)) for wrong, _ in spared):
        return
    assert_close(found, right, mistakes=((weights_after(wrong, *given), hint) for wrong, hint in faults))


@check("responsibility.private_step", points=3, hint="One gradient a sample, its length over all parameters, at most `bound`.")
def bounds_what_one_sample_can_do(subject: Subject, draw: Draw) -> None:
    _assert_step(subject, draw, 0.0, BOUND_MISTAKES, [])
    first, second, samples, bound = _draw_step(draw)
    samples[int(draw.integers(0, len(samples)))] = 0  # its loss is 0, and so is its gradient
    given = first, second, samples, bound, 0.0, int(draw.integers(0, 10**6))
    found = subject.probe(weights_after, *given)
    if isinstance(found, Tensor) and found.isnan().any():
        raise Wrong(hint="NaN: a sample has a gradient of 0, and 0 / 0 is NaN. What is shorter than the bound stays.")
    assert_close(found, weights_after(reference.private_step, *given))


@check("responsibility.private_step", points=2,
       hint="Noise of noise * bound on the sum, drawn parameter by parameter from rng.")
def hides_it_in_noise_of_that_size(subject: Subject, draw: Draw) -> None:
    _assert_step(subject, draw, 0.8, NOISE_MISTAKES, BOUND_MISTAKES)  # the bound was paid for above


# The mark

def _mark(clip: Tensor, key: int, strength: float, *, where: str = "band", scale: str = "deviation", clamp: bool = True,
          channels: str = "all", transform: Callable = from_spectrum, signs: str = "band") -> Tensor:
    """The clip with a mark that has one named fault."""
    band = marked_band((clip.shape[0], *clip.shape[2:]))
    band = torch.ones_like(band) if where == "all" else band
    pattern = torch.zeros(band.shape)
    pattern[band] = key_signs(key, int(band.sum())) if signs == "band" else key_signs(key, band.numel())[band.flatten()]
    mark = transform(pattern)
    size = {"deviation": mark.square().mean().sqrt(), "peak": mark.abs().max(), "none": torch.ones(()),
            "frame": mark.square().mean((1, 2), keepdim=True).sqrt(), "size": mark.abs().mean(), "norm": mark.norm(),
            "square": mark.square().mean()}[scale]
    mark = (mark * strength / size)[:, None]
    if channels == "first":
        mark = torch.cat([mark, torch.zeros_like(clip[:, 1:])], 1)
    elif channels == "luma" and clip.shape[1] == 3:
        mark = mark * torch.tensor([0.2126, 0.7152, 0.0722]).view(3, 1, 1)
    return (clip + mark).clamp(-1, 1) if clamp else clip + mark


MARK_MISTAKES: list[tuple[dict, str]] = [
    ({"clamp": False}, "What leaves [-1, 1] is no pixel: clamp at the end."),
    ({"scale": "none"}, "Scale the mark: divide by the root of the mean of its squares, then multiply by the strength."),
    ({"scale": "peak"}, "The strength is the mark's standard deviation, not its largest value."),
    ({"scale": "frame"}, "One scale for the whole clip: the mean of the squares runs over (T, H, W), not over one frame."),
    ({"scale": "size"}, "The strength is a standard deviation: the root of the mean of squares, not the mean size."),
    ({"scale": "norm"}, "The root of the *mean* of squares: norm() is the root of their sum."),
    ({"scale": "square"}, "The standard deviation is the *root* of the mean of squares."),
    ({"where": "all"}, "The signs stand on the marked band only; all other frequencies are 0."),
    ({"channels": "first"}, "The mark goes into all channels alike."),
    ({"channels": "luma"}, "The mark goes into all channels alike, without the weights of luma."),
    ({"signs": "all"}, "As many signs as there are places on the band: pattern[band] = key_signs(key, int(band.sum()))."),
    ({"transform": spectrum}, "From frequencies to pixels leads from_spectrum; spectrum is the way back."),
    ({"transform": lambda pattern: pattern},
     "The pattern is a spectrum: turn it into pixels with from_spectrum before you add it."),
]


def _assert_mark(subject: Subject, clip: Tensor, key: int, *strength: float) -> None:
    used = strength[0] if strength else 0.025
    mistakes = [(_mark(clip, key, used, **fault), hint) for fault, hint in MARK_MISTAKES]
    if strength:
        mistakes.append((_mark(clip, key, 0.025), "The strength is an argument: use it."))
    mistakes.append((_mark(clip, 0, used), "The signs are those of `key`."))
    atol = used / 100  # torch's std() divides by one less
    assert_close(subject(clip, key, *strength), reference.embed(clip, key, *strength), mistakes=mistakes, atol=atol)


@check("responsibility.embed", points=2, hint="key_signs on marked_band, from_spectrum, scaled, added to every channel.")
def adds_the_pattern_of_the_key(subject: Subject, draw: Draw) -> None:
    for shape in ((4, 3, 16, 20), (5, 1, 16, 12)):
        _assert_mark(subject, draw.uniform(*shape, low=-0.8, high=0.8), int(draw.integers(1, 10**6)))


@check("responsibility.embed", points=2, hint="As strong as asked, and within [-1, 1].")
def is_as_strong_as_asked_and_stays_in_range(subject: Subject, draw: Draw) -> None:
    for _ in range(2):
        clip = draw.uniform(3, 3, 16, 16, low=-1.0, high=1.0)
        clip[:, :, :8] = clip[:, :, :8].sign()
        _assert_mark(subject, clip, int(draw.integers(1, 10**6)), draw.uniform(1, low=0.05, high=0.2).item())


# The score

def _score(clip: Tensor, key: int, *, squash: bool = True, middle: str = "median", bright: str = "luma", band: bool = True,
           divide: str = "norm", signs: str = "band") -> float:
    """The detection score with one named fault."""
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    volume = {"luma": reference.luma(clip), "mean": clip.mean(1), "first": clip[:, 0], "old": (clip * weights).sum(1)}[bright]
    c = spectrum(volume)
    num_frames, height, width = volume.shape
    where = marked_band((num_frames, height, width)) if band else torch.ones_like(c).bool()
    c = c[where]
    by = {"median": c.abs().median(), "none": torch.ones(()), "mean": c.abs().mean(), "deviation": c.std(),
          "signed": c.median(), "clamped": c.median().clamp(min=1e-12), "largest": c.abs().max()}
    u = (c / by[middle]).tanh() if squash else c
    size = {"norm": u.norm(), "squares": u.square().sum(), "count": torch.tensor(float(len(u))),
            "root": torch.tensor(float(len(u))).sqrt(), "of c": c.norm(), "sizes": u.abs().sum()}[divide]
    s = key_signs(key, len(u)) if signs == "band" else key_signs(key, volume.numel())[where.flatten()]
    return (s @ u / size).item()


SCORE_MISTAKES: list[tuple[dict, str]] = [
    ({"squash": False},
     "The coefficients are not squashed: a few large ones, the picture's, outweigh the rest. u = tanh(c / m)."),
    ({"middle": "none"}, "Divide by the median of |c| before the tanh, or the score depends on the contrast."),
    ({"middle": "mean"}, "m is the median of |c|, not their mean: a few large ones would move it."),
    ({"middle": "deviation"}, "m is the median of |c|, not the standard deviation: a few large ones would move it."),
    ({"middle": "signed"}, "m is the median of |c|: that of c itself is near 0."),
    ({"middle": "clamped"}, "m is the median of |c|: that of c itself is near 0, or below it."),
    ({"middle": "largest"}, "m is the median of |c|, not the largest."),
    ({"bright": "mean"}, "The brightness is `luma`, with its weights, not the mean of the channels."),
    ({"bright": "first"}, "The brightness is `luma`, not one channel."),
    ({"bright": "old"}, "Other weights than those of `luma`: call it."),
    ({"band": False}, "Only the marked band carries the mark: take its coefficients, in its order."),
    ({"signs": "all"}, "As many signs as there are coefficients on the band, key_signs(key, len(u)), not as all frequencies."),
    ({"divide": "squares"}, "Divide by the *root* of the sum of squares: that is the standard deviation of chance."),
    ({"divide": "count"}, "A mean agreement has no known spread. Divide by the root of the sum of u^2."),
    ({"divide": "root"}, "The root of the number of terms would be right for signs; here it is the root of the sum of u^2."),
    ({"divide": "of c"}, "Divide by the root of the sum of u^2, of what was added up: not by the norm of c."),
    ({"divide": "sizes"}, "Divide by the root of the sum of u^2, not by the sum of sizes."),
]


@check("responsibility.detection_score", points=3, hint="sum of sign * tanh(c / m) over the band, divided by its norm.")
def counts_in_standard_deviations_of_chance(subject: Subject, draw: Draw) -> None:
    for shape in ((5, 3, 16, 20), (3, 3, 18, 16), (5, 1, 16, 20)):
        # odd numbers of coefficients: one median, whoever computes it
        key, wide = int(draw.integers(1, 10**6)), draw.uniform(1, low=0.2, high=1.0).item()
        clip, other = reference.embed(draw.uniform(*shape, low=-wide, high=wide), key, 0.05), key + 1
        while reference.detection_score(clip, other) > -0.5:
            other += 1
        score = reference.detection_score(clip, key)
        turned = -score, "The sign is turned: agreement with the key counts as positive."
        known = ((_score(clip, key, **fault), hint) for fault, hint in SCORE_MISTAKES)
        assert_close(subject(clip, key), score, mistakes=itertools.chain(known, [turned]), atol=1e-3, rtol=1e-3)
        score = reference.detection_score(clip, other)
        bare = abs(score), "No abs(): a strong disagreement is no mark, and the sign is what makes chance normal."
        known = ((_score(clip, other, **fault), hint) for fault, hint in SCORE_MISTAKES)
        assert_close(subject(clip, other), score, mistakes=itertools.chain([bare], known), atol=1e-3, rtol=1e-3)


@check("responsibility.detection_score", points=1, hint="clamp(min=1e-12) where you divide: a black clip has nothing to find.")
def is_0_where_there_is_nothing(subject: Subject, draw: Draw) -> None:
    key = int(draw.integers(1, 10**6))
    clip = reference.embed(draw.uniform(3, 3, 18, 16, low=-0.5, high=0.5), key, 0.05)
    nothing, *found = (subject(c, key) for c in (torch.zeros(3, 3, 16, 16), clip, 1e-3 * clip))
    if isinstance(nothing, float | Tensor) and torch.as_tensor(nothing).isnan().any():
        raise Wrong(hint="A black clip's score is 0, and yours is 0 / 0: clamp(min=1e-12) where you divide.")
    assert_close(nothing, 0.0)
    right = reference.detection_score(clip, key)
    if is_close(found[0], right) and not is_close(found[1], right, atol=1e-3, rtol=1e-3):
        raise Wrong(hint="A fainter clip has the same score: what you divide by is clamped too high, clamp(min=1e-12).")
    if is_close(found, [right, right], atol=1e-3, rtol=1e-3):
        return
    paid = ([sign * _score(c, key, **fault) for c in (clip, 1e-3 * clip)] for fault, _ in SCORE_MISTAKES for sign in (1, -1))
    if not any(is_close(found, scores, rtol=1e-3) for scores in paid):  # above
        assert_close(found, [right, right], atol=1e-3, rtol=1e-3)


# The line

def _quantile(p: float) -> float:
    return torch.special.ndtri(torch.tensor(p, dtype=torch.float64)).item()


LINE_MISTAKES: list[tuple[Callable, str]] = [
    (_quantile, "The sign is turned: the line is far to the right where false alarms are rare."),
    (lambda p: -_quantile(p / 2), "One side only: a score far *below* 0 is never claimed, so do not halve the rate."),
    (lambda p: 1 - p, "The quantile, not the probability: which score has this share of the normal above it?"),
    (lambda p: -_quantile(p) / math.sqrt(2), "The root of 2 is missing: erfinv is the inverse of another function than Phi."),
    (lambda p: -_quantile(p) * math.sqrt(2), "A root of 2 too many."),
    (lambda p: 3.0, "A line by eye. It should follow from the rate."),
    (lambda p: torch.special.ndtr(torch.tensor(p, dtype=torch.float64)).item(),
     "This is the distribution function; the line is its inverse: ndtri, erfinv or NormalDist().inv_cdf."),
]


@check("responsibility.threshold", points=2, hint="The inverse of the normal distribution function at 1 - rate.")
def is_the_quantile_of_the_normal(subject: Subject, draw: Draw) -> None:
    rates = [draw.uniform(1, low=0.001, high=0.4).item(), 1e-6, draw.uniform(1, low=0.6, high=0.9).item()]
    mistakes = (([wrong(rate) for rate in rates], hint) for wrong, hint in LINE_MISTAKES)
    assert_close([subject(rate) for rate in rates], [reference.threshold(rate) for rate in rates], mistakes=mistakes)


@check("responsibility.threshold", points=1,
       hint="-ndtri(rate): 1 - rate would be rounded to 1. And a ValueError outside (0, 1).")
def holds_for_the_rarest_and_refuses_the_impossible(subject: Subject, draw: Draw) -> None:
    for size in (1e-20, 1e-60):
        rate = draw.uniform(1, low=1.0, high=9.0).item() * size
        found = subject(rate)
        if size < 1e-45 and math.isinf(found):
            raise Wrong(hint=f"A rate of {rate:.0e} is 0 in 32 bits, and its line infinitely far: take torch.float64.")
        assert_close(found, reference.threshold(rate), rtol=1e-3)
    for impossible in (0.0, 1.0, -draw.uniform(1).item(), 1 + draw.uniform(1).item()):
        if not _refuses(subject, impossible):
            raise Wrong(hint="A rate is in (0, 1), without its ends: raise a ValueError for all others.")


# Directions

DIRECTION_MISTAKES: list[tuple[Callable, str]] = [
    (lambda z, b: z[b].mean(0) - z[~b].mean(0), "Bring it to length 1: divide by its norm."),
    (lambda z, b: _unit(z[b].mean(0) - z[~b].mean(0)) / (z[b].mean(0) - z[~b].mean(0)).norm(),
     "Divide by the norm, not by its square."),
    (lambda z, b: _unit((z[b].mean(0) - z[~b].mean(0)) / z.std(0)), "The means' difference as it is: no standard deviations."),
    (lambda z, b: _unit(z[~b].mean(0) - z[b].mean(0)), "The wrong way round: from those without it to those with it."),
    (lambda z, b: _unit(z[b].mean(0)), "Subtract the mean of those without it: what all have in common is no direction."),
    (lambda z, b: _unit(z[b].mean(0) - z.mean(0)) * 0.5, "Bring it to length 1."),
    (lambda z, b: _unit(z[b].sum(0) - z[~b].sum(0)), "Means, not sums: the groups are not equally large."),
    (lambda z, b: _unit(_unit(z[b].mean(0)) - _unit(z[~b].mean(0))), "The means are brought to length 1 before they are "
     "subtracted: first the difference, then its length."),
    (lambda z, b: _unit(z[b].mean(0)) - _unit(z[~b].mean(0)), "The means are brought to length 1 before they are subtracted: "
     "first the difference, then its length."),
    (lambda z, b: _unit((z / z.norm(dim=1, keepdim=True))[b].mean(0) - (z / z.norm(dim=1, keepdim=True))[~b].mean(0)),
     "The rows of z are taken as they are: only the direction is brought to length 1."),
    (lambda z, b: _unit(z[b].median(0).values - z[~b].median(0).values), "Means, not medians."),
    (lambda z, b: _unit(z[b].mean(0) - z[~b].mean(0))[None], "A direction is (nz,), without a further axis."),
    (lambda z, b: (z[b].mean(0) - z[~b].mean(0)) / (z[b].mean(0) - z[~b].mean(0)).abs().sum(),
     "Length 1 is the Euclidean one: norm(), not the sum of absolute values."),
]


def _unit(direction: Tensor) -> Tensor:
    return direction / direction.norm()


@check("responsibility.label_direction", points=2, hint="(mean with - mean without), divided by its length.")
def points_from_those_without_to_those_with(subject: Subject, draw: Draw) -> None:
    for side, scale in ((1, 1), (-1, 1), (1, 0.1)):  # it may point into any half of the space, and be short
        z = scale * draw.normal(30, 6, mean=0.7)
        has = side * (z[:, 0] + 0.3 * z[:, 1] - 0.9 * scale) > 0.9 * scale
        has[:2] = torch.tensor([True, False])
        mistakes = ((wrong(z, has), hint) for wrong, hint in DIRECTION_MISTAKES)
        assert_close(subject(z, has), reference.label_direction(z, has), mistakes=mistakes)


def words_of(function: Callable, z: Tensor, has_it: Tensor) -> str:
    """What the error says that a call raises."""
    try:
        function(z, has_it)
    except Exception as error:
        return str(error)
    return ""


@check("responsibility.label_direction", points=1, hint="Raise a ValueError where all have it, or none, and only there.")
def refuses_an_attribute_that_all_have_or_none(subject: Subject, draw: Draw) -> None:
    z, one = draw.normal(8, 4), torch.arange(8) == draw.integers(0, 8, 1)
    for all_or_none in (torch.ones(8).bool(), torch.zeros(8).bool()):
        if not _refuses(subject, z, all_or_none):
            raise Wrong(hint="The mean of no samples is NaN, and NaN travels quietly: raise a ValueError where all have it, "
                             "and where none has.")
        if not str(subject.probe(words_of, z, all_or_none)).strip():
            raise Wrong(hint="Your ValueError says nothing: say in it that all have the attribute, or none.")
    for some in (one, ~one):
        found = subject(z, some)
        if not any(is_close(found, wrong(z, some)) for wrong, _ in DIRECTION_MISTAKES):  # paid for above
            assert_close(found, reference.label_direction(z, some))


written("responsibility.a_memory_test", points=4, rubric="""
- 1 point: what it shows: no large share of near-copies, in these features, among the samples that were tested.
- 2 points: what it does not show, at least three of: copies that the features miss (mirrored, recoloured, one face); rare
  copies below the interval's width; membership inference from the networks; a held-out set that is not independent; samples
  that are not independent; rights and consent (1 point for two of them).
- 1 point: questions to the studio, one of them about consent (to this use; how to withdraw), not only about statistics.
""")
