"""People who are steered: a clip made frame by frame, each from a command and the frames before, by one network in one step.

It is what autoregressive adversarial post-training makes of a video model (Lin et al. 2025, arXiv 2506.09350), small
enough for a CPU: frames are codes of `PrincipalCodes`. First the network learns the next frame of real clips by its mean
(teacher forcing). Then it goes on from its own frames, and a discriminator judges what came of it (student forcing).
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.models.latent_gan import CodeCritic, CodeMaker
from solutions.networks.principal import PrincipalCodes
from solutions.real_time import MEMORY, NextFrame, State, WindowCritic, rollout
from solutions.stability import learning_rate_factor
from solutions.training.recipe import Recipe, sample
from solutions.training.settings import Settings, settings_of
from solutions.training.train import Run


class Rollout(nn.Module):
    """`frames` next frames, each from those made before: the generator of the game, as the one trainer takes it."""

    def __init__(self, next_frame: NextFrame, frames: int):
        super().__init__()
        self.next, self.frames, self.nz = next_frame, frames, frames * next_frame.noise

    def forward(self, z: Tensor, before: Tensor, command: Tensor) -> Tensor:
        """z (B, nz), codes before (B, 1 + MEMORY, K), the first frame's first, and commands (B, frames) to codes
        (B, frames, K)."""
        return rollout(self.next, state_of(before), z.unflatten(1, (self.frames, -1)), command)[0]


class Critic(WindowCritic):
    """That of chapter 14, with what was before as one tensor."""

    def forward(  # type: ignore[override]  # the trainer's labels are tensors
        self, codes: Tensor, before: Tensor, command: Tensor,
    ) -> Tensor:
        """Codes (B, frames, K), before (B, 1 + MEMORY, K), commands (B, frames) to logits (B,)."""
        return super().forward(codes, state_of(before), command)


def state_of(before: Tensor) -> State:
    """The state in a row of the trainer's labels: the first frame's code and those of the last ones, (B, 1 + MEMORY, K)."""
    return State(before[:, 0], before[:, 1:])


class Steered(nn.Module):
    """Noise and commands to clips; to all others it is a generator like any.

    Args:
        num_frames: T of `forward`. `begin` and `step` go on for as long as one likes.
        first: noise to the code of a first frame.
        next_frame: the next ones.
        codes: codes of single frames to frames.
    """

    def __init__(self, num_frames: int, first: CodeMaker, next_frame: NextFrame, codes: PrincipalCodes):
        super().__init__()
        self.num_frames, self.first, self.next, self.codes = num_frames, first, next_frame, codes
        self.nz = first.nz + (num_frames - 1) * next_frame.noise

    def begin(self, z: Tensor) -> State:
        """Noise (B, first.nz) to the state after one frame."""
        return State.of(self.first(z))

    def step(self, state: State, command: Tensor, noise: Tensor) -> State:
        """The state after one more frame, for commands (B,) and noise (B, next.noise)."""
        return state.then(self.next(noise, command, state))

    def shown(self, state: State) -> Tensor:
        """The latest frame, (B, C, H, W), in [-1, 1]."""
        return self.codes.decode(state.past[:, -1])[:, 0]

    def forward(self, z: Tensor, command: Tensor | None = None) -> Tensor:
        """z (B, nz), and commands (B, T - 1) for all frames but the first, to clips (B, T, C, H, W).

        Without commands the first clip is told one for eight frames and then the next; each further clip is one ahead.
        """
        if command is None:
            clips, frames = torch.arange(len(z), device=z.device), torch.arange(self.num_frames - 1, device=z.device)
            command = (clips[:, None] + frames // 8) % self.next.commands
        state = self.begin(z[:, :self.first.nz])
        made = state.first[:, None]
        if command.shape[1]:
            noise = z[:, self.first.nz:].unflatten(1, (-1, self.next.noise))
            made = torch.cat([made, rollout(self.next, state, noise, command)[0]], 1)
        return self.codes.decode(made.flatten(0, 1)).unflatten(0, made.shape[:2])[:, :, 0]


@dataclass(frozen=True)
class SteeredSettings:
    """The numbers of a run: of the GAN of first frames, of teacher forcing, and of the game in which it goes on alone.

    Attributes:
        steps: of that game.
        frames: that it goes on for, and the critic sees.
    """

    steps: int
    first: Settings
    game: Settings
    teaching: int
    taught_rows: int = 256  # next frames a step
    taught_lr: float = 1e-3  # at first; falls to 0
    frames: int = 8


@dataclass(frozen=True)
class SteeredRecipe:
    """What `Recipe` is to a GAN of one kind of sample."""

    generator: Steered
    first_critic: CodeCritic
    critic: Critic
    data: ClipSet
    settings: SteeredSettings

    @property
    def real(self) -> Tensor:
        """Clips (N, T, C, H, W)."""
        return self.data.clips

    def coded(self, seed: int = 0) -> Tensor:
        """Fits the components, and gives the codes of all frames, (N, T, K)."""
        codes, clips = self.generator.codes, self.data.clips
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            codes.fit(clips.flatten(0, 1)[:, None])
        of_frames = torch.cat([codes.encode(part.flatten(0, 1)[:, None]) for part in clips.split(256)])
        return of_frames.unflatten(0, clips.shape[:2])

    def game(self, of_frames: Tensor | None = None) -> Recipe:
        """The game in which the network goes on from its own frames, as the one trainer takes it."""
        of_frames = self.coded() if of_frames is None else of_frames
        real, before, command = windows(of_frames, commands_of(self.data), self.settings.frames)
        rollout = Rollout(self.generator.next, self.settings.frames)
        return Recipe(rollout, self.critic, real, self.settings.game, labels=(before, command))

    def train(
        self, *, seed: int = 0, checkpoint: str | Path | None = None, watch: Callable[[int, nn.Module], object] | None = None,
        **options: Any,
    ) -> Run:
        """Trains all parts, one after the other, and gives back the curves of the last game; `options` are those of `fit`."""
        of_frames = self.coded(seed)
        first = Recipe(self.generator.first, self.first_critic, of_frames.flatten(0, 1), self.settings.first)
        maker = first.train(seed=seed, checkpoint=f"{checkpoint}.first" if checkpoint else None, **options).ema
        game = self.game(of_frames)
        if checkpoint is None or not Path(checkpoint).exists():
            teach(self.generator.next, (game.real, *game.labels), self.settings, seed)
        if watch:
            options["watch"] = lambda step, ema: watch(step, self.whole(maker, ema))
        run = game.train(seed=seed, checkpoint=checkpoint, **options)
        return run._replace(ema=self.whole(maker, run.ema))

    def whole(self, maker: nn.Module, rollout: nn.Module) -> Steered:
        """The trained parts together, in evaluation mode."""
        parts = cast(CodeMaker, maker), cast(Rollout, rollout).next, self.generator.codes
        return Steered(self.generator.num_frames, *parts).to(next(maker.parameters()).device).eval()

    def sample(self, generator: nn.Module, count: int, seed: int = 0) -> Tensor:
        """Samples (count, T, C, H, W), on the CPU."""
        return sample(generator, count, torch.Generator().manual_seed(seed)).cpu()


def commands_of(data: ClipSet) -> Tensor:
    """The command of every frame, (N, T); 0 where nobody commands."""
    commands = data.labels.get("command")
    return torch.zeros(data.clips.shape[:2], dtype=torch.long) if commands is None or commands.ndim < 2 else commands


def windows(codes: Tensor, commands: Tensor, frames: int) -> tuple[Tensor, Tensor, Tensor]:
    """Parts of clips, half of each shared with the next, as the game is given them.

    Args:
        codes: (N, T, K), T more than `frames`.
        commands: (N, T).
    Returns:
        The codes of the frames (M, frames, K); those before, (M, 1 + MEMORY, K), a clip's first one first; the frames'
        commands (M, frames).
    """
    starts = range(1, codes.shape[1] - frames + 1, max(1, frames // 2))
    if not starts:
        raise ValueError(f"expected clips of more than {frames} frames, got {codes.shape[1]}")
    parts = []
    for start in starts:
        past = [codes[:, max(0, start - back)] for back in range(MEMORY, 0, -1)]
        now = slice(start, start + frames)
        parts.append((codes[:, now], torch.stack([codes[:, 0], *past], 1), commands[:, now]))
    real, before, command = (torch.cat(rows) for rows in zip(*parts, strict=True))
    return real, before, command


def teach(next_frame: NextFrame, samples: tuple[Tensor, ...], settings: SteeredSettings, seed: int) -> None:
    """Teacher forcing, in place: after real frames, the mean of the next one."""
    rng = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(next_frame.parameters(), lr=settings.taught_lr)
    real, before, command = samples
    for step in clipkit.progress(settings.teaching, description="teaching"):
        optimizer.param_groups[0]["lr"] = settings.taught_lr * learning_rate_factor(step, settings.teaching, "cosine")
        some = torch.randint(len(real), (settings.taught_rows,), generator=rng)
        noise = torch.randn(len(some), next_frame.noise, generator=rng)
        made = next_frame(noise, command[some, 0], state_of(before[some]))
        optimizer.zero_grad()
        F.mse_loss(made, real[some, 0]).backward()
        optimizer.step()


GAME = Settings(
    steps=1500, batch=64, lr_g=5e-4, lr_d=5e-4, betas=(0.0, 0.99), schedule="linear", loss="relativistic", penalty="r1_r2",
    penalty_weight=3.0,  # frames are large beside what is wrong with them, and a lighter one lets the critic win
    penalty_every=4,
)
FIRST = replace(GAME, steps=3000, batch=128, lr_g=1.5e-3, lr_d=1.5e-3, penalty_weight=1.0)
SHORT = SteeredSettings(steps=1500, first=FIRST, game=GAME, teaching=2500)
SETTINGS = {
    "smoke": SteeredSettings(4, replace(FIRST, steps=4, batch=8), replace(GAME, steps=4, batch=8), 4, taught_rows=8, frames=2),
    "cpu": SHORT,
    "long": replace(SHORT, steps=8000, first=replace(FIRST, steps=20_000), game=replace(GAME, steps=8000), teaching=8000),
    "gpu": replace(SHORT, steps=60_000, first=replace(FIRST, steps=40_000), game=replace(GAME, steps=60_000), teaching=20_000),
}


def recipe(data: ClipSet, preset: str) -> SteeredRecipe:
    """Frames of clips, one after the other; steered, where the labels hold a command for each."""
    num_frames, channels, size = data.clips.shape[1:4]
    settings: SteeredSettings = settings_of(SETTINGS, preset)
    most = (192, 320, 512)  # 1.2 MB, a byte a number
    code, width, judge = clipkit.pick(preset, smoke=(8, 16, 16), cpu=most, long=most, gpu=(384, 768, 1024))
    commands = len(data.attributes.get("command", "0"))
    codes = PrincipalCodes(1, channels, size, code=code, frame_code=code)
    generator = Steered(num_frames, CodeMaker(64, width // 2, code), NextFrame(code, commands=commands, width=width), codes)
    critic = Critic(code, settings.frames, commands, judge)
    return SteeredRecipe(generator, CodeCritic(code, width), critic, data, settings)
