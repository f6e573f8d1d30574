"""Answers to the exercises of chapter 2.

WRONG: exercise -> name of the mistake -> (answer, words of the hint that the student must be given).
RIGHT: exercise -> name -> answer, as different from the reference as an honest student's may be.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import Adam

from solutions import gan_losses as reference

bce = F.binary_cross_entropy_with_logits


def step_of_d(order="fake loss zero backward step", *, detach=True, returns="detached", swap=False, frozen=False):
    """A discriminator step put together from named parts."""
    def step(generator, discriminator, optimizer, real, z, loss):
        fake = generator(z).detach() if detach else generator(z)
        value = loss(discriminator(fake), discriminator(real)) if swap else loss(discriminator(real), discriminator(fake))
        for verb in order.split():
            if verb == "zero":
                optimizer.zero_grad()
            elif verb == "backward":
                value.backward()
            elif verb == "step":
                optimizer.step()
        return {"detached": value.detach(), "graph": value, "none": None}[returns]
    return step


def d_step_that_moves_g(generator, discriminator, optimizer, real, z, loss):
    everything = torch.optim.SGD([*generator.parameters(), *discriminator.parameters()], lr=0.3)
    value = loss(discriminator(real), discriminator(generator(z)))
    everything.zero_grad()
    value.backward()
    everything.step()
    return value.detach()


def d_step_without_graph(generator, discriminator, optimizer, real, z, loss):
    """Right: no_grad for the samples, set_to_none, one pass over both batches, an item for the loss."""
    with torch.no_grad():
        fake = generator(z)
    for parameter in discriminator.parameters():
        parameter.grad = None
    both = discriminator(torch.cat([real, fake]))
    value = loss(both[:len(real)], both[len(real):])
    value.backward()
    optimizer.step()
    return value.item()


def d_step_with_autograd_grad(generator, discriminator, optimizer, real, z, loss):
    """Right: gradients by hand."""
    value = loss(discriminator(real), discriminator(generator(z).detach()))
    parameters = list(discriminator.parameters())
    for parameter, gradient in zip(parameters, torch.autograd.grad(value, parameters), strict=True):
        parameter.grad = gradient
    optimizer.step()
    return value.detach()


def step_of_g(*, zero="before", step=1, detach=False, returns="detached", no_grad=False):
    """A generator step put together from named parts."""
    def variant(generator, discriminator, optimizer, z, loss):
        with torch.set_grad_enabled(not no_grad):
            fake = generator(z)
        value = loss(discriminator(fake.detach() if detach else fake))
        if zero == "before":
            optimizer.zero_grad()
        value.backward()
        if zero == "between":
            optimizer.zero_grad()
        for _ in range(step):
            optimizer.step()
        if zero == "after":
            optimizer.zero_grad()
        return {"detached": value.detach(), "graph": value, "none": None}[returns]
    return variant


def g_step_that_moves_d(generator, discriminator, optimizer, z, loss):
    other = torch.optim.SGD(discriminator.parameters(), lr=0.3)
    other.zero_grad()
    value = step_of_g()(generator, discriminator, optimizer, z, loss)
    other.step()
    return value


def g_step_with_frozen_d(generator, discriminator, optimizer, z, loss):
    """Right: D frozen for the time of the step, which saves its weight gradients."""
    discriminator.requires_grad_(False)
    optimizer.zero_grad(set_to_none=False)
    value = loss(discriminator(generator(z)))
    value.backward()
    discriminator.requires_grad_(True)
    optimizer.step()
    return value.detach().clone()


def g_step_with_autograd_grad(generator, discriminator, optimizer, z, loss):
    """Right: gradients of G's weights only."""
    value = loss(discriminator(generator(z)))
    weights = list(generator.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(value, weights), strict=True):
        weight.grad = gradient
    optimizer.step()
    return value.item()


