"""Chapter 7: control by codes whose meaning the network finds itself (InfoGAN)."""
from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import LongTensor, Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions import conditional
from solutions.dcgan import Discriminator, Generator, dcgan_init
from solutions.parallel import plain
from solutions.recipe import Recipe, frames
from solutions.settings import Hooks


@dataclass(frozen=True)
class Codes:
    """What z of an InfoGAN is made of: noise, one category of K, and continuous codes.

    Args:
        categories: K, each as probable as another.
        continuous: how many codes, each uniform in [-1, 1].
        noise: how many Gaussian numbers.
    """

    categories: int = 10
    continuous: int = 2
    noise: int = 52

    @property
    def nz(self) -> int:
        """The length of z."""
        return self.noise + self.categories + self.continuous

    def draw(self, rng: torch.Generator, count: int) -> Tensor:
        """z (count, nz): noise, the category as one-hot, the continuous codes."""
        category = torch.randint(self.categories, (count,), generator=rng, device=rng.device)
        return self.join(category, 2 * torch.rand(count, self.continuous, generator=rng, device=rng.device) - 1, rng)

    def join(self, category: LongTensor, continuous: Tensor, rng: torch.Generator) -> Tensor:
        """z with these codes, (count,) and (count, continuous), and noise from `rng`."""
        noise = torch.randn(len(category), self.noise, generator=rng, device=rng.device)
        return torch.cat([noise, F.one_hot(category, self.categories).float(), continuous], 1)

    def split(self, z: Tensor) -> tuple[LongTensor, Tensor]:
        """The category (B,) and the continuous codes (B, continuous) in z."""
        _, one_hot, continuous = z.split([self.noise, self.categories, self.continuous], 1)
        return one_hot.argmax(1), continuous


class InfoDiscriminator(nn.Module):
    """A discriminator that also reads the codes off an image; both share their features (Q and D of the paper).

    Args:
        codes: what is to be read.
        size, channels, width: as in `Discriminator`.
    Source: Chen et al. 2016, section 5.
    """

    def __init__(self, codes: Codes, size: int = 32, channels: int = 3, *, width: int = 64):
        super().__init__()
        self.codes = codes
        self.discriminator = Discriminator(size, channels, width=width, norm="none")
        self.reader = nn.Sequential(
            nn.Flatten(), nn.Linear(width * size // 8 * 16, 64), nn.LeakyReLU(0.2),
            nn.Linear(64, codes.categories + codes.continuous),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, size, size) to logits (B,)."""
        return self.discriminator(images)

    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the category (B, K) and means of the continuous codes (B, continuous)."""
        found = self.reader(self.discriminator.features(images))
        return found.split([self.codes.categories, self.codes.continuous], 1)


def category_information(logits: Tensor, category: LongTensor) -> Tensor:
    """A lower bound, in nats, of how much an image says about its category: H(c) + E[log Q(c | x)].

    Args:
        logits: (B, K), Q's, before softmax.
        category: (B,), those that the images were made with, uniform over K.
    Returns:
        One number, at most log K, which it is where Q is sure and right; 0 where Q knows nothing.
    Source: Chen et al. 2016, eq. 4.
    """
    return math.log(logits.shape[1]) - F.cross_entropy(logits, category)


def continuous_information(mean: Tensor, code: Tensor, stddev: float = 0.4) -> Tensor:
    """The same bound for codes uniform in [-1, 1], Q being a Gaussian of this deviation around its mean.

    Args:
        mean, code: (B, n).
    Returns:
        One number, in nats, summed over the n codes.
    Source: Chen et al. 2016, eq. 4.
    """
    log_q = -((code - mean) / stddev).square() / 2 - math.log(stddev * math.sqrt(2 * math.pi))
    return (math.log(2) + log_q).sum(1).mean()


def information_loss(generator, discriminator, batch, fake) -> dict[str, Tensor]:
    """What InfoGAN adds to both losses: minus the information that the fakes keep of their codes.

    In D's step it teaches the reader, in G's step the generator to be readable.
    """
    discriminator = plain(discriminator)
    category, continuous = discriminator.codes.split(batch.z)
    logits, mean = discriminator.read(fake)
    bound = category_information(logits, category) + 0.1 * continuous_information(mean, continuous)
    return {"information": -bound}


def agreement(found: LongTensor, labels: LongTensor) -> float:
    """How well codes match a known factor: their mutual information over the mean of both entropies.

    Args:
        found, labels: (N,), whole numbers from 0.
    Returns:
        0 where the one says nothing about the other (so too where one of them is constant), 1 where each names the
        other, whatever the order of the names.
    """
    joint = torch.zeros(int(found.max()) + 1, int(labels.max()) + 1, dtype=torch.float64)
    joint.index_put_((found, labels), torch.ones(len(found), dtype=torch.float64), accumulate=True)
    joint /= len(found)
    entropy = lambda p: -torch.xlogy(p, p).sum()
    separate = entropy(joint.sum(0)) + entropy(joint.sum(1))
    return (2 * (separate - entropy(joint)) / separate).item() if separate > 0 else 0.0


def recipe(data: ClipSet, preset: str, codes: Codes | None = None) -> Recipe:
    """An InfoGAN on the middle frames of the clips; samples come with the categories in turn, the codes at 0."""
    real, codes = frames(data), codes or Codes()
    channels, size = real.shape[1:3]
    width = clipkit.pick(preset, smoke=8, cpu=24, gpu=64)

    @torch.no_grad()
    def draw(generator: nn.Module, count: int, rng: torch.Generator) -> Tensor:
        z = codes.join(torch.arange(count) % codes.categories, torch.zeros(count, codes.continuous), rng)
        return generator(z.to(next(generator.parameters()).device))

    generator = Generator(size, channels, nz=codes.nz, width=width).apply(dcgan_init)
    discriminator = InfoDiscriminator(codes, size, channels, width=width)
    hooks = Hooks(latent=codes.draw, extra_d=information_loss, extra_g=information_loss)
    settings = conditional.SETTINGS[preset]
    if preset == "cpu":
        settings = replace(settings, batch=64, lr_d=1e-3)  # digits are small; no label for D to learn
    return Recipe(generator, discriminator, real, settings, hooks=hooks, draw=draw)
