"""Training throughput of the course's trainer against the loop of the public DCGAN example, side by side in one run.

    python -m benchmarks.dcgan_throughput                  on the CPU, at the preset "cpu": 32 x 32, batch 32
    python -m benchmarks.dcgan_throughput --device cuda    on a GPU, at the paper's size: 64 x 64, batch 128

Both train the same networks from the same weights on the same batches and the same z. Timed blocks take turns, in CPU
seconds and wall seconds. Then both train on, each from several seeds, and their losses and Frechet distances after the
same number of steps are compared: faster is worth nothing where it is worse.
"""
from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import statistics
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.machine import FIGURES, keep, kept
from benchmarks.public_dcgan import PublicLoop
from benchmarks.side_by_side import ratio, side_by_side
from clipkit import Walkers
from solutions.dcgan import Discriminator, Generator, dcgan_init
from solutions.evaluation import features_of, frechet_distance
from solutions.measures.clip_features import load_features
from solutions.training.gan_step import fast_at_bfloat16
from solutions.training.recipe import sample
from solutions.training.settings import Settings
from solutions.training.train import fit

NAME = "dcgan_throughput"
SIZES = {  # as in the presets of solutions/models/dcgan.py
    "cpu": {"size": 32, "batch": 32, "width": 24, "nz": 64, "lr": 1e-3},
    "cuda": {"size": 64, "batch": 128, "width": 64, "nz": 100, "lr": 2e-4},
}
GOAL = {"cpu": 1.25, "cuda": 3.0}


@dataclasses.dataclass(frozen=True)
class Match:
    """Both loops at one size on one device."""

    device: str
    size: int
    batch: int
    width: int
    nz: int
    lr: float

    def networks(self, seed: int = 0) -> tuple[nn.Module, nn.Module]:
        torch.manual_seed(seed)
        generator = Generator(self.size, nz=self.nz, width=self.width).apply(dcgan_init)
        return generator.to(self.device), Discriminator(self.size, width=self.width).apply(dcgan_init).to(self.device)

    def settings(self, steps: int, **options) -> Settings:
        return Settings(steps=steps, batch=self.batch, lr_g=self.lr, lr_d=self.lr, ema=0.995, **options)

    def public(self, real: Tensor, steps: int, seed: int = 0) -> PublicLoop:
        return PublicLoop(*self.networks(seed), real, self.settings(steps), seed)

    def trainer(self, real: Tensor, seed: int = 0, **options) -> tuple[nn.Module, Callable]:
        """The generator, and a function that trains it for so many steps with the trainer as users call it."""
        generator, discriminator = self.networks(seed)

        def run(steps: int):
            with contextlib.redirect_stderr(io.StringIO()):  # the progress bar is drawn, and not shown
                settings = self.settings(steps, **options)
                return fit(generator, discriminator, real, settings, seed=seed, device=self.device)

        return generator, run


def throughput(match: Match, real: Tensor, *, rounds: int, steps: int) -> dict:
    """Milliseconds a step of each loop, and how many times as long the public one takes."""
    public, ways = match.public(real, steps), {}
    ways["public"] = lambda: public.run(steps)
    for name, options in variants(match.device).items():
        _, run = match.trainer(real, **options)
        ways[name] = lambda run=run: run(steps)
    measured = side_by_side(ways, rounds)
    found = {}
    for place, clock in enumerate(("cpu", "wall")):
        times = {name: [spent[place] for spent in each] for name, each in measured.items()}
        found[f"{clock}_ms_a_step"] = {name: round(1000 * statistics.median(t) / steps, 3) for name, t in times.items()}
        found[f"{clock}_ratio"] = {name: ratio(times["public"], t) for name, t in times.items() if name != "public"}
    found["images_a_second"] = {name: round(1000 * match.batch / ms) for name, ms in found["wall_ms_a_step"].items()}
    return found


def variants(device: str) -> dict[str, dict]:
    """The trainer as it chooses for itself, and with one choice taken back at a time."""
    if device == "cpu":
        return {"trainer": {}, "trainer_float32": {"bfloat16": False}}
    return {"trainer": {"compile": True}, "trainer_eager": {}, "trainer_eager_float32": {"bfloat16": False}}


