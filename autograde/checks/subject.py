"""What a check sees of a student's work."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Subject:
    """The student's object, in this process. A proxy to a sandbox offers the same two ways in, and no others.

    Inputs and results are tensors and plain values (numbers, texts, lists, dicts): nothing else crosses.
    """

    def __init__(self, thing: Any):
        self._thing = thing

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the student's function with plain data and tensors."""
        return self._thing(*args, **kwargs)

    def probe(self, compute: Callable, *args: Any) -> Any:
        """`compute(thing, *args)`: trusted code that only *computes* with the student's object, where the object is.

        For what one call cannot reach (a gradient, the weights that a step leaves). It holds no expected value;
        its result is compared by the check.
        """
        return compute(self._thing, *args)
