"""The script that puts the site where GitHub Pages finds it, tried on a repository of this machine."""
import subprocess
from pathlib import Path

import pytest
import yaml

from autograde.writing import changed

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = ROOT / ".github" / "workflows"
SCRIPT = ROOT / ".github" / "publish.sh"


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@t", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_git_keeps_no_large_file_but_generators():
    sizes = {name: (ROOT / name).stat().st_size for name in changed._git("ls-files", "-z") if (ROOT / name).is_file()}
    large = {name: size for name, size in sizes.items() if size > 1e6}
    assert all(name.startswith("solutions/published/weights/") and size <= 2e6 for name, size in large.items()), large


@pytest.fixture
def clone(tmp_path):
    """A clone that may push to its origin, ../origin.git, which has one commit on main."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(tmp_path / "origin.git")], check=True)
    subprocess.run(["git", "clone", "-q", str(tmp_path / "origin.git"), str(tmp_path / "clone")], check=True)
    (tmp_path / "clone" / "README.md").write_text("the course")
    git(tmp_path / "clone", "add", "README.md")
    git(tmp_path / "clone", "commit", "-qm", "Begin")
    git(tmp_path / "clone", "push", "-q", "origin", "HEAD:main")
    return tmp_path / "clone"


@pytest.fixture
def publish(clone, tmp_path):
    """publish(what, ..., text=...) runs the script for a site of one page; returns what the branch then holds."""

    def run(*words: str, text: str | None = None) -> dict[str, str]:
        site = tmp_path / "site"
        if text is not None:
            (site / "_static").mkdir(parents=True, exist_ok=True)
            (site / "index.html").write_text(text)
            (site / "_static" / "site.css").write_text("p {}")
            words = (*words, str(site))
        subprocess.run(["bash", str(SCRIPT), *words], cwd=clone, check=True, capture_output=True, text=True)
        git(clone, "fetch", "-q", "origin", "gh-pages")
        names = git(clone, "ls-tree", "-r", "--name-only", "FETCH_HEAD").split()
        return {name: git(clone, "show", f"FETCH_HEAD:{name}") for name in names}

    return run


def test_site_and_previews_stand_side_by_side(publish, clone):
    assert publish("site", text="one") == {".nojekyll": "", "index.html": "one", "_static/site.css": "p {}"}
    assert publish("preview", "7", text="seven")["preview/7/index.html"] == "seven"
    assert publish("preview", "8", text="eight")["index.html"] == "one"
    there = publish("site", text="two")
    assert (there["index.html"], there["preview/7/index.html"], there["preview/8/index.html"]) == ("two", "seven", "eight")
    assert not [name for name in publish("forget", "7") if name.startswith("preview/7")]
    assert git(clone, "rev-list", "--count", "FETCH_HEAD").strip() == "1"  # it does not grow
    assert git(clone, "status", "--porcelain") == "" and (clone / "README.md").exists()
    assert "gh-pages" not in git(clone, "worktree", "list")


def test_preview_may_come_first(publish):
    assert set(publish("preview", "3", text="x")) == {".nojekyll", "preview/3/index.html", "preview/3/_static/site.css"}


@pytest.mark.parametrize("words", [["preview", "../..", "."], ["preview", "", "."], ["delete", "1"]])
def test_nothing_else_is_done(clone, words):
    done = subprocess.run(["bash", str(SCRIPT), *words], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 2 and "expected" in done.stderr
    assert git(clone, "ls-remote", "--heads", "origin").count("\n") == 1


@pytest.mark.parametrize("path", sorted(WORKFLOWS.glob("*.yml")), ids=lambda path: path.name)
def test_workflow_reads_as_yaml_and_runs_what_exists(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    makefile = (WORKFLOWS.parents[1] / "Makefile").read_text(encoding="utf-8")
    for job in workflow["jobs"].values():
        for words in (step["run"].split() for step in job["steps"] if "run" in step):
            targets = [word for word in words[1:] if word.isalpha()] if words[0] == "make" else []
            assert all(f"\n{target}:" in makefile for target in targets), words
            scripts = [word for word in words if word.startswith((".ci/", ".github/", "tests/"))]
            assert all((WORKFLOWS.parents[1] / script).exists() for script in scripts), words
