"""Checks of chapter 15; they ask the judge of entries, and find its verdicts again for the board."""
from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import challenge as reference
from solutions.challenge import Budget, challenge_clips
from solutions.leaderboard.guard import VIEWS, evenness_factor, squared
from solutions.leaderboard.scorer import NUM_CLIPS, SHAPE, Score, Scorer, check_entry, small

from . import Draw, Said, Subject, Wrong, assert_close, check, is_close, may_change, written

if TYPE_CHECKING:
    from solutions.leaderboard.judge import HeldBack, Judge, Verdict

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
    (lambda clips: torch.cat([F.adaptive_avg_pool2d((reference.luma(clips)[:, lag:] - reference.luma(clips)[:, :-lag]).abs()
                                                    .sum(1) / clips.shape[1], 4).flatten(1) for lag in (1, 2, 4)], 1).sqrt(),
     "There are T - lag pairs of frames so far apart: divide by as many, not by T."),
    (_motion(gray=lambda clips: clips, change=lambda d: reference.luma(d.abs())),
     "First the brightness of each frame, then its change: colours that change against each other may be equally bright."),
    (_motion(early=True), "The root comes last: first the means over time and over a field."),
    (_motion(order=lambda fields: fields.flatten(2).transpose(1, 2).flatten(1)),
     "The order is: all 16 fields for lag 1, then those for lag 2, then for lag 4."),
    (_motion(lags=(4, 2, 1)), "The lags come in the order 1, 2, 4."),
    (lambda clips: torch.cat([F.adaptive_avg_pool2d((reference.luma(clips)[:, lag] - reference.luma(clips)[:, 0]).abs(), 4)
                              .flatten(1) for lag in (1, 2, 4)], 1).sqrt(),
     "Compare each frame with the one `lag` later, and not all with the first."),
]


def _assert_motion(subject: Subject, clips: Tensor) -> None:
    right = reference.motion(clips)
    mistakes = [(wrong(clips), hint) for wrong, hint in MOTION_MISTAKES]
    squeezed = (right.squeeze(), "squeeze() drops the axis of a batch of one: one clip has numbers of shape (1, 48).")
    assert_close(subject(clips), right, mistakes=[*mistakes, squeezed])


@check("challenge.motion", points=3,
       hint="For each lag: clip[:, lag:] against clip[:, :-lag]; mean over time; 4 x 4 fields; root.")
def says_how_much_changes_where(subject: Subject, draw: Draw) -> None:
    _assert_motion(subject, draw.uniform(3, 8, 3, 8, 8, low=-1))


@check("challenge.motion", points=1, hint="Nothing but the number of fields is fixed: neither 8 frames nor 32 pixels.")
def of_clips_of_any_length_and_size(subject: Subject, draw: Draw) -> None:
    _assert_motion(subject, draw.uniform(2, 5, 3, 16, 12, low=-1))
    _assert_motion(subject, draw.uniform(1, 8, 3, 12, 16, low=-1))


# Originality

def _originality(*, first: int | None = None, mirror: tuple[bool, bool] = (True, True), low: bool = True,
                 share: Callable = lambda p: 2 * p - 1, twice: bool = False, forgiven: float = 0.2, high: bool = False,
                 frames: int | None = None) -> Callable:
    """The function with named faults; `mirror`: which of both sets gets its mirror images."""
    def variant(clips: Tensor, train: Tensor, held_out: Tensor) -> float:
        clips, train, held_out = (some[:, :frames] for some in (clips, train, held_out))
        sets = [torch.cat([some, some.flip(-1)]) if is_there else some
                for some, is_there in zip((train, held_out), mirror, strict=True)]
        if mirror[0] != mirror[1]:  # sets of one size
            sets = [some if is_there else torch.cat([some, some]) for some, is_there in zip(sets, mirror, strict=True)]
        made = torch.cat([clips, clips.flip(-1)]) if twice else clips
        found = reference.copying(made[:first].flatten(1), *(some.flatten(1) for some in sets))
        copied = max(0.0, share(found.high if high else found.low)) if low else found.copied
        return 1 - min(1.0, max(0.0, 7.5 * (copied - forgiven)))
    return variant


