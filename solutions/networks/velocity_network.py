"""Chapters 13 and 15, given: a network for the velocity of codes."""
from __future__ import annotations

import torch
from torch import Tensor, nn


class VelocityNetwork(nn.Module):
    """A velocity for codes: residual blocks, each told the time by a
    scale and a shift.

    Args:
        code: F, how many numbers a code has.
        width: of the blocks.
        blocks: how many.
    """

    frequencies: Tensor

    def __init__(self, code: int, *, width: int = 256, blocks: int = 3):
        super().__init__()
        self.register_buffer("frequencies", torch.pi * 2.0 ** torch.arange(6))
        self.enter = nn.Linear(code, width)
        self.times = nn.ModuleList(
            nn.Linear(12, 2 * width) for _ in range(blocks))
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.SiLU(), nn.Linear(width, width),
                          nn.SiLU(), nn.Linear(width, width))
            for _ in range(blocks))
        self.norms = nn.ModuleList(
            nn.LayerNorm(width, elementwise_affine=False)
            for _ in range(blocks))
        self.leave = nn.Linear(width, code)
        # the first answer is 0, the mean of all velocities
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """Codes x (B, F) at times t (B,) to velocities (B, F)."""
        angles = t[:, None] * self.frequencies
        time = torch.cat([angles.sin(), angles.cos()], 1)
        h = self.enter(x)
        for norm, told, block in zip(
                self.norms, self.times, self.blocks, strict=True):
            scale, shift = told(time).chunk(2, 1)
            h = h + block(norm(h) * (1 + scale) + shift)
        return self.leave(h)
