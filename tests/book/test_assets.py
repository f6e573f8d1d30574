"""What becomes of pictures, clips and styles on the way to the site."""

from __future__ import annotations

import base64
import re

import pytest

from .test_extensions import EXTENSIONS


@pytest.fixture(autouse=True)
def extensions_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(EXTENSIONS))


def data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def test_embedded_pictures_and_videos_become_files_named_by_their_content(tmp_path):
    from media import move_to_files

    picture, video = b"\x89PNG" + bytes(3000), b"mp4" + bytes(3000)
    html = f'<img src="{data(picture, "image/png")}"><source src="{data(video, "video/mp4")}">'
    moved = move_to_files(html * 2, tmp_path / "_images", "_images")
    names = re.findall(r'"_images/([\w.]+)"', moved)
    assert [name.rpartition(".")[2] for name in names] == ["png", "mp4"] * 2 and len(set(names)) == 2
    assert (tmp_path / "_images" / names[0]).read_bytes() == picture
    assert (tmp_path / "_images" / names[1]).read_bytes() == video


def test_tiny_pictures_stay_in_the_page(tmp_path):
    from media import move_to_files

    html = f'<video poster="{data(b"small", "image/png")}">'
    assert move_to_files(html, tmp_path / "_images", "_images") == html and not list(tmp_path.iterdir())


def test_a_player_loads_nothing_until_it_plays():
    import torch
    from media import load_late

    import clipkit

    html = load_late(clipkit.play(torch.zeros(4, 3, 8, 8), alt="Nothing")._repr_html_())
    assert 'preload="none"' in html and "onloadeddata" not in html and 'preload="metadata"' not in html
    assert html.count('loading="lazy"') == html.count("<img") == 1


@pytest.mark.parametrize(
    "styles, left",
    [
        ("/* a */ .used { color: red } .unused { color: blue }", ".used{color: red}"),
        (".used, .unused > p { margin: 0 }", ".used{margin: 0}"),
        (".used:not(.unused) p { margin: 0 }", ".used:not(.unused) p{margin: 0}"),
        ("@media print { .unused { margin: 0 } } @media screen { p { margin: 0 } }", "@media screen {p{margin: 0}}"),
        (".bs-tooltip-auto { margin: 0 }", ".bs-tooltip-auto{margin: 0}"),
        (":root { --asked: 1px; --alone: var(--gone); --gone: 2px; --page: 3px } p { margin: var(--asked) }",
         ":root{--asked: 1px; --page: 3px}p{margin: var(--asked)}"),
        ('p { background: url("data:image/png;base64,iVBO;x") }', 'p{background: url("data:image/png;base64,iVBO;x")}'),
        ("@font-face { font-family: X; src: url(x.woff2) }", "@font-face { font-family: X; src: url(x.woff2) }"),
    ],
)
def test_styles_that_no_page_can_use_are_left_out(styles, left):
    from lean import prune

    assert re.sub(r"\s*\n\s*", "", prune(styles, {"used", "--page"})).replace("; }", ";}") == left


def test_addresses_in_styles_are_written_as_from_one_folder(tmp_path):
    from lean import with_addresses_from

    path = tmp_path / "_static" / "css" / "course.css"
    path.parent.mkdir(parents=True)
    path.write_text('a { src: url(../fonts/a.woff2); b: url("b.png"); c: url(data:x); d: url(#e) }')
    assert with_addresses_from(path, tmp_path) == (
        'a { src: url("fonts/a.woff2"); b: url("css/b.png"); c: url(data:x); d: url(#e) }'
    )
