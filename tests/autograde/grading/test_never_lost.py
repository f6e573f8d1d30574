"""Whatever is killed, and whenever: the next run goes on, and in the end all is as if nothing had happened."""
import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
import time

import psutil
import pytest
from nbgrader import api
from sqlalchemy import create_engine, func, select

from autograde.grading.course import Course, CourseError
from autograde.grading.database import with_driver
from autograde.grading.gradebook import Gradebook
from autograde.nbgrader_config import COURSE_ID
from tests.autograde.desk import cell_of, short

STEM = "02_gan_losses"


def everything(root, db=None):
    """What a grading leaves: records, rows of each table, and the files in autograded/ (not when, not nbgrader's keys)."""
    gradebook = Gradebook(Course(root, db).db_url)
    engine = create_engine(with_driver(gradebook.url))
    with engine.connect() as connection:
        rows = {table.name: connection.scalar(select(func.count()).select_from(table))
                for table in api.Base.metadata.sorted_tables}
        grades = connection.exec_driver_sql(
            "select student_id, base_cell.name, auto_score, manual_score, needs_manual_grade from grade join base_cell on "
            "base_cell.id = cell_id join submitted_notebook on submitted_notebook.id = grade.notebook_id join "
            "submitted_assignment on submitted_assignment.id = submitted_notebook.assignment_id").all()
        comments = connection.exec_driver_sql("select auto_comment, count(*) from comment group by auto_comment").all()
    engine.dispose()
    files = {str(path.relative_to(root)): path.read_bytes() for path in (root / "autograded").rglob("*") if path.is_file()}
    return {"records": gradebook.records(), "rows": rows, "grades": sorted(map(tuple, grades)), "files": files,
            "comments": sorted(map(tuple, comments), key=str)}


GRADERS = textwrap.dedent("""
    import itertools, json, os, random, signal, sys, time, traceback
    from pathlib import Path
    from sqlalchemy import Connection
    from autograde import checks, files
    from autograde.grading import grader, rows, runner
    from autograde.grading.course import Course
    from autograde.grading.gradebook import Gradebook
    from autograde.grading.recorder import Recorder
    from autograde.grading.runner import Run

    def run(job):  # made up, but another one for each student; the course's own cells, run alone, are well
        if job.key is None:
            return Run("graded", "", {0: []})
        number = int(job.key.submission.student[1:])
        results = [{"title": c.title, "passed": i < number, "points": c.points * (i < number), "max_points": c.points, "hint": ""}
                   for i, c in enumerate(checks.checks_of("gan_losses.js_divergence"))]
        return Run("graded" if number % 3 else "timed_out", "", {0: []}, {"gan_losses.js_divergence": results})

    def rounds(jobs, **_):  # two and two
        while ended := [(job, run(job)) for job in itertools.islice(jobs, 2)]:
            yield ended

    runner.rounds = lambda jobs, **_: rounds(iter(jobs))

    def grade(root, db=None, **settings):
        course = Course(Path(root), db)
        for _ in grader.Grader(course, **settings).grade(course.submissions(Path(root) / "submitted")):
            pass

    def kill_before(step):  # of all that putting groups down consists of, from here on
        count = itertools.count(1)

        def counted(whole):
            def one(*args, **kwargs):
                if next(count) == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return whole(*args, **kwargs)
            return one

        for place, names in ((files, ["_write"]), (os, ["fsync", "replace"]), (Connection, ["commit"]), (Recorder, ["put_down"]),
                             (rows, ["write", "_submissions", "_notebooks", "_grades", "_comments", "_runs"])):
            for name in names:
                setattr(place, name, counted(getattr(place, name)))

    def start(*arguments, killed_before=0, **settings):
        if pid := os.fork():
            return pid
        try:
            os.setsid()
            if killed_before:
                kill_before(killed_before)
            grade(*arguments, **settings)
            os._exit(0)
        except BaseException as error:
            print(error, file=sys.stderr)
        finally:
            os._exit(1)

    def wait(pid):
        return os.waitpid(pid, 0)[1]

    for line in sys.stdin:
        code, arguments = json.loads(line)
        space = {**globals(), "said": None}
        try:
            exec(code, space)
            print(json.dumps({"said": space["said"]}), flush=True)
        except BaseException:
            print(json.dumps({"error": traceback.format_exc()}), flush=True)
""")


