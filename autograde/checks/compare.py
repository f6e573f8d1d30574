"""How a check compares, and how it says what is wrong."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from .subject import Subject


class Wrong(AssertionError):
    """The subject fails a check. The message says what was seen; `hint`, where known, fits this very mistake."""

    def __init__(self, message: str = "", *, hint: str = ""):
        super().__init__(message)
        self.hint = hint


def assert_close(actual: Any, expected: Any, *, mistakes: Iterable[tuple[Any, str]] = (), rtol: float = 1e-4,
                 atol: float = 1e-5) -> None:
    """Compare a number, a tensor, or a dict of tensors with what the reference gives.

    Args:
        mistakes: pairs of the value that a known mistake would give, and the hint that fits it.
    Raises:
        Wrong: they differ; with the hint of the first mistake whose value was met.
    """
    difference = _difference(actual, expected, rtol, atol)
    if not difference:
        return
    for value, hint in mistakes:
        if not _difference(actual, value, rtol, atol):
            raise Wrong(difference, hint=hint)
    raise Wrong(difference)


def is_close(actual: Any, expected: Any, *, rtol: float = 1e-4, atol: float = 1e-5) -> bool:
    """Whether `assert_close` would say nothing."""
    return not _difference(actual, expected, rtol, atol)


def _difference(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    """A sentence that says how `actual` differs from `expected`; empty where it does not."""
    if isinstance(expected, Mapping):
        return _mapping_difference(actual, expected, rtol, atol)
    expected = torch.as_tensor(expected)
    try:
        actual = torch.as_tensor(actual).detach()
    except (TypeError, ValueError, RuntimeError):
        return f"Expected a tensor, got {actual.kind if isinstance(actual, Subject) else type(actual).__name__}."
    if actual.dtype == torch.bool:
        return f"Expected real numbers, got {actual.dtype}."
    if actual.shape != expected.shape:
        return f"Expected shape {_shape(expected)}, got {_shape(actual)}."
    actual, expected = actual.to("cpu", torch.float64), expected.to("cpu", torch.float64)
    if actual.equal(expected):  # the usual case, and fast
        return ""
    if not actual.isfinite().equal(expected.isfinite()):
        return "The result holds NaN or infinity."
    if torch.allclose(actual, expected, rtol=rtol, atol=atol):
        return ""
    return _first_difference(actual, expected, ~torch.isclose(actual, expected, rtol=rtol, atol=atol))


def _first_difference(actual: Tensor, expected: Tensor, differs: Tensor) -> str:
    if not actual.ndim:
        return f"Expected {expected:.4g}, got {actual:.4g}."
    place = differs.nonzero()[0].tolist()
    return (f"{differs.sum()} of {differs.numel()} numbers differ; the first, at {place}, should be "
            f"{expected[tuple(place)]:.4g} and is {actual[tuple(place)]:.4g}.")


def _mapping_difference(actual: Any, expected: Mapping, rtol: float, atol: float) -> str:
    if not isinstance(actual, Mapping) or actual.keys() != expected.keys():
        return f"Expected the parts {', '.join(map(str, expected))}."
    said = ((name, _difference(actual[name], expected[name], rtol, atol)) for name in expected)
    return next((f"In {name}: {sentence}" for name, sentence in said if sentence), "")


def _shape(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)}" if tensor.ndim else "() (one number)"
