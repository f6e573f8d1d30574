"""Flow matching where everything is known: data that are normal, or a single point."""
import pytest
import torch
from torch import nn

from solutions.after_gans import (
    bend,
    ddim_step,
    euler,
    flow_matching_loss,
    gaussian_velocity,
    heun,
    noise_and_data,
    on_the_line,
    reflow_pairs,
    score_from_velocity,
    variance_preserving,
)

MEAN, STD = torch.tensor([2.0, -1.0]), torch.tensor([0.3, 1.5])


def velocity(x, t):
    return gaussian_velocity(x, t, MEAN.double(), STD.double())


def test_the_line_and_its_velocity():
    noise, data, t = torch.randn(3, 2, 4), torch.randn(3, 2, 4), torch.tensor([0.0, 0.5, 1.0])
    x, v = on_the_line(noise, data, t)
    torch.testing.assert_close(x, torch.stack([noise[0], (noise[1] + data[1]) / 2, data[2]]))
    torch.testing.assert_close(x + (1 - t)[:, None, None] * v, data)


def test_the_gaussian_velocity_is_the_best_linear_answer():
    """Least squares of x_1 - x_0 on x_t, from a million draws."""
    rng = torch.Generator().manual_seed(0)
    noise, data = (torch.randn(1_000_000, dtype=torch.float64, generator=rng) for _ in range(2))
    data = 2 + 0.3 * data
    x, v = on_the_line(noise, data, torch.full((1_000_000,), 0.7))
    slope, intercept = torch.linalg.lstsq(torch.stack([x, torch.ones_like(x)], 1), v[:, None]).solution.flatten()
    points = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    expected = gaussian_velocity(points, torch.full((3,), 0.7), 2.0, 0.3)
    torch.testing.assert_close(slope * points + intercept, expected, atol=0.01, rtol=0)


def test_no_velocity_has_a_smaller_loss_than_the_exact_one():
    data = MEAN + STD * torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0))

    def loss(change):
        answer = lambda x, t: gaussian_velocity(x, t, MEAN, STD) + change(x)
        return flow_matching_loss(answer, data, torch.Generator().manual_seed(1)).item()

    exact = loss(torch.zeros_like)
    assert exact > 0.5  # the lines cross: no velocity follows all
    assert min(loss(lambda x: 0.1 * torch.ones_like(x)), loss(lambda x: -0.1 * x), loss(lambda x: 0.1 * x)) > exact


def test_samplers_carry_a_gaussian_over_at_their_orders():
    """The exact way of a point is known: x_1 = mean + std x_0. Twice the steps: half the error, a quarter of it."""
    x = torch.randn(100, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    errors = {sampler: [(sampler(velocity, x, steps) - (MEAN + STD * x)).abs().max().item() for steps in (64, 128)]
              for sampler in (euler, heun)}
    assert errors[euler][0] / errors[euler][1] == pytest.approx(2, rel=0.1)
    assert errors[heun][0] / errors[heun][1] == pytest.approx(4, rel=0.1)
    assert errors[heun][1] < 1e-3 < errors[euler][1]


def test_heun_is_one_of_the_textbook():
    """dx/dt = x: a step of Heun's multiplies by 1 + h + h^2 / 2."""
    x = torch.ones(1, 1, dtype=torch.float64)
    torch.testing.assert_close(heun(lambda x, t: x, x, 3), x * (1 + 1 / 3 + 1 / 18) ** 3)
    torch.testing.assert_close(euler(lambda x, t: x, x, 3), x * (1 + 1 / 3) ** 3)


def test_the_score_is_the_gradient_of_the_log_density():
    t = torch.tensor([0.2, 0.6, 0.9])
    x = torch.tensor([[0.3, 1.0], [2.0, -3.0], [1.0, 0.0]], requires_grad=True)
    scale = ((1 - t) ** 2)[:, None] + (t[:, None] * STD) ** 2
    log_density = torch.distributions.Normal(t[:, None] * MEAN, scale.sqrt()).log_prob(x).sum()
    expected, = torch.autograd.grad(log_density, x)
    torch.testing.assert_close(score_from_velocity(gaussian_velocity(x, t, MEAN, STD), x, t), expected)


def test_both_ends_are_read_off_the_velocity():
    """Where the data are one point, the way leads straight to it, from the noise that it came from."""
    noise, t = torch.randn(5, 2), torch.rand(5) * 0.9
    x, _ = on_the_line(noise, MEAN.expand(5, 2), t)
    found = noise_and_data(gaussian_velocity(x, t, MEAN, torch.zeros(2)), x, t)
    torch.testing.assert_close(found, (noise, MEAN.expand(5, 2)), atol=1e-5, rtol=1e-4)


def test_eulers_step_is_the_step_of_a_diffusion_sampler():
    x = torch.randn(4, 2, generator=torch.Generator().manual_seed(0)).double()
    t, s = (torch.tensor(times, dtype=torch.float64) for times in ([0.1, 0.3, 0.5, 0.8], [0.2, 0.6, 0.7, 1.0]))
    v = velocity(x, t)
    noise, _ = noise_and_data(v, x, t)
    (alpha, sigma), length = variance_preserving(t), lambda t: (t ** 2 + (1 - t) ** 2).sqrt()[:, None]
    torch.testing.assert_close(alpha ** 2 + sigma ** 2, torch.ones(4).double())
    stepped = ddim_step(x / length(t), noise, t, s)
    torch.testing.assert_close(stepped * length(s), x + (s - t)[:, None] * v)


def test_reflow_makes_ways_straight_and_one_step_enough():
    """On pairs that a flow has joined, a line fitted anew carries noise over in one step."""
    noise = torch.randn(4000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    start, end = reflow_pairs(velocity, noise, steps=64)
    assert bend(velocity, noise[:500]) > 0.1
    design = torch.cat([start, torch.ones(4000, 1).double()], 1)
    weight = torch.linalg.lstsq(design, end).solution  # data = noise * slope + intercept, so v is a line in x, too
    slope, intercept = weight[:2].diagonal(), weight[2]

    def straight(x, t):
        start = (x - t[:, None] * intercept) / (1 - t[:, None] + t[:, None] * slope)
        return slope * start + intercept - start

    assert bend(straight, noise[:500]) < 1e-4
    torch.testing.assert_close(euler(straight, noise, 1), MEAN + STD * noise, atol=0.01, rtol=0)


def test_a_small_network_learns_two_points():
    torch.manual_seed(0)
    network, rng = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1)), \
        torch.Generator().manual_seed(0)
    answer = lambda x, t: network(torch.cat([x, t[:, None]], 1))
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    points = torch.tensor([[-1.0], [1.0]]).repeat(128, 1)
    for _ in range(600):
        optimizer.zero_grad()
        flow_matching_loss(answer, points, rng).backward()
        optimizer.step()
    with torch.no_grad():
        samples = heun(answer, torch.randn(500, 1, generator=rng), 20)
    assert (samples.abs() - 1).abs().mean() < 0.15
    assert 0.35 < (samples > 0).float().mean() < 0.65


def test_a_time_for_each_sample():
    with pytest.raises(ValueError, match=r"expected one t for each of 3 samples, got shape \(\): try t.expand"):
        on_the_line(torch.zeros(3, 2), torch.zeros(3, 2), torch.tensor(0.5))
