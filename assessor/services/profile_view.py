"""What the profile page shows of a person, worked out from rows that were read already: no query here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from statistics import NormalDist

import numpy as np

from assessor.analysis.union import Shown
from assessor.content.schema import Catalogue, Layer, RoleTarget
from assessor.measurement import fusion
from assessor.models.portfolio import Analysis
from assessor.models.profile import Evidence, Instrument, Person
from assessor.services.evidence import Fitted, fit_evidence, years
from assessor.services.parameters import Parameters
from assessor.services.standing import LayerStanding, last_before, standings, under, verifying
from assessor.services.steps import Standing, Step, next_steps

__all__ = [
    "AnalysisLink",
    "ChangeView",
    "Dot",
    "EvidenceLine",
    "LayerView",
    "Move",
    "Overall",
    "ProfileView",
    "build_view",
    "shown",
]

COMPARED = timedelta(days=365)
GROWS_FROM = timedelta(days=1)
"""How long after the first evidence a comparison begins to say anything."""

SCALE = 5.0
"""Levels from one end to the other: no change is larger."""

KNOTS = 24
"""Points of a line over time, at most."""


@dataclass(frozen=True, slots=True)
class ChangeView:
    """Show a change in one layer, in levels, as estimated: drawn towards none where evidence is thin.

    `by_itself` says that it would be real in a person with one layer, but not among ten, of which one may change so by
    chance. `minimal` is the smallest growth that would show by itself, before it is drawn towards none; None where none
    could.
    """

    delta: float
    real: bool
    by_itself: bool
    minimal: float | None


@dataclass(frozen=True, slots=True)
class Dot:
    """Show what one instrument said last about one layer."""

    instrument: Instrument
    level: float
    at: datetime


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """Show one piece of evidence; `share` is its share of the weight in this layer's level, of 1.

    The criteria of one review are one piece: its level is their mean, `rows` how many they are.
    """

    instrument: Instrument
    source: str
    level: float
    at: datetime
    share: float
    analysis_id: str | None
    attempt_id: int | None
    review_id: int | None
    at_ceiling: bool
    rows: int = 1


@dataclass(frozen=True, slots=True)
class Move:
    """Say by how many levels an instrument moves a layer away from the middle of the scale, and with what share.

    All moves of a layer and the middle together make its level, before it is cut at the ends of the scale. `here` tells
    whether the instrument speaks of this layer itself or only of others.
    """

    instrument: Instrument
    delta: float
    share: float
    here: bool


@dataclass(frozen=True, slots=True)
class LayerView:
    """Show one layer. Level, interval and sd are None where nothing was measured by that time: not measured is not 0.

    `held` says that the level stops at 3.9 because this layer has no repository's or panel's evidence. `last_at` is when
    it was measured last. `earlier` is the level at the time compared with, `growth` the level at times from the first
    evidence of the person on. `private` says that the person does not share this layer with who looks: then it is not
    told whether it was measured.
    """

    layer: Layer
    level: float | None
    low: float | None
    high: float | None
    sd: float | None
    held: bool
    verified: bool
    stale: bool
    last_at: datetime | None
    moves: tuple[Move, ...]
    earlier: float | None
    change: ChangeView | None
    growth: tuple[tuple[datetime, float | None], ...]
    dots: tuple[Dot, ...]
    target: float | None
    weight: float
    lines: tuple[EvidenceLine, ...]
    private: bool = False

    @property
    def measured(self) -> bool:
        """Tell whether any evidence speaks of this layer."""
        return self.level is not None

    @property
    def gap(self) -> float | None:
        """Return how far the level lies under the target, in levels; negative where it is above."""
        return None if self.level is None or self.target is None else self.target - self.level

    @property
    def provenance(self) -> Mapping[Instrument, float]:
        """Return the share of each instrument in the weight; together 1 where anything weighs."""
        return {move.instrument: move.share for move in self.moves}

    @property
    def verifying(self) -> float:
        """Return the share of the weight that comes from quizzes and independent reviews."""
        return verifying(self.provenance)


@dataclass(frozen=True, slots=True)
class Overall:
    """Show the posterior of the role-weighted mean and its 90% interval."""

    level: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AnalysisLink:
    """Name an analysis that a page can link to."""

    id: str
    repository_id: int
    repository: str
    finished_at: datetime | None
    confirmed: bool


@dataclass(frozen=True, slots=True)
class ProfileView:
    """Show a person at a time: ten layers in order, and what follows from them.

    `shows` maps the id of each repository's newest analysis to what it shows of the person. `fitted` is what all of it
    was read off; None where only a part may be seen.
    """

    person_id: int
    name: str
    at: datetime
    since: datetime | None
    first_at: datetime | None
    role: RoleTarget | None
    layers: tuple[LayerView, ...]
    overall: Overall | None
    steps: tuple[Step, ...]
    analyses: tuple[AnalysisLink, ...]
    shows: Mapping[str, Shown]
    parameters: Parameters
    fitted: Fitted | None = field(repr=False)

    @property
    def measured(self) -> bool:
        """Tell whether anything was measured by that time."""
        return any(layer.measured for layer in self.layers)

    def against(self, role: RoleTarget) -> ProfileView:
        """Return the same person compared with another role; the overall figure and the steps are of the own one and go."""
        layers = (
            replace(one, target=role.levels[index], weight=role.weights[index]) for index, one in enumerate(self.layers)
        )
        return replace(self, role=role, layers=tuple(layers), overall=None, steps=())

    @property
    def pieces(self) -> int:
        """Return how many rows of evidence count."""
        return sum(len(layer.lines) for layer in self.layers)

    @property
    def last_at(self) -> datetime | None:
        """Return when the newest evidence was given."""
        return max((line.at for layer in self.layers for line in layer.lines), default=None)


def build_view(
    catalogue: Catalogue,
    *,
    person: Person,
    role: RoleTarget | None,
    rows: Sequence[Evidence],
    analyses: Sequence[Analysis],
    now: datetime,
    parameters: Parameters,
    at: datetime | None = None,
    since: datetime | None = None,
) -> ProfileView:
    """Work out the view of a person at a time, by default now, compared with an earlier one, by default a year before.

    `rows` are all rows of the person, superseded ones too; `analyses` the newest finished one of each repository.
    """
    at = min(at or now, now).astimezone(UTC)
    rows = [row for row in rows if row.superseded_at is None]
    first_at = min((row.at for row in rows), default=None)
    since = _compared(first_at, at, since)
    fitted = fit_evidence(rows, now, parameters)
    reader = _Reader(catalogue.framework.layers, fitted, at, since)
    layers = tuple(reader.layer(index, layer, role) for index, layer in enumerate(catalogue.framework.layers))
    return ProfileView(
        person_id=person.id,
        name=person.name,
        at=at,
        since=since,
        first_at=first_at,
        role=role,
        layers=layers,
        overall=_overall(fitted.profile, layers, role, at),
        steps=next_steps(
            catalogue,
            [Standing(one.level, one.target, one.weight) for one in layers],
            {one.id: shown(one) for one in analyses if one.confirmed},
            [one.id for one in analyses if not one.confirmed],
            {row.layer for row in rows if row.instrument == "quiz"},
        ),
        analyses=tuple(
            AnalysisLink(one.id, one.repository_id, one.repository.name, one.finished_at, one.confirmed)
            for one in analyses
        ),
        shows={one.id: shown(one) for one in analyses},
        parameters=parameters,
        fitted=fitted,
    )


def shown(analysis: Analysis) -> Shown:
    """Return what a finished analysis shows, from its stored summary."""
    kept = analysis.summary or {}
    return Shown(kept.get("grades", {}), kept.get("capped", {}))


def _compared(first_at: datetime | None, at: datetime, since: datetime | None) -> datetime | None:
    """Return the time to compare with: the one asked for or a year before, yet not before the first evidence."""
    if first_at is None:
        return None
    since = max(since or at - COMPARED, first_at).astimezone(UTC)
    return since if since <= at - GROWS_FROM else None


def _knots(rows: Sequence[Evidence], at: datetime) -> list[datetime]:
    """Return the times of the evidence and now: levels move in straight lines between them. Many are evenly thinned."""
    times = sorted({row.at.astimezone(UTC) for row in rows if row.at < at} | {at})
    if len(times) <= KNOTS:
        return times
    step = (at - times[0]) / (KNOTS - 1)
    return [*(times[0] + step * place for place in range(KNOTS - 1)), at]


class _Reader:
    """Read single layers off a fitted profile at one time."""

    def __init__(self, layers: Sequence[Layer], fitted: Fitted, at: datetime, since: datetime | None) -> None:
        self._fitted, self._at, self._since = fitted, at, since
        profile, time = fitted.profile, years(at)
        reading = fitted.at(at)
        self._standings = standings(layers, fitted, at, reading)
        self._shares = reading.shares
        self._contributions = profile.contributions(time)
        self._earlier = profile.level(years(since)) if since else None
        self._growth = [(knot, profile.level(years(knot))) for knot in _knots(fitted.rows, at)]
        self._change = profile.change(years(since), time) if since else None

    def layer(self, index: int, layer: Layer, role: RoleTarget | None) -> LayerView:
        """Return the view of one layer."""
        own: LayerStanding = self._standings[index]
        lines = self._lines(index)
        return LayerView(
            layer=layer,
            level=own.level,
            low=own.low,
            high=own.high,
            sd=own.sd,
            held=own.held,
            verified=own.verified,
            stale=own.stale,
            last_at=last_before(self._fitted, index, self._at),
            moves=self._moves(index) if own.measured else (),
            earlier=self._level_before(index, own.held),
            change=self._changed(index),
            growth=tuple(
                (knot, under(float(levels[index]), own.held) if self._measured(index, knot) else None)
                for knot, levels in self._growth
            ),
            dots=_dots(lines),
            target=role.levels[index] if role else None,
            weight=role.weights[index] if role else 1.0,
            lines=lines,
        )

    def _measured(self, index: int, by: datetime) -> bool:
        return last_before(self._fitted, index, by) is not None

    def _moves(self, index: int) -> tuple[Move, ...]:
        """Return what each instrument does to a layer, the heaviest first."""
        found: dict[Instrument, Move] = {}
        for place, row in enumerate(self._fitted.rows):
            known = found.get(row.instrument, Move(row.instrument, 0.0, 0.0, False))
            found[row.instrument] = Move(
                row.instrument,
                known.delta + float(self._contributions[index, place]),
                known.share + float(self._shares[index, place]),
                known.here or row.layer == index,
            )
        return tuple(sorted((move for move in found.values() if move.share > 0), key=lambda move: -move.share))

    def _level_before(self, index: int, held: bool) -> float | None:
        if self._since is None or self._earlier is None or not self._measured(index, self._since):
            return None
        return under(float(self._earlier[index]), held)

    def _changed(self, index: int) -> ChangeView | None:
        if self._since is None or self._change is None or not self._measured(index, self._since):
            return None
        minimal, real = float(self._change.minimal[index]), bool(self._change.real[index])
        return ChangeView(
            delta=float(self._change.delta[index]),
            real=real,
            by_itself=not real and abs(float(self._change.z[index])) > fusion.SIGNIFICANT,
            minimal=minimal if minimal <= SCALE else None,
        )

    def _lines(self, index: int) -> tuple[EvidenceLine, ...]:
        """Return the evidence of a layer, newest first; what one review says of several topics is one line."""
        pieces: dict[object, list[tuple[Evidence, float]]] = {}
        for place, row in enumerate(self._fitted.rows):
            if row.layer == index and row.at <= self._at:
                share = float(self._shares[index, place])
                pieces.setdefault(("review", row.review_id) if row.review_id else row.id or place, []).append(
                    (row, share)
                )
        return tuple(reversed([_piece(rows) for rows in pieces.values()]))


def _piece(rows: Sequence[tuple[Evidence, float]]) -> EvidenceLine:
    first = rows[0][0]
    return EvidenceLine(
        instrument=first.instrument,
        source=first.source,
        level=sum(row.level for row, _ in rows) / len(rows),
        at=first.at,
        share=sum(share for _, share in rows),
        analysis_id=first.analysis_id,
        attempt_id=first.attempt_id,
        review_id=first.review_id,
        at_ceiling=first.at_ceiling,
        rows=len(rows),
    )


def _dots(lines: Sequence[EvidenceLine]) -> tuple[Dot, ...]:
    newest: dict[Instrument, Dot] = {}
    for line in lines:  # newest first
        newest.setdefault(line.instrument, Dot(line.instrument, min(max(line.level, 0.0), 5.0), line.at))
    return tuple(newest.values())


def _overall(
    profile: fusion.Profile, layers: Sequence[LayerView], role: RoleTarget | None, at: datetime
) -> Overall | None:
    if role is None or not any(layer.measured for layer in layers):
        return None
    weights = np.array(role.weights) / sum(role.weights)
    # Layers that were not measured stand at what the measured ones let expect, with their full uncertainty.
    expected = profile.level(years(at))
    levels = np.array([expected[i] if layer.level is None else layer.level for i, layer in enumerate(layers)])
    mean = float(weights @ levels)
    half = NormalDist().inv_cdf(0.95) * math.sqrt(float(weights @ profile.covariance(years(at), years(at)) @ weights))
    return Overall(mean, max(mean - half, 0.0), min(mean + half, 5.0))
