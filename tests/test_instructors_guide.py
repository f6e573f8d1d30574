"""The commands that the instructor's guide, the README and the start page name are ones that the program takes."""
import re
import shlex
from pathlib import Path

import pytest

from autograde.__main__ import parser
from benchmarks import machine

ROOT = Path(__file__).parents[1]
PAGES = ("book/instructors_guide.md", "README.md", "book/index.md", "book/student_guide.md")


def lines(page):
    """Lines of the blocks of shell that begin with `autograde`, and what stands so in running text, without comments."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^\s*```(?:sh|bash)\n(.*?)^\s*```", text, re.MULTILINE | re.DOTALL)
    typed = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in (*typed, *re.findall(r"`(autograde [^`]+)`", text)) if line.startswith("autograde ")]


NAMED = {"check", "collect", "bundle"}  # commands that need more words than their name, where the text only names them
COMMANDS = [(page, line) for page in PAGES if (ROOT / page).exists() for line in lines(page)]


@pytest.mark.parametrize("page, line", COMMANDS, ids=str)
def test_a_named_command_parses(page, line, capsys):
    words = shlex.split(line, comments=True)[1:]
    try:
        parser().parse_args(words if len(words) > 1 or words[0] not in NAMED else [*words, "--help"])
    except SystemExit as stop:
        if stop.code:
            pytest.fail(f"{page}: {line}: {capsys.readouterr().err}")


def test_the_guide_shows_every_command_of_an_instructor():
    shown = {line.split()[1] for page, line in COMMANDS if page == PAGES[0]}
    assert shown >= set("doctor release bundle collect grade check feedback export summary leaderboard similar".split())


def test_the_guide_names_every_state_and_layer():
    from autograde import tables
    from autograde.doctor import _MEND
    text = (ROOT / PAGES[0]).read_text(encoding="utf-8")
    statuses = ("graded", "timed_out", "crashed", "unreadable", "refused", "broken")
    assert not [s for s in statuses if s not in tables.COLOURS or f"`{s}`" not in text]
    assert not [layer for layer in _MEND if layer not in text]


def recorded():
    """What the recorder was measured at, by database."""
    kept = machine.kept("recorder")
    return {name: kept[name] for name in ("sqlite", "postgresql")}


def test_what_is_kept_takes_the_room_that_was_measured():
    text = (ROOT / PAGES[0]).read_text(encoding="utf-8")
    size = re.search(r"grows by (\d+)\sKB a submission", text)
    memory = re.search(r"needs (\d+)\sGB of memory, however many", text)
    for found in recorded().values():
        assert int(size[1]) == pytest.approx(found["gradebook_kb_each"], rel=0.2)
        assert found["peak_memory_mb"] < int(memory[1]) * 1000
        assert found["peak_memory_mb"] < 1.5 * found["memory_mb_after_first_tenth"], "it does not grow with the class"
        assert found["last_tenth"]["cpu_ms_each"] < 1.5 * found["cpu_ms_each"], "nor does the time of each"


def test_the_arithmetic_follows_from_what_was_measured():
    text = (ROOT / PAGES[0]).read_text(encoding="utf-8")
    course = machine.kept("grading")["chapters"]
    worker, recording = (float(re.search(rf"\| \${name}\$ \| ([\d.]+)\s+s", text)[1]) for name in "wr")
    assert worker == pytest.approx(course["02_gan_losses"]["ours"]["core_s_each"], rel=0.2)
    assert recording == pytest.approx(max(found["ms_each_with_core"] for found in recorded().values()) / 1000, rel=0.2)
    assert f"approx {worker / recording:.0f}$ workers" in text
    rows = re.findall(r"^\| (\d+)(?:, for (\d+) graders)? \| ([\d.]+) (hours|minutes) \| (.*?) \|$", text, re.MULTILINE)
    assert len(rows) == 4
    for workers, graders, time, unit, limit in rows:
        by_workers, by_graders = worker / int(workers), recording / int(graders or 1)
        hours = 100_000 * max(by_workers, by_graders) / 3600
        assert float(time) == pytest.approx(hours * (60 if unit == "minutes" else 1), rel=0.03)
        assert ("worker" in limit) == (by_workers > by_graders)
    assert f"are {100_000 * (worker + recording) / 3600:.0f} core-hours" in text


def test_the_time_of_a_class_is_the_one_measured():
    text = (ROOT / PAGES[0]).read_text(encoding="utf-8")
    found = re.search(r"a class of (\d+) that hands in chapter 2 takes some\s+(\d+) seconds", text)
    students, seconds = map(int, found.groups())
    run = machine.kept("grading")["chapters"]["02_gan_losses"]["ours"]
    assert run["submissions"] == students and seconds == pytest.approx(run["wall_s"], rel=0.2)
