"""Answers to the exercises of chapter 7.

WRONG: exercise -> name of the mistake -> (answer, words of the hint that the student must be given).
RIGHT: exercise -> name -> answer, as different from the reference as an honest student's may be.
"""
import math
from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograde.checks.conditional import faulty_information_step, faulty_step
from solutions import conditional as reference
from solutions.stability import r1_penalty


def generator(*, start=lambda w: nn.init.normal_(w, std=0.1), join=lambda z, e: torch.cat([z, e], 1), look=None, turned=False):
    """A conditional generator put together from named parts."""
    class Variant(reference.ConditionalGenerator):
        def __init__(self, num_classes, size=32, channels=3, *, nz=64, width=64, embedding=16):
            super().__init__(num_classes, size, channels, nz=nz, width=width, embedding=embedding)
            shape = (embedding, num_classes) if turned else (num_classes, embedding)
            self.embed = nn.Embedding(*shape)
            start(self.embed.weight)

        def forward(self, z, labels):
            return self.generator(join(z, look(self, labels) if look else self.embed(labels)))
    return Variant



class ScaledInPlace(reference.ConditionalGenerator):
    """Right: PyTorch's own start, made ten times as quiet, and an index in place of a call."""

    def __init__(self, num_classes, size=32, channels=3, *, nz=64, width=64, embedding=16):
        super().__init__(num_classes, size, channels, nz=nz, width=width, embedding=embedding)
        self.embed = nn.Embedding(num_classes, embedding)
        self.embed.weight.data *= 0.1

    def forward(self, z, labels):
        vectors = self.embed.weight[labels]
        return self.generator(torch.hstack([z, vectors]))


class OneHot(reference.ConditionalGenerator):
    """Right: the vectors picked by a product with one-hot labels."""

    def forward(self, z, labels):
        one_hot = F.one_hot(labels, self.embed.num_embeddings).float()
        return self.generator(torch.cat((z, one_hot @ self.embed.weight), dim=-1))


class Padded(reference.ConditionalGenerator):
    """Wrong: label 0 is taken for a filling."""

    def __init__(self, num_classes, size=32, channels=3, *, nz=64, width=64, embedding=16):
        super().__init__(num_classes, size, channels, nz=nz, width=width, embedding=embedding)
        self.embed = nn.Embedding(num_classes, embedding, padding_idx=0)
        nn.init.normal_(self.embed.weight, std=0.1)


def from_a_table(freeze):
    class Variant(reference.ConditionalGenerator):
        def __init__(self, num_classes, size=32, channels=3, *, nz=64, width=64, embedding=16):
            super().__init__(num_classes, size, channels, nz=nz, width=width, embedding=embedding)
            self.embed = nn.Embedding.from_pretrained(0.1 * torch.randn(num_classes, embedding), freeze=freeze)
    return Variant


class OfFixedLength(reference.ConditionalGenerator):
    """Wrong: a batch of one loses its axis."""

    def forward(self, z, labels):
        return self.generator(torch.cat([z, self.embed(labels).squeeze()], 1))


class ScalesZ(reference.ConditionalGenerator):
    """Wrong: the caller's z is made louder in place."""

    def forward(self, z, labels):
        z *= 2
        return self.generator(torch.cat([z / 2, self.embed(labels)], 1))


def no_gradient(network, labels):
    with torch.no_grad():
        return network.embed(labels)


def parts(psi, w=lambda u, v: u - v):
    """The two parts of a projection, from psi(log ratio, logits of real labels, of fake ones) and w(u, v)."""
    def answer(log_ratio, features, real_vectors, fake_vectors):
        return psi(log_ratio, features @ real_vectors.T, features @ fake_vectors.T), w(real_vectors, fake_vectors)
    return answer


def parts_centred(log_ratio, features, real_vectors, fake_vectors):
    """Right: vectors whose mean over labels is 0; what they have in common is in psi."""
    w = real_vectors - fake_vectors
    common = w.mean(0)
    sums = torch.logsumexp(features @ fake_vectors.T, 1) - torch.logsumexp(features @ real_vectors.T, 1)
    return log_ratio + sums + features @ common, w - common


