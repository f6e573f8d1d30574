"""Checks of chapter 14, Real time."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import real_time as reference
from solutions.stability import squared_gradient_norm

from . import Draw, Subject, Wrong, assert_close, check, is_close, written

# One step

class Bent(nn.Module):
    """A velocity (B, K) of points (B, K) and times (B,), which is another one in training."""

    def __init__(self, weights: list[Tensor]):
        super().__init__()
        self.of_x, self.of_t = (nn.Parameter(value.clone()) for value in weights)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        if t.shape != x.shape[:1]:
            raise ValueError(f"a velocity takes one t for each of {len(x)} samples, got {tuple(t.shape)}")
        moved = torch.tanh(x.clone() @ self.of_x + 1 + t[:, None] * self.of_t)
        return 1.5 * moved if self.training else moved


def in_one_step(cls: Any, weights: list[Tensor], z: Tensor, train: bool) -> dict:
    """What a generator made of a velocity makes of z, and where its gradients arrive: z, and the velocity handed over."""
    velocity, z = Bent(weights), z.clone().requires_grad_()
    network = cls(velocity).train(train)
    network(torch.zeros(len(z) + 1, z.shape[1]))  # another batch before this one: nothing of it may stay
    made = network(z.clone())
    at = {name: x for name, x in (("z", z), ("x", velocity.of_x), ("t", velocity.of_t)) if x.requires_grad}
    total = (made * torch.linspace(0.5, 1.5, made.numel()).reshape(made.shape)).sum()
    found: Any = [None] * len(at)
    if total.requires_grad:
        found = torch.autograd.grad(total, list(at.values()), allow_unused=True)
    slopes = {"z": torch.zeros_like(z), "x": torch.zeros_like(weights[0]), "t": torch.zeros_like(weights[1])}
    return {"made": made.detach()} | slopes | {name: g for name, g in zip(at, found, strict=True) if g is not None}


def _one_step(advance: Callable) -> Callable:
    """A class of generators that go by advance(velocity, z, the time where noise is)."""
    class Generator(nn.Module):
        def __init__(self, velocity: nn.Module):
            super().__init__()
            self.velocity = velocity

        def forward(self, z: Tensor) -> Tensor:
            return advance(self.velocity, z, torch.zeros(len(z)))
    return Generator


@torch.no_grad()
def _without_graph(velocity: nn.Module, z: Tensor, t: Tensor) -> Tensor:
    return velocity(z, t)


ONE_STEP_MISTAKES: list[tuple[Callable, str]] = [
    (lambda v, z, t: v(z, t), "The velocity alone is the way, not where it ends: add z, where it starts."),
    (lambda v, z, t: z + v(z, t + 1), "The velocity is asked at t = 1, where data are. Noise is at t = 0."),
    (lambda v, z, t: z + v(z, t + 0.5), "The velocity is asked at t = 1/2. One step of Euler's asks where it starts, t = 0."),
    (lambda v, z, t: v(z, t + 1), "Two things: noise is at t = 0, and the step leads on from z, so add it."),
    (lambda v, z, t: z - v(z, t), "The velocity leads from noise to data: add it."),
    (lambda v, z, t: z - v(z, t + 1), "That is a step back from data to noise. Here noise, at t = 0, becomes data: add the "
                                      "velocity."),
    (lambda v, z, t: v(z, t) - z, "z is where the step starts: add it, do not subtract it."),
    (lambda v, z, t: _euler(v, z, 2), "These are two steps: one evaluation is all that it may take."),
    (lambda v, z, t: z + (v(z, t) + v(z + v(z, t), t + 1)) / 2, "That is Heun's step, which asks twice. One evaluation is all "
                                                                "that it may take."),
    (lambda v, z, t: z + v(torch.zeros_like(z), t), "The velocity is asked at 0: ask it at z."),
    (lambda v, z, t: z + v(z, t)[:1], "All samples get the velocity of the first one."),
    (lambda v, z, t: z + v(z, t).mean(0), "Each sample has its own velocity: no mean over the batch."),
    (lambda v, z, t: z + v(z, t) if v.training else z + 1.5 * v(z, t),
     "The velocity stays in training when the generator is not: as self.velocity it is a part of it and follows its mode."),
    (lambda v, z, t: z + v(z, t) / 1.5 if v.training else z + v(z, t),
     "The velocity works in another mode than the generator: leave its mode as it is, no eval()."),
]
ONE_STEP_CUTS: list[tuple[Callable, str]] = [
    (lambda v, z, t: (z + v(z, t)).detach(), "No gradient comes back through it, so it could never be trained: no detach, no "
                                             "no_grad()."),
    (lambda v, z, t: z + v(z, t).detach(), "No gradient reaches the velocity, which is what is trained further: no detach, no "
                                           "no_grad(), and no copy of it."),
    (lambda v, z, t: z + _copied(v)(z, t), "No gradient reaches the velocity that was handed over: use it itself, not a copy, "
                                           "and leave its weights free to learn."),
    (lambda v, z, t: z + v(z.detach(), t), "The way from z through the velocity is cut: no detach."),
    (lambda v, z, t: z.detach() + v(z, t), "z itself is cut off: no detach."),
]


def _copied(velocity: nn.Module) -> nn.Module:
    assert isinstance(velocity, Bent)
    copy = Bent([velocity.of_x.detach(), velocity.of_t.detach()])
    return copy.train(velocity.training)


def _euler(velocity: Callable, x: Tensor, steps: int) -> Tensor:
    for k in range(steps):
        x = x + velocity(x, torch.full((len(x),), k / steps)) / steps
    return x


def _assert_one_step(subject: Subject, draw: Draw, batch: int, dim: int, *, train: bool = False, parts: tuple = ("made",),
                     spared: bool = False) -> None:
    given = [draw.normal(dim, dim, std=0.7), draw.normal(dim, mean=1)], draw.normal(batch, dim), train

    def of(found: dict) -> dict:
        return {name: found[name] for name in parts}
    mine, right = of(subject.probe(in_one_step, *given)), of(in_one_step(reference.OneStep, *given))
    if is_close(mine, right):
        return
    faulty = [(in_one_step(_one_step(wrong), *given), hint) for wrong, hint in ONE_STEP_MISTAKES]
    if spared and any(is_close(mine, of(found)) for found, _ in faulty[:-1]):  # but the mode, which shows in training alone
        return
    squeezed = {name: value.squeeze() if name == "made" else value for name, value in right.items()}
    cut = [(of(in_one_step(_one_step(wrong), *given)), hint) for wrong, hint in ONE_STEP_CUTS]
    assert_close(mine, right, mistakes=[*((of(found), hint) for found, hint in faulty), *cut,
                                        (squeezed, "squeeze() drops the axis of a batch of one: a sample is (1, K).")])


@check("real_time.OneStep", points=2, hint="z plus the velocity at z, where t = 0 for each sample: z.new_zeros(len(z)).")
def goes_all_the_way_in_one_step(subject: Subject, draw: Draw) -> None:
    _assert_one_step(subject, draw, 5, 3)


@check("real_time.OneStep", points=1, hint="Whatever B, K and the mode are; and the velocity itself must learn by it.")
def and_its_velocity_can_learn(subject: Subject, draw: Draw) -> None:
    _assert_one_step(subject, draw, 1, 4, spared=True)  # what is wrong for all sizes was paid for above
    _assert_one_step(subject, draw, 3, 1, spared=True)
    _assert_one_step(subject, draw, 4, 2, train=True, spared=True)
    _assert_one_step(subject, draw, 6, 3, train=True, parts=("made", "z", "x", "t"), spared=True)


# R1 from a little noise

class Critic(nn.Module):
    """Of samples (B, *), with logits (B,): linear where `bend` is 0."""

    def __init__(self, weights: list[Tensor], bend: float):
        super().__init__()
        self.given, self.bend = weights, bend

    def forward(self, x: Tensor) -> Tensor:
        h = x.flatten(1).clone() @ self.given[0]  # of a copy: whoever writes to x afterwards is told just that
        return (h + self.bend * (h.square() + torch.sin(3 * h))) @ self.given[1]


def steepness(function: Callable, weights: list[Tensor], bend: float, x: Tensor, sigma: float, seed: int,
              train: bool = True) -> list:
    """What the function finds, twice, with generators of one seed; and the gradient of the first for the critic's weights."""
    leaves = [value.clone().requires_grad_() for value in weights]
    found, again = (function(Critic(leaves, bend).train(train), x.clone(), sigma, torch.Generator().manual_seed(seed))
                    for _ in range(2))
    slopes: Any = [None] * len(leaves)
    if isinstance(found, Tensor) and found.requires_grad:
        slopes = torch.autograd.grad(found.sum(), leaves, allow_unused=True)
    kept = [value.detach() if isinstance(value, Tensor) else value for value in (found, again)]
    return [*kept, [torch.zeros_like(x) if g is None else g for x, g in zip(leaves, slopes, strict=True)]]


