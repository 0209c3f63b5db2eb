"""Parse what strangers wrote in a child process that can do nothing but answer, and that may die at any file.

The child has no environment, no open files but two pipes, and limits on memory, time and files; what comes back is
JSON. A file on which it dies or does not answer costs itself only: another child goes on with the next.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from assessor.analysis import facts
from assessor.analysis.cache import Cache
from assessor.analysis.facts import FileFacts, Skipped
from assessor.analysis.limits import Limits
from assessor.analysis.parser import ANSWER, HEAD
from assessor.analysis.source import Progress
from assessor.analysis.tree import Entry, Tree

__all__ = ["MAX_BYTES", "MAX_SECONDS", "parse_all"]

LARGEST_ANSWER = 64 << 20
MAX_SECONDS, MAX_BYTES = "max-seconds", "max-bytes"
"""Reasons of skipped files that are limits of the whole run."""


def parse_all(
    tree: Tree,
    entries: Sequence[Entry],
    *,
    limits: Limits,
    cache: Cache | None = None,
    deadline: float | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[Entry, FileFacts | Skipped]]:
    """Yield the facts of every entry, or why there are none; `deadline` is on the monotonic clock."""
    waiting: list[Entry] = []
    for entry in entries:
        kept = cache.get(entry) if cache is not None else None
        if kept is not None:
            yield entry, kept
        elif entry.size > limits.file_bytes:
            yield entry, Skipped(entry.path, f"larger than {limits.file_bytes >> 20} MB")
        else:
            waiting.append(entry)
    done = len(entries) - len(waiting)
    child: _Child | None = None
    try:
        affordable = _affordable(waiting, limits)
        yield from ((entry, Skipped(entry.path, MAX_BYTES)) for entry in waiting if entry.path not in affordable)
        for entry, data in tree.read(entry for entry in waiting if entry.path in affordable):
            if progress is not None:
                progress("reading", done, len(entries))
            done += 1
            if deadline is not None and time.monotonic() > deadline:
                yield entry, Skipped(entry.path, MAX_SECONDS)
                continue
            if data is None:
                yield entry, Skipped(entry.path, "its object is missing or damaged")
                continue
            child = child or _Child(limits)
            answer = child.ask(entry.path, data, limits.file_seconds)
            if isinstance(answer, str):
                child.end()
                child = None
                yield entry, Skipped(entry.path, answer)
                continue
            found = facts.decode(answer)
            if cache is not None:
                cache.put(entry, answer)
            yield entry, found
    finally:
        if child is not None:
            child.end()


def _affordable(entries: Sequence[Entry], limits: Limits) -> set[str]:
    """Return the paths that are read within the limit on all bytes together; the largest files are left out first."""
    total, chosen = 0, set()
    for entry in sorted(entries, key=lambda entry: (entry.size, entry.path)):
        total += entry.size
        if total > limits.total_bytes:
            break
        chosen.add(entry.path)
    return chosen


class _Child:
    """Hold one parsing process."""

    def __init__(self, limits: Limits) -> None:
        arguments = [sys.executable, "-I", "-m", "assessor.analysis.parser", str(limits.parser_memory)]
        self._process = subprocess.Popen(
            arguments,
            env={"LC_ALL": "C.UTF-8"},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def ask(self, path: str, data: bytes, seconds: float) -> bytes | str:
        """Return the answer to one file, or why there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        name = path.encode("utf-8", "surrogateescape")
        deadline = time.monotonic() + seconds
        try:
            self._process.stdin.write(HEAD.pack(len(name), len(data)) + name + data)
            self._process.stdin.flush()
        except OSError:
            return "ended the parser"
        head = self._read(ANSWER.size, deadline)
        if isinstance(head, str):
            return head
        size = ANSWER.unpack(head)[0]
        return self._read(size, deadline) if size <= LARGEST_ANSWER else "gave too many facts"

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            try:
                stream.close()
            except OSError:
                continue
        self._process.wait()

    def _read(self, size: int, deadline: float) -> bytes | str:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        parts, missing = [], size
        while missing:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return "took too long to parse"
            part = os.read(descriptor, min(missing, 1 << 20))
            if not part:
                return "needed more memory than a file may"
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)
