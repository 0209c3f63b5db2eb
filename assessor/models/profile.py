"""Who is measured and by what: persons, their git identities, ratings, targets, and rows of evidence."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from assessor.models.base import Base, one_of

if TYPE_CHECKING:
    from assessor.models.account import UserAccount

__all__ = [
    "Confirmation",
    "Evidence",
    "Identity",
    "Instrument",
    "Look",
    "Person",
    "SelfRating",
    "StartDraft",
    "TargetChoice",
]

Instrument = Literal["quiz", "review", "self", "repo", "drill"]
Confirmation = Literal["mail", "commit", "panel"]
"""How an identity was confirmed: a mailed link, a commit that adds the challenge file, a panel for its candidate."""

LAYER = "layer BETWEEN 0 AND 9"


class Person(Base):
    """Name whoever is measured: the person of a user, or a candidate without an account."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"), unique=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[datetime]

    user: Mapped[UserAccount | None] = relationship(back_populates="person")
    identities: Mapped[list[Identity]] = relationship(cascade="all, delete-orphan", passive_deletes=True)


class Identity(Base):
    """Hold one git address that a person says is theirs, and how that was confirmed, if it was."""

    __tablename__ = "identity"
    __table_args__ = (
        UniqueConstraint("person_id", "email"),
        CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmed"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(254), index=True)
    challenge: Mapped[str] = mapped_column(String(64))
    confirmed_by: Mapped[Confirmation | None] = mapped_column(one_of(Confirmation, "confirmed_by"))
    confirmed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class TargetChoice(Base):
    """Record that a person chose a role target; the newest holds."""

    __tablename__ = "target_choice"
    __table_args__ = (Index(None, "person_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    role_key: Mapped[str] = mapped_column(String(60))
    role_version: Mapped[int]
    at: Mapped[datetime]


class SelfRating(Base):
    """Record how a person rated one layer; a level of None says "not rated". Never changed, only followed by others."""

    __tablename__ = "self_rating"
    __table_args__ = (
        CheckConstraint(LAYER, name="layer"),
        CheckConstraint("level BETWEEN 0 AND 5", name="level"),
        Index(None, "person_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    layer: Mapped[int]
    level: Mapped[float | None]
    framework_version: Mapped[str] = mapped_column(String(60))


class Evidence(Base):
    """Hold one row of evidence, as measurement.fusion takes it, and what made it.

    A repository's row that another replaced has `superseded_at` and counts no more. `at_ceiling` marks a row whose
    every shown topic is at its cap: it may raise a level and never lowers one.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        CheckConstraint(LAYER, name="layer"),
        CheckConstraint("share BETWEEN 0 AND 1", name="share"),
        CheckConstraint("noise_sd > 0", name="noise_sd"),
        Index(None, "person_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    layer: Mapped[int]
    level: Mapped[float]
    noise_sd: Mapped[float | None]
    instrument: Mapped[Instrument] = mapped_column(one_of(Instrument, "instrument"))
    source: Mapped[str] = mapped_column(String(200))
    share: Mapped[float] = mapped_column(default=1.0)
    reviewed: Mapped[bool] = mapped_column(default=False)
    at_ceiling: Mapped[bool] = mapped_column(default=False)
    superseded_at: Mapped[datetime | None]
    rating_id: Mapped[int | None] = mapped_column(ForeignKey("self_rating.id", ondelete="CASCADE"), index=True)
    analysis_id: Mapped[str | None] = mapped_column(ForeignKey("analysis.id", ondelete="SET NULL"), index=True)
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("quiz_attempt.id", ondelete="CASCADE"), index=True)
    review_id: Mapped[int | None] = mapped_column(ForeignKey("review.id", ondelete="CASCADE"), index=True)


class Look(Base):
    """Record that somebody else looked at a person's levels: once for each viewer, place and day.

    `place` names where, such as "team:platform"; `viewer` is the name they had, which outlives their account.
    """

    __tablename__ = "look"
    __table_args__ = (UniqueConstraint("person_id", "viewer_id", "place", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    viewer_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id", ondelete="SET NULL"))
    viewer: Mapped[str] = mapped_column(String(254))
    place: Mapped[str] = mapped_column(String(80))
    day: Mapped[str] = mapped_column(String(10))
    at: Mapped[datetime]


class StartDraft(Base):
    """Keep what somebody answered before having an account; the resume token itself is never stored."""

    __tablename__ = "start_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    answers: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
