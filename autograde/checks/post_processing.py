"""Checks of chapter 11."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor

from solutions import post_processing as reference

from . import Draw, Subject, Wrong, assert_close, check, is_close, written

# PSNR

PSNR_MISTAKES: list[tuple[Callable, str]] = [
    (lambda e: -10 * e.square().mean((-4, -3, -2, -1)).log10(), "The peak is 2, not 1: values run from -1 to 1."),
    (lambda e: 10 * (4 / e.square().mean((-4, -3, -2, -1))).log(), "Decibel count powers of ten: log10, not log."),
    (lambda e: 20 * (4 / e.square().mean((-4, -3, -2, -1))).log10(),
     "10 log10 of the squares, or 20 log10 of the peak over the root of the error: not 20 of the squares."),
    (lambda e: 10 * (2 / e.square().mean((-4, -3, -2, -1))).log10(), "The peak is squared as the error is: 4."),
    (lambda e: 20 * (2 / e.abs().mean((-4, -3, -2, -1))).log10(), "The error is squared before the mean, not its size taken."),
    (lambda e: 10 * (4 / e.square().mean((-3, -2, -1))).log10().mean(-1),
     "First the mean over the whole clip, then the logarithm: the mean of the frames' decibels is another number."),
    (lambda e: 10 * (4 / e.square().mean((-3, -2, -1))).log10(),
     "One number for each clip: the mean runs over its frames too."),
    (lambda e: (10 * (4 / e.square().mean((-4, -3, -2, -1))).log10()).squeeze(),
     "A batch of one clip has one number, of shape (1,): squeeze() drops the axis of the batch."),
    (lambda e: 10 * (4 / e.square().mean()).log10(), "One number for each clip of a batch: mean over the last four axes."),
    (lambda e: 10 * (4 / e.square().mean((-4, -3, -2, -1))).log10().mean(),
     "One number for each clip: no mean over the batch."),
    (lambda e: 10 * (e.square().mean((-4, -3, -2, -1)) / 4).log10(), "Upside down: the peak over the error; better is higher."),
    (lambda e: 10 * (4 / e.square().sum((-4, -3, -2, -1))).log10(), "The mean of the squared error, not its sum: a larger clip "
     "would be worse."),
    (lambda e: 20 * (2 / e.square().mean((-4, -3, -2, -1))).log10(), "20 log10 wants the root of the mean squared error."),
    (lambda e: 10 * (4 / e.mean((-4, -3, -2, -1)).square()).log10(),
     "First the square, then the mean: else errors of both signs cancel."),
]


def _assert_psnr(subject: Subject, draw: Draw, *batch: int) -> None:
    clips = draw.uniform(*batch, 4, 3, 5, 6, low=-1)
    scale = draw.uniform(*batch, 4, 1, 1, 1, low=0.02, high=0.5)  # no two frames alike
    other = clips + scale * draw.normal(*clips.shape)
    peak = clips.amax() - clips.amin()
    mistakes = [(wrong(other - clips), hint) for wrong, hint in PSNR_MISTAKES]
    mistakes += [(10 * torch.log10(peak**2 / (other - clips).square().mean((-4, -3, -2, -1))),
                  "The peak is what the range allows, 2, and not what this clip happens to reach.")]
    found = subject(other, clips)
    if not isinstance(found, Tensor):
        raise Wrong(hint="A tensor, also for one clip: its shape is () then. No item(), no float().")
    assert_close(found, reference.psnr(other, clips), mistakes=mistakes, rtol=1e-3)


@check("post_processing.psnr", points=2, hint="10 log10 of 4 over the mean squared error of the whole clip.")
def gives_the_decibels_of_a_clip(subject: Subject, draw: Draw) -> None:
    _assert_psnr(subject, draw)


@check("post_processing.psnr", points=1, hint="The mean runs over the last four axes, whatever stands before them.")
def gives_one_number_for_each_clip_of_a_batch(subject: Subject, draw: Draw) -> None:
    _assert_psnr(subject, draw, 3)
    _assert_psnr(subject, draw, 2, 2)
    _assert_psnr(subject, draw, 1)
    clips, other = draw.uniform(3, 3, 1, 4, 4, low=-1), draw.uniform(3, 1, 4, 4, low=-1)
    repaired = torch.stack([clips[0], other, clips[2] + 2e-4 * draw.normal(3, 1, 4, 4)])
    found, expected = subject(repaired, clips), reference.psnr(repaired, clips)
    if isinstance(found, Tensor) and found.shape == (3,):
        if not found[0].isinf():
            raise Wrong(hint="Two equal clips have no error and infinitely many decibels: add nothing to the error, clamp "
                             "nothing.")
        if is_close(found[:2], expected[:2], rtol=1e-3) and not is_close(found[2], expected[2], rtol=1e-3):
            raise Wrong(hint="Two clips that hardly differ do differ: compare them as they are. No tolerance, no rounding.")
    assert_close(found, expected, rtol=1e-3)


# Noise

def _around(clip: Tensor, radius: int) -> Tensor:
    return reference.neighbours(clip, radius)


def _wrapped(clip: Tensor, radius: int) -> Tensor:
    return torch.stack([clip.roll(k, 0) for k in range(-radius, radius + 1)])


def _places(clip: Tensor, radius: int) -> Tensor:
    """(2 * radius + 1, T), the frame's own number and those around it."""
    return torch.arange(len(clip)) + torch.arange(-radius, radius + 1)[:, None]


