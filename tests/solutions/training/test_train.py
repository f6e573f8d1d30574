"""The trainer against gradients taken by hand, an uninterrupted run, and a joint batch on one process."""
import dataclasses
import itertools
import shutil
import socket

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from clipkit import ClipSet
from solutions.dcgan import Discriminator, Generator, dcgan_init
from solutions.gan_losses import discriminator_loss, eight_gaussians, generator_loss, modes_covered
from solutions.models.registry import MODELS, load, recipe
from solutions.stability import r1_penalty
from solutions.training.gan_step import Batch, Game, fast_at_bfloat16, fast_numbers, gan_step
from solutions.training.losses import LOSSES
from solutions.training.settings import PENALTIES, Hooks, Settings
from solutions.training.train import draw_batch, fit, set_up


class PointGenerator(nn.Sequential):
    nz = 4

    def __init__(self, width=16):
        super().__init__(nn.Linear(4, width), nn.Tanh(), nn.Linear(width, 2))


def critic(width=16):
    return nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1))


def networks(width=16):
    torch.manual_seed(0)
    return PointGenerator(width), critic(width)


def sgd_game(**settings):
    generator, discriminator = networks()
    optimizers = [torch.optim.SGD(network.parameters(), lr=0.1) for network in (generator, discriminator)]
    return Game(generator, discriminator, *optimizers, Settings(steps=10, **settings))


def weights(*modules):
    return [p.detach().clone() for module in modules for p in module.parameters()]


def assert_same(a, b, **tolerance):
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(x, y, **tolerance)


BATCH = Batch(torch.randn(8, 2, generator=torch.Generator().manual_seed(1)),
              torch.randn(8, 4, generator=torch.Generator().manual_seed(2)))


def test_a_step_is_d_downhill_and_then_g_downhill_against_the_new_d():
    game, (generator, discriminator) = sgd_game(), networks()
    measured = gan_step(game, BATCH)
    loss_d = discriminator_loss(discriminator(BATCH.real), discriminator(generator(BATCH.z)))
    gradients = torch.autograd.grad(loss_d, list(discriminator.parameters()))
    with torch.no_grad():
        for p, gradient in zip(discriminator.parameters(), gradients, strict=True):
            p -= 0.1 * gradient
    loss_g = generator_loss(discriminator(generator(BATCH.z)))
    gradients_g = torch.autograd.grad(loss_g, list(generator.parameters()))
    with torch.no_grad():
        for p, gradient in zip(generator.parameters(), gradients_g, strict=True):
            p -= 0.1 * gradient
    assert_same(weights(game.generator, game.discriminator), weights(generator, discriminator))
    torch.testing.assert_close(measured["loss_d"].detach(), loss_d.detach())
    torch.testing.assert_close(measured["loss_g"].detach(), loss_g.detach())
    torch.testing.assert_close(measured["grad_norm_g"], torch.cat([g.flatten() for g in gradients_g]).norm())
    assert all(p.requires_grad for p in game.discriminator.parameters())


def test_d_gets_no_gradient_from_gs_loss():
    game = sgd_game()
    gan_step(game, BATCH)
    after_step = [p.grad.clone() for p in game.discriminator.parameters()]
    game, reference = sgd_game(), networks()
    loss = discriminator_loss(reference[1](BATCH.real), reference[1](reference[0](BATCH.z)))
    assert_same(after_step, torch.autograd.grad(loss, list(reference[1].parameters())))


def test_a_lazy_penalty_is_the_penalty_times_its_interval():
    game, (generator, discriminator) = sgd_game(penalty="r1", penalty_weight=3.0, penalty_every=4), networks()
    loss = discriminator_loss(discriminator(BATCH.real), discriminator(generator(BATCH.z).detach()))
    loss = loss + 12.0 * r1_penalty(discriminator, BATCH.real)
    gradients = torch.autograd.grad(loss, list(discriminator.parameters()))
    gan_step(game, BATCH, step=4)
    assert_same([p.grad for p in game.discriminator.parameters()], gradients)
    plain, lazy = sgd_game(), sgd_game(penalty="r1", penalty_weight=3.0, penalty_every=4)
    gan_step(plain, BATCH, step=5)
    gan_step(lazy, BATCH, step=5)  # no multiple of 4
    assert_same(weights(plain.discriminator), weights(lazy.discriminator))


