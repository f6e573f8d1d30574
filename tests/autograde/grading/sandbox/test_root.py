"""What a submission sees, wherever Python, its packages and the course lie."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from autograde.grading.sandbox import root

ROOT = Path(__file__).resolve().parents[4]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox's layers are Linux's")

IMPORTS_LATE = """
import json, os, sys
os.umask(0o077)  # as careful administrators have it
from autograde.grading.runner import Limits, run
from autograde.grading.sandbox import started
from tests.autograde.grading.test_runner import notebook
print(started.here().missing)
ran = run(notebook(*sys.argv[1:]), "gan_losses", limits=Limits(sandbox="weak"))
print(ran.status)
print(json.dumps(list(ran.outputs.values())))
"""


@pytest.fixture
def places():
    """Folders of packages, each with a module of its own that nothing has imported: where the sandbox has its own work
    folder, behind a link, in a path that is no ASCII; and one of an editable install that the warm process has loaded."""
    tmp_path = Path(tempfile.mkdtemp(dir="/tmp"))
    named = {"below_tmp": tmp_path / "site-packages", "in_shared_memory": Path("/dev/shm", tmp_path.name, "site-packages"),
             "with_a_space": tmp_path / "ein Süß" / "site-packages", "behind_a_link": tmp_path / "link" / "site-packages"}
    (tmp_path / "environment").mkdir()
    (tmp_path / "link").symlink_to("environment")
    for name, place in named.items():
        place.mkdir(parents=True)
        (place / f"{name}.py").write_text("here = True")
    package = tmp_path / "checkout" / "editable"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "late.py").write_text("here = True")
    (tmp_path / "checkout" / "secret.txt").write_text("not to be seen")
    (named["below_tmp"] / "sitecustomize.py").write_text("import editable")
    yield [*named.values(), package.parent], [*named, "editable.late"], tmp_path / "checkout" / "secret.txt"
    subprocess.run(["rm", "-r", tmp_path, f"/dev/shm/{tmp_path.name}"], check=True)


def test_packages_are_seen_wherever_they_lie(places):
    folders, modules, secret = places
    cells = [f"import {module}; assert {module}.here" for module in modules]
    cells += ["open('/tmp/mine', 'w').write('x'); open('/dev/shm/mine', 'a').write('x'); open('/dev/null', 'w').write('x')",
              "import multiprocessing; multiprocessing.Lock()", f"open({str(secret)!r})"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, [ROOT, *folders])), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", IMPORTS_LATE, *cells], cwd=ROOT, env=environment, capture_output=True,
                          text=True, check=True)
    missing, status, outputs = done.stdout.strip().split("\n")
    assert missing == "{}" and status == "graded", done.stderr
    errors = [out["evalue"] for cell in json.loads(outputs) for out in cell if out["output_type"] == "error"]
    assert len(errors) == 1 and f"No such file or directory: '{secret}'" in errors[0]


def test_only_packages_are_shown_and_none_twice():
    shown = root.shown()
    assert str(ROOT / "clipkit") in shown
    for path in shown:
        assert os.path.exists(path) and not ROOT.is_relative_to(path), path
        assert not any(path.startswith(f"{other}/") for other in shown if not os.path.islink(other)), path


def test_a_package_that_cannot_be_had_is_named(monkeypatch):
    root.must_see_packages()
    monkeypatch.setattr(root, "USED", ("torch", "no_such_package"))
    with pytest.raises(OSError, match="no_such_package is not installed"):
        root.must_see_packages()
    with pytest.raises(OSError, match=r"(solutions|autograde)/.* can be read"):
        root.must_hide_answers()
