"""Cleaning, validation and features."""

import pandas as pd
import pandera.errors
import pytest

from forecast.features import build, lag_features
from forecast.ingest import drop_cancelled, fill_quiet_weeks
from forecast.validate import validate

MONDAYS = pd.date_range("2024-01-01", periods=4, freq="W-MON")


def weeks(**changes):
    rows = {
        "store": "S001",
        "article": "milk",
        "week": MONDAYS,
        "units": [10.0, 20.0, 0.0, 40.0],
        "price": 1.0,
        "sold_out": [False, False, True, False],
        "district": "north",
        "days_in_stock": 7,
    }
    frame = pd.DataFrame(rows | changes)
    return frame.astype({name: "string" for name in ("store", "article", "district")})


def test_a_cancelled_line_goes_with_the_line_that_cancels_it():
    receipts = pd.DataFrame({"line": [1, 2, 3], "cancels": [None, None, 1], "units": [5, 6, -5]})
    assert drop_cancelled(receipts)["line"].tolist() == [2]


def test_an_empty_shelf_is_not_zero_demand():
    stock = pd.DataFrame({"store": "S001", "article": "milk", "week": MONDAYS, "days_in_stock": [7, 7, 2, 7]})
    sold = weeks().iloc[[0, 1]][["store", "article", "week", "units", "price", "district"]]
    full = fill_quiet_weeks(sold, stock.astype({"store": "string", "article": "string"}))
    assert full["units"].tolist() == [10, 20, 0, 0]
    assert full["sold_out"].tolist() == [False, False, True, False]


@pytest.mark.parametrize(
    "changes",
    [{"units": [-1.0, 0.0, 0.0, 0.0]}, {"price": 0.0}, {"store": "1"}, {"week": MONDAYS + pd.Timedelta(days=1)}],
    ids=lambda changes: next(iter(changes)),
)
def test_what_does_not_fit_the_schema_stops_the_run(changes):
    with pytest.raises(pandera.errors.SchemaErrors):
        validate(weeks(**changes))


def test_a_missing_week_stops_the_run():
    with pytest.raises(ValueError, match="missing"):
        validate(weeks(sold_out=False).drop(index=1))


def test_a_lag_looks_back_and_skips_empty_shelves():
    lagged = lag_features(weeks(), (1,))["lag_1"]
    assert lagged.isna().tolist() == [True, False, False, True]
    assert lagged.iloc[1] == 10


def test_no_feature_of_a_week_depends_on_that_week_or_a_later_one():
    changed = weeks(units=[10.0, 20.0, 0.0, 999.0])
    kept = [name for name in build(weeks(), (1, 2)).columns if name != "units"]
    assert build(weeks(), (1, 2))[kept].equals(build(changed, (1, 2))[kept])
