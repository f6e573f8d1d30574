"""Chapter 14 where the truth is known: closed forms, explicit loops, torch.autograd."""
import math

import pytest
import torch
from torch import nn

from solutions.after_gans import VelocityField, gaussian_velocity, time_features
from solutions.real_time import (
    Judge,
    NextFrame,
    OneStep,
    State,
    Window,
    WindowCritic,
    approximate_r1,
    frame_game,
    obedience,
    post_training_step,
    rollout,
    teacher_forced,
)


def test_one_step_of_the_best_velocity_is_the_mean_of_the_data():
    mean, std = torch.tensor([2.0, -1.0]), torch.tensor([0.3, 1.5])

    class Exact(nn.Module):
        def forward(self, x, t):
            return gaussian_velocity(x, t, mean, std)

    torch.testing.assert_close(OneStep(Exact())(torch.randn(50, 2)), mean.expand(50, 2))


def test_the_judge_begins_with_the_flows_layers_and_leaves_the_flow_alone():
    flow = VelocityField(3, width=8, depth=2)
    judge, x = Judge(flow, 8), torch.randn(5, 3)
    kept = [p.detach().clone() for p in flow.parameters()]
    hidden = flow.layers[:-1](torch.cat([x, time_features(torch.ones(5))], 1))
    torch.testing.assert_close(judge(x), judge.head(hidden)[:, 0])
    with torch.no_grad():
        for p in judge.parameters():
            p.add_(1)
    assert all(torch.equal(p, value) for p, value in zip(flow.parameters(), kept))


@pytest.mark.parametrize("sigma", [0.01, 0.3, 5.0])
def test_of_a_linear_critic_the_mean_over_the_noise_is_the_squared_norm(sigma):
    w, x = torch.tensor([1.0, -2.0, 0.5]).double(), torch.zeros(20_000, 3).double()
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    found = approximate_r1(lambda x: x @ w, x, sigma, torch.Generator().manual_seed(1)).item()
    assert found == pytest.approx((noise.double() @ w).square().mean().item(), rel=1e-6)
    assert found == pytest.approx(5.25, rel=0.05)


def test_the_error_at_a_quadratic_critic_is_of_the_second_order():
    """D(x) = a x^2 / 2 at x: the mean is (a x)^2 + sigma^2 E[(a e^2 / 2)^2] = (a x)^2 + 3 a^2 sigma^2 / 4."""
    a, x = 2.0, torch.full((400_000, 1), 1.5)
    for sigma in (0.5, 1.0):
        found = approximate_r1(lambda x: a / 2 * x[:, 0] ** 2, x, sigma, torch.Generator().manual_seed(0)).item()
        assert found - 9 == pytest.approx(0.75 * a**2 * sigma**2, abs=0.15)


def test_a_step_moves_both_by_their_own_gradients():
    """G shifts, D is a slope: both gradients in closed form."""
    shift, slope = (nn.Parameter(torch.tensor([value])) for value in (0.5, 2.0))
    turns = torch.optim.SGD([shift], lr=0.1), torch.optim.SGD([slope], lr=0.1)
    real, z, gamma = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [-1.0]]), 0.5
    shift.grad, slope.grad = torch.ones(1), torch.ones(1)
    losses = post_training_step(lambda z: z + shift, lambda x: (slope * x).flatten(), *turns, real, z,
                                torch.Generator().manual_seed(0), gamma=gamma, sigma=0.1)
    rng = torch.Generator().manual_seed(0)
    squares = sum(torch.randn(2, 1, generator=rng).square().mean().item() for _ in range(2))
    gaps = [(x - (n + 0.5)) for x, n in ((1.0, 0.0), (3.0, -1.0))]
    pull = sum(-gap / (1 + math.exp(2 * gap)) for gap in gaps) / 2 + gamma * 2 * squares
    moved = 2 - 0.1 * pull
    assert slope.item() == pytest.approx(moved, abs=1e-5)
    assert shift.item() == pytest.approx(0.5 + 0.1 * sum(moved / (1 + math.exp(-moved * gap)) for gap in gaps) / 2, abs=1e-5)
    assert losses[0].item() == pytest.approx(sum(math.log1p(math.exp(-2 * gap)) for gap in gaps) / 2, abs=1e-5)
    assert losses[1].item() == pytest.approx(sum(math.log1p(math.exp(moved * gap)) for gap in gaps) / 2, abs=1e-5)


