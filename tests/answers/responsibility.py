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


def tested(*, tie=0.5, own=False, refuses=True, cut=False, swapped=False, squared=False, moved=False, one="",
           copied=lambda share: max(0.0, 2 * share - 1), number=lambda samples, train: len(samples), dropped=False,
           spread=lambda share: 0.5, within=0.0):
    """A copy test put together from named parts."""
    def answer(samples, train, held_out):
        if refuses and len(train) != len(held_out):
            raise ValueError("not equally many")
        if cut:
            count = min(len(train), len(held_out))
            train, held_out = train[:count], held_out[:count]
        if own:
            samples, train, held_out = ((x - x.mean(0)) / x.std(0) for x in (samples, train, held_out))
        if moved:
            samples, train, held_out = (x - x.mean(0) for x in (samples, train, held_out))
        if one:
            by = {"train": train, "samples": samples}[one]
            samples, held_out, train = ((x - by.mean(0)) / by.std(0) for x in (samples, held_out, train))
        if swapped:
            train, held_out = held_out, train
        a, b = ((samples[:, None] - x).double().square().sum(2).amin(1) for x in (train, held_out))
        share = ((a < b).double() + tie * (a == b).double()).mean().item()
        if within:
            tied = (a.sqrt() - b.sqrt()).abs() <= within
            share = torch.where(tied, 0.5, (a < b).double()).mean().item()
        if dropped:
            share = ((a < b).sum() / (a != b).sum()).item()
        low, high = wilson_interval(share, number(samples, train))
        z = (share - 0.5) * math.sqrt(len(samples)) / spread(share)
        return Copying(share, low, high, share if squared else copied(share), z)
    return answer


def tested_by_sign(samples, train, held_out):
    """Right: the sign of the difference."""
    if len(held_out) != len(train):
        raise ValueError("different sizes")
    exact = "donot_use_mm_for_euclid_dist"
    a, b = (torch.cdist(samples, x, compute_mode=exact).amin(1) for x in (train, held_out))
    share = (0.5 + (b - a).sign().mean() / 2).item()
    return Copying(share, *wilson_interval(share, len(samples)), max(0.0, 2 * share - 1),
                   (share - 0.5) * math.sqrt(4 * len(samples)))


def tested_by_broadcast(samples, train, held_out):
    """Right: all differences at once, a subclass of ValueError, the tuple filled by name."""
    class Unequal(ValueError):
        pass
    if train.shape[0] != held_out.shape[0]:
        raise Unequal("the sets are not equally many")
    a, b = ((samples.unsqueeze(1) - x.unsqueeze(0)).norm(dim=2).min(dim=1).values for x in (train, held_out))
    wins = torch.heaviside((b - a).double(), torch.tensor(0.5, dtype=torch.float64))
    nearer, count = float(wins.mean()), samples.shape[0]
    low, high = wilson_interval(nearer, count)
    return Copying(nearer=nearer, low=low, high=high, copied=2 * max(nearer, 0.5) - 1, z=(nearer - 0.5) / (0.5 / count**0.5))


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


def by_sign(positives, negatives):
    """Right: the mean sign of all differences, moved to [0, 1]."""
    return float((positives.unsqueeze(1) - negatives.unsqueeze(0)).sign().mean() + 1) / 2


# The private step


def stepped(*, per_sample=True, each=False, always=False, spread="sum", divide=True, bounded=True, clears=True, batched=True,
            keeps=False, flat=False, often=1, drops=False, twice=False, whole_sum=False, nan=False):
    """A private step put together from named parts."""
    def answer(network, loss, samples, optimizer, *, bound, noise, rng):
        parameters = list(network.parameters())
        kept = [torch.zeros_like(p) for p in parameters]
        old = [0 if p.grad is None or not keeps else p.grad.clone() for p in parameters]
        network.zero_grad()
        for sample in (samples.split(1) if batched else samples) if per_sample else [samples] * len(samples):
            if clears:
                network.zero_grad()
            loss(network, sample).backward()
            whole = nn.utils.get_total_norm([p.grad for p in parameters])
            for k, p in zip(kept, parameters, strict=True):
                length = p.grad.norm() if each else whole
                factor = bound / length if always else min(1.0, (bound / length).item())
                factor = float(length <= bound) if drops else factor
                factor = (length.clamp(max=bound) / length).item() if nan else factor
                k += p.grad * (factor if bounded else 1.0)
        if whole_sum:
            kept = [k * min(1.0, float(bound / nn.utils.get_total_norm(kept))) for k in kept]
        long = torch.randn(sum(p.numel() for p in parameters), generator=rng) if flat else None
        for k, p in zip(kept, parameters, strict=True):
            xi = sum(torch.randn(p.shape, generator=rng) for _ in range(often)) if not flat else long[:p.numel()].view_as(p)
            long = long[p.numel():] if flat else None
            k += xi * {"sum": noise * bound, "mean": noise * bound * len(samples), "unit": noise, "none": 0}[spread]
            p.grad = k / (len(samples) if divide else 1)
        for p, g in zip(parameters, old, strict=True):
            p.grad = p.grad + g
        optimizer.step()
        if twice:
            optimizer.step()
    return answer


