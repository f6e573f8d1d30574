"""Answers to the exercises of chapter 14, Real time; see tests/answers/gan_losses.py."""
from collections import deque
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import nn

from autograde.checks.real_time import game_variant, r1_variant
from solutions.after_gans import euler
from solutions.real_time import State, approximate_r1, frame_game, obedience, rollout, teacher_forced
from solutions.stability import pairing_losses, squared_gradient_norm


def one_step(advance):
    class OneStep(nn.Module):
        def __init__(self, velocity):
            super().__init__()
            self.velocity = velocity

        def forward(self, z):
            return advance(self.velocity, z)
    return OneStep


def zeros(z):
    return torch.zeros(len(z))


class FrozenStep(nn.Module):
    """Wrong: a copy."""

    def __init__(self, velocity):
        super().__init__()
        self.velocity = deepcopy(velocity)

    def forward(self, z):
        return z + self.velocity(z, zeros(z))


class StepInEval(nn.Module):
    """Wrong: leaves its velocity in eval mode."""

    def __init__(self, velocity):
        super().__init__()
        self.velocity = velocity

    def forward(self, z):
        self.velocity.eval()
        return z + self.velocity(z, zeros(z))


def noisy(critic, x, sigma, rng):
    return x + sigma * torch.randn(x.shape, generator=rng), x


def r1_at_once(critic, x, sigma, rng):
    """Right: both logits from one call."""
    there, here = critic(torch.cat(noisy(critic, x, sigma, rng))).chunk(2)
    return F.mse_loss(there, here) / sigma ** 2


def r1_in_place(critic, x, sigma, rng):
    """Right: noise drawn into a copy, and the other difference."""
    noise = torch.empty_like(x).normal_(generator=rng).mul_(sigma)
    slopes = (critic(x) - critic(x + noise)) / sigma
    return slopes.pow(2).sum() / len(x)


def seeded_noise(z):
    return torch.randn(z.shape, generator=torch.Generator().manual_seed(3))


def r1_by_dot(critic, x, sigma, rng):
    """Right: the squared length of the vector of changes."""
    noise = torch.normal(0.0, 1.0, tuple(x.shape), generator=rng)
    change = (critic(torch.add(x, noise, alpha=sigma)) - critic(x)) / sigma
    return change @ change / change.numel()


def r1_seeding(critic, x, sigma, rng):
    """Wrong: noise of torch's own generator, seeded anew."""
    torch.manual_seed(0)
    return ((critic(x + sigma * torch.randn_like(x)) - critic(x)) / sigma).square().mean()


def r1_unseeded(critic, x, sigma, rng):
    return ((critic(x + sigma * torch.randn_like(x)) - critic(x)) / sigma).square().mean()


def r1_writing(critic, x, sigma, rng):
    here = critic(x)
    x += sigma * torch.randn(x.shape, generator=rng)
    return ((critic(x) - here) / sigma).square().mean()


def r1_in_eval(critic, x, sigma, rng):
    """Wrong: leaves the critic in eval mode."""
    if isinstance(critic, nn.Module):
        critic.eval()
    return r1_by_dot(critic, x, sigma, rng)


def r1_flat(critic, x, sigma, rng):
    """Wrong: noise for rows (B, K) alone."""
    noise = torch.randn(len(x), x.shape[1], generator=rng)
    return ((critic(x + sigma * noise) - critic(x)) / sigma).square().mean()


def r1_item(critic, x, sigma, rng):
    return r1_at_once(critic, x, sigma, rng).item()


def step_by_gradients(G, D, turn_g, turn_d, real, z, rng, *, gamma=0.2, sigma=0.05):
    """Right: gradients by torch.autograd.grad, put where the optimisers look."""
    def move(turn, loss):
        weights = [p for group in turn.param_groups for p in group["params"]]
        for p, g in zip(weights, torch.autograd.grad(loss, weights)):
            p.grad = g
        turn.step()

    fake = G(z)  # with its graph: grad() asks for D's weights alone
    loss_d = pairing_losses(D(real), D(fake.detach()))[0]
    steep = sum(approximate_r1(D, x, sigma, rng) for x in (real, fake.detach()))
    move(turn_d, loss_d + gamma * steep / 2)
    loss_g = pairing_losses(D(real).detach(), D(fake))[1]
    move(turn_g, loss_g)
    return loss_d.detach(), loss_g.detach()


