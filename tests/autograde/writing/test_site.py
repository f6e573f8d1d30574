"""The commands that execute and build the book, without building it: what is run, side by side, and where it is kept."""
import os
import threading
from io import StringIO

import nbformat
import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from autograde.__main__ import main
from autograde.writing import reference_run, side_by_side, site, source


def page(code="print(1)", name="python3"):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# T"), nbformat.v4.new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": name, "display_name": name}
    return notebook


@pytest.fixture
def pages(monkeypatch, tmp_path):
    """A book of three pages of one cell each, with its outputs in a folder of their own; a dict to change them in."""
    pages = {"01_one": page("1"), "02_two": page("2"), "extra": page("3")}
    monkeypatch.setattr(source, "executed", lambda: list(pages))
    monkeypatch.setattr(source, "page_of", lambda stem: nbformat.from_dict(pages[stem]))
    monkeypatch.setattr(reference_run, "OUTPUTS", tmp_path / "outputs")
    return pages


def ran(notebook, preset="cpu", seconds=1.0):
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.metadata["reference_run"] = {"preset": preset, "seconds": seconds, "device": "2 CPU cores"}
    return notebook


@pytest.fixture
def runs(monkeypatch):
    """Executes nothing; a list of (code, preset, threads) that would have been run."""
    runs = []

    def execute(page, *, preset, threads):
        code = page.cells[-1].source
        runs.append((code, preset, threads))
        if code == "fail":
            raise RuntimeError("it failed")
        return ran(page, preset)

    monkeypatch.setattr(reference_run, "execute", execute)
    return runs


def test_a_page_is_run_for_real_with_its_preset_and_its_share_of_the_cores():
    code = "import os; print(os.environ['CLIPKIT_PRESET'], os.environ['OMP_NUM_THREADS'])"
    executed = reference_run.execute(page(code), preset="smoke", threads=1)
    (cell,) = executed.cells
    assert cell.outputs[0].text == "smoke 1\n"
    about = executed.metadata["reference_run"]
    assert about["preset"] == "smoke" and about["seconds"] > 0
    assert about["device"] == "1 CPU core" or "CPU" not in about["device"]


def test_the_first_build_executes_everything_and_the_second_only_what_was_edited(pages, runs, tmp_path):
    assert site.execute_missing(tmp_path / "cache") == list(pages)
    assert site.execute_missing(tmp_path / "cache") == []
    pages["02_two"].cells[0].source = "# Another title"
    assert site.execute_missing(tmp_path / "cache") == []
    pages["02_two"].cells[1].source = "22"
    assert site.execute_missing(tmp_path / "cache") == ["02_two"]
    assert [code for code, *_ in runs].count("22") == 1 and len(runs) == 4


def test_where_one_page_is_looked_at_no_other_runs_and_the_stale_ones_show_nothing(pages, runs, tmp_path):
    assert site.execute(["extra"]) == 0
    site.fill_cache(tmp_path / "cache")
    assert site.execute_missing(tmp_path / "cache", "smoke", only=["01_one"]) == ["01_one"]
    assert [(code, preset) for code, preset, _ in runs] == [("3", "cpu"), ("1", "smoke")]
    assert all(site.is_cached(tmp_path / "cache", page) for page in pages.values())
    assert site.execute_missing(tmp_path / "cache", only=[]) == []


@pytest.fixture
def build(tmp_path, monkeypatch):
    """build() brings a real book of two pages up to date as `autograde book` does; returns (pages executed, Sphinx's log)."""
    book, cache = tmp_path / "book", tmp_path / "cache"
    book.mkdir()
    front = "---\nkernelspec: {name: python3, display_name: Python 3}\n---\n"
    for stem in ("index", "other"):
        (book / f"{stem}.md").write_text(f"{front}# {stem}\n\n```{{code-cell}}\nprint('made in {stem}')\n```\n")
    monkeypatch.setattr(source, "BOOK", book)
    monkeypatch.setattr(source, "executed", lambda: ["index", "other"])
    settings = {
        "extensions": ["myst_nb"], "nb_custom_formats": {".md": "autograde.writing.source.read_chapter"},
        "nb_execution_mode": "cache", "nb_execution_cache_path": str(cache), "html_theme": "basic",
    }

    def run():
        executed, log = site.execute_missing(cache), StringIO()
        with patch_docutils(), docutils_namespace():
            Sphinx(book, None, book / "_out", book / "_trees", "html", settings, status=log, warning=log).build()
        return executed, log.getvalue()

    return run