def r1_variant(fault: str = "") -> Callable:
    """The approximation with one named fault."""
    def variant(critic: Callable, x: Tensor, sigma: float, rng: torch.Generator) -> Tensor:
        shape: tuple = {"a row for all": x.shape[1:], "a number a sample": (len(x), *[1] * (x.ndim - 1)),
                        "one number": ()}.get(fault, x.shape)
        noise = torch.rand(shape, generator=rng) if "uniform" in fault else torch.randn(shape, generator=rng)
        noise = {"uniform": noise, "uniform around 0": noise - 0.5, "uniform both ways": 2 * noise - 1,
                 "signs": noise.sign(), "direction": F.normalize(noise.flatten(1), dim=1).view(noise.shape)
                 }.get(fault, noise) if noise.ndim > 1 else noise
        scale = {"whole noise": 1, "sigma squared": sigma ** 2, "root of sigma": sigma ** 0.5}.get(fault, sigma)
        there, here = critic(x + scale * noise), critic(x)
        if fault == "no centre":
            here = 0 * here
        elif fault == "both ways":
            here, sigma = critic(x - sigma * noise), 2 * sigma
        elif fault == "both ways, not halved":
            here = critic(x - sigma * noise)
        elif fault == "drawn twice":
            here = critic(x + sigma * torch.randn(x.shape, generator=rng))
        elif fault == "at the noise":
            there = critic(sigma * noise)
        here, there = here.detach() if fault == "cut here" else here, there.detach() if fault == "cut there" else there
        change = there - here
        ways: dict[str, Callable] = {
            "not divided": lambda: change.square().mean(), "divided by sigma": lambda: change.square().mean() / sigma,
            "absolute": lambda: (change / sigma).abs().mean(), "sum": lambda: (change / sigma).square().sum(),
            "mean first": lambda: (change / sigma).mean().square(), "no square": lambda: (change / sigma).mean(),
            "root": lambda: (change / sigma).square().mean().sqrt(), "each": lambda: (change / sigma).square(),
            "half": lambda: (change / sigma).square().mean() / 2, "multiplied": lambda: (change * sigma).square().mean(),
            "by the numbers": lambda: (change / sigma).square().mean() / x[0].numel(),
            "by the noise": lambda: (change.square() / (sigma * noise).flatten(1).square().sum(1)).mean(),
            "squares' difference": lambda: ((there.square() - here.square()) / sigma ** 2).mean(),
            "norm": lambda: (change / sigma).norm(), "variance": lambda: (change / sigma).var(correction=min(1, len(x) - 1)),
            "whole variance": lambda: (change / sigma).var(correction=0),
        }
        return ways.get(fault, lambda: (change / sigma).square().mean())()
    return variant


def _exact_r1(critic: Callable, x: Tensor, sigma: float, rng: torch.Generator) -> Tensor:
    return squared_gradient_norm(critic, x).mean()


NORMAL = "The noise is normal: torch.randn, not torch.rand."
R1_MISTAKES = {
    "not divided": "The division is missing: without it the number shrinks with sigma ** 2. Divide the change by sigma, then "
                   "square.",
    "divided by sigma": "It is divided by sigma once; the *square* of the change is divided by sigma ** 2.",
    "multiplied": "Divide by sigma; you multiply.",
    "no centre": "That is the square of a logit, however flat D is. Square the *change*: the logit with noise less the one "
                 "without.",
    "squares' difference": "Subtract first, then square: this is the difference of two squares.",
    "absolute": "The change is squared, not its absolute value taken: only a square gives the squared gradient.",
    "no square": "The square is missing: changes of both signs cancel.",
    "mean first": "Changes of both signs cancel: square each one first, then the mean.",
    "variance": "The mean square of the changes: their mean is not taken off.",
    "whole variance": "The mean square of the changes: their mean is not taken off.",
    "sum": "The mean over the samples, not their sum.",
    "each": "One number: the mean over the samples.",
    "root": "The mean *square*, without a root: R1 is the squared norm.",
    "norm": "The mean *square* over the samples: this is a norm of all of them.",
    "half": "Do not halve: that is done where it is weighed, gamma / 2.",
    "by the numbers": "The mean over the samples, not over the numbers in each, too.",
    "by the noise": "Divide by sigma ** 2, not by the squared length of the noise that was drawn.",
    "uniform": NORMAL, "uniform around 0": NORMAL, "uniform both ways": NORMAL,
    "signs": "The noise is normal, not just a sign.",
    "direction": "The noise is normal, and not normed: its length counts, too.",
    "a row for all": "One row of noise for the whole batch: each sample has its own, of the shape of x.",
    "a number a sample": "One number of noise for each sample, spread over all its values: draw it with the shape of x.",
    "one number": "One number of noise for all: draw it with the shape of x.",
    "whole noise": "The noise is as large as 1: it has the standard deviation sigma, x + sigma * noise.",
    "sigma squared": "sigma is the noise's standard deviation: multiply normal noise by sigma, not by its square.",
    "root of sigma": "sigma is the noise's standard deviation, not its variance: multiply by sigma, without a root.",
    "both ways": "That is the change from x - sigma * noise to x + sigma * noise. Asked for is the change from x itself.",
    "both ways, not halved": "That is the change from x - sigma * noise to x + sigma * noise. Asked for is the change from x "
                             "itself.",
    "drawn twice": "Both logits have noise of their own: compare with the logit of x itself.",
    "at the noise": "The noise is added to x: critic(x + sigma * noise).",
}
EXACT = "That is the exact squared gradient, by a gradient of D. Here a little noise is to tell it, without any gradient."
OTHER_R1 = "With the same seed it gives another number the second time: draw the noise from `rng` alone, generator=rng."


def _draw_critic(draw: Draw, bend: float, *shape: int) -> tuple:
    weights = [draw.normal(torch.Size(shape[1:]).numel(), 3, std=0.5), draw.normal(3)]
    return weights, bend, draw.normal(*shape), float(draw.uniform(1, low=0.3, high=0.7)), int(draw.integers(0, 10 ** 6))


def _r1_values(given: tuple) -> Iterator[tuple[Any, str]]:
    """What known mistakes give, and their hints."""
    for fault, hint in R1_MISTAKES.items():
        yield steepness(r1_variant(fault), *given)[0], hint
    yield steepness(_exact_r1, *given)[0], EXACT


def _assert_r1(subject: Subject, given: tuple, *, spared: bool = False) -> None:
    mine, again, _ = subject.probe(steepness, *given)
    if not is_close(mine, again):
        raise Wrong(hint=OTHER_R1)
    right = steepness(reference.approximate_r1, *given)[0]
    if is_close(mine, right) or spared and any(is_close(mine, value) for value, _ in _r1_values(given)):
        return
    other = subject.probe(steepness, *given[:-1], given[-1] + 1)[0]
    fixed = [(mine, "It has the same noise whatever `rng` is: draw the noise from `rng` alone.")] * is_close(mine, other)
    assert_close(mine, right, mistakes=[*_r1_values(given), *fixed])


@check("real_time.approximate_r1", points=2,
       hint="noise = torch.randn(x.shape, generator=rng); then the change from critic(x), over sigma, squared; the mean.")
def the_mean_squared_change_over_sigma_squared(subject: Subject, draw: Draw) -> None:
    _assert_r1(subject, _draw_critic(draw, 0.5, 7, 4))
    _assert_r1(subject, _draw_critic(draw, 0.0, 6, 5))


@check("real_time.approximate_r1", points=1, hint="Samples (B, *) may be clips, or one alone: noise has the shape x.shape.")
def of_clips_and_of_one_sample(subject: Subject, draw: Draw) -> None:
    for shape in ((3, 2, 3, 4, 4), (1, 6), (4, 3, 5)):
        _assert_r1(subject, _draw_critic(draw, 0.3, *shape), spared=True)  # what is wrong for rows was paid for above


@check("real_time.approximate_r1", points=1, hint="D is trained by this number: its gradient must reach D from both logits.")
def and_the_critic_learns_by_it(subject: Subject, draw: Draw) -> None:
    given = _draw_critic(draw, 0.4, 6, 4)
    mine, again = (torch.cat([torch.as_tensor(g).flatten() for g in subject.probe(steepness, *given, train=False)[2]])
                   for _ in range(2))
    if not is_close(mine, again):
        raise Wrong(hint=OTHER_R1)

    def slope(function: Callable) -> Tensor:
        return torch.cat([g.flatten() for g in steepness(function, *given)[2]])
    right = slope(reference.approximate_r1)
    known = (slope(function) for function in (*map(r1_variant, R1_MISTAKES), _exact_r1))
    if is_close(mine, right) or any(is_close(mine, value) for value in known if value.any()):  # paid for above
        return
    assert_close(mine, right, mistakes=[
        (torch.zeros_like(mine), "No gradient reaches D's weights: no detach, no item, no no_grad()."),
        (slope(r1_variant("cut here")), "The logit without noise is cut off: D learns from both, so no detach, no no_grad()."),
        (slope(r1_variant("cut there")), "The logit with noise is cut off: D learns from both, so no detach, no no_grad().")])


# The step

def players(weights: dict) -> tuple[nn.Module, nn.Module]:
    """G, of noise (B, 3) to samples (B, 2, 2), and D, of these to logits (B,), with these weights."""
    generator = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 4), nn.Unflatten(1, (2, 2)))
    judge = nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1, bias=False), nn.Flatten(0))
    with torch.no_grad():
        for network, name in ((generator, "G"), (judge, "D")):
            for parameter, value in zip(network.parameters(), weights[name], strict=True):
                parameter.copy_(value)
    return generator, judge


