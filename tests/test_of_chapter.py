"""`make check CHAPTER=...` runs what holds of that chapter, all of it and nothing of another."""
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from autograde.writing import changed, chapter
from tests import of_chapter

ROOT = Path(__file__).resolve().parent.parent
ONE, *OTHERS = ("05_stability", *sorted({*chapter.stems()} - {"05_stability"}))
OF_EACH = {
    "answers": {"test_the_reference_earns_every_point", "test_a_right_answer_earns_every_point",
                "test_a_wrong_answer_loses_points_and_is_told_why", "test_three_ways_agree_on_every_answer",
                "test_what_is_released_is_not_broken_here"},
    "notebook": {"test_the_committed_notebook_is_fresh", "test_nothing_leaks", "test_a_solved_notebook_runs_without_an_error"},
    "page": {"test_chapter_is_built_without_a_warning", "test_code_fits_its_column"},
    "style": {"test_ruff_finds_nothing"},
}
COLLECT = """
import json, sys, pytest
class Keep:
    def pytest_collection_finish(self, session):
        self.found = [(item.nodeid, item.originalname, dict(item.user_properties)) for item in session.items]
pytest.main(["--collect-only", "-qq", *sys.argv[1:]], plugins=[keep := Keep()])
print(json.dumps(keep.found))
"""


@pytest.fixture(scope="module", params=[[ONE], OTHERS], ids=["one", "others"])
def selected(request):
    """The chapters that were asked for, and the tests that then run: (id, function, what is reported of it)."""
    words = [word for stem in request.param for word in ("--chapter", stem)]
    done = subprocess.run([sys.executable, "-c", COLLECT, *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return request.param, json.loads(done.stdout.splitlines()[-1])


def test_each_chapter_has_tests_of_each_kind(selected):
    stems, tests = selected
    for stem in stems:
        for kind, names in OF_EACH.items():
            found = {name for _, name, about in tests if about["chapter"] in ("", stem) and about["kind"] == kind}
            assert names <= found, (stem, kind)


def test_nothing_of_another_chapter_runs(selected):
    stems, tests = selected
    assert tests
    for nodeid, _, about in tests:
        assert about["chapter"] in ("", *stems)
        _, bracket, parameters = nodeid.partition("[")
        assert not bracket or parameters.startswith((about["chapter"], about["chapter"].partition("_")[2])), nodeid


def test_every_answer_that_the_tests_know_is_asked(selected):
    stems, tests = selected
    for stem in stems:
        name = stem.partition("_")[2]
        known = import_module(f"tests.answers.{name}")
        number = sum(len(answers) for kind in (known.RIGHT, known.WRONG) for answers in kind.values())
        own = [function for nodeid, function, _ in tests if f"[{name}." in nodeid]
        assert sum(function.startswith(("test_a_right_answer", "test_a_wrong_answer")) for function in own) == number


def configured(*names):
    """The chapters that pytest chooses where it is told `--chapter NAME ...`."""
    config = SimpleNamespace(getoption=lambda option: list(names), stash=pytest.Stash())
    of_chapter.pytest_configure(config)
    return of_chapter.chosen(config)


def test_a_chapter_is_named_as_elsewhere(monkeypatch):
    assert configured() == []
    assert configured("5", "gan_losses", "book/05_stability.md") == ["02_gan_losses", "05_stability"]
    monkeypatch.setattr(changed, "chapters", lambda: ["03_cnn_features"])
    assert configured("all") == ["03_cnn_features"]


def test_a_typo_is_answered_with_a_name():
    with pytest.raises(pytest.UsageError, match="no chapter '05_stabilty'; did you mean '05_stability'"):
        configured("05_stabilty")


def test_where_nothing_changed_nothing_runs_and_all_is_well(monkeypatch):
    monkeypatch.setattr(changed, "chapters", list)
    with pytest.raises(pytest.exit.Exception, match="no chapter differs from main") as stop:
        configured("all")
    assert stop.value.returncode == 0


def test_a_file_that_cannot_be_read_is_named(monkeypatch, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:")
    monkeypatch.setattr(changed, "files", lambda: {broken})
    used_by = changed.dependencies._used_by
    monkeypatch.setattr(changed.dependencies, "_used_by",
                        lambda code, place="a cell": {broken} if place == "a cell" else used_by(code, place))
    with pytest.raises(pytest.UsageError, match="broken.py, line 1"):
        configured("all")


def test_a_module_holds_one_kind(tmp_path):
    module = tmp_path / "test_x.py"
    module.write_text("import pytest\n")
    assert of_chapter.kind_of(module) == ""
    other = tmp_path / "test_y.py"
    other.write_text('@pytest.mark.chapter("page")\n@pytest.mark.chapter("answers")\n')
    with pytest.raises(AssertionError, match="one kind"):
        of_chapter.kind_of(other)


def test_a_marked_test_that_names_no_chapter_is_a_mistake():
    item = SimpleNamespace(nodeid="test_x[3]", callspec=SimpleNamespace(params={"size": 3, "word": "stable.x"}))
    with pytest.raises(LookupError, match=r"test_x\[3\] is marked .* names none"):
        of_chapter.chapter_of(item)


def test_make_check_asks_for_the_chapter():
    def told(*words):
        return subprocess.run(["make", "-n", "check", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "-m pytest -n 2 -q --chapter=2 --chapter=05_stability\n" in told("CHAPTER=2 05_stability")
    assert "-m pytest -n 2 -q --chapter=all\n" in told()
