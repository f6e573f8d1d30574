"""Chapter 5: what D sees, changed at random, real and fake alike: a GAN of few data that does not learn them by heart.

D can no longer tell a sample by its place or its brightness, and G learns through the changes, which are
differentiable. All frames of a clip change alike: a change between frames would be motion that the data do not have.
Source: "Differentiable Augmentation for Data-Efficient GAN Training", Zhao et al. 2020.

    Hooks(augment=diff_augment)    or functools.partial(diff_augment, kinds=("translation",), strength=0.5)
"""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from clipkit.names import known


def diff_augment(
    samples: Tensor, rng: Generator | None = None, *,
    kinds: Sequence[str] = ("colour", "translation", "cutout"), strength: float = 1.0,
) -> Tensor:
    """Samples with colours, place and a hole drawn anew for each of them.

    Args:
        samples: images (B, C, H, W) or clips (B, T, C, H, W), in [-1, 1].
        rng: draws the changes.
        kinds: of change, in order; of "colour", "translation", "cutout".
        strength: 0 changes nothing, 1 is the paper's.
    Returns:
        The same shape; colours may leave [-1, 1], what moves in from outside and the hole are 0.
    Raises:
        ValueError: `samples` are neither, there is no such kind, or `strength` is below 0.
    """
    if samples.ndim not in (4, 5) or strength < 0:
        raise ValueError("expected images (B, C, H, W) or clips (B, T, C, H, W) and a strength of at least 0, got "
                         f"{tuple(samples.shape)} and {strength}: for one image try image[None]")
    clips = samples if samples.ndim == 5 else samples[:, None]
    for kind in kinds:
        clips = KINDS[known(kind, KINDS, "kind of augmentation")](clips, rng, strength)
    return clips.view(samples.shape)


def colour(clips: Tensor, rng: Generator | None, strength: float) -> Tensor:
    """Brightness, saturation (0 to 2 times) and contrast (0.5 to 1.5 times), at full strength."""
    brightness, saturation, contrast = (strength * (2 * uniform(clips, rng) - 1) for _ in range(3))  # (B, 1, 1, 1, 1)
    clips = clips + brightness / 2
    grey = clips.mean(2, keepdim=True)
    clips = torch.lerp(grey, clips, 1 + saturation)
    middle = clips.mean((2, 3, 4), keepdim=True)  # of each frame
    return torch.lerp(middle, clips, 1 + contrast / 2)


def translation(clips: Tensor, rng: Generator | None, strength: float) -> Tensor:
    """Up to an eighth of height and width away, at full strength."""
    batch = torch.arange(len(clips), device=clips.device)[:, None, None]
    rows, inside_y = moved(clips, clips.shape[3], rng, strength)
    columns, inside_x = moved(clips, clips.shape[4], rng, strength)
    shifted = clips.permute(0, 3, 4, 1, 2)[batch, rows[:, :, None], columns[:, None]].permute(0, 3, 4, 1, 2)
    return shifted * (inside_y[:, :, None] & inside_x[:, None])[:, None, None]


def moved(clips: Tensor, size: int, rng: Generator | None, strength: float) -> tuple[Tensor, Tensor]:
    """Where each of `size` rows comes from, (B, size), and whether that is inside."""
    furthest = round(strength * size / 8)
    shift = ((2 * furthest + 1) * uniform(clips, rng).view(-1, 1)).floor().long() - furthest
    source = torch.arange(size, device=clips.device) + shift
    return source.clamp(0, size - 1), (source >= 0) & (source < size)


def cutout(clips: Tensor, rng: Generator | None, strength: float) -> Tensor:
    """A hole of half the height and width, at full strength, that may reach over the edge."""
    rows, columns = (hole(clips, size, rng, strength) for size in clips.shape[3:])
    return clips * ~(rows[:, :, None] & columns[:, None])[:, None, None]


def hole(clips: Tensor, size: int, rng: Generator | None, strength: float) -> Tensor:
    """Which of `size` rows the hole covers, (B, size)."""
    side = round(strength * size / 2)
    start = ((size + 1) * uniform(clips, rng).view(-1, 1)).floor() - side // 2
    row = torch.arange(size, device=clips.device)
    return (row >= start) & (row < start + side)


def uniform(clips: Tensor, rng: Generator | None) -> Tensor:
    """A number in [0, 1) for each clip, (B, 1, 1, 1, 1)."""
    return torch.rand(len(clips), 1, 1, 1, 1, generator=rng, device=clips.device, dtype=clips.dtype)


KINDS = {"colour": colour, "translation": translation, "cutout": cutout}
