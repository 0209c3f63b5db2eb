"""Fit one model for each quantile, and record the run."""

import hashlib
import json
import sys
from pathlib import Path

import lightgbm as lgb
import mlflow
import pandas as pd

from forecast.settings import Params, params

NOT_FEATURES = ["units", "week", "sold_out", "days_in_stock"]

Models = dict[float, lgb.Booster]


def split_columns(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return features and target."""
    return rows.drop(columns=NOT_FEATURES), rows["units"]


def fit(rows: pd.DataFrame, given: Params) -> Models:
    """Return a model for each quantile; weeks that were sold out are no target, for nobody knows their demand."""
    features, units = split_columns(rows[~rows["sold_out"]])
    settings = {
        "learning_rate": given.learning_rate,
        "num_leaves": given.leaves,
        "min_data_in_leaf": given.min_rows_in_leaf,
        "lambda_l2": given.l2,
        "objective": "quantile",
        "seed": 0,
        "verbosity": -1,
    }
    data = lgb.Dataset(features, units, free_raw_data=False)
    return {alpha: lgb.train({**settings, "alpha": alpha}, data, given.rounds) for alpha in given.quantiles}


def predict(models: Models, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the quantiles in columns named q50, q80 ...; they never cross."""
    features, _ = split_columns(rows)
    found = {f"q{alpha * 100:g}": models[alpha].predict(features) for alpha in sorted(models)}
    return pd.DataFrame(found, index=rows.index).clip(lower=0).cummax(axis=1)


def save(models: Models, target: Path) -> None:
    """Write all models into one file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({str(alpha): model.model_to_string() for alpha, model in models.items()}))


def load(source: Path) -> Models:
    """Read what `save` wrote."""
    return {float(alpha): lgb.Booster(model_str=text) for alpha, text in json.loads(source.read_text()).items()}


def main() -> None:
    """Train on a file of features; the run names the version of the data by its digest."""
    source, target = map(Path, sys.argv[1:3])
    given = params()
    with mlflow.start_run():
        mlflow.log_params({"rounds": given.rounds, "leaves": given.leaves, "l2": given.l2})
        mlflow.set_tag("data_sha256", hashlib.sha256(source.read_bytes()).hexdigest())
        save(fit(pd.read_parquet(source), given), target)
        mlflow.log_artifact(str(target))


if __name__ == "__main__":
    main()
