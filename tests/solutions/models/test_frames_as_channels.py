"""The baseline against the image networks that it is made of."""
import torch

from solutions.dcgan import Discriminator, Generator
from solutions.models.frames_as_channels import StackedDiscriminator, StackedGenerator, widths_of
from solutions.networks.layers import num_parameters
from solutions.training.settings import Settings
from solutions.training.train import fit


def test_a_clip_is_an_image_with_more_channels():
    torch.manual_seed(0)
    generator, discriminator = StackedGenerator(5, 16, 3, nz=7, width=4).eval(), StackedDiscriminator(5, 16, 3, width=4)
    clips = generator(torch.randn(2, 7))
    assert clips.shape == (2, 5, 3, 16, 16) and clips.abs().max() <= 1
    assert discriminator(clips).shape == (2,)
    two_by_two = 4 * 4 * 4 * 4  # from 4 channels at 4 x 4 to 4 at 8 x 8, where DCGAN has 8 and 4
    assert num_parameters(generator) == 7 * 4 * 16 + two_by_two + 4 * 15 * 16 + 2 * (4 + 4)
    assert num_parameters(discriminator) == 15 * 4 * 16 + 4 + two_by_two + 4 + 4 * 16


def test_it_is_dcgan_but_for_the_widths():
    """With the widths doubled as DCGAN's, the same layers in the same order."""
    torch.manual_seed(0)
    ours, dcgan = StackedDiscriminator(5, 32, 3, width=4), Discriminator(32, 15, width=4, norm="none")
    kinds = lambda network: [type(layer) for layer in network.modules() if not list(layer.children())]
    assert kinds(ours) == kinds(dcgan)
    assert kinds(StackedGenerator(5, 32, 3, nz=7, width=4)) == kinds(Generator(32, 15, nz=7, width=4))
    assert widths_of(32, 64) == [64, 64, 128] and widths_of(64, 64) == [64, 64, 128, 256]


def test_each_frame_has_its_own_channels():
    generator = StackedGenerator(4, 16, 3, nz=2, width=2).eval()
    z = torch.randn(1, 2)
    torch.testing.assert_close(generator(z)[0, 2], generator.layers(z[:, :, None, None])[0, 6:9])


def test_time_has_no_neighbours():
    """Frames in any order, with the weights of the first layer in that order: the same logits."""
    torch.manual_seed(0)
    discriminator = StackedDiscriminator(6, 16, 1, width=4)
    clips, order = torch.randn(3, 6, 1, 16, 16), torch.tensor([3, 0, 5, 1, 4, 2])
    before = discriminator(clips)
    first = discriminator.layers[0]
    first.weight.data = first.weight.data[:, order]
    torch.testing.assert_close(discriminator(clips[:, order]), before)


def test_a_tiny_one_learns_a_clip_by_heart(walking_dot):
    torch.manual_seed(0)
    generator, discriminator = StackedGenerator(8, 16, 1, nz=4, width=16), StackedDiscriminator(8, 16, 1, width=16)
    settings = Settings(steps=400, batch=16, lr_g=2e-3, lr_d=2e-3, penalty="r1", penalty_every=4, ema=0.98)
    ema = fit(generator, discriminator, walking_dot[None], settings).ema
    with torch.no_grad():
        error = (ema(torch.randn(8, 4)) - walking_dot).square().mean().sqrt()
    assert error < 0.6 * walking_dot.std()
