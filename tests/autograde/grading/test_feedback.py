"""The feedback page, read by an HTML parser and opened in a browser that reports whatever it runs or asks for."""
import dataclasses
import json
import os
import re
from html import unescape

import nbformat
import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from autograde.grading import executed, feedback, intake
from autograde.grading.course import Course, CourseError
from autograde.grading.gradebook import Gradebook
from autograde.grading.repair import repair
from autograde.grading.runner import Run
from autograde.writing.browser import OPTIONS
from tests.autograde.desk import cell_of
from tests.autograde.grading.test_markup import HOSTILE, active, png
from tests.autograde.grading.test_pictures import BESIDE, FORMS, PICTURE, pictures_in

STEM = "02_gan_losses"
HINT = "Write <script>steal()</script> as softplus."


@pytest.fixture
def notebook(desk):
    """A graded notebook: one exercise right, one wrong, one that raised an error, hostile text wherever text can stand."""
    solved = desk.solved("discriminator_loss", "generator_loss")
    cell_of(solved, "why_it_stalls").source += "\n\n" + "\n\n".join(HOSTILE) + "\n\nIt is $-D(G(z))$."
    solved.cells.append(nbformat.v4.new_code_cell("# </pre><script>steal()</script>\n1 / 0", id="own-1"))
    index = {cell.id: i for i, cell in enumerate(solved.cells)}
    one = {"title": "agrees", "points": 3, "max_points": 3, "passed": True, "hint": ""}
    run = Run("graded", "", {index["discriminator_loss-check"]: [{"output_type": "stream", "name": "stdout", "text": "Right."}],
                             index["discriminator_loss"]: [{"output_type": "stream", "name": "stdout", "text": "<script>steal()</script>"}],
                             index["generator_loss-check"]: [_error("AssertionError", "signs? <img src=x onerror=steal()>")],
                             index["own-1"]: [_error("ZeroDivisionError", "division by zero")]})
    for name, results in (("discriminator_loss", [one]), ("generator_loss", [one | {"passed": False, "points": 0, "hint": HINT}])):
        run.point_cells[index[f"{name}-points"]] = f"gan_losses.{name}"
        run.results[f"gan_losses.{name}"] = results
    return executed.executed(solved, run, ["Copy of <img src=x onerror=steal()>.ipynb was taken."])


def _error(name, words):
    frames = ["Traceback (most recent call last):", '  File "<cell 3>", line 2, in <module>', "    1 / 0",
              '  File "/site-packages/torch/nn/functional.py", line 9, in linear', "    secret", f"{name}: {words}"]
    return {"output_type": "error", "ename": name, "evalue": words, "traceback": frames}


GRADES = {"discriminator_loss": (3.0, ""), "generator_loss": (0.0, ""), "why_it_stalls": (2.5, "Well **put**. <script>steal()</script>")}


@pytest.fixture
def html(notebook, desk):
    return feedback.page(notebook, desk.chapter, "<b>ann</b>", GRADES)


def text_of(html):
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)).split())


def test_it_says_all_that_a_student_needs(html, desk):
    text = text_of(html)
    for said in ("5.5 of 31 points", "Exercise 2.1 · The discriminator's loss 3 of 4", "agrees", "failed", "signs?",
                 "1 / 0", "… inside torch", "ZeroDivisionError: division by zero", "Well put", "was taken"):
        assert said in text, said
    assert text.count("From your instructor") == 1 and "secret" not in text
    assert all(exercise.title in text for exercise in desk.chapter.exercises)


def test_words_of_the_visible_check_are_those_of_the_notebook(html):
    assert "The check beneath it in your notebook: passed" in text_of(html)
    assert "The check beneath it in your notebook: failed . signs?" in text_of(html)


def test_nothing_in_it_is_active(html):
    assert [what for what in active(html) if not what.startswith(("meta", "style", "a href=#", "a href=https"))] == []  # a link waits for a click
    assert "default-src 'none'" in html and "http" not in re.sub(r"http://www\.w3\.org\S+|http-equiv|https://evil\S*", "", html)


