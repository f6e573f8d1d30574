"""Checks of chapter 13."""
from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from solutions import after_gans as reference

from . import Draw, Subject, Wrong, assert_close, check, written

# The line

LINE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda n, d, t: (t * n + (1 - t) * d, d - n), "Time runs backwards: at t = 0 the point is the noise, at t = 1 the data."),
    (lambda n, d, t: ((1 - t) * n + t * d, n - d), "The velocity points back to the noise. It leads from noise to data."),
    (lambda n, d, t: (t * n + (1 - t) * d, n - d), "Noise and data are swapped: the line leads from noise, t = 0, to data."),
    (lambda n, d, t: ((1 - t) * n + t * d, d - ((1 - t) * n + t * d)),
     "That is the way that is left, which shrinks. The velocity is the derivative of x_t with respect to t."),
    (lambda n, d, t: ((1 - t) * n + t * d, t * (d - n)),
     "The velocity is the derivative with respect to t: no t is left in it."),
    (lambda n, d, t: (n + t * d, d), "The noise must fade: its share is 1 - t."),
    (lambda n, d, t: ((1 - t).sqrt() * n + t.sqrt() * d, d - n), "A straight line: the shares are 1 - t and t, without roots."),
]


def _assert_on_the_line(subject: Subject, draw: Draw, *shape: int) -> None:
    noise, data, t = draw.normal(*shape), draw.normal(*shape, mean=1), draw.uniform(shape[0], low=0.1, high=0.9)
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
        assert_close(part, torch.zeros(shape), rtol=0, atol=1e9)  # its shape
    assert_close(torch.stack(list(found)), expected, mistakes=mistakes)


@check("after_gans.on_the_line", points=2, hint="x_t = (1 - t) noise + t data, and its derivative with respect to t.")
def the_point_and_its_velocity(subject: Subject, draw: Draw) -> None:
    _assert_on_the_line(subject, draw, 5, 5)


@check("after_gans.on_the_line", points=1, hint="beside(t, data) has as many axes as the data, whatever they are.")
def for_clips_too(subject: Subject, draw: Draw) -> None:
    _assert_on_the_line(subject, draw, 3, 2, 3, 4, 4)


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
    (_gaussian(pull=lambda t, s: (1 - t) * s ** 2 - t, spread=lambda t, s: t ** 2 + ((1 - t) * s) ** 2,
               centre=lambda t, m: (1 - t) * m), "Time runs backwards: at t = 0 there is noise alone."),
]


@check("after_gans.gaussian_velocity", points=3,
       hint="E[u | x] = E[u] + Cov(u, x) / Var(x) (x - E[x]) for u = x_1 - x_0: what are these three?")
def agrees_with_the_closed_form(subject: Subject, draw: Draw) -> None:
    x, t = draw.normal(6, 3, std=2), draw.uniform(6, low=0.1, high=0.9)
    mean, std = draw.normal(3, mean=2), draw.uniform(3, low=0.3, high=0.8)
    mistakes = [(wrong(x, t[:, None], mean, std), hint) for wrong, hint in GAUSSIAN_MISTAKES]
    assert_close(subject(x, t, mean, std), reference.gaussian_velocity(x, t, mean, std), mistakes=mistakes, rtol=1e-3)


@check("after_gans.gaussian_velocity", points=1, hint="Put t beside x first, beside(t, x): samples may have any shape.")
def for_numbers_and_for_clips(subject: Subject, draw: Draw) -> None:
    x, t = draw.normal(3, 2, 3, 3), draw.uniform(3, low=0.1, high=0.9)
    mean, std = float(draw.normal(1)), float(draw.uniform(1, low=0.3, high=0.8))
    assert_close(subject(x, t, mean, std), reference.gaussian_velocity(x, t, mean, std), rtol=1e-3)


# The loss

def waving(weight: Tensor) -> Callable:
    """A velocity that depends on every number, on the time and on a weight (F,)."""
    def velocity(x: Tensor, t: Tensor) -> Tensor:
        if t.shape != x.shape[:1]:
            raise ValueError(f"a velocity takes one t for each of {len(x)} samples, got {tuple(t.shape)}")
        return torch.tanh(x * weight + t.view(-1, *[1] * (x.ndim - 1)))
    return velocity


