"""Write the orders of the coming week with the model in use, from the same features as in training."""

import sys
from pathlib import Path

import mlflow
import pandas as pd

from forecast.features import build
from forecast.orders import Line, order
from forecast.promote import IN_USE, NAME
from forecast.settings import params
from forecast.train import Models, load, predict

CRATES_ON_A_TRUCK = 420


def model_in_use() -> Models:
    """Return the model that was promoted last."""
    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{NAME}@{IN_USE}"))
    return load(next(folder.glob("*.txt")))


def lines(store: pd.DataFrame) -> list[Line]:
    """Return what the articles of one store need, one for each row."""
    quantiles = {name: float(name[1:]) / 100 for name in store.columns if name[0] == "q"}
    return [
        Line(
            row["article"],
            {level: float(row[name]) for name, level in quantiles.items()},
            row["left"],
            row["crate"],
            row["margin"],
            row["waste"],
        )
        for row in store.to_dict("records")
    ]


def plan(weeks: pd.DataFrame, stock: pd.DataFrame, models: Models) -> pd.DataFrame:
    """Return crates by store and article; `weeks` ends with the coming week, whose units nobody knows yet."""
    rows = build(weeks, params().lags)
    coming = rows[rows["week"] == rows["week"].max()]
    named = coming[["store", "article"]].astype("string").join(predict(models, coming))
    needed = named.merge(stock, on=["store", "article"], validate="one_to_one")
    orders = {store: order(lines(part), CRATES_ON_A_TRUCK) for store, part in needed.groupby("store")}
    return pd.DataFrame(orders).rename_axis("article").reset_index()


if __name__ == "__main__":
    history, shelf, target = map(Path, sys.argv[1:4])
    plan(pd.read_parquet(history), pd.read_parquet(shelf), model_in_use()).to_csv(target, index=False)
