"""Chapter 12's attack on members by its surest guesses: by the judge's score, or by what other judges would have said."""
from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from clipkit import Walkers, pick, preset
from solutions.measures.membership import true_positives

SETTINGS = {"score": {"judges": 0}, "few": {"judges": 4}, "some": {"judges": 16}, "many": {"judges": 32}}
MEMBERS = 32  # of each judge that is attacked


@cache
def page():
    """The chapter's features, its training of a judge, its two scores and their measure."""
    return of_page("12_responsibility", "features", "taught", "surprise", "auc")


def people(seed: int) -> Tensor:
    """Features of different single frames, in an order of their own."""
    count = pick(preset("cpu"), smoke=600, cpu=4000, gpu=4000)
    drawn = Walkers(count, num_frames=1, seed=100 + seed).clips[:, 0].unique(dim=0)
    return page().features(drawn[torch.randperm(len(drawn), generator=torch.Generator().manual_seed(seed))])


def measure(seed: int, *, judges: int) -> dict[str, float]:
    """The AUC, and the members named where one other in ten or in a hundred is; over sixteen attacked judges."""
    rng = torch.Generator().manual_seed(seed)
    attacked, steps = pick(preset("cpu"), smoke=(2, 3), cpu=(16, 250), gpu=(16, 250))
    drawn = people(seed)
    halves, known, members = drawn[:128], drawn[128:128 + len(drawn) // 4], drawn[-MEMBERS * attacked:]
    others = drawn[128 + len(known):-len(members)]
    fakes = (halves[:64] + halves[64:]) / 2  # each half one person and half another: they owe nothing to the members

    def some_known() -> Tensor:
        return known[torch.randperm(len(known), generator=rng)[:MEMBERS]]

    own = [page().taught(some_known(), fakes, steps) for _ in range(judges)]
    inside, outside = [], []
    for some in members.split(MEMBERS):
        network = page().taught(some, fakes, steps)
        for asked, scores in ((some, inside), (others, outside)):
            scores.append(page().surprise(network, own, asked) if judges else network(asked).detach().flatten())
    inside, outside = torch.cat(inside), torch.cat(outside)
    return {"auc": page().auc(inside, outside), "tenth": true_positives(inside, outside, 0.1),
            "hundredth": true_positives(inside, outside, 0.01)}


STUDY = Study(
    minutes=4,
    variants={"score": "the score", "few": "surprise, 4 judges", "some": "surprise, 16 judges", "many": "surprise, 32 judges"},
    numbers={"auc": Number("AUC"), "tenth": Number("named at 10 % of the others", ".0%"),
             "hundredth": Number("named at 1 %", ".1%")},
)
