"""Answers to the exercises of chapter 15; the form is that of gan_losses.py."""
import copy

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from autograde.checks.challenge import _motion, _originality, _step, _worse_of_both
from clipkit import Walkers
from solutions.after_gans import heun
from solutions.challenge import Entry, challenge_clips, entry_step, flow_matching_loss, luma, train_entry
from solutions.challenge import motion as reference_motion
from solutions.challenge import originality as reference_originality
from solutions.responsibility import nearest, wilson_interval


def motion_in_loops(clips):
    """Right: lag by lag, pair by pair, field by field."""
    light, height, width = luma(clips), clips.shape[-2] // 4, clips.shape[-1] // 4
    found = []
    for lag in (1, 2, 4):
        pairs = [(light[:, k + lag] - light[:, k]).abs() for k in range(clips.shape[1] - lag)]
        change = sum(pairs) / len(pairs)
        found += [change[:, y * height:(y + 1) * height, x * width:(x + 1) * width].mean((1, 2))
                  for y in range(4) for x in range(4)]
    return torch.stack(found, 1) ** 0.5


def motion_with_diff_pool(clips):
    """Right: pools each lag by itself, in double precision."""
    light = luma(clips.double())
    return torch.cat([F.adaptive_avg_pool2d((light[:, :-lag] - light[:, lag:]).abs().mean(1)[:, None], 4).flatten(1)
                      for lag in (1, 2, 4)], 1).sqrt().float()


def brightness_of_changes(clips):
    changes = [luma((clips[:, lag:] - clips[:, :-lag]).abs().mean(1)) for lag in (1, 2, 4)]
    return F.adaptive_avg_pool2d(torch.stack(changes, 1), 4).flatten(1).sqrt()


def motion_over_all_frames(clips):
    light = luma(clips)
    changes = [(light[:, lag:] - light[:, :-lag]).abs().sum(1) / clips.shape[1] for lag in (1, 2, 4)]
    return F.adaptive_avg_pool2d(torch.stack(changes, 1), 4).flatten(1).sqrt()


def originality_by_minima(clips, train, held_out):
    """Right: the nearer of a set and of its mirror image."""
    def distance(some):
        return torch.minimum(*(nearest(clips.flatten(1), one.flatten(1))[0] for one in (some, some.flip(-1))))
    nearer = (distance(train) < distance(held_out)).double().mean().item()
    return 1 - min(1.0, max(0.0, 7.5 * (2 * wilson_interval(nearer, len(clips))[0] - 1.2)))


def originality_by_loop(clips, train, held_out):
    """Right: clip by clip; mirrors the entry's clips instead of both sets, which gives the same distances."""
    nearer = 0
    for clip in clips.double():
        both = torch.stack([clip, clip.flip(-1)])
        far = [(both[:, None] - some.double()).flatten(2).norm(dim=2).min() for some in (train, held_out)]
        nearer += int(far[0] < far[1])
    low = wilson_interval(nearer / len(clips), len(clips))[0]
    return max(0.0, min(1.0, 2.5 - 7.5 * (2 * low - 1)))


def cheat_backwards(train):
    """Right: played from the end."""
    return train.flip(1)


def cheat_with_another_start(train):
    """Right: the last frame comes first, by index."""
    return train[:, [7, 0, 1, 2, 3, 4, 5, 6]].clone()


def cheat_by_halves(train):
    """Right: half and half with a neighbour, which the guard does not see."""
    return (train + train.roll(1, 0)) / 2


def cheat_drawn_as_bright(train):
    drawn = challenge_clips(len(train), seed=77)
    return ((drawn - drawn.mean()) / drawn.std() * train.std() + train.mean()).clamp(-1, 1)


def cheat_half_drawn(train):
    made = train.roll(1, 1)
    made[::2] = cheat_drawn_as_bright(train)[::2]
    return made


class LoopEntry(Entry):
    """Right: clip by clip."""

    def decode(self, codes):
        clips = []
        for code in codes:
            clip = self.mean.clone()
            for weight, scale, axis in zip(code, self.scale, self.axes.T, strict=True):
                clip = clip + weight * scale * axis
            clips.append(clip.reshape(8, 3, 32, 32).clip(-1, 1))
        return torch.stack(clips)

    def forward(self, z):
        return self.decode(heun(self.velocity, z[:, 0:self.codes], steps=12))


