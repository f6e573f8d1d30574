"""Checks of chapter 5."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from solutions import stability as reference

from . import Draw, Subject, Wrong, assert_close, check, written

# How many modes

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
]


@check("stability.effective_modes", points=2, hint="Shares of the kinds, their entropy -sum p log p, its exponential.")
def weighs_each_kind_by_its_share(subject: Subject, draw: Draw) -> None:
    labels = torch.cat([torch.arange(5), torch.arange(5).repeat_interleave(draw.integers(2, 40, 5))])
    labels = labels[torch.randperm(len(labels), generator=draw.generator)]
    shares = labels.bincount() / len(labels)
    mistakes = ((wrong(shares), hint) for wrong, hint in MODE_MISTAKES)
    assert_close(subject(labels), reference.effective_modes(labels), mistakes=mistakes)


@check("stability.effective_modes", points=1,
       hint="A kind that never occurs adds 0, but 0 * log(0) is NaN: torch.special.entr.")
def bears_kinds_that_never_occur(subject: Subject, draw: Draw) -> None:
    labels = 3 * draw.integers(0, 3, 30) + 1
    assert_close(subject(labels), reference.effective_modes(labels))
    assert_close(subject(torch.full((int(draw.integers(2, 9)),), 4)), 1.0)


# The Dirac-GAN

def _dirac(theta: Tensor, psi: Tensor, lr: float, gamma: float, fault: str = "") -> Tensor:
    """A step of the Dirac-GAN with one named fault, both numbers stacked."""
    weight_g = torch.sigmoid(-psi * theta if fault == "non-saturating" else psi * theta)
    weight_d = torch.sigmoid(psi * theta)
    if fault == "no sigmoid":
        weight_g, weight_d = torch.ones_like(psi), torch.ones_like(psi)
    slope_g = -weight_g * psi
    new_theta = theta - lr * slope_g * (-1 if fault == "sign of G" else 1)
    at = new_theta if fault == "alternating" else theta
    slope_d = torch.sigmoid(psi * at) * at if fault == "alternating" else weight_d * theta
    slope_d = slope_d * (-1 if fault == "sign of D" else 1)
    friction = {"no penalty": 0.0, "half": gamma / 2, "double": 2 * gamma, "sign": -gamma}.get(fault, gamma)
    if fault == "penalty on theta":
        slope_d, friction = slope_d + gamma * theta, 0.0
    return torch.stack([new_theta, psi - lr * (slope_d + friction * psi)])


DIRAC_MISTAKES = {
    "alternating": "D sees the new theta. Both step at once: compute both slopes before either of them moves.",
    "sign of G": "The generator climbs its loss: its step is theta minus lr times the slope.",
    "sign of D": "The discriminator climbs its loss: its step is psi minus lr times the slope.",
    "no sigmoid": "The slope of softplus(s) is sigmoid(s), and the slope of s itself comes on top.",
    "non-saturating": "This is the slope of the non-saturating loss. Here G minimises -softplus(psi theta).",
    "no penalty": "The penalty gamma psi^2 / 2 has a slope too.",
    "half": "The slope of gamma psi^2 / 2 is gamma psi: the 2 of the square cancels the half.",
    "double": "The slope of gamma psi^2 / 2 is gamma psi: the 2 of the square cancels the half.",
    "sign": "The penalty's slope belongs to D's loss with a plus.",
    "penalty on theta": "The penalty is on D's slope psi, not on where the generator stands.",
}


def _assert_dirac(subject: Subject, draw: Draw, gamma: float) -> None:
    theta, psi, lr = draw.normal(5, std=2), draw.normal(5, std=2), draw.uniform(1, low=0.1, high=0.5).item()
    found = subject(theta, psi, lr=lr, gamma=gamma)
    if not isinstance(found, list | tuple) or len(found) != 2:
        raise Wrong(hint="Return two things: theta and psi after the step.")
    mistakes = [(_dirac(theta, psi, lr, gamma, fault), hint) for fault, hint in DIRAC_MISTAKES.items()]
    mistakes.append((_dirac(theta, psi, lr, gamma).flip(0), "theta first, then psi."))
    found = [torch.as_tensor(one) if not isinstance(one, Subject) else one for one in found]
    if any(not isinstance(one, Tensor) or one.shape != theta.shape for one in found):
        raise Wrong(hint=f"theta and psi keep their shape, here {tuple(theta.shape)}.")
    assert_close(torch.stack(found), _dirac(theta, psi, lr, gamma), mistakes=mistakes)


@check("stability.dirac_step", points=2, hint="Differentiate each player's own loss with respect to its own number.")
def goes_downhill_for_both(subject: Subject, draw: Draw) -> None:
    _assert_dirac(subject, draw, 0.0)


@check("stability.dirac_step", points=2, hint="R1 adds gamma psi^2 / 2 to D's loss.")
def and_with_the_penalty(subject: Subject, draw: Draw) -> None:
    _assert_dirac(subject, draw, draw.uniform(1, low=0.3, high=2).item())


RATE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda e: e.real.min(), "The *largest* real part decides: the slowest direction is what remains."),
    (lambda e: e.abs().max(), "This is the modulus. In small steps the real part decides: negative shrinks."),
    (lambda e: e.imag.max(), "This is the imaginary part: how fast it turns, not how fast it shrinks."),
    (lambda e: -e.real.max(), "The sign: where distances shrink, the rate is negative."),
    (lambda e: e.real.max() * 2, "A factor of 2: the slope of the sigmoid's argument at 0 has weight sigmoid(0) = 1/2."),
    (lambda e: e.real.mean(), "The mean of both; the largest real part decides."),
]


def _eigenvalues(gamma: float, half: float = 0.5, friction: float = 1.0) -> Tensor:
    return torch.linalg.eigvals(torch.tensor([[0.0, half], [-half, -friction * gamma]], dtype=torch.float64))


@check("stability.convergence_rate", points=2, hint="The Jacobian at (0, 0) is [[0, 1/2], [-1/2, -gamma]].")
def is_the_largest_real_part(subject: Subject, draw: Draw) -> None:
    _assert_rate(subject, draw.uniform(1, low=0.2, high=0.8).item())


@check("stability.convergence_rate", points=2, hint="Above 1 the eigenvalues are real: both are negative, one is near 0.")
def also_where_the_penalty_is_heavy(subject: Subject, draw: Draw) -> None:
    _assert_rate(subject, draw.uniform(1, low=2.3, high=6).item())


def _assert_rate(subject: Subject, gamma: float) -> None:
    right = _eigenvalues(gamma)
    mistakes = [(wrong(right), hint) for wrong, hint in RATE_MISTAKES]
    mistakes += [(_eigenvalues(gamma, half=1.0).real.max(), "At (0, 0) each sigmoid is 1/2, not 1."),
                 (_eigenvalues(gamma, friction=0.5).real.max(), "The slope of gamma psi^2 / 2 is gamma psi."),
                 (torch.linalg.eigvals(torch.tensor([[0.0, 0.5], [0.5, -gamma]])).real.max(),
                  "One of the two 1/2 has a minus: psi falls where theta is positive."),
                 (torch.linalg.eigvals(torch.tensor([[0.0, 0.5], [-0.5, gamma]])).real.max(),
                  "The penalty brakes: it stands in the Jacobian with a minus.")]
    assert_close(subject(gamma), right.real.max(), mistakes=mistakes)


# The penalty

def small_critic(kind: str, weights: list[Tensor]) -> nn.Module:
    """A smooth critic with these weights: of flat samples (B, 3), images (B, 2, 4, 5) or clips (B, 3, 2, 4, 5)."""
    size = {"flat": 3, "images": 40, "clips": 120}[kind]
    critic = nn.Sequential(nn.Flatten(), nn.Linear(size, 6), nn.Tanh(), nn.Linear(6, 1))
    with torch.no_grad():
        for parameter, value in zip(critic.parameters(), weights, strict=True):
            parameter.copy_(value)
    return critic


def penalty_of(function: Callable, kind: str, weights: list[Tensor], samples: Tensor) -> dict:
    """What the function gives, and the gradient of its weighted sum for the critic's first weights: 0 where none comes."""
    critic: Any = small_critic(kind, weights)
    values = function(critic, samples)
    total = (values * torch.linspace(1, 2, values.numel()).view(values.shape)).sum()
    if total.requires_grad:
        total.backward()
    grad = critic[1].weight.grad
    return {"values": values.detach(), "gradient": torch.zeros_like(critic[1].weight) if grad is None else grad.clone()}


