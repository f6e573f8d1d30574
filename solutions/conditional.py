"""Chapter 7: control by a label that is given (cGAN), and by codes whose meaning is found (InfoGAN).

What an InfoGAN is built of is in `solutions.models.infogan`.
"""
from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from solutions.dcgan import Discriminator, Generator
from solutions.stability import r1_penalty


def join_label(
    images: Tensor, labels: Tensor, num_classes: int
) -> Tensor:
    """Images with one more channel for each class: all 1 for the image's
    own class, all 0 for the others.

    Args:
        images: (B, C, H, W).
        labels: (B,), whole numbers, 0 to K - 1.
        num_classes: K.
    Returns:
        (B, C + K, H, W), of the images' dtype; the images come first.
    Source: Mirza and Osindero 2014, figure 1, for convolutions.
    """
    planes = F.one_hot(labels, num_classes).to(images)[:, :, None, None]
    height, width = images.shape[2:]
    return torch.cat([images, planes.expand(-1, -1, height, width)], 1)


class ConditionalGenerator(nn.Module):
    """Noise and a label to an image: a learned vector for each label,
    joined to z.

    Args:
        num_classes: K; labels are 0 to K - 1.
        size, channels, nz, width: as in `Generator`.
        embedding: E, the length of a label's vector.
    Attributes:
        embed: an `nn.Embedding`; its weights (K, E) begin at N(0, 0.1),
            0.1 being the standard deviation.
        generator: (B, nz + E) to images.
    Source: Mirza and Osindero 2014, section 3.2.
    """

    def __init__(
        self, num_classes: int, size: int = 32, channels: int = 3, *,
        nz: int = 64, width: int = 64, embedding: int = 16,
    ):
        super().__init__()
        self.nz = nz
        # BEGIN SOLUTION
        self.embed = nn.Embedding(num_classes, embedding)
        nn.init.normal_(self.embed.weight, std=0.1)  # quieter than z
        # END SOLUTION
        self.generator = Generator(
            size, channels, nz=nz + embedding, width=width)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        """z (B, nz) and labels (B,), whole numbers, to images
        (B, C, size, size), in [-1, 1]: the label's vector comes behind
        z."""
        # BEGIN SOLUTION
        return self.generator(torch.cat([z, self.embed(labels)], 1))
        # END SOLUTION


def projection_parts(
    log_ratio: Tensor, features: Tensor, real_vectors: Tensor,
    fake_vectors: Tensor,
) -> tuple[Tensor, Tensor]:
    """The best logit of an image and a label as psi(x) + w_c . phi(x),
    where p(c | x) is a softmax of u_c . phi(x) for real images and of
    v_c . phi(x) for fake ones.

    Args:
        log_ratio: (B,), log p_data(x) / p_g(x), of each image.
        features: (B, F), phi(x).
        real_vectors, fake_vectors: (K, F), the vectors u and v.
    Returns:
        psi (B,), which knows no label, and w (K, F), which knows no
        image.
    Source: Miyato and Koyama 2018, section 3.
    """
    real = features @ real_vectors.T  # (B, K), logits of the labels
    fake = features @ fake_vectors.T
    psi = log_ratio - real.logsumexp(1) + fake.logsumexp(1)
    return psi, real_vectors - fake_vectors


