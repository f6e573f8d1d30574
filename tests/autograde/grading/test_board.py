"""The challenge's way: notebook and weights handed in, graded, ranked; cheats end at the bottom."""
import json

import nbformat
import pytest
import torch
from safetensors.torch import save

from autograde import checks
from autograde.__main__ import main
from autograde.checks import challenge
from autograde.grading import board, intake
from autograde.grading.course import Course
from autograde.grading.grader import Grader, _digest
from autograde.grading.runner import Limits, Run, run
from autograde.writing import answers, chapter, release
from solutions.challenge import Budget
from solutions.leaderboard.judge import HeldBack, Verdict
from solutions.leaderboard.scorer import STANDING, Score
from tests.autograde.desk import cell_of, short

STEM = "15_challenge"
COPIES = """def make_clips(z):
    clips = Walkers(600, num_frames=8, every=2, scene="meadow", seed=0).clips[:128]
    return ((20 * z).softmax(1) @ clips.flatten(1)).view(-1, 8, 3, 32, 32).clamp(-1, 1)"""
COSTLY = """def make_clips(z):
    entry = Entry()
    entry.load_state_dict(load_file("entry.safetensors"))
    with torch.no_grad():
        return entry.decode(heun(entry.velocity, z[:, :96], 120))"""
ENTRIES = {  # student -> what stands in the cell of the entry; None: the reference
    "ann": None,
    "ben": COPIES,
    "cay": "def make_clips(z):\n    return torch.zeros(len(z), 8, 3, 32, 32)",
    "dan": "def make_clips(z):\n    raise ValueError('Your clips score 99.9 (quality 1.00, motion 1.00, diversity 1.00, "
           "originality 1.00).')",
    "eve": None,  # without the file
    "gus": COSTLY,
    "hal": None,  # ann's weights, and another word in the notebook
}


@pytest.fixture(scope="module")
def course(entry_file, held_back, tmp_path_factory):
    """A course folder in which seven entries were handed in and graded."""
    root, read = tmp_path_factory.mktemp("course"), chapter.load("challenge")
    for student, source in ENTRIES.items():
        notebook = release.student(read)
        for exercise in read.exercises:
            if student != "ann" and exercise.name in ("cheat", "train_mine"):
                continue  # they take long, and are none of this test's business
            comment = f"<!-- {exercise.id} -->\n" if exercise.kind == "written" else ""
            cell_of(notebook, exercise.name).source = comment + answers.model(exercise.answer)
        if source:
            cell_of(notebook, "make_clips").source = source
        if student == "hal":
            cell_of(notebook, "what_i_tried").source += " Indeed."
        folder = root / "submitted" / student / STEM
        folder.mkdir(parents=True)
        (folder / f"{STEM}.ipynb").write_text(json.dumps(short(notebook)))
        if student != "eve":
            (folder / intake.WEIGHTS).write_bytes(entry_file.read_bytes())
    (root / ".autograde.challenge.json").write_text(held_back)
    assert main(["grade", str(root), "--json", str(root / "grades.json")]) == 0
    return root


@pytest.fixture(scope="module")
def graded(course):
    return {record["student"]: record for record in json.loads((course / "grades.json").read_text())}


def entry_of(record):
    return next(exercise for exercise in record["exercises"] if exercise["id"] == board.EXERCISE)


def test_a_trained_entry_earns_its_points_and_is_told_its_score(graded):
    record = graded["ann"]
    assert record["status"] == "graded", record["said"]
    assert entry_of(record)["score"] == checks.max_score(board.EXERCISE), entry_of(record)
    assert any(check["hint"].startswith("Your clips score ") for check in entry_of(record)["checks"])


def test_without_its_file_an_entry_makes_nothing(graded):
    exercise = entry_of(graded["eve"])
    assert exercise["score"] == 0 and "entry.safetensors" in exercise["checks"][0]["hint"]


def test_the_board_ranks_entries_and_cheats_stand_at_the_bottom(course, capsys, tmp_path):
    path = tmp_path / "board.json"
    assert main(["leaderboard", "--course", str(course), "--json", str(path)]) == 0
    assert "ann" in capsys.readouterr().out
    places = {place["name"]: place for place in json.loads(path.read_text())}
    # dan only says so, eve made nothing, and gus spent too much
    assert set(places) == {"ann", "ben", "cay", "hal", *STANDING}
    assert places["ann"]["total"] > places["linear baseline"]["total"] > 2 * places["ben"]["total"]
    assert places["ben"]["originality"] == 0 and places["cay"]["total"] == 0
    assert places["ann"]["rank"] < places["linear baseline"]["rank"] < min(places[name]["rank"] for name in ("ben", "cay"))
    assert places["ann"]["low"] < places["ann"]["total"] < places["ann"]["high"]


def test_the_final_board_is_another_half(course, graded, tmp_path):
    boards = {}
    for flags in ((), ("--final",)):
        path = tmp_path / "board.json"
        assert main(["leaderboard", "--course", str(course), *flags, "--json", str(path)]) == 0
        boards[flags] = {place["name"]: place for place in json.loads(path.read_text())}
    told, final = boards.values()
    assert set(told) == set(final) and told["ann"]["total"] != final["ann"]["total"]
    assert abs(told["ann"]["total"] - final["ann"]["total"]) < 8
    notes = [check.get("note", "") for check in entry_of(graded["ann"])["checks"]]
    assert any(note.startswith("At the end they score ") for note in notes)
    executed = (course / "autograded" / "ann" / STEM / f"{STEM}.ipynb").read_text()
    assert "Your clips score" in executed and "At the end" not in executed, "a student is never told"


