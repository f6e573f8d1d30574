"""The command line: a run from first step to picture, going on with it, and mistakes that it explains."""
import errno
import json
import shlex
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

from clipkit import MovingDigits
from solutions.__main__ import generator_file, held_out, main
from solutions.measures import scores
from solutions.models import registry
from solutions.models.saved import load_generator


@pytest.fixture
def run(tmp_path, capsys):
    out = tmp_path / "run"
    assert main(["train", "dcgan", "--preset", "smoke", "--data", "digits", "--out", str(out)]) == 0
    capsys.readouterr()
    return out


def test_a_run_leaves_checkpoint_generator_curves_and_a_picture(run):
    files = {path.name for path in run.iterdir()}
    assert files == {"checkpoint.pt", "generator.safetensors", "history.csv", "samples.png"}
    assert Image.open(run / "samples.png").size[0] > 100
    with safe_open(run / "generator.safetensors", "pt") as file:
        about = json.loads(file.metadata()["run"])
    assert about["model"] == "dcgan" and about["shape"] == [1, 1, 16, 16] and about["device"] == "cpu"


def test_samples_are_drawn_from_the_file_alone_and_by_seed(run, tmp_path, capsys):
    pictures = []
    for name, seed in (("a.png", 1), ("b.png", 1), ("c.png", 2)):
        arguments = ["sample", str(run), "--count", "4", "--seed", str(seed), "--to", str(tmp_path / name)]
        assert main(arguments) == 0
        pictures.append((tmp_path / name).read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]
    generator, recipe, _ = load_generator(run / "generator.safetensors")
    assert not generator.training and recipe.sample(generator, 3).shape == (3, 1, 16, 16)


def test_a_finished_run_is_not_overwritten_and_can_be_gone_on_with(run, capsys):
    again = ["train", "dcgan", "--preset", "smoke", "--data", "digits", "--out", str(run)]
    before = torch.load(run / "checkpoint.pt")["parts"]["generator"]
    assert main(again) == 2 and "add --resume" in capsys.readouterr().err
    assert main([*again, "--resume"]) == 0
    after = torch.load(run / "checkpoint.pt")["parts"]["generator"]
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert main(["train", "infogan", "--preset", "smoke", "--out", str(run), "--resume"]) == 2
    assert "the checkpoint of another run" in capsys.readouterr().err


def test_an_interrupt_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    import solutions.training.train
    original = solutions.training.train.one_step

    def interrupted(game, data, step):
        if step == 2:
            raise KeyboardInterrupt
        return original(game, data, step)

    arguments = ["train", "dcgan", "--preset", "smoke", "--data", "digits", "--out", str(tmp_path)]
    monkeypatch.setattr(solutions.training.train, "one_step", interrupted)
    assert main(arguments) == 130 and "--resume" in capsys.readouterr().err
    monkeypatch.setattr(solutions.training.train, "one_step", original)
    assert main([*arguments, "--resume"]) == 0 and (tmp_path / "samples.png").exists()


def test_a_long_run_shows_clips_as_it_goes(tmp_path, monkeypatch):
    from solutions.models import latent_gan

    monkeypatch.setitem(latent_gan.SETTINGS, "long", latent_gan.SETTINGS["smoke"])
    monkeypatch.setattr(registry, "load", lambda name, **options: MovingDigits(20, num_frames=4, size=16))
    assert main(["train", "latent_gan", "--preset", "long", "--data", "moving_digits", "--out", str(tmp_path)]) == 0
    assert [path.name for path in sorted((tmp_path / "looks").iterdir())] == [f"step_{k:06}.png" for k in (1, 2, 3, 4)]


def test_a_full_disk_leaves_the_generator_before(run, monkeypatch, capsys):
    before = (run / "generator.safetensors").read_bytes()

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert main(["train", "dcgan", "--preset", "smoke", "--data", "digits", "--out", str(run), "--resume"]) == 2
    printed = capsys.readouterr().err.strip().splitlines()[-1]
    assert "generator.safetensors' (No space left on device): make room, or take another --out" in printed
    assert (run / "generator.safetensors").read_bytes() == before and not list(run.glob(".*"))


def test_a_run_is_scored_beside_real_data(run, tmp_path, capsys):
    assert main(["evaluate", str(run), "--count", "64", "--json", str(tmp_path / "scores.json")]) == 0
    printed = capsys.readouterr()
    assert "64 samples of dcgan, clip_features; IS by digit, at most 10" in printed.out and "samples: 100%" in printed.err
    (found,) = json.loads((tmp_path / "scores.json").read_text())
    assert found["model"] == "dcgan" and found["data"] == "digits" and set(found["scores"]) == set(scores.COLUMNS)
    assert found["scores"]["frechet_distance"] > 10 * found["real"]["frechet_distance"]  # four steps of training
    assert found["real"]["precision"] > 0.8 > found["scores"]["recall"]


def test_held_out_clips_are_none_of_those_trained_on():
    about = {"model": "dcgan", "preset": "smoke", "shape": [1, 3, 32, 32]}
    trained_on = registry.load("walkers", preset="smoke").clips
    for clips in (part.clips for part in held_out("walkers", about, 20)):
        assert len(clips) == 20 and torch.cdist(clips.flatten(1), trained_on.flatten(1)).min() > 0
    first, second = held_out("digits", about | {"shape": [1, 1, 16, 16]}, 100)
    assert len(first) == len(second) == 100 and len(first.labels["digit"]) == 100
    assert not any(torch.equal(a, b) for a, b in zip(first.clips, second.clips, strict=True))


def picture_set(folder, count):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(count):
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    return folder


