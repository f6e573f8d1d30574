"""A submitted file, taken in: found, bounded, parsed, and brought to the one notebook format that the rest knows.

Nothing here runs a student's code, and nothing that a file holds can stop the run of the others: what cannot be
taken in raises `Unreadable` (no notebook can be made of it) or `Refused` (a notebook, but not to be graded as it is),
with a sentence for student and instructor.
"""
from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from safetensors import SafetensorError, deserialize

from .litter import is_litter
from .session import WEIGHTS

MAX_BYTES = 20_000_000  # a solved notebook with its pictures has 1 to 5 MB
MAX_CELLS = 2_000       # a chapter has about 100
MAX_WEIGHTS = 12_500_000  # bytes: three million float32, and what the file says of them
MAX_NUMBERS = 3_000_000   # in that file, of whatever kind: the challenge's budget
_KINDS = {"code": "code", "markdown": "markdown", "raw": "raw",
          "heading": "markdown", "html": "markdown"}  # these two in formats 2 and 3
_IN_COLAB = "In Colab: File > Download > Download .ipynb."
_NOT_TEXT = {b"PK\x03\x04": "a zip archive; hand in the notebook that is inside.", b"%PDF": f"a PDF. {_IN_COLAB}",
             b"\x1f\x8b": "a compressed file; hand in the notebook that is inside."}


class Unreadable(ValueError):
    """No notebook can be made of the file."""


class Refused(ValueError):
    """The file is not graded as it is."""


def choose(folder: Path, stem: str) -> Path:
    """The notebook of a student's folder: STEM.ipynb, else the only notebook there.

    Raises:
        Unreadable: there is none.
        Refused: several, none of that name; or a link, be it the file or a folder that it is in.
    """
    found = sorted(path for path in folder.glob("*.ipynb") if (path.is_symlink() or path.is_file()) and not is_litter(path))
    named = [path for path in found if path.stem == stem]
    if not found:
        others = ", ".join(sorted(path.name for path in folder.iterdir() if not is_litter(path))[:5]) or "nothing"
        raise Unreadable(f"There is no notebook: expected {stem}.ipynb, found {others}.")
    if not named and len(found) > 1:
        names = ", ".join(path.name for path in found[:5])
        raise Refused(f"There are {len(found)} notebooks ({names}) and none is named {stem}.ipynb.")
    path = (named or found)[0]
    if link := next((place for place in (path, folder, folder.parent) if place.is_symlink()), None):
        raise Refused(f"{link.name} is a link; hand in the file itself.")
    return path


def read(path: Path) -> tuple[NotebookNode, list[str]]:
    """The notebook of a file, in the present format, without outputs; and what was done to bring it there.

    Raises:
        Unreadable: not text, not JSON, cut off, or not a notebook.
        Refused: larger than `MAX_BYTES` or `MAX_CELLS`, or of a format newer than this version knows.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise Refused(f"The file has {size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are read. "
                      "Clear its outputs (Edit > Clear all outputs), save, and hand it in again.")
    return parse(path.read_bytes())


def weights(folder: Path) -> tuple[bytes, str]:
    """The file of weights beside a notebook, b"" where there is none; and a sentence where it was left out.

    Its form is looked at here (safetensors holds numbers, and nothing that runs); what it means, only the notebook knows.
    """
    path = folder / WEIGHTS
    if not path.is_file() and not path.is_symlink():
        return b"", ""
    if path.is_symlink():
        return b"", f"{WEIGHTS} is a link and was left out; hand in the file itself."
    if (size := path.stat().st_size) > MAX_WEIGHTS:
        return b"", f"{WEIGHTS} has {size / 1e6:.1f} MB and was left out; at most {MAX_WEIGHTS / 1e6:g} MB are taken."
    content = path.read_bytes()
    try:
        count = sum(math.prod(tensor["shape"]) for _, tensor in deserialize(content))
    except SafetensorError as error:
        return b"", f"{WEIGHTS} is no safetensors file and was left out ({error})."
    if count > MAX_NUMBERS:
        return b"", f"{WEIGHTS} holds {count:,} numbers and was left out; the budget allows {MAX_NUMBERS:,}."
    return content, ""


def parse(content: bytes) -> tuple[NotebookNode, list[str]]:
    """The same, of a file's content."""
    return clean(_json(_text(content)))


