"""Checks of chapter 2."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import gan_losses as reference

from . import Draw, Subject, Wrong, assert_close, check, gradients, is_close, written

SIGN = "Swap the sign: a loss is minimised, so maximising log D means minimising -log D."
LOGITS = "You treat the logits as probabilities. D(x) = sigmoid(logit)."
UNREDUCED = "Return one number: the mean over the batch stands for the expectation."
SUMMED = "You take the sum over the batch; the expectation is the mean."
SUMMED_MAPS = "You take the sum over all axes but the first; the expectation is the mean over all logits, of any shape."
BITS = "Your unit is the bit (log2). These are natural logarithms."


def _assert_gradients(subject: Subject, loss: Callable, *logits: Tensor) -> None:
    """A gradient arrives at each of the inputs, that of the reference."""
    mine, right = subject.probe(gradients, *logits), gradients(loss, *logits)
    for name in right:
        if is_close(mine[name], 0 * right[name]):
            raise Wrong(hint=f"No gradient arrives at {name} of the loss: something cuts the graph, a detach(), .item() or "
                        "no_grad().")
    assert_close(mine, right)


# Discriminator loss

DISCRIMINATOR_MISTAKES: list[tuple[Callable, str]] = [
    (lambda r, f: F.softplus(r).mean() + F.softplus(-f).mean(),
     "The sides are swapped: D should say 1 (a large logit) for real and 0 for fake."),
    (lambda r, f: -(F.softplus(-r).mean() + F.softplus(f).mean()), SIGN),
    (lambda r, f: (F.softplus(-r).mean() + F.softplus(f).mean()) / 2,
     "Half of what is asked: this chapter adds the two terms, it does not average them."),
    (lambda r, f: F.softplus(-r).mean(), "The term of the fake samples is missing: -E[log(1 - D(G(z)))]."),
    (lambda r, f: F.softplus(f).mean(), "The term of the real samples is missing: -E[log D(x)]."),
    (lambda r, f: F.softplus(-r).mean() + F.softplus(-f).mean(),
     "You ask D to call the fake samples real too: their term is -log(1 - D), not -log D."),
    (lambda r, f: F.softplus(-r).sum() + F.softplus(f).sum(), SUMMED),
    (lambda r, f: torch.cat([F.softplus(-r), F.softplus(f)]).mean(),
     "One mean over both batches is half of the sum asked for, and lets the larger batch weigh more."),
    (lambda r, f: F.softplus(-r.sigmoid()).mean() + F.softplus(f.sigmoid()).mean(),
     "A sigmoid too many: binary_cross_entropy_with_logits and softplus take the logits themselves."),
    (lambda r, f: F.softplus(-r).mean() - F.softplus(f).mean(),
     "The sign of the term of the fake samples: -log(1 - D) is positive."),
    (lambda r, f: F.softplus(f).mean() - F.softplus(-r).mean(),
     "The sign of the term of the real samples: -log D is positive."),
    (lambda r, f: (F.softplus(-r).mean() + F.softplus(f).mean()) / torch.tensor(2.0).log(), BITS),
    (lambda r, f: F.softplus(-r).mean() + 0.1 * r.mean() + F.softplus(f).mean(),
     "The targets are smoothed (0.9 for real samples). Here real is 1 and fake is 0."),
    (lambda r, f: F.relu(1 - r).mean() + F.relu(1 + f).mean(),
     "This is the hinge loss. Here the terms are -log D and -log(1 - D)."),
    (lambda r, f: f.mean() - r.mean(),
     "This is the critic's loss of a Wasserstein GAN. Here the terms are -log D and -log(1 - D)."),
    (lambda r, f: (r - 1).square().mean() + f.square().mean(), "These are squares (chapter 1). Here the terms are -log D and "
     "-log(1 - D)."),
    (lambda r, f: F.softplus(-r) + F.softplus(f), UNREDUCED),
]


@check("gan_losses.discriminator_loss", points=2, hint="Two terms: -E[log D(x)] for real, -E[log(1 - D)] for fake.")
def agrees_with_the_formula(subject: Subject, draw: Draw) -> None:
    real, fake = draw.normal(12, std=2), draw.normal(12, std=2)
    mistakes = ((wrong(real, fake), hint) for wrong, hint in DISCRIMINATOR_MISTAKES)
    assert_close(subject(real, fake), reference.discriminator_loss(real, fake), mistakes=mistakes)


SUMMED_MISTAKES: list[tuple[Callable, str]] = [
    (lambda r, f: F.softplus(-r).sum() / len(r) + F.softplus(f).sum() / len(f), SUMMED_MAPS),
    (lambda r, f: F.softplus(-r).mean(0) + F.softplus(f).mean(0), UNREDUCED),
]


@check("gan_losses.discriminator_loss", points=1, hint="Take each mean over its own batch, whatever its shape.")
def batches_may_differ_in_size(subject: Subject, draw: Draw) -> None:
    for shape in ((1,), (2, 3, 1)):  # logits of any shape: some discriminators give a map of them
        real, fake = draw.normal(9, *shape), draw.normal(4, *shape)
        mistakes = ((wrong(real, fake), hint) for wrong, hint in SUMMED_MISTAKES)
        assert_close(subject(real, fake), reference.discriminator_loss(real, fake), mistakes=mistakes)


@check("gan_losses.discriminator_loss", points=1,
       hint="sigmoid rounds to 0 or 1 there, and its log is lost. Write log(sigmoid(s)) as -softplus(-s).")
def exact_for_a_very_sure_discriminator(subject: Subject, draw: Draw) -> None:
    for low, high in ((30, 80), (90, 120)):
        real, fake = draw.uniform(6, low=-high, high=-low), draw.uniform(6, low=low, high=high)
        _assert_exact(subject(real, fake), reference.discriminator_loss(real, fake), large=low > 80)
    _assert_gradients(subject, reference.discriminator_loss, real, fake)


def _assert_exact(mine: object, expected: Tensor, *, large: bool) -> None:
    """Wrong with what can be seen of a loss of sure logits; `large` ones are asked after smaller ones have been right."""
    if not is_close(mine, expected) and isinstance(mine, Tensor) and not mine.ndim:
        if large and mine.isinf():
            raise Wrong(hint="The loss is infinite: exp() of a large logit is, and so is the log of a sigmoid that was rounded "
                        "to 0. softplus(s) is log(1 + exp(s)) without either.")
        if mine.isfinite() and 0 < mine < expected:
            raise Wrong(hint="For a very sure discriminator the loss stops growing: a clamp() of the logits, or a small number "
                        "in the logarithm, cuts it off, and the gradient with it. Write log(sigmoid(s)) as -softplus(-s).")
    assert_close(mine, expected)


# Generator loss

GENERATOR_MISTAKES: list[tuple[Callable, str]] = [
    (lambda f: -F.softplus(f).mean(),
     "This is the saturating loss, log(1 - D). The non-saturating one is -log D: flat where D is already fooled."),
    (lambda f: -F.softplus(-f).mean(), SIGN),
    (lambda f: F.softplus(f).mean(), "This is the discriminator's term for fakes; the generator wants D to say real."),
    (lambda f: F.softplus(-f).sum(), SUMMED),
    (lambda f: F.softplus(-f), UNREDUCED),
    (lambda f: -f.mean(), "This is the mean logit (the critic's loss of a Wasserstein GAN). Here it is -log D."),
    (lambda f: -f.sigmoid().mean(), "The logarithm is missing: -E[log D(G(z))], not -E[D(G(z))]."),
    (lambda f: F.softplus(-f.mean()), "The mean of the logs, not the log of the mean: average last."),
    (lambda f: -f.sigmoid().mean().log(), "The mean of the logs, not the log of the mean: average last."),
    (lambda f: F.softplus(-f.sigmoid()).mean(),
     "A sigmoid too many: binary_cross_entropy_with_logits and softplus take the logits themselves."),
    (lambda f: F.softplus(-f).mean() / torch.tensor(2.0).log(), BITS),
    (lambda f: F.softplus(-f).mean() / 2, "Half of what is asked: -E[log D(G(z))], with no factor."),
    (lambda f: (f - 1).square().mean(), "These are squares (chapter 1). Here it is -log D."),
    (lambda f: F.softplus(-f).mean(0), UNREDUCED),
    (lambda f: F.softplus(-f).mean(-1), UNREDUCED),
    (lambda f: F.softplus(-f).mean(1).sum(), SUMMED),
    (lambda f: F.softplus(-f).mean(0).sum(), SUMMED),
    (lambda f: F.softplus(-f).sum() / len(f), SUMMED),
]


@check("gan_losses.generator_loss", points=2, hint="-E[log D(G(z))], with D = sigmoid of the logit.")
def agrees_with_the_formula_(subject: Subject, draw: Draw) -> None:
    fake = draw.normal(3, 5, std=2)
    mistakes = ((wrong(fake), hint) for wrong, hint in GENERATOR_MISTAKES)
    assert_close(subject(fake), reference.generator_loss(fake), mistakes=mistakes)


@check("gan_losses.generator_loss", points=1,
       hint="This is where the generator learns most. sigmoid rounds to 0 and its log is lost: use softplus.")
def strong_gradient_where_the_samples_are_bad(subject: Subject, draw: Draw) -> None:
    for low, high in ((30, 80), (90, 120)):
        fake = draw.uniform(8, low=-high, high=-low)
        _assert_exact(subject(fake), reference.generator_loss(fake), large=low > 80)
    _assert_gradients(subject, reference.generator_loss, fake)


# Optimal discriminator

OPTIMAL_MISTAKES: list[tuple[Callable, str]] = [
    (lambda p, q: q / (p + q), "This is the probability of *fake*. D answers: how likely is x to be real?"),
    (lambda p, q: p / q, "A ratio of densities can exceed 1. Divide by the sum: real among all that stands at x."),
    (lambda p, q: (p / q).log(), "This is the logit of D*. Its sigmoid is D* itself."),
    (lambda p, q: (p > q).float(), "A hard decision; the best D says *how* sure one can be."),
    (lambda p, q: torch.full_like(p, 0.5), "1/2 is the best answer only where the two densities agree."),
    (lambda p, q: p / (p + q).sum(), "Point by point: divide by the sum at that point, not over all points."),
    (lambda p, q: p.clamp(max=1) / (p.clamp(max=1) + q.clamp(max=1)), "A density may exceed 1, it is no probability: no "
     "clamp."),
    (lambda p, q: p, "Close, but D* compares: how much of what stands at x is real?"),
]


@check("gan_losses.optimal_discriminator", points=2, hint="At each x, maximise p_data log D + p_g log(1 - D) over D.")
def maximises_the_value_at_every_point(subject: Subject, draw: Draw) -> None:
    p_data, p_g = draw.uniform(2, 5, low=0.05, high=3), draw.uniform(2, 5, low=0.05, high=3)  # a density may exceed 1
    mistakes = ((wrong(p_data, p_g), hint) for wrong, hint in OPTIMAL_MISTAKES)
    assert_close(subject(p_data, p_g), reference.optimal_discriminator(p_data, p_g), mistakes=mistakes)


@check("gan_losses.optimal_discriminator", points=1, hint="Where nothing is, 0/0 is NaN; the exercise asks for 1/2.")
def right_where_a_density_is_zero(subject: Subject, draw: Draw) -> None:
    p_data, p_g = draw.uniform(4, low=0.1), draw.uniform(4, low=0.1)
    p_data[[0, 1]], p_g[[1, 2]] = 0.0, 0.0
    right = torch.stack([p_data[0], torch.tensor(0.5), torch.tensor(1.0), p_data[3] / (p_data[3] + p_g[3])])
    halves = right.where((p_data > 0) & (p_g > 0), 0.5)
    assert_close(subject(p_data, p_g), right, mistakes=[
        (halves, "1/2 only where *both* densities are 0. Where one of them is, D can be sure: 0 or 1.")])
    rare = subject(p_data * 1e-30, p_g * 1e-30)
    if not is_close(rare, right):
        raise Wrong(hint="Densities have no scale: where both are tiny, D* is as sure as anywhere. A small number added to the "
                    "sum, or a threshold above 0, spoils it there.")


# Jensen-Shannon divergence

def _kl(p: Tensor, q: Tensor) -> Tensor:
    return (p * (p / q).log()).sum()


JS_MISTAKES: list[tuple[Callable, str]] = [
    (lambda p, q: _kl(p, q), "This is KL(p || q). Jensen-Shannon compares both with their mean m."),
    (lambda p, q: _kl(q, p), "This is KL(q || p). Jensen-Shannon compares both with their mean m."),
    (lambda p, q: (_kl(p, q) + _kl(q, p)) / 2, "Compare p and q with their mean m = (p + q) / 2, not with each other."),
    (lambda p, q: _kl(p, (p + q) / 2) + _kl(q, (p + q) / 2), "The factor 1/2 is missing: it weighs the two KL terms."),
    (lambda p, q: (_kl((p + q) / 2, p) + _kl((p + q) / 2, q)) / 2, "The order of KL: KL(p || m), with p in front."),
    (lambda p, q: (_kl(p, (p + q) / 2) + _kl(q, (p + q) / 2)) / 2 / torch.tensor(2.0).log(),
     "Your unit is the bit (log2). The theorem uses natural logarithms."),
    (lambda p, q: ((_kl(p, (p + q) / 2) + _kl(q, (p + q) / 2)) / 2).sqrt(),
     "This is the distance, the square root of the divergence."),
    (lambda p, q: (_kl(p, p + q) + _kl(q, p + q)) / 2, "m is the mean (p + q) / 2; you compare with the sum p + q."),
    (lambda p, q: _kl(p, (p + q) / 2) / 2, "The half of q is missing: KL(q || m) / 2."),
    (lambda p, q: _kl(p, (p + q) / 2), "This is KL(p || m) alone: the mean of it and KL(q || m) is asked for."),
    (lambda p, q: -(_kl(p, (p + q) / 2) + _kl(q, (p + q) / 2)) / 2, "The sign: a divergence is never negative."),
    (lambda p, q: torch.tensor(2.0).log() - (_kl(p, (p + q) / 2) + _kl(q, (p + q) / 2)) / 2,
     "This is log 2 minus the divergence."),
    (lambda p, q: (_kl(p, (p * q).sqrt()) + _kl(q, (p * q).sqrt())) / 2, "m is the mean (p + q) / 2, not the geometric one."),
    (lambda p, q: (_kl(p, (p + q) / 2) + _kl(q, (p + q) / 2)) / 2 / len(p), "Sum over the outcomes, don't average."),
    (lambda p, q: (_kl(p, (p + q) / 2) + _kl(q, (p + q) / 2)) / len(p), "Sum over the outcomes, don't average: the mean of K "
     "numbers is their sum divided by K, and the 1/2 is missing then."),
]


@check("gan_losses.js_divergence", points=2, hint="Half of KL(p || m) plus half of KL(q || m), with m = (p + q) / 2.")
def agrees_with_the_definition(subject: Subject, draw: Draw) -> None:
    p, q = draw.probabilities(7), draw.probabilities(7)
    mistakes = ((wrong(p, q), hint) for wrong, hint in JS_MISTAKES)
    assert_close(subject(p, q), reference.js_divergence(p, q), mistakes=mistakes)


@check("gan_losses.js_divergence", points=1, hint="0 log 0 counts as 0, but 0 * (-inf) is NaN: look at torch.xlogy.")
def right_where_a_probability_is_zero(subject: Subject, draw: Draw) -> None:
    p, q = draw.probabilities(6), draw.probabilities(6)
    p[[0, 3]], q[[1, 3]] = 0.0, 0.0
    p, q = p / p.sum(), q / q.sum()
    many = draw.probabilities(4000), draw.probabilities(4000)
    if not is_close(subject(*many), reference.js_divergence(*many), rtol=1e-3):
        raise Wrong(hint="Of 4,000 outcomes each has a small probability, and counts: leave out those of 0 and no others.")
    both = (p > 0) & (q > 0)
    assert_close(subject(p, q), reference.js_divergence(p, q), mistakes=[
        (reference.js_divergence(p[both], q[both]), "Where one of the two is 0 the other still counts: its term is not 0.")])
    apart = torch.tensor([0.5, 0.5, 0.0, 0.0])
    assert_close(subject(apart, apart.flip(0)), torch.tensor(2.0).log())


# Training steps. The loss that the checks hand in is least squares, so that a step is judged apart from the
# student's own losses.

def least_squares_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Discriminator loss of Mao et al. 2017."""
    return ((real_logits - 1) ** 2).mean() + (fake_logits ** 2).mean()


