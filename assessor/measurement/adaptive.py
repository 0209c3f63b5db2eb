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
KNEE, STEEPNESS = 0.9, 20  # half the appeal is gone at 0.9 of the target rate, nearly all of it at the target

DOUBT = 0.5  # log odds against leaving the correlation of the start: what a few answers say of it scatters

FINEST = 0.05**2  # of a variance: half the distance of two nodes is all that the grid can tell

REFERENCE_SD = 1.25  # of the prior that a row of evidence is taken back from
DAY_SD = 0.2  # what one day is off from another
CAUTION = 1.3  # times the variance, since items are not as well known as the model takes them to be
LEAST_PRECISION = 0.02  # an answer that anyone may have guessed can widen a posterior; no row may say less than nothing

POWERS: Floats = np.column_stack([np.ones_like(GRID), GRID, GRID**2])

NODES, _weights = np.polynomial.hermite_e.hermegauss(4)
WEIGHTS: Floats = np.stack([_weights, _weights * NODES]) / _weights.sum()


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
        self._pool = self._candidates()

        # One filter per correlation, side by side; the first is the one in force at the start.
        self._correlations = np.array([correlation, *(rho for rho in CORRELATIONS if rho != correlation)])
        self._chosen = 0
        shared = self._correlations[:, None, None]
        self._mean = np.zeros((len(self._correlations), LAYERS))
        self._covariance = shared + (1.0 - shared) * np.eye(LAYERS)
        self._log_evidence = np.where(self._correlations == correlation, 0.0, -DOUBT)

    @property
    def means(self) -> Floats:
        """Return the mean of theta per layer, (10,)."""
        mean: Floats = self._mean[self._chosen].copy()
        return mean

    @property
    def sds(self) -> Floats:
        """Return the standard deviation of theta per layer, (10,)."""
        sd: Floats = np.sqrt(self._covariance[self._chosen].diagonal())
        return sd

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
        if len(self._pool) == 0:
            return None
        gain = self._gains(self._pool) * self._appeal[self._pool]
        count = min(BEST, len(gain))
        best = (-gain).argpartition(count - 1)[:count]
        return int(self._pool[best[int(self._draws[len(self._asked)] * count)]])

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
        self._pool = self._pool[self._pool != item]
        if self._counts[layer] == FIRST or len(self._pool) == 0:
            self._pool = self._candidates()
        self._choose_correlation(layer, before, bool(correct))

    def _update(self, layer: int, likelihood: Floats) -> None:
        """Move every filter by one answer, given its likelihood on the grid."""
        variance = self._covariance[:, layer, layer].copy()
        prior = np.exp((GRID - self._mean[:, layer, None]) ** 2 * (-0.5 / variance)[:, None])
        mass, first, second = (prior @ POWERS).T
        mass_after, first_after, second_after = (prior @ (POWERS * likelihood[:, None])).T
        mean, mean_after = first / mass, first_after / mass_after
        narrowed = (second_after / mass_after - mean_after**2) / (second / mass - mean**2)
        # Differences and ratios of moments on the same grid: cutting the tails off then moves nothing by itself.
        passed_on = self._covariance[:, :, layer] / variance[:, None]
        self._mean += passed_on * (mean_after - mean)[:, None]
        lost = np.minimum(variance * (1.0 - narrowed), variance - FINEST)
        self._covariance -= (lost[:, None] * passed_on)[:, :, None] * passed_on[:, None, :]
        self._log_evidence += np.log(mass_after / mass)

    def _choose_correlation(self, layer: int, before: float, correct: bool) -> None:
        """Take the correlation that the answers speak for, once every layer has its first answers.

        A change waits while it would let the layer just asked move against its answer.
        """
        if len(self._pool) and self._counts[self._layer[self._pool[0]]] < FIRST:
            return
        best = int(self._log_evidence.argmax())
        if self._log_evidence[best] <= self._log_evidence[self._chosen] + 1e-9:
            return
        moved = self._mean[best, layer] - before
        if moved >= 0.0 if correct else moved <= 0.0:
            self._chosen = best

    def _candidates(self) -> NDArray[np.intp]:
        """Return the items that may be asked now: the least remembered, of layers with too few answers first."""
        if not self._open.any():
            return np.flatnonzero(self._open)
        fresh = self._open & (self._seen == self._seen[self._open].min())
        first = fresh & (self._counts < FIRST)[self._layer]
        return np.flatnonzero(first if first.any() else fresh)

    def _gains(self, items: NDArray[np.intp]) -> Floats:
        """Return by how much each item is expected to shrink the summed variance of the radar, shaped as the items.

        The variance of theta expected to go is cov(theta, P)^2 / (p (1 - p)) for the layer asked, which is
        v^2 I / (1 + v I) where the curve is straight; the other layers lose what they share with it.
        """
        covariance = self._covariance[self._chosen]
        variance = covariance.diagonal()
        passed_on = (covariance * covariance).sum(axis=0) / variance
        layers = self._layer[items]
        theta = self._mean[self._chosen] + NODES[:, None] * np.sqrt(variance)
        moments = WEIGHTS @ irt.curve(theta.take(layers, axis=1), self._a[items], self._b[items], self._c[items])
        gains: Floats = passed_on[layers] * moments[1] ** 2 / np.maximum(moments[0] - moments[0] ** 2, 1e-12)
        return gains


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
        rows.append(EvidenceRow(time, number, level, math.sqrt((noise + DAY_SD**2) * CAUTION), "quiz", source))
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
    """Return the factor by which earlier use lowers the appeal of items: none far below the target, never quite to zero."""
    appeal: Floats = 1.0 / (1.0 + np.minimum(exposure / (KNEE * target), 100.0) ** STEEPNESS)
    return appeal