def parts_against_label_0(log_ratio, features, real_vectors, fake_vectors):
    """Right: label 0 has the vector 0, and psi is its log ratio."""
    w = (real_vectors - real_vectors[0]) - (fake_vectors - fake_vectors[0])
    fits = F.log_softmax(F.linear(features, real_vectors), -1) - F.log_softmax(F.linear(features, fake_vectors), -1)
    return log_ratio + fits[:, 0], w


def parts_image_by_image(log_ratio, features, real_vectors, fake_vectors):
    """Right: a loop, the largest exponent taken out by hand."""
    psi = []
    for ratio, phi in zip(log_ratio, features):
        for sign, vectors in ((-1, real_vectors), (1, fake_vectors)):
            logits = vectors @ phi
            ratio = ratio + sign * (logits.max() + (logits - logits.max()).exp().sum().log())
        psi.append(ratio)
    return torch.stack(psi), real_vectors - fake_vectors


def parts_in_place(log_ratio, features, real_vectors, fake_vectors):
    """Wrong: the caller's vectors are changed."""
    psi, _ = reference.projection_parts(log_ratio, features, real_vectors, fake_vectors)
    real_vectors -= fake_vectors
    return psi, real_vectors.clone()


def lse(logits):
    return logits.logsumexp(1)


def lse_and_a_little(logits):
    return (logits.double().exp().sum(1) + 1e-6).log().float()


def log_sum(logits):
    return logits.exp().sum(1).log()


def projection(give):
    """A projection discriminator that makes its logits of features (B, F, 4, 4), plain logits (B,) and vectors (B, F)."""
    class Variant(reference.ProjectionDiscriminator):
        def forward(self, images, labels):
            features = self.discriminator.features(images)
            return give(features, self.discriminator.head(features).flatten(), self.embed(labels))
    return Variant


class ByTwoPasses(reference.ProjectionDiscriminator):
    """Right: the features computed twice, the inner product as a batched matrix product."""

    def forward(self, images, labels):
        pooled = self.discriminator.features(images).flatten(2).sum(-1)
        fits = torch.bmm(self.embed(labels)[:, None], pooled[:, :, None])
        return self.discriminator(images) + fits[:, 0, 0]


class LoudFromTheFirst(reference.ProjectionDiscriminator):
    """Wrong: labels count before anything is learned."""

    def __init__(self, num_classes, size=32, channels=3, *, width=64, norm="none"):
        super().__init__(num_classes, size, channels, width=width, norm=norm)
        self.embed = nn.Embedding(num_classes, width * size // 8)


class UnfittedFeatures(reference.ProjectionDiscriminator):
    """Wrong: the label's part sends nothing into the features."""

    def forward(self, images, labels):
        with torch.no_grad():
            pooled = self.discriminator.features(images).sum((2, 3))
        return self.discriminator(images) + (self.embed(labels) * pooled).sum(1)


class DataOfVectors(reference.ProjectionDiscriminator):
    """Wrong: the vectors never move, so they stay 0."""

    def forward(self, images, labels):
        features = self.discriminator.features(images)
        fits = (self.embed.weight.data[labels] * features.sum((2, 3))).sum(1)
        return self.discriminator.head(features).flatten() + fits


class Squeezed(reference.ProjectionDiscriminator):
    """Wrong: a batch of one gives no batch."""

    def forward(self, images, labels):
        features = self.discriminator.features(images)
        return (self.discriminator.head(features) + (self.embed(labels)[:, :, None, None] * features).sum(
            (1, 2, 3), keepdim=True)).squeeze()


class ByOneHotProduct(reference.ProjectionDiscriminator):
    """Right: scores of all labels, of which each image picks its own."""

    def forward(self, images, labels):
        features = self.discriminator.features(images)
        scores = F.linear(features.sum(dim=(-2, -1)), self.embed.weight)  # (B, K)
        return self.discriminator.head(features)[:, 0, 0, 0] + scores.gather(1, labels[:, None]).squeeze(1)


def step_frozen_for_good(generator, discriminator, *arguments, **options):
    losses = reference.conditional_step(generator, discriminator, *arguments, **options)
    discriminator.requires_grad_(False)
    return losses


def info_frozen_for_good(generator, discriminator, *arguments, **options):
    values = reference.information_step(generator, discriminator, *arguments, **options)
    for parameter in discriminator.parameters():
        parameter.requires_grad = False
    return values


def step_in_evaluation(generator, discriminator, *arguments, **options):
    generator.eval()
    return reference.conditional_step(generator, discriminator, *arguments, **options)


def step_with_an_old_d(generator, discriminator, optimizer_g, optimizer_d, real, z, information, *, gamma=0.0):
    """Wrong: G learns first, from the D of before."""
    fake = generator(z)
    known = information(discriminator, fake, z)
    loss_g = F.softplus(-discriminator(fake)).mean() - known
    optimizer_g.zero_grad()
    loss_g.backward()
    shown = fake.detach()
    loss_d = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(shown)).mean()
    loss_d = loss_d - information(discriminator, shown, z)
    if gamma:
        loss_d = loss_d + gamma * r1_penalty(discriminator, real)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach(), known.detach()


