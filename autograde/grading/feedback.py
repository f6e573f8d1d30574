"""What goes back to students: nbgrader's feedback page for each graded submission."""
from __future__ import annotations

import bleach
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter

from .course import Course, CourseError, said

TAGS = {*bleach.ALLOWED_TAGS, "p", "br", "hr", "div", "span", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "img", "del",
        "sub", "sup", "details", "summary", "table", "thead", "tbody", "tr", "th", "td", "dl", "dt", "dd"}
ATTRIBUTES = {"*": ["id", "class", "title"], "img": ["src", "alt", "width", "height"],
              "a": lambda tag, name, value: name == "href" and value.startswith(("https://", "http://", "#"))}
PROTOCOLS = {*bleach.ALLOWED_PROTOCOLS, "data"}


class FeedbackExporter(HTMLExporter):
    """nbgrader's page, on which nothing that a student wrote is active: no script, no style, no frame."""

    @pass_context
    def markdown2html(self, context, source: str) -> str:
        html = super().markdown2html(context, source)
        return bleach.clean(html, tags=TAGS, attributes=ATTRIBUTES, protocols=PROTOCOLS, strip=True)


def generate(course: Course, chapters: list[str], student: str | None = None) -> list[str]:
    """Write feedback/STUDENT/CHAPTER/CHAPTER.html for what is graded, and return those paths.

    Raises:
        CourseError: nothing is graded yet, or nbgrader could not.
    """
    api, written = course.nbgrader(), []
    for chapter in chapters:
        if list((course.root / "autograded").glob(f"{student or '*'}/{chapter}/*.ipynb")):
            said(api.generate_feedback(chapter, student or "*", force=True), f"no feedback for {chapter}")
            pages = (course.root / "feedback").glob(f"{student or '*'}/{chapter}/*.html")
            written += sorted(str(page) for page in pages)
    if not written:
        raise CourseError(f"nothing is graded in {course.root}; run `autograde grade` first")
    return written
