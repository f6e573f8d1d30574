"""Answers to the exercises of chapter 13; the form is that of gan_losses.py."""
import itertools

import torch
import torch.nn.functional as F
from torch import nn

from solutions.after_gans import time_features


def wide(t, x):
    return t.view(-1, *[1] * (x.ndim - 1))


def line(point, speed=lambda n, d, t: d - n):
    """An answer to `on_the_line` from its two formulas, t beside the samples."""
    return lambda n, d, t: (point(n, d, wide(t, d)), speed(n, d, wide(t, d)))


def straight(n, d, t):
    return (1 - t) * n + t * d


def backwards(n, d, t):
    return t * n + (1 - t) * d


def line_by_lerp(noise, data, t):
    """Right: torch's interpolation."""
    return torch.lerp(noise, data, wide(t, data).expand_as(data)), data - noise


def line_one_by_one(noise, data, t):
    """Right: sample by sample, from the noise on; a list."""
    speed = data - noise
    return [torch.stack([n + s * v for n, s, v in zip(noise, t, speed, strict=True)]), speed]


def line_in_place(noise, data, t):
    speed = data - noise
    noise += wide(t, data) * speed
    return noise, speed


def line_by_what_is_left(noise, data, t):
    """Wrong: NaN at t = 1."""
    x, velocity = STRAIGHT(noise, data, t)
    return x, (data - x) / (1 - wide(t, data))


def line_of_parts(noise, data, t):
    """Right: the time as many times as a sample has numbers."""
    share = t.repeat_interleave(data[0].numel()).view_as(data)
    return noise - share * noise + share * data, torch.sub(data, noise)


def gaussian(pull=lambda t, s: t * s ** 2 - (1 - t), spread=lambda t, s: (1 - t) ** 2 + (t * s) ** 2,
             centre=lambda t, m: t * m, base=1):
    def answer(x, t, mean, std):
        t = wide(t, x)
        return base * mean + pull(t, std) / spread(t, std) * (x - centre(t, mean))
    return answer


def gaussian_by_both_ends(x, t, mean, std):
    """Right: the expected data minus the expected noise."""
    t = wide(t, x)
    rest = (x - t * mean) / ((1 - t) ** 2 + t ** 2 * std ** 2)
    return (mean + t * std ** 2 * rest) - (1 - t) * rest


def gaussian_by_the_way(x, t, mean, std):
    """Right: for each t by itself, with the derivative of the way's mean and width, m' + s' / s (x - m)."""
    def one(x, t):
        width = ((1 - t) ** 2 + (t * std) ** 2) ** 0.5
        slope = (t * std ** 2 - (1 - t)) / width
        return mean + slope / width * (x - t * mean)
    return torch.vmap(one)(x, t)


def gaussian_by_regression(x, t, mean, std):
    """Right: the slope of u on x_t, everything as a tensor, flattened."""
    mean, std = (torch.as_tensor(value, dtype=x.dtype).expand_as(x).flatten(1) for value in (mean, std))
    t, flat = t[:, None], x.flatten(1)
    covariance = t.mul(std.square()).add(t).sub(1)
    variance = std.square().mul(t.square()).add((1 - t).square())
    return torch.addcmul(mean, covariance / variance, flat - t * mean).view_as(x)


STRAIGHT = line(straight)


def loss_on_the_data(velocity, data, rng):
    """Wrong: the data are written over."""
    noise, t = torch.randn(data.shape, generator=rng), torch.rand(len(data), generator=rng)
    x = straight(noise, data, wide(t, data))
    return F.mse_loss(velocity(x, t), data.sub_(noise))


def in_training(answer):
    """Wrong: the network is put into training mode, and left there."""
    def other(velocity, *given):
        if isinstance(velocity, nn.Module):
            velocity.train()
        return answer(velocity, *given)
    return other


