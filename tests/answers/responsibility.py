"""Answers to the exercises of chapter 12; the form is that of gan_losses.py."""
import math
from statistics import NormalDist

import numpy as np
import scipy.fft
import scipy.stats
import torch
from torch import nn

from solutions.measures.watermark import STRENGTH, from_spectrum, key_signs, marked_band, spectrum
from solutions.pipeline import luma
from solutions.responsibility import Copying, wilson_interval

# The copy test


def tested(*, tie=0.5, own=False, refuses=True, cut=False, swapped=False, squared=False):
    """A copy test put together from named parts."""
    def answer(samples, train, held_out):
        if refuses and len(train) != len(held_out):
            raise ValueError("not equally many")
        if cut:
            count = min(len(train), len(held_out))
            train, held_out = train[:count], held_out[:count]
        if own:
            samples, train, held_out = ((x - x.mean(0)) / x.std(0) for x in (samples, train, held_out))
        if swapped:
            train, held_out = held_out, train
        a, b = ((samples[:, None] - x).double().square().sum(2).amin(1) for x in (train, held_out))
        share = ((a < b).double() + tie * (a == b).double()).mean().item()
        low, high = wilson_interval(share, len(samples))
        copied = share if squared else max(0.0, 2 * share - 1)
        return Copying(share, low, high, copied, 2 * math.sqrt(len(samples)) * (share - 0.5))
    return answer


def tested_by_sign(samples, train, held_out):
    """Right: the sign of the difference, as a plain tuple."""
    if len(held_out) != len(train):
        raise ValueError("different sizes")
    exact = "donot_use_mm_for_euclid_dist"
    a, b = (torch.cdist(samples, x, compute_mode=exact).amin(1) for x in (train, held_out))
    share = (0.5 + (b - a).sign().mean() / 2).item()
    return (share, *wilson_interval(share, len(samples)), max(0.0, 2 * share - 1),
            (share - 0.5) * math.sqrt(4 * len(samples)))


# AUC


def by_ranks(positives, negatives):
    """Right: Mann and Whitney's U from mean ranks."""
    ranks = scipy.stats.rankdata(np.concatenate([positives, negatives]))[:len(positives)].sum()
    n, m = len(positives), len(negatives)
    return float((ranks - n * (n + 1) / 2) / (n * m))


def in_loops(positives, negatives):
    """Right: pair by pair."""
    won = [1.0 if p > n else 0.5 if p == n else 0.0 for p in positives.tolist() for n in negatives.tolist()]
    return sum(won) / len(won)


# The private step


def stepped(*, per_sample=True, each=False, always=False, spread="sum", divide=True, bounded=True):
    """A private step put together from named parts."""
    def answer(network, loss, samples, optimizer, *, bound, noise, rng):
        parameters = list(network.parameters())
        kept = [torch.zeros_like(p) for p in parameters]
        for sample in samples.split(1) if per_sample else [samples] * len(samples):
            network.zero_grad()
            loss(network, sample).backward()
            whole = nn.utils.get_total_norm([p.grad for p in parameters])
            for k, p in zip(kept, parameters, strict=True):
                length = p.grad.norm() if each else whole
                factor = bound / length if always else min(1.0, (bound / length).item())
                k += p.grad * (factor if bounded else 1.0)
        for k, p in zip(kept, parameters, strict=True):
            xi = torch.randn(p.shape, generator=rng)
            k += xi * {"sum": noise * bound, "mean": noise * bound * len(samples), "unit": noise, "none": 0}[spread]
            p.grad = k / (len(samples) if divide else 1)
        optimizer.step()
    return answer


def stepped_by_vmap(network, loss, samples, optimizer, *, bound, noise, rng):
    """Right: all gradients at once, with torch.func."""
    names = {name: p.detach() for name, p in network.named_parameters()}

    def of_one(weights, sample):
        class Stand:
            def __call__(self, x):
                return torch.func.functional_call(network, weights, x)
        return loss(Stand(), sample[None])

    rows = torch.func.vmap(torch.func.grad(of_one), (None, 0))(names, samples)
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in rows.values()]).norm(dim=0)
    factor = torch.where(norms > bound, bound / norms, torch.ones_like(norms))
    for name, p in network.named_parameters():
        total = torch.tensordot(factor, rows[name], dims=1)
        p.grad = (total + bound * noise * torch.randn(p.shape, generator=rng)) / len(samples)
    optimizer.step()


# The mark


