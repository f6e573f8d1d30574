"""The GAN of codes: what is trained, what is decoded, and that a run repeats and goes on."""
from dataclasses import replace

import torch

from clipkit import MovingDigits
from solutions.evaluation import frechet_distance
from solutions.models.latent_gan import CodeCritic, LatentGenerator, recipe

DATA = MovingDigits(40, num_frames=4, size=16)


def made(seed=0, **settings):
    torch.manual_seed(seed)
    small = recipe(DATA, "smoke")
    return replace(small, settings=replace(small.settings, **settings))


def test_a_sample_is_a_code_decoded():
    small = made()
    run = small.train()
    assert isinstance(run.ema, LatentGenerator) and not run.ema.training
    z = torch.randn(3, run.ema.nz)
    codes = run.ema.maker(z)
    torch.testing.assert_close(run.ema(z), run.ema.codes.decode(codes))
    assert codes.shape == (3, 8) and CodeCritic(8, 4)(codes).shape == (3,)


def test_only_maker_and_critic_are_trained():
    small = made()
    before = {name: value.clone() for name, value in small.generator.named_parameters()}
    small.train()
    assert all(name.startswith("maker.") for name in before)
    assert all(not torch.equal(value, before[name]) for name, value in small.generator.named_parameters())


def test_a_run_leaves_torchs_global_generator_alone():
    torch.manual_seed(3)
    state = torch.get_rng_state()
    small = recipe(DATA, "smoke")
    torch.set_rng_state(state)
    small.train()
    assert torch.equal(torch.get_rng_state(), state)


def test_an_interrupted_run_goes_on_to_the_same_weights(tmp_path):
    whole = made(steps=6).train(seed=4).ema
    first = made(steps=6)
    game = replace(first, settings=replace(first.settings, steps=3, schedule="constant"))
    straight = replace(made(steps=6), settings=replace(first.settings, schedule="constant")).train(seed=4).ema
    game.train(seed=4, checkpoint=tmp_path / "run.pt")
    again = replace(made(steps=6), settings=replace(first.settings, schedule="constant"))
    resumed = again.train(seed=4, checkpoint=tmp_path / "run.pt").ema
    z = torch.randn(5, whole.nz)
    assert torch.equal(resumed(z), straight(z)) and not torch.equal(whole(z), straight(z))


def test_a_short_run_comes_nearer_to_the_clips():
    """By the Frechet distance of codes: training must beat an untrained maker by far."""
    small = made(steps=800, batch=32, lr_g=5e-3, lr_d=5e-3, penalty_weight=0.2, ema=0.98)
    ema = small.train().ema
    codes = ema.codes.encode(DATA.clips)
    z = torch.randn(200, ema.nz, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(1)
    untrained = recipe(DATA, "smoke").generator.maker
    with torch.no_grad():
        far, near = (frechet_distance(maker(z), codes) for maker in (untrained, ema.maker))
    assert near < 0.4 * far, (near, far)


def test_who_watches_sees_clips():
    seen = []
    small = made(steps=40)
    small.train(watch=lambda step, ema: seen.append((step, ema(torch.zeros(2, ema.nz)).shape)))
    assert [step for step, _ in seen] == list(range(2, 41, 2))  # twenty times, the last at the end
    assert {shape for _, shape in seen} == {(2, 4, 1, 16, 16)}
