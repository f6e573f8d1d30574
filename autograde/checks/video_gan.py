"""Checks of chapter 10."""
from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import video_gan as reference

from . import Draw, Subject, Wrong, assert_close, check, is_close, written


def fill(module: nn.Module, weights: list[Tensor]) -> nn.Module:
    """The module with these parameters, in its own order."""
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), weights, strict=True):
            parameter.copy_(value)
    return module


def bare(network_class: Any) -> Any:
    """A network of this class whose parts are still to come: its constructor, which is not asked about, does not run."""
    if not isinstance(network_class, type):
        return network_class()
    network = network_class.__new__(network_class)  # type: ignore[call-overload]  # of the student's class
    nn.Module.__init__(network)
    return network


class Painter(nn.Module):
    """Codes (N, nz) to images (N, C, 4, 4), by one matrix and a tanh."""

    def __init__(self, nz: int, channels: int):
        super().__init__()
        self.matrix, self.channels = nn.Linear(nz, channels * 16, bias=False), channels

    def forward(self, z: Tensor) -> Tensor:
        return self.matrix(z).tanh().unflatten(1, (self.channels, 4, 4))


# Masks

COMPOSE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda f, m, b: m * b[:, None] + (1 - m) * f, "Mask 1 shows the foreground, mask 0 the background: yours is the reverse."),
    (lambda f, m, b: m * f + b[:, None], "Where the foreground shows, the background does not: weigh it with 1 - mask."),
    (lambda f, m, b: f + (1 - m) * b[:, None], "Where the background shows, the foreground does not: weigh it with the mask."),
    (lambda f, m, b: m * f, "The background is missing."),
    (lambda f, m, b: torch.where(m > 0.5, f, b[:, None]), ("A mask of 0.3 is a mixture. A hard choice passes no gradient to "
     "the mask.")),
    (lambda f, m, b: (m * f + (1 - m) * b[:, None]) / 2, "The two weights add up to 1 already: do not halve."),
]
SILENT = ("It ran, because there are as many clips as frames: (B, C, H, W) was laid against (T, C, H, W), clip against frame. "
          "Give the background an axis of time, background[:, None].")


@check("video_gan.compose", points=2, hint="Mask times foreground plus (1 - mask) times background.")
def mixes_the_streams(subject: Subject, draw: Draw) -> None:
    f, m, b = draw.normal(2, 5, 3, 4, 4), draw.uniform(2, 5, 1, 4, 4), draw.normal(2, 3, 4, 4)
    mistakes = ((wrong(f, m, b), hint) for wrong, hint in COMPOSE_MISTAKES)
    assert_close(subject(f, m, b), m * f + (1 - m) * b[:, None], mistakes=mistakes)


@check("video_gan.compose", points=1, hint="Every clip has its own background, the same in each of its frames.")
def also_for_as_many_clips_as_frames(subject: Subject, draw: Draw) -> None:
    f, m, b = draw.normal(3, 3, 2, 4, 4), draw.uniform(3, 3, 1, 4, 4), draw.normal(3, 2, 4, 4)
    mistakes = [(m * f + (1 - m) * b, SILENT), *((wrong(f, m, b), hint) for wrong, hint in COMPOSE_MISTAKES)]
    assert_close(subject(f, m, b), m * f + (1 - m) * b[:, None], mistakes=mistakes)


# Two streams

def streams_with(network_class: type, sizes: list[int], weights: list[Tensor], z: Tensor) -> list:
    """What `streams` makes of z where both streams are one matrix each."""
    nz, num_frames, channels = sizes
    network = bare(network_class)
    network.nz, network.mask = nz, None
    network.volume = nn.ConvTranspose3d(nz, channels + 1, (num_frames, 4, 4), bias=False)
    network.background = Painter(nz, channels)
    fill(network, weights)
    return [stream.detach() for stream in network.streams(z)]


def _streams(weights: list[Tensor], z: Tensor) -> tuple[Tensor, Tensor]:
    """Volume (B, C + 1, T, 4, 4) and background (B, C, 4, 4)."""
    volume = torch.einsum("bn,nctij->bctij", z, weights[0])
    return volume, (z @ weights[1].T).tanh().unflatten(1, (-1, 4, 4))


