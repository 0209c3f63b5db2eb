"""The parameters that profiles are fitted with: the defaults of the model, or those of a stored calibration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

from assessor.measurement.fusion import Hyper
from assessor.models.calibration import Calibration

__all__ = ["DEFAULTS", "Parameters", "Severity", "parameters_of"]

Severity = tuple[float, float]
"""Mean and standard deviation of how far a rater rates above the truth, in levels."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Hold what every profile is fitted with; `number` and `at` name the calibration, None for the defaults.

    `people` and `rows` say how much evidence the calibration rests on.
    """

    hyper: Hyper = field(default_factory=Hyper)
    severities: Mapping[str, Severity] = field(default_factory=lambda: MappingProxyType({}))
    number: int | None = None
    at: datetime | None = None
    people: int = 0
    rows: int = 0

    def severities_of(self, raters: Iterable[str]) -> tuple[tuple[str, Severity], ...]:
        """Return what is known of some raters, each once and in order; equal for equal raters."""
        return tuple((rater, self.severities[rater]) for rater in sorted(set(raters) & self.severities.keys()))

    def as_json(self, estimated: Iterable[str]) -> dict[str, Any]:
        """Return the values to store; `estimated` names those that are no default."""
        return {
            "hyper": asdict(self.hyper),
            "severities": {rater: list(severity) for rater, severity in sorted(self.severities.items())},
            "estimated": sorted(estimated),
        }


DEFAULTS = Parameters()


def parameters_of(calibration: Calibration) -> Parameters:
    """Return the parameters of a stored calibration; one that it does not know has its default."""
    known = {one.name for one in fields(Hyper)}
    kept = calibration.parameters
    return Parameters(
        hyper=Hyper(**{name: float(value) for name, value in kept.get("hyper", {}).items() if name in known}),
        severities=MappingProxyType({rater: (mean, sd) for rater, (mean, sd) in kept.get("severities", {}).items()}),
        number=calibration.number,
        at=calibration.at,
        people=calibration.people,
        rows=calibration.rows,
    )
