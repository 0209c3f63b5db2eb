"""One posterior per person from four instruments: Gaussian-process regression over ten layers and time.

The model: theta_l(t) is a Brownian motion per layer with Cov = S0 + Q min(t, t'), correlated over layers; a level is
2.5 + theta. Every row of evidence observes one layer with the noise of its instrument, and rows of one source share an
offset, so that one source saturates however often it speaks. Rasmussen and Williams (2006), Gaussian Processes for
Machine Learning, chapter 2, give the regression; for this kernel it equals a Kalman filter with a Rauch-Tung-Striebel
smoother.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "INSTRUMENTS",
    "LAYERS",
    "MIDDLE",
    "Change",
    "EvidenceRow",
    "Hyper",
    "Instrument",
    "Profile",
    "estimate_hyper",
    "fit",
]

Instrument = Literal["quiz", "review", "self", "repo", "drill"]
Floats = NDArray[np.float64]

INSTRUMENTS: tuple[Instrument, ...] = get_args(Instrument)
LAYERS = 10
MIDDLE = 2.5
"""The level at theta = 0."""

SIGNIFICANT = 1.96
VERIFYING_SHARE = 0.30

STRIP = 4 * 65536  # multiplications in one go, OpenBLAS' limit for staying in one thread

ROUNDS = 3  # of estimating noises: each leaves about a tenth of the error
FEW = 30  # rows that the noise given is worth
DRIFT_FACTORS: tuple[float, ...] = tuple(np.geomspace(1 / 16, 16, 25).tolist())


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """Hold what one source said about one layer at one time.

    `time` in years on any common clock, `layer` 0..9, `level` on the scale 0..5 (quiz and drill rows are estimates and
    may lie outside), `noise_sd` in levels or None for the default of the instrument; quiz and drill rows must give it.
    The source of a review is the rater. `share` is the part of a repository that is the person's own work, `reviewed`
    whether a human reviewed that repository.
    """

    time: float
    layer: int
    level: float
    noise_sd: float | None
    instrument: Instrument
    source: str
    share: float = 1.0
    reviewed: bool = False


@dataclass(frozen=True, slots=True)
class Hyper:
    """Hold the parameters of the model, in levels and years; the defaults are those of docs/scoring.md."""

    q: float = 0.25
    start_correlation: float = 0.5
    drift_correlation: float = 0.3
    self_offset: float = 0.4
    self_offset_sd: float = 0.8
    self_noise: float = 0.5
    review_noise: float = 0.6
    halo_sd: float = 0.35
    severity_sd: float = 0.5
    repo_noise: float = 0.8
    repo_offset_sd: float = 1.2
    repo_offset_sd_reviewed: float = 0.8

    @property
    def start(self) -> Floats:
        """Return S0, the covariance of the ten layers at the start, (10, 10)."""
        return _exchangeable(self.start_correlation)

    @property
    def drift(self) -> Floats:
        """Return Q, the covariance that a year adds, (10, 10)."""
        return self.q * _exchangeable(self.drift_correlation)


@dataclass(frozen=True, slots=True)
class Change:
    """Hold the change between two times per layer, each (10,), in levels without clipping.

    `real` is True where |z| passes Holm's step-down procedure over the ten layers at 5% (Holm 1979); `minimal` is the
    smallest change that would show by itself, infinite where no evidence lies between the two times.
    """

    delta: Floats
    sd: Floats
    z: Floats
    real: NDArray[np.bool_]
    minimal: Floats


@dataclass(frozen=True, slots=True)
class Profile:
    """Answer every question about one person from one factorised regression; times are on the clock of the rows."""

    rows: tuple[EvidenceRow, ...]
    hyper: Hyper
    _origin: float = field(repr=False)
    _times: Floats = field(repr=False)  # (n,) years since the earliest row
    _layers: NDArray[np.intp] = field(repr=False)  # (n,)
    _loadings: Floats = field(repr=False)  # (n,) what of theta a row sees
    _residuals: Floats = field(repr=False)  # (n,) observed less expected before any evidence
    _whitener: Floats = field(repr=False)  # (n, n) inverse of the Cholesky factor of the rows' covariance

    def level(self, at: float) -> Floats:
        """Return the posterior mean level per layer at a time, (10,), clipped to 0..5."""
        return np.clip(self._mean(at), 0.0, 5.0)

    def sd(self, at: float) -> Floats:
        """Return the posterior standard deviation per layer at a time, (10,), in unclipped levels."""
        return np.sqrt(np.diag(self.covariance(at, at)))

    def interval(self, at: float, mass: float = 0.90) -> Floats:
        """Return the central interval per layer, (10, 2), clipped to 0..5. Raises ValueError unless 0 < mass < 1."""
        if not 0.0 < mass < 1.0:
            raise ValueError(f"mass must lie between 0 and 1, got {mass!r}")
        half = NormalDist().inv_cdf(0.5 + mass / 2) * self.sd(at)
        mean = self._mean(at)
        return np.clip(np.column_stack([mean - half, mean + half]), 0.0, 5.0)

    def weights(self, at: float) -> Floats:
        """Return the weight of every row in every layer's level, (10, n): level = 2.5 + weights @ residuals."""
        return _product(_product(self._cross(at), self._whitener.T), self._whitener)

    def contributions(self, at: float) -> Floats:
        """Return by how many levels every row moves every layer away from 2.5, (10, n): together the level - 2.5."""
        return self.weights(at) * self._residuals

    def provenance(self, at: float) -> dict[Instrument, Floats]:
        """Return the share of each instrument in the sum of |weights|, (10,) each; all zero where nothing weighs."""
        weights = np.abs(self.weights(at))
        total = weights.sum(axis=1)
        safe = np.where(total > 0.0, total, 1.0)
        instruments = np.array([row.instrument for row in self.rows], dtype=object)
        return {name: weights[:, instruments == name].sum(axis=1) / safe for name in INSTRUMENTS}

    def verified(self, at: float) -> NDArray[np.bool_]:
        """Tell per layer whether at least 30% of the weight comes from quizzes and independent reviews, (10,)."""
        shares = self.provenance(at)
        verified: NDArray[np.bool_] = shares["quiz"] + shares["review"] >= VERIFYING_SHARE
        return verified

    @property
    def log_likelihood(self) -> float:
        """Return the logarithm of how likely the model held the rows to be."""
        standard, _ = self.whitened(np.zeros((len(self.rows), 0)))
        scale = float(np.log(np.diag(self._whitener)).sum())
        return scale - 0.5 * float(standard @ standard) - 0.5 * len(self.rows) * math.log(2.0 * math.pi)

    def whitened(self, columns: Floats) -> tuple[Floats, Floats]:
        """Return residuals (n,) and columns (n, m) of the rows in a basis in which the rows are independent, SD 1."""
        return self._whitener @ self._residuals, self._whitener @ columns

    def left_out(self) -> tuple[Floats, Floats]:
        """Return for every row how far it lies from what the others expect of it, and the variance of that, (n,) each.

        Rasmussen and Williams (2006), equations 5.10 to 5.12.
        """
        precision = _product(self._whitener.T, self._whitener)
        variance = 1.0 / np.diag(precision)
        return variance * (precision @ self._residuals), variance

    def change(self, t1: float, t2: float) -> Change:
        """Return what changed from t1 to t2 and whether it is more than noise.

        z = (d/v) / sqrt(1/v - 1/v0): the posterior change d with variance v against v0, what drift alone would give, so
        that a change is called real for what the evidence says and not for what the prior expects. Raises ValueError if
        t2 < t1.
        """
        if not t1 <= t2:
            raise ValueError(f"t1 must not be later than t2, got {t1!r} and {t2!r}")
        delta = self._mean(t2) - self._mean(t1)
        both = self.covariance(t1, t2)
        variance = np.diag(self.covariance(t1, t1) + self.covariance(t2, t2) - both - both.T)
        before = self.hyper.q * (self._since(t2) - self._since(t1))
        learned = np.zeros(LAYERS)
        moved = variance > 1e-12
        learned[moved] = np.maximum(1.0 / variance[moved] - 1.0 / before, 0.0) if before > 0.0 else 0.0
        learned[learned < 1e-9] = 0.0
        seen = learned > 0.0
        z, minimal = np.zeros(LAYERS), np.full(LAYERS, math.inf)
        z[seen] = delta[seen] / variance[seen] / np.sqrt(learned[seen])
        minimal[seen] = SIGNIFICANT / np.sqrt(learned[seen])
        return Change(delta, np.sqrt(np.maximum(variance, 0.0)), z, _holm(z), minimal)

    def covariance(self, t1: float, t2: float) -> Floats:
        """Return the posterior covariance of the layers at t1 (rows) with those at t2 (columns), (10, 10)."""
        prior = self.hyper.start + self.hyper.drift * min(self._since(t1), self._since(t2))
        left = _product(self._cross(t1), self._whitener.T)
        right = left if t1 == t2 else _product(self._cross(t2), self._whitener.T)
        posterior: Floats = prior - left @ right.T
        return posterior

    def _mean(self, at: float) -> Floats:
        mean: Floats = MIDDLE + self._cross(at) @ (self._whitener.T @ (self._whitener @ self._residuals))
        return mean

    def _since(self, at: float) -> float:
        if not math.isfinite(at):
            raise ValueError(f"a time must be finite, got {at!r}")
        return max(at - self._origin, 0.0)

    def _cross(self, at: float) -> Floats:
        """Return the prior covariance of the layers at a time with every row, (10, n)."""
        shared = np.minimum(self._since(at), self._times)
        start, drift = self.hyper.start[:, self._layers], self.hyper.drift[:, self._layers]
        cross: Floats = (start + drift * shared) * self._loadings
        return cross


