"""The answers of chapter 11: closed forms, and clips spoilt on purpose measured before and after."""
import pytest
import torch

from clipkit import Walkers
from solutions.measures.clip_quality import flicker, ssim
from solutions.post_processing import (
    Stopwatch,
    blend_frames,
    crossfade,
    deflicker,
    double_frame_rate,
    finish,
    grey_world,
    loop,
    match_histograms,
    motion_frames,
    motion_gated_mean,
    neighbours,
    psnr,
    sharpen,
    temporal_median,
    transfer_colours,
    white_patch,
)

CAST = torch.tensor([1.0, 0.8, 0.55]).view(3, 1, 1)  # the yellow of a lamp


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def clips():
    return Walkers(12, num_frames=16).clips


def noisy(clips, sigma=0.1):
    return (clips + sigma * torch.randn_like(clips)).clamp(-1, 1)


def under_a_lamp(clips):
    return (clips + 1) / 2 * CAST * 2 - 1


def each(function, clips, *args):
    return torch.stack([function(clip, *args) for clip in clips])


def test_neighbours_stop_at_the_ends():
    clip = torch.arange(4.0).view(4, 1, 1, 1)
    assert neighbours(clip, 1).flatten(1).tolist() == [[0, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, 3]]


def test_a_median_takes_away_what_is_there_for_one_frame():
    still = Walkers(1, num_frames=1).clips[0].expand(7, -1, -1, -1)
    scratched = still.clone()
    scratched[3, :, :, 10] = 1
    torch.testing.assert_close(temporal_median(scratched), still)
    step = torch.tensor([0.0, 0, 0, 1, 1, 1]).view(6, 1, 1, 1)
    torch.testing.assert_close(temporal_median(step), step)


def test_the_mean_of_a_still_clip_has_a_fifth_of_the_noise():
    noise = 0.05 * torch.randn(9, 3, 32, 32)
    out = motion_gated_mean(noise, radius=2, threshold=1.0)
    assert out[2:-2].var().item() == pytest.approx(noise.var().item() / 5, rel=0.05)
    torch.testing.assert_close(out[4], noise[2:7].mean(dim=0))


def test_the_gate_keeps_what_moves(clips):
    spoilt = noisy(clips)
    before, gated = psnr(spoilt, clips).mean(), psnr(each(motion_gated_mean, spoilt), clips).mean()
    plain = psnr(each(lambda clip: neighbours(clip, 2).mean(dim=0), spoilt), clips).mean()
    assert gated > before + 2 > plain + 2
    likeness = lambda x: ssim(x.flatten(0, 1), clips.flatten(0, 1)).mean()
    assert likeness(each(motion_gated_mean, spoilt)) > likeness(spoilt) + 0.02


def test_a_median_helps_where_noise_is_strong(clips):
    spoilt = noisy(clips, 0.2)
    assert psnr(each(temporal_median, spoilt), clips).mean() > psnr(spoilt, clips).mean() + 1


def test_deflicker_takes_flicker_away(clips):
    clips = 0.8 * clips  # room for light
    spoilt = clips + 0.15 * torch.randn(len(clips), 16, 1, 1, 1)
    before, after = (torch.stack([flicker(c) for c in x]).mean() for x in (spoilt.clamp(-1, 1), each(deflicker, spoilt)))
    assert after < before / 5
    assert psnr(each(deflicker, spoilt), clips).mean() > psnr(spoilt, clips).mean() + 2


def test_grey_world_makes_the_means_equal_and_forgets_a_cast():
    clip = 0.5 * Walkers(1, num_frames=4, scene="night").clips[0] - 0.5
    balanced = grey_world(clip)
    assert ((balanced + 1) / 2).mean(dim=(0, 2, 3)).std() < 1e-5
    a, b = ((grey_world(x) + 1) / 2 for x in (clip, under_a_lamp(clip)))
    torch.testing.assert_close(b / b.mean(), a / a.mean(), atol=1e-4, rtol=1e-4)


def test_grey_world_takes_a_meadow_for_a_cast():
    meadow = Walkers(4, num_frames=4, scene="meadow").clips
    assert psnr(each(grey_world, meadow), meadow).mean() < 30


def test_white_patch_takes_a_cast_away_where_there_is_white():
    for scene, gain in [("meadow", 40), ("sunset", 5), ("night", 5)]:
        clips = Walkers(4, num_frames=4, scene=scene).clips
        spoilt = under_a_lamp(clips)
        assert psnr(each(white_patch, spoilt), clips).mean() > psnr(spoilt, clips).mean() + gain
    torch.testing.assert_close(white_patch(meadow := Walkers(1, num_frames=4, scene="meadow").clips[0]), meadow)


@pytest.mark.parametrize("balance", [grey_world, white_patch])
def test_one_gain_for_all_frames(balance, clips):
    still = clips[0, :1].expand(5, -1, -1, -1)
    assert (balance(still) == balance(still)[:1]).all()
    assert flicker(balance(under_a_lamp(clips[0]))) < 2 * flicker(clips[0]) + 1e-6


def test_transferred_colours_have_the_references_mean_and_deviation():
    clip, reference = 0.3 * torch.randn(4, 3, 8, 8), 0.1 * torch.randn(2, 3, 16, 16) + CAST - 0.7
    out = transfer_colours(clip, reference)
    axes = (0, 2, 3)
    torch.testing.assert_close(out.mean(axes), reference.mean(axes), atol=1e-4, rtol=0)
    torch.testing.assert_close(out.std(axes), reference.std(axes), atol=1e-4, rtol=0)
    clips = Walkers(2, num_frames=4).clips
    torch.testing.assert_close(transfer_colours(under_a_lamp(clips[0]), clips[0]), clips[0], atol=1e-4, rtol=0)


