"""From submissions to records: intake, repair, run, gradebook, executed notebook, one submission after another.

Every submission ends in a recorded state, "graded", "timed_out", "crashed", "unreadable" or "refused", with a sentence; or
it is "broken": a cell that nobody may edit failed. Then no grade is recorded, and the next run tries it again.
"""
from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from .. import checks, files
from ..writing import chapter, release
from ..writing.chapter import Chapter
from . import broken, cluster, executed, intake, runner
from .course import Course, CourseError, Submission
from .database import MAX_NAME
from .gradebook import Gradebook
from .intake import Refused, Unreadable
from .matching import is_empty
from .recorder import Finished, Recorder
from .repair import Repaired, repair
from .runner import Job, Limits, Rounds, Run


@dataclass(frozen=True)
class Assignment:
    """A chapter as it is graded; `released` is its student notebook."""

    chapter: Chapter

    @cached_property
    def released(self) -> NotebookNode:
        return release.student(self.chapter)

    @cached_property
    def _code(self) -> dict[str, str]:
        return {cell.id: cell.source for cell in self.released.cells if cell.cell_type == "code"}

    def untouched(self, repaired: NotebookNode) -> frozenset[int]:
        """Indices of the code cells of a repaired submission that are as they were released."""
        return frozenset(i for i, cell in enumerate(repaired.cells) if self._code.get(cell.id) == cell.source)


@dataclass(frozen=True)
class TakenIn:
    """A submission that can be run."""

    submission: Submission
    assignment: Assignment
    digest: str
    repaired: Repaired
    said: tuple[str, ...]
    weights: bytes = b""