def after_game(step: Callable, weights: dict, batches: list, seed: int, lr_g: float = 0.3, lr_d: float = 0.3,
               adam: bool = False, options: dict | None = None) -> dict:
    """Both players after a step for each batch (real, z), and what was returned."""
    generator, judge = players(weights)
    for parameter in [*generator.parameters(), *judge.parameters()]:
        parameter.grad = torch.ones_like(parameter)  # of an earlier life: it must not count
    turn_g, turn_d = (torch.optim.Adam(n.parameters(), lr=lr / 10, betas=(0.5, 0.9), eps=1e-2) if adam else
                      torch.optim.SGD(n.parameters(), lr=lr) for n, lr in ((generator, lr_g), (judge, lr_d)))
    rng, losses = torch.Generator().manual_seed(seed), []
    for real, z in batches:
        if not all(p.requires_grad for p in [*generator.parameters(), *judge.parameters()]):
            raise ValueError("the step before has left weights frozen: after requires_grad_(False), requires_grad_(True) again")
        losses.append(step(lambda z: generator(z), lambda x: judge(x), turn_g, turn_d, real, z, rng, **(options or {})))
    return {"D": [p.detach().clone() for p in judge.parameters()], "G": [p.detach().clone() for p in generator.parameters()],
            "losses": losses}


def _pairing(up: Tensor, down: Tensor) -> Tensor:
    return F.softplus(down - up).mean()


