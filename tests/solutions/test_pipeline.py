"""The answers of chapter 1: cleaning on clips spoilt on purpose, one draw for all frames, the whole way round."""
import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from clipkit import MovingDigits, Walkers, read_video, write_video
from solutions.networks.autoencoder import Autoencoder
from solutions.pipeline import (
    augment,
    autoencoder_step,
    black_frames,
    clean_clips,
    clip_from_pixels,
    colour_histogram,
    duplicate_frames,
    gaussian_codes,
    luma,
    pipeline,
    resize_and_crop,
    scene_cuts,
    train_autoencoder,
    whole_clips,
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def walkers(scene="meadow", count=8, **only):
    return Walkers(count, num_frames=8, scene=scene, action="walk", **only).clips


@pytest.mark.parametrize("shape", [(40, 60), (61, 33), (32, 32)])
def test_resize_and_crop_is_torchvisions(shape):
    clip = torch.rand(3, 3, *shape) * 2 - 1
    wanted = v2.Compose([v2.Resize(16, antialias=True), v2.CenterCrop(16)])(clip)
    torch.testing.assert_close(resize_and_crop(clip, 16), wanted, atol=1e-5, rtol=0)


def test_a_clip_from_pixels_spans_the_range():
    pixels = np.stack([np.zeros((8, 6, 3), np.uint8), np.full((8, 6, 3), 255, np.uint8)])
    clip = clip_from_pixels(pixels)
    assert clip.dtype == torch.float32 and clip.shape == (2, 3, 8, 6)
    assert clip[0].unique().tolist() == [-1] and clip[1].unique().tolist() == [1]


def test_a_clip_from_pixels_is_what_clipkit_reads(tmp_path):
    import av

    path = write_video(walkers()[0], tmp_path / "clip.mp4", scale=2)
    with av.open(str(path)) as file:
        pixels = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
    torch.testing.assert_close(clip_from_pixels(pixels), read_video(path))


def test_luma_weighs_the_channels_and_white_stays_white():
    primaries = torch.eye(3)[:, :, None, None]
    torch.testing.assert_close(luma(primaries).flatten(), torch.tensor([0.2126, 0.7152, 0.0722]))
    torch.testing.assert_close(luma(torch.ones(3, 2, 2)), torch.ones(2, 2))
    assert luma(MovingDigits(1, num_frames=2).clips).shape == (1, 2, 32, 32)


def test_black_frames_are_found_and_nights_are_not():
    clip = walkers("night")[0]
    clip[2], clip[5] = -1, -0.93 + 0.04 * torch.randn(3, 32, 32)
    assert black_frames(clip).nonzero().flatten().tolist() == [2, 5]
    assert not black_frames(walkers(("meadow", "sunset", "night"), 64).flatten(0, 1)).any()
    moon = torch.full((1, 3, 32, 32), -1.0)
    moon[..., 4:11, 4:11] = 1  # a twentieth of the frame: dark on average, and something is to be seen
    assert not black_frames(moon).any()


@pytest.mark.parametrize("noise", [0.0, 0.004])
def test_duplicates_are_found_under_noise_and_a_waving_hand_is_none(noise):
    clip = walkers()[0]
    repeated = clip[[0, 1, 1, 2, 3, 3, 3, 4]] + noise * torch.randn_like(clip)
    assert duplicate_frames(repeated).nonzero().flatten().tolist() == [2, 5, 6]
    waving = Walkers(64, num_frames=16, action="wave").clips
    assert not any(duplicate_frames(clip).any() for clip in waving)


def test_duplicates_survive_a_video_file(tmp_path):
    clip = walkers()[0][[0, 1, 1, 2, 3, 3]]
    again = read_video(write_video(clip, tmp_path / "clip.mp4", scale=4), size=32)
    assert duplicate_frames(again).nonzero().flatten().tolist() == [2, 5]


def test_a_histogram_counts_and_ignores_places():
    images = torch.rand(5, 3, 8, 8) * 2 - 1
    level = ((images + 1) / 2 * 4).floor()
    for row, one in zip(colour_histogram(images), level, strict=True):
        counts = np.histogramdd(one.flatten(1).T.numpy(), bins=[np.arange(5)] * 3)[0]
        torch.testing.assert_close(row, torch.tensor(counts.flatten() / 64, dtype=torch.float32))
    shuffled = images.flatten(2)[:, :, torch.randperm(64)].view_as(images)
    torch.testing.assert_close(colour_histogram(shuffled), colour_histogram(images))


def test_cuts_are_found_and_motion_is_none():
    clips = torch.cat([walkers("meadow", 1), walkers("night", 1), walkers("sunset", 1)])
    assert scene_cuts(clips.flatten(0, 1)).nonzero().flatten().tolist() == [8, 16]
    for clip in Walkers(64, num_frames=16).clips:
        assert not scene_cuts(clip).any()


def test_a_cut_between_equal_colours_is_not_seen():
    two = Walkers(2, num_frames=8, scene="meadow", hair="black", shirt="red", trousers="blue", skin="light").clips
    assert not scene_cuts(two.flatten(0, 1)).any()


def test_whole_clips_hold_every_frame_that_fits_once():
    video, cuts = torch.arange(23.0)[:, None, None, None], torch.zeros(23, dtype=torch.bool)
    cuts[[4, 5, 14]] = True
    clips = whole_clips(video, cuts, 3).flatten(1)
    assert clips.tolist() == [[0, 1, 2], [5, 6, 7], [8, 9, 10], [11, 12, 13], [14, 15, 16], [17, 18, 19], [20, 21, 22]]
    assert whole_clips(video[:0], cuts[:0], 3).shape == (0, 3, 1, 1, 1)


def test_cleaning_gives_whole_clips_of_one_scene():
    meadow, night = walkers("meadow", 1)[0], walkers("night", 1)[0]
    video = torch.cat([torch.full((2, 3, 32, 32), -1.0), meadow[:5], meadow[4:], night[:7]])
    clips = clean_clips(video, 4)
    torch.testing.assert_close(clips, torch.stack([meadow[:4], meadow[4:], night[:4]]))
    assert clean_clips(torch.full((9, 3, 32, 32), -1.0), 4).shape == (0, 4, 3, 32, 32)
    assert clean_clips(meadow, 9).shape == (0, 9, 3, 32, 32)


def test_gaussian_codes_have_the_mean_and_covariance_of_the_codes():
    codes = torch.randn(3000, 4) @ torch.tensor([[1.0, 0.9, 0, 0], [0, 0.4, 0, 0], [0, 0, 2, -1], [0, 0, 0, 1]]) + 3
    drawn = gaussian_codes(codes, 20000, rng())
    torch.testing.assert_close(drawn.mean(dim=0), codes.mean(dim=0), atol=0.06, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), codes.T.cov(), atol=0.15, rtol=0)


