"""Checks of chapter 4."""
from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import dcgan as reference

from . import Draw, Subject, Wrong, assert_close, check, gradients, is_close, written

# Sizes

SIZE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda n, k, s, p: (n + 2 * p - k) // s + 1, "This is the formula of a convolution. Solve it for its input size."),
    (lambda n, k, s, p: n - s + k - 2 * p, "(size - 1) * stride: mind the brackets."),
    (lambda n, k, s, p: n * s + k - 2 * p, "Between n inputs there are n - 1 steps: (size - 1) * stride."),
    (lambda n, k, s, p: (n - 1) * s + k - p, "Padding cuts rows off on both sides: 2 * padding."),
    (lambda n, k, s, p: (n - 1) * s + k + 2 * p,
     "Here padding makes the output smaller: it is what the convolution had added."),
    (lambda n, k, s, p: (n - 1) * s + k, "The padding is missing: it cuts off 2 * padding rows."),
    (lambda n, k, s, p: n * s, "That is what kernel 4, stride 2, padding 1 do; the function is asked for any three."),
]


@check("dcgan.transposed_size", points=2, hint="The last kernel begins (size - 1) * stride rows down, and is kernel rows high.")
def counts_the_rows(subject: Subject, draw: Draw) -> None:
    bounds = [(2, 12), (3, 7), (2, 5), (1, 3)]
    asked = [tuple(int(draw.integers(*pair)) for pair in bounds) for _ in range(20)]
    asked = [sizes for sizes in asked if _rows(*sizes) > 0] + [(4, 3, 1, 0), (5, 4, 3, 1), (7, 3, 2, 2)]
    _assert_sizes(subject, asked)
    assert_close(subject(4, 3), 6)


@check("dcgan.transposed_size", points=1, hint="Raise a ValueError where padding leaves less than one row.")
def says_so_where_nothing_is_left(subject: Subject, draw: Draw) -> None:
    kernel = int(draw.integers(2, 5))
    for sizes in ((1, kernel, 1, kernel), (1, 2, 1, 1), (2, 2, 2, 2)):
        kinds, words = subject.probe(raised_by, *sizes)
        if "ValueError" not in kinds:
            size, kernel, stride, padding = sizes
            raise Wrong(hint=f"Of {size} rows, with kernel {kernel}, stride {stride} and padding {padding}, {_rows(*sizes)} "
                        "rows are left, which is nothing: raise a ValueError that says so.")
        if kinds[0] == "ValueError" and not words.strip():
            raise Wrong(hint='Your ValueError says nothing: put a sentence into it, raise ValueError("...").')
    _assert_sizes(subject, [(2, kernel, 1, 0), (kernel, 3, 2, 1), (1, 3, 1, 1), (9, 3, 2, kernel + 1)])


def _rows(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size - 1) * stride + kernel - 2 * padding


def _assert_sizes(subject: Subject, asked: list[tuple[int, ...]]) -> None:
    refused = [sizes for sizes in asked if "ValueError" in subject.probe(raised_by, *sizes)[0]]
    mine = [0 if sizes in refused else subject(*sizes) for sizes in asked]
    mistakes = [([wrong(*sizes) for sizes in asked], hint) for wrong, hint in SIZE_MISTAKES]
    mistakes += [([max(rows, 0) for rows in values], hint) for values, hint in mistakes]  # which refuse what they make of it
    if refused:
        size, kernel, stride, padding = refused[0]
        mistakes.append((mine, f"It refuses {size} rows with kernel {kernel}, stride {stride} and padding {padding}, which "
                         f"leave {_rows(*refused[0])}: refuse only where less than one row is left."))
    assert_close(mine, [_rows(*sizes) for sizes in asked], mistakes=mistakes)
    if not all(isinstance(rows, int) for rows in mine):
        raise Wrong(hint="A count of rows is an int: no float and no tensor.")


def raised_by(function: Callable, *args: object) -> tuple[list[str], str]:
    """The names of the error that a call raises, and of what it is derived from, and its words; none where it returns."""
    try:
        function(*args)
    except NotImplementedError:
        raise
    except Exception as error:  # whatever it is, its name is the answer
        return [kind.__name__ for kind in type(error).__mro__], str(error)
    return [], ""


# The generator

def generator_with(network_class: type, sizes: list[int], weights: list[Tensor]) -> nn.Module | list:
    """The network with these weights, in training mode; where its own have other shapes, these."""
    network = network_class(sizes[0], sizes[1], nz=sizes[2], width=sizes[3])
    shapes = [list(parameter.shape) for parameter in network.parameters()]
    if shapes != [list(weight.shape) for weight in weights]:
        return shapes
    with torch.no_grad():
        for parameter, weight in zip(network.parameters(), weights, strict=True):
            parameter.copy_(weight)
    return network


def in_evaluation(network: nn.Module, z: Tensor) -> Tensor:
    """Its images in evaluation mode."""
    return network.eval()(z).detach()


def fresh_weights(network_class: type) -> list[Tensor]:
    """All weights of two networks, as they are made one after the other."""
    made = [network_class(16, 1, nz=4, width=2) for _ in range(2)]
    return [torch.cat([p.detach().flatten() for p in network.parameters()]) for network in made]


