"""The first third of chapter 4's training: what the losses say, and how far the people are from real ones."""
from __future__ import annotations

import copy
import tempfile
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from clipkit import Walkers, pick, preset
from solutions.evaluation import features_of, frechet_distance
from solutions.measures.clip_features import load_features

SETTINGS = {"first": {"part": 0}, "second": {"part": 1}, "last": {"part": 2}}


class Stage(NamedTuple):
    """The generator after such a part, averaged and as it is, and both losses in that part."""

    average: nn.Module
    last: nn.Module
    losses: Tensor


@cache
def page():
    """The chapter's people, networks and training."""
    return of_page("04_dcgan", "Generator", "Discriminator", "dcgan_init", "article_step", "train", "slerp", "ema_copy",
                   "real", "steps", "width")


@cache
@torch.enable_grad()
def stages(seed: int) -> list[Stage]:
    """The page's run from another start, a third of it, looked at three times."""
    torch.manual_seed(seed)
    generator = page().Generator(32, nz=64, width=page().width).apply(page().dcgan_init)
    discriminator = page().Discriminator(32, width=page().width).apply(page().dcgan_init)
    ema, rng, found = page().ema_copy(generator), torch.Generator().manual_seed(seed), []
    ends = [part * page().steps // 9 for part in range(4)]
    with tempfile.TemporaryDirectory() as folder:
        for begin, end in pairwise(ends):
            losses = page().train(page().article_step, generator, discriminator, page().real, end, path=f"{folder}/run.pt",
                                  ema=ema, rng=rng)
            here = torch.tensor(losses[2 * begin:]).view(-1, 2)
            found.append(Stage(copy.deepcopy(ema), copy.deepcopy(generator).eval(), here))
    return found


@cache
def count() -> int:
    """How many images are compared."""
    return pick(preset("cpu"), smoke=64, cpu=2048, gpu=2048)


def seen(images: Tensor) -> Tensor:
    """Features of single frames, by the network that comes with the course."""
    return features_of(images, load_features().of_frames, 512)


@cache
def people(seed: int) -> Tensor:
    """Features of people who are not among those trained on."""
    drawn = Walkers(2 * count(), num_frames=1, scene="meadow", seed=seed).unlike(page().real[:, None])
    return seen(drawn.clips[:count(), 0])


def half_way(seed: int) -> dict[str, Tensor]:
    """Noise as it is drawn, and the middles between pairs of it on arcs and on straight lines."""
    z, other = torch.randn(2, count(), 64, generator=torch.Generator().manual_seed(100 + seed))
    middle = torch.tensor([0.5])
    return {"drawn": z, "line": (z + other) / 2,
            "arc": torch.cat([page().slerp(a, b, middle) for a, b in zip(z, other, strict=True)])}


@torch.no_grad()
def measure(seed: int, *, part: int) -> dict[str, float]:
    """Both losses, and distances to people whom the networks have not seen."""
    stage, z, real = stages(seed)[part], half_way(seed), people(1000 + seed)
    distance = {name: frechet_distance(real, seen(stage.average(where))).item() for name, where in z.items()}
    loss_d, loss_g = stage.losses.mean(0).tolist()
    return {"loss_d": loss_d, "loss_g": loss_g, "average": distance["drawn"],
            "last": frechet_distance(real, seen(stage.last(z["drawn"]))).item(), "arc": distance["arc"],
            "line": distance["line"], "real": frechet_distance(real, people(2000 + seed)).item()}


STUDY = Study(
    minutes=4,
    variants={"first": "200 steps", "second": "400", "last": "600"},
    numbers={"loss_d": Number("D's loss"), "loss_g": Number("G's loss"), "average": Number("distance, averaged", ".1f"),
             "last": Number("last weights", ".1f"), "arc": Number("half-way, arcs", ".1f"),
             "line": Number("half-way, lines", ".1f"), "real": Number("other real people")},
)
