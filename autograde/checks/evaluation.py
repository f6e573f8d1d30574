"""Checks of chapter 6."""
from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import Draw, Subject, Wrong, assert_close, check, is_close, may_change, written

# Inception Score


def _kl(p: Tensor, q: Tensor) -> Tensor:
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(-1)


SCORE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda p: _kl(p, p.mean(0)).mean(), "The exponential is missing: exp of the mean KL divergence."),
    (lambda p: _kl(p, p.mean(0)).exp().mean(), "First the mean over the samples, then the exponential."),
    (lambda p: _kl(p, p.mean(0)).sum().exp(), "The mean over the samples, not the sum: else the score grows with N."),
    (lambda p: (torch.xlogy(p, p) - torch.xlogy(p, p.mean(0))).mean().exp(),
     "A KL divergence is a *sum* over the classes; the mean goes over the samples alone."),
    (lambda p: _kl(p.mean(0).expand_as(p), p).mean().exp(), "The other way round: KL of p(y|x) from p(y), weights p(y|x)."),
    (lambda p: (-torch.xlogy(p.mean(0), p.mean(0))).sum().exp(),
     "This is exp of the entropy of p(y): it asks for all classes, and not whether the classifier is sure of a sample."),
    (lambda p: (-torch.xlogy(p, p)).sum(1).mean().exp(),
     "This is exp of the mean entropy of p(y|x): the marginal p(y) has no say in it."),
    (lambda p: _kl(p, torch.full_like(p, 1 / p.shape[1])).mean().exp(),
     "Your p(y) is uniform, which forgives missing classes. It is the mean over the samples, dim=0 (over dim=1 it is 1 / K)."),
    (lambda p: 2 ** _kl(p, p.mean(0)).mean(), "Powers of e, logarithms to base e: do not mix them with base 2."),
    (lambda p: (_kl(p, p.mean(0)) / torch.log(torch.tensor(2.0))).mean().exp(),
     "Powers of e, logarithms to base e: do not mix them with base 2."),
    (lambda p: _score(p.softmax(1)), "The rows are probabilities already: no softmax."),
    (lambda p: _score(F.one_hot(p.argmax(1), p.shape[1]).float()),
     "You take the likeliest class alone. p(y|x) is the whole row."),
    (lambda p: (-_kl(p, p.mean(0)).mean()).exp(), "The sign: a KL divergence is at least 0, and so the score at least 1."),
    *((lambda p, n=n: torch.stack([_score(part) for part in p.chunk(n)]).mean(),
       "You take a mean over parts of the samples. Here it is one score of all of them.") for n in (2, 5, 10)),
]


def _score(p: Tensor) -> Tensor:
    return _kl(p, p.mean(0)).mean().exp()


def _sharp(draw: Draw, samples: int, classes: int) -> Tensor:
    return (2 * draw.normal(samples, classes) + draw.normal(classes)).softmax(1)


@check("evaluation.inception_score", points=2, hint="For each row the KL divergence from the mean row; mean; exp.")
def is_the_exponential_of_the_mean_divergence(subject: Subject, draw: Draw) -> None:
    p = _sharp(draw, 14, 5)
    assert_close(subject(p), _score(p), mistakes=((wrong(p), hint) for wrong, hint in SCORE_MISTAKES))
    many = _sharp(draw, 300, 5)
    assert_close(subject(many), _score(many), mistakes=[
        (torch.stack([_score(part) for part in many.chunk(parts)]).mean(), "The mean row is that of all rows: no splits.")
        for parts in (2, 5, 10)])


@check("evaluation.inception_score", points=1, hint="0 log 0 is 0, not NaN: torch.xlogy knows it.")
def bears_probabilities_of_0(subject: Subject, draw: Draw) -> None:
    p = torch.cat([torch.eye(6)[draw.integers(0, 5, 9)], _sharp(draw, 4, 6)])
    p[-1, :3], p[-1, 3:] = 0.0, 1 / 3
    for probabilities, hint in ((p, "NaN: 0 log 0 is 0. torch.xlogy(p, p) knows it; p * p.log() does not."), (
            F.pad(p, (0, 2)), "NaN where a class has probability 0 in *every* row: there p / q is 0 / 0, and log q is minus "
            "infinity. Take p log p - p log q, each by torch.xlogy.")):
        mine = subject(probabilities)
        if not bool(torch.as_tensor(float("nan") if mine is None or isinstance(mine, Subject) else mine).isfinite().all()):
            raise Wrong(hint=hint)
        if not any(is_close(mine, wrong(probabilities)) for wrong, _ in SCORE_MISTAKES):  # these have cost their points
            assert_close(mine, _score(probabilities))


# A step of a network with several heads

class Heads(nn.Module):
    """Clips to features by one matrix and a tanh, and a linear head for each label."""

    def __init__(self, weights: list[Tensor]):
        super().__init__()
        self.matrix = nn.Parameter(weights[0])
        self.heads = nn.ModuleDict({
            name: nn.Linear(w.shape[1], w.shape[0], bias=False) for name, w in zip(("kind", "way"), weights[1:], strict=True)})
        with torch.no_grad():
            for head, weight in zip(self.heads.values(), weights[1:], strict=True):
                head.load_state_dict({"weight": weight})

    def forward(self, clips: Tensor) -> Tensor:
        return (clips.flatten(1) @ self.matrix).tanh()


def after_feature_steps(step: Callable, weights: list[Tensor], batches: list[Tensor], labels: list[dict],
                        training: bool = True) -> dict:
    """The network's weights after a step on each batch, and the losses."""
    network = Heads([weight.clone() for weight in weights]).train(training)
    sum(head(network(batches[0])).sum() for head in network.heads.values()).backward()  # of an earlier life
    optimizer = torch.optim.SGD(network.parameters(), lr=0.2)
    losses = [step(network, optimizer, clips, known) for clips, known in zip(batches, labels, strict=True)]
    return {"weights": {name: value.detach().clone() for name, value in network.named_parameters()}, "losses": losses}


