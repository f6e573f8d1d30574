"""Old addresses lead on: `moved_pages` in _config.yml says which page has become which.

A small page stays at each old address. Its script takes the #anchor along; without JavaScript the browser goes without it.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from sphinx.util import logging

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>This page has moved</title>
<link rel="canonical" href="{canonical}">
<script>location.replace({script} + location.search + location.hash)</script>
<noscript><meta http-equiv="refresh" content="0; url={address}"></noscript>
</head>
<body><p>This page has moved: <a href="{address}">here it is</a>.</p></body>
</html>
"""


def write_moved(app, exception) -> None:
    if exception or app.builder.name != "html":
        return
    for old, new in app.config.moved_pages.items():
        if old in app.env.found_docs or new not in app.env.found_docs:
            logging.getLogger(__name__).warning(
                "moved_pages: expected %s to be a page, and %s to be none any more", new, old)
            continue
        address = app.builder.get_target_uri(new)
        page = PAGE.format(canonical=escape(app.config.html_baseurl + address),
                           address=escape(address), script=json.dumps(address))
        (Path(app.outdir) / app.builder.get_target_uri(old)).write_text(page, encoding="utf-8")


def setup(app) -> dict:
    app.add_config_value("moved_pages", {}, "", types=[dict])
    app.connect("build-finished", write_moved)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
