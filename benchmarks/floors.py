"""How far each model is from the floor of its machine, and how its cost grows with resolution, frames and batch.

    python -m benchmarks.floors

A step's floor is the larger of two times: its operations at the machine's best rate for matrix products, and the bytes
of its layers' outputs, weights and gradients, each moved once, at the best rate for copies. Both rates are measured here.
What stands between a step and its floor is read off a profile: how its time is shared out, and how much of the best rate
its products reach.
"""
from __future__ import annotations

import argparse
import dataclasses
import re
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import keep
from benchmarks.side_by_side import seconds
from clipkit import ClipSet
from solutions.after_gans import flow_matching_loss
from solutions.models import registry
from solutions.models.latent_flow import FlowRecipe, draw
from solutions.models.latent_gan import LatentRecipe
from solutions.models.registry import MODELS
from solutions.models.steered import SteeredRecipe
from solutions.networks.layers import channels_last
from solutions.training.gan_step import fast_at_bfloat16
from solutions.training.recipe import Recipe
from solutions.training.settings import Settings
from solutions.training.train import draw_batch, one_step, set_up

NAME = "floors"
STEPS = 4  # timed; the best of them counts
KINDS = {  # of operators, by a part of their names; the first that fits
    "products": r"conv|mm\b|addmm|bmm", "norms": r"norm", "casts and copies": r"copy|clone|::cat$|::fill_|::zero_",
    "optimizer": r"adam|lerp", "pointwise and others": r""}


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


class Step(NamedTuple):
    """One step of training.

    Attributes:
        run: does it.
        look: every forward pass of it, once.
        networks: those that it trains.
        batch: how many samples it takes.
    """

    run: Callable[[], object]
    look: Callable[[], object]
    networks: tuple[nn.Module, ...]
    batch: int


def steps_of(
    name: str, *, size: int = 32, num_frames: int | None = None, batch: int | None = None, preset: str = "cpu",
) -> dict[str, Step]:
    """What a model ready to train on noise of that shape does in a step; its parts, where they are trained one by one."""
    clips = torch.rand(64, num_frames or MODELS[name].num_frames, 3, size, size) * 2 - 1
    recipe = registry.recipe(name, ClipSet(clips, {"shirt": torch.arange(64) % 4}, {"shirt": tuple("abcd")}), preset)
    if isinstance(recipe, FlowRecipe):
        return {f"{name}, {part}": step for part, step in flow_steps(recipe).items()}
    if isinstance(recipe, LatentRecipe | SteeredRecipe):
        recipe = recipe.game()
    settings = dataclasses.replace(recipe.settings, batch=batch) if batch else recipe.settings
    return {name: gan_round(recipe, settings)}


def gan_round(recipe: Recipe, settings: Settings) -> Step:
    """Both turns, without a lazy penalty; D sees real samples, and fakes in each turn."""
    game = set_up(recipe.generator, recipe.discriminator, settings, recipe.hooks, torch.Generator().manual_seed(0))
    networks, batch = (game.generator, game.discriminator), draw_batch(game, recipe.real, recipe.labels)

    def look() -> None:
        fake = game.generator(batch.z, *batch.labels)
        for samples in (batch.real, fake, fake):
            game.discriminator(samples, *batch.labels)
    return Step(lambda: one_step(game, (recipe.real, recipe.labels), 1), look, networks, settings.batch)


def flow_steps(recipe: FlowRecipe) -> dict[str, Step]:
    """Of the autoencoder, whose samples are clips, and of the velocity, whose samples are codes."""
    model, settings, rng = channels_last(recipe.generator).train(), recipe.settings, torch.Generator().manual_seed(0)
    clips, codes = draw(recipe.real, settings.clips, rng), torch.randn(settings.codes, model.nz)
    encode, velocity = model.autoencoder, model.velocity
    losses = {"velocity": (velocity, lambda: flow_matching_loss(velocity, codes, rng), settings.codes)}
    if settings.autoencoder_steps:  # of principal components there is nothing to train
        losses = {"autoencoder": (encode, lambda: F.mse_loss(encode(clips), clips), settings.clips)} | losses
    return {part: Step(descent(network, loss), loss, (network,), batch) for part, (network, loss, batch) in losses.items()}


def descent(network: nn.Module, loss: Callable[[], Tensor]) -> Callable[[], None]:
    """A step of Adam down a loss."""
    optimizer = torch.optim.Adam(network.parameters(), fused=True)

    def run() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
    return run


