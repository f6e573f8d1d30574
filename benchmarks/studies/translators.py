"""Chapter 8's CycleGAN after 200 steps: with and without identity loss, old fakes and cycle."""
from __future__ import annotations

from functools import cache

import torch

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study

STEPS = 200
SETTINGS = {"paper": {}, "no_history": {"history": 0}, "no_identity": {"identity": 0.0}, "no_cycle": {"cycle": 0.0}}


@cache
def page():
    """The chapter's translators, and what it measures of them on people whom none has seen."""
    return of_page("08_translation", "cycle_gan", "worn", "off", "new_days", "true_nights", "person", "everywhere")


@torch.no_grad()
def measure(seed: int, **weights: float) -> dict[str, float]:
    """Who wears the right shirt by night, how far people and scenery are from the true night, and the way home from the day."""
    with torch.enable_grad():
        both = page().cycle_gan(seed=seed, steps=STEPS, **weights)
    made, truth, person = both.a_to_b(page().new_days), page().true_nights, page().person
    return {"right": page().worn(made).diagonal().mean().item(), "people": page().off(made, truth, person),
            "scenery": page().off(made, truth, 1 - person),
            "home": page().off(both.b_to_a(made), page().new_days, page().everywhere)}


STUDY = Study(
    minutes=5,
    variants={"paper": "cycle 10, identity 5, old fakes", "no_history": "no old fakes", "no_identity": "no identity loss",
              "no_cycle": "no cycle"},
    numbers={"right": Number("right shirt", ".0%"), "people": Number("people off", ".3f"),
             "scenery": Number("scenery off", ".3f"), "home": Number("there and back", ".3f")},
)
