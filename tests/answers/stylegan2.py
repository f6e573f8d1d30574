"""Answers to the exercises of chapter 9.

WRONG: exercise -> name of the mistake -> (answer, words of the hint that the student must be given).
RIGHT: exercise -> name -> answer, as different from the reference as an honest student's may be.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

from autograde.checks.stylegan2 import style_step_with
from solutions import stylegan2 as reference
from solutions.stylegan2 import EqualizedLinear, activate, doubled, modulated_conv, path_lengths, path_penalty


def linear(*, keep=lambda w, s: w / s, keep_bias=lambda b, s: b / s, use=lambda w, s: w * s / w.shape[1] ** 0.5,
           use_bias=lambda b, s: b * s):
    """A linear layer put together from named parts."""
    class Variant(nn.Module):
        def __init__(self, before, after, *, bias=0.0, lr_scale=1.0):
            super().__init__()
            self.lr_scale = lr_scale
            self.weight = nn.Parameter(keep(torch.randn(after, before), lr_scale))
            self.bias = nn.Parameter(keep_bias(torch.full((after,), float(bias)), lr_scale))

        def forward(self, x):
            return x @ use(self.weight, self.lr_scale).T + use_bias(self.bias, self.lr_scale)
    return Variant


class LinearByAddmm(nn.Module):
    """Right: normal_ in place, the input scaled in the place of the weights."""

    def __init__(self, before, after, *, bias=0.0, lr_scale=1.0):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(after, before)), nn.Parameter(torch.empty(after))
        nn.init.normal_(self.weight, std=1 / lr_scale)
        nn.init.constant_(self.bias, bias / lr_scale)
        self.before, self.s = before, lr_scale

    def forward(self, x):
        return nn.functional.linear(x * self.s / self.before ** 0.5, self.weight) + self.s * self.bias


class ScaledOnce(nn.Module):
    """Wrong: the scale is worked into the weights, so the speed is that of any layer."""

    def __init__(self, before, after, *, bias=0.0, lr_scale=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before) / math.sqrt(before))
        self.bias = nn.Parameter(torch.full((after,), float(bias)))

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


class WeightsWithoutGraph(reference.EqualizedLinear):
    """Wrong: right numbers, but the weights learn nothing."""

    def forward(self, x):
        return F.linear(x, self.weight.data * self.gain, self.bias * self.lr_scale)


class BiasLeftOut(nn.Module):
    """Wrong: a bias that no optimizer finds."""

    def __init__(self, before, after, *, bias=0.0, lr_scale=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before) / lr_scale)
        self.bias, self.lr_scale = torch.full((after,), bias / lr_scale), lr_scale

    def forward(self, x):
        return F.linear(x, self.weight * self.lr_scale / self.weight.shape[1] ** 0.5, self.bias * self.lr_scale)


class GainThatLearns(reference.EqualizedLinear):
    """Wrong: the factor learns, too."""

    def __init__(self, before, after, *, bias=0.0, lr_scale=1.0):
        super().__init__(before, after, bias=bias, lr_scale=lr_scale)
        self.gain = nn.Parameter(torch.tensor(self.gain))


class DividedBehind(nn.Module):
    """Wrong: what is kept is no parameter, but what was made of one."""

    def __init__(self, before, after, *, bias=0.0, lr_scale=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before)) / lr_scale
        self.bias = nn.Parameter(torch.full((after,), bias)) / lr_scale
        self.lr_scale = lr_scale

    def forward(self, x):
        return F.linear(x, self.weight * self.lr_scale / self.weight.shape[1] ** 0.5, self.bias * self.lr_scale)


class InputCut(reference.EqualizedLinear):
    """Wrong: nothing before it learns."""

    def forward(self, x):
        return super().forward(x.detach())


class InputInPlace(reference.EqualizedLinear):
    """Wrong: the caller's features are scaled in place."""

    def forward(self, x):
        x *= self.gain
        return F.linear(x, self.weight, self.bias * self.lr_scale)


class Seeded(reference.EqualizedLinear):
    """Wrong: all layers begin alike."""

    def __init__(self, before, after, *, bias=0.0, lr_scale=1.0):
        torch.manual_seed(0)
        super().__init__(before, after, bias=bias, lr_scale=lr_scale)


class ForMatricesOnly(reference.EqualizedLinear):
    """Wrong: (B, before) only."""

    def forward(self, x):
        return torch.addmm(self.bias * self.lr_scale, x, self.weight.T * self.gain)


