"""Checks of chapter 7. What is right is computed here, apart from the reference solutions."""
from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.dcgan import Discriminator

from . import Draw, Subject, Wrong, assert_close, check, gradients, is_close, written


def fill(module: nn.Module, weights: list[Tensor]) -> nn.Module:
    """The module with these parameters, in its own order."""
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), weights, strict=True):
            parameter.copy_(value)
    return module


# The generator

class Painter(nn.Module):
    """Codes (B, n) to images (B, 1, 4, 4), by one matrix and a tanh."""

    def __init__(self, codes: int):
        super().__init__()
        self.matrix = nn.Linear(codes, 16, bias=False)

    def forward(self, codes: Tensor) -> Tensor:
        return self.matrix(codes).tanh().unflatten(1, (1, 4, 4))


def first_vectors(network_class: type, num_classes: int, embedding: int) -> list[Tensor]:
    """What the vectors of the labels are in two new networks."""
    return [network_class(num_classes, 16, 1, nz=3, width=2, embedding=embedding).embed.weight.detach() for _ in range(2)]


def drawn_with(network_class: type, vectors: Tensor, matrix: Tensor, z: Tensor, labels: Tensor, up: Tensor) -> dict:
    """Images by one matrix and these vectors, and the vectors' gradient of the sum of images times `up`."""
    network = network_class(len(vectors), 16, 1, nz=z.shape[1], width=2, embedding=vectors.shape[1])
    network.generator = fill(Painter(matrix.shape[1]), [matrix])
    fill(network.embed, [vectors])
    images = network(z, labels)
    (images * up).sum().backward()
    gradient = network.embed.weight.grad
    return {"images": images.detach(), "gradient": torch.zeros_like(vectors) if gradient is None else gradient}


STARTS = [  # standard deviation, what it tells
    (1.0, "nn.Embedding begins at N(0, 1), as loud as z: the generator then learns to listen to the label alone, and draws one "
     "picture for each. Ask for 0.1: nn.init.normal_(self.embed.weight, std=0.1)."),
    (0.1 ** 0.5, "0.1 is the standard deviation, not the variance."),
    (0.01, "0.01 is the variance; the standard deviation is 0.1."),
    (0.02, "0.02 is DCGAN's; asked for is 0.1."),
    (0.1 / 3 ** 0.5, "Uniform in [-0.1, 0.1] is no Gaussian of standard deviation 0.1: nn.init.normal_."),
]


@check("conditional.ConditionalGenerator", points=2, hint="self.embed, an nn.Embedding(num_classes, embedding), at N(0, 0.1).")
def the_vectors_of_the_labels_begin_quietly(subject: Subject, draw: Draw) -> None:
    num_classes = 300 + int(draw.integers(0, 50, 1).item())
    vectors, others = subject.probe(first_vectors, num_classes, 60)
    if vectors.shape == (60, num_classes):
        raise Wrong(hint="nn.Embedding takes the number of labels first, then the length of a vector.")
    assert_close(vectors * 0, torch.zeros(num_classes, 60))
    spread, mean = vectors.std().item(), vectors.mean().item()
    if abs(mean - 0.1) < 0.05:
        raise Wrong(hint="0.1 became the mean, which should be 0: the second argument of nn.init.normal_ is the mean. "
                         "Write std=0.1.")
    for std, hint in STARTS:
        if abs(spread / std - 1) < 0.08:
            raise Wrong(hint=hint)
    if not (0.092 < spread < 0.108 and abs(mean) < 0.01 and len(vectors.unique(dim=0)) == num_classes):
        raise Wrong(f"The weights have mean {mean:.3f} and standard deviation {spread:.3f}.")
    if abs((vectors / spread).pow(4).mean() - 3) > 0.3:  # eight standard deviations
        raise Wrong(hint="Mean and spread are right, but the numbers are not Gaussian: "
                         "nn.init.normal_(self.embed.weight, std=0.1).")
    if torch.equal(vectors, others):
        raise Wrong(hint="Two new networks begin with the same vectors: they are drawn anew for each. Seed nothing.")


DRAW_MISTAKES: list[tuple[Callable, str]] = [
    (lambda z, e: torch.cat([e, z], 1), "z comes first, then the label's vector."),
    (lambda z, e: torch.cat([z, 0 * e], 1), "The label changes nothing: the generator gets z alone."),
    (lambda z, e: torch.cat([0 * z, e], 1), "z changes nothing: the generator gets the label alone."),
    (lambda z, e: torch.cat([z, e[:1].expand_as(e)], 1), "All images got the vector of the first label."),
    (lambda z, e: torch.cat([z, e.flip(0)], 1), "The labels are in another order than z."),
    (lambda z, e: torch.cat([z, e.tanh()], 1), "The label's vector goes in as it is: no tanh."),
    (lambda z, e: torch.cat([z, F.normalize(e, dim=1)], 1), "The label's vector goes in as it is: its length counts."),
    (lambda z, e: torch.cat([z, 0.1 * e], 1), "The label's vector goes in as it is: 0.1 is where it begins, no factor."),
]


def _draw_generator(draw: Draw, nz: int = 3) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    labels = torch.cat([draw.integers(0, 4, 3), torch.tensor([0, 3])])
    return draw.normal(4, 5), draw.normal(16, nz + 5, std=0.4), draw.normal(5, nz), labels, draw.normal(5, 1, 4, 4)


def _painted(matrix: Tensor, codes: Tensor) -> Tensor:
    return (codes @ matrix.T).tanh().unflatten(1, (1, 4, 4))


@check("conditional.ConditionalGenerator", points=2, hint="self.generator(torch.cat([z, self.embed(labels)], 1)).")
def an_image_is_made_of_z_and_its_label(subject: Subject, draw: Draw) -> None:
    vectors, matrix, z, labels, up = _draw_generator(draw)
    _assert_drawn(subject, vectors, matrix, z, labels, up)
    vectors, matrix, z, labels, up = _draw_generator(draw, 6)
    _assert_drawn(subject, vectors, matrix, z[:1], labels[:1], up[:1])  # a batch of one, and another nz