def _reflected(clip: Tensor, radius: int) -> Tensor:
    """The median where beyond the ends a clip goes back."""
    last = max(len(clip) - 1, 1)
    return clip[last - (last - _places(clip, radius).abs() % (2 * last)).abs()].median(0).values


def _padded(clip: Tensor, radius: int) -> Tensor:
    """The median where beyond the ends all is 0."""
    padded = F.pad(clip, (0, 0) * 3 + (radius, radius))
    return padded[_places(clip, radius) + radius].median(0).values


def _cut(clip: Tensor, radius: int) -> Tensor:
    """The median of those neighbours that there are."""
    return torch.stack([clip[max(t - radius, 0):t + radius + 1].median(0).values for t in range(len(clip))])


def _ends_kept(clip: Tensor, radius: int) -> Tensor:
    """The median where all neighbours are there, elsewhere the clip as it was."""
    out = clip.clone()
    for t in range(radius, len(clip) - radius):
        out[t] = clip[t - radius:t + radius + 1].median(0).values
    return out


def _fed_back(clip: Tensor, radius: int) -> Tensor:
    """The median of frames that have been repaired already, and of such as have not."""
    out = clip.clone()
    for t in range(len(clip)):
        out[t] = out[_places(clip, radius)[:, t].clamp(0, len(clip) - 1)].median(0).values
    return out


ENDS = "Beyond the ends of the clip its first and its last frame are repeated, as `neighbours` does: "
MEDIAN_MISTAKES: list[tuple[Callable, str]] = [
    (lambda c, r: _around(c, r).mean(0), "That is the mean: one wild frame moves it. Take the median."),
    (lambda c, r: _around(c, 1).median(0).values, "It ignores the radius: hand it on to `neighbours`."),
    (lambda c, r: _wrapped(c, r).median(0).values, "The first frame is no neighbour of the last: at the ends, repeat the end."),
    (lambda c, r: reference.temporal_median(c.transpose(0, 1), r).transpose(0, 1),
     "The median runs over channels: time is the first axis of a clip."),
    (lambda c, r: _around(c, r).median(1).values,
     "The median is taken over the wrong axis: neighbours stand on the first one."),
    (lambda c, r: c.median(0, keepdim=True).values.expand_as(c),
     "One median for the whole clip: nothing may move any more. Take it over the neighbours of each frame."),
    (_reflected, ENDS + "yours goes back from there."),
    (_padded, ENDS + "yours puts zeros there."),
    (_cut, ENDS + "yours leaves them out of the median."),
    (_ends_kept, ENDS + "yours leaves the frames near the ends as they were."),
    (_fed_back, "It reads frames that it has changed already: write into a new clip, read from the old one."),
    (lambda c, r: _around(c, r)[:r + 1].median(0).values, "Only the frames before vote; those after count as well."),
    (lambda c, r: c, "The clip comes back as it was."),
]


def _assert_filter(subject: Subject, clip: Tensor, expected: Tensor, mistakes: list, *args: object) -> None:
    assert_close(subject(clip, *args), expected, mistakes=((wrong(clip, *args), hint) for wrong, hint in mistakes))


@check("post_processing.temporal_median", points=2, hint="The median over the first axis of `neighbours(clip, radius)`.")
def takes_the_median_of_each_pixel_over_time(subject: Subject, draw: Draw) -> None:
    clip = draw.normal(7, 3, 4, 5)
    _assert_filter(subject, clip, reference.temporal_median(clip, 1), MEDIAN_MISTAKES, 1)


@check("post_processing.temporal_median", points=1, hint="`radius` frames before and as many after.")
def looks_as_far_as_the_radius(subject: Subject, draw: Draw) -> None:
    for radius, frames, channels in ((2, 9, 3), (3, 8, 1), (3, 2, 2)):
        clip = draw.normal(frames, channels, 4, 4)
        _assert_filter(subject, clip, reference.temporal_median(clip, radius), MEDIAN_MISTAKES, radius)
    one = draw.normal(1, 2, 4, 4)
    assert_close(subject(one), one, mistakes=[(one[0], "squeeze() drops the axis of a clip of one frame.")])


