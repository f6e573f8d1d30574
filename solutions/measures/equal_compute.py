"""Chapter 13, given: two ways to train, compared where each may do the same number of operations."""
from __future__ import annotations

import copy
from dataclasses import fields, replace
from functools import partial
from typing import Any, NamedTuple, cast

from torch import nn

from solutions.measures.energy import count_flops, timed
from solutions.training.train import Run

PROBE = 8  # steps; penalties that come every eighth step are in it once


class Contender(NamedTuple):
    """A run under a budget: how many steps it afforded, FLOPs as counted, seconds of processor time, and what it
    left."""

    steps: int
    flops: float
    seconds: float
    run: Run


def shortened(recipe: Any, steps: int) -> Any:
    """The same recipe for so many steps, with copies of its networks: the recipe stays as it was."""
    values = {field.name: getattr(recipe, field.name) for field in fields(recipe)}
    networks = {name: copy.deepcopy(value) for name, value in values.items() if isinstance(value, nn.Module)}
    return replace(recipe, settings=replace(recipe.settings, steps=steps), **networks)


def training_flops(recipe: Any) -> tuple[float, float]:
    """What a recipe costs: FLOPs of a mean step, and FLOPs that it spends once.

    Counted in runs of 8 and 16 steps; their difference is free of what is done once.
    """
    short, long = (count_flops(shortened(recipe, steps).train) for steps in (PROBE, 2 * PROBE))
    each = (long - short) / PROBE
    return each, short - PROBE * each


def at_equal_compute(recipes: dict[str, Any], flops: float, **options: Any) -> dict[str, Contender]:
    """Trains each recipe for as many steps as the budget affords; schedules end where the budget does.

    FLOPs are the same on any machine; seconds tell how well this one does them. What the choice of settings has cost
    is not counted, and should be said.

    Args:
        recipes: by name, `Recipe` or `FlowRecipe`.
        flops: the budget of each.
        options: for `train`, such as seed and device.
    Raises:
        ValueError: the budget does not afford a recipe `PROBE` steps.
    """
    contenders = {}
    for name, recipe in recipes.items():
        each, once = training_flops(recipe)
        steps = int((flops - once) // each)
        if steps < PROBE:
            least = once + PROBE * each
            raise ValueError(f"expected a budget of at least {least:.3g} FLOPs for {name}, got {flops:.3g}")
        train = partial(shortened(recipe, steps).train, description=name, **options)
        run, seconds = timed(train)
        contenders[name] = Contender(steps, once + steps * each, seconds, cast(Run, run))
    return contenders