def least_squares_g(fake_logits: Tensor) -> Tensor:
    """Generator loss of Mao et al. 2017."""
    return ((fake_logits - 1) ** 2).mean()


def tiny_networks(weights: list[Tensor], training: bool = True) -> tuple[nn.Module, nn.Module]:
    """A generator R^3 -> R^2 and a discriminator R^2 -> R with these weights, in this mode, which changes nothing."""
    generator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    with torch.no_grad():
        for parameter, value in zip([*generator.parameters(), *discriminator.parameters()], weights, strict=True):
            parameter.copy_(value)
    return generator.train(training), discriminator.train(training)


def draw_weights(draw: Draw) -> list[Tensor]:
    """Weights for `tiny_networks`."""
    shapes = [(8, 3), (8,), (2, 8), (2,), (8, 2), (8,), (1, 8), (1,)]
    return [draw.normal(*shape, std=0.6) for shape in shapes]


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """A copy of a network's parameters by name."""
    return {name: value.detach().clone() for name, value in network.named_parameters()}


def after_discriminator_steps(step: Callable, weights: list[Tensor], real: Tensor, z: Tensor, training: bool = True) -> dict:
    """Both networks after a discriminator step on each batch of `real` (S, B, 2) and `z` (S, B, 3), and the losses."""
    generator, discriminator = tiny_networks(weights, training)
    discriminator(real[0]).sum().backward()  # gradients of an earlier life: they must not count
    optimizer = torch.optim.SGD(discriminator.parameters(), lr=0.3)
    losses = [step(generator, discriminator, optimizer, x, n, least_squares_d) for x, n in zip(real, z, strict=True)]
    return {"D": weights_of(discriminator), "G": weights_of(generator), "losses": losses}


