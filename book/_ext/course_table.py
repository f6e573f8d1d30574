"""What there is to earn: `{course-table}` becomes a table of the chapters, `{exercise-table}` one of all exercises.

Both are read from the chapters and their checks each time the book is built, so they cannot be out of date.
"""

from __future__ import annotations

import re

from docutils import nodes
from docutils.statemachine import StringList
from exercises import spoken
from sphinx.util.docutils import SphinxDirective

from autograde.writing import chapter, reference_run

NEEDS = re.compile(r"\bYou need [^.;]+|\bChapters [^.;]+ are used")


def course_table() -> str:
    """Markdown: a row a chapter, and their sum."""
    rows, sums = [], [0, 0, 0]
    for one in map(chapter.load, chapter.stems()):
        counts = [len(one.exercises), sum(e.points for e in one.exercises), sum(e.minutes for e in one.exercises)]
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
        rows.append([f"[{one.title}]({one.stem}.md)", *cells(counts), needs(one), run_time(one.stem)])
    rows.append(["**Together**", *cells(sums), "", ""])
    return table(["Chapter", "Exercises", "Points", "Your time", "Needs chapters", "Its run"], rows)


def exercise_table() -> str:
    """Markdown: a row an exercise."""
    rows = [
        [e.number, f"[{e.title}]({one.stem}.md)", f"`{e.name}`", f"{e.points:g}", "★" * e.difficulty, f"{e.minutes}"]
        for one in map(chapter.load, chapter.stems()) for e in one.exercises
    ]
    return table(["No.", "Exercise", "Name", "Points", "Difficulty", "Minutes"], rows, left=3)


def needs(one: chapter.Chapter) -> str:
    """Which chapters it builds on, as its opening says: "You need the losses of chapter 2", "Chapters 6 and 12 are used"."""
    opening = next(cell.source for cell in one.notebook.cells if cell.cell_type == "markdown")
    said = " ".join(NEEDS.findall(" ".join(opening.split())))
    named = re.findall(r"\b[Cc]hapters? (\d+(?:(?:, | and |, and )\d+)*)", said)
    return ", ".join(sorted({n for group in named for n in re.findall(r"\d+", group)}, key=int)) or "–"


def cells(counts: list[float]) -> list[str]:
    """Exercises, points and minutes as words."""
    exercises, points, minutes = counts
    return [f"{exercises}", f"{points:g}", spoken(minutes, " min", " h")]


def run_time(stem: str) -> str:
    """How long the chapter's stored run took; empty where there is none. The status page says on what."""
    run = reference_run.load(stem)
    return f"{run.notebook.metadata['reference_run']['seconds']:.0f} s" if run else ""


def table(header: list[str], rows: list[list[str]], left: int = 1) -> str:
    """A Markdown table; columns are centred but for the `left` first ones."""
    rule = [":--"] * left + [":--:"] * (len(header) - left)
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows])


class Generated(SphinxDirective):
    """Puts generated Markdown in its place."""

    markdown = staticmethod(course_table)

    def run(self) -> list[nodes.Node]:
        lines = StringList(self.markdown().split("\n"), source=self.env.docname)
        container = nodes.container()
        self.state.nested_parse(lines, self.content_offset, container)
        for path in (f"{stem}.md" for stem in chapter.stems()):
            self.env.note_dependency(self.env.srcdir / path)
        return container.children


class GeneratedExercises(Generated):
    """The table of all exercises."""

    markdown = staticmethod(exercise_table)


def setup(app) -> dict:
    app.add_directive("course-table", Generated)
    app.add_directive("exercise-table", GeneratedExercises)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
