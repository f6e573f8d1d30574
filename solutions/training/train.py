"""The one trainer of the course: the loop around `gan_step`.

Images are (B, C, H, W), clips (B, T, C, H, W), both in [-1, 1]. A generator says how long its z is: `generator.nz`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.optim import Adam

import clipkit
from clipkit.checkpoint import Steps
from solutions.networks.layers import channels_last, ema_copy, ema_decay, update_ema
from solutions.stability import learning_rate_factor
from solutions.training.gan_step import Batch, Game, discriminator_update, gan_step
from solutions.training.history import Board, History
from solutions.training.parallel import distributed, is_first, my_share, plain
from solutions.training.settings import NO_HOOKS, Hooks, Settings


class Run(NamedTuple):
    """What `fit` leaves: G with averaged weights in evaluation mode, and the curves."""

    ema: nn.Module
    history: History


def fit(
    generator: nn.Module, discriminator: nn.Module, real: Tensor, settings: Settings, *,
    labels: tuple[Tensor, ...] = (), hooks: Hooks = NO_HOOKS, seed: int = 0, device: str | torch.device = "cpu",
    checkpoint: str | Path | None = None, tensorboard: str | Path | None = None, description: str = "GAN",
    watch: Callable[[int, nn.Module], object] | None = None,
) -> Run:
    """Trains both networks, in place, on batches drawn from `real`.

    Args:
        real: (N, *), all samples, in [-1, 1]; moved to the device once.
        labels: tensors (N, *), drawn along with the samples and given to both networks.
        seed: of the batches, z and all noise.
        checkpoint: a file; where it exists the run goes on from there. An interrupt leaves it whole.
        tensorboard: a folder for TensorBoard.
        watch: watch(steps done, averaged generator) is called LOOKS times in a run, the last time at its end.
    Raises:
        ValueError: there is no sample, the labels are not as many, or samples leave [-1, 1].
    """
    check_samples(real, labels)
    rng = torch.Generator(device).manual_seed(seed)
    game = set_up(generator, discriminator, settings, hooks, rng)
    ema, history = ema_copy(generator), History(settings.steps, rng.device)
    board = Board(tensorboard if is_first() else None)
    steps: Iterable[int] = range(settings.steps)
    if checkpoint is not None:
        steps = steps_to_do(checkpoint, game, ema, history)
    if is_first():
        steps = bar = clipkit.progress(steps, description=description)
    layout = torch.channels_last if real.ndim == 4 else torch.contiguous_format
    data = real.to(rng.device, memory_format=layout), tuple(label.to(rng.device) for label in labels)
    for step in steps:
        measured = one_step(game, data, step)
        update_ema(ema, generator, ema_decay(settings.ema, step))
        history.record(step, measured)
        board.record(step, measured)
        if watch and is_first() and due(step, settings.steps):
            watch(step + 1, ema)
        if is_first():
            bar.show(D=measured["loss_d"], G=measured["loss_g"])
    board.close()
    return Run(ema, history)


LOOKS = 20  # times that a run is watched


def due(step: int, steps: int) -> bool:
    """Whether somebody who watches is called after this step."""
    return (step + 1) % max(1, steps // LOOKS) == 0 or step + 1 == steps


def steps_to_do(path: str | Path, game: Game, ema: nn.Module, history: History) -> range | Steps:
    """The steps that the checkpoint leaves to do, after everything is as it was; the first process saves."""
    saved = clipkit.Checkpoint(
        path, generator=plain(game.generator), discriminator=plain(game.discriminator), ema=ema,
        optimizer_g=game.optimizer_g, optimizer_d=game.optimizer_d, history=history, rng=game.rng,
    )
    total = game.settings.steps
    return saved.steps(total) if is_first() else range(saved.done, total)


def one_step(game: Game, data: tuple[Tensor, tuple[Tensor, ...]], step: int) -> dict[str, Tensor]:
    """Draws what a step needs, gives D its steps ahead (`n_critic`), and plays one round."""
    settings = game.settings
    factor = learning_rate_factor(step, settings.steps, settings.schedule)
    for optimizer, lr in ((game.optimizer_g, settings.lr_g), (game.optimizer_d, settings.lr_d)):
        for group in optimizer.param_groups:
            group["lr"] = lr * factor
    for _ in range(settings.n_critic - 1):
        batch = draw_batch(game, *data)
        with torch.no_grad():
            fake = game.generate(batch)
        discriminator_update(game, batch, fake, step)
    return gan_step(game, draw_batch(game, *data), step)


def set_up(
    generator: nn.Module, discriminator: nn.Module, settings: Settings, hooks: Hooks, rng: torch.Generator,
) -> Game:
    """Moves both networks to the device of `rng`, channels last, and gives each its optimizer."""
    device, beta1, beta2 = rng.device, *map(float, settings.betas)
    networks, optimizers = [], []
    for network, lr in ((generator, settings.lr_g), (discriminator, settings.lr_d)):
        channels_last(network.to(device)).train()
        fused = device.type in ("cpu", "cuda")  # one kernel for all weights
        optimizers.append(Adam(network.parameters(), lr=lr, betas=(beta1, beta2), fused=fused))
        if settings.compile and device.type == "cuda":
            network = cast(nn.Module, torch.compile(network))
        networks.append(distributed(network))
    (G, D), (optimizer_g, optimizer_d) = networks, optimizers
    return Game(G, D, optimizer_g, optimizer_d, settings, hooks, rng)


def draw_batch(game: Game, real: Tensor, labels: tuple[Tensor, ...]) -> Batch:
    """Samples with their labels, drawn with replacement, and z; of these this process's share."""
    count, rng = game.settings.batch, game.rng
    assert rng is not None, "a game that draws its batches needs an rng"
    index = my_share(torch.randint(len(real), (count,), generator=rng, device=rng.device))
    if game.hooks.latent:
        z = game.hooks.latent(rng, count)
    else:
        z = torch.randn(count, plain(game.generator).nz, generator=rng, device=rng.device)
    return Batch(real[index], my_share(z), tuple(label[index] for label in labels))


def check_samples(real: Tensor, labels: tuple[Tensor, ...]) -> None:
    """Raises ValueError where `real` and `labels` are nothing to train on; the message says what to try."""
    if not isinstance(real, Tensor) or not real.is_floating_point() or real.ndim < 2 or not len(real):
        got = f"{real.dtype} {tuple(real.shape)}" if isinstance(real, Tensor) else type(real).__name__
        raise ValueError(f"expected samples as a float tensor (N, ...), got {got}: pixels 0..255 become x / 127.5 - 1")
    low, high = real.min().item(), real.max().item()
    if real.ndim >= 4 and not -1.01 < low <= high < 1.01:
        raise ValueError(f"expected samples in [-1, 1], got {low:.3g} to {high:.3g}: [0, 1] becomes x * 2 - 1")
    for label in labels:
        if len(label) != len(real):
            raise ValueError(f"expected a label for each of {len(real)} samples, got {len(label)}")
