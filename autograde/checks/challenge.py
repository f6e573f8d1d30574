"""Checks of chapter 14, the judge of entries, and what of their scores the board needs."""
from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import challenge as reference
from solutions.challenge import NOISE
from solutions.leaderboard.scorer import (  # noqa: F401 - the board asks for STANDING here
    NUM_CLIPS,
    STANDING,
    Score,
    check_entry,
)

from . import Draw, Subject, Wrong, assert_close, check, is_close, written

# Operations of a convolution

def _flops(*, each: int = 2, area: Callable = lambda made, size: made ** 2, kernel: Callable = lambda k: k ** 2,
           weights: Callable = lambda before, after: before * after, images: bool = True, bias: bool = False) -> Callable:
    """The count, put together from named parts."""
    def variant(count: int, size: int, before: int, after: int, *, kernel: int, stride: int = 1, padding: int = 0,
                of_kernel: Callable = kernel) -> int:
        made = (size + 2 * padding - kernel) // stride + 1
        total = each * area(made, size) * weights(before, after) * of_kernel(kernel)
        return (count if images else 1) * (total + (after * made ** 2 if bias else 0))
    return variant


FLOPS_MISTAKES = [
    (_flops(each=1), "A multiplication and an addition are two operations."),
    (_flops(area=lambda made, size: size ** 2),
     "Count what comes out: (size + 2 padding - kernel) // stride + 1 values in each direction, not `size`."),
    (_flops(area=lambda made, size: made), "An image has two directions: the size that comes out is squared."),
    (_flops(kernel=lambda k: k), "The kernel has two directions, too: kernel ** 2 weights."),
    (_flops(weights=lambda before, after: after), "Each value that comes out is a sum over all `before` channels."),
    (_flops(weights=lambda before, after: before), "There are `after` channels of values that come out."),
    (_flops(images=False), "All `count` images are convolved."),
    (_flops(bias=True), "The bias is left out."),
]


def _assert_flops(subject: Subject, draw: Draw, **options: int) -> None:
    count, before, after = (int(n) for n in draw.integers(2, 9, 3))
    sizes = count, int(draw.integers(16, 33)), before, after + 9
    mistakes = [(float(wrong(*sizes, **options)), hint) for wrong, hint in FLOPS_MISTAKES]
    assert_close(subject(*sizes, **options), float(reference.conv_flops(*sizes, **options)), mistakes=mistakes, rtol=1e-6)


@check("challenge.conv_flops", points=1, hint="Values that come out, times weights that each of them is a sum over, times 2.")
def counts_what_comes_out(subject: Subject, draw: Draw) -> None:
    _assert_flops(subject, draw, kernel=3)


@check("challenge.conv_flops", points=1, hint="Padding adds to the size on both sides; then every stride-th place counts.")
def with_stride_and_padding(subject: Subject, draw: Draw) -> None:
    for kernel, stride, padding in ((4, 2, 1), (5, 3, 0), (3, 1, 1)):
        _assert_flops(subject, draw, kernel=kernel, stride=stride, padding=padding)


# Motion

def _motion(*, lags: tuple = (1, 2, 4), change: Callable = torch.abs, gray: Callable | None = None,
            over: Callable | None = None, root: bool = True, order: Callable = lambda fields: fields.flatten(1),
            early: bool = False) -> Callable:
    """The features, put together from named parts."""
    def variant(clips: Tensor) -> Tensor:
        light = reference.luma(clips) if gray is None else gray(clips)
        changes = [change(light[:, lag:] - light[:, :-lag]) for lag in lags]
        changes = [part.sqrt() if early else part for part in changes]
        changes = [part.mean(1) if over is None else over(part) for part in changes]
        fields = order(F.adaptive_avg_pool2d(torch.stack(changes, 1), 4))
        return fields.sqrt() if root and not early else fields
    return variant


