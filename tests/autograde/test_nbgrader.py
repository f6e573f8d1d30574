"""nbgrader's own commands on a released course: generate_assignment, autograde, generate_feedback, formgrader."""
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import numpy as np
import pytest
from nbgrader.api import Gradebook

from autograde.__main__ import main
from autograde.nbgrader_config import COURSE_ID
from autograde.writing import release
from tests.autograde.desk import cell_of, short
from tests.autograde.grading.test_pictures import BESIDE, FORMS, PICTURE, pictures_in
from tests.autograde.grading.test_repair import changed, saved_in_colab_with_new_ids

STEM = "02_gan_losses"
ACTIVE = ("<script>steal", "onerror", "javascript:steal", "<iframe", "<style>body{display")  # of what `fay` wrote


NBGRADER = """
import sys
from nbgrader.apps import AutogradeApp, GenerateFeedbackApp
for app in AutogradeApp, GenerateFeedbackApp:
    app.launch_instance(sys.argv[1:])
    app.clear_instance()
"""  # `nbgrader autograde CHAPTER` and then `nbgrader generate_feedback CHAPTER`, in one process


@pytest.fixture(scope="module")
def course(desk, held_back, tmp_path_factory):
    """Released by `autograde release --course`; two submissions, graded by nbgrader itself, with their feedback."""
    root = tmp_path_factory.mktemp("course")
    (root / ".autograde.challenge.json").write_text(held_back)
    assert main(["release", "--course", str(root)]) == 0
    with_pictures = desk.solved()
    cell_of(with_pictures, "why_it_stalls").source += f"\n\n{FORMS['Jupyter']}\n\n{FORMS['Colab']}\n\n{FORMS['as HTML']}"
    cell_of(with_pictures, "why_it_stalls").attachments = BESIDE
    handed_in = {"cay": desk.half_right(),
                 "fay": changed(short(with_pictures), saved_in_colab_with_new_ids, desk=desk)}
    for student, notebook in handed_in.items():
        folder = root / "submitted" / student / STEM
        folder.mkdir(parents=True)
        (folder / f"{STEM}.ipynb").write_text(json.dumps(notebook))
    done = subprocess.run([sys.executable, "-c", NBGRADER, STEM], cwd=root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return root


def points(course, student):
    with Gradebook(f"sqlite:///{course}/gradebook.db", COURSE_ID) as book:
        (notebook,) = book.find_submission(STEM, student).notebooks
        return {g.name.removesuffix("-points"): g.auto_score for g in notebook.grades}


def test_generate_assignment_gives_our_student_notebook(course, desk):
    theirs = nbformat.read(course / "release" / STEM / f"{STEM}.ipynb", as_version=4)
    assert len(theirs.cells) == len(desk.released.cells)
    for their, our in zip(theirs.cells, desk.released.cells, strict=True):
        assert their == our
    assert theirs.metadata == desk.released.metadata
    assert release.leaks(desk.chapter, theirs) == []


def test_nbgrader_gives_the_points_of_plain_checks(course, desk):
    assert points(course, "cay") == desk.points_by_plain_checks(desk.half_right()) | {"why_it_stalls": None}


def test_a_notebook_from_colab_loses_nothing_in_nbgrader_either(course, desk):
    assert points(course, "fay") == {n: None if e.kind == "written" else e.points for n, e in desk.exercises.items()}


def test_its_points_cells_say_what_ours_say(course, desk):
    graded = nbformat.read(course / "autograded" / "cay" / STEM / f"{STEM}.ipynb", as_version=4)
    said = cell_of(graded, "optimal_discriminator-points").outputs[0].text
    assert "[passed] maximises the value at every point (2 of 2)" in said
    assert "[failed] right where a density is zero (0 of 1): " in said


def test_its_feedback_has_the_hint_and_no_hidden_check(course):
    html = (course / "feedback" / "cay" / STEM / f"{STEM}.html").read_text()
    assert "right where a density is zero" in html and "The losses of a GAN" in html and "<script" not in html
    for secret in ("assert_close", "from solutions", "mistakes="):
        assert secret not in html


def test_pictures_of_a_written_answer_are_in_its_feedback(course):
    """As Jupyter, Colab and people write them, after nbgrader's own autograde and generate_feedback."""
    html = (course / "feedback" / "fay" / STEM / f"{STEM}.html").read_text()
    answer = html.partition("Your answer")[2].partition("</blockquote>")[0]
    assert [np.array_equal(pixels, PICTURE) for pixels in pictures_in(answer)] == [True] * 3


def test_feedback_shows_nothing_active(course, desk):
    """`autograde feedback`, on what a student may have written in a text cell."""
    path = course / "autograded" / "fay" / STEM / f"{STEM}.ipynb"
    path.chmod(0o644)
    notebook = nbformat.read(path, as_version=4)
    cell_of(notebook, "why_it_stalls").source += (
        '\n\n<script>steal()</script><img src="x.png" onerror="steal()" alt="kept"><a href="javascript:steal()">link</a>'
        '<iframe src="https://example.org"></iframe><style>body{display:none}</style>\n\n$a < b$ and **bold**')
    nbformat.write(notebook, path)
    assert main(["feedback", "--course", str(course), "--student", "fay"]) == 0
    html = (course / "feedback" / "fay" / STEM / f"{STEM}.html").read_text()
    assert not [active for active in ACTIVE if active in html]
    assert "<strong>bold</strong>" in html and "<mo>&lt;</mo>" in html


def test_autograde_grade_writes_the_same_gradebook(course, desk):
    """What nbgrader released is not released again, and what it graded stays."""
    before = points(course, "cay")
    (course / "submitted" / "dan" / STEM).mkdir(parents=True)
    assert main(["grade", str(course), "--student", "dan"]) == 0
    assert points(course, "cay") == before and points(course, "dan") == dict.fromkeys(desk.exercises, 0)


@pytest.fixture(scope="module")
def formgrader(course, tmp_path_factory):
    """formgrader in a Jupyter server on loopback; gives a function that fetches its pages."""
    folder = tmp_path_factory.mktemp("jupyter")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter", "server", "--allow-root", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
               "--IdentityProvider.token=t", "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}"]
    places = {f"JUPYTER_{what}_DIR": str(folder / what) for what in ("CONFIG", "DATA", "RUNTIME")}
    url = f"http://127.0.0.1:{port}/formgrader/%s?token=t"
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=course, env=os.environ | places, stdout=log, stderr=log)
        try:
            _wait_for(url % "gradebook", server)
            yield lambda page: urllib.request.urlopen(url % page, timeout=60).read().decode()
        finally:
            server.kill()
            server.wait()


