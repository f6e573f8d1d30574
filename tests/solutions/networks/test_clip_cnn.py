"""Networks that see time: parameter counts, equalities, and what no network of single frames can tell."""
import pytest
import torch
from torch import nn

from clipkit import Walkers
from solutions.cnn_features import CNN, frame_features, saliency
from solutions.networks.clip_cnn import ClipCNN, Conv2Plus1d, accuracy, train_classifier


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.mark.parametrize("inputs, outputs", [(3, 16), (16, 32), (32, 32)])
def test_two_plus_one_has_about_the_parameters_of_three(inputs, outputs):
    count = sum(p.numel() for p in Conv2Plus1d(inputs, outputs).parameters())
    full = sum(p.numel() for p in nn.Conv3d(inputs, outputs, 3).parameters())
    assert 0.9 * full <= count <= full


def test_two_plus_one_without_its_relu_is_a_separable_convolution():
    split = Conv2Plus1d(1, 1)
    space, time = split[0], split[2]
    full = nn.Conv3d(1, 1, 3, padding=1)
    with torch.no_grad():
        full.weight.copy_(torch.einsum("omtij,mcthw->octhw", time.weight.expand(-1, -1, 3, 1, 1),
                                       space.weight.expand(-1, -1, 3, 3, 3)))
        full.bias.copy_(time.bias)
    x = torch.randn(2, 1, 5, 6, 7)
    torch.testing.assert_close(time(space(x)), full(x), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("convolution", [None, Conv2Plus1d])
def test_clips_go_in_time_before_channels(convolution):
    network = ClipCNN(in_channels=1, classes=5, convolution=convolution)
    clips = torch.randn(2, 8, 1, 16, 16)
    assert network.features(clips).shape == (2, 32)
    assert network(clips).shape == (2, 5)
    assert saliency(network, clips, torch.tensor([0, 4])).shape == (2, 8, 16, 16)


def test_the_mean_of_frame_features_does_not_know_the_order_of_frames():
    clips, order = Walkers(4, num_frames=8).clips, torch.randperm(8)
    frames, network = CNN(), ClipCNN()
    mean = frame_features(frames, clips).mean(dim=1)
    torch.testing.assert_close(frame_features(frames, clips[:, order]).mean(dim=1), mean)
    assert not torch.allclose(network.eval().features(clips[:, order]), network.features(clips), rtol=1e-2)


def test_a_network_of_clips_learns_which_way_time_runs():
    def both_ways(seed):
        clips = Walkers(64, num_frames=8, seed=seed, action="walk", direction="left", scene="meadow").clips
        return torch.cat([clips, clips.flip(1)]), torch.arange(2).repeat_interleave(64)

    network = ClipCNN(classes=2)
    losses = train_classifier(network, *both_ways(0), steps=30, lr=1e-2, rng=torch.Generator().manual_seed(0))
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    assert accuracy(network, *both_ways(1)) > 0.9


def test_a_network_that_names_shirts_looks_at_the_shirt():
    people = Walkers(384, num_frames=1)
    images, shirts = people.clips[:, 0], people.labels["shirt"]
    network = CNN()
    train_classifier(network, images, shirts, steps=100, rng=torch.Generator().manual_seed(0))
    looks = saliency(network, images[:64], shirts[:64]).mean(dim=0)
    assert looks[13:20, 8:24].sum() > 0.35 * looks.sum()  # a ninth of the picture