class MatrixEntry(Entry):
    """Right: the scale goes into the axes; Heun's method is written out."""

    def decode(self, codes):
        return (self.mean + codes @ (self.axes * self.scale).T).view(-1, 8, 3, 32, 32).clamp_(-1.0, 1.0)

    def forward(self, z):
        x, h = z[:, :self.codes], 1 / 12
        for k in range(12):
            times = (x.new_full((len(x),), time) for time in (k * h, (k + 1) * h))
            first = self.velocity(x, next(times))
            x = x + h / 2 * (first + self.velocity(x + h * first, next(times)))
        return self.decode(x)


def entry(**methods):
    return type("Entry", (Entry,), methods)


def flat(codes, self):
    return codes * self.scale @ self.axes.T + self.mean


def shaped(values):
    return values.unflatten(1, (8, 3, 32, 32))


def step_by_lerp(velocity, average, optimizer, codes, rng, decay):
    """Right: torch's function for many tensors at once; gradients set to None."""
    for parameter in velocity.parameters():
        parameter.grad = None
    loss = flow_matching_loss(velocity, codes, rng)
    loss.backward()
    optimizer.step()
    old, new = ([p.data for p in network.parameters()] for network in (average, velocity))
    torch._foreach_lerp_(old, new, 1 - decay)
    return loss.item()


def step_by_state(velocity, average, optimizer, codes, rng, decay):
    """Right: the average is loaded anew from both states."""
    optimizer.zero_grad()
    (loss := flow_matching_loss(velocity, codes, rng)).backward()
    optimizer.step()
    old, new = copy.deepcopy(average.state_dict()), velocity.state_dict()
    average.load_state_dict({name: decay * old[name] + (1 - decay) * new[name] for name in old})
    return loss.detach()


def step_attached(velocity, average, optimizer, codes, rng, decay):
    optimizer.zero_grad()
    (loss := flow_matching_loss(velocity, codes, rng)).backward()
    optimizer.step()
    torch._foreach_lerp_(*([p.data for p in network.parameters()] for network in (average, velocity)), 1 - decay)
    return loss


def step_with_its_own_optimizer(velocity, average, optimizer, codes, rng, decay):
    own = type(optimizer)(velocity.parameters(), lr=optimizer.param_groups[0]["lr"])
    return entry_step(velocity, average, own, codes, rng, decay)


# Ideas

def mine_with_noisy_codes(clips, steps, seed=0):
    """Right: the chapter's loop, with noise on the codes, so that no code is met twice."""
    torch.manual_seed(seed)
    made, rng = Entry(), torch.Generator().manual_seed(seed)
    made.find_axes(clips)
    codes, average = made.encode(clips), copy.deepcopy(made.velocity)
    optimizer = torch.optim.AdamW(made.velocity.parameters(), lr=1e-3)
    for _ in range(steps):
        some = codes[torch.randint(len(codes), (128,), generator=rng)]
        entry_step(made.velocity, average, optimizer, some + 0.1 * torch.randn(some.shape, generator=rng), rng, 0.99)
    made.velocity = average
    return made


class Narrow(Entry):
    """Fewer components, a wider velocity, and calmer noise."""

    def __init__(self):
        super().__init__(codes=64, width=320)

    def forward(self, z):
        return super().forward(0.9 * z)


def mine_narrow(clips, steps, seed=0):
    """Right: another division of the budget; another sampler."""
    return train_entry(clips, steps, seed, Narrow)


class Unbounded(Entry):
    def decode(self, codes):
        return (2 * codes * self.scale @ self.axes.T + self.mean).unflatten(1, (8, 3, 32, 32))


class Deaf(Narrow):
    def forward(self, z):
        return super().forward(0 * z)


class Dicing(Narrow):
    def forward(self, z):
        return super().forward(z + 0.1 * torch.randn_like(z))


def mine_with_dice(clips, steps, seed=0):
    return train_entry(clips, steps, seed, Dicing)


def mine_huge(clips, steps, seed=0):
    return train_entry(clips, steps, seed, lambda: Entry(codes=128))


