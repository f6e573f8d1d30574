"""Chapter 14: the judge of the challenge, what stands on its board, and cheats that must end below.

    python -m solutions.leaderboard.board                  trains the reference (half a minute) and prints the whole board
    python -m solutions.leaderboard.board runs/flow ...    adds trained models of `python -m solutions train`

The judge holds clips that entrants have not, and a network that they have not: a score can be practised on, this one not.
"""
from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from solutions.challenge import NOISE, challenge_clips, train_entry
from solutions.leaderboard.scorer import (
    NUM_CLIPS,
    NUM_FRAMES,
    Score,
    Scorer,
    linear_clips,
    pixel_noise,
    stills,
)
from solutions.measures.clip_features import load_features
from solutions.models.saved import load_generator
from solutions.published.shipped import trained

HELD_OUT = 41  # seed of the clips that the judge compares with
STEPS = 1500   # of the reference: half a minute on one core; more of them, and it copies


@lru_cache(maxsize=1)
def judge() -> Scorer:
    """The scorer of the board, made once, in three seconds."""
    return Scorer(challenge_clips(), challenge_clips(seed=HELD_OUT), network=load_features())


def baselines(train: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """Entries that stand on the board, by name, weaker than the reference."""
    rng = torch.Generator().manual_seed(seed)
    linear = linear_clips(train, NUM_CLIPS, rng)
    generator, recipe = trained("mocogan")
    return {"linear baseline": linear, "MoCoGAN of chapter 10": recipe.sample(generator, NUM_CLIPS, seed),
            "linear baseline, stills": stills(linear), "pixel noise": pixel_noise(train, NUM_CLIPS, rng)}


def cheats(train: Tensor) -> dict[str, Tensor]:
    """Entries that are no work of a generator, by name. `good` clips are drawn as the data are."""
    good, copied = challenge_clips(NUM_CLIPS, seed=99), train[-NUM_CLIPS:]
    rng = torch.Generator().manual_seed(0)
    return {
        "training clips": copied,
        "training clips, mirrored": copied.flip(-1),
        "training clips with noise": (copied + 0.03 * torch.randn(copied.shape, generator=rng)).clamp(-1, 1),
        "half of them copied": torch.cat([copied[:NUM_CLIPS // 2], good[:NUM_CLIPS // 2]]),
        "the mean clip": train.mean(0).expand_as(copied).contiguous(),
        "one good clip again and again": good[:1].expand_as(good).contiguous(),
        "eight good clips again and again": good[:8].repeat(NUM_CLIPS // 8, 1, 1, 1, 1),
        "good stills": stills(good),
        "noise tuned to the network": tuned_noise(train[:64]).repeat(NUM_CLIPS // 64, 1, 1, 1, 1),
    }


def tuned_noise(targets: Tensor, steps: int = 12) -> Tensor:
    """Pixels that descend on the distance to the features of clips, as an attacker with the judge's network would."""
    network = judge().network
    assert network is not None
    wanted = network(targets)
    start = 0.5 * torch.randn(targets.shape, generator=torch.Generator().manual_seed(0))
    pixels = start.clamp(-1, 1).requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        (network(pixels) - wanted).square().mean().backward()
        optimizer.step()
        pixels.data.clamp_(-1, 1)
    return pixels.detach()


def reference(train: Tensor, steps: int = STEPS, seed: int = 1) -> Tensor:
    """The clips of the chapter's own entry, trained on the spot."""
    entry = train_entry(train, steps)
    with torch.no_grad():
        return entry(torch.randn(NUM_CLIPS, NOISE, generator=torch.Generator().manual_seed(seed)))


def leaderboard(scores: dict[str, Score]) -> str:
    """Entries and their scores as a table, the best first."""
    ranked = sorted(scores.items(), key=lambda entry: entry[1].total, reverse=True)
    lines = [f"{'':36}" + "".join(f"{name:>13}" for name in ("score", *Score._fields))]
    for place, (name, score) in enumerate(ranked, 1):
        lines.append(f"{place:2} {name:33}{score.total:13.1f}" + "".join(f"{part:13.2f}" for part in score))
    return "\n".join(lines)


def sampled(run: Path) -> Tensor:
    """The clips of a trained model: NUM_CLIPS from the folder of a run; images stand still for NUM_FRAMES.

    Raises:
        ValueError: there is no trained model in the folder.
    """
    generator, recipe, _ = load_generator(run / "generator.safetensors")
    samples = recipe.sample(generator, NUM_CLIPS)
    return samples if samples.ndim == 5 else samples[:, None].repeat(1, NUM_FRAMES, 1, 1, 1)


def main(runs: list[str]) -> None:
    """Prints the board: the reference, the baselines, the cheats and the runs named."""
    train = challenge_clips()
    entries = {"reference of chapter 14": reference(train)} | baselines(train) | cheats(train)
    entries |= {Path(run).name: sampled(Path(run)) for run in runs}
    print(leaderboard({name: judge()(clips) for name, clips in entries.items()}))


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
