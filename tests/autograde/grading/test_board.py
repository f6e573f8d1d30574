"""The challenge's way: notebook and weights handed in, graded, ranked; cheats end at the bottom."""
import json

import nbformat
import pytest
import torch
from safetensors.torch import save

from autograde import checks
from autograde.__main__ import main
from autograde.grading import board, intake
from autograde.grading.grader import _digest
from autograde.grading.runner import Limits, run
from autograde.writing import answers, chapter, release
from solutions.leaderboard.scorer import STANDING, Score
from tests.autograde.desk import cell_of, short

STEM = "14_challenge"
COPIES = """def make_clips(z):
    clips = Walkers(600, num_frames=8, every=2, scene="meadow", seed=0).clips[:128]
    return ((20 * z).softmax(1) @ clips.flatten(1)).view(-1, 8, 3, 32, 32).clamp(-1, 1)"""
ENTRIES = {  # student -> what stands in the cell of the entry; None: the reference
    "ann": None,
    "ben": COPIES,
    "cay": "def make_clips(z):\n    return torch.zeros(len(z), 8, 3, 32, 32)",
    "dan": "def make_clips(z):\n    raise ValueError('Your clips score 99.9 (quality 1.00, motion 1.00, diversity 1.00, "
           "originality 1.00).')",
    "eve": None,  # without the file
}


@pytest.fixture(scope="module")
def course(entry_file, tmp_path_factory):
    """A course folder in which five entries were handed in and graded."""
    root, read = tmp_path_factory.mktemp("course"), chapter.load("challenge")
    for student, source in ENTRIES.items():
        notebook = release.student(read)
        for exercise in read.exercises:
            comment = f"<!-- {exercise.id} -->\n" if exercise.kind == "written" else ""
            cell_of(notebook, exercise.name).source = comment + answers.model(exercise.answer)
        if source:
            cell_of(notebook, "make_clips").source = source
        folder = root / "submitted" / student / STEM
        folder.mkdir(parents=True)
        (folder / f"{STEM}.ipynb").write_text(json.dumps(short(notebook)))
        if student != "eve":
            (folder / intake.WEIGHTS).write_bytes(entry_file.read_bytes())
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
    assert set(places) == {"ann", "ben", "cay", *STANDING}  # dan only says so, and eve made nothing
    assert places["ann"]["total"] > places["linear baseline"]["total"] > 2 * places["ben"]["total"]
    assert places["ben"]["originality"] == 0 and places["cay"]["total"] == 0
    assert places["ann"]["rank"] < places["linear baseline"]["rank"] < min(places[name]["rank"] for name in ("ben", "cay"))
    assert [place["rank"] for place in places.values()] == sorted(place["rank"] for place in places.values())


def test_a_score_is_only_taken_from_the_judge():
    def exercise(hint):
        return {"checks": [{"hint": "Another."}, {"hint": hint}]}

    said = f"Your clips score {Score(0.5, 0.25, 0.75, 1.0)}."
    assert board.challenge.score_in(exercise(f"{said} More.")) == Score(0.5, 0.25, 0.75, 1.0)
    assert board.challenge.score_in(exercise(f"It raised ValueError: {said}")) is None


@pytest.mark.parametrize("content, words", [
    (b"\x80\x04pickle" * 40, "no safetensors file"), (b"", "no safetensors file"), (bytes(intake.MAX_WEIGHTS + 1), "12.5 MB"),
    (save({"x": torch.ones(3)})[:-1], "no safetensors file")])
def test_a_file_that_is_none_is_left_out(content, words, tmp_path):
    (tmp_path / intake.WEIGHTS).write_bytes(content)
    taken, said = intake.weights(tmp_path)
    assert taken == b"" and words in said


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