def _gated(clip: Tensor, radius: int, threshold: float, *, window: int = 3, padded: bool = False, size: bool = True,
           by_channel: bool = False, count: bool = True, soft: bool = False, of_channels: Callable = lambda x: x.mean(2),
           edge: bool = False, ends: bool = True, pool: Callable | None = None, flip: bool = False,
           past: Callable = torch.less) -> Tensor:
    """The gated mean, put together from named parts."""
    around = _around(clip, radius)
    change = around - clip
    change = change.abs() if size else change
    if by_channel:
        still = past(change, threshold)
    else:
        change = of_channels(change)
        if edge:
            change = F.avg_pool2d(F.pad(change, (1, 1, 1, 1), mode="replicate"), 3, 1)
        elif pool:
            change = pool(change)
        else:
            change = F.avg_pool2d(change, window, 1, window // 2, count_include_pad=padded)
        still = past(change, threshold).unsqueeze(2)
    if flip:
        still = ~still
    if not ends:
        there = _places(clip, radius)
        still = still & ((there >= 0) & (there < len(clip)))[:, :, None, None, None]
    kept = torch.where(still, around, clip) if soft else around * still
    return kept.sum(0) / (still.sum(0) if count and not soft else 2 * radius + 1)


def _gated_by_channel(clip: Tensor, radius: int, threshold: float) -> Tensor:
    return torch.cat([_gated(channel, radius, threshold) for channel in clip.split(1, 1)], 1)


GATE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda c, r, t: _gated(c, r, t, past=torch.less_equal),
     "A frame votes where it differs by *less* than the threshold: <, not <=."),
    (lambda c, r, t: _around(c, r).mean(0), "Every frame votes, also where something moved: that makes ghosts. Use the mask."),
    (lambda c, r, t: _gated(c, r, t, window=1), "The 3 × 3 window is missing: single pixels of noise pass for motion."),
    (lambda c, r, t: _gated(c, r, t, padded=True), "At the border the window is smaller: count_include_pad=False."),
    (lambda c, r, t: _gated(c, r, t, edge=True),
     "At the border the mean is over those of the 3 × 3 pixels that there are: repeat none."),
    (lambda c, r, t: _gated(c, r, t, ends=False), "Beyond the ends of the clip its first and its last frame are repeated, and "
     "vote as often as `neighbours` has them."),
    (lambda c, r, t: _gated(c, r, t, window=5), "The window is 3 × 3."),
    (lambda c, r, t: _gated(c, r, t, pool=lambda x: F.max_pool2d(x, 3, 1, 1)),
     "The mean over the 3 × 3 pixels, not the largest: one pixel of noise would stop a frame's vote."),
    (lambda c, r, t: _gated(c, r, t, of_channels=lambda x: x.square().mean(2)), "The mean *absolute* difference, no squares."),
    (lambda c, r, t: _gated(c, r, t, of_channels=lambda x: x.square().mean(2).sqrt()),
     "The mean *absolute* difference, no root of squares."),
    (lambda c, r, t: _gated(c, r, t, of_channels=lambda x: x.amax(2)), "The mean over the channels, not the largest."),
    (lambda c, r, t: _gated(c, r, t, of_channels=lambda x: x.sum(2)), "The mean over the channels, not their sum."),
    (lambda c, r, t: _gated(c, r, t, of_channels=lambda x: x.mean(2).abs(), size=False),
     "First abs(), then the mean over the channels: else changes of both signs cancel."),
    (lambda c, r, t: _gated(c, r, t, of_channels=lambda x: x.mean(2), size=False, pool=lambda x: F.avg_pool2d(
        x, 3, 1, 1, count_include_pad=False).abs()), "First abs(), then the means: else changes of both signs cancel."),
    (lambda c, r, t: _gated(c, r, t, size=False), "A pixel that grows darker has changed too: take abs() of the difference."),
    (lambda c, r, t: _gated(c, r, t, by_channel=True),
     "One vote a pixel, by the mean difference over channels and 3 × 3 pixels."),
    (lambda c, r, t: _gated_by_channel(c, r, t), "One vote a pixel for all of its channels: the difference is the mean over "
     "them, and then over 3 × 3 pixels."),
    (lambda c, r, t: _gated(c, r, t, count=False), "Divide by the number of frames that vote, not by all: else it grows grey."),
    (lambda c, r, t: _gated(c, r, t, soft=True),
     "Frames that may not vote are left out of the mean; they are not replaced by the frame itself."),
    (lambda c, r, t: _gated(c, 2, 0.3), "It ignores `radius` or `threshold`."),
    (lambda c, r, t: c, "The clip comes back as it was."),
]


def _assert_gate(subject: Subject, clip: Tensor, radius: int, threshold: float) -> None:
    found = subject(clip, radius, threshold)
    if isinstance(found, Tensor) and found.shape == clip.shape and not found.isfinite().all():
        turned = found.isnan().equal(_gated(clip, radius, threshold, flip=True).isnan())
        raise Wrong(hint="NaN: there are pixels where no frame votes. " + (
            "Is the gate the wrong way round? What differs by less votes." if turned else
            "A frame differs from itself by 0 and always may: every neighbour is compared with the frame itself."))
    mistakes = ((wrong(clip, radius, threshold), hint) for wrong, hint in GATE_MISTAKES)
    assert_close(found, reference.motion_gated_mean(clip, radius, threshold), mistakes=mistakes)


def _moving(draw: Draw, threshold: float, *shape: int) -> Tensor:
    """Noise, and a block that jumps, so that some differences lie on either side of the threshold."""
    clip = draw.normal(*shape, std=threshold / 2)
    for frame in clip:
        top, left = draw.integers(0, shape[2] - 4, 2).tolist()
        frame[:, top:top + 5, left:left + 5] += 3 * threshold
    return clip


@check("post_processing.motion_gated_mean", points=3, hint="Sum of the frames that may vote, divided by how many they are.")
def only_what_has_not_moved_may_vote(subject: Subject, draw: Draw) -> None:
    clip = _moving(draw, 0.3, 7, 3, 9, 10)
    _assert_gate(subject, clip, 2, 0.3)


