"""A file that cannot be read is answered with one sentence that names it, whatever its decoder has to say."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_PIXELS = 2**27  # of one picture: a telephone's 108 million are read, a forged header cannot ask for gigabytes
MOST_IN_A_CLIP = 2**30  # of all frames together: 13 GB as floats


@contextmanager
def readable(path: str | Path, kind: str) -> Iterator[None]:
    """Whatever is raised within becomes a ValueError: "'clips/a.mp4' is no video that can be read (...)".

    Decoders raise every kind of error over a damaged file (OSError, SyntaxError, struct.error, MemoryError, ...), so
    only decoding belongs within: a mistake of one's own would be blamed on the file.

    Args:
        kind: what the file should be, in a word.
    """
    try:
        yield
    except Exception as error:
        said = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
        raise ValueError(f"{str(path)!r} is no {kind} that can be read ({said}): leave it out") from error


def bounded(width: int, height: int) -> None:
    """ValueError where a picture of that size has more than MOST_PIXELS."""
    if width * height > MOST_PIXELS:
        raise ValueError(f"{width} x {height} pixels, expected at most {MOST_PIXELS // 10**6} million")
