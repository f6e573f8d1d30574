"""What leads to the pages: search, index, status, the map for search engines, previews of links."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from .conftest import watch
from .pages import BASE, CHAPTERS, CONTENTS, PAGES, ROOT

GLOSSARY = re.findall(r"^(\S.*?) · (.+)$", (ROOT / "book" / "glossary.md").read_text(encoding="utf-8"), re.M)


def hits(page) -> list[str]:
    """Where the results of a finished search lead."""
    page.wait_for_function("document.querySelector('.search-summary')?.innerText")
    return page.locator("ul.search a").evaluate_all("links => links.map(link => link.getAttribute('href'))")


def searched(page, site: str, words: str) -> list[str]:
    page.goto(f"{site}search.html?q={words}")
    return hits(page)


def test_search_by_keyboard_finds_english_words_and_shows_where(visit):
    page = visit(PAGES[0])
    page.keyboard.press("Control+k")
    page.keyboard.type("watermark")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=watermark")
    assert "12_responsibility.html" in "".join(hits(page))
    assert "watermark" in page.locator("ul.search .context").first.inner_text().lower()
    assert page.faults == []


@pytest.mark.parametrize("words", ["spectral normalisation", "mode collapse", "generator_loss", "Fréchet distance",
                                   "discriminators"])
def test_search_finds_what_people_ask_for(visit, site, words):
    page = visit("search")
    assert searched(page, site, words)
    page.wait_for_load_state("networkidle")
    assert page.faults == []


def test_search_finds_every_chinese_term_of_the_glossary(visit, site):
    page = visit("search")
    searched(page, site, GLOSSARY[0][1])
    for english, chinese in GLOSSARY:  # as the page does for the words in its address, but the page is loaded once
        page.evaluate("""words => {
            document.getElementById("search-results").replaceChildren();
            Search.performSearch(words);
        }""", chinese)
        first = hits(page)[0]
        assert first.startswith("glossary.html#term-"), chinese
        assert page.locator("ul.search .context").first.inner_text().startswith(english), chinese
    assert page.faults == []


def test_search_works_from_a_folder(browser, build):
    page = browser.new_page()
    faults = watch(page)
    assert "glossary.html" in "".join(searched(page, f"{build.as_uri()}/", "判别器"))
    assert faults == []
    page.close()


def test_index_has_both_languages_the_chapters_and_the_exercises(look):
    page = look("genindex")
    entries = page.locator(".index-entries li").all_inner_texts()
    for english, chinese in GLOSSARY:
        assert chinese in entries and any(entry.startswith(english) for entry in entries)
    assert any(re.match(r"Discriminator chapter 2\b", entry) for entry in entries)
    assert any(re.fullmatch(r"generator_loss, exercise 2\.\d", entry) for entry in entries)
    letters = page.locator(".index-letters a").all_inner_texts()
    assert letters[0] == "A" and letters[-1] == "中文"


def test_status_tells_of_every_chapter_and_of_the_gpu(look):
    page = look("status")
    rows = page.locator("#the-chapters-runs tbody tr").all_text_contents()
    assert len(rows) >= len(CHAPTERS) + 1
    assert all(re.search(r"\d+ s\s.*(CPU core|NVIDIA)", row, re.S) for row in rows[:-1])
    assert "GPU" in page.locator("#on-a-gpu").text_content()
    assert page.locator("#made-with tbody tr", has_text="torch").count() >= 1


def test_sitemap_names_every_page(build):
    places = {place.text for place in ElementTree.parse(build / "sitemap.xml").findall(".//{*}loc")}
    assert places == {f"{BASE}{name}.html" for name in CONTENTS}
    assert f"Sitemap: {BASE}sitemap.xml" in (build / "robots.txt").read_text()