def after_generator_steps(step: Callable, weights: list[Tensor], z: Tensor, training: bool = True) -> dict:
    """Both networks after a generator step on each batch of `z` (S, B, 3), and the losses."""
    generator, discriminator = tiny_networks(weights, training)
    generator(z[0]).sum().backward()
    optimizer = torch.optim.SGD(generator.parameters(), lr=0.3)
    losses = [step(generator, discriminator, optimizer, n, least_squares_g) for n in z]
    return {"D": weights_of(discriminator), "G": weights_of(generator), "losses": losses}


def gradients_left(step: Callable, weights: list[Tensor], real: Tensor, z: Tensor) -> list[Tensor]:
    """What a discriminator step leaves in the generator's .grad: zeros where it leaves none."""
    generator, discriminator = tiny_networks(weights)
    step(generator, discriminator, torch.optim.SGD(discriminator.parameters(), lr=0.3), real, z, least_squares_d)
    return [torch.zeros_like(p) if p.grad is None else p.grad for p in generator.parameters()]


def _discriminator_variant(*, zero: str = "before", steps: int = 1, sign: int = 1, rounds: int = 1, own: Callable | None = None,
                           change: Callable = lambda *logits: logits) -> Callable:
    """A discriminator step with one named fault; `change` is what happens to the logits before the loss."""
    def variant(generator, discriminator, optimizer, real, z, loss):
        fake = generator(z).detach()
        for _ in range(rounds):
            value = (own or loss)(*change(discriminator(real), discriminator(fake)))
            _stepped(sign * value, optimizer, zero, steps)
        return value.detach()
    return variant


