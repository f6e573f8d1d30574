"""Checks of chapter 1."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import pipeline as reference

from . import Draw, Subject, Wrong, assert_close, check, is_close, may_change, written

# A clip from pixels

SIXTEEN_BITS = "Numbers of 16 bits are too coarse for 256 levels: a clip is float32, x.float()."


@check("pipeline.clip_from_pixels", points=3, hint="Channels before height and width; 0 becomes -1 and 255 becomes 1.")
def moves_the_channels_and_spans_the_range(subject: Subject, draw: Draw) -> None:
    for low, high in ((20, 230), (0, 256), (0, 2)):
        pixels = draw.integers(low, high, 5, 6, 9, 3).to(torch.uint8)
        right = reference.clip_from_pixels(pixels.numpy())
        assert_close(subject(pixels.numpy()), right, mistakes=_pixel_mistakes(pixels, right))


def _pixel_mistakes(pixels: Tensor, right: Tensor) -> list[tuple[Tensor, str]]:
    low, high = right.min(), right.max()
    own_range = "255 becomes 1, also in a clip where no pixel is white: divide by 255, not by the largest value that is there."
    return [
        ((right + 1) / 2, "This is in [0, 1]. Clips are in [-1, 1]: times 2, minus 1."),
        ((right + 1) * 127.5, "The values are still those of the pixels, 0 to 255: bring them to [-1, 1]."),
        ((right + 1) * 127.5 / 128 - 1, "255 must become exactly 1: 255 is the largest value, not 256."),
        (right.movedim(1, -1), "The channels are still last: (T, H, W, C) becomes (T, C, H, W)."),
        (right.transpose(2, 3), "Height and width are exchanged: move the channel axis and leave the others in order."),
        (right.movedim(1, -1).reshape(right.shape), "A reshape only counts the numbers anew, and pixels end up in wrong "
         "places. Move the axis: movedim or permute."),
        (right.movedim(0, 1), "T and C are exchanged: time stays first."),
        ((pixels.movedim(-1, 1) * 2).float() / 255 - 1, "Whole numbers of 8 bits overflow at 256: make them floats "
         "before you multiply."),
        (right.flip(1), "Red and blue are exchanged."),
        (-right, "Black and white are exchanged: 0 becomes -1 and 255 becomes 1."),
        ((right - low) / (high - low) * 2 - 1, own_range),
        ((right + 1) / (high + 1) * 2 - 1, own_range),
        (right.half(), SIXTEEN_BITS),
        (right.bfloat16(), SIXTEEN_BITS),
        (((pixels.half() / 127.5) - 1).movedim(-1, 1), SIXTEEN_BITS),
        ((right - right.mean()) / right.std(), "This is standardised by mean and spread. A clip is in [-1, 1]: 0 becomes -1, "
         "255 becomes 1."),
    ]


@check("pipeline.clip_from_pixels", points=1,
       hint="A clip is float32, also one of a single frame: x.float(), or divide by a plain number.")
def gives_floats_of_32_bits(subject: Subject, draw: Draw) -> None:
    for length in (2, 1):
        pixels = draw.integers(0, 256, length, 4, 3, 3).to(torch.uint8).numpy()
        mine, right = subject(pixels), reference.clip_from_pixels(pixels)
        assert_close(mine, right, mistakes=[(right[0], "A video of one frame keeps its time axis: (1, 3, H, W).")])
    if torch.as_tensor(mine).dtype != torch.float32:
        raise Wrong(hint=f"Expected float32, got {torch.as_tensor(mine).dtype}. Networks compute in 32 bits: x.float().")


# Resize and crop

def _scaled(clip: Tensor, shape: tuple[int, int], *, antialias: bool = True) -> Tensor:
    return F.interpolate(clip, shape, mode="bilinear", antialias=antialias)


def _middle(clip: Tensor, size: int) -> Tensor:
    top, left = (clip.shape[2] - size) // 2, (clip.shape[3] - size) // 2
    return clip[:, :, top:top + size, left:left + size]


def _crop_mistakes(clip: Tensor, size: int) -> list[tuple[Tensor, str]]:
    height, width = clip.shape[2:]
    shorter, longer = min(height, width), max(height, width)
    shape = height * size // shorter, width * size // shorter
    ends = _scaled(clip, shape)
    inside = _scaled(clip, (height * size // longer, width * size // longer))
    bicubic = _middle(F.interpolate(clip, shape, mode="bicubic", antialias=True), size)
    one_edge = [(_middle(_scaled(clip, (height * size // edge, width * size // edge)), size), f"You brought the {name} to the "
                 "size, also where it is the longer edge. Take the shorter one.")
                for edge, name in ((height, "height"), (width, "width"))]
    return [
        *one_edge,
        (ends, "The middle square is still to be cut out."),
        (_scaled(clip, (size, size)), "Everything is squeezed into a square: circles become eggs. Keep the shape, then cut."),
        (_middle(F.interpolate(clip, shape, mode="area"), size), "This takes the plain mean of the pixels (area). Ask for "
         "mode=\"bilinear\" with antialias."),
        (bicubic, "This is bicubic. Ask for mode=\"bilinear\"."),
        (bicubic.clamp(-1, 1), "This is bicubic. Ask for mode=\"bilinear\"."),
        (_middle(F.interpolate(clip, shape, mode="bilinear", antialias=True, align_corners=True), size), "No align_corners: it "
         "puts the first pixel of the small picture upon the first of the large one."),
        (_middle(F.interpolate(clip, shape, mode="bilinear", align_corners=True), size), "Without align_corners, and with "
         "antialias=True."),
        (_middle(_scaled(clip, shape, antialias=False), size), "antialias=True is missing: without it most pixels are "
         "skipped and fine patterns flicker."),
        (_middle(F.interpolate(clip, shape), size), "This takes the nearest pixel. Ask for mode=\"bilinear\" with antialias."),
        (_middle(clip, size), "Nothing was resized: you cut a small piece out of the middle."),
        (ends[:, :, :size, :size], "This is the square at the top left: cut out the middle."),
        (ends[:, :, -size:, -size:], "This is the square at the bottom right: cut out the middle."),
        (_scaled(_middle(clip, shorter), (size, size)), "You cut first. Then the resizing lacks the neighbours at the edge of "
         "the square: resize first."),
        (inside, "You brought the longer edge to the size: the square does not fit any more. Take the shorter one."),
    ]


def _crops(subject: Subject, draw: Draw, sizes: list[tuple[int, int, int]]) -> None:
    for i, (height, width, size) in enumerate(sizes):
        clip = draw.uniform(3 - i, 3 - i, height, width, low=-1)
        mine, right = subject(clip, size), reference.resize_and_crop(clip, size)
        other = reference.resize_and_crop(clip.flip(2, 3), size).flip(2, 3)  # where a pixel is left over, either middle is one
        if not is_close(mine, other, atol=1e-4):
            assert_close(mine, right, mistakes=_crop_mistakes(clip, size), atol=1e-4)


@check("pipeline.resize_and_crop", points=2, hint="The shorter edge becomes size; then cut the middle square.")
def a_wide_clip_loses_its_sides(subject: Subject, draw: Draw) -> None:
    _crops(subject, draw, [(24, 48, 8), (20, 30, 8), (16, 24, 6)])


@check("pipeline.resize_and_crop", points=2, hint="Which edge is shorter? Compute both new lengths from that one.")
def a_tall_clip_loses_top_and_bottom(subject: Subject, draw: Draw) -> None:
    _crops(subject, draw, [(45, 27, 9), (15, 15, 6), (12, 8, 16)])


# Histograms of colours

def _histogram(images: Tensor, bins: int, *, last_first: bool = False, low: float = -1, whole: Callable = torch.floor,
               parts: int = 0, most: int = 0) -> Tensor:
    part = whole((images - low) / (1 - low) * (parts or bins)).long().clamp(0, bins - 1)
    part = part.flip(1) if last_first else part
    power = bins ** torch.arange(images.shape[1] - 1, -1, -1)
    colour = (part * power[:, None, None]).sum(1)
    colour = colour % most if most else colour
    return F.one_hot(colour, bins ** images.shape[1]).float().mean((1, 2))


NOT_ONE = "The rows do not sum to 1: divide by the pixels of one image, H * W, and by nothing else."


def _colours(subject: Subject, images: Tensor, bins: int) -> None:
    right = reference.colour_histogram(images, bins)
    inside = images.flatten(2).unflatten(2, images.shape[2:])
    mistakes = [
        (right / len(images), NOT_ONE),
        (right / images.shape[1], NOT_ONE),
        (right / images[0, 0].numel(), NOT_ONE),
        (right * images.shape[3] / images.shape[2], NOT_ONE),
        (_histogram(images, bins, parts=bins - 1), "Each channel has `bins` parts: times bins, not times bins - 1."),
        (_histogram(images, bins, parts=bins - 1, whole=torch.round), "The parts are equally wide: times bins, then down: "
         "rounding to the nearest makes the outer ones half as wide."),
        (_histogram(images, bins, whole=torch.round), "Round down, .long(): rounding to the nearest moves half of the pixels "
         "up by one part."),
        (right * images[0, 0].numel(), "These are counts. Divide by the number of pixels: then pictures of any size compare."),
        (_histogram(inside, bins, last_first=True), "The first channel counts most: (r * bins + g) * bins + b."),
        (_histogram(images, bins, most=256), "There may be more than 256 colours, and 8 bits overflow there: number them with "
         ".long()."),
        (_histogram(images, bins, low=0), "The values lie in [-1, 1], not in [0, 1]: bring them to [0, 1] first."),
        (right.mean(0), "One histogram for each image: no mean over the batch."),
        (right.sum(0), "One histogram for each image: no sum over the batch."),
        (right.mean(0).expand_as(right), "One histogram for each image: you count all of them together."),
        (right / right.amax(1, keepdim=True), "Divide by the number of pixels, not by the largest count."),
        (_histogram(images.mean(1, keepdim=True).expand_as(images), bins), "You count brightness. A colour is a part of each "
         "channel."),
    ]
    assert_close(subject(images, bins), right, mistakes=mistakes)


may_change("pipeline.colour_histogram", "double")  # NumPy counts in float64, and the text leaves it free


@check("pipeline.colour_histogram", points=3, hint="One number for each pixel's colour, then count them, image by image.")
def counts_the_colours_of_each_image(subject: Subject, draw: Draw) -> None:
    _colours(subject, draw.uniform(4, 3, 8, 6, low=-0.99, high=0.99), 4)
    _colours(subject, draw.uniform(2, 3, 5, 9, low=-0.99, high=0.99), 3)
    _colours(subject, draw.uniform(2, 3, 9, 5, low=-0.99, high=0.99), 8)


@check("pipeline.colour_histogram", points=1, hint="The value 1 is the end of the last part: clamp the part to bins - 1. "
       "And count with any C and N, also 1: there are bins ** C colours.")
def white_belongs_to_the_last_part(subject: Subject, draw: Draw) -> None:
    images = draw.uniform(3, 3, 6, 6, low=-1).where(draw.uniform(3, 3, 6, 6) < 0.6, torch.tensor(1.0))
    _colours(subject, images, 4)
    _colours(subject, images[:, :1], 5)
    _colours(subject, images[:1, :2], 3)


# Frames that repeat

def _block_means(x: Tensor, block: int) -> Tensor:
    return F.avg_pool2d(x, block).flatten(1)


def _repeated(change: Tensor, threshold: float, block: int, of: Callable = _block_means) -> list[bool]:
    """Which frames repeat, the change of a pixel being its mean over the channels and `of` giving the numbers to look at."""
    return [False, *(of(change.mean(1, keepdim=True), block).amax(1) < threshold).tolist()]


def _since_the_last_kept(clip: Tensor, threshold: float, block: int) -> list[bool]:
    kept, found = clip[:1], [False]
    for frame in clip[1:].split(1):
        found.append(_repeated((frame - kept).abs(), threshold, block)[1])
        kept = kept if found[-1] else frame
    return found


def _in_rows(x: Tensor, block: int) -> Tensor:
    return x.flatten(1).unflatten(1, (-1, block * block)).mean(2)


def _at_every_place(x: Tensor, block: int) -> Tensor:
    return F.avg_pool2d(x, block, stride=1).flatten(1)


def _repeat_mistakes(clip: Tensor, threshold: float, block: int) -> list[tuple[list, str]]:
    signed = clip[1:] - clip[:-1]
    change = signed.abs()
    right = _repeated(change, threshold, block)
    cancel = "Darker and lighter cancel: take abs() before any mean."
    colours = "One colour up and another down cancel: take abs() before the mean of the channels."
    pixel = "The change of a pixel is the mean of its channels: "
    brightness = reference.luma(clip)[:, None]
    return [
        ([False, *(_block_means(change.mean(1, keepdim=True), block).amax(1) <= threshold).tolist()], "The largest change must "
         "be below `threshold`: where it is equal, the frame is new."),
        (_repeated(change, 2 / 127.5, block), "Compare with the argument `threshold`, not with a number of your own."),
        (_repeated(change, threshold, 8), "Take blocks of `block` x `block` pixels: 8 is its default."),
        ([not one for one in right], "True is for frames that repeat, so where the change is small."),
        ([*right[1:], False], "Frame t is compared with frame t + 1 here; it should say whether it repeats t - 1."),
        (right[1:], "One answer for each frame: the first repeats nothing, so put a False in front."),
        ([True, *right[1:]], "The first frame has nothing before it that it could repeat: False."),
        (_repeated(change, threshold, block, lambda x, _: x.mean((1, 2, 3))[:, None]), "The mean over the whole frame misses "
         "what is small and moves, like a waving hand. Take the mean of each block, and the largest of those."),
        ([False, *(change.flatten(1).amax(1) < threshold).tolist()], "The largest change of any one pixel: a little noise is "
         "enough. Take the mean of each block first."),
        (_repeated(change, threshold, block, lambda x, _: x.flatten(1)), "The largest change of any one pixel: a little noise "
         "is enough. Take the mean of each block first."),
        (_repeated(signed, threshold, block), cancel),
        (_repeated(signed, threshold, block, lambda x, n: _block_means(x, n).abs()), cancel),
        ([False, *(F.avg_pool2d(signed, block).abs().mean(1).amax((1, 2)) < threshold).tolist()], cancel),
        (_repeated(signed, threshold, block, lambda x, n: _block_means(x.abs(), n)), colours),
        (_repeated(change, threshold, block, lambda x, n: _block_means(x, n).amin(1, keepdim=True)), "The smallest block is "
         "still in almost every frame. The largest must be small."),
        (_repeated((clip[1:] - clip[:1]).abs(), threshold, block), "Compare with the frame before, not with the first one."),
        (_since_the_last_kept(clip, threshold, block), "Compare with the frame before, also where that is a repeat itself: not "
         "with the last one that is kept."),
        (_repeated(change.sum(1, keepdim=True) / 3, threshold, block), pixel + "divide by as many as there are, not by 3."),
        (_repeated(signed.square(), threshold, block), "The mean *absolute* change: squares of small numbers are tiny."),
        (_repeated(signed.square(), threshold, block, lambda x, n: _block_means(x, n).sqrt()), "The mean *absolute* change, "
         "abs(): no squares and no root."),
        (_repeated((brightness[1:] - brightness[:-1]).abs(), threshold, block), pixel + "brightness hardly sees blue."),
        (_repeated(change[:, :1], threshold, block), pixel + "you look at red alone."),
        (_repeated(change.amax(1, keepdim=True), threshold, block), pixel + "you take the largest of them."),
        (_repeated(change.sum(1, keepdim=True), threshold, block), pixel + "you take their sum."),
        (_repeated(change, threshold, block, _at_every_place), "Blocks stand side by side and do not overlap."),
        (_repeated(change, threshold, block, _in_rows), "A block is a square of block x block pixels. A reshape takes pixels "
         "of a few rows, from edge to edge."),
        (_repeated(change, threshold / 2, block), "Compare with `threshold` as it is: it is in the units of the clip."),
        (_repeated(change, threshold * 2, block), "Compare with `threshold` as it is: it is in the units of the clip."),
    ]


def _as_ints(mine: object) -> object:
    """The answers as whole numbers, however they came: the type is asked for apart."""
    if isinstance(mine, list | tuple) and all(isinstance(one, bool) for one in mine):
        return [int(one) for one in mine]
    return mine.int() if isinstance(mine, Tensor) and mine.dtype == torch.bool else mine


def _finds_repeats(subject: Subject, clip: Tensor, *options: Any) -> object:
    right = reference.duplicate_frames(clip, *options)
    threshold, block = options + (2 / 127.5, 8)[len(options):]
    mistakes = ((torch.tensor(wrong).int(), hint) for wrong, hint in _repeat_mistakes(clip, threshold, block))
    mine = subject(clip, *options)
    assert_close(_as_ints(mine), right.int(), mistakes=mistakes)
    return mine


def _spoilt(draw: Draw, block: int = 8) -> Tensor:
    """Frames of which each is new, whole or in one block alone, or repeats the one before but for what counts as noise."""
    frames = [draw.uniform(3, 16, 24, low=-0.5, high=0.5)]
    kinds = torch.arange(30) % 10
    for kind in kinds[torch.randperm(30, generator=draw.generator)].tolist():
        frame = frames[-1] + draw.uniform(3, 16, 24, low=-0.008, high=0.008)
        i, j = int(draw.integers(0, 16 // block)) * block, int(draw.integers(0, 24 // block)) * block
        spot = frame[:, i:i + block, j:j + block]
        if kind == 0:  # new
            frame = draw.uniform(3, 16, 24, low=-0.5, high=0.5)
        elif kind == 1:  # new: lighter and darker in one block
            spot[:, :, :block // 2] += 0.04
            spot[:, :, block // 2:] -= 0.04
        elif kind == 2:  # a repeat: one noisy pixel
            frame[:, int(draw.integers(0, 16)), int(draw.integers(0, 24))] += 0.2 * (block / 8) ** 2
        elif kind == 3:  # new: one side of the frame
            frame[:, :, 8:] = draw.uniform(3, 16, 16, low=-0.5, high=0.5)
        elif kind == 4:  # new: another colour of the same mean
            spot += torch.tensor([0.1, -0.1, 0.0])[:, None, None]
        elif kind == 5:  # new: bluer
            spot[2] += 0.1
        elif kind == 6:  # a repeat: a little redder
            spot[0] += 0.025
        elif kind == 7:  # a repeat: a square upon four blocks, a quarter in each
            i, j = min(i, 16 - 2 * block) + block // 2, min(j, 24 - 2 * block) + block // 2
            frame[:, i:i + block, j:j + block] += 0.035
        elif kind == 8:  # a repeat: hardly one pixel
            frame[:, i, j] += 0.02
        else:  # a repeat: a quarter of a row of blocks
            frame[:, i:i + block // 4] += 0.035
        frames.append(frame)
    return torch.stack(frames)


@check("pipeline.duplicate_frames", points=3, hint="Change of each pixel, mean over a block, largest block, below threshold.")
def tells_noise_from_a_small_motion(subject: Subject, draw: Draw) -> None:
    for _ in range(3):
        _finds_repeats(subject, _spoilt(draw))
    fading = draw.uniform(8, 1, 1, 1, low=0.006, high=0.015).cumsum(0)
    _finds_repeats(subject, draw.uniform(1, 3, 16, 16, low=-0.5, high=0.5) + fading)


@check("pipeline.duplicate_frames", points=1, hint="Compare with the argument `threshold`, not with a number of your own, and "
       "take blocks of `block` pixels; a clip may have two frames or one channel.")
def obeys_the_threshold(subject: Subject, draw: Draw) -> None:
    steps = draw.uniform(16, 1, 1, 1, low=-0.2, high=0.2).expand(16, 3, 8, 16).cumsum(0)
    mine = _finds_repeats(subject, steps, 0.05)
    _finds_repeats(subject, steps[:, :1], 0.12)
    _finds_repeats(subject, steps[:2], 0.1)
    quarters = draw.integers(0, 3, 16, 1, 1, 1).div(4).expand(16, 1, 8, 16)  # a mean of them is exact, however one takes it
    _finds_repeats(subject, quarters, 0.25)
    _finds_repeats(subject, _spoilt(draw, 4), 2 / 127.5, 4)
    if not isinstance(mine, Tensor) or mine.dtype != torch.bool:
        raise Wrong(hint=f"Expected a tensor of bool, got {mine.dtype if isinstance(mine, Tensor) else type(mine).__name__}: "
                    "the chapter takes frames by it, video[~found], and ~ of other numbers is something else.")


# An augmentation for clips

def augmented(function: Callable, clip: Tensor, seeds: list[int], options: dict) -> Tensor:
    """`function` of one clip with each of these seeds, stacked."""
    return torch.stack([function(clip.clone(), torch.Generator().manual_seed(seed), **options) for seed in seeds])


WOUND_BACK = ("Twice with the same `rng`, and twice the same: draw from `rng` itself, which goes on from draw to draw, and "
              "seed neither it nor another.")


def augmented_twice(function: Callable, clip: Tensor, seed: int) -> list[Tensor]:
    """`function` of one clip, two times with one generator."""
    rng = torch.Generator().manual_seed(seed)
    return [function(clip.clone(), rng) for _ in range(2)]


def _seeds(draw: Draw, count: int) -> list[int]:
    return draw.integers(0, 2 ** 31, count).tolist()


def _moved(clip: Tensor, shift: int) -> Iterator[tuple[tuple, Tensor]]:
    """Every mirroring and move, and what it makes of the clip."""
    height, width = clip.shape[2:]
    padded = F.pad(clip, [shift] * 4, mode="replicate")
    for mirrored, top, left in itertools.product((0, 1), range(2 * shift + 1), range(2 * shift + 1)):
        seen = padded.flip(-1) if mirrored else padded
        yield (mirrored, top, left), seen[:, :, top:top + height, left:left + width]


def _explain(outcome: Tensor, clip: Tensor, shift: int = 2, light: float = 0.1) -> tuple[float, ...] | None:
    """The mirroring, move and light that make the clip this outcome; None where there are none."""
    for way, seen in _moved(clip, shift):
        change = outcome - seen
        offset = change.median()
        if change.max() - change.min() < 1e-2 and is_close(outcome, seen + offset, atol=1e-4) and offset.abs() <= light + 1e-4:
            return *way, float(offset)
    return None


def _explain_all(outcomes: Tensor, clip: Tensor) -> list[tuple]:
    """How each outcome was made; all of them must be among what is asked."""
    ways = [_explain(one, clip) for one in outcomes]
    strange = [one for one, way in zip(outcomes, ways, strict=True) if way is None]
    if strange:
        raise Wrong("No mirroring, move and change of light makes this of the clip.", hint=_explain_strange(strange, clip))
    return [way for way in ways if way is not None]


def _explain_strange(strange: list[Tensor], clip: Tensor) -> str:
    """A known mistake by which one of these outcomes was made; empty where there is none."""
    turned = ((clip.flip(-2), "It turns the clip upside down, and people stand on their heads: axis -1 is the width."),
              (clip.flip(0), "It plays the clip backwards: time is axis 0, the width is axis -1."),
              (clip.flip(1), "It exchanges red and blue: the width is axis -1."))
    for seen, hint in turned:
        if any(_explain(one, seen) for one in strange):
            return hint
    one = strange[0]
    if _explain(one, clip, light=2):
        return "The light changes by more than `light`: draw evenly from -light to +light."
    if one.shape == clip.shape:
        if all(_explain(one[:, c:c + 1], clip[:, c:c + 1]) for c in range(clip.shape[1])):
            return "Each channel is treated in a way of its own, which changes the colours: one draw each for the clip."
        if one.min() >= 0:
            return "Values below 0 are lost: a clip is in [-1, 1], not in [0, 1]."
        if _explain(one.clamp(-0.99, 0.99).atanh(), clip):
            return "tanh bends all values. Add the light, and clamp what leaves [-1, 1]."
        if any(is_close(one, seen * (one / seen).median(), atol=1e-4) for _, seen in _moved(clip, 2)):
            return "The light is a number that is added, the same for all values: no factor."
    return ""


def _flickers(outcomes: Tensor) -> bool:
    return bool((outcomes[:, 1:] - outcomes[:, :1]).abs().max() > 1e-4)


def _still(draw: Draw) -> Tensor:
    """A clip of one frame, held."""
    return draw.uniform(1, 3, 8, 8, low=-0.8, high=0.8).expand(5, 3, 8, 8).contiguous()


@check("pipeline.augment", points=2, hint="One draw for the clip, used for all frames: a draw for each makes it flicker.")
def a_clip_that_stands_still_goes_on_standing_still(subject: Subject, draw: Draw) -> None:
    still, seeds = _still(draw), _seeds(draw, 12)
    lit = subject.probe(augmented, still, seeds, {"shift": 0})
    if lit.shape != (12, 5, 3, 8, 8):
        assert_close(lit, torch.zeros(12, 5, 3, 8, 8))
    if _flickers(lit):
        if _flickers(subject.probe(augmented, still, seeds, {"shift": 0, "light": 0.0})):
            raise Wrong(hint="With one draw for each frame some frames are mirrored and others not: the person jumps from side "
                        "to side. Toss one coin for the clip.")
        raise Wrong(hint="The light is drawn anew for each frame: the clip flickers. Draw one number for the clip.")
    moved = subject.probe(augmented, still, seeds, {"light": 0.0})
    if _flickers(moved):
        raise Wrong(hint="It is moved anew for each frame: it shakes, which makes it flicker. Draw one place for the clip.")
    if all(is_close(one, still) for one in moved):
        raise Wrong(hint="Nothing happens to the clip: mirror it every other time, move it, change the light.")


@check("pipeline.augment", points=2, hint="Mirrored left to right or not, moved by up to `shift` pixels, lit by one number.")
def mirrors_moves_and_lights(subject: Subject, draw: Draw) -> None:
    clip, still, seeds = draw.uniform(3, 3, 7, 9, low=-0.8, high=0.8), _still(draw), _seeds(draw, 60)
    outcomes = subject.probe(augmented, clip, seeds, {})
    if _flickers(subject.probe(augmented, still, seeds[:12], {})):  # that has cost its points: look at one frame
        outcomes, clip = outcomes[:, :1], clip[:1]
    ways = _explain_all(outcomes, clip)
    _, tops, lefts, offsets = (list(part) for part in zip(*ways, strict=True))
    slope = torch.linspace(-0.5, 0.5, 12).expand(1, 1, 8, 12)
    tossed = subject.probe(augmented, slope, _seeds(draw, 400), {"shift": 0})[:, 0, 0, 0]
    turned = int((tossed[:, 0] > tossed[:, -1]).sum())
    if not 140 <= turned <= 260:  # six standard deviations
        raise Wrong(hint=f"{turned} of 400 clips came out mirrored; it should be about every other one.")
    if len(set(tops)) < 5 or len(set(lefts)) < 5:
        raise Wrong(hint="The clip should move by -shift to +shift pixels, both down and to the side.")
    if max(offsets) < 0.05 or min(offsets) > -0.05 or not any(abs(offset) < 0.05 for offset in offsets):
        raise Wrong(hint="The light should change by anything from -light to +light.")
    _assert_drawn_apart(ways)
    for one in subject.probe(augmented, clip, seeds[:6], {"shift": 0, "light": 0.0}):
        if not any(is_close(one, seen) for seen in (clip, clip.flip(-1))):
            raise Wrong(hint="`shift` and `light` are arguments: where both are 0, the clip is mirrored or not, no more.")
    again = subject.probe(augmented, clip, seeds[:6], {})
    assert_close(again, outcomes[:6], mistakes=[(again, "The same state of `rng` gives another clip: draw from `rng` alone.")])
    if is_close(*subject.probe(augmented_twice, clip, seeds[0])):
        raise Wrong(hint=WOUND_BACK)


def _assert_drawn_apart(ways: list[tuple]) -> None:
    names = "whether it is mirrored", "how far it moves down", "how far it moves to the side", "the light"
    related = torch.corrcoef(torch.tensor(ways).T).abs() > 0.7
    for i, j in related.triu(1).nonzero().tolist():
        raise Wrong(hint=f"One draw decides both {names[i]} and {names[j]}: draw a number for each.")


@check("pipeline.augment", points=1, hint="Lighter than white is not a pixel: clamp to [-1, 1].")
def stays_in_the_range(subject: Subject, draw: Draw) -> None:
    clip = draw.uniform(1, 3, 6, 6, low=-1)
    options = {"shift": 0, "light": 0.5}
    outcomes = subject.probe(augmented, clip, _seeds(draw, 10), options)
    if outcomes.abs().max() > 1 + 1e-6:
        raise Wrong(hint="It leaves [-1, 1]: lighter than white is no pixel, and a network that ends in tanh can't make it. "
                    "Clamp.")
    for one in outcomes:
        _assert_clamped(one, clip)


def _assert_clamped(outcome: Tensor, clip: Tensor) -> None:
    """The clip, turned somehow, with one number added and clamped."""
    for seen in (clip, clip.flip(-1), clip.flip(-2)):
        free = outcome.abs() < 1
        offset = (outcome - seen)[free].median() if free.any() else torch.tensor(0.0)
        if is_close(outcome, (seen + offset).clamp(-1, 1), atol=1e-4):
            return
    raise Wrong("Clamped, it should be the clip or its mirror image, with one number added.")


# A training step

def steps_taken(function: Callable, weight: Tensor, batches: list[Tensor], stale: bool, decay: float = 0.0) -> dict:
    """The loss of each step and the weights after them, for a model that is one matrix; gradient descent, with weight
    decay. If `stale`, the model has a gradient of earlier steps, and is in eval mode."""
    model = nn.Linear(weight.shape[1], weight.shape[0], bias=False).train(not stale)
    with torch.no_grad():
        model.weight.copy_(weight)
    if stale:
        model.weight.grad = torch.ones_like(weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, weight_decay=decay)
    losses = [function(model, optimizer, batch) for batch in batches]
    return {"weights": model.weight.detach().clone(), "losses": losses}


def _descended(weight: Tensor, batches: list[Tensor], *, loss: Callable = F.mse_loss, factor: float = 1.0) -> Tensor:
    """The weights after one step on each batch; with another loss, or each step `factor` times as long."""
    for batch in batches:
        free = weight.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(F.linear(batch, free), batch), free)
        weight = weight - 0.5 * factor * gradient
    return weight


NOT_MOVED = ("The weights did not move. Is there an optimizer.step() after loss.backward()? And does no zero_grad() stand "
             "between them? There it throws the gradient away.")


def _step_mistakes(weight: Tensor, batches: list[Tensor]) -> list[tuple[Tensor, str]]:
    def after(**fault: Any) -> Tensor:
        return _descended(weight, batches, **fault)

    return [
        (weight, NOT_MOVED),
        (after(factor=2), "The weights moved twice as far as they should: one optimizer.step() a batch, and no factor."),
        (after(factor=-1), "It climbs: the error grows. Minimise it, not its negative."),
        (after(factor=0.5), "Half of the mean squared error is another step: no factor."),
        (after(loss=F.l1_loss), "This is the mean absolute error; asked for is the mean of the squares."),
        (after(loss=F.smooth_l1_loss), "This is smooth L1, linear where the error is large; asked for is the mean of the "
         "squares."),
        (after(loss=lambda y, x: F.mse_loss(y, x, reduction="sum") / len(y)), "This is a sum over each clip; the mean runs "
         "over every number of the batch."),
        (after(loss=lambda y, x: F.mse_loss(y, x, reduction="sum")), "The mean of the squares, not their sum."),
        (after(loss=lambda y, x: y.square().mean()), "The target is what went in, not zero: compare with `clips`."),
        (after(loss=lambda y, x: F.mse_loss(y, x).sqrt()), "No square root: asked for is the mean squared error itself."),
    ]


def _batches(draw: Draw, *shapes: tuple) -> tuple[Tensor, list[Tensor]]:
    return draw.normal(5, 5, std=0.4), [draw.normal(*shape) for shape in shapes]


@check("pipeline.autoencoder_step", points=2, hint="The error between model(clips) and clips; zero_grad, backward, step.")
def leaves_the_right_weights(subject: Subject, draw: Draw) -> None:
    for shape in ((8, 5), (3, 2, 4, 5)):
        weight, batches = _batches(draw, shape)
        mine = subject.probe(steps_taken, weight, batches, False)
        assert_close(mine["weights"], _descended(weight, batches), mistakes=_step_mistakes(weight, batches))
    mine = subject.probe(steps_taken, weight, batches, False, 0.1)
    right = steps_taken(reference.autoencoder_step, weight, batches, False, 0.1)
    assert_close(mine["weights"], right["weights"], mistakes=[
        (_descended(weight, batches), "This is plain descent, and an optimizer may do more, here weight decay: call step() of "
         "the one that is handed over.")])


@check("pipeline.autoencoder_step", points=1, hint="optimizer.zero_grad() before backward(): or old gradients are added.")
def forgets_the_gradients_of_earlier_steps(subject: Subject, draw: Draw) -> None:
    weight, batches = _batches(draw, (8, 5), (8, 5), (6, 5))
    after = [weight]  # each step on its own, whatever its error is
    for batch in batches:
        after.append(subject.probe(steps_taken, after[-1], [batch], False)["weights"])
    if is_close(after[-1], weight):
        raise Wrong(hint=NOT_MOVED)
    stale = "Gradients of earlier steps are still added: optimizer.zero_grad() before backward()."
    for mine, expected in ((subject.probe(steps_taken, weight, batches[:1], True), after[1]),
                           (subject.probe(steps_taken, weight, batches, False), after[-1])):
        if not is_close(mine["weights"], expected):
            raise Wrong(hint=stale)


@check("pipeline.autoencoder_step", points=1, hint="Return the loss of this batch, computed before the step, detached.")
def returns_the_error_before_the_step(subject: Subject, draw: Draw) -> None:
    weight, batches = _batches(draw, (8, 5))
    mine = subject.probe(steps_taken, weight, batches, False)
    (loss,), (batch,) = mine["losses"], batches
    before = F.mse_loss(F.linear(batch, weight), batch)
    after = [F.mse_loss(F.linear(batch, moved), batch) for moved in (_descended(weight, batches), mine["weights"])]
    if loss is None:
        raise Wrong(hint="The step returns None: return the error.")
    assert_close(loss, before, mistakes=((value, "This is the error after the step: no second pass is needed, return the loss "
                                          "that you have.") for value in after))
    if isinstance(loss, Tensor) and loss.requires_grad:
        raise Wrong(hint="The loss still holds its graph, and with it the memory of the whole step: return loss.detach().")


# New codes from a Gaussian

MANY = 20000  # draws: enough to know a covariance to six parts in a hundred at six standard deviations


def drawn(function: Callable, codes: Tensor, count: int, seed: int) -> Tensor:
    """`function`'s new codes, with a generator of this seed."""
    return function(codes.clone(), count, torch.Generator().manual_seed(seed))