@check("post_processing.motion_gated_mean", points=1, hint="`radius` and `threshold` are arguments: no fixed numbers inside.")
def obeys_radius_and_threshold(subject: Subject, draw: Draw) -> None:
    for radius, threshold in ((1, 0.1), (3, 0.6)):
        clip = _moving(draw, threshold, 8, 3, 8, 9)
        _assert_gate(subject, clip, radius, threshold)
    signs = draw.integers(0, 2, 3, 2, 2, 2) * 2.0 - 1  # exact in any order: eighths, and windows of four pixels
    steps = torch.cat([draw.integers(-4, 5, 1, 2, 2, 2) / 8, signs * torch.tensor([1 / 4, 1 / 8, 1 / 2]).view(3, 1, 1, 1)])
    _assert_gate(subject, steps.cumsum(0), 1, 1 / 4)


@check("post_processing.motion_gated_mean", points=1, hint="Any number of channels, any height and width.")
def works_for_grey_clips_of_any_shape(subject: Subject, draw: Draw) -> None:
    clip = _moving(draw, 0.2, 5, 1, 7, 12)
    _assert_gate(subject, clip, 1, 0.2)


# Colour

def _gained(clip: Tensor, *, axes: tuple = (0, 2, 3), light: Callable = lambda x: (x + 1) / 2, power: int = 1,
            wanted: Callable = lambda mean: mean.mean(), back: bool = True, clamped: bool = True,
            least: float = 1e-3) -> Tensor:
    """Grey world, put together from named parts."""
    x = light(clip)
    mean = x.mean(axes, keepdim=True)
    out = x * (wanted(mean) / mean.clamp(min=least)) ** power
    out = out.clamp(0, 1) if clamped else out
    return out * 2 - 1 if back else out


def _of_values(clip: Tensor) -> Tensor:
    mean = clip.mean((0, 2, 3), keepdim=True)
    return (clip * mean.mean() / mean).clamp(-1, 1)


def _shifted(clip: Tensor) -> Tensor:
    mean = clip.mean((0, 2, 3), keepdim=True)
    return (clip + mean.mean() - mean).clamp(-1, 1)


def _of_medians(clip: Tensor) -> Tensor:
    light = (clip + 1) / 2
    middle = light.transpose(0, 1).flatten(1).median(1).values.view(1, -1, 1, 1)
    return (light * middle.mean() / middle.clamp(min=1e-3)).clamp(0, 1) * 2 - 1


def _of_spreads(clip: Tensor) -> Tensor:
    light = (clip + 1) / 2
    spread = light.std((0, 2, 3), keepdim=True)
    return (light * spread.mean() / spread.clamp(min=1e-3)).clamp(0, 1) * 2 - 1


LUMA = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
GREY_MISTAKES: list[tuple[Callable, str]] = [
    (lambda c: _gained(c, axes=(2, 3), wanted=lambda m: m.mean(1, keepdim=True)),
     "One gain for each frame: colours pump when something comes into view. One for the clip, mean over dim=(0, 2, 3)."),
    (lambda c: _gained(c, axes=(2, 3)),
     "One gain for each frame: all become equally light and fades are gone. Mean over dim=(0, 2, 3)."),
    (_of_values, "The gain is on light, which is 0 where the clip is -1: (clip + 1) / 2. On values around 0 it is contrast."),
    (_shifted, "It adds an offset: light is multiplied. Black under a lamp stays black."),
    (lambda c: _gained(c, power=-1), "The gain is upside down: a channel with too much light needs less."),
    (lambda c: _gained(c, back=False), "That is light, 0 to 1: bring it back to [-1, 1]."),
    (lambda c: _gained(c, clamped=False), "Values leave [-1, 1]: clamp the light to [0, 1] at the end."),
    (lambda c: _gained(c, wanted=lambda m: 0.5),
     "All means become 0.5: the clip's brightness is lost. Bring them to their own mean."),
    (lambda c: _gained(c, wanted=lambda m: m[:, 1:2]), "Bring the means together at their mean, not at green's."),
    (lambda c: _gained(c, wanted=lambda m: (m * LUMA).sum()), "Bring the means together at their mean: no weights of luma."),
    (lambda c: _gained(c, wanted=lambda m: m.prod() ** (1 / 3)), "Bring the means together at their arithmetic mean."),
    (lambda c: _gained(c, wanted=lambda m: m.median()), "Bring the means together at their mean, not at the middle one."),
    (_of_medians, "The mean of a channel's light, not its median."),
    (_of_spreads, "The gain brings the means together, not the spreads."),
    (lambda c: _gained(c, wanted=lambda m: m.amax()), "Bring the means together at their mean, not at the largest."),
    (lambda c: _gained(c, axes=(0, 1, 2, 3)), "One gain for all channels changes nothing: each has its own mean."),
    (lambda c: c, "The clip comes back as it was."),
]


def _lit(draw: Draw, frames: int) -> Tensor:
    """A clip under a lamp, whose frames differ in colour and light, and some of which clips when it is balanced."""
    light = draw.uniform(frames, 3, 5, 6) * draw.uniform(frames, 3, 1, 1, low=0.4, high=1.0)
    light[:, :, 0, 0] = 2.0  # a highlight
    return (light * torch.tensor([1.0, 0.7, 0.45]).view(3, 1, 1)).clamp(max=1) * 2 - 1


