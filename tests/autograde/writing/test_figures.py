"""Tables of figures, as the page and the notebook show them."""
import json

import pytest

from autograde.writing import chapter, figures, source
from autograde.writing.answers import SourceError

RUN = {"frechet": 3.0, "precision": 0.9, "recall": 0.5, "motion": 80.0, "detail": 1.0, "cpu_seconds": 120}


@pytest.fixture
def kept(tmp_path, monkeypatch):
    runs = [{"seed": seed, **RUN, "frechet": far, "recall": recall} for seed, far, recall in ((0, 5, 0.1), (1, 3, 0.3), (2, 4, 0.9))]
    real = [{key: value for key, value in RUN.items() if key != "cpu_seconds"}]
    found = {"data": {"lpc": {"rows": {"mocogan": runs, "real clips": real}}}}
    (tmp_path / "lpc_video.json").write_text(json.dumps(found))
    monkeypatch.setattr(figures, "FIGURES", tmp_path)


def test_a_row_gives_medians_and_the_range_of_the_distance(kept):
    lines = figures.table("lpc_video lpc").splitlines()
    assert len(lines) == 4 and lines[0].count("|") == lines[2].count("|") == lines[3].count("|")
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == ["real clips", "3.0", "0.90", "0.50", "80", "1.00", ""]
    assert [cell.strip() for cell in lines[3].strip("|").split("|")][:4] == ["MoCoGAN", "4.0 (3.0 to 5.0)", "0.90", "0.30"]


def test_page_and_notebook_show_the_same(kept):
    text = (chapter.BOOK / "10_video_gan.md").read_text(encoding="utf-8")
    page = source.page(chapter.parse(text, "10_video_gan"))
    assert any(figures.table("lpc_video lpc") in cell.source for cell in page.cells)


@pytest.mark.parametrize("name, said", [
    ("speed", "expected {measured} lpc_video lpc or"), ("lpc_video lpc", "run python -m benchmarks.lpc_video")])
def test_what_there_is_not_is_an_error(name, said, monkeypatch, tmp_path):
    monkeypatch.setattr(figures, "FIGURES", tmp_path)
    with pytest.raises(SourceError, match=said):
        figures.table(name)
