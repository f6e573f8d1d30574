"""The defaults that every check begins from, whatever a notebook has set for itself.

A student may set a default for all of a process: the kind of numbers, the device, whether gradients are kept, what NumPy
does at a division by zero, the folder. Their own cells then run with it, as in their notebook. The checks, visible and
hidden, begin from what is known: they ask the student's function as a notebook without such a cell would.
"""
from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

_TORCH: tuple[tuple[Callable[[], Any], Callable[[Any], None], Any], ...] = (  # how to read one, how to set it, its known value
    (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, "default"),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
)
_NUMPY: dict[str, Any] = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}


@contextlib.contextmanager
def known_defaults(folder: str | Path) -> Iterator[None]:
    """Known defaults of torch, NumPy, warnings and the process; `folder` is where the notebook began. Afterwards the
    student's own are back."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(_in_folder(folder))
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        stack.enter_context(np.errstate(**_NUMPY))
        stack.enter_context(_device())
        for read, put, known in _TORCH:
            stack.callback(put, read())
            put(known)
        stack.enter_context(torch.autocast("cpu", enabled=False))
        stack.enter_context(torch.inference_mode(False))  # before the next: it sets that, too
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autograd.set_detect_anomaly(False))
        yield


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What is printed here is dropped."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _device() -> contextlib.AbstractContextManager:
    """Tensors are made on the CPU; asked for only where another device was the default, which costs time."""
    return contextlib.nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu")


@contextlib.contextmanager
def _in_folder(folder: str | Path) -> Iterator[None]:
    before: str | Path
    try:
        before = os.getcwd()
    except OSError:  # it has been removed
        before = folder
    os.chdir(folder)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.chdir(before)