def faulty_feature_step(fault: str = "") -> Callable:
    """The step with one named fault; none gives the reference."""
    def step(network, optimizer, clips, labels):
        if fault == "a step each":
            each = [faulty_feature_step()(network, optimizer, clips, {name: values}) for name, values in labels.items()]
            return sum(each)
        features = network(clips)
        losses, counts = [], []
        for (name, values), head in zip(labels.items(), network.heads.values(), strict=False):
            known = values > 0 if fault == "above 0" else values >= 0
            known = torch.stack(list(labels.values())).amin(0) >= 0 if fault == "known by all" else known
            counts.append(known.sum())
            head = head if fault == "by order" else network.heads[name]
            logits = head(features.detach() if fault == "detached" else features)
            if fault == "first rows":
                losses.append(F.cross_entropy(logits[:known.sum()], values[:known.sum()].clamp(min=0)))
            elif fault == "first class":
                losses.append(F.cross_entropy(logits, values.clamp(min=0)))
            elif fault == "last class":
                losses.append(F.cross_entropy(logits, values % logits.shape[1]))
            elif fault == "over all":
                losses.append(F.cross_entropy(logits[known], values[known], reduction="sum") / len(clips))
            elif fault == "sum":
                losses.append(F.cross_entropy(logits[known], values[known], reduction="sum"))
            else:
                losses.append(F.cross_entropy(logits[known], values[known]))
        loss: Any = losses[-1] if fault == "last head" else losses[0] if fault == "first head" else sum(losses)
        loss = loss / len(losses) if fault == "mean of heads" else loss
        if fault == "one mean":
            loss = sum(one * count for one, count in zip(losses, counts, strict=True)) / sum(counts) * len(losses)
        if fault != "stale":
            optimizer.zero_grad()
        loss.backward()
        if fault == "cleared":
            optimizer.zero_grad()
        if fault != "stands still":
            optimizer.step()
        if fault == "after":
            return faulty_feature_step("stands still")(network, optimizer, clips, labels)
        return losses[-1].detach() if fault == "returns the last" else loss.detach()
    return step


STEP_FAULTS = {
    "stale": "Gradients of earlier steps are added to this one's: call optimizer.zero_grad() before backward().",
    "stands still": ("The weights did not move. Is there an optimizer.step() at the end, and no zero_grad() between "
                     "backward() and step()?"),
    "mean of heads": "Add the heads' losses; do not average them.",
    "a step each": "You make a step for each head. Add the losses up, and make one step.",
    "first head": "Only the first label teaches anything: add the losses of all heads.",
    "last head": "Only the last label teaches anything: is the loss overwritten in your loop? Add them up.",
    "first rows": "You take the first rows for those whose label is known: the unknown ones stand anywhere (ignore_index=-1).",
    "first class": "A label of -1 is not class 0: such a clip has no say in this head's loss (ignore_index=-1).",
    "last class": "A label of -1 is not the last class: such a clip has no say in this head's loss (ignore_index=-1).",
    "over all": "The mean goes over the clips whose label is *known*; you divide by all clips.",
    "sum": "For each head the *mean* over its known clips, not the sum.",
    "above 0": "Labels are from 0 to K - 1: class 0 is known like the others, only -1 is not.",
    "known by all": "A clip counts for each label that is known of it. You leave it out of all where one is unknown.",
    "by order": "Heads and labels are paired by their order. The name of a label says which head is its: network.heads[name].",
    "one mean": "Each head has a mean of its own, over the clips whose label is known; then add these means.",
    "detached": "The heads learn and the features do not: the graph is cut between them.",
}


def _draw_labelled(draw: Draw, steps: int) -> tuple[list[Tensor], list[Tensor], list[dict]]:
    weights = [draw.normal(12, 5, std=0.4), draw.normal(4, 5), draw.normal(4, 5)]
    batches = [draw.normal(8, 2, 1, 2, 3) for _ in range(steps)]
    labels = []
    for _ in range(steps):
        kind, way = draw.integers(0, 4, 8), draw.integers(0, 4, 8)
        kind[torch.randperm(8, generator=draw.generator)[:3]] = -1
        kind[0], way[torch.randperm(8, generator=draw.generator)[0]] = -1, -1
        labels.append({"way": way, "kind": kind})  # in another order than the heads
    return weights, batches, labels


@check("evaluation.feature_step", points=3, hint="Features once, each head's cross-entropy, their sum; then one step.")
def leaves_the_right_weights(subject: Subject, draw: Draw) -> None:
    inputs = _draw_labelled(draw, 2)
    mine = subject.probe(after_feature_steps, *inputs)["weights"]
    runs = ((after_feature_steps(faulty_feature_step(fault), *inputs)["weights"], hint) for fault, hint in STEP_FAULTS.items())
    assert_close(mine, after_feature_steps(faulty_feature_step(), *inputs)["weights"], mistakes=runs)


@check("evaluation.feature_step", points=1, hint="Return the loss of this step, detached: loss.detach().")
def returns_the_loss_before_the_step(subject: Subject, draw: Draw) -> None:
    inputs = _draw_labelled(draw, 1)
    found = subject.probe(after_feature_steps, *inputs, training=False)
    mine = found["losses"]
    if any(loss is None for loss in mine):
        raise Wrong(hint="The step returns None: return the loss.")
    if any(isinstance(loss, Tensor) and loss.requires_grad for loss in mine):
        raise Wrong(hint="The returned loss still holds its graph: detach it.")
    for fault in STEP_FAULTS:  # the loss that its own step has lowered
        own = after_feature_steps(faulty_feature_step(fault), *inputs)
        if is_close(mine, own["losses"]) and is_close(found["weights"], own["weights"]):
            return
    mistakes = ((after_feature_steps(faulty_feature_step(fault), *inputs)["losses"], hint) for fault, hint in {
        "after": "This is the loss after the step: return that of before, from which the gradients came.",
        "returns the last": "This is the loss of the last head: return the sum.",
        "mean of heads": "This is the mean of the heads' losses: return their sum."}.items())
    assert_close(mine, after_feature_steps(faulty_feature_step(), *inputs)["losses"], mistakes=mistakes)


# The distance of two Gaussians

