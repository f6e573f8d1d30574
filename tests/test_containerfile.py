"""The Containerfile: what can be said of it here, and with --thorough its steps in a fresh root."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")


def test_it_installs_requirements_and_runs_as_an_ordinary_user():
    kinds = [line.split(" ", 1) for line in TEXT.splitlines() if line and not line.startswith("#")]
    users = [rest for kind, rest in kinds if kind == "USER"]
    assert users == ["grader"] and ["RUN", "pip install -q --no-cache-dir -r requirements.txt"] in kinds
    assert kinds.index(["USER", "grader"]) > max(at for at, (kind, _) in enumerate(kinds) if kind == "RUN")
    (entry,) = [rest for kind, rest in kinds if kind == "ENTRYPOINT"]
    script = ROOT / re.search(r'"/opt/course/([^"]+)"', entry)[1]
    assert os.access(script, os.X_OK)


def test_its_start_says_the_level_and_then_does_what_was_asked(tmp_path):
    (tmp_path / "autograde").write_text("#!/bin/sh\necho the level\nexit 1\n")
    (tmp_path / "autograde").chmod(0o755)
    done = subprocess.run([ROOT / ".ci" / "start_container", "echo", "asked"], capture_output=True, text=True,
                          env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "asked\n", "the level\n"), "also where the level is weak"


def test_its_steps_in_a_fresh_root(request):
    if not request.config.getoption("--thorough"):
        pytest.skip("takes minutes and 8 GB; --thorough runs it")
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("needs root and debootstrap")
    steps = [ROOT / "tests" / "machines" / "try", "trixie", "tests/machines/container"]
    done = subprocess.run(steps, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    said = " ".join(done.stdout.replace("│", " ").split())
    assert "STARTED as grader: 0" in said and "strong: every layer holds" in said
