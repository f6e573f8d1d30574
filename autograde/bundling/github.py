"""The repository that students start from: the student notebook, a workflow that runs its visible checks at each push, and a
container to work in. It holds no answer and no hidden check; those stay with the instructor."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .. import files
from ..grading.course import CourseError
from ..writing import publish
from ..writing.answers import ROOT
from ..writing.chapter import Chapter, settings
from ..writing.visible import visible_checks
from .visible_checks import CHECKS

FILES = Path(__file__).parent / "github_files"
RUNS_THERE = ("__init__.py", "grading/__init__.py", "grading/visible.py", "bundling/__init__.py", "bundling/visible_checks.py")


def write(chapter: Chapter, folder: Path) -> list[str]:
    """Write the template into a new or empty folder; gives the paths within.

    Raises:
        CourseError: something lies there.
    """
    if folder.exists() and (not folder.is_dir() or any(path.name != ".git" for path in folder.iterdir())):
        raise CourseError(f"{folder} is not empty; expected a new folder, or that of a new repository. Name another with --out")
    made = dict(_contents(chapter))
    for name, text in made.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        files.put(folder / name, text)
    return sorted(made)


def _contents(chapter: Chapter) -> Iterator[tuple[str, str]]:
    config, version = settings(), (ROOT / "VERSION").read_text().strip()
    yield f"{chapter.stem}.ipynb", publish.text(chapter)
    yield ".github/workflows/classroom.yml", (FILES / "classroom.yml").read_text(encoding="utf-8")
    yield ".devcontainer/devcontainer.json", (FILES / "devcontainer.json").read_text(encoding="utf-8")
    yield "README.md", (FILES / "README.md").read_text(encoding="utf-8").format(
        title=chapter.title, stem=chapter.stem, site=config["html"]["baseurl"])
    yield "requirements.txt", (f"clipkit @ git+{config['repository']['url']}@v{version}#subdirectory=clipkit\n"
                               "nbclient\nnbformat\nipykernel\n")
    yield ".gitignore", ".ipynb_checkpoints/\n__pycache__/\n*.mp4\n"
    sources = {check.exercise: check.source for check in visible_checks(chapter)}
    exercises = [{"number": e.number, "name": e.name, "points": e.points, "source": sources[e.id]}
                 for e in chapter.exercises if e.id in sources]
    yield CHECKS, json.dumps({"chapter": chapter.stem, "exercises": exercises}, indent=1, ensure_ascii=False) + "\n"
    for name in RUNS_THERE:
        yield f".github/autograde/{name}", (ROOT / "autograde" / name).read_text(encoding="utf-8")
