"""Without a network: torchvision's sets are replaced by small ones of the same form."""

from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image

import clipkit
from clipkit.online_sets import STILLS, VIDEOS


class Small(list):
    """What a set of torchvision's looks like from outside: items, and some attributes."""

    def __init__(self, items, **attributes):
        super().__init__(items)
        self.__dict__.update(attributes)


def replace(monkeypatch, name, source):
    asked = SimpleNamespace()

    def make(root, **options):
        asked.root, asked.options = root, options
        return source

    monkeypatch.setattr(torchvision.datasets, name, make)
    return asked


def test_every_name_is_torchvisions():
    assert all(hasattr(torchvision.datasets, name) for name in (*STILLS, *VIDEOS))


def test_grey_stills_are_clips_of_one_frame(monkeypatch, tmp_path):
    pictures = [(Image.fromarray(np.full((28, 28), 25 * i, np.uint8)), i) for i in range(10)]
    asked = replace(monkeypatch, "MNIST", Small(pictures, classes=[f"{i} - name" for i in range(10)]))
    digits = clipkit.online("MNIST", tmp_path, count=4)
    assert asked.options == {"download": True, "train": True}
    assert digits.clips.shape == (4, 1, 1, 32, 32)
    assert digits.labels["class"].tolist() == [0, 3, 6, 9]  # evenly spread
    assert digits.clips[:, 0, 0, 0, 0].tolist() == pytest.approx([25 * i / 127.5 - 1 for i in (0, 3, 6, 9)])
    assert digits.describe(1) == {"class": "3 - name"}


def test_celeba_has_an_attribute_for_each_label(monkeypatch):
    faces = [(Image.new("RGB", (178, 218), (255, 0, 0)), torch.tensor([i % 2, 1])) for i in range(3)]
    replace(monkeypatch, "CelebA", Small(faces, attr_names=["Smiling", "Young", ""]))
    celeba = clipkit.online("CelebA", size=64)
    assert celeba.clips.shape == (3, 1, 3, 64, 64)
    assert [celeba.describe(i) for i in range(2)] == [{"Smiling": no, "Young": "yes"} for no in ("no", "yes")]


def test_moving_mnist_is_resized_and_cut(monkeypatch):
    source = torch.randint(0, 256, (2, 20, 1, 64, 64), dtype=torch.uint8)
    replace(monkeypatch, "MovingMNIST", source)
    whole = clipkit.online("MovingMNIST", size=64, num_frames=20)
    assert torch.allclose((whole.clips + 1) * 127.5, source.float(), atol=1e-3)
    assert clipkit.online("MovingMNIST", num_frames=10).clips.shape == (2, 10, 1, 32, 32)
    with pytest.raises(ValueError, match="have 20 frames, asked for 21"):
        clipkit.online("MovingMNIST", num_frames=21)


def test_no_network_says_so_and_names_what_is_bundled(monkeypatch, tmp_path):
    def offline(*args, **options):
        raise URLError("Temporary failure in name resolution")

    monkeypatch.setattr(torchvision.datasets.mnist, "download_and_extract_archive", offline)
    with pytest.raises(ConnectionError, match=r"could not get MNIST into .*Temporary failure.*Walkers\(\)"):
        clipkit.online("MNIST", tmp_path)


def test_a_damaged_download_is_named(monkeypatch, tmp_path):
    class Damaged(Small):
        def __getitem__(self, index):
            raise OSError("image file is truncated")

    replace(monkeypatch, "Flowers102", Damaged([0] * 3))
    with pytest.raises(ValueError, match=r"item 0 of Flowers102 in '.*' cannot be read \(image file is truncated\): delete"):
        clipkit.online("Flowers102", tmp_path)


def test_ucf101_says_where_to_get_it_and_reads_what_is_there(tmp_path):
    with pytest.raises(ConnectionError, match="download UCF101.rar from https://.*unpack it into"):
        clipkit.online("UCF101", tmp_path)
    clipkit.write_video(clipkit.Walkers(1).clips[0], tmp_path / "UCF-101" / "Walking" / "v.gif")
    assert clipkit.online("UCF101", tmp_path).attributes == {"class": ("Walking",)}


def test_a_typo_is_answered():
    with pytest.raises(ValueError, match="online set 'cifar'. Did you mean 'CIFAR10'"):
        clipkit.online("cifar")