def test_a_set_too_small_to_score_against_is_named_with_how_many_it_takes(tmp_path, capsys):
    out = tmp_path / "run"
    pictures = picture_set(tmp_path / "two", 2)
    assert main(["train", "dcgan", "--preset", "smoke", "--data", str(pictures), "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(out), "--count", "16"]) == 2
    printed = capsys.readouterr().err
    assert f"error: '{pictures}' has 2 clips, expected at least 8 to score against" in printed
    assert len(printed.strip().splitlines()) == 1
    for count, status in ((7, 2), (8, 0)):  # four beside four: each has three neighbours
        data = picture_set(tmp_path / str(count), count)
        assert main(["evaluate", str(out), "--count", "16", "--data", str(data)]) == status


@pytest.mark.parametrize("name, content", [
    ("a.png", b"no picture"), ("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\5IHDRshort"), ("a.mp4", b"no film"),
    ("10²3/a.png", b"BM" + bytes(60)), ("class/clip.mp4/1.png", b""),
])
def test_a_damaged_file_ends_in_one_sentence_with_its_name(name, content, tmp_path, capsys):
    for model in ("dcgan", "mocogan"):
        path = picture_set(tmp_path / model, 2) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        arguments = ["train", model, "--preset", "smoke", "--out", str(tmp_path / "run"), "--data"]
        status, printed = main([*arguments, str(tmp_path / model)]), capsys.readouterr()
        if status == 0:  # a film is no still, and a picture deeper than a class is nobody's
            assert (model, path.suffix) == ("dcgan", ".mp4") or path.parent.suffix == ".mp4"
            shutil.rmtree(tmp_path / "run")
            continue
        lines = printed.err.strip().splitlines()
        assert status == 2 and len(lines) == 1 and lines[0].startswith("error: ") and name.split("/")[0] in lines[0]


@pytest.mark.parametrize("metadata", [
    None, {"run": "{}"}, {"run": "[]"}, {"run": '{"model": "dcgan", "preset": "smoke", "shape": 3, "attributes": {}}'},
    {"run": '{"model": "dcgan", "shape": [1, 3, 32, 32], "attributes": {}}'},
    {"run": '{"model": "dcgan", "preset": "smoke", "shape": [1, 3, 32, 32], "attributes": {}}'},
])
def test_weights_of_something_else_are_no_generator(metadata, tmp_path, capsys):
    save_file({"weight": torch.zeros(2)}, tmp_path / "x.safetensors", metadata)
    assert main(["sample", str(tmp_path / "x.safetensors")]) == 2
    assert capsys.readouterr().err == (
        f"error: '{tmp_path / 'x.safetensors'}' is no generator that `python -m solutions train` has written\n")


def test_a_model_in_runs_may_be_called_by_its_name(tmp_path, monkeypatch):
    (tmp_path / "runs" / "dcgan").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert str(generator_file("dcgan")) == "runs/dcgan/generator.safetensors"
    assert str(generator_file("a/b.safetensors")) == "a/b.safetensors"


@pytest.mark.parametrize("model", registry.MODELS)
def test_every_model_trains_and_samples_on_its_data(model, tmp_path):
    assert main(["train", model, "--preset", "smoke", "--out", str(tmp_path)]) == 0
    assert main(["sample", str(tmp_path), "--count", "2", "--to", str(tmp_path / "two.png")]) == 0


def test_a_folder_of_pictures_is_a_data_set(tmp_path):
    for i in range(3):
        Image.new("RGB", (40, 30), (80 * i, 10, 10)).save(tmp_path / f"{i}.png")
    data = registry.load(str(tmp_path), preset="smoke", size=16)
    assert data.clips.shape == (3, 1, 3, 16, 16)


@pytest.mark.parametrize("arguments, message", [
    ("trian dcgan", "Did you mean 'train'"),
    ("train dcgn", "Did you mean 'dcgan'"),
    ("train dcgan --preset smok", "Did you mean 'smoke'"),
    ("train dcgan --prest smoke", "Did you mean '--preset'"),
    ("train dcgan --preset smoke --data walker", "Did you mean 'walkers'"),
    ("train dcgan --preset smoke --data digits --size 24", "power of two and at least 16, got 24: try 32 or 64"),
    ("train dcgan cgan", "'cgan' is one word too many"),
    ("sample nowhere", "no model (or folder of a run) 'nowhere'"),
    ("sample runs/nowhere", "train first"),
    ("sample dcgan", "train first"),
    (f"sample {shlex.quote(__file__)}", "no generator"),
    ("evaluate dcgn", "Did you mean 'dcgan'"),
    ("evaluate dcgan --feature x", "Did you mean '--features'"),
    ("evaluate dcgan --features fid", "no network of features 'fid'"),
    ("evaluate dcgan --features i3d", "add --weights FILE"),
    ("evaluate dcgan --features i3d --weights none.pt", "there is no I3D network at 'none.pt'"),
    ("evaluate dcgan --count 3", "at least 16, got 3"),
])
def test_a_mistake_is_explained_in_one_sentence(arguments, message, capsys, tmp_path):
    words = shlex.split(arguments)
    assert main([*words, "--out", str(tmp_path)] if words[0] == "train" else words) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.startswith("error: ") and len(printed.strip().splitlines()) == 1


def test_tensorboard_is_asked_for_by_name_where_it_is_missing(tmp_path, monkeypatch, capsys):
    import sys
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    arguments = ["train", "dcgan", "--preset", "smoke", "--data", "digits", "--out", str(tmp_path)]
    assert main([*arguments, "--tensorboard"]) == 2
    assert "pip install tensorboard" in capsys.readouterr().err
