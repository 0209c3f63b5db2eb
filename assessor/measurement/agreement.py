"""How far raters agree beyond chance: Krippendorff's alpha, the kappas of Fleiss and Cohen, intraclass correlations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ICC", "cohen_kappa", "fleiss_kappa", "icc", "krippendorff_alpha"]

Floats = NDArray[np.float64]
Level = Literal["nominal", "ordinal", "interval", "ratio"]


@dataclass(frozen=True, slots=True)
class ICC:
    """Hold the six intraclass correlations of Shrout and Fleiss (1979).

    icc1: every subject has raters of its own; icc2: the same raters, drawn from many; icc3: the same raters and no
    others. The k forms are those of the mean of all raters.
    """

    icc1: float
    icc2: float
    icc3: float
    icc1k: float
    icc2k: float
    icc3k: float


def krippendorff_alpha(ratings: ArrayLike, level: Level) -> float:
    """Return Krippendorff's alpha of ratings (raters, units), nan where a rater did not rate.

    1 is agreement, 0 is what chance gives. nan where nothing can be said: fewer than two values to compare, or only one
    value used at all. Raises ValueError on a wrong shape, an infinite or (for "ratio") negative rating, or an unknown
    level. Krippendorff (2011), Computing Krippendorff's alpha-reliability.
    """
    given = _table("ratings", ratings, missing=True)
    if level not in DISTANCES:
        raise ValueError(f"unknown level {level!r}; one of {', '.join(DISTANCES)}")
    if level == "ratio" and (given < 0.0).any():
        raise ValueError(f"ratings on a ratio scale must not be negative, got {np.nanmin(given)}")
    values = np.unique(given[~np.isnan(given)])
    counts = np.stack([(given == value).sum(axis=0) for value in values], axis=1) if len(values) else np.zeros((1, 0))
    counts = counts[counts.sum(axis=1) >= 2].astype(np.float64)  # one value alone can be compared with nothing
    size = counts.sum(axis=1)
    weights = 1.0 / (size - 1.0)
    coincidences = (counts * weights[:, None]).T @ counts - np.diag(weights @ counts)
    totals = coincidences.sum(axis=0)
    distance = DISTANCES[level](values, totals)
    expected = float(totals @ distance @ totals)
    if expected == 0.0:
        return float("nan")
    observed = float((coincidences * distance).sum())
    return 1.0 - float(totals.sum() - 1.0) * observed / expected


def fleiss_kappa(counts: ArrayLike) -> float:
    """Return the kappa of Fleiss (1971) of counts (subjects, categories): how many raters chose each category.

    Every subject must have the same number of raters, two at least. nan where all ratings fall into one category.
    Raises ValueError with the offending shape or value.
    """
    given = _table("counts", counts)
    raters = given.sum(axis=1)
    if (given < 0.0).any() or (given % 1.0).any():
        raise ValueError(f"counts must be whole and not negative, got {given[(given < 0.0) | (given % 1.0 > 0.0)][0]}")
    if raters[0] < 2.0 or (raters != raters[0]).any():
        raise ValueError(f"every subject needs the same two or more ratings, got {sorted(set(raters.tolist()))}")
    observed = float(((given**2).sum(axis=1) - raters).mean() / (raters[0] * (raters[0] - 1.0)))
    shares = given.sum(axis=0) / given.sum()
    return _beyond_chance(1.0 - observed, 1.0 - float(shares @ shares))


def cohen_kappa(table: ArrayLike, weights: Literal["linear", "quadratic"] | ArrayLike | None = None) -> float:
    """Return the kappa of Cohen (1960; weighted 1968) of a table (categories, categories) of counts or shares.

    `weights` says how much a disagreement counts: None all the same, "linear" or "quadratic" by distance, or a matrix
    with zeros on the diagonal. nan where both raters used one and the same category only. Raises ValueError with the
    offending shape or value.
    """
    given = _table("table", table)
    categories = len(given)
    if given.shape != (categories, categories):
        raise ValueError(f"table must be square, got {given.shape}")
    if (given < 0.0).any() or given.sum() == 0.0:
        raise ValueError(f"table must hold counts and not be empty, got least {given.min()} and sum {given.sum()}")
    shares = given / given.sum()
    disagreement = _disagreement(weights, categories)
    chance = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    return _beyond_chance(float((disagreement * shares).sum()), float((disagreement * chance).sum()))


def icc(ratings: ArrayLike) -> ICC:
    """Return the six intraclass correlations of ratings (subjects, raters), none missing.

    nan where the subjects do not differ. Raises ValueError with the offending shape or value. Shrout and Fleiss (1979).
    """
    given = _table("ratings", ratings)
    n, k = given.shape
    if n < 2 or k < 2:
        raise ValueError(f"ratings need two subjects and two raters at least, got {given.shape}")
    centred = given - given.mean()
    subjects = k * (centred.mean(axis=1) ** 2).sum()
    raters = n * (centred.mean(axis=0) ** 2).sum()
    within = max(float((centred**2).sum() - subjects), 0.0)
    bms, wms, jms = float(subjects) / (n - 1), within / (n * (k - 1)), float(raters) / (k - 1)
    ems = max(within - float(raters), 0.0) / ((n - 1) * (k - 1))
    return ICC(
        icc1=_ratio(bms - wms, bms + (k - 1) * wms),
        icc2=_ratio(bms - ems, bms + (k - 1) * ems + k * (jms - ems) / n),
        icc3=_ratio(bms - ems, bms + (k - 1) * ems),
        icc1k=_ratio(bms - wms, bms),
        icc2k=_ratio(bms - ems, bms + (jms - ems) / n),
        icc3k=_ratio(bms - ems, bms),
    )


def _nominal(values: Floats, _totals: Floats) -> Floats:
    return 1.0 - np.eye(len(values))


def _ordinal(_values: Floats, totals: Floats) -> Floats:
    # How many ratings lie between two ranks, with half of those at either end.
    middle = np.cumsum(totals) - totals / 2.0
    return np.subtract.outer(middle, middle) ** 2


def _interval(values: Floats, _totals: Floats) -> Floats:
    return np.subtract.outer(values, values) ** 2


def _proportional(values: Floats, _totals: Floats) -> Floats:
    total = np.add.outer(values, values)
    return (np.subtract.outer(values, values) / np.where(total > 0.0, total, 1.0)) ** 2


DISTANCES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
    "ratio": _proportional,
}


def _disagreement(weights: str | ArrayLike | None, categories: int) -> Floats:
    apart = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories))).astype(np.float64)
    if weights is None:
        return np.minimum(apart, 1.0)
    if isinstance(weights, str):
        if weights not in ("linear", "quadratic"):
            raise ValueError(f"unknown weights {weights!r}; None, linear, quadratic or a matrix of disagreement")
        return apart if weights == "linear" else apart**2
    given = _table("weights", weights)
    if given.shape != (categories, categories):
        raise ValueError(f"weights must have shape ({categories}, {categories}), got {given.shape}")
    if (given < 0.0).any() or np.diag(given).any():
        raise ValueError(f"weights must not be negative and zero on the diagonal, got {given.tolist()}")
    return given


def _beyond_chance(observed: float, expected: float) -> float:
    """Return one less the disagreement seen over that expected by chance."""
    return 1.0 - observed / expected if expected > 0.0 else float("nan")


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0.0 else float("nan")


def _table(name: str, values: ArrayLike, *, missing: bool = False) -> Floats:
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 2 or given.size == 0:
        raise ValueError(f"{name} must be a table with two axes and not empty, got shape {given.shape}")
    wrong = np.isinf(given) if missing else ~np.isfinite(given)
    if wrong.any():
        raise ValueError(f"{name} must be finite, got {given[wrong][0]}")
    return given
