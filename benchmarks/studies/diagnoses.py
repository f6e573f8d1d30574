"""What `health` calls runs whose illness is known: half of them it was set on, the others it has never met."""
from __future__ import annotations

from collections.abc import Callable

from torch import nn

from benchmarks.patients import Patient, Points, Recipe, Shift, run
from benchmarks.studies import Number, Study
from clipkit import preset
from solutions.measures.health import ADVICE, health

TRIES = 24  # runs of one cause, until one shows the sign
SET_ON, NEW = 0, 1  # the two halves: no seed is in both
R1 = {"penalty": "r1", "penalty_weight": 0.1, "penalty_every": 4}
HEAVY = {"betas": (0.9, 0.999)}
SURE = {"loss": "minimax", "n_critic": 3, "lr_d": 1e-2, "lr_g": 1e-4}
STILL = {"lr_g": 1e-7, "lr_d": 1e-7}
FAST = {"lr_g": 2e-3, "lr_d": 2e-3}
STEEP = {"lr_g": 1e-2, "lr_d": 1e-2}
ENORMOUS = {"lr_g": 1e3, "lr_d": 1e3}


def line(dims: int) -> Callable[[], nn.Module]:
    """The smallest discriminator of points."""
    return lambda: nn.Linear(dims, 1)


def shift(dims: int) -> Callable[[], nn.Module]:
    """The smallest generator of points."""
    return lambda: Shift(dims)


def points(dims: int, at: float = 0.0, **how) -> Callable[[], nn.Module]:
    """A generator of points that begins at `at`."""
    return lambda: Points(dims, at, **how)


CAUSES = {  # of each illness several; a patient has one of them
    "diverged": [
        Recipe("people", 200, settings=HEAVY), Recipe("ring", 500, settings=HEAVY | {"lr_g": 5e-3, "lr_d": 5e-3}),
        Recipe("ring", 400, settings={"loss": "wasserstein", "n_critic": 2} | FAST), Recipe("line", 150, settings=ENORMOUS),
        Recipe("people", 150, settings={"lr_g": 3e-2, "lr_d": 3e-2}),
        Recipe("ring", 500, settings=HEAVY | {"lr_g": 2e-2})],
    "not started": [
        Recipe("ring", 200, points(2, 2.0), settings=STILL), Recipe("people", 80, settings=STILL),
        Recipe("line", 200, points(1, 1.0, deaf=True)), Recipe("grid", 200, points(2), settings=STILL),
        Recipe("ring", 200, points(2, 2.0, deaf=True)), Recipe("labelled ring", 200, settings=STILL)],
    "vanishing gradient": [
        Recipe("ring", 300, points(2, 5.0), settings=SURE), Recipe("line", 300, points(1, 5.0), settings=SURE),
        Recipe("people", 150, settings=SURE | {"n_critic": 2, "lr_d": 2e-3}),
        Recipe("grid", 300, points(2, 4.0), settings=SURE)],
    "overpowering discriminator": [
        Recipe("ring", 300, points(2, 3.0), settings={"lr_g": 3e-6}), Recipe("people", 150, settings={"lr_g": 3e-6}),
        Recipe("line", 300, points(1, 4.0), settings={"lr_g": 3e-6}),
        Recipe("grid", 300, points(2, 3.0), settings={"lr_g": 1e-5, "lr_d": 5e-3, "n_critic": 3}),
        Recipe("people", 120, settings={"lr_g": 1e-5, "lr_d": 2e-3, "n_critic": 3})],
    "collapse": [
        Recipe("four", 400, settings=HEAVY | {"lr_g": 1e-2}),
        Recipe("line", 500, loud=0.05, settings=R1 | {"loss": "relativistic"}),
        Recipe("four", 500, loud=0.05, settings=R1), Recipe("line", 500, loud=0.05, settings=R1),
        Recipe("grid", 500, loud=0.05, settings=R1), Recipe("four", 500, loud=0.05, settings=R1 | {"loss": "relativistic"})],
    "one sample per label": [
        Recipe("labelled ring", 500, loud=0.0, settings=R1), Recipe("labelled line", 500, loud=0.02, settings=R1),
        Recipe("labelled ring", 500, loud=0.02, settings=R1 | {"loss": "relativistic"}),
        Recipe("labelled line", 500, loud=0.0, settings=R1 | {"loss": "hinge"})],
    "oscillation": [
        Recipe("cloud", 800, shift(2), line(2), settings=STEEP),
        Recipe("thread", 800, shift(1), line(1), settings=STEEP),
        Recipe("cloud", 800, shift(2), line(2), settings=STEEP | {"loss": "relativistic"}),
        Recipe("thread", 800, shift(1), line(1), settings=STEEP | {"loss": "minimax"}),
        Recipe("cloud", 800, shift(2), line(2), settings=STEEP | {"loss": "hinge"})],
    "healthy": [
        Recipe("ring", 1000, settings=R1 | FAST), Recipe("line", 800, settings=R1), Recipe("labelled ring", settings=R1),
        Recipe("people", 300, settings=R1 | {"penalty_weight": 1.0}),
        Recipe("cloud", 600, shift(2), line(2), settings=STEEP | {"penalty": "r1"}),
        Recipe("grid", 1000, settings=R1 | FAST | {"loss": "relativistic", "penalty": "r1_r2"})],
}
SIGNS: dict[str, Callable[[Patient], bool]] = {  # what each illness does, by the truth; the cause alone makes nobody ill
    "diverged": lambda p: not p.finite or p.near < 0.15 and p.moved > 0.05,
    "not started": lambda p: p.moved < 0.01,
    "vanishing gradient": lambda p: p.near < 0.15 and p.believed < 0.01,
    "overpowering discriminator": lambda p: p.near < 0.15 and p.believed < 0.1,
    "collapse": lambda p: p.near > 0.5 and p.modes < 0.4,
    "one sample per label": lambda p: p.varied < 0.3,
    "oscillation": lambda p: p.turns >= 4,
    "healthy": lambda p: p.near > 0.4 and p.modes > 0.75 and p.turns < 4,
}
def key(name: str) -> str:
    """A name as the text's roles can say it."""
    return name.replace(" ", "_")


SETTINGS = {key(name): {"illness": name} for name in CAUSES}


def patient(illness: str, seed: int, half: int) -> Patient:
    """The first run that shows the sign of its cause, of those that belong to this seed.

    Raises:
        RuntimeError: none does.
    """
    causes = CAUSES[illness]
    recipe = causes[seed % len(causes)]
    for attempt in range(TRIES):
        found = run(recipe, 1000 * (2 * seed + half) + attempt)
        if SIGNS[illness](found) or preset("cpu") == "smoke":  # a few steps make nobody ill
            return found
    raise RuntimeError(f"no run of {TRIES} with the cause {recipe} shows {illness}")


def named(patient: Patient) -> str:
    """What `health` says."""
    data = patient.world
    return health(patient.history, data.view(patient.samples), data.view(data.real), labels=patient.labels,
                  real_labels=data.labels).name


def measure(seed: int, *, illness: str) -> dict[str, float]:
    """Whether a patient of the half that it was set on was named right, and what one of the others was called."""
    known, new = (named(patient(illness, seed, half)) for half in (SET_ON, NEW))
    return {"set_on": known == illness, "right": new == illness} | {key(name): new == name for name in ADVICE}


STUDY = Study(
    minutes=4, seeds=6, variants={key(name): name for name in CAUSES},
    numbers={"set_on": Number("right, of those it was set on", "count"), "right": Number("right, of the others", "count")}
    | {key(name): Number(f"“{name}”", "count") for name in CAUSES},
)
