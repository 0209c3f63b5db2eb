"""The fits that a process keeps: what was fitted once is not fitted again, in bounded memory, for all threads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assessor.measurement import fusion
from assessor.models.profile import Instrument
from assessor.services.parameters import Parameters, Severity

__all__ = ["KEPT_BYTES", "Kept", "Values", "fit_values", "fits"]

Floats = NDArray[np.float64]

KEPT_BYTES = 96 * 2**20
"""Memory that a process gives to fits: enough for a team of 200 people with 180 rows each."""

BYTES_A_ROW, BYTES_A_FIT = 900, 4_000
"""What a fit holds beside its matrix, by measurement: rows, their values in the key, arrays, deviations."""

Values = tuple[Any, ...]
"""What fusion.EvidenceRow holds, in its order: a key of these is made and compared much faster than of rows."""

SOURCE, INSTRUMENT = 5, 4
"""Where in the values source and instrument stand."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Hold a fit, which of the given rows each of its own is, and the deviations that were asked for so far.

    `places` are the rows of each instrument there is.
    """

    profile: fusion.Profile
    order: tuple[int, ...]
    places: Mapping[Instrument, NDArray[np.intp]]
    deviations: dict[datetime, Floats]

    @property
    def size(self) -> int:
        """Return the bytes it takes: the inverse Cholesky factor of n rows holds n x n numbers."""
        count = len(self.order)
        return 8 * count * count + BYTES_A_ROW * count + BYTES_A_FIT


Key = tuple[fusion.Hyper, tuple[tuple[str, Severity], ...], tuple[Values, ...]]


class Fits:
    """Keep the fits that were used last, up to so many bytes.

    A key holds everything a fit depends on, so that none is ever out of date.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = 0
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> Kept | None:
        """Return a fit, which is the one used last from now on, or None."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Key, fit: Kept) -> None:
        """Keep a fit and forget the ones that were not used for longest; one that is too big alone is not kept."""
        with self._lock:
            if key in self._kept or fit.size > self.most:
                return
            self._kept[key] = fit
            self.size += fit.size
            while self.size > self.most:
                self.size -= self._kept.popitem(last=False)[1].size

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self.size = 0

    def __len__(self) -> int:
        return len(self._kept)


fits = Fits(KEPT_BYTES)
"""The fits of this process."""


def fit_values(rows: Sequence[Values], parameters: Parameters) -> Kept:
    """Return the fit of rows, from those kept where it is there; two threads at once may both work it out."""
    raters = (row[SOURCE] for row in rows if row[INSTRUMENT] == "review") if parameters.severities else ()
    key = (parameters.hyper, parameters.severities_of(raters), tuple(rows))
    found = fits.get(key)
    if found is None:
        given = [fusion.EvidenceRow(*row) for row in rows]
        order = {id(row): place for place, row in enumerate(given)}  # equal rows may stand for different stored ones
        profile = fusion.fit(given, hyper=parameters.hyper, severities=dict(key[1]))
        places: dict[Instrument, list[int]] = {}
        for place, row in enumerate(profile.rows):
            places.setdefault(row.instrument, []).append(place)
        found = Kept(
            profile=profile,
            order=tuple(order[id(row)] for row in profile.rows),
            places={name: np.array(one, dtype=np.intp) for name, one in places.items()},
            deviations={},
        )
        fits.put(key, found)
    return found
