"""Walkers who are steered, against their commands: what moves, where to, and what is left to chance."""
import itertools

import pytest
import torch

from clipkit import SteeredWalkers
from clipkit.steered_walkers import COMMANDS, figures
from clipkit.walker_frames import PERIOD

LEFT, RIGHT, UP, DOWN = (COMMANDS.index(name) for name in ("left", "right", "up", "down"))
STAND, WAVE = COMMANDS.index("stand"), COMMANDS.index("wave")


@pytest.fixture(scope="module")
def steered():
    return SteeredWalkers(300, seed=4)


def held(command: str, count: int = 40, num_frames: int = 16, **options) -> SteeredWalkers:
    """Clips of one command, and of no other."""
    clips = SteeredWalkers(6 * count, num_frames=num_frames, hold=1e9, **options)
    clips.clips = clips.clips[clips.labels["command"][:, 0] == COMMANDS.index(command)]
    assert len(clips.clips) > count / 2
    return clips


def test_shapes_ranges_and_a_command_for_each_frame(steered):
    assert steered.clips.shape == (300, 32, 3, 32, 32) and steered.clips.dtype == torch.float32
    assert steered.clips.min() >= -1 and steered.clips.max() == 1
    commands = steered.labels["command"]
    assert commands.shape == (300, 32) and commands.dtype == torch.int64
    clip, labels = steered[3]
    assert torch.equal(labels["command"], commands[3]) and labels["hair"] == int(steered.labels["hair"][3])
    assert steered.describe(3)["command"] == [COMMANDS[c] for c in commands[3]]
    assert SteeredWalkers(2, num_frames=3, size=64).clips.shape == (2, 3, 3, 64, 64)
    batch, named = next(iter(torch.utils.data.DataLoader(steered, batch_size=4)))
    assert batch.shape == (4, 32, 3, 32, 32) and named["command"].shape == (4, 32)


def test_the_seed_decides_everything(steered):
    again, other = SteeredWalkers(300, seed=4), SteeredWalkers(300, seed=5)
    assert torch.equal(steered.clips, again.clips) and torch.equal(steered.labels["command"], again.labels["command"])
    assert not torch.equal(steered.clips, other.clips)


def test_more_clips_or_frames_leave_the_first_as_they_are(steered):
    few = SteeredWalkers(7, num_frames=9, seed=4)
    assert torch.equal(few.clips, steered.clips[:7, :9])
    assert torch.equal(few.labels["command"], steered.labels["command"][:7, :9])


@pytest.mark.parametrize("hold", [2, 8])
def test_commands_last_as_long_as_they_should_and_all_come_equally_often(hold):
    commands = SteeredWalkers(200, num_frames=64, hold=hold).labels["command"]
    changes = (commands[:, 1:] != commands[:, :-1]).float().mean().item()
    assert abs(changes - 1 / hold) < 4 * (1 / hold / (200 * 63)) ** 0.5
    counts = torch.bincount(commands.flatten(), minlength=6) / commands.numel()
    assert (counts - 1 / 6).abs().max() < 0.04


@pytest.mark.parametrize("command, rows, columns", [("left", 0, 1), ("right", 0, -1), ("up", 1, 0), ("down", -1, 0)])
def test_the_ground_goes_by_against_the_walker(command, rows, columns):
    """Who goes left sees the ground go right; who goes up, away from us, sees it come down."""
    ground = held(command).clips[..., 28:, :]
    moved = ground[:, :-1].roll((rows, columns), (-2, -1))
    assert torch.equal(ground[:, 1:, :, 1:-1, 1:-1], moved[..., 1:-1, 1:-1])
    assert not torch.equal(ground[:, 1:], ground[:, :-1])


@pytest.mark.parametrize("command", ["stand", "wave"])
def test_who_does_not_walk_stays_before_a_still_scene(command):
    edge = held(command).clips[..., :2]
    assert torch.equal(edge, edge[:, :1].expand_as(edge))


def test_who_stands_looks_where_it_went():
    """The frame after a walk is that of the same view: outside the face, legs and arms it is one of the walk's own."""
    clips = SteeredWalkers(400, num_frames=24, seed=1, haircut="long", hold=4)
    heads, command = clips.clips[..., 3:9, 8:24], clips.labels["command"]
    walks, stands = [], []
    for clip, frame in itertools.product(range(400), range(1, 24)):
        if command[clip, frame] == STAND and command[clip, frame - 1] in (LEFT, RIGHT, UP, DOWN):
            walks.append(heads[clip, frame - 1])
            stands.append(heads[clip, frame])
    walks, stands = torch.stack(walks), torch.stack(stands)
    bobbed = torch.stack([stands.roll(shift, -2)[..., 1:-1, :] for shift in (-1, 0, 1)])
    best = (bobbed - walks[..., 1:-1, :]).abs().flatten(2).mean(2).amin(0)
    other = (bobbed - walks.roll(1, 0)[..., 1:-1, :]).abs().flatten(2).mean(2).amin(0)
    assert best.median() < 0.02 < other.median()


def test_foot_hand_and_blinking_are_left_to_chance():
    """Of one look and command there are two beginnings, and they come about equally often."""
    one = {"haircut": "short", "hair": "brown", "skin": "tan", "shirt": "red", "trousers": "black", "scene": "night"}
    for command in ("left", "wave"):
        legs = held(command, count=100, num_frames=2, seed=3, **one).clips[..., 2, 10:28, 6:26]  # blue, without the eyes
        kinds, counts = legs[:, 1].flatten(1).unique(dim=0, return_counts=True)
        shares = counts.sort(descending=True).values / counts.sum()
        assert len(kinds) >= 2 and shares[0] < 0.75
    eyes = held("stand", num_frames=64, seed=3, **one).clips[..., 8:13, 10:22]
    shut = (eyes[:, 1:] != eyes[:, :-1]).flatten(2).any(2).float().mean().item()
    assert abs(shut - 2 * (1 / 16) * (15 / 16)) < 0.06


def test_every_pose_is_drawn_and_left_is_right_in_a_mirror():
    drawn = figures(32)
    assert drawn.shape == (3, 3, 4, PERIOD, 2, 32, 32)
    assert (drawn > 0).flatten(5).any(5).all()
    assert torch.equal(drawn[:, :2, 0], drawn[:, :2, 1].flip(-1))
    walk = drawn[:, 1]
    assert torch.equal(walk[:, :, 8:12], walk[:, :, 4:8]) and not torch.equal(walk[:, :, 8:12], walk[:, :, :4])
    assert len({frame.numpy().tobytes() for frame in drawn[0, 1, 0, :8, 0]}) == 8


def test_wishes_that_cannot_be_are_answered():
    with pytest.raises(ValueError, match="attribute of steered walkers 'action'"):
        SteeredWalkers(2, action="walk")
    with pytest.raises(ValueError, match="size 32 or 64, got 48"):
        SteeredWalkers(2, size=48)
    with pytest.raises(ValueError, match="hold=0"):
        SteeredWalkers(2, hold=0)
    assert set(SteeredWalkers(20, scene="night").labels["scene"].tolist()) == {2}
