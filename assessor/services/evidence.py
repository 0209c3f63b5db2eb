"""From stored rows of evidence to the fitted profile of a person: one place, so that every page shows the same levels."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from assessor.content.schema import Catalogue
from assessor.measurement import fusion
from assessor.models.profile import Evidence

__all__ = ["Fitted", "evidence_of", "fit_evidence", "of_layers", "years"]

YEAR = 365.25 * 24 * 3600
KEPT = 256
"""Fits that a process keeps: one of 80 rows takes 60 kB."""


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


def of_layers(catalogue: Catalogue, rows: Iterable[Evidence], keys: Collection[str]) -> list[Evidence]:
    """Return the rows that speak of the layers with these keys."""
    wanted = {index for index, layer in enumerate(catalogue.framework.layers) if layer.key in keys}
    return [row for row in rows if row.layer in wanted]


def fit_evidence(evidence: Iterable[Evidence], now: datetime) -> Fitted:
    """Fit the rows that count: not a superseded one, nor one at its ceiling where the fit without it is higher.

    A repository's row at its ceiling says "at least this", but a fit reads it as "about this" (evidence.md, "From
    repositories to a person"). The same rows are fitted once in each process: pages of teams and panels ask again and
    again.
    """
    valid = [row for row in evidence if row.superseded_at is None]
    firm = [row for row in valid if not row.at_ceiling]
    profile, order = _fit(tuple(map(_row, firm)))
    fitted = Fitted(profile, tuple(firm[place] for place in order))
    for row in sorted((row for row in valid if row.at_ceiling), key=lambda row: (row.at, row.layer)):
        rows = [*fitted.rows, row]
        profile, order = _fit(tuple(map(_row, rows)))
        if profile.level(years(now))[row.layer] >= fitted.profile.level(years(now))[row.layer]:
            fitted = Fitted(profile, tuple(rows[place] for place in order))
    return fitted


@lru_cache(maxsize=KEPT)
def _fit(rows: tuple[fusion.EvidenceRow, ...]) -> tuple[fusion.Profile, tuple[int, ...]]:
    """Return a fit, and which of the given rows each of its own is: equal rows may stand for different stored ones."""
    places: dict[int, int] = {id(row): place for place, row in enumerate(rows)}
    profile = fusion.fit(rows)
    return profile, tuple(places[id(row)] for row in profile.rows)


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
