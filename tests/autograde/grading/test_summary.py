"""The class in a chapter: counted by hand."""
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from autograde.grading import summary


def record(desk, student, *, passed, hint="swap the signs", status="graded", score=0.0):
    exercises = [{"id": e.id, "max_score": e.points, "score": None if e.kind == "written" else score,
                  "checks": [] if e.kind == "written" else [
                      {"title": "one", "passed": passed, "points": 1, "hint": "" if passed else hint},
                      {"title": "two", "passed": True, "points": 1, "hint": ""}]} for e in desk.exercises.values()]
    return {"student": student, "chapter": "02_gan_losses", "status": status, "said": "", "score": score, "max_score": 31, "exercises": exercises}


@pytest.fixture
def found(desk):
    others = [record(desk, "d", passed=False, hint="Not written yet."), record(desk, "e", passed=False, status="unreadable"),
              record(desk, "f", passed=False, hint="Its cell is missing.") | {"chapter": "03_cnn_features"}]
    return summary.of(desk.chapter, [record(desk, "a", passed=True, score=3.0), record(desk, "b", passed=False, score=1.0),
                                     record(desk, "c", passed=False, score=2.0), *others])


def test_counts(found, desk):
    checked = [e for e in desk.exercises.values() if e.kind != "written"]
    assert len(found.rows) == 2 * len(checked)
    one, two = found.rows[:2]
    assert (one.number, one.title, one.counts, one.hint) == ("2.1", "one", (1, 2, 1), "swap the signs")
    assert (two.counts, two.hint, two.shares) == ((4, 0, 0), "", [1.0, 0.0, 0.0])
    assert found.scores == (3.0, 1.0, 2.0, 0.0, 0.0) and found.unread == 1 and found.waiting == 4


def test_the_sentence_says_what_the_picture_shows(found):
    assert "5 submissions" in found.sentence and "from 0 to 3 of 31, median 1" in found.sentence
    assert "by 25%: 'one' of exercise 2.1" in found.sentence


def test_a_class_that_could_not_be_read(desk):
    found = summary.of(desk.chapter, [record(desk, "e", passed=False, status="refused")])
    assert "None of them could be read" in found.sentence


def test_the_picture_carries_its_alt_text(found, tmp_path):
    summary.write(found, tmp_path / "s.png")
    summary.write(found, tmp_path / "s.svg")
    with Image.open(tmp_path / "s.png") as image:
        assert image.text["Description"] == found.sentence and image.width > 1000
    assert found.sentence in "".join(ET.parse(tmp_path / "s.svg").getroot().itertext())


def test_the_shares_are_what_is_drawn(found):
    _, heat = summary.picture(found).axes
    drawn = heat.images[0].get_array()
    assert drawn.tolist() == [row.shares for row in found.rows]
    assert [text.get_text() for text in heat.texts[:3]] == ["25%", "50%", "25%"]
