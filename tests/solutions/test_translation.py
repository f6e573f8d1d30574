"""CycleGAN: losses of maps that undo each other, what a patch sees, old fakes, and a tiny run that finds the way."""
import copy

import pytest
import torch
from torch import nn

from clipkit import ClipSet, Walkers
from solutions.models.translation import domains, draw, recipe, remembered_fakes, translation_losses
from solutions.training.gan_step import Batch, Game, gan_step
from solutions.training.settings import Hooks, Settings
from solutions.training.train import fit
from solutions.translation import (
    FakeHistory,
    PatchDiscriminator,
    Translator,
    TwoWayDiscriminator,
    TwoWayGenerator,
    cycle_loss,
    cycle_step,
    identity_loss,
    translate,
)


class Affine(nn.Module):
    """x to scale * x + shift: its inverse is known."""

    def __init__(self, scale, shift=0.0):
        super().__init__()
        self.scale, self.shift = scale, shift

    def forward(self, x):
        return self.scale * x + self.shift


def two_ways(forth, back, pairs=1):
    return TwoWayGenerator(torch.zeros(pairs, 2, 1, 4, 4), forth, back)


def pairs_of(count, *shape, seed=0):
    return torch.rand(count, 2, *shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_the_first_of_a_pair_is_always_of_domain_a():
    pair = pairs_of(3, 1, 4, 4)
    fake = two_ways(Affine(2), Affine(3))(torch.zeros(3, 0), pair)
    torch.testing.assert_close(fake[:, 0], 3 * pair[:, 1])  # b as a, by b_to_a
    torch.testing.assert_close(fake[:, 1], 2 * pair[:, 0])  # a as b, by a_to_b
    judges = TwoWayDiscriminator(lambda a: a.mean((1, 2, 3)), lambda b: b.amax((1, 2, 3)))
    torch.testing.assert_close(judges(pair), torch.stack([pair[:, 0].mean((1, 2, 3)), pair[:, 1].amax((1, 2, 3))], 1))


def test_the_cycle_costs_nothing_where_each_map_undoes_the_other():
    pair = pairs_of(3, 1, 4, 4)
    generator = two_ways(Affine(2, 0.5), Affine(0.5, -0.25))
    assert cycle_loss(generator, pair, generator(None, pair)).item() == pytest.approx(0, abs=1e-6)


def test_the_cycle_of_two_scalings_in_closed_form():
    """a -> 2a -> 6a and b -> 3b -> 6b: both are off by five times themselves."""
    pair = pairs_of(3, 1, 4, 4)
    generator = two_ways(Affine(2), Affine(3))
    loss = cycle_loss(generator, pair, generator(None, pair))
    assert loss.item() == pytest.approx(5 * pair.abs().mean().item(), rel=1e-5)


def test_identity_asks_each_direction_about_its_own_target():
    """a_to_b shall leave b alone (here it adds 1), b_to_a shall leave a alone (here it does)."""
    pair = pairs_of(3, 1, 4, 4)
    assert identity_loss(two_ways(Affine(1), Affine(1)), pair).item() == 0
    assert identity_loss(two_ways(Affine(1, 1.0), Affine(1)), pair).item() == pytest.approx(0.5)
    doubling = identity_loss(two_ways(Affine(2), Affine(1)), pair).item()
    assert doubling == pytest.approx(pair[:, 1].abs().mean().item() / 2, rel=1e-5)


def test_weights_and_the_loss_that_is_left_out():
    pair = pairs_of(2, 1, 4, 4)
    generator = two_ways(Affine(2), Affine(3))
    fake = generator(None, pair)
    losses = translation_losses(cycle=3, identity=0.5)(generator, None, Batch(pair, torch.zeros(2, 0), (pair,)), fake)
    assert losses["cycle"] == 3 * cycle_loss(generator, pair, fake)
    assert losses["identity"] == 0.5 * identity_loss(generator, pair)
    assert set(translation_losses(identity=0)(generator, None, Batch(pair, fake, (pair,)), fake)) == {"cycle"}


@pytest.mark.parametrize("halvings, patch", [(1, 16), (2, 34), (3, 70)])
def test_a_logit_sees_a_patch_of_the_stated_size(halvings, patch):
    torch.manual_seed(0)
    network = PatchDiscriminator(1, width=4, halvings=halvings)
    for layer in network.layers:  # instance norm looks at the whole image: off, to see the convolutions' own field
        if isinstance(layer, nn.InstanceNorm2d):
            layer.forward = lambda x: x
    image = torch.randn(1, 1, 96, 96, requires_grad=True)
    logits = network(image)
    logits[0, logits.shape[1] // 2, logits.shape[2] // 2].backward()
    rows = (image.grad[0, 0].abs().sum(1) > 0).nonzero()
    assert rows.max() - rows.min() + 1 == patch


def test_a_translator_keeps_shape_and_range():
    network = Translator(3, width=4, halvings=2, blocks=1)
    out = network(torch.randn(2, 3, 16, 24))
    assert out.shape == (2, 3, 16, 24) and out.abs().max() <= 1


def test_a_clip_is_translated_frame_by_frame():
    torch.manual_seed(0)
    network, clips = Translator(1, width=4, halvings=1, blocks=1), torch.randn(2, 3, 1, 16, 16)
    out = translate(network, clips)
    assert out.shape == clips.shape and not out.requires_grad
    torch.testing.assert_close(out[1, 2], network(clips[1, 2][None])[0], atol=1e-5, rtol=1e-4)


def test_history_returns_all_fakes_until_it_is_full_and_then_half_of_them_are_old():
    history = FakeHistory(50, seed=0)
    first = torch.arange(50.0)[:, None]
    assert torch.equal(history.exchange(first), first)
    shown = torch.cat([history.exchange(torch.arange(start, start + 10.0)[:, None]) for start in range(50, 2050, 10)])
    old = (shown[:, 0] != torch.arange(50.0, 2050)).float().mean().item()
    assert old == pytest.approx(0.5, abs=0.04)
    gone = torch.cat([shown, torch.stack(history.kept)])[:, 0].sort().values
    assert torch.equal(gone, torch.arange(2050.0))  # each is shown once, or still there


def test_history_keeps_no_graph_and_no_view():
    history, fakes = FakeHistory(4), torch.zeros(2, 3, requires_grad=True)
    history.exchange(fakes * 1)
    fakes.data.fill_(7)
    assert all(not kept.requires_grad and kept.sum() == 0 for kept in history.kept)


def test_old_fakes_are_to_be_called_fake():
    """Least squares: half the mean of the squared logits. The logit here is the pair's mean."""
    loss = remembered_fakes(FakeHistory(8))(
        None, lambda pair, *_: pair.mean((1, 2, 3, 4)), Batch(None, None, (None,)), torch.full((2, 2, 1, 4, 4), 0.6))
    assert loss["history"].item() == pytest.approx(0.6**2 / 2)


def test_a_step_is_the_trainers_with_its_hooks():
    torch.manual_seed(0)
    translators = (Translator(1, width=4, halvings=0, blocks=1) for _ in range(2))
    judges = (PatchDiscriminator(1, width=4, halvings=1) for _ in range(2))
    alone = [TwoWayGenerator(torch.zeros(1, 2, 1, 16, 16), *translators), TwoWayDiscriminator(*judges)]
    inside = copy.deepcopy(alone)
    descents = [[torch.optim.SGD(network.parameters(), lr=0.1) for network in both] for both in (alone, inside)]
    settings = Settings(steps=2, loss="least_squares", bfloat16=False)
    game = Game(*inside, *descents[1], settings, Hooks(extra_g=translation_losses(10, 5)))
    for pair in pairs_of(6, 1, 16, 16).split(3):
        loss_d, loss_g = cycle_step(
            *alone, *descents[0], pair,
            extra=lambda real, fake: 10 * cycle_loss(alone[0], real, fake) + 5 * identity_loss(alone[0], real))
        measured = gan_step(game, Batch(pair, torch.zeros(len(pair), 0), (pair,)))
        torch.testing.assert_close(loss_d, measured["loss_d"])
        torch.testing.assert_close(loss_g, measured["loss_g"] + measured["cycle_g"] + measured["identity_g"])
    for mine, theirs in zip(alone, inside, strict=True):
        torch.testing.assert_close(list(mine.parameters()), list(theirs.parameters()))


def test_domains_are_scenes_or_classes_or_negatives_and_never_pairs():
    data = Walkers(40, num_frames=1, scene=("meadow", "night"))
    a, b = domains(data)
    scene = data.labels["scene"]
    assert len(a) == len(b) == min((scene == 0).sum(), (scene == 2).sum())
    assert torch.equal(a[0], data.clips[scene == 0][0, 0]) and torch.equal(b[0], data.clips[scene == 2][0, 0])
    plain = ClipSet(torch.arange(5.0).view(5, 1, 1, 1, 1) / 10)
    a, b = domains(plain)
    assert a.flatten().tolist() == pytest.approx([0, 0.2]) and b.flatten().tolist() == pytest.approx([-0.1, -0.3])
    with pytest.raises(ValueError, match="two frames, got 1"):
        domains(ClipSet(torch.zeros(1, 1, 1, 16, 16)))


def test_samples_stand_beside_what_they_were_made_from():
    made = recipe(Walkers(12, num_frames=1, scene=("meadow", "night")), "smoke", history=4)
    run = made.train()
    samples = made.sample(run.ema, 5)
    assert samples.shape == (5, 2, 3, 32, 32) and "history_d" in run.history
    assert all(any(torch.equal(image, example) for example in run.ema.examples[:, 0]) for image in samples[:, 0])
    torch.testing.assert_close(samples[:, 1], translate(run.ema.a_to_b, samples[:, :1])[:, 0])
    assert torch.equal(draw(run.ema, 5, torch.Generator().manual_seed(0)), samples)


def test_a_tiny_one_learns_to_invert_without_a_single_pair():
    """Domain a: a bright square somewhere on black. Domain b: a dark square on white. The square has to stay."""
    rng = torch.Generator().manual_seed(0)
    squares = torch.full((64, 1, 16, 16), -0.9)
    for image, (row, column) in zip(squares, torch.randint(1, 11, (64, 2), generator=rng), strict=True):
        image[0, row:row + 4, column:column + 4] = 0.9
    pairs = torch.stack([squares[:32], -squares[32:]], 1)
    torch.manual_seed(0)
    translators = (Translator(1, width=8, halvings=0, blocks=1) for _ in range(2))
    judges = (PatchDiscriminator(1, width=8, halvings=1) for _ in range(2))
    generator = TwoWayGenerator(pairs, *translators)
    settings = Settings(steps=60, batch=8, lr_g=4e-3, lr_d=2e-3, loss="least_squares", ema=0.9)
    run = fit(generator, TwoWayDiscriminator(*judges), pairs, settings, labels=(pairs,),
              hooks=Hooks(extra_g=translation_losses(10, 0)))
    out = translate(run.ema.a_to_b, squares[32:, None])[:, 0]  # squares that were never seen in domain a
    error = (out + squares[32:]).abs().mean()
    assert error < 0.3 < (squares[32:] * 2).abs().mean(), error
