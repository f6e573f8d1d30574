"""Checks of chapter 13."""
from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from solutions import after_gans as reference

from . import Draw, Subject, Wrong, assert_close, check, gradients, is_close, written

# The line

LINE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda n, d, t: (t * n + (1 - t) * d, d - n), "Time runs backwards: at t = 0 the point is the noise, at t = 1 the data."),
    (lambda n, d, t: ((1 - t) * n + t * d, n - d), "The velocity points back to the noise. It leads from noise to data."),
    (lambda n, d, t: (t * n + (1 - t) * d, n - d), "Noise and data are swapped: the line leads from noise, t = 0, to data."),
    (lambda n, d, t: ((1 - t) * n + t * d, d - ((1 - t) * n + t * d)),
     "That is the rest of the line, which shrinks. The velocity is the derivative of x_t with respect to t."),
    (lambda n, d, t: ((1 - t) * n + t * d, t * (d - n)),
     "The velocity is the derivative with respect to t: no t is left in it."),
    (lambda n, d, t: (n + t * d, d), "The noise must fade: its share is 1 - t."),
    (lambda n, d, t: ((1 - t).sqrt() * n + t.sqrt() * d, d - n), "A straight line: the shares are 1 - t and t, without roots."),
    (lambda n, d, t: ((1 - t ** 2).sqrt() * n + t * d, d - n),
     "On a straight line the noise's share is 1 - t, not sqrt(1 - t^2)."),
    (lambda n, d, t: (d - n, (1 - t) * n + t * d), "The point comes first, then the velocity."),
    (lambda n, d, t: ((1 - t) * n + t * d, (d - n) / t), "The line is walked in time 1: the velocity is not divided by t."),
    (lambda n, d, t: ((1 - t[:1]) * n + t[:1] * d, d - n), "All samples have the first one's time: each has its own."),
]


def _assert_on_the_line(subject: Subject, draw: Draw, *shape: int, spared: bool = False, ends: bool = False) -> None:
    noise, data, t = draw.normal(*shape), draw.normal(*shape, mean=1), draw.uniform(shape[0], low=0.1, high=0.9)
    if ends:
        t[:2] = torch.tensor([0.0, 1.0])
    found = subject(noise, data, t)
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise Wrong(hint="Return two things: the point x_t, and its velocity.")
    beside = t.view(-1, *[1] * (len(shape) - 1))
    expected = torch.stack(reference.on_the_line(noise, data, t))
    mistakes = [(torch.stack(wrong(noise, data, beside)), hint) for wrong, hint in LINE_MISTAKES]
    if shape[0] == shape[-1]:
        mistakes += [(torch.stack([(1 - t) * noise + t * data, data - noise]),
                      "t meets the last axis instead of the first: put it beside(t, data), one time for each sample.")]
    for part in found:
        part = part.nan_to_num(0, 0, 0) if ends and isinstance(part, Tensor) else part
        assert_close(part, torch.zeros(shape), rtol=0, atol=1e9)  # its shape
    found = torch.stack(list(found))
    if spared and any(is_close(found, value) for value, _ in mistakes):
        return
    if ends and not found.isfinite().all():
        raise Wrong(hint="At t = 0 or t = 1 it gives NaN or infinity: data - noise needs no division by t or 1 - t.")
    assert_close(found, expected, mistakes=mistakes)


@check("after_gans.on_the_line", points=2, hint="x_t = (1 - t) noise + t data, and its derivative with respect to t.")
def the_point_and_its_velocity(subject: Subject, draw: Draw) -> None:
    _assert_on_the_line(subject, draw, 5, 5)


@check("after_gans.on_the_line", points=1, hint="beside(t, data) has as many axes as the data, whatever they are.")
def for_clips_too(subject: Subject, draw: Draw) -> None:
    for shape in ((3, 2, 3, 4, 4), (1, 2, 3)):
        _assert_on_the_line(subject, draw, *shape, spared=True)  # wrong shares were paid for above
    _assert_on_the_line(subject, draw, 4, 3, spared=True, ends=True)


# The velocity of normal data

def _gaussian(*, pull: Callable, spread: Callable, centre: Callable = lambda t, m: t * m, base: float = 1) -> Callable:
    def variant(x, t, mean, std):
        return base * mean + pull(t, std) / spread(t, std) * (x - centre(t, mean))
    return variant


def _pull(t: Tensor, std: Tensor) -> Tensor:
    return t * std ** 2 - (1 - t)


def _spread(t: Tensor, std: Tensor) -> Tensor:
    return (1 - t) ** 2 + (t * std) ** 2


