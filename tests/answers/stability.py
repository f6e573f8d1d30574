"""Answers to the exercises of chapter 5; see tests/answers/gan_losses.py."""
import math

import torch
import torch.nn.functional as F
from torch import nn

from autograde.checks.stability import norm_variant, step_variant


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
    return torch.distributions.Categorical(counts.float()).entropy().exp().item()


def naive_modes(labels):
    p = labels.bincount() / len(labels)
    return (-(p * p.log()).sum()).exp().item()


def modes_in_bits(labels):
    """Right: bits, and a power of 2; a Counter."""
    from collections import Counter
    shares = [count / len(labels) for count in Counter(labels.tolist()).values()]
    return 2 ** sum(-p * math.log2(p) for p in shares)


def modes_of(kinds):
    """Wrong: the number of kinds is written into it."""
    def answer(labels):
        entropy = 0.0
        for kind in range(kinds):
            if (p := (labels == kind).double().mean().item()) > 0:
                entropy -= p * math.log(p)
        return math.exp(entropy)
    return answer


def modes_by_histogram(labels):
    p = torch.histc(labels.float(), bins=8, min=0, max=7)
    return torch.special.entr(p / p.sum()).sum().exp().item()


def modes_or_none(labels):
    """Wrong: one kind alone counts as none."""
    return modes_by_loop(labels) if len(labels.unique()) > 1 else 0.0


def shares(function):
    return lambda labels: function(labels.unique(return_counts=True)[1] / len(labels)).item()


def dirac_by_autograd(theta, psi, *, lr, gamma=0.0):
    """Right: both losses written down, autograd for the slopes."""
    theta, psi = theta.clone().requires_grad_(), psi.clone().requires_grad_()
    loss_g = -F.softplus(psi * theta).sum()
    loss_d = (F.softplus(psi * theta) + gamma / 2 * psi ** 2).sum()
    (slope_g,), (slope_d,) = torch.autograd.grad(loss_g, theta), torch.autograd.grad(loss_d, psi)
    return (theta - lr * slope_g).detach(), (psi - lr * slope_d).detach()


def dirac_by_one_gradient(theta, psi, *, lr, gamma=0.0):
    """Right: one gradient of the value of the game, climbed by one player and descended by the other."""
    x = torch.stack([theta, psi]).requires_grad_()
    (slope,) = torch.autograd.grad(F.softplus(x.prod(0)).sum(), x)
    x, friction = x.detach(), torch.tensor([0.0, gamma]).reshape(2, *[1] * theta.ndim)
    moved = x - lr * (slope * torch.tensor([-1.0, 1.0]).reshape(friction.shape) + friction * x)
    return moved[0], moved[1]


def dirac_in_place(theta, psi, *, lr, gamma=0.0):
    s = torch.sigmoid(psi * theta)
    slope_d = s * theta + gamma * psi
    theta += lr * s * psi
    psi -= lr * slope_d
    return theta, psi


def dirac_d_first(theta, psi, *, lr, gamma=0.0):
    psi = psi - lr * (torch.sigmoid(psi * theta) * theta + gamma * psi)
    return theta + lr * torch.sigmoid(psi * theta) * psi, psi


def dirac_with(*, weigh=torch.sigmoid, penalty=lambda gamma, psi, lr: gamma * psi, inner=lambda theta, psi: (psi, theta)):
    """A step put together from other parts."""
    def step(theta, psi, *, lr, gamma=0.0):
        (a, b), push = inner(theta, psi), weigh(psi * theta)
        return theta + lr * push * a, psi - lr * (push * b + penalty(gamma, psi, lr))
    return step


def dirac_with_a_penalty_unasked(theta, psi, *, lr, gamma=1.0):
    """Wrong: another default."""
    return dirac()(theta, psi, lr=lr, gamma=gamma)


def dirac_of_the_mean(theta, psi, *, lr, gamma=0.0):
    moved = dirac()(theta, psi, lr=lr, gamma=gamma)
    return tuple(old + (new - old) / old.numel() for old, new in zip((theta, psi), moved, strict=True))


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


