"""Walkers: little people in pixel art who walk, wave and turn, made from a seed, labelled."""

from collections.abc import Iterable

import torch
from torch import Tensor

from clipkit.clips import ClipSet
from clipkit.names import known
from clipkit.walker_art import SLOTS
from clipkit.walker_frames import ACTIONS, DIRECTIONS, HAIRCUTS, PERIOD
from clipkit.walker_scenery import SCENE_COLOURS, SCENES
from clipkit.walker_sheets import figures, sceneries

# Colours that differ in lightness, so that colour-blind readers tell them apart too.
HAIR = {"black": "#2d2833", "brown": "#7a4a2a", "ginger": "#d9702b", "blond": "#f2cf6b"}
SKIN = {"light": "#ffdcbc", "tan": "#e0a878", "brown": "#b77c50", "dark": "#85563a"}
SHIRT = {"blue": "#1f5fb0", "red": "#e0492f", "yellow": "#f7d038", "white": "#f4f4f8"}
TROUSERS = {"black": "#34344a", "blue": "#5a8fd6", "beige": "#dcc296"}
FIXED = {"E": "#251c2e", "M": "#8a2c3c", "W": "#ffffff", "B": "#5a3a30", "O": "#251c2e"}
BLUSH = "#f06a6a"
SHADE = 0.78  # the darker of two tones

ATTRIBUTES = {
    "haircut": HAIRCUTS,
    "hair": tuple(HAIR),
    "skin": tuple(SKIN),
    "shirt": tuple(SHIRT),
    "trousers": tuple(TROUSERS),
    "action": ACTIONS,
    "direction": DIRECTIONS,
    "scene": SCENES,
}
SIZES = (32, 64)


class Walkers(ClipSet):
    """Clips of little people who walk, wave or turn round, in pixel art; nothing is downloaded.

    Labels (see `attributes` for their values): haircut, hair, skin, shirt, trousers, action, direction,
    scene, each drawn independently and uniformly. `direction` is where the person faces, in "turn" at the
    first frame. The figure stays in the middle and the ground scrolls. Every motion begins again after 16
    frames, at any `num_frames`; each walk and wave starts at a random one of them. At size 64 the outline is
    finer and curves are smoother.

    The same seed gives the same clips; more clips (`count`) or frames leave the first ones as they are.

    Args:
        count: how many clips.
        num_frames: T, at least 1.
        size: 32 or 64.
        seed: of everything that is random.
        every: 2 shows every second frame only: 8 of them are a whole motion.
        pace: how fast the person moves; 0 holds it as it is in the first frame.
        scroll: how fast the ground scrolls under walkers; 0 holds it, -1 lets it scroll the wrong way. With another pace or
            scroll the same seed still gives the same people: so one can be moved without the other, to see what a
            network looks at.
        only: attributes held to one or some values: `Walkers(64, action="walk", scene=("meadow", "night"))`.
    Raises:
        ValueError: an attribute or a value that there is not, another size, a count, length or `every` below 1.
    """

    def __init__(
        self,
        count: int = 512,
        *,
        num_frames: int = 16,
        size: int = 32,
        seed: int = 0,
        every: int = 1,
        pace: int = 1,
        scroll: int = 1,
        **only: str | tuple[str, ...],
    ):
        if size not in SIZES:
            raise ValueError(f"walkers are drawn at size 32 or 64, got {size}")
        if min(count, num_frames, every) < 1:
            raise ValueError(
                "expected count, num_frames and every of at least 1, "
                f"got count={count}, num_frames={num_frames}, every={every}"
            )
        labels, start = _draw_labels(count, seed, only)
        passed = every * torch.arange(num_frames)
        person, ground = ((start[:, None] + speed * passed) % PERIOD for speed in (pace, scroll))  # (N, T)
        super().__init__(_paint(labels, person, ground, size), labels, ATTRIBUTES, fps=8 / every)


def _draw_labels(count: int, seed: int, only: dict) -> tuple[dict[str, Tensor], Tensor]:
    """The labels of each clip and the phase of its first frame."""
    for name in only:
        known(name, ATTRIBUTES, "attribute of walkers")
    draws = torch.rand(count, len(ATTRIBUTES) + 1, generator=torch.Generator().manual_seed(seed))
    labels = {}
    for draw, (name, values) in zip(draws.T, ATTRIBUTES.items(), strict=False):
        allowed = _allowed(name, values, only.get(name, values))
        labels[name] = allowed[(draw * len(allowed)).long()]
    turns = labels["action"] == ACTIONS.index("turn")
    return labels, torch.where(turns, 0, (draws[:, -1] * PERIOD).long())


def _allowed(name: str, values: tuple[str, ...], chosen: str | tuple[str, ...]) -> Tensor:
    chosen = (chosen,) if isinstance(chosen, str) else chosen
    if not chosen:
        raise ValueError(f"expected at least one {name} of {values}, got none")
    return torch.tensor([values.index(known(value, values, f"{name} of walkers")) for value in chosen])


def _paint(labels: dict[str, Tensor], person: Tensor, ground: Tensor, size: int) -> Tensor:
    """(N, T, 3, H, W) from phases (N, T): every pixel's slot, looked up in the palette of its clip."""
    count, num_frames = person.shape
    action, direction = labels["action"][:, None], labels["direction"][:, None]
    front = figures(size)[labels["haircut"][:, None], action, direction, person]  # (N, T, H, W)
    walking = action == ACTIONS.index("walk")
    behind = sceneries(size)[labels["scene"][:, None], direction, torch.where(walking, ground, ground[:, :1])]
    slots = torch.where(front > 0, front, behind).view(count, num_frames, 1, -1).long()
    palette = _palettes(labels)[:, None].expand(-1, num_frames, -1, -1)  # (N, T, 3, slots)
    return palette.gather(3, slots.expand(-1, -1, 3, -1)).view(count, num_frames, 3, size, size)


def _palettes(labels: dict[str, Tensor]) -> Tensor:
    """Each clip's colours, (N, 3, slots) in [-1, 1]."""
    palette = torch.zeros(len(labels["hair"]), len(SLOTS), 3)
    for slots, name, colours in (
        ("Hh", "hair", HAIR),
        ("Ss", "skin", SKIN),
        ("Tt", "shirt", SHIRT),
        ("Pp", "trousers", TROUSERS),
    ):
        palette[:, SLOTS.index(slots[0])] = _rgb(colours.values())[labels[name]]
        palette[:, SLOTS.index(slots[1])] = palette[:, SLOTS.index(slots[0])] * SHADE
    palette[:, SLOTS.index("c")] = palette[:, SLOTS.index("S")] * 0.6 + _rgb([BLUSH]) * 0.4
    for slot, colour in FIXED.items():
        palette[:, SLOTS.index(slot)] = _rgb([colour])
    scenes = torch.stack([_rgb(SCENE_COLOURS[scene]) for scene in SCENES])
    palette[:, [SLOTS.index(slot) for slot in "Kk*+LlGgFD"]] = scenes[labels["scene"]]
    return palette.round().div(127.5).sub(1).transpose(1, 2)


def _rgb(colours: Iterable[str]) -> Tensor:
    """Colours "#rrggbb" as (N, 3), 0 to 255."""
    return torch.tensor([list(bytes.fromhex(colour[1:])) for colour in colours], dtype=torch.float32)
