"""Chapter 1's new codes: which scenes a Gaussian, three of them and a GAN make, its discriminator seeing one code or four."""
from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from solutions.networks.autoencoder import Autoencoder, train_code_gan
from solutions.pipeline import gaussian_codes, train_autoencoder

COUNT = 300  # codes to count
SETTINGS = {"real": {}, "gaussian": {"gaussians": 1}, "three": {"gaussians": 3}, "pack_1": {"pack": 1}, "pack_4": {"pack": 4}}


@cache
def page():
    """The chapter's clips, how long it trains, and how it counts scenes."""
    return of_page("01_pipeline", "clips", "steps", "scene_shares")


@cache
def trained(seed: int) -> nn.Module:
    """The page's autoencoder, from another start."""
    torch.manual_seed(seed)
    model = Autoencoder(channels=8 * 3, size=32, code=16)
    train_autoencoder(model, page().clips, steps=page().steps, rng=torch.Generator().manual_seed(seed))
    return model


def new_codes(codes: Tensor, seed: int, gaussians: int, pack: int) -> Tensor:
    """What a Gaussian, one for each scene, or a GAN makes of codes; themselves where none is asked for."""
    rng = torch.Generator().manual_seed(seed)
    if pack:
        torch.manual_seed(seed)
        generator = train_code_gan(codes, steps=6 * page().steps, rng=rng, pack=pack)
        return generator(torch.randn(COUNT, generator.nz, generator=rng)).detach()
    if gaussians == 1:
        return gaussian_codes(codes, COUNT, rng)
    if gaussians:
        scene = torch.tensor([int(page().scene_shares(first).argmax()) for first in page().clips[:, :1]])
        return torch.cat([gaussian_codes(codes[scene == k], COUNT // gaussians, rng) for k in range(gaussians)])
    return codes


def measure(seed: int, *, gaussians: int = 0, pack: int = 0) -> dict[str, float]:
    """Scenes with a fifth of their share at least, the share of the rarest, and of what is in no scene."""
    model = trained(seed)
    made = new_codes(model.encode(page().clips).detach(), seed, gaussians, pack)
    *shares, none = page().scene_shares(model.decode(made, 8)[:, 0].detach()).tolist()
    return {"scenes": sum(share > 1 / 15 for share in shares), "rarest": min(shares), "none": none}


STUDY = Study(
    minutes=3, seeds=5,
    variants={"real": "the clips, reconstructed", "gaussian": "a Gaussian", "three": "three Gaussians, one a scene",
              "pack_1": "GAN, D sees one code", "pack_4": "GAN, D sees four"},
    numbers={"scenes": Number("scenes, of 3", ".1f"), "rarest": Number("rarest scene", ".0%"),
             "none": Number("in none", ".0%")},
)
