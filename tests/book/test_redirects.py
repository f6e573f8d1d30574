"""Old addresses lead on, in a book of two pages that is opened from a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograde.writing import chapter

from .pages import MOVED, PAGES
from .small import build_small

LONG = "\n\n".join(["A line."] * 200)
TEXTS = {"index": "# Page\n\n```{toctree}\n15_new\n```\n", "15_new": f"# New\n\n{LONG}\n\n(task)=\n## The task\n\n{LONG}\n"}


def build(folder: Path, moved: dict[str, str]) -> str:
    """Builds the book; returns the warnings."""
    for name, text in TEXTS.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return build_small(folder, extensions=["myst_nb", "redirects"], html_baseurl="https://example.edu/book/", moved_pages=moved)


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("moved")
    assert build(folder, {"14_old": "15_new"}) == ""
    return folder / "out"


@pytest.mark.parametrize("script", [True, False], ids=["with a script", "without"])
def test_an_old_address_leads_to_the_new_page(browser, book, script):
    page = browser.new_page(java_script_enabled=script)
    page.goto((book / "14_old.html").as_uri() + "#task")
    page.wait_for_url("**/15_new.html*")
    assert page.url == (book / "15_new.html").as_uri() + "#task" * script
    assert page.get_by_role("heading", name="New").count() == 1
    if script:
        assert page.get_by_role("heading", name="The task").evaluate("heading => heading.getBoundingClientRect().top") < 200
    page.close()


def test_it_has_a_link_for_a_person_and_names_the_new_page_to_search_engines(book):
    text = (book / "14_old.html").read_text("utf-8")
    assert '<a href="15_new.html">' in text and '<link rel="canonical" href="https://example.edu/book/15_new.html">' in text
    assert "14_old" not in (book / "searchindex.js").read_text("utf-8")


@pytest.mark.parametrize("moved", [{"14_old": "15_other"}, {"15_new": "index"}], ids=["to nowhere", "still there"])
def test_what_cannot_be_meant_is_a_warning_and_no_page_is_written_over(tmp_path, moved):
    assert "to be none any more" in build(tmp_path, moved)
    assert not (tmp_path / "out" / "14_old.html").exists()
    assert "The task" in (tmp_path / "out" / "15_new.html").read_text("utf-8")


def test_the_course_sends_old_addresses_to_pages_that_it_has():
    assert MOVED["14_challenge"] == "15_challenge" in chapter.stems()
    assert set(MOVED.values()) <= set(PAGES) and not MOVED.keys() & set(PAGES)