def step_in_one_batch(G, D, turn_g, turn_d, real, z, rng, *, gamma=0.2, sigma=0.05):
    """Right: real and fake samples in one batch; D's weights frozen in G's turn; gradients set to 0, at the end, too."""
    weights = [p for group in turn_d.param_groups for p in group["params"]]
    with torch.no_grad():
        fake = G(z)
    up, down = D(torch.cat([real, fake])).chunk(2)
    loss_d = F.softplus(down - up).mean()
    turn_d.zero_grad(set_to_none=False)
    loss_d.backward()
    (gamma / 2 * approximate_r1(D, real, sigma, rng)).backward()
    (gamma / 2 * approximate_r1(D, fake, sigma, rng)).backward()
    turn_d.step()
    for p in weights:
        p.requires_grad_(False)
    turn_g.zero_grad(set_to_none=False)
    loss_g = F.softplus(D(real) - D(G(z))).mean()
    loss_g.backward()
    turn_g.step()
    for p in weights:
        p.requires_grad_(True)
    turn_d.zero_grad()
    turn_g.zero_grad()
    return loss_d.item(), loss_g.item()


def step_with_fakes_kept(G, D, turn_g, turn_d, real, z, rng, *, gamma=0.2, sigma=0.05):
    """Right: the fakes are made once, both gradients cleared at the start."""
    turn_d.zero_grad()
    turn_g.zero_grad()
    made = G(z)
    fake = made.detach()
    noise = [sigma * torch.randn(x.shape, generator=rng) for x in (real, fake)]
    up, down = D(real), D(fake)
    steep = ((D(real + noise[0]) - up) ** 2).mean() + ((D(fake + noise[1]) - down) ** 2).mean()
    loss_d = pairing_losses(up, down)[0]
    (loss_d + 0.5 * gamma * steep / sigma ** 2).backward()
    turn_d.step()
    loss_g = pairing_losses(D(real), D(made))[1]
    loss_g.backward()
    turn_g.step()
    return [loss_d.detach(), loss_g.detach()]


def step_with(last):
    def step(G, D, turn_g, turn_d, real, z, rng, *, gamma=0.2, sigma=0.05):
        fake = G(z).detach()
        loss_d, _ = pairing_losses(D(real), D(fake))
        steep = approximate_r1(D, real, sigma, rng) + approximate_r1(D, fake, sigma, rng)
        turn_d.zero_grad()
        (loss_d + gamma / 2 * steep).backward()
        turn_d.step()
        _, loss_g = pairing_losses(D(real), D(G(z)))
        turn_g.zero_grad()
        loss_g.backward()
        turn_g.step()
        return last(loss_d, loss_g)
    return step


def step_in_one_graph(G, D, turn_g, turn_d, real, z, rng, *, gamma=0.2, sigma=0.05):
    """Wrong: fakes that are not detached in D's turn, and used again."""
    fake = G(z)
    loss_d, _ = pairing_losses(D(real), D(fake))
    turn_d.zero_grad()
    (loss_d + gamma / 2 * (approximate_r1(D, real, sigma, rng) + approximate_r1(D, fake, sigma, rng))).backward()
    turn_d.step()
    _, loss_g = pairing_losses(D(real), D(fake))
    turn_g.zero_grad()
    loss_g.backward()
    turn_g.step()
    return loss_d.detach(), loss_g.detach()


def step_that_freezes(G, D, turn_g, turn_d, real, z, rng, **options):
    """Wrong: D's weights stay frozen after G's turn."""
    found = game_variant()(G, D, turn_g, turn_d, real, z, rng, **options)
    for p in turn_d.param_groups[0]["params"]:
        p.requires_grad_(False)
    return found


def step_of_networks(G, D, turn_g, turn_d, real, z, rng, *, gamma=0.2, sigma=0.05):
    """Wrong: takes them for networks."""
    for p in D.parameters():
        p.requires_grad_(True)
    return game_variant()(G, D, turn_g, turn_d, real, z, rng, gamma=gamma, sigma=sigma)


