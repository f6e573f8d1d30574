"""A cell that nobody may edit fails: the state is "broken", no grade is recorded, and the sentence says whose fault it is."""
import json
import logging
from collections import Counter

import nbformat
import pytest
from nbgrader.converters import Autograde
from nbgrader.preprocessors import Execute, SaveAutoGrades
from traitlets.config import Config

from autograde import preflight
from autograde.__main__ import main
from autograde.checks import chapters
from autograde.grading import broken, runner
from autograde.grading.broken import Failure
from autograde.grading.course import Course
from autograde.grading.gradebook import Gradebook
from autograde.grading.grader import Grader
from autograde.grading.runner import Limits, Run, run
from autograde.nbgrader_config import SayBroken, configure
from autograde.writing import chapter, release
from tests.autograde.desk import cell_of, short

STEM = "02_gan_losses"
LIMITS = Limits(cell=20, notebook=60)
HERE = "It fails in the untouched notebook too: the course is broken here, not the answer."
BEFORE = "In the untouched notebook it runs: something that was written before it makes it fail."
IMPORTS = "import a_module_that_nobody_has"
MISSING = "ModuleNotFoundError: No module named 'a_module_that_nobody_has'."


def cells(*named):
    """A notebook of code cells (id, source); one whose id begins with "given" is locked."""
    made = [nbformat.v4.new_code_cell(source, id=name) for name, source in named]
    for cell in made:
        is_locked = cell.id.startswith("given") or cell.id.endswith("-check")
        cell.metadata["nbgrader"] = {"grade_id": cell.id, "grade": False, "locked": is_locked, "solution": not is_locked}
    return nbformat.v4.new_notebook(cells=made)


def error(name, value):
    return [{"output_type": "error", "ename": name, "evalue": value, "traceback": []}]


@pytest.mark.chapter("answers")
@pytest.mark.parametrize("name", chapters())
def test_what_is_released_is_not_broken_here(name):
    """No chapter's locked cells fail on their own, but for those that stand on what a student writes: a notebook to
    which nothing was written yet is not broken, nor is one with wrong answers."""
    released = release.student(chapter.load(name))
    assert broken.alone(released, run(broken.locked_alone(released), name)).failed == frozenset()


RELEASED = cells(("given-1", "import a"), ("double", "def double(x): raise NotImplementedError"), ("double-check", "double"),
                 ("given-2", "four = double(2)"), ("given-3", "five = four + 1"), ("given-4", "import b"))


def test_only_the_locked_cells_run_alone_and_what_stands_on_an_answer_is_told_apart():
    lone = broken.locked_alone(RELEASED)
    assert [cell.id for cell in lone.cells] == ["given-1", "given-2", "given-3", "given-4"]
    run = Run("graded", outputs={1: error("NameError", "name 'double' is not defined"),
                                 2: error("NameError", "name 'four' is not defined"),
                                 3: error("NameError", "name 'of_nobody' is not defined")})
    found = broken.alone(RELEASED, run)
    assert found.stand_on_answers == {"given-2", "given-3"} and found.failed == {"given-4"}
    assert found.fault([Failure("given-2", "TypeError: x"), Failure("given-3", "y")]) == ""
    assert HERE in found.fault([Failure("given-2", "TypeError: x"), Failure("given-4", "NameError: x")])
    assert BEFORE in found.fault([Failure("given-1", "NameError: x")])


def test_who_ends_the_process_in_a_locked_cell_does_not_choose_its_state():
    """Only where the locked cells, alone, end there too, the course is at fault."""
    lone = broken.locked_alone(RELEASED)
    ended = Run("crashed", "It ended (signal SIGSEGV), in the cell given-1.")
    failed = broken.failures(RELEASED, ended)
    assert failed == [Failure("given-1", ended.said, ends=True)]
    assert broken.alone(RELEASED, Run("graded", outputs=dict.fromkeys(range(4), []))).fault(failed) == ""
    assert "SIGSEGV), in the cell given-1. It fails in the" in broken.alone(RELEASED, Run("crashed", "x")).fault(failed)
    assert broken.failures(RELEASED, Run("crashed", outputs={0: []})) == [], "in a cell of the student's own"
    assert len(lone.cells) == 4


