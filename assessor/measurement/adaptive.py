"""A test of ten layers at once that asks what tells most, and the rows of evidence that it leaves behind.

The state is one normal distribution over the ten layers. An answer moves the layer asked by the moments of its
posterior on a grid, and the other layers by what they share with it (assumed density filtering; Segall 1996 selects
and scores with the same multivariate prior).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assessor.measurement import irt
from assessor.measurement.fusion import LAYERS, MIDDLE, EvidenceRow
from assessor.measurement.irt import GRID

__all__ = ["CORRELATIONS", "AdaptiveTest", "evidence_rows"]

Floats = NDArray[np.float64]

CORRELATIONS = (0.0, 0.25, 0.5, 0.7)
"""What a person's layers may have in common; the answers choose."""

FIRST = 3  # answers of a layer before anything is borrowed for it on the strength of a chosen correlation
BEST = 5

REFERENCE_SD = 1.25
DRIFT_SD = 0.2
CAUTION = 1.3
LEAST_PRECISION = 0.02  # an answer that anyone may have guessed can widen a posterior; no row may say less than nothing

POWERS: Floats = np.column_stack([np.ones_like(GRID), GRID, GRID**2])


class AdaptiveTest:
    """Ask one person about ten layers: choose the next item, take its answer, keep what is known.

    `a`, `b`, `c`, `layer` (0..9) are (items,); `exposure` (items,) is the share of earlier tests that contained the item,
    `seen` (items,) the probability that the person remembers it. The generator is drawn from once, at the start, so
    that a test rebuilt from a generator of the same seed and the same answers goes on in the same way. Raises
    ValueError with the offending value or shape.
    """

    def __init__(
        self,
        a: ArrayLike,
        b: ArrayLike,
        c: ArrayLike,
        layer: ArrayLike,
        *,
        rng: np.random.Generator,
        correlation: float = 0.5,
        max_exposure: float = 0.30,
        exposure: ArrayLike | None = None,
        seen: ArrayLike | None = None,
    ) -> None:
        """Start a test in which nothing has been asked."""
        if not 0.0 <= correlation < 1.0:
            raise ValueError(f"correlation must lie in 0..1 and below 1, got {correlation!r}")
        if not 0.0 < max_exposure <= 1.0:
            raise ValueError(f"max_exposure must lie above 0 and up to 1, got {max_exposure!r}")
        self._a, self._b, c = irt.check_items(a, b, c)
        items = len(self._a)
        self._layer = _layers(layer, items)
        self._seen = _shares("seen", seen, items)
        self._c = irt.recalled(c, self._seen)
        self._appeal = _appeal(_shares("exposure", exposure, items), max_exposure)
        self._draws = rng.random(items)
        self._asked: list[int] = []
        self._open = np.ones(items, dtype=np.bool_)
        self._counts = np.zeros(LAYERS, dtype=np.intp)
        self._tables: tuple[tuple[int, NDArray[np.intp], Floats], ...] | None = None

        # One filter per correlation, side by side; the first is the one in force at the start.
        self._correlations = np.array([correlation, *(rho for rho in CORRELATIONS if rho != correlation)])
        self._chosen = 0
        shared = self._correlations[:, None, None]
        self._mean = np.zeros((len(self._correlations), LAYERS))
        self._covariance = shared + (1.0 - shared) * np.eye(LAYERS)
        self._log_evidence = np.zeros(len(self._correlations))

    @property
    def means(self) -> Floats:
        """Return the mean of theta per layer, (10,)."""
        return self._mean[self._chosen].copy()

    @property
    def sds(self) -> Floats:
        """Return the standard deviation of theta per layer, (10,)."""
        return np.sqrt(self._covariance[self._chosen].diagonal())

    @property
    def correlation(self) -> float:
        """Return the correlation between layers in force: the one of the start until the answers choose another."""
        return float(self._correlations[self._chosen])

    @property
    def asked(self) -> list[int]:
        """Return the items answered so far, in order."""
        return list(self._asked)

    def next_item(self) -> int | None:
        """Choose the item to ask next, or None when none is left; the same one until an answer is recorded."""
        open_items = self._candidates()
        if not open_items.any():
            return None
        gain = np.where(open_items, self._gains() * self._appeal, -1.0)
        count = min(BEST, int(open_items.sum()))
        best = np.argpartition(-gain, count - 1)[:count]
        return int(best[int(self._draws[len(self._asked)] * len(best))])

    def record(self, item: int, correct: bool) -> None:
        """Take the answer to an item, chosen by the test or not. Raises ValueError if there is no such item or twice."""
        if not (isinstance(item, (int, np.integer)) and 0 <= item < len(self._a)):
            raise ValueError(f"item must be 0..{len(self._a) - 1}, got {item!r}")
        if not self._open[item]:
            raise ValueError(f"item {item} was answered already")
        if correct not in (True, False):
            raise ValueError(f"correct must be True or False, got {correct!r}")
        layer = int(self._layer[item])
        before = self._mean[self._chosen, layer]
        self._update(layer, irt.likelihood(self._a[item], self._b[item], self._c[item], bool(correct)))
        self._asked.append(int(item))
        self._open[item] = False
        self._counts[layer] += 1
        self._choose_correlation(layer, before, bool(correct))

    def _update(self, layer: int, likelihood: Floats) -> None:
        """Move every filter by one answer, given its likelihood on the grid."""
        variance = self._covariance[:, layer, layer].copy()
        prior = np.exp(-0.5 * (GRID - self._mean[:, layer, None]) ** 2 / variance[:, None])
        mass, first, second = (prior @ POWERS).T
        mass_after, first_after, second_after = ((prior * likelihood) @ POWERS).T
        mean, mean_after = first / mass, first_after / mass_after
        narrowed = (second_after / mass_after - mean_after**2) / (second / mass - mean**2)
        # Differences and ratios of moments on the same grid: cutting the tails off then moves nothing by itself.
        passed_on = self._covariance[:, :, layer] / variance[:, None]
        self._mean += passed_on * (mean_after - mean)[:, None]
        lost = variance * (1.0 - narrowed)
        self._covariance -= lost[:, None, None] * passed_on[:, :, None] * passed_on[:, None, :]
        self._log_evidence += np.log(mass_after / mass)

    def _choose_correlation(self, layer: int, before: float, correct: bool) -> None:
        """Take the correlation that the answers speak for, once every layer has been asked.

        A change waits while it would let the layer just asked move against its answer.
        """
        if (self._candidates() & (self._counts < FIRST)[self._layer]).any():
            return
        best = int(np.argmax(self._log_evidence))
        if self._log_evidence[best] <= self._log_evidence[self._chosen] + 1e-9:
            return
        moved = self._mean[best, layer] - before
        if moved >= 0.0 if correct else moved <= 0.0:
            self._chosen = best

    def _candidates(self) -> NDArray[np.bool_]:
        """Return what may be asked now, (items,): the least remembered, of layers with too few answers first."""
        if not self._open.any():
            return self._open
        fresh = self._open & (self._seen == self._seen[self._open].min())
        first = fresh & (self._counts < FIRST)[self._layer]
        return first if first.any() else fresh

    def _gains(self) -> Floats:
        """Return by how much each item is expected to shrink the summed variance of the radar, (items,).

        The variance expected to go is cov(theta, P)^2 / (p (1 - p)) for the layer asked, exactly, and what it shares
        with the others passes that on.
        """
        mean, covariance = self._mean[self._chosen], self._covariance[self._chosen]
        variance = covariance.diagonal()
        passed_on = (covariance**2).sum(axis=0) / variance**2
        away = GRID - mean[:, None]
        weights = np.exp(-0.5 * away**2 / variance[:, None])
        weights /= weights.sum(axis=1, keepdims=True)
        gains = np.empty(len(self._a))
        for layer, members, table in self._tabulated():
            p, shared = np.stack([weights[layer], weights[layer] * away[layer]]) @ table
            gains[members] = passed_on[layer] * (shared - p * (weights[layer] @ away[layer])) ** 2 / (p * (1.0 - p))
        return gains

    def _tabulated(self) -> tuple[tuple[int, NDArray[np.intp], Floats], ...]:
        """Return per layer its items and their probabilities on the grid, (81, items)."""
        if self._tables is None:
            self._tables = tuple(
                (layer, members, irt.probability(GRID[:, None], self._a[members], self._b[members], self._c[members]))
                for layer, members in _by_layer(self._layer)
            )
        return self._tables


