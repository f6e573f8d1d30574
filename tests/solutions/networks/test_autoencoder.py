"""The autoencoder: shapes, and what sampling needs: a distribution of codes, one heap or several."""
import pytest
import torch

from clipkit import Walkers
from solutions.networks.autoencoder import Autoencoder, train_code_gan
from solutions.pipeline import gaussian_codes, train_autoencoder


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def rng():
    return torch.Generator().manual_seed(0)


def test_a_clip_goes_through_few_numbers():
    model, clips = Autoencoder(4 * 3, size=16, code=5), torch.randn(2, 4, 3, 16, 16)
    assert model.encode(clips).shape == (2, 5)
    assert model(clips).shape == clips.shape and model(clips).abs().max() <= 1


def test_another_size_is_refused():
    with pytest.raises(ValueError, match="multiple of 8, got 30"):
        Autoencoder(3, size=30)


def test_a_gan_of_codes_stays_out_of_the_gaps_that_a_gaussian_fills():
    torch.manual_seed(1)
    centres = 4 * torch.randn(3, 16)
    codes = centres[torch.arange(192) % 3] + torch.randn(192, 16)
    generator = train_code_gan(codes, steps=1600, rng=rng())
    with torch.no_grad():
        made = generator(torch.randn(500, generator.nz, generator=rng()))

    def at_a_clump(points):
        return (torch.cdist(points, centres).amin(dim=1) < 7).float().mean().item()

    assert at_a_clump(codes) == 1
    assert at_a_clump(made) > at_a_clump(gaussian_codes(codes, 500, rng())) + 0.3
    assert torch.cdist(made, centres).argmin(dim=1).unique().numel() > 1  # not one scene only


def test_a_network_that_decodes_noise_knows_no_distribution():
    """What an autoencoder lacks as a generative model: its codes are not standard normal."""
    clips = Walkers(64, num_frames=4).clips
    model = Autoencoder(12, code=8)
    train_autoencoder(model, clips, steps=60, rng=rng())
    codes = model.encode(clips).detach()
    assert (codes.std(dim=0) - 1).abs().max() > 0.5
