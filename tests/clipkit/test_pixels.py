"""The door between clips and pixels: every level there and back."""
import numpy as np
import pytest
import torch

from clipkit.pixels import as_clips, as_images, enlarge, evenly_spread, from_pixels, to_pixels


def test_every_level_survives_the_way_there_and_back():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, -1)
    there = from_pixels(levels)
    assert there.shape == (1, 3, 16, 16) and there.dtype == torch.float32
    assert (there.min(), there.max()) == (-1, 1)
    assert (to_pixels(there) == levels).all()


def test_outside_the_range_is_clamped_and_nan_is_black():
    values = torch.tensor([-9.0, 9.0, float("nan"), 0.0]).view(1, 1, 4).expand(3, 1, 4)
    assert to_pixels(values)[0, :, 0].tolist() == [0, 255, 0, 128]


def test_grey_becomes_three_equal_channels():
    pixels = to_pixels(torch.rand(2, 1, 4, 5))
    assert pixels.shape == (2, 4, 5, 3)
    assert (pixels == pixels[..., :1]).all()


def test_enlarge_repeats_pixels():
    pixels = np.random.default_rng(0).integers(0, 255, (2, 3, 4, 3), np.uint8)
    big = enlarge(pixels, 3)
    assert (big == np.kron(pixels, np.ones((1, 3, 3, 1), np.uint8))).all()
    with pytest.raises(ValueError, match="whole number"):
        enlarge(pixels, 0)


def test_one_becomes_a_batch_of_one():
    assert as_clips(torch.zeros(4, 3, 8, 8)).shape == (1, 4, 3, 8, 8)
    assert as_clips(torch.zeros(2, 4, 3, 8, 8)).shape == (2, 4, 3, 8, 8)
    assert as_images(torch.zeros(1, 8, 8)).shape == (1, 1, 8, 8)
    assert not as_images(torch.zeros(1, 8, 8, requires_grad=True)).requires_grad


@pytest.mark.parametrize(
    "clips, says",
    [
        (torch.zeros(2, 3, 16, 8, 8), "T and C look swapped"),
        (torch.zeros(16, 8, 8, 3), "channels stand last"),
        (torch.zeros(8, 8), r"expected clips .* got \(8, 8\)"),
        (torch.zeros(0, 3, 8, 8), r"got \(0, 3, 8, 8\)"),
    ],
)
def test_a_wrong_shape_says_what_to_try(clips, says):
    with pytest.raises(ValueError, match=says):
        as_clips(clips)


def test_a_wrong_type_says_what_to_try():
    with pytest.raises(TypeError, match=r"x / 127\.5 - 1"):
        as_clips(torch.zeros(4, 3, 8, 8, dtype=torch.uint8))
    with pytest.raises(TypeError, match="torch.as_tensor"):
        as_clips(np.zeros((4, 3, 8, 8)))


@pytest.mark.parametrize("length, most, shown", [
    (3, 8, [0, 1, 2]), (3, 3, [0, 1, 2]), (9, 3, [0, 4, 8]), (20, 1, [0]), (0, 8, [])])
def test_what_is_shown_of_many_goes_from_first_to_last(length, most, shown):
    assert evenly_spread(length, most).tolist() == shown
