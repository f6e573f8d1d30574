"""Studies: the command that runs them, and that the book's text and their figures are of one piece."""
import json
import os
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from autograde.writing import chapter, source, studies
from benchmarks import machine
from benchmarks.studies import Study
from benchmarks.studies.__main__ import main

PAGES = sorted(chapter.BOOK.glob("*.md"))


@pytest.mark.parametrize("name", studies.names())
def test_figures_are_fresh_and_belong_to_what_the_study_says(name):
    module, found = import_module(f"benchmarks.studies.{name}"), studies.load(name)
    study: Study = module.STUDY
    assert found["variants"] == study.variants and list(found["runs"]) == list(study.variants) == list(module.SETTINGS)
    assert found["numbers"] == {key: number._asdict() for key, number in study.numbers.items()}
    assert found["about"] == module.__doc__.splitlines()[0] and found["minutes"] == study.minutes
    for runs in found["runs"].values():
        assert [run["seed"] for run in runs] == list(range(len(runs))) and len(runs) >= max(5, study.seeds)
        assert all(run.keys() == {"seed", "cpu_seconds", *study.numbers} for run in runs)
    assert found["machine"]["torch"] and found["machine"]["cpu"] and re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
    seconds = sum(run["cpu_seconds"] for runs in found["runs"].values() for run in runs)
    assert seconds / 2 <= 60 * study.minutes, "it takes longer on two cores than it says"


def test_all_studies_together_take_at_most_three_hours():
    assert 0 < sum(studies.load(name)["minutes"] for name in studies.names()) <= 180


def test_every_study_is_used_and_none_is_measured_that_is_gone():
    for name in studies.names():
        assert studies.pages_with(name), f"no sentence of the book rests on {name}"
    assert [path.stem for path in studies.files()] == studies.names()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_number_in_the_text_is_there(path):
    cells = source.page_of(path.stem).cells
    assert not [cell for cell in cells if cell.cell_type == "markdown" and "{measured}" in cell.source]


# A number typed by hand: where a paragraph speaks of a study, none of that study's numbers may stand there as a numeral.

CODE = re.compile(r"^(`{3,}|~{3,}).*?^\1\s*$", re.M | re.S)
SPREAD = re.compile(r"[\d.]+ ?%? ?± ?[\d.]+")
NUMERAL = re.compile(r"(?<![\w.,$])\d+(?:\.\d+)?(?: ?%)?(?![\w.]*\d)")


def typed_by_hand(text: str) -> list[str]:
    """Numerals of a page that repeat what a study nearby has measured, and spreads that no study gives."""
    prose = CODE.sub("", text)
    found = SPREAD.findall(prose)
    paragraphs = re.split(r"\n\s*\n", prose)
    for k, paragraph in enumerate(paragraphs):
        spoken_of = {key.split(".")[0] for key in studies.ROLE.findall(paragraph)}
        beside = [other for other in paragraphs[max(0, k - 1):k + 2] if re.match(r"[:`]{3,}\{measured\} \w+$", other, re.M)]
        spoken_of |= {re.search(r"\{measured\} (\w+)$", other, re.M)[1] for other in beside}
        shown = {numeral for name in spoken_of & set(studies.tables()) for numeral in numerals(studies.load(name))}
        bare = re.sub(r"\$[^$]*\$|\{[\w:]+\}`[^`]*`", "", paragraph)
        found += [numeral for numeral in NUMERAL.findall(bare) if numeral.replace(" %", "%") in shown]
    return found