def evidence_rows(
    a: ArrayLike,
    b: ArrayLike,
    c: ArrayLike,
    layer: ArrayLike,
    answers: ArrayLike,
    *,
    time: float,
    source: str,
    seen: ArrayLike | None = None,
) -> list[EvidenceRow]:
    """Turn a finished attempt into one row per layer answered, each from that layer's own answers.

    What the layers have in common is left to the fusion, which would count it twice otherwise. A row is the normal
    observation that carries a reference prior N(0, 1.25^2) to the posterior of the answers, with an allowance for what a
    test on one day does not see. Raises ValueError with the offending value or shape.
    """
    a, b, c = irt.check_items(a, b, c)
    layers = _layers(layer, len(a))
    c = irt.recalled(c, _shares("seen", seen, len(a)))
    given = irt.check_answers(answers, len(a))
    if not math.isfinite(time):
        raise ValueError(f"time must be finite, got {time!r}")
    prior = irt.normal_on_grid(0.0, REFERENCE_SD)
    _, prior_variance = irt.moments(prior)  # its mean is zero
    rows = []
    for number, members in _by_layer(layers):
        own = members[given[members] >= 0]
        if len(own) == 0:
            continue
        mean, variance = irt.moments(prior + irt.log_likelihood(a[own], b[own], c[own], given[own]))
        noise = 1.0 / max(1.0 / variance - 1.0 / prior_variance, LEAST_PRECISION)
        level = MIDDLE + noise * mean / variance
        rows.append(EvidenceRow(time, number, level, math.sqrt((noise + DRIFT_SD**2) * CAUTION), "quiz", source))
    return rows


def _by_layer(layers: NDArray[np.intp]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Yield every layer that has items, with them."""
    for layer in range(LAYERS):
        members = np.flatnonzero(layers == layer)
        if len(members):
            yield layer, members


def _layers(layer: ArrayLike, items: int) -> NDArray[np.intp]:
    given = np.asarray(layer)
    if given.shape != (items,):
        raise ValueError(f"layer must have shape ({items},), got {given.shape}")
    wrong = ~np.isin(given, np.arange(LAYERS))
    if wrong.any():
        raise ValueError(f"a layer must be 0..{LAYERS - 1}, got {given[wrong][0]}")
    return given.astype(np.intp)


def _shares(name: str, values: ArrayLike | None, items: int) -> Floats:
    if values is None:
        return np.zeros(items)
    given = np.asarray(values, dtype=np.float64)
    if given.shape != (items,):
        raise ValueError(f"{name} must have shape ({items},), got {given.shape}")
    wrong = ~((given >= 0.0) & (given <= 1.0))
    if wrong.any():
        raise ValueError(f"{name} must lie in 0..1, got {given[wrong][0]}")
    return given


def _appeal(exposure: Floats, target: float) -> Floats:
    """Return the factor by which earlier use lowers the appeal of items: half at the target, never quite zero."""
    appeal: Floats = 1.0 / (1.0 + (exposure / target) ** 8)
    return appeal
