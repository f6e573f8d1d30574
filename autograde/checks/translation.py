"""Checks of chapter 8."""
from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import Draw, Subject, Wrong, assert_close, check, is_close, written


def put(module: nn.Module, weights: list[Tensor]) -> nn.Module:
    """The module with these parameters, in its own order."""
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), weights, strict=True):
            parameter.copy_(value)
    return module


def _flat(values: Iterable) -> Tensor:
    return torch.cat([torch.as_tensor(value, dtype=torch.float32).flatten() for value in values])


# A judge of patches

def map_with(network_class: type, sizes: list[int], weights: list[Tensor], images: Tensor) -> dict:
    """Its logits of `images` with these weights, and the gradient of their squares in the images; where the weights do not
    fit, the shapes of its own. `later` are its logits in evaluation mode."""
    channels, width, halvings = sizes
    network = network_class(channels, width=width, halvings=halvings)
    shapes = [list(parameter.shape) for parameter in network.parameters()]
    if shapes != [list(weight.shape) for weight in weights]:
        return {"shapes": shapes}
    images = images.clone().requires_grad_()
    logits = put(network, weights)(1.0 * images)
    pull = torch.autograd.grad(logits.square().sum(), images, allow_unused=True)[0] if logits.requires_grad else None
    later = network.eval()(images).detach()
    return {"logits": logits.detach(), "pull": torch.zeros_like(images) if pull is None else pull, "later": later}


def _map(weights: list[Tensor], images: Tensor, *, squash: Callable = lambda x: F.leaky_relu(x, 0.2),
         norm: Callable = F.instance_norm, strides: Callable = lambda k, last: 1 if k == last else 2,
         padding: int = 1, mode: str = "constant") -> Tensor:
    first, *middle, end = zip(weights[0::2], weights[1::2], strict=True)
    x = F.leaky_relu(F.conv2d(images, *first, stride=2, padding=1), 0.2)
    for k, (weight, bias) in enumerate(middle):
        x = F.pad(x, [padding] * 4, mode)
        x = squash(norm(F.conv2d(x, weight, bias, stride=strides(k, len(middle) - 1))))
    return F.conv2d(x, *end, padding=1)


MAP_MISTAKES: list[tuple[Callable, str]] = [
    (lambda w, x: _map(w, x), "Logits are (B, h, w): drop the axis of channels, which has one of them."),
    (lambda w, x: _map(w, x)[:, 0].sigmoid(), "Return logits: no sigmoid, which least squares does without."),
    (lambda w, x: _map(w, x)[:, 0].mean((1, 2)), "Return the map: every patch keeps its own logit, no mean over them."),
    (lambda w, x: _map(w, x).flatten(1), "Return the map (B, h, w), not a flat list: where a patch lies is worth knowing."),
    (lambda w, x: _map(w, x, squash=torch.relu)[:, 0], "A plain ReLU: the judge has LeakyReLU(0.2)."),
    (lambda w, x: _map(w, x, squash=lambda y: F.leaky_relu(y, 0.01))[:, 0],
     "The slope of the LeakyReLU is 0.2; 0.01 is PyTorch's default."),
    (lambda w, x: _map(w, x, squash=lambda y: y)[:, 0], "The LeakyReLU behind the norm is missing."),
    (lambda w, x: _map(w, x, norm=lambda y: y)[:, 0], "The instance norm between convolution and LeakyReLU is missing."),
    (lambda w, x: _map(w, x, norm=lambda y: F.batch_norm(y, None, None, training=True))[:, 0],
     "A batch norm: a judge's answer then depends on the other images of the batch. Take InstanceNorm2d."),
    (lambda w, x: _map(w, x, squash=F.instance_norm, norm=lambda y: F.leaky_relu(y, 0.2))[:, 0],
     "The norm comes before the LeakyReLU, not behind it."),
    (lambda w, x: _map(w, x, strides=lambda k, last: 1)[:, 0],
     "Too many logits: all layers of the loop but its last one have stride 2."),
    (lambda w, x: _map(w, x, strides=lambda k, last: 2)[:, 0], "Too few logits: the last layer of the loop has stride 1."),
    (lambda w, x: _map(w, x, strides=lambda k, last: 2 if k == last else 1)[:, 0],
     "The strides are the other way round: 2 in the loop, and 1 in its last turn, k == halvings - 1."),
    (lambda w, x: _map(w, x, strides=lambda k, last: 1 if k == 0 else 2)[:, 0],
     "The stride of 1 is that of the *last* turn of the loop, not of the first."),
    (lambda w, x: _map(w, x, padding=0)[:, 0], "padding=1 is missing in the loop."),
    (lambda w, x: _map(w, x, mode="reflect")[:, 0], "The padding is of zeros: `padding_mode=\"reflect\"` is the translator's."),
    (lambda w, x: _map(w, x)[:, 0].squeeze(), "squeeze() drops the axis of a batch of one, too: take [:, 0]."),
    (lambda w, x: _map(w, x).mean(1).tanh(), "Return logits: no tanh, which least squares does without."),
]


def _assert_map(subject: Subject, draw: Draw, channels: int, halvings: int, *shape: int) -> dict:
    """Compare the logits of images of the shape (B, H, W); gives what is right of the gradient, and what came."""
    widths = [channels, *(2 << k for k in range(halvings + 1)), 1]
    shapes = [s for before, after in zip(widths[:-1], widths[1:], strict=True) for s in ((after, before, 4, 4), (after,))]
    weights = [draw.normal(*s, std=math.prod(s[1:]) ** -0.5 if s[1:] else 0.3) for s in shapes]
    images = draw.normal(shape[0], channels, *shape[1:]).requires_grad_()
    mine = subject.probe(map_with, [channels, 2, halvings], weights, images)
    if "logits" not in mine:
        raise Wrong(hint="Its weights have other shapes than asked for: in the loop a convolution of 4 x 4 with a bias, which "
                         f"doubles the maps, and a norm without weights. Expected {[list(s) for s in shapes]}, yours are "
                         f"{mine['shapes']}.")
    logits, right = mine["logits"], _map(weights, images)[:, 0]
    mistakes = []
    for wrong, hint in MAP_MISTAKES:
        try:
            mistakes.append((wrong(weights, images).detach(), hint))
        except (ValueError, RuntimeError):  # a map that this mistake leaves nothing of
            continue
    assert_close(logits, right.detach(), mistakes=mistakes)
    return {"pull": torch.autograd.grad(right.square().sum(), images)[0], "mine": mine["pull"],
            "steady": is_close(mine["later"], right.detach())}