def loss_and_gradient(function: Callable, weight: Tensor, data: Tensor, seed: int) -> list[Tensor]:
    """The loss that `function` finds, and its gradient with respect to the velocity's weight."""
    weight = weight.clone().requires_grad_()
    loss = function(waving(weight), data, torch.Generator().manual_seed(seed))
    loss.backward()
    return [loss.detach(), weight.grad]


def _loss(weight: Tensor, data: Tensor, seed: int, *, size: Callable = torch.square, total: Callable = torch.mean,
          line: Callable = lambda n, d, t: ((1 - t) * n + t * d, d - n), told: Callable = lambda t: t,
          noise_first: bool = True, times: str = "rand") -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    noise = torch.randn(data.shape, generator=rng) if noise_first else None
    t = torch.rand(len(data), generator=rng)
    noise = torch.randn(data.shape, generator=rng) if noise is None else noise
    if times == "one":
        t = t[:1].expand(len(data))
    x, target = line(noise, data, t.view(-1, *[1] * (data.ndim - 1)))
    return total(size(waving(weight)(x, told(t)) - target))


LOSS_MISTAKES: list[tuple[dict, str]] = [
    ({"size": torch.abs}, "The error is squared: only then is the mean of all lines the best answer."),
    ({"total": torch.sum}, "The mean over samples and values, not their sum."),
    ({"line": lambda n, d, t: ((1 - t) * n + t * d, n - d)}, "The target points back to the noise."),
    ({"line": lambda n, d, t: (t * n + (1 - t) * d, d - n)}, "Time runs backwards in x_t: at t = 0 it is the noise."),
    ({"line": lambda n, d, t: ((1 - t) * n + t * d, d)}, "The network is to give the velocity, data - noise, not the data."),
    ({"line": lambda n, d, t: ((1 - t) * n + t * d, n)}, "The network is to give the velocity, data - noise, not the noise."),
    ({"told": lambda t: 1 - t}, "The velocity is told another time than the one at which x_t was taken."),
    ({"told": torch.zeros_like}, "The velocity must be told the time t of each sample."),
    ({"noise_first": False}, "Draw the noise first and then t, so that a seed gives everybody the same loss."),
    ({"total": lambda e: e.sum() / len(e)}, "The mean over samples and over their values."),
]


def _assert_loss(subject: Subject, draw: Draw, *shape: int, part: int) -> None:
    weight, data, seed = draw.normal(shape[-1]), draw.normal(*shape, mean=1), int(draw.integers(0, 10**6))

    def of(loss: Callable) -> Tensor:
        leaf = weight.clone().requires_grad_()
        value = loss(leaf)
        return value.detach() if part == 0 else torch.autograd.grad(value, leaf)[0]

    found = subject.probe(loss_and_gradient, weight, data, seed)[part]
    mistakes = [(of(lambda w, v=variant: _loss(w, data, seed, **v)), hint) for variant, hint in LOSS_MISTAKES]
    expected = of(lambda w: reference.flow_matching_loss(waving(w), data, torch.Generator().manual_seed(seed)))
    assert_close(found, expected, mistakes=mistakes)


@check("after_gans.flow_matching_loss", points=3, hint="Noise, t, on_the_line, then the mean squared error of the velocity.")
def the_mean_squared_error_of_the_velocity(subject: Subject, draw: Draw) -> None:
    _assert_loss(subject, draw, 6, 4, part=0)


@check("after_gans.flow_matching_loss", points=1,
       hint="No axis is special but the first: noise has data.shape, t (len(data),).")
def of_clips_too(subject: Subject, draw: Draw) -> None:
    _assert_loss(subject, draw, 3, 2, 3, 4, 4, part=0)


@check("after_gans.flow_matching_loss", points=1, hint="The loss must reach the velocity's weights: no detach, no item.")
def its_gradient_reaches_the_velocity(subject: Subject, draw: Draw) -> None:
    _assert_loss(subject, draw, 5, 3, part=1)


