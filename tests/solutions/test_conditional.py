"""Labels in G and D against formulas; the steps against the trainer's; a small run in which a label takes control."""
import copy

import pytest
import torch
from torch import nn

from clipkit import ClipSet, Walkers, digit_images
from solutions.conditional import (
    ConditionalGenerator,
    ProjectionDiscriminator,
    conditional_step,
    information_step,
    join_label,
    projection_parts,
)
from solutions.dcgan import Generator
from solutions.models.conditional import controlled_factor
from solutions.models.infogan import Codes, InfoDiscriminator, information, information_loss
from solutions.training.gan_step import Batch, Game, gan_step
from solutions.training.settings import Hooks, Settings
from solutions.training.train import fit


def test_the_projection_is_an_inner_product_of_label_and_features():
    torch.manual_seed(0)
    discriminator = ProjectionDiscriminator(5, 16, 1, width=4)
    images, labels = torch.randn(6, 1, 16, 16), torch.tensor([0, 1, 2, 3, 4, 4])
    plain = discriminator.discriminator(images)
    torch.testing.assert_close(discriminator(images, labels), plain)  # vectors begin at 0
    nn.init.normal_(discriminator.embed.weight)
    pooled = discriminator.discriminator.features(images).sum((2, 3))
    expected = plain + torch.stack([pooled[i] @ discriminator.embed.weight[labels[i]] for i in range(6)])
    torch.testing.assert_close(discriminator(images, labels), expected)


def test_the_parts_of_a_projection_are_the_log_ratio_of_joint_densities():
    """Against Bayes, where all is countable: six images, three labels."""
    torch.manual_seed(0)
    features, real, fake = torch.randn(6, 4), torch.randn(3, 4), torch.randn(3, 4)
    p, q = torch.rand(6).softmax(0), torch.rand(6).softmax(0)
    joint_p, joint_q = p[:, None] * (features @ real.T).softmax(1), q[:, None] * (features @ fake.T).softmax(1)
    psi, w = projection_parts((p / q).log(), features, real, fake)
    torch.testing.assert_close(psi[:, None] + features @ w.T, (joint_p / joint_q).log())


def test_a_label_changes_the_image_and_nothing_else_does():
    generator = ConditionalGenerator(3, 16, 1, nz=8, width=4).eval()
    z = torch.randn(1, 8).repeat(3, 1)
    images = generator(z, torch.tensor([0, 1, 0]))
    assert images.shape == (3, 1, 16, 16)
    torch.testing.assert_close(images[0], images[2])
    assert (images[0] - images[1]).abs().max() > 1e-3


def test_a_label_as_channels():
    joined = join_label(torch.zeros(2, 3, 4, 5), torch.tensor([1, 0]), 2)
    assert joined.shape == (2, 5, 4, 5)
    assert joined[:, 3:].mean((2, 3)).tolist() == [[0, 1], [1, 0]] and joined[:, :3].abs().max() == 0


def test_a_label_takes_control_of_a_tiny_gan():
    """Two pictures, two labels: each label brings its picture."""
    torch.manual_seed(0)
    images, targets = digit_images(16)
    two, labels = torch.stack([images[targets == 0][0], images[targets == 1][0]]), torch.tensor([0, 1])
    generator, discriminator = ConditionalGenerator(2, 16, 1, nz=4, width=8), ProjectionDiscriminator(2, 16, 1, width=8)
    settings = Settings(steps=200, batch=8, lr_g=4e-3, lr_d=4e-3, penalty="r1", penalty_every=4, ema=0.98)
    ema = fit(generator, discriminator, two, settings, labels=(labels,)).ema
    with torch.no_grad():
        samples = ema(torch.randn(32, 4), labels.repeat(16))
    nearest = torch.cdist(samples.flatten(1), two.flatten(1)).argmin(1)
    assert torch.equal(nearest, labels.repeat(16))


def after(networks, play):
    """The weights that `play(generator, discriminator, optimizer_g, optimizer_d)` leaves in copies of both networks."""
    networks = copy.deepcopy(networks)
    play(*networks, *(torch.optim.SGD(network.parameters(), lr=0.1) for network in networks))
    return [p.detach() for network in networks for p in network.parameters()]


def test_a_conditional_step_is_the_trainers():
    torch.manual_seed(0)
    networks = ConditionalGenerator(3, 16, 1, nz=8, width=4), ProjectionDiscriminator(3, 16, 1, width=4)
    real, labels, z = torch.randn(6, 1, 16, 16), torch.tensor([0, 1, 2, 2, 1, 0]), torch.randn(6, 8)
    mine = after(networks, lambda *parts: conditional_step(*parts, real, labels, z, labels, gamma=0.5))
    settings = Settings(steps=1, penalty="r1", penalty_weight=0.5, bfloat16=False)
    theirs = after(networks, lambda *parts: gan_step(Game(*parts, settings), Batch(real, z, (labels,))))
    torch.testing.assert_close(mine, theirs)


def test_an_information_step_is_the_trainers():
    torch.manual_seed(0)
    codes = Codes(3, 1, 4)
    networks = Generator(16, 1, nz=codes.nz, width=4), InfoDiscriminator(codes, 16, 1, width=4)
    real, z = torch.randn(6, 1, 16, 16), codes.draw(torch.Generator().manual_seed(0), 6)
    mine = after(networks, lambda *parts: information_step(*parts, real, z, information, gamma=0.5))
    settings = Settings(steps=1, penalty="r1", penalty_weight=0.5, bfloat16=False)
    hooks = Hooks(extra_d=information_loss, extra_g=information_loss)
    theirs = after(networks, lambda *parts: gan_step(Game(*parts, settings, hooks), Batch(real, z)))
    torch.testing.assert_close(mine, theirs)


def test_a_cgan_asks_for_labels():
    assert controlled_factor(Walkers(2, num_frames=1)) == "shirt"
    with pytest.raises(ValueError, match="needs labels and the data have none: try --data walkers"):
        controlled_factor(ClipSet(torch.zeros(2, 1, 3, 16, 16)))
