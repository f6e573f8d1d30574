"""Chapter 3, given: networks that see time (3-D and (2+1)-D convolutions), and a training loop for classifiers."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipkit import progress


class Conv2Plus1d(nn.Sequential):
    """A 3-D convolution in two steps: first over space, then over time.

    With a ReLU between them, and with about the parameters of the
    `kernel`^3 convolution that it stands for.

    Args:
        in_channels: C.
        out_channels: O.
        kernel: odd; height, width and length in time.
    Call:
        (B, C, T, H, W) to (B, O, T, H, W), the layout of `Conv3d`.
    Source: Tran et al. 2018, section 3.5.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3):
        area, pad = kernel * kernel, kernel // 2
        between = max(1, kernel * area * in_channels * out_channels
                      // (area * in_channels + kernel * out_channels))
        super().__init__(
            nn.Conv3d(in_channels, between, (1, kernel, kernel),
                      padding=(0, pad, pad), bias=False),
            nn.ReLU(),
            nn.Conv3d(between, out_channels, (kernel, 1, 1),
                      padding=(pad, 0, 0)))


class ClipCNN(nn.Module):
    """Features and class logits of a clip, from 3-D convolutions.

    Three times a convolution, batch normalisation (with which it learns
    in tens of steps), a ReLU and a pooling that halves height and width
    (the last two halve time too); then the mean over what is left of time
    and space.

    Args:
        in_channels: C.
        classes: K.
        channels: maps of the first layer; the next ones have 2 and 4
            times as many.
        convolution: `Conv2Plus1d`, or None for `nn.Conv3d`.
    Call:
        clips (B, T, C, H, W) to logits (B, K); T at least 4, H and W at
        least 8.
    """

    def __init__(
        self, in_channels: int = 3, classes: int = 3, channels: int = 8,
        convolution: type[nn.Module] | None = None,
    ):
        super().__init__()
        layer = convolution or (lambda c, o: nn.Conv3d(c, o, 3, padding=1))
        widths = [in_channels, channels, 2 * channels, 4 * channels]
        blocks = []
        for i, stride in enumerate([(1, 2, 2), (2, 2, 2), (2, 2, 2)]):
            blocks += [
                layer(widths[i], widths[i + 1]),
                nn.BatchNorm3d(widths[i + 1]), nn.ReLU(),
                nn.MaxPool3d(stride)]
        self.blocks = nn.Sequential(*blocks)
        self.classify = nn.Linear(widths[-1], classes)

    def features(self, clips: Tensor) -> Tensor:
        """Clips (B, T, C, H, W) to one vector each, (B, 4 * channels)."""
        maps = self.blocks(clips.transpose(1, 2))  # (B, C, T, H, W) inside
        return maps.mean(dim=(2, 3, 4))

    def forward(self, clips: Tensor) -> Tensor:
        return self.classify(self.features(clips))


def train_classifier(
    network: nn.Module, inputs: Tensor, labels: Tensor, *,
    steps: int, rng: torch.Generator, batch_size: int = 32, lr: float = 2e-3,
) -> list[float]:
    """Trains a classifier with Adam on random batches.

    Args:
        network: inputs (B, ...) to logits (B, K).
        inputs: (N, ...): images or clips.
        labels: (N,), whole numbers below K.
        rng: draws the batches.
    Returns:
        The cross-entropy of each step, before the step.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    losses = []
    network.train()
    for _ in (bar := progress(steps, description="classifier")):
        batch = torch.randint(len(inputs), (batch_size,), generator=rng)
        loss = F.cross_entropy(network(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        bar.show(loss=losses[-1])
    return torch.stack(losses).tolist()


@torch.no_grad()
def accuracy(network: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    """The share of inputs (N, ...) whose largest logit is their label's."""
    network.eval()
    guesses = torch.cat(
        [network(batch).argmax(dim=1) for batch in inputs.split(64)])
    return (guesses == labels).float().mean().item()
