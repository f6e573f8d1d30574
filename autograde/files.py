"""Files that appear whole or not at all."""
from __future__ import annotations

import os
from pathlib import Path

PART = ".autograde-part"


def put(path: Path, content: str | bytes, *, mode: int = 0o666) -> None:
    """Put a file in place at once: who reads it, also after a kill, finds the old one or the new one, on the disk.

    Args:
        content: text is written as UTF-8, with `?` for what that cannot hold, and its line ends stay as they are.
        mode: the permissions of the file, less what the umask takes away.
    """
    part = path.with_name(f".{path.name}{PART}")  # always the same name: what a killed one leaves, the next writes over
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content.encode(errors="replace") if isinstance(content, str) else content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def clear(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder, or below it; nobody may be writing there now."""
    for part in folder.rglob(f".*{PART}"):
        if part.is_file():
            part.unlink()
