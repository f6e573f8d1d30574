"""Answers to the exercises of chapter 11; the form is that of gan_losses.py."""
import math
from contextlib import contextmanager
from time import perf_counter

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from solutions import post_processing as reference
from solutions.post_processing import deflicker, neighbours, sharpen, white_patch

CLIP = (-4, -3, -2, -1)


def decibels(*, axes=CLIP, log=torch.log10, factor=10, peak=4, error=torch.square, after=lambda x: x):
    """An answer to `psnr`, put together from named parts."""
    return lambda clips, truth: after(factor * log(peak / error(clips - truth).mean(axes)))


def psnr_by_root(clips, reference):
    """Right: 20 log10 of the peak over the root mean square."""
    rms = (clips - reference).pow(2).flatten(-4).mean(-1).sqrt()
    return 20 * (math.log10(2) - torch.log10(rms))


def psnr_by_loss(clips, reference):
    """Right: torch's loss, element by element."""
    error = F.mse_loss(clips, reference, reduction="none").mean(-1).mean(-1).mean(-1).mean(-1)
    return -10 * torch.log(error / 4) / math.log(10)


def psnr_by_numpy(clips, reference):
    """Right: NumPy, the error of all clips as rows."""
    error = (clips - reference).reshape(*clips.shape[:-4], -1).numpy() ** 2
    with np.errstate(divide="ignore"):
        return torch.as_tensor(20 * np.log10(np.float32(2)) - 10 * np.log10(error.mean(-1)))


def ends(pad):
    """A median over a clip that is longer at both ends."""
    def variant(clip, radius=1):
        around = pad(clip, radius).unfold(0, 2 * radius + 1, 1)
        return around.median(-1).values
    return variant


def median_in_place(clip, radius=1):
    for t in range(len(clip)):
        clip[t] = neighbours(clip, radius)[:, t].median(0).values
    return clip


def median_fed_back(clip, radius=1):
    return median_in_place(clip.clone(), radius)


def median_by_kthvalue(clip, radius=1):
    """Right: frames beyond the ends laid on, the middle one by rank."""
    longer = torch.cat([clip[:1].repeat(radius, 1, 1, 1), clip, clip[-1:].repeat(radius, 1, 1, 1)])
    windows = torch.stack([longer[k:k + len(clip)] for k in range(2 * radius + 1)], -1)
    return windows.kthvalue(radius + 1, -1).values


def median_by_loop(clip, radius=1):
    """Right: frame by frame, sorted."""
    out = []
    for t in range(len(clip)):
        places = [min(max(t + k, 0), len(clip) - 1) for k in range(-radius, radius + 1)]
        out.append(clip[places].sort(dim=0).values[radius])
    return torch.stack(out)


def median_by_numpy(clip, radius=1):
    """Right: NumPy, padded with its ends."""
    padded = np.pad(clip.numpy(), [(radius, radius), (0, 0), (0, 0), (0, 0)], mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=0)
    return torch.from_numpy(np.median(windows, axis=-1))


def gate(clip, radius=2, threshold=0.3, *, window=3, pad=False, size=torch.abs, flip=False, count=True, channels=True,
         mean=False, own=False):
    """The gated mean, put together from named parts."""
    around = neighbours(clip, radius)
    change = size(around - clip)
    if channels:
        change = F.avg_pool2d(change.mean(2), window, 1, window // 2, count_include_pad=pad)[:, :, None]
    still = change >= threshold if flip else change < threshold
    if mean:
        return around.mean(0)
    if own:
        return torch.where(still, around, clip).mean(0)
    return (around * still).sum(0) / (still.sum(0) if count else len(around))


def gate_of(change, radius=2, pool=lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)):
    """The gated mean, by a change (2 * radius + 1, T, C, H, W) -> (2 * radius + 1, T, H, W)."""
    def variant(clip, radius=2, threshold=0.3):
        around = neighbours(clip, radius)
        still = (pool(change(around, clip)) < threshold)[:, :, None]
        return torch.where(still, around, torch.zeros(())).sum(0) / still.sum(0)
    return variant


