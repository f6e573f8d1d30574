"""Pictures drawn anew: what a person sees stays, all else goes."""
import io

import numpy as np
import pytest
from PIL import Image

from autograde.grading import drawing
from autograde.grading.drawing import LeftOut, drawn, pixels


def saved(image, form="PNG", **how):
    file = io.BytesIO()
    image.save(file, form, **how)
    return file.getvalue()


def opened(content):
    return Image.open(io.BytesIO(content))


def noise(width, height, channels=3):
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, channels), dtype=np.uint8))


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP"])
def test_the_very_pixels_stay(form):
    image = noise(60, 40).quantize(64).convert("RGB")
    kind, content = drawn(saved(image, form, **({"lossless": True} if form == "WEBP" else {})))
    assert kind == "png" and np.array_equal(np.asarray(opened(content).convert("RGB")), np.asarray(image))


def test_a_photograph_stays_one_and_stands_upright_and_says_not_where_it_was_taken():
    photograph = Image.linear_gradient("L").convert("RGB").crop((0, 0, 256, 128))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera at home"  # turned by a quarter
    kind, content = drawn(saved(photograph, "JPEG", exif=exif, quality=95))
    assert kind == "jpg" and opened(content).size == (128, 256) and b"A camera" not in content
    expected = np.asarray(photograph.transpose(Image.Transpose.ROTATE_270).convert("L"), float)
    assert np.abs(np.asarray(opened(content).convert("L"), float) - expected).mean() < 3


def test_sixteen_bits_of_grey_are_not_white():
    ramp = Image.fromarray(np.linspace(0, 65535, 400).reshape(20, 20).astype(np.uint16))
    assert abs(np.asarray(opened(drawn(saved(ramp))[1]).convert("L")).mean() - 127.5) < 1


def test_what_is_clear_stays_clear():
    assert opened(drawn(saved(Image.new("RGBA", (9, 9), (255, 0, 0, 100)).quantize()))[1]).getpixel((0, 0)) == (255, 0, 0, 100)


def test_a_picture_that_moves_goes_on_moving():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    kind, content = drawn(saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=70, comment=b"<script>"))
    again = opened(content)
    assert (kind, again.n_frames, again.info["duration"]) == ("gif", 3, 70) and b"<script>" not in content


@pytest.mark.parametrize("size", [(2000, 4000), (300, 20_000)])
def test_a_large_one_is_drawn_smaller_in_the_same_shape(size):
    width, height = opened(drawn(saved(Image.new("L", size)))[1]).size
    assert width * height <= drawing.SHOWN_PIXELS < 1.02 * width * height
    assert abs(width / height / (size[0] / size[1]) - 1) < 0.01


def test_no_still_is_too_large_for_its_bytes():
    """The worst there is: noise, which no format makes smaller."""
    kind, content = drawn(saved(noise(2000, 2000), compress_level=1))
    assert kind == "jpg" and opened(content).size == (2000, 2000)


def test_nothing_hides_behind_a_picture():
    for content in (saved(noise(9, 9)) + b"<script>", saved(noise(9, 9), "JPEG", comment=b"<script>"),
                    saved(noise(9, 9), icc_profile=b"<script>"), saved(noise(9, 9), "WEBP", xmp=b"<script>")):
        assert b"<script>" not in drawn(content)[1]


@pytest.mark.parametrize("content, why", [
    (saved(Image.new("1", (10_000, 10_000))), "has 100 million pixels"), (saved(Image.new("1", (20_000, 20_000))), "far more than 25 million"),
    (saved(noise(90, 90), "BMP"), "no PNG, JPEG, GIF or WebP"), (b"", "no PNG"), (b"<html>", "no PNG"),
    (b" <?xml version='1.0'?><SVG onload='steal()'/>", "an SVG drawing can hold a script; paste a PNG of it"), (b"\x89PNG\r\n\x1a\n" + bytes(99), "damaged"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_left_out_is_said_before_it_is_read(content, why):
    with pytest.raises(LeftOut, match=why):
        pixels(content)


def test_all_frames_of_a_moving_one_count_together():
    frames = [Image.new("RGB", (600, 500), ("red", "blue")[number % 2]) for number in range(100)]
    with pytest.raises(LeftOut, match="has 30 million pixels, its 100 frames together"):
        pixels(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))


def test_a_picture_that_is_cut_off_is_damaged():
    with pytest.raises(LeftOut, match="cut off or damaged"):
        drawn(saved(noise(90, 90))[:-300])


def test_a_jpeg_that_is_read_a_thousand_times_is_left_out():
    content = saved(noise(9, 9), "JPEG", progressive=True)
    with pytest.raises(LeftOut, match="more than 50 scans"):
        pixels(content[:-2] + b"\xff\xda" * 99)