def _stepped(value: Tensor, optimizer: torch.optim.Optimizer, zero: str, steps: int) -> None:
    if zero == "before":
        optimizer.zero_grad()
    value.backward()
    for _ in range(steps):
        optimizer.step()
    if zero == "after":
        optimizer.zero_grad()


STALE = "Gradients of earlier steps are added to this one's: call optimizer.zero_grad() before backward()."
NOT_MOVED = ("The weights did not move. Is there an optimizer.step() at the end? And does no zero_grad() stand between "
             "backward() and step()? There it throws the gradient away.")
AFTER = "zero_grad() at the end comes too late for what stood there before the first step: call it before backward()."
TWICE = "The weights move twice a step: one optimizer.step() for each batch."
UPHILL = "The weights go uphill: an optimizer minimises, so hand it the loss as it is."
OWN_LOSS = "Call the `loss` that is handed over, not the one of this chapter."
SQUASHED = "The loss takes logits, as D gives them: no sigmoid between D and the loss."
AVERAGED = "The loss takes all logits, as D gives them: no mean between D and the loss."
RETURNED_LATER = "This is the loss after the step. No second pass is needed: return the loss that you have."
DISCRIMINATOR_STEP_MISTAKES = [
    (_discriminator_variant(zero="never"), STALE),
    (_discriminator_variant(zero="after"), AFTER),
    (_discriminator_variant(steps=0), NOT_MOVED),
    (_discriminator_variant(steps=2), TWICE),
    (_discriminator_variant(rounds=2), TWICE),
    (_discriminator_variant(sign=-1), UPHILL),
    (_discriminator_variant(own=reference.discriminator_loss), OWN_LOSS),
    (_discriminator_variant(change=lambda r, f: (f, r)), "The loss takes the real logits first, then the fake ones."),
    (_discriminator_variant(change=lambda r, f: (r, f.detach())), "D learns nothing from the fake samples: cut before D sees "
     "them, generator(z).detach(), and not behind D, where its own gradient is cut."),
    (_discriminator_variant(change=lambda r, f: (r.sigmoid(), f.sigmoid())), SQUASHED),
    (_discriminator_variant(change=lambda r, f: (r.mean(), f.mean())), AVERAGED),
]


