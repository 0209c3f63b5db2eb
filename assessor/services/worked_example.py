"""One level worked out row by row, as the page that explains scores shows it; no query here."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from assessor.content.schema import Layer
from assessor.measurement import fusion
from assessor.measurement.fusion import LAYERS, MIDDLE, EvidenceRow, Hyper
from assessor.models.profile import Evidence, Instrument
from assessor.services.evidence import HALF, Fitted, fit_evidence, years
from assessor.services.parameters import Parameters
from assessor.services.standing import NO_PROOF_CEILING, PROOF_LAYERS

__all__ = ["ExampleLine", "WorkedExample", "made_up", "worked_example"]

READABLE = 12
"""Rows that an example has at most, where there is a layer with so few."""


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """Show one row: what it says, what that counts as, its noise as SD, its weight, and by how much it moves the level.

    `moves` is the weight times the distance of `counts_as` from the middle of the scale.
    """

    instrument: Instrument
    at: datetime
    said: float
    counts_as: float
    noise: float
    weight: float
    moves: float


@dataclass(frozen=True, slots=True)
class WorkedExample:
    """Show one layer of a person: the middle of the scale, what `lines` and the rows of other layers move, the level.

    `sd_before` is the deviation that the level would have now without any evidence; `half` is half the 90% interval.
    `name` is "" for a person who is made up.
    """

    name: str
    layer: Layer
    at: datetime
    lines: tuple[ExampleLine, ...]
    other_rows: int
    others: float
    level: float
    sd_before: float
    sd: float
    half: float
    low: float
    high: float
    parameters: Parameters
    years: float


def worked_example(
    layers: Sequence[Layer], name: str, evidence: Sequence[Evidence], now: datetime, parameters: Parameters
) -> WorkedExample:
    """Work one layer of a person out: the one that most instruments speak of.

    Without evidence, or where every level lies at an end of the scale, it is that of a person who is made up.
    """
    fitted = fit_evidence(evidence, now, parameters)
    index = _telling(layers, fitted, now)
    if index is None:
        return worked_example(layers, "", made_up(now), now, parameters)
    profile, time = fitted.profile, years(now)
    weights, moves = profile.weights(time)[index].tolist(), profile.contributions(time)[index].tolist()
    places = [place for place, row in enumerate(fitted.rows) if row.layer == index]
    lines = tuple(
        _line(fitted, place, weights[place], moves[place])
        for place in sorted(places, key=lambda place: fitted.rows[place].at)
    )
    sd = float(profile.sd(time)[index])
    low, high = profile.interval(time)[index].tolist()
    since = time - profile.rows[0].time
    return WorkedExample(
        name=name,
        layer=layers[index],
        at=now,
        lines=lines,
        other_rows=len(fitted.rows) - len(lines),
        others=sum(moves) - sum(line.moves for line in lines),
        level=MIDDLE + sum(moves),
        sd_before=math.sqrt(float(parameters.hyper.start[index, index] + parameters.hyper.drift[index, index] * since)),
        sd=sd,
        half=HALF * sd,
        low=low,
        high=high,
        parameters=parameters,
        years=since,
    )


def _telling(layers: Sequence[Layer], fitted: Fitted, now: datetime) -> int | None:
    """Return the layer, 0..9, that shows most: not cut, few rows, many instruments, and little from other layers."""
    reading = fitted.at(now)
    found = []
    for index, layer in enumerate(layers):
        own = [place for place, row in enumerate(fitted.rows) if row.layer == index]
        cut = not 0.0 < reading.level[index] < (NO_PROOF_CEILING if layer.id in PROOF_LAYERS else 5.0)
        if own and not cut:
            instruments = {fitted.rows[place].instrument for place in own}
            found.append((len(own) <= READABLE, len(instruments), float(reading.shares[index, own].sum()), -index))
    return -max(found)[3] if found else None


def _line(fitted: Fitted, place: int, weight: float, moves: float) -> ExampleLine:
    stored, row = fitted.rows[place], fitted.profile.rows[place]
    return ExampleLine(
        instrument=stored.instrument,
        at=stored.at,
        said=row.level,
        counts_as=row.level - _expected(row, fitted.parameters),
        noise=_noise(row, fitted.parameters.hyper),
        weight=weight,
        moves=moves,
    )


def _expected(row: EvidenceRow, parameters: Parameters) -> float:
    """Return by how much a source is expected to say too much."""
    if row.instrument == "self":
        return parameters.hyper.self_offset
    return parameters.severities.get(row.source, (0.0, 0.0))[0] if row.instrument == "review" else 0.0


def _noise(row: EvidenceRow, hyper: Hyper) -> float:
    """Return how far one statement is off by itself, as SD, by asking the model what it learns from it alone.

    With nothing else known and no shared offset the variance of the layer is 1/v = 1/v0 + share^2/noise^2.
    """
    alone = replace(
        hyper, self_offset_sd=0.0, severity_sd=0.0, halo_sd=0.0, repo_offset_sd=0.0, repo_offset_sd_reviewed=0.0
    )
    before = float(hyper.start[row.layer, row.layer])
    after = float(fusion.fit([row], hyper=alone).sd(row.time)[row.layer]) ** 2
    learned = 1.0 / after - 1.0 / before
    return row.share / math.sqrt(learned) if learned > 0.0 else math.inf


def made_up(now: datetime) -> list[Evidence]:
    """Return the evidence of a person who is made up: all four instruments, and ratings of all ten layers."""
    return list(_made_up(now))


def _made_up(now: datetime) -> Iterator[Evidence]:
    layer = 2
    for index in range(LAYERS):
        yield _row(now, 300, index, 3.5 if index == layer else 3.0, "self", "self")
    yield _row(now, 200, layer, 2.4, "repo", "repository", noise=1.0)
    for level in (3.0, 2.5, 3.5):
        yield _row(now, 90, layer, level, "review", "a colleague")
    yield _row(now, 30, layer, 2.8, "quiz", "quiz", noise=0.7)


def _row(
    now: datetime, days: int, layer: int, level: float, instrument: Instrument, source: str, noise: float | None = None
) -> Evidence:
    return Evidence(
        person_id=0,
        at=now - timedelta(days=days),
        layer=layer,
        level=level,
        noise_sd=noise,
        instrument=instrument,
        source=source,
        share=1.0,
        reviewed=instrument == "repo",
        at_ceiling=False,
    )
