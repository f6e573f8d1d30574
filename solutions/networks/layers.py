"""What the networks of several chapters share: sizes, memory layout, averaged weights, statistics of a batch."""
from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}


def num_doublings(size: int) -> int:
    """How often 4 x 4 features double to become `size` x `size`: 3 for
    32, 4 for 64.

    Raises:
        ValueError: `size` is no power of two of at least 16.
    """
    doublings = size.bit_length() - 3
    if size < 16 or size != 4 << doublings:
        raise ValueError(
            f"expected a size that is a power of two and at least 16, got "
            f"{size}: try 32 or 64")
    return doublings


def num_parameters(module: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def channels_last(module: nn.Module) -> nn.Module:
    """The same module with the weights of its convolutions laid out channels last, in place.

    The same numbers in the order in which convolutions read them: on a CPU a small GAN trains about 1.2 times as
    fast. Works for 2-D and 3-D convolutions.
    """
    for parameter in module.parameters():
        if parameter.ndim in LAYOUTS:
            parameter.data = parameter.data.contiguous(memory_format=LAYOUTS[parameter.ndim])
    return module


def ema_copy(model: nn.Module) -> nn.Module:
    """A copy of the model to hold the average of its weights: in
    evaluation mode, without gradients."""
    return copy.deepcopy(model).eval().requires_grad_(False)


def ema_decay(decay: float, step: int) -> float:
    """The decay at one step: it rises to `decay`, so that the first,
    random weights are soon forgotten.

    Args:
        decay: weight of the past, in [0, 1); 0.999 remembers about the
            last thousand steps.
        step: from 0.
    """
    return min(decay, (1 + step) / (10 + step))


@torch.no_grad()
def update_ema(ema: nn.Module, model: nn.Module, decay: float) -> None:
    """One step of the exponential moving average, in place:
    ema = decay * ema + (1 - decay) * model.

    Statistics that a layer keeps (the running mean of batch norm) are
    averaged like weights, counters copied.

    Args:
        ema: what `ema_copy` gave.
        model: the network that is trained.
        decay: in [0, 1]; 0 copies the model.
    Source: Yazici et al. 2019.
    """
    averages, values = (
        [*m.parameters(), *m.buffers()] for m in (ema, model))
    pairs = list(zip(averages, values, strict=True))
    torch._foreach_lerp_(
        [average for average, _ in pairs if average.is_floating_point()],
        [value for _, value in pairs if value.is_floating_point()], 1 - decay)
    for average, value in pairs:
        if not average.is_floating_point():
            average.copy_(value)


def minibatch_stddev(features: Tensor, group: int = 4) -> Tensor:
    """Features with one more channel that says how much the samples of a group differ from one another.

    A discriminator that sees it notices a generator whose samples are all alike. The standard deviation over the
    group is taken for each feature and averaged over all of them: one number a group, repeated over the map.

    Args:
        features: (B, C, *), any number of axes behind the channels; B is a multiple of the group's size, or
            smaller than it.
        group: how many samples are compared; the whole batch where it is smaller.
    Returns:
        (B, C + 1, *).
    Raises:
        ValueError: B is no multiple of the group's size.
    Source: Karras et al. 2018, section 3.
    """
    batch = len(features)
    group = min(group, batch)
    if batch % group:
        raise ValueError(f"expected a batch that is a multiple of the group's {group} samples, got {batch}")
    groups = features.unflatten(0, (group, batch // group))  # (G, B / G, C, *)
    stddev = (groups.var(0, unbiased=False) + 1e-8).sqrt().flatten(1).mean(1)  # (B / G,)
    shape = (batch, 1, *features.shape[2:])
    extra = stddev.repeat(group).view(-1, *[1] * (features.ndim - 1)).expand(shape)
    return torch.cat([features, extra], 1)
