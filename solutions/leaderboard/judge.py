"""The judge of the challenge: clips and a network that no entrant has, one half of those clips for the board that all see,
the other for the end.

What it knows and nobody else may is `HeldBack`: `autograde release` makes one for each course. The one that this repository
holds, `public`, is for tests and for trying things out: whoever can read it can tune an entry to it.
"""
from __future__ import annotations

import base64
import hashlib
import json
import math
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import torch
from safetensors.torch import load, save
from torch import Tensor

from clipkit import Walkers
from solutions.challenge import NOISE, challenge_clips
from solutions.evaluation import distances, neighbour_distance
from solutions.leaderboard.guard import PATHS, VIEWS, advance, evenness, evenness_factor, tiny, walk
from solutions.leaderboard.guard import STEPS as WALK
from solutions.leaderboard.scorer import NUM_CLIPS, STANDING, Near, Rows, Score, Scorer, check_entry
from solutions.measures.clip_features import ORDERS, STEPS, ClipFeatures, load_features, train_features

HALF = 2048            # clips held out, for the board and for the end each; as many as the training set has
GROUPS = 16            # of clips; the interval comes from leaving out one at a time
REFERENCE_STEPS = 1500  # of the chapter's own entry: half a minute on one core


class Verdict(NamedTuple):
    """A score, and how far it lies from what other noise would have given: `error` is the standard error of the total."""

    score: Score
    error: float = 0.0

    @property
    def margin(self) -> float:
        """Half of the interval in which the total lies with 95 % confidence."""
        return 1.96 * self.error

    @property
    def interval(self) -> tuple[float, float]:
        """Where the total lies with 95 % confidence."""
        return self.score.total - self.margin, self.score.total + self.margin

    def __str__(self) -> str:
        total, parts = str(self.score).split(" ", 1)
        return f"{total} ± {self.margin:.1f} {parts}"


@dataclass(frozen=True)
class HeldBack:
    """What the judge of a course alone knows.

    secret: from which the seed of the held-out clips and the noise of each entry follow.
    network, classes: weights of a `ClipFeatures`, as a safetensors file in base64, and its labels.
    standing: what stands on the board of this course, by name: this judge's verdicts for the board and for the end.
    """

    secret: str
    network: str
    classes: dict[str, int]
    standing: dict[str, tuple[Verdict, Verdict]]

    @classmethod
    def make(cls, *, steps: int = STEPS, reference_steps: int = REFERENCE_STEPS) -> HeldBack:
        """A new one. Training the network and the chapter's entry takes a minute on one core.

        Args:
            steps, reference_steps: of the network and of the entry.
        """
        from solutions.leaderboard.board import entries

        with torch.random.fork_rng(devices=[]):
            held = cls(secrets.token_hex(32), "", {}, {})
            torch.manual_seed(held.number("network"))
            data = Walkers(1024, seed=held.number("network's clips"))
            network = train_features(data, steps=steps, rng=torch.Generator().manual_seed(held.number("batches")))
            held = replace(held, network=packed(network),
                           classes={name: len(values) for name, values in data.attributes.items()} | {"order": len(ORDERS)})
            judge = Judge(held)
            standing = {name: judge.of_clips(clips) for name, clips in entries(judge.train, reference_steps).items()}
        return replace(held, standing=standing)

    @classmethod
    def read(cls, text: str) -> HeldBack:
        """What `str` has written.

        Raises:
            ValueError: it is something else.
        """
        try:
            data = json.loads(text)
            board, end = ({name: Verdict(Score(*pair[k][0]), pair[k][1]) for name, pair in data["standing"].items()}
                          for k in (0, 1))
            return cls(**data | {"standing": {name: (board[name], end[name]) for name in board}})
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise ValueError("expected what the judge of a course holds back, as `autograde release` has written it: "
                             "take the file away, and release the challenge again") from error

    def __str__(self) -> str:
        return json.dumps(asdict(self))

    def number(self, purpose: str) -> int:
        """A seed, which nobody finds out who does not know the secret."""
        return int.from_bytes(hashlib.sha256(f"{self.secret} {purpose}".encode()).digest()[:6], "big")

    def dice(self, purpose: str, weights: bytes) -> torch.Generator:
        """What is drawn for an entry with this file of weights."""
        return torch.Generator().manual_seed(self.number(f"{purpose} {hashlib.sha256(weights).hexdigest()}"))

    def noise(self, weights: bytes) -> tuple[Tensor, Tensor]:
        """What an entry with this file of weights is given, whatever stands in its notebook: noise (NUM_CLIPS, 128), and
        where its paths begin and lead (2 PATHS, 128)."""
        rng = self.dice("noise", weights)
        return torch.randn(NUM_CLIPS, NOISE, generator=rng), torch.randn(2 * PATHS, NOISE, generator=rng)

    def asked(self, make_clips: Callable[[Tensor], Tensor], weights: bytes = b"") -> tuple[Tensor, float]:
        """What a generator with this file of weights makes of its `noise`: clips, and how evenly they change along the paths,
        by `evenness` and by `advance`, whichever is less.

        All noise is handed over in one order by chance, in calls of which none holds two places of one path: nothing in a
        call tells which rows are scored and which only walk.
        """
        z, paths = self.noise(weights)
        rows = torch.cat([z, walk(paths).flatten(0, 1)])
        rng = self.dice("order", weights)
        places = torch.rand(WALK + 1, PATHS, generator=rng).argsort(0) * PATHS + torch.arange(PATHS) + len(z)
        parts = torch.randperm(len(z), generator=rng).tensor_split(len(places))
        calls = [torch.cat([part, row]) for part, row in zip(parts, places, strict=True)]
        calls = [call[torch.randperm(len(call), generator=rng)] for call in calls]
        clips = torch.cat([make_clips(rows[call]) for call in calls])[torch.cat(calls).argsort()]
        walking = clips[len(z):].unflatten(0, (WALK + 1, PATHS))
        return clips[:len(z)], min(evenness(walking), advance(walking))

    def features(self) -> ClipFeatures:
        """The network."""
        network = ClipFeatures(self.classes)
        network.load_state_dict(load(base64.b64decode(self.network)))
        return network.requires_grad_(False).eval()


