"""What a typo is answered with."""
import pytest

from clipkit.names import known


def test_a_known_name_comes_back():
    assert known("cpu", ["smoke", "cpu"], "preset") == "cpu"


def test_a_typo_gets_the_nearest_name_and_the_list():
    with pytest.raises(
        ValueError, match=r"no set 'movingmnst'\. Did you mean 'MovingMNIST'\?.*'CelebA', 'MovingMNIST'"
    ):
        known("movingmnst", ["CelebA", "MovingMNIST"], "set")


def test_nothing_near_gets_the_list_alone():
    with pytest.raises(ValueError, match=r"no set 'zzz'\. There are: 'CelebA'"):
        known("zzz", ["CelebA"], "set")