def gate_without_ends(clip, radius=2, threshold=0.3):
    frames = []
    for t in range(len(clip)):
        around = clip[max(t - radius, 0):t + radius + 1]
        change = F.avg_pool2d((around - clip[t]).abs().mean(1), 3, 1, 1, count_include_pad=False)
        still = (change < threshold)[:, None]
        frames.append((around * still).sum(0) / still.sum(0))
    return torch.stack(frames)


def gate_by_weights(clip, radius=2, threshold=0.3):
    """Right: windows by unfold, votes as weights of an einsum."""
    around = neighbours(clip, radius)
    change = (around - clip).abs().mean(2)
    padded = F.pad(change, (1, 1, 1, 1), value=torch.nan)
    window = padded.unfold(2, 3, 1).unfold(3, 3, 1).flatten(-2).nanmean(-1)
    votes = torch.less(window, threshold).float()
    return torch.einsum("kthw,ktchw->tchw", votes / votes.sum(0), around)


def gate_by_loop(clip, radius=2, threshold=0.3):
    """Right: one neighbour after the other, a box filter by hand."""
    total, votes = torch.zeros_like(clip), torch.zeros_like(clip[:, :1])
    ones = torch.ones(1, 1, 3, 3)
    for k in range(-radius, radius + 1):
        other = clip[[min(max(t + k, 0), len(clip) - 1) for t in range(len(clip))]]
        change = (other - clip).abs().mean(1, keepdim=True)
        change = F.conv2d(change, ones, padding=1) / F.conv2d(torch.ones_like(change), ones, padding=1)
        vote = (change < threshold).float()
        total, votes = total + vote * other, votes + vote
    return total / votes


def gate_by_nan(clip, radius=2, threshold=0.3):
    """Right: what may not vote is NaN, and nanmean leaves it out."""
    around = neighbours(clip, radius)
    pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    change = torch.stack([pool((frames - clip).abs().mean(1)) for frames in around])
    return around.masked_fill((change >= threshold).unsqueeze(2), torch.nan).nanmean(0)


def grey(clip, *, axes=(0, 2, 3), wanted=lambda m: m.mean(), light=True, inverse=False, back=True, clamped=True, safe=True,
         least=1e-3):
    """Grey world, put together from named parts."""
    x = (clip + 1) / 2 if light else clip
    mean = x.mean(axes, keepdim=True)
    mean = mean.clamp(min=least) if safe and light else mean
    gain = wanted(x.mean(axes, keepdim=True)) / mean
    x = x / gain if inverse else x * gain
    x = x.clamp(0, 1) if clamped and light else x
    return (x * 2 - 1 if back and light else x).clamp(-1, 1) if clamped else x * 2 - 1


def grey_by_channel(clip):
    """Right: channel by channel, between 0 and 2."""
    out = clip.clone()
    means = [float((clip[:, c] + 1).mean()) for c in range(3)]
    for c in range(3):
        out[:, c] = torch.clamp((clip[:, c] + 1) * (sum(means) / 3 / max(means[c], 2e-3)), 0, 2) - 1
    return out


def grey_by_einsum(clip):
    """Right: a diagonal matrix on 0 to 255."""
    levels = (clip + 1) * 127.5
    mean = levels.permute(1, 0, 2, 3).reshape(3, -1).mean(1)
    gains = torch.diag(mean.mean() / mean.clamp(min=0.255))
    return torch.einsum("dc,tchw->tdhw", gains, levels).clamp(max=255) / 127.5 - 1


def grey_of(level):
    """Grey world by another level of a channel than its mean."""
    def variant(clip):
        light = (clip + 1) / 2
        of = level(light.transpose(0, 1).flatten(1)).view(1, 3, 1, 1)
        return (light * of.mean() / of.clamp(min=1e-3)).clamp(0, 1) * 2 - 1
    return variant


