"""Operations and bytes against counts by hand, and a tiny run."""
import json

import pytest
import torch

from benchmarks import floors, machine
from benchmarks.floors import bytes_moved, main, operations, steps_of
from solutions.models.registry import MODELS


def dcgan(batch):
    return steps_of("dcgan", size=16, batch=batch)["dcgan"]


def test_operations_are_those_of_the_convolutions():
    """Forward and backward of a convolution cost 2, and 4 without the gradient of an image, times its products."""
    step = dcgan(2)
    counted = operations(step)
    one, two = (operations(dcgan(batch)) for batch in (2, 4))
    assert counted == one and two == 2 * one  # linear in the batch, and repeatable
    generator, discriminator = step.networks
    products = 0
    shapes = []
    hooks = [layer.register_forward_hook(lambda layer, x, y: shapes.append((layer, x[0].shape, y.shape)))
             for network in step.networks for layer in network.modules()
             if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d)]
    with torch.no_grad():
        discriminator(generator(torch.randn(2, generator.nz)))
    for layer, x, y in shapes:
        places = (x if isinstance(layer, torch.nn.ConvTranspose2d) else y)[2:].numel()
        products += (1 if isinstance(layer, torch.nn.ConvTranspose2d) else 3) * 2 * 2 * places * layer.weight.numel()
    assert products < counted < 3.5 * products  # forward once or three times; backward twice that, less what is frozen
    assert len(shapes) == len(hooks) == 6  # 16 x 16: three transposed, two strided and one head


def test_bytes_grow_with_the_batch_and_hold_the_weights():
    sizes = [bytes_moved(dcgan(batch)) for batch in (2, 4, 8)]
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0]) > 0


def test_a_flow_is_counted_part_by_part():
    """Of its dense layers each product is met three times: forward, for the weights, and for all but the first input."""
    parts = steps_of("flow", preset="smoke")
    assert list(parts) == ["flow, autoencoder", "flow, velocity"]
    velocity = parts["flow, velocity"]
    products = 2 * velocity.batch * sum(p.numel() for p in velocity.networks[0].parameters() if p.ndim == 2)
    assert 2 * products <= operations(velocity) <= 3 * products


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_a_step_to_measure(name):
    for step in steps_of(name).values():
        before = [p.detach().clone() for network in step.networks for p in network.parameters()]
        assert operations(step) > 0 and bytes_moved(step) > 4 * sum(p.numel() for p in before)
        after = [p for network in step.networks for p in network.parameters()]
        assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True)), "nothing was trained"


def test_a_tiny_run_prints_a_table_and_keeps_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(machine, "FIGURES", tmp_path)
    monkeypatch.setattr(floors, "peak_rates", lambda *args: {"operations": 1e11, "bytes": 1e10})
    monkeypatch.setattr(floors, "growth", lambda rates, tiny: {"size (dcgan)": {16: {"ms": 1.0}}})
    monkeypatch.setattr(floors, "STEPS", 1)
    main(["--tiny"])
    assert "bound by" in capsys.readouterr().out
    found = json.loads((tmp_path / "floors.json").read_text())
    row = found["models"]["dcgan"]
    assert 0 < row["floor_ms"] and row["share_of_floor"] == pytest.approx(row["floor_ms"] / row["ms"], rel=0.2)