MOTION_MISTAKES = [
    (_motion(root=False), "The root is missing: sqrt of each field."),
    (_motion(change=lambda d: d, root=False), "Changes of both signs cancel: take their absolute value, then the mean."),
    (_motion(change=lambda d: d.mean(1, keepdim=True).abs()),
     "Changes of both signs cancel: the absolute value comes before the mean over time."),
    (_motion(change=torch.square), "The absolute difference, not its square."),
    (_motion(gray=lambda clips: clips.mean(2)), "Brightness is luma(clips), not the mean of the three colours."),
    (_motion(lags=(1, 2, 3)), "The third lag is four frames."),
    (_motion(lags=(1, 2, 4), over=lambda part: part[:, 0]),
     "The mean over *all* pairs of frames so far apart, not the first pair."),
    (_motion(lags=(1, 2, 4), over=lambda part: part.sum(1)), "The mean over the pairs of frames, not their sum."),
    (_motion(early=True), "The root comes last: first the means over time and over a field."),
    (_motion(order=lambda fields: fields.flatten(2).transpose(1, 2).flatten(1)),
     "The order is: all 16 fields for lag 1, then those for lag 2, then for lag 4."),
    (_motion(lags=(4, 2, 1)), "The lags come in the order 1, 2, 4."),
    (lambda clips: torch.cat([F.adaptive_avg_pool2d((reference.luma(clips)[:, lag] - reference.luma(clips)[:, 0]).abs(), 4)
                              .flatten(1) for lag in (1, 2, 4)], 1).sqrt(),
     "Compare each frame with the one `lag` later, and not all with the first."),
]


def _assert_motion(subject: Subject, clips: Tensor) -> None:
    mistakes = [(wrong(clips), hint) for wrong, hint in MOTION_MISTAKES]
    assert_close(subject(clips), reference.motion(clips), mistakes=mistakes)


@check("challenge.motion", points=3,
       hint="For each lag: clip[:, lag:] against clip[:, :-lag]; mean over time; 4 x 4 fields; root.")
def says_how_much_changes_where(subject: Subject, draw: Draw) -> None:
    _assert_motion(subject, draw.uniform(3, 8, 3, 8, 8, low=-1))


@check("challenge.motion", points=1, hint="Nothing but the number of fields is fixed: neither 8 frames nor 32 pixels.")
def of_clips_of_any_length_and_size(subject: Subject, draw: Draw) -> None:
    _assert_motion(subject, draw.uniform(2, 5, 3, 16, 12, low=-1))


# From a distance to a part of the score

def _closeness(share: Callable = lambda d, b, w: (d - b) / (w - b), root: Callable = lambda s: s ** 0.5) -> Callable:
    return lambda d, b, w: 1 - root(min(1.0, max(0.0, share(d, b, w))))


CLOSENESS_MISTAKES = [
    (_closeness(root=lambda s: s), "The root of the share is missing."),
    (_closeness(root=lambda s: s ** 2), "The root of the share, not its square."),
    (lambda d, b, w: 1 - _closeness()(d, b, w), "It is the wrong way round: 1 at `best`, 0 at `worst`."),
    (_closeness(lambda d, b, w: d / w), "Count from `best`: not 0 but `best` is as near as one can come."),
    (_closeness(lambda d, b, w: (d - b) / w), "The way leads from `best` to `worst`: it is worst - best long."),
    (_closeness(lambda d, b, w: (d ** 0.5 - b ** 0.5) / (w ** 0.5 - b ** 0.5), lambda s: s),
     "One root, of the share of the way; not a root of each distance."),
]


def _assert_closeness(subject: Subject, *cases: tuple[float, float, float]) -> None:
    def values(function: Callable) -> Tensor:
        return torch.tensor([float(function(*case)) for case in cases])

    mistakes = [(values(wrong), hint) for wrong, hint in CLOSENESS_MISTAKES]
    assert_close(torch.stack([torch.as_tensor(subject(*case), dtype=torch.float32) for case in cases]),
                 values(reference.closeness), mistakes=mistakes)


@check("challenge.closeness", points=1, hint="1 minus the root of (distance - best) / (worst - best).")
def falls_by_the_root(subject: Subject, draw: Draw) -> None:
    _assert_closeness(subject, *((float(b + (w - b) * s), float(b), float(w)) for b, w, s in zip(
        draw.uniform(3, low=1, high=2), draw.uniform(3, low=4, high=9), draw.uniform(3, low=0.1, high=0.9), strict=True)))


