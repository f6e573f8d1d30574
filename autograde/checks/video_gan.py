"""Checks of chapter 10."""
from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import video_gan as reference

from . import Draw, Subject, Wrong, assert_close, check, gradients, is_close, written


def fill(module: nn.Module, weights: list[Tensor]) -> nn.Module:
    """The module with these parameters, in its own order."""
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), weights, strict=True):
            parameter.copy_(value)
    return module


GRADIENT = "What comes out is right, and its gradient is not: something on the way is detached."


def _assert_learns(subject: Subject, right: nn.Module, *inputs: Tensor, hint: str) -> None:
    """The same gradients as the reference's, in both modes, whatever names the weights have; `hint` where one is 0."""
    for mode, where in (("train", ""), ("eval", " So it is in evaluation mode.")):
        expected = list(gradients(getattr(right, mode)(), *inputs).values())
        mine = list(subject.method(mode).probe(gradients, *inputs).values())
        if len(mine) != len(expected):
            raise Wrong(f"{len(mine) - len(inputs)} sets of weights learn, where {len(expected) - len(inputs)} should.")
        cut = any(value.any() and is_close(found, torch.zeros_like(value)) for found, value in zip(mine, expected, strict=True))
        if not all(is_close(found, value) for found, value in zip(mine, expected, strict=True)):
            raise Wrong(GRADIENT + where, hint=(hint + where) * cut)
    subject.method("train")


class Painter(nn.Module):
    """Codes (N, nz) to images (N, C, 16, 16), by one matrix and a tanh."""

    def __init__(self, nz: int, channels: int):
        super().__init__()
        self.matrix, self.channels = nn.Linear(nz, channels * 256, bias=False), channels

    def forward(self, z: Tensor) -> Tensor:
        return self.matrix(z).tanh().unflatten(1, (self.channels, 16, 16))


# Masks

COMPOSE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda f, m, b: m * b[:, None] + (1 - m) * f, "Mask 1 shows the foreground, mask 0 the background: yours is the reverse."),
    (lambda f, m, b: m * f + b[:, None], "Where the foreground shows, the background does not: weigh it with 1 - mask."),
    (lambda f, m, b: f + (1 - m) * b[:, None], "Where the background shows, the foreground does not: weigh it with the mask."),
    (lambda f, m, b: m * f, "The background is missing."),
    (lambda f, m, b: torch.where(m > 0.5, f, b[:, None]), ("A mask of 0.3 is a mixture. A hard choice passes no gradient to "
     "the mask.")),
    (lambda f, m, b: (m * f + (1 - m) * b[:, None]) / 2, "The two weights add up to 1 already: do not halve."),
    (lambda f, m, b: m * f + (1 - m) * b.repeat(f.shape[1], 1, 1, 1).view(f.shape), "Frames show other clips' backgrounds: "
     "repeat along a new axis of time, background[:, None], and not along the batch."),
]
SILENT = ("It ran, because there are as many clips as frames: (B, C, H, W) was laid against (T, C, H, W), clip against frame. "
          "Give the background an axis of time, background[:, None].")


@check("video_gan.compose", points=2, hint="Mask times foreground plus (1 - mask) times background.")
def mixes_the_streams(subject: Subject, draw: Draw) -> None:
    for batch, frames, channels, *size in ((2, 5, 3, 4, 4), (1, 5, 1, 4, 4), (2, 17, 2, 3, 6)):
        f, m = draw.normal(batch, frames, channels, *size), draw.uniform(batch, frames, 1, *size)
        b = draw.normal(batch, channels, *size)
        mistakes = ((wrong(f, m, b), hint) for wrong, hint in COMPOSE_MISTAKES)
        assert_close(subject(f, m, b), m * f + (1 - m) * b[:, None], mistakes=mistakes)


@check("video_gan.compose", points=1, hint="Every clip has its own background, the same in each of its frames.")
def also_for_as_many_clips_as_frames(subject: Subject, draw: Draw) -> None:
    f, m, b = draw.normal(3, 3, 2, 4, 4), draw.uniform(3, 3, 1, 4, 4), draw.normal(3, 2, 4, 4)
    mistakes = [(m * f + (1 - m) * b, SILENT), *((wrong(f, m, b), hint) for wrong, hint in COMPOSE_MISTAKES)]
    assert_close(subject(f, m, b), m * f + (1 - m) * b[:, None], mistakes=mistakes)
    expected = gradients(reference.compose, f, m, b)
    assert_close(subject.probe(gradients, f, m, b), expected, mistakes=(
        ({name: value * (name not in parts) for name, value in expected.items()},
         f"No gradient reaches {what}: nothing may be detached here, or what makes it never learns.")
        for what, parts in CUT.items()))


CUT = {"the foreground": {"argument 1"}, "the mask": {"argument 2"}, "the background": {"argument 3"},
       "any of the three": {"argument 1", "argument 2", "argument 3"}}


# Two streams

def streams_with(network_class: type, sizes: list[int], weights: list[Tensor]) -> nn.Module:
    """A generator whose two streams are one matrix each, the volume's with a norm over the batch behind it."""
    nz, num_frames, channels = sizes
    network = network_class(num_frames, 16, channels, nz=nz, width=2)
    network.volume = nn.Sequential(
        fill(nn.ConvTranspose3d(nz, channels + 1, (num_frames, 16, 16), bias=False), weights[:1]),
        nn.BatchNorm3d(channels + 1, affine=False, track_running_stats=False),
        fill(nn.ConvTranspose3d(channels + 1, channels + 1, 1, bias=False), [torch.eye(channels + 1)[:, :, None, None, None]]))
    network.background = fill(Painter(nz, channels), weights[1:])
    return network


def stream_of(network: Any, which: int) -> nn.Module:
    """One of its streams alone, as a network."""
    class Stream(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, z: Tensor) -> Tensor:
            return self.network.streams(z)[which]
    return Stream()


