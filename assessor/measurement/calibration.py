"""Item parameters from answers: marginal maximum likelihood for the Rasch, one- and two-parameter logistic models.

Bock and Aitkin (1981) integrate the people out, theta ~ N(0, 1). Steps are those of Lange's (1995) gradient form of their
EM; near the top they become Newton steps with the observed information of Louis (1982), which also gives the standard
errors. Parameters are (ln a, b), in which the priors are normal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assessor.measurement.irt import AUTHOR_SD, LOG_SLOPE_MEAN, LOG_SLOPE_SD

__all__ = ["Calibration", "calibrate"]

Floats = NDArray[np.float64]
Model = Literal["2pl", "1pl", "rasch"]

NODES: Floats = np.linspace(-5.0, 5.0, 41)
LOG_WEIGHTS: Floats = -0.5 * NODES**2 - math.log(np.exp(-0.5 * NODES**2).sum())

MOST_STEPS = 500
CLOSE, THERE = 0.05, 1e-7  # the largest move of a parameter that starts Newton steps, and that ends the search
LONGEST = 1.0
# People and items in one multiplication: few enough that the library does it at once and wakes no other thread.
GROUP, WIDE = 64, 96
PAIRS = 200_000  # numbers at a time while pairs of items are counted
LEAST: Floats = np.array([math.log(0.05), -10.0])  # of ln a and b, for items whose likelihood has no maximum
MOST: Floats = np.array([math.log(20.0), 10.0])


@dataclass(frozen=True, slots=True)
class Calibration:
    """Hold slope, difficulty and guessing of every item (items,), with standard errors, and how it went.

    A standard error is 0 where the model fixes the parameter and infinite where the answers do not bound it.
    `log_likelihood` is that of the answers, without priors.
    """

    a: Floats
    b: Floats
    c: Floats
    se_a: Floats
    se_b: Floats
    log_likelihood: float
    iterations: int


def calibrate(
    responses: ArrayLike,
    *,
    model: Model = "2pl",
    counts: ArrayLike | None = None,
    guess: ArrayLike | None = None,
    prior_b: ArrayLike | None = None,
    prior_b_sd: float = AUTHOR_SD,
) -> Calibration:
    """Estimate the parameters of items from responses (people, items): 1 right, 0 wrong, -1 missing.

    `counts` (people,) says how many people answered like each row, `guess` (items,) is the fixed chance of guessing. With
    `prior_b` (items,), the difficulties that authors state, b ~ N(prior_b, prior_b_sd^2) and ln a ~ N(ln 1.2, 0.4^2):
    under 500 people discrimination cannot be recovered without. Raises ValueError with the offending value or shape.
    """
    if model not in get_args(Model):
        raise ValueError(f"unknown model {model!r}; one of {', '.join(get_args(Model))}")
    answers = _answers(responses, counts, guess)
    items = len(answers.guess)
    problem = _Problem(answers, *_free(model, items), *_prior(model, prior_b, prior_b_sd, items))
    answered = answers.given.any(axis=(0, 1))
    if prior_b is None and not answered.all():
        raise ValueError(f"item {int(np.argmin(answered))} has no answers and no prior")
    point, steps = _climb(problem)
    sd_log_a, sd_b = np.split(_standard_errors(point), 2)
    return Calibration(point.a, point.b, answers.guess, point.a * sd_log_a, sd_b, point.log_likelihood, steps)


@dataclass(frozen=True, slots=True)
class _Answers:
    """Hold the different patterns of answers, how many people gave each, and the chance of guessing per item.

    Patterns come in groups of 64, the last of which is filled up with patterns of nobody.
    """

    right: Floats  # (groups, patterns, items), 0 or 1
    wrong: Floats
    given: Floats
    counts: Floats  # (groups, patterns)
    guess: Floats  # (items,)
    complete: bool  # nobody left anything out


@dataclass(frozen=True, slots=True)
class _Problem:
    """Hold what is searched: answers, how the free parameters make all of them, and the normal priors of these."""

    answers: _Answers
    spread: Floats  # (2 items, free): (ln a, b) = spread @ free
    kind: NDArray[np.intp]  # (free,) 0 for ln a, 1 for b
    prior_mean: Floats  # (2 items,)
    prior_precision: Floats


class _Point:
    """Work out the likelihood and its derivatives at one choice of the free parameters."""

    def __init__(self, problem: _Problem, free: Floats) -> None:
        self.problem, self.free = problem, free
        full = problem.spread @ free
        log_a, self.b = np.split(full, 2)
        self.a = np.exp(log_a)
        answers, c = problem.answers, problem.answers.guess
        self.eta: Floats = self.a * (NODES[:, None] - self.b)  # (nodes, items), and so are the next
        rising = 1.0 / (1.0 + np.exp(-self.eta))
        self.p: Floats = c + (1.0 - c) * rising
        falling = 1.0 / (1.0 + np.exp(self.eta))
        self.if_right: Floats = falling * (1.0 - c) * rising / self.p  # d ln P / d eta
        self.if_wrong: Floats = -rising
        self.slope: Floats = (1.0 - c) * rising * falling
        joint = answers.right @ np.log(self.p).T + answers.wrong @ np.log((1.0 - c) * falling).T + LOG_WEIGHTS
        top = joint.max(axis=-1, keepdims=True)
        density = np.exp(joint - top)
        mass = density.sum(axis=-1, keepdims=True)
        self.posterior: Floats = density / mass  # (groups, patterns, nodes)
        self.log_likelihood = float((answers.counts * (top + np.log(mass))[..., 0]).sum())
        away = full - problem.prior_mean
        self.value = self.log_likelihood - 0.5 * float(problem.prior_precision @ away**2)
        self.people: Floats = (self.posterior * answers.counts[..., None]).swapaxes(1, 2)  # (groups, nodes, patterns)
        self.right: Floats = (self.people @ answers.right).sum(axis=0)  # (nodes, items) expected there and right
        self.given: Floats = (self.people @ answers.given).sum(axis=0)
        self.score: Floats = self.right * self.if_right + (self.given - self.right) * self.if_wrong
        pull = np.concatenate([(self.score * self.eta).sum(axis=0), -self.a * self.score.sum(axis=0)])
        self.gradient: Floats = problem.spread.T @ (pull - problem.prior_precision * away)

    def complete_information(self) -> Floats:
        """Return the information expected if the people's theta were known: what an EM step divides by."""
        # (dP / d eta)^2 / (P (1 - P)), where nothing is divided by 1 - P, which may be zero.
        information = self._free(self._outer(self.given * self.if_right * -self.if_wrong))
        information[np.diag_indices_from(information)] += 1e-9
        return information

    @cached_property
    def observed_information(self) -> Floats:
        """Return the information of the answers: that of known theta less what not knowing it loses (Louis 1982)."""
        c = self.problem.answers.guess
        bend = self.slope / (1.0 - c) * (self.given - self.right * c / self.p**2)
        information = self._outer(bend)
        items = np.arange(len(self.a))
        others = items + len(items)
        information[items, items] -= (self.score * self.eta).sum(axis=0)
        information[items, others] += self.a * self.score.sum(axis=0)
        information[others, items] += self.a * self.score.sum(axis=0)
        return self._free(information - self._lost())

    def _outer(self, weight: Floats) -> Floats:
        """Return the sum over nodes of weight times the outer product of d eta, block-diagonal, (2 items, 2 items)."""
        items = np.arange(len(self.a))
        others = items + len(items)
        information = np.zeros((2 * len(items), 2 * len(items)))
        information[items, items] = (weight * self.eta**2).sum(axis=0)
        information[others, others] = self.a**2 * weight.sum(axis=0)
        information[items, others] = information[others, items] = -self.a * (weight * self.eta).sum(axis=0)
        return information

    def _lost(self) -> Floats:
        """Return the variance of each person's score over their posterior, summed over people, (2 items, 2 items)."""
        answers, items = self.problem.answers, len(self.a)
        by = np.stack([self.eta, np.broadcast_to(-self.a, self.eta.shape)])  # d eta by ln a and by b
        second = np.empty((2, items, 2, items))
        high = max(1, PAIRS // self.posterior.size)
        corners = ((top, left) for top in range(0, items, high) for left in range(top, items, WIDE))
        for own, other in ((slice(top, top + high), slice(left, left + WIDE)) for top, left in corners):
            square = np.einsum("xqj,yqk,qjk->xjyk", by[:, :, own], by[:, :, other], self._score_pairs(own, other))
            second[:, own, :, other] = square
            second[:, other, :, own] = square.transpose(2, 3, 0, 1)
        mean = np.concatenate([self._mean_score(derivative) for derivative in by], axis=-1)
        first_squared = ((mean * answers.counts[..., None]).swapaxes(1, 2) @ mean).sum(axis=0)
        lost: Floats = second.reshape(2 * items, 2 * items) - first_squared
        return lost

    def _score_pairs(self, own: slice, other: slice) -> Floats:
        """Return at every node the products of the scores of two items, summed over people, (nodes, own, other)."""
        answers, people = self.problem.answers, self.people
        apart, base = self.if_right - self.if_wrong, self.if_wrong
        right, given = answers.right[..., own], answers.given[..., own]
        if answers.complete:  # then everybody was asked both items
            solved, solved_other, asked = self.right[:, own, None], self.right[:, None, other], self.given[:, :1, None]
        else:
            solved = _paired(people, right, answers.given[..., other])
            solved_other = _paired(people, given, answers.right[..., other])
            asked = _paired(people, given, answers.given[..., other])
        both = _paired(people, right, answers.right[..., other])
        pairs: Floats = apart[:, own, None] * (apart[:, None, other] * both + base[:, None, other] * solved)
        pairs += base[:, own, None] * (apart[:, None, other] * solved_other + base[:, None, other] * asked)
        return pairs

    def _mean_score(self, derivative: Floats) -> Floats:
        """Return the expected score of every pattern and item, (groups, patterns, items)."""
        answers, apart = self.problem.answers, self.if_right - self.if_wrong
        base: Floats = answers.given * (self.posterior @ (self.if_wrong * derivative))
        return base + answers.right * (self.posterior @ (apart * derivative))

    def _free(self, information: Floats) -> Floats:
        spread = self.problem.spread
        free: Floats = spread.T @ (information + np.diag(self.problem.prior_precision)) @ spread
        return free

    def inside(self) -> NDArray[np.bool_]:
        """Tell which free parameters may move: those not at a bound that they press against, (free,)."""
        least, most = LEAST[self.problem.kind], MOST[self.problem.kind]
        stuck = ((self.free <= least) & (self.gradient <= 0.0)) | ((self.free >= most) & (self.gradient >= 0.0))
        return ~stuck


def _paired(people: Floats, left: Floats, right: Floats) -> Floats:
    """Return how many people at a node have both, (nodes, left items, right items)."""
    having = people[:, None] * left.swapaxes(1, 2)[:, :, None]  # (groups, left items, nodes, patterns)
    paired: Floats = (having @ right[:, None]).sum(axis=0).swapaxes(0, 1)
    return paired


def _climb(problem: _Problem) -> tuple[_Point, int]:
    """Return the point with the highest likelihood, and the number of steps to it."""
    point = _Point(problem, _start(problem))
    least, most = LEAST[problem.kind], MOST[problem.kind]
    moved, slow, close, fresh = math.inf, math.inf, False, False
    curvature, kept = point.complete_information(), point.inside()
    for step in range(1, MOST_STEPS + 1):
        inside = point.inside()
        close = close or moved < CLOSE
        # The exact curvature costs as much as many steps: it is kept while each step is much smaller than the last.
        if fresh and moved <= slow and (inside == kept).all():
            slow = moved / 4.0
        else:
            fresh, slow = close and _bends_down(point.observed_information[np.ix_(inside, inside)]), math.inf
            curvature, kept = point.observed_information if fresh else point.complete_information(), inside
        direction = np.zeros_like(point.free)
        direction[inside] = np.linalg.solve(curvature[np.ix_(inside, inside)], point.gradient[inside])
        direction /= max(1.0, float(np.abs(direction).max(initial=0.0)) / LONGEST)
        for _ in range(30):
            trial = _Point(problem, np.clip(point.free + direction, least, most))
            if trial.value >= point.value - 1e-9:
                break
            direction /= 2.0
        else:
            return point, step
        moved = float(np.abs(trial.free - point.free).max())
        point = trial
        if moved < THERE:
            break
    return point, step


def _bends_down(information: Floats) -> bool:
    try:
        np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        return False
    return True


def _standard_errors(point: _Point) -> Floats:
    """Return the standard deviations of (ln a, b), (2 items,)."""
    spread, inside = point.problem.spread, point.inside()
    bounded = spread[:, inside]
    try:
        inverse = np.linalg.inv(np.linalg.cholesky(point.observed_information[np.ix_(inside, inside)]))
        sds: Floats = np.sqrt(((inverse @ bounded.T) ** 2).sum(axis=0, dtype=np.float64))
    except np.linalg.LinAlgError:  # flat in some direction
        sds = np.where(bounded.any(axis=1), math.inf, 0.0).astype(np.float64)
    sds[spread[:, ~inside].any(axis=1)] = math.inf
    return sds


def _start(problem: _Problem) -> Floats:
    """Return where to begin: slopes of one, difficulties from the share solved or from the authors."""
    answers = problem.answers
    weight = answers.counts[..., None]
    asked = (weight * answers.given).sum(axis=(0, 1))
    solved = ((weight * answers.right).sum(axis=(0, 1)) + 0.5) / (asked + 1.0)
    logistic = np.clip((solved - answers.guess) / (1.0 - answers.guess), 0.02, 0.98)
    stated = np.split(problem.prior_mean, 2)[1]
    b = stated if problem.prior_precision.any() else -1.2 * np.log(logistic / (1.0 - logistic))
    return np.concatenate([np.zeros((problem.kind == 0).sum()), np.clip(b, LEAST[1], MOST[1])])


def _free(model: Model, items: int) -> tuple[Floats, NDArray[np.intp]]:
    """Return how the free parameters make (ln a, b), and their kinds."""
    slopes = {"2pl": np.eye(items), "1pl": np.ones((items, 1)), "rasch": np.zeros((items, 0))}[model]
    own = slopes.shape[1]
    spread = np.zeros((2 * items, own + items))
    spread[:items, :own] = slopes
    spread[items:, own:] = np.eye(items)
    return spread, np.repeat([0, 1], [own, items])


def _prior(model: Model, prior_b: ArrayLike | None, sd: float, items: int) -> tuple[Floats, Floats]:
    """Return mean and precision of the priors of (ln a, b); no precision without the authors' difficulties."""
    if prior_b is None:
        return np.zeros(2 * items), np.zeros(2 * items)
    stated = np.asarray(prior_b, dtype=np.float64)
    if stated.shape != (items,):
        raise ValueError(f"prior_b must have shape ({items},), got {stated.shape}")
    if not np.isfinite(stated).all():
        raise ValueError(f"prior_b must be finite, got {stated[~np.isfinite(stated)][0]}")
    if not (math.isfinite(sd) and sd > 0.0):
        raise ValueError(f"prior_b_sd must be positive, got {sd!r}")
    shared = items if model == "1pl" else 1  # one slope has one prior
    mean = np.concatenate([np.full(items, LOG_SLOPE_MEAN), stated])
    return mean, np.repeat([LOG_SLOPE_SD**-2 / shared, sd**-2], items)


def _answers(responses: ArrayLike, counts: ArrayLike | None, guess: ArrayLike | None) -> _Answers:
    given = np.asarray(responses)
    if given.ndim != 2 or given.size == 0:
        raise ValueError(f"responses must be (people, items) and not empty, got {given.shape}")
    people, items = given.shape
    valid = np.isin(given, (-1, 0, 1))
    if not valid.all():
        raise ValueError(f"a response must be 1, 0 or -1, got {given[~valid][0]}")
    number = np.ones(people) if counts is None else np.asarray(counts, dtype=np.float64)
    if number.shape != (people,):
        raise ValueError(f"counts must have shape ({people},), got {number.shape}")
    if not (np.isfinite(number) & (number >= 0.0)).all() or number.sum() == 0.0:
        raise ValueError(f"counts must be finite, not negative and not all zero, got {number.min()}..{number.max()}")
    chance = np.zeros(items) if guess is None else np.asarray(guess, dtype=np.float64)
    if chance.shape != (items,):
        raise ValueError(f"guess must have shape ({items},), got {chance.shape}")
    if not ((chance >= 0.0) & (chance < 1.0)).all():
        raise ValueError(f"guess must lie in 0..1 and below 1, got {chance[~((chance >= 0.0) & (chance < 1.0))][0]}")
    patterns, which = np.unique(given[number > 0.0].astype(np.int8), axis=0, return_inverse=True)
    alike = np.bincount(which.ravel(), number[number > 0.0]).astype(np.float64)
    groups = -(-len(patterns) // GROUP)
    missing = groups * GROUP - len(patterns)
    grouped = np.pad(patterns, ((0, missing), (0, 0)), mode="edge").reshape(groups, GROUP, items)
    right, wrong = (grouped == 1).astype(np.float64), (grouped == 0).astype(np.float64)
    alike = np.pad(alike, (0, missing)).reshape(groups, GROUP)
    return _Answers(right, wrong, right + wrong, alike, chance, complete=not bool((patterns < 0).any()))