SHAPES = {"flat": (3,), "images": (2, 4, 5), "clips": (3, 2, 4, 5)}


def norm_variant(mean: bool = False, axes: str = "all", root: bool = False, graph: bool = True,
                 average: bool = False) -> Callable:
    """The squared norm with named faults."""
    def variant(critic: Callable, samples: Tensor) -> Tensor:
        samples = samples.detach().requires_grad_()
        logits = critic(samples)
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
]


def _penalty_inputs(draw: Draw, kind: str) -> tuple[list[Tensor], Tensor]:
    size = torch.Size(SHAPES[kind]).numel()
    weights = [draw.normal(6, size, std=0.4), draw.normal(6, std=0.4), draw.normal(1, 6), draw.normal(1)]
    return weights, draw.normal(5, *SHAPES[kind])


def _assert_norm(subject: Subject, draw: Draw, kind: str) -> None:
    weights, samples = _penalty_inputs(draw, kind)
    mine = subject.probe(penalty_of, kind, weights, samples)["values"]
    expected = penalty_of(reference.squared_gradient_norm, kind, weights, samples)["values"]
    mistakes = ((penalty_of(v, kind, weights, samples)["values"], hint) for v, hint in NORM_MISTAKES)
    assert_close(mine, expected, mistakes=mistakes)


