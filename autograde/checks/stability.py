"""Checks of chapter 5."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from solutions import stability as reference

from . import Draw, Subject, Wrong, assert_close, check, is_close, written

# How many modes

FEW = "The number of kinds is written into it: here there are more. bincount() counts as many as there are."
FIXED = (4, 8, 10, 12, 16, 20, 24, 32, 64, 100, 128)
MODE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda p: (p > 0).sum(), "You count every kind once, however rare it is. Weigh each by its share: use the entropy."),
    (lambda p: torch.special.entr(p).sum(), "This is the entropy itself. Its exponential counts kinds."),
    (lambda p: 2 ** torch.special.entr(p).sum(), "2 to the power of an entropy in nats: the base must fit the logarithm."),
    (lambda p: (torch.special.entr(p).sum() / torch.tensor(2.0).log()).exp(),
     "e to the power of an entropy in bits: the base must fit the logarithm."),
    (lambda p: 1 / p.square().sum(),
     "This is the inverse of the sum of squares, a count of order 2. Asked for is exp(entropy)."),
    (lambda p: 1 / p.max(), "This looks at the most frequent kind only."),
    (lambda p: (-torch.special.entr(p).sum()).exp(), "The sign of the entropy: -sum p log p is at least 0."),
    (lambda p: torch.special.entr(p).mean().exp(), "An entropy is the *sum* over the kinds, not their mean."),
    (lambda p: torch.special.entr(p[1:] / p[1:].sum()).sum().exp(), "Labels begin at 0, and kind 0 counts like the others."),
]
FEW_MISTAKES: list[tuple[Callable, str]] = [
    *((lambda p, k=k: torch.special.entr(p[:k]).sum().exp(), FEW) for k in FIXED),
    *((lambda p, k=k: torch.special.entr(p[:k] / p[:k].sum()).sum().exp(), FEW) for k in FIXED),
]


@check("stability.effective_modes", points=2, hint="Shares of the kinds, their entropy -sum p log p, its exponential.")
def weighs_each_kind_by_its_share(subject: Subject, draw: Draw) -> None:
    kinds = torch.arange(int(draw.integers(260, 280)))
    labels = kinds.repeat_interleave(draw.integers(3, 30, len(kinds)))
    labels = labels[torch.randperm(len(labels), generator=draw.generator)]
    shares = labels.bincount() / len(labels)
    mistakes = ((wrong(shares), hint) for wrong, hint in (*MODE_MISTAKES, *FEW_MISTAKES))
    assert_close(subject(labels), reference.effective_modes(labels), mistakes=mistakes)


@check("stability.effective_modes", points=1,
       hint="A kind that never occurs adds 0, but 0 * log(0) is NaN: torch.special.entr.")
def bears_kinds_that_never_occur(subject: Subject, draw: Draw) -> None:
    labels = 3 * draw.integers(0, 3, 30) + 1
    shares = labels.unique(return_counts=True)[1] / len(labels)
    mine = subject(labels)
    if isinstance(mine, float | Tensor) and bool(torch.as_tensor(mine).isnan().any()):
        raise Wrong(hint="NaN: a kind never occurs, and 0 * log(0) is NaN. It adds 0: torch.special.entr knows it.")
    mistakes = ((wrong(shares), hint) for wrong, hint in MODE_MISTAKES)
    assert_close(mine, reference.effective_modes(labels), mistakes=mistakes)
    assert_close(subject(torch.full((int(draw.integers(2, 9)),), 4)), 1.0, mistakes=[
        (0.0, "Where all samples are of one kind it is 1, the exponential of an entropy of 0.")])


# The Dirac-GAN

def _dirac(theta: Tensor, psi: Tensor, lr: float, gamma: float, fault: str = "") -> Tensor:
    """A step of the Dirac-GAN with one named fault, both numbers stacked."""
    s = psi * theta
    how: dict[str, Callable] = {
        "no sigmoid": torch.ones_like, "softplus": nn.functional.softplus, "at the origin": lambda s: 0.5 + 0 * s,
        "slope of the sigmoid": lambda s: s.sigmoid() * (-s).sigmoid()}
    weight_g = weight_d = how.get(fault, torch.sigmoid)(s)
    weight_g = torch.sigmoid(-s) if fault == "non-saturating" else weight_g
    if fault == "D first":
        turned = psi - lr * (weight_d * theta + gamma * psi)
        return torch.stack([theta + lr * torch.sigmoid(turned * theta) * turned, turned])
    if fault == "inner slopes":
        return torch.stack([theta + lr * weight_g * theta, psi - lr * (weight_d * psi + gamma * psi)])
    slope_g = -weight_g * psi
    new_theta = theta - lr * slope_g * (-1 if fault == "sign of G" else 1)
    at = new_theta if fault == "alternating" else theta
    slope_d = torch.sigmoid(psi * at) * at if fault == "alternating" else weight_d * theta
    slope_d = slope_d * (-1 if fault == "sign of D" else 1)
    if fault == "mean over the games":
        return torch.stack([theta - lr * slope_g / theta.numel(), psi - lr * (slope_d + gamma * psi) / theta.numel()])
    if fault == "penalty on both":
        new_theta = new_theta - lr * gamma * theta
    friction: Any = {"no penalty": 0.0, "half": gamma / 2, "double": 2 * gamma, "sign": -gamma, "no lr": gamma / lr,
                "not differentiated": gamma * psi / 2, "absolute": gamma * psi.sign()}.get(fault, gamma)
    if fault == "penalty on theta":
        slope_d, friction = slope_d + gamma * theta, 0.0
    return torch.stack([new_theta, psi - lr * (slope_d + friction * psi)])


DIRAC_MISTAKES = {
    "alternating": "D sees the new theta. Both step at once: compute both slopes before either of them moves.",
    "D first": "G sees the new psi. Both step at once: compute both slopes before either of them moves.",
    "sign of G": "The generator climbs its loss: its step is theta minus lr times the slope.",
    "sign of D": "The discriminator climbs its loss: its step is psi minus lr times the slope.",
    "no sigmoid": "The slope of softplus(s) is sigmoid(s), and the slope of s itself comes on top.",
    "softplus": "You take softplus itself for its slope. The slope of softplus(s) is sigmoid(s).",
    "slope of the sigmoid": "You differentiate twice: the slope of softplus(s) is sigmoid(s), as it is.",
    "at the origin": "The sigmoid is 1/2 at psi theta = 0 only: here it is sigmoid(psi theta).",
    "inner slopes": "The inner derivatives are exchanged: the slope of psi theta by theta is psi, by psi it is theta.",
    "non-saturating": "This is the slope of the non-saturating loss. Here G minimises -softplus(psi theta).",
    "no penalty": "The penalty gamma psi^2 / 2 has a slope too.",
    "half": "The slope of gamma psi^2 / 2 is gamma psi: the 2 of the square cancels the half.",
    "double": "The slope of gamma psi^2 / 2 is gamma psi: the 2 of the square cancels the half.",
    "sign": "The penalty's slope belongs to D's loss with a plus.",
    "no lr": "The penalty's slope is a part of D's, and is multiplied with lr like the rest.",
    "not differentiated": "You subtract the penalty gamma psi^2 / 2 itself; a step goes along its *slope*, gamma psi.",
    "penalty on theta": "The penalty is on D's slope psi, not on where the generator stands.",
    "penalty on both": "The penalty is on D's slope psi alone, not on where the generator stands.",
    "mean over the games": "You differentiate a mean over the games, which divides each slope by their number. Each game takes "
                           "its own step: differentiate the sum.",
}


def _stepped(subject: Subject, theta: Tensor, psi: Tensor, lr: float, **gamma: float) -> Tensor:
    """Both numbers after a step of the subject, stacked."""
    found = subject(theta, psi, lr=lr, **gamma)
    if not isinstance(found, list | tuple) or len(found) != 2:
        raise Wrong(hint="Return two things: theta and psi after the step.")
    found = [torch.as_tensor(one) if not isinstance(one, Subject) else one for one in found]
    if any(not isinstance(one, Tensor) or one.shape != theta.shape for one in found):
        raise Wrong(hint=f"theta and psi keep their shape, here {tuple(theta.shape)}.")
    return torch.stack([one.detach() for one in found])


@check("stability.dirac_step", points=2, hint="Differentiate each player's own loss with respect to its own number.")
def goes_downhill_for_both(subject: Subject, draw: Draw) -> None:
    theta, psi, lr = draw.normal(5, std=2), draw.normal(5, std=2), draw.uniform(1, low=0.1, high=0.5).item()
    mistakes = [(_dirac(theta, psi, lr, 0.0, fault), hint) for fault, hint in DIRAC_MISTAKES.items()]
    mistakes.append((_dirac(theta, psi, lr, 0.0).flip(0), "theta first, then psi."))
    mine = _stepped(subject, theta, psi, lr, gamma=0.0)
    assert_close(mine, _dirac(theta, psi, lr, 0.0), mistakes=mistakes)
    if not is_close(_stepped(subject, theta, psi, lr), mine):
        raise Wrong(hint="Called without `gamma` there is no penalty: the signature says gamma = 0.0.")


@check("stability.dirac_step", points=2, hint="R1 adds gamma psi^2 / 2 to D's loss.")
def and_with_the_penalty(subject: Subject, draw: Draw) -> None:
    theta, psi = draw.normal(2, 3, std=2), draw.normal(2, 3, std=2)
    lr, gamma = draw.uniform(1, low=0.1, high=0.5).item(), draw.uniform(1, low=0.3, high=2).item()
    mine = _stepped(subject, theta, psi, lr, gamma=gamma)
    right = _dirac(theta, psi, lr, gamma)
    if is_close(mine, right.flip(0)) or is_close(mine, _dirac(theta, psi, lr, gamma, "D first")):
        return  # the penalty is right, and the order has cost its points
    alone = _stepped(subject, theta[0, 0], psi[0, 0], lr, gamma=gamma)
    if not is_close(alone, mine[:, 0, 0]):
        raise Wrong("A single game, theta and psi without any axis, gives another step.")
    friction = mine - _stepped(subject, theta, psi, lr, gamma=0.0)  # what the penalty adds to the student's own step
    wanted = right - _dirac(theta, psi, lr, 0.0)
    mistakes = ((_dirac(theta, psi, lr, gamma, fault) - _dirac(theta, psi, lr, 0.0, fault), hint)
                for fault, hint in DIRAC_MISTAKES.items())
    assert_close(friction, wanted, mistakes=mistakes)


# Looking ahead

def looked_ahead(function: Callable, matrix: Tensor, bend: float, game: Tensor, named: bool) -> dict:
    """Both players after a step that looks ahead, in a game with this plain step, and how often that was asked for; its
    arguments are `named` as on the page, or have no names."""
    calls = []

    def by_place(theta: Tensor, psi: Tensor, /) -> tuple[Tensor, Tensor]:
        calls.append(1)
        return tuple(torch.stack([theta, psi]) + _pull(matrix, bend, torch.stack([theta, psi])))

    def by_name(theta: Tensor, psi: Tensor) -> tuple[Tensor, Tensor]:
        return by_place(theta, psi)

    step = by_name if named else by_place
    function(step, *game.flip(0))  # it does not count: every step is one of its own
    calls.clear()
    found = function(step, *game.clone())
    if not isinstance(found, list | tuple) or len(found) != 2:
        return {"game": None, "calls": len(calls)}
    return {"game": [torch.as_tensor(one) for one in found], "calls": len(calls)}


def _pull(matrix: Tensor, bend: float, game: Tensor) -> Tensor:
    """What a plain step adds: a turn, and something that is not linear."""
    return torch.einsum("ij,j...->i...", matrix, game) + bend * torch.tanh(game)


def _ahead(matrix: Tensor, bend: float, game: Tensor, fault: str = "") -> Tensor:
    """The step that looks ahead with one named fault, both numbers stacked."""
    here = _pull(matrix, bend, game)
    (theta, psi), (theta_ahead, psi_ahead) = game, game + here
    there = _pull(matrix, bend, game + here)
    return game + {
        "": there, "plain": here, "two steps": here + there, "mean": (here + there) / 2, "straight on": 2 * here,
        "half way": _pull(matrix, bend, game + here / 2), "optimistic": 2 * there - here, "momentum": 2 * here - there,
        "one looks": torch.stack([there[0], here[1]]), "other looks": torch.stack([here[0], there[1]]),
        "theta stays": _pull(matrix, bend, torch.stack([theta, psi_ahead])),
        "psi stays": _pull(matrix, bend, torch.stack([theta_ahead, psi])),
        "back": -there, "change of the pull": there - here, "not added": there - game,
    }[fault]


AHEAD_MISTAKES = {
    "plain": "This is the plain step. Look which step one would take *there*, where it leads, and take that one.",
    "two steps": "These are two plain steps, one after the other. Come back first: add only what the second one has added.",
    "mean": "You take the mean of the steps here and there. Take the one there alone.",
    "half way": "You look half a step ahead. Look at where the whole plain step leads.",
    "straight on": "You go on in the old direction. Ask for the step there: call `step` a second time.",
    "optimistic": "You add twice what the second step added and take the first one away: add only what the second one added.",
    "momentum": "The two steps are exchanged: what the second one added counts, not the first.",
    "one looks": "Only theta looks ahead: both do.",
    "other looks": "Only psi looks ahead: both do.",
    "theta stays": "You look from a place where theta has not moved: both go ahead.",
    "psi stays": "You look from a place where psi has not moved: both go ahead.",
    "back": "The sign: where both stand *plus* what the second step added, which is its end minus its beginning.",
    "change of the pull": "You add how much the two steps differ. Add the second step, as it is.",
    "not added": "Return where both stand after the step: add it to where they were.",
}


def _game(draw: Draw, *shape: int) -> tuple[Tensor, float, Tensor]:
    """A game that turns, drawn anew, and where many of it stand."""
    a, b, c = draw.uniform(3, low=0.3, high=0.8).tolist()
    return torch.tensor([[-0.2 * c, a], [-b, -0.5 * c]]), draw.uniform(1, low=0.1, high=0.4).item(), draw.normal(2, *shape)


def _looks_ahead(subject: Subject, matrix: Tensor, bend: float, game: Tensor, named: bool = True) -> int:
    """Compares one step; gives how often the plain step was asked for."""
    found = subject.probe(looked_ahead, matrix, bend, game, named)
    if found["game"] is None:
        raise Wrong(hint="Return two things: theta and psi after the step.")
    if any(one.shape != game[0].shape for one in found["game"]):
        raise Wrong(hint=f"theta and psi keep their shape, here {tuple(game[0].shape)}.")
    right = _ahead(matrix, bend, game)
    mistakes = [(_ahead(matrix, bend, game, fault), hint) for fault, hint in AHEAD_MISTAKES.items()]
    mistakes.append((right.flip(0), "theta first, then psi."))
    assert_close(torch.stack(list(found["game"])), right, mistakes=mistakes)
    return found["calls"]


@check("stability.extragradient_step", points=3, hint="Where both stand, plus what a plain step adds at the place ahead.")
def takes_the_step_from_the_place_ahead(subject: Subject, draw: Draw) -> None:
    for shape in ((5,), (5,), (2, 3), ()):
        _looks_ahead(subject, *_game(draw, *shape))


@check("stability.extragradient_step", points=1, hint="Call `step` twice: from here, and from where that leads.")
def asks_for_two_plain_steps(subject: Subject, draw: Draw) -> None:
    if (calls := _looks_ahead(subject, *_game(draw, 1))) != 2:
        raise Wrong(hint=f"It calls `step` {calls} times. Twice is enough, once from here and once from ahead, for both "
                    "players: in a network each call costs two gradients.")
    try:
        _looks_ahead(subject, *_game(draw, 1), named=False)
    except TypeError as error:
        if "positional-only" not in str(error):
            raise
        raise Wrong(hint="It calls `step` by the names of its arguments, which are others in another game: step(theta, psi), "
                    "by their places.") from error


# The penalty

def small_critic(kind: str, weights: list[Tensor]) -> nn.Module:
    """A smooth critic with these weights: of flat samples (B, 3), rows (B, 4, 5), images (B, 2, 4, 5) or clips
    (B, 3, 2, 4, 5), with logits (B, 1), or (B, 2), or without a second axis (B,)."""
    size = {"images": 40, "clips": 120, "rows": 20}.get(kind, 3)
    critic = nn.Sequential(nn.Flatten(), nn.Linear(size, 6), nn.Tanh(), nn.Linear(6, len(weights[2])))
    if kind == "no axis":
        critic.append(nn.Flatten(0))
    with torch.no_grad():
        for parameter, value in zip(critic.parameters(), weights, strict=True):
            parameter.copy_(value)
    return critic


def penalty_of(function: Callable, kind: str, weights: list[Tensor], samples: Tensor, training: bool = True) -> dict:
    """What the function gives, the gradient that it leaves in the critic's first weights, and that of its weighted sum for
    them: 0 where none comes."""
    critic: Any = small_critic(kind, weights).train(training)
    values = function(critic, samples)
    left, weight = critic[1].weight.grad, critic[1].weight
    total, grad = (values * torch.linspace(1, 2, values.numel()).view(values.shape)).sum(), None
    if total.requires_grad:
        (grad,) = torch.autograd.grad(total, weight.requires_grad_(), allow_unused=True)
    return {"values": values.detach(), "left": torch.zeros_like(weight) if left is None else left.clone(),
            "gradient": torch.zeros_like(weight) if grad is None else grad}


SHAPES = {"rows": (4, 5), "images": (2, 4, 5), "clips": (3, 2, 4, 5)}


def norm_variant(mean: bool = False, mean_logit: bool = False, axes: str = "all", root: bool = False, graph: bool = True,
                 average: bool = False, first: bool = False, each: bool = False) -> Callable:
    """The squared norm with named faults."""
    def variant(critic: Callable, samples: Tensor) -> Tensor:
        samples = samples.detach().requires_grad_()
        logits = critic(samples)
        if each:  # squares for each logit by itself
            each_logit = logits.reshape(len(logits), -1).sum(0)
            slopes = [torch.autograd.grad(one, samples, create_graph=True)[0] for one in each_logit]
            return torch.stack(slopes).square().flatten(2).sum((0, 2))
        logits = logits[:, 0] if first and logits.ndim > 1 else logits
        logits = logits.flatten(1).mean(1) if mean_logit and logits.ndim > 1 else logits
        (g,) = torch.autograd.grad(logits.mean() if mean else logits.sum(), samples, create_graph=graph)
        squared = g.square()
        total = {"all": lambda: squared.flatten(1).sum(1), "last": lambda: squared.sum(-1),
                 "1 2 3": lambda: squared.sum(tuple(range(1, min(4, g.ndim)))), "everything": lambda: squared.sum()}[axes]()
        total = squared.flatten(1).mean(1) if average else total
        return total.sqrt() if root else total
    return variant


NORM_MISTAKES = [
    (norm_variant(mean=True), ("You differentiate the *mean* logit, so each gradient is divided by the size of the batch. "
     "Samples don't interact: differentiate the sum.")),
    (norm_variant(mean=True, axes="last"), ("Two faults left: the mean logit divides each gradient by the batch's size, and "
     "the squares are summed over the last axis only.")),
    (norm_variant(axes="last"), "You sum over the last axis only. Right for points; of an image it is one row."),
    (norm_variant(axes="1 2 3"), "You sum over the axes 1, 2, 3: right for images, but a clip has four behind the batch."),
    (norm_variant(axes="everything"), "You sum over the batch, too: return one number for each sample."),
    (norm_variant(root=True), "This is the norm; asked for is its square."),
    (norm_variant(average=True), "You take the mean over the pixels; a squared norm is the sum."),
    (norm_variant(first=True), "Only the first logit of a sample counts; the logits (B, k) of a sample are added up."),
    (norm_variant(mean_logit=True), "The k logits of a sample are added up. You take their mean, as the mean of all times the "
     "size of the batch does."),
    (norm_variant(each=True), "You square the gradient of each logit by itself. The k logits of a sample are added up first: "
     "one gradient for each sample."),
]
FORGIVEN = [norm_variant(), norm_variant(mean=True), norm_variant(root=True), norm_variant(average=True),
            norm_variant(first=True), norm_variant(mean_logit=True), norm_variant(each=True)]


def _penalty_inputs(draw: Draw, kind: str, batch: int = 5) -> tuple[list[Tensor], Tensor]:
    shape = SHAPES.get(kind, (3,))
    logits = 2 if kind == "two logits" else 1
    weights = [draw.normal(6, torch.Size(shape).numel(), std=0.4), draw.normal(6, std=0.4), draw.normal(logits, 6),
               draw.normal(logits)]
    return weights, draw.normal(batch, *shape)


def _assert_norm(subject: Subject, draw: Draw, kind: str, forgiven: Iterable[Callable] = ()) -> None:
    weights, samples = _penalty_inputs(draw, kind)
    mine = subject.probe(penalty_of, kind, weights, samples)["values"]
    if any(is_close(mine, penalty_of(variant, kind, weights, samples)["values"]) for variant in forgiven):
        return
    expected = penalty_of(reference.squared_gradient_norm, kind, weights, samples)["values"]
    mistakes = ((penalty_of(v, kind, weights, samples)["values"], hint) for v, hint in NORM_MISTAKES)
    assert_close(mine, expected, mistakes=mistakes)


@check("stability.squared_gradient_norm", points=1, hint="One gradient a sample: differentiate the sum of the logits.")
def the_norm_of_each_point(subject: Subject, draw: Draw) -> None:
    for kind in ("flat", "no axis", "two logits"):
        _assert_norm(subject, draw, kind)
    one = subject.probe(penalty_of, "flat", *_penalty_inputs(draw, "flat", 1))["values"]
    if one.shape != (1,):
        raise Wrong(hint=f"One sample is a batch, too: its result has the shape (1,), not {tuple(one.shape)}. No squeeze().")
    if "ValueError" not in subject.probe(raised_by_norm, draw.normal(3)):
        raise Wrong(hint="A sample alone has no axis of a batch: raise a ValueError, as the code that was given does.")


def raised_by_norm(function: Callable, sample: Tensor) -> list[str]:
    """The names of the error that is raised for a sample without a batch, and of what it is a kind of; none for none."""
    try:
        function(torch.sum, sample)
    except NotImplementedError:
        raise
    except Exception as error:  # whatever it is, its names are the answer
        return [kind.__name__ for kind in type(error).__mro__]
    return []


@check("stability.squared_gradient_norm", points=2, hint="Sum over every axis but the batch: flatten(1), then sum(1).")
def the_norm_of_each_image_and_clip(subject: Subject, draw: Draw) -> None:
    for kind in ("images", "clips", "rows"):
        _assert_norm(subject, draw, kind, FORGIVEN)


@check("stability.squared_gradient_norm", points=2, hint="D's weights get another gradient from it than they should.")
def the_penalty_teaches_the_critic(subject: Subject, draw: Draw) -> None:
    weights, samples = _penalty_inputs(draw, "flat")
    mine = subject.probe(penalty_of, "flat", weights, samples)
    if not is_close(subject.probe(penalty_of, "flat", weights, samples, training=False)["gradient"], mine["gradient"]):
        raise Wrong(hint="In evaluation mode the critic's weights get another gradient from it: the same holds in either mode.")
    if not is_close(mine["left"], torch.zeros_like(mine["left"])):
        raise Wrong(hint="It leaves gradients in the critic's weights, and the next step takes them along: autograd.grad gives "
                    "the gradient for the samples alone, backward() leaves one everywhere.")
    level = [torch.zeros_like(value) for value in weights]
    if not subject.probe(penalty_of, "flat", level, samples)["gradient"].isfinite().all():
        raise Wrong(hint="Where the critic is level the gradient of the penalty is NaN: the slope of a root is infinite at 0. "
                    "Asked for are squares, and no root on the way.")
    for variant in FORGIVEN:
        own = penalty_of(variant, "flat", weights, samples)
        if all(is_close(mine[part], own[part]) for part in ("values", "gradient")):
            return
    expected = penalty_of(reference.squared_gradient_norm, "flat", weights, samples)["gradient"]
    nothing = (torch.zeros_like(expected), ("No gradient reaches the critic's weights: the penalty is a constant to them. "
               "autograd.grad must keep the graph of the gradient, create_graph=True, and nothing behind it may cut it "
               "(detach, item, no_grad)."))
    assert_close(mine["gradient"], expected, mistakes=[nothing])


# A step with a penalty

def least_squares(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Discriminator loss of Mao et al. 2017."""
    return ((real_logits - 1) ** 2).mean() + (fake_logits ** 2).mean()