def info_thawed(generator, discriminator, optimizer_g, optimizer_d, real, z, information, *, gamma=0.0):
    """Right: one pass of D for both batches, D frozen by hand and thawed, losses as means of halves."""
    fake = generator(z)
    logits = discriminator(torch.cat([real, fake.detach()]))
    loss_d = F.softplus(torch.cat([-logits[:len(real)], logits[len(real):]])).mean() * 2
    loss_d = loss_d - information(discriminator, fake.detach(), z)
    if gamma > 0:
        loss_d = loss_d + gamma * r1_penalty(discriminator, real)
    discriminator.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    for parameter in discriminator.parameters():
        parameter.requires_grad_(False)
    bound = information(discriminator, fake, z)
    loss_g = -F.logsigmoid(discriminator(fake)).mean() - bound
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    for parameter in discriminator.parameters():
        parameter.requires_grad_(True)
    return loss_d.detach(), loss_g.detach(), bound.detach()


def bce_step(generator, discriminator, optimizer_g, optimizer_d, real, labels, z, wanted, *, gamma=0.0, again=False):
    """Right: bce, D's two batches in one pass, D not frozen, the penalty always added. Wrong with fakes drawn `again` for G."""
    bce = F.binary_cross_entropy_with_logits
    fake = generator(z, wanted)
    logits = discriminator(torch.cat([real, fake.detach()]), torch.cat([labels, wanted]))
    r, f = logits.split(len(real))
    loss_d = bce(r, torch.ones_like(r)) + bce(f, torch.zeros_like(f))
    loss_d = loss_d + gamma * r1_penalty(lambda x: discriminator(x, labels), real)
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    logits = discriminator(generator(z, wanted) if again else fake, wanted)
    loss_g = bce(logits, torch.ones_like(logits))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def step_by_parts(generator, discriminator, optimizer_g, optimizer_d, real, labels, z, wanted, *, gamma=0.0):
    """Right: several calls of backward for D, logsigmoid, gradients by hand for G."""
    optimizer_d.zero_grad()
    fake = generator(z, wanted)
    parts = [-F.logsigmoid(discriminator(real, labels)).mean(), -F.logsigmoid(-discriminator(fake.detach(), wanted)).mean()]
    if gamma > 0:
        parts.append(gamma * r1_penalty(lambda x: discriminator(x, labels), real))
    for part in parts:
        part.backward()
    optimizer_d.step()
    loss_g = -F.logsigmoid(discriminator(fake, wanted)).mean()
    weights = list(generator.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(loss_g, weights)):
        weight.grad = gradient
    optimizer_g.step()
    return sum(parts).detach(), loss_g.detach()


def giving(step, change):
    """A step with what it returns changed."""
    return lambda *arguments, **options: change(step(*arguments, **options))


def with_gradient(values):
    return tuple(value.clone().requires_grad_() for value in values)


def bound_by_gather(logits, category):
    """Right: log softmax, gathered."""
    log_q = F.log_softmax(logits, dim=1).gather(1, category[:, None])
    return torch.log(torch.tensor(float(logits.shape[1]))) + log_q.mean()


def bound_by_one_hot(logits, category):
    """Right: logsumexp and a mask."""
    chosen = (logits * F.one_hot(category, logits.shape[1])).sum(1)
    return (chosen - logits.logsumexp(1) + math.log(logits.shape[1])).mean()


def bound_by_mean_of_terms(logits, category):
    """Right: image by image, the entropy inside the mean."""
    terms = [math.log(len(row)) + row[c] - torch.logsumexp(row, 0) for row, c in zip(logits, category)]
    return torch.stack(terms).mean()


