"""Averages, sizes, layouts and statistics of a batch against torch's own and closed forms."""
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from solutions.networks.layers import (
    channels_last,
    ema_copy,
    ema_decay,
    minibatch_stddev,
    num_doublings,
    num_parameters,
    update_ema,
)


def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


def test_a_size_is_four_doubled():
    assert [num_doublings(size) for size in (16, 32, 64, 128, 256)] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("size", [0, 4, 8, 24, 48, 100])
def test_another_size_is_refused_with_advice(size):
    with pytest.raises(ValueError, match="try 32 or 64"):
        num_doublings(size)


def test_parameters_are_counted_where_they_learn():
    model = network()
    assert num_parameters(model) == 3 * 4 * 9 + 4 + 2 * 4 + 4 * 2 + 2
    assert num_parameters(ema_copy(model)) == 0


def test_the_average_is_torchs():
    torch.manual_seed(0)
    model = network()
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    theirs.update_parameters(model)  # its first update copies
    ours = ema_copy(model)
    for _ in range(5):
        model(torch.randn(2, 3, 5, 5))  # moves the running statistics
        with torch.no_grad():
            for p in model.parameters():
                p.add_(torch.randn_like(p))
        theirs.update_parameters(model)
        update_ema(ours, model, 0.9)
    for name, value in theirs.module.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(ours.state_dict()[name], value)
    assert ours[1].num_batches_tracked == 5


def test_the_average_of_a_constant_is_the_constant_and_decay_zero_copies():
    model = network()
    ema = ema_copy(network())
    update_ema(ema, model, 0.0)
    for a, b in zip(ema.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(a, b.detach())
    update_ema(ema, model, 0.7)
    torch.testing.assert_close(ema[0].weight, model[0].weight.detach())
    assert not any(p.requires_grad for p in ema.parameters()) and not ema.training


def test_the_decay_rises_to_its_limit():
    decays = [ema_decay(0.999, step) for step in range(20_000)]
    assert decays[0] == 0.1 and decays == sorted(decays) and decays[-1] == 0.999


def test_the_layout_changes_and_the_result_does_not():
    for conv, x in ((nn.Conv2d(3, 4, 3), torch.randn(2, 3, 6, 6)), (nn.Conv3d(3, 4, 3), torch.randn(2, 3, 4, 6, 6))):
        before = conv(x)
        channels_last(conv)
        layout = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
        assert conv.weight.is_contiguous(memory_format=layout)
        torch.testing.assert_close(conv(x), before)


def test_alike_samples_have_no_deviation_and_the_number_is_the_mean_deviation():
    alike = torch.randn(1, 3, 4, 4).expand(8, -1, -1, -1)
    out = minibatch_stddev(alike)
    assert out.shape == (8, 4, 4, 4)
    torch.testing.assert_close(out[:, :3], alike)
    assert out[:, 3].max() < 1.1e-4  # the square root of 1e-8
    features = torch.randn(4, 3, 4, 4)
    expected = features.std(0, unbiased=False).mean()
    torch.testing.assert_close(minibatch_stddev(features)[:, 3], expected.expand(4, 4, 4), atol=1e-5, rtol=0)


def test_groups_do_not_see_each_other():
    features = torch.randn(8, 3)
    changed = features.clone()
    changed[0::2] += torch.randn(4, 3)  # one of two groups: every second sample
    before, after = minibatch_stddev(features), minibatch_stddev(changed)
    assert torch.equal(before[1::2], after[1::2]) and not torch.equal(before[0::2, 3], after[0::2, 3])


def test_the_deviation_of_clips_and_of_odd_batches():
    assert minibatch_stddev(torch.randn(2, 5, 3, 4, 4)).shape == (2, 6, 3, 4, 4)
    with pytest.raises(ValueError, match="multiple of the group's 4 samples, got 6"):
        minibatch_stddev(torch.randn(6, 3))
