"""Who looked at whose levels: logged for each look by somebody else, and shown to the person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from assessor.models.profile import Look
from assessor.services.permissions import Actor

__all__ = ["LookService"]


class LookService:
    """Record looks and list them."""

    def __init__(self, session: Session, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._clock = clock

    def missing(self, actor: Actor, person_ids: Collection[int], place: str) -> set[int]:
        """Return the persons whose look from this place is not recorded yet today; the own person never is."""
        others = set(person_ids) - {actor.person_id}
        query = select(Look.person_id).where(
            Look.person_id.in_(others),
            Look.viewer_id == actor.user_id,
            Look.place == place,
            Look.day == self._today(),
        )
        return others - set(self._session.scalars(query))

    def record(self, actor: Actor, person_ids: Collection[int], place: str) -> None:
        """Record that somebody looks at persons; once for each viewer, place and day."""
        now = self._clock().astimezone(UTC)
        rows = [
            {
                "person_id": person_id,
                "viewer_id": actor.user_id,
                "viewer": actor.name or actor.email,
                "place": place,
                "day": self._today(),
                "at": now,
            }
            for person_id in sorted(self.missing(actor, person_ids, place))
        ]
        if rows:
            self._session.execute(insert(Look), rows)

    def at(self, person_id: int, limit: int = 50) -> Sequence[Look]:
        """Return the newest looks at a person by others."""
        query = select(Look).where(Look.person_id == person_id).order_by(Look.at.desc(), Look.id.desc())
        return self._session.scalars(query.limit(limit)).all()

    def _today(self) -> str:
        return f"{self._clock().astimezone(UTC):%Y-%m-%d}"