GAUSSIAN_MISTAKES = [
    (_gaussian(pull=_pull, spread=lambda t, s: _spread(t, s).sqrt()), "Divide by the variance of x_t, not by its root."),
    (_gaussian(pull=lambda t, s: t * s ** 2 + (1 - t), spread=_spread),
     "Check the covariance's sign: the noise stands in x_1 - x_0 with a minus, so its part is -(1 - t)."),
    (_gaussian(pull=lambda t, s: t * s ** 2, spread=_spread),
     "The noise is missing from the covariance of x_1 - x_0 with x_t."),
    (_gaussian(pull=lambda t, s: t * s - (1 - t), spread=_spread),
     "Variances, not standard deviations: the data's is std ** 2."),
    (_gaussian(pull=_pull, spread=_spread, centre=lambda t, m: m), "The mean of x_t is t * mean: at t = 0 it is 0."),
    (_gaussian(pull=_pull, spread=_spread, centre=lambda t, m: 0 * t * m), "Subtract the mean of x_t, t * mean, from x."),
    (_gaussian(pull=_pull, spread=_spread, base=0), "The mean of x_1 - x_0 itself is missing: add `mean`."),
    (_gaussian(pull=_pull, spread=lambda t, s: (1 - t) + t * s ** 2),
     "The shares 1 - t and t are squared in the variance of x_t."),
    (_gaussian(pull=lambda t, s: (1 - t) - t * s ** 2, spread=_spread),
     "The covariance's sign is turned as a whole: the data's part, t * std ** 2, has a plus, the noise's a minus."),
    (_gaussian(pull=_pull, spread=lambda t, s: (t * s) ** 2 - (1 - t) ** 2),
     "Variances of independent parts add up: no minus in the variance of x_t."),
    (_gaussian(pull=_pull, spread=lambda t, s: 1 + s ** 2 + 0 * t), "Divide by the variance of x_t, not of x_1 - x_0."),
    (_gaussian(pull=_pull, spread=lambda t, s: (1 - t) ** 2 + t ** 2 * s),
     "Variances, not standard deviations: std is squared in the variance of x_t, too."),
    (_gaussian(pull=lambda t, s: t * s - (1 - t), spread=lambda t, s: (1 - t) ** 2 + t ** 2 * s),
     "Variances, not standard deviations: std is squared in the covariance and in the variance of x_t."),
    (_gaussian(pull=lambda t, s: t ** 2 * s ** 2 - (1 - t) ** 2, spread=_spread),
     "In x_1 - x_0 the shares are 1 and -1: the covariance has t and 1 - t once, not squared."),
    (_gaussian(pull=lambda t, s: (1 - t) * s ** 2 - t, spread=lambda t, s: t ** 2 + ((1 - t) * s) ** 2,
               centre=lambda t, m: (1 - t) * m), "Time runs backwards: at t = 0 there is noise alone."),
]


@check("after_gans.gaussian_velocity", points=3,
       hint="E[u | x] = E[u] + Cov(u, x) / Var(x) (x - E[x]) for u = x_1 - x_0: what are these three?")
def agrees_with_the_closed_form(subject: Subject, draw: Draw) -> None:
    x, t = draw.normal(6, 3, std=2), draw.uniform(6, low=0.1, high=0.9)
    mean, std = draw.normal(3, mean=2), draw.uniform(3, low=0.3, high=0.8)
    mistakes = ((wrong(x, t[:, None], mean, std), hint) for wrong, hint in GAUSSIAN_MISTAKES)
    try:
        found = subject(x, t, mean, std)
    except Exception as error:
        if is_close(subject(x, t, 2.0, 0.5), reference.gaussian_velocity(x, t, 2.0, 0.5), rtol=1e-3):
            raise Wrong(f"It raised {type(error).__name__}: {error}.", hint="It is right for numbers and raises an error for "
                        "tensors: mean and std may fit (*), a sample's shape, so put t beside x before they meet.") from None
        raise
    assert_close(found, reference.gaussian_velocity(x, t, mean, std), mistakes=mistakes, rtol=1e-3)


@check("after_gans.gaussian_velocity", points=1, hint="Put t beside x first, beside(t, x): samples may have any shape.")
def for_numbers_and_for_clips(subject: Subject, draw: Draw) -> None:
    x, t = draw.normal(3, 2, 3, 3), draw.uniform(3, low=0.1, high=0.9)
    mean, std = float(draw.normal(1)), float(draw.uniform(1, low=0.3, high=0.8))
    found, at = subject(x, t, mean, std), t.view(3, 1, 1, 1)
    if any(is_close(found, wrong(x, at, mean, std), rtol=1e-3) for wrong, _ in GAUSSIAN_MISTAKES):  # paid for above
        return
    assert_close(found, reference.gaussian_velocity(x, t, mean, std), rtol=1e-3)
    one = reference.gaussian_velocity(x[:1], t[:1], mean, std)
    assert_close(subject(x[:1], t[:1], mean, std), one, rtol=1e-3, mistakes=[
        (one.squeeze(0), "squeeze() drops the axis of a batch of one: it gives the shape of x.")])
    ends = torch.tensor([0.0, 1.0, 0.5])
    if not is_close(subject(x, ends, mean, std), reference.gaussian_velocity(x, ends, mean, std), rtol=1e-3):
        raise Wrong(hint="At t = 0 or t = 1 it is wrong, or NaN: divide by the variance of x_t alone, which is above 0 there, "
                         "not by t or 1 - t.")
    if not is_close(subject(x, t, mean, 0.0), reference.gaussian_velocity(x, t, mean, 0.0), rtol=1e-3):
        raise Wrong(hint="Where std is 0 it is wrong, or NaN. For t below 1 the formula holds as it stands: divide by the "
                         "variance of x_t alone, add nothing to it, and let std be 0.")
    late = torch.tensor([0.97, 0.95, 0.98])
    if not is_close(subject(x, late, mean, 0.05), reference.gaussian_velocity(x, late, mean, 0.05), rtol=1e-3):
        raise Wrong(hint="For a small std, near t = 1, it is another velocity: take the variance as it is, however small.")