def bound_by_nll(logits, category):
    """Right: the entropy computed as one."""
    share = torch.full((logits.shape[1],), 1 / logits.shape[1])
    return -(share * share.log()).sum() - F.nll_loss(torch.log_softmax(logits, -1), category)


def bound_with_entropy_of_the_batch(logits, category):
    share = torch.bincount(category).float() / len(category)
    return torch.special.entr(share).sum() - F.cross_entropy(logits, category)


def bound_with_log_of_the_mean(logits, category):
    return math.log(logits.shape[1]) + logits.softmax(1)[torch.arange(len(category)), category].mean().log()


def bound_by_log_of_softmax(logits, category):
    q = logits.softmax(1)[torch.arange(len(category)), category]
    return math.log(logits.shape[1]) + q.log().mean()


def info_by_bce(generator, discriminator, optimizer_g, optimizer_d, real, z, information, *, gamma=0.0, again=False):
    """Right: bce, D not frozen, the information in a backward of its own. Wrong with fakes drawn `again` for G."""
    bce = F.binary_cross_entropy_with_logits
    made = generator(z)
    fake = made.detach()
    optimizer_d.zero_grad()
    r, f = discriminator(real), discriminator(fake)
    loss_d = bce(r, torch.ones_like(r)) + bce(f, torch.zeros_like(f)) + gamma * r1_penalty(discriminator, real)
    known = information(discriminator, fake, z)
    loss_d.backward()
    (-known).backward()
    optimizer_d.step()
    fake = generator(z) if again else made
    optimizer_g.zero_grad()
    f = discriminator(fake)
    kept = information(discriminator, fake, z)
    loss_g = bce(f, torch.ones_like(f)) - kept
    loss_g.backward()
    optimizer_g.step()
    return (loss_d - known).item(), loss_g.item(), kept.item()


def info_through_g(generator, discriminator, optimizer_g, optimizer_d, real, z, information, *, gamma=0.0):
    """Wrong: the reader's turn pulls at G, too."""
    fake = generator(z)
    loss_d = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean()
    loss_d = loss_d - information(discriminator, fake, z)
    if gamma:
        loss_d = loss_d + gamma * r1_penalty(discriminator, real)
    optimizer_d.zero_grad()
    loss_d.backward(retain_graph=True)
    optimizer_d.step()
    known = information(discriminator, fake, z)
    loss_g = F.softplus(-discriminator(fake)).mean() - known
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach(), known.detach()


def info_frozen(generator, discriminator, optimizer_g, optimizer_d, real, z, information, *, gamma=0.0):
    """Right: logsigmoid, gradients by hand for both."""
    fake = generator(z)
    loss_d = (-F.logsigmoid(discriminator(real)) - F.logsigmoid(-discriminator(fake.detach()))).mean()
    loss_d = loss_d - information(discriminator, fake.detach(), z)
    if gamma:
        loss_d = loss_d + r1_penalty(discriminator, real) * gamma
    weights = list(discriminator.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(loss_d, weights)):
        weight.grad = gradient
    optimizer_d.step()
    known = information(discriminator, fake, z)
    loss_g = -F.logsigmoid(discriminator(fake)).mean() - known
    weights = list(generator.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(loss_g, weights)):
        weight.grad = gradient
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach(), known.detach()


def entropy(items):
    counts = Counter(items).values()
    return -sum(n / len(items) * math.log(n / len(items)) for n in counts)


def agreement_by_counting(found, labels, mean=lambda a, b: (a + b) / 2, scale=1.0):
    """Right: counters, no table."""
    found, labels = found.tolist(), labels.tolist()
    codes, kinds, both = entropy(found), entropy(labels), entropy(list(zip(found, labels)))
    return scale * (codes + kinds - both) / mean(codes, kinds) if codes + kinds > 0 else 0.0


def agreement_by_kl(found, labels):
    """Right: the information as a KL divergence, with a table of one-hot codes."""
    a, b = F.one_hot(found).double(), F.one_hot(labels).double()
    joint = a.T @ b / len(found)
    p, q = joint.sum(1), joint.sum(0)
    if p.max() > 1 - 1e-9 or q.max() > 1 - 1e-9:
        return 0.0
    information = torch.xlogy(joint, joint).sum() - torch.xlogy(joint, p[:, None] * q).sum()
    return (-2 * information / (torch.xlogy(p, p).sum() + torch.xlogy(q, q).sum())).item()


