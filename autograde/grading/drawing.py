"""A picture that someone hands in, drawn anew: upright, not too large, and nothing but its pixels.

What only looks like a picture, what hides behind one, and the place where a photograph was taken stay behind.
"""
from __future__ import annotations

import io
import warnings
from typing import Any

from PIL import Image, ImageOps

MAX_PIXELS = 25_000_000   # as it comes: a telephone's camera has 12 to 24 million
SHOWN_PIXELS = 4_000_000  # a larger one is drawn smaller: 2560 × 1440 are left as they are
MAX_DRAWN = 4_000_000     # bytes; a larger PNG becomes a JPEG, which is never as large
MAX_SCANS = 50            # of a JPEG, which is read once for each; cameras write up to 12
KINDS = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif"}  # what is drawn
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")                               # what is read


class LeftOut(ValueError):
    """A picture is not kept; the message says why, as the end of a sentence."""


def pixels(content: bytes) -> int:
    """Of a picture, all frames of a moving one together, from what it says of itself.

    Raises:
        LeftOut: it is no picture of a kind that is read, or has more than `MAX_PIXELS`.
    """
    if content.lstrip().startswith(b"<") and b"<svg" in content[:2000].lower():
        raise LeftOut("an SVG drawing can hold a script; paste a PNG of it")
    if content.startswith(b"\xff\xd8") and content.count(b"\xff\xda") > MAX_SCANS:
        raise LeftOut(f"it is a JPEG of more than {MAX_SCANS} scans")
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            frames = getattr(image, "n_frames", 1) if image.format == "GIF" else 1
            count = image.width * image.height * frames
    except Image.DecompressionBombError:
        raise LeftOut(f"it has far more than {MAX_PIXELS / 1e6:.0f} million pixels") from None
    except Exception:  # whatever Pillow stumbles over in bytes that only look like a picture
        raise LeftOut("it is no PNG, JPEG, GIF or WebP, or is damaged") from None
    if count > MAX_PIXELS:
        frames_too = f", its {frames} frames together" if frames > 1 else ""
        raise LeftOut(f"it has {count / 1e6:.0f} million pixels{frames_too}; at most {MAX_PIXELS / 1e6:.0f} million are read")
    return count


def drawn(content: bytes) -> tuple[str, bytes]:
    """A picture drawn anew, upright, with nothing but its pixels: "png", "jpg" or "gif" (one that moves), and its bytes.

    Raises:
        LeftOut: it is damaged, or too large however it is drawn.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            moves = image.format == "GIF" and getattr(image, "n_frames", 1) > 1
            kind, new = _moving(image) if moves else _still(image)
    except Exception:  # as above
        raise LeftOut("it is cut off or damaged") from None
    if len(new) > MAX_DRAWN:
        raise LeftOut(f"it has {len(new) / 1e6:.1f} MB; at most {MAX_DRAWN / 1e6:.0f} MB are kept")
    return kind, new


def _moving(image: Image.Image) -> tuple[str, bytes]:
    file = io.BytesIO()
    image.save(file, "GIF", save_all=True, comment=b"")
    return "gif", file.getvalue()


def _still(image: Image.Image) -> tuple[str, bytes]:
    is_photograph = image.format == "JPEG"
    image = _shrunk(_eight_bits(ImageOps.exif_transpose(image)))
    image.info = {}
    content = b"" if is_photograph else _saved(image, "PNG", optimize=False)
    if is_photograph or len(content) > MAX_DRAWN:
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A") if image.mode == "RGBA" else None)
        return "jpg", _saved(paper, "JPEG", quality=85)
    return "png", content


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, of which `convert` would keep the white
        return image.convert("I").point(lambda value: value / 256).convert("RGB")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _shrunk(image: Image.Image) -> Image.Image:
    scale = (SHOWN_PIXELS / (image.width * image.height)) ** 0.5
    if scale >= 1:
        return image
    return image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale))), reducing_gap=2)


def _saved(image: Image.Image, form: str, **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()
