"""Frames of the person who is steered, by three ways of drawing them."""
import pytest

from autograde.writing import browser
from benchmarks import live_frames, machine


def test_all_three_draw_and_are_compared():
    if browser.find() is None:
        pytest.skip("there is no browser")
    found = live_frames.measure(rounds=1, frames=2)
    times = found["milliseconds"]
    assert set(times) == {"torch", "page", "telephone"} and min(times.values()) > 0
    assert found["telephone_frames_a_second"] == pytest.approx(1000 / times["telephone"], rel=0.01)
    assert found["page_times_torch"] == pytest.approx(times["page"] / times["torch"], rel=0.1)


def test_a_telephone_is_fast_enough():
    """By the figures that are kept; their machine stands beside them."""
    assert machine.kept(live_frames.NAME)["telephone_frames_a_second"] >= live_frames.GOAL
