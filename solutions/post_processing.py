"""Chapter 11: making a generated clip fit to be seen: noise, flicker, colours, frame rate, joints.

Everything that is estimated from a clip (a gain, a mean, a histogram) is estimated once for all of its frames; from
each frame alone it would flicker. `psnr` here and `measures.clip_quality` measure before and after.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from time import perf_counter

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur


def psnr(clips: Tensor, reference: Tensor) -> Tensor:
    """Peak signal-to-noise ratio, in decibel; the peak is 2, from -1 to 1.

    Args:
        clips, reference: (..., T, C, H, W), in [-1, 1], of one shape.
    Returns:
        (...), one number a clip, infinite where both are equal.
    """
    error = (clips - reference).square().mean(dim=(-4, -3, -2, -1))
    return 10 * torch.log10(4 / error)


def neighbours(clip: Tensor, radius: int) -> Tensor:
    """Each frame with those around it: (T, C, H, W) to
    (2 * radius + 1, T, C, H, W); beyond the ends the end is repeated."""
    time = torch.arange(len(clip))
    offsets = torch.arange(-radius, radius + 1)[:, None]
    return clip[(time + offsets).clamp(0, len(clip) - 1)]


def temporal_median(clip: Tensor, radius: int = 1) -> Tensor:
    """Each pixel replaced by its median over neighbouring frames.

    What is there for one frame only (a scratch, a lost block) goes, and
    so does what moves through a pixel in one frame.

    Args:
        clip: (T, C, H, W).
        radius: frames before and after; beyond the ends of the clip
            its first and last frame are repeated.
    Returns:
        (T, C, H, W).
    """
    return neighbours(clip, radius).median(dim=0).values


def motion_gated_mean(
    clip: Tensor, radius: int = 2, threshold: float = 0.3
) -> Tensor:
    """The mean of each pixel over those neighbouring frames in which
    nothing moved there.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        radius: frames before and after; beyond the ends of the clip
            its first and last frame are repeated, and count each time.
        threshold: a frame counts at a pixel if it differs there by less:
            mean absolute difference over channels and 3 x 3 pixels; at
            the border of the picture, over those that there are.
            About twice the mean difference that noise makes, which is
            1.13 times its standard deviation.
    Returns:
        (T, C, H, W).
    """
    around = neighbours(clip, radius)
    change = (around - clip).abs().mean(dim=2)  # (2 * radius + 1, T, H, W)
    change = F.avg_pool2d(change, 3, 1, 1, count_include_pad=False)
    still = (change < threshold).unsqueeze(2)
    return (around * still).sum(dim=0) / still.sum(dim=0)


def deflicker(clip: Tensor, radius: int = 3) -> Tensor:
    """Brings each frame's mean to the mean of its neighbours' means.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        radius: frames before and after.
    Returns:
        (T, C, H, W), in [-1, 1].
    """
    level = clip.mean(dim=(1, 2, 3), keepdim=True)  # (T, 1, 1, 1)
    wanted = neighbours(level, radius).mean(dim=0)
    return (clip + wanted - level).clamp(-1, 1)


def grey_world(clip: Tensor) -> Tensor:
    """White balance, if the world is grey on average: one gain a channel
    that brings the three means together.

    Gains multiply light, which is 0 where the clip is -1.

    Args:
        clip: (T, 3, H, W), in [-1, 1].
    Returns:
        (T, 3, H, W), in [-1, 1].
    Source: Buchsbaum 1980.
    """
    light = (clip + 1) / 2
    mean = light.mean(dim=(0, 2, 3), keepdim=True)
    gain = mean.mean() / mean.clamp(min=1e-3)
    return (light * gain).clamp(0, 1) * 2 - 1


def white_patch(clip: Tensor, share: float = 0.005) -> Tensor:
    """White balance, if the brightest thing is white: one gain a channel
    that makes it so.

    Args:
        clip: (T, 3, H, W), in [-1, 1].
        share: of a channel's values that may be brighter than white; the
            very brightest may be noise.
    Returns:
        (T, 3, H, W), in [-1, 1].
    Source: Land and McCann 1971.
    """
    channels = (clip + 1).transpose(0, 1).flatten(1)  # (3, T * H * W)
    rank = round((1 - share) * channels.shape[1])
    white = channels.kthvalue(max(rank, 1), dim=1).values.clamp(min=1e-3)
    return (2 * (clip + 1) / white.view(1, 3, 1, 1)).clamp(0, 2) - 1


def transfer_colours(clip: Tensor, reference: Tensor) -> Tensor:
    """Gives each channel the mean and standard deviation that it has in
    the reference.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        reference: (T', C, H', W').
    Returns:
        (T, C, H, W), in [-1, 1].
    Source: Reinhard et al. 2001, there in the colour space l-alpha-beta.
    """
    axes = (0, 2, 3)
    both = clip, reference
    mean, wanted_mean = (x.mean(axes, keepdim=True) for x in both)
    std, wanted_std = (x.std(axes, keepdim=True) for x in both)
    scaled = (clip - mean) * wanted_std / std.clamp(min=1e-6) + wanted_mean
    return scaled.clamp(-1, 1)


def match_histograms(clip: Tensor, reference: Tensor) -> Tensor:
    """Gives each channel the distribution of values that it has in the
    reference; equal values stay equal.

    Args:
        clip: (T, C, H, W).
        reference: (T', C, H', W').
    Returns:
        (T, C, H, W), values between the reference's smallest and largest.
    """
    matched = []
    pairs = zip(clip.unbind(1), reference.unbind(1), strict=True)
    for channel, wanted in pairs:
        _, place, count = np.unique(
            channel.numpy(), return_inverse=True, return_counts=True)
        goals, goal_count = np.unique(wanted.numpy(), return_counts=True)
        rank = np.cumsum(count) / count.sum()
        goal_rank = np.cumsum(goal_count) / goal_count.sum()
        mapped = np.interp(rank, goal_rank, goals).astype(np.float32)
        mapped = mapped[place.reshape(channel.shape)]
        matched.append(torch.from_numpy(mapped))
    return torch.stack(matched, dim=1)


def blend_frames(first: Tensor, second: Tensor) -> Tensor:
    """The frames halfway between frames (N, C, H, W), by their mean:
    right where nothing moves, a double image where something does."""
    return (first + second) / 2


def motion_frames(
    first: Tensor, second: Tensor, reach: int = 4, window: int = 5
) -> Tensor:
    """The frames halfway between, each pixel taken along its motion.

    Of all motions (right, down) the one wins under which the window
    around a pixel looks most alike in the frame before, half the motion
    back, and in the frame after, the other half on. Between equals the
    shorter motion wins.

    Args:
        first, second: (N, C, H, W), neighbouring frames.
        reach: pixels that something moves at most, right or down.
        window: height and width of a window, odd.
    Returns:
        (N, C, H, W), the mean of both ends of each pixel's way.
    Source: the idea of bilateral motion estimation, Choi et al. 2000.
    """
    steps = range(-reach, reach + 1)
    motions = sorted(product(steps, steps), key=lambda m: m[0]**2 + m[1]**2)
    best, middle = torch.full_like(first[:, :1], torch.inf), first
    for right, down in motions:
        before = moved(first, right // 2, down // 2)
        after = moved(second, right // 2 - right, down // 2 - down)
        cost = (before - after).abs().mean(dim=1, keepdim=True)
        cost = F.avg_pool2d(
            cost, window, 1, window // 2, count_include_pad=False)
        better = cost < best - 1e-4
        best = torch.where(better, cost, best)
        middle = torch.where(better, (before + after) / 2, middle)
    return middle


def moved(images: Tensor, right: int, down: int) -> Tensor:
    """Images (N, C, H, W) moved by whole pixels; their edge is repeated."""
    reach, (height, width) = max(abs(right), abs(down)), images.shape[-2:]
    padded = F.pad(images, [reach] * 4, mode="replicate")
    top, left = reach - down, reach - right
    return padded[..., top:top + height, left:left + width]


def double_frame_rate(
    clip: Tensor, between: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    """A clip with a new frame between each two neighbours; the old ones
    stay.

    Args:
        clip: (T, C, H, W).
        between: frames (N, C, H, W) and those right behind them, to the
            N frames halfway; N may be 1.
    Returns:
        (2T - 1, C, H, W).
    """
    out = clip.new_empty(2 * len(clip) - 1, *clip.shape[1:])
    out[::2] = clip
    out[1::2] = between(clip[:-1], clip[1:])
    return out


def crossfade(first: Tensor, second: Tensor, overlap: int) -> Tensor:
    """Two clips in one: the end of the first melts into the start of the
    second.

    Args:
        first, second: (T, C, H, W) and (T', C, H, W).
        overlap: frames that melt. The second clip's share grows by equal
            steps, from 1 / (overlap + 1).
    Returns:
        (T + T' - overlap, C, H, W).
    Raises:
        ValueError: a clip is shorter than `overlap`, or that is below 1.
    """
    shorter = min(len(first), len(second))
    if not 1 <= overlap <= shorter:
        raise ValueError(f"expected an overlap of 1 to {shorter} frames, the "
                         f"shorter clip's length, got {overlap}")
    share = torch.arange(1, overlap + 1).view(-1, 1, 1, 1) / (overlap + 1)
    melting = (1 - share) * first[-overlap:] + share * second[:overlap]
    return torch.cat([first[:-overlap], melting, second[overlap:]])


def loop(clip: Tensor, overlap: int) -> Tensor:
    """A clip that can be played round and round: its end melts into its
    own start.

    Args:
        clip: (T, C, H, W).
        overlap: frames that melt, at most T // 2.
    Returns:
        (T - overlap, C, H, W); its first frame is frame `overlap`.
    """
    return crossfade(clip[overlap:], clip[:overlap], overlap)


def sharpen(clip: Tensor, amount: float = 0.5, sigma: float = 1.0) -> Tensor:
    """Unsharp masking: adds `amount` of what a blur takes away.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        sigma: of the Gaussian blur, in pixels.
    Returns:
        (T, C, H, W). Beside edges it leaves [-1, 1].
    """
    blurred = gaussian_blur(clip, [7, 7], [sigma, sigma])
    return clip + amount * (clip - blurred)


def finish(clip: Tensor) -> Tensor:
    """What a network gives, as the pixels of a file: flicker out, white
    balanced, sharpened.

    Args:
        clip: (T, 3, H, W), in [-1, 1].
    Returns:
        (T, H, W, 3), uint8: -1 is 0, 1 is 255, rounded to the nearest.
    """
    # BEGIN SOLUTION
    clip = deflicker(clip)
    clip = white_patch(clip)
    clip = sharpen(clip).clamp(-1, 1)
    levels = ((clip + 1) * 127.5).round()
    # STUB clip = deflicker(clip.transpose(0, 1)).transpose(0, 1)
    # STUB clip = white_patch(clip) * 2 - 1
    # STUB clip = sharpen(clip.clamp(-1, 1))
    # STUB levels = (clip + 1) * 127.5
    # END SOLUTION
    return levels.to(torch.uint8).movedim(1, -1)


class Stopwatch:
    """Adds up how long the named parts of a program take.

        watch = Stopwatch()
        with watch("load"):
            clips = load()
        with watch("train"):
            train(clips)
        print(watch.shares())

    Blocks may stand inside one another; each counts all of its own time.

    Args:
        clock: called without arguments, gives the time in seconds.
    Attributes:
        seconds: name -> the sum over all blocks of that name.
    """

    def __init__(self, clock: Callable[[], float] = perf_counter):
        self.clock = clock
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Times the block of a `with`; one that raises counts too."""
        # BEGIN SOLUTION
        start = self.clock()
        try:
            yield
        finally:
            took = self.clock() - start
            self.seconds[name] = self.seconds.get(name, 0.0) + took
        # END SOLUTION

    def shares(self) -> dict[str, float]:
        """Name -> its share of all seconds, the largest first."""
        # BEGIN SOLUTION
        total = sum(self.seconds.values())
        names = sorted(self.seconds, key=self.seconds.get, reverse=True)
        return {name: self.seconds[name] / total for name in names}
        # END SOLUTION


what_numbers_miss = """
PSNR is a mean of squared errors, and what minimises an expected squared error is the mean of all that could be there.
Where we do not know the position of a leg, the mean of both neighbouring frames hedges: two half-strong legs. A sharp leg
in a wrong place pays twice, for the leg that is missing and for the one too many. So blending wins although nobody would
call a double image the better frame. The comparison between frames whose motion is known (the sliding ground) comes out
the other way round.

To choose between the two I would ask people: show both versions side by side in random order, without names. A number
that compares the sharpness, or features of a trained network, of real and made frames would be nearer to what they say
than PSNR is.

The tint and the even flicker can be removed afterwards: a gain for each channel and an offset for each frame describe them
fully, and the picture beneath is all there. A person with three legs cannot: nothing in the clip says what is right.
That is for the generator and its training. And where the tint comes from the training (wrong ranges, say), it is better
repaired there: each repair afterwards also changes clips that had no fault.
"""
