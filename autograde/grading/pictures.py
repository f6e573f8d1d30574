"""Pictures in what students write: however a program keeps them, from here on they are attachments of their cell.

Jupyter and VS Code keep a picture beside the text, `![a](attachment:image.png)`, Colab inside it,
`![a](data:image/png;base64,…)`, and people write `![a][1]` and `<img src="…">`. All become
`![a](attachment:picture-1.png)`, so a text's length is that of its words.
"""
from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from .drawing import KINDS, LeftOut, drawn, pixels

MAX_TEXT = 100_000            # letters of a text cell, without its pictures; the longest of the course has 6,000
MAX_PICTURES = 50             # of a notebook, in all its texts
MAX_ALL_PIXELS = 100_000_000  # of all: a few seconds of reading
MAX_ALL_DRAWN = 10_000_000    # bytes of all: a feedback page with them can still be mailed
MAX_SAID = 3                  # sentences about what was left out

_HEAD = (r"data:(?P<{0}>(?:image/[\w.+-]{{1,60}}(?:;[\w=.-]{{1,60}}){{0,5}})"
         r"|[\w.+/-]{{0,60}}(?:;[\w=.-]{{1,60}}){{0,4}};base64),")
_INSIDE = rf"(?<=[\"'<]){_HEAD.format('head')}(?P<body>[\w+/=%\s-]*+)(?=[\"'>])"
_PLAIN = rf"(?<!\w){_HEAD.format('plain_head')}(?P<plain_body>[^\s)>\"']*+)"
_NAME = r"(?:[^\s<>()\"']|\([^\s<>()\"']{0,300}\)){1,1000}"
_SOURCE = re.compile(rf"{_INSIDE}|{_PLAIN}|<attachment:(?P<angle>[^<>\n]{{1,1000}})>|attachment:(?P<name>{_NAME})",
                     re.IGNORECASE)
_ALT = r"(?P<alt>(?:[^\[\]\\]|\\.|\[[^\[\]]{0,300}\]){0,300})"
_TITLE = r"(?:\s{1,9}(?:\"[^\"]{0,300}\"|'[^']{0,300}'|\([^()]{0,300}\)))?"
_IMAGE = re.compile(rf"!?\[{_ALT}\]\(\s{{0,9}}"
                    rf"(?:<attachment:(?P<angle>[^<>\n]{{1,1000}})>|attachment:(?P<name>{_NAME})){_TITLE}\s{{0,9}}\)")
_DEFINITION = re.compile(r"^ {0,3}\[(?P<label>[^\[\]]{1,300})\]:\s{0,9}<?attachment:(?P<name>[^\s<>]{1,1000})>?"
                         + _TITLE + r"[ \t]{0,9}$", re.MULTILINE)
_REFERENCE = re.compile(rf"!\[{_ALT}\](?:\[(?P<label>[^\[\]]{{0,300}})\])?(?!\()")
_AROUND = r"(?:div|center|p|figure)"
_TAG = re.compile(rf"(?:<{_AROUND}\b[^<>]{{0,300}}>\s{{0,99}})?<img\b(?P<attributes>[^<>]{{0,2000}})>"
                  rf"(?:\s{{0,99}}</{_AROUND}>)?", re.IGNORECASE)
_ATTRIBUTE = r"(?<![\w-]){}\s{{0,9}}=\s{{0,9}}(?:\"(?P<a>[^\"]*)\"|'(?P<b>[^']*)'|(?P<c>[^\s\"'>]+))"


