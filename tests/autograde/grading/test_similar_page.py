"""The page of the similarity report, and what it compares."""
import base64

import nbformat

from autograde.grading import executed, intake, similar, similar_page
from autograde.grading.course import Course
from autograde.grading.repair import repair
from autograde.grading.runner import Run
from autograde.grading.similar import Pair, Piece
from tests.autograde.desk import cell_of
from tests.autograde.grading.test_drawing import noise, saved
from tests.autograde.grading.test_markup import active

STEM = "02_gan_losses"


def test_pieces_stand_side_by_side_and_nothing_runs():
    found = {"<b>ann": {"train": "a = 1\n</pre><script>steal()</script>\nc = 3\nd = 4\ne = 5\nf = 6"}, "ben": {"train": "x\ny\nz"}}
    html = similar_page.page("Title", [Pair("<b>ann", "ben", 20.4, [Piece("train", (2, 3), (1, 2), 40)])], found)
    assert [what for what in active(html) if not what.startswith(("meta", "style"))] == []
    assert "&lt;b&gt;ann, lines 2 to 3" in html and "ben, lines 1 to 2" in html and "20 bits · 40 words of code" in html
    assert "<mark>c = 3</mark>" in html and "<mark>y</mark>" in html and "<mark>d = 4" not in html and "d = 4" in html and "f = 6" not in html


def test_no_pair_is_said():
    assert "No two submissions share more" in similar_page.page("Title", [], {})


def test_only_what_students_wrote_is_compared(desk, tmp_path):
    notebook = desk.untouched()
    cell_of(notebook, "generator_loss").source = "def generator_loss(x):\n    return x.mean()"
    course = Course(tmp_path)
    executed.write(executed.executed(notebook, Run("graded"), []), course.autograded("ann", STEM), STEM, None, "d")
    found, known = similar_page.answers_of(course, desk.chapter)
    assert found == {"ann": {"generator_loss": "def generator_loss(x):\n    return x.mean()"}}
    assert known.keys() == desk.exercises.keys()
    assert any("raise NotImplementedError" in text for text in known["train"]) and desk.answer("train") in known["train"]


def test_of_a_picture_no_letter_is_compared_and_a_split_answer_is(desk, tmp_path):
    """Two who pasted one picture share no text; two whose copied answers were split are a pair as before."""
    copied = """def generator_loss(fake_logits):
    scale, offset = 1.0 / fake_logits.numel(), torch.zeros(())
    for logit in fake_logits.flatten():
        offset = offset + torch.log1p(torch.exp(-logit)) * scale
        if not torch.isfinite(offset):
            offset = offset - offset
    return offset * 1.0 + 0 * scale"""
    picture = base64.b64encode(saved(noise(60, 60))).decode()
    course = Course(tmp_path)
    for student in ("ann", "ben"):
        notebook = desk.untouched()
        code, text = cell_of(notebook, "generator_loss"), cell_of(notebook, "why_it_stalls")
        code.source = copied.replace("offset", f"sum_of_{student}")
        notebook.cells.insert(notebook.cells.index(code) + 1, nbformat.from_dict(code | {"id": "half", "source": ""}))
        text.source += f"\n{student} says ![](data:image/png;base64,{picture})"
        repaired = repair(intake.clean(notebook)[0], desk.released, desk.exercises.values())
        executed.write(executed.executed(repaired.notebook, Run("graded"), []), course.autograded(student, STEM), STEM, None, "d")
    found, known = similar_page.answers_of(course, desk.chapter)
    assert all("base64" not in text and len(text) < 200 for text in (own["why_it_stalls"] for own in found.values()))
    others = {f"other-{number}": {"generator_loss": desk.answer("generator_loss")} for number in range(30)}
    (pair,) = similar.pairs(found | others, known)
    assert {piece.exercise for piece in pair.pieces} == {"generator_loss"}