class LinearByBuffer(nn.Module):
    """Right: the factor as a buffer, weights made by mul_, einsum."""

    def __init__(self, before, after, *, bias=0.0, lr_scale=1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(after, before).normal_().mul_(1 / lr_scale))
        self.bias = nn.Parameter(torch.ones(after) * bias / lr_scale)
        self.register_buffer("factor", torch.tensor(lr_scale))

    def forward(self, x):
        used = self.weight * (self.factor / self.weight.shape[1] ** 0.5)
        return torch.einsum("...i,oi->...o", x, used) + self.bias * self.factor


class MappingBySequential(nn.Module):
    """Wrong: the layers are no list of linear layers."""

    def __init__(self, nz=512, depth=8):
        super().__init__()
        parts = []
        for _ in range(depth):
            parts += [EqualizedLinear(nz, nz, lr_scale=0.01), Activation()]
        self.layers = nn.Sequential(*parts)

    def forward(self, z):
        return self.layers(z * (z.square().mean(-1, keepdim=True) + 1e-8).rsqrt())


class Activation(nn.Module):
    def forward(self, x):
        return activate(x)


class MappingCut(reference.MappingNetwork):
    """Wrong: the style has no graph."""

    def forward(self, z):
        return super().forward(z).detach()


class MappingInPlace(reference.MappingNetwork):
    """Wrong: the caller's z is divided in place."""

    def forward(self, z):
        z /= (z.square().mean(-1, keepdim=True) + 1e-8).sqrt()
        for layer in self.layers:
            z = activate(layer(z))
        return z


