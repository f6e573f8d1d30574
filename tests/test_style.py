"""The rules of pyproject.toml hold everywhere, here and before each commit."""
import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


def ruff(*words: str | Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.chapter("style")
def test_ruff_finds_nothing():
    done = ruff(".")
    assert done.returncode == 0, done.stdout + done.stderr


FAULTS = {
    "imports": ("I001", "import sys\nimport os\n\nprint(os, sys)"),
    "never used": ("F401", "import os"),
    "too long": ("E501", f"WORDS = '{'x' * 120}'"),
    "bugbear": ("B006", "def keep(row, rows=[]):  # a list that all calls share\n    rows.append(row)"),
    "pyupgrade": ("UP007", "from typing import Union\n\nwide: Union[int, str] = 1"),
    "simplify": ("SIM102", "if 1:\n    if 2:\n        print(3)"),
    "pytest style": ("PT015", "assert False"),
    "no docstring": ("D103", "def loss(x):\n    return x"),
    "no sentence": ("D415", 'def loss(x):\n    """The loss"""\n    return x'),
    "a section's form": ("D416", 'def loss(x):\n    """The loss.\n\n    Returns\n        A number.\n    """\n    return x'),
    "no reason": ("PGH003", "wide: int = ''  # type: ignore"),
    "no longer needed": ("RUF100", "wide = 1  # noqa: E501"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_each_kind_is_found(name, tmp_path):
    rule, code = FAULTS[name]
    file = tmp_path / "fault.py"
    file.write_text(f'"""A module."""\n{code}\n')
    done = ruff("--config", ROOT / "pyproject.toml", "--output-format", "json", file)
    assert rule in {found["code"] for found in json.loads(done.stdout)}


def test_the_hook_runs_the_ruff_of_the_tests():
    pinned = re.search(r'"(ruff==[\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))[1]
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert hook["additional_dependencies"] == [pinned] == [f"ruff=={version('ruff')}"]
    assert hook["entry"].startswith("ruff check")
