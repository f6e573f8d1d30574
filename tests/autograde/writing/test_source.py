"""The page that the book executes, and the reference runs."""
import re

import pytest

from autograde.writing import chapter, reference_run, site, source
from autograde.writing.answers import SourceError

WIDEST = 78  # characters that the code column of the page holds at 1280 pixels


@pytest.fixture(scope="module", params=chapter.stems())
def read(request):
    return chapter.load(request.param)


@pytest.mark.chapter("page")
def test_cards_get_their_number_and_points(read):
    text = "\n".join(cell.source for cell in source.page(read).cells)
    for exercise in read.exercises:
        assert f":id: {exercise.id}\n:number: {exercise.number}\n:points: {exercise.points:g}\n" in text


@pytest.mark.chapter("page")
def test_answers_stand_in_the_place_of_imports_and_are_folded(read):
    page = source.page(read)
    code = "\n".join(cell.source for cell in page.cells if cell.cell_type == "code")
    assert "from solutions" not in code and "BEGIN SOLUTION" not in code and "# STUB" not in code
    answered = [cell for cell in page.cells if "exercise" in cell.metadata.get("tags", [])]
    assert len(answered) == sum(e.kind == "exercise" for e in read.exercises)


@pytest.mark.chapter("page")
def test_code_fits_its_column(read):
    for cell in source.page(read).cells:
        if cell.cell_type == "code":
            for line in cell.source.split("\n"):
                assert len(line) <= WIDEST, line


def test_the_stored_run_is_fresh(read):
    assert reference_run.is_fresh(read.stem, source.page(read)), "run `make execute`"
    about = reference_run.load(read.stem).notebook.metadata["reference_run"]
    assert about["preset"] in ("cpu", "gpu") and about["seconds"] < 240
    assert reference_run.path(read.stem).stat().st_size < 1e6, "book/outputs is kept in git: smaller or shorter clips"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A folder with Jupyter Book's cache, and the pages whose stored runs are in it."""
    folder = tmp_path_factory.mktemp("cache")
    return folder, site.fill_cache(folder)


def test_a_fresh_run_is_found_by_jupyter_books_cache(read, filled):
    from jupyter_cache import get_cache

    folder, stems = filled
    assert read.stem in stems
    assert get_cache(folder).match_cache_notebook(source.page(read))


@pytest.mark.parametrize("stem", source.executed()[len(chapter.stems()):])
def test_an_appendix_that_runs_has_its_stored_run_too(stem, filled):
    assert reference_run.is_fresh(stem, source.page_of(stem)), f"run `python -m autograde execute {stem}`"
    assert reference_run.load(stem).notebook.metadata["reference_run"]["seconds"] < 240
    assert stem in filled[1]


def test_pages_that_run_are_the_chapters_and_the_appendices_with_code():
    assert source.executed()[:len(chapter.stems())] == chapter.stems()
    assert "corrections" in source.executed() and "glossary" not in source.executed()
    assert chapter.find("corrections", source.executed()) == "corrections"
    with pytest.raises(LookupError, match="did you mean 'corrections'"):
        chapter.find("correction", source.executed())


def test_a_changed_answer_outdates_the_stored_run(read, monkeypatch):
    monkeypatch.setattr(source.dependencies, "fingerprint", lambda cells: "another")
    assert not reference_run.is_fresh(read.stem, source.page(read))


def test_pages_without_exercises_pass_as_they_are():
    plain = source.read_chapter("---\nhtml_meta: x\n---\n# Title\n")
    assert plain.metadata["mystnb"] == {"execution_mode": "off"} and plain.metadata["html_meta"] == "x"
    assert plain.cells[0].source.strip() == "# Title"
    executed = source.read_chapter("---\nkernelspec:\n  name: python3\n  display_name: P\n---\n# T\n\n"
                                   "```{code-cell}\n1 + 1\n```\n")
    assert [cell.source for cell in executed.cells][::2] == ["# T", "1 + 1"]
    assert executed.cells[1].source.startswith("# made with ")


def test_a_plain_page_shows_a_picture_of_a_chapter():
    (cell,) = source.read_chapter("# T\n\n:::{expected} 02_gan_losses digits-walk\n:::\n").cells
    assert '<figure class="clip"' in cell.source


def test_a_label_that_no_cell_has_is_an_error_and_a_new_one_waits_for_its_run(read):
    text = (chapter.BOOK / f"{read.stem}.md").read_text(encoding="utf-8")
    label = next(cell.metadata["label"] for cell in read.notebook.cells if "label" in cell.metadata)
    with pytest.raises(SourceError, match="'nowhere'"):
        source.page(chapter.parse(text + "\n:::{expected} nowhere\n:::\n", read.stem))
    renamed = source.page(chapter.parse(re.sub(rf"(label: |{{expected}} ){label}\b", r"\1brand-new", text), read.stem))
    assert not reference_run.is_fresh(read.stem, renamed)