def stepped_by_hand(network, loss, samples, optimizer, **options):
    """Wrong: the weights are moved here, as SGD without momentum would do it."""
    rate = optimizer.param_groups[0]["lr"]
    stepped()(network, loss, samples, torch.optim.SGD(network.parameters(), rate), **options)


def stepped_by_torch(network, loss, samples, optimizer, *, bound, noise, rng):
    """Right: one vector of all parameters, torch's own way into it and out of it."""
    sums = 0
    for k in range(len(samples)):
        optimizer.zero_grad()
        loss(network, samples[k:k + 1]).backward()
        row = nn.utils.parameters_to_vector([p.grad for p in network.parameters()])
        sums = sums + (row * (bound / row.norm()) if row.norm() > bound else row)
    place = 0
    for p in network.parameters():
        p.grad = sums[place:place + p.numel()].view(p.shape).clone()
        p.grad.add_(torch.empty(p.shape).normal_(0, 1, generator=rng), alpha=noise * bound).div_(len(samples))
        place += p.numel()
    optimizer.step()


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
        pattern = key_signs(key, band.numel()).view(band.shape) * band if signs == "all" else pattern
        mark = from_spectrum(pattern) if transform else pattern
        mark = mark / {"std": mark.square().mean().sqrt(), "peak": mark.abs().max(), "none": 1.0, "less one": mark.std(),
                       "frame": mark.square().mean((1, 2), keepdim=True).sqrt(), "size": mark.abs().mean(),
                       "norm": mark.norm(), "square": mark.square().mean()}[scale]
        added = clip.clone()
        added[:, :1 if channels == "first" else None] += strength * mark[:, None]
        return added.clamp(-1, 1) if clamp else added
    return answer


def marked_in_place(clip, key, strength=STRENGTH):
    clip += marked(clamp=False)(torch.zeros_like(clip), key, strength)
    return clip.clamp_(-1, 1)


def marked_by_scipy(clip, key, strength=STRENGTH):
    """Right: SciPy's inverse transform; signs scaled in the spectrum, where Parseval knows their power."""
    band = marked_band((clip.shape[0], *clip.shape[2:]))
    pattern = np.zeros(band.shape)
    pattern[band.numpy()] = key_signs(key, int(band.sum())).numpy() * strength * math.sqrt(band.numel() / int(band.sum()))
    mark = torch.from_numpy(scipy.fft.idctn(pattern, norm="ortho")).float()
    return (clip + mark.unsqueeze(1)).clip(-1, 1)


def scored(*, squash=True, median=True, bright="luma", band=True, divide="norm", after=lambda s: s, safe=True,
           middle=lambda c: c.abs().median(), signs=key_signs):
    """A detection score put together from named parts."""
    def answer(clip, key):
        volume = {"luma": luma, "mean": lambda c: c.mean(1), "first": lambda c: c[:, 0],
                  "old": lambda c: torch.einsum("c,tchw->thw", torch.tensor([0.299, 0.587, 0.114]), c)}[bright](clip)
        c = spectrum(volume)
        c = c[marked_band(tuple(volume.shape))] if band else c.reshape(-1)
        tiny = 1e-12 if safe else 0.0
        u = torch.tanh(c / middle(c).clamp(min=tiny) if median else c) if squash else c
        size = {"norm": u.square().sum().sqrt(), "squares": u.square().sum(), "count": torch.tensor(float(len(u))),
                "root": torch.tensor(math.sqrt(len(u))), "of c": c.norm()}[divide]
        return after(((u * signs(key, len(u))).sum() / size.clamp(min=tiny)).item())
    return answer


