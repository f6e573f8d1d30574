"""The losses by name against torch's own, and which way each pushes."""
import pytest
import torch
import torch.nn.functional as F

from solutions.training.losses import LOSSES

REAL, FAKE = torch.linspace(-2, 3, 8, dtype=torch.float64), torch.linspace(-3, 1.5, 8, dtype=torch.float64)


def generator_loss(name, fake, real=REAL):
    loss = LOSSES[name]
    return loss.generator(fake, real) if loss.paired else loss.generator(fake)


def test_least_squares_is_torchs_mean_squared_error():
    loss = LOSSES["least_squares"]
    expected = (F.mse_loss(REAL, torch.ones_like(REAL)) + F.mse_loss(FAKE, torch.zeros_like(FAKE))) / 2
    torch.testing.assert_close(loss.discriminator(REAL, FAKE), expected)
    torch.testing.assert_close(loss.generator(FAKE), F.mse_loss(FAKE, torch.ones_like(FAKE)) / 2)


def test_hinge_is_torchs_hinge_embedding_with_margin_one():
    def hinge(s, target):
        return F.multi_margin_loss(torch.stack([s, -s], 1) / 2, torch.full((len(s),), target), reduction="mean") * 2

    expected = hinge(REAL, 0) + hinge(FAKE, 1)
    torch.testing.assert_close(LOSSES["hinge"].discriminator(REAL, FAKE), expected)


def test_the_critics_loss_is_the_difference_of_means():
    assert LOSSES["wasserstein"].discriminator(REAL, FAKE).item() == pytest.approx(-0.75 - 0.5)


def test_relativistic_is_torchs_soft_margin_of_the_differences():
    expected = F.soft_margin_loss(REAL - FAKE, torch.ones_like(REAL))
    torch.testing.assert_close(LOSSES["relativistic"].discriminator(REAL, FAKE), expected)
    expected = F.soft_margin_loss(FAKE - REAL, torch.ones_like(REAL))
    torch.testing.assert_close(LOSSES["relativistic"].generator(FAKE, REAL), expected)


def test_only_losses_of_differences_ignore_a_shift_of_all_logits():
    d_loss = lambda name, shift: LOSSES[name].discriminator(REAL + shift, FAKE + shift)
    assert {name for name in LOSSES if abs(d_loss(name, 5) - d_loss(name, 0)) < 1e-12} == {"relativistic", "wasserstein"}


@pytest.mark.parametrize("name", LOSSES)
def test_d_raises_real_and_lowers_fake_and_g_raises_fake(name):
    real, fake = torch.tensor([0.2, -0.3], requires_grad=True), torch.tensor([0.1, 0.4], requires_grad=True)
    real_slope, fake_slope = torch.autograd.grad(LOSSES[name].discriminator(real, fake), (real, fake))
    assert (real_slope < 0).all() and (fake_slope > 0).all()
    (slope,) = torch.autograd.grad(generator_loss(name, fake, real.detach()), fake)
    assert (slope < 0).all()
