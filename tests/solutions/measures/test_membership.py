"""Attacks whose success is known."""
import pytest
import torch
from scipy.stats import mannwhitneyu
from torch import nn

from solutions.measures.membership import data_copying_z, membership_auc, true_positives
from solutions.responsibility import nearest

RNG = torch.Generator().manual_seed(0)
TRAIN, HELD_OUT, FRESH = (torch.randn(600, 8, generator=RNG) for _ in range(3))


def test_data_copying_by_the_test_of_mann_and_whitney():
    samples = TRAIN + 0.3 * torch.randn(600, 8, generator=RNG)
    z = data_copying_z(samples, TRAIN, HELD_OUT)
    p = mannwhitneyu(nearest(samples, TRAIN)[0], nearest(HELD_OUT, TRAIN)[0], use_continuity=False, method="asymptotic",
                     alternative="less").pvalue
    assert torch.special.ndtr(torch.tensor(z)).item() == pytest.approx(p, rel=0.01) and z < -10
    assert abs(data_copying_z(FRESH, TRAIN, HELD_OUT)) < 3
    assert data_copying_z(3 * FRESH, TRAIN, HELD_OUT) > 10  # far from everything: underfitted


def test_a_discriminator_that_has_memorised_gives_members_away():
    """Random data, so there is nothing to learn but who was a member."""
    torch.manual_seed(0)
    members, others = torch.randn(64, 8), torch.randn(64, 8)
    network = nn.Sequential(nn.Linear(8, 256), nn.ReLU(), nn.Linear(256, 1))
    assert membership_auc(network, members, others) == pytest.approx(0.5, abs=0.15)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(200):
        fake = torch.randn(64, 8)
        loss = nn.functional.softplus(-network(members)).mean() + nn.functional.softplus(network(fake)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert membership_auc(network, members, others) > 0.8
    flat = lambda samples: network(samples).flatten()
    assert membership_auc(flat, members, others) == membership_auc(network, members, others)


def test_true_positives_at_a_bounded_share_of_false_ones():
    others = torch.arange(100.0)
    members = torch.tensor([97.5, 98.5, 99.5, 3.0])
    assert true_positives(members, others, 0.0) == 0.25
    assert true_positives(members, others, 0.01) == 0.5
    assert true_positives(members, others, 0.02) == 0.75