def _generate(weights: list[Tensor], z: Tensor, fault: str = "") -> Tensor:
    """The generator in training mode, written out, with one named fault."""
    act = {"no ReLU": lambda x: x, "leaky": lambda x: F.leaky_relu(x, 0.2)}.get(fault, F.relu)
    x = F.conv_transpose2d(z[:, :, None, None], weights[0])
    for scale, shift, kernel in zip(*(weights[k::3] for k in (1, 2, 3)), strict=True):
        x = act(x) if fault == "ReLU first" else x
        if fault == "each image":
            x = F.instance_norm(x, weight=scale, bias=shift)
        elif fault == "evaluation":
            x = F.batch_norm(x, torch.zeros_like(scale), torch.ones_like(scale), scale, shift)
        else:
            x = F.batch_norm(x, None, None, scale, shift, training=True)
        x = x if fault in ("ReLU first", "ReLU last") else act(x)
        x = F.conv_transpose2d(x, kernel, stride=2, padding=1)
        x = act(x) if fault == "ReLU last" else x
    return {"no tanh": lambda: x, "tanh twice": lambda: x.tanh().tanh(), "from 0": lambda: x.tanh() / 2 + 0.5,
            "sigmoid": x.sigmoid}.get(fault, x.tanh)()


IMAGE_MISTAKES = {
    "no ReLU": "Between batch norm and the next layer stands a ReLU.",
    "leaky": "The generator has ReLUs; leaky ones are D's.",
    "ReLU first": "First batch norm, then ReLU, then the transposed convolution: your ReLU stands in front of batch norm.",
    "ReLU last": "First batch norm, then ReLU, then the transposed convolution: your ReLU stands behind it, and the image "
                 "loses all that is below 0.",
    "each image": "You normalise each image on its own (InstanceNorm2d). Batch norm does it over the batch: BatchNorm2d.",
    "evaluation": "While it is trained, batch norm takes mean and variance of the batch: no eval() in it.",
    "no tanh": "A tanh stands at the end: pixels lie in [-1, 1].",
    "tanh twice": "There are two tanh. `layers` ends with one already: return what it gives.",
    "from 0": "Pixels lie in [-1, 1], as the tanh leaves them; you bring them to [0, 1].",
    "sigmoid": "Pixels lie in [-1, 1]: a tanh at the end, no sigmoid.",
}


def _draw_generator(draw: Draw, size: int, channels: int) -> tuple[list[int], list[Tensor]]:
    nz, width = int(draw.integers(4, 8)), int(draw.integers(2, 5))
    widths = [width << k for k in reversed(range(size.bit_length() - 3))]
    weights = [draw.normal(nz, widths[0], 4, 4, std=0.3)]
    for before, after in zip(widths, [*widths[1:], channels], strict=True):
        weights += [draw.normal(before, mean=3, std=0.5), draw.normal(before, std=0.5),
                    draw.normal(before, after, 4, 4, std=0.1)]
    return [size, channels, nz, width], weights


def _network(subject: Subject, sizes: list[int], weights: list[Tensor], hint: str) -> Subject:
    network = subject.probe(generator_with, sizes, weights)
    if isinstance(network, list):
        raise Wrong(hint=f"{hint} Shapes of your parameters for size {sizes[0]}, {sizes[1]} channels, nz {sizes[2]}, width "
                    f"{sizes[3]}: {network}.")
    return network


def _assert_images(network: Subject, weights: list[Tensor], z: Tensor) -> None:
    mistakes = ((_generate(weights, z, fault), hint) for fault, hint in IMAGE_MISTAKES.items())
    assert_close(network(z), _generate(weights, z), mistakes=mistakes, atol=1e-4)


@check("dcgan.Generator", points=3, hint="Batch norm, ReLU, transposed convolution (4, stride 2, padding 1) in each round.")
def makes_the_images_of_the_rule(subject: Subject, draw: Draw) -> None:
    sizes, weights = _draw_generator(draw, 16, 3)
    z = draw.normal(6, sizes[2])
    network = _network(subject, sizes, weights, "Its layers are not those of the rule: each round adds a batch norm of the "
                       "maps that come in, a ReLU, and a transposed convolution without bias to the maps that go out.")
    right = Subject(generator_with(reference.Generator, sizes, weights))
    _assert_images(network, weights, z)
    right(z)
    mine, wanted = (list(one.probe(gradients, z).values()) for one in (network, right))
    if not any(bool(g.any()) for g in mine):
        raise Wrong(hint="No gradient comes through it, so it can't learn: is there a no_grad() or a detach() in it?")
    if not bool(mine[0].any()):
        raise Wrong(hint="No gradient reaches z: is there a detach() in front of the layers?")
    assert_close(dict(enumerate(mine)), dict(enumerate(wanted)), rtol=1e-3, atol=1e-3)
    mine, wanted = (one.probe(in_evaluation, z) for one in (network, right))
    assert_close(mine, wanted, atol=1e-4, mistakes=[(_generate(weights, z), "In evaluation mode it still takes mean and "
                 "variance of the batch: nn.BatchNorm2d(before), as it is, keeps running averages for that.")])


