"""The door between clips (float, channels first, [-1, 1]) and pixels (uint8, channels last, 0 to 255)."""

import numpy as np
import torch
from torch import Tensor


def as_clips(clips: Tensor) -> Tensor:
    """(T, C, H, W) or (B, T, C, H, W) as (B, T, C, H, W) on the CPU, without its gradient.

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: another number of axes, an empty axis, or C is neither 1 nor 3.
    """
    return _checked(clips, "clips", "(T, C, H, W) or (B, T, C, H, W)", ndim=5)


def as_images(images: Tensor) -> Tensor:
    """(C, H, W) or (N, C, H, W) as (N, C, H, W) on the CPU, without its gradient; raises as `as_clips`."""
    return _checked(images, "images", "(C, H, W) or (N, C, H, W)", ndim=4)


def to_pixels(values: Tensor) -> np.ndarray:
    """(..., C, H, W) in [-1, 1] as uint8 (..., H, W, 3): -1 is 0, 1 is 255, outside is clamped, NaN is 0."""
    levels = ((values.float().nan_to_num(-1) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    pixels = levels.movedim(-3, -1)
    return pixels.expand(*pixels.shape[:-1], 3).contiguous().numpy()


def from_pixels(pixels: np.ndarray) -> Tensor:
    """uint8 (..., H, W, C) as float32 (..., C, H, W) in [-1, 1]."""
    return torch.tensor(pixels).movedim(-1, -3).contiguous().float().div_(127.5).sub_(1)  # no second copy: clips are large


def over_white(pixels: np.ndarray) -> np.ndarray:
    """uint8 (..., 4), the last of them alpha, laid on white: (..., 3).

    White is what a page shows behind a transparent picture; what lies hidden beneath transparent pixels is chance.
    """
    if (pixels[..., 3] == 255).all():
        return pixels[..., :3]
    alpha = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def enlarge(pixels: np.ndarray, scale: int) -> np.ndarray:
    """(..., H, W, 3) with every pixel repeated `scale` times in both directions: edges stay crisp.

    Raises:
        ValueError: `scale` is not a whole number of at least 1.
    """
    if not isinstance(scale, int) or scale < 1:
        raise ValueError(f"expected scale as a whole number of at least 1, got {scale!r}")
    return pixels.repeat(scale, axis=-3).repeat(scale, axis=-2)


def indexed(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """uint8 (..., 3 or 4) as numbers (...) into a palette (colours, 3 or 4); None beyond 256 colours."""
    colours = np.zeros((*pixels.shape[:-1], 4), np.uint8)
    colours[..., : pixels.shape[-1]] = pixels
    different, index = np.unique(colours.view(np.uint32)[..., 0], return_inverse=True)
    if len(different) > 256:
        return None
    palette = different[:, None].view(np.uint8)[:, : pixels.shape[-1]]
    return index.reshape(pixels.shape[:-1]).astype(np.uint8), palette


def evenly_spread(length: int, most: int) -> np.ndarray:
    """Which of `length` things to show when `most` may be shown: all, or so many from the first to the last."""
    return np.linspace(0, length - 1, min(most, length)).round().astype(int)


def _checked(values: Tensor, what: str, wanted: str, ndim: int) -> Tensor:
    if not isinstance(values, Tensor):
        raise TypeError(
            f"expected {what} as a tensor {wanted}, got {type(values).__name__}: try torch.as_tensor"
        )
    if not values.is_floating_point():
        raise TypeError(
            f"expected {what} as floats in [-1, 1], got {values.dtype}: pixels 0..255 become x / 127.5 - 1"
        )
    shape = tuple(values.shape)
    if values.ndim not in (ndim - 1, ndim) or 0 in shape:
        raise ValueError(f"expected {what} {wanted}, got {shape}")
    if shape[-3] not in (1, 3):
        raise ValueError(f"expected {what} {wanted} with C = 1 or 3, got {shape}{_layout_hint(shape, ndim)}")
    values = values.detach().cpu()
    return values if values.ndim == ndim else values[None]


def _layout_hint(shape: tuple[int, ...], ndim: int) -> str:
    if ndim == 5 and shape[-4] in (1, 3):
        return ": T and C look swapped; try .transpose(-4, -3)"
    if shape[-1] in (1, 3):
        return ": channels stand last; try .movedim(-1, -3)"
    return ""