def _assert_drawn(subject: Subject, vectors: Tensor, matrix: Tensor, z: Tensor, labels: Tensor, up: Tensor) -> None:
    mine = subject.probe(drawn_with, vectors, matrix, z, labels, up)["images"]
    mistakes = ((_painted(matrix, wrong(z, vectors[labels])), hint) for wrong, hint in DRAW_MISTAKES)
    assert_close(mine, _painted(matrix, torch.cat([z, vectors[labels]], 1)), mistakes=mistakes)


UNLEARNED = ("No gradient reaches the vectors of the labels, which are learned: no detach() and no no_grad(), no .data, and no "
             "table that is frozen (from_pretrained freezes).")


@check("conditional.ConditionalGenerator", points=1, hint="The label's vector is learned: no detach() and no no_grad().")
def the_vectors_learn(subject: Subject, draw: Draw) -> None:
    vectors, matrix, z, labels, up = _draw_generator(draw)
    mine = subject.probe(drawn_with, vectors, matrix, z, labels, up)["gradient"]
    images = _painted(matrix, torch.cat([z, vectors[labels]], 1))
    pull = ((1 - images ** 2) * up).flatten(1) @ matrix[:, 3:]
    right = torch.zeros_like(vectors).index_add_(0, labels, pull)
    without_0 = torch.cat([torch.zeros_like(right[:1]), right[1:]])
    assert_close(mine, right, mistakes=[
        (torch.zeros_like(right), UNLEARNED),
        (without_0, "The vector of label 0 does not learn: here 0 is a label like all others, so no padding_idx.")])


# From a log ratio to a projection

# Each takes the log ratio (B, 1) and the logits of the labels (B, K) of real and of fake images; log softmax in each.
PARTS_MISTAKES: list[tuple[Callable, str]] = [
    (lambda r, a, b: r + a - b, "The logarithms of the two sums are missing. They depend on the image and on no label, so they "
     "belong to psi."),
    (lambda r, a, b: r + (a - b).log_softmax(1), "Each of the two distributions has a sum of its own: the difference of "
     "two log softmaxes is not the log softmax of the difference."),
    (lambda r, a, b: r + a - b + _lse(a) - _lse(b), "The signs of the two sums: log p has *minus* the logarithm of its sum, "
     "and the fakes' log p is subtracted."),
    (lambda r, a, b: r + b - a - _lse(a) + _lse(b), "w is u - v, real less fake: a label that fits real images better than "
     "fakes speaks for real."),
    (lambda r, a, b: r - a.log_softmax(1) + b.log_softmax(1), "The other way round: log p_data(c | x) *less* log p_g(c | x)."),
    (lambda r, a, b: r + a.log_softmax(1), "That is log p_data(c | x) alone: p_g(c | x), the softmax of the fakes' vectors, is "
     "missing."),
    (lambda r, a, b: r + a - _lse(a) + _lse(b), "psi is right, and w lacks the fakes' vectors: w is u - v."),
    (lambda r, a, b: r + a - b - _lse(a), "psi lacks the sum of the fakes' softmax."),
    (lambda r, a, b: a.log_softmax(1) - b.log_softmax(1), "The first part of the log ratio is missing: is the image real? Add "
     "log_ratio to psi."),
    (lambda r, a, b: r.exp() + a.log_softmax(1) - b.log_softmax(1), "log_ratio is a logarithm already, as the logit is: no "
     "exp()."),
    (lambda r, a, b: r + a - b - a.sum(1, keepdim=True) + b.sum(1, keepdim=True), "The sums are of exponentials, and then "
     "their logarithm: logsumexp."),
    (lambda r, a, b: r + a - b - a.exp().sum(1, keepdim=True) + b.exp().sum(1, keepdim=True), "The *logarithms* of the sums: "
     "logsumexp."),
    (lambda r, a, b: r + a - b - a.logsumexp((0, 1)) + b.logsumexp((0, 1)), "The sum runs over the labels, for each image by "
     "itself: logsumexp(1)."),
]


def _lse(logits: Tensor) -> Tensor:
    return logits.logsumexp(1, keepdim=True)


def _assert_parts(subject: Subject, draw: Draw, count: int, features: int, classes: int, loud: float = 1.0) -> None:
    ratio, phi = draw.normal(count), draw.normal(count, features, std=loud)
    u, v = (draw.normal(classes, features) for _ in range(2))
    if loud > 1:  # of one image all labels have large logits, of another all have large negative ones
        u[:, 0], v[:, 0] = 0.5 + u[:, 0].abs(), 0.5 + v[:, 0].abs()
        phi[:2, 0] = torch.tensor([20.0, -20.0]) * loud
    parts = subject(ratio, phi, u, v)
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        raise Wrong(hint="Return two things: psi (B,) and w (K, F).")
    psi, w = (torch.as_tensor(part).detach() for part in parts)
    if psi.shape != (count,):
        raise Wrong(f"Expected psi of shape ({count},), got {tuple(psi.shape)}.",
                    hint="psi is one number for each image, (B,), the same for all labels: what knows the label is in w.")
    if w.shape != (classes, features):
        raise Wrong(f"Expected w of shape {(classes, features)}, got {tuple(w.shape)}.",
                    hint="w is one vector for each label, (K, F), the same for all images: what knows the image is in psi.")
    if not psi.isfinite().all():
        raise Wrong(hint="A large exponential is infinite: exp, sum and log in one, logsumexp.")
    a, b = phi @ u.T, phi @ v.T
    given = ratio[:, None], a, b
    mistakes = ((wrong(*given), hint) for wrong, hint in PARTS_MISTAKES)
    right = ratio[:, None] + a.log_softmax(1) - b.log_softmax(1)
    assert_close(psi[:, None] + phi @ w.T, right, mistakes=mistakes, rtol=1e-3, atol=1e-3 * loud)


@check("conditional.projection_parts", points=2, hint="log p_data(c | x) - log p_g(c | x): what knows x alone goes to psi.")
def the_parts_add_up_to_the_log_ratio(subject: Subject, draw: Draw) -> None:
    _assert_parts(subject, draw, 6, 3, 4)
    _assert_parts(subject, draw, 1, 5, 2)  # a batch of one


@check("conditional.projection_parts", points=1, hint="exp, sum and log in one, logsumexp: features may be large.")
def also_where_labels_are_very_sure(subject: Subject, draw: Draw) -> None:
    _assert_parts(subject, draw, 5, 4, 3, loud=100.0)


# The discriminator