def grey_in_place(clip):
    clip += 1
    mean = clip.mean((0, 2, 3), keepdim=True)
    return (clip * mean.mean() / mean.clamp(min=2e-3)).clamp(0, 2) - 1


def grey_by_lists(clip):
    """Right: means by a running sum over frames, a black channel skipped."""
    light = clip.add(1).div(2)
    means = torch.stack([frame.mean((1, 2)) for frame in light]).mean(0)
    gains = torch.where(means > 0, means.mean() / means.where(means > 0, torch.ones(3)), torch.ones(3))
    return torch.clip(light * gains[None, :, None, None], max=1).mul(2).sub(1)


def offset(clip):
    mean = clip.mean((0, 2, 3), keepdim=True)
    return (clip + mean.mean() - mean).clamp(-1, 1)


def ended(clip, *, time=True, once=True, early=False, late=True, rounds=True, pixels=True, last=True):
    """`finish`, put together from named parts."""
    clip = deflicker(clip) if time else deflicker(clip.transpose(0, 1)).transpose(0, 1)
    clip = white_patch(clip) if once else white_patch(clip) * 2 - 1
    clip = sharpen(clip.clamp(-1, 1)) if early else sharpen(clip)
    levels = ((clip.clamp(-1, 1) if late else clip) + 1) * 127.5
    levels = levels.round() if rounds else levels
    levels = levels.long() % 256 if not late else levels
    levels = levels.to(torch.uint8) if pixels else levels
    return levels.movedim(1, -1) if last else levels


def ended_otherwise(*, balance=lambda c: white_patch(deflicker(c)), scale=127.5, sharp=sharpen, top=255):
    """`finish` by other steps."""
    return lambda clip: ((sharp(balance(clip)).clamp(-1, 1) + 1) * scale).round().clamp(max=top).to(torch.uint8).movedim(1, -1)


def ended_frame_by_frame(clip):
    """Right: the last steps frame by frame."""
    frames = [sharpen(frame[None])[0].permute(1, 2, 0) for frame in white_patch(deflicker(clip))]
    return torch.stack([torch.round((frame.clamp(min=-1, max=1) + 1) / 2 * 255).byte() for frame in frames])


def ended_in_levels(clip):
    """Right: clamped as levels, half added and cut off."""
    levels = 127.5 * sharpen(white_patch(deflicker(clip))) + 127.5
    return levels.add(0.5).floor().clamp(0, 255).byte().permute(0, 2, 3, 1)


def ended_in_numpy(clip):
    """Right: NumPy's clip and rint."""
    levels = (sharpen(white_patch(deflicker(clip))).numpy() + 1) / 2 * 255
    return torch.from_numpy(np.rint(np.clip(levels, 0, 255)).astype(np.uint8)).permute(0, 2, 3, 1).contiguous()


def doubled_by_stack(clip, between):
    """Right: pairs, laid flat, and the last frame behind."""
    pairs = torch.stack([clip[:-1], between(clip[:-1], clip[1:])], dim=1)
    return torch.cat([pairs.flatten(0, 1), clip[-1:]])


def doubled_by_loop(clip, between):
    """Right: one gap after the other."""
    frames = [clip[:1]]
    for t in range(1, len(clip)):
        frames += [between(clip[t - 1:t], clip[t:t + 1]), clip[t:t + 1]]
    return torch.cat(frames)


def doubled_by_zeros(clip, between):
    """Right: places first, then what belongs there."""
    out = torch.zeros(len(clip) + max(len(clip) - 1, 0), *clip.shape[1:], dtype=clip.dtype)
    places = torch.arange(len(clip))
    out[2 * places] = clip
    if len(clip) > 1:
        out[2 * places[1:] - 1] = between(clip[places[:-1]], clip[places[1:]])
    return out