@check("stability.squared_gradient_norm", points=1, hint="One gradient a sample: differentiate the sum of the logits.")
def the_norm_of_each_point(subject: Subject, draw: Draw) -> None:
    _assert_norm(subject, draw, "flat")


@check("stability.squared_gradient_norm", points=2, hint="Sum over every axis but the batch: flatten(1), then sum(1).")
def the_norm_of_each_image_and_clip(subject: Subject, draw: Draw) -> None:
    _assert_norm(subject, draw, "images")
    _assert_norm(subject, draw, "clips")


@check("stability.squared_gradient_norm", points=2, hint="D's weights get another gradient from it than they should.")
def the_penalty_teaches_the_critic(subject: Subject, draw: Draw) -> None:
    weights, samples = _penalty_inputs(draw, "flat")
    mine = subject.probe(penalty_of, "flat", weights, samples)["gradient"]
    expected = penalty_of(reference.squared_gradient_norm, "flat", weights, samples)["gradient"]
    nothing = (torch.zeros_like(expected), ("No gradient reaches the critic's weights: the penalty is a constant to them. "
               "autograd.grad must keep the graph of the gradient: create_graph=True."))
    assert_close(mine, expected, mistakes=[nothing])


# A step with a penalty

def least_squares(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Discriminator loss of Mao et al. 2017."""
    return ((real_logits - 1) ** 2).mean() + (fake_logits ** 2).mean()


def size_of_logits(discriminator: Callable, real: Tensor, fake: Tensor) -> Tensor:
    """A penalty that is easy to follow, and knows real from fake."""
    return discriminator(real).square().mean() + 3 * discriminator(fake).square().mean()


def after_steps(step: Callable, weights: list[Tensor], real: Tensor, z: Tensor, every: int) -> dict:
    """Both networks after a step on each batch of `real` (S, B, 2) and `z` (S, B, 3), what it returned, G's gradients."""
    generator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    with torch.no_grad():
        for parameter, value in zip([*generator.parameters(), *discriminator.parameters()], weights, strict=True):
            parameter.copy_(value)
    discriminator(real[0]).sum().backward()  # gradients of an earlier life
    optimizer = torch.optim.SGD(discriminator.parameters(), lr=0.1)
    said = [step(generator, discriminator, optimizer, x, n, loss=least_squares, penalty=size_of_logits, weight=0.2,
                 every=every, step=k) for k, (x, n) in enumerate(zip(real, z, strict=True))]
    return {"D": {name: p.detach().clone() for name, p in discriminator.named_parameters()},
            "G": [p.detach().clone() for p in generator.parameters()], "losses": said,
            "G gradients": [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in generator.parameters()]}


def step_variant(fault: str = "") -> Callable:
    """A penalised step with one named fault."""
    def variant(generator, discriminator, optimizer, real, z, *, loss, penalty, weight, every=1, step=0):
        fake = generator(z) if fault == "attached" else generator(z).detach()
        total = loss(discriminator(real), discriminator(fake))
        due = {"always": True, "never": False, "late": step % every == every - 1,
               "all but": step % every != 0 or every == 1}.get(fault, step % every == 0)
        if due:
            value = penalty(discriminator, *((fake, real) if fault == "swapped" else (real, fake)))
            value = value.detach() if fault == "detached" else value
            factor = {"not lazy": 1, "unweighted": every / weight, "divided": 1 / every}.get(fault, every)
            total = total - factor * weight * value if fault == "minus" else total + factor * weight * value
        if fault != "stale":
            optimizer.zero_grad()
        total.backward()
        if fault != "still":
            optimizer.step()
        return total.detach()
    return variant


STEP_MISTAKES = {
    "stale": "Gradients of earlier steps are added to this one's: call zero_grad() before backward().",
    "still": "The weights did not move: is there a step() behind backward()?",
    "never": "The penalty does not reach the weights.",
    "detached": "The penalty does not reach the weights.",
    "minus": "The penalty is added to the loss, not subtracted: the discriminator is to keep it small.",
    "unweighted": "The penalty's weight is missing.",
    "swapped": "penalty(discriminator, real, fake), in this order.",
    "always": "The penalty is due in every `every`th step only: step % every == 0.",
    "late": "The penalty is due first in step 0: step % every == 0.",
    "all but": "The penalty is due where step % every is 0, not where it is not.",
    "not lazy": "A penalty that comes every k steps must be k times as heavy, or it is k times too weak.",
    "divided": "A penalty that comes every k steps must be k times as heavy; you divide.",
}


def _assert_steps(subject: Subject, draw: Draw, every: int) -> None:
    weights, real, z = _step_inputs(draw)
    mine = subject.probe(after_steps, weights, real, z, every)
    expected = after_steps(reference.penalised_step, weights, real, z, every)
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


@check("stability.penalised_step", points=2, hint="Due where step % every == 0, and `every` times as heavy.")
def and_where_the_penalty_is_lazy(subject: Subject, draw: Draw) -> None:
    _assert_steps(subject, draw, int(draw.integers(2, 4)))


@check("stability.penalised_step", points=1, hint="Return what was minimised, penalty included, detached.")
def cuts_the_generator_off_and_returns_the_loss(subject: Subject, draw: Draw) -> None:
    weights, real, z = _step_inputs(draw)
    mine = subject.probe(after_steps, weights, real, z, 2)
    expected = after_steps(reference.penalised_step, weights, real, z, 2)
    if any(value is None for value in mine["losses"]):
        raise Wrong(hint="The step returns None: return what was minimised.")
    if any(isinstance(value, Tensor) and value.requires_grad for value in mine["losses"]):
        raise Wrong(hint="What you return still holds its graph: detach it.")
    for got, wanted in zip(mine["losses"], expected["losses"], strict=True):
        assert_close(got, wanted)
    for got in mine["G gradients"]:
        assert_close(got, torch.zeros_like(got), mistakes=[(got, "D's turn sends a gradient into G: detach the fake samples.")])


# Clipping

CLIP_MISTAKES = {
    "each": "You clip every tensor on its own. That bends the direction: take one norm of all of them, and one factor.",
    "value": "You clip every number on its own. That bends the direction: scale all of them by one factor.",
    "always": "Gradients that are short enough stay as they are: the factor is at most 1.",
    "never": "The gradients are as they were: change them in place, e.g. with mul_.",
    "squared": "This is the square of the norm.",
}


def clip_variant(fault: str) -> Callable:
    """Clipping with one named fault."""
    def variant(parameters, max_norm):
        grads = [p.grad for p in parameters if p.grad is not None]
        norm = torch.stack([g.norm() for g in grads]).norm()
        measure = norm.square() if fault == "squared" else norm
        for g in grads:
            if fault == "each":
                g.mul_((max_norm / g.norm()).clamp(max=1))
            elif fault == "value":
                g.clamp_(-max_norm, max_norm)
            elif fault == "always":
                g.mul_(max_norm / norm)
            elif fault != "never":
                g.mul_((max_norm / measure).clamp(max=1))
        return measure
    return variant


def clipped(function: Callable, gradients: list[Tensor], max_norm: float) -> dict:
    """The gradients after clipping, and what it returned; one more parameter has none."""
    parameters: list[Any] = [nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    norm = function(iter([nn.Parameter(torch.zeros(2)), *parameters]), max_norm)
    return {"norm": norm, "gradients": {str(k): p.grad.clone() for k, p in enumerate(parameters)}}


def _assert_clipped(subject: Subject, gradients: list[Tensor], max_norm: float) -> dict:
    mine, expected = (f(gradients, max_norm) for f in (
        lambda *args: subject.probe(clipped, *args), lambda *args: clipped(reference.clip_gradients, *args)))
    mistakes = ((clipped(clip_variant(f), gradients, max_norm)["gradients"], hint) for f, hint in CLIP_MISTAKES.items())
    assert_close(mine["gradients"], expected["gradients"], mistakes=mistakes, rtol=1e-3)
    return mine


@check("stability.clip_gradients", points=2, hint="Long gradients: multiply all of them by max_norm / norm.")
def shortens_what_is_too_long(subject: Subject, draw: Draw) -> None:
    gradients = [draw.normal(3, 4, std=3), draw.normal(5, std=3), draw.normal(2, std=3)]
    _assert_clipped(subject, gradients, draw.uniform(1, low=0.5, high=2).item())


@check("stability.clip_gradients", points=1, hint="Short gradients stay as they are: clipping never lengthens.")
def leaves_short_ones_alone(subject: Subject, draw: Draw) -> None:
    gradients = [draw.normal(3, 4, std=0.01), draw.normal(5, std=0.01)]
    _assert_clipped(subject, gradients, 1.0)
    _assert_clipped(subject, [100 * g for g in gradients], 0.5)


@check("stability.clip_gradients", points=1, hint="Return the norm before clipping, and 0 where there is no gradient.")
def returns_the_norm_before(subject: Subject, draw: Draw) -> None:
    gradients = [draw.normal(3, 4, std=3), draw.normal(5, std=3)]
    mine = subject.probe(clipped, gradients, 0.7)["norm"]
    if mine is None:
        raise Wrong(hint="It returns None: return the norm before clipping.")
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    assert_close(mine, norm, mistakes=[(norm.square(), "This is the square of the norm."), (
        torch.tensor(0.7), "This is the norm *after* clipping; the one before says whether the run is well.")], rtol=1e-3)
    assert_close(subject.probe(clipped, [], 0.7)["norm"], 0.0)


# Statistics of a batch

def std_of(layer_class: type, features: Tensor) -> dict:
    """The layer's output, and the gradient of its last column for the features."""
    features = features.clone().requires_grad_()
    output = layer_class()(features)
    grad = torch.zeros_like(features)
    if output.requires_grad and output.ndim == 2:
        grad = torch.autograd.grad(output[:, -1].sum(), features, allow_unused=True)[0]
    return {"output": output.detach(), "gradient": torch.zeros_like(features) if grad is None else grad}


def _std(features: Tensor, fault: str = "") -> Tensor:
    variance = features.var(dim=1 if fault == "axis" else 0, unbiased=fault == "unbiased")
    levels = variance if fault == "variance" else (variance + 1e-8).sqrt()
    if fault == "axis":
        return torch.cat([features, levels[:, None]], 1)
    if fault == "root of the mean":
        levels = (variance.mean() + 1e-8).sqrt()
    level = features.std(unbiased=False) if fault == "all" else levels.sum() if fault == "sum" else levels.mean()
    column = level.expand(len(features), 1)
    return torch.cat([column, features] if fault == "first" else [features, column], 1)


STD_MISTAKES = {
    "axis": "You compare the features of one sample. Compare the samples of the batch, feature by feature: dim=0.",
    "unbiased": "Divide by B, not by B - 1: unbiased=False.",
    "variance": "This is the variance; take the root.",
    "root of the mean": "First the root of each feature's variance, then the mean over the features.",
    "all": "One standard deviation over everything mixes features of different size: one for each feature, then the mean.",
    "sum": "The mean over the features, not the sum.",
    "first": "The new feature comes last.",
}


@check("stability.MinibatchStd", points=2, hint="Standard deviation over the batch, mean over the features, as a column.")
def says_how_much_the_samples_differ(subject: Subject, draw: Draw) -> None:
    features = draw.normal(6, 4) * torch.tensor([0.5, 1.0, 2.0, 4.0]) + draw.normal(4)
    mistakes = [(_std(features, fault), hint) for fault, hint in STD_MISTAKES.items()]
    mistakes.append((_std(features)[:, -1:], "Keep the features: the new one stands behind them."))
    assert_close(subject.probe(std_of, features)["output"], _std(features), mistakes=mistakes)


@check("stability.MinibatchStd", points=1, hint="The gradient must find its way through it to G: no detach, no item().")
def lets_the_gradient_through(subject: Subject, draw: Draw) -> None:
    features = draw.normal(5, 3)
    assert_close(subject.probe(std_of, features)["gradient"], std_of(reference.MinibatchStd, features)["gradient"])


@check("stability.MinibatchStd", points=1, hint="A collapsed batch has variance 0, where a root has no slope: add 1e-8 first.")
def bears_a_collapsed_batch(subject: Subject, draw: Draw) -> None:
    features = draw.normal(1, 3).expand(4, 3)
    mine, expected = subject.probe(std_of, features), std_of(reference.MinibatchStd, features)
    assert_close(mine["output"], expected["output"])
    assert_close(mine["output"][0, -1] * 1e4, torch.tensor(1.0), atol=1e-2)
    assert_close(mine["gradient"], expected["gradient"])


written("stability.why_it_circles", points=4, rubric="""
- 1 point: the eigenvalues of the game without a penalty are imaginary, so it circles (or spirals outward in steps of
  finite length); a smaller learning rate changes the speed and not the direction.
- 1 point: R1 acts as friction on the discriminator: real parts negative; too much of it is slow again.
- 1 point: why the penalty of WGAN-GP does not settle here: it wants slope 1 where the equilibrium needs slope 0.
- 1 point: a test on a real run that could come out either way.
""")