def forced_at_once(next_frame, codes, noise, command):
    """Right: all frames in one call."""
    batch, length, dim = codes.shape
    t = torch.arange(1, length)
    past = codes[:, torch.stack([(t - 2).clamp(min=0), t - 1], 1)]  # (B, T - 1, 2, K)
    first = codes[:, :1].expand(-1, length - 1, -1)
    state = State(first.flatten(0, 1), past.flatten(0, 1))
    return next_frame(noise.flatten(0, 1), command.flatten(), state).view(batch, length - 1, dim)


def forced_by_states(next_frame, codes, noise, command):
    """Right: first the states, then the guesses."""
    states = [State.of(codes[:, 0])]
    for frame in codes[:, 1:-1].unbind(1):
        states.append(states[-1].then(frame))
    guessed = [next_frame(n, c, s) for n, c, s in zip(noise.unbind(1), command.unbind(1), states)]
    return torch.cat([one[:, None] for one in guessed], 1)


def forced_into_a_tensor(next_frame, codes, noise, command):
    """Right: written into a tensor, frame by frame, with states by index."""
    found = torch.empty_like(codes[:, 1:])
    for k in range(command.size(1)):
        state = State(codes[:, 0], torch.stack([codes[:, max(0, k - 1)], codes[:, k]], 1))
        found[:, k] = next_frame(command=command[:, k], noise=noise[:, k], state=state)
    return found


def forced(*, enters=lambda codes, k, guess: codes[:, k + 1], noise=lambda k: k, told=lambda k: k, peek=False, anew=None,
           axis=1):
    def answer(next_frame, codes, drawn, command):
        state, guessed = State.of(codes[:, 0]), []
        for k in range(codes.shape[1] - 1):
            if peek:
                state = state.then(codes[:, k + 1])
            if anew:
                state = anew(codes, k)
            guess = next_frame(drawn[:, noise(k)], command[:, told(k)], state)
            if not peek:
                state = state.then(enters(codes, k, guess))
            guessed.append(guess)
        return torch.stack(guessed, axis)
    return answer


def rollout_by_recursion(next_frame, state, noise, command):
    """Right: one frame, then the rest."""
    frame = next_frame(noise[:, 0], command[:, 0], state)
    after = state.then(frame)
    if command.shape[1] == 1:
        return frame[:, None], after
    rest, after = rollout_by_recursion(next_frame, after, noise[:, 1:], command[:, 1:])
    return torch.cat([frame[:, None], rest], 1), after


def rollout_by_memory(next_frame, state, noise, command):
    """Right: the last two frames in a deque, and states made of them."""
    past = deque(state.past.unbind(1), maxlen=2)
    made = []
    for n, c in zip(noise.unbind(1), command.unbind(1)):
        past.append(next_frame(n, c, State(state.first, torch.stack(list(past), 1))))
        made.append(past[-1])
    return torch.stack(made, 1), State(state.first, torch.stack(list(past), 1))


def rollout_of_all_frames(next_frame, state, noise, command):
    """Right: frames are put behind the past, and the state is read off the end."""
    codes = state.past
    for k in range(noise.size(1)):
        frame = next_frame(noise[:, k], command[:, k], State(state.first, codes[:, -2:]))
        codes = torch.cat((codes, frame.unsqueeze(1)), dim=1)
    return codes[:, 2:], state._replace(past=codes[:, -2:])


def rolled(*, begin=lambda s: s, enters=lambda s, frame: s.then(frame), noise=lambda k: k, told=lambda k: k,
           last=lambda s, given, made: s, axis=1):
    def answer(next_frame, state, drawn, command):
        given, made = state, []
        state = begin(state)
        for k in range(command.shape[1]):
            frame = next_frame(drawn[:, noise(k)], command[:, told(k)], state)
            state = enters(state, frame)
            made.append(frame)
        return torch.stack(made, axis), last(state, given, made)
    return answer


def rollout_from_the_start(next_frame, state, noise, command):
    """Wrong: all frames again for each frame."""
    made = []
    for k in range(1, command.shape[1] + 1):
        codes, after = rollout(next_frame, state, noise[:, :k], command[:, :k])
        made.append(codes[:, -1])
    return torch.stack(made, 1), after


