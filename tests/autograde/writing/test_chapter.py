"""Chapters, read."""
import pytest

from autograde.writing import chapter
from autograde.writing.answers import SourceError

HEAD = """---
kernelspec:
  display_name: Python 3
  name: python3
chapter: 02_gan_losses
---

# 2 · Title

"""
CARD = ":::{exercise} A loss\n:difficulty: 1\n:minutes: 5\n\nText.\n:::\n\n"
CELL = "```{code-cell}\n:tags: [exercise]\nfrom solutions.gan_losses import generator_loss\n```\n"


def test_a_card_belongs_to_the_cell_that_follows():
    (exercise,) = chapter.parse(HEAD + CARD + CELL, "02_gan_losses").exercises
    assert (exercise.id, exercise.number, exercise.title) == ("gan_losses.generator_loss", "2.1", "A loss")
    assert exercise.card_line == "3 points · ★☆☆ easy · about 5 minutes"


@pytest.mark.parametrize("text, said", [
    (CELL, "0 exercise cards, 1 exercise cells"),
    (CARD, "1 exercise cards, 0 exercise cells"),
    (CARD.replace(":minutes: 5\n", "") + CELL, "needs :difficulty: 1-3 and :minutes:"),
    (CARD + CELL.replace("generator_loss", "los"), "defines no 'los'"),
    (CARD + CELL.replace("from solutions.gan_losses import generator_loss", "x = 1"), "expected one line"),
])
def test_what_is_wrong_with_a_chapter_is_said(text, said):
    with pytest.raises(SourceError, match=said):
        _ = chapter.parse(HEAD + text, "02_gan_losses").exercises


@pytest.mark.parametrize("name", ["2", "02", "gan_losses", "02_gan_losses", "book/02_gan_losses.md"])
def test_a_chapter_has_several_names(name):
    assert chapter.find(name) == "02_gan_losses"


def test_a_typo_is_answered_with_a_name():
    with pytest.raises(LookupError, match="did you mean 'gan_losses'"):
        chapter.find("gan_loses")


@pytest.mark.chapter("page")
@pytest.mark.parametrize("stem", chapter.stems())
def test_every_chapter_is_whole(stem):
    read = chapter.load(stem)
    assert read.title.startswith(f"{read.number} · ")
    assert 5 <= len(read.exercises) <= 8
    assert [e.kind for e in read.exercises].count("written") == 1
    assert all(1 <= e.difficulty <= 3 and e.points > 0 for e in read.exercises)
