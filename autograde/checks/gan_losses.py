"""Checks of chapter 2."""
from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import gan_losses as reference

from . import Draw, Subject, Wrong, assert_close, check, is_close, written

SIGN = "Swap the sign: a loss is minimised, so maximising log D means minimising -log D."
LOGITS = "You treat the logits as probabilities. D(x) = sigmoid(logit)."
UNREDUCED = "Return one number: the mean over the batch stands for the expectation."
SUMMED = "You take the sum over the batch; the expectation is the mean."


def gradient_of(function: Callable, *logits: Tensor) -> list[Tensor]:
    """Gradients of a loss with respect to each of its inputs."""
    inputs = [s.clone().requires_grad_() for s in logits]
    return list(torch.autograd.grad(function(*inputs), inputs))


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
]


@check("gan_losses.discriminator_loss", points=2, hint="Two terms: -E[log D(x)] for real, -E[log(1 - D)] for fake.")
def agrees_with_the_formula(subject: Subject, draw: Draw) -> None:
    real, fake = draw.normal(12, std=2), draw.normal(12, std=2)
    mistakes = ((wrong(real, fake), hint) for wrong, hint in DISCRIMINATOR_MISTAKES)
    assert_close(subject(real, fake), reference.discriminator_loss(real, fake), mistakes=mistakes)


@check("gan_losses.discriminator_loss", points=1, hint="Take each mean over its own batch.")
def batches_may_differ_in_size(subject: Subject, draw: Draw) -> None:
    real, fake = draw.normal(9, 1), draw.normal(4, 1)
    assert_close(subject(real, fake), reference.discriminator_loss(real, fake))


@check("gan_losses.discriminator_loss", points=1,
       hint="sigmoid rounds to 0 or 1 there, and its log is lost. Write log(sigmoid(s)) as -softplus(-s).")
def exact_for_a_very_sure_discriminator(subject: Subject, draw: Draw) -> None:
    real, fake = draw.uniform(6, low=-120, high=-60), draw.uniform(6, low=60, high=120)
    assert_close(subject(real, fake), reference.discriminator_loss(real, fake))
    assert_close(subject.probe(gradient_of_both, real, fake), gradient_of_both(reference.discriminator_loss, real, fake))


def gradient_of_both(loss: Callable, real: Tensor, fake: Tensor) -> Tensor:
    """Gradients of a discriminator's loss with respect to both batches, one behind the other."""
    return torch.cat(gradient_of(loss, real, fake))


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
]


@check("gan_losses.generator_loss", points=2, hint="-E[log D(G(z))], with D = sigmoid of the logit.")
def agrees_with_the_formula_(subject: Subject, draw: Draw) -> None:
    fake = draw.normal(3, 5, std=2)
    mistakes = ((wrong(fake), hint) for wrong, hint in GENERATOR_MISTAKES)
    assert_close(subject(fake), reference.generator_loss(fake), mistakes=mistakes)


@check("gan_losses.generator_loss", points=1,
       hint="This is where the generator learns most. sigmoid rounds to 0 and its log is lost: use softplus.")
def strong_gradient_where_the_samples_are_bad(subject: Subject, draw: Draw) -> None:
    fake = draw.uniform(8, low=-120, high=-20)
    assert_close(subject(fake), reference.generator_loss(fake))
    assert_close(subject.probe(first_gradient, fake), first_gradient(reference.generator_loss, fake))


def first_gradient(loss: Callable, logits: Tensor) -> Tensor:
    """Gradient of a loss of one input."""
    return gradient_of(loss, logits)[0]


# Optimal discriminator

OPTIMAL_MISTAKES: list[tuple[Callable, str]] = [
    (lambda p, q: q / (p + q), "This is the probability of *fake*. D answers: how likely is x to be real?"),
    (lambda p, q: p / q, "A ratio of densities can exceed 1. Divide by the sum: real among all that stands at x."),
    (lambda p, q: (p / q).log(), "This is the logit of D*. Its sigmoid is D* itself."),
    (lambda p, q: (p > q).float(), "A hard decision; the best D says *how* sure one can be."),
    (lambda p, q: torch.full_like(p, 0.5), "1/2 is the best answer only where the two densities agree."),
    (lambda p, q: p / (p + q).sum(), "Point by point: divide by the sum at that point, not over all points."),
    (lambda p, q: p, "Close, but D* compares: how much of what stands at x is real?"),
]


