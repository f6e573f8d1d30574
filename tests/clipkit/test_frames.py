"""Frames against what was drawn and when: corners that a display matrix moves, grey levels that say which frame it is."""

import io
import struct
from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from PIL import Image

import clipkit
from clipkit import damage
from clipkit.frames import at_rate, frames_of

UPRIGHT = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)  # the matrix as an MP4 holds it
CORNERS = {"top left": (0, 0), "top right": (0, -1), "bottom left": (-1, 0), "bottom right": (-1, -1)}


def write(path, images, *, codec, pixel_format, ticks=None, colours="rgb24", pixel_shape=None):
    """Writes uint8 images (H, W, C) as a video; `ticks` are times in milliseconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=8)
        stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], pixel_format
        if pixel_shape:
            stream.codec_context.sample_aspect_ratio = pixel_shape
        if ticks:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=colours)
            frame = frame.reformat(format=pixel_format)
            if ticks:
                frame.pts, frame.time_base = ticks[i], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def corner_drawn(height=48, width=64) -> np.ndarray:
    """Blue, with a red field at the top left."""
    image = np.full((height, width, 3), (0, 0, 255), np.uint8)
    image[: height // 4, : width // 4] = (255, 0, 0)
    return image


def red_corners(clip: torch.Tensor) -> list[str]:
    return [name for name, (y, x) in CORNERS.items() if clip[0, 0, y, x] > 0.5 > clip[0, 2, y, x]]


def timed(path, ticks, **options):
    """Which frames of a film with these times are read: frame i is of the grey 10 i."""
    images = [np.full((16, 16, 3), 10 * i, np.uint8) for i in range(len(ticks))]
    write(path, images, codec="libx264", pixel_format="yuv444p", ticks=ticks)
    levels = (clipkit.read_video(path, **options).mean((1, 2, 3)) + 1) * 127.5
    return (levels / 10).round().int().tolist()


# What FFmpeg 5.1 shows of the same files (`ffmpeg -i turned.mp4 shown.png`): the size, and where the red field is.
@pytest.mark.parametrize("matrix, shape, corner", [
    ((1, 0, 0, 1), (48, 64), "top left"),
    ((0, 1, -1, 0), (64, 48), "top right"),  # a quarter turn clockwise: most telephones, held upright
    ((-1, 0, 0, -1), (48, 64), "bottom right"),
    ((0, -1, 1, 0), (64, 48), "bottom left"),
    ((-1, 0, 0, 1), (48, 64), "top right"),  # mirrored, as selfies are
    ((1, 0, 0, -1), (48, 64), "bottom left"),
    ((0, 1, 1, 0), (64, 48), "top left"),
    ((0, -1, -1, 0), (64, 48), "bottom right"),
])
def test_a_film_is_turned_and_mirrored_as_the_file_says(tmp_path, matrix, shape, corner):
    path = tmp_path / "telephone.mp4"
    data = write(path, [corner_drawn()] * 3, codec="libx264", pixel_format="yuv420p").read_bytes()
    at = data.index(UPRIGHT, data.index(b"tkhd"))
    a, b, c, d = (n << 16 for n in matrix)
    path.write_bytes(data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + 36 :])
    clip = clipkit.read_video(path)
    assert clip.shape == (3, 3, *shape) and red_corners(clip) == [corner]
    square = clipkit.read_video(path, size=24)
    assert square.shape == (3, 3, 24, 24) and red_corners(square) == [corner]


@pytest.mark.parametrize("pixel_shape, drawn, shown", [("4", (120, 40), (120, 160)), ("1/2", (48, 64), (48, 32))])
def test_pixels_that_are_not_square_are_made_so(tmp_path, pixel_shape, drawn, shown):
    images = [corner_drawn(*drawn)] * 2
    path = write(
        tmp_path / "wide.mp4", images, codec="libx264", pixel_format="yuv444p", pixel_shape=Fraction(pixel_shape)
    )
    clip = clipkit.read_video(path)
    assert clip.shape == (2, 3, *shown)
    red = (clip[0, 0] > 0.5).float()
    assert red.sum(0).gt(0).sum() == pytest.approx(shown[1] / 4, abs=2)  # still a quarter of the width
    assert red.sum(1).gt(0).sum() == pytest.approx(shown[0] / 4, abs=2)
    square = clipkit.read_video(path, size=32)
    assert square.shape == (2, 3, 32, 32)


@pytest.mark.parametrize("name, codec, pixel_format", [
    ("film.mov", "qtrle", "argb"), ("film.webm", "libvpx-vp9", "yuva420p"),
])
def test_what_is_transparent_in_a_film_shows_white(tmp_path, name, codec, pixel_format):
    image = np.dstack([corner_drawn(), np.zeros((48, 64), np.uint8)])  # blue beneath, not to be seen
    image[:12, :16, 3] = 255
    image[:, 48:, 3] = 128
    path = write(tmp_path / name, [image] * 2, codec=codec, pixel_format=pixel_format, colours="rgba")
    clip = clipkit.read_video(path)
    tolerance = {"atol": 0.06, "rtol": 0}
    torch.testing.assert_close(clip[1, :, 2, 2], torch.tensor([1.0, -1, -1]), **tolerance)
    torch.testing.assert_close(clip[1, :, -5, 5], torch.ones(3), **tolerance)
    torch.testing.assert_close(clip[1, :, -5, -5], torch.tensor([0.0, 0, 1]), **tolerance)


def test_what_is_transparent_in_a_gif_shows_white(tmp_path):
    first = Image.new("RGBA", (32, 32), (0, 0, 255, 0))
    first.paste((255, 0, 0, 255), (0, 0, 8, 8))
    second = first.transpose(Image.Transpose.ROTATE_180)
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second], duration=125, disposal=2)
    clip = clipkit.read_video(tmp_path / "a.gif")
    assert clip[0, :, 2, 2].tolist() == [1, -1, -1] and clip[0, :, -2, -2].tolist() == [1, 1, 1]
    assert clip[1, :, 2, 2].tolist() == [1, 1, 1] and clip[1, :, -2, -2].tolist() == [1, -1, -1]


@pytest.mark.parametrize("begin", [0, 5000, 3_600_017])
def test_a_recording_may_begin_at_any_time(tmp_path, begin):
    ticks = [begin + round(1000 * i / 24) for i in range(24)]
    assert timed(tmp_path / "cut.mkv", ticks, fps=8) == list(range(0, 24, 3))
    assert timed(tmp_path / "cut.mkv", ticks, fps=24) == list(range(24))
    assert timed(tmp_path / "cut.mkv", ticks) == list(range(24))


def test_the_first_frame_at_or_after_each_time_is_read(tmp_path):
    """30 frames a second, read at 8: what is due at 125 ms comes at 133, ..., what is due at 500 ms at 500."""
    ticks = [5000 + round(1000 * i / 30) for i in range(24)]
    assert timed(tmp_path / "a.mkv", ticks, fps=8) == [0, 4, 8, 12, 15, 19, 23]


def test_after_a_gap_frames_are_as_far_apart_as_before(tmp_path):
    slow_then_fast = [0, 1000, 2000, *range(2033, 2600, 33)]
    wanted = [0, 1000, 2000, 2132, 2264, 2396, 2528]  # 2125 is due, then 2250, 2375, 2500
    assert timed(tmp_path / "a.mkv", slow_then_fast, fps=8) == [slow_then_fast.index(t) for t in wanted]
    stopped = [*range(0, 500, 50), *range(1470, 2000, 50)]  # the camera stood still for a second
    wanted = [0, 150, 250, 400, 1470, 1620, 1720, 1870, 1970]  # 1470 begins anew: 1595, 1720, ... are due
    assert timed(tmp_path / "b.mkv", stopped, fps=8) == [stopped.index(t) for t in wanted]


def kept(times, fps, tick=Fraction(1, 90_000)):
    frames = [SimpleNamespace(time=t, time_base=tick) for t in times]
    return [frame.time for frame in at_rate(frames, fps)]


@pytest.mark.parametrize("fps", [1, 7.5, 8, 24, 29.97, 60, 1000])
@pytest.mark.parametrize("spread", [0.001, 0.03, 0.5])
def test_no_stretch_holds_more_frames_than_the_rate_allows(fps, spread):
    times = np.cumsum(np.random.default_rng(0).exponential(spread, 2000)) + 1e5
    chosen = np.array(kept(times.tolist(), fps))
    assert chosen[0] == times[0]
    for n in range(min(20, len(chosen) - 1)):  # n / fps seconds hold n frames, and one at their edge
        assert (chosen[n + 1 :] - chosen[: -n - 1]).min() >= (n - 0.03) / fps - 1e-9
    gaps = [(times[(times > t) & (times < u)] - t).max(initial=0) for t, u in zip(chosen, chosen[1:], strict=False)]
    assert max(gaps, default=0) < 2 / fps  # what was left out came too soon


def test_a_camera_that_jitters_loses_no_frame_and_a_clock_that_rounds_none():
    jitter = np.random.default_rng(0).uniform(-4e-4, 4e-4, 300)
    assert len(kept((np.arange(300) / 30 + jitter).tolist(), 30)) == 300
    for rate, tick in product((24, 25, 29.97, 30, 60), (Fraction(1, 1000), Fraction(1, 90_000))):
        times = [float(round(i / rate / tick) * tick) for i in range(300)]
        assert kept(times, rate, tick) == times


def test_a_clock_that_starts_again_is_followed_and_none_gives_all():
    assert kept([0, 0.5, 1, 1.5, 0, 0.5, 1], 1) == [0, 1, 0, 1]
    frames = [SimpleNamespace(time=None, time_base=None)] * 3
    assert list(at_rate(frames, 8)) == frames


@pytest.mark.parametrize("name", ["film.mp4", "film.mov", "film.webm", "film.avi"])
def test_a_title_may_be_in_any_encoding(tmp_path, name):
    path, codec = tmp_path / name, {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(name[5:], "libx264")
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "cafXX"
        stream = container.add_stream(codec, rate=8)
        stream.height = stream.width = 32
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode())
    data = path.read_bytes()
    assert b"cafXX" in data
    path.write_bytes(data.replace(b"cafXX", b"caf\xe9X"))  # é in Latin-1
    assert clipkit.read_video(path).shape == (1, 3, 32, 32)


def test_a_name_may_hold_a_colon_or_bytes_that_are_no_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip = clipkit.Walkers(1, num_frames=2).clips[0]
    for name in ("part:2.gif", "http:x.gif", b"caf\xe9.gif".decode(errors="surrogateescape")):
        assert torch.allclose(clipkit.read_video(clipkit.write_video(clip, name)), clip, atol=1e-5)


def test_a_film_that_changes_its_size_is_named_or_brought_to_one(tmp_path):
    path, film = tmp_path / "call.mjpeg", io.BytesIO()
    for size in [(64, 48)] * 2 + [(32, 24)] * 2:
        Image.new("RGB", size, (0, 200, 0)).save(film, "jpeg")
    path.write_bytes(film.getvalue())
    with pytest.raises(ValueError, match=r"call\.mjpeg' changes its size at frame 3, from 64 x 48 to 32 x 24: pass size"):
        clipkit.read_video(path)
    clip = clipkit.read_video(path, size=16)
    assert clip.shape == (4, 3, 16, 16) and torch.allclose(clip[0], clip[3], atol=0.02)


def test_a_frame_too_large_and_a_file_without_pictures_are_named(tmp_path, monkeypatch):
    path = clipkit.write_video(clipkit.Walkers(1).clips[0], tmp_path / "large.gif")
    monkeypatch.setattr(damage, "MOST_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"large\.gif' is no video .* \(32 x 32 pixels, expected at most"):
        list(frames_of(path))
    with av.open(str(tmp_path / "sound.mov"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(ValueError, match=r"sound\.mov' is no video .* \(it holds no video stream\): leave it out"):
        clipkit.read_video(tmp_path / "sound.mov")


def test_more_frames_than_memory_is_for_are_refused_where_no_size_is_asked_for(tmp_path, monkeypatch):
    path = clipkit.write_video(clipkit.Walkers(1).clips[0], tmp_path / "long.gif")
    monkeypatch.setattr(damage, "MOST_IN_A_CLIP", 8 * 32 * 32)
    with pytest.raises(ValueError, match=r"long\.gif' has more frames of 32 x 32 than .* at most 8: ask for fewer"):
        clipkit.read_video(path)
    assert clipkit.read_video(path, num_frames=8).shape == (8, 3, 32, 32)


@pytest.mark.parametrize("fps", [0, -8, float("nan")])
def test_a_rate_is_above_0(tmp_path, fps):
    path = clipkit.write_video(clipkit.Walkers(1).clips[0], tmp_path / "a.gif")
    with pytest.raises(ValueError, match="expected fps above 0"):
        clipkit.read_video(path, fps=fps)
