"""Answers to the exercises of chapter 5; see tests/answers/gan_losses.py."""
import math

import torch
import torch.nn.functional as F
from torch import nn

from autograde.checks.stability import clip_variant, norm_variant, step_variant


def modes_by_loop(labels):
    """Right: a plain loop over the kinds."""
    entropy = 0.0
    for kind in labels.unique():
        share = (labels == kind).float().mean().item()
        entropy -= share * math.log(share)
    return math.exp(entropy)


def modes_by_distribution(labels):
    """Right: torch's own entropy, of the kinds that occur."""
    counts = labels.unique(return_counts=True)[1]
    return torch.distributions.Categorical(counts.float()).entropy().exp()



def naive_modes(labels):
    p = labels.bincount() / len(labels)
    return (-(p * p.log()).sum()).exp().item()


def shares(function):
    return lambda labels: function(labels.unique(return_counts=True)[1] / len(labels)).item()


def dirac_by_autograd(theta, psi, *, lr, gamma=0.0):
    """Right: both losses written down, autograd for the slopes."""
    theta, psi = theta.clone().requires_grad_(), psi.clone().requires_grad_()
    loss_g = -F.softplus(psi * theta).sum()
    loss_d = (F.softplus(psi * theta) + gamma / 2 * psi ** 2).sum()
    (slope_g,), (slope_d,) = torch.autograd.grad(loss_g, theta), torch.autograd.grad(loss_d, psi)
    return (theta - lr * slope_g).detach(), (psi - lr * slope_d).detach()


def dirac_with_exp(theta, psi, *, lr, gamma=0.0):
    """Right: the sigmoid written out."""
    d = 1 / (1 + (-psi * theta).exp())
    return [theta + lr * d * psi, (1 - lr * gamma) * psi - lr * d * theta]


def dirac(*, sign_g=1, sign_d=1, alternating=False, flat=False, friction=1.0, non_saturating=False, swapped=False):
    """A step put together from named parts."""
    def step(theta, psi, *, lr, gamma=0.0):
        weigh = (lambda s: torch.ones_like(s)) if flat else torch.sigmoid
        new = theta + sign_g * lr * weigh(-psi * theta if non_saturating else psi * theta) * psi
        at = new if alternating else theta
        turned = psi - lr * (sign_d * weigh(psi * at) * at + friction * gamma * psi)
        return (turned, new) if swapped else (new, turned)
    return step


def rate_by_formula(gamma):
    """Right: the roots of the quadratic."""
    root = gamma ** 2 - 1
    return -gamma / 2 if root < 0 else (-gamma + math.sqrt(root)) / 2


def rate_by_autograd(gamma):
    """Right: the Jacobian of both slopes, differentiated."""
    def motion(x):
        theta, psi = x
        return torch.stack([torch.sigmoid(-psi * theta) * psi, -torch.sigmoid(psi * theta) * theta - gamma * psi])
    jacobian = torch.autograd.functional.jacobian(motion, torch.zeros(2, dtype=torch.float64))
    return torch.linalg.eigvals(jacobian).real.max()


def rate(entries, read):
    """A rate read off another Jacobian, or otherwise."""
    return lambda gamma: read(torch.linalg.eigvals(torch.tensor(entries(gamma), dtype=torch.float64))).item()


def right_entries(gamma):
    return [[0.0, 0.5], [-0.5, -gamma]]


def norm_by_loop(critic, samples):
    """Right: one sample after the other."""
    found = []
    for sample in samples:
        x = sample[None].clone().requires_grad_()
        grad = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
        found.append((grad ** 2).sum())
    return torch.stack(found)


def norm_by_vector_norm(critic, samples):
    """Right: vector_norm over all axes but the first."""
    samples = samples.clone().requires_grad_(True)
    logits = critic(samples)
    grad, = torch.autograd.grad(logits, samples, torch.ones_like(logits), create_graph=True, retain_graph=True)
    return torch.linalg.vector_norm(grad, dim=tuple(range(1, grad.ndim))) ** 2


def step_in_one_pass(generator, discriminator, optimizer_d, real, z, *, loss, penalty, weight, every=1, step=0):
    """Right: no_grad, the weight worked out first."""
    with torch.no_grad():
        fake = generator(z)
    now = 0.0 if step % every else weight * every
    optimizer_d.zero_grad()
    total = loss(discriminator(real), discriminator(fake)) + (now * penalty(discriminator, real, fake) if now else 0.0)
    total.backward()
    optimizer_d.step()
    return total.item()