@dataclass
class Grader:
    """Grades submissions of one course: `at_once` side by side here, or on the Dask cluster at the address `dask`.

    `rerun` grades anew what is recorded already, `all_cells` runs those too that no exercise needs. `faults` counts what was
    left without a grade, by chapter and reason. `rounds` runs jobs in place of both, in the form of `runner.rounds`.
    """

    course: Course
    at_once: int = 1
    dask: str | None = None
    rerun: bool = False
    all_cells: bool = False
    limits: Limits = Limits()
    rounds: Rounds | None = None
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    _assignments: dict[str, Assignment] = field(default_factory=dict)
    _alone: dict[str, broken.Alone] = field(default_factory=dict)
    _kept: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gradebook = Gradebook(self.course.db_url)
        self._recorder = Recorder(self.course, self.gradebook)

    def grade(self, submissions: Iterable[Submission]) -> Iterator[dict[str, Any]]:
        """Records in the form of `--json`, each when it is in the gradebook, in no fixed order.

        One without exercises is not in the gradebook: its folder is no chapter. Nor is one that is "broken".

        Raises:
            CourseError: the gradebook cannot be used.
        """
        crashed: list[Submission] = []
        with self.course.locked():
            files.clear(self.course.root / "autograded")
            self._recorder = Recorder(self.course, self.gradebook)
            yield from self._all(submissions, crashed)
            yield from self._all(crashed, None)  # once more: what killed it may have come from outside

    def _all(self, submissions: Iterable[Submission], crashed: list[Submission] | None) -> Iterator[dict[str, Any]]:
        """Records; of a run that crashed only the submission is noted, where there is a list for it.

        What has ended by now is recorded as a group, so that nothing that is ready waits for what is not.
        """
        for ended in self._rounds(self._jobs(submissions)):
            for job, run in ended:
                if crashed is not None and run.status in ("crashed", "broken"):
                    crashed.append(job.key.submission)
                else:
                    self._recorder.take(self._settle(job, run))
                if self._recorder.is_full:
                    yield from self._recorder.put_down()
            yield from self._recorder.put_down()
        yield from self._recorder.put_down()

    def _rounds(self, jobs: Iterable[Job | None]) -> Iterator[list[tuple[Job, Run]]]:
        if self.rounds:
            return self.rounds(jobs)
        if self.dask:
            return cluster.rounds(jobs, address=self.dask, limits=self.limits)
        return runner.rounds(jobs, at_once=self.at_once, limits=self.limits)

    def _jobs(self, submissions: Iterable[Submission]) -> Iterator[Job | None]:
        """None when much waits to be recorded that need not run."""
        for submission in submissions:
            taken = self._take_in(submission)
            if isinstance(taken, TakenIn):
                name = taken.assignment.chapter.name
                untouched = frozenset() if self.all_cells else taken.assignment.untouched(taken.repaired.notebook)
                yield Job(taken, taken.repaired.notebook, name, self._seed(taken.digest), taken.weights, self._held_back(name),
                          untouched)
                continue
            self._recorder.take(taken)
            if self._recorder.is_full:
                yield None

    def _seed(self, digest: str) -> str:
        """Another one for every file: the inputs that one submission was asked with, and may print, help no other."""
        return hashlib.sha256(f"{self.course.secret} {digest}".encode()).hexdigest()

    def _held_back(self, name: str) -> str:
        if name not in self._kept:
            self._kept[name] = self.course.held_back(name)
        return self._kept[name]

    def _take_in(self, submission: Submission) -> TakenIn | Finished | dict[str, Any]:
        """A submission that can be run, or what becomes of one that cannot; the record of one that need not be."""
        if not submission.student.isprintable() or len(submission.student) > MAX_NAME:
            return _record(submission, "refused", f"The folder's name is no student's: expected at most {MAX_NAME} "
                           "letters that can be printed.", [])
        try:
            assignment = self._assignment(submission.chapter)
        except LookupError as error:
            return _record(submission, "refused", _sentence(error), [])
        digest = ""
        try:
            path = intake.choose(submission.folder, submission.chapter)
            weights, left_out = intake.weights(submission.folder)
            digest = _digest(path, weights)
            if known := self._known(submission, digest):
                return known
            notebook, said = intake.read(path)
            if path.stem != submission.chapter:
                said.append(f"{path.name} was taken: it is the only notebook handed in.")
            said += [left_out] if left_out else []
            repaired = repair(notebook, assignment.released, assignment.chapter.exercises)
        except CourseError:
            raise
        except (Refused, Unreadable) as error:
            status = "refused" if isinstance(error, Refused) else "unreadable"
            return self._give_up(submission, assignment, digest, status, str(error))
        except Exception as error:  # a fault of ours or a file that nobody thought of: it must not stop the others
            return self._give_up(submission, assignment, digest, "unreadable",
                                 f"The notebook could not be taken in ({type(error).__name__}: {error}).")
        return TakenIn(submission, assignment, digest, repaired, (*said, *repaired.said), weights)

    def _known(self, submission: Submission, digest: str) -> dict | None:
        """The record of this very file, where it is in the gradebook and the executed notebook in its place."""
        folder = self.course.autograded(submission.student, submission.chapter)
        if self.rerun or not executed.is_of(folder, submission.chapter, digest):
            return None
        return self.gradebook.find(submission.student, submission.chapter, digest)

    def _assignment(self, stem: str) -> Assignment:
        if stem not in self._assignments:
            if stem not in chapter.stems():
                found = chapter.find(stem)
                raise LookupError(f"the folder {stem!r} is no chapter; name it {found!r}")
            self._assignments[stem] = Assignment(chapter.load(stem))
            self.gradebook.prepare(self._assignments[stem].chapter)
        return self._assignments[stem]

    def _settle(self, job: Job, run: Run) -> Finished | dict[str, Any]:
        failed, fault = broken.failures(job.notebook, run), run.said if run.status == "broken" else ""
        if failed and not fault:
            fault = self._locked_alone(job.key.assignment).fault(failed)
        return self._left_open(job.key, fault) if fault else self._finished(job.key, run)

    def _locked_alone(self, assignment: Assignment) -> broken.Alone:
        """Run when it is first asked for, while others go on."""
        name, released = assignment.chapter.name, assignment.released
        if name not in self._alone:
            jobs = [Job(None, broken.locked_alone(released), name, held_back=self._held_back(name))]
            (_, run), = itertools.chain.from_iterable(self._rounds(jobs))
            self._alone[name] = broken.alone(released, run)
        return self._alone[name]

    def _left_open(self, taken: TakenIn, fault: str) -> dict[str, Any]:
        """The record of a submission that gets no grade. It is written nowhere, and what was written before stays."""
        submission, chapter = taken.submission, taken.assignment.chapter
        self.faults[chapter.stem, fault] += 1
        before = self.gradebook.grades(submission.student, chapter.stem).values()
        stays = ["The grade recorded before stays."] if any(score is not None for score, _ in before) else []
        exercises: list[dict[str, Any]] = [
            {"id": e.id, "score": None, "max_score": e.points, "checks": []} for e in chapter.exercises]
        return _record(submission, "broken", " ".join((*taken.said, fault, *stays)), exercises) | {"score": None}

    def _finished(self, taken: TakenIn, run: Run) -> Finished:
        exercises = [_exercise(e, run.results.get(e.id, ()), taken.repaired.missing, run)
                     for e in taken.assignment.chapter.exercises]
        said = (*taken.said, *([run.said] if run.said else []))
        record = _record(taken.submission, run.status, " ".join(said) or "Graded.", exercises)
        notebook = executed.executed(taken.repaired.notebook, run, said)
        own = {cell.id: cell for cell in taken.repaired.notebook.cells}
        unanswered = {c.id for c in taken.assignment.released.cells if c.metadata.get("nbgrader", {}).get("solution")
                      and (own[c.id].source == c.source or is_empty(own[c.id]))}
        return Finished(taken.submission, record, notebook, taken.digest, unanswered)

    def _give_up(self, submission: Submission, assignment: Assignment, digest: str, status: str, sentence: str) -> Finished:
        exercises = [_exercise(e, (), frozenset(), Run(status, sentence)) for e in assignment.chapter.exercises]
        record = _record(submission, status, sentence, exercises)
        notebook = executed.executed(assignment.released, Run(status), [sentence])
        return Finished(submission, record, notebook, digest, {e.name for e in assignment.chapter.exercises})


