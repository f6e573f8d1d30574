"""The guard of the challenge: each view is blind to its disguise and to nothing else; what stands still is no generator."""
import itertools
import math

import pytest
import torch

from solutions.challenge import challenge_clips
from solutions.leaderboard.guard import (
    ANGLE,
    PATHS,
    STEPS,
    VIEWS,
    advance,
    as_it_is,
    evenness,
    evenness_factor,
    in_pairs,
    in_parts,
    in_time,
    squared,
    tiny,
    walk,
    what_is_left,
)

CLIPS, OTHERS = tiny(challenge_clips(12, seed=5)), tiny(challenge_clips(40, seed=6))
RNG = torch.Generator().manual_seed(0)


def test_squared_distances_are_those_of_torch():
    a, b = torch.randn(5, 7, generator=RNG), torch.randn(6, 7, generator=RNG)
    torch.testing.assert_close(squared(a, b), torch.cdist(a.double(), b.double()) ** 2)


def other_shirt(clips):
    """One field in another colour throughout."""
    changed = clips.clone()
    changed[..., 2:4, 2:4] += 0.7
    return changed


@pytest.mark.parametrize("view, change", [
    (as_it_is, lambda c: c), (as_it_is, lambda c: c.flip(-1)), (in_time, lambda c: c.roll(3, 1)),
    (in_time, lambda c: c.flip(1)), (in_time, lambda c: c.flip(1).roll(1, 1).flip(-1)), (in_parts, other_shirt),
    (in_parts, lambda c: other_shirt(c).roll(1, 1)), (in_pairs, lambda c: 0.5 * c + 0.5 * OTHERS[:len(c)])])
def test_a_view_sees_through_its_disguise(view, change):
    shown, among = change(CLIPS), torch.cat([CLIPS, OTHERS])
    assert view(shown, among).max() < 1e-3 < 0.2 < view(shown, OTHERS[20:]).median()


def test_parts_leave_out_the_four_fields_that_differ_most():
    noise, other = torch.randn(3, 5, 3, 8, 8, generator=RNG), torch.randn(4, 5, 3, 8, 8, generator=RNG)
    spectra = [torch.fft.rfft(c, dim=1, norm="ortho").abs() for c in (noise, torch.cat([other, other.flip(-1)]))]
    far = (spectra[0][:, None] - spectra[1]).square().unfold(-2, 2, 2).unfold(-2, 2, 2).sum((2, 3, -2, -1)).flatten(2)
    expected = far.sort(2).values[..., :12].sum(2).min(1).values.sqrt()
    torch.testing.assert_close(in_parts(noise, other).float(), expected, atol=1e-4, rtol=1e-4)


def test_pairs_leave_what_least_squares_leave_of_the_best_pair():
    flat = torch.cat([OTHERS[:6], OTHERS[:6].flip(-1)])[:, ::4].flatten(1).double()
    atoms, rows = flat - flat.mean(0), CLIPS[:, ::4].flatten(1).double() - flat.mean(0)
    best = torch.stack([(rows.T - pair @ torch.linalg.lstsq(pair, rows.T).solution).norm(dim=0)
                        for pair in (atoms[list(two)].T for two in itertools.combinations(range(12), 2))]).min(0).values
    found = in_pairs(CLIPS, OTHERS[:6])
    assert (found > best - 1e-6).all() and (found < 1.1 * best).all()  # four candidates to begin with, not all


@pytest.mark.parametrize("near, left", [(0.0, 1.0), (0.1, 1.0), (1.0, 0.0)])
def test_a_score_is_left_or_not(near, left):
    """`near`: the share of clips that are far nearer to one set, whichever it is; the others by chance to either."""
    one, two = 1 + 0.1 * torch.rand(2, 500, generator=RNG).double()
    copied = torch.arange(500) < near * 500
    for ours, theirs in ((one * (~copied), two), (two, one * (~copied))):
        found = what_is_left(ours, theirs, 0.2)
        assert found < 0.5 if near == 0.1 else found == left


def test_real_clips_pass_every_view():
    train, held_out, fresh = (tiny(challenge_clips(300, seed=seed)) for seed in (0, 1, 2))
    for name, (view, forgiven) in VIEWS.items():
        assert what_is_left(view(fresh, train), view(fresh, held_out), forgiven) > 0.9, name