def _worse_of_both(clips: Tensor, train: Tensor, held_out: Tensor) -> float:
    one = _originality(mirror=(False, False))
    return min(one(clips, train, held_out), one(clips.flip(-1), train, held_out))


FIRST = "Only the first 64 clips are looked at: who copies puts the copies behind them."
MIRROR = "A mirrored copy passes: add the mirror images, .flip(-1), to both sets."
LOW = "Chance takes points from honest clips: use the lower end of the interval, found.low, in place of found.copied."
TWICE = ("Each clip counts once: with its mirror image beside it the interval is too narrow. The mirror images belong into "
         "both sets.")
FAULTS = [(first, mirror, low) for first, mirror, low in itertools.product((64, None), (False, True), (False, True))][:-1]
ORIGINALITY_MISTAKES = [
    (_worse_of_both, "Clips and their mirror images are judged one after the other: who copies a quarter each way passes. Put "
                     "the mirror images into both sets, and ask once."),
    *((_originality(first=first, mirror=(mirror, mirror), low=low),
       " ".join(hint for hint, is_there in ((FIRST, first), (MIRROR, not mirror), (LOW, not low)) if is_there))
      for first, mirror, low in sorted(FAULTS, key=lambda faults: (bool(faults[0]) + (not faults[1]) + (not faults[2])))),
    (_originality(mirror=(True, False)), "The training set alone has mirror images: honest clips then look copied. Treat both "
                                         "sets alike."),
    (_originality(mirror=(False, True)), "The held-out set alone has mirror images. Treat both sets alike."),
    (_originality(share=lambda p: p), "found.low is the share p of clips that are *nearer*; the share of copies is 2 p - 1."),
    (_originality(share=lambda p: p - 0.5), "The share of copies is 2 p - 1, twice that."),
    (_originality(high=True), "The *lower* end of the interval is meant: what chance explains takes no points."),
    (_originality(twice=True), TWICE),
    (_originality(mirror=(False, False), twice=True), TWICE),
    (_originality(frames=1), "All frames of the small clips are compared, not the first alone."),
    (_originality(forgiven=0.0), "A fifth is forgiven: count from there."),
]


def _assert_originality(subject: Subject, draw: Draw, *cases: Callable) -> None:
    """Compares for all cases at once: a mistake is known by what it says to each of them, since many say 0 to one."""
    given = []
    for clips in cases:
        train, held_out = draw.normal(60, 2, 3, 4, 4), draw.normal(60, 2, 3, 4, 4)
        made = clips(train, held_out)
        given.append((made + draw.normal(*made.shape, std=0.05), train, held_out))

    def said(function: Callable) -> list:
        return [function(*(some.clone() for some in sets)) for sets in given]

    found, right = said(subject), said(reference.originality)
    mistake = next((hint for wrong, hint in ORIGINALITY_MISTAKES
                    if all(is_close(mine, its) for mine, its in zip(found, said(wrong), strict=True))), "")
    for mine, expected in zip(found, right, strict=True):
        assert_close(mine, expected, mistakes=[(mine, mistake)] if mistake else [])


def _some(clips: Tensor, count: int) -> Tensor:
    return clips.repeat(3, 1, 1, 1, 1)[:count]


@check("challenge.originality", points=2, hint="What does the function see of a cheat whose copies stand at the end?")
def finds_copies_wherever_they_stand(subject: Subject, draw: Draw) -> None:
    def one_frame_each(train: Tensor, held_out: Tensor) -> Tensor:
        return torch.stack([0.4 * train[:, 0] + 0.6 * held_out[:, 0], train[:, 1]], 1)

    def behind(count: int) -> Callable:
        return lambda train, held_out: torch.cat([_some(held_out, count), _some(train, 128 - count)])

    _assert_originality(subject, draw, behind(24), behind(36), behind(47), behind(60), one_frame_each)


