"""Chapter 6, given: the Inception network's features of frames, for those who have its weights."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FILE = "inception_v3_google-0cc3c7bd.pth"  # torchvision's Inception_V3_Weights.IMAGENET1K_V1


def inception_features(path: str | Path | None = None) -> Callable[[Tensor], Tensor]:
    """A function from frames (N, 3, H, W) in [-1, 1] to features (N, 2048).

    For a Frechet distance of images; of clips, give it `clips.flatten(0, 1)`.
    Papers quote FID with another Inception (TensorFlow's, of 2015): never
    set a figure from this one beside theirs.

    Args:
        path: torchvision's weights; None looks where torchvision keeps them.
    Raises:
        FileNotFoundError: no weights there; says how to get them.
        ValueError: the file holds something else.
    Source: Szegedy et al. 2016; the pooled layer, as in Heusel et al. 2017.
    """
    from torchvision.models import inception_v3

    path = Path(path or Path(torch.hub.get_dir()) / "checkpoints" / FILE)
    if not path.is_file():
        raise FileNotFoundError(
            f"there are no Inception weights at {str(path)!r}: on a machine with a network, "
            "torchvision.models.Inception_V3_Weights.IMAGENET1K_V1.get_state_dict() fetches them there (104 MB); "
            "without one, clip_features.load_features() needs no download")
    network = inception_v3(weights=None, init_weights=False)
    try:
        network.load_state_dict(torch.load(path, weights_only=True))
    except Exception as error:  # torch.load raises many kinds over a damaged file
        raise ValueError(f"{str(path)!r} does not hold the weights of torchvision's Inception ({FILE})") from error
    network.fc = nn.Identity()
    network.requires_grad_(False).eval()
    # The weights come from TensorFlow and expect [-1, 1], as frames are. torchvision normalises otherwise and undoes it
    # by `transform_input`, which stays off here.
    return lambda frames: network(F.interpolate(frames, (299, 299), mode="bilinear", antialias=True))
