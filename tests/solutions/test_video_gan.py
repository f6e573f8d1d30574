"""VideoGAN: what its streams must do whatever their weights, the networks of the paper, a tiny one that learns."""
import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from clipkit import MovingDigits
from solutions.models.video_gan import recipe, sparse_mask
from solutions.networks.layers import num_parameters
from solutions.training.gan_step import Batch, Game, gan_step
from solutions.training.settings import Hooks, Settings
from solutions.training.train import fit
from solutions.video_gan import VideoDiscriminator, VideoGenerator, clip_step, compose, motion_codes, time_strides


@pytest.mark.parametrize("num_frames, size, strides", [
    (16, 64, [2, 2, 2, 2]), (32, 64, [2, 2, 2, 2]), (8, 64, [2, 2, 2, 1]), (8, 32, [2, 2, 2]), (12, 32, [2, 2, 1]),
    (4, 16, [2, 2]), (6, 128, [2, 1, 1, 1, 1]),
])
def test_time_is_halved_while_it_is_even(num_frames, size, strides):
    assert time_strides(num_frames, size) == strides


@pytest.mark.parametrize("num_frames", [0, 1, 2, 3, 7, 15])
@pytest.mark.parametrize("network", [VideoGenerator, VideoDiscriminator])
def test_clips_too_short_or_odd_are_refused(network, num_frames):
    with pytest.raises(ValueError, match=f"even number of frames, at least 4, got {num_frames}: ask .* num_frames=8"):
        network(num_frames)


def test_a_size_that_is_no_power_of_two_is_refused():
    with pytest.raises(ValueError, match="at least 16, got 48"):
        VideoGenerator(8, 48)


@pytest.mark.parametrize("num_frames, size, channels", [(4, 16, 1), (6, 16, 3), (8, 32, 3), (8, 64, 3)])
def test_shapes_and_ranges(num_frames, size, channels):
    generator = VideoGenerator(num_frames, size, channels, nz=5, width=2)
    foreground, mask, background = generator.streams(torch.randn(3, 5))
    assert foreground.shape == (3, num_frames, channels, size, size) and foreground.abs().max() <= 1
    assert mask.shape == (3, num_frames, 1, size, size) and 0 <= mask.min() and mask.max() <= 1
    assert background.shape == (3, channels, size, size) and background.abs().max() <= 1
    clips = generator(torch.randn(3, 5))
    assert clips.shape == foreground.shape and clips.abs().max() <= 1
    assert VideoDiscriminator(num_frames, size, channels, width=2)(clips).shape == (3,)


def test_the_networks_of_the_paper():
    """Counted by hand: 4 x 4 x 4 kernels, 64 to 512 channels, 32 frames of 64 x 64, z of 100."""
    kernel, widths = 4 ** 3, [512, 256, 128, 64]
    volume = 100 * 512 * 2 * 16 + kernel * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 4) + 2 * sum(widths)
    flat = 100 * 512 * 16 + 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * sum(widths)
    assert num_parameters(VideoGenerator(32, 64, 3, nz=100, width=64)) == volume + flat
    judge = kernel * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512) + sum(widths) + 512 * 2 * 16 + 1
    assert num_parameters(VideoDiscriminator(32, 64, 3, width=64)) == judge


def test_a_mask_of_zero_leaves_a_clip_that_stands_still_and_one_of_one_the_foreground():
    foreground, background = torch.rand(2, 5, 3, 8, 8), torch.rand(2, 3, 8, 8)
    still = compose(foreground, torch.zeros(2, 5, 1, 8, 8), background)
    assert (still.diff(dim=1) == 0).all() and torch.equal(still[:, 3], background)
    assert torch.equal(compose(foreground, torch.ones(2, 5, 1, 8, 8), background), foreground)


def test_a_mask_in_between_is_opacity_and_every_colour_has_the_same():
    foreground, background, mask = torch.rand(2, 5, 3, 8, 8), torch.rand(2, 3, 8, 8), torch.rand(2, 5, 1, 8, 8)
    clips = compose(foreground, mask, background)
    for colour in range(3):
        wanted = torch.lerp(background[:, None, colour], foreground[:, :, colour], mask[:, :, 0])
        torch.testing.assert_close(clips[:, :, colour], wanted)


def test_a_generator_whose_mask_is_shut_makes_no_motion():
    torch.manual_seed(0)
    generator = VideoGenerator(8, 16, 1, nz=4, width=4).eval()
    z = torch.randn(3, 4)
    assert generator(z).diff(dim=1).abs().max() > 1e-3
    shut = lambda module, inputs, volume: torch.cat([volume[:, :-1], torch.full_like(volume[:, -1:], -1e4)], 1)
    generator.volume.register_forward_hook(shut)
    assert (generator(z).diff(dim=1) == 0).all()
    torch.testing.assert_close(generator(z)[:, 0], generator.background(z))


