"""Read params.yaml, once and checked."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Thresholds:
    """What a model must reach to be promoted."""

    wape: float
    coverage_95: tuple[float, float]
    district_gap: float


@dataclass(frozen=True)
class Drift:
    """From which PSI on a column has drifted, over how many bins."""

    max_psi: float
    bins: int


@dataclass(frozen=True)
class Params:
    """Everything that is tuned or agreed."""

    horizon_weeks: int
    lags: tuple[int, ...]
    quantiles: tuple[float, ...]
    folds: int
    rounds: int
    learning_rate: float
    leaves: int
    min_rows_in_leaf: int
    l2: float
    thresholds: Thresholds
    drift: Drift


@cache
def params(path: Path = Path("params.yaml")) -> Params:
    """Return the parameters of a file. Raises ValueError for a lag that would look into the forecast week."""
    found = yaml.safe_load(path.read_text())
    thresholds = Thresholds(**found.pop("thresholds"))
    drift = Drift(**found.pop("drift"))
    read = Params(thresholds=thresholds, drift=drift, **found)
    if min(read.lags) < read.horizon_weeks:
        raise ValueError(f"a lag of {min(read.lags)} weeks is not known {read.horizon_weeks} weeks ahead")
    return read