def ahead_by_parts(step, theta, psi):
    """Right: each player's second change by itself."""
    theta_ahead, psi_ahead = step(theta, psi)
    theta_there, psi_there = step(theta_ahead, psi_ahead)
    return theta + (theta_there - theta_ahead), psi + (psi_there - psi_ahead)


def ahead_by_stacks(step, theta, psi):
    """Right: both players as one tensor."""
    def pull(game):
        return torch.stack(step(*game)) - game
    game = torch.stack([theta, psi])
    return (game + pull(game + pull(game))).unbind()


def ahead_by_loop(step, theta, psi):
    """Right: two rounds, each from the start."""
    start = place = [theta, psi]
    for _ in range(2):
        moved = [new - old for new, old in zip(step(*place), place, strict=True)]
        place = [one + change for one, change in zip(start, moved, strict=True)]
    return place


def ahead(combine, times=1):
    """A step put together from what a plain step adds here and there."""
    def answer(step, theta, psi):
        def pull(game):
            return [torch.stack(step(*game)) for _ in range(times)][0] - game
        game = torch.stack([theta, psi])
        here = pull(game)
        return tuple(combine(game, here, pull(game + here), pull))
    return answer


def ahead_by_keywords(step, theta, psi):
    """Wrong: a step is called as step(theta, psi)."""
    ahead = step(theta=theta, psi=psi)
    further = step(theta=ahead[0], psi=ahead[1])
    return theta + further[0] - ahead[0], psi + further[1] - ahead[1]


def ahead_of_cat(step, theta, psi):
    """Wrong: for an axis of games only."""
    n = len(theta)
    ahead = torch.cat(step(theta, psi))
    found = torch.cat([theta, psi]) + torch.cat(step(ahead[:n], ahead[n:])) - ahead
    return found[:n], found[n:]


def ahead_from_memory():
    """Wrong: what the second step added is kept for the next call."""
    kept = {}

    def answer(step, theta, psi):
        if theta.shape not in kept:
            found = ahead_by_parts(step, theta, psi)
            kept[theta.shape] = found[0] - theta, found[1] - psi
        return theta + kept[theta.shape][0], psi + kept[theta.shape][1]
    return answer


def ahead_in_place(step, theta, psi):
    """Wrong: the places of the caller are overwritten."""
    found = ahead_by_parts(step, theta, psi)
    theta.copy_(found[0])
    psi.copy_(found[1])
    return theta, psi


def norm_by_loop(critic, samples):
    """Right: one sample after the other."""
    if samples.ndim == 1:
        raise ValueError("a sample alone")
    found = []
    for sample in samples:
        x = sample[None].clone().requires_grad_()
        grad = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]
        found.append((grad ** 2).sum())
    return torch.stack(found)


def norm_by_torch_func(critic, samples):
    """Right: torch.func, the gradient of one sample after the other."""
    def logit(x):
        return critic(x[None]).sum()
    if samples.dim() < 2:
        raise ValueError("expected a batch")
    return torch.stack([torch.func.grad(logit)(x).pow(2).sum() for x in samples])


def norm_by_backward(critic, samples):
    x = samples.detach().requires_grad_()
    critic(x).sum().backward(create_graph=True)
    return x.grad.flatten(1).square().sum(1)


def norm_of_marked_samples(critic, samples):
    (g,) = torch.autograd.grad(critic(samples.requires_grad_()).sum(), samples, create_graph=True)
    return g.flatten(1).square().sum(1)


def norm_squeezed(critic, samples):
    return norm_by_loop(critic, samples).squeeze()