def fit(
    rows: Sequence[EvidenceRow],
    *,
    hyper: Hyper | None = None,
    severities: Mapping[str, tuple[float, float]] | None = None,
) -> Profile:
    """Fit the posterior of one person to their rows of evidence; no rows give the prior.

    `severities` maps a rater to mean and standard deviation of how far they rate above the truth, in levels; raters
    that are not named have mean 0 and the default deviation. Raises ValueError with the offending value.
    """
    hyper = hyper or Hyper()
    # The order of evidence must not matter, not even in the last bit.
    ordered = tuple(sorted(rows, key=_sort_key))
    for row in ordered:
        _check(row)
    origin = ordered[0].time if ordered else math.inf  # without evidence the process has not begun
    times = np.array([row.time - origin for row in ordered])
    layers = np.array([row.layer for row in ordered], dtype=np.intp)
    loadings = np.array([row.share if row.instrument == "repo" else 1.0 for row in ordered])
    offsets = [_offset(row, hyper, severities or {}) for row in ordered]
    expected = np.array([mean for _, mean, _ in offsets])
    levels = np.array([row.level for row in ordered])

    earlier = np.minimum(times[:, None], times[None, :])
    index = np.ix_(layers, layers)
    covariance = (hyper.start[index] + hyper.drift[index] * earlier) * np.outer(loadings, loadings)
    groups = np.array([group for group, _, _ in offsets], dtype=object)
    spread = np.array([sd for _, _, sd in offsets])
    covariance += np.where(groups[:, None] == groups[None, :], np.outer(spread, spread), 0.0)
    covariance[np.diag_indices(len(ordered))] += [_noise_variance(row, hyper) for row in ordered]

    whitener = _whitener(covariance)
    return Profile(ordered, hyper, origin, times, layers, loadings, levels - MIDDLE - expected, whitener)


