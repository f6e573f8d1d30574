"""What search engines read: the list of all pages, and where it is."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape


def write_sitemap(app, exception) -> None:
    if exception or app.builder.name != "html":
        return
    base = app.config.html_baseurl
    places = "".join(f"<url><loc>{escape(base + app.builder.get_target_uri(page))}</loc></url>\n"
                     for page in sorted(app.env.found_docs))
    sitemap = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{places}</urlset>\n'
    (Path(app.outdir) / "sitemap.xml").write_text(sitemap, encoding="utf-8")
    (Path(app.outdir) / "robots.txt").write_text(f"User-agent: *\nAllow: /\nSitemap: {base}sitemap.xml\n", encoding="utf-8")


def setup(app) -> dict:
    app.connect("build-finished", write_sitemap)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
