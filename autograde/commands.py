"""What each command does. A command imports what it needs when it runs, and returns the exit status."""
from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path


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


def grade(args: Namespace) -> int:
    from rich.console import Console
    from rich.progress import track

    from . import tables
    from .grading.course import course_of
    from .grading.grader import Grader
    from .writing import chapter

    course, folder = course_of(Path(args.submitted), args.db)
    stem = chapter.find(args.chapter) if args.chapter else None
    submissions = course.submissions(folder, stem, args.student)
    grader = Grader(course, at_once=args.jobs, rerun=args.rerun)
    console = Console(stderr=True)
    records = sorted(track(grader.grade(submissions), "Grading", total=len(submissions), console=console,
                           disable=not console.is_terminal), key=lambda r: (r["chapter"], r["student"]))
    if args.json:
        Path(args.json).write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    Console().print(tables.grades(records))
    return 0 if all(record["exercises"] for record in records) else 1


def feedback(args: Namespace) -> int:
    from .grading import feedback
    from .grading.course import Course
    from .writing import chapter

    chapters = [chapter.find(args.chapter)] if args.chapter else chapter.stems()
    print("\n".join(feedback.generate(Course(Path(args.course), args.db), chapters, args.student)))
    return 0


def export(args: Namespace) -> int:
    from .grading import export
    from .grading.course import Course, CourseError
    from .grading.gradebook import Gradebook

    records = Gradebook(Course(Path(args.course), args.db).db_url).records()
    if not records:
        raise CourseError(f"the gradebook of {args.course} holds no submission; run `autograde grade` first")
    if args.to:
        with open(args.to, "w", encoding="utf-8", newline="") as file:
            export.to_csv(records, file)
    else:
        export.to_csv(records, sys.stdout)
    return 0


def check(args: Namespace) -> int:
    from rich.console import Console

    from . import preflight, tables

    found = preflight.check(Path(args.notebook))
    console = Console()
    console.print(tables.preflight(found))
    for sentence in found.said:
        console.print(sentence, markup=False)
    return 0 if all(answer.state == preflight.PASSED for answer in found.answers) else 1


def doctor(args: Namespace) -> int:
    from rich.console import Console

    from . import doctor, tables

    lines = doctor.examine(Path(args.course))
    Console().print(tables.examination(lines))
    return 0 if all(is_well for _, is_well, _ in lines) else 1


def book(args: Namespace) -> int:
    from .writing import site

    return site.book(args.preset) or 0


def execute(args: Namespace) -> int:
    from .writing import site

    return site.execute(args.chapters, args.preset) or 0
