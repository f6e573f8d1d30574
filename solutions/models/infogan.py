"""Chapter 7: control by codes whose meaning the network finds itself (InfoGAN)."""
from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.conditional import category_information, continuous_information
from solutions.dcgan import Discriminator, Generator, dcgan_init
from solutions.models import conditional
from solutions.training.gan_step import Batch
from solutions.training.parallel import plain
from solutions.training.recipe import Recipe, frames
from solutions.training.settings import Hooks, settings_of


@dataclass(frozen=True)
class Codes:
    """What z of an InfoGAN is made of: noise, one category of K, and
    continuous codes.

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
        """z (count, nz): noise, the category as one-hot, the continuous
        codes."""
        category = torch.randint(
            self.categories, (count,), generator=rng, device=rng.device)
        share = torch.rand(
            count, self.continuous, generator=rng, device=rng.device)
        return self.join(category, 2 * share - 1, rng)

    def join(
        self, category: Tensor, continuous: Tensor, rng: torch.Generator
    ) -> Tensor:
        """z with these codes, (count,) and (count, continuous), and noise
        from `rng`."""
        noise = torch.randn(
            len(category), self.noise, generator=rng, device=rng.device)
        one_hot = F.one_hot(category, self.categories).float()
        return torch.cat([noise, one_hot, continuous], 1)

    def split(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The category (B,) and the continuous codes (B, continuous) in z."""
        _, one_hot, continuous = z.split(
            [self.noise, self.categories, self.continuous], 1)
        return one_hot.argmax(1), continuous


class InfoDiscriminator(nn.Module):
    """A discriminator that also reads the codes off an image; both share
    their features (Q and D of the paper).

    Args:
        codes: what is to be read.
        size, channels, width: as in `Discriminator`.
    Source: Chen et al. 2016, section 6.
    """

    def __init__(
        self, codes: Codes, size: int = 32, channels: int = 3, *,
        width: int = 64,
    ):
        super().__init__()
        self.codes = codes
        self.discriminator = Discriminator(
            size, channels, width=width, norm="none")
        self.reader = nn.Sequential(
            nn.Flatten(),
            nn.Linear(width * size // 8 * 16, 64), nn.LeakyReLU(0.2),
            nn.Linear(64, codes.categories + codes.continuous))

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, size, size) to logits (B,)."""
        return self.discriminator(images)

    def read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the category (B, K) and means of the continuous codes
        (B, continuous)."""
        found = self.reader(self.discriminator.features(images))
        sizes = [self.codes.categories, self.codes.continuous]
        return found.split(sizes, 1)


def information(
    discriminator: InfoDiscriminator, images: Tensor, z: Tensor
) -> Tensor:
    """How much of the codes in z, in nats, the discriminator reads off the
    images: a lower bound. The continuous codes count a tenth."""
    category, continuous = discriminator.codes.split(z)
    logits, mean = discriminator.read(images)
    return (category_information(logits, category)
            + 0.1 * continuous_information(mean, continuous))


def information_loss(
    generator: nn.Module, discriminator: nn.Module, batch: Batch, fake: Tensor,
) -> dict[str, Tensor]:
    """What InfoGAN adds to both losses: minus the information that the fakes keep of their codes.

    In D's step it teaches the reader, in G's step the generator to be readable.
    """
    return {"information": -information(plain(discriminator), fake, batch.z)}


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
    settings = settings_of(conditional.SETTINGS, preset)
    if preset == "cpu":
        settings = replace(settings, batch=64, lr_d=1e-3)  # digits are small; no label for D to learn
    return Recipe(generator, discriminator, real, settings, hooks=hooks, draw=draw)
