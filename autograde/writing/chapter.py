"""A chapter of the book, read: its cells, their roles, its exercises."""
from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import jupytext
import yaml
from nbformat import NotebookNode

from .. import checks
from . import answers, directives
from .answers import ROOT, SourceError

BOOK = ROOT / "book"
ROLES = ("exercise", "written", "given", "check", "locked")  # tags that mean something to the reader; other cells are plain
_IMPORT = re.compile(r"from solutions\.(?P<module>[\w.]+) import (?P<names>[\w, ]+)")
DIFFICULTY = {1: "easy", 2: "medium", 3: "hard"}


@dataclass(frozen=True)
class Exercise:
    """What a card says of an exercise. `id` is "chapter.name"; `answer` its fenced source, or the model text."""

    id: str
    number: str
    title: str
    kind: str
    difficulty: int
    minutes: int
    answer: str

    @property
    def name(self) -> str:
        return self.id.partition(".")[2]

    @property
    def points(self) -> float:
        return checks.max_score(self.id)

    @property
    def card_line(self) -> str:
        """E.g. "4 points · ★★☆ medium · about 15 minutes"."""
        stars = "★" * self.difficulty + "☆" * (3 - self.difficulty)
        by_hand = " · graded by hand" if self.kind == "written" else ""
        return (f"{self.points:g} points · {stars} {DIFFICULTY[self.difficulty]} · about {self.minutes} minutes"
                f"{by_hand}")


@dataclass(frozen=True)
class Chapter:
    """A chapter by its file stem ("02_gan_losses"), and its cells as written in book/."""

    stem: str
    notebook: NotebookNode

    @property
    def name(self) -> str:
        """Without the number: the name of its module in solutions/ and autograde/checks/."""
        return self.stem.partition("_")[2]

    @property
    def number(self) -> int:
        return int(self.stem.partition("_")[0])

    @property
    def title(self) -> str:
        first = next(c.source for c in self.notebook.cells if c.cell_type == "markdown")
        found = re.search(r"^# (.+)$", first, re.M)
        if not found:
            raise SourceError(f"{self.stem}: expected a title in its first cell, a line `# Title`")
        return found[1].strip()

    @cached_property
    def exercises(self) -> tuple[Exercise, ...]:
        """In order: each card with the exercise cell that follows it.

        Raises:
            SourceError: a card without a cell, a cell without a card, or a card that lacks something.
        """
        cards = [d for c in self.notebook.cells if c.cell_type == "markdown" for d in directives.parse(c.source)
                 if isinstance(d, directives.Directive) and d.name == "exercise"]
        cells = [c for c in self.notebook.cells if role(c) in ("exercise", "written")]
        if len(cards) != len(cells):
            raise SourceError(f"{self.stem}: {len(cards)} exercise cards, {len(cells)} exercise cells")
        pairs = enumerate(zip(cards, cells, strict=True), start=1)
        return tuple(self._exercise(i, card, cell) for i, (card, cell) in pairs)

    def _exercise(self, index: int, card: directives.Directive, cell: NotebookNode) -> Exercise:
        (name,) = imported(cell)
        read = answers.text if role(cell) == "written" else answers.answer
        try:
            difficulty, minutes = int(card.options["difficulty"]), int(card.options["minutes"])
        except (KeyError, ValueError):
            raise SourceError(f"{self.stem}: card {card.argument!r} needs :difficulty: 1-3 and :minutes:") from None
        return Exercise(f"{self.name}.{name}", f"{self.number}.{index}", card.argument, role(cell), difficulty,
                        minutes, read(self.name, name))


def role(cell: NotebookNode) -> str:
    """The cell's role among `ROLES`; "plain" for all others."""
    return next((tag for tag in cell.metadata.get("tags", []) if tag in ROLES), "plain")


def imported(cell: NotebookNode) -> list[str]:
    """Names that an exercise, written or given cell imports from a module of solutions."""
    return _imported(cell)[1]


def _imported(cell: NotebookNode) -> tuple[str, list[str]]:
    """The module, and the names."""
    match = _IMPORT.fullmatch(cell.source.strip())
    if not match:
        raise SourceError(f"expected one line `from solutions.MODULE import name`, got {cell.source!r}")
    return match["module"], [name.strip() for name in match["names"].split(",")]


def model_of(cell: NotebookNode) -> str:
    """The answers that an exercise or given cell imports, as a reader sees them."""
    module, names = _imported(cell)
    return "\n\n\n".join(answers.model(answers.answer(module, name)) for name in names)


def parse(text: str, stem: str) -> Chapter:
    """A chapter from its MyST text."""
    return Chapter(stem, jupytext.reads(text, fmt="md:myst"))


def stems() -> list[str]:
    """Stems of all chapters in book/, in order."""
    return sorted(path.stem for path in BOOK.glob("[0-9][0-9]_*.md"))


def find(chapter: str, among: list[str] | None = None) -> str:
    """The stem for what a person writes: "02_gan_losses", "gan_losses", "2", or a path.

    Args:
        among: the stems to look in; by default those of all chapters.
    Raises:
        LookupError: no such chapter.
    """
    wanted, among = Path(chapter).stem, stems() if among is None else among
    for stem in among:
        number, _, name = stem.partition("_")
        if wanted in (stem, name, number, number.lstrip("0")):
            return stem
    known = [*among, *(s.partition("_")[2] for s in among)]
    close = difflib.get_close_matches(wanted, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the book has {', '.join(among)}"
    raise LookupError(f"no chapter {chapter!r}; {hint}")


def load(chapter: str) -> Chapter:
    """The chapter that `find` finds."""
    stem = find(chapter)
    return parse((BOOK / f"{stem}.md").read_text(encoding="utf-8"), stem)


@lru_cache
def settings() -> dict:
    """_config.yml, the one place for the repository's address and the site's."""
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
