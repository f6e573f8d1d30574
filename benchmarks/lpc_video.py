"""The video models on real animation: LPC character clips, trained on a CPU, judged by a Frechet distance.

    python -m benchmarks.lpc_video                     # about eight CPU minutes; the models train side by side
    python -m benchmarks.lpc_video --preset smoke      # whether it works

Writes figures/lpc_video.json (machine, seed, steps, CPU seconds, scores) and, with --picture FILE, film strips. These
show the artists' work: show them with the credits that the JSON file holds, under the same licence.
The features are those of a network trained here on the labels of clips that no generator sees.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from clipkit import ClipSet, LPCSprites, film_strip
from clipkit.names import known
from solutions.evaluation import features_of, frechet_distance, precision_recall
from solutions.measures.clip_features import ClipFeatures, label_accuracy, train_features
from solutions.models import registry
from solutions.networks.layers import num_parameters
from solutions.training.gan_step import fast_at_bfloat16

FIGURES = Path(__file__).parent / "figures"
SHEETS = Path(__file__).resolve().parents[2] / "shared" / "data" / "lpc_sprites"
VIDEO_MODELS = ("frames_as_channels", "videogan", "mocogan")
SEED = 0
CLIPS = {"smoke": 64, "cpu": 1024}  # real and generated clips that a distance compares


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--preset", default="cpu", help="smoke or cpu")
    options.add_argument("--root", type=Path, help="the folder of the sheets; by default they are fetched into data/")
    options.add_argument("--out", type=Path, default=FIGURES)
    options.add_argument("--picture", type=Path, help="a PNG to write: clips of each model")
    options = options.parse_args()
    torch.set_num_threads(1)
    count = CLIPS[known(options.preset, CLIPS, "preset of this benchmark")]
    root = options.root or (SHEETS if SHEETS.is_dir() else Path("data/lpc_sprites"))
    training, labelled, real, others = parts(LPCSprites(7 * count, size=32, seed=SEED, root=root), 2, 3, 1, 1)
    figures, features = feature_network(labelled, others, steps=20 if options.preset == "smoke" else 600)
    still = others.clips[:, :1].expand_as(others.clips)
    shuffled = others.clips[:, torch.randperm(8, generator=torch.Generator().manual_seed(SEED))]
    rows = {
        "real clips": judge(real.clips, others.clips, features),
        "real clips, frames shuffled": judge(real.clips, shuffled, features),
        "real clips, first frame only": judge(real.clips, still, features),
    }
    strips, titles = [real.clips[:1]], ["real"]
    with ProcessPoolExecutor(len(VIDEO_MODELS)) as processes:
        runs = {name: processes.submit(trained, name, training, options.preset, count) for name in VIDEO_MODELS}
    for name, run in runs.items():
        clips, row = run.result()
        rows[name] = row | judge(real.clips, clips, features)
        strips.append(clips[:3])
        titles += [name] * 3
    options.out.mkdir(parents=True, exist_ok=True)
    if options.picture:
        alt = "a real clip of a character, and three clips of each model"
        film_strip(torch.cat(strips), alt=alt, scale=2, titles=titles).save(options.picture)
    figures |= {"distance": f"Frechet, {count} clips against {count}, 64 features", "art": LPCSprites.credits}
    kept = {"machine": machine(), "seed": SEED, **figures, "rows": rows}
    (options.out / "lpc_video.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(table(rows))


def parts(data: ClipSet, *shares: int) -> list[ClipSet]:
    """Disjoint parts of a set, as large as `shares` say."""
    lengths = [len(data) * share // sum(shares) for share in shares]
    labels = {name: values.split(lengths) for name, values in data.labels.items()}
    return [
        ClipSet(clips, {name: values[i] for name, values in labels.items()}, data.attributes, fps=data.fps)
        for i, clips in enumerate(data.clips.split(lengths))
    ]


def feature_network(labelled: ClipSet, others: ClipSet, *, steps: int) -> tuple[dict, ClipFeatures]:
    """The network that judges, and how often it names the labels of clips that it has not seen."""
    torch.manual_seed(SEED)
    network = train_features(labelled, steps=steps, rng=torch.Generator().manual_seed(SEED))
    accuracy = {name: round(score, 4) for name, score in label_accuracy(network, others).items()}
    return {"features": {"steps": steps, "clips": len(labelled), "accuracy": accuracy}}, network


def trained(name: str, training: ClipSet, preset: str, count: int) -> tuple[Tensor, dict]:
    """Clips of a model trained here, and what it cost; on one thread."""
    torch.set_num_threads(1)
    recipe = registry.recipe(name, training, preset, SEED)
    start = time.process_time()
    run = recipe.train(seed=SEED, description=name)
    seconds = time.process_time() - start
    clips = torch.cat([recipe.sample(run.ema, 64, seed=part) for part in range(count // 64)])
    return clips, {
        "steps": recipe.settings.steps, "batch": recipe.settings.batch, "cpu_seconds": round(seconds),
        "parameters": [num_parameters(recipe.generator), num_parameters(recipe.discriminator)],
    }


def judge(real: Tensor, clips: Tensor, network: ClipFeatures) -> dict:
    """How near clips are to the real ones; `motion` is the mean change of a pixel from frame to frame."""
    features = features_of(real, network), features_of(clips, network)
    precision, recall = precision_recall(*features)
    return {
        "frechet": round(frechet_distance(*features).item(), 2),
        "precision": round(precision, 3), "recall": round(recall, 3),
        "motion": round(clips.diff(dim=1).abs().mean().item(), 4),
    }


def machine() -> dict:
    """What the figures depend on beside the code."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu)
    numbers = "bfloat16" if fast_at_bfloat16(torch.device("cpu")) else "float32"
    return {"cpu": cpu, "cores": os.cpu_count(), "threads": 1, "training in": numbers, "torch": torch.__version__}


def table(rows: dict[str, dict]) -> str:
    lines = [f"{'':30} {'Frechet':>8} {'precision':>9} {'recall':>7} {'motion':>7} {'steps':>6} {'CPU s':>6}"]
    for name, row in rows.items():
        cost = f"{row.get('steps', ''):>6} {row.get('cpu_seconds', ''):>6}"
        scores = f"{row['frechet']:8.2f} {row['precision']:9.2f} {row['recall']:7.2f} {row['motion']:7.3f}"
        lines.append(f"{name:30} {scores} {cost}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
