"""Chapter 1, given: an autoencoder for clips. It reconstructs; to sample, it needs a distribution of codes."""
from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from clipkit import progress
from torch import Tensor, nn


class Autoencoder(nn.Module):
    """A clip as few numbers, and back. The frames of a clip stand beside
    one another as the channels of one image.

    Args:
        channels: T * C of a clip.
        size: its height and width, a multiple of 8.
        code: how many numbers.
        width: maps of the first layer; the next ones have 2 and 4 times
            as many.
    Call:
        clips (B, T, C, H, W) to clips of that shape, in [-1, 1].
    """

    def __init__(self, channels: int, size: int = 32, code: int = 32, width: int = 16):
        super().__init__()
        if size % 8:
            raise ValueError(f"expected a size that is a multiple of 8, got {size}")
        small = size // 8  # three times halved
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, width, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(width, 2 * width, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(2 * width, 4 * width, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(4 * width * small ** 2, code))
        self.decoder = nn.Sequential(
            nn.Linear(code, 4 * width * small ** 2), nn.ReLU(),
            nn.Unflatten(1, (4 * width, small, small)),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh())

    def encode(self, clips: Tensor) -> Tensor:
        """Clips (B, T, C, H, W) to codes (B, code)."""
        return self.encoder(clips.flatten(1, 2))

    def decode(self, codes: Tensor, num_frames: int) -> Tensor:
        """Codes (B, code) to clips (B, num_frames, C, H, W), in [-1, 1]."""
        return self.decoder(codes).unflatten(1, (num_frames, -1))

    def forward(self, clips: Tensor) -> Tensor:
        return self.decode(self.encode(clips), clips.shape[1])


def train_autoencoder(
    model: Autoencoder, clips: Tensor, *, steps: int, rng: torch.Generator,
    batch_size: int = 16, lr: float = 2e-3, augment: Callable | None = None,
) -> list[float]:
    """Trains with Adam to give back what went in.

    Args:
        clips: (N, T, C, H, W), in [-1, 1].
        rng: draws the batches and the augmentations.
        augment: called as augment(clip, rng) on each clip of a batch.
    Returns:
        The mean squared error of each step, before the step.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for _ in (bar := progress(steps, description="autoencoder")):
        batch = clips[torch.randint(len(clips), (batch_size,), generator=rng)]
        if augment:
            batch = torch.stack([augment(clip, rng) for clip in batch])
        loss = F.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        bar.show(loss=losses[-1])
    return torch.stack(losses).tolist()


@torch.no_grad()
def sample_clips(model: Autoencoder, clips: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """New clips, from a normal distribution fitted to the codes of `clips`.

    Args:
        clips: (N, T, C, H, W), at least 2; what the model was trained on.
        count: how many.
    Returns:
        (count, T, C, H, W), in [-1, 1]: blurry, since many a code lies
        where no clip was.
    """
    codes = model.encode(clips)
    factor = torch.linalg.cholesky(codes.T.cov() + 1e-4 * torch.eye(codes.shape[1]))
    noise = torch.randn(count, codes.shape[1], generator=rng)
    return model.decode(codes.mean(dim=0) + noise @ factor.T, clips.shape[1])
