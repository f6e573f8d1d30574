"""torchvision's well-known sets by name, for those who have a network."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from clipkit.clips import ClipSet
from clipkit.folder import ClipFolder
from clipkit.names import known
from clipkit.pixels import evenly_spread, from_pixels
from clipkit.video import square

# What torchvision wants to be asked to give the training part.
STILLS: dict[str, dict[str, Any]] = {
    "MNIST": {"train": True},
    "FashionMNIST": {"train": True},
    "KMNIST": {"train": True},
    "CIFAR10": {"train": True},
    "CIFAR100": {"train": True},
    "SVHN": {"split": "train"},
    "STL10": {"split": "train"},
    "CelebA": {"split": "train"},
    "Flowers102": {"split": "train"},
    "OxfordIIITPet": {"split": "trainval"},
    "EuroSAT": {},
}
VIDEOS = ("MovingMNIST", "UCF101")
BUNDLED = "without a network use Walkers(), MovingDigits() or ClipFolder(folder)"


def online(
    name: str, root: str | Path = "data", *, count: int | None = 10_000, num_frames: int = 16, size: int = 32
) -> ClipSet:
    """One of torchvision's sets as clips: MovingMNIST, UCF101 and, as clips of one frame, CelebA, MNIST...

    It is downloaded into `root` once. UCF101 has to be downloaded and unpacked by hand; the error says how.
    Labels: `class` where the set has classes, CelebA's forty attributes by their names ("no" or "yes").

    Args:
        name: as torchvision spells it.
        root: the folder for downloads.
        count: how many clips, evenly spread over the training part; None takes all (CelebA: 163 thousand).
        num_frames: T of the videos; stills have T = 1.
        size: the shorter edge is brought to it, then the middle square is cut out.
    Raises:
        ValueError: there is no such set, a picture of it is damaged, or MovingMNIST (20 frames) is asked for more
            frames than it has.
        ConnectionError: it is not there and could not be downloaded.
    """
    known(name, [*VIDEOS, *STILLS], "online set")
    if name == "UCF101":
        return _ucf101(Path(root), num_frames, size)
    source = _downloaded(name, root)
    chosen = evenly_spread(len(source), count or len(source))
    if name == "MovingMNIST":
        return _moving_mnist(source, chosen, num_frames, size)
    pixels, targets = zip(*(_still(*_item(source, i, name, root), size) for i in chosen), strict=True)
    labels, attributes = _labels(source, torch.tensor(targets))
    return ClipSet(from_pixels(np.stack(pixels)[:, None]), labels, attributes)


def _downloaded(name: str, root: str | Path) -> Any:
    from torchvision import datasets

    try:
        return getattr(datasets, name)(root, download=True, **STILLS.get(name, {}))
    except Exception as error:  # every downloader raises its own
        said = " ".join(str(error).split())
        raise ConnectionError(
            f"could not get {name} into {str(root)!r} ({said}): look whether this machine has a network "
            f"and try again; {BUNDLED}"
        ) from error


def _item(source: Any, index: int, name: str, root: str | Path) -> tuple[Any, Any]:
    try:
        return source[index]
    except Exception as error:  # a file of it was cut short or lost: every decoder raises its own
        said = " ".join(str(error).split())
        raise ValueError(
            f"item {index} of {name} in {str(root)!r} cannot be read ({said}): delete the set there, and it is "
            "downloaded again"
        ) from error


def _still(image: Any, target: Any, size: int) -> tuple[np.ndarray, list[int]]:
    pixels = np.asarray(image)
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    return square(pixels, size), [int(n) for n in np.atleast_1d(target)]


def _labels(source: Any, targets: torch.Tensor) -> tuple[dict, dict]:
    """`targets` is (N, labels): one column of classes, or CelebA's forty attributes of 0 and 1."""
    if targets.shape[1] > 1:
        names = [name for name in source.attr_names if name]  # its last one is empty
        return dict(zip(names, targets.T, strict=True)), {name: ("no", "yes") for name in names}
    classes = getattr(source, "classes", None) or range(int(targets.max()) + 1)
    return {"class": targets[:, 0]}, {"class": tuple(map(str, classes))}


def _moving_mnist(source: Any, chosen: np.ndarray, num_frames: int, size: int) -> ClipSet:
    length = source[0].shape[0]
    if num_frames > length:
        raise ValueError(
            f"the clips of MovingMNIST have {length} frames, asked for {num_frames}: pass num_frames={length}"
        )
    clips = [[square(frame.movedim(0, -1).numpy(), size) for frame in source[i][:num_frames]] for i in chosen]
    return ClipSet(from_pixels(np.array(clips)), fps=10)


def _ucf101(root: Path, num_frames: int, size: int) -> ClipFolder:
    folder = root / "UCF-101"
    if not folder.is_dir():
        raise ConnectionError(
            f"UCF101 is not in {str(folder)!r} and has to be fetched by hand (6.5 GB): "
            "download UCF101.rar from https://www.crcv.ucf.edu/data/UCF101.php and unpack it into "
            f"{str(root)!r}; {BUNDLED}"
        )
    return ClipFolder(folder, num_frames=num_frames, size=size)
