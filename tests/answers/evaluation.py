"""Answers to the exercises of chapter 6.

WRONG: exercise -> name of the mistake -> (answer, words of the hint that the student must be given).
RIGHT: exercise -> name -> answer, as different from the reference as an honest student's may be.
"""
import numpy as np
import torch
import torch.nn.functional as F

from autograde.checks.evaluation import faulty_feature_step, faulty_features
from solutions import evaluation as reference

# Inception Score

def score(*, divergence=lambda p, q: (torch.xlogy(p, p) - torch.xlogy(p, q)).sum(1), marginal=lambda p: p.mean(0, keepdim=True),
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


def score_by_distributions(probabilities):
    """Right: torch.distributions; a list of numbers."""
    marginal = torch.distributions.Categorical(probs=probabilities.mean(0))
    divergences = [torch.distributions.kl_divergence(torch.distributions.Categorical(probs=row), marginal).item()
                   for row in probabilities]
    return torch.tensor(divergences).mean().exp()


def score_of_what_occurs(probabilities):
    """Right: the logarithm of the ratio where there is a probability, and 0 elsewhere."""
    ratio = probabilities / probabilities.mean(0).clamp(min=1e-30)
    terms = torch.where(probabilities > 0, probabilities * ratio.clamp(min=1e-30).log(), torch.zeros(()))
    return torch.exp(terms.sum() / probabilities.shape[0])


def score_of_parts(probabilities):
    return torch.stack([score_by_entropies(part) for part in probabilities.chunk(10)]).mean()


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


def step_by_sums(network, optimizer, clips, labels):
    """Right: sums over the known clips, divided by their number; torch.autograd.grad."""
    features, loss = network(clips), torch.zeros(())
    for name, values in labels.items():
        every = F.cross_entropy(network.heads[name](features), values, ignore_index=-1, reduction="none")
        loss = loss + every.sum() / (values >= 0).sum()
    weights = list(network.parameters())
    for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        weight.grad = gradient
    optimizer.step()
    return loss.detach()


def step_in_training(network, optimizer, clips, labels):
    network.train()
    return reference.feature_step(network, optimizer, clips, labels)


def step_in_evaluation(network, optimizer, clips, labels):
    network.eval()
    return reference.feature_step(network, optimizer, clips, labels)


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


def distance_in_single(m1, s1, m2, s2):
    """Wrong: in float32."""
    m1, s1, m2, s2 = (x.float() for x in (m1, s1, m2, s2))
    root = torch.linalg.eigvals(s1 @ s2).real.clamp(min=0).sqrt().sum()
    return (m1 - m2).square().sum() + s1.trace() + s2.trace() - 2 * root


def distance_after_the_product(m1, s1, m2, s2):
    """Wrong: in float64 when the digits are gone."""
    root = torch.linalg.eigvals((s1 @ s2).double()).real.clamp(min=0).sqrt().sum()
    return (m1 - m2).double().square().sum() + (s1.trace() + s2.trace()).double() - 2 * root


def distance_in_place_of_doubles(m1, s1, m2, s2):
    shift = m1.double()
    shift -= m2
    return distance(cross=roots_of_eigenvalues)(shift, s1, torch.zeros_like(shift), s2)


def distance_in_place(m1, s1, m2, s2):
    m1 -= m2
    return distance(cross=roots_of_eigenvalues)(m1, s1, torch.zeros_like(m1), s2)


def roots_by_scipy(a, b):
    """Right: SciPy's root of a matrix."""
    from scipy.linalg import sqrtm
    return torch.as_tensor(sqrtm((root_of(a) @ b @ root_of(a)).numpy()).real.trace())


def by_cholesky(a, b):
    factor = torch.linalg.cholesky(a)
    return torch.linalg.eigvalsh(factor.T @ b @ factor).clamp(min=0).sqrt().sum()


# Running moments

class Sums:
    """Wrong: sums of rows and of their products, which lose their digits in float64, too."""

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

    @property
    def scatter(self):
        return self.products - self.count * torch.outer(self.mean, self.mean)

    def covariance(self):
        return self.scatter / (self.count - 1)


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


class NumpyMoments:
    """Right: NumPy, rows about the first row that came, so that a large mean costs no digits."""

    def __init__(self, width):
        self.count, self.first, self.total, self.products = 0, None, np.zeros(width), np.zeros((width, width))

    def update(self, features):
        rows = features.double().numpy()
        self.first = rows[0].copy() if self.first is None else self.first
        rest = rows - self.first
        self.count, self.total, self.products = self.count + len(rows), self.total + rest.sum(0), self.products + rest.T @ rest
        self.mean = torch.from_numpy(self.first + self.total / self.count)

    @property
    def scatter(self):
        return torch.from_numpy(self.products - np.outer(self.total, self.total) / self.count)

    def covariance(self):
        return self.scatter / (self.count - 1)


class NoScatter(NumpyMoments):
    """Wrong: what is left is not to be had by its name."""

    scatter = None

    def covariance(self):
        return NumpyMoments.scatter.fget(self) / (self.count - 1)


class ScatterDivided(RowByRow):
    """Wrong: covariance() divides what is kept."""

    def covariance(self):
        self.scatter /= self.count - 1
        return self.scatter


class ScatterOfCovariance(NumpyMoments):
    """Wrong: the covariance under the name of the scatter."""

    @property
    def scatter(self):
        return self.covariance()

    def covariance(self):
        return NumpyMoments.scatter.fget(self) / (self.count - 1)


class SharedMoments(reference.RunningMoments):
    """Wrong: all objects count together."""

    together = reference.RunningMoments(3)

    def __init__(self, width):
        pass

    def update(self, features):
        self.together.update(features)

    def covariance(self):
        return self.together.covariance()

    count = property(lambda self: self.together.count)
    mean = property(lambda self: self.together.mean)
    scatter = property(lambda self: self.together.scatter)


class NumpyHoarder:
    """Wrong: keeps every row, as an array."""

    def __init__(self, width):
        self.rows = np.zeros((0, width))

    def update(self, features):
        self.rows = np.concatenate([self.rows, features.double().numpy()])
        self.count, self.mean = len(self.rows), torch.from_numpy(self.rows.mean(0))

    def covariance(self):
        return torch.from_numpy(self.rows).T.cov()


class ListHoarder(NumpyHoarder):
    """Wrong: keeps every row, as numbers."""

    def __init__(self, width):
        self.kept = {"rows": []}

    def update(self, features):
        self.kept["rows"] += features.tolist()
        rows = torch.tensor(self.kept["rows"], dtype=torch.float64)
        self.count, self.mean = len(rows), rows.mean(0)

    def covariance(self):
        return torch.tensor(self.kept["rows"], dtype=torch.float64).T.cov()


class CovarianceOfEach(reference.RunningMoments):
    """Wrong: a scatter from cov(), which is NaN for one row."""

    def update(self, features):
        rows, m = features.double(), len(features)
        shift = rows.mean(0) - self.mean
        self.scatter = self.scatter + rows.T.cov() * (m - 1) + self.count * m / (self.count + m) * torch.outer(shift, shift)
        self.mean = self.mean + m / (self.count + m) * shift
        self.count += m


class InPlaceMoments(reference.RunningMoments):
    def update(self, features):
        n, m, mean = self.count, len(features), features.double().mean(0)
        shift = mean - self.mean
        features -= features.mean(0)
        self.scatter = self.scatter + features.double().T @ features.double() + n * m / (n + m) * torch.outer(shift, shift)
        self.mean = self.mean + m / (n + m) * shift
        self.count = n + m


def moments_between(added, rest=lambda rows, own, old, new: rows - own):
    """Running moments with something else for what is added between the batches."""
    class Variant(reference.RunningMoments):
        def update(self, features):
            rows, n, m = features.double(), self.count, len(features)
            old = self.mean
            self.mean = old + m / (n + m) * (rows.mean(0) - old)
            left = rest(rows, rows.mean(0), old, self.mean)
            self.scatter = self.scatter + left.T @ left + added(rows.mean(0) - old, rows.mean(0) - self.mean, n, m)
            self.count = n + m
    return Variant


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
           end=lambda v: v, between=lambda k: k.mean(), check=reference._checked):
    """A kernel distance put together from named parts."""
    def variant(real, fake):
        real, fake = check(real, fake)

        def within(x):
            values = k(x, x)
            if not diagonal:
                values = values * (1 - torch.eye(len(x), dtype=x.dtype))
            return values.sum() / pairs(len(x))
        return end(within(real) + within(fake) - twice * between(k(real, fake)))
    return variant


