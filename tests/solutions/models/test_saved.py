"""A generator in a file: as it is, in half the digits, and as whole numbers."""
import pytest
import torch

from clipkit import MovingDigits
from solutions.models import registry
from solutions.models.saved import as_numbers, as_whole_numbers, load_generator, save_generator

DATA = MovingDigits(20, num_frames=8, size=16)


def test_whole_numbers_are_off_by_half_a_step_at_most():
    sizes = torch.tensor([1e-4, 1.0, 7.0, 0.0, 50.0]).view(5, 1, 1)
    value = sizes * torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
    tensors = as_whole_numbers("layer.weight", value)
    assert tensors["layer.weight"].dtype == torch.int8
    (back,) = as_numbers(tensors).values()
    assert ((back - value).abs() <= value.abs().amax((1, 2), keepdim=True) / 254 * 1.001).all()
    assert torch.equal(as_numbers({"other": value})["other"], value)


@pytest.mark.parametrize("bits, tolerance", [(32, 0), (16, 1e-2), (8, 0.1)])
def test_a_generator_comes_back_as_exactly_as_its_bits_allow(bits, tolerance, tmp_path):
    made = registry.recipe("latent_gan", DATA, "smoke")
    ema = made.train().ema
    about = {"model": "latent_gan", "preset": "smoke", "shape": [8, 1, 16, 16], "attributes": {"digit": list("0123456789")}}
    save_generator(ema, tmp_path / "g.safetensors", about, bits=bits, command="a test")
    generator, recipe, found = load_generator(tmp_path / "g.safetensors")
    before, after = made.sample(ema, 20), recipe.sample(generator, 20)
    assert found == about and (after - before).abs().max() <= tolerance
    assert bits == 32 or not torch.equal(after, before)


def test_fewer_bits_make_a_smaller_file(tmp_path):
    ema = registry.recipe("mocogan", DATA, "smoke").generator
    about = {"model": "mocogan", "preset": "smoke", "shape": [8, 1, 16, 16], "attributes": {}}
    sizes = []
    for bits in (32, 16, 8):
        save_generator(ema, tmp_path / f"{bits}.safetensors", about, bits=bits)
        sizes.append((tmp_path / f"{bits}.safetensors").stat().st_size)
    assert sizes[0] > 1.6 * sizes[1] > 2 * sizes[2], sizes
