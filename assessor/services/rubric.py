"""What a review is written against: the topics of its layers with their anchors, and what was written so far."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from assessor.content.schema import Catalogue, Layer, Topic
from assessor.models.review import Review
from assessor.services.errors import Invalid

__all__ = ["NOTE_LENGTH", "RATINGS", "LayerRubric", "Rubric", "TopicLine", "Written", "rubric", "said", "written"]

RATINGS = tuple(half / 2 for half in range(11))
"""What a topic can be rated: 0 to 5 in halves. None says "cannot judge"."""

NOTE_LENGTH = 2_000
KEPT = ("\n", "\t")
"""Control characters that a text may have."""

TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the direction of all text behind them, that of the page around it too; letters bring their own."""


@dataclass(frozen=True, slots=True)
class Written:
    """Hold what a reviewer wrote: every topic has a rating or None, "cannot judge"; only notes with text are kept."""

    ratings: Mapping[str, float | None]
    notes: Mapping[str, str]

    @property
    def rated(self) -> dict[str, float]:
        """Return the topics that were judged, with their ratings."""
        return {key: rating for key, rating in self.ratings.items() if rating is not None}


@dataclass(frozen=True, slots=True)
class TopicLine:
    """Show one topic to rate: its six anchors are those of the framework as it is now."""

    topic: Topic
    rating: float | None
    note: str


@dataclass(frozen=True, slots=True)
class LayerRubric:
    """Show one layer to rate."""

    layer: Layer
    topics: tuple[TopicLine, ...]


@dataclass(frozen=True, slots=True)
class Rubric:
    """Show what the form of a review asks, filled with its draft, else with the version handed in last.

    `pinned` is the framework that was in force when the review was asked for, `current` the one whose anchors are
    shown. `dropped` are topics that were rated and that the framework has no more. `stamp` names the state of what is
    stored: a form that is sent with another one was opened before something else was saved.
    """

    layers: tuple[LayerRubric, ...]
    pinned: str
    current: str
    dropped: tuple[str, ...]
    stamp: str

    @property
    def changed(self) -> bool:
        """Tell whether the framework is another one than when the review was asked for."""
        return self.pinned != self.current

    @property
    def topics(self) -> tuple[TopicLine, ...]:
        """Return the topics of all layers."""
        return tuple(line for layer in self.layers for line in layer.topics)


def rubric(catalogue: Catalogue, review: Review) -> Rubric:
    """Return what the form of a review shows; layers that the framework has no more are left out."""
    kept = said(review)
    layers = _layers(catalogue, review)
    shown = {topic.key for layer in layers for topic in layer.topics}
    return Rubric(
        layers=tuple(
            LayerRubric(
                layer,
                tuple(TopicLine(one, kept.ratings.get(one.key), kept.notes.get(one.key, "")) for one in layer.topics),
            )
            for layer in layers
        ),
        pinned=review.framework_version,
        current=catalogue.framework.label,
        dropped=tuple(sorted((kept.rated.keys() | kept.notes.keys()) - shown)),
        stamp=_stamp(review),
    )


def said(review: Review) -> Written:
    """Return what stands in a review now: its draft, else the version handed in last, else nothing."""
    if review.draft is not None:
        return Written(review.draft.get("ratings", {}), review.draft.get("notes", {}))
    if review.versions:
        return Written(review.versions[-1].ratings, review.versions[-1].notes)
    return Written({}, {})


def written(
    catalogue: Catalogue, review: Review, ratings: Mapping[str, float | None], notes: Mapping[str, str]
) -> Written:
    """Check what somebody wrote and return it in the form that is stored. Raises Invalid, by the keys of topics."""
    topics = [topic.key for layer in _layers(catalogue, review) for topic in layer.topics]
    wrong = {key: f"This review has no topic {key!r}." for key in (*ratings, *notes) if key not in topics}
    for key, rating in ratings.items():
        if rating is not None and rating not in RATINGS:
            wrong[key] = "A rating is a number from 0 to 5 in halves, or left open."
    texts = {key: plain(notes.get(key, "")) for key in topics}
    for key, text in texts.items():
        if len(text) > NOTE_LENGTH:
            wrong[key] = f"A note has at most {NOTE_LENGTH:,} characters; this one has {len(text):,}."
    if wrong:
        raise Invalid(wrong)
    levels = {key: None if (rating := ratings.get(key)) is None else float(rating) for key in topics}
    return Written(levels, {key: text for key, text in texts.items() if text})


def plain(text: str) -> str:
    """Return a text with plain line ends, without control characters, which a database may not hold, and signs that turn it."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (sign for sign in lines if sign in KEPT or unicodedata.category(sign) not in ("Cc", "Cs"))
    return "".join(sign for sign in kept if sign not in TURNING).strip()


def _layers(catalogue: Catalogue, review: Review) -> list[Layer]:
    return [layer for layer in catalogue.framework.layers if layer.key in review.layers]


def _stamp(review: Review) -> str:
    state: list[Any] = [len(review.versions), review.draft]
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:16]
