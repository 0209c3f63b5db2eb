"""Calibrations: the parameters in use, estimating new ones from everybody's evidence, and storing them with a version."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from assessor.models.account import UserAccount, Workspace
from assessor.models.calibration import Calibration
from assessor.models.hiring import Candidate, Requisition
from assessor.models.profile import Evidence, Person
from assessor.services.audit import AuditService
from assessor.services.blind import before_the_panel, without_reviews
from assessor.services.errors import Conflict
from assessor.services.estimation import Proposal
from assessor.services.evidence import Counted
from assessor.services.parameters import DEFAULTS, Parameters, parameters_of

__all__ = ["CalibrationService", "Pool"]

KIND = "people"

COUNTED = tuple(getattr(Evidence, name) for name in Counted._fields)


@dataclass(frozen=True, slots=True)
class Pool:
    """Hold the evidence that parameters are estimated from, by person, what was left out of it, and what is in use."""

    evidence: Mapping[int, Sequence[Evidence]]
    demo_people: int
    blind_rows: int
    used: Parameters
    at: datetime


class CalibrationService:
    """Read, estimate and store parameters."""

    def __init__(self, session: Session, clock: Callable[[], datetime], audit: AuditService) -> None:
        self._session = session
        self._clock = clock
        self._audit = audit
        self._current: Parameters | None = None

    @property
    def current(self) -> Parameters:
        """Return the parameters that every profile is fitted with: those of the newest calibration, else the defaults.

        Read once for each unit of work, in one query or with evidence, so that a page shows one version, and the next
        request of any process the newest.
        """
        return self._learn(self.newest()) if self._current is None else self._current

    def evidence_of(self, person_ids: Collection[int]) -> dict[int, list[Evidence]]:
        """Return the rows that count of some persons, by person, and learn what is in use, in one query."""
        found: dict[int, list[Evidence]] = {person_id: [] for person_id in person_ids}
        for row, *_ in self._read(list(found), Evidence):
            if row is not None:
                found[row.person_id].append(row)
        return found

    def counted_of(self, person_ids: Collection[int]) -> dict[int, list[Counted]]:
        """Return the same in a fifth of the time, for where levels alone are asked for."""
        found: dict[int, list[Counted]] = {person_id: [] for person_id in person_ids}
        for person_id, *values in self._read(list(found), Evidence.person_id, *COUNTED):
            if person_id is not None:
                found[person_id].append(Counted._make(values[:-1]))
        return found

    def evidence_of_demo(self) -> tuple[str, list[Evidence]]:
        """Return name and rows of the demo person, "" and none where there is none, and learn what is in use, in one query."""
        demo = select(func.min(Person.id)).join(UserAccount, UserAccount.id == Person.user_id).where(UserAccount.demo)
        name = select(Person.name).where(Person.id.in_(demo)).scalar_subquery()
        found = self._read(demo, Evidence, name)
        return found[0][1] or "", [row for row, *_ in found if row is not None]

    def _read(self, person_ids: list[int] | Select[int | None], *what: Any) -> Sequence[Row[*tuple[Any, ...]]]:
        """Return what was asked for of the rows that count of some persons, with the calibration: one row, be it empty."""
        newest = select(func.max(Calibration.id).label("id")).where(Calibration.kind == KIND).subquery()
        other = aliased(Evidence)
        first = select(func.min(other.id)).where(other.person_id.in_(person_ids), other.superseded_at.is_(None))
        query = (
            select(*what, Calibration)
            .select_from(newest)  # one row always
            .outerjoin(Evidence, Evidence.person_id.in_(person_ids) & Evidence.superseded_at.is_(None))
            # Beside one row alone: the parameters of an installation with many raters are long.
            .outerjoin(
                Calibration,
                (Calibration.id == newest.c.id) & (Evidence.id.is_(None) | (Evidence.id == first.scalar_subquery())),
            )
            .order_by(Evidence.at, Evidence.id)
        )
        found = self._session.execute(query).all()
        self._learn(next((row[-1] for row in found if row[-1] is not None), None))
        return found

    def newest(self) -> Calibration | None:
        """Return the newest stored calibration, or None where there is none."""
        query = select(Calibration).where(Calibration.kind == KIND).order_by(Calibration.number.desc()).limit(1)
        return self._session.scalar(query)

    def history(self) -> Sequence[Calibration]:
        """Return all stored calibrations, the newest first."""
        query = select(Calibration).where(Calibration.kind == KIND).order_by(Calibration.number.desc())
        return self._session.scalars(query).all()

    def pool(self) -> Pool:
        """Return everybody's evidence, without the people of the demo, who are made up, and without blind reviews.

        What a panel says of a candidate must not show before the requisition is closed, not even through the severity of
        who said it.
        """
        demo = self._demo_people()
        found: dict[int, list[Evidence]] = {}
        candidates: set[int] = set()
        query = select(Evidence, before_the_panel(Evidence.person_id)).where(Evidence.superseded_at.is_(None))
        for row, waiting in self._session.execute(query.order_by(Evidence.at, Evidence.id)):
            if row.person_id not in demo:
                found.setdefault(row.person_id, []).append(row)
                if waiting:
                    candidates.add(row.person_id)
        blind_rows = 0
        for person_id in candidates:
            kept = without_reviews(found[person_id])
            blind_rows += len(found[person_id]) - len(kept)
            found[person_id] = kept
        return Pool(found, len(demo), blind_rows, self.current, self._clock())

    def store(self, proposal: Proposal, *, by: str) -> Calibration:
        """Put proposed parameters in use under the next number.

        Raises Conflict where they are in use already, or where another calibration was stored since they were proposed.
        """
        newest = self.newest()
        if (newest.number if newest else None) != proposal.used.number:
            raise Conflict(
                "Another calibration was stored meanwhile.", "Run the command again, and look at its preview."
            )
        if not proposal.new:
            raise Conflict("These parameters are in use already.")
        calibration = Calibration(
            kind=KIND,
            number=(newest.number if newest else 0) + 1,
            at=self._clock().astimezone(UTC),
            parameters=proposal.parameters.as_json(proposal.estimated),
            people=proposal.people,
            rows=proposal.rows,
            made_by=by,
        )
        self._session.add(calibration)
        try:
            self._session.flush()
        except IntegrityError as error:  # on PostgreSQL two may have read the same newest one
            raise Conflict("Another calibration was stored meanwhile.", "Run the command again.") from error
        self._current = None
        self._audit.write(
            by,
            "profile.calibrated",
            f"calibration:{calibration.number}",
            people=calibration.people,
            rows=calibration.rows,
            q=proposal.parameters.hyper.q,
        )
        return calibration

    def severity_of(self, user_id: int) -> list[dict[str, Any]]:
        """Return what each calibration says of a user as a rater: number, time, mean and standard deviation."""
        found = []
        for one in self.history():
            severity = one.parameters.get("severities", {}).get(f"user:{user_id}")
            if severity is not None:
                found.append({"calibration": one.number, "at": one.at, "mean": severity[0], "sd": severity[1]})
        return found

    def names(self, person_ids: Collection[int], raters: Collection[str]) -> dict[str, str]:
        """Return how to call persons ("person:7") and raters ("user:7") in front of an operator, as far as known."""
        users = [int(rater.removeprefix("user:")) for rater in raters if rater.removeprefix("user:").isdecimal()]
        found = {
            f"person:{person_id}": name or email or f"person {person_id}"
            for person_id, name, email in self._session.execute(
                select(Person.id, func.coalesce(func.nullif(Person.name, ""), UserAccount.name), UserAccount.email)
                .outerjoin(UserAccount, UserAccount.id == Person.user_id)
                .where(Person.id.in_(person_ids))
            )
        }
        query = select(UserAccount.id, UserAccount.email).where(UserAccount.id.in_(users))
        return found | {f"user:{user_id}": email for user_id, email in self._session.execute(query)}

    def _learn(self, stored: Calibration | None) -> Parameters:
        """Take what was read as what is in use, unless this unit has shown something with another."""
        if self._current is None:
            self._current = DEFAULTS if stored is None else parameters_of(stored)
        return self._current

    def _demo_people(self) -> set[int]:
        """Return the persons of the demo: its users, and the candidates of its requisitions."""
        users = select(Person.id).join(UserAccount, UserAccount.id == Person.user_id).where(UserAccount.demo)
        candidates = (
            select(Candidate.person_id)
            .join(Requisition, Requisition.id == Candidate.requisition_id)
            .join(Workspace, Workspace.id == Requisition.workspace_id)
            .where(Workspace.demo)
        )
        return {*self._session.scalars(users), *self._session.scalars(candidates)}
