"""The answers of chapter 2 against closed forms, SciPy, autograd and torch's own losses."""
import math

import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.distance import jensenshannon
from torch import nn

from solutions.gan_losses import (
    discriminator_loss,
    discriminator_step,
    eight_gaussians,
    generator_loss,
    generator_step,
    js_divergence,
    modes_covered,
    optimal_discriminator,
    saturating_loss,
    train,
)

LOGITS = torch.linspace(-60, 60, 25)


def slope(loss, logit: float) -> float:
    s = torch.tensor([logit], dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(loss(s), s)[0].item()


def test_the_discriminators_loss_is_torchs_cross_entropy():
    real, fake = torch.randn(7, 1), torch.randn(5, 1)
    bce = F.binary_cross_entropy_with_logits
    expected = bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))
    torch.testing.assert_close(discriminator_loss(real, fake), expected)


def test_the_generators_losses_are_log_d_and_log_one_minus_d():
    fake = torch.randn(9, dtype=torch.float64)
    torch.testing.assert_close(generator_loss(fake), -fake.sigmoid().log().mean())
    torch.testing.assert_close(saturating_loss(fake), (1 - fake.sigmoid()).log().mean())


def test_at_equilibrium_the_losses_are_two_log_two_and_log_two():
    zeros = torch.zeros(4)
    assert discriminator_loss(zeros, zeros).item() == pytest.approx(2 * math.log(2))
    assert generator_loss(zeros).item() == pytest.approx(math.log(2))


def test_the_worked_example_of_the_article():
    logit = lambda p: torch.tensor([math.log(p / (1 - p))], dtype=torch.float64)
    assert discriminator_loss(logit(0.95), logit(0.1)).item() == pytest.approx(0.1567, abs=5e-5)
    assert generator_loss(logit(0.1)).item() == pytest.approx(2.3026, abs=5e-5)


@pytest.mark.parametrize("s", [-40.0, -10.0, -1.0, 0.0, 1.0, 10.0, 40.0])
def test_the_slopes_are_minus_d_and_minus_one_minus_d(s):
    d = 1 / (1 + math.exp(-s))
    assert slope(saturating_loss, s) == pytest.approx(-d, rel=1e-12)
    assert slope(generator_loss, s) == pytest.approx(-1 / (1 + math.exp(s)), rel=1e-12)


def test_the_flat_side_is_where_d_is_sure_of_the_fake():
    assert slope(saturating_loss, -10.0) == pytest.approx(-4.54e-5, rel=1e-3)
    assert slope(generator_loss, -10.0) == pytest.approx(-1.0, abs=1e-4)


def test_losses_and_gradients_stay_finite_for_any_logit():
    for loss in (saturating_loss, generator_loss, lambda s: discriminator_loss(s, s)):
        s = LOGITS.clone().requires_grad_()
        value = loss(s)
        value.backward()
        assert value.isfinite() and s.grad.isfinite().all()


def test_gradients_by_gradcheck():
    s = torch.randn(6, dtype=torch.float64, requires_grad=True)
    t = torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(discriminator_loss, (s, t))
    assert torch.autograd.gradcheck(generator_loss, s)
    assert torch.autograd.gradcheck(saturating_loss, s)


def test_no_other_answer_beats_the_optimal_discriminator():
    p_data, p_g = torch.rand(50, dtype=torch.float64), torch.rand(50, dtype=torch.float64)
    best = optimal_discriminator(p_data, p_g)
    value = lambda d: p_data * d.log() + p_g * (1 - d).log()
    for d in torch.linspace(0.001, 0.999, 200, dtype=torch.float64):
        assert (value(best) >= value(d.expand(50)) - 1e-12).all()
    assert optimal_discriminator(torch.zeros(1), torch.zeros(1)).item() == 0.5


def test_a_trained_discriminator_approaches_the_optimal_one():
    p_data, p_g = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.1, 0.3, 0.6])
    logits = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.LBFGS([logits], max_iter=200)

    def closure():
        optimizer.zero_grad()
        loss = (p_data * F.softplus(-logits) + p_g * F.softplus(logits)).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    torch.testing.assert_close(logits.sigmoid().detach(), optimal_discriminator(p_data, p_g), atol=1e-3, rtol=0)


@pytest.mark.parametrize("zeros", [False, True])
def test_the_divergence_is_scipys(zeros):
    p, q = torch.rand(2, 12, dtype=torch.float64)
    if zeros:
        p[:4], q[2:7] = 0, 0
    p, q = p / p.sum(), q / q.sum()
    assert js_divergence(p, q).item() == pytest.approx(jensenshannon(p.numpy(), q.numpy()) ** 2, rel=1e-9)


