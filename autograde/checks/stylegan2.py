"""Checks of chapter 9."""
from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import Draw, Subject, Wrong, assert_close, check, is_close, may_change, written


def fill(module: nn.Module, weights: list[Tensor]) -> nn.Module:
    """The module with these parameters, in its own order."""
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), weights, strict=True):
            parameter.copy_(value)
    return module


# A linear layer of one speed

def first_weights(layer_class: type, sizes: list[int], bias: float, lr_scale: float, seed: int) -> dict:
    """The weights that a new layer keeps, those of another one made after it, and the names of what it learns."""
    torch.manual_seed(seed)
    layer, another = (layer_class(*sizes, bias=bias, lr_scale=lr_scale) for _ in range(2))
    return {"weight": layer.weight.detach(), "bias": layer.bias.detach(), "another": another.weight.detach(),
            "learnt": [n for n, _ in layer.named_parameters()]}


def linear_with(layer_class: type, sizes: list[int], lr_scale: float, weight: Tensor, bias: Tensor, x: Tensor) -> Tensor:
    """What a layer that keeps these weights makes of x."""
    layer = layer_class(*sizes, lr_scale=lr_scale)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return layer(x).detach()


def linear_after_steps(layer_class: type, sizes: list[int], lr_scale: float, weight: Tensor, bias: Tensor, x: Tensor) -> dict:
    """What it makes of x after three steps of Adam that push all outputs up, the gradient of its sum in x, and the names of
    what learns."""
    layer = layer_class(*sizes, lr_scale=lr_scale)
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    descent = torch.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(3):
        descent.zero_grad()
        (-layer(x).sum()).backward()
        descent.step()
    x = x.clone().requires_grad_()
    out = layer(1.0 * x)
    pull = torch.autograd.grad(out.sum(), x, allow_unused=True)[0]
    return {"out": out.detach(), "pull": torch.zeros_like(x) if pull is None else pull,
            "learnt": [name for name, _ in layer.named_parameters()]}


@check("stylegan2.EqualizedLinear", points=1, hint="weight: randn / lr_scale, (after, before). bias: bias / lr_scale.")
def keeps_weights_of_size_1(subject: Subject, draw: Draw) -> None:
    bias, lr_scale, seed = draw.uniform(1, low=0.5, high=2).item(), draw.uniform(1, low=0.02, high=0.3).item(), 7
    mine = subject.probe(first_weights, [80, 90], bias, lr_scale, seed)
    if missing := {"weight", "bias"} - set(mine["learnt"]):
        raise Wrong(hint=f"No optimizer finds {' and '.join(sorted(missing))}: make it an nn.Parameter, which holds what is "
                         "kept, already divided: nn.Parameter(... / lr_scale).")
    weight = torch.as_tensor(mine["weight"])
    if weight.shape != (90, 80):
        raise Wrong(f"Expected a weight (after, before), got {tuple(weight.shape)} for 80 features in, 90 out.")
    for size, hint in ((1.0, "Kept weights are divided by lr_scale."),
                       (1 / 80 ** 0.5, "Keep the weights large, and multiply by 1 / sqrt(before) where they are used."),
                       (1 / lr_scale / 80 ** 0.5,
                        "Keep the weights large, and multiply by 1 / sqrt(before) where they are used."),
                       (lr_scale, "Kept weights are *divided* by lr_scale: a small one makes them large.")):
        if abs(weight.std() / size - 1) < 0.05:
            raise Wrong(f"The kept weights have the standard deviation {weight.std():.3g}.", hint=hint)
    if abs(weight.std() * lr_scale - 1) > 0.05 or abs(weight.mean() * lr_scale) > 0.06 or weight.unique().numel() < 7000:
        raise Wrong(f"The kept weights have mean {weight.mean():.3g}, standard deviation {weight.std():.3g}.")
    if (weight * lr_scale).abs().max() < 2.5:  # of 7200 Gaussian numbers some are beyond 3
        raise Wrong(hint="Kept weights are Gaussian, torch.randn: yours have no large ones.")
    if is_close(mine["another"], weight):
        raise Wrong(hint="Two layers begin with the same weights: each draws its own, so set no seed.")
    assert_close(mine["bias"], torch.full((90,), bias / lr_scale), mistakes=[
        (torch.full((90,), bias), "The kept bias is divided by lr_scale, too."),
        (torch.zeros(90), "The bias begins as what the argument `bias` says.")])


LINEAR_MISTAKES: list[tuple[Callable, str]] = [
    (lambda x, w, b, s: F.linear(x, w * s, b * s), "Weights of size 1 make outputs of size sqrt(before): use them times "
     "1 / sqrt(before)."),
    (lambda x, w, b, s: F.linear(x, w * s / w.shape[1], b * s), "The square root is missing: 1 / sqrt(before)."),
    (lambda x, w, b, s: F.linear(x, w * s / w.shape[0] ** 0.5, b * s), "Count the features that go *in*: sqrt(before)."),
    (lambda x, w, b, s: F.linear(x, w * s / w.shape[1] ** 0.5, b), "The bias, too, is used times lr_scale."),
    (lambda x, w, b, s: F.linear(x, w / w.shape[1] ** 0.5, b * s), "The weights are used times lr_scale."),
    (lambda x, w, b, s: F.linear(x, w / w.shape[1] ** 0.5, b), "Weights and bias are used times lr_scale."),
    (lambda x, w, b, s: F.linear(x, w * s / w.shape[1] ** 0.5, b * s / w.shape[1] ** 0.5), "Only the weights are divided by "
     "sqrt(before): a bias has one input."),
    (lambda x, w, b, s: F.linear(x, w * s / w.shape[1] ** 0.5), "The bias is missing."),
    (lambda x, w, b, s: F.linear(x, w * s * (2 / w.shape[1]) ** 0.5, b * s), "The sqrt(2) of a ReLU's gain is in `activate` "
     "already."),
    (lambda x, w, b, s: F.linear(x, w, b), "Kept weights are used times lr_scale / sqrt(before), the bias times lr_scale."),
]


@check("stylegan2.EqualizedLinear", points=2, hint="x @ (weight * lr_scale / sqrt(before)).T + bias * lr_scale.")
def uses_them_scaled(subject: Subject, draw: Draw) -> None:
    for lr_scale in (0.25, 1.0):
        w, b, x = draw.normal(5, 12), draw.normal(5), draw.normal(3, 12)
        right = F.linear(x, w * lr_scale / 12 ** 0.5, b * lr_scale)
        mistakes = ((wrong(x, w, b, lr_scale), hint) for wrong, hint in LINEAR_MISTAKES)
        assert_close(subject.probe(linear_with, [12, 5], lr_scale, w, b, x), right, mistakes=mistakes)
    for leading in ((), (2, 4), (1,)):  # (*, before)
        w, b, x = draw.normal(3, 7), draw.normal(3), draw.normal(*leading, 7)
        assert_close(subject.probe(linear_with, [7, 3], 0.5, w, b, x), F.linear(x, w * 0.5 / 7 ** 0.5, b * 0.5))


@check("stylegan2.EqualizedLinear", points=1, hint="Scale at each use, in forward, not once in __init__: that is what makes "
       "lr_scale slow the learning.")
def learns_at_the_speed_asked_for(subject: Subject, draw: Draw) -> None:
    w, b, x = draw.normal(5, 12), draw.normal(5), draw.uniform(3, 2, 12, low=0.5, high=1)
    learnt = lambda d_w, d_b: F.linear(x, (w + d_w) * 0.25 / 12 ** 0.5, (b + d_b) * 0.25)
    mine = subject.probe(linear_after_steps, [12, 5], 0.25, w, b, x)
    if sorted(mine["learnt"]) != ["bias", "weight"]:
        raise Wrong(hint="weight and bias are nn.Parameters, and nothing else is: the factors are plain numbers, which do not "
                         f"learn. Yours are {', '.join(sorted(mine['learnt']))}.")
    assert_close(mine["out"], learnt(0.3, 0.3), atol=1e-4, mistakes=[
        (learnt(0, 0.3), "The weights learn nothing: no .data, no detach() in forward."),
        (learnt(0.3, 0), "The bias learns nothing: no .data, no detach() in forward.")])
    used = (w + 0.3).sum(0) * 0.25 / 12 ** 0.5
    assert_close(mine["pull"], used.expand_as(x), atol=1e-4, mistakes=[
        (torch.zeros_like(x), "No gradient passes to the input, so nothing before this layer learns: do not detach x.")])


