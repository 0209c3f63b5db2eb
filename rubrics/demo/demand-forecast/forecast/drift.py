"""Compare last week with the data of training; exit 3 says that they drifted apart and a new model is due.

The population stability index of a column is the sum over bins of (p - q) ln(p / q).
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.settings import params

WATCHED = ["units", "price", "discount", "lag_mean"]
DRIFTED = 3
LEAST = 1e-4
"""A bin that is empty on one side counts as this share, or one odd receipt would be infinite drift."""


def psi(reference: pd.Series, current: pd.Series, bins: int) -> float:
    """Return the population stability index over quantile bins of the reference."""
    inner = np.unique(np.quantile(reference.dropna(), np.linspace(0, 1, bins + 1))[1:-1])
    edges = np.concatenate(([-np.inf], inner, [np.inf]))
    shares = [np.histogram(one.dropna(), edges)[0] / max(one.notna().sum(), 1) for one in (reference, current)]
    p, q = (np.clip(share, LEAST, None) for share in shares)
    return float(((p - q) * np.log(p / q)).sum())


def drifted(reference: pd.DataFrame, current: pd.DataFrame, limit: float, bins: int) -> dict[str, float]:
    """Return the columns that are over the limit, with their index."""
    found = {name: psi(reference[name], current[name], bins) for name in WATCHED}
    return {name: value for name, value in found.items() if value > limit}


def main() -> int:
    """Return 3 if a column drifted."""
    reference, current = (pd.read_parquet(Path(name)) for name in sys.argv[1:3])
    given = params().drift
    found = drifted(reference, current, given.max_psi, given.bins)
    for name, value in found.items():
        print(f"{name}: PSI {value:.3f} over {given.max_psi}")
    return DRIFTED if found else 0


if __name__ == "__main__":
    sys.exit(main())
