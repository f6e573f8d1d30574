"""MyST to plain Markdown: what the book shows as cards, notes and references, a notebook in Colab shows as text."""
from __future__ import annotations

import base64
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pybtex.database import parse_file

from . import directives, reference_run, studies
from .chapter import BOOK, Chapter, Exercise, settings
from .directives import Directive
from .reference_run import ReferenceRun

_ROLE = re.compile(r"\{(?P<role>[\w:]+)\}`(?P<text>[^`]+)`")
_TARGETED = re.compile(r"(?P<text>.+?)\s*<(?P<target>[^>]+)>$", re.S)
_LABEL = re.compile(r"^\((?P<label>[\w:-]+)\)=\s*$", re.M)
_EQUATION = re.compile(r"\$\$\s*\((?P<label>[\w:-]+)\)")
_LINK = re.compile(r"\]\((?P<page>[\w/-]+)\.md(?P<anchor>#[\w-]+)?\)")
NOTES = {"note": "Note", "tip": "Tip", "warning": "Warning", "important": "Important", "seealso": "See also"}


@dataclass
class PlainMarkdown:
    """Turns the Markdown cells of one chapter into what any notebook can show. Call it cell by cell, in order."""

    chapter: Chapter
    run: ReferenceRun | None

    def __post_init__(self) -> None:
        self._exercises = iter(self.chapter.exercises)
        sources = "\n".join(c.source for c in self.chapter.notebook.cells if c.cell_type == "markdown")
        self._equations = {label: i for i, label in enumerate(_EQUATION.findall(sources), start=1)}

    def __call__(self, text: str) -> str:
        """One cell. Raises KeyError for a directive or role that has no plain form yet."""
        text = directives.rewrite(text, self._directive)
        text = _EQUATION.sub(lambda m: rf"\tag{{{self._equations[m['label']]}}}$$", text)
        text = _LABEL.sub("", text)
        text = _ROLE.sub(self._role, text)
        return _LINK.sub(lambda m: f"]({_site()}{m['page']}.html{m['anchor'] or ''})", text).strip()

    def _directive(self, directive: Directive) -> str:
        return PLAIN[directive.name](self, directive)

    def _role(self, match: re.Match) -> str:
        role, text = match["role"], match["text"]
        targeted = _TARGETED.match(text)
        if role == "eq":
            return f"({self._equations[text]})"
        if role == "measured":
            return studies.number(text)
        if role.startswith("cite"):
            cited = "; ".join(_citation(key.strip()) for key in text.split(","))
            return f"({cited})" if role == "cite:p" else cited
        if role == "term":
            return targeted["text"] if targeted else text
        if role == "ref" and targeted:
            return f"[{targeted['text']}]({_site()}{_pages()[targeted['target']]}.html#{targeted['target']})"
        raise KeyError(f"the role {{{role}}} has no plain form; add it to autograde/writing/markdown.py")

    def _exercise(self, directive: Directive) -> str:
        exercise: Exercise = next(self._exercises)
        body = self._hints(directive.body)
        return f"### Exercise {exercise.number} · {exercise.title}\n\n*{exercise.card_line}*\n\n{body}"

    def _hints(self, body: str) -> str:
        count = iter(range(1, 100))

        def fold(inner: Directive) -> str:
            if inner.name != "hint":
                return self._directive(inner)
            return f"\n<details><summary>Hint {next(count)}</summary>\n\n{inner.body}\n\n</details>\n"
        return directives.rewrite(body, fold)

    def _quiz(self, directive: Directive) -> str:
        items = re.findall(r"^- \[(?P<mark>[ x])\] (?P<rest>(?:.+)(?:\n  .*)*)", directive.body, re.M)
        options, answers = [], []
        for letter, (mark, rest) in zip("ABCDEFGH", items, strict=False):
            option, _, explanation = rest.partition("\n")
            options.append(f"- **{letter}** {option}")
            why = " ".join(line.strip() for line in explanation.split("\n"))
            answers.append(f"- **{letter}** {'is right' if mark == 'x' else 'is wrong'}. {why}")
        return (f"**Check yourself.** {directive.argument}\n\n" + "\n".join(options)
                + "\n\n<details><summary>Answers</summary>\n\n" + "\n".join(answers) + "\n\n</details>\n")

    def _note(self, directive: Directive) -> str:
        title = NOTES.get(directive.name) or directive.argument
        body = directives.rewrite(directive.body, self._directive)
        return "\n".join(f"> {line}".rstrip() for line in [f"**{title}**", "", *body.split("\n")])

    def _fold(self, directive: Directive) -> str:
        body = directives.rewrite(directive.body, self._directive)
        return f"<details><summary>{directive.argument}</summary>\n\n{body}\n\n</details>"

    def _expected(self, directive: Directive) -> str:
        other, _, label = directive.argument.rpartition(" ")
        run = reference_run.load(other) if other else self.run
        if not run:
            return ""
        before = "What you should see:\n\n" if "only" in directive.options else ""
        return before + run.picture(label)

    def _measured(self, directive: Directive) -> str:
        return studies.table(directive.argument)

    def _figure(self, directive: Directive) -> str:
        data = base64.b64encode((BOOK / directive.argument).read_bytes()).decode()
        kind = mimetypes.guess_type(directive.argument)[0]
        caption = f"\n\n*{directive.body}*" if directive.body else ""
        return f"![{directive.options['alt']}](data:{kind};base64,{data}){caption}"

    def _live(self, directive: Directive) -> str:
        page = f"{_site()}{self.chapter.stem}.html#live-{directive.argument}"
        return f"> **Live, on [this chapter's page]({page}).** {' '.join(directive.body.split())}"

    def _references(self, directive: Directive) -> str:
        return f"The list of references is in [the book]({_site()}references.html)."


PLAIN: dict[str, Callable[[PlainMarkdown, Directive], str]] = {
    "exercise": PlainMarkdown._exercise, "quiz": PlainMarkdown._quiz, "expected": PlainMarkdown._expected,
    "measured": PlainMarkdown._measured,
    "figure": PlainMarkdown._figure, "image": PlainMarkdown._figure, "dropdown": PlainMarkdown._fold,
    "admonition": PlainMarkdown._note, "live": PlainMarkdown._live, "bibliography": PlainMarkdown._references,
    **dict.fromkeys(NOTES, PlainMarkdown._note),
}


def _site() -> str:
    return settings()["html"]["baseurl"]


@lru_cache
def _pages() -> dict[str, str]:
    """Which page each label `(label)=` of the book stands on."""
    return {label: page.stem for page in BOOK.glob("*.md") for label in _LABEL.findall(page.read_text("utf-8"))}


@lru_cache
def _bibliography() -> Mapping[str, Any]:
    return parse_file(BOOK / "references.bib").entries


def _citation(key: str) -> str:
    """E.g. "Goodfellow et al., 2014"."""
    entry = _bibliography()[key]
    names = [" ".join(map(str, person.rich_last_names)) for person in entry.persons["author"]]
    who = names[0] if len(names) == 1 else f"{names[0]} and {names[1]}" if len(names) == 2 else f"{names[0]} et al."
    return f"{who}, {entry.fields['year']}"
