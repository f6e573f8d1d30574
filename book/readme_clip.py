"""The clip of the README, made by the generator of walkers that comes with the course: `python book/readme_clip.py`."""
from pathlib import Path

import torch
from torch import Tensor

import clipkit
from solutions.published.shipped import trained

BOOK = Path(__file__).resolve().parent
CLIP = BOOK / "assets" / "clips" / "walkers.gif"


def frames() -> Tensor:
    """Five people side by side, the first that the generator makes, at twice their size, as one clip (T, C, H, W)."""
    torch.set_num_threads(1)
    generator, recipe = trained("walkers")
    clip = torch.cat(list(recipe.sample(generator, 5)), -1)
    return clip.repeat_interleave(2, -1).repeat_interleave(2, -2)


if __name__ == "__main__":
    clipkit.write_video(frames(), CLIP, fps=8)
    print(f"{CLIP.relative_to(BOOK.parent)}: {CLIP.stat().st_size / 1e3:.0f} KB")
