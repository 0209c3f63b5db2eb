"""From stored rows of evidence to the fitted profile of a person: one place, so that every page shows the same levels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from statistics import NormalDist
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from assessor.content.schema import Catalogue
from assessor.measurement import fusion
from assessor.models.profile import Evidence, Instrument
from assessor.services.fits import Kept, Values, fit_values
from assessor.services.parameters import Parameters

__all__ = [
    "HALF",
    "Counted",
    "Fit",
    "Fitted",
    "Reading",
    "fit_counted",
    "fit_evidence",
    "of_layers",
    "row_of",
    "years",
]

Floats = NDArray[np.float64]

YEAR = 365.25 * 24 * 3600

HALF = NormalDist().inv_cdf(0.95)
"""Deviations from the middle of a 90% interval to its end."""


def years(at: datetime) -> float:
    """Return a time on the clock of measurement: years since 1970."""
    return at.timestamp() / YEAR


class Counted(NamedTuple):
    """Hold of a stored row that counts what levels depend on: read by the thousand for a team, without the rest."""

    at_ceiling: bool
    at: datetime
    layer: int
    level: float
    noise_sd: float | None
    instrument: Instrument
    source: str
    share: float
    reviewed: bool


_counted = attrgetter(*Counted._fields)


@dataclass(frozen=True, slots=True)
class Reading:
    """Hold what a fit says at one time: level, deviation and 90% interval per layer, (10,), (10,) and (10, 2).

    `shares` is the part of each row in the weight of each layer, (10, rows); `provenance` the same by instrument.
    """

    level: Floats
    sd: Floats
    interval: Floats
    shares: Floats
    provenance: Mapping[Instrument, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Hold a fitted profile; `order` tells which of the given rows each of the profile's is.

    `times` are those of all rows that count, by layer 0..9: also of rows at their ceiling, which the fit may leave out.
    """

    profile: fusion.Profile
    order: tuple[int, ...]
    times: tuple[tuple[datetime, ...], ...]
    parameters: Parameters
    kept: Kept = field(repr=False, compare=False)

    def at(self, at: datetime) -> Reading:
        """Read off what the pages show, asking each time for no covariance twice."""
        profile, time = self.profile, years(at)
        weights = np.abs(profile.weights(time))
        shares = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        level, sd = profile.level(time), profile.sd(time)
        if ((level > 0.0) & (level < 5.0)).all():
            half = HALF * sd
            interval = np.clip(np.column_stack([level - half, level + half]), 0.0, 5.0)
        else:  # the middle of an interval lies beyond the end of the scale, where the level was cut
            interval = profile.interval(time)
        provenance = {name: shares[:, places].sum(axis=1) for name, places in self.kept.places.items()}
        return Reading(level, sd, interval, shares, provenance)

    def sd_then(self, at: datetime) -> Floats:
        """Return the deviations at the time of a row, (10,): asked for at every look, and worked out once a fit."""
        found = self.kept.deviations.get(at)
        if found is None:
            found = self.kept.deviations[at] = self.profile.sd(years(at))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted(Fit):
    """Hold a fit with the stored rows behind it, in the order of the profile's rows."""

    rows: tuple[Evidence, ...]


class OfLayer(Protocol):
    """Speak of a layer."""

    @property
    def layer(self) -> int:
        """Return the layer, 0..9."""


Row = TypeVar("Row", bound=OfLayer)


def of_layers(catalogue: Catalogue, rows: Iterable[Row], keys: Collection[str]) -> list[Row]:
    """Return the rows that speak of the layers with these keys."""
    wanted = {index for index, layer in enumerate(catalogue.framework.layers) if layer.key in keys}
    return [row for row in rows if row.layer in wanted]


def fit_evidence(evidence: Iterable[Evidence], now: datetime, parameters: Parameters) -> Fitted:
    """Fit the rows that count: not a superseded one, nor one at its ceiling where the fit without it is higher.

    A repository's row at its ceiling says "at least this", but a fit reads it as "about this" (evidence.md, "From
    repositories to a person"). The same rows are fitted once in each process: pages of teams and panels ask again and
    again.
    """
    valid = [row for row in evidence if row.superseded_at is None]
    fit = fit_counted([Counted._make(_counted(row)) for row in valid], now, parameters)
    return Fitted(
        profile=fit.profile,
        order=fit.order,
        times=fit.times,
        parameters=parameters,
        kept=fit.kept,
        rows=tuple(valid[place] for place in fit.order),
    )


def fit_counted(counted: Sequence[Counted], now: datetime, parameters: Parameters) -> Fit:
    """Fit rows that count as fit_evidence does, where nobody asks which stored row is which."""
    firm: list[tuple[int, Values]] = []
    hinted: list[tuple[int, Values]] = []
    times: list[list[datetime]] = [[] for _ in range(fusion.LAYERS)]
    for place, row in enumerate(counted):
        at_ceiling, at, *rest = row
        (hinted if at_ceiling else firm).append((place, (years(at), *rest)))
        times[row.layer].append(at)
    rows, kept = firm, fit_values([values for _, values in firm], parameters)
    for one in sorted(hinted, key=lambda one: one[1][:2]):
        trial = fit_values([values for _, values in (*rows, one)], parameters)
        time, layer = years(now), counted[one[0]].layer
        if trial.profile.level(time)[layer] >= kept.profile.level(time)[layer]:
            rows, kept = [*rows, one], trial
    return Fit(
        profile=kept.profile,
        order=tuple(rows[place][0] for place in kept.order),
        times=tuple(map(tuple, times)),
        parameters=parameters,
        kept=kept,
    )


def row_of(row: Evidence) -> fusion.EvidenceRow:
    """Return a stored row as measurement takes it."""
    _, at, *rest = _counted(row)
    return fusion.EvidenceRow(years(at), *rest)