def size_of_logits(discriminator: Callable, real: Tensor, fake: Tensor) -> Tensor:
    """A penalty that is easy to follow, and knows real from fake."""
    return discriminator(real).square().mean() + 3 * discriminator(fake).square().mean()


def after_steps(step: Callable, weights: list[Tensor], real: Tensor, z: Tensor, every: int, lr: float = 0.1,
                idle: float = 1.0, training: bool = True, norm: bool = False) -> dict:
    """Both networks after a step on each batch of `real` (S, B, 2) and `z` (S, B, 3), what it returned, and how far G's
    gradients are from those that it had, which are 1. The penalty is multiplied by `idle` where it is not due."""
    generator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    between = [nn.BatchNorm1d(8, affine=False)] if norm else []
    discriminator = nn.Sequential(nn.Linear(2, 8), *between, nn.Tanh(), nn.Linear(8, 1))
    with torch.no_grad():
        for parameter, value in zip([*generator.parameters(), *discriminator.parameters()], weights, strict=True):
            parameter.copy_(value)
    discriminator(real[0]).sum().backward()  # gradients of an earlier life
    for parameter in generator.parameters():
        parameter.grad = torch.ones_like(parameter)
    generator.train(training)
    discriminator.train(training)
    often = {"every": every} if every > 1 else {}
    optimizer = torch.optim.SGD(discriminator.parameters(), lr=lr)
    said = []
    for k, (x, n) in enumerate(zip(real, z, strict=True)):
        def penalty(discriminator: Callable, real: Tensor, fake: Tensor, share: float = idle if k % every else 1.0) -> Tensor:
            return share * size_of_logits(discriminator, real, fake)
        said.append(step(generator, discriminator, optimizer, x, n, loss=least_squares, penalty=penalty, weight=0.2,
                         step=k, **often))
    return {"D": {name: p.detach().clone() for name, p in discriminator.named_parameters()},
            "G": [p.detach().clone() for p in generator.parameters()], "losses": said,
            "G gradients": [-torch.ones_like(p) if p.grad is None else p.grad - 1 for p in generator.parameters()]}