def _exercise(exercise: chapter.Exercise, results: Iterable[dict], missing: frozenset[str], run: Run) -> dict[str, Any]:
    """One exercise of a record; checks that were never asked failed, with the reason."""
    said = [{key: result[key] for key in ("title", "passed", "points", "hint", "note") if key != "note" or result.get(key)}
            for result in results]
    if exercise.name in missing or not said:
        hint = "Its cell is missing." if exercise.name in missing else run.said
        said = [{"title": c.title, "passed": False, "points": 0, "hint": hint} for c in checks.checks_of(exercise.id)]
    score = None if exercise.kind == "written" else sum(c["points"] for c in said)
    return {"id": exercise.id, "score": score, "max_score": exercise.points, "checks": said}


def _record(submission: Submission, status: str, sentence: str, exercises: list[dict]) -> dict[str, Any]:
    student, stem, said = map(_printable, (submission.student, submission.chapter, sentence))
    return {"student": student, "chapter": stem, "status": status, "said": said,
            "score": sum(e["score"] or 0 for e in exercises), "max_score": sum(e["max_score"] for e in exercises),
            "exercises": exercises}


def _printable(text: str) -> str:
    """A file's name may be any bytes, also those that command a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _digest(path: Path, weights: bytes) -> str:
    """Of what is read of a file (one that is larger than allowed is refused whatever follows), and of the weights."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(intake.MAX_BYTES + 1) + weights).hexdigest()


def _sentence(error: Exception) -> str:
    text = str(error.args[0] if error.args else error)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")
