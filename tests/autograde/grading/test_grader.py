"""The way of a submission, with runs that are made up: what is recorded, and what stands in autograded/."""
import hashlib
import json
import os

import nbformat
import pytest

from autograde import checks, files
from autograde.grading import feedback, intake, recorder, runner, similar_page
from autograde.grading.course import Course
from autograde.grading.executed import is_of, write
from autograde.grading.gradebook import Gradebook
from autograde.grading.grader import Grader
from autograde.grading.runner import Run
from tests.autograde.desk import cell_of

STEM = "02_gan_losses"


@pytest.fixture
def grade(tmp_path, gradebook_file, monkeypatch):
    """grade(run): grades all that was handed in, every run ending as `run`; gives records by student."""
    (tmp_path / "gradebook.db").write_bytes(gradebook_file)

    def grade(run, **settings):
        monkeypatch.setattr(runner, "rounds", lambda jobs, **_: ([(job, run)] for job in jobs))
        course = Course(tmp_path)
        return {r["student"]: r for r in Grader(course, **settings).grade(course.submissions(tmp_path / "submitted"))}
    return grade


def passed(desk, name):
    """The results of an exercise whose checks all passed."""
    return [{"title": c.title, "passed": True, "points": c.points, "max_points": c.points, "hint": ""}
            for c in checks.checks_of(f"gan_losses.{name}")]


def executed(tmp_path, student):
    return nbformat.read(tmp_path / "autograded" / student / STEM / f"{STEM}.ipynb", as_version=4)


@pytest.mark.parametrize("status", ["timed_out", "crashed"])
def test_a_run_that_did_not_end_keeps_what_was_checked(grade, hand_in, desk, tmp_path, status):
    hand_in("ann", desk.solved())
    index = desk.released.cells.index(cell_of(desk.released, "generator_loss-points"))
    run = Run(status, "It was stopped.", {}, {"gan_losses.generator_loss": passed(desk, "generator_loss")},
              {index: "gan_losses.generator_loss"})
    record = grade(run)["ann"]
    assert (record["status"], record["said"], record["score"]) == (status, "It was stopped.", 3)
    assert {c["hint"] for e in record["exercises"] for c in e["checks"] if not c["passed"]} == {"It was stopped."}
    notebook = executed(tmp_path, "ann")
    assert "It was stopped." in notebook.cells[0].source
    said, points = cell_of(notebook, "generator_loss-points").outputs
    assert "[passed]" in said.text and points.data["text/plain"] == "3.0"
    assert cell_of(notebook, "train-points").outputs == []
    nbformat.validate(notebook)


def test_a_bad_neighbour_stops_nobody(grade, hand_in, desk, tmp_path, monkeypatch):
    hand_in("ann", b"\xff")
    hand_in("ben", desk.solved())
    hand_in("cay", desk.solved())
    hand_in("dan", desk.solved(), name="one.ipynb")
    hand_in("dan", desk.solved(), name="two.ipynb")
    link = tmp_path / "submitted" / "eve" / STEM
    link.mkdir(parents=True)
    (link / f"{STEM}.ipynb").symlink_to(tmp_path / "submitted" / "ben" / STEM / f"{STEM}.ipynb")
    read = intake.read
    monkeypatch.setattr(intake, "read", lambda path: 1 / 0 if "cay" in str(path) else read(path))
    records = grade(Run("graded"))
    assert {s: r["status"] for s, r in records.items()} == {"ann": "unreadable", "ben": "graded", "cay": "unreadable",
                                                             "dan": "refused", "eve": "refused"}
    assert "could not be taken in (ZeroDivisionError" in records["cay"]["said"]
    for student in records:
        nbformat.validate(executed(tmp_path, student))


def test_what_changed_is_graded_again_and_nothing_else(grade, hand_in, desk):
    hand_in("ann", desk.solved())
    hand_in("ben", desk.solved())
    grade(Run("graded"))
    hand_in("ben", desk.untouched())
    again = grade(Run("crashed", "Second time."))
    assert (again["ann"]["status"], again["ben"]["status"]) == ("graded", "crashed")
    assert grade(Run("timed_out", "Third."), rerun=True)["ann"]["status"] == "timed_out"