@check("translation.PatchDiscriminator", points=2,
       hint="Convolution, instance norm, LeakyReLU(0.2); the last convolution has stride 1.")
def every_patch_gets_its_logit(subject: Subject, draw: Draw) -> None:
    _assert_map(subject, draw, 3, 2, 3, 24, 24)


@check("translation.PatchDiscriminator", points=1, hint="Stride 2 in the loop, but for its last turn: k = halvings - 1.")
def patches_of_every_size(subject: Subject, draw: Draw) -> None:
    _assert_map(subject, draw, 1, 1, 3, 16, 24)
    pulls = _assert_map(subject, draw, 2, 3, 1, 48, 48)  # a batch of one
    assert_close(pulls["mine"], pulls["pull"], rtol=1e-3, atol=1e-3, mistakes=[
        (torch.zeros_like(pulls["pull"]), "No gradient reaches the images, and the generator learns through them: no detach(), "
                                          "no .data and no no_grad().")])
    if not pulls["steady"]:
        raise Wrong(hint="In evaluation mode its logits change: the norm keeps statistics of other pictures "
                         "(track_running_stats). An instance norm takes each picture's own, in either mode.")


# There and back

class TwoMaps(nn.Module):
    """Pairs (B, 2, 2, 1, 2) to pairs: both directions are a matrix and a tanh, with different weights."""

    def __init__(self):
        super().__init__()
        self.a_to_b, self.b_to_a = (
            nn.Sequential(nn.Flatten(), nn.Linear(4, 4), nn.Tanh(), nn.Unflatten(1, (2, 1, 2))) for _ in range(2))

    def forward(self, z: Tensor | None, pair: Tensor) -> Tensor:
        a, b = pair.unbind(1)
        return torch.stack([self.b_to_a(b), self.a_to_b(a)], 1)


def two_maps(weights: list[Tensor]) -> TwoMaps:
    """The generator with these weights."""
    maps = TwoMaps()
    put(maps, weights)
    return maps


def _draw_maps(draw: Draw, count: int = 6) -> tuple[list[Tensor], Tensor]:
    return [draw.normal(*s, std=0.7) for s in ((4, 4), (4,), (4, 4), (4,))], draw.normal(count, 2, 2, 1, 2)


def cycle_of(function: Callable, weights: list[Tensor], pair: Tensor, in_pieces: bool = False) -> dict:
    """The cycle loss of the two maps, and its gradient with respect to their weights; `in_pieces`: in evaluation mode, of a
    pair that does not lie in memory as it is indexed."""
    generator = two_maps(weights).train(not in_pieces)
    pair = pair.transpose(0, 1).contiguous().transpose(0, 1) if in_pieces else pair
    loss = function(generator, pair, generator(None, pair))
    if not isinstance(loss, Tensor) or not loss.requires_grad or loss.ndim:
        return {"loss": loss, "gradient": None}
    gradient = torch.autograd.grad(loss, list(generator.parameters()), allow_unused=True)
    parts = [torch.zeros_like(p) if g is None else g for g, p in zip(gradient, generator.parameters(), strict=True)]
    return {"loss": loss.detach(), "gradient": torch.cat([part.flatten() for part in parts])}


def identity_of(function: Callable, weights: list[Tensor], pair: Tensor, in_pieces: bool = False) -> dict:
    """The identity loss of the two maps, and its gradient with respect to their weights; `in_pieces`: in evaluation mode, of a
    pair that does not lie in memory as it is indexed."""
    generator = two_maps(weights).train(not in_pieces)
    pair = pair.transpose(0, 1).contiguous().transpose(0, 1) if in_pieces else pair
    loss = function(generator, pair)
    if not isinstance(loss, Tensor) or not loss.requires_grad or loss.ndim:
        return {"loss": loss, "gradient": None}
    gradient = torch.autograd.grad(loss, list(generator.parameters()))
    return {"loss": loss.detach(), "gradient": torch.cat([part.flatten() for part in gradient])}


MEAN = "Take the mean over all pixels of both domains: no sum."
DOUBLE = "Twice what is asked: one mean over both domains, not the sum of two means."
SQUARES = "Squared differences: asked for are absolute ones (L1), which do not blur as much."

SMOOTH = "Absolute differences, F.l1_loss: the smooth L1 is a square near 0."