def scored_by_numpy(clip, key):
    """Right: NumPy's median, which is a mean where it stands between two."""
    c = spectrum(luma(clip))[marked_band((len(clip), *clip.shape[2:]))]
    u = torch.tanh(c / max(float(np.median(c.abs())), 1e-12))
    return float(key_signs(key, len(u)) @ u / max(float(u.norm()), 1e-12))


def scored_by_products(clip, key):
    """Right: the whole pattern of signs, NaN of a black clip put to 0."""
    gray = luma(clip)
    band = marked_band(gray.shape)
    pattern = torch.zeros(gray.shape).masked_scatter(band, key_signs(key, int(band.count_nonzero())))
    c = spectrum(gray)
    u = torch.where(band, torch.tanh(c / c[band].abs().median()), torch.zeros(()))
    return float(torch.nan_to_num((pattern * u).sum() / u.pow(2).sum().sqrt()))


def scored_by_scipy(clip, key):
    """Right: SciPy's transform and NumPy's sums."""
    gray = luma(clip).double().numpy()
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


def pointed(*, unit=True, start="without", sign=1, reduce="mean", order=2, refuses=True, rows=lambda z: z, each=lambda m: m,
            after=lambda d: d, words="one group is empty"):
    """A direction put together from named parts."""
    def answer(z, has_it):
        if refuses and (has_it.all() or not has_it.any()):
            raise ValueError(words)
        z = rows(z)
        by = {"sum": lambda x: x.sum(0), "mean": lambda x: x.mean(0), "median": lambda x: x.median(0).values}[reduce]
        take = (lambda x: each(by(x)))
        direction = sign * (take(z[has_it]) - (take(z[~has_it]) if start == "without" else 0))
        return after(direction / direction.norm(order) if unit else direction)
    return answer


def pointed_by_weights(z, has_it):
    """Right: one weighted sum, then normalize."""
    share = has_it.float().mean()
    if share in (0, 1):
        raise ValueError("one group is empty")
    return nn.functional.normalize(((has_it.float() - share)[:, None] * z).sum(0), dim=0)


def pointed_by_lists(z, has_it):
    """Right: the groups filled row by row; from everybody's mean, which is the same way."""
    groups = {True: [], False: []}
    for row, has in zip(z, has_it.tolist(), strict=True):
        groups[has].append(row)
    if min(map(len, groups.values())) == 0:
        raise ValueError("one group is empty")
    away = torch.stack(groups[True]).mean(0) - z.mean(0)
    return away / torch.linalg.vector_norm(away)


def embed_by_seeding(clip, key, strength=STRENGTH):
    """Wrong: the right mark, and torch's own generator is left where the key has put it."""
    torch.manual_seed(key)
    return marked()(clip, key, strength)


def direction_cut(z, has_it):
    """Wrong: a difference shorter than 1 stays short."""
    if has_it.all() or not has_it.any():
        raise ValueError("all have it, or none")
    way = z[has_it].mean(0) - z[~has_it].mean(0)
    return way / way.norm().clamp(min=1)


def copying_of_tensors(samples, train, held_out):
    """Wrong: the fields are tensors."""
    return Copying(*map(torch.tensor, tested()(samples, train, held_out)))


def score_in_place(clip, key):
    """Wrong: what it takes the mean off is, of one channel, the clip itself."""
    bright = luma(clip)
    bright -= bright.mean()
    return scored()(clip, key)


RIGHT = {
    "responsibility.copying": {"squared distances": tested(), "sign": tested_by_sign, "broadcast": tested_by_broadcast},
    "responsibility.auc": {"ranks": by_ranks, "loops": in_loops, "signs": by_sign},
    "responsibility.private_step": {"backward": stepped(), "vmap": stepped_by_vmap, "one vector": stepped_by_torch},
    "responsibility.embed": {"in place": marked(), "scipy": marked_by_scipy, "std()": marked(scale="less one")},
    "responsibility.detection_score": {"sums": scored(), "scipy": scored_by_scipy, "products": scored_by_products,
                                       "numpy": scored_by_numpy},
    "responsibility.threshold": {
        "erfinv": line(lambda p: NormalDist().inv_cdf(1 - p) if p > 1e-5 else -NormalDist().inv_cdf(p)),
        "scipy": line(lambda p: float(scipy.stats.norm.isf(p))),
        "a kind of ValueError": lambda p: 0.0 - NormalDist().inv_cdf(p),  # which it raises itself
        "from a tensor": line(lambda p: -torch.special.ndtri(torch.tensor(p, dtype=torch.double)).item()),
    },
    "responsibility.label_direction": {"parts": pointed(), "weights": pointed_by_weights, "lists": pointed_by_lists},
}

