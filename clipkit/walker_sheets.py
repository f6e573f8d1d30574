"""Every frame that walkers can show, drawn once and kept: a clip is then a matter of looking up."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from clipkit.walker_art import SLOTS
from clipkit.walker_frames import ACTIONS, DIRECTIONS, HAIRCUTS, PERIOD, figure, pose
from clipkit.walker_scenery import SCENES, scenery

SCROLL = (
    (1, 0),
    (-1, 0),
    (0, 1),
)  # the ground's way, (right, down), when the walker goes left, right, towards


@lru_cache
def figures(size: int) -> Tensor:
    """Slots of every figure, uint8 (haircut, action, direction, phase, H, W); 0 where the scenery shows."""
    poses = [[[pose(a, d, phase) for phase in range(PERIOD)] for d in DIRECTIONS] for a in ACTIONS]
    drawn = np.array([[[[figure(h, p) for p in row] for row in rows] for rows in poses] for h in HAIRCUTS])
    return torch.from_numpy(_outlined(drawn if size == 32 else _sparkling(scale2x(drawn))))


@lru_cache
def sceneries(size: int) -> Tensor:
    """Slots of every scenery, uint8 (scene, direction, phase, H, W)."""
    ways = [[(phase * right, phase * down) for phase in range(PERIOD)] for right, down in SCROLL]
    drawn = np.array([[[scenery(s, *way) for way in row] for row in ways] for s in SCENES])
    return torch.from_numpy(drawn if size == 32 else scale2x(drawn))


def scale2x(slots: np.ndarray) -> np.ndarray:
    """Twice the size, (..., H, W) to (..., 2H, 2W), diagonals smoothed, no new colours (Mazzoleni 2001)."""
    wide = np.pad(slots, [(0, 0)] * (slots.ndim - 2) + [(1, 1), (1, 1)], mode="edge")
    up, down = wide[..., :-2, 1:-1], wide[..., 2:, 1:-1]
    left, right = wide[..., 1:-1, :-2], wide[..., 1:-1, 2:]
    big = slots.repeat(2, -2).repeat(2, -1)
    for row, column, a, b, c, d in (
        (0, 0, left, up, down, right),
        (0, 1, up, right, left, down),
        (1, 0, down, left, right, up),
        (1, 1, right, down, up, left),
    ):
        where = (a == b) & (a != c) & (b != d)
        big[..., row::2, column::2] = np.where(where, a, slots)
    return big


def _sparkling(figures: np.ndarray) -> np.ndarray:
    """A point of light in every open eye."""
    eye = figures == SLOTS.index("E")
    corner = eye & ~np.roll(eye, 1, -1) & ~np.roll(eye, 1, -2) & np.roll(eye, -3, -2)
    return np.where(corner, SLOTS.index("W"), figures).astype(np.uint8)


def _outlined(figures: np.ndarray) -> np.ndarray:
    """A dark line of one pixel around each figure."""
    body = figures > 0
    near = np.zeros_like(body)
    for axis in (-1, -2):
        near |= np.roll(body, 1, axis) | np.roll(body, -1, axis)
    return np.where(near & ~body, SLOTS.index("O"), figures).astype(np.uint8)