def test_a_check_that_fails_breaks_nothing():
    assert broken.failures(RELEASED, Run("graded", outputs={2: error("AssertionError", "no"), 1: error("E", "")})) == []


def test_an_error_is_quoted_in_one_short_line():
    run = Run("graded", outputs={0: error("ValueError", "x\n\n" * 5000)})
    (failure,) = broken.failures(RELEASED, run)
    assert len(failure.error) <= broken.MAX_ERROR and "\n" not in failure.error


def test_there_is_a_note_a_chapter():
    faults = Counter({("02", "The first."): 3, ("02", "Another."): 1, ("05", "One."): 1})
    assert broken.notes(faults) == ["02: 4 submissions not graded. The first. The table says what else failed (1 more).",
                                    "05: 1 submission not graded. One."]
    assert broken.notes(Counter()) == []


@pytest.fixture
def course(tmp_path, gradebook_file):
    (tmp_path / "gradebook.db").write_bytes(gradebook_file)
    return Course(tmp_path)


@pytest.fixture
def break_the_release(monkeypatch):
    """break_the_release(source): from then on the first given cell of every student notebook, which all others need, begins
    with this."""
    student = release.student

    def spoil(source):
        def spoilt(read):
            new = student(read)
            first = cell_of(new, "given-")
            first.source = f"{source}\n{first.source}"
            return new
        monkeypatch.setattr(release, "student", spoilt)
    return spoil


def graded(course, **settings):
    one = Grader(course, limits=LIMITS, **settings)
    return {r["student"]: r for r in one.grade(course.submissions(course.root / "submitted"))}, one


@pytest.mark.parametrize("source, words", [(IMPORTS, MISSING), ("import os; os._exit(4)", "(exit code 4), in the cell given-")])
def test_a_broken_course_is_no_grade_and_is_tried_again(course, hand_in, desk, break_the_release, source, words):
    for student in ("ann", "ben"):
        hand_in(student, short(desk.solved()))
    break_the_release(source)
    records, one = graded(course)
    for record in records.values():
        assert record["status"] == "broken" and record["score"] is None and record["max_score"] == 31
        assert {(e["score"], len(e["checks"])) for e in record["exercises"]} == {(None, 0)}
        assert words in record["said"] and HERE in record["said"] and "recorded before" not in record["said"]
    assert one.gradebook.records() == [] and not list((course.root / "autograded").glob("*/*"))
    (note,) = broken.notes(one.faults)
    assert note.startswith(f"{STEM}: 2 submissions not graded. The cell given-") and "autograde doctor" in note
    json.dumps(list(records.values()))


def test_it_is_graded_when_the_course_is_mended(course, hand_in, desk, break_the_release, monkeypatch):
    hand_in("ann", short(desk.solved()))
    student = release.student
    break_the_release(IMPORTS)
    assert graded(course)[0]["ann"]["status"] == "broken"
    monkeypatch.setattr(release, "student", student)
    assert graded(course)[0]["ann"]["score"] == 28


def own_cell(desk, source, *solved):
    """Handed in with an own cell at the top."""
    new = short(desk.solved(*solved))
    new.cells.insert(new.cells.index(cell_of(new, "given-")) + 1, nbformat.v4.new_code_cell(source, id="own"))
    return new


@pytest.mark.parametrize("spoils", ["clipkit = None", "del clipkit.pick", "del clipkit"])
def test_a_student_who_breaks_a_given_cell_has_no_grade_and_keeps_the_one_before(course, hand_in, desk, spoils):
    hand_in("ann", short(desk.solved("generator_loss")))
    assert graded(course)[0]["ann"]["score"] == 3
    page = course.autograded("ann", STEM) / f"{STEM}.ipynb"
    before = page.read_bytes()
    hand_in("ann", own_cell(desk, spoils))
    records, one = graded(course)
    said = records["ann"]["said"]
    assert records["ann"]["status"] == "broken" and records["ann"]["score"] is None
    assert BEFORE in said and HERE not in said and said.endswith("The grade recorded before stays.")
    (kept,) = one.gradebook.records()
    assert (kept["status"], kept["score"]) == ("graded", 3) and page.read_bytes() == before


