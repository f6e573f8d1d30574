"""Chapter 15's entry, trained for longer: what quality and diversity gain, and what copies cost."""
from __future__ import annotations

from functools import cache

import torch

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from clipkit import pick, preset

SETTINGS = {"once": {"steps": 1500}, "twice": {"steps": 3000}, "four": {"steps": 6000}}


@cache
def page():
    """The chapter's clips, its scorer, and its training."""
    return of_page("15_challenge", "train", "scored", "score", "train_entry", "NOISE")


def measure(seed: int, *, steps: int) -> dict[str, float]:
    """The parts of the score, and how many clips are less than half as far from one set as from the other."""
    entry = page().train_entry(page().train, pick(preset("cpu"), smoke=2, cpu=steps, gpu=steps), seed)
    z = torch.randn(page().scored, page().NOISE, generator=torch.Generator().manual_seed(100 + seed))
    with torch.no_grad():
        clips = entry(z)
    near = page().score.near(clips)
    found, (ours, theirs) = page().score.put_together(page().score.describe(clips), near), near["as it is"]
    return {**found._asdict(), "total": found.total, "taught": int((ours < theirs / 2).sum()),
            "new": int((theirs < ours / 2).sum())}


STUDY = Study(
    minutes=8,
    variants={"once": "1,500 steps", "twice": "3,000 steps", "four": "6,000 steps"},
    numbers={"quality": Number("quality"), "motion": Number("motion"), "diversity": Number("diversity"),
             "taught": Number("far nearer to a training clip", ".1f"), "new": Number("to a held-out clip", ".1f"),
             "originality": Number("originality"), "total": Number("total", ".1f")},
)
