"""Chapter 12, given: frequencies, a key's signs, and clips together: what stands around an invisible mark.

The mark is a key's pattern of signs, spread thinly over thousands of frequencies of the clip's brightness: too little
at each to be seen, and all of them together cannot be by chance.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor

LOWEST = 0.05  # of the highest frequency: below lie the looks of a clip
HIGHEST = 0.35  # of the highest frequency: what lies above a codec drops
STRENGTH = 0.025  # standard deviation of the mark, 3 of 256 levels: 38 dB


def cosine_basis(length: int) -> Tensor:
    """The orthonormal basis of the discrete cosine transform (DCT-II),
    one frequency a row, (length, length)."""
    frequency, place = torch.arange(length)[:, None], torch.arange(length)
    angle = torch.pi * frequency * (place + 0.5) / length
    basis = angle.cos() * math.sqrt(2 / length)
    basis[0] /= math.sqrt(2)
    return basis


def spectrum(volume: Tensor) -> Tensor:
    """The cosine transform of a volume (T, H, W) along all three axes;
    orthonormal, so it keeps the sum of squares."""
    time, rows, columns = map(cosine_basis, volume.shape)
    return torch.tensordot(time, rows @ volume @ columns.T, dims=1)


def from_spectrum(coefficients: Tensor) -> Tensor:
    """The volume (T, H, W) with this spectrum."""
    time, rows, columns = map(cosine_basis, coefficients.shape)
    planes = rows.T @ coefficients @ columns
    return torch.tensordot(time.T, planes, dims=1)


def marked_band(shape: tuple[int, int, int]) -> Tensor:
    """Which frequencies of a volume carry the mark, bool (T, H, W), for
    this shape: middle ones in space, all in time.

    The lowest hold most of the picture, which would drown the mark; the
    highest are what a codec throws away first.
    """
    height, width = (torch.arange(n) / n for n in shape[1:])
    radius = (height[:, None] ** 2 + width ** 2).sqrt()
    return ((radius >= LOWEST) & (radius < HIGHEST)).expand(shape)


def key_signs(key: int, count: int) -> Tensor:
    """A key's signs, (count,): +1 or -1, as by a fair coin, the same for
    the same key."""
    rng = torch.Generator().manual_seed(key)
    return torch.randint(2, (count,), generator=rng) * 2.0 - 1


def pooled_score(scores: list[float]) -> float:
    """One score for several clips of one owner, again in standard
    deviations of chance.

    Marks too weak to be found in one clip are found in many: the sum of n
    scores has variance n. The n clips must carry n different patterns;
    give each its own key, `key + i`, say.
    """
    return sum(scores) / math.sqrt(len(scores))