def loss(*, size=torch.square, total=torch.mean, path=STRAIGHT, told=lambda t: t, noise_first=True, cut=False,
         normal=torch.randn, uniform=torch.rand, one=False, own=True):
    def answer(velocity, data, rng):
        rng = rng if own else None
        noise = normal(data.shape, generator=rng) if noise_first else None
        t = uniform(1, generator=rng).repeat(len(data)) if one else uniform(len(data), generator=rng)
        noise = normal(data.shape, generator=rng) if noise is None else noise
        x, target = path(noise, data, t)
        v = velocity(x, told(t))
        return total(size((v.detach().requires_grad_() if cut else v) - target))
    return answer


def loss_by_mse(velocity, data, rng):
    """Right: F.mse_loss."""
    noise = torch.empty_like(data).normal_(generator=rng)
    t = torch.rand(data.shape[0], generator=rng)
    x, target = line_by_lerp(noise, data, t)
    return F.mse_loss(velocity(x, t), target)


def loss_by_hand(velocity, data, rng):
    """Right: sums and a count."""
    noise = torch.randn(*data.shape, generator=rng)
    t = torch.rand(data.size(0), generator=rng)
    there = noise + wide(t, data) * (data - noise)
    missed = velocity(there, t) + noise - data
    return torch.linalg.vector_norm(missed) ** 2 / missed.numel()


def loss_over_samples(velocity, data, rng):
    """Right: the mean of each sample, then of all."""
    x, target = line(straight)(torch.randn(data.shape, generator=rng), data, t := torch.rand(len(data), generator=rng))
    return ((target - velocity(x, t)) ** 2).flatten(1).mean(1).mean()


class Field(nn.Module):
    """The network, put together from named parts."""

    together, last = staticmethod(lambda x, t: torch.cat([x, time_features(t)], 1)), staticmethod(lambda v, x: v)
    more = 10

    def __init__(self, dim, width=128, depth=3):
        super().__init__()
        hidden = []
        for _ in range(depth - 1):
            hidden += [nn.SiLU(), nn.Linear(width, width)]
        self.layers = nn.Sequential(nn.Linear(dim + self.more, width), *hidden, nn.SiLU(), nn.Linear(width, dim))

    def forward(self, x, t):
        return self.last(self.layers(self.together(x, t)), x)


class FieldOfSteps(nn.Module):
    """Right: layers by name, kept sizes, an empty table that is filled."""

    def __init__(self, dim, width=128, depth=3):
        super().__init__()
        self.dim, self.depth = dim, depth
        self.enter = nn.Linear(dim + 10, width)
        for k in range(1, depth):
            setattr(self, f"hidden{k}", nn.Linear(width, width))
        self.leave = nn.Linear(width, dim)

    def forward(self, x, t):
        table = x.new_empty(len(x), self.dim + 10)
        table[:, :self.dim], table[:, self.dim:] = x, time_features(t)
        h = self.enter(table)
        for k in range(1, self.depth):
            h = getattr(self, f"hidden{k}")(h * torch.sigmoid(h))
        return self.leave(h * torch.sigmoid(h))


class DeeperField(Field):
    """Wrong: a hidden layer more than `depth`."""

    def __init__(self, dim, width=128, depth=3):
        super().__init__(dim, width, depth + 1)


def between(layer):
    class Other(Field):
        def __init__(self, dim, width=128, depth=3):
            super().__init__(dim, width, depth)
            self.layers = nn.Sequential(*(layer() if isinstance(part, nn.SiLU) else part for part in self.layers))
    return Other


def field(**parts):
    return type("Field", (Field,), {k: v if k == "more" else staticmethod(v) for k, v in parts.items()})


class FieldInALoop(nn.Module):
    """Right: a list of layers; hstack."""

    def __init__(self, dim, width=128, depth=3):
        super().__init__()
        widths = [dim + 10] + depth * [width] + [dim]
        self.linear = nn.ModuleList(nn.Linear(widths[k], widths[k + 1]) for k in range(depth + 1))

    def forward(self, x, t):
        h = torch.hstack((x, time_features(t)))
        for layer in self.linear[:-1]:
            h = F.silu(layer(h))
        return self.linear[-1](h)


