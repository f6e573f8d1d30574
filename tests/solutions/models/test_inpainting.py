"""The context encoder: where holes are, what it may see, its measures in closed form, and a tiny run."""
import copy
import math

import pytest
import torch

from clipkit import Walkers
from solutions.models.inpainting import (
    ContextEncoder,
    FilledDiscriminator,
    hole_mask,
    hole_psnr,
    mean_colour,
    places,
    recipe,
    reconstruction,
    sharpness,
)
from solutions.post_processing import psnr
from solutions.training.gan_step import Batch, Game, gan_step
from solutions.training.settings import Hooks, Settings
from solutions.training.train import fit
from solutions.translation import fill, fill_step, hole_error


def encoder(size=16, hole=6, count=2):
    torch.manual_seed(0)
    return ContextEncoder(torch.zeros(count, 1, size, size), hole, width=4, code=8)


def test_holes_begin_where_their_place_says():
    mask = hole_mask(torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.5, 0.0]]), 8, 3)
    assert mask.shape == (3, 1, 8, 8) and mask.sum((1, 2, 3)).tolist() == [9, 9, 9]
    assert mask[0, 0, :3, :3].all() and mask[1, 0, 5:, 5:].all() and mask[2, 0, 3:6, :3].all()


def test_each_place_is_as_likely_as_another():
    place = places(torch.Generator().manual_seed(0), 12_000)
    first = hole_mask(place, 5, 2).flatten(1).argmax(1)  # rows 0..3, columns 0..3
    counts = torch.bincount(first, minlength=25).view(5, 5)[:4, :4]
    assert counts.sum() == 12_000 and (counts - 750).abs().max() < 5 * math.sqrt(750)


@pytest.mark.parametrize("hole", [0, 9])
def test_a_hole_that_does_not_fit_is_refused(hole):
    with pytest.raises(ValueError, match=f"1 to 8 pixels.*got {hole}"):
        hole_mask(torch.zeros(1, 2), 8, hole)


def test_a_hole_of_the_whole_image():
    assert hole_mask(torch.rand(2, 2), 8, 8).all()


def test_the_network_cannot_see_what_it_shall_fill_and_leaves_the_rest():
    network, images, place = encoder().eval(), torch.rand(2, 1, 16, 16), torch.rand(2, 2)
    mask = hole_mask(place, 16, 6)
    other = torch.lerp(images, torch.rand_like(images), mask)  # something else in the hole
    filled = network(place, images)
    torch.testing.assert_close(network(place, other), filled)
    torch.testing.assert_close(filled * (1 - mask), images * (1 - mask), rtol=0, atol=0)
    assert not torch.allclose(filled * mask, images * mask, atol=0.01)


def test_no_gradient_for_what_lies_outside_the_hole():
    network, images, place = encoder(), torch.rand(2, 1, 16, 16), torch.rand(2, 2)
    outside = 1 - hole_mask(place, 16, 6)
    (network(place, images) * outside).sum().backward()
    assert all(p.grad is None or p.grad.abs().max() == 0 for p in network.parameters())


def test_errors_in_the_hole_in_closed_form():
    images, mask = torch.rand(3, 2, 8, 8), hole_mask(torch.rand(3, 2), 8, 3)
    step = torch.tensor([0.1, 0.2, 0.3])[:, None, None, None]
    filled = images + step * mask + 9 * (1 - mask)  # what lies around must not count
    torch.testing.assert_close(hole_error(filled, images, mask), step.flatten().square())
    expected = 10 * math.log10(4 / ((0.01 + 0.04 + 0.09) / 3))
    assert hole_psnr(filled, images, mask).item() == pytest.approx(expected, rel=1e-5)


def test_with_a_hole_as_large_as_the_image_it_is_the_psnr_of_clips():
    images, filled = torch.rand(2, 4, 3, 16, 16)
    assert hole_psnr(filled, images, torch.ones(4, 1, 16, 16)).item() == pytest.approx(psnr(filled, images).item())