class MappingBefore(reference.MappingNetwork):
    """Wrong: activated before each layer."""

    def forward(self, z):
        w = z * (z.square().mean(-1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.layers:
            w = layer(activate(w))
        return w


class MappingOfAll(reference.MappingNetwork):
    """Wrong: brought to one length before each layer."""

    def forward(self, z):
        for layer in self.layers:
            z = activate(layer(z * (z.square().mean(-1, keepdim=True) + 1e-8).rsqrt()))
        return z


class MappingByAppend(nn.Module):
    """Right: layers appended in a loop, the activation written out."""

    def __init__(self, nz=512, depth=8):
        super().__init__()
        self.nz, self.layers = nz, nn.ModuleList()
        for _ in range(depth):
            self.layers.append(EqualizedLinear(nz, nz, bias=0.0, lr_scale=0.01))

    def forward(self, z):
        size = torch.sqrt((z ** 2).sum(dim=-1, keepdim=True) / z.shape[-1] + 1e-8)
        x = z / size
        for k in range(len(self.layers)):
            x = math.sqrt(2) * F.leaky_relu(self.layers[k](x), negative_slope=0.2)
        return x


def mapping(*, first=lambda z: z / (z.square().mean(-1, keepdim=True) + 1e-8).sqrt(), between=activate, last=activate,
            layers=lambda nz, depth: nn.ModuleList(EqualizedLinear(nz, nz, lr_scale=0.01) for _ in range(depth))):
    """A mapping network put together from named parts."""
    class Variant(nn.Module):
        def __init__(self, nz=512, depth=8):
            super().__init__()
            self.layers = layers(nz, depth)

        def forward(self, z):
            w = first(z)
            for k, layer in enumerate(self.layers):
                w = (between if k < len(self.layers) - 1 else last)(layer(w))
            return w
    return Variant


def mean_square(z, axis, eps=1e-8):
    return z.square().mean(axis, keepdim=True) + eps


def conv_by_groups(x, weight, style, *, demodulate=True):
    """Right: the samples as groups of one convolution."""
    batch, out = len(x), len(weight)
    scaled = weight[None] * style[:, None, :, None, None]
    if demodulate:
        scaled = scaled * torch.rsqrt(scaled.pow(2).sum([2, 3, 4], keepdim=True) + 1e-8)
    y = F.conv2d(x.reshape(1, -1, *x.shape[2:]), scaled.flatten(0, 1), padding=weight.shape[2] // 2, groups=batch)
    return y.view(batch, out, *y.shape[2:])


def conv_by_loop(x, weight, style, *, demodulate=True):
    """Right: sample after sample."""
    outs = []
    for k in range(len(x)):
        own = weight * style[k].view(1, -1, 1, 1)
        if demodulate:
            own = own / torch.sqrt((own ** 2).sum(dim=(1, 2, 3), keepdim=True) + 1e-8)
        outs.append(F.conv2d(x[k : k + 1], own, padding=weight.shape[-1] // 2))
    return torch.cat(outs)


def conv(*, style_of=lambda s: s, length=lambda w, s: (s.square() @ w.square().sum((2, 3)).T + 1e-8).sqrt(), padding=True,
         ignore=False):
    """A modulated convolution put together from named parts."""
    def variant(x, weight, style, *, demodulate=True):
        style = style_of(style)
        out = F.conv2d(x * style[:, :, None, None], weight, padding=weight.shape[-1] // 2 if padding else 0)
        return out / length(weight, style)[..., None, None] if demodulate or ignore else out
    return variant


def conv_by_map(x, weight, style, *, demodulate=True):
    out = modulated_conv(x, weight, style, demodulate=False)
    return out / (out.square().mean((2, 3), keepdim=True) + 1e-8).sqrt() if demodulate else out


def conv_padded_by_1(x, weight, style, *, demodulate=True):
    out = F.conv2d(x * style[:, :, None, None], weight, padding=1)
    length = (style.square() @ weight.square().sum((2, 3)).T + 1e-8).sqrt()
    return out / length[..., None, None] if demodulate else out


def conv_with_weights_in_place(x, weight, style, *, demodulate=True):
    if demodulate:
        x.mul_(style[:, :, None, None])
        return modulated_conv(x / style[:, :, None, None], weight, style)
    return modulated_conv(x, weight, style, demodulate=False)


def conv_by_unfold(x, weight, style, *, demodulate=True):
    """Right: a matrix product with the patches of each sample."""
    out, before, k, _ = weight.shape
    own = style[:, None, :, None, None] * weight  # (B, O, I, k, k)
    if demodulate:
        own = own / own.square().sum((2, 3, 4), keepdim=True).add(1e-8).sqrt()
    patches = F.unfold(x, k, padding=k // 2)  # (B, I k k, H W)
    return (own.reshape(len(x), out, -1) @ patches).view(len(x), out, *x.shape[2:])


def conv_with_instance_norm(x, weight, style, *, demodulate=True):
    out = modulated_conv(x, weight, style, demodulate=False)
    return F.instance_norm(out) if demodulate else out


def styled(*, bias=1.0, noise=lambda self, x: torch.randn_like(x[:, :1]) if self.training else self.noise, after=False):
    """A styled convolution with the named faults left."""
    class Variant(reference.StyledConv):
        def __init__(self, before, after, size, nw, *, double=False):
            super().__init__(before, after, size, nw, double=double)
            self.style = EqualizedLinear(nw, before, bias=bias)

        def forward(self, x, w):
            x = modulated_conv(x, self.weight / math.sqrt(self.weight[0].numel()), self.style(w))
            x = doubled(x) if self.double else x
            added = self.strength * noise(self, x)
            if after:
                return activate(x + self.bias[:, None, None]) + added
            return activate(x + added + self.bias[:, None, None])
    return Variant


class StyleRestored(reference.StyledConv):
    """Wrong: the style's bias cannot learn."""

    def forward(self, x, w):
        nn.init.ones_(self.style.bias)
        return super().forward(x, w)


def noise_kept_by_copy(self, x):
    if self.training:
        self.noise.normal_()
    return self.noise


def noise_kept_by_name(self, x):
    if self.training:
        self.noise = torch.randn_like(x[:, :1])
    return self.noise


def noise_rolled(self, x):
    if not self.training:
        return self.noise
    flat = self.noise.flatten()
    return torch.stack([flat[torch.randperm(len(flat))].view(self.noise.shape[1:]) for _ in x])


def noise_by_share(self, x):
    """Right: both drawn, one chosen."""
    fresh = torch.empty(len(x), 1, *x.shape[-2:]).normal_()
    return torch.where(torch.tensor(self.training), fresh, self.noise)


def noise_by_branches(self, x):
    if not self.training:
        return self.noise
    return torch.randn(x.shape[0], 1, x.shape[2], x.shape[3], device=x.device)


def lengths(*, along=lambda i, y: (i * y).sum() / (y.shape[2] * y.shape[3]) ** 0.5, graph=True,
            size=lambda g: g.square().sum(2).mean(1).sqrt()):
    """Path lengths put together from named parts."""
    def variant(images, w, noise):
        gradient = torch.autograd.grad(along(images, noise), w, create_graph=graph, retain_graph=True)[0]
        return size(gradient)
    return variant


def lengths_by_grad_outputs(images, w, noise):
    """Right: the noise as grad_outputs, norms and a root of a mean of squares."""
    y = noise / math.sqrt(images.shape[-1] * images.shape[-2])
    (gradient,) = torch.autograd.grad(images, w, grad_outputs=y, create_graph=True)
    return torch.sqrt(torch.mean(gradient.norm(dim=-1) ** 2, dim=-1))


def lengths_by_backward(images, w, noise):
    y = noise / math.sqrt(noise.shape[2] * noise.shape[3])
    (images * y).sum().backward(create_graph=True)
    return w.grad.square().sum(2).mean(1).sqrt()


def lengths_by_retained_backward(images, w, noise):
    w.retain_grad()
    y = noise / math.sqrt(noise.shape[2] * noise.shape[3])
    (images * y).sum().backward(create_graph=True, inputs=None)
    return w.grad.square().sum(2).mean(1).sqrt()


def lengths_sample_by_sample(images, w, noise):
    """Right: a gradient for each sample by itself."""
    height, width = noise.shape[-2:]
    found = []
    for k in range(len(images)):
        number = torch.sum(images[k] * noise[k]) * (height * width) ** -0.5
        own = torch.autograd.grad(number, w, create_graph=True)[0][k]  # (L, nw)
        found.append(torch.sqrt(torch.mean(torch.sum(own ** 2, dim=1))))
    return torch.stack(found)


def lengths_layer_by_layer(images, w, noise):
    """Right: the layers' squares added in a loop."""
    y = noise / (noise.shape[2] ** 0.5 * noise.shape[3] ** 0.5)
    gradient = torch.autograd.grad((y * images).flatten(1).sum(1).sum(), w, create_graph=True)[0]
    total = 0
    for k in range(w.shape[1]):
        total = total + (gradient[:, k] ** 2).sum(1)
    return (total / w.shape[1]) ** 0.5


def penalty(*, now=lambda lengths: lengths.detach().mean(), move=lambda mean, now, d: d * mean + (1 - d) * now, first=True,
            keep=True, late=False, size=lambda d: d.square().mean()):
    """A path penalty put together from named parts."""
    def variant(lengths, mean, decay=0.99):
        found = now(lengths)
        goal = found if first and mean == 0 else move(mean.clone(), found, decay)
        value = size(lengths - (mean.clone() if late else goal))
        if keep:
            mean.copy_(goal.detach())
        return value
    return variant


def penalty_in_place(lengths, mean, decay=0.99):
    """Right: no_grad in the place of detach, lerp_ in place, the variance formula."""
    with torch.no_grad():
        if mean.item() == 0:
            mean.fill_(lengths.mean().item())
        else:
            mean.lerp_(lengths.mean(), 1 - decay)
    return F.mse_loss(lengths, mean.clone().expand_as(lengths))


def penalty_by_mul_add(lengths, mean, decay=0.99):
    """Right: mul_ and add_, a plain sum over the batch."""
    start = lengths.detach().mean()
    if float(mean) == 0.0:
        mean += start
    else:
        mean.mul_(decay).add_(start * (1 - decay))
    goal = mean.detach().clone()
    return sum((length - goal) ** 2 for length in lengths) / len(lengths)


def penalty_by_variance(lengths, mean, decay=0.99):
    penalty_in_place(lengths, mean, decay)
    return lengths.var(unbiased=False)


def penalty_with_a_graph(lengths, mean, decay=0.99):
    now = lengths.mean()
    mean.copy_(now if mean == 0 else decay * mean + (1 - decay) * now)
    return (lengths - mean).square().mean()


def penalty_without_graph(lengths, mean, decay=0.99):
    penalty_in_place(lengths, mean, decay)
    return (lengths.detach() - mean).square().mean() + 0 * lengths.sum()


def penalty_centred_in_place(lengths, mean, decay=0.99):
    penalty_in_place(lengths, mean, decay)
    lengths.data.sub_(mean)
    return lengths.square().mean()


def penalty_of_one(lengths, mean, decay=0.99):
    """Right: the new mean worked out as a number."""
    old, now = mean.item(), lengths.mean().item()
    new = now if old == 0 else old + (1 - decay) * (now - old)
    mean.fill_(new)
    return ((lengths - new) ** 2).mean()


def step_once_more(generator, discriminator, optimizer, z, noise, *, weight, every, step):
    """Right: the losses in a list, `due` by the quotient."""
    styles = generator.styles(z)
    images = generator.synthesis(styles)
    losses = [-F.logsigmoid(discriminator(images)).mean()]
    if step == every * (step // every):
        y = path_lengths(images, styles, noise)
        losses.append(path_penalty(y, generator.mean_path).mul(weight).mul(every))
    optimizer.zero_grad(set_to_none=False)
    total = torch.stack(losses).sum()
    total.backward()
    optimizer.step()
    return total.item()


def step_frozen_for_good(generator, discriminator, *arguments, **options):
    loss = reference.style_step(generator, discriminator, *arguments, **options)
    discriminator.requires_grad_(False)
    return loss


def step_by_parts(generator, discriminator, optimizer, z, noise, *, weight, every, step):
    """Right: bce, two calls of backward."""
    optimizer.zero_grad()
    w = generator.styles(z)
    images = generator.synthesis(w)
    logits = discriminator(images)
    loss = F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    loss.backward(retain_graph=True)
    total = loss.item()
    if not step % every:
        extra = weight * every * path_penalty(path_lengths(images, w, noise), generator.mean_path)
        extra.backward()
        total += extra.item()
    optimizer.step()
    return total


def step_with_frozen_d(generator, discriminator, optimizer, z, noise, *, weight, every, step):
    """Right: D frozen for the time of the step, gradients by hand, the penalty before the loss."""
    flags = [parameter.requires_grad for parameter in discriminator.parameters()]
    discriminator.requires_grad_(False)
    w = generator.styles(z)
    images = generator.synthesis(w)
    loss = torch.zeros(())
    if step % every == 0:
        loss = loss + weight * every * path_penalty(path_lengths(images, w, noise), generator.mean_path)
    loss = loss - F.logsigmoid(discriminator(images)).mean()
    weights = list(generator.parameters())
    for parameter, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        parameter.grad = gradient
    optimizer.step()
    for parameter, flag in zip(discriminator.parameters(), flags, strict=True):
        parameter.requires_grad_(flag)
    return loss.detach()


def step_that_thaws_d(generator, discriminator, *arguments, **options):
    discriminator.requires_grad_(False)
    loss = reference.style_step(generator, discriminator, *arguments, **options)
    discriminator.requires_grad_(True)
    return loss


def step_that_moves_d(generator, discriminator, optimizer, z, noise, **options):
    other = torch.optim.SGD(discriminator.parameters(), lr=0.3)
    other.zero_grad()
    value = reference.style_step(generator, discriminator, optimizer, z, noise, **options)
    other.step()
    return value


def giving(change):
    """The reference step with its loss changed."""
    return lambda *arguments, **options: change(reference.style_step(*arguments, **options))


def noise_doubled(self, x):
    if not self.training:
        return self.noise
    return doubled(torch.randn_like(x[:, :1, ::2, ::2])) if self.double else torch.randn_like(x[:, :1])


def penalty_begun_with_a_graph(lengths, mean, decay=0.99):
    """Wrong: the first batch moves the mean with its graph."""
    if mean == 0:
        mean.copy_(lengths.mean())
    else:
        mean.copy_(decay * mean + (1 - decay) * lengths.detach().mean())
    return (lengths - mean).square().mean()


def conv_of_a_view(x, weight, style, *, demodulate=True):
    """Wrong: what stands for all samples, x.expand(...), has no such view."""
    x.view(1, -1, *x.shape[2:])
    return modulated_conv(x, weight, style, demodulate=demodulate)


RIGHT = {
    "stylegan2.EqualizedLinear": {"matrix product": linear(), "scaled input": LinearByAddmm, "buffer": LinearByBuffer},
    "stylegan2.MappingNetwork": {
        "sqrt": mapping(), "appended": MappingByAppend,
        "by the norm": mapping(first=lambda z: z / (z.norm(dim=-1, keepdim=True) ** 2 / z.shape[-1] + 1e-8) ** 0.5),
        "mean of powers": mapping(first=lambda z: z * torch.rsqrt(torch.mean(z ** 2, dim=-1, keepdim=True) + 1e-8)),
    },
    "stylegan2.modulated_conv": {"groups": conv_by_groups, "loop": conv_by_loop, "scaled outputs": conv(),
                                 "patches": conv_by_unfold},
    "stylegan2.StyledConv": {"in the call": styled(), "branches": styled(noise=noise_by_branches),
                             "where": styled(noise=noise_by_share)},
    "stylegan2.path_lengths": {"grad_outputs": lengths_by_grad_outputs, "layer by layer": lengths_layer_by_layer,
                               "parts": lengths(), "sample by sample": lengths_sample_by_sample},
    "stylegan2.path_penalty": {"parts": penalty(), "in place": penalty_in_place, "mul and add": penalty_by_mul_add,
                               "one number": penalty_of_one},
    "stylegan2.style_step": {"by parts": step_by_parts, "frozen D": step_with_frozen_d, "stacked": step_once_more},
}

WRONG = {
    "stylegan2.EqualizedLinear": {
        "not divided": (linear(keep=lambda w, s: w), "Kept weights are divided by lr_scale"),
        "times lr_scale": (linear(keep=lambda w, s: w * s), "*divided*"),
        "small from the start": (linear(keep=lambda w, s: w / w.shape[1] ** 0.5 / s), "Keep the weights large"),
        "bias not divided": (linear(keep_bias=lambda b, s: b), "kept bias is divided"),
        "bias of zeros": (linear(keep_bias=lambda b, s: 0 * b), "begins as"),
        "no 1 / sqrt": (linear(use=lambda w, s: w * s), "size sqrt(before)"),
        "no root": (linear(use=lambda w, s: w * s / w.shape[1]), "square root is missing"),
        "features out": (linear(use=lambda w, s: w * s / w.shape[0] ** 0.5), "go *in*"),
        "weights at full speed": (linear(use=lambda w, s: w / w.shape[1] ** 0.5), "weights are used times lr_scale"),
        "bias at full speed": (linear(use_bias=lambda b, s: b), "bias, too"),
        "He's 2": (linear(use=lambda w, s: w * s * (2 / w.shape[1]) ** 0.5), "in `activate`"),
        "scaled once": (ScaledOnce, "Keep the weights large"),
        "weights without a graph": (WeightsWithoutGraph, "The weights learn nothing"),
        "bias no parameter": (BiasLeftOut, "No optimizer finds bias"),
        "gain learns": (GainThatLearns, "and nothing else is"),
        "divided behind": (DividedBehind, "No optimizer finds bias and weight"),
        "input cut": (InputCut, "do not detach x"),
        "input in place": (InputInPlace, "in place"),
        "uniform": (linear(keep=lambda w, s: (torch.rand_like(w) * 2 - 1) * 3 ** 0.5 / s), "are Gaussian"),
        "matrices only": (ForMatricesOnly, "RuntimeError"),
        "seeded": (Seeded, "set no seed"),
    },
    "stylegan2.MappingNetwork": {
        "as it is": (mapping(first=lambda z: z), "not brought to one length"),
        "to length 1": (mapping(first=lambda z: F.normalize(z, dim=-1)), "*mean*"),
        "over the batch": (mapping(first=lambda z: z / mean_square(z, 0).sqrt()), "not over the batch"),
        "axis 1": (mapping(first=lambda z: z / mean_square(z, 1).sqrt()), "*last* axis"),
        "over all": (mapping(first=lambda z: z / (z.square().mean() + 1e-8).sqrt()), "own size"),
        "no root": (mapping(first=lambda z: z / mean_square(z, -1)), "root is missing"),
        "no epsilon": (mapping(first=lambda z: z / mean_square(z, -1, 0).sqrt()), "1e-8"),
        "epsilon behind the root": (mapping(first=lambda z: z / (mean_square(z, -1, 0).sqrt() + 1e-8)), "*added* to the mean"),
        "linear": (mapping(between=lambda x: x, last=lambda x: x), "nothing between the layers"),
        "no sqrt(2)": (mapping(between=lambda x: F.leaky_relu(x, 0.2), last=lambda x: F.leaky_relu(x, 0.2)), "sqrt(2)"),
        "last one linear": (mapping(last=lambda x: x), "last layer, too"),
        "full speed": (mapping(layers=lambda nz, depth: nn.ModuleList(EqualizedLinear(nz, nz) for _ in range(depth))),
                       "lr_scale=0.01 is missing"),
        "layer norm": (mapping(first=lambda z: F.layer_norm(z, z.shape[-1:])), "No mean is taken off"),
        "by the deviation": (mapping(first=lambda z: z / (z.std(-1, keepdim=True) + 1e-8)), "not the standard deviation"),
        "activated before": (MappingBefore, "before the layer"),
        "every layer's input": (MappingOfAll, "once, before the first layer"),
        "sequential": (MappingBySequential, "is an nn.ModuleList"),
        "biases of 1": (mapping(layers=lambda nz, depth: nn.ModuleList(
            EqualizedLinear(nz, nz, bias=1.0, lr_scale=0.01) for _ in range(depth))), "biases begin at 0"),
        "cut": (MappingCut, "No gradient reaches the layers"),
        "in place": (MappingInPlace, "in place"),
        "a plain list": (mapping(layers=lambda nz, depth: [EqualizedLinear(nz, nz, lr_scale=0.01) for _ in range(depth)]),
                         "nn.ModuleList"),
        "one layer for all": (mapping(layers=lambda nz, depth: nn.ModuleList([EqualizedLinear(nz, nz, lr_scale=0.01)] * depth)),
                              "used several times"),
    },
    "stylegan2.modulated_conv": {
        "a view": (conv_of_a_view, "raised RuntimeError"),
        "not demodulated": (conv(length=lambda w, s: torch.ones(len(s), len(w))), "Nothing is demodulated"),
        "by the plain weights": (conv(length=lambda w, s: w.square().sum((1, 2, 3)).sqrt().expand(len(s), -1)), "*before*"),
        "over the outputs": (lambda x, w, s, *, demodulate=True: conv_over(x, w, s, (0, 2, 3), demodulate), "goes *out*"),
        "over the kernel": (lambda x, w, s, *, demodulate=True: conv_over(x, w, s, (2, 3), demodulate), "go in, too"),
        "over all": (lambda x, w, s, *, demodulate=True: conv_over(x, w, s, (0, 1, 2, 3), demodulate), "by one"),
        "no root": (conv(length=lambda w, s: s.square() @ w.square().sum((2, 3)).T + 1e-8), "*root*"),
        "first style": (conv(style_of=lambda s: s[:1].expand_as(s)), "first one's style"),
        "mean style": (conv(style_of=lambda s: s.mean(0, keepdim=True).expand_as(s)), "no mean over the batch"),
        "one too many": (conv(style_of=lambda s: 1 + s), "bias of 1"),
        "no style": (conv(style_of=torch.ones_like), "does nothing"),
        "statistics of the map": (conv_with_instance_norm, "as StyleGAN did"),
        "no epsilon": (conv(length=lambda w, s: (s.square() @ w.square().sum((2, 3)).T).sqrt()), "1e-8"),
        "length clamped": (conv(length=lambda w, s: (s.square() @ w.square().sum((2, 3)).T).clamp(min=1e-8).sqrt()), "*added*"),
        "always demodulated": (conv(ignore=True), "is ignored"),
        "no padding": (conv(padding=False), "k // 2"),
        "padded by 1": (conv_padded_by_1, "k // 2"),
        "size of the map": (conv_by_map, "size of each map"),
        "lengths apart": (conv(length=lambda w, s: (
            w.square().sum((1, 2, 3)) * s.square().sum(1, keepdim=True) + 1e-8).sqrt()), "*scaled* weights"),
        "mean of squares": (conv(length=lambda w, s: (
            s.square() @ w.square().sum((2, 3)).T / w[0].numel() + 1e-8).sqrt()), "not their mean"),
        "in place": (conv_with_weights_in_place, "in place"),
        "style without a graph": (conv(style_of=lambda s: s.detach()), "reaches the style"),
        "length without a graph": (conv(length=lambda w, s: (s.square() @ w.square().sum((2, 3)).T + 1e-8).sqrt().detach()),
                                   "no detach()"),
    },
    "stylegan2.StyledConv": {
        "noise doubled": (styled(noise=noise_doubled), "behind the doubling"),
        "untouched": (styled(bias=0.0, noise=lambda self, x: torch.randn_like(x[:1, :1])), "should give the style 1"),
        "style left": (styled(bias=0.0), "needs its bias"),
        "flicker left": (styled(noise=lambda self, x: torch.randn_like(x[:, :1])), "flicker"),
        "one noise left": (styled(noise=lambda self, x: torch.randn_like(x[:1, :1]) if self.training else self.noise),
                           "share one noise"),
        "always the kept one": (styled(noise=lambda self, x: self.noise), "never changes"),
        "one for each feature": (styled(noise=lambda self, x: torch.randn_like(x) if self.training else self.noise),
                                 "for all features"),
        "modes exchanged": (styled(noise=lambda self, x: self.noise if self.training else torch.randn_like(x[:, :1])),
                            "flicker"),
        "kept by copy": (styled(noise=noise_kept_by_copy), "Training changes `self.noise`"),
        "kept by name": (styled(noise=noise_kept_by_name), "Training changes `self.noise`"),
        "one number a sample": (styled(noise=lambda self, x: (
            torch.randn(len(x), 1, 1, 1) if self.training else self.noise)), "for a whole sample"),
        "rolled": (styled(noise=noise_rolled), "in another order"),
        "noise behind the activation": (styled(after=True), "before the activation"),
        "style's bias put back": (StyleRestored, "puts it back"),
    },
    "stylegan2.path_lengths": {
        "not divided": (lengths(along=lambda i, y: (i * y).sum()), "do not grow with the size"),
        "by H W": (lengths(along=lambda i, y: (i * y).sum() / (y.shape[2] * y.shape[3])), "*root*"),
        "by C H W": (lengths(along=lambda i, y: (i * y).sum() / y[0].numel() ** 0.5), "colours are not counted"),
        "mean": (lengths(along=lambda i, y: (i * y).mean()), "a mean makes"),
        "mean over the batch": (lengths(along=lambda i, y: (i * y).sum() / len(y) / (y.shape[2] * y.shape[3]) ** 0.5),
                                "do not meet"),
        "squared": (lengths(size=lambda g: g.square().sum(2).mean(1)), "root is missing"),
        "sum over layers": (lengths(size=lambda g: g.square().sum((1, 2)).sqrt()), "*mean* of squared"),
        "mean of roots": (lengths(size=lambda g: g.norm(dim=2).mean(1)), "then the root"),
        "mean over w": (lengths(size=lambda g: g.square().mean((1, 2)).sqrt()), "*sum* the squares"),
        "one number": (lengths(size=lambda g: g.square().sum(2).mean(1).sqrt().mean()), "no mean"),
        "no noise": (lengths(along=lambda i, y: i.sum() / (y.shape[2] * y.shape[3]) ** 0.5), "noise is not used"),
        "no graph": (lengths(graph=False), "create_graph=True"),
        "backward": (lengths_by_backward, "leaves it no .grad"),
        "retained backward": (lengths_by_retained_backward, "leaves gradients in all weights"),
        "height alone": (lengths(along=lambda i, y: (i * y).sum() / y.shape[2] ** 0.5), "*and* width"),
        "detached": (lambda i, w, y: path_lengths(i, w, y).detach(), "nothing may be detached"),
    },
    "stylegan2.path_penalty": {
        "first mean with its graph": (penalty_begun_with_a_graph, "holds the graph"),
        "attached": (penalty(now=lambda lengths: lengths.mean()), "detach the lengths"),
        "shares exchanged": (penalty(move=lambda mean, now, d: (1 - d) * mean + d * now), "*keeps*"),
        "no memory": (penalty(move=lambda mean, now, d: now), "this batch alone"),
        "not kept": (penalty(keep=False), "did not move"),
        "from zero": (penalty(first=False), "first batch's mean"),
        "compared first": (penalty(late=True), "moved first"),
        "sum": (penalty(size=lambda d: d.square().sum()), "not the sum"),
        "square of the mean": (penalty(size=lambda d: d.mean().square()), "cancel"),
        "absolute": (penalty(size=lambda d: d.abs().mean()), "Squared differences"),
        "variance of the batch": (penalty_by_variance, "not with the mean of their own batch"),
        "graph in the mean": (penalty_with_a_graph, "detach"),
        "no gradient": (penalty_without_graph, "detach the goal"),
        "from below 1": (lambda lengths, mean, decay=0.99: penalty_in_place(
            lengths, mean if mean > 1 else mean.zero_(), decay), "numbers differ"),
        "half": (penalty(size=lambda d: d.square().mean() / 2), "No half"),
        "default of its own": (lambda lengths, mean, decay=0.9: penalty_in_place(lengths, mean, decay), "it is 0.99"),
        "lengths in place": (penalty_centred_in_place, "changes `lengths`"),
        "root": (penalty(size=lambda d: d.square().mean().sqrt()), "No root"),
    },
    "stylegan2.style_step": {
        **{fault: (style_step_with(fault), words) for fault, words in (
            ("stale", "zero_grad() before"), ("still", "did not move"), ("saturating", "saturating"), ("D's side", "D's loss"),
            ("always", "every `every`th"), ("never", "does not reach"), ("detached", "does not reach"),
            ("not at 0", "in step 0, too"), ("noise divided", "itself"), ("anew", "run `styles` and `synthesis` once"),
            ("mean not kept", "the buffer itself"), ("mean moves", "moves only in steps"),
            ("cleared", "no zero_grad() between"), ("sum", "not the sum"),
            ("late", "first in step 0"), ("all but", "not where it is not"), ("not lazy", "k times as heavy"),
            ("divided", "you divide"), ("unweighted", "weight is missing"), ("minus", "not subtracted"))},
        "frozen for good": (step_frozen_for_good, "other weights frozen"),
        "thaws a frozen D": (step_that_thaws_d, "other weights frozen"),
        "moves D too": (step_that_moves_d, "Only the generator"),
        "returns nothing": (giving(lambda loss: None), "returns None"),
        "returns the graph": (giving(lambda loss: loss.requires_grad_()), "detach it"),
    },
}


def conv_over(x, weight, style, axes, demodulate):
    """Lengths of the scaled weights summed over these axes of (O, I, k, k)."""
    outs = []
    for image, factors in zip(x, style, strict=True):
        own = weight * factors[None, :, None, None]
        if demodulate:
            own = own / (own.square().sum(axes, keepdim=True) + 1e-8).sqrt()
        outs.append(F.conv2d(image[None], own, padding=weight.shape[-1] // 2))
    return torch.cat(outs)