def test_a_second_build_after_editing_one_page_executes_only_that_page(build, tmp_path):
    executed, log = build()
    assert sorted(executed) == ["index", "other"] and "Executing notebook" not in log
    other = tmp_path / "book" / "other.md"
    other.write_text(other.read_text().replace("made in other", "made anew"))
    executed, log = build()
    assert executed == ["other"] and "Executing notebook" not in log
    assert "made anew" in (tmp_path / "book" / "_out" / "other.html").read_text()
    assert "made in index" in (tmp_path / "book" / "_out" / "index.html").read_text()
    assert build()[0] == []


def test_stored_runs_spare_the_execution(pages, runs, tmp_path):
    assert site.execute(["1", "extra"]) == 0
    assert site.fill_cache(tmp_path / "cache") == ["01_one", "extra"]
    assert site.execute_missing(tmp_path / "cache") == ["02_two"]


def test_a_gpu_has_its_own_stored_runs_which_are_shown_when_asked_for(pages, runs, monkeypatch):
    assert site.execute([]) == 0 and site.execute(["1"], "gpu") == 0
    assert reference_run.path("01_one", "gpu").parent.name == "gpu"
    assert reference_run.load("01_one").notebook.metadata["reference_run"]["preset"] == "cpu"
    for stem, preset in {"01_one": "gpu", "02_two": "cpu"}.items():  # it has no other
        assert reference_run.load(stem, "gpu").notebook.metadata["reference_run"]["preset"] == preset
    monkeypatch.setenv("CLIPKIT_PRESET", "gpu")  # as while the book is built
    assert reference_run.load("01_one").notebook.metadata["reference_run"]["preset"] == "gpu"


def test_one_that_fails_is_named_and_the_others_are_kept(pages, runs, capsys):
    pages["02_two"] = page("fail")
    assert site.execute([]) == 1
    assert "02_two: it failed" in capsys.readouterr().err
    assert reference_run.load("01_one") and reference_run.load("extra") and not reference_run.load("02_two")


def test_pages_run_at_once_with_the_cores_divided_and_the_longest_first(pages, runs, monkeypatch):
    for stem, seconds in {"01_one": 5.0, "02_two": 50.0}.items():
        reference_run.keep(stem, ran(page(), seconds=seconds))
    assert side_by_side.longest_first(list(pages)) == ["extra", "02_two", "01_one"]
    together = threading.Barrier(2, timeout=20)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    execute = reference_run.execute
    monkeypatch.setattr(reference_run, "execute", lambda *a, **k: (together.wait(), execute(*a, **k))[1])
    assert len(list(side_by_side.run_all(["01_one", "02_two"], "cpu", 2))) == 2
    assert {threads for *_, threads in runs} == {2}


def test_a_page_alone_has_all_cores(pages, runs):
    list(side_by_side.run_all(["01_one"], "cpu", 2))
    assert runs == [("1", "cpu", None)]


def test_room_is_bounded_by_memory_and_cores(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 16)
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PAGE_SIZE": 4096}.get(name, 7 * 2**30 // 4096))
    assert side_by_side.room() == 2
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PAGE_SIZE": 4096}.get(name, 2**30 // 4096))
    assert side_by_side.room() == 1


def test_options_of_the_command(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(site, "book", lambda preset, **options: asked.update(options, preset=preset) or 0)
    assert main(["book", "--as", "pdf", "--preset", "gpu", "--output", str(tmp_path), "--jobs", "2"]) == 0
    assert asked == {"form": "pdf", "output": tmp_path, "jobs": 2, "preset": "gpu"}
