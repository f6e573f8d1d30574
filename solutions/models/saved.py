"""A generator in a file, as `python -m solutions train` and `python -m solutions.published.shipped` write it."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from clipkit.files import whole
from solutions.models import registry
from solutions.training.recipe import Recipe


def save_generator(generator: nn.Module, path: Path, about: dict[str, Any], *, bits: int = 32, **made_by: str) -> None:
    """Writes the weights, with what is to be known of the run in the file's metadata.

    Args:
        about: what `load_generator` needs, "model", "preset", "shape" (T, C, H, W) and "attributes" of the data; more
            may stand there.
        bits: of a number: 32, 16 (float16), or 8: each row of a matrix as whole numbers from -127 to 127 beside the
            float32 that they are multiplied by, all else as float16.
        made_by: further lines of the metadata, such as the command.
    Raises:
        OSError: it could not be written; what was there stays.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in generator.state_dict().items():
        tensors |= as_whole_numbers(name, value) if bits == 8 and value.is_floating_point() and value.ndim > 1 else {
            name: value.half() if bits < 32 and value.is_floating_point() else value}
    tensors = {name: value.contiguous().cpu() for name, value in tensors.items()}
    with whole(path) as aside:
        aside.write_bytes(save(tensors, metadata={"run": json.dumps(about), **made_by}))


SCALE = "|scale"  # behind the name of a tensor that is stored as whole numbers


def as_whole_numbers(name: str, value: Tensor) -> dict[str, Tensor]:
    """A tensor (N, *) as int8 and one float32 for each row; the largest number of a row is 127 times its scale."""
    rows = value.flatten(1)
    scale = rows.abs().amax(1).clamp(min=1e-12) / 127
    return {name: (rows / scale[:, None]).round().to(torch.int8).view_as(value), name + SCALE: scale}


def as_numbers(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Whole numbers as float32 again; all other tensors as they are."""
    scales = {name.removesuffix(SCALE): value for name, value in tensors.items() if name.endswith(SCALE)}
    return {name: value if name not in scales else value * scales[name].view(-1, *[1] * (value.ndim - 1))
            for name, value in tensors.items() if not name.endswith(SCALE)}


def load_generator(path: Path) -> tuple[nn.Module, Recipe, dict[str, Any]]:
    """A trained generator, float32 and in evaluation mode, the recipe that draws from it, and `about`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no generator that `save_generator` has written.
    """
    foreign = ValueError(f"{str(path)!r} is no generator that `python -m solutions train` has written")
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {})["run"])
        empty = registry.blank(about["shape"], about["attributes"])
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no {str(path)!r}: train first, or name the folder of a run") from None
    except (SafetensorError, KeyError, TypeError, AttributeError, ValueError):
        raise foreign from None
    try:
        recipe = registry.recipe(about["model"], empty, about["preset"])
        recipe.generator.load_state_dict(as_numbers(load_file(path)))
    except (KeyError, RuntimeError):  # of another version of the course, or put together by hand
        raise foreign from None
    return recipe.generator.eval(), recipe, about
