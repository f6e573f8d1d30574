"""What people handed in, as a platform gives it out."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath


class Unread(LookupError):
    """Something is not taken; the message ends a sentence that begins with its name."""


@dataclass(frozen=True)
class HandIn:
    """One file of one person.

    student: the name of the folder in submitted/. name: the file's own, e.g. "Copy of 02_gan_losses.ipynb".
    read: gives its content, or raises Unread; a class has more than memory holds.
    order: of two files of one person and one platform, the larger is the newer.
    handed_in: when, as nbgrader writes it in timestamp.txt; "" where the platform does not say.
    """

    student: str
    name: str
    read: Callable[[], bytes]
    order: float
    late: bool = False
    handed_in: str = ""

    @property
    def kind(self) -> str:
        """E.g. ".ipynb"."""
        return PurePath(self.name).suffix.lower()


@dataclass
class Found:
    """All that was found, and a sentence for each thing that was not understood."""

    hand_ins: list[HandIn] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
