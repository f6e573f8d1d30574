"""DiffAugment: differentiable, alike for all frames, nothing at strength 0, and through the trainer for real and fake."""
import functools

import pytest
import torch

from solutions.dcgan import Discriminator, Generator
from solutions.training.augment import KINDS, colour, cutout, diff_augment, translation
from solutions.training.settings import Hooks, Settings
from solutions.training.train import fit

CLIPS = torch.rand(6, 4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_all_frames_of_a_clip_change_alike(kind):
    still = CLIPS[:, :1].expand(-1, 4, -1, -1, -1).contiguous()
    changed = diff_augment(still, rng(), kinds=(kind,))
    assert torch.equal(changed, changed[:, :1].expand_as(changed)) and not torch.equal(changed, still)
    assert torch.equal(changed[:, 0], diff_augment(still[:, 0], rng(), kinds=(kind,)))  # an image is a clip of one frame


def test_strength_zero_is_the_identity():
    torch.testing.assert_close(diff_augment(CLIPS, rng(), strength=0.0), CLIPS)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_flow_as_finite_differences_say(kind):
    few = CLIPS[:2, :2, :, :8, :8].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: diff_augment(x, rng(), kinds=(kind,)), few, fast_mode=True)


def test_a_translation_moves_whole_pixels_and_fills_with_zero():
    dot = torch.zeros(200, 1, 1, 16, 16)
    dot[..., 8, 8] = 1
    place = translation(dot, rng(), 1.0).flatten(1).argmax(1)
    for row in (place // 16, place % 16):
        assert row.unique().tolist() == [6, 7, 8, 9, 10]  # an eighth of 16 is 2
    ones = translation(torch.ones(200, 1, 1, 16, 16), rng(), 1.0)
    lost = 16 * 16 - ones.sum((1, 2, 3, 4))
    assert set(lost.int().tolist()) <= {16 * 16 - (16 - a) * (16 - b) for a in range(3) for b in range(3)}


def test_a_hole_is_at_most_a_quarter_and_lies_anywhere():
    left = cutout(torch.ones(500, 1, 1, 16, 16), rng(), 1.0)
    assert ((left == 0) | (left == 1)).all()
    assert (1 - left).sum((1, 2, 3, 4)).max() == 64
    assert ((1 - left).mean((0, 1, 2)) > 0).all()  # every pixel is in some hole


def test_colours_in_closed_form():
    grey = torch.full((300, 1, 3, 2, 2), 0.2)
    changed = colour(grey, rng(), 1.0)
    assert torch.equal(changed, changed[:, :, :1, :1, :1].expand_as(changed))  # no colour to saturate, no contrast
    assert changed.min() >= -0.3 and changed.max() <= 0.7 and changed.std() > 0.2


def test_the_seed_decides_and_samples_differ():
    assert torch.equal(diff_augment(CLIPS, rng(1)), diff_augment(CLIPS, rng(1)))
    assert not torch.equal(diff_augment(CLIPS, rng(1)), diff_augment(CLIPS, rng(2)))
    same = CLIPS[:1].expand_as(CLIPS)
    assert len({sample.sum().item() for sample in diff_augment(same, rng())}) == len(CLIPS)


def test_the_trainer_shows_d_nothing_else():
    seen = []

    def augment(samples, rng):
        seen.append(samples.shape)
        return diff_augment(samples, rng, strength=0.5)

    settings = Settings(steps=2, batch=4)
    run = fit(Generator(16, nz=4, width=4), Discriminator(16, width=4), CLIPS[:, 0], settings, hooks=Hooks(augment=augment))
    assert seen == [(4, 3, 16, 16)] * 6  # real, fake, and fake again for G, in each step
    assert run.history["loss_g"].isfinite().all()


@pytest.mark.parametrize("samples, options, message", [
    (torch.zeros(3, 8, 8), {}, r"for one image try image\[None\]"),
    (CLIPS, {"strength": -1.0}, "strength of at least 0"),
    (CLIPS, {"kinds": ("color",)}, "Did you mean 'colour'"),
])
def test_a_mistake_is_explained(samples, options, message):
    with pytest.raises(ValueError, match=message):
        functools.partial(diff_augment, **options)(samples)
