"""Runs whose illness is known: by how they were made and by what they did, asked of the truth that only their maker has.

A recipe has a cause (a momentum, a rate, a cut gradient) and a sign, and a run is a patient only if it shows both. The
sign looks at what `health` is not told: the true centres of the data, how far G's weights have moved, where G's samples
were on the way, and what D thinks. Rates are drawn anew for each patient, within a factor of two.
"""
from __future__ import annotations

import contextlib
import io
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import count

import torch
from torch import Tensor, nn

from autograde.writing.definitions import of_page
from clipkit import pick, preset
from solutions.training.history import History
from solutions.training.settings import Hooks, Settings
from solutions.training.train import fit

LOOKS = 60  # times that a run is looked at on its way


def mlp(inputs: int, outputs: int, width: int = 64) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(nn.Linear(inputs, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2),
                         nn.Linear(width, outputs))


class Points(nn.Module):
    """A generator of points; it begins at `at` in every direction, and may be deaf: no gradient comes through."""

    def __init__(self, dims: int, at: float = 0.0, width: int = 64, deaf: bool = False):
        super().__init__()
        self.nz, self.deaf, self.layers = 4, deaf, mlp(4, dims, width)
        nn.init.constant_(self.layers[-1].bias, at)

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).detach().requires_grad_() if self.deaf else self.layers(z)


class Shift(nn.Module):
    """A generator that can move its cloud, and no more."""

    def __init__(self, dims: int):
        super().__init__()
        self.nz, self.theta = dims, nn.Parameter(torch.ones(dims) / dims**0.5)

    def forward(self, z: Tensor) -> Tensor:
        return 0.3 * z + self.theta


class Labelled(nn.Module):
    """A network that is told one of `kinds` labels, too."""

    def __init__(self, inputs: int, outputs: int, kinds: int):
        super().__init__()
        self.nz, self.kinds, self.layers = inputs, kinds, mlp(inputs + kinds, outputs)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        return self.layers(torch.cat([x, nn.functional.one_hot(labels, self.kinds).float()], 1))


@dataclass(frozen=True)
class World:
    """Data whose modes are known.

    Attributes:
        kind: samples to the mode that each would belong to, of `modes`.
        gap: samples to how far each is from what is real; near is less than `radius`.
        view: what `health` looks at; the samples themselves, or scores of them.
    """

    real: Tensor
    modes: int
    kind: Callable[[Tensor], Tensor]
    gap: Callable[[Tensor], Tensor]
    radius: float
    critic: Callable[[], nn.Module]
    view: Callable[[Tensor], Tensor] = torch.Tensor.float
    labels: Tensor | None = None

    def covered(self, samples: Tensor) -> tuple[float, float]:
        """The effective share of the modes, and the share of the samples that are near."""
        near = self.gap(samples) < self.radius  # false where it is not finite
        if not near.any():
            return 0.0, 0.0
        return page().effective_modes(self.kind(samples[near])) / self.modes, near.float().mean().item()


def points(centres: Tensor, stddev: float, labelled: bool = False) -> World:
    """Gaussians around `centres`; near are three standard deviations."""
    rng = torch.Generator().manual_seed(0)
    kinds, dims = centres.shape
    labels = torch.randint(kinds, (2000,), generator=rng)
    real = centres[labels] + stddev * torch.randn(2000, dims, generator=rng)
    critic = (lambda: Labelled(dims, 1, kinds)) if labelled else (lambda: mlp(dims, 1))
    return World(real, kinds, lambda x: torch.cdist(x, centres).argmin(1), lambda x: torch.cdist(x, centres).amin(1),
                 3 * stddev, critic, labels=labels if labelled else None)


def little_people() -> World:
    """Chapter 5's; near is nearer to some real one, pixel by pixel, than three quarters of what two of them differ."""
    real = page().people
    half = torch.cdist(real[:256].flatten(1), real[256:512].flatten(1)).mean().item()
    return World(real, 12, page().kinds, lambda x: torch.cdist(x.flatten(1), real.flatten(1)).amin(1), 0.75 * half,
                 page().critic_16, page().scores)


def circle(count: int, radius: float = 1.0) -> Tensor:
    """Centres on a circle."""
    angle = torch.arange(count) * 2 * math.pi / count
    return radius * torch.stack([angle.cos(), angle.sin()], 1)


@cache
def page():
    """Chapter 5's people, the networks that learn them, its classifiers and the scores that it looks at."""
    return of_page("05_stability", "people", "Generator", "critic_16", "kinds", "scores", "effective_modes")


