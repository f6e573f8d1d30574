"""A submission's cells, run in this process, as a notebook would run them."""
from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import linecache
import signal
import traceback
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

MAX_OUTPUT = 20_000  # characters of each stream of a cell that are kept
WEIGHTS = "entry.safetensors"  # trained weights that a student hands in beside the notebook, which finds them in its folder
TIMES = {"time", "timeit", "prun", "capture", "debug"}  # magics whose body is Python


@dataclass
class Session:
    """One namespace, that of `module`, in which cells run, one after another, each for at most `seconds`."""

    seconds: float

    def __post_init__(self) -> None:
        self.module = types.ModuleType("__main__")
        self._namespace = self.module.__dict__
        self._namespace["get_ipython"] = lambda: _Shell(self._execute)
        self._count = 0

    def run(self, source: str) -> list[dict]:
        """Run a cell as a notebook would, and return its outputs; an error is the last of them, and stops nothing."""
        self._count += 1
        out, err = _Stream(), _Stream()
        outputs = []
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                with time_limit(self.seconds):
                    value = self._execute(source)
                    text = None if value is None else repr(value)[:MAX_OUTPUT]
                if text is not None:
                    outputs.append({"output_type": "execute_result", "data": {"text/plain": text}, "metadata": {},
                                    "execution_count": self._count})
            except BaseException as error:  # whatever it is, it is the cell's own
                outputs.append(error_output(error))
        streams = [{"output_type": "stream", "name": name, "text": stream.getvalue()}
                   for name, stream in (("stdout", out), ("stderr", err)) if stream.getvalue()]
        return streams + outputs

    def look(self, name: str) -> tuple[object, ...]:
        """The student's object of that name, alone in a tuple; an empty one where no cell has defined it."""
        return (self._namespace[name],) if name in self._namespace else ()

    def _execute(self, source: str) -> object:
        """Run Python with magics; the value of its last expression, unless a semicolon follows."""
        filename = f"<cell {self._count}>"
        try:
            code, tree = source, ast.parse(source, filename)
        except SyntaxError:  # where it is no Python as it stands, it may hold magics
            code = TransformerManager().transform_cell(source)
            tree = ast.parse(code, filename)
        linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
        last = None
        if tree.body and isinstance(end := tree.body[-1], ast.Expr) and not code.rstrip().endswith(";"):
            tree.body.pop()
            last = ast.Expression(end.value)
        self._evaluate(_compiled(tree, filename, "exec"))
        return self._evaluate(_compiled(last, filename, "eval")) if last else None

    def _evaluate(self, code: types.CodeType) -> object:
        value = eval(code, self._namespace)
        return asyncio.run(value) if code.co_flags & inspect.CO_COROUTINE else value


def _compiled(tree: ast.Module | ast.Expression, filename: str, mode: str) -> types.CodeType:
    """As a notebook compiles a cell: `await` may stand anywhere, and no `from __future__` of this file holds in it."""
    return compile(tree, filename, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


@dataclass
class _Shell:
    """What `get_ipython()` gives here: magics that time Python run it; all others, `!` and %pip too, do nothing."""

    execute: Callable[[str], object]

    def run_line_magic(self, name: str, line: str, *_: object, **__: object) -> object:
        return self.execute(line) if name in TIMES and not line.startswith("-") else None

    def run_cell_magic(self, name: str, line: str, cell: str) -> object:
        return self.execute(cell) if name in TIMES else None

    def __getattr__(self, name: str) -> object:
        return lambda *_, **__: [] if name == "getoutput" else None


class _Stream(io.StringIO):
    """Keeps the first `MAX_OUTPUT` characters. A cell may close it: what was printed before is seen, and what comes later."""

    def close(self) -> None:
        pass

    def write(self, text: str) -> int:
        room = MAX_OUTPUT - self.tell()
        if room > 0:
            super().write(text[:room] if len(text) <= room else text[:room] + "\n[more was printed]\n")
        return len(text)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what runs longer, and again after every such span in which it runs on.

    It interrupts Python between two instructions. What hangs inside a C function only the runner can end.
    """
    def stop(*_: object) -> None:
        raise TimeoutError(f"stopped after {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def error_output(error: BaseException) -> dict:
    """An error as a notebook shows it, with the student's lines and not ours."""
    frames = error.__traceback__
    while frames and not frames.tb_frame.f_code.co_filename.startswith("<cell"):
        frames = frames.tb_next
    lines = traceback.format_exception(type(error), error, frames, limit=20)
    return {"output_type": "error", "ename": type(error).__name__, "evalue": str(error)[:MAX_OUTPUT],
            "traceback": "".join(lines)[:MAX_OUTPUT].splitlines()}
