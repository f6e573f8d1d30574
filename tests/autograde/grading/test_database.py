"""Gradebooks in SQLite and in PostgreSQL: made whole, the same for nbgrader, and no place for a secret to leak from."""
import concurrent.futures

import pytest
from nbgrader import api
from sqlalchemy import create_engine, inspect, text

from autograde.grading import database, gradebook
from autograde.grading.course import Course, CourseError
from autograde.grading.database import make_tables, shown, with_driver
from autograde.grading.gradebook import Gradebook
from autograde.nbgrader_config import find_programs

STEM = "02_gan_losses"
find_programs()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    """An engine on a database without a table."""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        engine = create_engine(with_driver(server.empty()))
    else:
        engine = create_engine(f"sqlite:///{tmp_path}/gradebook.db")
    yield engine
    engine.dispose()


@pytest.fixture
def record(desk):
    exercises = [{"id": e.id, "score": None if e.kind == "written" else float(e.points), "max_score": e.points,
                  "checks": [] if e.kind == "written" else [{"title": "t", "passed": True, "points": e.points, "hint": ""}]}
                 for e in desk.exercises.values()]
    return {"student": "ann", "chapter": STEM, "status": "graded", "said": "Graded.", "score": 28.0, "max_score": 31.0,
            "exercises": exercises}


def test_the_tables_are_nbgraders_own(empty):
    make_tables(empty)
    make_tables(empty)
    assert set(inspect(empty).get_table_names()) == {*api.Base.metadata.tables, "alembic_version", "autograde_run"}
    with empty.connect() as connection:
        assert connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [api.get_alembic_version()]


def test_who_is_stopped_while_making_them_leaves_none(empty, monkeypatch):
    def stopped():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(database, "_newest_version", stopped)
        make_tables(empty)
    assert inspect(empty).get_table_names() == []
    make_tables(empty)
    assert inspect(empty).has_table("autograde_run")


def test_tables_made_by_nbgrader_are_kept(tmp_path):
    url = f"sqlite:///{tmp_path}/gradebook.db"
    with api.Gradebook(url, "course") as book:
        book.add_student("ann")
        make_tables(book.engine)
    with api.Gradebook(url, "course") as book:
        assert [student.id for student in book.students] == ["ann"]


@pytest.mark.parametrize("url, driver", [("postgresql://a:b@host/course", "postgresql+psycopg"), ("sqlite:///x.db", "sqlite"),
                                         ("postgres://a:b@host/course", "postgresql+psycopg"),
                                         ("postgresql+psycopg2://host/course", "postgresql+psycopg2")])
def test_postgresql_needs_no_driver_in_its_url(url, driver):
    assert with_driver(url) == driver + url[url.index(":"):]


def test_a_missing_driver_is_named_and_the_password_is_not(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(CourseError, match="psycopg is not installed; run `pip install") as error:
        with_driver("postgresql://ann:secret@host/course")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["postgresql://ann:secret@127.0.0.1:1/course?connect_timeout=2", "oracle://ann:secret@x/y"])
def test_no_error_shows_a_password(url):
    pytest.importorskip("psycopg")
    with pytest.raises(CourseError, match="cannot be used") as error:
        Gradebook(url).records()
    assert "secret" not in str(error.value) and "secret" not in shown(url)


def test_what_formgrader_asks_has_the_same_answers_in_both(gradebook_file, postgresql, record, tmp_path):
    """nbgrader's own queries, on a gradebook that ours has written: one submission whole, one with an empty answer."""
    (tmp_path / "gradebook.db").write_bytes(gradebook_file)
    for folder in ("source", "autograded/ann", "autograded/ben", "submitted/ann", "submitted/ben"):
        (tmp_path / folder / STEM).mkdir(parents=True)
        (tmp_path / folder / STEM / f"{STEM}.ipynb").touch()
    answers = []
    for url in (f"sqlite:///{tmp_path}/gradebook.db", postgresql.new()):
        book = Gradebook(url)
        for student, unanswered in (("ann", set()), ("ben", {"why_it_stalls", "train"})):
            book.record(record | {"student": student}, "d", unanswered=unanswered, timestamp="2026-03-01 10:00:00 UTC")
        nbgrader = Course(tmp_path, with_driver(url)).nbgrader()
        answers.append([nbgrader.get_assignments(), nbgrader.get_submissions(STEM), nbgrader.get_notebooks(STEM),
                        nbgrader.get_students(), nbgrader.get_student_submissions("ann"),
                        nbgrader.get_student_notebook_submissions("ben", STEM),
                        nbgrader.get_notebook_submissions(STEM, STEM), book.records()])
    assert _without_keys(answers[0]) == _without_keys(answers[1])
    assert answers[1][0][0]["num_submissions"] == 2 and [s["score"] for s in answers[1][6]] == [28.0, 28.0]


def _without_keys(answer):
    """Answers without nbgrader's random row keys, and without the order and numbers that come of them."""
    if isinstance(answer, list):
        return sorted(map(_without_keys, answer), key=str)
    if not isinstance(answer, dict):
        return answer
    return {key: _without_keys(value) for key, value in answer.items() if key != "index" and not _is_key(value)}


def _is_key(value):
    return isinstance(value, str) and len(value) == 32


def test_many_writers_of_the_same_submission_leave_one(postgresql, record, monkeypatch):
    monkeypatch.setattr(gradebook, "PAUSES", (0.05,) * 40)
    url = postgresql.new()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: Gradebook(url).record(record, "d", unanswered=set()), range(8)))
    assert all(one == done[0] for one in done) and Gradebook(url).records() == [done[0]]


def test_a_connection_that_is_lost_is_made_again(postgresql, record):
    """As when the server is restarted between two submissions."""
    book = Gradebook(postgresql.new())
    book.record(record, "d", unanswered=set())
    postgresql.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'gradebook%'")
    book.record(record | {"student": "ben"}, "d", unanswered=set())
    assert [one["student"] for one in book.records()] == ["ann", "ben"]
