"""Chapter 15: what stands on the board of the challenge before anybody hands in.

    python -m solutions.leaderboard.board                  trains two references (a minute and a half) and prints the board
    python -m solutions.leaderboard.board runs/flow ...    adds trained models of `python -m solutions train`
"""
from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from clipkit import ClipSet
from solutions.challenge import NOISE, challenge_clips, train_entry
from solutions.leaderboard.judge import REFERENCE_STEPS, Verdict, judge
from solutions.leaderboard.scorer import NUM_CLIPS, NUM_FRAMES, linear_clips, pixel_noise, stills
from solutions.models import latent_gan
from solutions.models.saved import load_generator
from solutions.published.shipped import trained

REFERENCE = "reference of chapter 15"
GAN_STEPS = 4000
REFERENCE_GAN = "GAN of codes of chapter 10"


def baselines(train: Tensor, seed: int = 0) -> dict[str, Tensor]:
    """Entries that stand on the board, by name, weaker than the reference."""
    rng = torch.Generator().manual_seed(seed)
    linear = linear_clips(train, NUM_CLIPS, rng)
    generator, recipe = trained("mocogan")
    return {"linear baseline": linear, "MoCoGAN of chapter 10": recipe.sample(generator, NUM_CLIPS, seed),
            "linear baseline, stills": stills(linear), "pixel noise": pixel_noise(train, NUM_CLIPS, rng)}


def reference(train: Tensor, steps: int = REFERENCE_STEPS, seed: int = 1) -> Tensor:
    """The clips of the chapter's own entry, trained on the spot."""
    entry = train_entry(train, steps)
    with torch.no_grad():
        return entry(torch.randn(NUM_CLIPS, NOISE, generator=torch.Generator().manual_seed(seed)))


def reference_gan(train: Tensor, steps: int = GAN_STEPS, seed: int = 1) -> Tensor:
    """The clips of chapter 10's GAN of codes, trained on the spot."""
    recipe = latent_gan.recipe(ClipSet(train, {}, {}), "cpu")
    recipe = replace(recipe, settings=replace(recipe.settings, steps=steps))
    return recipe.sample(recipe.train(seed=seed).ema, NUM_CLIPS, seed)


def entries(train: Tensor, steps: int = REFERENCE_STEPS, gan_steps: int = GAN_STEPS) -> dict[str, Tensor]:
    """All that stands on the board, by name: clips."""
    torch.manual_seed(0)
    return {REFERENCE: reference(train, steps), REFERENCE_GAN: reference_gan(train, gan_steps)} | baselines(train)


def leaderboard(verdicts: dict[str, Verdict]) -> str:
    """Entries and their scores as a table, the best first."""
    ranked = sorted(verdicts.items(), key=lambda entry: entry[1].score.total, reverse=True)
    parts = ranked[0][1].score._fields if ranked else ()
    lines = [f"{'':42}" + "".join(f"{name:>13}" for name in ("score", "+-", *parts))]
    for place, (name, verdict) in enumerate(ranked, 1):
        lines.append(f"{place:2} {name:39}{verdict.score.total:13.1f}{verdict.margin:13.1f}"
                     + "".join(f"{part:13.2f}" for part in verdict.score))
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
    """Prints the board of the public judge: the reference, the baselines, and the runs named."""
    found = entries(challenge_clips()) | {Path(run).name: sampled(Path(run)) for run in runs}
    sys.stdout.write(leaderboard({name: judge().of_clips(clips)[0] for name, clips in found.items()}) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(sys.argv[1:])
