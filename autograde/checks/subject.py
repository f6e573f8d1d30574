"""What a check sees of a student's work: one interface, whether the work is in this process or in a sandbox.

What crosses is plain: None, numbers, texts, lists, tuples, dicts, NumPy arrays and dense tensors. All else that a call
returns (a module, an optimiser, a generator, a complex tensor) stays where it is and is seen as a Subject, too, which
can be asked in its turn and handed on as an argument, and which is equal to nothing.

    subject(x)                             call a function; of a class: make an object, which is a Subject
    network = subject(channels=8)
    network(z)                             call it
    network.method("sample", 4)            one of its methods
    network.attribute("channels")          what it has
    network.weights(), network.load(w)     the state of a module by name, as copies; and set
    stream.take(3)                         the next three things of an iterator
    subject.probe(compute, x)              anything else: compute(thing, x), see `probe`
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .probe import source_of


class Subject:
    """The student's object, in this process. `kind` says in words what it is."""

    def __init__(self, thing: Any, kind: str = ""):
        self._thing, self.kind = thing, kind or type(thing).__name__

    def probe(self, compute: Callable, *args: Any, **kwargs: Any) -> Any:
        """`compute(thing, *args)`: trusted code that only *computes* with the student's object, where the object is.

        For what one call cannot reach (a gradient, the weights that a step leaves). Its code goes into the sandbox, so
        it holds no expected value and no answer; its result is compared by the check. It must give raw values that only
        honest work can produce: a verdict ("moved": False) is as easily said as done.

        Raises:
            ProbeError: `compute` cannot travel.
        """
        source_of(compute)
        return _seen(compute(*_meant((self, *args)), **_meant(kwargs)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.probe(call, *args, **kwargs)

    def method(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return self.probe(call_method, name, *args, **kwargs)

    def attribute(self, name: str) -> Any:
        return self.probe(get_attribute, name)

    def weights(self) -> dict[str, Tensor]:
        return self.probe(get_weights)

    def load(self, weights: dict[str, Tensor]) -> None:
        self.probe(set_weights, weights)

    def take(self, count: int) -> list:
        return self.probe(next_ones, count)

    def __eq__(self, other: object) -> bool:
        return False

    def __bool__(self) -> bool:
        raise TypeError(f"a subject ({self.kind}) is neither true nor false")

    __hash__ = object.__hash__


def call(thing: Any, *args: Any, **kwargs: Any) -> Any:
    return thing(*args, **kwargs)


def call_method(thing: Any, name: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(thing, name)(*args, **kwargs)


def get_attribute(thing: Any, name: str) -> Any:
    return getattr(thing, name)


def get_weights(module: Any) -> dict:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def set_weights(module: Any, weights: dict) -> None:
    module.load_state_dict(weights)


def next_ones(iterator: Any, count: int) -> list:
    return [next(iterator) for _ in range(count)]


def _seen(value: Any) -> Any:
    """A result as it crosses: what is not plain becomes a Subject."""
    if value is None or isinstance(value, bool | int | float | str | np.ndarray | np.generic):
        return value
    if isinstance(value, list | tuple):
        return type(value)(map(_seen, value)) if type(value) in (list, tuple) else tuple(map(_seen, value))
    if isinstance(value, dict):
        return {_seen(key): _seen(part) for key, part in value.items()}
    if not isinstance(value, Tensor):
        return Subject(value)
    if value.layout != torch.strided:
        return Subject(value, "a sparse tensor")
    if value.device.type == "meta":
        return Subject(value, "a tensor without values")
    if value.is_complex() or value.is_quantized:
        return Subject(value, f"a tensor of {value.dtype}")
    return value


def _meant(value: Any) -> Any:
    """An argument as it crosses: each tensor a copy, each Subject what it stands for."""
    if isinstance(value, Subject):
        return value._thing
    if isinstance(value, Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, list | tuple):
        return type(value)(map(_meant, value))
    return {key: _meant(part) for key, part in value.items()} if isinstance(value, dict) else value