@check("gan_losses.discriminator_step", points=3, hint="Fake samples, loss, zero_grad, backward, step: in this order.")
def leaves_the_right_weights(subject: Subject, draw: Draw) -> None:
    weights, real, z = draw_weights(draw), draw.normal(3, 16, 2), draw.normal(3, 16, 3)
    mine = subject.probe(after_discriminator_steps, weights, real, z)
    expected = after_discriminator_steps(reference.discriminator_step, weights, real, z)
    mistakes = ((after_discriminator_steps(v, weights, real, z)["D"], hint) for v, hint in DISCRIMINATOR_STEP_MISTAKES)
    if _moved(mine["G"], expected["G"]):
        raise Wrong(hint="The generator's weights moved. Only the discriminator is trained here.")
    assert_close(mine["D"], expected["D"], mistakes=mistakes)


@check("gan_losses.discriminator_step", points=1, hint="Detach the fake samples before D sees them.")
def sends_no_gradient_into_the_generator(subject: Subject, draw: Draw) -> None:
    weights, real, z = draw_weights(draw), draw.normal(16, 2), draw.normal(16, 3)
    _, untouched = tiny_networks(weights)
    if not _moved(subject.probe(after_discriminator_steps, weights, real[None], z[None])["D"], weights_of(untouched)):
        raise Wrong(hint=NOT_MOVED)  # else who does nothing at all would send nothing
    left = subject.probe(gradients_left, weights, real, z)
    if not is_close(sum(g.abs().sum() for g in left), 0.0):
        raise Wrong(hint="D's loss sends gradients into G. Detach the fake samples before D sees them.")


@check("gan_losses.discriminator_step", points=1,
       hint="Return the loss of this step, of all of `real` and all of `z`, whose numbers may differ, detached: loss.detach().")
def returns_the_loss_before_the_step(subject: Subject, draw: Draw) -> None:
    weights, real, z = draw_weights(draw), draw.normal(1, 12, 2), draw.normal(1, 16, 3)
    mine = subject.probe(after_discriminator_steps, weights, real, z, False)
    generator, discriminator = tiny_networks(weights)
    before = least_squares_d(discriminator(real[0]), discriminator(generator(z[0])))
    discriminator.load_state_dict(mine["D"])
    _assert_loss(mine["losses"], before, least_squares_d(discriminator(real[0]), discriminator(generator(z[0]))))


def _assert_loss(mine: list, before: Tensor, after: Tensor) -> None:
    (value,) = mine
    if value is None:
        raise Wrong(hint="The step returns None: return the loss.")
    if isinstance(value, Tensor) and value.requires_grad:
        raise Wrong(hint="The returned loss still holds its graph, and with it the memory of the step: detach it.")
    assert_close(value, before.detach(), mistakes=[(after.detach(), RETURNED_LATER)])


def _moved(now: dict, then: dict) -> bool:
    return any(not torch.equal(now[name], then[name]) for name in then)


def _generator_variant(*, zero: str = "before", steps: int = 1, sign: int = 1, rounds: int = 1, own: Callable | None = None,
                       change: Callable = lambda logits: logits) -> Callable:
    """A generator step with one named fault; `change` is what happens to the logits before the loss."""
    def variant(generator, discriminator, optimizer, z, loss):
        for _ in range(rounds):
            value = (own or loss)(change(discriminator(generator(z))))
            _stepped(sign * value, optimizer, zero, steps)
        return value.detach()
    return variant


GENERATOR_STEP_MISTAKES = [
    (_generator_variant(zero="never"), STALE),
    (_generator_variant(zero="after"), AFTER),
    (_generator_variant(steps=0), "The weights did not move. Either no gradient reaches G (a detach() or no_grad() cuts the "
     "graph), or step() is missing, or a zero_grad() between backward() and step() throws the gradient away."),
    (_generator_variant(steps=2), TWICE),
    (_generator_variant(rounds=2), TWICE),
    (_generator_variant(sign=-1), UPHILL),
    (_generator_variant(own=reference.generator_loss), OWN_LOSS),
    (_generator_variant(change=torch.sigmoid), SQUASHED),
    (_generator_variant(change=torch.mean), AVERAGED),
]


@check("gan_losses.generator_step", points=3, hint="All of z into G, its samples into D, the logits into "
       "the loss; then zero_grad, backward, step.")
