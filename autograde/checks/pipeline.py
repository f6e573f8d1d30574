"""Checks of chapter 1."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import pipeline as reference

from . import Draw, Subject, Wrong, assert_close, check, is_close, may_change, written

# A clip from pixels


@check("pipeline.clip_from_pixels", points=3, hint="Channels before height and width; 0 becomes -1 and 255 becomes 1.")
def moves_the_channels_and_spans_the_range(subject: Subject, draw: Draw) -> None:
    pixels = draw.integers(0, 256, 5, 6, 9, 3).to(torch.uint8)
    right = reference.clip_from_pixels(pixels.numpy())
    mistakes = [
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
    ]
    assert_close(subject(pixels.numpy()), right, mistakes=mistakes)


@check("pipeline.clip_from_pixels", points=1, hint="A clip is 32-bit: divide by a plain number, and convert nothing to double.")
def gives_floats_of_32_bits(subject: Subject, draw: Draw) -> None:
    pixels = draw.integers(0, 256, 2, 4, 3, 3).to(torch.uint8).numpy()
    mine = subject(pixels)
    assert_close(mine, reference.clip_from_pixels(pixels))
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
    return [
        (_scaled(clip, (size, size)), "Everything is squeezed into a square: circles become eggs. Keep the shape, then cut."),
        (_middle(_scaled(clip, shape, antialias=False), size), "antialias=True is missing: without it most pixels are "
         "skipped and fine patterns flicker."),
        (_middle(F.interpolate(clip, shape), size), "This takes the nearest pixel. Ask for mode=\"bilinear\" with antialias."),
        (_middle(clip, size), "Nothing was resized: you cut a small piece out of the middle."),
        (ends[:, :, :size, :size], "This is the square at the top left: cut out the middle."),
        (ends[:, :, -size:, -size:], "This is the square at the bottom right: cut out the middle."),
        (_scaled(_middle(clip, shorter), (size, size)), "You cut first. Then the resizing lacks the neighbours at the edge of "
         "the square: resize first."),
        (ends, "The middle square is still to be cut out."),
        (inside, "You brought the longer edge to the size: the square does not fit any more. Take the shorter one."),
    ]


def _crops(subject: Subject, draw: Draw, sizes: list[tuple[int, int, int]]) -> None:
    for height, width, size in sizes:
        clip = draw.uniform(3, 3, height, width, low=-1)
        assert_close(subject(clip, size), reference.resize_and_crop(clip, size), mistakes=_crop_mistakes(clip, size), atol=1e-4)


@check("pipeline.resize_and_crop", points=2, hint="The shorter edge becomes size; then cut the middle square.")
def a_wide_clip_loses_its_sides(subject: Subject, draw: Draw) -> None:
    _crops(subject, draw, [(24, 48, 8), (20, 30, 10)])


@check("pipeline.resize_and_crop", points=2, hint="Which edge is shorter? Compute both new lengths from that one.")
def a_tall_clip_loses_top_and_bottom(subject: Subject, draw: Draw) -> None:
    _crops(subject, draw, [(48, 24, 12), (36, 20, 10), (16, 16, 8)])


# Histograms of colours

def _histogram(images: Tensor, bins: int, *, last_first: bool = False, low: float = -1) -> Tensor:
    part = ((images - low) / (1 - low) * bins).long().clamp(0, bins - 1)
    part = part.flip(1) if last_first else part
    power = bins ** torch.arange(images.shape[1] - 1, -1, -1)
    colour = (part * power[:, None, None]).sum(1)
    return F.one_hot(colour, bins ** images.shape[1]).float().mean((1, 2))


def _colours(subject: Subject, images: Tensor, bins: int) -> None:
    right = reference.colour_histogram(images, bins)
    inside = images.flatten(2).unflatten(2, images.shape[2:])
    mistakes = [
        (right * images[0, 0].numel(), "These are counts. Divide by the number of pixels: then pictures of any size compare."),
        (_histogram(inside, bins, last_first=True), "The first channel counts most: (r * bins + g) * bins + b."),
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


@check("pipeline.colour_histogram", points=1, hint="The value 1 is the end of the last part: clamp the part to bins - 1.")
def white_belongs_to_the_last_part(subject: Subject, draw: Draw) -> None:
    images = draw.uniform(3, 3, 6, 6, low=-1).where(draw.uniform(3, 3, 6, 6) < 0.6, torch.tensor(1.0))
    _colours(subject, images, 4)


# Frames that repeat

def _repeated(change: Tensor, of: Callable, threshold: float) -> list[bool]:
    return [False, *(of(change) < threshold).tolist()]


def _repeat_mistakes(clip: Tensor, threshold: float, block: int) -> list[tuple[list, str]]:
    def blocks(x: Tensor) -> Tensor:
        return F.avg_pool2d(x.mean(1, keepdim=True), block).flatten(1)

    signed = clip[1:] - clip[:-1]
    change = signed.abs()
    right = _repeated(change, lambda x: blocks(x).amax(1), threshold)
    first = (clip[1:] - clip[:1]).abs()
    return [
        ([not one for one in right], "True is for frames that repeat, so where the change is small."),
        ([*right[1:], False], "Frame t is compared with frame t + 1 here; it should say whether it repeats t - 1."),
        (right[1:], "One answer for each frame: the first repeats nothing, so put a False in front."),
        ([True, *right[1:]], "The first frame has nothing before it that it could repeat: False."),
        (_repeated(change, lambda x: x.flatten(1).mean(1), threshold), "The mean over the whole frame misses what is small and "
         "moves, like a waving hand. Take the mean of each block, and the largest of those."),
        (_repeated(change, lambda x: x.flatten(1).amax(1), threshold), "The largest change of any one pixel: a little noise is "
         "enough. Take the mean of each block first."),
        (_repeated(signed, lambda x: blocks(x).amax(1), threshold), "Darker and lighter cancel: take abs() before any mean."),
        (_repeated(signed, lambda x: blocks(x).abs().amax(1), threshold), "Darker and lighter cancel: take abs() before any "
         "mean."),
        (_repeated(change, lambda x: blocks(x).amin(1), threshold), "The smallest block is still in almost every frame. The "
         "largest must be small."),
        (_repeated(first, lambda x: blocks(x).amax(1), threshold), "Compare with the frame before, not with the first one."),
    ]


def _as_ints(mine: object) -> object:
    return mine.int() if isinstance(mine, Tensor) and mine.dtype == torch.bool else mine


def _finds_repeats(subject: Subject, clip: Tensor, *threshold: Any) -> None:
    right = reference.duplicate_frames(clip, *threshold)
    used = (*threshold, 2 / 127.5)[0]
    mistakes = ((torch.tensor(wrong).int(), hint) for wrong, hint in _repeat_mistakes(clip, used, 8))
    assert_close(_as_ints(subject(clip, *threshold)), right.int(), mistakes=mistakes)


def _spoilt(draw: Draw) -> Tensor:
    """Frames of which each is new, whole or but for one block, or repeats with noise, or moves in one block only."""
    frames = [draw.uniform(3, 16, 24, low=-0.5, high=0.5)]
    for kind in [0, *draw.integers(0, 4, 19).tolist(), 3]:
        frame = frames[-1] + draw.uniform(3, 16, 24, low=-0.008, high=0.008)
        if kind == 0:
            frame = draw.uniform(3, 16, 24, low=-0.5, high=0.5)
        elif kind == 3:
            frame[:, :, 8:] = draw.uniform(3, 16, 16, low=-0.5, high=0.5)
        elif kind == 1:
            i, j = int(draw.integers(0, 2)) * 8, int(draw.integers(0, 3)) * 8
            frame[:, i:i + 8, j:j + 4] += 0.04
            frame[:, i:i + 8, j + 4:j + 8] -= 0.04
        else:
            frame[:, int(draw.integers(0, 16)), int(draw.integers(0, 24))] += 0.2  # one noisy pixel
        frames.append(frame)
    return torch.stack(frames)


@check("pipeline.duplicate_frames", points=3, hint="Change of each pixel, mean over a block, largest block, below threshold.")
def tells_noise_from_a_small_motion(subject: Subject, draw: Draw) -> None:
    for _ in range(3):
        _finds_repeats(subject, _spoilt(draw))


@check("pipeline.duplicate_frames", points=1, hint="Compare with the argument `threshold`, not with a number of your own.")
def obeys_the_threshold(subject: Subject, draw: Draw) -> None:
    steps = draw.uniform(16, 1, 1, 1, low=-0.2, high=0.2).expand(16, 3, 8, 16).cumsum(0)
    for threshold in (0.05, 0.12):
        _finds_repeats(subject, steps, threshold)


# Whole clips of one scene

def _at(starts: list[int], ends: list[int], video: Tensor, n: int, step: int) -> Tensor:
    clips = [video[at:at + n] for start, end in zip(starts, ends, strict=True) for at in range(start, end - n + 1, step)]
    return torch.stack(clips) if clips else video.new_empty(0, n, *video.shape[1:])


def _clip_mistakes(video: Tensor, cuts: list[int], n: int) -> list[tuple[Tensor, str]]:
    T = len(video)
    starts, ends = [0, *cuts], [*cuts, T]
    late = [cut + 1 for cut in cuts]
    long = [(s, e) for s, e in zip(starts, ends, strict=True) if e - s >= n]
    return [
        (_at([0], [T], video, n, n), "Some clips run across a cut: begin anew at the first frame of each scene."),
        (_at(starts, ends, video, n, 1), "The clips overlap: the next one starts where the last one ended."),
        (_at(cuts, ends[1:], video, n, n), "The first scene is missing: it begins at frame 0, where there is no cut."),
        (_at(starts[:-1], ends[:-1], video, n, n), "The last scene is missing: it ends with the video."),
        (_at([0, *late], [*late, T], video, n, n), "The frame at a cut belongs to the new scene, not to the old one."),
        (_at([0, *late], ends, video, n, n), "The frame at a cut is the first of the new scene: don't skip it."),
        (_at([s for s, _ in long], [s + n for s, _ in long], video, n, n), "A long scene holds more than one clip."),
        (_at([e - (e - s) // n * n for s, e in zip(starts, ends, strict=True)], ends, video, n, n),
         "Count from the first frame of a scene: what is left over is at its end."),
        (_at(starts, [e - 1 for e in ends], video, n, n), "A scene whose length is just right loses its last clip: check the "
         "end of your range."),
    ]


def _cuts_up(subject: Subject, draw: Draw, lengths: list[int], n: int) -> None:
    video = draw.normal(sum(lengths), 2, 3, 4)
    at = np.cumsum(lengths)[:-1].tolist()
    cuts = torch.zeros(len(video), dtype=torch.bool)
    cuts[at] = True
    right = reference.whole_clips(video, cuts, n)
    assert_close(subject(video, cuts, n), right, mistakes=_clip_mistakes(video, at, n))


@check("pipeline.whole_clips", points=3, hint="For each scene: clips from its first frame on, as many as fit whole.")
def no_clip_crosses_a_cut(subject: Subject, draw: Draw) -> None:
    for n in (3, 4):
        lengths = [int(x) for x in draw.integers(n + 1, 3 * n, 4)]
        _cuts_up(subject, draw, [2 * n + 1, *lengths, 2 * n], n)


@check("pipeline.whole_clips", points=2, hint="A scene may hold no clip, or just one; and a video may have no cut.")
def short_scenes_give_nothing_and_the_shape_stays(subject: Subject, draw: Draw) -> None:
    _cuts_up(subject, draw, [2, 5, 1, 4, 3, 9], 4)
    _cuts_up(subject, draw, [int(draw.integers(9, 12))], 4)
    _cuts_up(subject, draw, [3, 2], 4)


# An augmentation for clips

def augmented(function: Callable, clip: Tensor, seeds: list[int], options: dict) -> Tensor:
    """`function` of one clip with each of these seeds, stacked."""
    return torch.stack([function(clip.clone(), torch.Generator().manual_seed(seed), **options) for seed in seeds])


def _seeds(draw: Draw, count: int) -> list[int]:
    return draw.integers(0, 2 ** 31, count).tolist()


def _explain(outcome: Tensor, clip: Tensor, shift: int, light: float) -> tuple[bool, int, int, float]:
    """The mirroring, move and light that make the clip this outcome; Wrong where there are none."""
    height, width = clip.shape[2:]
    padded = F.pad(clip, [shift] * 4, mode="replicate")
    for mirrored in (False, True):
        seen = padded.flip(-1) if mirrored else padded
        for top in range(2 * shift + 1):
            for left in range(2 * shift + 1):
                cut = seen[:, :, top:top + height, left:left + width]
                offset = (outcome - cut).median()
                if is_close(outcome, cut + offset, atol=1e-4) and offset.abs() <= light + 1e-4:
                    return mirrored, top, left, float(offset)
    raise Wrong("No mirroring, move and change of light makes this of the clip.")


def _flickers(outcomes: Tensor) -> bool:
    return bool((outcomes[:, 1:] - outcomes[:, :1]).abs().max() > 1e-4)


@check("pipeline.augment", points=2, hint="One draw for the clip, used for all frames: a draw for each makes it flicker.")
def a_clip_that_stands_still_goes_on_standing_still(subject: Subject, draw: Draw) -> None:
    still = draw.uniform(1, 3, 8, 8, low=-0.8, high=0.8).expand(5, 3, 8, 8).contiguous()
    seeds = _seeds(draw, 12)
    lit = subject.probe(augmented, still, seeds, {"shift": 0})
    if lit.shape != (12, 5, 3, 8, 8):
        assert_close(lit, torch.zeros(12, 5, 3, 8, 8))
    if _flickers(lit):
        if _flickers(subject.probe(augmented, still, seeds, {"shift": 0, "light": 0.0})):
            raise Wrong(hint="With one draw for each frame some frames are mirrored and others not: the person jumps from side "
                        "to side. Toss one coin for the clip.")
        raise Wrong(hint="The light is drawn anew for each frame: the clip flickers. Draw one number for the clip.")
    _assert_explained(subject.probe(augmented, still, seeds, {}), still)


def _assert_explained(outcomes: Tensor, clip: Tensor, shift: int = 2, light: float = 0.1) -> list[tuple]:
    """How each outcome was made; all of them must be among what is asked, and all kinds must occur."""
    try:
        return [_explain(one, clip, shift, light) for one in outcomes]
    except Wrong:
        flipped = clip.flip(-2)
        for seen, hint in ((flipped, "It turns the clip upside down, and people stand on their heads: axis -1 is the width."),
                           (clip.flip(0), "It plays the clip backwards: time is axis 0, the width is axis -1."),
                           (clip.flip(1), "It exchanges red and blue: the width is axis -1.")):
            if any(_is_made_of(one, seen, shift, light) for one in outcomes):
                raise Wrong(hint=hint) from None
        raise


def _is_made_of(outcome: Tensor, clip: Tensor, shift: int, light: float) -> bool:
    try:
        _explain(outcome, clip, shift, light)
    except Wrong:
        return False
    return True


@check("pipeline.augment", points=2, hint="Mirrored left to right or not, moved by up to `shift` pixels, lit by one number.")
def mirrors_moves_and_lights(subject: Subject, draw: Draw) -> None:
    clip = draw.uniform(3, 3, 7, 9, low=-0.8, high=0.8)
    ways = _assert_explained(subject.probe(augmented, clip, _seeds(draw, 60), {}), clip)
    mirrored, tops, lefts, offsets = (list(part) for part in zip(*ways, strict=True))
    if not 12 <= sum(mirrored) <= 48:
        raise Wrong(hint=f"{sum(mirrored)} of 60 clips came out mirrored; it should be about every other one.")
    if len(set(tops)) < 5 or len(set(lefts)) < 5:
        raise Wrong(hint="The clip should move by -shift to +shift pixels, both down and to the side.")
    if max(offsets) < 0.05 or min(offsets) > -0.05:
        raise Wrong(hint="The light should change by anything from -light to +light.")
    assert_close(subject.probe(augmented, clip, [5], {"shift": 0, "light": 0.0})[0].sum(), clip.sum(), atol=1e-2)


@check("pipeline.augment", points=1, hint="Lighter than white is not a pixel: clamp to [-1, 1].")
def stays_in_the_range(subject: Subject, draw: Draw) -> None:
    clip = draw.uniform(2, 3, 6, 6, low=-1)
    options = {"shift": 0, "light": 0.5}
    outcomes = subject.probe(augmented, clip, _seeds(draw, 10), options)
    if outcomes.abs().max() > 1 + 1e-6:
        raise Wrong(hint="It leaves [-1, 1]: lighter than white is no pixel, and a network that ends in tanh can't make it. "
                    "Clamp.")
    for one in outcomes:
        _assert_clamped(one, clip)


def _assert_clamped(outcome: Tensor, clip: Tensor) -> None:
    """The clip or its mirror image, with one number added and clamped."""
    for seen in (clip, clip.flip(-1)):
        free = outcome.abs() < 1
        offset = (outcome - seen)[free].median() if free.any() else torch.tensor(0.0)
        if is_close(outcome, (seen + offset).clamp(-1, 1), atol=1e-4):
            return
    raise Wrong("Clamped, it should be the clip or its mirror image, with one number added.")


# A training step

def steps_taken(function: Callable, weight: Tensor, batches: list[Tensor], stale: bool) -> dict:
    """The loss of each step and the weights after them, for a model that is one matrix; plain gradient descent."""
    model = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
    with torch.no_grad():
        model.weight.copy_(weight)
    if stale:
        model.weight.grad = torch.ones_like(weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    losses = [function(model, optimizer, batch) for batch in batches]
    return {"weights": model.weight.detach().clone(), "losses": losses}


def _descended(weight: Tensor, batches: list[Tensor], *, loss: Callable = F.mse_loss, stale: bool = False, keep: bool = False,
               sign: float = 1.0, moves: bool = True) -> Tensor:
    """The same in closed steps, with one named fault."""
    weight, total = weight.clone(), torch.ones_like(weight) if stale else torch.zeros_like(weight)
    for batch in batches:
        free = weight.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(F.linear(batch, free), batch), free)
        total = total + gradient if keep else gradient
        weight = weight - 0.5 * sign * total * moves
    return weight


def _step_mistakes(weight: Tensor, batches: list[Tensor], *, stale: bool) -> list[tuple[Tensor, str]]:
    def after(**fault: Any) -> Tensor:
        return _descended(weight, batches, **fault)

    return [
        (after(moves=False), "The weights did not move: loss.backward(), then optimizer.step()."),
        (after(keep=True, stale=stale), "Gradients of earlier steps are still added: optimizer.zero_grad() before backward()."),
        (after(sign=-1.0), "It climbs: the error grows. Minimise it, not its negative."),
        (after(loss=F.l1_loss), "This is the mean absolute error; asked for is the mean of the squares."),
        (after(loss=lambda y, x: F.mse_loss(y, x, reduction="sum")), "The mean of the squares, not their sum."),
        (after(loss=lambda y, x: y.square().mean()), "The target is what went in, not zero: compare with `clips`."),
        (after(loss=lambda y, x: F.mse_loss(y, x).sqrt()), "No square root: asked for is the mean squared error itself."),
        (after(loss=lambda y, x: F.mse_loss(y, x) / 2), "Half of the mean squared error is another step: no factor."),
    ]


def _steps(subject: Subject, draw: Draw, count: int, *, stale: bool = False) -> tuple[dict, Tensor, list[Tensor]]:
    weight, batches = draw.normal(5, 5, std=0.4), [draw.normal(8, 5) for _ in range(count)]
    mine = subject.probe(steps_taken, weight, batches, stale)
    expected = _descended(weight, batches)
    assert_close(mine["weights"], expected, mistakes=_step_mistakes(weight, batches, stale=stale))
    return mine, weight, batches


@check("pipeline.autoencoder_step", points=2, hint="The error between model(clips) and clips; zero_grad, backward, step.")
def leaves_the_right_weights(subject: Subject, draw: Draw) -> None:
    _steps(subject, draw, 1)


@check("pipeline.autoencoder_step", points=1, hint="optimizer.zero_grad() before backward(): or old gradients are added.")
def forgets_the_gradients_of_earlier_steps(subject: Subject, draw: Draw) -> None:
    _steps(subject, draw, 3)
    _steps(subject, draw, 2, stale=True)


@check("pipeline.autoencoder_step", points=1, hint="Return the loss of this batch, computed before the step, detached.")
def returns_the_error_before_the_step(subject: Subject, draw: Draw) -> None:
    mine, weight, (batch,) = _steps(subject, draw, 1)
    (loss,) = mine["losses"]
    before = F.mse_loss(F.linear(batch, weight), batch)
    after = F.linear(batch, _descended(weight, [batch]))
    assert_close(loss, before, mistakes=[(F.mse_loss(after, batch), "This is the error after the step: no second pass is "
                                          "needed, return the loss that you have.")])
    if isinstance(loss, Tensor) and loss.requires_grad:
        raise Wrong(hint="The loss still holds its graph, and with it the memory of the whole step: return loss.detach().")


written("pipeline.no_distribution", points=3, rubric="""
- 1 point: the loss asks for reconstruction only. Nothing in it says where codes lie, so draws from a standard Gaussian
  land where the decoder was never trained.
- 1 point: a smaller reconstruction error does not help (a list of all training clips would have none).
- 1 point: two remedies: a distribution fitted to the codes afterwards (Gaussian, GAN, flow), or one demanded in training
  (VAE, adversarial autoencoder).
""")
