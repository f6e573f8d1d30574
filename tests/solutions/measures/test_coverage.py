"""The linear probe against scikit-learn and labels it has not seen; what is missing, counted by hand."""
import pytest
import torch
from sklearn.linear_model import RidgeClassifier

from clipkit import Walkers
from solutions.measures.coverage import LinearProbe, coverage, missing_modes


def test_the_probe_is_scikit_learns_ridge():
    torch.manual_seed(0)
    labels = torch.randint(3, (300,))
    samples = torch.randn(300, 2, 3) + torch.nn.functional.one_hot(labels, 3)[:, None]
    ridge = 0.1 * 300 * samples.flatten(1).double().var(0, unbiased=False).mean().item()
    theirs = RidgeClassifier(alpha=ridge).fit(samples.flatten(1).double().numpy(), labels.numpy())
    new = torch.randn(200, 2, 3)
    expected = torch.from_numpy(theirs.predict(new.flatten(1).double().numpy()))
    assert torch.equal(LinearProbe(samples, labels)(new), expected)


def test_the_probe_reads_labels_off_walkers_that_it_has_not_seen():
    data = Walkers(700, num_frames=1, scene="meadow")
    frames = data.clips[:, 0]
    for name, least in (("shirt", 0.97), ("hair", 0.97), ("trousers", 0.97)):
        labels = data.labels[name]
        assert LinearProbe(frames[:500], labels[:500]).accuracy(frames[500:], labels[500:]) >= least


def test_a_set_covers_itself_and_a_part_of_it_does_not():
    data = Walkers(2000, num_frames=1)
    real = [data.labels["shirt"], data.labels["trousers"]]
    assert coverage(real, real) == 1 and missing_modes(real, real) == []
    kept = real[0] != 1
    assert missing_modes([labels[kept] for labels in real], real) == [(1, 0), (1, 1), (1, 2)]
    assert coverage([labels[kept] for labels in real], real) == pytest.approx(9 / 12)


def test_a_mode_is_missing_where_it_is_much_rarer_than_it_should_be():
    real, found = torch.tensor([0, 1] * 50), torch.tensor([0] * 90 + [1] * 10)
    assert missing_modes([found], [real]) == [(1,)]
    assert missing_modes([found], [real], least=0.1) == []
