"""The answers of chapter 6 against closed forms, SciPy, scikit-learn and torchmetrics; what each score sees and misses."""
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.linalg import sqrtm
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors
from torch import nn

from clipkit import Walkers
from solutions.evaluation import (
    RunningMoments,
    density_coverage,
    feature_step,
    features_of,
    frechet_clip_distance,
    frechet_distance,
    gaussian_distance,
    generated_features,
    inception_score,
    kernel_distance,
    neighbour_distance,
    precision_recall,
)
from solutions.measures.clip_features import load_features

N = 256


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def sets(n=300, m=200, width=6):
    mix = torch.randn(width, width)
    return torch.randn(n, width), torch.randn(m, width) @ mix * 0.5 + 0.3


def test_the_inception_score_of_sure_balanced_and_unsure_classifiers():
    assert inception_score(torch.eye(7)).item() == pytest.approx(7)
    assert inception_score(torch.full((5, 7), 1 / 7)).item() == pytest.approx(1)
    assert inception_score(torch.eye(7)[[3, 3, 3]]).item() == pytest.approx(1)
    halves = torch.eye(4)[[0, 0, 1, 2]]
    assert inception_score(halves).item() == pytest.approx(math.exp(1.5 * math.log(2)))  # entropy of 1/2, 1/4, 1/4


@pytest.mark.filterwarnings("ignore::UserWarning:torchmetrics")
def test_the_inception_score_is_torchmetrics():
    from torchmetrics.image.inception import InceptionScore

    logits = 3 * torch.randn(60, 9)
    theirs = InceptionScore(feature=nn.Identity(), splits=1)
    theirs.update(logits)
    assert inception_score(logits.softmax(dim=1)).item() == pytest.approx(theirs.compute()[0].item(), abs=1e-4)


def test_the_frechet_distance_of_known_gaussians():
    """Along each axis (m1 - m2)^2 + (s1 - s2)^2, where covariances are diagonal."""
    z = torch.randn(500, 4, dtype=torch.float64)
    z = z - z.mean(dim=0)
    z = z @ torch.linalg.inv(torch.linalg.cholesky(z.T.cov())).T  # mean 0, covariance exactly 1
    s1, s2 = torch.tensor([1.0, 2, 3, 0.5]), torch.tensor([2.0, 2, 0.1, 0])
    value = frechet_distance(z * s1 + 1, z * s2 - 1)
    assert value.item() == pytest.approx(4 * 4 + (s1 - s2).square().sum().item(), abs=1e-5)
    assert frechet_distance(z, z + 3).item() == pytest.approx(36, abs=1e-6)
    assert frechet_distance(z, z).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("counts", [(2, 2), (50, 80), (7, 300)])
def test_of_one_feature_it_is_the_difference_of_means_and_spreads(counts):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(3, 2, (counts[0], 1)), rng.normal(-1, 0.5, (counts[1], 1))
    wanted = (real.mean() - fake.mean()) ** 2 + (real.std(ddof=1) - fake.std(ddof=1)) ** 2
    value = frechet_distance(torch.from_numpy(real), torch.from_numpy(fake))
    assert value.ndim == 0 and value.item() == pytest.approx(wanted, rel=1e-9)
    apart = np.hstack([real, np.zeros_like(real)]), np.hstack([fake, np.zeros_like(fake)])  # a second that says nothing
    assert frechet_distance(*map(torch.from_numpy, apart)).item() == pytest.approx(wanted, rel=1e-9)


def test_the_frechet_distance_is_scipys_root_and_symmetric_and_does_not_turn():
    real, fake = sets()
    a, b = real.double().numpy(), fake.double().numpy()
    ca, cb = np.cov(a.T), np.cov(b.T)
    wanted = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * sqrtm(ca @ cb).real)
    assert frechet_distance(real, fake).item() == pytest.approx(wanted, rel=1e-9)
    assert frechet_distance(fake, real).item() == pytest.approx(wanted, rel=1e-9)
    turn = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))[0]
    assert frechet_distance(real.double() @ turn, fake.double() @ turn).item() == pytest.approx(wanted, rel=1e-6)


def test_the_distance_of_gaussians_is_the_least_cost_of_pairing_them():
    """The pairing by the best linear map has just this cost; another one costs more."""
    a, b = (torch.randn(4, 9, dtype=torch.float64) for _ in range(2))
    cov1, cov2, mean = a @ a.T, b @ b.T, torch.randn(4, dtype=torch.float64)
    root = torch.tensor(sqrtm(cov1.numpy()).real)
    inner = torch.tensor(sqrtm((root @ cov2 @ root).numpy()).real)
    best = torch.linalg.inv(root) @ inner @ torch.linalg.inv(root)  # y = best x has covariance cov2
    torch.testing.assert_close(best @ cov1 @ best, cov2)
    cost = mean @ mean + cov1.trace() + cov2.trace() - 2 * (best @ cov1).trace()
    assert gaussian_distance(mean, cov1, torch.zeros(4), cov2).item() == pytest.approx(cost.item())
    turn = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))[0]
    other = root @ turn @ torch.tensor(sqrtm(cov2.numpy()).real)  # the covariance of another pairing
    assert other.trace() < (best @ cov1).trace()


