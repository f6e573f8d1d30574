"""Chapter 8: CycleGAN, as the one trainer takes it: two domains, cycle and identity losses and old fakes as its hooks."""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.dcgan import dcgan_init
from solutions.training.gan_step import Batch
from solutions.training.recipe import Recipe, frames
from solutions.training.settings import Hooks, Settings, settings_of
from solutions.translation import (
    FakeHistory,
    PatchDiscriminator,
    Translator,
    TwoWayDiscriminator,
    TwoWayGenerator,
    cycle_loss,
    identity_loss,
)


def translation_losses(cycle: float = 10.0, identity: float = 5.0) -> Callable:
    """What CycleGAN adds to the generator's loss, with these weights, as the trainer's hook `extra_g`.

    Args:
        cycle: weight of `cycle_loss`; 10 in the paper.
        identity: weight of `identity_loss`; half of the cycle's in the paper, 0 leaves it out.
    """

    def losses(
        generator: nn.Module, discriminator: nn.Module, batch: Batch, fake: Tensor,
    ) -> dict[str, Tensor]:
        pair, extra = batch.labels[0], {"cycle": cycle * cycle_loss(generator, batch.labels[0], fake)}
        return extra | ({"identity": identity * identity_loss(generator, pair)} if identity else {})

    return losses


def remembered_fakes(history: FakeHistory) -> Callable:
    """What old fakes add to the discriminator's loss, as the trainer's hook `extra_d`: they are fake still."""

    def loss(
        generator: nn.Module, discriminator: nn.Module, batch: Batch, fake: Tensor,
    ) -> dict[str, Tensor]:
        return {"history": discriminator(history.exchange(fake), *batch.labels).square().mean() / 2}

    return loss


def domains(data: ClipSet) -> tuple[Tensor, Tensor]:
    """The frames of two domains, (N, C, H, W) each, none of them the other's pair.

    They are the first two scenes, or classes (sub-folders), that the data have; where there is only one, the second
    domain is the negatives of the other half of the frames.

    Raises:
        ValueError: there are not two frames.
    """
    real = frames(data)
    if len(real) < 2:
        raise ValueError(f"expected at least two frames, got {len(real)}: an image of each domain")
    for name in ("scene", "class"):
        values = data.labels[name].unique() if name in data.labels else ()
        if len(values) > 1:
            a, b = (real[data.labels[name] == value] for value in values[:2])
            break
    else:
        a, b = real[::2], -real[1::2]
    count = min(len(a), len(b))
    return a[:count], b[:count]


@torch.no_grad()
def draw(generator: TwoWayGenerator, count: int, rng: torch.Generator) -> Tensor:
    """(count, 2, C, H, W): examples of a with what becomes of them in b."""
    index = torch.randint(len(generator.examples), (count,), generator=rng)
    images = generator.examples[index.to(generator.examples.device), 0]
    return torch.stack([images, generator.a_to_b(images)], 1)


SETTINGS = {
    "smoke": Settings(steps=3, batch=4, loss="least_squares"),
    "cpu": Settings(
        steps=900,  # 170 seconds of one core
        batch=8, loss="least_squares",  # the paper's loss; it takes batches of 1
        lr_g=1e-3, lr_d=1e-3, schedule="linear",  # five times the paper's rate, down to 0 in the second half
        ema=0.99,
    ),
    "gpu": Settings(steps=20_000, batch=16, loss="least_squares", schedule="linear", compile=True),
}


def recipe(data: ClipSet, preset: str, *, cycle: float = 10.0, identity: float = 5.0, history: int = 0) -> Recipe:
    """CycleGAN between two domains of the data; samples are images of the first with their translation.

    Args:
        cycle, identity: weights, as in `translation_losses`.
        history: how many old fakes the discriminator sees again; 0 is none, 50 the paper's.
    """
    a, b = domains(data)
    pairs = torch.stack([a, b], 1)
    channels, size = pairs.shape[2:4]
    width = clipkit.pick(preset, smoke=4, cpu=16, gpu=64)
    halvings, blocks = clipkit.pick(preset, smoke=(1, 1), cpu=(1, 3), gpu=(2, 6))
    translator = lambda: Translator(channels, width=width, halvings=halvings, blocks=blocks).apply(dcgan_init)
    judge = lambda: PatchDiscriminator(channels, width=width, halvings=2 if size >= 32 else 1).apply(dcgan_init)
    examples = pairs[torch.arange(16) % len(pairs)]
    hooks = Hooks(
        extra_g=translation_losses(cycle, identity),
        extra_d=remembered_fakes(FakeHistory(history)) if history else None,
    )
    networks = TwoWayGenerator(examples, translator(), translator()), TwoWayDiscriminator(judge(), judge())
    return Recipe(*networks, pairs, settings_of(SETTINGS, preset), (pairs,), hooks=hooks, draw=draw)