def drawn_twice(function: Callable, codes: Tensor, seed: int) -> list[Tensor]:
    """`function`'s new codes, two times with one generator."""
    rng = torch.Generator().manual_seed(seed)
    return [function(codes.clone(), 3, rng) for _ in range(2)]


def _drawn(subject: Subject, codes: Tensor, count: int, draw: Draw) -> Tensor:
    made = subject.probe(drawn, codes, count, _seeds(draw, 1)[0])
    expected = (count, codes.shape[1])
    if not isinstance(made, Tensor) or tuple(made.shape) != expected:
        got = f"shape {tuple(made.shape)}" if isinstance(made, Tensor) else type(made).__name__
        raise Wrong(hint=f"Expected `count` codes, one a row, a tensor of shape {expected}, got {got}.")
    if not made.isfinite().all():
        raise Wrong(hint=f"Asked for {count} of them, the codes hold NaN or infinity.")
    return made.float()


def _seen_from(mean: Tensor, covariance: Tensor, made: Tensor) -> dict[str, Tensor]:
    """Mean and covariance of what is made, where those that are given are 0 and 1."""
    back = torch.linalg.inv(torch.linalg.cholesky(covariance))
    return {"mean": (made.mean(0) - mean) @ back.T, "covariance": back @ made.T.cov() @ back.T}


