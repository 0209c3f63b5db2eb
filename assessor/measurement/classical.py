"""Classical statistics of a test: how hard items are, how well they go with the rest, how reliable their sum is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ItemStatistics", "item_statistics"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """Hold the share solved, the correlation with the total and with the rest (items,), and Cronbach's alpha.

    nan where a number does not exist: items that everybody or nobody solved correlate with nothing.
    """

    p: Floats
    r_total: Floats
    r_rest: Floats
    alpha: float
    alpha_if_deleted: Floats


def item_statistics(responses: ArrayLike) -> ItemStatistics:
    """Return the classical statistics of responses (people, items), each 1 right or 0 wrong.

    Sums of different items cannot be compared, so that an answer must not be missing. Raises ValueError with the
    offending shape or value. Lord and Novick (1968), Statistical theories of mental test scores; Cronbach (1951).
    """
    given = np.asarray(responses, dtype=np.float64)
    if given.ndim != 2 or given.shape[0] < 2 or given.shape[1] < 2:
        raise ValueError(f"responses need two people and two items at least, got {given.shape}")
    if not np.isin(given, (0.0, 1.0)).all():
        raise ValueError(f"a response must be 0 or 1, got {given[~np.isin(given, (0.0, 1.0))][0]}")
    covariance = np.cov(given, rowvar=False)
    variance, with_total = np.diag(covariance), covariance.sum(axis=1)
    total = float(covariance.sum())
    # The total without an item, from the same matrix.
    rest = total - 2.0 * with_total + variance
    items = len(variance)
    return ItemStatistics(
        p=given.mean(axis=0),
        r_total=_ratio(with_total, np.sqrt(variance * total)),
        r_rest=_ratio(with_total - variance, np.sqrt(variance * np.maximum(rest, 0.0))),
        alpha=float(_alpha(items, variance.sum(), np.array(total))),
        alpha_if_deleted=_alpha(items - 1, variance.sum() - variance, rest),
    )


def _alpha(items: int, within: Floats, total: Floats) -> Floats:
    if items < 2:
        return np.full(total.shape, np.nan)
    return items / (items - 1) * (1.0 - _ratio(within, total))


def _ratio(above: Floats, below: Floats) -> Floats:
    ratio: Floats = np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 1e-12)
    return ratio
