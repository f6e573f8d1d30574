"""Walkers who do as they are told: a command for each frame, which changes in mid-clip."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clipkit.clips import ClipSet
from clipkit.names import known
from clipkit.walker_art import drawn, stamp
from clipkit.walker_frames import HAIRCUTS, PERIOD, Pose, _apart, figure, pose
from clipkit.walker_scenery import HORIZON, SCENES, SHADOW, scenery
from clipkit.walker_sheets import _outlined, _sparkling, scale2x
from clipkit.walkers import ATTRIBUTES, SIZES, _draw_labels, _palettes

COMMANDS = ("stand", "left", "right", "up", "down", "wave")
LOOKS = {name: values for name, values in ATTRIBUTES.items() if name not in ("action", "direction")}
VIEWS = ("left", "right", "back", "front")  # of who goes left, right, up, down
ACTIONS = ("stand", "walk", "wave")
ACTION = (0, 1, 1, 1, 1, 2)  # by command
GROUND = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (0, 0))  # its way in a frame, (right, down), by command
BLINKS = 1 / 16  # of the frames
LAWN = drawn("""
    GGGGGGGG
    GGFGGGGG
    GGGGGGGG
    GGGGGGGG
    GGGGGGGG
    GGGGGGgG
    GGGGGGGG
    GGGGGGGG
