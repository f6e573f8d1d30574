"""All that waits for a GPU, in one visit of nine minutes: the tests, the throughput, the presets, the video models.

    python -m benchmarks.on_gpu                  on the machine with the GPU; leaves everything in the folder on_gpu/
    python -m benchmarks.on_gpu --take on_gpu    at home: its figures go to benchmarks/figures, where the status page finds them

Each part has a share of the time and is stopped when it is over; what the others have left stays. A part that fails says
so in its figures. `--dry` does the same on a CPU in a minute, to see that it would run.
"""
from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import machine
from clipkit import film_strip
from clipkit.files import whole
from solutions.models import registry
from solutions.models.registry import MODELS
from solutions.models.saved import save_generator
from solutions.training.gan_step import fast_at_bfloat16

NAME = "on_gpu"
SHARES = {"tests": 0.2, "throughput": 0.25, "presets": 0.2, "videogan": 0.2, "latent_gan": 0.15}  # of the time


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(NAME), help="the folder for figures, weights and pictures")
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--dry", action="store_true", help="on a CPU, as small as it goes")
    parser.add_argument("--take", type=Path, metavar="FOLDER", help="bring home what a visit has left")
    options = parser.parse_args(arguments)
    if options.take:
        print(*take(options.take), sep="\n")
        return 0
    if not options.dry and not torch.cuda.is_available():
        print("error: torch sees no CUDA device here; --dry runs everything on the CPU, as small as it goes", file=sys.stderr)
        return 2
    visit = Visit(options.out, options.minutes * 60, options.dry)
    for name in SHARES:
        visit.part(name)
    return 0


class Visit:
    """One visit: the parts in turn, their figures in FOLDER/figures/on_gpu.json, rewritten after each.

    Args:
        out: the folder.
        seconds: for all parts.
        dry: on the CPU.
    """

    def __init__(self, out: Path, seconds: float, dry: bool):
        self.out, self.seconds, self.dry = out, seconds, dry
        self.device, self.preset = ("cpu", "smoke") if dry else ("cuda", "gpu")
        self.found: dict[str, dict] = {}
        for folder in ("figures", "weights", "pictures"):
            (out / folder).mkdir(parents=True, exist_ok=True)

    def part(self, name: str) -> None:
        """Does one part, and keeps what it found or how it failed."""
        parts: dict[str, Callable[[float], dict]] = {
            "tests": self.tests, "throughput": self.throughput, "presets": self.presets}
        work = parts.get(name) or (lambda limit: self.trained(name, limit))
        start = time.perf_counter()
        try:
            row = work(SHARES[name] * self.seconds)
        except Exception as error:  # the other parts are still to come, and a device is not lent twice
            row = {"failed": f"{type(error).__name__}: {error}"}
        self.found[name] = row | {"seconds": round(time.perf_counter() - start, 1)}
        print(name, self.found[name], flush=True)
        figures = {"command": f"python -m benchmarks.{NAME}", "machine": machine.describe(), **self.found}
        with whole(self.out / "figures" / f"{NAME}.json") as aside:
            aside.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")

    def tests(self, limit: float) -> dict:
        """The tests marked `gpu`."""
        chosen = ["tests/solutions/models/test_dcgan_walkers.py"] if self.dry else ["-m", "gpu", "tests/solutions"]
        said, status = self.run([sys.executable, "-m", "pytest", "-q", *chosen], limit)
        return {"status": status, "said": said[-1:]}

    def throughput(self, limit: float) -> dict:
        """The trainer against the public loop; figures of its own."""
        small = ["--rounds", "1", "--steps", "2", "--seeds", "1", "--quality-steps", "2"] if self.dry else []
        command = [sys.executable, "-m", "benchmarks.dcgan_throughput", "--device", self.device, *small]
        said, status = self.run(command, limit)
        return {"status": status, "said": said[-6:]}

    def run(self, command: list[str], limit: float) -> tuple[list[str], int | str]:
        """The lines that a command prints, and its status; "over time" where it was stopped."""
        places = os.environ | {"BENCHMARK_FIGURES": str((self.out / "figures").absolute())}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, env=places, check=False)
        except subprocess.TimeoutExpired as error:
            return [str(error.stdout or "")[-500:]], "over time"
        return (done.stdout + done.stderr).strip().splitlines(), done.returncode

    def presets(self, limit: float) -> dict:
        """A hundred steps of each model: milliseconds a step, and whether all that was measured is finite."""
        rows, steps, end = {}, 2 if self.dry else 100, time.perf_counter() + limit
        for name, model in MODELS.items():
            if time.perf_counter() > end:
                break
            data = registry.load(model.data, preset=self.preset, num_frames=model.num_frames, count=16 if self.dry else 512)
            recipe = of_steps(registry.recipe(name, data, self.preset), steps)
            start = time.perf_counter()
            history = recipe.train(seed=0, device=self.device).history
            rows[name] = {"ms_a_step": round(1e3 * (time.perf_counter() - start) / steps, 1),
                          "finite": all(bool(history[curve].isfinite().all()) for curve in history.names)}
        return rows

    def trained(self, name: str, limit: float) -> dict:
        """As many steps of a model's preset as fit, with its generator and a picture."""
        model = MODELS[name]
        data = registry.load(model.data, preset=self.preset, num_frames=model.num_frames, count=16 if self.dry else None)
        recipe = registry.recipe(name, data, self.preset)
        few = 2 if self.dry else 100
        start = time.perf_counter()
        of_steps(recipe, few).train(seed=0, device=self.device)
        each = (time.perf_counter() - start) / few
        steps = max(few, min(recipe.settings.steps, int((limit - few * each) / each)))
        recipe = of_steps(registry.recipe(name, data, self.preset), steps)
        run = recipe.train(seed=0, device=self.device)
        about = {"model": name, "preset": self.preset, "data": model.data, "seed": 0, "shape": list(data.clips.shape[1:]),
                 "attributes": data.attributes}
        save_generator(run.ema.cpu(), self.out / "weights" / f"{name}.safetensors", about, bits=16,
                       command=f"python -m benchmarks.{NAME}", machine=str(machine.describe()["gpu"]))
        clips = recipe.sample(run.ema, 8)
        film_strip(clips, alt=f"eight clips of {name}", scale=1).save(self.out / "pictures" / f"{name}.png")
        return {"steps": steps, "of": registry.recipe(name, data, self.preset).settings.steps,
                "bfloat16": fast_at_bfloat16(torch.device(self.device)), "finite": bool(clips.isfinite().all())}


def of_steps(recipe: Any, steps: int) -> Any:
    """The recipe with so many steps, of whatever model."""
    return replace(recipe, settings=replace(recipe.settings, steps=steps))


def take(folder: Path) -> list[Path]:
    """Copies the figures that a visit has left to where figures are kept, and returns where they are.

    Raises:
        FileNotFoundError: the folder is none that a visit has left.
    """
    left = sorted((folder / "figures").glob("*.json"))
    if not left:
        raise FileNotFoundError(f"there are no figures in {str(folder)!r}: expected the folder that --out has named")
    return [Path(shutil.copy(path, machine.FIGURES / path.name)) for path in left]


if __name__ == "__main__":
    sys.exit(main())