def _steep(faults: tuple[str, ...], penalty: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """What D's loss is given of the penalty, drawn in the order in which it stands there."""
    ways: dict[str, Callable[[], Tensor]] = {
        "fake first": lambda: penalty(fake) + penalty(real), "real alone": lambda: penalty(real),
        "real twice": lambda: penalty(real) + penalty(real), "fake alone": lambda: penalty(fake),
        "together": lambda: 2 * penalty(torch.cat([real, fake])), "between": lambda: penalty((real + fake) / 2)}
    return next((ways[fault] for fault in faults if fault in ways), lambda: penalty(real) + penalty(fake))()


def _take_turn(who: str, faults: tuple[str, ...], optimizer: Any, loss: Tensor) -> None:
    """Gradients cleared, found and followed, by D or by G."""
    if not {f"stale {who}", f"{who} cleared after", f"{who} cleared late", f"{who} cleared first"} & set(faults):
        optimizer.zero_grad()
    loss.backward()
    if f"{who} cleared late" in faults:
        optimizer.zero_grad()
    for _ in range(0 if f"{who} still" in faults else 2 if f"{who} twice" in faults else 1):
        optimizer.step()
    if f"{who} cleared after" in faults:
        optimizer.zero_grad()


def game_variant(*faults: str, r1: Callable | None = None) -> Callable:
    """The step with named faults; none gives the right one."""
    penalty_of = r1 or r1_variant()

    def loss_of_d(up: Tensor, down: Tensor) -> Tensor:
        ways: dict[str, Callable] = {
            "D swapped": lambda: _pairing(down, up), "D unpaired": lambda: F.softplus(-up).mean() + F.softplus(down).mean(),
            "D average": lambda: F.softplus(down.mean() - up).mean() + F.softplus(down - up.mean()).mean(),
            "D difference": lambda: (down - up).mean()}
        return next((ways[fault] for fault in faults if fault in ways), lambda: _pairing(up, down))()

    def loss_of_g(up: Tensor, down: Tensor) -> Tensor:
        ways: dict[str, Callable] = {
            "G swapped": lambda: _pairing(up, down), "saturating": lambda: -_pairing(up, down),
            "G unpaired": lambda: F.softplus(-down).mean(), "G difference": lambda: -down.mean()}
        return next((ways[fault] for fault in faults if fault in ways), lambda: _pairing(down, up))()

    def step(G, D, turn_g, turn_d, real, z, rng, *, gamma=0.2, sigma=0.05):
        weights_g = turn_g.param_groups[0]["params"]
        sigma = 0.05 if "own sigma" in faults else sigma
        weight = {"not halved": gamma, "no gamma": 0.5, "squared": gamma ** 2 / 2, "quarter": gamma / 4, "minus": -gamma / 2,
                  "own gamma": 0.1}.get(next((f for f in faults if f in WEIGHTS), ""), gamma / 2)

        def turn_of_d():
            fake = G(z) if "attached" in faults else G(z).detach()
            up, down = D(real), D(fake)
            loss = loss_of_d(up, down)
            steep = _steep(faults, lambda x: penalty_of(D, x, sigma, rng), real, fake)
            steep = steep.detach() if "no penalty" in faults else steep
            _take_turn("D", faults, turn_d, loss + weight * steep)
            return loss, up, (loss + weight * steep).detach()

        def turn_of_g(up=None):
            again = torch.randn(z.shape, generator=rng) if "other z" in faults else z
            loss = loss_of_g(D(real) if up is None else up.detach(), D(G(again).detach() if "G cut" in faults else G(again)))
            _take_turn("G", faults, turn_g, loss)
            return loss

        if "G cleared first" in faults:
            turn_g.zero_grad()
        if "G first" in faults:
            loss_g = turn_of_g()
            loss_d, _, whole = turn_of_d()
        elif "old D" in faults:
            loss_g = loss_of_g(D(real), D(G(z)))
            slopes = torch.autograd.grad(loss_g, weights_g)
            loss_d, _, whole = turn_of_d()
            for parameter, slope in zip(weights_g, slopes, strict=True):
                parameter.grad = slope
            turn_g.step()
        else:
            loss_d, up, whole = turn_of_d()
            loss_g = turn_of_g(up if "old real" in faults else None)
        loss_d = whole if "with penalty" in faults else loss_d
        found = loss_d.detach(), loss_g.detach()
        return found[::-1] if "returned swapped" in faults else found
    return step


WEIGHTS = ("not halved", "no gamma", "squared", "quarter", "minus", "own gamma")
LATE = "{0}'s weights did not move: zero_grad() stands between backward() and step(), or step() is missing."
D_FAULTS = {
    "stale D": "Gradients that were there before are added to D's, and G's turn leaves some, too: turn_d.zero_grad() right "
               "before backward().",
    "D cleared after": "Gradients that were there before are added to D's, and G's turn leaves some, too: turn_d.zero_grad() "
                       "right before backward().",
    "D still": LATE.format("D"), "D cleared late": LATE.format("D"),
    "D twice": "D's weights went two steps: call turn_d.step() once.",
    "D swapped": "D's loss is the *first* of pairing_losses(D(real), D(fake)), with the logits of the real samples in front.",
    "D unpaired": "These are chapter 2's losses, each logit on its own: use pairing_losses, which compares those of a pair.",
    "D average": "This is the relativistic average loss. Here each real sample has one partner: pairing_losses.",
    "D difference": "This is the mean difference of the logits itself: use pairing_losses.",
}
OLD = ("G's loss comes from the D that stood there before its step: D first, backward and step; then ask it anew about real "
       "and fake.")
CUT = "No gradient reaches G: in its turn the fakes must not be detached, and turn_g.step() not be missing."
G_FAULTS = {
    "G first": OLD, "old D": OLD,
    "old real": "The logits of the real samples are those that D gave before its step: ask it anew for both in G's turn.",
    "other z": "G's turn has other noise: use the same z, and draw none.",
    "stale G": "Gradients that were there before are added to G's: turn_g.zero_grad() right before backward().",
    "G cleared after": "Gradients that were there before are added to G's: turn_g.zero_grad() right before backward().",
    "G still": CUT, "G cut": CUT, "G cleared late": LATE.format("G"),
    "G swapped": "G's loss is the *second* of pairing_losses(D(real), D(fake)): this is D's, which G would help.",
    "saturating": "This is minus D's loss, flat where D is sure. G's is the second of pairing_losses.",
    "G unpaired": "G's loss compares pairs, too: the second of pairing_losses(D(real), D(fake)).",
    "G difference": "G's loss is the second of pairing_losses, not the mean logit.",
}
ATTACHED = ("D's turn sends a gradient into G, and it ends up in G's step: detach the fakes in D's turn, and clear G's "
            "gradients right before its backward().")
PULLED = ("G cleared first", "stale G", "G cleared after")
PENALTY_FAULTS = {
    "no penalty": "The penalty does not reach D's weights: add gamma / 2 times approximate_r1 to its loss before backward().",
    "not halved": "The penalty is twice as heavy as it should be: gamma / 2.",
    "no gamma": "gamma is missing: the penalty's weight is gamma / 2.",
    "squared": "The penalty's weight is gamma / 2: gamma once.",
    "own gamma": "The penalty has a weight of its own: it is the gamma that is handed over, halved.",
    "quarter": "The *sum* of the two penalties, times gamma / 2: this is their mean.",
    "minus": "The penalty is added to D's loss, which falls: subtracted, it would make D steep.",
    "real alone": "The penalty is taken at the real samples only: add that at the fake ones.",
    "fake alone": "The penalty is taken at the fake samples only: add that at the real ones.",
    "real twice": "The penalty is taken at the real samples twice: once at the fake ones.",
    "between": "The penalty is taken between real and fake samples, as WGAN-GP does: take it at the real and at the fake ones.",
    "fake first": "The noise for the fake samples is drawn first: approximate_r1 at the real ones comes first.",
    "together": "Real and fake samples have their noise in one draw: two calls of approximate_r1, the real ones first.",
    "own sigma": "Hand sigma on to approximate_r1.",
}


def _draw_game(draw: Draw, steps: int = 1, batch: int = 6) -> tuple[dict, list, int]:
    nets = {name: [draw.normal(*s, std=0.7) for s in shapes]
            for name, shapes in (("G", [(6, 3), (6,), (4, 6), (4,)]), ("D", [(8, 4), (8,), (1, 8)]))}
    batches = [(draw.normal(batch, 2, 2, mean=0.5), draw.normal(batch, 3)) for _ in range(steps)]
    return nets, batches, int(draw.integers(0, 10 ** 6))


def _flat(weights: list) -> Tensor:
    return torch.cat([torch.as_tensor(w).detach().flatten() for w in weights])


def _turns(faults: dict[str, str], part: str, given: tuple, **options: Any) -> Iterator[tuple[Tensor, str]]:
    for fault, hint in faults.items():
        yield _flat(after_game(game_variant(fault), *given, **options)[part]), hint


@check("real_time.post_training_step", points=1, hint="D's turn: loss of pairs, fakes detached; zero_grad, backward, step.")
def the_discriminator_learns_by_pairs(subject: Subject, draw: Draw) -> None:
    for batch in (6, 1):
        given = _draw_game(draw, batch=batch)
        options: dict[str, Any] = {"options": {"gamma": 0.0, "sigma": 0.3}}
        mine = _flat(subject.probe(after_game, *given, **options)["D"])
        right = _flat(after_game(game_variant(), *given, **options)["D"])
        elsewhere = {fault: "" for fault in ("G first", "no gamma", "own gamma")}  # they cost what is asked below
        if is_close(mine, right) or any(is_close(mine, value) for value, _ in _turns(elsewhere, "D", given, **options)):
            continue
        assert_close(mine, right, mistakes=_turns(D_FAULTS, "D", given, **options))


@check("real_time.post_training_step", points=2, hint="G's turn: the same z, before the D that has just moved, not detached.")
def the_generator_learns_from_the_new_discriminator_(subject: Subject, draw: Draw) -> None:
    nets, batches, seed = _draw_game(draw)
    options: dict[str, Any] = {"options": {"gamma": 0.0, "sigma": 0.3}}
    mine = subject.probe(after_game, nets, batches, seed, **options)
    learnt = nets | {"D": mine["D"]}  # right or not: that was asked above
    given = learnt, batches, seed
    right = _flat(after_game(game_variant(), *given, lr_d=0.0, **options)["G"])
    before = {fault: hint for fault, hint in G_FAULTS.items() if fault in ("G first", "old D", "old real")}
    pulled = ((_flat(after_game(game_variant("attached", fault), nets, batches, seed, **options)["G"]), ATTACHED)
              for fault in PULLED)
    assert_close(_flat(mine["G"]), right, mistakes=itertools.chain(
        _turns(before, "G", (nets, batches, seed), **options), _turns(G_FAULTS, "G", given, lr_d=0.0, **options), pulled))


@check("real_time.post_training_step", points=2,
       hint="gamma / 2 times the sum of approximate_r1(D, real, sigma, rng) and approximate_r1(D, fake, sigma, rng).")
def its_penalty_is_taken_at_real_and_at_fake_samples(subject: Subject, draw: Draw) -> None:
    given, gamma = _draw_game(draw), float(draw.uniform(1, low=0.6, high=0.9))

    def added(ask: Callable) -> Tensor:
        """What the penalty adds to a step of D: the rest was asked above."""
        plain, both = (_flat(ask(*given, lr_g=0.0, options={"gamma": weight, "sigma": 0.3})["D"]) for weight in (0.0, gamma))
        if is_close(both, _flat(given[0]["D"])):
            raise Wrong(hint=LATE.format("D"))
        return both - plain

    def of(step: Callable) -> Tensor:
        return added(lambda *g, **o: after_game(step, *g, **o))
    off = "The penalty has its place and weight, but its number is wrong: mend approximate_r1 first. There: "
    faulty = [*((game_variant(fault), hint) for fault, hint in PENALTY_FAULTS.items()),
              *((game_variant(r1=r1_variant(fault)), off + hint) for fault, hint in R1_MISTAKES.items() if fault != "each"),
              (game_variant(r1=_exact_r1), "The penalty is the exact R1: take approximate_r1, which draws from rng.")]
    mine = added(lambda *g, **o: subject.probe(after_game, *g, **o))
    expected = of(game_variant())
    if is_close(mine, torch.zeros_like(mine)):
        _say_why_nothing_is_added(subject, given, gamma)
    assert_close(mine, expected, mistakes=((of(step), hint) for step, hint in faulty))


def _say_why_nothing_is_added(subject: Subject, given: tuple, gamma: float) -> None:
    options: dict = {"lr_g": 0.0, "options": {"gamma": gamma, "sigma": 0.3}}
    mine = _flat(subject.probe(after_game, *given, **options)["D"])
    for fault in ("no gamma", "own gamma"):
        if is_close(mine, _flat(after_game(game_variant(fault), *given, **options)["D"])):
            raise Wrong(hint=PENALTY_FAULTS[fault])
    raise Wrong(hint=PENALTY_FAULTS["no penalty"])


@check("real_time.post_training_step", points=1, hint="D's loss without the penalty, then G's, both detached; step after step.")
def returns_both_losses_step_after_step(subject: Subject, draw: Draw) -> None:
    given = _draw_game(draw, steps=3)
    choices: list[dict[str, Any]] = [{"adam": True, "options": {"gamma": 0.8, "sigma": 0.3}}, {}]  # {}: its own defaults
    for options in choices:
        mine, right = subject.probe(after_game, *given, **options), after_game(game_variant(), *given, **options)
        got = torch.stack([_two(pair) for pair in mine["losses"]])
        ways = (after_game(step, *given, **options) for step in _faulty_steps())
        taken = right if is_close(_weights(mine), _weights(right)) else next(
            (way for way in ways if is_close(_weights(mine), _weights(way))), right)  # paid for above
        losses = torch.stack([_two(pair) for pair in taken["losses"]])
        whole = torch.stack([_two(pair) for pair in after_game(game_variant("with penalty"), *given, **options)["losses"]])
        assert_close(got, losses, mistakes=[
            (losses.flip(1), "D's loss comes first, then G's."),
            (whole, "D's loss is returned with its penalty: return that of the pairs alone."),
            (whole.flip(1), "D's loss comes first, and without its penalty.")])
        assert_close(_weights(mine), _weights(taken))


def _two(pair: Any) -> Tensor:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise Wrong(hint="Return two losses: D's, then G's.")
    if any(isinstance(value, Tensor) and value.requires_grad for value in pair):
        raise Wrong(hint="The losses still hold their graphs, and with them the memory of the step: detach them.")
    if any(not isinstance(value, int | float | Tensor) or torch.as_tensor(value).numel() != 1 for value in pair):
        raise Wrong(hint="Each loss is one number.")
    return _flat(list(pair))


def _faulty_steps() -> Iterator[Callable]:
    """The known faults, and the right step with known faults of its penalty's number."""
    yield from (game_variant(fault) for fault in (*D_FAULTS, *G_FAULTS, *PENALTY_FAULTS))
    yield from (game_variant("attached", fault) for fault in PULLED)
    yield from (game_variant(r1=r1_variant(fault)) for fault in R1_MISTAKES if fault != "each")
    yield game_variant(r1=_exact_r1)


def _weights(result: dict) -> Tensor:
    return _flat([*result["D"], *result["G"]])


# Frame by frame

class State(NamedTuple):
    """As the page has it: codes of the first frame (B, K) and of the last two (B, 2, K)."""

    first: Tensor
    past: Tensor

    @classmethod
    def of(cls, first: Tensor) -> State:
        return cls(first, first[:, None].repeat(1, 2, 1))

    def then(self, frame: Tensor) -> State:
        return State(self.first, torch.cat([self.past[:, 1:], frame[:, None]], 1))


class Window(NamedTuple):
    """As the page has it."""

    codes: Tensor
    before: State
    command: Tensor


def next_by(weights: list[Tensor], calls: Tensor | None = None) -> Callable:
    """A network for the next frame that hears all it is told; with `calls` (N, K), each call adds a row of its own."""
    asked: list = []

    def next_frame(noise: Tensor, command: Tensor, state: Any) -> Tensor:
        of_first, of_past, of_command, of_noise = weights
        rows = [len(noise), *command.shape, len(state.first), len(state.past)]
        if noise.ndim != 2 or command.ndim != 1 or len(set(rows)) > 1:
            raise ValueError(f"next_frame takes a row of noise, a command and a state for each clip, got noise "
                             f"{tuple(noise.shape)}, commands {tuple(command.shape)}, a first frame {tuple(state.first.shape)}")
        if state.past.shape[1] != 2:
            raise ValueError(f"a state holds its clip's last two frames, (B, 2, K), got {tuple(state.past.shape)}")
        h = state.first @ of_first + state.past.flatten(1) @ of_past + of_command[command] + noise @ of_noise
        asked.append(1)
        return 1.5 * torch.tanh(h if calls is None else h + calls[(len(asked) - 1) % len(calls)])
    return next_frame


def _draw_next(draw: Draw, dim: int = 3, nz: int = 2, commands: int = 4) -> list[Tensor]:
    return [draw.normal(*shape, std=0.5) for shape in ((dim, dim), (2 * dim, dim), (commands, dim), (nz, dim))]


def forced(function: Callable, weights: list[Tensor], *given: Tensor) -> Tensor:
    """What the function makes of (codes, noise, command)."""
    return function(next_by(weights), *given)


def forced_slopes(function: Callable, weights: list[Tensor], codes: Tensor, noise: Tensor, command: Tensor) -> dict:
    """Where its gradients arrive: the network's weights and the noise; 0 where none does."""
    names = ("first", "past", "command", "noise")
    leaves = {name: value.clone().requires_grad_() for name, value in zip(names, weights, strict=True)}
    leaves["drawn"] = noise.clone().requires_grad_()
    made = function(next_by(list(leaves.values())[:4]), codes, leaves["drawn"], command)
    total = (made * torch.linspace(0.5, 1.5, made.numel()).reshape(made.shape)).sum()
    found: Any = [None] * 5
    if total.requires_grad:
        found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    return {name: torch.zeros_like(x) if g is None else g for (name, x), g in zip(leaves.items(), found, strict=True)}


def _forced(*, begin: Callable = lambda codes: State.of(codes[:, 0]),
            enters: Callable = lambda codes, k, guess: codes[:, k + 1], noise: Callable = lambda k, n: k,
            told: Callable = lambda k, n: k, peek: bool = False, anew: Callable | None = None, axis: int = 1, missing: int = 0,
            swap: bool = False) -> Callable:
    """Teacher forcing with named faults."""
    def variant(next_frame, codes, drawn, command):
        state, guessed, n = begin(codes), [], codes.shape[1] - 1
        for k in range(max(1, n - missing)):
            state = anew(codes, k) if anew else state.then(codes[:, k + 1]) if peek else state
            seen = State(state.first, state.past.flip(1)) if swap else state
            guess = next_frame(drawn[:, noise(k, n)], command[:, told(k, n)], seen)
            state = state if peek else state.then(enters(codes, k, guess))
            guessed.append(guess)
        return torch.stack(guessed, axis)
    return variant


FORCED_MISTAKES: list[tuple[Callable, str]] = [
    (_forced(enters=lambda codes, k, guess: guess),
     "Its own guesses enter the state: that is a rollout. With a teacher the *real* frame enters."),
    (_forced(peek=True), "It peeks: the real frame enters the state before it is guessed, so each guess is told its answer. "
                         "Guess first."),
    (_forced(enters=lambda codes, k, guess: codes[:, k]),
     "The state lags a frame behind: after the guess of frame k + 1, the real frame k + 1 enters, not k."),
    (_forced(anew=lambda codes, k: State.of(codes[:, 0])),
     "The state never changes: let the real frame that was just guessed enter, and keep what then() gives."),
    (_forced(anew=lambda codes, k: State.of(codes[:, k])),
     "Each guess knows the last frame only, and takes it for the clip's first: begin with State.of once, go on with then()."),
    (_forced(anew=lambda codes, k: State(codes[:, k], State.of(codes[:, 0]).past)),
     "`first` is the clip's first frame throughout, `past` its last two."),
    (_forced(anew=lambda codes, k: State(codes[:, 0], codes[:, [k, k]])),
     "`past` holds the last *two* frames: here the last one stands there twice."),
    (_forced(anew=lambda codes, k: State(codes[:, 0], codes[:, [max(k, 1) - 1, max(k, 1)]])),
     "It peeks at the second frame: before the first guess the state is State.of(codes[:, 0])."),
    (_forced(swap=True), "The last two frames stand in the wrong order: the latest comes last."),
    (_forced(noise=lambda k, n: 0), "All frames have the first row of noise: each has its own, noise[:, k]."),
    (_forced(told=lambda k, n: 0), "All frames have the first command: each has its own, command[:, k]."),
    (_forced(noise=lambda k, n: 0, told=lambda k, n: 0),
     "All frames have the first row of noise and the first command: each has its own."),
    (_forced(noise=lambda k, n: -1), "All frames have the last row of noise: each has its own, noise[:, k]."),
    (_forced(told=lambda k, n: min(k + 1, n - 1)), "The commands are shifted by one: the first belongs to the first guess."),
    (_forced(told=lambda k, n: max(k - 1, 0)), "The commands lag by one: the first one belongs to the first guess alone."),
    (_forced(told=lambda k, n: k - 1), "The commands are shifted by one: the first belongs to the first guess."),
    (_forced(noise=lambda k, n: k - 1), "The noise is shifted by one: the first row belongs to the first guess."),
    (_forced(noise=lambda k, n: min(k + 1, n - 1)), "The noise is shifted by one: the first row belongs to the first guess."),
    (_forced(noise=lambda k, n: k - 1, told=lambda k, n: k - 1),
     "Noise and commands are shifted by one: both begin with the first guess."),
    (_forced(noise=lambda k, n: min(k + 1, n - 1), told=lambda k, n: min(k + 1, n - 1)),
     "Noise and commands are shifted by one: both begin with the first guess."),
    (_forced(anew=lambda codes, k: State(codes[:, 0], torch.stack([codes[:, k - 1] * min(k, 1), codes[:, k]], 1))),
     "Before the first guess the first frame stands in `past` twice, State.of(codes[:, 0]): no zeros."),
    (_forced(axis=0), "The axes are exchanged: stack(..., 1) gives (B, T - 1, K)."),
    (_forced(missing=1), "The last frame is missing: T - 1 frames are guessed."),
    (lambda *given: torch.cat([given[1][:, :1], _forced()(*given)], 1),
     "The first frame is no guess: T - 1 frames are asked for."),
    (lambda *given: given[1][:, 1:], "These are the real frames; asked for are the guesses."),
]


def _draw_forced(draw: Draw, batch: int, length: int, dim: int = 3) -> tuple:
    return (_draw_next(draw, dim), draw.normal(batch, length, dim), draw.normal(batch, length - 1, 2),
            draw.integers(0, 4, batch, length - 1))


def _assert_forced(subject: Subject, given: tuple, *, spared: bool = False) -> None:
    found, right = subject.probe(forced, *given), forced(reference.teacher_forced, *given)
    if is_close(found, right):
        return
    known = [(forced(wrong, *given), hint) for wrong, hint in FORCED_MISTAKES]
    if not (spared and any(is_close(found, value) for value, _ in known)):
        assert_close(found, right, mistakes=known)


@check("real_time.teacher_forced", points=3,
       hint="State.of(codes[:, 0]); then, for each further frame, first guess it, and then let the real one enter.")
def guesses_each_frame_from_the_real_ones_before(subject: Subject, draw: Draw) -> None:
    _assert_forced(subject, _draw_forced(draw, 3, 6))


@check("real_time.teacher_forced", points=1,
       hint="Any number of frames, two at least, and any batch; and the network learns by it, so nothing may be detached.")
def however_many_frames_and_the_network_learns(subject: Subject, draw: Draw) -> None:
    for batch, length, dim in ((1, 4, 3), (2, 9, 5), (3, 2, 2)):
        _assert_forced(subject, _draw_forced(draw, batch, length, dim), spared=True)  # what is wrong for six was paid for
    given = _draw_forced(draw, 3, 5)
    mine, right = subject.probe(forced_slopes, *given), forced_slopes(reference.teacher_forced, *given)
    if is_close(mine, right) or any(is_close(mine, forced_slopes(wrong, *given)) for wrong, _ in FORCED_MISTAKES[:-1]):
        return  # what is wrong was paid for above
    assert_close(mine, right, mistakes=[({name: torch.zeros_like(value) for name, value in right.items()},
                                         "No gradient reaches the network's weights: no detach, no no_grad().")])


# On one's own

def codes_of(found: Any) -> Any:
    """The codes in what a rollout gives: alone, or wherever they stand in a pair."""
    pair = list(found) if isinstance(found, tuple | list) and not hasattr(found, "past") else [found]
    return next((one for one in pair if isinstance(one, Tensor)), None)


def rolled(function: Callable, weights: list[Tensor], first: Tensor, past: Tensor, noise: Tensor, command: Tensor,
           calls: Tensor | None = None) -> dict:
    """The codes that the function makes, and the state that it gives, where the two come as a pair."""
    found = function(next_by(weights, calls), State(first, past), noise, command)
    codes, pair = codes_of(found), isinstance(found, tuple | list) and len(found) == 2
    state = found[1] if pair else None
    return {"codes": codes if codes is None else codes.detach(), "first": getattr(state, "first", None),
            "past": getattr(state, "past", None), "pair": pair, "turned": bool(pair and hasattr(found[0], "past"))}


def _rolled(*, begin: Callable = lambda s: s, enters: Callable = lambda s, frame: s.then(frame),
            noise: Callable = lambda k, n: k, told: Callable = lambda k, n: k,
            last: Callable = lambda s, states, frames: s, axis: int = 1, shown: bool = False, anew: bool = False) -> Callable:
    """A rollout with named faults."""
    def variant(next_frame, state, drawn, command):
        given = begin(state)
        state, frames, states, n = given, [], [given], command.shape[1]
        for k in range(n):
            if anew:  # from the start again, for each frame
                state = given
                for j in range(k):
                    state = state.then(next_frame(drawn[:, j], command[:, j], state))
            frame = next_frame(drawn[:, noise(k, n)], command[:, told(k, n)], state)
            state = enters(state, frame)
            frames.append(frame)
            states.append(state)
        frames = [given.past[:, -1], *frames[:-1]] if shown else frames
        return torch.stack(frames, axis), last(state, states, frames)
    return variant


ROLLED_MISTAKES: list[tuple[Callable, str]] = [
    (_rolled(begin=lambda s: State.of(s.first)),
     "It begins with the clip's first frame again: the state that is handed in also knows the last two. Go on from it."),
    (_rolled(begin=lambda s: State.of(s.past[:, -1])),
     "It takes the last frame for the clip's first: who it is, is forgotten. Go on from the state that is handed in."),
    (_rolled(enters=lambda s, frame: s), "The state never changes: keep what then() gives, state = state.then(frame)."),
    (_rolled(enters=lambda s, frame: State.of(frame)),
     "Each frame begins a clip of its own, State.of(frame): who it is, is forgotten. Go on with state.then(frame)."),
    (_rolled(enters=lambda s, frame: State(frame, s.then(frame).past)), "`first` stays the clip's first frame."),
    (_rolled(enters=lambda s, frame: State(s.first, torch.stack([frame, frame], 1))),
     "`past` holds the last *two* frames: here the last one stands there twice."),
    (_rolled(enters=lambda s, frame: State(s.first, torch.stack([frame, s.past[:, -1]], 1))),
     "The last two frames stand in the wrong order: the latest comes last."),
    (_rolled(noise=lambda k, n: 0), "All frames have the first row of noise: each has its own, noise[:, k]."),
    (_rolled(noise=lambda k, n: -1), "All frames have the last row of noise: each has its own, noise[:, k]."),
    (_rolled(told=lambda k, n: 0), "All frames have the first command: each has its own, command[:, k]."),
    (_rolled(noise=lambda k, n: 0, told=lambda k, n: 0),
     "All frames have the first row of noise and the first command: each has its own."),
    (_rolled(told=lambda k, n: min(k + 1, n - 1)), "The commands are shifted by one: the first belongs to the first frame."),
    (_rolled(told=lambda k, n: k - 1), "The commands are shifted by one: the first belongs to the first frame."),
    (_rolled(noise=lambda k, n: k - 1), "The noise is shifted by one: the first row belongs to the first frame."),
    (_rolled(axis=0), "The axes are exchanged: stack(..., 1) gives (B, F, K)."),
    (_rolled(shown=True), "What was before the first new frame is no new frame: give the frames that were made, all of them."),
]
STATE_MISTAKES: list[tuple[Callable, str]] = [
    (_rolled(last=lambda s, states, frames: states[0]), "This is the state that was handed in: give the one after the new "
                                                        "frames."),
    (_rolled(last=lambda s, states, frames: states[-2]), "The state lacks the last frame: let it enter, too."),
    (_rolled(last=lambda s, states, frames: State.of(frames[-1])),
     "The state must still know the clip's first frame, and the last two: give the one that you went on with."),
    (_rolled(last=lambda s, states, frames: s.then(frames[-1])), "The last frame enters the state twice."),
]
NO_STATE = "What comes second is no State, with `first` and `past`: give the one with which you went on."
NO_PAIR = "Return two things: the codes of the new frames, and the state after them."
AGAIN = ("A frame costs one evaluation: keep the state and go on from it. Here the network is asked more often, which takes "
         "longer the longer a clip becomes.")


def _draw_rolled(draw: Draw, batch: int, frames: int, dim: int = 3) -> tuple:
    return (_draw_next(draw, dim), draw.normal(batch, dim), draw.normal(batch, 2, dim), draw.normal(batch, frames, 2),
            draw.integers(0, 4, batch, frames))


@check("real_time.rollout", points=2, hint="Each new frame enters the state, state = state.then(frame); then comes the next.")
def feeds_each_new_frame_into_the_state(subject: Subject, draw: Draw) -> None:
    given = _draw_rolled(draw, 3, 5)
    found = subject.probe(rolled, *given)
    mistakes = ((rolled(wrong, *given)["codes"], hint) for wrong, hint in ROLLED_MISTAKES)
    assert_close(found["codes"], rolled(reference.rollout, *given)["codes"], mistakes=mistakes)


@check("real_time.rollout", points=1, hint="Return the state after the last frame. A frame costs one evaluation; F may be 1.")
def hands_on_the_state_at_one_evaluation_a_frame(subject: Subject, draw: Draw) -> None:
    for batch, frames in ((2, 4), (3, 1), (1, 6)):
        given, calls = _draw_rolled(draw, batch, frames), draw.normal(frames * (frames + 1) // 2 + 1, 3)
        found, right = subject.probe(rolled, *given), rolled(reference.rollout, *given)
        if found["past"] is None or found["first"] is None:
            turned = "The codes come first, then the state."
            raise Wrong(hint=turned if found["turned"] else NO_STATE if found["pair"] else NO_PAIR)
        known = [] if _same_roll(found, right) else [rolled(wrong, *given) for wrong, _ in ROLLED_MISTAKES]
        if any(_same_roll(found, value) for value in known):
            continue  # paid for above
        state = {name: right[name] for name in ("first", "past")}
        faulty = ((rolled(wrong, *given), hint) for wrong, hint in STATE_MISTAKES)
        assert_close({name: found[name] for name in state}, state, mistakes=[
            ({name: value[name] for name in state}, hint) for value, hint in faulty])
        if is_close(found["codes"], right["codes"]):
            asked: Any = (*given, calls)
            counted = subject.probe(rolled, *asked)["codes"]
            assert_close(counted, rolled(reference.rollout, *asked)["codes"], mistakes=[(counted, AGAIN)])
        elif is_close(found["codes"], right["codes"].squeeze()):
            raise Wrong(hint="One frame, or one clip, keeps its axis, (B, F, K): squeeze() drops it.")


def _same_roll(found: dict, other: dict) -> bool:
    return is_close(found["codes"], other["codes"]) and is_close(found["past"], other["past"])


def rolled_slopes(function: Callable, weights: list[Tensor], first: Tensor, past: Tensor, noise: Tensor,
                  command: Tensor) -> dict:
    """Where gradients arrive, of the last frame for the noise of each frame, and of all frames for the network's weights; and
    of the last frame in the state that is handed on, for the noise."""
    leaves, drawn = [value.clone().requires_grad_() for value in weights], noise.clone().requires_grad_()
    made = function(next_by(leaves), State(first, past), drawn, command)
    codes, state = codes_of(made), made[1] if isinstance(made, tuple | list) and len(made) == 2 else None
    scale = torch.linspace(0.5, 1.5, codes[:, -1].numel()).reshape(codes[:, -1].shape)
    found: list = [None] * 6
    if codes.requires_grad:
        (found[0],) = torch.autograd.grad((codes[:, -1] * scale).sum(), [drawn], retain_graph=True, allow_unused=True)
        found[1:5] = torch.autograd.grad((codes * scale[:, None]).sum(), leaves, retain_graph=True, allow_unused=True)
    last = getattr(state, "past", None)
    if isinstance(last, Tensor) and last.requires_grad:
        (found[5],) = torch.autograd.grad(last[:, -1].square().sum(), [drawn], allow_unused=True)
    return {name: torch.zeros_like(x) if g is None else g for name, x, g in zip(
        ("noise", "first", "past", "command", "of noise", "on"), [drawn, *leaves, drawn], found, strict=True)}


@check("real_time.rollout", points=1, hint="Nothing is detached: the gradient of the last frame reaches the first noise.")
def gradients_run_back_through_all_frames(subject: Subject, draw: Draw) -> None:
    given = _draw_rolled(draw, 4, 4)  # who has exchanged the axes can be compared, too

    def of(function: Callable) -> tuple[dict, Tensor]:
        """Of the frames; of the state."""
        slopes = function(rolled_slopes, *given)
        return {name: value for name, value in slopes.items() if name != "on"}, slopes["on"]

    def known(step: Callable) -> dict:
        return of(lambda probe, *given: probe(step, *given))[0]
    (mine, on), right = of(subject.probe), known(reference.rollout)
    if not is_close(mine, right) and any(is_close(mine, known(wrong)) for wrong, _ in ROLLED_MISTAKES):
        return  # what is wrong was paid for above
    cut = known(_rolled(enters=lambda s, frame: s.then(frame.detach())))
    nothing = {name: torch.zeros_like(value) for name, value in right.items()}
    assert_close(mine, right, mistakes=[
        (cut, "Each frame is cut off from those before it: the frame that enters the state must not be detached."),
        (nothing, "No gradient comes back through it: no detach, no no_grad().")])
    state, expected = subject.probe(rolled, *given)["past"], rolled(reference.rollout, *given)["past"]
    if is_close(on, torch.zeros_like(on)) and is_close(state, expected):
        raise Wrong(hint="The state that it hands on is cut off: another call goes on from it, and so do gradients.")


# The game of frames

def played(function: Callable, weights: list[Tensor], window: list[Tensor], z: Tensor) -> dict:
    """What G makes in a window (codes, first, past, command), and where the gradients of that arrive."""
    codes, first, past, command = window
    leaves, z = [value.clone().requires_grad_() for value in weights], z.clone().requires_grad_()
    pair = function(next_by(leaves), looking, Window(codes, State(first, past), command))
    pair[0](torch.zeros_like(z))  # as D's turn calls it before G's: nothing of it may stay
    made = pair[0](z)
    if isinstance(made, tuple | list):
        return {"made": torch.tensor(len(made)), "slopes": torch.zeros(0)}
    total = (made * torch.linspace(0.5, 1.5, made.numel()).reshape(made.shape)).sum()
    found: Any = [None] * 5
    if total.requires_grad:
        found = torch.autograd.grad(total, [z, *leaves], allow_unused=True)
    slopes = [torch.zeros_like(x) if g is None else g for x, g in zip([z, *leaves], found, strict=True)]
    return {"made": made.detach(), "slopes": torch.cat([g.flatten() for g in slopes])}


def looking(codes: Tensor, before: Any, command: Tensor) -> Tensor:
    """A critic (B,) that hears all it is told, in every place."""
    scale = torch.linspace(1, 2, codes[0].numel()).reshape(codes.shape[1:])
    past = before.first.sin().sum(1) + (before.past * torch.tensor([0.5, 2.0])[:, None]).cos().sum((1, 2))
    told = (torch.linspace(-0.5, 1, command.shape[1]) * torch.arange(1.0, 9)[command]).sum(1)
    return ((codes * scale).sum((1, 2)) + 0.7 * past + told).tanh() + 0.1 * (told + past) + (codes.sin() * scale).sum((1, 2))


def judged(function: Callable, weights: list[Tensor], window: list[Tensor], codes: Tensor) -> dict:
    """What D says of codes in a window, and the gradient of that for the codes."""
    own, first, past, command = window
    pair = function(next_by(weights), looking, Window(own, State(first, past), command))
    codes = codes.clone().requires_grad_()
    logits = pair[1](codes)
    slope = None
    if logits.requires_grad:
        (slope,) = torch.autograd.grad(logits.sum(), codes, allow_unused=True)
    return {"logits": logits.detach(), "slope": torch.zeros_like(codes) if slope is None else slope}


def _frames_made(*, real: bool = False, cut: bool = False, stands: bool = False, noise: Callable = lambda k: k,
                 told: Callable = lambda k: k, begin: Callable = lambda w: w.before) -> Callable:
    """G of the game with named faults."""
    def variant(next_frame, critic, window):
        def G(z):
            state, made = begin(window), []
            for k in range(z.shape[1]):
                frame = next_frame(z[:, noise(k)], window.command[:, told(k)], state)
                made.append(frame)
                state = state if stands else state.then(window.codes[:, k] if real else frame.detach() if cut else frame)
            return torch.stack(made, 1)
        return G, None
    return variant


def _kept(next_frame: Callable, critic: Callable, window: Any) -> tuple:
    """What G has made at its first call is all that it gives."""
    G, made = _frames_made()(next_frame, critic, window)[0], []

    def keeping(z: Tensor) -> Tensor:
        made.append(G(z))
        return made[0]
    return keeping, None


def _judged(say: Callable) -> Callable:
    def variant(next_frame, critic, window):
        return None, lambda codes: say(critic, codes, window)
    return variant


FORCED = ("One fault left: in G the window's real frames enter the state, as in teacher forcing. In use there are none: its "
          "own frame must.")
ONE_PART = "G gives the codes alone: of the two things that rollout gives, the first."
ONE_ROW = ("One fault left: every frame is made with the first row of noise, so all that chance decides is decided once for "
           "the whole clip: z[:, k].")
DEAF = ("One fault left: the judge is told the command 0 whatever was commanded, so nobody need obey. Hand it window.command.")
TOLD = "G is told the first command in every frame: it was right before, window.command[:, k]."
MADE_MISTAKES: list[tuple[Callable, str]] = [
    (_frames_made(real=True), FORCED), (_frames_made(real=True, begin=lambda w: State.of(w.before.past[:, -1])), FORCED),
    (_kept, "G gives again what it gave when it was first called: each call makes the frames anew, of its z."),
    (_frames_made(stands=True), "Every frame is made from window.before alone: each new one must enter the state."),
    (lambda n, c, w: _frames_made()(n, c, w._replace(command=0 * w.command)),
     "G is told the command 0 in every frame: it was right before, window.command[:, k]."),
    (_frames_made(begin=lambda w: State.of(w.before.first)),
     "G begins with the clip's first frame: it goes on from window.before, which also knows the last two."),
    (_frames_made(begin=lambda w: State.of(w.before.past[:, -1])),
     "G takes the last frame before the window for the clip's first: go on from window.before."),
    (_frames_made(begin=lambda w: State.of(w.codes[:, 0])),
     "G begins with a frame of the window, which it is to make anew: go on from window.before."),
    (_frames_made(told=lambda k: 0), TOLD), (_frames_made(told=lambda k: 0, real=True), FORCED),
    (_frames_made(told=lambda k: k - 1), "The commands that G is told are shifted by one."),
    (lambda n, c, w: (lambda z: _frames_made()(n, c, w)[0](z).detach(), None),
     "No gradient comes back from G's frames: no detach, no no_grad()."),
    (lambda n, c, w: (lambda z: w.codes, None), "These are the window's real frames: G makes them anew."),
    (_frames_made(cut=True),
     "Each frame is cut off from those before it: the frame that enters the state must not be detached."),
    (lambda n, c, w: (lambda z: _frames_made()(n, c, w)[0](z).transpose(0, 1), None),
     "The axes are exchanged: stack(..., 1) gives (B, F, K)."),
]
NOISE_MISTAKES: list[tuple[Callable, str]] = [
    (_frames_made(noise=lambda k: 0), ONE_ROW),
    (_frames_made(noise=lambda k: -1), "Every frame is made with the last row of noise: z[:, k]."),
    (_frames_made(noise=lambda k: k - 1), "The noise is shifted by one: the first row belongs to the first frame."),
    (_frames_made(noise=lambda k: -1 - k), "The rows of noise run backwards: z[:, k] belongs to the k-th frame."),
    (lambda n, c, w: (lambda z: _frames_made()(n, c, w)[0](z.mean(1, keepdim=True).expand_as(z)), None),
     "Every frame is made with the mean of the rows of noise: z[:, k]."),
]
JUDGE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda c, x, w: c(x, w.before, torch.zeros_like(w.command)), DEAF),
    (lambda c, x, w: c(x, w.before, w.command[:, :1].expand_as(w.command)),
     "The judge is told the first command for all frames: hand it window.command."),
    (lambda c, x, w: c(x, w.before, w.command.roll(1, 1)), "The judge is told shifted commands: hand it window.command."),
    (lambda c, x, w: c(x, State.of(w.before.first), w.command), "The judge is told another past: hand it window.before."),
    (lambda c, x, w: c(x, State.of(x[:, 0]), w.command),
     "The judge takes the past from the frames that it judges: hand it window.before."),
    (lambda c, x, w: c(x, State(w.before.first, w.codes[:, -2:]), w.command),
     "The judge is told the end of the window: what was before is window.before."),
    (lambda c, x, w: c(w.codes, w.before, w.command),
     "The judge looks at the window's real frames whatever it is shown: judge `codes`."),
    (lambda c, x, w: -c(x, w.before, w.command), "The logits have the wrong sign: they were right before."),
    (lambda c, x, w: c(x, w.before, w.command).sigmoid(), "D gives logits: no sigmoid."),
    (lambda c, x, w: c(x.detach(), w.before, w.command),
     "No gradient comes back from the judge to the frames, so G could learn nothing: no detach, no no_grad()."),
]