def step_variant(fault: str = "") -> Callable:
    """A penalised step with one named fault."""
    def variant(generator, discriminator, optimizer, real, z, *, loss, penalty, weight, every=1, step=0):
        fake = generator(z) if fault == "attached" else generator(z).detach()
        logits = discriminator(real), discriminator(fake)
        total = loss(*(logits[::-1] if fault == "loss swapped" else logits))
        plain = total
        due = {"always": True, "never": False, "late": step % every == every - 1, "not at 0": step > 0 and step % every == 0,
               "all but": step % every != 0 or every == 1}.get(fault, step % every == 0)
        if due:
            value = penalty(discriminator, *{"swapped": (fake, real), "real alone": (real, real)}.get(fault, (real, fake)))
            value = value.detach() if fault == "detached" else value
            factor = {"not lazy": 1, "unweighted": every / weight, "divided": 1 / every}.get(fault, every)
            total = factor * total if fault == "both heavy" else total
            total = total - factor * weight * value if fault == "minus" else total + factor * weight * value
        elif fault == "idle":
            return total.detach()
        if fault == "apart":
            for term in ("loss", "penalty") if due else ("loss",):
                optimizer.zero_grad()
                (plain if term == "loss" else weight * every * penalty(discriminator, real, fake)).backward()
                optimizer.step()
            return total.detach()
        if fault not in ("stale", "cleared late"):
            optimizer.zero_grad()
        total.backward()
        if fault == "cleared":
            optimizer.zero_grad()
        for _ in range({"still": 0, "twice": 2}.get(fault, 1)):
            optimizer.step()
        if fault == "cleared late":
            optimizer.zero_grad()
        if fault == "after":
            total = loss(discriminator(real), discriminator(fake))
            total = total + weight * every * penalty(discriminator, real, fake) if due else total
        return (plain if fault == "loss alone" else total).detach()
    return variant