CYCLE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda g, p, f: (f - p).abs().mean(), "One way only: that compares images with their translation. Translate `fake` home."),
    (lambda g, p, f: (g(None, f) - f).abs().mean(),
     "What comes home is compared with where it set out, `pair`; not with `fake`."),
    (lambda g, p, f: (g(None, f.flip(1)).flip(1) - p).abs().mean(),
     "The wrong direction: a as b has to go back through b_to_a. `fake` is a pair with a first already: hand it over "
     "as it is."),
    (lambda g, p, f: (g(None, f.flip(1)) - p).abs().mean(),
     "The wrong direction: `fake` is a pair with a first already, so the generator leads each image home. Do not flip it."),
    (lambda g, p, f: (g(None, f).flip(1) - p).abs().mean(),
     "a is compared with b: what comes home has a first again; do not flip."),
    (lambda g, p, f: (g(None, f) - p).square().mean(), SQUARES),
    (lambda g, p, f: (g(None, f) - p).abs().sum(), MEAN),
    (lambda g, p, f: (g(None, f) - p).abs().sum() / len(p), MEAN),
    (lambda g, p, f: (g(None, f) - p).square().mean().sqrt(), SQUARES),
    (lambda g, p, f: (g(None, f) - p).square().sum(), SQUARES),
    (lambda g, p, f: (g(None, p) - p).abs().mean(), "One way only: that compares images with their translation. Translate "
     "`fake` home."),
    (lambda g, p, f: F.smooth_l1_loss(g(None, f), p), SMOOTH),
    (lambda g, p, f: 2 * (g(None, f) - p).abs().mean(), DOUBLE),
    (lambda g, p, f: (g(None, f) - p).abs()[:, 0].mean(), "Only a's cycle: b has to come home, too."),
    (lambda g, p, f: (g(None, f) - p).abs()[:, 1].mean(), "Only b's cycle: a has to come home, too."),
    *[(lambda g, p, f, sign=sign: sign * (g(None, f) - p).mean(), "Absolute values first, then the mean: otherwise errors "
       "cancel.") for sign in (1, -1)],
]
IDENTITY_MISTAKES: list[tuple[Callable, str]] = [
    (lambda g, p: (g(None, p) - p).abs().mean(), ("That asks b_to_a to turn b into a's picture: each direction is to be given "
     "what is in its *target* domain already. Exchange a and b before they go in.")),
    (lambda g, p: (g(None, p.flip(1)) - p.flip(1)).abs().mean(),
     "b_to_a gave the first image, of a: compare it with a, `pair`."),
    (lambda g, p: (g(None, p) - p.flip(1)).abs().mean(), ("That asks a translation to change nothing at all. Exchange a and b "
     "before they go in: each direction gets an image of its target domain.")),
    (lambda g, p: (g(None, p.flip(0)) - p).abs().mean(), "flip(1) exchanges the domains; flip(0) turns the batch round."),
    (lambda g, p: (g(None, p.flip(1)) - p).square().mean(), SQUARES),
    (lambda g, p: (g(None, p.flip(1)) - p).abs().sum(), MEAN),
    (lambda g, p: (g(None, p.flip(1)) - p).abs().sum() / len(p), MEAN),
    (lambda g, p: (g(None, p.flip(1)) - p).square().mean().sqrt(), SQUARES),
    *[(lambda g, p, sign=sign: sign * (g(None, p.flip(1)) - p).mean(), "Absolute values first, then the mean: otherwise errors "
       "cancel.") for sign in (1, -1)],
    (lambda g, p: F.smooth_l1_loss(g(None, p.flip(1)), p), SMOOTH),
    (lambda g, p: (g(None, g(None, p)) - p).abs().mean(), "That is the cycle, two translations: here each direction translates "
     "once, what is in its target domain already."),
    (lambda g, p: 2 * (g(None, p.flip(1)) - p).abs().mean(), DOUBLE),
    (lambda g, p: (g(None, p.flip(1)) - p).abs()[:, 0].mean(), "Only b_to_a is asked: a_to_b has a target domain, too."),
    (lambda g, p: (g(None, p.flip(1)) - p).abs()[:, 1].mean(), "Only a_to_b is asked: b_to_a has a target domain, too."),
]
CUT = "The value is right and the gradient is not: something is cut. Neither a detach() nor a no_grad() belongs here."


def _l1_cycle(generator: nn.Module, pair: Tensor, fake: Tensor) -> Tensor:
    return (generator(None, fake) - pair).abs().mean()


def _l1_identity(generator: nn.Module, pair: Tensor) -> Tensor:
    return (generator(None, pair.flip(1)) - pair).abs().mean()


def _assert_loss(mine: dict, right: dict, mistakes: Iterable[tuple[Callable, str]], *arguments: Any) -> None:
    assert_close(mine["loss"], right["loss"], mistakes=((wrong(*arguments), hint) for wrong, hint in mistakes))


def _assert_gradient(mine: dict, right: dict) -> None:
    if mine["gradient"] is None:
        raise Wrong(hint="The loss must be one number with a graph: no detach(), no item(), no no_grad().")
    if is_close(mine["loss"], right["loss"]) and not is_close(mine["gradient"], right["gradient"]):
        raise Wrong(hint=CUT)
    assert_close(mine["gradient"], right["gradient"])


@check("translation.cycle_loss", points=2, hint="The mean absolute difference of generator(None, fake) and pair.")
def both_domains_come_home(subject: Subject, draw: Draw) -> None:
    weights, pair = _draw_maps(draw)
    generator = two_maps(weights)
    _assert_loss(subject.probe(cycle_of, weights, pair), cycle_of(_l1_cycle, weights, pair), CYCLE_MISTAKES,
                 generator, pair, generator(None, pair))


@check("translation.cycle_loss", points=1, hint="The gradient flows through both translations: the way there and the way back.")
def both_translations_learn(subject: Subject, draw: Draw) -> None:
    weights, pair = _draw_maps(draw)
    _assert_gradient(subject.probe(cycle_of, weights, pair, True), cycle_of(_l1_cycle, weights, pair))


@check("translation.identity_loss", points=2, hint="generator(None, pair.flip(1)) should be pair.")
def target_images_stay(subject: Subject, draw: Draw) -> None:
    weights, pair = _draw_maps(draw)
    _assert_loss(subject.probe(identity_of, weights, pair), identity_of(_l1_identity, weights, pair), IDENTITY_MISTAKES,
                 two_maps(weights), pair)


@check("translation.identity_loss", points=1, hint="The gradient flows through the translation.")
def both_directions_learn(subject: Subject, draw: Draw) -> None:
    weights, pair = _draw_maps(draw)
    _assert_gradient(subject.probe(identity_of, weights, pair, True), identity_of(_l1_identity, weights, pair))


# Old fakes

def shown_by(history_class: type, size: int, seed: int, batches: Tensor) -> dict:
    """What `exchange` shows for `batches` (S, B, F), handed in with a graph, and what is kept. What went in and what came
    back are overwritten afterwards."""
    history, shown, graphs = history_class(size, seed=seed), [], False
    for batch in batches:
        fakes = batch.clone().requires_grad_() * 1
        back = history.exchange(fakes)
        graphs = graphs or back.requires_grad
        shown.append(back.detach().clone())
        back.detach().fill_(math.nan)
        fakes.detach().fill_(math.nan)
    return {"shown": torch.stack(shown), "graph": graphs,
            "kept": torch.stack([torch.as_tensor(kept).detach() for kept in history.kept])}


NO_BATCH = "One coin for the whole batch: each fake has its own, one after the other."


def _from(shown: Tensor, batches: Tensor) -> Tensor:
    """For each thing shown, the index of the fake that it is, over all batches; -1 where it is none of them."""
    first: dict[tuple, int] = {}
    for index, fake in enumerate(batches.flatten(0, 1).tolist()):
        first.setdefault(tuple(fake), index)
    return torch.tensor([first.get(tuple(thing), -1) for thing in shown.flatten(0, 1).tolist()])


