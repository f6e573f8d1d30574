"""Chapter 3: what a convolution computes, what a network sees, and the features of frames and of clips.

Networks here take images (B, C, H, W); `frame_features` hands them the frames of clips. `networks.clip_cnn` has the networks
that see time.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clipkit.names import known


def output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0
) -> int:
    """Height (or width) of what a convolution or a pooling gives.

    Args:
        size: height of the input.
        kernel: height of the kernel or window.
        stride: rows from one window to the next.
        padding: rows added above, and as many below.
    Returns:
        How many windows fit.
    Raises:
        ValueError: not even one does.
    Source: Dumoulin and Visin 2016, relationship 6.
    """
    if kernel > size + 2 * padding:
        raise ValueError(
            f"a kernel of {kernel} does not fit into {size} + 2 * {padding}"
            " rows: try more padding or a smaller kernel")
    return (size + 2 * padding - kernel) // stride + 1


def convolution_loops(
    images: Tensor, weight: Tensor, bias: Tensor,
    stride: int = 1, padding: int = 0,
) -> Tensor:
    """A convolution as networks compute it, one place after the other.

    Each output is the sum of a window of the input, over all channels,
    times the kernel (not mirrored), plus the bias.

    Args:
        images: (B, C, H, W).
        weight: (O, C, K, K), one kernel for each output channel.
        bias: (O,).
        stride: pixels from one window to the next.
        padding: rows and columns of zeros around the image.
    Returns:
        (B, O, H', W'), H' and W' by `output_size`.
    """
    kernel = weight.shape[-1]
    padded = F.pad(images, [padding] * 4)
    height = output_size(images.shape[2], kernel, stride, padding)
    width = output_size(images.shape[3], kernel, stride, padding)
    output = images.new_empty(len(images), len(weight), height, width)
    for i in range(height):
        for j in range(width):
            # BEGIN SOLUTION
            top, left = i * stride, j * stride
            window = padded[:, :, top:top + kernel, left:left + kernel]
            products = window[:, None] * weight  # (B, O, C, K, K)
            output[:, :, i, j] = products.sum(dim=(2, 3, 4)) + bias
            # END SOLUTION
    return output


def convolution(
    images: Tensor, weight: Tensor, bias: Tensor,
    stride: int = 1, padding: int = 0,
) -> Tensor:
    """The same as `convolution_loops`, as one matrix product.

    `F.unfold` lays every window out as a column, (B, C*K*K, H'*W').

    Args:
        images: (B, C, H, W).
        weight: (O, C, K, K).
        bias: (O,).
        stride: pixels from one window to the next.
        padding: rows and columns of zeros around the image.
    Returns:
        (B, O, H', W').
    Source: Chellapilla et al. 2006.
    """
    kernel = weight.shape[-1]
    columns = F.unfold(images, kernel, padding=padding, stride=stride)
    height = output_size(images.shape[2], kernel, stride, padding)
    # BEGIN SOLUTION
    output = weight.flatten(1) @ columns + bias[:, None]  # (B, O, H'*W')
    # STUB output = ...  # (B, O, H'*W')
    # END SOLUTION
    return output.unflatten(2, (height, -1))


def max_pool(images: Tensor, size: int = 2) -> Tensor:
    """The largest value of each window, channel by channel.

    Args:
        images: (B, C, H, W).
        size: height and width of a window; the next one begins where
            it ends. Rows and columns that fill no window are left out.
    Returns:
        (B, C, H // size, W // size).
    """
    windows = images.unfold(2, size, size).unfold(3, size, size)
    return windows.flatten(-2).max(dim=-1).values


def average_pool(images: Tensor, size: int = 2) -> Tensor:
    """The mean of each window; shapes as in `max_pool`."""
    windows = images.unfold(2, size, size).unfold(3, size, size)
    return windows.mean(dim=(-2, -1))


def receptive_field(layers: list[tuple[int, int]]) -> int:
    """How many pixels, in one direction, one output depends on.

    Args:
        layers: (kernel, stride) of each convolution or pooling, from
            the first to the last.
    Returns:
        The width of the field; 1 where there is no layer.
    Source: Araujo et al. 2019, eq. 2.
    """
    field, jump = 1, 1  # jump: pixels between two neighbouring outputs
    for kernel, stride in layers:
        field += (kernel - 1) * jump
        jump *= stride
    return field


def pixels_that_matter(network: nn.Module, images: Tensor) -> Tensor:
    """The receptive field, measured: where the gradient of the middle
    output with respect to the images is not 0.

    Args:
        network: images to maps (B, F, H', W').
        images: (B, C, H, W); more of them find pixels that a ReLU or a
            maximum hides in one.
    Returns:
        (H, W), True where a pixel of any image matters.
    """
    images = images.detach().clone().requires_grad_()
    maps = network(images)
    middle = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
    (gradient,) = torch.autograd.grad(middle.sum(), images)
    return (gradient != 0).flatten(0, 1).any(dim=0)


class CNN(nn.Module):
    """The article's CNN, repaired: convolution, ReLU, max pooling, two
    linear layers with a ReLU between them. Images to class logits.

    Args:
        in_channels: C.
        channels: maps of the convolution.
        image_size: height and width of the images, even.
        features: width of the first linear layer.
        classes: K.
    Call:
        images (B, C, image_size, image_size) to logits (B, K).
    """

    def __init__(
        self, in_channels: int = 3, channels: int = 16,
        image_size: int = 32, features: int = 64, classes: int = 4,
    ):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        # BEGIN SOLUTION
        self.fc1 = nn.Linear(channels * (image_size // 2) ** 2, features)
        # STUB self.fc1 = nn.Linear(image_size // 2, features)
        # END SOLUTION
        self.fc2 = nn.Linear(features, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv1(x))
        x = self.pool(x)
        # BEGIN SOLUTION
        x = self.relu(self.fc1(x.flatten(1)))
        # STUB x = self.fc1(x)
        # END SOLUTION
        return self.fc2(x)


def frame_features(network: nn.Module, clips: Tensor) -> Tensor:
    """The features of every frame, by a network for images.

    Args:
        network: images (N, C, H, W) to features (N, F).
        clips: (B, T, C, H, W).
    Returns:
        (B, T, F); gradients reach the network and the clips.
    """
    return network(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])


def convolution_over_time(
    clips: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """A convolution over time alone, which never sees a later frame.

    At every pixel, each output is the sum of the last K frames up to this
    one, over all channels, times the kernel (not mirrored: its last weight
    meets the frame itself), plus the bias. Before the first frame stand
    zeros.

    Args:
        clips: (B, T, C, H, W).
        weight: (O, C, K), one kernel for each output channel.
        bias: (O,).
    Returns:
        (B, T, O, H, W); gradients reach all three.
    """
    # BEGIN SOLUTION
    B, _, _, H, W = clips.shape
    pixels = clips.permute(0, 3, 4, 2, 1).flatten(0, 2)  # (B*H*W, C, T)
    padded = F.pad(pixels, [weight.shape[2] - 1, 0])
    output = F.conv1d(padded, weight, bias)  # (B*H*W, O, T)
    return output.unflatten(0, (B, H, W)).permute(0, 4, 3, 1, 2)
    # END SOLUTION


def feature_maps(network: nn.Module, layer: str, images: Tensor) -> Tensor:
    """What one layer of a network gives for some images.

    Args:
        network: any network.
        layer: the layer's name in `network.named_modules()`.
        images: what the network takes.
    Returns:
        The layer's output, detached, e.g. (B, F, H', W').
    Raises:
        ValueError: no such layer; names the nearest one.
    """
    layers = dict(network.named_modules())
    kept = []
    hook = layers[known(layer, layers, "layer")].register_forward_hook(
        lambda module, inputs, output: kept.append(output.detach()))
    try:
        network(images)
    finally:
        hook.remove()
    return kept[0]


def saliency(network: nn.Module, inputs: Tensor, classes: Tensor) -> Tensor:
    """How much each pixel can change the logit of a class.

    Args:
        network: images or clips to logits (B, K).
        inputs: (B, C, H, W), or (B, T, C, H, W).
        classes: (B,), the class to ask about for each input.
    Returns:
        (B, H, W), or (B, T, H, W): the largest size of the gradient
        over the channels, at least 0.
    Source: Simonyan et al. 2014, section 3.1.
    """
    inputs = inputs.detach().clone().requires_grad_()
    logits = network(inputs).gather(1, classes[:, None])
    (gradient,) = torch.autograd.grad(logits.sum(), inputs)
    return gradient.abs().amax(dim=-3)


what_time_adds = """
The first network judges each frame alone and averages. Whatever the order of the frames, it sees the same set of them, and
an average does not depend on order. A clip and its reverse hold the same frames, so the two get exactly the same answer: one
of them is wrong, and the accuracy is 50 %, however long we train and however wide the network is.

A convolution over time multiplies neighbouring frames by different weights before anything is averaged: "the foot is
further forward than it was". Played backwards the weights meet the frames in the other order and the output changes.

A test: train it as before, then shuffle the frames of the test clips (or play them backwards). What uses order
must get worse. If the accuracy stays, the label could be read off single frames, like the colour of a shirt, and the
network needed no time. One may also freeze each clip to its first frame: then no motion is left.
"""