class FixedField(Field):
    """Wrong: made for points in the plane."""

    def __init__(self, dim, width=128, depth=3):
        super().__init__(2, width, depth)


def flow_step(*, narrow=False, late=False, stale=False, back=False, still=False, after=False, told=lambda t: t,
              target=None, times_first=False, own=True, last=lambda loss, again: loss.detach(), clip=False):
    def answer(velocity, optimizer, data, rng):
        rng = rng if own else None
        t = torch.rand(len(data), generator=rng) if times_first else None
        noise = torch.randn(*((len(data), 1) if narrow else data.shape), generator=rng)
        t = torch.rand(len(data), generator=rng) if t is None else t
        x = (backwards if late else straight)(noise, data, wide(t, data))
        goal = target(noise, data) if target else noise - data if back else data - noise

        def find():
            return (velocity(x, told(t)) - goal).square().mean()
        value = find()
        if not stale and not after:
            optimizer.zero_grad()
        value.backward()
        if after:
            optimizer.zero_grad()
        if clip:
            nn.utils.clip_grad_norm_(velocity.parameters(), 0.1)
        if not still:
            optimizer.step()
        return last(value, find)
    return answer


def flow_step_clearing_after(velocity, optimizer, data, rng):
    """Wrong: the gradients that are there before the first step count."""
    value = loss()(velocity, data, rng)
    value.backward()
    optimizer.step()
    optimizer.zero_grad()
    return value.detach()


def flow_step_of_points(velocity, optimizer, data, rng):
    """Wrong: noise for rows (B, D) alone."""
    x0, t = torch.randn(len(data), data.shape[1], generator=rng), torch.rand(len(data), generator=rng)
    value = (velocity(straight(x0, data, wide(t, data)), t) - (data - x0)).square().mean()
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.detach()


def flow_step_by_the_network(velocity, optimizer, data, rng):
    """Right: the network's own zero_grad, before and after."""
    velocity.zero_grad()
    value = loss()(velocity, data, rng)
    value.backward()
    optimizer.step()
    velocity.zero_grad()
    return value.detach()


def flow_step_by_gradients(velocity, optimizer, data, rng):
    """Right: gradients by torch.autograd.grad."""
    value = loss_by_mse(velocity, data, rng)
    weights = list(velocity.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(value, weights), strict=True):
        weight.grad = gradient
    optimizer.step()
    return value.detach()


def flow_step_by_the_loss(velocity, optimizer, data, rng):
    """Right: the loss that is already there."""
    optimizer.zero_grad(set_to_none=True)
    value = loss_by_mse(velocity, data, rng)
    value.backward()
    optimizer.step()
    return value.item()


def flow_step_cleaning_up(velocity, optimizer, data, rng):
    """Right: gradients put to zero, not to None."""
    x0 = torch.randn(data.shape, generator=rng)
    t = torch.rand(len(data), generator=rng)
    value = ((data - x0) - velocity(x0 + wide(t, data) * (data - x0), t)).pow(2).mean()
    optimizer.zero_grad(set_to_none=False)
    value.backward()
    optimizer.step()
    return value.detach()


def sampler(advance, *, time=lambda k, n: k / n, count=lambda n: n):
    def answer(velocity, x, steps):
        for k in range(count(steps)):
            x = advance(velocity, x, torch.full((len(x),), float(time(k, steps))), 1 / steps)
        return x
    return answer


def plain(v, x, t, h):
    return x + h * v(x, t)


def second(ask, mix=lambda a, b: (a + b) / 2):
    def advance(v, x, t, h):
        first = v(x, t)
        return x + h * mix(first, ask(v, x, t, h, first))
    return advance


def euler_in_place(velocity, x, steps):
    for k in range(steps):
        x += velocity(x, torch.full((len(x),), k / steps)) / steps
    return x


def euler_of_one_velocity(velocity, x, steps):
    v = velocity(x, torch.zeros(len(x)))
    for _ in range(steps):
        x = x + v / steps
    return x


