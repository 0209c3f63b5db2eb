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
from contextlib import closing

from assessor.analysis import facts
from assessor.analysis.cache import Cache, key_of, unpacked
from assessor.analysis.facts import FileFacts, Skipped
from assessor.analysis.limits import Limits
from assessor.analysis.parser import ANSWER, HEAD
from assessor.analysis.source import Progress
from assessor.analysis.tree import Entry, Tree

__all__ = ["MAX_BYTES", "MAX_SECONDS", "parse_all"]

EACH = 2048
"""Bytes that a file is taken to cost besides its facts, in memory and in time of those who look at them."""

HONEST_SECONDS, HONEST_SECONDS_EACH_MB = 0.1, 2.0
"""What an honest file takes at most: ten times what ordinary code does on an idle machine."""

LARGEST_ANSWER = 6 << 20
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
    """Yield the facts of every entry, or why there are none; `deadline` is on the monotonic clock.

    Bytes that lie under several names are read once. What a limit leaves out is the same whatever the cache holds.
    """
    alike: dict[str, list[Entry]] = {}
    for entry in entries:
        alike.setdefault(key_of(entry), []).append(entry)
    firsts = [group[0] for group in alike.values()]
    chosen = _affordable([entry for entry in firsts if entry.size <= limits.file_bytes], limits)
    rows = ((path, cache.get(entry)) for path, entry in chosen.items()) if cache is not None else ()
    kept = {path: row for path, row in rows if row is not None}
    fresh = tree.read([entry for entry in firsts if entry.path in chosen and entry.path not in kept])
    done = size = 0
    with closing(_Parser(limits)) as parser:
        for group in alike.values():
            entry = group[0]
            if progress is not None:
                progress("reading", done, len(entries))
            done += len(group)
            known: FileFacts | Skipped
            if entry.size > limits.file_bytes:
                known = Skipped(entry.path, f"larger than {limits.file_bytes >> 20} MB")
            elif entry.path not in chosen or size > limits.facts_bytes:
                known = Skipped(entry.path, MAX_BYTES)
            elif parser.tired or (deadline is not None and time.monotonic() > deadline):
                known = Skipped(entry.path, MAX_SECONDS)
            elif entry.path in kept and (found := unpacked(kept[entry.path])) is not None:
                known, cost = found
            else:
                _, data = next(tree.read([entry]) if entry.path in kept else fresh)
                answer = parser.ask(entry, data)
                known = Skipped(entry.path, answer) if isinstance(answer, str) else facts.decode(answer)
                if cache is not None and isinstance(answer, bytes):
                    cache.put(entry, answer)
                cost = len(answer)
            for one in group:
                if isinstance(known, Skipped):
                    yield one, Skipped(one.path, known.reason)
                elif size > limits.facts_bytes:
                    yield one, Skipped(one.path, MAX_BYTES)
                else:
                    size += cost + (EACH if known.facts is not None else 0)
                    yield one, known


def _affordable(entries: Sequence[Entry], limits: Limits) -> dict[str, Entry]:
    """Return by path what is read within the limit on all bytes together; the largest files are left out first."""
    total, chosen = 0, {}
    for entry in sorted(entries, key=lambda entry: (entry.size, entry.path)):
        total += entry.size
        if total > limits.total_bytes:
            break
        chosen[entry.path] = entry
    return chosen


class _Parser:
    """Hold a child while there is one, and how much longer than honest files the files so far have taken."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._child: _Child | None = None
        self._slow = 0.0

    @property
    def tired(self) -> bool:
        """Tell whether files together have taken more than they may beyond an honest time."""
        return self._slow > self._limits.slow_seconds

    def ask(self, entry: Entry, data: bytes | None) -> bytes | str:
        """Return the facts of a file, encoded, or why there are none."""
        if data is None:
            return "its object is missing or damaged"
        self._child = self._child or _Child(self._limits)
        began = self._child.clock()
        answer = self._child.ask(entry.path, data, self._limits.file_seconds)
        took = self._limits.file_seconds if isinstance(answer, str) else self._child.clock() - began
        self._slow += max(0.0, took - HONEST_SECONDS - HONEST_SECONDS_EACH_MB * len(data) / 2**20)
        if isinstance(answer, str):
            self.close()
        return answer

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.end()
            self._child = None


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

    def clock(self) -> float:
        """Return the seconds that the process has worked, which a busy machine does not stretch; else those passed."""
        if sys.platform == "linux":
            try:
                return time.clock_gettime((~self._process.pid << 3) | 2)  # clock_getcpuclockid(3), with CPUCLOCK_SCHED
            except OSError:  # it has ended
                return 0.0
        return time.monotonic()

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
