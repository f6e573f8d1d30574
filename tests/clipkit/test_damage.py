"""Some hundreds of damaged files: each gives a clip or one sentence that names it.

FFmpeg and Pillow decode in C, where damage may crash or never end. So they are read in a process of their own
(`python test_damage.py FOLDER`), which has ten minutes (it takes ten seconds).
"""

import io
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

import clipkit
from clipkit import damage
from clipkit.damage import bounded, readable
from clipkit.pixels import to_pixels

FILES, SEED = 600, 0
VIDEOS = {  # suffix -> codec, pixel format
    ".mp4": ("libx264", "yuv420p"), ".mov": ("qtrle", "argb"), ".mkv": ("libx264", "yuv420p"), ".avi": ("mpeg4", "yuv420p"),
    ".webm": ("libvpx-vp9", "yuv420p"),
}  # fmt: skip


def whole_files(folder: Path) -> dict[str, bytes]:
    """One file of each kind, by a name that ends in its suffix."""
    clip = clipkit.Walkers(1, num_frames=8, seed=1).clips[0]
    files = {"film.gif": clipkit.write_video(clip, folder / "whole.gif").read_bytes()}
    for suffix, (codec, pixel_format) in VIDEOS.items():
        with av.open(str(folder / f"whole{suffix}"), "w") as container:
            stream = container.add_stream(codec, rate=8)
            stream.height, stream.width, stream.pix_fmt = 32, 32, pixel_format
            for pixels in to_pixels(clip):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
        files[f"film{suffix}"] = (folder / f"whole{suffix}").read_bytes()
    picture = Image.fromarray(to_pixels(clip)[0]).resize((64, 48))
    turned = picture.getexif()
    turned[0x0112] = 6
    kinds = {
        "photo.jpg": picture, "photo.png": picture, "photo.webp": picture, "photo.bmp": picture,
        "palette.png": picture.quantize(16), "alpha.png": picture.convert("RGBA"),
        "depth.png": Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257),
    }  # fmt: skip
    for name, image in kinds.items():
        buffer = io.BytesIO()
        image.save(buffer, {"jpg": "jpeg"}.get(name[-3:], name.split(".")[1]), exif=turned)
        files[name] = buffer.getvalue()
    return files


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Cut short, bits turned, a stretch overwritten or lost, or a header of other numbers."""
    data, way, at = bytearray(content), rng.randrange(5), rng.randrange(len(content))
    if way == 0:
        return bytes(data[:at])
    if way == 1:
        for _ in range(rng.choice((1, 4, 32))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif way == 2:
        data[at : at + 50] = rng.randbytes(50)
    elif way == 3:
        del data[at : at + rng.randrange(1, 64)]
    else:
        for _ in range(4):
            data[rng.randrange(min(len(data), 200))] = rng.choice((0, 127, 128, 255))
    return bytes(data)


def outcome(path: Path) -> str:
    """What comes of a file, read as part of a folder and, a video, by itself."""
    try:
        clip = clipkit.ClipFolder(path.parent, num_frames=4, size=16)[0][0]
        if path.name.startswith("film"):
            clipkit.read_video(path, fps=4)
    except ValueError as error:
        one_sentence = str(path) in str(error) and "\n" not in str(error)
        return "a sentence with its name" if one_sentence else f"ValueError: {error}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "a clip" if clip.shape == (4, 3, 16, 16) and clip.abs().max() <= 1 else f"a clip {tuple(clip.shape)}"


def outcomes(folder: Path) -> Counter:
    damage.MOST_PIXELS = 2**22  # forged headers of more are refused here: the machine that tests may be small
    rng, found, whole = random.Random(SEED), Counter(), whole_files(folder)
    (folder / "set").mkdir()
    for i in range(FILES):
        name = list(whole)[i % len(whole)]
        path = folder / "set" / name
        path.write_bytes(damaged(whole[name], rng))
        found[outcome(path)] += 1
        path.unlink()
    return found


def test_a_damaged_file_gives_a_clip_or_a_sentence_that_names_it(tmp_path):
    command = [sys.executable, "-W", "ignore", __file__, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stderr[-2000:]  # below 0: a decoder has crashed
    found = json.loads(ran.stdout)
    print(f"{FILES} damaged files: {found}")
    assert set(found) == {"a clip", "a sentence with its name"} and sum(found.values()) == FILES
    assert found["a sentence with its name"] > FILES / 3  # the damage is no pretence


def test_whole_files_of_every_kind_are_clips(tmp_path):
    for name, content in whole_files(tmp_path).items():
        (tmp_path / "set").mkdir(exist_ok=True)
        path = tmp_path / "set" / name
        path.write_bytes(content)
        assert outcome(path) == "a clip", name
        path.unlink()


@pytest.mark.parametrize("error, said", [
    (SyntaxError("broken\n PNG file"), "broken PNG file"), (MemoryError(), "MemoryError"),
    (OSError(13, "Permission denied"), "Permission denied"),
])
def test_every_error_becomes_a_sentence_with_the_file_and_the_cause(error, said):
    with pytest.raises(ValueError, match="^'a/b.png'") as caught, readable("a/b.png", "image"):
        raise error
    assert str(caught.value) == f"'a/b.png' is no image that can be read ({said}): leave it out"
    assert caught.value.__cause__ is error
    with pytest.raises(KeyboardInterrupt), readable("a/b.png", "image"):
        raise KeyboardInterrupt


def test_the_largest_picture():
    bounded(12_000, 9_000)  # a telephone's 108 million
    with pytest.raises(ValueError, match="100000 x 100000 pixels, expected at most 134 million"):
        bounded(100_000, 100_000)


if __name__ == "__main__":
    print(json.dumps(outcomes(Path(sys.argv[1]))))