def leaves_the_right_weights_(subject: Subject, draw: Draw) -> None:
    weights, z = draw_weights(draw), draw.normal(3, 16, 3)
    mine = subject.probe(after_generator_steps, weights, z)
    expected = after_generator_steps(reference.generator_step, weights, z)
    if _moved(mine["D"], expected["D"]):
        raise Wrong(hint="The discriminator's weights moved. Only the generator is trained here.")
    mistakes = ((after_generator_steps(v, weights, z)["G"], hint) for v, hint in GENERATOR_STEP_MISTAKES)
    assert_close(mine["G"], expected["G"], mistakes=mistakes)
    steep = [*weights[:-2], 40 * weights[-2], weights[-1]]  # D's last layer
    far = subject.probe(after_generator_steps, steep, z[:1])["G"]
    if not is_close(far, after_generator_steps(reference.generator_step, steep, z[:1])["G"], rtol=1e-3):
        raise Wrong(hint="Where the gradient is large the step is another one: take the gradient as it is, nothing is clipped.")


@check("gan_losses.generator_step", points=1, hint="Return the loss of this step, detached: loss.detach().")
def returns_the_loss_before_the_step_(subject: Subject, draw: Draw) -> None:
    weights, z = draw_weights(draw), draw.normal(1, 16, 3)
    mine = subject.probe(after_generator_steps, weights, z, False)
    generator, discriminator = tiny_networks(weights)
    before = least_squares_g(discriminator(generator(z[0])))
    generator.load_state_dict(mine["G"])
    _assert_loss(mine["losses"], before, least_squares_g(discriminator(generator(z[0]))))


# The broken training loop. Each player's turns are judged apart: what its next weights should be, from where the student's
# own loop has brought both.

LR, BETAS = 0.02, (0.5, 0.999)


def after_training(train: Callable, weights: list[Tensor], real: Tensor, z: Tensor, training: bool = True) -> dict:
    """Both networks after `train` on the batches of `real` (S, B, 2) and `z` (2 S, B, 3), its history, and G's
    gradients each time that D was asked and what was drawn."""
    generator, discriminator = tiny_networks(weights, training)
    reals, noises, seen, drawn = iter(real), iter(z), [], []

    def look(*_: object) -> None:
        seen.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in generator.parameters()])

    def sample_real() -> Tensor:
        drawn.append("real")
        return next(reals)

    def sample_z() -> Tensor:
        drawn.append("z")
        return next(noises)

    discriminator.register_forward_pre_hook(look)
    history = train(generator, discriminator, sample_real, sample_z, len(real), LR)
    return {"D": weights_of(discriminator), "G": weights_of(generator), "history": history, "G gradients": seen,
            "drawn": drawn}


def _runs(subject: Subject, draw: Draw, count: int, training: bool = True) -> tuple[list[dict], Tensor, Tensor]:
    """What the student's loop leaves after 0, 1, ... `count` steps from one start, with the batches, two of noise a step."""
    weights, real, z = draw_weights(draw), draw.normal(count, 16, 2), draw.normal(2 * count, 16, 3)
    start = dict(zip("GD", map(weights_of, tiny_networks(weights)), strict=True))
    runs = [start, *(subject.probe(after_training, weights, real[:k], z[:2 * k], training) for k in range(1, count + 1))]
    draws = runs[-1]["drawn"].count("z")
    if draws == count:  # one noise for both turns, which is G's fault
        return runs, real, z[:count].repeat_interleave(2, 0)
    if draws != 2 * count:
        raise Wrong(hint=f"sample_z is called twice a step, first for D, then for G. In {count} steps you call it {draws} "
                         "times.")
    return runs, real, z


def _networks(generator: dict, discriminator: dict) -> tuple[nn.Module, nn.Module]:
    return tiny_networks([*generator.values(), *discriminator.values()])


def _turns(runs: list[dict], whose: str, gradient: Callable, betas: tuple[float, float] = BETAS, anew: bool = False) -> dict:
    """A player's weights after each step, where each begins at the student's own: `gradient(k)` is what Adam is handed, who
    is made `anew` in each step or not."""
    player = tiny_networks([*runs[0]["G"].values(), *runs[0]["D"].values()])["GD".index(whose)]
    adam = torch.optim.Adam(player.parameters(), lr=LR, betas=betas)
    after: dict = {}
    for k, run in enumerate(runs[:-1]):
        adam = torch.optim.Adam(player.parameters(), lr=LR, betas=betas) if anew else adam
        player.load_state_dict(run[whose])
        for parameter, value in zip(player.parameters(), gradient(k), strict=True):
            parameter.grad = value
        adam.step()
        after |= {f"{name} after step {k + 1}": value for name, value in weights_of(player).items()}
    return after


def _own_turns(runs: list[dict], whose: str) -> dict:
    return {f"{name} after step {k}": value for k, run in enumerate(runs[1:], 1) for name, value in run[whose].items()}


def _stays(runs: list[dict], whose: str) -> bool:
    return not any(_moved(run[whose], runs[0][whose]) for run in runs[1:])


def bce_d(real_logits: Tensor, fake_logits: Tensor, *, real_is: float = 1.0, fake_is: float = 0.0) -> Tensor:
    """D's loss with these targets."""
    bce = F.binary_cross_entropy_with_logits
    return bce(real_logits, torch.full_like(real_logits, real_is)) + bce(fake_logits, torch.full_like(fake_logits, fake_is))


