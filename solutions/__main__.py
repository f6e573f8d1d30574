"""Train the course's models and draw samples from them: python -m solutions train dcgan --preset cpu"""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

import clipkit
from clipkit.names import known
from clipkit.presets import PRESETS
from solutions import models, parallel
from solutions.health import health
from solutions.models import MODELS
from solutions.recipe import Recipe, picture
from solutions.train import Run

COMMANDS = ("train", "sample")
EXPECTED = (ValueError, OSError, ImportError, RuntimeError)  # what a user can put right: a sentence, no traceback


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0, 2 where it could not be done, 130 where it was interrupted."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options = parse(arguments)
        return {"train": train, "sample": sample}[options.command](options)
    except EXPECTED as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        parallel.stop()


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line as options; a typo raises ValueError with the name that was probably meant."""
    parser = argparse.ArgumentParser(prog="python -m solutions", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    made = {name: add(commands) for name, add in (("train", add_train), ("sample", add_sample))}
    if arguments and not arguments[0].startswith("-"):
        known(arguments[0], COMMANDS, "command")
    options, rest = parser.parse_known_args(arguments)
    for word in rest:
        if word.startswith("--"):
            known(word.split("=")[0], made[options.command]._option_string_actions, "option")
        raise ValueError(f"{word!r} is one word too many: see python -m solutions {options.command} --help")
    return options


def add_train(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser("train", help="train a model", allow_abbrev=False)
    parser.add_argument("model", help=", ".join(MODELS))
    parser.add_argument("--preset", default="cpu", help="smoke (seconds), cpu (one to two minutes) or gpu")
    parser.add_argument("--data", help=f"a folder of videos or pictures, or one of {', '.join(models.DATA)}")
    parser.add_argument("--size", type=int, help="height and width")
    parser.add_argument("--out", type=Path, help="the folder of the run; default runs/MODEL")
    parser.add_argument("--resume", action="store_true", help="go on with the run that is there")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tensorboard", action="store_true", help="write the curves for TensorBoard too")
    return parser


def add_sample(commands) -> argparse.ArgumentParser:
    parser = commands.add_parser("sample", help="draw samples from a trained model", allow_abbrev=False)
    parser.add_argument("run", type=Path, help="the folder of a run, or its generator.safetensors")
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--to", type=Path, help="the picture to write; default samples.png beside the generator")
    return parser


def train(options: argparse.Namespace) -> int:
    """Trains a model and leaves checkpoint, generator, curves and a picture of samples in the run's folder."""
    model = MODELS[known(options.model, MODELS, "model")]
    known(options.preset, PRESETS, "preset")
    out = options.out or Path("runs") / options.model
    checkpoint = out / "checkpoint.pt"
    if checkpoint.exists() and not options.resume:
        raise ValueError(f"there is a run in {str(out)!r}: add --resume to go on with it, or take another --out")
    device = parallel.start(clipkit.device(options.preset))
    about = {"model": options.model, "preset": options.preset, "data": options.data or model.data, "seed": options.seed}
    data = models.load(about["data"], preset=options.preset, num_frames=model.num_frames, size=options.size)
    recipe = models.recipe(options.model, data, options.preset, options.seed)
    about |= {"shape": list(data.clips.shape[1:]), "attributes": data.attributes}
    try:
        run = recipe.train(
            seed=options.seed, device=device, checkpoint=checkpoint, description=options.model,
            tensorboard=out / "tensorboard" if options.tensorboard else None,
        )
    except KeyboardInterrupt:
        print(f"\nstopped; {checkpoint} holds the run, the same command with --resume goes on", file=sys.stderr)
        return 130
    if parallel.is_first():
        write(out, recipe, run, about)
    return 0


def write(out: Path, recipe: Recipe, run: Run, about: dict) -> None:
    """Leaves what a run has made in its folder, and says how it is."""
    about |= {"device": describe(next(run.ema.parameters()).device), "torch": torch.__version__}
    weights = {name: value.contiguous().cpu() for name, value in run.ema.state_dict().items()}
    save_file(weights, out / "generator.safetensors", metadata={"run": json.dumps(about)})
    run.history.write_csv(out / "history.csv")
    samples = recipe.sample(run.ema, 256)
    picture(samples[:32], f"samples of {about['model']}").save(out / "samples.png")
    print(f"{out}: samples.png, generator.safetensors, history.csv, checkpoint.pt")
    if run.history.done >= 40 and len(recipe.real) >= 16:
        print(health(run.history, samples, recipe.real[:256]))


def sample(options: argparse.Namespace) -> int:
    """Draws samples from a trained generator into a picture."""
    path = options.run / "generator.safetensors" if options.run.is_dir() else options.run
    generator, recipe, about = restore(path)
    if options.count < 1:
        raise ValueError(f"expected a count of at least 1, got {options.count}")
    to = options.to or path.with_name("samples.png")
    picture(recipe.sample(generator, options.count, options.seed), f"samples of {about['model']}").save(to)
    print(to)
    return 0


def restore(path: Path) -> tuple[torch.nn.Module, Recipe, dict]:
    """A trained generator in evaluation mode, with the recipe that draws from it.

    Raises:
        ValueError: the file is no generator that `train` has written.
    """
    try:
        with safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {})["run"])
    except FileNotFoundError:
        raise ValueError(f"there is no {str(path)!r}: train first, or name the folder of a run") from None
    except (SafetensorError, KeyError, ValueError):
        raise ValueError(f"{str(path)!r} is no generator that `python -m solutions train` has written") from None
    recipe = models.recipe(about["model"], models.blank(about["shape"], about["attributes"]), about["preset"])
    recipe.generator.load_state_dict(load_file(path))
    return recipe.generator.eval(), recipe, about


def describe(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


if __name__ == "__main__":
    sys.exit(main())