def _wait_for(url, server, *, seconds=90):
    for _ in range(seconds * 5):
        try:
            return urllib.request.urlopen(url, timeout=60)
        except urllib.error.URLError:
            assert server.poll() is None, "the Jupyter server ended"
            time.sleep(0.2)
    raise AssertionError(f"no answer from {url} in {seconds} seconds")


def test_formgrader_shows_the_submissions(formgrader):
    for page in ("manage_assignments", f"manage_submissions/{STEM}", "gradebook", f"gradebook/{STEM}/{STEM}", "manage_students"):
        assert "formgrader" in formgrader(page)
    listed = json.loads(formgrader(f"api/submitted_notebooks/{STEM}/{STEM}"))
    assert {s["student"]: s["max_score"] for s in listed} .items() >= {"cay": 31, "fay": 31}.items()
    (cay,) = [s["id"] for s in listed if s["student"] == "cay"]
    page = formgrader(f"submissions/{cay}/")
    assert "[failed] right where a density is zero" in page and "why_it_stalls" in page
    (fay,) = [s["id"] for s in listed if s["student"] == "fay"]
    page = formgrader(f"submissions/{fay}/")
    assert "<strong>bold</strong>" in page and not [a for a in ACTIVE if a in page], "what a student wrote is active there"
    shown = [uri for uri in re.findall(r'<img[^>]*src="(data:image/png[^"]*)"', page.partition('id="why_it_stalls"')[2])]
    assert [np.array_equal(pixels, PICTURE) for uri in shown[:3] for pixels in pictures_in(f'<img src="{uri}">')] == [True] * 3