def _draw_game_of_frames(draw: Draw, batch: int, frames: int, dim: int = 3) -> tuple[list, list, Tensor]:
    window = [draw.normal(batch, frames, dim), draw.normal(batch, dim), draw.normal(batch, 2, dim),
              draw.integers(0, 4, batch, frames)]
    return _draw_next(draw, dim), window, draw.normal(batch, frames, 2)


def _assert_pair(subject: Subject, given: tuple) -> None:
    found = subject.probe(parts_of_game, *given[:2])
    if found != 2:
        raise Wrong(hint="Return two functions: G, then D.")


def parts_of_game(function: Callable, weights: list[Tensor], window: list[Tensor]) -> int:
    """How many functions come back."""
    codes, first, past, command = window
    pair = function(next_by(weights), looking, Window(codes, State(first, past), command))
    return len(pair) if isinstance(pair, tuple | list) and all(callable(one) for one in pair) else 0


@check("real_time.frame_game", points=2, hint="G goes on from window.before by its own frames: rollout does just that.")
def frames_are_made_from_those_made_before(subject: Subject, draw: Draw) -> None:
    for batch, frames in ((3, 5), (2, 3)):
        weights, window, z = _draw_game_of_frames(draw, batch, frames)
        given = weights, window, z[:, :1].expand_as(z).clone()  # one row of noise for all frames, whoever takes which
        _assert_pair(subject, given)
        right = played(reference.frame_game, *given)
        mine = subject.probe(played, *given)
        known = [(played(wrong, *given), hint) for wrong, hint in MADE_MISTAKES]
        if mine["made"].ndim < 2:
            raise Wrong(hint="G comes first, then D." if mine["made"].ndim else ONE_PART)
        assert_close(mine["made"], right["made"], mistakes=[(value["made"], hint) for value, hint in known])
        # of the noise only the sum over frames: which frame takes which row is asked below
        cuts = [(_summed(value["slopes"], z), hint) for value, hint in known]
        assert_close(_summed(mine["slopes"], z), _summed(right["slopes"], z), mistakes=cuts)


