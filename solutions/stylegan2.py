"""Chapter 9: StyleGAN2, small. A mapping network turns z into a style w; the style steers every layer of synthesis.

Written from Karras et al. 2019 (mapping, mixing, truncation) and Karras et al. 2020 (modulation, skips, path length).
Two things are simpler than there: doubling and halving use bilinear filters, and an upsampling layer convolves before
it doubles, where that costs a quarter.
"""
from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from solutions.networks.layers import num_doublings
from solutions.stability import MinibatchStd


class EqualizedLinear(nn.Module):
    """A linear layer whose weights learn at the speed of all others.

    Weights are kept as N(0, 1) / lr_scale and used times
    lr_scale / sqrt(before). The bias is kept as bias / lr_scale and used
    times lr_scale.

    Args:
        before, after: features in and out.
        bias: what is added to every feature at first.
        lr_scale: below 1 learns more slowly.
    Attributes:
        weight: (after, before), as it is kept.
        bias: (after,), as it is kept.
    Call:
        (*, before) to (*, after).
    Source: Karras et al. 2018, section 4.1.
    """

    def __init__(
        self, before: int, after: int, *, bias: float = 0.0,
        lr_scale: float = 1.0,
    ):
        super().__init__()
        # BEGIN SOLUTION
        self.weight = nn.Parameter(torch.randn(after, before) / lr_scale)
        self.bias = nn.Parameter(torch.full((after,), bias / lr_scale))
        self.lr_scale, self.gain = lr_scale, lr_scale / math.sqrt(before)
        # END SOLUTION

    def forward(self, x: Tensor) -> Tensor:
        # BEGIN SOLUTION
        weight, bias = self.weight * self.gain, self.bias * self.lr_scale
        return F.linear(x, weight, bias)
        # END SOLUTION


