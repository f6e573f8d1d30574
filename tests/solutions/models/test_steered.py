"""People who are steered: no frame sees the future, the state does not grow, commands are heard."""
from dataclasses import replace

import pytest
import torch

from clipkit import ClipSet, SteeredWalkers
from solutions.models.registry import load, recipe
from solutions.models.steered import Critic, Rollout, Steered, commands_of, facing_us, state_of, windows
from solutions.real_time import MEMORY, NextFrame

DATA = SteeredWalkers(40, num_frames=7, hold=3)


def made(seed=0):
    return recipe("steered", DATA, "smoke", seed)


def fitted() -> Steered:
    """One that shows something: nothing is trained but its components."""
    generator = made().generator.eval()
    generator.codes.fit(DATA.clips.flatten(0, 1)[:, None])
    return generator


def test_windows_hold_what_was_before():
    codes, commands = torch.arange(2 * 9.0).view(2, 9, 1), torch.arange(18).view(2, 9) % 6
    real, before, command = windows(codes, commands, 4, ahead=3)
    assert sorted(row[MEMORY:].tolist() for row in real[..., 0]) == [[first, first + 1, first + 2, first + 3]
                                                                     for first in (1, 3, 5, 10, 12, 14)]
    for row, past, told in zip(real[..., 0], before[..., 0], command, strict=True):
        clip, start = int(row[MEMORY]) // 9, int(row[MEMORY]) % 9
        assert row.tolist() == [9 * clip + max(0, t) for t in range(start - MEMORY, start + 4)]
        assert past.tolist() == [9 * clip] + [9 * clip + max(0, start - back) for back in (2, 1)]
        assert told.tolist() == [(9 * clip + max(0, t)) % 6 for t in range(start - 3, start + 4)]
    with pytest.raises(ValueError, match="more than 9 frames"):
        windows(codes, commands, 9)


def test_clips_without_commands_are_told_nothing():
    assert commands_of(DATA).shape == (40, 7)
    assert (commands_of(ClipSet(torch.zeros(3, 5, 3, 32, 32))) == 0).all()


def test_the_future_changes_nothing_before_it():
    """Of commands and of noise: frame 4 on is changed, frames 0 to 3 stay as they were."""
    generator = fitted()
    z, command = torch.randn(5, generator.nz), torch.randint(6, (5, 6))
    clips = generator(z, command)
    other_command, other_z = command.clone(), z.clone()
    other_command[:, 3:] = (command[:, 3:] + 1) % 6
    other_z[:, generator.first.nz + 3 * generator.next.noise:] += 1
    for changed in (generator(z, other_command), generator(other_z, command)):
        assert torch.equal(changed[:, :4], clips[:, :4]) and not torch.equal(changed[:, 4], clips[:, 4])


def test_step_by_step_is_the_same_clip_and_the_state_does_not_grow():
    generator = fitted()
    z, command = torch.randn(3, generator.nz), torch.randint(6, (3, 6))
    state, noise = generator.begin(z[:, :generator.first.nz]), z[:, generator.first.nz:].unflatten(1, (6, -1))
    frames = [generator.shown(state)]
    for told, some in zip(command.unbind(1), noise.unbind(1), strict=True):
        state = generator.step(state, told, some)
        assert state.first.shape == (3, 8) and state.past.shape == (3, MEMORY, 8)
        frames.append(generator.shown(state))
    torch.testing.assert_close(torch.stack(frames, 1), generator(z, command))


def test_a_rollout_feeds_on_itself_and_gradients_come_back_through_all_of_it():
    next_frame = NextFrame(4, noise=3, width=8)
    rollout = Rollout(next_frame, 5)
    z, before, command = torch.randn(2, rollout.nz, requires_grad=True), torch.randn(2, 1 + MEMORY, 4), torch.randint(6, (2, 9))
    made_codes = rollout(z, before, command)
    assert torch.equal(made_codes[:, :MEMORY], before[:, 1:])
    state, noise = state_of(before), z.view(2, 5, 3)
    for t in range(5):
        state = state.then(next_frame(noise[:, t], command[:, 4 + t], state))
        torch.testing.assert_close(state.past[:, -1], made_codes[:, MEMORY + t])
    made_codes[:, -1].sum().backward()
    assert (z.grad.view(2, 5, 3).abs().sum(2) > 0).all()  # the last frame depends on the noise of every frame before