def train_rewritten(generator, discriminator, sample_real, sample_z, steps, lr):
    """Right: softplus in the place of bce, no_grad in the place of detach, the losses kept by append."""
    opt_d = Adam(discriminator.parameters(), lr, betas=(0.5, 0.999))
    opt_g = Adam(generator.parameters(), lr, betas=(0.5, 0.999))
    losses = []
    for _ in range(steps):
        real = sample_real()
        with torch.no_grad():
            fake = generator(sample_z())
        opt_d.zero_grad()
        loss_d = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()
        loss_d.backward()
        opt_d.step()
        opt_g.zero_grad()
        loss_g = F.softplus(-discriminator(generator(sample_z()))).mean()
        loss_g.backward()
        opt_g.step()
        losses.append([loss_d.item(), loss_g.item()])
    return losses


def train_clearing_at_the_end(generator, discriminator, sample_real, sample_z, steps, lr):
    """Right: everything is cleared after its use, D's stray gradients in G's turn too."""
    opt_d = Adam(discriminator.parameters(), lr=lr, betas=(0.5, 0.999))
    opt_g = Adam(generator.parameters(), lr=lr, betas=(0.5, 0.999))
    loss, history = nn.BCEWithLogitsLoss(), []
    generator.zero_grad()
    discriminator.zero_grad()
    for _ in range(steps):
        r, f = discriminator(sample_real()), discriminator(generator(sample_z()).detach())
        loss_d = loss(r, torch.ones_like(r)) + loss(f, torch.zeros_like(f))
        loss_d.backward()
        opt_d.step()
        f = discriminator(generator(sample_z()))
        loss_g = loss(f, torch.full_like(f, 1.0))
        loss_g.backward()
        opt_g.step()
        opt_d.zero_grad()
        opt_g.zero_grad()
        discriminator.zero_grad()
        history.append((loss_d.item(), loss_g.item()))
    return history


def broken_train(*faults):
    """The training loop with the named faults; none gives the reference."""
    def train(generator, discriminator, sample_real, sample_z, steps, lr):
        betas = (0.9, 0.999) if "betas" in faults else (0.5, 0.999)
        optimizer_d = Adam(discriminator.parameters(), lr=lr, betas=betas)
        optimizer_g = Adam(generator.parameters(), lr=lr, betas=betas)
        history = []

        def bce(logits, target):
            if "probabilities" in faults:
                return F.binary_cross_entropy(logits.sigmoid(), target)
            return F.binary_cross_entropy_with_logits(logits, target)

        def squash(logits, side):
            return logits.sigmoid() if {"sigmoid", f"sigmoid of {side}"} & set(faults) else logits

        def turn_of_d():
            early = sample_z() if "noise first" in faults else None
            real_logits = squash(discriminator(sample_real()), "real")
            z = sample_z() if early is None else early
            fake = generator(z)
            fake_logits = squash(discriminator(fake if "attached" in faults else fake.detach()), "fake")
            fake_target = torch.ones_like if "fake is 1" in faults else torch.zeros_like
            one = 0.9 if "smooth" in faults else 0.0 if "real is 0" in faults else 1.0
            loss = bce(real_logits, torch.full_like(real_logits, one)) + bce(fake_logits, fake_target(fake_logits))
            loss = loss / 2 if "halved" in faults else loss
            if "D stale" not in faults:
                optimizer_d.zero_grad()
            loss.backward()
            optimizer_d.step()
            return loss, z

        def turn_of_g(z):
            fake = generator(z).detach() if "G detached" in faults else generator(z)
            fake_logits = discriminator(fake)
            goal = torch.zeros_like if {"goal is 0", "saturating"} & set(faults) else torch.ones_like
            loss = bce(fake_logits, goal(fake_logits))
            loss = -loss if "saturating" in faults else loss
            if "stale" not in faults:
                optimizer_g.zero_grad()
            loss.backward()
            if "cleared late" in faults:
                optimizer_g.zero_grad()
            optimizer_g.step()
            return loss

        for _ in range(steps):
            early = turn_of_g(sample_z()) if "G first" in faults else None
            loss_d, z = turn_of_d()
            loss_g = early if "G first" in faults else turn_of_g(z if "one noise" in faults else sample_z())
            kept = (loss_g, loss_d) if "G's first" in faults else (loss_d, loss_g)
            history.append(kept if "graphs" in faults else tuple(loss.detach() for loss in kept) if "tensors" in faults
                           else tuple(loss.item() for loss in kept))
        return history
    return train