def logits_with(network_class: type, sizes: list[int], weights: list[Tensor], images: Tensor, labels: Tensor) -> dict:
    """The logits of a small projection discriminator (`sizes`: size, channels) with these weights, the vectors of the labels
    last; and the gradients of their squares with respect to the images and to all weights."""
    network = network_class(len(weights[-1]), *sizes, width=2)
    fill(network.discriminator, weights[:-1])
    fill(network.embed, weights[-1:])
    images = images.clone().requires_grad_()
    logits = network(1.0 * images, labels)
    return {"logits": logits.detach(), "in evaluation": network.eval()(images, labels).detach(),
            "gradients": squares_pull(logits, [images, *network.discriminator.parameters(), *network.embed.parameters()])}


def shapes_with(network_class: type, norm: str) -> list[list[int]]:
    """Of what the discriminator inside holds."""
    network = network_class(3, 16, 1, width=2, norm=norm)
    return [list(value.shape) for value in network.discriminator.state_dict().values()]


def first_logits(network_class: type, weights: list[Tensor], images: Tensor, labels: Tensor) -> Tensor:
    """The logits of a new network with these weights, but for the labels' vectors, which stay as it makes them."""
    network = network_class(len(weights[-1]), 16, 1, width=2)
    fill(network.discriminator, weights[:-1])
    return network(images, labels).detach()


def squares_pull(logits: Tensor, of: list[Tensor]) -> list[Tensor]:
    """Gradients of the sum of squared logits; 0 where none arrives."""
    found = torch.autograd.grad(logits.square().sum(), of, allow_unused=True) if logits.requires_grad else [None] * len(of)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(of, found, strict=True)]


