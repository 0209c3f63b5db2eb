"""One layer, one person: the three-parameter logistic model of answers and its posterior on a fixed grid.

P(correct) = c + (1 - c) / (1 + exp(-a (theta - b))) (Birnbaum 1968). theta and b are in standard deviations of the
population; an author who states the level at which half of the people solve an item says b = level - 2.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "AUTHOR_SD",
    "GRID",
    "LOG_SLOPE_MEAN",
    "LOG_SLOPE_SD",
    "Estimate",
    "blurred",
    "check_answers",
    "check_items",
    "curve",
    "estimate",
    "information",
    "likelihood",
    "log_likelihood",
    "moments",
    "normal_on_grid",
    "probability",
    "recalled",
]

Floats = NDArray[np.float64]

GRID: Floats = np.linspace(-4.0, 4.0, 81)
"""The nodes of every posterior, in theta."""
GRID.setflags(write=False)

LOG_SLOPE_MEAN, LOG_SLOPE_SD = math.log(1.2), 0.4
"""The prior of log a."""

AUTHOR_SD = 0.7
"""How far an author's difficulty lies from the true one, in theta."""

MASS = 0.90
LIMIT = 500.0  # exp stays finite, and nothing that close to certain moves a posterior


@dataclass(frozen=True, slots=True)
class Estimate:
    """Hold the posterior of theta: mean, standard deviation and the central 90% interval."""

    mean: float
    sd: float
    lower: float
    upper: float