@check("challenge.closeness", points=1,
       hint="Nearer than `best` is 1, farther than `worst` is 0: cut the share off at 0 and at 1.")
def stays_between_0_and_1(subject: Subject, draw: Draw) -> None:
    best, worst = float(draw.uniform(1, low=1, high=2)), float(draw.uniform(1, low=4, high=9))
    _assert_closeness(subject, (best / 2, best, worst), (2 * worst, best, worst), (best, best, worst), (worst, best, worst))


# Originality

def _originality(*, first: int | None = None, mirror: bool = True, low: bool = True) -> Callable:
    """The function with named faults."""
    def variant(clips: Tensor, train: Tensor, held_out: Tensor) -> float:
        if mirror:
            train, held_out = (torch.cat([some, some.flip(-1)]) for some in (train, held_out))
        found = reference.copying(clips[:first].flatten(1), train.flatten(1), held_out.flatten(1))
        return 1 - min(1.0, max(0.0, 7.5 * ((2 * found.low - 1 if low else found.copied) - 0.2)))
    return variant


FIRST = "Only the first 64 clips are looked at: who copies puts the copies behind them."
MIRROR = "A mirrored copy passes: add the mirror images, .flip(-1), to both sets."
LOW = "Chance takes points from honest clips: use the lower end of the interval, found.low, in place of found.copied."
ORIGINALITY_MISTAKES = [
    (_originality(first=first, mirror=mirror, low=low),
     " ".join(hint for hint, is_there in ((FIRST, first), (MIRROR, not mirror), (LOW, not low)) if is_there))
    for first, mirror, low in itertools.product((64, None), (False, True), (False, True))][:-1]


def _assert_originality(subject: Subject, draw: Draw, clips: Callable) -> None:
    train, held_out = draw.normal(60, 2, 3, 4, 4), draw.normal(60, 2, 3, 4, 4)
    made = clips(train, held_out)
    sets = made + draw.normal(*made.shape, std=0.05), train, held_out
    mistakes = [(wrong(*sets), hint) for wrong, hint in ORIGINALITY_MISTAKES]
    assert_close(subject(*sets), reference.originality(*sets), mistakes=mistakes)


def _some(clips: Tensor, count: int) -> Tensor:
    return clips.repeat(3, 1, 1, 1, 1)[:count]


@check("challenge.originality", points=2, hint="Make a cheat that gets through, and look at what the function sees of it.")
def finds_copies_wherever_they_stand(subject: Subject, draw: Draw) -> None:
    _assert_originality(subject, draw, lambda train, held_out: torch.cat([_some(held_out, 24), _some(train, 104)]))
    _assert_originality(subject, draw, lambda train, held_out: torch.cat([_some(held_out, 36), _some(train, 92)]))


@check("challenge.originality", points=1, hint="What is the nearest training clip of a mirrored training clip?")
def finds_mirrored_copies(subject: Subject, draw: Draw) -> None:
    _assert_originality(subject, draw, lambda train, held_out: torch.cat([_some(train.flip(-1), 96), _some(held_out, 32)]))


@check("challenge.originality", points=1,
       hint="Deal honest clips: half of them are nearer to the training set, give or take chance.")
def chance_takes_no_points(subject: Subject, draw: Draw) -> None:
    def honest(train: Tensor, held_out: Tensor) -> Tensor:
        return torch.stack([_some(held_out, 64), _some(train, 64)], 1).flatten(0, 1).roll(-9, 0)

    def by_chance(train: Tensor, held_out: Tensor) -> Tensor:
        return torch.cat([_some(train, 20), _some(held_out, 24), _some(train, 20)])
    for clips in (honest, by_chance):
        _assert_originality(subject, draw, clips)


# The network

def _weights_of(network: nn.Module, draw: Draw) -> dict[str, Tensor]:
    """Random weights for an `Entry`, so that most of what it decodes lies inside [-1, 1]."""
    weights = {name: draw.normal(*value.shape, std=0.3) for name, value in network.state_dict().items()}
    return weights | {"scale": draw.uniform(*weights["scale"].shape, low=0.5, high=2)}