# The loss

class Waving(nn.Module):
    """A velocity that depends on every number, on the time and on a weight (F,), in evaluation mode."""

    def __init__(self, weight: Tensor):
        super().__init__()
        self.weight = weight
        self.eval()

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        if t.shape != x.shape[:1]:
            raise ValueError(f"a velocity takes one t for each of {len(x)} samples, got {tuple(t.shape)}")
        return torch.tanh(x * self.weight + t.view(-1, *[1] * (x.ndim - 1)))


def losses_of(function: Callable, weight: Tensor, data: Tensor, seed: int) -> list[Tensor]:
    """The loss that `function` finds, twice, with generators of one seed."""
    return [function(Waving(weight.clone().requires_grad_()), data.clone(), torch.Generator().manual_seed(seed))
            for _ in range(2)]


def gradient_of(function: Callable, weight: Tensor, data: Tensor, seed: int) -> Tensor:
    """The loss's gradient with respect to the velocity's weight; 0 where none arrives."""
    weight = weight.clone().requires_grad_()
    loss = function(Waving(weight).train(), data, torch.Generator().manual_seed(seed))
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return torch.zeros_like(weight)
    found = torch.autograd.grad(loss, weight, allow_unused=True)[0]
    return torch.zeros_like(weight) if found is None else found


def _loss(weight: Tensor, data: Tensor, seed: int, *, size: Callable = torch.square, total: Callable = torch.mean,
          line: Callable = lambda n, d, t: ((1 - t) * n + t * d, d - n), told: Callable = lambda t: t,
          noise_first: bool = True, times: Callable = torch.rand, one: bool = False, noise: Callable = torch.randn) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    x0 = noise(data.shape, generator=rng) if noise_first else None
    t = times(1 if one else len(data), generator=rng).expand(len(data))
    x0 = noise(data.shape, generator=rng) if x0 is None else x0
    x, target = line(x0, data, t.view(-1, *[1] * (data.ndim - 1)))
    return total(size(Waving(weight)(x, told(t)) - target))


FIXED = "It draws the same numbers whatever `rng` is: draw from `rng` as it is handed over, no manual_seed()."
OTHER_LOSS = "With the same seed it gives another loss the second time: draw noise and times from `rng` alone, generator=rng."
NARROW = "The noise has one number for each sample, spread over all its values: draw it with the shape of the data."
LOSS_MISTAKES: list[tuple[dict, str]] = [
    ({"size": torch.abs}, "The error is squared: only then is the mean of all lines the best answer."),
    ({"total": torch.sum}, "The mean over samples and values, not their sum."),
    ({"total": lambda e: e.mean().sqrt()}, "The mean squared error, without a root."),
    ({"total": lambda e: e.mean() / 2}, "The mean squared error: do not halve it."),
    ({"line": lambda n, d, t: ((1 - t) * n + t * d, n - d)}, "The target points back to the noise."),
    ({"line": lambda n, d, t: (t * n + (1 - t) * d, d - n)}, "Time runs backwards in x_t: at t = 0 it is the noise."),
    ({"line": lambda n, d, t: ((1 - t) * n + t * d, d)}, "The network is to give the velocity, data - noise, not the data."),
    ({"line": lambda n, d, t: ((1 - t) * n + t * d, n)}, "The network is to give the velocity, data - noise, not the noise."),
    ({"line": lambda n, d, t: ((1 - t) * n + t * d, (1 - t) * (d - n))},
     "The target is the velocity, data - noise, not the rest of the line, data - x_t."),
    ({"line": lambda n, d, t: (d, d - n)}, "The velocity is asked at the data: ask it at x_t, the point on the line."),
    ({"line": lambda n, d, t: (n, d - n)}, "The velocity is asked at the noise: ask it at x_t, the point on the line."),
    ({"told": lambda t: 1 - t}, "The velocity is told another time than the one at which x_t was taken."),
    ({"told": torch.zeros_like}, "The velocity must be told the time t of each sample."),
    ({"noise_first": False}, "Draw the noise first and then t, so that a seed gives everybody the same loss."),
    ({"one": True}, "There is one time for the whole batch: each sample has its own, torch.rand(len(data), ...)."),
    ({"times": torch.randn}, "Times are uniform in [0, 1): torch.rand, not torch.randn."),
    ({"noise": torch.rand}, "The noise is normal: torch.randn, not torch.rand."),
    ({"total": lambda e: e.sum() / len(e)}, "The mean over samples and over their values."),
    ({"noise": lambda shape, generator: torch.randn(shape[0], *[1] * (len(shape) - 1), generator=generator)}, NARROW),
]