def kernel_by_triangles(real, fake):
    """Right: pairs above the diagonal."""
    reference._checked(real, fake)
    real, fake = real.double(), fake.double()
    k = lambda x, y: torch.pow(torch.einsum("if,jf->ij", x, y) / real.shape[1] + 1, 3)
    pairs = lambda x: k(x, x)[torch.triu_indices(len(x), len(x), 1).unbind()].mean()
    return pairs(real) + pairs(fake) - 2 * k(real, fake).mean()


def kernel_by_masks(real, fake):
    """Right: one matrix of all samples, and weights that choose pairs."""
    if real.shape[1] != fake.shape[1] or len(real) < 2 or len(fake) < 2:
        raise ValueError("no two sets of one network")
    x = torch.cat([real, fake]).to(torch.float64)
    n, m = len(real), len(fake)
    k = (1 + torch.mm(x, x.mT) / x.size(1)).pow(3)
    sign = torch.cat([torch.full((n,), 1 / n, dtype=torch.float64), torch.full((m,), -1 / m, dtype=torch.float64)])
    weights = torch.outer(sign, sign)
    weights[:n, :n] = 1 / (n * (n - 1))
    weights[n:, n:] = 1 / (m * (m - 1))
    return (weights.fill_diagonal_(0) * k).sum()


