"""The trained generators that come with the course, for its pictures and its live demo.

    python -m solutions.published.shipped mocogan    trains it anew (preset cpu), for weights/mocogan.safetensors
"""
from __future__ import annotations

import platform
import sys
from pathlib import Path

import torch
from torch import nn

from clipkit.names import known
from solutions.models import dcgan_walkers, registry
from solutions.models.saved import load_generator, save_generator
from solutions.training.recipe import Recipe

WEIGHTS = Path(__file__).parent / "weights"
SHIPPED = {"mocogan": "walkers", "dcgan": "walkers"}  # the model, the data
LONGER = {"dcgan": dcgan_walkers.recipe}  # the preset's generator, trained longer and otherwise
SEED = 0


def trained(name: str) -> tuple[nn.Module, Recipe]:
    """A shipped generator, float32 and in evaluation mode, with the recipe that draws from it.

    Raises:
        ValueError: no such generator is shipped, or its file is damaged.
        FileNotFoundError: its weights are not there.
    """
    path = WEIGHTS / f"{known(name, SHIPPED, 'shipped generator')}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"there are no weights at {str(path)!r}: python -m solutions.published.shipped {name} trains them")
    try:
        generator, recipe, _ = load_generator(path)
    except ValueError as error:
        raise ValueError(f"{str(path)!r} is damaged: fetch it again, or train it with "
                         f"python -m solutions.published.shipped {name}") from error
    return generator.requires_grad_(False), recipe


def ship(name: str, preset: str = "cpu", folder: Path = WEIGHTS) -> Path:
    """Trains a generator as `python -m solutions train` does and writes it as float16, saying how it was made."""
    data_name = SHIPPED[known(name, SHIPPED, "shipped generator")]
    data = registry.load(data_name, preset=preset, num_frames=registry.MODELS[name].num_frames)
    longer = name in LONGER and preset == "cpu"
    recipe = LONGER[name](SEED) if longer else registry.recipe(name, data, preset, SEED)
    run = recipe.train(seed=SEED, description=name)
    about = {"model": name, "preset": preset, "data": data_name, "seed": SEED,
             "shape": list(data.clips.shape[1:]), "attributes": data.attributes}
    path = folder / f"{name}.safetensors"
    save_generator(run.ema, path, about, half=True, command=f"python -m solutions.published.shipped {name}", seed=str(SEED),
                   machine=f"{platform.machine()} CPU, {torch.get_num_threads()} thread, torch {torch.__version__}")
    return path


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or SHIPPED:
        path = ship(name)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
