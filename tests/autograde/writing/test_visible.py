"""Visible checks as students run them: they take every right answer, and see most of the wrong ones."""
import importlib
import json
from pathlib import Path

import pytest

from autograde.writing import chapter
from autograde.writing.visible import needed, visible_checks

ROOT = Path(__file__).parents[3]
STEMS = chapter.stems()
WITH_WEIGHTS = "challenge.make_clips"  # its answers read the entry that a student has trained


def answers(stem):
    return importlib.import_module(f"tests.answers.{stem.partition('_')[2]}")


@pytest.mark.parametrize("stem", STEMS)
def test_a_right_answer_is_refused_by_none(stem, monkeypatch, tmp_path):
    monkeypatch.setenv("CLIPKIT_PRESET", "smoke")
    monkeypatch.chdir(tmp_path)
    refused = {(check.exercise, name): said for check in visible_checks(chapter.load(stem)) if check.exercise != WITH_WEIGHTS
               for name, answer in answers(stem).RIGHT[check.exercise].items() if (said := check.refusal(answer))}
    assert not refused


def test_few_wrong_answers_pass_by_the_figures_that_are_kept():
    kept = json.loads((ROOT / "benchmarks" / "figures" / "visible_checks.json").read_text())
    known = {exercise: len(wrong) for stem in STEMS for exercise, wrong in answers(stem).WRONG.items()}
    assert {name: row["wrong"] for name, row in kept["exercises"].items()} == known, "python -m benchmarks.visible_checks"
    assert sum(row["passed"] for row in kept["exercises"].values()) < 0.1 * sum(known.values())


def test_just_the_cells_that_are_needed_are_run():
    cells = ["import torch", "size = 3", "def net(x):\n    return x * size", "other = torch.zeros(2)", "net = net"]
    assert needed("assert net(2) == 6", cells) == [1, 2, 4]
    assert needed("print(len('abc'))", cells) == []


def test_an_answer_finds_nothing_that_another_has_left():
    check = visible_checks(chapter.load("02_gan_losses"))[0]
    assert check.exercise == "gan_losses.discriminator_loss"

    def spoils(real_logits, fake_logits):
        real_logits.data.fill_(7)
        raise ValueError("wrong")

    assert check.refusal(spoils) == "ValueError: wrong"
    right = next(iter(answers("02_gan_losses").RIGHT[check.exercise].values()))
    assert check.refusal(right) == ""