def _root(matrix: Tensor) -> Tensor:
    """The symmetric root of a symmetric matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T


def _gaussian(m1: Tensor, s1: Tensor, m2: Tensor, s2: Tensor, *, cross: Callable | None = None, weight: float = 2,
              between: Callable = lambda d: d.square().sum()) -> Tensor:
    m1, s1, m2, s2 = (x.double() for x in (m1, s1, m2, s2))
    root = cross(s1, s2) if cross else torch.linalg.eigvalsh(_root(s1) @ s2 @ _root(s1)).clamp(min=0).sqrt().sum()
    return between(m1 - m2) + s1.trace() + s2.trace() - weight * root


ELEMENTS = ("A root of each element is no root of a matrix: the trace of (S1 S2)^(1/2) is the sum of the roots of the "
            "*eigenvalues* of S1 S2.")
GAUSSIAN_MISTAKES: list[tuple[Callable, str]] = [
    (lambda *g: _gaussian(*g).sqrt(), "Do not take the root at the end: what is called Frechet distance here, and in FID, is "
     "its square."),
    (lambda *g: _gaussian(*g, weight=1), "Twice the trace of the root: the 2 is missing."),
    (lambda *g: _gaussian(*g, weight=0), "The cross term is missing: minus twice the trace of the root of S1 S2."),
    (lambda *g: _gaussian(*g, weight=-2), "Minus twice the root: equal distributions have distance 0."),
    (lambda *g: _gaussian(*g, between=lambda d: d.square().sum().sqrt()), "The *squared* length of m1 - m2."),
    (lambda *g: _gaussian(*g, between=lambda d: d.square().mean()), "Squared length: a sum over the features, no mean."),
    (lambda *g: _gaussian(*g, between=lambda d: d.abs().sum()), "The squared length of m1 - m2, not the sum of |m1 - m2|."),
    (lambda *g: _gaussian(*g, between=lambda d: 0.0), "The means have no part in it: |m1 - m2|^2 is missing."),
    (lambda *g: _gaussian(*g, cross=lambda a, b: (a @ b).clamp(min=0).diagonal().sqrt().sum()), ELEMENTS),
    (lambda *g: _gaussian(*g, cross=lambda a, b: (a * b).clamp(min=0).diagonal().sqrt().sum()), ELEMENTS),
    (lambda *g: _gaussian(*g, cross=lambda a, b: (a @ b).trace()),
     "The root of S1 S2 is missing: you took its trace as it is."),
    (lambda *g: _gaussian(*g, cross=lambda a, b: (a @ b).trace().sqrt()),
     "The trace of a root is not the root of a trace: take the root of each eigenvalue, then the sum."),
    (lambda *g: _gaussian(*g, cross=lambda a, b: (_root(a) @ _root(b)).trace()),
     "S1^(1/2) S2^(1/2) is the root of S1 S2 only where the two commute: take the eigenvalues of S1 S2."),
    (lambda *g: _gaussian(*g, cross=lambda a, b: torch.linalg.eigvalsh(a @ b).clamp(min=0).sqrt().sum()),
     "eigvalsh reads one half of the matrix and takes it for symmetric. S1 S2 is not: torch.linalg.eigvals."),
    (lambda *g: _gaussian(*g, cross=lambda a, b: torch.linalg.eigvals(a @ b).real.sum()),
     "These are the eigenvalues; the root of each is missing."),
    (lambda *g: _gaussian(*g, cross=lambda a, b: torch.linalg.svdvals(a @ b).sqrt().sum()),
     "These are the singular values of S1 S2, which is not symmetric: take its eigenvalues."),
    (lambda *g: _gaussian(*g, cross=lambda a, b: torch.linalg.eigvalsh(torch.stack([a, b])).prod(0).clamp(min=0).sqrt().sum()),
     "You take the eigenvalues of S1 and of S2 apart, as if both were turned alike: take those of the product S1 S2."),
]


def _covariance(draw: Draw, width: int, rank: int) -> Tensor:
    factor = draw.normal(width, rank).double()
    return factor @ factor.T / rank


def _assert_gaussian(subject: Subject, gaussians: tuple[Tensor, ...]) -> None:
    mistakes = ((wrong(*gaussians), hint) for wrong, hint in GAUSSIAN_MISTAKES)
    mine = subject(*gaussians)
    if isinstance(mine, Subject):
        raise Wrong(hint="eigvals gives complex numbers; here they are real but for rounding: take .real.")
    assert_close(mine, _gaussian(*gaussians).clamp(min=0), mistakes=mistakes, rtol=1e-4, atol=1e-4)


@check("evaluation.gaussian_distance", points=3, hint="|m1 - m2|^2 + tr S1 + tr S2 - 2 sum of the roots of eig(S1 S2).")
def agrees_with_the_formula(subject: Subject, draw: Draw) -> None:
    pairs = ((_covariance(draw, 5, 9), _covariance(draw, 5, 9)) for _ in range(1000))
    first, second = next((a, b) for a, b in pairs if (a @ b).diagonal().min() > 0)  # else a root of elements is NaN
    _assert_gaussian(subject, (draw.normal(5).double(), first, draw.normal(5).double(), second))


@check("evaluation.gaussian_distance", points=1, hint="Fewer samples than features: eigenvalues of 0, and by rounding below.")
def bears_singular_covariances(subject: Subject, draw: Draw) -> None:
    pairs = [(_covariance(draw, 12, 3), _covariance(draw, 12, 4)) for _ in range(4)]
    whole = [[draw.integers(-60, 61, 12, rank).float() for rank in (3, 4)] for _ in range(4)]
    pairs += [(a @ a.T / 64, b @ b.T / 64) for a, b in whole]  # in float32, and exact there: singular to the last digit
    for first, second in pairs:
        gaussians = (draw.normal(12), first, draw.normal(12), second)
        try:
            mine = subject(*gaussians)
        except NotImplementedError:
            raise
        except Exception as error:  # whatever a factorisation raises for a singular matrix
            raise Wrong(hint=f"It raised {type(error).__name__} for a singular covariance, which fewer samples than features "
                             "always give: no inverse and no Cholesky factor.") from error
        if isinstance(mine, Tensor) and not mine.is_complex() and not bool(mine.isfinite().all()):
            raise Wrong(hint="NaN: by rounding an eigenvalue may be -1e-17, and its root is NaN. Clamp at 0 first.")
        single = isinstance(mine, Tensor) and mine.dtype == torch.float32 or first.dtype == torch.float32 and is_close(
            subject(*(x.double() for x in gaussians)), _gaussian(*gaussians), atol=1e-4)
        if single and not is_close(mine, _gaussian(*gaussians), atol=1e-4):
            raise Wrong(hint="It is computed in float32, which is too coarse where eigenvalues are 0: begin with .double(), "
                        "before anything is multiplied.")
        if not any(is_close(mine, wrong(*gaussians), atol=1e-4) for wrong, _ in GAUSSIAN_MISTAKES):  # which cost points above
            _assert_gaussian(subject, gaussians)


# Running moments

def moments_of(moments_class: type, batches: list[Tensor]) -> dict:
    """What the moments are after these batches, how many numbers they hold, how many rows there were before the first, and
    the covariance when it is asked for again."""
    moments = moments_class(batches[0].shape[1])
    before = getattr(moments, "count", 0)
    for batch in batches:
        moments.update(batch)
    kept = getattr(moments, "scatter", None)
    scatter = torch.zeros(0) if kept is None else torch.as_tensor(kept).clone()
    return {"count": moments.count, "mean": moments.mean, "scatter": scatter,
            "covariance": torch.as_tensor(moments.covariance()).clone(), "again": moments.covariance(),
            "room": numbers_in(vars(moments)), "before": before}


def numbers_in(value: object) -> int:
    """How many numbers there are in it, however deep: a view of a tensor counts as all that it looks at."""
    if isinstance(value, Tensor):
        return value.untyped_storage().nbytes() // value.element_size()
    if isinstance(value, dict):
        value = list(value.values())
    if hasattr(value, "size") and not callable(value.size):
        return int(value.size)
    return sum(map(numbers_in, value)) if hasattr(value, "__iter__") and not isinstance(value, str | bytes) else 1


def _scatter(batches: list[Tensor], fault: str) -> Tensor:
    """The scatter, batch by batch, with a fault in what is added between the batches."""
    count, mean = 0, torch.zeros(batches[0].shape[1], dtype=torch.float64)
    scatter = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for batch in batches:
        batch = batch.double()
        share = len(batch) / (count + len(batch))
        shift = batch.mean(0) - mean
        mean = mean + {"last shift": 0.5, "last mean": 1.0}.get(fault, share) * shift
        shift = batch.mean(0) - mean if fault == "shift too late" else shift
        rest = batch - (mean if fault == "about the new mean" else batch.mean(0))
        weight = {"unweighted": 1.0, "by count": count, "by rows": len(batch), "by share": share,
                  "about the new mean": 0}.get(fault, count * share)
        product = shift * shift if fault == "elements" else torch.outer(shift, shift)
        scatter = scatter + rest.T @ rest + weight * product
        count += len(batch)
    return scatter


def _moments(batches: list[Tensor], fault: str = "") -> dict:
    rows = torch.cat(batches).double()
    mean, cov = rows.mean(0), rows.T.cov()
    if fault == "mean of means":
        mean = torch.stack([batch.double().mean(0) for batch in batches]).mean(0)
    elif fault == "last mean":
        mean = batches[-1].double().mean(0)
    elif fault == "summed mean":
        mean = rows.sum(0)
    elif fault == "last shift":
        mean = torch.zeros(rows.shape[1], dtype=torch.float64)
        for batch in batches:
            mean = (mean + batch.double().mean(0)) / 2
    within: Any = sum((b.double() - b.double().mean(0)).T @ (b.double() - b.double().mean(0)) for b in batches)
    if fault in (*BETWEEN, *OWN_MEANS):
        cov = _scatter(batches, fault) / (len(rows) - 1)
    elif fault == "within":
        cov = within / (len(rows) - 1)
    elif fault == "divided by N":
        cov = rows.T.cov(correction=0)
    elif fault == "not divided":
        cov = rows.T.cov() * (len(rows) - 1)
    elif fault == "second moment":
        cov = rows.T @ rows / (len(rows) - 1)
    elif fault == "last batch":
        last = batches[-1].double()
        cov = last.T.cov()
    elif fault == "mean of covariances":
        cov = torch.stack([b.double().T.cov() for b in batches]).mean(0)
    return {"count": len(rows), "mean": mean, "covariance": cov}


WEIGHT = "The product of the shift has the weight n m / (n + m): rows so far times rows of the batch, over both."
BETWEEN = {
    "shift too late": "The shift is worked out after the mean has moved: it leads from the mean of the rows *before* it.",
    "elements": "shift * shift is a product of elements, (F,); the scatter wants the outer product, (F, F).",
    "unweighted": WEIGHT, "by count": WEIGHT, "by share": WEIGHT,
    "by rows": "That is m times the shift's product, or the rows less the mean of *before*: take the batch's own mean off, and "
               "weigh the product by n m / (n + m).",
    "about the new mean": "You take the new mean off: within a batch it is the batch's own mean, and the rows before need "
                          "their share, too.",
}
OWN_MEANS = ["last shift", "last mean"]  # the shift is that from a wrong mean, which has cost its points
MEAN_FAULTS = {
    "mean of means": "Batches differ in size: weigh each by its share of all rows so far.",
    "last mean": "This is the mean of the last batch alone.",
    "summed mean": "This is a sum: divide by the number of rows so far.",
    "last shift": "You move half of the way to each batch's mean: move by len(features) / (all rows so far).",
}
COV_FAULTS = {
    "within": ("You add up the scatter within the batches. What is missing is the scatter between them: their means differ, "
               "and that adds n m / (n + m) times the outer product of the shift."),
    "mean of covariances": ("A mean of the batches' covariances misses that their means differ, and weighs small batches as "
                            "large ones."),
    "divided by N": "Divide by the count less one.",
    "not divided": "This is the scatter: divide it by the count less one.",
    "second moment": "Take the mean off: the covariance is about the mean, not about 0.",
    "last batch": "This is the covariance of the last batch alone.",
    **BETWEEN,
}


def _draw_batches(draw: Draw, sizes: list[int], width: int = 3, mean: float = 1.0) -> list[Tensor]:
    mix = draw.normal(width, width)
    return [draw.normal(size, width) @ mix + mean * (1 + draw.normal(width)) for size in sizes]


def _asked(subject: Subject, batches: list[Tensor]) -> dict:
    mine = subject.probe(moments_of, batches)
    if isinstance(mine["before"], int) and mine["before"] > 0:
        raise Wrong(hint="A new object knows the rows of an older one: what it counts belongs to itself, set in __init__ as "
                    "self.count, self.mean, self.scatter, not to the class.")
    if mine["count"] != len(torch.cat(batches)):
        raise Wrong(hint=f"After {len(torch.cat(batches))} rows the count is {mine['count']}: "
                         "add len(features) for each batch.")
    return mine


@check("evaluation.RunningMoments", points=1, hint="Move the mean towards the batch's by the batch's share of all rows so far.")
def keeps_the_mean_of_all_rows(subject: Subject, draw: Draw) -> None:
    batches = _draw_batches(draw, [7, 1, 4, 9])
    mistakes = ((_moments(batches, fault)["mean"], hint) for fault, hint in MEAN_FAULTS.items())
    assert_close(_asked(subject, batches)["mean"], _moments(batches)["mean"], mistakes=mistakes)


@check("evaluation.RunningMoments", points=2, hint="Scatter within the batch, plus n m / (n + m) times the shift's product.")
def gives_the_covariance_of_all_rows(subject: Subject, draw: Draw) -> None:
    for sizes in ([7, 2, 4, 9], [6, 1, 5], [8]):
        batches = _draw_batches(draw, sizes)
        mistakes = ((_moments(batches, fault)["covariance"], hint) for fault, hint in COV_FAULTS.items())
        found = _asked(subject, batches)
        mine = found["covariance"]
        if 1 in sizes and isinstance(mine, Tensor) and not bool(mine.isfinite().all()):
            raise Wrong(hint="NaN after a batch of one row: its scatter is 0, and it has no covariance. "
                        "rest.T @ rest is never NaN.")
        if not any(is_close(mine, _moments(batches, fault)["covariance"]) for fault in OWN_MEANS):
            assert_close(mine, _moments(batches)["covariance"], mistakes=mistakes)
        if isinstance(mine, Tensor) and not is_close(found["again"], mine):
            raise Wrong(hint="Asked twice, covariance() gives two answers: it changes the scatter. Divide into a new tensor, "
                        "without /=.")


@check("evaluation.RunningMoments", points=1, hint="Sums of squares less a squared mean lose all digits where the mean is "
       "large, in float64, too. Take the mean off before you multiply, as (7) does.")
def bears_a_large_mean(subject: Subject, draw: Draw) -> None:
    batches = _draw_batches(draw, [20, 5, 12], mean=3000.0)
    shared = batches[0].mean(0)
    batches = [batch - batch.mean(0) + shared + draw.normal(len(shared)) for batch in batches]
    for large in (batches, [batch.double() + 1e8 for batch in batches]):
        mine = _asked(subject, large)["covariance"]
        known = [_moments(large, fault)["covariance"] for fault in (*COV_FAULTS, *OWN_MEANS)]
        if not any(is_close(mine, wrong, rtol=1e-3, atol=1e-3) for wrong in known):
            assert_close(mine, _moments(large)["covariance"], rtol=1e-3, atol=1e-3)


@check("evaluation.RunningMoments", points=1, hint="It keeps the features. Keep count, mean and scatter alone: their size does "
       "not grow with N.")
def needs_no_more_room_for_more_rows(subject: Subject, draw: Draw) -> None:
    batches = _draw_batches(draw, [25] * 12)
    mine = _asked(subject, batches)
    if not any(is_close(mine["mean"], _moments(batches, fault)["mean"]) for fault in MEAN_FAULTS):
        assert_close(mine["mean"], _moments(batches)["mean"])
    if mine["room"] > 100:
        raise Wrong(hint=f"It keeps {mine['room']} numbers of {len(batches)} batches: the features themselves? Keep count, "
                    "mean and scatter alone: their size does not grow with N.")
    if not mine["scatter"].numel():
        raise Wrong(hint="It has no `scatter`, which others may read: the sum of the outer products, before it is divided.")
    if is_close(mine["scatter"], _moments(batches)["covariance"]):
        raise Wrong(hint="`scatter` is the sum over all rows, as it is before covariance() divides it by the count less one.")


# Kernel distance

def _kernel_distance(real: Tensor, fake: Tensor, *, power: int = 3, shift: float = 1.0, scale: float | None = None,
                     diagonal: bool = False, over: str = "pairs", cross: float = 2.0, cross_diagonal: bool = True,
                     by_rows: bool = False, one_n: bool = False, distinct: bool = False) -> Tensor:
    real, fake = real.double(), fake.double()

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / (scale or x.shape[0 if by_rows else 1]) + shift) ** power

    def within(x: Tensor) -> Tensor:
        k, n = kernel(x, x), len(real if one_n else x)
        if distinct:
            return k[(x[:, None] != x).any(-1)].mean()
        total = k.sum() if diagonal else k.sum() - k.trace()
        return total / (n * n if over == "all" else n * (n - 1) / (2 if over == "half" else 1))

    k = kernel(real, fake)
    between = k.mean() if cross_diagonal else (k.sum() - k.trace()) / (k.numel() - min(k.shape))
    return within(real) + within(fake) - cross * between


BIASED = ("You count each sample as a pair with itself: then two samples of the same data are never at distance 0, and less so "
          "the fewer they are. Leave the diagonal of k(x, x) out, and divide by n (n - 1).")
KERNEL_MISTAKES: list[tuple[Callable, str]] = [
    (lambda a, b: _kernel_distance(a, b, diagonal=True, over="all"), BIASED),
    (lambda a, b: _kernel_distance(a, b, diagonal=True), "You divide by n (n - 1) and yet count the diagonal: leave it out."),
    (lambda a, b: _kernel_distance(a, b, over="all"), "Without the diagonal there are n (n - 1) pairs, not n^2."),
    (lambda a, b: _kernel_distance(a, b, over="half"), "The sum over all i != j counts each pair twice: divide by n (n - 1)."),
    (lambda a, b: _kernel_distance(a, b, distinct=True), "Two equal samples are a pair like any other: only i = j is left out, "
     "the diagonal."),
    (lambda a, b: _kernel_distance(a, b, cross_diagonal=False),
     "Between real and fake there is no diagonal to leave out: row i of one has nothing to do with row i of the other."),
    (lambda a, b: _kernel_distance(a, b, cross=2 * len(b) / len(a)), "Between real and fake there are n m pairs: a mean."),
    (lambda a, b: _kernel_distance(a, b, cross=1), "Minus *twice* the mean kernel between real and fake."),
    (lambda a, b: _kernel_distance(a, b, cross=0), "The kernel between real and fake is missing: minus twice its mean."),
    (lambda a, b: _kernel_distance(a, b, scale=1.0), "Divide the product of two features by their number F."),
    (lambda a, b: _kernel_distance(a, b, scale=a.shape[1] ** 0.5), "Divide the product by F, not by its root."),
    *((lambda a, b, n=n: _kernel_distance(a, b, scale=n(a, b)), "You divide the products by a number of samples. It is the "
       "number of features, F: x.shape[1].") for n in (lambda a, b: float(len(a)), lambda a, b: float(len(b)))),
    (lambda a, b: _kernel_distance(a, b, by_rows=True), "You divide the products by a number of samples. It is the number of "
     "features, F: x.shape[1]."),
    (lambda a, b: _kernel_distance(a, b, one_n=True), "Each set has its own number of pairs: n (n - 1) for the real, m (m - 1) "
     "for the fakes."),
    (lambda a, b: _kernel_distance(b, a, one_n=True), "Each set has its own number of pairs: n (n - 1) for the real, m (m - 1) "
     "for the fakes."),
    (lambda a, b: _kernel_distance(a, b, shift=0.0), "The kernel is (x y / F + 1)^3: the 1 is missing."),
    (lambda a, b: _kernel_distance(a, b, power=2), "A cubic kernel: the power of 3."),
    (lambda a, b: _kernel_distance(a, b, power=1), "The power of 3 is missing: this kernel sees nothing but the means."),
    (lambda a, b: _kernel_distance(a, b).clamp(min=0),
     "Do not clamp: an estimate that is right on average falls below 0, too."),
    (lambda a, b: _kernel_distance(a, b).abs(), "Let it be negative: an estimate that is right on average falls below 0, too."),
]


CLAMPED = 2  # the last so many


def _assert_kernel(subject: Subject, real: Tensor, fake: Tensor, *, asked_before: bool = False) -> None:
    mine = subject(real, fake)
    if asked_before and any(is_close(mine, wrong(real, fake), rtol=1e-3, atol=1e-4) for wrong, _ in KERNEL_MISTAKES[:-CLAMPED]):
        return
    mistakes = ((wrong(real, fake), hint) for wrong, hint in KERNEL_MISTAKES)
    assert_close(mine, _kernel_distance(real, fake), mistakes=mistakes, rtol=1e-3, atol=1e-4)


may_change("evaluation.kernel_distance", "double")  # its text asks for float64


@check("evaluation.kernel_distance", points=3, hint="Mean kernel of pairs within each set, less twice the mean between them.")
def is_the_mean_over_pairs(subject: Subject, draw: Draw) -> None:
    _assert_kernel(subject, draw.normal(9, 4), draw.normal(7, 4) * 0.7 + 0.4)
    real, fake = draw.normal(8, 4), draw.normal(8, 4) * 0.7 + 0.4  # equally many
    _assert_kernel(subject, real, fake)
    _assert_kernel(subject, torch.cat([real, real[:3]]), fake)  # some samples are equal
    _assert_kernel(subject, draw.normal(150, 4), draw.normal(130, 4) * 0.7 + 0.4)  # many, and still over all pairs
    _assert_kernel(subject, draw.normal(9, 4).double(), draw.normal(7, 4).double() * 0.7 + 0.4)  # as _checked gives them back
    large = [(draw.normal(5, 4) + 1000, draw.normal(6, 4) + 1003) for _ in range(3)]
    if not all(is_close(subject(*pair), _kernel_distance(*pair), rtol=1e-5) for pair in large):
        raise Wrong(hint="Large features lose their digits, for a power of 3 in float32 has too few: begin with .double().")


def raised_by(function: Callable, *args: object) -> list[str]:
    """The names of the error that a call raises, and of what it is a kind of; none where it returns."""
    try:
        function(*args)
    except NotImplementedError:
        raise
    except Exception as error:  # whatever it is, its names are the answer
        return [kind.__name__ for kind in type(error).__mro__]
    return []


@check("evaluation.kernel_distance", points=1, hint="Right on average means: below 0 about as often as above, for one and the "
       "same data.")
def falls_below_0_where_it_should_and_refuses_what_has_no_distance(subject: Subject, draw: Draw) -> None:
    pairs = ((draw.normal(8, 4), draw.normal(6, 4)) for _ in range(1000))
    _assert_kernel(subject, *next(pair for pair in pairs if _kernel_distance(*pair) < -0.05), asked_before=True)
    for what, pair in (("features of different widths", (draw.normal(8, 4), draw.normal(6, 3))),
                       ("a single real sample", (draw.normal(1, 4), draw.normal(6, 4))),
                       ("a single fake sample", (draw.normal(8, 4), draw.normal(1, 4)))):
        if "ValueError" not in subject.probe(raised_by, *pair):
            raise Wrong(hint=f"It takes {what}: raise a ValueError. _checked(real, fake) does, and gives both back in float64.")


# Precision and recall

@lru_cache(maxsize=16)  # by the tensors themselves: every mistake looks at the same ones
def _distances(x: Tensor, y: Tensor) -> Tensor:
    return torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist")


@lru_cache(maxsize=16)
def _neighbours(x: Tensor) -> Tensor:
    """The distances of each row to all, the nearest first."""
    return _distances(x, x).sort(1).values


def _radius(x: Tensor, k: int) -> Tensor:
    return _neighbours(x)[:, k]


def _share(points: Tensor, centres: Tensor, k: int, *, radius: Tensor | None = None, some: Callable | None = None) -> Tensor:
    """The share of points in the balls of the centres."""
    radius = _radius(centres, k) if radius is None else radius
    inside = _distances(points, centres) <= radius
    return some(inside) if some else inside.any(1).double().mean()


SELF = "The nearest row of a set to a row is the row itself: its k-th neighbour comes k + 1st. neighbour_distance knows it."
K = "Hand k on to neighbour_distance, as it is: the balls reach to the k-th neighbour."
SQUARED = "A squared distance is compared with one that is not squared."
OWN = "Each ball has a radius of its own, {}: compare each distance with the radius of the ball that it leads to."


def _pooled(points: Tensor, centres: Tensor, k: int) -> Tensor:
    """Radii to the k-th neighbour among both sets."""
    return _radius(torch.cat([centres, points]), k)[:len(centres)]


def _of_the_nearest(points: Tensor, centres: Tensor, k: int) -> Tensor:
    """The share of points in the ball of their nearest centre."""
    nearest = _distances(points, centres).min(1)
    return (nearest.values <= _radius(centres, k)[nearest.indices]).double().mean()


SHARE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda p, c, k: _share(c, p, k),
     "Precision and recall are exchanged: precision looks at fakes, in the balls of the real."),
    (lambda p, c, k: _share(p, c, k - 1), SELF),
    (lambda p, c, k: _share(p, c, k, some=lambda i: i.all(1).double().mean()), "In *any* ball: one is enough, not all."),
    (lambda p, c, k: _share(p, c, k, some=lambda i: i.any(0).double().mean()),
     "This is the share of balls that hold something. Count the samples that lie in some ball."),
    (lambda p, c, k: _share(p, c, k, some=lambda i: i.double().mean()),
     "This is the share of all pairs. Ask of each sample whether it lies in any ball, then take the mean."),
    (lambda p, c, k: (_distances(p, c) <= _radius(p, k)[:, None]).any(1).double().mean(),
     "The balls are those of the other set: each has its own centre and its own radius, and goes with it along that axis."),
    (lambda p, c, k: _share(p, c, k + 1), K + " It leaves the row itself out already."),
    (lambda p, c, k: _share(p, c, k, radius=_radius(c, k).max()), OWN.format("not the largest of all")),
    (lambda p, c, k: _share(p, c, k, radius=_radius(c, k).mean()), OWN.format("not the mean of all")),
    (lambda p, c, k: _share(p, c, k, radius=_pooled(p, c, k)), "A ball reaches to the k-th neighbour in its *own* set, "
     "not among both."),
    (_of_the_nearest, "You look at the nearest ball alone: a sample may lie in the large ball of another."),
    (lambda p, c, k: _share(p, c, k, radius=_radius(c, k).sqrt()), SQUARED),
    (lambda p, c, k: _share(p, c, k, radius=_radius(c, k).square()), SQUARED),
]


def _assert_share(subject: Subject, draw: Draw, which: int, n: int, m: int, k: int, *, asked_before: bool = False) -> None:
    """Where the answer is told from every mistake: they are whole numbers over n or m, so draw until it is."""
    for tries in range(300):
        real, fake = draw.normal(n, 2), draw.normal(m, 2) * 0.7 + 0.8
        pairs = [([wrong(fake, real, k), wrong(real, fake, k)], hint) for wrong, hint in SHARE_MISTAKES]
        right = [_share(fake, real, k), _share(real, fake, k)]
        values = {float(value[which]) for value, _ in pairs}
        if float(right[which]) not in values and len(values) >= len(pairs) - tries // 5:  # all of them apart, if it can be had
            break
    mine = subject(real, fake, k)
    if is_close(mine[which], right[which]):
        return
    for value, hint in pairs:  # both numbers tell more than one
        if is_close(list(mine), value):
            if asked_before:
                return
            raise Wrong(hint=hint)
    if k != 3:
        pairs.insert(0, ([_share(fake, real, 3), _share(real, fake, 3)], K))
    assert_close(mine[which], right[which], mistakes=((value[which], hint) for value, hint in pairs))


@check("evaluation.precision_recall", points=2, hint="Balls around the real; the share of fakes that lie in any of them.")
def precision_is_the_share_of_fakes_among_the_real(subject: Subject, draw: Draw) -> None:
    _assert_share(subject, draw, 0, 90, 83, 3)


@check("evaluation.precision_recall", points=2, hint="Balls around the fakes; the share of real samples in any of them.")
def recall_is_the_share_of_the_real_among_fakes(subject: Subject, draw: Draw) -> None:
    _assert_share(subject, draw, 1, 90, 83, 3)


@check("evaluation.precision_recall", points=1, hint="Hand k on to neighbour_distance.")
def takes_any_k_and_the_border_of_a_ball(subject: Subject, draw: Draw) -> None:
    for k in (1, 5):
        for which in (0, 1):
            _assert_share(subject, draw, which, 31, 34, k, asked_before=True)
    for mistake, _ in BORDER_MISTAKES:
        for which in (0, 1):
            _assert_border(subject, draw, mistake, which)
    real = 100 * draw.normal(9, 2)
    if not is_close(list(subject(real, real + 0.01, 1)), [1.0, 1.0]):
        raise Wrong(hint="Where each fake is next to the real sample of its own place both shares are 1: a sample may lie in "
                         "the ball of any of the other set, also in that of the one in the same place.")
    pairs = ((draw.normal(31, 2), draw.normal(34, 2) * 0.7 + 0.8) for _ in range(300))
    real, fake = next((x, y) for x, y in pairs if len({float(_share(y, x, k)) for k in range(1, 6)}) == 5)
    if not is_close(list(subject(real, fake)), list(subject(real, fake, 3))):
        raise Wrong(hint="Called without `k` the balls reach to the third neighbour: the signature says k = 3.")


BORDER_MISTAKES: list[tuple[Callable, str]] = [
    (lambda p, c: _share(p, c, 2, radius=_radius(c, 2) * (1 - 1e-6)), "A point on the border of a ball lies in it: <=, not <."),
    (lambda p, c: _share(p, c, 2, radius=_distances(c, c).masked_fill(_distances(c, c) == 0, torch.inf).sort(1).values[:, 1]),
     "Two equal samples are neighbours at distance 0: leave out the sample itself alone. neighbour_distance does."),
    (lambda p, c: (torch.cdist(p, c) <= _radius(c, 2)).any(1).double().mean(),
     "Some points lie on the border of a ball, and yours miss it by rounding: distances(x, y) is exact to the last digit."),
]


def _assert_border(subject: Subject, draw: Draw, mistake: Callable, which: int) -> None:
    """Whole numbers, of which some points lie on a border and some are equal, where this mistake gives another share."""
    for _ in range(1000):
        real, fake = (draw.integers(0, 8, n, 2).float() for n in (24, 21))
        right, other = ([float(share(fake, real)), float(share(real, fake))] for share in (_share_of_two, mistake))
        if right[which] == other[which]:
            continue
        known = [[float(wrong(fake, real, 2)), float(wrong(real, fake, 2))] for wrong, _ in SHARE_MISTAKES]
        if not any(value in known for value in (other, [right[0], other[1]], [other[0], right[1]])):
            break
    mine = list(subject(real, fake, 2))
    if any(is_close(mine, value) for value in known):  # it has cost its points
        return
    for place, (points, centres) in enumerate(((fake, real), (real, fake))):
        hints = ((wrong(points, centres), hint) for wrong, hint in BORDER_MISTAKES)
        assert_close(mine[place], right[place], mistakes=hints)


def _share_of_two(points: Tensor, centres: Tensor) -> Tensor:
    return _share(points, centres, 2)


# A generator measured, with three faults

class Dimmer(nn.Module):
    """Another layer that knows its mode, like dropout, but draws nothing: in training it multiplies by `factor`."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, values: Tensor) -> Tensor:
        return self.factor * values if self.training else values