def _streams(weights: list[Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    """Volume (B, C + 1, T, 16, 16) and background (B, C, 16, 16)."""
    volume = F.batch_norm(torch.einsum("bn,nctij->bctij", z, weights[0]), None, None, training=True)
    return volume, (z @ weights[1].T).tanh().unflatten(1, (-1, 16, 16))


STREAMS = ("foreground", "mask", "background")
THREE = "With one colour the mask is channel 1: count from the end, -1, and not up to 3."
BY_ONE = "Hand all clips to `self.volume` at once: its batch norm takes them together."


def _assert_streams(subject: Subject, draw: Draw, which: int, mistakes: Iterable[tuple[Callable, str]]) -> None:
    for batch, channels, frames in ((2, 3, 6), (1, 1, 4)):
        weights = [draw.normal(7, channels + 1, frames, 16, 16, std=0.5), draw.normal(channels * 256, 7, std=0.5)]
        sizes, z = [7, frames, channels], draw.normal(batch, 7)
        network = subject.probe(streams_with, sizes, weights)
        mine = network.method("streams", z)
        if not isinstance(mine, tuple | list) or len(mine) != 3:
            raise Wrong(hint="Return three things: foreground, mask, background.")
        volume, background = _streams(weights, z)
        swung = volume.transpose(1, 2)
        right = (swung[:, :, :-1].tanh(), swung[:, :, -1:].sigmoid(), background)
        if channels == 1:
            mistakes = [(lambda v, b: v.transpose(1, 2)[:, :, :3].tanh(), THREE),
                        (lambda v, b: v.transpose(1, 2)[:, :, 3:].sigmoid(), THREE), *mistakes]
        other = [(value, f"Here should be the {STREAMS[which]}, and is the {STREAMS[k]}: return foreground, mask, background.")
                 for k, value in enumerate(right) if k != which]
        known = ((wrong(volume, background), hint) for wrong, hint in mistakes)
        assert_close(mine[which], right[which], mistakes=itertools.chain(other, known))
    _assert_learns(network.probe(stream_of, which), stream_of(streams_with(reference.VideoGenerator, sizes, weights), which), z,
                   hint=f"No gradient comes back through the {STREAMS[which]}: nothing may be detached here, or what makes it "
                        "never learns.")


FOREGROUND_MISTAKES: list[tuple[Callable, str]] = [
    (lambda v, b: v.transpose(1, 2)[:, :, :-1], "Pixels lie in [-1, 1]: the foreground ends with a tanh."),
    (lambda v, b: v.transpose(1, 2)[:, :, :-1].sigmoid(), ("A sigmoid gives [0, 1], which is the mask's range; pixels lie in "
     "[-1, 1].")),
    (lambda v, b: v.transpose(1, 2)[:, :, 1:].tanh(), "The *last* channel is the mask, the ones before it the foreground."),
    (lambda v, b: v[:, :-1].tanh(),
     ("Time and channels are exchanged: a network of 3-D convolutions gives (B, C, T, H, W), and "
     "outside a clip is (B, T, C, H, W).")),
    (lambda v, b: v[:, :, :-1].tanh(), "You cut along the wrong axis: the volume is (B, C, T, H, W). Transpose it first."),
    (lambda v, b: v.reshape(v.shape[0], v.shape[2], v.shape[1], 16, 16)[:, :, :-1].tanh(),
     "reshape and view do not move pixels, they only rename them: channels and frames are now mixed. Use transpose(1, 2)."),
    (lambda v, b: v.transpose(1, 2).tanh(), "The last channel is the mask, and no colour: leave it out of the foreground."),
    (lambda v, b: F.instance_norm(v.flatten(3)).view(v.shape).transpose(1, 2)[:, :, :-1].tanh(), BY_ONE),
    (lambda v, b: v.transpose(1, 2)[:, :, :-1].tanh() * v.transpose(1, 2)[:, :, -1:].sigmoid(),
     "`compose` multiplies by the mask: return the foreground as it is."),
]
MASK_MISTAKES: list[tuple[Callable, str]] = [
    (lambda v, b: v.transpose(1, 2)[:, :, -1:], "A mask lies in [0, 1]: it ends with a sigmoid."),
    (lambda v, b: v.transpose(1, 2)[:, :, -1:].tanh(), "A mask lies in [0, 1]: sigmoid, not tanh."),
    (lambda v, b: v.transpose(1, 2)[:, :, -1:].tanh().sigmoid(), "The tanh is the colours' alone: behind it the mask's sigmoid "
     "stays between 0.27 and 0.73."),
    (lambda v, b: (v.transpose(1, 2)[:, :, -1:].tanh() + 1) / 2, "(tanh(x) + 1) / 2 is sigmoid(2 x), twice as steep: take the "
     "sigmoid."),
    (lambda v, b: v.transpose(1, 2)[:, :, -1].sigmoid(), "Keep the mask's axis of channels, (B, T, 1, H, W): slice with -1:."),
    (lambda v, b: v.transpose(1, 2)[:, :, :1].sigmoid(), "The *last* channel is the mask."),
    (lambda v, b: v.transpose(1, 2)[:, :, -1:].sigmoid().round(), "A mask lies between 0 and 1, and learns: no hard choice."),
    (lambda v, b: F.instance_norm(v.flatten(3)).view(v.shape).transpose(1, 2)[:, :, -1:].sigmoid(), BY_ONE),
    (lambda v, b: v.transpose(1, 2)[:, :, -1:].softmax(1), "Each pixel has a mask of its own: a sigmoid, no softmax."),
]
BACKGROUND_MISTAKES: list[tuple[Callable, str]] = [
    (lambda v, b: b.tanh(), "The DCGAN generator ends with its own tanh: a second one makes every background pale."),
    (lambda v, b: b[:, None].expand(-1, v.shape[2], -1, -1, -1), "Return the background once a clip, (B, C, H, W)."),
    (lambda v, b: b.sigmoid(), "The background's pixels lie in [-1, 1]: its network has its own tanh, add no sigmoid."),
    (lambda v, b: b[:, None], "Return the background as it is, (B, C, H, W); `compose` gives it its axis of time."),
]


@check("video_gan.VideoGenerator", points=2, hint="All channels but the last, behind a tanh, as (B, T, C, H, W).")
def colours_come_frame_by_frame(subject: Subject, draw: Draw) -> None:
    _assert_streams(subject, draw, 0, FOREGROUND_MISTAKES)


@check("video_gan.VideoGenerator", points=1, hint="The last channel, behind a sigmoid, as (B, T, 1, H, W).")
def opacity_lies_between_0_and_1(subject: Subject, draw: Draw) -> None:
    _assert_streams(subject, draw, 1, MASK_MISTAKES)
    weights, z = [draw.normal(7, 2, 4, 16, 16, std=0.5), draw.normal(256, 7, std=0.5)], draw.normal(2, 2, 7)
    mine = subject.probe(masks_kept, [7, 4, 1], weights, z)
    masks = [_streams(weights, some)[0].transpose(1, 2)[:, :, -1:].sigmoid() for some in z]
    if not is_close(mine["kept"], masks[0]) or is_close(mine["later"], masks[1]):
        raise Wrong(hint="`self.mask` is that of the last clips in training: forward keeps it, in training only, as it did "
                         "when you were given it.")
    if not torch.as_tensor(mine["pull"]).any():
        raise Wrong(hint="The mask that forward keeps has lost its graph: G's loss has its mean, and would not move it.")


def masks_kept(network_class: type, sizes: list[int], weights: list[Tensor], z: Tensor) -> dict:
    """The mask that a generator keeps of the first z in training, the slopes of a sum of its squares in the volume's weights,
    and what it keeps after the second z, in evaluation mode."""
    network: Any = streams_with(network_class, sizes, weights).train()
    network(z[0])
    kept = network.mask
    pull = torch.zeros(1)
    if kept.requires_grad:
        pull = torch.autograd.grad(kept.square().sum(), list(network.volume.parameters()))[0]
    network.eval()(z[1])
    return {"kept": kept.detach(), "pull": pull, "later": torch.zeros(0) if network.mask is None else network.mask.detach()}


@check("video_gan.VideoGenerator", points=1, hint="self.background makes one image of the same z.")
def one_still_picture_for_each_clip(subject: Subject, draw: Draw) -> None:
    _assert_streams(subject, draw, 2, BACKGROUND_MISTAKES)


# The discriminator of clips

def judge_with(network_class: type, sizes: list[int], weights: list[Tensor]) -> nn.Module | dict:
    """A discriminator of these weights; where they do not fit, the shapes of its own."""
    num_frames, size, channels, width = sizes
    network = network_class(num_frames, size, channels, width=width)
    shapes = [list(parameter.shape) for parameter in network.parameters()]
    if shapes != [list(weight.shape) for weight in weights]:
        return {"shapes": shapes}
    return fill(network, weights)


def _judge(weights: list[Tensor], clips: Tensor, strides: list[int], *, squash: Callable | None = None,
           time: bool = True, turned: Tensor | None = None, last: Callable = lambda s: s) -> Tensor:
    squash = squash or (lambda x: F.leaky_relu(x, 0.2))
    x = clips.transpose(1, 2) if turned is None else turned
    pairs = list(zip(weights[0::2], weights[1::2], strict=True))
    for (weight, bias), stride in zip(pairs[:-1], strides, strict=True):
        x = squash(F.conv3d(x, weight, bias, stride=(stride if time else 1, 2, 2), padding=1))
    return last(F.conv3d(x, *pairs[-1])).flatten()


NO_NORM = "There is a norm between the layers: here is none, a logit depends on its own clip alone."
JUDGE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda w, x, s: _judge(w, x, s, squash=torch.relu), "A plain ReLU: DCGAN's discriminator has LeakyReLU(0.2)."),
    (lambda w, x, s: _judge(w, x, s, squash=lambda y: F.leaky_relu(y, 0.01)), ("The slope of the LeakyReLU is 0.2; 0.01 is "
     "PyTorch's default.")),
    (lambda w, x, s: _judge(w, x, s, squash=lambda y: y), "There is nothing between the convolutions: LeakyReLU(0.2)."),
    (lambda w, x, s: _judge(w, x, s, last=torch.sigmoid), "Return logits: no sigmoid."),
    (lambda w, x, s: _judge(w, x, s).squeeze(), "One clip has one logit, (1,): squeeze() drops the axis of the batch, too."),
    (lambda w, x, s: _judge(w, x, s, squash=lambda y: F.leaky_relu(F.batch_norm(y, None, None, training=True), 0.2)), NO_NORM),
    (lambda w, x, s: _judge(w, x, s, squash=lambda y: F.leaky_relu(F.instance_norm(y), 0.2)), NO_NORM),
    (lambda w, x, s: _judge(w, x, s, squash=lambda y: F.batch_norm(F.leaky_relu(y, 0.2), None, None, training=True)), NO_NORM),
    (lambda w, x, s: _judge(w, x, s, turned=x.reshape(x.shape[0], x.shape[2], x.shape[1], *x.shape[3:])),
     "reshape and view do not move pixels: colours and frames are mixed. Use transpose(1, 2)."),
    (lambda w, x, s: _judge(w, x, s, turned=x.transpose(1, 2).transpose(3, 4)), "Rows and columns are exchanged, too: "
     "transpose(1, 2), and no more."),
    (lambda w, x, s: _judge(w, x, s)[:1].expand(len(x)), "Every clip gets the first one's logit."),
    *((lambda w, x, s, mean=mean: _judge(w, x - mean(x), s), "A logit depends on its own clip alone: take no mean of the batch "
       "off the clips.") for mean in (lambda x: x.mean(0), lambda x: x.mean())),
    (lambda w, x, s: (y := _judge(w, x, s)) - y.mean(), "A logit depends on its own clip alone: take no mean off."),
    (lambda w, x, s: _judge(w, x.clamp(-1, 1), s), "The clips are cut off at -1 and 1: judge them as they come."),
    (lambda w, x, s: _judge(w, x, s).mean(), "One logit for each clip: no mean over the batch."),
    (lambda w, x, s: _judge(w, x, s)[:, None], "Logits are (B,): flatten them."),
    (lambda w, x, s: _judge(w, x, s, time=False), ("More logits than clips: the strides do not shrink time. A stride is "
     "(stride, 2, 2), for frames, rows, columns.")),
]


