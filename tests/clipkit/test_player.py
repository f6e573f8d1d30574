"""The figure that plays, read as a browser reads it."""
import base64
import io
from html.parser import HTMLParser

import pytest
import torch
from PIL import Image

import clipkit

VOID = {"img", "source"}


class Page(HTMLParser):
    """Collects tags with their attributes and complains about a tag that is not closed in its turn."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.open = {}, []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.setdefault(tag, []).append(dict(attrs))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def clips():
    return clipkit.Walkers(3, seed=1).clips


def page(clips, **options) -> Page:
    return Page(clipkit.play(clips, **{"alt": "a person waves", **options})._repr_html_())


def test_the_figure_is_whole_and_needs_nothing_else(clips):
    alt = """she says "hi" & <waves>"""
    found = page(clips[0], alt=alt).tags
    assert set(found) == {"figure", "video", "source", "details", "summary", "img"}
    (video,), (source,), (strip,) = found["video"], found["source"], found["img"]
    assert found["figure"][0]["class"] == "clip"
    assert {"controls", "loop", "muted", "playsinline"} <= set(video)
    assert (video["preload"], video["aria-label"], strip["alt"]) == ("metadata", alt, f"Film strip: {alt}")
    assert (video["width"], video["height"]) == ("128", "128")
    for address in (video["poster"], source["src"], strip["src"]):
        assert address.startswith("data:")


def test_the_strip_of_many_clips_shows_some_from_first_to_last_and_says_so(clips):
    assert "<summary>Film strip</summary>" in clipkit.play(clips, alt="three")._repr_html_()
    many = (torch.arange(20) / 19 * 2 - 1).view(20, 1, 1, 1, 1).expand(20, 2, 3, 8, 8)
    html = clipkit.play(many, alt="from dark to light")._repr_html_()
    assert "<summary>Film strip of 8 of the 20 clips</summary>" in html
    (strip,) = Page(html).tags["img"]
    image = Image.open(io.BytesIO(base64.b64decode(strip["src"].partition(",")[2]))).convert("RGB")
    rows = [image.getpixel((3, y))[0] for y in range(3, image.height, 18)]
    assert rows[0] == 0 and rows[-1] == 255 and len(rows) == 8
    assert all(24 <= after - before <= 42 for before, after in zip(rows, rows[1:]))


def test_it_starts_by_itself_only_where_motion_is_welcome(clips):
    (video,) = page(clips[0]).tags["video"]
    assert "autoplay" not in video
    assert video["onloadeddata"] == "matchMedia('(prefers-reduced-motion: reduce)').matches || this.play()"


def test_the_video_in_the_page_is_the_clip(clips, tmp_path):
    (source,) = page(clips[0]).tags["source"]
    (tmp_path / "shown.mp4").write_bytes(
        base64.b64decode(source["src"].removeprefix("data:video/mp4;base64,"))
    )
    shown = clipkit.read_video(tmp_path / "shown.mp4")[..., 2::4, 2::4]
    assert shown.shape == clips[0].shape
    assert (shown - clips[0]).abs().mean() < 0.05


def test_a_walker_takes_a_few_kilobytes(clips):
    assert len(clipkit.play(clips[0], alt="x")._repr_html_()) < 16_000


def test_several_clips_stand_side_by_side(clips, tmp_path):
    player = clipkit.play(clips, alt="three people", scale=1, columns=2)
    (video,) = Page(player._repr_html_()).tags["video"]
    assert (video["width"], video["height"]) == ("65", "65")  # a pixel between them
    film = clipkit.read_video(player.save(tmp_path / "three.gif"))
    assert film.shape == (16, 3, 65, 65)
    for i, (y, x) in enumerate([(0, 0), (0, 33), (33, 0)]):
        assert (film[..., y : y + 32, x : x + 32] - clips[i]).abs().mean() < 0.05


def test_what_is_wrong_is_said_at_once():
    with pytest.raises(ValueError, match="cannot see it"):
        clipkit.play(torch.zeros(2, 3, 8, 8), alt="")
    with pytest.raises(ValueError, match="fps above 0"):
        clipkit.play(torch.zeros(2, 3, 8, 8), alt="x", fps=0)


def test_the_film_strip_of_large_frames_is_small():
    clip = torch.rand(12, 3, 300, 400) * 2 - 1
    picture = clipkit.play(clip, scale=1, alt="noise")._strip
    assert picture.image.width <= 8 * (128 + 2)
