"""What each command does. A command imports what it needs when it runs, and returns the exit status."""
from __future__ import annotations

import json
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from . import files

if TYPE_CHECKING:
    from .grading.course import Course, Submission
    from .grading.grader import Grader
    from .tables import Outcome


def release(args: Namespace) -> int:
    from .grading.course import Course
    from .writing import chapter, publish

    chapters = [chapter.load(name) for name in args.chapters or chapter.stems()]
    if args.check:
        stale = publish.stale(chapters)
        print("\n".join(f"{path} is stale; run `autograde release`" for path in stale) or "notebooks/ is up to date")
        return 1 if stale else 0
    if args.course:
        for read in chapters:
            publish.text(read)  # refuses a chapter that gives something away
        Course(Path(args.course), args.db).release(chapters)
        print(f"{args.course}: source/, release/ and the gradebook hold {', '.join(read.stem for read in chapters)}")
        return 0
    print("\n".join(publish.write(chapters)))
    return 0


def bundle(args: Namespace) -> int:
    from .bundling import github, gradescope
    from .grading.course import Course
    from .writing import chapter, publish

    read = chapter.load(args.chapter)
    if args.platform == "github":
        made = github.write(read, Path(args.out))
        print(f"{args.out}: {', '.join(made)}; push it as a repository, and mark that as a template")
        return 0
    publish.text(read)  # refuses a chapter that gives something away
    course = Course(Path(args.course)) if args.course else None
    content = gradescope.archive(read, course, args.visibility)
    files.put(Path(args.out), content, mode=0o600)  # it holds the answers
    print(f"{args.out}: {len(content) / 1e6:.1f} MB, for Gradescope's Configure Autograder; it holds the answers")
    if not course:
        _note("scores follow from a secret of this archive alone; with --course DIR from that course's, and are the same there")
    return 0


def grade(args: Namespace) -> int:
    from .grading.sandbox import started

    if not args.dask:
        started.here()  # on another core, while this process imports
    from rich.console import Console

    from .grading import broken, runner
    from .grading.course import course_of
    from .grading.grader import Grader
    from .writing import chapter

    course, folder = course_of(Path(args.submitted), args.db)
    stem = chapter.find(args.chapter) if args.chapter else None
    submissions = course.submissions(folder, stem, args.student)
    if chapter.find("challenge") in {s.chapter for s in submissions} and not course.kept("challenge").is_file():
        _note("the challenge's judge is made for this course first, once: a minute")
    grader = Grader(course, at_once=args.jobs, dask=args.dask, rerun=args.rerun,
                    all_cells=args.all_cells, limits=runner.Limits(sandbox=args.sandbox))
    began = time.monotonic()
    outcome = recorded(grader, submissions, args.json)
    for table in outcome.tables(time.monotonic() - began):
        Console().print(table)
    for sentence in broken.notes(grader.faults):
        _note(sentence)
    return 1 if outcome.has_strangers or grader.faults else 0


def recorded(grader: Grader, submissions: list[Submission], json_file: str | None = None) -> Outcome:
    """Have all graded, show meanwhile how it goes, and write the records to a file; memory has only what is shown of them."""
    from rich.console import Console

    from . import tables
    from .spool import Spool

    outcome = tables.Outcome(len(submissions))
    with tempfile.TemporaryFile() as file:
        spool = Spool(file)
        for record in tables.watched(grader.grade(submissions), len(submissions), Console(stderr=True)):
            outcome.add(record)
            if json_file:
                spool.add(record)
        if json_file:
            spool.put(Path(json_file))
    return outcome


def collect(args: Namespace) -> int:
    from .collecting import canvas, door, github, moodle
    from .collecting.roster import Roster
    from .grading.course import Course, CourseError
    from .writing import chapter

    stem = chapter.find(args.chapter) if args.chapter else None
    deadline = github.deadline_of(args.deadline) if args.deadline else None
    columns = {"canvas": canvas.NUMBER, "moodle": (moodle.NUMBER, *moodle.KEYS), "github": (github.ACCOUNT,)}
    roster = Roster(Path(args.roster), columns[args.platform]) if args.roster else None
    source = Path(args.source)
    if args.platform == "github":
        found = github.read(source, roster, deadline)
    elif deadline:
        raise CourseError(f"--deadline is for clones; {args.platform} keeps its own, and its download has what it let through")
    else:
        found = {"canvas": canvas.read, "moodle": moodle.read}[args.platform](source, roster)
    done = door.collect(Course(Path(args.course)), found, args.platform, stem)
    print(done.sentence)
    for sentence in done.left:
        _note(sentence)
    return 1 if done.left else 0


def feedback(args: Namespace) -> int:
    from .grading import feedback
    from .grading.course import Course
    from .writing import chapter

    stems = [chapter.find(args.chapter)] if args.chapter else chapter.stems()
    for path in feedback.generate(Course(Path(args.course), args.db), stems, args.student):
        print(path)
    return 0