STEP_MISTAKES = {
    "stale": "Gradients of earlier steps are added to this one's: call zero_grad() before backward().",
    "cleared late": "You clear the gradients after the step, so the first one takes old ones along: zero_grad() before "
                    "backward().",
    "apart": "Loss and penalty make a step of the optimiser each. Add them, and make one step.",
    "still": "The weights did not move: is there a step() behind backward(), and no zero_grad() between them?",
    "twice": "It makes two steps with one gradient.",
    "loss swapped": "loss(real_logits, fake_logits), in this order.",
    "never": "The penalty does not reach the weights.",
    "detached": "The penalty does not reach the weights.",
    "minus": "The penalty is added to the loss, not subtracted: the discriminator is to keep it small.",
    "unweighted": "The penalty's weight is missing.",
    "swapped": "penalty(discriminator, real, fake), in this order.",
    "real alone": "penalty(discriminator, real, fake): it gets the fake samples, too.",
    "always": "The penalty is due in every `every`th step only: step % every == 0.",
    "late": "The penalty is due first in step 0: step % every == 0.",
    "not at 0": "The penalty is due in step 0, too, which is a multiple of everything.",
    "all but": "The penalty is due where step % every is 0, not where it is not.",
    "both heavy": "Only the penalty is `every` times as heavy, not the loss: every * weight * penalty.",
    "idle": "D learns in every step; only the penalty waits.",
    "not lazy": "A penalty that comes every k steps must be k times as heavy, or it is k times too weak.",
    "divided": "A penalty that comes every k steps must be k times as heavy; you divide.",
}


