"""The process that has imported torch and what notebooks need, and of which everything else is a fork.

It starts with an environment of a few names, and first forks one that goes on to import the checks, a chapter's when it
is first asked for: the judges come from there, and find ready what takes long to make. Then it walls itself off, and from
then on forks a sandbox whenever it is asked for one. So a submission waits for no import, and its process never held an answer.
"""
from __future__ import annotations

import contextlib
import copy
import gc
import importlib
import itertools
import json
import multiprocessing
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import tempfile
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any

from . import held, kernel, root, walls

# How long it may take, and the chapter ("gan_losses"). With it come two sockets, and for a judge a file: what the chapter's
# checks know in this course.
REQUEST = struct.Struct("!d64s")
IMPORTED = ("clipkit", "matplotlib.pyplot", "sklearn.datasets", "IPython.display", "av", "torchvision.transforms.v2",
            "safetensors.torch")  # by notebooks, beside torch
ENVIRONMENT = {"CLIPKIT_PRESET": "smoke", "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "",
               "LANG": "C.UTF-8"}  # for every submission alike
INHERITED = ("HOME", "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "PYTHONUSERBASE",
             "PYTHONNOUSERSITE")  # so that Python finds what it needs
WATCH_SECONDS = 0.1
MANY = 6  # requests after which it pays to spend a second on quicker forks
LOOKS_AT_FILES = 5  # of so many looks at a submission, one at what it has written, where the kernel does not bound it


def main(asks_for_sandboxes: socket.socket, asks_for_judges: socket.socket) -> None:
    """Serve until the other side closes."""
    os.umask(0o022)  # what is made for a submission, its own user can read
    warm_up()
    memory = kernel.own_memory()
    if _fork() == 0:
        asks_for_sandboxes.close()
        _serve(asks_for_judges, _judge, memory, before=_load_checks())
    asks_for_judges.close()
    proc, filter_calls = walls.open_proc(), walls.call_filter()  # while their files are in sight
    missing, inner = walls.settle(walls.around_all(), proc, filter_calls)
    asks_for_sandboxes.sendall(json.dumps(missing).encode())
    _serve(asks_for_sandboxes, lambda seconds, end, status: _watch(seconds, end, status, proc, inner), memory)


def warm_up() -> None:
    """Imports and slow first uses: of autograd, an optimiser, a figure. In one thread, so that forks are safe."""
    import torch

    torch.set_num_threads(1)
    for module in IMPORTED:
        importlib.import_module(module)
    from ..defaults import known_defaults
    from ..session import Session
    from . import served  # noqa: F401 - every fork finds it imported

    layer = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3), torch.nn.Flatten(), torch.nn.Linear(4, 1))
    for optimizer in (torch.optim.Adam(layer.parameters()), torch.optim.SGD(layer.parameters(), 0.1)):
        layer(torch.zeros(1, 1, 4, 4)).mean().backward()
        optimizer.step()
    _plot_little()
    _remember_digits()
    with known_defaults("/"):
        Session(10).run("import numpy as np\n%matplotlib inline\n1 + 1")


def _plot_little() -> None:
    """Nobody sees what a submission plots, which is half of its time: nothing is drawn, and axes have no ticks."""
    import matplotlib.pyplot as plt
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    plt.rcParams["figure.dpi"] = 20
    for kind, names in ((Figure, ("draw", "tight_layout", "set_dpi")), (Axis, ("set_tick_params", "set_clip_path"))):
        for name in names:
            setattr(kind, name, lambda *_, **__: None)
    plt.close(plt.figure())


def _remember_digits() -> None:
    """Read scikit-learn's digits once for all; who asks for them gets a copy."""
    from sklearn import datasets

    read = cache(datasets.load_digits)
    read()
    datasets.load_digits = lambda *args, **kwargs: copy.deepcopy(read(*args, **kwargs))


def _load_checks() -> Callable[[str, str], None]:
    """A function that imports the checks of a chapter, once, and makes ready what they send into a sandbox and compare with."""
    from ... import checks
    from ...checks import contract, probe, subject
    from .. import judge  # noqa: F401

    if os.access(root.SHARED, os.W_OK):  # files of the checks' own: in memory, where none waits for a disk
        tempfile.tempdir = root.SHARED

    for module in (subject, contract):
        probe.prepare(module)

    @lru_cache(maxsize=32)
    def load(chapter: str, held_back: str) -> None:
        with contextlib.suppress(Exception):  # its judge will fail, and no other
            module = checks.load(chapter)
            probe.prepare(module)
            getattr(module, "make_ready", lambda held_back: None)(held_back)
            gc.freeze()
    return load


