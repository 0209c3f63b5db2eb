"""From till receipts to one row for each store, article and week."""

import sys
from pathlib import Path

import pandas as pd

KEYS = ["store", "article", "week"]


def drop_cancelled(receipts: pd.DataFrame) -> pd.DataFrame:
    """Leave out lines that were cancelled at the till, and the lines that they cancel."""
    cancelled = receipts.loc[receipts["cancels"].notna(), "cancels"]
    return receipts[receipts["cancels"].isna() & ~receipts["line"].isin(cancelled)]


def to_weeks(receipts: pd.DataFrame) -> pd.DataFrame:
    """Add up units by store, article and week; a week is named by its Monday."""
    monday = receipts["sold_at"].dt.tz_localize(None).dt.to_period("W-SUN").dt.start_time
    weeks = receipts.assign(week=monday).groupby(KEYS, as_index=False, observed=True)
    return weeks.agg(units=("units", "sum"), price=("price", "median"), district=("district", "first"))


def fill_quiet_weeks(weeks: pd.DataFrame, stock: pd.DataFrame) -> pd.DataFrame:
    """Add weeks without a sale: zero where the article was on the shelf, marked where it was sold out.

    A till does not write down what nobody could buy. Taken for zero demand, a shelf that was empty stays empty.
    """
    full = stock.merge(weeks, on=KEYS, how="left", validate="one_to_one")
    full["sold_out"] = full["days_in_stock"] < 5
    full["units"] = full["units"].fillna(0.0)
    for column in ("price", "district"):
        full[column] = full.groupby(["store", "article"], observed=True)[column].ffill()
    return full.dropna(subset=["price"])


def main() -> None:
    """Clean the receipts of a file."""
    source, target = map(Path, sys.argv[1:3])
    receipts = pd.read_csv(source, parse_dates=["sold_at"], dtype={"store": "string", "article": "string"})
    stock = pd.read_parquet(source.with_name("stock.parquet"))
    fill_quiet_weeks(to_weeks(drop_cancelled(receipts)), stock).to_parquet(target, index=False)


if __name__ == "__main__":
    main()
