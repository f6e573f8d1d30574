"""The trained generators that come with the course, for its pictures and its live demo.

    python -m solutions.published.shipped mocogan    trains it anew, for weights/mocogan.safetensors
"""
from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from clipkit import LPCSprites
from clipkit.names import known
from solutions.models import dcgan_walkers, registry
from solutions.models.saved import load_generator, save_generator
from solutions.training.recipe import Recipe

WEIGHTS = Path(__file__).parent / "weights"
SEED = 0


class Made(NamedTuple):
    """How a generator that comes with the course is made: what `python -m solutions train` is told, and how it is stored.

    Attributes:
        recipe: in place of the preset's, recipe(seed).
        bits: of a number in the file.
    """

    model: str
    preset: str = "cpu"
    data: str = "walkers"
    size: int | None = None
    recipe: Callable[[int], Recipe] | None = None
    bits: int = 16


SHIPPED = {
    "mocogan": Made("mocogan"),
    "dcgan": Made("dcgan", recipe=dcgan_walkers.recipe),
    "walkers": Made("latent_gan", preset="long", bits=8),
    "characters": Made("latent_gan", preset="long", data="lpc", bits=8),
    "steered": Made("steered", preset="long", data="steered_walkers", size=32, bits=8),
}


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


def ship(name: str, preset: str | None = None, folder: Path = WEIGHTS) -> Path:
    """Trains a generator as `python -m solutions train` does and writes it, saying how it was made.

    An interrupted run of a shipped generator goes on from `NAME.checkpoint.pt` in the folder that it is called in.
    """
    made = SHIPPED[known(name, SHIPPED, "shipped generator")]
    chosen = preset or made.preset
    data = registry.load(made.data, preset=chosen, num_frames=registry.MODELS[made.model].num_frames, size=made.size)
    own = made.recipe if chosen == made.preset else None
    recipe = own(SEED) if own else registry.recipe(made.model, data, chosen, SEED)
    start = time.process_time()
    checkpoint = Path(f"{name}.checkpoint.pt") if chosen == "long" else None
    run = recipe.train(seed=SEED, description=name, checkpoint=checkpoint)
    about = {"model": made.model, "preset": chosen, "data": made.data, "seed": SEED,
             "shape": list(data.clips.shape[1:]), "attributes": data.attributes}
    path = folder / f"{name}.safetensors"
    credits = {"art": LPCSprites.credits} if made.data == "lpc" else {}
    save_generator(
        run.ema, path, about, bits=made.bits, command=f"python -m solutions.published.shipped {name}", seed=str(SEED),
        seconds=f"{time.process_time() - start:.0f} s of CPU time",
        machine=f"{platform.machine()} CPU, {torch.get_num_threads()} thread, torch {torch.__version__}", **credits)
    return path


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or SHIPPED:
        path = ship(name)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