def _gaussian_mistakes(codes: Tensor) -> list[tuple[Tensor, Tensor, str]]:
    mean, cov = codes.mean(0), codes.T.cov()
    std, root, ones = cov.diag().sqrt(), torch.linalg.cholesky(cov), torch.eye(len(cov))
    between = "Points between two real codes vary less than the codes do. Draw from a Gaussian."
    return [
        (0 * mean, ones, "This is plain noise, with mean 0 and covariance 1: give it those of the codes."),
        (mean, ones, "The mean is right; now give the noise the covariance of the codes."),
        (0 * mean, cov, "The covariance is right; now add the mean of the codes."),
        (mean, std.square().diag(), "You draw each number of a code by itself. In the real codes they vary together: use the "
         "whole covariance, not only its diagonal."),
        (mean, std.pow(4).diag(), "You multiply noise by a variance: to get a variance, multiply by its root. And use the "
         "whole covariance."),
        (mean, cov @ cov, "You multiply by the covariance. Multiply by a root of it, a matrix A with A.T @ A = covariance."),
        (mean, root.T @ root, "The root is transposed: for rows of noise it is noise @ L.T, where L @ L.T = covariance."),
        (mean, cov * (len(codes) - 1), "Divide by the root of N - 1: a covariance is a mean over the codes, not a sum."),
        (mean, cov / 2, between), (mean, cov * 2 / 3, between),
    ]