def test_clipping_bounds_both_steps():
    game = sgd_game(clip_norm=0.01)
    before = weights(game.generator), weights(game.discriminator)
    measured = gan_step(game, BATCH)
    for then, network in zip(before, (game.generator, game.discriminator), strict=True):
        moved = torch.cat([(a - b).flatten() for a, b in zip(then, weights(network), strict=True)]).norm()
        assert moved.item() == pytest.approx(0.001, rel=1e-3)  # lr 0.1 times the norm allowed
    assert measured["grad_norm_d"] > 0.01  # the norm before clipping


def test_r2_is_r1_at_the_fakes():
    game, (generator, discriminator) = sgd_game(penalty="r1_r2", penalty_weight=0.5), networks()
    fake = generator(BATCH.z).detach()
    loss = discriminator_loss(discriminator(BATCH.real), discriminator(fake))
    loss = loss + 0.5 * (r1_penalty(discriminator, BATCH.real) + r1_penalty(discriminator, fake))
    gradients = torch.autograd.grad(loss, list(discriminator.parameters()))
    gan_step(game, BATCH)
    assert_same([p.grad for p in game.discriminator.parameters()], gradients)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_loss_runs_with_every_penalty(loss, penalty):
    game = sgd_game(loss=loss, penalty=penalty, noise=0.1)
    before = weights(game.generator, game.discriminator)
    measured = gan_step(game, BATCH)
    assert all(value.isfinite() for value in measured.values())
    assert all(not torch.equal(a, b) for a, b in zip(before, weights(game.generator, game.discriminator), strict=True)
               if a.ndim == 2)


def test_hooks_add_losses_and_change_what_d_sees():
    seen = []

    def augment(samples, rng):
        seen.append(samples.shape)
        return samples.flip(1)

    extra_d = lambda generator, discriminator, batch, fake: {"size": 0.0 * fake.sum() + 2.0}
    extra_g = lambda generator, discriminator, batch, fake: {"size": fake.square().mean()}
    game = sgd_game()
    game.hooks = Hooks(augment=augment, extra_d=extra_d, extra_g=extra_g)
    measured = gan_step(game, BATCH)
    assert len(seen) == 3 and measured["size_d"] == 2 and measured["size_g"] > 0
    plain = sgd_game()
    gan_step(plain, BATCH)
    assert not torch.equal(plain.generator[2].weight, game.generator[2].weight)


def test_the_settings_reach_the_run(monkeypatch):
    rates, calls = [], []
    from solutions.training import train
    original = train.gan_step
    monkeypatch.setattr(train, "gan_step", lambda game, batch, step: (
        rates.append((game.optimizer_g.param_groups[0]["lr"], game.optimizer_d.param_groups[0]["lr"])),
        original(game, batch, step))[1])
    update = train.discriminator_update
    monkeypatch.setattr(train, "discriminator_update", lambda *args: (calls.append(1), update(*args))[1])
    settings = Settings(steps=4, batch=4, lr_g=0.1, lr_d=0.2, schedule="linear", n_critic=3)
    fit(*networks(), torch.randn(9, 2), settings)
    assert rates == [(0.1, 0.2), (0.1, 0.2), (0.1, 0.2), (0.05, 0.1)]
    assert len(calls) == 2 * 4  # and one more for each in gan_step


class Killed(Exception):
    pass


def run_for(steps, path=None, each_step=lambda: None):
    generator, discriminator = networks()
    real = eight_gaussians(200, torch.Generator().manual_seed(3))

    def latent(rng, count):
        each_step()
        return torch.randn(count, 4, generator=rng)

    settings = Settings(steps=steps, batch=16, noise=0.1, penalty="gradient_penalty", schedule="cosine", ema=0.9)
    run = fit(generator, discriminator, real, settings, hooks=Hooks(latent=latent), checkpoint=path, seed=5)
    return weights(generator, discriminator, run.ema), run.history


def test_a_run_that_was_killed_ends_with_the_same_weights(tmp_path, monkeypatch):
    ticks = itertools.count(0, 100)
    monkeypatch.setattr("clipkit.checkpoint.time.monotonic", lambda: next(ticks))  # a minute passes each step
    steps_done = itertools.count()

    def killed_in_the_eighth():
        if next(steps_done) == 7:
            shutil.copy(tmp_path / "run.pt", tmp_path / "left.pt")
            raise Killed

    whole, history = run_for(12)
    with pytest.raises(Killed):
        run_for(12, tmp_path / "run.pt", killed_in_the_eighth)
    resumed, history_resumed = run_for(12, tmp_path / "left.pt")
    assert_same(whole, resumed, rtol=0, atol=0)
    for name in history.names:
        assert torch.equal(history[name], history_resumed[name]) and len(history[name]) == 12