def euler_while(velocity, x, steps):
    """Wrong: sums of 1 / steps may stay below 1."""
    t = 0.0
    while t < 1:
        x, t = x + velocity(x, torch.full((len(x),), t)) / steps, t + 1 / steps
    return x


def euler_looking_on(velocity, x, steps):
    """Wrong: asks at t = 1, too, and for nothing."""
    v = velocity(x, torch.zeros(len(x)))
    for k in range(1, steps + 1):
        x = x + v / steps
        v = velocity(x, torch.full((len(x),), k / steps))
    return x


def euler_on_a_copy(velocity, x, steps):
    """Right: in place, on a copy."""
    x, t = x.clone(), torch.linspace(0, 1, steps + 1)[:-1]
    for now in t:
        x.add_(velocity(x, now.expand(x.shape[0])).detach(), alpha=1 / steps)
    return x


def heun_in_place(velocity, x, steps):
    for k in range(steps):
        t = torch.full((len(x),), k / steps)
        first = velocity(x, t)
        x += (first + velocity(x + first / steps, t + 1 / steps)) / (2 * steps)
    return x


def heun_ending_in_euler(velocity, x, steps):
    for k in range(steps):
        t = torch.full((len(x),), k / steps)
        first = velocity(x, t)
        second = velocity(x + first / steps, t + 1 / steps) if k < steps - 1 else first
        x = x + (first + second) / (2 * steps)
    return x


def heun_by_mean(velocity, x, steps):
    """Right: both velocities on a new axis, and their mean."""
    h = 1 / steps
    for k in range(steps):
        slopes = [velocity(x, torch.ones(len(x)) * k * h)]
        slopes.append(velocity(x + h * slopes[0], torch.ones(len(x)) * (k + 1) * h))
        x = x + h * torch.stack(slopes).mean(0)
    return x


def euler_counting_time(velocity, x, steps):
    """Right: the time is a tensor that grows."""
    t, h = x.new_zeros(x.shape[0]), 1 / steps
    while t[0] < 1 - h / 2:
        x, t = x + h * velocity(x, t), t + h
    return x


def euler_recursive(velocity, x, steps, done=0):
    """Right: a step, then the rest."""
    if done == steps:
        return x
    t = torch.ones(len(x)) * done / steps
    return euler_recursive(velocity, x.add(velocity(x, t), alpha=1 / steps), steps, done + 1)


def heun_by_correction(velocity, x, steps):
    """Right: Euler's step, then half the difference of the velocities on top."""
    for t0 in torch.arange(steps) / steps:
        t = t0.expand(len(x))
        v = velocity(x, t)
        guess = x + v / steps
        x = guess + (velocity(guess, t + 1 / steps) - v) / (2 * steps)
    return x


def heun_by_linspace(velocity, x, steps):
    """Right: times from linspace."""
    times = torch.linspace(0, 1, steps + 1)
    for a, b in itertools.pairwise(times):
        k1 = velocity(x, a.repeat(len(x)))
        k2 = velocity(x + (b - a) * k1, b.repeat(len(x)))
        x = x + (b - a) * 0.5 * (k1 + k2)
    return x


def loss_set_back(velocity, data, rng):
    """Wrong: each call draws the same."""
    state = rng.get_state()
    found = loss()(velocity, data, rng)
    rng.set_state(state)
    return found


RIGHT = {
    "after_gans.on_the_line": {"lerp": line_by_lerp, "one by one": line_one_by_one, "parts": line_of_parts},
    "after_gans.gaussian_velocity": {"both ends": gaussian_by_both_ends, "mean and width": gaussian_by_the_way,
                                    "regression": gaussian_by_regression},
    "after_gans.flow_matching_loss": {"mse": loss_by_mse, "over samples": loss_over_samples, "by hand": loss_by_hand},
    "after_gans.VelocityField": {"parts": Field, "loop": FieldInALoop, "steps": FieldOfSteps},
    "after_gans.flow_step": {"by the loss": flow_step_by_the_loss, "zeros": flow_step_cleaning_up,
                             "by the network": flow_step_by_the_network, "gradients": flow_step_by_gradients},
    "after_gans.euler": {"counting time": euler_counting_time, "recursive": euler_recursive, "a copy": euler_on_a_copy},
    "after_gans.heun": {"correction": heun_by_correction, "linspace": heun_by_linspace, "mean": heun_by_mean},
}

