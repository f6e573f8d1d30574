"""The generated tables of what there is to earn, against the chapters and checks themselves."""
import re

import pytest

from autograde import checks
from autograde.writing import chapter

from .test_extensions import EXTENSIONS

HOURS = {"two hours and a half": 2.5, "three hours": 3, "three hours and a half": 3.5, "four hours and a half": 4.5,
         "five hours and a half": 5.5}


@pytest.fixture
def course_table(monkeypatch):
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    import course_table
    return course_table


def rows(markdown):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.split("\n")[2:]]


def test_every_chapter_has_its_row_and_the_sum_is_right(course_table):
    *chapters, together = rows(course_table.course_table())
    assert [re.search(r"\((\w+)\.md\)", row[0])[1] for row in chapters] == chapter.stems()
    for place in (1, 2):
        assert sum(float(row[place]) for row in chapters) == float(together[place])
    assert all(re.fullmatch(r"\d+ s", row[5]) for row in chapters)


def test_a_chapter_needs_earlier_ones_only(course_table):
    *chapters, _ = rows(course_table.course_table())
    needed = [[int(n) for n in re.findall(r"\d+", row[4])] for row in chapters]
    assert needed[0] == [] and [2, 3] in needed
    for number, earlier in zip((int(stem[:2]) for stem in chapter.stems()), needed, strict=True):
        assert all(n < number for n in earlier)


def test_a_chapter_asks_for_the_time_of_its_exercises_and_some_to_read():
    for stem in chapter.stems():
        text = (chapter.BOOK / f"{stem}.md").read_text("utf-8")
        spoken = re.search(r"It takes about ([a-z ]+) with the exercises", text)[1]
        exercises = sum(exercise.minutes for exercise in chapter.load(stem).exercises)
        assert 30 <= 60 * HOURS[spoken] - exercises <= 60, stem


def test_every_exercise_has_its_row_with_the_points_of_its_checks(course_table):
    named = {(row[0], row[2].strip("`")): float(row[3]) for row in rows(course_table.exercise_table())}
    known = {(e.number, e.name): checks.max_score(e.id) for stem in chapter.stems()
             for e in chapter.load(stem).exercises}
    assert named == known


def test_long_times_are_hours(course_table):
    assert course_table.cells([8, 31.0, 85]) == ["8", "31", "85 min"]
    assert course_table.cells([8, 2.5, 130]) == ["8", "2.5", "2 h"]
    spoken = [course_table.spoken(minutes) for minutes in (10, 89.5, 90, 137)]
    assert spoken == ["10 minutes", "89.5 minutes", "1.5 hours", "2.5 hours"]
