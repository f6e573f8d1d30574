"""The loader of torchvision's Inception: right shapes from right weights, a sentence where there are none."""
import pytest
import torch
from torchvision.models import inception_v3

from solutions.measures.inception_features import inception_features


def test_weights_of_the_right_shape_give_features_of_frames(tmp_path):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    reference = inception_v3(weights=None, init_weights=False).eval()
    torch.save(reference.state_dict(), tmp_path / "weights.pth")
    frames = torch.rand(1, 3, 299, 299) * 2 - 1
    features = inception_features(tmp_path / "weights.pth")(frames)
    assert features.shape == (1, 2048)
    with torch.no_grad():
        torch.testing.assert_close(reference.fc(features), reference(frames), atol=1e-4, rtol=1e-4)


def test_without_weights_it_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="load_features\\(\\) needs no download"):
        inception_features(tmp_path / "none.pth")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="does not hold the weights"):
        inception_features(tmp_path / "other.pth")
