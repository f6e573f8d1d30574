"""Exercise cards, their hints, and the answers folded away beneath them.

    :::::{exercise} Discriminator loss
    :id: gan_losses.discriminator_loss
    :number: 2.1
    :points: 4
    :difficulty: 1
    :minutes: 10
    Text ...
    ::::{hint}
    Text ...
    ::::
    :::::

What folds is the browser's own ``<details>``: it works by keyboard, by search in the page and without JavaScript.
"""

from __future__ import annotations

from html import escape

from docutils import nodes
from docutils.parsers.rst import directives
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

DIFFICULTIES = {1: "easy", 2: "medium", 3: "hard"}


class exercise_card(nodes.General, nodes.Element):
    """An exercise: an `exercise_title`, then what to do, then hints."""


class exercise_title(nodes.TextElement):
    """The heading of a card, and beneath it what the exercise is worth."""


class fold(nodes.General, nodes.Element):
    """Something the reader opens: ``<details>`` with the attribute `summary` as its label."""


def between(low: float, high: float):
    """An option that is a number in [low, high]."""

    def convert(argument: str | None) -> float:
        number = float(argument or "nan")
        if not low <= number <= high:
            raise ValueError(f"expected a number from {low} to {high}, got {argument!r}")
        return number

    return convert


def kind(argument: str | None) -> str:
    return directives.choice(argument, ("code", "written"))


class Exercise(SphinxDirective):
    """A card with what to do, what it is worth, and hints."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec = {
        "id": directives.unchanged_required,
        "number": directives.unchanged_required,
        "points": between(0, 100),
        "difficulty": between(1, 3),
        "minutes": between(1, 600),
        "kind": kind,
    }

    def run(self) -> list[nodes.Node]:
        self.assert_has_content()
        missing = [name for name in ("id", "number", "points", "difficulty", "minutes") if name not in self.options]
        if missing:
            raise self.error(f"the exercise {self.arguments[0]!r} has no :{missing[0]}:")
        anchor = nodes.make_id(self.options["id"])
        card = exercise_card(ids=[anchor], **{"kind": "code", **self.options})
        self.set_source_info(card)
        text, _ = self.state.inline_text(self.arguments[0], self.lineno)
        card += exercise_title("", f"Exercise {self.options['number']} · ", *text)
        self.state.nested_parse(self.content, self.content_offset, card)
        number_hints(card)
        self.env.get_domain("std").note_hyperlink_target(
            self.options["id"], self.env.docname, anchor, f"exercise {self.options['number']}"
        )
        return [card]


def number_hints(card: exercise_card) -> None:
    hints = [child for child in card if isinstance(child, fold) and "hint" in child["classes"]]
    if len(hints) > 1:
        for number, hint in enumerate(hints, start=1):
            hint["summary"] = f"Hint {number}"


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
                cell.update_all_atts({"hide_mode": "input", "prompt_show": "Solution", "prompt_hide": "Solution"})
            elif "tag_check" in cell["classes"]:
                cell.insert(0, nodes.paragraph("", "Check your answer", classes=["check-label"]))


def visit_card(self, node: exercise_card) -> None:
    anchor = node["ids"][0]
    self.body.append(f'<section class="exercise" id="{anchor}" aria-labelledby="{anchor}-title">\n')


def depart_card(self, node: exercise_card) -> None:
    self.body.append("</section>\n")


def visit_title(self, node: exercise_title) -> None:
    level = min(self.section_level + 1, 6)
    self.body.append(f'<h{level} class="exercise-title" id="{node.parent["ids"][0]}-title">')


def depart_title(self, node: exercise_title) -> None:
    level = min(self.section_level + 1, 6)
    link = f'<a class="headerlink" href="#{node.parent["ids"][0]}" title="Link to this exercise">#</a>'
    self.body.append(f'{link}</h{level}>\n<p class="exercise-meta">{meta_line(node.parent)}</p>\n')


def meta_line(card: exercise_card) -> str:
    """For instance `4 points · ★☆☆ easy · about 10 minutes`; the stars are not read aloud."""
    stars = int(card["difficulty"])
    parts = [
        f"{card['points']:g} point" + ("s" if card["points"] != 1 else ""),
        f'<span aria-hidden="true">{"★" * stars}{"☆" * (3 - stars)}</span> {DIFFICULTIES[stars]}',
        f"about {card['minutes']:g} minutes",
    ]
    if card["kind"] == "written":
        parts.append("graded by hand")
    return " · ".join(parts) + f' <code class="exercise-id">{escape(card["id"])}</code>'


def visit_fold(self, node: fold) -> None:
    self.body.append(f'<details class="fold {" ".join(node["classes"])}"><summary>{escape(node["summary"])}</summary>\n')


def depart_fold(self, node: fold) -> None:
    self.body.append("</details>\n")


def visit_hidden_code(self, node: HideCodeCellNode) -> None:
    """myst-nb's own summary is read aloud as "Toggle hidden content"; this one says what it opens."""
    self.body.append(f'<details class="fold code"><summary>{escape(node["prompt_show"])}</summary>\n')


def setup(app) -> dict:
    app.add_node(exercise_card, html=(visit_card, depart_card))
    app.add_node(exercise_title, html=(visit_title, depart_title))
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_node(HideCodeCellNode, override=True, html=(visit_hidden_code, depart_fold))
    app.add_directive("exercise", Exercise)
    app.add_directive("hint", Hint, override=True)
    app.add_directive("solution", Solution)
    app.add_post_transform(LabelCells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
