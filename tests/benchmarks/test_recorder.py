"""A class on paper passes through the recorder: everybody is recorded once, in both databases, whatever runs replay."""
import dataclasses

import pytest

from benchmarks import recorder
from tests.autograde import postgresql

SOME = 31


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    kinds = tmp_path_factory.mktemp("recorder") / "kinds"
    return kinds, recorder.record(kinds, 3)


@pytest.mark.parametrize("name", recorder.DATABASES)
def test_everybody_is_recorded_once(kept, name):
    if name == "postgresql" and postgresql.missing():
        pytest.skip(postgresql.missing())
    figures = recorder.measure(name, *kept, SOME)
    assert figures["submissions"] == SOME
    assert 0 < figures["cpu_ms_each"] and 0 < figures["gradebook_kb_each"] < 10_000
    assert 100 < figures["peak_memory_mb"] and 100 < figures["notebook_kb_each"] < 1000


def test_a_score_that_differs_is_noticed(kept, tmp_path):
    kinds, real = kept
    recorder.lay_out(kinds, tmp_path, 4)
    url = f"sqlite:///{tmp_path}/gradebook.db"
    recorder.graded(tmp_path, url, real)
    recorder.look_through(tmp_path, url, real)
    with pytest.raises(AssertionError, match="student-00000"):
        recorder.look_through(tmp_path, url, dataclasses.replace(real, scores={d: s + 1 for d, s in real.scores.items()}))
    (tmp_path / "submitted" / "student-9").mkdir()
    with pytest.raises(AssertionError, match="student-9"):
        recorder.look_through(tmp_path, url, real)