def _decoded(entry: nn.Module, codes: Tensor, *, scale: Callable = lambda c, s: c * s, mean: bool = True,
             clamp: Callable = lambda x: x.clamp(-1, 1)) -> Tensor:
    flat = scale(codes, entry.scale) @ entry.axes.T + (entry.mean if mean else 0)
    return clamp(flat).unflatten(1, (8, 3, 32, 32))


DECODE_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"scale": lambda c, s: c}, "The scale is missing: `encode` divides by it, so multiply first."),
    ({"scale": lambda c, s: c / s}, "`encode` divides by the scale; the way back multiplies."),
    ({"mean": False}, "`encode` takes the mean off: add it at the end."),
    ({"clamp": lambda x: x}, "Values leave [-1, 1]: .clamp(-1, 1)."),
    ({"clamp": torch.tanh}, "Cut off at -1 and 1 with .clamp: tanh would also change what lies between."),
]


def _prepared(subject: Subject, draw: Draw) -> tuple[Subject, reference.Entry]:
    """The student's network and the reference, with the same weights."""
    sizes = {"codes": 5, "width": 6, "blocks": 2}
    entry, own = subject(**sizes), reference.Entry(**sizes)
    weights = _weights_of(own, draw)
    if not isinstance(entry, Subject):
        raise Wrong(hint="Entry is a class of networks: `class Entry(nn.Module)`.")
    entry.load(weights)
    own.load_state_dict(weights)
    return entry, own


@check("challenge.Entry", points=2, hint="Undo `encode`, last things first: times the scale, times the axes, plus the mean.")
def decodes_codes(subject: Subject, draw: Draw) -> None:
    entry, own = _prepared(subject, draw)
    codes = draw.normal(3, 5, std=0.5)
    mistakes = [(_decoded(own, codes, **parts), hint) for parts, hint in DECODE_MISTAKES]
    assert_close(entry.method("decode", codes), own.decode(codes), mistakes=mistakes)


@check("challenge.Entry", points=1,
       hint="The first `codes` numbers of z go along self.velocity with heun in 12 steps; then decode.")
@torch.no_grad()
def carries_noise_to_clips(subject: Subject, draw: Draw) -> None:
    entry, own = _prepared(subject, draw)
    z = draw.normal(3, 9)
    made = entry(z)
    if is_close(made, reference.heun(own.velocity, z[:, :5], 12)):
        raise Wrong(hint="These are still codes: decode them.")
    mistakes = [(own.decode(z[:, :5]), "The noise is decoded as it is: carry it along the velocity first."),
                (own.decode(reference.heun(own.velocity, z[:, -5:], 12)), "The *first* `codes` numbers of z, not the last."),
                (own.decode(_euler(own.velocity, z[:, :5])), "That is Euler's method: `heun` is given."),
                *((own.decode(reference.heun(own.velocity, z[:, :5], n)), f"That is {n} steps; 12 are asked for.")
                  for n in (1, 4, 6, 8, 10, 11, 13, 24))]
    assert_close(made, own(z), mistakes=mistakes)


def _euler(velocity: Callable, x: Tensor) -> Tensor:
    for k in range(12):
        x = x + velocity(x, torch.full((len(x),), k / 12)) / 12
    return x


# The step

def after_entry_steps(step: Callable, weights: list[list[Tensor]], codes: Tensor, seed: int, decay: float) -> dict:
    """The weights of velocity and average after a step on each batch of codes (S, B, F), and the losses."""
    width = codes.shape[-1]

    class Velocity(nn.Module):
        def __init__(self, values: list[Tensor]):
            super().__init__()
            self.layer = nn.Linear(width + 1, width)
            with torch.no_grad():
                for parameter, value in zip(self.parameters(), values, strict=True):
                    parameter.copy_(value)

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            return torch.tanh(self.layer(torch.cat([x, t[:, None]], 1)))

    velocity, average = (Velocity(values) for values in weights)
    for parameter in velocity.parameters():
        parameter.grad = torch.ones_like(parameter)  # of an earlier life: it must not count
    optimizer, rng = torch.optim.SGD(velocity.parameters(), lr=0.3), torch.Generator().manual_seed(seed)
    losses = [torch.as_tensor(step(velocity, average, optimizer, batch, rng, decay), dtype=torch.float32).detach()
              for batch in codes]
    found = {f"{name} {kind}": value.detach().clone() for kind, network in (("velocity", velocity), ("average", average))
             for name, value in network.state_dict().items()}
    return found | {"losses": torch.stack(losses)}


