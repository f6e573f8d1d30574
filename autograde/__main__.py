"""The command line: `autograde COMMAND`, also `python -m autograde COMMAND`."""
from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections.abc import Callable
from typing import NoReturn

from . import commands

PRESETS = ("smoke", "cpu", "gpu")


class Parser(argparse.ArgumentParser):
    """argparse, which answers a typo with "Did you mean"."""

    def error(self, message: str) -> NoReturn:
        known = [option for one in self._with_subparsers() for action in one._actions
                 for option in action.option_strings]
        typed = re.search(r"unrecognized arguments: (-\S+)", message)
        if choice := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            typed, known = choice, re.findall(r"[\w-]+", choice[2])
        close = difflib.get_close_matches(typed[1], known, n=1, cutoff=0.5) if typed else []
        hint = f" Did you mean {close[0]!r}?" if close else f" See `{self.prog} --help`."
        self.exit(2, f"{self.prog}: {message}.{hint}\n")

    def _with_subparsers(self) -> list[argparse.ArgumentParser]:
        choices = [action.choices for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        return [self, *(one for commands in choices for one in commands.values())]


def parser() -> Parser:
    """The commands and their options."""
    top = Parser(prog="autograde", description="Release, grade and build the course.", allow_abbrev=False)
    subparsers = top.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, summary: str, more: str = "") -> Parser:
        new = subparsers.add_parser(name, help=summary, description=f"{summary} {more}".strip(), allow_abbrev=False)
        new.set_defaults(run=getattr(commands, name))
        return new

    add = command("release", "Write the student notebooks.",
                  "Without --course only those in notebooks/; with it only what nbgrader needs in that folder: its "
                  "config, source/, release/ and the gradebook.").add_argument
    add("chapters", nargs="*", metavar="CHAPTER", help="02_gan_losses, gan_losses or 2; default: all")
    add("--check", action="store_true", help="write nothing; fail where notebooks/ is stale")
    add("--course", metavar="DIR", help="the instructor's course folder, made where there is none")
    add("--db", metavar="URL", help="its gradebook; default: sqlite, DIR/gradebook.db")

    add = command("bundle", "Make what a platform is given, so that it grades a chapter itself.").add_argument
    add("platform", choices=("gradescope", "github"), metavar="PLATFORM",
        help="gradescope: the archive of an autograder; github: the repository that students start from")
    add("chapter", metavar="CHAPTER", help="02_gan_losses, gan_losses or 2")
    add("--out", required=True, metavar="FILE", help="the archive, or the folder of the repository")
    add("--course", metavar="DIR", help="gradescope: the course folder whose secrets it takes; scores are then the same")
    add("--visibility", choices=("visible", "after_due_date", "after_published", "hidden"), default="visible",
        help="gradescope: when students see the checks; default: at once")

    add = command("collect", "Bring what a platform gives into submitted/STUDENT/CHAPTER/.",
                  "Nothing is overwritten by what is older, and what was not understood is listed.").add_argument
    add("platform", choices=("canvas", "moodle", "github"), metavar="PLATFORM",
        help="canvas or moodle: the archive of all submissions, as downloaded; github: a folder of clones")
    add("source", metavar="FILE", help="the ZIP archive, or the folder of clones")
    add("--course", default=".", metavar="DIR", help="the course folder; default: here")
    add("--chapter", metavar="C", help="the chapter of all of them; default: what each notebook says")
    add("--roster", metavar="FILE", help="the platform's own table of people, so that folders have the names that it knows")
    add("--deadline", metavar="TIME", help="github: the last commit before it counts; 2026-12-01 23:59")

    add = command("grade", "Grade what students handed in, and record it in nbgrader's gradebook.",
                  "What is recorded already is not run again, unless it changed.").add_argument
    add("submitted", nargs="?", default="submitted", metavar="SUBMITTED",
        help="folder of STUDENT/CHAPTER/NOTEBOOK.ipynb, inside the course folder; default: submitted")
    add("--chapter", metavar="C", help="only this chapter")
    add("--student", metavar="S", help="only this student")
    add("--jobs", type=_count, default=_cores(), metavar="N",
        help="how many at once; default: one a core (%(default)s)")
    add("--dask", metavar="ADDRESS", help="grade on the workers of this Dask scheduler, not here; tcp://HOST:8786")
    add("--db", metavar="URL", help="another gradebook than the course folder's; sqlite:///FILE or postgresql://HOST/NAME")
    add("--json", metavar="FILE", help="write the results there")
    add("--sandbox", choices=("strong", "contained", "weak"), default="strong",
        help="contained: grade also in an ordinary container that holds nothing else; weak: also where this machine's "
             "sandbox lacks more, submissions that you trust; default: strong")
    add("--rerun", action="store_true", help="grade anew what is recorded already; grades given by hand stay")
    add("--all-cells", action="store_true",
        help="run those cells, too, that are as they were released and that no exercise needs")

    _add_what_reads_a_course(command)

    add = command("check", "Run the visible checks of a notebook, before it is handed in.").add_argument
    add("notebook", metavar="NOTEBOOK")

    command("doctor", "Say what this machine has.").add_argument("--course", default=".", metavar="DIR")

    add = command("book", "Build the site.", "Chapters whose code did not change are not run again.").add_argument
    add("--as", dest="form", choices=("html", "pdf", "links"), default="html",
        help="pdf: the whole book as one file; links: only ask every outside link for an answer; default: html")
    add("--preset", choices=PRESETS, default="cpu", help="gpu: show the stored runs of a GPU; default: cpu")
    add("--output", metavar="DIR", help="where _build/ goes; default: the repository")
    _add_jobs(add)
    add = command("execute", "Run chapters, and appendices with code, anew and keep their outputs.").add_argument
    add("chapters", nargs="*", metavar="CHAPTER", help="default: all")
    add("--preset", choices=PRESETS, default="cpu")
    _add_jobs(add)
    return top


