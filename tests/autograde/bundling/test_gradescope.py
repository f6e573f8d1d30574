"""The archive that Gradescope is given: unpacked and run as the platform does, with the rights of an ordinary container. That it
also sets itself up on a bare Ubuntu, tests/machines/gradescope tries."""
import base64
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from autograde.__main__ import main
from autograde.bundling import on_gradescope, pins
from autograde.writing import chapter
from tests.autograde.bundling.handed_in import lay, uploads

ROOT = Path(__file__).parents[3]
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}  # in the platform's specification


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "autograder.zip"
    assert main(["bundle", "gradescope", "02_gan_losses", "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def platform(archive, tmp_path_factory):
    """run(files) gives results.json and stdout of an upload; None where there are no results."""
    if os.geteuid() != 0:
        pytest.skip("an ordinary container runs as root; nobody else can be made one for a test")
    base = tmp_path_factory.mktemp("autograder")
    for above in (base, *base.parents[:3]):
        above.chmod(above.stat().st_mode | 0o111)
    with zipfile.ZipFile(archive) as file:
        file.extractall(base / "source")
    shutil.copy(base / "source" / "run_autograder", base)
    (base / "run_autograder").chmod(0o755)

    def run(files, metadata=None):
        for name in ("submission", "results"):
            shutil.rmtree(base / name, ignore_errors=True)
            (base / name).mkdir()
        lay(base / "submission", files)
        (base / "submission_metadata.json").write_text(json.dumps(metadata or {"previous_submissions": []}))
        command = [sys.executable, "-m", "tests.container", "docker", str(base / "run_autograder")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400,
                              env=os.environ | {"COURSE_PYTHON_FOLDER": sys.prefix})
        made = base / "results" / "results.json"
        return (json.loads(made.read_text()) if made.exists() else None), done.stdout + done.stderr
    run.uploads = uploads(str(base))
    return run


def must_have_the_form(results):
    """Of the platform's specification."""
    assert {"score", "output", "tests"} <= results.keys() and results["visibility"] in VISIBILITIES
    assert results["stdout_visibility"] == "hidden" and results["output_format"] in ("text", "html", "simple_format", "md", "ansi")
    for test in results["tests"]:
        assert isinstance(test["name"], str) and isinstance(test["output"], str) and test.get("status") in ("passed", "failed", None)
        if "score" in test:
            assert 0 <= test["score"] <= test["max_score"]
    assert results["score"] == sum(test.get("score", 0) for test in results["tests"])


def test_a_right_one_in_a_container_within_twenty_seconds(platform, desk):
    began = time.monotonic()
    results, said = platform(platform.uploads["right"])
    assert results, said
    assert time.monotonic() - began < 20 or os.getloadavg()[0] > 2, "the machine is free"
    must_have_the_form(results)
    assert results["score"] == 28 and all(test["status"] == "passed" for test in results["tests"] if "status" in test)
    (written,) = [test for test in results["tests"] if "score" not in test]
    assert written["name"] == "why_it_stalls: 3 points, given by a person"
    assert "Sandbox: contained" in said


@pytest.fixture(scope="module")
def half_right(platform):
    return platform(platform.uploads["wrong"])[0]


def test_a_half_right_one_has_points_titles_hints_and_a_picture(half_right, desk):
    results = half_right
    must_have_the_form(results)
    assert results["score"] == sum(desk.points_by_plain_checks(desk.half_right()).values())
    failed = next(test for test in results["tests"] if test.get("status") == "failed")
    assert failed["number"] == "2.1.3" and failed["name"] == "discriminator_loss: exact for a very sure discriminator"
    assert "softplus" in failed["output"] and "js_divergence): its cell is missing" in results["output"]
    picture = Image.open(io.BytesIO(base64.b64decode(results["output"].split("base64,")[1].split('"')[0])))
    assert picture.format == "PNG" and picture.height == on_gradescope.ROW * len(desk.exercises)
    assert 'alt="18 of 31 points: discriminator_loss 3 of 4' in results["output"]


def test_a_hostile_one_reads_nothing_and_writes_nothing(platform):
    results, said = platform(platform.uploads["hostile"])
    must_have_the_form(results)
    text = json.dumps(results)
    assert results["score"] == 28 - 4 and "secret" not in text and "STOLEN [(" not in text + said, text


def test_what_is_no_notebook_gets_a_sentence(platform):
    results, _ = platform(platform.uploads["unreadable"])
    must_have_the_form(results)
    assert results["score"] == 0 and "ends in the middle" in results["output"]


def test_a_notebook_is_found_wherever_the_upload_has_it(tmp_path):
    lay(tmp_path, uploads()["deeper"] | {".ipynb_checkpoints/old.ipynb": b""})
    assert on_gradescope._handed_in(tmp_path) == tmp_path / "repository" / "work"
    assert on_gradescope._handed_in(tmp_path / "repository" / "nothing") == tmp_path / "repository" / "nothing"


def test_a_slow_one_is_stopped_and_keeps_its_other_points(platform, request):
    if not request.config.getoption("--thorough"):
        pytest.skip("takes more than a minute; --thorough runs it")
    results, _ = platform(platform.uploads["slow"])
    must_have_the_form(results)
    assert results["score"] >= 10 and any("stopped after" in test["output"] for test in results["tests"])


def test_the_same_file_has_the_same_score_late_and_again(platform, half_right):
    again = {"created_at": "2026-03-02T10:00:00-07:00", "assignment": {"due_date": "2026-03-01T10:00:00-07:00"},
             "previous_submissions": [{"submission_time": "2026-02-01T10:00:00-07:00", "score": 3.0, "results": {}}]}
    drop = lambda results: {name: value for name, value in results.items() if name != "execution_time"}
    assert drop(half_right) == drop(platform(platform.uploads["wrong"], again)[0])


def must_be_what_a_bare_ubuntu_gave(said):
    steps = {step["step"]: step for step in map(json.loads, said.splitlines())}
    assert steps["setup"]["seconds"] <= 360 or os.getloadavg()[0] > 2, "the machine is free"
    for name, score in (("right", 28), ("wrong", 18), ("hostile", 24), ("unreadable", 0), ("nothing", 0), ("deeper", 0)):
        assert steps[name]["results"]["score"] == score and "Sandbox: contained" in steps[name]["stdout"], name
        must_have_the_form(steps[name]["results"])
    assert "STOLEN []" in json.dumps(steps["hostile"]["results"]), "it found nothing to read, list or write to"
    assert 10 <= steps["slow"]["results"]["score"] < 28


def test_it_sets_itself_up_on_a_bare_ubuntu(archive, tmp_path, request):
    if not request.config.getoption("--thorough"):
        pytest.skip("takes ten minutes and 8 GB; --thorough runs it")
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("needs root and debootstrap")
    for name, files in uploads().items():
        lay(tmp_path / "uploads" / name, files)
    done = subprocess.run([ROOT / "tests" / "machines" / "try", "--with", archive, "--with", tmp_path / "uploads", "noble",
                           "tests/machines/gradescope /brought/autograder.zip /brought/uploads"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    must_be_what_a_bare_ubuntu_gave(done.stdout)


def record(status="graded", chapter="02_gan_losses", score=1):
    name = {"02_gan_losses": "gan_losses.generator_loss", "15_challenge": "challenge.make_clips"}[chapter]
    return {"student": "s", "chapter": chapter, "status": status, "said": "A <b>cell</b> failed.", "score": score, "max_score": 3,
            "exercises": [{"id": name, "score": None, "max_score": 3, "checks": []}]}


def test_where_the_course_is_broken_the_earlier_score_stays():
    made = on_gradescope.results(record("broken", score=None), chapter.load("2"), before=18.0)
    assert made["score"] == 18 and "not your fault" in made["output"] and "Your earlier 18 points stay" in made["output"]
    assert on_gradescope.results(record("broken", score=None), chapter.load("2"))["score"] == 0
    assert "<b>" not in made["output"], "what is said is text"


def test_the_last_of_the_earlier_submissions_is_the_one_before(tmp_path):
    earlier = [{"submission_time": f"2026-02-0{day}T10:00:00-07:00", "score": score} for day, score in ((1, 3.0), (3, 7.0), (2, 9.0))]
    (tmp_path / "submission_metadata.json").write_text(json.dumps({"previous_submissions": earlier}))
    assert on_gradescope._before(tmp_path) == 7
    (tmp_path / "submission_metadata.json").write_text("{")
    assert on_gradescope._before(tmp_path) is None


def test_an_entry_to_the_challenge_stands_on_the_leaderboard(monkeypatch):
    from autograde.grading import board
    from solutions.leaderboard.judge import Verdict
    from solutions.leaderboard.scorer import Score
    verdict = Verdict(Score(0.5, 0.25, 0.125, 1.0), 1.0)
    monkeypatch.setattr(board, "places", lambda records: [board.Place(1, "s", verdict), board.Place(2, "course", verdict, standing=True)])
    made = on_gradescope._leaderboard(record(chapter="15_challenge"))
    assert [row["name"] for row in made] == ["Total", "Quality", "Motion", "Diversity", "Originality"]
    assert [row["value"] for row in made] == [round(verdict.score.total, 3), 0.5, 0.25, 0.125, 1.0]
    assert {row["order"] for row in made} == {"desc"} and on_gradescope._leaderboard(record()) == []


def test_the_archive_is_small_and_open_to_root_alone(archive):
    assert archive.stat().st_size < 20_000_000 and stat.S_IMODE(archive.stat().st_mode) == 0o600
    with zipfile.ZipFile(archive) as file:
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in file.infolist()}
    assert modes["setup.sh"] == modes["run_autograder"] == 0o755, "at the root of the archive, as the platform wants it"
    assert {mode for name, mode in modes.items() if name not in ("setup.sh", "run_autograder")} == {0o600}
    assert "course/solutions/gan_losses.py" in modes and not [name for name in modes if "__pycache__" in name]


def test_a_course_gives_its_secret(tmp_path, capsys):
    root = tmp_path / "course"
    (root / "source" / "02_gan_losses").mkdir(parents=True)
    (root / ".autograde.secret").write_text("of this course")
    assert main(["bundle", "gradescope", "2", "--out", str(tmp_path / "a.zip"), "--course", str(root), "--visibility", "hidden"]) == 0
    with zipfile.ZipFile(tmp_path / "a.zip") as file:
        assert file.read("course-folder/.autograde.secret") == b"of this course"
        assert json.loads(file.read("bundle.json")) == {"chapter": "02_gan_losses", "visibility": "hidden"}
    assert main(["bundle", "gradescope", "3", "--out", str(tmp_path / "b.zip"), "--course", str(root)]) == 2
    assert "has not released 03_cnn_features" in capsys.readouterr().err and not (tmp_path / "b.zip").exists()


def test_every_version_is_pinned_and_none_is_a_gpus():
    lines = [*pins.torch().splitlines(), *pins.requirements().splitlines(), *pins.constraints().splitlines()]
    assert all("==" in line and "+" not in line for line in lines) and "bleach[css]==" in pins.requirements()
    assert not [line for line in lines if line.startswith(("nvidia", "cuda", "triton"))]
    assert pins.torch().splitlines()[0].startswith("torch==") and "sphinx" not in pins.requirements()
