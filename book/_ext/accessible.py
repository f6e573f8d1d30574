"""Corrections of what docutils and the theme write, where screen readers or the keyboard would stumble (axe-core says so)."""

from __future__ import annotations

import re

MENDED = [
    (re.compile(r'<th class="head[^"]*"><p></p></th>'), "<td></td>"),  # a heading that says nothing is none
    (re.compile(r'<a class="[^"]*image-reference[^"]*" href="data:[^"]*">(<img [^>]*>)\s*</a>'), r"\1"),  # leads nowhere
    (re.compile(r' role="doc-biblioentry"'), ""),  # deprecated, and not allowed here
    (re.compile(r'<div role="list" class="citation-list">'), '<div class="citation-list">'),  # its children are no items
    # What may scroll can be reached by keyboard; `course.js` takes that back from what fits.
    (re.compile(r'<(pre|div class="(?:math[ "]|output text_html|pst-scrollable-table-container)[^>]*)>'), r'<\1 tabindex="0">'),
]


def mend(app, pagename, templatename, context, doctree) -> None:
    if body := context.get("body"):
        for wrong, right in MENDED:
            body = wrong.sub(right, body)
        context["body"] = body


def setup(app) -> dict:
    app.connect("html-page-context", mend, priority=940)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