def _summed(slopes: Tensor, z: Tensor) -> Tensor:
    of_z, rest = slopes[:z.numel()].view(z.shape), slopes[z.numel():]
    return torch.cat([of_z.sum(1).flatten(), rest])


@check("real_time.frame_game", points=1, hint="z has a row for each frame of the window: which one does the k-th frame get?")
def each_frame_has_its_own_noise(subject: Subject, draw: Draw) -> None:
    weights, window, z = _draw_game_of_frames(draw, 3, 5)
    deaf = [torch.zeros_like(value) for value in weights[:3]]  # a network that hears nothing but noise
    given = [*deaf, weights[3]], window, z
    _assert_pair(subject, given)
    mistakes = ((played(wrong, *given)["made"], hint) for wrong, hint in NOISE_MISTAKES)
    mine, right = subject.probe(played, *given)["made"], played(reference.frame_game, *given)["made"]
    if mine.ndim == 0 or is_close(mine, right.transpose(0, 1)) or is_close(mine, window[0]):
        return  # paid for above
    assert_close(mine, right, mistakes=mistakes)


@check("real_time.frame_game", points=1, hint="D hands the critic what is judged, what was before, and what was commanded.")
def the_judge_knows_what_was_commanded(subject: Subject, draw: Draw) -> None:
    weights, window, _ = _draw_game_of_frames(draw, 4, 5)
    window[3][:, 0] = draw.integers(1, 4, 4)  # not the command 0
    given = weights, window, draw.normal(4, 5, 3)
    _assert_pair(subject, given)
    mistakes = ((judged(_judged(wrong), *given), hint) for wrong, hint in JUDGE_MISTAKES)
    assert_close(subject.probe(judged, *given), judged(reference.frame_game, *given), mistakes=mistakes)


