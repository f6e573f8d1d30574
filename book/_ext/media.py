"""Pictures and clips in files of their own, fetched when the reader comes near them.

A stored run holds its pictures as text inside the page, which a browser must read through before it can show anything.
Here each becomes a file of ``_images/``, named by its content: pictures and film strips load as they come into view, a
video when it is about to play (course.js starts it). Tiny ones stay where they are.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

DATA = re.compile(r'(?P<attribute>src|poster)="data:'
                  r'(?P<kind>image/png|image/jpeg|image/svg\+xml|video/mp4);base64,(?P<data>[^"]+)"')
IMAGE = re.compile(r"<img(?![^>]*\bloading=)")
VIDEO = re.compile(r'(<video\b[^>]*?) preload="metadata"([^>]*?) onloadeddata="[^"]*"')
SUFFIX = {"image/png": ".png", "image/jpeg": ".jpg", "image/svg+xml": ".svg", "video/mp4": ".mp4"}
TINY = 1500  # characters; a request would cost more


def move_to_files(html: str, folder: Path, address: str) -> str:
    """`html` with its embedded pictures and videos written to `folder`, which it finds at `address`."""

    def moved(found: re.Match) -> str:
        if len(found["data"]) < TINY:
            return found[0]
        content = base64.b64decode(found["data"])
        path = folder / (hashlib.sha256(content).hexdigest()[:16] + SUFFIX[found["kind"]])
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f'{found["attribute"]}="{address}/{path.name}"'

    return DATA.sub(moved, html)


def load_late(html: str) -> str:
    """Pictures wait until the reader comes near, videos until they play."""
    return VIDEO.sub(r'\1 preload="none"\2', IMAGE.sub('<img loading="lazy" decoding="async"', html))


def lighten(app, pagename, templatename, context, doctree) -> None:
    if body := context.get("body"):
        address = context["pathto"]("_images", 1)
        body = move_to_files(body, Path(app.outdir) / "_images", address)
        context["body"] = load_late(body) if app.builder.name == "html" else body  # a printer would not wait


def setup(app) -> dict:
    app.connect("html-page-context", lighten, priority=950)  # when the body is complete
    return {"parallel_read_safe": True, "parallel_write_safe": True}
