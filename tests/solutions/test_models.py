"""Every model that the command line knows."""
import pytest
from clipkit import ClipSet, digit_images

from solutions.models import MODELS, recipe


@pytest.mark.parametrize("name", MODELS)
def test_the_smoke_preset_runs(name):
    images, targets = digit_images(16)
    data = ClipSet(images[:20, None], {"digit": targets[:20]}, {"digit": tuple("0123456789")})
    made = recipe(name, data, "smoke")
    run = made.train()
    assert made.sample(run.ema, 10).shape == (10, 1, 16, 16)
    assert all(run.history[name].isfinite().all() for name in run.history.names)
