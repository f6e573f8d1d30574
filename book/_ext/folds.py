"""What the reader opens: hints, answers, code that is not the point.

It is the browser's own ``<details>``: it works by keyboard, by search in the page and without JavaScript.
"""

from __future__ import annotations

from html import escape

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective


class fold(nodes.General, nodes.Element):
    """Something the reader opens: ``<details>`` with the attribute `summary` as its label."""


class Fold(SphinxDirective):
    """Content that starts closed."""

    has_content = True
    summary = ""
    css_class = ""

    def run(self) -> list[nodes.Node]:
        self.assert_has_content()
        node = fold(summary=self.summary, classes=[self.css_class])
        self.set_source_info(node)
        self.state.nested_parse(self.content, self.content_offset, node)
        return [node]


class Hint(Fold):
    """A hint, in the words of the author."""

    summary = "Hint"
    css_class = "hint"


class Solution(Fold):
    """The model answer to a written exercise."""

    summary = "Model answer"
    css_class = "solution"


class LabelCells(SphinxPostTransform):
    """Folds the cells tagged `exercise` under "Solution" and names the cells tagged `check`."""

    default_priority = 190  # just before myst-nb wraps what is to be hidden, at 199
    formats = ("html",)

    def run(self, **kwargs) -> None:
        for cell in list(self.document.findall(nodes.container)):
            if "tag_exercise" in cell["classes"]:
                cell.update_all_atts(
                    {"hide_mode": "input", "prompt_show": "Solution", "prompt_hide": "Solution"}
                )
            elif "tag_check" in cell["classes"]:
                cell.insert(0, nodes.paragraph("", "Check your answer", classes=["check-label"]))


def visit_fold(self, node: fold) -> None:
    self.body.append(
        f'<details class="fold {" ".join(node["classes"])}"><summary>{escape(node["summary"])}</summary>\n'
    )


def depart_fold(self, node: fold) -> None:
    self.body.append("</details>\n")


def visit_hidden_code(self, node: HideCodeCellNode) -> None:
    """myst-nb's own summary is read aloud as "Toggle hidden content"; this one says what it opens."""
    self.body.append(f'<details class="fold code"><summary>{escape(node["prompt_show"])}</summary>\n')


def setup(app) -> dict:
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_node(HideCodeCellNode, override=True, html=(visit_hidden_code, depart_fold))
    app.add_directive("hint", Hint, override=True)
    app.add_directive("solution", Solution)
    app.add_post_transform(LabelCells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
