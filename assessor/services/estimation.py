"""What everybody's evidence says of how people change and how far instruments and raters are off; no query here.

What rests on too little is refused with cause and cure, and keeps its default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import NormalDist
from types import MappingProxyType
from typing import NamedTuple

from assessor.measurement import fusion, raters
from assessor.measurement.fusion import EvidenceRow, Hyper
from assessor.models.profile import Evidence, Instrument
from assessor.services.evidence import fit_evidence, row_of, years
from assessor.services.parameters import DEFAULTS, Parameters, Severity

__all__ = ["Found", "Proposal", "RaterFound", "Shift", "propose", "propose_defaults"]

LEAST_PEOPLE = 20
"""People that a parameter of the model has to rest on."""

APART = timedelta(days=30)
"""How far apart two dates must lie to say anything of how levels drift."""

LEAST_SHARED = 3
"""People whom somebody else judged too, or a quiz, that the severity of a rater has to rest on."""

NOTICED = 0.1
"""Levels from which on a move is counted: a level is written with one decimal."""

DIGITS = 4
"""Decimals that are stored: more would be noise, and differ from machine to machine."""

NOISES: Mapping[str, Instrument] = {"self_noise": "self", "review_noise": "review"}
"""Noises that are estimated; rows of quizzes, drills and repositories bring their own."""

Rows = Mapping[int, Sequence[EvidenceRow]]


@dataclass(frozen=True, slots=True)
class Found:
    """Say what was found of one parameter; `value` is None where it was refused, and `cause` and `cure` say why."""

    name: str
    before: float
    value: float | None
    people: int
    rows: int
    cause: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class RaterFound:
    """Say how far one rater rates above the truth; `severity` is None where it was refused.

    `shared` counts the people whom they rated and somebody else judged too, or a quiz.
    """

    rater: str
    before: float
    severity: Severity | None
    rows: int
    shared: int
    cause: str = ""
    cure: str = ""

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the 90% interval of the severity."""
        if self.severity is None:
            return None
        mean, half = self.severity[0], NormalDist().inv_cdf(0.95) * self.severity[1]
        return mean - half, mean + half