def agreement_by_unique(found, labels):
    """Right: names of pairs by torch.unique, and no table; entropies in bits, which cancel."""
    def bits(names):
        share = torch.unique(names, dim=0, return_counts=True)[1].double() / len(names)
        return -(share * share.log2()).sum()
    a, b, both = bits(found), bits(labels), bits(torch.stack([found, labels], 1))
    return float(2 * (a + b - both) / (a + b)) if a + b > 0 else 0


def agreement_by_names(found, labels):
    return agreement_by_counting_pairs(found, labels, (10 * found + labels).tolist())


def agreement_by_counting_pairs(found, labels, pairs):
    codes, kinds = entropy(found.tolist()), entropy(labels.tolist())
    return 2 * (codes + kinds - entropy(pairs)) / (codes + kinds) if codes + kinds > 0 else 0.0


def agreement_by_histogram(found, labels):
    joint = torch.tensor(np.histogram2d(found.numpy(), labels.numpy(), bins=10)[0]) / len(found)
    h = lambda p: torch.special.entr(p).sum().item()
    codes, kinds = h(joint.sum(1)), h(joint.sum(0))
    return 2 * (codes + kinds - h(joint)) / (codes + kinds) if codes + kinds > 0 else 0.0


def agreement_of_unique_pairs(found, labels):
    joint = torch.zeros(int(found.max()) + 1, int(labels.max()) + 1, dtype=torch.float64)
    joint[found, labels] += 1
    joint /= joint.sum()
    h = lambda p: torch.special.entr(p).sum().item()
    codes, kinds = h(joint.sum(1)), h(joint.sum(0))
    return 2 * (codes + kinds - h(joint)) / (codes + kinds) if codes + kinds > 0 else 0.0


def agreement_with_nan(found, labels):
    a, b = F.one_hot(found).double(), F.one_hot(labels).double()
    joint = a.T @ b / len(found)
    h = lambda p: -(p * p.log()).sum()
    codes, kinds = h(joint.sum(1)), h(joint.sum(0))
    return 2 * (codes + kinds - h(joint)) / (codes + kinds)


def purity(found, labels):
    return (F.one_hot(found).T @ F.one_hot(labels)).amax(1).sum().item() / len(found)


class WithoutNorm(reference.ProjectionDiscriminator):
    """Wrong: `norm` is not handed on."""

    def __init__(self, num_classes, size=32, channels=3, *, width=64, norm="none"):
        super().__init__(num_classes, size, channels, width=width)


class NoLabelInEvaluation(reference.ProjectionDiscriminator):
    """Wrong: the label counts in training alone."""

    def forward(self, images, labels):
        return super().forward(images, labels) if self.training else self.discriminator(images).flatten()


RIGHT = {
    "conditional.ConditionalGenerator": {
        "normal_ of the weight": generator(start=lambda w: w.data.normal_(0, 0.1)),
        "scaled": ScaledInPlace, "one-hot": OneHot, "from a table": from_a_table(False),
    },
    "conditional.projection_parts": {"centred": parts_centred, "against label 0": parts_against_label_0,
                                     "image by image": parts_image_by_image},
    "conditional.ProjectionDiscriminator": {
        "two passes": ByTwoPasses,
        "einsum": projection(lambda h, s, v: s + torch.einsum("bfij,bf->b", h, v)),
        "gathered": ByOneHotProduct,
    },
    "conditional.conditional_step": {"bce": bce_step, "by parts": step_by_parts},
    "conditional.category_information": {"gather": bound_by_gather, "one-hot": bound_by_one_hot,
                                         "image by image": bound_by_mean_of_terms, "nll": bound_by_nll},
    "conditional.information_step": {"bce": info_by_bce, "by hand": info_frozen, "one pass": info_thawed},
    "conditional.agreement": {"counting": agreement_by_counting, "KL": agreement_by_kl, "unique": agreement_by_unique},
}

