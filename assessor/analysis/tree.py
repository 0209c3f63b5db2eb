"""A read-only view of one commit: paths, kinds, sizes, and bytes on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """Name one regular file of a commit.

    `path` is relative with forward slashes, `blob` the git object id in hex (the identity of the bytes), `size` in
    bytes, `mode` the git file mode (0o100644 or 0o100755; links and submodules never become entries).
    """

    path: str
    blob: str
    size: int
    mode: int = 0o100644


class Tree(Protocol):
    """List the files of one commit and read them; a commit, a zip and a dict in a test look the same from above."""

    def entries(self) -> Sequence[Entry]:
        """Return every regular file, sorted by path."""
        ...

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | None]]:
        """Yield each entry with its bytes in the order asked; None where the object is missing or too large to read."""
        ...


class MemoryTree:
    """Hold a tree in a dict of path to text or bytes, for tests and for archives that were already read."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._bytes = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self._entries = tuple(
            Entry(path, blob_id(data), len(data))
            for path, data in sorted(self._bytes.items(), key=lambda item: item[0])
        )

    def entries(self) -> Sequence[Entry]:
        """Return every file, sorted by path."""
        return self._entries

    def read(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes | None]]:
        """Yield each entry with its bytes."""
        for entry in entries:
            yield entry, self._bytes.get(entry.path)


def blob_id(data: bytes) -> str:
    """Return the id that git gives to these bytes as a blob (SHA-1 over header and content)."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