def test_an_interrupt_leaves_a_checkpoint_that_goes_on(tmp_path):
    count = itertools.count()

    def interrupt():
        if next(count) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_for(12, tmp_path / "run.pt", interrupt)
    steps_left = []
    run_for(12, tmp_path / "run.pt", lambda: steps_left.append(1))
    assert len(steps_left) == 12 - 5


def test_the_seed_makes_a_run_repeatable():
    assert_same(run_for(5)[0], run_for(5)[0], rtol=0, atol=0)


def test_the_history_is_measured_each_step_and_written(tmp_path):
    _, history = run_for(6)
    measured = {"loss_d", "loss_g", "grad_norm_d", "grad_norm_g", "accuracy", "real_logits", "fake_logits"}
    assert measured <= {*history.names}
    assert all(history[name].isfinite().all() for name in history.names)
    with pytest.raises(ValueError, match="Did you mean 'loss_g'"):
        history["loss_G"]
    history.write_csv(tmp_path / "history.csv")
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert len(lines) == 7 and lines[0].startswith("step,loss_d")


def test_accuracy_is_the_share_of_pairs_in_order():
    game = sgd_game()
    game.discriminator = nn.Sequential(nn.Linear(2, 1))
    game.optimizer_d = torch.optim.SGD(game.discriminator.parameters(), lr=0.0)
    with torch.no_grad():
        expected = (game.discriminator(BATCH.real) > game.discriminator(game.generator(BATCH.z)).T).float().mean()
    torch.testing.assert_close(gan_step(game, BATCH)["accuracy"], expected)


def test_a_small_gan_covers_eight_gaussians():
    torch.manual_seed(0)
    generator, discriminator = PointGenerator(64), critic(64)
    for network in (generator, discriminator):
        network[1] = nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2))
    rng = torch.Generator().manual_seed(0)
    settings = Settings(steps=1500, batch=256, lr_g=1e-3, lr_d=1e-3, penalty="r1", penalty_weight=0.1, penalty_every=4,
                        ema=0.99)
    run = fit(generator, discriminator, eight_gaussians(20_000, rng), settings)
    modes, near = modes_covered(run.ema(torch.randn(2000, 4, generator=rng)).detach())
    assert modes == 8 and near > 0.5


@pytest.mark.parametrize("wrong, message", [
    ({"loss": "hing"}, "Did you mean 'hinge'"), ({"penalty": "R1"}, "Did you mean 'r1'"),
    ({"schedule": "cosin"}, "Did you mean 'cosine'"), ({"steps": 0}, "steps of at least 1, got 0"),
    ({"ema": 1.0}, r"\[0, 1\), got 1.0"),
])
def test_settings_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings(**{"steps": 5, **wrong})


@pytest.mark.parametrize("real, labels, message", [
    (torch.zeros(0, 3, 16, 16), (), r"got torch.float32 \(0, 3, 16, 16\)"),
    (torch.zeros(4, 3, 16, 16, dtype=torch.uint8), (), "x / 127.5 - 1"),
    (torch.full((4, 3, 16, 16), 255.0), (), r"in \[-1, 1\], got 255 to 255"),
    (torch.zeros(4, 2), (torch.zeros(3),), "a label for each of 4 samples, got 3"),
    ([1, 2], (), "got list"),
])
def test_samples_that_cannot_be_trained_on_are_refused(real, labels, message):
    with pytest.raises(ValueError, match=message):
        fit(*networks(), real, Settings(steps=1), labels=labels)


def trained_with_joint_batches_of_16():
    generator, discriminator = networks()
    settings = Settings(steps=6, batch=16, penalty="r1", n_critic=2)
    run = fit(generator, discriminator, eight_gaussians(100, torch.Generator().manual_seed(3)), settings)
    return weights(generator, discriminator, run.ema)


