"""What students wrote, as HTML in which nothing runs: Markdown, formulas, code, outputs, pictures.

For our own pages and, as a filter of nbconvert, for formgrader. Formulas become MathML, drawn here by the book's KaTeX,
so that no page needs a script for them.
"""
from __future__ import annotations

import base64
import binascii
import io
import re
import warnings
from collections.abc import Mapping
from html import escape
from typing import Any

import bleach
from bleach.css_sanitizer import CSSSanitizer
from jinja2 import pass_context
from jinja2.runtime import Context
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from ..writing import katex
from .drawing import KINDS
from .harmless import PLAIN_TAGS
from .pictures import MAX_ALL_DRAWN

TAGS = PLAIN_TAGS | {"a", "img", "s", "div", "span"}
MAX_FORMULA = 2_000         # characters; a longer one stays as it was typed
MAX_PICTURE = 300_000       # bytes of one picture, decoded or drawn anew
MAX_PIXELS = 4_000_000
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_MARK = "\ue000"            # stands around the number of a formula or a picture while the rest is cleaned
_KATEX = {"output": "mathml", "throwOnError": True, "maxSize": 20, "maxExpand": 200, "strict": "ignore", "trust": False}


def markdown(source: str, attachments: Mapping[str, Any] | None = None) -> Markup:
    """Markdown as HTML: formulas drawn, no script, style, frame, form or picture from elsewhere.

    MathJax, where a page has it (formgrader's), leaves all of it alone.

    Args:
        attachments: the pictures of the cell, by name, as `pictures` leaves them.
    """
    aside: dict[int, str] = {}
    left = [2 * MAX_ALL_DRAWN]  # letters: a picture may be shown more than once, but not without end

    def keep(html: str) -> str:
        aside[len(aside)] = html
        return f"{_MARK}{len(aside) - 1}{_MARK}"

    def show(renderer: Any, tokens: list, index: int, options: Any, env: Any) -> str:
        address = str(tokens[index].attrs["src"])
        alt = renderer.renderInlineAsText(tokens[index].children or [], options, env)
        if address.startswith("data:"):
            return renderer.image(tokens, index, options, env)
        uri = _attached(address, attachments or {})
        left[0] -= len(uri)
        return keep(f'<img src="{uri}" alt="{escape(alt)}">' if uri and left[0] >= 0 else
                    f"<em>(a picture that is not in the notebook{f': {escape(alt)}' if alt else ''})</em>")

    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    parser.use(dollarmath_plugin, allow_space=False, double_inline=True,
               renderer=lambda latex, options: keep(formula(latex, display=options["display_mode"])))
    parser.add_render_rule("image", show)
    html = _clean(parser.render(source.replace(_MARK, "")))
    html = re.sub(rf"{_MARK}(\d+){_MARK}", lambda m: aside.pop(int(m[1]), ""), html)
    return Markup(f'<div class="markdown tex2jax_ignore mathjax_ignore">{html}</div>')


@pass_context
def markdown_of_cell(context: Context, source: str) -> Markup:
    """`markdown` as a filter of nbconvert, which leaves the cell in the context of the template."""
    return markdown(source, context.get("cell", {}).get("attachments"))


def _attached(address: str, attachments: Mapping[str, Any]) -> str:
    """The data URI of `attachment:NAME`; empty where there is no picture of that name."""
    bundle = attachments.get(address.removeprefix("attachment:"), {}) if address.startswith("attachment:") else {}
    kind, data = next(iter(bundle.items()), ("", "")) if isinstance(bundle, Mapping) else ("", "")
    is_picture = kind in KINDS.values() and isinstance(data, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]+", data)
    return f"data:{kind};base64,{''.join(data.split())}" if is_picture else ""


def _clean(html: str) -> str:
    with warnings.catch_warnings(action="ignore"):
        return bleach.clean(html, tags=TAGS, attributes=_may_stay, protocols={"http", "https", "mailto", "data"},
                            strip=True, css_sanitizer=CSSSanitizer(allowed_css_properties=()))


def _may_stay(tag: str, name: str, value: str) -> bool:
    if tag == "a":
        return name == "href" and value.startswith(("https://", "http://", "mailto:"))
    if tag == "img":
        return name == "alt" or name == "src" and bool(re.match(r"data:image/(png|jpeg|gif|webp);base64,", value))
    return tag in ("div", "span") and name == "class" and value in ("math inline", "math block")


def formula(latex: str, *, display: bool) -> str:
    """A formula as MathML; as it was typed where KaTeX cannot read it, or would take more than a second."""
    try:
        if len(latex) > MAX_FORMULA:
            raise ValueError("too long")
        return katex.draw(latex, _KATEX | {"displayMode": display}, seconds=1)
    except ValueError:
        return f"<code>{escape(latex)}</code>"


def code(source: str) -> Markup:
    """Python, coloured by classes."""
    return Markup(highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)))


def plain(text: str) -> str:
    """Text of a stream or an error without its colours."""
    return _ANSI.sub("", text)


def own_lines(traceback: list[str]) -> str:
    """A traceback with the student's own lines; what lies between them, inside a library, is one line each."""
    kept, inside = [], ""
    for line in plain("\n".join(traceback)).split("\n"):
        frame = re.match(r'\s*File "(?P<file>[^"]*)", line \d+', line)
        if frame:
            library = None if frame["file"].startswith("<cell") else _library(frame["file"])
            if library and library != inside:
                kept.append(f"  … inside {library}")
            inside = library or ""
        elif not line.startswith("    "):
            inside = ""
        if not inside:
            kept.append(line)
    return "\n".join(kept).strip()


def _library(path: str) -> str:
    """E.g. "torch" for .../site-packages/torch/nn/functional.py."""
    parts = re.split(r"[/\\]", path)
    place = next((i for i, part in enumerate(parts) if part in ("site-packages", "dist-packages")), None)
    return parts[place + 1].removesuffix(".py") if place is not None and place + 1 < len(parts) else parts[-1].strip("<>")


def picture(data: str) -> str | None:
    """A PNG (base64) drawn anew as a data URI; None for what is no picture, or one too large."""
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
        if len(content) > MAX_PICTURE:
            return None
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            drawn = io.BytesIO()
            image.convert("RGBA").save(drawn, "PNG")
    except (binascii.Error, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return f"data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()}" if drawn.tell() <= MAX_PICTURE else None