""")  # it repeats soon: as it goes every way, a few numbers should tell where it is


class SteeredWalkers(ClipSet):
    """Clips of little people who do as they are told, in pixel art: each frame has a command.

    `labels["command"]` is (N, T), int64: places in `COMMANDS`, which are stand, walk left, right, up or down, and
    wave. Who stands looks where it went; who waves looks at us. Some things no command decides: which foot a
    walk begins with and which hand waves are drawn by lot whenever the command changes, and eyes blink at
    random. The figure stays in the middle, and the ground scrolls. The other labels are those of `Walkers`,
    but for action and direction; the same seed gives the same people.

    The same seed gives the same clips; more clips (`count`) leave the first ones as they are.

    Args:
        count: how many clips.
        num_frames: T, at least 1.
        size: 32 or 64.
        seed: of everything that is random.
        hold: how many frames a command lasts on average.
        only: attributes held to one or some values: `SteeredWalkers(64, scene="meadow")`.
    Raises:
        ValueError: an attribute or a value that there is not, another size, a count, length or `hold` below 1.
    """

    def __init__(self, count: int = 512, *, num_frames: int = 32, size: int = 32, seed: int = 0, hold: float = 8,
                 **only: str | tuple[str, ...]):
        if size not in SIZES:
            raise ValueError(f"walkers are drawn at size 32 or 64, got {size}")
        if min(count, num_frames, hold) < 1:
            raise ValueError("expected count, num_frames and hold of at least 1, "
                             f"got count={count}, num_frames={num_frames}, hold={hold}")
        for name in only:
            known(name, LOOKS, "attribute of steered walkers")
        labels = {name: values for name, values in _draw_labels(count, seed, only)[0].items() if name in LOOKS}
        rng = torch.Generator().manual_seed(seed)
        draws = torch.stack([torch.rand(num_frames, 5, generator=rng.manual_seed(int(one)))
                             for one in torch.randint(2**62, (count,), generator=rng)])
        labels["command"] = _commands(draws[..., :2], hold)
        super().__init__(_paint(labels, draws[..., 2:], size), labels, LOOKS | {"command": COMMANDS}, fps=8)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Any]]:
        """A clip and its labels; `command` is (T,)."""
        return self.clips[index], {name: values[index] if values.ndim > 1 else int(values[index])
                                   for name, values in self.labels.items()}

    def describe(self, index: int) -> dict[str, Any]:
        """The labels of one clip in words; of `command` a list."""
        return {name: np.array(self.attributes[name])[values[index].numpy()].tolist() for name, values in self.labels.items()}


@lru_cache
def figures(size: int) -> Tensor:
    """Slots of every figure, uint8 (haircut, action, view, phase, blink, H, W); 0 where the scenery shows."""
    poses = [[[[steered(a, v, phase, blink) for blink in (False, True)] for phase in range(PERIOD)] for v in VIEWS]
             for a in ACTIONS]
    sheet = np.array([[[[[figure(h, p) for p in pair] for pair in row] for row in rows] for rows in poses] for h in HAIRCUTS])
    return torch.from_numpy(_outlined(sheet if size == 32 else _sparkling(scale2x(sheet))))


def steered(action: str, view: str, phase: int, blink: bool) -> Pose:
    """A pose. Phases 0 to 7 are a walk or a wave; 8 to 15 begin with the other foot, or hand."""
    turned = phase // 8
    if action == "walk":  # who goes away from us is seen to move as who comes
        walking = pose("walk", view if view in ("left", "right") else "towards", (phase + 4 * turned) % 8)
        return replace(walking, view=view, blink=blink)
    if action == "stand":
        return Pose(view, feet=_apart(view), blink=blink)
    waving = pose("wave", "towards", phase % 8)
    return replace(waving, hands=waving.hands[::-1] if turned else waving.hands, blink=blink)


@lru_cache
def lawns(size: int) -> Tensor:
    """Slots of every scenery after its ground went right and down, uint8 (scene, right, down, H, W)."""
    sheet = np.array([[[lawn(s, right, down) for down in range(PERIOD)] for right in range(PERIOD)] for s in SCENES])
    return torch.from_numpy(sheet if size == 32 else scale2x(sheet))


def lawn(scene: str, right: int, down: int) -> np.ndarray:
    """The scenery after its ground went `right` and `down` by so many pixels: slots, uint8 (32, 32)."""
    canvas, rows, columns = scenery(scene, right, 0), np.arange(HORIZON, 32)[:, None], np.arange(32)
    canvas[HORIZON:] = LAWN[(rows - down) % 8, (columns - right) % 8]
    stamp(canvas, SHADOW, 25, 16)
    return canvas


def _commands(draws: Tensor, hold: float) -> Tensor:
    """(N, T) from numbers in [0, 1) (N, T, 2): whether the command changes, and to which of the others."""
    changes, which = draws.unbind(2)
    commands = (which * len(COMMANDS)).long()
    others = 1 + (which * (len(COMMANDS) - 1)).long()
    for t in range(1, commands.shape[1]):
        before = commands[:, t - 1]
        commands[:, t] = torch.where(changes[:, t] < 1 / hold, (before + others[:, t]) % len(COMMANDS), before)
    return commands


def _paint(labels: dict[str, Tensor], draws: Tensor, size: int) -> Tensor:
    """(N, T, 3, H, W); `draws` (N, T, 3) in [0, 1) decide on foot or hand, blinking, and where all begins."""
    command, action = labels["command"], torch.tensor(ACTION)[labels["command"]]
    blink, began = (draws[..., 1] < BLINKS).long(), torch.ones_like(command, dtype=torch.bool)
    began[:, 1:] = command[:, 1:] != command[:, :-1]
    last = torch.where(began, torch.arange(command.shape[1]), 0).cummax(1).values  # the frame in which the command began
    clock = torch.arange(command.shape[1]) - last
    turned = (draws[..., 0].gather(1, last) < 0.5).long()
    view = command - 1
    view[action == ACTION[-1]] = 3
    view[:, 0] = torch.where(command[:, 0] == 0, (draws[:, 0, 2] * 4).long(), view[:, 0])
    for t in range(1, view.shape[1]):
        view[:, t] = torch.where(command[:, t] == 0, view[:, t - 1], view[:, t])
    start = (draws[:, :1, 1:] * PERIOD).long()
    right, down = ((start + torch.tensor(GROUND)[command].cumsum(1)) % PERIOD).unbind(2)
    front = figures(size)[labels["haircut"][:, None], action, view, clock % 8 + 8 * turned, blink]
    behind = lawns(size)[labels["scene"][:, None], right, down]
    slots = torch.where(front > 0, front, behind).flatten(2)[:, :, None].long().expand(-1, -1, 3, -1)
    palette = _palettes(labels)[:, None].expand(-1, command.shape[1], -1, -1)  # (N, T, 3, slots)
    return palette.gather(3, slots).unflatten(3, (size, size))
