"""A clip that plays in the page: one self-contained figure for Jupyter, Colab and the published book."""

import io
from functools import cached_property
from html import escape
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from clipkit.pictures import Picture, at_least_one, data_uri, described, film_strip, png
from clipkit.pixels import as_clips, enlarge, evenly_spread, from_pixels, to_pixels
from clipkit.video import encode, frame_rate, write_video

MOST_IN_STRIP = 8  # rows; a strip of more clips than this would outweigh the video
WIDEST_IN_STRIP = 128  # pixels a frame, for the same reason
GAP = 1  # clip pixels between two clips of one video
# It starts by itself only where the reader has not asked for less motion.
START = "matchMedia('(prefers-reduced-motion: reduce)').matches || this.play()"


def _small_strip(clips: Tensor, *, alt: str) -> Picture:
    """The film strip beneath the video: small clips at twice their size, large ones shrunk; of many, some from each part."""
    clips = clips[evenly_spread(len(clips), MOST_IN_STRIP)]
    if clips.shape[-1] <= WIDEST_IN_STRIP:
        return film_strip(clips, alt=alt, scale=2)
    small = F.interpolate(clips.flatten(0, 1), scale_factor=WIDEST_IN_STRIP / clips.shape[-1], mode="area")
    return film_strip(small.unflatten(0, clips.shape[:2]), alt=alt, scale=1)


class Player:
    """A clip, or several side by side, shown in a notebook as a video that loops and can be paused.

    The page needs nothing else: the H.264 video, its first frame and the film strip are in the figure.
    `save(path)` writes the video as .mp4, .webm or .gif.
    """

    def __init__(self, clips: Tensor, *, alt: str, fps: float, scale: int, columns: int | None):
        self.alt = described(alt)
        self.fps = float(frame_rate(fps))
        self.scale = scale
        clips = as_clips(clips)
        self._strip = _small_strip(clips, alt=f"Film strip: {alt}")
        shown = f" of {MOST_IN_STRIP} of the {len(clips)} clips" if len(clips) > MOST_IN_STRIP else ""
        self._strip_title = f"Film strip{shown}"
        self._pixels = _tiled(to_pixels(clips), columns)

    def save(self, path: str | Path) -> Path:
        """Writes the video as it is shown; returns the path."""
        return write_video(from_pixels(self._pixels), path, fps=self.fps, scale=self.scale)

    @cached_property
    def mp4(self) -> bytes:
        """The video, encoded at display size so that the edges stay crisp."""
        buffer = io.BytesIO()
        encode(enlarge(self._pixels, self.scale), buffer, ".mp4", self.fps)
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        height, width = (n * self.scale for n in self._pixels.shape[1:3])
        poster = data_uri(png(Image.fromarray(self._pixels[0])), "image/png")
        return (
            f'<figure class="clip" style="margin:0">\n'
            f'<video controls loop muted playsinline preload="metadata" width="{width}" height="{height}" '
            f'aria-label="{escape(self.alt)}" poster="{poster}" onloadeddata="{START}" '
            f'style="max-width:100%;height:auto;image-rendering:pixelated">\n'
            f'<source src="{data_uri(self.mp4, "video/mp4")}" type="video/mp4">\n'
            f"{escape(self.alt)}\n</video>\n"
            f"<details><summary>{self._strip_title}</summary>\n{self._strip._repr_html_()}\n</details>\n</figure>"
        )

    def __repr__(self) -> str:
        return f"Player({len(self._pixels)} frames at {self.fps:g} a second: {self.alt})"


def play(clips: Tensor, *, alt: str, fps: float = 8, scale: int = 4, columns: int | None = None) -> Player:
    """A clip that plays in the page, with controls, in a loop; several clips play side by side.

    It does not start by itself where the reader has asked for reduced motion; a film strip stands beneath it.

    Args:
        clips: (T, C, H, W) or (B, T, C, H, W), in [-1, 1].
        alt: what is to be seen, for those who cannot see it.
        fps: frames a second.
        scale: display pixels for one pixel.
        columns: clips in a row; None makes it about square, at most 8.
    Raises:
        ValueError: wrong shape, an empty `alt`, fps not above 0.
    """
    return Player(clips, alt=alt, fps=fps, scale=scale, columns=columns)


def _tiled(pixels: np.ndarray, columns: int | None) -> np.ndarray:
    """uint8 (B, T, H, W, 3) as one video (T, rows * H + gaps, columns * W + gaps, 3)."""
    num_clips, num_frames, height, width, _ = pixels.shape
    columns = min(at_least_one(columns or min(8, int(np.ceil(num_clips**0.5)))), num_clips)
    rows = -(-num_clips // columns)
    video = np.full((num_frames, rows * (height + GAP), columns * (width + GAP), 3), 128, np.uint8)
    for i, clip in enumerate(pixels):
        y, x = i // columns * (height + GAP), i % columns * (width + GAP)
        video[:, y : y + height, x : x + width] = clip
    return video[:, :-GAP, :-GAP]
