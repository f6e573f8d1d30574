"""What judges find ready in the process that they are forked from."""
import gc

import pytest

from autograde.checks import challenge
from autograde.grading.sandbox import warm
from solutions.leaderboard import judge


@pytest.fixture
def load():
    yield warm._load_checks()
    gc.unfreeze()


def test_what_takes_long_to_make_is_made_once_before_judges_are_forked(load, monkeypatch):
    made = []
    monkeypatch.setattr(challenge, "make_ready", made.append)
    for chapter, held_back in (("challenge", "a"), ("gan_losses", ""), ("challenge", "a"), ("challenge", "b")):
        load(chapter, held_back)
    assert made == ["a", "b"], "once for each course"


def test_where_it_cannot_be_made_no_other_chapter_suffers(load, monkeypatch):
    monkeypatch.setattr(challenge, "make_ready", lambda held_back: 1 / 0)
    load("challenge", "")


def test_of_the_challenge_that_is_the_public_judge(monkeypatch):
    monkeypatch.setattr(judge, "Judge", lambda held: "a judge")
    monkeypatch.setattr(challenge, "_sets", lambda held_back: None)
    challenge._judge.cache_clear()
    judge.judge.cache_clear()
    challenge.make_ready()
    assert (judge.judge.cache_info().misses, judge.judge()) == (1, "a judge") and judge.judge.cache_info().misses == 1
    challenge._judge.cache_clear()
    judge.judge.cache_clear()
