"""How far each model is from the floor of its machine, and how its cost grows with resolution, frames and batch.

    python -m benchmarks.floors

A step's floor is the larger of two times: its operations at the machine's best rate for matrix products, and the bytes
of its layers' outputs, weights and gradients, each moved once, at the best rate for copies. Both rates are measured here.
"""
from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import keep
from benchmarks.side_by_side import seconds
from clipkit import ClipSet
from solutions import models
from solutions.gan_step import Game, fast_at_bfloat16
from solutions.models import MODELS
from solutions.train import draw_batch, one_step, set_up

NAME = "floors"
STEPS = 4  # timed; the best of them counts


def best(work: Callable[[], None], repeats: int) -> float:
    """CPU seconds of the fastest of so many runs (wall seconds on a GPU), after one that does not count."""
    work()
    return min(seconds(work)[1 if torch.cuda.is_available() else 0] for _ in range(repeats))


def peak_rates(device: str, dtype: torch.dtype = torch.float32) -> dict[str, float]:
    """Operations a second of a large matrix product, and bytes a second of a large copy."""
    size = 1024 if device == "cpu" else 8192
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    source = torch.empty(32 * 2**20 if device == "cpu" else 2**30, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return {"operations": 2 * size**3 / best(lambda: torch.mm(a, b), 5),
            "bytes": 2 * source.numel() / best(lambda: target.copy_(source), 5)}


def made(name: str, *, size: int = 32, num_frames: int | None = None, batch: int | None = None, device: str = "cpu",
         preset: str = "cpu") -> tuple[Game, tuple]:
    """A model ready to train on noise of that shape, with its data."""
    num_frames = num_frames or MODELS[name].num_frames
    clips = torch.rand(64, num_frames, 3, size, size) * 2 - 1
    data = ClipSet(clips, {"shirt": torch.arange(64) % 4}, {"shirt": tuple("abcd")})
    recipe = models.recipe(name, data, preset)
    settings = recipe.settings
    if batch:
        settings = type(settings)(**{**vars(settings), "batch": batch})
    game = set_up(recipe.generator, recipe.discriminator, settings, recipe.hooks, torch.Generator(device).manual_seed(0))
    return game, (recipe.real.to(device), tuple(label.to(device) for label in recipe.labels))


def operations(game: Game, data: tuple) -> int:
    """Of one step, counted while it runs; a step without a lazy penalty."""
    with FlopCounterMode(display=False) as counter:
        one_step(game, data, 1)
    return counter.get_total_flops()


def bytes_moved(game: Game, data: tuple) -> int:
    """Float32 outputs of all layers forward and backward, D's for real, fake and fake again, and weights with Adam's."""
    total = 0

    def add(module: nn.Module, inputs: tuple, output: object) -> None:
        nonlocal total
        if isinstance(output, torch.Tensor) and not list(module.children()):
            total += 2 * 2 * output.numel() * 4  # written and read, forward and backward

    networks = game.generator, game.discriminator
    hooks = [layer.register_forward_hook(add) for network in networks for layer in network.modules()]
    batch = draw_batch(game, *data)
    with torch.no_grad():
        fake = game.generator(batch.z, *batch.labels)
        for samples in (batch.real, fake, fake):
            game.discriminator(samples, *batch.labels)
    for hook in hooks:
        hook.remove()
    weights = sum(p.numel() for network in networks for p in network.parameters())
    return total + weights * 4 * 7  # weight, gradient and two moments: read, and all but the gradient written


def measured(name: str, rates: dict[str, float], **shape: int) -> dict:
    """Milliseconds of a step and of its floor, and the share of the floor in it."""
    game, data = made(name, **shape)
    flops, moved = operations(game, data), bytes_moved(game, data)
    taken = best(lambda: one_step(game, data, 1), STEPS)
    floor = max(flops / rates["operations"], moved / rates["bytes"])
    bound = "operations" if flops / rates["operations"] >= moved / rates["bytes"] else "bytes"
    return {"gflop": round(flops / 1e9, 3), "megabytes": round(moved / 1e6, 1), "ms": round(1e3 * taken, 1),
            "floor_ms": round(1e3 * floor, 2), "share_of_floor": round(floor / taken, 3), "bound": bound,
            "samples_a_second": round(game.settings.batch / taken, 1)}


def growth(rates: dict[str, float], tiny: bool = False) -> dict[str, dict]:
    """Cost of a step against one axis at a time: size and batch of images, frames of clips."""
    sizes, frames, batches = ((16, 32), (4,), (8,)) if tiny else ((16, 32, 64), (4, 8, 16), (8, 16, 32, 64))
    return {
        "size (dcgan)": {size: measured("dcgan", rates, size=size) for size in sizes},
        "batch (dcgan)": {batch: measured("dcgan", rates, batch=batch) for batch in batches},
        "frames (mocogan)": {count: measured("mocogan", rates, num_frames=count) for count in frames},
    }


def main(arguments: list[str] | None = None) -> None:
    """Measures, prints a table and keeps."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.splitlines()[0])
    parser.add_argument("--tiny", action="store_true", help="two models and few shapes, to see that it runs")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # seconds of one core
    started, device = time.perf_counter(), torch.device("cpu")
    dtype = torch.bfloat16 if fast_at_bfloat16(device) else torch.float32
    rates = {"operations_float32": peak_rates("cpu")["operations"], **peak_rates("cpu", dtype)}
    names = ("dcgan", "mocogan") if options.tiny else MODELS
    rows = {name: measured(name, rates) for name in names}
    print(f"{'':<22}{'GFLOP':>8}{'MB':>8}{'ms':>8}{'floor':>8}{'share':>8}  bound by")
    for name, row in rows.items():
        print(f"{name:<22}{row['gflop']:>8}{row['megabytes']:>8}{row['ms']:>8}{row['floor_ms']:>8}"
              f"{row['share_of_floor']:>8.0%}  {row['bound']}")
    axes = growth(rates, options.tiny)
    for axis, points in axes.items():
        print(axis, {at: point["ms"] for at, point in points.items()})
    path = keep(NAME, {
        "rates": {name: float(f"{rate:.4g}") for name, rate in rates.items()}, "digits": str(dtype).removeprefix("torch."),
        "models": rows, "growth": axes, "seconds": round(time.perf_counter() - started)})
    print(path)


if __name__ == "__main__":
    main()