@check("pipeline.gaussian_codes", points=3, hint="Noise times a root of the covariance, plus the mean.")
def agrees_with_them_in_mean_and_covariance(subject: Subject, draw: Draw) -> None:
    mix = torch.tensor([[1.5, 1.2, 0, 0], [0, 0.5, 0, 0], [0.8, 0, 2, -1.4], [0, 0, 0, 0.7]])
    codes = draw.normal(60, 4) @ mix + draw.uniform(4, low=2, high=4)
    made = _drawn(subject, codes, MANY, draw)
    if (made - made[:1]).abs().max() < 1e-4:
        raise Wrong(hint="All codes are the same: draw noise for each of them.")
    if made.T.corrcoef().abs().min() > 0.99:
        raise Wrong(hint="A code takes one number of noise: draw K of them for each.")
    right = {"mean": torch.zeros(4), "covariance": torch.eye(4)}
    found = _seen_from(codes.mean(0), codes.T.cov(), made)
    if not is_close(found, right, rtol=0.06, atol=0.06):
        for mean, covariance, hint in _gaussian_mistakes(codes):
            if is_close(_seen_from(mean, covariance, made), right, rtol=0.06, atol=0.06):
                raise Wrong(hint=hint)
    assert_close(found, right, rtol=0.06, atol=0.06)


