"""Where a person stands in the ten layers at one time: what every page, heatmap and panel reads off one fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assessor.content.schema import Layer
from assessor.measurement.fusion import VERIFYING_SHARE
from assessor.models.profile import Evidence, Instrument
from assessor.services.evidence import Fit, Reading, fit_evidence
from assessor.services.parameters import Parameters

__all__ = [
    "NO_PROOF_CEILING",
    "PROOF_LAYERS",
    "STALE",
    "LayerStanding",
    "last_before",
    "stand",
    "standings",
    "under",
    "verifying",
]

NO_PROOF_CEILING = 3.9
"""How far a level goes in the layers below without a repository's or a panel's evidence (measurement.md)."""

PROOF_LAYERS = (4, 5, 7, 10)
STALE = 1.5
"""How many times as wide as at its last evidence an interval is when the evidence is called old (measurement.md)."""


@dataclass(frozen=True, slots=True)
class LayerStanding:
    """Hold one layer. Level, interval and sd are None where nothing was measured by that time: not measured is not 0.

    `held` says that the level stops at 3.9 because this layer has no repository's or panel's evidence. `provenance` are
    the shares of the instruments in the weight, which sum to 1 where anything weighs.
    """

    level: float | None
    low: float | None
    high: float | None
    sd: float | None
    held: bool = False
    verified: bool = False
    stale: bool = False
    provenance: Mapping[Instrument, float] | None = None

    @property
    def measured(self) -> bool:
        """Tell whether any evidence speaks of this layer."""
        return self.level is not None


UNKNOWN = LayerStanding(None, None, None, None)


def stand(
    layers: Sequence[Layer], evidence: Iterable[Evidence], now: datetime, parameters: Parameters
) -> tuple[LayerStanding, ...]:
    """Fit a person's evidence and return where they stand now; rows that were superseded do not count."""
    return standings(layers, fit_evidence(evidence, now, parameters), now)


def standings(
    layers: Sequence[Layer], fit: Fit, at: datetime, reading: Reading | None = None
) -> tuple[LayerStanding, ...]:
    """Return where a person stands at a time by a fit; `reading` is what was read off it at that time, where it was."""
    if not any(fit.times):
        return (UNKNOWN,) * len(layers)
    reading = reading or fit.at(at)
    levels, sds, intervals = reading.level.tolist(), reading.sd.tolist(), reading.interval.tolist()
    provenance = [(name, shares.tolist()) for name, shares in reading.provenance.items()]
    proved = {row.layer for row in fit.profile.rows if row.instrument in ("repo", "review")}
    found = []
    for index, layer in enumerate(layers):
        last = last_before(fit, index, at)
        if last is None:
            found.append(UNKNOWN)
            continue
        level, (low, high) = levels[index], intervals[index]
        held = layer.id in PROOF_LAYERS and level > NO_PROOF_CEILING and index not in proved
        shares = {name: share[index] for name, share in provenance if share[index] > 0}
        found.append(
            LayerStanding(
                level=under(level, held),
                low=under(low, held),
                high=high,
                sd=sds[index],
                held=held,
                verified=verifying(shares) >= VERIFYING_SHARE,
                stale=sds[index] > STALE * float(fit.sd_then(last)[index]),
                provenance=shares,
            )
        )
    return tuple(found)


def verifying(shares: Mapping[Instrument, float]) -> float:
    """Return the share of the weight that comes from quizzes and independent reviews."""
    return shares.get("quiz", 0.0) + shares.get("review", 0.0)


def last_before(fit: Fit, index: int, at: datetime) -> datetime | None:
    """Return when a layer, 0..9, was measured last by a time, or None where it was not."""
    return max((time for time in fit.times[index] if time <= at), default=None)


def under(level: float, held: bool) -> float:
    """Return a level, cut where it is held for want of proof."""
    return min(level, NO_PROOF_CEILING) if held else level
