"""What grades one submission in Gradescope's container: the same grader, in a course folder of its own, and its record as
results.json.

    /autograder/source        the archive, unpacked     /autograder/submission    what the student uploaded
    /autograder/results       where results.json goes   /autograder/submission_metadata.json    who, when, what before

How late counts, and which of several attempts, Gradescope knows. Source: gradescope-autograders.readthedocs.io, Autograder
Specifications and Submission Metadata.
"""
from __future__ import annotations

import base64
import html
import io
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from .. import files
from ..grading.course import Course, CourseError, Submission
from ..grading.grader import Grader
from ..grading.litter import is_litter
from ..grading.runner import Limits
from ..grading.sandbox import started, walls
from ..writing import chapter as chapters
from ..writing.chapter import Chapter

STUDENT = "student"  # whoever it is: the container holds nobody else
ROW, WIDTH, BAR = 26, 560, 240  # pixels of the picture
COLOURS = {"earned": "#2a9d8f", "open": "#e9c46a", "lost": "#d9d9d9"}


def main(folder: Path) -> int:
    """Grade what lies in `folder`, as Gradescope lays it out; 1 where the course cannot grade here, and then no result."""
    began, about = time.monotonic(), json.loads((folder / "source" / "bundle.json").read_text())
    try:
        started.here()
        record = _record(folder, about["chapter"])
    except (started.SandboxError, CourseError) as error:
        print(f"Nothing was graded: {error}")
        return 1
    print(f"{record['status']}: {record['said']}\nSandbox: {walls.level(started.here().missing)}")
    made = results(record, chapters.load(about["chapter"]), visibility=about["visibility"], before=_before(folder))
    made["execution_time"] = round(time.monotonic() - began)
    files.put(folder / "results" / "results.json", json.dumps(made, ensure_ascii=False, indent=1))
    return 0


def _record(folder: Path, stem: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(folder / "source" / "course-folder", place, dirs_exist_ok=True)
        grader = Grader(Course(Path(place)), limits=Limits(sandbox="contained"))
        (record,) = grader.grade([Submission(STUDENT, stem, _handed_in(folder / "submission"))])
        return record


def _handed_in(folder: Path) -> Path:
    """The folder of the notebook: that of an uploaded archive or repository may lie deeper."""
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not is_litter(name))
        if any(name.endswith(".ipynb") and not is_litter(name) for name in names):
            return Path(place)
    return folder


def _before(folder: Path) -> float | None:
    """The score of the last submission before this one, as Gradescope tells it."""
    try:
        earlier = json.loads((folder / "submission_metadata.json").read_text(encoding="utf-8"))["previous_submissions"]
        return float(max(earlier, key=lambda one: one["submission_time"])["score"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def results(record: dict[str, Any], chapter: Chapter, *, visibility: str = "visible",
            before: float | None = None) -> dict[str, Any]:
    """A record in Gradescope's form: a test for each check, with its points, and the hint where it failed.

    Args:
        before: the score that stays where the course itself is broken.
    """
    said, score = record["said"], record["score"]
    if record["status"] == "broken":
        score = before or 0
        said = f"There is no new grade, and it is not your fault: {said} Tell your instructor. " + (
            f"Your earlier {score:g} points stay." if before else "")
    tests = [test for number, exercise in enumerate(record["exercises"], start=1)
             for test in _tests(f"{chapter.number}.{number}", exercise)]
    made = {"score": score, "output": f"<p>{html.escape(said)}</p>", "output_format": "html", "visibility": visibility,
            "stdout_visibility": "hidden", "tests": tests, "extra_data": {"status": record["status"]}}
    if record["status"] == "graded":
        made["output"] += f'<img alt="{html.escape(_in_words(record))}" src="{_picture(record, chapter)}">'
    if board := _leaderboard(record):
        made["leaderboard"] = board
    return made


def _tests(number: str, exercise: dict[str, Any]) -> list[dict[str, Any]]:
    name = exercise["id"].partition(".")[2]
    if exercise["score"] is None:
        return [{"number": number, "name": f"{name}: {exercise['max_score']:g} points, given by a person",
                 "output": "Your instructor reads this answer." if not exercise["checks"] else "Not graded."}]
    worth = _worth(exercise)
    return [{"number": f"{number}.{i}", "name": f"{name}: {check['title']}", "score": check["points"], "max_score": points,
             "status": "passed" if check["passed"] else "failed", "output": check["hint"]}
            for i, (check, points) in enumerate(zip(exercise["checks"], worth, strict=True), start=1)]


def _worth(exercise: dict[str, Any]) -> list[float]:
    """The points of each check of an exercise."""
    from .. import checks

    return [check.points for check in checks.checks_of(exercise["id"])]


def _leaderboard(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The verdict on an entry to the challenge; larger is better."""
    from ..grading import board

    if not record["chapter"].endswith("_challenge"):
        return []
    places = [place for place in board.places([record]) if not place.standing]
    return [{"name": name.capitalize(), "value": round(value, 3), "order": "desc"} for place in places
            for name, value in {"total": place.verdict.score.total, **place.verdict.score._asdict()}.items()]


def _in_words(record: dict[str, Any]) -> str:
    parts = (f"{exercise['id'].partition('.')[2]} {exercise['score'] or 0:g} of {exercise['max_score']:g}"
             for exercise in record["exercises"])
    return f"{record['score']:g} of {record['max_score']:g} points: {', '.join(parts)}"


def _picture(record: dict[str, Any], chapter: Chapter) -> str:
    """A bar for each exercise, as a data URI: what was earned, what waits for a person, what was lost."""
    font = ImageFont.load_default(14)
    image = Image.new("RGB", (WIDTH, ROW * len(record["exercises"])), "white")
    draw = ImageDraw.Draw(image)
    for row, exercise in enumerate(record["exercises"]):
        top, name = row * ROW, exercise["id"].partition(".")[2]
        share = (exercise["score"] or 0) / exercise["max_score"]
        left = WIDTH - BAR - 60
        draw.text((4, top + 4), f"{chapter.number}.{row + 1} {name}", "black", font)
        draw.rectangle((left, top + 5, left + BAR, top + ROW - 5), COLOURS["open" if exercise["score"] is None else "lost"])
        if share:
            draw.rectangle((left, top + 5, left + round(BAR * share), top + ROW - 5), COLOURS["earned"])
        words = f"{exercise['score'] or 0:g} / {exercise['max_score']:g}" if exercise["score"] is not None else "waits"
        draw.text((left + BAR + 8, top + 4), words, "black", font)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
