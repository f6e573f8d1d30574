"""The two loops do the same work: equal weights after the same steps. And the benchmark runs and keeps its figures."""
import json

import pytest
import torch

from benchmarks import dcgan_throughput, machine
from benchmarks.dcgan_throughput import GOAL, Match, alike, main
from benchmarks.side_by_side import ratio, side_by_side

SMALL = Match("cpu", size=16, batch=8, width=8, nz=8, lr=1e-3)


def test_both_loops_leave_the_same_weights():
    real = torch.rand(32, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    public = SMALL.public(real, 3)
    public.run(3)
    generator, run = SMALL.trainer(real, bfloat16=False)
    history = run(3).history
    for ours, theirs in zip(generator.parameters(), public.generator.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=1e-2)  # Adam's first steps magnify rounding
    torch.testing.assert_close(torch.stack([history["loss_d"], history["loss_g"]], 1), torch.tensor(public.losses),
                               atol=1e-3, rtol=1e-3)


def test_rounds_take_turns_and_a_ratio_has_a_spread():
    order = []
    measured = side_by_side({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)
    assert "".join(order) == "ba" + "ab" + "ba" and len(measured["a"]) == len(measured["b"]) == 2
    assert ratio([2.0, 4.0, 6.0], [1.0, 1.0, 1.0]) == {"median": 4.0, "quartiles": [2.0, 6.0], "rounds": 3}


def test_noise_is_no_difference_and_a_difference_is():
    assert alike([1.0, 1.2, 0.8], [1.1, 0.9, 1.3]) and not alike([1.0, 1.01, 0.99], [2.0, 2.01, 1.99])


def test_a_tiny_run_writes_the_figures_and_leaves_the_others(tmp_path, monkeypatch, capsys):
    for module in (machine, dcgan_throughput):
        monkeypatch.setattr(module, "FIGURES", tmp_path)
    monkeypatch.setitem(dcgan_throughput.SIZES, "cpu", {"size": 32, "batch": 4, "width": 4, "nz": 4, "lr": 1e-3})
    monkeypatch.setattr(dcgan_throughput, "variants", lambda device: {"trainer": {}})
    machine.keep("dcgan_throughput", {"cpu": None, "cuda": {"goal": 3.0}})
    main(["--rounds", "2", "--steps", "1", "--seeds", "1", "--quality-steps", "2"])
    found = json.loads((tmp_path / "dcgan_throughput.json").read_text())
    assert found["cuda"] == {"goal": 3.0} and FIELDS <= set(found["cpu"])
    assert "times the public loop's speed" in capsys.readouterr().out


FIELDS = {"goal", "bfloat16", "cpu_ratio", "wall_ratio", "cpu_ms_a_step", "images_a_second", "quality"}


def test_the_kept_figures_reach_their_goal():
    kept = machine.kept("dcgan_throughput")
    assert set(kept) == {"command", "machine", "cpu", "cuda"} and FIELDS <= set(kept["cpu"])
    assert kept["cpu"]["cpu_ratio"]["trainer"]["median"] >= GOAL["cpu"]
    assert kept["cpu"]["quality"]["frechet_distance"]["equal_within_noise"]
    measured = kept["cuda"]
    if "not measured yet" in measured:
        pytest.skip(f"no GPU has been at hand: {measured['not measured yet']} fills it in")
    assert measured["wall_ratio"]["trainer"]["median"] >= GOAL["cuda"]
