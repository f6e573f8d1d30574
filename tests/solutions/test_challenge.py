"""The challenge's parts against closed forms, and its scorer against entries whose worth is known."""
import pytest
import torch
from torch import nn

from solutions.challenge import (
    NOISE,
    Budget,
    Entry,
    challenge_clips,
    closeness,
    conv_flops,
    entry_step,
    make_clips,
    motion,
    originality,
    save_entry,
    time_spectrum,
    train_entry,
    train_mine,
)
from solutions.leaderboard.scorer import NUM_CLIPS, Score, Scorer, linear_clips, pixel_noise, small, stills
from solutions.measures.energy import count_flops
from solutions.models.latent_flow import VelocityNetwork
from solutions.models.registry import load

RNG = torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def train():
    return challenge_clips()


@pytest.fixture(scope="module")
def scorer(train):
    """The one that a student has: no network, and clips of a seed of their own."""
    return Scorer(train, challenge_clips(seed=1))


@pytest.fixture(scope="module")
def fresh():
    """Clips of the same kind that are in neither set (but for chance): what a perfect generator makes."""
    return challenge_clips(NUM_CLIPS, seed=99)


def test_the_training_set_is_what_models_of_clips_are_trained_on(train):
    assert torch.equal(train, load("walkers", preset="cpu", num_frames=8).clips)


@pytest.mark.parametrize("options", [{"kernel": 3}, {"kernel": 4, "stride": 2, "padding": 1}, {"kernel": 5, "stride": 3}])
def test_operations_of_a_convolution_are_those_that_torch_counts(options):
    layer, images = nn.Conv2d(5, 7, **{"kernel_size": options["kernel"]} | {k: v for k, v in options.items() if k != "kernel"},
                              bias=False), torch.zeros(3, 5, 16, 16)
    assert conv_flops(3, 16, 5, 7, **options) == count_flops(lambda: layer(images))


def test_a_perfect_generator_scores_high_and_noise_nothing(train, scorer, fresh):
    assert scorer(fresh).total > 90
    assert scorer(pixel_noise(train, NUM_CLIPS, RNG)).total < 3
    assert 10 < scorer(linear_clips(train, NUM_CLIPS, RNG)).total < 60
    assert scorer(stills(fresh)).motion < 0.05


@pytest.mark.parametrize("change", [lambda c: c, lambda c: c.flip(-1), lambda c: c.roll(1, -1),
                                    lambda c: (c - 0.1).clamp(-1, 1),
                                    lambda c: (c + 0.03 * torch.randn(c.shape, generator=RNG)).clamp(-1, 1)],
                         ids=["as they are", "mirrored", "shifted", "darker", "with noise"])
def test_copies_are_found(change, train, scorer, fresh):
    copies, ours, theirs = small(change(train[-256:])), small(train), small(challenge_clips(seed=1))
    assert originality(copies, ours, theirs) == 0
    half = torch.cat([copies[:128], small(fresh[:128])])  # of changed copies a few are missed
    assert originality(half, ours, theirs) < 0.6
    assert originality(small(fresh[:256]), ours, theirs) == 1


def test_good_frames_in_a_wrong_order_lose_motion(scorer, fresh):
    shuffled = fresh[:, torch.tensor([3, 7, 0, 5, 2, 6, 1, 4])]
    assert scorer(shuffled).motion < scorer(fresh).motion - 0.15


def test_motion_of_stills_and_of_a_steady_change():
    assert motion(torch.rand(2, 8, 3, 32, 32)[:, :1].expand(-1, 8, -1, -1, -1)).abs().max() == 0
    ramp = torch.linspace(-0.7, 0.7, 8)[None, :, None, None, None].expand(1, 8, 3, 32, 32)
    one, two, four = motion(ramp).view(3, 16).square()
    torch.testing.assert_close(one, torch.full((16,), 0.2))
    torch.testing.assert_close((two, four), (2 * one, 4 * one))


def test_closeness():
    assert [closeness(d, 1, 5) for d in (0.5, 1, 2, 5, 9)] == [1, 1, 0.5, 0, 0]


def test_linear_clips_have_the_mean_and_components_of_the_data(train):
    few = train[:400, :, :, ::4, ::4]
    made = linear_clips(few, 4000, RNG, rank=3)
    assert (made.mean(0) - few.mean(0)).abs().max() < 0.1
    expected = torch.linalg.svdvals((few - few.mean(0)).flatten(1))[:3] ** 2 / 400
    found = torch.linalg.svdvals((made - made.mean(0))[:1000].flatten(1))
    assert found[3] < 0.5 * found[2]  # three components (and a little clamping)
    torch.testing.assert_close(found[:3] ** 2 / 1000, expected, rtol=0.2, atol=0)