def test_an_augmentation_treats_all_frames_alike():
    still = Walkers(1, num_frames=1).clips[0].expand(6, -1, -1, -1)
    for seed in range(20):
        out = augment(still, rng(seed))
        assert (out == out[:1]).all() and out.abs().max() <= 1


def test_an_augmentation_for_each_frame_would_flicker():
    still, draw = Walkers(1, num_frames=1).clips[0].expand(6, -1, -1, -1), rng()
    wrong = torch.cat([augment(frame[None], draw) for frame in still])
    assert (wrong[1:] - wrong[:-1]).abs().mean() > 0.05


def test_an_augmentation_mirrors_moves_and_lights():
    clip = walkers()[0]
    torch.testing.assert_close(augment(clip, rng(1), shift=0, light=0).flip(-1), augment(clip.flip(-1), rng(1), 0, 0))
    outcomes = [augment(clip, rng(seed), shift=0, light=0) for seed in range(40)]
    same = sum(torch.equal(out, clip) for out in outcomes)
    assert same + sum(torch.equal(out, clip.flip(-1)) for out in outcomes) == 40 and 10 < same < 30
    moved = augment(torch.zeros(2, 3, 8, 8), rng(), light=0.1)
    assert moved.unique().numel() == 1 and moved.abs().max() <= 0.1
    assert torch.equal(augment(clip, rng(3)), augment(clip, rng(3)))


def test_an_autoencoder_step_is_gradient_descent():
    model, clips = torch.nn.Linear(1, 1, bias=False), torch.full((4, 1), 2.0)
    torch.nn.init.constant_(model.weight, 0.5)
    model.weight.grad = torch.full((1, 1), 1e6)  # stale
    loss = autoencoder_step(model, torch.optim.SGD(model.parameters(), lr=0.1), clips)
    assert (loss.item(), loss.requires_grad) == (1.0, False)  # (0.5 * 2 - 2) ** 2
    assert model.weight.item() == pytest.approx(0.9)  # 0.5 - 0.1 * 2 * (0.5 * 2 - 2) * 2


def test_it_learns_a_few_clips_by_heart():
    clips = Walkers(4, num_frames=4, scene="meadow").clips
    losses = train_autoencoder(Autoencoder(12), clips, steps=150, rng=rng(), batch_size=8)
    assert losses[-1] < 0.15 * losses[0]


def test_augmentation_is_asked_for_every_clip_of_a_batch():
    calls, clips = [], Walkers(2, num_frames=4).clips
    train_autoencoder(Autoencoder(12), clips, steps=2, rng=rng(), batch_size=3,
                      augment=lambda clip, rng: calls.append(clip.shape) or augment(clip, rng))
    assert calls == [clips[0].shape] * 6


def test_the_pipeline_goes_from_files_to_files(tmp_path):
    for i, scene in enumerate(["meadow", "sunset"]):
        clip = Walkers(1, num_frames=16, scene=scene, action="walk", seed=i).clips[0]
        write_video(torch.cat([clip, torch.full((2, 3, 32, 32), -1.0)]), tmp_path / f"{scene}.mp4", scale=4)
    videos = sorted(tmp_path.glob("*.mp4"))
    fake = pipeline(videos, tmp_path / "new", rng=rng(), steps=3, count=2)
    assert fake.shape == (2, 8, 3, 32, 32) and fake.abs().max() <= 1
    again = read_video(tmp_path / "new" / "1.mp4", size=32)
    assert again.shape == fake[1].shape and (again - fake[1]).abs().mean() < 0.05
    with pytest.raises(ValueError, match="got 0 from 2 videos after cleaning: try more videos"):
        pipeline(videos, tmp_path / "new", rng=rng(), num_frames=17)