def _judge(seconds: float, report: socket.socket, end: socket.socket) -> None:
    from .. import judge

    judge.main(report, end)


def _serve(asks: socket.socket, start: Callable[[float, socket.socket, socket.socket], None], memory: list[tuple[int, int]],
           before: Callable[[str, str], None] = lambda chapter, held_back: None) -> None:
    """For each request fork a process that calls `start`, and then ends; `before` is called here, with the chapter and what
    stands in the file that came with the request. `memory` is what forks inherit, as `kernel.own_memory` gives it."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    gc.collect()
    gc.freeze()
    for number in itertools.count():
        if number == MANY:
            kernel.use_large_pages(memory)
        request, handles, *_ = socket.recv_fds(asks, REQUEST.size, 3)
        if not request:
            os._exit(0)
        ends = [socket.socket(fileno=handle) for handle in list(handles)[:2]]
        seconds, chapter = REQUEST.unpack(request)
        before(chapter.rstrip(b"\0").decode(), "".join(map(_content, list(handles)[2:])))
        if _fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            asks.close()
            start(seconds, *ends)
            os._exit(0)
        for end in ends:
            end.close()


def _content(handle: int) -> str:
    with open(handle, encoding="utf-8") as file:
        file.seek(0)
        return file.read()


def _fork() -> int:
    """os.fork, whose child dies with its parent and never runs on in the code of it."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        kernel.die_with_parent()
        sys.excepthook = lambda *_: os._exit(1)
    return pid


def _watch(seconds: float, end: socket.socket, status: socket.socket, proc: int | None,
           inner: walls.Inner) -> None:
    """Fork the process of a submission, wait for its end, for too much memory or too many files, or for the other side of
    `status` to close; then kill whatever it has started, and tell over `status` how it went."""
    missing = walls.around_one(proc)
    folder, number, inherited = walls.folder_of_one(missing), os.getpid(), held.inheritable(proc)
    pid = _fork()
    if pid == 0:
        _live(seconds, end, folder, partial(walls.within, inner, seconds, number, folder, alone="processes" not in missing))
    end.close()
    poll, ended, too_much = select.poll(), (0, 0), ""
    poll.register(status, select.POLLIN)
    looks = itertools.cycle([False] * (LOOKS_AT_FILES - 1) + [folder != root.FOLDER])
    while not too_much and not (ended := os.waitpid(pid, os.WNOHANG))[0] and not poll.poll(WATCH_SECONDS * 1000):
        if held.takes_too_much(pid, proc, inherited):
            too_much = "memory"
        elif next(looks) and held.writes_too_much(folder):
            too_much = "files"
    if not ended[0]:
        os.kill(pid, signal.SIGKILL)
        ended = os.waitpid(pid, 0)
    if "processes" in missing and inner.own_user and os.geteuid() == 0:  # where no namespace has ended them
        held.end_user(number)
    held.end_orphans(proc)
    walls.remove(folder)
    with contextlib.suppress(OSError):
        status.sendall(json.dumps({"code": os.waitstatus_to_exitcode(ended[1]), "too_much": too_much}).encode())


def _live(seconds: float, end: socket.socket, folder: str, within: Callable[[], dict]) -> None:
    """Become the process of a submission, and serve it."""
    import numpy as np
    import torch

    from ..session import Session
    from .served import serve

    os.setsid()
    os.dup2(end.detach(), 3)
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.environ.clear()
    os.environ.update(ENVIRONMENT, HOME=folder, TMPDIR=folder, MPLCONFIGDIR=folder)
    tempfile.tempdir = folder
    os.chdir(folder)
    for which in (signal.SIGINT, signal.SIGXFSZ):
        signal.signal(which, signal.SIG_IGN)
    for name in ("set_num_threads", "set_num_interop_threads"):
        setattr(torch, name, lambda _: None)  # one thread, whatever a notebook asks for
    _load_in_this_process(torch.utils.data.DataLoader)
    multiprocessing.set_start_method("fork", force=True)  # as a notebook has it
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    within()
    session = Session(seconds)
    sys.modules["__main__"] = session.module  # where dataclasses and pickle look for what a cell defines
    serve(socket.socket(fileno=3), session)


def _load_in_this_process(loader: Any) -> None:
    """Make a DataLoader do without workers, which hand tensors over through sockets that are not to be had here."""
    start = loader.__init__

    def without_workers(self: object, *args: object, num_workers: int = 0, prefetch_factor: int | None = None,
                        persistent_workers: bool = False, timeout: float = 0, **kwargs: object) -> None:
        start(self, *args, **kwargs)
    loader.__init__ = without_workers


if __name__ == "__main__":
    main(*(socket.socket(fileno=int(number)) for number in sys.argv[1:]))
