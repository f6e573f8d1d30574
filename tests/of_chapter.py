"""`pytest --chapter 05_stability`, which `make check` runs: of all tests those alone that hold something of one chapter.

Such a test is marked with the kind of what it holds, `@pytest.mark.chapter("answers")`, and has the chapter among its
parameters: its stem, its name, or one of its exercises. One without parameters holds of every chapter. The tests of one
kind run in one process: they share what takes long to make.
"""
from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from autograde.writing import changed, chapter, reference_run, source

ROOT = Path(__file__).parents[1]
KINDS = ("answers", "notebook", "page", "style")
CHOSEN = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chapter", action="append", default=[], metavar="NAME", help="only what holds of this chapter "
                     "(05_stability, stability or 5); all: of those that differ from main")


def pytest_configure(config: pytest.Config) -> None:
    names = config.getoption("--chapter")
    try:
        config.stash[CHOSEN] = sorted({stem for name in names for stem in _stems(name)})
    except (LookupError, SyntaxError) as error:
        raise pytest.UsageError(error.args[0] if isinstance(error, LookupError) else str(error)) from None
    if names and not chosen(config):
        pytest.exit("no chapter differs from main; name one: CHAPTER=05_stability", returncode=0)


def _stems(name: str) -> list[str]:
    return changed.chapters() if name == "all" else [chapter.find(name)]


def chosen(config: pytest.Config) -> list[str]:
    """Stems of the chapters that were asked for; none where all tests are to run."""
    return config.stash[CHOSEN]


@cache
def kind_of(module: Path) -> str:
    """What the marked tests of a module hold; "" where none is marked."""
    found = set(re.findall(r'^(?:@|pytestmark = )pytest\.mark\.chapter\("(\w+)"\)', module.read_text(encoding="utf-8"), re.M))
    assert len(found) < 2 and found <= {*KINDS}, f"{module}: one kind of {KINDS}, not {found}"
    return found.pop() if found else ""


def chapter_of(item: pytest.Item) -> str:
    """The stem of the chapter that a marked test is about; "" where it is about every one.

    Raises:
        LookupError: it has parameters, and none names a chapter.
    """
    if not hasattr(item, "callspec"):
        return ""
    named = {name: stem for stem in chapter.stems() for name in (stem, stem.partition("_")[2])}
    for value in item.callspec.params.values():
        if isinstance(value, str) and (stem := named.get(value.partition(".")[0])):
            return stem
    raise LookupError(f"{item.nodeid} is marked as a test of one chapter, and names none")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """To import all modules of tests takes longer than many a chapter."""
    is_other = chosen(config) and collection_path.suffix == ".py" and not kind_of(collection_path)
    return True if is_other else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not chosen(config):
        return
    kept, others = [], []
    for item in items:
        is_wanted = item.get_closest_marker("chapter") and chapter_of(item) in ("", *chosen(config))
        (kept if is_wanted else others).append(item)
    for item in kept:
        item.user_properties += [("chapter", chapter_of(item)), ("kind", kind_of(item.path))]
    items[:] = kept
    config.hook.pytest_deselected(items=others)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Of some chapters, all tests of a kind run in one process; of all tests, those of one file, and those of one chapter's
    answers: what the checks say of an answer is asked once for them."""
    from xdist.scheduler import LoadScopeScheduling

    names = {stem.partition("_")[2] for stem in chapter.stems()}

    class ByKind(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file, _, test = nodeid.partition("::")
            kind, about = kind_of(ROOT / file), re.search(r"\[(\w+)", test)
            if chosen(config):
                return kind
            return about[1] if kind == "answers" and about and about[1] in names else file

    return ByKind(config, log) if chosen(config) or config.option.dist == "loadfile" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was held of each chapter, and how long it took."""
    held = defaultdict(list)
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        about = dict(getattr(report, "user_properties", ()))
        if "chapter" in about:
            held[about["chapter"], about["kind"]].append(report)
    for stem in chosen(terminalreporter.config):
        terminalreporter.section(stem)
        for kind in KINDS:
            if reports := held[stem, kind] or held["", kind]:
                terminalreporter.write_line(f"{kind:10}{_said(reports)}", red=any(report.failed for report in reports))
        if not reference_run.is_fresh(stem, source.page_of(stem)):
            terminalreporter.write_line(f"Its code is newer than its stored run: `python -m autograde execute {stem}`")


def _said(reports: list[pytest.TestReport]) -> str:
    tests, seconds = {report.nodeid for report in reports}, sum(report.duration for report in reports)
    failed = {report.nodeid for report in reports if report.failed}
    return f"{len(tests):4} tests in {seconds:5.1f} s  {f'{len(failed)} FAILED' if failed else 'all hold'}"
