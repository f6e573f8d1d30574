"""The command line on a course folder: what an instructor types, and what comes of it."""
import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from autograde import checks
from autograde.__main__ import main
from autograde.grading.sandbox import started, walls
from tests.autograde.desk import cell_of, short
from tests.autograde.grading.test_repair import changed, saved_in_colab_with_new_ids, stubs_copied_below

STEM = "02_gan_losses"
EXPECTED = {  # student: (status, words of the sentence)
    "ann": ("graded", "Graded."),
    "ben": ("graded", "Graded."),
    "cay": ("graded", "(js_divergence): its cell is missing"),
    "dan": ("unreadable", "ends in the middle"),
    "eve": ("refused", "has no cell of 02_gan_losses"),
    "fay": ("graded", "were matched by id, name and content"),
    "gus": ("crashed", "(exit code 3), in the cell js_divergence"),
    "hal": ("unreadable", "There is no notebook"),
    "ivy": ("graded", "Copy of 02.ipynb was taken"),
}


@pytest.fixture(scope="module")
def course(desk, gradebook_file, tmp_path_factory):
    """A course folder, graded once by `autograde grade`; its --json is there as grades.json."""
    root = tmp_path_factory.mktemp("course")
    (root / "gradebook.db").write_bytes(gradebook_file)
    exits = short(desk.solved())
    cell_of(exits, "js_divergence").source = "import os; os._exit(3)"
    handed_in = {
        "ann": desk.solved(), "ben": short(desk.untouched()), "cay": desk.half_right(), "dan": '{"cells": [{',
        "eve": nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Homework")]),
        "fay": changed(short(desk.solved()), stubs_copied_below, saved_in_colab_with_new_ids, desk=desk),
        "gus": exits, "hal": None, "ivy": short(desk.untouched())}
    for student, notebook in handed_in.items():
        folder = root / "submitted" / student / STEM
        folder.mkdir(parents=True)
        name = "Copy of 02.ipynb" if student == "ivy" else f"{STEM}.ipynb"
        if notebook:
            (folder / name).write_text(notebook if isinstance(notebook, str) else json.dumps(notebook))
    (root / "submitted" / "ann" / STEM / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC")
    assert main(["grade", str(root / "submitted"), "--json", str(root / "grades.json"), "--jobs", "2"]) == 0
    return root


@pytest.fixture(scope="module")
def records(course):
    return {record["student"]: record for record in json.loads((course / "grades.json").read_text())}


def scores(record):
    return {exercise["id"].partition(".")[2]: exercise["score"] for exercise in record["exercises"]}


def test_every_submission_has_a_state_and_a_sentence(records):
    assert records.keys() == EXPECTED.keys()
    for student, (status, words) in EXPECTED.items():
        assert records[student]["status"] == status and words in records[student]["said"], records[student]["said"]


def test_the_reference_answers_score_everything_that_is_checked(records, desk):
    for student in ("ann", "fay"):
        assert scores(records[student]) == {n: None if e.kind == "written" else e.points for n, e in desk.exercises.items()}
        assert records[student]["score"] == 28 and records[student]["max_score"] == 31


def test_an_untouched_notebook_scores_nothing(records, desk):
    for student in ("ben", "dan", "eve", "hal", "ivy"):
        assert scores(records[student]) == dict.fromkeys(desk.exercises, 0)


def test_a_half_right_one_gets_what_plain_checks_give(records, desk):
    expected = desk.points_by_plain_checks(desk.half_right())
    assert scores(records["cay"]) == expected | {"why_it_stalls": None}
    assert 0 < sum(expected.values()) < 28 and expected["js_divergence"] == 0 and expected["generator_loss"] == 3
    missing = next(e for e in records["cay"]["exercises"] if e["id"] == "gan_losses.js_divergence")
    assert {c["hint"] for c in missing["checks"]} == {"Its cell is missing."}


def test_what_was_checked_before_a_crash_counts(records):
    given = scores(records["gus"])
    assert given["discriminator_loss"] == 4 and given["generator_loss"] == 3 and given["js_divergence"] == 0


def test_the_json_has_the_form_of_the_design(records, desk):
    for record in records.values():
        assert record.keys() == {"student", "chapter", "status", "said", "score", "max_score", "exercises"}
        assert record["chapter"] == STEM and record["score"] == sum(e["score"] or 0 for e in record["exercises"])
        assert [e["id"] for e in record["exercises"]] == [e.id for e in desk.exercises.values()]
        for exercise in record["exercises"]:
            assert exercise.keys() == {"id", "score", "max_score", "checks"}
            assert [c["title"] for c in exercise["checks"]] == [c.title for c in checks.checks_of(exercise["id"])]
            for check in exercise["checks"]:
                assert check.keys() == {"title", "passed", "points", "hint"}
                assert check["passed"] or check["hint"]


def test_grading_again_runs_nothing_and_says_the_same(course, records, monkeypatch, capsys):
    monkeypatch.setattr("autograde.grading.runner._Process", None)  # a run would fail
    assert main(["grade", str(course), "--json", str(course / "again.json")]) == 0
    assert json.loads((course / "again.json").read_text()) == list(records.values())
    assert "31" in capsys.readouterr().out


def test_rerun_grades_anew_and_gives_the_same(course, records):
    assert main(["grade", str(course), "--rerun", "--student", "cay", "--chapter", "2", "--json",
                 str(course / "cay.json")]) == 0
    assert json.loads((course / "cay.json").read_text()) == [records["cay"]]


def test_the_table_is_shown(course, capsys):
    main(["grade", str(course), "--student", "fay"])
    out = capsys.readouterr().out
    assert "fay" in out and "graded" in out and "28 of 31" in out and "3 by hand" in out


def test_feedback_has_the_hint_and_no_hidden_check(course, capsys):
    assert main(["feedback", "--course", str(course), "--student", "cay"]) == 0
    (page,) = [line for line in capsys.readouterr().out.splitlines() if line]
    html = Path(page).read_text()
    assert "right where a density is zero" in html and "strong gradient where the samples are bad" in html
    assert "its cell is missing" in html and "18</strong> of 31 points" in html
    for secret in ("assert_close", "autograde", "from solutions", "BEGIN HIDDEN", "mistakes="):
        assert secret not in html


def test_feedback_of_what_could_not_be_read_says_why(course, capsys):
    assert main(["feedback", "--course", str(course), "--student", "dan"]) == 0
    assert "ends in the middle" in Path(capsys.readouterr().out.strip()).read_text()


def test_export_is_a_table_of_all(course, records, capsys):
    assert main(["export", "--course", str(course)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(r["student"], float(r["score"]), r["status"]) for r in rows] == [
        (s, r["score"], r["status"]) for s, r in records.items()]
    assert main(["export", "--course", str(course), "--out", str(course / "grades.csv")]) == 0
    assert (course / "grades.csv").read_text().startswith("student,chapter,status,score,max_score,open,said\n")


def test_export_for_a_school_says_who_is_missing_and_what_is_open(course, tmp_path, capsys):
    (tmp_path / "roster.csv").write_text("Student,ID,SIS User ID,SIS Login ID,Section\nLovelace,7,,ann,A\n")
    assert main(["export", "--course", str(course), "--format", "canvas", "--roster", str(tmp_path / "roster.csv")]) == 0
    said = capsys.readouterr()
    assert "Lovelace,7,,ann,A,28" in said.out
    assert "ben is not in" in said.err and "wait for a grade by hand" in said.err


def test_summary_and_similar_say_and_write_what_they_found(course, tmp_path, capsys):
    out = [str(tmp_path / name) for name in ("class.png", "page.html")]
    assert main(["summary", "--course", str(course), "--out", out[0]]) == 0
    assert main(["similar", "--course", str(course), "--chapter", "2", "--out", out[1]]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "9 submissions for 2 · The losses of a GAN" in said and "submissions compared" in said
    assert (tmp_path / "class.png").stat().st_size > 10_000 and "<script" not in (tmp_path / "page.html").read_text()


def test_a_folder_that_is_no_chapter_is_said_and_the_rest_is_graded(tmp_path, course):
    (tmp_path / "gradebook.db").write_bytes((course / "gradebook.db").read_bytes())
    for folder in ("02_gan_loses", "gan_losses", STEM):
        (tmp_path / "submitted" / "zoe" / folder).mkdir(parents=True)
    assert main(["grade", str(tmp_path), "--json", str(tmp_path / "g.json")]) == 1
    said = {r["chapter"]: (r["status"], r["said"]) for r in json.loads((tmp_path / "g.json").read_text())}
    assert said["02_gan_loses"] == ("refused", "No chapter '02_gan_loses'; did you mean '02_gan_losses'?")
    assert said["gan_losses"] == ("refused", "The folder 'gan_losses' is no chapter; name it '02_gan_losses'.")
    assert said[STEM][0] == "unreadable"


WORDS = {
    "grdae": "Did you mean 'grade'?", "grade --jbos 2": "Did you mean '--jobs'?", "grade --jobs none": "at least 1",
    "grade nowhere": "there is no folder nowhere", "grade --chapter gan_loses": "did you mean 'gan_losses'?",
    "grade": "there is no folder submitted",
    "release gan_loses": "did you mean 'gan_losses'?", "export --format canvs": "Did you mean 'canvas'?", "summary --course .": "holds no submission",
    "similar --course . --chapter 2": "holds no submission for 02_gan_losses", "sumary": "Did you mean 'summary'?",
    "export --course .": "holds no submission", "feedback --course .": "nothing is graded", "check nothing.ipynb": "No such file",
    "leaderboard --course .": "holds no submission for 15_challenge", "release --check --course x": "give one of the two", "book --preset cpi": "Did you mean 'cpu'?", "": "required",
}


@pytest.mark.parametrize("line", WORDS)
def test_a_mistake_is_one_sentence(line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(line.split())
    except SystemExit as stop:
        status = stop.code
    said = capsys.readouterr().err
    assert status == 2 and WORDS[line] in said and "Traceback" not in said and len(said.strip().splitlines()) == 1


def test_submissions_that_are_not_there(tmp_path, capsys):
    (tmp_path / "submitted").mkdir()
    assert main(["grade", str(tmp_path / "submitted")]) == 2
    assert "expected submitted/STUDENT/CHAPTER/NOTEBOOK.ipynb" in capsys.readouterr().err
    (tmp_path / "submitted" / "anna" / STEM).mkdir(parents=True)
    assert main(["grade", str(tmp_path), "--student", "ana"]) == 2
    assert "did you mean 'anna'?" in capsys.readouterr().err


def test_check_says_what_a_student_sees_in_colab(desk, tmp_path, capsys):
    notebook = desk.half_right()
    (tmp_path / "mine.ipynb").write_text(json.dumps(notebook))
    assert main(["check", str(tmp_path / "mine.ipynb")]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "not written yet" in out and "passed" in out and "failed" in out and "SyntaxError" not in out
    (tmp_path / "mine.ipynb").write_text(json.dumps(short(desk.solved())))
    assert main(["check", str(tmp_path / "mine.ipynb")]) == 0


def test_doctor_is_honest(tmp_path, capsys):
    assert main(["doctor", "--course", str(tmp_path)]) == 0
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "nbgrader" in out and "strong: every layer holds" in out and "64 processes, no network" in out
    assert "a trial imported every package that notebooks use" in out


@pytest.mark.parametrize("missing, status, said", [
    ({"user namespace": "Operation not permitted"}, 1, ("weak: no user namespace", "sysctl", "--sandbox=weak")),
    (dict.fromkeys(walls.NAMESPACES, "unshare: Operation not permitted"), 0,
     ("contained: another user, Landlock", "--cap-add SYS_ADMIN", "grade with --sandbox=contained")),
    ({"another user": "it could not read /root/lib/os.py: Permission denied"}, 1, ("weak", "/root/lib/os.py", "chmod o+x")),
])
def test_doctor_names_the_level_what_it_lacks_and_how_to_mend_it(missing, status, said, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(started.here(), "missing", missing)
    assert main(["doctor", "--course", str(tmp_path)]) == status
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert all(sentence in out for sentence in said), out


def test_doctor_tries_what_a_submission_does(tmp_path, capsys, monkeypatch):
    """Not only the layers: here an import fails within."""
    monkeypatch.setattr("autograde.doctor.USES", "import no_such_package")
    assert main(["doctor", "--course", str(tmp_path)]) == 1
    out = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "No module named 'no_such_package'" in out and "Right answers would fail too" in out


def test_a_machine_without_a_sandbox_is_refused_in_a_sentence(course, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("autograde.grading.sandbox.walls.level", lambda missing: "weak")
    again = ["grade", str(course), "--student", "ben", "--rerun", "--json", str(tmp_path / "ben.json")]
    assert main(again) == 2
    said = capsys.readouterr().err
    assert "this machine's sandbox lacks" in said and "--sandbox=weak" in said and len(said.strip().splitlines()) == 1
    assert main([*again, "--sandbox=weak"]) == 0


def test_help_is_fast_and_names_every_command():
    """It imports neither torch nor nbgrader."""
    code = "import sys; from autograde.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n" \
           "assert not {'torch', 'nbgrader', 'rich', 'jupytext'} & set(sys.modules), 'heavy import'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"COLUMNS": "100"})
    assert done.returncode == 0, done.stderr
    for command in ("release", "bundle", "collect", "grade", "feedback", "export", "summary", "leaderboard", "similar", "check", "doctor", "book", "execute"):
        assert command in done.stdout