def _draw_loss(draw: Draw, *shape: int) -> tuple[Tensor, Tensor, int]:
    return draw.normal(shape[-1]), draw.normal(*shape, mean=1), int(draw.integers(0, 10**6))


def _assert_loss(subject: Subject, given: tuple, *, spared: bool = False) -> None:
    found, again = subject.probe(losses_of, *given)
    if not is_close(found, again):
        raise Wrong(hint=OTHER_LOSS)
    mistakes = [(_loss(*given, **variant), hint) for variant, hint in LOSS_MISTAKES]
    if not (spared and any(is_close(found, value) for value, _ in mistakes)):
        weight, data, seed = given
        expected = reference.flow_matching_loss(Waving(weight), data, torch.Generator().manual_seed(seed))
        if not is_close(found, expected) and is_close(found, subject.probe(losses_of, weight, data, seed + 1)[0]):
            raise Wrong(hint=FIXED)
        assert_close(found, expected, mistakes=mistakes)


@check("after_gans.flow_matching_loss", points=3, hint="Noise, t, on_the_line, then the mean squared error of the velocity.")
def the_mean_squared_error_of_the_velocity(subject: Subject, draw: Draw) -> None:
    _assert_loss(subject, _draw_loss(draw, 6, 4))


@check("after_gans.flow_matching_loss", points=1,
       hint="No axis is special but the first: noise has data.shape, t (len(data),).")
def of_clips_too(subject: Subject, draw: Draw) -> None:
    _assert_loss(subject, _draw_loss(draw, 3, 2, 3, 4, 4), spared=True)  # what is wrong for points was paid for above
    _assert_loss(subject, _draw_loss(draw, 1, 2, 3), spared=True)


@check("after_gans.flow_matching_loss", points=1, hint="The loss must reach the velocity's weights: no detach, no item.")
def its_gradient_reaches_the_velocity(subject: Subject, draw: Draw) -> None:
    given = weight, data, seed = _draw_loss(draw, 5, 3)
    found, again = subject.probe(gradient_of, *given), subject.probe(gradient_of, *given)
    if not is_close(found, again):
        raise Wrong(hint=OTHER_LOSS)
    if is_close(found, torch.zeros_like(weight)):
        raise Wrong(hint="No gradient reaches the velocity's weights: no detach, no item, no no_grad().")
    leaf = weight.clone().requires_grad_()
    known = (torch.autograd.grad(_loss(leaf, data, seed, **variant), leaf)[0] for variant, _ in LOSS_MISTAKES)
    if not any(is_close(found, gradient) for gradient in known):  # paid for above
        assert_close(found, gradient_of(reference.flow_matching_loss, *given))


# The network

def field_with(cls: type, sizes: list[int], weights: list[Tensor]) -> nn.Module | dict:
    """A field of these weights; the shapes of its own where they do not fit."""
    field = cls(*sizes)
    own = [list(p.shape) for p in field.parameters()]
    if own != [list(w.shape) for w in weights]:
        return {"shapes": own}
    with torch.no_grad():
        for parameter, value in zip(field.parameters(), weights, strict=True):
            parameter.copy_(value)
    return field


def _field(weights: list[Tensor], together: Tensor, last: Callable = lambda v: v,
           between: Callable = nn.functional.silu) -> Tensor:
    h = together
    for k in range(0, len(weights), 2):
        h = nn.functional.linear(h, weights[k], weights[k + 1])
        h = between(h) if k < len(weights) - 2 else last(h)
    return h


def _other_shapes(mine: list, right: list, dim: int) -> str:
    """What is said of a field whose weights are not those asked for."""
    if len(mine) != len(right):
        return (f"It has {len(mine)} weights and biases where {len(right)} are asked for: `depth` hidden layers, and one more "
                f"linear layer that leads to dim numbers. Yours are {mine}.")
    if mine and mine[0] != right[0]:
        return ("Its first layer has another shape: it takes the point's dim numbers and the ten that say the time, dim + 10. "
                f"For dim {dim} yours are {mine}.")
    return f"Its layers have other shapes: expected {right}, got {mine}."