def _features(weights: list[Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """Features (B, F, 4, 4) and the logits (B,) of the network that knows no label."""
    x = images
    for kernel, bias in zip(weights[0:-2:2], weights[1:-2:2], strict=True):
        x = F.leaky_relu(F.conv2d(x, kernel, bias, 2, 1), 0.2)
    return x, F.conv2d(x, weights[-2]).flatten()


# Each takes the features (B, F, 4, 4), the plain logits (B,) and the labels' vectors (B, F).
PROJECTION_MISTAKES: list[tuple[Callable, str]] = [
    (lambda h, s, v: s, "The label changes nothing: the inner product is missing."),
    (lambda h, s, v: (v * h.sum((2, 3))).sum(1), "Only the label counts: add the logit of the head, which asks whether the "
     "image is real."),
    (lambda h, s, v: s + (v * h.mean((2, 3))).sum(1), "The features are summed over their map, not averaged."),
    (lambda h, s, v: s + (v * h.amax((2, 3))).sum(1), "The features are summed over their map: sum, not max."),
    (lambda h, s, v: s + (v * h.sum((2, 3))).mean(1), "An inner product is a sum over the features, not a mean."),
    (lambda h, s, v: s + (v * h.sum((2, 3))).sum(), "The sum runs over the batch, too: every image got the fit of all. Sum "
     "over axis 1."),
    (lambda h, s, v: s[:, None] + (v * h.sum((2, 3))).sum(1), (
        "(B, B): a column (B, 1) and a row (B,) were laid against each other. Flatten the head's logits first.")),
    (lambda h, s, v: s[:, None, None, None] + (v * h.sum((2, 3))).sum(1), "The head gives (B, 1, 1, 1), and with (B,) that "
     "spreads over all pairs: flatten the head's logits first."),
    (lambda h, s, v: (s + (v * h.sum((2, 3))).sum(1)).squeeze(), "squeeze() drops the axis of a batch of one, too: flatten()."),
    (lambda h, s, v: s + (v[:1] * h.sum((2, 3))).sum(1), "All images are judged with the label of the first."),
    (lambda h, s, v: s + (v @ h.sum((2, 3)).T).sum(1), "Every label meets every image. Multiply element by element, (B, F) by "
     "(B, F), and sum over the features."),
    (lambda h, s, v: s + v @ h.sum((2, 3)).T, "(B, B): every label with every image. Multiply element by element and sum over "
     "the features."),
    (lambda h, s, v: (s + (v * h.sum((2, 3))).sum(1)).sigmoid(), "Return logits: no sigmoid."),
    (lambda h, s, v: s * (v * h.sum((2, 3))).sum(1), "The two parts of the log ratio are added, not multiplied."),
    (lambda h, s, v: s - (v * h.sum((2, 3))).sum(1), "Added, not subtracted: a fitting label makes an image more real."),
]


def _draw_projection(draw: Draw, size: int, channels: int) -> list[Tensor]:
    """Weights, those of the labels' vectors last."""
    widths = [channels, *(2 << k for k in range(round(math.log2(size / 4))))]
    shapes = [s for before, after in zip(widths[:-1], widths[1:], strict=True) for s in ((after, before, 4, 4), (after,))]
    shapes += [(1, widths[-1], 4, 4)]
    return [draw.normal(*s, std=0.3) for s in shapes] + [draw.normal(5, widths[-1], std=2.0)]


def _assert_projection(subject: Subject, draw: Draw, labels: Tensor, size: int = 16, channels: int = 1) -> None:
    weights, images = _draw_projection(draw, size, channels), draw.normal(len(labels), channels, size, size)
    features, plain = _features(weights, images)
    parts = features, plain, weights[-1][labels]
    mistakes = ((wrong(*parts), hint) for wrong, hint in PROJECTION_MISTAKES)
    right = plain + torch.einsum("bf,bfij->b", parts[2], features)
    assert_close(subject.probe(logits_with, [size, channels], weights, images, labels)["logits"], right, mistakes=mistakes)


CUTS: list[tuple[Callable, str]] = [  # of the features (B, F, 4, 4), the plain logits (B,) and the labels' vectors (B, F)
    (lambda h, s, v: s + (v.detach() * h.sum((2, 3))).sum(1),
     "No gradient reaches the vectors of the labels: they stay 0, and no label ever counts. Call self.embed(labels): no .data, "
     "no detach(), no no_grad()."),
    (lambda h, s, v: s + (v * h.detach().sum((2, 3))).sum(1),
     "The inner product sends no gradient into the features: no detach() and no no_grad() around them."),
    (lambda h, s, v: s.detach() + (v * h.sum((2, 3))).sum(1), "No gradient passes through the head's logit: do not detach it."),
    (lambda h, s, v: (s + (v * h.sum((2, 3))).sum(1)).detach(), "The logits have no graph: no detach() and no no_grad()."),
]


@check("conditional.ProjectionDiscriminator", points=2, hint="The head's logit plus the inner product of vector and features.")
def real_plus_fitting(subject: Subject, draw: Draw) -> None:
    _assert_projection(subject, draw, draw.integers(0, 5, 6))


@check("conditional.ProjectionDiscriminator", points=1, hint="Each image has its own label and its own logit, and all learn.")
def also_for_as_many_images_as_features_for_one_and_with_gradients(subject: Subject, draw: Draw) -> None:
    _assert_projection(subject, draw, draw.integers(0, 5, 4))
    _assert_projection(subject, draw, draw.integers(0, 4, 1), 32, 3)  # not the last of five labels
    for norm in ("none", "batch", "spectral"):
        plain = Discriminator(16, 1, width=2, norm=norm).state_dict().values()
        if subject.probe(shapes_with, norm) != [list(value.shape) for value in plain]:
            raise Wrong(hint=f"With norm={norm!r} it has other layers than a `Discriminator` of that norm: hand it on.")
    weights, images, labels = _draw_projection(draw, 16, 1), draw.normal(6, 1, 16, 16), draw.integers(0, 5, 6)

    def pulls(give: Callable) -> Tensor:
        own = [weight.clone().requires_grad_() for weight in weights]
        shown = images.clone().requires_grad_()
        return _flat(squares_pull(give(*_features(own, shown), own[-1][labels]), [shown, *own]))
    mine = subject.probe(logits_with, [16, 1], weights, images, labels)
    if not is_close(mine["logits"], mine["in evaluation"]):
        raise Wrong(hint="In evaluation mode it gives other logits: equation (4) holds in either mode.")
    assert_close(_flat(mine["gradients"]), pulls(lambda h, s, v: s + (v * h.sum((2, 3))).sum(1)), rtol=1e-3, atol=1e-3,
                 mistakes=((pulls(cut), hint) for cut, hint in CUTS))
    if not is_close(subject.probe(first_logits, weights, images, labels), _features(weights, images)[1], rtol=1e-3, atol=1e-3):
        raise Wrong(hint="In a new network labels count already: their vectors are zero at first, nn.init.zeros_ in __init__.")


# A conditional step, which had three faults

class Moody(nn.Module):
    """A generator that gives louder images each time that it is asked: who needs the same ones asks once."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network, self.times = network, 0

    def forward(self, *given: Tensor) -> Tensor:
        self.times += 1
        return self.network(*given) * (0.6 + 0.4 * self.times)


AGAIN = "G draws again for its own turn, and a generator may give other images then: it runs once, and both turns use `fake`."


class Drawer(nn.Module):
    """z (B, 3) and labels (B,) to images (B, 1, 2, 2)."""

    def __init__(self):
        super().__init__()
        self.z, self.label, self.out = nn.Linear(3, 6), nn.Embedding(4, 6), nn.Linear(6, 4)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return self.out((self.z(z) + self.label(labels)).tanh()).unflatten(1, (1, 2, 2))


class Judge(nn.Module):
    """Images (B, 1, 2, 2) and labels (B,) to logits (B,)."""

    def __init__(self):
        super().__init__()
        self.look, self.head, self.label = nn.Linear(4, 6), nn.Linear(6, 1), nn.Embedding(4, 6)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        seen = self.look(images.flatten(1)).tanh()
        return self.head(seen)[:, 0] + (seen * self.label(labels)).sum(1)


def after_conditional_steps(step: Callable, weights: list[Tensor], batches: list, gamma: float, lr_d: float,
                            moody: bool = False) -> dict:
    """Both networks after a step for each batch (real, labels, z, wanted), and all losses."""
    generator, discriminator = Drawer(), Judge()
    fill(nn.ModuleList([generator, discriminator]), weights)
    _, labels, z, _ = batches[0]
    discriminator(generator(z, labels), labels).sum().backward()  # gradients of an earlier life: they must not count
    optimizers = [torch.optim.SGD(n.parameters(), lr=lr) for n, lr in ((generator, 0.3), (discriminator, lr_d))]
    losses = []
    for batch in batches:
        losses.append(step(Moody(generator) if moody else generator, discriminator, *optimizers, *batch, gamma=gamma))
        discriminator.requires_grad_(True)  # one that is left frozen has its own hint
    return {"D": [p.detach().clone() for p in discriminator.parameters()],
            "G": [p.detach().clone() for p in generator.parameters()], "losses": losses}


def _r1(critic: Callable, images: Tensor) -> Tensor:
    images = images.detach().requires_grad_()
    gradient = torch.autograd.grad(critic(images).sum(), images, create_graph=True)[0]
    return gradient.flatten(1).square().sum(1).mean() / 2


def faulty_step(*faults: str) -> Callable:
    """The conditional step with the named faults; none gives the reference."""
    def step(generator, discriminator, optimizer_g, optimizer_d, real, labels, z, wanted, *, gamma=0.0):
        fake = generator(z, labels if "drawn by real" in faults else wanted)
        real_logits = discriminator(real, wanted if "real" in faults else labels)
        fake_logits = discriminator(fake.detach(), labels if "fake" in faults else wanted)
        loss_d = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        if gamma:
            others = wanted if "penalty" in faults else labels
            loss_d = loss_d + gamma * _r1(lambda images: discriminator(images, others), real)
        if "stale D" not in faults:
            optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        fake = fake.detach() if "cut" in faults else fake
        logits = discriminator(fake, labels if "judged by real" in faults else wanted)
        loss_g = F.softplus(logits).neg().mean() if "saturating" in faults else F.softplus(-logits).mean()
        if "stale G" not in faults:
            optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        return loss_d.detach(), loss_g.detach()
    return step


D_FAULTS: dict[tuple[str, ...], str] = {
    ("real", "fake"): "Two faults left in D's turn: each image is judged with the label of another. A real one with its own, a "
                      "fake one with the label that G was told.",
    ("real",): "One fault left in D's turn: real images are judged with labels that are not theirs, so D learns that a label "
               "says nothing of an image.",
    ("fake",): "One fault left in D's turn: fake images are judged with labels that G was not told.",
    ("stale D",): "Gradients of earlier steps are added to D's: zero_grad() before backward().",
    ("drawn by real",): "G is to draw what is wanted: generator(z, wanted).",
    ("drawn by real", "fake"): "G is to draw what is wanted, generator(z, wanted), and its images are judged by that: here all "
                               "has the labels of the real images, and `wanted` is used nowhere.",
    ("drawn by real", "real"): "G is to draw what is wanted, generator(z, wanted); and real images are judged with `labels`.",
    ("drawn by real", "real", "fake"): "G is to draw what is wanted, generator(z, wanted); real images are judged with "
                                       "`labels`, its own with `wanted`.",
}
G_FAULTS: dict[tuple[str, ...], str] = {
    ("judged by real",): "One fault left in G's turn: G is judged with labels that it was not told, so it cannot but ignore "
                         "those that it was.",
    ("saturating",): "This is the saturating loss of G; asked for is softplus(-s).",
    ("stale G",): "Gradients of earlier steps are added to G's: zero_grad() before backward().",
    ("drawn by real",): "G is to draw what is wanted: generator(z, wanted).",
    ("drawn by real", "judged by real"): "G is to draw what is wanted, generator(z, wanted), and is judged by that.",
    ("judged by real", "saturating"): "G is judged with labels that it was not told, and its loss is softplus(-s).",
    ("cut",): "No gradient reaches G: in its turn D is asked about `fake` itself, not about detached images.",
}


def _draw_conditional(draw: Draw, count: int) -> tuple[list[Tensor], list]:
    shapes = [p.shape for network in (Drawer(), Judge()) for p in network.parameters()]
    batch = lambda: (draw.normal(8, 1, 2, 2), draw.integers(0, 4, 8), draw.normal(8, 3), draw.integers(0, 4, 8))
    return [draw.normal(*s, std=0.6) for s in shapes], [batch() for _ in range(count)]


def _flat(weights: Iterable) -> Tensor:
    return torch.cat([torch.as_tensor(w).flatten() for w in weights])


def _assert_stepped(subject: Subject, given: tuple, part: str, faults: dict[tuple[str, ...], str]) -> None:
    mine, right = subject.probe(after_conditional_steps, *given), after_conditional_steps(faulty_step(), *given)
    mistakes = ((_flat(after_conditional_steps(faulty_step(*f), *given)[part]), hint) for f, hint in faults.items())
    assert_close(_flat(mine[part]), _flat(right[part]), mistakes=mistakes)


@check("conditional.conditional_step", points=2, hint="D's turn: which label belongs to a real image, which to a fake one?")
def the_discriminator_is_told_the_truth(subject: Subject, draw: Draw) -> None:
    _assert_stepped(subject, (*_draw_conditional(draw, 1), 0.0, 0.3), "D", D_FAULTS)


@check("conditional.conditional_step", points=2, hint="G's turn: with which label is the image judged that G was told to draw?")
def the_generator_is_judged_by_what_it_was_told(subject: Subject, draw: Draw) -> None:
    _assert_stepped(subject, (*_draw_conditional(draw, 2), 0.0, 0.0), "G", G_FAULTS)  # a D that stands still


@check("conditional.conditional_step", points=2, hint="All of it has to be right, the penalty too, step after step.")
def all_of_it_step_after_step(subject: Subject, draw: Draw) -> None:
    given = (*_draw_conditional(draw, 3), 0.5, 0.3)
    _assert_stepped(subject, given, "D", {("penalty",): "R1 asks how D's logit of a real image with *its own* label changes."}
                    | D_FAULTS)
    _assert_stepped(subject, given, "G", G_FAULTS)
    mine = subject.probe(after_conditional_steps, *given)["losses"]
    right = after_conditional_steps(faulty_step(), *given)["losses"]
    _assert_losses(mine, right, [([pair[::-1] for pair in right], "D's loss comes first.")])
    plain, moody = (subject.probe(after_conditional_steps, *_first_batch(given), mood)["losses"] for mood in (False, True))
    _assert_losses(moody, plain, other=AGAIN)


def _first_batch(given: tuple) -> tuple:
    weights, batches, *rest = given
    return weights, batches[:1], *rest


def _assert_losses(mine: list, right: list, mistakes: Iterable[tuple[list, str]] = (), other: str = "") -> None:
    """Compare what steps returned; `other` is the hint where they differ in a way that is not among the mistakes."""
    for k, (got, wanted) in enumerate(zip(mine, right, strict=True)):
        if not isinstance(got, tuple | list) or len(got) != len(wanted):
            raise Wrong(hint=f"Return {len(wanted)} numbers, as the docstring says.")
        if any(isinstance(value, Tensor) and value.requires_grad for value in got):
            raise Wrong(hint="What is returned still holds its graph, and with it the memory of the step: detach it.")
        known = [(_flat(values[k]), hint) for values, hint in mistakes]
        assert_close(_flat(got), _flat(wanted), mistakes=[*known, (_flat(got), other)])


# Information

INFORMATION_MISTAKES: list[tuple[Callable, str]] = [
    (lambda s, c: -F.cross_entropy(s, c), "H(c) is missing: add log K."),
    (lambda s, c: F.cross_entropy(s, c), "This is the cross-entropy, which is small where Q knows much. The information is "
     "log K minus it."),
    (lambda s, c: math.log(s.shape[1]) + F.cross_entropy(s, c), "E[log Q] is *minus* the cross-entropy."),
    (lambda s, c: (math.log(s.shape[1]) - F.cross_entropy(s, c)) / math.log(2), "This is in bits; use natural logarithms."),
    (lambda s, c: math.log(s.shape[1]) - F.cross_entropy(s, c, reduction="sum"), "Take the mean over the batch."),
    (lambda s, c: math.log(s.shape[1]) - F.cross_entropy(s, c, reduction="none"), "Take the mean over the batch."),
    (lambda s, c: math.log(s.shape[0]) - F.cross_entropy(s, c), "H(c) is the logarithm of the number of categories, not of "
     "images."),
    (lambda s, c: math.log(10) - F.cross_entropy(s, c), "H(c) = log K, and K is the number of the logits' columns, not "
     "always ten."),
    (lambda s, c: math.log2(s.shape[1]) - F.cross_entropy(s, c), "H(c) in nats, as the cross-entropy is: math.log, not log2."),
    (lambda s, c: (math.log(s.shape[1]) - F.cross_entropy(s, c)).clamp(min=0), "The bound may be below 0, where Q is sure and "
     "wrong: no clamp."),
    (lambda s, c: math.log(s.shape[1]) - F.cross_entropy(s.softmax(1), c), "The logits pass a softmax twice: F.cross_entropy "
     "applies its own."),
    (lambda s, c: math.log(s.shape[1]) - F.cross_entropy(s, s.argmax(1)), "Q is asked for the category that the image was "
     "*made* with, not for its favourite."),
    (lambda s, c: math.log(s.shape[1]) + s.log_softmax(0)[torch.arange(len(c)), c].mean(),
     "The softmax runs over the categories, axis 1, not over the batch."),
    (lambda s, c: torch.special.entr(torch.bincount(c) / len(c)).sum() - F.cross_entropy(s, c),
     "H(c) is fixed by how codes are drawn, log K; you took it from the categories of this batch."),
    (lambda s, c: math.log(s.shape[1]) + s.softmax(1)[torch.arange(len(c)), c].mean().log(),
     "The mean of the logarithms, not the logarithm of the mean."),
    (lambda s, c: math.log(s.shape[1]) + s.softmax(1)[torch.arange(len(c)), c].mean(),
     "The logarithm is missing: E[log Q(c | x)]."),
    (lambda s, c: math.log(s.shape[1]) + s[torch.arange(len(c)), c].mean(), "Logits are not logarithms of probabilities yet: "
     "log_softmax, or F.cross_entropy on the logits."),
    (lambda s, c: s.shape[1] - F.cross_entropy(s, c), "H(c) is the *logarithm* of K."),
]


@check("conditional.category_information", points=1, hint="math.log(K) minus the cross-entropy.")
def log_k_minus_the_cross_entropy(subject: Subject, draw: Draw) -> None:
    _assert_information(subject, draw.normal(9, 5), draw.integers(0, 5, 9))
    _assert_information(subject, draw.normal(1, 7), draw.integers(0, 6, 1))  # a batch of one, and not the last category


@check("conditional.category_information", points=1, hint="Q and G climb this bound by its gradient.")
def q_can_learn_from_it(subject: Subject, draw: Draw) -> None:
    logits, category = draw.normal(6, 4), draw.integers(0, 4, 6)
    right = gradients(_information, logits, category)
    assert_close(subject.probe(gradients, logits, category), right, mistakes=[
        ({"argument 1": torch.zeros_like(logits)}, (
            "No gradient comes back to the logits, so neither Q nor G could learn: nothing may cut the graph, no item(), "
            "float() or detach(), no no_grad(), no clamp() and no torch.tensor() of the result.")),
        ({"argument 1": -right["argument 1"]}, "Its gradient leads down: the information is to grow where Q reads better.")])


@check("conditional.category_information", points=1, hint="log softmax in one, as F.cross_entropy does it: no log of a 0.")
def also_where_q_is_very_sure(subject: Subject, draw: Draw) -> None:
    _assert_information(subject, draw.normal(16, 3, std=300.0), draw.integers(0, 3, 16))


def _assert_information(subject: Subject, logits: Tensor, category: Tensor) -> None:
    mistakes = ((wrong(logits, category), hint) for wrong, hint in INFORMATION_MISTAKES)
    value = subject(logits, category)
    if logits.abs().max() > 100 and isinstance(value, float | Tensor) and not torch.as_tensor(value).isfinite().all():
        raise Wrong(hint="A probability of 0 has no logarithm: log softmax in one, as F.cross_entropy does it.")
    assert_close(value, _information(logits, category), mistakes=mistakes)


def _information(logits: Tensor, category: Tensor) -> Tensor:
    return math.log(logits.shape[1]) + logits.log_softmax(1)[torch.arange(len(category)), category].mean()


# A step of an InfoGAN

class Maker(nn.Module):
    """z (B, 5), the last two a code, to images (B, 1, 2, 2)."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.Linear(6, 4))

    def forward(self, z: Tensor) -> Tensor:
        return self.layers(z).unflatten(1, (1, 2, 2))


class Reader(nn.Module):
    """Images (B, 1, 2, 2) to logits (B,); `read` gives their codes (B, 2)."""

    def __init__(self):
        super().__init__()
        self.look, self.head, self.codes = nn.Linear(4, 6), nn.Linear(6, 1), nn.Linear(6, 2)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.look(images.flatten(1)).tanh())[:, 0]

    def read(self, images: Tensor) -> Tensor:
        return self.codes(self.look(images.flatten(1)).tanh())


def code_information(discriminator: Reader, images: Tensor, z: Tensor) -> Tensor:
    """What `images` keep of the two codes in z, by a reader with a Gaussian around its answer."""
    return 1 - (discriminator.read(images) - z[:, 3:]).square().sum(1).mean()


def after_information_steps(step: Callable, weights: list[Tensor], real: Tensor, z: Tensor, gamma: float, lr_g: float,
                            lr_d: float, moody: bool = False) -> dict:
    """Both networks after a step for each batch of `real` (S, B, 1, 2, 2) and `z` (S, B, 5), what was returned, and what G's
    gradients were at first and at D's last step."""
    generator, discriminator = Maker(), Reader()
    fill(nn.ModuleList([generator, discriminator]), weights)
    images = generator(z[0])  # gradients of an earlier life: they must not count
    (discriminator(images).sum() + discriminator.read(images).sum()).backward()
    optimizers = [torch.optim.SGD(n.parameters(), lr=lr) for n, lr in ((generator, lr_g), (discriminator, lr_d))]
    pulls = lambda: [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in generator.parameters()]
    held, values = [pulls()], []
    optimizers[1].register_step_post_hook(lambda *_: held.append(pulls()))
    for images, noise in zip(real, z, strict=True):
        values.append(step(Moody(generator) if moody else generator, discriminator, *optimizers, images, noise,
                           code_information, gamma=gamma))
        discriminator.requires_grad_(True)  # one that is left frozen has its own hint
    return {"D": [p.detach().clone() for p in discriminator.parameters()],
            "G": [p.detach().clone() for p in generator.parameters()], "values": values, "held": [held[0], held[-1]]}


def faulty_information_step(*faults: str) -> Callable:
    """The step with the named faults; none gives the reference."""
    def step(generator, discriminator, optimizer_g, optimizer_d, real, z, information, *, gamma=0.0):
        sign = -1 if "sign" in faults else 1
        fake = generator(z)
        shown = fake.detach()
        up, down = (shown, real) if "swapped" in faults else (real, shown)
        loss_d = F.softplus(-discriminator(up)).mean() + F.softplus(discriminator(down)).mean()
        read = information(discriminator, real if "of real" in faults else shown, z)
        if "reader unread" not in faults:
            loss_d = loss_d - sign * read
        if gamma and "no penalty" not in faults:
            loss_d = loss_d + gamma * _r1(discriminator, real)
        if "stale D" not in faults:
            optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        known = information(discriminator, shown if "cut" in faults else fake, z)
        logits = discriminator(fake)
        loss_g = (-F.softplus(logits).mean() if "saturating" in faults else F.softplus(-logits).mean()) - sign * known
        if "codes alone" in faults:
            loss_g = -known
        if "not readable" in faults:
            loss_g = F.softplus(-logits).mean()
        if "D's side" in faults:
            loss_g = F.softplus(logits).mean() - known
        if "stale G" not in faults:
            optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        if "first information" in faults:
            known = read
        return loss_d.detach(), loss_g.detach(), known.detach()
    return step


READ_FAULTS = {
    "reader unread": "The reader does not learn: D's loss lacks minus the information, or its graph is cut.",
    "sign": "The information is to grow: a loss has *minus* it.",
    "of real": "Nobody knows the codes of real images: the reader learns from fake ones.",
    "swapped": "The sides are swapped: D should say real, softplus(-s), to real images.",
    "stale D": "Gradients of earlier steps are added to D's: zero_grad() before backward().",
}
READABLE_FAULTS = {
    "cut": "The information does not reach G: in its turn it must be asked of `fake`, not of the detached images, and be part "
           "of G's loss.",
    "sign": "The information is to grow: a loss has *minus* it.",
    "D's side": "This is D's loss for fakes: G wants D to say real, softplus(-s).",
    "codes alone": "G is no longer asked to look real: its loss is softplus(-s) minus the information.",
    "saturating": "This is the saturating loss of G; asked for is softplus(-s).",
    "stale G": "Gradients of earlier steps are added to G's: zero_grad() before backward().",
}


def _draw_information(draw: Draw, count: int) -> tuple[list[Tensor], Tensor, Tensor]:
    shapes = [p.shape for network in (Maker(), Reader()) for p in network.parameters()]
    return [draw.normal(*s, std=0.4) for s in shapes], draw.normal(count, 8, 1, 2, 2), draw.normal(count, 8, 5)


def _assert_informed(subject: Subject, given: tuple, part: str, faults: dict[str, str]) -> None:
    mine, right = subject.probe(after_information_steps, *given), after_information_steps(faulty_information_step(), *given)
    mistakes = ((_flat(after_information_steps(faulty_information_step(f), *given)[part]), hint) for f, hint in faults.items())
    assert_close(_flat(mine[part]), _flat(right[part]), mistakes=mistakes)


@check("conditional.information_step", points=2, hint="D's turn: the losses of both sides, minus the information of `shown`.")
def the_reader_learns_to_read(subject: Subject, draw: Draw) -> None:
    _assert_informed(subject, (*_draw_information(draw, 2), 0.0, 0.0, 0.2), "D", READ_FAULTS)  # a G that stands still


@check("conditional.information_step", points=2, hint="G's turn: softplus(-s) of the fake images, minus their information.")
def the_generator_learns_to_be_readable(subject: Subject, draw: Draw) -> None:
    _assert_informed(subject, (*_draw_information(draw, 2), 0.0, 0.2, 0.0), "G", READABLE_FAULTS)  # a D that stands still


@check("conditional.information_step", points=2, hint="gamma times R1 is part of D's loss, and G faces the D that has learnt.")
def with_the_penalty_and_against_the_d_that_has_learnt(subject: Subject, draw: Draw) -> None:
    weights, real, z = _draw_information(draw, 1)
    plain, penalised = (_flat(after_information_steps(faulty_information_step(), weights, real, z, gamma, 0.2, 0.2)["D"])
                        for gamma in (0.0, 0.5))
    without, mine = (subject.probe(after_information_steps, weights, real, z, gamma, 0.2, 0.2) for gamma in (0.0, 0.5))
    added = _flat(mine["D"]) - _flat(without["D"])  # what R1 adds, whatever else is in D's loss
    assert_close(added, penalised - plain, mistakes=[
        (torch.zeros_like(added), "The penalty is missing: gamma * r1_penalty(discriminator, real).")])
    learnt = weights[:len(mine["G"])] + [torch.as_tensor(w) for w in mine["D"]]
    again = subject.probe(after_information_steps, learnt, real, z, 0.5, 0.2, 0.0)
    first = subject.probe(after_information_steps, weights, real, z, 0.5, 0.2, 0.0)
    assert_close(_flat(mine["G"]), _flat(again["G"]), mistakes=[
        (_flat(first["G"]), "G faces the D of before its step: ask D about `fake` after optimizer_d.step().")])


@check("conditional.information_step", points=1, hint="Return D's loss, G's loss and the information, detached.")
def returns_both_losses_and_the_information(subject: Subject, draw: Draw) -> None:
    given = (*_draw_information(draw, 1), 0.5, 0.2, 0.2)
    mine, right = subject.probe(after_information_steps, *given), after_information_steps(faulty_information_step(), *given)
    first = after_information_steps(faulty_information_step("first information"), *given)
    for fault in ("no penalty", *READ_FAULTS, *READABLE_FAULTS):  # what follows from a fault that has cost its points already
        other = after_information_steps(faulty_information_step(fault), *given)
        if all(is_close(_flat(mine[part]), _flat(other[part])) for part in "DG"):
            right = other
    turned = [[d, g, known] for g, d, known in right["values"]]
    _assert_losses(mine["values"], right["values"], [
        (first["values"], "The information as *G's* turn found it: you return that of D's turn."),
        (turned, "D's loss comes first.")])
    _assert_losses(subject.probe(after_information_steps, *given, True)["values"], mine["values"], other=AGAIN)
    before, then = map(_flat, mine["held"])
    if not is_close(then, before) and then.any():
        raise Wrong(hint="When D steps, G holds gradients that were not there before. D's turn sends none into G: detach the "
                         "fakes for both of its losses. And G learns after it.")


# Agreement

def _table(found: Tensor, labels: Tensor) -> Tensor:
    codes, kinds = int(found.max()) + 1, int(labels.max()) + 1
    return torch.bincount(found * kinds + labels, minlength=codes * kinds).view(codes, kinds).double() / len(found)


def _entropies(found: Tensor, labels: Tensor) -> tuple[float, float, float]:
    joint = _table(found, labels)
    codes, kinds, both = (-torch.xlogy(p, p).sum().item() for p in (joint.sum(1), joint.sum(0), joint))
    return codes, kinds, both


TEN = ("It is wrong as soon as there are more than ten codes or labels: different pairs must be counted apart, however many "
       "there are. Take their numbers from the data.")
AGREEMENT_MISTAKES: list[tuple[Callable, str]] = [
    (lambda f, y: (f == y).double().mean().item(), "The codes have no names: code 3 may mean digit 7. Use the table of both."),
    (lambda f, y: _table(f, y).amax(1).sum().item(), "This is the purity: it is 1 as soon as every sample has a code of its "
     "own. Use the mutual information."),
    (lambda f, y: _mutual(f, y), "Divide by the mean of the two entropies."),
    (lambda f, y: _mutual(f, y) / math.log(2), "Divide by the mean of the two entropies."),
    (lambda f, y: 2 * _mutual(f, y), "Divide by the mean of the two entropies."),
    (lambda f, y: _colliding(f, y, 10), TEN),
    (lambda f, y: _colliding(f, y, 12), TEN),
    (lambda f, y: 2 * _mutual(f % 10, y % 10) / sum(_entropies(f, y)[:2]), TEN),
    (lambda f, y: _nmi(f.clamp(max=9), y.clamp(max=9)), TEN),
    (lambda f, y: _nmi(*((10 * t / t.max()).long().clamp(max=9) for t in (f, y))), TEN),  # ten bins of equal width
    (lambda f, y: 1 - _mutual(f, y) / (sum(_entropies(f, y)[:2]) / 2), "1 less this: where codes say much of the labels it is "
     "large."),
    (lambda f, y: _mutual(f, y) / sum(_entropies(f, y)[:2]), "The *mean* of the two entropies is half their sum."),
    (lambda f, y: _mutual(f, y) / _entropies(f, y)[1], "Divide by the mean of both entropies, not by one of them."),
    (lambda f, y: _mutual(f, y) / _entropies(f, y)[0], "Divide by the mean of both entropies, not by one of them."),
    (lambda f, y: _mutual(f, y) / _entropies(f, y)[2], "Divide by the mean of the two entropies, not by the joint one."),
    (lambda f, y: _nmi(*(torch.unique(torch.stack([f, y]), dim=1))),
     "It is 0 here, where codes do follow labels. Does each pair count as often as it occurs? index_put_ needs "
     "accumulate=True."),
    (lambda f, y: _mutual(f, y) / math.prod(_entropies(f, y)[:2]) ** 0.5, "The arithmetic mean is asked for, not the "
     "geometric one."),
]


def _mutual(found: Tensor, labels: Tensor) -> float:
    codes, kinds, both = _entropies(found, labels)
    return codes + kinds - both


def _nmi(found: Tensor, labels: Tensor) -> float:
    return 2 * _mutual(found, labels) / sum(_entropies(found, labels)[:2])


def _colliding(found: Tensor, labels: Tensor, base: int) -> float:
    """With pairs named base * a + b."""
    names = base * found + labels
    codes, kinds, _ = _entropies(found, labels)
    return 2 * (codes + kinds - _entropies(names, names)[2]) / (codes + kinds)


def _assert_agreement(subject: Subject, found: Tensor, labels: Tensor) -> None:
    codes, kinds, _ = _entropies(found, labels)
    mistakes = () if 0 in (codes, kinds) else ((wrong(found, labels), hint) for wrong, hint in AGREEMENT_MISTAKES)
    right = 2 * _mutual(found, labels) / (codes + kinds) if codes + kinds else 0.0
    value = subject(found, labels)
    if isinstance(value, float | Tensor) and torch.as_tensor(value).isnan().any():
        raise Wrong(hint="The result is NaN: 0 log 0 is 0 here (some pairs never occur), and where nothing varies it is 0.")
    assert_close(value, right, mistakes=mistakes)


def _draw_codes(draw: Draw, codes: int = 14, kinds: int = 17) -> tuple[Tensor, Tensor]:
    """600 codes that mostly follow their labels, and each pair once, so that none is missing."""
    labels = draw.integers(0, kinds, 600)
    found = torch.where(draw.uniform(600) < 0.7, (2 * labels + 1) % codes, draw.integers(0, codes, 600))
    pairs = torch.cartesian_prod(torch.arange(codes), torch.arange(kinds))
    return torch.cat([found, pairs[:, 0]]), torch.cat([labels, pairs[:, 1]])


@check("conditional.agreement", points=2, hint="H(codes) + H(labels) - H(both), over the mean of the first two.")
def information_over_the_mean_entropy(subject: Subject, draw: Draw) -> None:
    _assert_agreement(subject, *_draw_codes(draw))
    _assert_agreement(subject, *reversed(_draw_codes(draw)))


@check("conditional.agreement", points=2, hint="0 log 0 is 0. Where nothing varies, there is nothing to agree on: 0.")
def also_where_much_is_empty(subject: Subject, draw: Draw) -> None:
    found, labels = _draw_codes(draw)
    found = torch.where(found < 3, 3 * labels, found)  # many pairs never occur
    _assert_agreement(subject, found, labels)
    _assert_agreement(subject, 2 * labels + 3, labels)  # a perfect match under other names
    _assert_agreement(subject, found, torch.zeros_like(found))
    _assert_agreement(subject, torch.zeros_like(found), torch.zeros_like(found))


written("conditional.what_control_promises", points=3, rubric="""
- 1 point: the conditional GAN: D sees image and label, so samples of a label come to be distributed like the data of that
  label; it needs labels.
- 1 point: the InfoGAN: the bound makes codes readable, and does not say what they mean; any cut of the data into equally
  probable parts (or renaming) has the same value. Labels are needed to find out what was found.
- 1 point: measuring: a classifier that took no part for obedience, *and* diversity within a label, because accuracy alone is
  blind to one picture for each label.
""")
