"""The training loop that most people know: that of the public DCGAN example (pytorch/examples, dcgan/main.py).

Written again from its description, for comparison: a sigmoid at D's end and BCELoss; a backward pass each for real and
fake; D's weights gather gradients in G's step too; numbers are read (`item`) in every step; Adam and the memory layout
are torch's defaults. The example reads pictures through a DataLoader; here it has them in memory, which favours it.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Adam

from solutions.training.settings import Settings


class PublicLoop:
    """Both networks with the example's optimizers; `run` makes steps.

    Args:
        discriminator: gives logits; the sigmoid is added here.
        real: (N, C, H, W), in [-1, 1], on the device.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module, real: Tensor, settings: Settings, seed: int = 0):
        self.generator, self.discriminator, self.real = generator.train(), discriminator.train(), real
        self.batch, self.rng = settings.batch, torch.Generator(real.device).manual_seed(seed)
        self.optimizer_g = Adam(generator.parameters(), settings.lr_g, settings.betas)
        self.optimizer_d = Adam(discriminator.parameters(), settings.lr_d, settings.betas)
        self.criterion = nn.BCELoss()
        self.losses: list[tuple[float, float]] = []  # D's and G's, one pair a step

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.losses.append(self.step())

    def judge(self, images: Tensor) -> Tensor:
        return torch.sigmoid(self.discriminator(images))

    def step(self) -> tuple[float, float]:
        """One step, in the example's order; returns both losses."""
        device, rng = self.real.device, self.rng
        real = self.real[torch.randint(len(self.real), (self.batch,), generator=rng, device=device)]
        label = torch.ones(self.batch, device=device)
        self.discriminator.zero_grad()
        output = self.judge(real)
        loss_real = self.criterion(output, label)
        loss_real.backward()
        mean_real = output.mean().item()
        z = torch.randn(self.batch, self.generator.nz, generator=rng, device=device)
        fake = self.generator(z)
        output = self.judge(fake.detach())
        loss_fake = self.criterion(output, torch.zeros_like(label))
        loss_fake.backward()
        mean_fake = output.mean().item()
        self.optimizer_d.step()
        self.generator.zero_grad()
        output = self.judge(fake)
        loss_g = self.criterion(output, label)
        loss_g.backward()
        mean_fooled = output.mean().item()
        self.optimizer_g.step()
        self.shown = mean_real, mean_fake, mean_fooled
        return (loss_real + loss_fake).item(), loss_g.item()
