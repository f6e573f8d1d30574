r"""A question that the page itself answers.

    ::::{quiz} Which loss still has a gradient where $D(G(z))$ is close to 0?
    - [ ] $\log(1 - D(G(z)))$
      It is flat there ...
    - [x] $-\log D(G(z))$
      Its slope there is ...
    ::::

An option is one line; what is indented beneath it is the explanation, shown when the option is chosen.
Without JavaScript each explanation waits in a ``<details>``. One right option makes radio buttons, several
make checkboxes.
"""

from __future__ import annotations

import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

OPTION = re.compile(r"[-*] \[([ xX])\] (.+)")


class quiz(nodes.General, nodes.Element):
    """A `quiz_question`, then `quiz_option`s. `several`: more than one of them is right."""


class quiz_question(nodes.TextElement):
    """The question itself."""


class quiz_option(nodes.General, nodes.Element):
    """A `quiz_label`, then a `quiz_reason`."""


class quiz_label(nodes.TextElement):
    """What may be chosen."""


class quiz_reason(nodes.General, nodes.Element):
    """Why the option is right or wrong: `right` is a bool."""


class Quiz(SphinxDirective):
    """A question with at least two options, at least one of them right, each explained."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        question, _ = self.state.inline_text(self.arguments[0], self.lineno)
        options = [self.option(start, end) for start, end in self.option_ranges()]
        right = sum(reason["right"] for option in options for reason in option.findall(quiz_reason))
        self.require(len(options) > 1, "at least two options, each `- [ ] text` or `- [x] text`")
        self.require(right > 0, "a right option, `- [x] text`")
        node = quiz("", quiz_question("", "", *question), *options, several=right > 1)
        node["name"] = f"quiz-{self.env.new_serialno('quiz')}"
        self.set_source_info(node)
        return [node]

    def option_ranges(self) -> list[tuple[int, int]]:
        starts = [i for i, line in enumerate(self.content) if OPTION.match(line)]
        return list(zip(starts, [*starts[1:], len(self.content)], strict=True))

    def option(self, start: int, end: int) -> quiz_option:
        mark, text = OPTION.fullmatch(self.content[start].rstrip()).groups()
        label, _ = self.state.inline_text(text, self.lineno + start)
        lines = StringList(
            [line.strip() for line in self.content[start + 1 : end]], source=self.content.source(0)
        )
        reason = quiz_reason(right=mark != " ")
        self.state.nested_parse(lines, self.content_offset + start + 1, reason)
        self.require(len(reason) > 0, f"an indented explanation beneath the option {text!r}")
        return quiz_option("", quiz_label("", "", *label), reason)

    def require(self, condition: bool, expected: str) -> None:
        if not condition:
            raise self.error(f"quiz {self.arguments[0]!r}: expected {expected}")


def visit_quiz(self, node: quiz) -> None:
    self.body.append('<fieldset class="quiz">')


def depart_quiz(self, node: quiz) -> None:
    self.body.append('<div class="quiz-answer" role="status"></div></fieldset>\n')


def visit_question(self, node: quiz_question) -> None:
    self.body.append("<legend>")


def depart_question(self, node: quiz_question) -> None:
    self.body.append("</legend>\n")


def visit_option(self, node: quiz_option) -> None:
    self.body.append('<div class="quiz-option">')


def depart_option(self, node: quiz_option) -> None:
    self.body.append("</div>\n")


def visit_label(self, node: quiz_label) -> None:
    question = node.parent.parent
    kind = "checkbox" if question["several"] else "radio"
    self.body.append(f'<label><input type="{kind}" name="{question["name"]}"> <span>')


def depart_label(self, node: quiz_label) -> None:
    self.body.append("</span></label>\n")


def visit_reason(self, node: quiz_reason) -> None:
    mark, verdict = ("✓", "Correct.") if node["right"] else ("✗", "Not correct.")
    self.body.append(
        f'<details class="quiz-reason {"right" if node["right"] else "wrong"}"><summary>Answer</summary>'
        f'<span class="quiz-mark" aria-hidden="true">{mark}</span>'
        f'<span class="visually-hidden">{verdict}</span>\n'
    )


def depart_reason(self, node: quiz_reason) -> None:
    self.body.append("</details>\n")


def setup(app) -> dict:
    app.add_node(quiz, html=(visit_quiz, depart_quiz))
    app.add_node(quiz_question, html=(visit_question, depart_question))
    app.add_node(quiz_option, html=(visit_option, depart_option))
    app.add_node(quiz_label, html=(visit_label, depart_label))
    app.add_node(quiz_reason, html=(visit_reason, depart_reason))
    app.add_directive("quiz", Quiz)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