@check("dcgan.Generator", points=2, hint="Nothing in it may fit one size or number of channels only.")
def for_any_size_and_number_of_channels(subject: Subject, draw: Draw) -> None:
    for size, channels, count in ((32, 1, 4), (16, 2, 3), (64, 1, 1)):
        sizes, weights = _draw_generator(draw, size, channels)
        network = _network(subject, sizes, weights, "Its layers are not those of the rule for every size: is a size, or a "
                           "number of channels, written into it?")
        z = draw.normal(count, sizes[2])
        images = network(z)
        if isinstance(images, Tensor) and images.ndim != 4:
            raise Wrong(hint=f"Of {count} z it makes {tuple(images.shape)}, expected {(count, channels, size, size)}: a batch "
                        "of one image, or of grey ones, keeps all its axes (squeeze() drops them).")
        _assert_images(network, weights, z)
    if torch.equal(*subject.probe(fresh_weights)):
        raise Wrong(hint="Two generators begin with the same weights: seed nothing in here, that is for who makes them.")


# Initialisation

def initialised(function: Callable, seed: int, marks: list[float], others: bool = False) -> dict:
    """What `apply(function)` leaves of layers that were filled with `marks`; with `others`, also of some that are not its
    business, and of a convolution without bias. The last is what batch norm has averaged."""
    layers = nn.ModuleDict({"conv": nn.Conv2d(3, 64, 4), "up": nn.ConvTranspose2d(3, 64, 4), "norm": nn.BatchNorm2d(3000)})
    if others:
        layers.update({"linear": nn.Linear(3, 3), "places": nn.Embedding(3, 2), "group": nn.GroupNorm(1, 3),
                       "plain": nn.Conv2d(1, 1, 3, bias=False)})
    averages: Any = [layers["norm"].running_mean, layers["norm"].running_var]
    with torch.no_grad():
        for parameter, mark in zip(layers.parameters(), marks, strict=False):
            parameter.fill_(mark)
        for average in averages:
            average.fill_(marks[-1])
    torch.manual_seed(seed)
    layers.apply(function)
    return {name: value.detach().clone() for name, value in layers.named_parameters()} | {"averages": torch.cat(averages)}


def inside_another(function: Callable, mark: float) -> Tensor:
    """What a call for a container leaves of the convolution inside, whose numbers were `mark`."""
    layers = nn.Sequential(nn.Conv2d(2, 2, 3))
    for parameter in layers.parameters():
        nn.init.constant_(parameter, mark)
    function(layers)
    return torch.cat([parameter.detach().flatten() for parameter in layers.parameters()])


def under_spectral_norm(function: Callable, mark: float) -> dict:
    """What `apply(function)` leaves of a convolution under spectral norm whose parameters were `mark`."""
    layer: Any = nn.utils.parametrizations.spectral_norm(nn.Conv2d(2, 2, 3))
    for parameter in layer.parameters():
        nn.init.constant_(parameter, mark)
    layer.apply(function)
    return {"bias": layer.bias.detach(), "behind": layer.parametrizations.weight.original.detach()}


def _assert_gaussian(values: Tensor, mean: float, what: str) -> None:
    values = (values.flatten().double() - mean) / 0.02
    spread, middle = values.std().item(), values.mean().item()
    if abs(spread - 0.02 ** 0.5 / 0.02) < 0.5:
        raise Wrong(hint=f"{what}: 0.02 is the standard deviation, not the variance.")
    if abs(spread - 50) < 5:
        raise Wrong(hint=f"{what}: their standard deviation is about 1, and should be 0.02. Of the two numbers of "
                    "nn.init.normal_ the mean comes first.")
    if spread < 1e-3:
        raise Wrong(hint=f"{what}: they are all alike, or untouched. They should be drawn, with standard deviation 0.02.")
    if abs(spread - 1) > 0.08:
        raise Wrong(hint=f"{what}: their standard deviation should be 0.02, yours is {spread * 0.02:.3g}.")
    if abs(middle) > 0.2:
        raise Wrong(hint=f"{what}: their mean should be {mean:g}.")
    if abs((values ** 4).mean().item() - 3) > 0.6:
        raise Wrong(hint=f"{what}: they are not Gaussian (uniform, perhaps?). Look at nn.init.normal_.")


def _assert_no_bias(bias: Tensor, mark: float, what: str) -> None:
    assert_close(bias, torch.zeros_like(bias), atol=1e-8, mistakes=[
        (torch.full_like(bias, mark), f"Biases of {what} are left as they were: they should become 0.")])


def _layers(subject: Subject, draw: Draw, others: bool = False) -> tuple[dict, list[float]]:
    marks = (1 + draw.uniform(13)).tolist()
    return subject.probe(initialised, int(draw.integers(0, 1000)), marks, others), marks


@check("dcgan.dcgan_init", points=2, hint="nn.init.normal_(module.weight, 0.0, 0.02), for Conv2d and for ConvTranspose2d.")
def draws_the_kernels(subject: Subject, draw: Draw) -> None:
    layers, marks = _layers(subject, draw)
    _assert_gaussian(layers["conv.weight"], 0, "Kernels of convolutions")
    _assert_gaussian(layers["up.weight"], 0, "Kernels of transposed convolutions")
    if torch.equal(layers["conv.weight"].flatten(), layers["up.weight"].flatten()):
        raise Wrong(hint="Two layers get the same numbers: seed no generator in here, it begins anew for every layer.")
    _assert_no_bias(layers["conv.bias"], marks[1], "convolutions")
    _assert_no_bias(layers["up.bias"], marks[3], "transposed convolutions")


