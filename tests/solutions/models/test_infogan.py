"""Codes and bounds against formulas, SciPy and scikit-learn; a small run in which a category finds the clusters."""
import math

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import norm
from sklearn.metrics import normalized_mutual_info_score
from torch import nn

from clipkit import digit_images
from solutions.conditional import agreement, category_information, continuous_information
from solutions.dcgan import Generator
from solutions.models.infogan import Codes, InfoDiscriminator, information_loss
from solutions.training.gan_step import Batch
from solutions.training.settings import Hooks, Settings
from solutions.training.train import fit


def test_codes_are_drawn_as_said_and_read_back():
    codes = Codes(4, 2, 6)
    z = codes.draw(torch.Generator().manual_seed(0), 4000)
    assert z.shape == (4000, codes.nz) == (4000, 12)
    category, continuous = codes.split(z)
    assert torch.allclose(category.bincount() / 4000, torch.tensor(0.25), atol=0.03)
    assert -1 <= continuous.min() < -0.98 and 0.98 < continuous.max() <= 1
    assert z[:, :6].std().item() == pytest.approx(1, abs=0.02)
    again, there = codes.split(codes.join(category, continuous, torch.Generator().manual_seed(1)))
    assert torch.equal(again, category) and torch.equal(there, continuous)


def test_the_bound_is_log_k_for_a_sure_reader_zero_for_none_and_never_above_the_truth():
    category = torch.arange(8) % 4
    assert category_information(100 * F.one_hot(category, 4).float(), category).item() == pytest.approx(math.log(4))
    assert category_information(torch.zeros(8, 4), category).item() == pytest.approx(0, abs=1e-6)
    # x is the category with probability 0.7, else one of the three others: the truth is log 4 minus its entropy.
    channel = torch.full((4, 4), 0.1) + 0.6 * torch.eye(4)  # q(c | x), by Bayes the same as p(x | c)
    seen = torch.multinomial(channel[torch.arange(40_000) % 4], 1, generator=torch.Generator().manual_seed(0))[:, 0]
    truth = math.log(4) + 0.7 * math.log(0.7) + 0.3 * math.log(0.1)
    best = category_information(channel.log()[seen], torch.arange(40_000) % 4).item()
    assert best == pytest.approx(truth, abs=0.01)
    for other in (channel.square(), torch.rand(4, 4)):
        assert category_information(other.log()[seen], torch.arange(40_000) % 4).item() < truth


def test_the_continuous_bound_is_scipys_gaussian():
    mean, code = torch.rand(2, 7, 3, dtype=torch.float64)
    expected = norm.logpdf(code.numpy(), mean.numpy(), 0.3).sum(1).mean() + 3 * math.log(2)
    assert continuous_information(mean, code, 0.3).item() == pytest.approx(expected)


def test_agreement_is_scikit_learns_and_blind_to_names():
    torch.manual_seed(0)
    found, labels = torch.randint(5, (400,)), torch.randint(3, (400,))
    labels[:200] = found[:200] % 3
    assert agreement(found, labels) == pytest.approx(normalized_mutual_info_score(labels.numpy(), found.numpy()))
    assert agreement(found, (found * 2 + 1) % 5) == pytest.approx(1)
    assert agreement(found, torch.zeros_like(found)) == pytest.approx(0)
    assert agreement(torch.zeros_like(found), torch.zeros_like(found)) == 0


def test_the_information_reaches_the_reader_in_ds_step_and_g_in_gs():
    codes = Codes(3, 1, 4)
    generator, discriminator = Generator(16, 1, nz=codes.nz, width=4), InfoDiscriminator(codes, 16, 1, width=4)
    batch = Batch(torch.zeros(4, 1, 16, 16), codes.draw(torch.Generator().manual_seed(0), 4))
    fake = generator(batch.z)
    (loss,) = information_loss(generator, discriminator, batch, fake.detach()).values()
    loss.backward()
    assert discriminator.reader[1].weight.grad.abs().sum() > 0
    assert all(p.grad is None for p in generator.parameters())
    discriminator.requires_grad_(False)
    sum(information_loss(generator, discriminator, batch, fake).values()).backward()
    assert all(p.grad is not None for p in generator.parameters())


class Bars(nn.Module):
    """Noise and codes to two numbers, for a GAN on four clusters."""

    def __init__(self, nz):
        super().__init__()
        self.nz = nz
        self.layers = nn.Sequential(nn.Linear(nz, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2),
                                    nn.Linear(32, 2))

    def forward(self, z):
        return self.layers(z)


class Reader(nn.Module):
    def __init__(self, codes):
        super().__init__()
        self.codes = codes
        self.trunk = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2))
        self.head, self.reader = nn.Linear(32, 1), nn.Linear(32, codes.categories + codes.continuous)

    def forward(self, points):
        return self.head(self.trunk(points))[:, 0]

    def read(self, points):
        return self.reader(self.trunk(points)).split([self.codes.categories, self.codes.continuous], 1)


def test_a_category_finds_the_clusters_without_a_label():
    torch.manual_seed(0)
    codes, rng = Codes(4, 0, 2), torch.Generator().manual_seed(0)
    centres = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    real = centres.repeat(250, 1) + 0.1 * torch.randn(1000, 2, generator=rng)
    settings = Settings(steps=500, batch=128, lr_g=2e-3, lr_d=2e-3, penalty="r1", penalty_every=4, ema=0.98)
    hooks = Hooks(latent=codes.draw, extra_d=information_loss, extra_g=information_loss)
    ema = fit(Bars(codes.nz), Reader(codes), real, settings, hooks=hooks).ema
    z = codes.draw(rng, 1000)
    with torch.no_grad():
        cluster = torch.cdist(ema(z), centres).argmin(1)
    assert agreement(codes.split(z)[0], cluster) > 0.9


def test_a_tiny_one_learns_two_pictures_by_heart_and_its_category_chooses_between_them():
    torch.manual_seed(0)
    images, targets = digit_images(16)
    two = torch.stack([images[targets == 0][0], images[targets == 1][0]])
    codes = Codes(2, 0, 4)
    generator, discriminator = Generator(16, 1, nz=codes.nz, width=8), InfoDiscriminator(codes, 16, 1, width=8)
    hooks = Hooks(latent=codes.draw, extra_d=information_loss, extra_g=information_loss)
    settings = Settings(steps=250, batch=8, lr_g=4e-3, lr_d=4e-3, penalty="r1", penalty_every=4, ema=0.98,
                        bfloat16=False)  # the same on every CPU
    ema = fit(generator, discriminator, two, settings, hooks=hooks).ema
    z = codes.draw(torch.Generator().manual_seed(1), 64)
    with torch.no_grad():
        nearest, which = torch.cdist(ema(z).flatten(1), two.flatten(1)).min(1)
    assert nearest.median() < 0.25 * torch.dist(*two.flatten(1))
    category, _ = codes.split(z)
    assert (which == category).all() or (which != category).all()
