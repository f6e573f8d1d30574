"""The whole corpus in one run, with honest neighbours before, between and behind: nobody gains a point that is not
earned, learns a hidden thing, harms a neighbour, or leaves a process or a file behind."""
import contextlib
import ctypes
import importlib
import json
import os
import re
import secrets
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import psutil
import pytest
from nbconvert.exporters import HTMLExporter
from playwright.sync_api import sync_playwright

from autograde.grading.executed import NOT_RUN
from autograde.grading.gradebook import Gradebook
from autograde.grading.sandbox import walls
from autograde.writing.browser import OPTIONS
from tests.autograde.desk import Desk, short
from tests.slowdown import slowdown

from .corpus import CORPUS, STEM, TOOLS

for kind in ("forging", "reading", "breaking", "values", "wire", "pages", "files", "leaving_out"):
    importlib.import_module(f"tests.hostile.{kind}")

ROOT = Path(__file__).parents[2]
EVERY = 12              # so many hostile ones, then an honest neighbour
CELL, NOTEBOOK = 2.5, 9  # seconds, where nothing else computes
SET_CHILD_SUBREAPER = 36
COMMANDS = """
import sys
from functools import partial
from autograde.grading import runner
runner.Limits = partial(runner.Limits, cell=%g, notebook=%g)
from autograde.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


class Course:
    """A course folder with the corpus, its neighbours and its secrets, graded once."""

    def __init__(self, root: Path, desk: Desk, listening: dict, level: str):
        self.level, self.root, self.home, self.token = level, root, root.parent / "home", secrets.token_hex(8)
        self.secrets = {where: f"CANARY-{where}-{secrets.token_hex(8)}" for where in ("environment", "gradebook", "neighbour", "home", "course")}
        self.submitted = root / "submitted"
        self.neighbours = {}
        self.home.mkdir()
        (self.home / "secret.txt").write_text(self.secrets["home"])
        (root / "secret.txt").write_text(self.secrets["course"])
        (root / "port.txt").write_text(str(listening["port"]))
        self._prepare_gradebook(desk)
        self._hand_in(desk, listening["port"])

    @classmethod
    def again(cls, other, root, desk, students):
        """Some submissions of another course in a folder of their own, with the same secret."""
        new = cls.__new__(cls)
        new.level, new.root, new.home, new.secrets = other.level, root, other.home, other.secrets
        new.submitted = root / "submitted"
        for student in students:
            shutil.copytree(other.submitted / student, new.submitted / student, symlinks=True, copy_function=copied)
        shutil.copy(other.root / ".autograde.secret", root)
        new._prepare_gradebook(desk)
        return new

    def _prepare_gradebook(self, desk):
        Gradebook(f"sqlite:///{self.root}/gradebook.db").prepare(desk.chapter)
        with contextlib.closing(sqlite3.connect(self.root / "gradebook.db")) as book, book:
            book.execute("insert into student (id, last_name) values ('nobody', ?)", [self.secrets["gradebook"]])

    def _hand_in(self, desk, port):
        tools = (f"COURSE, HOME, REPOSITORY, TOKEN, PORT = {str(self.root)!r}, {str(self.home)!r}, {str(ROOT)!r}, "
                 f"{self.token!r}, {port}\n")
        right, partly, untouched = desk.solved(), desk.half_right(), desk.untouched()
        right.cells.insert(0, nbformat.v4.new_code_cell(f"# {self.secrets['neighbour']}\n1", id="mine"))
        kinds = {"right": short(right), "partly": partly, "untouched": short(untouched)}
        self.honest = {kind: desk.points_by_plain_checks(notebook) for kind, notebook in kinds.items()}

        def honest(name, kind):
            self.neighbours[name] = kind
            folder = self.submitted / name / STEM
            folder.mkdir(parents=True)
            (folder / f"{STEM}.ipynb").write_text(json.dumps(kinds[kind]))

        for letter, kind in zip("abc", kinds, strict=True):
            honest(f"{letter}-{kind}", kind)
            honest(f"z-{letter}-{kind}", kind)
        for number, submission in enumerate(sorted(CORPUS.values(), key=lambda s: s.student)):
            submission.hand_in(desk, self.submitted, tools + TOOLS)
            if number % EVERY == 0 and submission.student[0].isalpha():
                honest(f"{submission.student[:200]}-and-after", list(kinds)[number // EVERY % 2])

    def command(self, *arguments, seconds=1800):
        """An `autograde` command in a process of its own, and in a container where the level is of one."""
        busy = slowdown()
        environment = os.environ | {"SECRET": self.secrets["environment"], "HOME": str(self.home), "OMP_NUM_THREADS": "1",
                                    "TMPDIR": str(self.home / "temporary"), "PYTHONDONTWRITEBYTECODE": "1"}
        (self.home / "temporary").mkdir(exist_ok=True)
        around = [sys.executable, "-m", "tests.container", "docker"] if self.level == "contained" else []
        command = [*around, sys.executable, "-c", COMMANDS % (CELL * busy, NOTEBOOK * busy), *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False)

    def grade(self, *options):
        done = self.command("grade", str(self.submitted), "--json", str(self.root / "grades.json"), "--jobs", "2",
                            f"--sandbox={self.level}", *options)
        assert done.returncode in (0, 1), done.stderr[-3000:]
        self.printed = done.stdout + done.stderr
        self.records = {record["student"]: record for record in json.loads((self.root / "grades.json").read_text())}

    def record(self, submission):
        return self.records["".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in submission.student)]

    def outputs(self, submission):
        """What its cells left: texts that are not its own source."""
        path = self.root / "autograded" / submission.student / submission.chapter / f"{STEM}.ipynb"
        if not path.exists():
            return ""
        cells = json.loads(path.read_text())["cells"]
        return json.dumps([cell.get("outputs", []) for cell in cells])


def copied(source, target):
    """A file; a pipe is made anew, and a file with holes keeps them."""
    if stat.S_ISFIFO(os.stat(source).st_mode):
        os.mkfifo(target)
    else:
        subprocess.run(["cp", "--sparse=always", source, target], check=True)


@pytest.fixture(scope="module")
def level():
    """Of the sandbox; `test_contained` asks all of this once more."""
    missing = walls.examine()
    if walls.level(missing) != "strong":
        pytest.skip(f"needs the whole sandbox: {missing}")
    return "strong"


@pytest.fixture(scope="module")
def listening(tmp_path_factory):
    """Ears of a neighbour in the network: on a port, by TCP and UDP, and on a socket in the course folder."""
    root = tmp_path_factory.mktemp("hostile") / "course"
    root.mkdir()
    heard, ends = [], []

    def listen(end, address):
        end.bind(address)
        ends.append(end)
        if end.type == socket.SOCK_STREAM:
            end.listen()
        take = end.accept if end.type == socket.SOCK_STREAM else lambda: end.recv(1000)

        def wait():
            with contextlib.suppress(OSError):
                while True:
                    heard.append((address, take()))
        threading.Thread(target=wait, daemon=True).start()
        return end

    port = listen(socket.socket(), ("127.0.0.1", 0)).getsockname()[1]
    listen(socket.socket(type=socket.SOCK_DGRAM), ("127.0.0.1", port))
    os.chdir(before := os.getcwd())
    listen(socket.socket(socket.AF_UNIX), str(root / "listener"))
    os.chdir(before)
    yield {"root": root, "port": port, "heard": heard}
    for end in ends:
        end.close()


@pytest.fixture(scope="module")
def course(listening, level):
    course = Course(listening["root"], Desk(), listening, level)
    course.before = {"files": files(course), "ipc": ipc(), "mounts": mounts()}
    libc = ctypes.CDLL(None)
    libc.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # whoever loses its parent below becomes a child of this process
    children = {child.pid for child in psutil.Process().children(recursive=True)}
    try:
        course.grade()
        course.left = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)
                       if child.pid not in children and child.status() != psutil.STATUS_ZOMBIE]  # that one has ended
    finally:
        libc.prctl(SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    course.after = {"files": files(course), "ipc": ipc(), "mounts": mounts()}
    return course


def files(course):
    """The course folder but for what grading writes there, and the home folder: path -> what is in it."""
    def content(path):
        if path.is_symlink():
            return os.readlink(path)
        return path.read_bytes() if path.is_file() and path.stat().st_size < 30_000_000 else path.stat().st_mode
    tops = (course.root / "submitted", course.home)
    found = {path: content(path) for top in tops for path in sorted(top.rglob("*"))}
    return found | {path: None for path in course.root.iterdir()}


def ipc():
    """System V segments, semaphores and queues, by key."""
    return {kind: {line.split()[0] for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]} for kind in ("shm", "sem", "msg")}


def mounts():
    return Path("/proc/self/mountinfo").read_text()


def scores(record):
    return {exercise["id"].partition(".")[2]: exercise["score"] for exercise in record["exercises"] if exercise["checks"]}


@pytest.fixture(params=sorted(CORPUS))
def submission(request):
    return CORPUS[request.param]


def test_nobody_gains_a_point(course, submission):
    record = course.record(submission)
    assert (record["score"] or 0) <= submission.earned, (submission.tries, [e for e in record["exercises"] if e["score"]])


def test_every_one_ends_in_a_state_with_a_sentence(course, submission):
    record = course.record(submission)
    assert record["status"] in submission.statuses, record["said"]
    assert re.match(r"\S.*[.?]$", record["said"], re.DOTALL) and len(record["said"]) < 3000


def test_nobody_learns_a_hidden_thing(course, submission, hidden):
    seen = course.outputs(submission) + json.dumps(course.record(submission))
    assert "got-in" not in seen, re.findall(r"got-in.{0,500}", seen)[0]
    assert not [what for what in hidden if what in seen]


@pytest.fixture(scope="module")
def hidden(course):
    """The planted secrets, and lines of checks and answers that stand in no notebook."""
    lines = {json.dumps(line.strip())[1:-1] for name in ("solutions/gan_losses.py", "autograde/checks/gan_losses.py")
             for line in (ROOT / name).read_text().splitlines()
             if len(line.strip()) > 50 and line.startswith("    ") and ("reference." in line or "xlogy" in line)}
    assert len(lines) > 10
    return [*course.secrets.values(), *lines]


def test_who_has_cells_left_out_ends_as_with_all_cells(course, tmp_path):
    def has_left_out(folder):
        return any(NOT_RUN.strip() in path.read_text() for path in folder.glob("*/*.ipynb"))

    students = sorted(folder.name for folder in (course.root / "autograded").iterdir() if has_left_out(folder))
    assert len(students) > 30
    again = Course.again(course, tmp_path, Desk(), students)
    again.grade("--all-cells")
    assert not any(map(has_left_out, (again.root / "autograded").iterdir()))
    assert again.records == {student: course.records[student] for student in again.records}
    assert len(again.records) == len(students)


def test_no_neighbour_is_harmed(course):
    """Each honest one gets the points that the checks give it where no grader is around; and so all of a kind the same."""
    assert len(course.neighbours) > len(CORPUS) / EVERY
    for name, kind in course.neighbours.items():
        record = course.records[name]
        assert (record["status"], scores(record)) == ("graded", course.honest[kind]), (name, record["said"])
    said = {(kind, json.dumps(course.records[name]["exercises"])) for name, kind in course.neighbours.items()}
    assert len(said) == 3


def test_inputs_are_fresh_for_each_submission(course):
    """What one was asked with does not help the next, though it differs in a comment alone."""
    asked = [re.search(r"asked \[\[.*?\]\]", course.outputs(CORPUS[name]))[0]
             for name in ("remembers_the_inputs", "remembers_them_again")]
    assert asked[0] != asked[1]


def test_no_process_is_left(course):
    assert course.left == []


def test_no_file_is_left(course):
    before, after = course.before["files"], course.after["files"]
    written = {course.root / name for name in ("autograded", "grades.json", ".autograde.lock", ".autograde.secret")}
    written |= {path for path in after if path.is_relative_to(course.home) and "matplotlib" in str(path)}  # its list of fonts
    written |= {course.home / name for name in (".config", ".cache")}
    assert {path for path in before if after.get(path, "gone") != before[path]} == set()
    assert {path for path in after if path not in before} - written - {course.home / "temporary"} == set()
    places = [Path(p) for p in ("/tmp", "/var/tmp", "/dev/shm", "/", ROOT, course.home, course.root, Path.cwd())]
    assert [path for place in places for path in place.glob(f"*{course.token}*")] == []
    graded = {path.name for path in (course.root / "autograded").rglob("*") if path.is_file()}
    assert graded <= {f"{STEM}.ipynb", "timestamp.txt"}


def test_nothing_is_left_in_the_system(course):
    assert course.after["mounts"] == course.before["mounts"]
    for keys in course.after["ipc"].values():
        assert str(int(course.token[:7], 16)) not in keys


def test_nobody_was_heard(course, listening):
    assert listening["heard"] == []


def test_the_gradebook_holds_what_was_recorded_and_nothing_else(course):
    with contextlib.closing(sqlite3.connect(course.root / "gradebook.db")) as book:
        assert book.execute("select count(*) from grade where manual_score is not null").fetchone() == (0,)
        assert book.execute("select last_name from student where id = 'nobody'").fetchone() == (course.secrets["gradebook"],)
    kept = {record["student"]: record["score"] for record in Gradebook(f"sqlite:///{course.root}/gradebook.db").records()}
    assert all(kept[student] == course.records[student]["score"] for student in kept)
    assert len(kept) >= len(course.records) - 10


def test_the_terminal_is_left_alone(course):
    """No escape of a name or sentence reaches the terminal."""
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", course.printed.replace("\r", ""))


def test_there_are_enough():
    kinds = {"forging", "reading", "breaking", "values", "wire", "pages", "files", "leaving_out"}
    assert len(CORPUS) >= 45 and {s.kind for s in CORPUS.values()} == kinds


@pytest.fixture(scope="module")
def pages(course):
    """The feedback page of each hostile submission that has one, by name."""
    done = course.command("feedback", "--course", str(course.root))
    assert done.returncode == 0, done.stderr[-3000:]
    found = {s.name: course.root / "feedback" / s.student / s.chapter / f"{STEM}.html" for s in CORPUS.values()}
    return {name: path for name, path in found.items() if path.exists()}


@pytest.fixture(scope="module")
def tab(chromium):
    """A page of a browser; `tab.faults` are dialogs, and requests for anything but the page itself."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        tab = browser.new_page()
        tab.faults = []
        tab.on("dialog", lambda dialog: (tab.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        tab.route(re.compile("^(https?|ws|ftp)"), lambda route: (tab.faults.append(route.request.url), route.abort()))
        yield tab
        browser.close()


ACTIVE = """() => [window.pwned ? 'pwned' : '', ...[...document.querySelectorAll('*')].map(e =>
    ['SCRIPT', 'IFRAME', 'OBJECT', 'EMBED', 'BASE', 'LINK', 'FORM'].includes(e.tagName) ? e.outerHTML.slice(0, 200) :
    [...e.attributes].some(a => a.name.startsWith('on') || /^\\s*(javascript|vbscript|file):/i.test(a.value)) ?
    e.outerHTML.slice(0, 200) : '')].filter(Boolean)"""


def test_nothing_runs_in_a_feedback_page(pages, tab, hidden):
    """No script, no dialog, no request; and nothing hidden stands in it."""
    assert len(pages) > len(CORPUS) - 10
    for name, path in pages.items():
        tab.goto(path.as_uri(), wait_until="load")
        assert (name, tab.evaluate(ACTIVE), tab.faults) == (name, [], [])
        text = path.read_text("utf-8")
        assert not [what for what in hidden if what in text], name


def test_nothing_runs_where_a_person_grades(course, tab, listening):
    """The graded notebook, as nbconvert shows it (formgrader builds on that): its own scripts run, a submission's don't."""
    own, exporter = f"127.0.0.1:{listening['port']}", HTMLExporter()
    for submission in (s for s in CORPUS.values() if s.kind == "pages" and s.name != "texts_that_take_long_to_read"):
        path = course.root / "autograded" / submission.student / submission.chapter / f"{STEM}.ipynb"
        if path.exists():
            (course.root.parent / "shown.html").write_text(exporter.from_filename(str(path))[0], "utf-8")
            tab.faults.clear()
            tab.goto((course.root.parent / "shown.html").as_uri(), wait_until="load")
            assert not tab.evaluate("window.pwned"), submission.name
            assert [fault for fault in tab.faults if own in fault or "dialog" in fault] == [], submission.name
