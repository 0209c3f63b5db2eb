"""Keep for whom which ticket was routed where, and why: one line each, every line covering the one before it."""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock


class AuditLog:
    """Append decisions to a file. It holds digests of tickets and no text of theirs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._last = self._read_last()

    def record(self, actor: str, action: str, ticket: str, reason: str) -> None:
        """Append what was done for whom, and why; it is on the disk when this returns."""
        with self._lock:
            entry = {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "actor": actor,
                "action": action,
                "ticket": hashlib.sha256(ticket.encode()).hexdigest(),
                "reason": reason,
                "previous": self._last,
            }
            line = json.dumps(entry, sort_keys=True)
            with self._path.open("a") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
            self._last = hashlib.sha256(line.encode()).hexdigest()

    def verify(self) -> bool:
        """Tell whether no line was changed, left out or put in."""
        previous = ""
        for line in self._path.read_text().splitlines():
            if json.loads(line)["previous"] != previous:
                return False
            previous = hashlib.sha256(line.encode()).hexdigest()
        return True

    def _read_last(self) -> str:
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return hashlib.sha256(lines[-1].encode()).hexdigest() if lines else ""
