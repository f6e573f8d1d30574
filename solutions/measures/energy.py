"""Chapter 12, given: what a training run costs: operations counted, energy and emissions estimated, prices added."""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class FlopCounter(TorchDispatchMode):
    """Adds up torch's formulas for all that runs inside `with
    FlopCounter() as counter`: see `counter.flops`.

    torch's own `FlopCounterMode` also says which module spent them; its
    hooks do not bear a gradient penalty.
    """

    flops = 0

    def __torch_dispatch__(
        self, operation: torch._ops.OpOverload, types: object,
        args: tuple = (), kwargs: dict | None = None,
    ) -> object:
        result = operation(*args, **kwargs or {})
        formula = flop_registry.get(operation._overloadpacket)
        if formula:
            self.flops += formula(*args, **kwargs or {}, out_val=result)
        return result


def count_flops(run: Callable[[], object]) -> int:
    """The floating point operations of matrix products and convolutions,
    forwards and backwards, in a call.

    A multiplication and an addition are two. What works value by value
    (activations, norms, optimizers) is left out, as is usual: it is
    little beside the rest, though on a GPU it may take as long.

    Args:
        run: called without arguments.
    """
    with FlopCounter() as counter:
        run()
    return counter.flops


@dataclass(frozen=True)
class Assumptions:
    """What no program can measure for you. Each number is an example: put
    your own in its place, and say so."""

    # two busy cores of a laptop; one H200 GPU draws up to 700, a T4 70
    watts: float = 30
    # a data centre's cooling and losses (PUE); 1.1 in the best, 1 at home
    overhead: float = 1.5
    # CO2 equivalent, the world's mean in 2022 (Ember, Global Electricity
    # Review 2023)
    grams_per_kwh: float = 436
    # in your currency; households pay between 0.05 and 0.4
    price_per_kwh: float = 0.3


@dataclass(frozen=True)
class Footprint:
    """What a run has cost, under assumptions.

    Attributes:
        seconds: of the machine.
        kwh: electricity, with the data centre's overhead.
        grams: of CO2 equivalent.
        price: of the electricity; a rented machine costs more.
    """

    seconds: float
    kwh: float
    grams: float
    price: float

    def __str__(self) -> str:
        return (f"{self.seconds:.0f} s, {1000 * self.kwh:.3g} Wh, "
                f"{self.grams:.3g} g CO2e")


def footprint(
    seconds: float, assumptions: Assumptions = Assumptions()
) -> Footprint:
    """Energy, emissions and price of a machine that is busy for so many
    seconds.

    watts x seconds are joules; 3.6 million joules are a kilowatt-hour.
    """
    kwh = assumptions.watts * assumptions.overhead * seconds / 3.6e6
    return Footprint(seconds, kwh, kwh * assumptions.grams_per_kwh,
                     kwh * assumptions.price_per_kwh)


def timed(run: Callable[[], object]) -> tuple[object, float]:
    """What a call returns, and the seconds of processor time that it
    took, over all threads."""
    start = time.process_time()
    result = run()
    return result, time.process_time() - start
