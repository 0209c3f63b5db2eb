"""Item parameters from answers: the published values of two sections of the LSAT, priors, gaps and hard cases."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assessor.measurement import irt
from assessor.measurement.calibration import calibrate
from tests.measurement import lsat

# ltm(LSAT ~ z1), rasch(LSAT) and rasch(LSAT, constraint = cbind(6, 1)) of the R package ltm (Rizopoulos 2006); for LSAT7
# mirt(LSAT7, 1) of the R package mirt (Chalmers 2012), which prints slopes and intercepts.
LTM_A, LTM_B = [0.8254, 0.7229, 0.8905, 0.6886, 0.6575], [-3.3597, -1.3696, -0.2799, -1.8659, -3.1236]
LTM_SE_A, LTM_SE_B = [0.2581, 0.1867, 0.2326, 0.1852, 0.2100], [0.8669, 0.3073, 0.0997, 0.4341, 0.8700]
MIRT_A, MIRT_D = np.array([0.988, 1.081, 1.706, 0.765, 0.736]), np.array([1.856, 0.808, 1.804, 0.486, 1.855])


def simulate(
    people: int, items: int, seed: int, guess: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return responses and the a, b and c behind them."""
    rng = np.random.default_rng(seed)
    a, b, c = np.exp(rng.normal(math.log(1.2), 0.3, items)), rng.normal(0, 1, items), np.full(items, guess)
    p = irt.probability(rng.normal(size=(people, 1)), a, b, c)
    return (rng.random(p.shape) < p).astype(int), a, b, c


def test_lsat6_2pl() -> None:
    found = calibrate(lsat.PATTERNS, counts=lsat.LSAT6)
    np.testing.assert_allclose(found.a, LTM_A, atol=0.002)
    np.testing.assert_allclose(found.b, LTM_B, atol=0.01)
    np.testing.assert_allclose(found.se_a, LTM_SE_A, atol=0.002)
    np.testing.assert_allclose(found.se_b, LTM_SE_B, atol=0.005)
    assert found.log_likelihood == pytest.approx(-2466.653, abs=0.001)
    np.testing.assert_array_equal(found.c, np.zeros(5))


def test_lsat7_2pl() -> None:
    found = calibrate(lsat.PATTERNS, counts=lsat.LSAT7)
    np.testing.assert_allclose(found.a, MIRT_A, atol=0.002)
    np.testing.assert_allclose(found.b, -MIRT_D / MIRT_A, atol=0.01)
    assert found.log_likelihood == pytest.approx(-2658.805, abs=0.001)


def test_lsat6_1pl() -> None:
    found = calibrate(lsat.PATTERNS, counts=lsat.LSAT6, model="1pl")
    np.testing.assert_allclose(found.a, np.full(5, 0.7551), atol=0.0005)
    np.testing.assert_allclose(found.b, [-3.6153, -1.3224, -0.3176, -1.7301, -2.7802], atol=0.001)
    assert found.log_likelihood == pytest.approx(-2466.938, abs=0.001)


def test_lsat6_rasch() -> None:
    found = calibrate(lsat.PATTERNS, counts=lsat.LSAT6, model="rasch")
    np.testing.assert_array_equal(found.a, np.ones(5))
    np.testing.assert_array_equal(found.se_a, np.zeros(5))
    np.testing.assert_allclose(found.b, [-2.8720, -1.0630, -0.2576, -1.3881, -2.2188], atol=0.001)
    assert found.log_likelihood == pytest.approx(-2473.054, abs=0.001)


@pytest.mark.parametrize("model", ["1pl", "rasch"])
def test_lsat7_of_fewer_parameters_is_less_likely(model: str) -> None:
    full = calibrate(lsat.PATTERNS, counts=lsat.LSAT7)
    found = calibrate(lsat.PATTERNS, counts=lsat.LSAT7, model=model)  # type: ignore[arg-type]
    assert found.log_likelihood < full.log_likelihood
    assert len(set(found.a)) == 1


def test_people_and_counted_patterns_are_the_same() -> None:
    counted = calibrate(lsat.PATTERNS, counts=lsat.LSAT6)
    listed = calibrate(lsat.people(lsat.LSAT6))
    np.testing.assert_allclose(listed.b, counted.b)
    np.testing.assert_allclose(listed.se_a, counted.se_a)


@pytest.mark.parametrize("guess", [0.0, 0.25])
def test_recovers_what_made_the_answers(guess: float) -> None:
    responses, a, b, c = simulate(2000, 20, seed=5, guess=guess)
    found = calibrate(responses, guess=c)
    easy = b < 1.5  # what nearly nobody solves says little where guessing is likely
    assert np.sqrt(np.mean((found.b - b)[easy] ** 2)) < 0.2
    assert np.mean(np.abs(found.b - b) < 1.96 * found.se_b) >= 0.8
    assert np.mean(np.abs(found.a - a) < 1.96 * found.se_a) >= 0.8


