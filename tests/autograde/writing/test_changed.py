"""Which chapters a change touches, in a small course of its own."""
import os
import subprocess

import pytest

from autograde.writing import changed, chapter, dependencies

FILES = {
    "book/01_one.md": "---\nchapter: 01_one\n---\n# 1 · One\n\n```{code-cell}\nimport clipkit.clips\n```\n",
    "book/02_two.md": "---\nchapter: 02_two\n---\n# 2 · Two\n\n```{code-cell}\nfrom solutions.two import f\n```\n",
    "book/glossary.md": "# Glossary\n",
    "clipkit/__init__.py": "",
    "clipkit/clips.py": "",
    "solutions/__init__.py": "",
    "solutions/one.py": "",
    "solutions/two.py": "from solutions.measures import scores\n",
    "solutions/measures/scores.py": "",
    "solutions/measures/alone.py": "",
    "autograde/checks/one.py": "from solutions import two as reference\n",
}


def git(*words):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words], check=True, capture_output=True)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A repository of two chapters: the second one's answers are among the checks of the first. Its branch is `work`."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:  # where the tests themselves run in a hook
        monkeypatch.delenv(name)
    monkeypatch.setattr(changed, "ROOT", tmp_path)
    monkeypatch.setattr(dependencies, "ROOT", tmp_path)
    monkeypatch.setattr(chapter, "BOOK", tmp_path / "book")
    monkeypatch.chdir(tmp_path)
    dependencies._exports.cache_clear()
    for name, text in FILES.items():
        write(tmp_path / name, text)
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "Begin")
    git("switch", "-qc", "work")
    yield tmp_path
    dependencies._exports.cache_clear()


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_chapter_changes_with_any_of_its_files_and_with_none_of_another(course):
    assert changed.chapters() == []
    for path in ("book/02_two.md", "notebooks/02_two.ipynb", "autograde/checks/two.py", "tests/answers/two.py"):
        write(course / path, "# changed\n" + FILES.get(path, ""))
        assert changed.chapters() == ["02_two"], path
        git("stash", "-uq")
    write(course / "book" / "glossary.md", "# Words\n")
    write(course / "book" / "outputs" / "01_one.ipynb", "{}")
    assert changed.chapters() == []


@pytest.mark.parametrize("path, touched", [
    ("clipkit/clips.py", ["01_one"]), ("solutions/two.py", ["01_one", "02_two"]), ("solutions/one.py", ["01_one"]),
    ("solutions/measures/scores.py", ["01_one", "02_two"]), ("solutions/measures/alone.py", [])])
def test_it_changes_with_what_its_cells_its_answers_and_its_checks_import(course, path, touched):
    (course / path).write_text(f"{FILES[path]}x = 1\n")
    assert changed.chapters() == touched


def test_what_is_committed_counts_and_what_main_has_done_since_does_not(course):
    (course / "solutions" / "one.py").unlink()
    git("commit", "-qam", "Take an answer away")
    git("switch", "-q", "main")
    write(course / "tests" / "answers" / "two.py", "")
    git("add", ".")
    git("commit", "-qm", "Another's work")
    git("switch", "-q", "work")
    assert changed.files() == {course / "solutions" / "one.py"} and changed.chapters() == ["01_one"]
    git("branch", "-qm", "main", "away")
    git("update-ref", "refs/remotes/origin/main", "away")
    assert changed.chapters() == ["01_one"], "a clone may have it under that name alone"


def test_names_are_read_as_they_are(course):
    write(course / "book" / "clips" / "a strip – ü.gif", "")
    git("mv", "solutions/one.py", "solutions/eins.py")
    assert {path.name for path in changed.files()} == {"a strip – ü.gif", "one.py", "eins.py"}


def test_without_a_main_it_is_said_what_to_do(course, monkeypatch):
    git("branch", "-qD", "main")
    with pytest.raises(LookupError, match="name a chapter"):
        changed.chapters()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LookupError, match="name a chapter"):
        changed.chapters()
