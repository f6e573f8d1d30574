"""Pictures for the page: film strips of clips and grids of images, each with the text that describes it."""

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from clipkit.pixels import as_clips, as_images, enlarge, evenly_spread, to_pixels

GAP = 2  # display pixels between two tiles, transparent: right on a light page and on a dark one
LETTERS_IN_TITLE = 110  # about so many fit into a row: a wide sheet is shown smaller, and its titles stay legible
SMALLEST_TITLE = 13  # pixels
TITLE, LABEL = (32, 32, 32, 255), (236, 236, 236, 255)  # dark on a light label, whatever the page is


class Picture:
    """A picture that shows itself in a notebook as a PNG with its alt text.

    `image` is the PIL image, `alt` the text for those who cannot see it; `save(path)` writes it. `density` is
    how many of its pixels, in each direction, are shown as one: 1 keeps pixel art crisp, 2 is for drawings.
    """

    def __init__(self, image: Image.Image, alt: str, *, density: int = 1):
        self.image = image
        self.alt = described(alt)
        self.density = density

    def save(self, path: str | Path) -> Path:
        """Writes the picture; the suffix (.png, .webp, ...) says how. Returns the path."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {"optimize": True} if path.suffix.lower() == ".png" else {}
        self.image.save(path, **options)
        return path

    def _repr_html_(self) -> str:
        width, height = (n // self.density for n in self.image.size)
        rendering = "pixelated" if self.density == 1 else "auto"
        return (
            f'<img src="{data_uri(png(self.image, lossless=self.density == 1), "image/png")}" alt="{escape(self.alt)}" '
            f'width="{width}" height="{height}" '
            f'style="max-width:100%;height:auto;image-rendering:{rendering}">'
        )

    def __repr__(self) -> str:
        return f"Picture({self.image.width} x {self.image.height}: {self.alt})"


def film_strip(
    clips: Tensor, *, alt: str, columns: int = 8, scale: int = 4, titles: Sequence[str] | None = None
) -> Picture:
    """A row of frames for each clip, from left to right in time.

    Args:
        clips: (T, C, H, W) or (B, T, C, H, W), in [-1, 1].
        alt: what is to be seen, for those who cannot see it.
        columns: frames in a row at most; a longer clip shows frames evenly spread from its first to its last.
        scale: display pixels for one pixel.
        titles: one for each clip, written above its row.
    Raises:
        ValueError: wrong shape, an empty `alt`, or not one title for each clip.
    """
    clips = as_clips(clips)
    shown = evenly_spread(clips.shape[1], at_least_one(columns))
    rows = enlarge(to_pixels(clips[:, shown]), scale)  # (B, columns, H, W, 3)
    if titles is not None and len(titles) != len(rows):
        raise ValueError(f"expected one title for each of {len(rows)} clips, got {len(titles)}")
    return Picture(_sheet(rows, titles), alt)


def image_grid(images: Tensor, *, alt: str, columns: int = 8, scale: int = 4) -> Picture:
    """Images side by side, row after row.

    Args:
        images: (C, H, W) or (N, C, H, W), in [-1, 1].
        alt: what is to be seen, for those who cannot see it.
        columns: images in a row.
        scale: display pixels for one pixel.
    Raises:
        ValueError: wrong shape or an empty `alt`.
    """
    tiles = enlarge(to_pixels(as_images(images)), scale)  # (N, H, W, 3)
    columns = min(at_least_one(columns), len(tiles))
    return Picture(_sheet([tiles[i : i + columns] for i in range(0, len(tiles), columns)]), alt)


def described(alt: str) -> str:
    """`alt` itself; ValueError where it is empty."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(
            "expected alt to say what is to be seen, for those who cannot see it; got an empty one"
        )
    return alt


def at_least_one(columns: int) -> int:
    """`columns` itself; ValueError below 1."""
    if columns < 1:
        raise ValueError(f"expected at least 1 column, got {columns}")
    return columns


def png(image: Image.Image, *, lossless: bool = True) -> bytes:
    """The image as PNG, with a palette where that loses nothing (pixel art has few colours), and where `lossless` is
    not asked for (a drawing keeps its looks at a third of the size)."""
    if image.getcolors(256):
        image = _with_exact_palette(image)
    elif not lossless:
        image = image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _with_exact_palette(image: Image.Image) -> Image.Image:
    """An image of at most 256 colours as a palette and indices, every colour as it was."""
    pixels = np.asarray(image.convert("RGBA"))
    colours, index = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    small = Image.fromarray(index.reshape(pixels.shape[:2]).astype(np.uint8), "P")
    small.putpalette(colours.tobytes(), "RGBA")
    return small


def data_uri(data: bytes, mime_type: str) -> str:
    """The bytes as an address that a page can hold in itself."""
    return f"data:{mime_type};base64,{base64.b64encode(data).decode()}"


def _sheet(rows: Sequence[np.ndarray] | np.ndarray, titles: Sequence[str] | None = None) -> Image.Image:
    height, width = rows[0].shape[1:3]
    across = len(rows[0]) * (width + GAP) - GAP
    letters = max(SMALLEST_TITLE, 2 * across // LETTERS_IN_TITLE)
    above = letters + 8 if titles else 0
    step = above + height + GAP
    sheet = Image.new("RGBA", (across, len(rows) * step - GAP))
    for r, row in enumerate(rows):
        if titles:
            _write_title(sheet, titles[r], r * step, letters)
        for c, tile in enumerate(row):
            sheet.paste(Image.fromarray(tile), (c * (width + GAP), r * step + above))
    return sheet


def _write_title(sheet: Image.Image, title: str, top: int, letters: int) -> None:
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(letters)
    end = draw.textlength(title, font=font) + 10
    draw.rounded_rectangle((0, top, end, top + letters + 5), 3, fill=LABEL)
    draw.text((5, top + letters / 2 + 2.5), title, fill=TITLE, font=font, anchor="lm")
