"""Chapter 11, given: how like images are, seen through a window, and how much a clip flickers."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def window_mean(images: Tensor) -> Tensor:
    """Gaussian-weighted means of (N, 1, H, W), (N, 1, H - 10, W - 10)."""
    place = torch.arange(11, dtype=images.dtype) - 5
    weights = torch.exp(-place.square() / (2 * 1.5 ** 2))
    weights = weights / weights.sum()
    columns = F.conv2d(images, weights.view(1, 1, -1, 1))
    return F.conv2d(columns, weights.view(1, 1, 1, -1))


def ssim(images: Tensor, reference: Tensor) -> Tensor:
    """Structural similarity: means, contrasts and patterns compared in
    Gaussian windows of 11 x 11 pixels (standard deviation 1.5).

    Args:
        images, reference: (N, C, H, W), in [-1, 1], at least 11 x 11.
    Returns:
        (N,), 1 where both are equal; the mean over channels and over the
        windows that lie in the image.
    Source: Wang et al. 2004, eq. 13, with K1 = 0.01, K2 = 0.03.
    """
    x, y = images.flatten(0, 1)[:, None], reference.flatten(0, 1)[:, None]
    mean_x, mean_y = window_mean(x), window_mean(y)
    var_x = window_mean(x * x) - mean_x ** 2
    var_y = window_mean(y * y) - mean_y ** 2
    cov = window_mean(x * y) - mean_x * mean_y
    # The formula expects values from 0 on: v + 1 moves only the means.
    mean_x, mean_y = mean_x + 1, mean_y + 1
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    score = (2 * mean_x * mean_y + c1) / (mean_x ** 2 + mean_y ** 2 + c1)
    score = score * (2 * cov + c2) / (var_x + var_y + c2)
    return score.view(len(images), -1).mean(dim=1)


def flicker(clip: Tensor) -> Tensor:
    """How unevenly the brightness of a clip (T, C, H, W) runs: the mean
    absolute second difference of its frames' means, at least 0.

    A constant or a steady fade has 0. T is at least 3.
    """
    return clip.mean(dim=(1, 2, 3)).diff(n=2).abs().mean()


def fine_detail(clips: Tensor) -> float:
    """What changes from pixel to pixel: the mean square of what a small
    blur takes away. More of it than real clips have is speckle, less is
    blur.

    The blur is binomial, weights 1, 2, 1 in both directions.

    Args:
        clips: (N, T, C, H, W), H and W at least 3.
    """
    frames = clips.flatten(0, 2)[:, None]  # (N * T * C, 1, H, W)
    row = torch.tensor([1.0, 2.0, 1.0]) / 4
    rows = F.conv2d(frames, row.view(1, 1, 1, 3))
    blurred = F.conv2d(rows, row.view(1, 1, 3, 1))
    return (frames[..., 1:-1, 1:-1] - blurred).square().mean().item()