def test_standard_errors_are_those_of_repetition() -> None:
    found = [calibrate(simulate_again(seed)) for seed in range(60)]
    spread = np.std([one.b for one in found], axis=0)
    stated = np.mean([one.se_b for one in found], axis=0)
    np.testing.assert_allclose(stated, spread, rtol=0.35)


def simulate_again(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    p = irt.probability(rng.normal(size=(400, 1)), 1.2, np.array([-0.8, -0.3, 0.0, 0.4, 0.9]), 0.0)
    return (rng.random(p.shape) < p).astype(int)


def test_missing_answers_are_left_out_not_wrong() -> None:
    responses, _, b, _ = simulate(1500, 20, seed=6)
    gaps = np.random.default_rng(0).random(responses.shape) < 0.4
    found = calibrate(np.where(gaps, -1, responses))
    assert np.sqrt(np.mean((found.b - b) ** 2)) < 0.25
    assert (found.se_b > calibrate(responses).se_b).all()


def test_author_priors_help_where_people_are_few() -> None:
    errors, stated_errors = [], []
    for seed in range(4):
        responses, _, b, _ = simulate(100, 30, seed=seed)
        stated = b + np.random.default_rng(seed).normal(0, 0.7, 30)
        errors.append(calibrate(responses, prior_b=stated).b - b)
        stated_errors.append(stated - b)
    assert np.sqrt(np.mean(np.square(errors))) <= 0.30
    assert np.sqrt(np.mean(np.square(stated_errors))) > 0.6


@pytest.mark.parametrize("model", ["2pl", "1pl", "rasch"])
def test_without_answers_a_prior_stays(model: str) -> None:
    responses = np.array([[1, -1], [0, -1], [1, -1], [0, -1]])
    found = calibrate(responses, model=model, prior_b=[0.0, 1.5])  # type: ignore[arg-type]
    assert found.b[1] == pytest.approx(1.5, abs=1e-6)
    assert found.se_b[1] == pytest.approx(0.7, abs=1e-6)
    if model == "2pl":
        assert found.a[1] == pytest.approx(1.2)
        assert found.se_a[1] == pytest.approx(1.2 * 0.4)


@pytest.mark.parametrize("model", ["2pl", "1pl", "rasch"])
def test_items_that_everybody_or_nobody_solves_have_no_bounded_difficulty(model: str) -> None:
    responses = np.random.default_rng(3).integers(0, 2, (60, 5))
    responses[:, 0], responses[:, 1] = 1, 0
    found = calibrate(responses, model=model)  # type: ignore[arg-type]
    assert found.b[0] < -4
    assert found.b[1] > 4
    assert np.isinf(found.se_b[:2]).all()
    assert np.isfinite(found.se_b[2:]).all()


def test_an_item_that_goes_against_the_rest_has_no_slope_to_speak_of() -> None:
    responses, *_ = simulate(600, 8, seed=9)
    responses[:, 2] = 1 - responses[:, 2]
    assert calibrate(responses).a[2] < 0.2


def test_a_bank_that_is_counted_in_blocks_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    responses, *_ = simulate(300, 7, seed=2)
    responses[::3, 4] = -1
    whole = calibrate(responses)
    monkeypatch.setattr("assessor.measurement.calibration.PAIRS", 1)
    monkeypatch.setattr("assessor.measurement.calibration.WIDE", 3)
    blocks = calibrate(responses)
    np.testing.assert_allclose(blocks.se_a, whole.se_a)
    np.testing.assert_allclose(blocks.se_b, whole.se_b)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"responses": [[1, 2], [0, 1]]}, "2"),
        ({"responses": [[1.0, math.nan], [0, 1]]}, "nan"),
        ({"responses": [1, 0]}, r"\(2,\)"),
        ({"responses": np.zeros((0, 3))}, r"\(0, 3\)"),
        ({"responses": [[1, -1], [0, -1]]}, "item 1"),
        ({"model": "3pl"}, "3pl"),
        ({"counts": [1]}, r"\(1,\)"),
        ({"counts": [1, -1]}, "-1"),
        ({"counts": [0, 0]}, "zero"),
        ({"guess": [0.2]}, r"\(1,\)"),
        ({"guess": [0.2, 1.0]}, "1.0"),
        ({"prior_b": [0.0]}, r"\(1,\)"),
        ({"prior_b": [0.0, math.inf]}, "inf"),
        ({"prior_b": [0.0, 0.0], "prior_b_sd": 0.0}, "0.0"),
    ],
)
def test_bad_input_is_named(changes: dict[str, object], named: str) -> None:
    good: dict[str, object] = {"responses": [[1, 0], [0, 1]]}
    with pytest.raises(ValueError, match=named):
        calibrate(**(good | changes))  # type: ignore[arg-type]