def test_running_moments_are_those_of_all_rows_also_far_from_0():
    rows = torch.randn(500, 6) @ torch.randn(6, 6) + 1e4
    moments = RunningMoments(6)
    for batch in rows.split([1, 200, 7, 292]):
        moments.update(batch)
    assert moments.count == 500
    torch.testing.assert_close(moments.mean, rows.double().mean(0))
    torch.testing.assert_close(moments.covariance(), rows.double().T.cov())


def test_a_feature_step_leaves_unknown_labels_out():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.heads = nn.Linear(4, 3), nn.ModuleDict({"a": nn.Linear(3, 2), "b": nn.Linear(3, 5)})

        def forward(self, clips):
            return self.body(clips)

    def after(clips, labels, seed=0):
        torch.manual_seed(seed)
        network = Network()
        loss = feature_step(network, torch.optim.SGD(network.parameters(), lr=0.1), clips, labels)
        return loss, [p.detach() for p in network.parameters()]

    clips = torch.randn(6, 4)
    a, b = torch.tensor([0, 1, 1, -1, -1, -1]), torch.tensor([0, 1, 2, 3, 4, 0])
    loss, weights = after(clips, {"a": a, "b": b})
    assert not loss.requires_grad
    changed = a.clone()
    changed[:3] = 1 - a[:3]
    assert after(clips, {"a": changed, "b": b})[0] != loss
    alone = after(clips, {"b": b})[0] + after(clips[:3], {"a": a[:3]})[0]
    torch.testing.assert_close(loss, alone)


def test_generated_features_do_not_depend_on_the_batch_and_leave_the_generator_alone():
    generator = nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Tanh())
    generator.nz = 5
    whole = generated_features(generator.train(), nn.Identity(), 12, torch.Generator().manual_seed(0), batch_size=12)
    assert (generator[1].running_mean == 0).all() and whole.unique(dim=0).shape == (12, 8)
    z = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(whole, generator.eval()(z).detach())
    parts = generated_features(generator, nn.Identity(), 12, torch.Generator().manual_seed(0), batch_size=5)
    assert parts.shape == (12, 8) and parts.unique(dim=0).shape == (12, 8)


def test_the_frechet_distance_of_fewer_samples_than_features_is_finite():
    value = frechet_distance(torch.randn(8, 32), torch.randn(8, 32))
    assert value.isfinite() and value > 0


def test_the_kernel_distance_is_the_double_sum():
    real, fake = (x[:12].double().numpy() for x in sets())
    k = lambda x, y: polynomial_kernel(x, y, degree=3, gamma=1 / 6, coef0=1)
    pairs = lambda m: sum(m[i, j] for i in range(12) for j in range(12) if i != j) / (12 * 11)
    wanted = pairs(k(real, real)) + pairs(k(fake, fake)) - 2 * k(real, fake).mean()
    assert kernel_distance(torch.tensor(real), torch.tensor(fake)).item() == pytest.approx(wanted, rel=1e-9)


def test_the_kernel_distance_has_no_bias():
    values = torch.stack([kernel_distance(*torch.randn(2, 20, 4)) for _ in range(400)])
    assert abs(values.mean()) < 4 * values.std() / 20
    assert values.min() < 0 < values.max()
    biased = torch.stack([frechet_distance(*torch.randn(2, 20, 4)) for _ in range(50)])
    assert biased.min() > 0


def test_bad_features_are_named():
    for score in (frechet_distance, kernel_distance):
        with pytest.raises(ValueError, match=r"of one network, got \(5, 3\) and \(5, 4\)"):
            score(torch.zeros(5, 3), torch.zeros(5, 4))
        with pytest.raises(ValueError, match="at least 2 samples of each, got 5 and 1"):
            score(torch.zeros(5, 3), torch.zeros(1, 3))
    with pytest.raises(ValueError, match="more than k = 3 samples, got 3"):
        precision_recall(torch.zeros(9, 2), torch.zeros(3, 2))


def test_neighbour_distances_are_scikit_learns():
    features = torch.randn(50, 5, dtype=torch.float64)
    theirs = NearestNeighbors(n_neighbors=4).fit(features).kneighbors(features)[0][:, -1]
    torch.testing.assert_close(neighbour_distance(features, 3), torch.tensor(theirs))


def test_precision_recall_density_and_coverage_one_ball_at_a_time():
    real, fake = torch.randn(40, 2), torch.randn(30, 2) * 0.6 + 1
    radius = lambda x, k: [sorted(math.dist(a, b) for b in x.tolist())[k] for a in x.tolist()]
    inside = lambda points, x, k: [sum(math.dist(p, c) <= r for c, r in zip(x.tolist(), radius(x, k), strict=True))
                                   for p in points.tolist()]
    in_real, in_fake = inside(fake.double(), real.double(), 3), inside(real.double(), fake.double(), 3)
    precision, recall = precision_recall(real, fake, k=3)
    assert precision == pytest.approx(np.mean(np.array(in_real) > 0)) and 0 < precision < 1
    assert recall == pytest.approx(np.mean(np.array(in_fake) > 0)) and 0 < recall < 1
    density, coverage = density_coverage(real, fake, k=3)
    assert density == pytest.approx(np.mean(in_real) / 3)
    nearest = [min(math.dist(c, p) for p in fake.double().tolist()) for c in real.double().tolist()]
    assert coverage == pytest.approx(np.mean(np.array(nearest) <= np.array(radius(real.double(), 3))))


