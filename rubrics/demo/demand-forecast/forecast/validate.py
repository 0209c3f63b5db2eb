"""Refuse data that is not what the model was built for; a run that goes on with it costs a truck of lettuce."""

import sys
from pathlib import Path

import pandas as pd
import pandera as pa

WEEKS = pa.DataFrameSchema(
    {
        "store": pa.Column("string", pa.Check.str_matches(r"^S\d{3}$")),
        "article": pa.Column("string"),
        "week": pa.Column("datetime64[ns]", pa.Check(lambda week: week.dt.dayofweek == 0, error="no Monday")),
        "units": pa.Column(float, pa.Check.in_range(0, 50_000)),
        "price": pa.Column(float, pa.Check.gt(0)),
        "sold_out": pa.Column(bool),
        "district": pa.Column("string"),
        "days_in_stock": pa.Column(int, pa.Check.in_range(0, 7)),
    },
    unique=["store", "article", "week"],
    strict=True,
)

MOST_SOLD_OUT = 0.15
"""Share of weeks from which on a delivery problem hides the demand, and a person has to look."""


def validate(weeks: pd.DataFrame) -> pd.DataFrame:
    """Return the weeks if they fit. Raises SchemaErrors, or ValueError for too many empty shelves or a missing week."""
    checked = WEEKS.validate(weeks, lazy=True)
    share = checked["sold_out"].mean()
    if share > MOST_SOLD_OUT:
        raise ValueError(f"{share:.0%} of the weeks were sold out; at most {MOST_SOLD_OUT:.0%} are expected")
    known = checked["week"].drop_duplicates().sort_values()
    gaps = known.diff().dropna() != pd.Timedelta(weeks=1)
    if gaps.any():
        raise ValueError(f"the week before {known[gaps.index[gaps]].iloc[0]:%Y-%m-%d} is missing")
    return checked


if __name__ == "__main__":
    validate(pd.read_parquet(Path(sys.argv[1])))
