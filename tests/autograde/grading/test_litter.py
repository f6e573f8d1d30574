"""What is nobody's work, by its name."""
import pytest

from autograde.grading.litter import is_litter


@pytest.mark.parametrize("name", ["._Copy of 02_gan_losses.ipynb", ".DS_Store", ".ipynb_checkpoints", "__MACOSX", "@eaDir", "a/__MACOSX"])
def test_litter(name):
    assert is_litter(name)


@pytest.mark.parametrize("name", ["ann", "_ann", "MACOSX", "Copy of 02_gan_losses.ipynb", "__ann__", "__MACOSX/ann", "a.b"])
def test_people_and_their_notebooks(name):
    assert not is_litter(name)
