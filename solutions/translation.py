"""Chapter 8: from one domain to another without pairs (CycleGAN).

Two domains, a and b, travel as pairs (B, 2, C, H, W): first an image of a, then one of b, which have nothing to do
with each other. So one generator holds both directions, one discriminator judges both domains, and the one trainer
serves: with generator(z, pair) = (b as a, a as b), two of the three losses are one more call each.
"""
from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.dcgan import dcgan_init
from solutions.recipe import Recipe, frames
from solutions.settings import Hooks, Settings


class Residual(nn.Module):
    """x + f(x), f being two convolutions: a block that changes nothing until it has learnt to."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"), nn.InstanceNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"), nn.InstanceNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class Translator(nn.Module):
    """An image of one domain to one of the other, of the same size.

    Args:
        channels: of an image, 1 or 3.
        width: maps of the first layer; twice as many after each halving.
        halvings: how often the size is halved before the blocks, and doubled after them.
        blocks: how many residual blocks. The paper: width 64, 2 halvings, 6 blocks for 128 x 128.
    Source: Zhu et al. 2017, appendix 7.2; Johnson et al. 2016.
    """

    def __init__(self, channels: int = 3, *, width: int = 64, halvings: int = 2, blocks: int = 6):
        super().__init__()
        widths = [width << k for k in range(halvings + 1)]
        layers = [nn.Conv2d(channels, width, 7, padding=3, padding_mode="reflect"), nn.InstanceNorm2d(width), nn.ReLU()]
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.InstanceNorm2d(after), nn.ReLU()]
        layers += [Residual(widths[-1]) for _ in range(blocks)]
        for before, after in zip(widths[:0:-1], widths[-2::-1], strict=True):
            layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), nn.InstanceNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(
            *layers, nn.Conv2d(width, channels, 7, padding=3, padding_mode="reflect"), nn.Tanh())

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) to images of that shape, in [-1, 1]; H and W are multiples of 2 ** halvings."""
        return self.layers(images)