def half_each_way(train: Tensor, held_out: Tensor) -> Tensor:
    """Copies, half of them mirrored, of those training clips whose mirror image is nearer to held-out clips."""
    away, ours, theirs = (some.flatten(1) for some in (train.flip(-1), train, held_out))
    chosen = train[torch.cdist(away, ours).amin(1) > torch.cdist(away, theirs).amin(1)].repeat(9, 1, 1, 1, 1)[:90]
    return torch.cat([chosen, chosen.flip(-1), _some(held_out, 60)])


@check("challenge.originality", points=1, hint="What is the nearest training clip of a mirrored training clip?")
def finds_mirrored_copies(subject: Subject, draw: Draw) -> None:
    def mirrored(train: Tensor, held_out: Tensor) -> Tensor:
        return torch.cat([_some(train.flip(-1), 96), _some(held_out, 32)])

    _assert_originality(subject, draw, mirrored, half_each_way)


@check("challenge.originality", points=1,
       hint="Deal honest clips: half of them are nearer to the training set, give or take chance. Mirrored ones, too.")
def chance_takes_no_points(subject: Subject, draw: Draw) -> None:
    def honest(train: Tensor, held_out: Tensor) -> Tensor:
        return torch.stack([_some(held_out, 64), _some(train, 64)], 1).flatten(0, 1).roll(-9, 0)

    def by_chance(train: Tensor, held_out: Tensor) -> Tensor:
        return torch.cat([_some(train, 20), _some(held_out, 24), _some(train, 20)])

    def mirrored(train: Tensor, held_out: Tensor) -> Tensor:
        return torch.cat([_some(held_out.flip(-1), 64), _some(train.flip(-1), 64)])
    _assert_originality(subject, draw, honest, by_chance, mirrored)


# A cheat, and what stops it

CHEATED = 256  # clips that a cheat is handed, of a training set of 2,048


class _Sets:
    """A training set and held-out clips of this course for the cheat, and what its clips are compared with."""

    def __init__(self, held: HeldBack):
        self.train, held_out = challenge_clips(4096, seed=held.number("clips of the cheat")).split(2048)
        self.small = small(self.train), small(held_out)
        self.others = held_out[:CHEATED]
        self.scorer = Scorer(self.train, held_out, count=CHEATED)

    def left(self, clips: Tensor) -> float:
        """What `originality` leaves of them. It is handed just those of each set that are nearest to one of them: what it says
        is the same, in a fifth of the time."""
        rows = small(clips)

        def nearest(others: Tensor) -> Tensor:
            far, mirrored = (squared(rows.flatten(1), some.flatten(1)) for some in (others, others.flip(-1)))
            return others[torch.minimum(far, mirrored).argmin(1)]
        return reference.originality(rows, *map(nearest, self.small))

    def handed(self, draw: Draw) -> Tensor:
        """Some of the training clips."""
        start = int(draw.integers(0, len(self.train) - CHEATED))
        return self.train[start:start + CHEATED].clone()

    def score(self, clips: Tensor) -> Score:
        """How good they are, whether or not they are copies."""
        apart = torch.ones(len(clips))
        return self.scorer.put_together(self.scorer.describe(clips), {view: (apart, apart) for view in VIEWS})


@lru_cache(maxsize=1)
def _sets(held_back: str) -> _Sets:
    return _Sets(_of_course(held_back))


@check("challenge.cheat", points=1, hint="As many clips as came, in [-1, 1], made of those that came and of nothing else.")
def makes_clips_of_training_clips(subject: Subject, draw: Draw) -> None:
    train = _sets(_course["held back"]).handed(draw)
    clips = subject(train)
    _valid(clips, train.shape)
    if not is_close(subject(train), clips):
        raise Wrong(hint="The same training clips gave other clips at the second call.")
    dark = subject((0.5 * train - 0.4).clamp(-1, 1))
    _valid(dark, train.shape)
    if dark.mean() > clips.mean() - 0.1:
        raise Wrong(hint="Darker training clips should give darker clips: make yours of those that come, and draw none.")
    others = subject(_as_bright_as(_sets(_course["held back"]).others, train))
    _valid(others, train.shape)
    if ((others - clips).abs().flatten(1).mean(1) < 1e-2).float().mean() > 0.1:
        raise Wrong(hint="Other training clips, as bright as those, should give other clips, each of them: make all of yours "
                         "of those that come, and draw none.")