class ProjectionDiscriminator(nn.Module):
    """An image and a label to a logit: is it real, plus does it fit its
    label.

    The second is the inner product of the label's learned vector with the
    image's features, each summed over its map.

    Args:
        num_classes, size, channels, width: as in `ConditionalGenerator`.
        norm: as in `Discriminator`.
    Attributes:
        discriminator: has `features`, images to (B, F, 4, 4), and `head`,
            features to logits (B, 1, 1, 1).
        embed: labels (B,) to their vectors (B, F), zero at first: no image
            fits a label better than another.
    Source: Miyato and Koyama 2018, section 3.
    """

    def __init__(
        self, num_classes: int, size: int = 32, channels: int = 3, *,
        width: int = 64, norm: str = "none",
    ):
        super().__init__()
        self.discriminator = Discriminator(
            size, channels, width=width, norm=norm)
        self.embed = nn.Embedding(num_classes, width * size // 8)
        nn.init.zeros_(self.embed.weight)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Images (B, C, size, size) and labels (B,), whole numbers, to
        logits (B,)."""
        # BEGIN SOLUTION
        features = self.discriminator.features(images)  # (B, F, 4, 4)
        fits = (self.embed(labels) * features.sum((2, 3))).sum(1)
        return self.discriminator.head(features).flatten() + fits
        # END SOLUTION


def conditional_step(
    generator: nn.Module, discriminator: nn.Module,
    optimizer_g: Optimizer, optimizer_d: Optimizer,
    real: Tensor, labels: Tensor, z: Tensor, wanted: Tensor, *,
    gamma: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """One step of a conditional GAN: first D learns, then G, from the
    same fake images.

    Every image is judged with the label that belongs to it.

    Args:
        generator: (z, labels) to images; discriminator: (images, labels)
            to logits (B,).
        real, labels: (B, C, H, W) and (B,), real images and what they are.
        z, wanted: (B, nz) and (B,), noise and what G is told to draw.
        gamma: D's loss has gamma times R1 of the real images more; 0
            leaves it out.
    Returns:
        D's loss, penalty included, and G's (non-saturating); detached.
    """
    fake = generator(z, wanted)
    # BEGIN SOLUTION
    real_logits = discriminator(real, labels)
    fake_logits = discriminator(fake.detach(), wanted)
    # STUB real_logits = discriminator(real, wanted)
    # STUB fake_logits = discriminator(fake.detach(), labels)
    # END SOLUTION
    loss_d = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
    if gamma:
        loss_d = loss_d + gamma * r1_penalty(
            lambda images: discriminator(images, labels), real)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()

    discriminator.requires_grad_(False)
    # BEGIN SOLUTION
    logits = discriminator(fake, wanted)
    # STUB logits = discriminator(fake, labels)
    # END SOLUTION
    loss_g = F.softplus(-logits).mean()
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    discriminator.requires_grad_(True)
    return loss_d.detach(), loss_g.detach()


def category_information(logits: Tensor, category: Tensor) -> Tensor:
    """A lower bound, in nats, of how much images say about their category:
    H(c) + E[log Q(c | x)].

    Args:
        logits: (B, K), Q's, before softmax.
        category: (B,), whole numbers: those that the images were made
            with, uniform over 0 to K - 1.
    Returns:
        One number with its graph, at most log K, which it is where Q is
        sure and right; 0 where Q knows nothing.
    Source: Chen et al. 2016, eq. 4.
    """
    return math.log(logits.shape[1]) - F.cross_entropy(logits, category)


def continuous_information(
    mean: Tensor, code: Tensor, stddev: float = 0.4
) -> Tensor:
    """The same bound for codes uniform in [-1, 1], Q being a Gaussian of
    this standard deviation around its mean.

    Args:
        mean, code: (B, n).
    Returns:
        One number, in nats, summed over the n codes.
    Source: Chen et al. 2016, eq. 4.
    """
    scale = math.log(stddev * math.sqrt(2 * math.pi))
    log_q = -((code - mean) / stddev).square() / 2 - scale
    return (math.log(2) + log_q).sum(1).mean()


def information_step(
    generator: nn.Module, discriminator: nn.Module,
    optimizer_g: Optimizer, optimizer_d: Optimizer,
    real: Tensor, z: Tensor, information: Callable, *, gamma: float = 0.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of an InfoGAN: first D learns, and to read, then G, and to
    be readable, from the same fake images.

    Both losses have minus the information that the fake images keep of
    their codes. G runs once; D's turn sends no gradient into G.

    Args:
        generator: z to images; discriminator: images to logits (B,).
        real, z: (B, C, H, W) and (B, nz).
        information: information(discriminator, images, z) is the bound,
            one number.
        gamma: D's loss has gamma times R1 of the real images more; 0
            leaves it out.
    Returns:
        D's loss and G's (non-saturating) with all that is in them, and the
        information as G's turn found it; detached.
    Source: Chen et al. 2016, eq. 6.
    """
    fake = generator(z)
    # BEGIN SOLUTION
    shown = fake.detach()
    real_loss = F.softplus(-discriminator(real)).mean()
    fake_loss = F.softplus(discriminator(shown)).mean()
    loss_d = real_loss + fake_loss - information(discriminator, shown, z)
    # END SOLUTION
    if gamma:
        loss_d = loss_d + gamma * r1_penalty(discriminator, real)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()

    discriminator.requires_grad_(False)
    # BEGIN SOLUTION
    known = information(discriminator, fake, z)
    loss_g = F.softplus(-discriminator(fake)).mean() - known
    # END SOLUTION
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    discriminator.requires_grad_(True)
    return loss_d.detach(), loss_g.detach(), known.detach()


def agreement(found: Tensor, labels: Tensor) -> float:
    """How well codes match a known factor: their mutual information over
    the mean of both entropies.

    Args:
        found, labels: (N,), whole numbers from 0.
    Returns:
        0 where the one says nothing about the other (so too where one of
        them is constant), 1 where each names the other, whatever the order
        of the names.
    """
    shape = int(found.max()) + 1, int(labels.max()) + 1
    joint = torch.zeros(shape, dtype=torch.float64)
    one = torch.ones((), dtype=torch.float64)
    joint.index_put_((found, labels), one, accumulate=True)
    joint /= len(found)
    entropy = lambda shares: torch.special.entr(shares).sum().item()
    both = entropy(joint.sum(0)) + entropy(joint.sum(1))
    information = both - entropy(joint)
    return 2 * information / both if both > 0 else 0.0


what_control_promises = """
A conditional GAN is given the labels. Its discriminator sees pairs of image and label, real ones and made ones, and learns
whether the image fits; so at the end of the game the samples of each label are distributed like the real images of that label.
That needs labels for the training set, and it promises nothing about what has no label.

An InfoGAN is given none. It draws codes itself and adds a lower bound of the mutual information of code and image to the game:
a reader Q must find the code in the image, and the generator must draw so that it can. That makes the codes matter. It does
not say what they mean: every way to cut the data into ten equal parts is worth the same log 10, and so is every renaming of
the codes. That many of them turn out to be digits comes from the network and the data, and must be looked at and measured
afterwards, with some labels: a matrix of codes against labels, the agreement, sweeps over one code with all else held.

To be sure that a label is obeyed, measure it with a classifier that took no part in the training, and beside it the diversity
within each label. Accuracy alone is blind: a generator that draws one perfect image for each label has it all.
"""