def test_a_run_up_is_the_networks_own_and_has_no_gradient():
    """Seven frames from the clip's first one, of which the last five are learnt from; real frames before have no say."""
    next_frame = NextFrame(4, noise=3, width=8)
    rollout, clip = Rollout(next_frame, 5), Rollout(next_frame, 7)
    z, before, command = torch.randn(2, 7 * 3, requires_grad=True), torch.randn(2, 1 + MEMORY, 4), torch.randint(6, (2, 9))
    made_codes = rollout(z, before, command)
    of_first = before[:, :1].expand(-1, 1 + MEMORY, -1)
    torch.testing.assert_close(made_codes, clip(z, of_first, command)[:, 2:])
    made_codes[:, -1].sum().backward()
    assert (z.grad.view(2, 7, 3).abs().sum(2) > 0).tolist() == [[False] * 2 + [True] * 5] * 2


def test_a_game_has_run_ups_of_all_lengths():
    game = made().game()
    z = [game.hooks.latent(torch.Generator().manual_seed(seed), 3) for seed in range(20)]
    noise, frames = game.generator.next.noise, game.generator.frames
    assert {one.shape for one in z} == {(3, (frames + ahead) * noise) for ahead in made().settings.ahead}
    assert {game.generator(one, *(label[:3] for label in game.labels)).shape for one in z} == {game.real[:3].shape}


def test_of_several_people_the_one_who_is_kept_is_taken():
    """With a network that gives back the last frame nobody moves, but for those whose code it cannot hold."""
    generator = fitted()
    z = torch.randn(3, 4, generator.first.nz)
    holds = lambda noise, command, state: state.past[:, -1].clamp(max=0)
    generator.next.forward = holds
    lost = generator.first(z).clamp(min=0).square().sum(2) / torch.stack([
        generator.shown(generator.begin(of_one)).flatten(1).var(1) for of_one in z])
    assert torch.equal(generator.likeliest(z), z[torch.arange(3), lost.argmin(1)])


def test_clips_begin_with_people_who_face_us():
    begins = facing_us(DATA)
    assert begins.any() and {DATA.attributes["command"][c] for c in DATA.labels["command"][begins]} == {"down"}
    assert facing_us(ClipSet(torch.zeros(3, 5, 3, 32, 32))).tolist() == [[True] * 5] * 3, "all, where nobody commands"


def test_the_critic_looks_at_frames_past_and_commands():
    critic, codes, before = Critic(4, 3, 6, 16), torch.randn(2, MEMORY + 3, 4), torch.randn(2, 1 + MEMORY, 4)
    command = torch.tensor([[5, 0, 1, 2], [5, 3, 4, 5]])
    logits = critic(codes, before, command)
    assert logits.shape == (2,)
    other_first, other_past = before.clone(), codes.clone()
    other_first[:, 0] += 1
    other_past[:, 0] += 1
    for changed in ((codes + 1, before, command), (other_past, before, command), (codes, other_first, command),
                    (codes, before, command.flip(1))):
        assert not torch.isclose(critic(*changed), logits).any()


def test_a_run_repeats_and_goes_on_and_leaves_torchs_generator_alone(tmp_path):
    state = torch.get_rng_state()
    small, again = made(), made()
    torch.set_rng_state(state)
    one, other = small.train(seed=3).ema, again.train(seed=3, checkpoint=tmp_path / "run.pt").ema
    assert torch.equal(torch.get_rng_state(), state)
    third = made().train(seed=3, checkpoint=tmp_path / "run.pt").ema  # nothing is left to do
    z = torch.randn(2, one.nz)
    assert isinstance(one, Steered) and not one.training
    assert torch.equal(one(z), other(z)) and torch.equal(other(z), third(z))
    assert one(z).shape == (2, 7, 3, 32, 32) and one(z).abs().max() <= 1


def test_a_command_is_learnt():
    """A world that is its command: the frame shows it. Teacher forcing alone learns that, and the rollout keeps to it."""
    command = torch.randint(6, (64, 9), generator=torch.Generator().manual_seed(0))
    clips = (command.float() / 5 * 2 - 1)[..., None, None, None].expand(64, 9, 1, 4, 4)
    data = ClipSet(clips.contiguous(), {"command": command}, {"command": tuple("abcdef")})
    torch.manual_seed(0)
    small = recipe("steered", data, "smoke")
    small = replace(small, settings=replace(small.settings, teaching=400, taught_rows=64, taught_lr=1e-2,
                                            game=replace(small.settings.game, steps=1)))
    ema = small.train().ema
    told = torch.tensor([[3, 1, 5, 0, 2, 4, 4, 0]])
    shown = ema(torch.randn(1, ema.nz), told)[0, 1:].mean((1, 2, 3))
    torch.testing.assert_close(shown, told[0] / 5 * 2 - 1, atol=0.15, rtol=0)


def test_the_data_have_commands():
    data = load("steered_walkers", preset="smoke", num_frames=6)
    assert data.clips.shape == (16, 6, 3, 32, 32) and data.labels["command"].shape == (16, 6)
    assert recipe("steered", data, "smoke").generator.next.commands == 6