def _as_bright_as(clips: Tensor, wanted: Tensor) -> Tensor:
    """The clips, with the mean and the spread of others, so that by these two nobody tells one set from the other."""
    return ((clips - clips.mean()) / clips.std() * wanted.std() + wanted.mean()).clamp(-1, 1)


@check("challenge.cheat", points=2,
       hint="The guard compares frames 0 and 4, pixel by pixel. What could be changed of a clip that changes those and "
            "leaves it a good clip?")
def is_taken_for_new_and_good(subject: Subject, draw: Draw) -> None:
    sets, left = _sets(_course["held back"]), []
    for _ in range(4):  # on 256 clips the guard's word is half luck
        handed = sets.handed(draw)
        clips = subject(handed)
        _valid(clips, handed.shape)
        left.append(sets.left(clips))
    if (own := sum(left) / len(left)) < 0.5:
        raise Wrong(hint=f"The guard sees the copies: of the score {own:.2f} is left; at least 0.5 should be.")
    score = sets.score(clips)
    if score.total < 50:
        worst = min(("quality", "motion", "diversity"), key=lambda part: getattr(score, part))
        raise Wrong(hint=f"The guard lets them pass; but quality, motion and diversity together give {score.total:.0f} of 100, "
                         f"and {worst} is {getattr(score, worst):.2f}. Change less of each clip.")


def _valid(clips: Any, shape: tuple) -> None:
    if not isinstance(clips, Tensor):
        raise Wrong(f"Expected a tensor of clips, got {clips.kind if isinstance(clips, Subject) else type(clips).__name__}.")
    if clips.shape != shape or not clips.abs().max() <= 1:  # nor is NaN
        raise Wrong(f"Expected clips {tuple(shape)} in [-1, 1], got {tuple(clips.shape)} from {clips.min():.3g} to "
                    f"{clips.max():.3g}.")


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
    ({"clamp": lambda x: x.clamp(max=1)}, "Values fall below -1: cut off at both ends, .clamp(-1, 1)."),
    ({"clamp": lambda x: x.clamp(0, 1)}, "Clips are in [-1, 1], not in [0, 1]: .clamp(-1, 1)."),
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


def modes(network: nn.Module) -> list:
    """Of each of its modules whether it is in training, and of each weight whether it learns."""
    return [[module.training for module in network.modules()], [weight.requires_grad for weight in network.parameters()]]


@check("challenge.Entry", points=2, hint="Undo `encode`, last things first: times the scale, times the axes, plus the mean.")
def decodes_codes(subject: Subject, draw: Draw) -> None:
    entry, own = _prepared(subject, draw)
    for codes in (draw.normal(3, 5, std=0.5), draw.normal(1, 5, std=0.5)):
        mistakes = [(_decoded(own, codes, **parts), hint) for parts, hint in DECODE_MISTAKES]
        squeezed = own.decode(codes).squeeze(), "squeeze() drops the axis of a batch of one: a clip is (1, 8, 3, 32, 32)."
        assert_close(entry.method("decode", codes), own.decode(codes), mistakes=[*mistakes, squeezed])


@check("challenge.Entry", points=1,
       hint="The first `codes` numbers of z go along self.velocity with heun in 12 steps; then decode.")
