"""Chapter 1: from video files to clips that a network can learn from, and the whole way round once.

What the pipeline does, in this order: read, clean, augment, train, sample, write. Features are not a stage before the
training: the networks learn them.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from clipkit import progress, read_video, write_video
from solutions.networks.autoencoder import Autoencoder, train_code_gan


def clip_from_pixels(pixels: np.ndarray) -> Tensor:
    """Decoded frames as a clip.

    Args:
        pixels: (T, H, W, 3), uint8, 0 to 255.
    Returns:
        (T, 3, H, W), float32 in [-1, 1]: 0 is -1, 255 is 1.
    """
    return torch.from_numpy(pixels).movedim(-1, 1) / 127.5 - 1


def resize_and_crop(clip: Tensor, size: int) -> Tensor:
    """A clip made square, with nothing squeezed.

    First the shorter edge is brought to `size`, bilinear and with
    antialiasing; then the middle square is cut out.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        size: height and width of the result.
    Returns:
        (T, C, size, size), in [-1, 1].
    """
    height, width = clip.shape[-2:]
    shorter = min(height, width)
    shape = (height * size // shorter, width * size // shorter)
    clip = F.interpolate(clip, shape, mode="bilinear", antialias=True)
    top, left = (shape[0] - size) // 2, (shape[1] - size) // 2
    return clip[:, :, top:top + size, left:left + size]


def luma(images: Tensor) -> Tensor:
    """Brightness (..., H, W) in [-1, 1] of images (..., C, H, W), C = 1
    or 3, with the weights of ITU-R BT.709."""
    if images.shape[-3] == 1:
        return images[..., 0, :, :]
    red, green, blue = images.unbind(-3)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def black_frames(
    clip: Tensor, dark: float = -0.8, share: float = 0.98
) -> Tensor:
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


def duplicate_frames(
    clip: Tensor, threshold: float = 2 / 127.5, block: int = 8
) -> Tensor:
    """Which frames repeat the frame before them.

    How much a pixel changes is the mean absolute change of its channels.
    The mean of that over a whole frame misses a waving hand; its maximum
    takes the noise of a codec for motion. So: its mean over each block
    of 8 x 8 pixels, and of these the largest must be below `threshold`.

    Args:
        clip: (T, C, H, W), in [-1, 1], H and W multiples of `block`.
        threshold: a mean change below it is none; 2 of 256 levels.
        block: height and width of a block.
    Returns:
        (T,), bool; the first frame repeats nothing.
    Source: the idea of FFmpeg's filter mpdecimate.
    """
    change = (clip[1:] - clip[:-1]).abs().mean(dim=1, keepdim=True)
    largest = F.avg_pool2d(change, block).amax(dim=(1, 2, 3))
    return F.pad(largest < threshold, (1, 0), value=False)


def colour_histogram(images: Tensor, bins: int = 4) -> Tensor:
    """The share of pixels of each colour, blind to where they stand.

    Each channel is cut into `bins` equal parts of [-1, 1], numbered from
    0; the value 1 belongs to the last. For C = 3, a pixel with the parts
    r, g, b has the colour (r * bins + g) * bins + b.

    Args:
        images: (N, C, H, W), in [-1, 1].
        bins: parts of a channel.
    Returns:
        (N, bins ** C), at least 0; each row sums to 1.
    """
    part = ((images + 1) / 2 * bins).long().clamp(0, bins - 1)
    colour = torch.zeros_like(part[:, 0])
    for channel in part.unbind(dim=1):
        colour = colour * bins + channel
    count = torch.zeros(len(images), bins ** images.shape[1])
    ones = torch.ones_like(images[:, 0]).flatten(1)
    count.scatter_add_(1, colour.flatten(1), ones)
    return count / colour[0].numel()


def scene_cuts(clip: Tensor, threshold: float = 0.4) -> Tensor:
    """Which frames begin a new scene, by their colours.

    Motion moves colours about, a cut replaces them. Two shots in the
    same colours look like one: no histogram sees that cut.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        threshold: the share of pixels that must change their colour. In
            the walkers motion changes up to 0.13, another scene 0.7
            and more.
    Returns:
        (T,), bool; the first frame begins none.
    """
    histograms = colour_histogram(clip)
    changed = (histograms[1:] - histograms[:-1]).abs().sum(dim=1) / 2
    return F.pad(changed > threshold, (1, 0), value=False)


def whole_clips(video: Tensor, cuts: Tensor, num_frames: int) -> Tensor:
    """A video as clips of equal length, each from one scene.

    From the first frame of each scene on, clip stands behind clip; what
    is left over at the end of a scene is dropped.

    Args:
        video: (T, C, H, W), any number of frames.
        cuts: (T,), bool: which frames begin a new scene.
        num_frames: the length of a clip.
    Returns:
        (N, num_frames, C, H, W), in the order of the video; N may be 0.
    """
    starts = [0, *cuts.nonzero().flatten().tolist()]
    ends = [*starts[1:], len(video)]
    clips = [video[at:at + num_frames]
             for start, end in zip(starts, ends)
             for at in range(start, end - num_frames + 1, num_frames)]
    empty = video.new_empty(0, num_frames, *video.shape[1:])
    return torch.stack(clips) if clips else empty


def clean_clips(video: Tensor, num_frames: int) -> Tensor:
    """Whole clips of one scene each, without black and repeated frames.

    Args:
        video: (T, C, H, W), in [-1, 1], any number of frames.
        num_frames: the length of a clip.
    Returns:
        (N, num_frames, C, H, W), none overlapping; N may be 0.
    """
    video = video[~black_frames(video)]
    if len(video):
        video = video[~duplicate_frames(video)]
    cuts = scene_cuts(video) if len(video) else torch.zeros(0).bool()
    return whole_clips(video, cuts, num_frames)


def augment(
    clip: Tensor, rng: torch.Generator, shift: int = 2, light: float = 0.1
) -> Tensor:
    """A clip that could have been filmed as well: mirrored left to right
    or not, moved a little, a little lighter or darker.

    Every draw is made once for the clip and used for all of its frames.

    Args:
        clip: (T, C, H, W), in [-1, 1].
        rng: draws.
        shift: pixels that the clip moves at most, in each direction;
            the edge is repeated.
        light: what is added to or taken from all values at most.
    Returns:
        (T, C, H, W), in [-1, 1].
    """
    rows, columns = clip.shape[2:]
    # Mirrored, every other time.
    # BEGIN SOLUTION
    if torch.rand((), generator=rng) < 0.5:
        clip = clip.flip(-1)
    # STUB coin = torch.rand(len(clip), 1, 1, 1, generator=rng)
    # STUB clip = torch.where(coin < 0.5, clip.flip(-2), clip)
    # END SOLUTION
    # Moved by up to `shift` pixels.
    padded = F.pad(clip, [shift] * 4, mode="replicate")
    top, left = torch.randint(2 * shift + 1, (2,), generator=rng).tolist()
    clip = padded[:, :, top:top + rows, left:left + columns]
    # Lighter or darker by up to `light`.
    # BEGIN SOLUTION
    # STUB draw = torch.rand(len(clip), 1, 1, 1, generator=rng)
    # STUB return clip + light * (2 * draw - 1)
    offset = light * (2 * torch.rand((), generator=rng) - 1)
    return (clip + offset).clamp(-1, 1)
    # END SOLUTION


def autoencoder_step(
    model: nn.Module, optimizer: Optimizer, clips: Tensor
) -> Tensor:
    """One training step: the model is to give back what went in.

    Args:
        model: turns clips into clips of the same shape.
        optimizer: holds the model's parameters.
        clips: a batch of any shape.
    Returns:
        The mean squared error before the step, one number, detached.
        Gradients of earlier steps have no influence.
    """
    loss = F.mse_loss(model(clips), clips)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def train_autoencoder(
    model: nn.Module, clips: Tensor, *, steps: int, rng: torch.Generator,
    batch_size: int = 16, lr: float = 2e-3, augment: Callable | None = None,
) -> list[float]:
    """Trains with Adam to give back what went in.

    Args:
        clips: (N, T, C, H, W), in [-1, 1].
        rng: draws the batches and the augmentations.
        augment: called as augment(clip, rng) on each clip of a batch.
    Returns:
        The mean squared error of each step, before the step.
    """
    optimizer, losses = Adam(model.parameters(), lr=lr), []
    for _ in (bar := progress(steps, description="autoencoder")):
        chosen = torch.randint(len(clips), (batch_size,), generator=rng)
        batch = clips[chosen]
        if augment:
            batch = torch.stack([augment(clip, rng) for clip in batch])
        losses.append(float(autoencoder_step(model, optimizer, batch)))
        bar.show(loss=losses[-1])
    return losses


def gaussian_codes(
    codes: Tensor, count: int, rng: torch.Generator
) -> Tensor:
    """New codes from the Gaussian with the mean and the covariance of
    those that are there.

    Args:
        codes: (N, K), one code a row; N is larger than K.
        count: how many new ones.
        rng: draws.
    Returns:
        (count, K).
    """
    mean = codes.mean(dim=0)
    noise = torch.randn(count, len(codes), generator=rng)
    return mean + noise @ (codes - mean) / (len(codes) - 1) ** 0.5


def pipeline(
    videos: Sequence[str | Path], out: str | Path, *, rng: torch.Generator,
    num_frames: int = 8, size: int = 32, steps: int = 300, count: int = 4,
) -> Tensor:
    """The whole way: video files in, new clips out, as MP4.

    Args:
        videos: files that FFmpeg decodes.
        out: the folder for the new clips, 0.mp4 and on.
        rng: of every draw but the networks' first weights.
        num_frames: the length of a clip, for training and sampling.
        size: height and width, a multiple of 8.
        steps: of training the autoencoder; the GAN makes six times as
            many, which are far cheaper.
        count: how many new clips.
    Returns:
        The new clips, (count, num_frames, 3, size, size), in [-1, 1].
    Raises:
        ValueError: fewer than 2 clips are left after cleaning.
    """
    clean = [clean_clips(read_video(path, size=size), num_frames)
             for path in videos]
    real = torch.cat(clean) if clean else torch.empty(0)
    if len(real) < 2:
        raise ValueError(
            f"expected at least 2 clips of {num_frames} frames, got "
            f"{len(real)} from {len(clean)} videos after cleaning: "
            "try more videos or a smaller num_frames")
    model = Autoencoder(num_frames * 3, size)
    train_autoencoder(model, real, steps=steps, rng=rng)
    with torch.no_grad():
        codes = model.encode(real)
    generator = train_code_gan(codes, steps=6 * steps, rng=rng)
    with torch.no_grad():
        z = torch.randn(count, generator.nz, generator=rng)
        fake = model.decode(generator(z), num_frames)
    for i, clip in enumerate(fake):
        write_video(clip, Path(out) / f"{i}.mp4", scale=4)
    return fake


no_distribution = """
The autoencoder was only ever asked to give back clips that went in. Its loss says nothing about *where* the codes of
those clips lie. They may fill a thin, bent region, anywhere and of any width, and the decoder is trained there and
nowhere else. A draw from a standard Gaussian lands somewhere outside, so the decoder's answer means nothing.

A smaller reconstruction error doesn't help. The loss does not contain the sampling at all: a perfect autoencoder could
keep a list of its training clips and decode everything between them to grey.

What is missing is a distribution of codes. Learn one afterwards: fit a Gaussian to the codes of the training clips, or
train a GAN that makes such codes from noise. Or demand one during training: a VAE adds a term to the loss that pulls
the codes towards a standard Gaussian, and then drawing from that is right.
"""
