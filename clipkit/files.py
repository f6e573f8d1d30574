"""Files that appear whole or not at all."""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Where to write what shall stand at `path`: a name beside it, which takes its place once the block has ended.

    Who reads `path`, also after a power cut, finds the old file or the new one, on the disk. Where the block or the
    disk fails, the old one stays and nothing is left beside it.

        with whole(path) as aside:
            aside.write_bytes(content)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    try:
        yield aside
        with open(aside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