def _history(subject: Subject, draw: Draw, size: int, steps: int, batch: int, shape: tuple = (2,),
             dtype: torch.dtype = torch.float32) -> tuple[Tensor, dict]:
    batches, seed = draw.normal(steps, batch, *shape).to(dtype) / 3, draw.integers(1, 1000, 1).item()
    mine = subject.probe(shown_by, size, seed, batches)
    if mine["shown"].isnan().any() or mine["kept"].isnan().any():
        raise Wrong(hint="A kept fake changed when the batch that it came from, or what was shown, was overwritten: "
                         "keep a copy, clone().")
    if mine["graph"]:
        raise Wrong(hint="What comes back still has its graph: detach the fakes.")
    if mine["shown"].shape != batches.shape:
        raise Wrong(hint=f"As many come back as go in, (B, *): expected {tuple(batches.shape[1:])} for a batch, got "
                         f"{tuple(mine['shown'].shape[1:])}.")
    return batches, mine


@check("translation.FakeHistory", points=1, hint="While fewer than `size` are kept: keep a copy, show the fake itself.")
def at_first_all_are_kept_and_shown(subject: Subject, draw: Draw) -> None:
    batches, mine = _history(subject, draw, 12, 4, 3, (2, 1, 4, 3))
    assert_close(mine["shown"], batches)
    if len(mine["kept"]) > 12:
        raise Wrong(hint="More are kept than `size`.")
    assert_close(mine["kept"], batches.flatten(0, 1))
    batches, mine = _history(subject, draw, 3, 8, 1, (4,), torch.float64)  # batches of one, more exact than float32
    if (_from(mine["shown"], batches) < 0).any():
        raise Wrong(hint="A fake comes back as it is, in its own precision: something came back that was never handed in.")