def step_with_two_backwards(generator, discriminator, optimizer_d, real, z, *, loss, penalty, weight, every=1, step=0):
    """Right: gradients of loss and penalty are added by two calls of backward."""
    optimizer_d.zero_grad(set_to_none=False)
    fake = generator(z).detach()
    total = loss(discriminator(real), discriminator(fake))
    total.backward()
    if not step % every:
        extra = every * weight * penalty(discriminator, real, fake)
        extra.backward()
        total = total + extra
    optimizer_d.step()
    return total.detach().clone()


def step_returning(what):
    def step(*args, **options):
        value = step_variant()(*args, **options)
        return None if what == "none" else value.requires_grad_()
    return step


def clip_by_torch(parameters, max_norm):
    """Right: torch's own."""
    return nn.utils.clip_grad_norm_(list(parameters), max_norm)


def clip_by_one_vector(parameters, max_norm):
    """Right: one long vector for the norm."""
    parameters = [p for p in parameters if p.grad is not None]
    if len(parameters) == 0:
        return 0.0
    norm = torch.cat([p.grad.flatten() for p in parameters]).norm()
    if norm > max_norm:
        for p in parameters:
            p.grad = p.grad * (max_norm / norm)
    return norm


def clip_without_return(parameters, max_norm):
    clip_by_torch(parameters, max_norm)


def clip_returning_the_norm_after(parameters, max_norm):
    parameters = list(parameters)
    clip_by_torch(parameters, max_norm)
    return nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])


def layer(compute):
    """A module whose forward is `compute`."""
    class Layer(nn.Module):
        def forward(self, features):
            return compute(features)
    return Layer


def std_column(*, dim=0, unbiased=False, eps=1e-8, reduce=torch.mean, root=True, detach=False, first=False, alone=False):
    def compute(x):
        spread = x.var(dim, unbiased=unbiased) + eps
        spread = spread.sqrt() if root else spread
        level = reduce(spread)
        level = level.detach() if detach else level
        column = level.expand(len(x), 1)
        return column if alone else torch.cat([column, x] if first else [x, column], 1)
    return layer(compute)


def std_by_hand(x):
    """Right: the variance written out."""
    centred = x - x.mean(0)
    std = ((centred ** 2).mean(0) + 1e-8) ** 0.5
    return torch.hstack([x, std.mean() * torch.ones(x.shape[0], 1)])


RIGHT = {
    "stability.effective_modes": {"loop": modes_by_loop, "Categorical": modes_by_distribution},
    "stability.dirac_step": {"autograd": dirac_by_autograd, "exp": dirac_with_exp},
    "stability.convergence_rate": {"formula": rate_by_formula, "autograd": rate_by_autograd},
    "stability.squared_gradient_norm": {"loop": norm_by_loop, "vector_norm": norm_by_vector_norm},
    "stability.penalised_step": {"no_grad": step_in_one_pass, "two backwards": step_with_two_backwards},
    "stability.clip_gradients": {"torch's": clip_by_torch, "one vector": clip_by_one_vector},
    "stability.MinibatchStd": {"by hand": layer(std_by_hand), "std_column": std_column()},
}