def operations(step: Step) -> int:
    """Of one step, counted while it runs."""
    with FlopCounterMode(display=False) as counter:
        step.run()
    return counter.get_total_flops()


def bytes_moved(step: Step) -> int:
    """Float32 outputs of all layers, forward and backward, and weights with their gradients and Adam's moments."""
    total = 0

    def add(module: nn.Module, inputs: tuple, output: object) -> None:
        nonlocal total
        if isinstance(output, Tensor) and not list(module.children()):
            total += 2 * 2 * output.numel() * 4  # written and read, forward and backward

    hooks = [layer.register_forward_hook(add) for network in step.networks for layer in network.modules()]
    with torch.no_grad():
        step.look()
    for hook in hooks:
        hook.remove()
    weights = sum(p.numel() for network in step.networks for p in network.parameters())
    return total + weights * 4 * 7  # weight, gradient and two moments: read, and all but the gradient written


def measured(step: Step, rates: dict[str, float]) -> dict:
    """Milliseconds of a step and of its floor, the share of the floor in it, and where the rest goes."""
    flops, moved = operations(step), bytes_moved(step)
    taken = best(step.run, STEPS)
    floor = max(flops / rates["operations"], moved / rates["bytes"])
    bound = "operations" if flops / rates["operations"] >= moved / rates["bytes"] else "bytes"
    shares = shares_of_time(step)
    rate = flops / rates["operations"] / (taken * shares["products"])
    return {"gflop": round(flops / 1e9, 3), "megabytes": round(moved / 1e6, 1), "ms": round(1e3 * taken, 1),
            "floor_ms": round(1e3 * floor, 2), "share_of_floor": round(floor / taken, 3), "bound": bound,
            "samples_a_second": round(step.batch / taken, 1), "shares_of_time": shares, "rate_of_products": round(rate, 3)}


def shares_of_time(step: Step, repeats: int = 3) -> dict[str, float]:
    """What part of a step's time each of KINDS takes, by the profiler; together 1."""
    step.run()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for _ in range(repeats):
            step.run()
    spent = dict.fromkeys(KINDS, 0.0)
    for event in seen.key_averages():
        spent[next(kind for kind, part in KINDS.items() if re.search(part, event.key.lower()))] += event.self_cpu_time_total
    total = sum(spent.values())
    return {kind: round(time / total, 3) for kind, time in spent.items()}


def growth(rates: dict[str, float], tiny: bool = False) -> dict[str, dict]:
    """Cost of a step against one axis at a time: size and batch of images, frames of clips."""
    sizes, frames, batches = ((16, 32), (4,), (8,)) if tiny else ((16, 32, 64), (4, 8, 16), (8, 16, 32, 64))
    cost = lambda name, **shape: measured(steps_of(name, **shape)[name], rates)
    return {
        "size (dcgan)": {size: cost("dcgan", size=size) for size in sizes},
        "batch (dcgan)": {batch: cost("dcgan", batch=batch) for batch in batches},
        "frames (mocogan)": {count: cost("mocogan", num_frames=count) for count in frames},
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
    names = ("dcgan", "flow") if options.tiny else MODELS
    rows = {part: measured(step, rates) for name in names for part, step in steps_of(name).items()}
    print(f"{'':<22}{'GFLOP':>8}{'MB':>8}{'ms':>8}{'floor':>8}{'share':>8}  bound by    rate of products; time by kind")
    for name, row in rows.items():
        print(f"{name:<22}{row['gflop']:>8}{row['megabytes']:>8}{row['ms']:>8}{row['floor_ms']:>8}"
              f"{row['share_of_floor']:>8.0%}  {row['bound']:<12}{row['rate_of_products']:.0%}; "
              + ", ".join(f"{kind} {share:.0%}" for kind, share in row["shares_of_time"].items()))
    axes = growth(rates, options.tiny)
    for axis, points in axes.items():
        print(axis, {at: point["ms"] for at, point in points.items()})
    path = keep(NAME, {
        "rates": {name: float(f"{rate:.4g}") for name, rate in rates.items()}, "digits": str(dtype).removeprefix("torch."),
        "models": rows, "growth": axes, "seconds": round(time.perf_counter() - started)})
    print(path)


if __name__ == "__main__":
    main()