@check("gan_losses.optimal_discriminator", points=2, hint="At each x, maximise p_data log D + p_g log(1 - D) over D.")
def maximises_the_value_at_every_point(subject: Subject, draw: Draw) -> None:
    p_data, p_g = draw.uniform(10, low=0.05), draw.uniform(10, low=0.05)
    mistakes = ((wrong(p_data, p_g), hint) for wrong, hint in OPTIMAL_MISTAKES)
    assert_close(subject(p_data, p_g), reference.optimal_discriminator(p_data, p_g), mistakes=mistakes)


@check("gan_losses.optimal_discriminator", points=1, hint="Where nothing is, 0/0 is NaN; the exercise asks for 1/2.")
def right_where_a_density_is_zero(subject: Subject, draw: Draw) -> None:
    p_data, p_g = draw.uniform(4, low=0.1), draw.uniform(4, low=0.1)
    p_data[[0, 1]], p_g[[1, 2]] = 0.0, 0.0
    assert_close(subject(p_data, p_g), torch.stack([p_data[0], torch.tensor(0.5), torch.tensor(1.0),
                                                    p_data[3] / (p_data[3] + p_g[3])]))


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
    (lambda p, q: (_kl(p, (p + q) / 2) + _kl(q, (p + q) / 2)) / 2 / len(p), "Sum over the outcomes, don't average."),
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
    assert_close(subject(p, q), reference.js_divergence(p, q))
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


def tiny_networks(weights: list[Tensor]) -> tuple[nn.Module, nn.Module]:
    """A generator R^3 -> R^2 and a discriminator R^2 -> R with these weights."""
    generator = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    discriminator = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    with torch.no_grad():
        for parameter, value in zip([*generator.parameters(), *discriminator.parameters()], weights, strict=True):
            parameter.copy_(value)
    return generator, discriminator


def draw_weights(draw: Draw) -> list[Tensor]:
    """Weights for `tiny_networks`."""
    shapes = [(8, 3), (8,), (2, 8), (2,), (8, 2), (8,), (1, 8), (1,)]
    return [draw.normal(*shape, std=0.6) for shape in shapes]


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """A copy of a network's parameters by name."""
    return {name: value.detach().clone() for name, value in network.named_parameters()}


def after_discriminator_steps(step: Callable, weights: list[Tensor], real: Tensor, z: Tensor) -> dict:
    """Both networks after a discriminator step on each batch of `real` (S, B, 2) and `z` (S, B, 3), and the losses."""
    generator, discriminator = tiny_networks(weights)
    discriminator(real[0]).sum().backward()  # gradients of an earlier life: they must not count
    optimizer = torch.optim.SGD(discriminator.parameters(), lr=0.3)
    losses = [step(generator, discriminator, optimizer, x, n, least_squares_d) for x, n in zip(real, z, strict=True)]
    return {"D": weights_of(discriminator), "G": weights_of(generator), "losses": losses}


def after_generator_steps(step: Callable, weights: list[Tensor], z: Tensor) -> dict:
    """Both networks after a generator step on each batch of `z` (S, B, 3), and the losses."""
    generator, discriminator = tiny_networks(weights)
    generator(z[0]).sum().backward()
    optimizer = torch.optim.SGD(generator.parameters(), lr=0.3)
    losses = [step(generator, discriminator, optimizer, n, least_squares_g) for n in z]
    return {"D": weights_of(discriminator), "G": weights_of(generator), "losses": losses}


def gradients_left(step: Callable, weights: list[Tensor], real: Tensor, z: Tensor) -> list[Tensor]:
    """What a discriminator step leaves in the generator's .grad: zeros where it leaves none."""
    generator, discriminator = tiny_networks(weights)
    step(generator, discriminator, torch.optim.SGD(discriminator.parameters(), lr=0.3), real, z, least_squares_d)
    return [torch.zeros_like(p) if p.grad is None else p.grad for p in generator.parameters()]


def _discriminator_variant(*, zero: bool = True, step: bool = True, swap: bool = False) -> Callable:
    """A discriminator step with one named fault."""
    def variant(generator, discriminator, optimizer, real, z, loss):
        fake = generator(z).detach()
        pair = (fake, real) if swap else (real, fake)
        value = loss(*(discriminator(x) for x in pair))
        if zero:
            optimizer.zero_grad()
        value.backward()
        if step:
            optimizer.step()
        return value.detach()
    return variant


STALE = "Gradients of earlier steps are added to this one's: call optimizer.zero_grad() before backward()."
NOT_MOVED = ("The weights did not move. Is there an optimizer.step() at the end? And does no zero_grad() stand between "
             "backward() and step()? There it throws the gradient away.")
