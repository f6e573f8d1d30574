"""The loader of I3D, with stand-ins for the network: what reaches it, and what it says of files and clips that do not fit."""
import pytest
import torch
from torch import Tensor, nn

from solutions.evaluation import frechet_clip_distance
from solutions.measures.i3d_features import for_i3d, i3d_features

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")  # the published network is TorchScript


class Colours(nn.Module):
    """Stands in for I3D: the mean colour of each of eight frames."""

    def forward(self, video: Tensor) -> Tensor:
        assert video.shape[1] == 3 and video.shape[3] == 224 and video.shape[4] == 224
        return video[:, :, :8].mean((3, 4)).flatten(1)


class WithOptions(nn.Module):
    """The signature of the TorchScript file that most people have."""

    def forward(self, video: Tensor, rescale: bool = True, resize: bool = True, return_features: bool = False) -> Tensor:
        assert not rescale and not resize and return_features
        return video.mean((2, 3, 4))


class NoFeatures(nn.Module):
    def forward(self, video: Tensor) -> Tensor:
        return video


def saved(network, tmp_path):
    path = tmp_path / "network.pt"
    torch.jit.script(network).save(str(path))
    return path


CLIPS = torch.rand(2, 10, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_features_are_those_of_the_frames(tmp_path):
    features = i3d_features(saved(Colours(), tmp_path))(CLIPS)
    expected = CLIPS[:, :8].mean((3, 4)).transpose(1, 2).flatten(1)  # of (B, C, T)
    torch.testing.assert_close(features, expected, atol=1e-5, rtol=1e-4)  # 14 times as large, the mean stays
    assert not features.requires_grad


def test_the_usual_file_is_told_that_clips_are_ready(tmp_path):
    assert i3d_features(saved(WithOptions(), tmp_path))(CLIPS).shape == (2, 3)


def test_frames_keep_order_and_range_and_grey_becomes_colour():
    ramp = torch.linspace(-1, 1, 10)[None, :, None, None, None].expand(1, 10, 1, 8, 8)
    ready = for_i3d(ramp)
    assert ready.shape == (1, 3, 10, 224, 224)
    torch.testing.assert_close(ready[0, :, :, 100, 7], ramp[0, :, 0, 0, 0].expand(3, 10))


def test_with_it_the_distance_of_a_set_to_itself_is_zero(tmp_path):
    network = i3d_features(saved(Colours(), tmp_path))
    assert frechet_clip_distance(CLIPS, CLIPS, network) == pytest.approx(0, abs=1e-6)
    assert frechet_clip_distance(CLIPS, CLIPS / 2 + 0.5, network) > 1


@pytest.mark.parametrize("clips, message", [
    (torch.zeros(2, 9, 3, 16, 16), "at least 10 frames, got 9: try num_frames=16"),
    (torch.zeros(2, 3, 16, 16), "an image is no clip"),
    (torch.zeros(2, 10, 4, 16, 16), "1 or 3 channels"),
    (torch.full((2, 10, 3, 16, 16), 200.0), "x / 127.5 - 1"),
])
def test_clips_that_do_not_fit_are_refused(clips, message):
    with pytest.raises(ValueError, match=message):
        for_i3d(clips)


def test_a_file_that_is_no_network_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match="load_features\\(\\) needs no download"):
        i3d_features(tmp_path / "none.pt")
    torch.save({"weight": torch.zeros(1)}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match="not its weights alone"):
        i3d_features(tmp_path / "weights.pt")
    with pytest.raises(ValueError, match="is it I3D"):
        i3d_features(saved(NoFeatures(), tmp_path))(CLIPS)