# Obedience

def _obedience(*, held: str = "each", shift: int = 0, mean: str = "all", wrong: bool = False, first: bool = False) -> Callable:
    """The share with named faults."""
    def variant(told: Tensor, seen: Tensor, after: int = 2) -> Tensor:
        after = max(0, after + shift)
        t, counts = torch.arange(told.shape[1]), torch.ones_like(told, dtype=torch.bool)
        backs = {"each": range(1, after + 1), "last": [after], "one": [min(1, after)], "none": []}[held]
        for back in backs:
            counts &= told == told[:, (t - back).clamp(min=0)]
        counts &= (t >= after) | first
        right = (seen == told) != wrong
        rows = [row[count].float().mean() for row, count in zip(right, counts, strict=True)]
        ways = {"all": lambda: right[counts].float().mean(), "counts": lambda: right[counts].float().sum(),
                "every frame": lambda: (right & counts).float().mean(), "clips": lambda: torch.stack(rows).nanmean(),
                "held": lambda: counts[:, after:].float().mean(),
                "later": lambda: (right & counts)[:, after:].float().mean()}
        return ways[mean]()
    return variant


def _seen_held(told: Tensor, seen: Tensor, after: int = 2) -> Tensor:
    frames, counts = told.shape[1], torch.ones_like(told[:, after:], dtype=torch.bool)
    for back in range(1, after + 1):
        counts &= seen[:, after:] == seen[:, after - back:frames - back]
    return (seen == told)[:, after:][counts].float().mean()