DISCRIMINATOR_STEP_MISTAKES = [
    (_discriminator_variant(zero=False), STALE),
    (_discriminator_variant(step=False), NOT_MOVED),
    (_discriminator_variant(swap=True), "The loss takes the real logits first, then the fake ones."),
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
    left = subject.probe(gradients_left, weights, real, z)
    assert_close(sum(g.abs().sum() for g in left), 0.0)
    assert_close(subject.probe(after_discriminator_steps, weights, real[None], z[None])["D"],
                 after_discriminator_steps(reference.discriminator_step, weights, real[None], z[None])["D"])


@check("gan_losses.discriminator_step", points=1, hint="Return the loss of this step, detached: loss.detach().")
def returns_the_loss_before_the_step(subject: Subject, draw: Draw) -> None:
    weights, real, z = draw_weights(draw), draw.normal(2, 16, 2), draw.normal(2, 16, 3)
    mine = subject.probe(after_discriminator_steps, weights, real, z)["losses"]
    _assert_losses(mine, after_discriminator_steps(reference.discriminator_step, weights, real, z)["losses"])


def _assert_losses(mine: list, expected: list) -> None:
    if any(value is None for value in mine):
        raise Wrong(hint="The step returns None: return the loss.")
    if any(isinstance(value, Tensor) and value.requires_grad for value in mine):
        raise Wrong(hint="The returned loss still holds its graph, and with it the memory of the step: detach it.")
    for got, wanted in zip(mine, expected, strict=True):
        assert_close(got, wanted)


def _moved(now: dict, then: dict) -> bool:
    return any(not torch.equal(now[name], then[name]) for name in then)


def _generator_variant(*, zero: bool = True, step: bool = True) -> Callable:
    """A generator step with one named fault."""
    def variant(generator, discriminator, optimizer, z, loss):
        value = loss(discriminator(generator(z)))
        if zero:
            optimizer.zero_grad()
        value.backward()
        if step:
            optimizer.step()
        return value.detach()
    return variant


GENERATOR_STEP_MISTAKES = [(_generator_variant(zero=False), STALE), (_generator_variant(step=False), (
    "The weights did not move. Either no gradient reaches G (a detach() or no_grad() cuts the graph), or step() is "
    "missing, or a zero_grad() between backward() and step() throws the gradient away."))]


@check("gan_losses.generator_step", points=3, hint="The gradient must pass through D into G: do not detach here.")
def leaves_the_right_weights_(subject: Subject, draw: Draw) -> None:
    weights, z = draw_weights(draw), draw.normal(3, 16, 3)
    mine = subject.probe(after_generator_steps, weights, z)
    expected = after_generator_steps(reference.generator_step, weights, z)
    if _moved(mine["D"], expected["D"]):
        raise Wrong(hint="The discriminator's weights moved. Only the generator is trained here.")
    mistakes = ((after_generator_steps(v, weights, z)["G"], hint) for v, hint in GENERATOR_STEP_MISTAKES)
    assert_close(mine["G"], expected["G"], mistakes=mistakes)


@check("gan_losses.generator_step", points=1, hint="Return the loss of this step, detached: loss.detach().")
def returns_the_loss_before_the_step_(subject: Subject, draw: Draw) -> None:
    weights, z = draw_weights(draw), draw.normal(2, 16, 3)
    mine = subject.probe(after_generator_steps, weights, z)["losses"]
    _assert_losses(mine, after_generator_steps(reference.generator_step, weights, z)["losses"])


# The broken training loop

def after_training(train: Callable, weights: list[Tensor], real: Tensor, z: Tensor) -> dict:
    """Both networks after `train` on the batches of `real` (S, B, 2) and `z` (2 S, B, 3), its history, and G's
    gradients each time that noise was drawn."""
    generator, discriminator = tiny_networks(weights)
    reals, noises, seen = iter(real), iter(z), []

    def sample_z() -> Tensor:
        seen.append([torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in generator.parameters()])
        return next(noises)

    history = train(generator, discriminator, lambda: next(reals), sample_z, len(real), 0.01)
    return {"D": weights_of(discriminator), "G": weights_of(generator), "history": history, "G gradients": seen}


def broken_train(*faults: str) -> Callable:
    """The training loop with the named faults of the exercise; none gives the reference."""
    def train(generator, discriminator, sample_real, sample_z, steps, lr):
        optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
        optimizer_g = torch.optim.Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999))
        squash = torch.sigmoid if "sigmoid" in faults else (lambda s: s)
        bce, history = F.binary_cross_entropy_with_logits, []
        for _ in range(steps):
            real_logits = squash(discriminator(sample_real()))
            fake = generator(sample_z())
            fake_logits = squash(discriminator(fake if "attached" in faults else fake.detach()))
            fake_target = torch.ones_like if "fake is 1" in faults else torch.zeros_like
            loss_d = bce(real_logits, torch.ones_like(real_logits)) + bce(fake_logits, fake_target(fake_logits))
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()
            fake_logits = discriminator(generator(sample_z()))
            goal = torch.zeros_like if "goal is 0" in faults else torch.ones_like
            loss_g = bce(fake_logits, goal(fake_logits))
            if "stale" not in faults:
                optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
            history.append((loss_d.item(), loss_g.item()))
        return history
    return train