class Watch:
    """A stopwatch, put together from named parts."""

    adds, guards, swallows, backwards, counts, scale, of_largest, sorts, divides = (
        True, True, False, False, False, 1, False, True, True)

    def __init__(self, clock=perf_counter):
        self.clock, self.seconds = clock, {}

    @contextmanager
    def __call__(self, name):
        start = self.clock()
        if not self.guards:
            yield
            self.note(name, self.clock() - start)
            return
        try:
            yield
        except Exception:
            if not self.swallows:
                raise
        finally:
            self.note(name, self.clock() - start)

    def note(self, name, took):
        took = 1 if self.counts else -took if self.backwards else took
        self.seconds[name] = took + (self.seconds.get(name, 0) if self.adds else 0)

    def shares(self):
        total = max(self.seconds.values()) if self.of_largest else sum(self.seconds.values())
        total = total if self.divides else 1
        shares = {name: self.scale * s / total for name, s in self.seconds.items()}
        return dict(sorted(shares.items(), key=lambda pair: -pair[1])) if self.sorts else shares


def watch(**parts):
    return type("Watch", (Watch,), parts)


class OneStart(Watch):
    """Wrong: the start of a block is kept in the object, where a block inside of it overwrites it."""

    @contextmanager
    def __call__(self, name):
        self.start = self.clock()
        try:
            yield
        finally:
            self.note(name, self.clock() - self.start)


class OfItsOwn(Watch):
    """Wrong: it asks a clock of its own."""

    @contextmanager
    def __call__(self, name):
        start = perf_counter()
        try:
            yield
        finally:
            self.note(name, perf_counter() - start)


class Lists(Watch):
    """Wrong: all times of a name in a list."""

    def note(self, name, took):
        self.seconds.setdefault(name, []).append(took)

    def shares(self):
        sums = {name: sum(times) for name, times in self.seconds.items()}
        return {name: sums[name] / sum(sums.values()) for name in sorted(sums, key=sums.get, reverse=True)}


class Pairs(Watch):
    """Wrong: shares as a list of pairs."""

    def shares(self):
        return list(super().shares().items())


class Spends(Watch):
    """Wrong: the seconds are divided where they stand."""

    def shares(self):
        total = sum(self.seconds.values())
        for name in self.seconds:
            self.seconds[name] /= total
        return dict(sorted(self.seconds.items(), key=lambda pair: -pair[1]))


class SmallestFirst(Watch):
    """Wrong: sorted, and not turned round."""

    def shares(self):
        return dict(sorted(super().shares().items(), key=lambda pair: pair[1]))


class ByStack(Watch):
    """Right: the starts of blocks that are open, on a stack."""

    @contextmanager
    def __call__(self, name):
        self.__dict__.setdefault("open", []).append(self.clock())
        try:
            yield self
        finally:
            self.seconds[name] = self.seconds.setdefault(name, 0.0) + self.clock() - self.open.pop()

    def shares(self):
        total, left, shares = sum(self.seconds.values()), dict(self.seconds), {}
        while left:
            name = max(left, key=left.get)
            shares[name] = left.pop(name) / total
        return shares


class OneKindOnly(Watch):
    """Wrong: only the errors that it foresees count."""

    @contextmanager
    def __call__(self, name):
        start = self.clock()
        try:
            yield
        except OSError:
            self.note(name, self.clock() - start)
            raise
        else:
            self.note(name, self.clock() - start)


class ExceptionsOnly(Watch):
    """Wrong: what is no Exception, such as KeyboardInterrupt, does not count."""

    @contextmanager
    def __call__(self, name):
        start = self.clock()
        try:
            yield
        except Exception:
            self.note(name, self.clock() - start)
            raise
        self.note(name, self.clock() - start)


class Shared(Watch):
    """Wrong: one dict for all objects."""

    everything: dict = {}

    def __init__(self, clock=perf_counter):
        self.clock, self.seconds = clock, self.everything


