"""The shipped generators: small, labelled with how they were made, and clips that move."""
import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from solutions.published import shipped
from solutions.published.shipped import SHIPPED, WEIGHTS, ship, trained


@pytest.mark.parametrize("name", SHIPPED)
def test_the_file_is_small_and_says_how_it_was_made(name):
    path = WEIGHTS / f"{name}.safetensors"
    assert path.stat().st_size < 2_000_000
    with safe_open(path, "pt") as file:
        made_by = file.metadata()
    credited = {"art"} if SHIPPED[name].data == "lpc" else set()
    assert set(made_by) - {"seconds"} == {"run", "command", "seed", "machine"} | credited and name in made_by["command"]
    assert json.loads(made_by["run"])["preset"] == SHIPPED[name].preset


@pytest.mark.parametrize("name", SHIPPED)
def test_samples_are_many_and_clips_move(name):
    """In shape; no two alike, clips in motion, and the same for the same seed."""
    generator, recipe = trained(name)
    clips = recipe.sample(generator, 32)
    assert clips.shape == (32, *recipe.real.shape[1:]) and clips.isfinite().all()
    assert clips.ndim == 4 or clips.diff(dim=1).abs().mean() > 0.01
    assert torch.equal(clips, recipe.sample(generator, 32))
    assert clips.std(0).mean() > 0.05  # not one clip again and again


def test_what_is_shipped_can_be_loaded_and_a_seed_ships_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match="python -m solutions.published.shipped mocogan trains them"):
        trained("mocogan")
    first, second = (load_file(ship("mocogan", "smoke", tmp_path)) for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in second)
    generator, recipe = trained("mocogan")
    assert next(generator.parameters()).dtype == torch.float32 and not generator.training
    assert recipe.sample(generator, 2).shape == (2, 8, 3, 32, 32)
    assert [path.name for path in tmp_path.iterdir()] == ["mocogan.safetensors"]


def test_a_typo_is_answered():
    with pytest.raises(ValueError, match="Did you mean 'mocogan'"):
        trained("mocogann")