@torch.no_grad()
def carries_noise_to_clips(subject: Subject, draw: Draw) -> None:
    entry, own = _prepared(subject, draw)
    z = draw.normal(3, 9)
    before = entry.probe(modes)
    made = entry(z)
    if entry.probe(modes) != before:
        raise Wrong(hint="Making clips leaves the network in another mode, or frozen: leave eval() and requires_grad_() to "
                         "whoever calls it.")
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
    optimizer = torch.optim.SGD(velocity.parameters(), lr=0.3, momentum=0.5)
    rng = torch.Generator().manual_seed(seed)
    losses = [step(velocity, average, optimizer, batch, rng, decay) for batch in codes]
    found = {f"{name} {kind}": value.detach().clone() for kind, network in (("velocity", velocity), ("average", average))
             for name, value in network.state_dict().items()}
    gradients = {f"{name} gradient of the average": torch.zeros_like(value) if value.grad is None else value.grad.clone()
                 for name, value in average.named_parameters()}
    return found | gradients | {"losses": losses}


def _step(order: str = "zero backward step average", *, keep: Callable = lambda decay: decay, both: bool = False) -> Callable:
    """A step put together from named parts; `both`: a gradient reaches the average, too."""
    def step(velocity, average, optimizer, codes, rng, decay):
        if both:
            reference.flow_matching_loss(average, codes, torch.Generator().set_state(rng.get_state())).backward()
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


AVERAGE_LEARNS = "A gradient reaches the average: only the velocity is asked for a loss."
STEP_MISTAKES = [
    (_step("backward step average"), "Gradients of earlier steps are added to this one's: call optimizer.zero_grad() first."),
    (_step("zero backward average"), "The velocity's weights did not move: is optimizer.step() there, and zero_grad() before "
                                     "backward(), not behind it?"),
    (_step("average zero backward step"), "The average took the weights before the step: it comes last."),
    (_step("zero backward average step"), "The average took the weights before the step: it comes last."),
    (_step("zero backward step"), "The average did not move."),
    (_step(keep=lambda decay: 1 - decay), "The shares are swapped: `decay` is what is kept of the past."),
    (_step(keep=lambda decay: 0.0), "The average is a mere copy: keep `decay` of the past."),
    (_step(both=True), AVERAGE_LEARNS),
    (_step("zero backward step trained"), "The velocity was averaged towards the average: it is the other way round."),
]


def _steps(subject: Subject, draw: Draw) -> tuple[dict, tuple]:
    """What three steps of the student's leave, and what they were given."""
    weights = [[draw.normal(3, 4, std=0.5), draw.normal(3)] for _ in range(2)]
    given = weights, draw.normal(3, 300, 3, mean=4), int(draw.integers(0, 10 ** 6)), float(draw.uniform(1, low=0.6, high=0.9))
    return subject.probe(after_entry_steps, *given), given


def _assert_entry_steps(subject: Subject, draw: Draw, parts: Callable) -> None:
    found, given = _steps(subject, draw)

    def outcome(found: dict) -> dict:
        return {name: value for name, value in found.items() if name != "losses" and parts(name)}

    mistakes = ((outcome(after_entry_steps(wrong, *given)), hint) for wrong, hint in STEP_MISTAKES)
    assert_close(outcome(found), outcome(after_entry_steps(reference.entry_step, *given)), mistakes=mistakes)


@check("challenge.entry_step", points=1, hint="Loss, zero_grad, backward, step: in this order, of the velocity alone.")
def leaves_the_right_velocity(subject: Subject, draw: Draw) -> None:
    _assert_entry_steps(subject, draw, lambda name: not name.endswith("average"))


@check("challenge.entry_step", points=1, hint="Return the loss of this step, computed before it, detached: loss.detach().")
def returns_the_loss_before_the_step(subject: Subject, draw: Draw) -> None:
    found, given = _steps(subject, draw)
    loss = found["losses"][0]
    if loss is None:
        raise Wrong(hint="The step returns None: return the loss.")
    assert_close(loss, after_entry_steps(reference.entry_step, *given)["losses"][0])
    if isinstance(loss, Tensor) and loss.requires_grad:
        raise Wrong(hint="The returned loss still holds its graph, and with it the memory of the step: loss.detach().")


