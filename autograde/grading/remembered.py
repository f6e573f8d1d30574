"""Results kept of texts that come again and again: most cells of a submission are those of all others."""
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

MOST = 2_000       # texts: those of all chapters twice over
LONGEST = 250_000  # letters: a text of the course with its pictures has up to 220,000
T = TypeVar("T")


def remembered(function: Callable[[str], T]) -> Callable[[str], T]:
    """The function, keeping what it gave of the last `MOST` texts; of longer ones, which nobody hands out, nothing."""
    known = lru_cache(MOST)(function)
    return wraps(function)(lambda text: known(text) if len(text) <= LONGEST else function(text))