# The mapping network

class Matrix(nn.Module):
    """A layer that is one matrix."""

    def __init__(self, matrix: Tensor):
        super().__init__()
        self.matrix = nn.Parameter(matrix.clone())

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.matrix


def spread_sum(w: Tensor) -> Tensor:
    """The sum of all numbers, each with a weight of its own."""
    return (w * torch.linspace(0.5, 1.5, w.numel()).view(w.shape)).sum()


def mapped_by(network_class: type, matrices: Tensor, z: Tensor) -> dict:
    """The styles of z where the layers are these matrices (L, nz, nz); where they are no list of as many, what they are."""
    network = network_class(matrices.shape[1], len(matrices))
    if not isinstance(network.layers, nn.ModuleList) or len(network.layers) != len(matrices):
        return {"layers": f"{type(network.layers).__name__} of {len(network.layers)}"}
    network.layers = nn.ModuleList(Matrix(m) for m in matrices)
    return {"w": network(z).detach()}


def mapping_pulls(network_class: type, matrices: Tensor, z: Tensor) -> Tensor:
    """The gradients of a sum of the styles in z and in the matrices that are the layers; 0 where none arrives."""
    network = network_class(matrices.shape[1], len(matrices))
    network.layers = nn.ModuleList(Matrix(m) for m in matrices)
    z = z.clone().requires_grad_()
    w, of = network(1.0 * z), [z, *network.parameters()]
    pulls = torch.autograd.grad(spread_sum(w), of, allow_unused=True) if w.requires_grad else [None] * len(of)
    return torch.cat([torch.zeros(x.numel()) if g is None else g.flatten() for x, g in zip(of, pulls, strict=True)])


def kept_by(network_class: type, nz: int, depth: int, seed: int) -> list:
    """The shapes, sizes and means of all that the network learns."""
    torch.manual_seed(seed)
    return [[list(p.shape), p.detach().std(unbiased=False).item(), p.detach().mean().item()]
            for p in network_class(nz, depth).parameters()]


def _mapped(matrices: Tensor, z: Tensor, *, first: Callable | None = None, squash: Callable | None = None,
            last: bool = True) -> Tensor:
    first = first or _sphere
    squash = squash or (lambda x: F.leaky_relu(x, 0.2) * math.sqrt(2))
    w = first(z)
    for k, matrix in enumerate(matrices):
        w = w @ matrix
        w = squash(w) if last or k < len(matrices) - 1 else w
    return w


MAPPING_MISTAKES: list[tuple[Callable, str]] = [
    (lambda m, z: _mapped(m, z, first=lambda z: z), "z is not brought to one length before the first layer."),
    (lambda m, z: _mapped(m, z, first=lambda z: F.normalize(z, dim=-1)), "Divide by the root of the *mean* of the squares, so "
     "that the numbers keep the size 1: you divide by the length."),
    (lambda m, z: _mapped(m, z, first=lambda z: z / (z.square().mean(0, keepdim=True) + 1e-8).sqrt()),
     "The mean is over each z's own numbers (the last axis), not over the batch."),
    (lambda m, z: _mapped(m, z, first=lambda z: z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()),
     "The numbers of a z lie along the *last* axis, -1, which is not always axis 1."),
    (lambda m, z: _mapped(m, z, first=lambda z: z / (z.square().mean() + 1e-8).sqrt()),
     "Each z is divided by its own size: mean(-1, keepdim=True)."),
    (lambda m, z: _mapped(m, z, first=lambda z: z / (z.square().mean(-1, keepdim=True) + 1e-8)), "The root is missing."),
    (lambda m, z: _mapped(m, z, squash=lambda x: x), "There is nothing between the layers: `activate`."),
    (lambda m, z: _mapped(m, z, squash=lambda x: F.leaky_relu(x, 0.2)), "Use `activate`: its sqrt(2) keeps the size."),
    (lambda m, z: _mapped(m, z, squash=torch.relu), "Use `activate`, a leaky ReLU times sqrt(2)."),
    (lambda m, z: _mapped(m, z, last=False), "The last layer, too, is followed by `activate`."),
    (lambda m, z: _mapped(m, z, first=lambda z: F.layer_norm(z, z.shape[-1:], eps=1e-8)), "No mean is taken off: z is divided "
     "by the root of its mean square, and that is all."),
    (lambda m, z: _mapped(m, z, first=lambda z: z / (z.std(-1, keepdim=True) + 1e-8)), "The root of the mean square, about 0, "
     "not the standard deviation, which is about z's own mean."),
    *((lambda m, z, eps=eps: _mapped(m, z, first=lambda z: z / (z.square().mean(-1, keepdim=True) + eps).sqrt()),
       "Too much is added to the mean of the squares: 1e-8.") for eps in (1.0, 1e-3)),
    (lambda m, z: _mapped(m, z, first=lambda z: z / (z.square().mean(-1, keepdim=True).sqrt() + 1)), "1e-8 is added, not 1."),
    (lambda m, z: _before(m, _sphere(z)), "Each layer is *followed* by `activate`: you activate before the layer."),
    (lambda m, z: functools.reduce(lambda w, one: _mapped(one[None], w), m, z),
     "Only z is brought to one length, once, before the first layer."),
    (lambda m, z: _sphere(_mapped(m, z)), "z is brought to one length, not w."),
    (lambda m, z: _sphere(_mapped(m, z, first=lambda z: z)), "z is brought to one length, not w."),
]


def _length_of(z: Tensor) -> Tensor:
    return (z.square().mean(-1, keepdim=True) + 1e-8).sqrt()


def _sphere(z: Tensor) -> Tensor:
    return z / _length_of(z)


def _before(matrices: Tensor, w: Tensor) -> Tensor:
    for matrix in matrices:
        w = F.leaky_relu(w, 0.2) * math.sqrt(2) @ matrix
    return w


def _map_styles(subject: Subject, matrices: Tensor, z: Tensor) -> dict:
    mine = subject.probe(mapped_by, matrices, z)
    if "w" not in mine:
        raise Wrong(hint="`layers` is an nn.ModuleList of the linear layers, `depth` of them, and `activate` is applied in "
                         f"forward: yours is {mine['layers']}, where {len(matrices)} were asked for.")
    return mine


SAME_SHAPE = "w has the shape of z, whatever axes stand before the last one, and however long they are."


@check("stylegan2.MappingNetwork", points=2,
       hint="z divided by the root of its mean square, then layer and `activate` in turn.")
def maps_z_to_w(subject: Subject, draw: Draw) -> None:
    matrices = draw.normal(3, 6, 6, std=0.4)
    for z in (4 * draw.normal(6, 6), draw.normal(3, 2, 6), draw.normal(1, 6)):
        right = _mapped(matrices, z)
        mistakes = [(wrong(matrices, z), hint) for wrong, hint in MAPPING_MISTAKES]
        assert_close(_map_styles(subject, matrices, z)["w"], right, mistakes=[
            *mistakes, (right.flatten(0, -2), SAME_SHAPE), (right.squeeze(0), SAME_SHAPE)])


@check("stylegan2.MappingNetwork", points=1, hint="z of zeros: add 1e-8 under the root, or 0 / 0 is NaN.")
def survives_a_z_of_zeros(subject: Subject, draw: Draw) -> None:
    matrices, z = draw.normal(2, 5, 5), draw.normal(4, 5)
    z[1] = 0
    z[3] *= 1e-4  # so small that it counts where the 1e-8 stands
    mine = torch.as_tensor(_map_styles(subject, matrices, z)["w"])
    if mine.shape == z.shape and not mine[:3].isfinite().all():
        raise Wrong(hint="A z of zeros gives NaN: add 1e-8 under the root, or it is 0 / 0.")
    right = _mapped(matrices, z)
    if mine.shape != right.shape or not any(is_close(mine[:3], wrong(matrices, z)[:3]) for wrong, _ in MAPPING_MISTAKES):
        assert_close(mine[:3] if mine.ndim else mine, right[:3])  # else it has cost its points already
    if mine.shape == right.shape and is_close(mine[:3], right[:3]) and not is_close(mine, right):
        raise Wrong(hint="A z of numbers around 0.0001 comes out at another size: 1e-8 is *added* to the mean of the squares, "
                         "under the root.")