@check("post_processing.grey_world", points=3, hint="Gain of a channel: the mean of the three means by the channel's own mean.")
def one_gain_for_each_channel(subject: Subject, draw: Draw) -> None:
    for frames in (4, 6, 1):
        clip = _lit(draw, frames)
        while clip.mean((0, 2, 3)).argmax() == 1:  # green's mean would be the largest
            clip = _lit(draw, frames)
        _assert_filter(subject, clip, reference.grey_world(clip), GREY_MISTAKES)


@check("post_processing.grey_world", points=1, hint="A channel without any light would divide by 0: clamp its mean from below.")
def survives_a_channel_without_light(subject: Subject, draw: Draw) -> None:
    lights = torch.ones(3, 3)
    lights[:, int(draw.integers(0, 3))] = torch.tensor([0.0, 0.1, 0.0])  # black, dark; and a clip that is black throughout
    lights[2] = 0
    plain = _lit(draw, 3)
    paid = [wrong for wrong, _ in GREY_MISTAKES[:-1] if is_close(subject(plain), wrong(plain))]
    for light in lights:
        clip = (_lit(draw, 3) + 1) * light.view(3, 1, 1) - 1
        found = subject(clip)
        if isinstance(found, Tensor) and not found.isfinite().all():
            raise Wrong(hint="NaN: 0 light by a mean of 0. Clamp the mean from below.")
        if any(is_close(found, wrong(clip)) for wrong in paid):  # above
            continue
        black = light == 0
        assert_close(found, reference.grey_world(clip), mistakes=[
            (reference.grey_world(clip).where(~black.view(3, 1, 1), torch.zeros(())),
             "What is black stays black, -1; 0 is grey. Clamp the mean from below before you divide."),
            (_gained(clip, wanted=lambda mean, black=black: mean[:, ~black].mean()),
             "The mean of all three channels, that of the black one, too."),
            *((_gained(clip, least=least), "Clamp the mean from below by less, 1e-3 or so: a dark channel's mean is small, and "
               "true.") for least in (0.2, 0.1, 0.05))])


# The last step before a file

def _finish(clip: Tensor, *, time: bool = True, once: bool = True, clamp_last: bool = True, rounds: bool = True,
            white: bool | str = True, white_last: bool = True, scale: float = 127.5, calm: bool = True,
            sharp: bool = True) -> Tensor:
    """`finish`, with named faults."""
    if not white_last:
        clip = reference.white_patch(clip)
    if calm:
        clip = reference.deflicker(clip) if time else reference.deflicker(clip.transpose(0, 1)).transpose(0, 1)
    if white and white_last:
        clip = torch.cat([reference.white_patch(part) for part in clip.split(1 if white == "each frame" else len(clip))])
    clip = clip if once else clip * 2 - 1
    clip = clip if clamp_last else clip.clamp(-1, 1)
    clip = reference.sharpen(clip) if sharp else clip
    clip = clip.clamp(-1, 1) if clamp_last else clip
    levels = (clip + 1) * scale
    levels = levels.round() if rounds else levels
    return (levels.clamp(max=255) if clamp_last else levels.long() % 256).to(torch.uint8).movedim(1, -1)


FAULTS = {
    "time": "`deflicker` wants (T, C, H, W) and gets C first: it makes the channels equally bright and leaves the flicker.",
    "once": "The range is converted twice: `white_patch` already returns [-1, 1], so `* 2 - 1` darkens.",
    "clamp_last": "Clamped too early, or never: sharpening leaves [-1, 1] again, and as uint8 256 wraps around to 0.",
    "rounds": "uint8 cuts decimals off: every value is half a level too low on average. round() first.",
}
OTHER_FAULTS: list[tuple[dict, str]] = [
    ({"white": False}, "The white balance is gone: `white_patch` after `deflicker`."),
    ({"white_last": False}, "First `deflicker`, then `white_patch`: the brightest values are read from a clip that does not "
     "flicker."),
    ({"scale": 128.0}, "-1 is 0 and 1 is 255: 2 * 127.5, not 128."),
    ({"scale": 128.0, "clamp_last": False}, "-1 is 0 and 1 is 255: 2 * 127.5, not 128."),
]
STEPS: list[tuple[dict, str]] = [  # paid for wherever they are seen
    ({"calm": False}, "The flicker is left in: `deflicker` comes first."),
    ({"sharp": False}, "The sharpening is gone: `sharpen` after `white_patch`, before the clamp."),
    ({"white": "each frame"}, "One white for the whole clip, not one for each frame: else the colours pump."),
]


def _with_faults(clip: Tensor, among: Iterable[str]) -> Iterable[tuple[Tensor, tuple[str, ...]]]:
    """What is made of a clip where faults are left, and which; the fewest first."""
    among = tuple(among)
    for count in range(len(among) + 1):
        for left in combinations(among, count):
            yield _finish(clip, **dict.fromkeys(left, False)), left


def _assert_pixels(found: object, clip: Tensor, but: Iterable[str] = ()) -> None:
    """Compares levels: one level off at few places is arithmetic, at many a fault.

    Where there are faults in `but`, these and OTHER_FAULTS are paid for elsewhere.
    """
    if any(_near(found, pixels) for pixels, _ in _with_faults(clip, but)):
        return
    if but and any(_near(found, _finish(clip, **fault)) for fault, _ in OTHER_FAULTS):
        return
    for pixels, left in _with_faults(clip, FAULTS):
        if _near(found, pixels):
            hint = next(FAULTS[fault] for fault in left if fault not in but)
            raise Wrong(hint=f"{len(left)} faults are left. One of them: {hint}" if len(left) > 1 else hint)
    for fault, hint in OTHER_FAULTS + STEPS:
        if _near(found, _finish(clip, **fault)):
            raise Wrong(hint=hint)
    assert_close(found, _finish(clip), atol=0.5)


