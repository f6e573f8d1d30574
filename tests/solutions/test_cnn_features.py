"""The answers of chapter 3 against torch's own layers, gradient support and invariances."""
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from clipkit import Walkers
from solutions.cnn_features import (
    CNN,
    average_pool,
    convolution,
    convolution_loops,
    convolution_over_time,
    feature_maps,
    frame_features,
    max_pool,
    output_size,
    pixels_that_matter,
    receptive_field,
    saliency,
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.mark.parametrize("size", [5, 8, 32])
@pytest.mark.parametrize("kernel, stride, padding", [(3, 1, 1), (4, 2, 1), (1, 1, 0), (5, 3, 2), (5, 1, 0)])
def test_the_output_size_is_torchs(size, kernel, stride, padding):
    out = nn.Conv2d(1, 1, kernel, stride, padding)(torch.zeros(1, 1, size, size))
    assert output_size(size, kernel, stride, padding) == out.shape[-1]


def test_a_kernel_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"kernel of 7 does not fit into 4 \+ 2 \* 1"):
        output_size(4, 7, padding=1)


@pytest.mark.parametrize("form", [convolution_loops, convolution])
@pytest.mark.parametrize("kernel, stride, padding", [(3, 1, 1), (4, 2, 1), (1, 1, 0), (3, 3, 0), (2, 1, 2)])
def test_a_convolution_is_torchs(form, kernel, stride, padding):
    images, weight, bias = torch.randn(2, 3, 9, 11), torch.randn(4, 3, kernel, kernel), torch.randn(4)
    expected = F.conv2d(images, weight, bias, stride, padding)
    torch.testing.assert_close(form(images, weight, bias, stride, padding), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("form", [convolution_loops, convolution])
def test_the_gradients_of_a_convolution_are_torchs(form):
    def gradients(layer):
        torch.manual_seed(1)
        images, weight, bias = (torch.randn(s, dtype=torch.float64, requires_grad=True)
                                for s in [(2, 3, 6, 5), (4, 3, 3, 3), (4,)])
        out = layer(images, weight, bias, 2, 1)
        return torch.autograd.grad((out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum(), [images, weight, bias])

    for ours, torchs in zip(gradients(form), gradients(F.conv2d), strict=True):
        torch.testing.assert_close(ours, torchs)


def test_a_convolution_commutes_with_a_shift():
    image, weight = torch.randn(1, 1, 12, 12), torch.randn(1, 1, 3, 3)
    shifted = convolution(image.roll(2, dims=-1), weight, torch.zeros(1))
    torch.testing.assert_close(shifted[..., 2:], convolution(image, weight, torch.zeros(1))[..., :-2])


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("ours, torchs", [(max_pool, F.max_pool2d), (average_pool, F.avg_pool2d)])
def test_pooling_is_torchs_with_its_gradient(ours, torchs, size):
    images = torch.randn(2, 3, 7, 8, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(ours(images, size), torchs(images, size))
    (a,), (b,) = (torch.autograd.grad(f(images, size).square().sum(), images) for f in (ours, torchs))
    torch.testing.assert_close(a, b)


@pytest.mark.parametrize("layers", [[], [(3, 1)], [(3, 1), (3, 1)], [(3, 1), (2, 2), (3, 1)], [(4, 2), (4, 2), (4, 2)]])
def test_the_receptive_field_is_where_gradients_arrive(layers):
    channels = [1, *[4] * len(layers)]
    network = nn.Sequential(*[nn.Conv2d(c, o, k, s) for c, o, (k, s) in zip(channels, channels[1:], layers, strict=False)])
    seen = pixels_that_matter(network, torch.randn(2, 1, 40, 40))
    rows, columns = seen.any(dim=1).sum().item(), seen.any(dim=0).sum().item()
    assert rows == columns == receptive_field(layers)


def test_the_receptive_field_through_relu_and_maximum():
    network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3))
    seen = pixels_that_matter(network, torch.randn(64, 1, 24, 24))
    assert seen.sum().item() == receptive_field([(3, 1), (2, 2), (3, 1)]) ** 2 == 64


def test_the_repaired_network_gives_one_row_of_logits_an_image():
    network = CNN(in_channels=3, channels=8, image_size=16, features=10, classes=5)
    assert network(torch.randn(7, 3, 16, 16)).shape == (7, 5)
    assert sum(p.numel() for p in network.parameters()) == (27 + 1) * 8 + (8 * 64 + 1) * 10 + (10 + 1) * 5


def test_the_repaired_network_is_not_one_linear_map_after_the_pooling():
    network = CNN(image_size=8)
    head = lambda x: network.fc2(network.relu(network.fc1(x)))
    x, y = torch.randn(2, 64, network.fc1.in_features)
    assert not torch.allclose(head(x + y) + head(torch.zeros_like(x)), head(x) + head(y), atol=1e-4)
    pooled = network.pool(network.relu(network.conv1(images := torch.randn(4, 3, 8, 8)))).flatten(1)
    torch.testing.assert_close(network(images), head(pooled))


def test_a_convolution_over_time_is_a_3d_one_of_one_pixel_that_knows_no_later_frame():
    clips, weight, bias = torch.randn(2, 6, 3, 4, 5), torch.randn(7, 3, 3), torch.randn(7)
    found = convolution_over_time(clips, weight, bias)
    centred = nn.functional.conv3d(clips.transpose(1, 2), weight[..., None, None], bias, padding=(2, 0, 0)).transpose(1, 2)
    torch.testing.assert_close(found, centred[:, :6])
    later = torch.cat([clips[:, :4], torch.randn(2, 2, 3, 4, 5)], 1)
    torch.testing.assert_close(convolution_over_time(later, weight, bias)[:, :4], found[:, :4])


def test_frame_features_are_each_frames_own():
    network, clips = CNN(image_size=32), Walkers(3, num_frames=5).clips
    features = frame_features(network, clips)
    assert features.shape == (3, 5, 4)
    torch.testing.assert_close(features[1, 2], network(clips[1, 2][None])[0])


def test_feature_maps_are_the_layers_output_and_leave_no_hook():
    network, images = CNN(), torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(feature_maps(network, "conv1", images), network.conv1(images).detach())
    assert not network.conv1._forward_hooks
    with pytest.raises(ValueError, match="Did you mean 'conv1'"):
        feature_maps(network, "conv2", images)


def test_the_saliency_of_a_linear_network_is_the_size_of_its_weights():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 5, 2))
    classes = torch.tensor([1, 0, 1])
    weights = network[1].weight.detach().view(2, 3, 4, 5).abs().amax(dim=1)
    torch.testing.assert_close(saliency(network, torch.randn(3, 3, 4, 5), classes), weights[classes])


def test_saliency_leaves_the_network_without_gradients():
    network = CNN()
    saliency(network, torch.randn(2, 3, 32, 32), torch.tensor([0, 1]))
    assert all(p.grad is None for p in network.parameters())
