"""Chapter 6, given: the I3D network's features of clips, for those who have it: with them the Frechet distance is FVD."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

LEAST = 10  # frames: fewer do not survive I3D's pooling over time
OPTIONS = {"rescale": False, "resize": False, "return_features": True}  # of a widespread TorchScript of I3D


def i3d_features(path: str | Path) -> Callable[[Tensor], Tensor]:
    """A function from clips (B, T, C, H, W) in [-1, 1], C = 1 or 3 and T at
    least 10, to features (B, F).

    FVD is quoted with the network trained on Kinetics-400, F = 400. It
    moves with the file, the resizing, the length and the number of clips:
    set no figure beside one of another protocol.

    Args:
        path: a TorchScript file of I3D, that takes (B, 3, T, 224, 224).
    Raises:
        FileNotFoundError: there is no such file; says what does without.
        ValueError: the file holds no TorchScript; when called: clips that
            are too short, of another shape or range, or a network that
            gives no features (B, F).
    Source: Carreira and Zisserman 2017; "Towards Accurate Generative
    Models of Video: A New Metric & Challenges", Unterthiner et al. 2018.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no I3D network at {str(path)!r}: FVD needs its TorchScript, which you bring (StyleGAN-V and others "
            "publish one, i3d_torchscript.pt); without it, clip_features.load_features() needs no download")
    try:
        network = torch.jit.load(str(path), map_location="cpu").eval()
    except Exception as error:  # torch raises many kinds over a damaged file
        raise ValueError(f"{str(path)!r} holds no TorchScript that torch can read: expected I3D as torch.jit.save "
                         "writes it, not its weights alone") from error
    takes = {argument.name for argument in network.forward.schema.arguments}
    options = {name: value for name, value in OPTIONS.items() if name in takes}

    @torch.no_grad()
    def features(clips: Tensor) -> Tensor:
        found = network(for_i3d(clips), **options)
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != len(clips):
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ValueError(f"expected features (B, F) from {path.name}, got {got}: is it I3D?")
        return found

    return features


def for_i3d(clips: Tensor) -> Tensor:
    """Clips (B, T, C, H, W) as I3D takes them, (B, 3, T, 224, 224), in [-1, 1].

    Raises:
        ValueError: clips that are too short, of another shape or range.
    """
    if clips.ndim != 5 or clips.shape[2] not in (1, 3):
        raise ValueError(f"expected clips (B, T, C, H, W) of 1 or 3 channels, got {tuple(clips.shape)}: an image is no clip")
    if clips.shape[1] < LEAST:
        raise ValueError(f"expected clips of at least {LEAST} frames, got {clips.shape[1]}: try num_frames=16")
    low, high = clips.min().item(), clips.max().item()
    if not -1.01 < low <= high < 1.01:
        raise ValueError(f"expected clips in [-1, 1], got {low:.3g} to {high:.3g}: pixels 0..255 become x / 127.5 - 1")
    frames = clips.expand(-1, -1, 3, -1, -1).flatten(0, 1)
    frames = F.interpolate(frames, (224, 224), mode="bilinear")  # not antialiased, as in the paper's code
    return frames.unflatten(0, clips.shape[:2]).transpose(1, 2)
