"""Chapter 14: the programming challenge: a generator of short clips, trained within a budget, scored from 0 to 100.

An entry is judged by its clips alone: NUM_CLIPS of them, drawn from its own noise. What counts is how near they come to
clips that nobody has seen (quality), how they move (motion), how many kinds there are (diversity); and that they are
the generator's own: what is copied from the training set counts nothing.

    python -m solutions.challenge runs/flow runs/mocogan    the leaderboard of the baselines and of trained models
"""
from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from clipkit import ClipSet, Walkers
from solutions.clip_features import load_features
from solutions.evaluation import density_coverage, features_of, frechet_distance
from solutions.pipeline import luma
from solutions.responsibility import Copying, copying

NUM_CLIPS, NUM_FRAMES, SIZE = 512, 8, 32
SHAPE = (NUM_CLIPS, NUM_FRAMES, 3, SIZE, SIZE)


def challenge_data() -> tuple[ClipSet, ClipSet]:
    """The training set (2048 clips), which entrants have, and the held-out set of as many, which they have not.

    The training set is what `python -m solutions train MODEL` takes for models of clips; a clip holds a whole motion.
    Both are drawn alike, so a few clips are in both: a perfect generator would make them, too.
    """
    options = {"num_frames": NUM_FRAMES, "size": SIZE, "every": 16 // NUM_FRAMES, "scene": "meadow"}
    return tuple(Walkers(2048, seed=seed, **options) for seed in (0, 41))


@dataclass(frozen=True)
class Budget:
    """What an entry may use. FLOPs are counted as `energy.count_flops` does, so they are the same on any machine."""

    training_flops: float = 1e13  # three minutes of one CPU core at 50 GFLOP/s; the course's models of clips use 0.9e13
    clip_flops: float = 1e8  # to sample a clip: what is drawn with a renderer or searched for costs more
    parameters: int = 3_000_000  # float32 weights: the training set would need 50 million

    def exceeded(self, *, training_flops: float, clip_flops: float, parameters: int) -> list[str]:
        """A sentence for each limit that is exceeded; an empty list where all are kept."""
        used = {"training_flops": training_flops, "clip_flops": clip_flops, "parameters": parameters}
        return [f"{name.replace('_', ' ')}: {value:.3g}, allowed are {getattr(self, name):.3g}"
                for name, value in used.items() if value > getattr(self, name)]


def looks(clips: Tensor) -> Tensor:
    """Colours and edges, without a network: what a network can be fooled about shows here.

    Mean colour and mean absolute differences of neighbouring pixels, to the right and down, in 4 x 4 fields.

    Args:
        clips: (N, T, C, H, W), C = 3.
    Returns:
        (N, 80).
    """
    frames = clips.flatten(0, 1)
    right, down = frames.diff(dim=-1).abs(), frames.diff(dim=-2).abs()
    parts = [frames, right.mean(1, keepdim=True), down.mean(1, keepdim=True)]
    fields = torch.cat([F.adaptive_avg_pool2d(part, 4) for part in parts], dim=1)  # (N T, 5, 4, 4)
    return fields.unflatten(0, clips.shape[:2]).mean(dim=1).flatten(1)


def motion(clips: Tensor) -> Tensor:
    """How much changes where, from a frame to the next, to the one after and to the fourth.

    A still has 0 everywhere; noise changes as much from one frame to the next as over four; what walks changes more
    the longer one waits. Roots, so that much motion does not outweigh little.

    Args:
        clips: (N, T, C, H, W), T at least 5.
    Returns:
        (N, 48), the three in 4 x 4 fields.
    """
    brightness = luma(clips)  # (N, T, H, W)
    changes = [(brightness[:, lag:] - brightness[:, :-lag]).abs().mean(dim=1) for lag in (1, 2, 4)]
    return F.adaptive_avg_pool2d(torch.stack(changes, dim=1), 4).flatten(1).sqrt()


def small(clips: Tensor) -> Tensor:
    """Clips at a quarter of their size with every fourth frame, as rows (N, F): near where they show the same."""
    frames = F.avg_pool2d(clips[:, ::4].flatten(0, 1), 4)
    return frames.unflatten(0, (len(clips), -1)).flatten(1)


def pixel_noise(clips: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """The weakest baseline, and the zero of the score: each pixel of each frame drawn for itself.

    Args:
        clips: (N, T, C, H, W), the training set.
    Returns:
        (count, T, C, H, W): normal, with the mean and standard deviation that the pixel has in `clips`.
    """
    noise = torch.randn(count, *clips.shape[1:], generator=rng)
    return (clips.mean(dim=0) + clips.std(dim=0) * noise).clamp(-1, 1)


def linear_clips(clips: Tensor, count: int, rng: torch.Generator, rank: int = 64) -> Tensor:
    """The linear baseline: clips as their mean and `rank` principal components with normal weights.

    Args:
        clips: (N, T, C, H, W), N more than `rank`.
    Returns:
        (count, T, C, H, W): ghosts, since half of a person and half of another is nobody.
    """
    mean, flat = clips.mean(dim=0), (clips - clips.mean(dim=0)).flatten(1)
    vectors = torch.linalg.eigh(flat @ flat.T).eigenvectors  # (N, N): there are fewer clips than values in one
    vectors = vectors[:, -rank:]  # of the strongest components; vectors.T @ flat are these, as long as they vary
    weights = torch.randn(count, rank, generator=rng) / math.sqrt(len(clips))
    return (mean + (weights @ (vectors.T @ flat)).unflatten(1, mean.shape)).clamp(-1, 1)


def stills(clips: Tensor) -> Tensor:
    """The baseline that cannot move: each clip's middle frame in place of all its frames."""
    middle = clips.shape[1] // 2
    return clips[:, middle:middle + 1].expand_as(clips).contiguous()


class Score(NamedTuple):
    """Parts in [0, 1] and the whole in [0, 100]: the geometric mean of the first three, so that none makes up for
    another, times originality."""

    quality: float
    motion: float
    diversity: float
    originality: float

    @property
    def total(self) -> float:
        return 100 * self.originality * (self.quality * self.motion * self.diversity) ** (1 / 3)

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {value:.2f}" for name, value in self._asdict().items())
        return f"{self.total:.1f} ({parts})"


class Scorer:
    """Scores clips; made once from both sets, in a few seconds.

    Args:
        train, held_out: (N, T, C, H, W), equally many, at least NUM_CLIPS.
        network: clips to features; the default is the course's own.
    """

    def __init__(self, train: Tensor, held_out: Tensor, network: Callable | None = None):
        self.network = network or load_features()
        self.train, self.held_out = (small(with_mirrored(clips)) for clips in (train, held_out))
        self.real = self.describe(held_out[:NUM_CLIPS])
        best = self.describe(train[:NUM_CLIPS])  # as near as clips of the same kind come
        worst = self.describe(pixel_noise(train, NUM_CLIPS, torch.Generator().manual_seed(0)))
        self.best, self.worst = self.distances(best), self.distances(worst)
        self.density, self.covered = self.density_and_coverage(best)

    def describe(self, clips: Tensor) -> dict[str, Tensor]:
        """Clips as rows (N, F) of numbers, in three ways: one learned, two written by hand."""
        return {"features": features_of(clips, self.network), "looks": looks(clips), "motion": motion(clips)}

    def distances(self, described: dict[str, Tensor]) -> dict[str, float]:
        """The Frechet distances to held-out clips."""
        return {name: frechet_distance(self.real[name], rows).item() for name, rows in described.items()}

    def density_and_coverage(self, described: dict[str, Tensor]) -> tuple[float, float]:
        """How much like held-out clips these are, one by one, and how many of those have one of these for a near
        neighbour: each in the worse of two spaces."""
        pairs = [density_coverage(self.real[name], described[name]) for name in ("features", "looks")]
        return tuple(map(min, zip(*pairs, strict=True)))

    def closeness(self, distances: dict[str, float]) -> dict[str, float]:
        """1 where clips are as near to held-out ones as training clips are, 0 where they are no nearer than pixel
        noise; in between by the root, since Frechet distances are squared."""
        parts = {}
        for name, distance in distances.items():
            excess = (distance - self.best[name]) / (self.worst[name] - self.best[name])
            parts[name] = 1 - math.sqrt(min(1.0, max(0.0, excess)))
        return parts

    def copied(self, clips: Tensor) -> Copying:
        """Whether clips are nearer to training clips or their mirror images than to held-out ones."""
        return copying(small(clips), self.train, self.held_out)

    def __call__(self, clips: Tensor) -> Score:
        """The score of clips (NUM_CLIPS, NUM_FRAMES, 3, SIZE, SIZE), in [-1, 1].

        Raises:
            ValueError: another shape, values that are no numbers, or values out of range.
        """
        check_entry(clips)
        described = self.describe(clips)
        near = self.closeness(self.distances(described))
        density, covered = self.density_and_coverage(described)
        return Score(
            quality=min(near["features"], near["looks"], density / self.density),
            motion=near["motion"],
            diversity=min(1.0, covered / self.covered),
            originality=originality(self.copied(clips)),
        )


def originality(found: Copying) -> float:
    """What is left of a score where clips are copied: 1 where nothing speaks for it, 0 from a fifth of copies on.

    The lower end of the confidence interval counts, so that chance takes no points.
    """
    return 1 - min(1.0, 5 * max(0.0, 2 * found.low - 1))


def with_mirrored(clips: Tensor) -> Tensor:
    """Clips and their mirror images, (2 N, T, C, H, W): who mirrors a clip has copied it."""
    return torch.cat([clips, clips.flip(-1)])


def check_entry(clips: Tensor) -> None:
    """Raises ValueError where clips cannot be scored; the message says what was expected."""
    if not isinstance(clips, Tensor) or clips.shape != SHAPE or clips.dtype != torch.float32:
        got = f"{clips.dtype} {tuple(clips.shape)}" if isinstance(clips, Tensor) else type(clips).__name__
        raise ValueError(f"expected {NUM_CLIPS} clips as a float32 tensor {SHAPE}, got {got}")
    if not clips.isfinite().all():
        raise ValueError(f"expected numbers, got NaN or infinity in {int((~clips.isfinite()).sum())} places")
    if clips.abs().max() > 1:
        low, high = clips.min().item(), clips.max().item()
        raise ValueError(f"expected values in [-1, 1], got {low:.3g} to {high:.3g}: try .clamp(-1, 1)")


def leaderboard(scores: dict[str, Score]) -> str:
    """Entries and their scores as a table, the best first."""
    ranked = sorted(scores.items(), key=lambda entry: entry[1].total, reverse=True)
    lines = [f"{'':24}" + "".join(f"{name:>13}" for name in ("score", *Score._fields))]
    for place, (name, score) in enumerate(ranked, 1):
        lines.append(f"{place:2} {name:21}{score.total:13.1f}" + "".join(f"{part:13.2f}" for part in score))
    return "\n".join(lines)


def baselines(train: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """The clips of entries that a trained model must beat, by name."""
    rng = torch.Generator().manual_seed(seed)
    linear = linear_clips(train, NUM_CLIPS, rng)
    return {"pixel noise": pixel_noise(train, NUM_CLIPS, rng), "linear stills": stills(linear), "linear": linear}


def sampled(run: Path) -> Tensor:
    """The clips of a trained model: NUM_CLIPS from the folder of a run; images stand still for NUM_FRAMES.

    Raises:
        ValueError: there is no trained model in the folder.
    """
    from solutions.__main__ import restore

    generator, recipe, _ = restore(run / "generator.safetensors")
    samples = recipe.sample(generator, NUM_CLIPS)
    return samples if samples.ndim == 5 else samples[:, None].repeat(1, NUM_FRAMES, 1, 1, 1)


def main(runs: list[str]) -> None:
    """Prints the leaderboard of the baselines and of the runs named."""
    train, held_out = challenge_data()
    entries = baselines(train.clips) | {Path(run).name: sampled(Path(run)) for run in runs}
    scorer = Scorer(train.clips, held_out.clips)
    print(leaderboard({name: scorer(clips) for name, clips in entries.items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
