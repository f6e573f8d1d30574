"""What surrounds a chapter: the way into Colab, the download, and what link previews show.

A chapter is a page that starts with its number, ``NN_name``. Its student notebook is
``notebooks/NN_name.ipynb`` of the repository that ``_config.yml`` names; the theme's own launch buttons
would open the book's source instead, so these are made here.
"""

from __future__ import annotations

import re
import shutil
from html import escape
from pathlib import Path

from docutils import nodes
from exercises import exercise_card, spoken

COLAB = "https://colab.research.google.com/github"
DOWNLOADS = "_downloads/notebooks"


def is_chapter(pagename: str) -> bool:
    return re.match(r"\d\d_", pagename) is not None


def colab_url(app, pagename: str) -> str:
    """Where Colab opens the student notebook of a chapter."""
    options = app.config.html_theme_options
    repository = options["repository_url"].rstrip("/").removeprefix("https://github.com/")
    return f"{COLAB}/{repository}/blob/{options['repository_branch']}/notebooks/{pagename}.ipynb"


def add_ways_in(app, pagename, templatename, context, doctree) -> None:
    """A bar under the title and a menu in the header: open in Colab, download."""
    if doctree is None or not is_chapter(pagename):
        return
    colab = colab_url(app, pagename)
    download = f"{context['pathto'](DOWNLOADS, 1)}/{pagename}.ipynb"
    bar = (
        f'<div class="chapter-bar"><a class="colab-button" href="{escape(colab)}">Open in Colab</a>'
        f'<a class="download-button" href="{escape(download)}" download>Download notebook</a>'
        f"<span>{size_of_chapter(doctree)}</span></div>"
    )
    context["body"] = context["body"].replace("</h1>", "</h1>\n" + bar, 1)
    context["header_buttons"].insert(
        0, launch_menu({"Colab": (colab, "fa-rocket"), "Download": (download, "fa-download")})
    )


def launch_menu(links: dict[str, tuple[str, str]]) -> dict:
    """A header menu in the theme's own words: what each link is called, its address and its icon."""
    buttons = [
        {"type": "link", "text": text, "url": url, "icon": f"fas {icon}", "label": f"launch-{text.lower()}"}
        for text, (url, icon) in links.items()
    ]
    tooltip = "Work on this chapter"
    return {
        "type": "group",
        "tooltip": tooltip,
        "icon": "fas fa-rocket",
        "buttons": buttons,
        "label": "launch-buttons",
    }


def size_of_chapter(doctree: nodes.document) -> str:
    """For instance `7 exercises · 24 points · about 2 hours`; nothing where there are none."""
    cards = list(doctree.findall(exercise_card))
    if not cards:
        return ""
    minutes = sum(card["minutes"] for card in cards)
    return f"{len(cards)} exercises · {sum(card['points'] for card in cards):g} points · about {spoken(minutes)}"


def add_link_preview(app, pagename, templatename, context, doctree) -> None:
    """Open Graph tags: what a chat or a social site shows for a link to the page."""
    if doctree is None:
        return
    base = app.config.html_baseurl
    first = next((p.astext() for p in doctree.findall(nodes.paragraph)), "")
    description = escape(" ".join(first.split())[:200])
    title = escape(app.env.titles[pagename].astext())
    context["metatags"] += (
        f'<meta name="description" content="{description}">\n'
        f'<meta property="og:title" content="{title}">\n'
        f'<meta property="og:description" content="{description}">\n'
        f'<meta property="og:type" content="website">\n'
        f'<meta property="og:url" content="{base}{pagename}.html">\n'
        f'<meta property="og:image" content="{base}_static/images/social-card.png">\n'
        f'<meta name="twitter:card" content="summary_large_image">\n'
    )


def copy_notebooks(app, exception) -> None:
    """The student notebooks go with the site, so that they can be had where Colab cannot be reached."""
    if exception or app.builder.name != "html":
        return
    source = Path(app.srcdir).parent / "notebooks"
    target = Path(app.outdir) / DOWNLOADS
    target.mkdir(parents=True, exist_ok=True)
    for notebook in source.glob("*.ipynb"):
        shutil.copyfile(notebook, target / notebook.name)


def setup(app) -> dict:
    app.connect("html-page-context", add_ways_in, priority=900)  # after the theme has made its own buttons
    app.connect("html-page-context", add_link_preview, priority=900)
    app.connect("build-finished", copy_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
