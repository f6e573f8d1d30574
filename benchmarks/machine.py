"""The machine that a figure was measured on, and the folder where figures are kept.

A figures file is JSON: {"command": how to measure it again, "machine": what `describe` says, ...the figures}.
"""
from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import torch

from clipkit.files import whole

FIGURES = Path(os.environ.get("BENCHMARK_FIGURES") or Path(__file__).parent / "figures")  # another folder while on a visit


def describe() -> dict:
    """This machine in words and numbers that tell it apart and nobody's name."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": (round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
                      if hasattr(os, "sysconf") else None),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "cuda": torch.version.cuda if torch.cuda.is_available() else None,
    }


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_model() -> str:
    """The processor's name, as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def keep(name: str, figures: dict) -> Path:
    """Writes figures/NAME.json, with the machine, in place of the one before."""
    path = FIGURES / f"{name}.json"
    text = json.dumps({"command": f"python -m benchmarks.{name}", "machine": describe()} | figures, indent=2)
    with whole(path) as aside:
        aside.write_text(text + "\n", encoding="utf-8")
    return path


def kept(name: str) -> dict:
    """The figures that `keep` has written last.

    Raises:
        FileNotFoundError: there are none; says which command measures them.
    """
    path = FIGURES / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(f"there are no figures {path.name} yet: run python -m benchmarks.{name}")
    return json.loads(path.read_text(encoding="utf-8"))
