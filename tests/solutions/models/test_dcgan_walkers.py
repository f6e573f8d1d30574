"""The recipe of the shipped DCGAN: its generator is the preset's, and its weights show people."""
import pytest
import torch

from clipkit import Walkers
from solutions.measures.coverage import LinearProbe, coverage
from solutions.models import registry
from solutions.models.dcgan_walkers import SETTINGS, recipe
from solutions.published.shipped import trained
from solutions.training.settings import Settings


def test_it_is_the_presets_generator_trained_otherwise():
    ours = recipe(0, count=16, settings=Settings(steps=2, batch=8, loss="relativistic"))
    preset = registry.recipe("dcgan", registry.blank((1, 3, 32, 32), {}), "cpu")
    assert {k: v.shape for k, v in ours.generator.state_dict().items()} == {
        k: v.shape for k, v in preset.generator.state_dict().items()}
    run = ours.train()
    assert run.history["loss_d"].isfinite().all() and SETTINGS.loss == "relativistic"


@pytest.fixture(scope="module")
def samples():
    generator, made = trained("dcgan")
    return made.sample(generator, 600)


def test_samples_have_every_combination_of_two_labels(samples):
    data = Walkers(3000, num_frames=1, scene="meadow", seed=9)
    real, found = [], []
    for name in ("hair", "shirt"):
        probe = LinearProbe(data.clips[:, 0], data.labels[name])
        real.append(data.labels[name])
        found.append(probe(samples))
    assert coverage(found, real) == 1  # 16 modes, each at least a quarter as often as in the data


def test_samples_are_near_the_data_and_not_copies_of_one_another(samples):
    data = Walkers(600, num_frames=1, scene="meadow", seed=9).clips[:, 0]
    assert (samples.mean(0) - data.mean(0)).abs().mean() < 0.05
    assert 0.8 < (torch.pdist(samples.flatten(1)).mean() / torch.pdist(data.flatten(1)).mean()).item() < 1.2
