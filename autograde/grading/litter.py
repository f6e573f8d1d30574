"""What systems and archive programs leave beside people's files: it is no notebook, and nobody's work."""
from __future__ import annotations

from pathlib import PurePath

FOLDERS = ("__MACOSX", "__pycache__", "lost+found", "@eaDir", "$RECYCLE.BIN", "System Volume Information")


def is_litter(path: PurePath | str) -> bool:
    """Whether a file or folder, by its name alone, is hidden (`._Copy of mine.ipynb`, `.ipynb_checkpoints`) or one of
    those that macOS, Windows, Python and network drives make."""
    name = PurePath(path).name
    return name.startswith(".") or name in FOLDERS
