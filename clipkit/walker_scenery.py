"""What stands behind a walker: sky, hills that stay, bushes and ground that scroll by as the walker goes."""

import numpy as np

from clipkit.walker_art import SLOTS, drawn, stamp

SCENES = ("meadow", "sunset", "night")
HORIZON = 18  # first row of the ground

# Slots K k * + L l G g F D, see walker_art.
SCENE_COLOURS = {
    "meadow": "#6fb7f0 #a9d8fa #fff0a0 #ffffff #8ccba0 #4f9a62 #86c867 #6cb253 #ffe8f0 #559046".split(),
    "sunset": "#f79a7c #fdc79a #fff6d0 #fde0c4 #c27a9a #8f5683 #edc98f #dfb475 #fff3d8 #bb8e58".split(),
    "night": "#1b2154 #2c377c #f6f2cf #a8b4f0 #27476e #1f5a63 #37757b #2d676f #8fd0d8 #204c55".split(),
}

SUN = drawn("""
    ..***..
    .*****.
    *******
    *******
    *******
    .*****.
    ..***..
""")
MOON = drawn("""
    ..***..
    .**....
    **.....
    **.....
    **....*
    .******
    ..****.
""")
CLOUD = drawn("""
    ..+++....
    .+++++++.
    +++++++++
""")
HILLS = (
    5,
    5,
    5,
    4,
    4,
    3,
    2,
    2,
    1,
    1,
    1,
    2,
    2,
    3,
    3,
    3,
    4,
    4,
    4,
    5,
    6,
    6,
    7,
    7,
    7,
    7,
    7,
    6,
    6,
    6,
    5,
    5,
)  # rows high
BUSHES = (1, 2, 2, 2, 1, 0, 0, 0)  # rows high; they repeat every 8 pixels, the ground every 16
GROUND = drawn("""
    GGGGGGGGGGGGGGGG
    GGGgGGGGGGGGGGGG
    GGGGGGGGGGGgGGGG
    GgGGGGGGGGGGGGGG
    GGGGGGFGGGGGGGgG
    GGGGGGGGGGGGGGGG
    GGGGgGGGGGGGGGGG
    GGGGGGGGGGgGGGGG
    GGGGGGGGGGGGGGGG
    gGGGGGGGGGGGGFGG
    GGGGGgGGGGGGGGGG
    GGGGGGGGGGGGGGgG
    GGGGGGGGgGGGGGGG
    GGgGGGGGGGGGGGGG
    GGGGGGGGGGGGGgGG
    GGGGGGGGGGGGGGGG
""")
SHADOW = drawn("""
    .DDDDDDDDDDD.
    DDDDDDDDDDDDD
    .DDDDDDDDDDD.
""")


def scenery(scene: str, right: int, down: int) -> np.ndarray:
    """The scenery after its ground went `right` and `down` by so many pixels: slots, uint8 (32, 32)."""
    canvas = np.full((32, 32), SLOTS.index("K"), np.uint8)
    canvas[9:] = SLOTS.index("k")
    _sky(canvas, scene)
    x, rows = np.arange(32), np.arange(32)[:, None]
    canvas[rows >= HORIZON - np.array(HILLS)] = SLOTS.index("L")
    canvas[rows >= HORIZON - np.array(BUSHES)[(x - right // 2) % 8]] = SLOTS.index("l")
    canvas[HORIZON:] = GROUND[(rows[HORIZON:] - down) % 16, (x - right) % 16]
    stamp(canvas, SHADOW, 25, 16)
    return canvas


def _sky(canvas: np.ndarray, scene: str) -> None:
    if scene == "night":
        stamp(canvas, MOON, 2, 27)
        for row, column in ((2, 4), (6, 9), (9, 2), (5, 20), (12, 28), (1, 11), (12, 7)):
            canvas[row, column] = SLOTS.index("+")
        return
    low = scene == "sunset"
    stamp(canvas, SUN, 9 if low else 1, 27)
    stamp(canvas, CLOUD, 3, 5)
    if low:
        stamp(canvas, CLOUD, 5, 26)
