"""Chapter 7's ways to tell D the label, and labels that are too loud in G or too faint in D, after 300 steps each."""
from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from solutions.stability import r1_penalty

STEPS = 300
SETTINGS = {"planes": {"judge": "planes"}, "auxiliary": {"judge": "auxiliary"}, "projection": {}, "loud": {"loudness": 1.0},
            "faint": {"judge": "faint"}, "real": {"judge": ""}}


@cache
def page():
    """The chapter's people, networks and measures."""
    return of_page("07_conditional", "told_by", "PlanesDiscriminator", "ProjectionDiscriminator", "FaintJudge",
                   "conditional_step", "real", "unseen", "unseen_labels", "probe", "spread_within")


class Auxiliary(nn.Module):
    """A judge of images alone, beside whom a classifier reads the label off the same features."""

    def __init__(self, num_classes: int, *, width: int):
        super().__init__()
        self.both = page().ProjectionDiscriminator(num_classes, width=width)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Logits (B,): is it real, whatever the label is."""
        return self.both.discriminator(images)

    def fits(self, images: Tensor, labels: Tensor) -> Tensor:
        """The mean of log C(label | image)."""
        features = self.both.discriminator.features(images).sum((2, 3))
        return -F.cross_entropy(features @ self.both.embed.weight.T, labels)


def auxiliary_step(generator: nn.Module, discriminator: nn.Module, optimizer_g: Optimizer, optimizer_d: Optimizer,
                   real: Tensor, labels: Tensor, z: Tensor, wanted: Tensor, *, gamma: float = 0.0) -> tuple[Tensor, Tensor]:
    """A step of an AC-GAN: the classifier learns from real and fake images, and G is to be read rightly."""
    fake = generator(z, wanted)
    loss_d = F.softplus(-discriminator(real, labels)).mean() + F.softplus(discriminator(fake.detach(), wanted)).mean()
    loss_d = loss_d - discriminator.fits(real, labels) - discriminator.fits(fake.detach(), wanted)
    if gamma:
        loss_d = loss_d + gamma * r1_penalty(lambda images: discriminator(images, labels), real)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    discriminator.requires_grad_(False)
    loss_g = F.softplus(-discriminator(fake, wanted)).mean() - discriminator.fits(fake, wanted)
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    discriminator.requires_grad_(True)
    return loss_d.detach(), loss_g.detach()


def to_order(seed: int, judge: str, loudness: float, wanted: Tensor, rng: torch.Generator) -> Tensor:
    """Pictures with these labels, from a GAN or, where there is no judge, real ones that no network has seen."""
    if not judge:
        order = torch.randperm(len(page().unseen), generator=rng)
        chosen = [order[page().unseen_labels[order] == label][:40] for label in range(12)]
        return page().unseen[torch.cat(chosen)]
    judges = {"planes": page().PlanesDiscriminator, "auxiliary": Auxiliary, "projection": page().ProjectionDiscriminator,
              "faint": page().FaintJudge}
    step = auxiliary_step if judge == "auxiliary" else page().conditional_step
    generator = page().told_by(judges[judge], loudness, seed, step, STEPS)
    with torch.no_grad():
        return generator(torch.randn(len(wanted), 64, generator=rng), wanted)


def measure(seed: int, *, judge: str = "projection", loudness: float = 0.1) -> dict[str, float]:
    """Of 40 pictures a label: are labels obeyed, how near are they to the training pictures, and how varied."""
    wanted = torch.arange(12).repeat_interleave(40)
    images = to_order(seed, judge, loudness, wanted, torch.Generator().manual_seed(100 + seed))
    read = page().probe(images)
    gap, nearest = torch.cdist(images.flatten(1), page().real.flatten(1)).min(1)
    return {"shirt": (read // 3 == wanted // 3).float().mean().item(),
            "direction": (read % 3 == wanted % 3).float().mean().item(),
            "off": gap.mean().item() / images[0].numel() ** 0.5, "different": len(nearest.unique()) / len(nearest),
            "spread": page().spread_within(images, wanted)}


STUDY = Study(
    minutes=5,
    variants={"planes": "planes", "auxiliary": "a classifier beside D (AC-GAN)",
              "projection": "projection", "loud": "projection, loud label", "faint": "projection, faint judge",
              "real": "other real pictures"},
    numbers={"shirt": Number("shirt right", ".0%"), "direction": Number("direction right", ".0%"),
             "off": Number("off the data", ".3f"), "different": Number("different people", ".0%"),
             "spread": Number("spread", ".3f")},
)
