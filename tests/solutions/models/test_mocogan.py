"""MoCoGAN: what content and motion codes may and may not change, whatever the weights; a tiny one that learns."""

import pytest
import torch

from clipkit import MovingDigits
from solutions.dcgan import Generator
from solutions.models.mocogan import recipe
from solutions.networks.layers import num_parameters
from solutions.training.settings import Settings
from solutions.training.train import fit
from solutions.video_gan import MotionDiscriminator, MotionGenerator, frames_in_turn


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return MotionGenerator(6, 16, 1, content=5, motion=3, width=4).eval()


def test_z_holds_one_content_code_and_noise_for_each_frame(generator):
    assert generator.nz == 5 + 6 * 3
    content, motion = generator.codes(torch.randn(2, generator.nz))
    assert content.shape == (2, 6, 5) and motion.shape == (2, 6, 3) and motion.abs().max() < 1


def test_content_is_the_same_in_all_frames_and_motion_is_not(generator):
    z = torch.randn(4, generator.nz)
    content, motion = generator.codes(z)
    assert torch.equal(content, z[:, None, :5].expand(-1, 6, -1))
    assert (motion.diff(dim=1).abs().amax(2) > 1e-3).all()
    other = torch.cat([torch.randn(4, 5), z[:, 5:]], 1)
    assert torch.equal(generator.codes(other)[1], motion)  # content says nothing about motion


def test_motion_moves_on_from_what_it_was(generator):
    """Noise of one frame changes that frame and those after it, never those before."""
    z = torch.randn(2, generator.nz)
    changed = z.clone()
    changed[:, 5 + 3 * 3:5 + 4 * 3] += 1  # the noise of frame 3
    with torch.no_grad():
        differs = (generator(z) - generator(changed)).abs().amax((2, 3, 4)) > 1e-5
    assert differs.tolist() == [[False] * 3 + [True] * 3] * 2


def test_the_walk_is_the_gru_of_its_equations(generator):
    z = torch.randn(2, generator.nz)
    weights = dict(generator.walk.named_parameters())
    hidden, noise = torch.zeros(2, 3), z[:, 5:].view(2, 6, 3)
    walked = []
    for frame in range(6):
        given = (noise[:, frame] @ weights["weight_ih_l0"].T + weights["bias_ih_l0"]).chunk(3, 1)
        kept = (hidden @ weights["weight_hh_l0"].T + weights["bias_hh_l0"]).chunk(3, 1)
        reset, update = (given[0] + kept[0]).sigmoid(), (given[1] + kept[1]).sigmoid()
        hidden = (1 - update) * (given[2] + reset * kept[2]).tanh() + update * hidden
        walked.append(hidden)
    torch.testing.assert_close(generator.codes(z)[1], torch.stack(walked, 1))


def test_a_frame_is_what_the_dcgan_generator_makes_of_its_codes(generator):
    z = torch.randn(2, generator.nz)
    clips = generator(z)
    assert isinstance(generator.frame, Generator) and clips.shape == (2, 6, 1, 16, 16) and clips.abs().max() <= 1
    content, motion = generator.codes(z)
    frame = generator.frame(torch.cat([content[:, 4], motion[:, 4]], 1))
    torch.testing.assert_close(clips[:, 4], frame, atol=1e-5, rtol=1e-4)


def test_a_longer_z_makes_a_longer_clip_that_begins_the_same(generator):
    z = torch.randn(2, 5 + 20 * 3)
    with torch.no_grad():
        long, short = generator(z), generator(z[:, :generator.nz])
    assert long.shape == (2, 20, 1, 16, 16)
    torch.testing.assert_close(long[:, :6], short, atol=1e-5, rtol=1e-4)


def test_frames_are_taken_in_turn():
    clips = torch.arange(7 * 3).float().view(7, 3, 1, 1, 1)
    assert frames_in_turn(clips).flatten().tolist() == [0, 4, 8, 9, 13, 17, 18]
    assert frames_in_turn(clips[:2]).flatten().tolist() == [0, 4]


def test_one_logit_is_of_a_frame_the_other_of_the_clip():
    torch.manual_seed(0)
    discriminator = MotionDiscriminator(8, 16, 1, width=4)
    clips = torch.randn(3, 8, 1, 16, 16, requires_grad=True)
    logits = discriminator(clips)
    assert logits.shape == (3, 2)
    of_frame, = torch.autograd.grad(logits[:, 0].sum(), clips, retain_graph=True)
    of_clip, = torch.autograd.grad(logits[:, 1].sum(), clips)
    seen = of_frame.abs().amax((2, 3, 4)) > 0
    assert seen.nonzero().tolist() == [[0, 0], [1, 1], [2, 2]]  # one frame of each
    assert (of_clip.abs().amax((2, 3, 4)) > 0).all()


def test_only_the_clip_network_can_tell_that_nothing_moves():
    """Two clips with the same frame at the place that the image network sees: it can't tell them apart."""
    torch.manual_seed(0)
    discriminator = MotionDiscriminator(8, 16, 1, width=4)
    moving = torch.randn(1, 8, 1, 16, 16)
    still = moving[:, :1].expand(-1, 8, -1, -1, -1)
    difference = (discriminator(moving) - discriminator(still)).abs()[0]
    assert difference[0] == 0 and difference[1] > 1e-5


def test_the_cost_in_parameters():
    """One frame generator, whatever the length; the GRU has 3 gates of n x n twice and two biases each."""
    count = lambda num_frames: num_parameters(MotionGenerator(num_frames, 32, 3, content=50, motion=10, width=8))
    gru = 3 * (10 * 10 * 2 + 10 * 2)
    assert count(4) == count(16) == gru + num_parameters(Generator(32, 3, nz=60, width=8))


def test_a_tiny_one_learns_a_clip_by_heart():
    """A dot that walks to the right: found in every frame, whatever the noise."""
    torch.manual_seed(0)
    clip = torch.full((4, 1, 16, 16), -0.8)
    for frame in range(4):
        clip[frame, 0, 6:10, 4 * frame:4 * frame + 4] = 0.8
    generator = MotionGenerator(4, 16, 1, content=4, motion=8, width=8)
    discriminator = MotionDiscriminator(4, 16, 1, width=8)
    settings = Settings(steps=150, batch=8, lr_g=4e-3, lr_d=4e-3, penalty="r1", penalty_every=4, ema=0.98)
    ema = fit(generator, discriminator, clip[None], settings).ema
    with torch.no_grad():
        error = (ema(torch.randn(8, generator.nz)) - clip).square().mean((0, 2, 3, 4)).sqrt()  # of each frame
    print(error, clip.std())
    assert (error < 0.6 * clip.std()).all()


def test_a_seed_repeats_a_run():
    data = MovingDigits(8, num_frames=4, size=16)
    samples = []
    for seed in (0, 0, 1):
        torch.manual_seed(0)
        made = recipe(data, "smoke")
        samples.append(made.sample(made.train(seed=seed).ema, 2))
    assert torch.equal(samples[0], samples[1]) and not torch.equal(samples[0], samples[2])


def test_clips_too_short_are_refused():
    with pytest.raises(ValueError, match="at least 2 frames, got 1"):
        recipe(MovingDigits(4, num_frames=1, size=16), "smoke")


@pytest.mark.gpu
def test_the_gpu_preset_does_a_hundred_steps_without_a_nan():
    from dataclasses import replace

    from clipkit import Walkers

    made = recipe(Walkers(128, num_frames=16, size=64), "gpu")
    run = replace(made, settings=replace(made.settings, steps=100)).train(device="cuda")
    assert all(run.history[name].isfinite().all() for name in run.history.names)