@check("dcgan.dcgan_init", points=1, hint="Batch norm: weight N(1, 0.02), bias 0.")
def draws_the_scales_of_batch_norm(subject: Subject, draw: Draw) -> None:
    layers, marks = _layers(subject, draw)
    _assert_gaussian(layers["norm.weight"], 1, "Scales of batch norm")
    _assert_no_bias(layers["norm.bias"], marks[5], "batch norm")


@check("dcgan.dcgan_init", points=1, hint="Change only convolutions and batch norm; a convolution may have no bias.")
def leaves_other_layers_alone(subject: Subject, draw: Draw) -> None:
    layers, marks = _layers(subject, draw, others=True)
    for name, mark in zip(list(layers)[6:11], marks[6:], strict=False):
        if not bool((layers[name] == mark).all()):
            kind = {"linear": "Linear", "places": "Embedding", "group": "GroupNorm"}[name.partition(".")[0]]
            raise Wrong(hint=f"It changes a {kind} layer too: change only convolutions and batch norm.")
    if bool((layers["conv.weight"] == marks[0]).all()):
        raise Wrong(hint="It leaves every layer alone.")
    if not bool((layers["averages"] == marks[12]).all()):
        raise Wrong(hint="The running mean and variance of batch norm are no weights: they stay as they are.")
    if not bool((subject.probe(inside_another, marks[0]) == marks[0]).all()):
        raise Wrong(hint="Called for a Sequential it changes the layers inside. It is to start one module: model.apply calls "
                    "it for each of them.")
    spectral = subject.probe(under_spectral_norm, marks[0])
    if not bool((spectral["behind"] == marks[0]).all()):
        raise Wrong(hint="Under spectral norm a convolution keeps its weights: change module.weight, which is computed there, "
                    "and no parameters that lie behind it.")
    if not bool(layers["conv.bias"].any()):  # else that has cost its points already
        _assert_no_bias(spectral["bias"], marks[0], "convolutions under spectral norm")


# The article's step

class Tiny(nn.Sequential):
    """A generator R^nz -> R^2."""

    nz = 3


class Logits(nn.Sequential):
    """A discriminator R^2 -> R, (B, 2) to (B,)."""

    def forward(self, samples: Tensor) -> Tensor:
        return super().forward(samples).flatten()


