"""Measure on weeks that come after those of training, by district too; a figure over its threshold fails the run."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from sklearn.metrics import mean_pinball_loss
from sklearn.model_selection import TimeSeriesSplit

from forecast.settings import Params, Thresholds, params
from forecast.train import fit, predict

WEEKS_HELD_OUT = 8
LAST_YEAR = "lag_52"


def folds(rows: pd.DataFrame, count: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield training and held-out rows; every fold ends later, and none sees a week of its future."""
    weeks = np.sort(rows["week"].unique())
    for before, held in TimeSeriesSplit(n_splits=count, test_size=WEEKS_HELD_OUT).split(weeks):
        yield rows[rows["week"].isin(weeks[before])], rows[rows["week"].isin(weeks[held])]


def wape(units: pd.Series, forecast: pd.Series) -> float:
    """Return the sum of absolute errors over the sum of sales: a store that sells nothing does not divide by zero."""
    return float((units - forecast).abs().sum() / units.sum())


def figures(held: pd.DataFrame, forecast: pd.DataFrame) -> dict[str, float]:
    """Return WAPE with its baseline, loss and coverage, and how much worse the worst district fares than the best."""
    units = held["units"]
    districts = held.groupby("district", observed=True).groups.values()
    by_district = [wape(units[rows], forecast.loc[rows, "q50"]) for rows in districts]
    return {
        "wape": wape(units, forecast["q50"]),
        "wape_last_year": wape(units, held[LAST_YEAR].fillna(0)),
        "pinball_95": float(mean_pinball_loss(units, forecast["q95"], alpha=0.95)),
        "coverage_95": float((units <= forecast["q95"]).mean()),
        "district_gap": max(by_district) - min(by_district),
    }


def evaluate(rows: pd.DataFrame, given: Params) -> dict[str, float]:
    """Return the figures over all folds."""
    parts = []
    for train, held in folds(rows, given.folds):
        known = held[~held["sold_out"]]
        parts.append((known, predict(fit(train, given), known)))
    return figures(pd.concat([held for held, _ in parts]), pd.concat([forecast for _, forecast in parts]))


def missed(found: dict[str, float], least: Thresholds) -> list[str]:
    """Return the names of the figures that miss their threshold."""
    low, high = least.coverage_95
    return [
        *["wape"] * (found["wape"] > least.wape),
        *["coverage_95"] * (not low <= found["coverage_95"] <= high),
        *["district_gap"] * (found["district_gap"] > least.district_gap),
    ]


def main() -> int:
    """Write the figures, and return 1 if one misses its threshold."""
    source, target = map(Path, sys.argv[1:3])
    found = evaluate(pd.read_parquet(source), params())
    target.write_text(json.dumps(found, indent=2))
    with mlflow.start_run():
        mlflow.log_metrics(found)
    for name in missed(found, params().thresholds):
        print(f"{name} is {found[name]:.3f} and misses its threshold", file=sys.stderr)
    return int(bool(missed(found, params().thresholds)))


if __name__ == "__main__":
    sys.exit(main())
