"""Pictures in what students write: in whatever form they come, they are on the page, and nothing else is."""
import base64
import io
import re

import nbformat
import numpy as np
import pytest
from nbconvert.exporters import HTMLExporter
from PIL import Image

from autograde.grading import harmless, markup, pictures
from autograde.grading.pictures import Pictures
from tests.autograde.grading.test_drawing import noise, saved
from tests.autograde.grading.test_markup import Reader, active

PICTURE = noise(12, 8)
PNG = base64.b64encode(saved(PICTURE)).decode()
URI = f"data:image/png;base64,{PNG}"
BESIDE = {"image.png": {"image/png": PNG}, "my plot (1).png": {"image/png": [PNG[:40], PNG[40:]]}}
WRAPPED = "\n".join(PNG[i:i + 76] for i in range(0, len(PNG), 76))
SVG = base64.b64encode(b"<svg onload='steal()'><script>steal()</script></svg>").decode()

FORMS = {  # as programs and people write it
    "Jupyter": "![image.png](attachment:image.png)",
    "JupyterLab, with a name of one's own": "![my plot](attachment:my%20plot%20(1).png)",
    "in angle brackets": "![my plot](<attachment:my plot (1).png>)",
    "with a title": '![a](attachment:image.png "My picture")',
    "Colab": f"![]({URI})",
    "Colab, with a title": f"![a]({URI} 'A title (of mine)')",
    "with a kind that is none": f"![a](data:image/jpg;base64,{PNG})",
    "with no kind": f"![a](data:;base64,{PNG})",
    "in capitals": f"![a](DATA:image/PNG;BASE64,{PNG})",
    "percent-encoded": f"![a](data:image/png;charset=utf-8;base64,{PNG.replace('+', '%2B').replace('/', '%2F').replace('=', '%3D')})",
    "not in base64": f"![a](data:image/png,{''.join(f'%{byte:02x}' for byte in saved(PICTURE))})",
    "in angle brackets and pieces": f"![a](<data:image/png;base64,{PNG[:20]} {PNG[20:]}>)",
    "by reference": f"![a][1]\n\n[1]: {URI}",
    "by reference to its own name": f"![The Plot][]\n\nand more\n\n[the plot]: <{URI}> \"title\"",
    "by a short reference": "![plot]\n\n[plot]: attachment:image.png",
    "as HTML": f'<img src="{URI}" alt="a" width=300>',
    "as HTML in lines": f"<img width='300'\n  src='data:image/png;base64,{WRAPPED}'/>",
    "as HTML beside the text": '<div align="center">\n  <img src="attachment:image.png" width="500"/>\n</div>',
    "as HTML without quotes": f"<p><img src={URI}></p>",
    "as HTML in a table": f"<table>\n<tr><td>\n<img src='{URI}'>\n</td></tr></table>",
    "in a table": f"| a | b |\n|---|---|\n| ![]({URI}) | c |",
    "in a list": f"- one\n- ![a]({URI})",
    "as a link": f"[my picture]({URI})",
    "in a link": f"[![a]({URI})](https://ok.example)",
    "with brackets in its name": f"![a [b] \\] c]({URI})",
}


def shown(text, attachments=None):
    """The page of a cell, on the way of a submission; and what was said."""
    taking = Pictures()
    source, kept = taking.taken_in(text, attachments, "Exercise 2.8")
    return markup.markdown(harmless.markdown(source, kept), kept), taking.said


def pictures_in(html):
    """Their pixels."""
    uris = [attributes["src"] for tag, attributes in Reader(html).seen if tag == "img"]
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")) for uri in uris]


