"""nbgrader's gradebook after ours has written: one row a submission, all of it or nothing, what a person gave stays."""
import dataclasses

import pytest
from nbgrader import api
from sqlalchemy.exc import IntegrityError

from autograde.grading import gradebook as module
from autograde.grading import rows
from autograde.grading.course import CourseError
from autograde.grading.database import with_driver
from autograde.grading.gradebook import Gradebook
from autograde.grading.rows import Graded
from autograde.nbgrader_config import COURSE_ID
from autograde.writing import release


@pytest.fixture(params=["sqlite", "postgresql"])
def book(request, gradebook_file, tmp_path):
    if request.param == "postgresql":
        return Gradebook(with_driver(request.getfixturevalue("postgresql").new()))
    (tmp_path / "gradebook.db").write_bytes(gradebook_file)
    return Gradebook(f"sqlite:///{tmp_path}/gradebook.db")


@pytest.fixture
def record(desk):
    """ann's record: every check passed, the written answer open."""
    exercises = [{"id": e.id, "score": None if e.kind == "written" else float(e.points), "max_score": e.points,
                  "checks": [] if e.kind == "written" else [{"title": "t", "passed": True, "points": e.points, "hint": ""}]}
                 for e in desk.exercises.values()]
    return {"student": "ann", "chapter": "02_gan_losses", "status": "graded", "said": "Graded.", "score": 28.0,
            "max_score": 31.0, "exercises": exercises}


def test_reading_makes_no_gradebook(tmp_path):
    assert Gradebook(f"sqlite:///{tmp_path}/new.db").records() == []
    assert list(tmp_path.iterdir()) == []


def grade_by_hand(book, points, name="why_it_stalls"):
    with api.Gradebook(book.url, COURSE_ID) as gradebook:
        grade = gradebook.find_grade(name, "02_gan_losses", "02_gan_losses", "ann")
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()


def state(book):
    """All that nbgrader knows of the submissions."""
    with api.Gradebook(book.url, COURSE_ID) as gradebook:
        return [(s.student.id, s.id, s.score, s.max_score, s.needs_manual_grade,
                 sorted((g.name, g.id, g.auto_score, g.manual_score, g.needs_manual_grade) for n in s.notebooks for g in n.grades),
                 sorted((c.name, c.auto_comment) for n in s.notebooks for c in n.comments))
                for s in gradebook.assignment_submissions("02_gan_losses")]


def test_the_assignment_is_as_nbgrader_makes_it(book, desk):
    with api.Gradebook(book.url, COURSE_ID) as gradebook:
        assignment = gradebook.find_assignment("02_gan_losses")
        (notebook,) = assignment.notebooks
        assert assignment.max_score == sum(e.points for e in desk.exercises.values())
        assert {c.name for c in notebook.solution_cells} == set(desk.exercises)
        assert {c.name for c in notebook.source_cells} == {c.metadata.nbgrader.grade_id for c in desk.released.cells
                                                           if "nbgrader" in c.metadata}


def test_preparing_twice_changes_nothing(book, desk, record):
    book.record(record, "d", unanswered=set())
    before = state(book)
    book.prepare(desk.chapter)
    assert state(book) == before


def test_a_record_is_what_nbgrader_shows(book, record):
    assert book.record(record, "d", unanswered={"train"}) == record
    ((student, _, score, max_score, needs_hand, grades, comments),) = state(book)
    assert (student, score, max_score, needs_hand) == ("ann", 28.0, 31.0, True)
    assert {g[0]: g[2] for g in grades}["train-points"] == 6.0
    assert dict(comments)["train"] == "No response." and dict(comments)["generator_loss"] is None


def test_the_same_submission_twice_leaves_the_same_rows(book, record):
    book.record(record, "d", unanswered=set())
    before = state(book)
    book.record(record, "d", unanswered=set())
    assert state(book) == before and len(book.records()) == 1


def test_a_recorded_submission_is_found_by_its_content(book, record):
    assert book.find("ann", "02_gan_losses", "d") is None
    book.record(record, "d", unanswered=set())
    assert book.find("ann", "02_gan_losses", "d") == record
    assert book.find("ann", "02_gan_losses", "other") is None
    assert book.find("ben", "02_gan_losses", "d") is None


def test_a_grade_given_by_hand_survives(book, record):
    book.record(record, "d", unanswered=set())
    grade_by_hand(book, 2.5)
    again = book.record(record, "d", unanswered=set())
    assert again["score"] == 30.5 and again["exercises"][-1]["score"] == 2.5
    assert book.find("ann", "02_gan_losses", "d") == again == book.records()[0]
    assert state(book)[0][4] is False, "the same submission needs no second look"


