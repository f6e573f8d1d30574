"""Chapter 4: DCGAN, the convolutional GAN that others are measured against.

One rule gives both networks for any size that is a power of two: 4 x 4 features double (or halve) until they are the
image, and each doubling halves the channels. Size 64 with width 64 and nz 100 is the network of the authors' Torch code.
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

import clipkit
from clipkit.names import known
from solutions.networks.layers import ema_decay, num_doublings, update_ema


def transposed_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0
) -> int:
    """Height (or width) of what a transposed convolution gives.

    Args:
        size: height of the input, at least 1.
        kernel: height of the kernel.
        stride: rows from where one input is spread to the next.
        padding: rows cut off above, and as many below.
    Raises:
        ValueError: nothing is left.
    Source: Dumoulin and Visin 2016, relationship 13.
    """
    rows = (size - 1) * stride + kernel - 2 * padding
    if rows < 1:
        raise ValueError(
            f"{size} rows, kernel {kernel}, stride {stride} and padding "
            f"{padding} leave {rows} rows: try less padding")
    return rows


class Generator(nn.Module):
    """Noise to an image, by transposed convolutions.

    Args:
        size: height and width, a power of two of at least 16.
        channels: of the image, 1 or 3.
        nz: length of z.
        width: channels at half of the size; doubled at each halving,
            down to 4 x 4.
    Source: Radford et al. 2016, figure 1, with the kernels of 4 x 4 of
        the authors' Torch code.
    """

    def __init__(
        self, size: int = 32, channels: int = 3, *,
        nz: int = 100, width: int = 64,
    ):
        super().__init__()
        self.nz = nz
        widths = [width << k for k in reversed(range(num_doublings(size)))]
        layers = [nn.ConvTranspose2d(nz, widths[0], 4, bias=False)]  # 4 x 4
        for before, after in zip(widths, [*widths[1:], channels]):
            # BEGIN SOLUTION
            layers += [
                nn.BatchNorm2d(before), nn.ReLU(inplace=True),
                nn.ConvTranspose2d(
                    before, after, 4, stride=2, padding=1, bias=False)]
            # END SOLUTION
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        """z (B, nz) to images (B, C, size, size), in [-1, 1]."""
        # BEGIN SOLUTION
        return self.layers(z[:, :, None, None])
        # END SOLUTION


class Discriminator(nn.Module):
    """An image to a logit, by strided convolutions.

    Args:
        size: height and width, a power of two of at least 16.
        channels: of the image, 1 or 3.
        width: channels at half of the size; doubled at each halving,
            down to 4 x 4.
        norm: "batch" as in the paper, "spectral" (Miyato et al. 2018), or
            "none", as gradient penalties need it.
    Attributes:
        features: images to features (B, width of 4 x 4, 4, 4).
    Source: Radford et al. 2016, section 3.
    """

    def __init__(
        self, size: int = 32, channels: int = 3, *,
        width: int = 64, norm: str = "batch",
    ):
        super().__init__()
        norm = known(norm, ("batch", "spectral", "none"), "norm")
        widths = [width << k for k in range(num_doublings(size))]
        layers = []
        for before, after in zip([channels, *widths], widths):
            layers.append(conv(before, after, norm, stride=2, padding=1,
                               bias=norm != "batch"))  # halves H and W
            if layers[1:] and norm == "batch":  # not on the first layer
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        self.features = nn.Sequential(*layers)
        self.head = conv(widths[-1], 1, norm, bias=False)  # 4 x 4 to 1 x 1

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, size, size) to logits (B,)."""
        return self.head(self.features(images)).flatten()


def conv(before: int, after: int, norm: str, **options) -> nn.Module:
    """A 4 x 4 convolution; where `norm` is "spectral", its weight is
    divided by its largest singular value."""
    layer = nn.Conv2d(before, after, 4, **options)
    if norm == "spectral":
        return nn.utils.parametrizations.spectral_norm(layer)
    return layer


