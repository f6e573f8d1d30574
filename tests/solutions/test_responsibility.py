"""Copies that we make ourselves, attacks whose success is known, directions that are built in."""
import pytest
import torch
from scipy.stats import binomtest, mannwhitneyu
from torch import nn

from solutions.networks.directions import walk
from solutions.responsibility import auc, copying, label_direction, nearest, private_step, wilson_interval

RNG = torch.Generator().manual_seed(0)
TRAIN, HELD_OUT, FRESH = (torch.randn(600, 8, generator=RNG) for _ in range(3))


def test_auc_is_the_statistic_of_mann_and_whitney_ties_included():
    x, y = torch.randint(10, (50,), generator=RNG), torch.randint(3, 12, (70,), generator=RNG)
    expected = mannwhitneyu(x, y).statistic / (50 * 70)
    assert auc(x, y) == pytest.approx(expected, abs=1e-12)
    assert auc(x, y) + auc(y, x) == pytest.approx(1)
    assert auc(torch.tensor([2.0, 3.0]), torch.tensor([1.0])) == 1


def test_the_nearest_row():
    distance, index = nearest(torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
    assert distance.tolist() == [1, 4] and index.tolist() == [1, 0]


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_of_copies_is_found(share):
    count = int(share * 600)
    samples = torch.cat([TRAIN[:count] + 1e-3 * torch.randn(count, 8, generator=RNG), FRESH[count:]])
    found = copying(samples, TRAIN, HELD_OUT)
    assert found.copied == pytest.approx(share, abs=0.08)
    assert found.low < (1 + share) / 2 <= found.high + 0.01
    assert (found.z > 5) == (share > 0)


def test_an_honest_sampler_is_seldom_accused():
    """Over 300 fresh worlds, z is about normal: mean 0, variance 1."""
    z = []
    for seed in range(300):
        rng = torch.Generator().manual_seed(seed)
        samples, train, held_out = (torch.randn(n, 4, generator=rng) for n in (60, 200, 200))
        z.append(copying(samples, train, held_out).z)
    z = torch.tensor(z)
    assert abs(z.mean()) < 0.2 and 0.8 < z.std() < 1.25


def test_copies_of_what_is_in_both_sets_are_nobodys():
    assert copying(TRAIN, TRAIN, TRAIN).nearer == 0.5
    with pytest.raises(ValueError, match="expected as many training as held-out samples, got 600 and 100"):
        copying(TRAIN, TRAIN, HELD_OUT[:100])


@pytest.mark.parametrize("wins", [0, 17, 40])
def test_the_interval_is_wilsons(wins):
    expected = binomtest(wins, 40).proportion_ci(method="wilson")
    assert wilson_interval(wins / 40, 40, 1.959964) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_a_label_direction_is_found_and_changes_the_label():
    direction = torch.tensor([0.6, 0.0, 0.8, 0.0])
    z = torch.randn(5000, 4, generator=RNG)
    found = label_direction(z, z @ direction > 0.5)
    assert found @ direction > 0.99 and found.norm() == pytest.approx(1)
    path = walk(torch.zeros(4), found, torch.tensor([-1.0, 0.0, 1.0]))
    torch.testing.assert_close(path @ direction, torch.tensor([-1.0, 0.0, 1.0]), atol=0.02, rtol=0)
    with pytest.raises(ValueError, match="got 4 of 4 with it"):
        label_direction(torch.randn(4, 2), torch.ones(4, dtype=torch.bool))


def squared(network, samples):
    return network(samples).square().mean()


def gradient(network, sample):
    return torch.cat([g.flatten() for g in torch.autograd.grad(squared(network, sample), network.parameters())])


def private(network, samples, **options):
    """The change of all weights in a step with learning rate 1."""
    before = nn.utils.parameters_to_vector(network.parameters()).detach()
    rng = torch.Generator().manual_seed(1)
    private_step(network, squared, samples, torch.optim.SGD(network.parameters(), 1.0), rng=rng, **options)
    return nn.utils.parameters_to_vector(network.parameters()).detach() - before


def test_a_private_step_without_bound_and_noise_is_a_step():
    network, samples = nn.Linear(5, 2), torch.randn(7, 5, generator=RNG)
    expected = -gradient(network, samples)
    torch.testing.assert_close(private(network, samples, bound=1e9, noise=0.0), expected)


def test_one_sample_moves_the_weights_by_no_more_than_its_share_of_the_bound():
    network, samples = nn.Linear(5, 2), torch.randn(7, 5, generator=RNG)
    before = nn.utils.parameters_to_vector(network.parameters()).detach()
    with_one = private(network, samples, bound=0.1, noise=0.3)
    samples[3] *= 1000
    nn.utils.vector_to_parameters(before, network.parameters())
    with_another = private(network, samples, bound=0.1, noise=0.3)
    assert (with_one - with_another).norm() <= 2 * 0.1 / 7 + 1e-6


def test_the_noise_has_the_stated_spread():
    network = nn.Linear(100, 100)
    with torch.no_grad():
        nn.utils.vector_to_parameters(torch.zeros(10_100), network.parameters())
    change = private(network, torch.zeros(4, 100), bound=0.5, noise=2.0)  # no gradient: noise alone
    assert change.std() == pytest.approx(2.0 * 0.5 / 4, rel=0.05)
