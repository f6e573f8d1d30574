"""The video models on real animation and on walkers: several seeds each, judged by distance, motion and detail.

    python -m benchmarks.lpc_video                          # every model, three seeds; what is measured is kept and skipped
    python -m benchmarks.lpc_video --models latent_gan      # of these only; --again measures anew
    python -m benchmarks.lpc_video --preset smoke           # whether it works

Each model trains on one thread, two side by side on two cores. The figures (machine, steps, CPU seconds and scores of
every seed) go into figures/lpc_video.json in the form of a study's, so that the text takes its numbers from there (those of
walkers into walkers_video.json), and with --pictures FOLDER clips of each model as film strips. The LPC
pictures show artists' work: show them with the credits that the file holds, under the same licence.
Distances are between features of a network that has learnt the labels of clips which no generator sees.
"""
from __future__ import annotations

import argparse
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from autograde.writing import studies
from benchmarks import machine
from benchmarks.studies import Number
from clipkit import ClipSet, LPCSprites, film_strip
from clipkit.names import known
from solutions.challenge import motion
from solutions.evaluation import features_of, frechet_distance, precision_recall
from solutions.measures.clip_features import ClipFeatures, label_accuracy, load_features, train_features
from solutions.measures.clip_quality import fine_detail
from solutions.models import as_published, registry
from solutions.training.gan_step import fast_at_bfloat16

SHEETS = Path(__file__).resolve().parents[2] / "shared" / "data" / "lpc_sprites"
VARIANTS = {
    "real": "real clips", "shuffled": "real, frames shuffled", "still": "real, first frame only",
    "frames_as_channels": "stacked frames", "videogan": "VideoGAN", "mocogan": "MoCoGAN", "latent_gan": "GAN of codes",
    "principal_flow": "flow of codes (chapter 13)",
    "videogan_published": "VideoGAN, as published (one seed)", "mocogan_published": "MoCoGAN, as published (one seed)"}
PUBLISHED = "_published"  # behind the name of a model
MODELS = tuple(VARIANTS)[3:]
NUMBERS = {"frechet": Number("Fréchet distance", ".1f"), "precision": Number("precision"), "recall": Number("recall"),
           "motion": Number("motion", ".0f"), "detail": Number("detail"), "cpu_seconds": Number("CPU seconds", ".0f")}
MINUTES = 25  # of all on two cores
SEED = 0
CLIPS = {"smoke": 64, "cpu": 1024, "long": 1024}  # real and generated clips that a distance compares