def test_a_new_version_of_what_was_graded_by_hand_is_looked_at_again(book, record):
    book.record(record, "d", unanswered=set())
    grade_by_hand(book, 2.5)
    assert book.record(record, "changed", unanswered=set())["exercises"][-1]["score"] == 2.5
    assert state(book)[0][4] is True


def test_a_grader_may_overrule_a_check(book, record):
    book.record(record, "d", unanswered=set())
    grade_by_hand(book, 1.0, "train-points")
    assert book.find("ann", "02_gan_losses", "d")["score"] == 23.0


def test_an_empty_written_answer_has_0_and_waits_for_nobody(book, record):
    written = book.record(record, "d", unanswered={"why_it_stalls"})
    assert written["exercises"][-1]["score"] == 0
    assert state(book)[0][4] is False


def class_of(record, *students):
    return [Graded(record | {"student": student}, "d") for student in students]


@pytest.mark.parametrize("step", ["_submissions", "_notebooks", "_grades", "_comments", "_runs"])
def test_a_group_is_recorded_whole_or_not_at_all(book, record, monkeypatch, step):
    whole = getattr(rows, step)

    def stops_behind(*args):
        whole(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(rows, step, stops_behind)
    with pytest.raises(KeyboardInterrupt):
        book.record_all(class_of(record, "ann", "ben"))
    assert state(book) == [] and book.records() == []
    with api.Gradebook(book.url, COURSE_ID) as gradebook:
        assert gradebook.students == []


def test_a_group_leaves_what_one_after_the_other_leaves(book, record):
    """New submissions, one that is there, and one that a person has graded."""
    book.record(record, "d", unanswered=set())
    grade_by_hand(book, 2.5)
    book.record(record | {"student": "ben"}, "old", unanswered={"train"}, timestamp="2026-03-01 10:00:00 UTC")
    found = book.record_all(class_of(record, "dan", "ann", "ben", "cay"))
    assert [(r["student"], r["score"]) for r in found] == [("dan", 28.0), ("ann", 30.5), ("ben", 28.0), ("cay", 28.0)]
    assert [r["student"] for r in book.records()] == ["ann", "ben", "cay", "dan"]
    shown = {student: (score, waits, [g[2:] for g in grades], comments) for student, _, score, _, waits, grades, comments in state(book)}
    assert shown["ben"] == shown["cay"] == shown["dan"]
    assert shown["ann"][:2] == (30.5, False)


def test_nothing_to_record_is_nothing(book):
    assert book.record_all([]) == []


def test_of_a_group_that_fails_each_is_recorded_once(book, record, monkeypatch):
    """As where another program has written one of its rows meanwhile."""
    sizes = []

    def fails(db, stem, graded, whole=rows.write):
        sizes.append(len(graded))
        done = whole(db, stem, graded)
        if len(graded) > 1 or sizes == [3, 1, 1]:  # the whole group, and then the second of it once more
            raise IntegrityError("insert", {}, ValueError("it is there"))
        return done

    monkeypatch.setattr(rows, "write", fails)
    monkeypatch.setattr(module, "PAUSES", (0, 0))
    assert [r["student"] for r in book.record_all(class_of(record, "ann", "ben", "cay"))] == ["ann", "ben", "cay"]
    assert sizes == [3, 1, 1, 1, 1]
    assert [r["student"] for r in book.records()] == [s[0] for s in state(book)] == ["ann", "ben", "cay"]


def test_the_same_submission_twice_in_a_group_is_recorded_once(book, record, monkeypatch):
    monkeypatch.setattr(module, "PAUSES", (0,))
    assert len(book.record_all(class_of(record, "ann", "ann"))) == 2
    assert len(book.records()) == len(state(book)) == 1


def test_the_time_of_handing_in_is_kept(book, record):
    book.record(record, "d", unanswered=set(), timestamp="2026-03-01 10:00:00 UTC")
    with api.Gradebook(book.url, COURSE_ID) as gradebook:
        assert str(gradebook.find_submission("02_gan_losses", "ann").timestamp) == "2026-03-01 10:00:00"


def test_changed_exercises_with_submissions_are_a_sentence(book, record, desk, monkeypatch):
    book.record(record, "d", unanswered=set())
    source = release.source(desk.chapter)
    source.cells = [cell for cell in source.cells if cell.id != "why_it_stalls"]
    fewer = dataclasses.replace(desk.chapter)
    fewer.__dict__["exercises"] = desk.chapter.exercises[:-1]
    monkeypatch.setattr(release, "source", lambda chapter: source)
    with pytest.raises(CourseError, match="the exercises of 02_gan_losses have changed"):
        book.prepare(fewer)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "nonsense", "oracle://x", "postgresql+nodriver://x/y"])
def test_a_gradebook_that_cannot_be_used_is_a_sentence(url):
    with pytest.raises(CourseError, match="cannot be used"):
        Gradebook(url).find("ann", "02_gan_losses", "d")
