"""Principal components: clips as few numbers and back, by two products of matrices (chapter 10)."""
from __future__ import annotations

import torch
from torch import Tensor, nn


def principal_components(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The directions in which rows vary most.

    Found from random projections, refined by two rounds of subspace
    iteration, which draw from torch's global generator.

    Args:
        rows: (N, D).
        count: K; where it is more than N or D, the rest is directions of
            length 0.
    Returns:
        The mean of the rows (D,), and the directions (K, D), orthonormal,
        the strongest first.
    Source: Halko et al. 2011, algorithm 5.1.
    """
    mean = rows.mean(0)
    found = min(count + 8, *rows.shape)  # a few more: the last are rough
    _, _, directions = torch.svd_lowrank(rows - mean, found, niter=2)
    missing = rows.new_zeros(rows.shape[1], max(0, count - found))
    directions = torch.cat([directions[:, :count], missing], 1)
    return mean, directions.T.contiguous()


class PrincipalCodes(nn.Module):
    """Clips to codes and back: first each frame, then all of its clip's
    frame codes together, as their principal components.

    Nothing is trained by gradients; `fit` reads it off clips. All codes are
    divided by one number, so that the mean square of a number in a code is
    1 over the clips fitted to; the first ones vary more than the last.

    Args:
        num_frames, channels, size: T, C, H = W of the clips.
        code: K, how many numbers a clip becomes.
        frame_code: how many a frame becomes on the way.
    """

    frame_mean: Tensor
    frames: Tensor
    clip_mean: Tensor
    clips: Tensor
    scale: Tensor

    def __init__(
        self, num_frames: int, channels: int, size: int, *, code: int,
        frame_code: int,
    ):
        super().__init__()
        self.shape = (num_frames, channels, size, size)
        pixels, between = channels * size ** 2, num_frames * frame_code
        self.register_buffer("frame_mean", torch.zeros(pixels))
        self.register_buffer("frames", torch.zeros(frame_code, pixels))
        self.register_buffer("clip_mean", torch.zeros(between))
        self.register_buffer("clips", torch.zeros(code, between))
        self.register_buffer("scale", torch.ones(()))

    def fit(self, clips: Tensor) -> None:
        """Finds the components of clips (N, T, C, H, W), N at least 2."""
        frames = clips.flatten(0, 1)
        if len(frames) > 16_384:  # so many, drawn by lot, say as much as all
            frames = frames[torch.randperm(len(frames))[:16_384]]
        frames = frames.flatten(1)
        mean, directions = principal_components(frames, len(self.frames))
        self.frame_mean.copy_(mean)
        self.frames.copy_(directions)
        mean, directions = principal_components(
            self.of_frames(clips), len(self.clips))
        self.clip_mean.copy_(mean)
        self.clips.copy_(directions)
        self.scale.fill_(1.0)
        size = self.encode(clips).square().mean().sqrt()
        self.scale.copy_(size.clamp(min=1e-6))

    def of_frames(self, clips: Tensor) -> Tensor:
        """Clips (N, T, C, H, W) to the codes of their frames, one behind
        the other, (N, T * frame_code)."""
        some = [(part.flatten(2) - self.frame_mean) @ self.frames.T
                for part in clips.split(256)]  # a copy of all is large
        return torch.cat(some).flatten(1)

    def encode(self, clips: Tensor) -> Tensor:
        """Clips (N, T, C, H, W) to codes (N, K)."""
        codes = (self.of_frames(clips) - self.clip_mean) @ self.clips.T
        return codes / self.scale

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (N, K) to clips (N, T, C, H, W), clamped to [-1, 1]."""
        of_frames = codes * self.scale @ self.clips + self.clip_mean
        frames = of_frames.unflatten(1, (self.shape[0], -1)) @ self.frames
        frames = (frames + self.frame_mean).clamp(-1, 1)
        return frames.unflatten(2, self.shape[1:])
