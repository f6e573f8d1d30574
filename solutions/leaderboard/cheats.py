"""Entries to the challenge that are no work of a generator, and what they score: they must end below the baselines.

    python -m solutions.leaderboard.cheats    prints them all, in three minutes
"""
from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from clipkit import walkers
from clipkit.walker_frames import PERIOD
from solutions.challenge import NOISE, challenge_clips
from solutions.leaderboard.guard import PATHS, STEPS
from solutions.leaderboard.judge import Judge, judge
from solutions.leaderboard.scorer import NUM_CLIPS, SIZE, linear_clips, stills

Maker = Callable[[Tensor], Tensor]


def drawn(labels: dict[str, Tensor], start: Tensor) -> Tensor:
    """Clips as the data are drawn, of given labels and first phases."""
    phases = (start[:, None] + 2 * torch.arange(8)) % PERIOD
    return walkers._paint(labels, phases, phases, SIZE)


def recoloured(count: int, *names: str) -> Tensor:
    """The first `count` training clips with the next colour of hair, shirt, and so on, in place of theirs."""
    labels, start = walkers._draw_labels(count, 0, {"scene": "meadow"})
    for name in names:
        labels[name] = (labels[name] + 1) % len(walkers.ATTRIBUTES[name])
    return drawn(labels, start)


Clips = Callable[[], Tensor]


def copies(train: Tensor) -> dict[str, Clips]:
    """Training clips, disguised or in part, by name: (NUM_CLIPS, T, 3, H, W) each, made when they are asked for. `good`
    clips are drawn as the data are."""
    copied, other = train[-NUM_CLIPS:], train[:NUM_CLIPS]

    @cache
    def good() -> Tensor:
        return challenge_clips(NUM_CLIPS, seed=99)

    @cache
    def linear() -> Tensor:
        return linear_clips(train, NUM_CLIPS, torch.Generator().manual_seed(0))

    def noise() -> Tensor:
        return torch.randn(copied.shape, generator=torch.Generator().manual_seed(0))

    def shares(share: float, rest: Tensor) -> Tensor:
        return torch.cat([copied[:int(share * NUM_CLIPS)], rest[int(share * NUM_CLIPS):]])

    return {
        "training clips": lambda: copied,
        "mirrored": lambda: copied.flip(-1),
        "with noise": lambda: (copied + 0.03 * noise()).clamp(-1, 1),
        "half of them copied": lambda: shares(0.5, good()),
        "three of ten copied": lambda: shares(0.3, good()),
        "three of ten copied, the rest linear": lambda: shares(0.3, linear()),
        "begun a frame later": lambda: copied.roll(1, dims=1),
        "begun three frames later": lambda: copied.roll(3, dims=1),
        "backwards": lambda: copied.flip(1),
        "shirts recoloured": lambda: recoloured(NUM_CLIPS, "shirt"),
        "trousers recoloured": lambda: recoloured(NUM_CLIPS, "trousers"),
        "hair recoloured": lambda: recoloured(NUM_CLIPS, "hair"),
        "shirts recoloured, begun a frame later": lambda: recoloured(NUM_CLIPS, "shirt").roll(1, dims=1),
        "blended with another": lambda: (copied + other) / 2,
        "blended with good clips": lambda: (copied + good()) / 2,
        "blended with linear clips": lambda: (copied + linear()) / 2,
        "a pixel to the right": lambda: copied.roll(1, dims=-1),
        "brighter": lambda: (copied + 0.1).clamp(-1, 1),
        "frames of two in turn": lambda: torch.stack([(copied, other)[k % 2][:, k] for k in range(copied.shape[1])], 1),
    }


