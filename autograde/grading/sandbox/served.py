"""The side within: runs cells, keeps what they make, and answers what the judge asks of it.

It shares its process with the student's code, so nothing that it says is believed for saying so: an answer counts for
the right values in it, for inputs that were fresh.
"""
from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from ..defaults import known_defaults, quiet
from ..session import Session, error_output, time_limit
from .wire import Gone, Wire, pack, unpack


def serve(end: socket.socket, session: Session) -> None:
    """Answer until the other side closes."""
    wire, served = Wire(end), Served(session)
    while True:
        try:
            with torch.inference_mode(False):  # tensors made in such a mode take part in no gradient
                request, tensors = wire.receive()
            reply, results = served.answer(request, tensors)
            wire.send(reply | {"id": request["id"]}, results)
        except Gone:
            os._exit(0)


class Served:
    """What the judge may ask: a file to be put in its place, a cell, a name, a probe (see `autograde.checks.probe`)."""

    def __init__(self, session: Session):
        self._session, self._folder = session, Path.cwd()
        self._kept: list[Any] = []                     # what stays here; its number is known outside
        self._probes: dict[str, dict[str, Any]] = {}   # code -> what it defines

    def answer(self, request: dict[str, Any], tensors: list[Tensor]) -> tuple[dict[str, Any], list[Tensor]]:
        if request["do"] == "put":
            with contextlib.suppress(OSError):  # a full disk: the notebook will miss its file, and say so
                (self._folder / request["name"]).write_bytes(tensors[0].numpy().tobytes())
            return {}, []
        if request["do"] == "run":
            self._session.seconds = request["seconds"]
            with known_defaults(self._folder) if request["locked"] else contextlib.nullcontext():
                outputs = self._session.run(request["source"])
            plt.close("all")  # as a notebook does when it has shown them
            return {"outputs": outputs}, []
        if request["do"] == "look":
            found = self._session.look(request["name"])
            return {"value": self._keep(found[0], "") if found else None}, []
        with known_defaults(self._folder), quiet():
            try:
                with time_limit(request["seconds"]):
                    args, kwargs = unpack(request["arguments"], tensors, lambda tree: self._kept[tree["kept"][0]])
                    value, results = pack(self._probe(request)(*args, **kwargs), self._keep)
                return {"value": value}, results
            except BaseException as error:
                return {"error": error_output(error)}, []

    def _probe(self, request: dict[str, Any]) -> Callable:
        code = request["code"]
        if code not in self._probes:
            self._probes[code] = {"__name__": "probe"}
            exec(compile(code, "<probe>", "exec"), self._probes[code])
        return self._probes[code][request["name"]]

    def _keep(self, thing: Any, what: str) -> dict[str, Any]:
        self._kept.append(thing)
        return {"kept": [len(self._kept) - 1, what or type(thing).__name__[:60]]}
