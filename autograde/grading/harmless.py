"""What of a submission is kept in the graded notebook: text and pictures, nothing that a browser would run.

For programs that show that notebook their own way, as formgrader does; our own pages render it with `markup`.
"""
from __future__ import annotations

import re
from collections.abc import Collection
from html import unescape

from nbformat import NotebookNode

from .remembered import remembered

PLAIN_TAGS = {"b", "i", "em", "strong", "sub", "sup", "br", "hr", "p", "code", "pre", "del", "details", "summary",
              "blockquote", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6"}
KINDS = ("text/plain", "image/png")
_TAG = re.compile(rf"<(?=[A-Za-z/!?])(?!/?(?:{'|'.join(PLAIN_TAGS)})\s*/?>)(?!!--\s*\w+\.\w+\s*-->)", re.IGNORECASE)
_LINK = re.compile(r"(?P<before>\]\(\s*+(?:<\s*+)?|^ {0,3}\[[^\]\n]+\]:\s*+(?:<\s*+)?)(?P<url>[^\s)>]+)", re.MULTILINE)
_ADDRESS = re.compile(r"(https?:|mailto:|data:image/(png|jpeg|gif|webp);|(?![a-z][a-z0-9+.-]*:))", re.IGNORECASE)
_FAR_PICTURE = re.compile(r"!(?=\[)(?!\[[^\]\n]{0,1000}\]\(\s{0,9}<?(?:data:|attachment:|(?!//)[\w./-]+[)\s>]))", re.IGNORECASE)
_ACTIVE_TEX = re.compile(r"\\(href|url|style|class|cssId|require|include\w*|html\w+)(?![A-Za-z])")


def markdown(source: str, attachments: Collection[str] = ()) -> str:
    """Markdown with its active parts made text: a tag that is not plain gets a space behind its "<", a link to a script
    leads nowhere, a picture from elsewhere becomes a link (fetching it would tell who looks), and the commands
    with which a formula could link or style become upright words. Honest text and formulas keep their meaning; pictures of
    these names among the cell's attachments stay pictures (a program stops at one that is not there)."""
    return _with_pictures(source, attachments) if attachments else _plain(source)


@remembered
def _plain(source: str) -> str:
    return _with_pictures(source, ())


def _with_pictures(source: str, attachments: Collection[str]) -> str:
    known = {f"attachment:{name}" for name in attachments}

    def link(match: re.Match) -> str:
        address = re.sub(r"[\x00-\x20\\]", "", unescape(match["url"]))
        may_stay = match["url"] in known or _ADDRESS.match(address)
        return match[0] if may_stay else f"{match['before']}#{match['url']}"

    source = _FAR_PICTURE.sub("", source)
    return _LINK.sub(link, _ACTIVE_TEX.sub(r"\\mathrm{\1}", _TAG.sub("< ", source)))


def output(output: NotebookNode) -> NotebookNode:
    """An output without the forms that a browser runs: HTML, SVG, JavaScript, LaTeX, widgets."""
    if "data" in output:
        output.data = {kind: data for kind, data in output.data.items() if kind in KINDS}
    return output
