"""Chapter 8: filling what is missing with an autoencoder GAN (the context encoder).

Where the hole is, is the generator's z: two numbers in [0, 1], drawn anew in each step. So generator(z, images) is
inpainting, its samples are whole images, and the one trainer serves.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.dcgan import Discriminator, dcgan_init
from solutions.networks.layers import num_doublings
from solutions.training.gan_step import Batch
from solutions.training.parallel import plain
from solutions.training.recipe import Recipe, frames
from solutions.training.settings import Hooks, Settings, settings_of
from solutions.translation import fill, hole_error


def hole_mask(place: Tensor, size: int, hole: int) -> Tensor:
    """Square holes in square images.

    Args:
        place: (B, 2), in [0, 1]: how far down and how far right; 0 is
            the first row (column) that a hole can begin in, 1 the last.
        size: height and width of an image.
        hole: height and width of the hole, 1 to `size`.
    Returns:
        (B, 1, size, size): 1 in the hole, 0 around it.
    Raises:
        ValueError: the hole does not fit.
    """
    if not 1 <= hole <= size:
        raise ValueError(
            f"expected a hole of 1 to {size} pixels, the image's size, "
            f"got {hole}")
    first = (place * (size - hole + 1)).long().clamp(max=size - hole)
    pixel = torch.arange(size, device=place.device)
    inside = pixel >= first[..., None]  # (B, 2, size): rows, columns
    inside &= pixel < first[..., None] + hole
    both = inside[:, 0, :, None] & inside[:, 1, None, :]
    return both[:, None].to(place.dtype)


def context_encoder(
    size: int, channels: int = 3, *, width: int = 64, code: int = 512,
) -> nn.Sequential:
    """An image with a hole and its mask, (B, C + 1, H, W), through a
    short code to an image (B, C, H, W) in [-1, 1].

    Args:
        size: height and width, a power of two of at least 16.
        channels: C, 1 or 3.
        width: maps of the first layer, doubled at each halving, down to
            4 x 4.
        code: length of the code between encoder and decoder.
    Source: Pathak et al. 2016, section 3.1.
    """
    widths = [width << k for k in range(num_doublings(size))]
    down, up = [], []
    for before, after in zip([channels + 1, *widths], widths):
        halve = nn.Conv2d(before, after, 4, 2, 1, bias=False)
        down += [halve, nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
    for before, after in zip(widths[::-1], [*widths[-2::-1], channels]):
        double = nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)
        up += [nn.BatchNorm2d(before), nn.ReLU(), double]
    narrow = nn.Conv2d(widths[-1], code, 4), nn.LeakyReLU(0.2)
    widen = nn.ConvTranspose2d(code, widths[-1], 4, bias=False)
    return nn.Sequential(*down, *narrow, widen, *up, nn.Tanh())


class ContextEncoder(nn.Module):
    """An image with a hole to the image without: an autoencoder that sees the mask, and fills the hole only.

    Its z is the place of the hole; nz is 2.

    Args:
        examples: images (K, C, H, W), kept with the weights, to show what the generator does.
        hole: height and width of the hole.
        width, code: as in `context_encoder`.
    Source: Pathak et al. 2016, section 3.1.
    """

    nz = 2
    examples: Tensor

    def __init__(self, examples: Tensor, hole: int, *, width: int = 64, code: int = 512):
        super().__init__()
        channels, self.size = examples.shape[1:3]
        self.hole = hole
        self.layers = context_encoder(self.size, channels, width=width, code=code)
        self.register_buffer("examples", examples.clone())

    def forward(self, place: Tensor, images: Tensor) -> Tensor:
        """Places of holes (B, 2) and whole images (B, C, H, W) to images with the hole filled, in [-1, 1].

        What lies in the hole is covered before the network sees it; what lies around it comes back as it was.
        """
        return fill(self.layers, images, hole_mask(place, self.size, self.hole))


class FilledDiscriminator(Discriminator):
    """DCGAN's, on whole images: it judges the filling along with its surroundings, so that the seam counts too."""

    def forward(self, filled: Tensor, *_: Tensor) -> Tensor:
        """Filled images (B, C, H, W) to logits (B,); what else the trainer hands it, the images, is not looked at."""
        return super().forward(filled)


