"""People who are steered: a clip made frame by frame, each from a command and the frames before, by one network in one step.

It is what autoregressive adversarial post-training makes of a video model (Lin et al. 2025, arXiv 2506.09350), small
enough for a CPU: frames are codes of `PrincipalCodes`. First the network learns the next frame of real clips by its mean
(teacher forcing). Then it goes on from its own frames, and a discriminator judges what came of it (student forcing). In some
steps it has gone on for long before the frames that are judged, so that it also learns to stay where it should when a command
lasts for longer than any in the data.
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
from clipkit.steered_walkers import COMMANDS
from solutions.models.latent_gan import CodeCritic, CodeMaker
from solutions.networks.principal import PrincipalCodes
from solutions.real_time import MEMORY, NextFrame, State, WindowCritic, rollout
from solutions.stability import learning_rate_factor
from solutions.training.recipe import Recipe, sample
from solutions.training.settings import Hooks, Settings, settings_of
from solutions.training.train import Run

TOWARDS_US = COMMANDS.index("down")


class Rollout(nn.Module):
    """`frames` next frames, each from those made before: the generator of the game, as the one trainer takes it.

    With more noise than these need it first makes a run-up of as many frames as the rest is for, without a gradient.
    """

    def __init__(self, next_frame: NextFrame, frames: int):
        super().__init__()
        self.next, self.frames, self.nz = next_frame, frames, frames * next_frame.noise

    def forward(self, z: Tensor, before: Tensor, command: Tensor) -> Tensor:
        """z (B, (ahead + frames) noise), codes before (B, 1 + MEMORY, K), the first frame's first, and commands (B, *), of
        which the last ahead + frames count, to codes (B, MEMORY + frames, K): those before, too.

        Without a run-up the frames go on from those before, with one from the clip's first frame.
        """
        noise, state = z.unflatten(1, (-1, self.next.noise)), state_of(before)
        ahead, command = noise.shape[1] - self.frames, command[:, -noise.shape[1]:]
        if ahead:
            with torch.no_grad():
                state = rollout(self.next, State.of(state.first), noise[:, :ahead], command[:, :ahead])[1]
        made, _ = rollout(self.next, state, noise[:, ahead:], command[:, ahead:])
        return torch.cat([state.past, made], 1)


class Critic(WindowCritic):
    """That of chapter 14, as the one trainer takes it: what was before the frames is a part of the sample."""

    def forward(  # type: ignore[override]  # the trainer's labels are tensors
        self, codes: Tensor, before: Tensor, command: Tensor,
    ) -> Tensor:
        """Codes (B, MEMORY + frames, K), before (B, 1 + MEMORY, K), of which the first counts, and commands (B, *), of which
        the last `frames` do, to logits (B,)."""
        frames = codes.shape[1] - MEMORY
        return super().forward(codes[:, MEMORY:], State(before[:, 0], codes[:, :MEMORY]), command[:, -frames:])


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

    def likeliest(self, z: Tensor) -> Tensor:
        """Of people drawn from noise (B, n, first.nz) the one whom the next frames keep best: its noise, (B, first.nz).

        Where the first frame is halfway between two people, the next ones decide for somebody else. So each comes towards us
        for four frames, without noise, and the one whose code has moved least is taken, measured by the contrast of the
        picture (by night all differences are small).
        """
        state = self.begin(z.flatten(0, 1))
        contrast = self.shown(state).flatten(1).var(1)
        still = z.new_zeros(len(state.first), self.next.noise)
        for _ in range(4):
            state = self.step(state, torch.full((len(still),), TOWARDS_US, device=z.device), still)
        moved = (state.past[:, -1] - state.first).square().sum(1) / contrast
        return z[torch.arange(len(z)), moved.view(z.shape[:2]).argmin(1)]

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
        ahead: lengths of the run-up, one of which is drawn for each step.
    """

    steps: int
    first: Settings
    game: Settings
    teaching: int
    taught_rows: int = 256  # next frames a step
    taught_lr: float = 1e-3  # at first; falls to 0
    frames: int = 8
    ahead: tuple[int, ...] = (0, 8, 32, 128)


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
        settings, network = self.settings, self.generator.next
        real, before, command = windows(of_frames, commands_of(self.data), settings.frames, max(settings.ahead))

        def latent(rng: torch.Generator, count: int) -> Tensor:
            ahead = settings.ahead[int(torch.randint(len(settings.ahead), (), generator=rng, device=rng.device))]
            return torch.randn(count, (ahead + settings.frames) * network.noise, generator=rng, device=rng.device)

        return Recipe(Rollout(network, settings.frames), self.critic, real, settings.game, labels=(before, command),
                      hooks=Hooks(latent=latent))

    def train(
        self, *, seed: int = 0, checkpoint: str | Path | None = None, watch: Callable[[int, nn.Module], object] | None = None,
        **options: Any,
    ) -> Run:
        """Trains all parts, one after the other, and gives back the curves of the last game; `options` are those of `fit`."""
        of_frames = self.coded(seed)
        shown = of_frames[facing_us(self.data)]
        first = Recipe(self.generator.first, self.first_critic, shown, self.settings.first)
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


