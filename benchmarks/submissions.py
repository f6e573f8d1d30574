"""A class for the grading benchmarks, and for tests of whole notebooks: a chapter, handed in by many students, a third of
them wrong in assorted ways.

Every right and wrong answer is one of `tests/answers/CHAPTER.py`, written into the released notebook as source.
"""
from __future__ import annotations

import ast
import builtins
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograde.grading.names import names
from autograde.writing import answers, chapter, release
from autograde.writing.chapter import Chapter

ANSWERS = Path(__file__).resolve().parent.parent / "tests" / "answers"
OURS = ("solutions", "autograde")  # no student imports them


class Answers:
    """`tests/answers/CHAPTER.py` as text: exercise -> name -> the source of a cell.

    Left out are answers that use what only the grader has: no student could hand them in.
    """

    def __init__(self, read: Chapter) -> None:
        tree = ast.parse((ANSWERS / f"{read.name}.py").read_text(encoding="utf-8"))
        code = [cell for cell in release.student(read).cells if cell.cell_type == "code"]
        given = set().union(*(names(cell.source).binds for cell in code))
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        public = [node for node in imports if _origin(node) not in OURS]
        self._imports = "\n".join(ast.unparse(node) for node in public)
        self._defined = {name: node for node in tree.body if node not in imports for name in _bound(node)}
        self._known = self._defined.keys() | given | set(dir(builtins)) | {name for node in public for name in _bound(node)}
        tables = {name: self._defined.pop(name).value for name in ("RIGHT", "WRONG")}
        self.right, self.wrong = ({exercise: dict(self._cells(exercise, answers)) for exercise, answers in _rows(table)}
                                  for table in (tables["RIGHT"], tables["WRONG"]))

    def _cells(self, exercise: str, table: ast.expr) -> Iterator[tuple[str, str]]:
        for name, value in _rows(table):
            value = value.elts[0] if isinstance(value, ast.Tuple) else value
            needs = self._needs(value)
            if needs is not None:
                before = dict.fromkeys(ast.unparse(node) for one, node in self._defined.items() if one in needs)
                yield name, "\n\n".join([self._imports, *before, f"{exercise.partition('.')[2]} = {ast.unparse(value)}"])

    def _needs(self, node: ast.AST, seen: frozenset[str] = frozenset()) -> frozenset[str] | None:
        """Names of the file that code needs, directly or not; None where it needs what no student has."""
        uses = names(ast.unparse(node)).reads
        if not uses <= self._known | seen:
            return None
        found = seen
        for name in sorted((uses & self._defined.keys()) - seen):
            inner = self._needs(self._defined[name], found | {name})
            if inner is None:
                return None
            found |= inner
        return found


def _rows(table: ast.expr) -> Iterable[tuple[str, ast.expr]]:
    """What a table holds, but for what is computed."""
    pairs = zip(table.keys, table.values, strict=True) if isinstance(table, ast.Dict) else ()
    return ((key.value, value) for key, value in pairs if isinstance(key, ast.Constant))


def _bound(node: ast.stmt) -> frozenset[str]:
    return names(ast.unparse(node)).binds


def _origin(node: ast.Import | ast.ImportFrom) -> str:
    return (getattr(node, "module", None) or node.names[0].name).partition(".")[0]


def class_of(students: int, name: str = "gan_losses") -> Iterator[NotebookNode]:
    """Submissions of so many students: of three, one has the model answers, one others that are as right, and one is
    wrong in three exercises, and has not begun a fourth. After the last kind of mistake the first comes again."""
    read = chapter.load(name)
    released, known = release.student(read), Answers(read)
    right = {exercise: itertools.cycle(cells.values()) for exercise, cells in known.right.items() if cells}
    by_exercise = ([(exercise, cell) for cell in cells.values()] for exercise, cells in known.wrong.items())
    mistakes = itertools.cycle([one for row in itertools.zip_longest(*by_exercise) for one in row if one])
    for student in range(students):
        written = {e.id: answers.model(e.answer) for e in read.exercises}
        if student % 3 == 1:
            written |= {exercise: next(cells) for exercise, cells in right.items()}
        if student % 3 == 2:
            written |= dict(itertools.islice(mistakes, 3))
            written.pop(read.exercises[student // 3 % len(read.exercises)].id)
        yield solved(released, written, read.name)


def solved(released: NotebookNode, written: dict[str, str], name: str) -> NotebookNode:
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
