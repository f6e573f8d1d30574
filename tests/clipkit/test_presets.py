"""What the preset in the environment changes, and what a wrong one is answered with."""
import pytest
import torch

import clipkit


@pytest.fixture(autouse=True)
def no_override(monkeypatch):
    monkeypatch.delenv("CLIPKIT_PRESET", raising=False)


def test_the_default_holds_without_the_variable():
    assert clipkit.preset() == "cpu"
    assert clipkit.preset("gpu") == "gpu"


def test_the_variable_overrides(monkeypatch):
    monkeypatch.setenv("CLIPKIT_PRESET", "smoke")
    assert clipkit.preset("gpu") == "smoke"


def test_an_empty_variable_is_none(monkeypatch):
    monkeypatch.setenv("CLIPKIT_PRESET", "")
    assert clipkit.preset("gpu") == "gpu"


def test_typos_are_answered(monkeypatch):
    with pytest.raises(ValueError, match="Did you mean 'smoke'"):
        clipkit.preset("smoek")
    with pytest.raises(ValueError, match="Did you mean 'cpu'"):
        clipkit.pick("cpuu", smoke=1, cpu=2, gpu=3)
    monkeypatch.setenv("CLIPKIT_PRESET", "gpuu")
    with pytest.raises(ValueError, match="environment variable CLIPKIT_PRESET.*Did you mean 'gpu'"):
        clipkit.preset()


def test_pick_takes_the_value_of_the_preset():
    assert [clipkit.pick(p, smoke=1, cpu=2, gpu=3) for p in ("smoke", "cpu", "gpu")] == [1, 2, 3]


def test_long_is_as_cpu_where_it_has_no_value_of_its_own():
    assert clipkit.pick("long", smoke=1, cpu=2, gpu=3) == 2
    assert clipkit.pick("long", smoke=1, cpu=2, gpu=3, long=0) == 0


def test_device_is_the_cpu_unless_gpu_is_asked_for():
    assert clipkit.device("smoke") == clipkit.device("cpu") == clipkit.device("long") == torch.device("cpu")


def test_gpu_without_one_says_what_to_try(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="Change runtime type"):
        clipkit.device("gpu")


def test_gpu_with_one_is_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert clipkit.device("gpu") == torch.device("cuda")