def facing_us(data: ClipSet) -> Tensor:
    """Which frames a clip may begin with, bool (N, T): of people who come towards us, where a command says so; else all.

    They show best who it is. And half-way between a face and the back of a head lies nobody.
    """
    commands = commands_of(data)
    return commands == TOWARDS_US if data.attributes.get("command") == COMMANDS else torch.ones_like(commands, dtype=torch.bool)


def windows(codes: Tensor, commands: Tensor, frames: int, ahead: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Parts of clips, half of each shared with the next, as the game is given them.

    Args:
        codes: (N, T, K), T more than `frames`.
        commands: (N, T).
        ahead: how many commands to give from before the frames; where a clip was not there yet, its first one.
    Returns:
        The codes of the frames with the MEMORY ones before (M, MEMORY + frames, K); those before, (M, 1 + MEMORY, K), a clip's
        first one first; commands (M, ahead + frames).
    """
    starts = range(1, codes.shape[1] - frames + 1, max(1, frames // 2))
    if not starts:
        raise ValueError(f"expected clips of more than {frames} frames, got {codes.shape[1]}")
    parts = []
    for start in starts:
        seen, told = ((start + torch.arange(-back, frames)).clamp(min=0) for back in (MEMORY, ahead))
        now = codes[:, seen]
        parts.append((now, torch.cat([codes[:, :1], now[:, :MEMORY]], 1), commands[:, told]))
    real, before, command = (torch.cat(rows) for rows in zip(*parts, strict=True))
    return real, before, command


def teach(next_frame: NextFrame, samples: tuple[Tensor, ...], settings: SteeredSettings, seed: int) -> None:
    """Teacher forcing, in place: after real frames, the mean of the next one."""
    rng = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(next_frame.parameters(), lr=settings.taught_lr)
    real, before, command = samples
    frames = real.shape[1] - MEMORY
    for step in clipkit.progress(settings.teaching, description="teaching"):
        optimizer.param_groups[0]["lr"] = settings.taught_lr * learning_rate_factor(step, settings.teaching, "cosine")
        some = torch.randint(len(real), (settings.taught_rows,), generator=rng)
        noise = torch.randn(len(some), next_frame.noise, generator=rng)
        made = next_frame(noise, command[some, -frames], state_of(before[some]))
        optimizer.zero_grad()
        F.mse_loss(made, real[some, MEMORY]).backward()
        optimizer.step()


GAME = Settings(
    steps=1500, batch=64, lr_g=5e-4, lr_d=5e-4, betas=(0.0, 0.99), schedule="linear", loss="relativistic", penalty="r1_r2",
    penalty_weight=3.0,  # frames are large beside what is wrong with them, and a lighter one lets the critic win
    penalty_every=4,
)
FIRST = replace(GAME, steps=3000, batch=128, lr_g=1.5e-3, lr_d=1.5e-3, penalty_weight=1.0)
SHORT = SteeredSettings(steps=1500, first=FIRST, game=GAME, teaching=2500)
SETTINGS = {
    "smoke": SteeredSettings(4, replace(FIRST, steps=4, batch=8), replace(GAME, steps=4, batch=8), 4, taught_rows=8, frames=2,
                             ahead=(0, 2)),
    "cpu": SHORT,
    "long": replace(SHORT, steps=8000, first=replace(FIRST, steps=20_000), game=replace(GAME, steps=8000), teaching=8000),
    "gpu": replace(SHORT, steps=60_000, first=replace(FIRST, steps=40_000), game=replace(GAME, steps=60_000), teaching=20_000),
}


def recipe(data: ClipSet, preset: str) -> SteeredRecipe:
    """Frames of clips, one after the other; steered, where the labels hold a command for each."""
    num_frames, channels, size = data.clips.shape[1:4]
    settings: SteeredSettings = settings_of(SETTINGS, preset)
    most = (160, 304, 512)  # 1.1 MB, a byte a number
    code, width, judge = clipkit.pick(preset, smoke=(8, 16, 16), cpu=most, long=most, gpu=(384, 768, 1024))
    commands = len(data.attributes.get("command", "0"))
    codes = PrincipalCodes(1, channels, size, code=code, frame_code=code)
    generator = Steered(num_frames, CodeMaker(64, width // 2, code), NextFrame(code, commands=commands, width=width), codes)
    critic = Critic(code, settings.frames, commands, judge)
    return SteeredRecipe(generator, CodeCritic(code, width), critic, data, settings)