def quality(match: Match, real: Tensor, held_out: Tensor, *, seeds: int, steps: int) -> dict:
    """Losses over the second half of a run and the Frechet distance at its end, for each seed and loop."""
    features, runs = load_features().of_frames, {"public": [], "trainer": []}
    truth = features_of(held_out, features)
    for seed in range(seeds):
        public = match.public(real, steps, seed)
        public.run(steps)
        loss_d, loss_g = torch.tensor(public.losses)[steps // 2:].mean(0).tolist()
        runs["public"].append((loss_d, loss_g, score(public.generator, truth, features)))
        generator, run = match.trainer(real, seed, **variants(match.device)["trainer"])
        history = run(steps).history
        losses = (history[name][steps // 2:].mean().item() for name in ("loss_d", "loss_g"))
        runs["trainer"].append((*losses, score(generator, truth, features)))
    found = {"steps": steps, "seeds": seeds}
    for place, what in enumerate(("loss_d", "loss_g", "frechet_distance")):
        values = {name: [round(one[place], 3) for one in each] for name, each in runs.items()}
        found[what] = values | {"equal_within_noise": alike(*values.values())}
    return found


def score(generator: nn.Module, truth: Tensor, features: Callable) -> float:
    """The Frechet distance of a thousand images of G, its weights as they are, in evaluation mode."""
    fake = sample(generator.eval(), len(truth), torch.Generator().manual_seed(1)).cpu()
    generator.train()
    return frechet_distance(truth, features_of(fake, features)).item()


def alike(a: list[float], b: list[float]) -> bool:
    """Whether two means differ by no more than twice the standard error of their difference."""
    if len(a) < 2:
        return True
    error = ((statistics.variance(a) + statistics.variance(b)) / len(a)) ** 0.5
    return abs(statistics.mean(a) - statistics.mean(b)) <= 2 * error


def measure(device: str, *, rounds: int, steps: int, seeds: int, quality_steps: int, samples: int = 1024) -> dict:
    """All figures of one device."""
    match = Match(device, **SIZES[device])
    frames = lambda count, seed: Walkers(count, num_frames=1, size=match.size, scene="meadow", seed=seed).clips[:, 0]
    real = frames(2 * samples, 0).to(device)
    found = {"size": match.size, "batch": match.batch, "width": match.width, "goal": GOAL[device],
             "bfloat16": fast_at_bfloat16(torch.device(device))}
    found |= throughput(match, real[:512], rounds=rounds, steps=steps)  # little to set up anew for each block
    return found | {"quality": quality(match, real, frames(samples, 77), seeds=seeds, steps=quality_steps)}


def main(arguments: list[str] | None = None) -> None:
    """Measures, prints and keeps; figures of the other device stay as they were."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{NAME}", description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=SIZES, default="cpu")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, help="of a timed block; default 20 on a CPU, 500 on a GPU")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quality-steps", type=int, help="default 400 on a CPU, 5000 on a GPU")
    options = parser.parse_args(arguments)
    on_cpu = options.device == "cpu"
    found = measure(options.device, rounds=options.rounds, steps=options.steps or (20 if on_cpu else 500),
                    seeds=options.seeds, quality_steps=options.quality_steps or (400 if on_cpu else 5000))
    before = kept(NAME) if (FIGURES / f"{NAME}.json").is_file() else {}
    command = f"python -m benchmarks.{NAME} --device cuda"
    figures = {"cpu": before.get("cpu"), "cuda": before.get("cuda") or {"not measured yet": command}}
    print(keep(NAME, figures | {options.device: found}))
    for name, spread in found["cpu_ratio" if on_cpu else "wall_ratio"].items():
        low, high = spread["quartiles"]
        print(f"{name}: {spread['median']:.2f} times the public loop's speed (quartiles {low:.2f} to {high:.2f}), "
              f"{found['images_a_second'][name]} images a second")
    for what in ("loss_d", "loss_g", "frechet_distance"):
        print(what, found["quality"][what])


if __name__ == "__main__":
    main()