def _draw_streams(draw: Draw, channels: int = 3, frames: int = 5) -> tuple[list[int], list[Tensor], Tensor]:
    weights = [draw.normal(6, channels + 1, frames, 4, 4, std=0.5), draw.normal(channels * 16, 6, std=0.5)]
    return [6, frames, channels], weights, draw.normal(2, 6)


def _assert_streams(subject: Subject, draw: Draw, which: int, mistakes: Iterable[tuple[Callable, str]]) -> None:
    sizes, weights, z = _draw_streams(draw)
    mine = subject.probe(streams_with, sizes, weights, z)
    if len(mine) != 3:
        raise Wrong(hint="Return three things: foreground, mask, background.")
    volume, background = _streams(weights, z)
    swung = volume.transpose(1, 2)
    right = (swung[:, :, :-1].tanh(), swung[:, :, -1:].sigmoid(), background)[which]
    assert_close(mine[which], right, mistakes=((wrong(volume, background), hint) for wrong, hint in mistakes))


FOREGROUND_MISTAKES: list[tuple[Callable, str]] = [
    (lambda v, b: v.transpose(1, 2)[:, :, :-1], "Pixels lie in [-1, 1]: the foreground ends with a tanh."),
    (lambda v, b: v.transpose(1, 2)[:, :, :-1].sigmoid(), ("A sigmoid gives [0, 1], which is the mask's range; pixels lie in "
     "[-1, 1].")),
    (lambda v, b: v.transpose(1, 2)[:, :, 1:].tanh(), "The *last* channel is the mask, the ones before it the foreground."),
    (lambda v, b: v[:, :-1].tanh(),
     ("Time and channels are exchanged: a network of 3-D convolutions gives (B, C, T, H, W), and "
     "outside a clip is (B, T, C, H, W).")),
    (lambda v, b: v[:, :, :-1].tanh(), "You cut along the wrong axis: the volume is (B, C, T, H, W). Transpose it first."),
    (lambda v, b: v.reshape(v.shape[0], v.shape[2], v.shape[1], 4, 4)[:, :, :-1].tanh(),
     "reshape and view do not move pixels, they only rename them: channels and frames are now mixed. Use transpose(1, 2)."),
]
MASK_MISTAKES: list[tuple[Callable, str]] = [
    (lambda v, b: v.transpose(1, 2)[:, :, -1:], "A mask lies in [0, 1]: it ends with a sigmoid."),
    (lambda v, b: v.transpose(1, 2)[:, :, -1:].tanh(), "A mask lies in [0, 1]: sigmoid, not tanh."),
    (lambda v, b: v.transpose(1, 2)[:, :, -1].sigmoid(), "Keep the mask's axis of channels, (B, T, 1, H, W): slice with -1:."),
    (lambda v, b: v.transpose(1, 2)[:, :, :1].sigmoid(), "The *last* channel is the mask."),
    (lambda v, b: v.transpose(1, 2)[:, :, -1:].softmax(1), "Each pixel has a mask of its own: a sigmoid, no softmax."),
]
BACKGROUND_MISTAKES: list[tuple[Callable, str]] = [
    (lambda v, b: b.tanh(), "The DCGAN generator ends with its own tanh: a second one makes every background pale."),
    (lambda v, b: b[:, None].expand(-1, v.shape[2], -1, -1, -1), "Return the background once a clip, (B, C, H, W)."),
    (lambda v, b: b[:, None], "Return the background as it is, (B, C, H, W); `compose` gives it its axis of time."),
]


@check("video_gan.VideoGenerator", points=2, hint="All channels but the last, behind a tanh, as (B, T, C, H, W).")
def colours_come_frame_by_frame(subject: Subject, draw: Draw) -> None:
    _assert_streams(subject, draw, 0, FOREGROUND_MISTAKES)


@check("video_gan.VideoGenerator", points=1, hint="The last channel, behind a sigmoid, as (B, T, 1, H, W).")
def opacity_lies_between_0_and_1(subject: Subject, draw: Draw) -> None:
    _assert_streams(subject, draw, 1, MASK_MISTAKES)


@check("video_gan.VideoGenerator", points=1, hint="self.background makes one image of the same z.")
def one_still_picture_for_each_clip(subject: Subject, draw: Draw) -> None:
    _assert_streams(subject, draw, 2, BACKGROUND_MISTAKES)


