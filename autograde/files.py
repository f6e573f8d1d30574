"""Files that appear whole or not at all."""
from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PART = ".autograde-part"
Content = str | bytes | Iterable[str | bytes]
AT_ONCE = 8  # files that are brought to the disk side by side: it takes many as soon as one


def put(path: Path, content: Content, *, mode: int = 0o666) -> None:
    """Put a file in place at once: who reads it, also after a kill, finds the old one or the new one, on the disk.

    Args:
        content: whole or in parts; text is written as UTF-8, with `?` for what that cannot hold, and its line ends stay as
            they are.
        mode: the permissions of the file, less what the umask takes away.
    """
    put_all({path: content}, mode=mode)


def put_all(contents: Mapping[Path, Content], *, mode: int = 0o666) -> None:
    """Put many files in place, each as `put` does, in the order given: first all are on the disk, then each appears."""
    parts = {_part(path): path for path in contents}
    opened: list[int] = []
    try:
        for part, path in parts.items():
            part.unlink(missing_ok=True)
            opened.append(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
            _write(opened[-1], contents[path])
        _sync(opened)
    finally:
        for file in opened:
            os.close(file)
    for part, path in parts.items():
        os.replace(part, path)


def _part(path: Path) -> Path:
    """Always the same name: what a killed one leaves, the next writes over."""
    return path.with_name(f".{path.name}{PART}")


def _write(file: int, content: Content) -> None:
    with open(file, "wb", closefd=False) as stream:
        for part in [content] if isinstance(content, str | bytes) else content:
            stream.write(part.encode(errors="replace") if isinstance(part, str) else part)


def _sync(opened: list[int]) -> None:
    if len(opened) == 1:
        os.fsync(opened[0])
        return
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(os.fsync, opened))


def clear(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder, or below it; nobody may be writing there now."""
    for part in folder.rglob(f".*{PART}"):
        if part.is_file():
            part.unlink()