def _assert_field(subject: Subject, draw: Draw, dim: int, width: int, depth: int, *, batch: int = 5, constant_t: bool = False,
                  spared: bool = False, std: float = 1) -> None:
    sizes = [dim + 10, *[width] * depth, dim]
    weights = [part for before, after in itertools.pairwise(sizes)
               for part in (draw.normal(after, before, std=0.5), draw.normal(after))]
    x, t = draw.normal(batch, dim, std=std), draw.uniform(batch, low=0.1, high=0.9)
    if constant_t:
        t = torch.full_like(t, float(t[0]))
    field = subject.probe(field_with, [dim, width, depth], weights)
    if isinstance(field, dict):
        raise Wrong(hint=_other_shapes(field.get("shapes", []), [list(w.shape) for w in weights], dim))
    told = reference.time_features(t)
    both, silu = torch.cat([x, told], 1), nn.functional.silu
    mistakes = [
        (_field(weights, torch.cat([told, x], 1)), "The point comes first, then the features of the time: cat([x, ...])."),
        (_field(weights, torch.cat([x, reference.time_features(1 - t)], 1)), "The network is told 1 - t."),
        (_field(weights, torch.cat([x, 0 * told], 1)), "The time has no influence: hand time_features(t) to the layers."),
        (_field(weights, torch.cat([x, t[:, None].expand(-1, 10)], 1)), "Hand over time_features(t), not t itself ten times."),
        (_field(weights, both, torch.tanh), "A velocity may have any size: nothing after the last layer."),
        (x + _field(weights, both), "Return the velocity alone. The sampler adds it to x."),
        (_field(weights, both, silu), "A velocity may have any size: no SiLU after the last layer."),
        (_field(weights, both, between=torch.relu), "Between the layers stands SiLU, not ReLU."),
        (_field(weights, both, between=torch.tanh), "Between the layers stands SiLU, not tanh."),
        (_field(weights, both, between=lambda h: h), "Nothing stands between the layers: all of them together are one matrix."),
        (_field(weights, torch.cat([x, reference.time_features(1000 * t)], 1)), "The time is told as it is: t, not 1000 t."),
        (_field(weights, torch.cat([x, told[:1].expand(len(x), -1)], 1)),
         "All points are told the first one's time: each has its own."),
        (_field(weights, both).squeeze(0), "One point has one velocity, (1, D): squeeze() drops the axis of the batch."),
        (_field(weights, both).squeeze(1), "Points of one number have velocities (B, 1), too: squeeze() drops that axis."),
    ]
    found = field(x, t)
    if not (spared and any(is_close(found, value, atol=1e-4) for value, _ in mistakes[:-2])):
        assert_close(found, _field(weights, both), mistakes=mistakes, atol=1e-4)
    if not spared:
        right = field_with(reference.VelocityField, [dim, width, depth], weights)
        mine, expected = field.probe(gradients, x, t), gradients(right, x, t)
        nothing = {name: torch.zeros_like(value) for name, value in expected.items()}
        shown = mine if not isinstance(mine, dict) else dict(zip(expected, mine.values(), strict=False))  # whatever their names
        assert_close(shown, expected, atol=1e-3, mistakes=[
            (nothing, "No gradient comes back through it: nothing may be detached, and no no_grad().")])


@check("after_gans.VelocityField", points=2, hint="Concatenate x and time_features(t) along the second axis.")
def answers_from_point_and_time(subject: Subject, draw: Draw) -> None:
    _assert_field(subject, draw, 4, 6, 2)


@check("after_gans.VelocityField", points=1, hint="Use dim, width and depth: no number that fits one size only.")
def whatever_dim_width_and_depth_are(subject: Subject, draw: Draw) -> None:
    _assert_field(subject, draw, 3, 5, 1, constant_t=True, spared=True)  # what is wrong for all sizes was paid for above
    _assert_field(subject, draw, 2, 7, 3, spared=True)
    _assert_field(subject, draw, 5, 4, 2, batch=1, spared=True)
    _assert_field(subject, draw, 1, 6, 2, spared=True, std=9)  # a point has any size


# The training step

class Moving(nn.Module):
    """A velocity of samples (B, *) of `dim` numbers and times (B,): one layer and a tanh."""

    def __init__(self, dim: int):
        super().__init__()
        self.layer = nn.Linear(dim + 1, dim)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.layer(torch.cat([x.flatten(1), t[:, None]], 1)).tanh().view_as(x)


def after_flow_steps(step: Callable, weights: list[Tensor], data: Tensor, seed: int, train: bool = True) -> dict:
    """The weights after a step on each batch of data (S, B, *), and the losses."""
    velocity = Moving(data[0, 0].numel()).train(train)
    with torch.no_grad():
        for parameter, value in zip(velocity.parameters(), weights, strict=True):
            parameter.copy_(value)
    for parameter in velocity.parameters():
        parameter.grad = torch.ones_like(parameter)  # of an earlier life: it must not count
    optimizer, rng = torch.optim.SGD(velocity.parameters(), lr=0.3), torch.Generator().manual_seed(seed)
    losses = [step(velocity, optimizer, batch.clone(), rng) for batch in data]
    return {"losses": losses, **{name: p.detach().clone() for name, p in velocity.named_parameters()}}


def _flow_step(*, narrow: bool = False, late: bool = False, stale: bool = False, still: bool = False,
               told: Callable = lambda t: t, target: Callable = lambda n, d: d - n, times_first: bool = False,
               cleared: str = "before", after: bool = False, twice: bool = False) -> Callable:
    """A training step with named faults."""
    def step(velocity, optimizer, data, rng):
        t = torch.rand(len(data), generator=rng) if times_first else None
        noise = torch.randn(*((len(data), 1) if narrow else data.shape), generator=rng)
        t = torch.rand(len(data), generator=rng) if t is None else t
        when = t.view(-1, *[1] * (data.ndim - 1))
        x = when * noise + (1 - when) * data if late else (1 - when) * noise + when * data

        def loss() -> Tensor:
            return (velocity(x, told(t)) - target(noise, data)).square().mean()
        value = loss()
        if not stale and cleared == "before":
            optimizer.zero_grad()
        value.backward()
        for _ in range(0 if still else 2 if twice else 1):
            optimizer.step()
        if cleared == "after":
            optimizer.zero_grad()
        return (loss() if after else value).detach()
    return step