def marked(*, clamp=True, scale="std", where="band", channels="all", transform=True, signs="key", fixed=False):
    """A mark put together from named parts."""
    def answer(clip, key, strength=STRENGTH):
        strength = STRENGTH if fixed else strength
        band = marked_band((clip.shape[0], *clip.shape[2:]))
        band = torch.ones_like(band) if where == "all" else band
        pattern = torch.zeros(band.shape)
        pattern[band] = key_signs(0 if signs == "zero" else key, int(band.sum()))
        mark = from_spectrum(pattern) if transform else pattern
        mark = mark / {"std": mark.square().mean().sqrt(), "peak": mark.abs().max(), "none": 1.0}[scale]
        added = clip.clone()
        added[:, :1 if channels == "first" else None] += strength * mark[:, None]
        return added.clamp(-1, 1) if clamp else added
    return answer


def marked_by_scipy(clip, key, strength=STRENGTH):
    """Right: SciPy's inverse transform; signs scaled in the spectrum, where Parseval knows their power."""
    band = marked_band((clip.shape[0], *clip.shape[2:]))
    pattern = np.zeros(band.shape)
    pattern[band.numpy()] = key_signs(key, int(band.sum())).numpy() * strength * math.sqrt(band.numel() / int(band.sum()))
    mark = torch.from_numpy(scipy.fft.idctn(pattern, norm="ortho")).float()
    return (clip + mark.unsqueeze(1)).clip(-1, 1)


def scored(*, squash=True, median=True, bright="luma", band=True, divide="norm", after=lambda s: s, safe=True):
    """A detection score put together from named parts."""
    def answer(clip, key):
        volume = {"luma": luma, "mean": lambda c: c.mean(1), "first": lambda c: c[:, 0]}[bright](clip)
        c = spectrum(volume)
        c = c[marked_band(tuple(volume.shape))] if band else c.reshape(-1)
        tiny = 1e-12 if safe else 0.0
        u = torch.tanh(c / c.abs().median().clamp(min=tiny) if median else c) if squash else c
        size = {"norm": u.square().sum().sqrt(), "squares": u.square().sum(), "count": torch.tensor(float(len(u))),
                "root": torch.tensor(math.sqrt(len(u)))}[divide]
        return after(((u * key_signs(key, len(u))).sum() / size.clamp(min=tiny)).item())
    return answer


