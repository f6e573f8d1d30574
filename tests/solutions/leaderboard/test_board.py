"""The board of the challenge: what stands on it, and that cheats end below."""
import pytest

from solutions.challenge import challenge_clips
from solutions.leaderboard.board import REFERENCE, REFERENCE_GAN, baselines, leaderboard
from solutions.leaderboard.cheats import copies, few, generators, tuned_noise
from solutions.leaderboard.guard import evenness_factor
from solutions.leaderboard.judge import Verdict, judge
from solutions.leaderboard.scorer import NUM_CLIPS, STANDING, Score

MOCOGAN = STANDING["MoCoGAN of chapter 10"].total
train = challenge_clips()
COPIES, FEW, GENERATORS = copies(train), few(train), generators()


def test_the_board_says_what_the_judge_finds():
    scored = {name: judge().board(clips) for name, clips in baselines(train).items()}
    assert list(STANDING) == sorted(STANDING, key=lambda name: -STANDING[name].total)
    assert {REFERENCE, REFERENCE_GAN, *scored} == set(STANDING)
    for name in STANDING.keys() - {REFERENCE, REFERENCE_GAN}:
        assert scored[name] == pytest.approx(STANDING[name], abs=0.02), name


@pytest.mark.parametrize("name", COPIES)
def test_copies_rank_below_the_baselines(name):
    assert (score := judge().board(COPIES[name]())).total < MOCOGAN / 2, score


@pytest.mark.parametrize("name", FEW)
def test_what_no_generator_made_ranks_below_the_baselines(name):
    """So do clips that were held out: whoever has found them is suspiciously near."""
    assert (score := judge().board(FEW[name]())).total < MOCOGAN / 2, score


@pytest.mark.parametrize("name", GENERATORS)
def test_what_is_looked_up_or_drawn_ranks_below_the_baselines(name):
    clips, even = judge().held.asked(GENERATORS[name])
    score = judge().board(clips)
    assert score.total * evenness_factor(even) < MOCOGAN / 2, (score, even)


def test_a_perfect_generator_would_win():
    perfect = judge().board(challenge_clips(NUM_CLIPS, seed=99))
    assert perfect.total > 90 and perfect.originality > 0.9


def test_tuned_noise_fools_the_network_and_nothing_else():
    network, targets = judge().network, train[:32]
    start, end = (((network(tuned_noise(targets, steps)) - network(targets)) ** 2).mean().item() for steps in (0, 12))
    assert end < 0.2 * start
    board = judge().board
    far = board.distances(board.describe(tuned_noise(targets).repeat(16, 1, 1, 1, 1)))
    assert far["looks"] > board.worst["looks"] and far["motion"] > 0.8 * board.worst["motion"]


def test_a_leaderboard_is_sorted():
    table = leaderboard({"b": Verdict(Score(0.1, 0.1, 0.1, 1)), "a": Verdict(Score(1, 0.9, 0.8, 1), 1.0)}).splitlines()
    assert "originality" in table[0] and " 1 a " in table[1] and " 2.0 " in table[1] and " 2 b " in table[2]
