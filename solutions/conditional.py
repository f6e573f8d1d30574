"""Chapter 7: control by a label that is given (cGAN)."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import LongTensor, Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.dcgan import Discriminator, Generator, dcgan_init
from solutions.recipe import Recipe, frames
from solutions.settings import Settings


class ConditionalGenerator(nn.Module):
    """Noise and a label to an image: a learned vector for each label, joined to z.

    Args:
        num_classes: K; labels are 0 to K - 1.
        size, channels, nz, width: as in `Generator`.
        embedding: length of a label's vector.
    Source: Mirza and Osindero 2014, section 3.2.
    """

    def __init__(
        self, num_classes: int, size: int = 32, channels: int = 3, *, nz: int = 64, width: int = 64,
        embedding: int = 16,
    ):
        super().__init__()
        self.nz = nz
        self.embed = nn.Embedding(num_classes, embedding)
        nn.init.normal_(self.embed.weight, std=0.1)  # at first quieter than z, which is ignored for good otherwise
        self.generator = Generator(size, channels, nz=nz + embedding, width=width)

    def forward(self, z: Tensor, labels: LongTensor) -> Tensor:
        """z (B, nz) and labels (B,) to images (B, C, size, size), in [-1, 1]."""
        return self.generator(torch.cat([z, self.embed(labels)], 1))


class ProjectionDiscriminator(nn.Module):
    """An image and a label to a logit: is it real, plus does it fit its label.

    The second is the inner product of the image's features with a learned vector of the label.

    Args:
        num_classes, size, channels, width: as in `ConditionalGenerator`.
        norm: as in `Discriminator`.
    Source: Miyato and Koyama 2018, eq. 3.
    """

    def __init__(self, num_classes: int, size: int = 32, channels: int = 3, *, width: int = 64, norm: str = "none"):
        super().__init__()
        self.discriminator = Discriminator(size, channels, width=width, norm=norm)
        self.embed = nn.Embedding(num_classes, width * size // 8)
        nn.init.zeros_(self.embed.weight)  # at first no image fits a label better than another

    def forward(self, images: Tensor, labels: LongTensor) -> Tensor:
        """Images (B, C, size, size) and labels (B,) to logits (B,)."""
        features = self.discriminator.features(images)  # (B, F, 4, 4)
        fits = (self.embed(labels) * features.mean((2, 3))).sum(1)
        return self.discriminator.head(features).flatten() + fits


def join_label(images: Tensor, labels: LongTensor, num_classes: int) -> Tensor:
    """The older way to show D a label: one more channel for each class, all 1 for the label's, else 0.

    Returns:
        (B, C + K, H, W).
    Source: Mirza and Osindero 2014, figure 1, for convolutions.
    """
    planes = F.one_hot(labels, num_classes).to(images)[:, :, None, None]
    return torch.cat([images, planes.expand(-1, -1, *images.shape[2:])], 1)


SETTINGS = {
    "smoke": Settings(steps=4, batch=8, penalty="r1"),
    "cpu": Settings(
        steps=2000,  # under two minutes on one core
        lr_g=1e-3, lr_d=2e-3,  # D has to learn the labels before it can teach them
        betas=(0.0, 0.99),  # no momentum: with R1, D is smooth and G need not wait
        penalty="r1", penalty_weight=1.0, penalty_every=4,  # every fourth step costs a quarter, and does as much
        ema=0.995,  # a short run has a short memory
    ),
    "gpu": Settings(steps=20_000, batch=128, penalty="r1", penalty_weight=1.0, penalty_every=4, compile=True),
}


def controlled_factor(data: ClipSet) -> str:
    """The attribute that a cGAN is given: the first that the data have of these.

    Raises:
        ValueError: the data have no label.
    """
    for name in ("digit", "class", "shirt", *data.attributes):
        if name in data.labels:
            return name
    raise ValueError("a conditional GAN needs labels and the data have none: try --data walkers, --data digits or a "
                     "folder with one sub-folder a class")


def recipe(data: ClipSet, preset: str) -> Recipe:
    """A conditional GAN on the middle frames of the clips; samples come with the labels in turn."""
    real, factor = frames(data), controlled_factor(data)
    num_classes, (channels, size) = len(data.attributes[factor]), real.shape[1:3]
    width = clipkit.pick(preset, smoke=8, cpu=24, gpu=64)

    @torch.no_grad()
    def draw(generator: nn.Module, count: int, rng: torch.Generator) -> Tensor:
        labels = torch.arange(count) % num_classes
        device = next(generator.parameters()).device
        return generator(torch.randn(count, generator.nz, generator=rng).to(device), labels.to(device))

    generator = ConditionalGenerator(num_classes, size, channels, width=width).apply(dcgan_init)
    discriminator = ProjectionDiscriminator(num_classes, size, channels, width=width)
    return Recipe(generator, discriminator, real, SETTINGS[preset], (data.labels[factor],), draw=draw)