WRONG = {
    "responsibility.copying": {
        "tensors": (copying_of_tensors, "A field"),
        "as it is given": (tested(tie=1.0, own=True, refuses=False), "own mean"),
        "own mean": (tested(own=True), "own mean"),
        "ties won": (tested(tie=1.0), "A tie is nobody's"),
        "ties lost": (tested(tie=0.0), "speaks for neither"),
        "any sizes": (tested(refuses=False), "by its size alone"),
        "cut in silence": (tested(refuses=False, cut=True), "by its size alone"),
        "exchanged": (tested(swapped=True), "exchanged"),
        "nearer is copied": (tested(squared=True), "2 nearer - 1, at least 0"),
        "below nothing": (tested(copied=lambda share: 2 * share - 1), "does not fall below"),
        "counts the clips": (tested(number=lambda samples, train: 2 * len(train)), "count the samples"),
        "spread of the share": (tested(spread=lambda share: math.sqrt(share * (1 - share))), "fair coin"),
        "own mean alone": (tested(moved=True), "by its own mean"),
        "scaled by training": (tested(one="train"), "not even one for all three"),
        "scaled by the samples": (tested(one="samples"), "not even one for all three"),
        "interval of M": (tested(number=lambda samples, train: len(train)), "count the samples"),
        "a plain tuple": (lambda *sets: tuple(tested()(*sets)), "Return a Copying"),
        "ties left out": (tested(dropped=True), "not left out"),
        "ties within a thousandth": (tested(within=0.001), "within no tolerance"),
    },
    "responsibility.auc": {
        "single precision": (lambda p, n: in_loops(p.float(), n.float()), "float64"),
        "a tensor": (lambda p, n: torch.tensor(in_loops(p, n)), "plain number"),
        "no ties": (lambda p, n: (p[:, None] > n).double().mean().item(), "Ties are missing"),
        "ties won": (lambda p, n: (p[:, None] >= n).double().mean().item(), "A tie is no win"),
        "reversed": (lambda p, n: in_loops(n, p), "wrong way round"),
        "folded": (lambda p, n: max(in_loops(p, n), in_loops(n, p)), "do not fold"),
        "a count": (lambda p, n: in_loops(p, n) * len(p) * len(n), "not their number"),
        "ties left out": (lambda p, n: ((p[:, None] > n).sum() / (p[:, None] != n).sum()).item(), "is counted"),
        "losses subtracted": (lambda p, n: (p[:, None] - n).sign().mean().item(), "losses are not subtracted"),
        "side by side": (lambda p, n: (p[:min(len(p), len(n))] > n[:min(len(p), len(n))]).double().mean().item(), "N M pairs"),
        "accuracy": (lambda p, n: (((p > 0).double().mean() + (n <= 0).double().mean()) / 2).item(), "accuracy"),
        "means": (lambda p, n: float(p.mean() > n.mean()), "not their means"),
        "sigmoid first": (lambda p, n: in_loops(p.sigmoid(), n.sigmoid()), "no sigmoid"),
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
        "piled up": (stepped(clears=False), "pile up"),
        "no batch axis": (stepped(batched=False), "the loss takes a batch"),
        "sum bounded": (stepped(bounded=False, whole_sum=True), "The sum is bounded"),
        "left out": (stepped(drops=True), "not left out"),
        "old gradient": (stepped(keeps=True), "counts again"),
        "noise at once": (stepped(flat=True), "parameter by parameter"),
        "noise for each": (stepped(often=9), "added once"),
        "two steps": (stepped(twice=True), "steps twice"),
        "nothing by nothing": (stepped(nan=True), "0 / 0"),
        "SGD by hand": (stepped_by_hand, "call its step()"),
    },
    "responsibility.embed": {
        "seeded": (embed_by_seeding, "seeds torch's own"),
        "no clamp": (marked(clamp=False), "clamp at the end"),
        "not scaled": (marked(scale="none"), "Scale the mark"),
        "by the peak": (marked(scale="peak"), "not its largest value"),
        "all frequencies": (marked(where="all"), "marked band only"),
        "red only": (marked(channels="first"), "all channels alike"),
        "not transformed": (marked(transform=False), "turn it into pixels"),
        "no key": (marked(signs="zero"), "those of `key`"),
        "one strength": (marked(fixed=True), "use it"),
        "frame by frame": (marked(scale="frame"), "One scale for the whole clip"),
        "mean size": (marked(scale="size"), "not the mean size"),
        "norm": (marked(scale="norm"), "the root of their sum"),
        "no root": (marked(scale="square"), "is the *root*"),
        "in place": (marked_in_place, "changes `clip` in place"),
        "signs of all": (marked(signs="all"), "places on the band"),
    },
    "responsibility.detection_score": {
        "three colours only": (lambda c, key: scored()(c[:, [0, 1, 2]], key), "raised"),
        "mean off in place": (score_in_place, "in place"),
        "a tensor": (lambda c, key: torch.tensor(scored()(c, key)), "plain number"),
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
        "clamped too high": (scored(middle=lambda c: c.abs().median().clamp(min=1e-2)), "clamped too high"),
        "by the mean": (scored(middle=lambda c: c.abs().mean()), "not their mean"),
        "by the spread": (scored(middle=torch.std), "not the standard deviation"),
        "by the median of c": (scored(middle=torch.median), "of c itself"),
        "by the largest": (scored(middle=lambda c: c.abs().max()), "median of |c|"),
        "older weights": (scored(bright="old"), "Other weights"),
        "norm of c": (scored(divide="of c"), "not by the norm of c"),
        "signs of all": (scored(signs=lambda key, n: key_signs(key, 32 * 20 * 16 * n)[-n:]), "Is it this?"),
    },
    "responsibility.threshold": {
        "a tensor": (line(lambda p: -torch.special.ndtri(torch.tensor(p, dtype=torch.double))), "plain number"),
        "float32": (line(lambda p: -torch.special.ndtri(torch.tensor(p)).item()), "0 in 32 bits"),
        "turned": (line(lambda p: NormalDist().inv_cdf(p)), "The sign is turned"),
        "two sides": (line(lambda p: float(scipy.stats.norm.isf(p / 2))), "One side only"),
        "by eye": (line(lambda p: 3.0), "by eye"),
        "probability": (line(lambda p: 1 - p), "quantile, not the probability"),
        "distribution": (line(lambda p: NormalDist().cdf(p)), "its inverse"),
        "rounded": (line(lambda p: float(scipy.stats.norm.ppf(1 - p))), "rounded to 1"),
        "refuses nothing": (line(lambda p: float(scipy.stats.norm.isf(p)), refuses=False), "ValueError"),
        "ends let in": (lambda p: line(lambda q: float(scipy.stats.norm.isf(q)), refuses=not 0 <= p <= 1)(p), "its ends"),
        "no root of 2": (line(lambda p: float(scipy.special.erfcinv(2 * p))), "root of 2 is missing"),
        "Gauss's tail": (line(lambda p: math.sqrt(-2 * math.log(p))), "Is it this?"),
    },
    "responsibility.label_direction": {
        "short stays short": (direction_cut, "length 1"),
        "any length": (pointed(unit=False), "divide by its norm"),
        "turned": (pointed(sign=-1), "wrong way round"),
        "mean of those with it": (pointed(start="nowhere"), "Subtract the mean"),
        "sums": (pointed(reduce="sum"), "Means, not sums"),
        "sum of sizes": (pointed(order=1), "Euclidean"),
        "refuses nothing": (pointed(refuses=False), "travels quietly"),
        "unit means": (pointed(each=lambda m: m / m.norm()), "before they are subtracted"),
        "unit rows": (pointed(rows=lambda z: z / z.norm(dim=1, keepdim=True)), "The rows of z"),
        "medians": (pointed(reduce="median"), "not medians"),
        "a row": (pointed(after=lambda d: d[None]), "without a further axis"),
        "some component positive": (pointed(after=lambda d: d * d[0].sign()), "wrong way round"),
        "refuses the few": (lambda z, h: pointed()(z, h & (h.sum() > 1)), "only there"),
        "says nothing": (pointed(words=""), "says nothing"),
        "refuses one side": (lambda z, h: pointed(refuses=h.all())(z, h), "travels quietly"),
    },
}
