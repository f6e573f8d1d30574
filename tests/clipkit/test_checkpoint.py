"""Runs that are interrupted in every way, against one that is not."""
import itertools
import time

import pytest
import torch
from torch import nn

import clipkit
from clipkit import Checkpoint
from clipkit import checkpoint as source

STEPS = 12


class Run:
    """A small training run whose randomness comes from one generator."""

    def __init__(self, path):
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 1))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)
        self.scheduler = torch.optim.lr_scheduler.StepLR(self.optimizer, 4)
        self.rng = torch.Generator().manual_seed(1)
        self.history = {"loss": []}
        self.checkpoint = Checkpoint(
            path, model=self.model, optimizer=self.optimizer, scheduler=self.scheduler, rng=self.rng,
            history=self.history,
        )  # fmt: skip

    def step(self) -> None:
        x = torch.randn(16, 3, generator=self.rng)
        loss = (self.model(x) - x.sum(1, keepdim=True)).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.scheduler.step()
        self.history["loss"].append(loss.item())

    def train(self, stop_before: int | None = None, error: type | None = None) -> None:
        for step in clipkit.progress(self.checkpoint.steps(STEPS)):
            if step == stop_before:
                if error:
                    raise error
                break
            self.step()

    def same_as(self, other: "Run") -> bool:
        weights = zip(self.model.state_dict().values(), other.model.state_dict().values(), strict=True)
        return (
            all(torch.equal(a, b) for a, b in weights)
            and torch.equal(self.rng.get_state(), other.rng.get_state())
            and self.history == other.history
            and self.scheduler.get_last_lr() == other.scheduler.get_last_lr()
        )


@pytest.fixture
def uninterrupted(tmp_path):
    run = Run(tmp_path / "uninterrupted.pt")
    run.train()
    return run


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, uninterrupted, error):
    """Left by break, by an error, by an interrupt; twice."""
    for stop in (5, 9):
        run = Run(tmp_path / "run.pt")
        if error is None:
            run.train(stop_before=stop)
        else:
            with pytest.raises(error):
                run.train(stop_before=stop, error=error)
    resumed = Run(tmp_path / "run.pt")
    assert resumed.checkpoint.done == 9 and len(resumed.history["loss"]) == 9
    resumed.train()
    assert resumed.same_as(uninterrupted)


def test_a_killed_run_loses_only_what_came_after_the_last_save(tmp_path, uninterrupted):
    killed = Run(tmp_path / "run.pt")
    steps = iter(killed.checkpoint.steps(STEPS, every=0))
    for _ in itertools.islice(steps, 5):
        killed.step()
    kept = (tmp_path / "run.pt").read_bytes()  # what lies on the disk in the middle of the fifth step
    steps.close()
    (tmp_path / "run.pt").write_bytes(kept)
    resumed = Run(tmp_path / "run.pt")
    assert resumed.checkpoint.done == 4
    resumed.train()
    assert resumed.same_as(uninterrupted)


def test_a_finished_run_is_not_done_again(tmp_path, uninterrupted):
    again = Run(tmp_path / "uninterrupted.pt")
    assert list(again.checkpoint.steps(STEPS)) == []
    assert again.same_as(uninterrupted)
    assert list(again.checkpoint.steps(STEPS + 2)) == [STEPS, STEPS + 1]


def test_the_bar_begins_where_the_run_stopped(tmp_path, capsys):
    Run(tmp_path / "run.pt").train(stop_before=9)
    steps = Run(tmp_path / "run.pt").checkpoint.steps(STEPS)
    assert len(steps) == 3
    bar = clipkit.progress(steps)
    assert (bar.n, bar.total) == (9, 12)
    assert list(bar) == [9, 10, 11]


def test_it_saves_no_more_often_than_asked(tmp_path, monkeypatch):
    now = itertools.count(0, 25)  # a step takes 25 seconds
    monkeypatch.setattr(source, "time", type("Clock", (), {"monotonic": staticmethod(lambda: next(now))}))
    point = Checkpoint(tmp_path / "x.pt", history=[])
    saves = []
    monkeypatch.setattr(point, "save", lambda: saves.append(point.done))
    list(point.steps(10, every=60))
    assert saves[-1] == 10  # at the end
    assert len(saves) == 4 and saves[:-1] == sorted(set(saves[:-1]))


def test_a_full_disk_leaves_the_file_before(tmp_path, monkeypatch):
    point = Checkpoint(tmp_path / "x.pt", history=[1.0])
    point.save()
    before = point.path.read_bytes()

    def full(state, path):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(source.torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        point.save()
    assert point.path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.pt"]


def test_lists_and_dicts_are_restored_in_place(tmp_path):
    import numpy as np

    point = Checkpoint(
        tmp_path / "x.pt", losses=[np.float64(0.5), 2], best={"step": np.int64(3), "image": torch.ones(2)}
    )
    point.save()
    losses, best = [9.0], {"old": 1}
    Checkpoint(tmp_path / "x.pt", losses=losses, best=best)
    assert losses == [0.5, 2]
    assert best["step"] == 3 and torch.equal(best["image"], torch.ones(2)) and "old" not in best


def test_other_parts_or_shapes_are_said(tmp_path):
    path = tmp_path / "run.pt"
    Checkpoint(path, model=nn.Linear(3, 2), history=[]).save()
    with pytest.raises(
        ValueError,
        match=r"another run: model\.weight is \(2, 3\) in the file and \(5, 3\) here.*another path",
    ):
        Checkpoint(path, model=nn.Linear(3, 5), history=[])
    with pytest.raises(ValueError, match="model.bias is .* in the file and nothing here"):
        Checkpoint(path, model=nn.Linear(3, 2, bias=False), history=[])
    with pytest.raises(ValueError, match="it has no part 'rng'; it has a part 'history' that was not given"):
        Checkpoint(path, model=nn.Linear(3, 2), rng=torch.Generator())
    with pytest.raises(ValueError, match="history does not fit"):
        Checkpoint(path, model=nn.Linear(3, 2), history=torch.Generator())


def test_a_damaged_file_is_said(tmp_path):
    path = tmp_path / "run.pt"
    Checkpoint(path, history=[1]).save()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"run\.pt' is no checkpoint that can be read .*delete the file"):
        Checkpoint(path, history=[])


def test_delete_begins_anew(tmp_path):
    run = Run(tmp_path / "run.pt")
    run.train(stop_before=3)
    run.checkpoint.delete()
    assert not run.checkpoint.path.exists() and len(run.checkpoint.steps(STEPS)) == STEPS
    run.checkpoint.delete()  # once more does no harm


def test_what_cannot_be_saved_is_said_at_once_or_by_name(tmp_path):
    with pytest.raises(TypeError, match=r"step cannot be saved: expected a module.*got int"):
        Checkpoint(tmp_path / "x.pt", step=3)
    with pytest.raises(TypeError, match="history holds a object"):
        Checkpoint(tmp_path / "x.pt", history=[object()])


def test_a_file_holds_no_code(tmp_path):
    """What `weights_only` refuses, Checkpoint refuses."""
    path = tmp_path / "evil.pt"
    torch.save({"done": 0, "parts": {"history": time.sleep}}, path)
    with pytest.raises(ValueError, match="no checkpoint that can be read"):
        Checkpoint(path, history=[])