# The discriminator of clips

def logits_with(network_class: type, sizes: list[int], weights: list[Tensor], clips: Tensor) -> dict:
    """Its logits of `clips` with these weights; where they do not fit, the shapes of its own."""
    num_frames, size, channels, width = sizes
    network = network_class(num_frames, size, channels, width=width)
    shapes = [list(parameter.shape) for parameter in network.parameters()]
    if shapes != [list(weight.shape) for weight in weights]:
        return {"shapes": shapes}
    return {"logits": fill(network, weights)(clips).detach()}


def _judge(weights: list[Tensor], clips: Tensor, strides: list[int], *, squash: Callable | None = None,
           time: bool = True, turned: Tensor | None = None, last: Callable = lambda s: s) -> Tensor:
    squash = squash or (lambda x: F.leaky_relu(x, 0.2))
    x = clips.transpose(1, 2) if turned is None else turned
    pairs = list(zip(weights[0::2], weights[1::2], strict=True))
    for (weight, bias), stride in zip(pairs[:-1], strides, strict=True):
        x = squash(F.conv3d(x, weight, bias, stride=(stride if time else 1, 2, 2), padding=1))
    return last(F.conv3d(x, *pairs[-1])).flatten()


JUDGE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda w, x, s: _judge(w, x, s, squash=torch.relu), "A plain ReLU: DCGAN's discriminator has LeakyReLU(0.2)."),
    (lambda w, x, s: _judge(w, x, s, squash=lambda y: F.leaky_relu(y, 0.01)), ("The slope of the LeakyReLU is 0.2; 0.01 is "
     "PyTorch's default.")),
    (lambda w, x, s: _judge(w, x, s, squash=lambda y: y), "There is nothing between the convolutions: LeakyReLU(0.2)."),
    (lambda w, x, s: _judge(w, x, s, last=torch.sigmoid), "Return logits: no sigmoid."),
    (lambda w, x, s: _judge(w, x, s, turned=x.reshape(x.shape[0], x.shape[2], x.shape[1], *x.shape[3:])),
     "reshape and view do not move pixels: colours and frames are mixed. Use transpose(1, 2)."),
    (lambda w, x, s: _judge(w, x, s).mean(), "One logit for each clip: no mean over the batch."),
    (lambda w, x, s: _judge(w, x, s)[:, None], "Logits are (B,): flatten them."),
    (lambda w, x, s: _judge(w, x, s, time=False), ("More logits than clips: the strides do not shrink time. A stride is "
     "(stride, 2, 2), for frames, rows, columns.")),
]


