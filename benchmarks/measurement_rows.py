"""A row of the table: what is measured, what was reached, what must be reached."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Row", "least", "most", "rmse", "told"]


@dataclass(frozen=True)
class Row:
    """Hold one line; `holds` is None where a figure is printed and not judged."""

    measure: str
    reached: str
    required: str
    holds: bool | None


def most(measure: str, value: float, limit: float, digits: int = 3) -> Row:
    """Judge a figure that must not pass a limit."""
    return Row(measure, f"{value:.{digits}f}", f"<= {limit:g}", bool(value <= limit))


def least(measure: str, value: float, limit: float, digits: int = 3, upper: float | None = None) -> Row:
    """Judge a figure that must reach a limit, and stay below another one where it is given."""
    required = f">= {limit:g}" if upper is None else f"{limit:g} .. {upper:g}"
    return Row(measure, f"{value:.{digits}f}", required, bool(limit <= value <= (np.inf if upper is None else upper)))


def told(measure: str, reached: str, required: str = "-") -> Row:
    """Print a figure that is not judged, such as that of a peer or an absolute time."""
    return Row(measure, reached, required, None)


def rmse(errors: object) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(errors))))
