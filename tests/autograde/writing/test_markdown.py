"""MyST to plain Markdown."""
import pytest

from autograde.writing import chapter, markdown
from autograde.writing.markdown import PlainMarkdown

HEAD = "---\nkernelspec:\n  name: python3\n  display_name: Python 3\nchapter: 02_gan_losses\n---\n\n# 2 · Title\n\n"


def plain(text: str) -> str:
    read = chapter.parse(HEAD + text, "02_gan_losses")
    to_plain = PlainMarkdown(read, None)
    return "\n\n".join(to_plain(cell.source) for cell in read.notebook.cells if cell.cell_type == "markdown")


def test_equations_are_numbered_and_referred_to():
    text = plain("$$\na = b\n$$ (eq-a)\n\nSee {eq}`eq-a`.")
    assert r"\tag{1}$$" in text and "See (1)." in text


def test_no_two_references_are_cited_by_the_same_words():
    cited = [markdown._citation(key) for key in markdown._bibliography()]
    assert not {one for one in cited if cited.count(one) > 1}, "tell them apart by the year: 2020a, 2020b"


def test_names_are_written_with_their_accents():
    assert "(Yazıcı et al., 2019)" in plain("{cite:p}`yazici2019unusual`.")
    assert not [markdown._citation(key) for key in markdown._bibliography() if set(markdown._citation(key)) & set("{}\\")]


def test_citations_are_spelled_out():
    assert "(Goodfellow et al., 2014)" in plain("A {cite:p}`goodfellow2014generative`.")
    assert "Goodfellow et al., 2014 say" in plain("{cite:t}`goodfellow2014generative` say")


def test_references_lead_to_the_site():
    assert "(https://" in plain("{ref}`corrected <c-32>`") and "corrections.html#c-32" in plain("{ref}`corrected <c-32>`")


def test_a_quiz_keeps_its_answers_folded():
    text = plain("::::{quiz} Which?\n- [ ] one\n  Because.\n- [x] two\n  Yes.\n::::")
    assert "**Check yourself.** Which?" in text
    before, after = text.split("<details>")
    assert "Because" not in before and "**B** is right. Yes." in after


def test_notes_become_quotes():
    assert plain(":::{note}\nLook.\n:::").endswith("> **Note**\n>\n> Look.")


def test_an_unknown_role_is_an_error():
    with pytest.raises(KeyError, match="no plain form"):
        plain("{numref}`x`")


def test_pictures_travel_with_the_notebook():
    text = plain(":::{figure} assets/diagrams/gan-game.svg\n:alt: A game.\n\nTwo networks.\n:::")
    assert "![A game.](data:image/svg+xml;base64," in text and "*Two networks.*" in text
