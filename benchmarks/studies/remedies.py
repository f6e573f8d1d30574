"""Chapter 5's GAN of little people: Adam's momentum, R1, the players at once, and each remedy on top of too much momentum."""
from __future__ import annotations

from functools import cache, partial

from torch import Tensor, nn

from autograde.writing.definitions import of_page
from benchmarks.studies import Number, Study
from benchmarks.studies.momentum_on_ring import hold_back

SETTINGS = {
    "heavy": {}, "r1": {"remedy": "R1"}, "r1_strong": {"remedy": "R1", "weight": 5.0},
    "statistics": {"remedy": "batch statistics"}, "spectral": {"remedy": "spectral norm"},
    "noise": {"remedy": "instance noise"}, "noise_falls": {"remedy": "instance noise", "falls": True},
    "clipping": {"remedy": "clipping"}, "slower": {"remedy": "slower D"},
    "light": {"beta1": 0.5}, "light_r1": {"beta1": 0.5, "remedy": "R1"}, "light_at_once": {"beta1": 0.5, "at_once": True},
    "none": {"beta1": 0.0}, "none_r1": {"beta1": 0.0, "remedy": "R1"},
}


@cache
def page():
    """The chapter's run, its remedies and its measures."""
    return of_page("05_stability", "people_run", "people_numbers", "people_steps", "remedies", "plain_step", "scores", "others",
                   "distance", "instance_noise", "critic_16")


class FallingNoise(nn.Module):
    """Instance noise that falls from 0.3 to 0 over a run; D is asked four times a step."""

    def __init__(self, calls: int):
        super().__init__()
        self.calls, self.asked = calls, 0

    def forward(self, samples: Tensor) -> Tensor:
        self.asked += 1
        return page().instance_noise(samples, 0.3 * max(0.0, 1 - self.asked / self.calls))


def measure(seed: int, *, beta1: float = 0.9, remedy: str = "", weight: float = 0.0, falls: bool = False,
            at_once: bool = False) -> dict[str, float]:
    """What 256 samples cover, how many are near the data, and how far all are from them."""
    settings = dict(page().remedies[remedy]) if remedy else {}
    if weight:
        settings["d_step"] = partial(settings["d_step"], weight=weight)
    if falls:
        settings["critic"] = lambda: nn.Sequential(FallingNoise(4 * page().people_steps), page().critic_16())
    if at_once:
        settings["d_step"] = partial(hold_back, page().plain_step, {})
    _, samples = page().people_run(seed=seed, beta1=beta1, bar=False, **settings)
    kinds, near = page().people_numbers(samples)
    return {"kinds": kinds, "near": near, "distance": page().distance(page().scores(samples), page().scores(page().others))}


STUDY = Study(
    minutes=5,
    variants={
        "heavy": "$\\beta_1 = 0.9$", "r1": "and R1", "r1_strong": "and R1, ten times as heavy",
        "statistics": "and batch statistics", "spectral": "and spectral norm", "noise": "and instance noise",
        "noise_falls": "and instance noise that falls to 0", "clipping": "and clipping", "slower": "and a slower D",
        "light": "$\\beta_1 = 0.5$", "light_r1": "$\\beta_1 = 0.5$ and R1",
        "light_at_once": "$\\beta_1 = 0.5$, players at once", "none": "$\\beta_1 = 0$", "none_r1": "$\\beta_1 = 0$ and R1"},
    numbers={"kinds": Number("kinds, of 12", ".1f"), "near": Number("near one", ".0%"), "distance": Number("distance", ".2f")},
)