def few(train: Tensor) -> dict[str, Clips]:
    """What is no copy and yet no generator's, by name."""
    def good(count: int = NUM_CLIPS) -> Tensor:
        return challenge_clips(count, seed=99)

    return {
        "the mean clip": lambda: train.mean(0).repeat(NUM_CLIPS, 1, 1, 1, 1),
        "one good clip again and again": lambda: good(1).repeat(NUM_CLIPS, 1, 1, 1, 1),
        "eight good clips again and again": lambda: good(8).repeat(NUM_CLIPS // 8, 1, 1, 1, 1),
        "good stills": lambda: stills(good()),
        "noise tuned to the network": lambda: tuned_noise(train[:64]).repeat(NUM_CLIPS // 64, 1, 1, 1, 1),
        "the judge's own clips": lambda: held_out_clips(judge()),
    }


def tuned_noise(targets: Tensor, steps: int = 12) -> Tensor:
    """Pixels that descend on the distance to the features of clips, as an attacker with the judge's network would."""
    network = judge().network
    wanted = network(targets)
    start = 0.5 * torch.randn(targets.shape, generator=torch.Generator().manual_seed(0))
    pixels = start.clamp(-1, 1).requires_grad_()
    optimizer = torch.optim.Adam([pixels], lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        (network(pixels) - wanted).square().mean().backward()
        optimizer.step()
        pixels.data.clamp_(-1, 1)
    return pixels.detach()


def looked_up(clips: Tensor, z: Tensor) -> Tensor:
    """One of the clips for each row of noise: the one whose own random direction it points to most."""
    directions = torch.randn(len(clips), NOISE, generator=torch.Generator().manual_seed(5))
    return clips[(z @ directions.T).argmax(1)]


def looked_up_by_length(clips: Tensor, z: Tensor) -> Tensor:
    """One of the clips for each row of noise, by its length, which stays the same where noise is merely turned."""
    share = torch.special.ndtr((z.double().square().sum(1) - NOISE) / (2 * NOISE) ** 0.5)
    return clips[(share * len(clips)).long().clamp(0, len(clips) - 1)]


def labels_by_quantiles(z: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Labels, and first phases; each is read off the sum of twelve numbers of the noise."""
    share = torch.special.ndtr(z[:, :108].unflatten(1, (9, 12)).sum(2) / 12 ** 0.5).clamp(1e-6, 1 - 1e-6)
    labels = {name: (share[:, k] * len(values)).long() for k, (name, values) in enumerate(walkers.ATTRIBUTES.items())}
    labels["scene"] = torch.full((len(z),), walkers.ATTRIBUTES["scene"].index("meadow"))
    turns = labels["action"] == walkers.ACTIONS.index("turn")
    return labels, torch.where(turns, 0, (share[:, 8] * PERIOD).long())


def drawn_by_quantiles(z: Tensor) -> Tensor:
    """A drawing program."""
    return drawn(*labels_by_quantiles(z))


def drawn_walking_on(z: Tensor) -> Tensor:
    """A drawing program whose people never stand: where a clip begins, between frames, too, is a smooth function of noise."""
    labels, _ = labels_by_quantiles(z)
    phase = (4 * z[:, 108:].sum(1) / 20 ** 0.5) % PERIOD
    one, part = phase.long() % PERIOD, (phase % 1).view(-1, 1, 1, 1, 1)
    return torch.lerp(drawn(labels, one), drawn(labels, (one + 1) % PERIOD), part)


def drawn_by_seed(z: Tensor) -> Tensor:
    """A drawing program: the noise is taken for a seed."""
    seeds = (z[:, 0].double() * 1e6).long().abs().tolist()
    labels, start = zip(*(walkers._draw_labels(1, seed, {"scene": "meadow"}) for seed in seeds))
    return drawn({name: torch.cat([some[name] for some in labels]) for name in labels[0]}, torch.cat(start))


def with_noise(make: Maker, amount: float = 0.03) -> Maker:
    """The same, and a picture of the noise laid over it, so that no step of the noise leaves all as it was."""
    def noisy(z: Tensor) -> Tensor:
        pictures = torch.randn(NOISE, 8 * 3 * SIZE * SIZE, generator=torch.Generator().manual_seed(6)) / NOISE ** 0.5
        return (make(z) + amount * (z @ pictures).unflatten(1, (8, 3, SIZE, SIZE))).clamp(-1, 1)
    return noisy


def quivering(make: Maker, amount: float = 0.01) -> Maker:
    """The same, and colours that nobody sees laid over it, which change quickly with the noise."""
    def quiver(z: Tensor) -> Tensor:
        rng = torch.Generator().manual_seed(7)
        ways, colours = torch.randn(NOISE, 16, generator=rng) / NOISE ** 0.5, torch.randn(16, 3, 2, 2, generator=rng)
        pictures = F.interpolate(colours, size=SIZE, mode="bicubic").flatten(1)
        waves = torch.sin(20 * z @ ways) @ (pictures / pictures.square().mean().sqrt() / 4)
        return (make(z) + amount * waves.unflatten(1, (1, 3, SIZE, SIZE))).clamp(-1, 1)
    return quiver


def unless(walks: Callable[[Tensor], Tensor], make: Maker, train: Tensor) -> Maker:
    """Code that looks at the judge: the same, but where rows of noise seem to walk, a linear map of the noise."""
    @cache
    def linear() -> tuple[Tensor, Tensor]:
        mean, flat = train.mean(0), (train - train.mean(0)).flatten(1)
        return mean, torch.linalg.eigh(flat @ flat.T).eigenvectors[:, -64:].T @ flat / len(train) ** 0.5

    def cautious(z: Tensor) -> Tensor:
        mean, axes = linear()
        smooth = (mean + (z[:, :64] @ axes).unflatten(1, mean.shape)).clamp(-1, 1)
        return torch.where(walks(z).view(-1, 1, 1, 1, 1), smooth, make(z))
    return cautious


def many(z: Tensor) -> Tensor:
    """Whether rows are as many as an evenness is measured from, bool (N,)."""
    return torch.full((len(z),), len(z) == PATHS * (STEPS + 1))


def beside_another(z: Tensor) -> Tensor:
    """Whether a row has another one near to it, bool (N,)."""
    return (F.normalize(z) @ F.normalize(z).T - torch.eye(len(z))).amax(1) > 0.9


def faded(clips: Tensor, z: Tensor) -> Tensor:
    """Looked up along one direction of the noise, faded into the next clip on the second half of each way."""
    place = 40 * torch.special.ndtr(z[:, :16].sum(1) / 4)
    share = (2 * (place % 1) - 1).clamp(0, 1).view(-1, 1, 1, 1, 1)
    index = place.long()
    return torch.lerp(clips[index % len(clips)], clips[(index + 1) % len(clips)], share)


def generators() -> dict[str, Maker]:
    """Entries that look clips up or draw them, by name, from noise (N, 128); their clips alone are as good as they get."""
    @cache
    def practice() -> Tensor:
        return challenge_clips(1024, seed=1)

    @cache
    def disguised() -> Tensor:
        return recoloured(2048, "shirt", "trousers", "hair")

    def table(z: Tensor) -> Tensor:
        return looked_up(disguised(), z)

    train = challenge_clips()
    return {
        "practice clips, looked up": lambda z: looked_up(practice(), z),
        "clips in three new colours, looked up": table,
        "the same, noise laid over": with_noise(table),
        "the same, a quiver laid over": quivering(table),
        "the same, faded": lambda z: faded(disguised(), z),
        "the same, by length of noise, quivering": quivering(lambda z: looked_up_by_length(disguised(), z)),
        "the same, a linear map for many rows": unless(many, table, train),
        "the same, a linear map for near rows": unless(beside_another, table, train),
        "drawn, labels by quantiles": drawn_by_quantiles,
        "the same drawing, noise laid over": with_noise(drawn_by_quantiles),
        "drawn, walking on as noise changes": drawn_walking_on,
        "drawn, noise as a seed": drawn_by_seed,
    }


def held_out_clips(judge: Judge) -> Tensor:
    """What nobody has: clips that the judge itself compares with."""
    return challenge_clips(NUM_CLIPS, seed=judge.held.number("held-out clips"))


def main() -> None:
    """Prints what each cheat scores, by the public judge."""
    from solutions.leaderboard.board import leaderboard

    found = {name: judge().of_clips(clips())[0] for name, clips in (copies(judge().train) | few(judge().train)).items()}
    found |= {name: judge()(make)[0] for name, make in generators().items()}
    sys.stdout.write(leaderboard(found) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