def scored_by_scipy(clip, key):
    """Right: SciPy's transform and NumPy's sums."""
    gray = (0.2126 * clip[:, 0] + 0.7152 * clip[:, 1] + 0.0722 * clip[:, 2]).double().numpy()
    c = scipy.fft.dctn(gray, norm="ortho")[marked_band(gray.shape).numpy()]
    if not c.any():
        return 0.0
    middle = np.sort(np.abs(c))[(len(c) - 1) // 2]  # the lower one, as torch has it
    u = np.tanh(c / middle)
    return float(key_signs(key, len(u)).numpy() @ u / np.sqrt((u * u).sum()))


# The line


def line(formula, *, refuses=True):
    """An answer to `threshold` with this formula."""
    def answer(rate):
        if refuses and not 0 < rate < 1:
            raise ValueError("no rate")
        return formula(rate)
    return answer


# Directions


def pointed(*, unit=True, start="without", sign=1, reduce="mean", order=2, refuses=True):
    """A direction put together from named parts."""
    def answer(z, has_it):
        if refuses and (has_it.all() or not has_it.any()):
            raise ValueError("one group is empty")
        take = (lambda x: x.sum(0)) if reduce == "sum" else (lambda x: x.mean(0))
        direction = sign * (take(z[has_it]) - (take(z[~has_it]) if start == "without" else 0))
        return direction / direction.norm(order) if unit else direction
    return answer


def pointed_by_weights(z, has_it):
    """Right: one weighted sum, then normalize."""
    share = has_it.float().mean()
    if share in (0, 1):
        raise ValueError("one group is empty")
    return nn.functional.normalize(((has_it.float() - share)[:, None] * z).sum(0), dim=0)


RIGHT = {
    "responsibility.copying": {"squared distances": tested(), "sign": tested_by_sign},
    "responsibility.auc": {"ranks": by_ranks, "loops": in_loops},
    "responsibility.private_step": {"backward": stepped(), "vmap": stepped_by_vmap},
    "responsibility.embed": {"in place": marked(), "scipy": marked_by_scipy},
    "responsibility.detection_score": {"sums": scored(), "scipy": scored_by_scipy},
    "responsibility.threshold": {
        "erfinv": line(lambda p: NormalDist().inv_cdf(1 - p) if p > 1e-5 else -NormalDist().inv_cdf(p)),
        "scipy": line(lambda p: float(scipy.stats.norm.isf(p))),
    },
    "responsibility.label_direction": {"parts": pointed(), "weights": pointed_by_weights},
}

WRONG = {
    "responsibility.copying": {
        "as it is given": (tested(tie=1.0, own=True, refuses=False), "own mean"),
        "own mean": (tested(own=True), "own mean"),
        "ties won": (tested(tie=1.0), "A tie is nobody's"),
        "ties lost": (tested(tie=0.0), "speaks for neither"),
        "any sizes": (tested(refuses=False), "by its size alone"),
        "cut in silence": (tested(refuses=False, cut=True), "by its size alone"),
        "exchanged": (tested(swapped=True), "exchanged"),
        "nearer is copied": (tested(squared=True), "off by up to"),
    },
    "responsibility.auc": {
        "no ties": (lambda p, n: (p[:, None] > n).double().mean().item(), "Ties are missing"),
        "ties won": (lambda p, n: (p[:, None] >= n).double().mean().item(), "A tie is no win"),
        "reversed": (lambda p, n: in_loops(n, p), "wrong way round"),
        "folded": (lambda p, n: max(in_loops(p, n), in_loops(n, p)), "do not fold"),
        "a count": (lambda p, n: in_loops(p, n) * len(p) * len(n), "not their number"),
        "accuracy": (lambda p, n: (((p > 0).double().mean() + (n <= 0).double().mean()) / 2).item(), "accuracy"),
        "means": (lambda p, n: float(p.mean() > n.mean()), "not their means"),
    },
    "responsibility.private_step": {
        "no bound": (stepped(bounded=False), "No sample's gradient is bounded"),
        "the batch's": (stepped(per_sample=False), "one by one"),
        "each parameter": (stepped(each=True), "over all parameters together"),
        "always scaled": (stepped(always=True), "at most 1"),
        "noise on the mean": (stepped(spread="mean"), "added to the sum"),
        "noise without bound": (stepped(spread="unit"), "as large as what it hides"),
        "no noise": (stepped(spread="none"), "noise is missing"),
        "not divided": (stepped(divide=False), "Divide by the number"),
    },
    "responsibility.embed": {
        "no clamp": (marked(clamp=False), "clamp at the end"),
        "not scaled": (marked(scale="none"), "Scale the mark"),
        "by the peak": (marked(scale="peak"), "not its largest value"),
        "all frequencies": (marked(where="all"), "marked band only"),
        "red only": (marked(channels="first"), "all channels alike"),
        "not transformed": (marked(transform=False), "turn it into pixels"),
        "no key": (marked(signs="zero"), "those of `key`"),
        "one strength": (marked(fixed=True), "use it"),
    },
    "responsibility.detection_score": {
        "not squashed": (scored(squash=False), "not squashed"),
        "no median": (scored(median=False), "depends on the contrast"),
        "mean of channels": (scored(bright="mean"), "`luma`"),
        "one channel": (scored(bright="first"), "not one channel"),
        "all frequencies": (scored(band=False), "Only the marked band"),
        "squares": (scored(divide="squares"), "*root*"),
        "mean": (scored(divide="count"), "no known spread"),
        "root of the count": (scored(divide="root"), "right for signs"),
        "abs": (scored(after=abs), "No abs()"),
        "turned": (scored(after=lambda s: -s), "The sign is turned"),
        "nan for black": (scored(safe=False), "clamp(min=1e-12)"),
    },
    "responsibility.threshold": {
        "turned": (line(lambda p: NormalDist().inv_cdf(p)), "The sign is turned"),
        "two sides": (line(lambda p: float(scipy.stats.norm.isf(p / 2))), "One side only"),
        "by eye": (line(lambda p: 3.0), "by eye"),
        "probability": (line(lambda p: 1 - p), "quantile, not the probability"),
        "distribution": (line(lambda p: NormalDist().cdf(p)), "its inverse"),
        "rounded": (line(lambda p: float(scipy.stats.norm.ppf(1 - p))), "rounded to 1"),
        "refuses nothing": (line(lambda p: float(scipy.stats.norm.isf(p)), refuses=False), "ValueError"),
    },
    "responsibility.label_direction": {
        "any length": (pointed(unit=False), "divide by its norm"),
        "turned": (pointed(sign=-1), "wrong way round"),
        "mean of those with it": (pointed(start="nowhere"), "Subtract the mean"),
        "sums": (pointed(reduce="sum"), "Means, not sums"),
        "sum of sizes": (pointed(order=1), "Euclidean"),
        "refuses nothing": (pointed(refuses=False), "travels quietly"),
    },
}