def test_sharpness_of_a_ramp_is_its_slope_and_outside_the_hole_nothing_counts():
    mask = hole_mask(torch.tensor([[0.4, 0.6]]), 10, 4)
    ramp = (0.1 * torch.arange(10.0)).expand(1, 1, 10, 10)  # to the right: half of all neighbours differ
    noisy = ramp + torch.randn(1, 1, 10, 10) * (1 - mask)
    assert sharpness(noisy, mask).item() == pytest.approx(0.05, rel=1e-4)
    checkers = (torch.arange(10)[:, None] + torch.arange(10)).remainder(2).float()[None, None]
    assert sharpness(checkers, mask) == 1 and sharpness(torch.ones(1, 1, 10, 10), mask) == 0


def test_the_mean_colour_is_that_of_what_is_seen():
    images = torch.full((1, 3, 8, 8), -0.5)
    mask = hole_mask(torch.zeros(1, 2), 8, 4)
    hidden = torch.lerp(images, torch.ones_like(images), mask)
    torch.testing.assert_close(mean_colour(hidden, mask), images)


def test_the_reconstruction_is_weighted_and_in_the_hole_of_the_batch():
    network, images, place = encoder(), torch.rand(2, 1, 16, 16), torch.rand(2, 2)
    fake = network(place, images)
    loss = reconstruction(7)(network, None, Batch(images, place, (images,)), fake)["reconstruction"]
    torch.testing.assert_close(loss, 7 * hole_error(fake, images, hole_mask(place, 16, 6)).mean())


def test_a_step_is_the_trainers_with_its_hooks():
    alone = [encoder(), FilledDiscriminator(16, 1, width=4)]
    inside = copy.deepcopy(alone)
    descents = [[torch.optim.SGD(network.parameters(), lr=0.1) for network in both] for both in (alone, inside)]
    game = Game(*inside, *descents[1], Settings(steps=3, bfloat16=False), Hooks(extra_g=reconstruction(7)))
    for _ in range(3):
        images, place = torch.rand(2, 1, 16, 16) * 2 - 1, torch.rand(2, 2)
        mask = hole_mask(place, 16, 6)
        losses = fill_step(lambda x, m: fill(alone[0].layers, x, m), alone[1], *descents[0], images, mask, weight=7)
        measured = gan_step(game, Batch(images, place, (images,)))
        expected = torch.stack([measured["loss_d"], measured["loss_g"], measured["reconstruction_g"] / 7])
        torch.testing.assert_close(torch.stack(losses), expected)
    for mine, theirs in zip(alone, inside, strict=True):
        torch.testing.assert_close(list(mine.parameters()), list(theirs.parameters()))


def test_a_tiny_one_learns_two_images_by_heart():
    """Two stripes, up and across: what is missing follows from what is seen."""
    up = torch.full((16, 16), -0.8)
    up[:, 5:9] = 0.8
    images = torch.stack([up, up.T])[:, None]
    torch.manual_seed(0)
    network, judge = ContextEncoder(images, 6, width=8, code=16), FilledDiscriminator(16, 1, width=4)
    settings = Settings(steps=150, batch=8, lr_g=5e-3, lr_d=5e-4, ema=0.95)
    hooks = Hooks(latent=places, extra_g=reconstruction(20))
    ema = fit(network, judge, images, settings, labels=(images,), hooks=hooks).ema
    place = places(torch.Generator().manual_seed(1), 64)
    many, mask = images.repeat(32, 1, 1, 1), hole_mask(place, 16, 6)
    with torch.no_grad():
        found = hole_error(ema(place, many), many, mask).mean()
    assert found < 0.3 * hole_error(mean_colour(many, mask), many, mask).mean(), found


def test_samples_are_examples_with_a_hole_filled():
    data = Walkers(6, num_frames=1)
    made = recipe(data, "smoke")
    samples = made.sample(made.train().ema, 4)
    assert samples.shape == (4, 3, 32, 32)
    for sample in samples:
        changed = (sample != data.clips[:, 0]).any(1).flatten(1).sum(1).min()
        assert changed <= 12 * 12  # of the example that it was made from
