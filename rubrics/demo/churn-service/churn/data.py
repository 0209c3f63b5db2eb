"""Read customers and refuse a batch that does not look like one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pandera as pa

MONTHS = 12
SCHEMA = pa.DataFrameSchema(
    {
        "customer": pa.Column(str, unique=True),
        "left": pa.Column(int, pa.Check.isin([0, 1])),
        **{f"spend_{month}": pa.Column(float, pa.Check.ge(0)) for month in range(MONTHS)},
    },
    strict=True,
)


def load(path: Path) -> pd.DataFrame:
    """Return the customers of a file; a batch against the schema stops the run."""
    return SCHEMA.validate(pd.read_csv(path), lazy=True)


def series(customers: pd.DataFrame) -> np.ndarray:
    """Return log spend by month, shape (customers, months)."""
    columns = [f"spend_{month}" for month in range(MONTHS)]
    return np.log1p(customers[columns].to_numpy(dtype=np.float32))
