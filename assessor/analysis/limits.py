"""What is refused and what is capped when a stranger's repository is read."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits", "SourceError"]

MB = 1 << 20


class SourceError(Exception):
    """Say why a source cannot be read and what to do about it; both are sentences for the user."""

    def __init__(self, cause: str, cure: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.cure = cure


@dataclass(frozen=True, slots=True)
class Limits:
    """Cap what is read; each that is hit is told on the report. Sizes in bytes, times in seconds."""

    files: int = 40_000
    paths: int = 16 * MB
    file_bytes: int = MB
    total_bytes: int = 400 * MB
    facts_bytes: int = 12 * MB
    file_seconds: float = 5.0
    slow_seconds: float = 6.0
    git_seconds: float = 120.0
    git_memory: int = 1024 * MB
    git_heap: int = 256 * MB
    parser_memory: int = 512 * MB
    clone_bytes: int = 1024 * MB
    clone_seconds: float = 600.0
    archive_bytes: int = 200 * MB
    archive_ratio: int = 200
    unpacked_bytes: int = 1024 * MB