def mine_of_other_clips(clips, steps, seed=0):
    return train_entry(challenge_clips(128, seed=3), steps, seed, Narrow)


def mine_by_luck(clips, steps, seed=0):
    return train_entry(clips, steps, int(torch.randint(1000, ())) + seed, Narrow)


def mine_in_a_hurry(clips, steps, seed=0):
    return train_entry(clips, 3, seed, Narrow)


def mine_for_channels_first(clips, steps, seed=0):
    made = train_entry(clips, steps, seed, Narrow)
    made.register_forward_hook(lambda module, given, out: out.transpose(1, 2))
    return made


# The entry: weights come in the file that is handed in with it

def trained_entry():
    made = Entry()
    made.load_state_dict(load_file("entry.safetensors"))
    return made.eval().requires_grad_(False)


def entry_by_euler(z):
    """Right: another sampler, all clips at once."""
    made, x = trained_entry(), z[:, :96]
    for k in range(40):
        x = x + made.velocity(x, torch.full((len(x),), k / 40)) / 40
    return made.decode(x)


def entry_by_eights(z):
    """Right: eight clips at a time, with other weights for the noise: another rotation of it."""
    made = trained_entry()
    turned = torch.cat([z[:, 40:96], z[:, :40]], 1)
    return torch.cat([made(part) for part in turned.split(8)])


def training_clips():
    return Walkers(600, num_frames=8, every=2, scene="meadow", seed=0).clips


def entry_of_copies(z):
    """Training clips, blended so that a little other noise gives a little other clip."""
    clips = training_clips()[:128]
    return ((20 * z).softmax(1) @ clips.flatten(1)).view(-1, 8, 3, 32, 32).clamp(-1, 1)


def entry_by_renderer(z):
    """Draws people with the course's own renderer: each clip for itself, and from another seed for each z."""
    seeds = (z[:, 0].double() * 1e6).long().abs().tolist()
    return torch.cat([Walkers(1, num_frames=8, every=2, scene="meadow", seed=seed).clips for seed in seeds])


def entry_of_blurs(z):
    """The mean clip, and a little of the noise."""
    mean = training_clips().mean(0)
    return (mean + 0.2 * z[:, :24].view(-1, 8, 3, 1, 1)).clamp(-1, 1)


def entry_of_stills(z):
    made = entry_by_euler(z)
    return made[:, 4:5].expand_as(made).contiguous()


def batch_normed(z):
    clips = entry_by_euler(z)
    return (clips - clips.mean(0)).clamp(-1, 1)


def step_of_length_1(velocity, average, optimizer, codes, rng, decay):
    """Wrong: a steep gradient is cut."""
    loss = flow_matching_loss(velocity, codes, rng)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(velocity.parameters(), 1.0)
    optimizer.step()
    with torch.no_grad():
        for old, new in zip(average.parameters(), velocity.parameters(), strict=True):
            old.lerp_(new, 1 - decay)
    return loss.detach()


RIGHT = {
    "challenge.motion": {"in loops": motion_in_loops, "lag by lag": motion_with_diff_pool},
    "challenge.originality": {"by minima": originality_by_minima, "in a loop": originality_by_loop},
    "challenge.cheat": {"backwards": cheat_backwards, "by index": cheat_with_another_start, "by halves": cheat_by_halves},
    "challenge.Entry": {"in loops": LoopEntry, "as a matrix": MatrixEntry},
    "challenge.entry_step": {"by foreach": step_by_lerp, "by states": step_by_state},
    "challenge.train_mine": {"noisy codes": mine_with_noisy_codes, "narrow": mine_narrow},
    "challenge.make_clips": {"by Euler": entry_by_euler, "by eights": entry_by_eights},
}