def test_matched_histograms_are_the_references():
    clip = Walkers(1, num_frames=4).clips[0]
    torch.testing.assert_close(match_histograms(under_a_lamp(clip), clip), clip, atol=1e-5, rtol=0)
    values = torch.rand(2, 1, 20, 20)
    out = match_histograms(values, values.square().flip(-1))
    torch.testing.assert_close(out, values.square())  # ranks are kept, so values fall into the same order
    flat = torch.zeros(1, 3, 4, 4)
    assert match_histograms(flat, clip).unique().numel() <= 3


def test_equal_frames_have_themselves_between(clips):
    frames = clips[0, :3]
    torch.testing.assert_close(motion_frames(frames, frames), frames)
    torch.testing.assert_close(blend_frames(frames, frames), frames)


@pytest.mark.parametrize("motion", [(2, 0), (0, -4), (3, 1), (-4, 2)])
def test_a_slide_has_its_middle_between(motion):
    texture = torch.rand(1, 3, 40, 40)
    right, down = motion
    half = texture.roll((down // 2 if down % 2 == 0 else 0, right // 2), (2, 3))
    between = motion_frames(texture, texture.roll((down, right), (2, 3)))
    if right % 2 == down % 2 == 0:
        torch.testing.assert_close(between[..., 8:-8, 8:-8], half[..., 8:-8, 8:-8])
    else:  # the middle of an odd motion lies between two pixels; either is right
        shifts = [texture.roll((i, j), (2, 3)) for i in (0, 1) for j in (right // 2, right // 2 + 1)]
        assert min((between - s)[..., 8:-8, 8:-8].abs().max() for s in shifts) < 1e-6


def test_along_the_motion_beats_the_mean_on_ground_that_slides():
    ground = Walkers(6, num_frames=15, action="walk", direction=("left", "right")).clips[..., 28:, :]
    score = lambda method: psnr(each(lambda c: method(c[:-2:2], c[2::2]), ground), ground[:, 1:-1:2]).mean()
    assert score(motion_frames) > score(blend_frames) + 6


@pytest.mark.parametrize("between", [blend_frames, motion_frames])
def test_a_doubled_frame_rate_keeps_the_frames(between, clips):
    out = double_frame_rate(clips[0, :4], between)
    assert out.shape == (7, 3, 32, 32)
    torch.testing.assert_close(out[::2], clips[0, :4])


def test_a_crossfade_goes_by_equal_steps():
    out = crossfade(torch.zeros(5, 1, 1, 1), torch.ones(4, 1, 1, 1), 3).flatten()
    torch.testing.assert_close(out, torch.tensor([0, 0, 0.25, 0.5, 0.75, 1]))
    with pytest.raises(ValueError, match="overlap of 1 to 4 frames, .* got 5"):
        crossfade(torch.zeros(5, 1, 1, 1), torch.ones(4, 1, 1, 1), 5)


def test_a_loop_has_no_jump_at_its_joint():
    clip = torch.linspace(-1, 1, 13).view(-1, 1, 1, 1)  # its ends are as far apart as can be
    out = loop(clip, 6)
    assert len(out) == 7
    jump = lambda x: (x[0] - x[-1]).abs().item()
    assert jump(clip) == 2 and jump(out) < 0.35


def test_sharpening_steepens_edges_and_leaves_flat_parts():
    flat = torch.full((2, 3, 16, 16), 0.3)
    torch.testing.assert_close(sharpen(flat), flat)
    edge = torch.cat([torch.full((1, 1, 16, 16), -0.4), torch.full((1, 1, 16, 16), 0.4)], dim=3)
    step = lambda x: (x[..., 16] - x[..., 15]).mean()
    assert step(sharpen(edge)) > step(edge)


def test_a_clean_clip_without_sharp_edges_becomes_its_own_pixels():
    levels = torch.arange(256).view(1, 1, 16, 16).expand(4, 3, -1, -1).float()
    levels = levels.sort(dim=-1).values  # a ramp: next to nothing to sharpen but at the ends of its rows
    pixels = finish(levels / 127.5 - 1)
    assert pixels.shape == (4, 16, 16, 3) and pixels.dtype == torch.uint8
    middle = pixels[:, 4:12, 5:11, 0].float()
    torch.testing.assert_close(middle, levels[:, 0, 4:12, 5:11], atol=1, rtol=0)


def test_finishing_takes_flicker_away_and_wraps_nothing_around(clips):
    spoilt = (0.7 * clips[0] + 0.1 * torch.randn(16, 1, 1, 1)).clamp(-1, 1)
    finished = finish(spoilt).movedim(-1, 1) / 127.5 - 1
    assert flicker(finished) < flicker(spoilt) / 3
    white = torch.ones(2, 3, 16, 16)
    white[..., :8] = -1
    assert set(finish(white).unique().tolist()) == {0, 255}


def test_a_stopwatch_adds_up_named_blocks_and_lets_errors_through():
    ticks = iter([0.0, 2.0, 10.0, 13.0, 20.0, 21.0])
    watch = Stopwatch(lambda: next(ticks))
    for name in ("load", "train"):
        with watch(name):
            pass
    with pytest.raises(KeyError), watch("load"):
        raise KeyError
    assert watch.seconds == {"load": 3, "train": 3}
    assert watch.shares() == {"load": 0.5, "train": 0.5}
