"""Checkpoint and resume: an interrupted run goes on where it stopped."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from clipkit.files import whole


class Checkpoint:
    """The state of a training run in one file, read when the object is made and the file is there.

        checkpoint = Checkpoint("runs/dcgan.pt", generator=G, optimizer=opt, history=history, rng=rng)
        for step in checkpoint.steps(2000):  # goes on where the last run stopped
            ...

    A part is a module, an optimizer, anything with `state_dict` and `load_state_dict`, a `torch.Generator`,
    or a list or dict of numbers (restored in place). All parts and the number of finished steps are restored,
    and nothing else: not torch's global random state, not the place in a DataLoader, not a variable. So a run
    whose randomness comes from a Generator among the parts leaves, resumed between two steps, the same
    weights bit for bit as one that was never interrupted. A step that was interrupted in its middle is done
    again, from the state it left.

    The file is written aside and then renamed: where that fails (disk full) the one before stays whole.

    Attributes:
        done: how many steps are finished.
    Raises:
        ValueError: the file is damaged, or belongs to other parts or shapes; the message says what differs.
        TypeError: a part is nothing that can be saved.
    """

    def __init__(self, path: str | Path, **parts: Any):
        self.path = Path(path)
        self.parts = parts
        self.done = 0
        for name, part in parts.items():
            _state(name, part)
        if self.path.exists():
            self._restore(self._read())

    def steps(self, total: int, *, every: float = 60) -> "Steps":
        """The numbers of the steps that are still to do, up to `total`, for a `for` loop; has a length.

        Saves at most once in `every` seconds, at the end, and when the loop is left by an exception, by an
        interrupt or by `break` (the step in which that happens does not count as finished).
        """
        return Steps(self, total, every)

    def save(self) -> None:
        """Writes the file now."""
        state = {name: _state(name, part) for name, part in self.parts.items()}
        with whole(self.path) as aside:
            torch.save({"done": self.done, "parts": state}, aside)

    def delete(self) -> None:
        """Removes the file: the next run begins at step 0. The parts stay as they are now."""
        self.path.unlink(missing_ok=True)
        self.done = 0

    def _read(self) -> dict:
        try:
            saved = torch.load(self.path, map_location="cpu", weights_only=True)
            return {"done": saved["done"], "parts": saved["parts"]}
        except Exception as error:  # torch.load raises many kinds
            raise ValueError(
                f"{str(self.path)!r} is no checkpoint that can be read ({type(error).__name__}): delete "
                "the file to begin anew, or take another path"
            ) from error

    def _restore(self, saved: dict) -> None:
        differences = _differences(self.parts, saved["parts"])
        for name, part in self.parts.items() if not differences else ():
            try:
                _load(part, saved["parts"][name])
            except Exception as error:  # an optimizer of other parameter groups, a list where a dict was
                differences = [f"{name} does not fit ({error})"]
                break
        if differences:
            raise ValueError(
                f"{str(self.path)!r} is the checkpoint of another run: {'; '.join(differences)}. "
                "Take another path, or delete the file to begin anew"
            )
        self.done = saved["done"]


class Steps:
    """The steps still to do; `len` of it is their number."""

    def __init__(self, checkpoint: Checkpoint, total: int, every: float):
        self.checkpoint, self.total, self.every = checkpoint, total, every

    @property
    def already_done(self) -> int:
        return min(self.checkpoint.done, self.total)

    def __len__(self) -> int:
        return self.total - self.already_done

    def __iter__(self) -> Iterator[int]:
        saved_at = time.monotonic()
        try:
            for step in range(self.already_done, self.total):
                yield step
                self.checkpoint.done = step + 1
                if time.monotonic() - saved_at >= self.every:
                    self.checkpoint.save()
                    saved_at = time.monotonic()
        finally:
            self.checkpoint.save()


def _state(name: str, part: Any) -> Any:
    if hasattr(part, "state_dict"):
        return part.state_dict()
    if isinstance(part, Generator):
        return part.get_state()
    if isinstance(part, list | dict):
        return _plain(name, part)
    raise TypeError(
        f"{name} cannot be saved: expected a module, an optimizer, a torch.Generator or a list or dict of "
        f"numbers, got {type(part).__name__}"
    )


def _plain(name: str, value: Any) -> Any:
    """The value made of what `torch.load(weights_only=True)` reads: numbers of NumPy become Python's."""
    if isinstance(value, list | tuple):
        return [_plain(name, item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(name, item) for key, item in value.items()}
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if value is None or type(value) in (int, float, bool, str):
        return value
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(
        f"{name} holds a {type(value).__name__}: expected numbers, texts, or lists and dicts of them"
    )


def _load(part: Any, state: Any) -> None:
    if hasattr(part, "load_state_dict"):
        part.load_state_dict(state)
    elif isinstance(part, Generator):
        part.set_state(state)
    elif isinstance(part, list):
        part[:] = state
    else:
        part.clear()
        part.update(state)


def _differences(parts: dict, saved: dict) -> list[str]:
    found = [f"it has no part {name!r}" for name in parts if name not in saved]
    found += [f"it has a part {name!r} that was not given" for name in saved if name not in parts]
    for name, part in parts.items():
        if name in saved and isinstance(part, nn.Module):
            found += _shape_differences(name, part.state_dict(), saved[name])
    return found


def _shape_differences(name: str, here: dict, there: dict) -> list[str]:
    shapes = [
        {key: tuple(value.shape) for key, value in state.items() if isinstance(value, Tensor)}
        for state in (here, there)
    ]
    for key in (*shapes[0], *shapes[1]):
        ours, theirs = (s.get(key, "nothing") for s in shapes)
        if ours != theirs:
            return [f"{name}.{key} is {theirs} in the file and {ours} here"]
    return []