def _step(order: str = "zero backward step average", *, keep: Callable = lambda decay: decay) -> Callable:
    """A step put together from named parts."""
    def step(velocity, average, optimizer, codes, rng, decay):
        loss = reference.flow_matching_loss(velocity, codes, rng)
        for verb in order.split():
            if verb == "zero":
                optimizer.zero_grad()
            elif verb == "backward":
                loss.backward()
            elif verb == "step":
                optimizer.step()
            else:
                pairs = list(zip(average.parameters(), velocity.parameters(), strict=True))
                for old, new in pairs if verb == "average" else [pair[::-1] for pair in pairs]:
                    old.data.lerp_(new.data, 1 - keep(decay))
        return loss.detach()
    return step


STEP_MISTAKES = [
    (_step("backward step average"), "Gradients of earlier steps are added to this one's: call optimizer.zero_grad() first."),
    (_step("zero backward average"), "The velocity's weights did not move: is optimizer.step() there, and zero_grad() before "
                                     "backward(), not behind it?"),
    (_step("average zero backward step"), "The average took the weights before the step: it comes last."),
    (_step("zero backward average step"), "The average took the weights before the step: it comes last."),
    (_step("zero backward step"), "The average did not move."),
    (_step(keep=lambda decay: 1 - decay), "The shares are swapped: `decay` is what is kept of the past."),
    (_step(keep=lambda decay: 0.0), "The average is a mere copy: keep `decay` of the past."),
    (_step("zero backward step trained"), "The velocity was averaged towards the average: it is the other way round."),
]


def _assert_entry_steps(subject: Subject, draw: Draw, parts: Callable) -> None:
    weights = [[draw.normal(3, 4, std=0.5), draw.normal(3)] for _ in range(2)]
    arguments = weights, draw.normal(3, 6, 3, mean=1), int(draw.integers(0, 10 ** 6)), float(draw.uniform(1, low=0.6, high=0.9))

    def outcome(found: dict) -> dict:
        return {name: value for name, value in found.items() if parts(name)}

    mistakes = [(outcome(after_entry_steps(wrong, *arguments)), hint) for wrong, hint in STEP_MISTAKES]
    expected = outcome(after_entry_steps(reference.entry_step, *arguments))
    assert_close(outcome(subject.probe(after_entry_steps, *arguments)), expected, mistakes=mistakes)


@check("challenge.entry_step", points=2, hint="Loss, zero_grad, backward, step: in this order, of the velocity alone.")
def leaves_the_right_velocity(subject: Subject, draw: Draw) -> None:
    _assert_entry_steps(subject, draw, lambda name: not name.endswith("average"))


@check("challenge.entry_step", points=2,
       hint="After the step: average = decay * average + (1 - decay) * velocity, without gradients.")
def and_the_right_average(subject: Subject, draw: Draw) -> None:
    _assert_entry_steps(subject, draw, lambda name: True)


# The entry

LINEAR, GOOD = 30.5, 50.0  # totals: the linear baseline's, and one that half a minute of training exceeds


def make_ready() -> None:
    """The scorer takes seconds to make: once, before the judges are forked, and not once a judge."""
    from solutions.leaderboard.board import judge
    judge()


@dataclass
class _Judged:
    """An entry's clips, made and scored once for all checks."""

    subject: Subject
    z: Tensor
    clips: Tensor

    @cached_property
    def score(self) -> Score:
        from solutions.leaderboard.board import judge
        return judge()(self.clips)

    @property
    def said(self) -> str:
        return f"{SCORED}{self.score}."


_last: list[_Judged] = []  # the entry that was judged last


