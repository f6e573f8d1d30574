"""Chapter 10: the flow of chapter 13 on principal components: what a GAN of codes is to be measured against.

The autoencoder of `latent_flow` has to be trained, and on characters before black it comes to nothing: its outputs run
into -1 and stay there. Components are read off the clips, and are the same for flow and GAN.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import clipkit
from clipkit import ClipSet
from solutions.after_gans import SAMPLERS
from solutions.models.latent_flow import FlowRecipe, FlowSettings, LatentFlow
from solutions.networks.principal import PrincipalCodes
from solutions.training.settings import settings_of
from solutions.training.train import Run


class PrincipalFlow(LatentFlow):
    """Noise to a clip: the velocity carries it to a code of `PrincipalCodes`, which is decoded.

    Args:
        codes: fitted before the training.
        hidden, blocks: of the velocity network.
    """

    def __init__(self, codes: PrincipalCodes, *, hidden: int = 512, blocks: int = 3):
        num_frames, channels, size, _ = codes.shape
        super().__init__(num_frames, channels, size, code=len(codes.clips), width=1, hidden=hidden, blocks=blocks)
        self.autoencoder = codes  # type: ignore[assignment]  # it encodes and decodes, too

    def forward(self, z: Tensor) -> Tensor:
        """z (B, nz) to clips (B, T, C, H, W), in [-1, 1]."""
        codes = SAMPLERS[self.sampler](self.velocity, z, self.steps)
        return self.autoencoder.decode(codes * self.std + self.mean)  # type: ignore[call-arg]  # it knows its frames


class PrincipalFlowRecipe(FlowRecipe):
    """A flow of principal components, to train and to sample."""

    def train(self, **options: Any) -> Run:
        """Fits the components, then runs `fit_flow`; `options` are its keyword arguments."""
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(options.get("seed", 0))
            self.generator.autoencoder.fit(self.real)  # type: ignore[operator]  # a module, to mypy
        return super().train(**options)


SETTINGS = {
    "smoke": FlowSettings(steps=4, autoencoder_share=0, codes=8),
    "cpu": FlowSettings(steps=3000, autoencoder_share=0),  # two minutes on one core
    "gpu": FlowSettings(steps=40_000, autoencoder_share=0, codes=1024),
}


def recipe(data: ClipSet, preset: str) -> PrincipalFlowRecipe:
    """Flow matching on the principal components of whole clips."""
    num_frames, channels, size = data.clips.shape[1:4]
    code, hidden = clipkit.pick(preset, smoke=(8, 16), cpu=(256, 512), gpu=(512, 1024))
    codes = PrincipalCodes(num_frames, channels, size, code=code, frame_code=code)
    flow = PrincipalFlow(codes, hidden=hidden, blocks=clipkit.pick(preset, smoke=1, cpu=3, gpu=6))
    return PrincipalFlowRecipe(flow, data.clips, settings_of(SETTINGS, preset))
