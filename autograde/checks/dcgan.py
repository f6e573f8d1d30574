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

from . import Draw, Subject, Wrong, assert_close, check, written

# Sizes

SIZE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda n, k, s, p: (n + 2 * p - k) // s + 1, "This is the formula of a convolution. Solve it for its input size."),
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
    asked = [tuple(int(draw.integers(*pair)) for pair in bounds) for _ in range(20)] + [(4, 3, 1, 0)]
    _assert_sizes(subject, [*asked, (5, 4, 3, 1)])
    assert_close(subject(4, 3), 6)


@check("dcgan.transposed_size", points=1, hint="Raise a ValueError where padding leaves less than one row.")
def says_so_where_nothing_is_left(subject: Subject, draw: Draw) -> None:
    kernel = int(draw.integers(2, 5))
    if subject.probe(raised_by, 1, kernel, 1, kernel) != "ValueError":
        raise Wrong(hint="With one row, and as much padding as kernel, nothing is left: raise a ValueError that says so.")
    _assert_sizes(subject, [(2, kernel, 1, 0), (kernel, 3, 2, 1)])


def _assert_sizes(subject: Subject, asked: list[tuple[int, ...]]) -> None:
    mistakes = (([wrong(*sizes) for sizes in asked], hint) for wrong, hint in SIZE_MISTAKES)
    expected = [(n - 1) * s - 2 * p + k for n, k, s, p in asked]
    assert_close([subject(*sizes) for sizes in asked], expected, mistakes=mistakes)


def raised_by(function: Callable, *args: object) -> str:
    """The name of the error that a call raises; empty where it returns."""
    try:
        function(*args)
    except NotImplementedError:
        raise
    except Exception as error:  # whatever it is, its name is the answer
        return type(error).__name__
    return ""


# The generator

def with_weights(network_class: type, sizes: list[int], weights: list[Tensor], z: Tensor) -> dict:
    """Its parameters' shapes, and where they are those of `weights`, its images of z with them, in training mode."""
    network = network_class(sizes[0], sizes[1], nz=sizes[2], width=sizes[3])
    shapes = [list(parameter.shape) for parameter in network.parameters()]
    if shapes != [list(weight.shape) for weight in weights]:
        return {"shapes": shapes}
    with torch.no_grad():
        for parameter, weight in zip(network.parameters(), weights, strict=True):
            parameter.copy_(weight)
    return {"images": network(z).detach()}


def _generate(weights: list[Tensor], z: Tensor, activation: Callable = F.relu) -> Tensor:
    """The generator, written out; with another activation, a mistake."""
    x = F.conv_transpose2d(z[:, :, None, None], weights[0])
    for scale, shift, kernel in zip(*(weights[k::3] for k in (1, 2, 3)), strict=True):
        x = activation(F.batch_norm(x, None, None, scale, shift, training=True))
        x = F.conv_transpose2d(x, kernel, stride=2, padding=1)
    return torch.tanh(x)


def _draw_generator(draw: Draw, size: int, channels: int) -> tuple[list[int], list[Tensor], Tensor]:
    nz, width = 5, 3
    widths = [width << k for k in reversed(range(size.bit_length() - 3))]
    weights = [draw.normal(nz, widths[0], 4, 4, std=0.3)]
    for before, after in zip(widths, [*widths[1:], channels], strict=True):
        weights += [draw.normal(before, mean=1, std=0.2), draw.normal(before, std=0.2),
                    draw.normal(before, after, 4, 4, std=0.2)]
    return [size, channels, nz, width], weights, draw.normal(6, nz)


def _assert_images(subject: Subject, draw: Draw, size: int, channels: int) -> None:
    sizes, weights, z = _draw_generator(draw, size, channels)
    mine = subject.probe(with_weights, sizes, weights, z)
    if "images" not in mine:
        raise Wrong(hint="Its layers are not those of the rule: each round adds a batch norm of the maps that come in, a "
                    "ReLU, and a transposed convolution without bias to the maps that go out. Shapes of your "
                    f"parameters: {mine['shapes']}.")
    mistakes = [(_generate(weights, z, lambda x: x), "Between batch norm and the next layer stands a ReLU."),
                (_generate(weights, z, lambda x: F.leaky_relu(x, 0.2)), "The generator has ReLUs; leaky ones are D's.")]
    assert_close(mine["images"], _generate(weights, z), mistakes=mistakes, atol=1e-4)


@check("dcgan.Generator", points=3, hint="Batch norm, ReLU, transposed convolution (4, stride 2, padding 1) in each round.")
def makes_the_images_of_the_rule(subject: Subject, draw: Draw) -> None:
    _assert_images(subject, draw, 16, 3)


