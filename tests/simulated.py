"""Made-up people whose levels drift, with two years of self-ratings, quizzes and reviews: rows to store."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy.orm import Session

from assessor.models.profile import Evidence, Instrument, Person

LAYERS = 10
DATES = (730, 365, 0)
"""Days ago at which a person is measured."""


def store_people(
    session: Session,
    now: datetime,
    count: int,
    *,
    q: float = 0.25,
    raters: Mapping[str, float] | None = None,
    seed: int = 1,
    dates: tuple[int, ...] = DATES,
) -> list[int]:
    """Store people with their evidence and return their ids; each is reviewed by two of `raters`, who are so severe."""
    found = []
    for number in range(count):
        person = Person(name=f"Person {number + 1}", created_at=now)
        session.add(person)
        session.flush()
        session.add_all(evidence(person.id, now, np.random.default_rng([seed, number]), q, raters or {}, dates))
        found.append(person.id)
    session.flush()
    return found


def evidence(
    person_id: int,
    now: datetime,
    rng: np.random.Generator,
    q: float,
    raters: Mapping[str, float],
    dates: tuple[int, ...] = DATES,
) -> list[Evidence]:
    """Return the rows of one person."""
    rows: list[Evidence] = []
    level = 2.5 + rng.multivariate_normal(np.zeros(LAYERS), np.full((LAYERS, LAYERS), 0.5) + 0.5 * np.eye(LAYERS))
    drift = q * (np.full((LAYERS, LAYERS), 0.3) + 0.7 * np.eye(LAYERS))
    optimism = rng.normal(0.4, 0.8)
    for earlier, ago in zip((None, *dates), dates, strict=False):
        if earlier is not None:
            level = level + rng.multivariate_normal(np.zeros(LAYERS), drift * (earlier - ago) / 365.25)
        at = now - timedelta(days=ago)
        rows += _rows(person_id, at, level + rng.normal(0, 0.4, LAYERS), "quiz", f"quiz:{ago}", 0.4)
        rows += _rows(person_id, at, _said(level + optimism + rng.normal(0, 0.5, LAYERS)), "self", "self")
        for rater in rng.choice(sorted(raters), 2, replace=False).tolist() if raters else ():
            halo = rng.normal(0, 0.35)
            said = _said(level + raters[rater] + halo + rng.normal(0, 0.6, LAYERS))
            rows += _rows(person_id, at, said, "review", rater)
    return rows


def _rows(
    person_id: int, at: datetime, levels: np.ndarray, instrument: Instrument, source: str, noise: float | None = None
) -> list[Evidence]:
    return [
        Evidence(
            person_id=person_id,
            at=at,
            layer=layer,
            level=float(level),
            noise_sd=noise,
            instrument=instrument,
            source=source,
            share=1.0,
            reviewed=False,
            at_ceiling=False,
        )
        for layer, level in enumerate(levels)
    ]


def _said(levels: np.ndarray) -> np.ndarray:
    return np.clip(np.round(levels * 2) / 2, 0, 5)
