"""What crosses between the judge and a sandbox: JSON beside the bytes of tensors (safetensors), never pickle.

Every message is bounded in size, depth and count before anything is made of it. Plain values and dense tensors cross as
copies; whatever else an answer holds stays where it is, and a description of it crosses.
"""
from __future__ import annotations

import json
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

MAX_TEXT, MAX_BYTES = 4_000_000, 64_000_000  # of a message's JSON, and of all its tensors
MAX_DEPTH, MAX_PARTS = 20, 100_000
_HEAD = struct.Struct("!II")
_DTYPES = {torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool, torch.uint8, torch.int8, torch.int16,
           torch.int32, torch.int64}


class Garbled(Exception):
    """A message that does not keep to the rules; the sentence says which one."""


class Late(Exception):
    """No whole message came in time."""


class Gone(Exception):
    """The other side has ended."""


class Wire:
    """One end of a connected pair of sockets."""

    def __init__(self, end: socket.socket):
        self._end = end

    def send(self, message: dict[str, Any], tensors: list[Tensor], *, until: float = float("inf")) -> None:
        """Raises Gone or Late where the other side does not take it."""
        text = json.dumps(message).encode()
        blob = save({str(i): tensor for i, tensor in enumerate(tensors)}) if tensors else b""
        waiting = memoryview(_HEAD.pack(len(text), len(blob)) + text + blob)
        try:
            while waiting:
                self._wait(select.POLLOUT, until, None)
                waiting = waiting[self._end.send(waiting[:1 << 20], socket.MSG_DONTWAIT):]
        except OSError:
            raise Gone from None

    def receive(self, *, until: float = float("inf"), give_up: int | None = None) -> tuple[dict[str, Any], list[Tensor]]:
        """The next message.

        Args:
            until: a time of `time.monotonic`.
            give_up: a descriptor; when its other side closes, Gone is raised.
        Raises:
            Garbled, Late, Gone
        """
        size, blob_size = _HEAD.unpack(self._exactly(_HEAD.size, until, give_up))
        if size > MAX_TEXT or blob_size > MAX_BYTES + 100_000:
            raise Garbled(f"a message of {size + blob_size:,} bytes is too large")
        text, blob = self._exactly(size, until, give_up), self._exactly(blob_size, until, give_up)
        try:
            message = json.loads(text)
            tensors = load(bytes(blob)) if blob else {}
            return dict(message), [tensors[str(i)] for i in range(len(tensors))]
        except (ValueError, TypeError, KeyError, RuntimeError, ArithmeticError, AttributeError, SafetensorError) as error:
            raise Garbled(f"a message cannot be read ({type(error).__name__})") from None

    def _exactly(self, size: int, until: float, give_up: int | None) -> bytearray:
        got = bytearray()
        while len(got) < size:
            self._wait(select.POLLIN, until, give_up)
            try:
                part = self._end.recv(min(size - len(got), 1 << 20))
            except OSError:
                raise Gone from None
            if not part:
                raise Gone
            got += part
        return got

    def _wait(self, event: int, until: float, give_up: int | None) -> None:
        poll = select.poll()
        poll.register(self._end, event)
        if give_up is not None:
            poll.register(give_up, 0)  # its end alone
        left = None if until == float("inf") else max(0, until - time.monotonic()) * 1000
        ready = dict(poll.poll(left))
        if not ready:
            raise Late
        if give_up in ready:
            raise Gone


def pack(value: Any, stays: Callable[[Any, str], dict]) -> tuple[Any, list[Tensor]]:
    """`value` as JSON, and the tensors that it names by number.

    Args:
        stays: given what cannot cross, and in words what it is; returns a JSON object in its place.
    Raises:
        ValueError: it is nested too deep, or has too many parts.
    """
    tensors: list[Tensor] = []
    parts, room = 0, MAX_BYTES

    def walk(value: Any, depth: int) -> Any:
        nonlocal parts, room
        parts += 1
        if depth > MAX_DEPTH or parts > MAX_PARTS:
            raise ValueError("the result is nested too deep, or has too many parts")
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int) and abs(value) < 2**63:
            return int(value)
        if isinstance(value, float) and not isinstance(value, np.generic):
            return float(value)
        if isinstance(value, list):
            return [walk(part, depth + 1) for part in value]
        if isinstance(value, tuple):
            return {"tuple": [walk(part, depth + 1) for part in value]}
        if isinstance(value, dict) and all(key is None or isinstance(key, str | int) for key in value):
            return {"dict": [[walk(key, depth + 1), walk(part, depth + 1)] for key, part in value.items()]}
        tensor = torch.as_tensor(value) if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf" else value
        if why := why_it_stays(tensor, room):
            return stays(value, why)
        room -= tensor.numel() * tensor.element_size()
        tensors.append(tensor.detach().as_subclass(Tensor).cpu().clone(memory_format=torch.contiguous_format))
        tag = "array" if tensor is not value else "asking" if tensor.requires_grad else "tensor"
        return {tag: len(tensors) - 1}

    return walk(value, 0), tensors


def why_it_stays(value: Any, room: int = MAX_BYTES) -> str:
    """What a value is that cannot cross, in words; empty for a tensor that can."""
    if not isinstance(value, Tensor):
        return type(value).__name__[:60]
    if value.layout != torch.strided:
        return "a sparse tensor"
    if value.is_nested:
        return "a nested tensor"
    if value.device.type == "meta":
        return "a tensor without values"
    if value.is_quantized or value.dtype not in _DTYPES:
        return f"a tensor of {value.dtype}"
    if value.numel() * value.element_size() > room:
        return f"a tensor of shape {tuple(value.shape)}, too large to look at"
    return ""


def _key(key: Any) -> Any:
    """A key as dicts that cross have it. Larger numbers and tuples can be made to have one hash: endless work for a dict."""
    if key is None or isinstance(key, str) or isinstance(key, int) and abs(key) < 2**60:
        return key
    raise Garbled(f"a dict has a key that is neither a text nor a small whole number ({type(key).__name__})")


def unpack(tree: Any, tensors: list[Tensor], stayed: Callable[[dict], Any]) -> Any:
    """What `pack` packed. `stayed` turns the objects that its own `stays` returned into something.

    Raises:
        Garbled: it is not of that form.
    """
    def walk(tree: Any, depth: int) -> Any:
        if depth > 3 * MAX_DEPTH:
            raise Garbled("a message is nested too deep")
        if isinstance(tree, list):
            return [walk(part, depth + 1) for part in tree]
        if not isinstance(tree, dict):
            return tree
        (tag, what), = tree.items()
        if tag == "tuple":
            return tuple(walk(part, depth + 1) for part in what)
        if tag == "dict":
            return {_key(walk(key, depth + 1)): walk(part, depth + 1) for key, part in what}
        if tag == "array":
            return tensors[what].numpy()
        if tag in ("tensor", "asking"):
            return tensors[what].requires_grad_() if tag == "asking" else tensors[what]
        return stayed(tree)

    try:
        return walk(tree, 0)
    except (ValueError, TypeError, IndexError, KeyError, RuntimeError) as error:
        raise Garbled(f"a message has not the form that was agreed ({type(error).__name__})") from None