def test_the_discriminator_sees_every_frame_and_their_order():
    torch.manual_seed(0)
    for num_frames, size in ((8, 32), (12, 16), (8, 64)):
        discriminator = VideoDiscriminator(num_frames, size, 1, width=4)
        clips = torch.randn(2, num_frames, 1, size, size, requires_grad=True)
        discriminator(clips)[0].backward()
        assert (clips.grad[0].abs().amax((1, 2, 3)) > 0).all()  # its receptive field is the whole clip
        assert (clips.grad[1] == 0).all()  # of its own clip
        logits = discriminator(clips)
        assert ((discriminator(clips.flip(1)) - logits).abs() > 1e-5).all()
        assert ((discriminator(clips.roll(1, 1)) - logits).abs() > 1e-5).all()


def test_the_loss_of_the_mask_is_its_mean_and_moves_it_down():
    torch.manual_seed(0)
    generator = VideoGenerator(8, 16, 1, nz=4, width=4)
    z = torch.randn(8, 4)
    clips = generator(z)
    mask = generator.mask.detach()
    loss = sparse_mask(generator, None, None, clips)["mask"]
    assert loss.item() == pytest.approx(0.1 * mask.mean().item())
    assert generator.mask is None  # taken: a network that held a graph could not be copied
    optimizer = torch.optim.Adam(generator.parameters(), 1e-2)
    for _ in range(30):
        clips = generator(z)
        optimizer.zero_grad()
        sparse_mask(generator, None, None, clips)["mask"].backward()
        optimizer.step()
    assert generator.streams(z)[1].mean() < 0.5 * mask.mean()


def test_a_tiny_one_learns_a_clip_by_heart(walking_dot):
    torch.manual_seed(0)
    generator, discriminator = VideoGenerator(8, 16, 1, nz=4, width=8), VideoDiscriminator(8, 16, 1, width=8)
    settings = Settings(steps=150, batch=4, lr_g=4e-3, lr_d=4e-3, penalty="r1", penalty_every=4, ema=0.98)
    ema = fit(generator, discriminator, walking_dot[None], settings, hooks=Hooks(extra_g=sparse_mask)).ema
    with torch.no_grad():
        error = (ema(torch.randn(8, 4)) - walking_dot).square().mean().sqrt()
    assert error < 0.6 * walking_dot.std()


def test_a_seed_repeats_a_run_and_a_network_can_be_trained_again():
    made = recipe(MovingDigits(8, num_frames=4, size=16), "smoke")
    state = {name: value.clone() for name, value in made.generator.state_dict().items()}
    judge = {name: value.clone() for name, value in made.discriminator.state_dict().items()}
    samples = []
    for seed in (0, 0, 1):
        made.generator.load_state_dict(state)
        made.discriminator.load_state_dict(judge)
        samples.append(made.sample(made.train(seed=seed).ema, 2))
    assert torch.equal(samples[0], samples[1]) and not torch.equal(samples[0], samples[2])
    assert made.train().history["mask_g"].isfinite().all()


def test_layers_do_not_mix_clips_in_the_discriminator():
    assert not any(isinstance(m, nn.BatchNorm3d) for m in VideoDiscriminator(8, 32).modules())


def test_motion_codes_are_those_of_a_gru():
    torch.manual_seed(0)
    gru, cell, noise = nn.GRU(3, 5, batch_first=True), nn.GRUCell(3, 5), torch.randn(2, 7, 3)
    with torch.no_grad():
        for mine, theirs in zip(cell.parameters(), gru.parameters(), strict=True):
            mine.copy_(theirs)
    torch.testing.assert_close(motion_codes(cell, noise), gru(noise)[0])


def test_a_step_is_that_of_the_trainer():
    """Two implementations, the same weights: `clip_step` and `gan_step` with R1 and the mask's loss."""
    made, after = recipe(MovingDigits(8, num_frames=4, size=16), "smoke"), []
    real, z = made.real[:4], torch.randn(4, made.generator.nz, generator=torch.Generator().manual_seed(0))
    for way in ("clip_step", "gan_step"):
        G, D = copy.deepcopy(made.generator), copy.deepcopy(made.discriminator)
        optimizers = [torch.optim.SGD(network.parameters(), lr=0.1) for network in (G, D)]
        if way == "clip_step":
            gamma = made.settings.penalty_every * made.settings.penalty_weight
            clip_step(G, D, *optimizers, real, z, gamma=gamma, extra=lambda G=G: 0.1 * G.mask.mean())
        else:
            settings = replace(made.settings, bfloat16=False)
            gan_step(Game(G, D, *optimizers, settings, Hooks(extra_g=sparse_mask)), Batch(real, z))
        after.append([p.detach() for network in (G, D) for p in network.parameters()])
    for mine, theirs in zip(*after, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)
    assert not torch.equal(after[0][0], next(made.generator.parameters()))


@pytest.mark.gpu
def test_the_gpu_preset_does_a_hundred_steps_without_a_nan():
    from clipkit import Walkers

    made = recipe(Walkers(128, num_frames=16, size=64), "gpu")
    run = replace(made, settings=replace(made.settings, steps=100)).train(device="cuda")
    assert all(run.history[name].isfinite().all() for name in run.history.names)