WRONG = {
    "stability.effective_modes": {
        "count": (lambda labels: len(labels.unique()), "Weigh each by its share"),
        "entropy": (shares(lambda p: torch.special.entr(p).sum()), "entropy itself"),
        "2 to the nats": (shares(lambda p: 2 ** torch.special.entr(p).sum()), "base must fit"),
        "e to the bits": (shares(lambda p: (-(p * p.log2()).sum()).exp()), "base must fit"),
        "inverse Simpson": (shares(lambda p: 1 / p.square().sum()), "order 2"),
        "most frequent": (shares(lambda p: 1 / p.max()), "most frequent"),
        "sign": (shares(lambda p: (p * p.log()).sum().exp()), "sign of the entropy"),
        "nan": (naive_modes, "torch.special.entr"),
    },
    "stability.dirac_step": {
        "alternating": (dirac(alternating=True), "step at once"),
        "sign of G": (dirac(sign_g=-1), "generator climbs"),
        "sign of D": (dirac(sign_d=-1), "discriminator climbs"),
        "no sigmoid": (dirac(flat=True), "sigmoid(s)"),
        "non-saturating": (dirac(non_saturating=True), "non-saturating loss"),
        "no penalty": (dirac(friction=0), "has a slope too"),
        "half penalty": (dirac(friction=0.5), "cancels the half"),
        "doubled penalty": (dirac(friction=2), "cancels the half"),
        "negative penalty": (dirac(friction=-1), "with a plus"),
        "swapped": (dirac(swapped=True), "theta first"),
        "one thing": (lambda theta, psi, *, lr, gamma=0.0: theta, "two things"),
    },
    "stability.convergence_rate": {
        "smallest": (rate(right_entries, lambda e: e.real.min()), "largest"),
        "modulus": (rate(right_entries, lambda e: e.abs().max()), "modulus"),
        "imaginary": (rate(right_entries, lambda e: e.imag.max()), "imaginary"),
        "sign": (rate(right_entries, lambda e: -e.real.max()), "negative"),
        "whole sigmoid": (rate(lambda g: [[0.0, 1.0], [-1.0, -g]], lambda e: e.real.max()), "1/2, not 1"),
        "half friction": (rate(lambda g: [[0.0, 0.5], [-0.5, -g / 2]], lambda e: e.real.max()), "gamma psi"),
        "symmetric": (rate(lambda g: [[0.0, 0.5], [0.5, -g]], lambda e: e.real.max()), "has a minus"),
        "accelerates": (rate(lambda g: [[0.0, 0.5], [-0.5, g]], lambda e: e.real.max()), "negative"),
        "always -gamma / 2": (lambda gamma: -gamma / 2, "real"),
    },
    "stability.squared_gradient_norm": {
        "untouched": (norm_variant(mean=True, axes="last", graph=False), "create_graph"),
        "mean of the logits": (norm_variant(mean=True), "differentiate the sum"),
        "last axis": (norm_variant(axes="last"), "last axis only"),
        "mean and last axis": (norm_variant(mean=True, axes="last"), "Two faults left"),
        "axes 1 2 3": (norm_variant(axes="1 2 3"), "a clip has four"),
        "summed over the batch": (norm_variant(axes="everything"), "one number for each sample"),
        "no create_graph": (norm_variant(graph=False), "create_graph"),
        "norm": (norm_variant(root=True), "its square"),
        "mean over the pixels": (norm_variant(average=True), "mean over the pixels"),
    },
    "stability.penalised_step": {
        "stale": (step_variant("stale"), "zero_grad"),
        "no step": (step_variant("still"), "did not move"),
        "no penalty": (step_variant("never"), "does not reach"),
        "detached penalty": (step_variant("detached"), "does not reach"),
        "subtracted": (step_variant("minus"), "added"),
        "unweighted": (step_variant("unweighted"), "weight is missing"),
        "real and fake swapped": (step_variant("swapped"), "in this order"),
        "in every step": (step_variant("always"), "every`th step only"),
        "first at the end": (step_variant("late"), "due first in step 0"),
        "all but": (step_variant("all but"), "not where it is not"),
        "not lazy": (step_variant("not lazy"), "k times as heavy"),
        "attached": (step_variant("attached"), "detach the fake samples"),
        "returns nothing": (step_returning("none"), "returns None"),
        "returns a graph": (step_returning("graph"), "detach it"),
    },
    "stability.clip_gradients": {
        "each on its own": (clip_variant("each"), "one norm of all"),
        "values": (clip_variant("value"), "every number"),
        "always": (clip_variant("always"), "at most 1"),
        "not in place": (clip_variant("never"), "in place"),
        "squared norm": (clip_variant("squared"), "square of the norm"),
        "returns nothing": (clip_without_return, "returns None"),
        "returns the norm after": (clip_returning_the_norm_after, "one before"),
    },
    "stability.MinibatchStd": {
        "wrong axis": (std_column(dim=1, reduce=lambda s: s[:, None]), "Compare the samples"),
        "unbiased": (std_column(unbiased=True), "not by B - 1"),
        "variance": (std_column(root=False), "take the root"),
        "sum": (std_column(reduce=torch.sum), "not the sum"),
        "detached": (std_column(detach=True), "no detach"),
        "comes first": (std_column(first=True), "comes last"),
        "alone": (std_column(alone=True), "Keep the features"),
        "no epsilon": (std_column(eps=0.0), "add 1e-8"),
        "root of the mean": (layer(lambda x: torch.cat(
            [x, (x.var(0, unbiased=False).mean() + 1e-8).sqrt().expand(len(x), 1)], 1)), "First the root"),
    },
}