HALVES_OF_D = [(), ("sigmoid",), ("fake is 1",), ("sigmoid", "fake is 1")]
FAULTS = {
    "sigmoid": "One fault left: D's logits pass a sigmoid before a loss that applies its own.",
    "fake is 1": "One fault left: D is told that fake samples are real. Which target is theirs?",
    "goal is 0": "One fault left: the generator's target. It wants D to say 1.",
    "stale": "One fault left: the generator's gradients pile up from step to step.",
}


@check("gan_losses.train", points=2, hint="Look at D's half: what goes into the loss, and which target is whose?")
def the_discriminator_learns_as_it_should(subject: Subject, draw: Draw) -> None:
    for _ in range(4):  # Adam's first step shows little more than the signs of the gradient: a wrong one may have them too
        weights, real, z = draw_weights(draw), draw.normal(1, 16, 2), draw.normal(2, 16, 3)
        mine = subject.probe(after_training, weights, real, z)["D"]
        mistakes = ((after_training(broken_train(fault), weights, real, z)["D"], FAULTS[fault])
                    for fault in ("sigmoid", "fake is 1"))
        assert_close(mine, after_training(reference.train, weights, real, z)["D"], mistakes=mistakes)


@check("gan_losses.train", points=1, hint="D's loss sends gradients into G: something is not cut there.")
def the_turn_of_the_discriminator_leaves_the_generator_alone(subject: Subject, draw: Draw) -> None:
    weights, real, z = draw_weights(draw), draw.normal(3, 16, 2), draw.normal(6, 16, 3)
    mine = subject.probe(after_training, weights, real[:1], z[:2])["D"]
    halves = (after_training(broken_train(*f), weights, real[:1], z[:2])["D"] for f in HALVES_OF_D)
    if not any(is_close(mine, half) for half in halves):  # else who does nothing at all would leave G alone
        raise Wrong(hint="The discriminator has to learn in its turn, from every batch of samples, with the generator cut off.")
    seen = subject.probe(after_training, weights, real, z)["G gradients"]
    for before, after in zip(seen[0::2], seen[1::2], strict=True):
        if any(now.any() and not torch.equal(then, now) for then, now in zip(before, after, strict=True)):
            raise Wrong()


@check("gan_losses.train", points=2, hint="Look at what a step leaves behind for the next one, in both networks.")
def after_several_steps_both_networks_are_right(subject: Subject, draw: Draw) -> None:
    weights, real, z = draw_weights(draw), draw.normal(5, 16, 2), draw.normal(10, 16, 3)
    mine = subject.probe(after_training, weights, real, z)
    expected = after_training(reference.train, weights, real, z)
    pairs = [(f,) for f in FAULTS] + [("stale", "attached")]
    texts = [*FAULTS.values(), "Two faults left: D's loss sends gradients into G, and nothing clears them there."]
    runs = (after_training(broken_train(*faults), weights, real, z) for faults in pairs)
    mistakes = ((run["G"], text) for run, text in zip(runs, texts, strict=True))
    assert_close(mine["G"], expected["G"], mistakes=mistakes)
    assert_close(mine["D"], expected["D"])


@check("gan_losses.train", points=1, hint="Return one pair of floats a step: D's loss, then G's.")
def the_history_holds_both_losses_of_each_step(subject: Subject, draw: Draw) -> None:
    weights, real, z = draw_weights(draw), draw.normal(3, 16, 2), draw.normal(6, 16, 3)
    mine = subject.probe(after_training, weights, real, z)["history"]
    assert_close(mine, after_training(reference.train, weights, real, z)["history"])


written("gan_losses.why_it_stalls", points=3, rubric="""
- 1 point: the gradient of the minimax loss with respect to the logit is -D(G(z)), so it vanishes where D is sure
  that the samples are fake (and not where the generator is already good).
- 1 point: the non-saturating loss and its gradient -(1 - D(G(z))), strong for the same samples.
- 1 point: a remedy on D's side, or what Adam changes and what it does not, argued and not only named.
""")