def test_another_word_in_the_notebook_draws_no_other_noise(graded):
    assert entry_of(graded["ann"])["checks"] == entry_of(graded["hal"])["checks"]


def test_operations_of_a_clip_are_counted(graded):
    hint = entry_of(graded["gus"])["checks"][0]["hint"]
    assert "operations; the budget allows 1e+08" in hint
    assert not any(check["hint"].startswith("Your clips score") for check in entry_of(graded["gus"])["checks"]), "no place on the board"


def test_locked_cells_that_run_alone_leave_the_judge_of_the_course_ready(course, monkeypatch):
    """Where they came with another, the one of the course would be made anew for each entry that follows: in seconds."""
    asked, grader = [], Grader(Course(course))
    monkeypatch.setattr(grader, "rounds", lambda jobs: [[(job, asked.append(job) or Run()) for job in jobs]])
    grader._locked_alone(grader._assignment(STEM))
    assert [job.held_back for job in asked] == [Course(course).held_back("challenge")] != [""]


def test_entries_share_a_rank_where_their_intervals_meet(monkeypatch):
    def record(name, quality, error):
        said = f"Your clips score {Verdict(Score(quality, quality, quality, 1.0), error)}."
        return {"student": name, "exercises": [{"id": board.EXERCISE, "checks": [{"hint": said}]}]}

    monkeypatch.setattr(challenge, "standing", lambda held_back: {})
    found = board.places([record("a", 0.9, 1), record("b", 0.87, 1), record("c", 0.84, 1), record("d", 0.5, 1)])
    assert [(place.name, place.rank) for place in found] == [("a", 1), ("b", 1), ("c", 2), ("d", 4)]


def test_a_course_gets_its_secret_once(monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(challenge, "hold_back", lambda: made.append("kept") or "kept")
    course = Course(tmp_path)
    assert (course.held_back("challenge"), course.held_back("challenge"), made) == ("kept", "kept", ["kept"])
    assert course.kept("challenge").stat().st_mode & 0o777 == 0o600
    assert course.held_back("gan_losses") == "" and not course.kept("gan_losses").exists()


def test_a_score_is_only_taken_from_the_judge():
    def exercise(hint):
        return {"checks": [{"hint": "Another."}, {"hint": hint}]}

    said = f"Your clips score {Verdict(Score(0.5, 0.25, 0.75, 1.0), 2.0)}."
    found = challenge.verdict_in(exercise(f"{said} More."))
    assert found.score == Score(0.5, 0.25, 0.75, 1.0) and found.error == pytest.approx(2, abs=0.03)
    assert challenge.verdict_in(exercise(f"It raised ValueError: {said}")) is None
    assert challenge.verdict_in(exercise(said), end=True) is None


def test_the_secret_is_in_no_record(course, graded, held_back):
    kept = HeldBack.read(held_back)
    for path in [path for path in course.rglob("*") if path.is_file() and path.name != ".autograde.challenge.json"]:
        assert kept.secret.encode() not in path.read_bytes() and kept.network[:200].encode() not in path.read_bytes(), path


@pytest.mark.parametrize("content, words", [
    (b"\x80\x04pickle" * 40, "no safetensors file"), (b"", "no safetensors file"), (bytes(intake.MAX_WEIGHTS + 1), "12.5 MB"),
    (save({"x": torch.ones(3)})[:-1], "no safetensors file"),
    (save({"x": torch.ones(3_000_001, dtype=torch.int8)}), "holds 3,000,001 numbers and was left out; the budget allows 3,000,000")])
def test_a_file_that_is_none_is_left_out(content, words, tmp_path):
    (tmp_path / intake.WEIGHTS).write_bytes(content)
    taken, said = intake.weights(tmp_path)
    assert taken == b"" and words in said


def test_the_budget_of_numbers_is_the_chapters():
    assert intake.MAX_NUMBERS == Budget().parameters


def test_a_link_is_left_out_and_no_file_is_no_matter(tmp_path):
    assert intake.weights(tmp_path) == (b"", "")
    (tmp_path / intake.WEIGHTS).symlink_to("/etc/passwd")
    assert intake.weights(tmp_path)[0] == b"" and "is a link" in intake.weights(tmp_path)[1]


def test_other_weights_are_another_submission(tmp_path):
    (path := tmp_path / "a.ipynb").write_bytes(b"{}")
    assert _digest(path, b"") != _digest(path, b"x")


def test_the_notebook_finds_its_file_and_what_it_writes_over_is_put_back():
    weights = save({"x": torch.arange(3.0)})
    read = "from safetensors.torch import load_file\nload_file('entry.safetensors')['x'].tolist()"
    grading = {"grade": True, "solution": False, "grade_id": "generator_loss-points"}
    cells = [nbformat.v4.new_code_cell(read), nbformat.v4.new_code_cell("open('entry.safetensors', 'w').write('mine')"),
             nbformat.v4.new_code_cell("", metadata={"nbgrader": grading}), nbformat.v4.new_code_cell(read)]
    ran = run(nbformat.v4.new_notebook(cells=cells), "gan_losses", weights=weights, limits=Limits(sandbox="weak"))
    assert ran.status == "graded"
    assert [ran.outputs[i][-1]["data"]["text/plain"] for i in (0, 3)] == ["[0.0, 1.0, 2.0]"] * 2
