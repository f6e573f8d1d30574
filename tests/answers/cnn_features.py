"""Answers to the exercises of chapter 3; the form is that of gan_losses.py."""
import math

import torch
import torch.nn.functional as F
from torch import nn

from solutions.cnn_features import output_size


def sized(formula, *, refuses=True):
    """An answer to `output_size` with this formula."""
    def answer(size, kernel, stride=1, padding=0):
        if refuses and kernel > size + 2 * padding:
            raise ValueError("too large")
        return formula(size, kernel, stride, padding)
    return answer


def counted(size, kernel, stride=1, padding=0):
    """Right: the windows counted one by one."""
    count = len(range(0, size + 2 * padding - kernel + 1, stride))
    if not count:
        raise ValueError("no window fits")
    return count


class NoWindow(ValueError):
    """An error of the student's own kind."""


def refused_by_a_class(size, kernel, stride=1, padding=0):
    """Right: its own kind of ValueError, and sums in place of a division."""
    if size + 2 * padding < kernel:
        raise NoWindow(size, kernel)
    count, at = 1, stride
    while at + kernel <= size + 2 * padding:
        count, at = count + 1, at + stride
    return count


def refused_by_the_result(size, kernel, stride=1, padding=0):
    """Wrong: int() rounds towards 0, where the kernel is a little too large."""
    count = int((size + 2 * padding - kernel) / stride) + 1
    if count < 1:
        raise ValueError("no window fits")
    return count


def refused_without_a_word(size, kernel, stride=1, padding=0):
    if kernel > size + 2 * padding:
        raise ValueError
    return plain(size, kernel, stride, padding)


def convolved(images, weight, bias, stride=1, padding=0, *, mirror=False, with_bias=True, channels=None, mean=False,
              steps=True, turned=False, pads=True, size=None, times_bias=1, cut=False):
    """A convolution in loops, put together from named parts."""
    pads_by = padding if pads else 0
    padded, kernel = F.pad(images, [pads_by] * 4), size or weight.shape[-1]
    weight = weight.flip(2, 3) if mirror else weight.transpose(2, 3) if turned else weight
    rows = output_size(images.shape[2], kernel, stride, pads_by)
    columns = output_size(images.shape[3], kernel, stride, pads_by)
    output = torch.zeros(len(images), len(weight), rows, columns)
    step = stride if steps else 1
    for i in range(rows):
        for j in range(columns):
            window = (images if cut else padded)[:, :channels, i * step:i * step + kernel, j * step:j * step + kernel]
            output[:, :, i, j] = torch.einsum("bcij,ocij->bo", window, weight[:, :channels])
    output = output / weight[0].numel() if mean else output
    return output + times_bias * bias[:, None, None] if with_bias else output


def wrong_convolutions():
    return {
        "mirrored": (lambda *args: convolved(*args, mirror=True), "You mirror the kernel"),
        "no bias": (lambda *args: convolved(*args, with_bias=False), "bias is missing"),
        "first channel": (lambda *args: convolved(*args, channels=1), "all input channels"),
        "mean": (lambda *args: convolved(*args, mean=True), "not their mean"),
        "no stride": (lambda *args: convolved(*args, steps=False), "stride is missing"),
        "turned": (lambda *args: convolved(*args, turned=True), "exchanged"),
        "no padding": (lambda *args: convolved(*args, pads=False), "Expected shape"),
        "kernels of 3": (lambda *args: convolved(*args, size=3), "It raised"),
        "bias for each channel": (lambda x, *args: convolved(x, *args, times_bias=x.shape[1]), "not to each channel"),
        "bias taken away": (lambda *args: convolved(*args, times_bias=-1), "not taken away"),
        "rectified": (lambda *args: convolved(*args).relu(), "No ReLU here"),
        "edge repeated": (lambda x, w, b, s=1, p=0: F.conv2d(F.pad(x, [p] * 4, mode="replicate"), w, b, s), "stand zeros"),
        "bias for each product": (lambda x, w, b, s=1, p=0: F.conv2d(x, w, b * w[0].numel(), s, p), "bias is added once"),
    }


