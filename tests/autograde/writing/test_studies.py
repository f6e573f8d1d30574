"""Numbers of studies in the text, on page and notebook."""
import json

import pytest

from autograde.writing import chapter, source, studies
from autograde.writing.answers import SourceError
from autograde.writing.markdown import PlainMarkdown

MODULE = 'SETTINGS = {"heavy": {"beta1": 0.9}, "light": {"beta1": 0.5}}\n\n\ndef measure(seed, *, beta1):\n    return {"modes": beta1}\n'
RUNS = {"heavy": [{"seed": 0, "modes": 1.0, "near": 0.5}, {"seed": 1, "modes": 3.0, "near": 0.7}],
        "light": [{"seed": 0, "modes": 7.0, "near": 0.8}, {"seed": 1, "modes": 7.0, "near": 0.8}]}
HEAD = "---\nkernelspec:\n  name: python3\n  display_name: Python 3\nchapter: 02_gan_losses\n---\n\n# 2 · Title\n\n"


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A study of two variants and two seeds; call it to keep other figures."""
    for place in ("SOURCES", "FIGURES"):
        monkeypatch.setattr(studies, place, tmp_path)
    (tmp_path / "momentum.py").write_text(MODULE)
    studies.made_of.cache_clear()

    def keep(**changed):
        found = {"command": "python -m benchmarks.studies momentum", "minutes": 2.5, "seeds": 2, "made of": studies.made_of("momentum"),
                 "variants": {"heavy": "$\\beta_1 = 0.9$", "light": "0.5"}, "runs": RUNS,
                 "numbers": {"modes": {"title": "modes", "form": ".1f"}, "near": {"title": "near", "form": ".0%"}}}
        (tmp_path / "momentum.json").write_text(json.dumps(found | changed))

    keep()
    yield keep
    studies.made_of.cache_clear()


def test_a_number_is_mean_and_standard_deviation_with_the_count_of_seeds(kept):
    assert studies.number("momentum.heavy.modes") == "2.0 ± 1.4 (2 seeds)"
    assert studies.number("momentum.heavy.modes short") == "2.0 ± 1.4"
    assert studies.number("momentum.heavy.near") == "60 ± 14 % (2 seeds)"
    assert studies.number("momentum.light.near short") == "80 %"


def test_a_table_has_a_row_a_variant_and_says_how_to_measure_it_again(kept):
    text = studies.table("momentum")
    assert text.split("\n")[:4] == ["|  | modes | near |", "|:--|--:|--:|", "| $\\beta_1 = 0.9$ | 2.0 ± 1.4 | 60 ± 14 % |",
                                    "| 0.5 | 7.0 | 80 % |"]
    assert "over 2 seeds" in text and "`python -m benchmarks.studies momentum`" in text and "2.5 minutes" in text


def test_counts_are_added_up_over_one_variant_or_all(kept):
    runs = {"heavy": [{"seed": 0, "right": 0}, {"seed": 1, "right": 1}], "light": [{"seed": 0, "right": 0}, {"seed": 1, "right": 0}]}
    kept(numbers={"right": {"title": "right", "form": "count"}}, runs=runs)
    assert [studies.number(f"momentum.{which}.right") for which in ("heavy", "light", "*")] == ["1 of 2", "0 of 2", "1 of 4"]
    text = studies.table("momentum")
    assert "| $\\beta_1 = 0.9$ | 1 |\n| 0.5 |  |" in text and "Counts over 2 seeds" in text


def test_page_notebook_and_appendix_say_the_same(kept):
    text = "A heap: {measured}`momentum.heavy.modes`.\n\n:::{measured} momentum\n:::\n\n:::{note}\n{measured}`momentum.light.near short`\n:::"
    read = chapter.parse(HEAD + text, "02_gan_losses")
    to_plain = PlainMarkdown(read, None)
    notebook = "\n".join(to_plain(cell.source) for cell in read.notebook.cells if cell.cell_type == "markdown")
    page = "\n".join(cell.source for cell in source.page(read).cells)
    (appendix,) = source.read_chapter(f"# T\n\n{text}").cells
    for shown in (notebook, page, appendix.source):
        assert "A heap: 2.0 ± 1.4 (2 seeds)." in shown and "| 0.5 | 7.0 | 80 % |" in shown
        assert "80 %\n" in f"{shown}\n" and "{measured}" not in shown


@pytest.mark.parametrize("key, said", [
    ("momentum.heavy", "expected {measured}`STUDY.VARIANT.NUMBER`"), ("momentum.heavy.modes long", "with ` short` behind it"),
    ("momentu.heavy.modes", "no study 'momentu'; there are momentum"), ("momentum.heavi.modes", "no variant .* 'heavi'; there are heavy, light"),
    ("momentum.heavy.mode", "no number .* 'mode'; there are modes, near")])
def test_a_number_that_is_not_there_stops_the_build(kept, key, said):
    with pytest.raises(SourceError, match=said):
        source.page(chapter.parse(HEAD + f"{{measured}}`{key}`", "02_gan_losses"))


@pytest.mark.parametrize("old, new, fresh", [
    ("def measure", '"""Titles."""\n\n\ndef measure', True), ("0.9}", "0.8}", False), (": beta1}", ": 2 * beta1}", False)])
def test_outdated_figures_stop_the_build(kept, tmp_path, old, new, fresh):
    assert old in MODULE
    (tmp_path / "momentum.py").write_text(MODULE.replace(old, new))
    studies.made_of.cache_clear()
    if fresh:
        assert studies.number("momentum.heavy.modes")
    else:
        with pytest.raises(SourceError, match="outdated.* run python -m benchmarks.studies momentum"):
            studies.number("momentum.heavy.modes")


def test_a_study_that_is_not_finished_or_not_measured_stops_the_build(kept, tmp_path):
    for runs in (RUNS | {"light": RUNS["light"][:1]}, {name: rows[:1] for name, rows in RUNS.items()}):
        kept(runs=runs)
        with pytest.raises(SourceError, match="the study momentum is not finished: run"):
            studies.table("momentum")
    (tmp_path / "momentum.json").unlink()
    with pytest.raises(SourceError, match="no figures of the study momentum yet: run"):
        studies.table("momentum")


# A benchmark whose figures have the form of a study's.

RUN = {"frechet": 3.0, "recall": 0.5, "cpu_seconds": 120}
VIDEO = {"command": "python -m benchmarks.lpc_video", "minutes": 25, "seeds": 2,
         "variants": {"real": "real clips", "mocogan": "MoCoGAN"},
         "numbers": {"frechet": {"title": "distance", "form": ".1f"}, "recall": {"title": "recall", "form": ".2f"},
                     "cpu_seconds": {"title": "CPU seconds", "form": ".0f"}},
         "runs": {"real": [{"frechet": 0.9, "recall": 0.96}],
                  "mocogan": [{"seed": 0, **RUN}, {"seed": 1, **RUN, "frechet": 5.0}]}}


def test_a_benchmark_is_read_like_a_study_and_what_a_row_has_not_stays_empty(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(studies, "FIGURES", tmp_path / "studies")
    with pytest.raises(SourceError, match="no figures of the study lpc_video yet: run python -m benchmarks.lpc_video"):
        studies.table("lpc_video")
    (tmp_path / "lpc_video.json").write_text(json.dumps(VIDEO))
    assert studies.table("lpc_video").split("\n")[2:4] == [
        "| real clips | 0.9 | 0.96 |  |", "| MoCoGAN | 4.0 ± 1.4 | 0.50 | 120 |"]
    assert studies.number("lpc_video.mocogan.frechet") == "4.0 ± 1.4 (2 seeds)"
    assert studies.number("lpc_video.real.recall") == "0.96"  # one run: nothing to count
