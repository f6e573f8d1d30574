"""Chapter 4's training, interrupted and resumed with something forgotten: how the losses differ from an uninterrupted run."""
from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.optim import Adam

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from clipkit import pick, preset

SETTINGS = {"nothing": {"forgotten": ()}, "optimizers": {"forgotten": ("optimizer_g", "optimizer_d")},
            "discriminator": {"forgotten": ("discriminator",)}, "generator": {"forgotten": ("generator",)},
            "noise": {"forgotten": ("rng",)}}


@cache
def page():
    """The chapter's people, networks and training."""
    return of_page("04_dcgan", "Generator", "Discriminator", "dcgan_init", "article_step", "train", "ema_copy", "real", "width")


class Run:
    """Fresh networks and noise, and the page's training of them."""

    def __init__(self, seed: int):
        torch.manual_seed(seed)
        self.generator = page().Generator(32, nz=64, width=page().width).apply(page().dcgan_init)
        self.discriminator = page().Discriminator(32, width=page().width).apply(page().dcgan_init)
        self.ema, self.rng = page().ema_copy(self.generator), torch.Generator().manual_seed(seed)

    def train(self, steps: int, path: Path) -> Tensor:
        """Both losses (steps, 2), those of before an interruption among them."""
        losses = page().train(page().article_step, self.generator, self.discriminator, page().real, steps, path=path,
                              ema=self.ema, rng=self.rng)
        return torch.tensor(losses).view(-1, 2)

    def state(self, part: str) -> dict | Tensor:
        """What a checkpoint holds of a part that has learnt nothing."""
        if part == "rng":
            return self.rng.get_state()
        if part.startswith("optimizer"):
            network = self.generator if part.endswith("g") else self.discriminator
            return Adam(network.parameters(), 1e-3, betas=(0.5, 0.999)).state_dict()
        return getattr(self, part).state_dict()


@cache
def interrupted(seed: int, stop: int) -> dict:
    """The checkpoint of a run that was stopped."""
    with tempfile.TemporaryDirectory() as folder:
        Run(seed).train(stop, path := Path(folder) / "run.pt")
        return torch.load(path)


@cache
def whole(seed: int, steps: int) -> Tensor:
    """The losses of a run that was not."""
    with tempfile.TemporaryDirectory() as folder:
        return Run(seed).train(steps, Path(folder) / "run.pt")


def measure(seed: int, *, forgotten: tuple[str, ...]) -> dict[str, float]:
    """How far the losses are from those of the uninterrupted run: in the first step, and on average in the twenty after it."""
    stop = pick(preset("cpu"), smoke=2, cpu=100, gpu=100)
    end, resumed = stop + 21, Run(seed + 100)
    saved = interrupted(seed, stop)
    parts = saved["parts"] | {part: resumed.state(part) for part in forgotten}
    with tempfile.TemporaryDirectory() as folder:
        torch.save(saved | {"parts": parts}, path := Path(folder) / "run.pt")
        apart = (resumed.train(end, path) - whole(seed, end))[stop:].abs()
    return {"first_d": apart[0, 0].item(), "first_g": apart[0, 1].item(), "later_d": apart[1:, 0].mean().item()}


STUDY = Study(
    minutes=2,
    variants={"nothing": "nothing", "optimizers": "both optimisers", "discriminator": "D", "generator": "G",
              "noise": "the random generator"},
    numbers={"first_d": Number("D's first loss"), "first_g": Number("G's first loss"), "later_d": Number("D's next twenty")},
)
