"""The models and data sets that the command line knows by name. A new model is one line of MODELS."""
from __future__ import annotations

import importlib
from pathlib import Path
from typing import NamedTuple

import torch

import clipkit
from clipkit import ClipFolder, ClipSet, LPCSprites, MovingDigits, SteeredWalkers, Walkers, digit_images
from clipkit.names import known
from clipkit.online_sets import STILLS, VIDEOS
from solutions.training.recipe import Recipe


class Model(NamedTuple):
    """A module with recipe(data, preset), and the data that suit it."""

    module: str
    data: str = "walkers"  # the default of --data
    num_frames: int = 1  # of a clip: 1 for models of images; the preset "gpu" takes twice as many for the others


MODELS = {
    "dcgan": Model("solutions.models.dcgan"),
    "cgan": Model("solutions.models.conditional"),
    "infogan": Model("solutions.models.infogan", data="digits"),
    "cyclegan": Model("solutions.models.translation", data="day_and_night"),
    "inpainting": Model("solutions.models.inpainting"),
    "stylegan2": Model("solutions.models.stylegan2", data="digits"),
    "frames_as_channels": Model("solutions.models.frames_as_channels", num_frames=8),
    "videogan": Model("solutions.models.video_gan", num_frames=8),
    "mocogan": Model("solutions.models.mocogan", num_frames=8),
    "latent_gan": Model("solutions.models.latent_gan", num_frames=8),
    "flow": Model("solutions.models.latent_flow", num_frames=8),
    "principal_flow": Model("solutions.models.principal_flow", num_frames=8),
    "steered": Model("solutions.models.steered", data="steered_walkers", num_frames=24),
}
MADE = ("walkers", "steered_walkers", "day_and_night", "moving_digits", "lpc")  # sets whose clips come from a seed
DATA = ("walkers", "steered_walkers", "day_and_night", "digits", "moving_digits", "lpc", *STILLS, *VIDEOS)


def recipe(name: str, data: ClipSet, preset: str, seed: int = 0) -> Recipe:
    """The recipe of a model; `seed` is that of the networks' first weights.

    Raises:
        ValueError: there is no such model or preset, or the data do not suit the model.
    """
    model = MODELS[known(name, MODELS, "model")]
    torch.manual_seed(seed)
    return importlib.import_module(model.module).recipe(data, preset)


def load(
    name: str, *, preset: str, num_frames: int = 1, size: int | None = None, count: int | None = None, seed: int = 0,
) -> ClipSet:
    """A set of clips by name, or of a folder of videos or pictures.

    Args:
        name: one of DATA, or the path of a folder.
        num_frames: T of the presets "smoke" and "cpu"; where it is more than 1, "long" and "gpu" take twice as many.
        size: height and width; by default 16 for digits, else 32, and twice that with the presets "long" and "gpu".
            (But "long" leaves the LPC characters at 8 frames of 32 x 32.)
        count, seed: of a set that is made, one of MADE: another seed gives clips that no one was trained on.
    Raises:
        ValueError: there is neither a set nor a folder of that name.
    """
    larger = 1 if name == "lpc" else 2  # a character's motion is whole in 8 frames, and 32 x 32 hold it
    size = size or clipkit.pick(preset, smoke=32, cpu=32, long=32 * larger, gpu=64) // (2 if name == "digits" else 1)
    count = count or clipkit.pick(preset, smoke=16, cpu=2048, long=4096, gpu=8192)
    num_frames *= clipkit.pick(preset, smoke=1, cpu=1, long=larger, gpu=2) if num_frames > 1 else 1
    if Path(name).is_dir():
        return ClipFolder(name, num_frames=num_frames, size=size, stills=num_frames == 1)
    known(name, DATA, "data set (or folder)")
    if name in ("walkers", "day_and_night"):
        scene = "meadow" if name == "walkers" else ("meadow", "night")  # of one scene, people come sooner
        every = max(1, 16 // num_frames) if num_frames > 1 else 1  # a clip holds a whole motion
        return Walkers(count, num_frames=num_frames, size=size, every=every, scene=scene, seed=seed)
    if name == "steered_walkers":
        return SteeredWalkers(count, num_frames=num_frames, size=size, seed=seed)
    if name == "lpc":
        return LPCSprites(count, num_frames=num_frames, size=size, seed=seed)
    if name == "moving_digits":
        return MovingDigits(count, num_frames=num_frames, size=size, seed=seed)
    if name == "digits":
        images, targets = digit_images(size)
        return ClipSet(images[:, None], {"digit": targets}, {"digit": tuple("0123456789")})
    return clipkit.online(name, num_frames=num_frames, size=size)


def blank(shape: tuple[int, ...], attributes: dict[str, tuple[str, ...]]) -> ClipSet:
    """A set of two empty clips (T, C, H, W) with such labels: enough to build a model that samples."""
    labels = {name: torch.zeros(2, dtype=torch.long) for name in attributes}
    return ClipSet(torch.zeros(2, *shape), labels, {name: tuple(values) for name, values in attributes.items()})
