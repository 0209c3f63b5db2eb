"""What a layer lacks to be verified and fresh, and how far a quiz or a review of today would bring it; no query here.

The weights and the width of an interval follow from what speaks of a layer and how precisely, not from what it says: so
they are known before the quiz is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np

from assessor.measurement import fusion
from assessor.measurement.fusion import MIDDLE, VERIFYING_SHARE, EvidenceRow
from assessor.services.evidence import HALF, Fitted, years
from assessor.services.profile_view import LayerView
from assessor.services.quiz import COOL_DOWN
from assessor.services.standing import STALE

__all__ = ["Outlook", "Way", "WayKind", "outlook"]

WayKind = Literal["quiz", "review", "both"]

LAYER_QUIZ_NOISE = 0.7
"""Noise of the row that a quiz of one layer makes: the median of ten questions of the bank, asked of simulated people."""

SOMEBODY_NEW = "somebody who never rated"


@dataclass(frozen=True, slots=True)
class Way:
    """Say what one more piece of evidence would come to: the share that verifies, and half the 90% interval in levels."""

    kind: WayKind
    share: float
    half: float

    @property
    def verifies(self) -> bool:
        """Tell whether the level would be verified."""
        return self.share >= VERIFYING_SHARE


@dataclass(frozen=True, slots=True)
class Outlook:
    """Say how far a layer is verified and fresh, and what would help.

    `share` is the weight of quizzes and independent reviews, `half` is half the 90% interval, `half_then` the same at
    the last evidence. `old_since` is None while the evidence is fresh, `quiz_from` while a quiz can be taken at once.
    """

    share: float
    half: float
    half_then: float
    old_since: datetime | None
    quiz: Way
    review: Way
    both: Way
    quiz_from: datetime | None

    @property
    def quickest(self) -> WayKind | None:
        """Return what verifies soonest: a quiz takes minutes, a review the time of a colleague; None where both do not."""
        if self.quiz.verifies and self.quiz_from is None:
            return "quiz"
        if self.review.verifies:
            return "review"
        if self.quiz.verifies:
            return "quiz"
        return "both" if self.both.verifies else None


def outlook(fitted: Fitted, view: LayerView, at: datetime) -> Outlook:
    """Work out the outlook of a measured layer at the time of its view."""
    layer, last = view.layer, view.last_at
    assert last is not None
    assert view.sd is not None
    index, time = layer.id - 1, years(at)
    topics = layer.choose or len(layer.topics)
    quiz = [EvidenceRow(time, index, MIDDLE, LAYER_QUIZ_NOISE, "quiz", "a quiz of today")]
    review = [EvidenceRow(time, index, MIDDLE, None, "review", SOMEBODY_NEW)] * topics
    return Outlook(
        share=view.verifying,
        half=HALF * view.sd,
        half_then=HALF * float(fitted.sd_then(last)[index]),
        old_since=_old_since(fitted, index, last, at) if view.stale else None,
        quiz=_way("quiz", fitted, index, quiz, at),
        review=_way("review", fitted, index, review, at),
        both=_way("both", fitted, index, quiz + review, at),
        quiz_from=_quiz_from(fitted, index, at),
    )


def _way(kind: WayKind, fitted: Fitted, index: int, more: Sequence[EvidenceRow], at: datetime) -> Way:
    """Fit the evidence again with some more."""
    looked_at = kind != "quiz"  # whoever reviews a layer looks at what repositories show of it
    known = [
        replace(row, reviewed=True) if looked_at and row.instrument == "repo" and row.layer == index else row
        for row in fitted.profile.rows
    ]
    used = fitted.parameters
    profile = fusion.fit([*known, *more], hyper=used.hyper, severities=used.severities)
    weights = np.abs(profile.weights(years(at))[index])
    counts = np.array([row.instrument in ("quiz", "review") for row in profile.rows])
    share = float(weights[counts].sum() / weights.sum())
    return Way(kind, share, HALF * float(profile.sd(years(at))[index]))


def _old_since(fitted: Fitted, index: int, last: datetime, at: datetime) -> datetime:
    """Return when the interval of a layer had grown enough for its evidence to be called old, to the day."""
    limit = STALE * float(fitted.sd_then(last)[index])
    fresh, old = last, at
    while (old - fresh).days >= 1:
        middle = fresh + (old - fresh) / 2
        if float(fitted.profile.sd(years(middle))[index]) > limit:
            old = middle
        else:
            fresh = middle
    return old


def _quiz_from(fitted: Fitted, index: int, at: datetime) -> datetime | None:
    """Return when a quiz of this layer alone can be taken again, None where it can be at once."""
    layers: dict[int | None, set[int]] = {}
    for row in fitted.rows:
        if row.instrument == "quiz":
            layers.setdefault(row.attempt_id, set()).add(row.layer)
    alone = {attempt for attempt, one in layers.items() if one == {index} and attempt is not None}
    last = max((row.at for row in fitted.rows if row.attempt_id in alone and row.instrument == "quiz"), default=None)
    return last + COOL_DOWN if last is not None and at < last + COOL_DOWN else None