class Judge(NamedTuple):
    """What clips are measured against: real clips (N, T, C, H, W), and the network whose features count."""

    real: Tensor
    network: ClipFeatures

    def __call__(self, clips: Tensor) -> dict[str, float]:
        """Fréchet distance, precision and recall of features; `motion`: 1000 times the Fréchet distance of how much
        changes where from a frame to the next, the second and the fourth, which sees order and smoothness; `detail`:
        fine detail, 1 where it is as much as in real clips."""
        features = features_of(self.real, self.network), features_of(clips, self.network)
        precision, recall = precision_recall(*features)
        moves = frechet_distance(motion(self.real), motion(clips)).item()
        return {
            "frechet": round(frechet_distance(*features).item(), 2),
            "precision": round(precision, 3), "recall": round(recall, 3),
            "motion": round(1000 * moves, 2), "detail": round(fine_detail(clips) / fine_detail(self.real), 3),
        }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lpc_video", description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="cpu", help="smoke, cpu or long")
    parser.add_argument("--data", nargs="+", default=["lpc", "walkers"], help="lpc, walkers")
    parser.add_argument("--models", nargs="+", default=MODELS, help=", ".join(MODELS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--again", action="store_true", help="measure what has been measured before, too")
    parser.add_argument("--root", type=Path, help="the folder of the LPC sheets; by default they are fetched into data/")
    parser.add_argument("--pictures", type=Path, help="a folder for film strips")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    known(options.preset, CLIPS, "preset of this benchmark")
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    for data in options.data:
        print(studies.as_table(measure(known(data, SETS, "data of this benchmark"), options)), flush=True)


def before(name: str) -> dict[str, list[dict]]:
    """The runs that have been measured, of each variant."""
    try:
        return machine.kept(name)["runs"]
    except FileNotFoundError:
        return {}


def measure(data: str, options: argparse.Namespace) -> dict:
    """Trains and scores what is missing of one set of clips, keeps each run as it ends, and returns the figures."""
    keeps, name = options.preset == "cpu", f"{data}_video"
    training, judge, about = SETS[data](options)
    torch.manual_seed(SEED)
    runs = before(name) if keeps else {}
    runs |= {real: [judge(clips)] for real, clips in real_rows(about.pop("others")).items()}
    models = [known(model, MODELS, "model of this benchmark") for model in options.models]
    missing = [(model, seed) for seed in range(options.seeds) for model in models
               if options.again or not any(run["seed"] == seed for run in runs.get(model, []))]
    found = {"command": f"python -m benchmarks.lpc_video --data {data}", "about": about, "training in": digits(),
             "minutes": MINUTES, "seeds": options.seeds, "numbers": {key: number._asdict() for key, number in NUMBERS.items()}}

    def figures() -> dict:
        """What is known so far, the variants in their order."""
        return found | {"variants": {key: title for key, title in VARIANTS.items() if key in runs},
                        "runs": {key: runs[key] for key in VARIANTS if key in runs}}

    with ProcessPoolExecutor(min(len(missing), machine.cores()) or 1) as processes:
        training_now = {processes.submit(trained, model, training, options.preset, seed, len(judge.real)): (model, seed)
                        for model, seed in missing}
        for run in as_completed(training_now):
            (model, seed), (clips, cost) = training_now[run], run.result()
            others = [row for row in runs.get(model, []) if row["seed"] != seed]
            row = {"seed": seed} | judge(clips) | cost
            runs[model] = sorted([*others, row], key=lambda row: row["seed"])
            print(data, model, row, flush=True)
            if options.pictures:
                alt = f"four clips of {model}, trained on {data}"
                film_strip(clips[:4], alt=alt, scale=2).save(options.pictures / f"{data}_{model}_{seed}.png")
            if keeps:
                machine.keep(name, figures())
    return figures()


def real_rows(others: Tensor) -> dict[str, Tensor]:
    """Other real clips, and what a model must not be content with: their frames shuffled, and their first frame alone."""
    order = torch.randperm(others.shape[1], generator=torch.Generator().manual_seed(SEED))
    return {"real": others, "shuffled": others[:, order], "still": others[:, :1].expand_as(others)}


def lpc(options: argparse.Namespace) -> tuple[ClipSet, Judge, dict]:
    """Training clips, the judge, and what is to be known of them; clips of the four parts are all different."""
    count = CLIPS[options.preset]
    root = options.root or (SHEETS if SHEETS.is_dir() else Path("data/lpc_sprites"))
    training, labelled, real, others = parts(LPCSprites(7 * count, size=32, seed=SEED, root=root), 2, 3, 1, 1)
    torch.manual_seed(SEED)
    steps = 20 if options.preset == "smoke" else 600
    network = train_features(labelled, steps=steps, rng=torch.Generator().manual_seed(SEED))
    accuracy = {name: round(score, 4) for name, score in label_accuracy(network, others).items()}
    return training, Judge(real.clips, network), {
        "clips": len(training), "compared": count, "accuracy of the features": accuracy, "art": LPCSprites.credits,
        "others": others.clips}


def walkers(options: argparse.Namespace) -> tuple[ClipSet, Judge, dict]:
    """The same of walkers on a meadow, by the features that come with the course."""
    count = CLIPS[options.preset]
    load = lambda many, seed: registry.load("walkers", preset="cpu", num_frames=8, count=many, seed=seed)
    return load(2 * count, SEED), Judge(load(count, SEED + 1).clips, load_features()), {
        "clips": 2 * count, "compared": count, "others": load(count, SEED + 2).clips}


SETS = {"lpc": lpc, "walkers": walkers}


def parts(data: ClipSet, *shares: int) -> list[ClipSet]:
    """Disjoint parts of a set, as large as `shares` say."""
    lengths = [len(data) * share // sum(shares) for share in shares]
    labels = {name: values.split(lengths) for name, values in data.labels.items()}
    return [
        ClipSet(clips, {name: values[i] for name, values in labels.items()}, data.attributes, fps=data.fps)
        for i, clips in enumerate(data.clips.split(lengths))
    ]


def trained(name: str, training: ClipSet, preset: str, seed: int, count: int) -> tuple[Tensor, dict]:
    """Clips of a model trained here, and what it cost; on one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    published = as_published.RECIPES.get(name.removesuffix(PUBLISHED)) if name.endswith(PUBLISHED) else None
    recipe = published(training, preset) if published else registry.recipe(name, training, preset, seed)
    start = time.process_time()
    run = recipe.train(seed=seed, description=name)
    seconds = time.process_time() - start
    clips = torch.cat([recipe.sample(run.ema, 64, seed=part) for part in range(count // 64)])
    return clips, {"steps": recipe.settings.steps, "cpu_seconds": round(seconds),
                   "numbers": sum(p.numel() for p in run.ema.parameters())}


def digits() -> str:
    """What the models are trained in here."""
    return "bfloat16" if fast_at_bfloat16(torch.device("cpu")) else "float32"


if __name__ == "__main__":
    main()
