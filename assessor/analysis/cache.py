"""Facts by blob and version, in one file: what was parsed once is not parsed again."""

from __future__ import annotations

import os
import sqlite3
import zlib
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from assessor.analysis import facts
from assessor.analysis.facts import FileFacts, Skipped
from assessor.analysis.paths import Kind, kind_of, role_of
from assessor.analysis.tree import Entry

__all__ = ["Cache", "default_folder", "key_of", "unpacked"]

KEYS = 2
"""Raised with every change of what `key_of` returns."""

LARGEST = 512 << 20
"""Bytes of the file above which it is begun anew: a bound that is rarely met needs no bookkeeping."""


def default_folder() -> Path:
    """Return the user's folder for caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assessor"


class Cache:
    """Keep facts of files. A file that cannot be used is done without: a cache never fails a run."""

    def __init__(self, folder: Path) -> None:
        self.hits = self.misses = 0
        self._database: sqlite3.Connection | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = folder / f"facts-{facts.FACTS_VERSION}-{KEYS}.db"
            if path.exists() and path.stat().st_size > LARGEST:
                path.unlink()
            self._database = sqlite3.connect(path, timeout=2.0, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.execute("CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID")
            self._database.execute("BEGIN")
        except (sqlite3.Error, OSError):
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):  # another run holds the file; what was parsed here is parsed again next time
                self._database.execute("COMMIT")
            self._drop()

    def get(self, entry: Entry) -> bytes | None:
        """Return what `unpacked` makes the facts of a file of, or None."""
        row = None
        if self._database is not None:
            try:
                row = self._database.execute("SELECT value FROM facts WHERE key = ?", (key_of(entry),)).fetchone()
            except sqlite3.Error:
                row = None
        if row is None:
            self.misses += 1
            return None
        self.hits += 1
        return bytes(row[0])

    def put(self, entry: Entry, encoded: bytes) -> None:
        """Keep the facts of a file."""
        if self._database is not None:
            try:
                value = (key_of(entry), zlib.compress(encoded, 1))
                self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", value)
            except sqlite3.Error:
                self._drop()

    def _drop(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def unpacked(kept: bytes) -> tuple[FileFacts | Skipped, int] | None:
    """Return facts and how many bytes they were when they were put, None where they are damaged."""
    try:
        encoded = zlib.decompress(kept)
        return facts.decode(encoded), len(encoded)
    except (zlib.error, ValueError, TypeError, KeyError, IndexError):
        return None


def key_of(entry: Entry) -> str:
    """Return what stands for the bytes of a file and the way they are read: equal keys, equal facts.

    Secrets depend on the part a file plays, configuration on what it is called, and workflows on where they lie.
    """
    kind = kind_of(entry.path)
    place = (
        ""
        if kind in (Kind.PYTHON, Kind.NOTEBOOK)
        else entry.path
        if kind is Kind.WORKFLOW
        else entry.path.rpartition("/")[2]
    )
    return f"{kind.value}:{role_of(entry.path).value}:{place}:{entry.blob}"