WHATEVER_EVERY = ["stale", "cleared late", "apart", "still", "twice", "loss swapped", "never", "minus", "unweighted", "swapped",
                  "real alone"]


def _assert_steps(subject: Subject, draw: Draw, every: int, forgiven: Iterable[str] = ()) -> None:
    weights, real, z = _step_inputs(draw)
    mine = subject.probe(after_steps, weights, real, z, every)
    expected = after_steps(reference.penalised_step, weights, real, z, every)
    if not is_close(mine["D"], expected["D"]) and any(
            is_close(mine["D"], after_steps(step_variant(fault), weights, real, z, every)["D"]) for fault in forgiven):
        return
    if any(not torch.equal(a, b) for a, b in zip(mine["G"], expected["G"], strict=True)):
        raise Wrong(hint="The generator's weights moved. Only the discriminator is trained here.")
    mistakes = ((after_steps(step_variant(f), weights, real, z, every)["D"], hint) for f, hint in STEP_MISTAKES.items())
    assert_close(mine["D"], expected["D"], mistakes=mistakes)


def _step_inputs(draw: Draw) -> tuple[list[Tensor], Tensor, Tensor]:
    shapes = [(8, 3), (8,), (2, 8), (2,), (8, 2), (8,), (1, 8), (1,)]
    return [draw.normal(*shape, std=0.5) for shape in shapes], draw.normal(5, 16, 2), draw.normal(5, 16, 3)


@check("stability.penalised_step", points=2, hint="Loss plus weight times penalty, then clear, backward, step.")
def leaves_the_right_weights(subject: Subject, draw: Draw) -> None:
    _assert_steps(subject, draw, 1)
    inputs = *_step_inputs(draw), 1
    if not is_close(subject.probe(after_steps, *inputs, norm=True)["D"],
                    after_steps(reference.penalised_step, *inputs, norm=True)["D"], rtol=1e-3):
        raise Wrong(hint="With batch norm in D the step is another one: real and fake must not share a batch, or their "
                         "statistics mix. Call D for each on its own.")


@check("stability.penalised_step", points=2, hint="Due where step % every == 0, and `every` times as heavy.")
def and_where_the_penalty_is_lazy(subject: Subject, draw: Draw) -> None:
    every = int(draw.integers(3, 5))
    _assert_steps(subject, draw, every, WHATEVER_EVERY)
    idle = subject.probe(after_steps, *_step_inputs(draw), every, 0.1, float("nan"))["D"]
    if not all(bool(value.isfinite().all()) for value in idle.values()):
        raise Wrong(hint="The penalty is worked out where it is not due, too, and multiplied by 0. Call it only where it is "
                    "due: the time that this saves is what a lazy penalty is for.")