def by_matrix(images, weight, bias, stride=1, padding=0, *, rows=None, at=lambda b: b[:, None], transposed=False):
    """A convolution by unfold, put together from named parts."""
    columns = F.unfold(images, weight.shape[-1], padding=padding, stride=stride)
    flat = weight.flatten(1) if rows is None else weight.reshape(-1, rows)
    output = columns.transpose(1, 2) @ flat.T if transposed else flat @ columns
    output = output + at(bias)
    return output.unflatten(2, (output_size(images.shape[2], weight.shape[-1], stride, padding), -1))


def one_kernel_at_a_time(images, weight, bias, stride=1, padding=0):
    """Right: loops over the kernel in place of the image."""
    padded, output = F.pad(images, [padding] * 4), bias[None, :, None, None]
    rows = output_size(images.shape[2], weight.shape[2], stride, padding)
    columns = output_size(images.shape[3], weight.shape[3], stride, padding)
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            seen = padded[:, :, i:i + (rows - 1) * stride + 1:stride, j:j + (columns - 1) * stride + 1:stride]
            output = output + torch.einsum("bchw,oc->bohw", seen, weight[:, :, i, j])
    return output


def unfolded_by_strides(images, weight, bias, stride=1, padding=0):
    """Right: windows as a view, one einsum."""
    kernel = weight.shape[-1]
    windows = F.pad(images, [padding] * 4).unfold(2, kernel, stride).unfold(3, kernel, stride)
    return torch.einsum("bchwij,ocij->bohw", windows, weight) + bias[:, None, None]


def by_fold(images, weight, bias, stride=1, padding=0):
    """Right: unfold, one matrix product for each image, folded back."""
    kernel = weight.shape[-1]
    rows = output_size(images.shape[2], kernel, stride, padding)
    columns = output_size(images.shape[3], kernel, stride, padding)
    flat = [weight.reshape(len(weight), -1) @ F.unfold(x[None], kernel, 1, padding, stride)[0] for x in images]
    return F.fold(torch.stack(flat), (rows, columns), 1) + bias.view(1, -1, 1, 1)


def field(layers, *, start=1, early=False, strides=True):
    total, jump = start, 1
    for kernel, stride in layers:
        jump *= stride if early else 1
        total += (kernel - 1) * jump
        jump *= stride if strides and not early else 1
    return total


def field_by(jumps, more=1):
    """A field whose step grows in another way."""
    def answer(layers):
        total, jump = 1, 1
        for kernel, stride in layers:
            total, jump = total + (kernel - more) * jump, jumps(jump, stride)
        return total
    return answer


def field_by_products(layers):
    """Right: the formula as it stands, a product for each layer."""
    strides = [stride for _, stride in layers]
    return 1 + sum((kernel - 1) * math.prod(strides[:i]) for i, (kernel, _) in enumerate(layers))


def field_from_the_end(layers):
    """Right: how many inputs each layer needs, from the last layer to the first."""
    needed = 1
    for kernel, stride in reversed(layers):
        needed = (needed - 1) * stride + kernel
    return needed


def field_popped(layers):
    """Wrong: the caller's list is empty afterwards."""
    total, jump = 1, 1
    while layers:
        kernel, stride = layers.pop(0)
        total, jump = total + (kernel - 1) * jump, jump * stride
    return total


def field_measured(layers):
    """Right: a network of ones, and the inputs that its output depends on."""
    x = torch.ones(1, 1, 600, requires_grad=True)
    y = x
    for kernel, stride in layers:
        y = F.conv1d(y, torch.ones(1, 1, kernel), stride=stride) / kernel
    (gradient,) = torch.autograd.grad(y[0, 0, 0], x)
    return int((gradient != 0).sum())