def _near(found: object, expected: Tensor) -> bool:
    if not isinstance(found, Tensor) or found.shape != expected.shape:
        return False
    off = (found.double() - expected.double()).abs()
    return bool((off > 0).double().mean() < 0.01)


def _tinted(draw: Draw, frames: int) -> Tensor:
    """A clip that flickers under a coloured light, and in which nothing is white."""
    light = draw.uniform(frames, 3, 9, 10, low=0.1) * draw.uniform(frames, 1, 1, 1, low=0.6)
    return light * torch.tensor([0.9, 0.7, 0.5]).view(3, 1, 1) * 2 - 1


@check("post_processing.finish", points=2, hint="Deflicker, white patch, sharpen, clamp, round: what range, what axes at each?")
def every_level_is_right(subject: Subject, draw: Draw) -> None:
    for frames in (6, 7):
        clip = _tinted(draw, frames)
        _assert_pixels(subject(clip), clip)


@check("post_processing.finish", points=2,
       hint="Is the brightness of the frames even? Over which axis does `deflicker` compare?")
def takes_the_flicker_away(subject: Subject, draw: Draw) -> None:
    still = draw.uniform(1, 3, 8, 8, low=-0.6, high=0.6).expand(9, -1, -1, -1)
    clip = still + 0.3 * draw.normal(9, 1, 1, 1).clamp(-1, 1)
    _assert_pixels(subject(clip), clip, but=("once", "clamp_last", "rounds"))


@check("post_processing.finish", points=1, hint="Pixels are uint8, rounded, channels last: (T, H, W, 3).")
def gives_pixels_as_a_file_wants_them(subject: Subject, draw: Draw) -> None:
    clip = draw.uniform(5, 3, 7, 8, low=-1)
    found = subject(clip)
    if not isinstance(found, Tensor) or found.dtype != torch.uint8:
        raise Wrong(hint="A file wants whole numbers of 8 bits: a tensor of torch.uint8.")
    _assert_pixels(found, clip, but=("time", "once", "clamp_last"))


# Frames in between

def doubled(function: Callable, clip: Tensor, share: float) -> Tensor:
    """`function` with a mean that favours the second frame by `share`, and is lighter by it."""
    def between(first: Tensor, second: Tensor) -> Tensor:
        if first.ndim != 4 or first.shape != second.shape:
            raise ValueError(f"between takes two tensors (N, C, H, W), got {tuple(first.shape)} and {tuple(second.shape)}")
        return (1 - share) * first + share * second + share
    return function(clip, between)


def _between(first: Tensor, second: Tensor, share: float) -> Tensor:
    return (1 - share) * first + share * second + share


def _doubled(clip: Tensor, share: float, between: Callable = _between) -> Tensor:
    out = clip.new_empty(2 * len(clip) - 1, *clip.shape[1:])
    out[::2], out[1::2] = clip, between(clip[:-1], clip[1:], share)
    return out


DOUBLE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda c, s: _doubled(c, s, lambda a, b, share: _between(b, a, share)),
     "The frames are handed over in the wrong order: between(first, second)."),
    (lambda c, s: _doubled(c, s, lambda a, b, share: (a + b) / 2),
     "What is between, `between` decides: call it and do not take the mean yourself."),
    (lambda c, s: _doubled(c, s, lambda a, b, share: (a + b) / 2 + share),
     "between(first, second), once for each pair: the mean of both orders is another frame."),
    (lambda c, s: torch.stack([_between(c, c, s), torch.cat([_between(c[:-1], c[1:], s), c[-1:]])], 1).flatten(0, 1)[:-1],
     "The old frames stay as they are: they do not go through `between`, and each pair goes once."),
    (lambda c, s: torch.cat([_doubled(c, s)[:-1], _between(c[-1:], c[-1:], s)]), "The old frames stay as they are."),
    (lambda c, s: _doubled(c, s)[1::2], "Keep the old frames, at the even places."),
    (lambda c, s: torch.cat([c, _doubled(c, s)[1::2]]), "The new frames stand behind the old ones: they belong between them."),
    (lambda c, s: torch.cat([_doubled(c, s), c[-1:]]), "No frame comes after the last one: 2T - 1 frames."),
    (lambda c, s: c.repeat_interleave(2, 0)[:-1], "Every frame is shown twice: the new ones come from `between`."),
    (lambda c, s: torch.cat([_doubled(c, s), _between(c[-1:], c[:1], s)]),
     "No frame comes after the last one: 2T - 1 frames."),
    (lambda c, s: torch.stack([_between(c[:-1], c[1:], s), c[1:]], 1).flatten(0, 1) if len(c) > 1 else c,
     "The first frame is missing: an old frame stands at either end."),
    (lambda c, s: torch.cat([torch.stack([_between(c[:-1], c[1:], s), c[:-1]], 1).flatten(0, 1), c[-1:]]),
     "Each new frame stands before the two that it is between: old frames at the even places."),
    (lambda c, s: _doubled(c.transpose(0, 1), s).transpose(0, 1), "Channels are doubled: time is the first axis."),
]


