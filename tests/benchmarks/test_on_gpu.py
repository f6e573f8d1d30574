"""The visit to a GPU, tried on the CPU."""
import json

import pytest
import torch

from benchmarks import machine, on_gpu
from solutions.models.registry import MODELS
from solutions.models.saved import load_generator


def test_a_dry_visit_leaves_all_that_can_be_brought_home(tmp_path, monkeypatch, capsys):
    out = tmp_path / "visit"
    assert on_gpu.main(["--dry", "--out", str(out), "--minutes", "9"]) == 0
    found = json.loads((out / "figures" / "on_gpu.json").read_text())
    assert list(found)[2:] == list(on_gpu.SHARES)
    assert all("failed" not in found[part] for part in on_gpu.SHARES), found
    assert found["tests"]["status"] == found["throughput"]["status"] == 0
    assert set(found["presets"]) - {"seconds"} == set(MODELS)
    assert all(row["finite"] for name, row in found["presets"].items() if name != "seconds")
    for name in ("videogan", "latent_gan"):
        generator, recipe, _ = load_generator(out / "weights" / f"{name}.safetensors")
        assert recipe.sample(generator, 2).isfinite().all() and (out / "pictures" / f"{name}.png").is_file()
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(machine, "FIGURES", home)
    on_gpu.main(["--take", str(out)])
    assert {path.name for path in home.iterdir()} == {"on_gpu.json", "dcgan_throughput.json"}


def test_a_part_that_fails_leaves_the_others_their_turn(tmp_path, monkeypatch):
    visit = on_gpu.Visit(tmp_path, 60, dry=True)
    monkeypatch.setattr(visit, "tests", lambda limit: 1 / 0)
    monkeypatch.setattr(visit, "throughput", lambda limit: {"status": 0})
    visit.part("tests")
    visit.part("throughput")
    found = json.loads((tmp_path / "figures" / "on_gpu.json").read_text())
    assert found["tests"]["failed"].startswith("ZeroDivisionError") and found["throughput"]["status"] == 0


def test_what_takes_too_long_is_stopped(tmp_path):
    said, status = on_gpu.Visit(tmp_path, 60, dry=True).run(["sleep", "9"], 0.2)
    assert status == "over time"


def test_without_a_gpu_it_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert on_gpu.main(["--out", str(tmp_path)]) == 2
    assert "no CUDA device" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match="no figures in"):
        on_gpu.take(tmp_path)