WRONG = {
    "challenge.motion": {
        "no root": (_motion(root=False), "root is missing"),
        "signed": (_motion(change=lambda d: d.mean(1, keepdim=True).abs()), "cancel"),
        "squared": (_motion(change=torch.square), "not its square"),
        "mean of colours": (_motion(gray=lambda clips: clips.mean(2)), "luma(clips)"),
        "lags 1, 2, 3": (_motion(lags=(1, 2, 3)), "four frames"),
        "root first": (_motion(early=True), "root comes last"),
        "sum over time": (_motion(over=lambda part: part.sum(1)), "not their sum"),
        "fields first": (_motion(order=lambda fields: fields.flatten(2).transpose(1, 2).flatten(1)), "order is"),
        "nothing moves": (lambda clips: torch.zeros(len(clips), 48), "numbers differ"),
        "brightness of the changes": (brightness_of_changes, "First the brightness"),
        "over all frames": (motion_over_all_frames, "not by T"),
        "squeezed": (lambda clips: reference_motion(clips).squeeze(), "batch of one"),
    },
    "challenge.originality": {
        "as handed out": (_originality(first=64, mirror=(False, False), low=False), "first 64"),
        "the first clips alone": (_originality(first=64), "first 64"),
        "no mirror images": (_originality(mirror=(False, False)), "mirrored copy passes"),
        "chance counts": (_originality(low=False), "lower end"),
        "two faults left": (_originality(mirror=(False, False), low=False), "mirrored copy passes"),
        "always original": (lambda clips, train, held_out: 1.0, "got 1"),
        "the upper end": (_originality(high=True), "*lower* end"),
        "clips mirrored": (_originality(mirror=(False, False), twice=True), "both sets"),
        "the first frame alone": (_originality(frames=1), "All frames"),
        "all or nothing": (lambda *sets: float(reference_originality(*sets) > 0.5), "Expected 0.4"),
        "training set mirrored alone": (_originality(mirror=(True, False)), "Treat both sets alike"),
        "held-out set mirrored alone": (_originality(mirror=(False, True)), "mirrored copy passes"),
        "the worse of both ways": (_worse_of_both, "ask once"),
        "the share that is nearer": (_originality(share=lambda p: p), "2 p - 1"),
        "half of the share": (_originality(share=lambda p: p - 0.5), "2 p - 1"),
        "each clip twice": (_originality(twice=True), "interval is too narrow"),
        "nothing forgiven": (_originality(forgiven=0.0), "fifth is forgiven"),
    },
    "challenge.cheat": {
        "as they are": (lambda train: train.clone(), "The guard sees the copies"),
        "mirrored": (lambda train: train.flip(-1), "The guard sees the copies"),
        "a little noise": (lambda train: (train + 0.02 * torch.randn(train.shape, generator=torch.Generator().manual_seed(0)))
                           .clamp(-1, 1), "The guard sees the copies"),
        "in another order": (lambda train: train.flip(0), "The guard sees the copies"),
        "drawn anew": (lambda train: Walkers(len(train), num_frames=8, every=2, scene="meadow", seed=7).clips, "draw none"),
        "stills": (lambda train: train[:, 3:4].expand_as(train).clone(), "motion is"),
        "colours exchanged": (lambda train: train.flip(2), "quality is"),
        "another at each call": (lambda train: (train.roll(1, dims=1) + 0.01 * torch.randn(train.shape)).clamp(-1, 1),
                                 "other clips at the second call"),
        "a clip less": (lambda train: train[1:].roll(1, dims=1), "Expected clips"),
        "out of range": (lambda train: 1.5 * train.roll(1, dims=1), "Expected clips"),
        "a list": (lambda train: list(train.roll(1, dims=1)), "Expected a tensor of clips"),
        "drawn, as bright as they": (cheat_drawn_as_bright, "Other training clips"),
        "every other one drawn": (cheat_half_drawn, "Other training clips"),
    },
    "challenge.Entry": {
        "no scale": (entry(decode=lambda self, c: shaped((c @ self.axes.T + self.mean).clamp(-1, 1))), "scale is missing"),
        "divided": (entry(decode=lambda self, c: shaped((c / self.scale @ self.axes.T + self.mean).clamp(-1, 1))),
                    "way back multiplies"),
        "no mean": (entry(decode=lambda self, c: shaped((flat(c, self) - self.mean).clamp(-1, 1))), "add it at the end"),
        "no clamp": (entry(decode=lambda self, c: shaped(flat(c, self))), "leave [-1, 1]"),
        "tanh": (entry(decode=lambda self, c: shaped(flat(c, self).tanh())), "Cut off"),
        "codes as they are": (entry(forward=lambda self, z: heun(self.velocity, z[:, :self.codes], 12)), "still codes"),
        "noise decoded": (entry(forward=lambda self, z: self.decode(z[:, :self.codes])), "along the velocity first"),
        "the last numbers": (entry(forward=lambda self, z: self.decode(heun(self.velocity, z[:, -self.codes:], 12))),
                             "*first*"),
        "all of z": (entry(forward=lambda self, z: self.decode(heun(self.velocity, z, 12))), "first `codes` numbers"),
        "cut off above": (entry(decode=lambda self, c: shaped(flat(c, self).clamp(max=1))), "both ends"),
        "squeezed": (entry(decode=lambda self, c: shaped(flat(c, self).clamp(-1, 1)).squeeze()), "batch of one"),
        "left in evaluation": (entry(forward=lambda self, z: Entry.forward(self.eval(), z)), "another mode"),
        "six steps": (entry(forward=lambda self, z: self.decode(heun(self.velocity, z[:, :self.codes], 6))), "6 steps"),
    },
    "challenge.entry_step": {
        "gradient cut to length 1": (step_of_length_1, "Is it this"),
        "stale gradients": (_step("backward step average"), "zero_grad()"),
        "gradient thrown away": (_step("backward zero step average"), "not behind it"),
        "no step": (_step("zero backward average"), "did not move"),
        "average first": (_step("average zero backward step"), "it comes last"),
        "no average": (_step("zero backward step"), "average did not move"),
        "shares swapped": (_step(keep=lambda decay: 1 - decay), "swapped"),
        "a copy": (_step(keep=lambda decay: 0.0), "mere copy"),
        "the wrong one moves": (_step("zero backward step trained"), "other way round"),
        "both learn": (_step(both=True), "gradient reaches the average"),
        "attached": (step_attached, "holds its graph"),
        "an optimizer of its own": (step_with_its_own_optimizer, "numbers differ"),
    },
    "challenge.train_mine": {
        "as handed out": (train_entry, "This is the chapter's entry"),
        "too many numbers": (mine_huge, "the budget allows 3,000,000"),
        "other clips": (mine_of_other_clips, "those that are handed over"),
        "by luck": (mine_by_luck, "draw all from this seed"),
        "always three steps": (mine_in_a_hurry, "as many as it is told"),
        "out of range": (lambda clips, steps, seed=0: train_entry(clips, steps, seed, Unbounded), "Expected clips"),
        "another seed": (lambda clips, steps, seed=0: train_entry(clips, steps, seed + 1), "dice are no idea"),
        "twice as long": (lambda clips, steps, seed=0: train_entry(clips, 2 * steps, seed), "as many steps"),
        "dice when it samples": (mine_with_dice, "at the second call"),
        "one clip for all noise": (lambda clips, steps, seed=0: train_entry(clips, steps, seed, Deaf), "Whatever z is"),
        "channels first": (mine_for_channels_first, "Expected clips"),
    },
    "challenge.make_clips": {
        "with its graph": (lambda z: entry_by_euler(z) * torch.ones(1, requires_grad=True), "under torch.no_grad()"),
        "frames behind channels": (lambda z: torch.zeros(len(z), 3, 8, 32, 32),
                                   "8, 3, 32, 32), got"),
        "out of range": (lambda z: 2 + z[:, :1, None, None, None].expand(-1, 8, 3, 32, 32), ".clamp(-1, 1)"),
        "a list": (lambda z: [torch.zeros(2) for _ in z], "Expected a tensor, got list"),
        "ever the same": (lambda z: torch.zeros(len(z), 8, 3, 32, 32), "Whatever z is"),
        "noise of its own": (lambda z: torch.rand(len(z), 8, 3, 32, 32), "Draw no noise"),
        "normed over the batch": (batch_normed, "switch batch norm"),
        "drawn with a renderer": (entry_by_renderer, "has no generator"),
        "copies": (entry_of_copies, "copies count nothing"),
        "stills": (entry_of_stills, "The linear baseline has 31"),
        "blurs": (entry_of_blurs, "The linear baseline has 31"),
    },
}
