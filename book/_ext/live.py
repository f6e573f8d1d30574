"""Demos that run in the reader's browser, without a server: `{live} image`, `{live} video`, `{live} steered`, `{live} plane`.

    :::{live} plane
    What there is to try, in Markdown.
    :::

The page, which lies in book/ itself, gets a picture in a frame; a script puts the demo in the picture's place.
Without JavaScript the picture stays. The scripts are classic ones and the weights come as one more (base64 in a
string), because browsers load neither modules nor data into a page that was opened from a folder.
book/assets/live/README.md says why they are written by hand.
"""

from __future__ import annotations

import base64
import gzip
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from PIL import Image
from sphinx.util.docutils import SphinxDirective

WEIGHTS = Path(__file__).parents[2] / "solutions" / "published" / "weights"
ASSETS = Path(__file__).parents[1] / "assets" / "live"
GENERATORS = {"image": "dcgan", "video": "mocogan", "steered": "steered"}  # whose weights a demo loads when it is asked to
SCRIPTS = {
    "image": ["random", "tinygan", "controls", "shipped", "generators"],
    "video": ["random", "tinygan", "controls", "shipped", "generators"],
    "steered": ["random", "tinygan", "controls", "shipped", "steered"],
    "plane": ["random", "toygan", "controls", "plane"],
}
TITLES = {
    "image": "Live: DCGAN draws people",
    "video": "Live: MoCoGAN makes people move",
    "steered": "Live: a person who obeys you",
    "plane": "Live: a GAN on the plane",
}
# Made by `python -m solutions.published.live_pictures`.
PICTURES = {"image": "image.png", "video": "video.png", "steered": "steered.png", "plane": "plane.webp"}
ALTS = {
    "image": "Sixteen small people on a meadow, drawn by the generator of the demo: hair, clothes and poses differ.",
    "video": "Film strips of four people on a meadow, eight frames each, made by the generator of the demo.",
    "steered": "Six film strips of one person, made by the network of the demo: it stands, walks left, right, up, down, waves.",
    "plane": "Eight blue clusters in a circle with orange samples on them; the green shade is the discriminator's map.",
}


class live(nodes.General, nodes.Element):
    """A demo: `kind` is which, `start` names the settings it begins with. Its children say what to try."""


class Live(SphinxDirective):
    """A demo, with what there is to try as its content."""

    required_arguments = 1
    has_content = True
    option_spec = {"start": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        kind = self.arguments[0]
        if kind not in SCRIPTS:
            raise self.error(f"expected {{live}} {' or '.join(SCRIPTS)}, got {kind!r}")
        node = live(kind=kind, start=self.options.get("start", ""))
        self.set_source_info(node)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


def visit_live(self, node: live) -> None:
    kind = node["kind"]
    start = f' data-start="{escape(node["start"])}"' if node["start"] else ""
    size = f' data-megabytes="{on_the_wire(kind) / 1e6:.1f}"' if kind in GENERATORS else ""
    self.body.append(
        f'<div class="live" id="live-{kind}" data-live="{kind}"{start}{size} '
        f'role="group" aria-labelledby="live-{kind}-title">\n'
        f'<p class="live-title" id="live-{kind}-title">{TITLES[kind]}</p>\n'
    )


def depart_live(self, node: live) -> None:
    name = PICTURES[node["kind"]]
    width, height = (3 * n for n in Image.open(ASSETS / name).size)  # shown as wide as the page allows
    self.body.append(
        f'<img class="dark-light" src="_static/live/{name}" alt="{escape(ALTS[node["kind"]])}" '
        f'width="{width}" height="{height}" loading="lazy">\n'
        "<noscript><p>The demo itself needs JavaScript.</p></noscript>\n</div>\n"
    )


def script_of_weights(kind: str) -> str:
    """The weights of a demo's generator as a script: the file in solutions/published/weights/ itself."""
    name = GENERATORS[kind]
    data = base64.b64encode((WEIGHTS / f"{name}.safetensors").read_bytes()).decode()
    return f'(globalThis.liveWeights ??= {{}}).{name} = "{data}";\n'


@cache
def on_the_wire(kind: str) -> int:
    """The bytes of that script as a host sends it, compressed."""
    return len(gzip.compress(script_of_weights(kind).encode()))


def add_scripts(app, pagename, templatename, context, doctree) -> None:
    """Only a page with a demo gets what it needs. On paper nothing runs, and the pictures stay."""
    if doctree is None or app.builder.name == "singlehtml":
        return
    kinds = {node["kind"] for node in doctree.findall(live)}
    for name in dict.fromkeys(name for kind in sorted(kinds) for name in SCRIPTS[kind]):
        app.add_js_file(f"live/{name}.js", loading_method="defer")
    if kinds:
        app.add_css_file("live/live.css")


def write_weights(app, exception) -> None:
    """The weights go with the site; a page asks for them when its reader does."""
    if exception or app.builder.format != "html":
        return
    folder = Path(app.outdir) / "_static" / "live" / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    for kind, name in GENERATORS.items():
        (folder / f"{name}.js").write_text(script_of_weights(kind), encoding="ascii")


def setup(app) -> dict:
    app.add_node(live, html=(visit_live, depart_live))
    app.add_directive("live", Live)
    app.connect("html-page-context", add_scripts)
    app.connect("build-finished", write_weights)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
