"""What a team can do together, against counting every possible outcome."""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assessor.measurement.team import at_least, at_target


def test_at_the_target_is_a_toss_up() -> None:
    p = at_target(np.full((3, 10), 0.5), np.full((3, 10), 0.4), 3.0)
    np.testing.assert_allclose(p, np.full((3, 10), 0.5))


def test_a_target_may_differ_by_layer() -> None:
    means, sds = np.array([[0.5, -0.2]]), np.array([[0.4, 0.8]])
    (p,) = at_target(means, sds, [2.0, 4.0])
    exact = [1 - NormalDist(2.5 + m, s).cdf(t) for m, s, t in zip(means[0], sds[0], [2.0, 4.0], strict=True)]
    np.testing.assert_allclose(p, exact)


@given(arrays(np.float64, (5, 2), elements=st.floats(0, 1)), st.integers(0, 7))
@settings(deadline=None)
def test_at_least_equals_counting_every_outcome(p: np.ndarray, k: int) -> None:
    expected = np.zeros(2)
    for outcome in itertools.product([0, 1], repeat=5):
        if sum(outcome) >= k:
            reached = np.array(outcome)[:, None]
            expected += np.prod(np.where(reached == 1, p, 1 - p), axis=0)
    np.testing.assert_allclose(at_least(p, k), expected, atol=1e-12)


def test_more_people_than_there_are_never_reach_it() -> None:
    p = np.ones((2, 10))
    np.testing.assert_array_equal(at_least(p, 0), np.ones(10))
    np.testing.assert_array_equal(at_least(p, 2), np.ones(10))
    np.testing.assert_array_equal(at_least(p, 3), np.zeros(10))


@pytest.mark.parametrize(
    ("means", "sds", "target", "named"),
    [
        ([0.0], [1.0], 3.0, r"\(1,\)"),
        (np.zeros((0, 10)), np.zeros((0, 10)), 3.0, r"\(0, 10\)"),
        ([[0.0, 0.0]], [[1.0]], 3.0, r"\(1, 1\)"),
        ([[math.nan]], [[1.0]], 3.0, "nan"),
        ([[0.0]], [[0.0]], 3.0, "0.0"),
        ([[0.0]], [[1.0]], 5.5, "5.5"),
        ([[0.0]], [[1.0]], [3.0, 3.0], r"\(2,\)"),
    ],
)
def test_bad_people_are_named(means: object, sds: object, target: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        at_target(means, sds, target)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("p", "k", "named"),
    [([[1.1]], 1, "1.1"), ([[math.nan]], 1, "nan"), ([0.5], 1, r"\(1,\)"), ([[0.5]], -1, "-1"), ([[0.5]], 0.5, "0.5")],
)
def test_bad_probabilities_are_named(p: object, k: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        at_least(p, k)  # type: ignore[arg-type]
