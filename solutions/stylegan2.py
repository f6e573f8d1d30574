"""Chapter 9: StyleGAN2, small. A mapping network turns z into a style w; the style steers every layer of synthesis.

Written from Karras et al. 2019 (mapping, mixing, truncation) and Karras et al. 2020 (modulation, skips, path length).
Two things are simpler than there: doubling and halving use bilinear filters, and an upsampling layer convolves before it
doubles, where that costs a quarter.
"""
from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import LongTensor, Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.layers import minibatch_stddev, num_doublings
from solutions.parallel import plain
from solutions.recipe import Recipe, frames
from solutions.settings import Hooks, Settings


class EqualizedLinear(nn.Module):
    """A linear layer whose weights are all learnt at one speed.

    Weights are kept as N(0, 1) / lr_scale and multiplied by lr_scale / sqrt(features in) when they are used: so Adam,
    whose steps are all of one length, changes each layer by the same share.

    Args:
        bias: what the bias is at first.
        lr_scale: below 1 learns more slowly; 0.01 in the mapping network.
    Source: Karras et al. 2018, section 4.1; Karras et al. 2019, appendix C.
    """

    def __init__(self, before: int, after: int, *, bias: float = 0.0, lr_scale: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before) / lr_scale)
        self.bias = nn.Parameter(torch.full((after,), bias / lr_scale))
        self.scale, self.lr_scale = lr_scale / math.sqrt(before), lr_scale

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.lr_scale)


class EqualizedConv(nn.Module):
    """The same for a convolution that keeps height and width."""

    def __init__(self, before: int, after: int, kernel: int, *, bias: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(after)) if bias else None
        self.scale = 1 / math.sqrt(before * kernel * kernel)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * self.scale, self.bias, padding=self.weight.shape[-1] // 2)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU, times sqrt(2) to keep the size of what passes."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


