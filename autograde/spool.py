"""Records on their way into one JSON file: they come in any order and stand there in that of chapter and student."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from . import files


class Spool:
    """Keeps records in a file of its own, as one without a name, and in memory only where each of them lies."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._places: list[tuple[str, str, int, int]] = []

    def add(self, record: dict[str, Any]) -> None:
        text = json.dumps(record, indent=1, ensure_ascii=False).replace("\n", "\n ")
        start = self._file.tell()
        self._file.write(text.encode(errors="replace"))
        self._places.append((record["chapter"], record["student"], start, self._file.tell()))

    def put(self, path: Path) -> None:
        """Put the list of all records in place, as `json.dumps(records, indent=1)` writes it."""
        files.put(path, self._parts())

    def _parts(self) -> Iterator[bytes]:
        for number, (_, _, start, end) in enumerate(sorted(self._places)):
            self._file.seek(start)
            yield (b",\n " if number else b"[\n ") + self._file.read(end - start)
        yield b"\n]\n" if self._places else b"[]\n"
