"""The types of clipkit, autograde and the packages of solutions hold, at the level that pyproject.toml says."""
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def mypy(*words: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "mypy", *words], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "MYPYPATH": str(ROOT)})


def test_mypy_finds_nothing():
    done = mypy()
    assert done.returncode == 0, done.stdout + done.stderr


FAULTS = """\
import clipkit
import nothing_of_that_name  # import-not-found
clipkit.Walkers("many")  # arg-type
clipkit.Walkers(4).clips.show()  # attr-defined
def loss(x): return x  # no-untyped-def
def pick(x: int = None) -> int: return x  # assignment
def size(x: str | None) -> int: return len(x)  # arg-type
wide: int = 1  # type: ignore[assignment]  # unused-ignore
high: int = ""  # type: ignore  # ignore-without-code
"""


def test_faults_of_each_kind_are_found(tmp_path):
    file = tmp_path / "faults.py"
    file.write_text(FAULTS)
    said = re.findall(r"faults\.py:(\d+): error: .*\[([\w-]+)\]", mypy(str(file)).stdout)
    found = {(int(line), error) for line, error in said}
    assert found == {(n, line.rpartition("  # ")[2]) for n, line in enumerate(FAULTS.splitlines(), 1) if "  # " in line}


def test_all_packages_are_checked():
    packages = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "solutions").glob("*/__init__.py")}
    assert set(PROJECT["tool"]["mypy"]["files"]) == {"clipkit", "autograde"} | packages


def test_an_exception_says_why():
    for folder in PROJECT["tool"]["mypy"]["files"]:
        for path in (ROOT / folder).rglob("*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                assert "type: ignore" not in line or re.search(r"# type: ignore\[[\w-]+\]  # \w+", line), f"{path}: {line}"


def test_the_version_is_the_pinned_one():
    assert f"mypy=={version('mypy')}" in PROJECT["project"]["optional-dependencies"]["test"]
