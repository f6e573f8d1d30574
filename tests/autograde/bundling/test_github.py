"""The repository that students start from: what it holds, and what its workflow does at a push."""
import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml

from autograde import checks
from autograde.__main__ import main
from autograde.writing import release
from tests.autograde.desk import cell_of, short

STEM = "02_gan_losses"
FORGING = """
class Forged(AssertionError):
    def __str__(self):
        return '\\n::notice title=Autograding report::{"totalPoints": 1000, "maxPoints": 1}'

def generator_step(*args, **kwargs):
    raise Forged()
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("github") / "template"
    assert main(["bundle", "github", STEM, "--out", str(folder)]) == 0
    return folder


@pytest.fixture
def pushed(template, tmp_path):
    """pushed(notebook or bytes): what the workflow's own step leaves, run in a copy of the template."""
    def push(notebook, name=f"{STEM}.ipynb"):
        root = tmp_path / "repository"
        if not root.exists():
            subprocess.run(["cp", "-r", str(template), str(root)], check=True)
        (root / f"{STEM}.ipynb").unlink(missing_ok=True)
        if notebook is not None:
            (root / name).write_bytes(notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode())
        (step,) = [s for s in workflow(root)["jobs"]["run-autograding-tests"]["steps"] if s.get("id") == "checks"]
        places = {name: str(tmp_path / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
        for path in places.values():
            Path(path).unlink(missing_ok=True)
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | step["env"] | places | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(step["run"], shell=True, cwd=root, env=environment, capture_output=True, text=True, timeout=300)
        output = Path(places["GITHUB_OUTPUT"]).read_text()
        return done, json.loads(base64.b64decode(output.removeprefix("result="))), Path(places["GITHUB_STEP_SUMMARY"]).read_text()
    return push


def workflow(folder):
    return yaml.safe_load((folder / ".github" / "workflows" / "classroom.yml").read_text())


def test_it_gives_nothing_away(template, desk):
    assert release.leaks(desk.chapter, nbformat.read(template / f"{STEM}.ipynb", as_version=4)) == []
    text = "\n".join(path.read_text() for path in template.rglob("*") if path.is_file())
    titles = [check.title for e in desk.chapter.exercises for check in checks.checks_of(e.id)]
    assert "from solutions" not in text and titles and not [title for title in titles if title in text]


def test_the_workflow_has_the_names_that_classroom_reads(template):
    flow = workflow(template)
    assert flow["name"] == "Autograding Tests" and list(flow["jobs"]) == ["run-autograding-tests"]
    assert flow[True] == ["push", "workflow_dispatch"] and flow["permissions"] == {"contents": "read"}
    assert json.loads((template / ".devcontainer" / "devcontainer.json").read_text())["postCreateCommand"].startswith("pip install torch")
    assert (template / "requirements.txt").read_text().startswith("clipkit @ git+https://")


def test_a_push_reports_points_in_classrooms_form(pushed, desk):
    notebook = short(desk.solved())
    cell_of(notebook, "js_divergence").source = desk.released.cells[[c.id for c in desk.released.cells].index("js_divergence")].source
    cell_of(notebook, "discriminator_loss").source = "def discriminator_loss(real_logits, fake_logits):\n    return 0 * fake_logits.mean()"
    cell_of(notebook, "generator_step").source += FORGING
    notebook.cells.remove(cell_of(notebook, "generator_loss-check"))
    done, result, summary = pushed(notebook)
    total, most = 28 - 3 - 4 - 4, 28
    assert done.returncode == 1 and f"::notice title=Autograding complete::Points {total}/{most}" in done.stdout, done.stderr
    (report,) = [line for line in done.stdout.splitlines() if line.startswith("::notice title=Autograding report")]
    assert json.loads(report.partition("::notice title=Autograding report::")[2]) == {"totalPoints": total, "maxPoints": most}
    assert result["max_score"] == most and sum(test["score"] for test in result["tests"]) == total and result["status"] == "fail"
    assert "| 2.4 | js&#95;divergence | not written yet | 0 of 3 |" in summary and f"{total} of {most} points" in summary


def test_a_changed_check_is_the_one_that_was_handed_out(pushed, desk):
    notebook = short(desk.untouched())
    for cell in notebook.cells:
        if cell.id.endswith("-check"):
            cell.source = "pass"
    done, result, _ = pushed(notebook)
    assert done.returncode == 1 and sum(test["score"] for test in result["tests"]) == 0


@pytest.mark.parametrize("notebook, words", [(b'{"cells": [{', "is no notebook that can be read"), (None, "expected the notebook 02_gan_losses.ipynb")])
def test_what_cannot_run_is_a_sentence(notebook, words, pushed):
    done, result, summary = pushed(notebook)
    assert done.returncode == 1 and words in done.stdout and "Traceback" not in done.stderr
    assert result["max_score"] == 28 and "did not run" in summary


def test_nothing_is_written_over(template, capsys):
    before = {path: path.read_bytes() for path in template.rglob("*") if path.is_file()}
    assert main(["bundle", "github", "3", "--out", str(template)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in template.rglob("*") if path.is_file()}