def _judged(subject: Subject, draw: Draw) -> _Judged:
    if not _last or _last[0].subject is not subject:
        z = draw.normal(NUM_CLIPS, NOISE)
        clips = subject(z)
        if isinstance(clips, Subject):
            raise Wrong(f"Expected a tensor, got {clips.kind}.")
        try:
            check_entry(clips)
        except ValueError as error:
            raise Wrong(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
        _last[:] = [_Judged(subject, z, clips.detach())]
    return _last[0]


SCORED = "Your clips score "
_SENTENCE = re.compile(re.escape(SCORED)
                       + r"[\d.]+ \(quality ([\d.]+), motion ([\d.]+), diversity ([\d.]+), originality ([\d.]+)\)")


def score_in(exercise: dict) -> Score | None:
    """The score that an exercise of a record tells; None where there is none.

    A hint that a submission has a hand in (an error's message) never begins with it.
    """
    said = (_SENTENCE.match(result["hint"]) for result in exercise["checks"])
    return next((Score(*map(float, found.groups())) for found in said if found), None)


@check("challenge.make_clips", points=2, hint="All that it needs must be in the notebook and in entry.safetensors beside it.")
def its_clips_are_valid(subject: Subject, draw: Draw) -> None:
    _judged(subject, draw)


@check("challenge.make_clips", points=1, hint="The same row of z must give the same clip, whichever rows stand beside it.")
def a_clip_follows_from_its_own_noise(subject: Subject, draw: Draw) -> None:
    z, clips = (judged := _judged(subject, draw)).z, judged.clips
    rows = draw.integers(0, NUM_CLIPS, 12)
    turned = 0.995 * z[rows] + 0.0999 * draw.normal(12, NOISE)  # as long, and six degrees away
    again, near = torch.as_tensor(subject(torch.cat([z[rows], turned]))).detach().split(12)
    if not is_close(again, clips[rows], rtol=0, atol=0.02):
        raise Wrong(hint="The same rows of z gave other clips in another batch. Draw no noise of your own, and switch batch "
                         "norm and dropout off with .eval().")
    usual = (clips[rows] - clips[rows - 1]).abs().mean()
    moved = (near - again).abs().flatten(1).mean(1)
    if usual < 0.01 or moved.max() < 1e-4:
        raise Wrong(hint="Whatever z is, the clips are the same.")
    if moved.mean() > usual / 2:
        raise Wrong(hint="A slightly different z gives quite another clip: a network makes clips of the noise itself; who "
                         "takes z for a number and draws or looks up a clip has no generator.")


@check("challenge.make_clips", points=1, hint="Clips of the training set count nothing.")
def its_clips_are_its_own(subject: Subject, draw: Draw) -> str:
    judged = _judged(subject, draw)
    if judged.score.originality < 0.5:
        raise Wrong(hint=f"{judged.said} They are nearer to training clips than to others of their kind: copies count nothing.")
    return judged.said


def _assert_better(subject: Subject, draw: Draw, than: float, name: str) -> None:
    judged = _judged(subject, draw)
    if judged.score.total <= than:
        worst = min(ADVICE, key=lambda part: getattr(judged.score, part))
        raise Wrong(hint=f"{judged.said} {name} has {than:g}. Your weakest part is {worst}: {ADVICE[worst]}")


ADVICE = {
    "quality": "look at single clips; longer training and averaged weights sharpen them.",
    "motion": "play them; do they move as real ones do, or flicker, or stand?",
    "diversity": "look at many; a generator that has dropped kinds of people cannot score.",
}


@check("challenge.make_clips", points=2, hint="Train longer, and look at your clips.")
def scores_more_than_the_linear_baseline(subject: Subject, draw: Draw) -> None:
    _assert_better(subject, draw, LINEAR, "The linear baseline")


@check("challenge.make_clips", points=2, hint="Train longer, and look at your clips.")
def scores_more_than_50(subject: Subject, draw: Draw) -> None:
    _assert_better(subject, draw, GOOD, "The next step")


written("challenge.what_i_tried", points=4, rubric="""
- 1 point: says what was changed against the chapter's entry, and why it might help, before the result.
- 1 point: one thing was changed at a time, and what was held equal (FLOPs, seed, clips scored) is said.
- 1 point: numbers, with how far they scatter: at least two seeds, or the difference put beside it.
- 1 point: the conclusion follows from them, also where it is "no difference"; FLOPs used for training and the parameters are
  stated and within the budget.
""")