def export(args: Namespace) -> int:
    from .grading import export
    from .grading.course import Course
    from .writing import chapter

    records = _records(Course(Path(args.course), args.db), args.chapter)
    students, roster = {record["student"] for record in records}, None
    if args.roster:
        roster, unknown = export.read_roster(Path(args.roster), args.format, students)
        for student in unknown:
            _note(f"{student} is not in {args.roster} and was left out")
    if waiting := sum(any(e["score"] is None for e in record["exercises"]) for record in records):
        _note(f"{waiting} submissions wait for a grade by hand (formgrader); their scores hold what is graded")
    titles = {record["chapter"]: chapter.load(record["chapter"]).title for record in records}
    content = export.text(records, args.format, titles=titles, roster=roster)
    files.put(Path(args.out), content) if args.out else sys.stdout.write(content)
    return 0


def summary(args: Namespace) -> int:
    from rich.console import Console

    from . import tables
    from .grading import summary
    from .grading.course import Course
    from .writing import chapter

    records = _records(Course(Path(args.course), args.db), args.chapter)
    for stem in dict.fromkeys(record["chapter"] for record in records):
        found = summary.of(chapter.load(stem), records)
        Console().print(tables.summary(found))
        print(found.sentence)
        if args.out:
            summary.write(found, _for_chapter(args.out, stem, records))
    return 0


def similar(args: Namespace) -> int:
    from rich.console import Console

    from . import tables
    from .grading import similar, similar_page
    from .grading.course import Course
    from .writing import chapter

    course = Course(Path(args.course), args.db)
    records = _records(course, args.chapter)
    for stem in dict.fromkeys(record["chapter"] for record in records):
        read = chapter.load(stem)
        answers, known = similar_page.answers_of(course, read)
        pairs = similar.pairs(answers, known)
        out = _for_chapter(args.out or f"similar-{stem}.html", stem, records)
        files.put(out, similar_page.page(read.title, pairs, answers))
        if pairs:
            Console().print(tables.similar(pairs, read.title))
        print(f"{read.title}: {len(answers)} submissions compared, {len(pairs) or 'no'} pairs to look at; see {out}")
    return 0


def leaderboard(args: Namespace) -> int:
    from rich.console import Console

    from . import tables
    from .grading import board
    from .grading.course import Course

    course = Course(Path(args.course), args.db)
    kept = course.kept("challenge")
    places = board.places(_records(course, "challenge"), kept.read_text() if kept.is_file() else "", end=args.final)
    if args.json:
        _write_json([place.as_dict() for place in places], args.json)
    Console().print(tables.leaderboard(places, "The challenge, at the end" if args.final else "The challenge"))
    return 0


def _write_json(data: list[dict], path: str) -> None:
    files.put(Path(path), json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def _records(course: Course, chapter_name: str | None) -> list[dict]:
    """What the gradebook holds, of one chapter if so asked. Raises CourseError where that is nothing."""
    from .grading.course import CourseError
    from .grading.gradebook import Gradebook
    from .writing import chapter

    stem = chapter.find(chapter_name) if chapter_name else None
    records = [r for r in Gradebook(course.db_url).records() if stem in (None, r["chapter"])]
    if not records:
        raise CourseError(f"the gradebook of {course.root} holds no submission" + (f" for {stem}" if stem else "")
                          + "; run `autograde grade` first")
    return records


def _for_chapter(out: str, stem: str, records: list[dict]) -> Path:
    """The path itself where there is one chapter, else with the chapter's stem in its name."""
    path = Path(out)
    is_alone = len({record["chapter"] for record in records}) == 1 or stem in path.stem
    return path if is_alone else path.with_stem(f"{path.stem}-{stem}")


def _note(sentence: str) -> None:
    print(f"autograde: {sentence}", file=sys.stderr)


def check(args: Namespace) -> int:
    from rich.console import Console

    from . import preflight, tables

    found = preflight.check(Path(args.notebook))
    console = Console()
    console.print(tables.preflight(found))
    for sentence in filter(None, (*found.said, found.fault)):
        console.print(sentence, markup=False)
    return 0 if all(answer.state == preflight.PASSED for answer in found.answers) and not found.fault else 1


def doctor(args: Namespace) -> int:
    from rich.console import Console

    from . import doctor, tables

    lines = doctor.examine(Path(args.course))
    Console().print(tables.examination(lines))
    return 0 if all(is_well for _, is_well, _ in lines) else 1


def book(args: Namespace) -> int:
    from .writing import site

    output = Path(args.output).resolve() if args.output else site.ROOT
    return site.book(args.preset, form=args.form, output=output, jobs=args.jobs)


def execute(args: Namespace) -> int:
    from .writing import site

    return site.execute(args.chapters, args.preset, args.jobs)
