"""Chapter 13: flow matching on the codes of an autoencoder; it joins the command line as the model "flow".

First the autoencoder learns to write clips as few numbers, then a small network learns the velocity that carries noise
to such codes: diffusion in a latent space (Rombach et al. 2022), small enough for a CPU.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import clipkit
from clipkit import ClipSet
from solutions.after_gans import SAMPLERS, flow_matching_loss
from solutions.networks.autoencoder import Autoencoder
from solutions.networks.layers import channels_last, ema_copy, ema_decay, update_ema
from solutions.networks.velocity_network import VelocityNetwork
from solutions.stability import learning_rate_factor
from solutions.training.history import Board, History
from solutions.training.recipe import sample
from solutions.training.settings import settings_of
from solutions.training.train import Run, check_samples, due


class LatentFlow(nn.Module):
    """Noise to a clip: the velocity carries it to a code, which is decoded. To all others it is a generator.

    Args:
        num_frames, channels, size: of the clips.
        code: how many numbers a code has; also nz.
        width: maps of the autoencoder's first layer.
        hidden: width of the velocity network.
    Attributes:
        steps, sampler: how `forward` goes from noise to code; a name in SAMPLERS. Change them as you like.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, num_frames: int, channels: int, size: int, *, code: int = 64, width: int = 32,
                 hidden: int = 256, blocks: int = 3):
        super().__init__()
        self.nz, self.num_frames, self.steps, self.sampler = code, num_frames, 12, "heun"
        self.autoencoder = Autoencoder(num_frames * channels, size, code=code, width=width)
        self.velocity = VelocityNetwork(code, width=hidden, blocks=blocks)
        self.register_buffer("mean", torch.zeros(code))  # of the codes, which the velocity sees standardised
        self.register_buffer("std", torch.ones(code))

    def standardise(self, codes: Tensor) -> None:
        """Remembers mean and standard deviation of codes (N, F)."""
        self.mean.copy_(codes.mean(0))
        self.std.copy_(codes.std(0, unbiased=False).clamp(min=1e-3))

    def forward(self, z: Tensor) -> Tensor:
        """z (B, nz) to clips (B, T, C, H, W), in [-1, 1]."""
        codes = SAMPLERS[self.sampler](self.velocity, z, self.steps)
        return self.autoencoder.decode(codes * self.std + self.mean, self.num_frames)


@dataclass(frozen=True)
class FlowSettings:
    """The numbers of a run.

    Attributes:
        steps: the autoencoder's, then the velocity's.
    """

    steps: int
    autoencoder_share: float = 0.25  # of the steps; one costs as much as five of the velocity's
    clips: int = 32  # a step of the autoencoder
    codes: int = 256  # a step of the velocity, whose target is noisy: many, and they are cheap
    lr: float = 2e-3  # at first; falls to 0 in each part as half a cosine
    ema: float = 0.999  # of the velocity's weights

    @property
    def autoencoder_steps(self) -> int:
        return max(1, round(self.steps * self.autoencoder_share)) if self.autoencoder_share else 0


SETTINGS = {
    "smoke": FlowSettings(steps=6, autoencoder_share=0.5, clips=4, codes=8),
    "cpu": FlowSettings(steps=4800),
    "gpu": FlowSettings(steps=40_000, clips=128, codes=1024),
}


@dataclass(frozen=True)
class FlowRecipe:
    """What `Recipe` is to a GAN: a network, data and settings, to train and to sample."""

    generator: LatentFlow
    real: Tensor
    settings: FlowSettings

    def train(self, **options: Any) -> Run:
        """Runs `fit_flow`; `options` are its keyword arguments."""
        return fit_flow(self.generator, self.real, self.settings, **options)

    def sample(self, generator: LatentFlow, count: int, seed: int = 0) -> Tensor:
        """Samples (count, *), on the CPU."""
        return sample(generator, count, torch.Generator().manual_seed(seed)).cpu()


def fit_flow(
    model: LatentFlow, real: Tensor, settings: FlowSettings, *, seed: int = 0, device: str | torch.device = "cpu",
    checkpoint: str | Path | None = None, tensorboard: str | Path | None = None, description: str = "flow",
    watch: Callable[[int, nn.Module], object] | None = None,
) -> Run:
    """Trains autoencoder and velocity, one after the other, in place; gives back the averaged model and `loss`.

    The curve `loss` is the autoencoder's squared error for the first `settings.autoencoder_steps`, then the flow
    matching loss.

    Args:
        real: (N, T, C, H, W), in [-1, 1].
        seed, device, checkpoint, tensorboard, watch: as in `fit`; of the autoencoder's steps there is nothing to see.
    """
    check_samples(real, ())
    rng = torch.Generator(device).manual_seed(seed)
    real, model = real.to(rng.device), model.to(rng.device).train()
    channels_last(model)
    ema = cast(LatentFlow, ema_copy(model))
    history, board = History(settings.steps, rng.device), Board(tensorboard)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr, fused=rng.device.type in ("cpu", "cuda"))
    steps: Iterable[int] = range(settings.steps)
    if checkpoint is not None:
        parts = {"model": model, "ema": ema, "optimizer": optimizer, "history": history, "rng": rng}
        steps = clipkit.Checkpoint(checkpoint, **parts).steps(settings.steps)
    first, codes = settings.autoencoder_steps, None
    for step in (bar := clipkit.progress(steps, description=description)):
        done, total = (step, first) if step < first else (step - first, settings.steps - first)
        for group in optimizer.param_groups:
            group["lr"] = settings.lr * learning_rate_factor(done, total, "cosine")
        if step < first:
            loss = F.mse_loss(model.autoencoder(batch := draw(real, settings.clips, rng)), batch)
        else:
            codes = fixed_codes(model, real) if codes is None else codes
            loss = flow_matching_loss(model.velocity, draw(codes, settings.codes, rng), rng)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()  # leaves alone what has no gradient: the part whose turn it is not
        if step == first:
            ema.load_state_dict(model.state_dict())
        elif step > first:
            update_ema(ema.velocity, model.velocity, ema_decay(settings.ema, done))
        if watch and step >= first and due(step, settings.steps):
            watch(step + 1, ema)
        history.record(step, {"loss": loss})
        board.record(step, {"loss": loss})
        bar.show(loss=loss)
    board.close()
    return Run(ema, history)


def draw(samples: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """Samples (count, *), drawn with replacement."""
    return samples[torch.randint(len(samples), (count,), generator=rng, device=rng.device)]


@torch.no_grad()
def fixed_codes(model: LatentFlow, clips: Tensor, batch_size: int = 256) -> Tensor:
    """The codes (N, F) of clips (N, T, C, H, W), standardised; the model remembers how."""
    codes = torch.cat([model.autoencoder.encode(batch) for batch in clips.split(batch_size)])
    model.standardise(codes)
    return (codes - model.mean) / model.std


def recipe(data: ClipSet, preset: str) -> FlowRecipe:
    """Latent flow matching on whole clips."""
    code, width = clipkit.pick(preset, smoke=8, cpu=96, gpu=256), clipkit.pick(preset, smoke=4, cpu=48, gpu=96)
    hidden, blocks = clipkit.pick(preset, smoke=16, cpu=256, gpu=1024), clipkit.pick(preset, smoke=1, cpu=3, gpu=6)
    num_frames, channels, size = data.clips.shape[1:4]
    model = LatentFlow(num_frames, channels, size, code=code, width=width, hidden=hidden, blocks=blocks)
    return FlowRecipe(model, data.clips, settings_of(SETTINGS, preset))