def _assert_judge(subject: Subject, draw: Draw, num_frames: int, size: int) -> None:
    sizes, strides = [num_frames, size, 3, 2], reference.time_strides(num_frames, size)
    widths = [3, *(2 << k for k in range(len(strides)))]
    shapes = []
    for before, after, stride in zip(widths[:-1], widths[1:], strides, strict=True):
        shapes += [(after, before, 2 + stride, 4, 4), (after,)]
    shapes += [(1, widths[-1], num_frames // math.prod(strides), 4, 4), (1,)]
    weights = [draw.normal(*s, std=s[1:] and math.prod(s[1:]) ** -0.5 or 0.3) for s in shapes]
    clips = draw.normal(2, num_frames, 3, size, size)
    mine = subject.probe(logits_with, sizes, weights, clips)
    if "logits" not in mine:
        raise Wrong(hint="Its weights have other shapes than asked for: a convolution with a bias and a kernel of "
                         f"(2 + stride, 4, 4) for each halving, {[list(s) for s in shapes]}. Yours are {mine['shapes']}.")
    mistakes = ((wrong(weights, clips, strides), hint) for wrong, hint in JUDGE_MISTAKES)
    assert_close(mine["logits"], _judge(weights, clips, strides), mistakes=mistakes)


@check("video_gan.VideoDiscriminator", points=3, hint="Transpose to (B, C, T, H, W); Conv3d, LeakyReLU(0.2) for each halving.")
def gives_every_clip_its_logit(subject: Subject, draw: Draw) -> None:
    _assert_judge(subject, draw, 8, 16)


@check("video_gan.VideoDiscriminator", points=1, hint="Kernel and stride in time come from `stride`: 4 and 2, or 3 and 1.")
def also_where_time_cannot_be_halved(subject: Subject, draw: Draw) -> None:
    _assert_judge(subject, draw, 6, 16)


# Motion codes

def codes_with(function: Callable, weights: list[Tensor], noise: Tensor) -> Tensor:
    """The codes that `function` makes with a GRU cell of these weights."""
    cell = nn.GRUCell(weights[0].shape[1], weights[1].shape[1])
    return function(fill(cell, weights), noise)


def _draw_gru(draw: Draw, motion: int, hidden: int) -> list[Tensor]:
    return [draw.normal(3 * hidden, motion), draw.normal(3 * hidden, hidden), draw.normal(3 * hidden),
            draw.normal(3 * hidden)]


def _walk(weights: list[Tensor], noise: Tensor, *, carry: bool = True, same: bool = False) -> Tensor:
    """(B, T, H), by the equations of a GRU."""
    code, codes = torch.zeros(len(noise), weights[1].shape[1]), []
    for frame in range(noise.shape[1]):
        given = (noise[:, 0 if same else frame] @ weights[0].T + weights[2]).chunk(3, 1)
        kept = (code @ weights[1].T + weights[3]).chunk(3, 1)
        reset, update = (given[0] + kept[0]).sigmoid(), (given[1] + kept[1]).sigmoid()
        new = (1 - update) * (given[2] + reset * kept[2]).tanh() + update * code
        codes.append(new)
        code = new if carry else code
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
]


def _assert_walk(subject: Subject, draw: Draw, batch: int, frames: int) -> None:
    weights, noise = _draw_gru(draw, 3, 4), draw.normal(batch, frames, 3)
    mistakes = [(wrong(weights, noise), hint) for wrong, hint in WALK_MISTAKES]
    assert_close(subject.probe(codes_with, weights, noise), _walk(weights, noise), mistakes=mistakes)


@check("video_gan.motion_codes", points=2, hint="One call of the cell for each frame: its noise, and the code before.")
def walks_from_frame_to_frame(subject: Subject, draw: Draw) -> None:
    _assert_walk(subject, draw, 2, 6)


@check("video_gan.motion_codes", points=1, hint="Each clip walks alone, and the first code starts from zeros.")
def clips_do_not_meet(subject: Subject, draw: Draw) -> None:
    _assert_walk(subject, draw, 4, 4)
    _assert_walk(subject, draw, 3, 1)


# MoCoGAN's generator, which had three faults

def clips_with(network_class: type, sizes: list[int], walk: list[Tensor], matrix: Tensor, z: Tensor) -> dict:
    """Codes and clips of the generator with these weights, its frames made by one matrix."""
    num_frames, content, motion, channels = sizes
    network = network_class(num_frames, 16, channels, content=content, motion=motion, width=2)
    fill(network.walk, walk)
    network.frame = fill(Painter(content + motion, channels), [matrix])
    content_codes, motion_codes = network.codes(z)
    return {"content": content_codes.detach(), "motion": motion_codes.detach(), "clips": network(z).detach()}


FAULTS = {
    "across": "One fault left: the GRU takes the first axis for time, and walks from clip to clip. What does batch_first say?",
    "one noise": "One fault left: all frames of a clip get the same noise.",
    "mixed": "One fault left: the clips are put together from frames of other clips. Clip after clip, frame after frame: "
             "undo flatten(0, 1) with unflatten(0, (B, T)).",
}


def _motion_codes(walk: list[Tensor], z: Tensor, content: int, motion: int, *faults: str) -> Tensor:
    noise = z[:, content:].unflatten(1, (-1, motion))
    if "one noise" in faults:
        noise = noise[:, -1:].expand(-1, noise.shape[1], -1)
    if "across" in faults:
        return _walk(walk, noise.transpose(0, 1)).transpose(0, 1)
    return _walk(walk, noise)


def _clips(walk: list[Tensor], matrix: Tensor, z: Tensor, sizes: list[int], *faults: str) -> Tensor:
    _, content, motion, channels = sizes
    codes = _motion_codes(walk, z, content, motion, *faults)
    codes = torch.cat([z[:, None, :content].expand(-1, codes.shape[1], -1), codes], 2)
    frames = (codes.flatten(0, 1) @ matrix.T).tanh().unflatten(1, (channels, 4, 4))
    if "mixed" in faults:
        return frames.unflatten(0, codes.shape[:2][::-1]).transpose(0, 1)
    return frames.unflatten(0, codes.shape[:2])


def _draw_motion(draw: Draw, extra: int = 0) -> tuple[list[int], list[Tensor], Tensor, Tensor]:
    frames, content, motion, channels = 5, 4, 3, 2
    matrix = draw.normal(channels * 16, content + motion, std=0.5)
    z = draw.normal(3, content + (frames + extra) * motion)
    return [frames, content, motion, channels], _draw_gru(draw, motion, motion), matrix, z


@check("video_gan.MotionGenerator", points=2, hint="Every frame has its own noise, and the walk goes from frame to frame.")
def the_codes_move_on_from_frame_to_frame(subject: Subject, draw: Draw) -> None:
    sizes, walk, matrix, z = _draw_motion(draw)
    mine = subject.probe(clips_with, sizes, walk, matrix, z)
    right = _motion_codes(walk, z, sizes[1], sizes[2])
    assert_close(mine["motion"], right, mistakes=[
        (_motion_codes(walk, z, sizes[1], sizes[2], "across"), FAULTS["across"]),
        (_motion_codes(walk, z, sizes[1], sizes[2], "one noise"), FAULTS["one noise"]),
        (_motion_codes(walk, z, sizes[1], sizes[2], "across", "one noise"),
         "Two faults in the codes: look at what each frame gets for noise, and at which axis the GRU takes for time.")])
    assert_close(mine["content"], z[:, None, :sizes[1]].expand(-1, sizes[0], -1))


@check("video_gan.MotionGenerator", points=2, hint=FAULTS["mixed"])
def a_clip_is_made_of_its_own_frames(subject: Subject, draw: Draw) -> None:
    sizes, walk, matrix, z = _draw_motion(draw)
    mine = subject.probe(clips_with, sizes, walk, matrix, z)["clips"]
    ways = ((), ("across",), ("one noise",), ("across", "one noise"))
    if not any(is_close(mine, _clips(walk, matrix, z, sizes, *faults)) for faults in ways):
        raise Wrong()


@check("video_gan.MotionGenerator", points=2, hint="All three have to be right, and a longer z makes a longer clip.")
def all_of_it_and_for_a_longer_z(subject: Subject, draw: Draw) -> None:
    for extra in (0, 4):
        sizes, walk, matrix, z = _draw_motion(draw, extra)
        mine = subject.probe(clips_with, sizes, walk, matrix, z)
        mistakes = [(_clips(walk, matrix, z, sizes, fault), hint) for fault, hint in FAULTS.items()]
        assert_close(mine["clips"], _clips(walk, matrix, z, sizes), mistakes=mistakes)


# An image and a video network

def both_logits(network_class: type, image: Tensor, video: Tensor, clips: Tensor) -> Tensor:
    """The logits of `clips` where both networks are a matrix and a tanh; the one for images takes images only."""
    class Image(nn.Module):
        def forward(self, images):
            if images.ndim != 4:
                raise ValueError(f"the image network takes (N, C, H, W), got {tuple(images.shape)}")
            return (images.flatten(1) @ image).tanh()

    class Video(nn.Module):
        def forward(self, clips):
            if clips.ndim != 5:
                raise ValueError(f"the video network takes (B, T, C, H, W), got {tuple(clips.shape)}")
            return (clips.flatten(1) @ video).tanh()

    network = bare(network_class)
    network.image, network.video = Image(), Video()
    return network(clips).detach()


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
]