class Maker(nn.Module):
    """Noise (B, 3) to clips (B, 2, 1, 2, 2), behind a batch norm."""

    nz = 3

    def __init__(self, matrix: Tensor, mean: Tensor, factor: float = 1.0):
        super().__init__()
        self.matrix = nn.Parameter(matrix)
        self.dimmer = Dimmer(factor)
        self.norm: Any = nn.BatchNorm1d(8)
        self.norm.load_state_dict({"running_mean": mean, "running_var": torch.full((8,), 2.0)}, strict=False)

    def forward(self, z: Tensor) -> Tensor:
        return self.dimmer(self.norm(z @ self.matrix).tanh()).unflatten(1, (2, 1, 2, 2))


class Seer(nn.Module):
    """Clips (B, 2, 1, 2, 2) to features (B, 4), behind a batch norm."""

    def __init__(self, matrix: Tensor, mean: Tensor):
        super().__init__()
        self.matrix = nn.Parameter(matrix)
        self.norm: Any = nn.BatchNorm1d(4)
        self.norm.load_state_dict({"running_mean": mean}, strict=False)

    def forward(self, clips: Tensor) -> Tensor:
        return self.norm(clips.flatten(1) @ self.matrix)


def used_generator(seed: int) -> torch.Generator:
    """A generator of noise of which something has been drawn."""
    rng = torch.Generator().manual_seed(seed)
    torch.rand(3, generator=rng)
    return rng


