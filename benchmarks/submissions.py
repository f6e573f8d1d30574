"""A class for the grading benchmarks: chapter 2, handed in by many students, a third of them wrong in assorted ways.

Every right and wrong answer is one of `tests/answers/gan_losses.py`, written into the released notebook as source.
"""
from __future__ import annotations

import ast
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograde.writing import answers, chapter, release

ANSWERS = Path(__file__).resolve().parent.parent / "tests" / "answers" / "gan_losses.py"
UNKNOWN = {"broken_train", "reference_train"}  # names of the grader's side: no student has them


class Answers:
    """`tests/answers/gan_losses.py` as text: exercise -> sources of cells, each standing on its own."""

    def __init__(self) -> None:
        tree = ast.parse(ANSWERS.read_text(encoding="utf-8"))
        tables = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
        self._defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self._defined |= {name: ast.Assign([ast.Name(name, ast.Store())], value, lineno=0)
                          for name, value in tables.items() if name.islower()}
        self._imports = "\n".join(ast.unparse(node) for node in tree.body if _is_public_import(node))
        self.right = {exercise: list(self._cells(exercise, answers)) for exercise, answers in _rows(tables["RIGHT"])}
        self.wrong = {exercise: list(self._cells(exercise, answers)) for exercise, answers in _rows(tables["WRONG"])}

    def _cells(self, exercise: str, table: ast.Dict) -> Iterator[str]:
        for value in table.values:
            value = value.elts[0] if isinstance(value, ast.Tuple) else value
            needed = self._needed(value)
            if not needed & UNKNOWN and not any(_names(self._defined[name]) & UNKNOWN for name in needed):
                before = [ast.unparse(self._defined[name]) for name in self._defined if name in needed]
                yield "\n\n".join([self._imports, *before, f"{exercise.partition('.')[2]} = {ast.unparse(value)}"])

    def _needed(self, node: ast.AST) -> set[str]:
        found = _names(node) & (self._defined.keys() | UNKNOWN)
        return found.union(*(self._needed(self._defined[name]) for name in found & self._defined.keys()))


def _rows(table: ast.Dict) -> Iterable[tuple[str, ast.Dict]]:
    return ((key.value, value) for key, value in zip(table.keys, table.values, strict=True))


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}


def _is_public_import(node: ast.stmt) -> bool:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", None)]
    return isinstance(node, ast.Import | ast.ImportFrom) and names[0].split(".")[0] in ("math", "torch")


def class_of(students: int) -> Iterator[NotebookNode]:
    """Submissions of so many students: of three, one has the model answers, one others that are as right, and one is
    wrong in three exercises, and has not begun a fourth. After the last kind of mistake the first comes again."""
    read, known = chapter.load("gan_losses"), Answers()
    released = release.student(read)
    right = {exercise: itertools.cycle(cells) for exercise, cells in known.right.items() if cells}
    by_exercise = ([(exercise, cell) for cell in cells] for exercise, cells in known.wrong.items())
    mistakes = itertools.cycle([one for row in itertools.zip_longest(*by_exercise) for one in row if one])
    for student in range(students):
        written = {e.id: answers.model(e.answer) for e in read.exercises}
        if student % 3 == 1:
            written |= {exercise: next(cells) for exercise, cells in right.items()}
        if student % 3 == 2:
            written |= dict(itertools.islice(mistakes, 3))
            del written[read.exercises[student // 3 % len(read.exercises)].id]
        yield _solved(released, written, read.name)


def _solved(released: NotebookNode, written: dict[str, str], name: str) -> NotebookNode:
    """With these answers, by exercise id, in the chapter of this name."""
    new = nbformat.from_dict(released)
    for cell in new.cells:
        if answer := written.get(f"{name}.{cell.id}"):
            cell.source = f"<!-- {name}.{cell.id} -->\n{answer}" if cell.cell_type == "markdown" else answer
    return new


def hand_in(root: Path, notebooks: Iterable[NotebookNode], stem: str = "02_gan_losses") -> list[str]:
    """Write `ROOT/submitted/STUDENT/STEM/STEM.ipynb` for each, and return the students' names."""
    students = []
    for number, notebook in enumerate(notebooks):
        students.append(f"student-{number:05}")
        folder = root / "submitted" / students[-1] / stem
        folder.mkdir(parents=True)
        (folder / f"{stem}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return students
