"""Fresh random inputs for a check, the same ones every time that the check runs with the same seed.

`autograde grade` takes a secret of the course folder into the seed, so that a submission gets the same inputs, and so
the same score, in every run, and yet cannot foresee them: a digest tells nothing of what it was made from.
"""
from __future__ import annotations

import hashlib

import torch
from torch import Tensor


class Draw:
    """Random tensors from one generator, seeded by a text: two checks never share inputs, two runs always do."""

    def __init__(self, seed: str):
        digest = hashlib.sha256(seed.encode()).digest()
        self.generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0) -> Tensor:
        """Gaussian float32 tensor."""
        return mean + std * torch.randn(shape, generator=self.generator)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Uniform float32 tensor in [low, high)."""
        return low + (high - low) * torch.rand(shape, generator=self.generator)

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        """Uniform int64 tensor in [low, high)."""
        return torch.randint(low, high, shape, generator=self.generator)

    def probabilities(self, *shape: int) -> Tensor:
        """Positive float32 tensor that sums to 1 over its last axis."""
        weights = self.uniform(*shape, low=0.05)
        return weights / weights.sum(-1, keepdim=True)
