"""The board of the challenge: what stands on it, and that cheats end below."""
import pytest
import torch

from solutions.challenge import challenge_clips, originality
from solutions.leaderboard.board import (
    HELD_OUT,
    baselines,
    cheats,
    judge,
    leaderboard,
    tuned_noise,
)
from solutions.leaderboard.scorer import NUM_CLIPS, STANDING, Score, small

REFERENCE = "reference of chapter 14"
COPIES = ("training clips", "training clips, mirrored", "training clips with noise", "half of them copied")


@pytest.fixture(scope="module")
def train():
    return challenge_clips()


@pytest.fixture(scope="module")
def scored(train):
    """Every baseline and every cheat, scored by the judge."""
    return {name: judge()(clips) for name, clips in (baselines(train) | cheats(train)).items()}


def test_the_board_says_what_the_judge_finds(scored):
    assert list(STANDING) == sorted(STANDING, key=lambda name: -STANDING[name].total)
    assert {REFERENCE, *list(scored)[:4]} == set(STANDING)
    for name in STANDING.keys() - {REFERENCE}:
        assert scored[name] == pytest.approx(STANDING[name], abs=0.02), name


def test_every_cheat_ranks_below_every_entry_that_moves(scored, train):
    honest = min(STANDING[name].total for name in ("linear baseline", "MoCoGAN of chapter 10"))
    for name in cheats(train):
        assert scored[name].total < honest / 2, (name, scored[name])


def test_copies_count_nothing(scored):
    assert all(scored[name].originality == 0 and scored[name].total == 0 for name in COPIES)


def test_a_perfect_generator_would_win():
    perfect = judge()(challenge_clips(NUM_CLIPS, seed=99))
    assert perfect.total > 90 and perfect.originality == 1


def test_the_judges_clips_are_not_the_entrants(train):
    held_out = challenge_clips(seed=HELD_OUT)
    assert held_out.shape == train.shape and not torch.equal(held_out[0], train[0])
    assert originality(small(held_out[:512]), small(train), small(challenge_clips(seed=HELD_OUT + 1))) == 1


def test_tuned_noise_fools_the_network_and_nothing_else(train):
    network, targets = judge().network, train[:32]
    start, end = (((network(tuned_noise(targets, steps)) - network(targets)) ** 2).mean().item() for steps in (0, 12))
    assert end < 0.2 * start
    rows = judge().describe(tuned_noise(targets).repeat(16, 1, 1, 1, 1))
    far = judge().distances(rows)
    assert far["looks"] > judge().worst["looks"] and far["motion"] > 0.8 * judge().worst["motion"]


def test_a_leaderboard_is_sorted():
    table = leaderboard({"b": Score(0.1, 0.1, 0.1, 1), "a": Score(1, 0.9, 0.8, 1)}).splitlines()
    assert "originality" in table[0] and " 1 a " in table[1] and " 2 b " in table[2]