def hole_psnr(filled: Tensor, images: Tensor, mask: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in the holes, in decibel, over all
    images as one; the peak is 2, from -1 to 1."""
    return 10 * torch.log10(4 / hole_error(filled, images, mask).mean())


def sharpness(images: Tensor, mask: Tensor) -> Tensor:
    """How strong edges in the holes are: the mean absolute difference of
    neighbours, both of them in a hole.

    Args:
        images: (B, C, H, W).
        mask: (B, 1, H, W), 1 in the hole.
    Returns:
        One number, 0 where every hole is of one colour. A blurred image
        has less than a sharp one.
    """
    total = count = images.new_zeros(())
    for axis in (2, 3):
        size = mask.shape[axis]
        both = mask.narrow(axis, 1, size - 1) * mask.narrow(axis, 0, size - 1)
        total = total + (images.diff(dim=axis).abs() * both).sum()
        count = count + both.sum() * images.shape[1]
    return total / count


def reconstruction(weight: float) -> Callable:
    """The reconstruction loss as the trainer's hook `extra_g`: `weight` times the mean squared error in the holes."""

    def loss(generator: nn.Module, discriminator: nn.Module, batch: Batch, fake: Tensor) -> dict[str, Tensor]:
        network = plain(generator)
        mask = hole_mask(batch.z, network.size, network.hole)
        return {"reconstruction": weight * hole_error(fake, batch.real, mask).mean()}

    return loss


def mean_colour(images: Tensor, mask: Tensor) -> Tensor:
    """The simplest filling: the mean colour of what is seen of each
    image. Shapes as in `hole_error`."""
    seen = 1 - mask
    total = (images * seen).sum((2, 3), keepdim=True)
    colour = total / seen.sum((2, 3), keepdim=True)
    return torch.lerp(images, colour.expand_as(images), mask)


def places(rng: torch.Generator, count: int) -> Tensor:
    """Where holes are, (count, 2), uniform in [0, 1): the trainer's hook `latent`."""
    return torch.rand(count, 2, generator=rng, device=rng.device)


@torch.no_grad()
def draw(generator: ContextEncoder, count: int, rng: torch.Generator) -> Tensor:
    """Examples (count, C, H, W) with a hole filled by the generator."""
    index, place = torch.randint(len(generator.examples), (count,), generator=rng), places(rng, count)
    device = generator.examples.device
    return generator(place.to(device), generator.examples[index.to(device)])


SETTINGS = {
    "smoke": Settings(steps=3, batch=8),
    "cpu": Settings(
        steps=1500,  # 75 seconds of one core
        lr_g=1e-3, lr_d=1e-3, schedule="linear", ema=0.99,
    ),
    "gpu": Settings(steps=20_000, batch=128, schedule="linear", compile=True),
}


def recipe(data: ClipSet, preset: str, *, weight: float = 20.0) -> Recipe:
    """A context encoder on the middle frames of the clips; samples are images with a hole filled.

    Args:
        weight: of the reconstruction against the adversarial loss. Adam looks at the direction of the gradient and not
            at its length, so 1e6 is a plain autoencoder, without any discriminator.
    """
    real = frames(data)
    channels, size = real.shape[1:3]
    width = clipkit.pick(preset, smoke=4, cpu=24, gpu=64)
    examples = real[torch.arange(16) % len(real)]
    generator = ContextEncoder(examples, size * 3 // 8, width=width, code=clipkit.pick(preset, smoke=8, cpu=128, gpu=512))
    networks = generator, FilledDiscriminator(size, channels, width=width)
    for network in networks:
        network.apply(dcgan_init)
    hooks = Hooks(latent=places, extra_g=reconstruction(weight))
    return Recipe(*networks, real, settings_of(SETTINGS, preset), (real,), hooks=hooks, draw=draw)
