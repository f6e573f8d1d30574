"""Kernels that need not import torch first: each is a fork of one process that has imported what notebooks import.

To be started, a kernel asks that process over a socket for a fork, which runs IPython's own kernel, and waits for its end.
"""
from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAME = "warm"
SERVE = """
import importlib, json, os, signal, socket, sys
from autograde.grading.sandbox.warm import IMPORTED
from ipykernel.kernelapp import IPKernelApp
for module in ("torch", "nbformat", *IMPORTED):
    importlib.import_module(module)
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
print("ready", flush=True)
while True:
    asked, _ = server.accept()
    if os.fork() == 0:
        server.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        file, folder, environment = json.loads(asked.makefile().readline())
        os.environ.update(environment)
        os.chdir(folder)
        sys.path.insert(0, "")
        IPKernelApp.launch_instance(["-f", file])
        os._exit(0)
    asked.close()
"""
ASK = """
import json, os, signal, socket, sys
asked = socket.socket(socket.AF_UNIX)
asked.connect(sys.argv[1])
asked.sendall(json.dumps([sys.argv[2], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
signal.signal(signal.SIGINT, signal.SIG_IGN)  # sent before the end is asked for
asked.recv(1)  # nothing comes: it is closed when the kernel ends
"""


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Path]:
    """A folder for JUPYTER_PATH; the kernel in it is called `NAME`."""
    spec = folder / "kernels" / NAME / "kernel.json"
    spec.parent.mkdir(parents=True)
    place = str(folder / "kernels.socket")
    argv = [sys.executable, "-S", "-c", ASK, place, "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": NAME, "language": "python"}))
    with subprocess.Popen([sys.executable, "-c", SERVE, place], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as server:
        try:
            assert server.stdout.readline() == "ready\n", server.stderr.read()
            yield folder
        finally:
            server.kill()