def _of_d(runs: list[dict], real: Tensor, z: Tensor, loss: Callable, *, g_first: bool = False, stale: bool = False,
          **adam: Any) -> dict:
    total: list = []

    def gradient(k: int) -> list[Tensor]:
        generator, discriminator = _networks(runs[k + g_first]["G"], runs[k]["D"])
        weights = list(discriminator.parameters())
        if stale and k:  # what G's turn has left
            value = reference.generator_loss(discriminator(_networks(runs[k - 1]["G"], runs[k]["D"])[0](z[2 * k - 1])))
            total.append(torch.autograd.grad(value, weights))
        fake = generator(z[2 * k + g_first]).detach()
        found = torch.autograd.grad(loss(discriminator(real[k]), discriminator(fake)), weights)
        total[:] = [*(total if stale else []), found]
        return [sum(parts) for parts in zip(*total, strict=True)]
    return _turns(runs, "D", gradient, **adam)


def _of_g(runs: list[dict], real: Tensor, z: Tensor, loss: Callable = reference.generator_loss, *, stale: bool = False,
          attached: bool = False, g_first: bool = False, **adam: Any) -> dict:
    total: list = []

    def gradient(k: int) -> list[Tensor]:
        found = []
        if attached:
            generator, discriminator = _networks(runs[k]["G"], runs[k]["D"])
            value = reference.discriminator_loss(discriminator(real[k]), discriminator(generator(z[2 * k])))
            found.append(torch.autograd.grad(value, list(generator.parameters())))
        generator, discriminator = _networks(runs[k]["G"], runs[k + (not g_first)]["D"])
        value = loss(discriminator(generator(z[2 * k + (not g_first)])))
        total[:] = [*(total if stale else []), *found, torch.autograd.grad(value, list(generator.parameters()))]
        return [sum(parts) for parts in zip(*total, strict=True)]
    return _turns(runs, "G", gradient, **adam)


ADAM_FAULTS: list[tuple[dict, str]] = [
    ({"anew": True}, "Adam forgets from step to step: make both optimisers once, before the loop, as it was."),
    ({"betas": (0.9, 0.999)}, "These are Adam's usual betas: betas=(0.5, 0.999), as it was."),
]
D_FIRST = "In each step first D, then G."
D_STALE = "D's gradients pile up from step to step: they are cleared before its backward()."
D_FAULTS: list[tuple[Callable, str]] = [
    (lambda r, f: bce_d(r.sigmoid(), f.sigmoid()),
     "One fault left: D's logits pass a sigmoid before a loss that applies its own."),
    (lambda r, f: bce_d(r.sigmoid(), f),
     "D's logits of the real samples still pass a sigmoid before a loss that applies its own."),
    (lambda r, f: bce_d(r, f.sigmoid()),
     "D's logits of the fake samples still pass a sigmoid before a loss that applies its own."),
    (lambda r, f: bce_d(r, f, fake_is=1), "One fault left: D is told that fake samples are real. Which target is theirs?"),
    (lambda r, f: bce_d(r.sigmoid(), f.sigmoid(), fake_is=1), "Two faults left in D's half: what goes into the loss, and which "
     "target is whose?"),
    (lambda r, f: bce_d(r, f, real_is=0, fake_is=1), "D is told that real samples are fake and fake ones are real."),
    (lambda r, f: bce_d(r, f, real_is=0), "D is told that real samples are fake. Which target is theirs?"),
    (lambda r, f: F.softplus(f).mean() + 0 * r.mean(), "D does not learn from the real samples: their term is lost."),
    (lambda r, f: bce_d(r, f, real_is=0.9), "The targets are smoothed (0.9 for real samples). Here real is 1 and fake is 0."),
    (lambda r, f: F.softplus(-r).mean() + 0 * f.mean(),
     "D does not learn from the fake samples: their term has to pass into D."),
]


@check("gan_losses.train", points=2, hint="Look at D's half: what goes into the loss, and which target is whose?")
def the_discriminator_learns_as_it_should(subject: Subject, draw: Draw) -> None:
    for _ in range(2):
        runs, real, z = _runs(subject, draw, 3)
        if _stays(runs, "D"):
            raise Wrong(hint="D's weights stand still.")
        faults = [*((loss, {}, hint) for loss, hint in D_FAULTS), (reference.discriminator_loss, {"g_first": True}, D_FIRST),
                  (reference.discriminator_loss, {"stale": True}, D_STALE),
                  *((reference.discriminator_loss, fault, hint) for fault, hint in ADAM_FAULTS)]
        mistakes = ((_of_d(runs, real, z, loss, **fault), hint) for loss, fault, hint in faults)
        assert_close(_own_turns(runs, "D"), _of_d(runs, real, z, reference.discriminator_loss), mistakes=mistakes)


@check("gan_losses.train", points=1, hint="D's loss sends gradients into G: something is not cut there.")
def the_turn_of_the_discriminator_leaves_the_generator_alone(subject: Subject, draw: Draw) -> None:
    runs, real, z = _runs(subject, draw, 2)
    if _stays(runs, "D"):  # else who does nothing at all would leave G alone
        raise Wrong(hint="The discriminator has to learn in its turn, from every batch of samples, with the generator cut off.")
    if is_close(_own_turns(runs, "D"), _of_d(runs, real, z, reference.discriminator_loss, g_first=True)):
        raise Wrong(hint=D_FIRST)
    if any(gradient.any() for gradient in runs[1]["G gradients"][-1]):  # in the first step, before G has had its turn
        raise Wrong(hint="D's loss sends gradients into G: something is not cut there.")