class EqualizedConv(nn.Module):
    """The same for a convolution that keeps height and width."""

    def __init__(
        self, before: int, after: int, kernel: int, *, bias: bool = True,
    ):
        super().__init__()
        self.weight = nn.Parameter(
            torch.randn(after, before, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(after)) if bias else None
        self.gain = 1 / math.sqrt(before * kernel * kernel)

    def forward(self, x: Tensor) -> Tensor:
        padding = self.weight.shape[-1] // 2
        return F.conv2d(x, self.weight * self.gain, self.bias,
                        padding=padding)


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU, times sqrt(2) to keep the size of what passes."""
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


class MappingNetwork(nn.Module):
    """z to a style w: brought to one length, then through a few layers.

    First z is divided by the root of the mean of its squares (1e-8 is
    added to the mean). Then `depth` layers `EqualizedLinear` of nz
    features, lr_scale 0.01, each followed by `activate`.

    Args:
        nz: length of z, and of w.
        depth: how many layers; 8 in the paper.
    Attributes:
        layers: nn.ModuleList of the linear layers.
    Call:
        z (*, nz) to w (*, nz).
    Source: Karras et al. 2019, section 2 and appendix C.
    """

    def __init__(self, nz: int = 512, depth: int = 8):
        super().__init__()
        # BEGIN SOLUTION
        self.layers = nn.ModuleList(
            EqualizedLinear(nz, nz, lr_scale=0.01) for _ in range(depth))
        # END SOLUTION

    def forward(self, z: Tensor) -> Tensor:
        # BEGIN SOLUTION
        w = z * (z.square().mean(-1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.layers:
            w = activate(layer(w))
        return w
        # END SOLUTION


def modulated_conv(
    x: Tensor, weight: Tensor, style: Tensor, *, demodulate: bool = True,
) -> Tensor:
    """A convolution with other weights for each sample.

    Modulation multiplies the weights that read feature i by style i.
    Demodulation divides all weights of an output feature by their length
    (1e-8 is added under the root). Height and width stay.

    Args:
        x: (B, I, H, W).
        weight: (O, I, k, k), k odd.
        style: (B, I), one factor for each feature that goes in.
        demodulate: False leaves the lengths as they are.
    Returns:
        (B, O, H, W).
    Source: Karras et al. 2020, eq. 1 and 3.
    """
    out = F.conv2d(
        x * style[:, :, None, None], weight, padding=weight.shape[-1] // 2)
    if demodulate:
        squares = style.square() @ weight.square().sum((2, 3)).T  # (B, O)
        out = out * (squares + 1e-8).rsqrt()[:, :, None, None]
    return out


class StyledConv(nn.Module):
    """A modulated convolution with noise, bias and activation.

    A w of zeros gives the style 1 at first. The noise is one number a
    pixel, the same for all features: in training new for each sample and
    each call; in evaluation mode the one that the layer keeps, so that
    an image depends on its styles alone.

    Args:
        size: height and width of what comes out.
        nw: length of w.
        double: whether height and width double.
    Attributes:
        strength: of the noise; learnt, 0 at first.
        noise: (1, 1, size, size), that of evaluation mode.
    Source: Karras et al. 2020, figure 2d.
    """

    def __init__(
        self, before: int, after: int, size: int, nw: int, *,
        double: bool = False,
    ):
        super().__init__()
        # BEGIN SOLUTION
        self.style = EqualizedLinear(nw, before, bias=1.0)
        # STUB self.style = EqualizedLinear(nw, before)
        # END SOLUTION
        self.weight = nn.Parameter(torch.randn(after, before, 3, 3))
        self.bias = nn.Parameter(torch.zeros(after))
        self.strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise", torch.randn(1, 1, size, size))
        self.double = double

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x (B, before, H, W) and w (B, nw) to (B, after, size, size)."""
        weight = self.weight / math.sqrt(self.weight[0].numel())
        x = modulated_conv(x, weight, self.style(w))
        x = doubled(x) if self.double else x
        # BEGIN SOLUTION
        fresh = torch.randn_like(x[:, :1])
        noise = fresh if self.training else self.noise.to(x)
        # STUB noise = torch.randn_like(x[:1, :1])
        # END SOLUTION
        x = x + self.strength.to(x) * noise
        return activate(x + self.bias[:, None, None].to(x))


class ToImage(nn.Module):
    """Features to colours: a 1 x 1 convolution, modulated and not
    demodulated, for a colour's brightness counts."""

    def __init__(self, before: int, channels: int, nw: int):
        super().__init__()
        self.style = EqualizedLinear(nw, before, bias=1)
        self.weight = nn.Parameter(torch.randn(channels, before, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        weight = self.weight / math.sqrt(self.weight.shape[1])
        x = modulated_conv(x, weight, self.style(w), demodulate=False)
        return x + self.bias[:, None, None].to(x)


def doubled(x: Tensor) -> Tensor:
    """Features (B, C, H, W) at twice the size, smoothly."""
    return F.interpolate(
        x, scale_factor=2, mode="bilinear", align_corners=False)


class SynthesisNetwork(nn.Module):
    """Styles to an image: it starts from a learnt 4 x 4 constant, and
    every size adds its share of the colours.

    Args:
        size: height and width, a power of two of at least 16.
        channels: of the image, 1 or 3.
        nw: length of w.
        width: features at full size; twice as many at each halving,
            `max_width` at most.
    Attributes:
        num_styles: L, two styles for each size. The colours of a size
            follow the style of the layer behind it.
    Source: Karras et al. 2020, figure 7b (skips).
    """

    def __init__(
        self, size: int, channels: int, nw: int, *, width: int = 64,
        max_width: int = 512,
    ):
        super().__init__()
        n = num_doublings(size)
        widths = [min(width << k, max_width) for k in range(n, -1, -1)]
        self.num_styles = 2 * n + 2
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        layers = [StyledConv(widths[0], widths[0], 4, nw)]
        for k, (before, after) in enumerate(pairwise(widths), 1):
            layers += [StyledConv(before, after, 4 << k, nw, double=True),
                       StyledConv(after, after, 4 << k, nw)]
        self.layers = nn.ModuleList(layers)
        self.to_image = nn.ModuleList(
            ToImage(width, channels, nw) for width in widths)

    def forward(self, w: Tensor) -> Tensor:
        """One style for each layer (B, L, nw) to images
        (B, C, size, size), not bounded."""
        if w.ndim != 3 or w.shape[1] != self.num_styles:
            raise ValueError(
                f"expected (B, {self.num_styles}, nw), one style for each "
                f"layer, got {tuple(w.shape)}")
        x, image = self.constant.expand(len(w), -1, -1, -1), 0
        for k, layer in enumerate(self.layers):
            x = layer(x, w[:, k])
            if k % 2 == 0:  # the last layer of its size
                image = doubled(image) if k else 0
                image = image + self.to_image[k // 2](x, w[:, k + 1])
        return image


def mix_styles(
    first: Tensor, second: Tensor, crossover: Tensor, num_styles: int,
) -> Tensor:
    """Styles for each layer: those of `first` up to the crossover, those
    of `second` from there on.

    Args:
        first, second: (B, nw).
        crossover: (B,), 0 to L: how many layers, from the coarsest on,
            follow `first`.
        num_styles: L.
    Returns:
        (B, L, nw).
    Source: Karras et al. 2019, section 3.1.
    """
    layer = torch.arange(num_styles, device=first.device)
    follows = layer < crossover[:, None]  # (B, L)
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
        mean_path: the running mean of path lengths.
    """

    def __init__(
        self, size: int = 32, channels: int = 3, *, nz: int = 512,
        depth: int = 8, width: int = 64, max_width: int = 512,
    ):
        super().__init__()
        self.nz = nz
        self.mapping = MappingNetwork(nz, depth)
        self.synthesis = SynthesisNetwork(
            size, channels, nz, width=width, max_width=max_width)
        self.register_buffer("mean_w", torch.zeros(nz))
        self.register_buffer("mean_path", torch.zeros(()))

    def styles(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        """z to one style for each layer, (B, L, nz).

        Args:
            z: (B, nz), or (B, 2, nz) to mix two styles, with another
                crossover for each sample of the batch.
            truncation: the share of the way from the mean style at which
                styles are taken: below 1 better images, less variety.
        """
        w, num_styles = self.mapping(z), self.synthesis.num_styles
        if self.training:
            mean = w.detach().float().flatten(0, -2).mean(0)
            self.mean_w.lerp_(mean, 0.005)
        if truncation != 1:
            mean = self.mean_w.to(w)
            w = mean + truncation * (w - mean)
        if w.ndim == 2:
            return w[:, None].expand(-1, num_styles, -1)
        crossover = torch.arange(len(w), device=w.device) % num_styles
        return mix_styles(*w.unbind(1), crossover + 1, num_styles)

    def forward(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        """z to images (B, C, size, size); in evaluation mode they are cut
        off at -1 and 1."""
        images = self.synthesis(self.styles(z, truncation))
        return images if self.training else images.clamp(-1, 1)


class ResidualBlock(nn.Module):
    """Features at half the size, by two convolutions and a way round
    them.

    Source: Karras et al. 2020, figure 7c.
    """

    def __init__(self, before: int, after: int):
        super().__init__()
        self.first = EqualizedConv(before, before, 3)
        self.second = EqualizedConv(before, after, 3)
        self.skip = EqualizedConv(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = F.avg_pool2d(activate(self.first(x)), 2)
        y = activate(self.second(y)) + self.skip(F.avg_pool2d(x, 2))
        return y / math.sqrt(2)  # a sum of two would grow with each block


class StyleDiscriminator(nn.Module):
    """An image to a logit, by residual blocks and the statistics of its
    batch.

    Args:
        size, channels, width, max_width: as in `SynthesisNetwork`.
    Source: Karras et al. 2020, figure 7c; Karras et al. 2018, section 3.
    """

    def __init__(
        self, size: int = 32, channels: int = 3, *, width: int = 64,
        max_width: int = 512,
    ):
        super().__init__()
        n = num_doublings(size)
        widths = [min(width << k, max_width) for k in range(n + 1)]
        self.from_image = EqualizedConv(channels, width, 1)
        self.blocks = nn.Sequential(
            *(ResidualBlock(*pair) for pair in pairwise(widths)))
        self.last = EqualizedConv(widths[-1], widths[-1], 3)
        self.deviation = MinibatchStd()
        self.hidden = EqualizedLinear(widths[-1] * 16 + 1, widths[-1])
        self.head = EqualizedLinear(widths[-1], 1)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, size, size) to logits (B,)."""
        x = self.blocks(activate(self.from_image(images)))
        x = self.deviation(activate(self.last(x)).flatten(1))
        return self.head(activate(self.hidden(x))).flatten()


def path_lengths(images: Tensor, w: Tensor, noise: Tensor) -> Tensor:
    r"""How far a small step in w moves the image, along random y: the
    length \|J^T y\| for each sample.

    Over layers it is the root of the mean of the squared lengths.

    Args:
        images: (B, C, H, W), made from `w`.
        w: (B, L, nw), one style for each layer.
        noise: y, of the images' shape, from a standard Gaussian; it is
            divided by sqrt(H W) here.
    Returns:
        (B,); it can be differentiated with respect to the weights that
        made the images.
    Source: Karras et al. 2020, eq. 4.
    """
    height, width = images.shape[2:]
    along = (images * noise).sum() / math.sqrt(height * width)
    (gradient,) = torch.autograd.grad(along, w, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()


def path_penalty(
    lengths: Tensor, mean: Tensor, decay: float = 0.99,
) -> Tensor:
    """Mean squared distance of path lengths from their running mean.

    The running mean is moved first, in place: it keeps the share `decay`
    of itself and takes the rest from the mean of these lengths. While it
    is 0 it becomes that mean. It is a goal, not a part of the graph.

    Args:
        lengths: (B,), with a graph behind them.
        mean: one number, a buffer without a graph.
    Returns:
        One number; its gradient flows through the lengths alone.
    Source: Karras et al. 2020, eq. 4.
    """
    now = lengths.detach().mean()
    moved = torch.lerp(now, mean, decay)
    mean.copy_(torch.where(mean == 0, now, moved))
    return (lengths - mean).square().mean()


def style_step(
    generator: nn.Module, discriminator: nn.Module, optimizer: Optimizer,
    z: Tensor, noise: Tensor, *, weight: float, every: int, step: int,
) -> Tensor:
    """One training step of a StyleGAN2 generator, with a lazy penalty on
    path lengths.

    The penalty is computed in the steps 0, `every`, 2 `every`, ... only,
    of the images that the step has made, and is `every` times as heavy
    there. The discriminator stays as it is, also where it comes frozen.

    Args:
        generator: has `styles` (z to w), `synthesis` (w to images) and
            the running mean `mean_path`.
        optimizer: holds the generator's parameters.
        z: as `generator.styles` takes it.
        noise: of the images' shape, for `path_lengths`.
        weight: of the penalty.
    Returns:
        The non-saturating loss of this step, penalty included, detached.
    Source: Karras et al. 2020, section 3.
    """
    w = generator.styles(z)
    images = generator.synthesis(w)
    loss = F.softplus(-discriminator(images)).mean()
    due = step % every == 0
    if due:
        lengths = path_lengths(images, w, noise)
        penalty = path_penalty(lengths, generator.mean_path)
        loss = loss + every * weight * penalty
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


what_a_style_buys = """
DCGAN feeds z to one layer, and z must follow a fixed Gaussian. The data do not: if no real digit is both thin and
crossed, the map from z has to bend so that no z leads there, and factors of variation end up curled into each other.
The mapping network may bend in its place. w has no prescribed distribution, so the synthesis network can give each
factor a direction of its own. And because every layer gets w by itself, one image can take its shape from one style
and its colour from another.

A style multiplies features. Without a remedy one large factor would make every later layer louder, and sizes would
grow from layer to layer. StyleGAN brought each feature map back to mean 0 and variance 1 with the statistics of that
very map. So the strength of one map relative to another was lost, and the network smuggled it through: a spike, which
dominates the statistics, and shows as a droplet in the image. Demodulation divides by the size that the output
*would* have for independent inputs of variance 1, which follows from weights and style alone. Sizes stay bounded, and
what the features themselves carry is left alone.

The path-length penalty asks that a step of one length in w moves the image equally far, wherever one stands and in
whichever direction one goes. To test it: walk from style to style in equal steps, measure how far the image moves at
each step, and compare the spread of these lengths (standard deviation over mean) with that of a network trained
without the penalty, from the same seed and for the same number of steps.
"""