def train_without_floats(*arguments):
    reference.train(*arguments)


def train_by_the_own_steps(generator, discriminator, sample_real, sample_z, steps, lr):
    """Right: one batch of real and fake samples for D, autograd.grad for G's gradients, NumPy floats."""
    adam_d = Adam(discriminator.parameters(), lr, (0.5, 0.999))
    adam_g = Adam(generator.parameters(), lr, (0.5, 0.999))
    losses = torch.zeros(steps, 2)
    for i in range(steps):
        real, fake = sample_real(), generator(sample_z()).detach()
        r, f = discriminator(torch.cat([real, fake])).split([len(real), len(fake)])
        value = -F.logsigmoid(r).mean() - F.logsigmoid(-f).mean()
        discriminator.zero_grad(set_to_none=False)
        value.backward()
        adam_d.step()
        losses[i, 0] = value.detach()
        value = -F.logsigmoid(discriminator(generator(sample_z()))).mean()
        weights = list(generator.parameters())
        for weight, gradient in zip(weights, torch.autograd.grad(value, weights), strict=True):
            weight.grad = gradient
        adam_g.step()
        losses[i, 1] = value.detach()
    return [tuple(row) for row in losses.tolist()]


def with_adams_anew(*arguments):
    """Wrong: optimisers that forget, one for each step."""
    *networks, sample_real, sample_z, steps, lr = arguments
    return [reference.train(*networks, sample_real, sample_z, 1, lr)[0] for _ in range(steps)]


def frozen_for_good(step):
    """Wrong: the other player is frozen, and stays so."""
    def frozen(generator, discriminator, optimizer, *rest):
        other = generator if len(rest) == 3 else discriminator
        other.requires_grad_(False)
        return step(generator, discriminator, optimizer, *rest)
    return frozen


def in_eval(step):
    """Wrong: the other player is left in eval mode."""
    def quiet(generator, discriminator, optimizer, *rest):
        (generator if len(rest) == 3 else discriminator).eval()
        return step(generator, discriminator, optimizer, *rest)
    return quiet


def in_train(step):
    """Wrong: whoever is in eval mode does not stay there."""
    def loud(generator, discriminator, *rest):
        return step(generator.train(), discriminator.train(), *rest)
    return loud


def through(step, change):
    """A step whose logits are changed before they go into the loss."""
    return lambda *a: step(*a[:-1], lambda *logits: a[-1](*(out if isinstance(out := change(*logits), tuple) else (out,))))


def kept_late(step, again):
    """Wrong: the loss after the step."""
    def late(*arguments):
        step(*arguments)
        return again(*arguments).detach()
    return late


def loss_of_d(generator, discriminator, optimizer, real, z, loss):
    return loss(discriminator(real), discriminator(generator(z)))


def loss_of_g(generator, discriminator, optimizer, z, loss):
    return loss(discriminator(generator(z)))


def with_loss(step, own):
    """A step that calls a loss of its own."""
    return lambda *arguments: step(*arguments[:-1], own)


def uphill(step):
    """Wrong: the sign of the loss is turned."""
    return lambda *arguments: -step(*arguments[:-1], lambda *logits: -arguments[-1](*logits))


