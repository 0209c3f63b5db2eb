"""Classical item statistics: the published values of two sections of the LSAT, and what they cannot say."""

from __future__ import annotations

import numpy as np
import pytest

from assessor.measurement.classical import item_statistics
from tests.measurement import lsat


def test_lsat6() -> None:
    """Values as printed by descript() of the R package ltm (Rizopoulos 2006)."""
    found = item_statistics(lsat.people(lsat.LSAT6))
    np.testing.assert_allclose(found.p, [0.924, 0.709, 0.553, 0.763, 0.870], atol=1e-12)
    assert found.alpha == pytest.approx(0.2950, abs=5e-5)
    np.testing.assert_allclose(found.alpha_if_deleted, [0.2754, 0.2376, 0.2168, 0.2459, 0.2663], atol=5e-5)
    np.testing.assert_allclose(found.r_total, [0.3620, 0.5668, 0.6184, 0.5344, 0.4354], atol=5e-4)
    np.testing.assert_allclose(found.r_rest, [0.1128, 0.1532, 0.1728, 0.1444, 0.1216], atol=5e-4)


def test_lsat7() -> None:
    """Values as printed by itemstats() of the R package mirt (Chalmers 2012)."""
    found = item_statistics(lsat.people(lsat.LSAT7))
    np.testing.assert_allclose(found.p, [0.828, 0.658, 0.772, 0.606, 0.843], atol=1e-12)
    assert found.alpha == pytest.approx(0.453, abs=5e-4)
    np.testing.assert_allclose(found.alpha_if_deleted, [0.396, 0.394, 0.345, 0.415, 0.438], atol=5e-4)
    np.testing.assert_allclose(found.r_total, [0.530, 0.600, 0.611, 0.592, 0.461], atol=5e-4)
    np.testing.assert_allclose(found.r_rest, [0.246, 0.247, 0.313, 0.223, 0.175], atol=5e-4)


def test_equals_the_correlations_of_sums() -> None:
    responses = np.random.default_rng(2).integers(0, 2, (50, 6))
    found = item_statistics(responses)
    total = responses.sum(axis=1)
    for item, answers in enumerate(responses.T):
        assert found.r_total[item] == pytest.approx(np.corrcoef(answers, total)[0, 1])
        assert found.r_rest[item] == pytest.approx(np.corrcoef(answers, total - answers)[0, 1])
        without = np.delete(responses, item, axis=1)
        assert found.alpha_if_deleted[item] == pytest.approx(item_statistics(without).alpha)


def test_an_item_that_everybody_solves_goes_with_nothing() -> None:
    found = item_statistics([[1, 0, 1], [1, 1, 0], [1, 1, 1]])
    assert found.p[0] == 1
    assert np.isnan(found.r_total[0])
    assert np.isnan(found.r_rest[0])
    assert np.isfinite(found.r_total[1:]).all()


def test_two_items_leave_one_behind_that_has_no_alpha() -> None:
    assert np.isnan(item_statistics([[1, 0], [0, 0], [1, 1]]).alpha_if_deleted).all()


@pytest.mark.parametrize(
    ("responses", "named"),
    [
        ([[1, -1], [0, 1]], "-1"),
        ([[1, np.nan], [0, 1]], "nan"),
        ([[1, 2], [0, 1]], "2"),
        ([1, 0], r"\(2,\)"),
        ([[1, 0]], r"\(1, 2\)"),
        ([[1], [0]], r"\(2, 1\)"),
    ],
)
def test_bad_responses_are_named(responses: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        item_statistics(responses)  # type: ignore[arg-type]