WRONG = {
    "after_gans.on_the_line": {
        "backwards": (line(backwards), "Time runs backwards"),
        "towards noise": (line(straight, lambda n, d, t: n - d), "points back to the noise"),
        "both swapped": (line(backwards, lambda n, d, t: n - d), "Noise and data are swapped"),
        "the way left": (line(straight, lambda n, d, t: d - straight(n, d, t)), "the rest of the line"),
        "t in the velocity": (line(straight, lambda n, d, t: t * (d - n)), "no t is left in it"),
        "noise stays": (line(lambda n, d, t: n + t * d, lambda n, d, t: d), "noise must fade"),
        "roots": (line(lambda n, d, t: (1 - t).sqrt() * n + t.sqrt() * d), "without roots"),
        "t not beside": (lambda n, d, t: ((1 - t) * n + t * d, d - n), "beside(t, data)"),
        "t for two axes": (lambda n, d, t: (straight(n, d, t[:, None]), d - n), "beside(t, data)"),
        "sphere": (line(lambda n, d, t: (1 - t ** 2).sqrt() * n + t * d), "not sqrt(1 - t^2)"),
        "velocity first": (lambda n, d, t: STRAIGHT(n, d, t)[::-1], "The point comes first"),
        "divided by t": (line(straight, lambda n, d, t: (d - n) / t), "not divided by t"),
        "in place": (line_in_place, "changes `noise` in place"),
        "what is left": (line_by_what_is_left, "needs no division"),
        "the point alone": (lambda n, d, t: straight(n, d, wide(t, d)), "Return two things"),
    },
    "after_gans.gaussian_velocity": {
        "a smallest variance": (gaussian(spread=lambda t, s: ((1 - t) ** 2 + (t * s) ** 2).clamp(min=1e-2)), "however small"),
        "root": (gaussian(spread=lambda t, s: ((1 - t) ** 2 + (t * s) ** 2) ** 0.5), "not by its root"),
        "sign": (gaussian(pull=lambda t, s: t * s ** 2 + 1 - t), "covariance's sign"),
        "no noise": (gaussian(pull=lambda t, s: t * s ** 2), "noise is missing"),
        "std": (gaussian(pull=lambda t, s: t * s - (1 - t)), "not standard deviations"),
        "mean of the data": (gaussian(centre=lambda t, m: m), "The mean of x_t is t * mean"),
        "not centred": (gaussian(centre=lambda t, m: 0), "Subtract the mean"),
        "no mean": (gaussian(base=0), "itself is missing"),
        "shares not squared": (gaussian(spread=lambda t, s: 1 - t + t * s ** 2), "are squared"),
        "sign of all": (gaussian(pull=lambda t, s: 1 - t - t * s ** 2), "turned as a whole"),
        "minus in the variance": (gaussian(spread=lambda t, s: (t * s) ** 2 - (1 - t) ** 2), "no minus in the variance"),
        "variance of u": (gaussian(spread=lambda t, s: 1 + s ** 2), "not of x_1 - x_0"),
        "std in the variance": (gaussian(spread=lambda t, s: (1 - t) ** 2 + t ** 2 * s), "std is squared"),
        "std at least 0.1": (lambda x, t, m, s: gaussian()(x, t, m, torch.as_tensor(s).clamp(min=0.1)), "Where std is 0"),
        "two axes only": (lambda x, t, m, s: gaussian_by_both_ends(x.flatten(1), t, m, s), "beside(t, x)"),
    },
    "after_gans.flow_matching_loss": {
        "set back": (loss_set_back, "do not set it back"),
        "absolute": (loss(size=torch.abs), "squared"),
        "sum": (loss(total=torch.sum), "not their sum"),
        "sum over values": (loss(total=lambda e: e.sum() / len(e)), "over their values"),
        "target back": (loss(path=line(straight, lambda n, d, t: n - d)), "points back"),
        "backwards": (loss(path=line(backwards)), "Time runs backwards"),
        "predicts data": (loss(path=line(straight, lambda n, d, t: d)), "not the data"),
        "predicts noise": (loss(path=line(straight, lambda n, d, t: n)), "not the noise"),
        "told 1 - t": (loss(told=lambda t: 1 - t), "another time"),
        "told nothing": (loss(told=torch.zeros_like), "must be told"),
        "t first": (loss(noise_first=False), "noise first"),
        "root": (loss(total=lambda e: e.mean().sqrt()), "without a root"),
        "halved": (loss(total=lambda e: e.mean() / 2), "do not halve"),
        "uniform noise": (loss(normal=torch.rand), "not torch.rand"),
        "normal times": (loss(uniform=torch.randn), "uniform in [0, 1)"),
        "one time": (loss(one=True), "one time for the whole batch"),
        "at the data": (loss(path=line(lambda n, d, t: d)), "asked at the data"),
        "the way left": (loss(path=line(straight, lambda n, d, t: d - straight(n, d, t))), "not the rest of the line"),
        "torch's generator": (loss(own=False), "`rng` alone"),
        "no_grad": (torch.no_grad()(loss()), "No gradient reaches"),
        "detached": (loss(cut=True), "no detach"),
        "on the data": (loss_on_the_data, "changes `data` in place"),
    },
    "after_gans.VelocityField": {
        "time first": (field(together=lambda x, t: torch.cat([time_features(t), x], 1)), "point comes first"),
        "1 - t": (field(together=lambda x, t: torch.cat([x, time_features(1 - t)], 1)), "told 1 - t"),
        "no time": (field(together=lambda x, t: torch.cat([x, 0 * time_features(t)], 1)), "no influence"),
        "t ten times": (field(together=lambda x, t: torch.cat([x, t[:, None].repeat(1, 10)], 1)), "not t itself"),
        "t alone": (field(together=lambda x, t: torch.cat([x, t[:, None]], 1), more=1), "dim + 10"),
        "tanh": (field(last=lambda v, x: v.tanh()), "nothing after the last layer"),
        "adds x": (field(last=lambda v, x: x + v), "velocity alone"),
        "one layer more": (DeeperField, "`depth` hidden layers"),
        "relu": (between(nn.ReLU), "not ReLU"),
        "linear": (between(nn.Identity), "one matrix"),
        "silu at the end": (field(last=lambda v, x: F.silu(v)), "no SiLU after"),
        "first time": (field(together=lambda x, t: torch.cat([x, time_features(t[:1].expand(len(x)))], 1)), "first one's time"),
        "1000 t": (field(together=lambda x, t: torch.cat([x, time_features(1000 * t)], 1)), "not 1000 t"),
        "squeezed": (field(last=lambda v, x: v.squeeze()), "drops the axis of the batch"),
        "as data": (field(last=lambda v, x: v.data), "No gradient comes back"),
        "in the plane only": (FixedField, "dim + 10"),
        "one number squeezed": (field(last=lambda v, x: v.squeeze(-1)), "Points of one number"),
    },
    "after_gans.flow_step": {
        "as it was": (flow_step(narrow=True, late=True, stale=True), "Three faults"),
        "narrow": (flow_step(narrow=True), "one number for each sample"),
        "late": (flow_step(late=True), "Time runs backwards"),
        "stale": (flow_step(stale=True), "zero_grad() before backward()"),
        "narrow and late": (flow_step(narrow=True, late=True), "one number for each sample"),
        "late and stale": (flow_step(late=True, stale=True), "Time runs backwards"),
        "target turned": (flow_step(late=True, back=True), "carries data to noise"),
        "target back": (flow_step(back=True), "it was right before"),
        "told 1 - t": (flow_step(late=True, told=lambda t: 1 - t), "leave the time as it is"),
        "predicts noise": (flow_step(target=lambda n, d: n), "not the noise"),
        "times first": (flow_step(times_first=True), "the noise first"),
        "torch's generator": (flow_step(own=False), "`rng` alone"),
        "loss after": (flow_step(last=lambda value, again: again().detach()), "from before the step"),
        "with its graph": (flow_step(last=lambda value, again: value), "loss.detach()"),
        "clears after": (flow_step_clearing_after, "not only after the step"),
        "clips": (flow_step(clip=True), "numbers differ"),
        "no step": (flow_step(still=True), "did not move"),
        "zeroed too late": (flow_step(after=True), "did not move"),
        "of points": (flow_step_of_points, "Follow the shapes"),
        "in training": (in_training(flow_step()), "in another mode"),
    },
    "after_gans.euler": {
        "end's time": (sampler(plain, time=lambda k, n: (k + 1) / n), "end's time"),
        "from 1 to 0": (sampler(plain, time=lambda k, n: 1 - k / n), "from 0, the noise"),
        "step's number": (sampler(plain, time=lambda k, n: k), "not the number of the step"),
        "no time": (sampler(plain, time=lambda k, n: 0), "stands still"),
        "no step size": (sampler(lambda v, x, t, h: x + v(x, t)), "lasts 1 / steps"),
        "minus": (sampler(lambda v, x, t, h: x - h * v(x, t)), "is added"),
        "one missing": (sampler(plain, count=lambda n: n - 1), "One step is missing"),
        "one too many": (sampler(plain, count=lambda n: n + 1), "too many"),
        "a single step": (lambda v, x, n: x + v(x, torch.zeros(len(x))), "in a loop"),
        "linspace": (sampler(plain, time=lambda k, n: k / max(n - 1, 1)), "(steps - 1)"),
        "in place": (euler_in_place, "changes `x` in place"),
        "one velocity": (euler_of_one_velocity, "ask it anew"),
        "middle's time": (sampler(plain, time=lambda k, n: (k + 0.5) / n), "the step's middle"),
        "velocity alone": (sampler(lambda v, x, t, h: h * v(x, t)), "not replaced"),
        "while": (euler_while, "One step too many"),
        "looks on": (euler_looking_on, "asked more often"),
        "t a number": (lambda v, x, n: x + v(x, torch.tensor(0.0)) / n, "one t for each"),
    },
    "after_gans.heun": {
        "euler": (sampler(plain), "This is Euler's"),
        "same time": (sampler(second(lambda v, x, t, h, f: v(x + h * f, t))), "end's time"),
        "same place": (sampler(second(lambda v, x, t, h, f: v(x, t + h))), "move x first"),
        "sum": (sampler(second(lambda v, x, t, h, f: v(x + h * f, t + h), torch.add)), "halve"),
        "second alone": (sampler(second(lambda v, x, t, h, f: v(x + h * f, t + h), lambda a, b: b)), "not the second alone"),
        "too far": (sampler(second(lambda v, x, t, h, f: v(x + f, t + h))), "first / steps"),
        "midpoint": (sampler(second(lambda v, x, t, h, f: v(x + h / 2 * f, t + h / 2), lambda a, b: b)), "midpoint rule"),
        "time + 1": (sampler(second(lambda v, x, t, h, f: v(x + h * f, t + 1))), "not t + 1"),
        "from the guess": (sampler(second(lambda v, x, t, h, f: v(x + h * f, t + h), lambda a, b: 1.5 * a + b / 2)),
                           "The step starts at x"),
        "Ralston": (sampler(second(lambda v, x, t, h, f: v(x + h * f / 1.5, t + h / 1.5), lambda a, b: a / 4 + b * 3 / 4)),
                    "Ralston"),
        "ends in Euler": (heun_ending_in_euler, "The last step is Euler's"),
        "in place": (heun_in_place, "changes `x` in place"),
        "late": (sampler(second(lambda v, x, t, h, f: v(x + h * f, t + h)), time=lambda k, n: (k + 1) / n), "begins at"),
    },
}
