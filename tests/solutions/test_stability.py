"""Losses of pairs, schedules, noise, penalties and spectral norm against torch and closed forms; the trap of batch norm."""
import math
from functools import partial

import pytest
import torch
from torch import nn

from solutions.networks.layers import minibatch_stddev
from solutions.stability import (
    MinibatchStd,
    batch_dependence,
    convergence_rate,
    dirac_step,
    effective_modes,
    extragradient_step,
    gradient_penalty,
    instance_noise,
    learning_rate_factor,
    noise_level,
    pairing_losses,
    penalised_step,
    r1_penalty,
    spectral_norm,
    squared_gradient_norm,
)


@pytest.mark.parametrize("shape", [(9,), (5, 3)])
def test_losses_of_pairs_are_torchs_soft_margin_of_the_differences(shape):
    real, fake = torch.randn(2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    d, g = pairing_losses(real, fake)
    torch.testing.assert_close(d, nn.functional.soft_margin_loss(real - fake, torch.ones(shape)))
    torch.testing.assert_close(g, nn.functional.soft_margin_loss(fake - real, torch.ones(shape)))
    torch.testing.assert_close(g - d, (real - fake).mean())  # softplus(s) - softplus(-s) = s


def test_losses_of_pairs_stay_exact_and_ignore_a_shift():
    real, fake = torch.tensor([300.0, -2.0], requires_grad=True), torch.tensor([-300.0, 2.0], requires_grad=True)
    d, g = pairing_losses(real, fake)
    assert (d.item(), g.item()) == pytest.approx((math.log1p(math.exp(4)) / 2, 300 + math.log1p(math.exp(-4)) / 2))
    assert [x.item() for x in pairing_losses(real + 7, fake + 7)] == pytest.approx([d.item(), g.item()])
    slopes = torch.autograd.grad(g, (real, fake))
    torch.testing.assert_close(slopes[0], -slopes[1])
    torch.testing.assert_close(slopes[1][0], torch.tensor(-0.5))  # a pair far out of G's order still pulls in full


def test_in_the_dirac_gan_pairs_change_nothing_and_r2_is_a_second_r1():
    theta, psi = torch.tensor([0.7], requires_grad=True), torch.tensor([1.3], requires_grad=True)
    real, fake = 0 * psi, psi * theta
    d, g = pairing_losses(real, fake)
    softplus = nn.functional.softplus
    torch.testing.assert_close(torch.autograd.grad(d, psi, retain_graph=True), torch.autograd.grad(softplus(psi * theta), psi))
    torch.testing.assert_close(torch.autograd.grad(g, theta), torch.autograd.grad(softplus(-psi * theta), theta))
    critic = lambda x: psi.detach() * x
    at_real, at_fake = (r1_penalty(critic, x) for x in (torch.zeros(1, 1), theta.detach()[None]))
    assert at_real == at_fake == psi.square() / 2


def test_schedules_begin_at_one_and_end_at_zero():
    at = lambda schedule: [learning_rate_factor(step, 100, schedule) for step in (0, 50, 75, 100)]
    assert at("constant") == [1, 1, 1, 1]
    assert at("linear") == [1, 1, 0.5, 0]
    assert at("cosine") == pytest.approx([1, 0.5, 0.5 - math.sqrt(0.125), 0])
    with pytest.raises(ValueError, match="Did you mean 'cosine'"):
        learning_rate_factor(0, 1, "cosin")


def test_the_cosine_is_torchs():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    for step in range(20):
        assert learning_rate_factor(step, 20, "cosine") == pytest.approx(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()


def test_instance_noise_has_its_level_and_ends_at_half_time():
    assert [noise_level(step, 100, 0.4) for step in (0, 25, 50, 99)] == [0.4, 0.2, 0, 0]
    samples = torch.zeros(8, 3, 32, 32)
    noisy = instance_noise(samples, 0.3, torch.Generator().manual_seed(0))
    assert noisy.std().item() == pytest.approx(0.3, rel=0.02) and abs(noisy.mean().item()) < 0.01
    assert torch.equal(noisy, instance_noise(samples, 0.3, torch.Generator().manual_seed(0)))
    assert torch.equal(instance_noise(samples, 0.0), samples)


SHAPES = [(6, 2), (6, 3, 4, 4), (6, 5, 3, 4, 4)]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_linear_critics_penalty_is_the_squared_norm_of_its_weights(shape):
    w = torch.randn(shape[1:], dtype=torch.float64)
    critic = lambda x: (w * x).flatten(1).sum(1) + 3
    real, fake = torch.randn(2, *shape, dtype=torch.float64)
    norm = w.norm()
    torch.testing.assert_close(squared_gradient_norm(critic, real), norm.square().expand(6))
    torch.testing.assert_close(r1_penalty(critic, real), norm.square() / 2)
    torch.testing.assert_close(gradient_penalty(critic, real, fake), (norm - 1).square(), atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_quadratic_critics_penalty_is_a_moment_of_the_samples(shape):
    critic = lambda x: x.square().flatten(1).sum(1) * 1.5  # gradient 3 x
    real = torch.randn(shape, dtype=torch.float64)
    expected = 9 * real.flatten(1).square().sum(1)
    torch.testing.assert_close(squared_gradient_norm(critic, real), expected)
    torch.testing.assert_close(r1_penalty(critic, real), expected.mean() / 2)


def test_the_penalty_is_taken_between_real_and_fake():
    critic = lambda x: x.square().sum(1) / 2  # gradient x, so the norm is the distance from the origin
    real, fake = torch.tensor([[2.0, 0.0]]).repeat(64, 1), torch.tensor([[4.0, 0.0]]).repeat(64, 1)
    values = [gradient_penalty(critic, real, fake, torch.Generator().manual_seed(s)).item() for s in range(20)]
    assert all(1 <= v <= 9 for v in values)
    assert sum(values) / 20 == pytest.approx(13 / 3, rel=0.05)  # the mean of (2 + 2 t - 1)^2 for t in [0, 1]


def test_penalties_reach_the_critics_weights_and_nobody_else():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    real, fake = torch.randn(2, 4, 3, dtype=torch.float64)
    fake.requires_grad_()
    loss = r1_penalty(critic, real) + gradient_penalty(critic, real, fake)
    loss.backward()
    assert critic[0].weight.grad.abs().sum() > 0 and fake.grad is None and real.grad is None

    def of_weight(w):
        return r1_penalty(lambda x: torch.func.functional_call(critic, {"0.weight": w}, (x,)), real)

    w = critic[0].weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(of_weight, w)


def test_logits_of_patches_are_added_up():
    w = torch.randn(3, 5)
    torch.testing.assert_close(squared_gradient_norm(lambda x: x @ w, torch.randn(4, 3)),
                               w.sum(1).square().sum().expand(4))


def test_a_single_sample_without_a_batch_is_refused():
    with pytest.raises(ValueError, match=r"expected a batch \(B, ...\), got \(5,\): .*samples\[None\]"):
        squared_gradient_norm(lambda x: x, torch.randn(5))


@pytest.mark.parametrize("shape", [(6, 9), (8, 3, 4, 4)])
def test_power_iteration_finds_the_largest_singular_value(shape):
    torch.manual_seed(0)
    weight = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    sigma, u = spectral_norm(weight, torch.randn(shape[0], dtype=torch.float64), 500)
    expected = torch.linalg.matrix_norm(weight.flatten(1), 2)
    torch.testing.assert_close(sigma, expected)
    torch.testing.assert_close(torch.autograd.grad(sigma, weight)[0], torch.autograd.grad(expected, weight)[0],
                               atol=1e-5, rtol=1e-4)
    again, _ = spectral_norm(weight, u, 1)
    torch.testing.assert_close(again, expected)


def test_fewer_iterations_find_less():
    torch.manual_seed(0)
    weight, u = torch.randn(20, 30), torch.randn(20)
    found = [spectral_norm(weight, u, n)[0].item() for n in (1, 3, 30)]
    assert found == sorted(found) and found[-1] <= torch.linalg.matrix_norm(weight, 2).item() + 1e-4


def test_batch_norm_lets_a_sample_see_its_batch_and_other_norms_do_not():
    torch.manual_seed(0)
    sample, companions = torch.randn(3), [torch.randn(7, 3), torch.randn(7, 3) * 4 + 2]
    with_norm = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Linear(5, 1))
    without = nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.Linear(5, 1))
    before = {name: value.clone() for name, value in with_norm.state_dict().items()}
    assert batch_dependence(with_norm, sample, companions) > 0.1
    assert batch_dependence(without, sample, companions) < 1e-6
    assert batch_dependence(with_norm.eval(), sample, companions) < 1e-6
    assert all(torch.equal(value, before[name]) for name, value in with_norm.state_dict().items())


def test_equal_kinds_count_one_each_and_rare_ones_less():
    assert effective_modes(torch.arange(7).repeat(3)) == pytest.approx(7)
    assert effective_modes(torch.full((5,), 3)) == pytest.approx(1)
    labels = torch.tensor([0] * 9 + [2])
    entropy = torch.distributions.Categorical(torch.tensor([0.9, 0.1])).entropy()
    assert effective_modes(labels) == pytest.approx(entropy.exp().item())


@pytest.mark.parametrize("gamma", [0.0, 0.7])
def test_a_dirac_step_goes_down_the_losses_that_its_docstring_names(gamma):
    theta, psi = torch.randn(2, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    theta, psi = theta.requires_grad_(), psi.requires_grad_()
    loss_g = -nn.functional.softplus(psi * theta).sum()
    loss_d = (nn.functional.softplus(psi * theta) + gamma * psi.square() / 2).sum()
    slope_g, = torch.autograd.grad(loss_g, theta)
    slope_d, = torch.autograd.grad(loss_d, psi)
    new_theta, new_psi = dirac_step(theta, psi, lr=0.1, gamma=gamma)
    torch.testing.assert_close(new_theta, theta - 0.1 * slope_g)
    torch.testing.assert_close(new_psi, psi - 0.1 * slope_d)


@pytest.mark.parametrize("gamma, rate", [(0, 0), (0.4, -0.2), (1, -0.5), (2, -1 + math.sqrt(3) / 2)])
def test_the_rate_is_that_of_the_quadratic(gamma, rate):
    assert convergence_rate(gamma) == pytest.approx(rate, abs=1e-6)


@pytest.mark.parametrize("gamma", [0.3, 2.5])
def test_the_dirac_game_shrinks_at_its_rate(gamma):
    game, lr, steps = torch.tensor([1e-3, 0.0], dtype=torch.float64), 0.002, 10_000
    norms = []
    for _ in range(steps):
        game = torch.stack(dirac_step(*game, lr=lr, gamma=gamma))
        norms.append(game.norm().item())
    middle, end = max(norms[4000:6000]), max(norms[8000:])  # the envelope of a swing
    seen = math.log(end / middle) / ((norms.index(end) - norms.index(middle)) * lr)
    assert seen == pytest.approx(convergence_rate(gamma), rel=0.15)


@pytest.mark.parametrize("lr", [0.1, 0.5])
def test_looking_ahead_multiplies_a_small_game_by_its_polynomial(lr):
    """The eigenvalues are +-i/2, so the squared distance shrinks by |1 + h l + (h l)^2|^2 = 1 - h^2/4 + h^4/16."""
    game = torch.tensor([1e-3, -2e-3], dtype=torch.float64)
    stepped = torch.stack(extragradient_step(partial(dirac_step, lr=lr), *game))
    assert (stepped.norm() / game.norm()).item() ** 2 == pytest.approx(1 - lr**2 / 4 + lr**4 / 16, abs=1e-6)


def test_without_a_penalty_every_step_leads_outward():
    """The squared distance grows by the factor 1 + (lr sigmoid(psi theta))^2, exactly."""
    theta, psi = torch.tensor([0.5, 2.0], dtype=torch.float64), torch.tensor([1.0, -0.3], dtype=torch.float64)
    for _ in range(50):
        factor = 1 + (0.3 * torch.sigmoid(theta * psi)) ** 2
        before = theta ** 2 + psi ** 2
        theta, psi = dirac_step(theta, psi, lr=0.3)
        torch.testing.assert_close(theta ** 2 + psi ** 2, factor * before)


def test_a_lazy_penalty_is_the_same_on_average():
    def pulled(every, steps):
        D = nn.Linear(1, 1, bias=False).double()
        nn.init.constant_(D.weight, 1.0)
        sgd = torch.optim.SGD(D.parameters(), lr=0.1)
        real, z = torch.ones(2, 1).double(), torch.zeros(2, 1).double()
        for step in steps:
            penalised_step(nn.Identity(), D, sgd, real, z, loss=lambda r, f: (r - f).mean(), every=every, step=step,
                           penalty=lambda D, real, fake: D.weight.sum(), weight=0.25)
        return D.weight.item()

    assert pulled(1, range(4)) == pytest.approx(1 - 0.1 * 4 * (1 + 0.25))
    assert pulled(4, range(4)) == pytest.approx(pulled(1, range(4)))
    assert pulled(4, [1, 2, 3]) == pytest.approx(1 - 0.1 * 3)


def test_the_layers_statistic_is_that_of_one_large_group():
    features = torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(MinibatchStd()(features), minibatch_stddev(features, group=6))