class Pictures:
    """Takes in the pictures of one notebook, cell by cell, within bounds. `said`: sentences about what was left out.

    released: the text that was handed out; of its own pictures nothing is said.
    """

    def __init__(self, released: str = "") -> None:
        self._released = released
        self._sentences: list[str] = []
        self._count = self._pixels = self._bytes = 0

    @property
    def said(self) -> list[str]:
        said, more = self._sentences[:MAX_SAID], len(self._sentences) - MAX_SAID
        if more > 0:
            said.append(f"{more} more pictures or ends of texts were left out; where each stood, it says why.")
        return said

    def taken_in(self, text: str, attachments: Any, place: str) -> tuple[str, dict[str, dict[str, str]]]:
        """A cell's text with all pictures in the one form, and these. What is not kept is said where it stood.

        Args:
            attachments: as the cell has them, of any kind.
            place: what sentences call the cell.
        """
        given = attachments if isinstance(attachments, Mapping) else {}
        kept: dict[str, dict[str, str]] = {}
        reasons: dict[str, str] = {}

        def name(match: re.Match) -> str:
            try:
                content = _content(match, given)
                return match[0] if content is None else f"attachment:{self._keep(content, kept)}"
            except LeftOut as error:
                reasons[f"left-out-{len(reasons) + 1}"] = "" if match[0] in self._released else str(error)
                return f"attachment:left-out-{len(reasons)}"

        def show(match: re.Match) -> str:
            alt, target = _plain(match["alt"]), match["angle"] or match["name"]
            if target in kept:
                return f"![{alt}](attachment:{target})"
            why = reasons.get(target, "its file is not in the notebook; paste it anew")
            if not why:
                return alt
            self._sentences.append(f"{place}: a picture{f' ({alt[:40]})' if alt else ''} was left out: {why}.")
            return f"{alt} *(a picture was left out: {why})*".strip()

        text = self._cut(_SOURCE.sub(name, text), place)
        text = _IMAGE.sub(show, _without_references(_TAG.sub(_without_tag, text)))
        return text, {target: bundle for target, bundle in kept.items() if f"(attachment:{target})" in text}

    def _keep(self, content: bytes, kept: dict[str, dict[str, str]]) -> str:
        """Draw a picture into `kept`; its name there."""
        if self._count >= MAX_PICTURES:
            raise LeftOut(f"a notebook may have {MAX_PICTURES} pictures")
        self._count += 1
        self._pixels += pixels(content)
        if self._pixels > MAX_ALL_PIXELS:
            raise LeftOut(f"the notebook's pictures have more than {MAX_ALL_PIXELS / 1e6:.0f} million pixels together")
        kind, new = drawn(content)
        if self._bytes + len(new) > MAX_ALL_DRAWN:
            raise LeftOut(f"the notebook's pictures have more than {MAX_ALL_DRAWN / 1e6:.0f} MB together")
        self._bytes += len(new)
        name = f"picture-{self._count}.{kind}"
        kept[name] = {KINDS[kind]: base64.b64encode(new).decode()}
        return name

    def _cut(self, text: str, place: str) -> str:
        if len(text) <= MAX_TEXT:
            return text
        self._sentences.append(f"{place} has {len(text):,} letters of text; the first {MAX_TEXT:,} were kept.")
        return f"{text[:MAX_TEXT]}\n\n*(The rest was left out: a text cell may have {MAX_TEXT:,} letters.)*"


def _content(match: re.Match, attachments: Mapping) -> bytes | None:
    """The bytes of a picture in the text, or of the attachment that it names; None where there is no such."""
    if name := match["angle"] or match["name"]:
        bundle = attachments.get(unquote(name), attachments.get(name))
        if not isinstance(bundle, Mapping) or not bundle:
            return None
        data = next(iter(bundle.values()))
        data = "".join(map(str, data)) if isinstance(data, list) else str(data)
        return _decoded(data.encode(errors="replace"))
    body = unquote_to_bytes((match["body"] or match["plain_body"] or "").encode(errors="replace"))
    head = match["head"] or match["plain_head"]
    return _decoded(body) if head.lower().endswith(";base64") else body


def _decoded(data: bytes) -> bytes:
    try:
        return base64.b64decode(data + b"==")
    except binascii.Error:
        raise LeftOut("it is cut off or damaged") from None


def _without_references(text: str) -> str:
    """`![a][1]`, with `[1]: attachment:…` somewhere, as `![a](attachment:…)`."""
    targets = {_plain(match["label"]).casefold(): match["name"] for match in _DEFINITION.finditer(text)}

    def inline(match: re.Match) -> str:
        target = targets.get(_plain(match["label"] or match["alt"]).casefold())
        return f"![{match['alt']}](attachment:{target})" if target else match[0]

    return _REFERENCE.sub(inline, _DEFINITION.sub("", text)) if targets else text


def _without_tag(match: re.Match) -> str:
    """`<img src="attachment:…">` as Markdown; in a paragraph of its own where HTML stands around it."""
    source, alt = (_attribute(match["attributes"], name) for name in ("src", "alt"))
    if not source.startswith("attachment:"):
        return match[0]
    before = match.string[match.string.rfind("\n", 0, match.start()) + 1:match.start()].strip()
    gap = "\n\n" if not before or before.startswith("<") else ""
    return f"{gap}![{_plain(alt)}]({source}){gap}"


def _attribute(attributes: str, name: str) -> str:
    found = re.search(_ATTRIBUTE.format(name), attributes, re.IGNORECASE)
    return (found["a"] or found["b"] or found["c"] or "").strip() if found else ""


def _plain(text: str) -> str:
    """On one line, without what could end the brackets around it."""
    return re.sub(r"[\[\]\\\s]+", " ", text).strip()