def kernel_in_single(real, fake):
    k = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3
    within = lambda x: (k(x, x).sum() - k(x, x).trace()) / (len(x) * (len(x) - 1))
    return within(real) + within(fake) - 2 * k(real, fake).mean()


def kernel_with_one_count(real, fake):
    real, fake = real.double(), fake.double()
    n, k = len(real), lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3
    within = lambda x: (k(x, x).sum() - k(x, x).trace()) / (n * (n - 1))
    return within(real) + within(fake) - 2 * k(real, fake).mean()


def kernel_of_distinct(real, fake):
    """Wrong: equal samples are left out."""
    real, fake = reference._checked(real, fake)
    k = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3
    within = lambda x: k(x, x)[torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist") > 0].mean()
    return within(real) + within(fake) - 2 * k(real, fake).mean()


def without_diagonal_of_a_square(k):
    return without_diagonal(k) if k.shape[0] == k.shape[1] else k.mean()


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


def shares_with(radius, *, border=torch.le, between=reference.distances):
    """Precision and recall with other radii, or another border."""
    def variant(real, fake, k=3):
        def share(points, centres):
            return border(between(points, centres), radius(points, centres, k)).any(1).double().mean().item()
        return share(fake, real), share(real, fake)
    return variant


def own_radius(points, centres, k):
    return reference.neighbour_distance(centres, k)


def pooled_radius(points, centres, k):
    return reference.neighbour_distance(torch.cat([centres, points]), k)[:len(centres)]


def shares_in_real_balls(real, fake, k=3):
    inside = reference.distances(real, fake) <= reference.neighbour_distance(real, k)[:, None]
    return inside.any(0).double().mean().item(), inside.any(1).double().mean().item()


def shares_of_the_nearest(real, fake, k=3):
    def share(points, centres):
        gap, nearest = reference.distances(points, centres).min(1)
        return (gap <= reference.neighbour_distance(centres, k)[nearest]).double().mean().item()
    return share(fake, real), share(real, fake)


def shares_by_topk(real, fake, k=3):
    """Right: topk of the own distances, and the smallest of distance less radius."""
    def share(points, centres):
        own = reference.distances(centres, centres).topk(k + 1, largest=False).values[:, -1]
        return float(((reference.distances(points, centres) - own).amin(dim=1) <= 0).double().mean())
    return share(fake, real), share(real, fake)


def shares_by_loop(real, fake, k=3):
    """Right: one sample at a time, tensors returned."""
    def share(points, centres):
        radius = torch.stack([(centres - c).double().norm(dim=1).sort().values[k] for c in centres])
        return torch.stack([((centres - p).double().norm(dim=1) <= radius).any() for p in points]).float().mean()
    return share(fake, real), share(real, fake)


def open_for_recall(real, fake, k=3):
    precision = shares()(real, fake, k)[0]
    return precision, shares_with(own_radius, border=torch.lt)(real, fake, k)[1]


def shares_of_five(real, fake, k=5):
    return reference.precision_recall(real, fake, k)


def without_equals(features, k):
    between = reference.distances(features, features)
    return between.masked_fill(between == 0, torch.inf).kthvalue(k, dim=1).values


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


def measure_by_split(generator, network, count, rng, batch_size=64):
    """Right: a generator of batches, requires_grad left alone."""
    def batches(left):
        while left > 0:
            yield torch.empty(min(batch_size, left), generator.nz).normal_(generator=rng)
            left -= batch_size
    generator.eval()
    network.eval()
    return torch.cat([network(generator(z)).detach() for z in batches(count)])


def measure_with_torchs_own_noise(generator, network, count, rng, batch_size=64):
    return faulty_features()(generator, network, count, torch.Generator().manual_seed(3), batch_size)


def measure_with_a_fresh_generator(generator, network, count, rng, batch_size=64):
    rng = torch.Generator().manual_seed(rng.initial_seed())
    return faulty_features()(generator, network, count, rng, batch_size)


def measure_without_batch_norm(generator, network, count, rng, batch_size=64):
    """Wrong: only batch norm is put into evaluation mode."""
    network.eval()
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.eval()
    sizes = [min(batch_size, count - start) for start in range(0, count, batch_size)]
    with torch.no_grad():
        return torch.cat([network(generator(torch.randn(size, generator.nz, generator=rng))) for size in sizes])


def measure_frozen(generator, network, count, rng, batch_size=64):
    generator.requires_grad_(False)
    return faulty_features()(generator, network, count, rng, batch_size)


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


def kernel_of_some(real, fake, size=50):
    """Wrong: the mean over subsets drawn at random, where there are many samples."""
    if min(len(real), len(fake)) <= size:
        return reference.kernel_distance(real, fake)
    rng = torch.Generator().manual_seed(0)
    parts = [reference.kernel_distance(*(some[torch.randperm(len(some), generator=rng)[:size]] for some in (real, fake)))
             for _ in range(10)]
    return torch.stack(parts).mean()


def score_of_splits(probabilities):
    """Wrong: the mean over ten splits, where there are enough rows."""
    parts = probabilities.chunk(10) if len(probabilities) >= 100 else [probabilities]
    return torch.stack([reference.inception_score(part) for part in parts]).mean()


def kernel_in_place(real, fake):
    """Wrong: features in float64 are those of the caller, and are written over."""
    x, y = real.double(), fake.double()
    for features in (x, y):
        features /= features.shape[1] ** 0.5
    return reference.kernel_distance(x * x.shape[1] ** 0.5, y * y.shape[1] ** 0.5)


def shares_without_partners(real, fake, k=3):
    """Wrong: no sample counts for the one in its own place."""
    between = reference.distances(real, fake)
    if len(real) == len(fake):
        between.fill_diagonal_(float("inf"))
    return ((between <= reference.neighbour_distance(real, k)[:, None]).any(0).float().mean().item(),
            (between <= reference.neighbour_distance(fake, k)).any(1).float().mean().item())


RIGHT = {
    "evaluation.inception_score": {"entropies": score_by_entropies, "loop": score_by_loop,
                                   "distributions": score_by_distributions, "what occurs": score_of_what_occurs},
    "evaluation.feature_step": {"masks": step_by_masks, "head by head": step_head_by_head, "sums": step_by_sums},
    "evaluation.gaussian_distance": {
        "symmetric": distance(cross=lambda a, b: torch.linalg.eigvalsh(root_of(a) @ b @ root_of(a)).clamp(min=0).sqrt().sum()),
        "singular values": distance(cross=lambda a, b: torch.linalg.svdvals(root_of(a) @ root_of(b)).sum(),
                                    means=lambda d: d.pow(2).sum()),
        "scipy": distance(cross=roots_by_scipy),
    },
    "evaluation.RunningMoments": {"row by row": RowByRow, "parts": moments(), "numpy": NumpyMoments},
    "evaluation.kernel_distance": {"triangles": kernel_by_triangles, "eye": kernel(), "masks": kernel_by_masks},
    "evaluation.precision_recall": {"shares": shares(), "loop": shares_by_loop, "topk": shares_by_topk},
    "evaluation.generated_features": {"two lists": measure_in_two_lists, "filled": measure_into_a_tensor,
                                      "split": measure_by_split},
}

WRONG = {
    "evaluation.inception_score": {
        "ten splits": (score_of_splits, "no splits"),
        "no exp": (score(end=lambda kl: kl.mean()), "exponential is missing"),
        "exp first": (score(end=lambda kl: kl.exp().mean()), "then the exponential"),
        "sum over samples": (score(end=lambda kl: kl.sum().exp()), "not the sum"),
        "mean over classes": (score(divergence=lambda p, q: torch.xlogy(p, p) - torch.xlogy(p, q)), "*sum* over the classes"),
        "reversed": (score(divergence=lambda p, q: (q * (q / p).log()).sum(1)), "other way round"),
        "entropy of the marginal": (lambda p: torch.special.entr(p.mean(0)).sum().exp(), "sure of a sample"),
        "entropy of the samples": (lambda p: torch.special.entr(p).sum(1).mean().exp(), "no say in it"),
        "marginal of a row": (score(marginal=lambda p: p.mean(1, keepdim=True)), "dim=0"),
        "uniform": (score(marginal=lambda p: torch.full_like(p, 1 / p.shape[1])), "uniform"),
        "bits": (score(end=lambda kl: 2 ** kl.mean()), "base e"),
        "ratio": (score(divergence=lambda p, q: torch.xlogy(p, p / q).sum(1)), "*every* row"),
        "likeliest": (lambda p: score_by_entropies(F.one_hot(p.argmax(1), p.shape[1]).float()), "likeliest class alone"),
        "softmax": (lambda p: score_by_entropies(p.softmax(1)), "no softmax"),
        "sign": (score(end=lambda kl: (-kl.mean()).exp()), "at least 1"),
        "parts": (score_of_parts, "one score of all"),
        "NaN at 0": (score(divergence=lambda p, q: (p * (p.log() - q.log())).sum(1)), "0 log 0"),
    },
    "evaluation.feature_step": {
        **{name: (faulty_feature_step(name), words) for name, words in {
            "stale": "earlier steps", "stands still": "did not move", "mean of heads": "do not average",
            "first head": "Only the first label", "last head": "Only the last label", "first class": "not class 0",
            "first rows": "stand anywhere", "cleared": "no zero_grad() between", "after": "loss after the step",
            "returns the last": "return the sum", "last class": "not the last class", "over all": "is *known*",
            "sum": "not the sum", "above 0": "class 0 is known", "known by all": "leave it out of all",
            "by order": "by their order", "one mean": "a mean of its own",
            "detached": "features do not",
        }.items()},
        "a step for each head": (step_for_each_head, "a step for each head"),
        "in training mode": (step_in_training, "another mode"),
        "in evaluation mode": (step_in_evaluation, "another mode"),
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
        "float64 too late": (distance_after_the_product, "before anything is multiplied"),
        "singular values": (distance(cross=lambda a, b: torch.linalg.svdvals(a @ b).sqrt().sum()), "take its eigenvalues"),
        "eigenvalues apart": (distance(cross=lambda *ab: torch.linalg.eigvalsh(torch.stack(ab)).abs().prod(0).sqrt().sum()),
                              "turned alike"),
        "in place, of doubles": (distance_in_place_of_doubles, "in place"),
        "float32": (distance_in_single, "begin with .double()"),
        "in place": (distance_in_place, "in place"),
    },
    "evaluation.RunningMoments": {
        "half of the way": (moments(share=False), "half of the way"),
        "mean of the last batch": (moments(keep=False), "last batch alone"),
        "within alone": (moments(between=False), "scatter between"),
        "divided by N": (moments(ddof=0), "count less one"),
        "not divided": (moments(ddof=None), "This is the scatter"),
        "about 0": (moments(centre=False), "about the mean"),
        "batches counted": (moments(count=False), "add len(features)"),
        "sums": (Sums, "in float64, too"),
        "no scatter": (NoScatter, "has no `scatter`"),
        "scatter divided": (ScatterDivided, "Asked twice"),
        "covariance for scatter": (ScatterOfCovariance, "before covariance() divides"),
        "all together": (SharedMoments, "rows of an older one"),
        "sums in float32": (SumsInSingle, "lose all digits"),
        "keeps the rows": (Hoarder, "the features themselves"),
        "keeps an array": (NumpyHoarder, "the features themselves"),
        "keeps numbers": (ListHoarder, "the features themselves"),
        "cov of each batch": (CovarianceOfEach, "batch of one row"),
        "in place": (InPlaceMoments, "in place"),
        "shift too late": (moments_between(lambda a, b, n, m: n * m / (n + m) * torch.outer(b, b)), "after the mean has moved"),
        "elements": (moments_between(lambda a, b, n, m: n * m / (n + m) * a * a), "outer product"),
        "unweighted": (moments_between(lambda a, b, n, m: torch.outer(a, a)), "has the weight"),
        "weighed by n": (moments_between(lambda a, b, n, m: n * torch.outer(a, a)), "has the weight"),
        "about the old mean": (moments_between(lambda a, b, n, m: 0, lambda x, own, old, new: x - old), "mean of *before*"),
    },
    "evaluation.kernel_distance": {
        "in place": (kernel_in_place, "in place"),
        "some pairs": (kernel_of_some, "Is it this"),
        "with the diagonal": (kernel(diagonal=True, pairs=lambda n: n * n), "pair with itself"),
        "diagonal over pairs": (kernel(diagonal=True), "yet count the diagonal"),
        "all pairs": (kernel(pairs=lambda n: n * n), "not n^2"),
        "each pair once": (kernel(pairs=lambda n: n * (n - 1) / 2), "twice"),
        "between without its diagonal": (kernel(between=without_diagonal), "no diagonal to leave out"),
        "diagonal of a square": (kernel(between=without_diagonal_of_a_square), "no diagonal to leave out"),
        "distinct": (kernel_of_distinct, "Two equal samples"),
        "takes anything": (kernel(check=lambda real, fake: (real.double(), fake.double())), "features of different widths"),
        "once": (kernel(twice=1), "*twice*"),
        "not between": (kernel(twice=0), "is missing"),
        "not divided by F": (kernel(k=lambda x, y: (x @ y.T + 1) ** 3), "by their number F"),
        "no 1": (kernel(k=lambda x, y: (x @ y.T / x.shape[1]) ** 3), "1 is missing"),
        "square": (kernel(k=lambda x, y: (x @ y.T / x.shape[1] + 1) ** 2), "cubic"),
        "by the number of rows": (kernel(k=lambda x, y: (x @ y.T / len(x) + 1) ** 3), "number of features"),
        "cross over n squared": (kernel(between=lambda k: k.sum() / len(k) ** 2), "n m pairs"),
        "one count of pairs": (kernel_with_one_count, "its own number of pairs"),
        "float32": (kernel_in_single, "begin with .double()"),
        "clamped": (kernel(end=lambda v: v.clamp(min=0)), "Do not clamp"),
        "absolute": (kernel(end=torch.abs), "Let it be negative"),
    },
    "evaluation.precision_recall": {
        "not its partner": (shares_without_partners, "in the same place"),
        "exchanged": (shares(swap=True), "exchanged"),
        "counts itself": (shares(nearest=with_itself), "row itself"),
        "in all balls": (shares(some=lambda inside: inside.all(1)), "not all"),
        "balls that hold something": (shares(some=lambda inside: inside.any(0)), "share of balls"),
        "pairs": (shares(some=lambda inside: inside), "share of all pairs"),
        "the other set's balls": (shares(balls="other"), "the other set"),
        "real balls for both": (shares_in_real_balls, "the other set"),
        "open balls": (shares_with(own_radius, border=torch.lt), "<=, not <"),
        "open for recall": (open_for_recall, "<=, not <"),
        "equals left out": (shares(nearest=without_equals), "Two equal samples are neighbours"),
        "cdist": (shares_with(own_radius, between=torch.cdist), "miss it by rounding"),
        "k of 5": (shares_of_five, "signature says k = 3"),
        "nearest ball": (shares_of_the_nearest, "nearest ball alone"),
        "largest radius": (shares_with(lambda p, c, k: own_radius(p, c, k).max()), "not the largest"),
        "mean radius": (shares_with(lambda p, c, k: own_radius(p, c, k).mean()), "not the mean"),
        "pooled radius": (shares_with(pooled_radius), "its *own* set"),
        "squared distances": (shares_with(own_radius, between=lambda x, y: reference.distances(x, y).square()), "squared"),
        "one more": (shares_with(lambda p, c, k: own_radius(p, c, k + 1)), "leaves the row itself out"),
        "k of 3 always": (lambda real, fake, k=3: reference.precision_recall(real, fake), "Hand k on"),
    },
    "evaluation.generated_features": {
        "untouched": (faulty_features("mode", "one noise", "range"), "depends on the others"),
        "mode left": (faulty_features("mode"), "training mode"),
        "one noise left": (faulty_features("one noise"), "one batch over and over"),
        "range left": (faulty_features("range"), "gets [0, 1]"),
        "mode and noise": (faulty_features("mode", "one noise"), "over and over"),
        "mode and range": (faulty_features("mode", "range"), "gets [0, 1]"),
        "noise and range": (faulty_features("one noise", "range"), "gets [0, 1]"),
        "seeded before the loop": (faulty_features("seeded once"), "whoever calls it"),
        "seeded by the start": (faulty_features("seeded anew"), "whoever calls it"),
        "all noise at once": (faulty_features("at once"), "batch by batch, in the loop"),
        "uniform noise": (faulty_features("uniform"), "not torch.rand"),
        "outward": (faulty_features("outward"), "[-1, 1] already"),
        "cut off": (faulty_features("cut"), "cut off what is below 0"),
        "another generator": (measure_with_torchs_own_noise, "Nothing is drawn from `rng`"),
        "fresh generator": (measure_with_a_fresh_generator, "Nothing is drawn from `rng`"),
        "batch norm alone": (measure_without_batch_norm, "such as dropout"),
        "freezes G": (measure_frozen, "requires_grad_(True) again"),
        "network in training": (faulty_features("network"), "evaluation mode, too"),
        "whole batches": (faulty_features("whole batches"), "no more"),
    },
}
