"""The way of a chapter through nbgrader's exchange, as on a hub: an instructor, and two students with accounts of their own."""
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from autograde.__main__ import main
from autograde.grading.course import Course
from autograde.nbgrader_config import COURSE_ID
from tests.autograde.desk import short

ROOT = Path(__file__).parents[2]
STEM = "02_gan_losses"


class Hub:
    """A folder that all accounts share: the exchange, the instructor's course, a home for each student."""

    def __init__(self, folder: Path) -> None:
        self.exchange, self.course, self.homes = folder / "exchange", folder / "course", folder / "homes"
        folder.chmod(0o755)
        self.exchange.mkdir()
        self.exchange.chmod(0o777)  # as nbgrader's documentation has it
        accounts = [user for user in pwd.getpwall() if user.pw_uid]
        self.students = [user.pw_name for user in accounts[:2]]
        for user in accounts[:2]:
            home = self.homes / user.pw_name
            home.mkdir(parents=True)
            os.chown(home, user.pw_uid, user.pw_gid)
            home.chmod(0o700)

    def instructor(self, *words: str) -> str:
        return self._nbgrader([], self.course, os.environ, words)

    def student(self, name: str, *words: str) -> str:
        home = self.homes / name
        return self._nbgrader([sys.executable, "-m", "tests.container", name], home, os.environ | {"HOME": str(home)}, words)

    def _nbgrader(self, before: list[str], folder: Path, environment: dict, words: tuple[str, ...]) -> str:
        typed = ["-m", "nbgrader", *words, f"--Exchange.root={self.exchange}", f"--course={COURSE_ID}"]
        command = [*before, sys.executable, "-c", f"import os, sys; os.chdir({str(folder)!r}); os.execv(sys.executable, "
                   f"[sys.executable, *{typed!r}])"]
        done = subprocess.run(command, cwd=ROOT if before else folder, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stderr


@pytest.fixture(scope="module")
def hub(desk):
    """After release, fetch, submit, collect, our grade and feedback, release_feedback and fetch_feedback."""
    if os.geteuid() != 0:
        pytest.skip("only root can be several people")
    folder = Path(tempfile.mkdtemp())
    try:
        hub = Hub(folder)
        assert main(["release", "--course", str(hub.course), STEM]) == 0
        hub.instructor("release_assignment", STEM)
        for name, notebook in zip(hub.students, (short(desk.solved()), desk.half_right())):
            hub.student(name, "fetch_assignment", STEM)
            (fetched,) = (hub.homes / name / STEM).glob("*.ipynb")
            assert len(json.loads(fetched.read_text())["cells"]) == len(desk.released.cells)
            fetched.write_text(json.dumps(notebook))
            hub.student(name, "submit", STEM)
        hub.instructor("collect", STEM)
        assert main(["grade", str(hub.course), "--json", str(folder / "grades.json")]) == 0
        assert main(["feedback", "--course", str(hub.course)]) == 0
        hub.instructor("release_feedback", STEM)
        for name in hub.students:
            hub.student(name, "fetch_feedback", STEM)
        yield hub
    finally:
        shutil.rmtree(folder)


def test_what_both_handed_in_is_graded_under_their_names(hub, desk):
    records = json.loads((hub.course.parent / "grades.json").read_text())
    expected = dict(zip(hub.students, (28, sum(desk.points_by_plain_checks(desk.half_right()).values()))))
    assert {record["student"]: record["score"] for record in records} == expected


def test_the_time_of_handing_in_comes_along(hub):
    for submission in Course(hub.course).submissions(hub.course / "submitted"):
        assert submission.timestamp and submission.timestamp.endswith("UTC")


def test_each_fetches_the_own_feedback_and_no_other(hub):
    for name, score in zip(hub.students, ("28", "18")):
        pages = list((hub.homes / name / STEM / "feedback").rglob("*.html"))
        assert [page.name for page in pages] == [f"{STEM}.html"]
        assert f"{score}</strong> of 31 points" in pages[0].read_text() and os.stat(pages[0]).st_uid == pwd.getpwnam(name).pw_uid
        assert pages[0].read_text() == (hub.course / "feedback" / name / STEM / f"{STEM}.html").read_text()
