"""Scores of sets whose scores are known, the classifier against scikit-learn, and networks by name."""
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from clipkit import Walkers
from solutions.measures.clip_features import load_features
from solutions.measures.scores import COLUMNS, SoftmaxRegression, features_of, network, scores, table


def normal(count, at=0.0, seed=0):
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(seed)) + at


def test_a_set_scores_best_against_itself_and_worst_far_away():
    itself = scores(normal(400), normal(400))
    assert itself["frechet_distance"] == pytest.approx(0, abs=1e-6) and itself["precision"] == itself["recall"] == 1
    away = scores(normal(400), normal(400, at=10.0, seed=1))
    assert away["frechet_distance"] == pytest.approx(4 * 100, rel=0.05) and away["precision"] == away["recall"] == 0
    assert away["kernel_distance"] > 100 > itself["kernel_distance"]


def test_probabilities_are_those_of_logistic_regression():
    torch.manual_seed(0)
    labels = torch.randint(3, (300,))
    features = torch.randn(300, 5) + torch.nn.functional.one_hot(labels, 5)
    ours = SoftmaxRegression(features, labels, decay=1e-2)
    standard = ((features - ours.mean) / ours.std).numpy()
    theirs = LogisticRegression(C=1 / (2 * 300 * 1e-2), tol=1e-8, max_iter=500).fit(standard, labels.numpy())
    torch.testing.assert_close(ours(features), torch.from_numpy(theirs.predict_proba(standard)).float(), atol=2e-3, rtol=0)


def test_networks_take_clips_and_images(tmp_path):
    ours, clips = network("clip_features"), Walkers(3, num_frames=8).clips
    assert torch.equal(ours(clips), load_features()(clips))
    assert ours(clips[:, 0]).shape == (3, 64) and ours(clips[:, 0, :1]).shape == (3, 64)
    assert torch.equal(ours(clips[:, 0]), load_features().of_frames(clips[:, 0]))
    with pytest.raises(ValueError, match="Did you mean 'inception'"):
        network("incepton")
    with pytest.raises(ValueError, match="add --weights FILE"):
        network("i3d")


def test_features_come_batch_by_batch(capsys):
    images = torch.randn(70, 2)
    assert torch.equal(features_of(images, lambda batch: batch[:64] * 2, "doubled"), images * 2)
    assert "doubled" in capsys.readouterr().err


def test_a_table_has_a_line_for_each_set_and_a_dash_for_what_is_missing():
    lines = table({"samples": dict.fromkeys(COLUMNS, 1.0), "data": {"recall": 0.5}}).splitlines()
    assert len(lines) == 3 and lines[1].split() == ["samples", "1", "1", "1", "1", "1"]
    assert lines[2].split() == ["data", "-", "-", "-", "0.5", "-"]
