"""Each diagnosis from a short real run or, where a run would be a lottery, from curves made for it."""
import math

import pytest
import torch
from torch import nn

from solutions.gan_losses import eight_gaussians
from solutions.measures.health import (
    ADVICE,
    astray,
    distance,
    diversity,
    diversity_within,
    health,
    setback,
    spread,
    swing,
)
from solutions.training.settings import Hooks, Settings
from solutions.training.train import fit

REAL = eight_gaussians(2000, torch.Generator().manual_seed(0))
STEPS = 400
RISING, FALLING = torch.linspace(0.7, 6, STEPS), torch.linspace(1.4, 0.3, STEPS)  # G's loss and D's, where D wins
AWAY = torch.tensor([0.1, 0.2]) + 0.05 * torch.randn(300, 2, generator=torch.Generator().manual_seed(0))


class PointGenerator(nn.Sequential):
    nz = 4

    def __init__(self, at=0.0):
        super().__init__(nn.Linear(4, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2))
        nn.init.constant_(self[4].bias, at)


def critic():
    return nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))


def diagnosis(generator=None, steps=STEPS, real=REAL, **settings):
    torch.manual_seed(0)
    generator = generator or PointGenerator()
    run = fit(generator, critic(), real, Settings(steps=steps, batch=128, **settings))
    with torch.no_grad():
        samples = generator.eval()(torch.randn(512, generator.nz))
    return health(run.history, samples, real)


def test_a_learning_rate_of_almost_nothing_has_not_started():
    assert diagnosis(PointGenerator(at=3.0), lr_g=1e-7, lr_d=1e-7).name == "not started"


def test_a_sure_discriminator_and_the_minimax_loss_leave_no_gradient():
    found = diagnosis(PointGenerator(at=4.0), loss="minimax", lr_g=1e-6, lr_d=1e-2, n_critic=3)
    assert found.name == "vanishing gradient" and "non-saturating" in found.advice


def test_a_discriminator_that_learns_a_thousand_times_as_fast_overpowers():
    assert diagnosis(PointGenerator(at=4.0), lr_g=1e-6, lr_d=1e-3).name == "overpowering discriminator"


def test_a_gan_with_r1_and_equal_rates_is_healthy():
    found = diagnosis(steps=1500, lr_g=1e-3, lr_d=1e-3, penalty="r1", penalty_weight=0.1, penalty_every=4)
    assert found.name == "healthy", str(found)


class LabelledGenerator(nn.Module):
    nz = 4

    def __init__(self):
        super().__init__()
        self.points, self.embed = PointGenerator(), nn.Embedding(8, 4)

    def forward(self, z, labels):
        return self.points(z + self.embed(labels))


class LabelledCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(10, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2),
                                    nn.Linear(32, 1))

    def forward(self, points, labels):
        return self.layers(torch.cat([points, nn.functional.one_hot(labels, 8).float()], 1))


def labelled_diagnosis(ignores_z):
    """Eight wide Gaussians, labelled; a generator that is fed no z makes one point for each label."""
    torch.manual_seed(0)
    real_labels = torch.arange(2000) % 8
    angle = real_labels * math.pi / 4
    real = 2 * torch.stack([angle.cos(), angle.sin()], 1) + 0.5 * torch.randn(2000, 2)
    draw = lambda rng, count: torch.randn(count, 4, generator=rng) * (0.0 if ignores_z else 1.0)
    settings = Settings(steps=800, batch=128, lr_g=2e-3, lr_d=2e-3, penalty="r1", penalty_weight=0.1, penalty_every=4)
    run = fit(LabelledGenerator(), LabelledCritic(), real, settings, labels=(real_labels,), hooks=Hooks(latent=draw))
    labels = torch.arange(512) % 8
    with torch.no_grad():
        samples = run.ema(draw(None, 512), labels)
    return health(run.history, samples, real, labels=labels, real_labels=real_labels)


def test_a_generator_without_z_makes_one_sample_per_label():
    found = labelled_diagnosis(ignores_z=True)
    assert found.name == "one sample per label", str(found)
    found = labelled_diagnosis(ignores_z=False)
    assert found.name not in ("one sample per label", "collapse"), str(found)


def test_diversity_within_labels_in_closed_form():
    labels = torch.tensor([0, 0, 1, 1, 2])
    real = torch.tensor([[0.0], [2.0], [5.0], [6.0], [9.0]])
    samples = torch.tensor([[0.0], [1.0], [5.0], [5.0], [9.0]])  # half as different, and not at all
    assert diversity_within(samples, labels, real, labels) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="at least 2 samples"):
        diversity_within(samples[4:], labels[4:], real, labels)


def curves(loss_g, accuracy=0.7, grad_norm=1.0, loss_d=1.2):
    torch.manual_seed(0)
    noise = 0.05 * torch.randn(4, STEPS)
    ones = torch.ones(STEPS)
    return {"loss_g": loss_g + noise[0], "loss_d": loss_d * ones + noise[1], "accuracy": accuracy * ones,
            "grad_norm_g": grad_norm * ones}


