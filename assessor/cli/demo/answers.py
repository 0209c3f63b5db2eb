"""Answer a quiz as somebody with a true level in each layer would: by the model that the measurement assumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from assessor.content.answers import ChoiceKey, NumericKey, OrderingKey, OutputKey
from assessor.content.schema import Item
from assessor.measurement.fusion import MIDDLE
from assessor.measurement.irt import probability
from assessor.models.quiz import Attempt
from assessor.services.quiz import Said
from assessor.services.quiz_page import CONFIDENCE
from assessor.services.sitting import DISCRIMINATION, shuffled
from assessor.services.unit import Unit

__all__ = ["Manner", "sit"]

UNSEEN = ("None", "0")
"""What people write who do not see what a program prints."""


@dataclass(frozen=True, slots=True)
class Manner:
    """Say how somebody answers: true levels in the ten layers, and how far they think too much of themselves."""

    levels: Sequence[float]
    bias: float

    @property
    def admits(self) -> float:
        """Return the probability of saying "I do not know" in place of a wrong answer."""
        return float(np.clip(0.45 - 0.2 * self.bias, 0.1, 0.8))

    def sure(self, p: float) -> int:
        """Return what they say of being right where they are with probability p."""
        felt = 100 * p + 15 * self.bias
        return min(CONFIDENCE, key=lambda one: abs(one - felt))


def sit(
    u: Unit,
    attempt: Attempt,
    manner: Manner,
    rng: np.random.Generator,
    *,
    stops: int | None,
    pass_time: Callable[[timedelta], None],
) -> None:
    """Answer one question after another until the attempt is finished, or finish it after `stops` questions."""
    while attempt.finished_at is None:
        waiting = next(one for one in attempt.answers if one.answered_at is None)
        if stops is not None and waiting.place > stops:
            u.quiz.finish(attempt.id)
            return
        pass_time(timedelta(seconds=int(rng.integers(15, 100))))
        item = u.catalogue.items[waiting.item_id]
        order = shuffled(attempt, waiting, _count(item))
        u.quiz.answer(attempt.id, waiting.place, item.version, _said(item, order, manner, rng))


def _said(item: Item, order: Sequence[int], manner: Manner, rng: np.random.Generator) -> Said:
    theta, b = manner.levels[item.layer - 1] - MIDDLE, item.level - MIDDLE
    p = float(probability(theta, DISCRIMINATION, b, item.key.guess))
    right = bool(rng.random() < p)
    if not right and rng.random() < manner.admits:
        return Said((), unknown=True)
    return Said(_values(item, order, rng, right=right), confidence=manner.sure(p) if rng.random() < 0.7 else None)


def _values(item: Item, order: Sequence[int], rng: np.random.Generator, *, right: bool) -> list[str]:
    """Return a right or a wrong answer as a page would send it; `order` is how the page shows places of the file."""
    match item.key:
        case ChoiceKey() as key:
            wrong = [place for place in range(len(key.options)) if place != key.right]
            return [str(order.index(key.right if right else int(rng.choice(wrong))))]
        case OrderingKey() as key:
            ranks = list(range(len(key.entries)))
            if not right:
                first = int(rng.integers(len(ranks) - 1))
                ranks[first], ranks[first + 1] = ranks[first + 1], ranks[first]
            return [str(ranks[place] + 1) for place in order]
        case NumericKey() as key:
            off = 0.0 if right else 2 * key.tolerance + abs(key.value) + 1
            return [repr(key.value + off)]
        case OutputKey() as key:
            return [key.texts[0] if right else next(text for text in UNSEEN if not key.marks(text))]


def _count(item: Item) -> int:
    match item.key:
        case ChoiceKey(options=options):
            return len(options)
        case OrderingKey(entries=entries):
            return len(entries)
    return 0