def test_far_away_nothing_is_precise_and_a_copy_is_both():
    real, _ = sets()
    assert precision_recall(real, real + 100) == (0, 0) and density_coverage(real, real + 100) == (0, 0)
    assert precision_recall(real, real.clone()) == (1, 1)


@pytest.fixture(scope="module")
def network():
    return load_features()


@pytest.fixture(scope="module")
def fresh():
    return Walkers(N, seed=102).clips


@pytest.fixture(scope="module")
def real(network):
    torch.set_num_threads(1)
    return features_of(Walkers(N, seed=101).clips, network)


@pytest.mark.filterwarnings("ignore::UserWarning:torchmetrics")
def test_on_clips_the_scores_are_torchmetrics(network, fresh, real):
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    noisy = (fresh[:128] + 0.3 * torch.randn_like(fresh[:128])).clamp(-1, 1)
    features = features_of(noisy, network)
    network.num_features = 64
    fid = FrechetInceptionDistance(feature=network)
    fid.update(noisy, real=False)
    fid.inception = nn.Identity()
    fid.update(real, real=True)
    assert frechet_distance(real, features).item() == pytest.approx(fid.compute().item(), rel=1e-4)
    kid = KernelInceptionDistance(feature=nn.Identity(), subsets=1, subset_size=128)
    kid.update(real[:128], real=True)
    kid.update(features, real=False)
    assert kernel_distance(real[:128], features).item() == pytest.approx(kid.compute()[0].item(), rel=1e-4, abs=1e-4)


@pytest.fixture(scope="module")
def spoilt(network, fresh, real):
    """Corruption -> its features."""
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(fresh.shape, generator=rng)
    clips = {"nothing": fresh} | {sigma: (fresh + sigma * noise).clamp(-1, 1) for sigma in (0.1, 0.2, 0.4)}
    clips["blur"] = F.avg_pool2d(fresh.flatten(0, 1), 3, 1, 1, count_include_pad=False).view_as(fresh)
    clips["frozen"] = fresh[:, :1].expand_as(fresh)
    clips["shuffled"] = fresh[:, torch.randperm(16, generator=rng)]
    clips["one scene"] = Walkers(N, seed=102, scene="meadow").clips
    clips["one clip"] = fresh[:1].expand_as(fresh)
    return {name: features_of(x, network) for name, x in clips.items()}


@pytest.mark.parametrize("score", [frechet_distance, kernel_distance])
def test_distances_grow_with_noise_and_see_time_and_repetition(score, real, spoilt):
    values = {name: score(real, features).item() for name, features in spoilt.items()}
    assert values["nothing"] < values[0.1] < values[0.2] < values[0.4]
    assert values["nothing"] == min(values.values())
    assert min(values["frozen"], values["shuffled"]) > values[0.4]
    assert sorted(values, key=values.get)[-2:].count("one clip") == 1


def test_by_the_frechet_distance_one_clip_repeated_is_worst(real, spoilt):
    assert max(spoilt, key=lambda name: frechet_distance(real, spoilt[name]).item()) == "one clip"


def test_dropped_modes_cost_recall_and_blur_costs_precision(real, spoilt):
    scores = {name: precision_recall(real, features) for name, features in spoilt.items()}
    assert min(scores["nothing"]) > 0.85
    assert scores["one scene"][0] > 0.85 and scores["one scene"][1] < 0.65
    assert scores["blur"][0] < 0.6
    assert scores["one clip"][1] == 0
    assert density_coverage(real, spoilt["one scene"])[1] < density_coverage(real, spoilt["nothing"])[1] - 0.05


def test_the_inception_score_does_not_see_a_missing_scene(network, spoilt):
    score = lambda name: inception_score(network.heads["action"](spoilt[name]).softmax(dim=1)).item()
    assert score("one scene") == pytest.approx(score("nothing"), abs=0.15)
    assert score("one clip") == pytest.approx(1, abs=1e-3)


def test_small_samples_make_the_frechet_distance_too_large(real, spoilt):
    by_count = [frechet_distance(real[:n], spoilt["nothing"][:n]).item() for n in (32, 64, 128, 256)]
    assert by_count == sorted(by_count, reverse=True) and by_count[0] > 4 * by_count[-1]


def test_a_distance_of_clips_takes_any_network(fresh):
    colours = lambda clips: clips.mean(dim=(1, 3, 4))
    wanted = frechet_distance(colours(fresh[:70]), colours(fresh[70:]))
    assert frechet_clip_distance(fresh[:70], fresh[70:], colours) == pytest.approx(wanted.item())