def estimate_hyper(
    people: Sequence[Sequence[EvidenceRow]],
    *,
    hyper: Hyper | None = None,
    severities: Mapping[str, tuple[float, float]] | None = None,
) -> Hyper:
    """Estimate from the rows of many people how fast levels drift and how noisy self-ratings, reviews and repositories are.

    q is the mode of the marginal likelihood on a grid, times a wide log-normal around the value given, which therefore
    stays where nobody has been seen twice. Noises are those under which rows lie as far from what the other rows expect
    as the model says (leave one out), shrunk while rows are few. Raises ValueError with the offending value, or if no
    person has a row.
    """
    usual = found = hyper or Hyper()
    known = [rows for rows in people if rows]
    if not known:
        raise ValueError(f"no rows to estimate from, got {len(people)} people")
    for _ in range(ROUNDS):
        found = _with_noises([fit(rows, hyper=found, severities=severities) for rows in known], found, usual)

    def support(factor: float) -> float:
        trial = replace(found, q=usual.q * factor)
        likely = sum(fit(rows, hyper=trial, severities=severities).log_likelihood for rows in known)
        return likely - 0.5 * math.log(factor) ** 2

    return replace(found, q=usual.q * max(DRIFT_FACTORS, key=support))


def _with_noises(profiles: Sequence[Profile], hyper: Hyper, usual: Hyper) -> Hyper:
    """Move the noises of the instruments that have a default towards what the rows left out ask for."""
    excess: dict[str, list[float]] = {"self_noise": [], "review_noise": [], "repo_noise": []}
    for profile in profiles:
        apart, variance = profile.left_out()
        for row, beyond in zip(profile.rows, apart**2 - variance, strict=True):
            if row.noise_sd is None:
                excess[f"{row.instrument}_noise"].append(float(beyond))
    noises = {}
    for name, values in excess.items():
        now, before = getattr(hyper, name) ** 2, getattr(usual, name) ** 2
        step = (sum(values) - FEW * (now - before)) / (len(values) + FEW)
        noises[name] = math.sqrt(max(now + step, now / 4.0))
    return replace(hyper, **noises)


