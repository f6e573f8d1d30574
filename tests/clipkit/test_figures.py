"""Figures against the size that Matplotlib was asked for."""
import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import pytest
import torch

import clipkit


def half_red(width: float = 2):
    """A figure whose left half is red and whose right half is white."""
    fig = plt.figure(figsize=(width, 1))
    fig.add_axes([0, 0, 0.5, 1], facecolor="red", xticks=[], yticks=[], frameon=True)
    return fig


def test_a_figure_is_drawn_at_twice_the_size_it_is_shown():
    picture = clipkit.figure(half_red(), alt="red, then white")
    assert picture.image.size == (400, 200)
    assert 'width="200" height="100"' in picture._repr_html_()
    assert picture.image.getpixel((100, 100))[:3] == (255, 0, 0)
    assert picture.image.getpixel((300, 100))[:3] == (255, 255, 255)
    assert not plt.get_fignums()
    with pytest.raises(ValueError, match="cannot see it"):
        clipkit.figure(half_red(), alt="")


def test_a_frame_is_an_image_of_even_size():
    frame = clipkit.figure_frame(half_red(width=2.01))
    assert frame.shape == (3, 100, 200) and frame.dtype == torch.float32
    assert frame[:, 50, 50].tolist() == [1, -1, -1]
    assert frame[:, 50, 150].tolist() == [1, 1, 1]
    assert not plt.get_fignums()
