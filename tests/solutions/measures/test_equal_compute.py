"""Operations of a run counted, and spent."""
import dataclasses

import pytest
import torch

from clipkit import MovingDigits
from solutions.measures.energy import count_flops
from solutions.measures.equal_compute import at_equal_compute, shortened, training_flops
from solutions.models.registry import recipe

DATA = MovingDigits(20, num_frames=8, size=16)


@pytest.mark.parametrize("name", ["flow", "frames_as_channels"])
def test_the_cost_of_a_longer_run_is_foretold(name):
    made = recipe(name, DATA, "smoke")
    if name == "flow":
        made = dataclasses.replace(made, settings=dataclasses.replace(made.settings, autoencoder_share=0.25))
    each, once = training_flops(made)
    assert once + 24 * each == pytest.approx(count_flops(shortened(made, 24).train), rel=1e-6)


def test_each_spends_the_budget_and_recipes_stay_as_they_are():
    recipes = {name: recipe(name, DATA, "smoke") for name in ("flow", "frames_as_channels")}
    before = {name: [p.clone() for p in made.generator.parameters()] for name, made in recipes.items()}
    costs = {name: training_flops(made) for name, made in recipes.items()}
    budget = 12 * max(each + once for each, once in costs.values())
    found = at_equal_compute(recipes, budget, seed=1)
    for name, contender in found.items():
        assert contender.run.history.done == contender.steps >= 8
        assert budget - costs[name][0] < contender.flops <= budget
        assert all(torch.equal(p, q) for p, q in zip(before[name], recipes[name].generator.parameters(), strict=True))
    with pytest.raises(ValueError, match="expected a budget of at least"):
        at_equal_compute(recipes, 1e3)
