"""Chapter 14's next frames: taught by real ones alone, and then trained on their own: obedience, drift, identity."""
from __future__ import annotations

from functools import cache

from torch import Tensor

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study

SETTINGS = {"taught": {}, "alone": {"play": True}, "real": {"real": True}}


@cache
def page():
    """The chapter's clips, classifiers and trainings."""
    return of_page("14_real_time", "taught_by_frames", "teach_steps", "trained_alone", "alone_steps", "clips_by", "obeyed",
                   "away", "kept", "PARTS", "decode_frames", "long_frames")


@cache
def taught(seed: int):
    """The page's network after teacher forcing, from another start."""
    return page().taught_by_frames(page().teach_steps, seed)


def detail(codes: Tensor) -> float:
    """How much neighbouring pixels differ in the last frames of clips."""
    frames = page().decode_frames(codes[:, slice(*page().PARTS[256])])
    return float(frames.diff(dim=-1).square().mean() + frames.diff(dim=-2).square().mean())


def measure(seed: int, *, play: bool = False, real: bool = False) -> dict[str, float]:
    """Of clips of 256 frames that begin as real ones do and are told what these were; of the real ones, the same each time."""
    if real:
        made = page().long_frames
    else:
        made = page().clips_by(page().trained_alone(taught(seed), page().alone_steps, seed) if play else taught(seed))
    same = page().kept(made)
    return {"obeys": page().obeyed(made), **{f"away_{k}": page().away(made, *part) for k, part in page().PARTS.items()},
            **{f"kept_{k}": float(same[slice(*page().PARTS[k])].mean()) for k in (8, 256)},
            "detail": detail(made) / detail(page().long_frames)}


STUDY = Study(
    minutes=8,
    variants={"taught": "taught by real frames", "alone": "and trained on its own", "real": "real clips"},
    numbers={"obeys": Number("obeys", ".0%"), **{f"away_{k}": Number(f"distance at frame {k}") for k in (8, 16, 64, 256)},
             **{f"kept_{k}": Number(f"looks kept at {k}", ".0%") for k in (8, 256)},
             "detail": Number("detail at 256, of real")},
)