LATE = "Time runs backwards: x_t is noise at t = 1 and data at t = 0, while the target leads from noise to data."
STALE = "Gradients of earlier steps are added to this one's: call optimizer.zero_grad() before backward()."
LEFT = [  # what is seen in the loss; whether the old gradients count is asked apart
    (_flow_step(narrow=True, late=True), NARROW), (_flow_step(narrow=True), NARROW), (_flow_step(late=True), LATE),
    (_flow_step(target=lambda n, d: n - d), "The target points back to the noise: it was right before."),
    (_flow_step(late=True, target=lambda n, d: n - d),
     "This flow carries data to noise. Correct x_t and leave the target, so that data are at t = 1."),
    (_flow_step(late=True, told=lambda t: 1 - t), "The network is told 1 - t: correct x_t, and leave the time as it is."),
    (_flow_step(told=lambda t: 1 - t), "The network is told 1 - t, though x_t is right: tell it t."),
    (_flow_step(target=lambda n, d: d), "The target was right before: the velocity, data - noise, not the data."),
    (_flow_step(target=lambda n, d: n), "The target was right before: the velocity, data - noise, not the noise."),
    (_flow_step(times_first=True), "Draw the noise first and then the times, as before."),
]
FLOW_STEP_MISTAKES = [
    (_flow_step(narrow=True, late=True, stale=True), f"Three faults are left. The first: {NARROW[0].lower() + NARROW[1:]}"),
    *LEFT, (_flow_step(late=True, stale=True), LATE), (_flow_step(narrow=True, stale=True), NARROW),
    (_flow_step(stale=True), STALE),
    (_flow_step(still=True), "The weights did not move: optimizer.step() comes after backward(), with no zero_grad() between."),
    (_flow_step(twice=True), "The weights went two steps: call optimizer.step() once."),
    (_flow_step(cleared="after"), "A gradient that was there before the first step is added to it: call zero_grad() before "
     "backward(), not only after the step."),
    (_flow_step(after=True), "Return the loss from before the step: here it is computed again after it."),
]


def _steps_of(ask: Callable, draw: Draw, steps: int, *shape: int, train: bool = True) -> tuple[dict, Callable]:
    """The outcome of an answer, and what gives it those of known steps."""
    data, seed, size = draw.normal(steps, 4, *shape, mean=1), int(draw.integers(0, 10**6)), math.prod(shape)
    given = [draw.normal(size, size + 1, std=0.5), draw.normal(size)], data, seed, train
    found = _numbers(ask(*given))
    if not is_close(found["losses"], _numbers(ask(*given))["losses"]):
        raise Wrong(hint=OTHER_LOSS)
    return found, lambda step: _numbers(after_flow_steps(step, *given))


def _numbers(found: dict) -> dict:
    losses = found["losses"]
    if any(isinstance(loss, Tensor) and loss.requires_grad for loss in losses):
        raise Wrong(hint="The loss still holds its graph, and with it the memory of the step: return loss.detach().")
    return found | {"losses": torch.stack([torch.as_tensor(loss, dtype=torch.float32) for loss in losses])}


@check("after_gans.flow_step", points=3, hint="Follow the shapes, then the times: what is x_t at t = 0 and at t = 1?")
def its_loss_is_that_of_flow_matching(subject: Subject, draw: Draw) -> None:
    found, of = _steps_of(lambda *given: subject.probe(after_flow_steps, *given), draw, 1, 3)
    mistakes = ((of(wrong)["losses"], hint) for wrong, hint in FLOW_STEP_MISTAKES)
    assert_close(found["losses"], of(reference.flow_step)["losses"], mistakes=mistakes)
    found, of = _steps_of(lambda *given: subject.probe(after_flow_steps, *given), draw, 1, 2, 3)
    assert_close(found["losses"], of(reference.flow_step)["losses"])  # clips, too


@check("after_gans.flow_step", points=2, hint="Which gradients does optimizer.step() use? Are there any in them from before?")
def leaves_the_right_weights(subject: Subject, draw: Draw) -> None:
    found, of = _steps_of(lambda *given: subject.probe(after_flow_steps, *given), draw, 3, 3, train=False)
    if not any(is_close(found, of(wrong)) for wrong, _ in LEFT):  # the loss was paid for above
        assert_close(found, of(reference.flow_step), mistakes=((of(wrong), hint) for wrong, hint in FLOW_STEP_MISTAKES))


# Samplers

class Turning(nn.Module):
    """A velocity that turns and depends on the time; with `calls` (N,), each call adds a number of its own."""

    def __init__(self, matrix: Tensor, calls: Tensor | None = None):
        super().__init__()
        self.matrix, self.calls, self.asked = matrix, calls, 0

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        if t.shape != x.shape[:1]:
            raise ValueError(f"a velocity takes one t for each of {len(x)} samples, got {tuple(t.shape)}")
        late = t.view(-1, *[1] * (x.ndim - 1))
        self.asked += 1
        more = 0 if self.calls is None else self.calls[(self.asked - 1) % len(self.calls)]
        return torch.tanh(x @ self.matrix) * (1 + late ** 2) + late + more


