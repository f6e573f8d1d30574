"""Image files against the levels that were written into them, and against Pillow's own composition."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from clipkit.pixels import over_white
from clipkit.stills import read_still

LEVELS = np.array([[0, 257, 1000], [32_768, 65_278, 65_535]], np.uint16)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, *, bits: int, colours: int, rows: bytes, more: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    )


def sixteen_bits(more: bytes = b"") -> bytes:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in LEVELS)
    return png(3, 2, bits=16, colours=0, rows=rows, more=more)


def test_sixteen_bits_of_grey_become_eight(tmp_path):
    path = tmp_path / "depth.png"
    path.write_bytes(sixteen_bits())
    pixels = read_still(path)
    assert pixels.shape == (2, 3, 3) and pixels.dtype == np.uint8
    assert pixels[..., 0].tolist() == [[0, 1, 4], [128, 254, 255]]  # level / 257
    assert (pixels == pixels[..., :1]).all()


@pytest.mark.parametrize("mode, kind", [("I;16", "tiff"), ("I;16B", "tiff"), ("I", "tiff")])
def test_every_order_of_bytes_has_the_same_levels(tmp_path, mode, kind):
    kinds = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4"}
    image = Image.frombytes(mode, (3, 2), LEVELS.astype(kinds[mode]).tobytes())
    image.save(tmp_path / "depth.png", kind)
    assert read_still(tmp_path / "depth.png")[..., 0].tolist() == [[0, 1, 4], [128, 254, 255]]


def test_eight_bits_stay_as_they_are(tmp_path):
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    colours = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    Image.fromarray(levels).save(tmp_path / "grey.png")
    Image.fromarray(colours).save(tmp_path / "colours.png")
    assert (read_still(tmp_path / "grey.png") == levels[..., None]).all()
    assert (read_still(tmp_path / "colours.png") == colours).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_shows_white(tmp_path, mode):
    image = Image.new("RGBA", (4, 4), (90, 90, 90, 0))
    image.paste((90, 90, 90, 255), (0, 0, 2, 4))
    if mode != "P":
        image.putpixel((3, 3), (90, 90, 90, 51))
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    assert image.mode == mode
    image.save(tmp_path / "logo.png")
    pixels = read_still(tmp_path / "logo.png")
    assert pixels[0, 0].tolist() == [90] * 3 and pixels[0, 3].tolist() == [255] * 3
    if mode != "P":
        assert pixels[3, 3].tolist() == [222] * 3  # a fifth of 90, four fifths of 255


@pytest.mark.parametrize("bits, colours, rows, see_through", [
    (8, 0, b"\0\x05\x09", struct.pack(">H", 9)),
    (16, 0, b"\0\x05\x05\x09\x09", struct.pack(">H", 0x0909)),
    (8, 2, b"\0\x05\x05\x05\x09\x09\x09", struct.pack(">3H", 9, 9, 9)),
])
def test_one_colour_may_stand_for_transparent(tmp_path, bits, colours, rows, see_through):
    path = tmp_path / "key.png"
    path.write_bytes(png(2, 1, bits=bits, colours=colours, rows=rows, more=chunk(b"tRNS", see_through)))
    assert read_still(path).tolist() == [[[5, 5, 5], [255, 255, 255]]]


def test_over_white_is_pillows_composition():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 4), dtype=np.uint8)
    white = Image.new("RGBA", (64, 64), "white")
    theirs = np.asarray(Image.alpha_composite(white, Image.fromarray(pixels)).convert("RGB"))
    assert np.abs(over_white(pixels).astype(int) - theirs).max() <= 1
    pixels[..., 3] = 255
    assert (over_white(pixels) == pixels[..., :3]).all()


@pytest.mark.parametrize("side, said", [
    (20_000, r"400000000 pixels"), (12_000, "12000 x 12000 pixels, expected at most 134 million"), (10_000, "truncated"),
])
def test_a_header_that_promises_too_much_is_named(tmp_path, side, said):
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side, bits=1, colours=0, rows=b""))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=rf"bomb\.png' is no image that can be read .*{said}.*: leave it out"):
            read_still(path)


@pytest.mark.parametrize("content", [
    b"", b"no picture", sixteen_bits()[:40], sixteen_bits()[:50], b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"short"),
    sixteen_bits().replace(b"IDAT", b"IDAX"), b"BM" + bytes(60), b"RIFF\xff\xff\xff\xffWEBPVP8 ",
], ids=range(8))
def test_a_damaged_picture_is_named(tmp_path, content):
    path = tmp_path / "frame 7.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"frame 7\.png' is no image that can be read \(.+\): leave it out$"):
        read_still(path)
