"""Checks of chapter 3."""
from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions import cnn_features as reference

from . import Draw, Subject, Wrong, assert_close, check, gradients, is_close, may_change, written

# Sizes

COUNT = "A count of rows is an int: use //, not /, and no tensor."
SIZE_MISTAKES: list[tuple[Callable, str]] = [
    (lambda n, k, s, p: (n + 2 * p - k) / s + 1, COUNT),
    (lambda n, k, s, p: (n + 2 * p - k) // s, "One too few: the first window stands before any step is made. Add 1."),
    (lambda n, k, s, p: (n + p - k) // s + 1, "The padding is added on both sides: 2 * padding."),
    (lambda n, k, s, p: (n + 2 * p - k + 1) // s, "First count the steps that fit, (size + 2 padding - kernel) // stride; "
     "then add 1 for the window before the first step."),
    (lambda n, k, s, p: (n - k) // s + 1, "The padding is missing: it makes the input 2 * padding rows higher."),
    (lambda n, k, s, p: -((k - n - 2 * p) // s) + 1, "Round down: a window that does not fit whole is not computed."),
    (lambda n, k, s, p: round((n + 2 * p - k) / s) + 1, "Round down, with //: round() takes a window that does not fit whole."),
    (lambda n, k, s, p: (n + 2 * p) // s, "The kernel is missing: the last window begins kernel rows before the end."),
    (lambda n, k, s, p: n + 2 * p - k + 1, "The stride is missing: it says how many rows lie between two windows."),
]


def _assert_counts(subject: Subject, asked: list[tuple[int, ...]]) -> None:
    """Compares all counts at once: a mistake shows in some sizes and not in others."""
    counts = [subject(*sizes) for sizes in asked]
    mistakes = (([wrong(*sizes) for sizes in asked], hint) for wrong, hint in SIZE_MISTAKES)
    assert_close(counts, [reference.output_size(*sizes) for sizes in asked], mistakes=mistakes)
    if not all(isinstance(count, int) for count in counts):
        raise Wrong(hint=COUNT)


@check("cnn_features.output_size", points=2, hint="How often can the window step down before it leaves the input? Plus 1.")
def counts_the_windows(subject: Subject, draw: Draw) -> None:
    sizes = [(7, 40), (2, 6), (2, 4), (1, 3)]
    _assert_counts(subject, [tuple(int(draw.integers(*bounds)) for bounds in sizes) for _ in range(20)])
    assert_close(subject(9, 4), 6)


@check("cnn_features.output_size", points=1, hint="Raise a ValueError where kernel > size + 2 * padding, and only there.")
def says_so_where_no_window_fits(subject: Subject, draw: Draw) -> None:
    kernel = int(draw.integers(5, 9))
    for sizes in ((kernel - 3, kernel, 1, 1), (kernel - 1, kernel, 2, 0), (kernel - 4, kernel, 4, 1)):
        kinds, words = subject.probe(raised_by, *sizes)
        if "ValueError" not in kinds:
            raise Wrong(hint="A kernel larger than the padded input does not fit even once, whatever the stride: raise a "
                        "ValueError that says so. Compare those two, before any division.")
        if kinds[0] == "ValueError" and not words.strip():
            raise Wrong(hint='Your ValueError says nothing: put a sentence into it, raise ValueError("...").')
    _assert_counts(subject, [(kernel - 2, kernel, 1, 1), (kernel, kernel, 2, 0), (kernel, kernel, 3 * kernel, 0)])


def raised_by(function: Callable, *args: object) -> tuple[list[str], str]:
    """The names of the error that a call raises, its own and those of what it is a kind of, and its words; none where it
    returns."""
    try:
        function(*args)
    except NotImplementedError:
        raise
    except Exception as error:  # whatever it is, its names are the answer
        return [kind.__name__ for kind in type(error).__mro__], str(error)
    return [], ""


# Convolution, twice

CONVOLUTION_MISTAKES: list[tuple[Callable, str]] = [
    (lambda x, w, b, s, p: F.conv2d(x, w.flip(2, 3), b, s, p),
     "You mirror the kernel. Networks do not: they compute what mathematics calls a cross-correlation."),
    (lambda x, w, b, s, p: F.conv2d(x, w, None, s, p), "The bias is missing: one number for each output channel."),
    (lambda x, w, b, s, p: F.conv2d(x, w, b * w[0].numel(), s, p),
     "The bias is added once for each output, after the sum, not to each product."),
    (lambda x, w, b, s, p: F.conv2d(x, w, b * w.shape[1], s, p),
     "The bias is added once for each output, after the sum over the channels, not to each channel."),
    (lambda x, w, b, s, p: F.conv2d(x, w, -b, s, p), "The bias is added, not taken away."),
    (lambda x, w, b, s, p: F.conv2d(x, w, b, s, p).relu(), "No ReLU here: a convolution may be negative."),
    (lambda x, w, b, s, p: F.conv2d(F.pad(x, [p] * 4, mode="replicate") if p else x, w, b, s), "Around the image stand zeros."),
    (lambda x, w, b, s, p: F.conv2d(x[:, :1], w[:, :1], b, s, p), "Sum over all input channels, not only the first."),
    (lambda x, w, b, s, p: F.conv2d(x, w, None, s, p) / w[0].numel() + b[:, None, None],
     "A convolution is a sum of products, not their mean."),
    (lambda x, w, b, s, p: F.conv2d(x, w.transpose(2, 3), b, s, p), "Rows and columns of the kernel are exchanged."),
    (lambda x, w, b, s, p: F.conv2d(F.pad(x, [p] * 4), w, b)[
        :, :, :reference.output_size(x.shape[2], w.shape[2], s, p), :reference.output_size(x.shape[3], w.shape[3], s, p)],
     "The stride is missing: window (i, j) starts in row i * stride and column j * stride."),
]


def _convolves(subject: Subject, draw: Draw, sizes: Iterable[tuple[int, ...]]) -> None:
    """Asks for images of these sizes: batch, channels, height, width, maps, kernel, stride, padding."""
    for batch, channels, height, width, maps, kernel, stride, padding in sizes:
        images = draw.normal(batch, channels, height, width)
        weight, bias = draw.normal(maps, channels, kernel, kernel), draw.normal(maps)
        mistakes = ((wrong(images, weight, bias, stride, padding), hint) for wrong, hint in CONVOLUTION_MISTAKES)
        expected = F.conv2d(images, weight, bias, stride, padding)
        assert_close(subject(images, weight, bias, stride, padding), expected, mistakes=mistakes, atol=1e-4)


PLAIN = [(2, 3, 7, 6, 4, 3, 1, 0), (1, 2, 5, 6, 3, 2, 1, 0), (3, 2, 4, 5, 1, 3, 1, 0)]
STEPPED = [(2, 3, 7, 8, 4, 3, 2, 1), (3, 1, 9, 6, 2, 4, 3, 2), (2, 2, 5, 7, 5, 1, 2, 0)]


@check("cnn_features.convolution_loops", points=2, hint="One window times every kernel, summed over channel, row, column.")
def agrees_with_torch(subject: Subject, draw: Draw) -> None:
    _convolves(subject, draw, PLAIN)


@check("cnn_features.convolution_loops", points=2, hint="The window of output (i, j) is cut out of `padded`, `kernel` rows and "
       "columns from (i, j) times the stride on.")
def steps_by_the_stride_through_the_padded_image(subject: Subject, draw: Draw) -> None:
    _convolves(subject, draw, STEPPED)


@check("cnn_features.convolution", points=2, hint="One row of weights for each output channel times one column for each "
       "window; the bias (O,) stands in the row of its channel, so as (O, 1).")
def agrees_with_torch_(subject: Subject, draw: Draw) -> None:
    _convolves(subject, draw, [*PLAIN, (2, 3, 5, 9, 4, 3, 1, 1)])


@check("cnn_features.convolution", points=2, hint="unfold has already stepped and padded; only the last shape follows it.")
def also_with_stride_and_padding(subject: Subject, draw: Draw) -> None:
    _convolves(subject, draw, STEPPED)


# Receptive field

def _field(layers: list, *, start: int = 1, jump_first: bool = False, jumps: bool = True) -> int:
    field, jump = start, 1
    for kernel, stride in layers:
        if jump_first:
            jump *= stride
        field += (kernel - 1) * jump
        if jumps and not jump_first:
            jump *= stride
    return field


def _field_by(layers: list, jumps: Callable, more: int = 1) -> int:
    field, jump = 1, 1
    for kernel, stride in layers:
        field, jump = field + (kernel - more) * jump, jumps(jump, stride)
    return field


def _product(layers: list) -> int:
    return int(torch.tensor([kernel for kernel, _ in layers]).prod())


ADDED = "The strides multiply: behind strides of 2 and 3 one step is 6 pixels."
FIELD_MISTAKES: list[tuple[Callable, str]] = [
    (lambda layers: _field(layers, jumps=False),
     "The strides are missing: behind a stride of 2, one step is two pixels of the image."),
    (lambda layers: _field(layers, jump_first=True),
     "A layer's own stride widens the step of the layers after it, not of itself: first the field, then the jump."),
    (lambda layers: _field(layers, start=0), "Start from 1: with no layer, an output is one pixel."),
    (_product, "Fields add up, they do not multiply: each layer adds (kernel - 1) jumps."),
    (lambda layers: _field(layers[::-1]), "From the first layer to the last: only strides before a layer count for it."),
    (lambda layers: _field_by(layers, lambda jump, stride: jump + stride - 1), ADDED),
    (lambda layers: _field_by(layers, lambda jump, stride: jump + stride), ADDED),
    (lambda layers: _field_by(layers, lambda jump, stride: stride), "One step is the product of *all* strides before the "
     "layer, not of the last one alone."),
    (lambda layers: _field_by(layers, lambda jump, stride: jump * stride, more=0), "A kernel of 3 reaches two steps further "
     "than its first row: kernel - 1."),
    (lambda layers: 1 + sum(k * s for k, s in layers), "Each layer adds kernel - 1 steps, and each step is the product "
     "of all strides before it."),
]


@check("cnn_features.receptive_field", points=3, hint="Each layer adds (kernel - 1) steps of the product of earlier strides.")
def adds_up_layer_by_layer(subject: Subject, draw: Draw) -> None:
    # No pixel lies between the windows: else a field has holes.
    stacks = [[(int(draw.integers(3, 7)), int(draw.integers(2, 4))) for _ in range(n)] for n in (3, 4, 2, 3)]
    stacks += [[], [(2, 2), (1, 1), (3, 3), (3, 1), (2, 2)], [(3, 1), (1, 2), (3, 1), (2, 2)]]
    mistakes = (([wrong(layers) for layers in stacks], hint) for wrong, hint in FIELD_MISTAKES)
    fields, left = zip(*(subject.probe(field_and_layers, layers) for layers in stacks), strict=True)
    assert_close(list(fields), [reference.receptive_field(layers) for layers in stacks], mistakes=mistakes)
    if not all(isinstance(field, int | np.integer) for field in fields):
        raise Wrong(hint="The width of a field is an int: begin and go on with whole numbers, no floats and no tensors.")
    if list(left) != stacks:
        raise Wrong(hint="It changes the caller's list of layers: go through it with a loop, take nothing out.")


def field_and_layers(function: Callable, layers: list) -> tuple[object, list]:
    """What the function says of the layers, and what it leaves of their list."""
    return function(layers), layers


# The article's CNN

def with_weights(network_class: type, sizes: dict, weights: list[Tensor], images: Tensor) -> nn.Module | list:
    """The network with these weights; where its parameters have other shapes, those."""
    network = network_class(**sizes)
    if any(isinstance(parameter, nn.parameter.UninitializedParameter) for parameter in network.parameters()):
        network(images)  # lazy layers learn their shape here
    shapes = [list(parameter.shape) for parameter in network.parameters()]
    if shapes != [list(weight.shape) for weight in weights]:
        return shapes
    with torch.no_grad():
        for parameter, weight in zip(network.parameters(), weights, strict=True):
            parameter.copy_(weight)
    return network


def _cnn(*, between: Callable = torch.relu, last: Callable = lambda x: x, first: Callable = torch.relu,
         pool: Callable = F.max_pool2d) -> Callable:
    """The repaired network, with one named fault."""
    def forward(weights: list[Tensor], images: Tensor) -> Tensor:
        conv, conv_bias, fc1, fc1_bias, fc2, fc2_bias = weights
        x = pool(first(F.conv2d(images, conv, conv_bias, padding=1)), 2)
        return last(F.linear(between(F.linear(x.flatten(1), fc1, fc1_bias)), fc2, fc2_bias))
    return forward


CNN_MISTAKES: list[tuple[Callable, str]] = [
    (_cnn(between=lambda x: x), "Two linear layers with nothing between them are one linear layer: put the ReLU there."),
    (_cnn(last=torch.relu), "A ReLU after the last layer: logits may be negative."),
    (_cnn(last=lambda x: x.softmax(1)), "Return logits: no softmax in the network."),
    (_cnn(last=torch.sigmoid), "Return logits: no sigmoid in the network."),
    (_cnn(last=lambda x: x.log_softmax(1)), "Return logits: no softmax in the network, and no logarithm of one."),
    (_cnn(last=lambda x: x.softmax(0)), "Return logits: no softmax in the network, least of all over the batch."),
    (_cnn(last=torch.tanh), "Return logits: no tanh in the network."),
    (_cnn(between=F.gelu), "Between the linear layers stands a ReLU, as in the rest of the network, no GELU."),
    (_cnn(between=torch.sigmoid), "Between the linear layers stands a ReLU, no sigmoid."),
    (_cnn(between=torch.tanh), "Between the linear layers stands a ReLU, no tanh."),
    (_cnn(first=lambda x: x), "The ReLU behind the convolution was right: keep it."),
    (_cnn(pool=F.avg_pool2d), "The pooling takes the maximum: it was right, keep it."),
]


def _draw_cnn(draw: Draw, size: int) -> tuple[dict, list[Tensor]]:
    sizes = {"in_channels": 2, "channels": 3, "image_size": size, "features": 7, "classes": 5}
    shapes = [(3, 2, 3, 3), (3,), (7, 3 * (size // 2) ** 2), (7,), (5, 7), (5,)]
    return sizes, [draw.normal(*shape, std=0.5) for shape in shapes]


def _made(subject: Subject, sizes: dict, weights: list[Tensor], images: Tensor) -> Subject:
    network = subject.probe(with_weights, sizes, weights, images)
    if not isinstance(network, Subject):
        raise Wrong(hint=f"Its parameters have other shapes than the repaired network's: {_misfit(network, weights)} For "
                    f"{sizes} yours are {network}.")
    return network


def _misfit(shapes: list, weights: list[Tensor]) -> str:
    """What is wrong with these shapes of parameters."""
    if len(shapes) != len(weights):
        return "there are three layers with a weight and a bias each, conv1, fc1 and fc2."
    if shapes[:2] != [list(weight.shape) for weight in weights[:2]]:
        return "conv1 goes from in_channels to channels, with kernels of 3 x 3."
    if shapes[2][1:] != list(weights[2].shape[1:]):
        return "fc1 takes all that is left of an image, channels * (image_size // 2) ** 2 numbers."
    return "fc1 gives features numbers, and fc2 makes classes of them."


@check("cnn_features.CNN", points=2, hint="Flatten all axes but the batch before the first linear layer.")
def gives_one_row_of_logits_for_each_image(subject: Subject, draw: Draw) -> None:
    sizes, weights = _draw_cnn(draw, 8)
    for batch in (4, 1):
        images = draw.normal(batch, 2, 8, 8)
        assert_close(list(_made(subject, sizes, weights, images)(images).shape), [batch, 5], mistakes=[
            ([5], "A batch of one image is a batch, too: no squeeze().")])


@check("cnn_features.CNN", points=2, hint="Flatten, fc1, ReLU, fc2: in this order.")
def computes_what_the_repaired_network_computes(subject: Subject, draw: Draw) -> None:
    sizes, weights = _draw_cnn(draw, 8)
    images = draw.normal(4, 2, 8, 8)
    network = _made(subject, sizes, weights, images)
    mistakes = ((wrong(weights, images), hint) for wrong, hint in CNN_MISTAKES)
    assert_close(network(images), _cnn()(weights, images), mistakes=mistakes)
    right = gradients(with_weights(reference.CNN, sizes, weights, images), images)
    slopes = network.probe(gradients, images)
    if not is_close([slope.sum() for slope in slopes.values()], [slope.sum() for slope in right.values()], rtol=1e-3):
        raise Wrong(hint="Its logits are right, but no gradient arrives at its weights: it could not be trained. Is there a "
                    "detach(), .data or no_grad()?")
    if not {"conv1", "fc1", "fc2"} <= set(network.probe(layer_names)):
        raise Wrong(hint="It computes the right thing, but its layers keep their names: conv1, fc1, fc2.")
    if not is_close(network.probe(in_evaluation, images), _cnn()(weights, images)):
        raise Wrong(hint="In evaluation mode it gives something else than in training mode. It gives logits in both: nothing "
                    "in it depends on `self.training`.")


def layer_names(network: nn.Module) -> list[str]:
    """The names under which a network holds what it learns."""
    return [name.partition(".")[0] for name, _ in network.named_parameters(remove_duplicate=False)]


def in_evaluation(network: nn.Module, images: Tensor) -> Tensor:
    """What it gives in evaluation mode."""
    return network.eval()(images).detach()


@check("cnn_features.CNN", points=1, hint="Compute fc1's width from image_size: no number that fits one size only.")
def works_at_other_sizes(subject: Subject, draw: Draw) -> None:
    for size in (12, 6):
        sizes, weights = _draw_cnn(draw, size)
        images = draw.normal(4, 2, size, size)
        assert_close(list(_made(subject, sizes, weights, images)(images).shape), [4, 5])


# A convolution over time

def _over_time(clips: Tensor, weight: Tensor, bias: Tensor | None, *, after: int = 0, fill: str = "constant") -> Tensor:
    """The convolution, with `after` of its K - 1 frames of padding behind the last frame."""
    x, before = clips.transpose(1, 2), weight.shape[2] - 1 - after
    B, C, T, H, W = x.shape
    padded = F.pad(x.reshape(B, C, T, H * W), [0, 0, before, after], mode=fill).unflatten(3, (H, W))
    return F.conv3d(padded, weight[..., None, None], bias).transpose(1, 2)


def _pixels_as_they_lie(clips: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    B, T, C, H, W = clips.shape
    padded = F.pad(clips.reshape(-1, C, T), [weight.shape[2] - 1, 0])
    return F.conv1d(padded, weight, bias).reshape(B, T, len(weight), H, W)


def _one_long_clip(clips: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return _over_time(clips.flatten(0, 1)[None], weight, bias)[0].unflatten(0, clips.shape[:2])


FUTURE = "It sees later frames: all K - 1 frames of zeros stand before the first, none behind the last."
ORDER = ("The axes are laid out anew where they should change places: permute to (B, H, W, C, T) before you flatten, and back "
         "afterwards.")
TIME_MISTAKES: list[tuple[Callable, str]] = [
    (lambda x, w, b: _over_time(x, w, b, after=(w.shape[2] - 1) // 2), FUTURE),
    (lambda x, w, b: _over_time(x, w, b, after=w.shape[2] // 2), FUTURE),
    (lambda x, w, b: _over_time(x, w, b, after=w.shape[2] - 1), FUTURE),
    (lambda x, w, b: _over_time(x, w, b)[:, w.shape[2] - 1:],
     "As many frames come out as go in: K - 1 frames of zeros stand before the first."),
    (lambda x, w, b: _over_time(x, w.flip(2), b), "You mirror the kernel. Its last weight meets the frame itself, the first "
     "one the earliest frame."),
    (lambda x, w, b: _over_time(x, w, None), "The bias is missing: one number for each output channel."),
    (lambda x, w, b: _over_time(x, w, b * w.shape[2]), "The bias is added once for each output, not for each frame it sees."),
    (lambda x, w, b: _over_time(x, w, b * w[0].numel()), "The bias is added once for each output, not to each product."),
    (lambda x, w, b: _over_time(x[:, :, :1], w[:, :1], b), "Sum over all input channels, not only the first."),
    (lambda x, w, b: _over_time(x, w / w.shape[2], b), "A convolution is a sum of products, not their mean."),
    (lambda x, w, b: _over_time(x, w, b, fill="replicate"), "Before the first frame stand zeros, not the first frame again."),
    (lambda x, w, b: _over_time(torch.cat([x[:, 1 - w.shape[2]:], x], 1), w, b)[:, -x.shape[1]:],
     "Before the first frame stand zeros, not the last frames of the clip."),
    (lambda x, w, b: _over_time(x, w, b).transpose(1, 2), "Outside, time stands before channels: (B, T, O, H, W)."),
    (lambda x, w, b: _over_time(x, w, b).transpose(3, 4), "Height and width are exchanged on the way back."),
    (lambda x, w, b: _over_time(x, w, b).flatten(3).unflatten(3, (x.shape[4], x.shape[3])),
     "Height and width are exchanged on the way back."),
    (lambda x, w, b: _over_time(x, w, b).relu(), "No ReLU here: a convolution may be negative."),
    (_one_long_clip, "The first frames of a clip see the last ones of the clip before it: each clip stands alone."),
    (_pixels_as_they_lie, ORDER),
]
SIZES = [(2, 5, 3, 3, 4, 2, 3), (3, 4, 1, 2, 3, 4, 2), (1, 6, 2, 4, 2, 3, 4), (2, 3, 2, 2, 3, 3, 1), (2, 3, 2, 3, 2, 1, 5)]


def over_time_with(function: Callable, clips: Tensor, weight: Tensor, bias: Tensor, by: Tensor) -> dict:
    """What the function gives, and the gradient of its sum weighted `by`, for each of its arguments: 0 where none comes."""
    free = [one.requires_grad_() for one in (clips, weight, bias)]
    found = function(*free)
    slopes = [torch.zeros_like(one) for one in free]
    if found.requires_grad and found.shape == by.shape:
        grads = torch.autograd.grad((found * by).sum(), free, allow_unused=True)
        slopes = [zero if one is None else one for zero, one in zip(slopes, grads, strict=True)]
    return {"found": found.detach(), "slopes": slopes}


def _drawn_over_time(draw: Draw, batch: int, frames: int, channels: int, height: int, width: int, maps: int,
                     kernel: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Clips, weight, bias, and something of the output's shape."""
    return (draw.normal(batch, frames, channels, height, width), draw.normal(maps, channels, kernel), draw.normal(maps),
            draw.normal(batch, frames, maps, height, width))


@check("cnn_features.convolution_over_time", points=3, hint="At each pixel a conv1d over the frames, with K - 1 zeros before "
       "the first one. Where are T, C, H and W when it is called?")
def sums_the_last_frames_at_each_pixel(subject: Subject, draw: Draw) -> None:
    for sizes in [SIZES[0], *SIZES]:  # two calls of one size behind each other: nothing is kept between them
        drawn = _drawn_over_time(draw, *sizes)
        mistakes = ((wrong(*drawn[:3]), hint) for wrong, hint in TIME_MISTAKES)
        assert_close(subject.probe(over_time_with, *drawn)["found"], _over_time(*drawn[:3]), mistakes=mistakes, atol=1e-4)


@check("cnn_features.convolution_over_time", points=1, hint="Gradients pass through: no no_grad(), detach() or .data.")
def and_passes_on_gradients(subject: Subject, draw: Draw) -> None:
    drawn = _drawn_over_time(draw, *SIZES[0])
    found = subject.probe(over_time_with, *drawn)
    free = [one.clone().requires_grad_() for one in drawn[:3]]
    right = _over_time(*free)
    if not is_close(found["found"], right.detach(), atol=1e-4):
        raise Wrong(hint="First its values: then its gradients are looked at.")
    expected = torch.autograd.grad((right * drawn[3]).sum(), free)
    for slope, wanted, name in zip(found["slopes"], expected, ("the clips", "the weight", "the bias"), strict=True):
        assert_close(slope, wanted, atol=1e-3, mistakes=[(torch.zeros_like(wanted), f"No gradient reaches {name}: no "
                                                          "no_grad(), detach() or .data.")])


# Saliency

may_change("cnn_features.saliency", "written")  # `leaves_nothing_behind` looks at the inputs itself, and says it better


def small_network(first: Tensor, second: Tensor) -> nn.Sequential:
    """Whatever its input's axes, a network with one hidden layer and these weights; no biases."""
    hidden = nn.Linear(first.shape[1], first.shape[0], bias=False)
    last = nn.Linear(second.shape[1], second.shape[0], bias=False)
    with torch.no_grad():
        hidden.weight.copy_(first)
        last.weight.copy_(second)
    return nn.Sequential(nn.Flatten(), hidden, nn.Tanh(), last)


def saliency_with(function: Callable, first: Tensor, second: Tensor, inputs: Tensor, classes: Tensor) -> Tensor:
    """The saliency that `function` finds for the small network."""
    return function(small_network(first, second), inputs, classes)


def left_behind(function: Callable, first: Tensor, second: Tensor, inputs: Tensor, classes: Tensor,
                held: list[Tensor], asks: bool = False) -> dict:
    """What a call leaves: the inputs, whether they ask for gradients, their gradient, and those that the network held before.
    The network is in evaluation mode, and its first layer frozen."""
    network = small_network(first, second).eval()
    network[1].requires_grad_(False)
    inputs.requires_grad_(asks)
    for parameter, gradient in zip(network.parameters(), held, strict=True):
        parameter.grad = gradient.clone()
    looks = function(network, inputs, classes)
    gradient, *kept = [torch.zeros_like(x) if x.grad is None else x.grad for x in (inputs, *network.parameters())]
    return {"looks": looks.detach(), "inputs": inputs.detach(), "asks": inputs.requires_grad, "gradient": gradient,
            "kept": kept}


def _gradient(first: Tensor, second: Tensor, inputs: Tensor, of: Callable) -> Tensor:
    inputs = inputs.clone().requires_grad_()
    return torch.autograd.grad(of(small_network(first, second)(inputs)), inputs)[0]


def _saliency_mistakes(first: Tensor, second: Tensor, inputs: Tensor, classes: Tensor) -> list[tuple[Tensor, str]]:
    def chosen(logits: Tensor) -> Tensor:
        return logits.gather(1, classes[:, None]).sum()

    right = _gradient(first, second, inputs, chosen)
    everything = _gradient(first, second, inputs, lambda logits: logits.sum())
    crossed = _gradient(first, second, inputs, lambda logits: logits[:, classes].sum())
    likely = _gradient(first, second, inputs, lambda logits: chosen(logits.softmax(1)))
    best = _gradient(first, second, inputs, lambda logits: logits.amax(1).sum())
    same = _gradient(first, second, inputs, lambda logits: logits[:, classes[0]].sum())
    loss = _gradient(first, second, inputs, lambda logits: F.cross_entropy(logits, classes, reduction="sum"))
    return [
        (right.amax(-3), "The size of the gradient counts: a pixel that lowers the logit matters too. Take abs() first."),
        (right.abs().mean(-3), "The largest value over the channels, not their mean."),
        (right.abs().sum(-3), "The largest value over the channels, not their sum."),
        (right.abs(), "Take the largest value over the channels: one number for each pixel."),
        (everything.abs().amax(-3), "You ask about all logits at once; pick that of the given class for each input."),
        (crossed.abs().amax(-3), "logits[:, classes] picks, for each input, the classes of all inputs. Pair them: gather, or "
         "logits[rows, classes]."),
        (likely.abs().amax(-3), "You differentiate a probability. Ask about the logit, before any softmax."),
        (loss.abs().amax(-3), "You differentiate a loss. Ask about the logit of the class itself."),
        (loss.abs().amax(-3) / len(inputs), "You differentiate a loss. Ask about the logit of the class itself."),
        (right.norm(dim=-3), "The largest value over the channels, not their norm."),
        (right.square().amax(-3), "The size, abs(), not the square."),
        (right.amax(-3).abs(), "First abs(), then the largest: a pixel that lowers the logit matters too."),
        (right.relu().amax(-3), "The size of the gradient counts: a pixel that lowers the logit matters too. Take abs()."),
        (right.abs().amax(-3) / right.abs().amax(), "The size itself: divide by no maximum."),
        (best.abs().amax(-3), "You ask about the likeliest class; the one to ask about is given."),
        (same.abs().amax(-3), "You ask every input about the first one's class: each has its own."),
        (right.abs().amax(-3) / len(inputs), "The mean over the batch makes every map depend on its size: sum the logits."),
        ((right * inputs).abs().amax(-3), "This is gradient times input. Asked for is the gradient alone."),
    ]


def _drawn(draw: Draw, *shape: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The weights of a small network, inputs of this shape, and a class for each."""
    inputs, classes = draw.normal(*shape), draw.integers(0, 5, shape[0])
    return draw.normal(9, inputs[0].numel(), std=0.3), draw.normal(5, 9), inputs, classes


def _is_saliency(mine: object, drawn: tuple) -> bool:
    """Whether this is the saliency, or what one of the known mistakes gives, which has cost its points already."""
    first, second, inputs, classes = drawn
    right = reference.saliency(small_network(first, second), inputs, classes)
    return is_close(mine, right) or any(is_close(mine, wrong) for wrong, _ in _saliency_mistakes(*drawn)
                                        if wrong.shape[-2:] == right.shape[-2:] and wrong.ndim >= right.ndim)


@check("cnn_features.saliency", points=3, hint="The gradient of each input's own class logit, its size, the largest channel.")
def the_size_of_the_gradient_of_the_class(subject: Subject, draw: Draw) -> None:
    for shape in ((4, 3, 5, 5), (1, 2, 4, 3), (3, 1, 3, 4)):
        drawn = _drawn(draw, *shape)
        first, second, inputs, classes = drawn
        expected = reference.saliency(small_network(first, second), inputs, classes)
        assert_close(subject.probe(saliency_with, *drawn), expected, mistakes=_saliency_mistakes(*drawn))


@check("cnn_features.saliency", points=1, hint="Clips have one axis more: count the channel axis from the end, dim=-3.")
def works_for_clips_too(subject: Subject, draw: Draw) -> None:
    for shape in ((3, 4, 2, 3, 3), (1, 3, 3, 2, 4)):
        drawn = _drawn(draw, *shape)
        mine = subject.probe(saliency_with, *drawn)
        if not _is_saliency(mine, drawn):
            first, second, inputs, classes = drawn
            assert_close(mine, reference.saliency(small_network(first, second), inputs, classes))


@check("cnn_features.saliency", points=1,
       hint="Differentiate a copy (detach, clone) with torch.autograd.grad: backward() would fill the .grad of every weight.")
def leaves_nothing_behind(subject: Subject, draw: Draw) -> None:
    drawn = _drawn(draw, 2, 3, 4, 4)
    held = [draw.normal(*weight.shape) for weight in drawn[:2]]
    left = subject.probe(left_behind, *drawn, held)
    if not _is_saliency(left["looks"], drawn):  # else who does nothing at all would leave nothing
        assert_close(left["looks"], reference.saliency(small_network(*drawn[:2]), *drawn[2:]))
    if not is_close(left["inputs"], drawn[2]):
        raise Wrong(hint="The caller's images have changed: work on a copy, inputs.detach().clone().")
    if left["asks"]:
        raise Wrong(hint="The caller's images now require gradients: work on a copy, inputs.detach().clone().")
    if not is_close(left["gradient"], torch.zeros_like(drawn[2])):
        raise Wrong(hint="The caller's images now hold a .grad: work on a copy, inputs.detach().clone().")
    for kept, before in zip(left["kept"], held, strict=True):
        if is_close(kept, torch.zeros_like(kept)):
            raise Wrong(hint="What stood in the network's .grad is gone: no zero_grad() and no backward(), torch.autograd.grad "
                        "leaves it alone.")
        if not is_close(kept, before):
            raise Wrong(hint="The network's .grad has changed. Differentiate a copy (detach, clone) with torch.autograd.grad: "
                        "backward() fills the .grad of every weight.")
    if not subject.probe(left_behind, *drawn, held, asks=True)["asks"]:
        raise Wrong(hint="The caller's images required gradients, and no longer do: work on a copy, inputs.detach().clone().")


written("cnn_features.what_time_adds", points=3, rubric="""
- 1 point: the mean of frame features does not depend on the order of the frames, a clip and its reverse hold the same
  frames, so both get the same answer and the accuracy is 50 % whatever the training.
- 1 point: a convolution over time weighs neighbouring frames differently, so order changes its output.
- 1 point: a test that takes order or motion away (shuffled, reversed or frozen frames) and what is to be expected of it.
""")