@check("challenge.entry_step", points=2,
       hint="After the step: average = decay * average + (1 - decay) * velocity, without gradients.")
def and_the_right_average(subject: Subject, draw: Draw) -> None:
    _assert_entry_steps(subject, draw, lambda name: True)


# An idea of one's own

def trained_entry(train: Callable, clips: Tensor, steps: int, seed: int, z: Tensor, luck: int = 0) -> dict:
    """What an entry that `train` has made of these clips makes of noise, once and again, and how many numbers it holds.
    `luck` seeds torch's own generator, on which nothing may depend."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(luck)
        entry = train(clips, steps, seed)
        torch.manual_seed(luck)
        with torch.no_grad():
            made, again = entry(z), entry(z)
    return {"made": made, "again": again, "numbers": sum(value.numel() for value in entry.state_dict().values())}


class _Lesson:
    """What all entries of this course are trained on to be looked at: some clips of people, some others, and noise; and what
    the chapter's own entry, after so many steps and with such a seed, makes of the noise."""

    def __init__(self, held: HeldBack):
        self.clips = challenge_clips(256, seed=held.number("clips of a lesson")).split(128)
        self.z = torch.randn(4, reference.NOISE, generator=held.dice("noise of a lesson", b""))
        self.chapters = {(steps, seed): trained_entry(reference.train_entry, self.clips[0], steps, seed, self.z)["made"]
                         for steps, seed in ((2, 5), (2, 6), (2, 4), (2, 0), (2, 1), (2, 42), (4, 5), (3, 5))}


@lru_cache(maxsize=1)
def _lesson(held_back: str) -> _Lesson:
    return _Lesson(_of_course(held_back))


@lru_cache(maxsize=4)
def _taught(subject: Subject, which: int, steps: int, luck: int) -> dict:
    """What the student's training makes of one half of the clips, asked once for both checks."""
    lesson = _lesson(_course["held back"])
    return subject.probe(trained_entry, lesson.clips[which].clone(), steps, 5, lesson.z.clone(), luck)


may_change("challenge.train_mine", "seeded")  # it is told a seed


@check("challenge.train_mine", points=2, hint="Return a network, from noise (B, 128) to clips (B, 8, 3, 32, 32) in [-1, 1].")
def it_trains_an_entry_within_the_budget(subject: Subject, draw: Draw) -> None:
    found, again = (_taught(subject, 0, 2, luck) for luck in (1, 2))
    _valid(found["made"], (len(_lesson(_course["held back"]).z), *SHAPE[1:]))
    if not is_close(found["made"], found["again"]):
        raise Wrong(hint="The same noise gave other clips at the second call: a trained entry makes its clips of z, and draws "
                         "nothing itself.")
    if not is_close(found["made"], again["made"]):
        raise Wrong(hint="With the same clips, steps and seed it gave another entry: draw all from this seed.")
    if found["numbers"] > Budget().parameters:
        raise Wrong(hint=f"The entry holds {found['numbers']:,} numbers; the budget allows {Budget().parameters:,}.")


@check("challenge.train_mine", points=2, hint="What it is given decides what it makes: other clips, another entry.")
def it_learns_and_is_not_the_entry_of_the_chapter(subject: Subject, draw: Draw) -> None:
    made, of_others, longer = (_taught(subject, which, steps, 1)["made"] for which, steps in ((0, 2), (1, 2), (0, 9)))
    if is_close(made, of_others, rtol=0, atol=1e-4):
        raise Wrong(hint="Other training clips give the same entry: learn from those that are handed over.")
    if torch.equal(longer[0], longer[1]):
        raise Wrong(hint="Whatever z is, the clips are the same: an entry makes a clip of each row of noise.")
    if torch.equal(made, longer):
        raise Wrong(hint="The number of steps has no influence: train for as many as it is told.")
    for (steps, seed), its in _lesson(_course["held back"]).chapters.items():
        if is_close(made, its):
            raise Wrong(hint="This is the chapter's entry"
                             + (". Change one thing that you expect to help." if (steps, seed) == (2, 5) else
                                ", of another seed: dice are no idea." if steps == 2 else
                                ": train for as many steps as it is told, and change something else."))


