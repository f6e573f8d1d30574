"""The frames of a video file as a player shows them: upright, with square pixels, over white, at a rate."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clipkit.damage import bounded, readable
from clipkit.pixels import over_white

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer

WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # decoders: FFmpeg's own leave a WebM's transparency out
ROUGH_CLOCK = 0.01  # seconds: WebM counts in 0.001, GIF in 0.01; a slower clock (AVI) counts the frames themselves
JITTER = 0.03  # of the time between two frames: a telephone's camera is a millisecond early or late


def frames_of(path: str | Path, fps: float | None = None) -> Iterator[np.ndarray]:
    """The frames of a video, uint8 (H, W, 3), one after the other; H and W may change on the way.

    They are turned and mirrored as the file says (telephones film lying down), brought to square pixels (the height
    stays, the width follows), and what is transparent shows white (see `over_white`).

    Args:
        fps: as in `at_rate`; None gives every frame.
    Raises:
        ValueError: it is no video, it is damaged, or a frame has more than `damage.MOST_PIXELS`; the message names it.
    """
    with readable(path, "video"), _opened(Path(path)) as container:
        if not container.streams.video:
            raise ValueError("it holds no video stream")
        stream = container.streams.video[0]
        shown = _decoded(container, stream)
        for frame in shown if fps is None else at_rate(shown, fps):
            yield _as_shown(frame, stream.sample_aspect_ratio)


def at_rate(frames: Iterable["VideoFrame"], fps: float) -> Iterator["VideoFrame"]:
    """At most `fps` frames of each second: one is due at the time of the first, the next ones every 1 / fps seconds.

    What is due is answered by the first frame at that time or after it. None is given twice: where one stands for
    longer than 1 / fps (a gap, a slow stretch), the clock goes on from the frame that ends it, so that the frames after
    a gap are as far apart as those before it. Only differences of time count, so a recording may begin at any time; one
    whose time goes back (two files put together) is counted anew from there.

    Args:
        frames: with `time` in seconds, or None (they are all given), and `time_base`, the tick of their clock.
        fps: above 0.
    """
    step, due, before = 1 / fps, -inf, -inf
    for frame in frames:
        if frame.time is None:
            yield frame
            continue
        if frame.time < before - step:
            due = -inf
        before = frame.time
        if frame.time >= due - _early(frame, step):
            after_a_gap = frame.time >= due + step
            due = (frame.time if after_a_gap else due) + step
            yield frame


def _early(frame: "VideoFrame", step: float) -> float:
    """How many seconds before its time a frame may come: clocks round times to their ticks, and cameras jitter."""
    tick = float(frame.time_base or 0)
    return min(step / 2, max(JITTER * step, tick if tick <= ROUGH_CLOCK else 0))


def _opened(path: Path) -> "InputContainer":
    import av

    name = str(path.absolute())  # FFmpeg would take "part:2.mp4" for an address of a protocol "part"
    try:
        return av.open(name)
    except UnicodeDecodeError:  # PyAV before 19 wants every tag in UTF-8, if not told otherwise; later it takes any
        return av.open(name, metadata_errors="ignore")


def _decoded(container: "InputContainer", stream: "VideoStream") -> Iterator["VideoFrame"]:
    from av import CodecContext

    context = stream.codec_context
    if stream.metadata.get("alpha_mode") == "1" and context.name in WITH_ALPHA:
        context = CodecContext.create(WITH_ALPHA[context.name], "r")
    for packet in container.demux(stream):
        yield from context.decode(packet)


def _as_shown(frame: "VideoFrame", pixel_shape: Fraction | None) -> np.ndarray:
    """uint8 (H, W, 3) of a frame whose pixels are `pixel_shape` times as wide as high."""
    width = max(1, round(frame.width * (pixel_shape or 1)))
    bounded(max(width, frame.width), frame.height)
    if any(component.is_alpha for component in frame.format.components):
        return _upright(over_white(frame.to_ndarray(format="rgba", width=width)), frame)
    return _upright(frame.to_ndarray(format="rgb24", width=width), frame)


def _upright(pixels: np.ndarray, frame: "VideoFrame") -> np.ndarray:
    """Turned and mirrored by the frame's display matrix, to the nearest quarter turn.

    The matrix takes a point (x, y) to (a x + c y, b x + d y), y downwards (FFmpeg's libavutil/display.h).
    """
    from av.sidedata.sidedata import Type

    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None:
        return pixels
    a, b, _, c, d = map(int, np.frombuffer(bytes(matrix), np.int32)[:5])
    if abs(b) > abs(a):  # what was across is now down
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return np.ascontiguousarray(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])