@check("stability.penalised_step", points=1, hint="Return what was minimised, penalty included, detached.")
def cuts_the_generator_off_and_returns_the_loss(subject: Subject, draw: Draw) -> None:
    weights, real, z = _step_inputs(draw)
    mine = subject.probe(after_steps, weights, real, z, 2, 0.0, training=False)
    expected = after_steps(reference.penalised_step, weights, real, z, 2, 0.0)
    if any(value is None for value in mine["losses"]):
        raise Wrong(hint="The step returns None: return what was minimised.")
    if not all(isinstance(value, Tensor) for value in mine["losses"]):
        raise Wrong(hint="Return a tensor, detached: `duel` stacks what the steps return, and .item() gives a plain number.")
    if any(value.requires_grad for value in mine["losses"]):
        raise Wrong(hint="What you return still holds its graph: detach it.")
    own = subject.probe(after_steps, weights, real, z, 2)
    for fault in ("", *STEP_MISTAKES):  # what its own steps have minimised is right, too
        other = after_steps(step_variant(fault), weights, real, z, 2)
        if is_close(own["D"], other["D"]) and is_close(own["losses"], other["losses"]):
            break
    else:
        after = after_steps(step_variant("after"), weights, real, z, 2)
        if is_close(own["D"], after["D"]) and is_close(own["losses"], after["losses"]):
            raise Wrong(hint="You work it out anew after the step. Return what was minimised: what you called backward() of.")
        plain = after_steps(step_variant("loss alone"), weights, real, z, 2, 0.0)["losses"]
        assert_close(mine["losses"], expected["losses"], mistakes=[
            (plain, "You return the loss alone; minimised was loss plus penalty, where it is due.")])
    for got in mine["G gradients"]:
        assert_close(got, torch.zeros_like(got), mistakes=[
            (-torch.ones_like(got), "It clears the gradients of G, which is not its turn: G stays as it is."),
            (got, "D's turn sends a gradient into G: detach the fake samples.")])


# Losses of pairs

def _pairing(up: Tensor, down: Tensor) -> Tensor:
    """The loss of who wants the first logits above the second ones: D the real ones above the fake ones, G the other way."""
    return nn.functional.softplus(down - up).mean()


def _average(up: Tensor, down: Tensor) -> Tensor:
    """The relativistic average loss: each logit is compared with the mean of the other side."""
    return nn.functional.softplus(down.mean() - up).mean() + nn.functional.softplus(down - up.mean()).mean()


UNPAIRED = ("These are chapter 2's losses, each logit on its own: here softplus takes the *difference* of the two logits of a "
            "pair.")
MEAN_FIRST = "softplus of the mean difference: take softplus of each pair's difference first, then the mean."
ALL_PAIRS = "You compare each real logit with every fake one. A pair is the real and the fake logit in the same place."
AVERAGE = ("This is the relativistic *average* loss, which compares each logit with the other side's mean. Here each has one "
           "partner, in the same place.")
DIFFERENCES = "This is the mean difference itself, as a Wasserstein critic has it. Here softplus is taken of each difference."
SATURATING = "This one saturates: it is minus the other player's loss. G minimises softplus(real - fake)."
PAIR_MISTAKES: list[tuple[Callable, str]] = [
    (lambda u, d: nn.functional.softplus(u - d).mean(), ""),  # the other player's loss; the words are known by the caller
    (lambda u, d: nn.functional.softplus(d.mean() - u.mean()), MEAN_FIRST),
    (lambda u, d: -_pairing(d, u), SATURATING),
    (lambda u, d: -_pairing(u, d), "The sign: a loss is minimised. -log sigmoid(s) is softplus(-s), at least 0."),
    (lambda u, d: nn.functional.softplus(d - u).sum(), "You take the sum over the pairs; asked for is their mean."),
    (lambda u, d: nn.functional.softplus(d - u).sum(0).mean(), "You take the sum over the pairs; asked for is their mean."),
    (lambda u, d: nn.functional.softplus(d - u).sum(-1).mean(),
     "You add up what the logits of a sample give: the mean over them, too."),
    (lambda u, d: nn.functional.softplus(d.sum(-1) - u.sum(-1)).mean(),
     "You add up logits before softplus: each place makes a pair of its own."),
    (lambda u, d: nn.functional.softplus(d.mean(-1) - u.mean(-1)).mean(),
     MEAN_FIRST + " Each of a sample's k logits makes a pair of its own."),
    (lambda u, d: nn.functional.softplus(d[..., :1] - u[..., :1]).mean(), "Only the first logit is used: each makes a pair."),
    (lambda u, d: _pairing(u, d) / 2, "Half of what is asked: the mean over the pairs, with no factor."),
    (lambda u, d: 2 * _pairing(u, d), "Twice what is asked: the mean over the pairs, with no factor."),
    (lambda u, d: nn.functional.softplus(-u).mean() + nn.functional.softplus(d).mean(), UNPAIRED),
    (lambda u, d: (nn.functional.softplus(-u).mean() + nn.functional.softplus(d).mean()) / 2, UNPAIRED),
    (lambda u, d: nn.functional.softplus(-u).mean(), UNPAIRED),
    (lambda u, d: -nn.functional.softplus(u).mean(), UNPAIRED),
    (lambda u, d: nn.functional.softplus(d.flatten()[:, None] - u.flatten()).mean(), ALL_PAIRS),
    (lambda u, d: nn.functional.softplus(d[:, None] - u[None]).mean(), ALL_PAIRS),
    (lambda u, d: nn.functional.softplus(d[:, None] - u[None]).sum(), ALL_PAIRS),
    (lambda u, d: _average(u, d), AVERAGE),
    (lambda u, d: _average(u, d) / 2, AVERAGE),
    (lambda u, d: nn.functional.softplus(d.mean() - u).mean(), AVERAGE),
    (lambda u, d: nn.functional.softplus(d - u.mean()).mean(), AVERAGE),
    (lambda u, d: d.mean() - u.mean(), DIFFERENCES),
    (lambda u, d: nn.functional.relu(1 + d - u).mean(), "This is the hinge of the difference; asked for is its softplus."),
    (lambda u, d: (d - u - 1).square().mean(), "These are squares; asked for is softplus of each difference."),
    (lambda u, d: (u - d - 1).square().mean(), "These are squares; asked for is softplus of each difference."),
    (lambda u, d: torch.sigmoid(d - u).mean(), "The logarithm is missing: softplus(s) = -log sigmoid(-s)."),
    (lambda u, d: nn.functional.softplus(d.sigmoid() - u.sigmoid()).mean(), "A sigmoid too many: the logits are compared."),
    (lambda u, d: nn.functional.softplus((d - u).sigmoid()).mean(), "A sigmoid too many: softplus takes the difference."),
    (lambda u, d: nn.functional.softplus(-(u - d).sigmoid()).mean(),
     "A sigmoid too many: binary_cross_entropy_with_logits and softplus take the difference itself."),
    (lambda u, d: nn.functional.softplus(d + u).mean(), "The logits are added; the loss is about their difference."),
    (lambda u, d: nn.functional.softplus((d - u).abs()).mean(), "The sign of the difference is lost: no abs(), no square."),
    (lambda u, d: _pairing(u, d) / torch.tensor(2.0).log(), "Your unit is the bit (log2). These are natural logarithms."),
    (lambda u, d: _pairing(u, d.flip(0)), ALL_PAIRS),
]
SAME = "Both losses want the same: D wants the real logit above the fake one, G the fake one above the real."
EXCHANGED = "D's loss comes first: softplus(fake - real), then G's, softplus(real - fake)."
PLAYERS = ("D's loss", "G's loss")


