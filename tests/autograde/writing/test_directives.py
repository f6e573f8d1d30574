"""MyST directives as data."""
import pytest

from autograde.writing.directives import Directive, parse, rewrite, with_options

TEXT = """Before.

:::::{exercise} Title
:minutes: 10

Body $x$.

::::{hint}
Inside.
::::
:::::

After."""


def test_text_and_directives_are_told_apart():
    before, directive, after = parse(TEXT)
    assert before.startswith("Before") and after.endswith("After.")
    assert (directive.name, directive.argument, directive.options) == ("exercise", "Title", {"minutes": "10"})
    assert "::::{hint}\nInside.\n::::" in directive.body


def test_what_is_read_is_written_again():
    _, directive, _ = parse(TEXT)
    assert parse(directive.source()) == [directive]
    assert with_options(directive, points=4).options == {"points": "4", "minutes": "10"}


def test_rewriting_replaces_drops_and_keeps():
    assert rewrite(TEXT, lambda d: "X") == "Before.\n\nX\n\nAfter."
    assert rewrite(TEXT, lambda d: None) == "Before.\n\n\nAfter."
    assert "{exercise} Title" in rewrite(TEXT, lambda d: d)


def test_code_blocks_hold_no_directives():
    text = "```\n:::{note}\n:::\n```"
    assert parse(text) == [text]


def test_backtick_directives_are_read_too():
    assert parse("```{note} A\nB\n```") == [Directive("note", "A", {}, "B", "```")]


def test_an_open_directive_is_an_error():
    with pytest.raises(ValueError, match="not closed"):
        parse(":::{note}\nnever")