def tiny_networks(weights: list[Tensor], norm: bool = False) -> tuple[nn.Module, nn.Module]:
    """Both networks with these weights; with `norm`, D has batch norm."""
    generator = Tiny(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    between = [nn.BatchNorm1d(8, affine=False)] if norm else []
    discriminator = Logits(nn.Linear(2, 8), *between, nn.Tanh(), nn.Linear(8, 1))
    with torch.no_grad():
        for parameter, value in zip([*generator.parameters(), *discriminator.parameters()], weights, strict=True):
            parameter.copy_(value)
    return generator, discriminator


def draw_weights(draw: Draw, sure: float = 1.0) -> list[Tensor]:
    """Weights for `tiny_networks`; a larger `sure` makes D's logits larger."""
    shapes = [(8, 3), (8,), (2, 8), (2,), (8, 2), (8,), (1, 8), (1,)]
    weights = [draw.normal(*shape, std=0.6) for shape in shapes]
    weights[6] = weights[6] * sure
    return weights


def weights_of(network: nn.Module) -> dict:
    """A copy of a network's parameters by name."""
    return {name: value.detach().clone() for name, value in network.named_parameters()}


def after_steps(step: Callable, weights: list[Tensor], batches: list[Tensor], seed: int, lr_g: float, lr_d: float,
                norm: bool) -> dict:
    """Both networks after a step on each of `batches` (B, 2), the losses, and what the generator of noise draws next. No step
    inherits from the one before but weights and gradients."""
    generator, discriminator = tiny_networks(weights, norm)
    optimizer_g = torch.optim.SGD(generator.parameters(), lr=lr_g)
    optimizer_d = torch.optim.SGD(discriminator.parameters(), lr=lr_d)
    rng, losses = torch.Generator(), []
    for k, real in enumerate(batches):
        generator.requires_grad_(True)
        discriminator.requires_grad_(True)
        losses.append(step(generator, discriminator, optimizer_g, optimizer_d, real, rng.manual_seed(seed + k)))
    return {"D": weights_of(discriminator), "G": weights_of(generator), "losses": losses,
            "next": torch.rand(2, generator=rng)}


def faulty_step(*faults: str) -> Callable:
    """The step with the named faults; none gives the reference."""
    def step(generator, discriminator, optimizer_g, optimizer_d, real, rng):
        def loss_of(samples: Tensor, target: float) -> Tensor:
            logits = discriminator(samples)
            reduction = "sum" if "sum" in faults else "mean"
            if "mean" in faults:
                logits = logits.sigmoid().mean() if "sigmoid" in faults else logits.mean()
            elif "sigmoid" in faults or "twice" in faults:
                logits = logits.sigmoid()
            how = F.binary_cross_entropy if "sigmoid" in faults else F.binary_cross_entropy_with_logits
            return how(logits, torch.full_like(logits, target), reduction=reduction)

        z = torch.randn(64 if "64" in faults else len(real), generator.nz, generator=rng)
        fake = generator(z)
        if "before" in faults:
            loss_g = loss_of(fake, 1)
            gradients_g = torch.autograd.grad(loss_g, list(generator.parameters()), retain_graph=True)
        if "stale D" not in faults:
            optimizer_d.zero_grad()
        first, second = (0, 1) if "exchanged" in faults else (0.9 if "smooth" in faults else 1, 0)
        if "together" in faults:
            real_logits, fake_logits = discriminator(torch.cat([real, fake.detach()])).split(len(real))
            loss_d = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        else:
            loss_d = loss_of(real, first) + loss_of(fake.detach(), second)
        loss_d = loss_d / 2 if "half" in faults else loss_d
        loss_d.backward()
        optimizer_d.step()
        discriminator.requires_grad_("frozen" not in faults).train("evaluation" not in faults)
        if "stale G" not in faults:
            optimizer_g.zero_grad()
        if "before" in faults:
            for parameter, gradient in zip(generator.parameters(), gradients_g, strict=True):
                parameter.grad = gradient
        else:
            fake = generator(torch.randn(z.shape, generator=rng)) if "fresh" in faults else fake
            loss_g = -loss_of(fake, 0) if "saturating" in faults else loss_of(fake, 0 if "helpful" in faults else 1)
            loss_g.backward()
        if "still" not in faults:
            optimizer_g.step()
        discriminator.requires_grad_(True).train()
        return loss_d.item(), loss_g.item()
    return step


MEAN = "You average before the loss. One very bad sample among good ones then counts for almost nothing: take the mean last."
SIGMOID = ("Where D is very sure, binary_cross_entropy of a sigmoid has gradient 0. Give the logits to "
           "binary_cross_entropy_with_logits.")
BATCH = "The listing draws z for 64 samples whatever comes: the last batch of an epoch is smaller. Draw len(real)."
LISTED = [(("mean",), MEAN), (("sigmoid",), SIGMOID), (("64",), BATCH), (("mean", "sigmoid"), f"{MEAN} And: {SIGMOID}"),
          (("mean", "64"), f"{MEAN} And: {BATCH}"), (("sigmoid", "64"), f"{SIGMOID} And: {BATCH}"),
          (("mean", "sigmoid", "64"), f"{MEAN} And: {SIGMOID} And: {BATCH}")]
STALE = "D's gradients of the step before are added to this one's: optimizer_d.zero_grad() before D's backward()."
D_MISTAKES = [*LISTED, (("stale D",), STALE), (("stale D", "frozen"), STALE), *(((fault,), hint) for fault, hint in {
    "twice": "The loss with logits takes the sigmoid itself, so yours is taken twice: hand it what D gives.",
    "sum": "You add the samples' losses up: take their mean, or the step grows with the batch.",
    "half": "D's loss is the sum of the means over real and over fake samples; you halve it.",
    "smooth": "The labels are 1 for real samples and 0 for fakes; your 1 is smaller.",
    "exchanged": "The labels are exchanged: real samples are 1, fakes 0.",
    "together": "Real and fake samples pass D in one batch, and its batch norm mixes them: ask D about each of both.",
}.items())]
G_MISTAKES = {
    "saturating": "This is the saturating loss, -bce(fake, 0). G's loss is the non-saturating one: label 1 for its fakes.",
    "helpful": "G helps D: in G's turn its fakes have label 1.",
    "before": "G's loss comes from the D before its step: G learns from the D that has learnt.",
    "fresh": "New fakes are drawn for G's turn: take those that D has seen, they are computed already.",
    "stale G": "G's gradients of the step before, or D's turn, are added: optimizer_g.zero_grad() before G's backward().",
    "sum": "You add the samples' losses up: take their mean, or the step grows with the batch.",
    "evaluation": "In G's turn D is in another mode, and its batch norm judges otherwise: leave it in the one it is in.",
    "still": "G does not move: is there an optimizer_g.step() behind its backward(), and no detach() between G and its loss?",
}


class _Asked:
    """What an answer leaves of networks and batches that were drawn for it, and what a step with named faults leaves."""

    def __init__(self, subject: Subject, draw: Draw, counts: Iterable[int], *, sure: float = 1.0, lr_g: float = 0.3,
                 lr_d: float = 0.3, norm: bool = False):
        batches = [draw.normal(n, 2) for n in counts]
        self.inputs = draw_weights(draw, sure), batches, int(draw.integers(0, 10_000)), lr_g, lr_d, norm
        self.mine = subject.probe(after_steps, *self.inputs)

    def of(self, step: Callable) -> dict:
        return after_steps(step, *self.inputs)

    def is_that_of(self, *faults: str, parts: Iterable[str]) -> bool:
        other = self.of(faulty_step(*faults))
        return all(is_close(self.mine[part], other[part]) for part in parts)

    def assert_d(self, forgiven: Iterable[tuple[str, ...]] = ()) -> None:
        """D's weights; a fault that another check asks about is forgiven."""
        if any(self.is_that_of(*faults, parts=["D"]) for faults in forgiven):
            return
        expected = self.of(reference.article_step)
        if is_close(self.mine["D"], expected["D"]):
            return
        mistakes = [(self.of(faulty_step(*faults))["D"], hint) for faults, hint in D_MISTAKES]
        if not any(is_close(self.mine["D"], value) for value, _ in mistakes):
            self.assert_drawn()
        assert_close(self.mine["D"], expected["D"], mistakes=mistakes)

    def assert_drawn(self) -> None:
        seeds = torch.Generator().manual_seed(self.inputs[2] + len(self.inputs[1]) - 1)
        if is_close(self.mine["next"], torch.rand(2, generator=seeds)):
            raise Wrong(hint="Nothing is drawn from `rng`: z comes from it, torch.randn(..., generator=rng).")


@check("dcgan.article_step", points=2, hint="One logit and one label for each sample; the mean comes last.")
def every_sample_counts_on_its_own(subject: Subject, draw: Draw) -> None:
    _Asked(subject, draw, [64, 81], sure=3.0, lr_g=0.0).assert_d()
    _Asked(subject, draw, [8], lr_g=0.0, norm=True).assert_d()  # whose batch norm would mix real and fake


@check("dcgan.article_step", points=1, hint="A very sure D must still learn: hand the loss logits, not probabilities.")
def a_very_sure_discriminator_still_learns(subject: Subject, draw: Draw) -> None:
    _Asked(subject, draw, [64], sure=80.0, lr_g=0.0).assert_d(forgiven=[("mean",)])


@check("dcgan.article_step", points=1, hint="Draw as many z as there are real samples in this batch.")
def the_last_batch_may_be_smaller(subject: Subject, draw: Draw) -> None:
    _Asked(subject, draw, [16, 1], lr_g=0.0).assert_d(forgiven=[("mean",), ("mean", "sigmoid")])


@check("dcgan.article_step", points=1, hint="G's loss: label 1 for the same fakes, and the D that has learnt; then its step.")
def the_generator_learns_from_what_d_has_learnt(subject: Subject, draw: Draw) -> None:
    for asked in (_Asked(subject, draw, [64, 64]), _Asked(subject, draw, [64], lr_d=0.0, norm=True)):
        if any(asked.is_that_of(*faults, parts=["D", "G"]) for faults, _ in D_MISTAKES):
            continue  # D's turn is not asked here, and its faults go on in G's
        mistakes = ((asked.of(faulty_step(fault))["G"], hint) for fault, hint in G_MISTAKES.items())
        assert_close(asked.mine["G"], asked.of(reference.article_step)["G"], mistakes=mistakes)


@check("dcgan.article_step", points=1, hint="Return D's loss and G's as two floats.")
def returns_both_losses(subject: Subject, draw: Draw) -> None:
    asked = _Asked(subject, draw, [64, 64], sure=2.0)
    losses = asked.mine["losses"]
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in losses):
        raise Wrong(hint="Return two numbers: D's loss, then G's.")
    if not all(isinstance(value, float) for pair in losses for value in pair):
        raise Wrong(hint="Return floats: loss.item() is the number of a tensor, without its graph.")
    own = [faults for faults, _ in D_MISTAKES] + [(fault,) for fault in G_MISTAKES]
    if any(asked.is_that_of(*faults, parts=["D", "G", "losses"]) for faults in own):
        return  # these are the losses that its own step has minimised
    wanted = asked.of(reference.article_step)["losses"]
    assert_close(losses, wanted, mistakes=[
        ([(g, d) for d, g in wanted], "D's loss comes first, then G's."),
        ([(d / 2, g) for d, g in wanted],
         "D's loss is the sum of both means, over real and over fake samples; you return half.")])