def probability(theta: ArrayLike, a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Floats:
    """Return the probability of a right answer, shaped as the arguments broadcast.

    theta and b in standard deviations, slope a > 0, guessing 0 <= c < 1. Raises ValueError with the offending value.
    """
    theta, a, b, c = _checked(theta, a, b, c)
    return _success(theta, a, b, c)


def information(theta: ArrayLike, a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Floats:
    """Return the Fisher information of one answer about theta, shaped as the arguments broadcast.

    I = a^2 (Q / P) ((P - c) / (1 - c))^2 (Lord 1980). Raises ValueError with the offending value.
    """
    theta, a, b, c = _checked(theta, a, b, c)
    right, wrong = _success(theta, a, b, c), _failure(theta, a, b, c)
    logistic = _success(theta, a, b, np.zeros_like(c))
    informative: Floats = a**2 * wrong * logistic**2 / right
    return informative


def estimate(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    answers: ArrayLike,
    *,
    prior_mean: float = 0.0,
    prior_sd: float = 1.0,
) -> Estimate:
    """Estimate theta from answers: 1 right, 0 wrong, -1 not asked, one per item; no answer gives the prior.

    Raises ValueError with the offending value or shape.
    """
    a, b, c = check_items(a, b, c)
    posterior = normal_on_grid(prior_mean, prior_sd) + log_likelihood(a, b, c, check_answers(answers, len(a)))
    mean, variance = moments(posterior)
    weights = np.exp(posterior - posterior.max())
    # A node stands for the strip around it, so half of it lies below.
    below = (np.cumsum(weights) - weights / 2) / weights.sum()
    lower, upper = np.interp([(1 - MASS) / 2, (1 + MASS) / 2], below, GRID)
    return Estimate(mean, math.sqrt(variance), float(lower), float(upper))


def log_likelihood(a: Floats, b: Floats, c: Floats, answers: NDArray[np.int8]) -> Floats:
    """Return the log-likelihood of the answers on GRID, (81,); the arguments are those that the checks return."""
    right, wrong = answers == 1, answers == 0
    nodes = GRID[:, None]
    total: Floats = np.log(_success(nodes, a[right], b[right], c[right])).sum(axis=1)
    total += np.log(_failure(nodes, a[wrong], b[wrong], c[wrong])).sum(axis=1)
    return total


def curve(theta: Floats, a: Floats, b: Floats, c: Floats) -> Floats:
    """Return the probability of a right answer like `probability`, unchecked."""
    return _success(theta, a, b, c)


def likelihood(a: float, b: float, c: float, correct: bool) -> Floats:
    """Return the likelihood of one answer on GRID, (81,), unchecked."""
    return _success(GRID, a, b, c) if correct else _failure(GRID, a, b, c)


def normal_on_grid(mean: float, sd: float) -> Floats:
    """Return the log-density of a normal distribution on GRID up to a constant, (81,).

    Raises ValueError unless the mean is finite and the standard deviation positive.
    """
    if not math.isfinite(mean):
        raise ValueError(f"a prior's mean must be finite, got {mean!r}")
    if not (math.isfinite(sd) and sd > 0.0):
        raise ValueError(f"a prior's standard deviation must be positive, got {sd!r}")
    log_density: Floats = -0.5 * ((GRID - mean) / sd) ** 2
    return log_density


def moments(log_density: Floats) -> tuple[float, float]:
    """Return mean and variance of a distribution given by its log-density on GRID up to a constant."""
    weights = np.exp(log_density - log_density.max())
    weights /= weights.sum()
    mean = float(weights @ GRID)
    return mean, float(weights @ (GRID - mean) ** 2)


def recalled(c: Floats, seen: Floats) -> Floats:
    """Return the guessing of items that are remembered with a probability.

    P + (1 - P) m is the same curve with 1 - (1 - c)(1 - m) for c, so that a repeat is an item that is easier to guess.
    Nothing is remembered for certain: m ends at 0.99.
    """
    guess: Floats = 1.0 - (1.0 - c) * (1.0 - np.minimum(seen, 0.99))
    return guess


def blurred(a: ArrayLike, sd_b: ArrayLike) -> Floats:
    """Return the slopes that stand for items whose difficulty is known to within a standard deviation.

    Averaging the logistic curve over b ~ N(b, sd_b^2) flattens it to a / sqrt(1 + pi (a sd_b)^2 / 8) (MacKay 1992), so
    that what is not known of an item widens the interval of whoever answers it. Raises ValueError with the offending value.
    """
    a, sd_b = np.asarray(a, dtype=np.float64), np.asarray(sd_b, dtype=np.float64)
    _require(a, (a > 0.0) & np.isfinite(a), "a slope must be positive and finite")
    _require(sd_b, (sd_b >= 0.0) & np.isfinite(sd_b), "a standard deviation must be finite and not negative")
    flat: Floats = a / np.sqrt(1.0 + math.pi / 8.0 * (a * sd_b) ** 2)
    return flat


def check_items(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the parameters of a bank as arrays (items,); single numbers stand for every item.

    Raises ValueError with the offending value or shape, or if there is no item.
    """
    _, a, b, c = _checked(0.0, a, b, c)
    shape = np.broadcast_shapes(a.shape, b.shape, c.shape)
    if len(shape) != 1 or shape[0] == 0:
        raise ValueError(f"a bank needs a, b and c of shape (items,), got {a.shape}, {b.shape} and {c.shape}")
    return np.broadcast_to(a, shape), np.broadcast_to(b, shape), np.broadcast_to(c, shape)


def check_answers(answers: ArrayLike, items: int) -> NDArray[np.int8]:
    """Return answers as integers (items,). Raises ValueError with the offending shape or value."""
    given = np.asarray(answers)
    if given.shape != (items,):
        raise ValueError(f"answers must have shape ({items},), got {given.shape}")
    _require(given, np.isin(given, (-1, 0, 1)), "an answer must be 1, 0 or -1")
    return given.astype(np.int8)


def _success(theta: Floats, a: Floats | float, b: Floats | float, c: Floats | float) -> Floats:
    right: Floats = c + (1.0 - c) / (1.0 + np.exp(np.minimum(a * (b - theta), LIMIT)))
    return right


def _failure(theta: Floats, a: Floats | float, b: Floats | float, c: Floats | float) -> Floats:
    # Not 1 - P, which loses its digits where P is close to one.
    wrong: Floats = (1.0 - c) / (1.0 + np.exp(np.minimum(a * (theta - b), LIMIT)))
    return wrong


def _checked(theta: ArrayLike, a: ArrayLike, b: ArrayLike, c: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
    theta, a, b, c = (np.asarray(value, dtype=np.float64) for value in (theta, a, b, c))
    try:
        np.broadcast_shapes(theta.shape, a.shape, b.shape, c.shape)
    except ValueError:
        shapes = f"{theta.shape}, {a.shape}, {b.shape} and {c.shape}"
        raise ValueError(f"theta, a, b and c do not fit together: {shapes}") from None
    _require(theta, np.isfinite(theta), "theta must be finite")
    _require(a, (a > 0.0) & np.isfinite(a), "a slope must be positive and finite")
    _require(b, np.isfinite(b), "a difficulty must be finite")
    _require(c, (c >= 0.0) & (c < 1.0), "a guessing probability must lie in 0..1 and below 1")
    return theta, a, b, c


def _require(values: NDArray[np.generic], valid: NDArray[np.bool_], rule: str) -> None:
    if not valid.all():
        raise ValueError(f"{rule}, got {values[~valid].flat[0]}")