def test_a_total_is_a_geometric_mean():
    assert Score(1, 1, 1, 1).total == 100 and Score(1, 1, 0, 1).total == 0
    assert Score(0.5, 0.5, 0.5, 0.5).total == pytest.approx(25)


def test_a_budget_names_what_exceeds_it():
    within = {"training_flops": 1e12, "clip_flops": 1e6, "parameters": 10}
    assert Budget().exceeded(**within) == []
    assert Budget(parameters=5).exceeded(**within) == ["parameters: 10, allowed are 5"]


def test_the_entry_is_within_the_budget(train):
    entry = Entry()
    used = {"parameters": sum(value.numel() for value in entry.state_dict().values()),
            "clip_flops": count_flops(lambda: entry(torch.zeros(1, NOISE)).sum()),
            "training_flops": 1500 / 10 * count_flops(lambda: train_entry(train[:128], 10))}
    assert Budget().exceeded(**used) == []


def test_codes_and_back(train):
    torch.manual_seed(0)
    entry = Entry(codes=96)
    entry.find_axes(train[:512])
    codes = entry.encode(train[:512])
    torch.testing.assert_close(codes.std(0), torch.ones(96))
    assert codes.mean(0).abs().max() < 1e-3
    torch.testing.assert_close(entry.axes.T @ entry.axes, torch.eye(96), atol=1e-4, rtol=0)
    assert (entry.decode(codes) - train[:512]).square().mean() < 0.05 * train[:512].var()


def test_a_step_moves_the_velocity_and_then_the_average():
    torch.manual_seed(0)
    velocity, average = VelocityNetwork(4, width=8, blocks=1), VelocityNetwork(4, width=8, blocks=1)
    before = [p.detach().clone() for p in average.parameters()]
    entry_step(velocity, average, torch.optim.SGD(velocity.parameters(), 0.1), torch.randn(8, 4), RNG, 0.9)
    for old, now, new in zip(before, average.parameters(), velocity.parameters(), strict=True):
        torch.testing.assert_close(now.detach(), 0.9 * old + 0.1 * new.detach())


def test_my_codes_are_scaled_half_way_and_as_large_as_the_noise(train):
    given, mine = train_entry(train[:200], 1), train_mine(train[:200], 1)
    ratio = mine.scale ** 2 / given.scale
    torch.testing.assert_close(ratio, ratio.mean().expand(96))
    spread = mine.encode(train[:200]).std(0)
    assert spread.square().mean() == pytest.approx(1, abs=1e-3) and spread[0] > 3 * spread[-1]
    torch.testing.assert_close(mine.decode(mine.encode(train[:9])), given.decode(given.encode(train[:9])), atol=1e-4, rtol=0)


def test_clips_are_made_of_the_file_alone(train, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_entry(train_entry(train[:200], 2), tmp_path / "entry.safetensors")
    z = torch.randn(70, NOISE, generator=RNG)
    clips = make_clips(z)
    assert clips.shape == (70, 8, 3, 32, 32) and clips.abs().max() <= 1
    torch.testing.assert_close(make_clips(z[66:]), clips[66:], atol=1e-4, rtol=0)


@pytest.mark.parametrize("clips, message", [
    (torch.zeros(3, 8, 3, 32, 32), r"expected clips as float32 \(512, .* got torch.float32 \(3, 8"),
    (torch.zeros(512, 8, 3, 32, 32).double(), "got torch.float64"),
    (torch.full((512, 8, 3, 32, 32), 2.0), r"got 2 to 2: try \.clamp"),
    (torch.full((512, 8, 3, 32, 32), torch.nan), "NaN or infinity in 12582912 places"),
    ([1], "expected a tensor, got list"),
])
def test_what_cannot_be_scored_says_why(clips, message, scorer):
    with pytest.raises(ValueError, match=message):
        scorer(clips)


@pytest.mark.parametrize("frames", [8, 6, 5, 1])
def test_the_time_spectrum_is_the_sums_of_sines_and_cosines(frames):
    clips = torch.rand(2, frames, 3, 4, 3, generator=torch.Generator().manual_seed(0)) * 2 - 1
    angles = 2 * torch.pi * torch.outer(torch.arange(frames // 2 + 1), torch.arange(frames)) / frames
    even, odd = (torch.einsum("kt,ntchw->nkchw", waves, clips) for waves in (angles.cos(), angles.sin()))
    sizes = (even.square() + odd.square()).sqrt() / frames ** 0.5
    for same in (clips, clips.roll(1, 1), clips.flip(1)):  # begun elsewhere, and played backwards
        torch.testing.assert_close(time_spectrum(same), sizes, atol=1e-5, rtol=1e-4)