# The network

def field_with(cls: type, sizes: list[int], weights: list[Tensor], x: Tensor, t: Tensor) -> dict:
    """What a field answers once it has these weights; the shapes of its own where they do not fit."""
    field = cls(*sizes)
    own = [list(p.shape) for p in field.parameters()]
    if own != [list(w.shape) for w in weights]:
        return {"shapes": own}
    with torch.no_grad():
        for parameter, value in zip(field.parameters(), weights, strict=True):
            parameter.copy_(value)
    return {"velocity": field(x, t).detach()}


def _field(weights: list[Tensor], together: Tensor, last: Callable = lambda v: v) -> Tensor:
    h = together
    for k in range(0, len(weights), 2):
        h = nn.functional.linear(h, weights[k], weights[k + 1])
        h = nn.functional.silu(h) if k < len(weights) - 2 else last(h)
    return h


def _assert_field(subject: Subject, draw: Draw, dim: int, width: int, depth: int, *, constant_t: bool) -> None:
    sizes = [dim + 10, *[width] * depth, dim]
    weights = [part for before, after in itertools.pairwise(sizes)
               for part in (draw.normal(after, before, std=0.5), draw.normal(after))]
    x, t = draw.normal(5, dim), draw.uniform(5, low=0.1, high=0.9)
    if constant_t:
        t = torch.full_like(t, float(t[0]))
    mine = subject.probe(field_with, [dim, width, depth], weights, x, t)
    if "velocity" not in mine:
        raise Wrong(hint="Its layers have other shapes: the first takes the point's dim numbers and the ten that say the "
                         f"time, dim + 10. For dim {dim} yours are {mine['shapes']}.")
    told = reference.time_features(t)
    mistakes = [
        (_field(weights, torch.cat([told, x], 1)), "The point comes first, then the features of the time: cat([x, ...])."),
        (_field(weights, torch.cat([x, reference.time_features(1 - t)], 1)), "The network is told 1 - t."),
        (_field(weights, torch.cat([x, 0 * told], 1)), "The time has no influence: hand time_features(t) to the layers."),
        (_field(weights, torch.cat([x, t[:, None].expand(-1, 10)], 1)), "Hand over time_features(t), not t itself ten times."),
        (_field(weights, torch.cat([x, told], 1), torch.tanh), "A velocity may have any size: nothing after the last layer."),
        (x + _field(weights, torch.cat([x, told], 1)), "Return the velocity alone. The sampler adds it to x."),
    ]
    assert_close(mine["velocity"], _field(weights, torch.cat([x, told], 1)), mistakes=mistakes, atol=1e-4)


@check("after_gans.VelocityField", points=2, hint="Concatenate x and time_features(t) along the second axis.")
def answers_from_point_and_time(subject: Subject, draw: Draw) -> None:
    _assert_field(subject, draw, 4, 6, 2, constant_t=False)


@check("after_gans.VelocityField", points=1, hint="Use dim, width and depth: no number that fits one size only.")
def whatever_dim_width_and_depth_are(subject: Subject, draw: Draw) -> None:
    _assert_field(subject, draw, 3, 5, 1, constant_t=True)
    _assert_field(subject, draw, 2, 7, 3, constant_t=False)


# The training step

def after_flow_steps(step: Callable, weights: list[Tensor], data: Tensor, seed: int) -> dict:
    """The weights after a step on each batch of data (S, B, *), and the losses."""
    dim = data[0, 0].numel()
    network = nn.Linear(dim + 1, dim)

    def velocity(x: Tensor, t: Tensor) -> Tensor:
        flat = torch.cat([x.flatten(1), t.view(len(x), 1)], 1)
        return torch.tanh(network(flat)).view(x.shape)

    with torch.no_grad():
        for parameter, value in zip(network.parameters(), weights, strict=True):
            parameter.copy_(value)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)  # of an earlier life: it must not count
    optimizer, rng = torch.optim.SGD(network.parameters(), lr=0.3), torch.Generator().manual_seed(seed)
    losses = [step(velocity, optimizer, batch, rng) for batch in data]
    return {"losses": torch.stack([torch.as_tensor(x, dtype=torch.float32).detach() for x in losses]),
            **{name: p.detach().clone() for name, p in network.named_parameters()}}