def sampled(function: Callable, matrix: Tensor, x: Tensor, steps: int, train: bool = True) -> Tensor:
    """Where `function` carries x."""
    return function(Turning(matrix).train(train), x, steps)


def sampled_again(function: Callable, matrix: Tensor, x: Tensor, steps: int, calls: Tensor) -> Tensor:
    """Where it carries x the second time along a velocity that tells its calls apart."""
    velocity = Turning(matrix, calls)
    function(velocity, x.clone(), steps)
    return function(velocity, x, steps)


def _sampler(advance: Callable, *, time: Callable = lambda k, n: k / n, count: Callable = lambda n: n) -> Callable:
    """A sampler that calls advance(velocity, x, t, h) in every step."""
    def sampler(velocity, x, steps):
        for k in range(count(steps)):
            t = torch.full((len(x),), float(time(k, steps)))
            x = advance(velocity, x, t, 1 / steps)
        return x
    return sampler


def _euler(v, x, t, h):
    return x + h * v(x, t)


def _from_the_noise(v: Callable, x: Tensor, n: int) -> Tensor:
    return x + sum(v(x, torch.full((len(x),), k / n)) for k in range(n)) / n


EULER_MISTAKES: list[tuple[Callable, str]] = [
    (_sampler(_euler, time=lambda k, n: (k + 1) / n), "The velocity is taken at the end's time: step k begins at k / steps."),
    (_sampler(_euler, time=lambda k, n: 1 - k / n), "Time runs from 0, the noise, to 1, the data."),
    (_sampler(_euler, time=lambda k, n: k), "t is the time, k / steps, not the number of the step."),
    (_sampler(_euler, time=lambda k, n: 0), "The time stands still: t = k / steps in step k."),
    (_sampler(lambda v, x, t, h: x + v(x, t)), "A step lasts 1 / steps: move by the velocity times that."),
    (_sampler(lambda v, x, t, h: x - h * v(x, t)), "The velocity is added: it leads from noise to data."),
    (_sampler(_euler, count=lambda n: n - 1), "One step is missing."),
    (_sampler(_euler, count=lambda n: n + 1), "One step too many: the last one begins at 1 - 1 / steps."),
    (lambda v, x, n: x + v(x, torch.zeros(len(x))),
     "One velocity all along is one step, not `steps` of them: ask it anew in each, in a loop."),
    (_sampler(_euler, time=lambda k, n: (k + 0.5) / n), "This is the time of the step's middle: step k begins at k / steps."),
    (_sampler(lambda v, x, t, h: h * v(x, t)), "x is moved by the velocity: x + ..., it is not replaced."),
    (_sampler(_euler, time=lambda k, n: k / max(n - 1, 1)), "Step k begins at k / steps, not at k / (steps - 1)."),
    (_from_the_noise, "The velocity is asked where the point has come to, not always at the noise."),
]



def _heun(v, x, t, h):
    first = v(x, t)
    return x + h * (first + v(x + h * first, t + h)) / 2


def _part(second: Callable, mix: Callable = lambda a, b: (a + b) / 2) -> Callable:
    def advance(v, x, t, h):
        first = v(x, t)
        return x + h * mix(first, second(v, x, t, h, first))
    return advance


def _first_kept(v: Callable, x: Tensor, n: int) -> Tensor:
    first = v(x, torch.zeros(len(x)))
    for k in range(n):
        second = v(x + first / n, torch.full((len(x),), (k + 1) / n))
        x, first = x + (first + second) / (2 * n), second
    return x


HEUN_MISTAKES: list[tuple[Callable, str]] = [
    (_sampler(_euler), "This is Euler's: it never asks a second time."),
    (_sampler(_part(lambda v, x, t, h, f: v(x + h * f, t))), "The second velocity is that at the end's time, t + 1 / steps."),
    (_sampler(_part(lambda v, x, t, h, f: v(x, t + h))),
     "The second velocity is taken where Euler's step would end: move x first."),
    (_sampler(_part(lambda v, x, t, h, f: v(x + h * f, t + h), lambda a, b: a + b)),
     "The mean of the two velocities: halve their sum."),
    (_sampler(_part(lambda v, x, t, h, f: v(x + h * f, t + h), lambda a, b: b)),
     "The mean of both velocities, not the second alone."),
    (_sampler(_part(lambda v, x, t, h, f: v(x + f, t + h))), "Euler's step to the end is first / steps long."),
    (_sampler(_part(lambda v, x, t, h, f: v(x + h / 2 * f, t + h / 2), lambda a, b: b)),
     "That is the midpoint rule, as good and of the same order. Asked for is Heun's: the mean of start and end."),
    (_sampler(_part(lambda v, x, t, h, f: v(x + h * f, t + 1))), "The second time is t + 1 / steps, not t + 1."),
    (_sampler(_part(lambda v, x, t, h, f: v(x + h * f, t + h), lambda a, b: a + (a + b) / 2)),
     "The step starts at x, not where Euler's step has ended: the guess only tells where to ask."),
    (_sampler(_part(lambda v, x, t, h, f: v(x + 2 / 3 * h * f, t + 2 / 3 * h), lambda a, b: (a + 3 * b) / 4)),
     "That is Ralston's method, of the same order. Asked for is Heun's: the mean of start and end."),
    (lambda v, x, n: _last_by_euler(v, x, n), "The last step is Euler's: it has an end like the others, at t = 1."),
    (_sampler(_heun, time=lambda k, n: (k + 1) / n), "Step k begins at the time k / steps."),
    (_sampler(_heun, count=lambda n: n + 1), "One step too many: the last one begins at 1 - 1 / steps."),
    (_sampler(_heun, count=lambda n: n - 1), "One step is missing."),
    (_first_kept, "The second velocity, asked where Euler's step ends, serves as the next step's first: ask anew, where that "
                  "begins."),
    (_sampler(_part(lambda v, x, t, h, f: v(x + h / 2 * (f + v(x + h * f, t + h)), t + h))),
     "It asks a third time, at the corrected point. Heun's step asks twice."),
]



