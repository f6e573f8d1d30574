"""A progress bar that leaves a published page clean: plain tqdm, in a notebook one line that is updated."""

import io
import sys
from collections.abc import Iterable, Sized
from html import escape
from typing import Any

from torch import Tensor
from tqdm import tqdm

SECONDS_BETWEEN = 0.3  # two refreshes
LINE = "{n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"  # beside the bar of a notebook


class Progress(tqdm):
    """What `progress` gives: iterate over it, and call `show` to set the numbers behind the bar."""

    monitor_interval = 0  # no thread of tqdm's that would draw into another cell
    _shown: Any = None  # the notebook's display, None in a terminal

    def __init__(self, iterable: Iterable, description: str):
        already_done = getattr(iterable, "already_done", 0)  # a resumed run's steps, see Checkpoint
        total = len(iterable) + already_done if isinstance(iterable, Sized) else None
        self._numbers: dict[str, float | Tensor] = {}
        self._in_notebook = in_notebook()
        super().__init__(
            iterable, desc=description, total=total, initial=already_done, mininterval=SECONDS_BETWEEN,
            miniters=1, file=io.StringIO() if self._in_notebook else sys.stderr, ncols=78 if self._in_notebook
            else None, dynamic_ncols=not self._in_notebook,
        )  # fmt: skip

    def show(self, **numbers: float | Tensor) -> None:
        """Sets the numbers behind the bar. Tensors are read only when the bar is drawn: no wait for a GPU."""
        self._numbers = {name: n.detach() if isinstance(n, Tensor) else n for name, n in numbers.items()}

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Draws the bar; tqdm calls it."""
        self.postfix = ", ".join(f"{name} {float(n):.4g}" for name, n in self._numbers.items())
        if not self._in_notebook:
            super().display(msg, pos)
            return
        drawn = {"text/plain": str(self), "text/html": self._html()}
        if self._shown is None:
            self._shown = sys.modules["IPython"].display.display(drawn, raw=True, display_id=True)
        else:
            self._shown.update(drawn, raw=True)

    def _html(self) -> str:
        description = f"{self.desc}: " if self.desc else ""
        line = description + self.format_meter(**{**self.format_dict, "bar_format": LINE, "prefix": ""})
        value = f' value="{self.n}" max="{self.total}"' if self.total else ""
        return (
            f'<div class="progress-line"><progress{value} aria-label="{escape(self.desc or "progress")}">'
            f"</progress> <code>{escape(line)}</code></div>"
        )


def progress(iterable: Iterable | int, *, description: str = "") -> Progress:
    """`iterable` (a number stands for `range`) with a progress bar.

    In a terminal the bar goes to stderr. In a notebook it is one display that is updated, neither stdout nor
    stderr, so that the page keeps its last state only. It is drawn a few times a second at most.

        for step in (bar := progress(2000, description="DCGAN")):
            bar.show(generator=generator_loss, discriminator=discriminator_loss)
    """
    return Progress(range(iterable) if isinstance(iterable, int) else iterable, description)


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return bool(shell) and hasattr(shell, "kernel")
