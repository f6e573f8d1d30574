"""What a student is told before handing in."""
import json

import pytest

from autograde import preflight
from autograde.grading.intake import Unreadable
from autograde.grading.runner import Run
from autograde.grading.visible import FAILED, NOT_WRITTEN, PASSED
from tests.autograde.desk import cell_of


def error(name, value):
    return [{"output_type": "error", "ename": name, "evalue": value, "traceback": []}]


@pytest.fixture
def check(tmp_path, desk, monkeypatch):
    """check(notebook, {exercise: outputs of its check}): with a run that is made up."""
    def check(notebook, outputs, said=""):
        def run(given, chapter, *, limits, weights):
            assert not any(c.id.endswith("-points") and "nbgrader" in c.metadata for c in given.cells), "no hidden check is asked"
            ids = [cell.id for cell in given.cells]
            return Run("graded", said, {ids.index(f"{name}-check"): out for name, out in outputs.items()})
        monkeypatch.setattr(preflight, "run", run)
        (tmp_path / "Copy of mine.ipynb").write_text(json.dumps(notebook))
        found = preflight.check(tmp_path / "Copy of mine.ipynb")
        return {answer.name: (answer.state, answer.said) for answer in found.answers}, found.said
    return check


def test_each_exercise_has_its_state(check, desk):
    notebook = desk.solved()
    notebook.cells.remove(cell_of(notebook, "js_divergence"))
    answers, said = check(notebook, {
        "discriminator_loss": [], "generator_loss": error("AssertionError", "got -1: look at the sign"),
        "optimal_discriminator": error("NotImplementedError", ""), "js_divergence": error("NotImplementedError", ""),
        "discriminator_step": error("NameError", "name 'x' is not defined")}, "It was stopped.")
    assert answers == {
        "discriminator_loss": (PASSED, ""), "generator_loss": (FAILED, "got -1: look at the sign"),
        "optimal_discriminator": (NOT_WRITTEN, ""), "js_divergence": (NOT_WRITTEN, ""),
        "discriminator_step": (FAILED, "NameError: name 'x' is not defined"),
        "generator_step": (FAILED, "the check did not run"), "train": (FAILED, "the check did not run"),
        "why_it_stalls": (PASSED, "written; graded by hand")}
    assert said == ("Exercise 2.4 (js_divergence): its cell is missing, so it counts as not written.", "It was stopped.")


def test_an_untouched_written_answer_is_not_written(check, desk):
    assert check(desk.untouched(), {})[0]["why_it_stalls"] == (NOT_WRITTEN, "")


@pytest.mark.parametrize("source", ["", " \n", "<!-- gan_losses.why_it_stalls -->\n"])
def test_an_empty_written_answer_is_not_written(check, desk, source):
    notebook = desk.untouched()
    cell_of(notebook, "why_it_stalls").source = source
    assert check(notebook, {})[0]["why_it_stalls"] == (NOT_WRITTEN, "")


def test_a_picture_that_will_be_left_out_is_said(check, desk):
    notebook = desk.untouched()
    cell_of(notebook, "why_it_stalls").source += "\n\n![plot](attachment:plot.png)"
    answers, said = check(notebook, {})
    assert answers["why_it_stalls"] == (PASSED, "written; graded by hand")
    assert said == ("Exercise 2.8 (why_it_stalls): a picture (plot) was left out: its file is not in the notebook; paste it anew.",)


def test_what_is_no_notebook_is_said(tmp_path):
    (tmp_path / "a.ipynb").write_text("{")
    with pytest.raises(Unreadable, match="ends in the middle"):
        preflight.check(tmp_path / "a.ipynb")
    (tmp_path / "a.ipynb").write_text(json.dumps({"nbformat": 4, "cells": []}))
    with pytest.raises(LookupError, match="no chapter"):
        preflight.check(tmp_path / "a.ipynb")
