"""What tries to gain from cells that are not run, or to be left out itself. Nothing of it reaches around names."""
from __future__ import annotations

import nbformat

from tests.autograde.desk import Desk, cell_of

from .corpus import handed_in

RIGHT = "    return nn.functional.softplus(-fake_logits).mean()"
FROM_THE_SIXTH = f"    calls.append(0)\n    if len(calls) < 6:\n        return 0.0\n{RIGHT}"


def whole(desk: Desk, answer: str, *, behind: str = "") -> nbformat.NotebookNode:
    """The whole notebook with an answer to one exercise, and a cell of the student's own at its end."""
    new = desk.untouched()
    cell_of(new, "generator_loss").source = answer
    if behind:
        new.cells.append(nbformat.v4.new_code_cell(behind, id="mine"))
    return new


@handed_in(statuses={"broken"})
def modules_that_are_none(desk, folder):
    """Takes away the modules that locked cells use."""
    return whole(desk, "nn = torch = F = None")


@handed_in(earned=4)
def an_answer_that_waits(desk, folder):
    """Is right from its sixth call on."""
    return whole(desk, f"calls = []\n\ndef generator_loss(fake_logits):\n{FROM_THE_SIXTH}")


@handed_in(earned=4)
def a_default_that_remembers(desk, folder):
    """Is right from its sixth call on, and keeps the count where no name is."""
    return whole(desk, f"def generator_loss(fake_logits, calls=[]):\n{FROM_THE_SIXTH}")


@handed_in(earned=4)
def an_attribute_that_remembers(desk, folder):
    """Is right from its sixth call on, and keeps the count on itself."""
    return whole(desk, "def generator_loss(fake_logits):\n    generator_loss.calls = 1 + generator_loss.calls\n"
                       f"    if generator_loss.calls < 6:\n        return 0.0\n{RIGHT}\n\ngenerator_loss.calls = 0")


@handed_in(earned=4)
def an_answer_that_asks_for_a_demonstration(desk, folder):
    """Is right where a name is there that only a demonstration binds."""
    return whole(desk, f"def generator_loss(fake_logits):\n    slope, losses\n{RIGHT}", behind="print(losses, steps)")


@handed_in()
def a_module_that_is_changed(desk, folder):
    """Puts its own function into a part of a module."""
    return whole(desk, "nn.functional.softplus = lambda x: 0 * x\n\ndef generator_loss(fake_logits):\n" + RIGHT,
                 behind="print(digits.shape)")