def _assert_judge(subject: Subject, draw: Draw, batch: int, sizes: list[int]) -> tuple[Subject, Any, Tensor]:
    """Its logits are right; returns it, the reference of the same weights, and clips."""
    num_frames, size, channels, width = sizes
    strides = reference.time_strides(num_frames, size)
    widths = [channels, *(width << k for k in range(len(strides)))]
    shapes = []
    for before, after, stride in zip(widths[:-1], widths[1:], strides, strict=True):
        shapes += [[after, before, 2 + stride, 4, 4], [after]]
    shapes += [[1, widths[-1], num_frames // math.prod(strides), 4, 4], [1]]
    weights = [draw.normal(*s, std=s[1:] and math.prod(s[1:]) ** -0.5 or 0.3) for s in shapes]
    clips = draw.normal(batch, num_frames, channels, size, size)
    mine = subject.probe(judge_with, sizes, weights)
    if isinstance(mine, dict):
        raise Wrong(hint=_other_shapes(mine.get("shapes", []), shapes))
    mistakes = ((wrong(weights, clips, strides), hint) for wrong, hint in JUDGE_MISTAKES)
    assert_close(mine(clips), _judge(weights, clips, strides), mistakes=mistakes)
    return mine, judge_with(reference.VideoDiscriminator, sizes, weights), clips


def _other_shapes(mine: list, right: list) -> str:
    """What is said of a discriminator whose weights are not those asked for."""
    convolutions, biases = ([s for s in mine if isinstance(s, list) and (len(s) == 5) == five] for five in (True, False))
    if convolutions == [s for s in right if len(s) == 5]:
        return NO_NORM if len(biases) > len(right) / 2 else "Each convolution comes with a bias."
    return ("Its weights have other shapes than asked for: a convolution with a bias and a kernel of (2 + stride, 4, 4) for "
            f"each halving, {right}. Yours are {mine}.")


@check("video_gan.VideoDiscriminator", points=3, hint="Transpose to (B, C, T, H, W); Conv3d, LeakyReLU(0.2) for each halving.")
def gives_every_clip_its_logit(subject: Subject, draw: Draw) -> None:
    mine, right, clips = _assert_judge(subject, draw, 2, [8, 16, 3, 2])
    _assert_learns(mine, right, clips, hint="No gradient comes back through it: nothing may be detached, and no no_grad().")


@check("video_gan.VideoDiscriminator", points=1, hint="Kernel and stride in time come from `stride`: 4 and 2, or 3 and 1.")
def also_where_time_cannot_be_halved(subject: Subject, draw: Draw) -> None:
    _assert_judge(subject, draw, 3, [6, 16, 1, 3])
    _assert_judge(subject, draw, 1, [6, 16, 3, 2])


# Motion codes

def walk_with(function: Callable, weights: list[Tensor]) -> nn.Module:
    """`function` of noise alone, with a GRU cell of these weights, as a network."""
    class Walk(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = fill(nn.GRUCell(weights[0].shape[1], weights[1].shape[1]), weights)

        def forward(self, noise: Tensor) -> Tensor:
            return function(self.cell, noise)
    return Walk()


def _draw_gru(draw: Draw, motion: int, hidden: int) -> list[Tensor]:
    return [draw.normal(3 * hidden, motion), draw.normal(3 * hidden, hidden), draw.normal(3 * hidden),
            draw.normal(3 * hidden)]


def _walk(weights: list[Tensor], noise: Tensor, *, carry: bool = True, same: bool = False, start: float | Tensor = 0.0,
          cut: int = 0, add: bool = False) -> Tensor:
    """(B, T, H), by the equations of a GRU."""
    code, codes = torch.zeros(len(noise), weights[1].shape[1]) + start, []
    for frame in range(noise.shape[1]):
        given = (noise[:, 0 if same else frame] @ weights[0].T + weights[2]).chunk(3, 1)
        kept = (code @ weights[1].T + weights[3]).chunk(3, 1)
        reset, update = (given[0] + kept[0]).sigmoid(), (given[1] + kept[1]).sigmoid()
        new = (1 - update) * (given[2] + reset * kept[2]).tanh() + update * code + (code if add else 0)
        codes.append(new)
        code = (new.detach() if cut and frame % cut == cut - 1 else new) if carry else code
    return torch.stack(codes, 1)


WALK_MISTAKES: list[tuple[Callable, str]] = [
    (lambda w, n: _walk(w, n, carry=False), "Every code starts again from 0: hand the cell the code that it made before."),
    (lambda w, n: _walk(w, n, same=True), "Every frame gets the first frame's noise: take noise[:, t]."),
    (lambda w, n: _walk(w, n.transpose(0, 1)).transpose(0, 1), "You walk from clip to clip. Time is axis 1: noise[:, t]."),
    (lambda w, n: _walk(w, n.transpose(0, 1)), "You walk from clip to clip. Time is axis 1: noise[:, t]."),
    (lambda w, n: _walk(w, n).transpose(0, 1), "(T, B, H): stack the codes along axis 1."),
    (lambda w, n: _walk(w, n)[:, -1], "Return the code of every frame, not only the last."),
    (lambda w, n: F.pad(_walk(w, n), (0, 0, 1, 0)), "h_0 is where the walk begins, and no frame's code: return h_1 to h_T."),
    (lambda w, n: F.pad(_walk(w, n), (0, 0, 1, 0))[:, :-1], "One behind: keep the code after the cell has moved it."),
    (lambda w, n: _walk(w, n.flip(1)), "The walk goes backwards in time."),
    (lambda w, n: _walk(w, n.flip(1)).flip(1), "The walk goes backwards in time: the last frame's code is made first."),
    (lambda w, n: _walk(w, n, start=1.0), "The walk starts from ones: h_0 is 0."),
    (lambda w, n: _walk(w, n, add=True), "The cell gives the new code itself: do not add it to the old one."),
    (lambda w, n: _walk(w, n.cumsum(1)), "Each frame's noise goes in as it is: it is the code that remembers."),
    (lambda w, n: (y := _walk(w, n)).transpose(0, 1).reshape(y.shape), "reshape moves no numbers, it renames axes: stack the "
     "codes along axis 1."),
    (lambda w, n: _walk(w, n)[:, -1:], "Return the code of every frame, not only the last."),
    (lambda w, n: _walk(w, n).cumsum(1), "The cell gives the new code itself: do not add it to the old one."),
]


def _assert_walk(subject: Subject, draw: Draw, batch: int, frames: int) -> None:
    weights, noise = _draw_gru(draw, 3, 4), draw.normal(batch, frames, 3, std=1.5)
    right, mine = _walk(weights, noise), subject.probe(walk_with, weights)
    codes, again = mine(noise), mine(noise)
    if isinstance(codes, Tensor) and isinstance(again, Tensor) and not is_close(codes, again):
        raise Wrong(hint="The same noise gives other codes in a second call: each walk starts from zeros, with the "
                         "cell handed in.")
    thin = [(right.squeeze(), "(B, T, H), also of one clip or one frame: no squeeze().")] if 1 in (batch, frames) else []
    known = ((wrong(weights, noise), hint) for wrong, hint in WALK_MISTAKES)
    assert_close(codes, right, mistakes=itertools.chain(thin, known))
    pulls, expected = (list(part.values()) for part in (
        mine.probe(gradients, noise), gradients(walk_with(reference.motion_codes, weights), noise)))
    if not any(torch.as_tensor(pull).any() for pull in pulls):
        raise Wrong(hint="The values are right, but no gradient comes back: nothing may be detached, and no no_grad().")
    if is_close(pulls[0], gradients(lambda n: _walk(weights, n, cut=1), noise)["argument 1"]) and frames > 1:
        raise Wrong(hint="The values are right, but no gradient goes back from frame to frame: hand the cell its last code as "
                         "it is, not detached.")
    if is_close(pulls[0], expected[0]) and not torch.as_tensor(pulls[1]).any():
        raise Wrong(hint="The values are right, but the cell learns nothing: no copy of it or of its weights, call the cell.")
    if not all(is_close(pull, value) for pull, value in zip(pulls, expected, strict=True)):
        raise Wrong(hint="The values are right, but gradients do not go back through all of the walk: detach no code on its "
                         "way from frame to frame.")


@check("video_gan.motion_codes", points=2, hint="One call of the cell for each frame: its noise, and the code before.")
def walks_from_frame_to_frame(subject: Subject, draw: Draw) -> None:
    _assert_walk(subject, draw, 2, 6)
    _assert_walk(subject, draw, 2, 17)


@check("video_gan.motion_codes", points=1, hint="Each clip walks alone, and the first code starts from zeros.")
def clips_do_not_meet(subject: Subject, draw: Draw) -> None:
    _assert_walk(subject, draw, 4, 4)
    _assert_walk(subject, draw, 3, 1)
    _assert_walk(subject, draw, 1, 3)


# MoCoGAN's generator, which had three faults

def generator_with(network_class: type, sizes: list[int], walk: list[Tensor], matrix: Tensor) -> nn.Module | dict:
    """A generator of these weights, its frames made by one matrix; where the weights of the walk do not fit, the shapes of its
    own."""
    num_frames, content, motion, channels = sizes
    network = network_class(num_frames, 16, channels, content=content, motion=motion, width=2)
    shapes = [list(parameter.shape) for parameter in network.walk.parameters()]
    if shapes != [list(weight.shape) for weight in walk]:
        return {"shapes": shapes}
    fill(network.walk, walk)
    network.frame = fill(Painter(content + motion, channels), [matrix])
    return network


FAULTS = {
    "across": "One fault left: the GRU takes the first axis for time, and walks from clip to clip. What does batch_first say?",
    "one noise": "One fault left: all frames of a clip get the same noise.",
    "first noise": "All frames of a clip get the same noise, the first frame's: frame t has its own, motion numbers from "
                   "content + t * motion on.",
    "laid out": "The noise is laid out the other way round: frame t's is motion numbers in a row, from content + t * motion "
                "on, so that a longer z goes on where a shorter one ends.",
    "summed": "Noise of earlier frames is added to a frame's own: it is the code that remembers.",
    "reversed": "The noise runs backwards: frame t's begins at content + t * motion.",
    "no walk": "The motion codes are the noise itself: it goes through self.walk.",
    "renamed": "reshape moves no numbers, it renames axes: exchange clips and time by transpose(0, 1).",
    "started": "The walk starts from the content code: h_0 is 0, and content comes in beside the motion code.",
}
TWO = "Two faults in the codes: look at what each frame gets for noise, and at which axis the GRU takes for time."
MIXED = ("The clips are put together from frames of other clips. Clip after clip, frame after frame: undo flatten(0, 1) with "
         "unflatten(0, (B, T)).")


def _motion_codes(walk: list[Tensor], z: Tensor, content: int, motion: int, *faults: str) -> Tensor:
    noise, start = z[:, content:].unflatten(1, (-1, motion)), z.new_zeros(())
    if "one noise" in faults:
        noise = noise[:, -1:].expand(-1, noise.shape[1], -1)
    if "first noise" in faults:
        noise = noise[:, :1].expand(-1, noise.shape[1], -1)
    if "laid out" in faults:
        noise = z[:, content:].unflatten(1, (motion, -1)).transpose(1, 2)
    if "started" in faults:
        start = z[:, :motion]
    noise = noise.cumsum(1) if "summed" in faults else noise.flip(1) if "reversed" in faults else noise
    if "no walk" in faults:
        return noise
    if "renamed" in faults:
        turned = noise.reshape(noise.shape[1], noise.shape[0], motion).transpose(0, 1)
        return _walk(walk, turned).transpose(0, 1).reshape(noise.shape)
    if "across" in faults:
        return _walk(walk, noise.transpose(0, 1)).transpose(0, 1)
    return _walk(walk, noise, start=start)


def _frames(codes: Tensor, matrix: Tensor, channels: int, *, mixed: bool = False) -> Tensor:
    """Codes (B, T, content + motion) to clips."""
    frames = (codes.flatten(0, 1) @ matrix.T).tanh().unflatten(1, (channels, 16, 16))
    return frames.unflatten(0, codes.shape[:2][::-1]).transpose(0, 1) if mixed else frames.unflatten(0, codes.shape[:2])


def _all_codes(walk: list[Tensor], z: Tensor, sizes: list[int], *faults: str) -> Tensor:
    _, content, motion, _ = sizes
    codes = _motion_codes(walk, z, content, motion, *faults)
    return torch.cat([z[:, None, :content].expand(-1, codes.shape[1], -1), codes], 2)


def _draw_motion(draw: Draw, batch: int = 3, extra: int = 0) -> tuple[list[int], list[Tensor], Tensor, Tensor]:
    frames, content, motion, channels = 5, 4, 3, 1 + int(draw.integers(0, 3))
    matrix = draw.normal(channels * 256, content + motion, std=0.5)
    z = draw.normal(batch, content + (frames + extra) * motion)
    return [frames, content, motion, channels], _draw_gru(draw, motion, motion), matrix, z


def _generator(subject: Subject, sizes: list[int], walk: list[Tensor], matrix: Tensor) -> Subject:
    network = subject.probe(generator_with, sizes, walk, matrix)
    if isinstance(network, dict):
        raise Wrong(hint="`self.walk` is a GRU of one layer and one direction, motion numbers in and motion numbers out, as it "
                         f"was given: weights {[list(w.shape) for w in walk]}. Yours are {network.get('shapes')}.")
    return network


def _assert_same_again(network: Subject, z: Tensor, motion: Tensor) -> None:
    _, again = network.method("codes", z)
    if not is_close(motion, again):
        raise Wrong(hint="The same z gives other motion codes in a second call: every walk starts from zeros.")


@check("video_gan.MotionGenerator", points=2, hint="Every frame has its own noise, and the walk goes from frame to frame.")
def the_codes_move_on_from_frame_to_frame(subject: Subject, draw: Draw) -> None:
    sizes, walk, matrix, z = _draw_motion(draw)
    network = _generator(subject, sizes, walk, matrix)
    content, motion = network.method("codes", z)
    if not is_close(motion, right := _motion_codes(walk, z, sizes[1], sizes[2])):
        _assert_same_again(network, z, motion)
    known: list[tuple[tuple[str, ...], str]] = [((fault,), hint) for fault, hint in FAULTS.items()]
    known += [(("across", noise), TWO) for noise in ("one noise", "first noise")]
    assert_close(motion, right,
                 mistakes=((_motion_codes(walk, z, sizes[1], sizes[2], *faults), hint) for faults, hint in known))
    assert_close(content, z[:, None, :sizes[1]].expand(-1, sizes[0], -1), mistakes=[
        (z[:, :sizes[1]].repeat(sizes[0], 1).view(len(z), sizes[0], -1),
         "The content codes of other clips: repeat along axis 1, as expand does, not along the batch.")])


@check("video_gan.MotionGenerator", points=2, hint="self.frame makes all frames, and forward puts each clip together.")
def a_clip_is_made_of_its_own_frames(subject: Subject, draw: Draw) -> None:
    sizes, walk, matrix, z = _draw_motion(draw)
    network = _generator(subject, sizes, walk, matrix)
    own = _, motion = network.method("codes", z)  # right or not: that was asked above
    codes = torch.cat([part.detach() for part in own], 2)
    if codes.shape != (3, sizes[0], sizes[1] + sizes[2]) or is_close(codes[0], codes[1]):
        raise Wrong(hint="`codes` gives no codes (B, T, content) and (B, T, motion), another for each clip.")
    _assert_same_again(network, z, motion)
    right = _frames(codes, matrix, sizes[3])
    assert_close(network(z), right, mistakes=[
        (_frames(codes, matrix, sizes[3], mixed=True), MIXED),
        (right.transpose(0, 1), "Clips are (B, T, C, H, W): unflatten(0, (B, T)) is all, with no transpose behind it."),
        (right.flip(1), "The frames of each clip stand in the reverse order."),
        (_frames(codes.roll(-sizes[1], 2), matrix, sizes[3]), "self.frame takes the content code, then the motion code.")])


@check("video_gan.MotionGenerator", points=2, hint="All three have to be right, and a longer z makes a longer clip.")
def all_of_it_and_for_a_longer_z(subject: Subject, draw: Draw) -> None:
    for batch, extra in ((3, 0), (3, 4), (1, 2)):
        sizes, walk, matrix, z = _draw_motion(draw, batch, extra)
        network = _generator(subject, sizes, walk, matrix)
        mistakes = [(_frames(_all_codes(walk, z, sizes, fault), matrix, sizes[3]), hint) for fault, hint in FAULTS.items()]
        right = _all_codes(walk, z, sizes)
        assert_close(network(z), _frames(right, matrix, sizes[3]), mistakes=[
            *mistakes, (_frames(right, matrix, sizes[3], mixed=True), MIXED)])
    own = generator_with(reference.MotionGenerator, sizes, walk, matrix)
    assert isinstance(own, nn.Module)
    _assert_learns(network, own, z,
                   hint="No gradient comes back through it: nothing may be detached, and no no_grad().")


# An image and a video network

def both_with(network_class: type, sizes: list[int], image: Tensor, video: Tensor) -> nn.Module:
    """A discriminator both of whose networks are a matrix and a tanh; the one for images takes images only."""
    class Linear(nn.Module):
        def __init__(self, weight: Tensor, ndim: int):
            super().__init__()
            self.weight, self.ndim = nn.Parameter(weight), ndim

        def forward(self, x: Tensor) -> Tensor:
            if x.ndim != self.ndim:
                raise ValueError("the image network takes (N, C, H, W), the video network (B, T, C, H, W); one of them got "
                                 f"{tuple(x.shape)}")
            return (x.flatten(1) @ self.weight).tanh()

    num_frames, channels = sizes
    network = network_class(num_frames, 16, channels, width=2)
    network.image, network.video = Linear(image, 4), Linear(video, 5)
    return network


def _both(image: Tensor, video: Tensor, clips: Tensor, frame: Callable) -> Tensor:
    return torch.stack([(frame(clips).flatten(1) @ image).tanh(), (clips.flatten(1) @ video).tanh()], 1)


def _in_turn(clips: Tensor) -> Tensor:
    return torch.stack([clip[k % clips.shape[1]] for k, clip in enumerate(clips)])


BOTH_MISTAKES: list[tuple[Callable, str]] = [
    (lambda i, v, x: _both(i, v, x, _in_turn).flip(1), "The frame's logit comes first, then the clip's."),
    (lambda i, v, x: _both(i, v, x, lambda c: c[:, 0]), ("Always the first frame: the others may then look as they like. Take "
     "frames_in_turn.")),
    (lambda i, v, x: _both(i, v, x, lambda c: c[:, c.shape[1] // 2]), "Always the middle frame: take frames_in_turn."),
    (lambda i, v, x: _both(i, v, x, lambda c: c.mean(1)), ("The mean of all frames is a blur that no frame shows: take "
     "frames_in_turn.")),
    (lambda i, v, x: _both(i, v, x, _in_turn).T, "(2, B): stack along axis 1."),
    (lambda i, v, x: _both(i, v, x, _in_turn).T.flatten(), "Two columns, (B, 2): stack the logits, do not concatenate them."),
    (lambda i, v, x: _both(i, v, x, _in_turn).sum(1), "Keep the two logits apart: a sum lets one network outvote the other."),
    (lambda i, v, x: _both(i, v, x, _in_turn).mean(1), "Keep the two logits apart: a mean lets one network outvote the other."),
    (lambda i, v, x: _both(i, v, x, _in_turn).sigmoid(), "Return logits: no sigmoid."),
    (lambda i, v, x: _both(i, v, x, _in_turn)[:, :, None], "(B, 2), without a further axis: stack the two, no unsqueeze."),
    (lambda i, v, x: _both(i, v, x, _in_turn)[:1].expand(len(x), 2), "Every clip gets the first clip's logits."),
    (lambda i, v, x: _both(i, v, x, _in_turn).T.reshape(len(x), 2), "view and reshape move no logits: stack along axis 1."),
    (lambda i, v, x: torch.stack([torch.stack([(x[:, t].flatten(1) @ i).tanh() for t in range(x.shape[1])]).mean(0),
                                  (x.flatten(1) @ v).tanh()], 1),
     "The mean logit of all frames: the image network sees one frame of each clip, that of frames_in_turn."),
    (lambda i, v, x: _both(i, v, x, lambda c: _in_turn(c.roll(-1, 1))), "One frame too late: of clip 0 the image network sees "
     "frame 0."),
    (lambda i, v, x: _both(i, v, x, lambda c: _in_turn(c[:1].expand_as(c))), "The frames are all the first clip's: one of each "
     "clip, frames_in_turn."),
    (lambda i, v, x: _both(i, v, x, lambda c: torch.stack([one[min(k, len(one) - 1)] for k, one in enumerate(c)])),
     "With more clips than frames it begins again at frame 0: take frames_in_turn."),
    (lambda i, v, x: _both(i, v, x, lambda c: c[:, -1]), "Always the last frame: take frames_in_turn."),
]


@check("video_gan.MotionDiscriminator", points=2, hint="stack([logit of a frame, logit of the clip], 1).")
def one_logit_of_a_frame_and_one_of_the_clip(subject: Subject, draw: Draw) -> None:
    network, right, clips = _assert_both(subject, draw, 6, [4, 3])
    _assert_learns(network, right, clips, hint="No gradient comes back through it: nothing may be detached, and no no_grad().")


@check("video_gan.MotionDiscriminator", points=1, hint="frames_in_turn takes another frame of each clip of the batch.")
def also_for_fewer_clips_than_frames(subject: Subject, draw: Draw) -> None:
    _assert_both(subject, draw, 3, [6, 1])
    _assert_both(subject, draw, 1, [4, 2])


def _assert_both(subject: Subject, draw: Draw, batch: int, sizes: list[int]) -> tuple[Subject, nn.Module, Tensor]:
    num_frames, channels = sizes
    clips = draw.normal(batch, num_frames, channels, 16, 16)
    image = draw.normal(channels * 256, std=0.5 * (channels * 256) ** -0.5)
    video = draw.normal(num_frames * channels * 256, std=0.5 * (num_frames * channels * 256) ** -0.5)
    network = subject.probe(both_with, sizes, image, video)
    mine, again = network(clips), network(clips)
    if isinstance(mine, Tensor) and isinstance(again, Tensor) and not is_close(mine, again):
        raise Wrong(hint="The same clips get other logits in a second call: no random frame, take frames_in_turn.")
    mistakes = [(wrong(image, video, clips), hint) for wrong, hint in BOTH_MISTAKES]
    if batch == 1:
        mistakes = [(_both(image, video, clips, _in_turn)[0], "One clip has two logits, (1, 2): no squeeze()."), *mistakes]
    assert_close(mine, _both(image, video, clips, _in_turn), mistakes=mistakes)
    return network, both_with(reference.MotionDiscriminator, sizes, image, video), clips


# A step

class TinyGenerator(nn.Module):
    """z (B, 3) to clips (B, 2, 1, 2, 2), which it keeps; no two calls give the same."""

    def __init__(self):
        super().__init__()
        self.layers, self.nz, self.clips = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8)), 3, None
        self.calls = 0

    def forward(self, z: Tensor) -> Tensor:
        self.calls += 1
        self.clips = (0.7 + 0.3 * self.calls) * self.layers(z).unflatten(1, (2, 1, 2, 2))
        return self.clips


def after_step(step: Callable, nets: dict, real: Tensor, z: Tensor, gamma: float, share: float, lr_d: float = 0.3,
               train: bool = True) -> dict:
    """Both networks, in evaluation mode where not `train`, and both losses after one step with real (B, 2, 1, 2, 2), z (B, 3).

    Args:
        nets: the weights of "G" and "D", whose last layer gives one logit a clip, (B,), or two, (B, 2); and the gradients
            that are there "before" the step.
    """
    generator = TinyGenerator()
    judge = [nn.Flatten(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, len(nets["D"][-1]))]
    discriminator = nn.Sequential(*judge, *([nn.Flatten(0)] if len(nets["D"][-1]) == 1 else []))
    fill(generator, nets["G"])
    fill(discriminator, nets["D"])
    generator.train(train)
    discriminator.train(train)
    both = [*generator.parameters(), *discriminator.parameters()]
    for parameter, gradient in zip(both, nets["before"], strict=True):
        parameter.grad = gradient.clone()

    def extra() -> Tensor | float:
        if not share:
            return 0.0
        if generator.clips is None:
            raise RuntimeError("extra() was called before the generator has run: it may need the clips of this step")
        return share * generator.clips.square().mean()

    optimizers = [torch.optim.SGD(generator.parameters(), lr=0.3), torch.optim.SGD(discriminator.parameters(), lr=lr_d)]
    try:
        pair = step(generator, discriminator, *optimizers, real, z, gamma=gamma, extra=extra)
    except AttributeError as error:
        if "'float'" in str(error):
            raise TypeError(f"{error}: extra() may give a plain number, as its default does, and not only a tensor") from error
        raise
    return {"G": [p.detach().clone() for p in generator.parameters()],
            "D": [p.detach().clone() for p in discriminator.parameters()],
            "losses": list(pair) if isinstance(pair, tuple | list) else [pair]}


def _r1(discriminator: nn.Module, clips: Tensor) -> Tensor:
    clips = clips.detach().requires_grad_()
    gradient = torch.autograd.grad(discriminator(clips).sum(), clips, create_graph=True)[0]
    return gradient.flatten(1).square().sum(1).mean() / 2


def _faulty_losses(faults: tuple[str, ...]) -> Callable:
    """D's loss and G's with the named faults."""
    def over(values: Tensor) -> Tensor:
        return values.sum() if "sums" in faults else values.mean(0).sum() if "added" in faults else values.mean()

    def losses(real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
        lead = real_logits - fake_logits
        if "unpaired" in faults:
            return over(F.softplus(-real_logits)) + over(F.softplus(fake_logits)), over(F.softplus(-fake_logits))
        if "means" in faults:
            return F.softplus(-over(lead)), F.softplus(over(lead))
        if "all pairs" in faults:
            lead = real_logits[:, None] - fake_logits[None]
        if "swapped" in faults:
            return over(F.softplus(lead)), over(F.softplus(-lead))
        return over(F.softplus(-lead)), -over(F.softplus(-lead)) if "saturating" in faults else over(F.softplus(lead))
    return losses


def faulty_step(*faults: str) -> Callable:
    """The step with the named faults; none gives the reference."""
    losses = _faulty_losses(faults)

    def step(generator, discriminator, optimizer_g, optimizer_d, real, z, *, gamma=0.0, extra=lambda: 0.0):
        fake = generator(z)
        shown = fake.detach()
        before, of_real = discriminator(fake), discriminator(real)
        loss_d, _ = losses(of_real, discriminator(shown))
        if "halved" in faults:
            loss_d = loss_d / 2
        if gamma and "no penalty" not in faults:
            weight = 1.0 if "no gamma" in faults else gamma / 2 if "half gamma" in faults else gamma
            loss_d = loss_d + weight * _r1(discriminator, shown if "penalty of fakes" in faults else real)
        if "stale D" not in faults:
            optimizer_d.zero_grad()
        if "before" in faults:
            loss_g = losses(of_real.detach(), before)[1] + extra()
            gradients = torch.autograd.grad(loss_g, list(generator.parameters()), retain_graph=True)
        loss_d.backward()
        if "D stands still" not in faults:
            optimizer_d.step()
        if "anew" in faults:
            fake = generator(z)
        again = discriminator(fake.detach() if "blind" in faults else fake)
        with torch.no_grad():
            beside = of_real.detach() if "old pairs" in faults else discriminator(real)
        loss = losses(beside, again)["swapped G" not in faults]
        if "no extra" not in faults:
            loss = loss + extra()
        if "stale G" not in faults:
            optimizer_g.zero_grad()
        loss.backward()
        if "before" in faults:
            for parameter, gradient in zip(generator.parameters(), gradients, strict=True):
                parameter.grad = gradient
            loss = loss_g
        if "G stands still" not in faults:
            optimizer_g.step()
        if "D moves on" in faults:
            optimizer_d.step()
        return loss_d.detach(), loss.detach()
    return step


STEP_MISTAKES = {  # fault -> of which network's turn it is, and the hint
    "stale D": ("D", "Gradients that were there before are added to D's: call optimizer_d.zero_grad() before backward()."),
    "unpaired": ("DG", "These are the losses of chapter 2, each clip for itself. Asked for are pairs: "
                 "pairing_losses(real_logits, fake_logits)."),
    "means": ("DG", "You compare the mean logits. Each real clip has a partner: softplus first, the mean last."),
    "all pairs": ("DG", "You compare every real clip with every fake one. The b-th of both are a pair."),
    "swapped": ("D", "The sides are swapped: D wants the real clip of each pair to have the larger logit."),
    "D stands still": ("D", "D's weights did not move: optimizer_d.step()."),
    "halved": ("D", "Half of what is asked: pairing_losses gives the mean already."),
    "sums": ("DG", "Each loss is a mean over the batch, not a sum: with more clips it would grow."),
    "D moves on": ("D", "D learns in G's turn, too: there step() is optimizer_g's alone."),
    "anew": ("G", "G runs a second time: its turn is about the clips that D was shown. fake = generator(z), once."),
    "stale G": ("G", "Gradients that were there before are added to G's: call optimizer_g.zero_grad() before backward()."),
    "saturating": ("G", "This is minus D's loss: flat where D is sure. G's is the second of pairing_losses."),
    "swapped G": ("G", "This is D's loss: G wants its clips to have the larger logit."),
    "blind": ("G", "G's weights did not move: let G see its clips not detached, and call optimizer_g.step()."),
    "G stands still": ("G", "G's weights did not move: let G see its clips not detached, and call optimizer_g.step()."),
}
BEFORE = "G's loss comes from the logits that D gave before it learnt: ask D again after its step."
OLD_PAIRS = "The logits of the real clips are those that D gave before it learnt: ask it for both again."
ADDED = "Each mean is over all logits of the batch: the means of the two judges are not added."


def _draw_step(draw: Draw, batch: int, logits: int) -> tuple[dict, Tensor, Tensor]:
    of_g, of_d = [(8, 3), (8,), (8, 8), (8,)], [(8, 8), (8,), (logits, 8), (logits,)]
    nets = {name: [draw.normal(*s, std=0.5) for s in shapes]
            for name, shapes in (("G", of_g), ("D", of_d), ("before", of_g + of_d))}
    return nets, draw.normal(batch, 2, 1, 2, 2), draw.normal(batch, 3)


def _mistakes(part: str, nets: dict, *given: Any, before: dict | None = None, **options: Any) -> Iterator[tuple[Tensor, str]]:
    """What the known mistakes in the turn of a network leave of its weights; `before` are the networks before D learnt."""
    if before:
        yield _flat(after_step(faulty_step(), before, *given, **options)[part]), BEFORE
        yield _flat(after_step(faulty_step("old pairs"), before, *given)[part]), OLD_PAIRS
    for fault, (turn, hint) in STEP_MISTAKES.items():
        if part in turn:
            yield _flat(after_step(faulty_step(fault), nets, *given, **options)[part]), hint


def _flat(weights: list[Tensor]) -> Tensor:
    return torch.cat([torch.as_tensor(w).flatten() for w in weights])


@check("video_gan.clip_step", points=2, hint="D's turn: fake clips detached, loss, zero_grad, backward, step.")
def the_discriminator_learns(subject: Subject, draw: Draw) -> None:
    for batch in (6, 3, 1):
        given = (*_draw_step(draw, batch, 1), 0.0, 0.0)
        right = after_step(faulty_step(), *given)
        assert_close(_flat(subject.probe(after_step, *given)["D"]), _flat(right["D"]), mistakes=_mistakes("D", *given))


@check("video_gan.clip_step", points=2, hint="G's turn: the same fake clips, not detached, before the D that has learnt.")
def the_generator_learns_from_the_new_discriminator(subject: Subject, draw: Draw) -> None:
    for batch, train in ((6, True), (3, False)):
        nets, real, z = _draw_step(draw, batch, 1)
        given = (real, z, 0.0, 0.0)
        mine = subject.probe(after_step, nets, *given, train=train)
        learnt = nets | {"D": mine["D"]}  # right or not: that was asked above
        right = after_step(faulty_step(), learnt, *given, lr_d=0.0)
        mistakes = _mistakes("G", learnt, *given, before=nets, lr_d=0.0)
        assert_close(_flat(mine["G"]), _flat(right["G"]), mistakes=mistakes)


PENALTY_MISTAKES = {
    "no penalty": "The penalty is missing: gamma * r1_penalty(discriminator, real).",
    "penalty of fakes": "R1 is the gradient at *real* clips.",
    "no gamma": "The penalty has no weight: multiply it by gamma.",
    "half gamma": "The penalty is halved twice: r1_penalty holds the half already.",
}


@check("video_gan.clip_step", points=1, hint="gamma * r1_penalty(discriminator, real) in D's loss, extra() in G's.")
def penalty_and_extra_count(subject: Subject, draw: Draw) -> None:
    nets, *given = _draw_step(draw, 6, 1)

    def moved(ask: Callable) -> dict:
        """What the penalty adds to a step of D, and extra to one of G: the rest was asked above."""
        plain, both = ask(nets, *given, 0.0, 0.0, lr_d=0.2), ask(nets, *given, 0.7, 0.0, lr_d=0.2)
        shared = ask(nets, *given, 0.0, 0.8, lr_d=0.2)
        if is_close(_flat(both["D"]), _flat(nets["D"])):
            raise Wrong(hint=STEP_MISTAKES["D stands still"][1])
        if is_close(_flat(shared["G"]), _flat(nets["G"])):
            raise Wrong(hint=STEP_MISTAKES["G stands still"][1])
        return {"D": _flat(both["D"]) - _flat(plain["D"]), "G": _flat(shared["G"]) - _flat(plain["G"])}

    right = moved(lambda *g, **o: after_step(faulty_step(), *g, **o))

    def faulty(fault: str, network: str) -> Tensor:
        return moved(lambda *g, **o: after_step(faulty_step(fault), *g, **o))[network]

    mine = moved(lambda *g, **o: subject.probe(after_step, *g, **o))
    assert_close(mine["D"], right["D"], mistakes=((faulty(fault, "D"), hint) for fault, hint in PENALTY_MISTAKES.items()))
    if not is_close(mine["G"], right["G"]) and not is_close(mine["G"], faulty("anew", "G")):  # that has cost its points already
        assert_close(mine["G"], right["G"], mistakes=[(faulty("no extra", "G"), "extra() is missing in G's loss.")])


@check("video_gan.clip_step", points=1,
       hint="Return D's loss, then G's, each with all that it was made of, detached; each a mean over all logits.")
def returns_both_losses(subject: Subject, draw: Draw) -> None:
    given = (*_draw_step(draw, 5, 2), 0.6, 0.5)
    mine = subject.probe(after_step, *given)
    losses = mine["losses"]
    if any(value is None for value in losses) or len(losses) != 2:
        raise Wrong(hint="Return two losses: D's, then G's.")
    if any(isinstance(value, Tensor) and value.requires_grad for value in losses):
        raise Wrong(hint="The losses still hold their graphs, and with them the memory of the step: detach them.")

    def way(*faults: str) -> dict:
        return after_step(faulty_step(*faults), *given)

    right, faults = way(), ("before", *PENALTY_MISTAKES, "no extra", *STEP_MISTAKES)
    ways = itertools.chain([right], map(way, faults))
    taken = next((one for one in ways if is_close(_weights(mine), _weights(one))), right)  # paid for above
    if is_close(_flat(losses), _flat(taken["losses"])) and is_close(_weights(mine), _weights(taken)):
        return
    added, bare_d, bare_g = way("added"), way("no penalty")["losses"][0], way("no extra")["losses"][1]
    loss_d, loss_g = taken["losses"]
    assert_close(_flat(losses), _flat(taken["losses"]), mistakes=[
        (_flat([loss_g, loss_d]), "D's loss comes first."), (_flat(added["losses"]), ADDED),
        (_flat([bare_d, loss_g]), "D's loss is given without its penalty."),
        (_flat([loss_d, bare_g]), "G's loss is given without extra().")])
    assert_close(_weights(mine), _weights(taken), mistakes=[(_weights(added), ADDED)])


def _weights(result: dict) -> Tensor:
    return _flat([*result["D"], *result["G"]])


written("video_gan.two_ways_to_move", points=3, rubric="""
- 1 point: VideoGAN's background is one picture for all frames; where camera or ground move, the mask must open everywhere and
  the split is lost.
- 1 point: MoCoGAN's content code is drawn once a clip, its motion code for each frame; and an experiment that shows whether the
  network uses them so (swap one, keep the other).
- 1 point: why a frame needs a judge of its own, or a test whether the video discriminator looks at motion (shuffled or
  repeated frames).
""")
