"""What the index lists: the glossary's terms in both languages, where the chapters speak of them first, and the exercises.

The glossary says after each term in which chapters it is at home. There, the first section that uses the term gets an
entry; the glossary's own is the main one. So the index grows with the book and nobody has to keep it. The site's search
looks into these entries, too.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util.index_entries import split_index_msg

TERM = re.compile(r"^(?P<english>\S.*?) · (?P<chinese>.+)\n(?P<text>(?:  .+\n?)+)", re.M)
HOMES = re.compile(r"\(([\d, ]+)\)\s*\Z")
BRACKETS = re.compile(r" \(.*\)")
CHINESE = "中文"  # the heading under which the index lists them


@cache
def terms(glossary: Path) -> dict[str, tuple[str, list[int]]]:
    """English term -> (Chinese term, numbers of the chapters where it is at home)."""
    found = {}
    for term in TERM.finditer(glossary.read_text(encoding="utf-8")):
        homes = HOMES.search(term["text"])
        found[term["english"]] = term["chinese"], [int(n) for n in homes[1].split(",")] if homes else []
    return found


class IndexGlossary(SphinxTransform):
    """Gives each term of the glossary an entry for each language; Sphinx would make one of both."""

    default_priority = 700  # before the domains collect what is to be indexed

    def apply(self, **kwargs) -> None:
        for glossary in self.document.findall(addnodes.glossary):
            for index in glossary.findall(addnodes.index):
                index["entries"] = [new for entry in index["entries"] for new in by_language(entry)]


def by_language(entry: tuple) -> list[tuple]:
    kind, text, anchor, main, heading = entry
    english, found, chinese = text.partition(" · ")
    return [(kind, english, anchor, main, heading)] + [(kind, chinese, anchor, main, CHINESE)] * bool(found)


class IndexChapter(SphinxTransform):
    """Gives a chapter an entry for each term that is at home in it, where it first stands."""

    default_priority = 700

    def apply(self, **kwargs) -> None:
        number = re.match(r"(\d\d)_", self.env.docname)
        if not number:
            return
        glossary = Path(self.env.srcdir) / "glossary.md"
        self.env.note_dependency(str(glossary))
        sections = [(section, own_text(section)) for section in self.document.findall(nodes.section)]
        for english, (_, homes) in terms(glossary).items():
            if int(number[1]) in homes and (section := first_with(english, sections)):
                section.insert(1, addnodes.index(entries=[("single", english, section["ids"][0], "", None)]))


def own_text(section: nodes.section) -> str:
    """What stands in a section itself, not in those within it and not in code."""
    own = [child for child in section if not isinstance(child, nodes.section)]
    blocks = (block for child in own for block in child.findall(nodes.TextElement))
    return "\n".join(block.astext() for block in blocks if not isinstance(block, nodes.literal_block))


def first_with(term: str, sections: list[tuple[nodes.section, str]]) -> nodes.section | None:
    words = rf"\b{re.escape(BRACKETS.sub('', term))}(?:s|es)?\b"
    return next((section for section, text in sections if re.search(words, text, re.I)), None)


def tell_the_search(app) -> list:
    """Give the search the entries of all pages: Sphinx gives it those of pages that it writes anew, and loses the others."""
    if search := app.builder.indexer:
        entries = app.env.get_domain("index").entries
        search._index_entries = {page: as_searched(entries.get(page, [])) for page in sorted(search._titles)}
    return []  # no pages of its own


def as_searched(entries: list[tuple]) -> list[tuple[str, str, str]]:
    """Each part of each entry, its place and whether it is the main one, as Sphinx's `IndexBuilder.feed` has them."""
    return sorted({(part, anchor or "", main) for kind, text, anchor, main, _ in entries
                   for part in split_index_msg(kind, text)})


def setup(app) -> dict:
    app.add_transform(IndexGlossary)
    app.add_transform(IndexChapter)
    app.connect("html-collect-pages", tell_the_search)  # all pages are written, the search's index is not
    return {"parallel_read_safe": True, "parallel_write_safe": True}
