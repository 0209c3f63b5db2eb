"""One sitting as measurement sees it: the questions it draws from, and the adaptive test replayed from stored answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from assessor.content.schema import Catalogue, Item
from assessor.measurement import adaptive, irt
from assessor.measurement.fusion import MIDDLE, EvidenceRow
from assessor.models.quiz import Answer, Attempt

__all__ = ["MOST_ALL", "MOST_ONE", "LayerResult", "Sitting", "bank", "shuffled"]

MOST_ALL, MOST_ONE = 40, 10
"""Questions of a test over all layers, and of a test of one."""

PRECISE = 0.45
"""Standard deviation, in levels, at which a layer is known well enough; a test ends early where all are."""

DISCRIMINATION = 1.2
"""Of every question until answers have calibrated it: the centre of the prior in measurement.md."""

RECALLED = 0.6
"""Probability of remembering the answer to a question that was asked before."""


@dataclass(frozen=True, slots=True)
class LayerResult:
    """Hold what one test says of one layer, 0..9, by itself: level and 90% interval, questions asked and right."""

    layer: int
    level: float
    low: float
    high: float
    asked: int
    right: int


class Sitting:
    """Replay an attempt: who saw which question before, what was answered, what to ask next, what it comes to."""

    def __init__(self, catalogue: Catalogue, attempt: Attempt, seen_before: Collection[str]) -> None:
        self._attempt = attempt
        self.items = bank(catalogue, attempt.layer, attempt.domain)
        self._places = {item.id: place for place, item in enumerate(self.items)}
        count = len(self.items)
        # A difficulty that only its author stated is known to within a level or so; that widens the interval.
        self._a = irt.blurred(np.full(count, DISCRIMINATION), irt.AUTHOR_SD)
        self._b = np.array([item.level - MIDDLE for item in self.items])
        self._c = np.array([item.key.guess for item in self.items])
        self._layer = np.array([item.layer - 1 for item in self.items], dtype=np.intp)
        self._seen = np.array([RECALLED if item.id in seen_before else 0.0 for item in self.items])
        self._answered = [one for one in attempt.answers if one.answered_at is not None and one.item_id in self._places]

    @property
    def layers(self) -> Sequence[int]:
        """Return the layers, 0..9, that have questions here."""
        return sorted(set(self._layer.tolist()))

    @property
    def most(self) -> int:
        """Return how many questions this sitting has at most."""
        return min(MOST_ALL if self._attempt.layer is None else MOST_ONE, len(self.items))

    @property
    def correlation(self) -> float:
        """Return the correlation between layers that the answers so far speak for."""
        return self._test.correlation if self.items else self._attempt.correlation

    def next_item(self) -> Item | None:
        """Return the question to ask next, or None where the sitting is over, also where the bank has none of it any more."""
        if len(self._attempt.answers) >= self.most:
            return None
        test = self._test
        enough = len(self._answered) >= 3 * len(self.layers)
        if enough and max(test.sds[self.layers]) <= PRECISE:
            return None
        place = test.next_item()
        return None if place is None else self.items[place]

    def width(self) -> float:
        """Return the mean width of the 90% intervals of the layers that are asked, in levels."""
        if not self.items:
            return 0.0
        return float(2 * NormalDist().inv_cdf(0.95) * np.mean(self._test.sds[self.layers]))

    def rows(self, time: float) -> list[EvidenceRow]:
        """Return a row of evidence for each layer that was asked."""
        if not self.items:
            return []
        source = f"quiz:{self._attempt.id}"
        return adaptive.evidence_rows(
            self._a, self._b, self._c, self._layer, self._marks(), time=time, source=source, seen=self._seen
        )

    def results(self) -> tuple[LayerResult, ...]:
        """Return what the answers say of each layer that was asked, by themselves and from the prior."""
        marks = self._marks()
        found = []
        for layer in self.layers:
            own = self._layer == layer
            asked = own & (marks >= 0)
            if not asked.any():
                continue
            guess = irt.recalled(self._c[own], self._seen[own])
            told = irt.estimate(self._a[own], self._b[own], guess, marks[own])
            low, level, high = (float(np.clip(MIDDLE + one, 0, 5)) for one in (told.lower, told.mean, told.upper))
            found.append(LayerResult(layer, level, low, high, int(asked.sum()), int((marks[asked] == 1).sum())))
        return tuple(found)

    def _marks(self) -> NDArray[np.int_]:
        marks = np.full(len(self.items), -1)
        for one in self._answered:
            marks[self._places[one.item_id]] = int(bool(one.right))
        return marks

    @cached_property
    def _test(self) -> adaptive.AdaptiveTest:
        shares: Mapping[str, float] = self._attempt.exposure
        test = adaptive.AdaptiveTest(
            self._a,
            self._b,
            self._c,
            self._layer,
            rng=np.random.default_rng(self._attempt.seed),
            exposure=np.array([shares.get(item.id, 0.0) for item in self.items]),
            seen=self._seen,
        )
        for one in self._answered:
            test.record(self._places[one.item_id], bool(one.right))
        return test


def bank(catalogue: Catalogue, layer: int | None, domain: str | None) -> tuple[Item, ...]:
    """Return the questions of a sitting: of one layer, 0..9, or all; of a layer that people choose one topic of, that one."""
    chosen = {one.id for one in catalogue.framework.layers if one.choose is not None}
    return tuple(
        item
        for item in catalogue.items.values()
        if (layer is None or item.layer == layer + 1) and (item.layer not in chosen or item.topic == domain)
    )


def shuffled(attempt: Attempt, answer: Answer, count: int) -> list[int]:
    """Return in which order a page shows options or entries, as places in the file; the same at every look."""
    return [int(place) for place in np.random.default_rng([attempt.seed, answer.place, 1]).permutation(count)]