def test_the_divergence_is_symmetric_and_bounded():
    p, q = torch.eye(4, dtype=torch.float64)[:2]
    assert js_divergence(p, p).item() == 0
    assert js_divergence(p, q).item() == pytest.approx(math.log(2))
    r = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    assert js_divergence(p, r).item() == pytest.approx(js_divergence(r, p).item())


def test_the_value_at_the_optimum_is_two_js_minus_two_log_two():
    p, q = torch.rand(2, 30, dtype=torch.float64)
    p, q = p / p.sum(), q / q.sum()
    d = optimal_discriminator(p, q)
    value = (p * d.log() + q * (1 - d).log()).sum()
    torch.testing.assert_close(value, 2 * js_divergence(p, q) - 2 * math.log(2))


def networks():
    torch.manual_seed(0)
    return nn.Linear(3, 2), nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))


def test_a_step_of_d_is_gradient_descent_on_d_alone():
    generator, discriminator = networks()
    real, z = torch.randn(8, 2), torch.randn(8, 3)
    before = [p.detach().clone() for p in discriminator.parameters()]
    loss = discriminator_loss(discriminator(real), discriminator(generator(z)))
    gradients = torch.autograd.grad(loss, list(discriminator.parameters()))
    optimizer = torch.optim.SGD(discriminator.parameters(), lr=0.1)
    returned = discriminator_step(generator, discriminator, optimizer, real, z, discriminator_loss)
    for then, gradient, now in zip(before, gradients, discriminator.parameters(), strict=True):
        torch.testing.assert_close(now.detach(), then - 0.1 * gradient)
    assert all(p.grad is None for p in generator.parameters())
    assert not returned.requires_grad
    torch.testing.assert_close(returned, loss.detach())


def test_a_step_of_g_is_gradient_descent_on_g_alone():
    generator, discriminator = networks()
    z = torch.randn(8, 3)
    before = [p.detach().clone() for p in generator.parameters()]
    frozen = [p.detach().clone() for p in discriminator.parameters()]
    gradients = torch.autograd.grad(generator_loss(discriminator(generator(z))), list(generator.parameters()))
    generator_step(generator, discriminator, torch.optim.SGD(generator.parameters(), lr=0.1), z, generator_loss)
    for then, gradient, now in zip(before, gradients, generator.parameters(), strict=True):
        torch.testing.assert_close(now.detach(), then - 0.1 * gradient)
    assert all(torch.equal(a, b) for a, b in zip(frozen, discriminator.parameters(), strict=True))


def test_training_is_the_two_steps_in_turn():
    real, z = torch.randn(6, 16, 2), torch.randn(12, 16, 3)

    def trained(by_hand: bool) -> list:
        (generator, discriminator), reals, noises = networks(), iter(real), iter(z)
        if not by_hand:
            train(generator, discriminator, lambda: next(reals), lambda: next(noises), 6, 0.01)
            return list(generator.parameters()) + list(discriminator.parameters())
        optimizers = [torch.optim.Adam(n.parameters(), lr=0.01, betas=(0.5, 0.999)) for n in (generator, discriminator)]
        for _ in range(6):
            discriminator_step(generator, discriminator, optimizers[1], next(reals), next(noises), discriminator_loss)
            generator_step(generator, discriminator, optimizers[0], next(noises), generator_loss)
        return list(generator.parameters()) + list(discriminator.parameters())

    for a, b in zip(trained(True), trained(False), strict=True):
        torch.testing.assert_close(a, b)


def test_the_eight_centres_lie_on_the_unit_circle():
    points = eight_gaussians(4000, torch.Generator().manual_seed(0))
    assert points.shape == (4000, 2)
    assert points.norm(dim=1).mean().item() == pytest.approx(1.0, abs=0.01)
    assert modes_covered(points) == (8, pytest.approx(0.989, abs=0.01))  # 1 - exp(-3^2 / 2) lies within 3 sigma
    assert modes_covered(torch.zeros(5, 2)) == (0, 0.0)
    assert modes_covered(torch.tensor([[1.0, 0.0]]).repeat(5, 1)) == (1, 1.0)


@pytest.mark.gpu
def test_a_run_on_the_gpu_agrees_with_the_cpu():
    real, z = torch.randn(20, 64, 2), torch.randn(40, 64, 3)

    def trained(device: str) -> list:
        (generator, discriminator), reals, noises = networks(), iter(real.to(device)), iter(z.to(device))
        train(generator.to(device), discriminator.to(device), lambda: next(reals), lambda: next(noises), 20, 0.01)
        return [p.detach().cpu() for p in (*generator.parameters(), *discriminator.parameters())]

    for cpu, gpu in zip(trained("cpu"), trained("cuda"), strict=True):
        torch.testing.assert_close(gpu, cpu, atol=1e-3, rtol=1e-3)