@check("translation.FakeHistory", points=2, hint="Once full: half come back themselves; half change places with a kept one.")
def then_half_of_those_shown_are_old(subject: Subject, draw: Draw) -> None:
    size, steps, batch = 6, 800, 4
    batches, mine = _history(subject, draw, size, steps, batch)
    source = _from(mine["shown"], batches)
    if (source < 0).any():
        raise Wrong(hint="Something comes back that was never handed in.")
    kept = _from(mine["kept"][None], batches)
    if len(kept) != size:
        raise Wrong(hint=f"Expected {size} kept ones, got {len(kept)}: once full, one goes in for each that comes out.")
    now = torch.arange(steps * batch)
    age = (now - source)[size:]
    if (age < 0).any():
        raise Wrong(hint="The fakes come back in another order than they came.")
    old = (age > 0).float().mean().item()
    if old < 0.02:
        raise Wrong(hint="Once full, nothing old is ever shown.")
    if old > 0.98:
        raise Wrong(hint="Once full, only old ones are shown. Half of the time a fake is shown itself, and not kept.")
    seen = torch.cat([source[size:], kept]).sort().values  # of the first `size` each is kept and was shown: they count once
    if not torch.equal(seen, now):
        raise Wrong(hint="A fake gets lost or is shown twice: either it comes back itself and is not kept, or it takes the "
                         "place of a kept one, which comes back instead.")
    if abs(old - 0.5) > 0.045:  # five standard deviations
        raise Wrong(hint=f"Half of those shown should be old, {old:.0%} are.")
    mixed = (age > 0).float()[-(len(age) // batch) * batch:].view(-1, batch).mean(1)
    if ((mixed == 0) | (mixed == 1)).float().mean() > 0.4:  # an eighth, if each has its coin
        raise Wrong(hint=NO_BATCH)
    old_age = age[age > 0].float()
    if old_age.std() < 0.5 * old_age.mean() or old_age.mean() < size:
        raise Wrong(hint="The place of a kept one is drawn at random, any of `size`: not always the first, last or oldest.")
    if (kept < size).any():
        raise Wrong(hint="Some place is never drawn: torch.randint(n, ...) draws from 0 to n - 1, so n is `size`.")
    swaps = torch.cat([torch.zeros(size), (age > 0).float()]).cumsum(0)
    lives = (swaps - swaps[source])[size:][(age > 0) & (source[size:] >= size)]  # how many exchanges each was kept for
    if abs((lives == 1).float().mean() - 1 / size) > 0.045 or abs(lives.square().mean() - (2 * size - 1) * size) > 15:
        raise Wrong(hint="A kept one is drawn uniformly, each as often as any other, and for each fake anew.")
    if not torch.equal(mine["kept"], batches.flatten(0, 1)[kept]):
        raise Wrong()


@check("translation.FakeHistory", points=1, hint="Draw with generator=self.rng: the same seed, the same choices.")
def the_seed_decides(subject: Subject, draw: Draw) -> None:
    batches = draw.normal(40, 3, 2)
    first, again, other = (subject.probe(shown_by, 5, seed, batches)["shown"] for seed in (3, 3, 4))
    if (_from(first, batches) < 0).any() or torch.equal(first, batches):
        raise Wrong(hint="Once full, half of those shown should be old.")
    if not is_close(again, first):
        raise Wrong(hint="The same seed gives other choices: draw from self.rng.")
    if is_close(other, first):
        raise Wrong(hint="Another seed gives the same choices: draw from self.rng.")


# A step of CycleGAN

class Moody(TwoMaps):
    """Two maps that may give something `louder` each time that they are asked: who needs the same fakes asks once."""

    def __init__(self):
        super().__init__()
        self.times, self.louder = 0, 0.0

    def forward(self, z: Tensor | None, pair: Tensor) -> Tensor:
        self.times += 1
        return super().forward(z, pair) * (1 + self.louder * (self.times - 1))


class Judges(nn.Module):
    """Pairs (B, 2, 2, 1, 2) to logits (B, 2, 3)."""

    def __init__(self):
        super().__init__()
        self.of_a, self.of_b = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, pair: Tensor) -> Tensor:
        a, b = pair.flatten(2).sin().unbind(1)
        return torch.stack([self.of_a(a), self.of_b(b)], 1)


def after_cycle_steps(step: Callable, weights: list[Tensor], pairs: Tensor, old: Tensor, share: float, lr_g: float,
                      lr_d: float, mood: str = "") -> dict:
    """Both networks after a step for each of `pairs` (S, B, 2, 2, 1, 2), and all losses. D is shown `old` for half of the
    fakes; `share` weighs a made-up extra loss, which depends on both its arguments.

    Moods: "bare" hands neither over; in "again" a second translation is louder than the first; in "graph" fakes with a graph
    are remembered twice as large.
    """
    generator, discriminator = Moody(), Judges()
    generator.louder = 0.4 if mood == "again" else 0.0
    both = put(nn.ModuleList([generator, discriminator]), weights)
    for parameter in both.parameters():
        parameter.grad = torch.full_like(parameter, 0.3)  # of an earlier life: they must not count
    optimizers = [torch.optim.SGD(network.parameters(), lr=lr) for network, lr in ((generator, lr_g), (discriminator, lr_d))]
    losses = []
    for pair, memory in zip(pairs, old, strict=True):
        generator.times = 0
        more = {} if mood == "bare" else {
            "remember": lambda fake, memory=memory: torch.cat(
                [fake[::2] * (2 if mood == "graph" and fake.requires_grad else 1), memory[1::2]]),
            "extra": lambda real, fake: share * (TwoMaps.forward(generator, None, fake) * real.sin()).mean()}
        back = step(generator, discriminator, *optimizers, pair, **more)
        discriminator.requires_grad_(True)  # one that is left frozen has its own hint
        losses += list(back) if isinstance(back, tuple | list) else [back]
    return {"D": [p.detach().clone() for p in discriminator.parameters()],
            "G": [p.detach().clone() for p in generator.parameters()], "losses": losses}


def _squares(logits: Tensor, target: float) -> Tensor:
    return (logits - target).square().mean() / 2


def cycle_steps(*faults: str) -> Callable:
    """The step with the named faults; none gives the reference."""
    def step(generator, discriminator, optimizer_g, optimizer_d, pair, *, remember=torch.clone, extra=lambda pair, fake: 0):
        loss = F.binary_cross_entropy_with_logits if "cross-entropy" in faults else None
        judged = lambda logits, target: (
            loss(logits, torch.full_like(logits, target)) if loss else _squares(logits, target))
        fake = generator(None, pair)
        shown = fake.detach() if "no memory" in faults else remember(fake.detach())
        goals = (0.0, 1.0) if "swapped" in faults else (1.0, 0.0)
        loss_d = judged(discriminator(pair), goals[0]) + judged(discriminator(shown), goals[1])
        loss_d = loss_d * (2 if "not halved" in faults else 1)
        if "flipped" in faults:
            loss_d = _squares(discriminator(pair.flip(1)), 1) + _squares(discriminator(shown), 0)
        if "stale D" not in faults:
            optimizer_d.zero_grad()
        loss_d.backward()
        if "D stands still" not in faults:
            optimizer_d.step()
        fake = generator(None, pair)
        goal = 0.0 if "wrong goal" in faults else 1.0
        loss_g = judged(discriminator(fake), goal) * (2 if {"not halved", "twice"} & set(faults) else 1)
        if "old ones" in faults:
            loss_g = judged(discriminator(remember(fake)), 1.0)
        if "minus" in faults:
            loss_g = -judged(discriminator(fake), 0.0)
        if "no judge" in faults:
            loss_g = 0 * loss_g
        if "no extra" not in faults:
            loss_g = loss_g + (extra(fake, pair) if "extra turned" in faults else extra(pair, fake))
        if "stale G" not in faults:
            optimizer_g.zero_grad()
        loss_g.backward()
        if "one direction" in faults:
            for parameter in generator.b_to_a.parameters():
                parameter.grad = None
        optimizer_g.step()
        return loss_d.detach(), loss_g.detach()
    return step


ENTROPY = "This is the cross-entropy of chapter 2: asked for are least squares, least_squares_d and least_squares_g."
STEP_D_MISTAKES = [
    ("no memory", "D is shown the fakes of now: show it remember(fake.detach())."),
    ("stale D", "Gradients of earlier steps are added to D's: call optimizer_d.zero_grad() before backward()."),
    ("swapped", "The sides are swapped: real pairs are 1 and fakes 0; least_squares_d takes the real logits first."),
    ("D stands still", "D's weights did not move: backward(), then optimizer_d.step(), and no zero_grad() between them."),
    ("cross-entropy", ENTROPY),
    ("not halved", "Twice the loss: least_squares_d has a half in it already."),
    ("flipped", "D judges a pair with a first: do not flip it."),
]
STEP_G_MISTAKES = [
    ("stale G", "Gradients of earlier steps are added to the generator's: call optimizer_g.zero_grad() before backward()."),
    ("wrong goal", "The generator wants its fakes to be taken for real: least_squares_g."),
    ("minus", "Minus the judges' loss has no bottom: the generator's own is least_squares_g, which wants fakes to be 1."),
    ("no judge", "The generator does not move. Either the judges say nothing to the generator (its loss is least_squares_g of "
                 "what they say of `fake`, with its graph), or zero_grad() clears what step() needs."),
    ("cross-entropy", ENTROPY),
    ("old ones", "The generator learns from its own fakes of now: remember(...) is for D's turn."),
    ("one direction", "One direction did not move: both learn in the same step."),
    ("twice", "Twice the loss: least_squares_g has a half in it already, and is the mean over both domains, not a sum."),
]
BEFORE = "The generator's loss comes from the logits that D gave before it learnt: ask D again after its step."
STEP_MOODS = {
    "again": "The pair is translated again for the generator's turn, and a generator may give other fakes then: translate "
             "once, and use `fake` in both turns.",
    "graph": "D's loss would send a gradient into the generator: remember() is handed fakes without a graph, fake.detach().",
}
STEP_EXTRA_MISTAKES = [
    ("no extra", "extra(pair, fake) is missing in the generator's loss."),
    ("extra turned", "extra takes the pair first, then the fakes."),
]


def _draw_cycle(draw: Draw, count: int) -> tuple[list[Tensor], Tensor, Tensor]:
    shapes = ((4, 4), (4,), (4, 4), (4,), (3, 4), (3,), (3, 4), (3,))
    pairs, old = (draw.normal(count, 6, 2, 2, 1, 2) for _ in range(2))
    return [draw.normal(*s, std=0.6) for s in shapes], pairs, old


def _assert_step(subject: Subject, given: tuple, part: str, faults: list[tuple[str, str]]) -> None:
    mine, right = subject.probe(after_cycle_steps, *given), after_cycle_steps(cycle_steps(), *given)
    mistakes = ((_flat(after_cycle_steps(cycle_steps(fault), *given)[part]), hint) for fault, hint in faults)
    assert_close(_flat(mine[part]), _flat(right[part]), mistakes=mistakes)


@check("translation.cycle_step", points=2,
       hint="D's turn: remember(fake.detach()), least_squares_d, zero_grad, backward, step.")
def real_is_one_and_fake_is_zero(subject: Subject, draw: Draw) -> None:
    for count in (1, 3):
        _assert_step(subject, (*_draw_cycle(draw, count), 0.0, 0.0, 0.2), "D", STEP_D_MISTAKES)  # a G that stands still


@check("translation.cycle_step", points=2,
       hint="The generator's turn: its own fakes, not detached, before the D that has learnt.")
def both_directions_learn_from_them(subject: Subject, draw: Draw) -> None:
    for count in (1, 3):
        _assert_step(subject, (*_draw_cycle(draw, count), 0.0, 0.2, 0.0), "G", STEP_G_MISTAKES)  # a D that stands still
    weights, pairs, old = _draw_cycle(draw, 1)
    mine = subject.probe(after_cycle_steps, weights, pairs, old, 0.0, 0.2, 0.2)
    learnt = weights[:4] + [torch.as_tensor(w) for w in mine["D"]]  # its own D, however that has learnt
    turn = lambda given: _flat(after_cycle_steps(cycle_steps(), given, pairs, old, 0.0, 0.2, 0.0)["G"])
    assert_close(_flat(mine["G"]), turn(learnt), mistakes=[(turn(weights), BEFORE)])


@check("translation.cycle_step", points=1, hint="The generator's loss has extra(pair, fake) more, a tensor or a plain number.")
def what_is_added_counts(subject: Subject, draw: Draw) -> None:
    given = _draw_cycle(draw, 1)

    def added(after: Callable) -> Tensor:
        """What `extra` moves in G, whatever else is in its loss."""
        return _flat(after(*given, 0.8, 0.2, 0.0)["G"]) - _flat(after(*given, 0.0, 0.2, 0.0)["G"])
    def known(fault: str) -> Any:
        return added(lambda *values: after_cycle_steps(cycle_steps(fault), *values))

    mine = added(lambda *values: subject.probe(after_cycle_steps, *values))
    assert_close(mine, known(""), mistakes=((known(fault), hint) for fault, hint in STEP_EXTRA_MISTAKES))
    subject.probe(after_cycle_steps, *given, 0.0, 0.2, 0.0, "bare")  # by itself extra gives 0, which is no tensor


@check("translation.cycle_step", points=1,
       hint="Return D's loss, then the generator's, each with all it was made of, detached.")
def returns_both_losses_(subject: Subject, draw: Draw) -> None:
    given = (*_draw_cycle(draw, 1), 0.5, 0.2, 0.2)
    mine, right = subject.probe(after_cycle_steps, *given), after_cycle_steps(cycle_steps(), *given)

    def are_of(other: dict) -> bool:
        return all(is_close(_flat(mine[part]), _flat(other[part])) for part in "DG")

    if not are_of(right):  # perhaps by what has cost its points already
        faults = (fault for fault, _ in (*STEP_D_MISTAKES, *STEP_G_MISTAKES, *STEP_EXTRA_MISTAKES))
        right = next(filter(are_of, (after_cycle_steps(cycle_steps(fault), *given) for fault in faults)), right)
    without = after_cycle_steps(cycle_steps(), *given[:3], 0.0, 0.2, 0.2)["losses"]
    _assert_losses(mine["losses"], right["losses"], 2, [
        (_flat(without), "The generator's loss is all that it minimised: extra(pair, fake), too.")])
    for mood, hint in STEP_MOODS.items():
        if not is_close(_flat(subject.probe(after_cycle_steps, *given, mood)["losses"]), _flat(mine["losses"])):
            raise Wrong(hint=hint)


def _assert_losses(mine: list, right: list, count: int, mistakes: Iterable = ()) -> None:
    if any(value is None for value in mine) or len(mine) != len(right):
        raise Wrong(hint=f"Return {('no', 'one', 'two', 'three')[count]} losses, in the order of the docstring.")
    if any(isinstance(value, Tensor) and value.requires_grad for value in mine):
        raise Wrong(hint="The losses still hold their graphs, and with them the memory of the step: detach them.")
    turned = [value for k in range(0, len(right), count) for value in (right[k + 1], right[k], *right[k + 2:k + count])]
    assert_close(_flat(mine), _flat(right), mistakes=[(_flat(turned), "D's loss comes first."), *mistakes])


# Filling holes

def brush(kernel: Tensor, x: Tensor) -> Tensor:
    """A painting by one convolution and twice a tanh; of two colours with something of the batch's mean, as a batch norm has
    it: who asks image by image loses one check by it, and no more."""
    painted = 2 * F.conv2d(x, kernel, padding=1).tanh()
    return painted + painted.mean(0, keepdim=True) / 2 if len(kernel) == 2 else painted


def filled_by(function: Callable, kernel: Tensor, images: Tensor, mask: Tensor, bounded: bool = False) -> dict:
    """Images filled by `brush` with this kernel, `bounded` by a tanh or not, and the gradient of their squares in it."""
    kernel = kernel.clone().requires_grad_()

    class Painter(nn.Module):
        def forward(self, x):
            if x.ndim != 4 or x.shape[1] != kernel.shape[1]:
                raise ValueError(f"the network takes (B, {kernel.shape[1]}, H, W), the colours and the mask; "
                                 f"got {tuple(x.shape)}")
            return torch.tanh(brush(kernel, x)) if bounded else brush(kernel, x)

    filled = function(Painter(), images, mask)
    gradient = torch.autograd.grad(filled.square().sum(), kernel)[0] if filled.requires_grad else None
    return {"filled": filled.detach(), "gradient": gradient}


def _paint(kernel: Tensor, *shown: Tensor) -> Tensor:
    return brush(kernel, torch.cat(shown, 1))


FILL_MISTAKES: list[tuple[Callable, str]] = [
    (lambda k, x, m: torch.lerp(x, _paint(k, x, m), m), ("The network sees what it is to fill: cover the hole with zeros, "
     "images * (1 - mask), before it looks.")),
    (lambda k, x, m: _paint(k, x * (1 - m), m), ("The whole painting comes back. Outside the hole the image is known: take the "
     "painting in the hole only.")),
    (lambda k, x, m: torch.lerp(_paint(k, x * (1 - m), m), x, m),
     "The wrong way round: in the hole stands the image, around it the painting."),
    (lambda k, x, m: torch.lerp(x, _paint(k, x * m, m), m),
     "The network sees the hole's content and nothing else: 1 - mask is what is seen."),
    (lambda k, x, m: torch.lerp(x, _paint(k, m, x * (1 - m)), m), "The mask comes last, behind the colours."),
    (lambda k, x, m: torch.lerp(x, _paint(k, x * (1 - m), 1 - m), m),
     "The channel behind the colours is the mask itself: 1 in the hole."),
    (lambda k, x, m: torch.lerp(x, _paint(k, x * (1 - m) + m, m), m), "The hole is covered with zeros, not with ones."),
    (lambda k, x, m: torch.lerp(x, _paint(k, x * (1 - m) - m, m), m), "The hole is covered with zeros, not with -1."),
    (lambda k, x, m: x + m * _paint(k, x * (1 - m), m),
     "In the hole the painting stands *instead of* the image: you add them."),
    *[(lambda k, x, m, colour=colour: torch.lerp(x, _paint(k, x * (1 - m) + m * colour(x, m), m), m),
       "The hole is covered with zeros, not with a mean colour.") for colour in (
        lambda x, m: x.mean((2, 3), keepdim=True), lambda x, m: x.mean(), lambda x, m: x.mean((1, 2, 3), keepdim=True),
        lambda x, m: (x * (1 - m)).sum((2, 3), keepdim=True) / (1 - m).sum((2, 3), keepdim=True),
        lambda x, m: (x * (1 - m)).mean((2, 3), keepdim=True))],
    (lambda k, x, m: torch.lerp(x, _paint(k, x * (1 - m), m).clamp(-1, 1), m),
     "The painting is taken as the network paints it: nothing is cut off, no clamp and no tanh."),
    (lambda k, x, m: torch.lerp(x, _paint(k, x * (1 - m), m).tanh(), m),
     "The painting is taken as the network paints it: nothing is cut off, no clamp and no tanh."),
    (lambda k, x, m: torch.lerp(x, _paint(k, x * (1 - m), m[:1].expand_as(m)), m),
     "Every image is shown the first one's mask: each has its own."),
    (lambda k, x, m: torch.lerp(x, torch.cat([_paint(k, y[None] * (1 - n), n[None]) for y, n in zip(x, m, strict=True)]), m),
     "The network is asked image by image: hand it the whole batch, which a batch norm looks at."),
    (lambda k, x, m: _filled(k, x, m[:1].expand_as(m)), "Every image is filled by the first one's mask: each has its own."),
    (lambda k, x, m: x * (1 - m) + _paint(k, x * (1 - m), m),
     "The painting is added around the hole, too: take mask * painting."),
    (lambda k, x, m: x * (1 - m), "The hole is still empty."),
    (lambda k, x, m: x, "Nothing is filled: the images come back as they were."),
    (lambda k, x, m: m * _paint(k, x * (1 - m), m), "Around the hole the image is missing."),
]


def _square_hole(count: int, size: int, top: int, left: int, hole: int) -> Tensor:
    mask = torch.zeros(count, 1, size, size)
    for k in range(count):
        mask[k, 0, top + k:top + k + hole, left:left + hole] = 1
    return mask


def _filled(kernel: Tensor, images: Tensor, mask: Tensor) -> Tensor:
    return images * (1 - mask) + mask * _paint(kernel, images * (1 - mask), mask)


def _assert_fill(subject: Subject, draw: Draw, channels: int, hole: int, count: int = 3) -> tuple:
    kernel, images = draw.normal(channels, channels + 1, 3, 3, std=0.5), draw.normal(count, channels, 9, 9)
    mask = _square_hole(count, 9, 1, 2, hole)
    mine = subject.probe(filled_by, kernel, images, mask)
    assert_close(mine["filled"], _filled(kernel, images, mask),
                 mistakes=((wrong(kernel, images, mask), hint) for wrong, hint in FILL_MISTAKES))
    return mine["gradient"], kernel, images, mask


@check("translation.fill", points=2, hint="Cover, add the mask as a channel, let the network paint, and take the hole's part.")
def the_hole_and_nothing_else(subject: Subject, draw: Draw) -> None:
    _assert_fill(subject, draw, 3, 4)
    _assert_fill(subject, draw, 1, 6)
    _assert_fill(subject, draw, 3, 3, 1)


@check("translation.fill", points=1, hint="The network learns through what it painted: no detach(), no no_grad().")
def the_painter_can_learn(subject: Subject, draw: Draw) -> None:
    gradient, kernel, images, mask = _assert_fill(subject, draw, 2, 5)
    if gradient is None:
        raise Wrong(hint="The network cannot learn: its painting comes back without a graph. No detach(), no no_grad().")
    kernel = kernel.clone().requires_grad_()
    assert_close(gradient, torch.autograd.grad(_filled(kernel, images, mask).square().sum(), kernel)[0])
    subject.probe(filled_by, kernel, images, mask, bounded=True)


# The step that filled holes with grey

class Repainter(nn.Module):
    """Images (B, 1, 4, 4) and masks to filled images: one matrix of what is seen, a tanh."""

    def __init__(self):
        super().__init__()
        self.matrix = nn.Linear(16, 16)

    def forward(self, images: Tensor, mask: Tensor) -> Tensor:
        made = self.matrix((images * (1 - mask)).flatten(1)).tanh().view_as(images)
        return images * (1 - mask) + made * mask


def after_fill_steps(step: Callable, weights: list[Tensor], images: Tensor, masks: Tensor, share: float,
                     by_function: bool = False) -> dict:
    """Both networks after a step for each of `images` (S, B, 1, 4, 4) with its masks, and all losses; `by_function`: the
    painter is handed over as a function, which has nothing to be frozen."""
    generator = Repainter()
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.Tanh(), nn.Linear(6, 1))
    put(nn.ModuleList([generator, discriminator]), weights)
    discriminator(generator(images[0], masks[0])).sum().backward()  # gradients of an earlier life: they must not count
    optimizers = [torch.optim.SGD(network.parameters(), lr=0.3) for network in (generator, discriminator)]
    losses = []
    for real, mask in zip(images, masks, strict=True):
        painter = generator.forward if by_function else generator
        back = step(painter, discriminator, *optimizers, real, mask, weight=share)
        discriminator.requires_grad_(True)  # one that is left frozen has its own hint
        losses += list(back) if isinstance(back, tuple | list) else [back]
    return {"D": [p.detach().clone() for p in discriminator.parameters()],
            "G": [p.detach().clone() for p in generator.parameters()], "losses": losses}