def _losses(found: object) -> list[Tensor]:
    """Both losses of a subject, one number each."""
    if not isinstance(found, list | tuple) or len(found) != 2:
        raise Wrong(hint="Return two things: D's loss, then G's.")
    losses = [torch.as_tensor(one) if isinstance(one, int | float | Tensor) else torch.zeros(0) for one in found]
    if any(one.ndim for one in losses):
        raise Wrong(hint="Each loss is one number, a tensor without axes: the mean over all pairs.")
    return losses


def _assert_pairing(subject: Subject, real: Tensor, fake: Tensor, forgiven: Iterable[Callable] = ()) -> None:
    found = _losses(subject(real, fake))
    if any(is_close(torch.stack(found), torch.stack(variant(real, fake))) for variant in forgiven):
        return
    right = [_pairing(real, fake), _pairing(fake, real)]
    if is_close(found[0], right[1]) and is_close(found[1], right[0]):
        raise Wrong(hint=EXCHANGED)
    for player, mine, (up, down) in zip(PLAYERS, found, ((real, fake), (fake, real)), strict=True):
        mistakes = ((wrong(up, down), f"{player}: {hint}" if hint else SAME) for wrong, hint in PAIR_MISTAKES)
        assert_close(mine, _pairing(up, down), mistakes=mistakes)