def _flow_step(*, narrow: bool = False, late: bool = False, stale: bool = False, back: bool = False,
               still: bool = False) -> Callable:
    """A training step with named faults."""
    def step(velocity, optimizer, data, rng):
        noise = torch.randn(*((len(data), 1) if narrow else data.shape), generator=rng)
        t = torch.rand(len(data), generator=rng)
        when = t.view(-1, *[1] * (data.ndim - 1))
        x = when * noise + (1 - when) * data if late else (1 - when) * noise + when * data
        loss = (velocity(x, t) - (noise - data if back else data - noise)).square().mean()
        if not stale:
            optimizer.zero_grad()
        loss.backward()
        if not still:
            optimizer.step()
        return loss.detach()
    return step


NARROW = "The noise has one number for each sample, spread over all its values: draw it with the shape of the data."
LATE = "Time runs backwards: x_t is noise at t = 1 and data at t = 0, while the target leads from noise to data."
STALE = "Gradients of earlier steps are added to this one's: call optimizer.zero_grad() before backward()."
FLOW_STEP_MISTAKES = [
    (_flow_step(narrow=True, late=True, stale=True), f"Three faults are left. The first: {NARROW[0].lower() + NARROW[1:]}"),
    (_flow_step(late=True, stale=True), LATE), (_flow_step(narrow=True, stale=True), NARROW),
    (_flow_step(narrow=True, late=True), NARROW), (_flow_step(narrow=True), NARROW), (_flow_step(late=True), LATE),
    (_flow_step(stale=True), STALE), (_flow_step(back=True), "The target points back to the noise: it was right before."),
    (_flow_step(late=True, back=True),
     "This flow carries data to noise. Mend x_t and leave the target, so that data are at t = 1."),
    (_flow_step(still=True), "The weights did not move: is optimizer.step() still there?"),
]


def _assert_steps(subject: Subject, draw: Draw, steps: int, *, only_loss: bool = False) -> None:
    data, seed = draw.normal(steps, 4, 3, mean=1), int(draw.integers(0, 10**6))
    weights = [draw.normal(3, 4, std=0.5), draw.normal(3)]

    def outcome(found: dict) -> Tensor | dict:
        return found["losses"] if only_loss else found

    expected = outcome(after_flow_steps(reference.flow_step, weights, data, seed))
    mistakes = [(outcome(after_flow_steps(wrong, weights, data, seed)), hint) for wrong, hint in FLOW_STEP_MISTAKES]
    assert_close(outcome(subject.probe(after_flow_steps, weights, data, seed)), expected, mistakes=mistakes)


@check("after_gans.flow_step", points=3, hint="Follow the shapes, then the times: what is x_t at t = 0 and at t = 1?")
def its_loss_is_that_of_flow_matching(subject: Subject, draw: Draw) -> None:
    _assert_steps(subject, draw, 1, only_loss=True)


@check("after_gans.flow_step", points=2, hint="What does the second step add to the gradient of the first?")
def leaves_the_right_weights(subject: Subject, draw: Draw) -> None:
    _assert_steps(subject, draw, 3)


# Samplers

def sampled(function: Callable, matrix: Tensor, x: Tensor, steps: int) -> Tensor:
    """Where `function` carries x along a velocity that turns and depends on the time."""
    def velocity(x: Tensor, t: Tensor) -> Tensor:
        if t.shape != x.shape[:1]:
            raise ValueError(f"a velocity takes one t for each of {len(x)} samples, got {tuple(t.shape)}")
        late = t.view(-1, *[1] * (x.ndim - 1))
        return torch.tanh(x @ matrix) * (1 + late ** 2) + late
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


