"""Which workers are alive: whoever stops saying so loses its work to another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from assessor.models.work import WorkerBeat

__all__ = ["WorkService"]


class WorkService:
    """Keep the beats of workers."""

    def __init__(self, session: Session, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._clock = clock

    def beat(self, worker: str) -> None:
        """Record that a worker is alive now."""
        self._session.merge(WorkerBeat(name=worker, seen_at=self._clock()))

    def silent_for(self, least: timedelta) -> list[str]:
        """Return the workers that were not seen for at least that long."""
        since = self._clock() - least
        return list(self._session.scalars(select(WorkerBeat.name).where(WorkerBeat.seen_at < since)))

    def forget(self, worker: str) -> None:
        """Forget a worker whose work was taken over; it is known again with its next beat."""
        self._session.execute(delete(WorkerBeat).where(WorkerBeat.name == worker))