class Judge:
    """Scores entries, twice: for the board, and for the end.

    Args:
        held: of this course. Making a judge takes three seconds.
    """

    def __init__(self, held: HeldBack):
        self.held, self.train = held, challenge_clips(HALF)
        self.network = held.features() if held.network else load_features()
        halves = challenge_clips(2 * HALF, seed=held.number("held-out clips")).split(HALF)
        self.board, self.end = (Scorer(self.train, half, network=self.network) for half in halves)

    def of_clips(self, clips: Tensor, even: float = 1.0) -> tuple[Verdict, Verdict]:
        """Verdicts for the board and for the end on clips (NUM_CLIPS, T, 3, H, W), which change as evenly as `asked` says.

        Raises:
            ValueError: they cannot be scored.
        """
        check_entry(clips)
        rows, factor, verdicts, some = self.board.describe(clips), evenness_factor(even), [], tiny(clips)
        to_train = {name: view(some, self.board.train) for name, (view, _) in VIEWS.items()}  # the same for both
        for scorer in (self.board, self.end):
            near = {name: (to_train[name], view(some, scorer.held_out)) for name, (view, _) in VIEWS.items()}
            score = scorer.put_together(rows, near)
            error = standard_error(scorer, rows, near) if score.total else 0.0
            verdicts.append(Verdict(score._replace(originality=factor * score.originality), factor * error))
        return verdicts[0], verdicts[1]

    def __call__(self, make_clips: Callable[[Tensor], Tensor], weights: bytes = b"") -> tuple[Verdict, Verdict]:
        """Verdicts for the board and for the end on a generator: noise (N, 128) to clips."""
        return self.of_clips(*self.held.asked(make_clips, weights))


def standard_error(scorer: Scorer, rows: Rows, near: Near) -> float:
    """Of the total of a score: the jackknife over GROUPS groups of clips.

    Source: Efron and Stein 1981.
    """
    group = torch.arange(len(next(iter(rows.values())))) % GROUPS
    # which balls of real clips each clip lies in: once for all groups
    inside = [distances(real, rows[name]) <= neighbour_distance(real, 5)[:, None]
              for name, real in scorer.real.items() if name != "motion"]
    totals = torch.tensor([scorer.put_together(
        {name: some[keep] for name, some in rows.items()},
        {name: (train[keep], held_out[keep]) for name, (train, held_out) in near.items()},
        (min((balls[:, keep].float().sum(0).mean() / 5).item() for balls in inside),
         min(balls[:, keep].any(1).float().mean().item() for balls in inside))).total
        for keep in (group != k for k in range(GROUPS))])
    return math.sqrt((GROUPS - 1) / GROUPS * (totals - totals.mean()).square().sum().item())


def packed(network: ClipFeatures) -> str:
    """Weights as `HeldBack.network` has them."""
    return base64.b64encode(save({name: value.contiguous() for name, value in network.state_dict().items()})).decode()


@lru_cache(maxsize=1)
def judge() -> Judge:
    """The public judge, made once."""
    return Judge(public())


def public() -> HeldBack:
    """What everybody may know: the network that is published, and a secret that is none."""
    return HeldBack("public", "", {}, {name: (Verdict(score), Verdict(score)) for name, score in STANDING.items()})