def rollout_asking_twice(next_frame, state, noise, command):
    """Wrong: the state's frame comes from a second evaluation."""
    made = []
    for k in range(command.shape[1]):
        made.append(next_frame(noise[:, k], command[:, k], state))
        state = state.then(next_frame(noise[:, k], command[:, k], state))
    return torch.stack(made, 1), state


def rollout_with_all_past(next_frame, state, noise, command):
    """Wrong: the past grows."""
    made = []
    for k in range(command.shape[1]):
        made.append(next_frame(noise[:, k], command[:, k], state))
        state = State(state.first, torch.cat([state.past, made[-1][:, None]], 1))
    return torch.stack(made, 1), state


def game(make, say=lambda c, x, w: c(x, w.before, w.command)):
    def answer(next_frame, critic, window):
        return (lambda z: make(next_frame, window, z)), (lambda codes: say(critic, codes, window))
    return answer


def frames(*, real=False, cut=False, noise=lambda k: k, told=lambda k: k, begin=lambda w: w.before):
    def make(next_frame, window, z):
        state, made = begin(window), []
        for k in range(z.shape[1]):
            made.append(next_frame(z[:, noise(k)], window.command[:, told(k)], state))
            state = state.then(window.codes[:, k] if real else made[-1].detach() if cut else made[-1])
        return torch.stack(made, 1)
    return make


def deaf(c, x, w):
    return c(x, w.before, torch.zeros_like(w.command))


def game_by_partial(next_frame, critic, window):
    """Right: two named functions, with rollout."""
    def make(noise):
        codes, _ = rollout(next_frame, window.before, noise, window.command)
        return codes

    def judge(made):
        return critic(codes=made, before=window.before, command=window.command)
    return make, judge


def game_of_unpacked(next_frame, critic, window):
    """Right: the window unpacked, frames put together one by one."""
    _, before, command = window

    def make(z):
        state, made = before, z.new_zeros(len(z), 0, before.first.shape[1])
        for n, c in zip(z.transpose(0, 1), command.T):
            frame = next_frame(n, c, state)
            state, made = state.then(frame), torch.cat([made, frame[:, None]], 1)
        return made
    return [make, lambda codes: critic(codes, before, command)]


def game_kept(next_frame, critic, window):
    """Wrong: G's first answer is kept."""
    G, D = frame_game(next_frame, critic, window)
    kept = []

    def make(z):
        if not kept:
            kept.append(G(z))
        return kept[0]
    return make, D


def obedience_by_loop(told, seen, after=2):
    """Right: clip by clip, frame by frame."""
    obeyed = [int(s[t] == c[t]) for c, s in zip(told.tolist(), seen.tolist()) for t in range(after, len(c))
              if len(set(c[t - after:t + 1])) == 1]
    return sum(obeyed) / len(obeyed) if obeyed else float("nan")


def obedience_by_windows(told, seen, after=2):
    """Right: windows of after + 1 commands whose smallest is the largest."""
    window = told.unfold(1, after + 1, 1)
    held = window.amin(2) == window.amax(2)
    obeys = (seen == told)[:, after:] & held
    return (obeys.sum() / held.sum()).item()


def obedience_by_counting(told, seen, after=2):
    """Right: counts how long each command has been there."""
    since, good, count = torch.zeros(len(told)), 0, 0
    for t in range(told.shape[1]):
        since = torch.where(told[:, t] == told[:, t - 1], since + 1, 0.0) if t else since
        good += ((since >= after) & (told[:, t] == seen[:, t])).sum().item()
        count += (since >= after).sum().item()
    return good / count if count else torch.nan


def share(counts, right=lambda told, seen: told == seen):
    """An answer that lets those frames count of which counts(told, after) says so."""
    return lambda told, seen, after=2: right(told, seen)[counts(told, after)].float().mean().item()


def held(told, after, *, backs=lambda after: range(1, after + 1), skip=lambda after: after):
    found = torch.ones_like(told, dtype=torch.bool)
    for back in backs(after):
        found &= told == told.roll(back, 1)
    found[:, :skip(after)] = False
    return found