@check("video_gan.MotionDiscriminator", points=2, hint="stack([logit of a frame, logit of the clip], 1).")
def one_logit_of_a_frame_and_one_of_the_clip(subject: Subject, draw: Draw) -> None:
    _assert_both(subject, draw, 5, 3)


@check("video_gan.MotionDiscriminator", points=1, hint="frames_in_turn takes another frame of each clip of the batch.")
def also_for_fewer_clips_than_frames(subject: Subject, draw: Draw) -> None:
    _assert_both(subject, draw, 3, 6)


def _assert_both(subject: Subject, draw: Draw, batch: int, frames: int) -> None:
    clips = draw.normal(batch, frames, 2, 3, 3)
    image, video = draw.normal(18, std=0.3), draw.normal(frames * 18, std=0.2)
    mistakes = [(wrong(image, video, clips), hint) for wrong, hint in BOTH_MISTAKES]
    mine = subject.probe(both_logits, image, video, clips)
    assert_close(mine, _both(image, video, clips, _in_turn), mistakes=mistakes)


# A step

class TinyGenerator(nn.Module):
    """z (B, 3) to clips (B, 2, 1, 2, 2), which it keeps."""

    def __init__(self):
        super().__init__()
        self.layers, self.nz = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 8)), 3

    def forward(self, z: Tensor) -> Tensor:
        self.clips = self.layers(z).unflatten(1, (2, 1, 2, 2))
        return self.clips