def _seen_too(told: Tensor, seen: Tensor, after: int = 2) -> Tensor:
    frames, right = told.shape[1], seen == told
    held, obeys = torch.ones_like(told[:, after:], dtype=torch.bool), right[:, after:].clone()
    for back in range(1, after + 1):
        held &= told[:, after:] == told[:, after - back:frames - back]
        obeys &= right[:, after - back:frames - back]
    return obeys[held].float().mean()


def _ahead(told: Tensor, seen: Tensor, after: int = 2) -> Tensor:
    return _obedience()(told.flip(1), seen.flip(1), after)


def _around(told: Tensor, seen: Tensor, after: int = 2, *, together: bool = False) -> Tensor:
    """The frames before the first one are the clip's last, or those of the clip before."""
    shape, counts = (1, -1) if together else told.shape, torch.ones_like(told, dtype=torch.bool)
    for back in range(1, after + 1):
        counts &= told == told.reshape(shape).roll(back, 1).view_as(told)
    if together:
        counts[0, :after] = False
    return (seen == told)[counts].float().mean()


OBEDIENCE_MISTAKES: list[tuple[Callable, str]] = [
    (_obedience(held="none"), "Frames right after a change of the command count, too: a frame counts only if each of the "
                              "`after` frames before it had its command."),
    (_obedience(held="none", first=True), "All frames count here: leave out those with another command in one of the `after` "
                                          "frames before."),
    (_obedience(held="last"), "A frame is compared with the one `after` frames before it alone: told 1 2 1, the third has the "
                              "first's command, and yet it does not count. Compare with each of those between."),
    (_obedience(held="one"), "A frame is compared with the one before it alone: compare with each of the `after` ones."),
    (_obedience(first=True), "The first `after` frames of a clip do not count: too little was there before them."),
    (_obedience(shift=-1), "A frame too early: each of the `after` frames before must have had the command."),
    (_obedience(shift=1), "A frame too late: `after` frames before, not one more."),
    (_obedience(mean="clips"), "The share is of all frames that count together, not the mean of the clips' shares: some clips "
                               "have more of them."),
    (_obedience(mean="counts"), "This is how many obey: divide by how many count."),
    (_obedience(mean="every frame"), "Divide by the number of frames that count, not by that of all."),
    (_obedience(mean="later"), "Divide by the number of frames that count, not by that of all behind the first `after`."),
    (_obedience(mean="held"), "This is the share of frames that count. Asked for is how many of these obey."),
    (_obedience(wrong=True), "This is the share of those who do not obey."),
    (_seen_held, "Whether a frame counts is a matter of what was *told* in the frames before, not of what was seen."),
    (_seen_too, "Only the frame itself must obey: in those before it, it is enough that the same was told."),
    (_ahead, "A frame counts for the frames *before* it: you look at those that come after, or at what was seen `after` frames "
             "earlier."),
    (_around, "The first `after` frames of a clip do not count: here they are compared with its end, as roll() does."),
    (lambda *given: _around(*given, together=True),
     "The first `after` frames of a clip do not count: here they are compared with the end of the clip before."),
]


def _draw_told(draw: Draw, clips: int, frames: int, after: int = 3) -> tuple[Tensor, Tensor]:
    """Commands that last for one to six frames, some of them told 1 2 1, and what is seen: mostly right. A clip ends with the
    command with which it began, and every second one goes on with it."""
    rows: list[list[int]] = []
    for _ in range(clips):
        row = rows[-1][:1] if len(rows) % 2 else []
        while len(row) < frames:
            one, other = draw.integers(0, 4, 2).tolist()
            row += [one] * int(draw.integers(1, 7)) + [other] * int(draw.integers(0, 2)) + [one] * int(draw.integers(0, 5))
        rows.append(row[:frames - after] + row[:1] * after)
    told = torch.tensor(rows)
    return told, torch.where(draw.uniform(clips, frames) < 0.7, told, draw.integers(0, 4, clips, frames))


def _assert_obedience(subject: Subject, given: tuple, *, spared: bool = False) -> bool:
    """False where it is wrong and was paid for."""
    mine, right = subject(*given), _obedience()(*given)
    if is_close(mine, right):
        return True
    known = [(wrong(*given), hint) for wrong, hint in OBEDIENCE_MISTAKES]
    if spared and any(is_close(mine, value) for value, _ in known):
        return False
    assert_close(mine, right, mistakes=known)
    return True


@check("real_time.obedience", points=2,
       hint="told[:, after:] are the frames that may count; those count that equal each of the `after` slices before.")
def of_the_frames_whose_command_has_held(subject: Subject, draw: Draw) -> None:
    told, seen = _draw_told(draw, 6, 40)
    _assert_obedience(subject, (told, seen, 2))
    _assert_obedience(subject, (told, seen))


@check("real_time.obedience", points=1, hint="`after` may be 0, 1 or 3; and where no frame counts, it is NaN.")
def whatever_after_is(subject: Subject, draw: Draw) -> None:
    told, seen = _draw_told(draw, 7, 50)
    sound = [_assert_obedience(subject, (told, seen, after), spared=True) for after in (0, 1, 3, 5)]
    changing = torch.arange(12).repeat(3, 1) % 4
    try:
        mine = subject(changing, changing, 2)
    except ZeroDivisionError:
        raise Wrong(hint="Where no frame counts it divides by 0. It should give NaN, as torch's mean of nothing is.") from None
    is_nan = isinstance(mine, float | Tensor) and bool(torch.as_tensor(mine).isnan().all())
    if all(sound) and not is_nan:  # whoever lets other frames count was told so above
        raise Wrong(hint="Where no frame counts nothing is known: NaN, as torch's mean of nothing is, and not 0 or 1.")


written("real_time.one_step_loses", points=2, rubric="""
- 1 point: why it must lose: one evaluation, a continuous function, has to tear noise apart to modes or details that many small
  evaluations, each from where the last has led, reach bit by bit; and where that shows: in variety (recall, coverage), not
  in single samples.
- 1 point: where it need not lose: where little is left to decide, as for the next frame, given two others and a command; or
  where it began as a flow that covered all; or where time counts.
""")