@check("stylegan2.MappingNetwork", points=1, hint="`depth` layers EqualizedLinear(nz, nz, lr_scale=0.01) in an nn.ModuleList.")
def has_layers_of_a_hundredth_of_the_speed_that_learn(subject: Subject, draw: Draw) -> None:
    kept = subject.probe(kept_by, 40, 3, 5)
    shapes = [shape for shape, _, _ in kept]
    if shapes == [[40, 40]] or (len(shapes) == 2 and sorted(map(len, shapes)) == [1, 2]):
        raise Wrong(hint="One layer, or one that is used several times: make `depth` different ones.")
    if sorted(shapes) != sorted([[40, 40], [40]] * 3):
        raise Wrong(f"Its parameters have the shapes {shapes}.",
                    hint=f"Its parameters have the shapes {shapes}: are the layers in an nn.ModuleList, `depth` of them?")
    for shape, size, mean in kept:
        if len(shape) == 1 and abs(mean) > 1e-3:
            raise Wrong(hint="The biases begin at 0, as EqualizedLinear makes them: leave `bias` alone.")
        if len(shape) == 2 and abs(size - 1) < 0.1:
            raise Wrong(hint="lr_scale=0.01 is missing: the mapping network learns a hundred times more slowly.")
        if len(shape) == 2 and abs(size / 100 - 1) > 0.1:
            raise Wrong(f"Kept weights have the standard deviation {size:.3g}.",
                        hint="Kept weights should be of size 100, which EqualizedLinear makes of lr_scale=0.01.")
    matrices, z = draw.normal(3, 5, 5, std=0.5), draw.normal(4, 5)
    mine, right = subject.probe(mapping_pulls, matrices, z), _map_pulls(_mapped, matrices, z)
    cut = right.clone()
    cut[:z.numel()] = 0
    long = _map_pulls(lambda m, z: _mapped(m, z, first=lambda z: z / _length_of(z).detach()), matrices, z)
    if not any(is_close(mine, _map_pulls(wrong, matrices, z)) for wrong, _ in MAPPING_MISTAKES):  # these have cost their points
        assert_close(mine, right, mistakes=[
            (long, "The length of z has a gradient, too: do not detach it."),
            (torch.zeros_like(right), "No gradient reaches the layers: a style is a part of the graph, no detach() and no "
                                      "no_grad()."),
            (cut, "The gradient does not reach z: nothing of the way from z to w is detached.")])


def _map_pulls(function: Callable, matrices: Tensor, z: Tensor) -> Tensor:
    given = [t.clone().requires_grad_() for t in (z, matrices)]
    return torch.cat([g.flatten() for g in torch.autograd.grad(spread_sum(function(given[1], given[0])), given)])



# Modulated convolution

