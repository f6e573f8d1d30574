"""Chapter 4: DCGAN, the convolutional GAN that others are measured against.

One rule gives both networks for any size that is a power of two: 4 x 4 features double (or halve) until they are the
image, and each doubling halves the channels. Size 64 with width 64 and nz 100 is the paper's network.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from clipkit.names import known
from solutions.layers import num_doublings
from solutions.recipe import Recipe, frames
from solutions.settings import Settings


class Generator(nn.Module):
    """Noise to an image, by transposed convolutions.

    Args:
        size: height and width, a power of two of at least 16.
        channels: of the image, 1 or 3.
        nz: length of z.
        width: channels at half of the size; doubled at each halving, down to 4 x 4.
    Source: Radford et al. 2016, figure 1.
    """

    def __init__(self, size: int = 32, channels: int = 3, *, nz: int = 100, width: int = 64):
        super().__init__()
        self.nz = nz
        widths = [width << k for k in reversed(range(num_doublings(size)))]  # size 64, width 64: 512, 256, 128, 64
        layers = [nn.ConvTranspose2d(nz, widths[0], 4, bias=False)]  # (B, nz, 1, 1) to (B, ., 4, 4)
        for before, after in zip(widths, [*widths[1:], channels], strict=True):
            layers += [nn.BatchNorm2d(before), nn.ReLU(inplace=True)]
            layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False)]  # doubles H and W
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        """z (B, nz) to images (B, C, size, size), in [-1, 1]."""
        return self.layers(z[:, :, None, None])


class Discriminator(nn.Module):
    """An image to a logit, by strided convolutions.

    Args:
        size: height and width, a power of two of at least 16.
        channels: of the image, 1 or 3.
        width: channels at half of the size; doubled at each halving, down to 4 x 4.
        norm: "batch" as in the paper, "spectral" (Miyato et al. 2018), or "none", as gradient penalties need it.
    Attributes:
        features: images to features (B, width of 4 x 4, 4, 4).
    Source: Radford et al. 2016, section 3.
    """

    def __init__(self, size: int = 32, channels: int = 3, *, width: int = 64, norm: str = "batch"):
        super().__init__()
        known(norm, ("batch", "spectral", "none"), "norm of a discriminator")
        widths = [width << k for k in range(num_doublings(size))]
        layers = []
        for before, after in zip([channels, *widths], widths, strict=False):
            layers.append(conv(before, after, norm, stride=2, padding=1, bias=norm != "batch"))  # halves H and W
            if layers[1:] and norm == "batch":  # the paper leaves it off the first layer
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.features = nn.Sequential(*layers)
        self.head = conv(widths[-1], 1, norm, bias=False)  # (B, ., 4, 4) to (B, 1, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, size, size) to logits (B,)."""
        return self.head(self.features(images)).flatten()


def conv(before: int, after: int, norm: str, **options) -> nn.Module:
    """A 4 x 4 convolution, with its weight divided by its largest singular value where `norm` is "spectral"."""
    layer = nn.Conv2d(before, after, 4, **options)
    return nn.utils.parametrizations.spectral_norm(layer) if norm == "spectral" else layer


def dcgan_init(module: nn.Module) -> None:
    """Weights as in the paper, in place; call it as network.apply(dcgan_init).

    Convolutions N(0, 0.02), batch norm N(1, 0.02), biases 0; other layers stay as they are.
    Source: Radford et al. 2016, section 4.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def slerp(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Points on the arc between two z: all of them as long as z usually is, unlike those of a straight line.

    Args:
        start, end: (nz,), neither of them zero.
        share: (K,), in [0, 1]: 0 gives `start`, 1 gives `end`.
    Returns:
        (K, nz).
    Source: White 2016; Shoemake 1985.
    """
    cosine = nn.functional.cosine_similarity(start, end, dim=0).clamp(-1, 1)
    angle, share = torch.acos(cosine), share[:, None]
    if angle.sin() < 1e-4:  # the same direction, or opposite ones: no arc is the one between them
        return torch.lerp(start, end, share)
    return ((1 - share) * angle).sin() / angle.sin() * start + (share * angle).sin() / angle.sin() * end


@torch.no_grad()
def interpolate(generator: nn.Module, start: Tensor, end: Tensor, count: int = 8) -> Tensor:
    """Images (count, C, H, W) on the way from z `start` (nz,) to z `end` (nz,)."""
    return generator(slerp(start, end, torch.linspace(0, 1, count, device=start.device)))


SETTINGS = {
    "smoke": Settings(steps=4, batch=8),
    "cpu": Settings(
        steps=2000,  # a minute and a half on one core: people have faces and hands
        lr_g=1e-3, lr_d=1e-3,  # five times the paper's: a short run of a small network bears it
        ema=0.995,  # a short run has a short memory
    ),
    "gpu": Settings(
        steps=20_000,  # a few minutes on a data-centre GPU
        batch=128,  # as in the paper
        schedule="linear",  # settles in the second half
        compile=True,  # small kernels: the host would be the bottleneck
    ),
}


def recipe(data: ClipSet, preset: str) -> Recipe:
    """DCGAN on the middle frames of the clips."""
    real = frames(data)
    channels, size = real.shape[1:3]
    width = clipkit.pick(preset, smoke=8, cpu=24, gpu=64)
    nz = clipkit.pick(preset, smoke=16, cpu=64, gpu=100)
    networks = Generator(size, channels, nz=nz, width=width), Discriminator(size, channels, width=width)
    for network in networks:
        network.apply(dcgan_init)
    return Recipe(*networks, real, SETTINGS[preset])
