"""Answers to the exercises of chapter 6.

WRONG: exercise -> name of the mistake -> (answer, words of the hint that the student must be given).
RIGHT: exercise -> name -> answer, as different from the reference as an honest student's may be.
"""
import torch
import torch.nn.functional as F

from autograde.checks.evaluation import faulty_feature_step, faulty_features
from solutions import evaluation as reference

# Inception Score

def score(*, divergence=lambda p, q: torch.xlogy(p, p / q).sum(1), marginal=lambda p: p.mean(0, keepdim=True),
          end=lambda kl: kl.mean().exp()):
    """An Inception Score put together from named parts."""
    return lambda p: end(divergence(p, marginal(p)))


def score_by_entropies(probabilities):
    """Right: entropy of the mean, less the mean entropy."""
    entropy = lambda p: -torch.special.xlogy(p, p).sum(-1)
    return (entropy(probabilities.mean(0)) - entropy(probabilities).mean()).exp()


def score_by_loop(probabilities):
    """Right: sample by sample, class by class."""
    marginal, total = probabilities.mean(0), 0.0
    for row in probabilities:
        for p, q in zip(row, marginal, strict=True):
            if p > 0:
                total += (p * torch.log(p / q)).item()
    return 2.718281828459045 ** (total / len(probabilities))


# A step with several heads

def step_by_masks(network, optimizer, clips, labels):
    """Right: known rows picked by hand, gradients added head by head."""
    optimizer.zero_grad()
    features = network(clips)
    total = 0.0
    for name in labels:
        known = labels[name] != -1
        logits = network.heads[name](features[known])
        total = total - torch.log_softmax(logits, 1).gather(1, labels[name][known, None]).mean()
    total.backward()
    optimizer.step()
    return total.item()


def step_head_by_head(network, optimizer, clips, labels):
    """Right: a forward and a backward for each head; one step."""
    for parameter in network.parameters():
        parameter.grad = None
    losses = []
    for name, values in labels.items():
        loss = F.cross_entropy(network.heads[name](network(clips)), values, ignore_index=-1)
        loss.backward()
        losses.append(loss.detach())
    optimizer.step()
    return sum(losses)