class Network(nn.Module):
    """The repaired CNN, put together from named parts."""

    flatten, between, last, width = 1, True, staticmethod(lambda x: x), staticmethod(lambda c, s: c * (s // 2) ** 2)

    def __init__(self, in_channels=3, channels=16, image_size=32, features=64, classes=4):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1)
        self.fc1 = nn.Linear(self.width(channels, image_size), features)
        self.fc2 = nn.Linear(features, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = self.fc1(x if self.flatten is None else x.flatten(self.flatten))
        return self.last(self.fc2(F.relu(x) if self.between else x))


def network(**parts):
    return type("Network", (Network,), {k: v if k in ("flatten", "between") else staticmethod(v) for k, v in parts.items()})


class LazyNetwork(nn.Module):
    """Right: torch finds the width itself."""

    def __init__(self, in_channels=3, channels=16, image_size=32, features=64, classes=4):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding="same")
        self.fc1 = nn.LazyLinear(features)
        self.fc2 = nn.Linear(features, classes)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(F.adaptive_max_pool2d(F.relu(self.conv1(x)), x.shape[-1] // 2).flatten(1))))


class MeasuredNetwork(Network):
    """Right: the width measured with an empty image, an nn.Flatten, the layers in a list."""

    def __init__(self, in_channels=3, channels=16, image_size=32, features=64, classes=4):
        super().__init__(in_channels, channels, image_size, features, classes)
        self.before = [self.conv1, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
        self.image_size = image_size
        width = self.seen(torch.zeros(1, in_channels, image_size, image_size)).shape[1]
        self.fc1 = nn.Linear(width, features)
        self.fc2 = nn.Linear(features, classes)

    def seen(self, x):
        for layer in self.before:
            x = layer(x)
        return x

    def forward(self, x):
        return self.fc2(torch.clamp_min(self.fc1(self.seen(x)), 0))


class GlobalMean(Network):
    """Wrong: the mean of each map in the place of all its numbers."""

    width = staticmethod(lambda c, s: c)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2).mean((2, 3))
        return self.fc2(F.relu(self.fc1(x)))


class Unpooled(Network):
    """Wrong: the pooling is gone, and fc1 four times as wide."""

    width = staticmethod(lambda c, s: c * s ** 2)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(F.relu(self.conv1(x)).flatten(1))))


class Dropped(Network):
    """Wrong: the weights of the first layers are out of the gradient's reach."""

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2).flatten(1).detach()
        return self.fc2(F.relu(self.fc1(x)))


class Squeezed(Network):
    """Wrong: of a batch of one the batch axis goes."""

    def forward(self, x):
        return super().forward(x).squeeze()


class MeanPooled(Network):
    """Wrong: another pooling."""

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(F.avg_pool2d(F.relu(self.conv1(x)), 2).flatten(1))))


class Gelu(Network):
    """Wrong: another function between the linear layers."""

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(F.max_pool2d(F.relu(self.conv1(x)), 2).flatten(1))))


class ProbableLater(Network):
    """Wrong: probabilities, in evaluation mode only."""

    def forward(self, x):
        x = super().forward(x)
        return x if self.training else x.softmax(1)