def norm_of_anything(critic, samples):
    """Wrong: a sample without a batch is taken for a batch."""
    x = samples.detach().requires_grad_()
    (g,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return g.square().reshape(len(g), -1).sum(1)


def norm_of_known_shapes(critic, samples):
    """Wrong: of points, images and clips alone."""
    if samples.ndim < 2:
        raise ValueError("expected a batch")
    return norm_with()(critic, samples) if samples.ndim in (2, 4, 5) else norm_variant(axes="last")(critic, samples)


def norm_that_freezes(critic, samples):
    found = norm_by_loop(critic, samples)
    if isinstance(critic, nn.Module):
        critic.requires_grad_(False)
    return found


def norm_with(*, outputs=lambda logits: torch.ones_like(logits), end=lambda g: g):
    """The squared norm, of other logits, or cut off at the end."""
    def answer(critic, samples):
        x = samples.detach().requires_grad_()
        logits = critic(x)
        (g,) = torch.autograd.grad(logits, x, outputs(logits), create_graph=True)
        return end(g).flatten(1).square().sum(1)
    return answer


def norm_by_vector_norm(critic, samples):
    """Right: vector_norm over all axes but the first."""
    if len(samples.shape) < 2:
        raise ValueError(f"no batch: {tuple(samples.shape)}")
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
    return total.detach()


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


def step_with_gradients(generator, discriminator, optimizer_d, real, z, *, loss, penalty, weight, every=1, step=0):
    """Right: torch.autograd.grad, the penalty's gradient on top."""
    fake, weights = generator(z).detach(), list(discriminator.parameters())
    total = loss(discriminator(real), discriminator(fake))
    slopes = torch.autograd.grad(total, weights)
    if step % every == 0:
        extra = penalty(discriminator, real, fake) * weight * every
        slopes = [a + b for a, b in zip(slopes, torch.autograd.grad(extra, weights), strict=True)]
        total = total + extra
    for parameter, slope in zip(weights, slopes, strict=True):
        parameter.grad = slope
    optimizer_d.step()
    return total.detach()


def step_with_an_idle_penalty(generator, discriminator, optimizer_d, real, z, *, loss, penalty, weight, every=1, step=0):
    fake = generator(z).detach()
    due = float(step % every == 0)
    total = loss(discriminator(real), discriminator(fake)) + due * every * weight * penalty(discriminator, real, fake)
    optimizer_d.zero_grad()
    total.backward()
    optimizer_d.step()
    return total.detach()


def step_returning(what):
    def step(*args, loss, **options):
        seen = []
        value = step_variant()(*args, loss=lambda *logits: seen.append(loss(*logits)) or seen[-1], **options)
        return {"none": lambda: None, "graph": value.requires_grad_, "loss alone": seen[-1].detach}[what]()
    return step


def step_leaving(what):
    """A right step that leaves something behind."""
    def step(generator, discriminator, *args, **options):
        value = step_variant()(generator, discriminator, *args, **options)
        {"G frozen": lambda: generator.requires_grad_(False), "eval": generator.eval, "G cleared": generator.zero_grad,
         "D in training": discriminator.train}[what]()
        return value
    return step


def pairs_by_cross_entropy(real_logits, fake_logits):
    """Right: the difference is a logit, and it should be real for D and fake for G."""
    lead = real_logits - fake_logits
    ones, zeros = torch.ones_like(lead), torch.zeros_like(lead)
    return F.binary_cross_entropy_with_logits(lead, ones), F.binary_cross_entropy_with_logits(lead, zeros)


def pairs_by_logsigmoid(real_logits, fake_logits):
    """Right: logsigmoid, in a list."""
    return [-F.logsigmoid(real_logits - fake_logits).mean(), -F.logsigmoid(fake_logits - real_logits).mean()]


def pairs_by_logaddexp(real_logits, fake_logits):
    """Right: log(e^real + e^fake), less the logit that should be large."""
    both = torch.logaddexp(real_logits, fake_logits)
    return (both - real_logits).mean(), (both - fake_logits).mean()


def pairs_by_classes(real_logits, fake_logits):
    """Right: which of the two is the real one, as a question with two answers."""
    scores = torch.stack([real_logits.flatten(), fake_logits.flatten()], dim=1)
    first = torch.zeros(len(scores), dtype=torch.long)
    return F.cross_entropy(scores, first), F.cross_entropy(scores, first + 1)


def pairs_by_hand(real_logits, fake_logits):
    """Right: softplus written out."""
    def softplus(s):
        return s.clamp(min=0) + (-s.abs()).exp().log1p()
    return softplus(fake_logits - real_logits).mean(), softplus(real_logits - fake_logits).mean()


def pairs(compute, order=lambda d, g: (d, g)):
    """Both losses from one rule: compute(up, down) for who wants `up` above `down`."""
    return lambda real_logits, fake_logits: order(compute(real_logits, fake_logits), compute(fake_logits, real_logits))


def softplus_of_pairs(up, down):
    return F.softplus(down - up).mean()


def average_pairs(up, down):
    return (F.softplus(down.mean() - up).mean() + F.softplus(down - up.mean()).mean()) / 2


def unpaired(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean(), F.softplus(-fake_logits).mean()


def all_pairs(up, down):
    return F.softplus(down.flatten()[None, :] - up.flatten()[:, None]).mean()


def pairs_for_d_alone(real_logits, fake_logits):
    return softplus_of_pairs(real_logits, fake_logits), F.softplus(-fake_logits).mean()


def layer(compute):
    """A module whose forward is `compute`."""
    class Layer(nn.Module):
        def forward(self, features):
            return compute(features)
    return Layer


class StdOfTheFirst(nn.Module):
    """Wrong: keeps the number of its first batch."""

    level = None

    def forward(self, features):
        self.level = std_column()()(features)[:1, -1:] if self.level is None else self.level
        return torch.cat([features, self.level.expand(len(features), 1)], 1)


class StdInTraining(nn.Module):
    """Wrong: in evaluation mode it says nothing."""

    def forward(self, features):
        return std_column()()(features) if self.training else F.pad(features, (0, 1))


def std_in_place(features):
    """Wrong: the features of the caller lose their mean."""
    kept, rest = features.clone(), features if not features.requires_grad else features * 1
    rest -= rest.mean(0)
    return torch.cat([kept, (rest.square().mean(0) + 1e-8).sqrt().mean().expand(len(kept), 1)], 1)


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


class StdOverColumns(nn.Module):
    """Right: torch.std over each column of a batch that is centred first; a layer that keeps its epsilon."""

    def __init__(self, eps=1e-8):
        super().__init__()
        self.eps = eps

    def forward(self, features):
        centred = features - features.mean(dim=0, keepdim=True)
        levels = [torch.sqrt(column.dot(column) / len(column) + self.eps) for column in centred.T]
        return nn.functional.pad(features, (0, 1)) + nn.functional.one_hot(
            torch.tensor(features.shape[1]), features.shape[1] + 1) * (sum(levels) / len(levels))


def std_behind(compute):
    return layer(lambda x: torch.cat([x, compute(x).expand(len(x), 1)], 1))


class StdOfGroups(nn.Module):
    """Wrong: over groups of four samples, as StyleGAN2's code has it."""

    def forward(self, features):
        group = 4 if len(features) % 4 == 0 else len(features)
        std = (features.reshape(group, -1, features.shape[1]).var(0, unbiased=False) + 1e-8).sqrt().mean(1, keepdim=True)
        return torch.cat([features, std.repeat(group, 1)], 1)


def dirac_by_zip(theta, psi, *, lr, gamma=0.0):
    """Wrong: a single game has nothing to go through."""
    pairs = [(t + lr * (t * p).sigmoid() * p, p - lr * ((t * p).sigmoid() * t + gamma * p))
             for t, p in zip(theta, psi, strict=True)]
    return torch.stack([t for t, _ in pairs]), torch.stack([p for _, p in pairs])


def pairs_clamped(real, fake):
    """Wrong: a difference of more than 450 is cut off."""
    gap = (real - fake).clamp(-450, 450)
    return F.softplus(-gap).mean(), F.softplus(gap).mean()


def step_in_one_batch(generator, discriminator, optimizer_d, real, z, *, loss, penalty, weight, every=1, step=0):
    """Wrong: real and fake pass D together."""
    fake = generator(z).detach()
    real_logits, fake_logits = discriminator(torch.cat([real, fake])).split(len(real))
    value = loss(real_logits, fake_logits)
    if step % every == 0:
        value = value + every * weight * penalty(discriminator, real, fake)
    optimizer_d.zero_grad()
    value.backward()
    optimizer_d.step()
    return value.detach()


def norm_in_training(critic, samples):
    """Wrong: a critic in evaluation mode cannot learn by it."""
    if samples.ndim < 2:
        raise ValueError("expected a batch")
    samples = samples.detach().requires_grad_()
    gradient, = torch.autograd.grad(critic(samples).sum(), samples, create_graph=getattr(critic, "training", True))
    return gradient.square().flatten(1).sum(1)


_before = {}


def ahead_by_memory(step, theta, psi):
    """Wrong: in a game that it knows it goes ahead by what was added there last."""
    here = torch.stack([theta, psi])
    ahead = here + _before[step] if step in _before else torch.stack(list(step(theta, psi)))
    added = torch.stack(list(step(*ahead))) - ahead
    _before.clear()
    _before[step] = added
    return tuple(here + added)


def norm_by_a_root(critic, samples):
    """Wrong: by a root, whose slope at 0 is infinite."""
    return norm_by_torch_func(critic, samples).sqrt() ** 2


RIGHT = {
    "stability.effective_modes": {"loop": modes_by_loop, "Categorical": modes_by_distribution, "bits": modes_in_bits},
    "stability.dirac_step": {"autograd": dirac_by_autograd, "exp": dirac_with_exp, "one gradient": dirac_by_one_gradient},
    "stability.extragradient_step": {"by parts": ahead_by_parts, "stacked": ahead_by_stacks, "loop": ahead_by_loop},
    "stability.squared_gradient_norm": {"loop": norm_by_loop, "vector_norm": norm_by_vector_norm, "func": norm_by_torch_func},
    "stability.penalised_step": {"no_grad": step_in_one_pass, "two backwards": step_with_two_backwards,
                                 "gradients": step_with_gradients},
    "stability.pairing_losses": {"cross-entropy": pairs_by_cross_entropy, "logsigmoid": pairs_by_logsigmoid,
                                 "logaddexp": pairs_by_logaddexp, "two classes": pairs_by_classes, "by hand": pairs_by_hand},
    "stability.MinibatchStd": {"by hand": layer(std_by_hand), "std_column": std_column(), "column by column": StdOverColumns},
}

WRONG = {
    "stability.effective_modes": {
        "bytes": (lambda labels: modes_by_distribution(labels.to(torch.uint8)), "Expected"),
        "a tensor": (lambda labels: torch.tensor(modes_by_distribution(labels)), "plain number"),
        "count": (lambda labels: len(labels.unique()), "Weigh each by its share"),
        "entropy": (shares(lambda p: torch.special.entr(p).sum()), "entropy itself"),
        "2 to the nats": (shares(lambda p: 2 ** torch.special.entr(p).sum()), "base must fit"),
        "e to the bits": (shares(lambda p: (-(p * p.log2()).sum()).exp()), "base must fit"),
        "inverse Simpson": (shares(lambda p: 1 / p.square().sum()), "order 2"),
        "most frequent": (shares(lambda p: 1 / p.max()), "most frequent"),
        "sign": (shares(lambda p: (p * p.log()).sum().exp()), "sign of the entropy"),
        "nan": (naive_modes, "torch.special.entr"),
        "eight kinds": (modes_of(8), "written into it"),
        "twelve kinds": (modes_of(12), "written into it"),
        "eight bins": (modes_by_histogram, "written into it"),
        "none": (modes_or_none, "exponential of an entropy of 0"),
        "from 1": (lambda labels: modes_by_loop(labels[labels > 0]), "Labels begin at 0"),
        "twenty-four kinds": (modes_of(24), "written into it"),
        "rounded": (lambda labels: round(modes_by_loop(labels), 1), "Is it this?"),
        "mean over the kinds": (shares(lambda p: torch.special.entr(p).mean().exp()), "*sum* over the kinds"),
    },
    "stability.dirac_step": {
        "game by game": (dirac_by_zip, "0-d tensor"),
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
        "D first": (dirac_d_first, "G sees the new psi"),
        "in place": (dirac_in_place, "in place"),
        "softplus": (dirac_with(weigh=F.softplus), "softplus itself"),
        "slope of the sigmoid": (dirac_with(weigh=lambda s: s.sigmoid() * (1 - s.sigmoid())), "differentiate twice"),
        "half": (dirac_with(weigh=lambda s: 0.5), "is 1/2 at psi theta = 0 only"),
        "penalty as it is": (dirac_with(penalty=lambda gamma, psi, lr: gamma * psi ** 2 / 2), "penalty gamma psi^2 / 2 itself"),
        "penalty without lr": (dirac_with(penalty=lambda gamma, psi, lr: gamma * psi / lr), "multiplied with lr"),
        "inner slopes": (dirac_with(inner=lambda theta, psi: (theta, psi)), "inner derivatives are exchanged"),
        "penalised unasked": (dirac_with_a_penalty_unasked, "Called without `gamma`"),
        "mean over the games": (dirac_of_the_mean, "differentiate the sum"),
        "one sigmoid for all": (dirac_with(weigh=lambda s: torch.sigmoid(s).mean()), "own number"),
        "size of psi": (dirac_with(penalty=lambda gamma, psi, lr: gamma * psi.abs()), "R1 adds"),
        "numbers": (lambda theta, psi, *, lr, gamma=0.0: (theta.flatten()[0].item(), psi.flatten()[0].item()),
                    "keep their shape"),
    },
    "stability.extragradient_step": {
        "by memory": (ahead_by_memory, "numbers differ"),
        "plain": (lambda step, theta, psi: step(theta, psi), "plain step"),
        "two steps": (lambda step, theta, psi: step(*step(theta, psi)), "Come back first"),
        "mean": (ahead(lambda game, here, there, pull: game + (here + there) / 2), "one there alone"),
        "half way": (ahead(lambda game, here, there, pull: game + pull(game + here / 2)), "half a step ahead"),
        "straight on": (ahead(lambda game, here, there, pull: game + 2 * here), "old direction"),
        "optimistic": (ahead(lambda game, here, there, pull: game + 2 * there - here), "take the first one away"),
        "exchanged": (ahead(lambda game, here, there, pull: game + 2 * here - there), "exchanged"),
        "only theta looks": (ahead(lambda game, here, there, pull: [game[0] + there[0], game[1] + here[1]]), "Only theta"),
        "only psi looks": (ahead(lambda game, here, there, pull: [game[0] + here[0], game[1] + there[1]]), "Only psi"),
        "theta stays": (ahead(lambda game, here, there, pull: game + pull(torch.stack([game[0], (game + here)[1]]))),
                        "theta has not moved"),
        "psi stays": (ahead(lambda game, here, there, pull: game + pull(torch.stack([(game + here)[0], game[1]]))),
                      "psi has not moved"),
        "back": (ahead(lambda game, here, there, pull: game - there), "The sign"),
        "change of the pull": (ahead(lambda game, here, there, pull: game + there - here), "how much the two steps differ"),
        "not added": (ahead(lambda game, here, there, pull: there), "add it to where they were"),
        "swapped": (ahead(lambda game, here, there, pull: (game + there).flip(0)), "theta first"),
        "keywords": (ahead_by_keywords, "by their places"),
        "one axis": (ahead_of_cat, "0-d tensor"),
        "remembers": (ahead_from_memory(), "Is it this?"),
        "asks again": (ahead(lambda game, here, there, pull: game + there, times=2), "Twice is enough"),
        "one thing": (lambda step, theta, psi: ahead_by_parts(step, theta, psi)[0], "two things"),
        "in place": (ahead_in_place, "in place"),
    },
    "stability.squared_gradient_norm": {
        "by a root": (norm_by_a_root, "infinite at 0"),
        "graph in training alone": (norm_in_training, "In evaluation mode"),
        "untouched": (norm_variant(mean=True, axes="last", graph=False), "create_graph"),
        "mean of the logits": (norm_variant(mean=True), "differentiate the sum"),
        "last axis": (norm_variant(axes="last"), "last axis only"),
        "mean and last axis": (norm_variant(mean=True, axes="last"), "Two faults left"),
        "axes 1 2 3": (norm_variant(axes="1 2 3"), "a clip has four"),
        "summed over the batch": (norm_variant(axes="everything"), "one number for each sample"),
        "no create_graph": (norm_variant(graph=False), "create_graph"),
        "norm": (norm_variant(root=True), "its square"),
        "mean over the pixels": (norm_variant(average=True), "mean over the pixels"),
        "detached": (norm_with(end=torch.Tensor.detach), "nothing behind it may cut it"),
        "first logit": (norm_variant(first=True), "Only the first logit"),
        "one column": (norm_with(outputs=lambda logits: torch.ones(len(logits), 1)), "Mismatch in shape"),
        "backward": (norm_by_backward, "leaves gradients in the critic's weights"),
        "mean times the batch": (norm_variant(mean_logit=True), "You take their mean"),
        "each logit squared": (norm_variant(each=True), "one gradient for each sample"),
        "squeezed": (norm_squeezed, "One sample is a batch, too"),
        "refuses nothing": (norm_of_anything, "raise a ValueError"),
        "known shapes": (norm_of_known_shapes, "last axis only"),
        "freezes the critic": (norm_that_freezes, "requires_grad_(True) again"),
        "samples marked": (norm_of_marked_samples, "in place"),
    },
    "stability.penalised_step": {
        "a number": (lambda *a, **o: step_in_one_pass(*a, **o).item(), "Return a tensor"),
        "in one batch": (step_in_one_batch, "must not share a batch"),
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
        "returns the loss alone": (step_returning("loss alone"), "loss plus penalty"),
        "idle penalty": (step_with_an_idle_penalty, "where it is not due, too"),
        "real alone": (step_variant("real alone"), "it gets the fake samples, too"),
        "cleared": (step_variant("cleared"), "no zero_grad() between"),
        "two steps": (step_variant("twice"), "two steps"),
        "loss swapped": (step_variant("loss swapped"), "loss(real_logits, fake_logits)"),
        "both heavy": (step_variant("both heavy"), "not the loss"),
        "D waits": (step_variant("idle"), "D learns in every step"),
        "cleared late": (step_variant("cleared late"), "zero_grad() before"),
        "not at the first": (step_variant("not at 0"), "multiple of everything"),
        "a step each": (step_variant("apart"), "one step"),
        "after the step": (step_variant("after"), "anew after the step"),
        "clears G": (step_leaving("G cleared"), "G stays as it is"),
        "D in training mode": (step_leaving("D in training"), "another mode"),
        "freezes G": (step_leaving("G frozen"), "requires_grad_(True) again"),
        "G in evaluation mode": (step_leaving("eval"), "another mode"),
    },
    "stability.pairing_losses": {
        "clamped at 450": (pairs_clamped, "stops growing"),
        "exchanged": (pairs(softplus_of_pairs, lambda d, g: (g, d)), "D's loss comes first"),
        "the same twice": (pairs(softplus_of_pairs, lambda d, g: (g, g)), "Both losses want the same"),
        "sign": (pairs(lambda up, down: -softplus_of_pairs(up, down)), "a loss is minimised"),
        "saturating": (pairs(softplus_of_pairs, lambda d, g: (d, -d)), "saturates"),
        "unpaired": (unpaired, "softplus takes the *difference*"),
        "unpaired for G": (pairs_for_d_alone, "G's loss: These are chapter 2's"),
        "mean first": (pairs(lambda up, down: F.softplus(down.mean() - up.mean())), "of each pair's difference first"),
        "mean over a sample first": (pairs(lambda up, down: F.softplus(
            (down - up).flatten(1).mean(1) if up.ndim > 1 else down - up).mean()), "k logits makes a pair of its own"),
        "sums": (pairs(lambda up, down: F.softplus(down - up).sum()), "asked for is their mean"),
        "sum over a sample": (pairs(lambda up, down: F.softplus(down - up).reshape(len(up), -1).sum(1).mean()),
                              "the mean over them, too"),
        "all pairs": (pairs(all_pairs), "each real logit with every fake one"),
        "pairs by broadcasting": (pairs(lambda up, down: F.softplus(down[:, None] - up).mean()), "with every fake one"),
        "not reduced": (pairs(lambda up, down: F.softplus(down - up)), "one number"),
        "D's alone": (pairs(softplus_of_pairs, lambda d, g: d), "two things"),
        "a dict": (pairs(softplus_of_pairs, lambda d, g: {"d": d, "g": g}), "two things"),
        "stacked": (pairs(softplus_of_pairs, lambda d, g: torch.stack([d, g])), "two things"),
        "fakes detached": (lambda real, fake: (softplus_of_pairs(real, fake.detach()), softplus_of_pairs(fake, real)),
                           "D's loss at the fake logits"),
        "real detached for G": (lambda real, fake: (softplus_of_pairs(real, fake), softplus_of_pairs(fake, real.detach())),
                                "G's loss at the real logits"),
        "detached": (pairs(softplus_of_pairs, lambda d, g: (d.detach(), g.detach())), "no detach"),
        "numbers": (pairs(softplus_of_pairs, lambda d, g: (d.item(), g.item())), "no item()"),
        "halves": (pairs(lambda up, down: softplus_of_pairs(up, down) / 2), "Half of what is asked"),
        "relativistic average": (pairs(average_pairs), "relativistic *average*"),
        "average, not halved": (pairs(lambda up, down: 2 * average_pairs(up, down)), "relativistic *average*"),
        "Wasserstein": (pairs(lambda up, down: down.mean() - up.mean()), "mean difference itself"),
        "hinge": (pairs(lambda up, down: F.relu(1 + down - up).mean()), "the hinge"),
        "squares": (pairs(lambda up, down: (up - down - 1).square().mean()), "These are squares"),
        "no logarithm": (pairs(lambda up, down: (down - up).sigmoid().mean()), "logarithm is missing"),
        "probabilities": (pairs(lambda up, down: F.softplus(down.sigmoid() - up.sigmoid()).mean()), "sigmoid too many"),
        "log of 1 + exp": (pairs(lambda up, down: (1 + (down - up).exp()).log().mean()), "Infinite or NaN"),
        "log of sigmoid": (pairs(lambda up, down: -(up - down).sigmoid().log().mean()), "Infinite or NaN"),
        "epsilon in the logarithm": (pairs(lambda up, down: -((up - down).sigmoid() + 1e-8).log().mean()), "stops growing"),
        "cross-entropy of probabilities": (pairs(lambda up, down: F.binary_cross_entropy(
            (up - down).sigmoid(), torch.ones_like(up))), "stops growing"),
        "bits": (pairs(lambda up, down: softplus_of_pairs(up, down) / math.log(2)), "natural logarithms"),
    },
    "stability.MinibatchStd": {
        "groups of four": (StdOfGroups, "should be"),
        "wrong axis": (std_column(dim=1, reduce=lambda s: s[:, None]), "Compare the samples"),
        "unbiased": (std_column(unbiased=True), "not by B - 1"),
        "variance": (std_column(root=False), "take the root"),
        "sum": (std_column(reduce=torch.sum), "not the sum"),
        "detached": (std_column(detach=True), "no detach"),
        "comes first": (std_column(first=True), "comes last"),
        "alone": (std_column(alone=True), "Keep the features"),
        "no epsilon": (std_column(eps=0.0), "Add 1e-8"),
        "root of the mean": (layer(lambda x: torch.cat(
            [x, (x.var(0, unbiased=False).mean() + 1e-8).sqrt().expand(len(x), 1)], 1)), "First the root"),
        "mean of the wrong axis": (std_behind(lambda x: (x.var(1, unbiased=False) + 1e-8).sqrt().mean()), "feature by feature"),
        "no epsilon, by std": (std_behind(lambda x: x.std(0, unbiased=False).mean()), "before the root"),
        "mean first": (std_behind(lambda x: (x.mean(1).var(unbiased=False) + 1e-8).sqrt()), "the other way round"),
        "mean deviation": (std_behind(lambda x: (x - x.mean(0)).abs().mean()), "mean absolute deviation"),
        "epsilon outside": (std_behind(lambda x: x.std(0, unbiased=False).mean() + 1e-8), "before the root"),
        "a number": (std_behind(lambda x: torch.tensor((x.var(0, unbiased=False) + 1e-8).sqrt().mean().item())), "item()"),
        "first batch": (StdOfTheFirst, "number of the first"),
        "in training alone": (StdInTraining, "In evaluation mode"),
        "features detached": (layer(lambda x: torch.cat([x.detach(), std_column()()(x)[:, -1:]], 1)), "features that stay"),
        "mean of squares": (std_behind(lambda x: (x.square().mean(0) - x.mean(0).square() + 1e-8).sqrt().mean()),
                            "loses its digits"),
        "one sample": (layer(lambda x: std_column()()(x) if len(x) > 1 else F.pad(x, (0, 1))), "batch of one sample"),
        "in place": (layer(std_in_place), "in place"),
        "in place, of a leaf": (layer(lambda x: torch.cat([x.sub_(x.mean(0)), std_column()()(x)[:, -1:]], 1)), "raised"),
    },
}
