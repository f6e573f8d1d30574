"""The pixel drawings that the walkers are made of: faces, haircuts, shirts. All side views look to the right.

A letter is a slot of the palette, a dot lets through what is behind it.
"""

import numpy as np

# . nothing  H h hair and its shade  S s skin  E eye  c cheek  M mouth  W white  T t shirt
# P p trousers  B shoe  O outline
# K k sky high and low  * sun or moon  + cloud or star  L hills  l bushes  G g ground  F flower  D shadow
SLOTS = ".HhSsEcMWTtPpBOKk*+LlGgFD"


def drawn(art: str) -> np.ndarray:
    """The drawing as slot numbers, uint8 (rows, columns)."""
    return np.array([[SLOTS.index(letter) for letter in row] for row in art.split()], np.uint8)


def stamp(canvas: np.ndarray, part: np.ndarray, top: int, middle: int) -> None:
    """Lays a drawing onto the canvas, its middle column at `middle`; its dots change nothing."""
    left = middle - part.shape[1] // 2
    where = canvas[top : top + part.shape[0], left : left + part.shape[1]]
    where[part > 0] = part[part > 0]


FACE = {
    "front": drawn("""
        .............
        .............
        ...SSSSSSS...
        ..SSSSSSSSS..
        .SSSSSSSSSSS.
        .SSSSSSSSSSS.
        .SSSESSSESSS.
        .SSSESSSESSS.
        .SccMSSSMccS.
        ..SSSMMMSSS..
        ...SSSSSSS...
    """),
    "side": drawn("""
        .............
        .............
        ...SSSSSSS...
        ..SSSSSSSSS..
        .SSSSSSSSSSS.
        .SSSSSSSSSSS.
        .SSSSSsSSESS.
        .SSSSSsSSESSS
        .SSSSSScMSSS.
        ..SSSSSSSMM..
        ...SSSSSSS...
    """),
    "back": drawn("""
        .............
        .............
        ...SSSSSSS...
        ..SSSSSSSSS..
        .SSSSSSSSSSS.
        .SSSSSSSSSSS.
        .SSSSSSSSSSS.
        .SSSSSSSSSSS.
        .SSSSSSSSSSS.
        ..SSSSSSSSS..
        ...sssssss...
    """),
}

HAIR = {
    ("short", "front"): drawn("""
        ...HHHHHHH...
        ..HHHHHHHHH..
        .HHHHHHHHHHH.
        .HHHHHHHHHHH.
        .HHhHHHhHHHH.
        .HhSShHSShHH.
        .h.........h.
    """),
    ("short", "side"): drawn("""
        ...HHHHHHHH..
        ..HHHHHHHHHH.
        .HHHHHHHHHHH.
        .HHHHHHHHHHH.
        .HHHHHHHhHHH.
        .HHHHHhSSShH.
        .HHHHh.......
        .HHHh........
        ..hh.........
    """),
    ("short", "back"): drawn("""
        ...HHHHHHH...
        ..HHHHHHHHH..
        .HHHHHHHHHHH.
        .HHHHHHHHHHH.
        .HHHHHHHHHHH.
        .HHHHHHHHHHH.
        .HHHhHHHhHHH.
        .hHHHHHHHHHh.
        ..hHhHHHhHh..
        ....h.h.h....
    """),
    ("long", "front"): drawn("""
        ...HHHHHHH...
        ..HHHHHHHHH..
        .HHHHHhHHHHH.
        HHHHHHhHHHHHH
        HHHHHhShHHHHH
        HHHhSSSSShHHH
        HHh.......hHH
        HH.........HH
        HH.........HH
        HH.........HH
        HHh.......hHH
        HHh.......hHH
        hHh.......hHh
        .h.........h.
    """),
    ("long", "side"): drawn("""
        ...HHHHHHH...
        ..HHHHHHHHH..
        .HHHHHHHHHHH.
        HHHHHHHhHHHH.
        HHHHHHHHhHHH.
        HHHHHHHhSSSH.
        HHHHHHh......
        HHHHHHh......
        HHHHHh.......
        HHHHHh.......
        HHHHHh.......
        HHHHHh.......
        hHHHh........
        .hhh.........
    """),
    ("long", "back"): drawn("""
        ...HHHHHHH...
        ..HHHHHHHHH..
        .HHHHHHHHHHH.
        HHHHHHHHHHHHH
        HHHHHHHHHHHHH
        HHHHhHHHHHHHH
        HHHHhHHHhHHHH
        HHHHHHHHhHHHH
        HHHHHHHHHHHHH
        HHhHHHHHHHhHH
        HHhHHHhHHHhHH
        HHHHHHhHHHHHH
        hHHHHHHHHHHHh
        .hHhHHhHHhHh.
    """),
    ("curly", "front"): drawn("""
        ....HHHHHHH....
        ..HHHhHHHhHHH..
        .HHHHHHHHHHHHH.
        .HhHHHhHHHhHHH.
        HHHHHHHHHHHHHHH
        HHHhhSShSShhHHH
        HHh.........hHH
        HHH.........HHH
        .hH.........Hh.
    """),
    ("curly", "side"): drawn("""
        ....HHHHHHH....
        ..HHHhHHHhHHH..
        .HHHHHHHHHHHHH.
        .HhHHHhHHHhHHH.
        HHHHHHHHHHHHHH.
        HHHhHHHHhSShhH.
        HHHHHHHh.......
        HhHHHHH........
        .HHHhHh........
        .hHHHh.........
        ..hhh..........
    """),
    ("curly", "back"): drawn("""
        ....HHHHHHH....
        ..HHHhHHHhHHH..
        .HHHHHHHHHHHHH.
        .HhHHHhHHHhHHH.
        HHHHHHHHHHHHHHH
        HHHhHHHhHHHhHHH
        HHHHHHHHHHHHHHH
        HhHHHhHHHhHHHhH
        .HHHHHHHHHHHHH.
        .hHhHHHhHHHhHh.
        ...hh.hhh.hh...
    """),
}

TORSO = {
    "front": drawn("""
        TTTTTTT
        TTTTTTT
        TTTTTTT
        tTTTTTt
        PPPPPPP
    """),
    "side": drawn("""
        TTTTT
        TTTTT
        TTTTT
        tTTTT
        PPPPP
    """),
}
TORSO["back"] = TORSO["front"]

# Laid over the face, from its row 8 down.
LAUGH = {
    "front": drawn("""
        .SccWWWWWccS.
        ..SSMMMMMSS..
        ...SSMMMSS...
    """),
    "side": drawn("""
        .SSSSSccWWWS.
        ..SSSSSSMMMS.
        ...SSSSSSSS..
    """),
}