def of_all_frames(told, seen, after=2):
    return (held(told, after) & (told == seen)).float().mean().item()


def of_clips(told, seen, after=2):
    rows = [(told == seen)[k][held(told, after)[k]] for k in range(len(told))]
    return torch.stack([row.float().mean() for row in rows if len(row)] or [torch.tensor(torch.nan)]).mean().item()


def with_zero(told, seen, after=2):
    found = obedience(told, seen, after)
    return found if found == found else 0.0


def dividing_by_nothing(told, seen, after=2):
    right = [int(a == b) for a, b in zip(told[held(told, after)].tolist(), seen[held(told, after)].tolist())]
    return sum(right) / len(right)


class StepMadeInEval(nn.Module):
    """Wrong: the velocity is put into eval mode."""

    def __init__(self, velocity):
        super().__init__()
        self.velocity = velocity.eval()

    def forward(self, z):
        return z + self.velocity(z, zeros(z))


RIGHT = {
    "real_time.OneStep": {"zeros": one_step(lambda v, z: z + v(z, zeros(z))),
                          "euler": one_step(lambda v, z: euler(v, z, 1)),
                          "a column of z": one_step(lambda v, z: torch.add(v(z, 0 * z[:, 0].detach()), z))},
    "real_time.approximate_r1": {"at once": r1_at_once, "in place": r1_in_place, "dot": r1_by_dot},
    "real_time.post_training_step": {"gradients": step_by_gradients, "one batch": step_in_one_batch,
                                     "fakes kept": step_with_fakes_kept},
    "real_time.teacher_forced": {"at once": forced_at_once, "states": forced_by_states, "a tensor": forced_into_a_tensor},
    "real_time.rollout": {"recursion": rollout_by_recursion, "memory": rollout_by_memory, "all frames": rollout_of_all_frames},
    "real_time.frame_game": {"named": game_by_partial, "unpacked": game_of_unpacked, "a loop": game(frames())},
    "real_time.obedience": {"loop": obedience_by_loop, "windows": obedience_by_windows, "counting": obedience_by_counting},
}