def test_no_hidden_check_and_no_answer_in_it(html):
    for secret in ("assert_close", "from solutions", "autograde", "HIDDEN", "mistakes="):
        assert secret not in html


def test_a_browser_runs_and_asks_for_nothing(html, tmp_path, chromium):
    (tmp_path / "page.html").write_text(html)
    asked, said = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        for scheme, width in (("light", 1200), ("dark", 390)):
            page = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}).new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: said.append(message.text))
            page.on("dialog", lambda dialog: said.append(dialog.message))
            page.goto((tmp_path / "page.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("h1").count() == 1 and page.locator("script").count() == 0
            assert page.locator("math").first.is_visible()
        browser.close()
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"} and said == []


def test_a_notebook_graded_by_nbgrader_shows_what_its_checks_printed(notebook, desk):
    points = cell_of(notebook, "generator_loss-points")
    del points.metadata["autograde"]
    assert "[failed] agrees (0 of 3): Write &lt;script&gt;" in feedback.page(notebook, desk.chapter, "ann", GRADES)


def test_a_picture_of_an_answer_is_shown(notebook, desk):
    import base64
    data = {"image/png": base64.b64encode(png()).decode(), "text/html": "<script>steal()</script>"}
    cell_of(notebook, "generator_loss").outputs = [nbformat.v4.new_output("display_data", data)]
    html = feedback.page(notebook, desk.chapter, "ann", GRADES)
    assert 'src="data:image/png;base64,' in html and "<script" not in html


def way(desk, change):
    """The feedback page of a notebook, on the whole way of a submission but for its run."""
    notebook = json.loads(json.dumps(desk.untouched()))
    change(next(cell for cell in notebook["cells"] if cell["id"] == "why_it_stalls"), notebook["cells"])
    taken, _ = intake.parse(json.dumps(notebook).encode())
    done = repair(taken, desk.released, desk.exercises.values())
    run = Run("graded", outputs={index: [] for index in range(len(done.notebook.cells))})
    return feedback.page(executed.executed(done.notebook, run, done.said), desk.chapter, "ann", GRADES)


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_in_a_written_answer_is_on_the_page(form, desk):
    def change(cell, cells):
        cell["source"] = f"<!-- gan_losses.why_it_stalls -->\nIt stalls.\n\n{FORMS[form]}\n\nSo there."
        cell["attachments"] = BESIDE
    html = way(desk, change)
    (pixels,) = pictures_in(html)
    assert np.array_equal(pixels, np.asarray(PICTURE)) and "So there." in html and "About this submission" not in html


def test_a_picture_that_is_left_out_is_said_in_its_place_and_above(desk):
    def change(cell, cells):
        cell["source"] += "\n\nSee ![my plot](attachment:plot.png) here."
    text = text_of(way(desk, change))
    why = "a picture was left out: its file is not in the notebook; paste it anew"
    assert re.search(rf"See my plot *\({why}\) *here", text)
    assert "Exercise 2.8 (why_it_stalls): a picture (my plot) was left out" in text


def test_a_split_answer_is_whole_on_the_page(desk):
    def change(cell, cells):
        cell["source"] = "<!-- gan_losses.why_it_stalls -->\nThe first half."
        behind = cells.index(cell) + 1
        cells[behind:behind] = [cell | {"id": "a", "source": ""}, cell | {"id": "b", "source": "The second half.", "metadata": {}}]
        code = next(c for c in cells if c["id"] == "generator_loss")
        cells.insert(cells.index(code) + 1, code | {"id": "c", "source": ""})
        code["source"] = desk.answer("generator_loss")
    text = text_of(way(desk, change))
    assert "The first half. The second half." in text and "There is no answer here" not in text
    code = text.rpartition("Exercise 2.2 ·")[2].partition("Exercise 2.3 ·")[0]
    assert "return" in code and "NotImplementedError" not in code, code


@pytest.mark.parametrize("source, is_shown", [("My words, without the comment.", True), ("", False), ("<!-- gan_losses.why_it_stalls -->", False)])
def test_an_answer_is_one_with_or_without_its_comment(source, is_shown, desk):
    text = text_of(way(desk, lambda cell, cells: cell.update(source=source)))
    assert ("There is no answer here." in text) is not is_shown and ("My words" in text) is is_shown


def test_what_never_ran_says_why_and_no_more(desk):
    empty = executed.executed(desk.untouched(), Run("unreadable"), ["The file is empty."])
    text = text_of(feedback.page(empty, desk.chapter, "ann", {name: (0.0, "") for name in desk.exercises}))
    assert "The file is empty." in text and "0 of 31 points" in text and "Your code" not in text


def test_huge_cells_are_cut(notebook, desk):
    cell_of(notebook, "generator_loss").source = "x = 1\n" * 100_000
    cell_of(notebook, "generator_loss").outputs = [nbformat.v4.new_output("stream", text="y" * 1_000_000)]
    assert len(feedback.page(notebook, desk.chapter, "ann", GRADES)) < 400_000


@pytest.fixture
def course(tmp_path, gradebook_file, notebook, desk):
    """A course folder with ann's graded notebook; her written answer waits."""
    (tmp_path / "gradebook.db").write_bytes(gradebook_file)
    exercises = [{"id": e.id, "score": None if e.kind == "written" else 1.0, "max_score": e.points,
                  "checks": [] if e.kind == "written" else [{"title": "t", "passed": True, "points": 1, "hint": ""}]}
                 for e in desk.exercises.values()]
    record = {"student": "ann", "chapter": STEM, "status": "graded", "said": "", "score": 7.0, "max_score": 31.0, "exercises": exercises}
    course = Course(tmp_path)
    executed.write(notebook, course.autograded("ann", STEM), STEM, None, "d")
    (tmp_path / "submitted" / "ann" / STEM).mkdir(parents=True)
    (tmp_path / "submitted" / "ann" / STEM / "timestamp.txt").write_text("2026-03-01 10:00:00 UTC")
    Gradebook(course.db_url).record(record, "d", unanswered=set())
    return course


def test_pages_are_put_where_nbgrader_releases_them_from(course):
    (path,) = feedback.generate(course, [STEM])
    assert path == course.root / "feedback" / "ann" / STEM / f"{STEM}.html"
    assert sorted(os.listdir(path.parent)) == [f"{STEM}.html", "timestamp.txt"]
    assert "7</strong> of 31 points" in path.read_text() and "3 more wait for a person" in path.read_text()


def test_what_formgrader_wrote_is_on_the_page_and_stays(course):
    from nbgrader import api

    from autograde.nbgrader_config import COURSE_ID
    with api.Gradebook(course.db_url, COURSE_ID) as book:
        grade, comment = book.find_grade("why_it_stalls", STEM, STEM, "ann"), book.find_comment("why_it_stalls", STEM, STEM, "ann")
        grade.manual_score, comment.manual_comment = 2.0, "Say *why* it is flat."
        book.db.commit()
    for _ in range(2):  # the second time as after a rerun
        (path,) = feedback.generate(course, [STEM])
        assert "9</strong> of 31 points" in path.read_text() and "Say <em>why</em> it is flat." in path.read_text()
        record = Gradebook(course.db_url).records()[0]
        Gradebook(course.db_url).record(record, "d", unanswered=set())


def test_an_old_page_is_whole_until_the_new_one_is(course, monkeypatch):
    (path,) = feedback.generate(course, [STEM])
    before = path.read_text()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        list(feedback.generate(course, [STEM]))
    assert path.read_text() == before


def test_nothing_graded_is_a_sentence(course):
    with pytest.raises(CourseError, match="nothing is graded"):
        list(feedback.generate(dataclasses.replace(course), [STEM], student="zoe"))