def pair_variant(factor: Callable = lambda logits: 1.0, swapped: bool = False) -> Callable:
    """Both losses, with a factor or in the other order."""
    def variant(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        both = factor(real) * _pairing(real, fake), factor(real) * _pairing(fake, real)
        return both[::-1] if swapped else both
    return variant


FORGIVEN_PAIRS = [pair_variant(lambda logits: 0.5), pair_variant(torch.numel), pair_variant(swapped=True)]  # they have cost


@check("stability.pairing_losses", points=1, hint="D: the mean of softplus(fake - real). G: the mean of softplus(real - fake).")
def compares_each_real_sample_with_its_partner(subject: Subject, draw: Draw) -> None:
    size = int(draw.integers(5, 12))
    _assert_pairing(subject, draw.normal(size, mean=0.7, std=2), draw.normal(size, std=2))


@check("stability.pairing_losses", points=1, hint="(B, k): each of the B k places is a pair.")
def and_several_logits_a_sample(subject: Subject, draw: Draw) -> None:
    shape = int(draw.integers(5, 9)), int(draw.integers(2, 5))
    for size in (shape, (shape[0], 1)):
        _assert_pairing(subject, draw.normal(*size, mean=0.7, std=2), draw.normal(*size, std=2), FORGIVEN_PAIRS)


def pair_slopes(function: Callable, real: Tensor, fake: Tensor) -> dict:
    """Gradients of both losses for both sides, 0 where none arrives."""
    real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
    found, slopes = function(real, fake), {}
    d, g = torch.as_tensor(found[0]), torch.as_tensor(found[1])
    for name, loss, at in (("D's loss, real", d, real), ("D's loss, fake", d, fake), ("G's loss, fake", g, fake),
                           ("G's loss, real", g, real)):
        grad = torch.autograd.grad(loss.sum(), at, retain_graph=True, allow_unused=True)[0] if loss.requires_grad else None
        slopes[name] = torch.zeros_like(at) if grad is None else grad
    return slopes


def _assert_slopes(subject: Subject, real: Tensor, fake: Tensor, *, but: str = "") -> None:
    _losses(subject(real, fake))
    mine, expected = subject.probe(pair_slopes, real, fake), pair_slopes(reference.pairing_losses, real, fake)
    if any(is_close(mine, pair_slopes(variant, real, fake)) for variant in FORGIVEN_PAIRS):
        return
    for name, value in expected.items():
        if name == but:
            continue
        nothing = (torch.zeros_like(value), f"No gradient arrives from {name.replace(', ', ' at the ')} logits: no detach, no "
                                            "item(), no no_grad(). What must not learn is detached by the step.")
        assert_close(mine[name], value, mistakes=[nothing])


@check("stability.pairing_losses", points=1, hint="Both losses have a slope for both sides of a pair: detach nothing.")
def teaches_both_players(subject: Subject, draw: Draw) -> None:
    size = int(draw.integers(4, 8))
    _assert_slopes(subject, draw.normal(size, 2, std=2), draw.normal(size, 2, std=2))


@check("stability.pairing_losses", points=1,
       hint="exp() of a large logit is infinite, and sigmoid rounds to 0 or 1: softplus(s) stays exact.")
def exact_for_a_very_sure_discriminator_(subject: Subject, draw: Draw) -> None:
    sure = [(draw.uniform(6, low=low, high=high), draw.uniform(6, low=-high, high=-low)) for low, high in (
        (12, 17), (60, 90), (400, 450))]
    sides = [pair for real, fake in sure for pair in ((real, fake), (fake, real))]
    for real, fake in sides:
        _assert_exact_pairs(subject, real, fake)
    for real, fake in sides:
        _assert_slopes(subject, real, fake, but="G's loss, real")  # which costs points above


def _assert_exact_pairs(subject: Subject, real: Tensor, fake: Tensor) -> None:
    found = _losses(subject(real, fake))
    if any(not bool(one.isfinite()) for one in found):
        raise Wrong(hint="Infinite or NaN for a very sure discriminator: exp() of a large number is infinite, and sigmoid "
                    "rounds to 0, which has no logarithm. softplus(s) is log(1 + exp(s)) without that.")
    if any(is_close(torch.stack(found), torch.stack(variant(real, fake))) for variant in FORGIVEN_PAIRS):
        return
    for mine, wanted in zip(found, (_pairing(real, fake), _pairing(fake, real)), strict=True):
        if not is_close(mine, wanted) and 0 < mine < wanted:
            raise Wrong(hint="For a very sure discriminator the loss stops growing: something cuts it off (a clamp(), a small "
                        "number in the logarithm, binary_cross_entropy). softplus(s) needs none of that.")
        assert_close(mine, wanted)


# Statistics of a batch

def std_of(layer_class: type, features: Tensor, before: Tensor | None = None, training: bool = True) -> dict:
    """The layer's output, after a batch of others where there is one, and the gradient for the features of all of it, each
    number with a weight of its own."""
    layer = layer_class().train(training)
    if before is not None:
        layer(before)
    plain = layer(features)
    features = features.clone().requires_grad_()
    output = layer(features)
    grad = torch.zeros_like(features)
    if output.requires_grad and output.ndim == 2:
        grad = torch.autograd.grad((output * column_weights(output)).sum(), features, allow_unused=True)[0]
    return {"output": plain.detach(), "gradient": torch.zeros_like(features) if grad is None else grad}


def column_weights(output: Tensor) -> Tensor:
    """A weight for each number of (B, F)."""
    return torch.linspace(1, 3, output.numel()).reshape(output.shape)


def _std(features: Tensor, fault: str = "") -> Tensor:
    across = fault in ("axis", "axis, then the mean")
    variance = features.var(dim=1 if across else 0, unbiased=fault == "unbiased")
    levels = variance if fault == "variance" else (variance + 1e-8).sqrt()
    if fault == "axis":
        return torch.cat([features, levels[:, None]], 1)
    if fault == "mean first":
        levels = features.mean(1).std(unbiased=False)
    if fault == "mean deviation":
        levels = (features - features.mean(0)).abs().mean(0)
    if fault == "root of the mean":
        levels = (variance.mean() + 1e-8).sqrt()
    level = features.std(unbiased=False) if fault == "all" else levels.sum() if fault == "sum" else levels.mean()
    column = level.expand(len(features), 1)
    if fault == "alone":
        return column
    return torch.cat([column, features] if fault == "first" else [features, column], 1)


STD_MISTAKES = {
    "axis": "You compare the features of one sample. Compare the samples of the batch, feature by feature: dim=0.",
    "axis, then the mean": "You compare the features of one sample. Compare the samples of the batch, feature by feature: "
                           "dim=0.",
    "unbiased": "Divide by B, not by B - 1: unbiased=False.",
    "mean first": "First the deviation of each feature over the batch, then the mean over the features; you do it the other "
                  "way round.",
    "mean deviation": "This is the mean absolute deviation. Standard deviation: the root of the mean square.",
    "variance": "This is the variance; take the root.",
    "root of the mean": "First the root of each feature's variance, then the mean over the features.",
    "all": "One standard deviation over everything mixes features of different size: one for each feature, then the mean.",
    "sum": "The mean over the features, not the sum.",
    "first": "The new feature comes last.",
    "alone": "Keep the features: the new one stands behind them.",
}


@check("stability.MinibatchStd", points=2, hint="Standard deviation over the batch, mean over the features, as a column.")
def says_how_much_the_samples_differ(subject: Subject, draw: Draw) -> None:
    features = draw.normal(6, 4) * torch.tensor([0.5, 1.0, 2.0, 4.0]) + draw.normal(4)
    for some in (features, draw.normal(8, 3)):
        mistakes = [(_std(some, fault), hint) for fault, hint in STD_MISTAKES.items()]
        assert_close(subject.probe(std_of, some)["output"], _std(some), mistakes=mistakes)
    others = 3 * draw.normal(6, 4)
    kept = torch.cat([features, _std(others)[:, -1:]], 1)
    assert_close(subject.probe(std_of, features, others)["output"], _std(features), mistakes=[
        (kept, "The second batch gets the number of the first: work it out anew in each call.")])
    if not is_close(subject.probe(std_of, features, None, False)["output"], _std(features)):
        raise Wrong(hint="In evaluation mode it gives something else: it is the same there.")


@check("stability.MinibatchStd", points=1, hint="The gradient must find its way through it to G: no detach, no item().")
def lets_the_gradient_through(subject: Subject, draw: Draw) -> None:
    features = draw.normal(5, 3)
    mine, expected = subject.probe(std_of, features)["gradient"], std_of(reference.MinibatchStd, features)["gradient"]
    if any(is_close(mine, _std_slope(features, fault)) for fault in STD_MISTAKES):
        return  # the gradient of what it computes arrives
    kept = column_weights(_std(features))[:, :-1]  # what comes through the features that stay
    assert_close(mine, expected, mistakes=[
        (kept, "No gradient comes through the new feature: no detach, no item(), no no_grad()."),
        (expected - kept, "No gradient comes through the features that stay: only the new one is worked out, no detach()."),
        (torch.zeros_like(mine), "No gradient comes through it at all: no detach, no item(), no no_grad().")])


def _std_slope(features: Tensor, fault: str) -> Tensor:
    features = features.clone().requires_grad_()
    output = _std(features, fault)
    return torch.autograd.grad((output * column_weights(output)).sum(), features)[0]


@check("stability.MinibatchStd", points=1, hint="A collapsed batch has variance 0, where a root has no slope: add 1e-8 first.")
def bears_a_collapsed_batch(subject: Subject, draw: Draw) -> None:
    features = draw.normal(1, 3).expand(4, 3)
    mine, expected = subject.probe(std_of, features), std_of(reference.MinibatchStd, features)
    if not bool(mine["gradient"].isfinite().all()):
        raise Wrong(hint="Where all samples are alike its gradient is NaN: the variance is 0, where a root has no slope. Add "
                    "1e-8 to the variance, before the root.")
    others = draw.normal(4, 3)
    for fault in ("variance", "sum", "first"):  # they have cost their points
        if all(is_close(subject.probe(std_of, x)["output"], _std(x, fault)) for x in (features, others)):
            return
    without = torch.cat([features, torch.zeros(4, 1)], 1)
    assert_close(mine["output"], expected["output"], mistakes=[
        (without, "Where all samples are alike the new feature is 1e-4, the root of 1e-8: add it to the variance, before the "
         "root.")])
    assert_close(mine["output"][0, -1] * 1e4, torch.tensor(1.0), atol=1e-2)
    alone, large = (subject.probe(std_of, x)["output"] for x in (features[:1], draw.normal(1, 3, mean=5.0).expand(7, 3)))
    unbiased = is_close(subject.probe(std_of, others)["output"], _std(others, "unbiased"))  # that has cost its points
    if not unbiased and not is_close(alone[:, -1] * 1e4, torch.ones(1), atol=1e-2):
        raise Wrong(hint="A batch of one sample has variance 0, too: its new feature is 1e-4, the root of 1e-8.")
    if not is_close(large[:, -1] * 1e4, torch.ones(7), atol=1e-2):
        raise Wrong(hint="Seven samples alike, with features of about 5: expected 1e-4. The mean of squares less the squared "
                    "mean loses its digits: square what is left when the mean is taken off, or call var().")
    kept = column_weights(mine["output"])[:, :-1]
    if not is_close(mine["gradient"], expected["gradient"] - kept):  # cut off from the features that stay: that, too
        assert_close(mine["gradient"], expected["gradient"])


written("stability.why_it_circles", points=4, rubric="""
- 1 point: the eigenvalues of the game without a penalty are imaginary, so it circles (or spirals outward in steps of
  finite length); a smaller learning rate changes the speed and not the direction.
- 1 point: R1 acts as friction on the discriminator: real parts negative; too much of it is slow again.
- 1 point: why the penalty of WGAN-GP does not settle here: it wants slope 1 where the equilibrium needs slope 0.
- 1 point: a test on a real run that could come out either way.
""")