@pytest.fixture(scope="module")
def submitted(tmp_path_factory, desk):
    """Ten submissions, most of them good; two cannot be graded."""
    root = tmp_path_factory.mktemp("submitted")
    content = {f"s{i}": json.dumps(short(desk.solved() if i % 2 else desk.half_right())) for i in range(8)}
    for student, text in {**content, "s8": "{", "s9": json.dumps({"cells": [{"cell_type": "raw", "source": "x"}]})}.items():
        folder = root / student / STEM
        folder.mkdir(parents=True)
        (folder / f"{STEM}.ipynb").write_text(text)
        (folder / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC")
    return root


def folder(root, submitted):
    root.mkdir()
    shutil.copytree(submitted, root / "submitted")
    (root / ".autograde.secret").write_text("the same for all, so that hints show the same figures")
    return root


@pytest.fixture(scope="module")
def python():
    """python(code, *arguments): runs code in one warm process from which graders are forked; gives its `said`."""
    mother = subprocess.Popen([sys.executable, "-c", GRADERS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              start_new_session=True)

    def run(code, *arguments):
        print(json.dumps([textwrap.dedent(code), [str(a) for a in arguments]]), file=mother.stdin, flush=True)
        answer = json.loads(mother.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["said"]

    with mother:
        yield run
        mother.stdin.close()


def test_a_grader_killed_at_random_moments_loses_and_doubles_nothing(tmp_path, submitted, python):
    """Twenty graders, killed from the making of the gradebook on; each grades anew what is recorded."""
    calm, wild = folder(tmp_path / "calm", submitted), folder(tmp_path / "wild", submitted)
    killed = python("""
        calm, wild = arguments
        grade(calm)  # here, so that what is imported and cached on the way is there for all that are forked
        began = time.monotonic()
        assert wait(start(calm, rerun=True)) == 0
        whole = time.monotonic() - began
        random.seed(0)
        ends = []
        for attempt in range(20):
            pid = start(wild, rerun=True)
            time.sleep(random.uniform(0.02, 0.7) * whole)
            os.kill(pid, signal.SIGKILL)
            ends.append(wait(pid))
        assert set(ends) <= {0, signal.SIGKILL}, ends
        assert wait(start(wild)) == 0
        said = sum(end == signal.SIGKILL for end in ends)
    """, calm, wild)
    assert killed >= 12
    expected = everything(calm)
    assert len(expected["records"]) == 10 and len(expected["files"]) == 20
    assert everything(wild) == expected


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """database(root): the URL of a gradebook for a course folder."""
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    return lambda root: server.new() if server else f"sqlite:///{root}/gradebook.db"


def test_a_grader_killed_at_any_step_of_a_group_loses_and_doubles_nothing(tmp_path, submitted, python, database):
    """Each is killed one step later, between the first notebook written and what follows the commit, and what it had recorded
    has its notebook in place; each grades anew what is recorded."""
    calm, wild = folder(tmp_path / "calm", submitted), folder(tmp_path / "wild", submitted)
    urls = database(calm), database(wild)
    steps = 22
    python("""
        calm, wild, calm_db, wild_db, steps = arguments
        assert wait(start(calm, calm_db)) == 0
        for step in range(1, int(steps) + 1):
            assert wait(start(wild, wild_db, rerun=True, killed_before=step)) == signal.SIGKILL, step
            for record in Gradebook(wild_db).records():
                notebook, = Path(wild, "autograded", record["student"]).rglob("0*.ipynb")
                json.loads(notebook.read_text())
        assert wait(start(wild, wild_db)) == 0
    """, calm, wild, *urls, steps)
    assert everything(wild, urls[1]) == everything(calm, urls[0])


def test_a_grader_killed_between_any_two_lines_of_writing_a_notebook_leaves_what_was_there(tmp_path, python):
    """It is graded anew: a record that was there already says that all of this is in place."""
    lines, kept = python("""
        import nbformat
        from autograde import files
        from autograde.grading import executed
        (root,), ours = arguments, {files.__file__, executed.__file__}

        def write():
            executed.write(nbformat.v4.new_notebook(), Path(root), "notebook", "2026-03-01 10:00:00 UTC", "a digest")

        def killed_at(count):
            lines = iter(range(1, count))

            def trace(frame, event, _):
                if event == "line" and next(lines, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                return trace if frame.f_code.co_filename in ours else None

            if pid := os.fork():
                return wait(pid) == signal.SIGKILL
            sys.settrace(trace)
            write()
            os._exit(0)

        def there():
            return {path.name: path.read_text() for path in Path(root).iterdir() if not path.name.startswith(".")}

        write()
        before, count, kept = there(), 1, []
        while killed_at(count):
            kept.append(there() == before)
            count += 1
        said = count - 1, kept
    """, tmp_path)
    assert lines > 10 and all(kept)


def test_two_graders_of_one_folder_take_turns(tmp_path, submitted):
    course = Course(folder(tmp_path / "course", submitted))
    with course.locked(), pytest.raises(CourseError, match=f"at work in .* \\(process {os.getpid()}\\)"), course.locked():
        pass
    with course.locked():
        pass


def test_two_graders_of_one_gradebook_write_every_row_once(tmp_path, submitted, python, database):
    """Two copies of the folder, as on two machines, graded at the same time into one gradebook."""
    calm, one, two = (folder(tmp_path / name, submitted) for name in ("calm", "one", "two"))
    db = database(one)
    python("""
        calm, *both, db = arguments
        pids = [start(calm), *(start(root, db, rerun=True) for root in both)]
        assert [wait(pid) for pid in pids] == [0, 0, 0]
    """, calm, one, two, db)
    assert everything(one, db) == everything(calm)
    assert {p.name: p.read_bytes() for p in (two / "autograded").rglob("*.ipynb")} == \
        {p.name: p.read_bytes() for p in (calm / "autograded").rglob("*.ipynb")}


def test_what_was_removed_is_graded_again(tmp_path, submitted, python):
    """The executed notebook, or the submission in nbgrader's tables: the record alone is not enough."""
    root = folder(tmp_path / "course", submitted)
    python("assert wait(start(*arguments)) == 0", root)
    expected = everything(root)
    (root / "autograded" / "s1" / STEM / f"{STEM}.ipynb").unlink()
    with api.Gradebook(Course(root).db_url, COURSE_ID) as book:
        book.remove_student("s2")
    assert "s2" not in {record["student"] for record in Gradebook(Course(root).db_url).records()}
    python("assert wait(start(*arguments)) == 0", root)
    assert everything(root) == expected


@pytest.fixture(scope="module")
def quick(tmp_path_factory, desk):
    """Ten short submissions for the real runner; one ends its own process."""
    root = tmp_path_factory.mktemp("quick")
    for number in range(10):
        notebook = short(desk.solved("generator_loss", "js_divergence") if number % 2 else desk.untouched())
        if number == 4:
            cell_of(notebook, "js_divergence").source = "import os; os._exit(3)"
        folder = root / f"s{number}" / STEM
        folder.mkdir(parents=True)
        (folder / f"{STEM}.ipynb").write_text(json.dumps(notebook))
    return root


class Grading:
    """`autograde grade` at work in a folder, in a session of its own."""

    def __init__(self, root):
        self.root = root
        self.process = psutil.Popen([sys.executable, "-m", "autograde", "grade", str(root / "submitted"), "--jobs", "2"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)

    def recorded(self):
        return len(list((self.root / "autograded").glob(f"*/*/{STEM}.ipynb")))

    def kill_one_of_below(self, draw):
        """One process that the grader has started, or that those have; not while all are starting."""
        below = self.process.children(recursive=True)
        if below and self.recorded():
            with_luck = draw.choice(below)
            try:
                with_luck.kill()
            except psutil.NoSuchProcess:
                return False
            return True
        return False

    def ended(self):
        _, said = self.process.communicate(timeout=600)
        assert self.process.returncode == 0, said
        return self


def test_killed_runners_and_graders_change_nothing_in_the_end(tmp_path, quick):
    """First the grader itself, with all that it has started; then, again and again, what the next one has started."""
    calm, wild = folder(tmp_path / "calm", quick), folder(tmp_path / "wild", quick)
    Grading(calm).ended()
    first = Grading(wild)
    while not first.recorded():
        time.sleep(0.02)
    below = first.process.children(recursive=True)
    first.process.kill()
    first.process.communicate(timeout=60)
    _, alive = psutil.wait_procs(below, timeout=20)
    assert below and not alive, "the grader's processes end with it"
    assert first.recorded() < 10
    draw, kills, second = random.Random(0), 0, Grading(wild)
    while second.process.poll() is None and kills < 4:
        kills += second.kill_one_of_below(draw)
        time.sleep(draw.uniform(0.02, 0.1))
    second.process.communicate(timeout=600)  # it has gone on, or stopped with a sentence where all was killed at its start
    Grading(wild).ended()
    assert kills
    assert everything(wild) == everything(calm)
