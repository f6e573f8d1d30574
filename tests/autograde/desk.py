"""Notebooks as students hand them in, made from the release and the reference answers."""
from contextlib import suppress

import nbformat

from autograde import checks
from autograde.checks import Subject
from autograde.writing import answers, chapter, release

HALF_RIGHT = {  # name -> what the student wrote; None: the cell was deleted
    "discriminator_loss": "def discriminator_loss(real_logits, fake_logits):\n"
                          "    return -(torch.sigmoid(real_logits).log().mean() + (1 - torch.sigmoid(fake_logits)).log().mean())",
    "generator_loss": "import sys, warnings\n\ndef generator_loss(fake_logits):\n"
                      "    print('training', file=sys.stderr)\n    warnings.warn('slow')\n"
                      "    return F.softplus(-fake_logits).mean()",
    "optimal_discriminator": "def optimal_discriminator(p_data, p_g):\n    return p_data / (p_data + p_g)",
    "js_divergence": None,
    "discriminator_step": "def discriminator_step(generator, discriminator:\n    return 0",
    "why_it_stalls": "<!-- gan_losses.why_it_stalls -->\nThe gradient is $-D(G(z))$, **small** where D is sure.",
}
EXPERIMENT = "generator_loss = lambda fake_logits: fake_logits.mean()  # what if?"


class Desk:
    """The released chapter, and what students make of it."""

    def __init__(self, name="gan_losses"):
        self.chapter = chapter.load(name)
        self.released = release.student(self.chapter)
        self.exercises = {e.name: e for e in self.chapter.exercises}

    def untouched(self):
        return nbformat.from_dict(self.released)

    def solved(self, *names):
        """With the reference answers to the exercises of these names, or to all."""
        notebook = self.untouched()
        for name in names or self.exercises:
            cell_of(notebook, name).source = self.answer(name)
        return notebook

    def answer(self, name):
        exercise = self.exercises[name]
        comment = f"<!-- {exercise.id} -->\n" if exercise.kind == "written" else ""
        return comment + answers.model(exercise.answer)

    def half_right(self):
        """Every kind of answer: right, wrong, partly right, missing, broken, noisy; and an experiment behind."""
        notebook = short(self.solved("generator_step", "train"))
        for name, source in HALF_RIGHT.items():
            cell = cell_of(notebook, name)
            if source is None:
                notebook.cells.remove(cell)
            else:
                cell.source = source
        behind = notebook.cells.index(cell_of(notebook, "generator_loss-points")) + 1
        notebook.cells.insert(behind, nbformat.v4.new_code_cell(EXPERIMENT, id="experiment"))
        return notebook

    def points_by_plain_checks(self, notebook):
        """Name -> points: the checks asked of what the answer cells define, with no grader around them."""
        space, points = {}, {}
        exec(cell_of(notebook, "given-").source, space)
        for name, exercise in self.exercises.items():
            cell = next((c for c in notebook.cells if c.id == name), None)
            if exercise.kind == "written":
                continue
            with suppress(SyntaxError):
                exec(cell.source if cell else "", space)
            subject = Subject(space[name]) if name in space else None
            points[name] = sum(result.points for result in checks.run(exercise.id, subject))
        return points


def cell_of(notebook, start):
    return next(cell for cell in notebook.cells if cell.id.startswith(start))


def short(notebook):
    """Without most of the chapter's pictures and trainings (a student may delete them), so that it runs in a second or two."""
    new = nbformat.from_dict(notebook)
    new.cells = [c for c in new.cells if c.cell_type == "markdown" or "nbgrader" in c.metadata
                 or "\ndef " in f"\n{c.source}"]
    return new