def test_a_process_that_a_student_ends_in_a_given_cell_is_crashed_and_recorded(course, hand_in, desk):
    hand_in("ann", own_cell(desk, "import os\nclipkit.pick = lambda *_, **__: os._exit(3)"))
    records, one = graded(course)
    assert records["ann"]["status"] == "crashed" and "in the cell given-" in records["ann"]["said"]
    assert [r["status"] for r in one.gradebook.records()] == ["crashed"]


def test_a_judge_that_fails_twice_is_no_grade(course, hand_in, desk, monkeypatch):
    hand_in("ann", short(desk.solved()))
    ran = []

    def rounds(jobs, **_):
        for job in jobs:
            ran.append(job)
            yield [(job, Run("broken", "The grader itself failed; please tell the instructor."))]

    monkeypatch.setattr(runner, "rounds", rounds)
    records, one = graded(course)
    assert records["ann"]["status"] == "broken" and len(ran) == 2 and one.gradebook.records() == []


def test_the_command_says_it_at_its_end_and_fails(course, hand_in, desk, break_the_release, capsys):
    hand_in("ann", short(desk.solved()))
    hand_in("ben", b"no notebook")
    break_the_release(IMPORTS)
    assert main(["grade", str(course.root), "--json", str(course.root / "g.json"), "--jobs", "1"]) == 1
    shown = capsys.readouterr()
    assert "not graded" in shown.out and "broken" in shown.out
    (line,) = shown.err.strip().splitlines()
    assert line.startswith(f"autograde: {STEM}: 1 submission not graded. The cell given-") and MISSING in line
    found = {r["student"]: (r["status"], r["score"]) for r in json.loads((course.root / "g.json").read_text())}
    assert found == {"ann": ("broken", None), "ben": ("unreadable", 0)}
    assert [r["student"] for r in Gradebook(course.db_url).records()] == ["ben"]
    for command in ("export", "summary", "feedback"):
        assert main([command, "--course", str(course.root)]) == 0
    assert "ann" not in capsys.readouterr().out


def test_a_student_is_told_the_same_before_handing_in(desk, break_the_release, tmp_path, capsys):
    (tmp_path / "mine.ipynb").write_text(json.dumps(own_cell(desk, "del clipkit")))
    assert BEFORE in preflight.check(tmp_path / "mine.ipynb").fault
    (tmp_path / "mine.ipynb").write_text(json.dumps(short(desk.solved())))
    assert preflight.check(tmp_path / "mine.ipynb").fault == ""
    break_the_release(IMPORTS)
    assert main(["check", str(tmp_path / "mine.ipynb")]) == 1
    assert HERE in " ".join(capsys.readouterr().out.split())


def test_a_stock_run_says_which_cells_failed(desk, caplog):
    """nbgrader grades all the same; its log has a warning."""
    config = Config()
    configure(config)
    steps = config.Autograde.autograde_preprocessors
    assert steps.index(SayBroken) == steps.index(Execute) + 1 < steps.index(SaveAutoGrades)
    assert [s for s in steps if s is not SayBroken] == Autograde.autograde_preprocessors.default()
    notebook = desk.untouched()
    cell_of(notebook, "given-").outputs = [nbformat.from_dict(output) for output in error("ImportError", "no torch")]
    SayBroken(log=logging.getLogger("nbgrader's")).preprocess(notebook, {"nbgrader": {"student": "ann"}})
    (sentence,) = caplog.messages
    assert sentence.startswith("ann: the cell given-") and "failed (ImportError: no torch)" in sentence
