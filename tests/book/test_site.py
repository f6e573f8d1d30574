"""The published pages, looked at in a browser."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import unquote
from urllib.request import urlopen

import pytest

from autograde.writing import chapter

from .conftest import scroll_through, watch
from .pages import BASE, CHAPTERS, CONTENTS, MOVED, PAGES, REPOSITORY, ROOT

on_every_page = pytest.mark.parametrize("name", PAGES)
in_every_chapter = pytest.mark.parametrize("name", CHAPTERS)


@pytest.mark.chapter("page")
@in_every_chapter
def test_chapter_is_built_without_a_warning(build, name):
    """A warning anywhere is an error of `build`. What stands here is the chapter, with its exercises and its outputs."""
    page = (build / f"{name}.html").read_text(encoding="utf-8")
    assert page.count('<section class="exercise"') == len(chapter.load(name).exercises)
    assert '<div class="cell_output' in page


@pytest.fixture(scope="module")
def opened(browser):
    """A page for files of this machine; its `faults` are what has gone wrong in it."""
    page = browser.new_page()
    page.faults = watch(page)
    return page


@on_every_page
def test_page_works_from_a_folder(opened, build, name):
    opened.faults.clear()
    opened.goto((build / f"{name}.html").as_uri())
    assert opened.faults == []
    assert opened.locator("html").get_attribute("data-theme") == "light"
    assert opened.locator("main h1:visible").count() == 1


def test_every_link_and_every_anchor_is_there(build):
    texts = {path.name: path.read_text(encoding="utf-8") for path in build.glob("*.html")}
    assert texts.keys() == {f"{name}.html" for name in [*PAGES, *MOVED]}
    anchors = {name: set(re.findall(r'\sid="([^"]+)"', text)) for name, text in texts.items()}
    broken = []
    for name, text in texts.items():
        for address in map(unescape, re.findall(r'\s(?:href|src|poster|action)="([^"]*)"', text)):
            file, _, anchor = address.partition("#")
            file = unquote(file.partition("?")[0]) or name
            if re.match(r"[a-z]+:", address):
                continue
            if not (build / file).is_file() or anchor and anchor not in anchors[file]:
                broken.append(f"{name}: {address}")
    assert broken == []


@on_every_page
def test_page_links_to_the_next_and_the_one_before(look, name):
    at = CONTENTS.index(name) if name in CONTENTS[:-1] else 0
    for css, neighbour in {"right-next": CONTENTS[at + 1], "left-prev": CONTENTS[at - 1]}.items():
        if at:
            assert look(name).locator(f"a.{css}").get_attribute("href") == f"{neighbour}.html"


@in_every_chapter
def test_chapter_weighs_little_and_its_videos_load_when_they_are_near(visit, name):
    page = visit(name, reduced_motion="reduce")
    scroll_through(page)
    loaded = page.evaluate(
        "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".map(({ name, encodedBodySize }) => [name, encodedBodySize])"
    )
    assert not [address for address, _ in loaded if address.endswith(".mp4")]
    assert sum(size for _, size in loaded) <= 2e6
    moving = visit(name)
    videos = "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.mp4')).length"
    near = (
        "videos => videos.filter(video => video.getBoundingClientRect().top < innerHeight"
        " && video.getBoundingClientRect().bottom > 0).length"
    )
    on_screen = moving.locator("figure.clip video").evaluate_all(near)
    moving.wait_for_function(f"{videos} >= {on_screen}")
    moving.wait_for_load_state("networkidle")
    assert moving.evaluate(videos) == on_screen


@on_every_page
def test_on_paper_everything_is_open_and_clips_are_film_strips(look, name):
    page = look(name)
    folded = page.locator("details:not([open])").element_handles()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    gone = page.locator("figure.clip video, .bd-sidebar, .bd-header-article, .chapter-bar, .prev-next-footer")
    assert gone.locator("visible=true").count() == 0
    strips = page.locator("figure.clip img")
    assert strips.locator("visible=true").count() == strips.count()
    page.emulate_media(media="null")
    page.evaluate("folded => folded.forEach(details => { details.open = false })", folded)


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
    for line in page.locator(".exercise-meta").all_text_contents():
        assert re.match(r"[\d.]+ points? · [★☆]{3} (easy|medium|hard) · about (\d+ minutes|[\d.]+ hours)", line)
    for card in page.locator("section.exercise").all():
        title = page.locator(f"#{card.get_attribute('aria-labelledby')}")
        assert re.match(r"Exercise \d+\.\d+ · ", title.text_content())


@in_every_chapter
def test_checks_are_in_view(look, name):
    page = look(name)
    checks = page.locator(".cell.tag_check").all()
    assert checks
    for check in checks:
        assert check.locator("pre").first.is_visible()
        assert check.text_content().strip().startswith("Check your answer")


@in_every_chapter
def test_quiz_answers_right_and_wrong(look, name):
    page = look(name)
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


@on_every_page
def test_link_to_a_page_has_a_preview(look, build, name):
    page = look(name)
    assert page.title()
    assert (build / page.locator("link[rel=icon]").get_attribute("href")).is_file()
    if name in ("genindex", "search"):
        return
    assert len(page.locator("meta[name=description]").get_attribute("content")) > 40
    picture = page.locator("meta[property='og:image']").get_attribute("content")
    assert (build / picture.removeprefix(BASE)).is_file()


@on_every_page
def test_page_asks_nothing_of_other_hosts_and_has_no_error(look, name):
    """Asked last, when all that the page does by itself has been done for a while."""
    look(name).wait_for_load_state("networkidle")
    assert look(name).faults == []