def words(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_is_shown_in_whatever_form_it_came(form):
    html, said = shown(f"before\n\n{FORMS[form]}\n\nafter", BESIDE)
    (pixels,) = pictures_in(html)
    assert np.array_equal(pixels, np.asarray(PICTURE)) and said == []
    assert words(html).startswith("before") and words(html).endswith("after") and not re.search(r"base64|attachment|img", words(html))


@pytest.mark.parametrize("form", FORMS)
def test_inside_there_is_one_form(form):
    text, kept = Pictures().taken_in(FORMS[form], BESIDE, "")
    assert re.search(r"!\[[^\n]*\]\(attachment:picture-1\.png\)", text) and list(kept) == ["picture-1.png"]
    assert len(text) < 200 and harmless.markdown(text, kept) == text


def test_several_stay_apart():
    other = noise(5, 5)
    html, _ = shown(f"![](attachment:image.png) ![](data:image/png;base64,{base64.b64encode(saved(other)).decode()})", BESIDE)
    first, second = pictures_in(html)
    assert np.array_equal(first, np.asarray(PICTURE)) and np.array_equal(second, np.asarray(other))


def test_text_behind_a_large_picture_is_kept():
    """77 kB of base64 were cut at 20,000 letters together with all text behind."""
    large = base64.b64encode(saved(noise(200, 120))).decode()
    assert len(large) > 77_000
    html, said = shown(f"![](data:image/png;base64,{large})\n\nThe gradient vanishes.")
    assert "The gradient vanishes." in html and len(pictures_in(html)) == 1 and said == []


LEFT_OUT = {
    "no such attachment": ("![my plot](attachment:gone.png)", "its file is not in the notebook; paste it anew"),
    "SVG": (f"![my plot](data:image/svg+xml;base64,{SVG})", "an SVG drawing can hold a script; paste a PNG of it"),
    "SVG as text": ("![my plot](data:image/svg+xml;utf8,<svg/onload=steal()>)", "an SVG drawing"),
    "SVG that says it is a PNG": (f"![my plot](data:image/png;base64,{SVG})", "an SVG drawing"),
    "HTML": (f"![my plot](data:image/png;base64,{base64.b64encode(b'<script>steal()</script>').decode()})", "it is no PNG"),
    "HTML as HTML": (f"<img alt='my plot' src='data:text/html;base64,{base64.b64encode(b'<script>steal()</script>').decode()}'>", "it is no PNG"),
    "cut off": (f"![my plot]({URI[:-60]})", "it is cut off or damaged"),
    "half a letter": ("![my plot](data:image/png;base64,\ud800AAA)", "it is no PNG"),
    "no letters of base64": ("![my plot](data:image/png;base64,A)", "it is cut off or damaged"),
    "a hundred megapixels": (f"![my plot](data:image/png;base64,{base64.b64encode(saved(Image.new('1', (10_000, 10_000)))).decode()})",
                             "it has 100 million pixels; at most 25 million are read"),
    "by reference": (f"![my plot][1]\n\n[1]: data:image/svg+xml;base64,{SVG}\n\n", "an SVG drawing"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_said_where_it_stood(name):
    text, why = LEFT_OUT[name]
    html, said = shown(f"before {text} after")
    assert re.search(rf"before.* my plot.*\(a picture was left out: {re.escape(why)}.*after", words(html)), words(html)
    assert len(said) == 1 and said[0].startswith(f"Exercise 2.8: a picture (my plot) was left out: {why}") and said[0].endswith(".")
    assert list(active(html)) == [] and pictures_in(html) == []


@pytest.mark.parametrize("attachments", [None, [], "x", {"a.png": None}, {"a.png": {}}, {"a.png": "x"}, {"a.png": {"image/png": None}},
                                         {"a.png": {"image/png": ["", 7]}}, {"a.png": {"text/html": "<script>steal()</script>"}},
                                         {"a.png": {"image/svg+xml": "<svg onload=steal()>"}}])
def test_attachments_of_any_kind_harm_nobody(attachments):
    html, said = shown("![a](attachment:a.png)", attachments)
    assert "a picture was left out" in html and len(said) == 1 and list(active(html)) == []


@pytest.mark.parametrize("link", ["![x](<attachment:a", "![x](attachment:a 'b", "![" + "x" * 400 + "](attachment:a.png)", "![x](&#97;ttachment:a.png)",
                                  "![x](attachment&colon;a.png)", "![x](<attachment: a>)", "![x][y]\n\n[y]: attachment:left-out-1", "![x](attachment:picture-1.png)",
                                  "> ![x][y]\n>\n> [y]: attachment:a", "![x](<data:image/png;base64,A> )", "<img src='attachment:a'", "<attachment:a>"])
def test_no_program_stops_at_a_picture_that_is_not_there(link):
    """nbconvert raises an error at a link to an attachment that the cell does not have."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"{link}\n\n{FORMS['Jupyter']}")])
    cell = notebook.cells[0]
    cell.source, cell.attachments = Pictures().taken_in(cell.source, BESIDE, "")
    cell.source = harmless.markdown(cell.source, cell.attachments)
    (bundle,) = cell.attachments.values()
    assert f"data:image/png;base64,{bundle['image/png']}" in HTMLExporter().from_notebook_node(notebook)[0]


def test_names_that_are_scripts_come_back_as_ours():
    name = "x\" onerror=\"steal()><script>steal()</script>"
    html, _ = shown(f"![{name}](<attachment:{name.replace('<', '%3C').replace('>', '%3E')}>)", {name: {"image/png": PNG}})
    assert list(active(html)) == [] and len(pictures_in(html)) == 1


def test_thousands_are_bounded():
    html, said = shown(f"![a]({URI})\n" * 5000)
    assert len(pictures_in(html)) == pictures.MAX_PICTURES and len(said) == pictures.MAX_SAID + 1
    assert "100,000 were kept" in said[0] and "a notebook may have 50 pictures" in said[1] and re.match(r"\d+ more pictures or ends of texts were left out", said[-1])


def test_all_of_a_notebook_are_bounded_together(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_ALL_PIXELS", 250)
    assert [len(pictures_in(shown(f"![a]({URI})" * count)[0])) for count in (1, 2, 3)] == [1, 2, 2]
    monkeypatch.setattr(pictures, "MAX_ALL_PIXELS", 10_000)
    monkeypatch.setattr(pictures, "MAX_ALL_DRAWN", 400)
    html, said = shown(f"![a]({URI})" * 2)
    assert len(pictures_in(html)) == 1 and "more than 0 MB together" in said[0]


def test_one_shown_again_and_again_does_not_fill_the_page(monkeypatch):
    monkeypatch.setattr(markup, "MAX_ALL_DRAWN", 2 * len(URI))
    kept = {"picture-1.png": {"image/png": PNG}}
    assert markup.markdown("![a](attachment:picture-1.png)\n" * 1000, kept).count("<img") == 4


def test_a_text_without_end_is_cut_and_it_is_said():
    html, said = shown("word " * 30_000 + "last")
    assert said == ["Exercise 2.8 has 150,004 letters of text; the first 100,000 were kept."]
    assert "The rest was left out: a text cell may have 100,000 letters." in html and "last" not in html


def test_of_the_courses_own_pictures_nothing_is_said():
    """They are in the release; who writes below one has not handed it in."""
    drawing = f"![A diagram]({LEFT_OUT['SVG'][0].partition('(')[2]}"
    taking = Pictures(drawing)
    text, _ = taking.taken_in(f"{drawing}\n\nMy note.", {}, "")
    assert text == "A diagram\n\nMy note." and taking.said == []


@pytest.mark.parametrize("text", ["a < b", "metadata: x", "See attachment: none.", "`![a](b.png)`", "[a](https://ok.example)", "a[i](x)",
                                  "![a](https://ok.example/a.png)", "<b>x</b>", "data: 3, base64: 4", "x ![a][b] y"])
def test_other_text_stays_as_it_is(text):
    assert Pictures().taken_in(text, BESIDE, "") == (text, {})


def test_a_picture_that_was_only_named_is_said_on_the_page():
    html, _ = shown("![my plot](images/plot.png)")
    assert words(html) == "(a picture that is not in the notebook: my plot)"


@pytest.mark.parametrize("text", ["![" * 100_000, "<img" * 100_000, "<div>" + " " * 200_000, "](" + " " * 200_000, "[a]:" + " " * 200_000,
                                  "![a](attachment:" + "(a)" * 100_000, "![" + "[a]" * 100_000, "![" + "\\" * 200_000, "\"data:image/png;base64," * 50_000])
def test_no_text_takes_long(text):
    """Each within a second or so on an idle machine; a careless expression needs hours."""
    source, kept = Pictures().taken_in(text, {}, "")
    assert len(markup.markdown(harmless.markdown(source)[:20_000], kept)) < 200_000