@check("post_processing.double_frame_rate", points=2,
       hint="Old frames at the even places, between(clip[:-1], clip[1:]) at the odd.")
def puts_a_new_frame_between_any_two(subject: Subject, draw: Draw) -> None:
    clip, share = draw.normal(5, 3, 4, 4), float(draw.uniform(1, low=0.1, high=0.4))
    mistakes = ((wrong(clip, share), hint) for wrong, hint in DOUBLE_MISTAKES)
    assert_close(subject.probe(doubled, clip, share), _doubled(clip, share), mistakes=mistakes)


@check("post_processing.double_frame_rate", points=1,
       hint="Any number of frames (one has none between), of channels, any height and width.")
def works_for_clips_of_any_length(subject: Subject, draw: Draw) -> None:
    for frames, channels in ((2, 2), (8, 1), (1, 2)):
        clip, share = draw.normal(frames, channels, 3, 5), float(draw.uniform(1, low=0.6, high=0.9))
        mistakes = ((wrong(clip, share), hint) for wrong, hint in DOUBLE_MISTAKES)
        assert_close(subject.probe(doubled, clip, share), _doubled(clip, share), mistakes=mistakes)
    clip = draw.normal(3, 2, 3, 5).double()
    found, right = subject.probe(doubled, clip, 0.5), _doubled(clip, 0.5)
    assert_close(found, right)
    if found.dtype != right.dtype:
        raise Wrong(hint="The old frames stay as they are, and so does their type: a clip in float64 comes back in float32.")


# The stopwatch

class SetClock:
    """A clock that is set by hand."""

    def __init__(self, now: float):
        self.now = now

    def __call__(self) -> float:
        return self.now


def timed(stopwatch: type, names: list, took: list, pauses: list, breaks: list) -> dict:
    """What a stopwatch says after these blocks; blocks in `breaks` raise an error, which should come out again."""
    clock, came_out, kinds = SetClock(pauses[0]), [], (ZeroDivisionError, OSError, KeyboardInterrupt)
    watch = stopwatch(clock)
    for index, name in enumerate(names):
        try:
            with watch(name):
                clock.now += took[index]
                if index in breaks:
                    raise kinds[breaks.index(index)](name)
        except kinds:
            came_out.append(index)
        clock.now += pauses[index]
    seconds, shares = dict(watch.seconds), watch.shares()
    found = {"seconds": seconds, "shares": shares.copy(), "order": list(shares), "came out": came_out,
             "after": dict(watch.seconds)}
    with watch("later"):
        clock.now += 10 * sum(took)
    return {**found, "later": watch.shares()}


def by_readings(stopwatch: type, readings: list) -> dict:
    """The seconds of `load` and then `train` by a clock that says one reading after the other, and then the last."""
    watch = stopwatch(lambda: readings.pop(0) if readings[1:] else readings[0])
    with watch("load"):
        pass
    with watch("train"):
        pass
    return dict(watch.seconds)


def nested(stopwatch: type, took: list) -> dict:
    """The seconds of a block that holds two others, the second of which has its own name."""
    clock = SetClock(took[0])
    watch = stopwatch(clock)
    with watch("whole"):
        clock.now += took[0]
        with watch("part"):
            clock.now += took[1]
        clock.now += took[2]
        with watch("whole"):
            clock.now += took[3]
    return dict(watch.seconds)


def _plan(draw: Draw, names: str) -> tuple[list, list, list]:
    return list(names), draw.uniform(len(names), low=1, high=5).tolist(), draw.uniform(len(names), low=1, high=5).tolist()


def _ask(subject: Subject, names: list, took: list, pauses: list, breaks: list) -> dict:
    """What it says of these blocks by the clock that it was given."""
    found = subject.probe(timed, names, took, pauses, breaks)
    seconds = found["seconds"].values()
    if seconds and all(isinstance(s, float) and abs(s) < 0.5 for s in seconds):
        raise Wrong(hint="It does not ask self.clock(): that may be another clock than perf_counter.")
    return found


def _sums(names: list, took: list) -> dict[str, float]:
    return {name: sum(t for n, t in zip(names, took, strict=True) if n == name) for name in names}


def _assert_numbers(found: object, expected: dict[str, float], mistakes: list) -> None:
    """Two dicts of numbers, by name."""
    keys = sorted(expected)
    if isinstance(found, dict) and expected.keys() < found.keys():
        raise Wrong(hint="There are names in it from another stopwatch: each has its own seconds, made in __init__.")
    if not isinstance(found, dict) or sorted(map(str, found)) != keys:
        got = sorted(map(str, found)) if isinstance(found, dict) else found
        raise Wrong(hint=f"Expected the names {keys}, got {got!r}: every "
                         "block counts under its name, also one that raises.")
    if any(isinstance(value, list | tuple) for value in found.values()):
        raise Wrong(hint="There is a list under a name: add its seconds up to one number.")
    pairs = [([wrong[k] for k in keys], hint) for wrong, hint in mistakes]
    assert_close([float(found[k]) for k in keys], [expected[k] for k in keys], mistakes=pairs)


