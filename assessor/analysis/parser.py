"""The limited child process of sandbox.py: reads files from its input, answers with their facts, can do nothing else.

It imports facts alone: a process that is started for every analysis should start fast and hold little.
"""

from __future__ import annotations

import gc
import resource
import struct
import sys
from typing import IO

from assessor.analysis import facts
from assessor.analysis.facts import Skipped

__all__ = ["ANSWER", "HEAD", "main"]

HEAD = struct.Struct(">II")
"""Before each file: the bytes of its name and of its content."""

ANSWER = struct.Struct(">I")
"""Before each answer: its bytes."""


def main(memory: int) -> None:
    """Answer one file after the other until the parent goes away."""
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_NOFILE, 8),
    ):
        resource.setrlimit(kind, (limit, limit))
    # Trees and facts of one file hold no circles worth looking for; memory is bounded above.
    gc.disable()
    _serve(sys.stdin.buffer, sys.stdout.buffer)


def _serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    while head := asked.read(HEAD.size):
        name_size, size = HEAD.unpack(head)
        path = asked.read(name_size).decode("utf-8", "surrogateescape")
        data = asked.read(size)
        try:
            answer = facts.encode(facts.extract(path, data))
        except MemoryError:
            answer = facts.encode(Skipped(path, "needed more memory than a file may"))
        except RecursionError:
            answer = facts.encode(Skipped(path, "nested too deeply"))
        answers.write(ANSWER.pack(len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
