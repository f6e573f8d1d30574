"""Chapter 14: the GAN returns. A flow becomes a generator of one step, and a clip is made frame by frame, as it is steered.

Codes stand for clips, or for frames: rows of K numbers, principal components. Time runs as in chapter 13, from 0 (noise)
to 1 (data).
"""
from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from solutions.after_gans import VelocityField, time_features
from solutions.networks.perceptron import perceptron
from solutions.stability import pairing_losses

MEMORY = 2  # frames: one shows where all is, two how it moves


class OneStep(nn.Module):
    """A velocity as a generator: all of the way from noise to data in one
    Euler step.

    Args:
        velocity: called as velocity(x, t), x (B, K) and t (B,). It is
            kept as it is, and trained further as a part of the generator.
    """

    def __init__(self, velocity: nn.Module):
        super().__init__()
        self.velocity = velocity

    def forward(self, z: Tensor) -> Tensor:
        """Noise z (B, K), where time is 0, to samples (B, K)."""
        # BEGIN SOLUTION
        return z + self.velocity(z, z.new_zeros(len(z)))
        # END SOLUTION


class Judge(nn.Module):
    """A discriminator that begins as a flow's network: its layers but for
    the last, at time 1, where samples are data, and one logit behind them.

    Args:
        flow: is copied, and stays as it is.
        width: of its hidden layers.
    """

    def __init__(self, flow: VelocityField, width: int):
        super().__init__()
        self.body = deepcopy(flow.layers[:-1])
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Samples (B, K) to logits (B,)."""
        told = torch.cat([x, time_features(x.new_ones(len(x)))], 1)
        return self.head(self.body(told)).flatten()


def approximate_r1(
    critic: Callable[[Tensor], Tensor], x: Tensor, sigma: float,
    rng: torch.Generator,
) -> Tensor:
    """How steep a critic is, from how much its answer changes under a
    little noise.

    In the mean over the noise this is the squared norm of the gradient:
    exactly where the critic is linear, and otherwise, where it is smooth,
    up to an error of the order of sigma ** 2. No gradient of a gradient is
    needed.

    Args:
        critic: samples (B, *) to logits, one each.
        x: (B, *).
        sigma: standard deviation of the noise.
        rng: draws the noise, normal, of the shape of x.
    Returns:
        One number: the mean over samples of the squared difference
        between the logits with noise and without, over sigma ** 2.
    Source: Lin et al. 2025, "Diffusion Adversarial Post-Training for
        One-Step Video Generation", there without the division.
    """
    # BEGIN SOLUTION
    noise = torch.randn(x.shape, generator=rng, device=x.device)
    change = critic(x + sigma * noise) - critic(x)
    return (change / sigma).square().mean()
    # END SOLUTION


def post_training_step(
    G: Callable[[Tensor], Tensor], D: Callable[[Tensor], Tensor],
    turn_g: Optimizer, turn_d: Optimizer, real: Tensor, z: Tensor,
    rng: torch.Generator, *, gamma: float = 0.2, sigma: float = 0.05,
) -> tuple[Tensor, Tensor]:
    """One step of D and then one of G, in a game of pairs.

    D's loss is that of chapter 5's pairs and gamma / 2 times
    `approximate_r1` at the real and at the fake samples. Then G has its
    turn, with samples from the same z, against the D that has just moved.

    Args:
        G: noise z (B, *) to samples like `real`.
        D: samples to logits.
        turn_g, turn_d: optimisers of what G and D are made of.
        real: (B, *).
        rng: draws the noise of `approximate_r1`, for real samples first.
    Returns:
        D's loss without the penalty, and G's, detached.
    """
    # BEGIN SOLUTION
    fake = G(z).detach()
    loss_d, _ = pairing_losses(D(real), D(fake))
    steep = (approximate_r1(D, real, sigma, rng)
             + approximate_r1(D, fake, sigma, rng))
    turn_d.zero_grad()
    (loss_d + gamma / 2 * steep).backward()
    turn_d.step()

    _, loss_g = pairing_losses(D(real), D(G(z)))
    turn_g.zero_grad()
    loss_g.backward()
    turn_g.step()
    return loss_d.detach(), loss_g.detach()
    # END SOLUTION


class State(NamedTuple):
    """All that a clip's next frame needs of those before: it is as large
    after a thousand frames as after one.

    Attributes:
        first: code of the clip's first frame, (B, K): who it is.
        past: of its last two, (B, 2, K), the latest last: how it moves.
    """

    first: Tensor
    past: Tensor

    @classmethod
    def of(cls, first: Tensor) -> Self:
        """That of a clip of one frame (B, K)."""
        return cls(first, first[:, None].repeat(1, MEMORY, 1))

    def then(self, frame: Tensor) -> Self:
        """That after one more frame (B, K)."""
        past = torch.cat([self.past[:, 1:], frame[:, None]], 1)
        return self._replace(past=past)


class NextFrame(nn.Module):
    """The code of a clip's next frame.

    Args:
        code: K.
        commands: how many there are.
        noise: numbers that decide on what neither the past nor the
            command does.
        width, blocks: of its residual layers.
    """

    def __init__(
        self, code: int, *, commands: int = 6, noise: int = 16,
        width: int = 320, blocks: int = 3,
    ):
        super().__init__()
        self.commands, self.noise = commands, noise
        told = noise + commands + (1 + MEMORY) * code
        self.enter = nn.Linear(told, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width), nn.LeakyReLU(0.2))
            for _ in range(blocks))
        self.leave = nn.Linear(width, code)

    def forward(self, noise: Tensor, command: Tensor, state: State) -> Tensor:
        """Noise (B, noise), commands (B,) int64, and what was before, to
        codes (B, K)."""
        told = F.one_hot(command, self.commands).to(noise.dtype)
        h = torch.cat([noise, told, state.first, state.past.flatten(1)], 1)
        h = self.enter(h)
        for block in self.blocks:
            h = h + block(F.layer_norm(h, h.shape[1:]))
        # normed, so that what feeds on itself can't run away
        return self.leave(F.layer_norm(h, h.shape[1:]))


Next = Callable[[Tensor, Tensor, State], Tensor]


def teacher_forced(
    next_frame: Next, codes: Tensor, noise: Tensor, command: Tensor
) -> Tensor:
    """The frames of real clips but for the first, each guessed from the
    real ones before it, and from nothing later.

    Args:
        next_frame: called as next_frame(noise, command, state) with noise
            (B, nz), commands (B,) and a `State`; gives codes (B, K).
        codes: of all frames of real clips, (B, T, K).
        noise: (B, T - 1, nz), a row for each frame but the first.
        command: (B, T - 1), likewise.
    Returns:
        (B, T - 1, K).
    """
    # BEGIN SOLUTION
    state, guessed = State.of(codes[:, 0]), []
    for k in range(codes.shape[1] - 1):
        guessed.append(next_frame(noise[:, k], command[:, k], state))
        state = state.then(codes[:, k + 1])
    return torch.stack(guessed, 1)
    # END SOLUTION


def rollout(
    next_frame: Next, state: State, noise: Tensor, command: Tensor
) -> tuple[Tensor, State]:
    """A clip goes on, each frame from those that were made before it.

    Gradients run back through all frames.

    Args:
        next_frame: as in `teacher_forced`.
        state: what the clip has been so far.
        noise: (B, F, nz), a row for each frame to be made.
        command: (B, F), likewise.
    Returns:
        The codes of the new frames (B, F, K), and the state after them,
        from which another call goes on.
    """
    # BEGIN SOLUTION
    made = []
    for k in range(command.shape[1]):
        frame = next_frame(noise[:, k], command[:, k], state)
        state = state.then(frame)
        made.append(frame)
    return torch.stack(made, 1), state
    # END SOLUTION


class Window(NamedTuple):
    """Some frames of real clips: what is made, judged and commanded.

    Attributes:
        codes: (B, F, K).
        before: a `State`, what the clips were before these frames.
        command: (B, F).
    """

    codes: Tensor
    before: State
    command: Tensor


class WindowCritic(nn.Module):
    """Some frames of a clip, with what was before and was commanded, to a
    logit.

    Args:
        code: K.
        frames: F.
        commands: how many there are.
        width: of its three hidden layers.
    """

    def __init__(self, code: int, frames: int, commands: int, width: int):
        super().__init__()
        self.commands = commands
        inputs = (1 + MEMORY + frames) * code + frames * commands
        self.layers = perceptron(inputs, width, 1)

    def forward(
        self, codes: Tensor, before: State, command: Tensor
    ) -> Tensor:
        """Codes (B, F, K), what was before, and commands (B, F), to logits
        (B,)."""
        told = F.one_hot(command, self.commands).to(codes.dtype).flatten(1)
        past = torch.cat([before.first, before.past.flatten(1)], 1)
        return self.layers(
            torch.cat([past, codes.flatten(1), told], 1)).flatten()


def frame_game(
    next_frame: Next, critic: Callable, window: Window
) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """The game in which a clip goes on from its own frames and is judged
    as a whole, in the form that `post_training_step` plays.

    Args:
        next_frame: as in `teacher_forced`.
        critic: called as critic(codes, before, command), logits (B,).
        window: of real clips.
    Returns:
        G: noise (B, F, nz) to the codes (B, F, K) of the window's frames,
        made anew from what was before. D: codes (B, F, K) to logits.
    """
    def G(z: Tensor) -> Tensor:
        # BEGIN SOLUTION
        return rollout(next_frame, window.before, z, window.command)[0]
        # STUB seen = torch.cat([window.before.past[:, 1:], window.codes], 1)
        # STUB noise = z[:, :1].expand_as(z)
        # STUB return teacher_forced(next_frame, seen, noise, window.command)
        # END SOLUTION

    def D(codes: Tensor) -> Tensor:
        # BEGIN SOLUTION
        return critic(codes, window.before, window.command)
        # STUB command = torch.zeros_like(window.command)
        # STUB return critic(codes, window.before, command)
        # END SOLUTION

    return G, D


def obedience(told: Tensor, seen: Tensor, after: int = 2) -> float:
    """The share of frames in which people do what they are told, some
    frames after a command has come.

    Args:
        told: the commands (N, T), int64.
        seen: what a classifier sees in each frame, (N, T), int64.
        after: a frame counts if its command was already given in each of
            so many frames before it; the first `after` frames of a clip
            don't count.
    Returns:
        In [0, 1]; NaN where no frame counts.
    """
    # BEGIN SOLUTION
    held = torch.ones_like(told, dtype=torch.bool)
    for back in range(1, after + 1):
        held &= told == told.roll(back, 1)
    held[:, :after] = False
    return (seen == told)[held].float().mean().item()
    # END SOLUTION


one_step_loses = """
A flow is trained by a regression in which every real sample has its share, and it may correct itself: each evaluation starts
from where the last one has led. A generator of one step has one evaluation for all: a continuous function that must carry
noise to data directly. Where the data lie in separate pieces, neighbouring noise must be torn apart between them, and what a
network of this size cannot tear it either bridges, with samples that are no data, or leaves out, which a judge forgives more
easily than a bad sample. So it is likely to lose where the data have many modes for the size of the network, or where detail
is decided by detail, as in text, hands or long motion. Bridges lower precision, gaps lower coverage; recall alone can rise
where samples are merely spread. One has to look at all three; single samples don't show it.

It need not lose where the way is short: where much is given already. The next frame after two others and a command is nearly
decided; what is left is small, and one step can say it. There a second evaluation buys little and costs half of the frames
a second. Nor where it started from a flow that covered everything and was trained only a little, with pairs that ask for
each real sample's neighbourhood. And where time is what counts, a flow of sixteen steps is no rival, since it comes too late.
"""