def one_of_two(rank, port, path):
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    torch.save(trained_with_joint_batches_of_16(), f"{path}/{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_leave_the_weights_of_one_with_the_joint_batch(tmp_path):
    alone = trained_with_joint_batches_of_16()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    mp.start_processes(one_of_two, (port, str(tmp_path)), nprocs=2, start_method="fork")  # torch is there already
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert_same(first, second, rtol=0, atol=0)
    assert_same(first, alone, atol=1e-5, rtol=1e-4)


HAS_IT = pytest.mark.skipif(not fast_at_bfloat16(torch.device("cpu")), reason="a CPU without bfloat16 instructions")


def dcgan_losses(device="cpu", steps=8, **settings):
    torch.manual_seed(0)
    pair = Generator(16, nz=8, width=8).apply(dcgan_init), Discriminator(16, width=8).apply(dcgan_init)
    real = torch.rand(64, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    z = torch.randn(steps, 64, 8, generator=torch.Generator().manual_seed(2))
    drawn = iter(z)
    hooks = Hooks(latent=lambda rng, count: next(drawn).to(rng.device))  # the same on every device
    run = fit(*pair, real, Settings(steps=steps, batch=64, **settings), hooks=hooks, device=device)
    return torch.stack([run.history["loss_d"], run.history["loss_g"]])


@pytest.mark.parametrize("device", [
    pytest.param("cpu", marks=HAS_IT), pytest.param("cuda", marks=pytest.mark.gpu),
])
def test_bfloat16_follows_float32(device):
    """Three digits: losses of the first step agree to 1 %, and of the eighth to 5 %."""
    exact, fast = dcgan_losses(device, bfloat16=False), dcgan_losses(device)
    assert not torch.equal(exact, fast)  # it is another computation
    torch.testing.assert_close(fast[:, 0], exact[:, 0], rtol=0.01, atol=0)
    torch.testing.assert_close(fast, exact, rtol=0.05, atol=0)


def test_a_device_without_it_and_points_stay_float32(monkeypatch):
    for samples, fast, expected in ((torch.zeros(2, 3, 4, 4), True, True), (torch.zeros(2, 3, 4, 4), False, False),
                                    (torch.zeros(2, 2), True, False), (torch.zeros(2, 64), True, True),
                                    (torch.zeros(2, 5, 3, 4, 4), True, True)):
        monkeypatch.setattr("solutions.training.gan_step.fast_at_bfloat16", lambda device, fast=fast: fast)
        assert fast_numbers(samples, Settings(steps=1))._enabled is expected
        assert fast_numbers(samples, Settings(steps=1, bfloat16=False))._enabled is False


@pytest.mark.parametrize("name", ["dcgan", "cgan", "videogan"])  # mocogan: torch.compile leaves its GRU outside
def test_a_network_compiles_as_one_graph(name):
    """What torch.compile needs to be fast, seen without its code generator: no graph break, and the same numbers."""
    shape = MODELS[name].num_frames, 3, 16, 16
    data = ClipSet(torch.rand(4, *shape) * 2 - 1, {"shirt": torch.arange(4)}, {"shirt": tuple("abcd")})
    made = recipe(name, data, "smoke")
    torch.compiler.reset()
    game = set_up(made.generator, made.discriminator, made.settings, made.hooks, torch.Generator().manual_seed(0))
    batch = draw_batch(game, made.real, made.labels)
    for network, inputs in ((game.generator, batch.z), (game.discriminator, batch.real)):
        network.eval()
        compiled = torch.compile(network, backend="eager", fullgraph=True)
        assert torch.equal(compiled(inputs, *batch.labels), network(inputs, *batch.labels))
    torch.compiler.reset()


@pytest.mark.gpu
def test_the_compiled_step_follows_the_eager_one():
    """To 5 % over eight steps; both in bfloat16, where the order of sums differs."""
    torch.testing.assert_close(dcgan_losses("cuda", compile=True), dcgan_losses("cuda"), rtol=0.05, atol=0)


@pytest.mark.gpu
def test_the_gpu_in_float32_follows_the_cpu():
    exact = {"bfloat16": False}
    torch.testing.assert_close(dcgan_losses("cuda", **exact), dcgan_losses("cpu", **exact), rtol=0.01, atol=0)


@pytest.mark.gpu
@pytest.mark.parametrize("name", MODELS)
def test_a_gpu_preset_does_a_hundred_steps_without_a_nan(name):
    data = load(MODELS[name].data, preset="gpu", num_frames=MODELS[name].num_frames, count=256)
    made = recipe(name, data, "gpu")
    made = dataclasses.replace(made, settings=dataclasses.replace(made.settings, steps=100))
    run = made.train(device="cuda")
    for curve in run.history.names:
        assert not run.history[curve][:100:made.settings.penalty_every].isnan().any(), curve
    assert made.sample(run.ema, 4).isfinite().all()
