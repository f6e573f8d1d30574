"""A walker in every pose: how it walks, waves and turns, drawn from the parts in `walker_art`."""

from dataclasses import dataclass

import numpy as np

from clipkit.walker_art import FACE, HAIR, LAUGH, SLOTS, TORSO, stamp

HAIRCUTS = ("short", "long", "curly")
DIRECTIONS = ("left", "right", "towards")
ACTIONS = ("walk", "wave", "turn")
PERIOD = 16  # frames after which every motion begins again

MIDDLE, HEAD, SHOULDER, HIP, FLOOR = 16, 3, 14, 18, 26  # column of the figure, rows of its joints
# One foot's way in a step of 8 frames, (ahead of the hip, above the floor): on the floor it goes back one
# pixel a frame, as the ground does, so it does not slide.
STEP = ((3, 0), (2, 0), (1, 0), (0, 0), (-1, 0), (-2, 1), (0, 2), (2, 1))
SWING = (3, 2, 1, -1, -3, -2, -1, 1)  # the hand's way: against the foot of its side
WAVE = {  # the raised hand's way
    "front": ((2, -5), (4, -5), (5, -4), (4, -5)),
    "side": ((7, -5), (8, -5), (9, -3), (8, -5)),
}
ROUND = ("front", "right", "back", "left")


@dataclass(frozen=True)
class Pose:
    """What moves, in pixels. Of two limbs the farther comes first; seen from the front, the left one."""

    view: str  # front, right, back or left
    bob: int = 0  # how far all but the feet are lifted
    feet: tuple = ((0, 0), (0, 0))  # (ahead of the hip, above the floor)
    hands: tuple = ((0, 5), (0, 5))  # (ahead of the shoulder or outwards, below the shoulder)
    blink: bool = False
    laugh: bool = False

    @property
    def sideways(self) -> bool:
        return self.view in ("left", "right")


def pose(action: str, direction: str, phase: int) -> Pose:
    """The pose at a phase of 0 to PERIOD - 1. To turn is to turn round on the spot, from `direction` on."""
    view = "front" if direction == "towards" else direction
    return {"walk": _walk, "wave": _wave, "turn": _turn}[action](view, phase)


def figure(haircut: str, pose: Pose) -> np.ndarray:
    """The figure in one pose: slots of the palette, uint8 (32, 32), 0 where the scenery shows."""
    canvas = np.zeros((32, 32), np.uint8)
    view = "side" if pose.sideways else pose.view
    top = HEAD - pose.bob
    far, near = ((1, 1), (-1, 1)) if pose.sideways else ((-5, -1), (4, 1))  # shoulders and which way is ahead
    if pose.sideways:
        _arm(canvas, pose, *far, pose.hands[0], hand="s")
    _legs(canvas, pose)
    stamp(canvas, TORSO[view], SHOULDER - pose.bob, MIDDLE)
    stamp(canvas, _face(view, pose), top, MIDDLE)
    stamp(canvas, HAIR[haircut, view], top, MIDDLE)
    if not pose.sideways:
        _arm(canvas, pose, *far, pose.hands[0], hand="S")
    _arm(canvas, pose, *near, pose.hands[1], hand="S")
    return canvas[:, ::-1] if pose.view == "left" else canvas


def _walk(view: str, phase: int) -> Pose:
    feet: tuple = STEP[(phase + 4) % 8], STEP[phase % 8]
    hands = tuple((SWING[(phase + k) % 8], 5) for k in (0, 4))
    if view == "front":  # the way ahead is towards us: all that shows is up and down
        feet = tuple((0, lift) for _, lift in feet)
        hands = tuple((0, 5 - (ahead > 1)) for ahead, _ in hands)
    return Pose(view, bob=int(phase % 4 in (2, 3)), feet=feet, hands=hands, blink=phase == 11)


def _wave(view: str, phase: int) -> Pose:
    raised = WAVE["front" if view == "front" else "side"][phase % 4]
    return Pose(
        view,
        feet=_apart(view),
        bob=int(phase % 8 in (1, 2)),
        hands=(raised, (0, 5)),
        blink=phase == 11,
        laugh=True,
    )


def _turn(view: str, phase: int) -> Pose:
    hop = int(phase % 4 == 0)
    view = ROUND[(ROUND.index(view) + phase // 4) % 4]
    feet = tuple((ahead, hop) for ahead, _ in _apart(view))
    return Pose(view, bob=hop, feet=feet, hands=((2, 4), (2, 4)), blink=phase == 2)


def _apart(view: str) -> tuple:
    return ((0, 0), (0, 0)) if view in ("front", "back") else ((1, 0), (-1, 0))


def _face(view: str, pose: Pose) -> np.ndarray:
    face = FACE[view].copy()
    if view != "back" and pose.laugh:
        stamp(face, LAUGH[view], 8, face.shape[1] // 2)
    if view != "back" and pose.blink:
        face[6][face[6] == SLOTS.index("E")] = SLOTS.index("S")
    return face


def _legs(canvas: np.ndarray, pose: Pose) -> None:
    hips, cloths = ((-2, -2), "pP") if pose.sideways else ((-3, 1), "PP")
    for x, cloth, (ahead, lift) in zip(hips, cloths, pose.feet, strict=True):
        hip, ankle = HIP + 1 - pose.bob, FLOOR - 1 - lift
        for row in range(hip, ankle):
            left = MIDDLE + x + round(ahead * (row - hip + 1) / (ankle - hip))
            canvas[row, left : left + 3] = SLOTS.index(cloth)
        left = MIDDLE + x + ahead
        canvas[ankle, left : left + 3] = SLOTS.index("B")
        canvas[ankle + 1, left : left + 3 + pose.sideways] = SLOTS.index("B")


def _arm(canvas: np.ndarray, pose: Pose, x: int, ahead: int, to: tuple[int, int], hand: str) -> None:
    steps = max(map(abs, to))
    for i in range(steps + 1):
        row = SHOULDER + 1 - pose.bob + round(to[1] * i / steps)
        left = MIDDLE + x + round(ahead * to[0] * i / steps)
        canvas[row, left : left + 2] = SLOTS.index(hand if i > steps - 2 else "t")
