"""Every model that the command line knows."""
import pytest
import torch

from clipkit import ClipSet, MovingDigits, digit_images
from solutions.models.registry import DATA, MODELS, blank, load, recipe


def digits(num_frames):
    if num_frames > 1:
        return MovingDigits(20, num_frames=num_frames, size=16)
    images, targets = digit_images(16)
    return ClipSet(images[:20, None], {"digit": targets[:20]}, {"digit": tuple("0123456789")})


@pytest.mark.parametrize("name", MODELS)
def test_the_smoke_preset_runs(name):
    num_frames = MODELS[name].num_frames
    made = recipe(name, digits(num_frames), "smoke")
    run = made.train()
    samples = made.sample(run.ema, 10)
    assert samples.shape == (10, *made.real.shape[1:])
    assert all(run.history[name].isfinite().all() for name in run.history.names)


@pytest.mark.parametrize("name", MODELS)
def test_a_trained_generator_can_be_built_anew_from_shapes_alone(name):
    data = digits(MODELS[name].num_frames)
    trained = recipe(name, data, "smoke")
    built = recipe(name, blank(data.clips.shape[1:], data.attributes), "smoke", seed=1)
    built.generator.load_state_dict(trained.generator.state_dict())
    assert torch.equal(built.sample(built.generator.eval(), 3), trained.sample(trained.generator.eval(), 3))


def test_clips_are_as_long_and_large_as_the_preset_says():
    assert load("walkers", preset="smoke").clips.shape[1:] == (1, 3, 32, 32)
    assert load("moving_digits", preset="smoke", num_frames=8).clips.shape[1:] == (8, 1, 32, 32)
    assert "lpc" in DATA


def test_day_and_night_are_both_there():
    data = load("day_and_night", preset="smoke")
    assert {data.describe(k)["scene"] for k in range(len(data))} == {"meadow", "night"}


def test_the_gpu_preset_doubles_length_and_size(monkeypatch):
    from solutions.models import registry

    asked = {}
    monkeypatch.setattr(registry, "LPCSprites", lambda count, **options: asked.update(count=count, **options))
    load("lpc", preset="gpu", num_frames=8)
    assert asked == {"count": 8192, "num_frames": 16, "size": 64, "seed": 0}
