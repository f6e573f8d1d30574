"""The judge's side of a sandbox: the same two ways in as a session of this process has, `run` and `subject`.

Whatever comes back is taken for what a stranger says: read with bounds, checked for its form, and never waited for past
its time. The first message that is late or out of form ends the sandbox, and fails the check with a sentence.
"""
from __future__ import annotations

import builtins
import secrets
import socket
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...checks import Subject, Wrong
from ...checks.probe import source_of
from ..session import WEIGHTS
from .wire import Garbled, Gone, Late, Wire, pack, unpack

GRACE = 2.0            # seconds for an answer to cross, after the time that it may take within
MAX_OUTPUT = 25_000    # characters of one output; `session` keeps less


class Ended(Wrong):
    """Nothing more can be asked of the sandbox; the hint says why."""


class Asked:
    """A sandbox at the other end of `end`.

    ended: why it can be asked no more: "late", "garbled", "gone"; empty while it can. said: the same in a sentence.
    """

    def __init__(self, end: socket.socket, seconds: float, *, give_up: int | None = None, weights: bytes = b""):
        self._wire, self._seconds, self._give_up, self._weights = Wire(end), seconds, give_up, weights
        self.ended, self.said = "", ""
        self._until = float("inf")

    def run(self, source: str, *, locked: bool = False) -> list[dict[str, Any]]:
        """Run a cell, a locked one from known defaults; its outputs, as in a notebook. Raises Ended."""
        request = {"do": "run", "source": source, "locked": locked, "seconds": self._seconds}
        reply, _ = self._ask(request, [], self._seconds)
        try:
            return [_output(output) for output in reply["outputs"][:4]]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
            raise self._end("garbled", "Its cells gave outputs of no known form.") from None

    def subject(self, name: str) -> AskedSubject | None:
        """The student's object of that name; None where no cell has defined it. Raises Ended.

        What is asked of it from here on may take `seconds` in all.
        """
        self.hand_over()  # once more: a training cell may have written over the file
        self._until = time.monotonic() + self._seconds
        reply, _ = self._ask({"do": "look", "name": name}, [], self._seconds)
        return None if reply.get("value") is None else self._unpacked(reply["value"], [])

    def hand_over(self) -> None:
        """Put the weights that were handed in, if any, where the notebook finds them. Raises Ended."""
        if self._weights:
            content = torch.frombuffer(bytearray(self._weights), dtype=torch.uint8)
            self._ask({"do": "put", "name": WEIGHTS}, [content], self._seconds)

    def probe(self, compute: Callable, args: tuple, kwargs: dict) -> Any:
        """What `compute(*args, **kwargs)` gives there. Raises Ended, or the error that it raised."""
        left = self._until - time.monotonic()
        if left < 0.05 and not self.ended:
            raise TimeoutError(f"stopped after {self._seconds:g} seconds")
        arguments, tensors = pack((args, kwargs), lambda thing, what: _handle(thing, what))
        request = {"do": "probe", "code": source_of(compute), "name": compute.__name__, "arguments": arguments,
                   "seconds": left}
        reply, results = self._ask(request, tensors, left)
        if "error" in reply:
            raise self._error(reply["error"])
        return self._unpacked(reply.get("value"), results)

    def _ask(self, request: dict[str, Any], tensors: list[Tensor], seconds: float) -> tuple[dict[str, Any], list[Tensor]]:
        if self.ended:
            raise Ended(hint=self.said)
        number, until = secrets.token_hex(8), time.monotonic() + seconds + GRACE
        try:
            self._wire.send(request | {"id": number}, tensors, until=until)
            reply, results = self._wire.receive(until=until, give_up=self._give_up)
        except Late:
            raise self._end("late", f"It did not end within {seconds:.2g} seconds, and could not be interrupted.") from None
        except Gone:
            raise self._end("gone", "It ended the process that it ran in.") from None
        except Garbled as error:
            raise self._end("garbled", f"Its answer was cut off: {error}.") from None
        if reply.get("id") != number:
            raise self._end("garbled", "Its answer belongs to no question.")
        return reply, results

    def _end(self, ended: str, said: str) -> Ended:
        self.ended, self.said = ended, said
        return Ended(hint=said)

    def _unpacked(self, tree: Any, tensors: list[Tensor]) -> Any:
        try:
            return unpack(tree, tensors, lambda stayed: AskedSubject(self, *_checked(stayed)))
        except Garbled as error:
            raise self._end("garbled", f"Its answer was cut off: {error}.") from None

    def _error(self, told: Any) -> Exception:
        """An error of the student's code under its own name, so that it is told in the same words as anywhere."""
        try:
            name, said = str(told["ename"])[:60], str(told["evalue"])[:2000]
        except (KeyError, TypeError):
            return self._end("garbled", "Its error has no known form.")
        known = getattr(builtins, name, None)
        base = known if isinstance(known, type) and issubclass(known, Exception) else Exception
        return type(name if name.isidentifier() else "Error", (base,), {
            "__init__": lambda self: None, "__str__": lambda self: said})()


class AskedSubject(Subject):
    """Something that stays in the sandbox, known by its number."""

    def __init__(self, sandbox: Asked, number: int, kind: str):
        self._sandbox, self.number, self.kind = sandbox, number, kind

    def probe(self, compute: Callable, *args: Any, **kwargs: Any) -> Any:
        return self._sandbox.probe(compute, (self, *args), kwargs)


def _handle(thing: Any, what: str) -> dict[str, Any]:
    if isinstance(thing, AskedSubject):
        return {"kept": [thing.number, ""]}
    raise TypeError(f"a check can hand over plain values, tensors and subjects, not {what}")


def _checked(stayed: dict) -> tuple[int, str]:
    number, kind = stayed["kept"]
    if not isinstance(number, int) or not isinstance(kind, str):
        raise TypeError
    return number, kind[:100]


def _output(output: dict[str, Any]) -> dict[str, Any]:
    """One output of a cell, made anew from its texts: a stream, a value as text, or an error."""
    def text(value: Any) -> str:
        return str(value)[:MAX_OUTPUT].encode(errors="replace").decode()

    kind = output["output_type"]
    if kind == "stream":
        return {"output_type": kind, "name": "stderr" if output["name"] == "stderr" else "stdout", "text": text(output["text"])}
    if kind == "execute_result":
        return {"output_type": kind, "data": {"text/plain": text(output["data"]["text/plain"])}, "metadata": {},
                "execution_count": int(output["execution_count"])}
    if kind == "error":
        return {"output_type": kind, "ename": text(output["ename"])[:200], "evalue": text(output["evalue"]),
                "traceback": [text(line) for line in output["traceback"][:100]]}
    raise ValueError(kind)