def fill_steps(*faults: str) -> Callable:
    """The step with the named faults; none gives the reference."""
    def step(generator, discriminator, optimizer_g, optimizer_d, images, mask, *, weight=20.0):
        filled = generator(images, mask)
        loss_d = F.softplus(-discriminator(images)).mean() + F.softplus(discriminator(filled.detach())).mean()
        if "stale" not in faults:
            optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        logits = discriminator(filled.detach() if "cut" in faults else filled)
        fooled = F.softplus(logits if "wrong goal" in faults else -logits).mean()
        if "saturating" in faults:
            fooled = -F.softplus(logits).mean()
        place = 1 - mask if "outside" in faults else mask
        error = ((filled - images) * place).square().sum((1, 2, 3)) / (place.sum((1, 2, 3)) * images.shape[1])
        if "as one" in faults:
            error = ((filled - images) * mask).square().sum() / (mask.sum() * images.shape[1])
        if "whole" in faults:
            error = (filled - images).square()
        if "stale painter" not in faults:
            optimizer_g.zero_grad()
        (fooled + weight * error.mean()).backward()
        optimizer_g.step()
        return loss_d.detach(), fooled.detach(), error.mean().detach()
    return step


FILL_FAULTS = {
    "stale": "The judge's gradients pile up from step to step, and take up what the painter's turn leaves in it.",
    "stale painter": "Gradients of earlier steps are added to the painter's: zero_grad() before backward().",
    "cut": "No gradient reaches the painter through the judge. What is cut there that should not be?",
    "wrong goal": "The painter's adversarial loss: it wants the judge to take its filling for real.",
    "saturating": "This is the saturating loss, log(1 - D): its sign is right, and it is flat where the judge is sure. "
                  "Asked for is -log D, softplus(-logits).",
    "whole": "The error is averaged over the whole image: hole_error takes the hole's pixels only, however large it is.",
    "as one": "Each image counts alike, however large its hole: the mean of hole_error over the images.",
    "outside": "The error is taken around the hole, where the filled image is right by construction: it is 0 from the "
               "first step.",
}
FILL_PAIRS = {
    ("cut", "outside"):
        "Two faults left, and the painter gets no gradient at all: neither through the judge nor from the error in the hole.",
    ("saturating", "outside"):
        "Two faults left in the painter's turn: its adversarial loss is the saturating one, and where is the error taken?",
    ("wrong goal", "outside"):
        "Two faults left in the painter's turn: whom does it want to please, and where is the error taken?",
}