@cache
def world(name: str) -> World:
    """The data sets: rings of eight and four, a grid of nine, four on a line, a cloud, people of twelve kinds."""
    axis = torch.tensor([-1.0, 0.0, 1.0])
    return {
        "people": little_people,
        "ring": lambda: points(circle(8), 0.05),
        "four": lambda: points(circle(4), 0.15),
        "grid": lambda: points(torch.cartesian_prod(axis, axis), 0.1),
        "line": lambda: points(torch.tensor([[-1.5], [-0.5], [0.5], [1.5]]), 0.1),
        "cloud": lambda: points(torch.zeros(1, 2), 0.3),
        "thread": lambda: points(torch.zeros(1, 1), 0.3),
        "labelled ring": lambda: points(circle(8, 2.0), 0.3, labelled=True),
        "labelled line": lambda: points(torch.tensor([[-2.0], [-0.5], [0.5], [2.0]]), 0.3, labelled=True),
    }[name]()


@dataclass(frozen=True)
class Patient:
    """A run: what `health` is told of it, and what it is not."""

    history: History
    samples: Tensor
    labels: Tensor | None
    world: World
    covered: Tensor  # (looks, 2): the share of the modes, and of the samples near one, on the way
    middle: Tensor  # (looks,): where the first coordinate of the samples was on average
    moved: float  # of G's weights, as a share of their length
    believed: float  # D's mean probability that a sample is real, at the end

    @property
    def finite(self) -> bool:
        """Whether all that it left is a number."""
        curves = [self.history[name] for name in ("loss_d", "loss_g", "accuracy", "grad_norm_g")]
        return all(bool(values.isfinite().all()) for values in (*curves, self.samples))

    @property
    def modes(self) -> float:
        """The effective share of the modes that the samples cover."""
        return self.covered[-1, 0].item()

    @property
    def near(self) -> float:
        """The share of the samples that are near one."""
        return self.covered[-1, 1].item()

    @property
    def turns(self) -> int:
        """How often the middle of the samples went from one side of the data's to the other, in the second half."""
        first = self.world.real.flatten(1)[:, 0]
        swing = self.middle[len(self.middle) // 2:] - first.mean()
        return int((swing[swing.abs() > first.std() / 2].sign().diff() != 0).sum())

    @property
    def varied(self) -> float:
        """The standard deviation among the samples of one label, over that of the data."""
        def spread(samples: Tensor, labels: Tensor) -> float:
            return sum(samples[labels == k].std(0).mean().item() for k in range(self.world.modes))

        if self.labels is None or self.world.labels is None:
            return math.nan
        return spread(self.samples, self.labels) / spread(self.world.real, self.world.labels)


@dataclass(frozen=True)
class Recipe:
    """One cause: what is trained on what."""

    world: str
    steps: int = 600
    generator: Callable[[], nn.Module] | None = None
    critic: Callable[[], nn.Module] | None = None
    loud: float = 1.0  # of z
    settings: dict = field(default_factory=dict)


def run(recipe: Recipe, seed: int) -> Patient:
    """Trains the two, the rates and the first weights drawn by `seed`."""
    torch.manual_seed(seed)
    draw, data = random.Random(seed), world(recipe.world)
    dims, kinds = data.real.shape[1], data.modes
    default: Callable[[], nn.Module] = lambda: Labelled(4, dims, kinds) if data.labels is not None else Points(dims)
    if recipe.world == "people":
        default = lambda: page().Generator(16, 3, nz=32, width=16)
    G, D = (recipe.generator or default)(), (recipe.critic or data.critic)()
    settings = dict(batch=32 if recipe.world == "people" else 128, lr_g=1e-3, lr_d=1e-3, bfloat16=False) | recipe.settings
    for rate in ("lr_g", "lr_d"):
        settings[rate] *= 2 ** draw.uniform(-0.5, 0.5)
    steps = pick(preset("cpu"), smoke=40, cpu=recipe.steps, gpu=recipe.steps)
    labels = () if data.labels is None else (data.labels,)
    shown = recipe.loud * torch.randn(512, G.nz, generator=torch.Generator().manual_seed(5))
    asked, first, covered, middle, asks = tuple(label[:512] for label in labels), weights_of(G), [], [], count()

    def look(size: int = 128) -> Tensor:
        with torch.no_grad():
            samples = G(shown[:size], *(label[:size] for label in asked))
        covered.append(data.covered(samples))
        middle.append(samples.flatten(1)[:, 0].mean().item())
        return samples

    def latent(rng: torch.Generator, size: int) -> Tensor:
        if next(asks) % max(1, steps * settings.get("n_critic", 1) // LOOKS) == 0:
            look()
        return recipe.loud * torch.randn(size, G.nz, generator=rng)

    with contextlib.redirect_stderr(io.StringIO()):  # the bar of each run
        history = fit(G, D, data.real, Settings(steps, **settings), labels=labels,
                      hooks=Hooks(latent=latent), seed=seed).history
    samples = look(len(shown))
    with torch.no_grad():
        believed = D(samples, *asked).sigmoid().mean().item()
    return Patient(history, samples, asked[0] if labels else None, data, torch.tensor(covered), torch.tensor(middle),
                   ((weights_of(G) - first).norm() / first.norm()).item(), believed)


def weights_of(network: nn.Module) -> Tensor:
    """All weights as one vector."""
    return torch.cat([p.detach().reshape(-1) for p in network.parameters()])