class PatchDiscriminator(nn.Module):
    """An image to a map of logits: each judges one patch, and none sees the whole.

    Args:
        channels: of an image, 1 or 3.
        width: maps of the first layer.
        halvings: how often the size is halved. 1, 2 and 3 make patches of 16, 34 and 70 pixels; 3 is the paper's.
    Source: Isola et al. 2017, section 3.2.2; Zhu et al. 2017, appendix 7.2.
    """

    def __init__(self, channels: int = 3, *, width: int = 64, halvings: int = 3):
        super().__init__()
        widths = [width << k for k in range(halvings)]
        layers = [nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        for before, after, stride in zip(widths, [*widths[1:], 2 * widths[-1]], [2] * (halvings - 1) + [1], strict=True):
            layers += [nn.Conv2d(before, after, 4, stride, padding=1), nn.InstanceNorm2d(after), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(2 * widths[-1], 1, 4, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) to logits (B, h, w)."""
        return self.layers(images)[:, 0]


class TwoWayGenerator(nn.Module):
    """Both directions as one generator. It needs no noise: nz is 0.

    Args:
        examples: pairs (K, 2, C, H, W), kept with the weights, to show what the generator does.
        a_to_b, b_to_a: networks from images to images.
    """

    nz = 0

    def __init__(self, examples: Tensor, a_to_b: nn.Module, b_to_a: nn.Module):
        super().__init__()
        self.a_to_b, self.b_to_a = a_to_b, b_to_a
        self.register_buffer("examples", examples.clone())

    def forward(self, z: Tensor | None, pair: Tensor) -> Tensor:
        """Pairs (B, 2, C, H, W) of a and b to pairs of that shape, again a first: b as a, a as b. z is ignored."""
        a, b = pair.unbind(1)
        return torch.stack([self.b_to_a(b), self.a_to_b(a)], 1)


class TwoWayDiscriminator(nn.Module):
    """A judge for each domain, as one discriminator.

    Args:
        judge_a, judge_b: networks from images to logits (B, *).
    """

    def __init__(self, judge_a: nn.Module, judge_b: nn.Module):
        super().__init__()
        self.judge_a, self.judge_b = judge_a, judge_b

    def forward(self, pair: Tensor, *_) -> Tensor:
        """Pairs (B, 2, C, H, W) to logits (B, 2, *): is the first of domain a, is the second of domain b."""
        a, b = pair.unbind(1)
        return torch.stack([self.judge_a(a), self.judge_b(b)], 1)


def cycle_loss(generator: nn.Module, pair: Tensor, fake: Tensor) -> Tensor:
    """There and back again: the mean absolute difference between images and what two translations leave of them.

    Args:
        generator: as `TwoWayGenerator`.
        pair: (B, 2, C, H, W), a first.
        fake: generator(z, pair): b as a, a as b. It is itself a pair of a and b, so the generator leads it home.
    Returns:
        One number, 0 where each direction undoes the other.
    Source: Zhu et al. 2017, eq. 2.
    """
    return F.l1_loss(generator(None, fake), pair)


def identity_loss(generator: nn.Module, pair: Tensor) -> Tensor:
    """An image that is in the target domain already stays as it is: the mean absolute change.

    Args:
        generator: as `TwoWayGenerator`.
        pair: (B, 2, C, H, W), a first.
    Returns:
        One number, at least 0. It keeps colours in place, which the cycle alone would let go.
    Source: Zhu et al. 2017, section 5.2.
    """
    return F.l1_loss(generator(None, pair.flip(1)), pair)


class FakeHistory:
    """Old fakes for the discriminator, so that it does not forget yesterday's tricks.

    Args:
        size: how many are kept; 50 in the paper.
        seed: of the choice.
    Source: Shrivastava et al. 2017, section 2.3; Zhu et al. 2017, section 4.
    """

    def __init__(self, size: int = 50, seed: int = 0):
        self.size, self.kept, self.rng = size, [], torch.Generator().manual_seed(seed)

    def exchange(self, fakes: Tensor) -> Tensor:
        """Fakes (B, *) of now or of old: while there is room all are kept and come back as they are; then each
        comes back with probability 1/2, or is kept in place of an old one, which comes back instead."""
        shown = []
        for fake in fakes.detach():
            if len(self.kept) < self.size:
                self.kept.append(fake.clone())
            elif torch.rand((), generator=self.rng) < 0.5:
                place = int(torch.randint(self.size, (), generator=self.rng))
                fake, self.kept[place] = self.kept[place], fake.clone()
            shown.append(fake)
        return torch.stack(shown)


def translation_losses(cycle: float = 10.0, identity: float = 5.0) -> Callable:
    """What CycleGAN adds to the generator's loss, with these weights, as the trainer's hook `extra_g`.

    Args:
        cycle: weight of `cycle_loss`; 10 in the paper.
        identity: weight of `identity_loss`; half of the cycle's in the paper, 0 leaves it out.
    """

    def losses(generator, discriminator, batch, fake) -> dict[str, Tensor]:
        pair, extra = batch.labels[0], {"cycle": cycle * cycle_loss(generator, batch.labels[0], fake)}
        return extra | ({"identity": identity * identity_loss(generator, pair)} if identity else {})

    return losses


def remembered_fakes(history: FakeHistory) -> Callable:
    """What old fakes add to the discriminator's loss, as the trainer's hook `extra_d`: they are fake still."""

    def loss(generator, discriminator, batch, fake) -> dict[str, Tensor]:
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
def translate(network: nn.Module, clips: Tensor) -> Tensor:
    """Clips (B, T, C, H, W) in another domain, frame by frame: the network sees no time."""
    return network(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])


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
    return Recipe(*networks, pairs, SETTINGS[preset], (pairs,), hooks=hooks, draw=draw)