def after_steps(step: Callable, weights: list[Tensor], real: Tensor, z: Tensor, gammas: list[float], share: float) -> dict:
    """Both networks after a step for each batch of `real` (S, B, 2, 1, 2, 2) and `z` (S, B, 3), and all losses."""
    generator, discriminator = TinyGenerator(), nn.Sequential(
        nn.Flatten(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 2))
    fill(nn.ModuleList([generator, discriminator]), weights)
    discriminator(generator(z[0])).sum().backward()  # gradients of an earlier life: they must not count
    optimizers = [torch.optim.SGD(network.parameters(), lr=0.3) for network in (generator, discriminator)]
    losses = []
    for clips, noise, gamma in zip(real, z, gammas, strict=True):
        pair = step(generator, discriminator, *optimizers, clips, noise, gamma=gamma,
                    extra=lambda: share * generator.clips.square().mean())
        losses += list(pair) if isinstance(pair, tuple | list) else [pair]
    return {"D": [p.detach().clone() for p in discriminator.parameters()],
            "G": [p.detach().clone() for p in generator.parameters()], "losses": losses}


def _r1(discriminator: nn.Module, clips: Tensor) -> Tensor:
    clips = clips.detach().requires_grad_()
    gradient = torch.autograd.grad(discriminator(clips).sum(), clips, create_graph=True)[0]
    return gradient.flatten(1).square().sum(1).mean() / 2


def faulty_step(*faults: str) -> Callable:
    """The step with the named faults; none gives the reference."""
    def step(generator, discriminator, optimizer_g, optimizer_d, real, z, *, gamma=0.0, extra=lambda: 0.0):
        fake = generator(z)
        shown = fake.detach()
        before = discriminator(fake)
        loss_d = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(shown)).mean()
        if "swapped" in faults:
            loss_d = F.softplus(discriminator(real)).mean() + F.softplus(-discriminator(shown)).mean()
        if gamma and "no penalty" not in faults:
            loss_d = loss_d + gamma * _r1(discriminator, shown if "penalty of fakes" in faults else real)
        if "stale D" not in faults:
            optimizer_d.zero_grad()
        if "before" in faults:
            loss_g = F.softplus(-before).mean() + extra()
            gradients = torch.autograd.grad(loss_g, list(generator.parameters()), retain_graph=True)
        loss_d.backward()
        if "D stands still" not in faults:
            optimizer_d.step()
        again = discriminator(generator(z))
        loss = -F.softplus(again).mean() if "saturating" in faults else F.softplus(-again).mean()
        if "no extra" not in faults:
            loss = loss + extra()
        if "stale G" not in faults:
            optimizer_g.zero_grad()
        loss.backward()
        if "before" in faults:
            for parameter, gradient in zip(generator.parameters(), gradients, strict=True):
                parameter.grad = gradient
            loss = loss_g
        optimizer_g.step()
        return loss_d.detach(), loss.detach()
    return step


