"""Chapter 15, given: the score of an entry to the challenge, and entries that are easy to beat.

An entry is judged by its clips alone: NUM_CLIPS of them, made from noise that the judge draws. What counts is how near
they come to clips that nobody has seen (quality), how they move (motion), how many kinds there are (diversity); and
that they are the generator's own: what is copied from the training set counts nothing.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from solutions.challenge import closeness, motion
from solutions.evaluation import (
    density_coverage,
    features_of,
    frechet_distance,
)
from solutions.leaderboard.guard import VIEWS, tiny, what_is_left

NUM_CLIPS, NUM_FRAMES, SIZE = 512, 8, 32
SHAPE = (NUM_CLIPS, NUM_FRAMES, 3, SIZE, SIZE)


def looks(clips: Tensor) -> Tensor:
    """Colours and edges of clips as numbers, without a network.

    Mean colour and mean absolute difference of neighbouring pixels, to
    the right and down, in 4 x 4 fields.

    Args:
        clips: (N, T, C, H, W), C = 3.
    Returns:
        (N, 80).
    """
    frames = clips.flatten(0, 1)
    right, down = frames.diff(dim=-1).abs(), frames.diff(dim=-2).abs()
    parts = [frames, right.mean(1, keepdim=True),
             down.mean(1, keepdim=True)]
    fields = torch.cat([F.adaptive_avg_pool2d(part, 4) for part in parts], 1)
    return fields.unflatten(0, clips.shape[:2]).mean(1).flatten(1)


def small(clips: Tensor) -> Tensor:
    """Clips at a quarter of their size with every fourth frame: near
    where they show the same."""
    frames = F.avg_pool2d(clips[:, ::4].flatten(0, 1), 4)
    return frames.unflatten(0, (len(clips), -1))


def pixel_noise(clips: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """The zero of the score: each pixel of each frame drawn for itself.

    Args:
        clips: (N, T, C, H, W), the training set.
    Returns:
        (count, T, C, H, W): normal, with the mean and standard deviation
        that the pixel has in `clips`.
    """
    noise = torch.randn(count, *clips.shape[1:], generator=rng)
    return (clips.mean(0) + clips.std(0) * noise).clamp(-1, 1)


def linear_clips(
    clips: Tensor, count: int, rng: torch.Generator, rank: int = 64
) -> Tensor:
    """The linear baseline: the mean clip and `rank` principal components
    with normal weights.

    Args:
        clips: (N, T, C, H, W), N more than `rank`.
    Returns:
        (count, T, C, H, W): ghosts, since half of a person and half of
        another is nobody.
    """
    mean, flat = clips.mean(0), (clips - clips.mean(0)).flatten(1)
    # (N, N): there are fewer clips than values in one
    vectors = torch.linalg.eigh(flat @ flat.T).eigenvectors[:, -rank:]
    weights = torch.randn(count, rank, generator=rng) / len(clips) ** 0.5
    made = weights @ (vectors.T @ flat)
    return (mean + made.unflatten(1, mean.shape)).clamp(-1, 1)


def stills(clips: Tensor) -> Tensor:
    """The entry that cannot move: each clip's middle frame in place of
    all its frames."""
    middle = clips.shape[1] // 2
    return clips[:, middle:middle + 1].expand_as(clips).contiguous()


class Score(NamedTuple):
    """Parts in [0, 1] and the total in [0, 100]."""

    quality: float
    motion: float
    diversity: float
    originality: float

    @property
    def total(self) -> float:
        """The geometric mean of the first three, so that none makes up
        for another, times originality."""
        mean = (self.quality * self.motion * self.diversity) ** (1 / 3)
        return 100 * self.originality * mean

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {value:.2f}"
                          for name, value in self._asdict().items())
        return f"{self.total:.1f} ({parts})"


Rows = dict[str, Tensor]
Near = dict[str, tuple[Tensor, Tensor]]


class Scorer:
    """Scores clips; made once from both sets, in a few seconds.

    Args:
        train, held_out: (N, T, C, H, W), equally many.
        count: how many clips an entry has, at most N.
        network: clips to features, which then count, too.
    """

    def __init__(self, train: Tensor, held_out: Tensor, *,
                 count: int = 512, network: Callable | None = None):
        self.network, self.shape = network, (count, *train.shape[1:])
        self.train, self.held_out = tiny(train), tiny(held_out)
        self.real = self.describe(held_out[:count])
        best = self.describe(train[:count])  # as near as one can come
        noise = pixel_noise(train, count, torch.Generator().manual_seed(0))
        self.best = self.distances(best)
        self.worst = self.distances(self.describe(noise))
        self.usual = self.neighbours(best)

    def describe(self, clips: Tensor) -> Rows:
        """Clips as rows (N, F) of numbers, in two or three ways."""
        rows = {"looks": looks(clips), "motion": motion(clips)}
        if self.network:
            rows["features"] = features_of(clips, self.network)
        return rows

    def distances(self, rows: Rows) -> dict[str, float]:
        """The Frechet distances to held-out clips."""
        return {name: frechet_distance(self.real[name], some).item()
                for name, some in rows.items()}

    def neighbours(self, rows: Rows) -> tuple[float, float]:
        """Density and coverage: how much clips are like held-out ones,
        one by one, and how many of those have one of them near. The worse
        of what looks and features say."""
        pairs = [density_coverage(self.real[name], rows[name])
                 for name in rows if name != "motion"]
        return tuple(map(min, zip(*pairs)))

    def near(self, clips: Tensor) -> Near:
        """For each view of the guard, how far each clip is from both
        sets."""
        some = tiny(clips)
        return {name: (view(some, self.train), view(some, self.held_out))
                for name, (view, _) in VIEWS.items()}

    def __call__(self, clips: Tensor) -> Score:
        """The score of clips (count, T, C, H, W), in [-1, 1].

        Raises:
            ValueError: another shape, numbers out of range, or none.
        """
        check_entry(clips, self.shape)
        return self.put_together(self.describe(clips), self.near(clips))

    def put_together(
        self, rows: Rows, near: Near,
        like: tuple[float, float] | None = None,
    ) -> Score:
        """The score, from what `describe` and `near` say of clips, and
        from `neighbours`, unless they are known."""
        close = {name: closeness(far, self.best[name], self.worst[name])
                 for name, far in self.distances(rows).items()}
        moves = close.pop("motion")
        density, covered = (found / usual for found, usual in zip(
            like or self.neighbours(rows), self.usual))
        own = min(what_is_left(*near[name], forgiven)
                  for name, (_, forgiven) in VIEWS.items())
        return Score(min(*close.values(), density), moves,
                     min(1.0, covered), own)


def check_entry(clips: Tensor, shape: tuple[int, ...] = SHAPE) -> None:
    """Raises ValueError where clips cannot be scored; the message says
    what was expected."""
    if not isinstance(clips, Tensor):
        raise ValueError(f"expected a tensor, got {type(clips).__name__}")
    if clips.shape != shape or clips.dtype != torch.float32:
        raise ValueError(f"expected clips as float32 {tuple(shape)}, got "
                         f"{clips.dtype} {tuple(clips.shape)}")
    if not clips.isfinite().all():
        bad = int((~clips.isfinite()).sum())
        raise ValueError(f"NaN or infinity in {bad} places")
    if clips.abs().max() > 1:
        low, high = clips.min().item(), clips.max().item()
        raise ValueError(f"expected values in [-1, 1], got {low:.3g} to "
                         f"{high:.3g}: try .clamp(-1, 1)")


# What `python -m solutions.leaderboard.board` printed; its tests score all but the first two anew.
STANDING = {
    "GAN of codes of chapter 10": Score(0.76, 0.64, 0.91, 1.0),
    "reference of chapter 15": Score(0.71, 0.66, 0.84, 1.0),
    "MoCoGAN of chapter 10": Score(0.29, 0.41, 0.54, 1.0),
    "linear baseline": Score(0.19, 0.45, 0.35, 1.0),
    "linear baseline, stills": Score(0.0, 0.04, 0.02, 1.0),
    "pixel noise": Score(0.0, 0.0, 0.0, 0.0),
}
