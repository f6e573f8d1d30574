"""Video files, written and read with PyAV: MP4, WebM and GIF out, whatever FFmpeg decodes in."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from clipkit import damage
from clipkit.files import whole
from clipkit.frames import frames_of
from clipkit.pixels import as_clips, enlarge, from_pixels, indexed, to_pixels

if TYPE_CHECKING:
    from av import VideoCodecContext, VideoFrame

# With AVX-512, x264 plans its bits by what lies in memory behind a row of blocks; and it cuts its work by the number of
# cores. Its plain way, on one core, makes the same file of the same clip in every run and on every machine.
REPEATABLE = {"threads": "1", "x264-params": "cpu-independent=1"}

# suffix -> container, codec, pixel format, options of the codec
FORMATS = {
    ".mp4": ("mp4", "libx264", "yuv420p", {"preset": "veryslow"} | REPEATABLE),  # plays everywhere
    ".webm": ("webm", "libvpx-vp9", "yuv420p", {"b": "0", "deadline": "good", "cpu-used": "4"}),
    ".gif": ("gif", "gif", "pal8", {}),
}
BT709, SRGB = 1, 13  # colours said plainly in the file (ITU-T H.273), so that no player has to guess


def write_video(clip: Tensor, path: str | Path, *, fps: float = 8, scale: int = 1, crf: int = 18) -> Path:
    """Writes a clip as MP4 (H.264), WebM (VP9) or GIF, as the suffix says; returns the path.

    The file appears whole or not at all, and from the same clip it comes out the same, byte by byte. MP4 and WebM
    hold colour at half resolution: `scale=2` or more keeps the colours of single pixels, and an odd width or height
    gains one repeated row or column. A GIF has 256 colours, chosen for the whole clip.

    Args:
        clip: (T, C, H, W), in [-1, 1], C = 1 or 3.
        fps: frames a second. A GIF counts in hundredths of a second and plays at 50 at most.
        scale: display pixels for one pixel.
        crf: how much MP4 and WebM may lose, 0 to 51: 18 is hardly seen, 28 is usual on the web, 40 is poor.
    Raises:
        ValueError: another suffix, a wrong shape, fps not above 0, crf out of its range.
    """
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"expected a path that ends in .mp4, .webm or .gif, got {path.name!r}")
    if not 0 <= crf <= 51:
        raise ValueError(f"expected crf of 0 (loses nothing or little) to 51, got {crf}")
    with whole(path) as aside:
        encode(_one_clip(clip, scale), str(aside.absolute()), path.suffix.lower(), fps, crf)
    return path


def read_video(
    path: str | Path, *, num_frames: int | None = None, size: int | None = None, fps: float | None = None
) -> Tensor:
    """The clip in a video file: (T, 3, H, W), float32 in [-1, 1].

    Frames are as a player shows them: turned as the file says, with square pixels, transparent parts white.

    Args:
        path: a video in any format that FFmpeg decodes.
        num_frames: how many frames from the start; None takes all.
        size: the shorter edge is brought to `size` and the middle square is cut out; None keeps the frames as
            they are.
        fps: keeps about that many frames of each second, from the first frame on: the first one at or after every
            1 / fps seconds, at any rate of the file, steady or not. A frame that stands for longer than 1 / fps
            is kept once, and time is counted on from the one after it. None keeps all.
    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no video, it is broken, it has fewer than `num_frames` frames, fps is not above 0; or `size`
            is None and the frames change their size, or have more than `damage.MOST_IN_A_CLIP` pixels together.
    """
    path = Path(path)
    if fps is not None:
        frame_rate(fps)  # says so where it is not above 0
    if not path.is_file():
        raise FileNotFoundError(f"there is no video {str(path)!r}")
    frames = []
    for frame in frames_of(path, fps):
        frames.append(frame if size is None else square(frame, size))
        _stays_small_and_of_one_size(frames, path)
        if len(frames) == num_frames:
            break
    if len(frames) < (num_frames or 1):
        rate = "" if fps is None else f" at {fps:g} frames a second"
        raise ValueError(
            f"{str(path)!r} has {len(frames)} frames{rate}, expected {num_frames or 'at least 1'}: ask "
            "for fewer (num_frames=...), take more of each second (a higher fps), or leave the file out"
        )
    return from_pixels(np.stack(frames))


def encode(pixels: np.ndarray, file: str | io.BytesIO, suffix: str, fps: float, crf: int = 18) -> None:
    """Encodes uint8 (T, H, W, 3) into a file or a buffer, in the format of `suffix`."""
    import av

    container_name, codec, pixel_format, options = FORMATS[suffix]
    options = options if suffix == ".gif" else options | {"crf": str(crf)}
    whole_file = {"movflags": "+faststart"} if suffix == ".mp4" and isinstance(file, str) else {}
    repeatable = {"fflags": "+bitexact"}  # a WebM has random numbers to tell it from others, else
    with av.open(file, "w", format=container_name, options=repeatable | whole_file) as container:
        stream = container.add_stream(codec, rate=frame_rate(fps), options=options)
        frames = _palette_frames(pixels) if suffix == ".gif" else _yuv_frames(pixels, stream.codec_context)
        stream.height, stream.width, stream.pix_fmt = *pixels.shape[1:3], pixel_format
        if suffix != ".gif":
            stream.height, stream.width = (n + n % 2 for n in pixels.shape[1:3])
        for frame in frames:
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def frame_rate(fps: float) -> Fraction:
    """`fps` as a fraction; ValueError where it is not above 0."""
    if not fps > 0:
        raise ValueError(f"expected fps above 0, got {fps}")
    return Fraction(fps).limit_denominator(1000)


def square(pixels: np.ndarray, size: int) -> np.ndarray:
    """The middle square of uint8 (H, W, C), the shorter edge brought to `size`, antialiased."""
    from torchvision.transforms.v2 import functional as F

    image = torch.tensor(pixels).movedim(-1, 0)
    if max(image.shape[1:]) > 16 * min(image.shape[1:]):  # a strip: enlarged as a whole it could fill the memory
        image = F.center_crop(image, [min(image.shape[1:])] * 2)
    image = F.resize(image, [size], antialias=True)
    return F.center_crop(image, [size, size]).movedim(0, -1).numpy()


def _stays_small_and_of_one_size(frames: list[np.ndarray], path: Path) -> None:
    (height, width), (now_height, now_width) = frames[0].shape[:2], frames[-1].shape[:2]
    if (height, width) != (now_height, now_width):
        raise ValueError(
            f"{str(path)!r} changes its size at frame {len(frames)}, from {width} x {height} to "
            f"{now_width} x {now_height}: pass size=... to bring all frames to one"
        )
    if len(frames) * height * width > damage.MOST_IN_A_CLIP:
        raise ValueError(
            f"{str(path)!r} has more frames of {width} x {height} than memory is for, expected at most "
            f"{len(frames) - 1}: ask for fewer (num_frames=..., fps=...) or for smaller ones (size=...)"
        )


def _one_clip(clip: Tensor, scale: int) -> np.ndarray:
    if isinstance(clip, Tensor) and clip.ndim == 5:
        raise ValueError(
            f"expected one clip (T, C, H, W), got {tuple(clip.shape)}: write clip[0], or one file for each"
        )
    return enlarge(to_pixels(as_clips(clip)[0]), scale)


def _yuv_frames(pixels: np.ndarray, context: "VideoCodecContext") -> Iterator["VideoFrame"]:
    from av import VideoFrame

    context.colorspace = context.color_primaries = BT709
    context.color_trc, context.color_range = SRGB, 1  # 16..235
    odd = [(0, n % 2) for n in pixels.shape[1:3]]
    for image in np.pad(pixels, [(0, 0), *odd, (0, 0)], mode="edge"):
        yield VideoFrame.from_ndarray(image, format="rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU709"
        )


def _palette_frames(pixels: np.ndarray) -> Iterator["VideoFrame"]:
    from av import VideoFrame

    index, colours = indexed(pixels) or _median_cut(pixels)
    palette = np.zeros((256, 4), np.uint8)
    palette[:, 0] = 255  # alpha, red, green, blue
    palette[: len(colours), 1:] = colours
    for image in index:
        yield VideoFrame.from_ndarray((np.ascontiguousarray(image), palette), format="pal8")


def _median_cut(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same 256 colours for all frames, so that what stands still does not flicker."""
    from PIL import Image

    film = Image.fromarray(pixels.reshape(-1, *pixels.shape[2:]))  # all frames, one below the other
    film = film.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = np.array(film.getpalette(), np.uint8).reshape(-1, 3)
    return np.asarray(film).reshape(pixels.shape[:3]), palette