D_MISTAKES = [
    ("stale D", "Gradients of earlier steps are added to D's: call optimizer_d.zero_grad() before backward()."),
    ("swapped", "The sides are swapped: D should say real, softplus(-s), to real clips."),
    ("D stands still", "D's weights did not move: optimizer_d.step()."),
]
G_MISTAKES = [
    ("stale G", "Gradients of earlier steps are added to G's: call optimizer_g.zero_grad() before backward()."),
    ("before", "G's loss comes from the logits that D gave before it learnt: ask D again after its step."),
    ("saturating", "This is the saturating loss of G; asked for is softplus(-s)."),
]
EXTRA_MISTAKES = [
    ("no penalty", "The penalty is missing: gamma * r1_penalty(discriminator, real)."),
    ("penalty of fakes", "R1 is the gradient at *real* clips."),
    ("no extra", "extra() is missing in G's loss."),
]


def _draw_step(draw: Draw, count: int) -> tuple:
    shapes = [(8, 3), (8,), (8, 8), (8,), (8, 8), (8,), (2, 8), (2,)]
    return [draw.normal(*s, std=0.5) for s in shapes], draw.normal(count, 6, 2, 1, 2, 2), draw.normal(count, 6, 3)


def _stepped(subject: Subject, draw: Draw, part: str, faults: list[tuple[str, str]], gammas: list[float], share: float) -> None:
    given = (*_draw_step(draw, len(gammas)), gammas, share)
    mine, expected = subject.probe(after_steps, *given), after_steps(faulty_step(), *given)
    mistakes = [(_flat(after_steps(faulty_step(fault), *given)[part]), hint) for fault, hint in faults]
    assert_close(_flat(mine[part]), _flat(expected[part]), mistakes=mistakes)


def _flat(weights: list[Tensor]) -> Tensor:
    return torch.cat([torch.as_tensor(w).flatten() for w in weights])


@check("video_gan.clip_step", points=2, hint="D's turn: fake clips detached, loss, zero_grad, backward, step.")
def the_discriminator_learns(subject: Subject, draw: Draw) -> None:
    _stepped(subject, draw, "D", D_MISTAKES, [0.0], 0.0)
    _stepped(subject, draw, "D", D_MISTAKES, [0.0, 0.0, 0.0], 0.0)


@check("video_gan.clip_step", points=2, hint="G's turn: the same fake clips, not detached, before the D that has learnt.")
def the_generator_learns_from_the_new_discriminator(subject: Subject, draw: Draw) -> None:
    _stepped(subject, draw, "G", G_MISTAKES, [0.0], 0.0)
    _stepped(subject, draw, "G", G_MISTAKES, [0.0, 0.0, 0.0], 0.0)


@check("video_gan.clip_step", points=1, hint="gamma * r1_penalty(discriminator, real) in D's loss, extra() in G's.")
def penalty_and_extra_count(subject: Subject, draw: Draw) -> None:
    _stepped(subject, draw, "D", EXTRA_MISTAKES[:2], [0.7, 0.0], 0.0)
    _stepped(subject, draw, "G", EXTRA_MISTAKES, [0.0, 0.5], 0.8)


@check("video_gan.clip_step", points=1, hint="Return D's loss, then G's, each with all that it was made of, detached.")
def returns_both_losses(subject: Subject, draw: Draw) -> None:
    given = (*_draw_step(draw, 2), [0.6, 0.0], 0.5)
    mine, expected = subject.probe(after_steps, *given)["losses"], after_steps(faulty_step(), *given)["losses"]
    if any(value is None for value in mine) or len(mine) != len(expected):
        raise Wrong(hint="Return two losses: D's, then G's.")
    if any(isinstance(value, Tensor) and value.requires_grad for value in mine):
        raise Wrong(hint="The losses still hold their graphs, and with them the memory of the step: detach them.")
    assert_close(_flat(mine), _flat(expected), mistakes=[
        (_flat([loss for pair in zip(expected[1::2], expected[0::2], strict=True) for loss in pair]), "D's loss comes first.")])


written("video_gan.two_ways_to_move", points=3, rubric="""
- 1 point: VideoGAN's background is one picture for all frames; where camera or ground move, the mask must open everywhere and
  the split is lost.
- 1 point: MoCoGAN's content code is drawn once a clip, its motion code for each frame; and an experiment that shows whether the
  network uses them so (swap one, keep the other).
- 1 point: why a frame needs a judge of its own, or a test whether the video discriminator looks at motion (shuffled or
  repeated frames).
""")
