"""Digits against scikit-learn's own images, and their flight against a ball that is moved step by step."""
import pytest
import torch
from sklearn.datasets import load_digits

import clipkit
from clipkit.digits import bouncing


def test_the_images_are_scikit_learns():
    images, labels = clipkit.digit_images(8)
    bunch = load_digits()
    assert images.shape == (1797, 1, 8, 8)
    assert torch.allclose((images[:, 0] + 1) * 8, torch.from_numpy(bunch.images).float(), atol=1e-4)
    assert labels.tolist() == bunch.target.tolist()


def test_they_can_be_larger():
    images, _ = clipkit.digit_images()
    assert images.shape == (1797, 1, 16, 16)
    assert (images.min(), images.max()) == (-1, 1)
    with pytest.raises(ValueError, match="at least 8"):
        clipkit.digit_images(4)


def test_shape_range_and_seed():
    digits = clipkit.MovingDigits(20, num_frames=5, digits=2)
    assert digits.clips.shape == (20, 5, 1, 32, 32)
    assert digits.clips.min() == -1 and digits.clips.max() <= 1
    assert torch.equal(digits.clips[:3], clipkit.MovingDigits(3, num_frames=5, digits=2).clips)
    assert not torch.equal(digits.clips, clipkit.MovingDigits(20, num_frames=5, digits=2, seed=1).clips)


def test_the_digit_keeps_all_its_ink():
    """Bilinear weights add up to 1: wherever the digit is inside the frame, its ink is the same."""
    ink = (clipkit.MovingDigits(50).clips + 1).sum((2, 3, 4))  # (N, T)
    assert torch.allclose(ink, ink[:, :1].expand_as(ink), rtol=1e-3)


def test_the_label_is_the_digit_that_flies():
    still = clipkit.MovingDigits(60, num_frames=1, size=16)  # no room to move
    images, targets = clipkit.digit_images(16)
    nearest = torch.cdist(still.clips.flatten(1), images.flatten(1)).argmin(1)
    assert torch.equal(targets[nearest], still.labels["digit"])


def test_bouncing_keeps_speed_and_stays_inside():
    g = torch.Generator().manual_seed(0)
    start, turn = torch.rand(100, 2, generator=g), torch.rand(100, 2, generator=g)
    places = bouncing(start, turn, 200, room=16)
    assert places.min() >= 0 and places.max() <= 16
    assert torch.allclose(places[:, 0], start * 16, atol=1e-4)
    steps = places.diff(dim=1).abs()  # (100, 199, 2); the step that holds a bounce is shorter
    speed = steps.amax(1)  # (100, 2), along each axis
    assert ((speed.norm(dim=-1) > 0.99) & (speed.norm(dim=-1) < 3.01)).all()
    at_speed = ((steps - speed[:, None]).abs() < 1e-3).float().mean(1)
    assert (at_speed > 0.7).all()  # at most one step in 16 / 3 meets a wall


def test_bouncing_with_walls_one_step_at_a_time():
    """Against a simulation that reverses the velocity at a wall."""
    start, turn = torch.tensor([[0.9, 0.2]]), torch.tensor([[0.15, 0.8]])
    first = bouncing(start, turn, 2, room=10_000)  # far walls: the free velocity
    velocity = (first[0, 1] - first[0, 0]).tolist()
    place = (start[0] * 16).tolist()
    for expected in bouncing(start, turn, 60, room=16)[0]:
        assert place == pytest.approx(expected.tolist(), abs=0.02)
        for i in range(2):
            place[i] += velocity[i]
            if not 0 <= place[i] <= 16:
                place[i] = -place[i] if place[i] < 0 else 32 - place[i]
                velocity[i] = -velocity[i]


def test_too_small_is_refused():
    with pytest.raises(ValueError, match="size of at least 16.*got 1, 1, 1 and 12"):
        clipkit.MovingDigits(1, num_frames=1, size=12)