# The entry

GOOD = 50.0  # the total that a quarter of a minute of training exceeds
_course: dict[str, Any] = {"held back": "", "weights": b""}  # of the submission that this process judges
_last: list[_Judged] = []  # the entry that was judged last


def make_ready(held_back: str = "") -> None:
    """The judge of a course takes seconds to make: once, before the processes that judge are forked, and not once in each."""
    for prepare in (_judge, _sets, _lesson):
        prepare(held_back)


def hold_back() -> str:
    """Anew, what the judge of one course knows: a secret, a network, and scores of what stands on the board."""
    from solutions.leaderboard.judge import HeldBack

    return str(HeldBack.make())


def take_held_back(text: str, weights: bytes) -> None:
    """From now on entries are scored by the judge of this course (of none: by the public one)."""
    _course.update({"held back": text, "weights": weights})
    _last.clear()


def _of_course(text: str) -> HeldBack:
    from solutions.leaderboard import judge

    return judge.HeldBack.read(text) if text else judge.public()


@lru_cache(maxsize=1)
def _judge(text: str) -> Judge:
    from solutions.leaderboard import judge

    return judge.Judge(_of_course(text)) if text else judge.judge()


def standing(text: str) -> dict[str, tuple[Verdict, Verdict]]:
    """What stands on the board of a course before anybody hands in, from what it holds back: for the board and for the end."""
    return _of_course(text).standing


@dataclass
class _Judged:
    """An entry's clips, made once and scored once for all checks, for the board and for the end."""

    subject: Subject
    held: HeldBack
    z: Tensor
    clips: Tensor
    even: float

    @cached_property
    def verdicts(self) -> tuple[Verdict, Verdict]:
        return _judge(_course["held back"]).of_clips(self.clips, self.even)

    @property
    def score(self) -> Score:
        return self.verdicts[0].score

    @property
    def said(self) -> Said:
        board, end = self.verdicts
        return Said(f"{SCORED}{board}.", f"{AT_THE_END}{end}.")


