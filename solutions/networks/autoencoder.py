"""Chapter 1, given: an autoencoder for clips, and a GAN that makes new codes for it.

It reconstructs; to sample, it needs a distribution of codes.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Adam

from clipkit import progress


class Autoencoder(nn.Module):
    """A clip as few numbers, and back. The frames of a clip stand beside
    one another as the channels of one image.

    Args:
        channels: T * C of a clip.
        size: its height and width, a multiple of 8.
        code: how many numbers.
        width: maps of the first layer; the next ones have 2 and 4 times
            as many.
    Call:
        clips (B, T, C, H, W) to clips of that shape, in [-1, 1].
    """

    def __init__(
        self, channels: int, size: int = 32, code: int = 16, width: int = 24
    ):
        super().__init__()
        if size % 8:
            raise ValueError(
                f"expected a size that is a multiple of 8, got {size}")
        w, small = width, size // 8  # three times halved
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, w, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(w, 2 * w, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(2 * w, 4 * w, 4, 2, 1), nn.ReLU(),
            nn.Flatten(), nn.Linear(4 * w * small ** 2, code))
        self.decoder = nn.Sequential(
            nn.Linear(code, 4 * w * small ** 2), nn.ReLU(),
            nn.Unflatten(1, (4 * w, small, small)),
            nn.ConvTranspose2d(4 * w, 2 * w, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(2 * w, w, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(w, channels, 4, 2, 1), nn.Tanh())

    def encode(self, clips: Tensor) -> Tensor:
        """Clips (B, T, C, H, W) to codes (B, code)."""
        return self.encoder(clips.flatten(1, 2))

    def decode(self, codes: Tensor, num_frames: int) -> Tensor:
        """Codes (B, code) to clips (B, num_frames, C, H, W)."""
        return self.decoder(codes).unflatten(1, (num_frames, -1))

    def forward(self, clips: Tensor) -> Tensor:
        return self.decode(self.encode(clips), clips.shape[1])


class CodeGenerator(nn.Module):
    """Noise (B, nz) to codes (B, code) with the scale of `codes`."""

    mean: Tensor
    std: Tensor

    def __init__(self, codes: Tensor, nz: int = 16, width: int = 128):
        super().__init__()
        self.nz = nz
        self.layers = nn.Sequential(
            nn.Linear(nz, width), nn.ReLU(), nn.Linear(width, width),
            nn.ReLU(), nn.Linear(width, codes.shape[1]))
        self.register_buffer("mean", codes.mean(dim=0))
        self.register_buffer("std", codes.std(dim=0))

    def forward(self, z: Tensor) -> Tensor:
        return self.mean + self.std * self.layers(z)


class CodeDiscriminator(nn.Module):
    """Packs of `pack` codes to scores (B / pack, 1): near 1 for real.

    It sees several codes at once, so it notices where a generator makes
    the same again and again.

    Source: Lin et al. 2018, "PacGAN".
    """

    mean: Tensor
    std: Tensor

    def __init__(self, codes: Tensor, pack: int = 4, width: int = 128):
        super().__init__()
        self.pack = pack
        self.layers = nn.Sequential(
            nn.Linear(pack * codes.shape[1], width), nn.LeakyReLU(0.2),
            nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1))
        self.register_buffer("mean", codes.mean(dim=0))
        self.register_buffer("std", codes.std(dim=0))

    def forward(self, codes: Tensor) -> Tensor:
        codes = (codes - self.mean) / self.std
        return self.layers(codes.view(-1, self.pack * codes.shape[1]))


def train_code_gan(
    codes: Tensor, *, steps: int, rng: torch.Generator, pack: int = 4,
    batch_size: int = 128, lr: float = 1e-3,
) -> CodeGenerator:
    """A generator of codes, trained against a discriminator in turn.

    Args:
        codes: (N, code), of real clips.
        rng: draws the batches and the noise.
        pack: how many codes the discriminator sees at once.
        batch_size: a multiple of `pack`.
    Returns:
        The trained generator.
    Source: the losses of Mao et al. 2017, "Least Squares Generative
        Adversarial Networks"; chapter 2 explains such a pair.
    """
    G, D = CodeGenerator(codes), CodeDiscriminator(codes, pack)
    turn_g = Adam(G.parameters(), lr=lr, betas=(0.5, 0.999))
    turn_d = Adam(D.parameters(), lr=lr, betas=(0.5, 0.999))
    for _ in progress(steps, description="GAN of codes"):
        chosen = torch.randint(len(codes), (batch_size,), generator=rng)
        real = codes[chosen]
        fake = G(torch.randn(batch_size, G.nz, generator=rng))
        # D's turn: 1 for real codes, 0 for fake ones.
        error_d = (D(real) - 1).square() + D(fake.detach()).square()
        turn_d.zero_grad()
        error_d.mean().backward()
        turn_d.step()
        # G's turn: D is to say 1.
        error_g = (D(fake) - 1).square()
        turn_g.zero_grad()
        error_g.mean().backward()
        turn_g.step()
    return G
