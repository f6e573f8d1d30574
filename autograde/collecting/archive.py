"""A zip file that a platform made of what strangers uploaded, read with care: nothing is unpacked, one file at a time is in
memory, and what is larger than a submission may be is not read at all."""
from __future__ import annotations

import contextlib
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..grading.course import CourseError
from ..grading.intake import MAX_BYTES
from ..grading.litter import is_litter
from .handed_in import Unread

MAX_FILES = 50_000  # a course of ten thousand, with some files each
MAX_RATIO = 100     # by how much an archive may grow: text shrinks to a tenth, a bomb to a thousandth
MIN_BYTES = 200_000_000  # so large may any be: an archive of a few notebooks without pictures may shrink by more
_SAYS_UTF_8 = 0x800  # a flag of each file in an archive


@dataclass(frozen=True)
class Entry:
    """A file in an archive: its path there, and when it was put in, in seconds."""

    _archive: zipfile.ZipFile
    _info: zipfile.ZipInfo
    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def time(self) -> float:
        """By the clock of whoever made the archive: good for comparing, not for a deadline."""
        year, month, day, hour, minute, second = self._info.date_time
        return ((((year * 12 + month) * 31 + day) * 24 + hour) * 60 + minute) * 60.0 + second

    def read(self) -> bytes:
        """Its content.

        Raises:
            Unread: it is a link, encrypted, damaged or larger than a submission may be.
        """
        if stat.S_ISLNK(self._info.external_attr >> 16):
            raise Unread("is a link, not a file")
        if self._info.flag_bits & 1:
            raise Unread("is encrypted")
        if self._info.file_size > MAX_BYTES:
            raise Unread(f"has {self._info.file_size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB are taken")
        try:
            return self._archive.read(self._info)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise Unread(f"is damaged in the archive ({error})") from None


def entries(path: Path, left: list[str]) -> Iterator[Entry]:
    """The files of an archive, without what systems leave there; to `left` comes a sentence for each whose path leads out.

    Raises:
        CourseError: it is no zip file, holds far too many files, or would grow beyond reason.
    """
    try:
        archive = zipfile.ZipFile(path)  # open as long as there are entries of it
    except (zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError) as error:
        raise CourseError(f"{path} is no zip archive that can be read ({error}); expected the file as the platform gives it. "
                          "Download it again") from None
    infos = [info for info in archive.infolist() if not info.is_dir()]
    _must_be_bounded(path, infos)
    for info in infos:
        parts = tuple(_name(info).split("/"))
        if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            left.append(f"{info.filename!r} leads out of its folder, and was left where it is")
        elif not any(map(is_litter, parts)):
            yield Entry(archive, info, parts)


def _name(info: zipfile.ZipInfo) -> str:
    """The path, whose letters may be UTF-8 though the archive does not say so (Ruby's zip), or taken apart (a Mac's)."""
    name = info.filename
    if not info.flag_bits & _SAYS_UTF_8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return unicodedata.normalize("NFC", name)


def _must_be_bounded(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MAX_FILES:
        raise CourseError(f"{path} holds {len(infos):,} files; expected at most {MAX_FILES:,}. Download one assignment alone")
    total, size = sum(info.file_size for info in infos), path.stat().st_size
    if total > max(MIN_BYTES, MAX_RATIO * size):
        raise CourseError(f"{path} has {size / 1e6:.1f} MB and would grow to {total / 1e6:,.0f} MB: no class writes that, so "
                          "somebody uploaded a bomb. Nothing was unpacked; `unzip -l` shows whose file it is")