def _per_sample(x: Tensor, weight: Tensor, style: Tensor, *, demodulate: bool = True, over: tuple = (1, 2, 3),
                root: bool = True, by: Callable | None = None, eps: float = 1e-8, own: Callable | None = None,
                padding: int | None = None) -> Tensor:
    """Equations 1 and 3 as they stand: other weights for each sample."""
    outs = []
    for image, factors in zip(x, style, strict=True):
        scaled = (own or (lambda w, s: w * s[None, :, None, None]))(weight, factors)
        if demodulate:
            squares = (by(weight, factors) if by else scaled).square().sum(over, keepdim=True) + eps
            scaled = scaled / (squares.sqrt() if root else squares)
        outs.append(F.conv2d(image[None], scaled, padding=weight.shape[-1] // 2 if padding is None else padding))
    return torch.cat(outs)


PADDING = "Height and width stay, for each odd kernel: padding = k // 2."
CONV_MISTAKES: list[tuple[Callable, str]] = [
    (lambda x, w, s: _per_sample(x, w, s, demodulate=False),
     "Nothing is demodulated: divide by the length of the scaled weights."),
    (lambda x, w, s: _per_sample(x, w, s, by=lambda w, s: w), "You divide by the length of the weights *before* the style "
     "scaled them."),
    (lambda x, w, s: _per_sample(x, w, s, over=(0, 2, 3)), "One length for each feature that goes *out*: sum over the features "
     "that go in and over the kernel, axes 1, 2, 3 of (O, I, k, k)."),
    (lambda x, w, s: _per_sample(x, w, s, over=(2, 3)),
     "The sum of squares is over the features that go in, too, not only over the kernel."),
    (lambda x, w, s: _per_sample(x, w, s, over=(1,)), "The sum of squares is over the kernel, too."),
    (lambda x, w, s: _per_sample(x, w, s, over=(0, 1, 2, 3)),
     "Each output feature has its own length: you divide all of them by one."),
    (lambda x, w, s: _per_sample(x, w, s, root=False), "Divide by the length, the *root* of the sum of squares."),
    (lambda x, w, s: _per_sample(x, w, s[:1].expand_as(s)), "Every sample gets the first one's style."),
    (lambda x, w, s: _per_sample(x, w, s.mean(0, keepdim=True).expand_as(s)), "Each sample has its own style: no mean over the "
     "batch."),
    (lambda x, w, s: _per_sample(x, w, 1 + s),
     "The style is the factor itself. (Its bias of 1 is in the layer that makes it.)"),
    (lambda x, w, s: _per_sample(x, w, torch.ones_like(s)), "The style does nothing."),
    (lambda x, w, s: F.instance_norm(_per_sample(x, w, s, demodulate=False)),
     "This normalises with the statistics of each map, as StyleGAN did. Demodulation looks at weights and style only."),
    (lambda x, w, s: _per_sample(x, w, s, own=lambda w, f: w + f[None, :, None, None]), "A style multiplies, it is not added."),
    (lambda x, w, s: _per_sample(x, w, s, padding=0), PADDING),
    (lambda x, w, s: _per_sample(x, w, s, padding=1), PADDING),
    (lambda x, w, s: _per_sample(x, w, s.abs()), "A style keeps its sign: a negative one turns a feature round."),
    (lambda x, w, s: _per_sample(x, w, s, own=lambda w, f: w * f[:, None, None, None]) if len(w) == w.shape[1] else x,
     "A style belongs to a feature that goes *in*, axis 1 of the weights: style[b][None, :, None, None]."),
    (lambda x, w, s: _per_sample(x, w, s, demodulate=False) / _length(w, s.square().mean(0, keepdim=True).sqrt()),
     "The lengths, too, are each sample's own: no mean over the batch."),
    (lambda x, w, s: _per_sample(x, w, s, demodulate=False) / _length(w.sum((2, 3), keepdim=True), s),
     "Square first, then sum: the length is the root of the sum of *squares*."),
    (lambda x, w, s: _per_sample(x, w, s, demodulate=False) / _length(w, s.abs().sqrt()),
     "Under the root the style comes out squared, like the weights that it scales."),
    (lambda x, w, s: (y := _per_sample(x, w, s)).reshape(len(w), len(x), *x.shape[2:]).transpose(0, 1).reshape(y.shape),
     "Samples and features are mixed: the groups of one large convolution lie sample after sample, view(B, O, H, W)."),
    *((lambda x, w, s, root=root: _by_deviation(_per_sample(x, w, s, demodulate=False), root),
       "This divides by the deviation of each map that came out. Demodulation looks at weights and style only.")
      for root in (0, 1)),
    (lambda x, w, s: _apart(_per_sample(x, w, s, demodulate=False), w, s), "The length of the *scaled* weights is not the "
     "product of the lengths of weights and style: scale first, then sum the squares."),
    (lambda x, w, s: _by_map(_per_sample(x, w, s, demodulate=False)),
     "This divides by the size of each map that came out. Demodulation looks at weights and style only."),
    (lambda x, w, s: _per_sample(x, w, s) * (w[0].numel() ** 0.5), "The *sum* of the squares under the root, not their mean."),
    (lambda x, w, s: F.layer_norm(_per_sample(x, w, s, demodulate=False), (len(w), *x.shape[2:])),
     "This normalises with the statistics of what came out. Demodulation looks at weights and style only."),
]


def _apart(out: Tensor, weight: Tensor, style: Tensor) -> Tensor:
    lengths = (weight.square().sum((1, 2, 3)) * style.square().sum(1, keepdim=True) + 1e-8).sqrt()  # (B, O)
    return out / lengths[:, :, None, None]


def _by_deviation(out: Tensor, correction: int) -> Tensor:
    return out / (out.var((2, 3), correction=correction, keepdim=True) + 1e-8).sqrt()


def _by_map(out: Tensor) -> Tensor:
    return out / (out.square().mean((2, 3), keepdim=True) + 1e-8).sqrt()


def of_one_for_all(function: Callable, x: Tensor, weight: Tensor, style: Tensor) -> Tensor:
    """What comes of a constant (1, I, H, W) that stands for each sample of a batch, as at the beginning of a generator."""
    return function(x.expand(len(style), -1, -1, -1), weight, style)


def _assert_modulated(subject: Subject, x: Tensor, weight: Tensor, style: Tensor) -> None:
    mistakes = ((wrong(x, weight, style), hint) for wrong, hint in CONV_MISTAKES)
    assert_close(subject(x, weight, style), _per_sample(x, weight, style), mistakes=mistakes, atol=1e-4, rtol=1e-3)


@check("stylegan2.modulated_conv", points=4,
       hint="Weights times style, divided by their length, a convolution for each sample.")
def equals_other_weights_for_each_sample(subject: Subject, draw: Draw) -> None:
    _assert_modulated(subject, draw.normal(3, 5, 6, 7), draw.normal(4, 5, 3, 3), draw.normal(3, 5))
    _assert_modulated(subject, draw.normal(4, 4, 5, 5), draw.normal(4, 4, 3, 3), draw.normal(4, 4))
    _assert_modulated(subject, draw.normal(1, 3, 4, 6), draw.normal(2, 3, 3, 3), draw.normal(1, 3))  # a batch of one
    given = draw.normal(1, 3, 4, 6), draw.normal(2, 3, 3, 3), draw.normal(5, 3)
    assert_close(subject.probe(of_one_for_all, *given), of_one_for_all(_per_sample, *given), atol=1e-4, rtol=1e-3)


@check("stylegan2.modulated_conv", points=1, hint="demodulate=False leaves out the division, nothing else.")
def also_undemodulated_and_for_kernels_of_1_and_5(subject: Subject, draw: Draw) -> None:
    for kernel in (1, 5):
        x, weight, style = draw.normal(2, 3, 6, 7), draw.normal(5, 3, kernel, kernel), draw.normal(2, 3)
        mistakes = [(_per_sample(x, weight, style), "demodulate=False is ignored."),
                    (F.conv2d(x, weight, padding=kernel // 2), "Without demodulation, too, the style scales the weights."),
                    *((_per_sample(x, weight, style, demodulate=False, padding=padding), PADDING) for padding in (0, 1))]
        assert_close(subject(x, weight, style, demodulate=False), _per_sample(x, weight, style, demodulate=False),
                     atol=1e-4, rtol=1e-3, mistakes=mistakes)


@check("stylegan2.modulated_conv", points=1, hint="A style of zeros gives zeros: add 1e-8 under the root, or it is 0 / 0.")
def a_style_of_zeros_gives_zeros(subject: Subject, draw: Draw) -> None:
    x, weight, style = draw.normal(4, 4, 5, 5), draw.normal(2, 4, 3, 3), draw.normal(4, 4)
    style[1] = 0
    style[3] *= 2e-5  # so small that it counts where the 1e-8 stands
    mine = torch.as_tensor(subject(x, weight, style))
    if not (mine[:3] if mine.ndim else mine).isfinite().all():
        raise Wrong(hint="A style of zeros gives NaN: add 1e-8 under the root, or it is 0 / 0.")
    near = functools.partial(is_close, atol=1e-4, rtol=1e-3)
    right = _per_sample(x, weight, style)
    if mine.shape != right.shape or not near(mine[:3], right[:3]):
        if not any(near(mine[:3] if mine.ndim else mine, wrong(x, weight, style)[:3]) for wrong, _ in CONV_MISTAKES):
            assert_close(mine, right, atol=1e-4, rtol=1e-3)
        return  # that has cost its points already
    if not near(mine, right):
        raise Wrong(hint="A style of numbers around 0.00002 makes features of another size: 1e-8 is *added* to the sum of the "
                         "squares, under the root.")


def gradients_of(function: Callable, x: Tensor, weight: Tensor, style: Tensor, y: Tensor) -> list:
    """Gradients of a sum over what comes out, weighted by y."""
    inputs = [t.clone().requires_grad_() for t in (x, weight, style)]
    out = (function(*inputs) * y).sum()
    found = torch.autograd.grad(out, inputs, allow_unused=True) if out.requires_grad else [None] * 3
    return [torch.zeros_like(x) if g is None else g.detach() for x, g in zip(inputs, found, strict=True)]


@check("stylegan2.modulated_conv", points=1,
       hint="The gradient flows through the length, too: no detach(), no .data, no no_grad().")
def gradients_reach_weights_and_style(subject: Subject, draw: Draw) -> None:
    given = (draw.normal(2, 3, 4, 4), draw.normal(3, 3, 3, 3), draw.normal(2, 3), draw.normal(2, 3, 4, 4))
    flat = lambda parts: torch.cat([torch.as_tensor(part).flatten() for part in parts])
    mine, value = flat(subject.probe(gradients_of, *given)), subject(*given[:3])
    for wrong, _ in CONV_MISTAKES:  # what has cost its points already, with its own gradient
        if is_close(value, wrong(*given[:3]), atol=1e-4, rtol=1e-3) and (
                is_close(mine, flat(gradients_of(wrong, *given)), atol=1e-3, rtol=1e-3)):
            return
    cuts = [lambda x, w, s: _per_sample(x, w, s, demodulate=False) / _length(w, s).detach(),
            lambda x, w, s: _per_sample(x, w.detach(), s), lambda x, w, s: _per_sample(x, w, s.detach()),
            lambda x, w, s: _per_sample(x.detach(), w, s), lambda x, w, s: _per_sample(x, w, s).detach(),
            lambda x, w, s: _per_sample(x, w, s, demodulate=False) / _length(w.detach(), s),
            lambda x, w, s: _per_sample(x, w, s, demodulate=False) / _length(w, s.detach())]
    said = ("No gradient flows through the length: no detach(), no .data, no no_grad().",
            *(f"No gradient reaches {what}: no detach(), no .data, no no_grad()." for what in (
                "the weights", "the style", "the features", "anything")),
            *(f"No gradient flows from the length to {what}: no detach(), no .data." for what in ("the weights", "the style")))
    assert_close(mine, flat(gradients_of(_per_sample, *given)), atol=1e-3, rtol=1e-3, mistakes=(
        (flat(gradients_of(cut, *given)), hint) for cut, hint in zip(cuts, said, strict=True)))


def _length(weight: Tensor, style: Tensor) -> Tensor:
    return (style.square() @ weight.square().sum((2, 3)).T + 1e-8).sqrt()[:, :, None, None]


# A styled convolution, which had three faults

def styled_with(layer_class: type, sizes: list[int], double: bool, weights: dict, x: Tensor, w: Tensor) -> Tensor:
    """What the layer makes of x in evaluation mode; of its style only the weight is set, and the bias moved."""
    layer = layer_class(*sizes, double=double)
    with torch.no_grad():
        layer.style.weight.copy_(weights["style"])
        layer.style.bias.add_(weights["shift"])
        for name in ("weight", "bias", "strength", "noise"):
            getattr(layer, name).copy_(weights[name])
    return layer.eval()(x, w).detach()


def new_layer(layer_class: type, sizes: list[int], weights: dict, x: Tensor, w: Tensor) -> dict:
    """Of a new layer the strength, the noise and the names of what learns; and, with these weights, the slope in the strength
    of the sum of what it makes of x in training, 0 where there is none."""
    layer = layer_class(*sizes)
    new = {"strength": torch.as_tensor(layer.strength).detach().clone(), "noise": torch.as_tensor(layer.noise).detach().clone(),
           "learnt": [name for name, _ in layer.named_parameters()]}
    with torch.no_grad():
        layer.style.weight.copy_(weights["style"])
        for name in ("weight", "bias", "strength", "noise"):
            getattr(layer, name).copy_(weights[name])
    out = layer.train()(x, w).sum()
    slope = torch.autograd.grad(out, layer.strength, allow_unused=True)[0] if layer.strength.requires_grad else None
    return new | {"slope": torch.zeros(()) if slope is None else slope.detach()}


def noise_in_training(layer_class: type, sizes: list[int], x: Tensor, w: Tensor, strength: float, seed: int,
                      double: bool = False) -> list:
    """What the noise adds before the activation, in two calls in training; then the noise that the layer keeps, before and
    after them."""
    torch.manual_seed(seed)
    layer, seen = layer_class(*sizes, double=double).train(), []
    kept = layer.noise.clone()
    for level in (0.0, strength, strength):
        with torch.no_grad():
            layer.strength.fill_(level)
            out = layer(x, w) / math.sqrt(2)
            seen.append(torch.where(out > 0, out, out / 0.2))
    return [*((s - seen[0]) / strength for s in seen[1:]), kept, torch.as_tensor(layer.noise).detach().clone()]


def _styled(weights: dict, double: bool, x: Tensor, w: Tensor, *, bias: float = 1.0, late: bool = False,
            silent: bool = False) -> Tensor:
    style = w @ weights["style"].T / w.shape[1] ** 0.5 + bias + weights["shift"]
    out = _per_sample(x, weights["weight"] / weights["weight"][0].numel() ** 0.5, style)
    if double:
        out = F.interpolate(out, scale_factor=2, mode="bilinear", align_corners=False)
    noise = 0 if silent else weights["strength"] * weights["noise"]
    out = F.leaky_relu(out + weights["bias"][:, None, None] + (0 if late else noise), 0.2) * math.sqrt(2)
    return out + noise if late else out


def _draw_styled(draw: Draw, double: bool, strength: float) -> tuple:
    size = 8 if double else 4
    weights = {"style": draw.normal(4, 6), "weight": draw.normal(5, 4, 3, 3), "bias": draw.normal(5), "shift": torch.zeros(4),
               "strength": torch.tensor(strength), "noise": draw.normal(1, 1, size, size)}
    return [4, 5, size, 6], double, weights, draw.normal(3, 4, 4, 4), draw.normal(3, 6)


NO_BIAS = ("A w of zeros should give the style 1, so that a new layer is a plain convolution: the layer that makes the style "
           "needs its bias.")
NEW_NOISE = ("In evaluation mode the noise is the one that the layer keeps, self.noise. New noise for each call makes a still "
             "style flicker.")


RESTORED = "The bias of the layer that makes the style is 1 at first, and then learns: forward puts it back in each call."
AT_FIRST = "`strength` is 0 at first: a new layer has no noise, and learns how much it wants."
SHAPE = "The noise that a layer keeps is (1, 1, size, size): one number a pixel, the same for all features."
LEARNT = ("`strength` is an nn.Parameter, 0 at first, that learns; `noise` is a buffer and does not. So you were given them: "
          "change only what is wrong.")
LATE = "Noise and bias come before the activation, and not behind it."
KEPT = ("In evaluation mode strength times self.noise, the noise that the layer keeps, is added to what the convolution has "
        "made, doubled where it should be, before bias and activation.")


@check("stylegan2.StyledConv", points=1, hint=NO_BIAS)
def a_new_style_lies_around_1(subject: Subject, draw: Draw) -> None:
    sizes, double, weights, x, w = _draw_styled(draw, False, 0.0)
    for given in (torch.zeros_like(w), w):
        mine = subject.probe(styled_with, sizes, double, weights, x, given)
        assert_close(mine, _styled(weights, double, x, given), atol=1e-4, rtol=1e-3, mistakes=[
            (_styled(weights, double, x, given, bias=0.0), NO_BIAS),
            (_styled(weights, double, x, 0 * given), "The style no longer depends on w: s = A w + b."),
            (_styled(weights, double, x, 0 * given, bias=0.0), "The style no longer depends on w: s = A w + b.")])
    moved = weights | {"shift": draw.normal(4, std=0.5)}
    assert_close(subject.probe(styled_with, sizes, double, moved, x, w), _styled(moved, double, x, w), atol=1e-4, rtol=1e-3,
                 mistakes=[(_styled(weights, double, x, w), RESTORED)])


@check("stylegan2.StyledConv", points=2, hint=NEW_NOISE)
def an_image_keeps_its_noise(subject: Subject, draw: Draw) -> None:
    near = functools.partial(is_close, atol=1e-4, rtol=1e-3)
    for double in (False, True):
        sizes, _, weights, x, w = _draw_styled(draw, double, 0.7)
        mine, again = (subject.probe(styled_with, sizes, double, weights, x, w) for _ in range(2))
        right, silent = ([_styled(weights, double, x, w, bias=b, silent=no) for b in (1.0, 0.0)] for no in (False, True))
        if any(near(mine, value) for value in right):
            continue
        still = subject.probe(styled_with, sizes, double, {**weights, "strength": torch.tensor(0.0)}, x, w)
        if not any(near(still, value) for value in silent):
            raise Wrong(hint="Without noise, too, the layer is another one now: change only what is wrong.")
        if any(near(mine, value) for value in silent):
            raise Wrong(hint="In evaluation mode there is no noise at all: the one that the layer keeps, self.noise, is added.")
        if any(near(mine, _styled(weights, double, x, w, bias=b, late=True)) for b in (1.0, 0.0)):
            raise Wrong(hint=LATE)
        raise Wrong(hint=KEPT if near(mine, again) else NEW_NOISE)
    sizes, _, weights, x, w = _draw_styled(draw, False, 0.7)
    if torch.as_tensor(subject.probe(new_layer, sizes, weights, x, w)["noise"]).shape != weights["noise"].shape:
        raise Wrong(hint=SHAPE)


@check("stylegan2.StyledConv", points=1, hint="In training: torch.randn_like(x[:, :1]), one number a pixel and sample.")
def in_training_every_sample_has_its_own(subject: Subject, draw: Draw) -> None:
    seen = subject.probe(noise_in_training, [3, 4, 40, 5], draw.normal(1, 3, 40, 40).expand(3, -1, -1, -1),
                         draw.normal(1, 5).expand(3, -1), 0.5 + draw.uniform(1).item(), 3)
    first, second, kept, after = (torch.as_tensor(s) for s in seen)  # (B, C, H, W), twice, and (1, 1, H, W), twice
    if not is_close(after, kept, rtol=0, atol=0):
        raise Wrong(hint="Training changes `self.noise`, which the layer keeps for evaluation mode: draw a noise of its own, "
                         "and leave the kept one alone.")
    across = _alike(first[:, 0], first[:, 1])
    if across < 0.9:
        raise Wrong(hint="Each feature has a noise of its own. It is one number a pixel, the same for all features: "
                         "(B, 1, H, W).")
    if first[0, 0].std() < 0.05:
        raise Wrong(hint="One number for a whole sample: the noise is one number a *pixel*, (B, 1, H, W).")
    if _alike(first[0], second[0]) > 0.9:
        raise Wrong(hint="In training, too, the noise never changes: the generator would learn it by heart. "
                         "Draw it in each call.")
    if _alike(first[0], first[1]) > 0.9:
        raise Wrong(hint="All samples of a batch share one noise: x[:1, :1] has one sample. Give each its own.")
    if is_close(first[0, 0].flatten().sort().values, kept.flatten().sort().values, atol=1e-2):
        raise Wrong(hint="In training the noise is the kept one in another order: draw a new one in each call.")
    if abs(first[:, 0].std() - 1) > 0.08 or abs(first.mean()) > 0.08 or _alike(first[0], first[1]) > 0.15:
        raise Wrong("The noise is not a standard Gaussian times `strength`.")
    seen = subject.probe(noise_in_training, [3, 4, 40, 5], draw.normal(2, 3, 20, 20), draw.normal(2, 5), 1.0, 3, double=True)
    noise = torch.as_tensor(seen[0])[:, 0]
    if _alike(noise[:, :, 1:], noise[:, :, :-1]) > 0.15:
        raise Wrong(hint="In a layer that doubles, neighbouring pixels share their noise: draw it behind the doubling, one "
                         "number for each pixel that comes out.")
    _assert_strength_learns(subject, draw)


def _assert_strength_learns(subject: Subject, draw: Draw) -> None:
    sizes, _, weights, x, w = _draw_styled(draw, False, 0.7)
    mine = subject.probe(new_layer, sizes, weights, x, w)
    if not is_close(mine["strength"], torch.zeros(())):
        raise Wrong(hint=AT_FIRST)
    if "noise" in mine["learnt"] or is_close(mine["slope"], torch.zeros(())):
        raise Wrong(hint=LEARNT)


def _alike(a: Tensor, b: Tensor) -> float:
    """The correlation of two sets of numbers."""
    a, b = a.flatten() - a.mean(), b.flatten() - b.mean()
    return (a @ b / (a.norm() * b.norm() + 1e-12)).item()


# Path lengths

def lengths_with(function: Callable, weights: list[Tensor], w: Tensor, y: Tensor) -> dict:
    """Lengths for images that tanh makes of linear maps of the styles, one of each layer, and their gradients."""
    weights = [weight.clone().requires_grad_() for weight in weights]
    w = 1.0 * w.clone().requires_grad_()  # computed, as a mapping network computes it
    images = torch.stack([torch.tanh(w[:, k] @ weight) for k, weight in enumerate(weights)]).sum(0).view(y.shape)
    lengths = function(images, w, y)
    result = {"lengths": lengths.detach(), "left": torch.cat([torch.zeros(p.numel()) if p.grad is None else p.grad.flatten()
                                                              for p in weights])}
    if lengths.requires_grad:
        found = torch.autograd.grad(lengths.sum(), weights, allow_unused=True)
        result["gradient"] = torch.cat([torch.zeros(p.numel()) if g is None else g.flatten()
                                        for g, p in zip(found, weights, strict=True)])
    return result


def _lengths(images: Tensor, w: Tensor, y: Tensor, *, scale: Callable = lambda y: (y.shape[2] * y.shape[3]) ** 0.5,
             over: Callable = lambda g: g.square().sum(2).mean(1).sqrt()) -> Tensor:
    (gradient,) = torch.autograd.grad((images * y / scale(y)).sum(), w, create_graph=True)
    return over(gradient)


LENGTH_MISTAKES: list[tuple[Callable, str]] = [
    (lambda *a: _lengths(*a, scale=lambda y: 1.0),
     "The noise is divided by sqrt(H W), so that lengths do not grow with the size of the images."),
    (lambda *a: _lengths(*a, scale=lambda y: y.shape[2] * y.shape[3]), "Divide by the *root* of H W."),
    (lambda *a: _lengths(*a, scale=lambda y: y[0].numel() ** 0.5), "sqrt(H W): colours are not counted."),
    (lambda *a: _lengths(*a, scale=lambda y: y.numel() ** 0.5), "sqrt(H W): neither colours nor the batch are counted."),
    (lambda *a: _lengths(*a, scale=lambda y: len(y) * (y.shape[2] * y.shape[3]) ** 0.5),
     "A mean over the batch makes all lengths B "
     "times too short: differentiate the sum. Samples do not meet, so each keeps its own gradient."),
    (lambda *a: _lengths(*a, scale=lambda y: y.shape[3]), "sqrt(H W): images need not be square."),
    (lambda *a: _lengths(*a, scale=lambda y: y.numel() * (y.shape[2] * y.shape[3]) ** 0.5),
     "Sum the products of images and noise; a mean makes lengths too short."),
    (lambda *a: _lengths(*a, over=lambda g: g.square().sum(1).mean(1).sqrt()),
     "The axes are exchanged: sum the squares over the numbers of w, axis 2, and take the mean over layers, axis 1."),
    (lambda *a: _lengths(*a, over=lambda g: (g.square().sum((1, 2)) / 2).sqrt()) if a[1].shape[1] != 2 else a[1],
     "The mean is over all layers, w.shape[1] of them: two are not always right."),
    *((lambda *a, k=k: _lengths(*a, over=lambda g: g[:, k].norm(dim=1)), "Every layer counts: the mean of their squared "
       "lengths.") for k in (0, -1)),
    (lambda *a: _lengths(*a, over=lambda g: g.square().sum(2).amax(1).sqrt()), "The *mean* over layers, not the largest."),
    (lambda *a: _lengths(*a, over=lambda g: g.square().sum(2).mean(1).sqrt().mean().expand(len(g))),
     "Return the length of each sample, no mean over them."),
    (lambda *a: _lengths(*a, scale=lambda y: y.numel()),
     "Sum the products of images and noise; a mean makes lengths too short."),
    (lambda *a: _lengths(*a, over=lambda g: g.square().sum(2).mean(1)), "The root is missing: these are squared lengths."),
    (lambda *a: _lengths(*a, over=lambda g: g.square().sum(2).sum(1).sqrt()),
     "Over the layers it is a *mean* of squared lengths, not a sum."),
    (lambda *a: _lengths(*a, over=lambda g: g.square().sum(2).sqrt().mean(1)), "First the mean over layers, then the root."),
    (lambda *a: _lengths(*a, over=lambda g: g.square().mean(2).mean(1).sqrt()),
     "A length: *sum* the squares over the numbers of w."),
    (lambda *a: _lengths(*a, over=lambda g: g.square().sum(2).mean(1).sqrt().mean()),
     "Return one length for each sample, no mean over them."),
    (lambda *a: _lengths(*a, over=lambda g: g.abs().sum(2).mean(1)), "The Euclidean length: squares, sum, root."),
    (lambda *a: _lengths(a[0], a[1], torch.ones_like(a[2])), "The noise is not used: you differentiate the sum of all pixels."),
    (lambda *a: _lengths(*a, scale=lambda y: y.shape[2] ** 0.5), "sqrt(H W): height *and* width."),
    (lambda *a: _lengths(*a, over=lambda g: g.square().sum(2).mean(1)[:1].expand(len(g)).sqrt()), "Every sample has its own."),
]


def _draw_lengths(draw: Draw, count: int = 4, layers: int = 3) -> tuple[list[Tensor], Tensor, Tensor]:
    return [draw.normal(5, 48, std=0.5) for _ in range(layers)], draw.normal(count, layers, 5), draw.normal(count, 2, 4, 6)


@check("stylegan2.path_lengths", points=3, hint="Differentiate the sum of images times y / sqrt(H W) with respect to w, by "
       "torch.autograd.grad: w is computed, so backward() leaves it no .grad.")
def measures_the_product_with_the_jacobian(subject: Subject, draw: Draw) -> None:
    for sizes in ((), (1, 2)):
        weights, w, y = _draw_lengths(draw, *sizes)
        mine = subject.probe(lengths_with, weights, w, y)
        right = lengths_with(_lengths, weights, w, y)["lengths"]
        one = [(right[0], "A batch of one has one length, (1,): no squeeze().")] if len(w) == 1 else []
        mistakes = ((lengths_with(wrong, weights, w, y)["lengths"], hint) for wrong, hint in LENGTH_MISTAKES)
        assert_close(mine["lengths"], right, mistakes=itertools.chain(one, mistakes))
        if torch.as_tensor(mine["left"]).any():
            raise Wrong(hint="backward() leaves gradients in all weights of the generator, which the next step takes up: "
                             "torch.autograd.grad(..., w) gives that of w alone.")


@check("stylegan2.path_lengths", points=2, hint="The generator learns from this gradient's length: torch.autograd.grad needs "
       "create_graph=True, and nothing may be detached.")
def leaves_a_graph_behind(subject: Subject, draw: Draw) -> None:
    weights, w, y = _draw_lengths(draw)
    mine, right = subject.probe(lengths_with, weights, w, y), lengths_with(_lengths, weights, w, y)
    if "gradient" not in mine:
        raise Wrong(hint="The lengths have no graph: torch.autograd.grad needs create_graph=True, and nothing may be detached.")
    for wrong, _ in LENGTH_MISTAKES:  # what has cost its points already, with its own gradient
        other = lengths_with(wrong, weights, w, y)
        if all(is_close(mine[part], other[part], atol=1e-4, rtol=1e-3) for part in ("lengths", "gradient")):
            return
    assert_close(mine["gradient"], right["gradient"], atol=1e-4, rtol=1e-3)


# The penalty and its running mean

def penalties_with(function: Callable, lengths: Tensor, start: float, decay: float | None) -> dict:
    """Penalties of several batches of lengths (S, B) in turn, their gradients, the mean after each, and the lengths as they
    are left; no decay where it is None."""
    mean, values, gradients, means, left, held = torch.tensor(start), [], [], [], [], []
    for batch in lengths:
        mean = mean.detach()
        batch = batch.clone().requires_grad_()
        value = torch.as_tensor(function(batch, mean, *([] if decay is None else [decay])))
        gradient = torch.autograd.grad(value, batch, allow_unused=True)[0] if value.requires_grad else None
        values.append(value.detach())
        gradients.append(torch.zeros_like(batch) if gradient is None else gradient)
        means.append(mean.detach().clone())
        left.append(batch.detach())
        held.append(mean.requires_grad)
    return {"held": held, "values": torch.stack(values), "gradients": torch.stack(gradients), "means": torch.stack(means),
            "left": torch.stack(left)}


def _penalty(lengths: Tensor, mean: Tensor, decay: float = 0.99, *, attached: bool = False, move: bool = True,
             late: bool = False, share: Callable = lambda d: d, first: bool = True, own: bool = False, silent: bool = False,
             reduce: Callable = lambda d: d.square().mean()) -> Tensor:
    now = lengths.mean() if attached else lengths.detach().mean()
    goal = now if first and mean == 0 else share(decay) * mean.clone() + (1 - share(decay)) * now
    value = reduce(lengths - (now if own else mean.clone() if late else goal))
    value = 0 * value if silent and mean == 0 else value
    if move:
        mean.copy_(goal.detach())
    return value


MEAN_MISTAKES: list[tuple[dict, str]] = [
    (dict(share=lambda d: 1 - d), "The shares are exchanged: the running mean *keeps* `decay` of itself."),
    (dict(share=lambda d: 0.99), "How slowly it moves is for the caller to say: use `decay`."),
    (dict(share=lambda d: 0.0), "That is the mean of this batch alone: the running mean remembers."),
    (dict(move=False),
     "The running mean did not move: change it in place (copy_, lerp_, mul_ and add_); `mean = ...` only gives "
     "another thing the name."),
    (dict(first=False),
     "While it is 0 the running mean becomes the first batch's mean: from 0 it would take hundreds of steps."),
]
OWN = ("The lengths are compared with the *running* mean, not with the mean of their own batch: yours is the variance of the "
       "batch.")
VALUE_MISTAKES: list[tuple[dict, str]] = [
    (dict(late=True), "The running mean is moved first, then the lengths are compared with it."),
    (dict(own=True), OWN),
    (dict(own=True, attached=True), OWN),
    (dict(own=True, reduce=lambda d: d.square().sum() / (len(d) - 1)), OWN),
    (dict(reduce=lambda d: d.square().sum()), "The mean over the batch, not the sum."),
    (dict(reduce=lambda d: d.mean().square()), "Square each difference, then average: yours lets long and short paths cancel."),
    (dict(reduce=lambda d: d.abs().mean()), "Squared differences."),
    (dict(reduce=lambda d: d.square().mean().sqrt()), "No root: the mean of squares itself."),
    (dict(reduce=lambda d: d.square().mean() / 2), "No half."),
    *MEAN_MISTAKES,
]


def _draw_penalty(draw: Draw, start: float, batch: int = 5) -> tuple[Tensor, float, float]:
    return draw.uniform(3, batch, low=0.5, high=3), start, draw.uniform(1, low=0.6, high=0.9).item()


def _compare_penalty(subject: Subject, given: tuple, part: str, known: list) -> dict:
    mine, right = subject.probe(penalties_with, *given), penalties_with(_penalty, *given)
    mistakes = ((penalties_with(_penalty_with(options), *given)[part], hint) for options, hint in known)
    assert_close(mine[part], right[part], mistakes=mistakes)
    return mine


def _penalty_with(options: dict) -> Callable:
    return lambda lengths, mean, decay=0.99: _penalty(lengths, mean, decay, **options)


may_change("stylegan2.path_penalty", "written")  # it moves the running mean, as its text says


@check("stylegan2.path_penalty", points=1,
       hint="mean keeps `decay` of itself and takes 1 - decay of the lengths' mean, in place.")
def the_running_mean_moves(subject: Subject, draw: Draw) -> None:
    for start, batch in ((1.7, 5), (0.4, 1), (0.004, 5), (40.0, 5), (0.0, 5)):  # small is not 0, and large no reason to forget
        _compare_penalty(subject, _draw_penalty(draw, start, batch), "means", MEAN_MISTAKES)
    lengths, start, _ = _draw_penalty(draw, 1.7)
    _compare_penalty(subject, (lengths, start, None), "means", [
        (dict(share=lambda d: 0.9), "Where no decay is given it is 0.99.")])


@check("stylegan2.path_penalty", points=1, hint="The mean over the batch of (length - running mean) squared.")
def penalises_what_is_longer_or_shorter(subject: Subject, draw: Draw) -> None:
    given = _draw_penalty(draw, 1.7)
    mine = _compare_penalty(subject, given, "values", VALUE_MISTAKES)
    if not is_close(mine["left"], given[0], rtol=0, atol=0):
        raise Wrong(hint="It changes `lengths` in place: only `mean` is moved.")
    given = _draw_penalty(draw, 0.0)
    mine, slow = subject.probe(penalties_with, *given), penalties_with(_penalty_with(dict(first=False)), *given)
    if not is_close(mine["values"], slow["values"]):  # that has cost its points already
        _compare_penalty(subject, given, "values", [
            (dict(silent=True), "Where the mean begins, too, the penalty is that of these lengths."), *VALUE_MISTAKES])
    if any(mine["held"]):
        raise Wrong(hint="The running mean holds the graph of the lengths: detach them before they move it, from its first "
                         "batch on.")


@check("stylegan2.path_penalty", points=2,
       hint="The running mean is a goal: detach the lengths that move it, or the penalty pulls "
       "the goal to the lengths as well as the lengths to the goal.")
def only_the_lengths_are_pulled(subject: Subject, draw: Draw) -> None:
    given = _draw_penalty(draw, 1.7)
    mine = subject.probe(penalties_with, *given)
    for options, _ in VALUE_MISTAKES:  # what has cost its points already, with its own gradient
        other = penalties_with(_penalty_with(options), *given)
        if is_close(mine["values"], other["values"]) and is_close(mine["gradients"], other["gradients"]):
            return
    assert_close(mine["gradients"], penalties_with(_penalty, *given)["gradients"], mistakes=[
        (penalties_with(_penalty_with(dict(attached=True)), *given)["gradients"], (
            "The running mean is a goal: detach the lengths that move it, or the penalty pulls the goal to the lengths as well "
            "as the lengths to the goal.")),
        (torch.zeros_like(mine["gradients"]), "No gradient reaches the lengths: detach the goal, not the lengths, and return "
         "a tensor with its graph, no .item().")])


# A step

class TinyGenerator(nn.Module):
    """z (B, 3) to w (B, 2, 4) to images (B, 1, 2, 3)."""

    mean_path: Tensor

    def __init__(self, start: float):
        super().__init__()
        self.mapping, self.synth, self.calls = nn.Linear(3, 4), nn.Linear(8, 6), 0
        self.register_buffer("mean_path", torch.tensor(start))

    def styles(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        return self.mapping(z).tanh()[:, None] * torch.tensor([1.0, 0.5])[:, None]

    def synthesis(self, w: Tensor) -> Tensor:
        self.calls += 1  # no two calls give the same image, as with noise in training
        return (1 + 0.2 * self.calls) * self.synth(w.flatten(1)).tanh().view(-1, 1, 2, 3)

    def forward(self, z: Tensor, truncation: float = 1.0) -> Tensor:
        return self.synthesis(self.styles(z, truncation))


def after_style_steps(step: Callable, weights: list[Tensor], z: Tensor, noise: Tensor, weight: float, every: int,
                      first: int, train: bool = True) -> dict:
    """Both networks after a step for each batch of z (S, B, 3), and all losses; G in evaluation mode and D frozen, as
    `train` of the chapter hands it over, where not `train`."""
    generator = TinyGenerator(0.4)
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1), nn.Flatten(0))
    fill(nn.ModuleList([generator, discriminator]), weights)
    for parameter in generator.parameters():
        parameter.grad = torch.full_like(parameter, 0.3)  # of an earlier life: they must not count
    generator.train(train)
    discriminator.requires_grad_(train)
    optimizer = torch.optim.SGD(generator.parameters(), lr=0.3)
    losses = [step(generator, discriminator, optimizer, n, y, weight=weight, every=every, step=first + k)
              for k, (n, y) in enumerate(zip(z, noise, strict=True))]
    return {"G": torch.cat([p.detach().flatten() for p in generator.parameters()]),
            "D": torch.cat([p.detach().flatten() for p in discriminator.parameters()]),
            "mean": generator.mean_path.detach().clone(), "losses": losses}


def style_step_with(fault: str = "") -> Callable:
    """The step with one named fault; none gives the reference."""
    def step(generator, discriminator, optimizer, z, noise, *, weight, every, step):
        w = generator.styles(z)
        images = generator.synthesis(w)
        logits = discriminator(images)
        loss = F.softplus(-logits).mean()
        if fault == "saturating":
            loss = -F.softplus(logits).mean()
        if fault == "D's side":
            loss = F.softplus(logits).mean()
        if fault == "sum":
            loss = F.softplus(-logits).sum()
        due = {"always": True, "never": False, "late": step % every == every - 1, "all but": step % every != 0,
               "not at 0": step > 0 and step % every == 0, "one later": (step + 1) % every == 0}
        if due.get(fault, step % every == 0):
            if fault == "anew":
                w = generator.styles(z)
                images = generator.synthesis(w)
            y = noise / math.sqrt(images.shape[2] * images.shape[3]) if fault == "noise divided" else noise
            lengths = _lengths(images, w, y)
            mean = generator.mean_path.clone() if fault == "mean not kept" else generator.mean_path
            value = _penalty(lengths, mean, 0.99)
            factor = {"not lazy": 1, "divided": 1 / every, "minus": -every}.get(fault, every)
            value = value.detach() if fault == "detached" else value
            loss = loss + factor * (1 if fault == "unweighted" else weight) * value
        elif fault == "mean moves":
            _penalty(_lengths(images, w, noise), generator.mean_path, 0.99)
        if fault != "stale":
            optimizer.zero_grad()
        loss.backward()
        if fault == "cleared":
            optimizer.zero_grad()
        if fault != "still":
            optimizer.step()
        return loss.detach()
    return step


STEP_MISTAKES = [
    ("stale", "Gradients of earlier steps are added to this one's: call optimizer.zero_grad() before backward()."),
    ("still", "The weights did not move: is there a step() behind backward(), and no zero_grad() between the two?"),
    ("saturating", "This is the saturating loss; asked for is -log D, softplus(-s)."),
    ("D's side", "This is D's loss for fakes: the generator wants D to say real, softplus(-s)."),
    ("sum", "The mean over the batch, not the sum."),
]
LAZY_MISTAKES = [
    ("always", "The penalty is due in every `every`th step only: step % every == 0."),
    ("never", "The penalty does not reach the weights."),
    ("late", "The penalty is due first in step 0: step % every == 0."),
    ("not at 0", "The penalty is due in step 0, too: step % every == 0."),
    ("all but", "The penalty is due where step % every is 0, not where it is not."),
    ("not lazy", "A penalty that comes every k steps must be k times as heavy, or it is k times too weak."),
    ("divided", "A penalty that comes every k steps must be k times as heavy; you divide."),
    ("unweighted", "The penalty's weight is missing."),
    ("minus", "The penalty is added to the loss, not subtracted."),
    ("noise divided", "`path_lengths` divides the noise by sqrt(H W) itself: hand it over as it is."),
    ("mean not kept", "`path_penalty` moves generator.mean_path in place: hand over the buffer itself, no copy of it."),
    ("mean moves", "The running mean moves only in steps where the penalty is due: compute lengths and penalty there alone."),
    ("anew", "The penalty is that of the images which the step has made: run `styles` and `synthesis` once, and use what they "
             "give for both."),
]


def _draw_steps(draw: Draw, count: int, every: int, first: int, weight: float = 0.7) -> tuple:
    shapes = [(4, 3), (4,), (6, 8), (6,), (5, 6), (5,), (1, 5), (1,)]
    weights = [draw.normal(*s, std=0.6) for s in shapes]
    return weights, draw.normal(count, 6, 3), draw.normal(count, 6, 1, 2, 3), weight, every, first


@check("stylegan2.style_step", points=2, hint="Styles, images, the non-saturating loss; then clear, backward, step.")
def leaves_the_right_weights(subject: Subject, draw: Draw) -> None:
    for train in (True, False):
        given = (*_draw_steps(draw, 3, 5, 1, 0.0), train)
        mine, right = subject.probe(after_style_steps, *given), after_style_steps(style_step_with(), *given)
        if not is_close(mine["D"], right["D"], rtol=0, atol=0):
            raise Wrong(hint="The discriminator's weights moved. Only the generator is trained here.")
        assert_close(mine["G"], right["G"], mistakes=(
            (after_style_steps(style_step_with(fault), *given)["G"], hint) for fault, hint in STEP_MISTAKES))


@check("stylegan2.style_step", points=3, hint="Where due: path_lengths of these images, path_penalty with generator.mean_path, "
       "times weight, times every.")
def and_where_the_penalty_is_due(subject: Subject, draw: Draw) -> None:
    weights, z, noise, weight, every, _ = _draw_steps(draw, 1, 3, 0)

    def moved(after: Callable) -> Tensor:
        """By how much G's weights are elsewhere than without a penalty, and the running mean, after steps 0 to 3 and 6."""
        one = lambda first, heavy: after(weights, z, noise, heavy, every, first)
        still, steps = torch.as_tensor(one(1, 0.0)["G"]), [one(first, weight) for first in (0, 1, 2, 3, 6)]
        return torch.cat([part.flatten() for step in steps
                          for part in (torch.as_tensor(step["G"]) - still, torch.as_tensor(step["mean"]))])
    def known(fault: str) -> Tensor:
        return moved(lambda *given: after_style_steps(style_step_with(fault), *given))

    mine = moved(lambda *given: subject.probe(after_style_steps, *given))
    faults = [*LAZY_MISTAKES, ("detached", "The penalty does not reach the weights.")]
    assert_close(mine, known(""), mistakes=((known(fault), hint) for fault, hint in faults))


@check("stylegan2.style_step", points=1, hint="Return what was minimised, penalty included, detached.")
def returns_the_loss_of_the_step(subject: Subject, draw: Draw) -> None:
    given = _draw_steps(draw, 1, 2, 0)
    mine, right = subject.probe(after_style_steps, *given), after_style_steps(style_step_with(), *given)
    if any(value is None for value in mine["losses"]):
        raise Wrong(hint="The step returns None: return the loss.")
    if any(isinstance(value, Tensor) and value.requires_grad for value in mine["losses"]):
        raise Wrong(hint="What you return still holds its graph, and with it the memory of the step: detach it.")
    for fault, _ in (*STEP_MISTAKES, *LAZY_MISTAKES):  # what has cost its points already
        other = after_style_steps(style_step_with(fault), *given)
        right = other if is_close(mine["G"], other["G"]) else right
    without = after_style_steps(style_step_with("never"), *given)["losses"]
    for got, wanted, bare in zip(mine["losses"], right["losses"], without, strict=True):
        assert_close(got, wanted, mistakes=[(bare, "The loss that is returned lacks the penalty.")])


written("stylegan2.what_a_style_buys", points=4, rubric="""
- 1 point: z must follow a fixed distribution and the data do not, so the map from z has to bend; w is learnt and has no
  prescribed distribution. And w enters every layer, so layers can get different styles.
- 1 point: what happens without demodulation (sizes grow with the styles), and what is wrong with normalising by each map's own
  statistics (relative strengths are lost; the network smuggles them through as droplets).
- 1 point: what the path-length penalty asks for: equal steps in w move the image equally far, everywhere and in every
  direction.
- 1 point: a measurement that could fail: spread of steps along a walk, or perceptual path length, against a network trained
  without the penalty (or with z in w's place).
""")
