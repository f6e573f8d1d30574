"""Chapter 11's three repairs in their six orders, and what decides between two of them: the unit of the gate's threshold."""
from __future__ import annotations

from functools import cache, partial

import torch
from torch import Tensor

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from clipkit import Walkers, pick, preset

LAMP = 0.783  # the mean light that the page's lamp lets through
SETTINGS = {
    "spoilt": {"order": ""},
    "white": {"order": "deflicker white denoise"}, "denoise": {"order": "deflicker denoise white"},
    "denoise_first": {"order": "denoise deflicker white"}, "denoise_white": {"order": "denoise white deflicker"},
    "white_first": {"order": "white deflicker denoise"}, "white_denoise": {"order": "white denoise deflicker"},
    "denoise_lower": {"order": "deflicker denoise white", "threshold": 0.3 * LAMP},
    "white_higher": {"order": "deflicker white denoise", "threshold": 0.3 / LAMP},
    "whole": {"order": "one_mean white denoise"},
}


@cache
def page():
    """How the chapter spoils, repairs and judges clips."""
    return of_page("11_post_processing", "spoil", "each", "steps", "marks", "psnr")


def one_mean(clip: Tensor) -> Tensor:
    """Brings each frame's mean to the mean of the whole clip (T, C, H, W)."""
    return (clip + clip.mean() - clip.mean(dim=(1, 2, 3), keepdim=True)).clamp(-1, 1)


def measure(seed: int, *, order: str, threshold: float = 0.3) -> dict[str, float]:
    """The page's marks of repaired clips, and PSNR of their first and last frames."""
    true = Walkers(pick(preset("cpu"), smoke=2, cpu=16, gpu=16), seed=seed).clips
    rng = torch.Generator().manual_seed(seed)
    steps = page().steps | {"denoise": partial(page().steps["denoise"], threshold=threshold), "one_mean": one_mean}
    clips = page().each(lambda clip: page().spoil(clip, rng), true)
    for name in order.split():
        clips = page().each(steps[name], clips)
    return page().marks(clips, true) | {"ends": page().psnr(clips[:, [0, -1]], true[:, [0, -1]]).mean().item()}


STUDY = Study(
    minutes=1,
    variants={
        "spoilt": "spoilt", "white": "deflicker > white > denoise", "denoise": "deflicker > denoise > white",
        "denoise_first": "denoise > deflicker > white", "denoise_white": "denoise > white > deflicker",
        "white_first": "white > deflicker > denoise", "white_denoise": "white > denoise > deflicker",
        "denoise_lower": "deflicker > denoise > white, threshold of 0.235",
        "white_higher": "deflicker > white > denoise, threshold of 0.383",
        "whole": "deflicker, one mean for all > white > denoise"},
    numbers={"PSNR": Number("PSNR", ".1f"), "SSIM": Number("SSIM", ".3f"), "flicker": Number("flicker", ".4f"),
             "motion": Number("PSNR of motion", ".1f"), "ends": Number("PSNR of both ends", ".1f")},
)