@check("dcgan.Generator", points=2, hint="Nothing in it may fit one size or number of channels only.")
def for_any_size_and_number_of_channels(subject: Subject, draw: Draw) -> None:
    _assert_images(subject, draw, 32, 1)
    _assert_images(subject, draw, 16, 2)


# Initialisation

def initialised(function: Callable, seed: int, marks: list[float]) -> dict:
    """What `apply(function)` leaves of layers that were filled with `marks`."""
    layers = nn.ModuleDict({
        "conv": nn.Conv2d(3, 64, 4), "up": nn.ConvTranspose2d(3, 64, 4), "plain": nn.Conv2d(1, 1, 3, bias=False),
        "norm": nn.BatchNorm2d(3000), "linear": nn.Linear(3, 3)})
    with torch.no_grad():
        for parameter, mark in zip(layers.parameters(), marks, strict=True):
            parameter.fill_(mark)
    torch.manual_seed(seed)
    layers.apply(function)
    return {name: value.detach().clone() for name, value in layers.named_parameters()}


def _assert_gaussian(values: Tensor, mean: float, what: str) -> None:
    values = (values.flatten().double() - mean) / 0.02
    spread, middle = values.std().item(), values.mean().item()
    if abs(spread - 0.02 ** 0.5 / 0.02) < 0.5:
        raise Wrong(hint=f"{what}: 0.02 is the standard deviation, not the variance.")
    if spread < 1e-3:
        raise Wrong(hint=f"{what}: they are all alike, or untouched. They should be drawn, with standard deviation 0.02.")
    if abs(middle) > 0.2:
        raise Wrong(hint=f"{what}: their mean should be {mean:g}.")
    if abs(spread - 1) > 0.08:
        raise Wrong(hint=f"{what}: their standard deviation should be 0.02, yours is {spread * 0.02:.3g}.")
    if abs((values ** 4).mean().item() - 3) > 0.6:
        raise Wrong(hint=f"{what}: they are not Gaussian (uniform, perhaps?). Look at nn.init.normal_.")


def _layers(subject: Subject, draw: Draw) -> tuple[dict, list[float]]:
    marks = (1 + draw.uniform(9)).tolist()
    return subject.probe(initialised, int(draw.integers(0, 1000)), marks), marks


@check("dcgan.dcgan_init", points=2, hint="nn.init.normal_(module.weight, 0.0, 0.02), for Conv2d and for ConvTranspose2d.")
def draws_the_kernels(subject: Subject, draw: Draw) -> None:
    layers, _ = _layers(subject, draw)
    _assert_gaussian(layers["conv.weight"], 0, "Kernels of convolutions")
    _assert_gaussian(layers["up.weight"], 0, "Kernels of transposed convolutions")
    for name in ("conv.bias", "up.bias"):
        assert_close(layers[name], torch.zeros(64), mistakes=[], atol=1e-8)


@check("dcgan.dcgan_init", points=1, hint="Batch norm: weight N(1, 0.02), bias 0.")
def draws_the_scales_of_batch_norm(subject: Subject, draw: Draw) -> None:
    layers, _ = _layers(subject, draw)
    _assert_gaussian(layers["norm.weight"], 1, "Scales of batch norm")
    assert_close(layers["norm.bias"], torch.zeros(3000), atol=1e-8)


@check("dcgan.dcgan_init", points=1, hint="Change only convolutions and batch norm; a convolution may have no bias.")
def leaves_other_layers_alone(subject: Subject, draw: Draw) -> None:
    layers, marks = _layers(subject, draw)
    assert_close(layers["linear.weight"], torch.full((3, 3), marks[-2]))
    assert_close(layers["linear.bias"], torch.full((3,), marks[-1]))
    if bool((layers["conv.weight"] == marks[0]).all()):
        raise Wrong(hint="It leaves every layer alone.")


# The article's step

class Tiny(nn.Sequential):
    """A generator R^nz -> R^2."""

    nz = 3


class Logits(nn.Sequential):
    """A discriminator R^2 -> R, (B, 2) to (B,)."""

    def forward(self, samples: Tensor) -> Tensor:
        return super().forward(samples).flatten()