class MappingNetwork(nn.Module):
    """z to a style w: brought to the sphere, then through a few linear layers.

    Args:
        nz: length of z, and of w.
        depth: how many layers; 8 in the paper.
    Source: Karras et al. 2019, section 2.
    """

    def __init__(self, nz: int = 512, depth: int = 8):
        super().__init__()
        self.layers = nn.ModuleList(EqualizedLinear(nz, nz, lr_scale=0.01) for _ in range(depth))

    def forward(self, z: Tensor) -> Tensor:
        """z (..., nz) to w (..., nz). The length of z does not matter, only its direction."""
        w = z * (z.square().mean(-1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.layers:
            w = activate(layer(w))
        return w


def modulated_conv(x: Tensor, weight: Tensor, style: Tensor, *, demodulate: bool = True) -> Tensor:
    """A convolution with other weights for each sample: its style scales the features that go in.

    Demodulation divides each output by the length of its scaled weights, so that independent inputs of variance 1
    come out with variance 1. Scaling the weights is the same as scaling what goes in and what comes out: so one
    convolution serves the whole batch.

    Args:
        x: (B, I, H, W).
        weight: (O, I, k, k), k odd.
        style: (B, I), one factor for each feature that goes in.
        demodulate: False leaves the lengths as they are, as colours need it.
    Returns:
        (B, O, H, W).
    Source: Karras et al. 2020, eq. 1 and 3.
    """
    out = F.conv2d(x * style[:, :, None, None], weight, padding=weight.shape[-1] // 2)
    if demodulate:
        squares = style.square() @ weight.square().sum((2, 3)).T  # (B, O)
        out = out * (squares + 1e-8).rsqrt()[:, :, None, None]
    return out


class StyledConv(nn.Module):
    """A modulated convolution with noise, bias and activation.

    In training the noise is new each time; in evaluation mode it is one that the layer keeps, so that an image
    depends on its style alone.

    Args:
        size: height and width of what comes out.
        nw: length of w.
        double: whether height and width double.
    Source: Karras et al. 2020, figure 2c.
    """

    def __init__(self, before: int, after: int, size: int, nw: int, *, double: bool = False):
        super().__init__()
        self.style = EqualizedLinear(nw, before, bias=1.0)  # at first the style changes little
        self.weight = nn.Parameter(torch.randn(after, before, 3, 3))
        self.bias = nn.Parameter(torch.zeros(after))
        self.strength = nn.Parameter(torch.zeros(()))  # of the noise: learnt
        self.register_buffer("noise", torch.randn(1, 1, size, size))
        self.double = double

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        x = modulated_conv(x, self.weight / math.sqrt(self.weight[0].numel()), self.style(w))
        x = doubled(x) if self.double else x
        noise = torch.randn_like(x[:, :1]) if self.training else self.noise.to(x)
        return activate(x + self.strength.to(x) * noise + self.bias[:, None, None].to(x))


class ToImage(nn.Module):
    """Features to colours, by a 1 x 1 convolution that is modulated and not demodulated."""

    def __init__(self, before: int, channels: int, nw: int):
        super().__init__()
        self.style = EqualizedLinear(nw, before, bias=1.0)
        self.weight = nn.Parameter(torch.randn(channels, before, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        weight = self.weight / math.sqrt(self.weight.shape[1])
        return modulated_conv(x, weight, self.style(w), demodulate=False) + self.bias[:, None, None].to(x)


def doubled(x: Tensor) -> Tensor:
    """Features (B, C, H, W) at twice the size: inside, the filter 1 3 3 1 of the paper."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class SynthesisNetwork(nn.Module):
    """Styles to an image: it starts from a learnt 4 x 4 constant, and every size adds its share of the colours.

    Args:
        size: height and width, a power of two of at least 16.
        channels: of the image, 1 or 3.
        nw: length of w.
        width: features at full size; twice as many at each halving, `max_width` at most.
    Attributes:
        num_styles: L, how many layers take a style: 2 for each size, 1 for 4 x 4.
    Source: Karras et al. 2020, figure 7b (skips).
    """

    def __init__(self, size: int, channels: int, nw: int, *, width: int = 64, max_width: int = 512):
        super().__init__()
        doublings = num_doublings(size)
        widths = [min(width << k, max_width) for k in reversed(range(doublings + 1))]  # of 4 x 4, 8 x 8, ...
        self.num_styles = 2 * doublings + 1
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.layers = nn.ModuleList([StyledConv(widths[0], widths[0], 4, nw)])
        for k, (before, after) in enumerate(pairwise(widths), 1):
            self.layers.append(StyledConv(before, after, 4 << k, nw, double=True))
            self.layers.append(StyledConv(after, after, 4 << k, nw))
        self.to_image = nn.ModuleList(ToImage(width, channels, nw) for width in widths)

    def forward(self, w: Tensor) -> Tensor:
        """One style (B, nw), or one for each layer (B, L, nw), to images (B, C, size, size), not bounded."""
        if w.ndim == 2:
            w = w[:, None].expand(-1, self.num_styles, -1)
        if w.shape[1] != self.num_styles:
            raise ValueError(f"expected one style or one for each of {self.num_styles} layers, got {w.shape[1]}")
        x, image = self.constant.expand(len(w), -1, -1, -1), 0
        for k, layer in enumerate(self.layers):
            x = layer(x, w[:, k])
            if k % 2 == 0:  # the last layer of its size
                image = (doubled(image) if k else 0) + self.to_image[k // 2](x, w[:, k])
        return image


def mix_styles(first: Tensor, second: Tensor, crossover: LongTensor, num_styles: int) -> Tensor:
    """Styles for each layer: those of `first` up to the crossover, those of `second` from there on.

    Args:
        first, second: (B, nw).
        crossover: (B,), 0 to `num_styles`: how many layers, from the coarsest on, follow `first`.
        num_styles: L.
    Returns:
        (B, L, nw).
    Source: Karras et al. 2019, section 3.1.
    """
    follows = torch.arange(num_styles, device=first.device) < crossover[:, None]  # (B, L)
    return torch.where(follows[..., None], first[:, None], second[:, None])


class StyleGenerator(nn.Module):
    """z to a style to an image.

    Args:
        size, channels, width, max_width: as in `SynthesisNetwork`.
        nz: length of z and of w.
        depth: of the mapping network.
    Attributes:
        mapping, synthesis: its two halves.
        mean_w: (nz,), the running mean of w, kept in training.
        mean_path: the running mean of path lengths, kept by `PathLength`.
    """

    def __init__(
        self, size: int = 32, channels: int = 3, *, nz: int = 512, depth: int = 8, width: int = 64, max_width: int = 512,
    ):
        super().__init__()
        self.nz = nz
        self.mapping = MappingNetwork(nz, depth)
        self.synthesis = SynthesisNetwork(size, channels, nz, width=width, max_width=max_width)
        self.register_buffer("mean_w", torch.zeros(nz))
        self.register_buffer("mean_path", torch.zeros(()))

    def forward(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        """z to images (B, C, size, size); in evaluation mode they are cut off at -1 and 1.

        Args:
            z: (B, nz), or (B, 2, nz) to mix two styles, with another crossover for each sample of the batch.
            truncation: below 1 draws styles to their mean: better images, less variety.
        """
        w = self.mapping(z)
        if self.training:
            self.mean_w.lerp_(w.detach().float().flatten(0, -2).mean(0), 0.005)
        w = self.truncate(w, truncation) if truncation != 1 else w
        if w.ndim == 3:
            crossover = 1 + torch.arange(len(w), device=w.device) % self.synthesis.num_styles  # the last: no mixing
            w = mix_styles(*w.unbind(1), crossover, self.synthesis.num_styles)
        images = self.synthesis(w)
        return images if self.training else images.clamp(-1, 1)

    def truncate(self, w: Tensor, share: float) -> Tensor:
        """Styles (..., nz) at this share of their way from the mean. Source: Karras et al. 2019, appendix B."""
        return torch.lerp(self.mean_w.to(w).expand_as(w), w, share)


class ResidualBlock(nn.Module):
    """Features at half the size, by two convolutions and a way round them.

    Source: Karras et al. 2020, figure 7c.
    """

    def __init__(self, before: int, after: int):
        super().__init__()
        self.first, self.second = EqualizedConv(before, before, 3), EqualizedConv(before, after, 3)
        self.skip = EqualizedConv(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = activate(self.second(F.avg_pool2d(activate(self.first(x)), 2)))
        return (y + self.skip(F.avg_pool2d(x, 2))) / math.sqrt(2)  # the sum of two would grow from block to block


class StyleDiscriminator(nn.Module):
    """An image to a logit, by residual blocks and the statistics of a minibatch.

    Args:
        size, channels, width, max_width: as in `SynthesisNetwork`.
    Source: Karras et al. 2020, figure 7c and section 4.1; Karras et al. 2018, section 3.
    """

    def __init__(self, size: int = 32, channels: int = 3, *, width: int = 64, max_width: int = 512):
        super().__init__()
        widths = [min(width << k, max_width) for k in range(num_doublings(size) + 1)]
        self.from_image = EqualizedConv(channels, width, 1)
        self.blocks = nn.Sequential(*(ResidualBlock(*pair) for pair in pairwise(widths)))
        self.last = EqualizedConv(widths[-1] + 1, widths[-1], 3)
        self.hidden = EqualizedLinear(widths[-1] * 16, widths[-1])
        self.head = EqualizedLinear(widths[-1], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, size, size) to logits (B,); B is a multiple of 4, or smaller."""
        x = minibatch_stddev(self.blocks(activate(self.from_image(images))))
        return self.head(activate(self.hidden(activate(self.last(x)).flatten(1)))).flatten()


def path_lengths(images: Tensor, w: Tensor, noise: Tensor) -> Tensor:
    r"""How far a small step in w moves the image, in a random direction: \|J^T y\| for each sample.

    Args:
        images: (B, C, H, W), made from `w`.
        w: (B, nw), or (B, L, nw): then the square root of the mean over layers of the squared lengths.
        noise: y, of the images' shape, of a standard Gaussian; it is divided by sqrt(H W) here.
    Returns:
        (B,); it can be differentiated with respect to the weights.
    Source: Karras et al. 2020, eq. 4.
    """
    along = (images * noise).sum() / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad(along, w, create_graph=True)
    squares = gradient.square().sum(-1)
    return (squares if w.ndim == 2 else squares.mean(1)).sqrt()


class PathLength:
    """Path-length regularisation, as the trainer's hook `extra_g`: steps in w should move all images equally far.

    Args:
        weight: 2 in the authors' settings.
        every: computed each so many steps (lazily), and then as many times as strong.
        decay: of the running mean of lengths, which is the length aimed at.
    Source: Karras et al. 2020, eq. 4 and section 3.2.
    """

    def __init__(self, weight: float = 2.0, every: int = 4, decay: float = 0.99):
        self.weight, self.every, self.decay, self.step = weight, every, decay, 0

    def __call__(self, generator, discriminator, batch, fake) -> dict[str, Tensor]:
        self.step += 1
        if self.step % self.every:
            return {}
        network, z = plain(generator), batch.z[::2]  # half of the batch is enough
        w = network.mapping(z[:, 0] if z.ndim == 3 else z)
        images = network.synthesis(w)
        lengths = path_lengths(images, w, torch.randn_like(images))
        now, mean = lengths.detach().mean(), network.mean_path
        mean.copy_(torch.where(mean == 0, now, torch.lerp(mean, now, 1 - self.decay)))  # begins with the first
        return {"path": self.every * self.weight * (lengths - network.mean_path).square().mean()}


SETTINGS = {
    "smoke": Settings(steps=3, batch=8, betas=(0.0, 0.99), penalty="r1", penalty_weight=0.1),
    "cpu": Settings(
        steps=3000,  # for digits of 16 x 16, 150 seconds of one core
        batch=16,
        lr_g=8e-3, lr_d=4e-3,  # more than the paper's 2e-3: weights of size 1 take long to go anywhere
        betas=(0.0, 0.99), penalty="r1", penalty_weight=1.0, penalty_every=4,
        ema=0.99,  # a short run has a short memory
    ),
    "gpu": Settings(
        steps=40_000, batch=64, lr_g=2e-3, lr_d=2e-3, betas=(0.0, 0.99),  # the paper's
        penalty="r1", penalty_weight=0.1, penalty_every=16, ema=0.9995, compile=True,
    ),
}


def recipe(data: ClipSet, preset: str) -> Recipe:
    """A small StyleGAN2 on the middle frames of the clips, with style mixing and path-length regularisation."""
    real = frames(data)
    channels, size = real.shape[1:3]
    nz, depth = clipkit.pick(preset, smoke=(16, 2), cpu=(64, 4), gpu=(512, 8))
    width, max_width = clipkit.pick(preset, smoke=(4, 16), cpu=(16, 96), gpu=(64, 512))
    networks = (
        StyleGenerator(size, channels, nz=nz, depth=depth, width=width, max_width=max_width),
        StyleDiscriminator(size, channels, width=width, max_width=max_width),
    )
    mixed = lambda rng, count: torch.randn(count, 2, nz, generator=rng, device=rng.device)
    path = PathLength(*clipkit.pick(preset, smoke=(2.0, 1), cpu=(0.1, 8), gpu=(2.0, 8)))  # a short run bears little
    hooks = Hooks(latent=mixed, extra_g=path)
    return Recipe(*networks, real, SETTINGS[preset], hooks=hooks)