def g_step_in_place(generator, discriminator, optimizer, z, loss):
    """Right: one pass by hand, D's gradients put back as they were."""
    before = [None if p.grad is None else p.grad.clone() for p in discriminator.parameters()]
    generator.zero_grad()
    (value := loss(discriminator(generator(z)))).backward()
    for parameter, gradient in zip(discriminator.parameters(), before, strict=True):
        parameter.grad = gradient
    optimizer.step()
    return value.detach()


def d_step_with_grad_scope(generator, discriminator, optimizer, real, z, loss):
    """Right: G frozen for the time of the step, then learning again."""
    generator.requires_grad_(False)
    value = loss(discriminator(real), discriminator(generator(z)))
    generator.requires_grad_(True)
    optimizer.zero_grad()
    value.backward()
    optimizer.step()
    return value.item()


def log_one_plus_exp(s):
    return (1 + s.exp()).log()


def kl(p, q):
    return (p * (p / q).log()).sum()


def js_by_entropies(p, q):
    """Right: the entropy of the mean minus the mean of the entropies."""
    return torch.special.entr((p + q) / 2).sum() - (torch.special.entr(p) + torch.special.entr(q)).sum() / 2


def js_by_loop(p, q):
    """Right: a plain loop over Python floats."""
    total = 0.0
    for a, b in zip(p.tolist(), q.tolist(), strict=True):
        m = (a + b) / 2
        total += a * math.log(a / m) / 2 if a > 0 else 0.0
        total += b * math.log(b / m) / 2 if b > 0 else 0.0
    return torch.tensor(total)


def js_by_masks(p, q):
    """Right: the zeros left out of each sum."""
    m = (p + q) / 2
    return 0.5 * (kl(p[p > 0], m[p > 0]) + kl(q[q > 0], m[q > 0]))


def generator_step_clipped(generator, discriminator, optimizer, z, loss):
    """Wrong: a long gradient is shortened."""
    value = loss(discriminator(generator(z)))
    optimizer.zero_grad()
    value.backward()
    torch.nn.utils.clip_grad_norm_(generator.parameters(), 5.0)
    optimizer.step()
    return value.detach()


def js_of_the_frequent(p, q):
    """Wrong: small probabilities are left out."""
    m = (p + q) / 2
    return sum((one * (one / m).log())[one > 1e-3].sum() for one in (p, q)) / 2


RIGHT = {
    "gan_losses.discriminator_loss": {
        "bce with targets": lambda r, f: bce(r, torch.ones_like(r)) + bce(f, torch.zeros_like(f)),
        "logsigmoid": lambda r, f: -F.logsigmoid(r).mean() - F.logsigmoid(-f).mean(),
        "logaddexp": lambda r, f: torch.logaddexp(torch.zeros_like(r), -r).mean()
        + torch.logaddexp(torch.zeros_like(f), f).mean(),
        "by hand": lambda r, f: sum((s.clamp(min=0) + torch.log1p((-s.abs()).exp())).mean() for s in (-r, f)),
    },
    "gan_losses.generator_loss": {
        "bce with ones": lambda f: bce(f, torch.ones_like(f)),
        "logsigmoid, averaged by hand": lambda f: -F.logsigmoid(f.flatten()).sum() / f.numel(),
        "bce module": lambda f: nn.BCEWithLogitsLoss()(f, torch.ones(f.shape)),
    },
    "gan_losses.optimal_discriminator": {
        "nan_to_num": lambda p, q: torch.nan_to_num(p / (p + q), nan=0.5),
        "sigmoid of the log ratio": lambda p, q: torch.nan_to_num(torch.sigmoid(p.log() - q.log()), nan=0.5),
        "masks": lambda p, q: torch.full_like(p, 0.5).masked_scatter(p + q > 0, (p / (p + q))[p + q > 0]),
    },
    "gan_losses.js_divergence": {"entropies": js_by_entropies, "loop": js_by_loop, "masks": js_by_masks,
                                 "kl_div": lambda p, q: sum(F.kl_div(((p + q) / 2).clamp(min=1e-38).log(), one, reduction="sum")
                                                            for one in (p, q)) / 2},
    "gan_losses.discriminator_step": {"no_grad": d_step_without_graph, "autograd.grad": d_step_with_autograd_grad,
                                      "frozen meanwhile": d_step_with_grad_scope},
    "gan_losses.generator_step": {"frozen D": g_step_with_frozen_d, "autograd.grad": g_step_with_autograd_grad,
                                  "D's gradients kept": g_step_in_place},
    "gan_losses.train": {"rewritten": train_rewritten, "clearing at the end": train_clearing_at_the_end,
                         "one batch": train_by_the_own_steps},
}

