"""Tables of what has been measured, for the page and the notebook alike: `{measured} NAME` stands for the one of that name.

The figures lie in benchmarks/figures, written by the command that each file names; `studies` has those over seeds.
"""
from __future__ import annotations

import json
import statistics

from . import studies
from .answers import ROOT, SourceError

FIGURES = ROOT / "benchmarks" / "figures"
MODELS = {
    "real clips": "real clips", "real clips, frames shuffled": "real, frames shuffled",
    "real clips, first frame only": "real, first frame only", "frames_as_channels": "stacked frames", "videogan": "VideoGAN",
    "mocogan": "MoCoGAN", "latent_gan": "GAN of codes", "principal_flow": "flow of codes (chapter 13)",
    "videogan, as published": "VideoGAN, as published", "mocogan, as published": "MoCoGAN, as published"}


def table(name: str) -> str:
    """The Markdown table of that name.

    Raises:
        SourceError: there is no such table, or its figures have not been measured.
    """
    if name in studies.names():
        return studies.table(name)
    if name not in TABLES:
        raise SourceError(f"expected {{measured}} {' or '.join([*TABLES, *studies.names()])}, got {name!r}")
    stem, _, part = name.partition(" ")
    path = FIGURES / f"{stem}.json"
    if not path.is_file():
        raise SourceError(f"there are no figures {path.name} yet: run python -m benchmarks.{stem}")
    return TABLES[name](json.loads(path.read_text(encoding="utf-8")), part)


def video(found: dict, data: str) -> str:
    """A row a model: the median over seeds, and of the distance the range, too."""
    lines = ["| | Fréchet distance | precision | recall | motion | detail | CPU seconds |", "|:--|" + "--:|" * 6]
    rows = found["data"][data]["rows"]
    for name in (name for name in MODELS if name in rows):
        median = {key: statistics.median(run[key] for run in rows[name]) for key in rows[name][0]}
        far = [run["frechet"] for run in rows[name]]
        spread = f" ({min(far):.1f} to {max(far):.1f})" if len(far) > 1 else ""
        cells = [f"{median['frechet']:.1f}{spread}", f"{median['precision']:.2f}", f"{median['recall']:.2f}",
                 f"{median['motion']:.0f}", f"{median['detail']:.2f}", str(median.get("cpu_seconds", ""))]
        lines.append(f"| {MODELS[name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


TABLES = {"lpc_video lpc": video, "lpc_video walkers": video}
