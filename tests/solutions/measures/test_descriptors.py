"""Colour, texture and motion features: invariances, and flow on pictures moved by a known amount."""
import pytest
import torch

from clipkit import Walkers
from solutions.measures.descriptors import describe, frame_difference, optical_flow, texture_histogram


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def smooth(height=48, width=48, waves=12):
    """A sum of sines, and the same moved by any (right, down): an exact truth for motion."""
    draw = torch.rand(waves, 3, dtype=torch.float64)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")

    def moved(right=0.0, down=0.0):
        phase = (draw[:, 0, None, None] - 0.5) * (x - right) + (draw[:, 1, None, None] - 0.5) * (y - down)
        return (phase + 6.3 * draw[:, 2, None, None]).sin().mean(dim=0)[None, None].float()

    return moved


@pytest.mark.parametrize("motion", [(0.5, 0.0), (0.0, -1.0), (1.0, 0.5), (-0.7, 0.3)])
def test_flow_is_how_far_the_picture_moved(motion):
    image = smooth()
    flow = optical_flow(image(), image(*motion))[0]
    inside = flow[:, 6:-6, 6:-6].flatten(1)
    torch.testing.assert_close(inside.median(dim=1).values, torch.tensor(motion), atol=0.08, rtol=0)
    assert (inside - torch.tensor(motion)[:, None]).norm(dim=0).mean() < 0.15


def test_flow_is_zero_where_nothing_moves_or_nothing_shows():
    image = smooth()
    assert optical_flow(image(), image()).abs().max() < 1e-5
    flat = torch.zeros(1, 3, 16, 16)
    assert (optical_flow(flat, flat + 0.5) == 0).all()


def test_texture_knows_neither_light_nor_contrast_but_patterns():
    images = Walkers(4, num_frames=1).clips[:, 0]
    histogram = texture_histogram(images)
    torch.testing.assert_close(histogram.sum(dim=1), torch.ones(4))
    torch.testing.assert_close(texture_histogram(0.5 * images + 0.2), histogram)
    flat, checks = torch.zeros(1, 1, 9, 9), (torch.arange(81) % 2).float().view(1, 1, 9, 9)
    assert texture_histogram(flat)[0, 255] == 1
    assert texture_histogram(checks)[0].count_nonzero() == 2


def test_motion_tells_a_walk_from_a_still():
    walk = Walkers(1, num_frames=8, action="walk", direction="left").clips[0]
    still = walk[:1].expand_as(walk)
    assert frame_difference(still).tolist() == [0] * 7
    assert (describe(still)["motion"] == 0).all()
    features = describe(walk)
    assert features["motion"][0] > 0.01
    assert {name: len(values) for name, values in features.items()} == {"colour": 64, "texture": 256, "motion": 3}


def test_the_mean_flow_has_the_direction_of_the_ground():
    def speed(direction):
        clips = Walkers(8, num_frames=8, scene="meadow", action="walk", direction=direction).clips
        return torch.stack([describe(clip)["motion"][1] for clip in clips]).mean()

    assert speed("left") > 0 > speed("right")
