"""Chapter 1, given: what a clip looks like in numbers without a network: colour, texture, motion."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from solutions.pipeline import colour_histogram, luma


def texture_histogram(images: Tensor) -> Tensor:
    """Local binary patterns: for each pixel, which of its 8 neighbours
    are at least as bright as it.

    Lighting that keeps the order of brightnesses leaves it as it is.

    Args:
        images: (N, C, H, W), at least 3 x 3.
    Returns:
        (N, 256), the share of pixels with each pattern; the outermost
        pixels have no pattern.
    Source: Ojala et al. 1996.
    """
    gray = luma(images)
    height, width = gray.shape[-2] - 2, gray.shape[-1] - 2
    places = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    pattern = torch.zeros(len(gray), height, width, dtype=torch.long)
    for bit, (i, j) in enumerate(places):
        neighbour = gray[:, i:i + height, j:j + width]
        pattern += (neighbour >= gray[:, 1:-1, 1:-1]).long() << bit
    count = torch.zeros(len(gray), 256)
    ones = torch.ones(len(gray), height * width)
    count.scatter_add_(1, pattern.flatten(1), ones)
    return count / (height * width)


def frame_difference(clip: Tensor) -> Tensor:
    """Mean absolute change from each frame of (T, C, H, W) to the next,
    (T - 1,)."""
    return (clip[1:] - clip[:-1]).abs().mean(dim=(1, 2, 3))


def image_gradient(gray: Tensor) -> tuple[Tensor, Tensor]:
    """Central differences of (N, 1, H, W) to the right and down."""
    padded = F.pad(gray, [1] * 4, mode="replicate")
    right = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return right, down


def optical_flow(
    first: Tensor, second: Tensor, window: int = 9
) -> Tensor:
    """How far each pixel moves from one image to the next.

    Assumes that brightness moves along and that a window moves as one,
    and solves for its motion by least squares. True for motion of about
    a pixel in smooth pictures; wrong at edges between two motions.

    Args:
        first, second: (N, C, H, W), in [-1, 1].
        window: height and width of a window, odd.
    Returns:
        (N, 2, H, W): pixels to the right, pixels down. 0 where the
        window shows no corner, so that its motion cannot be told.
    Source: Lucas and Kanade 1981.
    """
    a, b = luma(first)[:, None], luma(second)[:, None]
    x, y = image_gradient((a + b) / 2)
    t = b - a
    products = torch.cat([x * x, x * y, y * y, x * t, y * t], dim=1)
    sums = F.avg_pool2d(products, window, 1, window // 2)
    xx, xy, yy, xt, yt = sums.split(1, dim=1)
    determinant = xx * yy - xy ** 2
    u, v = xy * yt - yy * xt, xy * xt - xx * yt
    corner = determinant > 1e-3 * (xx + yy) ** 2 + 1e-10
    one = torch.ones_like(determinant)
    flow = torch.cat([u, v], dim=1) / determinant.where(corner, one)
    return flow * corner


def describe(clip: Tensor) -> dict[str, Tensor]:
    """Colour, texture and motion of a clip (T, C, H, W) in [-1, 1].

    Returns:
        "colour" (4 ** C,) and "texture" (256,): mean histograms of the
        frames; "motion" (3,): mean change of a frame, mean speed to the
        right and down in pixels a frame where there is motion to tell.
    """
    flow = optical_flow(clip[:-1], clip[1:]).movedim(1, 0).flatten(1)
    told = flow[:, (flow != 0).any(dim=0)]
    speed = told.mean(dim=1) if told.shape[1] else torch.zeros(2)
    change = frame_difference(clip).mean()[None]
    return {"colour": colour_histogram(clip).mean(dim=0),
            "texture": texture_histogram(clip).mean(dim=0),
            "motion": torch.cat([change, speed])}