class OwnTimeOnly(Watch):
    """Wrong: the time of blocks inside is taken off."""

    @contextmanager
    def __call__(self, name):
        start, inside = self.clock(), self.__dict__.setdefault("inside", [0.0])
        inside.append(0.0)
        try:
            yield
        finally:
            took = self.clock() - start
            self.note(name, took - inside.pop())
            inside[-1] += took


class NeverStops(Watch):
    """Wrong: the time since it was made, not since the block began."""

    def __init__(self, clock=perf_counter):
        super().__init__(clock)
        self.before = clock()

    @contextmanager
    def __call__(self, name):
        try:
            yield
        finally:
            now = self.clock()
            self.seconds[name] = self.seconds.get(name, 0) + now - self.before
            self.before = now


class Block:
    """One block of `ByClass`."""

    def __init__(self, watch, name):
        self.watch, self.name = watch, name

    def __enter__(self):
        self.start = self.watch.clock()

    def __exit__(self, *error):
        self.watch.seconds.setdefault(self.name, 0.0)
        self.watch.seconds[self.name] += self.watch.clock() - self.start
        return False


class ByClass(Watch):
    """Right: a context manager written as a class."""

    def __call__(self, name):
        return Block(self, name)


class AsksAgain(Watch):
    """Wrong: it asks the clock more often than it must."""

    @contextmanager
    def __call__(self, name):
        self.began = self.clock()
        start = self.clock()
        try:
            yield
        finally:
            self.note(name, self.clock() - start)


def doubled_in_float32(clip, between):
    """Wrong: a clip of another type is rounded."""
    out = torch.zeros(2 * len(clip) - 1, *clip.shape[1:])
    out[::2], out[1::2] = clip, between(clip[:-1], clip[1:])
    return out


class KeepsShares(Watch):
    """Wrong: the shares of the first asking."""

    kept = None

    def shares(self):
        self.kept = self.kept or super().shares()
        return self.kept


RIGHT = {
    "post_processing.psnr": {"root": psnr_by_root, "loss": psnr_by_loss, "numpy": psnr_by_numpy},
    "post_processing.temporal_median": {"loop": median_by_loop, "numpy": median_by_numpy, "kthvalue": median_by_kthvalue},
    "post_processing.motion_gated_mean": {"loop": gate_by_loop, "nan": gate_by_nan, "weights": gate_by_weights},
    "post_processing.grey_world": {"by channel": grey_by_channel, "einsum": grey_by_einsum, "lists": grey_by_lists},
    "post_processing.finish": {"in levels": ended_in_levels, "in numpy": ended_in_numpy,
                               "frame by frame": ended_frame_by_frame},
    "post_processing.double_frame_rate": {"stack": doubled_by_stack, "loop": doubled_by_loop, "zeros": doubled_by_zeros},
    "post_processing.Stopwatch": {"parts": Watch, "a class": ByClass, "a stack": ByStack},
}