def step_for_each_head(network, optimizer, clips, labels):
    total = 0.0
    for name, values in labels.items():
        loss = F.cross_entropy(network.heads[name](network(clips)), values, ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total = total + loss.detach()
    return total


def step_that_returns(what):
    """The reference step, its loss returned otherwise."""
    def step(network, optimizer, clips, labels):
        loss = reference.feature_step(network, optimizer, clips, labels)
        return {"none": None, "graph": loss.clone().requires_grad_()}[what]
    return step


def step_of_unknown(network, optimizer, clips, labels):
    features = network(clips)
    loss = sum(F.cross_entropy(network.heads[name](features), values) for name, values in labels.items())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


# Two Gaussians

def root_of(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T


def distance(*, cross, weight=2, means=lambda d: d @ d, end=lambda v: v):
    """A distance of Gaussians put together from named parts."""
    def variant(m1, s1, m2, s2):
        m1, s1, m2, s2 = (x.double() for x in (m1, s1, m2, s2))
        return end(means(m1 - m2) + torch.trace(s1 + s2) - weight * cross(s1, s2))
    return variant


def roots_of_eigenvalues(a, b):
    return torch.linalg.eigvals(a @ b).real.clamp(min=0).sqrt().sum()


def by_cholesky(a, b):
    factor = torch.linalg.cholesky(a)
    return torch.linalg.eigvalsh(factor.T @ b @ factor).clamp(min=0).sqrt().sum()


# Running moments

class Sums:
    """Right: sums of rows and of their products, in float64."""

    def __init__(self, width):
        self.count, self.total = 0, torch.zeros(width, dtype=torch.float64)
        self.products = torch.zeros(width, width, dtype=torch.float64)

    def update(self, features):
        features = features.double()
        self.count += features.shape[0]
        self.total += features.sum(0)
        self.products += features.T @ features

    @property
    def mean(self):
        return self.total / self.count

    def covariance(self):
        return (self.products - self.count * torch.outer(self.mean, self.mean)) / (self.count - 1)


class RowByRow(reference.RunningMoments):
    """Right: Welford's update, one row after the other."""

    def update(self, features):
        for row in features.double():
            self.count += 1
            before = row - self.mean
            self.mean = self.mean + before / self.count
            self.scatter = self.scatter + before[:, None] * (row - self.mean)[None]

    def covariance(self):
        return self.scatter / max(1, self.count - 1)


class SumsInSingle(reference.RunningMoments):
    """Wrong: sums of products in float32."""

    def __init__(self, width):
        self.count, self.total, self.products = 0, torch.zeros(width), torch.zeros(width, width)

    def update(self, features):
        self.count += len(features)
        self.total += features.sum(0)
        self.products += features.T @ features
        self.mean = self.total / self.count

    def covariance(self):
        return (self.products - self.count * torch.outer(self.mean, self.mean)) / (self.count - 1)


class Hoarder:
    """Wrong: keeps every row."""

    def __init__(self, width):
        self.rows = []

    def update(self, features):
        self.rows.append(features)
        every = torch.cat(self.rows).double()
        self.count, self.mean = len(every), every.mean(0)

    def covariance(self):
        return torch.cat(self.rows).double().T.cov()


def moments(*, between=True, share=True, ddof=1, centre=True, last=False, count=True, keep=True):
    """Running moments put together from named parts."""
    class Variant(reference.RunningMoments):
        def update(self, features):
            features = features.double()
            n, m = self.count, len(features)
            mean = features.mean(0)
            rest = features - mean if centre else features
            scatter = rest.T @ rest
            if between and centre:
                scatter = scatter + n * m / (n + m) * torch.outer(mean - self.mean, mean - self.mean)
            self.scatter = scatter if last else self.scatter + scatter
            part = m / (n + m) if share else 0.5
            self.mean = self.mean + part * (mean - self.mean) if keep else mean
            self.count = n + m if count else n + 1

        def covariance(self):
            return self.scatter / (self.count - ddof) if ddof is not None else self.scatter
    return Variant


# Kernel distance

def kernel(*, k=lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3, diagonal=False, pairs=lambda n: n * (n - 1), twice=2,
           end=lambda v: v, between=lambda k: k.mean()):
    """A kernel distance put together from named parts."""
    def variant(real, fake):
        real, fake = real.double(), fake.double()

        def within(x):
            values = k(x, x)
            if not diagonal:
                values = values * (1 - torch.eye(len(x), dtype=x.dtype))
            return values.sum() / pairs(len(x))
        return end(within(real) + within(fake) - twice * between(k(real, fake)))
    return variant


def kernel_by_triangles(real, fake):
    """Right: pairs above the diagonal."""
    k = lambda x, y: torch.pow(torch.einsum("if,jf->ij", x, y) / real.shape[1] + 1, 3)
    pairs = lambda x: k(x, x)[torch.triu_indices(len(x), len(x), 1).unbind()].mean()
    return pairs(real) + pairs(fake) - 2 * k(real, fake).mean()


def without_diagonal(k):
    return (k.sum() - k.trace()) / (k.numel() - min(k.shape))


# Precision and recall

def shares(*, nearest=reference.neighbour_distance, balls="own", some=lambda inside: inside.any(1), swap=False):
    """Precision and recall put together from named parts."""
    def variant(real, fake, k=3):
        def share(points, centres):
            between = reference.distances(points, centres)  # (P, C)
            radius = nearest(centres, k) if balls == "own" else nearest(points, k)[:, None]
            return some(between <= radius).double().mean().item()
        pair = share(fake, real), share(real, fake)
        return pair[::-1] if swap else pair
    return variant


def shares_by_loop(real, fake, k=3):
    """Right: one sample at a time, tensors returned."""
    def share(points, centres):
        radius = torch.stack([(centres - c).double().norm(dim=1).sort().values[k] for c in centres])
        return torch.stack([((centres - p).double().norm(dim=1) <= radius).any() for p in points]).float().mean()
    return share(fake, real), share(real, fake)


def with_itself(features, k):
    return reference.distances(features, features).kthvalue(k, dim=1).values


# A generator measured

def measure_in_two_lists(generator, network, count, rng, batch_size=64):
    """Right: all noise first, batch by batch, then clips, then features."""
    for net in (generator, network):
        net.train(False)
    sizes = [batch_size] * (count // batch_size) + ([count % batch_size] if count % batch_size else [])
    with torch.no_grad():
        noises = [torch.randn(size, generator.nz, generator=rng) for size in sizes]
        return torch.cat([network(generator(z)) for z in noises])


def measure_into_a_tensor(generator, network, count, rng, batch_size=64):
    """Right: a tensor that is filled; modes put back as they were."""
    modes = generator.training, network.training
    generator.eval(), network.eval()
    found, done = None, 0
    while done < count:
        size = min(batch_size, count - done)
        with torch.inference_mode():
            features = network(generator(torch.randn((size, generator.nz), generator=rng)))
        found = torch.empty(count, features.shape[1]) if found is None else found
        found[done:done + size] = features
        done += size
    generator.train(modes[0]), network.train(modes[1])
    return found


RIGHT = {
    "evaluation.inception_score": {"ratio": score(), "entropies": score_by_entropies, "loop": score_by_loop},
    "evaluation.feature_step": {"masks": step_by_masks, "head by head": step_head_by_head},
    "evaluation.gaussian_distance": {
        "symmetric": distance(cross=lambda a, b: torch.linalg.eigvalsh(root_of(a) @ b @ root_of(a)).clamp(min=0).sqrt().sum()),
        "singular values": distance(cross=lambda a, b: torch.linalg.svdvals(root_of(a) @ root_of(b)).sum(),
                                    means=lambda d: d.pow(2).sum()),
    },
    "evaluation.RunningMoments": {"sums": Sums, "row by row": RowByRow, "parts": moments()},
    "evaluation.kernel_distance": {"triangles": kernel_by_triangles, "eye": kernel()},
    "evaluation.precision_recall": {"shares": shares(), "loop": shares_by_loop},
    "evaluation.generated_features": {"two lists": measure_in_two_lists, "filled": measure_into_a_tensor},
}

WRONG = {
    "evaluation.inception_score": {
        "no exp": (score(end=lambda kl: kl.mean()), "exponential is missing"),
        "exp first": (score(end=lambda kl: kl.exp().mean()), "then the exponential"),
        "sum over samples": (score(end=lambda kl: kl.sum().exp()), "not the sum"),
        "mean over classes": (score(divergence=lambda p, q: torch.xlogy(p, p / q)), "*sum* over the classes"),
        "reversed": (score(divergence=lambda p, q: (q * (q / p).log()).sum(1)), "other way round"),
        "entropy of the marginal": (lambda p: torch.special.entr(p.mean(0)).sum().exp(), "sure of a sample"),
        "entropy of the samples": (lambda p: torch.special.entr(p).sum(1).mean().exp(), "no say in it"),
        "marginal of a row": (score(marginal=lambda p: p.mean(1, keepdim=True)), "dim=0"),
        "uniform": (score(marginal=lambda p: torch.full_like(p, 1 / p.shape[1])), "uniform"),
        "bits": (score(end=lambda kl: 2 ** kl.mean()), "base e"),
        "NaN at 0": (score(divergence=lambda p, q: (p * (p.log() - q.log())).sum(1)), "0 log 0"),
    },
    "evaluation.feature_step": {
        **{name: (faulty_feature_step(name), words) for name, words in {
            "stale": "earlier steps", "stands still": "did not move", "mean of heads": "do not average",
            "first head": "Only the first label", "last head": "Only the last label", "first class": "not class 0",
            "last class": "not the last class", "over all": "is *known*", "sum": "not the sum", "detached": "features do not",
        }.items()},
        "a step for each head": (step_for_each_head, "one step"),
        "unknown not left out": (step_of_unknown, "Target -1"),
        "returns nothing": (step_that_returns("none"), "returns None"),
        "with its graph": (step_that_returns("graph"), "detach it"),
    },
    "evaluation.gaussian_distance": {
        "root at the end": (distance(cross=roots_of_eigenvalues, end=torch.sqrt), "its square"),
        "no 2": (distance(cross=roots_of_eigenvalues, weight=1), "2 is missing"),
        "no cross term": (distance(cross=lambda a, b: 0), "cross term is missing"),
        "plus": (distance(cross=roots_of_eigenvalues, weight=-2), "Minus twice"),
        "length not squared": (distance(cross=roots_of_eigenvalues, means=torch.linalg.norm), "*squared* length"),
        "mean over features": (distance(cross=roots_of_eigenvalues, means=lambda d: (d ** 2).mean()), "no mean"),
        "no means": (distance(cross=roots_of_eigenvalues, means=lambda d: 0), "is missing"),
        "root of elements": (distance(cross=lambda a, b: (a @ b).sqrt().trace()), "root of each element"),
        "elements times elements": (distance(cross=lambda a, b: (a * b).sqrt().trace()), "root of each element"),
        "root of the trace": (distance(cross=lambda a, b: (a @ b).trace().sqrt()), "not the root of a trace"),
        "roots multiplied": (distance(cross=lambda a, b: (root_of(a) @ root_of(b)).trace()), "commute"),
        "eigvalsh": (distance(cross=lambda a, b: torch.linalg.eigvalsh(a @ b).clamp(min=0).sqrt().sum()), "is not"),
        "no root": (distance(cross=lambda a, b: torch.linalg.eigvals(a @ b).real.sum()), "root"),
        "complex": (distance(cross=lambda a, b: torch.linalg.eigvals(a @ b).sqrt().sum()), ".real"),
        "not clamped": (distance(cross=lambda a, b: torch.linalg.eigvals(a @ b).real.sqrt().sum()), "Clamp at 0"),
        "cholesky": (distance(cross=by_cholesky), "no Cholesky"),
    },
    "evaluation.RunningMoments": {
        "half of the way": (moments(share=False), "half of the way"),
        "mean of the last batch": (moments(keep=False), "last batch alone"),
        "within alone": (moments(between=False), "scatter between"),
        "divided by N": (moments(ddof=0), "count less one"),
        "not divided": (moments(ddof=None), "This is the scatter"),
        "about 0": (moments(centre=False), "about the mean"),
        "batches counted": (moments(count=False), "add len(features)"),
        "sums in float32": (SumsInSingle, "lose all digits"),
        "keeps the rows": (Hoarder, "keeps the features"),
    },
    "evaluation.kernel_distance": {
        "with the diagonal": (kernel(diagonal=True, pairs=lambda n: n * n), "pair with itself"),
        "diagonal over pairs": (kernel(diagonal=True), "yet count the diagonal"),
        "all pairs": (kernel(pairs=lambda n: n * n), "not n^2"),
        "each pair once": (kernel(pairs=lambda n: n * (n - 1) / 2), "twice"),
        "between without its diagonal": (kernel(between=without_diagonal), "no diagonal to leave out"),
        "once": (kernel(twice=1), "*twice*"),
        "not between": (kernel(twice=0), "is missing"),
        "not divided by F": (kernel(k=lambda x, y: (x @ y.T + 1) ** 3), "by their number F"),
        "no 1": (kernel(k=lambda x, y: (x @ y.T / x.shape[1]) ** 3), "1 is missing"),
        "square": (kernel(k=lambda x, y: (x @ y.T / x.shape[1] + 1) ** 2), "cubic"),
        "clamped": (kernel(end=lambda v: v.clamp(min=0)), "Do not clamp"),
        "absolute": (kernel(end=torch.abs), "Let it be negative"),
    },
    "evaluation.precision_recall": {
        "exchanged": (shares(swap=True), "exchanged"),
        "counts itself": (shares(nearest=with_itself), "row itself"),
        "in all balls": (shares(some=lambda inside: inside.all(1)), "not all"),
        "balls that hold something": (shares(some=lambda inside: inside.any(0)), "share of balls"),
        "pairs": (shares(some=lambda inside: inside), "share of all pairs"),
        "the other set's balls": (shares(balls="other"), "the other set"),
        "k of 3 always": (lambda real, fake, k=3: reference.precision_recall(real, fake), "Hand k on"),
    },
    "evaluation.generated_features": {
        "untouched": (faulty_features("mode", "one noise", "range"), "depends on the others"),
        "mode left": (faulty_features("mode"), "training mode"),
        "one noise left": (faulty_features("one noise"), "one batch over and over"),
        "range left": (faulty_features("range"), "gets [0, 1]"),
        "mode and noise": (faulty_features("mode", "one noise"), "mode, one noise"),
        "mode and range": (faulty_features("mode", "range"), "mode, range"),
        "noise and range": (faulty_features("one noise", "range"), "one noise, range"),
        "network in training": (faulty_features("network"), "evaluation mode, too"),
        "whole batches": (faulty_features("whole batches"), "no more"),
    },
}
