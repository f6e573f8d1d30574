"""Video files, read back and compared with the clip that was written."""
import av
import pytest
import torch

import clipkit
from clipkit.video import square


@pytest.fixture(scope="module")
def clip():
    return clipkit.Walkers(1, seed=2).clips[0]


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(10 * torch.log10(4 / (a - b).square().mean().clamp(min=1e-12)))


@pytest.mark.parametrize("suffix, at_least", [(".mp4", 32), (".webm", 30), (".gif", 90)])
def test_a_clip_survives_the_way_through_a_file(clip, tmp_path, suffix, at_least):
    path = clipkit.write_video(clip, tmp_path / f"new/clip{suffix}", scale=4)
    back = clipkit.read_video(path)
    assert back.shape == (16, 3, 128, 128)
    assert back.dtype == torch.float32
    assert psnr(back[..., 1::4, 1::4], clip) > at_least
    assert [p.name for p in path.parent.iterdir()] == [path.name]  # nothing is left beside it


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".gif"])
@pytest.mark.parametrize("fps", [8, 12.5, 25])
def test_it_plays_at_the_rate_that_was_asked_for(clip, tmp_path, suffix, fps):
    with av.open(clipkit.write_video(clip, tmp_path / f"clip{suffix}", fps=fps)) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    assert len(times) == 16
    assert times[-1] - times[0] == pytest.approx(15 / fps, abs=0.011)  # a GIF counts hundredths


def test_an_mp4_plays_in_every_browser(clip, tmp_path):
    path = clipkit.write_video(clip[..., :31, :29], tmp_path / "odd.mp4")
    with av.open(path) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 30, 32)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # it starts before it is all there


def test_a_still_gif_keeps_its_frames_and_grey_becomes_colour(tmp_path):
    grey = torch.linspace(-1, 1, 64).view(1, 1, 8, 8).expand(5, 1, 8, 8)
    back = clipkit.read_video(clipkit.write_video(grey, tmp_path / "still.gif"))
    assert back.shape == (5, 3, 8, 8)
    assert psnr(back, grey.expand(5, 3, 8, 8)) > 45


def test_a_gif_of_many_colours_is_near(tmp_path):
    noise = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert psnr(clipkit.read_video(clipkit.write_video(noise, tmp_path / "many.gif")), noise) > 20


def test_what_cannot_be_written_is_said(clip, tmp_path):
    with pytest.raises(ValueError, match=r"\.mp4, \.webm or \.gif, got 'clip\.mov'"):
        clipkit.write_video(clip, tmp_path / "clip.mov")
    with pytest.raises(ValueError, match=r"one clip \(T, C, H, W\).*write clip\[0\]"):
        clipkit.write_video(clip[None], tmp_path / "clip.mp4")
    with pytest.raises(ValueError, match="fps above 0, got 0"):
        clipkit.write_video(clip, tmp_path / "clip.mp4", fps=0)
    with pytest.raises(ValueError, match="expected crf of 0 .* to 51, got 60"):
        clipkit.write_video(clip, tmp_path / "clip.mp4", crf=60)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_higher_crf_makes_a_smaller_and_poorer_file(clip, tmp_path, suffix):
    paths = [clipkit.write_video(clip, tmp_path / f"{crf}{suffix}", scale=2, crf=crf) for crf in (18, 40)]
    sizes, quality = [], []
    for path in paths:
        sizes.append(path.stat().st_size)
        quality.append(psnr(clipkit.read_video(path)[..., ::2, ::2], clip))
    assert sizes[1] < 0.7 * sizes[0] and quality[1] < quality[0] - 3


def test_a_failed_write_leaves_the_old_file(clip, tmp_path):
    path = clipkit.write_video(clip, tmp_path / "clip.mp4")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="fps"):
        clipkit.write_video(clip, path, fps=-1)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_reading_takes_what_is_asked_for(clip, tmp_path):
    path = clipkit.write_video(clip, tmp_path / "clip.gif", fps=8)
    assert torch.equal(clipkit.read_video(path, num_frames=5), clipkit.read_video(path)[:5])
    assert torch.equal(clipkit.read_video(path, fps=4), clipkit.read_video(path)[::2])
    assert clipkit.read_video(path, size=16).shape == (16, 3, 16, 16)


def test_square_is_the_middle():
    wide = torch.zeros(4, 8, 3, dtype=torch.uint8)
    wide[:, 2:6] = 200
    assert (square(wide.numpy(), 4) == 200).all()
    assert square(wide.numpy(), 2).shape == (2, 2, 3)


def test_a_file_that_is_no_video_is_named(tmp_path, clip):
    with pytest.raises(FileNotFoundError, match=r"no video '.*missing\.mp4'"):
        clipkit.read_video(tmp_path / "missing.mp4")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all")
    with pytest.raises(ValueError, match=r"broken\.mp4' is no video that can be read"):
        clipkit.read_video(broken)
    cut = clipkit.write_video(clip, tmp_path / "cut.mp4")
    cut.write_bytes(cut.read_bytes()[:900])
    with pytest.raises(ValueError, match=r"cut\.mp4'"):
        clipkit.read_video(cut)
    short = clipkit.write_video(clip, tmp_path / "short.mp4", fps=8)
    with pytest.raises(
        ValueError, match=r"short\.mp4' has 8 frames at 4 frames a second, expected 12: ask for fewer"
    ):
        clipkit.read_video(short, num_frames=12, fps=4)
