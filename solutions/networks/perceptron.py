"""The plainest network for rows of numbers: that of codes, in chapters 10 and 14."""
from __future__ import annotations

from torch import nn


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Three hidden layers of one width, a leaky ReLU of slope 0.2 behind
    each; rows (B, inputs) to (B, outputs)."""
    layers: list[nn.Module] = []
    for before in (inputs, width, width):
        layers += [nn.Linear(before, width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Linear(width, outputs))