def _add_jobs(add: Callable) -> None:
    add("--jobs", type=_count, metavar="N", help="how many chapters run at once; default: what cores and memory allow")


def _add_what_reads_a_course(command: Callable[..., Parser]) -> None:
    """What is made of the grades: for the students, the school, the instructor."""
    def reading(name: str, summary: str, more: str = "", *, out: str = "") -> Callable:
        add = command(name, summary, more).add_argument
        add("--course", default=".", metavar="DIR", help="the course folder; default: here")
        add("--db", metavar="URL", help="another gradebook than the course folder's")
        add("--chapter", metavar="C", help="only this chapter")
        if out:
            add("--out", metavar="FILE", help=out)
        return add

    reading("feedback", "Write a page for each graded submission, into feedback/.")(
        "--student", metavar="S", help="only this student")
    add = reading("export", "Print all grades, or write them to a file that the school's system imports.",
                  out="default: the terminal")
    add("--format", choices=("csv", "canvas", "moodle"), default="csv", help="default: csv")
    add("--roster", metavar="FILE", help="what Canvas or Moodle itself exports, so that its names and numbers are used")
    reading("summary", "Show how the class fared: which checks fail, how often, and with which hint.",
            out="write the picture there, as .png or .svg")
    add = command("leaderboard", "Rank the graded entries of the challenge.",
                  "The course's own entry and its baselines stand among them.").add_argument
    add("--course", default=".", metavar="DIR", help="the course folder; default: here")
    add("--db", metavar="URL", help="another gradebook than the course folder's")
    add("--final", action="store_true", help="by the clips that were kept for the end, of which nobody was told a score")
    add("--json", metavar="FILE", help="write the board there, too")
    reading("similar", "Show pieces of answers that two submissions share and hardly anyone else has.",
            "It names no culprit: it says where a person may look.", out="the page; default: similar-CHAPTER.html")


def main(argv: list[str] | None = None) -> int:
    """Run a command; what goes wrong is one sentence on stderr."""
    args = parser().parse_args(argv)
    if getattr(args, "check", False) and getattr(args, "course", None):
        parser().error("--check looks at notebooks/ and --course writes elsewhere; give one of the two")
    try:
        return args.run(args)
    except KeyboardInterrupt:
        return _say("stopped; what is recorded stays, and the same command goes on from there", 130)
    except Exception as error:
        if _is_ours(error):
            return _say(str(error.args[0] if isinstance(error, LookupError) else error))
        raise


def _is_ours(error: Exception) -> bool:
    """Whether it is an error that a user can do something about, told in a sentence; all others are faults of ours."""
    modules = ("autograde.writing.answers", "autograde.grading.course", "autograde.grading.intake",
               "autograde.grading.sandbox.started")
    return type(error).__module__ in modules or type(error) is LookupError or isinstance(error, OSError)


def _say(sentence: str, status: int = 2) -> int:
    print(f"autograde: {sentence}", file=sys.stderr)
    return status


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, got {text!r}")
    return int(text)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
