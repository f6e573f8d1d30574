"""Chapter 1: from video files to clips that a network can learn from, and the whole way round once.

What the pipeline does, in this order: read, clean, augment, train, sample, write. Features are not a stage before the
training: the networks learn them.
"""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from clipkit import read_video, write_video
from torch import Tensor

from solutions.autoencoder import Autoencoder, sample_clips, train_autoencoder


def clip_from_pixels(pixels: np.ndarray, size: int) -> Tensor:
    """Decoded frames as a clip: resized, cropped, normalised.

    The shorter edge is brought to `size` with antialiasing, then the
    middle square is cut out, so that nothing is squeezed.

    Args:
        pixels: (T, H, W, 3), uint8, 0 to 255.
        size: height and width of the clip.
    Returns:
        (T, 3, size, size), float32 in [-1, 1]: 0 is -1, 255 is 1.
    """
    clip = torch.from_numpy(pixels).movedim(-1, 1) / 127.5 - 1
    height, width = clip.shape[-2:]
    shorter = min(height, width)
    shape = (height * size // shorter, width * size // shorter)
    clip = F.interpolate(clip, shape, mode="bilinear", antialias=True)
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    return clip[:, :, top:top + size, left:left + size].clamp(-1, 1)


def luma(images: Tensor) -> Tensor:
    """Brightness (..., H, W) in [-1, 1] of images (..., C, H, W), C = 1
    or 3, with the weights of ITU-R BT.709."""
    if images.shape[-3] == 1:
        return images[..., 0, :, :]
    red, green, blue = images.unbind(-3)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def black_frames(clip: Tensor, dark: float = -0.8, share: float = 0.98) -> Tensor:
    """Which frames are black.

    A frame is black where 98 % of its pixels are darker than a tenth of
    the range: a night with a moon in it is not.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        dark: luma below which a pixel is black; -0.8 is a tenth.
        share: of black pixels that make a black frame.
    Returns:
        (T,), bool.
    Source: the two thresholds of FFmpeg's filter blackdetect.
    """
    return (luma(clip) < dark).float().mean(dim=(1, 2)) >= share


def duplicate_frames(clip: Tensor, threshold: float = 2 / 127.5, block: int = 8) -> Tensor:
    """Which frames repeat the frame before them.

    The mean over the whole frame misses a waving hand, the maximum over
    pixels takes the noise of a codec for motion. So: the mean over each
    block of 8 x 8 pixels, of which the largest must be small.

    Args:
        clip: (T, C, H, W), in [-1, 1], H and W at least `block`.
        threshold: a mean change below it is none; 2 of 256 levels.
        block: height and width of a block.
    Returns:
        (T,), bool; the first frame repeats nothing.
    Source: the idea of FFmpeg's filter mpdecimate.
    """
    change = (clip[1:] - clip[:-1]).abs().mean(dim=1, keepdim=True)
    largest = F.avg_pool2d(change, block, ceil_mode=True).amax(dim=(1, 2, 3))
    return F.pad(largest < threshold, (1, 0), value=False)


def colour_histogram(images: Tensor, bins: int = 4) -> Tensor:
    """The share of pixels of each colour, blind to where they stand.

    Each channel is cut into `bins` equal parts of [-1, 1]; a colour is
    one part of each channel.

    Args:
        images: (N, C, H, W), in [-1, 1].
        bins: parts of a channel.
    Returns:
        (N, bins ** C), at least 0; each row sums to 1. The last channel
        varies fastest.
    """
    level = ((images + 1) / 2 * bins).long().clamp(0, bins - 1)
    colour = torch.zeros_like(level[:, 0])
    for channel in level.unbind(dim=1):
        colour = colour * bins + channel
    count = torch.zeros(len(images), bins ** images.shape[1])
    count.scatter_add_(1, colour.flatten(1), torch.ones_like(images[:, 0]).flatten(1))
    return count / colour[0].numel()


def scene_cuts(clip: Tensor, threshold: float = 0.4) -> Tensor:
    """Which frames begin a new scene, by their colours.

    Motion moves colours about, a cut replaces them. Two shots in the
    same colours look like one: no histogram sees that cut.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        threshold: the share of pixels that must change their colour. In
            the walkers motion changes up to 0.11, another scene 0.68
            and more.
    Returns:
        (T,), bool; the first frame begins none.
    """
    histograms = colour_histogram(clip)
    changed = (histograms[1:] - histograms[:-1]).abs().sum(dim=1) / 2
    return F.pad(changed > threshold, (1, 0), value=False)


def clean_clips(video: Tensor, num_frames: int) -> Tensor:
    """Whole clips of one scene each, without black and repeated frames.

    Args:
        video: (T, C, H, W), in [-1, 1], any number of frames.
        num_frames: the length of a clip.
    Returns:
        (N, num_frames, C, H, W), none overlapping; what is left over at
        the end of a scene is dropped. N may be 0.
    """
    video = video[~black_frames(video)]
    if len(video):
        video = video[~duplicate_frames(video)]
    starts = scene_cuts(video).nonzero().flatten().tolist() if len(video) else []
    clips = []
    for begin, end in zip([0, *starts], [*starts, len(video)], strict=True):
        count = (end - begin) // num_frames
        scene = video[begin:begin + count * num_frames]
        clips += scene.split(num_frames) if count else []
    return torch.stack(clips) if clips else video.new_empty(0, num_frames, *video.shape[1:])


def augment(clip: Tensor, rng: torch.Generator, shift: int = 2, light: float = 0.1) -> Tensor:
    """A clip that could have been filmed as well: mirrored or not, moved
    a little, a little lighter or darker.

    Every draw is made once for the clip and used for all of its frames;
    a draw for each frame would make the clip shake and flicker. Left and
    right change places: don't mirror what is labelled by direction.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        rng: draws.
        shift: pixels that the clip moves at most, in each direction;
            the edge is repeated.
        light: what is added to or taken from all values at most.
    Returns:
        (T, C, H, W), in [-1, 1].
    """
    if torch.rand((), generator=rng) < 0.5:
        clip = clip.flip(-1)
    top, left = torch.randint(2 * shift + 1, (2,), generator=rng).tolist()
    height, width = clip.shape[-2:]
    padded = F.pad(clip, [shift] * 4, mode="replicate")
    clip = padded[:, :, top:top + height, left:left + width]
    offset = light * (2 * torch.rand((), generator=rng) - 1)
    return (clip + offset).clamp(-1, 1)


def pipeline(
    videos: Sequence[str | Path], out: str | Path, *, rng: torch.Generator,
    num_frames: int = 8, size: int = 32, steps: int = 300, count: int = 4,
) -> Tensor:
    """The whole way: video files in, new clips out, as MP4.

    Args:
        videos: files that FFmpeg decodes.
        out: the folder for the new clips, 0.mp4 and on.
        rng: of every draw but the network's first weights.
        num_frames: the length of a clip, for training and sampling.
        size: height and width, a multiple of 8.
        steps: of training.
        count: how many new clips.
    Returns:
        The new clips, (count, num_frames, 3, size, size), in [-1, 1].
    Raises:
        ValueError: fewer than 2 clips are left after cleaning.
    """
    clean = [clean_clips(read_video(path, size=size), num_frames) for path in videos]
    real = torch.cat(clean) if clean else torch.empty(0)
    if len(real) < 2:
        raise ValueError(
            f"expected at least 2 clips of {num_frames} frames, got {len(real)} from {len(clean)} videos"
            " after cleaning: try more videos or a smaller num_frames")
    model = Autoencoder(num_frames * 3, size)
    train_autoencoder(model, real, steps=steps, rng=rng, augment=augment)
    fake = sample_clips(model, real, count, rng)
    for i, clip in enumerate(fake):
        write_video(clip, Path(out) / f"{i}.mp4", scale=4)
    return fake
