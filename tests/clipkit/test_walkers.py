"""Walkers against their labels: colours that are counted, steps that are measured."""
import itertools

import numpy as np
import pytest
import torch

import clipkit
from clipkit import walkers as source
from clipkit.walker_frames import ACTIONS, DIRECTIONS, STEP
from clipkit.walker_sheets import figures, scale2x

COLOURS = {"hair": source.HAIR, "skin": source.SKIN, "shirt": source.SHIRT, "trousers": source.TROUSERS}
# What dichromats see of linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.
DICHROMACY = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "none": np.eye(3),
}


@pytest.fixture(scope="module")
def walkers():
    return clipkit.Walkers(300, seed=4)


def pixels_of(clip: torch.Tensor, colour: str) -> int:
    """How many pixels of a clip have exactly this colour."""
    rgb = torch.tensor(list(bytes.fromhex(colour[1:]))) / 127.5 - 1
    return int(((clip - rgb.view(3, 1, 1)).abs() < 1e-4).all(1).sum())


def test_shape_range_and_type(walkers):
    assert walkers.clips.shape == (300, 16, 3, 32, 32)
    assert walkers.clips.dtype == torch.float32
    assert walkers.clips.min() >= -1 and walkers.clips.max() == 1
    assert clipkit.Walkers(2, num_frames=5, size=64).clips.shape == (2, 5, 3, 64, 64)


def test_the_seed_decides_everything(walkers):
    assert torch.equal(walkers.clips, clipkit.Walkers(300, seed=4).clips)
    assert not torch.equal(walkers.clips, clipkit.Walkers(300, seed=5).clips)


def test_more_clips_or_frames_leave_the_first_as_they_are(walkers):
    few = clipkit.Walkers(7, num_frames=3, seed=4)
    assert torch.equal(few.clips, walkers.clips[:7, :3])
    assert all(torch.equal(few.labels[name], walkers.labels[name][:7]) for name in few.labels)


@pytest.mark.parametrize("attribute", COLOURS)
def test_the_labelled_colour_is_worn_and_no_other(walkers, attribute):
    """The colour of another attribute may be the same, so the counts are compared with one another."""
    names = walkers.attributes[attribute]
    for clip, label in zip(walkers.clips, walkers.labels[attribute], strict=True):
        worn = [pixels_of(clip, COLOURS[attribute][name]) for name in names]
        assert worn[label] > 16 and int(np.argmax(worn)) == label


def test_every_value_is_drawn_about_equally_often(walkers):
    for name, values in walkers.attributes.items():
        counts = torch.bincount(walkers.labels[name], minlength=len(values))
        expected = 300 / len(values)
        assert ((counts - expected).abs() < 4 * expected**0.5).all(), (name, counts)


def test_every_motion_begins_again_after_16_frames():
    clips = clipkit.Walkers(64, num_frames=40).clips
    assert torch.equal(clips[:, 16:], clips[:, :-16])
    assert (clips[:, 1:] != clips[:, :-1]).flatten(1).any(1).all()


def test_person_and_ground_move_apart():
    """Where two sceneries show the same pixel there is a person, who hides all else; the rest is ground."""
    seen = {}
    for pace, scroll in itertools.product((0, 1), (-1, 0, 1)):
        day, dusk = (clipkit.Walkers(20, num_frames=8, action="walk", scene=scene, pace=pace, scroll=scroll).clips
                     for scene in ("meadow", "sunset"))
        seen[pace, scroll] = day, (day == dusk).all(2, keepdim=True)
    plain = clipkit.Walkers(20, num_frames=8, action="walk", scene="meadow").clips
    assert torch.equal(seen[1, 1][0], plain)
    still, walking = seen[0, 1][1], seen[1, 1][1]
    assert torch.equal(still, still[:, :1].expand_as(still)) and not torch.equal(walking, walking[:, :1].expand_as(walking))
    for scroll in (-1, 0, 1):  # the person is the same on any ground, and the ground behind any person
        for pace in (0, 1):
            assert torch.equal(seen[pace, scroll][1], seen[pace, 1][1])
        free = ~(seen[0, scroll][1] | seen[1, scroll][1]).expand_as(plain)
        assert torch.equal(seen[0, scroll][0][free], seen[1, scroll][0][free])
    ground = seen[1, 0][0].where(~walking, torch.nan)
    low, high = ground.nan_to_num(9).amin(1), ground.nan_to_num(-9).amax(1)
    assert ((low == high) | (low > high)).all()  # one colour in all frames that show it
    back, forth = seen[0, -1][0][:, 1], seen[0, 1][0][:, 1]
    assert not torch.equal(back, forth)
    twice = clipkit.Walkers(20, num_frames=8, action="walk", scene="meadow", scroll=17).clips
    assert torch.equal(twice, plain)  # a period more, and the ground is where it was


