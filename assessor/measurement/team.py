"""What a team can do together: how sure it is that people reach a target, and that enough of them do."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assessor.measurement.fusion import MIDDLE

__all__ = ["at_least", "at_target"]

Floats = NDArray[np.float64]

_tail = np.vectorize(math.erfc, otypes=[np.float64])


def at_target(means: ArrayLike, sds: ArrayLike, target: ArrayLike) -> Floats:
    """Return the probability that each level reaches the target, shaped as the means, such as (people, 10).

    `means` and `sds` in theta, the target as a level on the scale 0..5, one number or one per layer. Raises ValueError
    with the offending shape or value.
    """
    mean, sd, level = (np.asarray(value, dtype=np.float64) for value in (means, sds, target))
    if mean.ndim != 2 or mean.size == 0 or sd.shape != mean.shape:
        raise ValueError(f"means and sds must both be (people, layers), got {mean.shape} and {sd.shape}")
    if level.shape not in ((), mean.shape[1:]):
        raise ValueError(f"target must be one number or one per layer, got shape {level.shape}")
    if not np.isfinite(mean).all():
        raise ValueError(f"a mean must be finite, got {mean[~np.isfinite(mean)][0]}")
    if not (np.isfinite(sd) & (sd > 0.0)).all():
        raise ValueError(f"a standard deviation must be positive, got {sd[~(np.isfinite(sd) & (sd > 0.0))][0]}")
    if not ((level >= 0.0) & (level <= 5.0)).all():
        raise ValueError(f"target must lie in 0..5, got {target!r}")
    reached: Floats = 0.5 * _tail((level - MIDDLE - mean) / (sd * math.sqrt(2.0)))
    return reached


def at_least(p: ArrayLike, k: int) -> Floats:
    """Return the probability that at least k people reach the target, (layers,), from the (people, layers) of each.

    People are taken one by one, so that the number who reach it has its exact (Poisson-binomial) distribution. Raises
    ValueError with the offending shape or value.
    """
    given = np.asarray(p, dtype=np.float64)
    if given.ndim != 2 or given.size == 0:
        raise ValueError(f"p must be (people, layers) and not empty, got {given.shape}")
    outside = ~((given >= 0.0) & (given <= 1.0))
    if outside.any():
        raise ValueError(f"a probability must lie in 0..1, got {given[outside][0]}")
    if not isinstance(k, (int, np.integer)) or k < 0:
        raise ValueError(f"k must be a whole number and not negative, got {k!r}")
    people, layers = given.shape
    number = np.zeros((people + 1, layers))
    number[0] = 1.0
    for reaches in given:
        number[1:] = number[1:] * (1.0 - reaches) + number[:-1] * reaches
        number[0] *= 1.0 - reaches
    # The sum of rounded terms may pass one by a last bit.
    enough: Floats = np.minimum(number[k:].sum(axis=0), 1.0)
    return enough