def clip_flops(make_clips: Callable, z: Tensor) -> float:
    """Operations of one clip, as torch counts them."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        make_clips(z)
    return counter.get_total_flops() / len(z)


def _judged(subject: Subject) -> _Judged:
    if not _last or _last[0].subject is not subject:
        held = _of_course(_course["held back"])
        clips, even = held.asked(lambda z: _clips_of(subject, z), _course["weights"])
        _last[:] = [_Judged(subject, held, held.noise(_course["weights"])[0], clips, even)]
    return _last[0]


def _clips_of(subject: Subject, z: Tensor) -> Tensor:
    """What the student's generator makes of rows of noise, if it can be scored."""
    clips = subject(z)
    if isinstance(clips, Subject):
        raise Wrong(f"Expected a tensor, got {clips.kind}.")
    try:
        check_entry(clips, (len(z), *SHAPE[1:]))
    except ValueError as error:
        raise Wrong(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
    return clips.detach()


SCORED, AT_THE_END = "Your clips score ", "At the end they score "
_SENTENCE = re.compile(f"(?:{SCORED}|{AT_THE_END})" + r"[\d.]+ ± ([\d.]+) "
                       r"\(quality ([\d.]+), motion ([\d.]+), diversity ([\d.]+), originality ([\d.]+)\)")


def verdict_in(exercise: dict, *, end: bool = False) -> Verdict | None:
    """The verdict that an exercise of a record tells, for the board or for the end; None where there is none.

    A hint that a submission has a hand in (an error's message) never begins with it.
    """
    from solutions.leaderboard.judge import Verdict

    said = (_SENTENCE.match(result.get("note", "") if end else result["hint"]) for result in exercise["checks"])
    return next((Verdict(Score(*map(float, found.groups()[1:])), float(found[1]) / 1.96) for found in said if found), None)


@check("challenge.make_clips", points=1, hint="All that it needs must be in the notebook and in entry.safetensors beside it.")
def its_clips_are_valid(subject: Subject, draw: Draw) -> Said:
    judged = _judged(subject)
    spent = subject.probe(clip_flops, judged.z[:44])  # as many rows as in the calls whose clips are scored
    if isinstance(spent, int | float) and spent > Budget().clip_flops:
        raise Wrong(hint=f"One clip takes {spent:.2g} operations; the budget allows {Budget().clip_flops:.2g}.")
    if subject.probe(with_a_graph, judged.z[:2]):
        raise Wrong(hint="The clips hold the graph of what made them, and with it its memory: make them under torch.no_grad().")
    return judged.said


def with_a_graph(function: Callable, z: Tensor) -> bool:
    """Whether what comes back could be differentiated."""
    return bool(torch.as_tensor(function(z)).requires_grad)


@check("challenge.make_clips", points=1, hint="The same row of z must give the same clip, whichever rows stand beside it.")
def a_clip_follows_from_its_own_noise(subject: Subject, draw: Draw) -> None:
    judged = _judged(subject)
    rows = draw.integers(0, NUM_CLIPS, 12)
    if not is_close(_clips_of(subject, judged.z[rows]), judged.clips[rows], rtol=0, atol=0.02):
        raise Wrong(hint="The same rows of z gave other clips in another batch. Draw no noise of your own, and switch batch "
                         "norm and dropout off with .eval().")
    if (judged.clips - judged.clips.roll(1, 0)).abs().mean() < 0.01:
        raise Wrong(hint="Whatever z is, the clips are the same.")
    if evenness_factor(judged.even) == 0:
        raise Wrong(hint="While z changes little by little, a clip stands still and then leaps to another: a network makes "
                         "clips of the noise itself; who takes z for a number and draws or looks up a clip has no generator.")


@check("challenge.make_clips", points=1, hint="Clips of the training set count nothing.")
def its_clips_are_its_own(subject: Subject, draw: Draw) -> None:
    judged = _judged(subject)
    if judged.score.originality < 0.5:
        near = "They lie nearer to training clips than to others of their kind" if evenness_factor(judged.even) == 1 else \
            "They leap from one to the next as z changes, as clips do that are looked up"
        raise Wrong(hint=f"{judged.said} {near}: copies count nothing.")


def _assert_better(subject: Subject, than: float, name: str) -> None:
    judged = _judged(subject)
    if judged.score.total <= than:
        worst = min(ADVICE, key=lambda part: getattr(judged.score, part))
        raise Wrong(hint=f"{judged.said} {name} has {than:.3g}. Your weakest part is {worst}: {ADVICE[worst]}")


ADVICE = {
    "quality": "look at single clips; longer training and averaged weights sharpen them.",
    "motion": "play them; do they move as real ones do, or flicker, or stand?",
    "diversity": "look at many; a generator that has dropped kinds of people cannot score.",
    "originality": "lay each beside its nearest training clip; train less, or with less to remember by.",
}


@check("challenge.make_clips", points=1, hint="Train longer, and look at your clips.")
def scores_more_than_the_linear_baseline(subject: Subject, draw: Draw) -> None:
    _assert_better(subject, _judged(subject).held.standing["linear baseline"][0].score.total, "The linear baseline")


@check("challenge.make_clips", points=1, hint="Train longer, and look at your clips.")
def scores_more_than_50(subject: Subject, draw: Draw) -> None:
    _assert_better(subject, GOOD, "The next step")


written("challenge.what_i_tried", points=4, rubric="""
- 1 point: says what was changed against the chapter's entry, and why it might help, before the result.
- 1 point: one thing was changed at a time, and what was held equal (FLOPs, seed, clips scored) is said.
- 1 point: numbers, with how far they scatter: at least two seeds, or the difference put beside it.
- 1 point: the conclusion follows from them, also where it is "no difference"; FLOPs used for training and the parameters are
  stated and within the budget.
""")