def tiny_networks(weights: list[Tensor]) -> tuple[nn.Module, nn.Module]:
    """Both networks with these weights."""
    generator = Tiny(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    discriminator = Logits(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
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


def after_steps(step: Callable, weights: list[Tensor], batches: list[Tensor], seed: int) -> dict:
    """Both networks after a step on each of `batches` (B, 2), and the losses."""
    generator, discriminator = tiny_networks(weights)
    optimizers = [torch.optim.SGD(network.parameters(), lr=0.3) for network in (generator, discriminator)]
    rng = torch.Generator().manual_seed(seed)
    losses = [step(generator, discriminator, *optimizers, real, rng) for real in batches]
    return {"D": weights_of(discriminator), "G": weights_of(generator), "losses": losses}


def faulty_step(*faults: str) -> Callable:
    """The step with the named faults of the exercise; none gives the reference."""
    def step(generator, discriminator, optimizer_g, optimizer_d, real, rng):
        def loss_of(samples: Tensor, target: int) -> Tensor:
            logits = discriminator(samples)
            if "mean" in faults and "sigmoid" in faults:
                output = logits.sigmoid().mean()
                return F.binary_cross_entropy(output, torch.full_like(output, target))
            if "sigmoid" in faults:
                return F.binary_cross_entropy(logits.sigmoid(), torch.full_like(logits, target))
            logits = logits.mean() if "mean" in faults else logits
            return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))

        z = torch.randn(64 if "64" in faults else len(real), generator.nz, generator=rng)
        fake = generator(z)
        optimizer_d.zero_grad()
        loss_d = loss_of(real, 1) + loss_of(fake.detach(), 0)
        loss_d.backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        loss_g = loss_of(fake, 1)
        loss_g.backward()
        optimizer_g.step()
        return loss_d.item(), loss_g.item()
    return step


MEAN = "You average before the loss. One very bad sample among good ones then counts for almost nothing: take the mean last."
SIGMOID = ("Where D is very sure, binary_cross_entropy of a sigmoid has gradient 0. Give the logits to "
           "binary_cross_entropy_with_logits.")
BATCH = "The listing draws z for 64 samples whatever comes: the last batch of an epoch is smaller. Draw len(real)."
STEP_MISTAKES = [(("mean",), MEAN), (("sigmoid",), SIGMOID), (("64",), BATCH), (("mean", "sigmoid"), f"{MEAN} And: {SIGMOID}"),
                 (("mean", "64"), f"{MEAN} And: {BATCH}"), (("sigmoid", "64"), f"{SIGMOID} And: {BATCH}"),
                 (("mean", "sigmoid", "64"), f"{MEAN} And: {SIGMOID} And: {BATCH}")]


def _assert_step(subject: Subject, draw: Draw, counts: Iterable[int], *, sure: float = 1.0, losses: bool = False) -> None:
    weights, seed = draw_weights(draw, sure), int(draw.integers(0, 10_000))
    batches = [draw.normal(count, 2) for count in counts]
    mine = subject.probe(after_steps, weights, batches, seed)
    expected = after_steps(reference.article_step, weights, batches, seed)
    runs = ((after_steps(faulty_step(*faults), weights, batches, seed), hint) for faults, hint in STEP_MISTAKES)
    if losses:
        assert_close(mine["losses"], expected["losses"])
    else:
        pairs = [(run["D"], hint) for run, hint in runs]
        assert_close(mine["D"], expected["D"], mistakes=pairs)
        assert_close(mine["G"], expected["G"])


@check("dcgan.article_step", points=2, hint="One logit and one label for each sample; the mean comes last.")
def every_sample_counts_on_its_own(subject: Subject, draw: Draw) -> None:
    _assert_step(subject, draw, [64, 64], sure=3.0)


@check("dcgan.article_step", points=2, hint="A very sure D must still learn: hand the loss logits, not probabilities.")
def a_very_sure_discriminator_still_learns(subject: Subject, draw: Draw) -> None:
    _assert_step(subject, draw, [64], sure=80.0)


@check("dcgan.article_step", points=1, hint="Draw as many z as there are real samples in this batch.")
def the_last_batch_may_be_smaller(subject: Subject, draw: Draw) -> None:
    _assert_step(subject, draw, [16, 5])


@check("dcgan.article_step", points=1, hint="Return D's loss and G's as two floats.")
def returns_both_losses(subject: Subject, draw: Draw) -> None:
    _assert_step(subject, draw, [12, 12], losses=True)


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


def after_training(train: Callable, weights: list, real: Tensor, seed: int, stops: list[int]) -> dict:
    """All that is left where `train` is called for each number of steps in `stops`, each time with fresh objects."""
    with tempfile.TemporaryDirectory() as folder:
        for count, start in zip(stops, weights, strict=True):
            generator, discriminator = tiny_networks(start)
            ema, _ = tiny_networks(start)
            rng = torch.Generator().manual_seed(seed + count)
            losses = train(plain_step, generator, discriminator, real, count, path=Path(folder) / "run.pt",
                           ema=ema.requires_grad_(False), rng=rng, batch=8)
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
    (("generator",), "The generator is forgotten."),
    (("discriminator", "ema", "optimizer_g", "optimizer_d", "rng", "losses"),
     "Only the generator is kept. What else changes from step to step?"),
]


