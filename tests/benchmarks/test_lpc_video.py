"""The benchmark of the video models in its smallest form, and what chapter 10 says of its figures."""
import json
import statistics

import pytest
import torch

from benchmarks import lpc_video, machine
from benchmarks.lpc_video import Judge, main, real_rows
from clipkit import Walkers
from solutions.measures.clip_features import load_features

FIGURES = json.loads((machine.FIGURES / "lpc_video.json").read_text())


def test_what_a_model_must_not_be_content_with_scores_worse_than_other_clips():
    clips = Walkers(64, num_frames=8, every=2, scene="meadow", seed=1).clips
    judge = Judge(clips, load_features())
    others = Walkers(64, num_frames=8, every=2, scene="meadow", seed=2).clips
    rows = {name: judge(some) for name, some in real_rows(others).items()}
    assert rows["real"]["detail"] == pytest.approx(1, abs=0.1)
    for worse in ("shuffled", "still"):
        assert rows[worse]["motion"] > 5 * rows["real"]["motion"]  # it sees order, and that things move
        assert rows[worse]["frechet"] > 2 * rows["real"]["frechet"]
    speckled = (others + 0.2 * torch.randn(others.shape, generator=torch.Generator().manual_seed(0))).clamp(-1, 1)
    assert judge(speckled)["detail"] > 1.3


def test_a_smoke_run_keeps_nothing_and_prints_a_row_for_each_model(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(machine, "FIGURES", tmp_path)
    main(["--preset", "smoke", "--data", "walkers", "--models", "latent_gan", "mocogan_published", "--seeds", "1"])
    said = capsys.readouterr().out
    assert "GAN of codes" in said and "MoCoGAN, as published" in said and not list(tmp_path.iterdir())


def test_what_is_measured_is_kept_and_not_measured_again(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(machine, "FIGURES", tmp_path)
    monkeypatch.setattr(lpc_video, "CLIPS", {"cpu": 64})
    asked = []

    def trained(name, training, preset, seed, count):
        asked.append((name, seed))
        return training.clips[:count], {"steps": 1, "cpu_seconds": 2, "numbers": 3}

    class Here:
        """A pool that works at once, in this process."""
        def __init__(self, count): ...
        def __enter__(self): return self
        def __exit__(self, *_): ...

        def submit(self, work, *arguments):
            from concurrent.futures import Future
            future = Future()
            future.set_result(trained(*arguments))
            return future

    monkeypatch.setattr(lpc_video, "ProcessPoolExecutor", Here)
    for seeds in ("1", "2"):
        main(["--data", "walkers", "--models", "videogan", "--seeds", seeds])
    assert asked == [("videogan", 0), ("videogan", 1)]
    found = json.loads((tmp_path / "walkers_video.json").read_text())
    assert list(found["runs"]) == list(found["variants"]) == ["real", "shuffled", "still", "videogan"]
    assert [run["seed"] for run in found["runs"]["videogan"]] == [0, 1] and found["runs"]["videogan"][0]["cpu_seconds"] == 2
    assert all(set(found["numbers"]) <= {"cpu_seconds", *run} for runs in found["runs"].values() for run in runs)


def mean(name, key):
    return statistics.mean(run[key] for run in FIGURES["runs"][name])


def test_what_chapter_10_says_of_the_table():
    """The order of the models, and that no number stands on fewer than three seeds."""
    models = [name for name in lpc_video.MODELS if not name.endswith(lpc_video.PUBLISHED)]
    assert all([run["seed"] for run in FIGURES["runs"][name]] == [0, 1, 2] for name in models)
    for name in ("frames_as_channels", "videogan", "mocogan"):
        assert mean("latent_gan", "frechet") < mean(name, "frechet")
        assert mean(name, "recall") < mean("latent_gan", "recall")
        assert mean(name, "recall") < mean("real", "recall") / 3
    for name in ("videogan", "mocogan"):
        assert mean(name, "motion") < mean("frames_as_channels", "motion")
        assert mean(name, "frechet") >= mean("frames_as_channels", "frechet")
        assert mean(name, "recall") <= mean("frames_as_channels", "recall")
        assert mean(name, "motion") < mean(name + lpc_video.PUBLISHED, "motion")
        assert mean(name, "frechet") < mean(name + lpc_video.PUBLISHED, "frechet")
    assert mean("videogan", "frechet") < mean("videogan" + lpc_video.PUBLISHED, "frechet") / 2
