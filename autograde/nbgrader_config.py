"""nbgrader's settings for this course. A course folder's own nbgrader_config.py says this.

    from autograde.nbgrader_config import configure
    configure(get_config())

Then nbgrader's commands (generate_assignment, autograde, generate_feedback, formgrader) work on the chapters.
"""
from __future__ import annotations

import os
import sys

from nbformat import NotebookNode
from nbgrader.converters import Autograde, GenerateAssignment
from nbgrader.preprocessors import ClearSolutions, Execute, NbGraderPreprocessor
from traitlets.config import Config

from .grading import broken, intake, litter
from .grading.repair import repair
from .grading.runner import Run
from .writing import chapter, release

COURSE_ID = "gans-for-short-video"
CELL_SECONDS = 60  # of a cell in nbgrader's own run, where each kernel first imports torch


class RepairSubmission(NbGraderPreprocessor):
    """The first step of nbgrader's autograde: the same repair as in `autograde grade`."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        read = chapter.load(resources["nbgrader"]["assignment"])
        notebook, said = intake.clean(nb)
        repaired = repair(notebook, release.student(read), read.exercises)
        for sentence in (*said, *repaired.said):
            self.log.warning("%s: %s", resources["nbgrader"]["student"], sentence)
        nb.cells = repaired.notebook.cells
        return nb, resources


class SayBroken(NbGraderPreprocessor):
    """After the run of nbgrader's autograde: says which cells failed that nobody may edit. nbgrader grades all the same."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        outputs = {index: cell.outputs for index, cell in enumerate(nb.cells) if cell.cell_type == "code"}
        for failure in broken.failures(nb, Run("graded", outputs=outputs)):
            self.log.warning("%s: the cell %s, which nobody may edit, failed (%s). If no answer accounts for it the course is "
                             "broken, and the grade means nothing; `autograde grade` finds that out.",
                             resources["nbgrader"]["student"], failure.cell, failure.error)
        return nb, resources


def configure(config: Config) -> None:
    """Set what the chapters need in a traitlets `config`; what a course folder sets after it stands."""
    find_programs()
    os.environ.update(CLIPKIT_PRESET="smoke", OMP_NUM_THREADS="1")  # for the kernels that nbgrader starts
    config.CourseDirectory.course_id = COURSE_ID
    config.CourseDirectory.student_id_exclude = ",".join(litter.FOLDERS)
    config.GenerateAssignment.preprocessors = [release.ClearAnswers if step is ClearSolutions else step
                                               for step in GenerateAssignment.preprocessors.default()]
    config.Autograde.sanitize_preprocessors = [RepairSubmission, *Autograde.sanitize_preprocessors.default()]
    config.Autograde.autograde_preprocessors = [one for step in Autograde.autograde_preprocessors.default()
                                                for one in ((step, SayBroken) if step is Execute else (step,))]
    config.Execute.timeout = CELL_SECONDS
    config.Execute.shutdown_kernel = "immediate"  # the polite way polls, for about a second a notebook
    config.GenerateFeedback.exporter_class = "autograde.grading.feedback.FeedbackExporter"
    config.HTMLExporter.sanitize_html = True      # formgrader's pages too show nothing active of a student's: no output,
    config.HTMLExporter.filters = {"markdown2html": "autograde.grading.markup.markdown_of_cell"}  # and no text


def find_programs() -> None:
    """Let nbgrader find what it runs (`alembic`) in an environment that is not activated, too."""
    here, path = os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)
    if here not in path.split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([here, path])
