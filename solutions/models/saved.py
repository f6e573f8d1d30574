"""A generator in a file, as `python -m solutions train` and `python -m solutions.published.shipped` write it."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import nn

from clipkit.files import whole
from solutions.models import registry
from solutions.training.recipe import Recipe


def save_generator(generator: nn.Module, path: Path, about: dict[str, Any], *, half: bool = False, **made_by: str) -> None:
    """Writes the weights, with what is to be known of the run in the file's metadata.

    Args:
        about: what `load_generator` needs, "model", "preset", "shape" (T, C, H, W) and "attributes" of the data; more
            may stand there.
        half: as float16, half as large.
        made_by: further lines of the metadata, such as the command.
    Raises:
        OSError: it could not be written; what was there stays.
    """
    tensors = {name: (value.half() if half and value.is_floating_point() else value).contiguous().cpu()
               for name, value in generator.state_dict().items()}
    with whole(path) as aside:
        aside.write_bytes(save(tensors, metadata={"run": json.dumps(about), **made_by}))


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
        recipe.generator.load_state_dict(load_file(path))
    except (KeyError, RuntimeError):  # of another version of the course, or put together by hand
        raise foreign from None
    return recipe.generator.eval(), recipe, about
