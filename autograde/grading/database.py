"""The database behind a gradebook: its URL, and its tables made all at once."""
from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator

import nbgrader
from nbgrader import api
from sqlalchemy import (
    Column,
    DateTime,
    Engine,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError

from .course import CourseError

MAX_NAME = 128  # characters of a student's name: nbgrader's column, which PostgreSQL holds to
RUNS = Table("autograde_run", MetaData(), Column("student", String(MAX_NAME), primary_key=True),
             Column("chapter", String(MAX_NAME), primary_key=True), Column("digest", String(64), nullable=False),
             Column("record", Text, nullable=False), Column("graded_at", DateTime, nullable=False))
_LOCK, _PREPARING = 0x67616e73, 0x67616e74  # of PostgreSQL: while tables are made, while a chapter is made known


def with_driver(url: str) -> str:
    """The URL of a database as SQLAlchemy wants it: `postgresql://` alone is PostgreSQL by the driver psycopg.

    Raises:
        CourseError: it is no URL, or the driver is not installed.
    """
    try:
        read = make_url(url)
    except ArgumentError:
        raise CourseError(f"the gradebook {url!r} cannot be used: it is no URL; expected sqlite:///FILE or "
                          "postgresql://USER@HOST/DATABASE") from None
    if (kind := read.drivername.partition("+")[0]) not in ("sqlite", "postgres", "postgresql"):
        raise CourseError(f"the gradebook {read.render_as_string()} cannot be used: expected SQLite or PostgreSQL, got {kind}; "
                          "give sqlite:///FILE or postgresql://USER@HOST/DATABASE")
    if read.drivername in ("postgres", "postgresql"):
        read = read.set(drivername="postgresql+psycopg")
    if read.drivername == "postgresql+psycopg" and not importlib.util.find_spec("psycopg"):
        raise CourseError(f"the gradebook {read.render_as_string()} cannot be used: its driver psycopg is not installed; "
                          "run `pip install 'psycopg[binary]'`")
    return read.render_as_string(hide_password=False)


def shown(url: str) -> str:
    """The URL as it may be shown: without its password."""
    return make_url(url).render_as_string()


@contextlib.contextmanager
def alone(url: str) -> Iterator[None]:
    """Keep every other grader that asks for the same out of the database meanwhile; the lock ends with its holder."""
    engine = create_engine(with_driver(url))
    if engine.dialect.name == "sqlite" and engine.url.database:
        import fcntl  # not on Windows, where nothing is graded
        with open(f"{engine.url.database}.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    elif engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text(f"SELECT pg_advisory_lock({_PREPARING})"))
            yield
    else:
        yield
    engine.dispose()


def make_tables(engine: Engine) -> None:
    """Make nbgrader's tables and ours where they are missing, in one transaction: who is killed leaves no half of them.

    (nbgrader's own way makes the tables first and notes their version later, and never notes it where it was stopped
    in between.)
    """
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # Python's driver begins none before it makes a table
        elif engine.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        if not inspect(connection).has_table(api.SubmittedAssignment.__tablename__):
            api.Base.metadata.create_all(connection)
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": _newest_version()})
        RUNS.metadata.create_all(connection)


def _newest_version() -> str | None:
    """Of nbgrader's tables, as `alembic heads` says it."""
    from alembic.script import ScriptDirectory  # slow to import, and asked once in a gradebook's life
    return ScriptDirectory(f"{nbgrader.__path__[0]}/alembic").get_current_head()
