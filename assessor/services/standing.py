"""Where a person stands in the ten layers at one time: what every page, heatmap and panel reads off one fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from assessor.content.schema import Layer
from assessor.models.profile import Evidence, Instrument
from assessor.services.evidence import Fitted, fit_evidence, years

__all__ = ["NO_PROOF_CEILING", "PROOF_LAYERS", "LayerStanding", "stand", "standings", "under"]

Floats = NDArray[np.float64]

NO_PROOF_CEILING = 3.9
"""How far a level goes in the layers below without a repository's or a panel's evidence (measurement.md)."""

PROOF_LAYERS = (4, 5, 7, 10)
STALE = 1.5


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


def stand(layers: Sequence[Layer], evidence: Iterable[Evidence], now: datetime) -> tuple[LayerStanding, ...]:
    """Fit a person's evidence and return where they stand now; rows that were superseded do not count."""
    rows = [row for row in evidence if row.superseded_at is None]
    return standings(layers, fit_evidence(rows, now), rows, now) if rows else (UNKNOWN,) * len(layers)


def standings(
    layers: Sequence[Layer], fitted: Fitted, rows: Sequence[Evidence], at: datetime
) -> tuple[LayerStanding, ...]:
    """Return where a person stands at a time by a fit; `rows` are all that count, those at their ceiling too."""
    profile, time = fitted.profile, years(at)
    level, sd, interval = profile.level(time), profile.sd(time), profile.interval(time)
    verified, provenance = profile.verified(time), profile.provenance(time)
    before: dict[datetime, Floats] = {}  # many layers were measured last on the same day
    found = []
    for index, layer in enumerate(layers):
        seen = [row.at for row in rows if row.layer == index and row.at <= at]
        if not seen:
            found.append(UNKNOWN)
            continue
        own, (low, high) = float(level[index]), map(float, interval[index])
        held = layer.id in PROOF_LAYERS and own > NO_PROOF_CEILING and not _proof(fitted, index)
        last = max(seen).astimezone(UTC)
        if last not in before:
            before[last] = profile.sd(years(last))
        found.append(
            LayerStanding(
                level=under(own, held),
                low=under(low, held),
                high=high,
                sd=float(sd[index]),
                held=held,
                verified=bool(verified[index]),
                stale=bool(sd[index] > STALE * before[last][index]),
                provenance={name: float(share[index]) for name, share in provenance.items() if share[index] > 0},
            )
        )
    return tuple(found)


def under(level: float, held: bool) -> float:
    """Return a level, cut where it is held for want of proof."""
    return min(level, NO_PROOF_CEILING) if held else level


def _proof(fitted: Fitted, index: int) -> bool:
    return any(row.layer == index and row.instrument in ("repo", "review") for row in fitted.rows)