class Shift(NamedTuple):
    """Say where one layer, 0..9, of a person stands by the parameters in use, and by the proposed ones."""

    person_id: int
    layer: int
    before: float
    after: float

    @property
    def size(self) -> float:
        """Return how far the level moves."""
        return abs(self.after - self.before)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Hold proposed parameters, what they rest on, and what they would do to levels; `used` are those in use."""

    used: Parameters
    parameters: Parameters
    found: tuple[Found, ...]
    raters: tuple[RaterFound, ...]
    shifts: tuple[Shift, ...]
    people: int
    rows: int

    @property
    def estimated(self) -> tuple[str, ...]:
        """Return the names of the parameters that are not left at their default."""
        return (*(one.name for one in self.found if one.value is not None), *self.parameters.severities)

    @property
    def new(self) -> bool:
        """Tell whether these parameters differ from those in use."""
        used, proposed = self.used, self.parameters
        return (used.hyper, dict(used.severities)) != (proposed.hyper, dict(proposed.severities))

    @property
    def largest(self) -> Shift | None:
        """Return the level that would move most."""
        return max(self.shifts, key=lambda shift: shift.size, default=None)

    @property
    def noticed(self) -> Sequence[Shift]:
        """Return the levels that would move by 0.1 or more."""
        return [shift for shift in self.shifts if shift.size >= NOTICED]


def propose(evidence: Mapping[int, Sequence[Evidence]], now: datetime, used: Parameters) -> Proposal:
    """Estimate parameters from the rows that count, by person; `used` are those in use.

    A row at its ceiling says "at least this" and is no measurement to learn a noise from. The estimates are drawn
    towards the defaults of the model and not towards those in use: evidence that was used once would else count again
    with every calibration.
    """
    known: Rows = {
        person_id: firm
        for person_id, rows in evidence.items()
        if (firm := [row_of(r) for r in rows if not r.at_ceiling])
    }
    overlaps = _overlaps(known)
    hyper, found = _hyper(known, used, _severities(known, overlaps, Hyper()))
    severities = _severities(known, overlaps, hyper)
    parameters = Parameters(hyper, MappingProxyType(severities))
    return Proposal(
        used=used,
        parameters=parameters,
        found=found,
        raters=tuple(
            _rater(used, rater, severities.get(rater), overlap) for rater, overlap in sorted(overlaps.items())
        ),
        shifts=_shifts(evidence, now, used, parameters),
        people=len(known),
        rows=sum(map(len, known.values())),
    )


def propose_defaults(evidence: Mapping[int, Sequence[Evidence]], now: datetime, used: Parameters) -> Proposal:
    """Propose the defaults of the model again, as the way back from a calibration."""
    return Proposal(used, DEFAULTS, (), (), _shifts(evidence, now, used, DEFAULTS), people=0, rows=0)


def _hyper(known: Rows, used: Parameters, severities: Mapping[str, Severity]) -> tuple[Hyper, tuple[Found, ...]]:
    """Return the parameters of the model, and what was found of each that can be estimated."""
    usual = Hyper()
    estimate = fusion.estimate_hyper(list(known.values()), hyper=usual, severities=severities) if known else usual
    found = [_drift(known, used, estimate)]
    for name, instrument in NOISES.items():
        rows = [sum(row.instrument == instrument and row.noise_sd is None for row in one) for one in known.values()]
        people = sum(map(bool, rows))
        line = Found(name, getattr(used.hyper, name), round(getattr(estimate, name), DIGITS), people, sum(rows))
        if people < LEAST_PEOPLE:
            kind = "self-ratings" if instrument == "self" else "reviews"
            line = replace(
                line,
                value=None,
                cause=f"{kind} of {people} people; it takes {LEAST_PEOPLE}",
                cure=f"Calibrate again when more people have {kind}.",
            )
        found.append(line)
    estimated = {one.name: one.value for one in found if one.value is not None}
    return replace(usual, **estimated), tuple(found)


def _drift(known: Rows, used: Parameters, estimate: Hyper) -> Found:
    """Return what was found of q: only people seen at two dates can tell."""
    apart = APART.total_seconds() / timedelta(days=365.25).total_seconds()
    spans = [max(row.time for row in rows) - min(row.time for row in rows) for rows in known.values()]
    twice = [rows for rows, span in zip(known.values(), spans, strict=True) if span >= apart]
    found = Found("q", used.hyper.q, round(estimate.q, DIGITS), len(twice), sum(map(len, twice)))
    if len(twice) >= LEAST_PEOPLE:
        return found
    return replace(
        found,
        value=None,
        cause=f"{len(twice)} people have evidence of two dates {APART.days} days apart; it takes {LEAST_PEOPLE}",
        cure="Calibrate again when more people were measured a second time.",
    )


def _severities(known: Rows, overlaps: Mapping[str, _Overlap], hyper: Hyper) -> dict[str, Severity]:
    """Return the severity of every rater whom enough people tell from the people they rated."""
    return {
        rater: (round(mean, DIGITS), round(sd, DIGITS))
        for rater, (mean, sd) in raters.severities(list(known.values()), hyper=hyper).items()
        if overlaps[rater].shared >= LEAST_SHARED
    }


def _rater(used: Parameters, rater: str, severity: Severity | None, overlap: _Overlap) -> RaterFound:
    before = used.severities.get(rater, (0.0, 0.0))[0]
    if severity is not None:
        return RaterFound(rater, before, severity, overlap.rows, overlap.shared)
    cause = f"{overlap.shared} people of theirs were judged by somebody else or a quiz too; it takes {LEAST_SHARED}"
    return RaterFound(
        rater, before, None, overlap.rows, overlap.shared, cause, "Ask a second reviewer, or for quizzes."
    )


class _Overlap(NamedTuple):
    rows: int
    shared: int


def _overlaps(known: Rows) -> dict[str, _Overlap]:
    """Return for every rater their ratings, and how many people they rated in a layer that others speak of too."""
    found: dict[str, _Overlap] = {}
    for rows in known.values():
        said: dict[str, list[int]] = {}
        speakers: dict[int, set[str]] = {}
        for row in rows:
            if row.instrument in ("review", "quiz"):
                speakers.setdefault(row.layer, set()).add("quiz" if row.instrument == "quiz" else row.source)
            if row.instrument == "review":
                said.setdefault(row.source, []).append(row.layer)
        for rater, layers in said.items():
            before = found.get(rater, _Overlap(0, 0))
            shared = any(speakers[layer] != {rater} for layer in layers)
            found[rater] = _Overlap(before.rows + len(layers), before.shared + shared)
    return found


def _shifts(
    evidence: Mapping[int, Sequence[Evidence]], now: datetime, used: Parameters, proposed: Parameters
) -> tuple[Shift, ...]:
    """Return where every measured layer of everybody would move."""
    found = []
    for person_id, rows in evidence.items():
        before, after = (fit_evidence(rows, now, one).profile.level(years(now)).tolist() for one in (used, proposed))
        found += [Shift(person_id, layer, before[layer], after[layer]) for layer in sorted({row.layer for row in rows})]
    return tuple(found)