def features_with(function: Callable, weights: list[Tensor], count: int, seed: int, batch_size: int,
                  factor: float = 1.0) -> dict:
    """The features that `function` gives of a generator and a network with these weights, both handed over in training
    mode, the running averages that it leaves, and what the generator of noise draws next."""
    generator, network = Maker(weights[0], weights[1], factor).train(), Seer(weights[2], weights[3]).train()
    rng = used_generator(seed)
    found = function(generator, network, count, rng, batch_size)
    return {"features": found.detach(), "G": generator.norm.running_mean.clone(), "network": network.norm.running_mean.clone(),
            "next": torch.rand(2, generator=rng)}


def faulty_features(*faults: str) -> Callable:
    """The measuring function with the named faults; none gives the reference."""
    @torch.no_grad()
    def measure(generator, network, count, rng, batch_size=64):
        generator.train("mode" in faults)
        network.train("network" in faults)
        if "own generator" in faults:
            rng = torch.Generator().manual_seed(rng.initial_seed())
        if "seeded once" in faults:
            rng.manual_seed(0)
        every = torch.randn(count, generator.nz, generator=rng) if "at once" in faults else None
        found = []
        for start in range(0, count, batch_size):
            size = min(batch_size, count - start)
            size = batch_size if "whole batches" in faults else size
            if "one noise" in faults or "seeded anew" in faults:
                rng.manual_seed(start if "seeded anew" in faults else 0)
            draw = torch.rand if "uniform" in faults else torch.randn
            clips = generator(draw(size, generator.nz, generator=rng) if every is None else every[start:start + size])
            clips = clips / 2 + 0.5 if "range" in faults else 2 * clips - 1 if "outward" in faults else clips
            clips = clips.clamp(0, 1) if "cut" in faults else clips
            found.append(network(clips))
        return torch.cat(found)
    return measure


