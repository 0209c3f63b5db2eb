"""Evaluation, drift and promotion."""

import numpy as np
import pandas as pd
import pytest

from forecast import promote as promotion
from forecast.drift import psi
from forecast.evaluate import folds, missed, wape
from forecast.settings import Thresholds

LEAST = Thresholds(wape=0.24, coverage_95=(0.93, 0.97), district_gap=0.05)
GOOD = {"wape": 0.2, "coverage_95": 0.95, "district_gap": 0.01}


def test_no_fold_sees_its_future():
    rows = pd.DataFrame({"week": pd.date_range("2023-01-02", periods=60, freq="W-MON")})
    for train, held in folds(rows, 4):
        assert train["week"].max() < held["week"].min()
        assert len(held) == 8


def test_wape_of_known_errors():
    units, forecast = pd.Series([10.0, 0.0, 30.0]), pd.Series([8.0, 2.0, 30.0])
    assert wape(units, forecast) == pytest.approx(0.1)


@pytest.mark.parametrize(("name", "value"), [("wape", 0.3), ("coverage_95", 0.99), ("district_gap", 0.06)])
def test_a_missed_threshold_is_named_and_stops_the_promotion(name, value):
    assert missed(GOOD, LEAST) == []
    assert missed(GOOD | {name: value}, LEAST) == [name]
    with pytest.raises(SystemExit, match=name):
        promotion.promote(None, GOOD | {name: value}, None)


def test_a_model_that_is_clearly_worse_is_not_promoted():
    assert promotion.worse({"wape": 0.22}, {"wape": 0.20})
    assert not promotion.worse({"wape": 0.203}, {"wape": 0.20})
    assert not promotion.worse({"wape": 0.9}, None)


def test_psi_is_zero_for_the_same_data_and_large_for_shifted_data():
    rng = np.random.default_rng(0)
    reference = pd.Series(rng.normal(size=5_000))
    assert psi(reference, reference, 10) == pytest.approx(0)
    assert psi(reference, pd.Series(rng.normal(size=5_000)), 10) < 0.02
    assert psi(reference, reference + 1, 10) > 0.2
