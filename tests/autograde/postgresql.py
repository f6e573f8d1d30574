"""A real PostgreSQL server, started by the tests in a folder of its own and stopped at their end."""
import getpass
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError


def binaries():
    """The folder of `initdb` and `postgres`, of the newest version that is installed (Debian keeps them off the path)."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return Path(on_path).resolve().parent if on_path else found[-1].parent if found else None


def missing():
    """Why there can be no server here, or None."""
    if not importlib.util.find_spec("psycopg"):
        return "psycopg is not installed (pip install 'psycopg[binary]')"
    return None if binaries() else "no PostgreSQL server is installed (apt-get install postgresql)"


class Server:
    """Listens on a socket in its own folder, on no port; as an ordinary user, since PostgreSQL refuses to run as root.

    With `sync`, what is committed is on the disk, as with any server that is not for tests.
    """

    def __init__(self, *, sync=False):
        self.sync = sync

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # short: the path of a socket has 107 bytes
        self.user = getpass.getuser()
        as_user = {}
        if os.getuid() == 0:
            user = next(u for u in pwd.getpwall() if u.pw_name in ("postgres", "nobody"))
            self.user, as_user = user.pw_name, {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        data = self.folder / "data"
        subprocess.run([binaries() / "initdb", "-D", data, "-U", self.user, "-A", "trust", "-E", "UTF8", "--no-sync",
                        "--locale=C"], check=True, capture_output=True, cwd=self.folder, **as_user)
        self.log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen([binaries() / "postgres", "-D", data, "-k", self.folder, "-c", "listen_addresses=",
                                         "-c", f"fsync={'on' if self.sync else 'off'}"], stdout=self.log, stderr=self.log, cwd=self.folder, **as_user)
        self.numbers = itertools.count()
        for _ in range(300):
            if (self.folder / ".s.PGSQL.5432").exists() and self._answers():
                break
            assert self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.1)
        self.sql("CREATE DATABASE prepared")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)  # a fast shutdown: open connections are ended
        self.process.wait(60)
        self.log.close()
        shutil.rmtree(self.folder)

    def url(self, database):
        """Without a driver, as people write it."""
        return f"postgresql://{self.user}@/{database}?host={self.folder}"

    def new(self):
        """The URL of a copy of the gradebook that knows the chapter."""
        name = f"gradebook{next(self.numbers)}"
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'prepared'")
        self.sql(f"CREATE DATABASE {name} TEMPLATE prepared")
        return self.url(name)

    def empty(self):
        """The URL of a database without a table."""
        name = f"empty{next(self.numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return self.url(name)

    def sql(self, statement):
        engine = create_engine(self.url("postgres").replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement))
                return result.all() if result.returns_rows else None
        finally:
            engine.dispose()

    def _answers(self):
        try:
            return self.sql("SELECT 1")
        except OperationalError:
            return False
