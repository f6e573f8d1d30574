"""KaTeX, in the V8 engine of the mini-racer wheel: draws the formulas of the book and of what students write."""
from __future__ import annotations

import atexit
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from py_mini_racer import JSEvalException, MiniRacer

from .answers import ROOT

SCRIPT = ROOT / "book" / "assets" / "katex" / "katex.min.js"


def draw(latex: str, options: dict, *, seconds: float | None = None) -> str:
    """The HTML or MathML of a formula.

    Args:
        options: KaTeX's own, e.g. {"output": "mathml", "displayMode": True}.
        seconds: how long it may take.
    Raises:
        ValueError: KaTeX cannot read `latex` (the message is its own), or not in time.
    """
    try:
        return _engine().call("katex.renderToString", latex, options, timeout_sec=seconds)
    except JSEvalException as error:
        raise ValueError(str(error).partition("KaTeX parse error: ")[2].strip() or str(error)) from None


@cache
def _engine() -> MiniRacer:
    """The engine with KaTeX in it, started at the first formula."""
    with ThreadPoolExecutor(1) as beside:  # in a thread with an event loop, as formgrader's, it would wait for itself
        engine = beside.submit(MiniRacer).result()
    engine.eval(SCRIPT.read_text(encoding="utf-8"))
    return engine


@atexit.register
def close() -> None:
    """End the engine; the next formula starts another.

    An engine that is left to the end of the interpreter hangs there from Python 3.13 on: its `__del__` waits for a thread
    that is already stopped.
    """
    if _engine.cache_info().currsize:
        _engine().close()
        _engine.cache_clear()
