"""Chapter 6, given: a small network whose features tell clips of walkers apart, trained on their labels and on whether
their frames stand in order (features trained on labels alone hardly notice shuffled or reversed frames).

    python -m solutions.measures.clip_features    trains it anew, for published/weights/clip_features.safetensors
"""
from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipkit import ClipSet, Walkers, progress
from clipkit.files import whole
from clipkit.names import known
from solutions.evaluation import feature_step

WEIGHTS = Path(__file__).parents[1] / "published" / "weights" / "clip_features.safetensors"
STEPS, SEED = 300, 0  # under a minute on one core
ORDERS = ("as filmed", "backwards", "shuffled")  # values of "order"


class ClipFeatures(nn.Module):
    """Clips to features: a CNN for each frame, two convolutions over time,
    the mean over time, each feature brought to about mean 0 and variance 1
    over the clips trained on. On top, one linear layer for each label.

    Args:
        classes: label -> how many values it has.
        features: F.
    Call:
        clips (B, T, C, H, W), C = 1 or 3, any T, H and W (brought to
        32 x 32), to features (B, F).
    """

    def __init__(self, classes: dict[str, int], features: int = 64):
        super().__init__()
        blocks = []
        for before, after in ((3, 16), (16, 32), (32, 64)):
            blocks += [nn.Conv2d(before, after, 3, 2, 1),
                       nn.BatchNorm2d(after), nn.ReLU()]
        self.frames = nn.Sequential(
            *blocks, nn.Flatten(), nn.Linear(64 * 16, features), nn.ReLU())
        layers = []
        for _ in range(2):
            layers += [nn.Conv1d(features, features, 3, padding=1),
                       nn.BatchNorm1d(features), nn.ReLU()]
        self.time = nn.Sequential(*layers)
        self.standardise = nn.BatchNorm1d(features, affine=False)
        self.heads = nn.ModuleDict({
            name: nn.Linear(features, count)
            for name, count in classes.items()})

    def forward(self, clips: Tensor) -> Tensor:
        of_frames = self.of_frames(clips.flatten(0, 1))  # (B * T, F)
        over_time = of_frames.unflatten(0, clips.shape[:2]).transpose(1, 2)
        return self.standardise(self.time(over_time).mean(dim=2))

    def of_frames(self, frames: Tensor) -> Tensor:
        """Features (N, F), at least 0, of frames (N, C, H, W) each by
        itself: for images, which do not move."""
        frames = frames.expand(-1, 3, -1, -1)
        if frames.shape[-2:] != (32, 32):
            frames = F.interpolate(
                frames, (32, 32), mode="bilinear", antialias=True)
        return self.frames(frames)

    def logits(self, clips: Tensor, label: str) -> Tensor:
        """Logits (B, K) of a label's values; a ValueError names the
        nearest label where there is no such one."""
        known(label, self.heads, "label of these features")
        return self.heads[label](self(clips))


def out_of_order(clips: Tensor, rng: torch.Generator) -> Tensor:
    """Clips (B, T, C, H, W) as they should not be: the first half of them
    backwards, the others shuffled."""
    half = len(clips) // 2
    shuffle = torch.randperm(clips.shape[1], generator=rng)
    return torch.cat([clips[:half].flip(1), clips[half:, shuffle]])


def train_features(
    data: ClipSet, *, steps: int, rng: torch.Generator, batch_size: int = 32,
    order: bool = True,
) -> ClipFeatures:
    """Trains a network on all labels of labelled clips and on the order of
    frames, on random lengths from half of T to T; gives it back in `eval()`.

    Args:
        data: clips with labels and attributes.
        rng: draws batches and lengths; the first weights come from torch's
            own.
        batch_size: a multiple of 4; half as many clips are added out of
            order.
        order: False trains on the labels alone, and adds no clips.
    """
    classes = {name: len(values) for name, values in data.attributes.items()}
    orders = {"order": len(ORDERS)} if order else {}
    network = ClipFeatures(classes | orders)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 4e-3, total_steps=steps)
    quarter, num_frames = batch_size // 4, data.clips.shape[1]
    which = torch.tensor([0] * batch_size + [1] * quarter + [2] * quarter)
    for _ in (bar := progress(steps, description="features")):
        batch = torch.randint(len(data), (batch_size,), generator=rng)
        length = torch.randint(
            num_frames // 2, num_frames + 1, (), generator=rng)
        clips = data.clips[batch, :length]
        labels = {name: values[batch] for name, values in data.labels.items()}
        if order:  # clips out of order count for this label alone: -1
            labels = {name: F.pad(values, (0, 2 * quarter), value=-1)
                      for name, values in labels.items()} | {"order": which}
            clips = torch.cat([clips, out_of_order(clips[:2 * quarter], rng)])
        bar.show(loss=feature_step(network, optimizer, clips, labels))
        schedule.step()
    return network.eval()


@torch.no_grad()
def label_accuracy(
    network: ClipFeatures, data: ClipSet
) -> dict[str, float]:
    """For each label the share of clips that the network names right."""
    features = torch.cat([network(clips) for clips in data.clips.split(64)])
    return {name: (network.heads[name](features).argmax(dim=1) == values)
            .float().mean().item() for name, values in data.labels.items()}


def save_features(network: ClipFeatures, path: Path, **made_by: str) -> None:
    """Writes weights as float16, with the labels and what `made_by` says in the file's metadata."""
    from safetensors.torch import save

    classes = {name: head.out_features for name, head in network.heads.items()}
    tensors = {name: t.half() if t.is_floating_point() else t for name, t in network.state_dict().items()}
    with whole(path) as aside:
        aside.write_bytes(save(tensors, metadata={"classes": json.dumps(classes), **made_by}))


def load_features(path: Path = WEIGHTS) -> ClipFeatures:
    """The trained network, in float32 and `eval()`, without gradients of its own.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, or holds something else.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(
            f"there are no weights at {str(path)!r}: train them with train_features, a minute's work")
    try:
        with safe_open(path, "pt") as file:
            network = ClipFeatures(json.loads(file.metadata()["classes"]))
            network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 - it is no dict
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ValueError(f"{str(path)!r} does not hold the weights that save_features has written: fetch it again, or "
                         "train them with train_features, a minute's work") from error
    return network.requires_grad_(False).eval()


def main() -> None:
    """Trains the network that is shipped and says how well it does on fresh walkers."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    network = train_features(Walkers(1024, seed=1), steps=STEPS, rng=torch.Generator().manual_seed(SEED))
    scores = label_accuracy(network, Walkers(512, seed=2))
    said = "on 512 fresh clips: " + ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
    save_features(
        network, WEIGHTS, command="python -m solutions.measures.clip_features", seed=str(SEED), accuracy=said,
        machine=f"{platform.machine()} CPU, 1 thread, torch {torch.__version__}")
    sys.stdout.write(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1000:.0f} kB; {said}\n")


if __name__ == "__main__":
    main()