MODE_FAULTS = {
    "mode": "The generator is in training mode, so a clip depends on the others in its batch.",
    "network": "The network of the features is in training mode: it has to be in evaluation mode, too.",
}
SEEDED = "rng is seeded inside the function: whoever calls it has done so. Draw from it as it comes."
NOISE_FAULTS = {
    "one noise": "Every batch gets the same noise, so the set is one batch over and over: do not seed rng in the loop.",
    "seeded once": SEEDED,
    "seeded anew": SEEDED,
    "at once": "All noise is drawn at once. Draw it batch by batch, in the loop: "
               "torch.randn(size, generator.nz, generator=rng).",
    "uniform": "The noise is uniform: torch.randn, not torch.rand.",
    "own generator": "Nothing is drawn from `rng`: a new start from its seed gives noise that it has given before. Draw from "
                     "it as it comes, generator=rng.",
}
CLIP_FAULTS = {
    "range": "The network was trained on clips in [-1, 1], and gets [0, 1].",
    "outward": "The generator's clips lie in [-1, 1] already; 2 x - 1 leads out of it. Hand them over as they are.",
    "cut": "You cut off what is below 0: the network was trained on clips in [-1, 1]. Hand them over as they are.",
    "whole batches": "The last batch is smaller: `count` clips, no more.",
}