WRONG = {
    "post_processing.psnr": {
        "peak 1": (decibels(peak=1), "peak is 2"),
        "natural logarithm": (decibels(log=torch.log), "log10, not log"),
        "factor 20": (decibels(factor=20), "not 20 of the squares"),
        "peak not squared": (decibels(peak=2), "peak is squared"),
        "mean of frames": (decibels(axes=(-3, -2, -1), after=lambda x: x.mean(-1)), "mean over the whole clip"),
        "each frame": (decibels(axes=(-3, -2, -1)), "mean runs over its frames"),
        "whole batch": (lambda a, b: decibels(axes=tuple(range(a.ndim)))(a, b), "each clip of a batch"),
        "mean of the batch": (decibels(after=lambda x: x.mean()), "no mean over the batch"),
        "absolute": (decibels(factor=20, peak=2, error=torch.abs), "squared before the mean"),
        "upside down": (lambda a, b: -decibels()(a, b), "Upside down"),
        "finite for equals": (lambda a, b: decibels(error=lambda e: e.square() + 1e-10)(a, b), "infinitely many decibels"),
        "clamped": (lambda a, b: decibels()(a, b).clamp(max=100), "infinitely many decibels"),
        "squeezed": (lambda a, b: decibels()(a, b).squeeze(), "drops the axis of the batch"),
        "own peak": (lambda a, b: 10 * torch.log10((b.max() - b.min()) ** 2 / (a - b).square().mean(CLIP)), "the range allows"),
        "a float": (lambda a, b: decibels()(a, b).item() if a.ndim == 4 else decibels()(a, b), "No item()"),
        "a tolerance": (lambda a, b: decibels(error=lambda e: torch.where(e.abs() < 1e-3, 0, e.square()))(a, b), "do differ"),
        "cancels": (lambda a, b: 10 * torch.log10(4 / (a - b).mean(CLIP).square()), "errors of both signs"),
        "sum": (lambda a, b: 10 * torch.log10(4 / (a - b).square().sum(CLIP)), "not its sum"),
    },
    "post_processing.temporal_median": {
        "squeezed": (lambda c, radius=1: reference.temporal_median(c, radius).squeeze(0), "clip of one frame"),
        "mean": (lambda c, radius=1: neighbours(c, radius).mean(0), "That is the mean"),
        "fixed radius": (lambda c, radius=1: reference.temporal_median(c, 1), "ignores the radius"),
        "round and round": (lambda c, radius=1: torch.stack(
            [c.roll(k, 0) for k in range(-radius, radius + 1)]).median(0).values, "no neighbour of the last"),
        "channels": (lambda c, radius=1: reference.temporal_median(c.transpose(0, 1), radius).transpose(0, 1), "channels"),
        "wrong axis": (lambda c, radius=1: neighbours(c, radius).median(1).values, "wrong axis"),
        "whole clip": (lambda c, radius=1: c.median(0, keepdim=True).values.expand_as(c), "One median for the whole clip"),
        "one number": (lambda c, radius=1: neighbours(c, radius).median(), "Expected shape"),
        "the past": (lambda c, radius=1: neighbours(c, radius)[:radius + 1].median(0).values, "Only the frames before"),
        "reflected": (ends(lambda c, r: torch.from_numpy(np.pad(c.numpy(), [(r, r)] + 3 * [(0, 0)], "reflect"))), "goes back"),
        "zeros": (ends(lambda c, r: F.pad(c, (0,) * 6 + (r, r))), "puts zeros"),
        "cut": (lambda c, radius=1: torch.stack([c[max(t - radius, 0):t + radius + 1].median(0).values for t in range(len(c))]),
                "leaves them out"),
        "in place": (median_in_place, "changed already"),
        "fed back": (median_fed_back, "changed already"),
        "both results": (lambda c, radius=1: tuple(neighbours(c, radius).median(0)), "Expected a tensor"),
    },
    "post_processing.motion_gated_mean": {
        "no gate": (lambda *a: gate(*a, mean=True), "makes ghosts"),
        "no more than": (lambda c, r=2, t=0.3: reference.motion_gated_mean(c, r, t * (1 + 1e-6)), "not <="),
        "abs of the mean": (gate_of(lambda a, c: (a - c).mean(2).abs()), "cancel"),
        "a gate per channel": (lambda *a: torch.cat([gate(x, *a[1:]) for x in a[0].split(1, 1)], 1), "for all of its channels"),
        "gate reversed": (lambda *a: gate(*a, flip=True), "wrong way round"),
        "single pixels": (lambda *a: gate(*a, window=1), "window is missing"),
        "padding counts": (lambda *a: gate(*a, pad=True), "count_include_pad"),
        "no abs": (lambda *a: gate(*a, size=lambda x: x), "abs()"),
        "each channel": (lambda *a: gate(*a, channels=False), "One vote a pixel"),
        "divided by all": (lambda *a: gate(*a, count=False), "by the number of frames that vote"),
        "replaced": (lambda *a: gate(*a, own=True), "left out of the mean"),
        "edge repeated": (gate_of(lambda a, c: F.pad((a - c).abs().mean(2), (1,) * 4, mode="replicate"),
                                  pool=lambda x: F.avg_pool2d(x, 3, 1)), "repeat none"),
        "ends left out": (gate_without_ends, "vote as often"),
        "five": (lambda *a: gate(*a, window=5), "3 × 3"),
        "squares": (gate_of(lambda a, c: (a - c).square().mean(2)), "no squares"),
        "largest channel": (gate_of(lambda a, c: (a - c).abs().amax(2)), "not the largest"),
        "sum of channels": (gate_of(lambda a, c: (a - c).abs().sum(2)), "not their sum"),
        "largest of the window": (gate_of(lambda a, c: (a - c).abs().mean(2), pool=lambda x: F.max_pool2d(x, 3, 1, 1)),
                                  "not the largest"),
        "step by step": (gate_of(lambda a, c: (a - a.roll(1, 0)).abs().mean(2)), "with the frame itself"),
        "fixed": (lambda c, r=2, t=0.3: gate(c, 2, 0.3), "ignores"),
        "untouched": (lambda c, r=2, t=0.3: c, "as it was"),
    },
    "post_processing.grey_world": {
        "stopped by black": (lambda c: c if (c == -1).all((0, 2, 3)).any() else reference.grey_world(c), "should be"),
        "each frame": (lambda c: grey(c, axes=(2, 3), wanted=lambda m: m.mean(1, keepdim=True)), "One gain for each frame"),
        "each frame to one": (lambda c: grey(c, axes=(2, 3)), "One gain for each frame"),
        "values, not light": (lambda c: grey(c, light=False), "gain is on light"),
        "offset": (offset, "adds an offset"),
        "upside down": (lambda c: grey(c, inverse=True, clamped=True), "upside down"),
        "stays light": (lambda c: grey(c, back=False), "bring it back"),
        "no clamp": (lambda c: grey(c, clamped=False), "leave [-1, 1]"),
        "to a half": (lambda c: grey(c, wanted=lambda m: 0.5), "become 0.5"),
        "to the largest": (lambda c: grey(c, wanted=lambda m: m.amax()), "not at the largest"),
        "one gain": (lambda c: grey(c, axes=(0, 1, 2, 3)), "One gain for all channels"),
        "to green": (lambda c: grey(c, wanted=lambda m: m[:, 1]), "not at green's"),
        "to luma": (lambda c: grey(c, wanted=lambda m: m.flatten() @ torch.tensor([0.299, 0.587, 0.114])), "luma"),
        "medians": (grey_of(lambda x: x.median(1).values), "not its median"),
        "spreads": (grey_of(lambda x: x.std(1)), "not the spreads"),
        "in place": (grey_in_place, "changes `clip` in place"),
        "divides by 0": (lambda c: grey(c, safe=False), "NaN"),
        "clamped at a tenth": (lambda c: grey(c, least=0.1), "a dark channel's mean is small"),
        "grey for black": (lambda c: grey(c, safe=False).nan_to_num(), "What is black stays black"),
    },
    "post_processing.finish": {
        "as found": (lambda c: ended(c, time=False, once=False, early=True, late=False, rounds=False), "4 faults are left"),
        "two left": (lambda c: ended(c, time=False, rounds=False), "2 faults are left"),
        "no deflicker": (ended_otherwise(balance=white_patch), "flicker is left in"),
        "not sharpened": (ended_otherwise(sharp=lambda c: c), "sharpening is gone"),
        "no white": (ended_otherwise(balance=deflicker), "white balance is gone"),
        "white first": (ended_otherwise(balance=lambda c: deflicker(white_patch(c))), "First `deflicker`"),
        "times 128": (ended_otherwise(scale=128), "not 128"),
        "grey world": (ended_otherwise(balance=lambda c: reference.grey_world(deflicker(c))), "Is it this?"),
        "T and C": (lambda c: ended(c, time=False), "gets C first"),
        "twice": (lambda c: ended(c, once=False), "converted twice"),
        "clamped early": (lambda c: ended(c, early=True, late=False), "Clamped too early"),
        "never clamped": (lambda c: ended(c, late=False), "or never"),
        "cut off": (lambda c: ended(c, rounds=False), "half a level"),
        "floats": (lambda c: ended(c, pixels=False), "torch.uint8"),
        "channels first": (lambda c: ended(c, last=False), "Expected shape"),
    },
    "post_processing.double_frame_rate": {
        "always float32": (doubled_in_float32, "comes back in float32"),
        "old ones too": (lambda c, b: b(*(c.repeat_interleave(2, 0)[k:][:2 * len(c) - 1] for k in (0, 1))), "The old frames"),
        "squeezed": (lambda c, b: doubled_by_stack(c, lambda x, y: torch.stack(
            [b(m[None], n[None]).squeeze() for m, n in zip(x, y, strict=True)]) if len(x) else x), "Any number of frames"),
        "order": (lambda c, b: doubled_by_stack(c, lambda x, y: b(y, x)), "wrong order"),
        "always the mean": (lambda c, b: doubled_by_stack(c, lambda x, y: (x + y) / 2), "do not take the mean yourself"),
        "new ones only": (lambda c, b: b(c[:-1], c[1:]), "Keep the old frames"),
        "behind": (lambda c, b: torch.cat([c, b(c[:-1], c[1:])]), "stand behind"),
        "one too many": (lambda c, b: torch.cat([doubled_by_stack(c, b), c[-1:]]), "2T - 1"),
        "a loop": (lambda c, b: torch.cat([doubled_by_stack(c, b), b(c[-1:], c[:1])]), "2T - 1"),
        "first one lost": (lambda c, b: doubled_by_stack(c, b)[1:], "first frame is missing"),
        "before": (lambda c, b: torch.cat([torch.stack([b(c[:-1], c[1:]), c[:-1]], 1).flatten(0, 1), c[-1:]]), "stands before"),
        "three channels": (lambda c, b: doubled_by_stack(c, b)[:, [0, -1, -1]], "Expected shape"),
        "twice each": (lambda c, b: c.repeat_interleave(2, 0)[:-1], "shown twice"),
        "channels": (lambda c, b: doubled_by_stack(c.transpose(0, 1), b).transpose(0, 1), "Channels are doubled"),
        "single frames": (lambda c, b: doubled_by_stack(c, lambda x, y: torch.stack(
            [b(m, n) for m, n in zip(x, y, strict=True)])), "between takes"),
    },
    "post_processing.Stopwatch": {
        "shares kept": (KeepsShares, "work the shares out anew"),
        "asks again": (AsksAgain, "Ask the clock twice"),
        "keeps the last": (watch(adds=False), "keeps the last"),
        "no finally": (watch(guards=False), "raises"),
        "Exceptions only": (ExceptionsOnly, "KeyboardInterrupt"),
        "shared by all": (Shared, "another stopwatch"),
        "inner time taken off": (OwnTimeOnly, "is not taken off"),
        "swallows": (watch(swallows=True), "swallows"),
        "backwards": (watch(backwards=True), "runs backwards"),
        "counts": (watch(counts=True), "counts blocks"),
        "pauses count": (NeverStops, "inside of blocks"),
        "one start": (OneStart, "inside one another"),
        "one kind of error": (OneKindOnly, "whatever the error"),
        "its own clock": (OfItsOwn, "self.clock()"),
        "lists": (Lists, "add its seconds up"),
        "pairs": (Pairs, "returns a dict"),
        "spends the seconds": (Spends, "leave the seconds alone"),
        "smallest first": (SmallestFirst, "reverse=True"),
        "percent": (watch(scale=100), "not percent"),
        "of the largest": (watch(of_largest=True), "not by the largest"),
        "seconds": (watch(divides=False), "Shares sum to 1"),
        "unordered": (watch(sorts=False), "largest share comes first"),
    },
}
