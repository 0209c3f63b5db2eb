"""Features of a store, article and week, from what is known when the order is written.

Training and serving share them.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.settings import params

SERIES = ["store", "article"]
CATEGORIES = ["store", "article", "district"]


def lag_features(weeks: pd.DataFrame, lags: tuple[int, ...]) -> pd.DataFrame:
    """Return units so many weeks before, and their mean; a week that was sold out says nothing and stays missing."""
    seen = weeks["units"].where(~weeks["sold_out"])
    by_series = seen.groupby([weeks[name] for name in SERIES], observed=True)
    lagged = pd.DataFrame({f"lag_{lag}": by_series.shift(lag) for lag in lags}, index=weeks.index)
    return lagged.assign(lag_mean=lagged.mean(axis=1))


def season_features(week: pd.Series) -> pd.DataFrame:
    """Return where in the year a week is, without a jump between December and January."""
    angle = 2 * np.pi * week.dt.dayofyear / 365.25
    return pd.DataFrame({"season_sin": np.sin(angle), "season_cos": np.cos(angle)}, index=week.index)


def build(weeks: pd.DataFrame, lags: tuple[int, ...]) -> pd.DataFrame:
    """Return the features with the target beside them, in the order of time."""
    ordered = weeks.sort_values([*SERIES, "week"]).reset_index(drop=True)
    usual = ordered.groupby(SERIES, observed=True)["price"].transform(lambda price: price.shift(1).expanding().median())
    features = pd.concat([ordered, lag_features(ordered, lags), season_features(ordered["week"])], axis=1)
    features["discount"] = 1 - ordered["price"] / usual
    features[CATEGORIES] = features[CATEGORIES].astype("category")
    return features.sort_values("week", kind="stable").reset_index(drop=True)


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:3])
    build(pd.read_parquet(source), params().lags).to_parquet(target, index=False)
