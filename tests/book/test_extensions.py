"""What an author gets from the book's own directives, tried on one-page books."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

EXTENSIONS = Path(__file__).parents[2] / "book" / "_ext"
SETTINGS = {
    "extensions": ["myst_nb", "prekatex", "folds", "exercises", "quiz"],
    "html_math_renderer": "prekatex",
    "html_theme": "basic",
    "myst_enable_extensions": ["amsmath", "colon_fence", "dollarmath"],
}
CARD = """
::::::{exercise} Loss of $D$
:id: gan_losses.discriminator_loss
:number: 2.1
:points: 4
:difficulty: 1
:minutes: 10
Write it.
::::::
"""


@pytest.fixture(autouse=True)
def extensions_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(EXTENSIONS))


@pytest.fixture
def build_page(tmp_path):
    """build_page(text) -> (html, warnings) of a book of one page."""

    def build(text: str) -> tuple[str, str]:
        (tmp_path / "index.md").write_text(f"# Page\n\n{text}", encoding="utf-8")
        warnings = StringIO()
        out = tmp_path / "out"
        with patch_docutils(), docutils_namespace():
            Sphinx(
                tmp_path, None, out, out / ".doctrees", "html", SETTINGS, status=None, warning=warnings
            ).build()
        return (out / "index.html").read_text(encoding="utf-8"), warnings.getvalue()

    return build


GLOSSARY = """
:::{glossary}
logit · 对数几率
  A number before the sigmoid. (1)

clip · 片段
  Frames in a row. (2)