# Interrupted and resumed

def plain_step(generator: Any, discriminator: Any, optimizer_g: Any, optimizer_d: Any, real: Tensor,
               rng: torch.Generator) -> tuple[float, float]:
    """A step that nobody has to repair, so that `train` is judged apart from `article_step`."""
    fake = generator(torch.randn(len(real), generator.nz, generator=rng))
    loss_d = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean()
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = F.softplus(-discriminator(fake)).mean()
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def after_training(train: Callable, weights: list, real: Tensor, seed: int, stops: list[int], lr: float = 2e-3,
                   batch: int = 8) -> dict:
    """All that is left where `train` is called for each number of steps in `stops`, each time with fresh objects."""
    with tempfile.TemporaryDirectory() as folder:
        for count, start in zip(stops, weights, strict=True):
            generator, discriminator = tiny_networks(start)
            ema, _ = tiny_networks(start)
            rng = torch.Generator().manual_seed(seed + count)
            losses = train(plain_step, generator, discriminator, real, count, path=Path(folder) / "run.pt",
                           ema=ema.requires_grad_(False), rng=rng, lr=lr, batch=batch)
    return {"G": weights_of(generator), "D": weights_of(discriminator), "ema": weights_of(ema), "losses": list(losses)}


def forgetful(*forgotten: str) -> Callable:
    """The training loop with a checkpoint that lacks these parts; none gives the reference."""
    from torch.optim import Adam

    import clipkit

    def train(step, generator, discriminator, real, steps, *, path, ema, rng, lr=1e-3, batch=32):
        optimizers = [Adam(network.parameters(), lr, betas=(0.5, 0.999)) for network in (generator, discriminator)]
        losses: list[tuple[float, float]] = []
        parts = {"generator": generator, "discriminator": discriminator, "ema": ema, "optimizer_g": optimizers[0],
                 "optimizer_d": optimizers[1], "rng": rng, "losses": losses}
        checkpoint = clipkit.Checkpoint(path, **{n: p for n, p in parts.items() if n not in forgotten})
        for k in checkpoint.steps(steps):
            some = real[torch.randint(len(real), (batch,), generator=rng)]
            losses += step(generator, discriminator, *optimizers, some, rng)
            with torch.no_grad():
                for average, value in zip(ema.parameters(), generator.parameters(), strict=True):
                    average.lerp_(value, 1 - min(0.995, (1 + k) / (10 + k)))
        return losses
    return train


