"""Every frame that walkers can show, drawn once and kept: a clip is then a matter of looking up."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from clipkit.walker_art import SLOTS
from clipkit.walker_frames import ACTIONS, DIRECTIONS, HAIRCUTS, PERIOD, STEERED, VIEWS, figure, pose, steered
from clipkit.walker_scenery import LAWN, SCENES, scenery

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
    return _finished(drawn, size)


@lru_cache
def steered_figures(size: int) -> Tensor:
    """Slots of every figure that is steered, uint8 (haircut, action, view, phase, blink, H, W); 0 where the scenery shows."""
    poses = [[[[steered(a, v, phase, blink) for blink in (False, True)] for phase in range(PERIOD)] for v in VIEWS]
             for a in STEERED]
    return _finished(np.array([[[[[figure(h, p) for p in pair] for pair in row] for row in rows] for rows in poses]
                               for h in HAIRCUTS]), size)


@lru_cache
def wide_sceneries(size: int) -> Tensor:
    """Slots of every scenery after its ground went right and down, uint8 (scene, right, down, H, W)."""
    drawn = np.array([[[scenery(s, right, down, LAWN) for down in range(PERIOD)] for right in range(PERIOD)] for s in SCENES])
    return torch.from_numpy(drawn if size == 32 else scale2x(drawn))


def _finished(drawn: np.ndarray, size: int) -> Tensor:
    """Drawings of 32 pixels at a size, outlined."""
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
