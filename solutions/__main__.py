"""Train the course's models, draw samples and score them: `python -m solutions train dcgan --preset cpu`."""
from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from torch import nn

import clipkit
from clipkit.names import known
from clipkit.presets import PRESETS
from solutions.evaluation import inception_score
from solutions.measures import scores
from solutions.measures.health import health
from solutions.models import registry
from solutions.models.conditional import controlled_factor
from solutions.models.registry import MODELS
from solutions.models.saved import load_generator, save_generator
from solutions.training import parallel
from solutions.training.recipe import Recipe, frames, picture
from solutions.training.train import Run

COMMANDS = ("train", "sample", "evaluate")
FEWEST = 8  # clips to evaluate on: in each half of them, one more than the 3 neighbours of precision and recall
EXPECTED = (ValueError, OSError, ImportError, RuntimeError)  # what a user can put right: a sentence, no traceback


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0, 2 where it could not be done, 130 where it was interrupted."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options = parse(arguments)
        return {"train": train, "sample": sample, "evaluate": evaluate}[options.command](options)
    except EXPECTED as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    finally:
        parallel.stop()


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line as options; a typo raises ValueError with the name that was probably meant."""
    parser = argparse.ArgumentParser(prog="python -m solutions", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    adding = {"train": add_train, "sample": add_sample, "evaluate": add_evaluate}
    made = {name: add(commands) for name, add in adding.items()}
    if arguments and not arguments[0].startswith("-"):
        known(arguments[0], COMMANDS, "command")
    options, rest = parser.parse_known_args(arguments)
    for word in rest:
        if word.startswith("--"):
            known(word.split("=")[0], made[options.command]._option_string_actions, "option")
        raise ValueError(f"{word!r} is one word too many: see python -m solutions {options.command} --help")
    return options


def add_train(commands) -> argparse.ArgumentParser:
    """The options of `train`."""
    parser = commands.add_parser("train", help="train a model", allow_abbrev=False)
    parser.add_argument("model", help=", ".join(MODELS))
    parser.add_argument("--preset", default="cpu", help="smoke (seconds), cpu (two minutes), long (up to an hour) or gpu")
    parser.add_argument("--data", help=f"a folder of videos or pictures, or one of {', '.join(registry.DATA)}")
    parser.add_argument("--size", type=int, help="height and width")
    parser.add_argument("--out", type=Path, help="the folder of the run; default runs/MODEL")
    parser.add_argument("--resume", action="store_true", help="go on with the run that is there")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tensorboard", action="store_true", help="write the curves for TensorBoard too")
    return parser


def add_sample(commands) -> argparse.ArgumentParser:
    """The options of `sample`."""
    parser = commands.add_parser("sample", help="draw samples from a trained model", allow_abbrev=False)
    parser.add_argument("run", metavar="RUN", help="the folder of a run, its generator file, or a model in runs/")
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--to", type=Path, help="the picture to write; default samples.png beside the generator")
    return parser


def add_evaluate(commands) -> argparse.ArgumentParser:
    """The options of `evaluate`."""
    parser = commands.add_parser("evaluate", help="score trained models against held-out data", allow_abbrev=False)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="folders of runs, generator files, or models in runs/")
    parser.add_argument("--count", type=int, default=1024, help="samples, and as many real ones")
    parser.add_argument("--data", help="held-out data; default what the run was trained on, made from another seed")
    parser.add_argument("--features", default="clip_features", help=", ".join(scores.FEATURES))
    parser.add_argument("--weights", help="the file of the network for inception or i3d")
    parser.add_argument("--seed", type=int, default=0, help="of the samples")
    parser.add_argument("--json", type=Path, help="write the scores to this file too")
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
    data = registry.load(about["data"], preset=options.preset, num_frames=model.num_frames, size=options.size)
    recipe = registry.recipe(options.model, data, options.preset, options.seed)
    about |= {"shape": list(data.clips.shape[1:]), "attributes": data.attributes}
    try:
        run = recipe.train(
            seed=options.seed, device=device, checkpoint=checkpoint, description=options.model,
            tensorboard=out / "tensorboard" if options.tensorboard else None,
            watch=(lambda step, ema: look(out, recipe, ema, step)) if options.preset == "long" else None,
        )
    except KeyboardInterrupt:
        print(f"\nstopped; {checkpoint} holds the run, the same command with --resume goes on", file=sys.stderr)
        return 130
    if parallel.is_first():
        write(out, recipe, run, about)
    return 0


def look(out: Path, recipe: Recipe, ema: nn.Module, step: int) -> None:
    """Samples of a long run as it goes, one picture a look: RUN/looks/step_012000.png."""
    picture(recipe.sample(ema, 8), f"samples after {step} steps").save(out / "looks" / f"step_{step:06}.png")


def write(out: Path, recipe: Recipe, run: Run, about: dict) -> None:
    """Leaves what a run has made in its folder, and says how it is."""
    about |= {"device": describe(next(run.ema.parameters()).device), "torch": torch.__version__}
    path = out / "generator.safetensors"
    try:
        save_generator(run.ema, path, about)
    except OSError as error:
        raise OSError(f"cannot write {str(path)!r} ({error.strerror}): make room, or take another --out") from error
    run.history.write_csv(out / "history.csv")
    samples = recipe.sample(run.ema, 256)
    picture(samples[:32], f"samples of {about['model']}").save(out / "samples.png")
    print(f"{out}: samples.png, generator.safetensors, history.csv, checkpoint.pt")
    if "loss_d" in run.history and run.history.done >= 40 and len(recipe.real) >= 16:  # a GAN's curves
        print(health(run.history, samples, recipe.real[:256]))


def sample(options: argparse.Namespace) -> int:
    """Draws samples from a trained generator into a picture."""
    path = generator_file(options.run)
    generator, recipe, about = load_generator(path)
    if options.count < 1:
        raise ValueError(f"expected a count of at least 1, got {options.count}")
    to = options.to or path.with_name("samples.png")
    picture(recipe.sample(generator, options.count, options.seed), f"samples of {about['model']}").save(to)
    print(to)
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Scores trained generators against held-out data, beside what real data would score."""
    if options.count < 16:
        raise ValueError(f"expected a count of at least 16, got {options.count}: scores of few samples say nothing")
    features, found = scores.network(options.features, options.weights), []
    for word in options.runs:
        generator, recipe, about = load_generator(generator_file(word))
        truth, more = held_out(options.data or about["data"], about, options.count)
        shown = frames if recipe.real.ndim == 4 else lambda data: data.clips
        sets = {"held-out data": shown(truth), "more of the data": shown(more)}
        sets["samples"] = recipe.sample(generator, len(truth), options.seed)
        read = {what: scores.features_of(samples, features, what) for what, samples in sets.items()}
        rows = {what: scores.scores(read["held-out data"], read[what]) for what in ("samples", "more of the data")}
        if truth.labels:
            label = controlled_factor(truth)
            classifier = scores.SoftmaxRegression(read["held-out data"], truth.labels[label])
            for what, row in rows.items():
                row["inception_score"] = inception_score(classifier(read[what])).item()
        print(f"{word}: {len(truth)} samples of {about['model']}, {options.features}", end="")
        print(f"; IS by {label}, at most {len(truth.attributes[label])}" if truth.labels else "")
        print(scores.table(rows))
        found.append({"run": word, "model": about["model"], "data": options.data or about["data"], "count": len(truth),
                      "features": options.features, "scores": rows["samples"], "real": rows["more of the data"]})
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def generator_file(word: str) -> Path:
    """The generator that a word means: a file, the folder of a run, or a model whose run is in runs/."""
    path = Path(word)
    if not path.exists() and (Path("runs") / word).is_dir():
        path = Path("runs") / word
    elif not path.exists() and path.name == word:
        known(word, MODELS, "model (or folder of a run)")
    return path if path.is_file() or path.suffix == ".safetensors" else path / "generator.safetensors"


def held_out(name: str, about: dict, count: int) -> tuple[clipkit.ClipSet, clipkit.ClipSet]:
    """Two sets of so many clips that are not those trained on; of a set that is not made, two halves of it all.

    Raises:
        ValueError: a set that is not made has fewer than FEWEST clips.
    """
    shape, preset = about["shape"], about["preset"]
    load = lambda **made: registry.load(
        name, preset=preset, num_frames=MODELS[about["model"]].num_frames, size=shape[-1], **made)
    if name in registry.MADE:
        return load(count=count, seed=1), load(count=count, seed=2)
    data = load()
    if len(data) < FEWEST:
        raise ValueError(f"{name!r} has {len(data)} clips, expected at least {FEWEST} to score against, one half beside the "
                         "other: add more, or name another set with --data")
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:2 * count]
    halves = order.tensor_split(2)
    of = lambda half: {name: values[half] for name, values in data.labels.items()}
    return tuple(clipkit.ClipSet(data.clips[half], of(half), data.attributes) for half in halves)


def describe(device: torch.device) -> str:
    """The name of a GPU, or "cpu"."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


if __name__ == "__main__":
    sys.exit(main())
