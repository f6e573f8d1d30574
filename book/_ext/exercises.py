"""Exercise cards: what to do, what it is worth, and hints.

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
"""

from __future__ import annotations

from html import escape

from docutils import nodes
from docutils.parsers.rst import directives
from folds import fold
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

DIFFICULTIES = {1: "easy", 2: "medium", 3: "hard"}


class exercise_card(nodes.General, nodes.Element):
    """An exercise: an `exercise_title`, then what to do, then hints."""


class exercise_title(nodes.TextElement):
    """The heading of a card, and beneath it what the exercise is worth."""


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
        missing = [
            name for name in ("id", "number", "points", "difficulty", "minutes") if name not in self.options
        ]
        if missing:
            raise self.error(f"the exercise {self.arguments[0]!r} has no :{missing[0]}:")
        anchor = nodes.make_id(self.options["id"])
        card = exercise_card(ids=[anchor], **{"kind": "code", **self.options})
        self.set_source_info(card)
        text, _ = self.state.inline_text(self.arguments[0], self.lineno)
        card += exercise_title("", f"Exercise {self.options['number']} · ", *text)
        self.state.nested_parse(self.content, self.content_offset, card)
        number_hints(card)
        name = self.options["id"].rpartition(".")[2]
        card += addnodes.index(entries=[("single", f"{name}, exercise {self.options['number']}", anchor, "", None)])
        self.env.get_domain("std").note_hyperlink_target(
            self.options["id"], self.env.docname, anchor, f"exercise {self.options['number']}"
        )
        return [card]


def spoken(minutes: float, minute: str = " minutes", hour: str = " hours") -> str:
    """For instance `85 minutes`; from an hour and a half on in half hours, `2.5 hours`."""
    return f"{minutes:g}{minute}" if minutes < 90 else f"{round(minutes / 30) / 2:g}{hour}"


def number_hints(card: exercise_card) -> None:
    hints = [child for child in card if isinstance(child, fold) and "hint" in child["classes"]]
    if len(hints) > 1:
        for number, hint in enumerate(hints, start=1):
            hint["summary"] = f"Hint {number}"


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
        f"about {spoken(card['minutes'])}",
    ]
    if card["kind"] == "written":
        parts.append("graded by hand")
    return " · ".join(parts) + f' <code class="exercise-id">{escape(card["id"])}</code>'


def setup(app) -> dict:
    app.add_node(exercise_card, html=(visit_card, depart_card))
    app.add_node(exercise_title, html=(visit_title, depart_title))
    app.add_directive("exercise", Exercise)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