def test_a_wave_in_the_loss_is_an_oscillation_and_noise_and_a_trend_are_none():
    t = torch.linspace(0, 1, STEPS)
    assert health(curves(1 + 0.5 * (2 * math.pi * 8 * t).sin()), REAL[:300], REAL[300:]).name == "oscillation"
    assert health(curves(torch.ones(STEPS)), REAL[:300], REAL[300:]).name == "healthy"
    assert health(curves(1 + 3 * t), REAL[:300], REAL[300:]).name == "healthy"


def test_samples_that_are_all_alike_are_a_collapse():
    one_mode = torch.tensor([1.0, 0.0]) + 0.05 * torch.randn(300, 2)
    loss_d = torch.linspace(1.4, 0.9, STEPS)  # D has learnt something
    assert health(curves(torch.ones(STEPS), accuracy=0.8, loss_d=loss_d), one_mode, REAL).name == "collapse"


@pytest.mark.parametrize("accuracy", [0.8, 0.999])
def test_copies_of_one_real_sample_are_a_collapse_however_sure_d_is(accuracy):
    found = health(curves(RISING, accuracy=accuracy, loss_d=FALLING), REAL[:1].repeat(300, 1), REAL)
    assert found.name == "collapse" and "R1" in found.advice


@pytest.mark.parametrize("accuracy", [0.6, 0.999])
def test_a_heap_away_from_the_data_that_g_moves_to_and_fro_has_diverged(accuracy):
    wave = 2 * (torch.linspace(0, 40, STEPS)).sin()
    found = health(curves(RISING + wave, accuracy=accuracy, loss_d=FALLING), AWAY, REAL)
    assert found.name == "diverged" and "beta1" in found.advice


def test_where_d_has_only_gained_it_overpowers_and_where_g_hears_nothing_it_has_not_started():
    assert health(curves(RISING, accuracy=0.999, loss_d=FALLING), AWAY, REAL).name == "overpowering discriminator"
    deaf = curves(RISING, accuracy=0.999) | {"grad_norm_g": torch.zeros(STEPS)}
    assert health(deaf, AWAY, REAL).name == "not started"


def test_what_is_not_finite_has_diverged():
    broken = curves(torch.ones(STEPS))
    broken["loss_d"][100] = math.nan
    assert health(broken, REAL[:300], REAL[300:]).name == "diverged"
    assert health(curves(torch.ones(STEPS)), REAL[:300] * math.inf, REAL[300:]).name == "diverged"


def test_a_diagnosis_says_why_and_what_to_try():
    found = health(curves(torch.ones(STEPS)), REAL[:300], REAL[300:])
    assert found.evidence in str(found) and ADVICE["healthy"] in str(found)


@pytest.mark.parametrize("steps, samples", [(39, 300), (40, 15)])
def test_too_little_to_say_anything(steps, samples):
    few = {name: curve[:steps] for name, curve in curves(torch.ones(STEPS)).items()}
    with pytest.raises(ValueError, match=f"got {steps} steps, {samples} samples"):
        health(few, REAL[:samples], REAL)


def test_distances_in_closed_form():
    square = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert spread(square).item() == pytest.approx((4 + 2 * math.sqrt(2)) / 6)
    assert diversity(3 * square, square) == pytest.approx(3)
    torch.manual_seed(0)
    far = torch.randn(1500, 2) * 0.01 + torch.tensor([100.0, 0.0])
    near = torch.randn(1500, 2) * 0.01
    assert distance(far, near) == pytest.approx(200 / (0.01 * math.sqrt(math.pi)), rel=0.05)
    assert abs(distance(torch.randn(2000, 3), torch.randn(2000, 3))) < 0.02


def test_astray_and_setback_in_closed_form():
    real = torch.tensor([[0.0], [2.0]])
    assert astray(torch.tensor([[0.5], [2.5], [5.0]]), real) == pytest.approx(0.25)  # 0.5, 0.5 and 3, of 2
    up = torch.linspace(0, 10, 200)
    assert setback(up) == setback(up.flip(0)) == 0
    assert setback(torch.cat([up, up.flip(0)[:40], up[160:]])) == pytest.approx(0.2, abs=0.05)  # 2 of 10, and back
    assert setback(torch.cat([up, up.flip(0)])) < 0.01  # it rises once, and falls


def test_a_swing_is_counted():
    t = torch.linspace(0, 1, 2000)
    torch.manual_seed(0)
    size, crossings = swing((2 * math.pi * 10 * t).sin() + 0.1 * torch.randn(2000))  # five periods in the second half
    assert size > 3 and crossings in (9, 10)
    assert swing(torch.randn(2000))[0] < 0.4
