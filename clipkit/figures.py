"""Matplotlib figures for the page: one as a picture with its alt text, many as the frames of a clip."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from torch import Tensor

from clipkit.pictures import Picture
from clipkit.pixels import from_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which colour-blind readers tell apart; the same meaning in every chapter.
REAL, FAKE, DISCRIMINATOR, OTHER = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
DENSITY = 2  # pixels drawn for each pixel shown


def figure(fig: "Figure", *, alt: str) -> Picture:
    """A matplotlib figure as a picture with its alt text; the figure is closed.

    Args:
        fig: the figure; its size in inches times 100 is the size shown, in pixels.
        alt: what is to be seen, for those who cannot see it.
    Raises:
        ValueError: an empty `alt`.
    """
    return Picture(Image.fromarray(_drawn(fig, DENSITY)), alt, density=DENSITY)


def figure_frame(fig: "Figure") -> Tensor:
    """A matplotlib figure as an image (3, H, W) in [-1, 1], a frame of a clip; the figure is closed.

    Height and width are the figure's size in inches times 100, rounded down to even numbers.
    """
    pixels = _drawn(fig, 1)
    height, width = (n // 2 * 2 for n in pixels.shape[:2])
    return from_pixels(pixels[None, :height, :width])[0]


def _drawn(fig: "Figure", density: int) -> np.ndarray:
    """uint8 (H, W, 3), on white."""
    import matplotlib.pyplot as plt

    fig.set_dpi(100 * density)
    fig.canvas.draw()
    pixels = np.asarray(fig.canvas.buffer_rgba())[..., :3].copy()  # type: ignore[attr-defined]  # of those that draw pixels
    plt.close(fig)
    return pixels
