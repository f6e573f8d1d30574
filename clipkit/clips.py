"""A set of labelled clips: what every data source of the course gives."""

import hashlib

import torch
from torch import Tensor
from torch.utils.data import Dataset


class ClipSet(Dataset):
    """Clips of one length and size, with labels; works with `torch.utils.data.DataLoader` as it is.

    `len(s)` clips; `s[i]` is `(clip, labels)`: the clip (T, C, H, W), float32 in [-1, 1], and its labels by
    name as whole numbers. A DataLoader makes of it clips (B, T, C, H, W) and, by name, labels (B,).

    Attributes:
        clips: (N, T, C, H, W), float32 in [-1, 1], all in memory.
        labels: name -> int64 (N,).
        attributes: name -> the names of the label's values: `s.attributes["shirt"][s.labels["shirt"][i]]`.
        fps: frames a second, for playing.
    """

    def __init__(
        self,
        clips: Tensor,
        labels: dict[str, Tensor] | None = None,
        attributes: dict[str, tuple[str, ...]] | None = None,
        *,
        fps: float = 8,
    ):
        self.clips = clips
        self.labels = labels or {}
        self.attributes = attributes or {}
        self.fps = fps

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, int]]:
        return self.clips[index], {name: int(values[index]) for name, values in self.labels.items()}

    def describe(self, index: int) -> dict[str, str]:
        """The labels of one clip in words: `{"shirt": "red", "action": "wave"}`."""
        return {name: self.attributes[name][int(values[index])] for name, values in self.labels.items()}

    def unlike(self, clips: Tensor) -> "ClipSet":
        """Those clips of this set that are not, pixel by pixel, among `clips`: a program that makes clips repeats itself.

        Args:
            clips: (M, T, C, H, W), those that a network was taught with.
        Raises:
            ValueError: they have another shape, so that none could be equal.
        """
        if clips.shape[1:] != self.clips.shape[1:]:
            raise ValueError(f"expected clips (M, {', '.join(map(str, self.clips.shape[1:]))}) like those of this set, "
                             f"got {tuple(clips.shape)}")
        known = {digest(clip) for clip in clips}
        new = torch.tensor([digest(clip) not in known for clip in self.clips], dtype=torch.bool)
        labels = {name: values[new] for name, values in self.labels.items()}
        return ClipSet(self.clips[new], labels, self.attributes, fps=self.fps)

    def __repr__(self) -> str:
        num_frames, channels, height, width = self[0][0].shape
        return (
            f"{type(self).__name__}({len(self)} clips of {num_frames} frames, "
            f"{channels} x {height} x {width}; labels: {', '.join(self.labels) or 'none'})"
        )


def digest(clip: Tensor) -> bytes:
    """A fingerprint of a clip's pixels."""
    return hashlib.blake2b(clip.detach().cpu().numpy().tobytes(), digest_size=16).digest()