def _draw_fill(draw: Draw, count: int) -> tuple[list[Tensor], Tensor, Tensor]:
    shapes = ((16, 16), (16,), (6, 16), (6,), (1, 6), (1,))
    mask = torch.stack([torch.cat([_square_hole(1, 4, (k + i) % 2, k % 2, 1 + i % 3) for i in range(5)]) for k in range(count)])
    return [draw.normal(*s, std=0.4) for s in shapes], draw.uniform(count, 5, 1, 4, 4, low=-1), mask


@check("translation.fill_step", points=2, hint="Look at what the first half of the step leaves behind for the next one.")
def the_judge_learns_every_time_anew(subject: Subject, draw: Draw) -> None:
    given = (*_draw_fill(draw, 1), 0.0)  # one step: D does not depend yet on how the generator learns
    stale = [(_flat(after_fill_steps(fill_steps("stale"), *given)["D"]), FILL_FAULTS["stale"]), (_flat(given[0][2:]), (
        "The judge did not move: zero_grad() stands before backward(), or it clears what step() needs."))]
    mine, right = subject.probe(after_fill_steps, *given), after_fill_steps(fill_steps(), *given)
    assert_close(_flat(mine["D"]), _flat(right["D"]), mistakes=stale)


@check("translation.fill_step", points=2,
       hint="Look at the painter's turn: what reaches it through the judge, and with which sign?")
