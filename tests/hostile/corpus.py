"""How a hostile submission is written down, and the list of them all.

Most are a function whose body is a cell of the notebook that is handed in, and whose docstring says what it tries:

    @hostile()
    def patched_torch():
        \"\"\"Lets every comparison of torch agree.\"\"\"
        import torch
        torch.allclose = torch.equal = lambda *_, **__: True

The others make a notebook, or the bytes of a file, and put it, or more, into a student's folder:

    @handed_in(statuses={"unreadable"})
    def binary(desk, folder):
        \"\"\"No text.\"\"\"
        return bytes(range(256))

`earned` is what it has honestly earned: more would be a forgery. `statuses` are those that it may end in.
"""
from __future__ import annotations

import ast
import inspect
import json
import textwrap
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tests.autograde.desk import Desk, cell_of, short

STEM = "02_gan_losses"
CORPUS: dict[str, Hostile] = {}

# At hand in every hostile cell; where everything is (COURSE, HOME, REPOSITORY, PORT, TOKEN) it knows too. What it has
# reached it tells with `got`: no such line may stand in what is recorded.
TOOLS = """\
import contextlib, ctypes, gc, os, pathlib, signal, socket, struct, sys, threading, time

def got(what):
    print("got" + "-in:", str(what)[:9000])

def tried(function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except Exception:
        return None
"""


@dataclass(frozen=True)
class Hostile:
    """One submission. `make` gives the notebook, bytes, or None where it has put everything into the folder itself."""

    name: str
    tries: str
    kind: str
    make: Callable[[Desk, Path], nbformat.NotebookNode | bytes | None]
    earned: float
    statuses: frozenset[str]
    student: str
    chapter: str

    def hand_in(self, desk: Desk, submitted: Path, tools: str) -> None:
        folder = submitted / self.student / self.chapter
        folder.mkdir(parents=True)
        made = self.make(desk, folder)
        if isinstance(made, dict):
            made = json.dumps(made).replace(json.dumps(TOOLS)[1:-1], json.dumps(tools)[1:-1]).encode()
        if made is not None:
            (folder / f"{STEM}.ipynb").write_bytes(made)


def handed_in(*, earned: float = 0, statuses: Collection[str] = ("graded",), student: str = "", chapter: str = STEM) -> Callable:
    """Register a function (desk, folder) that makes what is handed in. `student` names a folder with a name of its own."""
    def register(make: Callable) -> Callable:
        kind, name = make.__module__.rpartition(".")[2], make.__name__
        assert name not in CORPUS and make.__doc__, name
        CORPUS[name] = Hostile(name, make.__doc__, kind, make, earned, frozenset(statuses),
                               student or f"{kind}-{name}", chapter)
        return make
    return register


def hostile(*, earned: float = 0, statuses: Collection[str] = ("graded",), solves: Collection[str] = (),
            answers: bool = False) -> Callable:
    """Register a function whose body is a cell, at the top of the notebook.

    Args:
        solves: exercises that it also answers, rightly.
        answers: each other exercise is answered with the `answer` that the cell defines.
    """
    def register(function: Callable) -> Callable:
        code = body(function)

        def make(desk: Desk, folder: Path) -> nbformat.NotebookNode:
            return notebook(desk, code, solves=solves, answer="answer" if answers else None)

        make.__module__, make.__name__, make.__doc__ = function.__module__, function.__name__, function.__doc__
        handed_in(earned=earned, statuses=statuses)(make)
        return function
    return register


def notebook(desk: Desk, code: str, *, solves: Collection[str] = (), answer: str | None = None) -> nbformat.NotebookNode:
    """The released notebook with `code` above everything, some exercises solved, and all others `answer`."""
    new = short(desk.solved(*solves) if solves else desk.untouched())
    for name, exercise in desk.exercises.items():
        if answer and name not in solves and exercise.kind != "written":
            cell_of(new, name).source = f"{name} = {answer}"
    new.cells[:0] = [nbformat.v4.new_code_cell(TOOLS, id="tools"), nbformat.v4.new_code_cell(code, id="hostile")]
    return new


def body(function: Callable) -> str:
    """The source of a function's body, without its docstring."""
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    return textwrap.dedent("\n".join(source.splitlines()[definition.body[1].lineno - 1:definition.end_lineno]))