def test_no_guess_depends_on_its_frame_or_on_a_later_one():
    torch.manual_seed(0)
    net, command = NextFrame(2, noise=3, width=8), torch.randint(6, (1, 4))
    noise = torch.randn(1, 4, 3)
    found = torch.autograd.functional.jacobian(lambda codes: teacher_forced(net, codes, noise, command), torch.randn(1, 5, 2))
    reach = found.abs().sum((0, 2, 3, 5)) > 0  # (guess of frame k + 1, frame)
    assert reach.tolist() == [[j <= k and (j == 0 or j >= k - 1) for j in range(5)] for k in range(4)]


def test_a_rollout_is_an_explicit_loop_whose_last_frame_feels_the_first_noise():
    torch.manual_seed(0)
    net, command, noise = NextFrame(4, noise=3, width=8), torch.randint(6, (2, 5)), torch.randn(2, 5, 3, requires_grad=True)
    first, older, newer = torch.randn(3, 2, 4).unbind()
    made, after = rollout(net, State(first, torch.stack([older, newer], 1)), noise, command)
    for k in range(5):
        older, newer = newer, net(noise[:, k], command[:, k], State(first, torch.stack([older, newer], 1)))
        torch.testing.assert_close(made[:, k], newer)
    torch.testing.assert_close(after, State(first, torch.stack([older, newer], 1)))
    made[:, -1].sum().backward()
    assert (noise.grad.abs().sum(2) > 0).all()


def test_rollouts_never_run_away():
    """Whatever the weights of the body, a frame is bounded by those of the last layer: what feeds on itself stays finite."""
    next_frame = NextFrame(4, noise=3, width=8)
    with torch.no_grad():
        for p in next_frame.parameters():
            p.mul_(30)
        state, command = State.of(torch.randn(2, 4)), torch.zeros(2, 300, dtype=torch.long)
        codes, _ = rollout(next_frame, state, torch.randn(2, 300, 3), command)
        bound = next_frame.leave.weight.norm(dim=1) * 8**0.5 + next_frame.leave.bias.abs()
    assert (codes.abs() <= bound + 1e-3).all()


def test_the_game_of_frames_is_a_rollout_that_is_judged_as_commanded():
    torch.manual_seed(0)
    net, critic, z = NextFrame(4, noise=3, width=8), WindowCritic(4, 5, 6, 16), torch.randn(2, 5, 3)
    window = Window(torch.randn(2, 5, 4), State.of(torch.randn(2, 4)), torch.randint(6, (2, 5)))
    G, D = frame_game(net, critic, window)
    torch.testing.assert_close(G(z), rollout(net, window.before, z, window.command)[0])
    torch.testing.assert_close(D(window.codes), critic(window.codes, window.before, window.command))
    assert not torch.isclose(D(G(z)), D(window.codes)).any()


@pytest.mark.parametrize("after", [0, 1, 2, 3, 9])
def test_obedience_counts_frame_by_frame(after):
    rng = torch.Generator().manual_seed(after)
    told, seen = (torch.randint(2, (5, 8), generator=rng) for _ in range(2))
    counted = [s[t] == c[t] for c, s in zip(told.tolist(), seen.tolist()) for t in range(after, 8)
               if all(c[t - back] == c[t] for back in range(1, after + 1))]
    found = obedience(told, seen, after)
    assert math.isnan(found) if not counted else found == pytest.approx(sum(counted) / len(counted))
