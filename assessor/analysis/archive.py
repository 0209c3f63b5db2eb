"""Read an archive as a tree, without unpacking it to disk and without believing what it says of itself."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from assessor.analysis.facts.model import Skipped
from assessor.analysis.limits import Limits, SourceError
from assessor.analysis.tree import Entry

__all__ = ["ArchiveTree", "open_archive"]

CHUNK = 1 << 16
LARGEST_LIST = 16 << 20
"""Bytes of the list of members that are read: each takes a multiple of its bytes in memory."""

BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
)
CURE = "Pack the repository's folder anew, as a plain .zip."


class ArchiveTree:
    """Show the regular files of an archive; the ids of blobs are computed from the bytes, as git would."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits) -> None:
        self._archive = archive
        self.skipped: list[Skipped] = []
        self.limits_hit: list[str] = []
        named = self._named(limits)
        self._members: dict[str, zipfile.ZipInfo] = {}
        entries = []
        unpacked = 0
        for path, member in sorted(named.items()):
            unpacked += member.file_size
            if unpacked > limits.unpacked_bytes:
                self.limits_hit.append("max-bytes")
                break
            blob = self._blob(path, member)
            if blob is not None:
                self._members[path] = member
                entries.append(Entry(path, blob, member.file_size, 0o100644))
        self._entries = tuple(entries)

    def entries(self) -> Sequence[Entry]:
        """Return every file, sorted by path."""
        return self._entries

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | None]]:
        """Yield each entry with its bytes."""
        for entry in entries:
            try:
                with self._archive.open(self._members[entry.path]) as file:
                    data = file.read(entry.size + 1)
            except BROKEN:
                yield entry, None
                continue
            yield entry, data if len(data) == entry.size else None

    @property
    def digest(self) -> str:
        """Return one id for the content of all files, in the form of a commit's."""
        total = hashlib.sha1(usedforsecurity=False)
        for entry in self._entries:
            total.update(f"{entry.blob} {entry.path}\n".encode("utf-8", "surrogatepass"))
        return total.hexdigest()

    def _named(self, limits: Limits) -> dict[str, zipfile.ZipInfo]:
        """Return the members by path, checked against what archives are made to do to readers. Raises SourceError."""
        members = self._archive.infolist()
        _refuse_overlap(members)
        found: dict[str, zipfile.ZipInfo] = {}
        for member in members[: limits.files]:
            path = member.filename
            if member.is_dir():
                continue
            if member.flag_bits & 0x1:
                raise SourceError("The archive is encrypted.", "Pack it without a password.")
            if _escapes(path):
                raise SourceError(f"The archive names a path outside itself: {path[:80]!r}.", CURE)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind and not stat.S_ISREG(kind):
                self.skipped.append(Skipped(path, "a link or device"))
            elif member.file_size > max(CHUNK, limits.archive_ratio * max(1, member.compress_size)):
                self.skipped.append(Skipped(path, f"packed more than {limits.archive_ratio} to 1"))
            elif ".git" not in path.split("/"):
                found[path] = member
        if len(members) > limits.files:
            self.limits_hit.append("max-files")
        return _without_common_folder(found)

    def _blob(self, path: str, member: zipfile.ZipInfo) -> str | None:
        total = hashlib.sha1(b"blob %d\0" % member.file_size, usedforsecurity=False)
        size = 0
        try:
            with self._archive.open(member) as file:
                while chunk := file.read(CHUNK):
                    size += len(chunk)
                    if size > member.file_size:
                        break
                    total.update(chunk)
        except BROKEN:
            size = -1
        if size != member.file_size:
            self.skipped.append(Skipped(path, "damaged in the archive"))
            return None
        return total.hexdigest()


@contextmanager
def open_archive(path: Path, limits: Limits) -> Iterator[ArchiveTree]:
    """Open a zip archive. Raises SourceError."""
    if path.stat().st_size > limits.archive_bytes:
        raise SourceError(
            f"The archive has {path.stat().st_size >> 20} MB; {limits.archive_bytes >> 20} MB are read.",
            "Leave data and models out, or give the repository itself.",
        )
    with _Careful(io.FileIO(path)) as file:
        try:
            archive = zipfile.ZipFile(file)
        except BROKEN:
            raise SourceError("This file is no zip archive that can be read.", CURE) from None
        with archive:
            yield ArchiveTree(archive, limits)


class _Careful(io.BufferedReader):
    """Refuse to read the list of an archive's members in one piece where that list is a weapon itself."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return bytes. Raises BadZipFile for more at a time than any list or file has."""
        if size is not None and size > LARGEST_LIST:
            raise zipfile.BadZipFile
        return super().read(size)


def _refuse_overlap(members: Sequence[zipfile.ZipInfo]) -> None:
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            raise SourceError("Files of the archive lie over one another.", CURE)
        end = member.header_offset + 30 + member.compress_size


def _escapes(path: str) -> bool:
    parts = path.split("/")
    return path.startswith("/") or ".." in parts or "\\" in path or "\0" in path or (len(path) > 1 and path[1] == ":")


def _without_common_folder(found: dict[str, zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Drop the one folder that everything lies in, as archives of forges have it."""
    first = {path.partition("/")[0] for path in found}
    if len(first) == 1 and all("/" in path for path in found):
        return {path.partition("/")[2]: member for path, member in found.items()}
    return found