class Renamed(nn.Module):
    """Wrong: its layers have other names."""

    def __init__(self, in_channels=3, channels=16, image_size=32, features=64, classes=4):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(channels * (image_size // 2) ** 2, features), nn.ReLU(), nn.Linear(features, classes))

    def forward(self, x):
        return self.layers(x)


class NetworkWithView(Network):
    """Right: view in the place of flatten, pooling before the ReLU (the maximum is the same)."""

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 2).relu()
        return self.fc2(self.fc1(x.view(x.size(0), -1)).clamp(min=0))


def over_time(clips, weight, bias, *, before=None, after=0, flip=False, channels=None, times_bias=1, mean=False,
              end=lambda y: y, fill=0.0):
    """A convolution over time, tap by tap, put together from named parts."""
    kernel = weight.shape[2]
    weight = weight.flip(2) if flip else weight
    before = kernel - 1 - after if before is None else before
    ends = [(clips[:, :1] * fill).expand(-1, before, -1, -1, -1), (clips[:, :1] * fill).expand(-1, after, -1, -1, -1)]
    padded = torch.cat([ends[0], clips, ends[1]], 1)
    frames = padded.shape[1] - kernel + 1
    output = sum(torch.einsum("btchw,oc->btohw", padded[:, k:k + frames, :channels], weight[:, :channels, k])
                 for k in range(kernel))
    output = output / kernel if mean else output
    return end(output + times_bias * bias[:, None, None])


def over_time_by_conv3d(clips, weight, bias):
    """Right: a 3-D convolution of one pixel."""
    padded = F.pad(clips.transpose(1, 2), [0, 0, 0, 0, weight.shape[2] - 1, 0])
    return F.conv3d(padded, weight[..., None, None], bias).transpose(1, 2)


def over_time_by_windows(clips, weight, bias):
    """Right: all windows as a view, one einsum."""
    zeros = clips.new_zeros(len(clips), weight.shape[2] - 1, *clips.shape[2:])
    windows = torch.cat([zeros, clips], 1).unfold(1, weight.shape[2], 1)  # (B, T, C, H, W, K)
    return torch.einsum("btchwk,ock->btohw", windows, weight) + bias.view(-1, 1, 1)


def over_time_of_rows(clips, weight, bias, *, permuted=True, unflatten=lambda y, B, H, W: y.unflatten(0, (B, H, W))):
    """Wrong, but for its defaults: each pixel a sequence, the axes laid out or put back in another way."""
    B, T, C, H, W = clips.shape
    pixels = clips.permute(0, 3, 4, 2, 1) if permuted else clips
    output = F.conv1d(F.pad(pixels.reshape(-1, C, T), [weight.shape[2] - 1, 0]), weight, bias)
    return unflatten(output, B, H, W).permute(0, 4, 3, 1, 2) if permuted else output.reshape(B, T, -1, H, W)


def over_time_of_all(clips, weight, bias):
    """Wrong: all clips as one long one."""
    return over_time(clips.flatten(0, 1)[None], weight, bias)[0].unflatten(0, clips.shape[:2])


def over_time_by_shifts(clips, weight, bias):
    """Wrong where the kernel is longer than the clip: a negative end of a slice counts from behind."""
    output = bias[:, None, None].expand(*clips.shape[:2], -1, *clips.shape[3:]).clone()
    for k in range(weight.shape[2]):
        back = weight.shape[2] - 1 - k
        output[:, back:] += torch.einsum("btchw,oc->btohw", clips[:, :clips.shape[1] - back], weight[:, :, k])
    return output


def over_time_without_gradients(clips, weight, bias):
    with torch.no_grad():
        return over_time(clips, weight, bias)


def looked(net, inputs, classes, *, of="chosen", size=torch.abs, channels=lambda g: g.amax(-3), copy=True, scale=1,
           backward=False, times=False):
    """Saliency, put together from named parts."""
    inputs = inputs.detach().clone().requires_grad_() if copy else inputs.requires_grad_()
    logits = net(inputs)
    rows = torch.arange(len(inputs))
    value = {"chosen": lambda: logits[rows, classes], "all": lambda: logits, "best": lambda: logits.amax(1),
             "likely": lambda: logits.softmax(1)[rows, classes],
             "every": lambda: logits[:, classes], "loss": lambda: F.cross_entropy(logits, classes)}[of]().sum() * scale
    if backward:
        value.backward()
        gradient = inputs.grad
    else:
        (gradient,) = torch.autograd.grad(value, inputs)
    gradient = gradient * inputs.detach() if times else gradient
    return channels(size(gradient)).detach()


def looked_and_cleared(net, inputs, classes):
    """Wrong: backward(), and then what stood in .grad is gone."""
    looks = looked(net, inputs, classes, backward=True)
    net.zero_grad()
    return looks


def looked_frozen(net, inputs, classes):
    """Wrong: the network learns no more."""
    return looked(net.requires_grad_(False), inputs, classes, backward=True)


def looked_in_eval(net, inputs, classes):
    return looked(net.eval(), inputs, classes)


def looked_and_thawed(net, inputs, classes):
    """Wrong: what was frozen before is not frozen any more."""
    looks = looked(net.requires_grad_(False), inputs, classes, backward=True)
    net.requires_grad_(True)
    return looks


def looked_with_a_gradient(net, inputs, classes):
    """Wrong: the caller's inputs keep a .grad."""
    looks = looked(net, inputs, classes, copy=False, backward=True)
    inputs.requires_grad_(False)
    net.zero_grad()
    return looks


def looked_on_and_off(net, inputs, classes):
    """Right: the inputs ask for gradients only meanwhile, if they did not before."""
    asked = inputs.requires_grad
    looks = looked(net, inputs, classes, copy=False)
    inputs.requires_grad_(asked)
    return looks


def looked_and_restored(net, inputs, classes):
    """Right: backward(), with the weights frozen meanwhile."""
    before = [p.requires_grad for p in net.parameters()]
    net.requires_grad_(False)
    looks = looked(net, inputs, classes, backward=True)
    for parameter, learns in zip(net.parameters(), before, strict=True):
        parameter.requires_grad_(learns)
    return looks


def looked_one_by_one(net, inputs, classes):
    """Right: a gradient for each input on its own, with torch.func."""
    def logit(x, k):
        return net(x[None])[0].gather(0, k[None])[0]

    gradients = [torch.func.grad(logit)(x.detach(), k) for x, k in zip(inputs, classes, strict=True)]
    return torch.stack(gradients).abs().max(dim=-3).values


def looked_by_one_hot(net, inputs, classes):
    """Right: a vector-Jacobian product with one-hot rows."""
    copy = inputs.detach().clone().requires_grad_()
    logits = net(copy)
    (gradient,) = torch.autograd.grad(logits, copy, F.one_hot(classes, logits.shape[1]).to(logits))
    return torch.maximum(gradient, -gradient).amax(-3)


def plain(n, k, s, p):
    return (n + 2 * p - k) // s + 1


def saliency_switched_off(network, inputs, classes):
    """Wrong: inputs that required gradients no longer do."""
    score = network(inputs.requires_grad_(True)).gather(1, classes[:, None]).sum()
    gradient, = torch.autograd.grad(score, inputs)
    inputs.requires_grad_(False)
    return gradient.abs().amax(-3)


def refuses_long_strides(size, kernel, stride=1, padding=0):
    """Wrong: one window fits, whatever the stride."""
    if stride > size + 2 * padding:
        raise ValueError("no window fits")
    return output_size(size, kernel, stride, padding)


RIGHT = {
    "cnn_features.output_size": {
        "counted": counted,
        "a kind of ValueError": refused_by_a_class,
        "divmod": sized(lambda n, k, s, p: divmod(n + 2 * p - k, s)[0] + 1),
    },
    "cnn_features.convolution_loops": {"einsum": convolved, "torch": F.conv2d, "kernel by kernel": one_kernel_at_a_time},
    "cnn_features.convolution": {"strided view": unfolded_by_strides, "fold": by_fold, "by the matrix": by_matrix},
    "cnn_features.receptive_field": {"from the end": field_from_the_end, "measured": field_measured,
                                     "products": field_by_products},
    "cnn_features.CNN": {"lazy": LazyNetwork, "view": NetworkWithView, "measured": MeasuredNetwork},
    "cnn_features.convolution_over_time": {"taps": over_time, "conv3d": over_time_by_conv3d, "windows": over_time_by_windows,
                                           "rows": over_time_of_rows},
    "cnn_features.saliency": {"one by one": looked_one_by_one, "one-hot": looked_by_one_hot,
                              "frozen meanwhile": looked_and_restored, "on and off": looked_on_and_off},
}

WRONG = {
    "cnn_features.output_size": {
        "refuses long strides": (refuses_long_strides, "no window fits"),
        "one too few": (sized(lambda n, k, s, p: (n + 2 * p - k) // s), "One too few"),
        "padding once": (sized(lambda n, k, s, p: (n + p - k) // s + 1), "both sides"),
        "one inside": (sized(lambda n, k, s, p: (n + 2 * p - k + 1) // s), "First count the steps"),
        "no padding": (sized(lambda n, k, s, p: (n - k) // s + 1), "padding is missing"),
        "no stride": (sized(lambda n, k, s, p: n + 2 * p - k + 1), "stride is missing"),
        "rounded up": (sized(lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1), "Round down"),
        "a float": (sized(lambda n, k, s, p: float(plain(n, k, s, p))), "int"),
        "rounded": (sized(lambda n, k, s, p: round((n + 2 * p - k) / s) + 1), "round()"),
        "no kernel": (sized(lambda n, k, s, p: (n + 2 * p) // s), "kernel is missing"),
        "refused by the result": (refused_by_the_result, "whatever the stride"),
        "padding not counted": (lambda n, k, s=1, p=0: plain(n, k, s, p) if k <= n else int("none"), "only there"),
        "another error": (lambda n, k, s=1, p=0: plain(n, k, s, p) if k <= n + 2 * p else [][0], "ValueError"),
        "refuses a fit": (lambda n, k, s=1, p=0: plain(n, k, s, p) if k < n + 2 * p else int("none"), "only there"),
        "refuses nothing": (sized(plain, refuses=False), "ValueError"),
        "refuses without a word": (refused_without_a_word, "says nothing"),
    },
    "cnn_features.convolution_loops": wrong_convolutions(),
    "cnn_features.convolution": {
        **{name: answer for name, answer in wrong_convolutions().items() if name != "no padding"},
        "rows of 27": (lambda *a: by_matrix(*a, rows=27), "bias (O,)"),
        "bias as a row": (lambda *a: by_matrix(*a, at=lambda b: b), "bias (O,)"),
        "bias as a picture": (lambda *a: by_matrix(*a, at=lambda b: b[:, None, None]), "bias (O,)"),
        "columns first": (lambda *a: by_matrix(*a, transposed=True, at=lambda b: b), "Expected shape"),
        "square only": (lambda x, w, b, s=1, p=0: convolved(x, w, b, s, p).flatten(2).unflatten(
            2, (-1, output_size(x.shape[2], w.shape[2], s, p))), "Expected shape"),
    },
    "cnn_features.receptive_field": {
        "no strides": (lambda layers: field(layers, strides=False), "strides are missing"),
        "own stride": (lambda layers: field(layers, early=True), "own stride"),
        "from 0": (lambda layers: field(layers, start=0), "Start from 1"),
        "product": (lambda layers: int(torch.tensor([k for k, _ in layers]).prod()), "do not multiply"),
        "reversed": (lambda layers: field(layers[::-1]), "From the first layer"),
        "strides added": (field_by(lambda jump, stride: jump + stride - 1), "strides multiply"),
        "last stride alone": (field_by(lambda jump, stride: stride), "*all* strides"),
        "whole kernels": (field_by(lambda jump, stride: jump * stride, more=0), "kernel - 1"),
        "squared": (field_by(lambda jump, stride: jump * stride ** 2), "numbers differ"),
        "a float": (lambda layers: float(field(layers)), "is an int"),
        "popped": (field_popped, "caller's list"),
        "kernels of 1 left out": (lambda layers: field([pair for pair in layers if pair[0] > 1]), "numbers differ"),
        "kernel times stride": (lambda layers: 1 + sum(k * s for k, s in layers), "kernel - 1"),
    },
    "cnn_features.CNN": {
        "as the article has it": (network(flatten=None, between=False, width=lambda c, s: s // 2), "shapes"),
        "no flatten": (network(flatten=None), "Two matrices do not fit"),
        "flattens the batch": (network(flatten=0), "Two matrices do not fit"),
        "nothing between": (network(between=False), "put the ReLU there"),
        "relu at the end": (network(last=torch.relu), "logits may be negative"),
        "softmax": (network(last=lambda x: x.softmax(1)), "no softmax"),
        "sigmoid": (network(last=torch.sigmoid), "no sigmoid"),
        "one size only": (network(width=lambda c, s: c * 16), "image_size"),
        "kept square": (network(width=lambda c, s: s * s), "fc1 takes all"),
        "half of the square": (network(width=lambda c, s: c * s // 2 ** 2), "fc1 takes all"),
        "global mean": (GlobalMean, "fc1 takes all"),
        "not pooled": (Unpooled, "fc1 takes all"),
        "16 maps": (network(width=lambda c, s: 16 * (s // 2) ** 2), "fc1 takes all"),
        "log-softmax": (network(last=lambda x: x.log_softmax(1)), "no logarithm"),
        "tanh": (network(last=torch.tanh), "no tanh"),
        "GELU": (Gelu, "no GELU"),
        "mean pooling": (MeanPooled, "takes the maximum"),
        "cut": (Dropped, "no gradient arrives"),
        "squeezed": (Squeezed, "batch of one"),
        "softmax in evaluation mode": (ProbableLater, "In evaluation mode"),
        "other names": (Renamed, "keep their names"),
    },
    "cnn_features.convolution_over_time": {
        "centred": (lambda x, w, b: over_time(x, w, b, after=(w.shape[2] - 1) // 2), "later frames"),
        "zeros behind": (lambda x, w, b: over_time(x, w, b, after=w.shape[2] - 1), "later frames"),
        "no padding": (lambda x, w, b: over_time(x, w, b, before=0), "As many frames come out"),
        "mirrored": (lambda *a: over_time(*a, flip=True), "You mirror the kernel"),
        "no bias": (lambda *a: over_time(*a, times_bias=0), "bias is missing"),
        "bias for each frame": (lambda x, w, b: over_time(x, w, b, times_bias=w.shape[2]), "not for each frame"),
        "first channel": (lambda *a: over_time(*a, channels=1), "all input channels"),
        "mean": (lambda *a: over_time(*a, mean=True), "not their mean"),
        "first frame repeated": (lambda *a: over_time(*a, fill=1.0), "stand zeros"),
        "channels first": (lambda *a: over_time(*a, end=lambda y: y.transpose(1, 2)), "time stands before channels"),
        "height and width": (lambda *a: over_time_of_rows(
            *a, unflatten=lambda y, B, H, W: y.unflatten(0, (B, W, H))), "Height and width"),
        "laid out anew": (lambda *a: over_time_of_rows(*a, permuted=False), "permute"),
        "one long clip": (over_time_of_all, "each clip stands alone"),
        "rectified": (lambda *a: over_time(*a, end=torch.relu), "No ReLU here"),
        "kernel longer than the clip": (over_time_by_shifts, "It raised"),
        "no gradients": (over_time_without_gradients, "No gradient reaches"),
        "weights detached": (lambda x, w, b: over_time(x, w.detach(), b), "reaches the weight"),
    },
    "cnn_features.saliency": {
        "switched off": (saliency_switched_off, "no longer do"),
        "no abs": (lambda *a: looked(*a, size=lambda g: g), "abs()"),
        "mean of channels": (lambda *a: looked(*a, channels=lambda g: g.mean(-3)), "not their mean"),
        "sum of channels": (lambda *a: looked(*a, channels=lambda g: g.sum(-3)), "not their sum"),
        "every channel": (lambda *a: looked(*a, channels=lambda g: g), "one number for each pixel"),
        "all logits": (lambda *a: looked(*a, of="all"), "all logits at once"),
        "softmax": (lambda *a: looked(*a, of="likely"), "before any softmax"),
        "likeliest class": (lambda *a: looked(*a, of="best"), "one to ask about is given"),
        "mean over the batch": (lambda n, x, k: looked(n, x, k, scale=1 / len(x)), "depend on its size"),
        "times the input": (lambda *a: looked(*a, times=True), "gradient times input"),
        "axis 1": (lambda *a: looked(*a, channels=lambda g: g.amax(1)), "dim=-3"),
        "backward": (lambda *a: looked(*a, backward=True), "torch.autograd.grad"),
        "every class": (lambda *a: looked(*a, of="every"), "Pair them"),
        "loss": (lambda *a: looked(*a, of="loss"), "differentiate a loss"),
        "norm": (lambda *a: looked(*a, channels=lambda g: g.norm(dim=-3)), "not their norm"),
        "abs last": (lambda *a: looked(*a, size=lambda g: g, channels=lambda g: g.amax(-3).abs()), "First abs()"),
        "squares": (lambda *a: looked(*a, size=torch.square), "not the square"),
        "divided by the largest": (lambda *a: looked(*a, channels=lambda g: g.amax(-3) / g.max()), "no maximum"),
        "squeezed": (lambda *a: looked(*a).squeeze(), "Expected shape"),
        "cleared": (looked_and_cleared, "is gone"),
        "frozen for good": (looked_frozen, "other weights frozen"),
        "thawed": (looked_and_thawed, "other weights frozen"),
        "a gradient of the inputs": (looked_with_a_gradient, "hold a .grad"),
        "eval for good": (looked_in_eval, "another mode"),
        "no copy": (lambda *a: looked(*a, copy=False), "work on a copy"),
    },
}
