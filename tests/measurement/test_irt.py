"""The posterior of one layer: its limits, its monotony, and what cannot be answered."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assessor.measurement import irt

slopes = st.floats(0.3, 3.0)
difficulties = st.floats(-3.0, 3.0)
guesses = st.sampled_from([0.0, 0.2, 0.25, 0.5])


@st.composite
def answered(draw: st.DrawFn, least: int = 1) -> tuple[list[float], list[float], list[float], list[int]]:
    """Draw items (a, b, c) and the answers to them."""
    items = draw(st.lists(st.tuples(slopes, difficulties, guesses, st.sampled_from([-1, 0, 1])), min_size=least))
    a, b, c, answers = (list(column) for column in zip(*items, strict=True))
    return a, b, c, answers


def test_half_of_the_people_at_the_level_of_an_item_solve_it() -> None:
    assert irt.probability(0.7, 1.3, 0.7, 0.0) == pytest.approx(0.5)
    assert irt.probability(0.7, 1.3, 0.7, 0.25) == pytest.approx(0.625)


def test_probability_goes_from_guessing_to_certain() -> None:
    p = irt.probability([-1e3, 1e3], 1.0, 0.0, 0.2)
    np.testing.assert_allclose(p, [0.2, 1.0])


def test_people_and_items_broadcast() -> None:
    theta = np.linspace(-2, 2, 5)[:, None]
    assert irt.probability(theta, np.ones(3), np.zeros(3), np.zeros(3)).shape == (5, 3)
    assert irt.information(theta, np.ones(3), np.zeros(3), np.zeros(3)).shape == (5, 3)


@given(st.floats(-3, 3), slopes, difficulties, guesses)
def test_information_is_the_squared_slope_of_the_curve_over_its_variance(
    theta: float, a: float, b: float, c: float
) -> None:
    step = 1e-5
    low, p, high = irt.probability([theta - step, theta, theta + step], a, b, c)
    slope = (high - low) / (2 * step)
    assert irt.information(theta, a, b, c) == pytest.approx(slope**2 / (p * (1 - p)), rel=1e-3, abs=1e-9)


def test_no_answer_is_the_prior() -> None:
    prior = irt.estimate([1.0], [0.0], [0.0], [-1], prior_mean=0.5, prior_sd=0.8)
    assert prior.mean == pytest.approx(0.5, abs=1e-3)
    assert prior.sd == pytest.approx(0.8, abs=1e-3)
    assert (prior.lower, prior.upper) == pytest.approx((0.5 - 1.645 * 0.8, 0.5 + 1.645 * 0.8), abs=5e-3)


def test_posterior_equals_a_much_finer_integration() -> None:
    a, b, c, answers = [1.0, 1.5, 0.8, 2.0], [-1.0, 0.0, 0.5, 1.0], [0.25, 0.0, 0.2, 0.0], [1, 1, 0, 0]
    theta = np.linspace(-10, 10, 200_001)
    density = np.exp(-(theta**2) / 2)
    for slope, difficulty, guess, answer in zip(a, b, c, answers, strict=True):
        p = guess + (1 - guess) / (1 + np.exp(-slope * (theta - difficulty)))
        density *= p if answer else 1 - p
    density /= density.sum()
    mean = density @ theta
    lower, upper = np.interp([0.05, 0.95], np.cumsum(density), theta)
    found = irt.estimate(a, b, c, answers)
    assert found.mean == pytest.approx(mean, abs=1e-4)
    assert found.sd == pytest.approx(math.sqrt(density @ (theta - mean) ** 2), abs=2e-4)
    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=5e-3)


@given(answered(), st.floats(-2, 2), st.floats(0.3, 1.5))
@settings(max_examples=100, deadline=None)
def test_an_answer_never_moves_the_estimate_the_wrong_way(
    items: tuple[list[float], list[float], list[float], list[int]], prior_mean: float, prior_sd: float
) -> None:
    a, b, c, answers = items

    def mean(last: int) -> float:
        return irt.estimate(a, b, c, [*answers[:-1], last], prior_mean=prior_mean, prior_sd=prior_sd).mean

    assert mean(0) <= mean(-1) + 1e-12
    assert mean(-1) <= mean(1) + 1e-12


@given(answered())
@settings(max_examples=100, deadline=None)
def test_the_interval_holds_the_mean(items: tuple[list[float], list[float], list[float], list[int]]) -> None:
    found = irt.estimate(*items)
    assert -4 <= found.lower < found.mean < found.upper <= 4
    assert found.sd > 0


def test_extreme_items_stay_finite() -> None:
    found = irt.estimate([5.0, 5.0], [-100.0, 100.0], [0.0, 0.0], [0, 1])
    assert math.isfinite(found.mean)
    assert math.isfinite(found.sd)


def test_a_remembered_item_is_one_that_is_easier_to_guess() -> None:
    theta, seen = np.linspace(-3, 3, 7), 0.6
    p = irt.probability(theta, 1.2, 0.3, 0.2)
    guess = irt.recalled(np.array(0.2), np.array(seen))
    np.testing.assert_allclose(irt.probability(theta, 1.2, 0.3, guess), p + (1 - p) * seen)


def test_a_blurred_slope_is_the_average_over_what_the_difficulty_may_be() -> None:
    theta, a, sd = np.linspace(-3, 3, 13), 1.4, 0.7
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    exact = irt.probability(theta[:, None], a, sd * nodes, 0.0) @ weights / weights.sum()
    np.testing.assert_allclose(irt.probability(theta, irt.blurred(a, sd), 0.0, 0.0), exact, atol=0.01)
    assert irt.blurred(a, 0.0) == a


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"a": [0.0, 1.0]}, "0.0"),
        ({"a": [math.nan, 1.0]}, "nan"),
        ({"b": [math.inf, 1.0]}, "inf"),
        ({"c": [1.0, 0.0]}, "1.0"),
        ({"c": [-0.1, 0.0]}, "-0.1"),
        ({"c": [0.0, 0.0, 0.0]}, r"\(3,\)"),
        ({"a": [[1.0, 1.0]]}, r"\(1, 2\)"),
        ({"a": [], "b": [], "c": [], "answers": []}, r"\(0,\)"),
        ({"answers": [1]}, r"\(1,\)"),
        ({"answers": [1, 2]}, "2"),
        ({"answers": [1, math.nan]}, "nan"),
        ({"prior_sd": 0.0}, "0.0"),
        ({"prior_mean": math.nan}, "nan"),
    ],
)
def test_bad_input_is_named(changes: dict[str, object], named: str) -> None:
    good = {"a": [1.0, 1.0], "b": [0.0, 0.5], "c": [0.0, 0.2], "answers": [1, 0]}
    with pytest.raises(ValueError, match=named):
        irt.estimate(**(good | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("a", "sd_b"), [(0.0, 0.1), (1.0, -0.1), (1.0, math.nan)])
def test_only_slopes_and_deviations_can_be_blurred(a: float, sd_b: float) -> None:
    with pytest.raises(ValueError, match="got"):
        irt.blurred(a, sd_b)


def test_theta_must_be_finite() -> None:
    with pytest.raises(ValueError, match="nan"):
        irt.probability(math.nan, 1.0, 0.0, 0.0)
