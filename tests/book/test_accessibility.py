"""Whether everybody can use the pages: by eye, by screen reader, by keyboard, on a phone, with less motion, in print."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from .pages import CHAPTERS, PAGES, WITH_A_CLIP

on_every_page = pytest.mark.parametrize("name", PAGES)
in_every_chapter = pytest.mark.parametrize("name", CHAPTERS)
where_a_clip_plays = pytest.mark.parametrize("name", WITH_A_CLIP)


COLOURS = ["color-contrast", "link-in-text-block"]  # axe's rules that a theme can break
# A token of code or of a formula has the colours of each like it in a block of that kind. To look at all is slow: one stays.
REMOVE_REPEATED_TOKENS = """() => {
    const seen = new Set(), repeated = [];
    for (const token of document.querySelectorAll("pre span, .katex *")) {
        if (token.childElementCount || !token.checkVisibility()) continue;
        let kind = "";
        for (let part = token; part; part = part.parentElement) kind += `${part.localName}.${part.className} `;
        if (seen.has(kind)) repeated.push(token);
        seen.add(kind);
    }
    for (const token of repeated) token.remove();
}"""
FIND = """options => axe.run({ resultTypes: ["violations"], ...options }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, html }) => [id, target, html.slice(0, 200)])))"""


def axe_finds_nothing(page):
    """All but the colours once, and the colours in both themes."""
    page.evaluate(Axe().axe_script)
    assert page.evaluate(FIND, {"rules": {rule: {"enabled": False} for rule in COLOURS}}) == []
    page.evaluate(REMOVE_REPEATED_TOKENS)
    page.add_style_tag(content="* { transition: none !important }")  # no colour passes slowly into another
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.locator(f"html[data-theme={theme}]").wait_for()
        assert page.evaluate(FIND, {"runOnly": COLOURS}) == []


@on_every_page
def test_axe_finds_nothing(visit, name):
    axe_finds_nothing(visit(name, color_scheme="light"))


@pytest.mark.parametrize("name", ["index", "04_dcgan", "10_video_gan", "14_real_time"])
def test_axe_finds_nothing_in_a_demo_that_runs(visit, name):
    page = visit(name, color_scheme="light", reduced_motion="reduce")
    page.get_by_role("button", name="Run the generator here").press("Enter")
    page.locator(".live canvas").first.wait_for()
    axe_finds_nothing(page)


@in_every_chapter
@pytest.mark.parametrize("width", [390, 1600])
def test_keyboard_reaches_the_code_and_formulas_that_scroll_and_passes_by_the_others(visit, name, width):
    page = visit(name, viewport={"width": width, "height": 844})
    css = "article :is(pre, div.math, .output.text_html, .pst-scrollable-table-container)"
    page.wait_for_function("""css => [...document.querySelectorAll(css)].every(block => !block.checkVisibility()
        || (block.scrollWidth > block.clientWidth) === (block.tabIndex === 0))""", arg=css)
    scrolling = page.locator(css).evaluate_all("blocks => blocks.filter(block => block.tabIndex === 0).length")
    assert (scrolling > 10) == (width == 390)


@on_every_page
def test_page_fits_a_phone_a_tablet_and_a_wide_screen(look, name):
    page = look(name)
    usual = page.viewport_size
    for width in (390, 820, 1600):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size(usual)


@on_every_page
def test_every_picture_has_an_alt_text_and_every_clip_a_film_strip(look, name):
    page = look(name)
    source = "images => images.map(image => image.outerHTML.slice(0, 200))"
    assert page.locator("img:not([alt])").evaluate_all(source) == []
    assert page.locator("article img[alt='']").evaluate_all(source) == []
    for clip in page.locator("figure.clip").all():
        assert clip.locator("video[controls][aria-label]").count() == 1
        assert clip.locator("details img").get_attribute("alt").startswith("Film strip: ")


@on_every_page
def test_the_first_key_leads_to_the_text(visit, name):
    page = visit(name)
    if name == "search":  # there the field to type in has the focus
        return
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
    page.keyboard.press("Enter")
    page.wait_for_url("**#main-content")


def test_contents_open_by_keyboard_on_a_phone(visit):
    page = visit(PAGES[1], viewport={"width": 390, "height": 844})
    link = page.locator(".bd-sidebar-primary a", has_text="Glossary").first
    assert not link.is_visible()
    page.locator(".primary-toggle").press("Enter")
    link.wait_for(state="visible")
    page.keyboard.press("Escape")
    link.wait_for(state="hidden")


def test_theme_can_be_chosen_by_keyboard_and_stays(visit):
    page = visit(PAGES[0], color_scheme="light")
    button = page.locator(".theme-switch-button").first
    while page.locator("html").get_attribute("data-theme") != "dark":
        button.press("Enter")
    page.reload(wait_until="commit")
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_page_is_readable_without_javascript(visit):
    page = visit(CHAPTERS[0], java_script_enabled=False, color_scheme="dark")
    colours = page.locator("article p").first.evaluate(
        "element => [getComputedStyle(element).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert colours == ["rgb(36, 41, 47)", "rgb(255, 254, 251)"]


@in_every_chapter
def test_hints_open_by_keyboard(look, name):
    hint = look(name).locator("details.hint").first
    content = hint.locator(":scope > :not(summary)").first
    assert not content.is_visible()
    hint.locator("summary").press("Enter")
    assert content.is_visible()


@in_every_chapter
def test_answers_are_folded_and_open_by_keyboard(look, name):
    page = look(name)
    cells = page.locator(".cell.tag_exercise").all()
    assert cells
    for cell in cells:
        assert not cell.locator("pre").first.is_visible()
        assert cell.locator("summary").first.text_content() == "Solution"
    cells[0].locator("summary").press("Enter")
    assert cells[0].locator("pre").first.is_visible()


def look_at(part) -> None:
    """Scrolls to a part by way of its section: one that was never near is not laid out yet, and seems shorter than it is."""
    part.evaluate("part => part.closest('section').scrollIntoView({ behavior: 'instant' })")
    part.page.wait_for_timeout(200)
    part.scroll_into_view_if_needed()


@where_a_clip_plays
def test_clip_plays_in_view_rests_out_of_it_and_obeys_its_reader(visit, name):
    page = visit(name)
    video = page.locator("figure.clip video").first
    handle = video.element_handle()
    look_at(video)
    page.wait_for_function("video => video.readyState >= 2 && video.currentTime > 0", arg=handle)
    page.evaluate("scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })")
    page.wait_for_function("video => video.paused", arg=handle)
    look_at(video)
    page.wait_for_function("video => !video.paused", arg=handle)
    video.press("Space")
    page.wait_for_function("video => video.paused", arg=handle)
    page.evaluate("scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })")
    video.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    assert video.evaluate("video => video.paused")


@where_a_clip_plays
def test_clip_waits_where_less_motion_is_wanted(visit, name):
    page = visit(name, reduced_motion="reduce")
    video = page.locator("figure.clip video").first
    look_at(video)
    page.wait_for_timeout(200)
    assert video.evaluate("video => video.paused && video.currentTime === 0")
    video.press("Space")
    page.wait_for_function("video => video.currentTime > 0", arg=video.element_handle())


@where_a_clip_plays
def test_clip_that_cannot_be_played_shows_its_film_strip(visit, name):
    page = visit(name)
    page.route("**/*.mp4", lambda route: route.fulfill(body=b"no video", content_type="video/mp4"))
    page.reload()
    clip = page.locator("figure.clip").first
    look_at(clip)
    clip.locator("details[open] img").wait_for(state="visible")
