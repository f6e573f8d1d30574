"""The versions that are installed here, for a machine that is to grade as this one does."""
from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..grading.course import CourseError
from ..writing.answers import ROOT

TORCH = ("torch", "torchvision")  # they come from an index of their own where no GPU is
OF_THE_SITE = ("jupyter-book", "sphinx-book-theme", "pydata-sphinx-theme", "tinycss2", "mini-racer", "jupyter", "jupyter-cache")
OF_A_GPU = ("nvidia-", "cuda-", "triton")  # what PyTorch brings for one; the one without brings none


def torch() -> str:
    """PyTorch alone."""
    return "".join(_pinned(Requirement(name)) for name in TORCH)


def requirements() -> str:
    """What grading needs beside PyTorch: of pyproject.toml all that is not for pages, and what clipkit needs."""
    return "".join(sorted({_pinned(need) for need in _dependencies() if need.name not in (*TORCH, *OF_THE_SITE)}))


def constraints() -> str:
    """The versions of all that these bring along, as far as it is installed."""
    found: dict[str, str] = {}
    waiting = list(_dependencies())
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        if name in found or name.startswith(OF_A_GPU):
            continue
        try:
            found[name] = _pinned(Requirement(name))
            waiting += map(Requirement, requires(name) or ())  # those of extras, too: what is not asked for is not installed
        except CourseError:
            found[name] = ""
    return "".join(found[name] for name in sorted(found))


def _dependencies() -> Iterator[Requirement]:
    for project in ("pyproject.toml", "clipkit/pyproject.toml"):
        lines = tomllib.loads((ROOT / project).read_text(encoding="utf-8"))["project"]["dependencies"]
        yield from (need for need in map(Requirement, lines) if need.name != "clipkit")


def _pinned(need: Requirement) -> str:
    """A line; the version without what says for which GPU it was built."""
    extras = f"[{','.join(sorted(need.extras))}]" if need.extras else ""
    try:
        return f"{need.name}{extras}=={version(need.name).partition('+')[0]}\n"
    except PackageNotFoundError:
        raise CourseError(f"{need.name} is not installed here, so its version is not known; expected what requirements.txt "
                          "names. Try `pip install -r requirements.txt`") from None
