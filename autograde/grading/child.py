"""What runs in the process of one submission. The process that it is forked from has imported this module, and with
it all that a chapter needs, so that a submission waits for no import."""
from __future__ import annotations

import contextlib
import gc
import importlib
import json
import multiprocessing
import os
import random
import resource
import signal
import sys
import tempfile
from multiprocessing.connection import Connection

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import torch

from .. import checks
from . import judge
from .session import Session

MEMORY_BYTES = 4_000_000_000  # of one submission; a chapter on the smoke preset needs less than one
FILE_BYTES = 200_000_000      # of one file that it writes
WARM = ("clipkit", "matplotlib.pyplot", "sklearn.datasets")  # what notebooks import, beside torch


def warm_up() -> None:
    """First uses that are slow: of autograd, an optimiser, a figure. In one thread, so that forks are safe."""
    for module in WARM:
        importlib.import_module(module)
    torch.set_num_threads(1)
    layer = torch.nn.Conv2d(1, 1, 3)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.zeros(1, 1, 4, 4)).mean().backward()
    optimizer.step()
    plt.close(plt.figure())
    for chapter in checks.chapters():
        checks.load(chapter)
    gc.collect()
    gc.freeze()


def main(sender: Connection, notebook: str, chapter: str, folder: str, seconds: float) -> None:
    """Go through a notebook (its JSON), in `folder`; send what `judge.go_through` yields, and {"end": true}."""
    _alone()
    os.chdir(folder)
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    session = Session(seconds)
    sys.modules["__main__"] = session.module  # where dataclasses and pickle look for what a cell defines
    for message in judge.go_through(session, nbformat.reads(notebook, 4), chapter, seconds):
        _send(sender, message)
        plt.close("all")
    _send(sender, {"end": True})


def _send(sender: Connection, message: dict) -> None:
    sender.send_bytes(json.dumps(message, ensure_ascii=False).encode(errors="replace"))


def _alone() -> None:
    """A process group, seeds, limits and standard streams of this submission's own."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    for what, most in ((resource.RLIMIT_DATA, MEMORY_BYTES), (resource.RLIMIT_FSIZE, FILE_BYTES),
                       (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # where the machine allows less already, that stands
            resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    torch.set_num_threads = torch.set_num_interop_threads = lambda _: None  # one thread, whatever a notebook asks for
    multiprocessing.set_start_method("fork", force=True)  # as a notebook has it
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
