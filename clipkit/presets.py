"""How much to compute: `smoke` (seconds), `cpu` (a minute or two a training cell), `long` (up to an hour on two cores),
`gpu` (the real thing).
"""

import os
from typing import TypeVar

import torch

from clipkit.names import known

PRESETS = ("smoke", "cpu", "long", "gpu")
T = TypeVar("T")


def preset(default: str = "cpu") -> str:
    """The preset to run with: `default`, unless the environment variable CLIPKIT_PRESET names another.

    The variable is for those who cannot edit the notebook's cell: a test run, a grader, the book's build.

    Raises:
        ValueError: either name is not one of PRESETS.
    """
    known(default, PRESETS, "preset")
    return known(
        os.environ.get("CLIPKIT_PRESET") or default, PRESETS, "preset (environment variable CLIPKIT_PRESET)"
    )


def pick(preset: str, *, smoke: T, cpu: T, gpu: T, long: T | None = None) -> T:
    """The value that belongs to `preset`: `steps = pick(preset, smoke=20, cpu=2000, gpu=20_000)`.

    Args:
        long: by default that of "cpu".
    Raises:
        ValueError: `preset` is not one of PRESETS.
    """
    return {"smoke": smoke, "cpu": cpu, "long": cpu if long is None else long, "gpu": gpu}[known(preset, PRESETS, "preset")]


def device(preset: str) -> torch.device:
    """Where to compute: the CUDA device for "gpu", the CPU for all others.

    Raises:
        ValueError: `preset` is not a preset.
        RuntimeError: "gpu", and torch sees no CUDA device.
    """
    if known(preset, PRESETS, "preset") != "gpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise RuntimeError(
            'the preset "gpu" needs a CUDA device and torch sees none: in Colab choose Runtime > Change '
            'runtime type > GPU; elsewhere use preset("cpu"), which trains a smaller network'
        )
    return torch.device("cuda")
