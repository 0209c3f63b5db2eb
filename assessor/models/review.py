"""Reviews of people against the anchors of topics: who was asked, what is drafted, and every version handed in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from assessor.models.account import UserAccount
from assessor.models.base import Base, one_of
from assessor.models.profile import Person

__all__ = ["Review", "ReviewKind", "ReviewState", "ReviewVersion"]

ReviewKind = Literal["self", "peer", "panel"]
ReviewState = Literal["asked", "submitted", "declined", "withdrawn"]
"""Asked ones may have a draft. A declined one was given back by the reviewer, a withdrawn one ended because somebody left."""


class Review(Base):
    """Ask one reviewer about one person in some layers, by the anchors of a version of the framework.

    `rater` names the reviewer for good ("user:7"): rows of evidence share one offset by it, also when the account is
    gone. `draft` is what was saved and not handed in: {"ratings": {topic: level or None}, "notes": {topic: text}}.
    """

    __tablename__ = "review"
    __table_args__ = (
        UniqueConstraint("candidate_id", "reviewer_id"),
        CheckConstraint("(kind = 'panel') = (candidate_id IS NOT NULL)", name="panel"),
        Index(None, "person_id", "state"),
        Index(None, "reviewer_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[ReviewKind] = mapped_column(one_of(ReviewKind, "kind"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    rater: Mapped[str] = mapped_column(String(60))
    layers: Mapped[list[str]]
    candidate_id: Mapped[int | None] = mapped_column(ForeignKey("candidate.id", ondelete="CASCADE"))
    framework_version: Mapped[str] = mapped_column(String(60))
    state: Mapped[ReviewState] = mapped_column(one_of(ReviewState, "state"), default="asked")
    draft: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()
    reviewer: Mapped[UserAccount | None] = relationship()
    versions: Mapped[list[ReviewVersion]] = relationship(
        back_populates="review", order_by="ReviewVersion.number", cascade="all, delete-orphan", passive_deletes=True
    )


class ReviewVersion(Base):
    """Keep one version of a review as it was handed in, never changed; every version after the first says why it came.

    `framework_version` names the anchors that the reviewer had before them, which may be newer than when they were asked.
    """

    __tablename__ = "review_version"
    __table_args__ = (
        UniqueConstraint("review_id", "number"),
        CheckConstraint("number = 1 OR reason IS NOT NULL", name="reason"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id", ondelete="CASCADE"))
    number: Mapped[int]
    at: Mapped[datetime]
    ratings: Mapped[dict[str, Any]]
    notes: Mapped[dict[str, Any]]
    framework_version: Mapped[str] = mapped_column(String(60))
    reason: Mapped[str | None] = mapped_column(Text)

    review: Mapped[Review] = relationship(back_populates="versions")