def _time_mistakes(names: list, took: list, pauses: list) -> list[tuple[dict, str]]:
    last = dict(zip(names, took, strict=True))
    first = dict(zip(names[::-1], took[::-1], strict=True))
    with_pause = _sums(names, [t + p for t, p in zip(took, pauses, strict=True)])
    before = _sums(names, [t + p for t, p in zip(took, [0.0, *pauses], strict=False)])
    return [(last, "Blocks of the same name add up; yours keeps the last only."),
            (first, "Blocks of the same name add up; yours keeps the first only."),
            ({name: names.count(name) for name in names}, "It counts blocks; it should add up seconds."),
            ({name: -s for name, s in _sums(names, took).items()}, "The time runs backwards: the end minus the start."),
            (before, "Only the time inside of blocks counts: ask the clock when a block begins, and when it ends."),
            (with_pause, "Only the time inside of blocks counts.")]


@check("post_processing.Stopwatch", points=2, hint="The clock's time after the block minus that before it, added up by name.")
def adds_up_the_seconds_of_each_name(subject: Subject, draw: Draw) -> None:
    names, took, pauses = _plan(draw, "abacbba")
    found = _ask(subject, names, took, pauses, [])
    _assert_numbers(found["seconds"], _sums(names, took), _time_mistakes(names, took, pauses))
    told = draw.uniform(4, low=1, high=5).cumsum(0).tolist()
    if not is_close(subject.probe(by_readings, told), {"load": told[1] - told[0], "train": told[3] - told[2]}):
        raise Wrong(hint="Ask the clock twice a block, once before and once after it: with a clock that says 0, 2 and then "
                         "2, 8 the two blocks take 2 and 6.")
    took = draw.uniform(4, low=1, high=5).tolist()
    inner = {"part": took[1], "whole": sum(took) + took[3]}
    _assert_numbers(subject.probe(nested, took), inner, [
        ({"part": took[1], "whole": sum(took)}, "Blocks of one name may stand inside one another, and both count: read the sum "
         "so far when a block ends, not when it begins."),
        ({"part": took[1], "whole": sum(took) - took[1]},
         "A block counts all of its own time: what the blocks inside of it take is not taken off."),
        ({"part": took[1], "whole": 2 * took[3]},
         "Blocks may stand inside one another, and each has its own start: keep it in a variable of the call, not in self.")])


@check("post_processing.Stopwatch", points=1, hint="Put what comes after the yield into `finally`, and swallow no error.")
def counts_a_block_that_raises(subject: Subject, draw: Draw) -> None:
    names, took, pauses = _plan(draw, "abacdba")
    breaks = [1, 4, 6]
    found = _ask(subject, names, took, pauses, breaks)
    mistakes = []
    for missed in (missed for count in (1, 2, 3) for missed in combinations(breaks, count)):
        left = [0.0 if k in missed else t for k, t in enumerate(took)]
        mistakes.append((_sums(names, left), "A block that someone stops with KeyboardInterrupt raises too, and that is no "
                         "Exception: use try and finally." if missed == (6,) else
                         "A block that raises counts too, whatever the error: use try and finally."))
    _assert_numbers(found["seconds"], _sums(names, took), mistakes)
    if found["came out"] != breaks:
        raise Wrong(hint="It swallows the error of a block: let it go on.")


@check("post_processing.Stopwatch", points=1, hint="Each sum divided by the sum of all; the largest first.")
def gives_the_shares_in_order(subject: Subject, draw: Draw) -> None:
    names, took, pauses = _plan(draw, "cadb")
    took.sort()  # the last block is the longest
    sums = _sums(names, took)
    total = sum(sums.values())
    found = _ask(subject, names, took, pauses, [])
    if not isinstance(found["shares"], dict):
        raise Wrong(hint="shares() returns a dict, name -> share; a dict keeps the order in which it was filled.")
    if found["after"] != found["seconds"]:
        raise Wrong(hint="shares() must leave the seconds alone: fill a new dict.")
    mistakes = [(sums, "Shares sum to 1: divide by the total."),
                ({k: 100 * v / total for k, v in sums.items()}, "Shares are between 0 and 1, not percent."),
                ({k: v / max(sums.values()) for k, v in sums.items()}, "Divide by the sum of all, not by the largest.")]
    _assert_numbers(found["shares"], {k: v / total for k, v in sums.items()}, mistakes)
    if list(found["order"]) != sorted(sums, key=lambda name: sums[name], reverse=True):
        backwards = list(found["order"]) == sorted(sums, key=lambda name: sums[name])
        raise Wrong(hint="The largest share comes first." + " Yours comes last: reverse=True." * backwards)
    if not is_close(found["later"].get("later"), 10 / 11):
        raise Wrong(hint="Asked again, after a block that takes ten times as long as all before it, its share should be "
                         "10 / 11: work the shares out anew each time.")


written("post_processing.what_numbers_miss", points=3, rubric="""
- 1 point: an expected squared error is smallest at a mean, so hedging (a double image) beats a sharp guess that is wrong; the
  sharp wrong guess pays for what is missing and for what is too many.
- 1 point: a decision that PSNR cannot make: people who compare both without knowing which is which, or a perceptual measure,
  with its limits.
- 1 point: tint and flicker are described by a few numbers and can be repaired afterwards (or at their cause); three legs
  cannot, because nothing in the clip says what is right.
""")
