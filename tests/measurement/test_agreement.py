"""Agreement of raters: the published examples, what is left undefined, what cannot be a table."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from assessor.measurement.agreement import cohen_kappa, fleiss_kappa, icc, krippendorff_alpha

GAP = math.nan

# Krippendorff (2011), Computing Krippendorff's alpha-reliability, section E: four observers, twelve units.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3],
    [GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP],
]
# Fleiss (1971), table 1: six psychiatrists, thirty patients; depression, personality disorder, schizophrenia, neurosis, other.
DIAGNOSES = """00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
               00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"""
# Cohen (1968): two psychiatrists, 200 patients; personality disorder, neurosis, psychosis.
PATIENTS = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
# Shrout and Fleiss (1979), table 2: six targets, four judges.
TARGETS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


@pytest.mark.parametrize(
    ("level", "alpha"), [("nominal", 0.743421), ("ordinal", 0.815388), ("interval", 0.849107), ("ratio", 0.797403)]
)
def test_krippendorff_with_missing_ratings(level: str, alpha: float) -> None:
    assert krippendorff_alpha(OBSERVERS, level) == pytest.approx(alpha, abs=1e-5)  # type: ignore[arg-type]


def test_krippendorff_of_two_observers() -> None:
    binary = [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]
    assert krippendorff_alpha(binary, "nominal") == pytest.approx(0.095238, abs=1e-5)
    letters = [["abcde".index(letter) for letter in word] for word in ("aabbdcccedda", "babbbccceddd")]
    assert krippendorff_alpha(letters, "nominal") == pytest.approx(0.691964, abs=1e-5)


def test_fleiss() -> None:
    counts = [[int(digit) for digit in row] for row in DIAGNOSES.split()]
    assert np.sum(counts, axis=0).tolist() == [26, 26, 30, 55, 43]
    assert fleiss_kappa(counts) == pytest.approx(0.430245, abs=1e-5)


def test_cohen() -> None:
    assert cohen_kappa(PATIENTS) == pytest.approx(0.491525, abs=1e-5)
    weighted = cohen_kappa(PATIENTS, [[0, 1, 3], [1, 0, 6], [3, 6, 0]])
    assert weighted == pytest.approx(0.347826, abs=1e-5)
    assert cohen_kappa(PATIENTS, "linear") == pytest.approx(0.473684, abs=1e-5)
    assert cohen_kappa(PATIENTS, "quadratic") == pytest.approx(0.454545, abs=1e-5)
    assert cohen_kappa(np.array(PATIENTS) / 200) == pytest.approx(cohen_kappa(PATIENTS))


def test_shrout_and_fleiss() -> None:
    found = icc(TARGETS)
    single = [found.icc1, found.icc2, found.icc3]
    mean = [found.icc1k, found.icc2k, found.icc3k]
    np.testing.assert_allclose(single, [0.165742, 0.289764, 0.714841], atol=1e-5)
    np.testing.assert_allclose(mean, [0.442797, 0.620051, 0.909316], atol=1e-5)


@given(arrays(np.int64, (3, 8), elements=st.integers(1, 5)), st.permutations(range(3)), st.permutations(range(8)))
def test_neither_the_order_of_raters_nor_that_of_units_matters(
    ratings: np.ndarray, raters: list[int], units: list[int]
) -> None:
    for level in ("nominal", "ordinal", "interval", "ratio"):
        alpha = krippendorff_alpha(ratings, level)  # type: ignore[arg-type]
        again = krippendorff_alpha(ratings[raters][:, units], level)  # type: ignore[arg-type]
        assert alpha == pytest.approx(again, nan_ok=True)
        assert not alpha > 1


@given(arrays(np.int64, (2, 12), elements=st.integers(0, 3)))
def test_full_agreement_is_one(ratings: np.ndarray) -> None:
    ratings[1] = ratings[0]
    table = np.zeros((4, 4))
    np.add.at(table, tuple(ratings), 1)
    varied = len(set(ratings[0])) > 1
    for kappa in (krippendorff_alpha(ratings, "interval"), cohen_kappa(table), fleiss_kappa(2 * np.eye(4)[ratings[0]])):
        assert kappa == pytest.approx(1.0) if varied else math.isnan(kappa)


def test_a_harsh_judge_spoils_agreement_but_not_consistency() -> None:
    rng = np.random.default_rng(1)
    fair = rng.normal(size=40)
    ratings = np.column_stack([fair, fair - 1.5, fair]) + rng.normal(0, 0.1, (40, 3))
    found = icc(ratings)
    assert found.icc3 > 0.95
    assert found.icc2 < 0.7


def test_what_nothing_can_be_said_about_is_not_a_number() -> None:
    assert math.isnan(krippendorff_alpha([[3, 3], [3, 3]], "ordinal"))
    assert math.isnan(krippendorff_alpha([[1, GAP], [GAP, 2]], "nominal"))
    assert math.isnan(krippendorff_alpha([[GAP, GAP]], "nominal"))
    assert math.isnan(fleiss_kappa([[3, 0], [3, 0]]))
    assert math.isnan(cohen_kappa([[5, 0], [0, 0]]))
    assert math.isnan(icc([[2, 2], [2, 2]]).icc2)


def test_bad_ratings_are_named() -> None:
    with pytest.raises(ValueError, match="furlong"):
        krippendorff_alpha(OBSERVERS, "furlong")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="inf"):
        krippendorff_alpha([[1, math.inf], [1, 2]], "interval")
    with pytest.raises(ValueError, match="-1"):
        krippendorff_alpha([[1, -1], [1, 2]], "ratio")
    for function in (fleiss_kappa, cohen_kappa, icc):
        for table, named in (([], r"\(0,\)"), ([1, 2], r"\(2,\)"), ([[1.0, GAP], [1.0, 1.0]], "nan")):
            with pytest.raises(ValueError, match=named):
                function(table)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("counts", "named"), [([[1, 2], [2, 2]], "3.0, 4.0"), ([[1, 0]], "1.0"), ([[1.5, 1.5]], "1.5"), ([[-1, 3]], "-1")]
)
def test_bad_counts_are_named(counts: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        fleiss_kappa(counts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("table", "weights", "named"),
    [
        ([[1, 2, 3], [1, 2, 3]], None, r"\(2, 3\)"),
        ([[1, -2], [1, 2]], None, "-2"),
        ([[0, 0], [0, 0]], None, "0"),
        ([[1, 2], [1, 2]], "cubic", "cubic"),
        ([[1, 2], [1, 2]], [[0, 1, 1]], r"\(1, 3\)"),
        ([[1, 2], [1, 2]], [[1, 1], [1, 0]], "diagonal"),
    ],
)
def test_bad_tables_and_weights_are_named(table: object, weights: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        cohen_kappa(table, weights)  # type: ignore[arg-type]


def test_one_judge_is_not_enough() -> None:
    with pytest.raises(ValueError, match=r"\(3, 1\)"):
        icc([[1], [2], [3]])
