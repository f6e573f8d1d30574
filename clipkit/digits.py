"""Handwritten digits in motion: the 1797 that scikit-learn brings along, bouncing inside the frame."""

import torch
from torch import Tensor
from torch.nn import functional as F

from clipkit.clips import ClipSet

DIGIT_SIZE = 16  # pixels of a digit in a clip
NAMES = tuple("0123456789")


def digit_images(size: int = 16) -> tuple[Tensor, Tensor]:
    """The 1797 handwritten digits of scikit-learn, enlarged from 8 x 8.

    Returns:
        Images (1797, 1, size, size), float32 in [-1, 1], background -1; which digit each is, (1797,).
    Raises:
        ValueError: `size` is below 8.
    """
    from sklearn.datasets import load_digits

    if size < 8:
        raise ValueError(f"the digits are 8 x 8; expected a size of at least 8, got {size}")
    bunch = load_digits()
    ink = torch.from_numpy(bunch.images).float()[:, None] / 16  # (1797, 1, 8, 8), 0 to 1
    ink = F.interpolate(ink, (size, size), mode="bicubic", align_corners=False).clamp(0, 1)
    return ink * 2 - 1, torch.from_numpy(bunch.target).long()


class MovingDigits(ClipSet):
    """Clips of handwritten digits that bounce inside the frame, (T, 1, size, size); nothing is downloaded.

    Each digit flies straight at its own speed and is thrown back by the edges without loss; digits pass
    through one another, the brighter pixel showing. Label: `digit`, that of the first digit. The same seed
    gives the same clips, and more of them leave the first ones as they are.

    Args:
        count: how many clips.
        num_frames: T, at least 1.
        size: height and width, at least 16.
        digits: digits in each clip, at least 1.
        seed: of everything that is random.
    Raises:
        ValueError: one of these is too small.
    """

    def __init__(
        self, count: int = 512, *, num_frames: int = 16, size: int = 32, digits: int = 1, seed: int = 0
    ):
        if min(count, num_frames, digits) < 1 or size < DIGIT_SIZE:
            raise ValueError(
                f"expected count, num_frames and digits of at least 1 and size of at least {DIGIT_SIZE}, "
                f"got {count}, {num_frames}, {digits} and {size}"
            )
        images, targets = digit_images(DIGIT_SIZE)
        draws = torch.rand(count, digits, 5, generator=torch.Generator().manual_seed(seed))
        which = (draws[..., 0] * len(images)).long()  # (N, digits)
        start, turn = draws[..., 1:3], draws[..., 3:]
        places = bouncing(start, turn, num_frames, size - DIGIT_SIZE)  # (N, digits, T, 2)
        ink = _placed(images[which] / 2 + 0.5, places, size)  # (N, digits, T, 1, size, size)
        labels = {"digit": targets[which[:, 0]]}
        super().__init__(ink.amax(1) * 2 - 1, labels, {"digit": NAMES})


def bouncing(start: Tensor, turn: Tensor, num_frames: int, room: int) -> Tensor:
    """Places of bodies that fly straight and are thrown back at 0 and `room`.

    Args:
        start: (..., 2), 0 to 1, of the room.
        turn: (..., 2), 0 to 1: direction and speed (1 to 3 pixels a frame).
    Returns:
        (..., T, 2), from 0 to `room`.
    """
    angle, speed = turn[..., :1] * 2 * torch.pi, 1 + 2 * turn[..., 1:]
    velocity = speed * torch.cat([angle.sin(), angle.cos()], -1)  # (..., 2)
    time = torch.arange(num_frames, dtype=torch.float32)[:, None]
    way = start[..., None, :] * room + time * velocity[..., None, :]  # as if there were no walls
    if room == 0:
        return torch.zeros_like(way)
    return room - (way % (2 * room) - room).abs()  # folded back at the walls


def _placed(ink: Tensor, places: Tensor, size: int) -> Tensor:
    """Digits (N, digits, 1, 16, 16) laid bilinearly into frames, (N, digits, T, 1, size, size)."""
    where = torch.arange(size) - places[..., None]  # (N, digits, T, 2, size): a pixel's place in the digit
    weights = (1 - (where[..., None] - torch.arange(DIGIT_SIZE)).abs()).clamp(min=0)
    rows, columns = weights.unbind(-3)  # (N, digits, T, size, 16) each
    return (rows @ ink @ columns.mT)[:, :, :, None]
