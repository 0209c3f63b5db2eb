"""What the page of a review shows: who sees what of it, what was handed in, and the trace of what changed; no query here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from assessor.content.schema import Catalogue, Topic
from assessor.models.account import UserAccount
from assessor.models.review import Review, ReviewVersion
from assessor.services.permissions import Actor
from assessor.services.rubric import Rubric, rubric

__all__ = ["LEFT", "Change", "Mode", "RatedTopic", "ReviewPage", "VersionLine", "name_of", "review_page", "subject_of"]

LEFT = "somebody who left"

Mode = Literal["write", "wait", "read", "ended"]
"""The reviewer writes, the other side waits, both read what was handed in; an ended review says how it ended."""


@dataclass(frozen=True, slots=True)
class RatedTopic:
    """Show one topic as it was judged: `anchors` are the levels and sentences that the rating stands at or between."""

    key: str
    name: str
    rating: float | None
    note: str
    anchors: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Show what an amendment changed of one topic; `note` tells that its note is another one."""

    name: str
    before: float | None
    after: float | None
    note: bool


@dataclass(frozen=True, slots=True)
class VersionLine:
    """Show one version that was handed in; the first one has no reason and no changes."""

    number: int
    at: datetime
    reason: str | None
    framework: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """Show a review to one of its two sides. `rubric` is there for its reviewer alone, and not once it has ended."""

    review: Review
    mode: Mode
    title: str
    reviewer: str
    subject: str
    writes: bool
    own: bool
    topics: tuple[RatedTopic, ...]
    trace: tuple[VersionLine, ...]
    rubric: Rubric


def name_of(user: UserAccount | None) -> str:
    """Return how a user is called; one whose account is gone has no name any more."""
    return LEFT if user is None else user.name or user.email


def subject_of(review: Review) -> str:
    """Return how the person is called that a review is about."""
    return review.person.name or name_of(review.person.user)


def review_page(catalogue: Catalogue, review: Review, actor: Actor) -> ReviewPage:
    """Put the page of a review together for its reviewer or for the person it is about."""
    topics = catalogue.framework.topics
    names = {layer.key: layer.name for layer in catalogue.framework.layers}
    writes = actor.user_id == review.reviewer_id
    last = review.versions[-1] if review.versions else None
    return ReviewPage(
        review=review,
        mode=_mode(review, writes=writes),
        title=", ".join(names.get(key, key) for key in review.layers),
        reviewer=name_of(review.reviewer),
        subject=subject_of(review),
        writes=writes,
        own=actor.person_id == review.person_id,
        topics=_rated(topics, last) if last is not None else (),
        trace=tuple(
            VersionLine(one.number, one.at, one.reason, one.framework_version, _changes(topics, before, one))
            for before, one in zip([None, *review.versions], review.versions, strict=False)
        ),
        rubric=rubric(catalogue, review),
    )


def _mode(review: Review, *, writes: bool) -> Mode:
    match review.state:
        case "asked":
            return "write" if writes else "wait"
        case "submitted":
            return "read"
        case _:
            return "ended"


def _rated(topics: Mapping[str, Topic], version: ReviewVersion) -> tuple[RatedTopic, ...]:
    return tuple(
        RatedTopic(key, _name(topics, key), rating, version.notes.get(key, ""), _anchors(topics.get(key), rating))
        for key, rating in version.ratings.items()
    )


def _anchors(topic: Topic | None, rating: float | None) -> tuple[tuple[int, str], ...]:
    if topic is None or rating is None:
        return ()
    low = int(rating)
    return tuple((level, topic.anchors[level]) for level in ((low,) if rating == low else (low, low + 1)))


def _changes(topics: Mapping[str, Topic], before: ReviewVersion | None, after: ReviewVersion) -> tuple[Change, ...]:
    if before is None:
        return ()
    keys = dict.fromkeys((*after.ratings, *before.ratings))
    found = (
        Change(
            _name(topics, key),
            before.ratings.get(key),
            after.ratings.get(key),
            note=before.notes.get(key, "") != after.notes.get(key, ""),
        )
        for key in keys
    )
    return tuple(one for one in found if one.note or one.before != one.after)


def _name(topics: Mapping[str, Topic], key: str) -> str:
    return topics[key].name if key in topics else key
