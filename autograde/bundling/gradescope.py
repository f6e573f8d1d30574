"""The archive that Gradescope builds an autograder from: its two scripts, the versions to install, and this course.

    setup.sh  run_autograder     what Gradescope calls
    bundle.json                  the chapter, and who may see the checks when
    *.txt                        versions
    course/                      this repository, as far as it grades: answers and checks too
    clipkit/                     what a submission may import, so it is installed where every user may read
    course-folder/               a gradebook that knows the chapter, and the secrets of the instructor's own course

All of it is closed to any user but root, and a submission is another user.
"""
from __future__ import annotations

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ..grading.course import Course, CourseError
from ..grading.gradebook import Gradebook
from ..writing.answers import ROOT
from ..writing.chapter import Chapter
from . import pins

FILES = Path(__file__).parent / "gradescope_files"
PACKAGES = ("autograde", "solutions", "clipkit")
MADE = (2026, 1, 1, 0, 0, 0)  # of every file, so that the same course makes the same archive


def archive(chapter: Chapter, course: Course | None, visibility: str = "visible") -> bytes:
    """A zip file, complete.

    Args:
        course: whose secrets the checks follow from, so that a file has the same score there and here; without one, it has
            secrets of its own.
        visibility: of each check, in Gradescope's words.
    Raises:
        CourseError: the course has not released the chapter.
    """
    if course and not (course.root / "source" / chapter.stem).is_dir():
        raise CourseError(f"{course.root} has not released {chapter.stem}; expected it in source/. Try "
                          f"`autograde release --course {course.root} {chapter.stem}`")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, content, mode in _contents(chapter, course, visibility):
            info = zipfile.ZipInfo(name, MADE)
            info.create_system, info.external_attr, info.compress_type = 3, (0o100000 | mode) << 16, zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return stream.getvalue()


def _contents(chapter: Chapter, course: Course | None, visibility: str) -> Iterator[tuple[str, bytes, int]]:
    """Path, content and permissions."""
    for name in ("setup.sh", "run_autograder"):
        yield name, (FILES / name).read_bytes(), 0o755
    made = {"bundle.json": json.dumps({"chapter": chapter.stem, "visibility": visibility}), "torch.txt": pins.torch(),
            "requirements.txt": pins.requirements(), "constraints.txt": pins.constraints()}
    for name, text in made.items():
        yield name, text.encode(), 0o600
    for path in _of_the_course(chapter):
        own = path.relative_to(ROOT)
        yield str(own) if own.parts[0] == "clipkit" else f"course/{own}", path.read_bytes(), 0o600
    with tempfile.TemporaryDirectory() as folder:
        fresh = Course(Path(folder))
        Gradebook(fresh.db_url).prepare(chapter)
        keeper = course or fresh
        secrets = {".autograde.secret": keeper.secret}
        if kept := keeper.held_back(chapter.name):
            secrets[fresh.kept(chapter.name).name] = kept
        for name, text in secrets.items():
            yield f"course-folder/{name}", text.encode(), 0o600
        yield "course-folder/gradebook.db", (fresh.root / "gradebook.db").read_bytes(), 0o600


def _of_the_course(chapter: Chapter) -> Iterator[Path]:
    """The packages with what lies in them, the pages, and of their pictures and runs those of this chapter."""
    for package in PACKAGES:
        yield from sorted(path for path in (ROOT / package).rglob("*") if path.is_file()
                          and not any(part == "__pycache__" or part.endswith(".egg-info") for part in path.parts))
    yield from sorted((ROOT / "book").glob("*.md"))
    yield from sorted((ROOT / "benchmarks/figures").rglob("*.json"))  # numbers that the pages name
    shown = {name for cell in chapter.notebook.cells for name in re.findall(r"assets/[\w./-]+", cell.source)}
    yield from (ROOT / "book" / name for name in sorted(shown) if (ROOT / "book" / name).is_file())
    yield from (ROOT / name for name in ("book/references.bib", f"book/outputs/{chapter.stem}.ipynb", "_config.yml", "VERSION"))

