"""What the judge of a course holds back, and how far a score scatters."""
import statistics

import pytest
import torch

from solutions.challenge import NOISE, challenge_clips
from solutions.leaderboard import board
from solutions.leaderboard.guard import VIEWS
from solutions.leaderboard.judge import HeldBack, Verdict, judge, public, standard_error
from solutions.leaderboard.scorer import NUM_CLIPS, linear_clips
from solutions.measures.clip_features import load_features


@pytest.fixture(scope="module")
def made():
    """Of a course whose network has hardly been trained; one entry stands there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(board, "entries", lambda train, steps: {"linear": linear_clips(train, NUM_CLIPS, torch.Generator())})
        return HeldBack.make(steps=2)


def test_a_course_has_a_secret_and_a_board_of_its_own(made):
    assert len(made.secret) == 64 and made.number("held-out clips") != public().number("held-out clips")
    assert set(made.classes) == set(load_features().heads)
    for_all, at_the_end = made.standing["linear"]
    assert 0 < for_all.score.total != at_the_end.score.total > 0 < for_all.error


def test_it_is_read_as_it_was_written(made):
    again = HeldBack.read(str(made))
    assert again == made
    images = torch.rand(2, 8, 3, 32, 32)
    torch.testing.assert_close(again.features()(images), made.features()(images))


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '{"secret": 1}', '{"standing": {"a": 3}}'])
def test_something_else_is_refused(text):
    with pytest.raises(ValueError, match="what the judge of a course holds back"):
        HeldBack.read(text)


def test_noise_follows_from_the_weights_alone(made):
    courses = [public(), made]
    for one in courses:
        z, paths = one.noise(b"weights")
        assert z.shape == (NUM_CLIPS, NOISE) and abs(z.std() - 1) < 0.02
        assert torch.equal(z, one.noise(b"weights")[0]) and torch.equal(paths, one.noise(b"weights")[1])
        assert not torch.equal(z, one.noise(b"other weights")[0])
    assert not torch.equal(*(one.noise(b"weights")[0] for one in courses))


def test_nothing_in_a_call_tells_which_rows_are_scored(made):
    """In no call are two places of one path; scored rows and others, of many lengths, are in each."""
    calls = []

    def make(z):
        calls.append(z)
        return torch.tanh(z[:, :48]).repeat(1, 512).view(-1, 8, 3, 32, 32)

    clips, even = made.asked(make, b"weights")
    z, _ = made.noise(b"weights")
    assert torch.equal(clips, make(z)) and even > 0.3
    scored = [(call[:, None] == z).all(2).any(1) for call in calls[:-1]]
    assert {len(call) for call in calls[:-1]} <= {44, 45} and all(0 < some.sum() < 22 for some in scored)
    for call, some in zip(calls[:-1], scored, strict=True):
        near = torch.nn.functional.normalize(call) @ torch.nn.functional.normalize(call).T - torch.eye(len(call))
        assert near.max() < 0.6 and some.nonzero().min() < 12 < 32 < some.nonzero().max()
    walking = torch.cat([call[~some] for call, some in zip(calls[:-1], scored, strict=True)])
    same = torch.nn.functional.normalize(walking) @ torch.nn.functional.normalize(walking[0], dim=0) > 0.85
    assert same.sum() == 25 and walking[same].norm(dim=1).std() > 1e-3


def test_the_halves_share_no_draw():
    assert not torch.equal(judge().board.held_out, judge().end.held_out)
    assert len(judge().board.held_out) == len(judge().end.held_out) == len(judge().train)


def test_the_error_is_how_totals_scatter():
    """Of the same model with other noise, the standard deviation of totals; ten draws know it to a quarter."""
    verdicts = []
    for seed in range(10):  # a model whose people are speckled; whether they are copied is not asked
        clips = challenge_clips(NUM_CLIPS, seed=100 + seed)
        noise = 0.05 * torch.randn(clips.shape, generator=torch.Generator().manual_seed(seed))
        rows = judge().board.describe((clips + noise).clamp(-1, 1))
        near = {name: (torch.ones(NUM_CLIPS), torch.ones(NUM_CLIPS)) for name in VIEWS}
        verdicts.append(Verdict(judge().board.put_together(rows, near), standard_error(judge().board, rows, near)))
    seen = statistics.stdev(verdict.score.total for verdict in verdicts)
    said = statistics.mean(verdict.error for verdict in verdicts)
    assert 0.5 < said / seen < 2, (said, seen)
    low, high = verdicts[0].interval
    assert high - low == pytest.approx(2 * 1.96 * verdicts[0].error) and " ± " in str(verdicts[0])
