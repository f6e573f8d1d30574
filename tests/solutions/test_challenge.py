"""The challenge's scorer against entries whose worth is known: perfect ones, poor ones, and cheats."""
import pytest
import torch

from clipkit import Walkers
from solutions.challenge import (
    NUM_CLIPS,
    Budget,
    Score,
    Scorer,
    baselines,
    challenge_data,
    leaderboard,
    linear_clips,
    motion,
    originality,
    pixel_noise,
    stills,
)
from solutions.models import load

RNG = torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def data():
    return challenge_data()


@pytest.fixture(scope="module")
def scorer(data):
    return Scorer(data[0].clips, data[1].clips)


@pytest.fixture(scope="module")
def fresh():
    """Clips of the same kind that are in neither set (but for chance): what a perfect generator makes."""
    return Walkers(NUM_CLIPS, num_frames=8, every=2, scene="meadow", seed=99).clips


@pytest.fixture(scope="module")
def linear(data, scorer):
    """The best of the weak baselines: cheats must rank below it."""
    clips = linear_clips(data[0].clips, NUM_CLIPS, torch.Generator().manual_seed(0))
    return clips, scorer(clips).total


def noised(clips, level):
    return (clips + level * torch.randn(clips.shape, generator=RNG)).clamp(-1, 1)


def test_the_training_set_is_what_models_of_clips_are_trained_on(data):
    assert torch.equal(data[0].clips, load("walkers", preset="cpu", num_frames=8).clips)
    assert not torch.equal(data[1].clips[0], data[0].clips[0]) and len(data[1]) == len(data[0])


def test_a_perfect_generator_scores_high_and_noise_nothing(data, scorer, fresh, linear):
    assert scorer(fresh).total > 90
    assert scorer(pixel_noise(data[0].clips, NUM_CLIPS, RNG)).total < 3
    assert 10 < linear[1] < 50


COPIES = {
    "training clips": lambda train, fresh: train,
    "with noise": lambda train, fresh: noised(train, 0.03),
    "mirrored": lambda train, fresh: train.flip(-1),
    "shifted": lambda train, fresh: train.roll(1, -1),
    "darker": lambda train, fresh: (train - 0.1).clamp(-1, 1),
    "half of them copied": lambda train, fresh: torch.cat([train[:256], fresh[:256]]),
}
CHEATS = {
    "one gray": lambda train, fresh: torch.zeros_like(train),
    "the mean clip": lambda train, fresh: train.mean(0).expand_as(train).contiguous(),
    "one good clip again and again": lambda train, fresh: fresh[:1].expand_as(train).contiguous(),
    "eight good clips again and again": lambda train, fresh: fresh[:8].repeat(64, 1, 1, 1, 1),
    "good stills": lambda train, fresh: stills(fresh),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies_count_nothing(name, data, scorer, fresh):
    found = scorer.copied(COPIES[name](data[0].clips[-NUM_CLIPS:], fresh))
    assert found.z > 8 and originality(found) == 0, found


def test_clips_that_nobody_has_copied_are_original(scorer, fresh):
    assert originality(scorer.copied(fresh)) == 1


@pytest.mark.parametrize("name", CHEATS)
def test_cheats_rank_below_the_linear_baseline(name, data, scorer, fresh, linear):
    score = scorer(CHEATS[name](data[0].clips[-NUM_CLIPS:], fresh))
    assert score.total < linear[1] / 2, score


def test_noise_tuned_to_the_networks_features_fools_the_network_and_nothing_else(data, scorer):
    """Pixels that descend on the distance to the features of training clips, as an attacker with the weights would."""
    target = scorer.describe(data[0].clips[:64])["features"]
    clips = (0.5 * torch.randn(64, 8, 3, 32, 32, generator=RNG)).clamp(-1, 1).requires_grad_()
    start = (scorer.network(clips) - target).square().mean().item()
    optimizer = torch.optim.Adam([clips], lr=0.05)
    for _ in range(12):
        optimizer.zero_grad()
        loss = (scorer.network(clips) - target).square().mean()
        loss.backward()
        optimizer.step()
        clips.data.clamp_(-1, 1)
    assert loss.item() < 0.2 * start  # the network is well on the way to being fooled
    described = scorer.describe(clips.detach().repeat(8, 1, 1, 1, 1))
    near = scorer.closeness(scorer.distances(described))
    assert near["looks"] == 0 and near["motion"] < 0.05


def test_good_frames_in_a_wrong_order_lose_motion(scorer, fresh):
    shuffled = fresh[:, torch.tensor([3, 7, 0, 5, 2, 6, 1, 4])]
    assert scorer(shuffled).motion < scorer(fresh).motion - 0.15


def test_motion_of_stills_and_of_a_steady_change():
    assert motion(torch.rand(2, 8, 3, 32, 32)[:, :1].expand(-1, 8, -1, -1, -1)).abs().max() == 0
    ramp = torch.linspace(-0.7, 0.7, 8)[None, :, None, None, None].expand(1, 8, 3, 32, 32)
    one, two, four = motion(ramp).view(3, 16).square()
    torch.testing.assert_close(one, torch.full((16,), 0.2))
    torch.testing.assert_close((two, four), (2 * one, 4 * one))


def test_linear_clips_have_the_mean_and_components_of_the_data(data):
    train = data[0].clips[:400, :, :, ::4, ::4]
    made = linear_clips(train, 4000, RNG, rank=3)
    assert (made.mean(0) - train.mean(0)).abs().max() < 0.1
    flat = (train - train.mean(0)).flatten(1)
    expected = torch.linalg.svdvals(flat)[:3] ** 2 / 400
    found = torch.linalg.svdvals((made - made.mean(0))[:1000].flatten(1))
    assert found[3] < 0.5 * found[2]  # three components (and a little clamping)
    torch.testing.assert_close(found[:3] ** 2 / 1000, expected, rtol=0.15, atol=0)


def test_a_total_is_a_geometric_mean():
    assert Score(1, 1, 1, 1).total == 100 and Score(1, 1, 0, 1).total == 0
    assert Score(0.5, 0.5, 0.5, 0.5).total == pytest.approx(25)
    table = leaderboard({"b": Score(0.1, 0.1, 0.1, 1), "a": Score(1, 0.9, 0.8, 1)}).splitlines()
    assert "originality" in table[0] and " 1 a " in table[1] and " 2 b " in table[2]


def test_a_budget_names_what_exceeds_it():
    within = {"training_flops": 1e12, "clip_flops": 1e6, "parameters": 10}
    assert Budget().exceeded(**within) == []
    assert Budget(parameters=5).exceeded(**within) == ["parameters: 10, allowed are 5"]


def test_baselines_are_entries(data, scorer):
    for clips in baselines(data[0].clips[:600]).values():
        assert clips.shape == (NUM_CLIPS, 8, 3, 32, 32) and clips.abs().max() <= 1


@pytest.mark.parametrize("clips, message", [
    (torch.zeros(3, 8, 3, 32, 32), r"expected 512 clips as a float32 tensor .* got torch.float32 \(3, 8"),
    (torch.zeros(512, 8, 3, 32, 32).double(), "got torch.float64"),
    (torch.full((512, 8, 3, 32, 32), 2.0), r"got 2 to 2: try \.clamp"),
    (torch.full((512, 8, 3, 32, 32), torch.nan), "got NaN or infinity in 12582912 places"),
])
def test_what_cannot_be_scored_says_why(clips, message, scorer):
    with pytest.raises(ValueError, match=message):
        scorer(clips)
