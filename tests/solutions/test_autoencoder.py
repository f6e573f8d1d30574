"""The autoencoder: shapes, a few clips learnt, and what sampling needs."""
import pytest
import torch

from clipkit import Walkers
from solutions.autoencoder import Autoencoder, sample_clips, train_autoencoder
from solutions.pipeline import augment


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def test_a_clip_goes_through_few_numbers():
    model, clips = Autoencoder(4 * 3, size=16, code=5), torch.randn(2, 4, 3, 16, 16)
    assert model.encode(clips).shape == (2, 5)
    assert model(clips).shape == clips.shape and model(clips).abs().max() <= 1


def test_another_size_is_refused():
    with pytest.raises(ValueError, match="multiple of 8, got 30"):
        Autoencoder(3, size=30)


def test_it_learns_a_few_clips_by_heart_and_samples_near_them():
    clips, rng = Walkers(4, num_frames=4, scene="meadow").clips, torch.Generator().manual_seed(0)
    model = Autoencoder(12, code=16)
    losses = train_autoencoder(model, clips, steps=200, rng=rng, batch_size=8)
    assert losses[-1] < 0.15 * losses[0]
    fake = sample_clips(model, clips, 8, rng)
    assert fake.shape == (8, 4, 3, 32, 32)
    assert (fake.mean(dim=0) - clips.mean(dim=0)).abs().mean() < 0.1


class Unchanged:
    """An autoencoder whose codes are the clips themselves."""

    def encode(self, clips):
        return clips.flatten(1)

    def decode(self, codes, num_frames):
        return codes.view(len(codes), num_frames, 1, 1, 2)


def test_samples_have_the_mean_and_covariance_of_the_codes():
    clips = (torch.randn(3000, 4) @ torch.tensor([[1.0, 0.9, 0, 0], [0, 0.4, 0, 0], [0, 0, 2, -1], [0, 0, 0, 1]]) + 3)
    fake = sample_clips(Unchanged(), clips.view(-1, 2, 1, 1, 2), 20000, torch.Generator().manual_seed(0)).flatten(1)
    torch.testing.assert_close(fake.mean(dim=0), clips.mean(dim=0), atol=0.06, rtol=0)
    torch.testing.assert_close(fake.T.cov(), clips.T.cov(), atol=0.15, rtol=0)


def test_augmentation_is_asked_for_every_clip_of_a_batch():
    calls, clips = [], Walkers(2, num_frames=4).clips
    train_autoencoder(Autoencoder(12), clips, steps=2, rng=torch.Generator(), batch_size=3,
                      augment=lambda clip, rng: calls.append(clip.shape) or augment(clip, rng))
    assert calls == [clips[0].shape] * 6


def test_a_network_that_decodes_noise_knows_no_distribution():
    """What an autoencoder lacks as a generative model: its codes are not standard normal."""
    clips = Walkers(64, num_frames=4).clips
    model = Autoencoder(12, code=8)
    train_autoencoder(model, clips, steps=60, rng=torch.Generator().manual_seed(0))
    codes = model.encode(clips).detach()
    assert (codes.std(dim=0) - 1).abs().max() > 0.5