def _draw_maker(draw: Draw) -> tuple[list[Tensor], int]:
    weights = [draw.normal(3, 8), draw.normal(8), draw.normal(8, 4), draw.normal(4)]
    return weights, int(draw.integers(1, 10 ** 6))


def _ways(*kinds: dict) -> Iterator[tuple[str, ...]]:
    """At most one fault of each kind, none first."""
    return (tuple(filter(None, way)) for way in itertools.product(*(["", *kind] for kind in kinds)))


def _assert_without(subject: Subject, draw: Draw, count: int, batch_size: int, asked: dict, *others: dict) -> dict:
    """That none of the faults `asked` about is left; whatever `others` may be left."""
    weights, seed = _draw_maker(draw)
    inputs = weights, count, seed, batch_size
    mine = subject.probe(features_with, *inputs)
    for fault in ["", *asked]:
        for way in _ways(*others):
            own = features_with(faulty_features(fault, *way), *inputs)["features"]
            if is_close(mine["features"], own):
                if fault:
                    raise Wrong(hint=asked[fault])
                return mine | {"inputs": inputs, "weights": weights}
    if is_close(mine["next"], torch.rand(2, generator=used_generator(seed))):
        raise Wrong(hint="Nothing is drawn from `rng`: the noise comes from it, torch.randn(..., generator=rng).")
    assert_close(mine["features"], features_with(faulty_features(), *inputs)["features"])
    return mine | {"inputs": inputs, "weights": weights}


