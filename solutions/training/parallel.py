"""More than one process: each takes its share of every batch, and gradients are averaged.

    torchrun --nproc-per-node 2 -m solutions train dcgan --preset gpu

All processes draw the same joint batch from the same seed and keep every n-th sample, so the weights are those of
one process with the joint batch. Batch norm is the exception: it sees a process's own share.
"""
from __future__ import annotations

import inspect
import os
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def start(device: torch.device) -> torch.device:
    """Joins the processes that torchrun started, and returns this one's device; does nothing outside torchrun."""
    if "WORLD_SIZE" not in os.environ:
        return device
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    return device


def stop() -> None:
    """Leaves the processes that `start` joined."""
    if running():
        dist.destroy_process_group()


def running() -> bool:
    """Whether this is one of several processes."""
    return dist.is_available() and dist.is_initialized()


def is_first() -> bool:
    """Whether this process is the one that shows progress and writes files."""
    return not running() or dist.get_rank() == 0


def my_share(batch: Tensor) -> Tensor:
    """Every n-th sample of a joint batch (B, *), where there are n processes.

    Raises:
        ValueError: B is no multiple of n: the mean of the shares would not be the mean of the batch.
    """
    if not running():
        return batch
    n = dist.get_world_size()
    if len(batch) % n:
        raise ValueError(f"expected a batch that {n} processes can share, got {len(batch)}: try {len(batch) // n * n}")
    return batch[dist.get_rank() :: n]


def distributed(network: nn.Module) -> nn.Module:
    """The network as one whose gradients are averaged over the processes; itself where there is one process."""
    if not running():
        return network
    # Buffers stay each process's own: copied at every call, they would change between two calls of one step.
    named = inspect.signature(DistributedDataParallel).parameters
    option = "forward_sync_buffers" if "forward_sync_buffers" in named else "broadcast_buffers"  # its older name
    options: dict[str, Any] = {option: False}
    return DistributedDataParallel(network, **options)


def undistributed(network: nn.Module) -> nn.Module:
    """The network without the averaging of gradients."""
    return network.module if isinstance(network, DistributedDataParallel) else network


def plain(network: nn.Module) -> Any:
    """The network as it was written: neither distributed nor compiled; of a type that its model knows."""
    network = undistributed(network)
    return getattr(network, "_orig_mod", network)
