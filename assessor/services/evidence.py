"""From stored rows of evidence to the fitted profile of a person: one place, so that every page shows the same levels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessor.measurement import fusion
from assessor.models.profile import Evidence

__all__ = ["Fitted", "evidence_of", "fit_evidence", "years"]

YEAR = 365.25 * 24 * 3600


def years(at: datetime) -> float:
    """Return a time on the clock of measurement: years since 1970."""
    return at.timestamp() / YEAR


@dataclass(frozen=True, slots=True)
class Fitted:
    """Hold a fitted profile and the stored rows behind it, in the order of the profile's rows."""

    profile: fusion.Profile
    rows: tuple[Evidence, ...]


def evidence_of(session: Session, person_ids: Collection[int]) -> dict[int, list[Evidence]]:
    """Return the rows that count of some persons, by person, in one query."""
    found: dict[int, list[Evidence]] = {person_id: [] for person_id in person_ids}
    query = select(Evidence).where(Evidence.person_id.in_(person_ids), Evidence.superseded_at.is_(None))
    for row in session.scalars(query.order_by(Evidence.at, Evidence.id)):
        found[row.person_id].append(row)
    return found


def fit_evidence(evidence: Iterable[Evidence], now: datetime) -> Fitted:
    """Fit the rows that count: not a superseded one, nor one at its ceiling where the fit without it is higher.

    A repository's row at its ceiling says "at least this", but a fit reads it as "about this" (evidence.md, "From
    repositories to a person").
    """
    valid = [row for row in evidence if row.superseded_at is None]
    fitted = _fit([row for row in valid if not row.at_ceiling])
    for row in sorted((row for row in valid if row.at_ceiling), key=lambda row: (row.at, row.layer)):
        trial = _fit([*fitted.rows, row])
        if trial.profile.level(years(now))[row.layer] >= fitted.profile.level(years(now))[row.layer]:
            fitted = trial
    return fitted


def _fit(evidence: Sequence[Evidence]) -> Fitted:
    made = [(_row(row), row) for row in evidence]
    profile = fusion.fit([row for row, _ in made])
    stored = {id(row): kept for row, kept in made}  # equal rows may stand for different stored ones
    return Fitted(profile, tuple(stored[id(row)] for row in profile.rows))


def _row(row: Evidence) -> fusion.EvidenceRow:
    return fusion.EvidenceRow(
        time=years(row.at),
        layer=row.layer,
        level=row.level,
        noise_sd=row.noise_sd,
        instrument=row.instrument,
        source=row.source,
        share=row.share,
        reviewed=row.reviewed,
    )
