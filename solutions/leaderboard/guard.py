"""Chapter 15, given: the guard of the challenge. Are an entry's clips copies, and does it make them, or look them up?

A copy lies nearer to the training set than to clips of the same kind that nobody could learn from. Nearer, in which
view? The guard looks in four, and the worst counts.
"""
from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from solutions.challenge import time_spectrum
from solutions.responsibility import wilson_interval

TIE = 1e-4  # distances that differ by less are equal
PATHS = 24
STEPS = 24  # of each
ANGLE = 0.5  # radians that a path turns the noise by


def tiny(clips: Tensor) -> Tensor:
    """Clips (N, T, C, H, W) with frames of 8 x 8."""
    frames = F.adaptive_avg_pool2d(clips.flatten(0, 1), 8)
    return frames.unflatten(0, clips.shape[:2])


@lru_cache(maxsize=4)  # by the set itself: the same ones come again
def mirrored(clips: Tensor) -> Tensor:
    """Clips and their mirror images, (2 N, T, C, H, W)."""
    return torch.cat([clips, clips.flip(-1)])


@lru_cache(maxsize=5)
def spectrum_of(clips: Tensor) -> Tensor:
    """`time_spectrum` of a set that comes again."""
    return time_spectrum(clips).double()


def squared(rows: Tensor, others: Tensor) -> Tensor:
    """Squared distances (N, M) of rows (N, F) and (M, F)."""
    rows, others = rows.double(), others.double()
    far = torch.addmm(others.square().sum(1), rows, others.T, alpha=-2)
    return (far + rows.square().sum(1, True)).clamp_(min=0)


def as_it_is(clips: Tensor, others: Tensor) -> Tensor:
    """The distance (N,) of each clip to the nearest of others or of their
    mirror images, all of them tiny; so in the other views."""
    rows, others = clips[:, ::4].flatten(1), mirrored(others)[:, ::4]
    return squared(rows, others.flatten(1)).amin(1).sqrt()


def in_time(clips: Tensor, others: Tensor) -> Tensor:
    """Whichever frame a clip begins with, and played either way."""
    rows, others = spectrum_of(clips), spectrum_of(mirrored(others))
    return squared(rows.flatten(1), others.flatten(1)).amin(1).sqrt()


def in_parts(clips: Tensor, others: Tensor) -> Tensor:
    """As `in_time`, without the 4 of 16 fields that differ most: a shirt
    of another colour is left out."""
    def fields(some: Tensor) -> Tensor:  # (16, N, F)
        rows = spectrum_of(some).flatten(1, 2).unflatten(2, (4, 2))
        return rows.unflatten(4, (4, 2)).permute(
            2, 4, 0, 1, 3, 5).flatten(0, 1).flatten(2)

    every, nearest = fields(mirrored(others)), []
    sizes = every.square().sum(2)
    for rows in fields(clips).split(64, dim=1):
        total, largest = torch.zeros(()), [torch.zeros(())] * 4
        for field, other, size in zip(rows, every, sizes):
            far = torch.addmm(size, field, other.T, alpha=-2)
            far = (far + field.square().sum(1, True)).clamp_(min=0).float()
            total = total + far
            for k in range(4):  # the four largest so far, in order
                largest[k], far = (torch.maximum(largest[k], far),
                                   torch.minimum(largest[k], far))
        nearest.append((total - sum(largest)).clamp(min=0).amin(1).sqrt())
    return torch.cat(nearest).double()


def in_pairs(clips: Tensor, others: Tensor) -> Tensor:
    """What is left of a clip when the two others that explain most of it
    are taken out: a blend of two leaves nothing."""
    flat = mirrored(others)[:, ::4].flatten(1).double()
    rows = clips[:, ::4].flatten(1).double() - flat.mean(0)
    atoms = F.normalize(flat - flat.mean(0))
    along = rows @ atoms.T  # (N, 2 M)
    left = torch.full((len(rows),), math.inf, dtype=torch.double)
    for first in along.topk(4).indices.T:  # four to begin with
        one = atoms[first]
        between = one @ atoms.T
        part = along.gather(1, first[:, None])
        second = (along - part * between).square()
        second = second / (1 - between.square()).clamp(min=1e-3)
        rest = (rows - part * one).square().sum(1) - second.amax(1)
        left = torch.minimum(left, rest.clamp(min=0))
    return left.sqrt()


