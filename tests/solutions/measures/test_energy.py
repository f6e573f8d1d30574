"""Operations of layers whose number is known; joules into kilowatt-hours."""
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from solutions.measures.energy import Assumptions, count_flops, footprint, timed


def test_a_linear_layer_costs_two_operations_a_weight_and_sample():
    layer, x = nn.Linear(10, 20), torch.randn(4, 10)
    assert count_flops(lambda: layer(x)) == 2 * 4 * 10 * 20
    assert count_flops(lambda: layer(x).sum().backward()) == 2 * 2 * 4 * 10 * 20  # x needs no gradient
    assert count_flops(lambda: layer(x.clone().requires_grad_()).sum().backward()) == 3 * 2 * 4 * 10 * 20


def test_a_convolution():
    layer, x = nn.Conv2d(3, 8, 4, stride=2, padding=1), torch.randn(2, 3, 16, 16)
    assert count_flops(lambda: layer(x)) == 2 * 2 * 8 * 8 * 8 * 3 * 4 * 4


def test_torchs_own_counter_agrees_where_it_works():
    layers = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2), nn.Flatten()
    network = nn.Sequential(*layers, nn.Linear(300, 5))
    run = lambda: network(torch.zeros(2, 3, 6, 6)).square().sum().backward()
    with FlopCounterMode(display=False) as torchs:
        run()
    assert count_flops(run) == torchs.get_total_flops() > 0


def test_the_gradient_of_a_gradient_is_counted():
    """R1 on a linear critic: forwards, the gradient with respect to x, and from its square the weight's gradient."""
    critic, x = nn.Linear(10, 1, bias=False), torch.randn(4, 10)

    def penalty():
        inside = x.clone().requires_grad_()
        gradient, = torch.autograd.grad(critic(inside).sum(), inside, create_graph=True)
        gradient.square().sum().backward()

    assert count_flops(penalty) == 3 * 2 * 4 * 10


def test_a_kilowatt_hour():
    found = footprint(3600, Assumptions(watts=1000, overhead=1, grams_per_kwh=400, price_per_kwh=0.25))
    assert (found.seconds, found.kwh, found.grams, found.price) == (3600, 1, 400, 0.25)
    assert str(footprint(120, Assumptions(watts=30, overhead=1, grams_per_kwh=500))) == "120 s, 1 Wh, 0.5 g CO2e"


def test_processor_time_is_the_work_that_was_done():
    result, seconds = timed(lambda: sum(i * i for i in range(300_000)))
    assert result == sum(i * i for i in range(300_000))
    assert 0 < seconds < 5
    assert timed(lambda: __import__("time").sleep(0.2))[1] == pytest.approx(0, abs=0.1)
