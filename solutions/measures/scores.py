"""How good a trained generator is, beside how good real clips would be: what `python -m solutions evaluate` prints."""
from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipkit import progress
from clipkit.names import known
from solutions.evaluation import frechet_distance, kernel_distance, precision_recall
from solutions.measures.clip_features import load_features
from solutions.measures.i3d_features import i3d_features
from solutions.measures.inception_features import inception_features

COLUMNS = {  # name of a score -> its head in the table
    "frechet_distance": "Frechet", "kernel_distance": "kernel", "precision": "precision", "recall": "recall",
    "inception_score": "IS",
}
FEATURES = ("clip_features", "inception", "i3d")


def network(features: str, weights: str | None = None) -> Callable[[Tensor], Tensor]:
    """Clips (B, T, C, H, W) or images (B, C, H, W) to features (B, F), by the name of a network.

    Args:
        features: "clip_features" is the course's own; "inception" looks at the middle frame of a clip.
        weights: the file of "inception" or "i3d".
    Raises:
        ValueError: there is no such network, or "i3d" without its file.
    """
    known(features, FEATURES, "network of features")
    if features == "clip_features":
        ours = load_features()
        return lambda samples: ours(samples) if samples.ndim == 5 else ours.of_frames(samples)
    if features == "inception":
        frames = inception_features(weights)
        return lambda samples: frames(middle(samples).expand(-1, 3, -1, -1))
    if weights is None:
        raise ValueError("expected the file of I3D's TorchScript: add --weights FILE")
    return i3d_features(weights)


def middle(samples: Tensor) -> Tensor:
    """The middle frame of clips, (B, C, H, W); images as they are."""
    return samples[:, samples.shape[1] // 2] if samples.ndim == 5 else samples


@torch.no_grad()
def features_of(samples: Tensor, features: Callable, description: str) -> Tensor:
    """Features (N, F) of clips or images, batch by batch, with a progress bar."""
    return torch.cat([features(batch) for batch in progress(samples.split(64), description=description)])


def scores(real: Tensor, fake: Tensor) -> dict[str, float]:
    """Distances of features (N, F) and (M, F), more than 3 rows each, by the names of COLUMNS."""
    precision, recall = precision_recall(real, fake)
    return {
        "frechet_distance": frechet_distance(real, fake).item(), "kernel_distance": kernel_distance(real, fake).item(),
        "precision": precision, "recall": recall,
    }


class SoftmaxRegression:
    """A linear classifier of features with calibrated probabilities: the Inception Score of any labelled data.

    Args:
        features: (N, F), labelled.
        labels: (N,), 0 to K - 1.
        decay: of the weights; small features of few samples are not trusted.
    """

    def __init__(self, features: Tensor, labels: Tensor, decay: float = 1e-3):
        self.mean, self.std = features.mean(0), features.std(0) + 1e-6
        self.layer = nn.Linear(features.shape[1], int(labels.max()) + 1)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)
        optimizer = torch.optim.LBFGS(self.layer.parameters(), max_iter=100, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(self.layer(self._standard(features)), labels)
            loss = loss + decay * self.layer.weight.square().sum()
            loss.backward()
            return loss

        optimizer.step(loss)

    def _standard(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.std

    @torch.no_grad()
    def __call__(self, features: Tensor) -> Tensor:
        """Probabilities (N, K)."""
        return self.layer(self._standard(features)).softmax(1)


def table(rows: dict[str, dict[str, float]]) -> str:
    """Scores of several sets as text, one line each; what was not measured is a dash."""
    width = max(map(len, rows))
    lines = [" " * width + "".join(f"{head:>12}" for head in COLUMNS.values())]
    for name, found in rows.items():
        cells = (f"{found[score]:>12.4g}" if score in found else f"{'-':>12}" for score in COLUMNS)
        lines.append(f"{name:<{width}}" + "".join(cells))
    return "\n".join(lines)
