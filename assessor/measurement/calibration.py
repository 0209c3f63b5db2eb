"""Item parameters from answers: marginal maximum likelihood for the Rasch, one- and two-parameter logistic models.

Bock and Aitkin (1981) integrate the people out, theta ~ N(0, 1). Steps are those of Lange's (1995) gradient form of their
EM; near the top they become Newton steps with the observed information of Louis (1982), which also gives the standard
errors. Parameters are (ln a, b), in which the priors are normal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assessor.measurement.irt import AUTHOR_SD, LIMIT, LOG_SLOPE_MEAN, LOG_SLOPE_SD

__all__ = ["Calibration", "calibrate"]

Floats = NDArray[np.float64]
Model = Literal["2pl", "1pl", "rasch"]

NODES: Floats = np.linspace(-5.0, 5.0, 51)
LOG_WEIGHTS: Floats = -0.5 * NODES**2 - math.log(np.exp(-0.5 * NODES**2).sum())

MOST_STEPS = 500
CLOSE, THERE = 0.05, 1e-7  # the largest move of a parameter that starts Newton steps, and that ends the search
LONGEST = 1.0
BOUNDS: Floats = np.array(
    [[math.log(0.05), math.log(20.0)], [-10.0, 10.0]]
)  # of ln a and b: for items without a maximum


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
    data = _Answers.checked(responses, counts, guess)
    items = len(data.guess)
    if model not in get_args(Model):
        raise ValueError(f"unknown model {model!r}; one of {', '.join(get_args(Model))}")
    prior = _Prior.checked(prior_b, prior_b_sd, items)
    free = _free(model, items)
    start = np.concatenate([np.zeros(items), data.guess_difficulties() if prior is None else prior.mean[items:]])
    search = _Search(data, prior, free, start)
    iterations = search.climb()
    sds = search.standard_errors()
    log_a, b = search.parameters[:items], search.parameters[items:]
    return Calibration(
        np.exp(log_a), b, data.guess, np.exp(log_a) * sds[:items], sds[items:], search.log_likelihood, iterations
    )
