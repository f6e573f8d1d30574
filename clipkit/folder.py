"""Clips from files: any folder of videos, of numbered frames or of pictures."""

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from clipkit.clips import ClipSet
from clipkit.pixels import from_pixels
from clipkit.stills import read_still
from clipkit.video import read_video, square

VIDEOS = (".mp4", ".webm", ".gif", ".mov", ".mkv", ".avi")
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
LITTER = ("__MACOSX",)  # what macOS packs beside the files of a ZIP


class ClipFolder(ClipSet):
    """The clips of a folder, (T, 3, size, size), read when they are asked for.

    - A video (.mp4, .webm, .gif, .mov, .mkv, .avi) is a clip: its first `num_frames` frames.
    - A sub-folder of images (.png, .jpg, .webp, .bmp) is a clip: its first `num_frames` images, in the order
      of the numbers in their names.
    - An image that lies loose in `folder` is a clip that stands still.
    - `stills=True` makes every image a clip that stands still, in sub-folders too: for sets of photographs.

    Sub-folders that hold clips are classes (`folder/CLASS/clip.mp4`, `folder/CLASS/clip/0001.png`): label
    `class`, where every clip lies in one. `s[i]` reads one clip; `s.clips` reads all and keeps them.

    Pictures and frames are turned as they were taken, and what is transparent in them shows white. What a machine
    leaves behind is passed over at every depth: files and folders whose name begins with a dot (`._frame.png`,
    `.ipynb_checkpoints`), `__MACOSX`, and links that lead back to a folder that they lie in.

    Args:
        folder: where the clips lie.
        num_frames: T.
        size: the shorter edge is brought to it, then the middle square is cut out.
        fps: keeps about that many frames of each second of a video, see `read_video`.
        stills: every image is a clip of its own.
    Raises:
        FileNotFoundError: there is no such folder, or no clip in it.
        ValueError: on reading, a file is broken or too short; the message names it.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        num_frames: int = 16,
        size: int = 32,
        fps: float = 8,
        stills: bool = False,
    ):
        self.folder, self.num_frames, self.size, self.fps = Path(folder), num_frames, size, fps
        self.paths = _clip_paths(self.folder, stills)
        if not self.paths:
            raise FileNotFoundError(
                f"there is no clip in {str(folder)!r}: expected videos ({', '.join(VIDEOS)}), sub-folders of "
                f"numbered frames or images ({', '.join(IMAGES)}), at most one folder of a class deep"
            )
        self.labels, self.attributes = _classes(self.folder, self.paths)

    @cached_property
    def clips(self) -> Tensor:  # type: ignore[override]  # a cached property can be written, too
        return torch.stack([self._read(path) for path in self.paths])

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, int]]:
        clip = self.clips[index] if "clips" in self.__dict__ else self._read(self.paths[index])
        return clip, {name: int(values[index]) for name, values in self.labels.items()}

    def _read(self, path: Path) -> Tensor:
        if path.is_dir():
            return self._sequence(path)
        if path.suffix.lower() in VIDEOS:
            return read_video(path, num_frames=self.num_frames, size=self.size, fps=self.fps)
        return from_pixels(square(read_still(path), self.size)).expand(self.num_frames, -1, -1, -1)

    def _sequence(self, folder: Path) -> Tensor:
        frames = _in_order(path for path in _entries(folder) if _is_image(path))
        if len(frames) < self.num_frames:
            raise ValueError(
                f"{str(folder)!r} has {len(frames)} frames, expected {self.num_frames}: ask for fewer "
                "(num_frames=...), leave it out, or pass stills=True if its images are clips of their own"
            )
        return from_pixels(np.stack([square(read_still(p), self.size) for p in frames[: self.num_frames]]))


def _clip_paths(folder: Path, stills: bool) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(
            f"there is no folder {str(folder)!r}; the working folder is {str(Path.cwd())!r}"
        )
    found = [path for path in _entries(folder) if _is_image(path)]  # loose images stand still
    for holder in [folder, *_in_order(p for p in _entries(folder) if p.is_dir())]:
        for path in _entries(holder):
            sequence = not stills and path.is_dir() and any(map(_is_image, _entries(path)))
            still = stills and holder != folder and _is_image(path)
            if sequence or still or (path.is_file() and path.suffix.lower() in VIDEOS):
                found.append(path)
    return _in_order(found)


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder because somebody has put it there."""
    return [
        path for path in folder.iterdir()
        if not path.name.startswith(".") and path.name not in LITTER and not _leads_back(path)
    ]  # fmt: skip


def _leads_back(path: Path) -> bool:
    """Whether it is a link to a folder that it lies in: followed, it would show everything twice."""
    if not (path.is_symlink() and path.is_dir()):
        return False
    here = path.parent.resolve()
    return path.resolve() in (here, *here.parents)


def _classes(folder: Path, paths: list[Path]) -> tuple[dict, dict]:
    if any(path.parent == folder for path in paths):
        return {}, {}
    names = tuple(dict.fromkeys(path.parent.name for path in paths))
    return {"class": torch.tensor([names.index(path.parent.name) for path in paths])}, {"class": names}


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGES and path.is_file()


def _in_order(paths: Iterable[Path]) -> list[Path]:
    """By name, with the numbers in names taken as numbers: frame 2 comes before frame 10."""

    def pieces(path: Path) -> tuple[list[list[tuple[int, int | str]]], str]:
        return [
            [(0, int(p)) if p.isdecimal() else (1, p) for p in re.split(r"(\d+)", part)] for part in path.parts
        ], str(path)  # 1.png and 01.png: in the same order everywhere

    return sorted(paths, key=pieces)