G_STANDS = ("G's weights stand still: is its gradient cut (a detach() in its own turn), or thrown away (a zero_grad() between "
            "backward() and step())?")
G_FAULTS: list[tuple[dict, str]] = [
    ({"loss": lambda f: F.softplus(f).mean()}, "One fault left: the generator's target. It wants D to say 1."),
    ({"stale": True}, "One fault left: the generator's gradients pile up from step to step."),
    ({"stale": True, "attached": True}, "Two faults left: D's loss sends gradients into G, and nothing clears them there."),
    ({"loss": lambda f: F.softplus(f).mean(), "stale": True}, "Two faults left in G's half: its target, and its gradients pile "
     "up from step to step."),
    ({"loss": lambda f: F.softplus(f).mean(), "stale": True, "attached": True}, "G's half: which target does it want, and what "
     "do earlier steps, and D's turn, leave in its gradients?"),
    ({"loss": lambda f: -F.softplus(f).mean()}, "This is the saturating loss, log(1 - D). Asked for is the non-saturating one, "
     "-log D: the target of G's samples is 1, and the sign stays."),
    ({"loss": lambda f: F.softplus(-f.sigmoid()).mean()}, "G's half has a sigmoid too many: bce takes logits."),
    ({"g_first": True}, D_FIRST),
    *ADAM_FAULTS,
]


@check("gan_losses.train", points=2, hint="Look at what a step leaves behind for the next one in the generator.")
def the_generator_learns_as_it_should(subject: Subject, draw: Draw) -> None:
    for _ in range(2):
        runs, real, z = _runs(subject, draw, 3)
        if _stays(runs, "G"):
            raise Wrong(hint=G_STANDS)
        if runs[-1]["drawn"].count("z") == 3:
            raise Wrong(hint="Both turns share one noise: sample_z is called twice a step, first for D, then for G.")
        mistakes = ((_of_g(runs, real, z, **fault), hint) for fault, hint in G_FAULTS)
        assert_close(_own_turns(runs, "G"), _of_g(runs, real, z), mistakes=mistakes)


@check("gan_losses.train", points=1, hint="Return one pair of floats a step: D's loss, then G's.")
def the_history_holds_both_losses_of_each_step(subject: Subject, draw: Draw) -> None:
    runs, real, z = _runs(subject, draw, 3, training=False)
    history = runs[-1]["history"]
    if not isinstance(history, list | tuple) or not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in history):
        raise Wrong(hint="Return one pair of floats a step: D's loss, then G's, in a list.")
    if any(isinstance(value, Tensor) and value.requires_grad for pair in history for value in pair):
        raise Wrong(hint="The losses still hold their graphs, each the memory of a whole step: keep floats, loss.item().")
    generator, discriminator = _networks(runs[0]["G"], runs[0]["D"])
    with torch.no_grad():
        of_d = reference.discriminator_loss(discriminator(real[0]), discriminator(generator(z[0])))
        discriminator.load_state_dict(runs[1]["D"])  # G's turn sees what D's has left
        of_g = reference.generator_loss(discriminator(generator(z[1])))
    if len(history) != 3:
        raise Wrong(hint=f"Return one pair of floats for each step: of 3 steps you keep {len(history)}.")
    mine, right = torch.as_tensor(history[0]), torch.stack([of_d, of_g])
    assert_close(mine, right, mistakes=[
        (right.flip(0), "D's loss comes first, then G's."),
        (right * torch.tensor([0.5, 1.0]), "D's loss is halved: add its two terms, as in this chapter's formula."),
        (right * 16, "The losses are sums: the mean over the batch is asked for."),
        (right * torch.tensor([1.0, -1.0]), "G's loss has the wrong sign."),
    ])
    if any(isinstance(value, Tensor) for pair in history for value in pair):
        raise Wrong(hint="The losses are tensors: keep floats, loss.item().")
    drawn = runs[-1]["drawn"]
    if drawn != ["real", "z", "z"] * 3 and drawn.count("z") == 6:
        raise Wrong(hint="Keep the order of the draws: in each step a real batch, then noise for D, then noise for G.")
    _exact_for_a_sure_discriminator(subject, draw)


def _exact_for_a_sure_discriminator(subject: Subject, draw: Draw) -> None:
    weights, real, z = draw_weights(draw), draw.normal(1, 16, 2), draw.normal(2, 16, 3)
    weights[-2] *= 300
    mine = subject.probe(after_training, weights, real, z)["history"][0][0]
    right = after_training(reference.train, weights, real, z)["history"][0][0]
    if not is_close(mine, right):
        raise Wrong(hint="Where D is very sure its loss should be exact, and a sigmoid rounds to 0 or 1 there. D's logits go "
                    "into bce, which takes logits.")


written("gan_losses.why_it_stalls", points=3, rubric="""
- 1 point: the gradient of the minimax loss with respect to the logit is -D(G(z)), so it vanishes where D is sure
  that the samples are fake (and not where the generator is already good).
- 1 point: the non-saturating loss and its gradient -(1 - D(G(z))), strong for the same samples.
- 1 point: a remedy on D's side, or what Adam changes and what it does not, argued and not only named.
""")