:::
"""


def test_search_knows_the_index_entries_of_all_pages_also_where_one_is_built_anew(tmp_path):
    """The second build reads one page; its search index is that of a build from scratch."""
    pages = {"01_one": f"# One\n\nA logit.\n{CARD}", "02_two": "# Two\n\nA clip.\n", "glossary": f"# Terms\n{GLOSSARY}"}
    pages["index"] = "# Page\n\n```{toctree}\n01_one\n02_two\nglossary\n```\n"
    for name, text in pages.items():
        (tmp_path / f"{name}.md").write_text(text, encoding="utf-8")
    settings = SETTINGS | {"extensions": [*SETTINGS["extensions"], "index_entries"]}

    def search_index(out: str) -> dict:
        with patch_docutils(), docutils_namespace():
            Sphinx(tmp_path, None, tmp_path / out, tmp_path / out / ".doctrees", "html", settings, status=None).build()
        return json.loads(re.search(r"\{.*\}", (tmp_path / out / "searchindex.js").read_text(encoding="utf-8"))[0])

    search_index("again")
    (tmp_path / "02_two.md").write_text("# Two\n\nOnce more: a clip.\n", encoding="utf-8")
    index = search_index("again")
    assert index["indexentries"].keys() == {"logit", "对数几率", "clip", "片段", "discriminator_loss, exercise 2.1"}
    assert index == search_index("fresh")


def test_formula_is_html_and_mathml(build_page):
    html, warnings = build_page(r"Between $a$ and $$\frac{1}{2}$$")
    assert warnings == ""
    assert html.count('<span class="katex-mathml">') == 2 and "<mfrac>" in html


def test_punctuation_stays_on_the_line_of_its_formula(build_page):
    """And nothing else of the text does, nor anything after a formula that may be broken."""
    html, _ = build_page("See ($a$), $b$ too: $a + b + c$. Then $d$*.*")
    assert html.count('class="unbroken"') == 1
    one, rest = re.search(r'<span class="unbroken">(.*?\),)</span>(.*)', html, re.DOTALL).groups()
    assert one.count('class="katex"') == 1 and rest.startswith(" <span class=\"math")
    text = re.sub(r'<span class="katex-mathml">.*?</span>|<[^>]+>', "", html[html.index("See"):])
    assert " ".join(text.split()).startswith("See (a), b too: a+b+c. Then d.")


def test_equation_has_one_number_and_can_be_referred_to(build_page):
    html, warnings = build_page(
        "$$a = b$$ (eq-one)\n\n\\begin{align}\nc &= d \\\\\ne &= f\n\\end{align}\n\nSee {eq}`eq-one`."
    )
    assert warnings == ""
    assert html.count('class="eqno"') == 2 and "eqn-num" not in html
    assert 'href="#equation-eq-one"' in html


@pytest.mark.parametrize("formula", [r"\frac{1}{", r"\lgo x", r"\left( x", "é + 1"])
def test_invalid_formula_is_a_warning_with_its_place(build_page, formula):
    html, warnings = build_page(f"One line.\n\nThen ${formula}$ follows.")
    assert f"index.md:5: WARNING: invalid formula {formula!r}" in warnings
    assert 'class="katex-error"' in html


def test_card_has_a_heading_a_meta_line_and_an_anchor(build_page):
    html, warnings = build_page(CARD + "\nSee [it](#gan_losses.discriminator_loss).")
    assert warnings == ""
    assert '<section class="exercise" id="gan-losses-discriminator-loss"' in html
    assert (
        '<h2 class="exercise-title" id="gan-losses-discriminator-loss-title">Exercise 2.1 · Loss of ' in html
    )
    assert '4 points · <span aria-hidden="true">★☆☆</span> easy · about 10 minutes' in html
    assert 'href="#gan-losses-discriminator-loss"><span class="std std-ref">it</span>' in html


def test_written_exercise_says_so_and_one_point_is_singular(build_page):
    html, _ = build_page(CARD.replace(":points: 4", ":points: 1\n:kind: written"))
    assert "1 point ·" in html and "graded by hand" in html


@pytest.mark.parametrize("hints, labels", [(1, ["Hint"]), (3, ["Hint 1", "Hint 2", "Hint 3"])])
def test_hints_are_numbered_where_there_are_several(build_page, hints, labels):
    html, _ = build_page(CARD.replace("Write it.", "Write it.\n" + ":::::{hint}\nThink.\n:::::\n" * hints))
    for label in labels:
        assert html.count(f'<details class="fold hint"><summary>{label}</summary>') == 1


@pytest.mark.parametrize("option", ["id", "number", "points", "difficulty", "minutes"])
def test_card_that_lacks_something_is_a_warning(build_page, option):
    lines = [line for line in CARD.splitlines() if not line.startswith(f":{option}:")]
    assert f"has no :{option}:" in build_page("\n".join(lines))[1]


@pytest.mark.parametrize(
    "right, wrong", [(":difficulty: 1", ":difficulty: 4"), (":points: 4", ":points: many")]
)
def test_card_with_a_wrong_number_is_a_warning(build_page, right, wrong):
    assert "WARNING" in build_page(CARD.replace(right, wrong))[1]


def test_model_answer_is_closed(build_page):
    html, _ = build_page(":::{solution}\nBecause.\n:::")
    assert '<details class="fold solution"><summary>Model answer</summary>' in html


def test_question_with_one_right_option_has_radio_buttons(build_page):
    html, warnings = build_page(
        "::::{quiz} Is $a$?\n- [ ] $b$\n  No, it is\n  flat.\n- [x] $c$\n  Yes.\n::::"
    )
    assert warnings == ""
    assert html.count('type="radio" name="quiz-0"') == 2 and "<fieldset" in html and "<legend>Is " in html
    assert html.count('class="quiz-reason right"') == 1 and "flat." in html


def test_question_with_several_right_options_has_checkboxes(build_page):
    html, _ = build_page("::::{quiz} Which?\n- [x] a\n  Yes.\n- [x] b\n  Yes.\n- [ ] c\n  No.\n::::")
    assert html.count('type="checkbox"') == 3


@pytest.mark.parametrize(
    "options, expected",
    [
        ("- [x] a\n  Yes.", "at least two options"),
        ("- [ ] a\n  No.\n- [ ] b\n  No.", "a right option"),
        ("- [x] a\n- [ ] b\n  No.", "an indented explanation beneath the option 'a'"),
    ],
)
def test_incomplete_question_is_a_warning(build_page, options, expected):
    assert expected in build_page(f"::::{{quiz}} Which?\n{options}\n::::")[1]