def the_painter_wants_to_pass_for_real(subject: Subject, draw: Draw) -> None:
    given = (*_draw_fill(draw, 1), 0.0)  # no weight on the error: what moves the generator comes through D
    ways = ((), ("stale",))
    mine = _flat(subject.probe(after_fill_steps, *given)["G"])
    if any(is_close(mine, _flat(after_fill_steps(fill_steps(*faults), *given)["G"])) for faults in ways):
        return
    for fault in ("cut", "wrong goal", "saturating", "stale painter"):
        if any(is_close(mine, _flat(after_fill_steps(fill_steps(fault, *more), *given)["G"])) for more in ways):
            raise Wrong(hint=FILL_FAULTS[fault])
    raise Wrong()


@check("translation.fill_step", points=2, hint="All four have to be right; the error counts in the hole, `weight` times.")
def after_several_steps_both_are_right(subject: Subject, draw: Draw) -> None:
    given = (*_draw_fill(draw, 3), 3.0)
    mine, right = subject.probe(after_fill_steps, *given, True), after_fill_steps(fill_steps(), *given)
    faults = {(fault,): hint for fault, hint in FILL_FAULTS.items()} | FILL_PAIRS
    if any(value is not None and float(value) for value in mine["losses"][2::3]):
        faults["outside",] = "The error in the hole moves nothing: take it of `filled` itself, with its graph, and backward()."
    mistakes = ((_flat(after_fill_steps(fill_steps(*names), *given)["G"]), hint) for names, hint in faults.items())
    assert_close(_flat(mine["G"]), _flat(right["G"]), mistakes=mistakes)
    assert_close(_flat(mine["D"]), _flat(right["D"]))
    weighted = [value * (given[-1] if k % 3 == 2 else 1) for k, value in enumerate(right["losses"])]
    _assert_losses(mine["losses"], right["losses"], 3, [(_flat(weighted), "The mean error comes back unweighted.")])


written("translation.what_the_cycle_knows", points=3, rubric="""
- 1 point: adversarial losses fix the distributions and the cycle makes the map invertible; any permutation of the target
  domain that keeps its distribution, with its inverse on the way back, leaves all of these losses as they are, so they do not
  say which image belongs to which.
- 1 point: something that does narrow the choice (identity loss, architecture, a few pairs), or how a cycle can close by
  hiding what the target has no room for.
- 1 point: the squared error is smallest at the conditional mean, a mixture of all possibilities; the adversarial loss makes the
  network choose one, which costs PSNR, 3 dB for a choice as the data make it.
""")
