"""The append-only log: every entry covers the one before it, so that a change or a gap shows."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from assessor.models.account import AuditEntry

__all__ = ["AuditService"]

CHAIN_LOCK = 0x41554449
"""Key of the advisory lock that orders writers of the chain on PostgreSQL; SQLite has one writer at a time anyway."""


class AuditService:
    """Write and verify the audit log."""

    def __init__(self, session: Session, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._clock = clock

    def write(self, actor: str, action: str, subject: str, **details: Any) -> AuditEntry:
        """Append one entry, in the transaction of what it tells about.

        `actor` and `subject` are names such as "user:7", "operator" for the command line. Details are JSON values; they
        get a random salt, so that an erased detail cannot be guessed from its hash.
        """
        if self._session.get_bind().dialect.name == "postgresql":
            self._session.execute(select(func.pg_advisory_xact_lock(CHAIN_LOCK)))
        previous = self._session.scalar(select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)) or "0" * 64
        kept = {**details, "salt": secrets.token_hex(16)}
        entry = AuditEntry(
            at=self._clock().astimezone(UTC),
            actor=actor,
            action=action,
            subject=subject,
            details=kept,
            details_hash=_digest(kept),
            previous=previous,
        )
        entry.hash = _entry_hash(entry)
        self._session.add(entry)
        self._session.flush()
        return entry

    def about(self, name: str, limit: int = 200) -> list[AuditEntry]:
        """Return the newest entries that somebody made or that are about them."""
        of_name = or_(AuditEntry.actor == name, AuditEntry.subject == name)
        return list(
            self._session.scalars(select(AuditEntry).where(of_name).order_by(AuditEntry.id.desc()).limit(limit))
        )

    def erase_details(self, name: str) -> None:
        """Erase the details of every entry about somebody; hashes stay, so that the chain still verifies."""
        of_name = or_(AuditEntry.actor == name, AuditEntry.subject == name)
        self._session.execute(update(AuditEntry).where(of_name).values(details=None))

    def verify(self) -> int | None:
        """Return the id of the first entry that does not fit the chain, or None if all do."""
        previous = "0" * 64
        entries = self._session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=500))
        with closing(entries):
            for entry in entries:
                told = entry.details is None or _digest(entry.details) == entry.details_hash
                if entry.previous != previous or entry.hash != _entry_hash(entry) or not told:
                    return entry.id
                previous = entry.hash
        return None


def _entry_hash(entry: AuditEntry) -> str:
    said = [entry.previous, entry.at.isoformat(), entry.actor, entry.action, entry.subject, entry.details_hash]
    return _digest(said)


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
