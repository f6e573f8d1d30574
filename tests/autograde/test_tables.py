"""What the terminal shows while grading, and afterwards."""
import io

from rich.console import Console

from autograde import tables


def record(student, status, score=1.0):
    return {"student": student, "chapter": "02_gan_losses", "status": status, "said": "A sentence.", "score": score, "max_score": 31,
            "exercises": [{"score": None, "max_score": 3}]}


RECORDS = [record("ann", "graded"), record("[red]ben", "timed_out"), record("cay", "graded")]


def shown(thing=None, *, terminal=False):
    console = Console(file=io.StringIO(), width=120, force_terminal=terminal)
    if thing is not None:
        console.print(thing)
    return console


def outcome(records, seconds):
    seen = tables.Outcome(len(records))
    for one in records:
        seen.add(one)
    return "".join(shown(table).file.getvalue() for table in seen.tables(seconds))


def test_the_bar_counts_and_says_how_they_ended():
    console = shown(terminal=True)
    assert list(tables.watched(iter(RECORDS), 3, console)) == RECORDS
    assert "3/3" in console.file.getvalue() and "timed_out" in console.file.getvalue()


def test_a_file_gets_no_bar():
    console = shown()
    assert list(tables.watched(iter(RECORDS), 3, console)) == RECORDS and console.file.getvalue().strip() == ""


def test_the_table_has_a_row_each_and_a_tally():
    text = outcome(RECORDS, 12.3)
    assert "[red]ben" in text and "1 of 31, 3 by hand" in text and "A sentence." in text
    assert "3 submissions in 12 s: 2 graded, 1 timed_out" in text


def test_what_has_no_grade_does_not_look_like_nothing_earned():
    broken = record("dan", "broken", None) | {"exercises": [{"score": None, "max_score": 31}]}
    text = outcome([broken], 1.0)
    assert "not graded" in text and "of 31" not in text and "by hand" not in text and "1 broken" in text


def test_of_many_there_are_counts_and_those_without_a_grade():
    good = [record(f"s{i:03}", "graded") for i in range(tables.MANY)]
    text = outcome([*good, record("zoe", "crashed"), record("yan", "graded") | {"chapter": "03_cnn_features"}], 5)
    assert "202 submissions in 5 s: 201 graded, 1 crashed" in text
    assert "200 graded, 1 crashed" in text and "03_cnn_features" in text
    assert "zoe" in text and "s000" not in text and "yan" not in text
    assert "Not graded" not in outcome([*good, record("zoe", "graded")], 5)


def test_of_very_many_without_a_grade_the_first_are_shown_and_no_more_are_kept():
    seen = tables.Outcome(10 * tables.MANY)
    for number in reversed(range(10 * tables.MANY)):
        seen.add(record(f"s{number:04}", "refused"))
        assert len(seen._rows) <= 2 * tables.MANY
    text = "".join(shown(table).file.getvalue() for table in seen.tables(1))
    assert "s0000" in text and "s0199" in text and "s0200" not in text and f"the first 200 of {10 * tables.MANY};" in text
