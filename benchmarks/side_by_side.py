"""Two ways to do the same work, measured in turns: what slows the machine down slows down both."""
from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch


def side_by_side(ways: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Runs each way once a round, after a round that does not count; the order is turned round each time.

    Returns:
        For each way (CPU seconds of this process, wall seconds) of each round.
    """
    measured = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in list(ways)[:: 1 if number % 2 else -1]:
            spent = seconds(ways[name])
            if number:
                measured[name].append(spent)
    return measured


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """(CPU, wall) seconds of `work`, the GPU's share waited for."""
    wait()
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    wait()
    return time.process_time() - cpu, time.perf_counter() - wall


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ratio(slow: list[float], fast: list[float]) -> dict[str, float]:
    """How many times as long `slow` takes, round by round: median and quartiles."""
    each = [a / b for a, b in zip(slow, fast, strict=True)]
    low, median, high = statistics.quantiles(each, n=4) if len(each) > 1 else each * 3
    return {"median": round(median, 3), "quartiles": [round(low, 3), round(high, 3)], "rounds": len(each)}