def clean(data: Any) -> tuple[NotebookNode, list[str]]:
    """The same, of what JSON holds, or of a notebook read elsewhere."""
    entries = _entries(data)
    major = _format(data)
    if not isinstance(major, int) or major > 4:
        raise Refused(f"The notebook has format {major}; formats up to 4 are read. Save it as format 4.")
    is_old = major < 4 or "cells" not in data
    said = [f"The notebook had the old format {major} and was brought to format 4."] if is_old else []
    if len(entries) > MAX_CELLS:
        raise Refused(f"The notebook has {len(entries)} cells; at most {MAX_CELLS} are read.")
    cells = [_cell(raw) for raw in entries if _is_cell(raw)]
    if is_old and entries and not cells:
        raise Unreadable(f"The notebook has the old format {major}, and none of its {len(entries)} entries is a cell. Open it "
                         "in Jupyter, save it, and hand it in again.")
    if len(cells) < len(entries):
        said.append(f"{len(entries) - len(cells)} entries of the notebook are no cells and were left out.")
    return NotebookNode(nbformat=4, nbformat_minor=5, metadata=NotebookNode(), cells=cells), said


def _entries(data: Any) -> list[Any]:
    """What stands where a notebook has its cells; up to format 3 they lie on worksheets."""
    found = data.get("cells") if isinstance(data, dict) else None
    sheets = data.get("worksheets") if isinstance(data, dict) else None
    if not isinstance(found, list) and isinstance(sheets, list):
        on_sheets = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        found = [entry for entries in on_sheets if isinstance(entries, list) for entry in entries] if on_sheets else None
    if not isinstance(found, list):
        raise Unreadable(f"The file is JSON but not a notebook: it has no list of cells. {_IN_COLAB}")
    return found


def _format(data: dict) -> Any:
    """The number of the format, which some programs write as text or with a point; of none, that of where the cells are."""
    major = data.get("nbformat")
    if major is None:
        return 4 if "cells" in data else 3
    if isinstance(major, str) and major.strip().isdecimal() or isinstance(major, float) and major.is_integer():
        return int(major)
    return major


def _text(content: bytes) -> str:
    if not content.strip():
        raise Unreadable("The file is empty: the download may have failed.")
    for start, what in _NOT_TEXT.items():
        if content.startswith(start):
            raise Unreadable(f"The file is no notebook but {what}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(f"The file is binary; a notebook is text. {_IN_COLAB}") from None
    if text.lstrip()[:15].lower().startswith(("<!doctype html", "<html")):
        raise Unreadable(f"The file is a web page, not a notebook. {_IN_COLAB}")
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            raise Unreadable("The file ends in the middle of the notebook: save or download it again.") from None
        raise Unreadable(f"The file is not JSON (line {error.lineno}: {error.msg}), so it is no notebook. "
                         f"{_IN_COLAB}") from None
    except (RecursionError, ValueError):  # brackets a thousand deep, a number of a million digits
        raise Unreadable("The file is JSON that no notebook holds: nested too deeply, or a number too long.") from None


def _is_cell(raw: Any) -> bool:
    return isinstance(raw, dict) and raw.get("cell_type") in tuple(_KINDS) and isinstance(_source(raw), str | list)


def _source(raw: dict) -> Any:
    """Code of formats 2 and 3 is called input."""
    return raw.get("source", raw.get("input", ""))


def _cell(raw: dict) -> NotebookNode:
    """A cell's type, source and metadata, the pictures beside a text, as they came, and its id, which Colab may have moved
    into the metadata."""
    source, kind = _source(raw), _KINDS[raw["cell_type"]]
    source = source if isinstance(source, str) else "".join(str(line) for line in source)
    if raw["cell_type"] == "heading":
        source = f"{'#' * _level(raw)} {' '.join(source.split())}"
    metadata = raw.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    cell: dict[str, Any] = {"cell_type": kind, "id": str(raw.get("id") or metadata.get("id") or ""),
                            "metadata": NotebookNode(metadata), "source": source}
    if kind == "code":
        cell |= {"outputs": [], "execution_count": None}
    elif isinstance(raw.get("attachments"), dict):
        cell["attachments"] = raw["attachments"]
    return NotebookNode(cell)


def _level(raw: dict) -> int:
    level = raw.get("level")
    return level if isinstance(level, int) and 1 <= level <= 6 else 1
