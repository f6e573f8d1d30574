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


def test_the_bar_counts_and_says_how_they_ended():
    console = shown(terminal=True)
    assert tables.watched(iter(RECORDS), 3, console) == RECORDS
    assert "3/3" in console.file.getvalue() and "timed_out" in console.file.getvalue()


def test_a_file_gets_no_bar():
    console = shown()
    assert tables.watched(iter(RECORDS), 3, console) == RECORDS and console.file.getvalue().strip() == ""


def test_the_table_has_a_row_each_and_a_tally():
    text = shown(tables.grades(RECORDS, 12.3)).file.getvalue()
    assert "[red]ben" in text and "1 of 31, 3 by hand" in text and "A sentence." in text
    assert "3 submissions in 12 s: 2 graded, 1 timed_out" in text


def test_what_has_no_grade_does_not_look_like_nothing_earned():
    broken = record("dan", "broken", None) | {"exercises": [{"score": None, "max_score": 31}]}
    text = shown(tables.grades([broken], 1.0)).file.getvalue()
    assert "not graded" in text and "of 31" not in text and "by hand" not in text and "1 broken" in text
