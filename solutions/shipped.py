"""The trained generators that come with the course, for its pictures and its live demo.

    python -m solutions.shipped mocogan    trains it anew (preset cpu) and writes solutions/weights/mocogan.safetensors
"""
from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from clipkit.names import known
from solutions import dcgan_walkers, models
from solutions.recipe import Recipe

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
            f"there are no weights at {str(path)!r}: python -m solutions.shipped {name} trains them")
    try:
        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["run"])
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{str(path)!r} is damaged: fetch it again, or train it with "
                         f"python -m solutions.shipped {name}") from error
    recipe = models.recipe(name, models.blank(about["shape"], about["attributes"]), about["preset"])
    recipe.generator.load_state_dict(weights)  # float16 in the file
    return recipe.generator.eval().requires_grad_(False), recipe


def ship(name: str, preset: str = "cpu", folder: Path = WEIGHTS) -> Path:
    """Trains a generator as `python -m solutions train` does and writes it as float16, saying how it was made."""
    data_name = SHIPPED[known(name, SHIPPED, "shipped generator")]
    data = models.load(data_name, preset=preset, num_frames=models.MODELS[name].num_frames)
    longer = name in LONGER and preset == "cpu"
    recipe = LONGER[name](SEED) if longer else models.recipe(name, data, preset, SEED)
    run = recipe.train(seed=SEED, description=name)
    about = {"model": name, "preset": preset, "data": data_name, "seed": SEED,
             "shape": list(data.clips.shape[1:]), "attributes": data.attributes}
    made_by = {"run": json.dumps(about), "command": f"python -m solutions.shipped {name}", "seed": str(SEED),
               "machine": f"{platform.machine()} CPU, {torch.get_num_threads()} thread, torch {torch.__version__}"}
    tensors = {key: t.half() if t.is_floating_point() else t for key, t in run.ema.state_dict().items()}
    tensors = {key: t.contiguous() for key, t in tensors.items()}
    folder.mkdir(parents=True, exist_ok=True)
    aside, path = folder / f".{name}.part", folder / f"{name}.safetensors"
    aside.write_bytes(save(tensors, metadata=made_by))
    os.replace(aside, path)
    return path


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or SHIPPED:
        path = ship(name)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