def test_who_is_killed_goes_on_from_there(grade, hand_in, desk, tmp_path, monkeypatch):
    for student in ("ann", "ben", "cay"):
        hand_in(student, desk.solved())

    def killed_at_the_second(jobs, **_):
        yield [(next(jobs), Run("graded"))]
        raise KeyboardInterrupt

    course = Course(tmp_path)
    monkeypatch.setattr(runner, "rounds", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        list(Grader(course).grade(course.submissions(tmp_path / "submitted")))
    assert [r["student"] for r in Grader(course).gradebook.records()] == ["ann"]
    assert {s: r["said"] for s, r in grade(Run("graded", "Now.")).items()} == {"ann": "Graded.", "ben": "Now.", "cay": "Now."}


def test_what_is_said_of_the_notebook_stands_in_the_record(grade, hand_in, desk):
    notebook = desk.solved()
    notebook.cells.remove(cell_of(notebook, "train"))
    hand_in("ann", notebook, name="Copy.ipynb")
    record = grade(Run("graded"))["ann"]
    assert record["said"] == ("Copy.ipynb was taken: it is the only notebook handed in. "
                              "Exercise 2.7 (train): its cell is missing, so it counts as not written.")


def test_litter_is_nobody_and_no_notebook(grade, hand_in, desk, tmp_path):
    """As a zip packed on a Mac leaves it; and what an older version had recorded of it stands in no report."""
    hand_in("ann", desk.solved(), name="Copy of 02_gan_losses.ipynb")
    hand_in("ann", b"\0\5\26\7", name="._Copy of 02_gan_losses.ipynb")
    hand_in("__MACOSX", b"\0\5\26\7", name="._02_gan_losses.ipynb")
    records = grade(Run("graded"))
    assert {student: record["status"] for student, record in records.items()} == {"ann": "graded"}
    book = Gradebook(Course(tmp_path).db_url)
    book.record(records["ann"] | {"student": "__MACOSX"}, "d", unanswered=set())
    old = executed(tmp_path, "ann")
    write(old, tmp_path / "autograded" / "__MACOSX" / STEM, STEM, None, "d")
    assert [record["student"] for record in book.records()] == ["ann"]
    assert [path.parts[-3] for path in feedback.generate(Course(tmp_path), [STEM])] == ["ann"]
    assert set(similar_page.answers_of(Course(tmp_path), desk.chapter)[0]) == {"ann"}


def test_an_emptied_answer_is_no_response(grade, hand_in, desk, tmp_path):
    notebook = desk.solved()
    cell_of(notebook, "why_it_stalls").source = cell_of(notebook, "train").source = ""
    hand_in("ann", notebook)
    grade(Run("graded"))
    grades = Gradebook(Course(tmp_path).db_url).grades("ann", STEM)
    assert grades["why_it_stalls"][0] == 0, "nothing waits for a person"


def test_the_time_stamp_goes_along(grade, hand_in, desk, tmp_path):
    (hand_in("ann", desk.solved()).parent / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC")
    grade(Run("graded"))
    assert (tmp_path / "autograded" / "ann" / STEM / "timestamp.txt").read_text() == "2026-03-01 10:00:00 UTC"


@pytest.mark.parametrize("stamp", [b"yesterday, I think", b"\xff\xfe", b"", b"9" * 5000])
def test_a_time_stamp_that_tells_no_time_does_not_matter(grade, hand_in, desk, tmp_path, stamp):
    (hand_in("ann", desk.solved()).parent / "timestamp.txt").write_bytes(stamp)
    assert grade(Run("graded"))["ann"]["status"] == "graded"
    assert not (tmp_path / "autograded" / "ann" / STEM / "timestamp.txt").exists()


def test_of_many_that_need_not_run_no_more_are_kept_than_a_group(grade, hand_in, desk, tmp_path, monkeypatch):
    for student in ("ann", "ben", "cay", "dan", "eve"):
        hand_in(student, desk.solved())
    grade(Run("graded"))
    monkeypatch.undo()
    monkeypatch.setattr(recorder, "MOST", 2)
    course, taken = Course(tmp_path), []
    submissions = (taken.append(s) or s for s in course.submissions(tmp_path / "submitted"))
    seen = [(record["student"], len(taken)) for record in Grader(course).grade(submissions)]
    assert seen == [("ann", 2), ("ben", 2), ("cay", 4), ("dan", 4), ("eve", 5)]


def test_a_group_has_no_more_than_so_many_and_so_much(grade, hand_in, desk, tmp_path, monkeypatch):
    for student in ("ann", "ben", "cay", "dan", "eve"):
        hand_in(student, desk.solved())
    sizes = []
    record_all = Gradebook.record_all
    monkeypatch.setattr(Gradebook, "record_all", lambda book, graded: sizes.append(len(graded)) or record_all(book, graded))
    course = Course(tmp_path)
    for limit, value, expected in (("MOST", 2, [2, 2, 1]), ("MOST_BYTES", 1, [1] * 5), ("MOST", 64, [5])):
        with monkeypatch.context() as patch:
            patch.setattr(recorder, limit, value)
            grader = Grader(course, rerun=True, rounds=lambda jobs: iter([[(job, Run("graded")) for job in jobs]]))
            assert len(list(grader.grade(course.submissions(tmp_path / "submitted")))) == 5
        assert [size for size in sizes if size] == expected
        sizes.clear()


def test_what_crashed_is_run_once_more_when_all_others_are_done(hand_in, desk, tmp_path, gradebook_file, monkeypatch):
    """What killed it may have come from outside; its own doing comes again."""
    (tmp_path / "gradebook.db").write_bytes(gradebook_file)
    for student in ("ann", "ben", "cay"):
        hand_in(student, desk.solved())
    ran = []

    def rounds(jobs, **_):
        for job in jobs:
            ran.append(job.key.submission.student)
            is_down = ran[-1] == "ann" or ran.count("ben") == 1 and ran[-1] == "ben"
            yield [(job, Run("crashed", "It was killed.") if is_down else Run("graded"))]

    monkeypatch.setattr(runner, "rounds", rounds)
    course = Course(tmp_path)
    records = list(Grader(course).grade(course.submissions(tmp_path / "submitted")))
    assert ran == ["ann", "ben", "cay", "ann", "ben"]
    assert [(r["student"], r["status"]) for r in records] == [("cay", "graded"), ("ann", "crashed"), ("ben", "graded")]


@pytest.mark.parametrize("name", ["x" * 200, "a\nb", os.fsdecode(b"caf\xe9")])
def test_a_folder_that_can_be_no_student_is_refused_and_stops_nobody(grade, hand_in, desk, name):
    hand_in("ann", desk.solved())
    hand_in(name, desk.solved())
    records = grade(Run("graded"))
    assert sorted(r["status"] for r in records.values()) == ["graded", "refused"]
    json.dumps(list(records.values()), ensure_ascii=False).encode()


def test_an_executed_notebook_says_which_file_it_came_of(grade, hand_in, desk, tmp_path):
    path = hand_in("ann", desk.solved())
    grade(Run("graded"))
    folder = tmp_path / "autograded" / "ann" / STEM
    assert is_of(folder, STEM, hashlib.sha256(path.read_bytes()).hexdigest())
    assert not is_of(folder, STEM, hashlib.sha256(b"another").hexdigest())
    assert not is_of(folder, "another", "")
    assert [p.name for p in folder.iterdir()] == [f"{STEM}.ipynb"], "nothing half-written beside it"


def test_what_a_killed_grader_half_wrote_goes_also_where_nothing_is_graded_anew(grade, hand_in, desk, tmp_path, monkeypatch):
    hand_in("ann", desk.solved())
    grade(Run("graded"))
    folder = tmp_path / "autograded" / "ann" / STEM
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: None)
        files.put(folder / f"{STEM}.ipynb", "not yet in place when its writer is killed")
    assert len(list(folder.iterdir())) == 2
    grade(Run("crashed"))  # not asked: the record is there
    assert [p.name for p in folder.iterdir()] == [f"{STEM}.ipynb"]
