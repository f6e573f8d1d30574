"""The published pages, looked at in a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TOC = yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
PAGES = [TOC["root"], *(entry["file"] for part in TOC["parts"] for entry in part["chapters"])]
CHAPTERS = [page for page in PAGES if page[0].isdigit()]

on_every_page = pytest.mark.parametrize("name", [*PAGES, "search", "genindex"])
in_every_chapter = pytest.mark.parametrize("name", CHAPTERS)


@on_every_page
def test_page_asks_nothing_of_other_hosts_and_has_no_error(look, name):
    assert look(name).faults == []


@on_every_page
def test_phone_does_not_scroll_sideways(visit, name):
    page = visit(name, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@on_every_page
def test_every_picture_has_an_alt_text(look, name):
    without = "images => images.map(image => image.src.slice(0, 80))"
    assert look(name).locator("img:not([alt])").evaluate_all(without) == []


@on_every_page
def test_icons_come_from_our_small_font(look, name):
    fetched = look(name).evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
    assert not [address for address in fetched if "fontawesome" in address]


def test_start_page_names_the_configured_repository():
    named = re.findall(
        r"https://github\.com/[\w-]+/[\w-]+", (ROOT / "book" / "index.md").read_text(encoding="utf-8")
    )
    assert set(named) == {REPOSITORY["url"]}


def test_site_holds_no_notebook_but_the_students(build):
    assert not (build / "_sources").exists()
    published = {path.relative_to(build).as_posix() for path in build.rglob("*.ipynb")}
    assert published == {f"_downloads/notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}


@in_every_chapter
def test_mathematics_is_rendered_for_eyes_and_for_screen_readers(look, name):
    page = look(name)
    assert page.locator(".katex").count() > 0
    assert page.locator(".katex-mathml math").count() == page.locator(".katex").count()
    assert page.locator(".katex-error").count() == 0
    assert "KaTeX" in page.locator(".katex-html").first.evaluate(
        "element => getComputedStyle(element).fontFamily"
    )


@in_every_chapter
def test_every_exercise_is_a_card_with_points_difficulty_and_minutes(look, name):
    page = look(name)
    written = re.findall(
        r"^:{3,}\{exercise\}", (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8"), re.M
    )
    assert page.locator("section.exercise").count() == len(written) > 0
    for line in page.locator(".exercise-meta").all_inner_texts():
        assert re.match(r"[\d.]+ points? · [★☆]{3} (easy|medium|hard) · about \d+ minutes", line)
    for card in page.locator("section.exercise").all():
        title = page.locator(f"#{card.get_attribute('aria-labelledby')}")
        assert re.match(r"Exercise \d+\.\d+ · ", title.inner_text())


@in_every_chapter
def test_answers_are_folded_and_open_by_keyboard(visit, name):
    page = visit(name)
    cells = page.locator(".cell.tag_exercise").all()
    assert cells
    for cell in cells:
        assert not cell.locator("pre").first.is_visible()
        assert cell.locator("summary").first.inner_text() == "Solution"
    cells[0].locator("summary").press("Enter")
    assert cells[0].locator("pre").first.is_visible()


@in_every_chapter
def test_checks_are_in_view(look, name):
    page = look(name)
    checks = page.locator(".cell.tag_check").all()
    assert checks
    for check in checks:
        assert check.locator("pre").first.is_visible()
        assert check.inner_text().startswith("Check your answer")


@in_every_chapter
def test_hints_open_by_keyboard(visit, name):
    hint = visit(name).locator("details.hint").first
    content = hint.locator(":scope > :not(summary)").first
    assert not content.is_visible()
    hint.locator("summary").press("Enter")
    assert content.is_visible()


@in_every_chapter
def test_quiz_answers_right_and_wrong(visit, name):
    page = visit(name)
    questions = page.locator(".quiz").all()
    assert questions
    for question in questions:
        answer = question.get_by_role("status")
        for option in question.locator(".quiz-option").all():
            right = "right" in option.locator(".quiz-reason").get_attribute("class")
            option.locator("input").press("Space")
            assert answer.is_visible()
            assert ("right" if right else "wrong") in answer.get_attribute("class").split()
            assert ("Correct." if right else "Not correct.") in answer.text_content()
            assert len(answer.inner_text()) > len("✓ ")


@in_every_chapter
def test_quiz_explains_itself_without_javascript(visit, name):
    question = visit(name, java_script_enabled=False).locator(".quiz").first
    reason = question.locator(".quiz-reason").first
    reason.locator("summary").press("Enter")
    assert reason.locator("p").first.is_visible()


@in_every_chapter
def test_clip_plays_and_pauses(visit, name):
    page = visit(name)
    video = page.locator("figure.clip video").first
    handle = video.element_handle()
    video.scroll_into_view_if_needed()
    page.wait_for_function("video => video.readyState >= 2 && video.currentTime > 0", arg=handle)
    assert not video.evaluate("video => video.paused")
    video.press("Space")
    page.wait_for_function("video => video.paused", arg=handle)


@in_every_chapter
def test_clip_waits_where_less_motion_is_wanted(visit, name):
    page = visit(name, reduced_motion="reduce")
    video = page.locator("figure.clip video").first
    video.scroll_into_view_if_needed()
    page.wait_for_function("video => video.readyState >= 2", arg=video.element_handle())
    assert video.evaluate("video => video.paused && video.currentTime === 0")


@on_every_page
def test_colab_and_edit_links_lead_to_files_of_the_repository(look, name):
    links = (
        look(name)
        .locator("a[href*='/blob/'], a[href*='/edit/']")
        .evaluate_all("links => links.map(link => link.href)")
    )
    colab = f"https://colab.research.google.com/github/{REPOSITORY['url'].removeprefix('https://github.com/')}/blob"
    for link in links:
        place, _, path = link.partition(f"/{REPOSITORY['branch']}/")
        assert place in (colab, f"{REPOSITORY['url']}/edit", f"{REPOSITORY['url']}/blob")
        assert (ROOT / path).is_file(), link


@in_every_chapter
def test_chapter_opens_in_colab_from_its_title_and_from_the_header(look, name):
    button, menu = (
        look(name).locator(f"a[href*='colab.research'][href$='/notebooks/{name}.ipynb']").all()[::-1]
    )
    assert button.is_visible() and button.inner_text() == "Open in Colab"
    assert menu.text_content().strip() == "Colab"


@in_every_chapter
def test_chapter_offers_its_source_for_editing(look, name):
    (edit,) = look(name).locator("a[href*='/edit/']").evaluate_all("links => links.map(link => link.href)")
    assert edit.endswith(f"/book/{name}.md")


@in_every_chapter
def test_download_is_the_student_notebook(look, name):
    link = look(name).locator("a[download]").first.evaluate("link => link.href")
    with urlopen(link) as answer:
        assert json.load(answer) == json.loads(
            (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        )