@check("pipeline.gaussian_codes", points=2, hint="A Gaussian is one heap: where the codes lie in two clumps, it fills the gap.")
def makes_new_codes_also_where_there_were_none(subject: Subject, draw: Draw) -> None:
    side = torch.arange(80) % 2 * 12.0 - 6
    codes = draw.normal(80, 3) + torch.stack([side, 0 * side, 0 * side], 1) + draw.uniform(3, low=1, high=3)
    made = _drawn(subject, codes, MANY, draw)
    if (torch.cdist(made[:500], codes).amin(1) < 1e-3).any():
        raise Wrong(hint="Some of these codes are real ones, drawn again. A model makes new ones: draw noise.")
    centre, spread = codes[:, 0].mean(), codes[:, 0].std()
    inside = torch.distributions.Normal(centre, spread).cdf(centre + torch.tensor([-3.0, 3])).diff()
    share = ((made[:, 0] - centre).abs() < 3).float().mean()
    assert_close(share, inside[0], rtol=0, atol=0.03)
    if not is_close(made.T.cov(), codes.T.cov(), rtol=0.1, atol=0.5):
        raise Wrong(hint="Where the codes lie in two clumps, the covariance of yours is another.")
    four = torch.tensor([[1.0, 0], [-1, 0], [0, 2], [0, -2]]) / 10 + draw.uniform(2, low=1, high=3)  # the text's, but smaller
    assert_close(100 * _drawn(subject, four, MANY // 2, draw).T.cov(), 100 * four.T.cov(), rtol=0.06, atol=0.06, mistakes=[
        (100 * four.T.cov(correction=0), "The covariance of few codes is too small: divide the sum of squares by N - 1, not by "
         "N.")])
    for count in (1, 3):
        _drawn(subject, codes, count, draw)
    if is_close(*subject.probe(drawn_twice, codes, _seeds(draw, 1)[0])):
        raise Wrong(hint=WOUND_BACK)


written("pipeline.no_distribution", points=3, rubric="""
- 1 point: the loss asks for reconstruction only. Nothing in it says where codes lie, so draws from a standard Gaussian
  land where the decoder was never trained.
- 1 point: a smaller reconstruction error does not help (a list of all training clips would have none).
- 1 point: two remedies: a distribution fitted to the codes afterwards (Gaussian, GAN, flow), or one demanded in training
  (VAE, adversarial autoencoder).
""")
