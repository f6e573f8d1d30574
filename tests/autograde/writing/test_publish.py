"""notebooks/ as `autograde release` writes and checks it."""
import pytest

from autograde.__main__ import main
from autograde.writing import publish, release
from autograde.writing.answers import SourceError


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    monkeypatch.setattr(release, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(publish, "ROOT", tmp_path)
    return tmp_path / "notebooks"


def test_written_notebooks_are_fresh_until_something_changes(notebooks, desk, capsys):
    assert main(["release", "--check", "2"]) == 1
    assert capsys.readouterr().out == "notebooks/02_gan_losses.ipynb is stale; run `autograde release`\n"
    assert main(["release", "gan_losses"]) == 0
    assert main(["release"]) == 0
    assert (notebooks / "02_gan_losses.ipynb").read_text() == release.text_of(desk.released)
    assert main(["release", "--check"]) == 0
    with (notebooks / "02_gan_losses.ipynb").open("a") as file:
        file.write(" ")
    assert main(["release", "--check"]) == 1


def test_a_notebook_whose_chapter_is_gone_is_stale(notebooks, desk):
    publish.write([desk.chapter])
    (notebooks / "99_gone.ipynb").write_text("{}")
    assert publish.stale([desk.chapter]) == ["notebooks/99_gone.ipynb"]


def test_what_gives_something_away_is_not_written(notebooks, desk, monkeypatch, capsys):
    monkeypatch.setattr(release, "leaks", lambda chapter, notebook: ["an answer", "a check"])
    with pytest.raises(SourceError, match="would give away:\n  an answer\n  a check"):
        publish.write([desk.chapter])
    assert main(["release"]) == 2 and not notebooks.exists()