may_change("evaluation.generated_features", "mode")  # its text asks for eval()


@check("evaluation.generated_features", points=2, hint=MODE_FAULTS["mode"])
def a_clip_does_not_depend_on_its_batch(subject: Subject, draw: Draw) -> None:
    mine = _assert_without(subject, draw, 6, 6, MODE_FAULTS, NOISE_FAULTS, CLIP_FAULTS)
    assert_close(mine["G"], mine["weights"][1])
    assert_close(mine["network"], mine["weights"][3])
    again, dimmed = (subject.probe(features_with, *mine["inputs"], factor=f)["features"] for f in (1.0, 0.5))
    if is_close(again, mine["features"]) and not is_close(dimmed, mine["features"]):
        raise Wrong(hint="Some of the generator's layers are still in training mode, such as dropout: generator.eval() reaches "
                    "all of them.")


@check("evaluation.generated_features", points=2, hint="Noise for each batch: torch.randn(size, generator.nz, generator=rng).")
def every_clip_has_noise_of_its_own(subject: Subject, draw: Draw) -> None:
    _assert_without(subject, draw, 15, 5, NOISE_FAULTS, MODE_FAULTS, CLIP_FAULTS)


@check("evaluation.generated_features", points=2, hint="The network gets the clips as they are, and `count` of them.")
def the_network_sees_count_clips_as_they_are(subject: Subject, draw: Draw) -> None:
    _assert_without(subject, draw, 13, 5, CLIP_FAULTS, MODE_FAULTS, NOISE_FAULTS)


written("evaluation.which_measure", points=4, rubric="""
- 1 point: D's accuracy and the losses are relative to the D of the moment, so they support no claim about quality; the
  Inception Score never looks at real data and does not see that all samples of a class are one.
- 1 point: the right measure for the claim: precision for "each is good", recall or coverage for "all kinds occur", a Frechet
  distance for both at once (equal N, biased for small N), the kernel distance for few samples.
- 1 point: no measure sees more than its features: motion, or whatever is claimed, has to be tested by spoiling real clips.
- 1 point: copies of the training set win everywhere, so novelty needs a test of its own; and what has to stand beside a
  figure: network, number of clips, spread over seeds.
""")
