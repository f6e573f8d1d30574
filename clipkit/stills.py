"""Image files as a viewer shows them: upright, over white, in 8 bits."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clipkit.damage import bounded, readable
from clipkit.pixels import over_white

if TYPE_CHECKING:
    from PIL import Image


def read_still(path: str | Path) -> np.ndarray:
    """The picture in an image file, uint8 (H, W, 3).

    It is turned as its EXIF data say, what is transparent shows white (see `over_white`), and 16 bits of grey become 8.

    Raises:
        ValueError: it is no image, it is damaged, or it has more than `damage.MOST_PIXELS`; the message names it.
    """
    from PIL import Image, ImageOps

    with readable(path, "image"), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `bounded` has the word
        with Image.open(path) as image:
            bounded(*image.size)
            return _colours(ImageOps.exif_transpose(image))


def _colours(image: "Image.Image") -> np.ndarray:
    if image.mode.startswith("I"):  # whole numbers to 65535, which Pillow's `convert` cuts off at 255
        levels = np.asarray(image).astype(np.int32)  # NumPy 2.1 crashes comparing big-endian numbers with -1
        grey = np.where(levels == image.info.get("transparency", -1), 255, (levels.clip(0, 65535) / 257).round())
        return grey.astype(np.uint8)[..., None].repeat(3, axis=-1)
    if image.has_transparency_data:
        return over_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))