EULER_MISTAKES: list[tuple[Callable, str]] = [
    (_sampler(_euler, time=lambda k, n: (k + 1) / n), "The velocity is taken at the end's time: step k begins at k / steps."),
    (_sampler(_euler, time=lambda k, n: 1 - k / n), "Time runs from 0, the noise, to 1, the data."),
    (_sampler(_euler, time=lambda k, n: k), "t is the time, k / steps, not the number of the step."),
    (_sampler(_euler, time=lambda k, n: 0), "The time stands still: t = k / steps in step k."),
    (_sampler(lambda v, x, t, h: x + v(x, t)), "A step lasts 1 / steps: move by the velocity times that."),
    (_sampler(lambda v, x, t, h: x - h * v(x, t)), "The velocity is added: it leads from noise to data."),
    (_sampler(_euler, count=lambda n: n - 1), "One step is missing."),
    (_sampler(_euler, count=lambda n: n + 1), "One step too many: the last one begins at 1 - 1 / steps."),
    (lambda v, x, n: x + v(x, torch.zeros(len(x))), "One step is not `steps` of them: go round in a loop."),
    (_sampler(_euler, time=lambda k, n: k / max(n - 1, 1)), "Step k begins at k / steps, not at k / (steps - 1)."),
]


def _heun(v, x, t, h):
    first = v(x, t)
    return x + h * (first + v(x + h * first, t + h)) / 2


def _part(second: Callable, mix: Callable = lambda a, b: (a + b) / 2) -> Callable:
    def advance(v, x, t, h):
        first = v(x, t)
        return x + h * mix(first, second(v, x, t, h, first))
    return advance


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
    (_sampler(_heun, time=lambda k, n: (k + 1) / n), "Step k begins at the time k / steps."),
]


def _assert_sampler(subject: Subject, draw: Draw, expected: Callable, mistakes: list, *shape: int, steps: int) -> None:
    matrix, x = draw.normal(shape[-1], shape[-1], std=0.5), draw.normal(*shape)
    values = [(sampled(wrong, matrix, x, steps), hint) for wrong, hint in mistakes]
    assert_close(subject.probe(sampled, matrix, x, steps), sampled(expected, matrix, x, steps), mistakes=values, rtol=1e-3)


@check("after_gans.euler", points=2, hint="In step k: t = k / steps, then x = x + velocity / steps.")
def follows_the_velocity(subject: Subject, draw: Draw) -> None:
    _assert_sampler(subject, draw, reference.euler, EULER_MISTAKES, 4, 3, steps=5)


@check("after_gans.euler", points=1, hint="The velocity wants t of shape (B,), whatever the shape of x.")
def with_any_shape_and_any_number_of_steps(subject: Subject, draw: Draw) -> None:
    _assert_sampler(subject, draw, reference.euler, EULER_MISTAKES[:-1], 2, 3, 4, 3, steps=3)
    _assert_sampler(subject, draw, reference.euler, [], 2, 3, steps=1)


@check("after_gans.heun", points=3, hint="Two velocities: at (x, t), and at (x + first / steps, t + 1 / steps). Their mean.")
def follows_the_mean_of_two_velocities(subject: Subject, draw: Draw) -> None:
    _assert_sampler(subject, draw, reference.heun, HEUN_MISTAKES, 4, 3, steps=4)


@check("after_gans.heun", points=1, hint="The velocity wants t of shape (B,), whatever the shape of x.")
def with_any_shape_and_any_number_of_steps_(subject: Subject, draw: Draw) -> None:
    _assert_sampler(subject, draw, reference.heun, HEUN_MISTAKES, 2, 3, 4, 3, steps=2)
    _assert_sampler(subject, draw, reference.heun, [], 2, 3, steps=1)


written("after_gans.no_opponent", points=3, rubric="""
- 1 point: the loss weighs every real sample, in proportion to how often it occurs; leaving a mode out costs loss at the
  points that lead there. A GAN's generator is judged only on what it makes.
- 1 point: lines cross, a function of (x, t) can answer only with their mean, so the variance of the target remains.
- 1 point: the mean turns with t, so the ways are bent; a step along the velocity at its start leaves the way. One large
  step ends near the mean. A remedy: more steps, a higher order, straighter ways (reflow).
""")
