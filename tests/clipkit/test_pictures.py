"""Strips and grids, pixel by pixel against the clips that they show."""
import base64
import io
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

import clipkit


def attributes(html: str) -> dict[str, str]:
    """The attributes of the only tag in `html`."""
    tags = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append((tag, dict(attrs)))
    parser.feed(html)
    ((tag, attrs),) = tags
    assert tag == "img"
    return attrs


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_a_grid_holds_the_images_where_they_belong():
    images = noise(5, 3, 6, 7)
    picture = clipkit.image_grid(images, alt="five", columns=3, scale=2)
    assert picture.image.size == (3 * 14 + 2 * 2, 2 * 12 + 2)
    fourth = np.asarray(picture.image)[14 : 14 + 12 : 2, 0:14:2, :3]  # second row, first column
    assert (fourth == ((images[3] + 1) * 127.5).round().permute(1, 2, 0).numpy()).all()


def test_what_no_image_covers_is_transparent():
    grid = np.asarray(clipkit.image_grid(noise(3, 1, 4, 4), alt="three", columns=2, scale=1).image)
    assert grid[-1, -1, 3] == 0 and grid[0, 0, 3] == 255


def test_a_strip_shows_first_and_last_frame():
    levels = torch.linspace(-1, 1, 16).view(16, 1, 1, 1).expand(16, 3, 4, 4)
    strip = np.asarray(clipkit.film_strip(levels, alt="from black to white", columns=4, scale=1).image)
    assert strip.shape == (4, 4 * 4 + 3 * 2, 4)
    assert strip[0, ::6, 0].tolist() == [0, 85, 170, 255]


def test_a_short_clip_shows_every_frame_and_titles_take_room():
    clips = noise(2, 3, 3, 8, 8)
    plain = clipkit.film_strip(clips, alt="two")
    titled = clipkit.film_strip(clips, alt="two", titles=["a", "b"])
    assert plain.image.width == titled.image.width == 3 * 32 + 2 * 2
    assert titled.image.height > plain.image.height
    with pytest.raises(ValueError, match="one title for each of 2 clips, got 1"):
        clipkit.film_strip(clips, alt="two", titles=["a"])


@pytest.mark.parametrize("columns", [4, 16])
def test_a_title_is_dark_on_light_and_grows_with_the_strip(columns):
    """Seven to one is WCAG 2's contrast for the strictest; a wide strip is shown smaller than it is."""
    strip = clipkit.film_strip(noise(1, 16, 3, 16, 16), alt="one", columns=columns, titles=["people"]).image
    above = np.asarray(strip)[: strip.height - 64]
    rows = np.flatnonzero((above[..., :3].max(-1) < 90) & (above[..., 3] == 255)) // strip.width  # of the letters
    grey = above[above[..., 3] == 255][:, 0] / 255
    light, dark = (((level + 0.055) / 1.055) ** 2.4 + 0.05 for level in (grey.max(), grey.min()))
    assert light / dark > 7
    assert np.ptp(rows) + 1 >= max(9, strip.width // 80)


def test_the_alt_text_is_escaped_and_never_empty():
    alt = """a "red" & <b>blue</b> person's"""
    attrs = attributes(clipkit.image_grid(noise(3, 4, 4), alt=alt)._repr_html_())
    assert attrs["alt"] == alt
    for empty in ("", "  ", None):
        with pytest.raises(ValueError, match="cannot see it"):
            clipkit.image_grid(noise(3, 4, 4), alt=empty)


@pytest.mark.parametrize(
    "images", [noise(8, 3, 32, 32), clipkit.Walkers(8).clips[:, 0]], ids=["noise", "few colours"]
)
def test_the_page_gets_exactly_this_picture(images):
    picture = clipkit.image_grid(images, alt="eight")
    attrs = attributes(picture._repr_html_())
    png = base64.b64decode(attrs["src"].removeprefix("data:image/png;base64,"))
    shown = Image.open(io.BytesIO(png))
    assert shown.size == (int(attrs["width"]), int(attrs["height"]))
    there, here = (np.asarray(image.convert("RGBA")) for image in (shown, picture.image))
    assert (there == here).all()


def test_a_picture_is_saved(tmp_path):
    path = clipkit.image_grid(noise(3, 4, 4), alt="x", scale=1).save(tmp_path / "new" / "x.png")
    with Image.open(path) as image:
        assert image.size == (4, 4)


def test_columns_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1 column"):
        clipkit.image_grid(noise(3, 4, 4), alt="x", columns=0)
