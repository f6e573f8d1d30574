"""The latent flow: its parts in turn, its sampler, a tiny one that learns its clips, a run that is interrupted."""
import dataclasses

import pytest
import torch

from clipkit import MovingDigits
from solutions.after_gans import heun
from solutions.models import latent_flow
from solutions.models.latent_flow import (
    FlowRecipe,
    FlowSettings,
    LatentFlow,
    VelocityNetwork,
    fixed_codes,
    recipe,
)

DATA = MovingDigits(20, num_frames=4, size=16)


def model():
    torch.manual_seed(0)
    return LatentFlow(4, 1, 16, code=8, width=4, hidden=16, blocks=1)


def test_the_velocity_depends_on_code_and_time():
    torch.manual_seed(0)
    network = VelocityNetwork(6, width=16, blocks=2)
    x, t = torch.randn(5, 6), torch.linspace(0, 1, 5)
    assert torch.equal(network(x, t), torch.zeros(5, 6))  # at first
    torch.nn.init.normal_(network.leave.weight)
    assert network(x, t).shape == (5, 6)
    assert not torch.allclose(network(x, t), network(x, 1 - t))
    torch.testing.assert_close(network(x, t)[:2], network(x[:2], t[:2]))


def test_a_sample_is_noise_carried_to_a_code_and_decoded():
    flow = model().eval()
    torch.nn.init.normal_(flow.velocity.leave.weight)
    flow.mean += 0.5
    flow.std *= 2
    z = torch.randn(3, 8)
    codes = 0.5 + 2 * heun(flow.velocity, z, flow.steps)
    torch.testing.assert_close(flow(z), flow.autoencoder.decode(codes, 4))
    one_step = flow(z)
    flow.sampler, flow.steps = "euler", 1
    assert flow(z).shape == (3, 4, 1, 16, 16) and not torch.allclose(flow(z), one_step)


def test_codes_are_standardised_and_the_model_remembers_how():
    flow = model()
    codes = fixed_codes(flow, DATA.clips)
    torch.testing.assert_close(codes.mean(0), torch.zeros(8), atol=1e-4, rtol=0)
    torch.testing.assert_close(codes.std(0, unbiased=False), torch.ones(8), atol=1e-3, rtol=0)
    torch.testing.assert_close(codes * flow.std + flow.mean, flow.autoencoder.encode(DATA.clips))


def test_first_the_autoencoder_learns_then_the_velocity_alone():
    flow, settings = model(), FlowSettings(steps=8, autoencoder_share=0.5, clips=4, codes=8, ema=0.9)
    half = FlowRecipe(model(), DATA.clips, settings)
    seen = []
    original = latent_flow.fixed_codes

    def spy(flow, clips):
        seen.append([p.clone() for p in flow.autoencoder.parameters()])
        return original(flow, clips)

    latent_flow.fixed_codes = spy
    try:
        run = FlowRecipe(flow, DATA.clips, settings).train(seed=3)
    finally:
        latent_flow.fixed_codes = original
    assert len(seen) == 1  # codes are computed once
    trained = list(flow.autoencoder.parameters())
    assert all(torch.equal(p, q) for p, q in zip(seen[0], trained, strict=True))
    assert not torch.equal(trained[0], next(half.generator.autoencoder.parameters()))
    assert all(torch.equal(p, q) for p, q in zip(run.ema.autoencoder.parameters(), trained, strict=True))
    assert torch.equal(run.ema.mean, flow.mean)
    averaged, last = run.ema.velocity.leave.weight, flow.velocity.leave.weight
    assert averaged.abs().max() > 0 and not torch.equal(averaged, last)


@pytest.mark.parametrize("stop", [2, 5])
def test_an_interrupted_run_ends_at_the_same_weights(stop, tmp_path):
    """Whether it stops in the first part or in the second."""
    settings = FlowSettings(steps=8, autoencoder_share=0.5, clips=4, codes=8)
    whole = FlowRecipe(model(), DATA.clips, settings).train(seed=3)
    original, calls = latent_flow.draw, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == stop + 1:
            raise KeyboardInterrupt
        return original(*arguments)

    path = tmp_path / "run.pt"
    latent_flow.draw = interrupted
    try:
        with pytest.raises(KeyboardInterrupt):
            FlowRecipe(model(), DATA.clips, settings).train(seed=3, checkpoint=path)
    finally:
        latent_flow.draw = original
    resumed = FlowRecipe(model(), DATA.clips, settings).train(seed=3, checkpoint=path)
    for name, value in whole.ema.state_dict().items():
        torch.testing.assert_close(resumed.ema.state_dict()[name], value, atol=0, rtol=0, msg=name)
    assert resumed.history.done == 8


def test_a_tiny_flow_learns_two_clips():
    torch.manual_seed(0)
    two = DATA.clips[:2]
    settings = FlowSettings(steps=500, autoencoder_share=0.4, clips=8, codes=64, lr=4e-3, ema=0.98)
    made = FlowRecipe(LatentFlow(4, 1, 16, code=2, width=8, hidden=32, blocks=2), two, settings)
    samples = made.sample(made.train().ema, 32)
    distance, nearest = torch.cdist(samples.flatten(1), two.flatten(1)).min(1)
    apart = (two[0] - two[1]).norm()
    assert (distance < 0.4 * apart).float().mean() > 0.7 and len(nearest.unique()) == 2


def test_presets_are_settings_of_one_model():
    smoke = recipe(DATA, "smoke")
    assert smoke.settings.autoencoder_steps == 3
    assert dataclasses.replace(smoke.settings, steps=1).autoencoder_steps == 1
    assert recipe(DATA, "cpu").generator.nz == 96
