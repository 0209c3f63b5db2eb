"""Who looked at whose levels: logged for each look by somebody else, and shown to the person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, case, literal, select, true, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from assessor.models.profile import Look, Person
from assessor.services.permissions import Actor

__all__ = ["COMPARED", "LookLine", "LookService", "told"]

COMPARED = ":compare"
"""What ends the place of a look at a candidate that showed what the panel said, which the candidate is not told."""


@dataclass(frozen=True, slots=True)
class LookLine:
    """Tell a person of one look at them."""

    viewer: str
    place: str
    day: str
    at: datetime


class LookService:
    """Record looks and list them."""

    def __init__(self, session: Session, clock: Callable[[], datetime]) -> None:
        self._session = session
        self._clock = clock

    def missing(self, actor: Actor, person_ids: Collection[int], place: str) -> set[int]:
        """Return the persons whose look from this place is not recorded yet today; the own person never is."""
        return set(self.missing_at(actor, dict.fromkeys(person_ids, place)))

    def missing_at(self, actor: Actor, places: Mapping[int, str]) -> dict[int, str]:
        """Return the same of persons by their places. One query."""
        others = {person_id: place for person_id, place in places.items() if person_id != actor.person_id}
        query = select(Look.person_id).where(
            tuple_(Look.person_id, Look.place).in_(list(others.items())),
            Look.viewer_id == actor.user_id,
            Look.day == self._today(),
        )
        known = set(self._session.scalars(query)) if others else set()
        return {person_id: place for person_id, place in others.items() if person_id not in known}

    def record(self, actor: Actor, person_ids: Collection[int], place: str) -> None:
        """Record that somebody looks at persons; once for each viewer, place and day."""
        self.record_at(actor, dict.fromkeys(person_ids, place))

    def record_at(self, actor: Actor, places: Mapping[int, str], *, provided: ColumnElement[bool] | None = None) -> int:
        """Record the same of persons by their places, and return how many looks were new.

        One statement, which two tabs can send at once. Where `provided` does not hold, nothing is recorded.
        """
        others = {person_id: place for person_id, place in places.items() if person_id != actor.person_id}
        if not others:
            return 0
        dialect = postgresql if self._session.get_bind().dialect.name == "postgresql" else sqlite
        row = {
            Look.person_id: Person.id,
            Look.viewer_id: literal(actor.user_id),
            Look.viewer: literal(actor.name or actor.email),
            Look.place: case(*((Person.id == person_id, place) for person_id, place in others.items())),
            Look.day: literal(self._today()),
            Look.at: literal(self._clock().astimezone(UTC), Look.at.type),
        }
        looks = select(*row.values()).where(Person.id.in_(others), true() if provided is None else provided)
        names = [column.key for column in row]
        new = dialect.insert(Look).from_select(names, looks).on_conflict_do_nothing().returning(Look.id)
        return len(self._session.execute(new).all())

    def at(self, person_id: int, limit: int = 50) -> Sequence[LookLine]:
        """Return the newest looks at a person by others, as `told` tells of them."""
        query = select(Look).where(Look.person_id == person_id).order_by(Look.at.desc(), Look.id.desc())
        return told(self._session.scalars(query.limit(limit)))

    def _today(self) -> str:
        return f"{self._clock().astimezone(UTC):%Y-%m-%d}"


def told(looks: Iterable[Look]) -> tuple[LookLine, ...]:
    """Return what a person is told of looks, newest first: once for each viewer, place and day.

    Whether a look at a candidate showed what the panel said is left out: it would tell how far the panel is.
    """
    first: dict[tuple[int | None, str, str, str], LookLine] = {}
    for one in sorted(looks, key=lambda look: (look.at, look.id)):
        place = one.place.removesuffix(COMPARED)
        first.setdefault((one.viewer_id, one.viewer, place, one.day), LookLine(one.viewer, place, one.day, one.at))
    return tuple(reversed(first.values()))