def dcgan_init(module: nn.Module) -> None:
    """First weights of a DCGAN, in place: `network.apply(dcgan_init)`.

    Convolutions, also transposed ones, N(0, 0.02); batch norm N(1, 0.02);
    their biases 0. Other layers stay as they are. The second number is
    the standard deviation. Under spectral norm a convolution keeps its
    weights: their scale is divided out.

    Source: Radford et al. 2016, section 4; batch norm as in their code.
    """
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def article_step(
    generator: nn.Module, discriminator: nn.Module,
    optimizer_g: Optimizer, optimizer_d: Optimizer,
    real: Tensor, rng: torch.Generator,
) -> tuple[float, float]:
    """One step of the article's listing: first D learns, then G.

    Args:
        generator: noise (B, nz) to samples; has an attribute `nz`.
        discriminator: samples to logits (B,).
        real: (B, *), of any B.
        rng: draws z.
    Returns:
        D's loss, the sum of the means over real and over fake samples,
        and G's non-saturating loss with the D that has learnt.
    """
    def loss_of(samples: Tensor, target: int) -> Tensor:
        # BEGIN SOLUTION
        logits = discriminator(samples)
        labels = torch.full(logits.shape, float(target))
        return F.binary_cross_entropy_with_logits(logits, labels)
        # STUB output = torch.sigmoid(discriminator(samples)).mean()
        # STUB labels = torch.full(output.shape, target)
        # STUB return F.binary_cross_entropy(output, labels)
        # END SOLUTION

    # BEGIN SOLUTION
    z = torch.randn(len(real), generator.nz, generator=rng)
    # STUB z = torch.randn(64, generator.nz, generator=rng)
    # END SOLUTION
    fake = generator(z)
    optimizer_d.zero_grad()
    loss_d = loss_of(real, 1) + loss_of(fake.detach(), 0)
    loss_d.backward()
    optimizer_d.step()

    discriminator.requires_grad_(False)  # nobody needs D's gradient now
    optimizer_g.zero_grad()
    loss_g = loss_of(fake, 1)
    loss_g.backward()
    optimizer_g.step()
    discriminator.requires_grad_(True)
    return loss_d.item(), loss_g.item()


def train(
    step: Callable, generator: nn.Module, discriminator: nn.Module,
    real: Tensor, steps: int, *, path: str | Path, ema: nn.Module,
    rng: torch.Generator, lr: float = 1e-3, batch: int = 32,
) -> list[float]:
    """Trains both networks in place; goes on where an earlier run stopped.

    A run that was interrupted and resumed leaves the same weights, bit
    for bit, as one that was not.

    Args:
        step: `article_step`, or another with its arguments and results.
        real: (N, *), all samples.
        path: the file of the checkpoint.
        ema: a copy of the generator that holds its averaged weights.
        rng: draws batches and z.
    Returns:
        D's and G's loss of each step, one behind the other.
    """
    optimizer_g = Adam(generator.parameters(), lr, betas=(0.5, 0.999))
    optimizer_d = Adam(discriminator.parameters(), lr, betas=(0.5, 0.999))
    losses = []
    # BEGIN SOLUTION
    checkpoint = clipkit.Checkpoint(
        path, generator=generator, discriminator=discriminator, ema=ema,
        optimizer_g=optimizer_g, optimizer_d=optimizer_d, rng=rng,
        losses=losses)
    # STUB checkpoint = clipkit.Checkpoint(path, generator=generator)
    # END SOLUTION
    todo = checkpoint.steps(steps)
    for k in (bar := clipkit.progress(todo, description="DCGAN")):
        some = real[torch.randint(len(real), (batch,), generator=rng)]
        loss_d, loss_g = step(
            generator, discriminator, optimizer_g, optimizer_d, some, rng)
        update_ema(ema, generator, ema_decay(0.995, k))
        losses += [loss_d, loss_g]
        bar.show(D=loss_d, G=loss_g)
    return losses


def slerp(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    """Points on the arc between two z: all of them as long as z usually
    is, unlike those of a straight line. Where the sine of the angle is
    below 1e-3, on the straight line.

    Args:
        start, end: (nz,), neither of them zero.
        share: (K,), in [0, 1]: 0 gives `start`, 1 gives `end`.
    Returns:
        (K, nz).
    Source: White 2016; Shoemake 1985.
    """
    cosine = F.cosine_similarity(start, end, dim=0).clamp(-1, 1)
    angle, share = torch.acos(cosine), share[:, None]
    if angle.sin() < 1e-3:  # the same direction, or opposite: no arc
        return torch.lerp(start, end, share)
    before, after = ((1 - share) * angle).sin(), (share * angle).sin()
    return (before * start + after * end) / angle.sin()


@torch.no_grad()
def interpolate(
    generator: nn.Module, start: Tensor, end: Tensor, count: int = 8
) -> Tensor:
    """Images (count, C, H, W) from z `start` (nz,) to z `end` (nz,)."""
    share = torch.linspace(0, 1, count, device=start.device)
    return generator(slerp(start, end, share))


batch_norm_everywhere = """
In the generator's hidden layers batch normalisation keeps the features of a fresh network at a scale from which it can
learn. On its output it would force every batch of images to the same mean and variance in each channel: a dark batch
and a bright one become impossible, and the tanh behind it is fed with the same spread always. The images of a batch would
oscillate together from step to step.

In front of the discriminator's first layer it would do the same to what is to be judged. Real and fake batches come in
separate passes, so each would be brought to mean 0 and variance 1 by its own statistics: the discriminator could no longer
see that the fakes are all too dark or too grey, and the generator would never be told.

And in evaluation mode the running averages stand in for the batch's: one forgets `eval()`, and a sample depends on
which others are drawn with it.
"""