WRONG = {
    "gan_losses.discriminator_loss": {
        "sides swapped": (lambda r, f: F.softplus(r).mean() + F.softplus(-f).mean(), "sides are swapped"),
        "sign": (lambda r, f: -F.softplus(-r).mean() - F.softplus(f).mean(), "Swap the sign"),
        "fakes forgotten": (lambda r, f: F.softplus(-r).mean(), "term of the fake samples is missing"),
        "reals forgotten": (lambda r, f: F.softplus(f).mean(), "term of the real samples is missing"),
        "halved": (lambda r, f: (F.softplus(-r).mean() + F.softplus(f).mean()) / 2, "Half of what is asked"),
        "one mean over both": (lambda r, f: bce(torch.cat([r, f]), torch.cat([torch.ones_like(r), torch.zeros_like(f)])),
                               "add"),
        "fakes called real": (lambda r, f: F.softplus(-r).mean() + F.softplus(-f).mean(), "not -log D"),
        "summed": (lambda r, f: F.softplus(-r).sum() + F.softplus(f).sum(), "mean"),
        "sigmoid too many": (lambda r, f: bce(r.sigmoid(), torch.ones_like(r)) + bce(f.sigmoid(), torch.zeros_like(f)),
                             "sigmoid too many"),
        "naive logs": (lambda r, f: -r.sigmoid().log().mean() - (1 - f.sigmoid()).log().mean(), "softplus"),
        "unreduced": (lambda r, f: F.softplus(-r) + F.softplus(f), "mean over the batch"),
        "one wrong sign": (lambda r, f: F.softplus(-r).mean() - F.softplus(f).mean(), "sign of the term of the fake"),
        "bits": (lambda r, f: (F.softplus(-r).mean() + F.softplus(f).mean()) / math.log(2), "bit (log2)"),
        "smoothed": (lambda r, f: bce(r, torch.full_like(r, 0.9)) + bce(f, torch.zeros_like(f)), "smoothed"),
        "hinge": (lambda r, f: F.relu(1 - r).mean() + F.relu(1 + f).mean(), "hinge"),
        "critic": (lambda r, f: f.mean() - r.mean(), "Wasserstein"),
        "exp overflows": (lambda r, f: log_one_plus_exp(-r).mean() + log_one_plus_exp(f).mean(), "exp() of a large logit"),
        "clamped": (lambda r, f: F.softplus(-r.clamp(-20, 20)).mean() + F.softplus(f.clamp(-20, 20)).mean(), "stops growing"),
        "epsilon in the log": (lambda r, f: -(r.sigmoid() + 1e-8).log().mean() - (1 - f.sigmoid() + 1e-8).log().mean(),
                               "stops growing"),
        "mean of the pairs": (lambda r, f: (F.softplus(-r) + F.softplus(f)).mean(), "own batch"),
        "BCELoss": (lambda r, f: F.binary_cross_entropy(r.sigmoid(), torch.ones_like(r))
                    + F.binary_cross_entropy(f.sigmoid(), torch.zeros_like(f)), "sigmoid rounds"),
        "an item": (lambda r, f: torch.tensor((F.softplus(-r).mean() + F.softplus(f).mean()).item()), "cuts the graph"),
        "fakes detached": (lambda r, f: F.softplus(-r).mean() + F.softplus(f.detach()).mean(), "argument 2"),
        "a float": (lambda r, f: (F.softplus(-r).mean() + F.softplus(f).mean()).item(), "cuts the graph"),
        "sum over a map": (lambda r, f: F.softplus(-r).sum() / len(r) + F.softplus(f).sum() / len(f), "all axes but the first"),
    },
    "gan_losses.generator_loss": {
        "saturating": (lambda f: -F.softplus(f).mean(), "saturating"),
        "sign": (lambda f: -F.softplus(-f).mean(), "Swap the sign"),
        "the discriminator's term": (lambda f: F.softplus(f).mean(), "the generator wants D to say real"),
        "summed": (lambda f: F.softplus(-f).sum(), "mean"),
        "unreduced": (lambda f: F.softplus(-f), "mean over the batch"),
        "no logarithm": (lambda f: -f.sigmoid().mean(), "logarithm is missing"),
        "Wasserstein": (lambda f: -f.mean(), "mean logit"),
        "mean before log": (lambda f: -f.sigmoid().mean().log(), "average last"),
        "naive log": (lambda f: -f.sigmoid().log().mean(), "softplus"),
        "bits": (lambda f: F.softplus(-f).mean() / math.log(2), "bit (log2)"),
        "halved": (lambda f: F.softplus(-f).mean() / 2, "no factor"),
        "squares": (lambda f: (f - 1).square().mean(), "squares"),
        "sum over the rows": (lambda f: F.softplus(-f).sum() / len(f), "sum over the batch"),
        "exp overflows": (lambda f: log_one_plus_exp(-f).mean(), "exp() of a large logit"),
        "clamped": (lambda f: F.softplus(-f.clamp(-50, 50)).mean(), "stops growing"),
        "detached": (lambda f: F.softplus(-f.detach()).mean(), "cuts the graph"),
        "rounded to 0": (lambda f: -f.sigmoid().log().mean(), "a sigmoid that was rounded"),
        "log with epsilon": (lambda f: -(f.sigmoid() + 1e-8).log().mean(), "softplus"),
    },
    "gan_losses.optimal_discriminator": {
        "probability of fake": (lambda p, q: torch.nan_to_num(q / (p + q), nan=0.5), "probability of *fake*"),
        "ratio": (lambda p, q: p / q, "ratio"),
        "log ratio": (lambda p, q: (p / q).log(), "logit"),
        "hard": (lambda p, q: (p > q).float(), "hard decision"),
        "always one half": (lambda p, q: torch.full_like(p, 0.5), "1/2"),
        "normalised over all": (lambda p, q: p / (p + q).sum(), "Point by point"),
        "nan at nothing": (lambda p, q: p / (p + q), "0/0"),
        "epsilon": (lambda p, q: p / (p + q + 1e-8), "0/0"),
        "epsilons": (lambda p, q: (p + 1e-6) / (p + q + 2e-6), "Densities have no scale"),
        "threshold": (lambda p, q: torch.where(p + q < 1e-4, 0.5, p / (p + q)), "Densities have no scale"),
        "where one is nothing": (lambda p, q: torch.where((p > 0) & (q > 0), p / (p + q), 0.5), "*both*"),
        "sum of all": (lambda p, q: torch.nan_to_num(p / p.sum() / (p / p.sum() + q / q.sum()), nan=0.5), "numbers differ"),
        "one for all": (lambda p, q: (p / (p + q)).mean(), "Expected shape"),
        "clamped to 1": (lambda p, q: torch.nan_to_num(p.clamp(max=1) / (p.clamp(max=1) + q.clamp(max=1)), nan=0.5),
                         "may exceed 1"),
        "a small threshold": (lambda p, q: torch.where(p + q < 1e-20, 0.5, p / (p + q)), "Densities have no scale"),
    },
    "gan_losses.js_divergence": {
        "small ones dropped": (js_of_the_frequent, "of 0 and no others"),
        "kl": (kl, "KL(p || q)"),
        "symmetric kl": (lambda p, q: (kl(p, q) + kl(q, p)) / 2, "mean m"),
        "no half": (lambda p, q: kl(p, (p + q) / 2) + kl(q, (p + q) / 2), "1/2"),
        "bits": (lambda p, q: js_by_entropies(p, q) / math.log(2), "bit"),
        "distance": (lambda p, q: js_by_entropies(p, q).sqrt(), "square root"),
        "arguments of kl swapped": (lambda p, q: (kl((p + q) / 2, p) + kl((p + q) / 2, q)) / 2, "order of KL"),
        "sum for mean": (lambda p, q: (kl(p, p + q) + kl(q, p + q)) / 2, "m is the mean"),
        "averaged over the outcomes": (lambda p, q: js_by_entropies(p, q) / len(p), "Sum"),
        "half of p": (lambda p, q: kl(p, (p + q) / 2) / 2, "half of q is missing"),
        "p alone": (lambda p, q: kl(p, (p + q) / 2), "KL(p || m) alone"),
        "sign": (lambda p, q: -js_by_entropies(p, q), "never negative"),
        "epsilons": (lambda p, q: js_by_entropies(p + 1e-3, q + 1e-3), "Expected 0."),
        "unreduced": (lambda p, q: (torch.special.entr((p + q) / 2) - (torch.special.entr(p) + torch.special.entr(q)) / 2),
                      "Expected shape"),
        "geometric mean": (lambda p, q: (kl(p, (p * q).sqrt()) + kl(q, (p * q).sqrt())) / 2, "geometric"),
        "half forgotten, averaged": (lambda p, q: 2 * js_by_entropies(p, q) / len(p), "the 1/2 is missing"),
        "where both are": (lambda p, q: reference.js_divergence(p[p * q > 0], q[p * q > 0]), "the other still counts"),
        "nan at zero": (lambda p, q: (kl(p, (p + q) / 2) + kl(q, (p + q) / 2)) / 2, "xlogy"),
    },
    "gan_losses.discriminator_step": {
        "no detach": (step_of_d(detach=False), "Detach"),
        "no zero_grad": (step_of_d("backward step"), "zero_grad"),
        "zero_grad in between": (step_of_d("backward zero step"), "throws the gradient away"),
        "no step": (step_of_d("zero backward"), "did not move"),
        "step before backward": (step_of_d("zero step backward"), "step"),
        "real and fake swapped": (step_of_d("zero backward step", swap=True), "real logits first"),
        "moves G too": (d_step_that_moves_g, "generator's weights moved"),
        "returns nothing": (step_of_d(returns="none"), "returns None"),
        "returns the graph": (step_of_d(returns="graph"), "detach it"),
        "zero_grad at the end": (step_of_d("backward step zero"), "comes too late"),
        "two steps": (step_of_d("zero backward step step"), "move twice"),
        "uphill": (uphill(step_of_d()), "uphill"),
        "its own loss": (with_loss(step_of_d(), reference.discriminator_loss), "handed over"),
        "loss after the step": (kept_late(step_of_d(), loss_of_d), "after the step"),
        "G frozen for good": (frozen_for_good(step_of_d()), "other weights frozen"),
        "G in eval": (in_eval(step_of_d()), "another mode"),
        "both in train": (in_train(step_of_d()), "another mode"),
        "fakes beside D": (through(step_of_d(), lambda r, f: (r, f.detach())), "not behind D"),
        "a sigmoid": (through(step_of_d(), lambda r, f: (r.sigmoid(), f.sigmoid())), "no sigmoid"),
        "means": (through(step_of_d(), lambda r, f: (r.mean(), f.mean())), "no mean"),
        "as many fakes as reals": (lambda g, d, o, x, z, loss: step_of_d()(g, d, o, x, z[:len(x)], loss), "Expected"),
        "no noise": (lambda g, d, o, x, z, loss: step_of_d()(g, d, o, x, torch.zeros_like(z), loss), "numbers differ"),
    },
    "gan_losses.generator_step": {
        "clipped": (generator_step_clipped, "nothing is clipped"),
        "detached": (step_of_g(detach=True), "cuts the graph"),
        "no_grad": (step_of_g(no_grad=True), "cuts the graph"),
        "no zero_grad": (step_of_g(zero="never"), "zero_grad"),
        "zero_grad in between": (step_of_g(zero="between"), "throws the gradient away"),
        "no step": (step_of_g(step=0), "did not move"),
        "moves D too": (g_step_that_moves_d, "discriminator's weights moved"),
        "returns nothing": (step_of_g(returns="none"), "returns None"),
        "returns the graph": (step_of_g(returns="graph"), "detach it"),
        "zero_grad at the end": (step_of_g(zero="after"), "comes too late"),
        "two steps": (step_of_g(step=2), "move twice"),
        "uphill": (uphill(step_of_g()), "uphill"),
        "its own loss": (with_loss(step_of_g(), reference.generator_loss), "handed over"),
        "loss after the step": (kept_late(step_of_g(), loss_of_g), "after the step"),
        "D frozen for good": (frozen_for_good(step_of_g()), "other weights frozen"),
        "D in eval": (in_eval(step_of_g()), "another mode"),
        "both in train": (in_train(step_of_g()), "another mode"),
        "a sigmoid": (through(step_of_g(), torch.sigmoid), "no sigmoid"),
        "two whole steps": (lambda *a: [step_of_g()(*a) for _ in range(2)][0], "move twice"),
    },
    "gan_losses.train": {
        "untouched": (broken_train("sigmoid", "fake is 1", "attached", "goal is 0", "stale"), "D's half"),
        "sigmoid left": (broken_train("sigmoid"), "sigmoid"),
        "fake target left": (broken_train("fake is 1"), "told that fake samples are real"),
        "goal left": (broken_train("goal is 0"), "generator's target"),
        "stale gradients left": (broken_train("stale"), "pile up"),
        "attached and stale": (broken_train("attached", "stale"), "Two faults left"),
        "attached": (broken_train("attached"), "not cut"),
        "no history": (train_without_floats, "one pair of floats"),
        "one noise": (broken_train("one noise"), "share one noise"),
        "G first": (broken_train("G first"), "first D, then G"),
        "saturating": (broken_train("saturating"), "saturating"),
        "halved": (broken_train("halved"), "halved"),
        "G detached": (broken_train("G detached"), "cut"),
        "cleared late": (broken_train("cleared late"), "stand still"),
        "sigmoid of the real": (broken_train("sigmoid of real"), "logits of the real samples"),
        "sigmoid of the fake": (broken_train("sigmoid of fake"), "logits of the fake samples"),
        "smoothed": (broken_train("smooth"), "smoothed"),
        "real target wrong": (broken_train("real is 0"), "real samples are fake"),
        "D's gradients pile up": (broken_train("D stale"), "D's gradients pile up"),
        "history flat": (lambda *a: [loss for pair in reference.train(*a) for loss in pair], "in a list"),
        "graphs kept": (broken_train("graphs"), "loss.item()"),
        "losses exchanged": (broken_train("G's first"), "D's loss comes first"),
        "optimisers anew": (with_adams_anew, "before the loop"),
        "usual betas": (broken_train("betas"), "usual betas"),
        "noise first": (broken_train("noise first"), "order of the draws"),
        "tensors": (broken_train("tensors"), "keep floats"),
        "bce of probabilities": (broken_train("probabilities"), "should be exact"),
        "in train mode": (lambda g, d, *a: reference.train(g.train(), d.train(), *a), "another mode"),
    },
}