def _exchangeable(correlation: float) -> Floats:
    return np.full((LAYERS, LAYERS), correlation) + (1.0 - correlation) * np.eye(LAYERS)


def _whitener(covariance: Floats) -> Floats:
    """Return the inverse of the lower Cholesky factor of a covariance, by halves."""
    half = len(covariance) // 2
    if half < 32:
        return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)), dtype=np.float64)
    first = _whitener(covariance[:half, :half])
    shared = _product(covariance[half:, :half], first.T)
    last = _whitener(covariance[half:, half:] - _product(shared, shared.T))
    whitener = np.zeros_like(covariance)
    whitener[:half, :half], whitener[half:, half:] = first, last
    whitener[half:, :half] = -_product(last, _product(shared, first))
    return whitener


def _product(left: Floats, right: Floats) -> Floats:
    """Multiply in strips that stay in this thread: where the machine is busy, waiting for others costs ten times more."""
    rows = max(1, STRIP // max(right.size, 1))
    return np.concatenate([left[first : first + rows] @ right for first in range(0, len(left), rows)])


def _sort_key(row: EvidenceRow) -> tuple[float | str | bool, ...]:
    return row.time, row.instrument, row.source, row.layer, row.level, row.noise_sd or 0.0, row.share, row.reviewed


def _offset(
    row: EvidenceRow, hyper: Hyper, severities: Mapping[str, tuple[float, float]]
) -> tuple[str | None, float, float]:
    """Return who shares this row's offset, its expected value and its standard deviation."""
    match row.instrument:
        case "self":
            return "self", hyper.self_offset, hyper.self_offset_sd
        case "repo":
            # All repositories of a person are one source: four embellished ones count as one.
            return "repo", 0.0, hyper.repo_offset_sd_reviewed if row.reviewed else hyper.repo_offset_sd
        case "review":
            mean, sd = severities.get(row.source, (0.0, hyper.severity_sd))
            return f"review {row.source}", mean, math.hypot(sd, hyper.halo_sd)
        case _:
            return None, 0.0, 0.0


def _noise_variance(row: EvidenceRow, hyper: Hyper) -> float:
    # What the co-authors of a repository can do is unknown: the part that is not the person's is drawn from everybody.
    others = (1.0 - row.share) ** 2 if row.instrument == "repo" else 0.0
    if row.noise_sd is not None:
        return row.noise_sd**2 + others
    if row.instrument == "repo":
        return hyper.repo_noise**2 + others
    variance = (hyper.self_noise if row.instrument == "self" else hyper.review_noise) ** 2
    if float(row.level).is_integer():
        variance += 1.0 / 12.0  # a whole number stands for an interval of width one
    # The ends of the scale cut off what lies beyond, so they say less.
    return 3.0 * variance if row.level in (0.0, 5.0) else variance


def _check(row: EvidenceRow) -> None:
    if row.instrument not in INSTRUMENTS:
        raise ValueError(f"unknown instrument {row.instrument!r}; one of {', '.join(INSTRUMENTS)}")
    if not (isinstance(row.layer, (int, np.integer)) and 0 <= row.layer < LAYERS):
        raise ValueError(f"layer must be 0..9, got {row.layer!r}")
    if not math.isfinite(row.time):
        raise ValueError(f"time must be finite, got {row.time!r}")
    if not 0.0 <= row.share <= 1.0:
        raise ValueError(f"share must lie in 0..1, got {row.share!r}")
    if row.noise_sd is not None and not (math.isfinite(row.noise_sd) and row.noise_sd > 0.0):
        raise ValueError(f"noise_sd must be positive, got {row.noise_sd!r}")
    if row.instrument in ("quiz", "drill"):
        if row.noise_sd is None:
            raise ValueError(f"a {row.instrument} row must give noise_sd")
        if not math.isfinite(row.level):
            raise ValueError(f"level must be finite, got {row.level!r}")
    elif not 0.0 <= row.level <= 5.0:
        raise ValueError(f"level of a {row.instrument} row must lie in 0..5, got {row.level!r}")


def _holm(z: Floats) -> NDArray[np.bool_]:
    real = np.zeros(LAYERS, dtype=np.bool_)
    for rank, layer in enumerate(np.argsort(-np.abs(z), kind="stable")):
        if 2.0 * NormalDist().cdf(-abs(float(z[layer]))) > 0.05 / (LAYERS - rank):
            break
        real[layer] = True
    return real