def _last_by_euler(v: Callable, x: Tensor, n: int) -> Tensor:
    for k in range(n):
        t = torch.full((len(x),), k / n)
        x = _heun(v, x, t, 1 / n) if k < n - 1 else _euler(v, x, t, 1 / n)
    return x


def _assert_sampler(subject: Subject, draw: Draw, expected: Callable, mistakes: list, *shape: int, steps: int,
                    spared: bool = False, train: bool = True) -> bool:
    """False where it is wrong and was paid for."""
    matrix, x = draw.normal(shape[-1], shape[-1], std=0.5), draw.normal(*shape)
    found, right = subject.probe(sampled, matrix, x, steps, train), sampled(expected, matrix, x, steps)
    if is_close(found, right, rtol=1e-3):
        return True
    values = [(sampled(wrong, matrix, x, steps), hint) for wrong, hint in mistakes]
    if spared and any(is_close(found, value, rtol=1e-3) for value, _ in values):
        return False
    assert_close(found, right, mistakes=values, rtol=1e-3)
    return True


def _assert_asked(subject: Subject, draw: Draw, expected: Callable, hint: str) -> None:
    """Whether the velocity is asked as often as the method does."""
    given = draw.normal(3, 3, std=0.5), draw.normal(2, 3), 3, draw.normal(29)
    if not is_close(subject.probe(sampled_again, *given), sampled_again(expected, *given), rtol=1e-3):
        raise Wrong(hint=hint)


MORE = "A step asks the velocity {0}, for all samples together: here it is asked more often."
COUNTS = (6, 49)  # sums of 1 / steps, or an arange by it, reach 1 too late


@check("after_gans.euler", points=2, hint="In step k: t = k / steps, then x = x + velocity / steps.")
def follows_the_velocity(subject: Subject, draw: Draw) -> None:
    for steps in COUNTS:
        _assert_sampler(subject, draw, reference.euler, EULER_MISTAKES, 4, 3, steps=steps)


@check("after_gans.euler", points=1, hint="The velocity wants t of shape (B,), whatever the shape of x.")
def with_any_shape_and_any_number_of_steps(subject: Subject, draw: Draw) -> None:
    known = reference.euler, EULER_MISTAKES  # they were paid for above
    sound = [_assert_sampler(subject, draw, *known, 2, 3, 4, 3, steps=3, spared=True, train=False),
             _assert_sampler(subject, draw, *known, 1, 3, steps=1, spared=True)]
    if all(sound):
        _assert_asked(subject, draw, reference.euler, MORE.format("once"))


@check("after_gans.heun", points=3, hint="Two velocities: at (x, t), and at (x + first / steps, t + 1 / steps). Their mean.")
def follows_the_mean_of_two_velocities(subject: Subject, draw: Draw) -> None:
    for steps in COUNTS:
        _assert_sampler(subject, draw, reference.heun, HEUN_MISTAKES, 4, 3, steps=steps)


@check("after_gans.heun", points=1, hint="The velocity wants t of shape (B,), whatever the shape of x.")
def with_any_shape_and_any_number_of_steps_(subject: Subject, draw: Draw) -> None:
    known = reference.heun, HEUN_MISTAKES  # they were paid for above
    sound = [_assert_sampler(subject, draw, *known, 2, 3, 4, 3, steps=2, spared=True, train=False),
             _assert_sampler(subject, draw, *known, 1, 3, steps=1, spared=True)]
    if all(sound):
        _assert_asked(subject, draw, reference.heun, MORE.format("twice"))


written("after_gans.no_opponent", points=3, rubric="""
- 1 point: the loss weighs every real sample, in proportion to how often it occurs; leaving a mode out costs loss at the
  points that lead there. A GAN's generator is judged only on what it makes.
- 1 point: lines cross, a function of (x, t) can answer only with their mean, so the variance of the target remains.
- 1 point: the mean turns with t, so trajectories are bent; a step along the velocity at its start leaves them. One large
  step ends near the mean. A remedy: more steps, a higher order, straighter trajectories (reflow).
""")