@check("dcgan.train", points=3, hint="Keep whatever changes from step to step: networks, optimisers, the random generator.")
def an_interrupted_run_ends_with_the_same_weights(subject: Subject, draw: Draw) -> None:
    weights, real, seed = [draw_weights(draw) for _ in range(2)], draw.normal(40, 2), int(draw.integers(0, 1000))
    mine = subject.probe(after_training, weights, real, seed, [3, 6])
    expected = after_training(reference.train, weights, real, seed, [3, 6])
    runs = ((after_training(forgetful(*names), weights, real, seed, [3, 6]), hint) for names, hint in FORGOTTEN)
    assert_close({"G": mine["G"], "D": mine["D"]}, {"G": expected["G"], "D": expected["D"]}, rtol=1e-6, atol=1e-7,
                 mistakes=(({"G": run["G"], "D": run["D"]}, hint) for run, hint in runs))


@check("dcgan.train", points=1, hint="The averaged generator changes at every step too: keep it.")
def and_with_the_same_average(subject: Subject, draw: Draw) -> None:
    weights, real, seed = [draw_weights(draw) for _ in range(2)], draw.normal(40, 2), int(draw.integers(0, 1000))
    mine = subject.probe(after_training, weights, real, seed, [4, 5])
    expected = after_training(reference.train, weights, real, seed, [4, 5])
    assert_close(mine["ema"], expected["ema"], rtol=1e-6, atol=1e-7, mistakes=[
        (after_training(forgetful("ema"), weights, real, seed, [4, 5])["ema"], "The average is forgotten.")])


@check("dcgan.train", points=1, hint="Keep the list of losses in the checkpoint too; it is restored in place.")
def and_with_every_loss(subject: Subject, draw: Draw) -> None:
    weights, real, seed = [draw_weights(draw) for _ in range(2)], draw.normal(40, 2), int(draw.integers(0, 1000))
    mine = subject.probe(after_training, weights, real, seed, [2, 5])["losses"]
    assert_close(mine, after_training(reference.train, weights, real, seed, [2, 5])["losses"])


# Arcs

def _arc(start: Tensor, end: Tensor, share: Tensor, *, unit: bool = False, chord: bool = False, back: bool = False,
         turns: float = 1.0) -> Tensor:
    if back:
        share = 1 - share
    angle, share = torch.acos(F.cosine_similarity(start, end, dim=0)) * turns, share[:, None]
    if unit:
        start, end = start / start.norm(), end / end.norm()
    line = (1 - share) * start + share * end
    if chord:
        return line / line.norm(dim=1, keepdim=True) * start.norm()
    return (((1 - share) * angle).sin() * start + (share * angle).sin() * end) / angle.sin()


ARC_MISTAKES: list[tuple[Callable, str]] = [
    (lambda a, b, t: torch.lerp(a, b, t[:, None]), "This is the straight line: in the middle its points are too short."),
    (lambda a, b, t: _arc(a, b, t, back=True), "The way is walked backwards: share 0 is the start."),
    (lambda a, b, t: _arc(a, b, t, unit=True), "The points have length 1; keep the lengths of start and end."),
    (lambda a, b, t: _arc(a, b, t, chord=True), "A straight line, stretched: the steps in the middle are longer than at its "
     "ends. Divide the angle evenly."),
    (lambda a, b, t: _arc(a, b, t) * torch.acos(F.cosine_similarity(a, b, dim=0)).sin(), "Divide by the sine of the angle."),
]


@check("dcgan.slerp", points=3,
       hint="sin((1 - t) angle) / sin(angle) times the start, sin(t angle) / sin(angle) times the end.")
def divides_the_angle_evenly(subject: Subject, draw: Draw) -> None:
    start, end, share = draw.normal(6), draw.normal(6), draw.uniform(7)
    mistakes = ((wrong(start, end, share), hint) for wrong, hint in ARC_MISTAKES)
    assert_close(subject(start, end, share), reference.slerp(start, end, share), mistakes=mistakes, atol=1e-4)


@check("dcgan.slerp", points=1, hint="Where the sine of the angle is 0 the formula is 0/0: take the straight line there.")
def also_between_the_same_direction(subject: Subject, draw: Draw) -> None:
    start, share = draw.normal(6), draw.uniform(4)
    assert_close(subject(start, start * 2, share), start * (1 + share[:, None]), atol=1e-3)
    assert_close(subject(start, start.flip(0), share), reference.slerp(start, start.flip(0), share), atol=1e-4)


written("dcgan.batch_norm_everywhere", points=3, rubric="""
- 1 point: on G's output it forces every batch to one mean and variance per channel; images of a batch depend on each other.
- 1 point: in front of D it hides differences of brightness and contrast, real and fake being normalised apart.
- 1 point: why it helps in hidden layers of G, or what changes between training and evaluation mode.
""")
