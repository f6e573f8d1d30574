"""What a run measures in each step, kept as tensors: nothing waits for the device until it is read."""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from clipkit.names import known


class History:
    """Curves by name, one value a step; NaN where nothing was measured.

        history["loss_g"]  # (steps done,)

    Args:
        steps: of the whole run.
        device: where the values are kept.
    """

    def __init__(self, steps: int, device: str | torch.device = "cpu"):
        self.steps, self.device, self.done = steps, device, 0
        self.names: list[str] = []
        self.rows = torch.empty(steps, 0, device=device)

    def record(self, step: int, measured: dict[str, Tensor]) -> None:
        """Keeps the numbers of one step; a name that is new begins a curve."""
        new = [name for name in measured if name not in self.names]
        if new:
            self.names += new
            blank = torch.full((self.steps, len(new)), torch.nan, device=self.device)
            self.rows = torch.cat([self.rows, blank], 1)
        columns = [self.names.index(name) for name in measured]
        values = torch.stack([value.detach().float() for value in measured.values()])
        if columns == list(range(len(self.names))):
            self.rows[step] = values
        else:
            self.rows[step, columns] = values
        self.done = step + 1

    def __getitem__(self, name: str) -> Tensor:
        """One curve, (steps done,), on the CPU.

        Raises:
            ValueError: nothing of that name was measured.
        """
        return self.rows[:self.done, self.names.index(known(name, self.names, "curve"))].cpu()

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def state_dict(self) -> dict:
        return {"names": list(self.names), "rows": self.rows[:self.done].cpu()}

    def load_state_dict(self, state: dict) -> None:
        self.names, rows = list(state["names"]), state["rows"][:self.steps]
        self.rows = torch.full((self.steps, len(self.names)), torch.nan, device=self.device)
        self.rows[:len(rows)] = rows.to(self.device)
        self.done = len(rows)

    def write_csv(self, path: str | Path) -> None:
        """One line a step with the names above, for spreadsheets."""
        lines = [",".join(["step", *self.names])]
        for step, row in enumerate(self.rows[:self.done].tolist()):
            lines.append(",".join([str(step), *(f"{value:.6g}" for value in row)]))
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


class Board:
    """TensorBoard, where it is asked for: the curves every `every` steps, and pictures.

    Args:
        folder: of the run; None writes nothing.
    Raises:
        ImportError: TensorBoard is not installed.
    """

    def __init__(self, folder: str | Path | None, every: int = 50):
        self.every, self.writer = every, None
        if folder is None:
            return
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ImportError("TensorBoard is not installed: try pip install tensorboard") from error
        self.writer = SummaryWriter(str(folder))

    def record(self, step: int, measured: dict[str, Tensor]) -> None:
        """Writes the numbers of the step where it is one of those; only there does it wait for the device."""
        if self.writer is None or step % self.every:
            return
        for name, value in measured.items():
            self.writer.add_scalar(name, value.item(), step)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
