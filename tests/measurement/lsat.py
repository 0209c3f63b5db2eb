"""LSAT sections 6 and 7, as Bock and Lieberman (1970) print them: how many of 1,000 people answered in each way."""

from __future__ import annotations

import itertools

import numpy as np

PATTERNS = np.array(list(itertools.product([0, 1], repeat=5)))
"""From 00000 to 11111; the first item is the slowest to change."""

LSAT6 = np.array(
    [3, 6, 2, 11, 1, 1, 3, 4, 1, 8, 0, 16, 0, 3, 2, 15, 10, 29, 14, 81, 3, 28, 15, 80, 16, 56, 21, 173, 11, 61, 28, 298]
)
LSAT7 = np.array(
    [
        12,
        19,
        1,
        7,
        3,
        19,
        3,
        17,
        10,
        5,
        3,
        7,
        7,
        23,
        8,
        28,
        7,
        39,
        11,
        34,
        14,
        51,
        15,
        90,
        6,
        25,
        7,
        35,
        18,
        136,
        32,
        308,
    ]
)


def people(counts: np.ndarray) -> np.ndarray:
    """Return one row per person, (1000, 5)."""
    return np.repeat(PATTERNS, counts, axis=0)
