"""DCGAN against the paper's table, counting formulas and geometry; a tiny one learns a few pictures by heart."""
import pytest
import torch
from torch import nn

from clipkit import ClipSet, Walkers, digit_images
from solutions.dcgan import Discriminator, Generator, dcgan_init, interpolate, slerp
from solutions.models.dcgan import SETTINGS, recipe
from solutions.networks.layers import num_parameters
from solutions.training.settings import Settings
from solutions.training.train import fit


def formula_generator(size, channels, nz, width):
    widths = [width * size // (2 * r) for r in (4, 8, 16, 32, 64, 128) if r < size]  # channels at r x r
    weights = 16 * (nz * widths[0] + sum(a * b for a, b in zip(widths, [*widths[1:], channels], strict=True)))
    return weights + 2 * sum(widths)  # scale and shift of each batch norm


def formula_discriminator(size, channels, width):
    widths = [width * size // (2 * r) for r in (128, 64, 32, 16, 8, 4) if r < size]
    weights = 16 * (sum(a * b for a, b in zip([channels, *widths], widths, strict=False)) + widths[-1])
    return weights + 2 * sum(widths[1:])


@pytest.mark.parametrize("size, channels, nz, width", [
    (16, 1, 8, 5), (32, 3, 64, 24), (64, 3, 100, 64), (128, 1, 7, 3),
])
def test_the_general_rule(size, channels, nz, width):
    generator = Generator(size, channels, nz=nz, width=width)
    discriminator = Discriminator(size, channels, width=width)
    assert num_parameters(generator) == formula_generator(size, channels, nz, width)
    assert num_parameters(discriminator) == formula_discriminator(size, channels, width)
    images = generator(torch.randn(2, nz))
    assert images.shape == (2, channels, size, size) and images.abs().max() <= 1
    assert discriminator(images).shape == (2,)
    assert discriminator.features(images).shape == (2, width * size // 8, 4, 4)


def test_the_networks_of_the_paper():
    assert num_parameters(Generator(64, 3, nz=100, width=64)) == 3_576_704
    assert num_parameters(Discriminator(64, 3, width=64)) == 2_765_568


@pytest.mark.parametrize("network", [Generator, Discriminator])
def test_a_size_that_is_no_power_of_two_is_refused(network):
    with pytest.raises(ValueError, match="at least 16, got 48: try 32 or 64"):
        network(48)


def test_norms_are_where_they_are_asked_for():
    count = lambda norm, kind: sum(isinstance(m, kind) for m in Discriminator(32, width=4, norm=norm).modules())
    assert [count(norm, nn.BatchNorm2d) for norm in ("batch", "none", "spectral")] == [2, 0, 0]
    discriminator = Discriminator(16, 1, width=4, norm="spectral")
    for _ in range(200):
        discriminator(torch.zeros(1, 1, 16, 16))
    for layer in (m for m in discriminator.eval().modules() if isinstance(m, nn.Conv2d)):
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, rel=1e-3)
    with pytest.raises(ValueError, match="Did you mean 'spectral'"):
        Discriminator(norm="spectrl")


def test_the_initial_weights_have_the_papers_moments():
    torch.manual_seed(0)
    network = nn.Sequential(Generator(64), nn.Conv2d(3, 4, 1, bias=True), nn.Linear(4, 4))
    linear = network[2].weight.clone()
    network.apply(dcgan_init)
    convolutions = torch.cat([m.weight.flatten() for m in network.modules() if isinstance(m, nn.ConvTranspose2d)])
    scales = torch.cat([m.weight for m in network.modules() if isinstance(m, nn.BatchNorm2d)])
    assert convolutions.std().item() == pytest.approx(0.02, rel=0.01) and abs(convolutions.mean().item()) < 1e-4
    assert scales.std().item() == pytest.approx(0.02, rel=0.1) and scales.mean().item() == pytest.approx(1, abs=0.003)
    assert network[1].bias.abs().max() == 0 and torch.equal(network[2].weight, linear)


def test_an_arc_keeps_the_length_and_divides_the_angle_evenly():
    start, end = nn.functional.normalize(torch.randn(2, 50, dtype=torch.float64), dim=1) * 7
    arc = slerp(start, end, torch.linspace(0, 1, 5, dtype=torch.float64))
    torch.testing.assert_close(arc[[0, -1]], torch.stack([start, end]))
    torch.testing.assert_close(arc.norm(dim=1), torch.full((5,), 7.0, dtype=torch.float64))
    cosines = nn.functional.cosine_similarity(arc[1:], arc[:-1])
    torch.testing.assert_close(cosines, cosines[:1].expand(4))


@pytest.mark.parametrize("factor", [1, 2, -1, -0.5])
def test_between_the_same_or_opposite_directions_it_is_the_straight_line(factor):
    share = torch.linspace(0, 1, 5)
    for z in torch.randn(200, 6, generator=torch.Generator().manual_seed(0)):
        torch.testing.assert_close(slerp(z, factor * z, share), torch.lerp(z, factor * z, share[:, None]), atol=1e-3, rtol=0)


def test_an_interpolation_begins_and_ends_with_its_samples():
    generator = Generator(16, 1, nz=8, width=4).eval()
    start, end = torch.randn(2, 8)
    images = interpolate(generator, start, end, 5)
    assert images.shape == (5, 1, 16, 16) and not images.requires_grad
    torch.testing.assert_close(images[[0, -1]], generator(torch.stack([start, end])).detach(), atol=1e-5, rtol=1e-4)


def test_a_tiny_one_learns_two_pictures_by_heart():
    torch.manual_seed(0)
    images, targets = digit_images(16)
    two = torch.stack([images[targets == 0][0], images[targets == 1][0]])
    generator, discriminator = Generator(16, 1, nz=4, width=8), Discriminator(16, 1, width=8, norm="none")
    settings = Settings(steps=250, batch=8, lr_g=4e-3, lr_d=4e-3, penalty="r1", penalty_every=4, ema=0.98)
    ema = fit(generator, discriminator, two, settings).ema
    with torch.no_grad():
        samples = ema(torch.randn(64, 4))
    distance = torch.cdist(samples.flatten(1), two.flatten(1)) / 16  # root of the mean squared difference
    nearest, which = distance.min(1)
    apart = torch.dist(*two.flatten(1)).item() / 16
    assert nearest.median() < 0.25 * apart and len(which.unique()) == 2


@pytest.mark.parametrize("data", [
    Walkers(8, num_frames=2), ClipSet(digit_images(16)[0][:8, None]),
], ids=["walkers", "digits"])
def test_the_smoke_preset_runs_on_both_data_sets(data):
    made = recipe(data, "smoke")
    run = made.train()
    samples = made.sample(run.ema, 3)
    assert samples.shape == (3, *data.clips.shape[2:]) and samples.isfinite().all()
    assert torch.equal(samples, made.sample(run.ema, 3)) and len(run.history["loss_d"]) == SETTINGS["smoke"].steps


@pytest.mark.gpu
def test_the_gpu_preset_does_a_hundred_steps_without_a_nan():
    from dataclasses import replace

    made = recipe(Walkers(256, num_frames=1, size=64), "gpu")
    run = replace(made, settings=replace(made.settings, steps=100)).train(device="cuda")
    assert all(run.history[name].isfinite().all() for name in run.history.names)
