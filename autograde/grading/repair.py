"""A submitted notebook, repaired: every graded and locked cell of the release exactly once, with the student's work in
its place. Locked cells come from the release; the student's own cells stay behind the cell that they followed.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

from ..writing.chapter import Exercise
from .intake import Refused
from .matching import COMMENT, Matching, called
from .pictures import Pictures

_PAGE = re.compile(r"student notebook of \[[^]]{0,200}\]\((?:[^)]{0,200}/)?(\w{1,200})\.html\)")


@dataclass(frozen=True)
class Repaired:
    """The notebook as it is graded, sentences of what was repaired, and names of exercises whose cell is missing.

    Its cells that are as they were handed out are the release's own: who changes a cell takes a copy.
    """

    notebook: NotebookNode
    said: tuple[str, ...]
    missing: frozenset[str]


def repair(submitted: NotebookNode, released: NotebookNode, exercises: Iterable[Exercise]) -> Repaired:
    """Put a student's work into the released notebook of its chapter.

    Args:
        submitted: what `intake.read` gives; it stays as it is.
        released: the student notebook of the chapter (`release.student`).
    Raises:
        Refused: the notebook has no cell of this chapter.
    """
    matching = Matching(submitted, released, tuple(exercises))
    _must_be_of_this_chapter(matching)
    said = list(matching.said)
    if not any("nbgrader" in cell.metadata for cell in submitted.cells):
        said.insert(0, "The cells had lost the grader's metadata; they were matched by id, name and content.")
    missing = [e for e in matching.exercises if e.name not in matching.chosen]
    said += [f"{called(e)}: its cell is missing, so it counts as not written." for e in missing]
    pictures = Pictures("\n".join(cell.source for cell in released.cells))
    notebook = NotebookNode({**released, "cells": _in_order(matching, pictures)})
    return Repaired(notebook, (*said, *_restored(matching), *pictures.said), frozenset(e.name for e in missing))


def page(notebook: NotebookNode) -> str | None:
    """The chapter ("02_gan_losses") whose page the first text of a student notebook links to."""
    return next((m[1] for cell in notebook.cells[:5] if (m := _PAGE.search(cell.source))), None)


def _must_be_of_this_chapter(matching: Matching) -> None:
    ours, stem = matching.exercises[0].id.partition(".")[0], page(matching.released)
    comments = {m[1] for cell in matching.cells for m in COMMENT.finditer(cell.source)}
    if ours in comments or any(slot and "nbgrader" in matching.slots[slot].metadata for slot in matching.belongs):
        return
    other = page(matching.submitted) or next(iter(comments), None)
    if other and other != stem:
        raise Refused(f"This is the notebook of {other}, not of {stem}; hand it in as that chapter.")
    if not any(matching.defines):
        first = next((line for cell in matching.cells for line in cell.source.split("\n") if line.strip()), "nothing")
        raise Refused(f"The notebook has no cell of {stem}; it begins with {first.strip()[:60]!r}. "
                      "Is it the notebook of something else?")


def _in_order(matching: Matching, pictures: Pictures) -> list[NotebookNode]:
    """Cells in the order of the release, each with the student's own cells behind it."""
    kept = _kept(matching)
    answers = {name: _answer(matching, name, pictures) for name in matching.chosen}  # first, for pictures are bounded
    own: dict[str | None, list[NotebookNode]] = {}
    for anchor, index in _own_cells(matching, kept):
        own.setdefault(anchor, []).append(_own(matching.cells[index], index, pictures))
    cells = own.get(None, [])
    for slot, released in matching.slots.items():
        if slot in answers:
            cells.append(answers[slot])
        elif "nbgrader" in released.metadata:
            cells.append(released)
        elif slot in kept:
            cells.append(_filled(released, [matching.cells[kept[slot]]], pictures, "A text of the course"))
        cells += own.get(slot, [])
    return cells


def _kept(matching: Matching) -> dict[str, int]:
    """For each released cell the submitted one that takes its place; for an exercise the answer."""
    first: dict[str, int] = {}
    for index, slot in enumerate(matching.belongs):
        if slot:
            first.setdefault(slot, index)
    return first | matching.chosen


def _own_cells(matching: Matching, kept: dict[str, int]) -> Iterator[tuple[str | None, int]]:
    """Cells of the student's own, as (released cell before, index); never between a check and its points."""
    slot_of = {index: slot for slot, index in reversed(kept.items())}
    parts = {index for indices in matching.parts.values() for index in indices}
    exercises, anchor = {e.name for e in matching.exercises}, None
    for index, slot in enumerate(matching.belongs):
        is_copy = slot is not None and (slot not in exercises or matching.is_stub(index, slot))
        if index in slot_of:
            anchor = slot_of[index]
            if anchor.endswith("-check"):
                anchor = f"{anchor.removesuffix('check')}points"
        elif not is_copy and index not in parts and matching.cells[index].source.strip():
            yield anchor, index


def _own(cell: NotebookNode, index: int, pictures: Pictures) -> NotebookNode:
    new = NotebookNode({**cell, "id": f"own-{index}", "metadata": NotebookNode(), "source": ""})
    return _filled(new, [cell], pictures, "A text cell of the student's own")


def _answer(matching: Matching, name: str, pictures: Pictures) -> NotebookNode:
    """The cell of an answer; of two exercises answered in one cell, the cell stands at the first."""
    index = matching.chosen[name]
    first = next(n for n, i in matching.chosen.items() if i == index)
    parts = [matching.cells[i] for i in matching.parts[name]]
    if first != name:
        parts = [NotebookNode(source=f"# Written in the cell of {first}.")]
    exercise = next(e for e in matching.exercises if e.name == name)
    return _filled(matching.slots[name], parts, pictures, called(exercise))


def _filled(into: NotebookNode, parts: list[NotebookNode], pictures: Pictures, place: str) -> NotebookNode:
    """A cell with the source of others; a text, where it is not as it was handed out, with their pictures."""
    if parts[0].source == into.source and len(parts) == 1:
        return into
    new = NotebookNode({**into, "source": parts[0].source})
    if new.cell_type == "code":
        return new
    taken = [pictures.taken_in(part.source, part.get("attachments"), place) for part in parts]
    new.source = "\n\n".join(text for text, _ in taken)
    new.pop("attachments", None)
    if kept := {name: bundle for _, kept in taken for name, bundle in kept.items()}:
        new.attachments = kept
    return new


def _restored(matching: Matching) -> list[str]:
    """Sentences about locked cells that came missing or changed."""
    kept = _kept(matching)
    locked = {slot: cell for slot, cell in matching.slots.items() if cell.metadata.get("nbgrader", {}).get("locked")}
    absent = [slot for slot in locked if slot not in kept]
    changed = [slot for slot, cell in locked.items() if slot in kept and _differs(matching.cells[kept[slot]], cell)]
    said = [f"Put back, because missing: {', '.join(absent)}."] if absent else []
    return said + ([f"Locked, but changed; the release counts: {', '.join(changed)}."] if changed else [])


def _differs(cell: NotebookNode, released: NotebookNode) -> bool:
    return cell.source.strip() != released.source.strip() or cell.cell_type != released.cell_type