FORGOTTEN = [
    (("optimizer_g", "optimizer_d"), "The optimisers are forgotten: Adam's averages begin anew, and the steps are others."),
    (("optimizer_g",), "G's optimiser is forgotten: Adam's averages begin anew."),
    (("optimizer_d",), "D's optimiser is forgotten: Adam's averages begin anew."),
    (("rng",), "The random generator is forgotten: other batches and other noise are drawn after the interruption."),
    (("discriminator",), "The discriminator is forgotten: the generator goes on against a stranger."),
    (("generator",), "The generator is forgotten: D goes on against a stranger."),
    (("optimizer_g", "optimizer_d", "rng"), "The optimisers and the random generator are forgotten."),
    (("generator", "discriminator"), "The networks are forgotten."),
    (("discriminator", "ema", "optimizer_g", "optimizer_d", "rng", "losses"),
     "Only the generator is kept. What else changes from step to step?"),
]
PARTS = ["generator", "discriminator", "optimizer_g", "optimizer_d", "rng"]  # what weights depend on


def _same_but_for(mine: dict, parts: Iterable[str], names: list[str], inputs: tuple) -> bool:
    """Whether these parts are as if some of `names` had been forgotten, which the first check asks about."""
    for mask in range(1, 1 << len(names)):
        other = after_training(forgetful(*(name for k, name in enumerate(names) if mask >> k & 1)), *inputs)
        if all(is_close(mine[part], other[part], rtol=1e-6, atol=1e-7) for part in parts):
            return True
    return False


def _draw_run(draw: Draw, stops: list[int]) -> tuple:
    return [draw_weights(draw) for _ in stops], draw.normal(40, 2), int(draw.integers(0, 1000)), stops


@check("dcgan.train", points=3, hint="Keep whatever changes from step to step: networks, optimisers, the random generator.")
def an_interrupted_run_ends_with_the_same_weights(subject: Subject, draw: Draw) -> None:
    inputs = weights, real, seed, stops = _draw_run(draw, [3, 6])
    mine, expected = subject.probe(after_training, *inputs), after_training(reference.train, *inputs)

    def runs() -> Iterable[tuple[dict, str]]:
        for names, hint in FORGOTTEN:
            yield after_training(forgetful(*names), *inputs), hint
        yield after_training(reference.train, weights, real, seed, stops, lr=1e-3), "`lr` is an argument: yours is 0.001."
        yield after_training(reference.train, weights, real, seed, stops, batch=32), "`batch` is an argument: yours is 32."

    assert_close({"G": mine["G"], "D": mine["D"]}, {"G": expected["G"], "D": expected["D"]}, rtol=1e-6, atol=1e-7,
                 mistakes=(({"G": run["G"], "D": run["D"]}, hint) for run, hint in runs()))


@check("dcgan.train", points=1, hint="The averaged generator changes at every step too: keep it.")
def and_with_the_same_average(subject: Subject, draw: Draw) -> None:
    inputs = _draw_run(draw, [4, 5])
    mine, expected = subject.probe(after_training, *inputs), after_training(reference.train, *inputs)
    if is_close(mine["ema"], expected["ema"], rtol=1e-6, atol=1e-7) or _same_but_for(mine, ["G", "D", "ema"], PARTS, inputs):
        return
    forgotten = after_training(forgetful("ema"), *inputs)
    if is_close(mine["G"], expected["G"], rtol=1e-6, atol=1e-7) and not is_close(mine["ema"], forgotten["ema"]):
        raise Wrong(hint="The weights are right and their average is not: `ema` itself is averaged, in place, and the step is "
                    "that of the whole run.")
    assert_close(mine["ema"], expected["ema"], rtol=1e-6, atol=1e-7, mistakes=[
        (forgotten["ema"], "The average is forgotten: `ema` changes at every step, too.")])


@check("dcgan.train", points=1, hint="Keep the list of losses in the checkpoint too; it is restored in place.")
def and_with_every_loss(subject: Subject, draw: Draw) -> None:
    inputs = _draw_run(draw, [2, 5])
    mine, expected = subject.probe(after_training, *inputs), after_training(reference.train, *inputs)
    if is_close(mine["losses"], expected["losses"]) or _same_but_for(mine, ["G", "D", "losses"], PARTS, inputs):
        return
    if len(mine["losses"]) == 2 * (5 - 2):
        raise Wrong(hint="The losses before the interruption are gone: keep the list itself, which is restored in place.")
    assert_close(mine["losses"], expected["losses"], mistakes=[
        (torch.tensor(expected["losses"]).view(-1, 2), "Put the losses one behind the other, not in pairs."),
        (expected["losses"][::2], "Keep both losses of each step, D's and G's."),
        (expected["losses"][1::2], "Keep both losses of each step, D's and G's.")])


# Arcs