WRONG = {
    "conditional.ConditionalGenerator": {
        "PyTorch's start": (generator(start=lambda w: None), "as loud as z"),
        "variance": (generator(start=lambda w: nn.init.normal_(w, std=0.1 ** 0.5)), "not the variance"),
        "DCGAN's start": (generator(start=lambda w: nn.init.normal_(w, std=0.02)), "DCGAN's"),
        "uniform": (generator(start=lambda w: nn.init.uniform_(w, -0.1, 0.1)), "no Gaussian"),
        "uniform of that spread": (generator(start=lambda w: nn.init.uniform_(w, -0.03 ** 0.5, 0.03 ** 0.5)), "not Gaussian"),
        "always the same": (generator(start=lambda w: nn.init.normal_(w, std=0.1, generator=torch.Generator().manual_seed(0))),
                            "Seed nothing"),
        "zeros": (generator(start=nn.init.zeros_), "standard deviation 0.000"),
        "turned": (generator(turned=True), "number of labels first"),
        "label first": (generator(join=lambda z, e: torch.cat([e, z], 1)), "z comes first"),
        "no label": (generator(join=lambda z, e: torch.cat([z, 0 * e], 1)), "gets z alone"),
        "no z": (generator(join=lambda z, e: torch.cat([0 * z, e], 1)), "the label alone"),
        "tanh": (generator(join=lambda z, e: torch.cat([z, e.tanh()], 1)), "no tanh"),
        "normalised": (generator(join=lambda z, e: torch.cat([z, F.normalize(e, dim=1)], 1)), "its length counts"),
        "not learned": (generator(look=no_gradient), "no detach() and no no_grad()"),
        "mean 0.1": (generator(start=lambda w: nn.init.normal_(w, 0.1)), "0.1 became the mean"),
        "padded": (Padded, "padding_idx"),
        "frozen table": (from_a_table(True), "from_pretrained"),
        "data": (generator(look=lambda self, c: self.embed.weight.data[c]), "no .data"),
        "a tenth": (generator(start=lambda w: None, join=lambda z, e: torch.cat([z, 0.1 * e], 1)), "as loud as z"),
        "batch of one": (OfFixedLength, "same number of dimensions"),
        "z in place": (ScalesZ, "in place"),
    },
    "conditional.projection_parts": {
        "no sums": (parts(lambda r, a, b: r), "belong to psi"),
        "one sum for both": (parts(lambda r, a, b: r - lse(a - b)), "a sum of its own"),
        "signs": (parts(lambda r, a, b: r + lse(a) - lse(b)), "signs of the two sums"),
        "fake less real": (parts(lambda r, a, b: r - lse(a) + lse(b), lambda u, v: v - u), "w is u - v, real less fake"),
        "turned": (parts(lambda r, a, b: r + lse(a) - lse(b), lambda u, v: v - u), "other way round"),
        "real alone": (parts(lambda r, a, b: r - lse(a), lambda u, v: u), "p_data(c | x) alone"),
        "w of the real": (parts(lambda r, a, b: r - lse(a) + lse(b), lambda u, v: u), "w lacks the fakes'"),
        "one sum": (parts(lambda r, a, b: r - lse(a)), "psi lacks the sum"),
        "no ratio": (parts(lambda r, a, b: lse(b) - lse(a)), "is the image real"),
        "ratio itself": (parts(lambda r, a, b: r.exp() - lse(a) + lse(b)), "a logarithm already"),
        "sum of logits": (parts(lambda r, a, b: r - a.sum(1) + b.sum(1)), "sums are of exponentials"),
        "no logarithm": (parts(lambda r, a, b: r - a.exp().sum(1) + b.exp().sum(1)), "*logarithms* of the sums"),
        "over the batch": (parts(lambda r, a, b: r - a.logsumexp((0, 1)) + b.logsumexp((0, 1))), "each image by itself"),
        "overflow": (parts(lambda r, a, b: r - log_sum(a) + log_sum(b)), "logsumexp"),
        "a little under the log": (parts(lambda r, a, b: r - lse_and_a_little(a) + lse_and_a_little(b)), "logsumexp"),
        "psi of labels": (parts(lambda r, a, b: r[:, None] + a.log_softmax(1) - b.log_softmax(1)), "psi is one number"),
        "w turned": (parts(lambda r, a, b: r - lse(a) + lse(b), lambda u, v: (u - v).T), "one vector for each label"),
        "the logits": (lambda r, f, u, v: r[:, None] + (f @ u.T).log_softmax(1) - (f @ v.T).log_softmax(1), "two things"),
        "in place": (parts_in_place, "in place"),
    },
    "conditional.ProjectionDiscriminator": {
        "no label in evaluation": (NoLabelInEvaluation, "evaluation mode"),
        "without norm": (WithoutNorm, "hand it on"),
        "no label": (projection(lambda h, s, v: s), "inner product is missing"),
        "only the label": (projection(lambda h, s, v: (v * h.sum((2, 3))).sum(1)), "Only the label counts"),
        "mean over the map": (projection(lambda h, s, v: s + (v * h.mean((2, 3))).sum(1)), "not averaged"),
        "max": (projection(lambda h, s, v: s + (v * h.amax((2, 3))).sum(1)), "sum, not max"),
        "mean of features": (projection(lambda h, s, v: s + (v * h.sum((2, 3))).mean(1)), "not a mean"),
        "sum over all": (projection(lambda h, s, v: s + (v * h.sum((2, 3))).sum()), "over the batch"),
        "column and row": (projection(lambda h, s, v: s[:, None] + (v * h.sum((2, 3))).sum(1)), "Flatten the head"),
        "all pairs": (projection(lambda h, s, v: s + v @ h.sum((2, 3)).T), "every label with every image"),
        "sigmoid": (projection(lambda h, s, v: (s + (v * h.sum((2, 3))).sum(1)).sigmoid()), "no sigmoid"),
        "product": (projection(lambda h, s, v: s * (v * h.sum((2, 3))).sum(1)), "not multiplied"),
        "features cut": (UnfittedFeatures, "sends no gradient into the features"),
        "data of vectors": (DataOfVectors, "no .data"),
        "head cut": (projection(lambda h, s, v: s.detach() + (v * h.sum((2, 3))).sum(1)), "through the head's logit"),
        "squeezed": (Squeezed, "a batch of one"),
        "maps and rows": (projection(lambda h, s, v: s[:, None, None, None] + (v * h.sum((2, 3))).sum(1)), "(B, 1, 1, 1)"),
        "loud from the first": (LoudFromTheFirst, "zero at first"),
        "subtracted": (projection(lambda h, s, v: s - (v * h.sum((2, 3))).sum(1)), "not subtracted"),
    },
    "conditional.conditional_step": {
        "as found": (faulty_step("real", "fake", "judged by real"), "Two faults left in D's turn"),
        "real ones": (faulty_step("real"), "real images are judged with labels that are not theirs"),
        "fake ones": (faulty_step("fake"), "fake images are judged with labels that G was not told"),
        "in G's turn": (faulty_step("judged by real"), "it was not told, so it cannot but ignore"),
        "drawn by real": (faulty_step("drawn by real"), "generator(z, wanted)"),
        "penalty": (faulty_step("penalty"), "*its own* label"),
        "stale D": (faulty_step("stale D"), "added to D's"),
        "stale G": (faulty_step("stale G"), "added to G's"),
        "saturating": (faulty_step("saturating"), "saturating loss"),
        "all by real": (faulty_step("drawn by real", "fake", "judged by real"), "`wanted` is used nowhere"),
        "all by wanted": (faulty_step("real"), "labels that are not theirs"),
        "cut": (faulty_step("cut"), "No gradient reaches G"),
        "frozen for good": (step_frozen_for_good, "other weights frozen"),
        "left in evaluation": (step_in_evaluation, "another mode"),
        "draws again": (lambda *arguments, **options: bce_step(*arguments, again=True, **options), "draws again"),
        "turned": (giving(faulty_step(), lambda pair: pair[::-1]), "D's loss comes first"),
        "nothing returned": (giving(faulty_step(), lambda pair: None), "Return 2 numbers"),
        "not detached": (giving(faulty_step(), with_gradient), "detach it"),
    },
    "conditional.category_information": {
        "no entropy": (lambda s, c: -F.cross_entropy(s, c), "add log K"),
        "cross-entropy": (F.cross_entropy, "small where Q knows much"),
        "plus": (lambda s, c: math.log(s.shape[1]) + F.cross_entropy(s, c), "*minus* the cross-entropy"),
        "bits": (lambda s, c: bound_by_gather(s, c) / math.log(2), "natural logarithms"),
        "sum": (lambda s, c: math.log(s.shape[1]) - F.cross_entropy(s, c, reduction="sum"), "Take the mean"),
        "log B": (lambda s, c: math.log(len(s)) - F.cross_entropy(s, c), "not of images"),
        "softmax twice": (lambda s, c: bound_by_gather(s.softmax(1), c), "softmax twice"),
        "favourite": (lambda s, c: bound_by_gather(s, s.argmax(1)), "not for its favourite"),
        "log of 0": (bound_by_log_of_softmax, "log softmax in one"),
        "over the batch": (lambda s, c: math.log(s.shape[1]) + s.log_softmax(0)[torch.arange(len(c)), c].mean(), "axis 1"),
        "entropy of the batch": (bound_with_entropy_of_the_batch, "fixed by how codes are drawn"),
        "log of the mean": (bound_with_log_of_the_mean, "not the logarithm of the mean"),
        "probabilities": (lambda s, c: math.log(s.shape[1]) + s.softmax(1)[torch.arange(len(c)), c].mean(),
                          "logarithm is missing"),
        "ten categories": (lambda s, c: math.log(10) - F.cross_entropy(s, c), "not always ten"),
        "clamped": (lambda s, c: bound_by_gather(s, c).clamp(min=0), "may be below 0"),
        "item": (lambda s, c: bound_by_gather(s, c).item(), "no item()"),
        "a new tensor": (lambda s, c: torch.tensor(bound_by_gather(s, c).item(), requires_grad=True), "no torch.tensor()"),
        "detached": (lambda s, c: math.log(s.shape[1]) - F.cross_entropy(s.detach(), c), "neither Q nor G could learn"),
    },
    "conditional.information_step": {
        "reader unread": (faulty_information_step("reader unread"), "reader does not learn"),
        "sign": (faulty_information_step("sign"), "has *minus* it"),
        "of real": (faulty_information_step("of real"), "Nobody knows the codes of real images"),
        "swapped": (faulty_information_step("swapped"), "sides are swapped"),
        "stale D": (faulty_information_step("stale D"), "added to D's"),
        "stale G": (faulty_information_step("stale G"), "added to G's"),
        "cut": (faulty_information_step("cut"), "does not reach G"),
        "codes alone": (faulty_information_step("codes alone"), "no longer asked to look real"),
        "saturating": (faulty_information_step("saturating"), "saturating loss"),
        "no penalty": (faulty_information_step("no penalty"), "penalty is missing"),
        "information forgotten": (faulty_information_step("not readable"), "be part of G's loss"),
        "D's side": (faulty_information_step("D's side"), "D's loss for fakes"),
        "first information": (faulty_information_step("first information"), "you return that of D's turn"),
        "old D": (step_with_an_old_d, "D of before its step"),
        "draws again": (lambda *arguments, **options: info_by_bce(*arguments, again=True, **options), "draws again"),
        "through G": (info_through_g, "sends none into G"),
        "frozen for good": (info_frozen_for_good, "other weights frozen"),
        "two numbers": (giving(faulty_information_step(), lambda values: values[:2]), "Return 3 numbers"),
        "not detached": (giving(faulty_information_step(), with_gradient), "detach it"),
    },
    "conditional.agreement": {
        "a tensor": (lambda f, y: torch.tensor(agreement_by_kl(f, y)), "plain number"),
        "accuracy": (lambda f, y: (f == y).float().mean().item(), "codes have no names"),
        "purity": (purity, "This is the purity"),
        "information": (lambda f, y: agreement_by_counting(f, y, lambda a, b: 1.0), "mean of the two entropies"),
        "sum of entropies": (lambda f, y: agreement_by_counting(f, y, lambda a, b: a + b), "half their sum"),
        "of labels": (lambda f, y: agreement_by_counting(f, y, lambda a, b: b or 1.0), "not by one of them"),
        "geometric": (lambda f, y: agreement_by_counting(f, y, lambda a, b: math.sqrt(a * b) or 1.0), "geometric"),
        "larger": (lambda f, y: agreement_by_counting(f, y, max), "not by one of them"),
        "0 log 0": (agreement_with_nan, "0 log 0 is 0"),
        "names of two digits": (agreement_by_names, "more than ten"),
        "ten bins": (agreement_by_histogram, "more than ten"),
        "pairs once": (agreement_of_unique_pairs, "accumulate=True"),
        "distance": (lambda f, y: 1 - agreement_by_counting(f, y), "1 less this"),
    },
}