def numerals(found: dict) -> set[str]:
    """What a study's means and single runs look like, as they are shown: only numerals that say enough to be told apart."""
    values = [(number["form"], [run[name] for run in runs]) for name, number in found["numbers"].items()
              for runs in found["runs"].values() if number["form"] != studies.COUNT and all(name in run for run in runs)]
    shown = {format(value, form) for form, runs in values for value in (*runs, sum(runs) / len(runs))}
    return {numeral for numeral in shown if re.search(r"\d\D*[\d%]", numeral) and numeral not in ("0%", "100%")}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_number_of_a_study_is_typed_by_hand(path):
    assert typed_by_hand(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("text, said", [
    ("Covers {measured}`toy.big.size short`, that is 2.5.", ["2.5"]),
    ("{measured}`toy.big.size` and a share of 40 %, of 8.", ["40 %"]),
    ("Nearly 40% there.\n\n:::{measured} toy\n:::\n\nOr 1.5 once.", ["40%", "1.5"]),
    ("It was 2.5 ± 0.1 here.", ["2.5 ± 0.1"]),
    ("Elsewhere 2.5 is another number.\n\nCovers {measured}`toy.big.size`.", []),
    ("With $\\beta_1 = 2.5$, {measured}`toy.big.size` of 8.\n\n```{code-cell}\nx = 2.5\n```", [])])
def test_a_number_typed_by_hand_is_found(toy, text, said):
    main(["toy", "--jobs", "1"])
    assert typed_by_hand(text) == said


# The command, with a study whose numbers are known.

TOY = '''"""A toy."""
from benchmarks.studies import Number, Study

SETTINGS = {"small": {"by": 0}, "big": {"by": 1}}


def measure(seed, *, by):
    from pathlib import Path
    with open(Path(__file__).parent / "calls", "a") as calls:
        calls.write(f"{by}{seed} ")
    if by and (Path(__file__).parent / "broken").exists():
        raise RuntimeError("out of order")
    return {"size": seed + 0.5 + by, "share": 0.4}


STUDY = Study(minutes=1, seeds=2, variants={"small": "a small one", "big": "a big one"},
              numbers={"size": Number("size", ".1f"), "share": Number("share", ".0%")})
'''


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A folder with one study, `toy`, and its figures."""
    import benchmarks.studies as package

    folder = tmp_path / "studies"
    folder.mkdir()
    (folder / "toy.py").write_text(TOY)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.setattr(machine, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(studies, "SOURCES", folder)
    monkeypatch.setattr(studies, "FIGURES", tmp_path / "figures" / "studies")
    monkeypatch.delitem(sys.modules, "benchmarks.studies.toy", raising=False)
    studies.made_of.cache_clear()
    yield folder
    studies.made_of.cache_clear()
    sys.modules.pop("benchmarks.studies.toy", None)


def kept() -> dict:
    return json.loads((studies.FIGURES / "toy.json").read_text())


def calls(folder: Path) -> list[str]:
    """Which runs were made since the last time, as variant and seed."""
    path = folder / "calls"
    made = sorted(path.read_text().split()) if path.exists() else []
    path.unlink(missing_ok=True)
    return made


def test_what_is_measured_is_kept_and_not_measured_again(toy, capsys):
    assert main(["toy", "--jobs", "2"]) == 0
    assert calls(toy) == ["00", "01", "10", "11"]
    first = kept()
    assert [run["size"] for run in first["runs"]["big"]] == [1.5, 2.5]
    assert first["command"] == "python -m benchmarks.studies toy"
    assert first["machine"] == machine.describe() and studies.number("toy.big.size short") == "2.0 ± 0.7"
    assert "| a big one | 2.0 ± 0.7 | 40 % |" in capsys.readouterr().out
    assert main(["--seeds", "3"]) == 0 and calls(toy) == ["02", "12"]
    assert studies.number("toy.big.size") == "2.5 ± 1.0 (3 seeds)"
    assert main(["toy"]) == 0 and calls(toy) == []
    assert main(["toy", "--again"]) == 0 and calls(toy) == ["00", "01", "10", "11"]


def test_a_smoke_run_keeps_nothing_and_makes_one_run_of_each(toy, capsys):
    assert main(["toy", "--preset", "smoke", "--jobs", "1"]) == 0
    assert calls(toy) == ["00", "10"] and not studies.FIGURES.exists() and "a big one | 1.5 |" in capsys.readouterr().out


def test_a_run_that_fails_loses_no_other(toy, capsys):
    (toy / "broken").touch()
    assert main(["toy", "--jobs", "1"]) == 1
    assert "toy, big, seed 0: out of order" in capsys.readouterr().err
    assert len(kept()["runs"]["small"]) == 2 and kept()["runs"]["big"] == []
    (toy / "broken").unlink()
    calls(toy)
    assert main(["toy", "--jobs", "1"]) == 0 and calls(toy) == ["10", "11"]


def test_changed_code_and_another_machine_measure_all_anew(toy, monkeypatch, capsys):
    main(["toy", "--jobs", "1"])
    path = studies.FIGURES / "toy.json"
    path.write_text(path.read_text().replace(f'"torch": "{machine.describe()["torch"]}"', '"torch": "0.4"'))
    calls(toy)
    assert main(["toy"]) == 0 and calls(toy) == [] and kept()["machine"]["torch"] == "0.4"  # all is there
    assert main(["toy", "--seeds", "3"]) == 0 and len(calls(toy)) == 6
    assert "another machine" in capsys.readouterr().out and kept()["machine"] == machine.describe()
    (toy / "toy.py").write_text(TOY.replace("0.5 + by", "0.25 + by"))
    studies.made_of.cache_clear()
    assert main(["toy"]) == 0 and calls(toy) == ["00", "01", "10", "11"]


def test_a_change_that_changes_no_number_is_verified_by_the_first_runs(toy, capsys):
    main(["toy", "--jobs", "1"])
    calls(toy)
    for change, runs, said in (("by + 0.5 + seed", ["00", "10"], "no number has changed"),
                               ("seed + 0.5 + by * 1.5", ["00", "00", "01", "10", "10", "11"], "another number in big")):
        (toy / "toy.py").write_text(TOY.replace("seed + 0.5 + by", change))
        studies.made_of.cache_clear()
        sys.modules.pop("benchmarks.studies.toy")
        assert main(["toy", "--verify", "--jobs", "1"]) == 0 and calls(toy) == runs
        assert said in capsys.readouterr().out and studies.load("toy")["made of"] == kept()["made of"]
    assert [run["size"] for run in kept()["runs"]["big"]] == [2.0, 3.0]
    assert main(["toy", "--verify"]) == 0 and calls(toy) == []  # not outdated: nothing to ask


def test_a_new_variant_needs_no_new_runs_of_the_others(toy):
    main(["toy", "--jobs", "1"])
    calls(toy)
    (toy / "toy.py").write_text(TOY.replace('"big": {"by": 1}}', '"big": {"by": 1}, "huge": {"by": 5}}').replace(
        '"big": "a big one"}', '"big": "a big one", "huge": "a huge one"}'))
    studies.made_of.cache_clear()
    sys.modules.pop("benchmarks.studies.toy")
    assert main(["toy", "--verify", "--jobs", "1"]) == 0 and calls(toy) == ["00", "10", "50", "51"]
    assert [len(kept()["runs"][name]) for name in ("small", "big", "huge")] == [2, 2, 2]


def test_a_new_title_needs_no_new_run(toy):
    main(["toy", "--jobs", "1"])
    calls(toy)
    (toy / "toy.py").write_text(TOY.replace("a big one", "the big one"))
    studies.made_of.cache_clear()
    sys.modules.pop("benchmarks.studies.toy")
    assert main(["toy"]) == 0 and calls(toy) == [] and kept()["variants"]["big"] == "the big one"


def test_other_numbers_than_named_are_an_error(toy, capsys):
    (toy / "toy.py").write_text(TOY.replace('"share": 0.4}', '"share": float("nan")}'))
    assert main(["toy", "--jobs", "1"]) == 1
    assert "expected finite numbers size, share, got {'size': 0.5, 'share': nan}" in capsys.readouterr().err


@pytest.mark.parametrize("name", studies.names())
def test_each_study_works_in_small(name, monkeypatch, capsys):
    monkeypatch.setitem(os.environ, "CLIPKIT_PRESET", "smoke")
    module = import_module(f"benchmarks.studies.{name}")
    found = module.measure(0, **list(module.SETTINGS.values())[-1])
    assert found.keys() == module.STUDY.numbers.keys()
