"""What a run is told: its numbers and names, and what a model adds to the trainer."""
from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from clipkit.names import known
from solutions.stability import SCHEDULES
from solutions.training.losses import LOSSES

PENALTIES = ("none", "r1", "r1_r2", "gradient_penalty")


@dataclass(frozen=True)
class Settings:
    """Everything about a run that is a number or a name.

    Raises:
        ValueError: a name that there is not, or a number out of its range.
    """

    steps: int  # steps of the generator
    batch: int = 32  # samples a step, over all processes
    lr_g: float = 2e-4  # Adam's, as in DCGAN
    lr_d: float = 2e-4  # another one makes two time scales (Heusel et al. 2017)
    betas: tuple[float, float] = (0.5, 0.999)  # 0.9 would push on after D has turned round
    loss: str = "non_saturating"  # one of LOSSES
    penalty: str = "none"  # "r1", "r1_r2" (the same at real and at fake samples), or "gradient_penalty" for WGAN-GP
    penalty_weight: float = 1.0  # gamma of R1 and R2, lambda of WGAN-GP
    penalty_every: int = 1  # computed each so many steps, and then as many times as strong
    n_critic: int = 1  # steps of D for one of G; 5 in WGAN-GP
    clip_norm: float = math.inf  # largest norm of a network's gradient
    schedule: str = "constant"  # of both learning rates: "linear" or "cosine" end at 0
    noise: float = 0.0  # standard deviation of instance noise at the first step, 0 from half of the run
    ema: float = 0.999  # of G's weights, for sampling: about the last thousand steps
    bfloat16: bool = True  # convolutions of images and clips in half the digits, where the device is faster so
    compile: bool = False  # torch.compile, on CUDA only: on a CPU it takes longer than it saves

    def __post_init__(self) -> None:
        known(self.loss, LOSSES, "loss")
        known(self.penalty, PENALTIES, "penalty")
        known(self.schedule, SCHEDULES, "schedule")
        for name in ("steps", "batch", "n_critic", "penalty_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} of at least 1, got {getattr(self, name)}")
        if not 0 <= self.ema < 1:
            raise ValueError(f"expected ema in [0, 1), got {self.ema}: it is the weight of the past")


LONGER = 20  # times as many steps as "cpu" has "long", unless a model says otherwise


def settings_of(settings: Mapping[str, Any], preset: str) -> Any:
    """The settings of a preset, where "long" need not be among them: it is then "cpu" with LONGER as many steps.

    Args:
        settings: preset -> `Settings`, or another dataclass with `steps`.
        preset: one of PRESETS.
    """
    if preset == "long" and preset not in settings:
        return replace(settings["cpu"], steps=LONGER * settings["cpu"].steps)
    return settings[preset]


@dataclass(frozen=True)
class Hooks:
    """What a model adds to the trainer.

    Attributes:
        latent: latent(rng, count) draws z; the default is a standard Gaussian.
        augment: augment(samples, rng) changes what D sees, real and fake alike (DiffAugment).
        extra_d: extra_d(generator, discriminator, batch, fake) gives more losses for D by name, weighted;
            `fake` is detached.
        extra_g: the same for G.
    """

    latent: Callable | None = None
    augment: Callable | None = None
    extra_d: Callable | None = None
    extra_g: Callable | None = None


NO_HOOKS = Hooks()