WRONG = {
    "real_time.OneStep": {
        "eval at first": (StepMadeInEval, "in another mode"),
        "velocity alone": (one_step(lambda v, z: v(z, zeros(z))), "add z, where it starts"),
        "t = 1": (one_step(lambda v, z: z + v(z, zeros(z) + 1)), "asked at t = 1"),
        "alone at t = 1": (one_step(lambda v, z: v(z, zeros(z) + 1)), "Two things"),
        "middle": (one_step(lambda v, z: z + v(z, zeros(z) + 0.5)), "t = 1/2"),
        "minus": (one_step(lambda v, z: z - v(z, zeros(z))), "add it"),
        "back": (one_step(lambda v, z: z - v(z, zeros(z) + 1)), "a step back"),
        "two steps": (one_step(lambda v, z: euler(v, z, 2)), "two steps"),
        "one t": (one_step(lambda v, z: z + v(z, torch.zeros(1))), "one t for each"),
        "a number": (one_step(lambda v, z: z + v(z, torch.tensor(0.0))), "one t for each"),
        "a column": (one_step(lambda v, z: z + v(z, torch.zeros(len(z), 1))), "one t for each"),
        "no_grad": (one_step(torch.no_grad()(lambda v, z: z + v(z, zeros(z)))), "No gradient comes back"),
        "velocity detached": (one_step(lambda v, z: z + v(z, zeros(z)).detach()), "No gradient reaches the velocity"),
        "copied": (FrozenStep, "not a copy"),
        "in eval": (StepInEval, "leave its mode"),
        "squeezed": (one_step(lambda v, z: (z + v(z, zeros(z))).squeeze()), "drops the axis"),
        "other noise": (one_step(lambda v, z: z + v(seeded_noise(z), zeros(z))), "should be"),
        "in place": (one_step(lambda v, z: z.add_(v(z, zeros(z)))), "changes `z` in place"),
        "velocity squeezed": (one_step(lambda v, z: z + v(z, zeros(z)).squeeze()), "Expected shape (3, 1)"),
    },
    "real_time.approximate_r1": {
        **{fault: (r1_variant(fault), words) for fault, words in (
            ("not divided", "The division is missing"), ("divided by sigma", "divided by sigma once"),
            ("no centre", "Square the *change*"), ("squares' difference", "Subtract first"), ("absolute", "is squared"),
            ("no square", "The square is missing"), ("mean first", "square each one first"), ("sum", "not their sum"),
            ("each", "One number"), ("root", "without a root"), ("half", "Do not halve"), ("uniform", "not torch.rand"),
            ("uniform around 0", "not torch.rand"), ("a row for all", "One row of noise"),
            ("a number a sample", "One number of noise for each"), ("whole noise", "as large as 1"),
            ("sigma squared", "not by its square"), ("both ways", "the change from x itself"),
            ("drawn twice", "noise of their own"), ("at the noise", "added to x"), ("multiplied", "you multiply"),
            ("by the numbers", "not over the numbers in each"), ("cut here", "without noise is cut off"),
            ("cut there", "with noise is cut off"))},
        "exact": (lambda critic, x, sigma, rng: squared_gradient_norm(critic, x).mean(), "exact squared gradient"),
        "seeded": (r1_seeding, "whatever `rng` is"),
        "unseeded": (r1_unseeded, "draw the noise from `rng` alone"),
        "in place": (r1_writing, "changes `x` in place"),
        "in eval": (r1_in_eval, "in another mode"),
        "rows only": (r1_flat, "x.shape"),
        "item": (r1_item, "No gradient reaches D"),
        "no_grad": (torch.no_grad()(r1_at_once), "No gradient reaches D"),
    },
    "real_time.post_training_step": {
        **{" and ".join(faults): (game_variant(*faults), words) for *faults, words in (
            ("stale D", "turn_d.zero_grad() right"), ("stale G", "turn_g.zero_grad() right"),
            ("D cleared after", "turn_d.zero_grad() right"), ("G cleared after", "turn_g.zero_grad() right"),
            ("D still", "D's weights did not move"), ("G still", "No gradient reaches G"),
            ("D cleared late", "D's weights did not move"), ("G cut", "No gradient reaches G"),
            ("attached", "G cleared first", "D's turn sends a gradient into G"),
            ("attached", "stale G", "D's turn sends a gradient into G"),
            ("G first", "D first, backward and step"), ("old D", "D first, backward and step"),
            ("old real", "ask it anew for both"), ("other z", "the same z"), ("D swapped", "*first* of pairing_losses"),
            ("G swapped", "*second* of pairing_losses"), ("D unpaired", "chapter 2's losses"),
            ("G unpaired", "compares pairs, too"), ("D unpaired", "G unpaired", "chapter 2's losses"),
            ("saturating", "minus D's loss"), ("no penalty", "does not reach D's weights"), ("not halved", "twice as heavy"),
            ("no gamma", "gamma is missing"), ("quarter", "this is their mean"), ("minus", "make D steep"),
            ("real alone", "add that at the fake"), ("fake alone", "add that at the real"), ("fake first", "drawn first"),
            ("together", "in one draw"), ("own sigma", "Hand sigma on"), ("own gamma", "a weight of its own"),
            ("with penalty", "returned with its penalty"), ("returned swapped", "D's loss comes first"))},
        "exact R1": (game_variant(r1=lambda D, x, sigma, rng: squared_gradient_norm(D, x).mean()), "the exact R1"),
        "R1 not divided": (game_variant(r1=r1_variant("not divided")), "mend approximate_r1 first"),
        "with graphs": (step_with(lambda d, g: (d, g)), "still hold their graphs"),
        "one loss": (step_with(lambda d, g: d.detach()), "Return two losses"),
        "one graph": (step_in_one_graph, "share a graph"),
        "freezes": (step_that_freezes, "weights frozen"),
        "of networks": (step_of_networks, "has no attribute 'parameters'"),
    },
    "real_time.teacher_forced": {
        "rollout": (forced(enters=lambda codes, k, guess: guess), "that is a rollout"),
        "peeks": (forced(peek=True), "It peeks"),
        "lags": (forced(enters=lambda codes, k, guess: codes[:, k]), "lags a frame behind"),
        "first again": (forced(enters=lambda codes, k, guess: codes[:, 0]), "never changes"),
        "stands": (forced(anew=lambda codes, k: State.of(codes[:, 0])), "never changes"),
        "last as first": (forced(anew=lambda codes, k: State.of(codes[:, k])), "takes it for the clip's first"),
        "one twice": (forced(anew=lambda codes, k: State(codes[:, 0], codes[:, [k, k]])), "stands there twice"),
        "reversed": (forced(anew=lambda codes, k: State(codes[:, 0], codes[:, [k, max(0, k - 1)]])), "wrong order"),
        "one noise": (forced(noise=lambda k: 0), "first row of noise"),
        "one command": (forced(told=lambda k: 0), "first command"),
        "shifted commands": (forced(told=lambda k: k - 1), "shifted by one"),
        "stacked in front": (forced(axis=0), "axes are exchanged"),
        "T frames": (lambda n, codes, *more: torch.cat([codes[:, :1], forced()(n, codes, *more)], 1), "is no guess"),
        "one less": (lambda n, codes, noise, c: forced()(n, codes[:, :-1], noise, c), "last frame is missing"),
        "the real frames": (lambda n, codes, noise, c: codes[:, 1:], "the real frames"),
        "no_grad": (torch.no_grad()(teacher_forced), "No gradient reaches"),
        "six frames": (lambda n, codes, noise, c: torch.stack(
            [teacher_forced(n, codes, noise, c)[:, k] for k in range(5)], 1), "It raised"),
        "in place": (lambda n, codes, noise, c: codes[:, 1:].copy_(forced()(n, codes.clone(), noise, c)), "changes `codes`"),
    },
    "real_time.rollout": {
        "begins anew": (rolled(begin=lambda s: State.of(s.first)), "begins with the clip's first frame"),
        "last as first": (rolled(begin=lambda s: State.of(s.past[:, -1])), "for the clip's first"),
        "stands": (rolled(enters=lambda s, frame: s), "never changes"),
        "of each frame": (rolled(enters=lambda s, frame: State.of(frame)), "State.of(frame)"),
        "first moves": (rolled(enters=lambda s, frame: State(frame, s.then(frame).past)), "stays the clip's first"),
        "one twice": (rolled(enters=lambda s, frame: State(s.first, torch.stack([frame] * 2, 1))), "stands there twice"),
        "reversed": (rolled(enters=lambda s, frame: State(s.first, torch.stack([frame, s.past[:, 1]], 1))), "wrong order"),
        "one noise": (rolled(noise=lambda k: 0), "first row of noise"),
        "one command": (rolled(told=lambda k: 0), "first command"),
        "stacked in front": (rolled(axis=0), "axes are exchanged"),
        "old state": (rolled(last=lambda s, given, made: given), "state that was handed in"),
        "state of the last": (rolled(last=lambda s, given, made: State.of(made[-1])), "still know the clip's first"),
        "enters twice": (rolled(last=lambda s, given, made: s.then(made[-1])), "enters the state twice"),
        "codes alone": (lambda *given: rollout(*given)[0], "Return two things"),
        "turned": (lambda *given: rollout(*given)[::-1], "codes come first"),
        "detached": (rolled(enters=lambda s, frame: s.then(frame.detach())), "cut off from those before"),
        "no_grad": (torch.no_grad()(rollout), "No gradient comes back"),
        "from the start": (rollout_from_the_start, "A frame costs one evaluation"),
        "asks twice": (rollout_asking_twice, "A frame costs one evaluation"),
        "all past": (rollout_with_all_past, "last two frames"),
        "squeezed": (lambda *given: (rollout(*given)[0].squeeze(1), rollout(*given)[1]), "keeps its axis"),
        "state cut": (rolled(last=lambda s, given, made: State(s.first, s.past.detach())), "hands on is cut off"),
    },
    "real_time.frame_game": {
        "as it was": (game(frames(real=True, noise=lambda k: 0), deaf), "the judge is told the command 0"),
        "real frames": (game(frames(real=True)), "real frames enter the state"),
        "as it was in G": (game(frames(real=True, begin=lambda w: State.of(w.before.past[:, -1]))), "real frames enter"),
        "made once": (game_kept, "when it was first called"),
        "all of rollout": (game(lambda n, w, z: rollout(n, w.before, z, w.command)), "codes alone"),
        "one noise": (game(frames(noise=lambda k: 0)), "the first row of noise"),
        "deaf": (game(frames(), deaf), "the judge is told the command 0"),
        "real frames, one noise": (game(frames(real=True, noise=lambda k: 0)), "real frames enter the state"),
        "real frames, deaf": (game(frames(real=True), deaf), "real frames enter the state"),
        "one noise, deaf": (game(frames(noise=lambda k: 0), deaf), "the first row of noise"),
        "begins anew": (game(frames(begin=lambda w: State.of(w.before.first))), "goes on from window.before"),
        "from the window": (game(frames(begin=lambda w: State.of(w.codes[:, 0]))), "is to make anew"),
        "detached": (game(frames(cut=True)), "must not be detached"),
        "no_grad": (game(torch.no_grad()(frames())), "No gradient comes back from G"),
        "one command": (game(frames(told=lambda k: 0)), "first command in every frame"),
        "noise shifted": (game(frames(noise=lambda k: k - 1)), "noise is shifted"),
        "judges the real": (game(frames(), lambda c, x, w: c(w.codes, w.before, w.command)), "real frames whatever"),
        "another past": (game(frames(), lambda c, x, w: c(x, State.of(w.before.first), w.command)), "another past"),
        "past of the frames": (game(frames(), lambda c, x, w: c(x, State.of(x[:, 0]), w.command)), "that it judges"),
        "first command": (game(frames(), lambda c, x, w: c(x, w.before, w.command[:, :1].expand_as(w.command))),
                          "first command for all"),
        "judge detached": (game(frames(), lambda c, x, w: c(x.detach(), w.before, w.command)), "from the judge"),
        "sigmoid": (game(frames(), lambda c, x, w: c(x, w.before, w.command).sigmoid()), "no sigmoid"),
        "turned": (lambda *given: frame_game(*given)[::-1], "G comes first"),
        "G alone": (lambda *given: frame_game(*given)[0], "Return two functions"),
    },
    "real_time.obedience": {
        "a tensor": (lambda *a, **k: torch.tensor(obedience_by_windows(*a, **k)), "plain number"),
        "all frames": (share(lambda told, after: held(told, 0)), "All frames count"),
        "all but the first": (share(lambda told, after: held(told, after, backs=lambda a: [])), "right after a change"),
        "1 2 1": (share(lambda told, after: held(told, after, backs=lambda a: [a])), "told 1 2 1"),
        "one before": (share(lambda told, after: held(told, after, backs=lambda a: [1])), "the one before it alone"),
        "one too few": (share(lambda told, after: held(told, max(0, after - 1))), "too early"),
        "one too many": (share(lambda told, after: held(told, after + 1)), "too late"),
        "by what is seen": (lambda told, seen, after=2: (told == seen)[held(seen, after)].float().mean().item(), "was *told*"),
        "backwards": (share(lambda told, after: held(told.flip(1), after).flip(1)), "frames *before*"),
        "of all": (of_all_frames, "not by that of all"),
        "of clips": (of_clips, "not the mean of the clips"),
        "how many": (lambda told, seen, after=2: (held(told, after) & (told == seen)).sum().item(), "divide by how many"),
        "disobedience": (share(held, lambda told, seen: told != seen), "do not obey"),
        "held alone": (lambda told, seen, after=2: held(told, after)[:, after:].float().mean().item(), "how many of these"),
        "after is 2": (lambda told, seen, after=2: obedience(told, seen, 2), "Expected"),
        "0 for nothing": (with_zero, "NaN, as torch's mean"),
        "divides by 0": (dividing_by_nothing, "divides by 0"),
        "per cent": (lambda told, seen, after=2: 100 * obedience(told, seen, after), "Expected"),
        "rounded": (lambda told, seen, after=2: round(obedience(told, seen, after), 1), "Expected"),
    },
}
