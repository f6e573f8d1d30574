"""Mathematics drawn while the book is built.

KaTeX runs here (`autograde.writing.katex`), so a page carries finished HTML and MathML and no script. A formula that
it cannot read is a Sphinx warning with its place: with ``-W`` it fails the build.
"""

from __future__ import annotations

import re
from html import escape

from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

from autograde.writing import katex

OPTIONS = {
    "output": "htmlAndMathml",  # screen readers read the MathML, which is hidden from view
    "strict": "error",  # what is not LaTeX would look different in the Colab notebook
    "throwOnError": True,
}
# KaTeX would number these by itself; Sphinx has given the number already.
NUMBERED = re.compile(r"\\(begin|end)\{(equation|align|alignat|gather|multline)\}")
PUNCTUATION = re.compile(r"[.,;:?!)\]’”]+")

logger = logging.getLogger(__name__)


def html_or_warning(node: nodes.Element, *, display: bool) -> str:
    latex = NUMBERED.sub(r"\\\1{\2*}", node.astext())
    try:
        return katex.draw(latex, {**OPTIONS, "displayMode": display})
    except ValueError as error:
        logger.warning("invalid formula %r: %s", latex, error, location=node, type="prekatex")
        return f'<code class="katex-error">{escape(latex)}</code>'


def keep_punctuation(app, doctree: nodes.document, docname: str) -> None:
    """A formula takes what must stand on its line with it: `,` or `)` in the text that follows goes to its attribute `then`."""
    for formula in list(doctree.findall(nodes.math)):
        place = formula.parent.index(formula) + 1
        following = formula.parent[place] if place < len(formula.parent) else None
        if isinstance(following, nodes.Text) and (found := PUNCTUATION.match(following)):
            formula["then"] = found[0]
            formula.parent[place] = nodes.Text(following[found.end():])


def visit_inline(self, node: nodes.math) -> None:
    html = html_or_warning(node, display=False)
    alone = "then" in node and html.count('class="katex-base"') == 1  # a longer one may be broken between its parts
    self.body.append('<span class="unbroken">' if alone else "")
    self.body.append(self.starttag(node, "span", "", CLASS="math notranslate nohighlight"))
    self.body.append(f"{html}</span>{node.get('then', '')}" + ("</span>" if alone else ""))
    raise nodes.SkipNode


def visit_block(self, node: nodes.math_block) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    self.body.append(html_or_warning(node, display=True))
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<a class="eqno" href="#{node["ids"][0]}" title="Link to this equation">({number})</a>')
    self.body.append("</div>\n")
    raise nodes.SkipNode


def add_stylesheet(app, pagename, templatename, context, doctree) -> None:
    """KaTeX's stylesheet and fonts are only for the pages that have a formula."""
    if 'class="katex' in context.get("body", ""):
        app.add_css_file("katex/katex.min.css")


def setup(app) -> dict:
    app.add_html_math_renderer("prekatex", (visit_inline, None), (visit_block, None))
    app.connect("doctree-resolved", keep_punctuation)
    app.connect("html-page-context", add_stylesheet)
    app.connect("build-finished", lambda app, error: katex.close())
    return {"parallel_read_safe": True, "parallel_write_safe": True}
