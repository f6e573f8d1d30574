"""StyleGAN2 against per-sample convolutions, closed forms, finite differences, and a tiny run."""
import math

import pytest
import torch
import torch.nn.functional as F

from clipkit import ClipSet
from solutions.models.stylegan2 import PathLength, recipe
from solutions.stylegan2 import (
    EqualizedConv,
    EqualizedLinear,
    MappingNetwork,
    StyledConv,
    StyleDiscriminator,
    StyleGenerator,
    doubled,
    mix_styles,
    modulated_conv,
    path_lengths,
    path_penalty,
    style_step,
)
from solutions.training.gan_step import Batch
from solutions.training.settings import Hooks, Settings
from solutions.training.train import fit


def generator(size=16, **options):
    torch.manual_seed(0)
    return StyleGenerator(size, 1, **({"nz": 8, "depth": 2, "width": 4, "max_width": 8} | options))


def per_sample(x, weight, style, demodulate):
    """Equations 1 and 3 of the paper as they stand: other weights for each sample."""
    outs = []
    for image, factors in zip(x, style, strict=True):
        own = weight * factors[None, :, None, None]
        if demodulate:
            own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        outs.append(F.conv2d(image[None], own, padding=weight.shape[-1] // 2))
    return torch.cat(outs)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("demodulate", [True, False])
def test_modulation_equals_other_weights_for_each_sample(kernel, demodulate):
    rng = torch.Generator().manual_seed(0)
    x, weight = torch.randn(3, 5, 6, 7, generator=rng), torch.randn(4, 5, kernel, kernel, generator=rng)
    style = torch.randn(3, 5, generator=rng)
    ours = modulated_conv(x, weight, style, demodulate=demodulate)
    torch.testing.assert_close(ours, per_sample(x, weight, style, demodulate), atol=1e-5, rtol=1e-4)


def test_gradients_of_the_modulated_convolution_twice():
    double = {"dtype": torch.float64, "requires_grad": True}
    inputs = torch.randn(2, 2, 3, 3, **double), torch.randn(2, 2, 3, 3, **double), torch.randn(2, 2, **double)
    assert torch.autograd.gradcheck(modulated_conv, inputs)
    assert torch.autograd.gradgradcheck(modulated_conv, inputs)  # path lengths are differentiated twice


def test_demodulation_forgets_the_size_of_a_style_and_keeps_variance():
    torch.manual_seed(0)
    x, weight, style = torch.randn(64, 16, 12, 12), torch.randn(8, 16, 3, 3), torch.rand(64, 16) * 5 + 0.1
    out = modulated_conv(x, weight, style)
    torch.testing.assert_close(modulated_conv(x, weight, 100 * style), out, atol=1e-4, rtol=1e-3)
    assert out[..., 1:-1, 1:-1].var().item() == pytest.approx(1, abs=0.05)  # inside, where no zeros are padded


def test_equalized_layers_start_as_kaimings_whatever_the_speed_and_learn_at_it():
    torch.manual_seed(0)
    x = torch.randn(4000, 256)
    for lr_scale in (1, 0.01):
        layer = EqualizedLinear(256, 64, bias=3.0, lr_scale=lr_scale)
        out = layer(x)
        assert out.mean().item() == pytest.approx(3, abs=0.1) and out.std().item() == pytest.approx(1, abs=0.05)
        with torch.no_grad():
            layer.bias += 0.1  # a step of Adam has the length of its learning rate
        assert (layer(x) - out).mean().item() == pytest.approx(0.1 * lr_scale, rel=1e-2)
    conv = EqualizedConv(32, 16, 3)
    assert conv(torch.randn(8, 32, 16, 16))[..., 1:-1, 1:-1].std().item() == pytest.approx(1, abs=0.05)


def test_only_the_direction_of_z_counts():
    torch.manual_seed(0)
    mapping, z = MappingNetwork(8, 2), torch.randn(5, 8)
    torch.testing.assert_close(mapping(7 * z), mapping(z), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(mapping(-z), mapping(z), atol=1e-2)
    pairs = torch.randn(5, 2, 8)
    torch.testing.assert_close(mapping(pairs)[:, 1], mapping(pairs[:, 1]))


def test_doubling_filters_with_1_3_3_1():
    impulse = torch.zeros(1, 1, 5, 5)
    impulse[0, 0, 2, 2] = 1
    row = torch.tensor([1.0, 3, 3, 1]) / 4
    assert torch.equal(doubled(impulse)[0, 0, 3:7, 3:7], torch.outer(row, row))
    assert doubled(impulse).sum() == 4


@pytest.mark.parametrize("size", [16, 32, 64])
def test_sizes_and_bounds(size):
    network = generator(size).eval()
    images = network(torch.randn(2, 8))
    assert images.shape == (2, 1, size, size) and images.abs().max() <= 1
    assert network.synthesis.num_styles == 2 * int(math.log2(size)) - 2
    assert StyleDiscriminator(size, 1, width=4, max_width=8)(images).shape == (2,)


def test_noise_is_new_in_training_fixed_in_evaluation_and_weighted_by_its_strength():
    torch.manual_seed(0)
    layer, x, w = StyledConv(3, 3, 8, 4), torch.randn(2, 3, 8, 8), torch.randn(2, 4)
    assert torch.equal(layer(x, w), layer(x, w))  # a strength of 0 at first
    layer.strength.data.fill_(1)
    assert not torch.equal(layer(x, w), layer(x, w))
    layer.eval()
    assert torch.equal(layer(x, w), layer(x, w))
    linear = lambda y: torch.where(y > 0, y, y / 0.2) / math.sqrt(2)  # the activation undone
    with_noise, layer.strength.data = layer(x, w), torch.tensor(0.0)
    torch.testing.assert_close(linear(with_noise) - linear(layer(x, w)), layer.noise.expand(2, 3, -1, -1), atol=1e-4, rtol=0)


def test_mixed_styles_change_over_where_said():
    first, second = torch.zeros(4, 3), torch.ones(4, 3)
    mixed = mix_styles(first, second, torch.tensor([0, 2, 5, 1]), 5)
    assert mixed.shape == (4, 5, 3)
    assert mixed[:, :, 0].tolist() == [[1] * 5, [0, 0, 1, 1, 1], [0] * 5, [0, 1, 1, 1, 1]]


def test_an_image_follows_each_style_in_its_layers_alone():
    """With the first layer's style exchanged all changes; with the last one's, only the last features and colours."""
    network = generator().eval()
    w = network.mapping(torch.randn(1, 8))[:, None].repeat(1, 6, 1)
    seen = {}
    for k, layer in enumerate(network.synthesis.layers):
        layer.register_forward_hook(lambda module, inputs, out, k=k: seen.setdefault(k, []).append(out))
    other = w.clone()
    other[:, 3] += 1
    network.synthesis(w), network.synthesis(other)
    assert [torch.equal(*seen[k]) for k in range(5)] == [True, True, True, False, False]


def test_two_z_are_mixed_with_the_last_of_a_round_unmixed():
    network = generator().eval()
    z = torch.randn(6, 2, 8)
    images = network(z)
    torch.testing.assert_close(images[5], network(z[5:, 0])[0], atol=1e-5, rtol=1e-4)  # crosses behind the last layer
    w = network.mapping(z[1])
    mixed = network.synthesis(torch.stack([w[0], w[0], w[1], w[1], w[1], w[1]])[None]).clamp(-1, 1)
    torch.testing.assert_close(images[1], mixed[0], atol=1e-5, rtol=1e-4)


def test_too_few_styles_are_refused():
    with pytest.raises(ValueError, match=r"expected \(B, 6, nw\).*got \(1, 3, 8\)"):
        generator().synthesis(torch.zeros(1, 3, 8))


def test_the_mean_of_w_follows_training_slowly_and_evaluation_not_at_all():
    network, expected = generator(), torch.zeros(8)
    with torch.no_grad():
        for z in torch.randn(4, 16, 8):
            network(z)
            expected = 0.995 * expected + 0.005 * network.mapping(z).mean(0)
    torch.testing.assert_close(network.mean_w, expected)
    network.eval()(torch.randn(16, 8))
    torch.testing.assert_close(network.mean_w, expected)


def test_truncation_goes_a_share_of_the_way_from_the_mean():
    network, z = generator().eval(), torch.randn(3, 8)
    network.mean_w.normal_()
    w = network.styles(z)
    torch.testing.assert_close(network(z, truncation=0.0), network(-z, truncation=0.0))
    expected = network.synthesis(network.mean_w + 0.3 * (w - network.mean_w)).clamp(-1, 1)
    torch.testing.assert_close(network(z, truncation=0.3), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(network(z), network(z, truncation=1.0))


def test_path_lengths_of_a_linear_synthesis_are_norms():
    r"""images = w A: J^T y is y A^T, so the lengths are known; over all y their squares average to \|A\|^2 / (H W)."""
    rng = torch.Generator().manual_seed(0)
    A = torch.randn(5, 3 * 4 * 2, generator=rng, dtype=torch.float64)
    w = torch.randn(2000, 1, 5, generator=rng, dtype=torch.float64, requires_grad=True)
    y = torch.randn(2000, 3, 4, 2, generator=rng, dtype=torch.float64)
    lengths = path_lengths((w @ A).view(-1, 3, 4, 2), w, y)
    torch.testing.assert_close(lengths, (y.flatten(1) @ A.T).norm(dim=1) / math.sqrt(8))
    assert lengths.square().mean().item() == pytest.approx(A.square().sum().item() / 8, rel=0.05)


def test_path_lengths_with_a_style_for_each_layer():
    """images = w_0 + 2 w_1 (+ 0 w_2): squared lengths 1, 4, 0 times |y|^2 / (H W), averaged over the layers."""
    w, y = torch.randn(3, 3, 16, requires_grad=True), torch.randn(3, 1, 4, 4)
    images = (w[:, 0] + 2 * w[:, 1]).view(3, 1, 4, 4)
    torch.testing.assert_close(path_lengths(images, w, y), (5 / 3 * y.square().sum((1, 2, 3)) / 16).sqrt())


def test_the_gradient_of_path_lengths_is_that_of_finite_differences():
    torch.manual_seed(0)
    w, y = torch.randn(2, 1, 3, dtype=torch.float64), torch.randn(2, 1, 2, 2, dtype=torch.float64)

    def lengths(A):
        leaf = w.clone().requires_grad_()
        return path_lengths(torch.tanh(leaf @ A).view(2, 1, 2, 2), leaf, y)

    assert torch.autograd.gradcheck(lengths, torch.randn(3, 4, dtype=torch.float64, requires_grad=True))


def test_the_path_penalty_is_lazy_weighted_and_follows_the_mean():
    network, z = generator(), torch.randn(8, 2, 8)
    hook, batch = PathLength(weight=2, every=3, decay=0.75), Batch(None, z)
    assert [bool(hook(network, None, batch, None)) for _ in range(6)] == [False, False, True, False, False, True]
    network.mean_path.fill_(10.0)
    hook = PathLength(weight=2, every=1, decay=0.75)
    torch.manual_seed(3)
    loss = hook(network, None, batch, None)["path"]
    torch.manual_seed(3)
    w = network.styles(z[::2, 0])
    images = network.synthesis(w)
    lengths = path_lengths(images, w, torch.randn_like(images))
    assert network.mean_path.item() == pytest.approx(7.5 + 0.25 * lengths.mean().item(), rel=1e-4)
    assert loss.item() == pytest.approx(2 * (lengths - network.mean_path).square().mean().item(), rel=1e-3)
    loss.backward()
    assert network.synthesis.layers[1].style.weight.grad.abs().sum() > 0
    assert network.mapping.layers[0].weight.grad.abs().sum() > 0


def test_the_mean_begins_with_the_first_length():
    network = generator()
    PathLength(every=1)(network, None, Batch(None, torch.randn(8, 2, 8)), None)
    first = network.mean_path.item()
    assert first > 0
    PathLength(every=1, decay=0.99)(network, None, Batch(None, torch.randn(8, 2, 8)), None)
    assert network.mean_path.item() == pytest.approx(first, rel=0.1)


def test_a_lazy_step_weighs_the_penalty_by_how_seldom_it_comes():
    """Over a round of steps the loss holds the penalty `every` times once: as if it were there in each."""
    judge, z, noise = StyleDiscriminator(16, 1, width=4, max_width=8), torch.randn(4, 2, 8), torch.randn(4, 1, 16, 16)
    losses = []
    for step, weight in ((0, 0.0), (0, 0.5), (1, 0.5)):
        network = generator()
        descent = torch.optim.SGD(network.parameters(), lr=0.0)
        torch.manual_seed(1)
        losses.append(style_step(network, judge, descent, z, noise, weight=weight, every=3, step=step).item())
    network = generator()
    torch.manual_seed(1)
    w = network.styles(z)
    penalty = path_penalty(path_lengths(network.synthesis(w), w, noise), torch.zeros(()))
    assert losses[2] == pytest.approx(losses[0], rel=1e-5)
    assert losses[1] - losses[0] == pytest.approx(1.5 * penalty.item(), rel=1e-3)


def test_the_goal_of_the_path_penalty_has_no_gradient():
    lengths, mean = torch.tensor([1.0, 3.0], requires_grad=True), torch.tensor(1.0)
    path_penalty(lengths, mean, 0.5).backward()
    assert mean.item() == 1.5 and not mean.requires_grad
    assert lengths.grad.tolist() == [-0.5, 1.5]


def test_the_discriminator_sees_a_batch_that_is_all_alike():
    torch.manual_seed(0)
    network, image = StyleDiscriminator(16, 1, width=4, max_width=8), torch.randn(1, 1, 16, 16)
    among_others = network(torch.cat([image, torch.randn(3, 1, 16, 16)]))[0]
    among_copies = network(image.expand(4, -1, -1, -1))[0]
    assert (among_others - among_copies).abs() > 1e-4


def test_a_tiny_one_learns_an_image_by_heart():
    image = torch.full((1, 1, 16, 16), -0.8)
    image[0, :, 2:8, 4:14] = 0.8
    torch.manual_seed(0)
    network, judge = generator(width=8, max_width=8), StyleDiscriminator(16, 1, width=4, max_width=8)
    settings = Settings(steps=200, batch=4, lr_g=2e-2, lr_d=5e-3, betas=(0, 0.99), penalty="r1", penalty_every=4, ema=0.8)
    error = lambda G: (G.eval()(z) - image).square().mean().sqrt()
    z = torch.randn(16, 8)
    before = error(network).item()
    ema = fit(network, judge, image, settings, hooks=Hooks(extra_g=PathLength(0.05, every=8))).ema
    assert error(ema) < 0.6 * image.std() < before


def test_a_seed_repeats_a_run():
    data = ClipSet(torch.rand(12, 1, 1, 16, 16))
    samples = []
    for seed in (0, 0, 1):
        torch.manual_seed(0)
        made = recipe(data, "smoke")
        samples.append(made.sample(made.train(seed=seed).ema, 2))
    assert torch.equal(samples[0], samples[1]) and not torch.equal(samples[0], samples[2])
