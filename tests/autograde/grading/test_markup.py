"""What a student wrote, as HTML: honest text stays, nothing is active. The judge is an HTML parser, not our own words."""
import asyncio
import base64
import io
from html.parser import HTMLParser

import pytest
from PIL import Image

from autograde.grading import harmless, markup

HOSTILE = [
    "<script>steal()</script>", '<img src="x" onerror="steal()">', "<svg onload=steal()><script>steal()</script></svg>",
    "<iframe src='https://evil.example'></iframe>", "[a](javascript:steal())", "<a href='java\tscript:steal()'>a</a>",
    "<a href=' javascript:steal()'>a</a>", "[a](data:text/html,<script>steal()</script>)", "![p](https://evil.example/p.png)",
    "<style>body{background:url(https://evil.example)}</style>", '<p style="background:url(https://evil.example)">a</p>',
    "<form action='https://evil.example'><input autofocus onfocus=steal()></form>", "<!--><script>steal()</script>-->",
    r"$\href{javascript:steal()}{a}$", r"$$\htmlData{onclick=steal()}{a}$$", "$</math><script>steal()</script>$",
    "<math><mtext><table><mglyph><style><img src=x onerror=steal()></style></mglyph></table></mtext></math>",
    "<details ontoggle=steal() open>", "<base href='https://evil.example'>", "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "[a](java&#115;cript:steal())", "[a](\n<javascript:steal()>)", "[a][1]\n\n[1]: JavaScript:steal()", "<javascript:steal()>",
    "[a](vbscript:steal())", r"[a](java\script:steal())", "\ue0000\ue000 $x$", "<object data='https://evil.example'></object>", "<b onclick=steal()>b</b>", "<scr<script>ipt>steal()</script>",
]
NEVER = {"script", "style", "iframe", "object", "embed", "form", "input", "base", "meta", "link", "svg", "button", "video", "audio"}


class Reader(HTMLParser):
    """All tags and attributes of a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.seen = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))


def active(html):
    """What of it a browser would run, fetch or follow elsewhere than to a plain address."""
    for tag, attributes in Reader(html).seen:
        if tag in NEVER:
            yield tag
        for name, value in attributes.items():
            if name.startswith("on") or name == "style" or (name in ("href", "src", "action", "data", "xlink:href")
                                                            and not value.startswith(("https://ok.example", "data:image/png"))):
                yield f"{tag} {name}={value}"


@pytest.mark.parametrize("source", HOSTILE)
def test_nothing_stays_active(source):
    assert list(active(markup.markdown(f"before {source} after\n\n{source}"))) == []


@pytest.mark.parametrize("source", HOSTILE)
def test_what_is_kept_is_inert_in_any_markdown_program(source):
    from nbconvert.filters import markdown2html
    html = markdown2html(harmless.markdown(source))
    assert [what for what in active(html) if "https://evil" not in what and "#" not in what] == []


def test_honest_text_stays():
    html = markup.markdown("**bold** a < b, H<sub>2</sub>O, [link](https://ok.example), `x<y` and\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    for part in ("<strong>bold</strong>", "a &lt; b", "<sub>2</sub>", 'href="https://ok.example"', "<code>x&lt;y</code>", "<td>1</td>"):
        assert part in html


def test_formulas_are_mathml_and_money_is_not():
    html = markup.markdown(r"$a<b$ and $$\frac{1}{2}$$ cost $5 or $6")
    assert html.count("<math") == 2 and "<mfrac>" in html and "$5 or $6" in html


def test_a_formula_that_cannot_be_read_stays_as_it_was_typed():
    assert "<code>\\nosuchthing{</code>" in markup.markdown(r"$\nosuchthing{$")
    assert "<math" not in markup.formula("x" * (markup.MAX_FORMULA + 1), display=False)


def test_formulas_are_drawn_inside_an_event_loop_too():
    """formgrader renders in one."""
    async def draw():
        return markup.formula("x^2", display=False)
    assert "<msup>" in asyncio.run(draw())


@pytest.mark.parametrize("source", ["a < b <= c", "H<sub>2</sub>O<br>x", "<!-- gan_losses.why_it_stalls -->\n$p_g < p$", r"$\frac{a}{b}$",
                                    "<details><summary>Hint</summary>"])
def test_honest_markdown_is_kept_as_it_is(source):
    assert harmless.markdown(source) == source


def test_outputs_keep_text_and_pictures_alone():
    import nbformat
    shown = nbformat.v4.new_output("display_data", {"text/html": "<script>", "text/plain": "t", "image/svg+xml": "<svg>",
                                                    "application/javascript": "x", "text/latex": "x"})
    assert harmless.output(shown).data == {"text/plain": "t"}


def png(width=4, height=3):
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, "PNG")
    return file.getvalue()


def test_a_mark_in_the_text_brings_nothing_back():
    """A formula stands once, and a number that was never given is no error."""
    html = markup.markdown("$x$ &#xe000;0&#xe000; &#xe000;99&#xe000; " + "&#xe000;0&#xe000;" * 100)
    assert html.count("<math") == 1


def test_a_picture_is_drawn_anew():
    uri = markup.picture(base64.b64encode(png() + b"<script>steal()</script>").decode())
    content = base64.b64decode(uri.partition(",")[2])
    assert b"script" not in content and Image.open(io.BytesIO(content)).size == (4, 3)


@pytest.mark.parametrize("data", ["", "!!!", base64.b64encode(b"<svg onload=steal()>").decode(), base64.b64encode(png(4000, 2000)).decode(),
                                  base64.b64encode(png()[:40]).decode()])
def test_what_is_no_picture_or_too_large_is_left_out(data):
    assert markup.picture(data) is None


def test_a_traceback_keeps_the_lines_of_the_cell():
    lines = ["Traceback (most recent call last):", '  File "<cell 3>", line 2, in f', "    g(x)",
             '  File "/opt/python/site-packages/torch/nn/functional.py", line 9, in linear', "    return _C(x)", "           ^^^^",
             '  File "/opt/python/site-packages/torch/_ops.py", line 1, in call', "    hidden", '  File "<cell 2>", line 1, in h', "    boom",
             "\x1b[31mValueError\x1b[0m: no"]
    assert markup.own_lines(lines).splitlines() == [*lines[:3], "  … inside torch", *lines[8:10], "ValueError: no"]
