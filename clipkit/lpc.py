"""Real animation: the Liberated Pixel Cup's characters, dressed and moving, with every label."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from clipkit.clips import ClipSet
from clipkit.lpc_files import CREDITS, fetched
from clipkit.names import known

CELL = 64  # pixels of a frame on a sheet, in both directions
PERIOD = 8
FIRST_ROW = {"cast": 0, "walk": 8, "slash": 12}  # of a sheet; then the rows of each direction
ROW = {"left": 1, "towards": 2, "right": 3}
COLUMNS = {  # the order that Li and Mandt 2018 chose
    "cast": (0, 1, 2, 3, 4, 5, 4, 6),
    "walk": (8, 1, 2, 3, 4, 5, 6, 7),  # column 0 stands still
    "slash": (0, 1, 2, 3, 4, 5, 4, 0),
}
LAYERS = ("body", "bottomwear", "topwear", "hair")  # from the skin outwards; shoes lie on top
ATTRIBUTES = {
    "body": ("light", "golden", "grey", "pale", "tan", "brown", "orc"),
    "bottom": ("white", "gold armour", "red", "steel armour", "teal", "green", "skirt"),
    "top": ("maroon", "cyan", "cream", "breastplate", "vest", "tie", "chain mail"),
    "hair": (
        "green spikes", "blue bun", "orange mane", "white parting", "pink bob", "purple curls", "half shaved",
        "red bob", "pink spikes", "orange curls",
    ),
    "action": tuple(COLUMNS),
    "direction": tuple(ROW),
}


class LPCSprites(ClipSet):
    """Clips of characters in pixel art who cast spells, walk or slash: the Liberated Pixel Cup's, for games.

    7 bodies, 7 trousers, 7 tops and 10 hairs in 3 actions and 3 directions: 30 870 different clips, all labelled (see
    `attributes`), the "Sprites" of Li and Mandt 2018. Every motion begins again after 8 frames.

    The sheets (0.6 MB) are downloaded into `root` once, each checked against its SHA-256; what lies there already is
    used. The art is under CC BY-SA 3.0 or GPL 3.0: show it with `credits`, under the same licence.

    `s[i]` puts one clip together; `s.clips` all of them and keeps them: 2048 clips at size 32 are 200 MB, all
    30 870 are 3 GB, at size 64 four times as much.

    Args:
        count: how many clips, all different; None takes all. The same seed gives the same, in the same order, and
            more of them leave the first ones as they are.
        num_frames: T, at least 1.
        size: 64 as drawn, or 32.
        seed: of the choice.
        background: a colour "#rrggbb", or several, of which each clip draws one.
        root: the folder of the sheets.
        only: attributes held to one or some values: `LPCSprites(action="walk", body=("light", "orc"))`.
    Raises:
        ValueError: an attribute or a value that there is not, another size, a length below 1, more clips than there
            are, or a sheet that is not whole.
        ConnectionError: a sheet is not there and could not be downloaded.
    """

    credits = CREDITS

    def __init__(
        self, count: int | None = 2048, *, num_frames: int = PERIOD, size: int = 64, seed: int = 0,
        background: str | Sequence[str] = "#000000", root: str | Path = "data/lpc_sprites",
        **only: str | tuple[str, ...],
    ):
        if size not in (CELL // 2, CELL):
            raise ValueError(f"the characters are drawn at size 64 and halved to 32, got {size}")
        if num_frames < 1:
            raise ValueError(f"expected at least 1 frame, got {num_frames}")
        rng = torch.Generator().manual_seed(seed)
        chosen = _choose(_combinations(only), count, rng)  # (N, 6)
        colours = (background,) if isinstance(background, str) else tuple(background)
        self.labels = dict(zip(ATTRIBUTES, chosen.T.contiguous(), strict=True))
        self.attributes, self.fps = dict(ATTRIBUTES), 10
        self.num_frames, self.size = num_frames, size
        self._ground = _rgb(colours)[(torch.rand(len(chosen), generator=rng) * len(colours)).long()]  # (N, 3)
        self._cells = _cells(fetched(root))

    @cached_property
    def clips(self) -> Tensor:  # type: ignore[override]  # a cached property can be written, too
        return torch.cat([self._compose(part) for part in torch.arange(len(self)).split(64)])

    def __len__(self) -> int:
        return len(self.labels["body"])

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, int]]:
        clip = self.clips[index] if "clips" in self.__dict__ else self._compose(torch.tensor([index]))[0]
        return clip, {name: int(values[index]) for name, values in self.labels.items()}

    def _compose(self, index: Tensor) -> Tensor:
        """Clips (B, T, 3, size, size): one layer laid over another, then halved where it is asked for."""
        body, bottom, top, hair, action, direction = (values[index] for values in self.labels.values())
        clips = self._ground[index][:, None, :, None, None].expand(-1, PERIOD, -1, CELL, CELL)
        for name, part in zip((*LAYERS, "shoes"), (body, bottom, top, hair, torch.zeros_like(body)), strict=True):
            cells = self._cells[name][part, action, direction].float() / 255  # (B, 8, 4, 64, 64)
            clips = clips.lerp(cells[:, :, :3], cells[:, :, 3:])  # the fourth is alpha
        if self.size != CELL:
            clips = F.avg_pool2d(clips.flatten(0, 1), 2).unflatten(0, clips.shape[:2])
        return clips[:, torch.arange(self.num_frames) % PERIOD] * 2 - 1


def _combinations(only: dict) -> Tensor:
    """The labels of every clip that `only` allows, (M, 6)."""
    allowed = []
    for name in only:
        known(name, ATTRIBUTES, "attribute of LPC sprites")
    for name, values in ATTRIBUTES.items():
        chosen = only.get(name, values)
        chosen = (chosen,) if isinstance(chosen, str) else chosen
        if not chosen:
            raise ValueError(f"expected at least one {name} of {values}, got none")
        allowed.append([values.index(known(value, values, f"{name} of LPC sprites")) for value in chosen])
    return torch.tensor(list(product(*allowed)))


def _choose(combinations: Tensor, count: int | None, rng: torch.Generator) -> Tensor:
    count = len(combinations) if count is None else count
    if not 1 <= count <= len(combinations):
        raise ValueError(f"expected a count of 1 to {len(combinations)}, the number of different clips, got {count}")
    return combinations[torch.randperm(len(combinations), generator=rng)[:count]]


@lru_cache
def _cells(root: Path) -> dict[str, Tensor]:
    """By layer, uint8 (parts, actions, directions, 8, 4, 64, 64): what the sheets show, with alpha."""
    from PIL import Image

    def cells(path: Path) -> np.ndarray:
        sheet = np.asarray(Image.open(path).convert("RGBA"))  # (1344, 832, 4)
        grid = sheet.reshape(21, CELL, 13, CELL, 4).transpose(0, 2, 4, 1, 3)  # (row, column, 4, 64, 64)
        return np.stack([
            [grid[FIRST_ROW[action] + row, list(columns)] for row in ROW.values()]
            for action, columns in COLUMNS.items()
        ])

    layers = {name: len(values) for name, values in zip(LAYERS, ATTRIBUTES.values(), strict=False)}
    paths = {name: [root / name / f"{part}.png" for part in range(count)] for name, count in layers.items()}
    paths["shoes"] = [root / "shoes" / "1.png"]
    return {name: torch.from_numpy(np.stack([cells(p) for p in of_layer])) for name, of_layer in paths.items()}


def _rgb(colours: Sequence[str]) -> Tensor:
    """Colours "#rrggbb" as (N, 3), in [0, 1]."""
    try:
        return torch.tensor([list(bytes.fromhex(colour.removeprefix("#"))) for colour in colours]).view(-1, 3) / 255
    except (ValueError, RuntimeError):
        raise ValueError(f"expected colours as '#rrggbb', got {colours}") from None