def test_noise_walks_by_equal_turns_and_lengths():
    z = torch.randn(2 * PATHS, 128, generator=RNG)
    start, towards = z.split(PATHS)
    ways = walk(z)
    torch.testing.assert_close(ways[0], start)
    lengths = ways.norm(dim=2)
    torch.testing.assert_close(lengths[-1], towards.norm(dim=1))
    torch.testing.assert_close(lengths.diff(dim=0), lengths.diff(dim=0)[:1].expand(STEPS, -1), atol=1e-4, rtol=0)
    cosines = torch.nn.functional.cosine_similarity(ways[1:], ways[:-1], dim=2)
    torch.testing.assert_close(cosines, torch.full_like(cosines, math.cos(ANGLE / STEPS)))
    for begun, end, way in zip(start, ways[-1], towards, strict=True):  # in the plane of both
        assert torch.linalg.matrix_rank(torch.stack([begun, end, way]), rtol=1e-4) == 2


def as_clips(rows):
    return rows.unflatten(1, (2, 3, -1, 4))


@pytest.mark.parametrize("make, even", [
    (lambda z: as_clips(z @ MATRIX), (0.8, 1)),                               # a linear map
    (lambda z: as_clips(torch.tanh(2 * z @ MATRIX)), (0.5, 1)),               # a network
    (lambda z: as_clips(TABLE[(z @ MATRIX[:, :24]).argmax(1)]), (0, 0.01)),   # a table
    (lambda z: as_clips((z @ MATRIX).sign()), (0, 1)),
    (lambda z: as_clips(torch.ones(len(z), 96)), (0, 0)),                     # nothing changes
    (lambda z: as_clips(torch.sin(500 * z @ MATRIX)), (0, 0))])               # noise as a seed
def test_evenness_tells_a_network_from_a_table(make, even):
    z = torch.randn(2 * PATHS, 128, generator=torch.Generator().manual_seed(1))
    assert even[0] <= evenness(walking(make, z)) <= even[1]


def walking(make, z):
    return make(walk(z).flatten(0, 1)).unflatten(0, (STEPS + 1, PATHS))


MATRIX = torch.randn(128, 96, generator=RNG) / 128 ** 0.5
TABLE = torch.randn(24, 96, generator=RNG)


def test_evenness_does_not_depend_on_contrast():
    z = torch.randn(2 * PATHS, 128, generator=RNG)
    faint, strong = (evenness(walking(lambda z, s=scale: as_clips(s * torch.tanh(z @ MATRIX)), z)) for scale in (0.01, 1))
    assert faint == pytest.approx(strong, abs=1e-3)
    assert evenness_factor(0.07) == 0 and evenness_factor(0.121) == 1 and evenness_factor(0.095) == pytest.approx(0.5)


TURNS = torch.linspace(0, 1, 25)[:, None, None]
PEOPLE = challenge_clips(48, seed=7).view(2, 24, 8, 3, 32, 32)
LEAPS = (TURNS > torch.rand(24, 1, generator=RNG)).view(25, 24, 1, 1, 1, 1)
QUIVER = 0.02 * torch.sin(40 * TURNS + torch.arange(24.0)[:, None]).view(25, 24, 1, 1, 1, 1)


@pytest.mark.parametrize("clips, low, high", [
    (torch.lerp(*PEOPLE, TURNS.view(25, 1, 1, 1, 1, 1)), 0.6, 1.01),                         # the whole way, step by step
    (torch.where(LEAPS, *PEOPLE), 0, 0),                                                     # in one leap
    ((torch.where(LEAPS, *PEOPLE) + QUIVER).clamp(-1, 1), -0.05, 0.05),                      # quivering on
    (torch.stack([torch.where(leaps, *PEOPLE).roll(k, 1) for k, leaps in enumerate(LEAPS)]), -0.01, 0.01),  # walking on
    (PEOPLE[:1].expand(25, -1, -1, -1, -1, -1), 0, 0)])                                      # nowhere
def test_small_steps_get_ahead_or_do_not(clips, low, high):
    assert low <= advance(clips) <= high
