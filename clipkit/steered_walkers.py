"""Walkers who do as they are told: a command for each frame, which changes in mid-clip."""

import torch
from torch import Tensor

from clipkit.clips import ClipSet
from clipkit.walker_frames import PERIOD
from clipkit.walker_sheets import steered_figures, wide_sceneries
from clipkit.walkers import ATTRIBUTES, SIZES, coloured, drawn

COMMANDS = ("stand", "left", "right", "up", "down", "wave")
LOOKS = {name: values for name, values in ATTRIBUTES.items() if name not in ("action", "direction")}
ACTION = (0, 1, 1, 1, 1, 2)  # stand, walk or wave, by command
GROUND = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (0, 0))  # its way in a frame, (right, down), by command
BLINKS = 1 / 16  # of the frames


class SteeredWalkers(ClipSet):
    """Clips of little people who do as they are told, in pixel art: each frame has a command.

    `labels["command"]` is (N, T), int64: places in `COMMANDS`, which are stand, walk left, right, up or down, and
    wave. Who stands looks where it went; who waves looks at us. Some things no command decides: which foot a
    walk begins with and which hand waves are drawn by lot whenever the command changes, and eyes blink at
    random. The figure stays in the middle, and the ground scrolls. The other labels are those of `Walkers`,
    but for action and direction.

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
        labels, _ = drawn(LOOKS, count, seed, only)
        rng = torch.Generator().manual_seed(seed)
        draws = torch.stack([torch.rand(num_frames, 5, generator=rng.manual_seed(int(one)))
                             for one in torch.randint(2**62, (count,), generator=rng)])
        labels["command"] = _commands(draws[..., :2], hold)
        super().__init__(_paint(labels, draws[..., 2:], size), labels, LOOKS | {"command": COMMANDS}, fps=8)


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
    front = steered_figures(size)[labels["haircut"][:, None], action, view, clock % 8 + 8 * turned, blink]
    behind = wide_sceneries(size)[labels["scene"][:, None], right, down]
    return coloured(torch.where(front > 0, front, behind), labels)