# the share of copies that is forgiven: what was fitted to the training set
# is a little nearer to it, and more so to pairs of it
VIEWS = {
    "as it is": (as_it_is, 0.2), "in time": (in_time, 0.2),
    "in parts": (in_parts, 0.2), "in pairs": (in_pairs, 0.3)}


def what_is_left(train: Tensor, held_out: Tensor, forgiven: float) -> float:
    """What is left of a score in one view: 1 without copies, 0 with many.

    Two things are asked. Are more than half of the clips nearer to one of
    the sets? Then that share of them is taken for copies, the rest is
    forgiven up to `forgiven`, and a seventh and a half above is too much.
    And how many are less than half as far from one set as from the other?
    Each of those is a copy, none is forgiven, and a tenth is too much.
    Chance is taken off both times, and either set counts.

    Args:
        train, held_out: the distance (N,) of each clip to either set.
    """
    count = len(train)
    nearer = (train < held_out - TIE).double().mean().item()
    farther = (held_out < train - TIE).double().mean().item()
    low, high = wilson_interval((1 + nearer - farther) / 2, count)
    fitted = max(2 * low - 1, 1 - 2 * high)
    ours = int((train < held_out / 2 - TIE).sum())
    theirs = int((held_out < train / 2 - TIE).sum())
    chance = 1.96 * math.sqrt(ours + theirs)  # two Poisson counts
    copied = max(0.0, abs(ours - theirs) - chance) / count
    return (min(1.0, max(0.0, 1 - 7.5 * (fitted - forgiven)))
            * max(0.0, 1 - 10 * copied))


def walk(z: Tensor) -> Tensor:
    """Noise that walks in small steps: it turns by ANGLE, and gets as long
    as that towards which it goes.

    Args:
        z: (2 * PATHS, n), normal: where paths begin, and the way they go.
    Returns:
        (STEPS + 1, PATHS, n).
    """
    start, towards = z.split(PATHS)
    one = F.normalize(start)
    side = F.normalize(towards - (towards * one).sum(1, True) * one)
    part = torch.linspace(0, 1, STEPS + 1)[:, None, None]
    turns = ANGLE * part
    length = torch.lerp(start.norm(dim=1, keepdim=True),
                        towards.norm(dim=1, keepdim=True), part)
    return length * (turns.cos() * one + turns.sin() * side)


def evenness(clips: Tensor) -> float:
    """How evenly clips change while the noise walks: from 0, in leaps, to
    1, alike in every step.

    A network's clips change a little at almost every step. What looks a
    clip up, or reads labels from the noise, stands still and then leaps.
    The measure is twice the share of all change that falls into the slower
    half of the steps; 0 if clips change by several clips' differences on
    the way.

    Args:
        clips: (S + 1, N, ...), each made of noise of `walk`.
    """
    flat = clips.flatten(2)
    usual = (flat[0] - flat[0].roll(1, 0)).abs().mean()
    steps = flat.diff(dim=0).abs().mean(2).flatten().sort().values
    if steps.sum() > 3 * flat.shape[1] * usual or steps.sum() == 0:
        return 0.0
    return (2 * steps[:len(steps) // 2].sum() / steps.sum()).item()


def advance(clips: Tensor) -> float:
    """How evenly clips get ahead on their ways: the share of all ways, each
    from its first clip to its last, that is gone in the slower three
    quarters of the steps, over three quarters.

    What quivers with the noise and leaps now and then changes evenly, and
    leaps alone get it ahead. Seen tiny and as `time_spectrum`: who merely
    begins later gets nowhere.

    Args:
        clips: (S + 1, N, T, C, H, W), each made of noise of `walk`.
    Returns:
        0 where nothing changes, about 0 where the slower steps lead
        nowhere, 1 where every step leads equally far.
    """
    rows = time_spectrum(tiny(clips.flatten(0, 1))).flatten(1)
    rows = rows.unflatten(0, clips.shape[:2])
    steps, ways = rows.diff(dim=0), rows[-1] - rows[0]
    ahead = (steps * ways).sum(2).flatten()
    slower = steps.norm(dim=2).flatten().argsort()[:3 * len(ahead) // 4]
    if not ahead.sum() > 0:
        return 0.0
    return (4 / 3 * ahead[slower].sum() / ahead.sum()).item()


def evenness_factor(even: float) -> float:
    """What `evenness` or `advance`, whichever is less, leaves of a score: 0
    up to 0.07, 1 from 0.12."""
    return min(1.0, max(0.0, (even - 0.07) / 0.05))
