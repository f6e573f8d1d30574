"""Clips that a page calls unseen are none of those that its networks were taught with, pixel by pixel: a program that makes
clips repeats itself."""
import re
from pathlib import Path

import pytest
from torch import Tensor

from autograde.writing.definitions import of_page, page_code
from clipkit.clips import digest

PAGES = [path.stem for path in sorted((Path(__file__).parents[3] / "book").glob("[0-9]*_*.md"))]
# Of each page what it calls new, and what its networks were taught with.
UNSEEN = {
    "03_cnn_features": {"others": "people"},
    "05_stability": {"others": "people"},
    "06_evaluation": {"unseen": "labelled"},
    "07_conditional": {"held": "walkers"},
    "09_stylegan2": {"fresh": "known"},
    "11_post_processing": {"others": "people"},
    "12_responsibility": {"held_out": "train", "fresh": "train", "strangers": "train"},
    "13_after_gans": {"unseen": "clips", "fresh": "clips"},
    "14_real_time": {"unseen": "clips", "new": "told", "long": "told"},
}


def clips_of(made) -> list[Tensor]:
    """Of a set, of clips, or of pictures."""
    return list(getattr(made, "clips", made))


@pytest.mark.parametrize("stem", UNSEEN)
def test_what_is_called_new_is_new(stem, monkeypatch):
    monkeypatch.setenv("CLIPKIT_PRESET", "cpu")
    names = {name for pair in UNSEEN[stem].items() for name in pair}
    made = {name: {digest(clip) for clip in clips_of(value)} for name, value in vars(of_page(stem, *names)).items()}
    for new, taught in UNSEEN[stem].items():
        assert made[new] and not made[new] & made[taught], f"{new} shares clips with {taught}"


@pytest.mark.parametrize("stem", PAGES)
def test_every_set_that_is_called_new_is_asked(stem):
    """Names that a page binds at top level from a set of clips that is drawn for this."""
    drawn = r"^(unseen|others|held|fresh|new|long|strangers|held_out)\b[^=\n]* = .*(?:Walkers|small_people|unlike|Sprites)\("
    assert set(re.findall(drawn, page_code(stem), re.MULTILINE)) <= UNSEEN.get(stem, {}).keys()