def _arc(start: Tensor, end: Tensor, share: Tensor, fault: str = "") -> Tensor:
    """The formula as it stands, with one named fault."""
    share = 1 - share if fault == "back" else share
    end = -end if fault == "turned" and torch.dot(start, end) < 0 else end
    cosine = torch.dot(start, end).clamp(-1, 1) if fault == "lengths forgotten" else F.cosine_similarity(start, end, dim=0)
    angle, share = torch.acos(cosine), share[:, None]
    lengths = torch.lerp(start.norm(), end.norm(), share)
    if fault == "one length":
        end = end / end.norm() * start.norm()
    if fault in ("unit", "between"):
        start, end = start / start.norm(), end / end.norm()
    line = (1 - share) * start + share * end
    if fault == "chord":
        return line / line.norm(dim=1, keepdim=True) * start.norm()
    arc = (((1 - share) * angle).sin() * start + (share * angle).sin() * end) / (1 if fault == "no division" else angle.sin())
    return {"straight": line, "between": arc * lengths}.get(fault, arc)


ARC_MISTAKES = {
    "straight": "This is the straight line: in the middle its points are too short.",
    "back": "The way is walked backwards: share 0 is the start.",
    "turned": "`end` is turned round where the angle is wide, as is done with rotations: share 1 is `end` itself.",
    "one length": "The points all have the length of the start. The formula takes start and end as they are.",
    "unit": "The points have length 1; keep the lengths of start and end.",
    "between": "You turn the direction and change the length evenly. The formula takes start and end as they are.",
    "chord": "A straight line, stretched: the steps in the middle are longer than at its ends. Divide the angle evenly.",
    "no division": "Divide by the sine of the angle.",
    "lengths forgotten": "The cosine of the angle is the product of both divided by their *lengths*.",
}


@check("dcgan.slerp", points=3,
       hint="sin((1 - t) angle) / sin(angle) times the start, sin(t angle) / sin(angle) times the end.")
def divides_the_angle_evenly(subject: Subject, draw: Draw) -> None:
    for nz, count, wide in ((6, 7, True), (3, 1, False)):
        start, end, share = draw.normal(nz), draw.normal(nz), draw.uniform(count)
        end = -end if wide != bool(start @ end < 0) else end
        mistakes = ((_arc(start, end, share, fault), hint) for fault, hint in ARC_MISTAKES.items())
        assert_close(subject(start, end, share), reference.slerp(start, end, share), mistakes=mistakes, atol=1e-4)


@check("dcgan.slerp", points=1, hint="Where the sine of the angle is 0 the formula is 0/0: take the straight line there.")
def also_between_the_same_direction_and_opposite_ones(subject: Subject, draw: Draw) -> None:
    axes = [2 * torch.eye(4)[0], -torch.eye(4)[2]]
    for start in [*axes, *draw.normal(8, 6)]:
        for factor, what in ((2.0, "the same direction"), (-1.0, "opposite directions"), (-0.5, "opposite directions")):
            share = draw.uniform(3, low=0.1, high=0.45)
            mine, line = subject(start, start * factor, share), start * (1 + (factor - 1) * share[:, None])
            if isinstance(mine, Tensor) and not bool(mine.isfinite().all()):
                raise Wrong(hint=f"NaN or infinity between points of {what}, where the formula is 0/0 (and acos of 1.0000001 "
                            "is NaN: clamp): take the straight line there.")
            turned = [(start * (1 - (factor + 1) * share[:, None]), ARC_MISTAKES["turned"])] if factor < 0 else []
            assert_close(mine, line, atol=1e-3, mistakes=() if not _as_many(mine, line) else [
                *turned, (start.expand_as(line), "It stands still at the start; `end` may be longer: take the straight line."),
                (torch.zeros_like(line), "It gives zeros where the formula is 0/0: take the straight line there."),
                (mine, f"Between points of {what} it leaves the straight line: the sine of the angle is 0 there but for "
                 "rounding. Take the line wherever it is below 1e-3.")])
    for sine in [5e-4, 6e-3] * 6:  # there the line and the arc are far from each other
        start, end, share = *_nearly_opposite(draw, sine), draw.uniform(4, low=0.2, high=0.8)
        line, arc = _arc(start, end, share, "straight"), _arc(start.double(), end.double(), share.double())
        right, other, word = (line, arc, "arc") if sine < 1e-3 else (arc, line, "straight line")
        assert_close(subject(start, end, share), right, atol=0.1, mistakes=[
            (other, f"Where the sine of the angle is {sine:g} it takes the {word}: the line below 1e-3, the arc above.")])


def _as_many(mine: object, expected: Tensor) -> bool:
    return isinstance(mine, Tensor) and mine.shape == expected.shape


def _nearly_opposite(draw: Draw, sine: float) -> tuple[Tensor, Tensor]:
    """Two points of the same length, almost opposite: the sine of their angle is `sine`."""
    start, aside = draw.normal(2, 6).double()
    aside = aside - start * (start @ aside) / (start @ start)
    end = -(1 - sine ** 2) ** 0.5 * start + sine * aside * start.norm() / aside.norm()
    return start.float(), end.float()


written("dcgan.batch_norm_everywhere", points=3, rubric="""
- 1 point: on G's output it forces every batch to one mean and variance per channel; images of a batch depend on each other.
- 1 point: in front of D it hides differences of brightness and contrast, real and fake being normalised apart.
- 1 point: why it helps in hidden layers of G, or what changes between training and evaluation mode.
""")