def test_every_second_frame_is_left_out():
    whole, half = clipkit.Walkers(8, num_frames=16), clipkit.Walkers(8, num_frames=8, every=2)
    assert torch.equal(half.clips, whole.clips[:, ::2]) and half.fps == whole.fps / 2


def test_left_is_right_in_a_mirror():
    left, right = (figures(32)[:, :2, DIRECTIONS.index(d)] for d in ("left", "right"))  # walk and wave
    assert torch.equal(left, right.flip(-1))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_who_turns_begins_where_the_label_says_and_goes_round(direction):
    turn = figures(32)[:, ACTIONS.index("turn")]
    first = turn[:, DIRECTIONS.index(direction), 0]
    views = [turn[:, DIRECTIONS.index(d), 0] for d in DIRECTIONS]
    assert sum(torch.equal(first, view) for view in views) == 1
    quarter = turn[:, DIRECTIONS.index(direction), ::4]
    assert len({frame.numpy().tobytes() for frame in quarter[0]}) == 4


@pytest.mark.parametrize("direction, by", [("right", -1), ("left", 1)])
def test_the_ground_goes_by_against_the_walker(direction, by):
    ground = clipkit.Walkers(4, action="walk", direction=direction).clips[..., 28:, :]
    moved = ground[:, :-1].roll(by, -1)
    assert torch.equal(ground[:, 1:, :, :, 1:-1], moved[..., 1:-1])


def test_who_does_not_walk_stays_before_a_still_scene():
    edge = clipkit.Walkers(64, action=("wave", "turn")).clips[..., :2]
    assert torch.equal(edge, edge[:, :1].expand_as(edge))


def test_a_foot_on_the_floor_does_not_slide():
    for (ahead, lift), (after, lift_after) in itertools.pairwise(STEP):
        if lift == lift_after == 0:
            assert after == ahead - 1  # as the ground does


def test_attributes_can_be_held():
    held = clipkit.Walkers(50, action="walk", scene=("night", "meadow"), seed=4)
    assert {held.describe(i)["action"] for i in range(50)} == {"walk"}
    assert {held.describe(i)["scene"] for i in range(50)} == {"night", "meadow"}
    assert torch.equal(held.labels["shirt"], clipkit.Walkers(50, seed=4).labels["shirt"])


def test_typos_and_impossible_wishes_are_answered():
    with pytest.raises(ValueError, match="attribute of walkers 'shirts'. Did you mean 'shirt'"):
        clipkit.Walkers(2, shirts="red")
    with pytest.raises(ValueError, match="shirt of walkers 'rde'. Did you mean 'red'"):
        clipkit.Walkers(2, shirt="rde")
    with pytest.raises(ValueError, match="at least one shirt"):
        clipkit.Walkers(2, shirt=())
    with pytest.raises(ValueError, match="size 32 or 64, got 48"):
        clipkit.Walkers(2, size=48)
    with pytest.raises(ValueError, match="count=0"):
        clipkit.Walkers(0)


def test_the_large_walkers_have_the_colours_of_the_small_ones():
    small, large = (clipkit.Walkers(200, num_frames=1, size=size) for size in (32, 64))
    assert all(torch.equal(small.labels[name], large.labels[name]) for name in small.labels)
    colours = [set(rgb_numbers(s.clips).unique().tolist()) for s in (small, large)]
    assert colours[1] <= colours[0] | {0xFFFFFF}  # the light in their eyes


def rgb_numbers(clips: torch.Tensor) -> torch.Tensor:
    """Each pixel's colour as one number, 0xRRGGBB."""
    levels = ((clips + 1) * 127.5).round().long()
    return (levels * torch.tensor([1 << 16, 1 << 8, 1]).view(3, 1, 1)).sum(-3)


def test_scale2x_smooths_a_diagonal_and_nothing_else():
    flat = np.arange(4, dtype=np.uint8).repeat(2).reshape(1, 8).repeat(8, 0)
    assert (scale2x(flat) == flat.repeat(2, 0).repeat(2, 1)).all()
    corner = np.array([[0, 1], [1, 1]], np.uint8)
    assert (scale2x(corner) == [[0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]).all()


@pytest.mark.parametrize("eyes", DICHROMACY)
@pytest.mark.parametrize("attribute", COLOURS)
def test_the_colour_blind_tell_the_colours_of_an_attribute_apart(attribute, eyes):
    seen = [lab(colour, DICHROMACY[eyes]) for colour in COLOURS[attribute].values()]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 14


def lab(colour: str, seen_as) -> np.ndarray:
    """CIELAB (D65) of "#rrggbb" after a matrix on linear RGB."""
    srgb = np.array(list(bytes.fromhex(colour[1:]))) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(seen_as) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = to_xyz @ linear / np.array([0.9505, 1, 1.089])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
